/* SPDX-License-Identifier: BSD-3-Clause */
/* Outputs over the network: send to a receiver, serve connected clients. */

#include "output.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/** A receiver that takes nothing for this long is given up. */
#define STALL_MS 5000
#define RECONNECT_MS 1000u
#define CLIENTS_MAX 256u

/**
 * Sends all octets, waiting while the socket is full.
 *
 * @param[out] sent  octets that went out
 * @return false: connection failed or nothing moved for STALL_MS
 */
static bool send_all(int fd, const char *data, size_t length, size_t *sent)
{
    *sent = 0;
    while (*sent < length) {
        ssize_t n = send(fd, data + *sent, length - *sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n >= 0) {
            *sent += (size_t)n;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            struct pollfd p = {.fd = fd, .events = POLLOUT};
            if (poll(&p, 1, STALL_MS) <= 0) {
                return false;
            }
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

/* ---- send -------------------------------------------------------------------------------------
 */

struct send_output {
    struct output base;
    col_instance_t *instance;
    const struct output_options *options;
    int fd; /* -1 while not connected */
    uint64_t next_try_ms;
    uint64_t lost;
};

static int connect_to(const struct output_options *options)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC};
    struct addrinfo *list;
    char port[8];
    int fd = -1;

    hints.ai_socktype = options->protocol == OUTPUT_UDP ? SOCK_DGRAM : SOCK_STREAM;
    snprintf(port, sizeof(port), "%u", options->port);
    if (getaddrinfo(options->ip, port, &hints, &list) != 0) {
        errno = EHOSTUNREACH;
        return -1;
    }
    for (struct addrinfo *a = list; a != NULL && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
            int reason = errno;
            close(fd);
            fd = -1;
            errno = reason;
        }
    }
    int reason = errno;
    freeaddrinfo(list);
    errno = reason;
    return fd;
}

static bool send_write(struct output *output, const char *line, size_t length)
{
    struct send_output *o = (struct send_output *)output;
    size_t sent;

    if (o->fd >= 0 && o->options->protocol == OUTPUT_UDP) {
        /* A refused datagram tells of an earlier one; nobody listening is no failure of this end.
         */
        return send(o->fd, line, length, MSG_NOSIGNAL) == (ssize_t)length;
    }
    if (o->fd >= 0) {
        if (send_all(o->fd, line, length, &sent)) {
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

    if (o->fd >= 0 || now_ms < o->next_try_ms) {
        return;
    }
    o->next_try_ms = now_ms + RECONNECT_MS;
    o->fd = connect_to(o->options);
    if (o->fd >= 0) {
        col_log(o->instance, COL_LOG_WARNING, "connected to %s:%u again, %llu records were lost",
                o->options->ip, o->options->port, (unsigned long long)o->lost);
        o->lost = 0;
    }
}

static void send_destroy(struct output *output)
{
    struct send_output *o = (struct send_output *)output;

    if (o->fd >= 0) {
        close(o->fd);
    }
    free(o);
}

struct output *output_send_create(col_instance_t *instance, const struct output_options *options)
{
    struct send_output *o = calloc(1, sizeof(*o));
    if (o == NULL) {
        return NULL;
    }
    o->base = (struct output){send_write, send_tick, send_destroy};
    o->instance = instance;
    o->options = options;
    o->fd = connect_to(options);
    if (o->fd < 0) {
        col_log(instance, COL_LOG_ERROR, "cannot connect to %s:%u: %s", options->ip, options->port,
                strerror(errno));
        send_destroy(&o->base);
        return NULL;
    }
    return &o->base;
}

/* ---- server -----------------------------------------------------------------------------------
 */

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

static bool server_write(struct output *output, const char *line, size_t length)
{
    struct server_output *o = (struct server_output *)output;
    bool all = true;
    size_t sent;

    for (unsigned i = 0; i < o->client_count;) {
        int taken = o->blocking ? (send_all(o->clients[i].fd, line, length, &sent) ? 1 : -1)
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

static void server_destroy(struct output *output)
{
    struct server_output *o = (struct server_output *)output;
    size_t sent;

    for (unsigned i = 0; i < o->client_count; i++) {
        if (o->clients[i].rest != NULL) {
            send_all(o->clients[i].fd, o->clients[i].rest, o->clients[i].rest_length, &sent);
        }
        free(o->clients[i].rest);
        close(o->clients[i].fd);
    }
    if (o->fd >= 0) {
        close(o->fd);
    }
    free(o);
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
    o->base = (struct output){server_write, server_tick, server_destroy};
    o->instance = instance;
    o->blocking = options->blocking == OUTPUT_BLOCKING_YES;
    o->fd = listen_on(options->port);
    if (o->fd < 0) {
        col_log(instance, COL_LOG_ERROR, "cannot listen on port %u: %s", options->port,
                strerror(errno));
        server_destroy(&o->base);
        return NULL;
    }
    return &o->base;
}
