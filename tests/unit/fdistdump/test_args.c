/* SPDX-License-Identifier: BSD-3-Clause */
/** The command line: every option in every form, everything that is refused, the help. */
#include "args.h"
#include "suite_main.h"

#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 16

static struct args args;
static struct failure failure;

static void setup(void)
{
    args = (struct args){.help = 0};
    failure = (struct failure){.class = REPORT_OK};
}

static void teardown(void)
{
    args_clear(&args);
}

/** Parses words up to NULL, without the program's name. */
static int parse(const char *const *words)
{
    char *argv[WORDS_MAX + 1] = {(char *)"fdistdump"};
    int argc = 1;

    while (words[argc - 1] != NULL) {
        ck_assert_int_lt(argc, WORDS_MAX);
        argv[argc] = (char *)words[argc - 1];
        argc++;
    }
    args_clear(&args);
    return args_parse(argc, argv, &args, &failure);
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

#define TEXT_AT(option) (*(const char **)((char *)&args + (option)->place))
#define NUMBER_AT(option) (*(int *)((char *)&args + (option)->place))

START_TEST(test_presets)
{
    ck_assert_int_eq(parse((const char *const[]){NULL}), REPORT_OK);
    ck_assert_int_eq(args.verbosity, REPORT_WARNING);
    ck_assert_int_eq(args.format, ARGS_PRETTY);
    ck_assert_int_eq(args.progress_type, ARGS_DEFAULT);
    ck_assert_int_eq(args.timestamps, ARGS_DEFAULT);
    ck_assert_int_eq(args.volumes, ARGS_DEFAULT);
    ck_assert_int_eq(args.flags, ARGS_DEFAULT);
    ck_assert_int_eq(args.addresses, ARGS_DEFAULT);
    ck_assert_int_eq(args.protocols, ARGS_DEFAULT);
    ck_assert_int_eq(args.durations, ARGS_DEFAULT);
    ck_assert_int_eq(args.threads, 0);
    ck_assert_int_eq(args.help + args.version + args.rich_header + args.no_ellipsize +
                         args.no_tput + args.no_index + args.explain + args.exchange + args.strict,
                     0);
    ck_assert_ptr_null(args.words.aggregation);
    ck_assert_ptr_null(args.words.filter);
    ck_assert_ptr_null(args.words.limit);
    ck_assert_ptr_null(args.words.order);
    ck_assert_ptr_null(args.words.statistic);
    ck_assert_ptr_null(args.words.fields);
    ck_assert_ptr_null(args.progress_destination);
    ck_assert_ptr_null(args.output_items);
    ck_assert_uint_eq(args.path_count, 0);
}
END_TEST

/* ---- every row of the table ----------------------------------------------------------------- */

/** Options of the documentation, so that none disappears from the table. */
static const char *const documented[] = {
    "aggregation",
    "filter",
    "limit",
    "order",
    "statistic",
    "time-point",
    "time-range",
    "verbosity",
    "output-fields",
    "output-items",
    "output-format",
    "output-rich-header",
    "output-no-ellipsize",
    "output-ts-conv",
    "output-volume-conv",
    "output-tcpflags-conv",
    "output-addr-conv",
    "output-proto-conv",
    "output-duration-conv",
    "progress-bar-type",
    "progress-bar-dest",
    "num-threads",
    "memory-limit",
    "time-zone",
    "geo-database",
    "exchange",
    "no-tput",
    "explain",
    "no-bfindex",
    "strict",
    "help",
    "version",
    "fields",
    "progress-bar",
    "output-ts-localtime",
};

START_TEST(test_documented)
{
    const struct args_option *option = args_table;

    while (option->name != NULL && strcmp(option->name, documented[_i]) != 0) {
        option++;
    }
    ck_assert_msg(option->name != NULL, "no --%s", documented[_i]);
}
END_TEST

START_TEST(test_letters)
{
    char letters[64] = "";

    for (const struct args_option *option = args_table; option->name != NULL; option++) {
        if (option->letter != 0) {
            ck_assert_ptr_null(strchr(letters, option->letter));
            ck_assert_ptr_nonnull(option->value); /* read_short() counts on it */
            letters[strlen(letters)] = option->letter;
        }
    }
    ck_assert_uint_eq(strlen(letters), strlen("aflostTv"));
    for (const char *c = "aflostTv"; *c != '\0'; c++) {
        ck_assert_ptr_nonnull(strchr(letters, *c));
    }
}
END_TEST

static void check_text(const struct args_option *option)
{
    char joined[64], letter[8], attached[16];

    snprintf(joined, sizeof(joined), "--%s=a=b", option->name);
    ck_assert_int_eq(PARSE(joined), REPORT_OK);
    ck_assert_str_eq(TEXT_AT(option), "a=b");
    snprintf(joined, sizeof(joined), "--%s", option->name);
    ck_assert_int_eq(PARSE(joined, "--value"), REPORT_OK);
    ck_assert_str_eq(TEXT_AT(option), "--value"); /* an argument may look like an option */
    snprintf(joined, sizeof(joined), "--%s=", option->name);
    ck_assert_int_eq(PARSE(joined), REPORT_OK);
    ck_assert_str_eq(TEXT_AT(option), "");
    ck_assert_int_eq(PARSE(joined, "path", joined), REPORT_OK); /* again, and after a path */
    if (option->letter != 0) {
        snprintf(letter, sizeof(letter), "-%c", option->letter);
        ck_assert_int_eq(PARSE(letter, "x"), REPORT_OK);
        ck_assert_str_eq(TEXT_AT(option), "x");
        snprintf(attached, sizeof(attached), "-%c=y", option->letter);
        ck_assert_int_eq(PARSE(attached), REPORT_OK);
        ck_assert_str_eq(TEXT_AT(option), "=y");
    }
}

static void check_choice(const struct args_option *option)
{
    char word[128];

    for (int i = 0; option->choices[i] != NULL; i++) {
        snprintf(word, sizeof(word), "--%s=%s", option->name, option->choices[i]);
        ck_assert_int_eq(PARSE(word), REPORT_OK);
        ck_assert_int_eq(NUMBER_AT(option), i);
        snprintf(word, sizeof(word), "--%s=%sx", option->name, option->choices[i]);
        ck_assert_int_eq(PARSE(word), REPORT_ARGUMENTS);
    }
    snprintf(word, sizeof(word), "--%s=", option->name);
    ck_assert_int_eq(PARSE(word), REPORT_ARGUMENTS);
    ck_assert_ptr_nonnull(strstr(failure.text, option->name));
}

static void check_number(const struct args_option *option)
{
    static const char *const bad[] = {"",
                                      " ",
                                      "x",
                                      "1x",
                                      "1.5",
                                      "1e3",
                                      "99999999999999999999",
                                      "0x1",
                                      "- 1",
                                      "-99999999999999999999"};
    char word[128];

    for (int number = option->low - 1; number <= option->high + 1; number++) {
        snprintf(word, sizeof(word), "--%s=%d", option->name, number);
        bool fine = number >= option->low && number <= option->high;
        ck_assert_int_eq(PARSE(word), fine ? REPORT_OK : REPORT_ARGUMENTS);
        if (fine) {
            ck_assert_int_eq(NUMBER_AT(option), number);
        }
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(word, sizeof(word), "--%s=%s", option->name, bad[i]);
        ck_assert_int_eq(PARSE(word), REPORT_ARGUMENTS);
        ck_assert_ptr_nonnull(strstr(failure.text, option->name));
    }
}

static void check_flag(const struct args_option *option)
{
    char word[64];

    snprintf(word, sizeof(word), "--%s", option->name);
    ck_assert_int_eq(PARSE(word), REPORT_OK);
    if (option->kind == ARGS_FLAG) {
        ck_assert_int_eq(NUMBER_AT(option), 1);
    } else {
        ck_assert_str_eq(TEXT_AT(option), option->fixed);
    }
    snprintf(word, sizeof(word), "--%s=1", option->name);
    ck_assert_int_eq(PARSE(word), REPORT_ARGUMENTS);
    ck_assert_ptr_nonnull(strstr(failure.text, "takes no argument"));
}

static int row_count(void)
{
    int count = 0;

    while (args_table[count].name != NULL) {
        count++;
    }
    return count;
}

START_TEST(test_row)
{
    const struct args_option *option = &args_table[_i];
    char word[64];

    switch (option->kind) {
    case ARGS_TEXT:
        check_text(option);
        break;
    case ARGS_CHOICE:
        check_choice(option);
        break;
    case ARGS_NUMBER:
        check_number(option);
        break;
    default:
        check_flag(option);
        return;
    }
    snprintf(word, sizeof(word), "--%s", option->name);
    ck_assert_int_eq(PARSE("path", word), REPORT_ARGUMENTS);
    ck_assert_ptr_nonnull(strstr(failure.text, "needs an argument"));
}
END_TEST

/* ---- forms ---------------------------------------------------------------------------------- */

START_TEST(test_shortened)
{
    ck_assert_int_eq(PARSE("--agg", "srcip", "--lim=3", "--time-z", "X"), REPORT_OK);
    ck_assert_str_eq(args.words.aggregation, "srcip");
    ck_assert_str_eq(args.words.limit, "3");
    ck_assert_str_eq(args.time_zone, "X");
    ck_assert_int_eq(PARSE("--output-f=csv"), REPORT_ARGUMENTS); /* -fields, -format */
    ck_assert_ptr_nonnull(strstr(failure.text, "ambiguous option `--output-f'"));
    ck_assert_int_eq(PARSE("--time"), REPORT_ARGUMENTS);
    ck_assert_int_eq(PARSE("--progress-b=none"), REPORT_ARGUMENTS);
    /* Old spellings cannot be shortened and make nothing ambiguous. */
    ck_assert_int_eq(PARSE("--fi=x"), REPORT_OK);
    ck_assert_str_eq(args.words.filter, "x");
    ck_assert_int_eq(PARSE("--output-ts=none"), REPORT_OK);
    ck_assert_int_eq(args.timestamps, 0);
    ck_assert_int_eq(PARSE("--field=x"), REPORT_ARGUMENTS);
}
END_TEST

START_TEST(test_old_spellings)
{
    ck_assert_int_eq(
        PARSE("--fields=pkts,bytes,proto", "--progress-bar=json", "--output-ts-localtime"),
        REPORT_OK);
    ck_assert_str_eq(args.words.fields, "pkts,bytes,proto");
    ck_assert_int_eq(args.progress_type, ARGS_PROGRESS_JSON);
    ck_assert_str_eq(args.time_zone, "system");
}
END_TEST

START_TEST(test_repeated)
{
    ck_assert_int_eq(
        PARSE("-l", "1", "-l2", "--limit=3", "--output-format=csv", "--output-format=pretty"),
        REPORT_OK);
    ck_assert_str_eq(args.words.limit, "3");
    ck_assert_int_eq(args.format, ARGS_PRETTY);
}
END_TEST

START_TEST(test_paths)
{
    ck_assert_int_eq(PARSE("a", "-l", "1", "b", "-", "--", "-l", "--help", "--"), REPORT_OK);
    ck_assert_uint_eq(args.path_count, 6);
    ck_assert_str_eq(args.paths[0], "a");
    ck_assert_str_eq(args.paths[1], "b");
    ck_assert_str_eq(args.paths[2], "-");
    ck_assert_str_eq(args.paths[3], "-l");
    ck_assert_str_eq(args.paths[4], "--help");
    ck_assert_str_eq(args.paths[5], "--");
    ck_assert_str_eq(args.words.limit, "1");
    ck_assert_int_eq(args.help, 0);
    ck_assert_int_eq(PARSE("-l", "--", "a"), REPORT_OK); /* an argument, not the end of options */
    ck_assert_str_eq(args.words.limit, "--");
    ck_assert_int_eq(PARSE("", "a"), REPORT_OK);
    ck_assert_uint_eq(args.path_count, 2);
}
END_TEST

static const char *const unknown[] = {
    "-x",
    "-h",
    "--nosuch",
    "--=x",
    "--helpx",
    "--help-",
    "-\377",
    "--Help",
    "---",
    "--l imit",
    "--nosuchnosuchnosuchnosuchnosuchnosuchnosuchnosuchnosuchnosuchnosuchnosuchnosuch=1",
};

START_TEST(test_unknown)
{
    ck_assert_int_eq(PARSE(unknown[_i], "path"), REPORT_ARGUMENTS);
    ck_assert_ptr_nonnull(strstr(failure.text, "unknown option"));
}
END_TEST

START_TEST(test_short_without_argument)
{
    ck_assert_int_eq(PARSE("path", "-l"), REPORT_ARGUMENTS);
    ck_assert_str_eq(failure.text, "option `-l' needs an argument");
}
END_TEST

START_TEST(test_times_exclusive)
{
    ck_assert_int_eq(PARSE("-t", "1", "-T", "1#2"), REPORT_ARGUMENTS);
    ck_assert_int_eq(PARSE("-T", "1#2", "p", "--time-point=1"), REPORT_ARGUMENTS);
    ck_assert_ptr_nonnull(strstr(failure.text, "exclude each other"));
    ck_assert_int_eq(PARSE("-t", "1"), REPORT_OK);
    ck_assert_int_eq(PARSE("-T", "1"), REPORT_OK);
}
END_TEST

/* ---- items ---------------------------------------------------------------------------------- */

static const struct {
    const char *text; /* NULL = not given */
    unsigned pretty, csv;
} items_table[] = {
    {NULL, QUERY_RECORDS | QUERY_PROCESSED, QUERY_RECORDS},
    {"", 0, 0},
    {"r", QUERY_RECORDS, QUERY_RECORDS},
    {"p", QUERY_PROCESSED, QUERY_PROCESSED},
    {"m", QUERY_FILES, QUERY_FILES},
    {"r,p,m", 7, 7},
    {"m,r", 5, 5},
    {"r,r,r", 1, 1},
    {"records,processed-records-summary,metadata-summary", 7, 7},
    {"records,", 1, 1},
};

START_TEST(test_items)
{
    unsigned items = 99;

    ck_assert_int_eq(parse((const char *const[]){NULL}), REPORT_OK);
    args.output_items = items_table[_i].text;
    ck_assert_int_eq(args_items(&args, &items, &failure), REPORT_OK);
    ck_assert_uint_eq(items, items_table[_i].pretty);
    args.format = ARGS_CSV;
    ck_assert_int_eq(args_items(&args, &items, &failure), REPORT_OK);
    ck_assert_uint_eq(items, items_table[_i].csv);
    args.format = ARGS_JSON; /* a summary only where it is asked for */
    ck_assert_int_eq(args_items(&args, &items, &failure), REPORT_OK);
    ck_assert_uint_eq(items, items_table[_i].csv);
}
END_TEST

static const char *const bad_items[] = {"x",    "rp", "record", "recordss", ",",
                                        "r,,p", ",r", "r p",    "R",        "none"};

START_TEST(test_bad_items)
{
    unsigned items;

    args.output_items = bad_items[_i];
    ck_assert_int_eq(args_items(&args, &items, &failure), REPORT_ARGUMENTS);
    ck_assert_ptr_nonnull(strstr(failure.text, "unknown output item"));
}
END_TEST

/* ---- documentation --------------------------------------------------------------------------- */

START_TEST(test_help)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    args_print_help(stream);
    fclose(stream);
    for (const struct args_option *option = args_table; option->name != NULL; option++) {
        char line[128];
        snprintf(line, sizeof(line), "--%s%s%s\n", option->name, option->value == NULL ? "" : "=",
                 option->value == NULL ? "" : option->value);
        ck_assert_msg((strstr(text, line) != NULL) == (option->help != NULL), "--%s", option->name);
    }
    for (const char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        ck_assert_msg(length <= 80, "%.*s", (int)length, line);
        ck_assert(length == 0 || line[length - 1] != ' ');
        line += length + (line[length] == '\n');
    }
    free(text);
}
END_TEST

