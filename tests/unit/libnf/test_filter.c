/* SPDX-License-Identifier: BSD-3-Clause */
/** The filter language term by term: values at their limits, names, errors and where they are,
 * sizes. */
#include "filter_check.h"
#include "filter_ja3.h"
#include "sample_flows.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static struct test_records records;

static void setup(void)
{
    for (unsigned i = 0; i < SAMPLE_FLOW_COUNT; i++) {
        test_records_add(&records, &sample_flows[i]);
    }
}

static void teardown(void)
{
    test_records_clear(&records);
}

/* The sample flows a filter selects. */
static void expect(const char *filter, const char *letters)
{
    struct lnf_error error = {.text = ""};
    char got[32];

    test_filter_letters(filter, &records, SAMPLE_FLOW_COUNT, got, &error);
    ck_assert_msg(strcmp(got, letters) == 0, "'%.200s' selects '%s', not '%s' (%s)", filter, got,
                  letters, error.text);
}

/* Whether one flow matches. */
static bool selects(const struct test_flow *flow, const char *filter)
{
    struct test_records one = {0};
    struct lnf_error error = {.text = ""};
    char got[32];

    test_records_add(&one, flow);
    test_filter_letters(filter, &one, 1, got, &error);
    ck_assert_msg(strcmp(got, "!") != 0, "'%s': %s", filter, error.text);
    test_records_clear(&one);
    return strcmp(got, "A") == 0;
}

static bool compiles(const char *filter)
{
    lnf_program_t *program = NULL;
    int status = lnf_program_compile(filter, &program, NULL);

    ck_assert(status == LNF_OK || status == LNF_ERR_FILTER);
    lnf_program_destroy(program);
    return status == LNF_OK;
}

/* The filter does not compile, and the message says this. */
static void expect_error(const char *filter, unsigned line, unsigned column, const char *part)
{
    lnf_program_t *program = NULL;
    struct lnf_error error = {.text = ""};

    ck_assert_msg(lnf_program_compile(filter, &program, &error) == LNF_ERR_FILTER, "'%.100s'",
                  filter);
    ck_assert_ptr_null(program);
    ck_assert_msg(strstr(error.text, part) != NULL, "'%.100s': %s", filter, error.text);
    ck_assert_msg(error.line == line && error.column == column, "'%.100s': %u:%u: %s", filter,
                  error.line, error.column, error.text);
    ck_assert_ptr_null(strchr(error.text, '\n'));
}

/* ---- texts without terms, constants ---------------------------------------------------------- */

static bool is_any(const char *filter)
{
    lnf_program_t *program = NULL;

    ck_assert_int_eq(lnf_program_compile(filter, &program, NULL), LNF_OK);
    bool any = lnf_program_is_any(program);
    lnf_program_destroy(program);
    return any;
}

START_TEST(test_any)
{
    static const char *const everything[] = {"",
                                             " \t\r\n",
                                             "#",
                                             "# a\n  # b\n",
                                             "any",
                                             "(any)",
                                             "not not any",
                                             "any or port 80",
                                             "port >= 0",
                                             "port 80 or not (any and not any)",
                                             "proto <= 255",
                                             "ANY # all",
                                             "not (proto 6 and not any)"};

    ck_assert(is_any(NULL));
    for (size_t i = 0; i < sizeof(everything) / sizeof(everything[0]); i++) {
        ck_assert_msg(is_any(everything[i]), "%s", everything[i]);
        expect(everything[i], "ABCDEFGHI");
    }
    ck_assert(!is_any("proto tcp"));
    ck_assert(!is_any("not any"));
    expect("not any", "");
    expect("port < 0", "");
    expect("port > 65535", "");
    expect("not port < 0", "ABCDEFGHI");
    expect("any and port 80", "AB");
    expect("not any or port 80", "AB");
}
END_TEST

START_TEST(test_no_rows)
{
    lnf_program_t *program;
    lnf_batch_t *batch = lnf_batch_create();
    uint16_t selection[LNF_BATCH_ROWS];

    ck_assert_int_eq(lnf_program_compile("port 80 or not ip 1.2.3.4", &program, NULL), LNF_OK);
    lnf_program_state_t *state = lnf_program_state_create(program);
    lnf_batch_open(batch, records.octets, 0);
    ck_assert_uint_eq(lnf_batch_next(batch), 0);
    ck_assert_uint_eq(lnf_program_run(program, state, batch, selection), 0);
    lnf_program_state_destroy(state);
    lnf_program_state_destroy(NULL);
    lnf_program_destroy(program);
    lnf_program_destroy(NULL);
    lnf_batch_destroy(batch);
}
END_TEST

/* ---- numbers --------------------------------------------------------------------------------- */

static const struct limit {
    const char *name;
    const char *most; /* accepted; one more is not */
    const char *more;
} limits[] = {
    {"proto", "255", "256"},
    {"port", "65535", "65536"},
    {"src port", "65535", "70000"},
    {"srcport", "65535", "65536"},
    {"icmp-type", "255", "256"},
    {"icmp-code", "255", "256"},
    {"flags", "63", "64"},
    {"tos", "255", "256"},
    {"dst tos", "255", "256"},
    {"dsttos", "255", "300"},
    {"mask", "128", "129"},
    {"srcmask", "128", "129"},
    {"vlan", "65535", "65536"},
    {"if", "4294967295", "4294967296"},
    {"inif", "4294967295", "4294967296"},
    {"as", "4294967295", "4294967296"},
    {"next as", "4294967295", "4294967296"},
    {"engine-type", "255", "256"},
    {"engine-id", "255", "256"},
    {"sysid", "65535", "65536"},
    {"dir", "2", "3"},
    {"fwdstat", "255", "256"},
    {"fwd", "255", "256"},
    {"nfversion", "10", "11"},
    {"observation domain id", "4294967295", "4294967296"},
    {"observation point id", "18446744073709551615", "18446744073709551616"},
    {"bytes", "18446744073709551615", "18446744073709551616"},
    {"out packets", "18446744073709551615", "18446744073709552k"},
    {"flows", "18446744073709551615", "99999999999999999999"},
    {"duration", "18446744t", "18446745t"},
    {"client latency", "0xffffffffffffffff", "0x10000000000000000"},
    {"mpls label1", "16777215", "16777216"},
    {"mpls exp10", "7", "8"},
    {"tun proto", "255", "256"},
    {"xport", "65535", "65536"},
    {"asa event", "255", "256"},
    {"ingress vrf", "4294967295", "4294967296"},
    {"pblock start", "65535", "65536"},
    {"ttl", "255", "256"},
    {"ethertype", "0xffff", "0x10000"},
};

START_TEST(test_limits)
{
    static const char *const forms[] = {"%s %s", "%s = %s", "%s > %s", "%s in [0, %s]"};
    const struct limit *limit = &limits[_i];
    char filter[200];

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(filter, sizeof(filter), forms[i], limit->name, limit->most);
        ck_assert_msg(compiles(filter), "%s", filter);
        snprintf(filter, sizeof(filter), forms[i], limit->name, limit->more);
        ck_assert_msg(!compiles(filter), "%s", filter);
#pragma GCC diagnostic pop
    }
    snprintf(filter, sizeof(filter), "%s 0", limit->name);
    ck_assert_msg(compiles(filter), "%s", filter);
    snprintf(filter, sizeof(filter), "%s -1", limit->name);
    ck_assert_msg(!compiles(filter), "%s", filter);
    snprintf(filter, sizeof(filter), "%s in [1 x]", limit->name);
    ck_assert_msg(!compiles(filter), "%s", filter);
}
END_TEST

