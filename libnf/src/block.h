/* SPDX-License-Identifier: BSD-3-Clause */
/** An open data block in memory, as lnf_writer_put() sees it. */
#ifndef LNF_BLOCK_H
#define LNF_BLOCK_H

#include <libnf/writer.h>

struct lnf_block {
    size_t used;     /* octets of committed records */
    size_t reserved; /* octets of the record reserved behind them; 0 = none */
    uint32_t records;
    struct lnf_stat stat;
    uint8_t data[LNF_BLOCK_CAPACITY];
};

#endif
