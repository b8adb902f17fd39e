/* SPDX-License-Identifier: BSD-3-Clause */
/** Facts about fields through libnf.h, and names with prefix lengths. */
#include "field.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(test_type)
{
    ck_assert_int_eq(lnf_fld_type(LNF_FLD_FIRST), LNF_UINT64);
    ck_assert_int_eq(lnf_fld_type(LNF_FLD_SRCADDR), LNF_ADDR);
    ck_assert_int_eq(lnf_fld_type(LNF_FLD_SRCPORT), LNF_UINT16);
    ck_assert_int_eq(lnf_fld_type(LNF_FLD_PROT), LNF_UINT8);
    ck_assert_int_eq(lnf_fld_type(LNF_FLD_IN_SRC_MAC), LNF_MAC);
    ck_assert_int_eq(lnf_fld_type(LNF_FLD_MPLS_LABEL), LNF_MPLS);
    ck_assert_int_eq(lnf_fld_type(LNF_FLD_INGRESS_ACL), LNF_ACL);
    ck_assert_int_eq(lnf_fld_type(LNF_FLD_USERNAME), LNF_STRING);
    ck_assert_int_eq(lnf_fld_type(LNF_FLD_CALC_BPS), LNF_DOUBLE);
    ck_assert_int_eq(lnf_fld_type(LNF_FLD_BREC1), LNF_BASIC_RECORD1);
    ck_assert_int_eq(lnf_fld_type(LNF_FLD_PAIR_ADDR), LNF_ADDR);
    ck_assert_int_eq(lnf_fld_type(0), LNF_NONE);
    ck_assert_int_eq(lnf_fld_type(-1), LNF_NONE);
    ck_assert_int_eq(lnf_fld_type(LNF_FLD_TERM_), LNF_NONE);
    ck_assert_int_eq(lnf_fld_type(99999), LNF_NONE);
}
END_TEST

static unsigned list_fields(int list[512])
{
    unsigned count = 0;

    ck_assert_int_eq(lnf_fld_info(0, LNF_FLD_INFO_FIELDS, list, 512 * sizeof(int)), LNF_OK);
    while (list[count] != LNF_FLD_TERM_) {
        count++;
        ck_assert_uint_lt(count, 512);
    }
    return count;
}

/** Every number of libnf.h is listed once; the list needs its room to the last int. */
START_TEST(test_list)
{
    int list[512];
    unsigned count = list_fields(list);
    bool seen[256] = {false};

    for (unsigned i = 0; i < count; i++) {
        ck_assert_int_gt(list[i], 0);
        ck_assert_int_lt(list[i], LNF_FLD_TERM_);
        ck_assert_msg(!seen[list[i]], "0x%x twice", (unsigned)list[i]);
        seen[list[i]] = true;
    }
    for (int id = LNF_FLD_FIRST; id <= LNF_FLD_SAMPLER_ID; id++) {
        ck_assert_msg(seen[id], "0x%x is missing", (unsigned)id);
    }
    for (int id = LNF_FLD_CALC_DURATION; id <= LNF_FLD_CALC_BPP; id++) {
        ck_assert(seen[id]);
    }
    for (int id = LNF_FLD_PAIR_PORT; id <= LNF_FLD_PAIR_VLAN; id++) {
        ck_assert(seen[id]);
    }
    ck_assert(seen[LNF_FLD_BREC1]);

    size_t size = (count + 1) * sizeof(int);
    ck_assert_int_eq(lnf_fld_info(0, LNF_FLD_INFO_FIELDS, list, size), LNF_OK);
    ck_assert_int_eq(lnf_fld_info(0, LNF_FLD_INFO_FIELDS, list, size - 1), LNF_ERR_NOMEM);
}
END_TEST

static int int_info(int field, int info)
{
    int value = -1;
    ck_assert_int_eq(lnf_fld_info(field, info, &value, sizeof(value)), LNF_OK);
    return value;
}

