/* SPDX-License-Identifier: BSD-3-Clause */
/** Records of every form, whole and damaged, into columns. */
#include "flow_record.h"

#include <check.h>
#include <libnf.h>
#include <sys/socket.h>

static lnf_batch_t *batch;

static void setup(void)
{
    batch = lnf_batch_create();
    ck_assert_ptr_nonnull(batch);
}

static void teardown(void)
{
    lnf_batch_destroy(batch);
    lnf_batch_destroy(NULL);
}

static const void *column(int id)
{
    return lnf_batch_column(batch, lnf_field_get(id), NULL, 0);
}

/** Value of the first row. */
static uint64_t number(int id)
{
    const void *values = column(id);

    switch (lnf_field_get(id)->type) {
    case LNF_UINT8:
        return *(const uint8_t *)values;
    case LNF_UINT16:
        return *(const uint16_t *)values;
    case LNF_UINT32:
        return *(const uint32_t *)values;
    default:
        return *(const uint64_t *)values;
    }
}

static const struct test_flow full = {
    .elements = (1 << 13) - 1,
    .family = 4,
    .src = {0, 0xc0000201},
    .dst = {0, 0xc6336402},
    .first = 1000,
    .last = 5000,
    .received = 6000,
    .packets = 7,
    .bytes = 705,
    .srcport = 1234,
    .dstport = 0x0803,
    .proto = 1,
    .flags = 0x1b,
    .fwd = 64,
    .tos = 8,
    .inif = 3,
    .outif = 4,
    .srcmask = 24,
    .dstmask = 16,
    .dir = 1,
    .dsttos = 9,
    .flows = 5,
    .outpackets = 50,
    .outbytes = 51,
    .srcvlan = 0x10005,
    .dstvlan = 6,
    .srcas = 64500,
    .dstas = 64501,
    .next_hop = {0, 0x0a000001},
    .bgp_next_hop = {0, 0x0a000002},
    .router = {0, 0x0a000003},
    .mpls = {7},
    .in_src_mac = 0xffff010203040506,
    .nextas = 1,
    .prevas = 2,
    .user = "root",
    .point_id = 99,
    .domain_id = 98,
    .client_latency = 11,
    .server_latency = 12,
    .app_latency = 13,
    .engine_type = 21,
    .engine_id = 22,
    .nfversion = 10,
    .sysid = 3,
};

START_TEST(test_every_field)
{
    static const struct {
        int id;
        uint64_t value;
    } expected[] = {
        {LNF_FLD_FIRST, 1000},
        {LNF_FLD_LAST, 5000},
        {LNF_FLD_RECEIVED, 6000},
        {LNF_FLD_DPKTS, 7},
        {LNF_FLD_DOCTETS, 705},
        {LNF_FLD_OUT_PKTS, 50},
        {LNF_FLD_OUT_BYTES, 51},
        {LNF_FLD_AGGR_FLOWS, 5},
        {LNF_FLD_SRCPORT, 1234},
        {LNF_FLD_DSTPORT, 0x803},
        {LNF_FLD_TCP_FLAGS, 0x1b},
        {LNF_FLD_PROT, 1},
        {LNF_FLD_TOS, 8},
        {LNF_FLD_FWD_STATUS, 64},
        {LNF_FLD_INPUT, 3},
        {LNF_FLD_OUTPUT, 4},
        {LNF_FLD_SRC_MASK, 24},
        {LNF_FLD_DST_MASK, 16},
        {LNF_FLD_DIR, 1},
        {LNF_FLD_DST_TOS, 9},
        {LNF_FLD_SRC_VLAN, 5},
        {LNF_FLD_DST_VLAN, 6},
        {LNF_FLD_SRCAS, 64500},
        {LNF_FLD_DSTAS, 64501},
        {LNF_FLD_ICMP_TYPE, 8},
        {LNF_FLD_ICMP_CODE, 3},
        {LNF_FLD_INET_FAMILY, AF_INET},
        {LNF_FLD_CALC_DURATION, 4000},
        {LNF_FLD_IN_SRC_MAC, 0x010203040506},
        {LNF_FLD_ENGINE_TYPE, 21},
        {LNF_FLD_ENGINE_ID, 22},
        {LNF_FLD_PAIR_PORT, 1234},
        {LNF_FLD_BGPNEXTADJACENTAS, 1},
        {LNF_FLD_APPL_LATENCY_USEC, 13},
    };
    struct test_records records = {0};
    size_t length;

    test_records_add(&records, &full);
    ck_assert_uint_eq(lnf_batch_single(batch, records.octets, records.size), 1);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        ck_assert_msg(number(expected[i].id) == expected[i].value, "%s",
                      lnf_field_get(expected[i].id)->name);
        ck_assert_uint_eq(lnf_batch_present(batch, lnf_field_get(expected[i].id), NULL, 0)[0], 1);
    }
    ck_assert_uint_eq(((const struct lnf_addr *)column(LNF_FLD_SRCADDR))->lo, 0xc0000201);
    ck_assert_uint_eq(((const struct lnf_addr *)column(LNF_FLD_IP_ROUTER))->lo, 0x0a000003);
    ck_assert_double_eq(*(const double *)column(LNF_FLD_CALC_BPS), 1410.0);
    ck_assert_double_eq(*(const double *)column(LNF_FLD_CALC_PPS), 1.75);
    ck_assert_double_eq(*(const double *)column(LNF_FLD_CALC_BPP), 100.0);
    ck_assert_str_eq((const char *)lnf_batch_element(batch, 0, 24, &length), "root");
    ck_assert_uint_eq(length, 68);
    ck_assert_ptr_null(lnf_batch_element(batch, 0, 20, &length));
    ck_assert_ptr_null(lnf_batch_element(batch, 0, 5000, &length));
    ck_assert_uint_eq(number(LNF_FLD_USERNAME), 0); /* no column */
    test_records_clear(&records);
}
END_TEST

