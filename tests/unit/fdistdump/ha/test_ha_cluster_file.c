/* SPDX-License-Identifier: BSD-3-Clause */
/** Cluster files: a whole one, cut ones, wrong ones, hostile ones. */
#include "cluster_file.h"
#include "suite_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char good[] = "# a cluster\n"
                           "original-path /data/original\n"
                           "mirror-path \"/data/mirror of another\" # comment\n"
                           "\n"
                           "\tprobe probe-node --name %h\r\n"
                           "probe-timeout 2.5\n"
                           "node proxy id=9 role=proxy\n"
                           "node sub3.example.org id=30 role=subcollector successor=10\n"
                           "node sub1.example.org id=10 successor=20 role=subcollector\n"
                           "node sub2.example.org id=20 role=subcollector successor=30";

#define HEAD "original-path /o\nmirror-path /m\n"
#define PAIR                                                                                       \
    "node a id=1 role=subcollector successor=2\nnode b id=2 role=subcollector successor=1\n"

static struct cluster cluster;
static struct cluster_probe probe;
static struct failure failure;

static void setup(void)
{
    cluster = (struct cluster){.count = 0};
    probe = (struct cluster_probe){.timeout_ms = 0};
    failure = (struct failure){.class = REPORT_OK};
}

static void teardown(void)
{
    cluster_clear(&cluster);
    words_clear(&probe.command);
}

/** Parses octets in memory of their own, so that reading behind them is found. */
static int parse(const char *text, size_t size)
{
    char *copy = malloc(size == 0 ? 1 : size);

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, size);
    teardown();
    int class = cluster_file_parse(copy, size, "f.conf", &cluster, &probe, &failure);
    free(copy);
    return class;
}

START_TEST(test_good)
{
    ck_assert_int_eq(parse(good, sizeof(good) - 1), REPORT_OK);
    ck_assert_str_eq(cluster.source, "f.conf");
    ck_assert_str_eq(cluster.original, "/data/original");
    ck_assert_str_eq(cluster.mirror, "/data/mirror of another");
    ck_assert_uint_eq(probe.timeout_ms, 2500);
    ck_assert_uint_eq(probe.command.count, 3);
    ck_assert_str_eq(probe.command.list[0], "probe-node");
    ck_assert_str_eq(probe.command.list[2], "%h");
    ck_assert_uint_eq(cluster.count, 4);
    static const char *const names[] = {"proxy", "sub1.example.org", "sub2.example.org",
                                        "sub3.example.org"};
    static const size_t successors[] = {0, 2, 3, 1}, predecessors[] = {0, 3, 1, 2};
    for (size_t i = 0; i < 4; i++) {
        ck_assert_str_eq(cluster.nodes[i].name, names[i]);
        ck_assert_uint_eq(cluster.nodes[i].id, i == 0 ? 9 : 10 * i);
        ck_assert_int_eq(cluster.nodes[i].role, i == 0 ? CLUSTER_PROXY : CLUSTER_SUBCOLLECTOR);
        ck_assert(!cluster.nodes[i].online);
        if (i > 0) {
            ck_assert_uint_eq(cluster.nodes[i].successor, successors[i]);
            ck_assert_uint_eq(cluster.nodes[i].predecessor, predecessors[i]);
        }
    }
}
END_TEST

/** Of a shorter file something is missing, wherever it is cut, down to the last character: the
 * last number is then the id of nobody. */
START_TEST(test_cut)
{
    for (size_t size = 0; size < sizeof(good) - 1; size++) {
        ck_assert_int_eq(parse(good, size), REPORT_ARGUMENTS);
        ck_assert_ptr_nonnull(strstr(failure.text, "f.conf"));
    }
}
END_TEST

START_TEST(test_presets)
{
    ck_assert_int_eq(parse(HEAD PAIR, strlen(HEAD PAIR)), REPORT_OK);
    ck_assert_uint_eq(probe.timeout_ms, 5000);
    char *command = words_join(&probe.command);
    ck_assert_str_eq(command, "ssh -o BatchMode=yes -o ConnectTimeout=3 -o ControlMaster=no "
                              "-o ControlPath=none %h true");
    free(command);
}
END_TEST

