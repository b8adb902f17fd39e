/* SPDX-License-Identifier: BSD-3-Clause */
/** Files of layout 1: every extension, maps near and far, cut records, files of mixed blocks. */
#include "layout1_build.h"

#include "compress.h"
#include "element.h"
#include "record.h"

#include <check.h>
#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

static char path[64];
static struct build file, block;

static void setup(void)
{
    snprintf(path, sizeof(path), "/tmp/libnf-test-layout1-XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void teardown(void)
{
    unlink(path);
    build_clear(&file);
    build_clear(&block);
}

static void write_file(void)
{
    FILE *out = fopen(path, "wb");

    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fwrite(file.at, 1, file.size, out), file.size);
    fclose(out);
}

static unsigned problem_count[5];

static void note_problem(void *context, const struct lnf_problem *problem)
{
    (void)context;
    problem_count[problem->kind]++;
}

static lnf_input_t *open_input(void)
{
    struct lnf_error error = {.text = ""};
    lnf_input_t *input = NULL;

    memset(problem_count, 0, sizeof(problem_count));
    write_file();
    ck_assert_msg(lnf_input_open(path, note_problem, NULL, &input, &error) == LNF_OK, "%s",
                  error.text);
    return input;
}

/* ---- one flow -------------------------------------------------------------------------------- */

static const struct layout1_flow plain_flow = {
    .tag = 9,
    .first = 1700000000,
    .last = 1700000100,
    .first_ms = 7,
    .last_ms = 999,
    .fwd = 64,
    .tcp_flags = 0x1b,
    .proto = 6,
    .tos = 8,
    .srcport = 1234,
    .dstport = 443,
    .sysid = 0x0203,
    .src = 0x0a000001,
    .dst = 0xc0000201,
    .src6 = {0x20010db800000001, 2},
    .dst6 = {0x20010db800000003, 4},
    .packets = 0x80000001,
    .bytes = 0x90000002,
};

/** Converts `block`, alone in a file, and gives its only flow; NULL when that is damaged. */
static lnf_rec_t *convert_one(void)
{
    struct lnf_block_buffer buffer = {0};
    struct lnf_block_ref ref;
    const uint8_t *records;
    lnf_rec_t *rec, *found = NULL;
    size_t size;
    unsigned flows = 0;

    build_clear(&file);
    build_file(&file, 0, 1, "one");
    build_block(&file, &block);
    lnf_input_t *input = open_input();
    ck_assert_int_eq(lnf_input_claim(input, &ref, NULL), LNF_OK);
    ck_assert_int_eq(lnf_input_load(input, &ref, &buffer, &records, &size, NULL), LNF_OK);
    ck_assert_int_eq(lnf_rec_init(&rec), LNF_OK);
    for (size_t at = 0; at < size;) {
        size_t record_size = lnf_load_u16(records + at + 2);
        ck_assert_uint_ge(record_size, 4);
        ck_assert_uint_le(record_size, size - at);
        if (lnf_load_u16(records + at) == LNF_RECORD_FLOW) {
            flows++;
            if (lnf_rec_assign(rec, records + at, record_size) == LNF_OK) {
                found = rec;
            }
        }
        at += record_size;
    }
    ck_assert_uint_eq(flows, 1);
    if (found == NULL) {
        lnf_rec_free(rec);
    }
    lnf_block_buffer_clear(&buffer);
    lnf_input_close(input);
    return found;
}

static uint64_t get(lnf_rec_t *rec, int field)
{
    union {
        uint8_t u8;
        uint16_t u16;
        uint32_t u32;
        uint64_t u64;
        uint8_t octets[256];
    } v;

    memset(&v, 0, sizeof(v));
    ck_assert_msg(lnf_rec_fget(rec, field, &v) == LNF_OK, "field 0x%x is not set", (unsigned)field);
    switch (lnf_field_get(field)->type) {
    case LNF_UINT8:
        return v.u8;
    case LNF_UINT16:
        return v.u16;
    case LNF_UINT32:
        return v.u32;
    case LNF_UINT64:
        return v.u64;
    case LNF_MAC:
        return be64toh(lnf_load_u64(v.octets)) >> 16;
    default:
        ck_abort_msg("no number");
    }
}

/** An address as hexadecimal octets, IPv4 in the last four. */
static const char *get_address(lnf_rec_t *rec, int field)
{
    static char text[40];
    uint8_t octets[16];

    ck_assert_int_eq(lnf_rec_fget(rec, field, octets), LNF_OK);
    for (unsigned i = 0; i < 16; i++) {
        snprintf(text + 2 * i, 3, "%02x", octets[i]);
    }
    return text;
}

#define IPV4_PREFIX "000000000000000000000000"

static bool is_set(lnf_rec_t *rec, int field)
{
    uint8_t value[256];
    return lnf_rec_fget(rec, field, value) == LNF_OK;
}

START_TEST(test_fixed_part)
{
    struct layout1_flow flow = plain_flow;
    unsigned flags = (unsigned)_i & 7u;
    bool old = _i >= 8;

    flow.flags = (uint8_t)(flags | (flags & 1 ? 0x40 : 0x80));
    flow.old = old;
    flow.biflow = 2;
    flow.reason = 3;
    if (flags & 2) {
        flow.packets = 0x1122334455667788;
    }
    if (flags & 4) {
        flow.bytes = 0x8877665544332211;
    }
    build_map(&block, 0, NULL, 0);
    build_flow(&block, &flow, NULL, 0);
    lnf_rec_t *rec = convert_one();
    ck_assert_ptr_nonnull(rec);
    ck_assert_uint_eq(get(rec, LNF_FLD_FIRST), 1700000000007);
    ck_assert_uint_eq(get(rec, LNF_FLD_LAST), 1700000100999);
    ck_assert_uint_eq(get(rec, LNF_FLD_FWD_STATUS), 64);
    ck_assert_uint_eq(get(rec, LNF_FLD_TCP_FLAGS), 0x1b);
    ck_assert_uint_eq(get(rec, LNF_FLD_PROT), 6);
    ck_assert_uint_eq(get(rec, LNF_FLD_TOS), 8);
    ck_assert_uint_eq(get(rec, LNF_FLD_SRCPORT), 1234);
    ck_assert_uint_eq(get(rec, LNF_FLD_DSTPORT), 443);
    ck_assert_uint_eq(get(rec, LNF_FLD_DPKTS), flow.packets);
    ck_assert_uint_eq(get(rec, LNF_FLD_DOCTETS), flow.bytes);
    ck_assert_uint_eq(get(rec, LNF_FLD_EXPORTER_SYSID_), old ? 9 : 0x0203);
    ck_assert_uint_eq(get(rec, LNF_FLD_NFVERSION_), old ? 0 : 9);
    ck_assert_uint_eq(get(rec, LNF_FLD_RECORD_FLAGS_), flags & 1 ? 1 : 2);
    ck_assert_str_eq(get_address(rec, LNF_FLD_SRCADDR),
                     flags & 1 ? "20010db8000000010000000000000002" : IPV4_PREFIX "0a000001");
    ck_assert_str_eq(get_address(rec, LNF_FLD_DSTADDR),
                     flags & 1 ? "20010db8000000030000000000000004" : IPV4_PREFIX "c0000201");
    ck_assert(is_set(rec, LNF_FLD_BIFLOW_DIR_) == !old);
    if (!old) {
        ck_assert_uint_eq(get(rec, LNF_FLD_BIFLOW_DIR_), 2);
        ck_assert_uint_eq(get(rec, LNF_FLD_END_REASON_), 3);
    }
    ck_assert(!is_set(rec, LNF_FLD_AGGR_FLOWS));
    lnf_rec_free(rec);
}
END_TEST

/* ---- extensions ------------------------------------------------------------------------------ */

/** Octets of an extension, and what fields become of it. */
struct extension_row {
    uint16_t id;
    uint8_t size;
    const char *octets;
    struct {
        int field;
        uint64_t number;
        const char *address;
    } fields[6];
};

static const struct extension_row extension_rows[] = {
    {4, 4, "\x01\x02\x03\x04", {{LNF_FLD_INPUT, 0x0201, NULL}, {LNF_FLD_OUTPUT, 0x0403, NULL}}},
    {5,
     8,
     "\x01\x02\x03\x04\x05\x06\x07\x08",
     {{LNF_FLD_INPUT, 0x04030201, NULL}, {LNF_FLD_OUTPUT, 0x08070605, NULL}}},
    {6, 4, "\x01\x02\x03\x04", {{LNF_FLD_SRCAS, 0x0201, NULL}, {LNF_FLD_DSTAS, 0x0403, NULL}}},
    {7,
     8,
     "\x01\x02\x03\x04\x05\x06\x07\x08",
     {{LNF_FLD_SRCAS, 0x04030201, NULL}, {LNF_FLD_DSTAS, 0x08070605, NULL}}},
    {8,
     4,
     "\x01\x02\x03\x04",
     {{LNF_FLD_DST_TOS, 1, NULL},
      {LNF_FLD_DIR, 2, NULL},
      {LNF_FLD_SRC_MASK, 3, NULL},
      {LNF_FLD_DST_MASK, 4, NULL}}},
    {9, 4, "\x01\x02\x03\x04", {{LNF_FLD_IP_NEXTHOP, 0, IPV4_PREFIX "04030201"}}},
    {10,
     16,
     "\x01\x02\x03\x04\x05\x06\x07\x08\x11\x12\x13\x14\x15\x16\x17\x18",
     {{LNF_FLD_IP_NEXTHOP, 0, "08070605040302011817161514131211"}}},
    {11, 4, "\x01\x02\x03\x04", {{LNF_FLD_BGP_NEXTHOP, 0, IPV4_PREFIX "04030201"}}},
    {12,
     16,
     "\x01\x02\x03\x04\x05\x06\x07\x08\x11\x12\x13\x14\x15\x16\x17\x18",
     {{LNF_FLD_BGP_NEXTHOP, 0, "08070605040302011817161514131211"}}},
    {13,
     4,
     "\x01\x02\x03\x04",
     {{LNF_FLD_SRC_VLAN, 0x0201, NULL}, {LNF_FLD_DST_VLAN, 0x0403, NULL}}},
    {14, 4, "\x01\x02\x03\x04", {{LNF_FLD_OUT_PKTS, 0x04030201, NULL}}},
    {15, 8, "\x01\x02\x03\x04\x05\x06\x07\x08", {{LNF_FLD_OUT_PKTS, 0x0807060504030201, NULL}}},
    {16, 4, "\x01\x02\x03\x04", {{LNF_FLD_OUT_BYTES, 0x04030201, NULL}}},
    {17, 8, "\x01\x02\x03\x04\x05\x06\x07\x08", {{LNF_FLD_OUT_BYTES, 0x0807060504030201, NULL}}},
    {18, 4, "\x01\x02\x03\x04", {{LNF_FLD_AGGR_FLOWS, 0x04030201, NULL}}},
    {19, 8, "\x01\x02\x03\x04\x05\x06\x07\x08", {{LNF_FLD_AGGR_FLOWS, 0x0807060504030201, NULL}}},
    {20,
     16,
     "\x01\x02\x03\x04\x05\x06\0\0\x11\x12\x13\x14\x15\x16\0\0",
     {{LNF_FLD_IN_SRC_MAC, 0x060504030201, NULL}, {LNF_FLD_OUT_DST_MAC, 0x161514131211, NULL}}},
    {21,
     16,
     "\x01\x02\x03\x04\x05\x06\0\0\x11\x12\x13\x14\x15\x16\0\0",
     {{LNF_FLD_IN_DST_MAC, 0x060504030201, NULL}, {LNF_FLD_OUT_SRC_MAC, 0x161514131211, NULL}}},
    {23, 4, "\x01\x02\x03\x04", {{LNF_FLD_IP_ROUTER, 0, IPV4_PREFIX "04030201"}}},
    {24,
     16,
     "\x01\x02\x03\x04\x05\x06\x07\x08\x11\x12\x13\x14\x15\x16\x17\x18",
     {{LNF_FLD_IP_ROUTER, 0, "08070605040302011817161514131211"}}},
    {25, 4, "\x01\x02\x03\x04", {{LNF_FLD_ENGINE_TYPE, 3, NULL}, {LNF_FLD_ENGINE_ID, 4, NULL}}},
    {26,
     8,
     "\x01\x02\x03\x04\x05\x06\x07\x08",
     {{LNF_FLD_BGPNEXTADJACENTAS, 0x04030201, NULL},
      {LNF_FLD_BGPPREVADJACENTAS, 0x08070605, NULL}}},
    {27, 8, "\x01\x02\x03\x04\x05\x06\x07\x08", {{LNF_FLD_RECEIVED, 0x0807060504030201, NULL}}},
    {37,
     20,
     "\x01\x02\x03\x04\x05\x06\x07\x08\x11\x12\x13\x14\x99\x98\x21\xee\x31\x32\xee\xee",
     {{LNF_FLD_EVENT_TIME, 0x0807060504030201, NULL},
      {LNF_FLD_CONN_ID, 0x14131211, NULL},
      {LNF_FLD_FW_EVENT, 0x21, NULL},
      {LNF_FLD_FW_XEVENT, 0x3231, NULL},
      {LNF_FLD_EVENT_FLAG, 1, NULL},
      {LNF_FLD_DSTPORT, 443, NULL}}},
    {38,
     4,
     "\x01\x02\x03\x04",
     {{LNF_FLD_XLATE_SRC_PORT, 0x0201, NULL}, {LNF_FLD_XLATE_DST_PORT, 0x0403, NULL}}},
    {39,
     8,
     "\x01\x02\x03\x04\x05\x06\x07\x08",
     {{LNF_FLD_XLATE_SRC_IP, 0, IPV4_PREFIX "04030201"},
      {LNF_FLD_XLATE_DST_IP, 0, IPV4_PREFIX "08070605"}}},
    {40,
     32,
     "\x01\x02\x03\x04\x05\x06\x07\x08\x11\x12\x13\x14\x15\x16\x17\x18"
     "\x21\x22\x23\x24\x25\x26\x27\x28\x31\x32\x33\x34\x35\x36\x37\x38",
     {{LNF_FLD_XLATE_SRC_IP, 0, "08070605040302011817161514131211"},
      {LNF_FLD_XLATE_DST_IP, 0, "28272625242322213837363534333231"}}},
    {41,
     24,
     "\x01\x02\x03\x04\x05\x06\x07\x08\x11\x12\x13\x14"
     "\x21\x22\x23\x24\x25\x26\x27\x28\x31\x32\x33\x34",
     {{LNF_FLD_INGRESS_ACL_ID, 0x04030201, NULL},
      {LNF_FLD_INGRESS_ACE_ID, 0x08070605, NULL},
      {LNF_FLD_INGRESS_XACE_ID, 0x14131211, NULL},
      {LNF_FLD_EGRESS_ACL_ID, 0x24232221, NULL},
      {LNF_FLD_EGRESS_ACE_ID, 0x28272625, NULL},
      {LNF_FLD_EGRESS_XACE_ID, 0x34333231, NULL}}},
    {45,
     24,
     "\x01\x02\x03\x04\x05\x06\x07\x08\x11\x12\x13\x14\x15\x16\x17\x18\x21\x22\x23\x24\x25\x26\x27"
     "\x28",
     {{LNF_FLD_CLIENT_NW_DELAY_USEC, 0x0807060504030201, NULL},
      {LNF_FLD_SERVER_NW_DELAY_USEC, 0x1817161514131211, NULL},
      {LNF_FLD_APPL_LATENCY_USEC, 0x2827262524232221, NULL}}},
    {46,
     12,
     "\x05\xee\xee\xee\x01\x02\x03\x04\x11\x12\x13\x14",
     {{LNF_FLD_FW_EVENT, 5, NULL},
      {LNF_FLD_EGRESS_VRFID, 0x04030201, NULL},
      {LNF_FLD_INGRESS_VRFID, 0x14131211, NULL}}},
    {47,
     8,
     "\x01\x02\x03\x04\x05\x06\x07\x08",
     {{LNF_FLD_XLATE_SRC_IP, 0, IPV4_PREFIX "04030201"},
      {LNF_FLD_XLATE_DST_IP, 0, IPV4_PREFIX "08070605"}}},
    {48,
     8,
     "\x01\x02\x03\x04\x05\x06\x07\x08",
     {{LNF_FLD_BLOCK_START, 0x0201, NULL},
      {LNF_FLD_BLOCK_END, 0x0403, NULL},
      {LNF_FLD_BLOCK_STEP, 0x0605, NULL},
      {LNF_FLD_BLOCK_SIZE, 0x0807, NULL}}},
    /* The end of a port block that only tells its size. */
    {48,
     8,
     "\x00\x10\x00\x00\x00\x00\x00\x02",
     {{LNF_FLD_BLOCK_START, 0x1000, NULL},
      {LNF_FLD_BLOCK_END, 0x11ff, NULL},
      {LNF_FLD_BLOCK_SIZE, 0x0200, NULL}}},
};

#define EXTENSION_ROWS (sizeof(extension_rows) / sizeof(extension_rows[0]))

static void check_row(lnf_rec_t *rec, const struct extension_row *row)
{
    for (unsigned i = 0; i < 6 && row->fields[i].field != 0; i++) {
        if (row->fields[i].address != NULL) {
            ck_assert_str_eq(get_address(rec, row->fields[i].field), row->fields[i].address);
        } else {
            ck_assert_msg(get(rec, row->fields[i].field) == row->fields[i].number,
                          "extension %u, field 0x%x", row->id, (unsigned)row->fields[i].field);
        }
    }
}

/** Each extension alone, between two others that move it. */
START_TEST(test_extension)
{
    const struct extension_row *row = &extension_rows[_i];
    uint8_t octets[200] = {0x77, 0x66, 0x55, 0x44};
    uint16_t ids[] = {13, row->id, 27};

    if (row->id == 13) {
        ids[0] = 6;
    }
    memcpy(octets + 4, row->octets, row->size);
    memcpy(octets + 4 + row->size, row->id == 27 ? row->octets : "\x09\x08\x07\x06\x05\x04\x03\x02",
           8);
    build_map(&block, 5, ids, 3);
    struct layout1_flow flow = plain_flow;
    flow.map = 5;
    build_flow(&block, &flow, octets, 12u + row->size);
    lnf_rec_t *rec = convert_one();
    ck_assert_ptr_nonnull(rec);
    check_row(rec, row);
    ck_assert_uint_eq(get(rec, ids[0] == 13 ? LNF_FLD_SRC_VLAN : LNF_FLD_SRCAS), 0x6677);
    ck_assert_uint_eq(get(rec, LNF_FLD_DPKTS), plain_flow.packets);
    lnf_rec_free(rec);
}
END_TEST

/** A flow that ends inside any of its extensions is a damaged record; one that ends behind it is
 * not. */
START_TEST(test_cut_extension)
{
    const struct extension_row *row = &extension_rows[_i];
    const uint16_t id = row->id;

    for (unsigned size = 0; size <= row->size; size++) {
        build_clear(&block);
        build_map(&block, 0, &id, 1);
        build_flow(&block, &plain_flow, row->octets, size);
        lnf_rec_t *rec = convert_one();
        ck_assert_msg((rec != NULL) == (size == row->size), "extension %u, %u octets", id, size);
        lnf_rec_free(rec);
    }
}
END_TEST

/** Extension 37's ICMP word is the port of ICMP flows, unless it is 0. */
START_TEST(test_nsel_icmp)
{
    static const struct {
        uint8_t proto;
        uint16_t word, dstport;
    } rows[] = {{1, 0x0801, 0x0801}, {58, 0x8000, 0x8000}, {1, 0, 443}, {6, 0x0801, 443}};
    uint8_t octets[20] = {0};
    const uint16_t id = 37;
    struct layout1_flow flow = plain_flow;

    flow.proto = rows[_i].proto;
    memcpy(octets + 12, &rows[_i].word, 2);
    build_map(&block, 0, &id, 1);
    build_flow(&block, &flow, octets, sizeof(octets));
    lnf_rec_t *rec = convert_one();
    ck_assert_uint_eq(get(rec, LNF_FLD_DSTPORT), rows[_i].dstport);
    lnf_rec_free(rec);
}
END_TEST

/** User names of both lengths, without their NUL, too. */
START_TEST(test_user)
{
    char octets[72], name[256];
    uint16_t id = _i == 0 ? 42 : 43;
    size_t size = _i == 0 ? 24 : 72, longest = _i == 0 ? 24 : 65;

    for (size_t length = 0; length <= size; length++) {
        memset(octets, 0, sizeof(octets));
        memset(octets, 'u', length);
        build_clear(&block);
        build_map(&block, 0, &id, 1);
        build_flow(&block, &plain_flow, octets, size);
        lnf_rec_t *rec = convert_one();
        ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_USERNAME, name), LNF_OK);
        ck_assert_uint_eq(strlen(name), length < longest ? length : longest);
        ck_assert_uint_eq(strspn(name, "u"), strlen(name));
        lnf_rec_free(rec);
    }
}
END_TEST

