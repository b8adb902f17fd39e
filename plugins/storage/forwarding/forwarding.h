/* SPDX-License-Identifier: BSD-3-Clause */
/** Settings and counters of the plugin `forwarding`. */
#ifndef FORWARDING_H
#define FORWARDING_H

#include <ipfixcol/option.h>
#include <stdint.h>

enum { DISTRIBUTION_ALL, DISTRIBUTION_ROUND_ROBIN };

struct destination_options {
    char *ip;
    uint16_t port; /* 0 = default */
    char *protocol;
};

struct forwarding_options {
    int distribution;
    uint16_t default_port;
    char *default_protocol;
    uint32_t packet_size;
    uint32_t reconnection_period_ms;
    uint32_t udp_refresh_s;
    struct col_option_list destinations;
};

/** Indices of the counters. */
enum {
    COUNT_MESSAGES,
    COUNT_RECORDS,
    COUNT_OCTETS,
    COUNT_REPEATED,
    COUNT_DROPPED,
    COUNT_UNKNOWN,
    COUNT_CONNECTS,
    COUNT_FAILURES,
    COUNT_RENEWALS,
    COUNT_KINDS
};

#endif
