/* SPDX-License-Identifier: BSD-3-Clause */
/** Raw records: the layout, every field there and back, wrong octets. */
#include "field.h"
#include "record.h"

#include <arpa/inet.h>
#include <check.h>
#include <libnf/bytes.h>
#include <netinet/in.h>
#include <stdlib.h>

static lnf_rec_t *new_record(void)
{
    lnf_rec_t *record = NULL;

    ck_assert_int_eq(lnf_rec_init(&record), LNF_OK);
    return record;
}

static size_t get_raw(lnf_rec_t *record, char *buffer, size_t size)
{
    size_t used = 0;

    ck_assert_int_eq(lnf_rec_get_raw(record, LNF_REC_RAW_TLV, buffer, size, &used), LNF_OK);
    return used;
}

/* Fields that can be set and read back: not calculated ones, pairs and those no file can have. */
static bool is_plain(const struct lnf_field *field)
{
    return field->id < LNF_FLD_TERM_ && ((field->source == LNF_SOURCE_ELEMENT &&
                                          (field->element != 0 || field->element6 != 0)) ||
                                         field->source == LNF_SOURCE_HEADER);
}

/* A record with every such field set, other values for another seed. */
static lnf_rec_t *full_record(unsigned seed)
{
    lnf_rec_t *record = new_record();
    uint8_t value[256];

    for (unsigned i = 0; i < lnf_field_count; i++) {
        const struct lnf_field *field = &lnf_field_table[i];
        for (unsigned k = 0; k < sizeof(value); k++) {
            value[k] = (uint8_t)(1 + (seed + field->id * 7 + k) % 250);
        }
        value[255] = 0;
        if (is_plain(field)) {
            ck_assert_int_eq(lnf_rec_restore(record, field->id, value), LNF_OK);
        }
    }
    return record;
}

static void check_same_fields(lnf_rec_t *a, lnf_rec_t *b)
{
    for (unsigned i = 0; i < lnf_field_count; i++) {
        const struct lnf_field *field = &lnf_field_table[i];
        uint8_t value_a[256] = {0}, value_b[256] = {0};
        if (field->id < LNF_FLD_TERM_ && field->type != LNF_BASIC_RECORD1) {
            int status = lnf_rec_fget(a, field->id, value_a);
            ck_assert_msg(lnf_rec_fget(b, field->id, value_b) == status, "%s", field->name);
            ck_assert_msg(memcmp(value_a, value_b, sizeof(value_a)) == 0, "%s", field->name);
        }
    }
}

/* 10.1.2.3:443, TCP flow of a known length: every octet is laid down. */
START_TEST(test_layout)
{
    static const uint8_t head[] = {
        2, 0, 0, 162,                                        /* version, octets of entries */
        0, 1, 0, 8,   0, 0, 0x01, 0x8b, 0xcf, 0xe5, 0x68, 0, /* first */
        0, 2, 0, 8,   0, 0, 0,    0,    0,    0,    0,    0, /* last */
    };
    static const uint8_t address[] = {0, 0x0c, 0, 16, 0, 0, 0,  0, 0, 0,
                                      0, 0,    0, 0,  0, 0, 10, 1, 2, 3};
    lnf_rec_t *record = new_record();
    uint8_t octets[LNF_REC_RAW_TLV_BUFSIZE];
    uint64_t first = 1700000000000;
    lnf_ip_t ip = {{0, 0, 0, htonl(0x0a010203)}};

    ck_assert_int_eq(lnf_rec_fset(record, LNF_FLD_FIRST, &first), LNF_OK);
    ck_assert_int_eq(lnf_rec_fset(record, LNF_FLD_SRCADDR, &ip), LNF_OK);
    size_t size = get_raw(record, (char *)octets, sizeof(octets));
    ck_assert_uint_eq(size, 4 + be16toh(lnf_load_u16(octets + 2)));
    ck_assert_mem_eq(octets, head, 2);
    ck_assert_mem_eq(octets + 4, head + 4, sizeof(head) - 4);
    ck_assert_ptr_nonnull(memmem(octets, size, address, sizeof(address)));
    lnf_rec_free(record);
}
END_TEST

