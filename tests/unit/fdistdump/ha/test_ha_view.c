/* SPDX-License-Identifier: BSD-3-Clause */
/** Looks at the nodes of a cluster file: how they are asked, and what the answers mean. */
#include "suite_main.h"
#include "view.h"

static struct view view;
static struct commands commands;
static struct failure failure;

static void setup(void)
{
    static const char text[] = "original-path /o\nmirror-path /m\n"
                               "probe \"ask %h of %h%h\" %h plain %\n"
                               "node a id=1 role=subcollector successor=2\n"
                               "node b.example.org id=2 role=subcollector successor=1\n"
                               "node c id=3 role=proxy\n";

    view = (struct view){.file = "f.conf"};
    commands = (struct commands){.list = NULL};
    ck_assert_int_eq(
        cluster_file_parse(text, sizeof(text) - 1, view.file, &view.cluster, &view.probe, &failure),
        REPORT_OK);
}

static void teardown(void)
{
    commands_clear(&commands);
    view_clear(&view);
}

/** The name stands wherever the word asks for it. */
START_TEST(test_words)
{
    ck_assert_int_eq(view_look(&view, &commands, &failure), REPORT_OK);
    ck_assert_uint_eq(commands.count, 3);
    static const char *const words[] = {"ask b.example.org of b.example.orgb.example.org",
                                        "b.example.org", "plain", "%"};
    const struct words *argv = &commands.list[1].argv;
    ck_assert_uint_eq(argv->count, 4);
    for (size_t i = 0; i < argv->count; i++) {
        ck_assert_str_eq(argv->list[i], words[i]);
    }
    ck_assert_str_eq(commands.list[2].argv.list[1], "c");
}
END_TEST

/** Alive is who answers with status 0, and this node, which is not asked. */
START_TEST(test_answers)
{
    view.cluster.local = strdup("c");
    ck_assert_int_eq(view_look(&view, &commands, &failure), REPORT_OK);
    ck_assert_uint_eq(commands.count, 2);
    commands.list[0].end = commands.list[1].end = COMMAND_ENDED;
    commands.list[1].status = 255 << 8;
    ck_assert_int_eq(view_take(&view, &commands, &failure), REPORT_OK);
    ck_assert(view.cluster.nodes[0].online && !view.cluster.nodes[1].online &&
              view.cluster.nodes[2].online);
    commands.list[0].end = COMMAND_TIMED_OUT;
    commands.list[1].status = 9; /* killed */
    ck_assert_int_eq(view_take(&view, &commands, &failure), REPORT_OK);
    ck_assert(!view.cluster.nodes[0].online && !view.cluster.nodes[1].online &&
              view.cluster.nodes[2].online);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fdistdump_ha_view");
    TCase *tests = tcase_create("view");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_words);
    tcase_add_test(tests, test_answers);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
