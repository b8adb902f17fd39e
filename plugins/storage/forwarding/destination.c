/* SPDX-License-Identifier: BSD-3-Clause */
/** One destination: connecting, writing, and keeping what is not acknowledged. */
#include "destination.h"

#include <errno.h>
#include <libnf/bytes.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CONNECT_TIMEOUT_MS 10000u
/** A peer that has closed its side and acknowledges nothing for so long does not read any more. */
#define CLOSING_TIMEOUT_MS 2000u
/** The same for a connection that is to be renewed: its peer may be slow, and is not in doubt. */
#define RENEWING_TIMEOUT_MS 30000u
/** A connection that is renewed is not put off for longer: the destination works. */
#define RENEWAL_PAUSE_MS 1000u
/** Freed ids are kept out of use over UDP, where withdrawals do not exist, for so many refreshes.
 */
#define UDP_QUARANTINE_REFRESHES 3u
#define UDP_BATCH 64u
/** Longest payload of a UDP datagram over IPv4. */
#define UDP_MAX_PAYLOAD 65507u

static void on_completed(void *context, const struct built *built);

void destination_init(struct destination *d, col_instance_t *instance,
                      const struct destination_config *config)
{
    *d = (struct destination){.config = *config, .instance = instance, .fd = -1};
    (void)snprintf(d->name, sizeof(d->name),
                   strchr(config->host, ':') ? "[%.255s]:%u" : "%.255s:%u", config->host,
                   config->port);
    (void)snprintf(d->port, sizeof(d->port), "%u", config->port);
    d->builder = (struct builder){.out = &d->out,
                                  .packet_size = config->packet_size,
                                  .completed = on_completed,
                                  .context = d};
}

/* ---- connecting ------------------------------------------------------------------------------ */

/** Ends a resolution; the resolver may not write into freed memory later. */
static void forget_addresses(struct destination *d)
{
    if (d->state == DESTINATION_RESOLVING) {
        const struct gaicb *wait[] = {&d->request};
        if (gai_cancel(&d->request) == EAI_NOTCANCELED) {
            while (gai_error(&d->request) == EAI_INPROGRESS) {
                (void)gai_suspend(wait, 1, NULL);
            }
        }
        if (gai_error(&d->request) == 0 && d->request.ar_result != NULL) {
            freeaddrinfo(d->request.ar_result);
        }
    }
    if (d->addresses != NULL) {
        freeaddrinfo(d->addresses);
    }
    d->addresses = d->address = NULL;
}

static bool is_open(const struct destination *d)
{
    return d->state == DESTINATION_CONNECTED || d->state == DESTINATION_CLOSING;
}

