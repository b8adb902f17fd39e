/* SPDX-License-Identifier: BSD-3-Clause */
/** Options of fdistdump-ha, and where those of mpiexec and fdistdump begin. */
#include "ha_args.h"
#include "cluster.h"
#include "decimal.h"
#include "mca.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PLACE(member) offsetof(struct ha_args, member)
#define DAY_MS (86400 * (int64_t)1000)

static const char *const priority_names[] = {"low", "normal", "high", NULL};

const struct ha_option ha_option_table[] = {
    {'a', "allowed-cluster-state", "STATE[,STATE]",
     "Changes of the cluster that do not end the job: online (nodes come up), offline (nodes go "
     "down). The default is none.",
     PLACE(allowed), HA_CHANGES, NULL, 0, 0},
    {'i', "health-monitoring-interval", "SECONDS",
     "How often to look at the cluster. The default is 1.", PLACE(interval_ms), HA_SECONDS, NULL,
     100, DAY_MS},
    {'e', "termination-timeout", "SECONDS",
     "How long a change that is not allowed may last before the job is ended. The default is 10.",
     PLACE(termination_timeout_ms), HA_SECONDS, NULL, 0, DAY_MS},
    {'t', "tries", "COUNT",
     "How often to start the job in all when a change of the cluster ended it; 0 is no limit. The "
     "default is 1.",
     PLACE(tries), HA_COUNT, NULL, 0, 0},
    {'p', "priority", "PRIORITY", "Of fdistdump on all nodes: low, normal (default) or high.",
     PLACE(priority), HA_CHOICE, priority_names, 0, 0},
    {'v', "verbose", NULL, "Tell every step on standard output.", PLACE(verbose), HA_FLAG, NULL, 0,
     0},
    {0, "cluster-file", "FILE",
     "Description of the cluster. Without it Pacemaker is asked where its tools are installed, and "
     "else the installed file is read.",
     PLACE(cluster_file), HA_TEXT, NULL, 0, 0},
    {0, "complete-only", NULL,
     "Do not run when data are missing because a node and the one with its mirror are offline.",
     PLACE(complete_only), HA_FLAG, NULL, 0, 0},
    {0, "mpiexec", "PROGRAM", "The launcher; then no word after it is taken for a program.",
     PLACE(mpiexec), HA_TEXT, NULL, 0, 0},
    {0, "mpiexec-argument", "WORD", "One word for mpiexec; may be given several times.",
     PLACE(mpiexec_args), HA_WORD, NULL, 0, 0},
    {0, "fdistdump", "PROGRAM",
     "fdistdump on all nodes; then no word after it is taken for a program.", PLACE(fdistdump),
     HA_TEXT, NULL, 0, 0},
    {0, "help", NULL, "Print this text.", PLACE(help), HA_FLAG, NULL, 0, 0},
    {0, "version", NULL, "Print the version.", PLACE(version), HA_FLAG, NULL, 0, 0},
    {0, NULL, NULL, NULL, 0, HA_FLAG, NULL, 0, 0},
};

/* ---- values --------------------------------------------------------------------------------- */

/** The command line being read. */
struct reader {
    char **argv;
    int argc;
    int next; /* index of the next word */
    struct ha_args *args;
    struct failure *failure;
};

static bool read_change(const char *text, size_t length, unsigned *changes)
{
    if (length == 6 && memcmp(text, "online", 6) == 0) {
        *changes |= CLUSTER_MORE;
    } else if (length == 7 && memcmp(text, "offline", 7) == 0) {
        *changes |= CLUSTER_FEWER;
    } else {
        return false;
    }
    return true;
}

/** A list; the second state may also be the next word, as in `-a online offline`. */
static int set_changes(struct reader *reader, const struct ha_option *option, const char *value)
{
    unsigned *changes = (unsigned *)(void *)((char *)reader->args + option->place);

    for (const char *rest = value;;) {
        size_t length = strcspn(rest, ",");
        if (!read_change(rest, length, changes)) {
            return failure_set(reader->failure, REPORT_ARGUMENTS,
                               "--%s `%.64s'; expected online, offline or online,offline",
                               option->name, value);
        }
        if (rest[length] == '\0') {
            break;
        }
        rest += length + 1;
    }
    while (reader->next < reader->argc &&
           read_change(reader->argv[reader->next], strlen(reader->argv[reader->next]), changes)) {
        reader->next++;
    }
    return REPORT_OK;
}