START_TEST(test_comparisons)
{
    struct test_flow flow = {.proto = 17, .family = 4, .srcport = 100, .dstport = 100};

    for (unsigned n = 99; n <= 101; n++) {
        static const struct {
            const char *op;
            bool below, same, above; /* the port is compared with 99, 100, 101 */
        } ops[] = {
            {"", false, true, false},   {"=", false, true, false},  {"==", false, true, false},
            {"eq", false, true, false}, {"!=", true, false, true},  {"ne", true, false, true},
            {">", true, false, false},  {"gt", true, false, false}, {"<", false, false, true},
            {"lt", false, false, true}, {">=", true, true, false},  {"ge", true, true, false},
            {"<=", false, true, true},  {"le", false, true, true},  {"Le", false, true, true},
        };
        for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
            char filter[64];
            bool expected = n == 99 ? ops[i].below : n == 100 ? ops[i].same : ops[i].above;
            snprintf(filter, sizeof(filter), "src port %s %u", ops[i].op, n);
            ck_assert_msg(selects(&flow, filter) == expected, "%s", filter);
            snprintf(filter, sizeof(filter), "not src port %s %u", ops[i].op, n);
            ck_assert_msg(selects(&flow, filter) != expected, "%s", filter);
        }
    }
    ck_assert(selects(&flow, "port & 0x64"));
    ck_assert(selects(&flow, "port & 4"));
    ck_assert(selects(&flow, "port like 0"));
    ck_assert(!selects(&flow, "port & 0x6c"));
    ck_assert(selects(&flow, "port>99&&port<101"));
}
END_TEST

START_TEST(test_units)
{
    static const char *const thousand[] = {"1k",   "1K",    "1 k",   "01k",
                                           "1000", "0x3e8", "0X3E8", "001000"};
    struct test_flow flow = {.bytes = 1000};

    for (size_t i = 0; i < sizeof(thousand) / sizeof(thousand[0]); i++) {
        char filter[64];
        snprintf(filter, sizeof(filter), "bytes = %s", thousand[i]);
        ck_assert_msg(selects(&flow, filter), "%s", filter);
        snprintf(filter, sizeof(filter), "bytes in [3 %s, 5]", thousand[i]);
        ck_assert_msg(selects(&flow, filter), "%s", filter);
    }
    flow.bytes = 7000000;
    ck_assert(selects(&flow, "bytes 7m"));
    flow.bytes = 7000000000;
    ck_assert(selects(&flow, "bytes 7 G"));
    flow.bytes = 7000000000000;
    ck_assert(selects(&flow, "bytes 7T"));
    expect_error("bytes 1kk", 1, 7, "'1kk'");
    expect_error("bytes 1 q", 1, 9, "unexpected 'q'");
    expect_error("bytes 0x", 1, 7, "'0x'");
    expect_error("bytes 0xfg", 1, 7, "'0xfg'");
    expect_error("bytes 1k k", 1, 10, "unexpected 'k'");
    expect_error("bytes 10/8", 1, 10, "unexpected '8'");
}
END_TEST

START_TEST(test_rates)
{
    struct test_flow flow = {.first = 1000, .last = 72159, .bytes = 31096483, .packets = 3};

    /* Exactly 3,496,000 bits in a second. */
    ck_assert(selects(&flow, "bps = 3496000"));
    ck_assert(selects(&flow, "bps = 3496k"));
    ck_assert(selects(&flow, "bps >= 3496k"));
    ck_assert(!selects(&flow, "bps > 3496k"));
    ck_assert(!selects(&flow, "bps < 3496k"));
    ck_assert(selects(&flow, "bps <= 3.496m"));
    ck_assert(selects(&flow, "bps > 3495.9k"));
    ck_assert(selects(&flow, "bps in [5 3496000]"));
    ck_assert(!selects(&flow, "bps != 3496000"));
    ck_assert(selects(&flow, "pps = 0"));    /* whole part of 0.04 */
    ck_assert(selects(&flow, "pps > 0.04")); /* the rate itself */
    ck_assert(!selects(&flow, "pps > 0.05"));
    ck_assert(!selects(&flow, "pps > 0"));
    ck_assert(!selects(&flow, "pps < 0"));
    flow.last = flow.first;
    ck_assert(selects(&flow, "bps = 0 and pps 0 and duration 0"));
    flow.last = flow.first - 1;
    ck_assert(selects(&flow, "bps = 0 and pps 0 and duration 0"));
    flow.packets = 0;
    ck_assert(selects(&flow, "bpp = 0"));
    expect_error("bps > 1.", 1, 7, "'1.'");
    expect_error("bps > .5", 1, 7, "'.5'");
    expect_error("bps > 1.5.5", 1, 7, "'1.5.5'");
    expect_error("bps > 1e5", 1, 7, "'1e5'");
    expect_error("bps & 5", 1, 7, "bit by bit");
}
END_TEST

START_TEST(test_named_values)
{
    static const struct {
        const char *filter;
        struct test_flow flow;
    } cases[] = {
        {"proto udp", {.proto = 17}},
        {"proto ICMP6", {.proto = 58}},
        {"proto ipv6-icmp", {.proto = 58}},
        {"proto IPv6", {.proto = 41}},
        {"proto UDP-L", {.proto = 136}},
        {"proto 0hop", {.proto = 114}},
        {"proto in [wb-mon Rte6]", {.proto = 43}},
        {"proto in [tcp, Gre 50]", {.proto = 47}},
        {"proto != tcp", {.proto = 5}},
        {"dst port https", {.dstport = 443}},
        {"port in [ssh domain 8080]", {.srcport = 53}},
        {"port name", {.srcport = 42}},
        {"port time", {.srcport = 37}},
        {"fwdstat drop", {.fwd = 128}},
        {"fwdstat Forw", {.fwd = 64}},
        {"fwdstat 130", {.fwd = 130}},
        {"fwd dacld", {.fwd = 129}},
        {"flowdir ingress", {.dir = 0}},
        {"dir egress", {.elements = TEST_MISC, .dir = 1}},
        {"flowdir 1", {.elements = TEST_MISC, .dir = 1}},
        {"asa event ignore", {.proto = 1}},
        {"nat event invalid", {.proto = 1}},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ck_assert_msg(selects(&cases[i].flow, cases[i].filter), "%s", cases[i].filter);
    }
    expect_error("fwdstat foo", 1, 9, "'foo'");
    expect_error("port xyz", 1, 6, "'xyz'");
}
END_TEST

/* ---- addresses ------------------------------------------------------------------------------- */

