/* SPDX-License-Identifier: BSD-3-Clause */
/* Exporters that send over UDP, by address and port. */
#include "peers.h"

#include <ipfixcol/common.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* What tells peers apart: 20 octets. */
struct key {
    uint64_t high, low;
    uint32_t rest; /* family and port */
};

static struct key make_key(const struct sockaddr_storage *address)
{
    struct key key = {0};
    if (address->ss_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        key.low = in.sin_addr.s_addr;
        key.rest = (uint32_t)AF_INET << 16 | in.sin_port;
    } else {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof(in6));
        memcpy(&key.high, &in6.sin6_addr.s6_addr[0], 8);
        memcpy(&key.low, &in6.sin6_addr.s6_addr[8], 8);
        key.rest = (uint32_t)AF_INET6 << 16 | in6.sin6_port;
    }
    return key;
}

static bool same_key(const struct key *a, const struct key *b)
{
    return a->high == b->high && a->low == b->low && a->rest == b->rest;
}

static uint64_t mix(uint64_t value)
{
    value ^= value >> 32;
    value *= 0xD6E8FEB86659FD93u;
    value ^= value >> 32;
    value *= 0xD6E8FEB86659FD93u;
    return value ^ value >> 32;
}

static struct peer **bucket_of(const struct peers *peers, const struct key *key)
{
    uint64_t hash = mix(key->high ^ peers->secret);
    hash = mix(hash + key->low);
    hash = mix(hash + key->rest);
    return &peers->buckets[hash & peers->mask];
}

int peers_init(struct peers *peers, size_t max)
{
    size_t size = 64;
    while (size < max) {
        size *= 2;
    }
    *peers = (struct peers){.mask = size - 1, .max = max};
    peers->buckets = calloc(size, sizeof(*peers->buckets));
    if (peers->buckets == NULL) {
        return COL_ERR_NOMEM;
    }
    if (getrandom(&peers->secret, sizeof(peers->secret), GRND_NONBLOCK) < 0) {
        peers->secret = (uint64_t)(uintptr_t)peers->buckets;
    }
    return COL_OK;
}

void peers_clear(struct peers *peers)
{
    while (peers->newest != NULL) {
        peers_remove(peers, peers->newest);
    }
    free(peers->buckets);
    *peers = (struct peers){0};
}

void peer_unmap(struct sockaddr_storage *address)
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

/* ---- order by time --------------------------------------------------------------------------- */

static void unlink_peer(struct peers *peers, struct peer *peer)
{
    if (peer->newer != NULL) {
        peer->newer->older = peer->older;
    } else {
        peers->newest = peer->older;
    }
    if (peer->older != NULL) {
        peer->older->newer = peer->newer;
    } else {
        peers->oldest = peer->newer;
    }
}

static void link_newest(struct peers *peers, struct peer *peer)
{
    peer->newer = NULL;
    peer->older = peers->newest;
    if (peers->newest != NULL) {
        peers->newest->newer = peer;
    } else {
        peers->oldest = peer;
    }
    peers->newest = peer;
}

static void touch(struct peers *peers, struct peer *peer, uint64_t now_ms)
{
    peer->seen_ms = now_ms;
    if (peers->newest != peer) {
        unlink_peer(peers, peer);
        link_newest(peers, peer);
    }
}

/* ---- table ----------------------------------------------------------------------------------- */

struct peer *peers_find(struct peers *peers, const struct sockaddr_storage *address,
                        uint64_t now_ms)
{
    struct key key = make_key(address);
    for (struct peer *peer = *bucket_of(peers, &key); peer != NULL; peer = peer->chain) {
        struct key other = make_key(&peer->address);
        if (same_key(&key, &other)) {
            touch(peers, peer, now_ms);
            return peer;
        }
    }
    return NULL;
}

struct peer *peers_add(struct peers *peers, const struct sockaddr_storage *address, uint64_t now_ms)
{
    struct peer *peer = peers->count < peers->max ? calloc(1, sizeof(*peer)) : NULL;
    if (peer == NULL) {
        return NULL;
    }
    struct key key = make_key(address);
    struct peer **bucket = bucket_of(peers, &key);
    peer->address = *address;
    peer->seen_ms = now_ms;
    peer->chain = *bucket;
    *bucket = peer;
    link_newest(peers, peer);
    peers->count++;
    return peer;
}

void peers_remove(struct peers *peers, struct peer *peer)
{
    struct key key = make_key(&peer->address);
    struct peer **at = bucket_of(peers, &key);
    while (*at != peer) {
        at = &(*at)->chain;
    }
    *at = peer->chain;
    unlink_peer(peers, peer);
    peers->count--;
    free(peer);
}
