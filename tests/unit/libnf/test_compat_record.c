/* SPDX-License-Identifier: BSD-3-Clause */
/** Records of libnf.h: every field set and read, addresses of both families, foreign records. */
#include "record.h"

#include "flow_record.h"

#include <arpa/inet.h>
#include <check.h>
#include <libnf/bytes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static lnf_rec_t *rec;

static void setup(void)
{
    ck_assert_int_eq(lnf_rec_init(&rec), LNF_OK);
}

static void teardown(void)
{
    lnf_rec_free(rec);
}

/** Octets of a value in the caller's memory. */
static size_t value_size(const struct lnf_field *field)
{
    int size = 0;
    ck_assert_int_eq(lnf_fld_info(field->id, LNF_FLD_INFO_SIZE, &size, sizeof(size)), LNF_OK);
    return (size_t)size;
}

/** Whether the field keeps what is set. */
static bool is_stored(const struct lnf_field *field)
{
    return field->source == LNF_SOURCE_HEADER ||
           (field->source == LNF_SOURCE_ELEMENT && field->element != 0);
}

/** A value of the field's type, different for every field; what cannot be stored is left out. */
static void make_value(const struct lnf_field *field, uint8_t value[512])
{
    size_t size = value_size(field);

    memset(value, 0, 512);
    for (size_t i = 0; i < size; i++) {
        value[i] = (uint8_t)(field->id * 7 + i * 3 + 1);
    }
    if (field->type == LNF_STRING) {
        memset(value, 0, size);
        snprintf((char *)value, size, "text of field %u", field->id);
    } else if (field->type == LNF_ADDR) {
        value[0] = 0x20; /* IPv6 */
    } else if (field->type <= LNF_UINT64 && field->width < size) {
        memset(value + field->width, 0, size - field->width);
    }
}

/** The record's octets must always be a sound flow record. */
static void check_sound(void)
{
    lnf_rec_t *copy;
    size_t size;
    const uint8_t *raw = lnf_rec_raw(rec, &size);

    ck_assert_int_eq(lnf_rec_init(&copy), LNF_OK);
    ck_assert_int_eq(lnf_rec_assign(copy, raw, size), LNF_OK);
    lnf_rec_free(copy);
    unsigned last = 0;
    for (size_t at = LNF_RECORD_HEADER_SIZE; at < size; at += lnf_load_u16(raw + at + 2)) {
        ck_assert_uint_gt(lnf_load_u16(raw + at), last);
        last = lnf_load_u16(raw + at);
    }
}

/* ---- every field ----------------------------------------------------------------------------- */

START_TEST(test_set_and_get)
{
    const struct lnf_field *field = &lnf_field_table[_i];
    uint8_t value[512], got[512], zeros[512] = {0};

    if (field->id > LNF_FLD_TERM_ || !is_stored(field)) {
        return;
    }
    size_t size = value_size(field);
    if (field->source == LNF_SOURCE_ELEMENT) {
        memset(got, 0xee, sizeof(got));
        ck_assert_msg(lnf_rec_fget(rec, field->id, got) == LNF_ERR_NOTSET, "%s", field->name);
        if (field->id == LNF_FLD_AGGR_FLOWS) {
            zeros[0] = 1;
        }
        ck_assert_msg(memcmp(got, zeros, field->type == LNF_STRING ? 1 : size) == 0, "%s",
                      field->name);
    }
    make_value(field, value);
    ck_assert_msg(lnf_rec_fset(rec, field->id, value) == LNF_OK, "%s", field->name);
    memset(got, 0xee, sizeof(got));
    ck_assert_int_eq(lnf_rec_fget(rec, field->id, got), LNF_OK);
    size_t compared = field->type == LNF_STRING ? strlen((char *)value) + 1 : size;
    ck_assert_msg(memcmp(got, value, compared) == 0, "%s", field->name);
    ck_assert_msg(field->type == LNF_STRING || got[size] == 0xee, "%s: more than its octets",
                  field->name);
    check_sound();

    lnf_rec_clear(rec);
    if (field->source == LNF_SOURCE_ELEMENT) {
        ck_assert_int_eq(lnf_rec_fget(rec, field->id, got), LNF_ERR_NOTSET);
    }
}
END_TEST

static bool share_place(const struct lnf_field *a, const struct lnf_field *b)
{
    return a->source == b->source && a->element == b->element && a->offset < b->offset + b->width &&
           b->offset < a->offset + a->width;
}

