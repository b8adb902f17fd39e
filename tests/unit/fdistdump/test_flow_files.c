/* SPDX-License-Identifier: BSD-3-Clause */
/** Paths into files: rank prefixes, host names, walks, the hierarchy of days, and bad paths. */
#include "flow_files.h"
#include "suite_main.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/flow-files-XXXXXX", warnings[64];
static char old_folder[PATH_MAX];
static struct report report;
static struct flow_files files;
static struct flow_files_context context;
static struct failure failure;

static void setup(void)
{
    ck_assert_ptr_nonnull(getcwd(old_folder, sizeof(old_folder)));
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    snprintf(warnings, sizeof(warnings), "%s.warnings", folder);
    report_init(&report, open(warnings, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600),
                REPORT_WARNING, 3, 5);
    files = (struct flow_files){0};
    context = (struct flow_files_context){.report = &report, .rank = 3, .host = "node-7"};
}

static void teardown(void)
{
    char command[128];

    flow_files_clear(&files);
    ck_assert_uint_eq(files.count, 0);
    close(report.fd);
    unlink(warnings);
    ck_assert_int_eq(chdir(old_folder), 0);
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

/** Makes an empty file and the directories above it. */
static void touch(const char *path)
{
    char copy[PATH_MAX];

    snprintf(copy, sizeof(copy), "%s", path);
    for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(copy, 0700);
        *slash = '/';
    }
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    ck_assert_msg(fd >= 0, "%s", path);
    close(fd);
}

static void add(const char *path)
{
    ck_assert_int_eq(flow_files_add(&files, path, &context, &failure), REPORT_OK);
}

/** The files found, separated by blanks. */
static const char *found(void)
{
    static char text[8192];
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < files.count; i++) {
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i > 0 ? " " : "",
                                 files.paths[i]);
    }
    return text;
}

static const char *warned(void)
{
    static char text[65536];
    FILE *file = fopen(warnings, "rb");

    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    return text;
}

static unsigned warning_count(void)
{
    unsigned count = 0;

    for (const char *c = warned(); *c != '\0'; c++) {
        count += *c == '\n';
    }
    return count;
}

/* ---- prefixes and conversions --------------------------------------------------------------- */

static const struct {
    const char *path, *found;
    const char *warning; /* NULL = none */
} conversions[] = {
    {"a", "a", NULL},
    {"./a", "./a", NULL},
    {"%3:a", "a", NULL},
    {"%03:a", "a", NULL},
    {"%2:a", "", NULL},
    {"%0:a", "", NULL},
    {"%33:a", "", NULL},
    {"%2:missing", "", NULL},
    {"%4294967299:a", "", NULL}, /* 2^32 + 3 */
    {"%18446744073709551619:a", "", NULL},
    {"%3:%3:a", "", "unknown conversion specifier `%3:%3:a'"},
    {"%3", "", "invalid conversion specifier in `%3'"},
    {"%3a", "", "invalid conversion specifier in `%3a'"},
    {"%3:", "", "empty path `%3:'"},
    {"%2:", "", NULL},
    {"", "", "empty path `'"},
    {"%h", "node-7", NULL},
    {"%h.%h", "node-7.node-7", NULL},
    {"%3:%h", "node-7", NULL},
    {"%%", "", "unknown conversion specifier `%%'"},
    {"a%", "", "unknown conversion specifier `a%'"},
    {"%x", "", "unknown conversion specifier `%x'"},
    {"%H", "", "unknown conversion specifier `%H'"},
    {"%:a", "", "unknown conversion specifier `%:a'"},
    {"a%3:", "", "unknown conversion specifier `a%3:'"},
    {"missing", "", "No such file or directory `missing'"},
    {"a/b", "", "Not a directory `a/b'"},
    {".hidden", ".hidden", NULL}, /* named explicitly */
    {"bfi.x", "bfi.x", NULL},
};

START_TEST(test_conversion)
{
    touch("a");
    touch("node-7");
    touch("node-7.node-7");
    touch(".hidden");
    touch("bfi.x");
    add(conversions[_i].path);
    ck_assert_str_eq(found(), conversions[_i].found);
    const char *expected = conversions[_i].warning;
    ck_assert_uint_eq(warning_count(), expected != NULL);
    ck_assert_uint_eq(files.skipped, expected != NULL);
    if (expected != NULL) {
        ck_assert_ptr_nonnull(strstr(warned(), "Warning: path: "));
        ck_assert_msg(strstr(warned(), expected) != NULL, "%s", warned());
    }
}
END_TEST

