/* SPDX-License-Identifier: BSD-3-Clause */
/** Questions over whole files: one thread and four, sound blocks and damaged ones. */
#include "flow_record.h"

#include <check.h>
#include <fcntl.h>
#include <libnf.h>
#include <libnf/scan.h>
#include <libnf/writer.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCKS 40u
#define BLOCK_FLOWS 500u
#define THREADS 4

static char path[512];

static void make_flow(struct test_flow *flow, unsigned number)
{
    *flow = (struct test_flow){
        .family = number % 5 == 0 ? 6 : 4,
        .src = {number % 5 == 0 ? 0x20010db8 : 0, number % 701},
        .dst = {0, number},
        .first = 1000 + number,
        .last = 1000 + number + number % 100,
        .packets = number % 10,
        .bytes = number,
        .proto = number % 2 == 0 ? 6 : 17,
        .elements = number % 7 == 0 ? TEST_COUNTERS : 0,
        .flows = 2,
    };
}

/** A file of BLOCKS blocks; `damage` spoils the record in the middle of the second one. */
static void write_file(bool damage)
{
    struct lnf_error error;
    lnf_writer_t *writer;
    lnf_block_t *block = lnf_block_create();

    ck_assert_int_eq(lnf_writer_open(path, LNF_CODEC_LZ4, "test", false, &writer, &error), LNF_OK);
    for (unsigned b = 0; b < BLOCKS; b++) {
        for (unsigned i = 0; i < BLOCK_FLOWS; i++) {
            struct test_flow flow;
            struct test_records records = {0};
            make_flow(&flow, b * BLOCK_FLOWS + i);
            test_records_add(&records, &flow);
            if (damage && b == 1 && i == BLOCK_FLOWS / 2) {
                records.octets[4]++; /* one element too many */
            }
            memcpy(lnf_block_reserve(block, records.size), records.octets, records.size);
            lnf_block_commit(block);
            lnf_stat_count(lnf_block_stat(block), flow.proto, 1, flow.packets, flow.bytes,
                           flow.first, flow.last);
            test_records_clear(&records);
        }
        ck_assert_int_eq(lnf_writer_put(writer, block, &error), LNF_OK);
        lnf_block_clear(block);
    }
    ck_assert_int_eq(lnf_writer_close(writer, &error), LNF_OK);
    lnf_block_destroy(block);
}

static void setup(void)
{
    snprintf(path, sizeof(path), "/tmp/libnf-test-scan-%ld", (long)getpid());
}

static void teardown(void)
{
    unlink(path);
}

static lnf_query_t *make_query(const struct lnf_query_spec *spec)
{
    struct lnf_error error = {0};
    lnf_query_t *query = NULL;
    ck_assert_msg(lnf_query_create(spec, &query, &error) == LNF_OK, "%s", error.text);
    return query;
}

struct problems {
    atomic_uint count;
    struct lnf_problem last;
};

static void note_problem(void *context, const struct lnf_problem *problem)
{
    struct problems *problems = context;
    problems->last = *problem;
    problems->last.text = NULL;
    atomic_fetch_add(&problems->count, 1);
}

static lnf_scan_t *open_scan(struct problems *problems)
{
    struct lnf_error error = {0};
    lnf_scan_t *scan = NULL;
    ck_assert_msg(lnf_scan_open(path, note_problem, problems, &scan, &error) == LNF_OK, "%s",
                  error.text);
    return scan;
}

/** What one thread does: blocks until there is none. */
struct worker {
    const lnf_query_t *query;
    lnf_scan_t *scan;
    lnf_table_t *table;
    struct lnf_totals totals;
    int status;
};

static void *work(void *argument)
{
    struct worker *w = argument;
    lnf_task_t *task;
    struct lnf_error error;

    w->status = lnf_task_create(w->query, &task);
    while (w->status == LNF_OK) {
        w->status = lnf_task_run(task, w->scan, w->table, NULL, &error);
    }
    w->totals = *lnf_task_totals(task);
    lnf_task_destroy(task);
    return NULL;
}

/** Answers with several threads, merges their tables and packs the rows. */
static uint8_t *answer(const lnf_query_t *query, unsigned threads, size_t *count,
                       struct lnf_totals *totals, struct problems *problems)
{
    struct worker workers[THREADS];
    pthread_t ids[THREADS];
    lnf_scan_t *scan = open_scan(problems);

