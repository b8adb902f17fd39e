/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * ipfixsend: replays the messages of an IPFIX File to a collector.
 *
 * Messages lie back to back in the file (RFC 5655), which is also what a TCP stream carries, so a
 * range of the read buffer goes out in one call. Messages are never split over datagrams and never
 * changed, except for the Observation Domain ID with -O.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <ipfixcol/message.h>
#include <libnf/bytes.h>
#include <linux/sockios.h>
#include <math.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS 1000000000u
/** A sender that fell behind its schedule (stalled receiver) catches up with at most this much. */
#define CATCH_UP_NS (SECOND_NS / 5)
#define DRAIN_POLL_NS 2000000u
/** A batch: as much as goes to the kernel in one call. */
#define BATCH_MESSAGES 256u
#define BATCH_OCTETS (256u * 1024)
/** Room of the read buffer; more than a batch and more than the longest message. */
#define BUFFER_SIZE (1024u * 1024)
#define UDP_MAX_PAYLOAD 65000u

enum transport { TRANSPORT_UDP, TRANSPORT_TCP, TRANSPORT_SCTP };

static const char usage_text[] =
    "Usage: ipfixsend -i FILE [options]\n"
    "Replays an IPFIX File to a collector.\n\n"
    "  -i path     IPFIX File to send (required)\n"
    "  -d ip       address or name of the collector (default 127.0.0.1)\n"
    "  -p port     port of the collector (default 4739)\n"
    "  -t type     UDP, TCP or SCTP (default UDP)\n"
    "  -c          read the whole file into memory first\n"
    "  -n num      how many times the file is sent (default: without end)\n"
    "  -s speed    at most this many octets per second; suffixes B, K, M, G (powers of 1024)\n"
    "  -S packets  at most this many messages per second\n"
    "  -R x        real-time replay after the Export Times, x times as fast (1.0 = original pace)\n"
    "  -O odid     rewrite the Observation Domain ID of every message\n"
    "  -h          this help\n";

struct options {
    const char *path;
    const char *host;
    const char *port;
    enum transport transport;
    bool whole_file;
    bool endless;
    uint64_t passes;
    uint64_t octets_per_s;   /* 0 = no limit */
    uint64_t messages_per_s; /* 0 = no limit */
    double speed_up;         /* 0 = no real-time replay */
    bool rewrite_domain;
    uint32_t domain_id;
};

static void complain(const char *format, ...) COL_PRINTF(1, 2);

