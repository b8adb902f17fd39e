/* SPDX-License-Identifier: BSD-3-Clause */
/** Files and directories that are deleted, and those that must not be. */
#include "dm_fixture.h"
#include "remove.h"

#include <dirent.h>
#include <sys/file.h>
#include <time.h>

#define DAY "p/channels/c/2026/01/01/"
#define FLOW DAY "lnf.20260101000000"
#define INDEX DAY "bfi.20260101000000"
#define LONG_AFTER 1900000000 /* 2030 */

static struct remover remover;
static struct removed removed;

static void setup(void)
{
    dm_setup();
    remover = (struct remover){.tree = &tree, .log = &dm_log, .now_s = LONG_AFTER};
    removed = (struct removed){0};
}

START_TEST(file_and_index)
{
    make(FLOW, 100);
    make(INDEX, 11);
    make(DAY "lnf.20260101000500", 1);
    find("p");
    ck_assert_int_eq(remove_file(&remover, &tree.files[0], &removed), REMOVE_DONE);
    ck_assert(!exists(FLOW) && !exists(INDEX) && exists(DAY "lnf.20260101000500"));
    ck_assert_uint_eq(removed.octets, 111);
    ck_assert_uint_eq(removed.indexes, 1);
    ck_assert_uint_eq(remove_directories(&remover, &removed), 0); /* a file is left */
    ck_assert_int_eq(remove_file(&remover, &tree.files[1], &removed), REMOVE_DONE);
    ck_assert_uint_eq(removed.octets, 112);
    ck_assert_uint_eq(removed.indexes, 1);
    ck_assert_ptr_nonnull(strstr(told(), "deleted " FLOW "\n"));
}
END_TEST

START_TEST(dry_run)
{
    make(FLOW, 100);
    make(INDEX, 11);
    make(DAY "bfi.20260101000500", 7);
    find("p");
    remover.dry_run = true;
    dm_log.verbose = false;
    ck_assert_int_eq(remove_file(&remover, &tree.files[0], &removed), REMOVE_DONE);
    ck_assert_uint_eq(removed.octets, 111);
    ck_assert_uint_eq(remove_directories(&remover, &removed), 3);
    ck_assert(exists(FLOW) && exists(INDEX) && exists(DAY "bfi.20260101000500"));
    /* The index without a flow file goes with its directory. */
    ck_assert_uint_eq(removed.indexes, 2);
    ck_assert_uint_eq(removed.octets, 118);
    ck_assert_ptr_nonnull(strstr(told(), "would delete " FLOW "\n"));
    ck_assert_ptr_nonnull(strstr(told(), "would delete p/channels/c/2026\n"));
}
END_TEST

START_TEST(being_written)
{
    make(FLOW, 100);
    make(INDEX, 11);
    find("p");
    int fd = open(FLOW, O_RDWR);
    ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
    ck_assert_int_eq(remove_file(&remover, &tree.files[0], &removed), REMOVE_BUSY);
    ck_assert(exists(FLOW) && exists(INDEX));
    ck_assert_ptr_nonnull(strstr(said(), FLOW " is being written, skipped"));
    ck_assert_uint_eq(remover.busy_count, 1);
    ck_assert_uint_eq(dm_log.troubles + removed.octets, 0);
    ck_assert_uint_eq(remove_directories(&remover, &removed), 0);
    close(fd);
    ck_assert_int_eq(remove_file(&remover, &tree.files[0], &removed), REMOVE_DONE);
}
END_TEST

/** A collector makes a file, and locks it right after that. */
START_TEST(just_made)
{
    make(FLOW, 0);
    find("p");
    remover.now_s = (int64_t)time(NULL);
    ck_assert_int_eq(remove_file(&remover, &tree.files[0], &removed), REMOVE_BUSY);
    remover.now_s += 61;
    ck_assert_int_eq(remove_file(&remover, &tree.files[0], &removed), REMOVE_DONE);
}
END_TEST

/** An empty file is no new one for years because a clock was wrong once. */
START_TEST(made_in_the_future)
{
    time_t now = time(NULL);
    struct timespec times[2] = {{.tv_sec = now + 100}, {.tv_sec = now + 100}};

    make(FLOW, 0);
    find("p");
    remover.now_s = (int64_t)now;
    ck_assert_int_eq(utimensat(AT_FDCWD, FLOW, times, 0), 0);
    ck_assert_int_eq(remove_file(&remover, &tree.files[0], &removed), REMOVE_BUSY);
    times[1].tv_sec = now + 100000;
    ck_assert_int_eq(utimensat(AT_FDCWD, FLOW, times, 0), 0);
    ck_assert_int_eq(remove_file(&remover, &tree.files[0], &removed), REMOVE_DONE);
}
END_TEST

