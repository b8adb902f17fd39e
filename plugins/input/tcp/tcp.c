/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Input plugin: IPFIX over TCP.
 *
 * All connections share one large buffer for reading: what a connection had left of an incomplete
 * message is put in front, the socket is read behind it, whole messages are handed over, and the
 * rest is kept with the connection. So an idle connection costs no buffer, and a busy one few
 * system calls.
 */
#include <ipfixcol/framing.h>
#include <ipfixcol/plugin.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* One read of one connection: enough for speed, little enough to be fair to the others. */
#define READ_SIZE (256u * 1024u)
#define BUFFER_SIZE (IPFIX_MESSAGE_MAX_LENGTH + READ_SIZE)
/* While stopping: until nothing has come for so long, and at most so long. */
#define DRAIN_QUIET_MS 200
#define DRAIN_LIMIT_MS 2000u
/* Connections served per call. */
#define EVENT_MAX 16
#define ACCEPT_MAX 64
/* Descriptors connections leave to the rest of the collector, at most a quarter of all: whoever
 * opens connections without end must not keep storages from opening their next file. */
#define RESERVED_MAX 64u

struct tcp_options {
    uint16_t port;
    char *address;
    struct col_option_list tls;
};

struct tls_options {
    char *ca_file;
    char *certificate;
    char *key;
};

static const struct col_option tls_option_table[] = {
    {.name = "localCAfile",
     .type = COL_STRING,
     .offset = offsetof(struct tls_options, ca_file),
     .help = "PEM file of certificate authorities"},
    {.name = "localServerCert",
     .type = COL_STRING,
     .offset = offsetof(struct tls_options, certificate),
     .help = "PEM file of the certificate"},
    {.name = "localServerCertKey",
     .type = COL_STRING,
     .offset = offsetof(struct tls_options, key),
     .help = "PEM file of the private key"},
    {0},
};

static const struct col_option tcp_option_table[] = {
    {.name = "name", .type = COL_IGNORED, .help = "comment"},
    {.name = "localPort",
     .type = COL_UINT16,
     .offset = offsetof(struct tcp_options, port),
     .preset = "4739",
     .min = 1,
     .max = 65535,
     .first_wins = true,
     .help = "port to listen on"},
    {.name = "localIPAddress",
     .type = COL_STRING,
     .offset = offsetof(struct tcp_options, address),
     .first_wins = true,
     .help = "IPv4 or IPv6 address to listen on; empty = all"},
    {.name = "templateLifeTime", .type = COL_IGNORED, .help = "templates over TCP do not age"},
    {.name = "optionsTemplateLifeTime", .type = COL_IGNORED, .help = "the same"},
    {.name = "templateLifePacket", .type = COL_IGNORED, .help = "the same"},
    {.name = "optionsTemplateLifePacket", .type = COL_IGNORED, .help = "the same"},
    {.name = "transportLayerSecurity",
     .type = COL_LIST,
     .offset = offsetof(struct tcp_options, tls),
     .rows = tls_option_table,
     .item_size = sizeof(struct tls_options),
     .help = "refused: TLS is not available in this build"},
    {0},
};

enum { COUNTER_CONNECTIONS, COUNTER_FRAMING };
static const char *const tcp_counters[] = {"connections accepted", "connections with bad framing",
                                           NULL};

struct connection {
    int fd;
    const struct ipfix_session *session;
    struct connection *previous, *next;
    uint8_t *rest; /* octets of an incomplete message */
    size_t rest_length;
};

struct tcp_input {
    col_instance_t *instance;
    int listener;
    int epoll;
    bool listening;
    uint64_t listen_again_ms;
    struct connection *connections;
    struct col_log_limit accept_limit;
    struct sockaddr_storage local;
    uint8_t buffer[BUFFER_SIZE];
};

/* ---- listening ------------------------------------------------------------------------------- */

static bool make_address(const char *text, uint16_t port, struct sockaddr_storage *address,
                         socklen_t *length)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    memset(address, 0, sizeof(*address));
    if (text != NULL && inet_pton(AF_INET, text, &in.sin_addr) == 1) {
        memcpy(address, &in, sizeof(in));
        *length = sizeof(in);
        return true;
    }
    if (text == NULL || text[0] == '\0') {
        in6.sin6_addr = in6addr_any;
    } else if (inet_pton(AF_INET6, text, &in6.sin6_addr) != 1) {
        return false;
    }
    memcpy(address, &in6, sizeof(in6));
    *length = sizeof(in6);
    return true;
}

