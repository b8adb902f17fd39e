/* SPDX-License-Identifier: BSD-3-Clause */
/** Builds small flow files through libnf's bulk writer. */
#include "flowfile_build.h"

#include <libnf.h>
#include <libnf/bytes.h>
#include <string.h>

struct test_flow test_flow_number(unsigned i)
{
    static const uint8_t protocols[] = {6, 17, 1, 47};
    static const uint8_t prefix[] = {0x20, 0x01, 0x0d, 0xb8};
    uint8_t proto = protocols[i % 4];
    struct test_flow flow = {
        .first_ms = UINT64_C(1700000000000) + i * UINT64_C(37),
        .last_ms = UINT64_C(1700000000000) + i * UINT64_C(37) + i % 1000,
        .packets = 1 + i % 17,
        .bytes = 40 + i * UINT64_C(3),
        .src4 = UINT32_C(0x0A000000) + i % 1009,
        .dst4 = UINT32_C(0xC0A80001) + i % 13,
        .srcport = (uint16_t) (1024 + i % 50000),
        .dstport = i % 3 == 0 ? 443 : 53,
        .proto = proto,
        .tcp_flags = proto == 6 ? 0x1b : 0,
        .ipv6 = i % 5 == 4,
    };
    memcpy(flow.src6, prefix, sizeof(prefix));
    memcpy(flow.dst6, prefix, sizeof(prefix));
    flow.src6[15] = (uint8_t) i;
    flow.src6[14] = (uint8_t) (i >> 8);
    flow.dst6[15] = 1;
    return flow;
}

static void put_uint(uint8_t *record, const struct lnf_slot *slot, uint64_t value)
{
    value = htole64(value);
    memcpy(record + slot->offset, &value, slot->width);
}

static void put_ipv6(uint8_t *record, const struct lnf_slot *slot, const uint8_t octets[16])
{
    lnf_store_u64(record + slot->offset, htole64(be64toh(lnf_load_u64(octets))));
    lnf_store_u64(record + slot->offset + 8, htole64(be64toh(lnf_load_u64(octets + 8))));
}

int test_block_add(lnf_block_t *block, const struct test_flow *flow)
{
    struct lnf_layout_field fields[] = {
        {LNF_FLD_FIRST, 0},     {LNF_FLD_LAST, 0},           {LNF_FLD_DPKTS, 0},
        {LNF_FLD_DOCTETS, 0},   {LNF_FLD_SRCPORT, 0},        {LNF_FLD_DSTPORT, 0},
        {LNF_FLD_PROT, 0},      {LNF_FLD_TCP_FLAGS, 0},      {LNF_FLD_SRCADDR, flow->ipv6},
        {LNF_FLD_DSTADDR, flow->ipv6}};
    enum { COUNT = sizeof(fields) / sizeof(fields[0]) };
    uint64_t values[COUNT - 2] = {flow->first_ms, flow->last_ms, flow->packets, flow->bytes,
                                  flow->srcport,  flow->dstport, flow->proto,   flow->tcp_flags};
    struct lnf_slot slots[COUNT];
    struct lnf_layout layout;
    unsigned bad;

    if (lnf_layout_build(fields, COUNT, &layout, slots, &bad) != LNF_OK) {
        return 0;
    }
    uint8_t *record = lnf_block_reserve(block, layout.size);
    if (record == NULL) {
        return 0;
    }
    memcpy(record, layout.prototype, layout.size);
    for (unsigned i = 0; i < COUNT - 2; i++) {
        put_uint(record, &slots[i], values[i]);
    }
    if (flow->ipv6) {
        put_ipv6(record, &slots[COUNT - 2], flow->src6);
        put_ipv6(record, &slots[COUNT - 1], flow->dst6);
    } else {
        put_uint(record, &slots[COUNT - 2], flow->src4);
        put_uint(record, &slots[COUNT - 1], flow->dst4);
    }
    lnf_block_commit(block);
    lnf_stat_count(lnf_block_stat(block), flow->proto, 1, flow->packets, flow->bytes,
                   flow->first_ms, flow->last_ms);
    return 1;
}

static int put_block(lnf_writer_t *writer, lnf_block_t *block)
{
    int status = lnf_writer_put(writer, block, NULL);

    lnf_block_clear(block);
    return status;
}

int test_file_write(const char *path, enum lnf_codec codec, const char *ident, int append,
                    unsigned first, unsigned count, unsigned per_block)
{
    lnf_writer_t *writer = NULL;
    lnf_block_t *block = lnf_block_create();

    if (block == NULL) {
        return LNF_ERR_NOMEM;
    }
    int status = lnf_writer_open(path, codec, ident, append, &writer, NULL);
    for (unsigned i = first; status == LNF_OK && i < first + count; i++) {
        struct test_flow flow = test_flow_number(i);
        if (lnf_block_records(block) >= per_block || !test_block_add(block, &flow)) {
            status = put_block(writer, block);
            (void) test_block_add(block, &flow);
        }
    }
    if (status == LNF_OK) {
        status = put_block(writer, block);
    }
    int closed = lnf_writer_close(writer, NULL);
    lnf_block_destroy(block);
    return status == LNF_OK ? closed : status;
}