START_TEST(test_addresses)
{
    expect("ip 10.0.0.1/32", "AD");
    expect("src ip = 10.0.0.1", "A");
    expect("ip != 10.0.0.1", "BCEFGHI");
    expect("src and dst ip != 10.0.0.1", "BCEFGHI");
    expect("not ip 10.0.0.1", "BCEFGHI");
    expect("ip ::10.0.0.1", "AD");
    expect("ip ::a00:1", "AD");
    expect("ip ::ffff:10.0.0.1", "");
    expect("net 0.0.0.0/0", "ABCDEFG");
    expect("net 0/0", "ABCDEFG");
    expect("net ::/0", "HI");
    expect("not net ::/0", "ABCDEFG");
    expect("net ::/1", "HI");
    expect("net ::/95", "");
    expect("net ::/96", "ABCDEFG");
    expect("ip in [::/0 8.8.8.8]", "CHI");
    expect("ip in [0.0.0.0/0, ::/0]", "ABCDEFGHI");
    expect("net 2001:DB8::/33", "HI");
    expect("net 2001:db8:1::/48", "HI");
    expect("src net 2001:db8:1::/48", "");
    expect("host 2001:db8:0:0:0:0:0:1", "HI");
    expect("net 10.0.0.0/255.0.0.0", "ABDEFG");
    expect("net 10.0.0.0/0x8", "ABDEFG");
    expect("net 2001:db8::/0x20", "HI");
    expect("dst net 10.0.0.9 255.0.255.255", "EFG");
    expect("dst net 10.1.0.9 255.0.255.255", "EFG");
    expect("dst ip in [10.1.0.9/255.0.255.255 8.8.8.8]", "CEFG");
    expect("not dst ip in [10.1.0.9/255.0.255.255 8.8.8.8]", "ABDHI");
    expect("ip in [10.0.0.1/32 10.0.0.2/31 10.0.0.0/31]", "ABD");
    expect("ip 10.0.0.1 or ip 8.8.8.8 or ip in [10.0.0.2]", "ABCD");
    expect("not ip 10.0.0.1 and not ip 8.8.8.8", "BEFGHI");
    expect("next ip 0.0.0.0", "CDEHI");
    expect("next ip in [10.9.9.8 10.9.9.9]", "ABFG");
    expect("next hop 10.9.9.8", "B");
    expect("nexthop 10.9.9.8", "B");
    expect("bgpnext ip 0.0.0.0", "ABCDEFGHI");
    expect("sourceIPv6Address 2001:db8::1", "HI");
    expect_error("ip 1.2.3", 1, 4, "incomplete");
    expect_error("ip 1.2.3.4.5", 1, 4, "'1.2.3.4.5'");
    expect_error("ip 1.2..4", 1, 4, "'1.2..4'");
    expect_error("ip 10", 1, 4, "incomplete");
    expect_error("net 172.16/20", 1, 12, "too long");
    expect_error("net 10/9", 1, 8, "too long");
    expect_error("net 10.0.0.0/255.0.0", 1, 14, "no mask");
    expect_error("net 10.0/255.0.0.0", 1, 10, "no mask");
    expect_error("net 10.0.0.0/x", 1, 14, "'x'");
    expect_error("ip 1:2:3", 1, 4, "'1:2:3'");
    expect_error("ip ::g", 1, 4, "'::g'");
    expect_error("net ::1 255.0.0.0", 1, 9, "unexpected '255.0.0.0'");
    expect_error("ip www.example.org", 1, 4, "not looked up");
    expect_error("ip localhost", 1, 4, "not looked up");
    expect_error("ip > 10.0.0.1", 1, 4, "cannot be compared");
    expect_error("ip 10.0.0.1 k", 1, 13, "unexpected 'k'");
    expect_error("prev ip 10.0.0.1", 1, 6, "'prev' is not possible with 'ip'");
}
END_TEST

START_TEST(test_macs)
{
    struct test_flow flow = {.elements = TEST_MAC,
                             .in_src_mac = 1,
                             .in_dst_mac = 2,
                             .out_src_mac = 3,
                             .out_dst_mac = 0xaabbccddeeff};
    static const struct {
        const char *name;
        const char *numbers; /* last octets that match */
    } names[] = {
        {"mac", "123f"},      {"in mac", "12"},           {"out mac", "3f"},   {"src mac", "13"},
        {"dst mac", "2f"},    {"in src mac", "1"},        {"in dst mac", "2"}, {"out src mac", "3"},
        {"out dst mac", "f"}, {"src or dst mac", "123f"}, {"insrcmac", "1"},   {"OUTDSTMAC", "f"}};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        static const char *const macs[] = {"1", "2", "3", "f"};
        for (unsigned j = 0; j < 4; j++) {
            char filter[100];
            snprintf(filter, sizeof(filter), "%s %s", names[i].name,
                     j == 3 ? "AA:bb:CC:dd:ee:ff" : "0:0:00:00:0:");
            if (j < 3) {
                strcat(filter, macs[j]);
            }
            ck_assert_msg(selects(&flow, filter) == (strchr(names[i].numbers, *macs[j]) != NULL),
                          "%s", filter);
        }
    }
    ck_assert(selects(&flow, "mac in [0:0:0:0:0:9 0:0:0:0:0:3]"));
    ck_assert(!selects(&flow, "mac != 0:0:0:0:0:3"));
    expect_error("mac 0:0:0:0:0:0", 1, 5, "not zero");
    expect_error("mac 1:2:3:4:5:6:7", 1, 5, "no MAC address");
    expect_error("mac 1:2:3:4:5:", 1, 5, "no MAC address");
    expect_error("mac 1:2:3:4:5:100", 1, 5, "no MAC address");
    expect_error("mac 1:2:3:4:5:g", 1, 5, "no MAC address");
    expect_error("src and dst mac 1:2:3:4:5:6", 1, 13, "not possible");
    expect_error("mac > 1:2:3:4:5:6", 1, 5, "cannot be compared");
}
END_TEST

/* ---- flags, ICMP ----------------------------------------------------------------------------- */

START_TEST(test_flags)
{
    static const char letters[] = "FSRPAUEC";

    for (unsigned bit = 0; bit < 8; bit++) {
        struct test_flow flow = {.proto = 6, .flags = (uint8_t)(1u << bit)};
        for (unsigned i = 0; i < 8; i++) {
            char filter[] = "not flags S";
            filter[10] = letters[i];
            ck_assert(selects(&flow, filter + 4) == (i == bit));
            ck_assert(selects(&flow, filter) == (i != bit));
        }
        flow.proto = 17;
        ck_assert(!selects(&flow, "flags 1") && !selects(&flow, "flags >= 0"));
        ck_assert(selects(&flow, "not flags FSRPAUEC"));
    }
    struct test_flow all = {.proto = 6, .flags = 0x3f};
    ck_assert(selects(&all, "flags X") && selects(&all, "flags UAPRSF"));
    ck_assert(selects(&all, "flags XS"));
    ck_assert(!selects(&all, "flags XC"));
    ck_assert(!selects(&all, "not flags X"));
    ck_assert(!selects(&all, "flags N") && selects(&all, "not flags N"));
    ck_assert(!selects(&all, "not flags NS"));
    expect("flags as", "AF");
    expect("flags = SA", "A");
    expect("flags != SA", "BFG");
    expect("flags in [2 SA]", "AB");
    expect("flags = SEC", "G");
    expect("flags & SA", "AF");
    expect("flags & 2", "ABFG");
    expect("flags > 2", "AFG");
    expect("tcpflags S", "ABFG");
    expect_error("flags SS", 1, 7, "'SS'");
    expect_error("flags XX", 1, 7, "'XX'");
    expect_error("flags SZ", 1, 7, "'SZ'");
    expect_error("flags s", 1, 7, "'s'");
    expect_error("flags FSRPAUECNX1", 1, 7, "'FSRPAUECNX1'");
}
END_TEST

