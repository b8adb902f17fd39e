/* SPDX-License-Identifier: BSD-3-Clause */
/** Pacemaker: what its tools print, and stand-ins for the tools. */
#include "pacemaker.h"
#include "scripts.h"
#include "suite_main.h"

#define NODE(name, id, flags) "<node name=\"" name "\" id=\"" id "\" " flags "/>"
#define ON                                                                                         \
    "online=\"true\" standby=\"false\" standby_onfail=\"false\" maintenance=\"false\" "            \
    "pending=\"false\" unclean=\"false\" shutdown=\"false\" expected_up=\"true\" "                 \
    "is_dc=\"false\" resources_running=\"1\" type=\"member\""
#define OFF "online=\"false\" standby=\"false\" pending=\"false\" unclean=\"false\" type=\"member\""
#define RESULT(nodes)                                                                              \
    "<pacemaker-result api-version=\"2.25\" request=\"crm_mon --output-as=xml\">\n"                \
    "  <summary><stack type=\"corosync\"/><nodes_configured number=\"4\"/></summary>\n"            \
    "  <nodes>\n    " nodes "\n  </nodes>\n  <resources/>\n"                                       \
    "  <status code=\"0\" message=\"OK\"/>\n</pacemaker-result>\n"

static struct cluster cluster;
static struct failure failure;
static struct events events;
static enum pacemaker_dialect dialect;

static void setup(void)
{
    cluster = (struct cluster){.count = 0};
    failure = (struct failure){.class = REPORT_OK};
    ck_assert_int_eq(events_open(&events, &failure), REPORT_OK);
    scripts_open();
}

static void teardown(void)
{
    cluster_clear(&cluster);
    events_close(&events);
    scripts_close();
}

static int parse(const char *xml)
{
    return pacemaker_parse_status(xml, strlen(xml), &cluster, &failure);
}

/* ---- XML ------------------------------------------------------------------------------------ */

START_TEST(test_status)
{
    static const char first[] = RESULT(NODE("a", "1", ON) NODE("b", "2", OFF));
    static const char second[] =
        "<?xml version=\"1.0\"?>\n<crm_mon version=\"1.1.18\"><summary/><nodes>" NODE("b", "2", ON)
            NODE("c", "3", ON) "</nodes></crm_mon>";

    ck_assert_msg(parse(first) == REPORT_OK, "%s", failure.text);
    ck_assert_uint_eq(cluster.count, 2);
    ck_assert_str_eq(cluster.nodes[0].name, "a");
    ck_assert_uint_eq(cluster.nodes[1].id, 2);
    ck_assert(cluster.nodes[0].online && !cluster.nodes[1].online);
    /* The older form; a is not listed any more, c joined since. */
    ck_assert_msg(parse(second) == REPORT_OK, "%s", failure.text);
    ck_assert_uint_eq(cluster.count, 2);
    ck_assert(!cluster.nodes[0].online && cluster.nodes[1].online);
}
END_TEST

/** Only what crm_mon's text calls "online" is. */
START_TEST(test_flags)
{
    static const char *const flags[] = {"standby", "standby_onfail", "maintenance", "pending",
                                        "unclean"};

    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        char xml[1024];
        (void)snprintf(xml, sizeof(xml),
                       RESULT("<node name=\"a\" id=\"1\" online=\"true\" %s=\"true\"/>"), flags[i]);
        ck_assert_msg(parse(xml) == REPORT_OK, "%s", failure.text);
        ck_assert(!cluster.nodes[0].online);
        ck_assert_int_eq(parse(RESULT(NODE("a", "1", ON))), REPORT_OK);
        ck_assert(cluster.nodes[0].online);
    }
}
END_TEST

START_TEST(test_remote)
{
    ck_assert_int_eq(
        parse(RESULT(NODE("r", "r", "online=\"true\" type=\"remote\"") NODE("a", "1", ON))),
        REPORT_OK);
    ck_assert_uint_eq(cluster.count, 1);
}
END_TEST

