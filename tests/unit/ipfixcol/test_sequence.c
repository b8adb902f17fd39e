/* SPDX-License-Identifier: BSD-3-Clause */
/* Sequence numbers: loss, reordering, restarts, wrap-around. */
#include "sequence.h"

#include <check.h>
#include <stdlib.h>

static struct sequence s;
static uint32_t expected;

static void start(void)
{
    s = (struct sequence){0};
}

static enum sequence_result udp(uint32_t number, uint32_t count)
{
    return sequence_account(&s, true, number, count, &expected);
}

START_TEST(account_starts_with_the_first_message)
{
    ck_assert_int_eq(udp(4000000000u, 10), SEQUENCE_EXPECTED);
    ck_assert_int_eq(udp(4000000010u, 10), SEQUENCE_EXPECTED);
    ck_assert_uint_eq(s.lost, 0);
}
END_TEST

START_TEST(gaps_are_lost_records)
{
    udp(100, 10);
    ck_assert_int_eq(udp(115, 10), SEQUENCE_GAP);
    ck_assert_uint_eq(expected, 110);
    ck_assert_uint_eq(s.lost, 5);
    ck_assert_int_eq(udp(125, 1), SEQUENCE_EXPECTED);
}
END_TEST

START_TEST(numbers_wrap)
{
    udp(0xFFFFFFFB, 10);
    ck_assert_int_eq(udp(5, 10), SEQUENCE_EXPECTED);
    ck_assert_int_eq(udp(17, 1), SEQUENCE_GAP);
    ck_assert_uint_eq(s.lost, 2);
}
END_TEST

START_TEST(late_messages_are_not_lost)
{
    udp(0, 10);
    ck_assert_int_eq(udp(30, 10), SEQUENCE_GAP);
    ck_assert_uint_eq(s.lost, 20);
    ck_assert_int_eq(udp(20, 10), SEQUENCE_LATE);
    ck_assert_uint_eq(s.lost, 10);
    ck_assert_int_eq(udp(10, 10), SEQUENCE_LATE);
    ck_assert_uint_eq(s.lost, 0);
    ck_assert_int_eq(udp(40, 10), SEQUENCE_EXPECTED);
}
END_TEST

START_TEST(middle_of_a_gap_leaves_both_ends_open)
{
    udp(0, 10);
    udp(40, 10);
    ck_assert_int_eq(udp(20, 10), SEQUENCE_LATE);
    ck_assert_uint_eq(s.lost, 20);
    ck_assert_int_eq(udp(30, 10), SEQUENCE_LATE);
    ck_assert_int_eq(udp(10, 10), SEQUENCE_LATE);
    ck_assert_uint_eq(s.lost, 0);
}
END_TEST

START_TEST(first_message_may_be_overtaken)
{
    udp(1010, 10);
    ck_assert_int_eq(udp(1000, 10), SEQUENCE_LATE);
    ck_assert_int_eq(udp(1020, 10), SEQUENCE_EXPECTED);
    ck_assert_uint_eq(s.lost, 0);
}
END_TEST

START_TEST(duplicates_change_nothing)
{
    udp(0, 10);
    udp(10, 10);
    ck_assert_int_eq(udp(10, 10), SEQUENCE_LATE);
    ck_assert_int_eq(udp(20, 10), SEQUENCE_EXPECTED);
    ck_assert_uint_eq(s.lost, 0);
}
END_TEST

START_TEST(restart_is_no_loss)
{
    udp(1000000, 10);
    ck_assert_int_eq(udp(0, 10), SEQUENCE_RESET);
    ck_assert_int_eq(udp(10, 10), SEQUENCE_EXPECTED);
    ck_assert_int_eq(udp(4000000000u, 10), SEQUENCE_RESET);
    ck_assert_uint_eq(s.lost, 0);
}
END_TEST

START_TEST(streams_do_not_reorder)
{
    sequence_account(&s, false, 0, 10, &expected);
    sequence_account(&s, false, 30, 10, &expected);
    ck_assert_int_eq(sequence_account(&s, false, 10, 10, &expected), SEQUENCE_RESET);
    ck_assert_uint_eq(s.lost, 20);
}
END_TEST

START_TEST(many_gaps_never_make_loss_negative)
{
    uint32_t number = 0;
    udp(number, 1);
    for (unsigned i = 0; i < 100; i++) {
        number += 3;
        udp(number, 1);
    }
    ck_assert_uint_eq(s.lost, 200);
    for (uint32_t late = 1; late < number; late++) {
        udp(late, 1000000);
    }
    ck_assert_uint_le(s.lost, 200 + (1u << 28));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sequence");
    TCase *tcase = tcase_create("sequence");
    tcase_add_checked_fixture(tcase, start, NULL);
    tcase_add_test(tcase, account_starts_with_the_first_message);
    tcase_add_test(tcase, gaps_are_lost_records);
    tcase_add_test(tcase, numbers_wrap);
    tcase_add_test(tcase, late_messages_are_not_lost);
    tcase_add_test(tcase, middle_of_a_gap_leaves_both_ends_open);
    tcase_add_test(tcase, first_message_may_be_overtaken);
    tcase_add_test(tcase, duplicates_change_nothing);
    tcase_add_test(tcase, restart_is_no_loss);
    tcase_add_test(tcase, streams_do_not_reorder);
    tcase_add_test(tcase, many_gaps_never_make_loss_negative);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