    *totals = (struct lnf_totals){0};
    for (unsigned i = 0; i < threads; i++) {
        workers[i] = (struct worker){.query = query, .scan = scan};
        ck_assert_int_eq(lnf_table_create(query, &workers[i].table), LNF_OK);
        ck_assert_int_eq(pthread_create(&ids[i], NULL, work, &workers[i]), 0);
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        ck_assert_int_eq(workers[i].status, LNF_EOF);
        totals->records += workers[i].totals.records;
        totals->flows += workers[i].totals.flows;
        totals->packets += workers[i].totals.packets;
        totals->bytes += workers[i].totals.bytes;
        if (i > 0) {
            ck_assert_int_eq(lnf_table_merge(workers[0].table, workers[i].table), LNF_OK);
            lnf_table_destroy(workers[i].table);
        }
    }
    ck_assert_int_eq(lnf_table_finish(workers[0].table, true), LNF_OK);
    *count = lnf_table_count(workers[0].table);
    uint8_t *rows = malloc(*count * lnf_query_row_size(query) + 1);
    ck_assert_uint_eq(lnf_table_rows(workers[0].table, 0, *count, rows), *count);
    lnf_table_destroy(workers[0].table);
    lnf_scan_close(scan);
    return rows;
}

static const struct lnf_query_column key_columns[] = {
    {LNF_FLD_SRCADDR, LNF_COLUMN_KEY, 32, 128},      {LNF_FLD_DOCTETS, LNF_COLUMN_VALUE, 0, 0},
    {LNF_FLD_AGGR_FLOWS, LNF_COLUMN_VALUE, 0, 0},    {LNF_FLD_DSTADDR, LNF_COLUMN_VALUE, 0, 0},
    {LNF_FLD_CALC_DURATION, LNF_COLUMN_VALUE, 0, 0}, {LNF_FLD_CALC_BPS, LNF_COLUMN_VALUE, 0, 0}};

static const struct lnf_query_column row_columns[] = {{LNF_FLD_DOCTETS, LNF_COLUMN_VALUE, 0, 0},
                                                      {LNF_FLD_SRCADDR, LNF_COLUMN_VALUE, 0, 0}};

static const struct lnf_query_spec specs[] = {
    {.mode = LNF_QUERY_AGGREGATE, .columns = key_columns, .column_count = 6, .sort_column = 1},
    {.mode = LNF_QUERY_AGGREGATE,
     .columns = key_columns,
     .column_count = 6,
     .sort_column = 5,
     .sort_descending = true,
     .limit = 10,
     .filter = "proto tcp"},
    {.mode = LNF_QUERY_AGGREGATE, .columns = key_columns, .column_count = 6, .sort_column = -1},
    {.mode = LNF_QUERY_SORT,
     .columns = row_columns,
     .column_count = 2,
     .sort_column = 0,
     .sort_descending = true,
     .limit = 25},
    {.mode = LNF_QUERY_SORT, .columns = row_columns, .column_count = 2, .sort_column = 1},
};

/** The answer does not depend on the number of threads. */
START_TEST(test_threads)
{
    struct problems problems = {0};
    struct lnf_totals one_totals;
    struct lnf_totals all_totals;
    size_t one_count;
    size_t all_count;

    write_file(false);
    lnf_query_t *query = make_query(&specs[_i]);
    uint8_t *one = answer(query, 1, &one_count, &one_totals, &problems);
    uint8_t *all = answer(query, THREADS, &all_count, &all_totals, &problems);
    ck_assert_uint_gt(one_count, 0);
    ck_assert_uint_eq(one_count, all_count);
    ck_assert(memcmp(one, all, one_count * lnf_query_row_size(query)) == 0);
    ck_assert(memcmp(&one_totals, &all_totals, sizeof(one_totals)) == 0);
    ck_assert_uint_eq(one_totals.records, BLOCKS * BLOCK_FLOWS);
    ck_assert_uint_eq(atomic_load(&problems.count), 0);
    free(one);
    free(all);
    lnf_query_destroy(query);
}
END_TEST

