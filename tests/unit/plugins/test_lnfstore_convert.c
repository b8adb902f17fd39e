/* SPDX-License-Identifier: BSD-3-Clause */
/* Data Records into flow records: each kind of conversion, and what libnf reads back. */

#include "convert.h"
#include "decoder.h"
#include "mapping.h"
#include "message_builder.h"

#include <arpa/inet.h>
#include <check.h>
#include <libnf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TEMPLATE 300

static struct message_builder builder;
static lnf_block_t *block;

/** A template with its records, converted, written, and read back as records of libnf. */
struct outcome {
    lnf_file_t *file;
    lnf_rec_t *record;
    char path[64];
    struct lnf_stat stat;
    bool storable;
};

static void ignore_event(void *context, const struct ipfix_event *event)
{
    (void)context;
    (void)event;
}

static struct ipfix_message *decode(ipfix_decoder_t *decoder)
{
    struct ipfix_message *message = NULL;
    const uint8_t *octets = message_end(&builder);

    ck_assert_int_eq(ipfix_decoder_decode(decoder, octets, builder.length, 0, &message), COL_OK);
    return message;
}

static void convert_all(struct outcome *o, const struct ipfix_message *message)
{
    struct convert_message context = {.export_time_ms = (uint64_t)message->export_time_s * 1000,
                                      .received_ms = 777777,
                                      .domain_id = 0x0102,
                                      .version = 10};

    for (uint32_t i = 0; i < message->set_count; i++) {
        struct ipfix_record_iter iter;
        struct ipfix_record record;
        convert_plan_t *plan = NULL;
        if (message->sets[i].tmplt == NULL || message->sets[i].id < IPFIX_SET_DATA_MIN) {
            continue;
        }
        ck_assert(convert_plan_create(message->sets[i].tmplt, &plan));
        o->storable = plan != NULL;
        ipfix_record_iter_init(&iter, &message->sets[i]);
        while (plan != NULL && ipfix_record_next(&iter, &record)) {
            ck_assert(convert_record(plan, &record, &context, block));
        }
        convert_plan_destroy(plan);
    }
}

/** Runs the built message through decoder, plan, writer and reader. */
static void outcome_open(struct outcome *o)
{
    static const struct ipfix_session_info info = {.transport = IPFIX_TRANSPORT_TCP};
    const struct ipfix_session *session = ipfix_session_create(&info);
    ipfix_decoder_t *decoder = ipfix_decoder_create(session, NULL, ignore_event, NULL);
    struct ipfix_message *message = decode(decoder);
    lnf_writer_t *writer;
    struct lnf_error error;

    memset(o, 0, sizeof(*o));
    snprintf(o->path, sizeof(o->path), "/tmp/test-lnfstore-%d", (int)getpid());
    lnf_block_clear(block);
    convert_all(o, message);
    o->stat = *lnf_block_stat(block);
    ck_assert_int_eq(lnf_writer_open(o->path, LNF_CODEC_NONE, NULL, false, &writer, &error),
                     LNF_OK);
    ck_assert_int_eq(lnf_writer_put(writer, block, &error), LNF_OK);
    ck_assert_int_eq(lnf_writer_close(writer, &error), LNF_OK);
    ipfix_message_unref(message);
    ipfix_decoder_destroy(decoder);
    ck_assert_int_eq(lnf_open(&o->file, o->path, LNF_READ, NULL), LNF_OK);
    ck_assert_int_eq(lnf_rec_init(&o->record), LNF_OK);
}

static bool outcome_next(struct outcome *o)
{
    return lnf_read(o->file, o->record) == LNF_OK;
}

static void outcome_close(struct outcome *o)
{
    ck_assert(!outcome_next(o));
    lnf_rec_free(o->record);
    lnf_close(o->file);
    unlink(o->path);
}