START_TEST(test_flags_negated)
{
    expect("not flags SA", "CDEHI");
    expect("not (flags SA)", "CDEHI");
    expect("!((flags SA))", "CDEHI");
    expect("not not flags SA", "AF");
    expect("not (not flags SA)", "AF");
    expect("not (not (not flags SA))", "CDEHI");
    expect("not (flags SA and any)", "BCDEGHI");
    expect("not (not flags SA and bytes > 100)", "ABDFG");
    expect("not (flags SA or port 53)", "BDEGI");
    expect("not flags = SA", "BCDEFGHI");
    expect("not flags 18", "BCDEFGHI");
    expect("not flags SA and proto tcp", "");
    expect("flags S and not flags ARF", "BG");
}
END_TEST

START_TEST(test_icmp)
{
    expect("icmp-type 8", "D");
    expect("icmp-type 128", "I");
    expect("icmp type 3", "E");
    expect("icmp-code 3", "E");
    expect("icmptype 0", "");
    expect("not icmp-type 8", "ABCEFGHI");
    expect("icmp-type != 8", "EI");
    expect("icmp-type > 3", "DI");
    expect("icmp-type in [3 8]", "DE");
    expect("icmp-code = 0", "DI");
}
END_TEST

/** A record with one element besides the generic one. */
static void add_with_element(struct test_records *r, uint16_t srcport, uint16_t dstport,
                             unsigned id, const void *data, size_t size)
{
    struct test_flow flow = {.srcport = srcport, .dstport = dstport, .proto = 6};

    test_records_add(r, &flow);
    if (id != 0) {
        memcpy(test_records_element(r, id, (unsigned)size), data, size);
    }
}

static void expect_of(const struct test_records *r, size_t count, const char *filter,
                      const char *letters)
{
    struct lnf_error error = {.text = ""};
    char got[32];

    test_filter_letters(filter, r, count, got, &error);
    ck_assert_msg(strcmp(got, letters) == 0, "'%s' selects '%s', not '%s' (%s)", filter, got,
                  letters, error.text);
}

/** Blocks of ports: from 0 to 0 where there is none. */
START_TEST(test_port_block)
{
    static const uint16_t blocks[][4] = {{100, 150}, {50, 99}, {101, 200},
                                         {200, 100}, {0, 0},   {100, 200}};
    struct test_records r = {0};

    for (unsigned i = 0; i < 6; i++) {
        add_with_element(&r, 100, 200, 26, blocks[i], 8);
    }
    add_with_element(&r, 0, 5, 0, NULL, 0);
    add_with_element(&r, 100, 200, 0, NULL, 0);
    expect_of(&r, 8, "port in pblock", "ACFG");
    expect_of(&r, 8, "src port in pblock", "AFG");
    expect_of(&r, 8, "dstport in PBLOCK", "CF");
    expect_of(&r, 8, "src and dst port in pblock", "F");
    expect_of(&r, 8, "not port in pblock", "BDEH");
    expect_of(&r, 8, "not src and dst port in pblock", "ABCDEGH");
    expect_of(&r, 8, "port in pblock or port 5", "ACFG");
    expect_of(&r, 8, "src port in pblock or src port > 99", "ABCDEFGH");
    test_records_clear(&r);
}
END_TEST

/** Payload as received, octet for octet. */
START_TEST(test_payload)
{
    struct test_records r = {0};

    add_with_element(&r, 0, 0, 0, NULL, 0);
    add_with_element(&r, 0, 0, 29, "hello abc x", 11);
    add_with_element(&r, 0, 0, 30, "hello abc x", 11);
    add_with_element(&r, 0, 0, 29, "ABC", 3);
    add_with_element(&r, 0, 0, 29, "x\0abc", 5);
    add_with_element(&r, 0, 0, 29, "ab", 2);
    add_with_element(&r, 0, 0, 29, "", 0);
    expect_of(&r, 7, "payload content abc", "BE");
    expect_of(&r, 7, "payload content 'hello abc'", "B");
    expect_of(&r, 7, "not payload content \"abc\"", "ACDFG");
    expect_of(&r, 7, "payload content ab and not payload content abc", "F");
    expect_of(&r, 7, "payload content hello or payload content ABC", "BD");
    test_records_clear(&r);
}
END_TEST

START_TEST(test_regex)
{
    struct test_records r = {0};

    add_with_element(&r, 0, 0, 0, NULL, 0);
    add_with_element(&r, 0, 0, 29, "GET / HTTP/1.1\r\nHost: a\r\n", 25);
    add_with_element(&r, 0, 0, 30, "GET / HTTP/1.1", 14);
    add_with_element(&r, 0, 0, 29, "get /\nhost", 10);
    add_with_element(&r, 0, 0, 29, "\x16\x03\0\0abc", 7);
    add_with_element(&r, 0, 0, 29, "", 0);
    expect_of(&r, 6, "payload regex '^GET .* HTTP/\\d\\.\\d'", "B");
    expect_of(&r, 6, "payload regex \"^get\" i", "BD");
    expect_of(&r, 6, "payload regex '^host' m or payload regex '^host'", "D");
    expect_of(&r, 6, "payload regex '^host' im", "BD");
    expect_of(&r, 6, "payload regex '/.*host' s", "D");
    expect_of(&r, 6, "payload regex '/.*host' 'is' and any", "BD");
    expect_of(&r, 6, "payload regex '^\\x16.{3}abc$'", "E");
    expect_of(&r, 6, "payload regex 'x*'", "BDE");
    expect_of(&r, 6, "not payload regex abc", "ABCDF");
    expect_of(&r, 6, "payload regex != abc", "ABCDF");
    expect_of(&r, 6, "payload regex in ['^G' '^g', \"c$\"] and not payload content host", "BE");
    test_records_clear(&r);
    expect_error("payload regex 'ab(c'", 1, 18, "'ab(c' is no regular expression: the parenthesis");
    expect_error("any and\n payload regex 'a{2'", 2, 18, "expected repetitions");
    expect_error("payload regex '\xc3\xa9**'", 1, 18, "nothing to repeat");
    expect_error("payload regex ''", 1, 16, "nothing to match");
    expect_error("payload regex 'a' ix", 1, 19, "'ix' are no flags");
    expect_error("payload regex 'a' i m", 1, 21, "unexpected 'm'");
    expect_error("payload regex in ['a' i 'b{']", 1, 27, "expected repetitions");
    expect_error("payload regex > 'a'", 1, 15, "cannot be compared with '>'");
    expect_error("payload content 'a' i", 1, 21, "unexpected 'i'");
    expect_error("payload regex '((a{99}){99}){99}'", 1, 16, "too large");
}
END_TEST

