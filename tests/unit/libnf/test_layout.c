/* SPDX-License-Identifier: BSD-3-Clause */
/** Record prototypes: what is stored at a field's slot is what columns and records read. */
#include "batch.h"
#include "element.h"
#include "record.h"

#include <check.h>
#include <libnf/bytes.h>
#include <libnf/writer.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* Fields that have no fixed place for a number. */
static bool has_place(const struct lnf_field *field)
{
    switch (field->id) {
    case LNF_FLD_ICMP_TYPE:
    case LNF_FLD_ICMP_CODE:
    case LNF_FLD_EVENT_FLAG:
        return true;
    default:
        break;
    }
    bool stored = field->source == LNF_SOURCE_HEADER ||
                  (field->source == LNF_SOURCE_ELEMENT && field->element != 0);
    return stored && !field->network_order && field->type != LNF_STRING &&
           field->type != LNF_MPLS && field->type != LNF_ACL;
}

/** Stores a value at a slot as writer.h says. */
static void store(uint8_t *record, const struct lnf_slot *slot, struct lnf_addr value)
{
    switch (slot->kind) {
    case LNF_SLOT_UINT:
        memcpy(record + slot->offset, &value.lo, slot->width);
        break;
    case LNF_SLOT_IPV4:
        ck_assert_uint_eq(slot->width, 4);
        memcpy(record + slot->offset, &value.lo, 4);
        break;
    case LNF_SLOT_IPV6:
        ck_assert_uint_eq(slot->width, 16);
        memcpy(record + slot->offset, &value.hi, 8);
        memcpy(record + slot->offset + 8, &value.lo, 8);
        break;
    case LNF_SLOT_MAC:
        ck_assert_uint_eq(slot->width, 8);
        memcpy(record + slot->offset, &value.lo, 8);
        break;
    }
}

static struct lnf_addr column_value(lnf_batch_t *batch, const struct lnf_field *field)
{
    const void *column = lnf_batch_column(batch, field, NULL, 1);
    struct lnf_addr value = {0, 0};

    switch (field->type) {
    case LNF_UINT8:
        value.lo = *(const uint8_t *)column;
        break;
    case LNF_UINT16:
        value.lo = *(const uint16_t *)column;
        break;
    case LNF_UINT32:
        value.lo = *(const uint32_t *)column;
        break;
    case LNF_ADDR:
        value = *(const struct lnf_addr *)column;
        break;
    default:
        value.lo = *(const uint64_t *)column;
        break;
    }
    return value;
}

/** The same value through libnf.h. */
static struct lnf_addr record_value(const uint8_t *record, size_t size,
                                    const struct lnf_field *field)
{
    struct lnf_addr value = {0, 0};
    uint8_t octets[LNF_MAX_FIELD_LEN];
    lnf_rec_t *rec;

    ck_assert_int_eq(lnf_rec_init(&rec), LNF_OK);
    ck_assert_int_eq(lnf_rec_assign(rec, record, size), LNF_OK);
    ck_assert_int_eq(lnf_rec_fget(rec, field->id, octets), LNF_OK);
    switch (field->type) {
    case LNF_ADDR:
        value.hi = be64toh(lnf_load_u64(octets));
        value.lo = be64toh(lnf_load_u64(octets + 8));
        break;
    case LNF_MAC:
        for (unsigned i = 0; i < 6; i++) {
            value.lo = value.lo << 8 | octets[i];
        }
        break;
    case LNF_UINT8:
        value.lo = octets[0];
        break;
    case LNF_UINT16:
        value.lo = lnf_load_u16(octets);
        break;
    case LNF_UINT32:
        value.lo = lnf_load_u32(octets);
        break;
    default:
        value.lo = lnf_load_u64(octets);
        break;
    }
    lnf_rec_free(rec);
    return value;
}

/** A value of the field's type that uses all of its octets. */
static struct lnf_addr value_for(const struct lnf_field *field, const struct lnf_slot *slot)
{
    struct lnf_addr value = {0x2001028501860387u, 0x0102838485868788u};
    unsigned width = slot->width;

