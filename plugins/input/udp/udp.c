/* SPDX-License-Identifier: BSD-3-Clause */
/* Input plugin: IPFIX and NetFlow v5 and v9 over UDP. */
#include "peers.h"

#include <ipfixcol/plugin.h>
#include <libnf/bytes.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Datagrams per system call. */
#define BATCH 64u
#define DATAGRAM_MAX 65535u
/* Not a power of two: datagrams at the same place of every buffer would fight for one cache line.
 */
#define DATAGRAM_STRIDE (65536u + 192u)
#define CONTROL_SIZE 64u
#define SOCKET_MAX 16u
/* When stopping: how long to take what has arrived. */
#define DRAIN_MS 500u

struct udp_options {
    uint16_t port;
    struct col_option_list addresses;
    uint32_t template_s;
    uint32_t options_template_s;
    uint32_t template_messages;
    uint32_t options_template_messages;
    uint32_t receive_buffer;
    uint32_t timeout_s;
    uint32_t max_sessions;
};

struct address_option {
    char *text;
};

static const struct col_option address_option_table[] = {
    {.name = ".",
     .type = COL_STRING,
     .offset = offsetof(struct address_option, text),
     .help = "IPv4 or IPv6 address; empty = all"},
    {0},
};

static const struct col_option udp_option_table[] = {
    {.name = "name", .type = COL_IGNORED, .help = "comment"},
    {.name = "localPort",
     .type = COL_UINT16,
     .offset = offsetof(struct udp_options, port),
     .preset = "4739",
     .min = 1,
     .max = 65535,
     .help = "port to listen on"},
    {.name = "localIPAddress",
     .type = COL_LIST,
     .offset = offsetof(struct udp_options, addresses),
     .rows = address_option_table,
     .item_size = sizeof(struct address_option),
     .help = "address to listen on; may be repeated; none = all"},
    {.name = "templateLifeTime",
     .type = COL_UINT32,
     .offset = offsetof(struct udp_options, template_s),
     .preset = "1800",
     .help = "seconds a template is used without being sent again; 0 = no limit"},
    {.name = "optionsTemplateLifeTime",
     .type = COL_UINT32,
     .offset = offsetof(struct udp_options, options_template_s),
     .preset = "1800",
     .help = "the same for Options Templates"},
    {.name = "templateLifePacket",
     .type = COL_UINT32,
     .offset = offsetof(struct udp_options, template_messages),
     .preset = "0",
     .help = "messages a template is used without being sent again; 0 = no limit"},
    {.name = "optionsTemplateLifePacket",
     .type = COL_UINT32,
     .offset = offsetof(struct udp_options, options_template_messages),
     .preset = "0",
     .help = "the same for Options Templates"},
    {.name = "receiveBuffer",
     .type = COL_UINT32,
     .offset = offsetof(struct udp_options, receive_buffer),
     .preset = "16777216",
     .min = 65536,
     .max = 1073741824,
     .help = "octets the kernel may hold for the socket"},
    {.name = "connectionTimeout",
     .type = COL_UINT32,
     .offset = offsetof(struct udp_options, timeout_s),
     .preset = "600",
     .min = 1,
     .max = 31536000,
     .help = "seconds of silence after which an exporter is gone"},
    {.name = "maxSessions",
     .type = COL_UINT32,
     .offset = offsetof(struct udp_options, max_sessions),
     .preset = "16384",
     .min = 1,
     .max = 1048576,
     .help = "exporters at a time; one more replaces the one silent longest"},
    {0},
};

enum { COUNTER_FOREIGN, COUNTER_EVICTED, COUNTER_TIMEOUT };
static const char *const udp_counters[] = {"datagrams that are no export", "exporters evicted",
                                           "exporters timed out", NULL};

struct udp_socket {
    int fd;
    uint32_t dropped; /* by the kernel so far; wraps */
    struct sockaddr_storage local;
};

struct udp_input {
    col_instance_t *instance;
    const struct udp_options *settings;
    struct udp_socket sockets[SOCKET_MAX];
    unsigned socket_count;
    struct peers peers;
    struct col_log_limit foreign_limit, evicted_limit, nomem_limit;
    /* Prepared once for recvmmsg(). */
    struct mmsghdr headers[BATCH];
    struct iovec vectors[BATCH];
    struct sockaddr_storage addresses[BATCH];
    uint8_t control[BATCH][CONTROL_SIZE] __attribute__((aligned(16)));
    uint8_t *datagrams; /* BATCH * DATAGRAM_STRIDE */
};

