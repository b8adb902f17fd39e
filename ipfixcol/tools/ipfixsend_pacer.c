/* SPDX-License-Identifier: BSD-3-Clause */
/** When messages are due: octets or messages per second, or the pace of their Export Times. */
#include "ipfixsend_pacer.h"

/** A sender that fell behind its schedule (stalled receiver) catches up with at most this much. */
#define CATCH_UP_NS (SECOND_NS / 5)

static uint64_t limit_due(struct limit *limit, uint64_t now_ns)
{
    if (limit->rate == 0) {
        return 0;
    }
    uint64_t due =
        limit->origin_ns + (uint64_t)((double)limit->used * SECOND_NS / (double)limit->rate);
    if (now_ns > due + CATCH_UP_NS) {
        limit->origin_ns += now_ns - due - CATCH_UP_NS;
        due = now_ns - CATCH_UP_NS;
    }
    return due;
}

static void limit_charge(struct limit *limit, uint64_t units)
{
    if (limit->rate == 0) {
        return;
    }
    limit->used += units;
    limit->origin_ns += limit->used / limit->rate * SECOND_NS;
    limit->used %= limit->rate;
}

/** Starts the next group at the message `ahead` stands on. */
static void group_next(struct pacer *pacer, uint64_t now_ns)
{
    struct group *group = &pacer->group;
    uint16_t length;
    uint64_t count = 0;
    uint32_t export_time_s = 0;

    while (source_peek(&pacer->ahead, true, &length) == PEEK_MESSAGE) {
        uint32_t time_s = source_export_time(&pacer->ahead);
        if (count > 0 && time_s > export_time_s) {
            break;
        }
        if (count == 0) {
            export_time_s = time_s;
        }
        count++;
        source_advance(&pacer->ahead, length);
    }
    double wait_s = 1;
    if (export_time_s > group->export_time_s) {
        wait_s = (double)(export_time_s - group->export_time_s);
    }
    group->start_ns =
        group->any ? group->start_ns + (uint64_t)(wait_s / pacer->speed_up * SECOND_NS) : now_ns;
    group->any = true;
    group->export_time_s = export_time_s;
    group->count = count > 0 ? count : 1;
    group->sent = 0;
}

uint64_t pacer_due(struct pacer *pacer, uint64_t now_ns)
{
    if (pacer->speed_up > 0) {
        struct group *group = &pacer->group;
        if (!group->any || group->sent == group->count) {
            group_next(pacer, now_ns);
        }
        double part_s = (double)group->sent / (double)group->count / pacer->speed_up;
        return group->start_ns + (uint64_t)(part_s * SECOND_NS);
    }
    uint64_t by_octets = limit_due(&pacer->octets, now_ns);
    uint64_t by_messages = limit_due(&pacer->messages, now_ns);
    return by_octets > by_messages ? by_octets : by_messages;
}

void pacer_charge(struct pacer *pacer, uint16_t length)
{
    limit_charge(&pacer->octets, length);
    limit_charge(&pacer->messages, 1);
    pacer->group.sent++;
}

bool pacer_init(struct pacer *pacer, const struct pace *pace, const struct source *source,
                uint64_t now)
{
    *pacer = (struct pacer){.octets = {.rate = pace->octets_per_s, .origin_ns = now},
                            .messages = {.rate = pace->messages_per_s, .origin_ns = now},
                            .speed_up = pace->speed_up,
                            .ahead = {.fd = -1}};
    if (pace->speed_up <= 0) {
        return true;
    }
    if (source->whole) {
        pacer->ahead = *source; /* shares the buffer */
    } else if (!source_open(&pacer->ahead, source->path, false)) {
        return false;
    }
    pacer->ahead.quiet = true;
    return true;
}

void pacer_clear(struct pacer *pacer)
{
    if (!pacer->ahead.whole) {
        source_close(&pacer->ahead);
    }
}