/** All fields at once, set in two orders: none disturbs another. */
START_TEST(test_all_fields)
{
    uint8_t value[512], got[512];

    for (unsigned i = 0; i < lnf_field_count; i++) {
        const struct lnf_field *field = &lnf_field_table[_i == 0 ? i : lnf_field_count - 1 - i];
        if (field->id < LNF_FLD_TERM_ && is_stored(field)) {
            make_value(field, value);
            ck_assert_int_eq(lnf_rec_fset(rec, field->id, value), LNF_OK);
            check_sound();
        }
    }
    for (unsigned i = 0; i < lnf_field_count; i++) {
        const struct lnf_field *field = &lnf_field_table[i];
        bool shared = false;
        for (unsigned j = 0; j < lnf_field_count; j++) {
            shared = shared || (j != i && is_stored(&lnf_field_table[j]) &&
                                lnf_field_table[j].id < LNF_FLD_TERM_ &&
                                share_place(field, &lnf_field_table[j]));
        }
        if (field->id < LNF_FLD_TERM_ && is_stored(field) && !shared) {
            make_value(field, value);
            ck_assert_int_eq(lnf_rec_fget(rec, field->id, got), LNF_OK);
            size_t size = field->type == LNF_STRING ? strlen((char *)value) + 1 : value_size(field);
            ck_assert_msg(memcmp(got, value, size) == 0, "%s", field->name);
        }
    }
}
END_TEST

START_TEST(test_unknown_fields)
{
    static const int fields[] = {0, -1, LNF_FLD_TERM_, 9999, 0x9f};
    uint8_t value[512] = {0};

    for (unsigned i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        ck_assert_int_eq(lnf_rec_fget(rec, fields[i], value), LNF_ERR_UNKFLD);
        ck_assert_int_eq(lnf_rec_fset(rec, fields[i], value), LNF_ERR_UNKFLD);
    }
    ck_assert_int_eq(lnf_rec_fset(rec, LNF_FLD_PAIR_PORT, value), LNF_ERR_UNKFLD);
    ck_assert_int_eq(lnf_rec_fset(rec, LNF_FLD_SAMPLER_ID, value), LNF_ERR_UNKFLD);
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_SAMPLER_ID, value), LNF_ERR_NOTSET);
}
END_TEST

/** Calculated fields take no value and say nothing of it. */
START_TEST(test_set_calculated)
{
    double value = 1e9;
    size_t size;

    for (int field = LNF_FLD_CALC_DURATION; field <= LNF_FLD_CALC_BPP; field++) {
        ck_assert_int_eq(lnf_rec_fset(rec, field, &value), LNF_OK);
    }
    ck_assert_int_eq(lnf_rec_fset(rec, LNF_FLD_INET_FAMILY, &value), LNF_OK);
    (void)lnf_rec_raw(rec, &size);
    ck_assert_uint_eq(size, LNF_RECORD_HEADER_SIZE);
}
END_TEST

static void set_u64(int field, uint64_t value)
{
    ck_assert_int_eq(lnf_rec_fset(rec, field, &value), LNF_OK);
}

START_TEST(test_calculated)
{
    double real = 7;
    uint64_t number = 7;

    /* Nothing set: a duration of 0, and ratios that are no numbers. */
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_CALC_DURATION, &number), LNF_OK);
    ck_assert_uint_eq(number, 0);
    for (int field = LNF_FLD_CALC_BPS; field <= LNF_FLD_CALC_BPP; field++) {
        real = 7;
        ck_assert_int_eq(lnf_rec_fget(rec, field, &real), LNF_ERR_NAN);
        ck_assert(real == 0);
    }
    set_u64(LNF_FLD_FIRST, 1000);
    set_u64(LNF_FLD_LAST, 3000);
    set_u64(LNF_FLD_DOCTETS, 1001);
    set_u64(LNF_FLD_DPKTS, 3);
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_CALC_DURATION, &number), LNF_OK);
    ck_assert_uint_eq(number, 2000);
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_CALC_BPS, &real), LNF_OK);
    ck_assert(real == 4004);
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_CALC_PPS, &real), LNF_OK);
    ck_assert(real == 1.5);
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_CALC_BPP, &real), LNF_OK);
    ck_assert(real == 333);
    set_u64(LNF_FLD_LAST, 999); /* the clock ran backwards */
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_CALC_DURATION, &number), LNF_OK);
    ck_assert_uint_eq(number, 0);
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_CALC_BPS, &real), LNF_ERR_NAN);
}
END_TEST

