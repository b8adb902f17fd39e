/* SPDX-License-Identifier: BSD-3-Clause */
/** What MPI says at the start, played by this test: nothing is started for real. */
#include "suite_main.h"
#include "transport.h"

#include <mpi.h>
#include <stdlib.h>
#include <string.h>

static int provided_level, answer;

int __wrap_MPI_Init_thread(int *argc, char ***argv, int required, int *provided);

int __wrap_MPI_Init_thread(int *argc, char ***argv, int required, int *provided)
{
    ck_assert_ptr_null(argc);
    ck_assert_ptr_null(argv);
    ck_assert_int_eq(required, MPI_THREAD_FUNNELED);
    *provided = provided_level;
    return answer;
}

/** An MPI library without threads, or that does not start, ends the job with a word about it. */
START_TEST(test_refused)
{
    transport_t *transport = NULL;
    struct failure failure = {.class = REPORT_OK};

    setenv("OMPI_COMM_WORLD_SIZE", "2", 1); /* as mpiexec leaves it */
    provided_level = _i == 0 ? MPI_THREAD_SINGLE : MPI_THREAD_FUNNELED;
    answer = _i == 0 ? MPI_SUCCESS : MPI_ERR_OTHER;
    ck_assert_int_eq(transport_start(&transport, &failure), REPORT_MPI);
    ck_assert_int_eq(failure.class, REPORT_MPI);
    ck_assert_msg(strstr(failure.text, _i == 0 ? "does not allow threads" : "MPI cannot start") !=
                      NULL,
                  "%s", failure.text);
    free(transport); /* transport_stop() would end what was not started */
}
END_TEST

/** Without a launcher MPI is not asked at all. */
START_TEST(test_alone)
{
    transport_t *transport = NULL;
    struct failure failure = {.class = REPORT_OK};
    static const char *const variables[] = {
        "OMPI_COMM_WORLD_SIZE", "PMIX_RANK",          "PMI_RANK", "PMI_SIZE", "PMI_FD",
        "MPI_LOCALNRANKS",      "MV2_COMM_WORLD_SIZE"};

    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        unsetenv(variables[i]);
    }
    answer = MPI_ERR_OTHER;
    ck_assert_int_eq(transport_start(&transport, &failure), REPORT_OK);
    ck_assert_uint_eq(transport_count(transport), 1);
    ck_assert_uint_eq(transport_rank(transport), 0);
    free(transport);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fdistdump/transport");
    TCase *tc = tcase_create("transport");

    tcase_add_loop_test(tc, test_refused, 0, 2);
    tcase_add_test(tc, test_alone);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