static uint64_t number(const struct outcome *o, int field)
{
    uint8_t value[16] = {0};
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;

    lnf_rec_fget(o->record, field, value);
    switch (lnf_fld_type(field)) {
    case LNF_UINT8:
        return value[0];
    case LNF_UINT16:
        memcpy(&u16, value, sizeof(u16));
        return u16;
    case LNF_UINT32:
        memcpy(&u32, value, sizeof(u32));
        return u32;
    default:
        memcpy(&u64, value, sizeof(u64));
        return u64;
    }
}

static const char *address(const struct outcome *o, int field)
{
    static char text[INET6_ADDRSTRLEN];
    lnf_ip_t ip;

    memset(&ip, 0, sizeof(ip));
    lnf_rec_fget(o->record, field, &ip);
    if (ip.data[0] == 0 && ip.data[1] == 0 && ip.data[2] == 0) {
        inet_ntop(AF_INET, &ip.data[3], text, sizeof(text));
    } else {
        inet_ntop(AF_INET6, &ip, text, sizeof(text));
    }
    return text;
}

/** Elements of a stored record; docs/flow-file-format.md, headers of file, block and record. */
static unsigned element_count(const struct outcome *o, unsigned nth)
{
    uint8_t octets[4096] = {0};
    size_t at = 40 + 12;
    FILE *file = fopen(o->path, "rb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_gt(fread(octets, 1, sizeof(octets), file), at);
    (void)fclose(file);
    for (unsigned i = 0; i < nth; i++) {
        at += octets[at + 2] | (unsigned)octets[at + 3] << 8;
    }
    ck_assert_uint_lt(at, sizeof(octets) - 6);
    return octets[at + 4] | (unsigned)octets[at + 5] << 8;
}

static void u64(uint64_t value)
{
    message_u32(&builder, (uint32_t)(value >> 32));
    message_u32(&builder, (uint32_t)value);
}

static void u16(uint16_t value)
{
    message_u8(&builder, (uint8_t)(value >> 8));
    message_u8(&builder, (uint8_t)value);
}

static void setup(void)
{
    block = lnf_block_create();
    ck_assert_ptr_nonnull(block);
}

static void teardown(void)
{
    lnf_block_destroy(block);
}

START_TEST(ordinary_record)
{
    struct outcome o;

    message_start(&builder, 1, 0);
    message_set(&builder, 2);
    message_u16s(&builder, 20, TEMPLATE, 9, 8, 4, 12, 4, 7, 2, 11, 2, 4, 1, 2, 8, 1, 4, 152, 8, 153,
                 8);
    message_set(&builder, TEMPLATE);
    message_u32(&builder, 0xC0000201);
    message_u32(&builder, 0xC6336402);
    u16(54321);
    u16(443);
    message_u8(&builder, 6);
    u64(10);
    message_u32(&builder, 1500);
    u64(1699999940000);
    u64(1699999942345);

    outcome_open(&o);
    ck_assert(outcome_next(&o));
    ck_assert_str_eq(address(&o, LNF_FLD_SRCADDR), "192.0.2.1");
    ck_assert_str_eq(address(&o, LNF_FLD_DSTADDR), "198.51.100.2");
    ck_assert_uint_eq(number(&o, LNF_FLD_SRCPORT), 54321);
    ck_assert_uint_eq(number(&o, LNF_FLD_DSTPORT), 443);
    ck_assert_uint_eq(number(&o, LNF_FLD_PROT), 6);
    ck_assert_uint_eq(number(&o, LNF_FLD_DPKTS), 10);
    ck_assert_uint_eq(number(&o, LNF_FLD_DOCTETS), 1500);
    ck_assert_uint_eq(number(&o, LNF_FLD_FIRST), 1699999940000);
    ck_assert_uint_eq(number(&o, LNF_FLD_LAST), 1699999942345);
    ck_assert_uint_eq(number(&o, LNF_FLD_RECEIVED), 777777);
    ck_assert_uint_eq(number(&o, LNF_FLD_ENGINE_TYPE), 1);
    ck_assert_uint_eq(number(&o, LNF_FLD_ENGINE_ID), 2);
    ck_assert_uint_eq(o.stat.flows, 1);
    ck_assert_uint_eq(o.stat.class_bytes[LNF_STAT_TCP], 1500);
    ck_assert_uint_eq(o.stat.packets, 10);
    ck_assert_uint_eq(o.stat.last_ms, 1699999942345);
    outcome_close(&o);
}
END_TEST

/* RFC 7011 section 6.2: numbers may be sent shorter, and 3, 5, 6 or 7 octets are legal. */
START_TEST(reduced_sizes)
{
    for (uint16_t length = 1; length <= 8; length++) {
        struct outcome o;
        message_start(&builder, 1, 0);
        message_set(&builder, 2);
        message_u16s(&builder, 6, TEMPLATE, 2, 1, length, 7, length);
        message_set(&builder, TEMPLATE);
        message_fill(&builder, 0, length - 1u);
        message_u8(&builder, 200);
        message_fill(&builder, 0, length - 1u);
        message_u8(&builder, 80);
        outcome_open(&o);
        ck_assert(outcome_next(&o));
        ck_assert_uint_eq(number(&o, LNF_FLD_DOCTETS), 200);
        ck_assert_uint_eq(number(&o, LNF_FLD_SRCPORT), 80);
        outcome_close(&o);
    }
}
END_TEST

START_TEST(variable_length_before_fields)
{
    struct outcome o;

    message_start(&builder, 1, 0);
    message_set(&builder, 2);
    message_u16s(&builder, 8, TEMPLATE, 3, 82, 65535, 1, 8, 8, 4);
    message_set(&builder, TEMPLATE);
    for (unsigned i = 0; i < 3; i++) {
        message_u8(&builder, (uint8_t)i);
        message_fill(&builder, 'x', i);
        u64(100 + i);
        message_u32(&builder, 0x0A000000 + i);
    }
    outcome_open(&o);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert(outcome_next(&o));
        ck_assert_uint_eq(number(&o, LNF_FLD_DOCTETS), 100 + i);
    }
    ck_assert_str_eq(address(&o, LNF_FLD_SRCADDR), "10.0.0.2");
    outcome_close(&o);
}
END_TEST

