/* SPDX-License-Identifier: BSD-3-Clause */
/* The plugin lnfstore: settings it refuses, what it counts, exporters it announces. */

#include "col_double.h"
#include "ipfix_build.h"
#include "lnfstore_support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/stat.h>

extern const struct col_plugin col_plugin;

/* The plugin's options, in the order of its struct; the suite fails when they differ. */
struct settings {
    bool profiles;
    char *storage_path;
    char *prefix;
    char *suffix_mask;
    char *ident;
    char *compress;
    uint32_t window_s;
    bool align;
    bool index;
    char *index_prefix;
    double false_positives;
};

static struct col_instance instance;
static struct settings settings;
static void *plugin;
static char path[PATH_MAX];
static struct ipfix_build build;

char *col_expand_host(const char *text)
{
    const char *percent = strstr(text, "%h");
    char *result = NULL;

    if (percent == NULL) {
        return strdup(text);
    }
    return asprintf(&result, "%.*shost%s", (int)(percent - text), text, percent + 2) > 0 ? result
                                                                                         : NULL;
}

/* Where an option lies according to the plugin's rows. */
static const struct col_option *find_row(const struct col_option *rows, const char *name)
{
    for (; rows->name != NULL; rows++) {
        if (strcmp(rows->name, name) == 0) {
            return rows;
        }
        const struct col_option *below =
            rows->type == COL_GROUP ? find_row(rows->rows, name) : NULL;
        if (below != NULL) {
            return below;
        }
    }
    return NULL;
}

static void expect_offset(const char *name, size_t offset)
{
    const struct col_option *row = find_row(col_plugin.options, name);
    ck_assert_ptr_nonnull(row);
    ck_assert_uint_eq(row->offset, offset);
}

static void setup(void)
{
    store_make_folder();
    memset(&instance, 0, sizeof(instance));
    (void)snprintf(path, sizeof(path), "%s", store_folder);
    settings = (struct settings){.storage_path = path,
                                 .prefix = (char *)(uintptr_t) "lnf.",
                                 .suffix_mask = (char *)(uintptr_t) "%Y%m%d%H%M%S",
                                 .compress = (char *)(uintptr_t) "no",
                                 .window_s = 31536000,
                                 .align = true,
                                 .index_prefix = (char *)(uintptr_t) "bfi.",
                                 .false_positives = 0.01};
    ck_assert_uint_eq(col_plugin.options_size, sizeof(settings));
    expect_offset("storagePath", offsetof(struct settings, storage_path));
    expect_offset("identificatorField", offsetof(struct settings, ident));
    expect_offset("compress", offsetof(struct settings, compress));
    expect_offset("timeWindow", offsetof(struct settings, window_s));
    expect_offset("profiles", offsetof(struct settings, profiles));
    expect_offset("enable", offsetof(struct settings, index));
    expect_offset("falsePositiveProbability", offsetof(struct settings, false_positives));
}

START_TEST(compressions)
{
    static const char *const good[] = {"no",   "YES", "none", "lz4",   "lz4:1",  "LZ4:12",
                                       "true", "0",   "1",    "false", "lz4:09", "lz4:2"};
    static const struct {
        const char *text, *reason;
    } bad[] = {{"lz4:13", "is not possible: compression lz4 has the levels 1 to 12"},
               {"lz4:0", "is not possible: compression lz4 has the levels 1 to 12"},
               {"lz4:", "is not possible: compression lz4 has the levels 1 to 12"},
               {"lz4:-1", "is not possible: compression lz4 has the levels 1 to 12"},
               {"lz4:9x", "is not possible: compression lz4 has the levels 1 to 12"},
               {"lz4:9:9", "is not possible: compression lz4 has the levels 1 to 12"},
               {"bz2:10", "is not possible: compression bz2 has the levels 1 to 9"},
               {"zstd:23", "is not possible: compression zstd has the levels 1 to 22"},
               {"zstd:4294967299", "is not possible: compression zstd has the levels 1 to 22"},
               {"lzo:1", "is not possible: compression lzo has no levels"},
               {"none:1", "is not possible: compression none has no levels"},
               {"no:1", "is not possible: unknown compression, there are"},
               {"yes:9", "is not possible: unknown compression, there are"},
               {"", "is not possible: unknown compression, there are"},
               {"lz", "is not possible: unknown compression, there are"},
               {"gzip", "is not possible: unknown compression, there are"}};
    const struct col_option *row = find_row(col_plugin.options, "compress");
    char reason[256];

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        ck_assert_msg(row->check(good[i], reason, sizeof(reason)), "%s: %s", good[i], reason);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(!row->check(bad[i].text, reason, sizeof(reason)), "%s", bad[i].text);
        ck_assert_msg(strncmp(reason, bad[i].reason, strlen(bad[i].reason)) == 0, "%s: %s",
                      bad[i].text, reason);
    }
}
END_TEST