START_TEST(test_mpls)
{
    uint32_t labels[10];
    lnf_mpls_t got;
    const uint16_t id = 22;

    for (unsigned i = 0; i < 10; i++) {
        labels[i] = 0x00123450 + i;
    }
    build_map(&block, 0, &id, 1);
    build_flow(&block, &plain_flow, labels, sizeof(labels));
    lnf_rec_t *rec = convert_one();
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_MPLS_LABEL, &got), LNF_OK);
    ck_assert(memcmp(&got, labels, sizeof(got)) == 0);
    lnf_rec_free(rec);
}
END_TEST

/** What follows an extension of unknown size is not read; the flow is. */
START_TEST(test_unknown_extension)
{
    static const uint16_t unknown[] = {1, 2, 3, 28, 36, 44, 49, 100, 0xffff};
    const uint16_t ids[] = {13, unknown[_i], 27};
    uint8_t octets[50] = {1, 0, 2};
    struct layout1_flow flow = plain_flow;

    build_map(&block, 0, ids, 3);
    build_flow(&block, &flow, octets, sizeof(octets));
    lnf_rec_t *rec = convert_one();
    ck_assert_ptr_nonnull(rec);
    ck_assert_uint_eq(get(rec, LNF_FLD_SRC_VLAN), 1);
    ck_assert_uint_eq(get(rec, LNF_FLD_DST_VLAN), 2);
    ck_assert_uint_eq(get(rec, LNF_FLD_RECEIVED), 0);
    lnf_rec_free(rec);
}
END_TEST