static int open_listener(const struct sockaddr_storage *address, socklen_t length)
{
    int on = 1;
    int off = 0;
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (address->ss_family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    }
    if (bind(fd, (const struct sockaddr *)address, length) != 0 || listen(fd, SOMAXCONN) != 0) {
        int reason = errno;
        close(fd);
        errno = reason;
        return -1;
    }
    return fd;
}

static int start_listening(struct tcp_input *input, const struct tcp_options *settings)
{
    socklen_t length;
    const char *text = settings->address;

    (void)make_address(text, settings->port, &input->local, &length); /* has been checked */
    input->listener = open_listener(&input->local, length);
    if (input->listener < 0 && errno == EAFNOSUPPORT && (text == NULL || text[0] == '\0')) {
        (void)make_address("0.0.0.0", settings->port, &input->local, &length);
        input->listener = open_listener(&input->local, length);
    }
    if (input->listener < 0) {
        col_log(input->instance, COL_LOG_ERROR, "cannot listen on %s port %u: %s",
                text == NULL || text[0] == '\0' ? "all addresses" : text, settings->port,
                strerror(errno));
        return COL_ERR;
    }
    return COL_OK;
}

static bool watch(struct tcp_input *input, int fd, void *pointer)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = pointer};
    return epoll_ctl(input->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void pause_listening(struct tcp_input *input)
{
    if (input->listening) {
        (void)epoll_ctl(input->epoll, EPOLL_CTL_DEL, input->listener, NULL);
        input->listening = false;
        input->listen_again_ms = col_clock_ms() + 1000;
    }
}

static void resume_listening(struct tcp_input *input)
{
    if (!input->listening && input->listener >= 0) {
        input->listening = watch(input, input->listener, &input->listener);
    }
}

/* ---- connections ----------------------------------------------------------------------------- */

static void connection_close(struct tcp_input *input, struct connection *connection)
{
    if (connection->previous != NULL) {
        connection->previous->next = connection->next;
    } else {
        input->connections = connection->next;
    }
    if (connection->next != NULL) {
        connection->next->previous = connection->previous;
    }
    close(connection->fd); /* leaves the epoll set, too */
    col_session_close(input->instance, connection->session);
    free(connection->rest);
    free(connection);
    resume_listening(input); /* a descriptor is free again */
}

/* An IPv4 peer of a socket for both families is an IPv4 peer. */
static void unmap(struct sockaddr_storage *address)
{
    struct sockaddr_in6 in6;
    memcpy(&in6, address, sizeof(in6));
    if (address->ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
        return;
    }
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = in6.sin6_port};
    memcpy(&in.sin_addr, &in6.sin6_addr.s6_addr[12], 4);
    memset(address, 0, sizeof(*address));
    memcpy(address, &in, sizeof(in));
}

static struct connection *connection_create(struct tcp_input *input, int fd,
                                            const struct sockaddr_storage *peer)
{
    struct ipfix_session_info info = {.transport = IPFIX_TRANSPORT_TCP, .peer = *peer};
    socklen_t length = sizeof(info.local);
    if (getsockname(fd, (struct sockaddr *)&info.local, &length) != 0) {
        info.local = input->local;
    }
    unmap(&info.peer);
    unmap(&info.local);

    struct connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL) {
        return NULL;
    }
    connection->fd = fd;
    connection->session = col_session_open(input->instance, &info);
    if (connection->session == NULL || !watch(input, fd, connection)) {
        if (connection->session != NULL) {
            col_session_close(input->instance, connection->session);
        }
        free(connection);
        return NULL;
    }
    connection->next = input->connections;
    if (connection->next != NULL) {
        connection->next->previous = connection;
    }
    input->connections = connection;
    return connection;
}

static rlim_t reserved(rlim_t limit)
{
    return limit / 4 < RESERVED_MAX ? limit / 4 : RESERVED_MAX;
}

/* A new descriptor gets the lowest free number, so that number tells how many are in use. */
static bool descriptors_left(const struct tcp_input *input)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return true;
    }
    int lowest = fcntl(input->listener, F_DUPFD_CLOEXEC, 0);
    if (lowest < 0) {
        return false;
    }
    close(lowest);
    return (rlim_t)lowest + reserved(limit.rlim_cur) < limit.rlim_cur;
}

/* Descriptors or memory are short: the queue of the kernel holds new connections meanwhile. */
static void cannot_accept(struct tcp_input *input, int reason)
{
    struct rlimit limit = {0};
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    if (reason == EMFILE) {
        col_log_limited(input->instance, &input->accept_limit, COL_LOG_ERROR,
                        "no more connections: the limit of %llu open files is reached (%llu are "
                        "kept for storages); raise it (ulimit -n, or LimitNOFILE= of the systemd "
                        "unit)",
                        (unsigned long long)limit.rlim_cur,
                        (unsigned long long)reserved(limit.rlim_cur));
    } else {
        col_log_limited(input->instance, &input->accept_limit, COL_LOG_ERROR,
                        "cannot accept connections: %s", strerror(reason));
    }
    pause_listening(input);
}

