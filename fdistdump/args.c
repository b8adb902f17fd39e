/* SPDX-License-Identifier: BSD-3-Clause */
/** Table of options and the reader of command lines. */
#include "args.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define PLACE(member) offsetof(struct args, member)

static const char *const format_names[] = {"pretty", "csv", "json", NULL};
static const char *const timestamp_names[] = {"none", "pretty", NULL};
static const char *const text_names[] = {"none", "str", NULL};
static const char *const volume_names[] = {"none", "metric-prefix", "binary-prefix", NULL};
static const char *const exchange_names[] = {"auto", "gather", "tput", "shuffle", NULL};
static const char *const progress_names[] = {"none", "total", "perslave", "json", NULL};

const struct args_option args_table[] = {
    {'a', "aggregation", "FIELD[,FIELD...]",
     "Put records with equal values of these fields together. Addresses may be cut to a prefix "
     "(srcip/24, srcip/24/64), times to buckets of seconds (first/300). At most 10 fields.",
     PLACE(words.aggregation), ARGS_TEXT, NULL, 0, 0, NULL},
    {'f', "filter", "FILTER", "Process only records that match the filter.", PLACE(words.filter),
     ARGS_TEXT, NULL, 0, 0, NULL},
    {'l', "limit", "COUNT",
     "Print at most COUNT records; 0 prints all. The default is 10 with --statistic, else 0.",
     PLACE(words.limit), ARGS_TEXT, NULL, 0, 0, NULL},
    {'o', "order", "FIELD[#asc|#desc]",
     "Sort by the field; every field has a direction of its own. Equal records are ordered by the "
     "other columns, from left to right, ascending.",
     PLACE(words.order), ARGS_TEXT, NULL, 0, 0, NULL},
    {'s', "statistic", "FIELD[,FIELD...][#ORDER]",
     "Short for --aggregation=FIELD,... --order=ORDER --limit=10. ORDER is flows by default and "
     "may have a direction. These options given explicitly win.",
     PLACE(words.statistic), ARGS_TEXT, NULL, 0, 0, NULL},
    {'t', "time-point", "TIME",
     "Of every directory read only the file of the five minutes TIME belongs to.",
     PLACE(time_point), ARGS_TEXT, NULL, 0, 0, NULL},
    {'T', "time-range", "BEGIN[#END]",
     "Of every directory read only the files of the five minute intervals the range touches. END "
     "is now by default.",
     PLACE(time_range), ARGS_TEXT, NULL, 0, 0, NULL},
    {'v', "verbosity", "LEVEL",
     "0 and 1 errors, 2 also warnings (default), 3 also information, 4 also every step of the "
     "work, with counts and times.",
     PLACE(verbosity), ARGS_NUMBER, NULL, 0, 4, NULL},
    {0, "output-fields", "FIELD[,FIELD...]",
     "Columns to print beside the keys and the sort key; may be empty. At most 30 fields.",
     PLACE(words.fields), ARGS_TEXT, NULL, 0, 0, NULL},
    {0, "output-items", "ITEM[,ITEM...]",
     "What to print: records (r), processed-records-summary (p), metadata-summary (m). The default "
     "is r,p with pretty and r with csv and json; may be empty. Without r no record leaves its "
     "node, with m "
     "alone only headers of files are read.",
     PLACE(output_items), ARGS_TEXT, NULL, 0, 0, NULL},
    {0, "output-format", "FORMAT", "pretty (default), csv, or json: one object per line.",
     PLACE(format), ARGS_CHOICE, format_names, 0, 0, NULL},
    {0, "output-rich-header", NULL,
     "Say in the header which columns are keys, how others are combined, and the order. json has a "
     "header only then.",
     PLACE(rich_header), ARGS_FLAG, NULL, 0, 0, NULL},
    {0, "output-no-ellipsize", NULL, "Do not shorten values that are wider than their column.",
     PLACE(no_ellipsize), ARGS_FLAG, NULL, 0, 0, NULL},
    {0, "output-ts-conv", "CONVERSION",
     "Time stamps: none (milliseconds since 1970) or pretty. The default is pretty with pretty, "
     "none with csv and json; likewise for the other conversions.",
     PLACE(timestamps), ARGS_CHOICE, timestamp_names, 0, 0, NULL},
    {0, "output-volume-conv", "CONVERSION",
     "Volumes: none, metric-prefix (default with pretty) or binary-prefix.", PLACE(volumes),
     ARGS_CHOICE, volume_names, 0, 0, NULL},
    {0, "output-tcpflags-conv", "CONVERSION", "TCP flags: none or str.", PLACE(flags), ARGS_CHOICE,
     text_names, 0, 0, NULL},
    {0, "output-addr-conv", "CONVERSION",
     "Addresses: none (four decimal words) or str, which is also json's default.", PLACE(addresses),
     ARGS_CHOICE, text_names, 0, 0, NULL},
    {0, "output-proto-conv", "CONVERSION", "Protocols: none or str.", PLACE(protocols), ARGS_CHOICE,
     text_names, 0, 0, NULL},
    {0, "output-duration-conv", "CONVERSION", "Durations: none (milliseconds) or str.",
     PLACE(durations), ARGS_CHOICE, text_names, 0, 0, NULL},
    {0, "progress-bar-type", "TYPE",
     "Finished files while working: none, total, perslave or json. The default is total; without "
     "mpiexec it is none when it would go to standard error and that is no terminal.",
     PLACE(progress_type), ARGS_CHOICE, progress_names, 0, 0, NULL},
    {0, "progress-bar-dest", "DESTINATION", "stderr (default), stdout, or a file to rewrite.",
     PLACE(progress_destination), ARGS_TEXT, NULL, 0, 0, NULL},
    {0, "num-threads", "COUNT",
     "Threads that read files, per process. The default is OMP_NUM_THREADS, else the number of "
     "processors this process may use.",
     PLACE(threads), ARGS_NUMBER, NULL, 1, ARGS_THREADS_MAX, NULL},
    {0, "memory-limit", "SIZE",
     "Memory for rows and groups, per process, with k, M, G or T of 1024 octets and so on; 0 is no "
     "limit. What exceeds it goes to temporary files in $TMPDIR, else /var/tmp. The default is "
     "half of the memory of the machine, or of the control group, divided by the processes on the "
     "host.",
     PLACE(memory_limit), ARGS_TEXT, NULL, 0, 0, NULL},
    {0, "time-zone", "ZONE",
     "Zone of times given and printed, as in TZ or zone tables (Europe/Prague); system is the zone "
     "of the machine. The default is UTC.",
     PLACE(time_zone), ARGS_TEXT, NULL, 0, 0, NULL},
    {0, "geo-database", "FILE",
     "Database that tells the country of an address, for the term geo of the filter; every process "
     "opens it on its own node. The default is the file LNF_GEO_DATABASE names, else "
     "GeoLite2-Country.mmdb in /var/lib/GeoIP or /usr/share/GeoIP.",
     PLACE(geo_database), ARGS_TEXT, NULL, 0, 0, NULL},
    {0, "exchange", "EXCHANGE",
     "How groups of several processes become one answer: auto (default), gather (at the master), "
     "tput (first ones of a descending sum) or shuffle (each process finishes its part of the "
     "keys). The answer is the same.",
     PLACE(exchange), ARGS_CHOICE, exchange_names, 0, 0, NULL},
    {0, "no-tput", NULL, "Never choose tput for --exchange=auto.", PLACE(no_tput), ARGS_FLAG, NULL,
     0, 0, NULL},
    {0, "explain", NULL,
     "Print to standard error how the question was answered: files, indexes, the exchange and why, "
     "rows and octets sent, memory and time of every process.",
     PLACE(explain), ARGS_FLAG, NULL, 0, 0, NULL},
    {0, "no-bfindex", NULL,
     "Read every block of every file. By default the index beside a flow file (bfi.*, see "
     "libnf-index(1)) tells which blocks cannot match the filter, and these are not read.",
     PLACE(no_index), ARGS_FLAG, NULL, 0, 0, NULL},
    {0, "strict", NULL,
     "End with an error when a path cannot be used, or a file not or only in part be read. By "
     "default that is a warning.",
     PLACE(strict), ARGS_FLAG, NULL, 0, 0, NULL},
    {0, "help", NULL, "Print this text.", PLACE(help), ARGS_FLAG, NULL, 0, 0, NULL},
    {0, "version", NULL, "Print the version.", PLACE(version), ARGS_FLAG, NULL, 0, 0, NULL},
    /* Spellings of older versions, which scripts use. They cannot be shortened. */
    {0, "fields", "", NULL, PLACE(words.fields), ARGS_TEXT, NULL, 0, 0, NULL},
    {0, "progress-bar", "", NULL, PLACE(progress_type), ARGS_CHOICE, progress_names, 0, 0, NULL},
    {0, "output-ts-localtime", NULL, NULL, PLACE(time_zone), ARGS_FIXED, NULL, 0, 0, "system"},
    {0, NULL, NULL, NULL, 0, ARGS_FLAG, NULL, 0, 0, NULL},
};

