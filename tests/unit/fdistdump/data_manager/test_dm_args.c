/* SPDX-License-Identifier: BSD-3-Clause */
/** Options of flow-data-manager: presets, values, and lines that are wrong. */
#include "dm_args.h"
#include "suite_main.h"

#include <stdlib.h>
#include <string.h>

static struct dm_args args;
static struct failure failure;

/** Reads a line of words separated by blanks. */
static int parse(const char *line)
{
    static char text[256];
    static char *argv[32];
    int argc = 0;

    argv[argc++] = (char *)(uintptr_t) "flow-data-manager";
    snprintf(text, sizeof(text), "%s", line);
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) {
        argv[argc++] = word;
    }
    argv[argc] = NULL;
    failure = (struct failure){0};
    return dm_args_parse(argc, argv, &args, &failure);
}

#define REFUSED(line, reason)                                                                      \
    do {                                                                                           \
        ck_assert_int_eq(parse(line), REPORT_ARGUMENTS);                                           \
        ck_assert_msg(strstr(failure.text, reason) != NULL, "%s: %s", line, failure.text);         \
    } while (0)

START_TEST(presets)
{
    ck_assert_int_eq(parse("a b delete -c 1"), REPORT_OK);
    ck_assert_uint_eq(args.profile_count, 2);
    ck_assert_str_eq(args.profiles[0], "a");
    ck_assert_str_eq(args.profiles[1], "b");
    ck_assert_int_eq(args.mode, DM_DELETE);
    ck_assert_double_eq(args.boundary, 90);
    ck_assert_int_eq(args.align, PLAN_NONE);
    ck_assert_int_eq(args.cleanup, 1);
    ck_assert_int_eq(args.dry_run + args.verbose, 0);
    ck_assert_uint_eq(args.limits.columns, 1);
    ck_assert_uint_eq(args.limits.files + args.limits.octets, 0);
    ck_assert(args.limits.lower_by < 0 && args.limits.lower_to < 0);
    ck_assert_int_eq(parse("a scan"), REPORT_OK);
    ck_assert_int_eq(args.mode, DM_SCAN);
}
END_TEST

START_TEST(values)
{
    ck_assert_int_eq(parse("-nv a delete -u 85.5 -f 7 -c 8 -b 9 --du-lower-by 5 --du-lower-to=80 "
                           "--align-to day --no-cleanup"),
                     REPORT_OK);
    ck_assert_int_eq(args.dry_run + args.verbose, 2);
    ck_assert_double_eq(args.boundary, 85.5);
    ck_assert_uint_eq(args.limits.files, 7);
    ck_assert_uint_eq(args.limits.columns, 8);
    ck_assert_uint_eq(args.limits.octets, 9);
    ck_assert_double_eq(args.limits.lower_by, 5);
    ck_assert_double_eq(args.limits.lower_to, 80);
    ck_assert_int_eq(args.align, PLAN_DAY);
    ck_assert_int_eq(args.cleanup, 0);
    /* The last one counts; a directory may have the name of a mode. */
    ck_assert_int_eq(parse("./scan delete --no-cleanup --cleanup -f1 --align-to year"), REPORT_OK);
    ck_assert_int_eq(args.cleanup, 1);
    ck_assert_int_eq(args.align, PLAN_YEAR);
    ck_assert_str_eq(args.profiles[0], "./scan");
}
END_TEST

static const struct {
    const char *text;
    uint64_t octets;
} sizes[] = {
    {"1", 1},           {"3B", 3},
    {"2k", 2048},       {"2K", 2048},
    {"1KB", 1000},      {"5MiB", 5 << 20},
    {"5Mi", 5 << 20},   {"7GB", 7000000000},
    {"1T", 1ULL << 40}, {"15E", 15ULL << 60},
};

START_TEST(octets)
{
    char line[64];

    snprintf(line, sizeof(line), "a delete -b %s", sizes[_i].text);
    ck_assert_int_eq(parse(line), REPORT_OK);
    ck_assert_uint_eq(args.limits.octets, sizes[_i].octets);
}
END_TEST

START_TEST(wrong_lines)
{
    REFUSED("a delete", "stop condition");
    REFUSED("a delete --align-to day", "stop condition");
    REFUSED("a", "neither scan nor delete");
    REFUSED("", "neither scan nor delete");
    REFUSED("scan", "no profile directory");
    REFUSED("a scan b", "unexpected `b'");
    REFUSED("a scan -f 1", "`--files' is for delete");
    REFUSED("a scan --no-cleanup", "is for delete");
    REFUSED("a delete -f", "`--files' needs an argument");
    REFUSED("a delete -f 1 -x", "unknown option `-x'");
    REFUSED("a delete -f 1 --nosuch", "`--nosuch'");
    REFUSED("a delete -f 1 --du-lower 3", "ambiguous option `--du-lower'");
    REFUSED("a delete -f 1 --no-cleanup=yes", "takes no argument");
    REFUSED("a delete -f 1 --align-to week", "--align-to `week'");
}
END_TEST

START_TEST(wrong_numbers)
{
    static const char *const counts[] = {"0", "-1", "+1", "x", "1x", "1.5", "99999999999999999999"};
    static const char *const octet_counts[] = {"0", "K", "1Q", "1KiBs", "1kb", "16E", "-1K"};
    static const char *const percents[] = {"-1", "100.1", "x", "nan", "0x10", "1e1", ".", "1..2"};
    char line[64];

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        snprintf(line, sizeof(line), "a delete -f %s", counts[i]);
        REFUSED(line, "--files");
        snprintf(line, sizeof(line), "a delete -c %s", counts[i]);
        REFUSED(line, "--columns");
    }
    for (size_t i = 0; i < sizeof(octet_counts) / sizeof(octet_counts[0]); i++) {
        snprintf(line, sizeof(line), "a delete -b %s", octet_counts[i]);
        REFUSED(line, "--bytes");
    }
    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
        snprintf(line, sizeof(line), "a delete -f 1 -u %s", percents[i]);
        REFUSED(line, "--du-boundary");
    }
}
END_TEST

START_TEST(help)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    ck_assert_int_eq(parse("--help"), REPORT_OK);
    ck_assert_int_eq(args.help, 1);
    ck_assert_int_eq(parse("--version"), REPORT_OK);
    ck_assert_int_eq(args.version, 1);
    dm_args_print_help(stream);
    fclose(stream);
    for (const struct dm_option *row = dm_option_table; row->name != NULL; row++) {
        ck_assert_msg(strstr(text, row->name) != NULL, "%s", row->name);
    }
    for (const char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        ck_assert_msg(strlen(line) <= 80, "%s", line);
    }
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("data_manager_args");
    TCase *tcase = tcase_create("args");

    tcase_add_test(tcase, presets);
    tcase_add_test(tcase, values);
    tcase_add_loop_test(tcase, octets, 0, (int)(sizeof(sizes) / sizeof(sizes[0])));
    tcase_add_test(tcase, wrong_lines);
    tcase_add_test(tcase, wrong_numbers);
    tcase_add_test(tcase, help);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