START_TEST(test_icmp)
{
    uint8_t type = 8, code = 3, proto = 1, got = 99;
    uint16_t port = 0;

    ck_assert_int_eq(lnf_rec_fset(rec, LNF_FLD_ICMP_TYPE, &type), LNF_OK);
    ck_assert_int_eq(lnf_rec_fset(rec, LNF_FLD_ICMP_CODE, &code), LNF_OK);
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_ICMP_TYPE, &got), LNF_ERR_NOTSET);
    ck_assert_uint_eq(got, 0);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(lnf_rec_fset(rec, LNF_FLD_PROT, &proto), LNF_OK);
        ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_ICMP_TYPE, &got), LNF_OK);
        ck_assert_uint_eq(got, 8);
        ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_ICMP_CODE, &got), LNF_OK);
        ck_assert_uint_eq(got, 3);
        proto = 58;
    }
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_DSTPORT, &port), LNF_OK);
    ck_assert_uint_eq(port, 8 * 256 + 3);
}
END_TEST

START_TEST(test_event_flag)
{
    uint8_t flag = 200, got = 9;

    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_EVENT_FLAG, &got), LNF_OK);
    ck_assert_uint_eq(got, 0);
    ck_assert_int_eq(lnf_rec_fset(rec, LNF_FLD_EVENT_FLAG, &flag), LNF_OK);
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_EVENT_FLAG, &got), LNF_OK);
    ck_assert_uint_eq(got, 1);
    flag = 0;
    ck_assert_int_eq(lnf_rec_fset(rec, LNF_FLD_EVENT_FLAG, &flag), LNF_OK);
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_EVENT_FLAG, &got), LNF_OK);
    ck_assert_uint_eq(got, 0);
}
END_TEST

/** A record without a count of flows, or with 0, stands for one. */
START_TEST(test_flows)
{
    uint64_t flows = 9;

    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_AGGR_FLOWS, &flows), LNF_ERR_NOTSET);
    ck_assert_uint_eq(flows, 1);
    set_u64(LNF_FLD_OUT_PKTS, 5);
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_AGGR_FLOWS, &flows), LNF_OK);
    ck_assert_uint_eq(flows, 1);
    set_u64(LNF_FLD_AGGR_FLOWS, 12);
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_AGGR_FLOWS, &flows), LNF_OK);
    ck_assert_uint_eq(flows, 12);
}
END_TEST

/* ---- addresses ------------------------------------------------------------------------------- */

static lnf_ip_t address(const char *text)
{
    lnf_ip_t ip = {{0}};

    if (strchr(text, ':') != NULL) {
        ck_assert_int_eq(inet_pton(AF_INET6, text, &ip), 1);
    } else {
        ck_assert_int_eq(inet_pton(AF_INET, text, &ip.data[3]), 1);
    }
    return ip;
}

static void set_ip(int field, const char *text)
{
    lnf_ip_t ip = address(text);
    ck_assert_int_eq(lnf_rec_fset(rec, field, &ip), LNF_OK);
    check_sound();
}

static void expect_ip(int field, const char *text)
{
    lnf_ip_t ip, expected = address(text);

    ck_assert_int_eq(lnf_rec_fget(rec, field, &ip), LNF_OK);
    ck_assert_msg(memcmp(&ip, &expected, sizeof(ip)) == 0, "field 0x%x is not %s", (unsigned)field,
                  text);
}

static unsigned family(void)
{
    uint32_t value = 99;

    return lnf_rec_fget(rec, LNF_FLD_INET_FAMILY, &value) == LNF_OK ? value : 0;
}

/** Pairs of fields that share elements, and single ones. */
static const struct {
    int a, b;
} pairs[] = {{LNF_FLD_SRCADDR, LNF_FLD_DSTADDR},
             {LNF_FLD_DSTADDR, LNF_FLD_SRCADDR},
             {LNF_FLD_XLATE_SRC_IP, LNF_FLD_XLATE_DST_IP},
             {LNF_FLD_TUN_SRCADDR_, LNF_FLD_TUN_DSTADDR_}};