/** The kernel would go on delivering what it has: what is sent again would arrive twice. */
static void abort_connection(const struct destination *d)
{
    const struct linger none = {.l_onoff = 1, .l_linger = 0};

    if (d->fd >= 0 && !d->config.udp && destination_pending(d)) {
        (void)setsockopt(d->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
    }
}

static void reset_connection(struct destination *d)
{
    if (d->fd >= 0) {
        close(d->fd);
        d->fd = -1;
    }
    mapper_clear(&d->mapper);
    d->out.head = d->out.tail = 0;
    d->announcing = false;
    d->announced = 0;
    d->written = d->acked = 0;
    d->blocked = false;
    d->builder.open = false;
    d->builder.failed = false;
}

static void release_acked(struct destination *d, uint64_t now_ms)
{
    int queued = 0;

    if (d->fd < 0 || !is_open(d)) {
        return;
    }
    uint64_t acked = d->written;
    if (!d->config.udp && d->acked < d->written) {
        /* Asking fails only on a socket that is no socket: then nothing counts as acknowledged. */
        acked =
            ioctl(d->fd, SIOCOUTQ, &queued) == 0 && queued >= 0 && (uint64_t)queued <= d->written
                ? d->written - (uint64_t)queued
                : d->acked;
    }
    if (acked > d->acked) {
        d->acked = acked;
        d->progress_ms = now_ms;
    }
    while (d->sent.count > 0 && item_queue_at(&d->sent, 0)->end <= d->acked) {
        ipfix_message_unref(item_queue_pop(&d->sent).message);
    }
}

/** The first failure since it was connected at once, then one line a minute. */
static void tell_failure(struct destination *d, const char *reason)
{
    col_log_limited(d->instance, &d->limit, COL_LOG_WARNING, "Connection to '%s' failed. (%s)",
                    d->name, reason);
    d->failure_told = true;
}

void destination_fail(struct destination *d, uint64_t now_ms, const char *reason)
{
    release_acked(d, now_ms);
    abort_connection(d);
    if (is_open(d)) {
        d->totals.failures++;
        d->went_down = true;
        d->came_up = false;
    }
    tell_failure(d, reason);
    reset_connection(d);
    forget_addresses(d);
    d->renewing = false;
    d->state = DESTINATION_WAITING;
    d->next_ms = now_ms + d->config.reconnect_ms;
}

static void connected(struct destination *d, uint64_t now_ms)
{
    int one = 1;

    if (!d->config.udp) {
        (void)setsockopt(d->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    }
    d->state = DESTINATION_CONNECTED;
    d->came_up = true;
    d->renewing = false;
    d->failure_told = false;
    d->limit = (struct col_log_limit){0};
    d->progress_ms = now_ms;
    d->refresh_ms = now_ms + 1000u * (uint64_t)d->config.udp_refresh_s;
    d->totals.connects++;
    col_log(d->instance, COL_LOG_WARNING, "Connection to '%s' established.", d->name);
}

/** Tries the addresses from the current one on. */
static void connect_next(struct destination *d, uint64_t now_ms, int error)
{
    for (; d->address != NULL; d->address = d->address->ai_next) {
        const struct addrinfo *a = d->address;
        d->fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
        error = d->fd < 0 || connect(d->fd, a->ai_addr, a->ai_addrlen) != 0 ? errno : 0;
        if (error == 0) {
            connected(d, now_ms);
            return;
        }
        if (error == EINPROGRESS) {
            d->state = DESTINATION_CONNECTING;
            d->next_ms = now_ms + CONNECT_TIMEOUT_MS;
            return;
        }
        reset_connection(d);
    }
    destination_fail(d, now_ms, strerror(error));
}

static void resolved(struct destination *d, uint64_t now_ms, int status, struct addrinfo *addresses)
{
    d->state = DESTINATION_WAITING;
    if (status != 0) {
        destination_fail(d, now_ms, gai_strerror(status));
        return;
    }
    d->addresses = d->address = addresses;
    connect_next(d, now_ms, EHOSTUNREACH);
}

/** Starts an attempt. Addresses are taken at once, names resolved in the background. */
static void start(struct destination *d, uint64_t now_ms)
{
    struct addrinfo *addresses = NULL;
    struct gaicb *list[] = {&d->request};

    forget_addresses(d);
    d->hints = (struct addrinfo){.ai_family = AF_UNSPEC,
                                 .ai_socktype = d->config.udp ? SOCK_DGRAM : SOCK_STREAM,
                                 .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    if (getaddrinfo(d->config.host, d->port, &d->hints, &addresses) == 0) {
        resolved(d, now_ms, 0, addresses);
        return;
    }
    d->hints.ai_flags = AI_NUMERICSERV;
    d->request =
        (struct gaicb){.ar_name = d->config.host, .ar_service = d->port, .ar_request = &d->hints};
    int status = getaddrinfo_a(GAI_NOWAIT, list, 1, NULL);
    if (status != 0) {
        destination_fail(d, now_ms, gai_strerror(status));
        return;
    }
    d->state = DESTINATION_RESOLVING;
}

static void check_connecting(struct destination *d, uint64_t now_ms)
{
    struct pollfd fd = {.fd = d->fd, .events = POLLOUT};
    int error = 0;
    socklen_t size = sizeof(error);

    if (poll(&fd, 1, 0) <= 0) {
        if (now_ms < d->next_ms) {
            return;
        }
        error = ETIMEDOUT;
    } else if (getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        error = errno;
    }
    if (error == 0) {
        connected(d, now_ms);
        return;
    }
    reset_connection(d);
    d->address = d->address->ai_next;
    connect_next(d, now_ms, error);
}

/* ---- writing --------------------------------------------------------------------------------- */

static void on_completed(void *context, const struct built *built)
{
    struct destination *d = context;

    if (d->config.udp && built->length > UDP_MAX_PAYLOAD) {
        /* A single record that fits into no datagram. */
        d->out.tail -= built->length;
        d->builder.domain->sequence -= built->records;
        d->totals.too_long_records += built->records;
        return;
    }
    d->totals.messages++;
    d->totals.records += built->records;
    d->totals.octets += built->length;
    if (built->records == 0 || d->building == NULL) {
        return;
    }
    struct item item = {.message = ipfix_message_ref(d->building),
                        .from = built->from,
                        .applied = true,
                        .records = built->records,
                        .end = d->written + octets_used(&d->out)};
    if (!item_queue_push(&d->sent, &item)) {
        ipfix_message_unref(item.message);
        d->builder.failed = true;
    }
}

static void flush_stream(struct destination *d, uint64_t now_ms)
{
    while (octets_used(&d->out) > 0) {
        ssize_t n = send(d->fd, d->out.start + d->out.head, octets_used(&d->out),
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n >= 0) {
            d->written += (uint64_t)n;
            octets_take(&d->out, (size_t)n);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            d->blocked = true;
            return;
        } else if (errno != EINTR) {
            destination_fail(d, now_ms, strerror(errno));
            return;
        }
    }
}

/** Messages at the head of `out`, one datagram each; how many there are. */
static unsigned collect_datagrams(const struct destination *d, struct mmsghdr *headers,
                                  struct iovec *parts)
{
    unsigned count = 0;
    size_t at = d->out.head;

    while (count < UDP_BATCH && at < d->out.tail) {
        parts[count].iov_base = d->out.start + at;
        parts[count].iov_len = be16toh(lnf_load_u16(d->out.start + at + 2));
        at += parts[count].iov_len;
        headers[count] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[count], .msg_iovlen = 1}};
        count++;
    }
    return count;
}

static void flush_datagrams(struct destination *d, uint64_t now_ms)
{
    struct mmsghdr headers[UDP_BATCH];
    struct iovec parts[UDP_BATCH];

    while (octets_used(&d->out) > 0) {
        unsigned count = collect_datagrams(d, headers, parts);
        int n = sendmmsg(d->fd, headers, count, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)) {
            d->blocked = true;
            return;
        }
        if (n < 0 && errno != EINTR) {
            destination_fail(d, now_ms, strerror(errno));
            return;
        }
        size_t taken = 0;
        for (int i = 0; i < n; i++) {
            taken += parts[i].iov_len;
        }
        d->written += taken;
        octets_take(&d->out, taken);
    }
}

