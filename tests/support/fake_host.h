/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Stands in for the collector: counts and keeps what an input plugin hands over. For tests that
 * link one plugin and drive its hooks.
 */
#ifndef TEST_FAKE_HOST_H
#define TEST_FAKE_HOST_H

#include <ipfixcol/plugin.h>

struct fake_host {
    int stop_fd; /* an eventfd the test may write to */
    uint64_t now_ms;
    unsigned opened, closed; /* sessions */
    unsigned messages;
    uint64_t octets;
    uint64_t lost;
    unsigned malformed;
    uint64_t counters[8];
    unsigned logs[4]; /* lines by level */
    char last_log[512];
    struct ipfix_session_info last_info; /* of the session opened last */
    uint32_t last_word;                  /* last four octets of the last message */
    uint64_t last_session;               /* its session's id */
};

extern struct fake_host fake_host;

/** A port of 127.0.0.1 nobody uses at the moment; `type` as of socket(2). */
uint16_t fake_host_free_port(int type);

/** Everything back to zero. */
void fake_host_reset(void);

#endif