/* ---- sockets --------------------------------------------------------------------------------- */

static bool is_any(const char *text)
{
    return text == NULL || text[0] == '\0';
}

static bool make_address(const char *text, uint16_t port, struct sockaddr_storage *address,
                         socklen_t *length)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    memset(address, 0, sizeof(*address));
    if (!is_any(text) && inet_pton(AF_INET, text, &in.sin_addr) == 1) {
        memcpy(address, &in, sizeof(in));
        *length = sizeof(in);
        return true;
    }
    in6.sin6_addr = in6addr_any;
    if (!is_any(text) && inet_pton(AF_INET6, text, &in6.sin6_addr) != 1) {
        return false;
    }
    memcpy(address, &in6, sizeof(in6));
    *length = sizeof(in6);
    return true;
}

static void set_receive_buffer(const struct udp_input *input, int fd)
{
    int wanted = (int)input->settings->receive_buffer;
    int got = 0;
    socklen_t length = sizeof(got);

    /* The first one needs a privilege but may pass net.core.rmem_max. */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof(wanted)) != 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof(wanted));
    }
    /* The kernel reports twice what it was given, for its own bookkeeping. */
    if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &got, &length) == 0 && got / 2 < wanted) {
        col_log(input->instance, COL_LOG_WARNING,
                "receive buffer is %d octets instead of %d: raise net.core.rmem_max", got / 2,
                wanted);
    }
}

/* `only_v6`: other addresses are listed, too; else :: takes IPv4 as well. */
static int open_socket(const struct udp_input *input, const struct sockaddr_storage *address,
                       socklen_t length, int only_v6)
{
    int on = 1;
    int fd = socket(address->ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    if (address->ss_family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof(only_v6));
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on));
    set_receive_buffer(input, fd);
    if (bind(fd, (const struct sockaddr *)address, length) != 0) {
        int reason = errno;
        close(fd);
        errno = reason;
        return -1;
    }
    return fd;
}

static int add_socket(struct udp_input *input, const char *text, int only_v6)
{
    struct udp_socket *slot = &input->sockets[input->socket_count];
    uint16_t port = input->settings->port;
    socklen_t length;

    (void)make_address(text, port, &slot->local, &length); /* has been checked */
    slot->fd = open_socket(input, &slot->local, length, only_v6);
    if (slot->fd < 0 && errno == EAFNOSUPPORT && is_any(text)) {
        (void)make_address("0.0.0.0", port, &slot->local, &length);
        slot->fd = open_socket(input, &slot->local, length, only_v6);
    }
    if (slot->fd < 0) {
        col_log(input->instance, COL_LOG_ERROR, "cannot listen on %s port %u: %s",
                is_any(text) ? "all addresses" : text, port, strerror(errno));
        return COL_ERR;
    }
    input->socket_count++;
    return COL_OK;
}

static int open_sockets(struct udp_input *input)
{
    const struct col_option_list *list = &input->settings->addresses;
    const struct address_option *addresses = list->items;
    int status = COL_OK;

    if (list->count == 0) {
        return add_socket(input, NULL, 0);
    }
    for (size_t i = 0; i < list->count && status == COL_OK; i++) {
        status = add_socket(input, addresses[i].text, list->count > 1);
    }
    return status;
}

/* ---- exporters ------------------------------------------------------------------------------- */

static void close_peer(struct udp_input *input, struct peer *peer)
{
    col_session_close(input->instance, peer->session);
    peers_remove(&input->peers, peer);
}

static void make_room(struct udp_input *input)
{
    if (input->peers.count < input->peers.max) {
        return;
    }
    col_count(input->instance, COUNTER_EVICTED, 1);
    col_log_limited(input->instance, &input->evicted_limit, COL_LOG_WARNING,
                    "more than %zu exporters (maxSessions): the one silent longest is forgotten",
                    input->peers.max);
    close_peer(input, input->peers.oldest);
}