/** The manual page names every option and every value of choices. */
START_TEST(test_manual)
{
    char *text = calloc(1, 1u << 18), *to = text;
    FILE *page = fopen(TEST_SOURCE_DIR "/docs/man/fdistdump.1", "r");

    ck_assert_ptr_nonnull(page);
    for (int c = fgetc(page); c != EOF; c = fgetc(page)) {
        ck_assert_int_lt(to - text, (1 << 18) - 1);
        if (c != '\\') { /* "\\-" is a plain dash */
            *to++ = (char)c;
        }
    }
    fclose(page);
    for (const struct args_option *option = args_table; option->name != NULL; option++) {
        char name[64];
        snprintf(name, sizeof(name), "--%s", option->name);
        ck_assert_msg(strstr(text, name) != NULL, "no %s in the manual page", name);
        for (int i = 0; option->kind == ARGS_CHOICE && option->choices[i] != NULL; i++) {
            ck_assert_msg(strstr(text, option->choices[i]) != NULL, "no %s %s", name,
                          option->choices[i]);
        }
    }
    free(text);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
    Suite *suite = suite_create("fdistdump/args");
    TCase *tc = tcase_create("args");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_presets);
    tcase_add_loop_test(tc, test_documented, 0, COUNT(documented));
    tcase_add_test(tc, test_letters);
    tcase_add_loop_test(tc, test_row, 0, row_count());
    tcase_add_test(tc, test_shortened);
    tcase_add_test(tc, test_old_spellings);
    tcase_add_test(tc, test_repeated);
    tcase_add_test(tc, test_paths);
    tcase_add_loop_test(tc, test_unknown, 0, COUNT(unknown));
    tcase_add_test(tc, test_short_without_argument);
    tcase_add_test(tc, test_times_exclusive);
    tcase_add_loop_test(tc, test_items, 0, COUNT(items_table));
    tcase_add_loop_test(tc, test_bad_items, 0, COUNT(bad_items));
    tcase_add_test(tc, test_help);
    tcase_add_test(tc, test_manual);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
