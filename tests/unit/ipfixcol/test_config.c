/* SPDX-License-Identifier: BSD-3-Clause */
/* startup.xml and internalcfg.xml: rules of v1, quirks, errors with places, hostile documents. */

#include "collector_support.h"
#include "config.h"
#include "log.h"

#include <dirent.h>

#define INTERNAL                                                                                   \
    "<ipfixcol xmlns='urn:cesnet:params:xml:ns:yang:ipfixcol-internals'>"                          \
    "<supportedCollectors><name>udpCollector</name><name>tcpCollector</name><name>udp-cpg</name>"  \
    "</supportedCollectors>"                                                                       \
    "<inputPlugin><name>udpCollector</name><file>u.so</file><processName>UDP</processName>"        \
    "</inputPlugin><inputPlugin><name>tcpCollector</name><file>t.so</file></inputPlugin>"          \
    "<inputPlugin><name>udp-cpg</name><file>c.so</file></inputPlugin>"                             \
    "<storagePlugin><fileFormat>ipfix</fileFormat><file>i.so</file><threadName>abcdefghijklmnopq"  \
    "</threadName></storagePlugin>"                                                                \
    "<storagePlugin><fileFormat>json</fileFormat><file>j.so</file></storagePlugin>"                \
    "<storagePlugin><fileFormat>nofile</fileFormat></storagePlugin>"                               \
    "<intermediatePlugin><name>dummy_ip</name><file>d.so</file></intermediatePlugin>"              \
    "<intermediatePlugin><name>dummy_other</name><file>o.so</file></intermediatePlugin>"           \
    "</ipfixcol>"
#define ROOT "<ipfix xmlns='urn:ietf:params:xml:ns:yang:ietf-ipfix-psamp'>\n"
#define PROCESS(input)                                                                             \
    "<collectingProcess><name>c</name>" input                                                      \
    "<exportingProcess>e</exportingProcess></collectingProcess>\n"
#define WRITER(format) "<fileWriter><fileFormat>" format "</fileFormat></fileWriter>"
#define EXPORT(destinations) "<exportingProcess><name>e</name>" destinations "</exportingProcess>\n"
#define PLAIN EXPORT("<destination>" WRITER("json") "</destination>")

static struct config_error err;

static struct config *load(const char *startup)
{
    const char *internal = support_write("internal.xml", INTERNAL);
    err.text[0] = '\0';
    return config_load(support_write("startup.xml", startup), internal, &err);
}

START_TEST(plain)
{
    struct config *c = load(ROOT PROCESS("<udpCollector/>") PLAIN "</ipfix>");
    ck_assert_msg(c != NULL, "%s", err.text);
    ck_assert_uint_eq(c->process_count, 1);
    ck_assert_str_eq(c->processes[0].name, "c");
    ck_assert_str_eq(c->processes[0].input.plugin->thread_name, "UDP");
    ck_assert_uint_eq(c->processes[0].storage_count, 1);
    ck_assert(!c->processes[0].single_manager);
    ck_assert_ptr_null(c->processes[0].statistics_file);
    ck_assert_uint_eq(c->plugin_count, 7); /* the one without a file is skipped */
    ck_assert_str_eq(c->plugins[3].thread_name, "abcdefghijklmno");
    config_destroy(c);
}
END_TEST

START_TEST(first_supported_collector_wins_and_short_names)
{
    struct config *c = load(ROOT PROCESS("<tcpCollector/><udpCollector/>") PLAIN "</ipfix>");
    ck_assert_str_eq(c->processes[0].input.plugin->file, "u.so");
    config_destroy(c);
    c = load(ROOT PROCESS("<udp-cpgCollector/>") PLAIN "</ipfix>");
    ck_assert_str_eq(c->processes[0].input.plugin->file, "c.so");
    config_destroy(c);
}
END_TEST

