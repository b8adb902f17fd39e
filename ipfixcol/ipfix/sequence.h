/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Sequence numbers of one Observation Domain: what was lost on the way (RFC 7011 section 3.1).
 *
 * The account starts at the first message. Numbers wrap at 2^32. Messages that overtook each other
 * are recognised by the gap they left, and taken back from the loss.
 */
#ifndef IPFIX_SEQUENCE_H
#define IPFIX_SEQUENCE_H

#include <stdbool.h>
#include <stdint.h>

#define SEQUENCE_GAP_COUNT 8u

/** Numbers that were skipped: `count` of them from `start` on. */
struct sequence_gap {
    uint32_t start;
    uint32_t count;
    bool counted; /* part of the loss */
};

struct sequence {
    bool started;
    uint32_t expected;
    uint32_t last; /* number and count of the last message: the network may duplicate it */
    uint32_t last_count;
    unsigned next_gap;
    struct sequence_gap gaps[SEQUENCE_GAP_COUNT];
    uint64_t lost;
};

enum sequence_result {
    SEQUENCE_EXPECTED,
    SEQUENCE_LATE,  /* fills a gap, or is a duplicate; nothing to report */
    SEQUENCE_GAP,   /* numbers are missing */
    SEQUENCE_RESET, /* the exporter started again, or reordering beyond recognition */
};

/**
 * Accounts one message.
 *
 * @param reordering      the transport may change the order of messages
 * @param number,count    sequence number in the header; Data Records in the message
 * @param[out] expected   the number that should have come
 */
enum sequence_result sequence_account(struct sequence *sequence, bool reordering, uint32_t number,
                                      uint32_t count, uint32_t *expected);

#endif
