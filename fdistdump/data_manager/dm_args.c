/* SPDX-License-Identifier: BSD-3-Clause */
/** Options of flow-data-manager. */
#include "dm_args.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PLACE(member) offsetof(struct dm_args, member)
#define OPTION_COUNT 32 /* room for the table's rows */
#define BOUNDARY_PRESET 90
#define HELP_COLUMN 10
#define HELP_WIDTH 80

const char *const dm_unit_names[] = {"none", "second", "minute", "hour",
                                     "day",  "month",  "year",   NULL};

const struct dm_option dm_option_table[] = {
    {'n', "dry-run", NULL, "Tell what would be deleted, and delete nothing.", PLACE(dry_run),
     DM_FLAG, 0},
    {'v', "verbose", NULL, "Tell every step on standard output.", PLACE(verbose), DM_FLAG, 0},
    {'u', "du-boundary", "PERCENT",
     "Do nothing unless usage of the file system is at least this. The default is 90.",
     PLACE(boundary), DM_PERCENT, 1},
    {'f', "files", "N", "Stop after N flow files; the column begun is finished.",
     PLACE(limits.files), DM_COUNT, 1},
    {'c', "columns", "N", "Stop after N columns: all files of one point in time.",
     PLACE(limits.columns), DM_COUNT, 1},
    {'b', "bytes", "N",
     "Stop after N octets of flow files and their indexes; the column begun is finished. K, M, G, "
     "T, P or E behind N are powers of 1024, KB, MB and so on of 1000.",
     PLACE(limits.octets), DM_OCTETS, 1},
    {256, "du-lower-by", "PERCENT", "Stop when usage is lower by PERCENT of the file system.",
     PLACE(limits.lower_by), DM_PERCENT, 1},
    {257, "du-lower-to", "PERCENT",
     "Stop when usage is PERCENT. Of both conditions on usage the one that deletes less counts.",
     PLACE(limits.lower_to), DM_PERCENT, 1},
    {258, "align-to", "UNIT",
     "Afterwards also delete the files of the same second, minute, hour, day, month or year as the "
     "last ones deleted. The default is none.",
     PLACE(align), DM_UNIT, 1},
    {259, "cleanup", NULL, "Remove directories left without flow files. This is the default.",
     PLACE(cleanup), DM_FLAG, 1},
    {260, "no-cleanup", NULL, "Leave them.", PLACE(cleanup), DM_FLAG_OFF, 1},
    {261, "help", NULL, "Print this text.", PLACE(help), DM_FLAG, 0},
    {262, "version", NULL, "Print the version.", PLACE(version), DM_FLAG, 0},
    {0, NULL, NULL, NULL, 0, DM_FLAG, 0},
};

/* ---- values --------------------------------------------------------------------------------- */

static int bad_value(struct failure *failure, const struct dm_option *option, const char *value,
                     const char *expected)
{
    return failure_set(failure, REPORT_ARGUMENTS, "--%s `%.64s'; expected %s", option->name, value,
                       expected);
}

/** A whole number from 1; what stands behind it is returned, NULL = it is none. */
static const char *read_number(const char *value, uint64_t *number)
{
    char *end;

    if (!isdigit((unsigned char)value[0])) {
        return NULL; /* no sign, no blank */
    }
    errno = 0;
    *number = strtoull(value, &end, 10);
    return errno != 0 || *number == 0 ? NULL : end;
}

/** Multiplies by the unit: K, Ki, KiB of 1024, KB of 1000, and so on; false = no such one. */
static int apply_suffix(const char *suffix, uint64_t *number)
{
    static const char letters[] = "KMGTPE";
    uint64_t base = 1024;

    if (suffix[0] == '\0' || strcmp(suffix, "B") == 0) {
        return 1;
    }
    const char *letter = strchr(letters, toupper((unsigned char)suffix[0]));
    if (letter == NULL) {
        return 0;
    }
    if (strcmp(suffix + 1, "B") == 0) {
        base = 1000;
    } else if (suffix[1] != '\0' && strcmp(suffix + 1, "i") != 0 && strcmp(suffix + 1, "iB") != 0) {
        return 0;
    }
    for (const char *l = letters; l <= letter; l++) {
        if (*number > UINT64_MAX / base) {
            return 0;
        }
        *number *= base;
    }
    return 1;
}

