/* SPDX-License-Identifier: BSD-3-Clause */
/* Loading plugins: where they are looked for, and what is refused with which words. */

#include "collector_support.h"
#include "paths.h"
#include "plugin_loader.h"

static struct config_error err;

static int hook_create(col_instance_t *instance, const void *options, void **state)
{
    (void)instance;
    (void)options;
    (void)state;
    return COL_OK;
}

static void hook_destroy(void *state)
{
    (void)state;
}

static int hook_process(void *state, struct ipfix_message *message)
{
    (void)state;
    (void)message;
    return COL_OK;
}

static int hook_receive(void *state)
{
    (void)state;
    return COL_EOF;
}

static struct col_plugin good(enum col_kind kind)
{
    return (struct col_plugin){
        .abi = COL_PLUGIN_ABI,
        .kind = kind,
        .name = "x",
        .create = hook_create,
        .destroy = hook_destroy,
        .process = kind == COL_INPUT ? NULL : hook_process,
        .receive = kind == COL_INPUT ? hook_receive : NULL,
    };
}

static void refused(const struct col_plugin *plugin, enum col_kind kind, const char *word)
{
    ck_assert(!plugin_check(plugin, kind, &err));
    ck_assert_contains(err.text, word);
}

START_TEST(checks_descriptions)
{
    static const struct col_option bad_rows[] = {{.name = "x", .type = COL_UINT64, .offset = 100},
                                                 {0}};

    for (int kind = COL_INPUT; kind <= COL_STORAGE; kind++) {
        struct col_plugin p = good((enum col_kind)kind);
        ck_assert(plugin_check(&p, (enum col_kind)kind, &err));
        refused(&p, kind == COL_INPUT ? COL_STORAGE : COL_INPUT, "is needed here");
        p.create = NULL;
        refused(&p, (enum col_kind)kind, "create");
        p = good((enum col_kind)kind);
        p.destroy = NULL;
        refused(&p, (enum col_kind)kind, "destroy");
        p = good((enum col_kind)kind);
        p.receive = NULL;
        p.process = NULL;
        refused(&p, (enum col_kind)kind, kind == COL_INPUT ? "receive" : "process");
        p = good((enum col_kind)kind);
        p.abi++;
        refused(&p, (enum col_kind)kind, "interface");
        p = good((enum col_kind)kind);
        p.name = "";
        refused(&p, (enum col_kind)kind, "no name");
        p = good((enum col_kind)kind);
        p.options = bad_rows;
        refused(&p, (enum col_kind)kind, "'x'");
    }
}
END_TEST

START_TEST(loads_and_refuses_files)
{
    char path[PATH_MAX];

    ck_assert_int_eq(setenv("IPFIXCOL_PLUGIN_DIR", "/nonexistent::" TEST_PLUGIN_DIR, 1), 0);
    ck_assert(plugin_find("/usr/share/ipfixcol/plugins/test_input.so", path, sizeof(path)));
    ck_assert_str_eq(path, TEST_PLUGIN_DIR "/test_input.so");
    const struct col_plugin *plugin = plugin_load("test_storage.so", COL_STORAGE, &err);
    ck_assert_msg(plugin != NULL, "%s", err.text);
    ck_assert_str_eq(plugin->name, "test");
    ck_assert_ptr_eq(plugin_load("/x/test_storage.so", COL_STORAGE, &err), plugin);
    ck_assert_ptr_null(plugin_load("test_storage.so", COL_INPUT, &err));
    ck_assert_contains(err.text, "storage plugin");
    ck_assert_ptr_null(plugin_load("missing.so", COL_INPUT, &err));
    ck_assert_contains(err.text, "missing.so: not found");

    support_make_folder();
    ck_assert_int_eq(setenv("IPFIXCOL_PLUGIN_DIR", support_folder, 1), 0);
    support_write("text.so", "this is no shared object");
    ck_assert_ptr_null(plugin_load("text.so", COL_INPUT, &err));
    ck_assert_contains(err.text, "cannot be loaded");
    support_remove_folder();
    ck_assert_ptr_null(plugin_load(TEST_PLAIN_LIBRARY, COL_INPUT, &err));
    ck_assert_contains(err.text, "no symbol col_plugin");
}
END_TEST

START_TEST(paths_follow_the_program)
{
    char path[PATH_MAX];

    support_make_folder();
    ck_assert_int_eq(mkdir(support_path("bin"), 0700), 0);
    ck_assert_int_eq(mkdir(support_path("lib"), 0700), 0);
    ck_assert_int_eq(mkdir(support_path("etc"), 0700), 0);
    ck_assert_int_eq(mkdir(support_path("etc/ipfixcol"), 0700), 0);
    support_write("etc/ipfixcol/internalcfg.xml", "x");
    (void)snprintf(path, sizeof(path), "%s/bin/ipfixcol", support_folder);
    paths_init(path);
    if (access(IPFIXCOL_CONFIG_DIR "/internalcfg.xml", F_OK) != 0) {
        (void)snprintf(path, sizeof(path), "%s/bin/../etc/ipfixcol/startup.xml", support_folder);
        ck_assert_str_eq(paths_config("startup.xml"), path);
    }
    support_remove_folder();
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("plugin_loader");
    tcase_add_test(tcase, checks_descriptions);
    tcase_add_test(tcase, loads_and_refuses_files);
    tcase_add_test(tcase, paths_follow_the_program);
    return support_run(tcase, "plugin_loader");
}