START_TEST(test_totals)
{
    const struct lnf_query_spec spec = {
        .mode = LNF_QUERY_COUNT, .filter = _i == 0 ? NULL : "proto tcp", .sort_column = -1};
    struct lnf_totals expected = {.records = BLOCKS * BLOCK_FLOWS};
    struct lnf_totals totals;
    struct problems problems = {0};
    size_t count;

    write_file(false);
    for (unsigned i = 0; i < BLOCKS * BLOCK_FLOWS; i++) {
        struct test_flow flow;
        make_flow(&flow, i);
        if (_i == 0 || flow.proto == 6) {
            expected.flows += flow.elements & TEST_COUNTERS ? flow.flows : 1;
            expected.packets += flow.packets;
            expected.bytes += flow.bytes;
        }
    }
    lnf_query_t *query = make_query(&spec);
    free(answer(query, 2, &count, &totals, &problems));
    ck_assert_uint_eq(count, 0);
    ck_assert(memcmp(&totals, &expected, sizeof(totals)) == 0);
    lnf_query_destroy(query);
}
END_TEST

/** Lists come block by block; their order is that of the file. */
START_TEST(test_list)
{
    const struct lnf_query_spec spec = {.mode = LNF_QUERY_LIST,
                                        .columns = row_columns,
                                        .column_count = 2,
                                        .sort_column = -1,
                                        .filter = "bytes > 700"};
    struct problems problems = {0};
    struct lnf_error error;
    lnf_task_t *task;
    uint64_t block;
    uint64_t blocks = 0;
    uint64_t next = 701;
    int status;

    write_file(false);
    lnf_query_t *query = make_query(&spec);
    lnf_scan_t *scan = open_scan(&problems);
    ck_assert_str_eq(lnf_scan_ident(scan), "test");
    ck_assert_uint_eq(lnf_scan_stat(scan)->flows, BLOCKS * BLOCK_FLOWS);
    ck_assert(lnf_scan_has_stat(scan));
    ck_assert_int_eq(lnf_task_create(query, &task), LNF_OK);
    while ((status = lnf_task_run(task, scan, NULL, &block, &error)) == LNF_OK) {
        size_t count;
        const uint8_t *rows = lnf_task_rows(task, &count);
        ck_assert_uint_eq(block, blocks++);
        for (size_t i = 0; i < count; i++, next++) {
            struct lnf_value value;
            lnf_query_row_value(query, rows + i * lnf_query_row_size(query), 0, &value);
            ck_assert_uint_eq(value.u64, next);
        }
    }
    ck_assert_int_eq(status, LNF_EOF);
    ck_assert_uint_eq(blocks, BLOCKS);
    ck_assert_uint_eq(next, BLOCKS * BLOCK_FLOWS);
    lnf_task_destroy(task);
    lnf_task_destroy(NULL);
    lnf_scan_close(scan);
    lnf_scan_close(NULL);
    lnf_query_destroy(query);
}
END_TEST

/** The numbers of records are those of the file, whoever reads which block. */
START_TEST(test_numbers)
{
    const struct lnf_query_spec spec = {.mode = LNF_QUERY_SORT,
                                        .columns = row_columns,
                                        .column_count = 2,
                                        .sort_column = 0,
                                        .filter = "ident test and count > 700 and "
                                                  "(count <= 1300 or count 20k) and not count 800"};
    struct problems problems = {0};
    struct lnf_totals totals;
    size_t count;

    write_file(_i == 1);
    lnf_query_t *query = make_query(&spec);
    uint8_t *rows = answer(query, _i == 2 ? 1 : THREADS, &count, &totals, &problems);
    size_t found = 0;
    uint64_t number = 0;
    for (unsigned i = 0; i < BLOCKS * BLOCK_FLOWS; i++) {
        struct lnf_value value;
        if (_i == 1 && i == BLOCK_FLOWS + BLOCK_FLOWS / 2) {
            continue; /* the damaged one has no number */
        }
        number++;
        if (number <= 700 || (number > 1300 && number != 20000) || number == 800) {
            continue;
        }
        ck_assert_uint_lt(found, count);
        lnf_query_row_value(query, rows + found * lnf_query_row_size(query), 0, &value);
        ck_assert_uint_eq(value.u64, i);
        found++;
    }
    ck_assert_uint_eq(found, count);
    ck_assert_uint_eq(totals.records, BLOCKS * BLOCK_FLOWS - (_i == 1));
    free(rows);
    lnf_query_destroy(query);
}
END_TEST