/* ---- maps ------------------------------------------------------------------------------------ */

/** A flow cut at any length is a damaged record; one with octets behind it is fine. */
START_TEST(test_cut_flow)
{
    const uint16_t ids[] = {4, 10, 27};
    struct layout1_flow flow = plain_flow;
    static const uint8_t extensions[28] = {1};
    struct build whole = {0};

    flow.flags = (uint8_t)_i;
    flow.old = _i >= 4;
    build_flow(&whole, &flow, extensions, sizeof(extensions));
    for (size_t size = 4; size <= whole.size + 5; size++) {
        build_clear(&block);
        build_map(&block, 0, ids, 3);
        uint8_t *record = build_room(&block, size);
        memcpy(record, whole.at, size < whole.size ? size : whole.size);
        lnf_store_u16(record + 2, (uint16_t)size);
        block.records++;
        lnf_rec_t *rec = convert_one();
        ck_assert_msg((rec == NULL) == (size < whole.size), "size %zu", size);
        lnf_rec_free(rec);
    }
    build_clear(&whole);
}
END_TEST

/** A map cut at any length has the extensions before the cut. */
START_TEST(test_cut_map)
{
    const uint16_t ids[] = {13, 27};
    const uint8_t extensions[12] = {1, 0, 2, 0, 3};
    struct build map = {0};

    build_map(&map, 0, ids, 2);
    for (size_t size = 4; size <= 16; size++) {
        build_clear(&block);
        memcpy(build_room(&block, size), map.at, size);
        lnf_store_u16(block.at + 2, (uint16_t)size);
        block.records++;
        build_flow(&block, &plain_flow, extensions, sizeof(extensions));
        lnf_rec_t *rec = convert_one();
        ck_assert_int_eq(rec != NULL, size >= 8); /* before that it has not even a number */
        if (rec != NULL) {
            ck_assert_int_eq(is_set(rec, LNF_FLD_SRC_VLAN), size >= 10);
            ck_assert_uint_eq(get(rec, LNF_FLD_RECEIVED), size >= 12 ? 3 : 0);
            lnf_rec_free(rec);
        }
    }
    build_clear(&map);
}
END_TEST

