/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Examples of the filter language: each filter, the sample flows it selects, or where and how it
 * is wrong. `!=` (31), a unit after a blank (62) and comparisons of ICMP types (78) are accepted
 * although neither of the two older engines did.
 */
#include "filter_check.h"
#include "sample_flows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct example {
    int number;
    const char *filter;
    const char *letters; /* "!" = does not compile */
    unsigned column;
    const char *message;
} examples[] = {
    {1, "any", "ABCDEFGHI", 0, NULL},
    {2, "not any", "", 0, NULL},
    {3, "", "ABCDEFGHI", 0, NULL},
    {4, "# text", "ABCDEFGHI", 0, NULL},
    {5, "src ip 10.0.0.1", "A", 0, NULL},
    {6, "srcip 10.0.0.1", "A", 0, NULL},
    {7, "ip 10.0.0.1", "AD", 0, NULL},
    {8, "host 10.0.0.1", "AD", 0, NULL},
    {9, "SRC IP 10.0.0.1", "A", 0, NULL},
    {10, "ip 10.0", "!", 4, "incomplete IP address"},
    {11, "ip 10.0.0.256", "!", 4, "no IP address"},
    {12, "ip 10.0.0.0/30", "ABD", 0, NULL},
    {13, "net 10.0.0.0/8", "ABDEFG", 0, NULL},
    {14, "net 10/8", "ABDEFG", 0, NULL},
    {15, "net 10.1/16", "ABFG", 0, NULL},
    {16, "net 172.16/12", "C", 0, NULL},
    {17, "net 10.1.0.7/16", "ABFG", 0, NULL},
    {18, "net 10.0.0.0 255.0.0.0", "ABDEFG", 0, NULL},
    {19, "net 10.0.0.0/33", "!", 14, "too long"},
    {20, "net 2001:db8::/32", "HI", 0, NULL},
    {21, "net 2001:db8::/129", "!", 16, "no length"},
    {22, "src and dst net 10.0.0.0/8", "ABFG", 0, NULL},
    {23, "ip in [10.0.0.1 8.8.8.8]", "ACD", 0, NULL},
    {24, "src ip in [10.0.0.0/30]", "AB", 0, NULL},
    {25, "ip in [10.0.0.1, 10.1.0.0/16]", "ABDFG", 0, NULL},
    {26, "port 80", "AB", 0, NULL},
    {27, "src and dst port 80", "B", 0, NULL},
    {28, "port http", "AB", 0, NULL},
    {29, "port > 5000", "ACI", 0, NULL},
    {30, "port >= 80", "ABCDEFGHI", 0, NULL},
    {31, "src port != 80", "ACDEFGHI", 0, NULL},
    {32, "port in [80 443]", "ABFG", 0, NULL},
    {33, "port in [80, 443,]", "!", 18, "unexpected ']'"},
    {34, "port in []", "!", 10, "unexpected ']'"},
    {35, "port in[80 443]", "ABFG", 0, NULL},
    {36, "port 70000", "!", 6, "too large"},
    {37, "port eighty", "!", 6, "no value of 'port'"},
    {38, "not port 80", "CDEFGHI", 0, NULL},
    {39, "proto tcp", "ABFG", 0, NULL},
    {40, "proto 6", "ABFG", 0, NULL},
    {41, "proto = 6", "ABFG", 0, NULL},
    {42, "proto foo", "!", 7, "no value of 'proto'"},
    {43, "proto 300", "!", 7, "too large"},
    {44, "tcp", "!", 1, "'proto tcp'"},
    {45, "ipv6", "HI", 0, NULL},
    {46, "inet", "ABCDEFG", 0, NULL},
    {47, "flags S", "ABFG", 0, NULL},
    {48, "flags SA", "AF", 0, NULL},
    {49, "flags AS", "AF", 0, NULL},
    {50, "flags = 2", "B", 0, NULL},
    {51, "flags 18", "A", 0, NULL},
    {52, "flags sa", "!", 7, "no TCP flags"},
    {53, "flags 64", "!", 7, "too large"},
    {54, "flags X", "", 0, NULL},
    {55, "flags C", "G", 0, NULL},
    {56, "not flags SA", "CDEHI", 0, NULL},
    {57, "flags S and not flags A", "BG", 0, NULL},
    {58, "flags S and not flags AFRPU", "BG", 0, NULL},
    {59, "not (flags SA and bytes > 10)", "BCDEGHI", 0, NULL},
    {60, "not (flags S and port 80)", "CDEFGHI", 0, NULL},
    {61, "bytes > 1k", "BCFG", 0, NULL},
    {62, "bytes > 1 k", "BCFG", 0, NULL},
    {63, "bytes > 1.5k", "!", 9, "'1.5k'"},
    {64, "bytes > 1t", "", 0, NULL},
    {65, "bytes > 0x3e8", "BCFG", 0, NULL},
    {66, "bytes > -1", "!", 9, "'-1'"},
    {67, "packets 7", "B", 0, NULL},
    {68, "flows > 1", "C", 0, NULL},
    {69, "flow > 1", "!", 1, "did you mean 'flows'"},
    {70, "duration > 1000", "ACF", 0, NULL},
    {71, "duration > 60k", "", 0, NULL},
    {72, "bps = 4000", "AH", 0, NULL},
    {73, "bps > 4k", "CFG", 0, NULL},
    {74, "pps = 0", "BD", 0, NULL},
    {75, "bpp = 333", "G", 0, NULL},
    {76, "icmp-type 8", "D", 0, NULL},
    {77, "icmp-type 3 and icmp-code 3", "E", 0, NULL},
    {78, "icmp-type = 8", "D", 0, NULL},
    {79, "if 3", "B", 0, NULL},
    {80, "in if 1", "ACHI", 0, NULL},
    {81, "src if 3", "!", 5, "not possible"},
    {82, "as 65001", "A", 0, NULL},
    {83, "as in [65001 2]", "AFG", 0, NULL},
    {84, "mask 24", "ABCDE", 0, NULL},
    {85, "vlan 20", "A", 0, NULL},
    {86, "mac 00:11:22:33:44:55", "A", 0, NULL},
    {87, "in src mac 00:11:22:33:44:55", "A", 0, NULL},
    {88, "mac 00:11:22", "!", 5, "no MAC address"},
    {89, "tos 8", "A", 0, NULL},
    {90, "tos 300", "!", 5, "too large"},
    {91, "next ip 10.9.9.9", "AFG", 0, NULL},
    {92, "router ip 10.9.9.9", "", 0, NULL},
    {93, "mpls label1 100", "", 0, NULL},
    {94, "mpls label11 1", "!", 1, "'mpls"},
    {95, "flowdir egress", "B", 0, NULL},
    {96, "src ip 10.0.0.1 or src ip 10.0.0.2 and dst port 443", "A", 0, NULL},
    {97, "(src ip 10.0.0.1 or src ip 10.0.0.2) and dst port 443", "", 0, NULL},
    {98, "not src ip 10.0.0.1 and proto tcp", "BFG", 0, NULL},
    {99, "src ip 10.0.0.1 && dst port 80 || dst port 443", "AFG", 0, NULL},
    {100, "(ip 10.0.0.1", "!", 13, "unexpected end"},
    {101, "ip 10.0.0.1 and", "!", 16, "unexpected end"},
    {102, "ip 10.0.0.1 port 80", "!", 13, "unexpected 'port'"},
    {103, "bytues > 10", "!", 1, "did you mean 'bytes'"},
    {104, "port 80;", "!", 8, "';'"},
    {105, "port 80 # web", "AB", 0, NULL},
    {106, "exist next ip", "ABFG", 0, NULL},
    {107, "port", "!", 5, "unexpected end"},
    {108, "src dst port 80", "!", 5, "unexpected 'dst'"},
};