/* ---- values --------------------------------------------------------------------------------- */

static int set_choice(const struct args_option *option, int *place, const char *value,
                      struct failure *failure)
{
    for (int i = 0; option->choices[i] != NULL; i++) {
        if (strcmp(option->choices[i], value) == 0) {
            *place = i;
            return REPORT_OK;
        }
    }
    return failure_set(failure, REPORT_ARGUMENTS, "unknown value `%.64s' of --%s", value,
                       option->name);
}

static int set_number(const struct args_option *option, int *place, const char *value,
                      struct failure *failure)
{
    char *end;

    errno = 0;
    long number = strtol(value, &end, 10);
    if (end == value || *end != '\0') {
        return failure_set(failure, REPORT_ARGUMENTS, "--%s `%.64s': not a number", option->name,
                           value);
    }
    if (errno == ERANGE || number < option->low || number > option->high) {
        return failure_set(failure, REPORT_ARGUMENTS, "--%s `%.64s': must be %d to %d",
                           option->name, value, option->low, option->high);
    }
    *place = (int)number;
    return REPORT_OK;
}

static int set_option(const struct args_option *option, struct args *args, const char *value,
                      struct failure *failure)
{
    char *base = (char *)args + option->place;

    switch (option->kind) {
    case ARGS_TEXT:
        memcpy(base, &value, sizeof(value));
        return REPORT_OK;
    case ARGS_FIXED:
        memcpy(base, &option->fixed, sizeof(option->fixed));
        return REPORT_OK;
    case ARGS_CHOICE:
        return set_choice(option, (int *)(void *)base, value, failure);
    case ARGS_NUMBER:
        return set_number(option, (int *)(void *)base, value, failure);
    default:
        *(int *)(void *)base = 1;
        return REPORT_OK;
    }
}