START_TEST(test_ja3)
{
    static const char hello[] = "\x16\3\1\0\x2d\1\0\0\x29\3\3"
                                "01234567890123456789012345678901"
                                "\0\0\2\x13\1\1\0"; /* 771,4865,,, */
    struct test_records r = {0};

    add_with_element(&r, 0, 0, 0, NULL, 0);
    add_with_element(&r, 0, 0, 29, hello, sizeof(hello) - 1);
    add_with_element(&r, 0, 0, 30, hello, sizeof(hello) - 1);
    add_with_element(&r, 0, 0, 29, hello, sizeof(hello) - 2);
    add_with_element(&r, 0, 0, 29, "GET /", 5);
    expect_of(&r, 5, "payload ja3 defined", "B");
    expect_of(&r, 5, "not payload ja3 Defined", "ACDE");
    if (lnf_ja3_is_available()) {
        expect_of(&r, 5, "payload ja3 ea1e247991e541e39bf918cb7cfa5139", "B");
        expect_of(&r, 5, "payload ja3 EA1E247991E541E39BF918CB7CFA5139", "B");
        expect_of(&r, 5, "payload ja3 00000000000000000000000000000000", "");
        expect_of(
            &r, 5,
            "payload ja3 in ['ea1e247991e541e39bf918cb7cfa5139' 00000000000000000000000000000000]",
            "B");
    } else {
        expect_error("payload ja3 ea1e247991e541e39bf918cb7cfa5139", 1, 13, "there is no MD5");
    }
    test_records_clear(&r);
    expect_error("payload ja3 abc", 1, 13, "32 hexadecimal digits");
    expect_error("payload ja3 0000000000000000000000000000000g", 1, 13, "32 hexadecimal digits");
    expect_error("payload ja3 000000000000000000000000000000000", 1, 13, "32 hexadecimal digits");
    expect_error("payload ja3 < defined", 1, 13, "cannot be compared");
    expect_error("payload ja3", 1, 12, "unexpected end");
}
END_TEST

/** The label stored in a record, which labels of the filter do not change. */
START_TEST(test_flowlabel)
{
    struct test_records r = {0};

    add_with_element(&r, 80, 0, 28, "web", 4);
    add_with_element(&r, 81, 0, 28, "web2", 5);
    add_with_element(&r, 82, 0, 0, NULL, 0);
    add_with_element(&r, 83, 0, 28, "WEB", 3); /* without its end */
    expect_of(&r, 4, "flowlabel web", "AD");
    expect_of(&r, 4, "flowlabel = 'Web2'", "B");
    expect_of(&r, 4, "flowlabel we", "");
    expect_of(&r, 4, "not flowlabel web", "BC");
    expect_of(&r, 4, "flowlabel in [web web2]", "ABD");
    expect_of(&r, 4, "(port 82) %web or flowlabel web", "ACD");
    expect_of(&r, 4, "(port 82) %web and flowlabel web", "");
    expect_of(&r, 4, "not %a (port 82) and not (not (port > 80)%b) % c", "BD");
    expect_of(&r, 4, "((port 80)%a or (port 81)%b)%c", "AB");
    expect_of(&r, 4, "not (port 82) %a", "ABD");
    test_records_clear(&r);
    expect_error("any %a", 1, 5, "unexpected '%'; expected the end");
    expect_error("%a any", 1, 4, "unexpected 'any'; expected '('");
    expect_error("%a (any) %b", 1, 10, "unexpected '%'");
    expect_error("(any) %a %b", 1, 10, "unexpected '%'");
    expect_error("(any) %", 1, 8, "expected a label");
    expect_error("(any) %(any)", 1, 8, "expected a label");
    expect_error("(any) %12345678901234567", 1, 8, "1 to 16 characters");
    expect_error("(any) %''", 1, 8, "1 to 16 characters");
    expect_error("port %a", 1, 6, "unexpected '%'");
    expect_error("flowlabel ''", 1, 11, "empty text");
}
END_TEST

/* Rows of a batch that is from somewhere. */
static void expect_from(const struct test_records *r, const char *ident, uint64_t number,
                        const char *filter, const char *letters)
{
    lnf_program_t *program;
    lnf_batch_t *batch = lnf_batch_create();
    struct lnf_error error;
    uint16_t selection[LNF_BATCH_ROWS];
    char got[32];

    ck_assert_msg(lnf_program_compile(filter, &program, &error) == LNF_OK, "%s", error.text);
    lnf_program_state_t *state = lnf_program_state_create(program);
    lnf_batch_open(batch, r->octets, r->size);
    lnf_batch_set_origin(batch, ident, number);
    ck_assert_uint_lt(lnf_batch_next(batch), sizeof(got));
    unsigned found = lnf_program_run(program, state, batch, selection);
    for (unsigned i = 0; i < found; i++) {
        got[i] = (char)('A' + selection[i]);
    }
    got[found] = '\0';
    ck_assert_msg(strcmp(got, letters) == 0, "'%s' selects '%s', not '%s'", filter, got, letters);
    lnf_program_state_destroy(state);
    lnf_program_destroy(program);
    lnf_batch_destroy(batch);
}

/** Ident of the file and number in it; unknown, no ident and number 0. */
START_TEST(test_origin)
{
    struct test_records r = {0};

    for (uint16_t i = 0; i < 5; i++) {
        add_with_element(&r, i, 0, 0, NULL, 0);
    }
    expect_from(&r, "router-1", 7, "ident router-1", "ABCDE");
    expect_from(&r, "router-1", 7, "ident Router-1", "");
    expect_from(&r, "router-1", 7, "ident router", "");
    expect_from(&r, "router-1", 7, "ident in [a 'router-1'] and not ident tcp", "ABCDE");
    expect_from(&r, "router-1", 7, "ident != router-1 or src port 2", "C");
    expect_from(&r, "router-1", 7, "count 8", "B");
    expect_from(&r, "router-1", 7, "count > 8", "CDE");
    expect_from(&r, "router-1", 7, "not count > 8", "AB");
    expect_from(&r, "router-1", 7, "count >= 8 and count <= 0xa", "BCD");
    expect_from(&r, "router-1", 7, "count in [1 7 11 12]", "AE");
    expect_from(&r, "router-1", 7, "count != 7", "BCDE");
    expect_from(&r, "router-1", 7, "count & 2", "ADE");
    expect_from(&r, "router-1", 7, "count < 0 or count 1k", "");
    expect_of(&r, 5, "ident router-1 or ident none", "");
    expect_of(&r, 5, "not ident none", "ABCDE");
    expect_of(&r, 5, "count 0 and count < 1", "ABCDE");
    expect_of(&r, 5, "count > 0", "");
    test_records_clear(&r);
    expect_error("src ident x", 1, 5, "not possible");
    expect_error("src count 1", 1, 5, "not possible");
    expect_error("count x", 1, 7, "no value of 'count'");
    expect_error("ident > x", 1, 7, "cannot be compared");
    expect_error("ident ''", 1, 7, "empty text");
    expect_error("ident", 1, 6, "unexpected end");
}
END_TEST

/** The extended event alone does not make a flow denied. */
START_TEST(test_denied)
{
    static const uint8_t events[][16] = {{[12] = 0xe9, [13] = 3, [14] = 3},
                                         {[12] = 0xe9, [13] = 3, [14] = 2},
                                         {[12] = 0xec, [13] = 3, [14] = 3},
                                         {[14] = 3}};
    struct test_records r = {0};

    for (unsigned i = 0; i < 4; i++) {
        add_with_element(&r, 0, 0, 19, events[i], 16);
    }
    expect_of(&r, 4, "asa event deny", "ACD");
    expect_of(&r, 4, "asa event denied ingress", "A");
    expect_of(&r, 4, "asa event denied nosyn", "C");
    expect_of(&r, 4, "not asa event denied ingress", "BCD");
    expect_of(&r, 4, "asa xevent 1001", "AB");
    expect_of(&r, 4, "xevent ingress", "AB");
    test_records_clear(&r);
}
END_TEST

/* ---- directions, names ----------------------------------------------------------------------- */