START_TEST(test_all_fields)
{
    lnf_rec_t *record = full_record((unsigned)_i * 13), *copy = new_record();
    char octets[2048], other[2048];

    size_t size = get_raw(record, octets, sizeof(octets));
    ck_assert_int_eq(lnf_rec_set_raw(copy, octets, size), LNF_OK);
    check_same_fields(record, copy);
    ck_assert_uint_eq(get_raw(copy, other, sizeof(other)), size);
    ck_assert_mem_eq(octets, other, size);
    lnf_rec_free(record);
    lnf_rec_free(copy);
}
END_TEST

/* What LNF_REC_RAW_TLV_BUFSIZE promises: every field, a user name of any length, an exporter. */
START_TEST(test_usual_buffer)
{
    lnf_rec_t *record = full_record(1);
    struct lnf_exporter exporter = {.sysid = 1, .version = 9, .domain_id = 5};
    char octets[LNF_REC_RAW_TLV_BUFSIZE], name[256] = {0};
    size_t needed = 0;

    memset(name, 'n', 255);
    lnf_rec_set_exporter(record, &exporter);
    ck_assert_int_eq(lnf_rec_fset(record, LNF_FLD_USERNAME, name), LNF_OK);
    ck_assert_int_eq(lnf_rec_get_raw(record, LNF_REC_RAW_TLV, octets, sizeof(octets), &needed),
                     LNF_OK);
    ck_assert_int_eq(lnf_rec_get_raw(record, LNF_REC_RAW_TLV, octets, needed, NULL), LNF_OK);
    ck_assert_int_eq(lnf_rec_get_raw(record, LNF_REC_RAW_TLV, octets, needed - 1, &needed),
                     LNF_ERR_NOMEM);
    ck_assert_uint_gt(needed, 500);
    ck_assert_int_eq(lnf_rec_get_raw(record, LNF_REC_RAW_TLV, octets, 0, &needed), LNF_ERR_NOMEM);
    ck_assert_int_eq(lnf_rec_get_raw(record, 0, octets, sizeof(octets), &needed), LNF_ERR_OTHER);
    lnf_rec_free(record);
}
END_TEST

START_TEST(test_empty)
{
    lnf_rec_t *record = new_record(), *copy = full_record(3);
    char octets[64], nothing[] = {2, 0, 0, 0};

    size_t size = get_raw(record, octets, sizeof(octets));
    ck_assert_int_eq(lnf_rec_set_raw(copy, octets, size), LNF_OK);
    check_same_fields(record, copy);
    ck_assert_int_eq(lnf_rec_set_raw(copy, nothing, sizeof(nothing)), LNF_OK);
    check_same_fields(record, copy);
    lnf_rec_free(record);
    lnf_rec_free(copy);
}
END_TEST

/* Addresses of 0 in an IPv6 record, the exporter, the event flag: not in plain elements. */
START_TEST(test_hidden_facts)
{
    lnf_rec_t *record = new_record(), *copy = new_record();
    struct lnf_exporter exporter = {.sysid = 3, .version = 10, .domain_id = 77};
    struct sockaddr_in6 address = {.sin6_family = AF_INET6};
    uint32_t family = AF_INET6, id = 0;
    uint8_t event = 1, flag = 0;
    lnf_ip_t ip;
    char octets[1024];

    inet_pton(AF_INET6, "2001:db8::7", &address.sin6_addr);
    memcpy(&exporter.address, &address, sizeof(address));
    lnf_rec_set_exporter(record, &exporter);
    ck_assert_int_eq(lnf_rec_restore(record, LNF_FLD_INET_FAMILY, &family), LNF_OK);
    ck_assert_int_eq(lnf_rec_fset(record, LNF_FLD_EVENT_FLAG, &event), LNF_OK);
    size_t size = get_raw(record, octets, sizeof(octets));
    ck_assert_int_eq(lnf_rec_set_raw(copy, octets, size), LNF_OK);
    check_same_fields(record, copy);
    family = 0;
    ck_assert_int_eq(lnf_rec_fget(copy, LNF_FLD_INET_FAMILY, &family), LNF_OK);
    ck_assert_uint_eq(family, AF_INET6);
    ck_assert_int_eq(lnf_rec_fget(copy, LNF_FLD_EXPORTER_ID, &id), LNF_OK);
    ck_assert_uint_eq(id, 77);
    ck_assert_int_eq(lnf_rec_fget(copy, LNF_FLD_EXPORTER_IP, &ip), LNF_OK);
    ck_assert_mem_eq(&ip, &address.sin6_addr, 16);
    ck_assert_int_eq(lnf_rec_fget(copy, LNF_FLD_EVENT_FLAG, &flag), LNF_OK);
    ck_assert_uint_eq(flag, 1);
    lnf_rec_free(record);
    lnf_rec_free(copy);
}
END_TEST

