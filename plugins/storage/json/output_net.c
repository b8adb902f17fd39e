/* SPDX-License-Identifier: BSD-3-Clause */
/* Outputs over the network: send to a receiver, serve connected clients. */

#include "output.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/** A receiver that does not take a line within this time is given up. */
#define STALL_MS 5000u
/** The same once the collector stops; and the least each client of a server gets. */
#define SHORT_STALL_MS 500u
#define CLIENT_STALL_MS 100u
#define CONNECT_MS 5000u
#define STEP_MS 50
#define RECONNECT_MS 1000u
#define CLIENTS_MAX 256u

static uint64_t stall_deadline(const col_instance_t *instance)
{
    return col_clock_ms() + (col_stopping(instance) ? SHORT_STALL_MS : STALL_MS);
}

/** Waits a moment for room in a socket; false when the time is over. */
static bool wait_for_room(const col_instance_t *instance, int fd, uint64_t *deadline_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    uint64_t now_ms = col_clock_ms();

    if (now_ms >= *deadline_ms) {
        return false;
    }
    if (col_stopping(instance) && *deadline_ms > now_ms + SHORT_STALL_MS) {
        *deadline_ms = now_ms + SHORT_STALL_MS;
    }
    (void)poll(&p, 1, STEP_MS);
    return true;
}

/**
 * Sends all octets, waiting while the socket is full.
 *
 * @return false: connection failed or not everything was taken by the deadline
 */