/** Every mistake with the place and words of its error. */
static const struct {
    const char *text;
    const char *error;
} bad[] = {
    {"", "f.conf: no original path"},
    {"original-path /o\n" PAIR, "f.conf: no mirror path"},
    {HEAD, "f.conf: 0 subcollectors; expected at least 2"},
    {HEAD "node a id=1 role=proxy\n", "f.conf: 0 subcollectors"},
    {"nodes a\n", "f.conf:1: `nodes'; expected original-path, mirror-path"},
    {"\n\n  x y z\n", "f.conf:3: `x'"},
    {"original-path /o/a\nmirror-path //o/./a/\n" PAIR,
     "f.conf: mirror path `//o/./a/' is the original path"},
    {"original-path /\nmirror-path /.\n" PAIR, "f.conf: mirror path `/.' is the original path"},
    {"original-path\n", "f.conf:1: `original-path'; expected one absolute path"},
    {"original-path data\n", "f.conf:1: `data'; expected one absolute path"},
    {"original-path \"\"\n", "f.conf:1: `'; expected one absolute path"},
    {"original-path /a /b\n", "f.conf:1: `/b'; expected one absolute path"},
    {"mirror-path /a\nmirror-path /b\n", "f.conf:2: `mirror-path'; expected this keyword once"},
    {"mirror-path \"/a\n", "f.conf:1: `\"'; expected a second quotation mark"},
    {"probe\n", "f.conf:1: `probe'; expected a command"},
    {"probe a\nprobe b\n", "f.conf:2: `probe'; expected this keyword once"},
    {"probe-timeout\n", "f.conf:1: `probe-timeout'; expected seconds"},
    {"probe-timeout 0\n", "f.conf:1: `0'; expected seconds"},
    {"probe-timeout 601\n", "f.conf:1: `601'; expected seconds"},
    {"probe-timeout -1\n", "f.conf:1: `-1'; expected seconds"},
    {"probe-timeout 1.0001\n", "f.conf:1: `1.0001'; expected seconds"},
    {"probe-timeout 1.\n", "f.conf:1: `1.'; expected seconds"},
    {"probe-timeout 99999999999999999999\n", "expected seconds"},
    {"probe-timeout 1 2\n", "f.conf:1: `2'; expected seconds"},
    {"probe-timeout 1\nprobe-timeout 1\n", "f.conf:2: `probe-timeout'; expected this keyword once"},
    {"node\n", "f.conf:1: `node'; expected the name of a host"},
    {"node a\n", "f.conf:1: `a'; expected id=NUMBER"},
    {"node a id=1\n", "f.conf:1: `a'; expected id=NUMBER and role="},
    {"node a role=proxy\n", "f.conf:1: `a'; expected id=NUMBER and role="},
    {"node a id=0 role=proxy\n", "f.conf:1: `id=0'; expected id=NUMBER"},
    {"node a id=-1 role=proxy\n", "f.conf:1: `id=-1'"},
    {"node a id=+1 role=proxy\n", "f.conf:1: `id=+1'"},
    {"node a id=4294967296 role=proxy\n", "f.conf:1: `id=4294967296'"},
    {"node a id=99999999999999999999999 role=proxy\n", "f.conf:1: `id=9999"},
    {"node a id=1x role=proxy\n", "f.conf:1: `id=1x'"},
    {"node a id= role=proxy\n", "f.conf:1: `id='"},
    {"node a id=1 id=2 role=proxy\n", "f.conf:1: `id=2'; expected id=NUMBER once"},
    {"node a id=1 role=Proxy\n", "f.conf:1: `role=Proxy'; expected role=proxy"},
    {"node a id=1 role=proxy role=proxy\n", "f.conf:1: `role=proxy'"},
    {"node a id=1 role=subcollector successor=b\n", "f.conf:1: `successor=b'"},
    {"node a id=1 role=proxy colour=red\n", "f.conf:1: `colour=red'; expected id=, role="},
    {"node -oProxyCommand=x id=1 role=proxy\n", "f.conf:1: `-oProxyCommand=x' is no name"},
    {"node -a id=1 role=proxy\n", "f.conf:1: `-a' is no name of a host"},
    {"node a,b id=1 role=proxy\n", "f.conf:1: `a,b' is no name of a host"},
    {"node a:5 id=1 role=proxy\n", "f.conf:1: `a:5' is no name of a host"},
    {"node \"a b\" id=1 role=proxy\n", "f.conf:1: `a b' is no name of a host"},
    {"node \"\" id=1 role=proxy\n", "f.conf:1: `' is no name of a host"},
    {HEAD PAIR "node c id=2 role=proxy\n", "f.conf:5: node c: another node has the id 2"},
    {HEAD PAIR "node B id=3 role=proxy\n",
     "f.conf:5: node B: this host is also the node with id 2"},
    {HEAD PAIR "node b.example id=3 role=proxy\n", "f.conf:5: node b.example: this host is also"},
    {HEAD PAIR "node c id=3 role=proxy successor=1\n",
     "f.conf:5: node c: a proxy has no successor"},
    {HEAD PAIR "node c id=3 role=subcollector\n", "f.conf:5: node c: no successor"},
    {HEAD PAIR "node c id=3 role=subcollector successor=3\n", "f.conf:5: node c: is its own"},
    {HEAD PAIR "node c id=3 role=subcollector successor=4\n",
     "its successor is no subcollector: id 4"},
    {HEAD PAIR "node c id=3 role=subcollector successor=1\n", "another subcollector has the same"},
    {HEAD PAIR "node p id=9 role=proxy\nnode c id=3 role=subcollector successor=9\n",
     "f.conf:6: node c: its successor is no subcollector: id 9"},
    {HEAD PAIR
     "node c id=3 role=subcollector successor=4\nnode d id=4 role=subcollector successor=3\n",
     "f.conf:3: node a: successors make more than one cycle; they lead back here after nodes: 2"},
    {HEAD "node a id=1 role=subcollector successor=1\n", "f.conf:3: node a: is its own successor"},
};

