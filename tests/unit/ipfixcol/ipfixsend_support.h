/* SPDX-License-Identifier: BSD-3-Clause */
/** IPFIX Files of messages with given lengths and Export Times. */
#ifndef IPFIXSEND_SUPPORT_H
#define IPFIXSEND_SUPPORT_H

#include "collector_support.h"
#include "ipfixsend_source.h"

static FILE *send_file;

__attribute__((unused)) static const char *send_path(void)
{
    return support_path("flows.ipfix");
}

__attribute__((unused)) static void send_open(void)
{
    send_file = fopen(send_path(), "w");
    ck_assert_ptr_nonnull(send_file);
}

/* A message; its octets behind the header are its number. */
__attribute__((unused)) static void send_add(uint16_t length, uint32_t export_time_s,
                                             uint8_t number)
{
    uint8_t octets[65535];

    memset(octets, number, sizeof(octets));
    octets[0] = 0;
    octets[1] = 10;
    octets[2] = (uint8_t)(length >> 8);
    octets[3] = (uint8_t)length;
    for (int i = 0; i < 4; i++) {
        octets[4 + i] = (uint8_t)(export_time_s >> (24 - 8 * i));
    }
    ck_assert_uint_eq(fwrite(octets, 1, length, send_file), length);
}

__attribute__((unused)) static void send_done(void)
{
    ck_assert_int_eq(fclose(send_file), 0);
}

#endif