/** What the real run is not allowed to do, a dry one does not promise. */
START_TEST(dry_run_without_right)
{
    make(FLOW, 100);
    make("p/channels/c/2026/02/01/", 0);
    find("p");
    remover.dry_run = true;
    ck_assert_int_eq(chmod(DAY, 0500), 0);
    ck_assert_int_eq(chmod("p/channels/c/2026/02", 0500), 0);
    if (getuid() != 0) { /* root may do everything; a disk that is read-only: data_manager.py */
        ck_assert_int_eq(remove_file(&remover, &tree.files[0], &removed), REMOVE_FAILED);
        ck_assert_ptr_nonnull(strstr(said(), FLOW ": Permission denied"));
        ck_assert_uint_eq(remove_directories(&remover, &removed), 0);
        ck_assert_ptr_null(strstr(told(), "would delete"));
        ck_assert_uint_eq(dm_log.troubles, 2);
    }
    ck_assert_int_eq(chmod(DAY, 0700), 0);
    ck_assert_int_eq(chmod("p/channels/c/2026/02", 0700), 0);
    ck_assert_int_eq(remove_file(&remover, &tree.files[0], &removed), REMOVE_DONE);
    ck_assert_uint_eq(remove_directories(&remover, &removed), 5);
}
END_TEST

START_TEST(vanished)
{
    make(FLOW, 100);
    make(INDEX, 11);
    make("p/channels/c/2026/01/02/lnf.20260102000000", 1);
    find("p");
    unlink(FLOW);
    ck_assert_int_eq(remove_file(&remover, &tree.files[0], &removed), REMOVE_GONE);
    ck_assert_int_eq(system("rm -r p/channels/c/2026/01/02"), 0);
    ck_assert_int_eq(remove_file(&remover, &tree.files[1], &removed), REMOVE_GONE);
    ck_assert_uint_eq(dm_log.troubles + removed.octets + remover.failed_count, 0);
    /* What is left of both days goes. */
    ck_assert_uint_eq(remove_directories(&remover, &removed), 3);
    ck_assert(!exists("p/channels/c/2026") && exists("p/channels/c"));
    ck_assert_uint_eq(removed.octets, 11);
    ck_assert_uint_eq(removed.indexes, 1);
}
END_TEST

START_TEST(exchanged)
{
    make(FLOW, 100);
    make("away/01/lnf.20260101000000", 1);
    find("p");
    ck_assert_int_eq(rename("p/channels/c/2026/01", "old"), 0);
    ck_assert_int_eq(symlink("../../../../away", "p/channels/c/2026/01"), 0);
    ck_assert_int_eq(remove_file(&remover, &tree.files[0], &removed), REMOVE_FAILED);
    ck_assert(exists("away/01/lnf.20260101000000") && exists("old/01/lnf.20260101000000"));
    ck_assert_uint_eq(dm_log.troubles, 1);
    ck_assert_uint_eq(remover.failed_count, 1);
    ck_assert_ptr_nonnull(strstr(said(), "cannot delete " FLOW ": its directory was exchanged"));
}
END_TEST

/** A disk that is read-only must not fill the disk of the log. */
START_TEST(many_troubles)
{
    const char *line;
    int lines = 0;

    for (int i = 0; i < 1000; i++) {
        dm_log_trouble(&dm_log, "trouble %d", i);
    }
    for (line = said(); (line = strchr(line, '\n')) != NULL; line++) {
        lines++;
    }
    ck_assert_int_eq(lines, 101);
    ck_assert_ptr_nonnull(strstr(said(), "trouble 99\nError: flow-data-manager: further errors"));
    ck_assert_uint_eq(dm_log.troubles, 1000);
}
END_TEST

/** What is no file any more: a link, a directory. */
START_TEST(exchanged_file)
{
    make(FLOW, 100);
    make("precious", 1);
    find("p");
    unlink(FLOW);
    ck_assert_int_eq(symlink("../../../../../../precious", FLOW), 0);
    ck_assert_int_eq(remove_file(&remover, &tree.files[0], &removed), REMOVE_FAILED);
    unlink(FLOW);
    make(FLOW "/x", 1);
    ck_assert_int_eq(remove_file(&remover, &tree.files[0], &removed), REMOVE_FAILED);
    ck_assert(exists("precious") && exists(FLOW "/x"));
    ck_assert_uint_eq(remover.failed_count, 2);
}
END_TEST