static int set_seconds(struct reader *reader, const struct ha_option *option, const char *value)
{
    int64_t *place = (int64_t *)(void *)((char *)reader->args + option->place);

    if (!decimal_ms(value, place) || *place < option->low_ms || *place > option->high_ms) {
        return failure_set(reader->failure, REPORT_ARGUMENTS,
                           "--%s `%.64s'; expected seconds, %g to %g", option->name, value,
                           (double)option->low_ms / 1000, (double)option->high_ms / 1000);
    }
    return REPORT_OK;
}

static int set_count(struct reader *reader, const struct ha_option *option, const char *value)
{
    int64_t *place = (int64_t *)(void *)((char *)reader->args + option->place);
    size_t digits = strspn(value, "0123456789");

    if (digits == 0 || digits > 9 || value[digits] != '\0') {
        return failure_set(reader->failure, REPORT_ARGUMENTS,
                           "--%s `%.64s'; expected a whole number", option->name, value);
    }
    *place = strtol(value, NULL, 10);
    return REPORT_OK;
}

static int set_choice(struct reader *reader, const struct ha_option *option, const char *value)
{
    for (int i = 0; option->choices[i] != NULL; i++) {
        if (strcmp(option->choices[i], value) == 0) {
            *(int *)(void *)((char *)reader->args + option->place) = i;
            return REPORT_OK;
        }
    }
    return failure_set(reader->failure, REPORT_ARGUMENTS,
                       "--%s `%.64s'; expected low, normal or high", option->name, value);
}

static int set_option(struct reader *reader, const struct ha_option *option, const char *value)
{
    char *place = (char *)reader->args + option->place;

    switch (option->kind) {
    case HA_TEXT:
        memcpy(place, &value, sizeof(value));
        return REPORT_OK;
    case HA_WORD:
        words_add((struct words *)(void *)place, value);
        return REPORT_OK;
    case HA_SECONDS:
        return set_seconds(reader, option, value);
    case HA_COUNT:
        return set_count(reader, option, value);
    case HA_CHOICE:
        return set_choice(reader, option, value);
    case HA_CHANGES:
        return set_changes(reader, option, value);
    default:
        *(int *)(void *)place = 1;
        return REPORT_OK;
    }
}

/* ---- options -------------------------------------------------------------------------------- */

/** Row of a long option: an exact name, else the only one that starts so. */
static const struct ha_option *find_long(const char *name, size_t length, bool *ambiguous)
{
    const struct ha_option *found = NULL;

    *ambiguous = false;
    for (const struct ha_option *option = ha_option_table; option->name != NULL; option++) {
        if (strncmp(option->name, name, length) != 0) {
            continue;
        }
        if (option->name[length] == '\0') {
            *ambiguous = false;
            return option;
        }
        *ambiguous = *ambiguous || found != NULL;
        found = option;
    }
    return found;
}

/** The argument of an option: what is attached to it, else the next word. */
static int set_with_value(struct reader *reader, const struct ha_option *option,
                          const char *attached)
{
    if (option->value == NULL) {
        return attached == NULL ? set_option(reader, option, NULL)
                                : failure_set(reader->failure, REPORT_ARGUMENTS,
                                              "option `--%s' takes no argument", option->name);
    }
    if (attached == NULL) {
        if (reader->next == reader->argc) {
            return failure_set(reader->failure, REPORT_ARGUMENTS, "option `--%s' needs an argument",
                               option->name);
        }
        attached = reader->argv[reader->next++];
    }
    return set_option(reader, option, attached);
}

static int read_long(struct reader *reader, const char *word)
{
    size_t length = strcspn(word, "=");
    bool ambiguous = false;

    const struct ha_option *option = length == 0 ? NULL : find_long(word, length, &ambiguous);
    if (option == NULL || ambiguous) {
        return failure_set(reader->failure, REPORT_ARGUMENTS, "%s option `--%.*s'",
                           ambiguous ? "ambiguous" : "unknown", (int)(length > 64 ? 64 : length),
                           word);
    }
    return set_with_value(reader, option, word[length] == '=' ? word + length + 1 : NULL);
}

