/* SPDX-License-Identifier: BSD-3-Clause */
/** Texts of statuses; the last error belongs to its thread. */
#include "error.h"

#include <check.h>
#include <libnf.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

START_TEST(test_status_texts_differ)
{
    static const int statuses[] = {
        LNF_OK,           LNF_EOF,       LNF_ERR_UNKBLOCK, LNF_ERR_UNKREC,
        LNF_ERR_COMPAT15, LNF_ERR_READ,  LNF_ERR_CORRUPT,  LNF_ERR_EXTMAPB,
        LNF_ERR_EXTMAPM,  LNF_ERR_WRITE, LNF_ERR_NOTSET,   LNF_ERR_UNKFLD,
        LNF_ERR_FILTER,   LNF_ERR_NOMEM, LNF_ERR_OTHER,    LNF_ERR_OTHER_MSG,
        LNF_ERR_NAN,      12345};
    const size_t count = sizeof(statuses) / sizeof(statuses[0]);

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            ck_assert_str_ne(lnf_status_text(statuses[i]), lnf_status_text(statuses[j]));
        }
    }
}
END_TEST

START_TEST(test_set_cuts_long_texts)
{
    struct lnf_error error;
    char text[1000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';

    lnf_error_set(&error, 77, "%s", text);
    ck_assert_uint_eq(strlen(error.text), sizeof(error.text) - 1);
    ck_assert_uint_eq(error.offset, 77);
    ck_assert_uint_eq(error.line, 0);
    lnf_error_set(NULL, 1, "%s", text);
}
END_TEST

static void *other_thread(void *arg)
{
    char *text = arg;
    lnf_error_remember("of the other thread");
    lnf_error(text, 100);
    return NULL;
}

START_TEST(test_last_error_is_per_thread)
{
    char mine[100], theirs[100];
    pthread_t thread;

    lnf_error_remember("mine");
    ck_assert_int_eq(pthread_create(&thread, NULL, other_thread, theirs), 0);
    pthread_join(thread, NULL);
    lnf_error(mine, sizeof(mine));
    ck_assert_str_eq(mine, "mine");
    ck_assert_str_eq(theirs, "of the other thread");

    memset(mine, 'y', sizeof(mine));
    lnf_error(mine, 3);
    ck_assert_str_eq(mine, "mi");
    ck_assert_int_eq(mine[3], 'y');
    lnf_error(mine, 0);
    lnf_error(NULL, 10);
    ck_assert_str_eq(mine, "mi");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("error");
    TCase *tc = tcase_create("texts");
    tcase_add_test(tc, test_status_texts_differ);
    tcase_add_test(tc, test_set_cuts_long_texts);
    tcase_add_test(tc, test_last_error_is_per_thread);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