static void check_not_set(lnf_rec_t *record, int field)
{
    uint8_t value[256];

    ck_assert_int_eq(lnf_rec_fget(record, field, value), LNF_ERR_NOTSET);
}

/* One field must not bring others along that only lie beside it in one of its places. */
START_TEST(test_nothing_added)
{
    lnf_rec_t *record = new_record(), *copy = new_record();
    uint64_t time = 1700000000000;
    uint32_t version = 9;
    char octets[1024];

    ck_assert_int_eq(lnf_rec_restore(record, LNF_FLD_EVENT_TIME, &time), LNF_OK);
    ck_assert_int_eq(lnf_rec_restore(record, LNF_FLD_EXPORTER_VERSION, &version), LNF_OK);
    check_not_set(record, LNF_FLD_CONN_ID);
    check_not_set(record, LNF_FLD_EXPORTER_IP);
    size_t size = get_raw(record, octets, sizeof(octets));
    ck_assert_int_eq(lnf_rec_set_raw(copy, octets, size), LNF_OK);
    check_same_fields(record, copy);
    check_not_set(copy, LNF_FLD_CONN_ID);
    check_not_set(copy, LNF_FLD_EXPORTER_IP);
    lnf_rec_free(record);
    lnf_rec_free(copy);
}
END_TEST

/* In memory of exactly that size, so that reading past its end is noticed. */
static int set_exact(lnf_rec_t *record, const char *octets, size_t size)
{
    char *exact = malloc(size > 0 ? size : 1);

    ck_assert_ptr_nonnull(exact);
    memcpy(exact, octets, size);
    int status = lnf_rec_set_raw(record, exact, size);
    free(exact);
    return status;
}

static void check_refused(const char *octets, size_t size)
{
    lnf_rec_t *record = full_record(5), *empty = new_record();
    char text[LNF_MAX_STRING] = "";

    ck_assert_int_eq(set_exact(record, octets, size), LNF_ERR_OTHER_MSG);
    lnf_error(text, sizeof(text));
    ck_assert_ptr_nonnull(strstr(text, "raw record"));
    check_same_fields(record, empty);
    lnf_rec_free(record);
    lnf_rec_free(empty);
}

START_TEST(test_cut_short)
{
    lnf_rec_t *record = full_record(9);
    char octets[2048];
    size_t size = get_raw(record, octets, sizeof(octets));

    for (size_t i = 0; i < size; i++) {
        check_refused(octets, i);
    }
    /* The header says less than there is: whole entries are fine, anything else is not. */
    size_t fine = 0;
    for (unsigned length = 0; length < size - 4; length++) {
        lnf_store_u16((uint8_t *)octets + 2, htobe16((uint16_t)length));
        fine += set_exact(record, octets, size) == LNF_OK;
    }
    ck_assert_uint_gt(fine, 50);
    ck_assert_uint_lt(fine, lnf_field_count);
    lnf_rec_free(record);
}
END_TEST

