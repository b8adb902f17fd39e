/* SPDX-License-Identifier: BSD-3-Clause */
/** Times in names of flow files, valid ones and others. */
#include "flow_name.h"
#include "suite_main.h"

static const struct {
    const char *name;
    int64_t time_s; /* -1 = none */
} names[] = {
    {"lnf.20260101000500", 1767225900},
    {"lnf.202601010005", 1767225900},
    {"lnf.20260101000500.1", 1767225900},
    {"lnf.eth0.20260101000500", 1767225900},
    {"lnf.12-202601010005", 1767225900},
    {"lnf.19700101000000", 0},
    {"lnf.20240229235959", 1709251199},
    {"lnf.99991231235959", 253402300799},
    {"lnf.20230229235959", -1},
    {"lnf.20261301000000", -1},
    {"lnf.20260001000000", -1},
    {"lnf.20260100000000", -1},
    {"lnf.20260132000000", -1},
    {"lnf.20260101240000", -1},
    {"lnf.20260101006000", -1},
    {"lnf.20260101000060", -1},
    {"lnf.19691231235959", -1},
    {"lnf.2026010100", -1},
    {"lnf.2026010100050", -1},
    {"lnf.202601010005000", -1},
    {"lnf.current", -1},
    {"lnf.", -1},
};

START_TEST(times)
{
    int64_t time_s = -1;

    ck_assert_int_eq(flow_name_time(names[_i].name, &time_s), names[_i].time_s >= 0);
    ck_assert_msg(time_s == names[_i].time_s, "%s: %lld", names[_i].name, (long long)time_s);
}
END_TEST

START_TEST(prefixes)
{
    char day[FLOW_NAME_DAY_SIZE];

    ck_assert(flow_name_is_flow("lnf.x") && !flow_name_is_flow("lnf") &&
              !flow_name_is_flow("bfi.x"));
    ck_assert(flow_name_is_index("bfi.x") && !flow_name_is_index("lnf.x"));
    flow_name_day(1767225900, day);
    ck_assert_str_eq(day, "2026/01/01");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("data_manager_flow_name");
    TCase *tcase = tcase_create("flow_name");

    tcase_add_loop_test(tcase, times, 0, (int)(sizeof(names) / sizeof(names[0])));
    tcase_add_test(tcase, prefixes);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