#define EXAMPLE_COUNT ((int)(sizeof(examples) / sizeof(examples[0])))

_Static_assert(sizeof(examples) / sizeof(examples[0]) == 108, "all examples are there");

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

START_TEST(test_example)
{
    const struct example *example = &examples[_i];
    struct lnf_error error = {.text = ""};
    char letters[32], text[64];

    test_filter_letters(example->filter, &records, SAMPLE_FLOW_COUNT, letters, &error);
    snprintf(text, sizeof(text), "example %d", example->number);
    ck_assert_msg(strcmp(letters, example->letters) == 0, "%s: '%s' selects '%s', not '%s' (%s)",
                  text, example->filter, letters, example->letters, error.text);
    if (example->message != NULL) {
        ck_assert_msg(strstr(error.text, example->message) != NULL, "%s: %s", text, error.text);
        ck_assert_uint_eq(error.line, 1);
        ck_assert_uint_eq(error.column, example->column);
        ck_assert_ptr_null(strchr(error.text, '\n'));
    }
}
END_TEST

/**
 * Every example cut at every length: it compiles or says where it is wrong, inside of what is left,
 * and in memory of just that size. Which lengths are filters is known of those below.
 */
START_TEST(test_cut)
{
    const char *filter = examples[_i].filter;

    for (size_t size = 0; size <= strlen(filter); size++) {
        struct lnf_error error = {.text = ""};
        lnf_program_t *program = NULL;
        char *cut = strndup(filter, size);
        int status = lnf_program_compile(cut, &program, &error);
        ck_assert_msg(status == LNF_OK || status == LNF_ERR_FILTER, "'%s'", cut);
        ck_assert_int_eq(program != NULL, status == LNF_OK);
        if (status != LNF_OK) {
            ck_assert_msg(error.text[0] != '\0' && error.line == 1 && error.column >= 1 &&
                              error.column <= size + 1,
                          "'%s': %u:%u: %s", cut, error.line, error.column, error.text);
        }
        lnf_program_destroy(program);
        free(cut);
    }
}
END_TEST

/** Filters, and under each a + where it may end: before that character, or behind the last one. */
static const char *const cuts[][2] = {
    {"src ip 10.0.0.1 and (dst port 80 or flags SA)",
     "+--------------++----------------------------+"},
    {"not net 10.1.0.0/16 or bps > 1.5k", /**/
     "+---------------+-+++---------+-++"},
    {"port in [80, 443] # web", /**/
     "+----------------+++++++"},
    {"ident 'a b' and %web (any)", /**/
     "+----------++-------------+"},
    {"(any)%web && payload content 'x'", /**/
     "+----+-++++---------------------+"},
};

START_TEST(test_known_cuts)
{
    const char *filter = cuts[_i][0], *marks = cuts[_i][1];

    ck_assert_uint_eq(strlen(marks), strlen(filter) + 1);
    for (size_t size = 0; size <= strlen(filter); size++) {
        lnf_program_t *program = NULL;
        char *cut = strndup(filter, size);
        bool whole = lnf_program_compile(cut, &program, NULL) == LNF_OK;
        ck_assert_msg(whole == (marks[size] == '+'), "'%s'", cut);
        lnf_program_destroy(program);
        free(cut);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("filter examples");
    TCase *tests = tcase_create("examples");
    SRunner *runner = srunner_create(suite);

    tcase_add_unchecked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, test_example, 0, EXAMPLE_COUNT);
    tcase_add_loop_test(tests, test_cut, 0, EXAMPLE_COUNT);
    tcase_add_loop_test(tests, test_known_cuts, 0, (int)(sizeof(cuts) / sizeof(cuts[0])));
    suite_add_tcase(suite, tests);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
