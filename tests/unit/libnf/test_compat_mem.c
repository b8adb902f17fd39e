/* SPDX-License-Identifier: BSD-3-Clause */
/** Memories of libnf.h: declarations, aggregation, lists, order, cursors, raw records. */
#include "field.h"
#include "record.h"

#include <arpa/inet.h>
#include <check.h>
#include <libnf/bytes.h>
#include <netinet/in.h>
#include <stdio.h>

static lnf_mem_t *mem;
static lnf_rec_t *rec;

static void setup(void)
{
    ck_assert_int_eq(lnf_mem_init(&mem), LNF_OK);
    ck_assert_int_eq(lnf_rec_init(&rec), LNF_OK);
}

static void teardown(void)
{
    lnf_mem_free(mem);
    lnf_rec_free(rec);
}

static void add(int field, int flags)
{
    ck_assert_int_eq(lnf_mem_fadd(mem, field, flags, 32, 128), LNF_OK);
}

/* A value without alignment: bits of 32 would make a number a key. */
static void add_value(int field, int flags)
{
    ck_assert_int_eq(lnf_mem_fadd(mem, field, flags, 0, 0), LNF_OK);
}

static lnf_ip_t ip(const char *text)
{
    lnf_ip_t address = {{0}};

    if (strchr(text, ':') != NULL) {
        ck_assert_int_eq(inet_pton(AF_INET6, text, &address), 1);
    } else {
        ck_assert_int_eq(inet_pton(AF_INET, text, &address.data[3]), 1);
    }
    return address;
}

static void set_ip(int field, const char *text)
{
    lnf_ip_t address = ip(text);

    ck_assert_int_eq(lnf_rec_fset(rec, field, &address), LNF_OK);
}

static void set_u64(int field, uint64_t value)
{
    ck_assert_int_eq(lnf_rec_fset(rec, field, &value), LNF_OK);
}

static void set_u16(int field, uint16_t value)
{
    ck_assert_int_eq(lnf_rec_fset(rec, field, &value), LNF_OK);
}

static void set_u8(int field, uint8_t value)
{
    ck_assert_int_eq(lnf_rec_fset(rec, field, &value), LNF_OK);
}

static void write_rec(void)
{
    ck_assert_int_eq(lnf_mem_write(mem, rec), LNF_OK);
}

static uint64_t get_u64(int field)
{
    uint64_t value = 0;

    (void)lnf_rec_fget(rec, field, &value);
    return value;
}

static void check_ip(int field, const char *text)
{
    lnf_ip_t wanted = ip(text), got;
    char shown[INET6_ADDRSTRLEN];

    (void)lnf_rec_fget(rec, field, &got);
    ck_assert_msg(memcmp(&wanted, &got, sizeof(got)) == 0, "%s, not %s",
                  inet_ntop(AF_INET6, &got, shown, sizeof(shown)), text);
}

/* Moves to the next record and reads it; NULL starts. */
static bool next(lnf_mem_cursor_t **cursor)
{
    int status = *cursor == NULL ? lnf_mem_first_c(mem, cursor) : lnf_mem_next_c(mem, cursor);

    if (status == LNF_EOF) {
        ck_assert_ptr_null(*cursor);
        return false;
    }
    ck_assert_int_eq(status, LNF_OK);
    ck_assert_int_eq(lnf_mem_read_c(mem, *cursor, rec), LNF_OK);
    return true;
}

/* The values of a numeric field in order. */
static void check_order(int field, unsigned count, const uint64_t *wanted)
{
    lnf_mem_cursor_t *cursor = NULL;

    for (unsigned i = 0; i < count; i++) {
        ck_assert(next(&cursor));
        ck_assert_msg(get_u64(field) == wanted[i], "record %u: %ju, not %ju", i,
                      (uintmax_t)get_u64(field), (uintmax_t)wanted[i]);
    }
    ck_assert(!next(&cursor));
}

#define CHECK_ORDER(field, ...)                                                                    \
    do {                                                                                           \
        const uint64_t wanted_[] = {__VA_ARGS__};                                                  \
        check_order(field, sizeof(wanted_) / sizeof(wanted_[0]), wanted_);                         \
    } while (0)

static void start_record(void)
{
    lnf_rec_clear(rec);
}

/* ---- aggregation ----------------------------------------------------------------------------- */

/* Three records of one key; every function on numbers of every width. */
static void check_function(int field, int flags, uint64_t a, uint64_t b, uint64_t c,
                           uint64_t wanted)
{
    const uint64_t values[] = {a, b, c};
    lnf_mem_cursor_t *cursor = NULL;

    teardown();
    setup();
    add(LNF_FLD_PROT, LNF_AGGR_KEY);
    add_value(field, flags);
    for (int i = 0; i < 3; i++) {
        start_record();
        set_u8(LNF_FLD_PROT, 17);
        ck_assert_int_eq(lnf_rec_fset(rec, field, (void *)&values[i]), LNF_OK);
        write_rec();
    }
    ck_assert(next(&cursor));
    ck_assert_uint_eq(get_u64(LNF_FLD_PROT), 17);
    ck_assert_msg(get_u64(field) == wanted, "field %#x, flags %#x: %ju", (unsigned)field,
                  (unsigned)flags, (uintmax_t)get_u64(field));
    ck_assert(!next(&cursor));
}

START_TEST(test_functions)
{
    const int fields[] = {LNF_FLD_TOS, LNF_FLD_SRCPORT, LNF_FLD_SRCAS, LNF_FLD_DOCTETS};

    for (int i = 0; i < 4; i++) {
        check_function(fields[i], LNF_AGGR_SUM, 5, 9, 2, 16);
        check_function(fields[i], LNF_AGGR_MIN, 5, 9, 2, 2);
        check_function(fields[i], LNF_AGGR_MAX, 5, 9, 2, 9);
        check_function(fields[i], LNF_AGGR_OR, 5, 9, 2, 15);
        check_function(fields[i], LNF_AGGR_MIN, 0, 9, 2, 0);
    }
    check_function(LNF_FLD_DOCTETS, LNF_AGGR_AUTO, 5, 9, 2, 16);
    check_function(LNF_FLD_FIRST, LNF_AGGR_AUTO, 5, 9, 2, 2);
    check_function(LNF_FLD_LAST, LNF_AGGR_AUTO, 5, 9, 2, 9);
    check_function(LNF_FLD_TCP_FLAGS, LNF_AGGR_AUTO, 5, 9, 2, 15);
    check_function(LNF_FLD_SRCPORT, LNF_AGGR_AUTO, 5, 9, 2, 2);
    check_function(LNF_FLD_AGGR_FLOWS, LNF_AGGR_AUTO, 5, 0, 2, 8); /* 0 stands for one flow */
}
END_TEST

START_TEST(test_flows_without_count)
{
    add(LNF_FLD_PROT, LNF_AGGR_KEY);
    add_value(LNF_FLD_AGGR_FLOWS, LNF_AGGR_SUM);
    start_record();
    set_u8(LNF_FLD_PROT, 6);
    write_rec();
    write_rec();
    CHECK_ORDER(LNF_FLD_AGGR_FLOWS, 2);
}
END_TEST