START_TEST(test_wrong)
{
    lnf_rec_t *record = new_record();
    uint16_t port = 0;
    char good[] = {2, 0, 0, 6, 0, LNF_FLD_SRCPORT, 0, 2, 1, (char)0xbb, 'x', 'y'};
    char long_port[] = {2, 0, 0, 7, 0, LNF_FLD_SRCPORT, 0, 3, 1, 2, 3};
    char short_port[] = {2, 0, 0, 5, 0, LNF_FLD_SRCPORT, 0, 1, 1};
    char no_port[] = {2, 0, 0, 4, 0, LNF_FLD_SRCPORT, 0, 0};
    char huge[] = {2, 0, 0, 6, 0, LNF_FLD_SRCPORT, (char)0xff, (char)0xff, 1, 2};
    char version[] = {1, 0, 0, 6, 0, LNF_FLD_SRCPORT, 0, 2, 1, 2};
    char past_end[] = {2, 0, (char)0xff, (char)0xff, 0, LNF_FLD_SRCPORT, 0, 2, 1, 2};
    char half_header[] = {2, 0, 0, 3, 0, LNF_FLD_SRCPORT, 0};
    char unknown[] = {2, 0, 0, 11, 0x7f, 1, 0, 1, 5, 0, LNF_FLD_SRCPORT, 0, 2, 1, (char)0xbb};

    ck_assert_int_eq(lnf_rec_set_raw(record, good, sizeof(good)), LNF_OK); /* octets behind it */
    ck_assert_int_eq(lnf_rec_fget(record, LNF_FLD_SRCPORT, &port), LNF_OK);
    ck_assert_uint_eq(port, 443);
    check_refused(long_port, sizeof(long_port));
    check_refused(short_port, sizeof(short_port));
    check_refused(no_port, sizeof(no_port));
    check_refused(huge, sizeof(huge));
    check_refused(version, sizeof(version));
    check_refused(past_end, sizeof(past_end));
    check_refused(half_header, sizeof(half_header));
    ck_assert_int_eq(lnf_rec_set_raw(record, unknown, sizeof(unknown)), LNF_OK);
    port = 0;
    ck_assert_int_eq(lnf_rec_fget(record, LNF_FLD_SRCPORT, &port), LNF_OK);
    ck_assert_uint_eq(port, 443);
    lnf_rec_free(record);
}
END_TEST

/* A string has at most 255 octets; a file has room for fewer, and the rest is cut. */
START_TEST(test_strings)
{
    lnf_rec_t *record = new_record();
    char octets[8 + 256] = {2, 0, 0, 0, 0, LNF_FLD_USERNAME, 0, 0};
    lnf_string_t name = "unset";

    ck_assert_int_eq(lnf_rec_set_raw(record, octets, 4), LNF_OK);
    memset(octets + 8, 'u', 256);
    for (unsigned length = 0; length <= 256; length++) {
        lnf_store_u16((uint8_t *)octets + 2, htobe16((uint16_t)(length + 4)));
        lnf_store_u16((uint8_t *)octets + 6, htobe16((uint16_t)length));
        if (length == 256) {
            check_refused(octets, length + 8);
            break;
        }
        ck_assert_int_eq(set_exact(record, octets, length + 8), LNF_OK);
        ck_assert_int_eq(lnf_rec_fget(record, LNF_FLD_USERNAME, name), LNF_OK);
        ck_assert_uint_eq(strlen(name), length < 65 ? length : strlen(name));
        ck_assert_uint_ge(strlen(name), length < 65 ? length : 64);
    }
    lnf_rec_free(record);
}
END_TEST

/* What is accepted of changed octets is written and read again unchanged. */
START_TEST(test_changed_octets)
{
    lnf_rec_t *record = full_record(11), *changed = new_record(), *again = new_record();
    char octets[2048], first[4096], second[4096];
    size_t size = get_raw(record, octets, sizeof(octets));
    unsigned accepted = 0;

    srand((unsigned)_i + 1);
    for (unsigned round = 0; round < 3000; round++) {
        char copy[2048];
        memcpy(copy, octets, size);
        for (unsigned n = 1 + (unsigned)rand() % 4; n > 0; n--) {
            copy[(size_t)rand() % size] = (char)rand();
        }
        if (set_exact(changed, copy, size) == LNF_OK) {
            accepted++;
            size_t used = get_raw(changed, first, sizeof(first));
            ck_assert_int_eq(set_exact(again, first, used), LNF_OK);
            ck_assert_uint_eq(get_raw(again, second, sizeof(second)), used);
            ck_assert_mem_eq(first, second, used);
            check_same_fields(changed, again);
        }
    }
    ck_assert_uint_gt(accepted, 300);
    lnf_rec_free(record);
    lnf_rec_free(changed);
    lnf_rec_free(again);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("libnf/compat_raw");
    TCase *tc = tcase_create("raw");

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, test_layout);
    tcase_add_loop_test(tc, test_all_fields, 0, 5);
    tcase_add_test(tc, test_usual_buffer);
    tcase_add_test(tc, test_empty);
    tcase_add_test(tc, test_hidden_facts);
    tcase_add_test(tc, test_nothing_added);
    tcase_add_test(tc, test_cut_short);
    tcase_add_test(tc, test_wrong);
    tcase_add_test(tc, test_strings);
    tcase_add_loop_test(tc, test_changed_octets, 0, 3);
    suite_add_tcase(suite, tc);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