START_TEST(test_absent_fields)
{
    const uint8_t bare[12] = {11, 0, 12, 0};

    ck_assert_uint_eq(lnf_batch_single(batch, bare, sizeof(bare)), 1);
    for (unsigned i = 0; i < lnf_field_count; i++) {
        const struct lnf_field *field = &lnf_field_table[i];
        const uint8_t *value = lnf_batch_column(batch, field, NULL, 0);
        ck_assert_msg(value[0] == (field->id == LNF_FLD_AGGR_FLOWS), "%s", field->name);
        bool header = field->source == LNF_SOURCE_HEADER || field->id == LNF_FLD_EVENT_FLAG;
        ck_assert_msg(lnf_batch_present(batch, field, NULL, 0)[0] == header, "%s", field->name);
    }
}
END_TEST

/** Every field's octets are inside its element, so that a known element is enough of a check. */
START_TEST(test_fields_fit_elements)
{
    for (unsigned i = 0; i < lnf_field_count; i++) {
        const struct lnf_field *f = &lnf_field_table[i];
        if (f->source == LNF_SOURCE_HEADER) {
            ck_assert_uint_le(f->offset + f->width, LNF_RECORD_HEADER_SIZE);
        }
        if (f->source == LNF_SOURCE_ELEMENT && f->element != 0) {
            ck_assert_msg(f->offset + f->width <= lnf_element_get(f->element)->size, "%s", f->name);
        }
        if (f->source == LNF_SOURCE_ELEMENT && f->element6 != 0) {
            unsigned width = f->type == LNF_ADDR ? 16 : f->width;
            ck_assert_msg(f->offset6 + width <= lnf_element_get(f->element6)->size, "%s", f->name);
        }
    }
}
END_TEST

/** Both address elements: IPv4 unless it is all zero; layer 2 information decides. */
START_TEST(test_both_families)
{
    static const struct {
        uint32_t src4, dst4;
        int version; /* -1: no layer 2 element */
        bool ipv6;
    } cases[] = {{1, 0, -1, false}, {0, 1, -1, false}, {0, 0, -1, true},
                 {1, 2, 6, true},   {0, 0, 4, false},  {0, 0, 0, true}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_records r = {0};
        test_records_header(&r, &full);
        uint8_t *data = test_records_element(&r, 2, 8);
        test_records_put(data, cases[i].src4, 4);
        test_records_put(data + 4, cases[i].dst4, 4);
        data = test_records_element(&r, 3, 32);
        test_records_put(data, 0x20010db8, 8);
        test_records_put(data + 24, 9, 8);
        if (cases[i].version >= 0) {
            test_records_element(&r, 38, 32)[26] = (uint8_t)cases[i].version;
        }
        ck_assert_uint_eq(lnf_batch_single(batch, r.octets, r.size), 1);
        const struct lnf_addr *src = column(LNF_FLD_SRCADDR);
        const struct lnf_addr *dst = column(LNF_FLD_DSTADDR);
        ck_assert_uint_eq(src->hi, cases[i].ipv6 ? 0x20010db8 : 0);
        ck_assert_uint_eq(src->lo, cases[i].ipv6 ? 0 : cases[i].src4);
        ck_assert_uint_eq(dst->lo, cases[i].ipv6 ? 9 : cases[i].dst4);
        ck_assert_uint_eq(number(LNF_FLD_INET_FAMILY), cases[i].ipv6 ? AF_INET6 : AF_INET);
        test_records_clear(&r);
    }
}
END_TEST