/** Every listed field has its facts, and its name leads back to it. */
START_TEST(test_every_field)
{
    int list[512], bits, bits6;
    unsigned count = list_fields(list);

    for (unsigned i = 0; i < count; i++) {
        char name[256] = "", description[256] = "";
        ck_assert_int_eq(lnf_fld_info(list[i], LNF_FLD_INFO_NAME, name, sizeof(name)), LNF_OK);
        ck_assert_int_eq(
            lnf_fld_info(list[i], LNF_FLD_INFO_DESCR, description, sizeof(description)), LNF_OK);
        ck_assert(name[0] != '\0' && description[0] != '\0');
        const struct lnf_field *row = lnf_field_get(list[i]);
        ck_assert_ptr_nonnull(row);
        ck_assert_msg(lnf_fld_parse(name, &bits, &bits6) == row->id, "%s", name);
        ck_assert_int_eq(int_info(list[i], LNF_FLD_INFO_TYPE), lnf_fld_type(list[i]));
        ck_assert_int_ne(lnf_fld_type(list[i]), LNF_NONE);
        ck_assert_int_ge(int_info(list[i], LNF_FLD_INFO_AGGR), 0);
        ck_assert_int_ge(int_info(list[i], LNF_FLD_INFO_SORT), 0);
        ck_assert_int_gt(int_info(list[i], LNF_FLD_INFO_SIZE), 0);
        size_t length = strlen(name);
        ck_assert_int_eq(lnf_fld_info(list[i], LNF_FLD_INFO_NAME, name, length + 1), LNF_OK);
        ck_assert_int_eq(lnf_fld_info(list[i], LNF_FLD_INFO_NAME, name, length), LNF_ERR_NOMEM);
    }
}
END_TEST

START_TEST(test_sizes)
{
    ck_assert_int_eq(int_info(LNF_FLD_PROT, LNF_FLD_INFO_SIZE), 1);
    ck_assert_int_eq(int_info(LNF_FLD_SRCPORT, LNF_FLD_INFO_SIZE), 2);
    ck_assert_int_eq(int_info(LNF_FLD_SRCAS, LNF_FLD_INFO_SIZE), 4);
    ck_assert_int_eq(int_info(LNF_FLD_FIRST, LNF_FLD_INFO_SIZE), 8);
    ck_assert_int_eq(int_info(LNF_FLD_CALC_BPS, LNF_FLD_INFO_SIZE), 8);
    ck_assert_int_eq(int_info(LNF_FLD_SRCADDR, LNF_FLD_INFO_SIZE), 16);
    ck_assert_int_eq(int_info(LNF_FLD_IN_SRC_MAC, LNF_FLD_INFO_SIZE), 6);
    ck_assert_int_eq(int_info(LNF_FLD_MPLS_LABEL, LNF_FLD_INFO_SIZE), 40);
    ck_assert_int_eq(int_info(LNF_FLD_INGRESS_ACL, LNF_FLD_INFO_SIZE), 12);
    ck_assert_int_eq(int_info(LNF_FLD_USERNAME, LNF_FLD_INFO_SIZE), 256);
    ck_assert_int_eq(int_info(LNF_FLD_BREC1, LNF_FLD_INFO_SIZE), (int)sizeof(lnf_brec1_t));
}
END_TEST