static bool send_all(const col_instance_t *instance, int fd, const char *data, size_t length,
                     uint64_t deadline_ms)
{
    size_t sent = 0;

    while (sent < length) {
        ssize_t n = send(fd, data + sent, length - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n >= 0) {
            sent += (size_t)n;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            if (!wait_for_room(instance, fd, &deadline_ms)) {
                return false;
            }
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

/* ---- send ------------------------------------------------------------------------------------ */

struct send_output {
    struct output base;
    col_instance_t *instance;
    const struct output_options *options;
    int fd; /* -1 while not connected */
    /* An attempt to connect under way; it never stops the other outputs. */
    int pending;                /* -1 = none */
    struct addrinfo *addresses; /* of the attempt */
    const struct addrinfo *at;  /* the one of `pending` */
    uint64_t pending_ms;        /* until when it may take */
    int reason;                 /* errno of the last failure */
    uint64_t next_try_ms;
    uint64_t lost;
};

static void end_attempt(struct send_output *o)
{
    if (o->addresses != NULL) {
        freeaddrinfo(o->addresses);
    }
    o->addresses = NULL;
    o->at = NULL;
}

/** Begins to connect to the current address or one behind it; ends the attempt without any. */
static void try_addresses(struct send_output *o, uint64_t now_ms)
{
    for (; o->at != NULL && o->fd < 0 && o->pending < 0; o->at = o->at->ai_next) {
        const struct addrinfo *a = o->at;
        int flags = SOCK_CLOEXEC | (a->ai_socktype == SOCK_STREAM ? SOCK_NONBLOCK : 0);
        int fd = socket(a->ai_family, a->ai_socktype | flags, a->ai_protocol);
        if (fd < 0) {
            o->reason = errno;
        } else if (connect(fd, a->ai_addr, a->ai_addrlen) == 0) {
            o->fd = fd;
        } else if (errno == EINPROGRESS) {
            o->pending = fd;
            o->pending_ms = now_ms + CONNECT_MS;
        } else {
            o->reason = errno;
            close(fd);
        }
    }
    if (o->pending < 0) {
        end_attempt(o);
    }
}

static void begin_attempt(struct send_output *o, uint64_t now_ms)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC};
    char port[8];

    hints.ai_socktype = o->options->protocol == OUTPUT_UDP ? SOCK_DGRAM : SOCK_STREAM;
    snprintf(port, sizeof(port), "%u", o->options->port);
    if (getaddrinfo(o->options->ip, port, &hints, &o->addresses) != 0) {
        o->addresses = NULL;
        o->reason = EHOSTUNREACH;
        return;
    }
    o->at = o->addresses;
    try_addresses(o, now_ms);
}

/** Looks at the connection under way, waiting at most so long. */
static void follow_attempt(struct send_output *o, uint64_t now_ms, int wait_ms)
{
    struct pollfd p = {.fd = o->pending, .events = POLLOUT};
    int failure = 0;
    socklen_t size = sizeof(failure);

    if (poll(&p, 1, wait_ms) == 1) {
        if (getsockopt(o->pending, SOL_SOCKET, SO_ERROR, &failure, &size) != 0) {
            failure = errno;
        }
    } else if (now_ms >= o->pending_ms) {
        failure = ETIMEDOUT;
    } else {
        return;
    }
    if (failure == 0) {
        o->fd = o->pending;
        o->pending = -1;
        end_attempt(o);
        return;
    }
    o->reason = failure;
    close(o->pending);
    o->pending = -1;
    try_addresses(o, now_ms);
}

static bool send_write(struct output *output, const char *line, size_t length)
{
    struct send_output *o = (struct send_output *)output;

    if (o->fd >= 0 && o->options->protocol == OUTPUT_UDP) {
        /* A refused datagram tells of an earlier one; nobody listening is no failure of this end.
         */
        return send(o->fd, line, length, MSG_NOSIGNAL) == (ssize_t)length;
    }
    if (o->fd >= 0) {
        if (send_all(o->instance, o->fd, line, length, stall_deadline(o->instance))) {
            return true;
        }
        col_log(o->instance, COL_LOG_WARNING, "connection to %s:%u is lost, reconnecting",
                o->options->ip, o->options->port);
        close(o->fd);
        o->fd = -1;
    }
    o->lost++;
    return false;
}

static void send_tick(struct output *output, uint64_t now_ms)
{
    struct send_output *o = (struct send_output *)output;

    if (o->fd >= 0 || (o->pending < 0 && now_ms < o->next_try_ms)) {
        return;
    }
    if (o->pending < 0) {
        o->next_try_ms = now_ms + RECONNECT_MS;
        begin_attempt(o, now_ms);
    }
    if (o->pending >= 0) {
        follow_attempt(o, now_ms, 0);
    }
    if (o->fd >= 0) {
        col_log(o->instance, COL_LOG_WARNING, "connected to %s:%u again, %llu records were lost",
                o->options->ip, o->options->port, (unsigned long long)o->lost);
        o->lost = 0;
    }
}

static uint64_t send_destroy(struct output *output)
{
    struct send_output *o = (struct send_output *)output;

    if (o->fd >= 0) {
        close(o->fd);
    }
    if (o->pending >= 0) {
        close(o->pending);
    }
    end_attempt(o);
    free(o);
    return 0;
}

struct output *output_send_create(col_instance_t *instance, const struct output_options *options)
{
    struct send_output *o = calloc(1, sizeof(*o));
    if (o == NULL) {
        return NULL;
    }
    o->base = (struct output){.write = send_write, .tick = send_tick, .destroy = send_destroy};
    o->instance = instance;
    o->options = options;
    o->fd = o->pending = -1;
    begin_attempt(o, col_clock_ms());
    while (o->pending >= 0 && !col_stopping(instance)) {
        follow_attempt(o, col_clock_ms(), STEP_MS);
    }
    if (o->fd < 0) {
        col_log(instance, COL_LOG_ERROR, "cannot connect to %s:%u: %s", options->ip, options->port,
                strerror(o->reason));
        (void)send_destroy(&o->base);
        return NULL;
    }
    return &o->base;
}

/* ---- server ---------------------------------------------------------------------------------- */

/** A connected client and the rest of a line it took only partly. */
struct client {
    int fd;
    char *rest;
    size_t rest_length;
};

struct server_output {
    struct output base;
    col_instance_t *instance;
    bool blocking;
    int fd;
    struct client clients[CLIENTS_MAX];
    unsigned client_count;
};

static void drop_client(struct server_output *o, unsigned i)
{
    close(o->clients[i].fd);
    free(o->clients[i].rest);
    o->clients[i] = o->clients[--o->client_count];
    col_log(o->instance, COL_LOG_INFO, "a client has gone, %u left", o->client_count);
}

static void accept_clients(struct server_output *o)
{
    for (;;) {
        int fd = accept4(o->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            return;
        }
        if (o->client_count == CLIENTS_MAX) {
            col_log(o->instance, COL_LOG_WARNING, "refused a client: %u are connected",
                    CLIENTS_MAX);
            close(fd);
            continue;
        }
        o->clients[o->client_count++] = (struct client){.fd = fd};
        col_log(o->instance, COL_LOG_INFO, "a client has connected, %u in all", o->client_count);
    }
}

/** Sends the rest of an earlier line. 1 nothing left, 0 still busy, -1 failed. */
static int flush_rest(struct client *c)
{
    if (c->rest == NULL) {
        return 1;
    }
    ssize_t n = send(c->fd, c->rest, c->rest_length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) {
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
    }
    c->rest_length -= (size_t)n;
    memmove(c->rest, c->rest + n, c->rest_length);
    if (c->rest_length > 0) {
        return 0;
    }
    free(c->rest);
    c->rest = NULL;
    return 1;
}

/** A line to a client that may skip it. 1 taken, 0 skipped, -1 failed. */
static int offer_line(struct client *c, const char *line, size_t length)
{
    int ready = flush_rest(c);
    if (ready != 1) {
        return ready;
    }
    ssize_t n = send(c->fd, line, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) {
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
    }
    if ((size_t)n < length) {
        c->rest = malloc(length - (size_t)n);
        if (c->rest == NULL) {
            return -1; /* half a line cannot be finished: the client must go */
        }
        c->rest_length = length - (size_t)n;
        memcpy(c->rest, line + n, c->rest_length);
    }
    return 1;
}

/** A line to a client that gets all of them. 1 taken, -1 failed. Clients before it may have used up
 * the time for this line; it has a moment all the same. */
static int give_line(const struct server_output *o, const struct client *c, const char *line,
                     size_t length, uint64_t deadline_ms)
{
    uint64_t least_ms = col_clock_ms() + CLIENT_STALL_MS;
    return send_all(o->instance, c->fd, line, length,
                    deadline_ms > least_ms ? deadline_ms : least_ms)
               ? 1
               : -1;
}

static bool server_write(struct output *output, const char *line, size_t length)
{
    struct server_output *o = (struct server_output *)output;
    uint64_t deadline_ms = o->blocking ? stall_deadline(o->instance) : 0;
    bool all = true;

    for (unsigned i = 0; i < o->client_count;) {
        int taken = o->blocking ? give_line(o, &o->clients[i], line, length, deadline_ms)
                                : offer_line(&o->clients[i], line, length);
        all = all && taken == 1;
        if (taken < 0) {
            drop_client(o, i);
        } else {
            i++;
        }
    }
    return all;
}

/** Whether the client has closed its end; what it says is nobody's business. */
static bool client_gone(const struct client *c)
{
    char ignored[256];
    ssize_t n = recv(c->fd, ignored, sizeof(ignored), MSG_DONTWAIT);

    return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

static void server_tick(struct output *output, uint64_t now_ms)
{
    struct server_output *o = (struct server_output *)output;

    (void)now_ms;
    accept_clients(o);
    for (unsigned i = 0; i < o->client_count;) {
        if (client_gone(&o->clients[i]) || flush_rest(&o->clients[i]) < 0) {
            drop_client(o, i);
        } else {
            i++;
        }
    }
}

static uint64_t server_destroy(struct output *output)
{
    struct server_output *o = (struct server_output *)output;
    uint64_t deadline_ms = col_clock_ms() + SHORT_STALL_MS;

    for (unsigned i = 0; i < o->client_count; i++) {
        if (o->clients[i].rest != NULL) {
            (void)send_all(o->instance, o->clients[i].fd, o->clients[i].rest,
                           o->clients[i].rest_length, deadline_ms);
        }
        free(o->clients[i].rest);
        close(o->clients[i].fd);
    }
    if (o->fd >= 0) {
        close(o->fd);
    }
    free(o);
    return 0;
}

static int listen_on(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 10) != 0) {
        int reason = errno;
        close(fd);
        errno = reason;
        return -1;
    }
    return fd;
}

struct output *output_server_create(col_instance_t *instance, const struct output_options *options)
{
    struct server_output *o = calloc(1, sizeof(*o));
    if (o == NULL) {
        return NULL;
    }
    o->base =
        (struct output){.write = server_write, .tick = server_tick, .destroy = server_destroy};
    o->instance = instance;
    o->blocking = options->blocking == OUTPUT_BLOCKING_YES;
    o->fd = listen_on(options->port);
    if (o->fd < 0) {
        col_log(instance, COL_LOG_ERROR, "cannot listen on port %u: %s", options->port,
                strerror(errno));
        (void)server_destroy(&o->base);
        return NULL;
    }
    return &o->base;
}