START_TEST(test_map_numbers)
{
    static const struct {
        uint16_t map, flow;
        bool found;
    } rows[] = {{0, 0, true},     {1, 0, false},    {0, 1, false},        {65534, 65534, true},
                {65535, 0, true}, {0, 65535, true}, {65535, 65535, true}, {65534, 65535, false}};
    struct layout1_flow flow = plain_flow;

    flow.map = rows[_i].flow;
    build_map(&block, rows[_i].map, NULL, 0);
    build_flow(&block, &flow, NULL, 0);
    lnf_rec_t *rec = convert_one();
    ck_assert_int_eq(rec != NULL, rows[_i].found);
    lnf_rec_free(rec);
}
END_TEST

/** A map behind its flow is too late. */
START_TEST(test_map_behind)
{
    build_flow(&block, &plain_flow, NULL, 0);
    build_map(&block, 0, NULL, 0);
    ck_assert_ptr_null(convert_one());
}
END_TEST

/* ---- several blocks -------------------------------------------------------------------------- */

#define BLOCKS 6u

/** Source VLAN of the only flow of a block, -1 when it is damaged. */
static int vlan_of(lnf_input_t *input, const struct lnf_block_ref *ref)
{
    struct lnf_block_buffer buffer = {0};
    const uint8_t *records;
    lnf_rec_t *rec;
    size_t size;
    int vlan = -1;

    ck_assert_int_eq(lnf_rec_init(&rec), LNF_OK);
    ck_assert_int_eq(lnf_input_load(input, ref, &buffer, &records, &size, NULL), LNF_OK);
    for (size_t at = 0; at < size; at += lnf_load_u16(records + at + 2)) {
        if (lnf_load_u16(records + at) == LNF_RECORD_FLOW &&
            lnf_rec_assign(rec, records + at, lnf_load_u16(records + at + 2)) == LNF_OK) {
            vlan = (int)get(rec, LNF_FLD_SRC_VLAN);
        }
    }
    lnf_rec_free(rec);
    lnf_block_buffer_clear(&buffer);
    return vlan;
}

