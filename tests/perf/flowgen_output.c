/* SPDX-License-Identifier: BSD-3-Clause */
/* Sends the flow generator's messages to a file, UDP or TCP, paced. */

#include "flowgen_output.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum {
    DATAGRAM_BATCH = 64, /* messages per system call */
    SEND_BUFFER_SIZE = 4 << 20,
    PAUSES_PER_S = 1000, /* a paced sender sends this many small bursts a second */
};

#define NS_PER_S UINT64_C(1000000000)

uint64_t fg_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static int complain(const struct fg_output *output, const char *what, const char *reason)
{
    fprintf(stderr, "flowgen: %s: %s: %s\n", output->target, what, reason);
    return -1;
}

/* ---- opening ------------------------------------------------------------------------------ */

/* Cuts "HOST:PORT" or "[HOST]:PORT" in two, in place. */
static int split_target(char *target, char **host, char **port)
{
    char *colon = strrchr(target, ':');

    if (colon == NULL || colon == target || colon[1] == '\0') {
        return -1;
    }
    *colon = '\0';
    *port = colon + 1;
    *host = target;
    if (target[0] == '[') {
        if (colon[-1] != ']') {
            return -1;
        }
        colon[-1] = '\0';
        *host = target + 1;
    } else if (strchr(target, ':') != NULL) {
        return -1; /* an IPv6 address without brackets: where would the port begin? */
    }
    return 0;
}

static int bind_local(int fd, int family, int socktype, const char *address)
{
    struct addrinfo hints = {
        .ai_family = family, .ai_socktype = socktype, .ai_flags = AI_NUMERICHOST | AI_PASSIVE};
    struct addrinfo *found = NULL;

    if (getaddrinfo(address, NULL, &hints, &found) != 0) {
        errno = EADDRNOTAVAIL;
        return -1;
    }
    int status = bind(fd, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return status;
}

/* A socket connected to the address, or -1 and errno. */
static int connect_one(const struct addrinfo *address, const char *bind_to)
{
    int size = SEND_BUFFER_SIZE;
    int fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    /* Only a wish: the kernel cuts it to net.core.wmem_max. */
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    if ((bind_to != NULL &&
         bind_local(fd, address->ai_family, address->ai_socktype, bind_to) != 0) ||
        connect(fd, address->ai_addr, address->ai_addrlen) != 0) {
        int reason = errno;

        close(fd);
        errno = reason;
        return -1;
    }
    return fd;
}

static int open_socket(struct fg_output *output, int socktype, const char *bind_to)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = socktype};
    struct addrinfo *found = NULL;
    char *copy = strdup(output->target);
    char *host = NULL;
    char *port = NULL;

    if (copy == NULL) {
        return complain(output, "open", strerror(ENOMEM));
    }
    if (split_target(copy, &host, &port) != 0) {
        free(copy);
        return complain(output, "not a target", "expected HOST:PORT or [IPV6]:PORT");
    }
    int status = getaddrinfo(host, port, &hints, &found);
    free(copy);
    if (status != 0) {
        return complain(output, "not found", gai_strerror(status));
    }
    for (const struct addrinfo *a = found; a != NULL && output->fd < 0; a = a->ai_next) {
        output->fd = connect_one(a, bind_to);
    }
    int reason = errno;
    freeaddrinfo(found);
    return output->fd < 0 ? complain(output, "cannot connect", strerror(reason)) : 0;
}

int fg_output_open(struct fg_output *output, enum fg_output_kind kind, const char *target,
                   const char *bind_to)
{
    output->kind = kind;
    output->target = target;
    output->fd = -1;
    if (kind == FG_OUTPUT_UDP) {
        return open_socket(output, SOCK_DGRAM, bind_to);
    }
    if (kind == FG_OUTPUT_TCP) {
        return open_socket(output, SOCK_STREAM, bind_to);
    }
    output->fd = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return output->fd < 0 ? complain(output, "cannot create", strerror(errno)) : 0;
}

/* ---- sending ------------------------------------------------------------------------------ */

static int write_all(struct fg_output *output, const uint8_t *octets, size_t size)
{
    while (size > 0) {
        ssize_t written = output->kind == FG_OUTPUT_TCP
                              ? send(output->fd, octets, size, MSG_NOSIGNAL)
                              : write(output->fd, octets, size);

        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            return complain(output, "cannot write", strerror(errno));
        }
        octets += written;
        size -= (size_t)written;
    }
    return 0;
}