/** Paths of every length around the limit, plain and by conversion. */
START_TEST(test_long_path)
{
    char path[PATH_MAX + 8];

    for (size_t length = PATH_MAX - 3; length <= PATH_MAX + 2; length++) {
        memset(path, '/', length);
        path[length - 1] = 'x';
        path[length] = '\0';
        size_t before = files.skipped;
        add(path);
        ck_assert_uint_eq(files.count, 0);
        ck_assert_uint_eq(files.skipped, before + 1);
    }
    memset(path, '/', PATH_MAX - 4);
    strcpy(path + PATH_MAX - 4, "%h");
    add(path);
    ck_assert_ptr_nonnull(strstr(warned(), "path is too long"));
    ck_assert_uint_eq(files.count, 0);
}
END_TEST

/* ---- walks ---------------------------------------------------------------------------------- */

START_TEST(test_walk)
{
    touch("d/lnf.3");
    touch("d/lnf.1");
    touch("d/b/x");
    touch("d/b/.hidden");
    touch("d/.hidden/x");
    touch("d/bfi.1");
    touch("d/bfi.d/x");
    touch("d/bfi");
    touch("d/a.txt");
    touch("e/z");
    add("d");
    ck_assert_str_eq(found(), "d/a.txt d/b/x d/bfi d/lnf.1 d/lnf.3");
    add("e/");
    ck_assert_str_eq(found(), "d/a.txt d/b/x d/bfi d/lnf.1 d/lnf.3 e/z");
    ck_assert_uint_eq(warning_count(), 0);
}
END_TEST

START_TEST(test_empty_directory)
{
    ck_assert_int_eq(mkdir("d", 0700), 0);
    add("d");
    ck_assert_uint_eq(files.count, 0);
    ck_assert_uint_eq(files.skipped, 0);
}
END_TEST

START_TEST(test_links)
{
    touch("d/a/x");
    touch("real/y");
    ck_assert_int_eq(symlink("../../d", "d/a/loop"), 0);
    ck_assert_int_eq(symlink(".", "d/self"), 0);
    ck_assert_int_eq(symlink("../real", "d/tolink"), 0);
    ck_assert_int_eq(symlink("a/x", "d/file"), 0);
    ck_assert_int_eq(symlink("nothing", "d/broken"), 0);
    ck_assert_int_eq(symlink("circle2", "d/circle1"), 0);
    ck_assert_int_eq(symlink("circle1", "d/circle2"), 0);
    add("d");
    ck_assert_str_eq(found(), "d/a/x d/file d/tolink/y");
    ck_assert_uint_eq(warning_count(), 5);
    ck_assert_ptr_nonnull(strstr(warned(), "symbolic link leads back"));
    ck_assert_ptr_nonnull(strstr(warned(), "`d/a/loop'"));
    ck_assert_ptr_nonnull(strstr(warned(), "`d/self'"));
    ck_assert_ptr_nonnull(strstr(warned(), "No such file or directory `d/broken'"));
    ck_assert_ptr_nonnull(strstr(warned(), "Too many levels of symbolic links `d/circle1'"));
}
END_TEST

/** A directory is read once, however many links lead to it, which is no failure; a path given twice
 * is read twice. */
START_TEST(test_repeated_directory)
{
    touch("d/2016/x");
    ck_assert_int_eq(symlink("2016", "d/latest"), 0);
    ck_assert_int_eq(symlink("2016", "d/1999"), 0);
    add("d");
    ck_assert_str_eq(found(), "d/1999/x");
    ck_assert_str_eq(warned(), "");
    flow_files_clear(&files);
    report.verbosity = REPORT_INFO;
    add("d");
    ck_assert_str_eq(found(), "d/1999/x");
    ck_assert_ptr_nonnull(strstr(warned(), "directory has been read under another name `d/2016'"));
    ck_assert_ptr_nonnull(strstr(warned(), "another name `d/latest'"));
    ck_assert_ptr_null(strstr(warned(), "Warning"));
    add("d/latest");
    add("d/latest");
    ck_assert_str_eq(found(), "d/1999/x d/latest/x d/latest/x");
    ck_assert_uint_eq(files.skipped, 0);
}
END_TEST

