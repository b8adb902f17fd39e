/* SPDX-License-Identifier: BSD-3-Clause */
/* Sequence numbers of one Observation Domain: what was lost on the way. */
#include "sequence.h"

/* Before the first message anything may have been sent that is still under way. */
#define FIRST_GAP 65536u
/* More than this cannot get lost unnoticed: the exporter started again. */
#define PLAUSIBLE_GAP (UINT32_C(1) << 28)

static void remember_gap(struct sequence *sequence, uint32_t start, uint32_t count, bool counted)
{
    sequence->gaps[sequence->next_gap] =
        (struct sequence_gap){.start = start, .count = count, .counted = counted};
    sequence->next_gap = (sequence->next_gap + 1) % SEQUENCE_GAP_COUNT;
}

static void restart(struct sequence *sequence, uint32_t number)
{
    for (unsigned i = 0; i < SEQUENCE_GAP_COUNT; i++) {
        sequence->gaps[i].count = 0;
    }
    sequence->next_gap = 0;
    sequence->started = true;
    remember_gap(sequence, number - FIRST_GAP, FIRST_GAP, false);
}

/* A message from the past: does it belong into a gap? What lies in front and behind it stays open.
 */
static bool fill_gap(struct sequence *sequence, uint32_t number, uint32_t count)
{
    for (unsigned i = 0; i < SEQUENCE_GAP_COUNT; i++) {
        struct sequence_gap *gap = &sequence->gaps[i];
        uint32_t skipped = number - gap->start;
        if (skipped >= gap->count) {
            continue;
        }
        if (!gap->counted) {
            return true;
        }
        uint32_t filled = count < gap->count - skipped ? count : gap->count - skipped;
        uint32_t rest = gap->count - skipped - filled;
        sequence->lost -= filled;
        gap->count = skipped;
        if (rest > 0) {
            remember_gap(sequence, number + filled, rest, true);
        }
        return true;
    }
    return false;
}

static enum sequence_result classify(struct sequence *sequence, bool reordering, uint32_t number,
                                     uint32_t count)
{
    uint32_t ahead = number - sequence->expected;

    if (ahead == 0) {
        return SEQUENCE_EXPECTED;
    }
    if (ahead < PLAUSIBLE_GAP) {
        sequence->lost += ahead;
        remember_gap(sequence, sequence->expected, ahead, true);
        return SEQUENCE_GAP;
    }
    if (reordering && ((number == sequence->last && count == sequence->last_count) ||
                       fill_gap(sequence, number, count))) {
        return SEQUENCE_LATE;
    }
    restart(sequence, number);
    return SEQUENCE_RESET;
}

enum sequence_result sequence_account(struct sequence *sequence, bool reordering, uint32_t number,
                                      uint32_t count, uint32_t *expected)
{
    enum sequence_result result = SEQUENCE_EXPECTED;

    *expected = sequence->started ? sequence->expected : number;
    if (sequence->started) {
        result = classify(sequence, reordering, number, count);
    } else {
        restart(sequence, number);
    }
    if (result != SEQUENCE_LATE) {
        sequence->expected = number + count;
        sequence->last = number;
        sequence->last_count = count;
    }
    return result;
}
