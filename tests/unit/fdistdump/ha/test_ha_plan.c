/* SPDX-License-Identifier: BSD-3-Clause */
/** Decisions: every combination of nodes of a cycle of four, judged by what each process reads. */
#include "plan.h"
#include "suite_main.h"

#include <stdlib.h>
#include <string.h>

#define SUBCOLLECTORS 4

static struct cluster cluster;
static struct ha_args args;
static struct words paths;
static struct plan plan;
static struct failure failure;

/** The cycle is a -> c -> b -> d -> a, not that of the numbers; p and q are proxies. */
static const struct cluster_node nodes[] = {
    {.name = (char *)"a", .id = 10, .role = CLUSTER_SUBCOLLECTOR, .successor_id = 30},
    {.name = (char *)"b", .id = 20, .role = CLUSTER_SUBCOLLECTOR, .successor_id = 40},
    {.name = (char *)"c", .id = 30, .role = CLUSTER_SUBCOLLECTOR, .successor_id = 20},
    {.name = (char *)"d", .id = 40, .role = CLUSTER_SUBCOLLECTOR, .successor_id = 10},
    {.name = (char *)"p", .id = 5, .role = CLUSTER_PROXY},
    {.name = (char *)"q", .id = 50, .role = CLUSTER_PROXY},
};
static const char successors[][2] = {"c", "d", "b", "a"}; /* of a, b, c, d */

static void setup(void)
{
    char *argv[] = {(char *)"fdistdump-ha", (char *)"x"};

    cluster = (struct cluster){
        .source = strdup("test"), .original = strdup("/o"), .mirror = strdup("/m")};
    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
        ck_assert_int_eq(cluster_add(&cluster, &nodes[i], &failure), REPORT_OK);
    }
    ck_assert_msg(cluster_check(&cluster, &failure) == REPORT_OK, "%s", failure.text);
    ck_assert_int_eq(ha_args_parse(2, argv, NULL, &args, &failure), REPORT_OK);
    paths = (struct words){.list = NULL};
    words_add(&paths, "x");
    plan = (struct plan){.master = 0};
}

static void teardown(void)
{
    plan_clear(&plan);
    words_clear(&paths);
    ha_args_clear(&args);
    cluster_clear(&cluster);
}

static struct cluster_node *node(const char *name)
{
    for (size_t i = 0; i < cluster.count; i++) {
        if (strcmp(cluster.nodes[i].name, name) == 0) {
            return &cluster.nodes[i];
        }
    }
    ck_abort_msg("no node %s", name);
    return NULL;
}

/** Bit i: subcollector "abcd"[i]; then the proxies. */
static void set_online(unsigned set)
{
    for (unsigned i = 0; i < 6; i++) {
        node((const char[]){"abcdpq"[i], '\0'})->online = (set >> i & 1) != 0;
    }
}

static void set_local(const char *name)
{
    free(cluster.local);
    cluster.local = name == NULL ? NULL : strdup(name);
}

static int build(void)
{
    plan_clear(&plan);
    return plan_build(&cluster, &args, &paths, &plan, &failure);
}

static void check_command(const char *expected)
{
    ck_assert_msg(build() == REPORT_OK, "%s", failure.text);
    char *text = words_join(&plan.command);
    ck_assert_str_eq(text, expected);
    free(text);
}

static bool has_word(const struct words *words, const char *word)
{
    for (size_t i = 0; i < words->count; i++) {
        if (strcmp(words->list[i], word) == 0) {
            return true;
        }
    }
    return false;
}

/** How often a host reads a path. */
static unsigned reads[SUBCOLLECTORS][2]; /* original, mirror */

/** After hosts stands how many processes they get in all. */
static void check_count(const char *hosts, char *const *rest)
{
    long count = 1;

    for (const char *comma = hosts; (comma = strchr(comma, ',')) != NULL; comma++) {
        count++;
    }
    ck_assert_str_eq(rest[0], "-n");
    ck_assert_int_eq(strtol(rest[1], NULL, 10), count);
}

