/* SPDX-License-Identifier: BSD-3-Clause */
/** An open data block: records are written straight to their place. */
#include "block.h"

#include "element.h"

#include <libnf/bytes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define EXPORTER_RECORD_SIZE 32u

lnf_block_t *lnf_block_create(void)
{
    lnf_block_t *block = malloc(sizeof(*block));

    if (block != NULL) {
        lnf_block_clear(block);
    }
    return block;
}

void lnf_block_destroy(lnf_block_t *block)
{
    free(block);
}

void lnf_block_clear(lnf_block_t *block)
{
    block->used = 0;
    block->reserved = 0;
    block->records = 0;
    lnf_stat_init(&block->stat);
}

uint32_t lnf_block_records(const lnf_block_t *block)
{
    return block->records;
}

uint8_t *lnf_block_reserve(lnf_block_t *block, size_t size)
{
    block->reserved = 0;
    if (size > LNF_BLOCK_CAPACITY - block->used) {
        return NULL;
    }
    block->reserved = size;
    return block->data + block->used;
}

void lnf_block_commit(lnf_block_t *block)
{
    block->used += block->reserved;
    block->records += block->reserved > 0;
    block->reserved = 0;
}

struct lnf_stat *lnf_block_stat(lnf_block_t *block)
{
    return &block->stat;
}

/**
 * Writes the address in the encoding every version reads: two numbers, high half first; IPv4 in the
 * low half of the second one, and the family behind.
 */
static void write_exporter_address(struct lnf_writer_bytes *w,
                                   const struct sockaddr_storage *address)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    uint64_t half[2] = {0, 0};

    if (address->ss_family == AF_INET6) {
        memcpy(&v6, address, sizeof(v6));
        half[0] = be64toh(lnf_load_u64(v6.sin6_addr.s6_addr));
        half[1] = be64toh(lnf_load_u64(v6.sin6_addr.s6_addr + 8));
    } else if (address->ss_family == AF_INET) {
        memcpy(&v4, address, sizeof(v4));
        half[1] = ntohl(v4.sin_addr.s_addr);
    }
    lnf_write_u64_le(w, half[0]);
    lnf_write_u64_le(w, half[1]);
    lnf_write_u16_le(w, (uint16_t)address->ss_family);
}

bool lnf_block_add_exporter(lnf_block_t *block, const struct lnf_exporter *exporter)
{
    uint8_t *record = lnf_block_reserve(block, EXPORTER_RECORD_SIZE);

    if (record == NULL) {
        return false;
    }
    struct lnf_writer_bytes w = lnf_writer_bytes_init(record, EXPORTER_RECORD_SIZE);
    lnf_write_u16_le(&w, LNF_RECORD_EXPORTER);
    lnf_write_u16_le(&w, EXPORTER_RECORD_SIZE);
    lnf_write_u32_le(&w, exporter->version);
    write_exporter_address(&w, &exporter->address);
    lnf_write_u16_le(&w, exporter->sysid);
    lnf_write_u32_le(&w, exporter->domain_id);
    lnf_block_commit(block);
    return true;
}