START_TEST(destinations)
{
    struct config *c =
        load(ROOT PROCESS("<udpCollector/><statisticsFile> /tmp/x </statisticsFile>")
                 EXPORT("<destination><name>a</name><observationDomainId>7</"
                        "observationDomainId>" WRITER("json") "</destination><destination>" WRITER(
                            "nothere") "</destination>"
                                       "<destination/><singleManager>yes</singleManager>")
                     EXPORT("<destination><observationDomainId>x</"
                            "observationDomainId><whenFull>drop</whenFull>"
                            "<fileWriter/></destination>") "</ipfix>");
    ck_assert_msg(c != NULL, "%s", err.text);
    const struct config_process *p = &c->processes[0];
    ck_assert_str_eq(p->statistics_file, "/tmp/x");
    ck_assert(p->single_manager); /* one of two says so */
    ck_assert_uint_eq(p->storage_count, 2);
    /* reverse order of the document; without a format it is ipfix */
    ck_assert_str_eq(p->storages[0].element.plugin->name, "ipfix");
    ck_assert(!p->storages[0].has_domain);
    ck_assert_int_eq(p->storages[0].when_full, CONFIG_DROP);
    ck_assert_str_eq(p->storages[1].element.label, "a");
    ck_assert(p->storages[1].has_domain);
    ck_assert_uint_eq(p->storages[1].domain_id, 7);
    config_destroy(c);
}
END_TEST

START_TEST(intermediates)
{
    struct config *c = load(ROOT PROCESS("<udpCollector/>") PLAIN
                            "<intermediatePlugins><dummy/><unknown/><dummy_o/><!-- x --><dummy_ip/>"
                            "</intermediatePlugins><intermediatePlugins><dummy/>"
                            "</intermediatePlugins></ipfix>");
    ck_assert_uint_eq(c->intermediate_count, 3);
    ck_assert_str_eq(c->intermediates[0].plugin->name, "dummy_ip");
    ck_assert_str_eq(c->intermediates[1].plugin->name, "dummy_other");
    config_destroy(c);
}
END_TEST

START_TEST(equal_settings_have_equal_text)
{
    struct config *c = load(
        ROOT PROCESS(
            "<udpCollector a='1' b='2'>\n <localPort> 1 </localPort><!-- x --></udpCollector>")
            PROCESS("<udpCollector b='2' a='1'><localPort>1</localPort></udpCollector>")
                PROCESS("<udpCollector b='2' a='3'><localPort>1</localPort></udpCollector>")
                    PROCESS("<udpCollector b='2' a='1'><localPortx>1</localPortx></udpCollector>")
                        PLAIN "</ipfix>");
    ck_assert_uint_eq(c->process_count, 4);
    const char *first = c->processes[0].input.canonical;
    ck_assert_str_eq(first, c->processes[1].input.canonical);
    ck_assert_str_ne(first, c->processes[2].input.canonical); /* an attribute */
    ck_assert_str_ne(first, c->processes[3].input.canonical); /* a name */
    config_destroy(c);
}
END_TEST

static const char *const refused[][2] = {
    {"", "not a well-formed"},
    {"<ipfix/>", "no <collectingProcess>"},
    {"<ipfix>" PROCESS("<udpCollector/>") PLAIN "</ipfix>", "xmlns"},
    {ROOT "</ipfix>", "no <collectingProcess>"},
    {ROOT "<collectingProcess>\n<udpCollector/></collectingProcess></ipfix>",
     ":2: <collectingProcess>: it has no <name>"},
    {ROOT PROCESS("<x/>") PLAIN "</ipfix>", "No valid collecting process"},
    {ROOT PROCESS("<udpCollector/>") "</ipfix>", "no valid storage plugin"},
    {ROOT PROCESS("<udpCollector/>") EXPORT("") "</ipfix>", "no valid storage plugin"},
    {ROOT PROCESS("<udpCollector/>")
         EXPORT("<destination>" WRITER("nope") "</destination>") "</ipfix>",
     "no valid storage plugin"},
    {ROOT PROCESS("<udpCollector/><exportingProcess>f</exportingProcess>") PLAIN "</ipfix>",
     "use multiple destinations"},
    {ROOT "<collectingProcess><name>c</name><udpCollector/></collectingProcess>" PLAIN "</ipfix>",
     "has no <exportingProcess>"},
    {ROOT PROCESS("<udpCollector/><statisticsFile/>") PLAIN "</ipfix>",
     "<statisticsFile>: is empty"},
    {ROOT PROCESS("<udpCollector/>")
         EXPORT("<destination><whenFull>x</whenFull>" WRITER("json") "</destination>") "</ipfix>",
     "<whenFull>"},
    {"<!DOCTYPE a [<!ENTITY x 'y'><!ENTITY z '&x;&x;&x;'>]>" ROOT PROCESS(
         "<udpCollector>&z;</udpCollector>") PLAIN "</ipfix>",
     "entity"},
    {ROOT PROCESS("<udpCollector/>"), "not a well-formed"},
};

