/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Random filters over random flows, compared with a second, naive evaluator that walks the
 * expression over plain structs. It shares no code with the library, and does bit by bit what the
 * library does with tables.
 *
 * FILTER_SEED      another start of the random numbers than the one of every day
 * FILTER_SECONDS   go on that long
 */
#include "filter_check.h"
#include "filter_random.h"

#include <time.h>

#define FLOW_COUNT 97u
#define FILTER_COUNT 6000

/* ---- tests ----------------------------------------------------------------------------------- */

/* The labels of the first flows, one by one. */
static void check_labels(const lnf_program_t *program, const struct node *root,
                         const struct test_flow *flows, const struct test_records *records,
                         const bool *hits, size_t count)
{
    lnf_batch_t *batch = lnf_batch_create();
    lnf_program_state_t *state = lnf_program_state_create(program);

    ck_assert(batch != NULL && state != NULL);
    lnf_batch_open(batch, records->octets, records->size);
    ck_assert_uint_gt(lnf_batch_next(batch), 0);
    for (unsigned i = 0; i < count && i < lnf_batch_rows(batch); i++) {
        const char *expected = hits[i] ? label_of(root, &flows[i]) : NULL;
        const char *got = lnf_program_label(program, state, batch, (uint16_t)i);
        ck_assert_msg((got == NULL) == (expected == NULL) &&
                          (got == NULL || strcmp(got, expected) == 0),
                      "flow %u of '%s': label %s, not %s", i, text, got == NULL ? "none" : got,
                      expected == NULL ? "none" : expected);
    }
    lnf_program_state_destroy(state);
    lnf_batch_destroy(batch);
}

static void check_filter(const struct node *root, const struct test_flow *flows,
                         const struct test_records *records, size_t count)
{
    lnf_program_t *program;
    struct lnf_error error = {.text = ""};
    static bool hits[LNF_BATCH_ROWS * 2];

    ck_assert_msg(lnf_program_compile(text, &program, &error) == LNF_OK, "'%s': %u: %s", text,
                  error.column, error.text);
    test_filter_run(program, records, count, hits);
    for (size_t i = 0; i < count; i++) {
        ck_assert_msg(hits[i] == matches(root, &flows[i]), "flow %zu of '%s': %s", i, text,
                      hits[i] ? "selected" : "not selected");
    }
    if (lnf_program_has_labels(program)) {
        check_labels(program, root, flows, records, hits, count);
    }
    lnf_program_destroy(program);
}

/** Other flows, and filters for them. */
static void check_round(void)
{
    static struct test_flow flows[FLOW_COUNT];
    struct test_records records = {0};

    for (unsigned i = 0; i < FLOW_COUNT; i++) {
        random_flow(&flows[i]);
        test_records_add(&records, &flows[i]);
    }
    for (int n = 0; n < FILTER_COUNT / 4; n++) {
        const struct node *root = make_filter(random_below(6));
        check_filter(root, flows, &records, FLOW_COUNT);
    }
    test_records_clear(&records);
}

START_TEST(test_random)
{
    const char *seed = getenv("FILTER_SEED"), *seconds = getenv("FILTER_SECONDS");
    time_t end = time(NULL) + (seconds == NULL ? 0 : atoi(seconds) / 4);
    unsigned rounds = 0;

    random_state = (seed == NULL ? 0x9e3779b97f4a7c15u : strtoull(seed, NULL, 0)) + (unsigned)_i;
    ck_assert_uint_ne(random_state, 0);
    printf("FILTER_SEED=%llu", (unsigned long long)random_state);
    do {
        check_round();
        rounds++;
    } while (time(NULL) < end);
    printf(": %u filters\n", rounds * FILTER_COUNT / 4);
}
END_TEST

/* More rows than a batch has. */
START_TEST(test_random_large)
{
    static struct test_flow flows[LNF_BATCH_ROWS * 2];
    struct test_records records = {0};
    size_t count = LNF_BATCH_ROWS + 77;

    random_state = 4711;
    for (size_t i = 0; i < count; i++) {
        random_flow(&flows[i]);
        test_records_add(&records, &flows[i]);
    }
    for (int n = 0; n < 60; n++) {
        const struct node *root = make_filter(random_below(6));
        check_filter(root, flows, &records, count);
    }
    test_records_clear(&records);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("filter, random");
    TCase *tests = tcase_create("against a naive evaluator");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(tests, 3600);
    tcase_add_loop_test(tests, test_random, 0, 4);
    tcase_add_test(tests, test_random_large);
    suite_add_tcase(suite, tests);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