/** Takes a command apart, as mpiexec would. */
static void run_command(const char **master)
{
    unsigned part = 0;
    const char *hosts = NULL;

    memset(reads, 0, sizeof(reads));
    *master = NULL;
    for (size_t i = 1; i < plan.command.count; i++) {
        const char *word = plan.command.list[i];
        bool original = strcmp(word, "/o/x") == 0, mirror = strcmp(word, "/m/x") == 0;
        if (strcmp(word, "-host") == 0) {
            hosts = plan.command.list[++i];
            *master = *master == NULL ? hosts : *master;
            /* One process on one host, or one on each of a list. */
            check_count(hosts, plan.command.list + i + 1);
        } else if (strcmp(word, ":") == 0) {
            part++;
        } else if (original || mirror) {
            const char *host = hosts;
            if (strchr(hosts, ',') != NULL) {
                host = strchr(hosts, ',') + 1; /* the first prints */
            } else {
                ck_assert_uint_gt(part, 0);
            }
            for (;; host += 2) {
                ck_assert_ptr_nonnull(strchr("abcd", host[0]));
                ck_assert(node((const char[]){host[0], '\0'})->online);
                reads[host[0] - 'a'][mirror]++;
                if (host[1] != ',') {
                    break;
                }
            }
        }
    }
}

/** Everything is read once: where it is, or by the successor; what is not is said to be missing. */
static void check_reads(unsigned set)
{
    size_t missing = 0;

    for (unsigned i = 0; i < SUBCOLLECTORS; i++) {
        unsigned successor = (unsigned)(successors[i][0] - 'a');
        bool online = (set >> i & 1) != 0, successor_online = (set >> successor & 1) != 0;
        bool is_missing = has_word(&plan.missing, (const char[]){(char)('a' + i), '\0'});
        ck_assert_uint_eq(reads[i][0], online);
        ck_assert_uint_eq(reads[successor][1], !online && successor_online);
        ck_assert_int_eq(is_missing, !online && !successor_online);
        missing += is_missing;
    }
    ck_assert_uint_eq(plan.missing.count, missing);
}

/** All 16 states of the subcollectors, of the proxies, and every place to start from. */
START_TEST(test_all)
{
    static const char *const locals[] = {NULL, "a", "b", "c", "d", "p", "q"};

    for (unsigned set = 0; set < 64; set++) {
        for (size_t i = 0; i < sizeof(locals) / sizeof(locals[0]); i++) {
            const char *master;
            set_online(set);
            set_local(locals[i]);
            if ((set & 15) == 0) {
                ck_assert_int_eq(build(), REPORT_INTERNAL);
                ck_assert_str_eq(failure.text, "no subcollector is online");
                continue;
            }
            ck_assert_msg(build() == REPORT_OK, "%s", failure.text);
            run_command(&master);
            check_reads(set & 15);
            ck_assert_int_eq(has_word(&plan.command, ":"), (set & 15) != 15);
            /* The master is here, else a proxy, else an online subcollector. */
            ck_assert(cluster.nodes[plan.master].online);
            ck_assert_int_eq(master[0], cluster.nodes[plan.master].name[0]);
            bool local_online = locals[i] != NULL && node(locals[i])->online;
            if (local_online) {
                ck_assert_int_eq(master[0], locals[i][0]);
            } else if ((set & 48) != 0) {
                ck_assert_int_eq(master[0], (set & 16) != 0 ? 'p' : 'q');
            }
            /* A warning for each offline subcollector, and for a master that also reads unasked. */
            unsigned offline = 4 - (unsigned)__builtin_popcount(set & 15);
            ck_assert_uint_eq(plan.warnings.count, offline + (!local_online && (set & 48) == 0));
        }
    }
}
END_TEST

#define ALWAYS "-wdir /tmp/ --bind-to none "