START_TEST(test_address_pairs)
{
    int a = pairs[_i].a, b = pairs[_i].b;

    set_ip(a, "192.0.2.1");
    expect_ip(a, "192.0.2.1");
    expect_ip(b, "0.0.0.0");
    set_ip(b, "198.51.100.2");
    expect_ip(a, "192.0.2.1");
    expect_ip(b, "198.51.100.2");
    size_t small;
    (void)lnf_rec_raw(rec, &small);

    set_ip(b, "2001:db8::2"); /* both become IPv6 */
    expect_ip(a, "192.0.2.1");
    expect_ip(b, "2001:db8::2");
    set_ip(a, "2001:db8::1");
    expect_ip(a, "2001:db8::1");
    expect_ip(b, "2001:db8::2");
    set_ip(b, "198.51.100.2");
    expect_ip(a, "2001:db8::1");
    expect_ip(b, "198.51.100.2");
    set_ip(a, "192.0.2.1"); /* and both IPv4 again */
    expect_ip(a, "192.0.2.1");
    expect_ip(b, "198.51.100.2");
    size_t size;
    (void)lnf_rec_raw(rec, &size);
    ck_assert_uint_eq(size, small);
    set_ip(a, "::1"); /* is IPv6 */
    expect_ip(a, "::1");
    expect_ip(b, "198.51.100.2");
    (void)lnf_rec_raw(rec, &size);
    ck_assert_uint_gt(size, small);
}
END_TEST

START_TEST(test_single_addresses)
{
    static const int fields[] = {LNF_FLD_IP_NEXTHOP, LNF_FLD_BGP_NEXTHOP, LNF_FLD_IP_ROUTER};
    int field = fields[_i];
    lnf_ip_t ip;

    ck_assert_int_eq(lnf_rec_fget(rec, field, &ip), LNF_ERR_NOTSET);
    set_ip(field, "192.0.2.1");
    expect_ip(field, "192.0.2.1");
    set_ip(field, "2001:db8::1");
    expect_ip(field, "2001:db8::1");
    set_ip(field, "0.0.0.0");
    expect_ip(field, "0.0.0.0");
    set_ip(field, "::ffff:1.2.3.4");
    expect_ip(field, "::ffff:1.2.3.4");
    ck_assert_uint_eq(family(), 0);
}
END_TEST

START_TEST(test_family)
{
    ck_assert_uint_eq(family(), 0);
    set_ip(LNF_FLD_SRCADDR, "192.0.2.1");
    ck_assert_uint_eq(family(), AF_INET);
    set_ip(LNF_FLD_DSTADDR, "2001:db8::");
    ck_assert_uint_eq(family(), AF_INET6);
    lnf_rec_clear(rec);
    ck_assert_uint_eq(family(), 0);
}
END_TEST

/** Pair fields read their source side. */
START_TEST(test_pair_fields)
{
    uint16_t port = 1234, got = 0;

    ck_assert_int_eq(lnf_rec_fset(rec, LNF_FLD_SRCPORT, &port), LNF_OK);
    set_ip(LNF_FLD_SRCADDR, "192.0.2.7");
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_PAIR_PORT, &got), LNF_OK);
    ck_assert_uint_eq(got, 1234);
    expect_ip(LNF_FLD_PAIR_ADDR, "192.0.2.7");
}
END_TEST

/* ---- brec1 and strings ----------------------------------------------------------------------- */

START_TEST(test_brec1)
{
    lnf_brec1_t brec, got;

    memset(&brec, 0, sizeof(brec));
    brec.first = 1000;
    brec.last = 2000;
    brec.srcaddr = address("2001:db8::1");
    brec.dstaddr = address("2001:db8::2");
    brec.prot = 17;
    brec.srcport = 53;
    brec.dstport = 5353;
    brec.bytes = 700;
    brec.pkts = 7;
    brec.flows = _i == 0 ? 1 : 3;
    ck_assert_int_eq(lnf_rec_fset(rec, LNF_FLD_BREC1, &brec), LNF_OK);
    memset(&got, 0xee, sizeof(got));
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_BREC1, &got), LNF_OK);
    ck_assert_uint_eq(got.first, 1000);
    ck_assert_uint_eq(got.last, 2000);
    ck_assert(memcmp(&got.srcaddr, &brec.srcaddr, 16) == 0);
    ck_assert(memcmp(&got.dstaddr, &brec.dstaddr, 16) == 0);
    ck_assert_uint_eq(got.prot, 17);
    ck_assert_uint_eq(got.srcport, 53);
    ck_assert_uint_eq(got.dstport, 5353);
    ck_assert_uint_eq(got.bytes, 700);
    ck_assert_uint_eq(got.pkts, 7);
    ck_assert_uint_eq(got.flows, brec.flows);
    /* One flow is what a record without a count means: no element for it. */
    uint64_t flows;
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_AGGR_FLOWS, &flows),
                     _i == 0 ? LNF_ERR_NOTSET : LNF_OK);
}
END_TEST