/** A damaged record costs itself and is reported with its block. */
START_TEST(test_damaged_record)
{
    const struct lnf_query_spec spec = {.mode = LNF_QUERY_COUNT, .sort_column = -1};
    struct problems problems = {0};
    struct lnf_totals totals;
    size_t count;

    write_file(true);
    lnf_query_t *query = make_query(&spec);
    free(answer(query, 1, &count, &totals, &problems));
    ck_assert_uint_eq(totals.records, BLOCKS * BLOCK_FLOWS - 1);
    ck_assert_uint_eq(atomic_load(&problems.count), 1);
    ck_assert_int_eq(problems.last.kind, LNF_PROBLEM_RECORD);
    ck_assert_uint_eq(problems.last.count, 1);
    ck_assert_uint_gt(problems.last.offset, 40);
    lnf_query_destroy(query);
}
END_TEST

/** Files of real collectors, where they are at hand: no damage is seen, and sums are those stored.
 */
START_TEST(test_samples)
{
    static const char *const names[] = {"v1-mixed-none", "v1-mixed-lz4", "v2-mixed-none",
                                        "v2-mixed-lz4", "v2-ext-none"};
    const struct lnf_query_spec spec = {.mode = LNF_QUERY_COUNT, .sort_column = -1};
    struct problems problems = {0};
    struct lnf_totals totals;
    size_t count;

    snprintf(path, sizeof(path), "%s/data/nffile/%s.nf", TEST_SHARED_DIR, names[_i]);
    if (access(path, R_OK) == 0) {
        lnf_query_t *query = make_query(&spec);
        lnf_scan_t *scan = open_scan(&problems);
        struct lnf_stat stat = *lnf_scan_stat(scan);
        lnf_scan_close(scan);
        free(answer(query, 1, &count, &totals, &problems));
        ck_assert_uint_eq(atomic_load(&problems.count), 0);
        ck_assert_uint_gt(totals.records, 0);
        ck_assert_uint_eq(totals.flows, stat.flows);
        lnf_query_destroy(query);
    }
    path[0] = '\0'; /* not ours to remove */
}
END_TEST

START_TEST(test_no_file)
{
    struct lnf_error error = {0};
    lnf_scan_t *scan = NULL;

    ck_assert_int_eq(lnf_scan_open("/nonexistent/file", NULL, NULL, &scan, &error), LNF_ERR_READ);
    ck_assert_ptr_null(scan);
    ck_assert_ptr_nonnull(strstr(error.text, "/nonexistent/file"));
}
END_TEST

/** What is no regular file is refused at once, with or without somebody at its other end. */
START_TEST(test_no_regular_file)
{
    struct lnf_error error = {0};
    lnf_scan_t *scan = NULL;
    char fifo[sizeof(path) + 8];

    snprintf(fifo, sizeof(fifo), "%s.fifo", path);
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    int writer = _i == 1 ? open(fifo, O_RDWR) : -1;
    int status = lnf_scan_open(fifo, NULL, NULL, &scan, &error);
    unlink(fifo);
    if (writer >= 0) {
        close(writer);
    }
    ck_assert_int_eq(status, LNF_ERR_READ);
    ck_assert_ptr_null(scan);
    ck_assert_ptr_nonnull(strstr(error.text, "not a regular file"));
    ck_assert_ptr_nonnull(strstr(error.text, fifo));
    ck_assert_int_eq(lnf_scan_open("/dev/null", NULL, NULL, &scan, &error), LNF_ERR_READ);
    ck_assert_ptr_nonnull(strstr(error.text, "not a regular file"));
    ck_assert_int_eq(lnf_scan_open("/", NULL, NULL, &scan, &error), LNF_ERR_READ);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("libnf/scan");
    TCase *tc = tcase_create("scan");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, test_threads, 0, sizeof(specs) / sizeof(specs[0]));
    tcase_add_loop_test(tc, test_totals, 0, 2);
    tcase_add_test(tc, test_list);
    tcase_add_loop_test(tc, test_numbers, 0, 3);
    tcase_add_test(tc, test_damaged_record);
    tcase_add_loop_test(tc, test_samples, 0, 5);
    tcase_add_test(tc, test_no_file);
    tcase_add_loop_test(tc, test_no_regular_file, 0, 2);
    suite_add_tcase(suite, tc);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
