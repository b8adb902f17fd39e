/* SPDX-License-Identifier: BSD-3-Clause */
/* Command line: presets, every option, every wrong value. */

#include "args.h"
#include "collector_support.h"
#include "queue.h"

static struct args args;
static char *printed;

/* Parses words separated by blanks, after the program's name; keeps what was printed. */
static enum args_result parse(const char *words)
{
    static char copy[400];
    char *argv[32] = {copy};
    int argc = 1;

    (void)snprintf(copy, sizeof(copy), "ipfixcol %s", words);
    (void)strtok(copy, " ");
    while ((argv[argc] = strtok(NULL, " ")) != NULL) {
        argc++;
    }
    free(printed);
    support_capture();
    int error = dup(STDERR_FILENO);
    (void)dup2(STDOUT_FILENO, STDERR_FILENO); /* getopt's own lines */
    enum args_result result = args_parse(argc, argv, &args);
    (void)dup2(error, STDERR_FILENO);
    (void)close(error);
    printed = support_captured();
    return result;
}

START_TEST(presets)
{
    ck_assert_int_eq(parse(""), ARGS_RUN);
    ck_assert_str_eq(printed, "");
    ck_assert_str_eq(strrchr(args.startup_path, '/'), "/startup.xml");
    ck_assert_str_eq(strrchr(args.internal_path, '/'), "/internalcfg.xml");
    ck_assert_str_eq(strrchr(args.elements_path, '/'), "/ipfix-elements.xml");
    ck_assert_ptr_null(args.pid_path);
    ck_assert_ptr_null(args.help_plugin);
    ck_assert_int_eq(args.verbosity, 0);
    ck_assert_uint_eq(args.queue_slots, QUEUE_DEFAULT_SLOTS);
    ck_assert_uint_eq(args.statistics_s, 0);
    ck_assert(!args.daemon && !args.ignore_sequence && !args.single_manager && !args.check);
}
END_TEST

START_TEST(every_option)
{
    ck_assert_int_eq(parse("-c a -i b -e c -d -s -M -v -1 -r 65535 -S 5 -p pid --stop-timeout 3"),
                     ARGS_RUN);
    ck_assert_str_eq(args.startup_path, "a");
    ck_assert_str_eq(args.internal_path, "b");
    ck_assert_str_eq(args.elements_path, "c");
    ck_assert_str_eq(args.pid_path, "pid");
    ck_assert(args.daemon && args.ignore_sequence && args.single_manager && !args.check);
    ck_assert_int_eq(args.verbosity, -1);
    ck_assert_uint_eq(args.queue_slots, 65535);
    ck_assert_uint_eq(args.statistics_s, 5);
    ck_assert_uint_eq(args.stop_timeout_s, 3);
    ck_assert_int_eq(parse("--check -v3 -v 2"), ARGS_RUN);
    ck_assert(args.check);
    ck_assert_int_eq(args.verbosity, 2); /* not cumulative, the last one counts */
    ck_assert_int_eq(parse("--help-plugin json"), ARGS_RUN);
    ck_assert_str_eq(args.help_plugin, "json");
}
END_TEST

static const struct {
    const char *words, *text;
} wrong[] = {
    {"-v x", "the argument of -v is not an integer: 'x'"},
    {"-v 1x", "the argument of -v is not an integer: '1x'"},
    {"-v 99999999999", "the argument of -v"},
    {"-r 0", "the argument of -r is out of range (1 to 65535): '0'"},
    {"-r 65536", "the argument of -r is out of range"},
    {"-r -1", "the argument of -r is out of range"},
    {"-S 1.5", "the argument of -S is not an integer: '1.5'"},
    {"-S -1", "the argument of -S is out of range"},
    {"--stop-timeout 0", "the argument of --stop-timeout is out of range"},
    {"--stop-timeout x", "the argument of --stop-timeout is not an integer"},
    {"word", "unexpected argument 'word'"},
    {"-v 1 -- -c", "unexpected argument '-c'"},
    {"-x", "Usage: "},
    {"-c", "Usage: "},
    {"--nope", "Usage: "},
};

START_TEST(wrong_values)
{
    ck_assert_int_eq(parse(wrong[_i].words), ARGS_EXIT_ERROR);
    ck_assert_contains(printed, wrong[_i].text);
    ck_assert_contains(printed, "Usage: ipfixcol");
}
END_TEST

START_TEST(help_and_version)
{
    ck_assert_int_eq(parse("-h"), ARGS_EXIT_OK);
    ck_assert_contains(printed, "Usage: ipfixcol");
    ck_assert_int_eq(parse("--help"), ARGS_EXIT_OK);
    ck_assert_int_eq(parse("-V"), ARGS_EXIT_OK);
    ck_assert_contains(printed, "ipfixcol ");
    ck_assert_contains(printed, "https://");
    ck_assert_int_eq(parse("--version -x"), ARGS_EXIT_OK);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("args");
    tcase_add_checked_fixture(tcase, support_make_folder, support_remove_folder);
    tcase_add_test(tcase, presets);
    tcase_add_test(tcase, every_option);
    tcase_add_loop_test(tcase, wrong_values, 0, sizeof(wrong) / sizeof(wrong[0]));
    tcase_add_test(tcase, help_and_version);
    return support_run(tcase, "args");
}
