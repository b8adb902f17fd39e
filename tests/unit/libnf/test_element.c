/* SPDX-License-Identifier: BSD-3-Clause */
/** The table of elements: sizes, which lengths are usable, what lies where. */
#include "element.h"
#include "field.h"
#include "record.h"

#include <check.h>
#include <libnf/bytes.h>
#include <stdlib.h>
#include <string.h>

START_TEST(test_catalogue)
{
    for (unsigned id = 1; id <= 42; id++) {
        ck_assert_ptr_nonnull(lnf_element_get((uint16_t)id)->name);
    }
    ck_assert_ptr_null(lnf_element_get(0)->name);
    ck_assert_ptr_null(lnf_element_get(43)->name);
    ck_assert_ptr_null(lnf_element_get(LNF_ELEMENT_COUNT)->name);
    ck_assert_ptr_null(lnf_element_get(UINT16_MAX)->name);
}
END_TEST

START_TEST(test_usable_lengths)
{
    for (unsigned id = 1; id <= 42; id++) {
        size_t size = lnf_element_get((uint16_t)id)->size;
        ck_assert(lnf_element_usable((uint16_t)id, size));
        ck_assert(lnf_element_usable((uint16_t)id, size + 1));
        ck_assert(size == 0 || !lnf_element_usable((uint16_t)id, size - 1));
    }
    ck_assert(!lnf_element_usable(0, 100));
    ck_assert(!lnf_element_usable(63, 100));
    ck_assert(!lnf_element_usable(64, 100));
    /* NAT events of early 1.7 files: longer, other fields. */
    ck_assert(!lnf_element_usable(LNF_ELEMENT_NAT_EVENT, 24));
    ck_assert(lnf_element_usable(LNF_ELEMENT_NAT_EVENT, 16));
}
END_TEST

/* ---- the layout of nfdump 1.7's records ------------------------------------------------------ */

/** Octets each element has in a file, its own header included; of those with a `+` at least. */
static const struct {
    unsigned length;
    bool more;
} stored[43] = {{0, false},  {52, false}, {12, false}, {36, false}, {20, false}, {28, false},
                {12, false}, {12, false}, {8, false},  {20, false}, {8, false},  {20, false},
                {8, false},  {20, false}, {44, false}, {36, false}, {12, false}, {28, false},
                {16, true},  {20, false}, {12, false}, {36, false}, {8, false},  {28, false},
                {72, false}, {20, false}, {12, false}, {5, true},   {5, true},   {4, true},
                {4, true},   {16, false}, {44, false}, {20, false}, {8, false},  {4, true},
                {12, false}, {24, true},  {36, false}, {12, false}, {8, false},  {8, true},
                {8, false}};

START_TEST(test_stored_lengths)
{
    const struct lnf_element *element = lnf_element_get((uint16_t)_i);

    ck_assert_uint_eq(element->size + 4u, stored[_i].length);
    ck_assert_int_eq(element->variable, stored[_i].more);
}
END_TEST

/** Where a value lies: element (0 = the header of the record), offset into its data, octets there.
 */
