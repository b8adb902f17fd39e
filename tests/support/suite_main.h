/* SPDX-License-Identifier: BSD-3-Clause */
/** What the main() of every Check suite ends with. */
#ifndef SUITE_MAIN_H
#define SUITE_MAIN_H

#include <check.h>

/** Runs the suite, frees it, and returns the exit status. */
static inline int suite_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

#endif
