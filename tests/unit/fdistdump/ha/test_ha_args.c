/* SPDX-License-Identifier: BSD-3-Clause */
/** The command line of fdistdump-ha: its options, and where those of other programs begin. */
#include "cluster.h"
#include "ha_args.h"
#include "suite_main.h"

#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 24

static struct ha_args args;
static struct failure failure;
static const char *suffix;

static void setup(void)
{
    args = (struct ha_args){.help = 0};
    failure = (struct failure){.class = REPORT_OK};
    suffix = NULL;
}

static void teardown(void)
{
    ha_args_clear(&args);
}

/** Parses words up to NULL, without the program's name. */
static int parse(const char *const *words)
{
    char *argv[WORDS_MAX + 1] = {(char *)"fdistdump-ha"};
    int argc = 1;

    while (words[argc - 1] != NULL) {
        ck_assert_int_lt(argc, WORDS_MAX);
        argv[argc] = (char *)words[argc - 1];
        argc++;
    }
    ha_args_clear(&args);
    return ha_args_parse(argc, argv, suffix, &args, &failure);
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})
#define CHECK(...) ck_assert_msg(PARSE(__VA_ARGS__) == REPORT_OK, "%s", failure.text)

static void check_words(const struct words *words, const char *expected)
{
    char *text = words_join(words);

    ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(test_presets)
{
    ck_assert_int_eq(parse((const char *const[]){NULL}), REPORT_OK);
    ck_assert_int_eq(args.help + args.version + args.verbose + args.complete_only, 0);
    ck_assert_uint_eq(args.allowed, 0);
    ck_assert_int_eq(args.interval_ms, 1000);
    ck_assert_int_eq(args.termination_timeout_ms, 10000);
    ck_assert_int_eq(args.tries, 1);
    ck_assert_int_eq(args.priority, HA_PRIORITY_NORMAL);
    ck_assert_ptr_null(args.cluster_file);
    ck_assert_str_eq(args.mpiexec, "mpiexec");
    ck_assert_str_eq(args.fdistdump, "fdistdump");
    ck_assert_uint_eq(args.paths.count, 0);
    suffix = "_mpich";
    CHECK("a");
    ck_assert_str_eq(args.fdistdump, "fdistdump_mpich");
    CHECK("a", "/usr/bin/fdistdump");
    ck_assert_str_eq(args.fdistdump, "/usr/bin/fdistdump");
    suffix = "";
    CHECK("a");
    ck_assert_str_eq(args.fdistdump, "fdistdump");
}
END_TEST

/** Options of the documentation, so that none disappears from the table. */
static const char *const documented[] = {
    "allowed-cluster-state",
    "health-monitoring-interval",
    "termination-timeout",
    "tries",
    "priority",
    "verbose",
    "cluster-file",
    "complete-only",
    "mpiexec",
    "mpiexec-argument",
    "fdistdump",
    "help",
    "version",
};

START_TEST(test_documented)
{
    size_t count = 0;

    for (const struct ha_option *option = ha_option_table; option->name != NULL; option++) {
        count++;
    }
    ck_assert_uint_eq(count, sizeof(documented) / sizeof(documented[0]));
    for (size_t i = 0; i < count; i++) {
        const struct ha_option *option = ha_option_table;
        while (option->name != NULL && strcmp(option->name, documented[i]) != 0) {
            option++;
        }
        ck_assert_msg(option->name != NULL, "no --%s", documented[i]);
    }
}
END_TEST

/** The manual page describes every option. */
START_TEST(test_manual)
{
    FILE *file = fopen(TEST_SOURCE_DIR "/docs/man/fdistdump-ha.1", "r");
    static char text[1 << 16];

    ck_assert_ptr_nonnull(file);
    size_t size = fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    text[size] = '\0';
    for (const struct ha_option *option = ha_option_table; option->name != NULL; option++) {
        char name[64] = "\\-\\-", *end = name + 4;
        for (const char *c = option->name; *c != '\0'; c++) {
            if (*c == '-') {
                *end++ = '\\';
            }
            *end++ = *c;
        }
        ck_assert_msg(strstr(text, name) != NULL, "%s is not in the manual", name);
    }
}
END_TEST

START_TEST(test_values)
{
    CHECK("-a", "online", "-i", "0.25", "-e3", "-t", "0", "-plow", "-v", "x");
    ck_assert_uint_eq(args.allowed, CLUSTER_MORE);
    ck_assert_int_eq(args.interval_ms, 250);
    ck_assert_int_eq(args.termination_timeout_ms, 3000);
    ck_assert_int_eq(args.tries, 0);
    ck_assert_int_eq(args.priority, HA_PRIORITY_LOW);
    ck_assert_int_eq(args.verbose, 1);
    check_words(&args.paths, "x");
    CHECK("x", "--allowed-cluster-state=online,offline", "--health-mon=7", "--term", "0",
          "--tries=5", "--priority", "high", "--verbose", "y", "--complete",
          "--cluster-file=/etc/fdistdump/c");
    ck_assert_uint_eq(args.allowed, CLUSTER_MORE | CLUSTER_FEWER);
    ck_assert_int_eq(args.interval_ms, 7000);
    ck_assert_int_eq(args.termination_timeout_ms, 0);
    ck_assert_int_eq(args.tries, 5);
    ck_assert_int_eq(args.priority, HA_PRIORITY_HIGH);
    ck_assert_int_eq(args.complete_only, 1);
    ck_assert_str_eq(args.cluster_file,
                     "/etc/fdistdump/c"); /* no program, though it has the name */
    check_words(&args.paths, "x y");
    /* The original's way to give both. */
    CHECK("-a", "offline", "online", "x");
    ck_assert_uint_eq(args.allowed, CLUSTER_MORE | CLUSTER_FEWER);
    check_words(&args.paths, "x");
    CHECK("-a", "offline", "-a", "online", "-vi2", "x");
    ck_assert_uint_eq(args.allowed, CLUSTER_MORE | CLUSTER_FEWER);
    ck_assert_int_eq(args.interval_ms, 2000);
    CHECK("--help");
    ck_assert_int_eq(args.help, 1);
    CHECK("--version");
    ck_assert_int_eq(args.version, 1);
}
END_TEST

static const struct {
    const char *words[4];
    const char *error;
} bad[] = {
    {{"--nosuch"}, "unknown option `--nosuch'"},
    {{"-x"}, "unknown option `-x'"},
    {{"-vx"}, "unknown option `-x'"},
    {{"--ver"}, "ambiguous option `--ver'"},
    {{"--m"}, "ambiguous option `--m'"},
    {{"--="}, "unknown option"},
    {{"-a"}, "option `--allowed-cluster-state' needs an argument"},
    {{"-a", ""}, "expected online, offline"},
    {{"-a", "up"}, "`up'; expected online, offline"},
    {{"-a", "online,"}, "expected online, offline"},
    {{"-i", "0"}, "expected seconds, 0.1 to 86400"},
    {{"-i", "x"}, "expected seconds"},
    {{"-i", "-1"}, "expected seconds"},
    {{"-e", "86401"}, "--termination-timeout `86401'; expected seconds, 0 to 86400"},
    {{"-t", "-1"}, "expected a whole number"},
    {{"-t", "1.5"}, "expected a whole number"},
    {{"-t", "9999999999"}, "expected a whole number"},
    {{"-p", "urgent"}, "expected low, normal or high"},
    {{"--verbose=1"}, "option `--verbose' takes no argument"},
    {{"--cluster-file"}, "option `--cluster-file' needs an argument"},
    {{"x", "mpiexec", "-host", "a"}, "option `-host' of mpiexec"},
    {{"x", "mpiexec", "--host"}, "option `--host' of mpiexec"},
    {{"x", "mpiexec", "-H", "a"}, "option `-H' of mpiexec"},
    {{"x", "mpiexec", "-n", "2"}, "option `-n' of mpiexec"},
    {{"x", "mpiexec", "-np", "2"}, "option `-np' of mpiexec"},
    {{"x", "mpiexec", "--hostfile", "f"}, "option `--hostfile' of mpiexec"},
    {{"x", "mpiexec", "-N", "1"}, "option `-N' of mpiexec"},
    {{"x", "mpiexec", "-pernode"}, "option `-pernode' of mpiexec"},
    {{"x", "mpiexec", "--npernode", "1"}, "option `--npernode' of mpiexec"},
    {{"x", "mpiexec", "-npersocket", "1"}, "option `-npersocket' of mpiexec"},
    {{"x", "mpiexec", "--ppr", "1:node"}, "option `--ppr' of mpiexec"},
    {{"x", "mpiexec", "--map-by", "ppr:1:node"}, "option `--map-by' of mpiexec"},
    {{"x", "mpiexec", "-map-by", "PPR:1:node"}, "option `-map-by' of mpiexec"},
    {{"x", "mpiexec", "--map-by", "rankfile"}, "option `--map-by' of mpiexec"},
    {{"x", "mpiexec", "-rf", "f"}, "option `-rf' of mpiexec"},
    {{"x", "mpiexec", "--rankfile", "f"}, "option `--rankfile' of mpiexec"},
    {{"x", "mpiexec", "--app", "f"}, "option `--app' of mpiexec"},
    {{"x", "mpiexec", "-nolocal"}, "option `-nolocal' of mpiexec"},
    {{"x", "mpiexec", "--host=a"}, "option `--host=a' of mpiexec"},
    {{"x", "mpiexec", "--map-by=ppr:1:node"}, "option `--map-by=ppr:1:node' of mpiexec"},
    {{"x", "mpiexec", ":"}, "`:' among the arguments of mpiexec"},
    {{"--mpiexec-argument=-host", "x"}, "option `-host' of mpiexec"},
    {{"x", "fdistdump", ":"}, "`:' among the arguments of fdistdump"},
    {{"x", "--", ":"}, "`:' among the arguments of fdistdump"},
};

START_TEST(test_bad)
{
    const char *words[] = {bad[_i].words[0], bad[_i].words[1], bad[_i].words[2], bad[_i].words[3],
                           NULL};

    ck_assert_int_eq(parse(words), REPORT_ARGUMENTS);
    ck_assert_msg(strstr(failure.text, bad[_i].error) != NULL, "%s: %s", words[0], failure.text);
}
END_TEST

/** The same said by parameters: option, name, value; whether it is refused. */
static const struct {
    const char *option, *name, *value;
    bool refused;
} parameters[] = {
    {"--mca", "rmaps_rank_file_path", "f", true},
    {"-mca", "orte_rankfile", "f", true},
    {"--gmca", "orte_default_hostfile", "f", true},
    {"-gmca", "orte_default_dash_host", "a", true},
    {"--prtemca", "prte_default_hostfile", "f", true},
    {"--omca", "prte_rankfile", "f", true},
    {"--mca", "rmaps_base_pernode", "1", true},
    {"--mca", "rmaps_ppr_n_pernode", "2", true},
    {"--mca", "rmaps_base_pattern", "1:node", true},
    {"--mca", "rmaps_base_no_schedule_local", "1", true},
    {"--mca", "rmaps_base_mapping_policy", "ppr:1:node", true},
    {"--prtemca", "rmaps_default_mapping_policy", "PPR:1:node", true},
    {"--mca", "rmaps_base_mapping_policy", "rankfile", true},
    {"--mca", "rmaps_rank_file_path", NULL, true},
    {"--mca", "rmaps_base_mapping_policy", "core", false},
    {"--mca", "rmaps_base_mapping_policy", NULL, false},
    {"--mca", "rmaps_base_oversubscribe", "1", false},
    {"--mca", "btl", "rmaps_rank_file_path", false}, /* a value is no name */
    {"--mca", "rmaps_rank_file_path_", "f", false},
    {"--mca", "rmaps_rank_file_pat", "f", false},
    {"--mca", NULL, NULL, false},
    {"-x", "rmaps_rank_file_path", "f", false},
};

START_TEST(test_parameters)
{
    const char *words[] = {
        "x", "mpiexec", parameters[_i].option, parameters[_i].name, parameters[_i].value, NULL};

    int class = parse(words);
    ck_assert_int_eq(class, parameters[_i].refused ? REPORT_ARGUMENTS : REPORT_OK);
    if (parameters[_i].refused) {
        ck_assert_ptr_nonnull(strstr(failure.text, "MCA parameter `"));
        ck_assert_ptr_nonnull(strstr(failure.text, parameters[_i].name));
    }
}
END_TEST

static const struct {
    const char *variable;
    const char *error; /* NULL = it is fine */
} variables[] = {
    {"OMPI_MCA_rmaps_rank_file_path=/f", "variable OMPI_MCA_rmaps_rank_file_path in"},
    {"OMPI_MCA_orte_default_hostfile=/f", "variable OMPI_MCA_orte_default_hostfile in"},
    {"PRTE_MCA_rmaps_default_mapping_policy=ppr:1:node",
     "variable PRTE_MCA_rmaps_default_mapping_policy in"},
    {"OMPI_MCA_rmaps_rank_file_path=", NULL},
    {"OMPI_MCA_rmaps_rank_file_path", NULL},
    {"OMPI_MCA_rmaps_base_mapping_policy=core", NULL},
    {"OMPI_MCA_btl=rmaps_rank_file_path=1", NULL},
    {"rmaps_rank_file_path=/f", NULL},
    {"XOMPI_MCA_rmaps_rank_file_path=/f", NULL},
    {"OMPI_MCA_=1", NULL},
    {"", NULL},
};

START_TEST(test_variables)
{
    char *environment[] = {(char *)"A=1", (char *)variables[_i].variable, (char *)"PATH=/bin",
                           NULL};

    int class = ha_args_check_environment(environment, &failure);
    ck_assert_int_eq(class, variables[_i].error == NULL ? REPORT_OK : REPORT_ARGUMENTS);
    if (variables[_i].error != NULL) {
        ck_assert_ptr_nonnull(strstr(failure.text, variables[_i].error));
    }
}
END_TEST

/** Words; then what they are: paths, mpiexec, its arguments, fdistdump, its arguments. */
static const struct {
    const char *words[12];
    const char *paths, *mpiexec, *mpiexec_args, *fdistdump, *fdistdump_args;
} splits[] = {
    {{"a", "b"}, "a b", "mpiexec", "", "fdistdump", ""},
    {{"a", "--", "-s", "srcip"}, "a", "mpiexec", "", "fdistdump", "-s srcip"},
    {{"a", "--", "mpiexec", "--", "fdistdump"},
     "a",
     "mpiexec",
     "",
     "fdistdump",
     "mpiexec -- fdistdump"},
    {{"a", "mpiexec", "-v", "fdistdump", "-t", "5"}, "a", "mpiexec", "-v", "fdistdump", "-t 5"},
    {{"a", "fdistdump", "-t", "5", "mpiexec", "-v"}, "a", "mpiexec", "-v", "fdistdump", "-t 5"},
    {{"a", "mpiexec", "-v"}, "a", "mpiexec", "-v", "fdistdump", ""},
    {{"a", "fdistdump", "-v", "4"}, "a", "mpiexec", "", "fdistdump", "-v 4"},
    {{"a", "/o/mpiexec.openmpi", "/o/fdistdump-1.0", "x"},
     "a",
     "/o/mpiexec.openmpi",
     "",
     "/o/fdistdump-1.0",
     "x"},
    /* Only the first of each. */
    {{"a", "mpiexec", "mpiexec", "fdistdump", "-f", "fdistdump", "mpiexec"},
     "a",
     "mpiexec",
     "mpiexec",
     "fdistdump",
     "-f fdistdump mpiexec"},
    /* After a program, `--' is one of its arguments. */
    {{"a", "mpiexec", "--", "fdistdump", "--", "b"}, "a", "mpiexec", "--", "fdistdump", "-- b"},
    {{"a", "/opt/fdistdump/bin/mpiexec", "/opt/mpiexec/bin/fdistdump", "x"},
     "a",
     "/opt/fdistdump/bin/mpiexec",
     "",
     "/opt/mpiexec/bin/fdistdump",
     "x"},
    /* With the options paths may have the names. */
    {{"--fdistdump", "/o/q", "live/fdistdump", "b/mpiexec", "--", "-s", "srcip"},
     "live/fdistdump b/mpiexec",
     "mpiexec",
     "",
     "/o/q",
     "-s srcip"},
    {{"--mpiexec=/o/m", "--mpiexec-argument=-x", "--mpiexec-argument", "A", "mpiexec"},
     "mpiexec",
     "/o/m",
     "-x A",
     "fdistdump",
     ""},
    {{"a", "mpiexec", "--map-by", "core", "-bynode", "--map-by"},
     "a",
     "mpiexec",
     "--map-by core -bynode --map-by",
     "fdistdump",
     ""},
    {{"a", "-", "mpiexec"}, "a -", "mpiexec", "", "fdistdump", ""},
    {{"--mpiexec-argument=-q", "a", "mpiexec", "-r"}, "a", "mpiexec", "-q -r", "fdistdump", ""},
};

START_TEST(test_split)
{
    const char *words[sizeof(splits[_i].words) / sizeof(splits[_i].words[0]) + 1] = {NULL};

    memcpy(words, splits[_i].words, sizeof(splits[_i].words));
    ck_assert_msg(parse(words) == REPORT_OK, "%s", failure.text);
    check_words(&args.paths, splits[_i].paths);
    ck_assert_str_eq(args.mpiexec, splits[_i].mpiexec);
    check_words(&args.mpiexec_args, splits[_i].mpiexec_args);
    ck_assert_str_eq(args.fdistdump, splits[_i].fdistdump);
    check_words(&args.fdistdump_args, splits[_i].fdistdump_args);
}
END_TEST

START_TEST(test_help)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    ck_assert_ptr_nonnull(stream);
    ha_args_print_help(stream);
    (void)fclose(stream);
    for (const struct ha_option *option = ha_option_table; option->name != NULL; option++) {
        ck_assert_ptr_nonnull(strstr(text, option->name));
    }
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        ck_assert_uint_le(strcspn(line, "\n"), 80);
    }
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fdistdump_ha_args");
    TCase *tests = tcase_create("ha_args");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_presets);
    tcase_add_test(tests, test_documented);
    tcase_add_test(tests, test_manual);
    tcase_add_test(tests, test_values);
    tcase_add_loop_test(tests, test_bad, 0, (int)(sizeof(bad) / sizeof(bad[0])));
    tcase_add_loop_test(tests, test_parameters, 0,
                        (int)(sizeof(parameters) / sizeof(parameters[0])));
    tcase_add_loop_test(tests, test_variables, 0, (int)(sizeof(variables) / sizeof(variables[0])));
    tcase_add_loop_test(tests, test_split, 0, (int)(sizeof(splits) / sizeof(splits[0])));
    tcase_add_test(tests, test_help);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