START_TEST(times_of_all_kinds)
{
    struct outcome o;

    /* Seconds; NTP microseconds of 1000.5 s; start and duration; deltas before the Export Time. */
    message_start(&builder, 1, 0);
    message_set(&builder, 2);
    message_u16s(&builder, 6, TEMPLATE, 2, 150, 4, 151, 4);
    message_u16s(&builder, 6, TEMPLATE + 1, 2, 154, 8, 155, 8);
    message_u16s(&builder, 6, TEMPLATE + 2, 2, 161, 4, 152, 8);
    message_u16s(&builder, 6, TEMPLATE + 3, 2, 158, 4, 159, 4);
    message_u16s(&builder, 8, TEMPLATE + 4, 3, 22, 4, 21, 4, 160, 8);
    message_u16s(&builder, 4, TEMPLATE + 5, 1, 323, 8);
    message_u16s(&builder, 4, TEMPLATE + 6, 1, 1, 4);
    message_set(&builder, TEMPLATE);
    message_u32(&builder, 900);
    message_u32(&builder, 901);
    message_set(&builder, TEMPLATE + 1);
    u64((UINT64_C(2208988800) + 1000) << 32 | 0x80000000u);
    u64((UINT64_C(2208988800) + 1001) << 32);
    message_set(&builder, TEMPLATE + 2);
    message_u32(&builder, 250);
    u64(5000);
    message_set(&builder, TEMPLATE + 3);
    message_u32(&builder, 2000000);
    message_u32(&builder, 1000);
    message_set(&builder, TEMPLATE + 4);
    message_u32(&builder, 10);
    message_u32(&builder, 30);
    u64(100000);
    message_set(&builder, TEMPLATE + 5);
    u64(4242);
    message_set(&builder, TEMPLATE + 6);
    message_u32(&builder, 1);

    static const uint64_t expected[][2] = {{900000, 901000},  {1000500, 1001000}, {5000, 5250},
                                           {998000, 999999},  {100010, 100030},   {4242, 4242},
                                           {1000000, 1000000}};
    outcome_open(&o);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        ck_assert(outcome_next(&o));
        ck_assert_uint_eq(number(&o, LNF_FLD_FIRST), expected[i][0]);
        ck_assert_uint_eq(number(&o, LNF_FLD_LAST), expected[i][1]);
    }
    outcome_close(&o);
}
END_TEST