static int set_count(struct dm_args *args, const struct dm_option *option, const char *value,
                     struct failure *failure)
{
    uint64_t number = 0;

    const char *rest = read_number(value, &number);
    if (rest == NULL || (option->kind == DM_COUNT && rest[0] != '\0')) {
        return bad_value(failure, option, value, "a whole number from 1");
    }
    if (option->kind == DM_OCTETS && !apply_suffix(rest, &number)) {
        return bad_value(failure, option, value, "octets as 1000000, 500M, 20G or 1TB");
    }
    memcpy((char *)args + option->place, &number, sizeof(number));
    return REPORT_OK;
}

static int set_percent(struct dm_args *args, const struct dm_option *option, const char *value,
                       struct failure *failure)
{
    char *end = NULL;

    /* Digits first: strtod() also takes nan, inf and 0x10. */
    double percent = value[strspn(value, "0123456789.")] == '\0' ? strtod(value, &end) : -1;
    if (end == NULL || end == value || *end != '\0' || percent < 0 || percent > 100) {
        return bad_value(failure, option, value, "percent, 0 to 100");
    }
    memcpy((char *)args + option->place, &percent, sizeof(percent));
    return REPORT_OK;
}

static int set_unit(struct dm_args *args, const struct dm_option *option, const char *value,
                    struct failure *failure)
{
    for (int i = 0; dm_unit_names[i] != NULL; i++) {
        if (strcmp(dm_unit_names[i], value) == 0) {
            memcpy((char *)args + option->place, &i, sizeof(i));
            return REPORT_OK;
        }
    }
    return bad_value(failure, option, value, "second, minute, hour, day, month, year or none");
}

static int set_option(struct dm_args *args, const struct dm_option *option, const char *value,
                      struct failure *failure)
{
    int flag = option->kind == DM_FLAG;

    switch (option->kind) {
    case DM_COUNT:
    case DM_OCTETS:
        return set_count(args, option, value, failure);
    case DM_PERCENT:
        return set_percent(args, option, value, failure);
    case DM_UNIT:
        return set_unit(args, option, value, failure);
    default:
        memcpy((char *)args + option->place, &flag, sizeof(flag));
        return REPORT_OK;
    }
}

/* ---- the line ------------------------------------------------------------------------------- */

/** The table as getopt_long() wants it. */
static void fill_getopt(char letters[2 * OPTION_COUNT + 2], struct option options[OPTION_COUNT])
{
    char *letter = letters;
    size_t i = 0;

    *letter++ = ':'; /* a missing argument is told from an unknown option */
    for (; dm_option_table[i].name != NULL && i < OPTION_COUNT - 1; i++) {
        const struct dm_option *row = &dm_option_table[i];
        int needs = row->value != NULL ? required_argument : no_argument;
        options[i] = (struct option){row->name, needs, NULL, row->letter};
        if (row->letter <= UCHAR_MAX) {
            *letter++ = (char)row->letter;
            if (needs) {
                *letter++ = ':';
            }
        }
    }
    options[i] = (struct option){NULL, 0, NULL, 0};
    *letter = '\0';
}

static const struct dm_option *find_option(int letter)
{
    const struct dm_option *row = dm_option_table;

    while (row->name != NULL && row->letter != letter) {
        row++;
    }
    return row->name == NULL ? NULL : row;
}

/** What getopt_long() did not like. */
static int bad_option(int kind, char **argv, struct failure *failure)
{
    const struct dm_option *row = find_option(optopt);

    if (kind == ':') {
        return failure_set(failure, REPORT_ARGUMENTS, "option `--%s' needs an argument",
                           row == NULL ? "?" : row->name);
    }
    if (row != NULL) {
        return failure_set(failure, REPORT_ARGUMENTS, "option `--%s' takes no argument", row->name);
    }
    if (optopt != 0) {
        return failure_set(failure, REPORT_ARGUMENTS, "unknown option `-%c'", optopt);
    }
    return failure_set(failure, REPORT_ARGUMENTS, "unknown or ambiguous option `%.64s'",
                       argv[optind - 1]);
}