START_TEST(refuses)
{
    struct config *c = load(refused[_i][0]);
    ck_assert_ptr_null(c);
    ck_assert_contains(err.text, refused[_i][1]);
    ck_assert_contains(err.text, "startup.xml");
}
END_TEST

static const char *const bad_registries[][2] = {
    {"<ipfixcol/>", "the root is not"},
    {"<ipfixcol xmlns='urn:cesnet:params:xml:ns:yang:ipfixcol-internals'/>", "names no collector"},
    {"<ipfixcol xmlns='urn:cesnet:params:xml:ns:yang:ipfixcol-internals'><supportedCollectors>"
     "<name>x</name></supportedCollectors></ipfixcol>",
     "<inputPlugin>"},
    {"<ipfixcol xmlns='urn:cesnet:params:xml:ns:yang:ipfixcol-internals'><supportedCollectors>"
     "<name>x</name></supportedCollectors><inputPlugin><name>x</name><file>y</file></inputPlugin>"
     "</ipfixcol>",
     "<storagePlugin>"},
    {"x", "not a well-formed"},
};

START_TEST(refuses_registries)
{
    const char *path = support_write("internal.xml", bad_registries[_i][0]);
    ck_assert_ptr_null(config_load_registry(path, &err));
    ck_assert_contains(err.text, bad_registries[_i][1]);
}
END_TEST

START_TEST(prefixed_registry_with_plain_additions)
{
    const char *path = support_write(
        "internal.xml",
        "<c:ipfixcol xmlns:c='urn:cesnet:params:xml:ns:yang:ipfixcol-internals'>"
        "<c:supportedCollectors><c:name>x</c:name></c:supportedCollectors>"
        "<inputPlugin><name>x</name><file>y</file></inputPlugin>"
        "<c:storagePlugin><c:fileFormat>x</c:fileFormat><c:file>y</c:file></c:storagePlugin>"
        "</c:ipfixcol>");
    struct config *c = config_load_registry(path, &err);
    ck_assert_msg(c != NULL, "%s", err.text);
    ck_assert_uint_eq(c->plugin_count, 2);
    config_destroy(c);
}
END_TEST

START_TEST(every_prefix_of_a_document)
{
    static const char text[] = ROOT PROCESS("<udpCollector/>") PLAIN "</ipfix>";
    char part[sizeof(text)];

    for (size_t length = 0; length < sizeof(text) - 1; length++) {
        memcpy(part, text, length);
        part[length] = '\0';
        ck_assert_ptr_null(load(part));
        ck_assert_str_ne(err.text, "");
    }
}
END_TEST

START_TEST(missing_files)
{
    support_write("internal.xml", INTERNAL);
    ck_assert_ptr_null(config_load("/nonexistent/a.xml", support_path("internal.xml"), &err));
    ck_assert_contains(err.text, "/nonexistent/a.xml: No such file");
    ck_assert_ptr_null(config_load("/x", "/nonexistent/b.xml", &err));
    ck_assert_contains(err.text, "/nonexistent/b.xml");
}
END_TEST

START_TEST(shipped_files)
{
    static const char *const names[] = {"startup.xml", "startup-proxy.xml",
                                        "startup-collector.xml"};
    char path[PATH_MAX];

    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof(path), TEST_SOURCE_DIR "/config/%s", names[i]);
        struct config *c = config_load(path, TEST_SOURCE_DIR "/config/internalcfg.xml", &err);
        ck_assert_msg(c != NULL, "%s", err.text);
        config_destroy(c);
    }
}
END_TEST