START_TEST(test_ipfix)
{
    char name[100];
    int value = -1;

    ck_assert_int_eq(lnf_fld_info(LNF_FLD_SRCADDR, LNF_FLD_INFO_IPFIX_NAME, name, 100), LNF_OK);
    ck_assert_str_eq(name, "sourceIPv4Address");
    ck_assert_int_eq(lnf_fld_info(LNF_FLD_SRCADDR, LNF_FLD_INFO_IPFIX_NAME6, name, 100), LNF_OK);
    ck_assert_str_eq(name, "sourceIPv6Address");
    ck_assert_int_eq(int_info(LNF_FLD_SRCADDR, LNF_FLD_INFO_IPFIX_ID), 8);
    ck_assert_int_eq(int_info(LNF_FLD_SRCADDR, LNF_FLD_INFO_IPFIX_EID), 0);
    ck_assert_int_eq(int_info(LNF_FLD_SRCADDR, LNF_FLD_INFO_IPFIX_ID6), 27);
    ck_assert_int_eq(int_info(LNF_FLD_SRCADDR, LNF_FLD_INFO_IPFIX_EID6), 0);
    ck_assert_int_eq(int_info(LNF_FLD_DOCTETS, LNF_FLD_INFO_IPFIX_ID), 1);
    for (int info = LNF_FLD_INFO_IPFIX_NAME6; info <= LNF_FLD_INFO_IPFIX_ID6; info += 3) {
        ck_assert_int_eq(lnf_fld_info(LNF_FLD_DOCTETS, info, name, sizeof(name)), LNF_ERR_NOTSET);
    }
    ck_assert_int_eq(lnf_fld_info(LNF_FLD_BREC1, LNF_FLD_INFO_IPFIX_NAME, name, 100),
                     LNF_ERR_NOTSET);
    ck_assert_int_eq(lnf_fld_info(LNF_FLD_BREC1, LNF_FLD_INFO_IPFIX_ID, &value, sizeof(value)),
                     LNF_ERR_NOTSET);
    ck_assert_int_eq(value, -1);
}
END_TEST

START_TEST(test_errors)
{
    int value;

    ck_assert_int_eq(lnf_fld_info(9999, LNF_FLD_INFO_TYPE, &value, sizeof(value)), LNF_ERR_UNKFLD);
    ck_assert_int_eq(lnf_fld_info(0, LNF_FLD_INFO_TYPE, &value, sizeof(value)), LNF_ERR_UNKFLD);
    ck_assert_int_eq(lnf_fld_info(LNF_FLD_FIRST, 0x77, &value, sizeof(value)), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_fld_info(LNF_FLD_FIRST, LNF_FLD_INFO_TYPE, &value, 3), LNF_ERR_NOMEM);
    ck_assert_int_eq(lnf_fld_info(LNF_FLD_FIRST, LNF_FLD_INFO_TYPE, NULL, 4), LNF_ERR_NOMEM);
    ck_assert_int_eq(lnf_fld_info(0, LNF_FLD_INFO_FIELDS, NULL, 4096), LNF_ERR_NOMEM);
}
END_TEST

/* ---- names ----------------------------------------------------------------------------------- */

struct parse_row {
    const char *text;
    int field, bits, bits6;
};

static const struct parse_row parse_rows[] = {
    {"srcip", LNF_FLD_SRCADDR, 32, 128},
    {"srcip/24", LNF_FLD_SRCADDR, 24, 128},
    {"srcip/24/64", LNF_FLD_SRCADDR, 24, 64},
    {"srcip/0/0", LNF_FLD_SRCADDR, 0, 0},
    {"srcip/32/128", LNF_FLD_SRCADDR, 32, 128},
    {"srcip4/24", LNF_FLD_SRCADDR, 24, 128},
    {"srcip4/24/64", LNF_FLD_SRCADDR, 24, 64},
    {"srcip6", LNF_FLD_SRCADDR, 32, 128},
    {"srcip6/64", LNF_FLD_SRCADDR, 32, 64},
    {"srcip6/0", LNF_FLD_SRCADDR, 32, 0},
    {"srcip6/128", LNF_FLD_SRCADDR, 32, 128},
    {"sourceIPv4Address/24", LNF_FLD_SRCADDR, 24, 128},
    {"ip/16/48", LNF_FLD_PAIR_ADDR, 16, 48},
    {"first", LNF_FLD_FIRST, 0, 0},
    {"first/300", LNF_FLD_FIRST, 300, 0},
    {"first/2147483647", LNF_FLD_FIRST, 2147483647, 0},
    {"srcport", LNF_FLD_SRCPORT, 0, 0},
    {"srcport/5", LNF_FLD_SRCPORT, 0, 0}, /* numbers on other types say nothing */
    {"srcport/5/6", LNF_FLD_SRCPORT, 0, 0},
    {"pkts", LNF_FLD_DPKTS, 0, 0},
    {"octetDeltaCount", LNF_FLD_DOCTETS, 0, 0},
};