static struct peer *open_peer(struct udp_input *input, const struct udp_socket *udp_socket,
                              const struct sockaddr_storage *address, uint64_t now_ms)
{
    const struct udp_options *settings = input->settings;
    struct ipfix_session_info info = {
        .transport = IPFIX_TRANSPORT_UDP,
        .peer = *address,
        .local = udp_socket->local,
        .lifetimes =
            {
                .template_s = settings->template_s,
                .options_template_s = settings->options_template_s,
                .template_messages = settings->template_messages,
                .options_template_messages = settings->options_template_messages,
            },
    };
    make_room(input);
    const struct ipfix_session *session = col_session_open(input->instance, &info);
    struct peer *peer = session == NULL ? NULL : peers_add(&input->peers, address, now_ms);
    if (peer == NULL) {
        if (session != NULL) {
            col_session_close(input->instance, session);
        }
        col_log_limited(input->instance, &input->nomem_limit, COL_LOG_ERROR,
                        "no memory for another exporter");
        return NULL;
    }
    peer->session = session;
    col_log(input->instance, COL_LOG_INFO, "New UDP exporter connected (%s)", session->name);
    return peer;
}

/* ---- datagrams ------------------------------------------------------------------------------- */

/* Only what looks like an export opens a session: scans and stray traffic must not. */
static bool looks_like_export(const uint8_t *octets, size_t length)
{
    if (length < IPFIX_MESSAGE_HEADER_LENGTH) {
        return false;
    }
    uint16_t version = be16toh(lnf_load_u16(octets));
    return version == IPFIX_VERSION || version == 9 || version == 5;
}

static void take_datagram(struct udp_input *input, const struct udp_socket *udp_socket,
                          struct sockaddr_storage *address, const uint8_t *octets, size_t length,
                          uint64_t now_ms)
{
    peer_unmap(address);
    if (!looks_like_export(octets, length)) {
        col_count(input->instance, COUNTER_FOREIGN, 1);
        char text[INET6_ADDRSTRLEN] = "?";
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        memcpy(&in, address, sizeof(in));
        memcpy(&in6, address, sizeof(in6));
        inet_ntop(address->ss_family,
                  address->ss_family == AF_INET ? (const void *)&in.sin_addr
                                                : (const void *)&in6.sin6_addr,
                  text, sizeof(text));
        col_log_limited(input->instance, &input->foreign_limit, COL_LOG_WARNING,
                        "datagram of %zu octets from %s is no IPFIX or NetFlow; dropped", length,
                        text);
        return;
    }
    struct peer *peer = peers_find(&input->peers, address, now_ms);
    if (peer == NULL) {
        peer = open_peer(input, udp_socket, address, now_ms);
    }
    if (peer == NULL) {
        col_input_lost(input->instance, 1);
    } else {
        /* Malformed ones have been counted and told; the next datagram starts anew. */
        (void)col_input_message(input->instance, peer->session, octets, length);
    }
}

/* The kernel tells how many datagrams it had to drop since the socket was opened. */
static void account_drops(struct udp_input *input, struct udp_socket *udp_socket,
                          struct msghdr *header)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
        uint32_t dropped;
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL &&
            c->cmsg_len >= CMSG_LEN(sizeof(dropped))) {
            memcpy(&dropped, CMSG_DATA(c), sizeof(dropped));
            if (dropped != udp_socket->dropped) {
                col_input_lost(input->instance, dropped - udp_socket->dropped);
                udp_socket->dropped = dropped;
            }
        }
    }
}

static void prepare_headers(struct udp_input *input)
{
    for (unsigned i = 0; i < BATCH; i++) {
        input->vectors[i] = (struct iovec){
            .iov_base = input->datagrams + (size_t)i * DATAGRAM_STRIDE,
            .iov_len = DATAGRAM_MAX,
        };
        input->headers[i].msg_hdr = (struct msghdr){
            .msg_name = &input->addresses[i],
            .msg_namelen = sizeof(input->addresses[i]),
            .msg_iov = &input->vectors[i],
            .msg_iovlen = 1,
            .msg_control = input->control[i],
            .msg_controllen = CONTROL_SIZE,
        };
    }
}

/* One batch from one socket: how many datagrams. */
static int receive_batch(struct udp_input *input, struct udp_socket *udp_socket)
{
    int count = recvmmsg(udp_socket->fd, input->headers, BATCH, MSG_DONTWAIT, NULL);
    if (count <= 0) {
        return 0; /* nothing there; errors of UDP sockets concern single datagrams */
    }
    uint64_t now_ms = col_clock_ms();
    for (int i = 0; i < count; i++) {
        struct mmsghdr *message = &input->headers[i];
        account_drops(input, udp_socket, &message->msg_hdr);
        take_datagram(input, udp_socket, &input->addresses[i], input->vectors[i].iov_base,
                      message->msg_len, now_ms);
        message->msg_hdr.msg_namelen = sizeof(input->addresses[i]);
        message->msg_hdr.msg_controllen = CONTROL_SIZE;
    }
    return count;
}