/* Addresses that are no keys keep the first value, whatever it is and whatever was asked for. */
START_TEST(test_first_address)
{
    const char *const addresses[] = {"9.0.0.1", "5.0.0.1", "2001:db8::1"};
    lnf_mac_t mac = {{1, 2, 3, 4, 5, 6}}, got;
    lnf_mem_cursor_t *cursor = NULL;

    add(LNF_FLD_PROT, LNF_AGGR_KEY);
    add(LNF_FLD_SRCADDR, _i == 0 ? LNF_AGGR_AUTO : _i);
    add(LNF_FLD_IP_NEXTHOP, LNF_AGGR_AUTO);
    add(LNF_FLD_IN_SRC_MAC, LNF_AGGR_AUTO);
    for (int i = 0; i < 3; i++) {
        start_record();
        set_ip(LNF_FLD_SRCADDR, addresses[i]);
        if (i > 0) {
            set_ip(LNF_FLD_IP_NEXTHOP, "1.1.1.1"); /* the first one is 0 */
        }
        mac.data[0] = (uint8_t)(7 - i);
        ck_assert_int_eq(lnf_rec_fset(rec, LNF_FLD_IN_SRC_MAC, &mac), LNF_OK);
        write_rec();
    }
    ck_assert(next(&cursor));
    check_ip(LNF_FLD_SRCADDR, "9.0.0.1");
    check_ip(LNF_FLD_IP_NEXTHOP, "0.0.0.0");
    mac.data[0] = 7;
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_IN_SRC_MAC, &got), LNF_OK);
    ck_assert_mem_eq(&got, &mac, 6);
    ck_assert(!next(&cursor));
}
END_TEST

static void write_address(const char *text)
{
    start_record();
    set_ip(LNF_FLD_SRCADDR, text);
    write_rec();
}

START_TEST(test_prefixes)
{
    lnf_mem_cursor_t *cursor = NULL;

    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_SRCADDR, LNF_AGGR_KEY, 24, 64), LNF_OK);
    add_value(LNF_FLD_AGGR_FLOWS, LNF_AGGR_SUM);
    write_address("10.0.0.1");
    write_address("10.0.0.200");
    write_address("10.0.1.1");
    write_address("2001:db8::1:0:0:1");
    write_address("2001:db8::2:0:0:1");
    write_address("2001:db8:0:1::1");
    ck_assert(next(&cursor));
    check_ip(LNF_FLD_SRCADDR, "10.0.0.0");
    ck_assert_uint_eq(get_u64(LNF_FLD_AGGR_FLOWS), 2);
    ck_assert(next(&cursor));
    check_ip(LNF_FLD_SRCADDR, "10.0.1.0");
    ck_assert(next(&cursor));
    check_ip(LNF_FLD_SRCADDR, "2001:db8::");
    ck_assert_uint_eq(get_u64(LNF_FLD_AGGR_FLOWS), 2);
    ck_assert(next(&cursor));
    check_ip(LNF_FLD_SRCADDR, "2001:db8:0:1::");
    ck_assert(!next(&cursor));
}
END_TEST

START_TEST(test_prefix_zero)
{
    lnf_mem_cursor_t *cursor = NULL;

    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_SRCADDR, LNF_AGGR_KEY, 0, 128), LNF_OK);
    write_address("10.0.0.1");
    write_address("192.0.2.1");
    write_address("2001:db8::1");
    ck_assert(next(&cursor));
    check_ip(LNF_FLD_SRCADDR, "0.0.0.0");
    ck_assert(next(&cursor));
    check_ip(LNF_FLD_SRCADDR, "2001:db8::1");
    ck_assert(!next(&cursor));
}
END_TEST

/* Seconds for every 64-bit number; AUTO with bits makes a key of it. */
START_TEST(test_alignment)
{
    const int flags = _i == 0 ? LNF_AGGR_AUTO : LNF_AGGR_KEY;

    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_FIRST, flags, 300, 0), LNF_OK);
    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_DOCTETS, flags, 2, 0), LNF_OK);
    add_value(LNF_FLD_DPKTS, LNF_AGGR_SUM);
    for (uint64_t ms = 0; ms < 900000; ms += 100000) {
        start_record();
        set_u64(LNF_FLD_FIRST, 1700000000000 / 300000 * 300000 + ms);
        set_u64(LNF_FLD_DOCTETS, 5999);
        set_u64(LNF_FLD_DPKTS, 1);
        write_rec();
    }
    const uint64_t start = 1700000000000 / 300000 * 300000;
    CHECK_ORDER(LNF_FLD_FIRST, start, start + 300000, start + 600000);
    CHECK_ORDER(LNF_FLD_DOCTETS, 4000, 4000, 4000);
    CHECK_ORDER(LNF_FLD_DPKTS, 3, 3, 3);
}
END_TEST

START_TEST(test_no_keys)
{
    add_value(LNF_FLD_DOCTETS, LNF_AGGR_SUM);
    for (uint64_t i = 1; i <= 1000; i++) {
        start_record();
        set_u64(LNF_FLD_DOCTETS, i);
        write_rec();
    }
    CHECK_ORDER(LNF_FLD_DOCTETS, 500500);
}
END_TEST

START_TEST(test_no_fields)
{
    lnf_mem_cursor_t *cursor = NULL;
    int length = -1;
    char raw[1];

    write_rec();
    write_rec();
    ck_assert(next(&cursor));
    ck_assert_int_eq(lnf_mem_read_raw_c(mem, cursor, raw, &length, 0), LNF_OK);
    ck_assert_int_eq(length, 0);
    ck_assert(!next(&cursor));
}
END_TEST

START_TEST(test_empty)
{
    lnf_mem_cursor_t *cursor = (lnf_mem_cursor_t *)mem;

    add(LNF_FLD_SRCADDR, LNF_AGGR_KEY);
    ck_assert_int_eq(lnf_mem_first_c(mem, &cursor), LNF_EOF);
    ck_assert_ptr_null(cursor);
    ck_assert_int_eq(lnf_mem_next_c(mem, &cursor), LNF_EOF);
    ck_assert_int_eq(lnf_mem_lookup_c(mem, rec, &cursor), LNF_EOF);
    ck_assert_int_eq(lnf_mem_read(mem, rec), LNF_EOF);
    ck_assert_int_eq(lnf_mem_read_c(mem, NULL, rec), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_mem_merge_threads(mem), LNF_OK);
    lnf_mem_clean(mem);
    lnf_mem_free(NULL);
}
END_TEST

/* ---- pairs ----------------------------------------------------------------------------------- */

static void write_ports(uint16_t src, uint16_t dst, uint64_t packets)
{
    start_record();
    set_u16(LNF_FLD_SRCPORT, src);
    set_u16(LNF_FLD_DSTPORT, dst);
    set_u64(LNF_FLD_DPKTS, packets);
    write_rec();
}

START_TEST(test_pair_ports)
{
    if (_i == 1) {
        ck_assert_int_eq(lnf_mem_setopt(mem, LNF_OPT_COMP_STATSCMP, NULL, 0), LNF_OK);
    }
    add(LNF_FLD_PAIR_PORT, LNF_AGGR_KEY);
    add_value(LNF_FLD_DPKTS, LNF_AGGR_SUM);
    write_ports(53, 53, 1);
    write_ports(80, 1222, 3);
    CHECK_ORDER(LNF_FLD_PAIR_PORT, 53, 80, 1222);
    CHECK_ORDER(LNF_FLD_DPKTS, _i == 1 ? 1 : 2, 3, 3);
}
END_TEST

