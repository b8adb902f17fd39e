/* SPDX-License-Identifier: BSD-3-Clause */
/** Profiles, channels and files that are found, what is left out, and what is said of it. */
#include "dm_fixture.h"

#include <errno.h>
#include <sys/file.h>

START_TEST(oldest_first_over_all_channels)
{
    make("live/rrd/lnf.20200101000000", 0);
    make("live/lost+found/", 0);
    make("live/.hidden/channels/c/2020/01/01/lnf.20200101000000", 0);
    make("live/channels/.hidden/2020/01/01/lnf.20200101000000", 0);
    make("live/channels/ch1/2026/01/02/lnf.20260102000000", 0);
    make("live/channels/ch1/2026/01/02/bfi.20260102000000", 0);
    make("live/channels/ch1/2026/01/01/lnf.202601012300", 0);
    make("live/channels/ch2/2026/01/01/lnf.20260101000000", 0);
    make("live/sub/channels/c/2025/12/31/lnf.20251231000000.1", 0);
    make("live/sub/deep/channels/c/2025/12/30/lnf.20251230000000", 0);
    find("live");
    ck_assert_uint_eq(tree.file_count, 5);
    ck_assert_str_eq(file_at(0), "live/sub/deep/channels/c/2025/12/30/lnf.20251230000000");
    ck_assert_str_eq(file_at(1), "live/sub/channels/c/2025/12/31/lnf.20251231000000.1");
    ck_assert_str_eq(file_at(2), "live/channels/ch2/2026/01/01/lnf.20260101000000");
    ck_assert_str_eq(file_at(3), "live/channels/ch1/2026/01/01/lnf.202601012300");
    ck_assert_str_eq(file_at(4), "live/channels/ch1/2026/01/02/lnf.20260102000000");
    ck_assert_str_eq(said() == NULL ? "" : said(), "");
    ck_assert_uint_eq(dm_log.troubles, 0);
}
END_TEST

START_TEST(odd_names)
{
    make("p/channels/c/2026/01/01/lnf.20260101000000", 0);
    make("p/channels/c/2026/01/01/lnf.20260102000000", 0);
    make("p/channels/c/2026/01/01/x/lnf.20260101000500", 0);
    make("p/channels/c/2026/01/02/lnf.20260230000000", 0);
    make("p/channels/c/2026/01/03/nfcapd.1", 0);
    make("p/channels/c/2026/01/03/nfcapd.2", 0);
    make("p/channels/c/2026/01/03/.hidden", 0);
    make("p/channels/file", 0);
    make("p/file", 0);
    make("p/no_profile/lnf.20260101000000", 0);
    ck_assert_int_eq(symlink("01", "p/channels/c/2026/01/link"), 0);
    ck_assert_int_eq(symlink("/tmp", "p/linked"), 0);
    ck_assert_int_eq(mkfifo("p/channels/c/lnf.20260101001000", 0600), 0);
    find("p");
    ck_assert_uint_eq(tree.file_count, 3);
    ck_assert_ptr_nonnull(
        strstr(said(), "c/2026/01/01/lnf.20260102000000 is not in the directory"));
    ck_assert_ptr_nonnull(strstr(said(), "x/lnf.20260101000500 is not in the directory"));
    ck_assert_ptr_nonnull(strstr(said(), "lnf.20260230000000 has no valid time"));
    ck_assert_ptr_nonnull(strstr(said(), "is no flow file, ignored, as 1 more there"));
    ck_assert_ptr_nonnull(strstr(said(), "p/channels/file is no flow file"));
    ck_assert_ptr_nonnull(strstr(said(), "p/file is no flow file"));
    ck_assert_ptr_nonnull(strstr(said(), "p/no_profile has no directory channels"));
    ck_assert_ptr_nonnull(strstr(said(), "01/link is a symbolic link"));
    ck_assert_ptr_nonnull(strstr(said(), "p/linked is a symbolic link"));
    ck_assert_ptr_nonnull(strstr(said(), "lnf.20260101001000 is no flow file"));
    ck_assert_ptr_null(strstr(said(), "hidden"));
    ck_assert_ptr_null(strstr(said(), "lnf.20260101000000"));
}
END_TEST

START_TEST(controls_are_blanked)
{
    make("p/channels/c/\033[31mred\n", 0);
    find("p");
    ck_assert_ptr_nonnull(strstr(said(), "c/?[31mred? is no flow file"));
}
END_TEST