/** Blocks whose map changes from one to the next, sometimes: the VLAN is at another place then. */
static void build_blocks(void)
{
    static const uint16_t before[] = {13, 26}, behind[] = {26, 13};
    static const uint8_t extensions_before[12] = {1},
                         extensions_behind[12] = {9, 9, 9, 9, 9, 9, 9, 9, 1};

    for (unsigned i = 0; i < BLOCKS; i++) {
        bool second = i >= 2 && i < 4; /* maps are told in blocks 0, 2 and 4 only */
        build_clear(&block);
        if (i % 2 == 0) {
            build_map(&block, 0, second ? behind : before, 2);
        }
        build_flow(&block, &plain_flow, second ? extensions_behind : extensions_before, 12);
        build_block(&file, &block);
    }
}

/** Blocks can be loaded in any order; each finds the maps before it. */
START_TEST(test_order)
{
    static const uint8_t orders[][BLOCKS] = {
        {0, 1, 2, 3, 4, 5}, {5, 4, 3, 2, 1, 0}, {3, 5, 0, 1, 4, 2}, {1, 1, 1, 5, 5, 3}};
    struct lnf_block_ref refs[BLOCKS];

    build_file(&file, 0, BLOCKS, "order");
    build_blocks();
    lnf_input_t *input = open_input();
    for (unsigned i = 0; i < BLOCKS; i++) {
        ck_assert_int_eq(lnf_input_claim(input, &refs[i], NULL), LNF_OK);
        ck_assert_uint_eq(refs[i].number, i);
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        ck_assert_int_eq(vlan_of(input, &refs[orders[_i][i]]), 1);
    }
    lnf_input_close(input);
}
END_TEST

/** A damaged block takes its map with it, and the one before holds on. */
START_TEST(test_damaged_block)
{
    struct lnf_block_ref refs[BLOCKS];
    uint8_t junk[30];

    build_file(&file, 1, 0, "damaged"); /* LZO: none of it can be decompressed */
    memset(junk, 0x55, sizeof(junk));
    for (unsigned i = 0; i < BLOCKS; i++) {
        build_clear(&block);
        build_octets(&block, junk, sizeof(junk));
        block.records = 1;
        build_block(&file, &block);
    }
    if (!lnf_codec_available(LNF_CODEC_LZO)) {
        return;
    }
    lnf_input_t *input = open_input();
    struct lnf_block_buffer buffer = {0};
    const uint8_t *records;
    size_t size;
    for (unsigned i = 0; i < BLOCKS; i++) {
        ck_assert_int_eq(lnf_input_claim(input, &refs[i], NULL), LNF_OK);
        ck_assert_int_eq(lnf_input_load(input, &refs[i], &buffer, &records, &size, NULL),
                         LNF_ERR_CORRUPT);
    }
    ck_assert_uint_eq(problem_count[LNF_PROBLEM_BLOCK], BLOCKS);
    lnf_block_buffer_clear(&buffer);
    lnf_input_close(input);
}
END_TEST

/** Recompressed files have these blocks behind a header of layout 2, also between others. */
START_TEST(test_in_layout2)
{
    struct lnf_block_ref ref;
    unsigned blocks = 0;
    uint8_t header[40] = {0x0C, 0xA5, 2};

    build_octets(&file, header, sizeof(header));
    for (int i = 0; i < _i; i++) {
        /* A block of layout 2 with a filler record, then an array. */
        build_number(&file, 1, 4);
        build_number(&file, 8, 4);
        build_number(&file, i % 2 == 0 ? 3 : 4, 4);
        build_number(&file, 256 | 8 << 16, 8);
    }
    build_blocks();
    lnf_input_t *input = open_input();
    while (lnf_input_claim(input, &ref, NULL) == LNF_OK) {
        if (ref.type == LNF_BLOCK_LAYOUT1) {
            blocks++;
        }
        if (ref.type == LNF_BLOCK_LAYOUT1 && blocks > 1) { /* maps of the first are fetched */
            ck_assert_int_eq(vlan_of(input, &ref), 1);
        }
    }
    ck_assert_uint_eq(blocks, BLOCKS);
    ck_assert_uint_eq(lnf_input_info(input)->stat.flows, BLOCKS);
    lnf_input_close(input);
}
END_TEST

/** More definitions of one map than are kept: flows behind them are damaged, not misread. */
START_TEST(test_redefinitions)
{
    static const uint16_t a[] = {13}, b[] = {6};
    static const uint8_t extensions[4] = {1};
    struct lnf_block_ref ref;
    unsigned read = 0, damaged = 0;
    enum { TIMES = 300 };

    build_file(&file, 0, TIMES, "maps");
    for (unsigned i = 0; i < TIMES; i++) {
        build_clear(&block);
        build_map(&block, 0, i % 2 == 0 ? a : b, 1);
        build_flow(&block, &plain_flow, extensions, sizeof(extensions));
        build_block(&file, &block);
    }
    lnf_input_t *input = open_input();
    for (unsigned i = 0; i < TIMES; i++) {
        struct lnf_block_buffer buffer = {0};
        const uint8_t *records;
        size_t size;
        lnf_rec_t *rec;
        ck_assert_int_eq(lnf_input_claim(input, &ref, NULL), LNF_OK);
        ck_assert_int_eq(lnf_input_load(input, &ref, &buffer, &records, &size, NULL), LNF_OK);
        ck_assert_int_eq(lnf_rec_init(&rec), LNF_OK);
        size_t at = lnf_load_u16(records + 2);
        if (lnf_rec_assign(rec, records + at, size - at) == LNF_OK) {
            ck_assert_uint_eq(get(rec, i % 2 == 0 ? LNF_FLD_SRC_VLAN : LNF_FLD_SRCAS), 1);
            ck_assert_uint_eq(damaged, 0);
            read++;
        } else {
            damaged++;
        }
        lnf_rec_free(rec);
        lnf_block_buffer_clear(&buffer);
    }
    ck_assert_uint_eq(read, 256);
    ck_assert_uint_eq(damaged, TIMES - 256);
    ck_assert_uint_eq(problem_count[LNF_PROBLEM_RECORD], 1);
    lnf_input_close(input);
}
END_TEST

