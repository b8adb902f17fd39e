/* SPDX-License-Identifier: BSD-3-Clause */
/** Threads over blocks: order of lists, sums of tables, damage, and being stopped. */
#include "flowfile_build.h"
#include "slave.h"
#include "suite_main.h"

#include <fcntl.h>
#include <libnf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES 5u
#define FILE_FLOWS 700u
#define BLOCK_FLOWS 60u
#define FLOWS (FILES * FILE_FLOWS)
#define PORT0 1024u /* source port of flow 0; each flow has the next one */

static char folder[] = "/tmp/slave-XXXXXX";
static char path_text[FILES][64];
static char *paths[FILES + 1];
static struct query query;
static lnf_query_t *compiled;
static struct report report;
static int nowhere;

/** What the hooks got and how they answer. */
struct heard {
    unsigned ports[FLOWS + 1];
    size_t rows;
    struct lnf_totals totals;
    uint64_t files_done, progress_calls;
    bool backwards;         /* progress went back */
    size_t stop_after_rows; /* 0 = never */
    bool stop_by_progress;
};

static struct heard heard;
static struct slave_counts counts;
static lnf_table_t *table;
static struct failure failure;

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (unsigned i = 0; i < FILES; i++) {
        snprintf(path_text[i], sizeof(path_text[i]), "%s/lnf.%u", folder, i);
        paths[i] = path_text[i];
        ck_assert_int_eq(test_file_write(paths[i], i % 2 == 0 ? LNF_CODEC_LZ4 : LNF_CODEC_NONE,
                                         NULL, 0, i * FILE_FLOWS, FILE_FLOWS, BLOCK_FLOWS),
                         LNF_OK);
    }
    nowhere = open("/dev/null", O_WRONLY);
    report_init(&report, nowhere, REPORT_DEBUG, 1, 2);
    memset(&heard, 0, sizeof(heard));
    query = (struct query){.filter = NULL};
}