START_TEST(too_deep)
{
    char path[1024] = "p/channels/c/";

    for (int i = 0; i < WALK_DEPTH_MAX + 10; i++) {
        strcat(path, "d/");
    }
    strcat(path, "lnf.20260101000000");
    make(path, 0);
    find("p");
    ck_assert_uint_eq(tree.file_count, 0);
    ck_assert_ptr_nonnull(strstr(said(), "is too deep"));
}
END_TEST

/** As somebody who may not: said, counted, and the rest is found. */
START_TEST(unreadable)
{
    make("p/channels/c/2026/01/01/lnf.20260101000000", 0);
    make("p/channels/c/2026/01/02/lnf.20260102000000", 0);
    if (geteuid() == 0) {
        ck_assert_int_eq(system("chmod -R a+rx ."), 0);
    }
    ck_assert_int_eq(chmod("p/channels/c/2026/01/01", 0), 0);
    if (geteuid() == 0) {
        ck_assert_int_eq(seteuid(65534), 0);
    }
    find("p");
    if (getuid() == 0) {
        ck_assert_int_eq(seteuid(0), 0);
    }
    ck_assert_int_eq(chmod("p/channels/c/2026/01/01", 0700), 0);
    ck_assert_uint_eq(tree.file_count, 1);
    ck_assert_uint_eq(dm_log.troubles, 1);
    ck_assert_ptr_nonnull(
        strstr(said(), "Error: flow-data-manager: p/channels/c/2026/01/01: Perm"));
}
END_TEST

START_TEST(many_files)
{
    char path[128];

    for (int i = 0; i < 2000; i++) {
        snprintf(path, sizeof(path), "p/channels/c/2026/01/01/lnf.20260101%02d%02d%02d", i % 24,
                 i % 60, i % 59);
        make(path, 0);
    }
    find("p");
    ck_assert_uint_ge(tree.file_count, 1500);
    for (size_t i = 1; i < tree.file_count; i++) {
        ck_assert_int_lt(tree.files[i - 1].time_s, tree.files[i].time_s);
    }
    /* Usual names take no room. */
    ck_assert_uint_eq(sizeof(struct tree_file), 16);
    ck_assert_uint_lt(tree.names_size, 64);
}
END_TEST

/* ---- profile directories -------------------------------------------------------------------- */

static int open_two(const char *a, const char *b)
{
    char *paths[] = {(char *)(uintptr_t)a, (char *)(uintptr_t)b};

    tree_clear(&tree);
    failure = (struct failure){0};
    return profiles_open(&tree, paths, 2, &failure);
}

START_TEST(profiles_that_fit)
{
    make("a/channels/", 0);
    make("b/channels/", 0);
    ck_assert_int_eq(open_two("a", "b"), REPORT_OK);
    ck_assert_uint_eq(tree.directory_count, 2);
}
END_TEST

START_TEST(profiles_that_do_not)
{
    make("a/channels/", 0);
    make("a/sub/sub/channels/", 0);
    make("none/", 0);
    make("linked/", 0);
    make("file", 0);
    ck_assert_int_eq(symlink("a", "same"), 0);
    ck_assert_int_eq(symlink("../a/channels", "linked/channels"), 0);
    ck_assert_int_eq(open_two("a", "nosuch"), REPORT_PATH);
    ck_assert_ptr_nonnull(strstr(failure.text, "nosuch: No such file"));
    ck_assert_int_eq(open_two("a", "file"), REPORT_PATH);
    ck_assert_int_eq(open_two("a", "none"), REPORT_PATH);
    ck_assert_ptr_nonnull(strstr(failure.text, "none is no profile directory"));
    ck_assert_int_eq(open_two("a", "linked"), REPORT_PATH);
    ck_assert_int_eq(open_two("a", "./a/"), REPORT_PATH);
    ck_assert_ptr_nonnull(strstr(failure.text, "the same as"));
    ck_assert_int_eq(open_two("a", "same"), REPORT_PATH);
    ck_assert_int_eq(open_two("a", "a/sub/sub"), REPORT_PATH);
    ck_assert_ptr_nonnull(strstr(failure.text, "a/sub/sub is inside a"));
    ck_assert_int_eq(open_two("a/sub/sub", "same"), REPORT_PATH);
    ck_assert_ptr_nonnull(strstr(failure.text, "a/sub/sub is inside same"));
}
END_TEST