START_TEST(test_parse)
{
    const struct parse_row *row = &parse_rows[_i];
    int bits = -1, bits6 = -1;

    ck_assert_int_eq(lnf_fld_parse(row->text, &bits, &bits6), row->field);
    ck_assert_int_eq(bits, row->bits);
    ck_assert_int_eq(bits6, row->bits6);
    ck_assert_int_eq(lnf_fld_parse(row->text, NULL, NULL), row->field);
}
END_TEST

static const char *const bad_names[] = {
    "",
    "/",
    "4",
    "6",
    "nosuchfield",
    "srci",
    "SRCIP",
    " srcip",
    "srcip ",
    "srcip/",
    "srcip//",
    "srcip/33",
    "srcip/a",
    "srcip/-1",
    "srcip/24/",
    "srcip/24/129",
    "srcip/24/64/",
    "srcip/24/64/1",
    "srcip6/129",
    "srcip6/64/64",
    "srcip/24x",
    "srcip/ 24",
    "first/2147483648",
    "first/99999999999999999999",
    "srcip44",
    "/24",
    "srcip/0x10",
    "biflow-dir",
    "nfversion",
};

/** Unknown names, numbers out of range, trailing characters, fields libnf.h has no number for. */
START_TEST(test_parse_bad)
{
    int bits = -1, bits6 = -1;

    ck_assert_msg(lnf_fld_parse(bad_names[_i], &bits, &bits6) == LNF_FLD_ZERO_, "'%s'",
                  bad_names[_i]);
    ck_assert_int_eq(bits, -1);
    ck_assert_int_eq(bits6, -1);
}
END_TEST

/** A name with both lengths, cut at every length. */
START_TEST(test_parse_cut)
{
    static const char text[] = "srcip/24/64";
    static const struct {
        int bits, bits6; /* -1 = none there */
    } rows[] = {{-1, -1}, {-1, -1}, {-1, -1},  {-1, -1}, {-1, -1}, {32, 128},
                {-1, -1}, {2, 128}, {24, 128}, {-1, -1}, {24, 6},  {24, 64}};

    for (size_t size = 0; size < sizeof(text); size++) {
        char *cut = strndup(text, size);
        int bits = -1, bits6 = -1;
        int field = rows[size].bits < 0 ? LNF_FLD_ZERO_ : LNF_FLD_SRCADDR;
        ck_assert_msg(lnf_fld_parse(cut, &bits, &bits6) == field, "'%s'", cut);
        ck_assert_int_eq(bits, rows[size].bits);
        ck_assert_int_eq(bits6, rows[size].bits6);
        ck_assert_uint_eq(strlen(cut), size); /* the original wrote into the text */
        ck_assert_int_eq(strncmp(cut, text, size), 0);
        free(cut);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("libnf/compat_field");
    TCase *tc = tcase_create("compat_field");

    tcase_add_test(tc, test_type);
    tcase_add_test(tc, test_list);
    tcase_add_test(tc, test_every_field);
    tcase_add_test(tc, test_sizes);
    tcase_add_test(tc, test_ipfix);
    tcase_add_test(tc, test_errors);
    tcase_add_loop_test(tc, test_parse, 0, sizeof(parse_rows) / sizeof(parse_rows[0]));
    tcase_add_loop_test(tc, test_parse_bad, 0, sizeof(bad_names) / sizeof(bad_names[0]));
    tcase_add_test(tc, test_parse_cut);
    suite_add_tcase(suite, tc);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