static const struct place {
    int field;
    unsigned element, offset, width;
} places[] = {
    {LNF_FLD_ENGINE_TYPE, 0, 6, 1},
    {LNF_FLD_ENGINE_ID, 0, 7, 1},
    {LNF_FLD_EXPORTER_SYSID_, 0, 8, 2},
    {LNF_FLD_RECORD_FLAGS_, 0, 10, 1},
    {LNF_FLD_NFVERSION_, 0, 11, 1},
    {LNF_FLD_FIRST, 1, 0, 8},
    {LNF_FLD_LAST, 1, 8, 8},
    {LNF_FLD_RECEIVED, 1, 16, 8},
    {LNF_FLD_DPKTS, 1, 24, 8},
    {LNF_FLD_DOCTETS, 1, 32, 8},
    {LNF_FLD_SRCPORT, 1, 40, 2},
    {LNF_FLD_DSTPORT, 1, 42, 2},
    {LNF_FLD_PROT, 1, 44, 1},
    {LNF_FLD_TCP_FLAGS, 1, 45, 1},
    {LNF_FLD_FWD_STATUS, 1, 46, 1},
    {LNF_FLD_TOS, 1, 47, 1},
    {LNF_FLD_SRCADDR, 2, 0, 4},
    {LNF_FLD_DSTADDR, 2, 4, 4},
    {LNF_FLD_SRCADDR, 3, 0, 16},
    {LNF_FLD_DSTADDR, 3, 16, 16},
    {LNF_FLD_INPUT, 4, 0, 4},
    {LNF_FLD_OUTPUT, 4, 4, 4},
    {LNF_FLD_SRC_MASK, 4, 8, 1},
    {LNF_FLD_DST_MASK, 4, 9, 1},
    {LNF_FLD_DIR, 4, 10, 1},
    {LNF_FLD_DST_TOS, 4, 11, 1},
    {LNF_FLD_BIFLOW_DIR_, 4, 12, 1},
    {LNF_FLD_END_REASON_, 4, 13, 1},
    {LNF_FLD_AGGR_FLOWS, 5, 0, 8},
    {LNF_FLD_OUT_PKTS, 5, 8, 8},
    {LNF_FLD_OUT_BYTES, 5, 16, 8},
    {LNF_FLD_SRC_VLAN, 6, 0, 2},
    {LNF_FLD_DST_VLAN, 6, 4, 2},
    {LNF_FLD_SRCAS, 7, 0, 4},
    {LNF_FLD_DSTAS, 7, 4, 4},
    {LNF_FLD_BGP_NEXTHOP, 8, 0, 4},
    {LNF_FLD_BGP_NEXTHOP, 9, 0, 16},
    {LNF_FLD_IP_NEXTHOP, 10, 0, 4},
    {LNF_FLD_IP_NEXTHOP, 11, 0, 16},
    {LNF_FLD_IP_ROUTER, 12, 0, 4},
    {LNF_FLD_IP_ROUTER, 13, 0, 16},
    {LNF_FLD_MPLS_LABEL, 14, 0, 40},
    {LNF_FLD_IN_SRC_MAC, 15, 0, 8},
    {LNF_FLD_OUT_DST_MAC, 15, 8, 8},
    {LNF_FLD_IN_DST_MAC, 15, 16, 8},
    {LNF_FLD_OUT_SRC_MAC, 15, 24, 8},
    {LNF_FLD_BGPNEXTADJACENTAS, 16, 0, 4},
    {LNF_FLD_BGPPREVADJACENTAS, 16, 4, 4},
    {LNF_FLD_CLIENT_NW_DELAY_USEC, 17, 0, 8},
    {LNF_FLD_SERVER_NW_DELAY_USEC, 17, 8, 8},
    {LNF_FLD_APPL_LATENCY_USEC, 17, 16, 8},
    {LNF_FLD_EVENT_TIME, 19, 0, 8},
    {LNF_FLD_CONN_ID, 19, 8, 4},
    {LNF_FLD_FW_XEVENT, 19, 12, 2},
    {LNF_FLD_FW_EVENT, 19, 14, 1},
    {LNF_FLD_XLATE_SRC_IP, 20, 0, 4},
    {LNF_FLD_XLATE_DST_IP, 20, 4, 4},
    {LNF_FLD_XLATE_SRC_IP, 21, 0, 16},
    {LNF_FLD_XLATE_DST_IP, 21, 16, 16},
    {LNF_FLD_XLATE_SRC_PORT, 22, 0, 2},
    {LNF_FLD_XLATE_DST_PORT, 22, 2, 2},
    {LNF_FLD_INGRESS_ACL_ID, 23, 0, 4},
    {LNF_FLD_INGRESS_ACE_ID, 23, 4, 4},
    {LNF_FLD_INGRESS_XACE_ID, 23, 8, 4},
    {LNF_FLD_EGRESS_ACL_ID, 23, 12, 4},
    {LNF_FLD_EGRESS_ACE_ID, 23, 16, 4},
    {LNF_FLD_EGRESS_XACE_ID, 23, 20, 4},
    {LNF_FLD_INGRESS_ACL, 23, 0, 12},
    {LNF_FLD_EGRESS_ACL, 23, 12, 12},
    {LNF_FLD_USERNAME, 24, 0, 66},
    {LNF_FLD_EVENT_TIME, 25, 0, 8},
    {LNF_FLD_NAT_POOL_, 25, 8, 4},
    {LNF_FLD_NAT_EVENT_, 25, 12, 1},
    {LNF_FLD_BLOCK_START, 26, 0, 2},
    {LNF_FLD_BLOCK_END, 26, 2, 2},
    {LNF_FLD_BLOCK_STEP, 26, 4, 2},
    {LNF_FLD_BLOCK_SIZE, 26, 6, 2},
    {LNF_FLD_TUN_SRCADDR_, 31, 0, 4},
    {LNF_FLD_TUN_DSTADDR_, 31, 4, 4},
    {LNF_FLD_TUN_PROTO_, 31, 8, 4},
    {LNF_FLD_TUN_SRCADDR_, 32, 0, 16},
    {LNF_FLD_TUN_DSTADDR_, 32, 16, 16},
    {LNF_FLD_TUN_PROTO_, 32, 32, 4},
    {LNF_FLD_OBSERVATION_POINT_, 33, 0, 8},
    {LNF_FLD_OBSERVATION_DOMAIN_, 33, 8, 4},
    {LNF_FLD_EGRESS_VRFID, 36, 0, 4},
    {LNF_FLD_INGRESS_VRFID, 36, 4, 4},
    {LNF_FLD_ETHERTYPE_, 38, 24, 2},
    {LNF_FLD_FRAGMENT_FLAGS_, 42, 1, 1},
    {LNF_FLD_MIN_TTL_, 42, 2, 1},
    {LNF_FLD_MAX_TTL_, 42, 3, 1},
};

enum { RECORD_HEADER = 12, ROOM = 200 };

