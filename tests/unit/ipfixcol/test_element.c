/* SPDX-License-Identifier: BSD-3-Clause */
/* The dictionary: good and bad files, lookups, and the file we ship. */
#include "decoder.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REFERENCE TEST_SHARED_DIR "/data/ipfixcol-examples/collector-config/ipfix-elements.xml"
#define SKIP 77 /* as ctest has it */

static char path[] = "/tmp/test_element.XXXXXX";
static char error[300];

static void setup(void)
{
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void teardown(void)
{
    unlink(path);
}

static ipfix_dictionary_t *load(const char *content)
{
    FILE *file = fopen(path, "w");
    fprintf(file, "<ipfix-elements>\n%s\n</ipfix-elements>\n", content);
    fclose(file);
    return ipfix_dictionary_load(path, error, sizeof(error));
}

#define ELEMENT(pen, id, name, type, semantic)                                                     \
    "<element><enterprise>" pen "</enterprise><id>" id "</id><name>" name "</name><dataType>" type \
    "</dataType><semantic>" semantic "</semantic></element>\n"

START_TEST(elements_are_found)
{
    unsigned count;
    ipfix_dictionary_t *d =
        load(ELEMENT("0", "1", "octets", "unsigned64", "deltaCounter")
                 ELEMENT(" 8057 ", "32767", "Name", "STRING", "")
                     ELEMENT("4294967295", "0", "octets", "subTemplateMultiList", "list"));
    ck_assert_msg(d != NULL, "%s", error);
    ck_assert_str_eq(error, "");
    const struct ipfix_element *e = ipfix_dictionary_find(d, 0, 1);
    ck_assert_str_eq(e->name, "octets");
    ck_assert_int_eq(e->type, IPFIX_TYPE_UNSIGNED64);
    ck_assert_int_eq(e->semantic, IPFIX_SEMANTIC_DELTA_COUNTER);
    ck_assert_int_eq(ipfix_dictionary_find(d, 8057, 32767)->type, IPFIX_TYPE_STRING);
    ck_assert_int_eq(ipfix_dictionary_find(d, 8057, 32767)->semantic, IPFIX_SEMANTIC_DEFAULT);
    ck_assert_ptr_nonnull(ipfix_dictionary_find(d, 4294967295u, 0));
    ck_assert_ptr_null(ipfix_dictionary_find(d, 0, 0));
    ck_assert_ptr_null(ipfix_dictionary_find(d, 8057, 1));
    ck_assert_ptr_eq(ipfix_dictionary_find_name(d, "OCTETS", &count), e);
    ck_assert_uint_eq(count, 2);
    ck_assert_ptr_nonnull(ipfix_dictionary_find_name(d, "name", NULL));
    ck_assert_ptr_null(ipfix_dictionary_find_name(d, "nam", &count));
    ck_assert_uint_eq(count, 0);
    ipfix_dictionary_destroy(d);
}
END_TEST

START_TEST(empty_dictionary_finds_nothing)
{
    ipfix_dictionary_t *d = load("");
    ck_assert_ptr_nonnull(d);
    ck_assert_ptr_null(ipfix_dictionary_find(d, 0, 1));
    ck_assert_ptr_null(ipfix_dictionary_find_name(d, "x", NULL));
    ipfix_dictionary_destroy(d);
    ipfix_dictionary_destroy(NULL);
}
END_TEST

START_TEST(bad_files_are_rejected_with_the_place)
{
    static const struct {
        const char *content;
        const char *why;
    } bad[] = {
        {ELEMENT("x", "1", "a", "string", ""), "enterprise"},
        {ELEMENT("-1", "1", "a", "string", ""), "enterprise"},
        {ELEMENT("4294967296", "1", "a", "string", ""), "enterprise"},
        {ELEMENT("0", "32768", "a", "string", ""), "id '32768'"},
        {ELEMENT("0", "", "a", "string", ""), "id ''"},
        {ELEMENT("0", "1x", "a", "string", ""), "id '1x'"},
        {ELEMENT("0", "1", " ", "string", ""), "empty name"},
        {ELEMENT("0", "1", "a", "strin", ""), "dataType 'strin'"},
        {ELEMENT("0", "1", "a", "string", "x"), "semantic 'x'"},
        {"<element><id>1</id></element>", "without <enterprise>"},
        {"<element><id>1</id><id>1</id></element>", "occurs twice"},
        {ELEMENT("0", "1", "a", "string", "") ELEMENT("0", "1", "b", "string", ""),
         "defined twice: a and b"},
        {"<element>", "ipfix-elements"},
    };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_ptr_null(load(bad[i].content));
        ck_assert_msg(strstr(error, bad[i].why) != NULL, "%s", error);
        ck_assert_msg(strncmp(error, path, strlen(path)) == 0, "%s", error);
    }
    ck_assert_ptr_null(load("\n\n" ELEMENT("0", "1", "a", "strin", "")));
    ck_assert_msg(strstr(error, ":4: ") != NULL, "%s", error);
    ck_assert_ptr_null(ipfix_dictionary_load("/nonexistent.xml", error, sizeof(error)));
    ck_assert_msg(strstr(error, "/nonexistent.xml") != NULL, "%s", error);
}
END_TEST

