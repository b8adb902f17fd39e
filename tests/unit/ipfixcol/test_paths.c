/* SPDX-License-Identifier: BSD-3-Clause */
/* Folders: those compiled in where they exist, else those of the tree the program lies in. */

#include "collector_support.h"
#include "paths.h"

static void make_tree(void)
{
    static const char *const folders[] = {"bin", "etc",          "etc/ipfixcol",
                                          "lib", "lib/ipfixcol", "lib/ipfixcol/plugins"};
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        ck_assert_int_eq(mkdir(support_path(folders[i]), 0755), 0);
    }
    (void)support_write("etc/ipfixcol/internalcfg.xml", "<x/>");
}

START_TEST(tree_that_was_moved)
{
    if (access(TEST_CONFIG_DIR "/internalcfg.xml", F_OK) == 0) {
        return; /* installed here: the folder compiled in is the right one */
    }
    make_tree();
    paths_init(support_path("bin/ipfixcol"));
    char expected[PATH_MAX + 64];
    (void)snprintf(expected, sizeof(expected), "%s/bin/../etc/ipfixcol/startup.xml",
                   support_folder);
    ck_assert_str_eq(paths_config("startup.xml"), expected);
    if (access(TEST_PLUGIN_INSTALL_DIR, F_OK) != 0) {
        ck_assert_contains(paths_plugin_dir(), support_folder);
        ck_assert_int_eq(access(paths_plugin_dir(), F_OK), 0);
    }
}
END_TEST

START_TEST(nothing_there_keeps_what_was_compiled_in)
{
    paths_init(support_path("bin/ipfixcol"));
    ck_assert_str_eq(paths_config("a.xml"), TEST_CONFIG_DIR "/a.xml");
    paths_init("no-slash");
    ck_assert_str_eq(paths_config("a.xml"), TEST_CONFIG_DIR "/a.xml");
}
END_TEST

START_TEST(several_names_at_once)
{
    const char *a = paths_config("a.xml");
    const char *b = paths_config("b.xml");
    ck_assert_str_eq(a, TEST_CONFIG_DIR "/a.xml");
    ck_assert_str_eq(b, TEST_CONFIG_DIR "/b.xml");
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("paths");
    tcase_add_checked_fixture(tcase, support_make_folder, support_remove_folder);
    tcase_add_test(tcase, tree_that_was_moved);
    tcase_add_test(tcase, nothing_there_keeps_what_was_compiled_in);
    tcase_add_test(tcase, several_names_at_once);
    return support_run(tcase, "paths");
}