/** Octets of memory in use. */
static size_t memory_used(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

/** A block that defines ids `first` to `first` + `count` - 1, each with this extension. */
static void build_maps(unsigned first, unsigned count, uint16_t extension)
{
    enum { SIZE = 12 };
    build_clear(&block);
    uint8_t *map = build_room(&block, (size_t)count * SIZE);

    for (unsigned i = 0; i < count; i++, map += SIZE) {
        lnf_store_u16(map, 2);
        lnf_store_u16(map + 2, SIZE);
        lnf_store_u16(map + 4, (uint16_t)(first + i));
        lnf_store_u16(map + 8, extension);
    }
    block.records = count;
    build_block(&file, &block);
}

static void build_one_flow(uint16_t map)
{
    static const uint8_t extensions[4] = {1};
    struct layout1_flow flow = plain_flow;

    flow.map = map;
    build_clear(&block);
    build_flow(&block, &flow, extensions, sizeof(extensions));
    build_block(&file, &block);
}

/** Definitions without end: memory stays bounded, flows that use those beyond are damaged, flows
 * that use known ones are read, and the report comes once. */
START_TEST(test_many_maps)
{
    enum { VLAN = 13, AS = 6 };
    static const int wanted[] = {1, 1, 1, -1, -1, 1};
    enum { ROUNDS = 30, STEP = 16384 };
    struct lnf_block_ref ref;
    unsigned flows = 0;

    build_file(&file, 0, 1, "many");
    for (unsigned first = 0; first < 65535; first += STEP) {
        build_maps(first, first + STEP > 65535 ? 65535 - first : STEP, VLAN);
    }
    build_one_flow(0);
    build_one_flow(65534);
    build_maps(7, 1, AS); /* the last definition that is kept */
    build_one_flow(6);
    build_maps(8, 1, AS);
    build_one_flow(8);
    for (unsigned i = 0; i < ROUNDS; i++) {
        for (unsigned first = 1000; first < 40000; first += STEP) {
            build_maps(first, STEP, i % 2 == 0 ? AS : VLAN);
        }
    }
    build_one_flow(1000);
    build_one_flow(9);

    lnf_input_t *input = open_input();
    size_t before = memory_used();
    while (lnf_input_claim(input, &ref, NULL) == LNF_OK) {
        if (ref.records == 1 && ref.stored_size > 12) {
            ck_assert_int_eq(vlan_of(input, &ref), wanted[flows++]);
        }
    }
    ck_assert_uint_eq(flows, sizeof(wanted) / sizeof(wanted[0]));
    ck_assert_uint_lt(memory_used() - before, 20u << 20);
    ck_assert_uint_eq(problem_count[LNF_PROBLEM_RECORD], 1);
    lnf_input_close(input);
}
END_TEST

/** Many small blocks: what is remembered of those behind does not grow with their number. */
START_TEST(test_many_blocks)
{
    enum { COUNT = 50000, SIZE = 16 };
    struct lnf_block_ref ref;

    build_file(&file, 0, COUNT, "blocks");
    build_maps(0, 1, 13);
    uint8_t *filler = build_room(&file, (size_t)SIZE * (COUNT - 1));
    for (unsigned i = 1; i < COUNT; i++, filler += SIZE) {
        lnf_store_u32(filler, 1);
        lnf_store_u32(filler + 4, 4);
        lnf_store_u16(filler + 8, LNF_BLOCK_LAYOUT1);
        lnf_store_u16(filler + 12, 256);
        lnf_store_u16(filler + 14, 4);
    }
    build_one_flow(0);
    lnf_input_t *input = open_input();
    size_t before = memory_used();
    struct lnf_block_buffer buffer = {0};
    for (unsigned i = 0; i < COUNT; i++) {
        const uint8_t *records;
        size_t size;
        ck_assert_int_eq(lnf_input_claim(input, &ref, NULL), LNF_OK);
        ck_assert_int_eq(lnf_input_load(input, &ref, &buffer, &records, &size, NULL), LNF_OK);
    }
    lnf_block_buffer_clear(&buffer);
    ck_assert_uint_lt(memory_used() - before, 700u << 10);
    ck_assert_int_eq(lnf_input_claim(input, &ref, NULL), LNF_OK);
    ck_assert_int_eq(vlan_of(input, &ref), 1);
    lnf_input_close(input);
}
END_TEST

/* ---- the file -------------------------------------------------------------------------------- */

START_TEST(test_codecs)
{
    static const struct {
        uint32_t flags;
        enum lnf_codec codec;
    } rows[] = {{0, LNF_CODEC_NONE}, {1, LNF_CODEC_LZO}, {8, LNF_CODEC_BZ2}, {16, LNF_CODEC_LZ4}};
    enum lnf_codec codec = rows[_i].codec;
    static const uint16_t ids[] = {13};
    static const uint8_t extensions[4] = {1};
    struct lnf_block_ref ref;

    if (!lnf_codec_available(codec)) {
        return;
    }
    build_map(&block, 0, ids, 1);
    build_flow(&block, &plain_flow, extensions, sizeof(extensions));
    size_t room = lnf_compress_bound(codec, block.size);
    uint8_t *packed = malloc(room);
    struct lnf_compressor compressor = {.codec = codec};
    size_t size = lnf_compress(&compressor, block.at, block.size, packed, room);
    lnf_compressor_clear(&compressor);
    ck_assert_uint_gt(size, 0);
    struct build stored = {packed, size, block.records};
    build_file(&file, rows[_i].flags | LNF_LAYOUT1_FLAG_ANONYMISED, 1, "codec");
    build_block(&file, &stored);
    lnf_input_t *input = open_input();
    ck_assert_uint_eq(lnf_input_info(input)->codec, codec);
    ck_assert(lnf_input_info(input)->anonymised);
    ck_assert_int_eq(lnf_input_claim(input, &ref, NULL), LNF_OK);
    ck_assert_int_eq(vlan_of(input, &ref), 1);
    ck_assert_uint_eq(problem_count[LNF_PROBLEM_BLOCK], 0);
    lnf_input_close(input);
    free(packed);
}
END_TEST

/** Flags that name several codecs are refused. */
START_TEST(test_codec_flags)
{
    unsigned codec;

    for (uint32_t flags = 0; flags < 64; flags++) {
        unsigned named = (flags & 1) + (flags >> 3 & 1) + (flags >> 4 & 1);
        ck_assert_int_eq(lnf_layout1_codec(flags, &codec), named <= 1);
    }
    struct lnf_error error;
    lnf_input_t *input = NULL;
    build_file(&file, 9, 0, "two");
    write_file();
    ck_assert_int_eq(lnf_input_open(path, NULL, NULL, &input, &error), LNF_ERR_CORRUPT);
    ck_assert_ptr_null(input);
    ck_assert_ptr_nonnull(strstr(error.text, "more than one compression"));
}
END_TEST

/** Records of an anonymised file say so. */
START_TEST(test_anonymised)
{
    struct lnf_block_buffer buffer = {0};
    struct lnf_block_ref ref;
    const uint8_t *records;
    size_t size;

    build_map(&block, 0, NULL, 0);
    build_flow(&block, &plain_flow, NULL, 0);
    build_file(&file, LNF_LAYOUT1_FLAG_ANONYMISED, 1, "anon");
    build_block(&file, &block);
    lnf_input_t *input = open_input();
    ck_assert_int_eq(lnf_input_claim(input, &ref, NULL), LNF_OK);
    ck_assert_int_eq(lnf_input_load(input, &ref, &buffer, &records, &size, NULL), LNF_OK);
    ck_assert_uint_eq(records[lnf_load_u16(records + 2) + LNF_RECORD_OFFSET_FLAGS], 4);
    lnf_block_buffer_clear(&buffer);
    lnf_input_close(input);
}
END_TEST

/** The stored statistics, and computed ones when the file was written to a pipe. */
START_TEST(test_stat)
{
    bool piped = _i == 1;

    build_file(&file, 0, piped ? 0 : 1, "stat");
    for (unsigned i = 0; i < 15; i++) {
        lnf_store_u64(file.at + 140 + i * 8, 100 + i);
    }
    lnf_store_u32(file.at + 260, 1700000000);
    lnf_store_u32(file.at + 264, 1700000005);
    lnf_store_u16(file.at + 268, 1);
    lnf_store_u16(file.at + 270, 2);
    lnf_store_u32(file.at + 272, 77);
    build_map(&block, 0, NULL, 0);
    build_flow(&block, &plain_flow, NULL, 0);
    build_block(&file, &block);
    lnf_input_t *input = open_input();
    const struct lnf_input_info *info = lnf_input_info(input);
    ck_assert_str_eq(info->ident, "stat");
    ck_assert_uint_eq(info->layout, 1);
    ck_assert_uint_eq(info->blocks, 1);
    ck_assert_uint_eq(info->stat.flows, piped ? 1 : 100);
    ck_assert_uint_eq(info->stat.bytes, piped ? plain_flow.bytes : 101);
    ck_assert_uint_eq(info->stat.packets, piped ? plain_flow.packets : 102);
    ck_assert_uint_eq(info->stat.class_flows[LNF_STAT_OTHER], piped ? 0 : 106);
    ck_assert_uint_eq(info->stat.class_bytes[LNF_STAT_TCP], piped ? plain_flow.bytes : 107);
    ck_assert_uint_eq(info->stat.class_packets[LNF_STAT_OTHER], piped ? 0 : 114);
    ck_assert_uint_eq(info->stat.first_ms, piped ? 1700000000007 : 1700000000001);
    ck_assert_uint_eq(info->stat.last_ms, piped ? 1700000100999 : 1700000005002);
    ck_assert_uint_eq(info->stat.sequence_failures, piped ? 0 : 77);
    lnf_input_close(input);
}
END_TEST

/** The first start of statistics that were never filled in means unknown; a millisecond less is
 * one. */
START_TEST(test_first_unknown)
{
    build_map(&block, 0, NULL, 0);
    for (unsigned i = 0; i < 2; i++) {
        build_clear(&file);
        build_file(&file, 0, 1, "unused");
        lnf_store_u32(file.at + 260, 0x7FFFFFFF);
        lnf_store_u16(file.at + 268, (uint16_t)(999 - i));
        build_block(&file, &block);
        lnf_input_t *input = open_input();
        const struct lnf_stat *stat = &lnf_input_info(input)->stat;
        ck_assert_uint_eq(stat->first_ms, i == 0 ? UINT64_MAX : 2147483647998);
        ck_assert_uint_eq(stat->last_ms, 0);
        lnf_input_close(input);
    }
}
END_TEST

/** Without a block: statistics as stored, such as the time of the slot nothing came in; none when
 * the header promises blocks. */
START_TEST(test_without_blocks)
{
    static const struct {
        uint32_t blocks, first;
        uint64_t first_ms, flows, failures;
    } rows[] = {{0, 1700000000, 1700000000000, 0, 3},
                {0, 0, UINT64_MAX, 0, 3},
                {2, 1700000000, UINT64_MAX, 0, 0}};

    build_file(&file, 0, rows[_i].blocks, "idle");
    lnf_store_u32(file.at + 260, rows[_i].first);
    lnf_store_u32(file.at + 264, rows[_i].first == 0 ? 0 : rows[_i].first + 300);
    lnf_store_u32(file.at + 272, 3);
    if (rows[_i].blocks != 0) {
        lnf_store_u64(file.at + 140, 99);
    }
    lnf_input_t *input = open_input();
    struct lnf_block_ref ref;
    ck_assert_int_eq(lnf_input_claim(input, &ref, NULL), LNF_EOF);
    const struct lnf_input_info *info = lnf_input_info(input);
    ck_assert(info->finished);
    ck_assert_uint_eq(info->blocks, 0);
    ck_assert_uint_eq(info->stat.first_ms, rows[_i].first_ms);
    ck_assert_uint_eq(info->stat.flows, rows[_i].flows);
    ck_assert_uint_eq(info->stat.sequence_failures, rows[_i].failures);
    ck_assert_uint_eq(problem_count[LNF_PROBLEM_UNFINISHED], 0);
    ck_assert_uint_eq(problem_count[LNF_PROBLEM_STATISTICS], rows[_i].blocks != 0);
    lnf_input_close(input);
}
END_TEST

/** A file cut at any length: refused before its first block, complete blocks after that. */
START_TEST(test_cut_file)
{
    struct build whole;
    size_t ends[BLOCKS + 1] = {276};

    build_file(&file, 0, BLOCKS, "cut");
    build_blocks();
    whole = file;
    for (unsigned i = 0; i < BLOCKS; i++) {
        ends[i + 1] = ends[i] + 12 + lnf_load_u32(whole.at + ends[i] + 4);
    }
    ck_assert_uint_eq(ends[BLOCKS], whole.size);
    for (size_t size = 0; size <= whole.size; size++) {
        struct lnf_block_ref ref;
        lnf_input_t *input = NULL;
        unsigned blocks = 0;
        file = (struct build){whole.at, size, 0};
        if (size < 276) {
            write_file();
            ck_assert_int_eq(lnf_input_open(path, NULL, NULL, &input, NULL), LNF_ERR_CORRUPT);
            continue;
        }
        input = open_input();
        while (lnf_input_claim(input, &ref, NULL) == LNF_OK) {
            ck_assert_int_eq(vlan_of(input, &ref), 1);
            blocks++;
        }
        ck_assert_uint_le(ends[blocks], size);
        ck_assert(blocks == BLOCKS || ends[blocks + 1] > size);
        ck_assert_uint_eq(problem_count[LNF_PROBLEM_TRUNCATED], size > ends[blocks]);
        lnf_input_close(input);
    }
    file = whole;
}
END_TEST

/** Every octet of a block set to odd values: nothing breaks, sizes stay within limits. */
START_TEST(test_odd_octets)
{
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
    static const uint16_t ids[] = {4, 10, 13, 27, 41, 43};
    static const uint8_t extensions[128];
    struct lnf_block_buffer buffer = {0};

    for (unsigned i = 0; i < 3; i++) {
        build_map(&block, (uint16_t)i, ids, 6);
        struct layout1_flow flow = plain_flow;
        flow.map = (uint16_t)i;
        flow.flags = (uint8_t)i;
        build_flow(&block, &flow, extensions, sizeof(extensions));
    }
    build_file(&file, 0, 1, "odd");
    build_block(&file, &block);
    for (size_t at = 276 + 12; at < file.size; at++) {
        for (unsigned v = 0; v < sizeof(values); v++) {
            struct lnf_block_ref ref;
            const uint8_t *records;
            size_t size;
            uint8_t before = file.at[at];
            file.at[at] = values[v];
            lnf_input_t *input = open_input();
            ck_assert_int_eq(lnf_input_claim(input, &ref, NULL), LNF_OK);
            ck_assert_int_eq(lnf_input_load(input, &ref, &buffer, &records, &size, NULL), LNF_OK);
            (void)lnf_input_info(input);
            lnf_input_close(input);
            file.at[at] = before;
        }
    }
    lnf_block_buffer_clear(&buffer);
}
END_TEST

/** As many records as a block can hold, each as small as possible and growing as much as it can. */
START_TEST(test_growth)
{
    static const uint16_t ids[] = {4, 6, 8, 9, 11, 13, 14, 16, 18, 23, 38, 42, 46};
    static const uint8_t extensions[80];
    struct lnf_block_buffer buffer = {0};
    struct lnf_block_ref ref;
    const uint8_t *records;
    size_t size;
    struct layout1_flow flow = plain_flow;
    struct build record = {0};

    flow.old = true;
    build_map(&block, 0, ids, 13);
    build_flow(&record, &flow, extensions, sizeof(extensions));
    if (_i == 1) { /* records that are too small to be read */
        record.size = 4;
        lnf_store_u16(record.at + 2, 4);
    }
    size_t map_size = block.size;
    size_t count = (LNF_BLOCK_LIMIT - map_size) / record.size;
    uint8_t *room = build_room(&block, count * record.size);
    for (size_t i = 0; i < count; i++) {
        memcpy(room + i * record.size, record.at, record.size);
    }
    block.records += (uint32_t)count;
    build_file(&file, 0, 0, "growth"); /* statistics are computed */
    build_block(&file, &block);
    lnf_input_t *input = open_input();
    ck_assert_int_eq(lnf_input_claim(input, &ref, NULL), LNF_OK);
    ck_assert_int_eq(lnf_input_load(input, &ref, &buffer, &records, &size, NULL), LNF_OK);
    ck_assert_uint_gt(size, block.size);
    ck_assert_uint_eq(lnf_input_info(input)->stat.flows, _i == 0 ? count : 0);
    lnf_block_buffer_clear(&buffer);
    lnf_input_close(input);
    build_clear(&record);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("libnf/layout1");
    TCase *tc = tcase_create("layout1");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, test_fixed_part, 0, 16);
    tcase_add_loop_test(tc, test_extension, 0, (int)EXTENSION_ROWS);
    tcase_add_loop_test(tc, test_cut_extension, 0, (int)EXTENSION_ROWS);
    tcase_add_loop_test(tc, test_nsel_icmp, 0, 4);
    tcase_add_loop_test(tc, test_user, 0, 2);
    tcase_add_test(tc, test_mpls);
    tcase_add_loop_test(tc, test_unknown_extension, 0, 9);
    tcase_add_loop_test(tc, test_cut_flow, 0, 8);
    tcase_add_test(tc, test_cut_map);
    tcase_add_loop_test(tc, test_map_numbers, 0, 8);
    tcase_add_test(tc, test_map_behind);
    tcase_add_loop_test(tc, test_order, 0, 4);
    tcase_add_test(tc, test_damaged_block);
    tcase_add_loop_test(tc, test_in_layout2, 0, 5);
    tcase_add_test(tc, test_redefinitions);
    tcase_add_test(tc, test_many_maps);
    tcase_add_test(tc, test_many_blocks);
    tcase_add_loop_test(tc, test_codecs, 0, 4);
    tcase_add_test(tc, test_codec_flags);
    tcase_add_test(tc, test_anonymised);
    tcase_add_loop_test(tc, test_stat, 0, 2);
    tcase_add_test(tc, test_first_unknown);
    tcase_add_loop_test(tc, test_without_blocks, 0, 3);
    tcase_add_test(tc, test_cut_file);
    tcase_add_test(tc, test_odd_octets);
    tcase_add_loop_test(tc, test_growth, 0, 2);
    suite_add_tcase(suite, tc);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