/* ---- options -------------------------------------------------------------------------------- */

/** The command line being read. */
struct reader {
    char **argv;
    int argc;
    int next; /* index of the next word */
};

/** Row of a long option: an exact name, else the only one that starts so. */
static const struct args_option *find_long(const char *name, size_t length, bool *ambiguous)
{
    const struct args_option *found = NULL;

    *ambiguous = false;
    for (const struct args_option *option = args_table; option->name != NULL; option++) {
        if (strncmp(option->name, name, length) != 0) {
            continue;
        }
        if (option->name[length] == '\0') {
            *ambiguous = false;
            return option;
        }
        if (option->help != NULL) {
            *ambiguous = *ambiguous || found != NULL;
            found = option;
        }
    }
    return found;
}

static int read_long(struct reader *reader, const char *word, struct args *args,
                     struct failure *failure)
{
    size_t length = strcspn(word, "=");
    const char *value = word[length] == '=' ? word + length + 1 : NULL;
    bool ambiguous = false;

    const struct args_option *option = length == 0 ? NULL : find_long(word, length, &ambiguous);
    if (option == NULL || ambiguous) {
        return failure_set(failure, REPORT_ARGUMENTS, "%s option `--%.*s'",
                           ambiguous ? "ambiguous" : "unknown", (int)(length > 64 ? 64 : length),
                           word);
    }
    if (option->value == NULL && value != NULL) {
        return failure_set(failure, REPORT_ARGUMENTS, "option `--%s' takes no argument",
                           option->name);
    }
    if (option->value != NULL && value == NULL) {
        if (reader->next == reader->argc) {
            return failure_set(failure, REPORT_ARGUMENTS, "option `--%s' needs an argument",
                               option->name);
        }
        value = reader->argv[reader->next++];
    }
    return set_option(option, args, value, failure);
}

/** All short options take an argument: the rest of the word, or the next word. */
static int read_short(struct reader *reader, const char *word, struct args *args,
                      struct failure *failure)
{
    const struct args_option *option = args_table;

    while (option->name != NULL && option->letter != word[0]) {
        option++;
    }
    if (option->name == NULL) {
        return failure_set(failure, REPORT_ARGUMENTS, "unknown option `-%c'", word[0]);
    }
    const char *value = word + 1;
    if (*value == '\0') {
        if (reader->next == reader->argc) {
            return failure_set(failure, REPORT_ARGUMENTS, "option `-%c' needs an argument",
                               word[0]);
        }
        value = reader->argv[reader->next++];
    }
    return set_option(option, args, value, failure);
}

