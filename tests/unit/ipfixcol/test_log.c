/* SPDX-License-Identifier: BSD-3-Clause */
/* Log lines: form, verbosity, limits, text from outside. */

#include "collector_support.h"
#include "log.h"

START_TEST(form_and_verbosity)
{
    support_make_folder();
    support_capture();
    log_set_verbosity(1);
    log_line("m", COL_LOG_ERROR, "e %d", 1);
    log_line("m", COL_LOG_WARNING, "w");
    log_line("m", COL_LOG_INFO, "i");
    log_set_verbosity(-1);
    log_line("m", COL_LOG_ERROR, "silent");
    log_common("notice");
    log_set_verbosity(3);
    col_log(NULL, COL_LOG_DEBUG, "d");
    char *text = support_captured();
    ck_assert_str_eq(text, "ERROR: m: e 1\nWARNING: m: w\nnotice\nDEBUG: collector: d\n");
    free(text);
    support_remove_folder();
}
END_TEST

START_TEST(hostile_text_stays_in_its_line)
{
    char long_text[9000];

    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    support_make_folder();
    support_capture();
    log_set_verbosity(0);
    log_line("m", COL_LOG_ERROR, "a\nERROR: forged\x1b[2J\r\n\n");
    log_line("m", COL_LOG_ERROR, "%s", long_text);
    char *text = support_captured();
    ck_assert_int_eq(strncmp(text, "ERROR: m: a ERROR: forged?[2J?\n", 31), 0);
    ck_assert_uint_lt(strlen(text), 2100);
    ck_assert_int_eq(text[strlen(text) - 1], '\n');
    free(text);
    support_remove_folder();
}
END_TEST

START_TEST(limited_lines)
{
    struct col_log_limit limit = {0};

    support_make_folder();
    support_capture();
    log_set_verbosity(1);
    for (int i = 0; i < 5; i++) {
        col_log_limited(NULL, &limit, COL_LOG_WARNING, "lost %d", i);
    }
    limit.next_ms = 1; /* as if the minute were over */
    col_log_limited(NULL, &limit, COL_LOG_WARNING, "lost %d", 5);
    char *text = support_captured();
    ck_assert_str_eq(text, "WARNING: collector: lost 0\nWARNING: collector: lost 5 (4 more lines "
                           "like this were held back)\n");
    free(text);
    support_remove_folder();
}
END_TEST

START_TEST(bursts)
{
    struct log_burst burst = {0};
    uint64_t suppressed;
    int passed = 0;

    for (int i = 0; i < 100; i++) {
        passed += log_burst_pass(&burst, 20, 1000 + (uint64_t)i, &suppressed);
    }
    ck_assert_int_eq(passed, 20);
    ck_assert(log_burst_pass(&burst, 20, 61000, &suppressed));
    ck_assert_uint_eq(suppressed, 80);
    ck_assert(log_burst_pass(&burst, 20, 61001, &suppressed));
    ck_assert_uint_eq(suppressed, 0);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("log");
    tcase_add_test(tcase, form_and_verbosity);
    tcase_add_test(tcase, hostile_text_stays_in_its_line);
    tcase_add_test(tcase, limited_lines);
    tcase_add_test(tcase, bursts);
    return support_run(tcase, "log");
}