START_TEST(profiles_on_two_devices)
{
    struct stat here, there;
    char other[] = "/dev/shm/data-manager-XXXXXX", path[64];

    make("a/channels/", 0);
    if (stat(".", &here) != 0 || stat("/dev/shm", &there) != 0 || here.st_dev == there.st_dev ||
        mkdtemp(other) == NULL) {
        return; /* only one device here */
    }
    snprintf(path, sizeof(path), "%s/channels", other);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    int class = open_two("a", other);
    (void)rmdir(path);
    (void)rmdir(other);
    ck_assert_int_eq(class, REPORT_PATH);
    ck_assert_ptr_nonnull(strstr(failure.text, "not on one device"));
}
END_TEST

/** A second run, of the same tree or of a part of it. */
START_TEST(locks)
{
    char *paths[] = {(char *)(uintptr_t) "a"};
    struct walk walk = {.tree = &tree, .log = &dm_log, .failure = &failure, .lock = true};

    make("a/channels/", 0);
    make("a/sub/channels/", 0);
    ck_assert_int_eq(profiles_open(&tree, paths, 1, &failure), REPORT_OK);
    ck_assert_int_eq(profiles_lock(tree.directories[0].fd, "a", &dm_log, &failure), REPORT_OK);
    int other = open("a", O_RDONLY | O_DIRECTORY);
    ck_assert_int_eq(profiles_lock(other, "a", &dm_log, &failure), REPORT_LOCKED);
    ck_assert_ptr_nonnull(strstr(failure.text, "a: another run"));
    close(other);
    other = open("a/sub", O_RDONLY | O_DIRECTORY);
    ck_assert_int_eq(flock(other, LOCK_EX | LOCK_NB), 0);
    ck_assert_int_eq(walk_profile(&walk, 0), REPORT_LOCKED);
    ck_assert_ptr_nonnull(strstr(failure.text, "a/sub: another run"));
    close(other);
    tree_clear(&tree);
    ck_assert_int_eq(profiles_open(&tree, paths, 1, &failure), REPORT_OK);
    ck_assert_int_eq(walk_profile(&walk, 0), REPORT_OK);
    other = open("a/sub", O_RDONLY | O_DIRECTORY);
    ck_assert_int_eq(profiles_lock(other, "a/sub", &dm_log, &failure), REPORT_LOCKED);
    tree_clear(&tree); /* the end of the run */
    ck_assert_int_eq(profiles_lock(other, "a/sub", &dm_log, &failure), REPORT_OK);
    close(other);
}
END_TEST

/* ---- opening again -------------------------------------------------------------------------- */

START_TEST(exchanged_directories)
{
    make("p/channels/c/2026/01/01/lnf.20260101000000", 0);
    make("away/01/lnf.20260101000000", 0);
    find("p");
    int fd = tree_open(&tree, tree.files[0].directory);
    ck_assert_int_ge(fd, 0);
    close(fd);
    /* A link in its place, then another directory. */
    ck_assert_int_eq(rename("p/channels/c/2026/01", "old"), 0);
    ck_assert_int_eq(symlink("../../../../old", "p/channels/c/2026/01"),
                     0); /* the same, by a link */
    ck_assert_int_eq(tree_open(&tree, tree.files[0].directory), -1);
    ck_assert_int_eq(errno, ESTALE);
    unlink("p/channels/c/2026/01");
    ck_assert_int_eq(symlink("../../../../away", "p/channels/c/2026/01"), 0);
    ck_assert_int_eq(tree_open(&tree, tree.files[0].directory), -1);
    ck_assert_int_eq(errno, ESTALE);
    unlink("p/channels/c/2026/01");
    ck_assert_int_eq(rename("away", "p/channels/c/2026/01"), 0);
    ck_assert_int_eq(tree_open(&tree, tree.files[0].directory), -1);
    ck_assert_int_eq(errno, ESTALE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("data_manager_walk");
    TCase *tcase = tcase_create("walk");

    tcase_add_checked_fixture(tcase, dm_setup, dm_teardown);
    tcase_add_test(tcase, oldest_first_over_all_channels);
    tcase_add_test(tcase, odd_names);
    tcase_add_test(tcase, controls_are_blanked);
    tcase_add_test(tcase, too_deep);
    tcase_add_test(tcase, unreadable);
    tcase_add_test(tcase, many_files);
    tcase_add_test(tcase, profiles_that_fit);
    tcase_add_test(tcase, profiles_that_do_not);
    tcase_add_test(tcase, profiles_on_two_devices);
    tcase_add_test(tcase, locks);
    tcase_add_test(tcase, exchanged_directories);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