static int create(void)
{
    return col_plugin.create((col_instance_t *)&instance, &settings, &plugin);
}

static void refused(const char *reason)
{
    plugin = NULL;
    ck_assert_int_lt(create(), 0);
    ck_assert_ptr_null(plugin);
    ck_assert_msg(col_double_logged(&instance, reason) == 1, "'%s' is not in %s", reason,
                  instance.log);
}

START_TEST(settings_that_are_refused)
{
    settings.profiles = true;
    refused("ERROR: profiles: this version has no profiler plugin");
    settings.profiles = false;
    settings.ident = (char *)(uintptr_t) "two\nlines";
    refused("ERROR: identificatorField has a character that cannot be printed");
    char longest[LNF_IDENT_MAX + 2];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    settings.ident = longest;
    refused("ERROR: identificatorField has 122 characters, 121 fit");
    settings.ident = NULL;
    settings.false_positives = 1.1;
    refused("ERROR: index: falsePositiveProbability is not between 0.000001 and 1");
    settings.false_positives = 0.01;
    settings.index = true;
    settings.index_prefix = settings.prefix;
    refused("ERROR: prefix lnf. is that of index files");
    settings.index = false;
    char name[300];
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    settings.suffix_mask = name;
    refused("ERROR: suffixMask xxx");
    name[250] = '\0';
    refused("ERROR: prefix and suffixMask give names longer than the 253 characters");
    settings.suffix_mask = (char *)(uintptr_t) "%Y%m%d%H%M%S";
    strcat(path, "/%Y");
    refused("only %h is replaced, not %Y");
    *strrchr(path, '/') = '\0';
    strcat(path, "/100%");
    refused("only %h is replaced, not % ");
    *strrchr(path, '/') = '\0';
    strcat(path, "/missing");
    refused("is no directory: No such file or directory");
}
END_TEST

START_TEST(host_name_in_the_path)
{
    strcat(path, "/host");
    ck_assert_int_eq(mkdir(path, 0755), 0);
    strcpy(strrchr(path, '/'), "/%h");
    ck_assert_int_eq(create(), COL_OK);
    col_plugin.destroy(plugin);
    col_plugin.destroy(NULL);
}
END_TEST

/* A decoder of a session with this exporter, 0 = a file. */
static ipfix_decoder_t *source(uint32_t address)
{
    struct ipfix_session_info info = {.transport = IPFIX_TRANSPORT_TCP};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};

    if (address != 0) {
        memcpy(&info.peer, &in, sizeof(in));
    }
    return ipfix_decoder_create(ipfix_session_create(&info), NULL, NULL, NULL);
}

static void process(ipfix_decoder_t *decoder)
{
    struct ipfix_message *message = build_decode(&build, decoder);
    ck_assert_ptr_nonnull(message);
    ck_assert_int_eq(col_plugin.process(plugin, message), COL_OK);
    ipfix_message_unref(message);
}

static void end(void)
{
    ck_assert_int_eq(col_plugin.tick(plugin, col_clock_ms()), COL_OK);
    col_plugin.destroy(plugin);
}

/* Counter by its name. */
static uint64_t counted(const char *name)
{
    for (unsigned i = 0; col_plugin.counters[i] != NULL; i++) {
        if (strcmp(col_plugin.counters[i], name) == 0) {
            return instance.counters[i];
        }
    }
    ck_abort_msg("no counter %s", name);
    return 0;
}

