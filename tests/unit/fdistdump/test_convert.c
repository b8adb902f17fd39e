/* SPDX-License-Identifier: BSD-3-Clause */
/** Values as text: every class in both forms, at its edges, and against the C library. */
#include "convert.h"
#include "suite_main.h"

#include <arpa/inet.h>
#include <libnf.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct convert convert;

static void setup(void)
{
    memset(&convert, 0, sizeof(convert));
    setenv("TZ", "UTC0", 1);
    tzset();
}

static void use_people_style(void)
{
    convert.style = (struct convert_style){true, true, true, true, true, CONVERT_METRIC};
}

/** Text of a value; checks that nothing is written behind the promised room. */
static const char *text_of(enum convert_class class, const struct lnf_value *value)
{
    static char text[CONVERT_TEXT_SIZE + 2];

    memset(text, 0x55, sizeof(text));
    size_t length = convert_value(&convert, class, value, text);
    ck_assert_uint_le(length, CONVERT_TEXT_SIZE);
    ck_assert_int_eq(text[CONVERT_TEXT_SIZE], 0x55);
    text[length] = '\0';
    return text;
}

static const char *text_of_number(enum convert_class class, uint64_t number)
{
    const struct lnf_value value = {.kind = LNF_VALUE_UINT, .u64 = number};
    return text_of(class, &value);
}

static const char *text_of_real(double real)
{
    const struct lnf_value value = {.kind = LNF_VALUE_DOUBLE, .real = real};
    return text_of(CONVERT_VOLUME_REAL, &value);
}

/* ---- classes -------------------------------------------------------------------------------- */

static const struct {
    int field;
    enum convert_class class;
} classes[] = {
    {LNF_FLD_FIRST, CONVERT_TIMESTAMP},
    {LNF_FLD_LAST, CONVERT_TIMESTAMP},
    {LNF_FLD_RECEIVED, CONVERT_TIMESTAMP},
    {LNF_FLD_DOCTETS, CONVERT_VOLUME},
    {LNF_FLD_DPKTS, CONVERT_VOLUME},
    {LNF_FLD_OUT_BYTES, CONVERT_VOLUME},
    {LNF_FLD_OUT_PKTS, CONVERT_VOLUME},
    {LNF_FLD_AGGR_FLOWS, CONVERT_VOLUME},
    {LNF_FLD_SRCPORT, CONVERT_U16},
    {LNF_FLD_DSTPORT, CONVERT_U16},
    {LNF_FLD_TCP_FLAGS, CONVERT_FLAGS},
    {LNF_FLD_SRCADDR, CONVERT_ADDRESS},
    {LNF_FLD_IP_NEXTHOP, CONVERT_ADDRESS},
    {LNF_FLD_SRC_MASK, CONVERT_U8},
    {LNF_FLD_TOS, CONVERT_U8},
    {LNF_FLD_SRCAS, CONVERT_U32},
    {LNF_FLD_PROT, CONVERT_PROTOCOL},
    {LNF_FLD_SRC_VLAN, CONVERT_U16},
    {LNF_FLD_IN_SRC_MAC, CONVERT_MAC},
    {LNF_FLD_INPUT, CONVERT_U32},
    {LNF_FLD_DIR, CONVERT_U8},
    {LNF_FLD_EVENT_TIME, CONVERT_U64},
    {LNF_FLD_CONN_ID, CONVERT_U32},
    {LNF_FLD_USERNAME, CONVERT_STRING},
    {LNF_FLD_CLIENT_NW_DELAY_USEC, CONVERT_U64},
    {LNF_FLD_CALC_DURATION, CONVERT_DURATION},
    {LNF_FLD_CALC_BPS, CONVERT_VOLUME_REAL},
    {LNF_FLD_CALC_PPS, CONVERT_VOLUME_REAL},
    {LNF_FLD_CALC_BPP, CONVERT_VOLUME_REAL},
    {LNF_FLD_PAIR_PORT, CONVERT_U16},
    {LNF_FLD_PAIR_ADDR, CONVERT_ADDRESS},
    {LNF_FLD_PAIR_AS, CONVERT_U32},
    {LNF_FLD_PAIR_IF, CONVERT_U32},
    {LNF_FLD_PAIR_VLAN, CONVERT_U16},
};

START_TEST(test_class)
{
    ck_assert_int_eq(convert_class_of(classes[_i].field), classes[_i].class);
}
END_TEST