/** A layout per record, more than the cache holds, at odd addresses, with and without a selection.
 */
START_TEST(test_changing_layouts)
{
    enum { COUNT = 6000 };
    static struct test_flow flows[COUNT];
    struct test_records records = {0};
    uint32_t seed = 1;
    unsigned seen = 0;

    test_records_reserve(&records, 1); /* nothing in a block is aligned */
    for (unsigned i = 0; i < COUNT; i++) {
        seed = seed * 1664525 + 1013904223;
        flows[i] = full;
        flows[i].elements = _i == 0 ? (seed >> 16) & 0x1fff : (seed >> 16) & 3;
        flows[i].family = (seed >> 12) % 3 == 0 ? 0 : (seed >> 12) % 3 == 1 ? 4 : 6;
        flows[i].src.hi = flows[i].family == 6 ? i : 0;
        flows[i].src.lo = i;
        flows[i].bytes = i * 3;
        flows[i].outif = i;
        flows[i].flows = i % 3;
        flows[i].user = "u";
        test_records_add(&records, &flows[i]);
    }
    lnf_batch_open(batch, records.octets + 1, records.size - 1);
    for (unsigned rows; (rows = lnf_batch_next(batch)) > 0; seen += rows) {
        uint16_t odd[LNF_BATCH_ROWS];
        unsigned odd_count = 0;
        for (unsigned i = 1; i < rows; i += 2) {
            odd[odd_count++] = (uint16_t)i;
        }
        ck_assert_uint_le(rows, LNF_BATCH_ROWS);
        const struct lnf_field *outif = lnf_field_get(LNF_FLD_OUTPUT);
        const uint32_t *some = lnf_batch_column(batch, outif, odd, odd_count);
        for (unsigned i = 1; i < rows; i += 2) {
            ck_assert_uint_eq(some[i], flows[seen + i].elements & TEST_MISC ? seen + i : 0);
        }
        const struct lnf_addr *src = column(LNF_FLD_SRCADDR);
        const uint64_t *bytes = column(LNF_FLD_DOCTETS);
        const uint64_t *counted = column(LNF_FLD_AGGR_FLOWS);
        const uint32_t *all = column(LNF_FLD_OUTPUT);
        const uint8_t *present = lnf_batch_present(batch, outif, NULL, 0);
        for (unsigned i = 0; i < rows; i++) {
            const struct test_flow *flow = &flows[seen + i];
            bool counters = flow->elements & TEST_COUNTERS && flow->flows != 0;
            ck_assert_uint_eq(src[i].hi, flow->family == 6 ? flow->src.hi : 0);
            ck_assert_uint_eq(src[i].lo, flow->family == 0 ? 0 : flow->src.lo);
            ck_assert_uint_eq(bytes[i], flow->bytes);
            ck_assert_uint_eq(counted[i], counters ? flow->flows : 1);
            ck_assert_uint_eq(all[i], flow->elements & TEST_MISC ? flow->outif : 0);
            ck_assert_uint_eq(present[i], !!(flow->elements & TEST_MISC));
        }
    }
    ck_assert_uint_eq(seen, COUNT);
    ck_assert_uint_eq(lnf_batch_seen(batch), COUNT);
    ck_assert_uint_eq(lnf_batch_damaged(batch, NULL), 0);
    test_records_clear(&records);
}
END_TEST

/** A record in memory of exactly its size, so that a read behind it is caught. */
static unsigned open_exactly(const uint8_t *octets, size_t size)
{
    static uint8_t *copy;

    free(copy);
    copy = malloc(size == 0 ? 1 : size);
    if (size > 0) {
        memcpy(copy, octets, size);
    }
    lnf_batch_open(batch, copy, size);
    unsigned rows = lnf_batch_next(batch);
    if (rows > 0) {
        for (unsigned i = 0; i < lnf_field_count; i++) {
            lnf_batch_column(batch, &lnf_field_table[i], NULL, 0);
        }
    }
    if (size == 0) {
        free(copy);
        copy = NULL;
    }
    return rows;
}

