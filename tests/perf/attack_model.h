/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Half an hour of two networks with attacks in it, for detection: who attacks whom is known.
 *
 * The ordinary traffic contains what detection must not mistake for an attack: a resolver and a
 * time server that ask the world, a monitoring host that knocks everywhere, jobs that run every
 * minute, large answers of DNS, failed connections and the scanners everybody is visited by.
 * Everything follows from the seed.
 */
#ifndef ATTACK_MODEL_H
#define ATTACK_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flowgen_model.h"

#define ATTACK_START_S UINT64_C(1768471200) /* 2026-01-15 10:00 UTC */
#define ATTACK_SPAN_S 1800u

/** What is hidden in the traffic; bits of a set. */
enum attack {
    ATTACK_SYN_FLOOD = 1 << 0,
    ATTACK_AMPLIFICATION = 1 << 1,
    ATTACK_HORIZONTAL_SCAN = 1 << 2,
    ATTACK_VERTICAL_SCAN = 1 << 3,
    ATTACK_BRUTE_FORCE = 1 << 4,
    ATTACK_EXFILTRATION = 1 << 5,
    ATTACK_BEACON = 1 << 6,
    ATTACK_SILENCE = 1 << 7, /* an exporter and a channel stop */
    ATTACK_CHANGE = 1 << 8,  /* one host starts to send, another stops */
    ATTACK_ALL = (1 << 9) - 1,
};

/** Name of a bit on the command line; NULL = not a single attack. */
const char *attack_name(unsigned attack);

enum attack_channel { ATTACK_BORDER, ATTACK_BRANCH, ATTACK_CHANNELS };

/** Directory of a channel. */
const char *attack_channel_name(enum attack_channel channel);

struct attack_flow {
    struct fg_flow flow;
    uint64_t number;   /**< order of flows that end at the same time */
    uint16_t exporter; /**< 1 .. ATTACK_EXPORTERS */
    enum attack_channel channel;
};

/** Exporter n is 192.0.2.n with Observation Domain 1000 + n; the last one is the branch's. */
enum { ATTACK_EXPORTERS = 3 };
#define ATTACK_EXPORTER_NETWORK UINT32_C(0xc0000200)
#define ATTACK_DOMAIN 1000u

struct attack_traffic {
    struct attack_flow *flows; /**< in the order they are exported */
    size_t count;
    size_t capacity;
};

/**
 * Makes the traffic.
 *
 * @param attacks  set of enum attack; 0 = ordinary traffic alone
 * @return false without memory; then there is nothing to clear
 */
bool attack_traffic_make(uint64_t seed, unsigned attacks, struct attack_traffic *traffic);

void attack_traffic_clear(struct attack_traffic *traffic);

#endif