/** Strings are cut to what fits, with their NUL. */
START_TEST(test_strings)
{
    char text[300], got[256];

    for (size_t length = 0; length < sizeof(text); length++) {
        memset(text, 0, sizeof(text));
        memset(text, 's', length < sizeof(text) - 1 ? length : sizeof(text) - 1);
        ck_assert_int_eq(lnf_rec_fset(rec, LNF_FLD_USERNAME, text), LNF_OK);
        memset(got, 0xee, sizeof(got));
        ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_USERNAME, got), LNF_OK);
        ck_assert_uint_eq(strlen(got), length < 65 ? length : 65);
        ck_assert_uint_eq(strspn(got, "s"), strlen(got));
    }
}
END_TEST

/** ACLs are stored as the exporter sent them: most significant octet first. */
START_TEST(test_acl_order)
{
    lnf_acl_t acl = {0x01020304, 0x05060708, 0x090a0b0c};
    static const uint8_t stored[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    uint32_t word = 0;
    size_t size;

    ck_assert_int_eq(lnf_rec_fset(rec, LNF_FLD_EGRESS_ACL, &acl), LNF_OK);
    const uint8_t *raw = lnf_rec_raw(rec, &size);
    ck_assert(memcmp(raw + LNF_RECORD_HEADER_SIZE + 4 + 12, stored, sizeof(stored)) == 0);
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_EGRESS_ACE_ID, &word), LNF_OK);
    ck_assert_uint_eq(word, 0x05060708);
}
END_TEST

/* ---- copies and exporters -------------------------------------------------------------------- */

START_TEST(test_copy)
{
    lnf_rec_t *copy;
    uint64_t value;
    size_t size, copy_size;

    set_u64(LNF_FLD_FIRST, 5);
    set_ip(LNF_FLD_SRCADDR, "2001:db8::1");
    struct lnf_exporter exporter = {.sysid = 4, .version = 9, .domain_id = 6};
    lnf_rec_set_exporter(rec, &exporter);
    ck_assert_int_eq(lnf_rec_init(&copy), LNF_OK);
    ck_assert_int_eq(lnf_rec_copy(copy, rec), LNF_OK);
    ck_assert_int_eq(lnf_rec_copy(rec, rec), LNF_OK);
    const uint8_t *raw = lnf_rec_raw(rec, &size), *copy_raw = lnf_rec_raw(copy, &copy_size);
    ck_assert_uint_eq(size, copy_size);
    ck_assert(raw != copy_raw && memcmp(raw, copy_raw, size) == 0);
    ck_assert_uint_eq(lnf_rec_exporter(copy)->domain_id, 6);

    set_u64(LNF_FLD_FIRST, 6);
    ck_assert_int_eq(lnf_rec_fget(copy, LNF_FLD_FIRST, &value), LNF_OK);
    ck_assert_uint_eq(value, 5);
    lnf_rec_clear(rec);
    ck_assert_ptr_null(lnf_rec_exporter(rec));
    ck_assert_int_eq(lnf_rec_copy(copy, rec), LNF_OK);
    ck_assert_int_eq(lnf_rec_fget(copy, LNF_FLD_FIRST, &value), LNF_ERR_NOTSET);
    ck_assert_ptr_null(lnf_rec_exporter(copy));
    lnf_rec_free(copy);
    lnf_rec_free(NULL);
}
END_TEST