/** Letters without argument may share a word, the last one may take the rest of it. */
static int read_short(struct reader *reader, const char *letters)
{
    for (; *letters != '\0'; letters++) {
        const struct ha_option *option = ha_option_table;
        while (option->name != NULL && option->letter != *letters) {
            option++;
        }
        if (option->name == NULL) {
            return failure_set(reader->failure, REPORT_ARGUMENTS, "unknown option `-%c'", *letters);
        }
        if (option->value != NULL) {
            return set_with_value(reader, option, letters[1] == '\0' ? NULL : letters + 1);
        }
        int class = set_option(reader, option, NULL);
        if (class != REPORT_OK) {
            return class;
        }
    }
    return REPORT_OK;
}

/* ---- programs ------------------------------------------------------------------------------- */

enum program { PROGRAM_NONE, PROGRAM_MPIEXEC, PROGRAM_FDISTDUMP };

/** Last place of a text in a word; NULL = it is not there. */
static const char *last_place(const char *word, const char *text)
{
    const char *last = NULL;

    for (const char *place = word; (place = strstr(place, text)) != NULL; place++) {
        last = place;
    }
    return last;
}

/** Which program a word names; of two names the later, /opt/fdistdump/bin/mpiexec, counts. */
static enum program program_of(const char *word)
{
    const char *mpiexec = last_place(word, "mpiexec");
    const char *fdistdump = last_place(word, "fdistdump");

    if (mpiexec == NULL && fdistdump == NULL) {
        return PROGRAM_NONE;
    }
    return fdistdump == NULL || (mpiexec != NULL && mpiexec > fdistdump) ? PROGRAM_MPIEXEC
                                                                         : PROGRAM_FDISTDUMP;
}

static void set_program(struct ha_args *args, enum program program, const char *word)
{
    if (program == PROGRAM_MPIEXEC) {
        args->mpiexec = word;
    } else {
        args->fdistdump = word;
    }
}

/** Takes the rest of the line, which starts with a program. */
static void read_programs(struct reader *reader)
{
    enum program first = program_of(reader->argv[reader->next]), current = first;

    set_program(reader->args, first, reader->argv[reader->next++]);
    while (reader->next < reader->argc) {
        const char *word = reader->argv[reader->next++];
        enum program program = current == first ? program_of(word) : PROGRAM_NONE;
        if (program != PROGRAM_NONE && program != first) {
            current = program;
            set_program(reader->args, program, word);
            continue;
        }
        words_add(current == PROGRAM_MPIEXEC ? &reader->args->mpiexec_args
                                             : &reader->args->fdistdump_args,
                  word);
    }
}

/** Whether an option of mpiexec says where processes run, or how many. */
static bool is_refused(const char *word, const char *next)
{
    static const char *const refused[] = {
        "host",       "H",   "hostfile", "machinefile", "default-hostfile", "add-host",
        "n",          "np",  "c",        "N",           "pernode",          "npernode",
        "npersocket", "ppr", "rf",       "rankfile",    "nolocal",          "app"};

    if (word[0] != '-') {
        return false;
    }
    word += word[1] == '-' ? 2 : 1;
    size_t length = strcspn(word, "="); /* Open MPI 5 also takes --host=NAME */
    const char *value = word[length] == '=' ? word + length + 1 : next;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (strlen(refused[i]) == length && memcmp(word, refused[i], length) == 0) {
            return true;
        }
    }
    return length == strlen("map-by") && memcmp(word, "map-by", length) == 0 &&
           mca_is_refused_policy(value);
}

/** The parameter of `--mca NAME VALUE`, the word at `i`, if it contradicts; else NULL. */
static const char *refused_parameter(const struct words *words, size_t i)
{
    if (!mca_is_option(words->list[i]) || i + 1 >= words->count) {
        return NULL;
    }
    const char *name = words->list[i + 1];
    return mca_is_refused(name, words->list[i + 2]) ? name : NULL; /* NULL ends the list */
}

/** Options that would undo what is decided here. */
static int check_mpiexec_args(const struct ha_args *args, struct failure *failure)
{
    for (size_t i = 0; i < args->mpiexec_args.count; i++) {
        const char *word = args->mpiexec_args.list[i];
        const char *next = args->mpiexec_args.list[i + 1]; /* NULL ends the list */
        if (strcmp(word, ":") == 0) {
            return failure_set(failure, REPORT_ARGUMENTS,
                               "`:' among the arguments of mpiexec: fdistdump-ha divides the job");
        }
        if (is_refused(word, next)) {
            return failure_set(failure, REPORT_ARGUMENTS,
                               "option `%s' of mpiexec: fdistdump-ha decides where and how many "
                               "processes run",
                               word);
        }
        const char *parameter = refused_parameter(&args->mpiexec_args, i);
        if (parameter != NULL) {
            return failure_set(failure, REPORT_ARGUMENTS,
                               "MCA parameter `%.64s' of mpiexec: fdistdump-ha decides where and "
                               "how many processes run",
                               parameter);
        }
    }
    for (size_t i = 0; i < args->fdistdump_args.count; i++) {
        if (strcmp(args->fdistdump_args.list[i], ":") == 0) {
            return failure_set(failure, REPORT_ARGUMENTS,
                               "`:' among the arguments of fdistdump: mpiexec would take it for "
                               "its own");
        }
    }
    return REPORT_OK;
}