START_TEST(test_bad_status)
{
    static const char *const bad[] = {
        "",
        "OK",
        "<a/>",
        "<crm_mon><nodes/>",
        "<crm_mon><resources/></crm_mon>",
        "<!DOCTYPE a [<!ENTITY b \"c\">]><crm_mon><nodes/></crm_mon>",
        RESULT(NODE("a", "1", ON) NODE("b", "1", ON)),
        RESULT(NODE("a", "x", ON)),
        RESULT(NODE("a", "-1", ON)),
        RESULT(NODE("-a", "1", ON)),
        RESULT("<node id=\"1\"/>"),
        RESULT("<node name=\"a\"/>"),
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_int_ne(parse(bad[i]), REPORT_OK);
        ck_assert_int_gt((int)strlen(failure.text), 10);
        cluster_clear(&cluster);
    }
    ck_assert_int_eq(parse(RESULT(NODE("a", "1", ON))), REPORT_OK);
    ck_assert_int_ne(parse(RESULT(NODE("b", "1", ON))), REPORT_OK);
    ck_assert_str_eq(failure.text, "crm_mon: node 1 is b, was a");
}
END_TEST

/** XML that was cut is refused, wherever that was. */
START_TEST(test_cut_status)
{
    static const char whole[] = RESULT(NODE("a", "1", ON) NODE("b", "2", ON));
    size_t end =
        (size_t)(strstr(whole, "</pacemaker-result>") - whole) + strlen("</pacemaker-result>");

    for (size_t size = 0; size < end; size++) {
        char *copy = malloc(size + 1);
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, whole, size);
        ck_assert_int_ne(pacemaker_parse_status(copy, size, &cluster, &failure), REPORT_OK);
        free(copy);
    }
}
END_TEST

START_TEST(test_list)
{
    ck_assert_int_eq(parse(RESULT(NODE("a", "1", ON) NODE("b", "2", ON))), REPORT_OK);
    ck_assert_int_eq(pacemaker_parse_list("1 a member\n2 b lost\n\n7 z\n", &cluster, &failure),
                     REPORT_OK);
    ck_assert_int_eq(pacemaker_parse_list("", &cluster, &failure), REPORT_OK);
    ck_assert_int_eq(pacemaker_parse_list("1 a member\n2 c member", &cluster, &failure),
                     REPORT_ARGUMENTS);
    ck_assert_str_eq(failure.text, "node 2 is b for crm_mon and c for crm_node");
    ck_assert_int_eq(pacemaker_parse_list("a 1\n", &cluster, &failure), REPORT_INTERNAL);
    ck_assert_int_eq(pacemaker_parse_list("1\n", &cluster, &failure), REPORT_INTERNAL);
}
END_TEST

/* ---- tools ---------------------------------------------------------------------------------- */

#define CRM_NODE                                                                                   \
    "case $1 in --list) printf '1 a member\\n2 b member\\n3 p member\\n';; --name) echo a;; esac"
#define CRM_MON "cat \"$(dirname \"$0\")/status.xml\""
#define CRM_ATTRIBUTE                                                                              \
    "case \"$*\" in\n"                                                                             \
    "'--type crm_config --name flow-original-path --query --quiet') echo /o;;\n"                   \
    "'--type crm_config --name flow-mirror-path --query --quiet') echo /m;;\n"                     \
    "'--type nodes --node '[ab]' --name role --query --quiet') echo subcollector;;\n"              \
    "'--type nodes --node p --name role --query --quiet') echo proxy;;\n"                          \
    "'--type nodes --node a --name successor-id --query --quiet') echo 2;;\n"                      \
    "'--type nodes --node b --name successor-id --query --quiet') echo 1;;\n"                      \
    "*) echo 'Error performing operation: No such device or address' >&2; exit 6;; esac"

static void add_tools(void)
{
    char path[512];

    (void)snprintf(path, sizeof(path), "%s:/usr/bin:/bin", scripts_folder);
    ck_assert_int_eq(setenv("PATH", path, 1), 0);
    scripts_add("crm_node", CRM_NODE);
    scripts_add("crm_mon", CRM_MON);
    scripts_add("crm_attribute", CRM_ATTRIBUTE);
    scripts_write("status.xml", RESULT(NODE("a", "1", ON) NODE("p", "3", OFF) NODE("b", "2", ON)));
}

static int read_tools(void)
{
    cluster_clear(&cluster);
    return pacemaker_read(&events, &cluster, &dialect, &failure);
}

