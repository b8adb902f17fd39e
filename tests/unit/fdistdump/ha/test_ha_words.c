/* SPDX-License-Identifier: BSD-3-Clause */
/** Lists of texts, and seconds as people write them. */
#include "decimal.h"
#include "suite_main.h"
#include "words.h"

#include <stdio.h>
#include <stdlib.h>

START_TEST(test_words)
{
    struct words words = {.list = NULL}, more = {.list = NULL};

    char *text = words_join(&words);
    ck_assert_str_eq(text, "");
    free(text);
    for (int i = 0; i < 1000; i++) {
        words_format(&words, "%d", i);
        ck_assert_ptr_null(words.list[words.count]); /* execvp() could take it any time */
    }
    words_add(&more, "one two");
    words_add(&more, "");
    words_append(&words, &more);
    ck_assert_uint_eq(words.count, 1002);
    for (int i = 0; i < 1000; i++) {
        char expected[8];
        (void)snprintf(expected, sizeof(expected), "%d", i);
        ck_assert_str_eq(words.list[i], expected);
    }
    ck_assert_str_eq(words.list[1000], "one two");
    ck_assert_str_eq(words.list[1001], "");
    text = words_join(&more);
    ck_assert_str_eq(text, "one two ");
    free(text);
    more.failed = true; /* what is incomplete stays so */
    words_append(&words, &more);
    ck_assert(words.failed);
    words_clear(&words);
    words_clear(&more);
    ck_assert_ptr_null(words.list);
}
END_TEST

START_TEST(test_decimal)
{
    static const struct {
        const char *text;
        int64_t ms; /* -1 = refused */
    } rows[] = {
        {"0", 0},           {"1", 1000},     {"10", 10000}, {"0.5", 500},
        {"1.25", 1250},     {"1.234", 1234}, {"007", 7000}, {"999999999.999", 999999999999},
        {"1000000000", -1}, {"", -1},        {".5", -1},    {"1.", -1},
        {"1.2345", -1},     {"-1", -1},      {"+1", -1},    {" 1", -1},
        {"1 ", -1},         {"1s", -1},      {"0x10", -1},  {"1e3", -1},
        {"1,5", -1},        {"1.-5", -1},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t ms = -1;
        ck_assert_int_eq(decimal_ms(rows[i].text, &ms), rows[i].ms != -1);
        ck_assert_int_eq(ms, rows[i].ms);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fdistdump_ha_words");
    TCase *tests = tcase_create("words");

    tcase_add_test(tests, test_words);
    tcase_add_test(tests, test_decimal);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