/* Sends up to DATAGRAM_BATCH messages, one datagram each. */
static int send_datagrams(struct fg_output *output, const struct fg_chunk *chunk, uint32_t from,
                          uint32_t to)
{
    struct mmsghdr headers[DATAGRAM_BATCH];
    struct iovec parts[DATAGRAM_BATCH];
    unsigned count = to - from;

    memset(headers, 0, sizeof(headers[0]) * count);
    for (unsigned i = 0; i < count; i++) {
        size_t begin = from + i == 0 ? 0 : chunk->ends[from + i - 1];

        parts[i].iov_base = chunk->octets + begin;
        parts[i].iov_len = chunk->ends[from + i] - begin;
        headers[i].msg_hdr.msg_iov = &parts[i];
        headers[i].msg_hdr.msg_iovlen = 1;
    }
    for (unsigned sent = 0; sent < count;) {
        int n = sendmmsg(output->fd, headers + sent, count - sent, 0);

        if (n > 0) {
            sent += (unsigned)n;
        } else if (errno == ECONNREFUSED) {
            /* Reports an earlier datagram; this one was not tried and is sent next. */
            output->refused_count++;
        } else if (errno != EINTR && errno != ENOBUFS) {
            return complain(output, "cannot send", strerror(errno));
        }
    }
    return 0;
}

/* Waits until the flow that is sent next is due. */
static void wait_until_due(const struct fg_output *output)
{
    uint64_t whole = output->flow_count / output->rate;
    uint64_t rest = output->flow_count % output->rate;
    uint64_t due = output->started_ns + whole * NS_PER_S +
                   (uint64_t)((double)rest * (double)NS_PER_S / (double)output->rate);
    struct timespec until = {.tv_sec = (time_t)(due / NS_PER_S), .tv_nsec = (long)(due % NS_PER_S)};

    if (due > fg_now_ns()) {
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
        }
    }
}

/* Number of the message behind those that may be sent in one go from `from` on. */
static uint32_t burst_end(const struct fg_output *output, const struct fg_chunk *chunk,
                          uint32_t from)
{
    uint64_t allowed = output->rate == 0 ? UINT64_MAX : output->rate / PAUSES_PER_S;
    uint32_t limit = output->kind == FG_OUTPUT_UDP ? DATAGRAM_BATCH : UINT32_MAX;
    uint64_t flows = chunk->flows[from];
    uint32_t to = from + 1;

    while (to < chunk->count && to - from < limit && flows + chunk->flows[to] <= allowed) {
        flows += chunk->flows[to++];
    }
    return to;
}

int fg_output_send(struct fg_output *output, const struct fg_chunk *chunk)
{
    if (output->started_ns == 0) {
        output->started_ns = fg_now_ns();
    }
    for (uint32_t from = 0; from < chunk->count;) {
        uint32_t to = burst_end(output, chunk, from);
        size_t begin = from == 0 ? 0 : chunk->ends[from - 1];

        if (output->rate > 0) {
            wait_until_due(output);
        }
        int status = output->kind == FG_OUTPUT_UDP
                         ? send_datagrams(output, chunk, from, to)
                         : write_all(output, chunk->octets + begin, chunk->ends[to - 1] - begin);
        if (status != 0) {
            return -1;
        }
        for (; from < to; from++) {
            output->flow_count += chunk->flows[from];
        }
    }
    return 0;
}

int fg_output_close(struct fg_output *output)
{
    int fd = output->fd;
    int pending = 0;
    socklen_t size = sizeof(pending);

    /* The last datagram has no successor that would report its refusal. */
    if (output->kind == FG_OUTPUT_UDP && fd >= 0 &&
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &pending, &size) == 0 && pending == ECONNREFUSED) {
        output->refused_count++;
    }
    output->fd = -1;
    if (fd >= 0 && close(fd) != 0) {
        return complain(output, "cannot close", strerror(errno));
    }
    if (output->refused_count > 0) {
        fprintf(stderr, "flowgen: %s: nobody listens: datagrams were refused %llu times\n",
                output->target, (unsigned long long)output->refused_count);
        return -1;
    }
    return 0;
}
