/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Exporters that send over UDP, by address and port, the one heard of last in front.
 *
 * Addresses of datagrams can be forged, so their number is bounded: who was silent longest makes
 * room.
 */
#ifndef UDP_PEERS_H
#define UDP_PEERS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct peer {
    struct sockaddr_storage address; /* unmapped: IPv4 is AF_INET */
    const void *session;             /* what the owner keeps with it */
    uint64_t seen_ms;
    struct peer *chain;         /* same bucket */
    struct peer *newer, *older; /* order of seen_ms */
};

struct peers {
    struct peer **buckets;
    size_t mask;
    uint64_t secret; /* nobody outside can choose addresses that meet in one bucket */
    size_t count, max;
    struct peer *newest, *oldest;
};

/** Starts empty. COL_OK or COL_ERR_NOMEM. */
int peers_init(struct peers *peers, size_t max);
/** Frees the table and its peers; sessions are the caller's matter, see peers_remove(). */
void peers_clear(struct peers *peers);

/** Turns an IPv4 address mapped into IPv6 back. */
void peer_unmap(struct sockaddr_storage *address);

/** The peer of an address, now the newest one; NULL when it is unknown. */
struct peer *peers_find(struct peers *peers, const struct sockaddr_storage *address,
                        uint64_t now_ms);
/** Adds an address that is unknown; NULL without memory or when there are `max`. */
struct peer *peers_add(struct peers *peers, const struct sockaddr_storage *address,
                       uint64_t now_ms);
/** Removes and frees a peer. */
void peers_remove(struct peers *peers, struct peer *peer);

#endif