/* With two pairs both sides have to be equal. */
START_TEST(test_pair_keys_together)
{
    ck_assert_int_eq(lnf_mem_setopt(mem, LNF_OPT_COMP_STATSCMP, NULL, 0), LNF_OK);
    add(LNF_FLD_PAIR_PORT, LNF_AGGR_KEY);
    add(LNF_FLD_PAIR_ADDR, LNF_AGGR_KEY);
    add_value(LNF_FLD_DPKTS, LNF_AGGR_SUM | LNF_SORT_DESC);
    start_record();
    set_ip(LNF_FLD_SRCADDR, "10.0.0.1");
    set_ip(LNF_FLD_DSTADDR, "10.0.0.2");
    set_u16(LNF_FLD_SRCPORT, 53);
    set_u16(LNF_FLD_DSTPORT, 53);
    set_u64(LNF_FLD_DPKTS, 10);
    write_rec();
    set_ip(LNF_FLD_DSTADDR, "10.0.0.1");
    set_u64(LNF_FLD_DPKTS, 1);
    write_rec();
    CHECK_ORDER(LNF_FLD_DPKTS, 11, 10);
}
END_TEST

START_TEST(test_pair_in_list)
{
    ck_assert_int_eq(lnf_mem_setopt(mem, LNF_OPT_LISTMODE, NULL, 0), LNF_OK);
    add(LNF_FLD_PAIR_PORT, LNF_AGGR_KEY | LNF_SORT_DESC);
    add_value(LNF_FLD_DPKTS, LNF_AGGR_SUM);
    write_ports(53, 54, 1);
    write_ports(80, 1222, 3);
    CHECK_ORDER(LNF_FLD_PAIR_PORT, 1222, 80, 54, 53);
}
END_TEST

START_TEST(test_pair_interfaces)
{
    uint32_t in = 70000, out = 70001;

    add(LNF_FLD_PAIR_IF, LNF_AGGR_KEY);
    ck_assert_int_eq(lnf_rec_fset(rec, LNF_FLD_INPUT, &in), LNF_OK);
    ck_assert_int_eq(lnf_rec_fset(rec, LNF_FLD_OUTPUT, &out), LNF_OK);
    write_rec();
    CHECK_ORDER(LNF_FLD_PAIR_IF, 70000, 70001);
}
END_TEST

/* ---- order ----------------------------------------------------------------------------------- */

/* Records 0..9 with bytes i / 3, so that there are ties, and packets i. */
static void write_ten(void)
{
    for (uint64_t i = 0; i < 10; i++) {
        start_record();
        set_u64(LNF_FLD_DOCTETS, i / 3);
        set_u64(LNF_FLD_DPKTS, i);
        write_rec();
    }
}

