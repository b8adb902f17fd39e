/* SPDX-License-Identifier: BSD-3-Clause */
/** Stop conditions and units of time. */
#include "plan.h"
#include "suite_main.h"

#define NO_LIMITS                                                                                  \
    {                                                                                              \
        .lower_by = -1, .lower_to = -1                                                             \
    }

START_TEST(conditions)
{
    struct plan_limits limits = NO_LIMITS;
    struct plan_tally done = {.files = 10, .columns = 5, .octets = 1000};

    ck_assert(!plan_has_limit(&limits) && !plan_is_enough(&limits, &done));
    limits.files = 11;
    ck_assert(plan_has_limit(&limits) && !plan_is_enough(&limits, &done));
    limits.files = 10;
    ck_assert(plan_is_enough(&limits, &done));
    limits = (struct plan_limits)NO_LIMITS;
    limits.columns = 6;
    ck_assert(!plan_is_enough(&limits, &done));
    limits.octets = 1000; /* the first one that is satisfied */
    ck_assert(plan_is_enough(&limits, &done));
    limits.octets = 1001;
    ck_assert(!plan_is_enough(&limits, &done));
    limits.columns = 5;
    ck_assert(plan_is_enough(&limits, &done));
}
END_TEST

START_TEST(targets)
{
    struct plan_limits limits = NO_LIMITS;

    ck_assert(!plan_has_target(&limits));
    limits.lower_to = 0;
    ck_assert(plan_has_target(&limits) && plan_has_limit(&limits));
    limits.lower_to = 80;
    ck_assert_double_eq(plan_target(&limits, 95), 80);
    limits.lower_by = 5; /* the milder one */
    ck_assert_double_eq(plan_target(&limits, 95), 90);
    limits.lower_by = 30;
    ck_assert_double_eq(plan_target(&limits, 95), 80);
    limits.lower_to = -1;
    ck_assert_double_eq(plan_target(&limits, 95), 65);
}
END_TEST

/* 2026-03-14 15:26:53, and the smallest unit that has it and the other time in one. */
#define PI_DAY 1773502013
static const struct {
    int64_t other;
    enum plan_unit unit;
} pairs[] = {
    {PI_DAY, PLAN_SECOND},
    {PI_DAY + 6, PLAN_MINUTE},
    {PI_DAY + 7, PLAN_HOUR},
    {PI_DAY + 33 * 60, PLAN_HOUR},
    {PI_DAY + 34 * 60, PLAN_DAY},
    {PI_DAY + 8 * 3600, PLAN_DAY},
    {PI_DAY + 9 * 3600, PLAN_MONTH},
    {PI_DAY + 17 * 86400, PLAN_MONTH},
    {PI_DAY + 18 * 86400, PLAN_YEAR},
    {PI_DAY + 292 * 86400, PLAN_YEAR},
};

START_TEST(units)
{
    for (int unit = PLAN_NONE; unit <= PLAN_YEAR; unit++) {
        bool same = unit != PLAN_NONE && unit >= (int)pairs[_i].unit;
        ck_assert_int_eq(plan_same_unit((enum plan_unit)unit, PI_DAY, pairs[_i].other), same);
        ck_assert(!plan_same_unit((enum plan_unit)unit, PI_DAY, PI_DAY + 293 * 86400));
        /* The same day and month of another year. */
        ck_assert(!plan_same_unit((enum plan_unit)unit, PI_DAY, PI_DAY + 365 * 86400));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("data_manager_plan");
    TCase *tcase = tcase_create("plan");

    tcase_add_test(tcase, conditions);
    tcase_add_test(tcase, targets);
    tcase_add_loop_test(tcase, units, 0, (int)(sizeof(pairs) / sizeof(pairs[0])));
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