/** What the record does not hold itself comes from its exporter. */
START_TEST(test_exporter)
{
    struct lnf_exporter exporter = {.sysid = 4, .version = 10, .domain_id = 4000000000};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    uint32_t value = 0;
    lnf_ip_t ip;

    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_EXPORTER_ID, &value), LNF_ERR_NOTSET);
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_EXPORTER_IP, &ip), LNF_ERR_NOTSET);
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_EXPORTER_VERSION, &value), LNF_ERR_NOTSET);
    ck_assert_int_eq(inet_pton(AF_INET, "192.0.2.9", &v4.sin_addr), 1);
    memcpy(&exporter.address, &v4, sizeof(v4));
    lnf_rec_set_exporter(rec, &exporter);
    expect_ip(LNF_FLD_EXPORTER_IP, "192.0.2.9");
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_EXPORTER_ID, &value), LNF_OK);
    ck_assert_uint_eq(value, 4000000000);
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_EXPORTER_VERSION, &value), LNF_OK);
    ck_assert_uint_eq(value, 10);
    ck_assert_int_eq(inet_pton(AF_INET6, "2001:db8::9", &v6.sin6_addr), 1);
    memcpy(&exporter.address, &v6, sizeof(v6));
    lnf_rec_set_exporter(rec, &exporter);
    expect_ip(LNF_FLD_EXPORTER_IP, "2001:db8::9");
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_IP_ROUTER, &ip), LNF_ERR_NOTSET);

    set_ip(LNF_FLD_IP_ROUTER, "198.51.100.1"); /* the record's own counts more */
    expect_ip(LNF_FLD_EXPORTER_IP, "198.51.100.1");
    lnf_rec_set_exporter(rec, NULL);
    ck_assert_ptr_null(lnf_rec_exporter(rec));
}
END_TEST

START_TEST(test_complete)
{
    size_t size;
    const uint8_t *raw;

    ck_assert_int_eq(lnf_rec_complete(rec), LNF_OK);
    raw = lnf_rec_raw(rec, &size);
    ck_assert_uint_eq(size, LNF_RECORD_HEADER_SIZE + 52);
    ck_assert_uint_eq(lnf_load_u16(raw + 4), 1);
    ck_assert_int_eq(lnf_rec_complete(rec), LNF_OK);
    (void)lnf_rec_raw(rec, &size);
    ck_assert_uint_eq(size, LNF_RECORD_HEADER_SIZE + 52);
}
END_TEST

/* ---- records from files ---------------------------------------------------------------------- */

static struct test_flow whole_flow(unsigned flow_family)
{
    return (struct test_flow){.elements = (1u << 13) - 1,
                              .family = flow_family,
                              .src = {flow_family == 6 ? 1 : 0, 11},
                              .dst = {flow_family == 6 ? 1 : 0, 12},
                              .first = 1,
                              .last = 2,
                              .packets = 3,
                              .bytes = 4,
                              .user = "user",
                              .flows = 5};
}

/** Cut at any length, or with octets behind: refused, and the record is empty then. */
START_TEST(test_assign_cut)
{
    struct test_records records = {0};
    struct test_flow flow = whole_flow(_i == 0 ? 4 : 6);
    uint64_t value;

    test_records_add(&records, &flow);
    size_t whole = records.size;
    (void)test_records_reserve(&records, 10);
    for (size_t size = 0; size <= records.size; size++) {
        uint8_t *copy = malloc(size + (size == 0));
        memcpy(copy, records.octets, size);
        if (size >= 4) {
            lnf_store_u16(copy + 2, (uint16_t)size); /* its header agrees */
        }
        int status = lnf_rec_assign(rec, copy, size);
        /* What was wrong is not taken for known the second time. */
        ck_assert_int_eq(lnf_rec_assign(rec, copy, size), status);
        free(copy);
        ck_assert_int_eq(status, size == whole ? LNF_OK : LNF_ERR_CORRUPT);
        ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_FIRST, &value),
                         size == whole ? LNF_OK : LNF_ERR_NOTSET);
        if (size != whole) {
            check_sound();
        }
    }
    ck_assert_int_eq(lnf_rec_assign(rec, records.octets, whole - 1), LNF_ERR_CORRUPT);
    records.octets[0] = 10; /* no flow record */
    ck_assert_int_eq(lnf_rec_assign(rec, records.octets, whole), LNF_ERR_CORRUPT);
    test_records_clear(&records);
}
END_TEST

