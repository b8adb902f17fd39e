/* SPDX-License-Identifier: BSD-3-Clause */
/** Which columns are deleted, on a disk that is played. */
#include "dm_fixture.h"
#include "expire.h"

#include <errno.h>

#define FILES_SIZE 4096 /* one block of the played disk */

/** A disk of 100 blocks: what is left of the files, and 80 blocks of something else. */
struct disk {
    uint64_t other;
    bool is_lazy; /* counts what was deleted as free only when it is told to settle */
    uint64_t lazy_files;
    unsigned reads, settles, fail_at;
};

static struct disk disk;
static struct remover remover;
static struct plan_limits limits;
static struct expire expire;

static uint64_t files_left(void)
{
    uint64_t count = 0;

    for (size_t i = 0; i < tree.directory_count; i++) {
        count += tree.directories[i].file_count;
    }
    return count;
}

static int read_disk(void *context, struct usage *usage)
{
    struct disk *d = context;
    uint64_t files = d->is_lazy ? d->lazy_files : files_left();

    if (++d->reads == d->fail_at) {
        return EIO;
    }
    *usage = (struct usage){.blocks = 100, .available = 100 - d->other - files, .unit = FILES_SIZE};
    return 0;
}

static void settle_disk(void *context)
{
    struct disk *d = context;

    d->settles++;
    d->lazy_files = files_left();
}

/** Five columns in two channels on three days: 10 files, usage 90 %. */
static void setup(void)
{
    static const char *const names[] = {
        "2026/01/01/lnf.20260101000000", "2026/01/01/lnf.20260101000500",
        "2026/01/01/lnf.20260101120000", "2026/01/02/lnf.20260102000000",
        "2026/02/03/lnf.20260203000000"};
    char path[128];

    dm_setup();
    for (int i = 0; i < 10; i++) {
        snprintf(path, sizeof(path), "p/channels/c%d/%s", i % 2, names[i / 2]);
        make(path, FILES_SIZE);
    }
    find("p");
    remover = (struct remover){.tree = &tree, .log = &dm_log, .now_s = 1900000000};
    disk = (struct disk){.other = 80};
    limits = (struct plan_limits){.lower_by = -1, .lower_to = -1};
    expire = (struct expire){.remover = &remover,
                             .limits = &limits,
                             .cleanup = true,
                             .source = {read_disk, settle_disk, &disk}};
    ck_assert_int_eq(expire_usage(&expire.source, &expire.before, &failure), REPORT_OK);
    ck_assert_double_eq_tol(expire.before, 90, 0.001);
}

/** Runs and compares the columns that are left with those that should be. */
static void run(size_t columns)
{
    ck_assert_int_eq(expire_run(&expire, &failure), REPORT_OK);
    for (size_t i = 0; i < tree.file_count; i++) {
        ck_assert_msg(exists(file_at(i)) == (i >= 2 * columns), "%zu", i);
    }
}

START_TEST(files_never_split_a_column)
{
    limits.files = 3;
    run(2);
    ck_assert_uint_eq(expire.deleted.files, 4);
    ck_assert_uint_eq(expire.deleted.columns, 2);
    ck_assert_uint_eq(expire.deleted.octets, 4 * FILES_SIZE);
    ck_assert_double_eq_tol(expire.after, 86, 0.001);
    ck_assert(!expire.is_short);
}
END_TEST

START_TEST(files_exactly)
{
    limits.files = 2;
    run(1);
}
END_TEST

START_TEST(columns)
{
    limits.columns = 3;
    limits.files = 100;
    run(3);
    ck_assert_uint_eq(expire.directories, 2); /* the first of January in both channels */
    ck_assert(!exists("p/channels/c0/2026/01/01") && exists("p/channels/c0/2026/01/02"));
}
END_TEST

START_TEST(octets)
{
    limits.octets = 2 * FILES_SIZE + 1;
    run(2);
}
END_TEST

/** What an index holds counts, too. */
START_TEST(octets_of_indexes)
{
    make("p/channels/c1/2026/01/01/bfi.20260101000000", 1);
    limits.octets = 2 * FILES_SIZE + 1;
    run(1);
    ck_assert_uint_eq(expire.deleted.octets, 2 * FILES_SIZE + 1);
    ck_assert_uint_eq(expire.deleted.indexes, 1);
}
END_TEST

START_TEST(usage)
{
    limits.lower_to = 87; /* 88 is too much, 86 is enough */
    run(2);
}
END_TEST

START_TEST(usage_milder)
{
    limits.lower_to = 82;
    limits.lower_by = 2;
    run(1);
}
END_TEST

START_TEST(usage_low_already)
{
    limits.lower_to = 95;
    expire.align = PLAN_YEAR;
    run(0);
    ck_assert_uint_eq(expire.aligned.files, 0);
}
END_TEST

START_TEST(usage_out_of_reach)
{
    limits.lower_to = 10;
    run(5);
    ck_assert(expire.is_short);
    ck_assert(!exists("p/channels/c0/2026") && exists("p/channels/c0"));
}
END_TEST