static const struct {
    enum convert_class class;
    struct convert_layout none, people, binary;
} layouts[] = {
    {CONVERT_TIMESTAMP, {20, false}, {23, false}, {23, false}},
    {CONVERT_VOLUME, {20, true}, {7, true}, {9, true}},
    {CONVERT_VOLUME_REAL, {12, true}, {7, true}, {9, true}},
    {CONVERT_FLAGS, {3, false}, {8, false}, {8, false}},
    {CONVERT_PROTOCOL, {3, false}, {9, false}, {9, false}},
    {CONVERT_DURATION, {20, false}, {12, false}, {12, false}},
    {CONVERT_ADDRESS, {43, false}, {15, false}, {15, false}},
    {CONVERT_MAC, {17, false}, {17, false}, {17, false}},
    {CONVERT_U8, {3, true}, {3, true}, {3, true}},
    {CONVERT_U16, {5, true}, {5, true}, {5, true}},
    {CONVERT_U32, {10, true}, {10, true}, {10, true}},
    {CONVERT_U64, {20, true}, {20, true}, {20, true}},
    {CONVERT_REAL, {12, true}, {12, true}, {12, true}},
    {CONVERT_STRING, {10, false}, {10, false}, {10, false}},
};

static void expect_layout(enum convert_class class, struct convert_layout expected)
{
    struct convert_layout layout = convert_layout(&convert.style, class);

    ck_assert_uint_eq(layout.width, expected.width);
    ck_assert_int_eq(layout.right, expected.right);
}

START_TEST(test_layout)
{
    ck_assert_int_eq(sizeof(layouts) / sizeof(layouts[0]), CONVERT_CLASSES);
    expect_layout(layouts[_i].class, layouts[_i].none);
    use_people_style();
    expect_layout(layouts[_i].class, layouts[_i].people);
    convert.style.volumes = CONVERT_BINARY;
    expect_layout(layouts[_i].class, layouts[_i].binary);
}
END_TEST

/* ---- numbers -------------------------------------------------------------------------------- */

/** Without conversion every class is a decimal number. */
START_TEST(test_plain)
{
    static const uint64_t numbers[] = {0, 1, 9, 10, 99, 100, 255, 65535, UINT32_MAX, UINT64_MAX};
    static const enum convert_class whole[] = {
        CONVERT_TIMESTAMP, CONVERT_VOLUME, CONVERT_FLAGS, CONVERT_PROTOCOL, CONVERT_DURATION,
        CONVERT_U8,        CONVERT_U16,    CONVERT_U32,   CONVERT_U64,
    };
    char text[32];

    for (size_t c = 0; c < sizeof(whole) / sizeof(whole[0]); c++) {
        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
            snprintf(text, sizeof(text), "%llu", (unsigned long long)numbers[i]);
            ck_assert_str_eq(text_of_number(whole[c], numbers[i]), text);
        }
    }
}
END_TEST

static double random_real(void)
{
    double whole = (double)(random() % (1L << (random() % 31)));

    switch (random() % 4) {
    case 0:
        return whole / 10;
    case 1:
        return whole + 0.05 * (double)(random() % 20); /* middles between tenths */
    case 2:
        return whole * 1e9 + 0.25;
    default:
        return whole / (double)(1 + random() % 1000);
    }
}

/** Exactly as printf() rounds. */
START_TEST(test_real)
{
    static const double reals[] = {0,     0.04, 0.05,        0.0500001, 0.15,   0.25,
                                   0.35,  0.95, 0.949999999, 9.95,      999.95, 1e15 - 0.05,
                                   1e15,  1e22, 1.7e22,      -1.25,     -0.04,  4503599627370495.5,
                                   1e-300};
    char text[64];

    for (size_t i = 0; i < sizeof(reals) / sizeof(reals[0]); i++) {
        snprintf(text, sizeof(text), "%.1f", reals[i]);
        ck_assert_str_eq(text_of_real(reals[i]), text);
    }
    srandom(1);
    for (unsigned i = 0; i < 300000; i++) {
        double real = random_real();
        snprintf(text, sizeof(text), "%.1f", real);
        ck_assert_str_eq(text_of_real(real), text);
    }
}
END_TEST

