/* SPDX-License-Identifier: BSD-3-Clause */
/** Builds small flow files and records for tests of every suite. */
#ifndef FLOWFILE_BUILD_H
#define FLOWFILE_BUILD_H

#include <libnf/writer.h>
#include <stdint.h>

/** One flow in host byte order; IPv4 addresses as numbers, IPv6 ones as octets. */
struct test_flow {
    uint64_t first_ms, last_ms;
    uint64_t packets, bytes;
    uint32_t src4, dst4;
    uint8_t src6[16], dst6[16]; /* used when `ipv6` */
    uint16_t srcport, dstport;
    uint8_t proto, tcp_flags, ipv6;
};

/** Flow number `i` of a fixed sequence: TCP, UDP, ICMP and GRE in turn, every fifth over IPv6. */
struct test_flow test_flow_number(unsigned i);

/** Adds a flow with generic and address element to a block; 0 when the block is full. */
int test_block_add(lnf_block_t *block, const struct test_flow *flow);

/**
 * Writes flows number `first` .. `first + count - 1`, at most `per_block` in a block.
 *
 * @param ident  NULL = none
 * @param append 1: continue the file
 * @return status of the first call that failed, LNF_OK (1) otherwise
 */
int test_file_write(const char *path, enum lnf_codec codec, const char *ident, int append,
                    unsigned first, unsigned count, unsigned per_block);

#endif