static void teardown(void)
{
    char command[64];

    lnf_table_destroy(table);
    lnf_query_destroy(compiled);
    query_clear(&query);
    close(nowhere);
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static bool on_rows(void *context, const uint8_t *rows, size_t count,
                    const struct lnf_totals *totals)
{
    size_t row_size = lnf_query_row_size(compiled);

    ck_assert_ptr_eq(context, &heard);
    for (size_t i = 0; i < count; i++) {
        struct lnf_value value;
        ck_assert_uint_lt(heard.rows, FLOWS);
        lnf_query_row_value(compiled, rows + i * row_size, 0, &value);
        heard.ports[heard.rows++] = (unsigned)value.u64;
    }
    heard.totals.records += totals->records;
    heard.totals.flows += totals->flows;
    heard.totals.packets += totals->packets;
    heard.totals.bytes += totals->bytes;
    return heard.stop_after_rows == 0 || heard.rows < heard.stop_after_rows;
}

static bool on_progress(void *context, uint64_t files_done)
{
    ck_assert_ptr_eq(context, &heard);
    heard.progress_calls++;
    heard.backwards = heard.backwards || files_done < heard.files_done;
    heard.files_done = files_done;
    return !heard.stop_by_progress;
}

static int run(const struct query_words *words, unsigned items, size_t path_count, unsigned threads)
{
    struct slave_hooks hooks = {&heard, on_rows, on_progress};

    lnf_table_destroy(table);
    lnf_query_destroy(compiled);
    query_clear(&query);
    ck_assert_int_eq(query_build(words, items, &query, &failure), REPORT_OK);
    ck_assert_int_eq(query_compile(&query, &compiled, &failure), REPORT_OK);
    struct slave_job job = {
        .query = &query,
        .compiled = compiled,
        .paths = paths,
        .path_count = path_count,
        .skipped = 3,
        .threads = threads,
        .report = &report,
    };
    memset(&heard, 0, offsetof(struct heard, stop_after_rows));
    memset(&counts, 0x55, sizeof(counts)); /* all of it must be set */
    int class = slave_run(&job, &hooks, &table, &counts, &failure);
    ck_assert(!heard.backwards);
    ck_assert_uint_eq(counts.skipped, 3);
    return class;
}

/** Sums over flows first .. first + count - 1. */
static struct lnf_totals sums(unsigned first, unsigned count)
{
    struct lnf_totals totals = {.records = count, .flows = count};

    for (unsigned i = first; i < first + count; i++) {
        struct test_flow flow = test_flow_number(i);
        totals.packets += flow.packets;
        totals.bytes += flow.bytes;
    }
    return totals;
}

static void expect_totals(const struct lnf_totals *got, const struct lnf_totals *expected)
{
    ck_assert_uint_eq(got->records, expected->records);
    ck_assert_uint_eq(got->flows, expected->flows);
    ck_assert_uint_eq(got->packets, expected->packets);
    ck_assert_uint_eq(got->bytes, expected->bytes);
}

static const unsigned thread_counts[] = {1, 2, 4, 16};

/* ---- lists ---------------------------------------------------------------------------------- */

static const struct query_words list = {.fields = "srcport"};

/** In the order of the files, whatever the threads do. */
START_TEST(test_list)
{
    const struct lnf_totals all = sums(0, FLOWS), none = {0};

    ck_assert_int_eq(run(&list, QUERY_RECORDS, FILES, thread_counts[_i]), REPORT_OK);
    ck_assert_ptr_null(table);
    ck_assert_uint_eq(heard.rows, FLOWS);
    for (unsigned i = 0; i < FLOWS; i++) {
        ck_assert_uint_eq(heard.ports[i], PORT0 + i);
    }
    expect_totals(&heard.totals, &all);
    expect_totals(&counts.totals, &none); /* they went with the rows */
    ck_assert_uint_eq(heard.files_done, FILES);
    ck_assert_uint_eq(counts.files, FILES);
    ck_assert_uint_eq(counts.unreadable, 0);
}
END_TEST

/** Never a row more than the limit. */
START_TEST(test_limit)
{
    static const char *const limits[] = {"1", "59", "60", "61", "700", "3499", "3500", "3501"};

    for (size_t l = 0; l < sizeof(limits) / sizeof(limits[0]); l++) {
        struct query_words words = {.fields = "srcport", .limit = limits[l]};
        size_t wanted = (size_t)atoi(limits[l]);
        ck_assert_int_eq(run(&words, QUERY_RECORDS, FILES, thread_counts[_i]), REPORT_OK);
        ck_assert_uint_eq(heard.rows, wanted < FLOWS ? wanted : FLOWS);
        for (unsigned i = 0; i < heard.rows; i++) {
            ck_assert_uint_eq(heard.ports[i], PORT0 + i);
        }
        /* Totals are of the blocks read for it: the same for any number of threads. */
        size_t blocks_of_files = wanted / FILE_FLOWS * FILE_FLOWS;
        size_t rest = wanted % FILE_FLOWS;
        size_t read = blocks_of_files + (rest + BLOCK_FLOWS - 1) / BLOCK_FLOWS * BLOCK_FLOWS;
        read = rest > FILE_FLOWS / BLOCK_FLOWS * BLOCK_FLOWS ? blocks_of_files + FILE_FLOWS : read;
        struct lnf_totals expected = sums(0, (unsigned)(read < FLOWS ? read : FLOWS));
        expect_totals(&heard.totals, &expected);
    }
}
END_TEST

/** Every block but few has no matching record. */
START_TEST(test_sparse)
{
    struct query_words words = {.fields = "srcport",
                                .filter = "src port 1030 or src port 4400 or src port 4523"};

    ck_assert_int_eq(run(&words, QUERY_RECORDS, FILES, thread_counts[_i]), REPORT_OK);
    ck_assert_uint_eq(heard.rows, 3);
    ck_assert_uint_eq(heard.ports[0], 1030);
    ck_assert_uint_eq(heard.ports[1], 4400);
    ck_assert_uint_eq(heard.ports[2], 4523);
    ck_assert_uint_eq(heard.totals.flows, 3);
}
END_TEST

START_TEST(test_stopped)
{
    heard.stop_after_rows = 1;
    ck_assert_int_eq(run(&list, QUERY_RECORDS, FILES, thread_counts[_i]), REPORT_OK);
    ck_assert_uint_eq(heard.rows, BLOCK_FLOWS);
    heard.stop_by_progress = true;
    ck_assert_int_eq(run(&list, QUERY_RECORDS, FILES, thread_counts[_i]), REPORT_OK);
    ck_assert_int_eq(
        run(&(struct query_words){.order = "srcport"}, QUERY_RECORDS, FILES, thread_counts[_i]),
        REPORT_OK);
}
END_TEST

/** Headers are summed up also of files that a short list never reached. */
START_TEST(test_limit_with_headers)
{
    struct query_words words = {.fields = "srcport", .limit = "1"};

    ck_assert_int_eq(run(&words, QUERY_RECORDS | QUERY_FILES, FILES, thread_counts[_i]), REPORT_OK);
    ck_assert_uint_eq(heard.rows, 1);
    ck_assert_uint_eq(counts.stat.flows, FLOWS);
    ck_assert_uint_eq(counts.stat.bytes, sums(0, FLOWS).bytes);
    paths[FILES - 1] = (char *)"/nonexistent";
    ck_assert_int_eq(run(&words, QUERY_RECORDS | QUERY_FILES, FILES, thread_counts[_i]), REPORT_OK);
    ck_assert_uint_eq(counts.stat.flows, FLOWS - FILE_FLOWS);
    ck_assert_uint_eq(counts.unreadable, 1);
}
END_TEST

/* ---- tables --------------------------------------------------------------------------------- */

START_TEST(test_aggregate)
{
    struct query_words words = {.aggregation = "proto", .order = "proto", .fields = "flows"};
    const struct lnf_totals all = sums(0, FLOWS);
    uint8_t rows[1024];

    ck_assert_int_eq(run(&words, QUERY_RECORDS, FILES, thread_counts[_i]), REPORT_OK);
    ck_assert_uint_eq(heard.rows, 0);
    expect_totals(&counts.totals, &all);
    ck_assert_ptr_nonnull(table);
    ck_assert_int_eq(lnf_table_finish(table, true), LNF_OK);
    ck_assert_uint_eq(lnf_table_rows(table, 0, 10, rows), 4);
    for (unsigned i = 0; i < 4; i++) {
        static const unsigned protocols[] = {1, 6, 17, 47};
        struct lnf_value value;
        const uint8_t *row = rows + i * lnf_query_row_size(compiled);
        lnf_query_row_value(compiled, row, 0, &value);
        ck_assert_uint_eq(value.u64, protocols[i]);
        lnf_query_row_value(compiled, row, 1, &value);
        ck_assert_uint_eq(value.u64, FLOWS / 4);
    }
}
END_TEST

START_TEST(test_sort)
{
    struct query_words words = {.order = "srcport#desc", .fields = "", .limit = "7"};
    uint8_t rows[1024];

    ck_assert_int_eq(run(&words, QUERY_RECORDS, FILES, thread_counts[_i]), REPORT_OK);
    ck_assert_int_eq(lnf_table_finish(table, true), LNF_OK);
    ck_assert_uint_eq(lnf_table_rows(table, 0, 10, rows), 7);
    for (unsigned i = 0; i < 7; i++) {
        struct lnf_value value;
        lnf_query_row_value(compiled, rows + i * lnf_query_row_size(compiled), 0, &value);
        ck_assert_uint_eq(value.u64, PORT0 + FLOWS - 1 - i);
    }
}
END_TEST

/** Totals alone: no table, no rows. */
START_TEST(test_count)
{
    const struct lnf_totals all = sums(0, FLOWS);

    ck_assert_int_eq(run(&(struct query_words){.aggregation = "srcip"}, QUERY_PROCESSED, FILES,
                         thread_counts[_i]),
                     REPORT_OK);
    ck_assert_ptr_null(table);
    ck_assert_uint_eq(heard.rows, 0);
    expect_totals(&counts.totals, &all);
    ck_assert_int_eq(run(&list, QUERY_PROCESSED, FILES, thread_counts[_i]), REPORT_OK);
    ck_assert_ptr_null(table);
    ck_assert_uint_eq(heard.rows, 0);
    expect_totals(&counts.totals, &all);
}
END_TEST

/** Headers alone: no record is read. */
START_TEST(test_metadata)
{
    ck_assert_int_eq(run(&list, QUERY_FILES, FILES, thread_counts[_i]), REPORT_OK);
    ck_assert_ptr_null(table);
    ck_assert_uint_eq(counts.totals.records, 0);
    ck_assert_uint_eq(counts.stat.flows, FLOWS);
    ck_assert_uint_eq(counts.stat.packets, sums(0, FLOWS).packets);
    ck_assert_uint_eq(counts.stat.class_flows[LNF_STAT_TCP], FLOWS / 4);
    ck_assert_uint_eq(counts.stat.class_flows[LNF_STAT_OTHER], FLOWS / 4);
    ck_assert_uint_eq(heard.files_done, FILES);
}
END_TEST

START_TEST(test_no_files)
{
    ck_assert_int_eq(run(&list, QUERY_RECORDS, 0, thread_counts[_i]), REPORT_OK);
    ck_assert_uint_eq(heard.rows, 0);
    ck_assert_int_eq(
        run(&(struct query_words){.order = "bytes"}, QUERY_RECORDS, 0, thread_counts[_i]),
        REPORT_OK);
    ck_assert_ptr_nonnull(table);
    ck_assert_uint_eq(lnf_table_count(table), 0);
    ck_assert_int_eq(run(&list, QUERY_FILES, 0, thread_counts[_i]), REPORT_OK);
    ck_assert_uint_eq(counts.stat.flows, 0);
}
END_TEST

/* ---- damage --------------------------------------------------------------------------------- */

static void write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_TRUNC);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