/** What no file can lead to still fits. */
START_TEST(test_real_extreme)
{
    static const double reals[] = {1.7976931348623157e308, -1.7976931348623157e308, 1e100};
    const struct lnf_value nan_value = {.kind = LNF_VALUE_NAN};

    for (unsigned style = 0; style < 3; style++) {
        convert.style.volumes = (enum convert_volume)style;
        for (size_t i = 0; i < sizeof(reals) / sizeof(reals[0]); i++) {
            ck_assert_uint_gt(strlen(text_of_real(reals[i])), 3);
        }
        ck_assert_str_eq(text_of_real(INFINITY), "NaN");
        ck_assert_str_eq(text_of_real(-INFINITY), "NaN");
        ck_assert_str_eq(text_of_real(NAN), "NaN");
        ck_assert_str_eq(text_of(CONVERT_VOLUME_REAL, &nan_value), "NaN");
        ck_assert_str_eq(text_of(CONVERT_DURATION, &nan_value), "NaN");
    }
}
END_TEST

/* ---- volumes -------------------------------------------------------------------------------- */

static const struct {
    uint64_t value;
    const char *metric, *binary;
} volumes[] = {
    {0, "0.0  ", "0.0   "},
    {1, "1.0  ", "1.0   "},
    {544, "544.0  ", "544.0   "},
    {999, "999.0  ", "999.0   "},
    {1000, "1.0 k", "1000.0   "},
    {1001, "1.0 k", "1001.0   "},
    {1023, "1.0 k", "1023.0   "},
    {1024, "1.0 k", "1.0 Ki"},
    {1049, "1.0 k", "1.0 Ki"},
    {1050, "1.1 k", "1.0 Ki"}, /* 1.05 is a little more in binary */
    {150000, "150.0 k", "146.5 Ki"},
    {999949, "999.9 k", "976.5 Ki"},
    {999950, "1.0 M", "976.5 Ki"}, /* never "1000.0 k", which has no room in a column */
    {999999, "1.0 M", "976.6 Ki"},
    {1000000, "1.0 M", "976.6 Ki"},
    {1048575, "1.0 M", "1.0 Mi"},
    {1048576, "1.0 M", "1.0 Mi"},
    {UINT64_C(1000000000), "1.0 G", "953.7 Mi"},
    {UINT64_C(1000000000000), "1.0 T", "931.3 Gi"},
    {UINT64_C(1000000000000000), "1.0 P", "909.5 Ti"},
    {UINT64_C(1000000000000000000), "1.0 E", "888.2 Pi"},
    {UINT64_MAX, "18.4 E", "16.0 Ei"},
};

START_TEST(test_volume)
{
    char text[CONVERT_TEXT_SIZE];

    convert.style.volumes = CONVERT_METRIC;
    ck_assert_str_eq(text_of_number(CONVERT_VOLUME, volumes[_i].value), volumes[_i].metric);
    /* Summaries have nothing to align. */
    size_t length = convert_volume(&convert.style, volumes[_i].value, text);
    size_t whole = strlen(volumes[_i].metric);
    while (volumes[_i].metric[whole - 1] == ' ') {
        whole--;
    }
    ck_assert_uint_eq(length, whole);
    ck_assert_int_eq(memcmp(text, volumes[_i].metric, whole), 0);
    convert.style.volumes = CONVERT_BINARY;
    ck_assert_str_eq(text_of_number(CONVERT_VOLUME, volumes[_i].value), volumes[_i].binary);
}
END_TEST

/** No volume is wider than its column, so none is ever shortened. */
START_TEST(test_volume_width)
{
    srandom(2);
    for (unsigned i = 0; i < 200000; i++) {
        uint64_t value = ((uint64_t)random() << 33 ^ (uint64_t)random() << 11) >> random() % 64;
        for (unsigned style = CONVERT_METRIC; style <= CONVERT_BINARY; style++) {
            convert.style.volumes = (enum convert_volume)style;
            size_t width = convert_layout(&convert.style, CONVERT_VOLUME).width;
            ck_assert_uint_le(strlen(text_of_number(CONVERT_VOLUME, value)), width);
            ck_assert_uint_le(strlen(text_of_real((double)value / 7)), width);
        }
    }
}
END_TEST