/** Cut at every length: with the size it claims, and with a size that fits. */
START_TEST(test_cut_records)
{
    struct test_records r = {0};

    test_records_add(&r, &full);
    ck_assert_uint_eq(open_exactly(r.octets, r.size), 1);
    for (size_t size = 0; size < r.size; size++) {
        test_records_put(r.octets + 2, r.size, 2);
        ck_assert_uint_eq(open_exactly(r.octets, size), 0);
        ck_assert_uint_eq(lnf_batch_damaged(batch, NULL), size != 0);
        if (size >= 4) {
            test_records_put(r.octets + 2, size, 2);
            ck_assert_uint_eq(open_exactly(r.octets, size), 0);
            ck_assert_uint_eq(lnf_batch_damaged(batch, NULL), 1);
            ck_assert_uint_eq(lnf_batch_seen(batch), 1);
            ck_assert_uint_eq(lnf_batch_single(batch, r.octets, size), 0);
        }
    }
    open_exactly(NULL, 0);
    test_records_clear(&r);
}
END_TEST

/** The same behind a record of the same layout, which is recognised without walking its elements.
 */
START_TEST(test_cut_known_records)
{
    struct test_records r = {0};

    test_records_add(&r, &full);
    size_t first = r.size;
    test_records_add(&r, &full);
    ck_assert_uint_eq(open_exactly(r.octets, r.size), 2);
    for (size_t size = first; size < r.size; size++) {
        ck_assert_uint_eq(open_exactly(r.octets, size), 1);
        ck_assert_uint_eq(lnf_batch_damaged(batch, NULL), size != first);
        ck_assert_uint_eq(lnf_batch_seen(batch), 1);
    }
    open_exactly(NULL, 0);
    test_records_clear(&r);
}
END_TEST

/** Octets that look like a record of no type, no size and no elements. */
START_TEST(test_zeros)
{
    static const uint8_t zeros[64];
    struct test_records r = {0};

    ck_assert_uint_eq(open_exactly(zeros, sizeof(zeros)), 0);
    ck_assert_uint_eq(lnf_batch_damaged(batch, NULL), 1);
    test_records_add(&r, &full);
    test_records_add(&r, &full);
    memset(r.octets + r.record, 0, r.size - r.record);
    ck_assert_uint_eq(open_exactly(r.octets, r.size), 1);
    ck_assert_uint_eq(lnf_batch_damaged(batch, NULL), 1);
    open_exactly(NULL, 0);
    test_records_clear(&r);
}
END_TEST

/** Records of one size and one number of elements that differ in their order. */
START_TEST(test_equal_sizes)
{
    struct test_records r = {0};

    for (unsigned i = 0; i < 100; i++) {
        bool vlan_first = (i & 1) == 0 || i % 7 == 0;
        test_records_header(&r, &full);
        uint8_t *first = test_records_element(&r, vlan_first ? 6 : 7, 8);
        test_records_put(first, vlan_first ? 1000 + i : 2000 + i, 4);
        uint8_t *second = test_records_element(&r, vlan_first ? 7 : 6, 8);
        test_records_put(second, vlan_first ? 2000 + i : 1000 + i, 4);
    }
    ck_assert_uint_eq(open_exactly(r.octets, r.size), 100);
    const uint16_t *vlan = column(LNF_FLD_SRC_VLAN);
    const uint32_t *as = column(LNF_FLD_SRCAS);
    for (unsigned i = 0; i < 100; i++) {
        ck_assert_uint_eq(vlan[i], 1000 + i);
        ck_assert_uint_eq(as[i], 2000 + i);
    }
    open_exactly(NULL, 0);
    test_records_clear(&r);
}
END_TEST