START_TEST(test_directions)
{
    expect("dst or src port 80", "AB");
    expect("dst and src port 80", "B");
    expect("not src and dst port 80", "ACDEFGHI");
    expect("src or dst tos 8", "A");
    expect("dst tos 8", "");
    expect("tos 0", "BCDEFGHI");
    expect("in packets 7", "B");
    expect("out packets 0", "ABCDEFGHI");
    expect("if in [3 6]", "BFG");
    expect("out if 2", "ADEHI");
    expect("inif = 2", "DE");
    expect("src as 1", "FG");
    expect("prev as 0", "ABCDEFGHI");
    expect("prevas 1", "");
    expect("src mask 16", "C");
    expect("src and dst mask 24", "BDE");
    expect("src vlan 10 and dst vlan 10", "B");
    expect("src and dst vlan > 5", "AB");
    expect("SRCPORT 80", "B");
    expect("sourceTransportPort 80", "B");
    expect("pkts 7", "B");
    expect("inetfamily 10", "HI");
    expect("not inet", "HI");
    expect("inet or inet6", "ABCDEFGHI");
    expect_error("next port 80", 1, 6, "'next' is not possible with 'port'");
    expect_error("src proto tcp", 1, 5, "not possible");
    expect_error("src srcip 1.2.3.4", 1, 5, "not possible");
    expect_error("in port 80", 1, 4, "not possible");
    expect_error("src or dst bytes 80", 1, 12, "not possible");
    expect_error("src and port 80", 1, 9, "unexpected 'port'; expected 'dst'");
    expect_error("in out if 3", 1, 4, "unexpected 'out'");
}
END_TEST

/* Every field of the table is a term under each of its names. */
START_TEST(test_all_fields)
{
    for (unsigned i = 0; i < lnf_field_count; i++) {
        const struct lnf_field *field = &lnf_field_table[i];
        const char *names[] = {field->name, field->alias, field->ipfix_name, field->ipfix_name6};
        for (unsigned j = 0; j < 4; j++) {
            char filter[200];
            if (names[j] == NULL) {
                continue;
            }
            snprintf(filter, sizeof(filter), "exist %s", names[j]);
            ck_assert_msg(compiles(filter), "%s", filter);
            snprintf(filter, sizeof(filter), "%s %s", names[j],
                     field->type == LNF_ADDR     ? "10.0.0.0/8"
                     : field->type == LNF_MAC    ? "1:2:3:4:5:6"
                     : field->type == LNF_STRING ? "x"
                                                 : "1");
            bool composite = field->type == LNF_MPLS || field->type == LNF_ACL ||
                             field->type == LNF_BASIC_RECORD1;
            ck_assert_msg(compiles(filter) != composite, "%s", filter);
        }
    }
}
END_TEST

START_TEST(test_unknown)
{
    expect_error("bytess 1", 1, 1, "did you mean 'bytes'");
    expect_error("qwertz 1", 1, 1, "unknown term 'qwertz'");
    expect_error("udp", 1, 1, "'proto udp'");
    expect_error("port 80 and src foo 1", 1, 17, "unknown term 'foo'");
    expect_error("observation foo 1", 1, 1, "'observation foo'");
    expect_error("\"port\" 80", 1, 1, "unknown term 'port'");
    expect_error("payload foo", 1, 1, "'payload content', 'payload regex' or 'payload ja3'");
    expect_error("payload content ''", 1, 17, "1 to 64 characters");
    expect_error("exist payload content", 1, 7, "the name of a field");
    expect_error("exist payload regex", 1, 7, "the name of a field");
    expect_error("exist payload ja3", 1, 7, "the name of a field");
    expect_error("exist ident", 1, 7, "the name of a field");
    expect_error("exist count", 1, 7, "the name of a field");
    expect_error("exist flowlabel", 1, 7, "the name of a field");
    expect_error("mask in pblock", 1, 9, "only ports");
    expect_error("port in blocks", 1, 9, "unexpected 'blocks'");
    expect_error("port in pblock 5", 1, 16, "unexpected '5'");
    expect_error("mpls 5", 1, 1, "'mpls label1'");
    expect_error("ingressacl 5", 1, 1, "not supported");
    expect_error("exist", 1, 6, "unexpected end");
    expect_error("exist port 80", 1, 12, "unexpected '80'");
    expect_error("exist geo", 1, 7, "the name of a field");
}
END_TEST

/* ---- what has no column ---------------------------------------------------------------------- */

START_TEST(test_exist)
{
    expect("exist next ip", "ABFG");
    expect("not exist next ip", "CDEHI");
    expect("exist in src mac", "A");
    expect("exists mac", "A");
    expect("exist flows", "C");
    expect("exist srcip", "ABCDEFGHI");
    expect("exist icmp-type", "DEI");
    expect("exist mpls", "");
    expect("exist src and dst vlan", "ABCDEFGHI");
    expect("exist username or exist next ip", "ABFG");
}
END_TEST

START_TEST(test_strings)
{
    struct test_flow flow = {.elements = TEST_USER, .user = "EXAMPLE\\Alice"};
    struct test_flow none = {.proto = 6};

    ck_assert(selects(&flow, "username alice"));
    ck_assert(selects(&flow, "username 'example\\al'"));
    ck_assert(selects(&flow, "username like \"E\""));
    ck_assert(selects(&flow, "username = \"EXAMPLE\\ALICE\""));
    ck_assert(!selects(&flow, "username = alice"));
    ck_assert(selects(&flow, "username != alice"));
    ck_assert(!selects(&flow, "username alicee"));
    ck_assert(selects(&flow, "username in [bob 'example\\alice']"));
    ck_assert(selects(&flow, "username ''"));
    ck_assert(!selects(&none, "username alice"));
    ck_assert(selects(&none, "username = ''"));
    ck_assert(selects(&none, "not username alice"));
    flow.user = "123456789012345678901234567890123456789012345678901234567890123456xx";
    ck_assert(selects(&flow, "username 90123456"));
    ck_assert(!selects(&flow, "username x"));
    expect_error("username > a", 1, 10, "cannot be compared");
    expect_error("username \"abc", 1, 10, "no end");
    expect_error("username 'abc\n'", 1, 10, "no end");
}
END_TEST

START_TEST(test_mpls)
{
    struct test_flow flow = {.elements = TEST_MPLS,
                             .mpls = {100 << 4 | 3 << 1, 200 << 4 | 5 << 1, 300 << 4 | 1, 77 << 4}};
    struct test_flow none = {.proto = 6};

    ck_assert(selects(&flow, "mpls label1 100"));
    ck_assert(selects(&flow, "mpls label2 > 199 and mpls label2 < 201"));
    ck_assert(!selects(&flow, "mpls label1 200"));
    ck_assert(selects(&flow, "mpls exp1 3 and mpls exp2 = 5 and mpls exp3 0"));
    ck_assert(selects(&flow, "mpls eos 300"));
    ck_assert(selects(&flow, "mpls any 100 and mpls any 200 and mpls any = 300"));
    ck_assert(!selects(&flow, "mpls any 77")); /* below the bottom of the stack */
    ck_assert(selects(&flow, "mpls label10 0"));
    ck_assert(selects(&flow, "mpls label1 in [1 100 5]"));
    ck_assert(!selects(&flow, "mpls label1 != 100"));
    ck_assert(selects(&none, "mpls label1 0 and mpls eos 0 and mpls any 0 and not mpls any 1"));
    expect_error("mpls label11 1", 1, 1, "mpls");
    expect_error("mpls exp1 8", 1, 11, "too large");
}
END_TEST