/* Returns whether more may be waiting. */
static bool accept_connections(struct tcp_input *input)
{
    int on = 1;
    for (unsigned i = 0; i < ACCEPT_MAX; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t length = sizeof(peer);
        if (!descriptors_left(input)) {
            cannot_accept(input, EMFILE);
            return false;
        }
        int fd = accept4(input->listener, (struct sockaddr *)&peer, &length,
                         SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                cannot_accept(input, errno);
                return false;
            }
            if (errno == EAGAIN || errno == EWOULDBLOCK) {
                return false;
            }
            continue; /* errors of the connection that was to be accepted, see accept(2) */
        }
        (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
        if (connection_create(input, fd, &peer) == NULL) {
            close(fd);
            cannot_accept(input, ENOMEM);
            return false;
        }
        col_count(input->instance, COUNTER_CONNECTIONS, 1);
    }
    return true;
}

/* ---- messages -------------------------------------------------------------------------------- */

/* Hands over the whole messages in the buffer; *used octets of it. */
static int split(struct tcp_input *input, struct connection *connection, size_t length,
                 size_t *used)
{
    size_t message_length;
    int status;

    *used = 0;
    while ((status = ipfix_framing_next(input->buffer + *used, length - *used, &message_length)) ==
           COL_OK) {
        /* A message that is wrong inside was told and dropped; the framing is still good. */
        (void)col_input_message(input->instance, connection->session, input->buffer + *used,
                                message_length);
        *used += message_length;
    }
    return status == COL_EOF ? COL_OK : status;
}

/* Keeps what is left of the buffer with the connection. */
static bool keep_rest(struct connection *connection, const uint8_t *octets, size_t length)
{
    if (length == 0) {
        free(connection->rest);
        connection->rest = NULL;
    } else {
        uint8_t *rest = realloc(connection->rest, length);
        if (rest == NULL) {
            return false;
        }
        memcpy(rest, octets, length);
        connection->rest = rest;
    }
    connection->rest_length = length;
    return true;
}

static void bad_framing(struct tcp_input *input, struct connection *connection, const uint8_t *at)
{
    /* Both octets are there when the version is wrong, all four when only the length is. */
    unsigned version = be16toh(lnf_load_u16(at));
    col_count(input->instance, COUNTER_FRAMING, 1);
    col_input_malformed(input->instance);
    if (version != IPFIX_VERSION) {
        col_log(input->instance, COL_LOG_WARNING,
                "%s: IPFIX version doesn't match (%u instead of 10); connection closed",
                connection->session->name, version);
    } else {
        col_log(input->instance, COL_LOG_WARNING,
                "%s: message length %u is below 16; connection closed", connection->session->name,
                be16toh(lnf_load_u16(at + 2)));
    }
}

static void end_of_stream(struct tcp_input *input, struct connection *connection, int reason)
{
    if (reason != 0 && reason != ECONNRESET) {
        col_log(input->instance, COL_LOG_WARNING, "%s: %s; connection closed",
                connection->session->name, strerror(reason));
    } else if (connection->rest_length > 0) {
        col_input_malformed(input->instance);
        col_log(input->instance, COL_LOG_WARNING,
                "%s: connection closed by the exporter inside a message (%zu octets of it)",
                connection->session->name, connection->rest_length);
    }
    connection_close(input, connection);
}

/* One read: how many octets, 0 when there are none, -1 when the connection has been closed. */
static ssize_t serve(struct tcp_input *input, struct connection *connection)
{
    size_t length = connection->rest_length; /* less than a message: fits in front of a read */
    if (length > 0) {
        memcpy(input->buffer, connection->rest, length);
    }
    ssize_t got = recv(connection->fd, input->buffer + length, READ_SIZE, 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        return 0;
    }
    if (got <= 0) {
        end_of_stream(input, connection, got < 0 ? errno : 0);
        return -1;
    }
    length += (size_t)got;

    size_t used;
    if (split(input, connection, length, &used) != COL_OK) {
        bad_framing(input, connection, input->buffer + used);
        connection_close(input, connection);
        return -1;
    }
    if (!keep_rest(connection, input->buffer + used, length - used)) {
        end_of_stream(input, connection, ENOMEM);
        return -1;
    }
    return got;
}