/** A record with this element only, all zero; returns its octets. */
static size_t put_record(uint8_t record[ROOM], unsigned element, unsigned length)
{
    memset(record, 0, ROOM);
    lnf_store_u16(record, 11);
    lnf_store_u16(record + 2, (uint16_t)(RECORD_HEADER + length));
    lnf_store_u16(record + 4, 1);
    lnf_store_u16(record + RECORD_HEADER, (uint16_t)element);
    lnf_store_u16(record + RECORD_HEADER + 2, (uint16_t)length);
    return RECORD_HEADER + length;
}

/** What lnf_rec_get() gives for octets 1, 2, 3 ... of the file. */
static void expected_value(const struct place *place, unsigned width,
                           uint8_t value[LNF_MAX_FIELD_LEN])
{
    memset(value, 0, LNF_MAX_FIELD_LEN);
    switch (lnf_field_get(place->field)->type) {
    case LNF_ADDR: /* words of 4 or 8 octets, the least significant one first */
        for (unsigned i = 0; i < width; i++) {
            unsigned word = width == 4 ? 4 : 8;
            value[16 - width + i] = (uint8_t)(1 + i / word * word + (word - 1 - i % word));
        }
        return;
    case LNF_MAC: /* the low 48 bits */
        for (unsigned i = 0; i < 6; i++) {
            value[i] = (uint8_t)(6 - i);
        }
        return;
    case LNF_STRING:
    case LNF_MPLS: /* numbers in the order of the machine, as in the file */
        for (unsigned i = 0; i < width; i++) {
            value[i] = (uint8_t)(i + 1);
        }
        return;
    default: /* ACL: words in network order */
        for (unsigned i = 0; i < width; i++) {
            value[i] = (uint8_t)(place->element == 23 ? i / 4 * 4 + 4 - i % 4 : i + 1);
        }
    }
}

START_TEST(test_place)
{
    const struct place *place = &places[_i];
    const struct lnf_field *field = lnf_field_get(place->field);
    unsigned element = place->element == 0 ? 1 : place->element;
    unsigned start = place->element == 0 ? place->offset : RECORD_HEADER + 4 + place->offset;
    unsigned length = stored[element].length;
    uint8_t record[ROOM], value[LNF_MAX_FIELD_LEN], expected[LNF_MAX_FIELD_LEN];
    unsigned filled = field->type == LNF_STRING ? place->width - 1 : place->width; /* and its NUL */
    size_t size = field->type == LNF_STRING ? place->width : lnf_type_size(field->type);
    lnf_rec_t *rec;

    expected_value(place, filled, expected);
    ck_assert_int_eq(lnf_rec_init(&rec), LNF_OK);
    for (unsigned more = 0; more <= 8; more += 4) { /* of a longer element its beginning counts */
        size_t record_size = put_record(record, element, length + more);
        for (unsigned i = 0; i < filled; i++) {
            record[start + i] = (uint8_t)(i + 1);
        }
        bool old_nat_event = element == 25 && more == 8;
        ck_assert_int_eq(lnf_rec_assign(rec, record, record_size), LNF_OK);
        memset(value, 0xee, sizeof(value));
        ck_assert_int_eq(lnf_rec_get(rec, field, value), old_nat_event ? LNF_ERR_NOTSET : LNF_OK);
        ck_assert_msg(old_nat_event || memcmp(value, expected, size) == 0, "%s in element %u",
                      field->name, element);
    }
    if (place->element != 0) { /* one octet too short: the element does not count */
        size_t record_size = put_record(record, element, length - 1);
        ck_assert_int_eq(lnf_rec_assign(rec, record, record_size), LNF_OK);
        ck_assert_msg(lnf_rec_get(rec, field, value) == LNF_ERR_NOTSET, "%s", field->name);
    }
    lnf_rec_free(rec);
}
END_TEST

/** The table above has every place of every field that lies in a record. */
START_TEST(test_no_place_missing)
{
    for (unsigned i = 0; i < lnf_field_count; i++) {
        const struct lnf_field *field = &lnf_field_table[i];
        bool found = field->id == LNF_FLD_EXPORTER_IP || field->id == LNF_FLD_EXPORTER_ID ||
                     field->id == LNF_FLD_EXPORTER_VERSION; /* of another record, if there is one */
        for (size_t at = 0; at < sizeof(places) / sizeof(places[0]); at++) {
            found = found || places[at].field == field->id;
        }
        bool nowhere = field->source == LNF_SOURCE_COMPUTED || field->source == LNF_SOURCE_PAIR ||
                       (field->source == LNF_SOURCE_ELEMENT && field->element == 0);
        ck_assert_msg(found != nowhere, "%s", field->name);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("element");
    TCase *tc = tcase_create("table");
    tcase_add_test(tc, test_catalogue);
    tcase_add_test(tc, test_usable_lengths);
    tcase_add_loop_test(tc, test_stored_lengths, 1, 43);
    tcase_add_loop_test(tc, test_place, 0, sizeof(places) / sizeof(places[0]));
    tcase_add_test(tc, test_no_place_missing);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