/** What cannot be read costs itself, and the rest keeps its order. */
START_TEST(test_unreadable)
{
    write_text(paths[0], "");
    write_text(paths[2], "this is no flow file, although it is long enough to be one, isn't it? "
                         "It only has no magic number where one would be.\n");
    unlink(paths[4]);
    ck_assert_int_eq(run(&list, QUERY_RECORDS, FILES, thread_counts[_i]), REPORT_OK);
    ck_assert_uint_eq(counts.files, FILES);
    ck_assert_uint_eq(counts.unreadable, 3);
    ck_assert_uint_eq(heard.files_done, FILES);
    ck_assert_uint_eq(heard.rows, 2 * FILE_FLOWS);
    for (unsigned i = 0; i < FILE_FLOWS; i++) {
        ck_assert_uint_eq(heard.ports[i], PORT0 + FILE_FLOWS + i);
        ck_assert_uint_eq(heard.ports[FILE_FLOWS + i], PORT0 + 3 * FILE_FLOWS + i);
    }
}
END_TEST

/** Between the search for files and their opening somebody put a FIFO there: nobody waits for it.
 */
START_TEST(test_fifo)
{
    ck_assert_int_eq(unlink(paths[2]), 0);
    ck_assert_int_eq(mkfifo(paths[2], 0600), 0);
    ck_assert_int_eq(run(&list, QUERY_RECORDS, FILES, thread_counts[_i]), REPORT_OK);
    ck_assert_uint_eq(counts.unreadable, 1);
    ck_assert_uint_eq(heard.rows, (FILES - 1) * FILE_FLOWS);
}
END_TEST