    switch (field->type) {
    case LNF_UINT8:
        width = 1;
        break;
    case LNF_UINT16:
        width = 2;
        break;
    case LNF_UINT32:
        width = width < 4 ? width : 4;
        break;
    case LNF_MAC:
        width = 6;
        break;
    default:
        break;
    }
    if (field->id == LNF_FLD_EVENT_FLAG) {
        return (struct lnf_addr){0, 1};
    }
    if (slot->kind != LNF_SLOT_IPV6) {
        value.hi = 0;
        value.lo &= width >= 8 ? UINT64_MAX : ((uint64_t)1 << width * 8) - 1;
    }
    return value;
}

/** Whether a record is sound: sizes and count of elements add up, elements ascend. */
static void check_sound(const uint8_t *record, size_t size)
{
    unsigned count = 0, last = 0;

    ck_assert_uint_eq(lnf_load_u16(record), LNF_RECORD_FLOW);
    ck_assert_uint_eq(lnf_load_u16(record + 2), size);
    for (size_t at = LNF_RECORD_HEADER_SIZE; at < size; count++) {
        unsigned id = lnf_load_u16(record + at), length = lnf_load_u16(record + at + 2);
        ck_assert_uint_gt(id, last);
        ck_assert_uint_eq(length, LNF_ELEMENT_HEADER_SIZE + lnf_element_get((uint16_t)id)->size);
        at += length;
        last = id;
        ck_assert_uint_le(at, size);
    }
    ck_assert_uint_eq(lnf_load_u16(record + 4), count);
}

static void check_value(const struct lnf_layout *layout, const struct lnf_slot *slot,
                        const struct lnf_field *field)
{
    uint8_t *record = malloc(layout->size);
    lnf_batch_t *batch = lnf_batch_create();
    struct lnf_addr value = value_for(field, slot);

    ck_assert_uint_le(slot->offset + slot->width, layout->size);
    memcpy(record, layout->prototype, layout->size);
    store(record, slot, value);
    if (field->id == LNF_FLD_ICMP_TYPE || field->id == LNF_FLD_ICMP_CODE) {
        record[16 + 44] = IPPROTO_ICMP; /* else the port is a port */
    }
    ck_assert_uint_eq(lnf_batch_single(batch, record, layout->size), 1);
    struct lnf_addr column = column_value(batch, field);
    ck_assert_msg(column.hi == value.hi && column.lo == value.lo, "column %s", field->name);
    struct lnf_addr got = record_value(record, layout->size, field);
    ck_assert_msg(got.hi == value.hi && got.lo == value.lo, "record field %s", field->name);
    lnf_batch_destroy(batch);
    free(record);
}

/** Every field alone, as IPv4 and as IPv6. */
START_TEST(test_every_field)
{
    const struct lnf_field *field = &lnf_field_table[_i];
    struct lnf_layout layout;
    struct lnf_slot slot;
    unsigned bad = 99;

    for (int ipv6 = 0; ipv6 < 2; ipv6++) {
        struct lnf_layout_field wanted = {field->id, ipv6 != 0};
        int status = lnf_layout_build(&wanted, 1, &layout, &slot, &bad);
        if (!has_place(field)) {
            ck_assert_msg(status == LNF_ERR_UNKFLD, "%s", field->name);
            ck_assert_uint_eq(bad, 0);
            continue;
        }
        ck_assert_msg(status == LNF_OK, "%s", field->name);
        check_sound(layout.prototype, layout.size);
        check_value(&layout, &slot, field);
    }
}
END_TEST