int args_parse(int argc, char **argv, struct args *args, struct failure *failure)
{
    struct reader reader = {argv, argc, 1};
    bool options = true;
    int class = REPORT_OK;

    *args = (struct args){
        .verbosity = REPORT_WARNING,
        .format = ARGS_PRETTY,
        .timestamps = ARGS_DEFAULT,
        .flags = ARGS_DEFAULT,
        .addresses = ARGS_DEFAULT,
        .protocols = ARGS_DEFAULT,
        .durations = ARGS_DEFAULT,
        .volumes = ARGS_DEFAULT,
        .progress_type = ARGS_DEFAULT,
    };
    args->paths = calloc((size_t)argc + 1, sizeof(*args->paths));
    if (args->paths == NULL) {
        return failure_no_memory(failure);
    }
    while (class == REPORT_OK && reader.next < argc) {
        const char *word = argv[reader.next++];
        if (!options || word[0] != '-' || word[1] == '\0') {
            args->paths[args->path_count++] = word;
        } else if (strcmp(word, "--") == 0) {
            options = false;
        } else if (word[1] == '-') {
            class = read_long(&reader, word + 2, args, failure);
        } else {
            class = read_short(&reader, word + 1, args, failure);
        }
    }
    if (class == REPORT_OK && args->time_point != NULL && args->time_range != NULL) {
        return failure_set(failure, REPORT_ARGUMENTS,
                           "--time-point and --time-range exclude each other");
    }
    return class;
}

void args_clear(struct args *args)
{
    free(args->paths);
    args->paths = NULL;
}

/* ---- items ---------------------------------------------------------------------------------- */

const struct args_item args_item_table[] = {
    {"records", 'r', QUERY_RECORDS},
    {"processed-records-summary", 'p', QUERY_PROCESSED},
    {"metadata-summary", 'm', QUERY_FILES},
    {NULL, 0, 0},
};

/** Item with a name or letter; 0 = none. */
static unsigned find_item(const char *name, size_t length)
{
    for (const struct args_item *row = args_item_table; row->name != NULL; row++) {
        if ((strlen(row->name) == length && memcmp(row->name, name, length) == 0) ||
            (length == 1 && row->letter == name[0])) {
            return row->item;
        }
    }
    return 0;
}

int args_items(const struct args *args, unsigned *items, struct failure *failure)
{
    const char *rest = args->output_items;

    *items = 0;
    if (rest == NULL) {
        *items = args->format == ARGS_PRETTY ? QUERY_RECORDS | QUERY_PROCESSED : QUERY_RECORDS;
        return REPORT_OK;
    }
    while (*rest != '\0') {
        size_t length = strcspn(rest, ",");
        unsigned found = find_item(rest, length);
        if (found == 0) {
            return failure_set(failure, REPORT_ARGUMENTS, "unknown output item `%.*s'",
                               (int)(length > 64 ? 64 : length), rest);
        }
        *items |= found;
        rest += length + (rest[length] == ',');
    }
    return REPORT_OK;
}

/* ---- help ----------------------------------------------------------------------------------- */

#define HELP_INDENT 8u
#define HELP_WIDTH 80u

static void print_wrapped(FILE *stream, const char *text)
{
    size_t column = 0;

    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        if (column == 0 || column + 1 + length > HELP_WIDTH) {
            fprintf(stream, "%s%*s", column == 0 ? "" : "\n", (int)HELP_INDENT, "");
            column = HELP_INDENT;
        } else {
            fputc(' ', stream);
            column++;
        }
        fprintf(stream, "%.*s", (int)length, text);
        column += length;
        text += length + strspn(text + length, " ");
    }
    fputc('\n', stream);
}

void args_print_help(FILE *stream)
{
    fputs("Usage: fdistdump [OPTION]... PATH...\n"
          "       mpiexec [-n COUNT] [-host HOST,...] fdistdump [OPTION]... PATH...\n\n"
          "Lists, filters, sorts and aggregates flow files. With mpiexec the first process\n"
          "prints, and each further one reads the files of its node; PATH may contain %h\n"
          "(name of the host) and start with %NUMBER: (only that process reads it).\n\n"
          "Options:\n",
          stream);
    for (const struct args_option *option = args_table; option->name != NULL; option++) {
        if (option->help == NULL) {
            continue;
        }
        if (option->letter != 0) {
            fprintf(stream, "  -%c, ", option->letter);
        } else {
            fputs("      ", stream);
        }
        fprintf(stream, "--%s%s%s\n", option->name, option->value == NULL ? "" : "=",
                option->value == NULL ? "" : option->value);
        print_wrapped(stream, option->help);
    }
}