START_TEST(test_absent_fields)
{
    struct test_flow none = {.proto = 6};

    ck_assert(selects(&none, "next ip 0.0.0.0 and vlan 0 and src as 0 and if 0 and mask 0"));
    ck_assert(selects(&none, "flows 1"));
    ck_assert(selects(&none, "not inet and not inet6"));
    ck_assert(!selects(&none, "net 0.0.0.0/0 or net ::/0"));
}
END_TEST

/* ---- and, or, not ---------------------------------------------------------------------------- */

START_TEST(test_logic)
{
    expect("port 80 or port 443 and packets 3", "ABG");
    expect("(port 80 or port 443) and packets 3", "G");
    expect("not port 80 or port 80", "ABCDEFGHI");
    expect("not (port 80 or port 443)", "CDEHI");
    expect("not (port 80 and packets 7)", "ACDEFGHI");
    expect("!port 80&&!port 443", "CDEHI");
    expect("proto tcp and not (src ip 10.0.0.1 or (dst port 443 and not flags C))", "BG");
    expect("(proto tcp and port 80) or (proto udp and port 53) or (proto icmp and icmp-type 8)",
           "ABCDH");
    expect("((proto udp or proto icmp) and (bytes > 100 or packets 1)) or ((inet6))", "CDEHI");
    expect("not not not port 80", "CDEFGHI");
    expect_error("port 80 or", 1, 11, "unexpected end of the filter; expected a term");
    expect_error("or port 80", 1, 1, "unexpected 'or'; expected a term");
    expect_error("port 80 and or port 90", 1, 13, "unexpected 'or'");
    expect_error("()", 1, 2, "unexpected ')'");
    expect_error("port 80)", 1, 8, "unexpected ')'; expected the end of the filter");
    expect_error("port 80 port", 1, 9, "unexpected 'port'");
    expect_error("not", 1, 4, "unexpected end");
    expect_error("port [80]", 1, 6, "unexpected '['");
    expect_error("port in 80", 1, 9, "unexpected '80'; expected '['");
    expect_error("port in [80", 1, 12, "unexpected end");
    expect_error("port in [,80]", 1, 10, "unexpected ','");
    expect_error("port in [80,,81]", 1, 13, "unexpected ','");
    expect_error("port = = 80", 1, 8, "unexpected '='");
    expect_error("port 80 | port 90", 1, 9, "unexpected '|'");
    expect_error("port ! = 80", 1, 6, "unexpected '!'");
    expect_error("port 80\x01", 1, 8, "\\x01");
    expect_error("port 80 \xc3\xa9", 1, 9, "\\xc3");
}
END_TEST

START_TEST(test_places)
{
    expect_error("port 80\n  and # comment\n\tport x", 3, 7, "'x'");
    expect_error("# \xc3\xa9\xc3\xa9\nport 80 or \"\xc3\xa9\" 1", 2, 12, "unknown term");
    expect_error("username '\xc3\xa9\xc3\xa9' and foo", 1, 19, "'foo'");
    expect_error("port 80 and\r\n", 2, 1, "unexpected end");
}
END_TEST

/* ---- included files -------------------------------------------------------------------------- */

static char folder[] = "/tmp/test_filter_XXXXXX";