/* Beside an end it gives the start; alone, with the Export Time as the end. */
START_TEST(a_duration_without_a_start)
{
    struct outcome o;

    message_start(&builder, 1, 0);
    message_set(&builder, 2);
    message_u16s(&builder, 4, TEMPLATE, 1, 161, 4);
    message_u16s(&builder, 6, TEMPLATE + 1, 2, 162, 4, 153, 8);
    message_u16s(&builder, 6, TEMPLATE + 2, 2, 161, 4, 151, 4);
    message_u16s(&builder, 8, TEMPLATE + 3, 3, 161, 4, 153, 8, 152, 8);
    message_set(&builder, TEMPLATE);
    message_u32(&builder, 5000);
    message_set(&builder, TEMPLATE + 1);
    message_u32(&builder, 2000000);
    u64(80000);
    message_set(&builder, TEMPLATE + 2);
    message_u32(&builder, 0xFFFFFFFF);
    message_u32(&builder, 7);
    message_set(&builder, TEMPLATE + 3);
    message_u32(&builder, 1);
    u64(80000);
    u64(70000);

    static const uint64_t expected[][2] = {
        {995000, 1000000}, {78000, 80000}, {0, 7000}, {70000, 80000}};
    outcome_open(&o);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        ck_assert(outcome_next(&o));
        ck_assert_uint_eq(number(&o, LNF_FLD_FIRST), expected[i][0]);
        ck_assert_uint_eq(number(&o, LNF_FLD_LAST), expected[i][1]);
    }
    outcome_close(&o);
}
END_TEST

START_TEST(icmp_goes_into_the_destination_port)
{
    struct outcome o;

    message_start(&builder, 1, 0);
    message_set(&builder, 2);
    message_u16s(&builder, 6, TEMPLATE, 2, 4, 1, 32, 2);
    message_u16s(&builder, 8, TEMPLATE + 1, 3, 176, 1, 177, 1, 4, 1);
    message_u16s(&builder, 8, TEMPLATE + 2, 3, 4, 1, 11, 2, 32, 2);
    message_set(&builder, TEMPLATE);
    message_u8(&builder, 1);
    u16(0x0303);
    message_set(&builder, TEMPLATE + 1);
    message_u8(&builder, 8);
    message_u8(&builder, 1);
    message_u8(&builder, 58);
    message_set(&builder, TEMPLATE + 2);
    message_u8(&builder, 6); /* TCP with a port: a stray ICMP value must not damage it */
    u16(443);
    u16(0x0303);
    message_u8(&builder, 1);
    u16(0x0800);
    u16(0x0303);

    outcome_open(&o);
    static const uint16_t expected[] = {0x0303, 0x0801, 443, 0x0803};
    for (size_t i = 0; i < 3; i++) {
        ck_assert(outcome_next(&o));
        ck_assert_uint_eq(number(&o, LNF_FLD_DSTPORT), expected[i]);
    }
    ck_assert(outcome_next(&o));
    ck_assert_uint_eq(number(&o, LNF_FLD_DSTPORT) >> 8, 8);
    outcome_close(&o);
}
END_TEST

