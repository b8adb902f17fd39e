/* SPDX-License-Identifier: BSD-3-Clause */
/** Sizes of memory as words, limits of control groups, and what failures of tables are called. */
#include "memory_limit.h"

#include <check.h>
#include <libnf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- words ----------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    uint64_t limit;
} sizes[] = {
    {"0", 0},
    {"1", 1},
    {"4096", 4096},
    {"1k", 1024},
    {"3K", 3072},
    {"512M", (uint64_t)512 << 20},
    {"7m", (uint64_t)7 << 20},
    {"4G", (uint64_t)4 << 30},
    {"2g", (uint64_t)2 << 30},
    {"1T", (uint64_t)1 << 40},
    {"9223372036854775807", INT64_MAX},
    {"8388607T", (uint64_t)8388607 << 40},
    {"000010k", 10240},
};

START_TEST(test_sizes)
{
    struct failure failure = {.class = REPORT_OK};
    uint64_t limit = 77;

    ck_assert_int_eq(memory_limit_read(sizes[_i].text, &limit, &failure), REPORT_OK);
    ck_assert_uint_eq(limit, sizes[_i].limit);
}
END_TEST

static const char *const no_sizes[] = {"",
                                       " ",
                                       "k",
                                       "M1",
                                       "1X",
                                       "1kB",
                                       "1 k",
                                       " 1",
                                       "1k ",
                                       "-1",
                                       "+1",
                                       "1.5G",
                                       "0x10",
                                       "1kk",
                                       "G",
                                       "\n1",
                                       "1,5M",
                                       "8388608T",
                                       "9223372036854775808",
                                       "8796093022208M",
                                       "99999999999999999999999"};

START_TEST(test_no_sizes)
{
    struct failure failure = {.class = REPORT_OK};
    uint64_t limit = 77;

    ck_assert_int_eq(memory_limit_read(no_sizes[_i], &limit, &failure), REPORT_ARGUMENTS);
    ck_assert_int_eq(failure.class, REPORT_ARGUMENTS);
    ck_assert_ptr_nonnull(strstr(failure.text, no_sizes[_i]));
    ck_assert_uint_eq(limit, 77);
}
END_TEST

/* ---- control groups -------------------------------------------------------------------------- */

static char root[] = "/tmp/test_memory_limit_XXXXXX";