START_TEST(test_list_unsorted)
{
    ck_assert_int_eq(lnf_mem_setopt(mem, LNF_OPT_LISTMODE, NULL, 0), LNF_OK);
    add_value(LNF_FLD_DPKTS, 0);
    write_ten();
    CHECK_ORDER(LNF_FLD_DPKTS, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
}
END_TEST

START_TEST(test_list_sorted)
{
    ck_assert_int_eq(lnf_mem_setopt(mem, LNF_OPT_LISTMODE, NULL, 0), LNF_OK);
    add_value(LNF_FLD_DOCTETS, _i == 0 ? LNF_SORT_ASC : LNF_SORT_DESC);
    add_value(LNF_FLD_DPKTS, 0);
    write_ten();
    if (_i == 0) {
        CHECK_ORDER(LNF_FLD_DPKTS, 2, 1, 0, 5, 4, 3, 8, 7, 6, 9);
    } else {
        CHECK_ORDER(LNF_FLD_DPKTS, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    }
}
END_TEST

/* Enough records for every way the engine sorts. */
START_TEST(test_list_stable)
{
    const uint64_t count = 5000;
    lnf_mem_cursor_t *cursor = NULL;

    ck_assert_int_eq(lnf_mem_setopt(mem, LNF_OPT_LISTMODE, NULL, 0), LNF_OK);
    add_value(LNF_FLD_DOCTETS, _i == 0 ? LNF_SORT_ASC : LNF_SORT_DESC);
    add_value(LNF_FLD_DPKTS, 0);
    for (uint64_t i = 0; i < count; i++) {
        start_record();
        set_u64(LNF_FLD_DOCTETS, i * 7919 % 10);
        set_u64(LNF_FLD_DPKTS, i);
        write_rec();
    }
    uint64_t bytes = _i == 0 ? 0 : 9, packets = count;
    for (uint64_t i = 0; i < count; i++) {
        ck_assert(next(&cursor));
        if (get_u64(LNF_FLD_DOCTETS) != bytes) {
            ck_assert_uint_eq(get_u64(LNF_FLD_DOCTETS), _i == 0 ? bytes + 1 : bytes - 1);
            bytes = get_u64(LNF_FLD_DOCTETS);
            packets = count;
        }
        ck_assert_uint_lt(get_u64(LNF_FLD_DPKTS), packets);
        packets = get_u64(LNF_FLD_DPKTS);
    }
    ck_assert(!next(&cursor));
}
END_TEST

START_TEST(test_group_order)
{
    add(LNF_FLD_SRCPORT, LNF_AGGR_KEY);
    add_value(LNF_FLD_DOCTETS, LNF_AGGR_SUM | (_i == 0 ? LNF_SORT_ASC : LNF_SORT_DESC));
    for (uint16_t port = 9; port < 10; port--) {
        start_record();
        set_u16(LNF_FLD_SRCPORT, port);
        set_u64(LNF_FLD_DOCTETS, port / 3);
        write_rec();
    }
    if (_i == 0) {
        CHECK_ORDER(LNF_FLD_SRCPORT, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    } else {
        CHECK_ORDER(LNF_FLD_SRCPORT, 9, 6, 7, 8, 3, 4, 5, 0, 1, 2);
    }
}
END_TEST

/* Addresses are sorted as numbers, in the direction asked for, in lists and in groups. */
START_TEST(test_address_order)
{
    static const char *const ascending[] = {"1.0.0.1",     "9.0.0.1",     "200.0.0.1",
                                            "2001:db8::1", "2001:db8::2", "2001:db9::"};
    static const int shuffled[] = {3, 0, 5, 1, 4, 2};
    lnf_mem_cursor_t *cursor = NULL;
    bool descending = _i % 2 == 1;

    if (_i >= 2) {
        ck_assert_int_eq(lnf_mem_setopt(mem, LNF_OPT_LISTMODE, NULL, 0), LNF_OK);
    }
    add(LNF_FLD_SRCADDR, LNF_AGGR_KEY | (descending ? LNF_SORT_DESC : LNF_SORT_ASC));
    for (int i = 0; i < 6; i++) {
        write_address(ascending[shuffled[i]]);
    }
    for (int i = 0; i < 6; i++) {
        ck_assert(next(&cursor));
        check_ip(LNF_FLD_SRCADDR, ascending[descending ? 5 - i : i]);
    }
    ck_assert(!next(&cursor));
}
END_TEST

START_TEST(test_mac_order)
{
    lnf_mac_t mac = {{0, 0, 0, 0, 0, 0}};
    lnf_mem_cursor_t *cursor = NULL;

    add(LNF_FLD_IN_SRC_MAC, LNF_AGGR_KEY | (_i == 0 ? LNF_SORT_ASC : LNF_SORT_DESC));
    for (int i = 0; i < 6; i++) {
        start_record();
        mac.data[i] = (uint8_t)(i + 1);
        mac.data[0] = (uint8_t)(i * 37);
        ck_assert_int_eq(lnf_rec_fset(rec, LNF_FLD_IN_SRC_MAC, &mac), LNF_OK);
        write_rec();
    }
    for (int i = 0; i < 6; i++) {
        ck_assert(next(&cursor));
        ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_IN_SRC_MAC, &mac), LNF_OK);
        ck_assert_uint_eq(mac.data[0], (_i == 0 ? i : 5 - i) * 37);
    }
    ck_assert(!next(&cursor));
}
END_TEST

/* The last field declared with a direction is the one; declaring it again may take it away. */
START_TEST(test_last_sort_wins)
{
    add(LNF_FLD_SRCPORT, LNF_AGGR_KEY | LNF_SORT_ASC);
    add_value(LNF_FLD_DOCTETS, LNF_AGGR_SUM | LNF_SORT_ASC);
    add_value(LNF_FLD_DPKTS, LNF_AGGR_SUM | LNF_SORT_DESC);
    if (_i == 1) {
        add_value(LNF_FLD_DOCTETS, LNF_AGGR_SUM | LNF_SORT_ASC);
    } else if (_i == 2) {
        add_value(LNF_FLD_DPKTS, LNF_AGGR_SUM);
    }
    for (uint16_t port = 0; port < 4; port++) {
        start_record();
        set_u16(LNF_FLD_SRCPORT, port);
        set_u64(LNF_FLD_DOCTETS, (uint64_t[]){3, 1, 4, 2}[port]);
        set_u64(LNF_FLD_DPKTS, (uint64_t[]){1, 2, 4, 3}[port]);
        write_rec();
    }
    switch (_i) {
    case 0:
        CHECK_ORDER(LNF_FLD_DPKTS, 4, 3, 2, 1);
        break;
    case 1:
        CHECK_ORDER(LNF_FLD_DOCTETS, 1, 2, 3, 4);
        break;
    default:
        CHECK_ORDER(LNF_FLD_SRCPORT, 0, 1, 2, 3);
        break;
    }
}
END_TEST

/* ---- calculated fields ----------------------------------------------------------------------- */

static void write_timed(uint16_t port, uint64_t first, uint64_t last, uint64_t bytes)
{
    start_record();
    set_u16(LNF_FLD_SRCPORT, port);
    set_u64(LNF_FLD_FIRST, first);
    set_u64(LNF_FLD_LAST, last);
    set_u64(LNF_FLD_DOCTETS, bytes);
    set_u64(LNF_FLD_DPKTS, 2);
    write_rec();
}

/* Computed from the combined fields, not combined; without a duration bps counts as 0. */
START_TEST(test_calculated)
{
    lnf_mem_cursor_t *cursor = NULL;
    bool descending = _i == 1;
    double bps;

    add(LNF_FLD_SRCPORT, LNF_AGGR_KEY);
    add_value(LNF_FLD_CALC_BPS, descending ? LNF_SORT_DESC : LNF_SORT_ASC);
    write_timed(1, 1000, 2000, 1000);
    write_timed(1, 5000, 5000, 1000); /* 2000 octets in 4 s: 4000 bit/s */
    write_timed(2, 1000, 2000, 1000); /* 8000 bit/s */
    write_timed(3, 1000, 1000, 1000); /* no duration */
    write_timed(4, 1000, 3000, 1);    /* 4 bit/s */
    if (descending) {
        CHECK_ORDER(LNF_FLD_SRCPORT, 2, 1, 4, 3);
    } else {
        CHECK_ORDER(LNF_FLD_SRCPORT, 3, 4, 1, 2);
    }
    while (next(&cursor)) {
        int status = lnf_rec_fget(rec, LNF_FLD_CALC_BPS, &bps);
        switch (get_u64(LNF_FLD_SRCPORT)) {
        case 1:
            ck_assert_double_eq(bps, 4000);
            ck_assert_uint_eq(get_u64(LNF_FLD_FIRST), 1000);
            ck_assert_uint_eq(get_u64(LNF_FLD_LAST), 5000);
            ck_assert_uint_eq(get_u64(LNF_FLD_DOCTETS), 2000);
            break;
        case 2:
            ck_assert_double_eq(bps, 8000);
            break;
        case 3:
            ck_assert_int_eq(status, LNF_ERR_NAN);
            break;
        default:
            ck_assert_double_eq(bps, 4);
            break;
        }
    }
}
END_TEST

static const int calculated[] = {LNF_FLD_CALC_DURATION, LNF_FLD_CALC_BPS, LNF_FLD_CALC_PPS,
                                 LNF_FLD_CALC_BPP};

/* What is read of one record is what the record says itself. */
START_TEST(test_calculated_alone)
{
    uint64_t wanted = 0, got = 0; /* octets of a u64 or a double */

    add_value(calculated[_i], LNF_SORT_DESC);
    write_timed(1, 1000, 4321, 1999);
    ck_assert_int_eq(lnf_rec_fget(rec, calculated[_i], &wanted), LNF_OK);
    ck_assert_uint_ne(wanted, 0);
    lnf_mem_cursor_t *cursor = NULL;
    ck_assert(next(&cursor));
    ck_assert_int_eq(lnf_rec_fget(rec, calculated[_i], &got), LNF_OK);
    ck_assert_uint_eq(got, wanted);

    char raw[LNF_MAX_RAW_LEN];
    int length;
    ck_assert_int_eq(lnf_mem_read_raw_c(mem, cursor, raw, &length, sizeof(raw)), LNF_OK);
    ck_assert_int_eq(length, 8 * (_i == 0 ? 3 : _i == 3 ? 3 : 4));
    ck_assert_mem_eq(raw, &wanted, 8);
}
END_TEST

/* A declared field is what calculated ones use. */
START_TEST(test_calculated_from_declared)
{
    add(LNF_FLD_SRCPORT, LNF_AGGR_KEY);
    add_value(LNF_FLD_FIRST, LNF_AGGR_MAX);
    add_value(LNF_FLD_CALC_DURATION, LNF_SORT_DESC);
    write_timed(1, 1000, 9000, 1);
    write_timed(1, 8500, 9000, 1); /* 500 ms from the latest start */
    write_timed(2, 1000, 2000, 1);
    CHECK_ORDER(LNF_FLD_CALC_DURATION, 1000, 500);
    CHECK_ORDER(LNF_FLD_SRCPORT, 2, 1);
}
END_TEST

START_TEST(test_duration_key)
{
    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_CALC_DURATION, LNF_AGGR_KEY, 1, 0), LNF_OK);
    add_value(LNF_FLD_DPKTS, LNF_AGGR_SUM);
    if (_i == 1) {
        add_value(LNF_FLD_FIRST, LNF_AGGR_MIN);
    }
    write_timed(1, 1000, 1999, 1);
    write_timed(1, 5000, 6000, 1);
    write_timed(1, 3000, 4900, 1);
    CHECK_ORDER(LNF_FLD_CALC_DURATION, 0, 1000);
    CHECK_ORDER(LNF_FLD_DPKTS, 2, 4);
    CHECK_ORDER(LNF_FLD_FIRST, _i == 1 ? 1000 : 0, _i == 1 ? 3000 : 0);
}
END_TEST