START_TEST(total_counters_only_without_delta_counters)
{
    struct outcome o;

    message_start(&builder, 1, 0);
    message_set(&builder, 2);
    message_u16s(&builder, 6, TEMPLATE, 2, 85, 4, 86, 4);
    message_u16s(&builder, 6, TEMPLATE + 1, 2, 85, 4, 1, 4);
    message_set(&builder, TEMPLATE);
    message_u32(&builder, 11);
    message_u32(&builder, 12);
    message_set(&builder, TEMPLATE + 1);
    message_u32(&builder, 13);
    message_u32(&builder, 14);
    outcome_open(&o);
    ck_assert(outcome_next(&o));
    ck_assert_uint_eq(number(&o, LNF_FLD_DOCTETS), 11);
    ck_assert_uint_eq(number(&o, LNF_FLD_DPKTS), 12);
    ck_assert(outcome_next(&o));
    ck_assert_uint_eq(number(&o, LNF_FLD_DOCTETS), 14);
    outcome_close(&o);
}
END_TEST

START_TEST(records_with_both_families)
{
    struct outcome o;

    message_start(&builder, 1, 0);
    message_set(&builder, 2);
    message_u16s(&builder, 6, TEMPLATE, 2, 8, 4, 27, 16);
    message_u16s(&builder, 8, TEMPLATE + 1, 3, 60, 1, 8, 4, 27, 16);
    message_set(&builder, TEMPLATE);
    message_u32(&builder, 0x0A000001);
    message_fill(&builder, 0, 16);
    message_u32(&builder, 0);
    message_fill(&builder, 0x20, 16);
    message_set(&builder, TEMPLATE + 1);
    message_u8(&builder, 6);
    message_u32(&builder, 0x0A000001);
    message_fill(&builder, 0x30, 16);
    outcome_open(&o);
    ck_assert(outcome_next(&o));
    ck_assert_str_eq(address(&o, LNF_FLD_SRCADDR), "10.0.0.1");
    ck_assert(outcome_next(&o));
    ck_assert_str_eq(address(&o, LNF_FLD_SRCADDR), "2020:2020:2020:2020:2020:2020:2020:2020");
    ck_assert(outcome_next(&o));
    ck_assert_str_eq(address(&o, LNF_FLD_SRCADDR), "3030:3030:3030:3030:3030:3030:3030:3030");
    outcome_close(&o);
}
END_TEST

/* Prefix lengths have elements for each family, too. */
START_TEST(prefix_lengths_of_both_families)
{
    struct outcome o;

    message_start(&builder, 1, 0);
    message_set(&builder, 2);
    message_u16s(&builder, 14, TEMPLATE, 6, 8, 4, 27, 16, 9, 1, 29, 1, 30, 1, 13, 1);
    message_u16s(&builder, 8, TEMPLATE + 1, 3, 27, 16, 9, 1, 29, 1);
    message_u16s(&builder, 8, TEMPLATE + 2, 3, 29, 1, 9, 1, 8, 4);
    message_u16s(&builder, 6, TEMPLATE + 3, 2, 27, 16, 9, 1);
    message_set(&builder, TEMPLATE);
    message_u32(&builder, 0x0A000001);
    message_fill(&builder, 0, 16);
    message_u32(&builder, 0x18000017); /* 24, 0, 0, 23 */
    message_u32(&builder, 0);
    message_fill(&builder, 0x20, 16);
    message_u32(&builder, 0x00302F00); /* 0, 48, 47, 0 */
    message_set(&builder, TEMPLATE + 1);
    message_fill(&builder, 0x20, 16);
    message_u8(&builder, 0);
    message_u8(&builder, 48);
    message_set(&builder, TEMPLATE + 2);
    message_u8(&builder, 0);
    message_u8(&builder, 24);
    message_u32(&builder, 0x0A000001);
    message_set(&builder, TEMPLATE + 3);
    message_fill(&builder, 0x20, 16);
    message_u8(&builder, 48);

    static const unsigned lengths[][2] = {{24, 23}, {48, 47}, {48, 0}, {24, 0}, {48, 0}};
    outcome_open(&o);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        ck_assert(outcome_next(&o));
        ck_assert_uint_eq(number(&o, LNF_FLD_SRC_MASK), lengths[i][0]);
        ck_assert_uint_eq(number(&o, LNF_FLD_DST_MASK), lengths[i][1]);
    }
    outcome_close(&o);
}
END_TEST