START_TEST(test_single)
{
    set_online(63);
    check_command("mpiexec " ALWAYS "-host p,a,b,c,d -n 5 fdistdump /o/x");
    set_local("c");
    words_add(&paths, "y/z");
    check_command("mpiexec " ALWAYS "-host c,a,b,c,d -n 5 fdistdump /o/x /o/y/z");
    words_add(&args.mpiexec_args, "-x");
    words_add(&args.mpiexec_args, "A");
    words_add(&args.fdistdump_args, "-f");
    words_add(&args.fdistdump_args, "proto tcp");
    check_command("mpiexec -x A " ALWAYS "-host c,a,b,c,d -n 5 fdistdump -f proto tcp /o/x /o/y/z");
    ck_assert(has_word(&plan.command, "proto tcp"));
}
END_TEST

START_TEST(test_divided)
{
    set_online(63 & ~4u); /* c, whose mirror is on b */
    check_command("mpiexec " ALWAYS "-host p -n 1 fdistdump . "
                  ": " ALWAYS "-host a -n 1 fdistdump /o/x "
                  ": " ALWAYS "-host b -n 1 fdistdump /o/x /m/x "
                  ": " ALWAYS "-host d -n 1 fdistdump /o/x");
    ck_assert_str_eq(plan.warnings.list[0],
                     "node c is offline: its data are read from the mirror on b");
    /* A host with two processes must have room for two in every part. */
    set_local("b");
    words_add(&args.mpiexec_args, "-q");
    words_add(&args.fdistdump_args, "-l1");
    check_command("mpiexec -q " ALWAYS "-host b:2 -n 1 fdistdump -l1 . "
                  ": -q " ALWAYS "-host a -n 1 fdistdump -l1 /o/x "
                  ": -q " ALWAYS "-host b:2 -n 1 fdistdump -l1 /o/x /m/x "
                  ": -q " ALWAYS "-host d -n 1 fdistdump -l1 /o/x");
}
END_TEST

START_TEST(test_missing)
{
    set_online(63 & ~5u); /* a, whose mirror is on c, and c */
    ck_assert_int_eq(build(), REPORT_OK);
    ck_assert_uint_eq(plan.missing.count, 1);
    ck_assert_str_eq(plan.missing.list[0], "a");
    ck_assert_str_eq(plan.warnings.list[0],
                     "the answer will be incomplete: data of node a are missing, it and c, which "
                     "has its mirror, are offline");
    args.complete_only = 1;
    ck_assert_int_eq(build(), REPORT_PATH);
    ck_assert_ptr_nonnull(strstr(failure.text, "data of node a are missing"));
    set_online(63 & ~3u); /* a and b are not neighbours */
    ck_assert_int_eq(build(), REPORT_OK);
}
END_TEST

START_TEST(test_options)
{
    set_online(63);
    args.priority = HA_PRIORITY_LOW;
    args.mpiexec = "/o/mpiexec";
    args.fdistdump = "/o/fdistdump";
    check_command("/o/mpiexec " ALWAYS
                  "-host p,a,b,c,d -n 5 nice -n 10 ionice -c 3 /o/fdistdump /o/x");
    args.priority = HA_PRIORITY_HIGH;
    check_command("/o/mpiexec " ALWAYS
                  "-host p,a,b,c,d -n 5 nice -n -10 ionice -c 1 /o/fdistdump /o/x");
    args.priority = HA_PRIORITY_NORMAL;
    words_add(&args.mpiexec_args, "--wdir");
    words_add(&args.mpiexec_args, "/");
    words_add(&args.mpiexec_args, "-bind-to");
    words_add(&args.mpiexec_args, "core");
    check_command("/o/mpiexec --wdir / -bind-to core -host p,a,b,c,d -n 5 /o/fdistdump /o/x");
    set_online(1);
    set_local("q"); /* offline */
    args.priority = HA_PRIORITY_LOW;
    check_command("/o/mpiexec --wdir / -bind-to core -host a:2 -n 1 nice -n 10 ionice -c 3 "
                  "/o/fdistdump . : --wdir / -bind-to core -host a:2 -n 1 nice -n 10 ionice -c 3 "
                  "/o/fdistdump /o/x /m/x");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fdistdump_ha_plan");
    TCase *tests = tcase_create("plan");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_all);
    tcase_add_test(tests, test_single);
    tcase_add_test(tests, test_divided);
    tcase_add_test(tests, test_missing);
    tcase_add_test(tests, test_options);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