/* A registry that knows every plugin the examples use. */
static const char *example_registry(void)
{
    static const char *const storages[] = {"ipfix", "json", "lnfstore", "forwarding", "view", NULL};
    static const char *const inputs[] = {"udpCollector", "tcpCollector", "sctpCollector",
                                         "fileReader", NULL};
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    (void)fputs("<ipfixcol xmlns='urn:cesnet:params:xml:ns:yang:ipfixcol-internals'>"
                "<supportedCollectors>",
                out);
    for (size_t i = 0; inputs[i] != NULL; i++) {
        (void)fprintf(out, "<name>%s</name>", inputs[i]);
    }
    (void)fputs("</supportedCollectors>", out);
    for (size_t i = 0; inputs[i] != NULL; i++) {
        (void)fprintf(out, "<inputPlugin><name>%s</name><file>x.so</file></inputPlugin>",
                      inputs[i]);
    }
    for (size_t i = 0; storages[i] != NULL; i++) {
        (void)fprintf(out,
                      "<storagePlugin><fileFormat>%s</fileFormat><file>x.so</file>"
                      "</storagePlugin>",
                      storages[i]);
    }
    (void)fputs("<intermediatePlugin><name>dummy_ip</name><file>x.so</file></intermediatePlugin>"
                "<intermediatePlugin><name>joinflows_ip</name><file>x.so</file>"
                "</intermediatePlugin></ipfixcol>",
                out);
    (void)fclose(out);
    const char *path = support_write("examples.xml", text);
    free(text);
    return path;
}

static void load_examples(const char *folder, const char *registry, int *count)
{
    char path[PATH_MAX];
    DIR *dir = opendir(folder);
    struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        size_t length = strlen(entry->d_name);
        struct stat info;
        if (entry->d_name[0] != '.' && stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
            load_examples(path, registry, count);
        } else if (length > 4 && strcmp(entry->d_name + length - 4, ".xml") == 0) {
            char *text = support_read(path);
            if (strstr(text, "<collectingProcess>") != NULL) {
                struct config *c = config_load(path, registry, &err);
                ck_assert_msg(c != NULL, "%s: %s", path, err.text);
                config_destroy(c);
                (*count)++;
            }
            free(text);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}

START_TEST(examples_of_operators)
{
    static const char *const folders[] = {"collector-config", "securitycloud", "tests"};
    char path[PATH_MAX];
    int count = 0;

    if (access(TEST_SHARED_DIR "/data/ipfixcol-examples", R_OK) != 0) {
        printf("config: no examples of operators here, skipped\n");
        return;
    }
    const char *registry = example_registry();
    char registry_copy[PATH_MAX];
    (void)snprintf(registry_copy, sizeof(registry_copy), "%s", registry);
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof(path), TEST_SHARED_DIR "/data/ipfixcol-examples/%s",
                       folders[i]);
        load_examples(path, registry_copy, &count);
    }
    ck_assert_int_ge(count, 15);
}
END_TEST

static void setup(void)
{
    support_make_folder();
    log_set_verbosity(-1);
}

int main(void)
{
    TCase *tcase = tcase_create("config");
    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, setup, support_remove_folder);
    tcase_add_test(tcase, plain);
    tcase_add_test(tcase, first_supported_collector_wins_and_short_names);
    tcase_add_test(tcase, destinations);
    tcase_add_test(tcase, intermediates);
    tcase_add_test(tcase, equal_settings_have_equal_text);
    tcase_add_loop_test(tcase, refuses, 0, sizeof(refused) / sizeof(refused[0]));
    tcase_add_loop_test(tcase, refuses_registries, 0,
                        sizeof(bad_registries) / sizeof(bad_registries[0]));
    tcase_add_test(tcase, prefixed_registry_with_plain_additions);
    tcase_add_test(tcase, every_prefix_of_a_document);
    tcase_add_test(tcase, missing_files);
    tcase_add_test(tcase, shipped_files);
    tcase_add_test(tcase, examples_of_operators);
    return support_run(tcase, "config");
}