START_TEST(test_rate)
{
    char text[CONVERT_TEXT_SIZE];

    size_t length = convert_rate(&convert.style, 12345.67, text);
    ck_assert_uint_eq(length, 7);
    ck_assert_int_eq(memcmp(text, "12345.7", 7), 0);
    length = convert_rate(&convert.style, 0, text);
    ck_assert_int_eq(memcmp(text, "0.0", length), 0);
    convert.style.volumes = CONVERT_METRIC;
    length = convert_rate(&convert.style, 999, text);
    ck_assert_uint_eq(length, 5);
    ck_assert_int_eq(memcmp(text, "999.0", 5), 0);
    length = convert_rate(&convert.style, 1e27, text);
    ck_assert_int_eq(memcmp(text, "1000.0 Y", length), 0); /* there is no larger unit */
    ck_assert_str_eq(text_of_real(1.5e21), "1.5 Z");
    ck_assert_str_eq(text_of_real(1.5e24), "1.5 Y");
}
END_TEST

/* ---- times ---------------------------------------------------------------------------------- */

static const struct {
    uint64_t ms;
    const char *text;
} stamps[] = {
    {0, "1970-01-01 00:00:00.000"},
    {1, "1970-01-01 00:00:00.001"},
    {UINT64_C(951782399999), "2000-02-28 23:59:59.999"},
    {UINT64_C(951782400000), "2000-02-29 00:00:00.000"},
    {UINT64_C(951868800000), "2000-03-01 00:00:00.000"},
    {UINT64_C(1700000099906), "2023-11-14 22:14:59.906"},
    {UINT64_C(4107542400000), "2100-03-01 00:00:00.000"}, /* 2100 has no leap day */
    {UINT64_C(253402300799999), "9999-12-31 23:59:59.999"},
    {UINT64_C(253402300800000), "10000-01-01 00:00:00.000"},
    {UINT64_MAX, "584556019-04-03 14:25:51.615"},
};

START_TEST(test_timestamp)
{
    convert.style.timestamps = true;
    ck_assert_str_eq(text_of_number(CONVERT_TIMESTAMP, stamps[_i].ms), stamps[_i].text);
}
END_TEST

static const char *const zones[] = {
    "UTC0",
    "CET-1CEST,M3.5.0/2,M10.5.0/3",
    "EST5EDT,M3.2.0,M11.1.0",
    "XXX-5:45",
    "XXX12:59:59",
    "Africa/Monrovia",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/St_Johns",
};

/** As strftime() has it, in zones with strange distances and changes. */
START_TEST(test_zone)
{
    char text[64];

    setenv("TZ", zones[_i], 1);
    tzset();
    convert.style.timestamps = true;
    srandom(3);
    for (unsigned i = 0; i < 30000; i++) {
        uint64_t ms = ((uint64_t)random() << 20 ^ (uint64_t)random()) % UINT64_C(4200000000000);
        time_t time = (time_t)(ms / 1000);
        struct tm tm;
        ck_assert_ptr_nonnull(localtime_r(&time, &tm));
        if (tm.tm_year < 70) { /* local time before 1970 */
            continue;
        }
        size_t length = strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
        snprintf(text + length, sizeof(text) - length, ".%03u", (unsigned)(ms % 1000));
        ck_assert_str_eq(text_of_number(CONVERT_TIMESTAMP, ms), text);
    }
}
END_TEST

/** Every second around the hour that is left out and the one that comes twice. */
START_TEST(test_summer_time)
{
    static const time_t changes[] = {1427590800, 1445734800};
    char text[64];

    setenv("TZ", "CET-1CEST,M3.5.0/2,M10.5.0/3", 1);
    tzset();
    convert.style.timestamps = true;
    for (time_t time = changes[_i] - 4000; time < changes[_i] + 4000; time++) {
        struct tm tm;
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S.000", localtime_r(&time, &tm));
        ck_assert_str_eq(text_of_number(CONVERT_TIMESTAMP, (uint64_t)time * 1000), text);
    }
}
END_TEST

/** West of Greenwich the first hours of 1970 are in 1969. */
START_TEST(test_before_epoch)
{
    setenv("TZ", "EST5", 1);
    tzset();
    convert.style.timestamps = true;
    ck_assert_str_eq(text_of_number(CONVERT_TIMESTAMP, 0), "1969-12-31 19:00:00.000");
    ck_assert_str_eq(text_of_number(CONVERT_TIMESTAMP, 17999999), "1969-12-31 23:59:59.999");
    ck_assert_str_eq(text_of_number(CONVERT_TIMESTAMP, 18000000), "1970-01-01 00:00:00.000");
}
END_TEST