/*
 * What the kernel here has acknowledged, its sender counts as received, so nothing may be left
 * unread when the sockets are closed. Connections that wait are accepted, then all peers are told
 * that this side ends; those that listen (forwarding does) finish and close theirs. Others are read
 * until they pause: they get a reset for what they send later, and know that it was not taken.
 */
static void drain(struct tcp_input *input)
{
    struct epoll_event events[EVENT_MAX];
    uint64_t deadline_ms = col_clock_ms() + DRAIN_LIMIT_MS;
    int count = 1;

    while (input->listening && accept_connections(input)) {
    }
    if (input->listener >= 0) {
        close(input->listener); /* leaves the epoll set, too */
        input->listener = -1;
    }
    (void)epoll_ctl(input->epoll, EPOLL_CTL_DEL, col_input_stop_fd(input->instance), NULL);
    for (struct connection *c = input->connections; c != NULL; c = c->next) {
        (void)shutdown(c->fd, SHUT_WR);
    }
    while (input->connections != NULL && count != 0 && col_clock_ms() < deadline_ms) {
        count = epoll_wait(input->epoll, events, EVENT_MAX, DRAIN_QUIET_MS);
        for (int i = 0; i < count; i++) {
            (void)serve(input, events[i].data.ptr);
        }
        if (count < 0 && errno != EINTR) {
            return;
        }
    }
}

/* ---- hooks ----------------------------------------------------------------------------------- */

static void tcp_destroy(void *state)
{
    struct tcp_input *input = state;
    if (input == NULL) {
        return;
    }
    drain(input);
    while (input->connections != NULL) {
        connection_close(input, input->connections);
    }
    if (input->epoll >= 0) {
        close(input->epoll);
    }
    free(input);
}

static int tcp_check(col_instance_t *instance, const void *options)
{
    const struct tcp_options *settings = options;
    struct sockaddr_storage address;
    socklen_t length;

    if (settings->tls.count > 0) {
        col_log(instance, COL_LOG_ERROR,
                "TLS is not available in this build; remove <transportLayerSecurity> only if plain "
                "TCP is acceptable");
        return COL_ERR;
    }
    if (!make_address(settings->address, settings->port, &address, &length)) {
        col_log(instance, COL_LOG_ERROR, "localIPAddress '%s' is no IP address", settings->address);
        return COL_ERR;
    }
    return COL_OK;
}

static int tcp_create(col_instance_t *instance, const void *options, void **state)
{
    const struct tcp_options *settings = options;

    if (tcp_check(instance, options) != COL_OK) {
        return COL_ERR;
    }
    struct tcp_input *input = calloc(1, sizeof(*input));
    if (input == NULL) {
        col_log(instance, COL_LOG_ERROR, "no memory");
        return COL_ERR;
    }
    input->instance = instance;
    input->listener = -1;
    input->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (start_listening(input, settings) != COL_OK) {
        tcp_destroy(input);
        return COL_ERR;
    }
    resume_listening(input);
    if (!input->listening || !watch(input, col_input_stop_fd(instance), NULL)) {
        col_log(instance, COL_LOG_ERROR, "epoll: %s", strerror(errno));
        tcp_destroy(input);
        return COL_ERR;
    }
    *state = input;
    return COL_OK;
}

static int tcp_receive(void *state)
{
    struct tcp_input *input = state;
    struct epoll_event events[EVENT_MAX];

    int count = epoll_wait(input->epoll, events, EVENT_MAX, -1);
    if (count < 0 && errno != EINTR) {
        col_log(input->instance, COL_LOG_ERROR, "epoll: %s", strerror(errno));
        return COL_ERR;
    }
    for (int i = 0; i < count; i++) {
        void *pointer = events[i].data.ptr;
        if (pointer == &input->listener) {
            (void)accept_connections(input);
        } else if (pointer != NULL) { /* NULL is the descriptor that ends waiting */
            (void)serve(input, pointer);
        }
    }
    return COL_OK;
}

static int tcp_tick(void *state, uint64_t now_ms)
{
    struct tcp_input *input = state;
    if (!input->listening && now_ms >= input->listen_again_ms) {
        resume_listening(input);
    }
    return COL_OK;
}

COL_EXPORT const struct col_plugin col_plugin = {
    .abi = COL_PLUGIN_ABI,
    .kind = COL_INPUT,
    .name = "tcpCollector",
    .summary = "receives IPFIX over TCP",
    .options = tcp_option_table,
    .options_size = sizeof(struct tcp_options),
    .counters = tcp_counters,
    .check = tcp_check,
    .create = tcp_create,
    .destroy = tcp_destroy,
    .receive = tcp_receive,
    .tick = tcp_tick,
};