/** Profile directories up to the word that is a mode. */
static int read_words(int argc, char **argv, struct dm_args *args, struct failure *failure)
{
    int i = optind;

    args->profiles = argv + optind;
    while (i < argc && strcmp(argv[i], "scan") != 0 && strcmp(argv[i], "delete") != 0) {
        i++;
    }
    args->profile_count = (size_t)(i - optind);
    if (i == argc) {
        return failure_set(failure, REPORT_ARGUMENTS, "neither scan nor delete is given");
    }
    args->mode = strcmp(argv[i], "scan") == 0 ? DM_SCAN : DM_DELETE;
    if (args->profile_count == 0) {
        return failure_set(failure, REPORT_ARGUMENTS, "no profile directory before `%s'", argv[i]);
    }
    if (i + 1 < argc) {
        return failure_set(failure, REPORT_ARGUMENTS,
                           "unexpected `%.64s' after `%s'; profile directories come before it",
                           argv[i + 1], argv[i]);
    }
    return REPORT_OK;
}

static int check(const struct dm_args *args, const struct dm_option *of_delete,
                 struct failure *failure)
{
    if (args->mode == DM_SCAN && of_delete != NULL) {
        return failure_set(failure, REPORT_ARGUMENTS, "option `--%s' is for delete, not for scan",
                           of_delete->name);
    }
    if (args->mode == DM_DELETE && !plan_has_limit(&args->limits)) {
        return failure_set(failure, REPORT_ARGUMENTS,
                           "delete needs a stop condition: -f, -c, -b, --du-lower-by or "
                           "--du-lower-to");
    }
    return REPORT_OK;
}

int dm_args_parse(int argc, char **argv, struct dm_args *args, struct failure *failure)
{
    char letters[2 * OPTION_COUNT + 2];
    struct option options[OPTION_COUNT];
    const struct dm_option *of_delete = NULL;
    int letter;

    *args = (struct dm_args){
        .cleanup = 1, .boundary = BOUNDARY_PRESET, .limits = {.lower_by = -1, .lower_to = -1}};
    fill_getopt(letters, options);
    opterr = 0;
    optind = 0; /* from the start, also when a line was read before */
    while ((letter = getopt_long(argc, argv, letters, options, NULL)) != -1) {
        const struct dm_option *row = letter == '?' || letter == ':' ? NULL : find_option(letter);
        if (row == NULL) {
            return bad_option(letter, argv, failure);
        }
        int class = set_option(args, row, optarg, failure);
        if (class != REPORT_OK) {
            return class;
        }
        of_delete = row->is_delete ? row : of_delete;
    }
    if (args->help || args->version) {
        return REPORT_OK;
    }
    int class = read_words(argc, argv, args, failure);
    return class == REPORT_OK ? check(args, of_delete, failure) : class;
}

/* ---- help ----------------------------------------------------------------------------------- */

static void print_wrapped(FILE *stream, const char *text)
{
    int column = HELP_WIDTH;
    bool is_first = true;

    while (*text != '\0') {
        int length = (int)strcspn(text, " ");
        if (column + 1 + length > HELP_WIDTH) {
            fprintf(stream, "%s%*s", is_first ? "" : "\n", HELP_COLUMN, "");
            column = HELP_COLUMN;
            is_first = false;
        } else {
            fputc(' ', stream);
            column++;
        }
        fprintf(stream, "%.*s", length, text);
        column += length;
        text += length;
        text += strspn(text, " ");
    }
    fputc('\n', stream);
}

void dm_args_print_help(FILE *stream)
{
    fputs("Usage: flow-data-manager [OPTION]... PROFILE_DIR... {scan|delete} [OPTION]...\n\n"
          "Deletes the oldest flow files of profile directories when the file system they\n"
          "are on gets full. A profile directory has a directory channels/ with a directory\n"
          "for each channel; other directories in it are profiles, too. At least one of\n"
          "-f, -c, -b, --du-lower-by and --du-lower-to says where to stop.\n\n"
          "Options:\n",
          stream);
    for (const struct dm_option *row = dm_option_table; row->name != NULL; row++) {
        if (row->letter <= UCHAR_MAX) {
            fprintf(stream, "  -%c, ", row->letter);
        } else {
            fputs("      ", stream);
        }
        fprintf(stream, "--%s%s%s\n", row->name, row->value == NULL ? "" : "=",
                row->value == NULL ? "" : row->value);
        print_wrapped(stream, row->help);
    }
}