static const struct {
    uint64_t ms;
    const char *text;
} durations[] = {
    {0, "00:00:00.000"},          {999, "00:00:00.999"},
    {59999, "00:00:59.999"},      {3599999, "00:59:59.999"},
    {3600000, "01:00:00.000"},    {359999999, "99:59:59.999"},
    {360000000, "100:00:00.000"}, {UINT64_MAX, "5124095576030:25:51.615"},
};

START_TEST(test_duration)
{
    convert.style.durations = true;
    ck_assert_str_eq(text_of_number(CONVERT_DURATION, durations[_i].ms), durations[_i].text);
}
END_TEST

/* ---- addresses ------------------------------------------------------------------------------ */

static const char *text_of_address(const uint8_t *octets)
{
    struct lnf_value value = {.kind = LNF_VALUE_ADDRESS};

    memcpy(value.octets, octets, sizeof(value.octets));
    return text_of(CONVERT_ADDRESS, &value);
}

static const struct {
    const char *text; /* as inet_pton() reads it */
    const char *people, *none;
} addresses[] = {
    {"::", "::", "0:0:0:0"},
    {"::1", "::1", "0:0:0:1"},
    {"::2", "0.0.0.2", "0:0:0:2"},
    {"::1.2.3.4", "1.2.3.4", "0:0:0:16909060"},
    {"::255.255.255.255", "255.255.255.255", "0:0:0:4294967295"},
    {"::1:0:0", "::1:0:0", "0:0:1:0"},
    {"::ffff:1.2.3.4", "::ffff:1.2.3.4", "0:0:65535:16909060"},
    {"2001:db8::1", "2001:db8::1", "536939960:0:0:1"},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
     "4294967295:4294967295:4294967295:4294967295"},
    {"1:0:0:2:0:0:0:3", "1:0:0:2::3", "65536:2:0:3"},
    {"1:0:0:2:0:0:3:4", "1::2:0:0:3:4", "65536:2:0:196612"},
    {"1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7", "65536:131075:262149:393223"},
    {"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::", "65538:196612:327686:0"},
    {"0:0:3:4:5:6:7:8", "::3:4:5:6:7:8", "0:196612:327686:458760"},
    {"fe80::", "fe80::", "4269801472:0:0:0"},
};

START_TEST(test_address)
{
    uint8_t octets[16];

    ck_assert_int_eq(inet_pton(AF_INET6, addresses[_i].text, octets), 1);
    ck_assert_str_eq(text_of_address(octets), addresses[_i].none);
    convert.style.addresses = true;
    ck_assert_str_eq(text_of_address(octets), addresses[_i].people);
}
END_TEST

/** As inet_ntop() has it, with zeros at all places. */
START_TEST(test_address_random)
{
    uint8_t octets[16];
    char text[INET6_ADDRSTRLEN];

    convert.style.addresses = true;
    srandom(4);
    for (unsigned i = 0; i < 200000; i++) {
        unsigned zeros = (unsigned)random();
        for (unsigned at = 0; at < 16; at++) {
            octets[at] = (zeros >> at / 2 & 1) != 0 ? 0 : (uint8_t)(random() >> random() % 24);
        }
        octets[0] |= 1; /* IPv6 in any case */
        ck_assert_ptr_nonnull(inet_ntop(AF_INET6, octets, text, sizeof(text)));
        ck_assert_str_eq(text_of_address(octets), text);
    }
    for (unsigned i = 0; i < 100000; i++) {
        memset(octets, 0, 12);
        uint32_t word = htonl((uint32_t)random() + 2u);
        memcpy(octets + 12, &word, 4);
        ck_assert_ptr_nonnull(inet_ntop(AF_INET, octets + 12, text, sizeof(text)));
        ck_assert_str_eq(text_of_address(octets), text);
    }
}
END_TEST

START_TEST(test_mac)
{
    struct lnf_value value = {.kind = LNF_VALUE_MAC,
                              .octets = {0x00, 0x09, 0xa0, 0xff, 0x10, 0x0f}};

    ck_assert_str_eq(text_of(CONVERT_MAC, &value), "00:09:a0:ff:10:0f");
    use_people_style();
    ck_assert_str_eq(text_of(CONVERT_MAC, &value), "00:09:a0:ff:10:0f");
}
END_TEST

