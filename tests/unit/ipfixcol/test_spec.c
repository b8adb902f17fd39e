/* SPDX-License-Identifier: BSD-3-Clause */
/* Plans: what counts as the same, and errors that name where they are. */

#include "collector_support.h"
#include "config.h"
#include "log.h"
#include "spec.h"

#define INTERNAL                                                                                   \
    "<ipfixcol xmlns='urn:cesnet:params:xml:ns:yang:ipfixcol-internals'>"                          \
    "<supportedCollectors><name>testInput</name></supportedCollectors>"                            \
    "<inputPlugin><name>testInput</name><file>test_input.so</file>"                                \
    "<processName>test</processName></inputPlugin>"                                                \
    "<storagePlugin><fileFormat>test</fileFormat><file>test_storage.so</file></storagePlugin>"     \
    "<storagePlugin><fileFormat>gone</fileFormat><file>gone.so</file></storagePlugin>"             \
    "</ipfixcol>"

static struct config_error err;

static void setup(void)
{
    support_make_folder();
    log_set_verbosity(-1);
    ck_assert_int_eq(setenv("IPFIXCOL_PLUGIN_DIR", TEST_PLUGIN_DIR, 1), 0);
    (void)support_write("internal.xml", INTERNAL);
}

/* Plan of a file with this input and this inside of <fileWriter>. */
static struct pipeline_plan *make_plan(const char *input, const char *scope, const char *writer)
{
    char text[1500];

    (void)snprintf(text, sizeof(text),
                   "<ipfix xmlns='urn:ietf:params:xml:ns:yang:ietf-ipfix-psamp'>\n"
                   "<collectingProcess><name>c</name>%s\n"
                   "<exportingProcess>e</exportingProcess></collectingProcess>\n"
                   "<exportingProcess><name>e</name><destination><name>d</name>%s\n"
                   "<fileWriter>%s</fileWriter></destination></exportingProcess></ipfix>",
                   input, scope, writer);
    struct config *config =
        config_load(support_write("startup.xml", text), support_path("internal.xml"), &err);
    ck_assert_msg(config != NULL, "%s", err.text);
    struct pipeline_plan *plan = plan_create(config, &config->processes[0], &err);
    config_destroy(config); /* a plan needs it no more */
    return plan;
}

#define WRITER "<fileFormat>test</fileFormat><file>f</file>"

START_TEST(everything_is_in_the_plan)
{
    struct pipeline_plan *plan =
        make_plan("<testInput/>", "<observationDomainId>7</observationDomainId>", WRITER);

    ck_assert_msg(plan != NULL, "%s", err.text);
    ck_assert_str_eq(plan->name, "c");
    ck_assert_str_eq(plan->input->plugin->name, "testInput");
    ck_assert_str_eq(plan->input->thread_name, "test");
    ck_assert_uint_eq(plan->storage_count, 1);
    ck_assert_str_eq(plan->storages[0]->label, "d");
    ck_assert_str_eq(plan->storages[0]->thread_name, "test");
    ck_assert(plan->storages[0]->has_domain);
    ck_assert_uint_eq(plan->storages[0]->domain_id, 7);
    ck_assert(!plan->single_manager);
    plan_destroy(plan);
    plan_destroy(NULL);
}
END_TEST

static bool same_storage(const char *scope, const char *writer)
{
    struct pipeline_plan *a = make_plan("<testInput/>", "", WRITER);
    struct pipeline_plan *b = make_plan("<testInput/>", scope, writer);
    ck_assert(a != NULL && b != NULL);
    bool same = spec_equal(a->storages[0], b->storages[0]);
    plan_destroy(a);
    plan_destroy(b);
    return same;
}

START_TEST(what_counts_as_changed)
{
    ck_assert(same_storage("", WRITER));
    ck_assert(same_storage("", "<!-- c -->\n <fileFormat> test </fileFormat>\n<file> f</file>"));
    ck_assert(!same_storage("", "<fileFormat>test</fileFormat><file>g</file>"));
    ck_assert(!same_storage("", WRITER "<tag>x</tag>"));
    ck_assert(!same_storage("<observationDomainId>0</observationDomainId>", WRITER));
    ck_assert(!same_storage("<whenFull>drop</whenFull>", WRITER));
}
END_TEST

START_TEST(errors_name_file_line_and_element)
{
    ck_assert_ptr_null(make_plan("<testInput/>", "", "<fileFormat>test</fileFormat>"));
    ck_assert_contains(err.text, "startup.xml:5: <fileWriter>");
    ck_assert_contains(err.text, "file");
    ck_assert_ptr_null(make_plan("<testInput/>", "", WRITER "\n<delay>-3</delay>"));
    ck_assert_contains(err.text, "startup.xml:6: <delay>: '-3'");
    ck_assert_ptr_null(make_plan("<testInput>\n<count>x</count></testInput>", "", WRITER));
    ck_assert_contains(err.text, "startup.xml:3: <count>: 'x'");
    ck_assert_ptr_null(make_plan("<testInput/>", "", "<fileFormat>gone</fileFormat>"));
    ck_assert_contains(err.text, "startup.xml:5: <gone>: plugin gone.so: not found");
}
END_TEST

START_TEST(specs_outlive_their_plan)
{
    struct pipeline_plan *plan = make_plan("<testInput/>", "", WRITER);
    struct instance_spec *spec = spec_ref(plan->storages[0]);
    plan_destroy(plan);
    ck_assert_str_eq(spec->label, "d");
    ck_assert(spec_equal(spec, spec));
    spec_unref(spec);
    spec_unref(NULL);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("spec");
    tcase_add_checked_fixture(tcase, setup, support_remove_folder);
    tcase_add_test(tcase, everything_is_in_the_plan);
    tcase_add_test(tcase, what_counts_as_changed);
    tcase_add_test(tcase, errors_name_file_line_and_element);
    tcase_add_test(tcase, specs_outlive_their_plan);
    return support_run(tcase, "spec");
}
