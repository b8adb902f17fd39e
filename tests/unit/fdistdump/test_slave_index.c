/* SPDX-License-Identifier: BSD-3-Clause */
/** Slaves leave out what indexes rule out, count it, and find the same. */
#include "flowfile_build.h"
#include "message.h"
#include "slave.h"

#include <check.h>
#include <fcntl.h>
#include <libnf.h>
#include <libnf/index.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILES 3u
#define FLOWS 400u /* in each file */
#define PER_BLOCK 40u

static char directory[64];
static char paths[FILES][96], index_paths[FILES][96];
static char *path_list[FILES];

static void setup(void)
{
    struct lnf_error error = {.text = ""};

    strcpy(directory, "/tmp/fdistdump-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    for (unsigned i = 0; i < FILES; i++) {
        snprintf(paths[i], sizeof(paths[i]), "%s/lnf.%u", directory, i);
        snprintf(index_paths[i], sizeof(index_paths[i]), "%s/bfi.%u", directory, i);
        path_list[i] = paths[i];
        ck_assert_int_eq(
            test_file_write(paths[i], LNF_CODEC_LZ4, NULL, 0, i * FLOWS, FLOWS, PER_BLOCK), LNF_OK);
        ck_assert_msg(lnf_index_make(paths[i], NULL, &error) == LNF_OK, "%s", error.text);
    }
}

static void teardown(void)
{
    for (unsigned i = 0; i < FILES; i++) {
        unlink(paths[i]);
        unlink(index_paths[i]);
    }
    rmdir(directory);
}

struct outcome {
    uint64_t rows;
    struct slave_counts counts;
    char warnings[4096];
};

static bool on_rows(void *context, const uint8_t *rows, size_t count,
                    const struct lnf_totals *totals)
{
    struct outcome *outcome = context;
    (void)rows;
    (void)totals;
    outcome->rows += count;
    return true;
}

static bool on_progress(void *context, uint64_t files_done)
{
    (void)context;
    return files_done <= FILES;
}

static int verbosity = REPORT_WARNING;

/** Lists the flows of a filter with two threads. */
static void list_flows(const char *filter, bool no_index, struct outcome *outcome)
{
    struct query_words words = {.filter = filter, .fields = "srcip,bytes"};
    struct slave_hooks hooks = {outcome, on_rows, on_progress};
    struct failure failure = {.class = REPORT_OK};
    struct report report;
    struct query query = {0};
    lnf_query_t *compiled = NULL;
    lnf_table_t *table = NULL;
    FILE *lines = tmpfile();

    *outcome = (struct outcome){0};
    report_init(&report, fileno(lines), verbosity, 0, 1);
    ck_assert_msg(query_build(&words, QUERY_RECORDS, &query, &failure) == REPORT_OK, "%s",
                  failure.text);
    query.no_index = no_index;
    ck_assert_int_eq(query_compile(&query, &compiled, &failure), REPORT_OK);
    struct slave_job job = {.query = &query,
                            .compiled = compiled,
                            .paths = path_list,
                            .path_count = FILES,
                            .threads = 2,
                            .report = &report};
    ck_assert_int_eq(slave_run(&job, &hooks, &table, &outcome->counts, &failure), REPORT_OK);
    rewind(lines);
    outcome->warnings[fread(outcome->warnings, 1, sizeof(outcome->warnings) - 1, lines)] = '\0';
    fclose(lines);
    lnf_table_destroy(table);
    lnf_query_destroy(compiled);
    query_clear(&query);
}

/** A filter for the source of a flow of IPv4. */
static void host_filter(unsigned number, char *filter, size_t size)
{
    struct test_flow flow = test_flow_number(number);

    ck_assert_uint_eq(flow.ipv6, 0);
    snprintf(filter, size, "host %u.%u.%u.%u", flow.src4 >> 24, flow.src4 >> 16 & 255,
             flow.src4 >> 8 & 255, flow.src4 & 255);
}

START_TEST(test_counts)
{
    struct outcome with, without;
    char filter[64];

    host_filter(FLOWS + 7, filter, sizeof(filter));
    list_flows(filter, true, &without);
    list_flows(filter, false, &with);
    ck_assert_uint_gt(without.rows, 0);
    ck_assert_uint_eq(with.rows, without.rows);
    ck_assert_uint_eq(without.counts.indexed, 0);
    ck_assert_uint_eq(without.counts.blocks_skipped, 0);
    ck_assert_uint_eq(with.counts.indexed, FILES);
    ck_assert_uint_eq(with.counts.indexed_blocks, (uint64_t)FILES * FLOWS / PER_BLOCK);
    ck_assert_uint_lt(with.counts.blocks_skipped, with.counts.indexed_blocks);
    ck_assert_str_eq(with.warnings, "");

    list_flows("host 240.0.0.1", false, &with);
    ck_assert_uint_eq(with.rows, 0);
    ck_assert_uint_eq(with.counts.files_skipped, FILES);
    ck_assert_uint_eq(with.counts.blocks_skipped, with.counts.indexed_blocks);

    /* Nothing an index could answer. */
    list_flows("bytes > 0 or tos 1", false, &with);
    ck_assert_uint_eq(with.counts.indexed, 0);
}
END_TEST