void destination_flush(struct destination *d, uint64_t now_ms)
{
    if (!is_open(d)) {
        return;
    }
    if (octets_used(&d->out) > 0) {
        d->blocked = false;
        d->tried_ms = now_ms;
        if (d->config.udp) {
            flush_datagrams(d, now_ms);
        } else {
            flush_stream(d, now_ms);
        }
        if (d->announced > octets_used(&d->out)) {
            d->announced = octets_used(&d->out);
        }
    }
    release_acked(d, now_ms);
}

bool destination_busy(struct destination *d, uint64_t now_ms)
{
    if (d->state != DESTINATION_CONNECTED) {
        return true;
    }
    if (octets_used(&d->out) < DESTINATION_WRITE_OCTETS) {
        return false;
    }
    if (d->blocked && d->tried_ms == now_ms) {
        return true;
    }
    destination_flush(d, now_ms);
    return d->state != DESTINATION_CONNECTED || octets_used(&d->out) >= DESTINATION_WRITE_OCTETS;
}

/** Collectors do not speak: what comes is thrown away, an end or an error is what matters. */
static void check_peer(struct destination *d, uint64_t now_ms)
{
    uint8_t octets[2048];

    for (unsigned i = 0; i < 16; i++) {
        ssize_t n = recv(d->fd, octets, sizeof(octets), MSG_DONTWAIT);
        if (n == 0 && !d->config.udp) {
            d->state = DESTINATION_CLOSING;
            d->progress_ms = now_ms;
            return;
        }
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return;
        }
        if (n < 0 && errno != EINTR) {
            destination_fail(d, now_ms, strerror(errno));
            return;
        }
    }
}