/* ---- declarations ---------------------------------------------------------------------------- */

START_TEST(test_refused)
{
    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_USERNAME, 0, 0, 0), LNF_ERR_UNKFLD);
    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_MPLS_LABEL, 0, 0, 0), LNF_ERR_UNKFLD);
    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_INGRESS_ACL, 0, 0, 0), LNF_ERR_UNKFLD);
    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_BREC1, LNF_AGGR_KEY, 0, 0), LNF_ERR_UNKFLD);
    ck_assert_int_eq(lnf_mem_fadd(mem, 0, 0, 0, 0), LNF_ERR_UNKFLD);
    ck_assert_int_eq(lnf_mem_fadd(mem, -1, 0, 0, 0), LNF_ERR_UNKFLD);
    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_NFVERSION_, 0, 0, 0), LNF_ERR_UNKFLD);
    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_TERM_, 0, 0, 0), LNF_ERR_UNKFLD);
    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_CALC_BPS, LNF_AGGR_KEY, 0, 0), LNF_ERR_UNKFLD);
    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_SRCADDR, LNF_AGGR_KEY, 33, 128), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_SRCADDR, LNF_AGGR_KEY, -1, 128), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_SRCADDR, LNF_AGGR_KEY, 32, 129), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_SRCADDR, LNF_AGGR_KEY, 32, -1), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_FIRST, LNF_AGGR_KEY, -1, 0), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_FIRST, 5, 0, 0), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_FIRST, 9, 0, 0), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_FIRST, 0x30, 0, 0), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_FIRST, 0x100, 0, 0), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_mem_fastaggr(mem, 3), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_mem_fastaggr(mem, -1), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_mem_setopt(mem, 4, NULL, 0), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_mem_setopt(mem, LNF_OPT_HASHBUCKETS, NULL, 0), LNF_ERR_OTHER);
    int buckets = 0;
    ck_assert_int_eq(lnf_mem_setopt(mem, LNF_OPT_HASHBUCKETS, &buckets, sizeof(buckets)),
                     LNF_ERR_OTHER);
    buckets = 1000;
    ck_assert_int_eq(lnf_mem_setopt(mem, LNF_OPT_HASHBUCKETS, &buckets, sizeof(buckets)), LNF_OK);
    ck_assert_int_eq(lnf_mem_setopt(mem, LNF_OPT_HASHBUCKETS, &buckets, 1), LNF_ERR_OTHER);
}
END_TEST

/* Nothing of a refused declaration is left. */
START_TEST(test_refused_changes_nothing)
{
    char raw[LNF_MAX_RAW_LEN];
    int length;

    add(LNF_FLD_SRCPORT, LNF_AGGR_KEY);
    (void)lnf_mem_fadd(mem, LNF_FLD_USERNAME, 0, 0, 0);
    (void)lnf_mem_fadd(mem, LNF_FLD_FIRST, 5, 0, 0);
    write_rec();
    ck_assert_int_eq(lnf_mem_read_raw(mem, raw, &length, sizeof(raw)), LNF_OK);
    ck_assert_int_eq(length, 2);
}
END_TEST

START_TEST(test_declared_too_late)
{
    add(LNF_FLD_SRCPORT, LNF_AGGR_KEY);
    write_rec();
    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_DSTPORT, LNF_AGGR_KEY, 0, 0), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_mem_fastaggr(mem, LNF_FASTAGGR_BASIC), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_mem_setopt(mem, LNF_OPT_LISTMODE, NULL, 0), LNF_ERR_OTHER);
    lnf_mem_clean(mem);
    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_DSTPORT, LNF_AGGR_KEY, 0, 0), LNF_OK);
    start_record();
    set_u16(LNF_FLD_DSTPORT, 7);
    write_rec();
    CHECK_ORDER(LNF_FLD_DSTPORT, 7);
}
END_TEST

/* A field keeps its place when it is declared again, with what is said last. */
START_TEST(test_declared_again)
{
    char raw[LNF_MAX_RAW_LEN];
    int length;

    add_value(LNF_FLD_SRCPORT, LNF_AGGR_MAX);
    add(LNF_FLD_DSTPORT, LNF_AGGR_KEY);
    add(LNF_FLD_SRCPORT, LNF_AGGR_KEY);
    write_ports(1, 2, 1);
    write_ports(3, 2, 1);
    ck_assert_int_eq(lnf_mem_read_raw(mem, raw, &length, sizeof(raw)), LNF_OK);
    ck_assert_int_eq(length, 4);
    ck_assert_mem_eq(raw, ((const uint16_t[]){1, 2}), 4);
    ck_assert_int_eq(lnf_mem_read_raw(mem, raw, &length, sizeof(raw)), LNF_OK);
    ck_assert_mem_eq(raw, ((const uint16_t[]){3, 2}), 4);
    ck_assert_int_eq(lnf_mem_read_raw(mem, raw, &length, sizeof(raw)), LNF_EOF);
}
END_TEST

START_TEST(test_fastaggr)
{
    lnf_mem_cursor_t *cursor = NULL;

    add(LNF_FLD_SRCPORT, LNF_AGGR_KEY);
    add_value(LNF_FLD_DOCTETS, LNF_AGGR_SUM | LNF_SORT_DESC);
    ck_assert_int_eq(lnf_mem_fastaggr(mem, _i), LNF_OK);
    write_timed(1, 1000, 2000, 10);
    write_timed(1, 500, 1500, 20);
    write_timed(2, 700, 800, 99);
    CHECK_ORDER(LNF_FLD_DOCTETS, 99, 30); /* the direction is still there */
    ck_assert(next(&cursor));
    ck_assert(next(&cursor));
    if (_i == LNF_FASTAGGR_NONE) {
        ck_assert_uint_eq(get_u64(LNF_FLD_DPKTS), 0);
    } else {
        ck_assert_uint_eq(get_u64(LNF_FLD_FIRST), 500);
        ck_assert_uint_eq(get_u64(LNF_FLD_LAST), 2000);
        ck_assert_uint_eq(get_u64(LNF_FLD_DPKTS), 4);
        ck_assert_uint_eq(get_u64(LNF_FLD_AGGR_FLOWS), 2);
    }
}
END_TEST

/* Fields with a place in a memory. */
static bool is_possible(const struct lnf_field *field, bool key)
{
    if (field->id >= LNF_FLD_TERM_) {
        return false;
    }
    switch (field->type) {
    case LNF_STRING:
    case LNF_MPLS:
    case LNF_ACL:
    case LNF_BASIC_RECORD1:
        return false;
    case LNF_DOUBLE:
        return !key;
    default:
        return true;
    }
}