/* Datagrams that had arrived before the stop; who sends on and on does not hold it up. */
static void drain(struct udp_input *input)
{
    uint64_t end_ms = col_clock_ms() + DRAIN_MS;

    for (unsigned i = 0; i < input->socket_count; i++) {
        while (receive_batch(input, &input->sockets[i]) > 0 && col_clock_ms() < end_ms) {
        }
    }
}

/* ---- hooks ----------------------------------------------------------------------------------- */

static void udp_destroy(void *state)
{
    struct udp_input *input = state;
    if (input == NULL) {
        return;
    }
    drain(input);
    for (unsigned i = 0; i < input->socket_count; i++) {
        close(input->sockets[i].fd);
    }
    while (input->peers.oldest != NULL) {
        close_peer(input, input->peers.oldest);
    }
    peers_clear(&input->peers);
    free(input->datagrams);
    free(input);
}

static int udp_check(col_instance_t *instance, const void *options)
{
    const struct udp_options *settings = options;
    const struct address_option *addresses = settings->addresses.items;
    struct sockaddr_storage address;
    socklen_t length;

    if (settings->addresses.count > SOCKET_MAX) {
        col_log(instance, COL_LOG_ERROR, "more than %u localIPAddress", SOCKET_MAX);
        return COL_ERR;
    }
    for (size_t i = 0; i < settings->addresses.count; i++) {
        if (!make_address(addresses[i].text, settings->port, &address, &length)) {
            col_log(instance, COL_LOG_ERROR, "localIPAddress '%s' is no IP address",
                    addresses[i].text);
            return COL_ERR;
        }
    }
    return COL_OK;
}

static int udp_create(col_instance_t *instance, const void *options, void **state)
{
    if (udp_check(instance, options) != COL_OK) {
        return COL_ERR;
    }
    struct udp_input *input = calloc(1, sizeof(*input));
    if (input != NULL) {
        input->instance = instance;
        input->settings = options;
        input->datagrams = malloc((size_t)BATCH * DATAGRAM_STRIDE);
    }
    if (input == NULL || input->datagrams == NULL ||
        peers_init(&input->peers, input->settings->max_sessions) != COL_OK) {
        col_log(instance, COL_LOG_ERROR, "no memory");
        udp_destroy(input);
        return COL_ERR;
    }
    prepare_headers(input);
    if (open_sockets(input) != COL_OK) {
        udp_destroy(input);
        return COL_ERR;
    }
    *state = input;
    return COL_OK;
}

static int udp_receive(void *state)
{
    struct udp_input *input = state;
    struct pollfd fds[SOCKET_MAX + 1];
    int taken = 0;

    for (unsigned i = 0; i < input->socket_count; i++) {
        taken += receive_batch(input, &input->sockets[i]);
        fds[i] = (struct pollfd){.fd = input->sockets[i].fd, .events = POLLIN};
    }
    if (taken == 0) {
        fds[input->socket_count] =
            (struct pollfd){.fd = col_input_stop_fd(input->instance), .events = POLLIN};
        (void)poll(fds, input->socket_count + 1, -1);
    }
    return COL_OK;
}

static int udp_tick(void *state, uint64_t now_ms)
{
    struct udp_input *input = state;
    uint64_t timeout_ms = (uint64_t)input->settings->timeout_s * 1000;

    while (input->peers.oldest != NULL && now_ms > input->peers.oldest->seen_ms + timeout_ms) {
        col_count(input->instance, COUNTER_TIMEOUT, 1);
        close_peer(input, input->peers.oldest);
    }
    return COL_OK;
}

COL_EXPORT const struct col_plugin col_plugin = {
    .abi = COL_PLUGIN_ABI,
    .kind = COL_INPUT,
    .name = "udpCollector",
    .summary = "receives IPFIX and NetFlow v5 and v9 over UDP",
    .options = udp_option_table,
    .options_size = sizeof(struct udp_options),
    .counters = udp_counters,
    .check = udp_check,
    .create = udp_create,
    .destroy = udp_destroy,
    .receive = udp_receive,
    .tick = udp_tick,
};
