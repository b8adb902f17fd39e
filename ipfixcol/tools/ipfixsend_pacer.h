/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * When ipfixsend may send the next message.
 *
 * Time is given by the caller, in nanoseconds of any clock that does not jump.
 */
#ifndef IPFIXSEND_PACER_H
#define IPFIXSEND_PACER_H

#include "ipfixsend_source.h"

#include <stdbool.h>
#include <stdint.h>

#define SECOND_NS 1000000000ull

/** What was asked for; 0 = no limit. Real time excludes the others. */
struct pace {
    uint64_t octets_per_s;
    uint64_t messages_per_s;
    double speed_up; /* real-time replay, so many times as fast */
};

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

/** Starts at `now`. Real time reads ahead in the source's file. False: the reason was told. */
bool pacer_init(struct pacer *pacer, const struct pace *pace, const struct source *source,
                uint64_t now);

/** Closes what pacer_init() opened. */
void pacer_clear(struct pacer *pacer);

/** When the next message may go; a time that has passed = at once. */
uint64_t pacer_due(struct pacer *pacer, uint64_t now_ns);

/** A message of so many octets goes. */
void pacer_charge(struct pacer *pacer, uint16_t length);

#endif