START_TEST(what_is_stored_and_what_is_counted)
{
    ipfix_decoder_t *decoder = source(0);
    size_t count;

    ck_assert_int_eq(create(), COL_OK);
    build_begin(&build, 1, 1000);
    build_template(&build, 256, 1, 0);   /* octetDeltaCount */
    build_template(&build, 257, 210, 0); /* padding: no field of a flow */
    build_set(&build, IPFIX_SET_OPTIONS_TEMPLATE);
    build_u16(&build, 258);
    build_u16(&build, 1);
    build_u16(&build, 1);
    build_u16(&build, 144);
    build_u16(&build, 4);
    build_end(&build);
    build_data(&build, 256, 100, 10, 0);
    build_data(&build, 257, 0, 7, 0);
    build_data(&build, 258, 0, 3, 0);
    build_data(&build, 999, 0, 1, 0);
    process(decoder);
    build_begin(&build, 1, 1000); /* a message of nothing else */
    build_data(&build, 998, 0, 1, 0);
    build_data(&build, 999, 0, 1, 0);
    process(decoder);
    struct ipfix_message *notice = ipfix_decoder_close_next(decoder);
    ck_assert_int_eq(col_plugin.process(plugin, notice), COL_OK);
    ipfix_message_unref(notice);
    end();
    ipfix_decoder_destroy(decoder);

    struct store_sum sum = store_read(&count);
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_eq(sum.flows, 10);
    ck_assert_uint_eq(sum.bytes, 1045);
    ck_assert_uint_eq(counted("records without storable field"), 7);
    ck_assert_uint_eq(counted("options records skipped"), 3);
    ck_assert_uint_eq(counted("data sets without template"), 3);
    ck_assert_uint_eq(counted("records lost, not writable"), 0);
}
END_TEST

START_TEST(many_records_in_many_blocks)
{
    ipfix_decoder_t *decoder = source(0);
    uint32_t next = 0;
    size_t count;

    ck_assert_int_eq(create(), COL_OK);
    for (unsigned i = 0; i < 200; i++) {
        build_begin(&build, 1, 1000);
        build_template(&build, 256, 1, 0);
        build_data(&build, 256, next, 500, 0);
        next += 500;
        process(decoder);
    }
    end();
    ipfix_decoder_destroy(decoder);
    struct store_sum sum = store_read(&count);
    ck_assert_uint_eq(sum.flows, next);
    ck_assert_uint_eq(sum.stat_flows, next);
    ck_assert_uint_eq(sum.bytes, (uint64_t)next * (next - 1) / 2);
}
END_TEST

/* Exporter of every record, by its bytes, as libnf reads it back. */
START_TEST(each_exporter_is_announced)
{
    void *first, *second;
    ipfix_decoder_t *decoders[3] = {source(0xC0000201), source(0xC0000202), source(0xC0000203)};
    glob_t found;
    uint64_t bytes;

    /* Two instances that write the same file, as with a Data Manager for each domain. */
    ck_assert_int_eq(create(), COL_OK);
    first = plugin;
    ck_assert_int_eq(create(), COL_OK);
    second = plugin;
    for (unsigned i = 0; i < 3; i++) {
        plugin = i == 1 ? second : first;
        build_begin(&build, i, 1000);
        build_template(&build, 256, 1, 0);
        build_data(&build, 256, 1000 * (i + 1), 5, 0);
        process(decoders[i]);
        ipfix_decoder_destroy(decoders[i]);
    }
    col_plugin.destroy(first);
    col_plugin.destroy(second);

    ck_assert_uint_eq(store_files("*/*/*/*", &found), 1);
    lnf_file_t *file;
    lnf_rec_t *record;
    unsigned records = 0;
    ck_assert_int_eq(lnf_open(&file, found.gl_pathv[0], LNF_READ, NULL), LNF_OK);
    ck_assert_int_eq(lnf_rec_init(&record), LNF_OK);
    while (lnf_read(file, record) == LNF_OK) {
        lnf_ip_t address = {{0}};
        ck_assert_int_eq(lnf_rec_fget(record, LNF_FLD_DOCTETS, &bytes), LNF_OK);
        ck_assert_int_eq(lnf_rec_fget(record, LNF_FLD_EXPORTER_IP, &address), LNF_OK);
        ck_assert_uint_eq(ntohl(address.data[3]), 0xC0000200 + bytes / 1000);
        records++;
    }
    ck_assert_uint_eq(records, 15);
    lnf_rec_free(record);
    lnf_close(file);
    globfree(&found);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("lnfstore");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, store_remove_folder);
    tcase_add_test(tests, compressions);
    tcase_add_test(tests, settings_that_are_refused);
    tcase_add_test(tests, host_name_in_the_path);
    tcase_add_test(tests, what_is_stored_and_what_is_counted);
    tcase_add_test(tests, many_records_in_many_blocks);
    tcase_add_test(tests, each_exporter_is_announced);
    Suite *suite = suite_create("lnfstore");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