/* A damaged index is told and costs nothing else; a missing one is not even told. */
START_TEST(test_damaged)
{
    struct outcome with;
    int fd = open(index_paths[1], O_RDWR);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, "\377\377", 2, 90), 2);
    close(fd);
    unlink(index_paths[2]);
    list_flows("host 240.0.0.1", false, &with);
    ck_assert_uint_eq(with.counts.indexed, 1);
    ck_assert_uint_eq(with.counts.files_skipped, 1);
    ck_assert_uint_eq(with.counts.damaged_indexes, 1);
    ck_assert_ptr_nonnull(strstr(with.warnings, index_paths[1]));
    ck_assert_ptr_nonnull(strstr(with.warnings, "Warning: bfindex: "));
    ck_assert_ptr_null(strstr(with.warnings, index_paths[2]));
}
END_TEST

/* One that is there and cannot be opened is told as well: here its name leads to itself. */
START_TEST(test_unreadable)
{
    struct outcome with;

    ck_assert_int_eq(unlink(index_paths[1]), 0);
    ck_assert_int_eq(symlink(index_paths[1], index_paths[1]), 0);
    list_flows("host 240.0.0.1", false, &with);
    ck_assert_uint_eq(with.counts.indexed, FILES - 1);
    ck_assert_uint_eq(with.counts.damaged_indexes, 1);
    ck_assert_ptr_nonnull(strstr(with.warnings, "Warning: bfindex: "));
    ck_assert_ptr_nonnull(strstr(with.warnings, index_paths[1]));
}
END_TEST

static void overwrite(const char *file, const char *text)
{
    FILE *f = fopen(file, "w");

    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

/* Who wants to know hears which files are left out, and which indexes belong to something else. */
START_TEST(test_information)
{
    struct outcome with;
    char line[256];

    overwrite(index_paths[1], "the index of another program, or what somebody took for one");
    ck_assert_int_eq(unlink(index_paths[2]), 0);
    ck_assert_int_eq(link(index_paths[0], index_paths[2]), 0); /* of another flow file */
    list_flows("host 240.0.0.1", false, &with);
    ck_assert_str_eq(with.warnings, "");
    verbosity = REPORT_INFO;
    list_flows("host 240.0.0.1", false, &with);
    verbosity = REPORT_WARNING;
    snprintf(line, sizeof(line), "Info: definitely not in file `%s'\t", paths[0]);
    ck_assert_ptr_nonnull(strstr(with.warnings, line));
    for (unsigned i = 1; i < FILES; i++) {
        snprintf(line, sizeof(line), "Info: %s: ", index_paths[i]);
        ck_assert_msg(strstr(with.warnings, line) != NULL, "%s: %s", line, with.warnings);
    }
    ck_assert_ptr_nonnull(strstr(with.warnings, "; the file is read without it\t"));
    ck_assert_uint_eq(with.counts.damaged_indexes, 0);
}
END_TEST

START_TEST(test_sums_and_messages)
{
    struct slave_counts sum = {0}, back;
    struct slave_counts one = {.damaged_indexes = 1ull << 33,
                               .indexed = 1,
                               .files_skipped = 2,
                               .indexed_blocks = 1ull << 40,
                               .blocks_skipped = 3};
    uint8_t *octets = malloc(MESSAGE_MAX);

    slave_counts_add(&sum, &one);
    slave_counts_add(&sum, &one);
    size_t size = message_pack_counts(&sum, octets);
    ck_assert(message_unpack_counts(octets, size, &back));
    ck_assert_uint_eq(back.damaged_indexes, 1ull << 34);
    ck_assert_uint_eq(back.indexed, 2);
    ck_assert_uint_eq(back.files_skipped, 4);
    ck_assert_uint_eq(back.indexed_blocks, 1ull << 41);
    ck_assert_uint_eq(back.blocks_skipped, 6);
    ck_assert(!message_unpack_counts(octets, size - 1, &back));
    free(octets);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("slave and indexes");
    TCase *tests = tcase_create("slave and indexes");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_counts);
    tcase_add_test(tests, test_damaged);
    tcase_add_test(tests, test_unreadable);
    tcase_add_test(tests, test_information);
    tcase_add_test(tests, test_sums_and_messages);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