/** Two links at every of thirty levels are 2^30 paths, but thirty directories. */
START_TEST(test_lattice)
{
    char path[64], target[16];

    for (unsigned i = 0; i < 30; i++) {
        snprintf(path, sizeof(path), "d/%02u/x", i);
        touch(path);
        snprintf(target, sizeof(target), "../%02u", i + 1);
        for (const char *name = "ab"; *name != '\0' && i < 29; name++) {
            snprintf(path, sizeof(path), "d/%02u/%c", i, *name);
            ck_assert_int_eq(symlink(target, path), 0);
        }
    }
    add("d");
    ck_assert_uint_eq(files.count, 30);
    ck_assert_uint_eq(files.skipped, 0);
}
END_TEST

START_TEST(test_special_files)
{
    touch("d/x");
    ck_assert_int_eq(mkfifo("d/fifo", 0600), 0);
    add("d");
    add("d/fifo");
    add("/dev/null");
    ck_assert_str_eq(found(), "d/x");
    ck_assert_uint_eq(files.skipped, 3);
    ck_assert_ptr_nonnull(strstr(warned(), "neither a file nor a directory, skipped `d/fifo'"));
}
END_TEST

START_TEST(test_unreadable_directory)
{
    if (geteuid() == 0) {
        return; /* root reads everything */
    }
    touch("d/x");
    touch("d/secret/y");
    chmod("d/secret", 0);
    add("d");
    chmod("d/secret", 0700);
    ck_assert_str_eq(found(), "d/x");
    ck_assert_ptr_nonnull(strstr(warned(), "Permission denied `d/secret'"));
}
END_TEST

/** Directories so deep that their names do not fit any more end in a warning. */
START_TEST(test_deep)
{
    const char name[] =
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    unsigned depth = PATH_MAX / sizeof(name) + 2;

    ck_assert_int_eq(mkdir("d", 0700), 0);
    int base = open("d", O_RDONLY | O_DIRECTORY);
    for (unsigned i = 0; i < depth; i++) {
        ck_assert_int_eq(mkdirat(base, name, 0700), 0);
        int next = openat(base, name, O_RDONLY | O_DIRECTORY);
        close(base);
        base = next;
    }
    close(base);
    add("d");
    ck_assert_uint_eq(files.count, 0);
    ck_assert_uint_eq(files.skipped, 1);
    ck_assert_uint_eq(warning_count(), 1);
}
END_TEST

START_TEST(test_many)
{
    char name[32];

    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "d/lnf.%03u", i);
        touch(name);
    }
    add("d");
    ck_assert_uint_eq(files.count, 1000);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "d/lnf.%03u", i);
        ck_assert_str_eq(files.paths[i], name);
    }
}
END_TEST

/* ---- hierarchy of days ---------------------------------------------------------------------- */

#define NEW_YEAR INT64_C(1451606400) /* 2016-01-01 00:00 UTC */

static void use_range(struct time_range *range, int64_t begin_s, int64_t end_s)
{
    *range = (struct time_range){begin_s, end_s};
    context.range = range;
}

START_TEST(test_hierarchy)
{
    struct time_range range;

    touch("ch/2015/12/31/lnf.20151231235000");
    touch("ch/2015/12/31/lnf.20151231235500");
    touch("ch/2015/12/31/lnf.20151231235501"); /* not an interval's name */
    touch("ch/2015/12/31/bfi.20151231235500");
    touch("ch/2016/01/01/lnf.20160101000000");
    touch("ch/2016/01/01/lnf.20160101000500");
    use_range(&range, NEW_YEAR - 300, NEW_YEAR + 300);
    add("ch");
    ck_assert_str_eq(found(), "ch/2015/12/31/lnf.20151231235500 ch/2016/01/01/lnf.20160101000000");
    ck_assert_uint_eq(warning_count(), 0);
    add("ch/2016/01/01/lnf.20160101000500"); /* a file is taken whatever the range */
    ck_assert_uint_eq(files.count, 3);
}
END_TEST