/* A record with this field set, and what reading it back gives. */
static void fill_field(const struct lnf_field *field, uint8_t *wanted)
{
    uint8_t value[16];
    uint32_t family = AF_INET6;

    lnf_rec_clear(rec);
    for (unsigned k = 0; k < sizeof(value); k++) {
        value[k] = (uint8_t)(k + 3);
    }
    set_u8(LNF_FLD_PROT, IPPROTO_ICMP);
    set_u64(LNF_FLD_FIRST, 1000);
    set_u64(LNF_FLD_LAST, 5000);
    set_u64(LNF_FLD_DOCTETS, 4000);
    set_u64(LNF_FLD_DPKTS, 4);
    if (field->source == LNF_SOURCE_PAIR) {
        (void)lnf_rec_restore(rec, field->pair_src, value);
        (void)lnf_rec_restore(rec, field->pair_dst, value);
    } else if (field->id == LNF_FLD_INET_FAMILY) {
        (void)lnf_rec_restore(rec, field->id, &family);
    } else {
        (void)lnf_rec_restore(rec, field->id, value);
    }
    memset(wanted, 0, 16);
    (void)lnf_rec_fget(rec, field->id, wanted);
}

/* Every field as key or value comes back as the record had it. */
START_TEST(test_every_field)
{
    bool key = _i == 1;

    for (unsigned i = 0; i < lnf_field_count; i++) {
        const struct lnf_field *field = &lnf_field_table[i];
        uint8_t wanted[16], got[16] = {0};
        lnf_mem_cursor_t *cursor = NULL;
        if (!is_possible(field, key)) {
            continue;
        }
        teardown();
        setup();
        ck_assert_int_eq(lnf_mem_fadd(mem, field->id, key ? LNF_AGGR_KEY : LNF_AGGR_AUTO,
                                      field->type == LNF_ADDR ? 32 : 0,
                                      field->type == LNF_ADDR ? 128 : 0),
                         LNF_OK);
        fill_field(field, wanted);
        write_rec();
        ck_assert_msg(next(&cursor), "%s", field->name);
        (void)lnf_rec_fget(rec, field->id, got);
        ck_assert_msg(memcmp(wanted, got, 16) == 0, "%s", field->name);
        ck_assert(!next(&cursor));
    }
}
END_TEST

/* Aliases are the fields they stand for. */
START_TEST(test_alias)
{
    ck_assert_int_eq(lnf_mem_fadd(mem, 0x70, LNF_AGGR_KEY, 24, 64), LNF_OK); /* srcnet */
    add(LNF_FLD_SRCADDR, LNF_AGGR_KEY);
    write_address("10.0.0.1");
    lnf_mem_cursor_t *cursor = NULL;
    ck_assert(next(&cursor));
    check_ip(LNF_FLD_SRCADDR, "10.0.0.1");
}
END_TEST

/* ---- cursors and raw records ----------------------------------------------------------------- */

START_TEST(test_lookup)
{
    lnf_mem_cursor_t *cursor, *other;

    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_SRCADDR, LNF_AGGR_KEY, 24, 64), LNF_OK);
    add(LNF_FLD_PROT, LNF_AGGR_KEY);
    add_value(LNF_FLD_AGGR_FLOWS, LNF_AGGR_SUM);
    for (int i = 0; i < 600; i++) {
        char text[INET_ADDRSTRLEN];
        snprintf(text, sizeof(text), "10.%d.%d.7", i / 100, i % 100);
        start_record();
        set_ip(LNF_FLD_SRCADDR, text);
        set_u8(LNF_FLD_PROT, (uint8_t)(i % 2));
        write_rec();
        /* Found at once, whether or not it has reached its group; the prefix is cut. */
        lnf_ip_t near = ip(text);
        ((uint8_t *)&near)[15] = 99;
        ck_assert_int_eq(lnf_rec_fset(rec, LNF_FLD_SRCADDR, &near), LNF_OK);
        ck_assert_int_eq(lnf_mem_lookup_c(mem, rec, &cursor), LNF_OK);
        set_u8(LNF_FLD_PROT, 7);
        ck_assert_int_eq(lnf_mem_lookup_c(mem, rec, &other), LNF_EOF);
        ck_assert_ptr_null(other);
        ck_assert_int_eq(lnf_mem_read_c(mem, cursor, rec), LNF_OK);
        ck_assert_uint_eq(get_u64(LNF_FLD_PROT), (uint64_t)i % 2);
        ck_assert_uint_eq(get_u64(LNF_FLD_AGGR_FLOWS), 1);
    }
    /* From there on in order. */
    start_record();
    set_ip(LNF_FLD_SRCADDR, "10.5.97.0");
    set_u8(LNF_FLD_PROT, 1);
    ck_assert_int_eq(lnf_mem_lookup_c(mem, rec, &cursor), LNF_OK);
    ck_assert(next(&cursor));
    check_ip(LNF_FLD_SRCADDR, "10.5.98.0");
    ck_assert(next(&cursor));
    check_ip(LNF_FLD_SRCADDR, "10.5.99.0");
    ck_assert(!next(&cursor));
}
END_TEST

/* Cursors keep their place when records are added after reading has begun. */
START_TEST(test_write_after_reading)
{
    lnf_mem_cursor_t *cursor = NULL;

    add(LNF_FLD_SRCPORT, LNF_AGGR_KEY | LNF_SORT_ASC);
    add_value(LNF_FLD_DPKTS, LNF_AGGR_SUM);
    write_ports(10, 0, 1);
    write_ports(30, 0, 3);
    ck_assert(next(&cursor));
    for (uint16_t port = 2000; port >= 20; port--) {
        write_ports(port, 0, 2);
    }
    ck_assert_int_eq(lnf_mem_read_c(mem, cursor, rec), LNF_OK);
    ck_assert_uint_eq(get_u64(LNF_FLD_SRCPORT), 10);
    ck_assert(next(&cursor));
    ck_assert_uint_eq(get_u64(LNF_FLD_SRCPORT), 20);
    for (uint64_t port = 21; port <= 2000; port++) {
        ck_assert(next(&cursor));
        ck_assert_uint_eq(get_u64(LNF_FLD_SRCPORT), port);
        ck_assert_uint_eq(get_u64(LNF_FLD_DPKTS), port == 30 ? 5 : 2);
    }
    ck_assert(!next(&cursor));
}
END_TEST

START_TEST(test_foreign_cursor)
{
    lnf_mem_cursor_t *cursor = (lnf_mem_cursor_t *)rec, *inside;
    char raw[8];
    int length;

    add(LNF_FLD_SRCPORT, LNF_AGGR_KEY);
    write_ports(1, 2, 3);
    ck_assert_int_eq(lnf_mem_read_c(mem, cursor, rec), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_mem_read_raw_c(mem, cursor, raw, &length, sizeof(raw)), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_mem_next_c(mem, &cursor), LNF_ERR_OTHER);
    ck_assert_ptr_null(cursor);
    ck_assert_int_eq(lnf_mem_first_c(mem, &inside), LNF_OK);
    inside = (lnf_mem_cursor_t *)((uintptr_t)inside + 1);
    ck_assert_int_eq(lnf_mem_read_c(mem, inside, rec), LNF_ERR_OTHER);
}
END_TEST