static void complain(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("ipfixsend: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

static uint64_t clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

/* ---- file of messages -------------------------------------------------------------------------
 */

/** A reader of the file. In memory (`whole`) its buffer is the file, else a window that moves. */
struct source {
    const char *path;
    int fd;
    bool whole;
    bool quiet; /* what is wrong is told by another reader of the file */
    uint8_t *buffer;
    size_t room, head, tail;
    uint64_t offset; /* of `head` in the file */
};

enum peek { PEEK_MESSAGE, PEEK_END, PEEK_BAD, PEEK_UNREAD };

static bool source_grow(struct source *source)
{
    size_t room = source->room == 0 ? BUFFER_SIZE : 2 * source->room;
    uint8_t *buffer = realloc(source->buffer, room);

    if (buffer == NULL) {
        complain("%s: not enough memory for the whole file", source->path);
        return false;
    }
    source->buffer = buffer;
    source->room = room;
    return true;
}

/** Reads what comes into the rest of the buffer; -1 after an error, which was told. */
static ssize_t source_read(struct source *source)
{
    uint8_t *to = source->buffer + source->tail;
    size_t room = source->room - source->tail;
    ssize_t got;

    do {
        got = source->whole ? read(source->fd, to, room)
                            : pread(source->fd, to, room,
                                    (off_t)(source->offset + source->tail - source->head));
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        complain("%s: %s", source->path, strerror(errno));
        return -1;
    }
    source->tail += (size_t)got;
    return got;
}

static bool source_load(struct source *source)
{
    ssize_t got;

    do {
        if (source->tail == source->room && !source_grow(source)) {
            return false;
        }
        got = source_read(source);
    } while (got > 0);
    return got == 0;
}

/** Moves what is left to the start of the window and fills the rest. */
static bool source_refill(struct source *source)
{
    ssize_t got;

    memmove(source->buffer, source->buffer + source->head, source->tail - source->head);
    source->tail -= source->head;
    source->head = 0;
    do {
        got = source_read(source);
    } while (got > 0 && source->tail < source->room);
    return got >= 0;
}

/** Opens the file. What cannot be read twice (a pipe) is kept in memory. */
static bool source_open(struct source *source, const char *path, bool whole)
{
    struct stat status;

    *source = (struct source){.path = path, .whole = whole};
    source->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (source->fd < 0 || fstat(source->fd, &status) != 0) {
        complain("%s: %s", path, strerror(errno));
        return false;
    }
    if (S_ISDIR(status.st_mode)) {
        complain("%s: is a directory", path);
        return false;
    }
    source->whole = whole || !S_ISREG(status.st_mode);
    return source_grow(source) && (!source->whole || source_load(source));
}

static void source_close(struct source *source)
{
    free(source->buffer);
    if (source->fd >= 0) {
        close(source->fd);
    }
}

static void source_rewind(struct source *source)
{
    source->offset = 0;
    source->head = 0;
    if (!source->whole) {
        source->tail = 0;
    }
}

/** Tells what is wrong at the head of the source. */
static void source_complain(const struct source *source, const char *format, ...) COL_PRINTF(2, 3);

static void source_complain(const struct source *source, const char *format, ...)
{
    char text[120];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (!source->quiet) {
        complain("%s: offset %llu: %s", source->path, (unsigned long long)source->offset, text);
    }
}

/** Length of the message at the head when it is complete and sound; tells what is wrong. */
static enum peek source_check(const struct source *source, uint16_t *length)
{
    size_t left = source->tail - source->head;
    struct lnf_reader r = lnf_reader_init(source->buffer + source->head, left);
    uint16_t version = lnf_read_u16_be(&r);

    *length = lnf_read_u16_be(&r);
    lnf_read_skip(&r, IPFIX_MESSAGE_HEADER_LENGTH - 4);
    if (left >= 2 && version != IPFIX_VERSION) {
        source_complain(source, "not an IPFIX Message (version %u)", version);
        return PEEK_BAD;
    }
    if (left >= 4 && *length < IPFIX_MESSAGE_HEADER_LENGTH) {
        source_complain(source, "bad length of an IPFIX Message (%u octets)", *length);
        return PEEK_BAD;
    }
    return r.failed || left < *length ? PEEK_UNREAD : PEEK_MESSAGE;
}

/**
 * Looks at the next message. With `refill` the window may move: pointers into it are stale then;
 * without, a message that is not read completely is PEEK_UNREAD.
 */
static enum peek source_peek(struct source *source, bool refill, uint16_t *length)
{
    enum peek result = source->head == source->tail ? PEEK_UNREAD : source_check(source, length);

    if (result != PEEK_UNREAD || !refill) {
        return result;
    }
    if (!source->whole) {
        if (!source_refill(source)) {
            return PEEK_BAD;
        }
        result = source->head == source->tail ? PEEK_UNREAD : source_check(source, length);
    }
    if (result != PEEK_UNREAD) {
        return result;
    }
    if (source->head == source->tail) {
        return PEEK_END;
    }
    source_complain(source, "the file ends inside a message (%zu octets of it are there)",
                    source->tail - source->head);
    return PEEK_BAD;
}

static void source_advance(struct source *source, uint16_t length)
{
    source->head += length;
    source->offset += length;
}

static uint32_t source_export_time(const struct source *source)
{
    return be32toh(lnf_load_u32(source->buffer + source->head + 4));
}

/** Refuses an empty file, and a damaged one as far as it is in memory. */
static bool source_verify(struct source *source)
{
    uint16_t length;
    enum peek result = source_peek(source, true, &length);

    if (result == PEEK_END) {
        complain("%s: the file is empty", source->path);
        return false;
    }
    while (source->whole && result == PEEK_MESSAGE) {
        source_advance(source, length);
        result = source_peek(source, true, &length);
    }
    source_rewind(source);
    return result != PEEK_BAD;
}

/* ---- when a message is due --------------------------------------------------------------------
 */

/** A rate: `used` units since `origin_ns`, always less than one second's worth. */
struct limit {
    uint64_t rate; /* per second, 0 = none */
    uint64_t origin_ns;
    uint64_t used;
};

/** Real-time replay: messages of one Export Time, spread evenly. */
struct group {
    uint64_t start_ns;
    uint64_t count;
    uint64_t sent;
    uint32_t export_time_s;
    bool any;
};

struct pacer {
    struct limit octets;
    struct limit messages;
    double speed_up;
    struct source ahead; /* counts the messages of a group before they are sent */
    struct group group;
};

static uint64_t limit_due(struct limit *limit, uint64_t now_ns)
{
    if (limit->rate == 0) {
        return 0;
    }
    uint64_t due =
        limit->origin_ns + (uint64_t)((double)limit->used * SECOND_NS / (double)limit->rate);
    if (now_ns > due + CATCH_UP_NS) {
        limit->origin_ns += now_ns - due - CATCH_UP_NS;
        due = now_ns - CATCH_UP_NS;
    }
    return due;
}

static void limit_charge(struct limit *limit, uint64_t units)
{
    if (limit->rate == 0) {
        return;
    }
    limit->used += units;
    limit->origin_ns += limit->used / limit->rate * SECOND_NS;
    limit->used %= limit->rate;
}

/** Starts the next group at the message `ahead` stands on. */
static void group_next(struct pacer *pacer, uint64_t now_ns)
{
    struct group *group = &pacer->group;
    uint16_t length;
    uint64_t count = 0;
    uint32_t export_time_s = 0;

    while (source_peek(&pacer->ahead, true, &length) == PEEK_MESSAGE) {
        uint32_t time_s = source_export_time(&pacer->ahead);
        if (count > 0 && time_s > export_time_s) {
            break;
        }
        if (count == 0) {
            export_time_s = time_s;
        }
        count++;
        source_advance(&pacer->ahead, length);
    }
    double wait_s = 1;
    if (export_time_s > group->export_time_s) {
        wait_s = (double)(export_time_s - group->export_time_s);
    }
    group->start_ns =
        group->any ? group->start_ns + (uint64_t)(wait_s / pacer->speed_up * SECOND_NS) : now_ns;
    group->any = true;
    group->export_time_s = export_time_s;
    group->count = count > 0 ? count : 1;
    group->sent = 0;
}

/** When the next message may go. */
static uint64_t pacer_due(struct pacer *pacer, uint64_t now_ns)
{
    if (pacer->speed_up > 0) {
        struct group *group = &pacer->group;
        if (!group->any || group->sent == group->count) {
            group_next(pacer, now_ns);
        }
        double part_s = (double)group->sent / (double)group->count / pacer->speed_up;
        return group->start_ns + (uint64_t)(part_s * SECOND_NS);
    }
    uint64_t by_octets = limit_due(&pacer->octets, now_ns);
    uint64_t by_messages = limit_due(&pacer->messages, now_ns);
    return by_octets > by_messages ? by_octets : by_messages;
}

static void pacer_charge(struct pacer *pacer, uint16_t length)
{
    limit_charge(&pacer->octets, length);
    limit_charge(&pacer->messages, 1);
    pacer->group.sent++;
}

static bool pacer_init(struct pacer *pacer, const struct options *options,
                       const struct source *source)
{
    uint64_t now = clock_ns();

    *pacer = (struct pacer){.octets = {.rate = options->octets_per_s, .origin_ns = now},
                            .messages = {.rate = options->messages_per_s, .origin_ns = now},
                            .speed_up = options->speed_up,
                            .ahead = {.fd = -1}};
    if (options->speed_up <= 0) {
        return true;
    }
    if (source->whole) {
        pacer->ahead = *source; /* shares the buffer */
    } else if (!source_open(&pacer->ahead, options->path, false)) {
        return false;
    }
    pacer->ahead.quiet = true;
    return true;
}

static void pacer_clear(struct pacer *pacer)
{
    if (!pacer->ahead.whole) {
        source_close(&pacer->ahead);
    }
}

/* ---- network ----------------------------------------------------------------------------------
 */

struct sender {
    int fd;
    int signal_fd;
    unsigned signals; /* SIGINT and SIGTERM so far: 1 = stop gently, 2 = at once */
    enum transport transport;
    bool failed;
};

/** Messages that lie back to back in the source's buffer. */
struct batch {
    const uint8_t *octets;
    size_t length;
    unsigned count;
    uint16_t lengths[BATCH_MESSAGES];
};

static void sender_take_signals(struct sender *sender)
{
    struct signalfd_siginfo info;

    while (read(sender->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        sender->signals++;
    }
}

/** Waits for events of the socket, a signal, or the time; returns the socket's events. */
static short sender_wait(struct sender *sender, short events, uint64_t wait_ns)
{
    struct pollfd fds[2] = {{.fd = sender->signal_fd, .events = POLLIN},
                            {.fd = sender->fd, .events = events}};
    struct timespec timeout = {.tv_sec = (time_t)(wait_ns / SECOND_NS),
                               .tv_nsec = (long)(wait_ns % SECOND_NS)};

    if (ppoll(fds, 2, &timeout, NULL) <= 0) {
        return 0;
    }
    if (fds[0].revents != 0) {
        sender_take_signals(sender);
    }
    return fds[1].revents;
}

static void sender_fail(struct sender *sender, int error)
{
    fprintf(stderr, "Network error: %s\n", strerror(error));
    sender->failed = true;
}

static int socket_error(int fd)
{
    int error = 0;
    socklen_t size = sizeof(error);

    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

/** Connects to one address; 0 or the reason. */
static int connect_to(struct sender *sender, const struct addrinfo *address)
{
    int one = 1;

    sender->fd = socket(address->ai_family, address->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                        address->ai_protocol);
    if (sender->fd < 0) {
        return errno;
    }
    int error = connect(sender->fd, address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
        while (sender->signals == 0 && sender_wait(sender, POLLOUT, 60ull * SECOND_NS) == 0) {
        }
        error = sender->signals > 0 ? EINTR : socket_error(sender->fd);
    }
    if (error != 0) {
        close(sender->fd);
        sender->fd = -1;
    } else if (sender->transport == TRANSPORT_TCP) {
        (void)setsockopt(sender->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    }
    return error;
}

static void tell_connect_error(const struct options *options, int error)
{
    if (options->transport == TRANSPORT_SCTP &&
        (error == EPROTONOSUPPORT || error == ESOCKTNOSUPPORT)) {
        complain("SCTP is not available on this system; use -t TCP or -t UDP");
    } else {
        complain("cannot connect to %s port %s: %s", options->host, options->port, strerror(error));
    }
}

static bool sender_connect(struct sender *sender, const struct options *options)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *addresses = NULL;
    int error = ENOENT;

    if (options->transport == TRANSPORT_UDP) {
        hints.ai_socktype = SOCK_DGRAM;
    }
    int status = getaddrinfo(options->host, options->port, &hints, &addresses);
    if (status != 0) {
        complain("%s port %s: %s", options->host, options->port, gai_strerror(status));
        return false;
    }
    for (struct addrinfo *a = addresses; a != NULL && sender->fd < 0 && sender->signals == 0;
         a = a->ai_next) {
        /* The resolver need not know SCTP: it is asked for TCP, whose addresses are the same. */
        if (options->transport == TRANSPORT_SCTP) {
            a->ai_protocol = IPPROTO_SCTP;
        }
        error = connect_to(sender, a);
    }
    freeaddrinfo(addresses);
    if (sender->fd < 0) {
        tell_connect_error(options, error);
    }
    return sender->fd >= 0;
}

static bool sender_open(struct sender *sender, const struct options *options)
{
    sigset_t signals;

    *sender = (struct sender){.fd = -1, .signal_fd = -1, .transport = options->transport};
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    sender->signal_fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    if (sender->signal_fd < 0) {
        complain("signalfd: %s", strerror(errno));
        return false;
    }
    return sender_connect(sender, options);
}

static void sender_close(struct sender *sender)
{
    if (sender->fd >= 0) {
        close(sender->fd);
    }
    if (sender->signal_fd >= 0) {
        close(sender->signal_fd);
    }
}

/** After a call that could not go on: waits, or notes why it never will. */
static void sender_blocked(struct sender *sender, int error)
{
    if (error == EAGAIN || error == EWOULDBLOCK) {
        (void)sender_wait(sender, POLLOUT, SECOND_NS);
    } else if (error == ENOBUFS) {
        /* The interface's queue is full; it does not tell when it is not any more. */
        (void)sender_wait(sender, 0, SECOND_NS / 1000);
    } else if (error != EINTR) {
        sender_fail(sender, error);
    }
}

/** End of the message that octet `sent` of the batch lies in. */
static size_t batch_boundary(const struct batch *batch, size_t sent)
{
    size_t end = 0;

    for (unsigned i = 0; i < batch->count && end < sent; i++) {
        end += batch->lengths[i];
    }
    return end;
}

static void send_stream(struct sender *sender, const struct batch *batch)
{
    size_t sent = 0;
    size_t end = batch->length;

    while (sent < end && !sender->failed && sender->signals < 2) {
        ssize_t n = send(sender->fd, batch->octets + sent, end - sent, MSG_NOSIGNAL);
        if (n >= 0) {
            sent += (size_t)n;
            continue;
        }
        sender_blocked(sender, errno);
        if (sender->signals > 0) {
            end = batch_boundary(batch, sent);
        }
    }
}

static void send_packets(struct sender *sender, const struct batch *batch)
{
    struct mmsghdr headers[BATCH_MESSAGES];
    struct iovec parts[BATCH_MESSAGES];
    const uint8_t *at = batch->octets;
    unsigned sent = 0;

    memset(headers, 0, batch->count * sizeof(headers[0]));
    for (unsigned i = 0; i < batch->count; i++) {
        parts[i].iov_base = (void *)(uintptr_t)at;
        parts[i].iov_len = batch->lengths[i];
        headers[i].msg_hdr.msg_iov = &parts[i];
        headers[i].msg_hdr.msg_iovlen = 1;
        at += batch->lengths[i];
    }
    while (sent < batch->count && !sender->failed && sender->signals == 0) {
        int n = sendmmsg(sender->fd, headers + sent, batch->count - sent, MSG_NOSIGNAL);
        if (n >= 0) {
            sent += (unsigned)n;
        } else {
            sender_blocked(sender, errno);
        }
    }
}

/** Waits until the kernel has passed on everything: closing could throw the rest away. */
static void sender_drain(struct sender *sender)
{
    int queued = 0;

    while (!sender->failed && ioctl(sender->fd, SIOCOUTQ, &queued) == 0 && queued > 0) {
        if (sender->signals >= 2) {
            complain("stopped with %d octets not delivered", queued);
            sender->failed = true;
        } else if (sender_wait(sender, 0, DRAIN_POLL_NS) & (POLLERR | POLLNVAL)) {
            int error = socket_error(sender->fd);
            sender_fail(sender, error != 0 ? error : ECONNRESET);
        }
    }
}

/* ---- replay -----------------------------------------------------------------------------------
 */

/** Takes messages that are due into a batch; `wait_ns` is set when the next one is not due yet. */
static enum peek batch_fill(struct batch *batch, struct source *source, struct pacer *pacer,
                            const struct options *options, uint64_t *wait_ns)
{
    uint16_t length = 0;
    enum peek result = source_peek(source, true, &length);
    uint64_t now = clock_ns();

    batch->octets = source->buffer + source->head;
    batch->length = 0;
    batch->count = 0;
    *wait_ns = 0;
    while (result == PEEK_MESSAGE && batch->count < BATCH_MESSAGES &&
           batch->length < BATCH_OCTETS) {
        if (options->transport == TRANSPORT_UDP && length > UDP_MAX_PAYLOAD) {
            source_complain(source, "a message of %u octets does not fit into a UDP datagram",
                            length);
            return PEEK_BAD;
        }
        uint64_t due = pacer_due(pacer, now);
        if (due > now) {
            *wait_ns = due - now;
            break;
        }
        if (options->rewrite_domain) {
            lnf_store_u32(source->buffer + source->head + 12, htobe32(options->domain_id));
        }
        pacer_charge(pacer, length);
        source_advance(source, length);
        batch->lengths[batch->count++] = length;
        batch->length += length;
        result = source_peek(source, false, &length);
    }
    return result;
}

/** Sends the file once; false when something is wrong, which was told. */
static bool replay_once(struct sender *sender, struct source *source, struct pacer *pacer,
                        const struct options *options)
{
    struct batch batch;
    uint64_t wait_ns;
    enum peek result = PEEK_MESSAGE;

    while (result != PEEK_END && sender->signals == 0) {
        result = batch_fill(&batch, source, pacer, options, &wait_ns);
        if (batch.count > 0) {
            if (sender->transport == TRANSPORT_TCP) {
                send_stream(sender, &batch);
            } else {
                send_packets(sender, &batch);
            }
        }
        if (result == PEEK_BAD || sender->failed) {
            return false;
        }
        if (wait_ns > 0 && batch.count == 0) {
            (void)sender_wait(sender, 0, wait_ns);
        }
        sender_take_signals(sender);
    }
    return true;
}

static bool replay(struct sender *sender, struct source *source, const struct options *options)
{
    struct pacer pacer;
    bool ok = pacer_init(&pacer, options, source);

    for (uint64_t pass = 0;
         ok && sender->signals == 0 && (options->endless || pass < options->passes); pass++) {
        source_rewind(source);
        source_rewind(&pacer.ahead);
        ok = replay_once(sender, source, &pacer, options);
    }
    sender_drain(sender);
    pacer_clear(&pacer);
    return ok && !sender->failed;
}

/* ---- command line -----------------------------------------------------------------------------
 */

/** Decimal number of at most `max`; `rest` is what follows. */
static bool parse_number(const char *text, uint64_t max, uint64_t *value, const char **rest)
{
    char *end;

    if (*text < '0' || *text > '9') {
        return false;
    }
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    if (errno != 0 || n > max) {
        return false;
    }
    *value = n;
    *rest = end;
    return true;
}

static bool parse_whole(const char *text, uint64_t max, uint64_t *value)
{
    const char *rest;

    return parse_number(text, max, value, &rest) && *rest == '\0';
}

static bool parse_speed(const char *text, uint64_t *value)
{
    static const char suffixes[] = "BKMG";
    const char *rest;
    unsigned power = 0;

    if (!parse_number(text, UINT64_MAX, value, &rest)) {
        return false;
    }
    if (*rest != '\0') {
        while (power < 4 && suffixes[power] != (*rest & ~0x20)) {
            power++;
        }
        if (power == 4 || rest[1] != '\0' || *value > UINT64_MAX >> (10 * power)) {
            return false;
        }
        *value <<= 10 * power;
    }
    return true;
}

static bool parse_transport(const char *text, enum transport *transport)
{
    static const char *const names[] = {"UDP", "TCP", "SCTP"};

    for (unsigned i = 0; i < 3; i++) {
        if (strcasecmp(text, names[i]) == 0) {
            *transport = (enum transport)i;
            return true;
        }
    }
    return false;
}

static bool parse_speed_up(const char *text, double *value)
{
    char *end;

    *value = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*value) && *value > 0;
}

static bool parse_passes(const char *text, struct options *options)
{
    options->endless = strcmp(text, "-1") == 0;
    return options->endless || parse_whole(text, UINT64_MAX, &options->passes);
}

static bool parse_domain(const char *text, struct options *options)
{
    uint64_t value;

    if (!parse_whole(text, UINT32_MAX, &value)) {
        return false;
    }
    options->rewrite_domain = true;
    options->domain_id = (uint32_t)value;
    return true;
}

static bool parse_option(int option, struct options *options)
{
    uint64_t port;

    switch (option) {
    case 'i':
        options->path = optarg;
        return true;
    case 'd':
        options->host = optarg;
        return *optarg != '\0';
    case 'p':
        options->port = optarg;
        return parse_whole(optarg, 65535, &port) && port > 0;
    case 't':
        return parse_transport(optarg, &options->transport);
    case 'c':
        options->whole_file = true;
        return true;
    case 'n':
        return parse_passes(optarg, options);
    case 's':
        return parse_speed(optarg, &options->octets_per_s);
    case 'S':
        return parse_whole(optarg, UINT64_MAX, &options->messages_per_s);
    case 'R':
        return parse_speed_up(optarg, &options->speed_up);
    case 'O':
        return parse_domain(optarg, options);
    default:
        return false;
    }
}

/** What the options demand of each other; tells what is wrong. */
static bool check_options(const struct options *options)
{
    if (options->path == NULL) {
        complain("no file to send, use -i");
        return false;
    }
    if (options->speed_up > 0 && (options->octets_per_s > 0 || options->messages_per_s > 0)) {
        complain("-R cannot be combined with -s or -S");
        return false;
    }
    return true;
}

/** Fills the options; false after telling what is wrong. Sets `help` when help was asked for. */
static bool parse_arguments(int argc, char **argv, struct options *options, bool *help)
{
    int option;

    *help = argc == 1;
    while ((option = getopt(argc, argv, "i:d:p:t:cn:s:S:R:O:h")) != -1) {
        if (option == 'h') {
            *help = true;
            return true;
        }
        if (option == '?') {
            fputs(usage_text, stderr);
            return false;
        }
        if (!parse_option(option, options)) {
            complain("bad value of -%c: '%s'", option, optarg);
            return false;
        }
    }
    if (optind < argc) {
        complain("unexpected argument '%s'", argv[optind]);
        return false;
    }
    return *help || check_options(options);
}

int main(int argc, char **argv)
{
    struct options options = {.host = "127.0.0.1", .port = "4739", .endless = true};
    struct source source = {.fd = -1};
    struct sender sender = {.fd = -1, .signal_fd = -1};
    bool help;

    if (!parse_arguments(argc, argv, &options, &help)) {
        return EXIT_FAILURE;
    }
    if (help) {
        fputs(usage_text, stdout);
        return EXIT_SUCCESS;
    }
    bool ok = source_open(&source, options.path, options.whole_file) && source_verify(&source) &&
              sender_open(&sender, &options) && replay(&sender, &source, &options);
    sender_close(&sender);
    source_close(&source);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
