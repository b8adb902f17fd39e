/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * The traffic the generator invents: clients and servers of one campus network, flow after flow.
 *
 * Flows come in the order an exporter would export them. Everything follows from the seed and the
 * number of flows; nothing depends on the clock or on how the flows are exported.
 */
#ifndef FLOWGEN_MODEL_H
#define FLOWGEN_MODEL_H

#include <stdbool.h>
#include <stdint.h>

/** One flow, host byte order. An IPv4 address is in the first four octets of its array. */
struct fg_flow {
    uint64_t first_ms;
    uint64_t last_ms;
    uint64_t export_ms; /**< when the exporter gives it away; never decreases */
    uint64_t packets;
    uint64_t octets;
    uint8_t src[16];
    uint8_t dst[16];
    uint32_t src_as;
    uint32_t dst_as;
    uint32_t in_if;
    uint32_t out_if;
    uint16_t src_port;
    uint16_t dst_port;
    uint8_t protocol;
    uint8_t tcp_flags;
    uint8_t tos;
    uint8_t src_mask;
    uint8_t dst_mask;
    bool ipv6;
};

/** An attack hidden in the traffic: most flows from number `from` up to (not including) `to`. */
struct fg_episode {
    const char *name;
    uint64_t from;
    uint64_t to;
    const char *source; /**< who attacks; text for people */
    const char *target;
};

enum { FG_EPISODE_COUNT = 4 };

typedef struct fg_model fg_model_t;

/**
 * Creates the traffic of `count` flows.
 *
 * @param seed      any number; another seed gives other traffic
 * @param count     flows that will be asked for, at least 1
 * @param start_ms  time of the first export, milliseconds since 1970
 * @param span_ms   time from the first export to the last one
 * @return the model, the caller's to destroy; NULL without memory
 */
fg_model_t *fg_model_create(uint64_t seed, uint64_t count, uint64_t start_ms, uint64_t span_ms);

void fg_model_destroy(fg_model_t *model);

/** Makes the next flow. To be called at most `count` times. */
void fg_model_next(fg_model_t *model, struct fg_flow *flow);

/** Describes episode `index` < FG_EPISODE_COUNT of a run of `count` flows. */
struct fg_episode fg_model_episode(unsigned index, uint64_t count);

#endif