START_TEST(test_bad)
{
    ck_assert_int_eq(parse(bad[_i].text, strlen(bad[_i].text)), REPORT_ARGUMENTS);
    ck_assert_msg(strstr(failure.text, bad[_i].error) != NULL, "`%s' gives `%s'", bad[_i].text,
                  failure.text);
}
END_TEST

/** Paths that begin alike are two. */
START_TEST(test_paths)
{
    static const char *const mirrors[] = {"/o/a", "/o/", "/o.", "/o/..a", "/", "/%h/o/a.."};

    for (size_t i = 0; i < sizeof(mirrors) / sizeof(mirrors[0]); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), "original-path /o/a..\nmirror-path %s\n" PAIR,
                       mirrors[i]);
        ck_assert_msg(parse(text, strlen(text)) == REPORT_OK, "%s", failure.text);
    }
}
END_TEST

START_TEST(test_hostile)
{
    static const char zero[] = "original-path /o\0/x\n";
    char *big = malloc(CLUSTER_FILE_SIZE_MAX);

    ck_assert_int_eq(parse(zero, sizeof(zero) - 1), REPORT_ARGUMENTS);
    ck_assert_ptr_nonnull(strstr(failure.text, "f.conf:1: `\\0'"));
    ck_assert_ptr_nonnull(big);
    for (int c = 0; c < 256; c++) { /* one word, or none, of the largest size */
        memset(big, c, CLUSTER_FILE_SIZE_MAX);
        ck_assert_int_eq(parse(big, CLUSTER_FILE_SIZE_MAX), REPORT_ARGUMENTS);
    }
    for (size_t i = 0; i < CLUSTER_FILE_SIZE_MAX; i++) {
        big[i] = "a "[i % 2];
    }
    ck_assert_int_eq(parse(big, CLUSTER_FILE_SIZE_MAX), REPORT_ARGUMENTS);
    free(big);
    /* A name of the longest size, and one more. */
    for (size_t length = CLUSTER_NAME_MAX; length <= CLUSTER_NAME_MAX + 1; length++) {
        char name[CLUSTER_NAME_MAX + 2] = "", text[1024];
        memset(name, 'a', length);
        (void)snprintf(text, sizeof(text), HEAD "node %s id=7 role=proxy\n" PAIR, name);
        ck_assert_int_eq(parse(text, strlen(text)),
                         length == CLUSTER_NAME_MAX ? REPORT_OK : REPORT_ARGUMENTS);
    }
}
END_TEST