/** A file of every length: complete blocks are used, nothing hangs or crashes. */
START_TEST(test_cut)
{
    off_t size;
    int fd = open(paths[1], O_RDWR);

    size = lseek(fd, 0, SEEK_END);
    for (off_t cut = size - 1; cut > 0; cut = cut * 7 / 8) {
        ck_assert_int_eq(ftruncate(fd, cut), 0);
        ck_assert_int_eq(run(&list, QUERY_RECORDS, 3, 4), REPORT_OK);
        size_t of_cut = heard.rows - 2 * FILE_FLOWS;
        ck_assert_uint_le(of_cut, FILE_FLOWS);
        ck_assert(of_cut % BLOCK_FLOWS == 0 || of_cut == FILE_FLOWS);
        for (unsigned i = 0; i < of_cut; i++) {
            ck_assert_uint_eq(heard.ports[FILE_FLOWS + i], PORT0 + FILE_FLOWS + i);
        }
        ck_assert_uint_eq(heard.ports[heard.rows - 1], PORT0 + 3 * FILE_FLOWS - 1);
        uint64_t trouble = counts.unreadable;
        for (unsigned kind = 0; kind < SLAVE_PROBLEMS; kind++) {
            trouble += counts.problems[kind];
        }
        ck_assert_uint_gt(trouble, 0);
    }
    close(fd);
}
END_TEST