/** All fields in one record: every slot still is its own. */
START_TEST(test_all_fields)
{
    struct lnf_layout_field wanted[256];
    struct lnf_slot slots[256];
    struct lnf_layout layout;
    unsigned count = 0;

    for (unsigned i = 0; i < lnf_field_count; i++) {
        if (has_place(&lnf_field_table[i])) {
            wanted[count++] = (struct lnf_layout_field){lnf_field_table[i].id, _i == 1};
        }
    }
    ck_assert_int_eq(lnf_layout_build(wanted, count, &layout, slots, NULL), LNF_OK);
    check_sound(layout.prototype, layout.size);
    ck_assert_uint_le(layout.size, LNF_LAYOUT_MAX_SIZE);
    for (unsigned i = 0; i < count; i++) {
        check_value(&layout, &slots[i], lnf_field_get(wanted[i].field));
    }
}
END_TEST

/** Without fields a record has its generic element, and everything reads 0. */
START_TEST(test_no_fields)
{
    struct lnf_layout layout;

    ck_assert_int_eq(lnf_layout_build(NULL, 0, &layout, NULL, NULL), LNF_OK);
    check_sound(layout.prototype, layout.size);
    ck_assert_uint_eq(layout.size, LNF_RECORD_HEADER_SIZE + 52);
    for (unsigned i = 16; i < layout.size; i++) {
        ck_assert_uint_eq(layout.prototype[i], 0);
    }
}
END_TEST

/** Fields of one element share it; a field twice has the same slot twice. */
START_TEST(test_sharing)
{
    const struct lnf_layout_field wanted[] = {{LNF_FLD_SRCADDR, false}, {LNF_FLD_DSTADDR, false},
                                              {LNF_FLD_SRCADDR, true},  {LNF_FLD_SRCPORT, false},
                                              {LNF_FLD_SRCADDR, false}, {LNF_FLD_SRCPORT, true}};
    struct lnf_slot slots[6];
    struct lnf_layout layout;

    ck_assert_int_eq(lnf_layout_build(wanted, 6, &layout, slots, NULL), LNF_OK);
    check_sound(layout.prototype, layout.size);
    ck_assert_uint_eq(lnf_load_u16(layout.prototype + 4), 3); /* generic, IPv4, IPv6 */
    ck_assert_uint_eq(slots[1].offset, slots[0].offset + 4);
    ck_assert_uint_eq(slots[2].kind, LNF_SLOT_IPV6);
    ck_assert_uint_eq(slots[4].kind, slots[0].kind);
    ck_assert_uint_eq(slots[4].offset, slots[0].offset);
    ck_assert_uint_eq(slots[3].offset, slots[5].offset);
    ck_assert_uint_eq(slots[3].kind, LNF_SLOT_UINT);
}
END_TEST

/** The field that cannot be stored is named. */
START_TEST(test_bad)
{
    static const int bad_fields[] = {0,
                                     -1,
                                     0xff,
                                     9999,
                                     LNF_FLD_CALC_BPS,
                                     LNF_FLD_PAIR_ADDR,
                                     LNF_FLD_BREC1,
                                     LNF_FLD_USERNAME,
                                     LNF_FLD_INGRESS_ACL_ID};
    struct lnf_slot slots[3];
    struct lnf_layout layout;
    unsigned bad = 99;
    struct lnf_layout_field wanted[] = {
        {LNF_FLD_FIRST, false}, {bad_fields[_i], false}, {LNF_FLD_LAST, false}};

    ck_assert_int_eq(lnf_layout_build(wanted, 3, &layout, slots, &bad), LNF_ERR_UNKFLD);
    ck_assert_uint_eq(bad, 1);
    ck_assert_int_eq(lnf_layout_build(wanted, 3, &layout, slots, NULL), LNF_ERR_UNKFLD);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("libnf/layout");
    TCase *tc = tcase_create("layout");

    tcase_add_loop_test(tc, test_every_field, 0, (int)lnf_field_count);
    tcase_add_loop_test(tc, test_all_fields, 0, 2);
    tcase_add_test(tc, test_no_fields);
    tcase_add_test(tc, test_sharing);
    tcase_add_loop_test(tc, test_bad, 0, 9);
    suite_add_tcase(suite, tc);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