static void make_root(void)
{
    strcpy(root + strlen(root) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
}

static void remove_root(void)
{
    char command[100];

    snprintf(command, sizeof(command), "rm -r %s", root);
    ck_assert_int_eq(system(command), 0);
}

/** A file below the root, with the folders it is in. */
static void make_file(const char *name, const char *text)
{
    char path[300];

    snprintf(path, sizeof(path), "%s/%s", root, name);
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(test_no_group)
{
    ck_assert_uint_eq(memory_limit_of_group(root, 1000), 1000);
    make_file("proc/self/cgroup", "");
    ck_assert_uint_eq(memory_limit_of_group(root, 1000), 1000);
    make_file("proc/self/cgroup", "0::/job/step\n");
    ck_assert_uint_eq(memory_limit_of_group(root, 1000), 1000);
}
END_TEST

/** Version 2: the smallest of the group and those it is in. */
START_TEST(test_group)
{
    make_file("proc/self/cgroup", "0::/job/step\n");
    make_file("sys/fs/cgroup/job/step/memory.max", "max\n");
    ck_assert_uint_eq(memory_limit_of_group(root, 1000), 1000);
    make_file("sys/fs/cgroup/job/step/memory.max", "5000\n");
    ck_assert_uint_eq(memory_limit_of_group(root, 1000), 1000);
    make_file("sys/fs/cgroup/job/step/memory.max", "900\n");
    ck_assert_uint_eq(memory_limit_of_group(root, 1000), 900);
    make_file("sys/fs/cgroup/job/memory.max", "600\n");
    ck_assert_uint_eq(memory_limit_of_group(root, 1000), 600);
    make_file("sys/fs/cgroup/memory.max", "50\n");
    ck_assert_uint_eq(memory_limit_of_group(root, 1000), 50);
    make_file("sys/fs/cgroup/job/other/memory.max", "1\n");
    ck_assert_uint_eq(memory_limit_of_group(root, 1000), 50);
}
END_TEST

/** In a container the group is its own root. */
START_TEST(test_root_group)
{
    make_file("proc/self/cgroup", "0::/\n");
    make_file("sys/fs/cgroup/memory.max", "70\n");
    ck_assert_uint_eq(memory_limit_of_group(root, 1000), 70);
}
END_TEST

START_TEST(test_group_version_1)
{
    make_file("proc/self/cgroup", "12:cpu,cpuacct:/x\n9:hugetlb,memory:/job\n1:name=systemd:/y\n");
    make_file("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    make_file("sys/fs/cgroup/memory/x/memory.limit_in_bytes", "1\n");
    ck_assert_uint_eq(memory_limit_of_group(root, 1000), 1000);
    make_file("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "800\n");
    ck_assert_uint_eq(memory_limit_of_group(root, 1000), 800);
}
END_TEST

START_TEST(test_strange_groups)
{
    static const char *const texts[] = {
        "0",         "0:",       "0::",      ":", "::", "\n\n", "0:memoryx:/job\n",
        "0:,memory", "0::job\n", "a:b:c:d\n"};

    make_file("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "1\n");
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        make_file("proc/self/cgroup", texts[i]);
        ck_assert_uint_eq(memory_limit_of_group(root, 1000), 1000);
    }
    make_file("proc/self/cgroup", "0::/job\n");
    make_file("sys/fs/cgroup/job/memory.max", "");
    ck_assert_uint_eq(memory_limit_of_group(root, 1000), 1000);
    make_file("sys/fs/cgroup/job/memory.max", "0\n");
    ck_assert_uint_eq(memory_limit_of_group(root, 1000), 1000);
}
END_TEST

START_TEST(test_available)
{
    uint64_t physical = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);

    ck_assert_uint_gt(memory_limit_available(), 1 << 20);
    ck_assert_uint_le(memory_limit_available(), physical);
}
END_TEST

/* ---- accounts -------------------------------------------------------------------------------- */

static lnf_query_t *create_query(void)
{
    const struct lnf_query_column columns[] = {{LNF_FLD_SRCADDR, LNF_COLUMN_KEY, 32, 128}};
    const struct lnf_query_spec spec = {
        .mode = LNF_QUERY_AGGREGATE, .columns = columns, .column_count = 1, .sort_column = -1};
    lnf_query_t *query = NULL;

    ck_assert_int_eq(lnf_query_create(&spec, &query, NULL), LNF_OK);
    return query;
}

/** The first temporary file is told once, with verbosity info only; that there can be none is a
 * failure with its reason. */
START_TEST(test_account)
{
    lnf_query_t *query = create_query();
    struct failure failure = {.class = REPORT_OK};
    char line[REPORT_LINE_SIZE] = "";
    static uint8_t rows[2000 * 16];
    struct report report;
    int ends[2];

    for (size_t i = 0; i < sizeof(rows); i++) {
        rows[i] = (uint8_t)(i * 7 + i / 251);
    }
    ck_assert_int_eq(pipe(ends), 0);
    report_init(&report, ends[1], _i == 2 ? REPORT_WARNING : REPORT_INFO, 0, 1);
    ck_assert_int_eq(setenv("TMPDIR", _i == 1 ? "/nowhere/at/all" : "/tmp", 1), 0);
    lnf_memory_t *memory;
    lnf_table_t *table;
    ck_assert_int_eq(memory_limit_start(1, &report, &memory, &failure), REPORT_OK);
    ck_assert_int_eq(lnf_table_create_limited(query, memory, &table), LNF_OK);
    int status = lnf_table_add(table, rows, 1000);
    for (int again = 0; again < 3 && status == LNF_OK; again++) {
        status = lnf_table_add(table, rows + 1000 * 16, 1000);
    }
    close(ends[1]);
    ck_assert_int_ge(read(ends[0], line, sizeof(line) - 1), 0);
    if (_i == 1) {
        ck_assert_int_eq(status, LNF_ERR_WRITE);
        ck_assert_int_eq(memory_limit_failure(table, status, &failure), REPORT_LIBNF);
        ck_assert_str_eq(failure.text, "/nowhere/at/all: cannot create a temporary file: "
                                       "No such file or directory");
        ck_assert_str_eq(line, "");
    } else {
        ck_assert_int_eq(status, LNF_OK);
        ck_assert_int_eq(memory_limit_failure(table, LNF_ERR_NOMEM, &failure), REPORT_MEMORY);
        const char *expected = "Info: rows exceed the limit of memory: temporary files in /tmp are "
                               "used\t";
        ck_assert_int_eq(strncmp(line, expected, _i == 2 ? 0 : strlen(expected)), 0);
        ck_assert_ptr_eq(strchr(line, '\n'), _i == 2 ? NULL : strrchr(line, '\n'));
        ck_assert_int_eq(line[0] == '\0', _i == 2);
    }
    close(ends[0]);
    lnf_table_destroy(table);
    lnf_memory_destroy(memory);
    lnf_query_destroy(query);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fdistdump/memory_limit");
    TCase *words = tcase_create("words");
    TCase *groups = tcase_create("control groups");
    TCase *accounts = tcase_create("accounts");

    tcase_add_loop_test(words, test_sizes, 0, (int)(sizeof(sizes) / sizeof(sizes[0])));
    tcase_add_loop_test(words, test_no_sizes, 0, (int)(sizeof(no_sizes) / sizeof(no_sizes[0])));
    suite_add_tcase(suite, words);
    tcase_add_checked_fixture(groups, make_root, remove_root);
    tcase_add_test(groups, test_no_group);
    tcase_add_test(groups, test_group);
    tcase_add_test(groups, test_root_group);
    tcase_add_test(groups, test_group_version_1);
    tcase_add_test(groups, test_strange_groups);
    tcase_add_test(groups, test_available);
    suite_add_tcase(suite, groups);
    tcase_add_loop_test(accounts, test_account, 0, 3);
    suite_add_tcase(suite, accounts);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