START_TEST(name_used_twice_is_a_warning)
{
    ipfix_dictionary_t *d =
        load(ELEMENT("0", "1", "a", "string", "") ELEMENT("0", "2", "A", "string", ""));
    ck_assert_ptr_nonnull(d);
    ck_assert_msg(strstr(error, "used twice") != NULL, "%s", error);
    ipfix_dictionary_destroy(d);
}
END_TEST

START_TEST(external_entities_are_not_read)
{
    FILE *file = fopen(path, "w");
    fprintf(file, "<?xml version=\"1.0\"?><!DOCTYPE ipfix-elements [<!ENTITY x SYSTEM "
                  "\"file:///etc/hostname\">]><ipfix-elements>" ELEMENT("0", "1", "&x;", "string",
                                                                        "") "</ipfix-elements>");
    fclose(file);
    ck_assert_ptr_null(ipfix_dictionary_load(path, error, sizeof(error)));
}
END_TEST

START_TEST(shipped_file)
{
    ipfix_dictionary_t *d =
        ipfix_dictionary_load(TEST_SOURCE_DIR "/config/ipfix-elements.xml", error, sizeof(error));
    ck_assert_msg(d != NULL, "%s", error);
    ck_assert_str_eq(error, "");
    ck_assert_str_eq(ipfix_dictionary_find(d, 0, 1)->name, "octetDeltaCount");
    ck_assert_int_eq(ipfix_dictionary_find(d, 0, 27)->type, IPFIX_TYPE_IPV6_ADDRESS);
    ck_assert_str_eq(ipfix_dictionary_find(d, 29305, 1)->name, "reverseOctetDeltaCount");
    ck_assert_str_eq(ipfix_dictionary_find(d, 16982, 811)->name, "tlsServerName");
    ck_assert_int_eq(ipfix_dictionary_find(d, 39499, 46)->type, IPFIX_TYPE_SIGNED32);
    ck_assert_uint_eq(ipfix_dictionary_find_name(d, "flowStartMilliseconds", NULL)->id, 152);
    ipfix_dictionary_destroy(d);
}
END_TEST

static void expect_same(const struct ipfix_element *ours, const struct ipfix_element *other)
{
    ck_assert_msg(ours != NULL, "%s (enterprise %u, id %u) is missing", other->name, other->pen,
                  other->id);
    ck_assert_str_eq(ours->name, other->name);
    ck_assert_msg(ours->type == other->type, "type of %s (enterprise %u, id %u)", other->name,
                  other->pen, other->id);
}

/* Another installation's dictionary, where there is one: ours has all of its elements. Semantics
 * may differ, since those of IANA have changed meanwhile. */
START_TEST(shipped_file_has_all_of_another)
{
    static const uint32_t pens[] = {0, 8057, 16982, 39499};
    unsigned found = 0;
    ipfix_dictionary_t *ours =
        ipfix_dictionary_load(TEST_SOURCE_DIR "/config/ipfix-elements.xml", error, sizeof(error));
    ck_assert_msg(ours != NULL, "%s", error);
    ipfix_dictionary_t *other = ipfix_dictionary_load(REFERENCE, error, sizeof(error));
    ck_assert_msg(other != NULL, "%s", error);
    for (unsigned p = 0; p < sizeof(pens) / sizeof(pens[0]); p++) {
        for (unsigned id = 0; id < 32768; id++) {
            const struct ipfix_element *e = ipfix_dictionary_find(other, pens[p], (uint16_t)id);
            if (e != NULL) {
                expect_same(ipfix_dictionary_find(ours, pens[p], (uint16_t)id), e);
                found++;
            }
        }
    }
    ck_assert_uint_eq(found, 589);
    ipfix_dictionary_destroy(ours);
    ipfix_dictionary_destroy(other);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("element");
    TCase *tcase = tcase_create("element");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, elements_are_found);
    tcase_add_test(tcase, empty_dictionary_finds_nothing);
    tcase_add_test(tcase, bad_files_are_rejected_with_the_place);
    tcase_add_test(tcase, name_used_twice_is_a_warning);
    tcase_add_test(tcase, external_entities_are_not_read);
    tcase_add_test(tcase, shipped_file);
    bool reference = access(REFERENCE, R_OK) == 0;
    if (reference) {
        tcase_add_test(tcase, shipped_file_has_all_of_another);
    }
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    if (failed == 0 && !reference) {
        printf("SKIPPED: shipped_file_has_all_of_another: no " REFERENCE "\n");
        return SKIP;
    }
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
