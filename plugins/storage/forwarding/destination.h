/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * One destination: its connection, what waits to be written, what was written and not acknowledged.
 *
 * A state machine without a thread; nothing here waits. States: waiting for the next attempt,
 * resolving the name, connecting, connected, closing. A connection starts with an empty template
 * mapper and sequence numbers at 0, as a new Transport Session does (RFC 7011 section 3.1).
 *
 * A peer that closes its side may still read (a collector that stops does): what was begun is
 * finished, nothing new is sent, and this side is closed when all of it is acknowledged.
 *
 * Sent messages are kept until the peer's kernel has acknowledged their last octet (SIOCOUTQ); over
 * UDP until the kernel here has taken them. What is left when a connection fails can be sent again.
 */
#ifndef FORWARDING_DESTINATION_H
#define FORWARDING_DESTINATION_H

#include "item_queue.h"
#include "message_builder.h"
#include "octets.h"
#include "template_mapper.h"

#include <ipfixcol/plugin.h>
#include <netdb.h>

/** Octets that make a write worth while; with as many not taken by the kernel it is busy. */
#define DESTINATION_WRITE_OCTETS (64u * 1024)
/**
 * Templates go to busy destinations, too: more than this and the connection is given up. What is
 * announced at once, to a new connection or to repeat it, may be more and does not count.
 */
#define DESTINATION_MAX_OCTETS (8u * 1024 * 1024)

enum destination_state {
    DESTINATION_WAITING,
    DESTINATION_RESOLVING,
    DESTINATION_CONNECTING,
    DESTINATION_CONNECTED,
    DESTINATION_CLOSING,
};

struct destination_config {
    const char *host;
    uint16_t port;
    bool udp;
    uint32_t packet_size;
    uint32_t reconnect_ms;
    uint32_t udp_refresh_s;
};

struct destination_totals {
    uint64_t messages, records, octets; /* completed messages; repeated ones count again */
    uint64_t too_long_records;          /* over UDP: longer than a datagram can be */
    uint64_t connects, failures, renewals;
};

struct destination {
    struct destination_config config;
    col_instance_t *instance;
    char name[300]; /* "host:port" */
    enum destination_state state;
    int fd;
    uint64_t next_ms; /* waiting: next attempt; connecting: when to give up */
    bool came_up;     /* connected since the owner looked: it has to announce templates */
    bool renewing;    /* from destination_renew() until it is connected again, or failed */
    bool went_down;   /* failed since the owner looked: it takes back what is in `sent` */

    struct gaicb request; /* name being resolved */
    char port[8];
    struct addrinfo hints;
    struct addrinfo *addresses, *address;

    struct octets out;
    bool announcing;        /* between destination_announce_begin() and _end() */
    size_t announced;       /* octets that were in `out` when that ended, as far as still there */
    struct item_queue sent; /* in out, or not acknowledged */
    struct ipfix_message *building;
    struct builder builder;
    struct mapper mapper;
    uint64_t written; /* octets of this connection the kernel has taken */
    uint64_t acked;   /* and the peer has acknowledged */
    bool blocked;     /* the kernel took no more at `tried_ms` */
    uint64_t tried_ms;
    uint64_t progress_ms; /* last time octets were acknowledged, or nothing was to be */
    uint64_t refresh_ms;  /* UDP: next repetition of templates */

    bool failure_told; /* the log knows that it is down */
    struct col_log_limit limit, renew_limit;
    struct destination_totals totals;
};

/** Prepares a destination for its first attempt; the configuration's text is borrowed. */
void destination_init(struct destination *destination, col_instance_t *instance,
                      const struct destination_config *config);

/** Closes the connection and frees everything. */
void destination_clear(struct destination *destination);

/** Goes on as far as possible: resolves, connects, writes, notices a closed peer. */
void destination_run(struct destination *destination, uint64_t now_ms);

/** Writes what waits, as far as the kernel takes it. */
void destination_flush(struct destination *destination, uint64_t now_ms);

/** Whether it cannot take another message now: not connected, or the kernel takes no more. */
bool destination_busy(struct destination *destination, uint64_t now_ms);

/**
 * Gives the connection up and tries anew after the configured time. What is not acknowledged is
 * left for the owner to send again; the connection does not deliver it any more.
 */
void destination_fail(struct destination *destination, uint64_t now_ms, const char *reason);

/**
 * Ends a connection that works, to begin a new Transport Session: what was begun is delivered
 * first, then it connects anew after the configured time, a second at most.
 */
void destination_renew(struct destination *destination, uint64_t now_ms);

/** Fills in what to wait for; false when there is no descriptor. */
bool destination_poll(const struct destination *destination, struct pollfd *fd);

/** Whether something is not written or not acknowledged. */
bool destination_pending(const struct destination *destination);

/** Builder for messages of a domain; NULL without memory, the connection has been given up then. */
struct builder *destination_builder(struct destination *destination, uint32_t domain_id,
                                    uint32_t export_time_s, uint64_t now_ms);

/**
 * From here on to the end all templates there are may be added, however many octets that makes:
 * with a limit a destination that needs more could never be connected.
 */
void destination_announce_begin(struct destination *destination);
void destination_announce_end(struct destination *destination);

/**
 * Completes the message being built. False without memory, or when too much waits: the connection
 * has been given up.
 */
bool destination_finish(struct destination *destination, uint64_t now_ms);

/** Withdraws (TCP) what has no users any more in a domain. */
void destination_withdraw_idle(struct destination *destination, struct builder *builder);

#endif