/** Octets of a compressed block overwritten: that block is lost, counted, and all others are there.
 */
START_TEST(test_damaged_block)
{
    int fd = open(paths[2], O_RDWR);

    ck_assert_int_eq(pwrite(fd, "\377\377\377\377\377\377\377\377", 8, 40 + 12 + 20), 8);
    close(fd);
    ck_assert_int_eq(run(&list, QUERY_RECORDS, FILES, thread_counts[_i]), REPORT_OK);
    ck_assert_uint_eq(counts.problems[LNF_PROBLEM_BLOCK] + counts.problems[LNF_PROBLEM_RECORD], 1);
    ck_assert_uint_ge(heard.rows, FLOWS - BLOCK_FLOWS);
    ck_assert_uint_lt(heard.rows, FLOWS);
    for (unsigned i = 1; i < heard.rows; i++) {
        ck_assert_uint_gt(heard.ports[i], heard.ports[i - 1]);
    }
}
END_TEST

/** The writer did not close the file, its first block is damaged, its last one cut. */
static void damage_unfinished(const char *path)
{
    static const uint8_t unfinished[8];
    int fd = open(path, O_RDWR);

    ck_assert_int_eq(pwrite(fd, unfinished, 2, 18), 2); /* number of appendix blocks */
    ck_assert_int_eq(pwrite(fd, unfinished, 8, 24), 8); /* and their offset */
    ck_assert_int_eq(pwrite(fd, "\377\377\377\377\377\377\377\377", 8, 40 + 12 + 20), 8);
    ck_assert_int_eq(ftruncate(fd, lseek(fd, 0, SEEK_END) * 3 / 4), 0);
    close(fd);
}

/** Statistics computed from the records of a file its writer did not close are not silently those of
 * a part of it. */
START_TEST(test_metadata_unfinished)
{
    damage_unfinished(paths[2]);
    ck_assert_int_eq(run(&list, QUERY_FILES, FILES, thread_counts[_i]), REPORT_OK);
    ck_assert_uint_eq(counts.problems[LNF_PROBLEM_UNFINISHED], 1);
    ck_assert_uint_gt(counts.problems[LNF_PROBLEM_TRUNCATED], 0);
    ck_assert_uint_eq(counts.problems[LNF_PROBLEM_BLOCK] + counts.problems[LNF_PROBLEM_RECORD], 1);
    ck_assert_uint_ge(counts.stat.flows, FLOWS - FILE_FLOWS);
    ck_assert_uint_lt(counts.stat.flows, FLOWS);
    ck_assert_uint_eq(heard.files_done, FILES);
}
END_TEST