START_TEST(test_too_many)
{
    char *text = malloc(CLUSTER_NODES_MAX * 64 + 1000);

    ck_assert_ptr_nonnull(text);
    for (unsigned extra = 0; extra < 2; extra++) {
        int length = sprintf(text, HEAD);
        for (unsigned i = 1; i <= CLUSTER_NODES_MAX + extra; i++) {
            length += sprintf(text + length, "node n%u id=%u role=subcollector successor=%u\n", i,
                              i, i == CLUSTER_NODES_MAX + extra ? 1 : i + 1);
        }
        ck_assert_int_eq(parse(text, (size_t)length), extra == 0 ? REPORT_OK : REPORT_ARGUMENTS);
    }
    ck_assert_ptr_nonnull(strstr(failure.text, "f.conf:1027: more than 1024 nodes"));
    free(text);
}
END_TEST

START_TEST(test_file)
{
    char path[] = "/tmp/cluster_file.XXXXXX";
    int fd = mkstemp(path);

    ck_assert_int_ne(fd, -1);
    ck_assert_int_eq(write(fd, good, sizeof(good) - 1), sizeof(good) - 1);
    ck_assert_int_eq(cluster_file_read(path, &cluster, &probe, &failure), REPORT_OK);
    ck_assert_uint_eq(cluster.count, 4);
    teardown();
    ck_assert_int_eq(ftruncate(fd, CLUSTER_FILE_SIZE_MAX + 1), 0);
    ck_assert_int_eq(cluster_file_read(path, &cluster, &probe, &failure), REPORT_PATH);
    ck_assert_ptr_nonnull(strstr(failure.text, path));
    (void)close(fd);
    (void)unlink(path);
    ck_assert_int_eq(cluster_file_read(path, &cluster, &probe, &failure), REPORT_PATH);
    ck_assert_ptr_nonnull(strstr(failure.text, "No such file"));
    ck_assert_int_eq(cluster_file_read("/tmp", &cluster, &probe, &failure), REPORT_PATH);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(cluster_file_read(path, &cluster, &probe, &failure), REPORT_PATH);
    (void)unlink(path);
}
END_TEST

START_TEST(test_example)
{
    const char *path = TEST_SOURCE_DIR "/config/cluster.conf.example";

    ck_assert_msg(cluster_file_read(path, &cluster, &probe, &failure) == REPORT_OK, "%s",
                  failure.text);
    ck_assert_uint_gt(cluster.count, 2);
}
END_TEST

START_TEST(test_hosts)
{
    ck_assert_int_eq(parse(good, sizeof(good) - 1), REPORT_OK);
    ck_assert_str_eq(cluster_find_host(&cluster, "sub2")->name, "sub2.example.org");
    ck_assert_str_eq(cluster_find_host(&cluster, "SUB2.example.org")->name, "sub2.example.org");
    ck_assert_str_eq(cluster_find_host(&cluster, "proxy.example.org")->name, "proxy");
    ck_assert_ptr_null(cluster_find_host(&cluster, "sub2.example.com"));
    ck_assert_ptr_null(cluster_find_host(&cluster, "sub"));
    ck_assert_ptr_null(cluster_find_host(&cluster, ""));
}
END_TEST

START_TEST(test_changes)
{
    ck_assert_int_eq(parse(HEAD PAIR, strlen(HEAD PAIR)), REPORT_OK);
    for (unsigned i = 0; i < 16; i++) {
        bool before[2] = {(i & 1) != 0, (i & 2) != 0};
        cluster.nodes[0].online = (i & 4) != 0;
        cluster.nodes[1].online = (i & 8) != 0;
        unsigned came = (i >> 2) & ~i & 3, went = i & ~(i >> 2) & 3;
        ck_assert_uint_eq(cluster_compare(&cluster, before),
                          (came != 0 ? CLUSTER_MORE : 0u) | (went != 0 ? CLUSTER_FEWER : 0u));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fdistdump_ha_cluster_file");
    TCase *tests = tcase_create("cluster_file");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_good);
    tcase_add_test(tests, test_cut);
    tcase_add_test(tests, test_presets);
    tcase_add_loop_test(tests, test_bad, 0, (int)(sizeof(bad) / sizeof(bad[0])));
    tcase_add_test(tests, test_paths);
    tcase_add_test(tests, test_hostile);
    tcase_add_test(tests, test_too_many);
    tcase_add_test(tests, test_file);
    tcase_add_test(tests, test_example);
    tcase_add_test(tests, test_hosts);
    tcase_add_test(tests, test_changes);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