/** Every length of every element: refused when the sum is wrong, never read outside. */
START_TEST(test_assign_lengths)
{
    struct test_records records = {0};
    struct test_flow flow = whole_flow(6);

    test_records_add(&records, &flow);
    for (size_t at = LNF_RECORD_HEADER_SIZE; at < records.size;) {
        uint16_t before = lnf_load_u16(records.octets + at + 2);
        for (unsigned length = 0; length < 600; length++) {
            lnf_store_u16(records.octets + at + 2, (uint16_t)length);
            int status = lnf_rec_assign(rec, records.octets, records.size);
            ck_assert(status == LNF_OK || status == LNF_ERR_CORRUPT);
            ck_assert(status == LNF_OK || length != before);
            uint8_t value[512];
            for (unsigned i = 0; i < lnf_field_count; i++) {
                (void)lnf_rec_fget(rec, lnf_field_table[i].id, value);
            }
        }
        lnf_store_u16(records.octets + at + 2, before);
        at += before;
    }
    test_records_clear(&records);
}
END_TEST

/** Addresses of both families, as in columns: of the flow IPv4 unless both are zero or layer 2
 * tells; others IPv4 unless it is zero. */
START_TEST(test_both_families)
{
    static const struct {
        uint32_t src4, dst4;
        int version; /* -1: no layer 2 element */
        bool ipv6;
    } rows[] = {{1, 0, -1, false}, {0, 1, -1, false}, {0, 0, -1, true}, {1, 2, 4, false},
                {1, 2, 6, true},   {0, 0, 4, false},  {0, 0, 0, true},  {0, 0, 6, true}};
    struct test_flow flow = {.first = 1};
    uint8_t src[16], dst[16], hop[16];
    uint32_t family;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct test_records r = {0};
        test_records_header(&r, &flow);
        uint8_t *data = test_records_element(&r, 2, 8);
        test_records_put(data, rows[i].src4, 4);
        test_records_put(data + 4, rows[i].dst4, 4);
        data = test_records_element(&r, 3, 32);
        test_records_put(data, 0x20010db800000000, 8);
        test_records_put(data + 24, 9, 8);
        test_records_put(test_records_element(&r, 10, 4), rows[i].src4, 4);
        test_records_put(test_records_element(&r, 11, 16) + 8, 7, 8);
        if (rows[i].version >= 0) {
            test_records_element(&r, 38, 32)[26] = (uint8_t)rows[i].version;
        }
        ck_assert_int_eq(lnf_rec_assign(rec, r.octets, r.size), LNF_OK);
        ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_SRCADDR, src), LNF_OK);
        ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_DSTADDR, dst), LNF_OK);
        ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_IP_NEXTHOP, hop), LNF_OK);
        ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_INET_FAMILY, &family), LNF_OK);
        ck_assert_uint_eq(src[0], rows[i].ipv6 ? 0x20 : 0);
        ck_assert_uint_eq(src[15], rows[i].ipv6 ? 0 : rows[i].src4);
        ck_assert_uint_eq(dst[15], rows[i].ipv6 ? 9 : rows[i].dst4);
        ck_assert_uint_eq(hop[15], rows[i].src4 != 0 ? rows[i].src4 : 7);
        ck_assert_uint_eq(family, rows[i].ipv6 ? AF_INET6 : AF_INET);
        test_records_clear(&r);
    }
}
END_TEST

/** Elements in any order, unknown ones, too short ones, one twice; fields can still be set. */
START_TEST(test_foreign_record)
{
    struct test_records records = {0};
    struct test_flow flow = {.first = 77, .proto = 6}, other = {.first = 99};
    uint64_t value;
    uint32_t word = 0;
    size_t size;

    test_records_header(&records, &flow);
    memset(test_records_element(&records, 60000, 5), 1, 5);
    (void)test_records_element(&records, 7, 3); /* too short */
    test_records_generic(&records, &flow);
    test_records_generic(&records, &other); /* the first counts */
    test_records_pair(&records, 6, 30, 40);
    ck_assert_int_eq(lnf_rec_assign(rec, records.octets, records.size), LNF_OK);
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_FIRST, &value), LNF_OK);
    ck_assert_uint_eq(value, 77);
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_SRCAS, &word), LNF_ERR_NOTSET);

    word = 64496;
    ck_assert_int_eq(lnf_rec_fset(rec, LNF_FLD_SRCAS, &word), LNF_OK);
    word = 0;
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_SRCAS, &word), LNF_OK);
    ck_assert_uint_eq(word, 64496);
    set_u64(LNF_FLD_FIRST, 78);
    const uint8_t *raw = lnf_rec_raw(rec, &size);
    lnf_rec_t *copy;
    ck_assert_int_eq(lnf_rec_init(&copy), LNF_OK);
    ck_assert_int_eq(lnf_rec_assign(copy, raw, size), LNF_OK);
    ck_assert_int_eq(lnf_rec_fget(copy, LNF_FLD_FIRST, &value), LNF_OK);
    ck_assert_uint_eq(value, 78);
    lnf_rec_free(copy);
    test_records_clear(&records);
}
END_TEST