/** The same of files that a short list read the beginning of, or nothing. */
START_TEST(test_list_unfinished)
{
    struct query_words words = {.fields = "srcport", .limit = "1"};

    damage_unfinished(paths[0]);
    damage_unfinished(paths[4]);
    ck_assert_int_eq(run(&words, QUERY_RECORDS | QUERY_FILES, FILES, thread_counts[_i]), REPORT_OK);
    ck_assert_uint_eq(heard.rows, 1);
    ck_assert_uint_eq(counts.problems[LNF_PROBLEM_UNFINISHED], 2);
    ck_assert_uint_gt(counts.problems[LNF_PROBLEM_TRUNCATED], 0);
    ck_assert_uint_eq(counts.problems[LNF_PROBLEM_BLOCK] + counts.problems[LNF_PROBLEM_RECORD], 2);
    ck_assert_uint_lt(counts.stat.flows, FLOWS);
    ck_assert_uint_eq(counts.unreadable, 0);
}
END_TEST

/* ---- the rest ------------------------------------------------------------------------------- */

START_TEST(test_counts_add)
{
    struct slave_counts a = {.totals = {1, 2, 3, 4},
                             .skipped = 5,
                             .files = 6,
                             .unreadable = 7,
                             .problems = {1, 2, 3, 4, 5}};
    struct slave_counts b = a;

    lnf_stat_init(&a.stat);
    lnf_stat_init(&b.stat);
    b.stat.flows = 9;
    slave_counts_add(&a, &b);
    const struct lnf_totals twice = {2, 4, 6, 8};
    expect_totals(&a.totals, &twice);
    ck_assert_uint_eq(a.skipped, 10);
    ck_assert_uint_eq(a.files, 12);
    ck_assert_uint_eq(a.unreadable, 14);
    ck_assert_uint_eq(a.problems[4], 10);
    ck_assert_uint_eq(a.stat.flows, 9);
}
END_TEST

START_TEST(test_default_threads)
{
    unsetenv("OMP_NUM_THREADS");
    unsigned preset = slave_default_threads();
    ck_assert_uint_ge(preset, 1);
    setenv("OMP_NUM_THREADS", "7", 1);
    ck_assert_uint_eq(slave_default_threads(), 7);
    setenv("OMP_NUM_THREADS", "3,2", 1);
    ck_assert_uint_eq(slave_default_threads(), 3);
    static const char *const bad[] = {"", "x", "0", "-4", "99999999999999999999", "1025"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        setenv("OMP_NUM_THREADS", bad[i], 1);
        ck_assert_uint_eq(slave_default_threads(), preset);
    }
}
END_TEST

int main(void)
{
    enum { THREADS = sizeof(thread_counts) / sizeof(thread_counts[0]) };
    Suite *suite = suite_create("fdistdump/slave");
    TCase *tc = tcase_create("slave");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, test_list, 0, THREADS);
    tcase_add_loop_test(tc, test_limit, 0, THREADS);
    tcase_add_loop_test(tc, test_sparse, 0, THREADS);
    tcase_add_loop_test(tc, test_stopped, 0, THREADS);
    tcase_add_loop_test(tc, test_limit_with_headers, 0, THREADS);
    tcase_add_loop_test(tc, test_aggregate, 0, THREADS);
    tcase_add_loop_test(tc, test_sort, 0, THREADS);
    tcase_add_loop_test(tc, test_count, 0, THREADS);
    tcase_add_loop_test(tc, test_metadata, 0, THREADS);
    tcase_add_loop_test(tc, test_no_files, 0, THREADS);
    tcase_add_loop_test(tc, test_unreadable, 0, THREADS);
    tcase_add_loop_test(tc, test_fifo, 0, THREADS);
    tcase_add_test(tc, test_cut);
    tcase_add_loop_test(tc, test_damaged_block, 0, THREADS);
    tcase_add_loop_test(tc, test_metadata_unfinished, 0, THREADS);
    tcase_add_loop_test(tc, test_list_unfinished, 0, THREADS);
    tcase_add_test(tc, test_counts_add);
    tcase_add_test(tc, test_default_threads);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