/** Damage inside a record costs that record; the ones around it stay. */
START_TEST(test_damaged_record)
{
    static const struct {
        unsigned offset, value;
        unsigned rows;
    } cases[] = {
        {4, 0, 2},   {4, 1, 2},      {4, 99, 2},      /* number of elements */
        {14, 0, 2},  {14, 3, 2},     {14, 0xffff, 2}, /* length of the first */
        {14, 51, 2}, {14, 53, 2},    {12, 0, 3},
        {12, 77, 3},                 /* null and unknown elements are skipped */
        {0, 7, 2},   {0, 999, 2},    /* no flow */
        {2, 3, 1},   {2, 0xffff, 1}, /* no next record */
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_records r = {0};
        struct test_flow flow = full;
        flow.elements = 0;
        test_records_add(&r, &flow);
        test_records_add(&r, &flow);
        size_t middle = r.record;
        test_records_add(&r, &flow);
        test_records_put(r.octets + middle + cases[i].offset, cases[i].value, 2);
        ck_assert_msg(open_exactly(r.octets, r.size) == cases[i].rows, "case %zu", i);
        size_t at = 0;
        bool other_type = cases[i].offset == 0;
        ck_assert_uint_eq(lnf_batch_damaged(batch, &at), cases[i].rows < 3 && !other_type);
        if (cases[i].rows < 3 && !other_type) {
            ck_assert_uint_eq(at, middle);
        }
        ck_assert_uint_eq(lnf_batch_seen(batch), cases[i].rows == 1 ? 1 : 3);
        test_records_clear(&r);
    }
    open_exactly(NULL, 0);
}
END_TEST

/** Elements shorter than the catalogue are ignored, longer ones are used, doubles count once. */
START_TEST(test_odd_elements)
{
    struct test_records r = {0};

    test_records_header(&r, &full);
    test_records_put(test_records_element(&r, 6, 7), 5, 2); /* VLAN needs 8 */
    test_records_put(test_records_element(&r, 7, 11), 64500, 4);
    test_records_put(test_records_element(&r, 7, 8), 1, 4);
    for (unsigned i = 0; i < 100; i++) {
        test_records_element(&r, 0, i % 3); /* more elements than a layout remembers */
    }
    test_records_put(test_records_element(&r, 4, 16), 42, 4);
    for (int twice = 0; twice < 2; twice++) {
        ck_assert_uint_eq(lnf_batch_single(batch, r.octets, r.size), 1);
        ck_assert_uint_eq(number(LNF_FLD_SRC_VLAN), 0);
        ck_assert_uint_eq(number(LNF_FLD_SRCAS), 64500);
        ck_assert_uint_eq(number(LNF_FLD_INPUT), 42);
    }
    test_records_clear(&r);
}
END_TEST

/** Columns nobody has a value for, between ones with values: nothing stays from batch to batch. */
START_TEST(test_absent_between)
{
    static const uint16_t second[] = {1};

    for (unsigned round = 0; round < 6; round++) {
        struct test_records r = {0};
        struct test_flow flow = full;
        bool has = round % 2 == 1;
        flow.elements = has ? TEST_COUNTERS | TEST_MISC : 0;
        flow.flows = 9;
        flow.outif = 77;
        test_records_add(&r, &flow);
        test_records_add(&r, &flow);
        lnf_batch_open(batch, r.octets, r.size);
        ck_assert_uint_eq(lnf_batch_next(batch), 2);
        const struct lnf_field *field = lnf_field_get(LNF_FLD_OUTPUT);
        const uint32_t *some = lnf_batch_column(batch, field, second, 1);
        ck_assert_uint_eq(some[1], has ? 77 : 0);
        const uint64_t *flows = column(LNF_FLD_AGGR_FLOWS);
        const uint32_t *all = column(LNF_FLD_OUTPUT);
        for (unsigned i = 0; i < 2; i++) {
            ck_assert_uint_eq(flows[i], has ? 9 : 1);
            ck_assert_uint_eq(all[i], has ? 77 : 0);
        }
        test_records_clear(&r);
    }
}
END_TEST

/* ---- recognised or walked -------------------------------------------------------------------- */

static uint32_t seed;

static unsigned below(unsigned end)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % end;
}

enum { ELEMENTS = 9, FORMS = 4, RECORDS = 40 };

/** Elements of records: those known and some nobody knows, as long as the catalogue says or longer.
 */
struct form {
    unsigned count;
    unsigned types[ELEMENTS];
    unsigned sizes[ELEMENTS];
};