/** An address set over elements of both families, each twice, is the one that is read. */
START_TEST(test_set_over_both_families)
{
    struct test_records records = {0};
    struct test_flow four = {.family = 4, .src = {0, 1000}, .dst = {0, 2000}};
    struct test_flow six = {.family = 6, .src = {1, 1}, .dst = {1, 2}};

    test_records_header(&records, &four);
    for (unsigned i = 0; i < 2; i++) {
        test_records_addresses(&records, &four);
        test_records_addresses(&records, &six);
    }
    ck_assert_int_eq(lnf_rec_assign(rec, records.octets, records.size), LNF_OK);
    expect_ip(LNF_FLD_SRCADDR, "0.0.3.232");
    lnf_ip_t ip = address("2001:db8::5");
    ck_assert_int_eq(lnf_rec_fset(rec, LNF_FLD_SRCADDR, &ip), LNF_OK);
    expect_ip(LNF_FLD_SRCADDR, "2001:db8::5");
    expect_ip(LNF_FLD_DSTADDR, "0.0.7.208");
    ck_assert_uint_eq(family(), AF_INET6);
    test_records_clear(&records);
}
END_TEST

/** A record as large as records can be takes no further element. */
START_TEST(test_largest)
{
    struct test_records records = {0};
    struct test_flow flow = {0};
    uint32_t word = 1;
    uint64_t value = 1;

    test_records_header(&records, &flow);
    size_t rest = 65535 - LNF_RECORD_HEADER_SIZE - LNF_ELEMENT_HEADER_SIZE;
    (void)test_records_element(&records, 60000, (unsigned)rest);
    ck_assert_uint_eq(records.size, 65535);
    ck_assert_int_eq(lnf_rec_assign(rec, records.octets, records.size), LNF_OK);
    ck_assert_int_eq(lnf_rec_fset(rec, LNF_FLD_SRCAS, &word), LNF_ERR_NOMEM);
    ck_assert_int_eq(lnf_rec_fset(rec, LNF_FLD_FIRST, &value), LNF_ERR_NOMEM);
    ck_assert_int_eq(lnf_rec_complete(rec), LNF_ERR_NOMEM);
    lnf_ip_t ip = address("192.0.2.1");
    ck_assert_int_eq(lnf_rec_fset(rec, LNF_FLD_SRCADDR, &ip), LNF_ERR_NOMEM);
    ck_assert_int_eq(lnf_rec_assign(rec, records.octets, records.size), LNF_OK);
    test_records_clear(&records);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("libnf/compat_record");
    TCase *tc = tcase_create("compat_record");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, test_set_and_get, 0, (int)lnf_field_count);
    tcase_add_loop_test(tc, test_all_fields, 0, 2);
    tcase_add_test(tc, test_unknown_fields);
    tcase_add_test(tc, test_set_calculated);
    tcase_add_test(tc, test_calculated);
    tcase_add_test(tc, test_icmp);
    tcase_add_test(tc, test_event_flag);
    tcase_add_test(tc, test_flows);
    tcase_add_loop_test(tc, test_address_pairs, 0, 4);
    tcase_add_loop_test(tc, test_single_addresses, 0, 3);
    tcase_add_test(tc, test_family);
    tcase_add_test(tc, test_pair_fields);
    tcase_add_loop_test(tc, test_brec1, 0, 2);
    tcase_add_test(tc, test_strings);
    tcase_add_test(tc, test_acl_order);
    tcase_add_test(tc, test_copy);
    tcase_add_test(tc, test_exporter);
    tcase_add_test(tc, test_complete);
    tcase_add_loop_test(tc, test_assign_cut, 0, 2);
    tcase_add_test(tc, test_both_families);
    tcase_add_test(tc, test_assign_lengths);
    tcase_add_test(tc, test_foreign_record);
    tcase_add_test(tc, test_set_over_both_families);
    tcase_add_test(tc, test_largest);
    suite_add_tcase(suite, tc);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