void destination_renew(struct destination *d, uint64_t now_ms)
{
    col_log_limited(d->instance, &d->renew_limit, COL_LOG_INFO,
                    "Connection to '%s' is renewed: it knows %zu Observation Domains, many of them "
                    "without a source.",
                    d->name, d->mapper.domains.count);
    d->totals.renewals++;
    d->renewing = true;
    d->state = DESTINATION_CLOSING;
    d->progress_ms = now_ms;
}

/** All of it is delivered: the pause keeps who makes up domains from making connections, too. */
static void renew_now(struct destination *d, uint64_t now_ms)
{
    uint32_t pause_ms = d->config.reconnect_ms;

    reset_connection(d);
    forget_addresses(d);
    d->state = DESTINATION_WAITING;
    d->next_ms = now_ms + (pause_ms < RENEWAL_PAUSE_MS ? pause_ms : RENEWAL_PAUSE_MS);
}

/** Finishes what was begun: the peer has closed its side, or the connection is to be renewed. */
static void run_closing(struct destination *d, uint64_t now_ms)
{
    uint32_t timeout_ms = d->renewing ? RENEWING_TIMEOUT_MS : CLOSING_TIMEOUT_MS;
    uint8_t octet;

    destination_flush(d, now_ms);
    if (d->state != DESTINATION_CLOSING) {
        return;
    }
    ssize_t n = recv(d->fd, &octet, sizeof(octet), MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        destination_fail(d, now_ms, strerror(errno));
    } else if (d->renewing && !destination_pending(d)) {
        renew_now(d, now_ms);
    } else if (!destination_pending(d) || now_ms >= d->progress_ms + timeout_ms) {
        destination_fail(d, now_ms,
                         d->renewing ? "it accepts nothing any more" : "closed by the peer");
    }
}

bool destination_pending(const struct destination *d)
{
    return octets_used(&d->out) > 0 || d->sent.count > 0;
}

/* ---- templates ------------------------------------------------------------------------------- */

struct builder *destination_builder(struct destination *d, uint32_t domain_id,
                                    uint32_t export_time_s, uint64_t now_ms)
{
    struct mapper_domain *domain = mapper_domain(&d->mapper, domain_id);

    if (domain == NULL) {
        destination_fail(d, now_ms, "not enough memory");
        return NULL;
    }
    if (!destination_pending(d)) {
        d->progress_ms = now_ms;
    }
    d->builder.now_ms = now_ms;
    builder_begin(&d->builder, domain, export_time_s);
    return &d->builder;
}

void destination_announce_begin(struct destination *d)
{
    d->announcing = true;
}

void destination_announce_end(struct destination *d)
{
    d->announced = octets_used(&d->out);
    d->announcing = false;
}

bool destination_finish(struct destination *d, uint64_t now_ms)
{
    builder_finish(&d->builder);
    if (d->builder.failed) {
        destination_fail(d, now_ms, "not enough memory");
        return false;
    }
    if (!d->announcing && octets_used(&d->out) > d->announced + DESTINATION_MAX_OCTETS) {
        destination_fail(d, now_ms, "too many templates wait for it");
        return false;
    }
    return true;
}