/** Without a condition on usage all files may go. */
START_TEST(fewer_files_than_wanted)
{
    limits.files = 1000;
    run(5);
    ck_assert(!expire.is_short);
}
END_TEST

/** Some file systems free later: that must not delete more. */
START_TEST(usage_that_lags)
{
    disk.is_lazy = true;
    disk.lazy_files = 10;
    limits.lower_to = 86;
    run(2);
    ck_assert_uint_eq(disk.settles, 1);
}
END_TEST

START_TEST(usage_fails)
{
    limits.lower_to = 10;
    disk.fail_at = disk.reads + 4;
    ck_assert_int_eq(expire_run(&expire, &failure), REPORT_INTERNAL);
    ck_assert_ptr_nonnull(strstr(failure.text, "Input/output error"));
    ck_assert_uint_ge(expire.deleted.columns, 1);
    ck_assert_uint_lt(expire.deleted.columns, 5);
}
END_TEST

static const struct {
    enum plan_unit unit;
    size_t columns;
} alignments[] = {{PLAN_NONE, 1}, {PLAN_SECOND, 1}, {PLAN_MINUTE, 1}, {PLAN_HOUR, 2},
                  {PLAN_DAY, 3},  {PLAN_MONTH, 4},  {PLAN_YEAR, 5}};

START_TEST(alignment)
{
    limits.columns = 1;
    expire.align = alignments[_i].unit;
    run(alignments[_i].columns);
    ck_assert_uint_eq(expire.deleted.columns, 1);
    ck_assert_uint_eq(expire.aligned.columns, alignments[_i].columns - 1);
}
END_TEST

START_TEST(no_cleanup)
{
    limits.columns = 5;
    expire.cleanup = false;
    run(5);
    ck_assert_uint_eq(expire.directories, 0);
    ck_assert(exists("p/channels/c0/2026/01/01") && exists("p/channels/c0/2026/02/03"));
}
END_TEST

/** A dry run reckons with what it would have freed. */
START_TEST(dry_run)
{
    limits.lower_to = 87;
    remover.dry_run = true;
    disk.is_lazy = true; /* nothing is deleted, so usage stays */
    disk.lazy_files = 10;
    ck_assert_int_eq(expire_run(&expire, &failure), REPORT_OK);
    ck_assert_uint_eq(expire.deleted.columns, 2);
    ck_assert_double_eq_tol(expire.after, 86, 0.5);
    ck_assert_uint_eq(disk.settles, 0);
    for (size_t i = 0; i < tree.file_count; i++) {
        ck_assert(exists(file_at(i)));
    }
}
END_TEST

/** A column of which nothing was deleted does not count. */
START_TEST(failures_go_on)
{
    unlink("p/channels/c0/2026/01/01/lnf.20260101000000");
    make("p/channels/c0/2026/01/01/lnf.20260101000000/", 0);
    unlink("p/channels/c1/2026/01/01/lnf.20260101000000");
    make("p/channels/c1/2026/01/01/lnf.20260101000000/", 0);
    limits.columns = 1;
    ck_assert_int_eq(expire_run(&expire, &failure), REPORT_OK);
    ck_assert_uint_eq(remover.failed_count, 2);
    ck_assert_uint_eq(expire.deleted.columns, 1);
    ck_assert(!exists("p/channels/c0/2026/01/01/lnf.20260101000500"));
    ck_assert(exists("p/channels/c0/2026/01/01/lnf.20260101120000"));
}
END_TEST

START_TEST(percents)
{
    struct usage full = {.blocks = 200, .available = 50, .unit = 10};

    ck_assert_double_eq_tol(usage_percent(&full, 0), 75, 1e-9);
    ck_assert_double_eq_tol(usage_percent(&full, 500), 50, 1e-9);
    ck_assert_double_eq_tol(usage_percent(&full, 5000), 0, 1e-9);
    full.available = 300;
    ck_assert_double_eq_tol(usage_percent(&full, 0), 0, 1e-9);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("data_manager_expire");
    TCase *tcase = tcase_create("expire");

    tcase_add_checked_fixture(tcase, setup, dm_teardown);
    tcase_add_test(tcase, files_never_split_a_column);
    tcase_add_test(tcase, files_exactly);
    tcase_add_test(tcase, columns);
    tcase_add_test(tcase, octets);
    tcase_add_test(tcase, octets_of_indexes);
    tcase_add_test(tcase, usage);
    tcase_add_test(tcase, usage_milder);
    tcase_add_test(tcase, usage_low_already);
    tcase_add_test(tcase, usage_out_of_reach);
    tcase_add_test(tcase, fewer_files_than_wanted);
    tcase_add_test(tcase, usage_that_lags);
    tcase_add_test(tcase, usage_fails);
    tcase_add_loop_test(tcase, alignment, 0, (int)(sizeof(alignments) / sizeof(alignments[0])));
    tcase_add_test(tcase, no_cleanup);
    tcase_add_test(tcase, dry_run);
    tcase_add_test(tcase, failures_go_on);
    tcase_add_test(tcase, percents);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