static void check_cluster(void)
{
    ck_assert_msg(read_tools() == REPORT_OK, "%s", failure.text);
    ck_assert_uint_eq(cluster.count, 3);
    ck_assert_str_eq(cluster.original, "/o");
    ck_assert_str_eq(cluster.mirror, "/m");
    ck_assert_str_eq(cluster.local, "a");
    ck_assert_int_eq(cluster.nodes[2].role, CLUSTER_PROXY);
    ck_assert(!cluster.nodes[2].online && cluster.nodes[0].online);
    ck_assert_uint_eq(cluster.nodes[0].successor, 1);
    ck_assert_uint_eq(cluster.nodes[0].predecessor, 1);
}

START_TEST(test_tools)
{
    add_tools();
    char *missing = pacemaker_missing_tools();
    ck_assert_str_eq(missing, "");
    free(missing);
    check_cluster();
    ck_assert_int_eq(dialect, PACEMAKER_OUTPUT_AS);
    /* A version that does not know the newer option. */
    scripts_add("crm_mon",
                "[ \"$2\" = --as-xml ] || { echo 'unknown option' >&2; exit 64; }\n" CRM_MON);
    check_cluster();
    ck_assert_int_eq(dialect, PACEMAKER_AS_XML);
    (void)unlink(scripts_path("crm_mon"));
    (void)unlink(scripts_path("crm_node"));
    missing = pacemaker_missing_tools();
    ck_assert_str_eq(missing, "crm_node, crm_mon");
    free(missing);
}
END_TEST

/** Whatever is wrong with a tool is said with its name. */
START_TEST(test_bad_tools)
{
    static const struct {
        const char *tool, *text, *error;
    } bad[] = {
        {"crm_mon", "exit 102", "`crm_mon --one-shot --output-as=xml' failed with status 102"},
        {"crm_mon", CRM_MON "; echo warning: something >&2", "complains: warning: something"},
        {"crm_mon", "kill -9 $$", "failed with signal 9"},
        {"crm_node", "exit 1", "`crm_node --list' failed with status 1"},
        {"crm_node", "echo 1 x member", "node 1 is a for crm_mon and x for crm_node"},
        {"crm_attribute", "echo 'No such device' >&2; exit 6",
         "flow-original-path --query --quiet' failed with status 6: No such device"},
        {"crm_attribute", "echo relative", "attribute role of node a: `relative'; expected proxy"},
        {"crm_attribute", "case $* in *role*) echo subcollector;; *) echo no;; esac",
         "attribute successor-id of node a: `no'; expected the id"},
        {"crm_attribute", "case $* in *role*) echo proxy;; *) echo x;; esac",
         "Pacemaker: original path `x'; expected an absolute path"},
        {"crm_attribute", "case $* in *role*) echo proxy;; *mirror*) echo /y;; *) echo /x;; esac",
         "Pacemaker: 0 subcollectors; expected at least 2"},
        {"crm_attribute",
         "case $* in *role*) echo subcollector;; *successor*) echo 2;; *mirror*) "
         "echo /y;; *) echo /x;; esac",
         "Pacemaker: node b: is its own successor"},
        {"crm_attribute", "cat /dev/zero", "writes more than 1048576 octets"},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        add_tools();
        scripts_add(bad[i].tool, bad[i].text);
        ck_assert_int_ne(read_tools(), REPORT_OK);
        ck_assert_msg(strstr(failure.text, bad[i].error) != NULL, "`%s' gives `%s'", bad[i].text,
                      failure.text);
    }
}
END_TEST

START_TEST(test_slow_tool)
{
    add_tools();
    scripts_add("crm_mon", "exec sleep 60");
    int64_t start_ms = events_now_ms();
    ck_assert_int_eq(read_tools(), REPORT_INTERNAL);
    ck_assert_ptr_nonnull(strstr(failure.text, "did not end within 5000 ms"));
    ck_assert_int_lt(events_now_ms() - start_ms, 20000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fdistdump_ha_pacemaker");
    TCase *tests = tcase_create("pacemaker");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_status);
    tcase_add_test(tests, test_flags);
    tcase_add_test(tests, test_remote);
    tcase_add_test(tests, test_bad_status);
    tcase_add_test(tests, test_cut_status);
    tcase_add_test(tests, test_list);
    tcase_add_test(tests, test_tools);
    tcase_add_test(tests, test_bad_tools);
    tcase_add_test(tests, test_slow_tool);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