/* One of two addresses may be zero: DHCP. */
START_TEST(any_ipv4_address_tells_the_family)
{
    struct outcome o;

    message_start(&builder, 1, 0);
    message_set(&builder, 2);
    message_u16s(&builder, 10, TEMPLATE, 4, 8, 4, 12, 4, 27, 16, 28, 16);
    message_set(&builder, TEMPLATE);
    message_u32(&builder, 0x0A000001);
    message_u32(&builder, 0);
    message_fill(&builder, 0, 32);
    message_u32(&builder, 0);
    message_u32(&builder, 0xFFFFFFFF);
    message_fill(&builder, 0, 32);
    outcome_open(&o);
    ck_assert(outcome_next(&o));
    ck_assert_str_eq(address(&o, LNF_FLD_SRCADDR), "10.0.0.1");
    ck_assert(outcome_next(&o));
    ck_assert_str_eq(address(&o, LNF_FLD_DSTADDR), "255.255.255.255");
    outcome_close(&o);
}
END_TEST

/* nfdump shows the IPv6 element of a record that has both, also when it is empty. */
START_TEST(next_hops_of_both_families)
{
    struct outcome o;

    message_start(&builder, 1, 0);
    message_set(&builder, 2);
    message_u16s(&builder, 14, TEMPLATE, 6, 8, 4, 27, 16, 15, 4, 62, 16, 18, 4, 63, 16);
    message_u16s(&builder, 8, TEMPLATE + 1, 3, 8, 4, 15, 4, 62, 16);
    message_u16s(&builder, 6, TEMPLATE + 2, 2, 15, 4, 62, 16);
    message_set(&builder, TEMPLATE);
    for (int v6 = 0; v6 <= 1; v6++) {
        for (int i = 0; i < 3; i++) {
            message_u32(&builder, v6 != 0 ? 0 : 0x0A000001 + (uint32_t)i);
            message_fill(&builder, v6 != 0 ? 0x20 : 0, 16);
        }
    }
    message_set(&builder, TEMPLATE + 1);
    message_u32(&builder, 0x0A000001);
    message_u32(&builder, 0x0A000002);
    message_fill(&builder, 0, 16);
    message_set(&builder, TEMPLATE + 2);
    message_u32(&builder, 0);
    message_fill(&builder, 0x20, 16);
    message_u32(&builder, 0x0A000002);
    message_fill(&builder, 0, 16);

    static const unsigned elements[] = {4, 4, 3, 2, 2}; /* the generic one, and one for each */
    static const char *const next_hops[] = {"10.0.0.2", "2020:2020:2020:2020:2020:2020:2020:2020",
                                            "10.0.0.2", "2020:2020:2020:2020:2020:2020:2020:2020",
                                            "10.0.0.2"};
    outcome_open(&o);
    for (size_t i = 0; i < sizeof(next_hops) / sizeof(next_hops[0]); i++) {
        ck_assert(outcome_next(&o));
        ck_assert_str_eq(address(&o, LNF_FLD_IP_NEXTHOP), next_hops[i]);
        ck_assert_uint_eq(element_count(&o, (unsigned)i), elements[i]);
        if (i == 0) {
            ck_assert_str_eq(address(&o, LNF_FLD_BGP_NEXTHOP), "10.0.0.3");
        }
    }
    outcome_close(&o);
}
END_TEST

START_TEST(nothing_storable)
{
    struct outcome o;

    message_start(&builder, 1, 0);
    message_set(&builder, 2);
    message_u16s(&builder, 4, TEMPLATE, 1, 82, 4);
    message_set(&builder, TEMPLATE);
    message_u32(&builder, 1);
    outcome_open(&o);
    ck_assert(!o.storable);
    outcome_close(&o);
}
END_TEST