void destination_withdraw_idle(struct destination *d, struct builder *builder)
{
    struct mapper_domain *domain = builder->domain;

    while (!d->config.udp && domain->idle_first != NULL) {
        struct mapped *mapped = domain->idle_first;
        if (mapped->announced) {
            builder_withdraw(builder, mapped);
        }
        mapper_forget(domain, mapped);
    }
}

/** Repeats the templates in use, frees ids whose time of quarantine is over. */
static void repeat_templates(struct destination *d, uint64_t refresh_ms, uint64_t now_ms)
{
    struct mapper_domain *domain;
    size_t at = 0;

    while ((domain = table_next(&d->mapper.domains, &at)) != NULL) {
        struct mapped *mapped;
        uint32_t id = 0;
        while (domain->idle_first != NULL &&
               domain->idle_first->idle_since_ms + UDP_QUARANTINE_REFRESHES * refresh_ms <=
                   now_ms) {
            mapper_forget(domain, domain->idle_first);
        }
        struct builder *builder =
            destination_builder(d, domain->domain_id, domain->export_time_s, now_ms);
        if (builder == NULL) {
            return;
        }
        while ((mapped = mapper_next(domain, &id)) != NULL) {
            if (mapped->users > 0) {
                builder_announce(builder, mapped);
            }
        }
        if (!destination_finish(d, now_ms)) {
            return;
        }
    }
}

/** UDP: repeats the templates, unless the last repetition still waits to be sent. */
static void refresh_templates(struct destination *d, uint64_t now_ms)
{
    uint64_t refresh_ms = 1000u * (uint64_t)d->config.udp_refresh_s;

    d->refresh_ms = now_ms + refresh_ms;
    if (octets_used(&d->out) <= DESTINATION_MAX_OCTETS) {
        destination_announce_begin(d);
        repeat_templates(d, refresh_ms, now_ms);
        destination_announce_end(d);
    }
}

/* ---- all together ---------------------------------------------------------------------------- */

void destination_run(struct destination *d, uint64_t now_ms)
{
    if (d->state == DESTINATION_WAITING && now_ms >= d->next_ms) {
        start(d, now_ms);
    }
    if (d->state == DESTINATION_RESOLVING && gai_error(&d->request) != EAI_INPROGRESS) {
        struct addrinfo *addresses = d->request.ar_result;
        d->request.ar_result = NULL;
        resolved(d, now_ms, gai_error(&d->request), addresses);
    }
    if (d->state == DESTINATION_CONNECTING) {
        check_connecting(d, now_ms);
    }
    if (d->state == DESTINATION_CONNECTED && !d->came_up) {
        check_peer(d, now_ms);
    }
    if (d->state == DESTINATION_CLOSING) {
        run_closing(d, now_ms);
    }
    if (d->state != DESTINATION_CONNECTED || d->came_up) {
        return;
    }
    if (d->config.udp && now_ms >= d->refresh_ms) {
        refresh_templates(d, now_ms);
    }
    destination_flush(d, now_ms);
}

bool destination_poll(const struct destination *d, struct pollfd *fd)
{
    if (d->fd < 0) {
        return false;
    }
    *fd = (struct pollfd){.fd = d->fd, .events = POLLIN};
    if (d->state == DESTINATION_CONNECTING) {
        fd->events = POLLOUT;
    } else if (octets_used(&d->out) > 0) {
        fd->events = POLLIN | POLLOUT;
    }
    if (d->state == DESTINATION_CLOSING) {
        fd->events &= ~POLLIN; /* its end would be read for ever */
    }
    return true;
}

void destination_clear(struct destination *d)
{
    reset_connection(d);
    forget_addresses(d);
    item_queue_clear(&d->sent);
    octets_clear(&d->out);
    d->state = DESTINATION_WAITING;
}