static void write_file(const char *name, const char *content, size_t size)
{
    char path[200];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(content, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

/* Compiles a filter in which every % is the test's folder. */
static void expand(const char *filter, char *expanded, size_t size)
{
    size_t used = 0;

    for (; *filter != '\0'; filter++) {
        int n = *filter == '%' ? snprintf(expanded + used, size - used, "%s", folder)
                               : snprintf(expanded + used, size - used, "%c", *filter);
        used += (size_t)n;
        ck_assert_uint_lt(used, size);
    }
}

START_TEST(test_include)
{
    char filter[500], content[300];

    ck_assert_ptr_nonnull(mkdtemp(folder));
    write_file("web", "port 80 # web", 13);
    write_file("list", "10.0.0.1\n8.8.8.8\n", 17);
    write_file("empty", "", 0);
    write_file("bad", "port 80 and\n  port x", 20);
    write_file("nul", "port 80 and \"a\0b\" 1", 19);
    snprintf(content, sizeof(content), "@include %s/self", folder);
    write_file("self", content, strlen(content));
    snprintf(content, sizeof(content), "(@include %s/web) or @include '%s/web'\n or port 53",
             folder, folder);
    write_file("nested", content, strlen(content));

    expand("@include %/web", filter, sizeof(filter));
    expect(filter, "AB");
    expand("(@include %/web\n) and not @include \"%/empty\" src port 80", filter, sizeof(filter));
    expect(filter, "A");
    expand("ip in [@include %/list\n 10.0.0.2]", filter, sizeof(filter));
    expect(filter, "ABCD");
    expand("ip in [@include %/list]", filter, sizeof(filter));
    expect(filter, "ACD");
    expand("@include %/nested", filter, sizeof(filter));
    expect(filter, "ABCH");
    expand("@include %/empty", filter, sizeof(filter));
    expect(filter, "ABCDEFGHI");
    expand("any and @include %/bad", filter, sizeof(filter));
    expect_error(filter, 2, 8, "/bad: 'x'");
    expand("@include %/web\nand foo", filter, sizeof(filter));
    expect_error(filter, 2, 5, "'foo'");
    expand("@include %/nul", filter, sizeof(filter));
    expect_error(filter, 1, 13, "/nul: ");
    expand("any and @include %/none", filter, sizeof(filter));
    expect_error(filter, 1, 9, "/none: No such file");
    expand("@include %", filter, sizeof(filter));
    expect_error(filter, 1, 1, "not a regular file");
    expand("@include %/self", filter, sizeof(filter));
    expect_error(filter, 1, 1, "too many files inside files");
    expect_error("@include", 1, 1, "expected @include FILE");
    expect_error("@include ''", 1, 1, "name of a file");
    expect_error("@foo bar", 1, 1, "unexpected '@foo'");
    expect_error("@include /dev/zero", 1, 1, "not a regular file");
    for (const char *const *name =
             (const char *const[]){"web", "list", "empty", "bad", "nul", "self", "nested", NULL};
         *name != NULL; name++) {
        snprintf(content, sizeof(content), "%s/%s", folder, *name);
        unlink(content);
    }
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

/* ---- sizes ----------------------------------------------------------------------------------- */

/* `before` and `after` around `count` times `part`. */
static char *repeat(const char *before, const char *part, size_t count, const char *after)
{
    size_t length = strlen(part);
    char *text = malloc(strlen(before) + count * length + strlen(after) + 1);

    ck_assert_ptr_nonnull(text);
    char *at = stpcpy(text, before);
    for (size_t i = 0; i < count; i++) {
        at = stpcpy(at, part);
    }
    strcpy(at, after);
    return text;
}

static void expect_repeated(const char *before, const char *part, size_t count, const char *after,
                            const char *letters)
{
    char *text = repeat(before, part, count, after);

    expect(text, letters);
    free(text);
}

static void expect_repeated_error(const char *part, size_t count, unsigned column,
                                  const char *message)
{
    char *text = repeat("", part, count, "");

    expect_error(text, 1, column, message);
    free(text);
}

START_TEST(test_depth)
{
    char *open = repeat("", "(", 1000, "port 80");
    char *closed = repeat(open, ")", 1000, "");

    expect(closed, "AB");
    free(open);
    free(closed);
    open = repeat("", "not (", 1000, "port 80");
    closed = repeat(open, ")", 1000, "");
    expect(closed, "AB");
    free(open);
    free(closed);
    open = repeat("", "(port 80 or (inet and ", 499, "port 80");
    closed = repeat(open, "))", 499, "");
    expect(closed, "AB");
    free(open);
    free(closed);
    expect_repeated_error("(", 1001, 1001, "nested too deeply");
    expect_repeated_error("(", 10000, 1001, "nested too deeply");
    expect_repeated("", "not ", 16, "port 80", "AB");
    expect_repeated_error("not ", 17, 65, "more than 16 'not'");
    expect_repeated_error("!", 1000000, 17, "more than 16 'not'");
    open = repeat("", "!!!!!!!!!!!!!!!(port 80 or in packets 7 and ", 1000, "port 80");
    closed = repeat(open, ")", 1000, "");
    expect(closed, "CDEFGHI");
    free(open);
    free(closed);
}
END_TEST

START_TEST(test_long)
{
    expect_repeated("port 80", " or port 80", 100000, "", "AB");
    expect_repeated("port 80", " and not ip 1.2.3.4", 100000, "", "AB");
    expect_repeated("port 80", " or flags S and bytes 7", 50000, "", "AB");
    expect_repeated("port 80", " or bps 1 and bytes 7", 50000, " or any", "ABCDEFGHI");
    expect_repeated("port 80 #", "x", 1000000, "", "AB");
    expect_repeated("port 80", " ", 1000000, "", "AB");
    char *text = repeat("port 80", " ", (4u << 20) - 7, "");
    expect(text, "AB");
    free(text);
    text = repeat("port 80", " ", (4u << 20) - 6, "");
    expect_error(text, 0, 0, "larger than");
    free(text);
    expect_repeated_error("a", 3000000, 1, "...");
}
END_TEST

/* A list of `count` different items of a kind, then the one that matches. */
static void expect_list(const char *term, const char *kind, unsigned count, const char *last,
                        const char *letters)
{
    size_t room = (size_t)count * 48 + 200, used;
    char *text = malloc(room);
    struct timespec start, end;

    ck_assert_ptr_nonnull(text);
    used = (size_t)snprintf(text, room, "%s in [", term);
    for (unsigned i = 0; i < count; i++) {
        unsigned n = i * 2654435761u; /* no order */
        const char *separator = i % 2 == 0 ? " " : ", ";
        if (strcmp(kind, "number") == 0) {
            used += (size_t)snprintf(text + used, room - used, "%u%s", n | 1u << 31, separator);
        } else if (strcmp(kind, "port") == 0) {
            used +=
                (size_t)snprintf(text + used, room - used, "%u%s", 40000 + i % 20000, separator);
        } else if (strcmp(kind, "address") == 0) {
            used += (size_t)snprintf(text + used, room - used, "%u.%u.%u.%u%s", 224 + (n >> 28),
                                     n >> 20 & 255, n >> 12 & 255, n >> 4 & 255, separator);
        } else if (strcmp(kind, "net") == 0) {
            used += (size_t)snprintf(text + used, room - used, "%u.%u.%u.0/%u%s", 224 + (n >> 28),
                                     n >> 20 & 255, n >> 12 & 255, 20 + i % 13, separator);
        } else {
            used += (size_t)snprintf(text + used, room - used, "2001:db9:%x:%x::%x/%u%s", n >> 16,
                                     n & 0xffff, i & 0xffff, 48 + i % 81, separator);
        }
    }
    snprintf(text + used, room - used, "%s]", last);
    clock_gettime(CLOCK_MONOTONIC, &start);
    expect(text, letters);
    clock_gettime(CLOCK_MONOTONIC, &end);
    /* Some 20 ms; ten times the limit is for sanitizers on a busy machine. */
    ck_assert_int_lt(end.tv_sec - start.tv_sec, 10);
    free(text);
}

START_TEST(test_lists)
{
    expect_list("as", "number", 50000, "65001", "A");
    expect_list("bytes", "number", 50000, "84", "D");
    expect_list("port", "port", 50000, "443", "FG");
    expect_list("ip", "address", 50000, "10.0.0.1", "AD");
    expect_list("not ip", "address", 50000, "10.0.0.1", "BCEFGHI");
    expect_list("ip", "net", 50000, "10.1.0.0/16", "ABFG");
    expect_list("src ip", "net6", 50000, "2001:db8::/32", "HI");
    expect_list("net", "address", 50000, "2001:db8::2/16", "HI");
}
END_TEST

/* ---- threads --------------------------------------------------------------------------------- */

static void *run_often(void *context)
{
    const lnf_program_t *program = context;
    bool hits[SAMPLE_FLOW_COUNT];
    uintptr_t sum = 0;

    for (int i = 0; i < 200; i++) {
        test_filter_run(program, &records, SAMPLE_FLOW_COUNT, hits);
        for (unsigned j = 0; j < SAMPLE_FLOW_COUNT; j++) {
            sum += hits[j];
        }
    }
    return (void *)sum;
}

START_TEST(test_threads)
{
    lnf_program_t *program;
    pthread_t threads[4];

    ck_assert_int_eq(lnf_program_compile("(port 80 or ip in [8.8.8.8 10.0.0.9]) and not flags A",
                                         &program, NULL),
                     LNF_OK);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run_often, program), 0);
    }
    for (int i = 0; i < 4; i++) {
        void *sum;
        ck_assert_int_eq(pthread_join(threads[i], &sum), 0);
        ck_assert_uint_eq((uintptr_t)sum, 200 * 3); /* B, C, E */
    }
    lnf_program_destroy(program);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("filter");
    TCase *tests = tcase_create("language");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(tests, 120);
    tcase_add_unchecked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_any);
    tcase_add_test(tests, test_no_rows);
    tcase_add_loop_test(tests, test_limits, 0, (int)(sizeof(limits) / sizeof(limits[0])));
    tcase_add_test(tests, test_comparisons);
    tcase_add_test(tests, test_units);
    tcase_add_test(tests, test_rates);
    tcase_add_test(tests, test_named_values);
    tcase_add_test(tests, test_addresses);
    tcase_add_test(tests, test_macs);
    tcase_add_test(tests, test_flags);
    tcase_add_test(tests, test_flags_negated);
    tcase_add_test(tests, test_icmp);
    tcase_add_test(tests, test_port_block);
    tcase_add_test(tests, test_payload);
    tcase_add_test(tests, test_regex);
    tcase_add_test(tests, test_ja3);
    tcase_add_test(tests, test_flowlabel);
    tcase_add_test(tests, test_origin);
    tcase_add_test(tests, test_denied);
    tcase_add_test(tests, test_directions);
    tcase_add_test(tests, test_all_fields);
    tcase_add_test(tests, test_unknown);
    tcase_add_test(tests, test_exist);
    tcase_add_test(tests, test_strings);
    tcase_add_test(tests, test_mpls);
    tcase_add_test(tests, test_absent_fields);
    tcase_add_test(tests, test_logic);
    tcase_add_test(tests, test_places);
    tcase_add_test(tests, test_include);
    tcase_add_test(tests, test_depth);
    tcase_add_test(tests, test_long);
    tcase_add_test(tests, test_lists);
    tcase_add_test(tests, test_threads);
    suite_add_tcase(suite, tests);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