/* ---- flags and protocols -------------------------------------------------------------------- */

START_TEST(test_flags)
{
    convert.style.flags = true;
    ck_assert_str_eq(text_of_number(CONVERT_FLAGS, 0), "........");
    ck_assert_str_eq(text_of_number(CONVERT_FLAGS, 0x1b), "...AP.SF");
    ck_assert_str_eq(text_of_number(CONVERT_FLAGS, 0xff), "CEUAPRSF");
    for (unsigned bit = 0; bit < 8; bit++) {
        const char *text = text_of_number(CONVERT_FLAGS, UINT64_C(1) << bit);
        for (unsigned at = 0; at < 8; at++) {
            ck_assert_int_eq(text[at], at == 7 - bit ? "CEUAPRSF"[at] : '.');
        }
    }
}
END_TEST

static const struct {
    unsigned number;
    const char *name;
} protocols[] = {
    {0, "HOPOPT"},
    {1, "ICMP"},
    {2, "IGMP"},
    {4, "IPv4"},
    {6, "TCP"},
    {17, "UDP"},
    {27, "RDP"},
    {33, "DCCP"},
    {41, "IPv6"},
    {47, "GRE"},
    {50, "ESP"},
    {51, "AH"},
    {58, "IPv6-ICMP"},
    {61, "any host internal protocol"},
    {63, "any local network"},
    {68, "any distributed file system"},
    {88, "EIGRP"},
    {89, "OSPFIGP"},
    {94, "IPIP"},
    {99, "any private encryption"},
    {103, "PIM"},
    {112, "VRRP"},
    {114, "any 0-hop protocol"},
    {115, "L2TP"},
    {124, "ISIS over IPv4"},
    {132, "SCTP"},
    {133, "FC"},
    {135, "Mobility Header"},
    {136, "UDPLite"},
    {137, "MPLS-in-IP"},
    {138, "manet"},
    {142, "ROHC"},
    {139, "HIP"},
    {140, "Shim6"},
    {141, "WESP"},
    {143, "Unassigned"},
    {200, "Unassigned"},
    {252, "Unassigned"},
    {253, "experimentation and testing"},
    {254, "experimentation and testing"},
    {255, "Reserved"},
};

START_TEST(test_protocol)
{
    convert.style.protocols = true;
    ck_assert_str_eq(text_of_number(CONVERT_PROTOCOL, protocols[_i].number), protocols[_i].name);
    ck_assert_str_eq(convert_protocol_name((uint8_t)protocols[_i].number), protocols[_i].name);
}
END_TEST

/** Every number has a name that fits and needs no quoting in csv. */
START_TEST(test_protocol_names)
{
    for (unsigned number = 0; number < 256; number++) {
        const char *name = convert_protocol_name((uint8_t)number);
        ck_assert_uint_gt(strlen(name), 0);
        ck_assert_uint_le(strlen(name), CONVERT_TEXT_SIZE);
        ck_assert_uint_eq(strcspn(name, ",\"\r\n"), strlen(name));
    }
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
    Suite *suite = suite_create("fdistdump/convert");
    TCase *tc = tcase_create("convert");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, test_class, 0, COUNT(classes));
    tcase_add_loop_test(tc, test_layout, 0, COUNT(layouts));
    tcase_add_test(tc, test_plain);
    tcase_add_test(tc, test_real);
    tcase_add_test(tc, test_real_extreme);
    tcase_add_loop_test(tc, test_volume, 0, COUNT(volumes));
    tcase_add_test(tc, test_volume_width);
    tcase_add_test(tc, test_rate);
    tcase_add_loop_test(tc, test_timestamp, 0, COUNT(stamps));
    tcase_add_loop_test(tc, test_zone, 0, COUNT(zones));
    tcase_add_loop_test(tc, test_summer_time, 0, 2);
    tcase_add_test(tc, test_before_epoch);
    tcase_add_loop_test(tc, test_duration, 0, COUNT(durations));
    tcase_add_loop_test(tc, test_address, 0, COUNT(addresses));
    tcase_add_test(tc, test_address_random);
    tcase_add_test(tc, test_mac);
    tcase_add_test(tc, test_flags);
    tcase_add_loop_test(tc, test_protocol, 0, COUNT(protocols));
    tcase_add_test(tc, test_protocol_names);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