/** Missing intervals are warnings; a missing day or year is one. */
START_TEST(test_hierarchy_missing)
{
    struct time_range range;

    touch("ch/2016/01/01/lnf.20160101000500");
    use_range(&range, NEW_YEAR, NEW_YEAR + 900);
    add("ch");
    ck_assert_str_eq(found(), "ch/2016/01/01/lnf.20160101000500");
    ck_assert_uint_eq(warning_count(), 2);
    ck_assert_ptr_nonnull(
        strstr(warned(), "No such file or directory `ch/2016/01/01/lnf.20160101000000'"));
    use_range(&range, NEW_YEAR + 86400, NEW_YEAR + 3 * 86400);
    add("ch");
    ck_assert_uint_eq(warning_count(), 4);
    ck_assert_ptr_nonnull(strstr(warned(), "`ch/2016/01/02'"));
    ck_assert_ptr_nonnull(strstr(warned(), "`ch/2016/01/03'"));
    use_range(&range, 0, NEW_YEAR); /* 46 years without a directory */
    add("ch");
    ck_assert_uint_eq(warning_count(), 50);
    ck_assert_uint_eq(files.count, 1);
    ck_assert_uint_eq(files.skipped, 50);
}
END_TEST

START_TEST(test_hierarchy_wrong_types)
{
    struct time_range range;

    touch("ch/2015");
    ck_assert_int_eq(mkdir("ch/2016", 0700), 0);
    ck_assert_int_eq(mkdir("ch/2016/01", 0700), 0);
    touch("ch/2016/01/02");
    touch("ch/2016/01/01/lnf.20160101000000/x");
    use_range(&range, NEW_YEAR - 300, NEW_YEAR + 300);
    add("ch");
    ck_assert_uint_eq(files.count, 0);
    ck_assert_ptr_nonnull(strstr(warned(), "Not a directory `ch/2015'"));
    ck_assert_ptr_nonnull(
        strstr(warned(), "not a file, skipped `ch/2016/01/01/lnf.20160101000000'"));
    use_range(&range, NEW_YEAR + 86400, NEW_YEAR + 86700);
    add("ch");
    ck_assert_ptr_nonnull(strstr(warned(), "Not a directory `ch/2016/01/02'"));
}
END_TEST

/** Years of five digits have no place in the hierarchy: the search ends. */
START_TEST(test_hierarchy_far_future)
{
    struct time_range range;

    ck_assert_int_eq(mkdir("ch", 0700), 0);
    use_range(&range, INT64_C(253402300200), INT64_C(67767976233532500));
    add("ch");
    ck_assert_uint_eq(files.count, 0);
    ck_assert_uint_eq(warning_count(), 1);
    ck_assert_ptr_nonnull(strstr(warned(), "`ch/9999'"));
}
END_TEST

/** Directories whose intervals have names that are too long: warned about, and it ends. */
START_TEST(test_hierarchy_long)
{
    struct time_range range;
    char path[PATH_MAX];

    memset(path, '/', sizeof(path));
    memcpy(path, ".", 1);
    use_range(&range, NEW_YEAR, NEW_YEAR + 86400);
    for (size_t length = PATH_MAX - 40; length < PATH_MAX; length++) {
        path[length] = '\0';
        size_t before = files.skipped;
        add(path);
        ck_assert_uint_gt(files.skipped, before);
        path[length] = '/';
    }
    ck_assert_uint_eq(files.count, 0);
    ck_assert_ptr_nonnull(strstr(warned(), "path is too long"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fdistdump/flow_files");
    TCase *tc = tcase_create("flow_files");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, test_conversion, 0, sizeof(conversions) / sizeof(conversions[0]));
    tcase_add_test(tc, test_long_path);
    tcase_add_test(tc, test_walk);
    tcase_add_test(tc, test_empty_directory);
    tcase_add_test(tc, test_links);
    tcase_add_test(tc, test_repeated_directory);
    tcase_add_test(tc, test_lattice);
    tcase_add_test(tc, test_special_files);
    tcase_add_test(tc, test_unreadable_directory);
    tcase_add_test(tc, test_deep);
    tcase_add_test(tc, test_many);
    tcase_add_test(tc, test_hierarchy);
    tcase_add_test(tc, test_hierarchy_missing);
    tcase_add_test(tc, test_hierarchy_wrong_types);
    tcase_add_test(tc, test_hierarchy_far_future);
    tcase_add_test(tc, test_hierarchy_long);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