/* ---- line ----------------------------------------------------------------------------------- */

static int read_line(struct reader *reader)
{
    struct ha_args *args = reader->args;
    int class = REPORT_OK;

    while (class == REPORT_OK && reader->next < reader->argc) {
        const char *word = reader->argv[reader->next];
        bool search = args->mpiexec == NULL && args->fdistdump == NULL;
        if (strcmp(word, "--") == 0) {
            while (++reader->next < reader->argc) {
                words_add(&args->fdistdump_args, reader->argv[reader->next]);
            }
        } else if (word[0] == '-' && word[1] != '\0') {
            reader->next++;
            class = word[1] == '-' ? read_long(reader, word + 2) : read_short(reader, word + 1);
        } else if (search && program_of(word) != PROGRAM_NONE) {
            read_programs(reader);
        } else {
            reader->next++;
            words_add(&args->paths, word);
        }
    }
    return class;
}

/** Names of programs that were not given. */
static int set_presets(struct ha_args *args, const char *suffix, struct words *names)
{
    if (args->mpiexec == NULL) {
        args->mpiexec = "mpiexec";
    }
    if (args->fdistdump == NULL && (suffix == NULL || suffix[0] == '\0')) {
        args->fdistdump = "fdistdump";
    } else if (args->fdistdump == NULL) {
        words_format(names, "fdistdump%s", suffix);
        args->fdistdump = names->failed ? NULL : names->list[0];
    }
    return args->fdistdump == NULL ? REPORT_MEMORY : REPORT_OK;
}

int ha_args_parse(int argc, char **argv, const char *suffix, struct ha_args *args,
                  struct failure *failure)
{
    struct reader reader = {argv, argc, 1, args, failure};

    *args = (struct ha_args){
        .interval_ms = 1000,
        .termination_timeout_ms = 10000,
        .tries = 1,
        .priority = HA_PRIORITY_NORMAL,
    };
    int class = read_line(&reader);
    if (class != REPORT_OK) {
        return class;
    }
    if (set_presets(args, suffix, &args->preset) != REPORT_OK || args->paths.failed ||
        args->mpiexec_args.failed || args->fdistdump_args.failed) {
        return failure_no_memory(failure);
    }
    return check_mpiexec_args(args, failure);
}

int ha_args_check_environment(char *const *environment, struct failure *failure)
{
    const char *variable = mca_find_variable(environment);

    if (variable == NULL) {
        return REPORT_OK;
    }
    size_t length = strcspn(variable, "=");
    return failure_set(failure, REPORT_ARGUMENTS,
                       "variable %.*s in the environment: fdistdump-ha decides where and how many "
                       "processes run",
                       (int)(length > 64 ? 64 : length), variable);
}

void ha_args_clear(struct ha_args *args)
{
    words_clear(&args->paths);
    words_clear(&args->mpiexec_args);
    words_clear(&args->fdistdump_args);
    words_clear(&args->preset);
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

void ha_args_print_help(FILE *stream)
{
    fputs("Usage: fdistdump-ha [OPTION]... PATH... [-- FDISTDUMP_ARGUMENT...]\n"
          "       fdistdump-ha [OPTION]... PATH... [MPIEXEC [ARGUMENT...]]\n"
          "                    [FDISTDUMP [ARGUMENT...]]\n\n"
          "Runs fdistdump on the nodes of a cluster that are online. What is stored on a\n"
          "node that is not is read from its mirror on another one. PATH is relative to\n"
          "where the cluster keeps flow files, such as live/channels/ch1. MPIEXEC and\n"
          "FDISTDUMP are the first words that contain these names.\n\n"
          "Options:\n",
          stream);
    for (const struct ha_option *option = ha_option_table; option->name != NULL; option++) {
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
