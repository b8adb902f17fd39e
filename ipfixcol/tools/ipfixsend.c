/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * ipfixsend: replays the messages of an IPFIX File to a collector.
 *
 * Messages lie back to back in the file (RFC 5655), which is also what a TCP stream carries, so a
 * range of the read buffer goes out in one call. Messages are never split over datagrams and never
 * changed, except for the Observation Domain ID with -O.
 */
#include "ipfixsend_pacer.h"
#include "ipfixsend_source.h"

#include <errno.h>
#include <getopt.h>
#include <libnf/bytes.h>
#include <linux/sockios.h>
#include <math.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define DRAIN_POLL_NS 2000000u
/** A batch: as much as goes to the kernel in one call. */
#define BATCH_MESSAGES 256u
#define BATCH_OCTETS (256u * 1024)
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
    "  -h, --help  this help\n"
    "  -V, --version\n"
    "              the version\n";

static const char version_text[] = "ipfixsend " IPFIXCOL_VERSION "\n";

struct options {
    const char *path;
    const char *host;
    const char *port;
    enum transport transport;
    bool whole_file;
    bool endless;
    uint64_t passes;
    struct pace pace;
    bool rewrite_domain;
    uint32_t domain_id;
};

static uint64_t clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

/* ---- network --------------------------------------------------------------------------------- */

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

/* ---- replay ---------------------------------------------------------------------------------- */

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
    bool ok = pacer_init(&pacer, &options->pace, source, clock_ns());

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

/* ---- command line ---------------------------------------------------------------------------- */

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
        return parse_speed(optarg, &options->pace.octets_per_s);
    case 'S':
        return parse_whole(optarg, UINT64_MAX, &options->pace.messages_per_s);
    case 'R':
        return parse_speed_up(optarg, &options->pace.speed_up);
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
    if (options->pace.speed_up > 0 &&
        (options->pace.octets_per_s > 0 || options->pace.messages_per_s > 0)) {
        complain("-R cannot be combined with -s or -S");
        return false;
    }
    return true;
}

/** Fills the options; false after telling what is wrong. `print` is set when only that is wanted.
 */
static bool parse_arguments(int argc, char **argv, struct options *options, const char **print)
{
    static const struct option words[] = {
        {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {0}};
    int option;

    *print = argc == 1 ? usage_text : NULL;
    while ((option = getopt_long(argc, argv, "i:d:p:t:cn:s:S:R:O:hV", words, NULL)) != -1) {
        if (option == 'h' || option == 'V') {
            *print = option == 'h' ? usage_text : version_text;
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
    return *print != NULL || check_options(options);
}

int main(int argc, char **argv)
{
    struct options options = {.host = "127.0.0.1", .port = "4739", .endless = true};
    struct source source = {.fd = -1};
    struct sender sender = {.fd = -1, .signal_fd = -1};
    const char *print;

    if (!parse_arguments(argc, argv, &options, &print)) {
        return EXIT_FAILURE;
    }
    if (print != NULL) {
        fputs(print, stdout);
        return EXIT_SUCCESS;
    }
    bool ok = source_open(&source, options.path, options.whole_file) && source_verify(&source) &&
              sender_open(&sender, &options) && replay(&sender, &source, &options);
    sender_close(&sender);
    source_close(&source);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