START_TEST(test_list_has_no_lookup)
{
    lnf_mem_cursor_t *cursor = (lnf_mem_cursor_t *)mem;
    char raw[64] = {0};

    ck_assert_int_eq(lnf_mem_setopt(mem, LNF_OPT_LISTMODE, NULL, 0), LNF_OK);
    add(LNF_FLD_SRCPORT, LNF_AGGR_KEY);
    write_ports(1, 2, 3);
    ck_assert_int_eq(lnf_mem_lookup_c(mem, rec, &cursor), LNF_ERR_OTHER);
    ck_assert_ptr_null(cursor);
    ck_assert_int_eq(lnf_mem_lookup_raw_c(mem, raw, sizeof(raw), &cursor), LNF_ERR_OTHER);
}
END_TEST

/* Keys, then values, in order of declaration, as a program for libnf lays its struct out. */
struct raw {
    uint16_t srcport;
    lnf_ip_t srcip;
    uint8_t prot;
    uint64_t bytes;
    lnf_mac_t mac;
    uint32_t as;
} __attribute__((packed));

static void declare_raw(lnf_mem_t *target)
{
    ck_assert_int_eq(lnf_mem_fadd(target, LNF_FLD_DOCTETS, LNF_AGGR_SUM, 0, 0), LNF_OK);
    ck_assert_int_eq(lnf_mem_fadd(target, LNF_FLD_SRCPORT, LNF_AGGR_KEY, 0, 0), LNF_OK);
    ck_assert_int_eq(lnf_mem_fadd(target, LNF_FLD_IN_SRC_MAC, LNF_AGGR_AUTO, 0, 0), LNF_OK);
    ck_assert_int_eq(lnf_mem_fadd(target, LNF_FLD_SRCADDR, LNF_AGGR_KEY, 24, 64), LNF_OK);
    ck_assert_int_eq(lnf_mem_fadd(target, LNF_FLD_PROT, LNF_AGGR_KEY, 0, 0), LNF_OK);
    ck_assert_int_eq(lnf_mem_fadd(target, LNF_FLD_SRCAS, LNF_AGGR_MAX, 0, 0), LNF_OK);
}

static void write_raw_sample(uint16_t port, uint64_t bytes)
{
    lnf_mac_t mac = {{1, 2, 3, 4, 5, (uint8_t)port}};
    uint32_t as = 65000u + port;

    start_record();
    set_u16(LNF_FLD_SRCPORT, port);
    set_ip(LNF_FLD_SRCADDR, "10.1.2.3");
    set_u8(LNF_FLD_PROT, 6);
    set_u64(LNF_FLD_DOCTETS, bytes);
    ck_assert_int_eq(lnf_rec_fset(rec, LNF_FLD_IN_SRC_MAC, &mac), LNF_OK);
    ck_assert_int_eq(lnf_rec_fset(rec, LNF_FLD_SRCAS, &as), LNF_OK);
    write_rec();
}

START_TEST(test_raw_layout)
{
    const struct raw wanted = {.srcport = 443,
                               .srcip = ip("10.1.2.0"),
                               .prot = 6,
                               .bytes = 1500,
                               .mac = {{1, 2, 3, 4, 5, 443 & 0xff}},
                               .as = 65443};
    lnf_mem_cursor_t *cursor, *found;
    struct raw raw;
    int length = 0;

    declare_raw(mem);
    write_raw_sample(443, 1000);
    write_raw_sample(443, 500);
    ck_assert_int_eq(lnf_mem_first_c(mem, &cursor), LNF_OK);
    for (int size = -1; size < (int)sizeof(raw); size++) {
        length = 0;
        ck_assert_int_eq(lnf_mem_read_raw_c(mem, cursor, (char *)&raw, &length, size),
                         LNF_ERR_NOMEM);
        ck_assert_int_eq(length, sizeof(raw));
    }
    ck_assert_int_eq(lnf_mem_read_raw_c(mem, cursor, (char *)&raw, &length, sizeof(raw)), LNF_OK);
    ck_assert_int_eq(length, sizeof(raw));
    /* Doctets come first among the values: they were declared first. */
    ck_assert_mem_eq(&raw, &wanted, sizeof(raw));

    /* The keys alone are enough to find it; one octet less is not. */
    const int keys = 2 + 16 + 1;
    ck_assert_int_eq(lnf_mem_lookup_raw_c(mem, (char *)&raw, sizeof(raw), &found), LNF_OK);
    ck_assert_ptr_eq(found, cursor);
    ck_assert_int_eq(lnf_mem_lookup_raw_c(mem, (char *)&raw, keys, &found), LNF_OK);
    ck_assert_ptr_eq(found, cursor);
    ck_assert_int_eq(lnf_mem_lookup_raw_c(mem, (char *)&raw, keys - 1, &found), LNF_ERR_OTHER);
    ck_assert_ptr_null(found);
    ck_assert_int_eq(lnf_mem_lookup_raw_c(mem, (char *)&raw, -1, &found), LNF_ERR_OTHER);
    raw.srcport++;
    ck_assert_int_eq(lnf_mem_lookup_raw_c(mem, (char *)&raw, keys, &found), LNF_EOF);
}
END_TEST

/* Records go from memory to memory in raw form and are combined there. */
START_TEST(test_write_raw)
{
    lnf_mem_t *other;
    char raw[LNF_MAX_RAW_LEN];
    int length;

    declare_raw(mem);
    ck_assert_int_eq(lnf_mem_init(&other), LNF_OK);
    declare_raw(other);
    for (uint16_t port = 1; port <= 1000; port++) {
        write_raw_sample(port, port);
    }
    for (int round = 0; round < 2; round++) {
        while (lnf_mem_read_raw(mem, raw, &length, sizeof(raw)) == LNF_OK) {
            ck_assert_int_eq(lnf_mem_write_raw(other, raw, length - 1), LNF_ERR_OTHER);
            ck_assert_int_eq(lnf_mem_write_raw(other, raw, length + 1), LNF_ERR_OTHER);
            ck_assert_int_eq(lnf_mem_write_raw(other, raw, -1), LNF_ERR_OTHER);
            ck_assert_int_eq(lnf_mem_write_raw(other, raw, length), LNF_OK);
        }
        lnf_mem_read_reset(mem);
    }
    for (uint16_t port = 1; port <= 1000; port++) {
        ck_assert_int_eq(lnf_mem_read(other, rec), LNF_OK);
        ck_assert_uint_eq(get_u64(LNF_FLD_SRCPORT), port);
        ck_assert_uint_eq(get_u64(LNF_FLD_DOCTETS), 2u * port);
        ck_assert_uint_eq(get_u64(LNF_FLD_SRCAS), 65000u + port);
        check_ip(LNF_FLD_SRCADDR, "10.1.2.0");
    }
    ck_assert_int_eq(lnf_mem_read(other, rec), LNF_EOF);
    lnf_mem_free(other);
}
END_TEST