/* An address of 5 octets is no address; the rest of the record counts. */
START_TEST(wrong_lengths_are_left_out)
{
    struct outcome o;

    message_start(&builder, 1, 0);
    message_set(&builder, 2);
    message_u16s(&builder, 10, TEMPLATE, 4, 8, 5, 56, 3, 1, 9, 2, 4);
    message_set(&builder, TEMPLATE);
    message_fill(&builder, 1, 17);
    message_u32(&builder, 3);
    outcome_open(&o);
    ck_assert(outcome_next(&o));
    ck_assert_uint_eq(number(&o, LNF_FLD_DPKTS), 3);
    ck_assert_uint_eq(number(&o, LNF_FLD_DOCTETS), 0);
    outcome_close(&o);
}
END_TEST

START_TEST(full_block_refuses)
{
    static const struct ipfix_session_info info = {.transport = IPFIX_TRANSPORT_TCP};
    ipfix_decoder_t *decoder =
        ipfix_decoder_create(ipfix_session_create(&info), NULL, ignore_event, NULL);
    struct convert_message context = {0};
    struct ipfix_record_iter iter;
    struct ipfix_record record;
    convert_plan_t *plan;
    unsigned converted = 0;

    message_start(&builder, 1, 0);
    message_set(&builder, 2);
    message_u16s(&builder, 4, TEMPLATE, 1, 1, 4);
    message_set(&builder, TEMPLATE);
    message_u32(&builder, 7);
    struct ipfix_message *message = decode(decoder);
    ck_assert(convert_plan_create(message->sets[1].tmplt, &plan));
    ipfix_record_iter_init(&iter, &message->sets[1]);
    ck_assert(ipfix_record_next(&iter, &record));
    while (convert_record(plan, &record, &context, block)) {
        converted++;
        ck_assert_uint_lt(converted, 100000);
    }
    ck_assert_uint_eq(lnf_block_records(block), converted);
    ck_assert_uint_eq(lnf_block_stat(block)->bytes, 7 * (uint64_t)converted);
    convert_plan_destroy(plan);
    ipfix_message_unref(message);
    ipfix_decoder_destroy(decoder);
}
END_TEST

/* Every row of the table must have a place in flow files, or a template with it could not be
 * stored. */
START_TEST(every_mapped_element_converts)
{
    for (uint16_t element = 1; element < 500; element++) {
        const struct mapping *m = mapping_find(0, element);
        if (m == NULL) {
            continue;
        }
        static const uint16_t lengths[] = {
            [MAPPING_IPV4] = 4, [MAPPING_IPV6] = 16, [MAPPING_MAC] = 6};
        uint16_t length = m->kind <= MAPPING_MAC && lengths[m->kind] > 0 ? lengths[m->kind] : 8;
        struct outcome o;
        message_start(&builder, 1, 0);
        message_set(&builder, 2);
        message_u16s(&builder, 6, TEMPLATE, 2, element, length, MAPPING_ELEMENT_SYSTEM_INIT, 8);
        message_set(&builder, TEMPLATE);
        message_fill(&builder, 0, length - 1u);
        message_u8(&builder, 9);
        u64(0);
        outcome_open(&o);
        ck_assert_msg(outcome_next(&o), "element %u", element);
        outcome_close(&o);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lnfstore convert");
    TCase *tc = tcase_create("convert");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, ordinary_record);
    tcase_add_test(tc, reduced_sizes);
    tcase_add_test(tc, variable_length_before_fields);
    tcase_add_test(tc, times_of_all_kinds);
    tcase_add_test(tc, a_duration_without_a_start);
    tcase_add_test(tc, icmp_goes_into_the_destination_port);
    tcase_add_test(tc, total_counters_only_without_delta_counters);
    tcase_add_test(tc, records_with_both_families);
    tcase_add_test(tc, any_ipv4_address_tells_the_family);
    tcase_add_test(tc, prefix_lengths_of_both_families);
    tcase_add_test(tc, next_hops_of_both_families);
    tcase_add_test(tc, nothing_storable);
    tcase_add_test(tc, wrong_lengths_are_left_out);
    tcase_add_test(tc, full_block_refuses);
    tcase_add_test(tc, every_mapped_element_converts);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