START_TEST(other_names_of_a_file)
{
    make(FLOW, 5000);
    ck_assert_int_eq(link(FLOW, "second"), 0);
    find("p");
    ck_assert_int_eq(remove_file(&remover, &tree.files[0], &removed), REMOVE_DONE);
    ck_assert_uint_eq(removed.octets, 5000);
    ck_assert_uint_eq(removed.freed, 0);
    ck_assert(exists("second"));
}
END_TEST

START_TEST(directories)
{
    make("p/channels/c/2026/01/01/bfi.20260101000000", 7);
    make("p/channels/c/2026/01/02/.hidden", 1);
    make("p/channels/c/2026/01/05/.bfi.20260105000000.0a1b2c3d", 3); /* its writer died */
    make("p/channels/c/2026/02/03/lnf.wrong", 1);
    make("p/channels/c/2026/03/04/lnf.20260304000000", 1);
    make("p/channels/c/2026/04/05/", 0);
    make("p/channels/empty/", 0);
    make("p/sub/channels/", 0);
    find("p");
    ck_assert_uint_eq(remove_directories(&remover, &removed), 4);
    ck_assert(!exists("p/channels/c/2026/01/01") && !exists("p/channels/c/2026/04") &&
              !exists("p/channels/c/2026/01/05"));
    ck_assert(exists("p/channels/c/2026/01/02/.hidden") &&
              exists("p/channels/c/2026/02/03/lnf.wrong") &&
              exists("p/channels/c/2026/03/04/lnf.20260304000000"));
    ck_assert(exists("p/channels/empty") && exists("p/sub/channels"));
    ck_assert_uint_eq(removed.indexes, 2);
    ck_assert_uint_eq(removed.octets, 10);
    ck_assert_uint_eq(dm_log.troubles, 0);
}
END_TEST

/** What came after the scan stays, also its index. */
START_TEST(filled_meanwhile)
{
    make("p/channels/c/2026/01/01/", 0);
    find("p");
    make(FLOW, 1);
    make(INDEX, 1);
    ck_assert_uint_eq(remove_directories(&remover, &removed), 0);
    ck_assert(exists(FLOW) && exists(INDEX));
    ck_assert_uint_eq(dm_log.troubles, 0);
}
END_TEST

/* Linked with --wrap: a file appears when a directory is about to be read for the n-th time. */
static int readings_left; /* 0 = never */
DIR *__real_fdopendir(int fd);
DIR *__wrap_fdopendir(int fd);

DIR *__wrap_fdopendir(int fd)
{
    if (readings_left > 0 && --readings_left == 0) {
        make(FLOW, 1);
    }
    return __real_fdopendir(fd);
}

/** What came between the look at a directory and the deletion of its indexes stays as well. */
START_TEST(filled_at_the_last_moment)
{
    make(INDEX, 1);
    find("p");
    readings_left = 2;
    ck_assert_uint_eq(remove_directories(&remover, &removed), 0);
    ck_assert_int_eq(readings_left, 0);
    ck_assert(exists(FLOW));
    ck_assert_uint_eq(dm_log.troubles, 0);
}
END_TEST

/** A collector may be about to make a file of today. */
START_TEST(current_days)
{
    make("p/channels/c/2026/03/13/", 0);
    make("p/channels/c/2026/03/14/", 0);
    make("p/channels/c/2026/03/15/", 0);
    make("p/channels/c/2026/03/12/", 0);
    make("p/channels/c/2026/03/16/", 0);
    make("p/channels/c/2026/02/", 0);
    make("p/channels/c/20/", 0);
    find("p");
    remover.now_s = 1773502013; /* 2026-03-14 */
    ck_assert_uint_eq(remove_directories(&remover, &removed), 4);
    ck_assert(exists("p/channels/c/2026/03/13") && exists("p/channels/c/2026/03/14") &&
              exists("p/channels/c/2026/03/15"));
    ck_assert(!exists("p/channels/c/20"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("data_manager_remove");
    TCase *tcase = tcase_create("remove");

    tcase_add_checked_fixture(tcase, setup, dm_teardown);
    tcase_add_test(tcase, file_and_index);
    tcase_add_test(tcase, dry_run);
    tcase_add_test(tcase, being_written);
    tcase_add_test(tcase, just_made);
    tcase_add_test(tcase, made_in_the_future);
    tcase_add_test(tcase, dry_run_without_right);
    tcase_add_test(tcase, vanished);
    tcase_add_test(tcase, exchanged);
    tcase_add_test(tcase, many_troubles);
    tcase_add_test(tcase, exchanged_file);
    tcase_add_test(tcase, other_names_of_a_file);
    tcase_add_test(tcase, directories);
    tcase_add_test(tcase, filled_meanwhile);
    tcase_add_test(tcase, filled_at_the_last_moment);
    tcase_add_test(tcase, current_days);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