/* All fields at once: raw records of the longest kind, there and back. */
START_TEST(test_raw_of_everything)
{
    lnf_mem_t *other;
    char raw[LNF_MAX_RAW_LEN], again[LNF_MAX_RAW_LEN];
    int length, length_again;
    uint8_t wanted[16];

    ck_assert_int_eq(lnf_mem_init(&other), LNF_OK);
    for (unsigned i = 0; i < lnf_field_count; i++) {
        const struct lnf_field *field = &lnf_field_table[i];
        bool key = i % 2 == 0 && is_possible(field, true);
        if (is_possible(field, key)) {
            int flags = key ? LNF_AGGR_KEY : LNF_AGGR_AUTO;
            int bits = field->type == LNF_ADDR ? 32 : 0, bits6 = field->type == LNF_ADDR ? 128 : 0;
            ck_assert_int_eq(lnf_mem_fadd(mem, field->id, flags, bits, bits6), LNF_OK);
            ck_assert_int_eq(lnf_mem_fadd(other, field->id, flags, bits, bits6), LNF_OK);
        }
    }
    fill_field(lnf_field_get(LNF_FLD_SRCADDR), wanted);
    write_rec();
    ck_assert_int_eq(lnf_mem_read_raw(mem, raw, &length, sizeof(raw)), LNF_OK);
    ck_assert_int_eq(lnf_mem_write_raw(other, raw, length), LNF_OK);
    ck_assert_int_eq(lnf_mem_read_raw(other, again, &length_again, sizeof(again)), LNF_OK);
    ck_assert_int_eq(length, length_again);
    ck_assert_int_gt(length, 300);
    ck_assert_mem_eq(raw, again, (size_t)length);
    lnf_mem_free(other);
}
END_TEST

START_TEST(test_old_forms)
{
    char raw[8];
    int length;

    add(LNF_FLD_SRCPORT, LNF_AGGR_KEY);
    write_ports(1, 0, 1);
    write_ports(2, 0, 1);
    for (int round = 0; round < 2; round++) {
        ck_assert_int_eq(lnf_mem_read(mem, rec), LNF_OK);
        ck_assert_uint_eq(get_u64(LNF_FLD_SRCPORT), 1);
        ck_assert_int_eq(lnf_mem_read_raw(mem, raw, &length, 1), LNF_ERR_NOMEM);
        ck_assert_int_eq(length, 2);
        ck_assert_int_eq(lnf_mem_read_raw(mem, raw, &length, 2), LNF_OK);
        ck_assert_mem_eq(raw, &(const uint16_t){2}, 2);
        ck_assert_int_eq(lnf_mem_read(mem, rec), LNF_EOF);
        ck_assert_int_eq(lnf_mem_read_raw(mem, raw, &length, 2), LNF_EOF);
        lnf_mem_read_reset(mem);
    }
}
END_TEST

/* After cleaning, a memory sorts anew. */
START_TEST(test_clean)
{
    if (_i == 1) {
        ck_assert_int_eq(lnf_mem_setopt(mem, LNF_OPT_LISTMODE, NULL, 0), LNF_OK);
    }
    add(LNF_FLD_SRCPORT, LNF_AGGR_KEY | LNF_SORT_DESC);
    add_value(LNF_FLD_DPKTS, LNF_AGGR_SUM);
    for (int round = 0; round < 3; round++) {
        write_ports(7, 0, 1);
        write_ports(9, 0, 1);
        write_ports(8, 0, 1);
        CHECK_ORDER(LNF_FLD_SRCPORT, 9, 8, 7);
        CHECK_ORDER(LNF_FLD_DPKTS, 1, 1, 1);
        ck_assert_int_eq(lnf_mem_read(mem, rec), LNF_OK);
        ck_assert_uint_eq(get_u64(LNF_FLD_SRCPORT), 9);
        lnf_mem_clean(mem);
        ck_assert_int_eq(lnf_mem_read(mem, rec), LNF_EOF);
    }
}
END_TEST

/* ---- filters --------------------------------------------------------------------------------- */

START_TEST(test_filter_pointer)
{
    lnf_filter_t *v1, *v2;
    char text[] = "proto tcp";

    ck_assert_int_eq(lnf_filter_init_v1(&v1, text), LNF_OK);
    ck_assert_int_eq(lnf_filter_init_v2(&v2, text), LNF_OK);
    ck_assert_ptr_null(lnf_filter_ffilter_ptr(v1));
    ck_assert_ptr_nonnull(lnf_filter_ffilter_ptr(v2));
    lnf_filter_free(v1);
    lnf_filter_free(v2);
}
END_TEST

static TCase *add_cases(Suite *suite, const char *name)
{
    TCase *tc = tcase_create(name);

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);
    return tc;
}

static void add_aggregation(Suite *suite)
{
    TCase *tc = add_cases(suite, "aggregation");

    tcase_add_test(tc, test_functions);
    tcase_add_test(tc, test_flows_without_count);
    tcase_add_loop_test(tc, test_first_address, 0, 5);
    tcase_add_test(tc, test_prefixes);
    tcase_add_test(tc, test_prefix_zero);
    tcase_add_loop_test(tc, test_alignment, 0, 2);
    tcase_add_test(tc, test_no_keys);
    tcase_add_test(tc, test_no_fields);
    tcase_add_test(tc, test_empty);
    tcase_add_loop_test(tc, test_pair_ports, 0, 2);
    tcase_add_test(tc, test_pair_keys_together);
    tcase_add_test(tc, test_pair_in_list);
    tcase_add_test(tc, test_pair_interfaces);
    tcase_add_loop_test(tc, test_calculated, 0, 2);
    tcase_add_loop_test(tc, test_calculated_alone, 0, 4);
    tcase_add_test(tc, test_calculated_from_declared);
    tcase_add_loop_test(tc, test_duration_key, 0, 2);
}

static void add_order(Suite *suite)
{
    TCase *tc = add_cases(suite, "order");

    tcase_add_test(tc, test_list_unsorted);
    tcase_add_loop_test(tc, test_list_sorted, 0, 2);
    tcase_add_loop_test(tc, test_list_stable, 0, 2);
    tcase_add_loop_test(tc, test_group_order, 0, 2);
    tcase_add_loop_test(tc, test_address_order, 0, 4);
    tcase_add_loop_test(tc, test_mac_order, 0, 2);
    tcase_add_loop_test(tc, test_last_sort_wins, 0, 3);
}

static void add_declarations(Suite *suite)
{
    TCase *tc = add_cases(suite, "declarations");

    tcase_add_test(tc, test_refused);
    tcase_add_test(tc, test_refused_changes_nothing);
    tcase_add_test(tc, test_declared_too_late);
    tcase_add_test(tc, test_declared_again);
    tcase_add_loop_test(tc, test_fastaggr, 0, 3);
    tcase_add_loop_test(tc, test_every_field, 0, 2);
    tcase_add_test(tc, test_alias);
    tcase_add_test(tc, test_filter_pointer);
}

static void add_cursors(Suite *suite)
{
    TCase *tc = add_cases(suite, "cursors");

    tcase_add_test(tc, test_lookup);
    tcase_add_test(tc, test_write_after_reading);
    tcase_add_test(tc, test_foreign_cursor);
    tcase_add_test(tc, test_list_has_no_lookup);
    tcase_add_test(tc, test_raw_layout);
    tcase_add_test(tc, test_write_raw);
    tcase_add_test(tc, test_raw_of_everything);
    tcase_add_test(tc, test_old_forms);
    tcase_add_loop_test(tc, test_clean, 0, 2);
}

int main(void)
{
    Suite *suite = suite_create("libnf/compat_mem");

    add_aggregation(suite);
    add_order(suite);
    add_declarations(suite);
    add_cursors(suite);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