static void make_form(struct form *form)
{
    static const struct {
        unsigned type, size;
    } kinds[] = {{1, 48}, {2, 8}, {3, 32}, {4, 16}, {6, 8}, {7, 8}, {12, 4}, {60, 0}, {2000, 0}};

    form->count = below(ELEMENTS + 1);
    for (unsigned i = 0; i < form->count; i++) {
        unsigned kind = below(sizeof(kinds) / sizeof(kinds[0]));
        form->types[i] = kinds[kind].type;
        form->sizes[i] = kinds[kind].size + (below(3) == 0 ? below(20) : 0);
    }
}

/** A record of the form with any data; one octet of its headers may be wrong, its size is not. */
static void add_record(struct test_records *r, const struct form *form)
{
    size_t headers[ELEMENTS];

    test_records_header(r, &full);
    for (unsigned i = 0; i < form->count; i++) {
        uint8_t *data = test_records_element(r, form->types[i], form->sizes[i]);
        headers[i] = (size_t)(data - r->octets) - 4;
        for (unsigned k = 0; k < form->sizes[i]; k++) {
            data[k] = (uint8_t)below(256);
        }
    }
    unsigned place = below(3 * (form->count + 1));
    if (place < form->count) {
        r->octets[headers[place] + below(4)] ^= (uint8_t)(1u << below(8));
    } else if (place == form->count) {
        r->octets[r->record + (below(2) == 0 ? 0 : 4) + below(2)] ^= (uint8_t)(1u << below(8));
    }
}

/** Octets of a value in a column; 0 = it has none. */
static size_t width_of(const struct lnf_field *field)
{
    size_t size = lnf_type_size(field->type);

    return field->type == LNF_MAC ? sizeof(uint64_t) : size <= sizeof(struct lnf_addr) ? size : 0;
}

/** A row of the batch has what the only row of another has. */
static void expect_same_row(unsigned row, lnf_batch_t *other)
{
    for (unsigned i = 0; i < lnf_field_count; i++) {
        const struct lnf_field *field = &lnf_field_table[i];
        size_t width = width_of(field);
        const uint8_t *got = lnf_batch_column(batch, field, NULL, 0);
        const uint8_t *expected = lnf_batch_column(other, field, NULL, 0);
        ck_assert_msg(memcmp(got + row * width, expected, width) == 0, "row %u, %s", row,
                      field->name);
        ck_assert_uint_eq(lnf_batch_present(batch, field, NULL, 0)[row],
                          lnf_batch_present(other, field, NULL, 0)[0]);
    }
}

/**
 * Records among others of a few forms, damaged ones between them, are what each is alone: there
 * nothing can be recognised and every element is walked.
 */
START_TEST(test_recognised)
{
    struct form forms[FORMS];
    struct test_records r = {0};
    size_t starts[RECORDS + 1];
    unsigned row = 0;

    seed = (uint32_t)_i;
    for (unsigned i = 0; i < FORMS; i++) {
        make_form(&forms[i]);
    }
    for (unsigned i = 0; i < RECORDS; i++) {
        add_record(&r, &forms[below(FORMS)]);
        starts[i] = r.record;
    }
    starts[RECORDS] = r.size;
    unsigned rows = open_exactly(r.octets, r.size);
    for (unsigned i = 0; i < RECORDS; i++) {
        lnf_batch_t *alone = lnf_batch_create();
        ck_assert_ptr_nonnull(alone);
        if (lnf_batch_single(alone, r.octets + starts[i], starts[i + 1] - starts[i]) == 1) {
            ck_assert_uint_lt(row, rows);
            expect_same_row(row++, alone);
        }
        lnf_batch_destroy(alone);
    }
    ck_assert_uint_eq(row, rows);
    ck_assert_uint_eq(lnf_batch_seen(batch), RECORDS);
    open_exactly(NULL, 0);
    test_records_clear(&r);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("libnf/batch");
    TCase *tc = tcase_create("records");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_every_field);
    tcase_add_test(tc, test_absent_fields);
    tcase_add_test(tc, test_fields_fit_elements);
    tcase_add_test(tc, test_both_families);
    tcase_add_loop_test(tc, test_changing_layouts, 0, 2);
    tcase_add_test(tc, test_cut_records);
    tcase_add_test(tc, test_cut_known_records);
    tcase_add_test(tc, test_zeros);
    tcase_add_test(tc, test_equal_sizes);
    tcase_add_test(tc, test_damaged_record);
    tcase_add_test(tc, test_odd_elements);
    tcase_add_test(tc, test_absent_between);
    tcase_add_loop_test(tc, test_recognised, 0, 100);
    suite_add_tcase(suite, tc);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
