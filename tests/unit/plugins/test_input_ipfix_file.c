/* SPDX-License-Identifier: BSD-3-Clause */
/* IPFIX Files: which are found, and what is read of good and damaged ones. */
#include "fake_host.h"
#include "file_list.h"
#include "message_builder.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern const struct col_plugin col_plugin;

static char folder[64];
static struct message_builder b;

static void setup(void)
{
    strcpy(folder, "/tmp/test_ipfix_file.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    fake_host_reset();
}

static void teardown(void)
{
    char command[100];
    snprintf(command, sizeof(command), "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

/* Writes `count` messages and `tail` octets of another one. */
static void make_file(const char *name, unsigned count, size_t tail)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    message_start(&b, 1, 0);
    message_set(&b, 256);
    message_u32(&b, 7);
    message_end(&b);
    for (unsigned i = 0; i < count; i++) {
        fwrite(b.octets, 1, b.length, file);
    }
    fwrite(b.octets, 1, tail, file);
    fclose(file);
}

static const char *find(const char *pattern, struct file_list *list)
{
    char uri[200];
    *list = (struct file_list){0};
    snprintf(uri, sizeof(uri), "file:%s/%s", folder, pattern);
    return file_list_find(uri, list);
}

START_TEST(files_are_found_sorted)
{
    struct file_list list;
    char directory[100];
    make_file("b.ipfix", 1, 0);
    make_file("a.ipfix", 1, 0);
    make_file(".hidden.ipfix", 1, 0);
    make_file("a.txt", 1, 0);
    snprintf(directory, sizeof(directory), "%s/c.ipfix", folder);
    ck_assert_int_eq(mkdir(directory, 0700), 0);

    ck_assert_ptr_null(find("*.ipfix", &list));
    ck_assert_uint_eq(list.count, 2);
    ck_assert_ptr_nonnull(strstr(list.paths[0], "/a.ipfix"));
    ck_assert_ptr_nonnull(strstr(list.paths[1], "/b.ipfix"));
    file_list_clear(&list);
    ck_assert_ptr_null(find("a*", &list));
    ck_assert_uint_eq(list.count, 2);
    file_list_clear(&list);
    ck_assert_ptr_null(find("b.ipfix", &list));
    ck_assert_uint_eq(list.count, 1);
    file_list_clear(&list);
}
END_TEST

START_TEST(only_the_star_is_special)
{
    struct file_list list;
    make_file("a[1]?.x", 1, 0);
    make_file("a1b.x", 1, 0);
    ck_assert_ptr_null(find("a[1]?*", &list));
    ck_assert_uint_eq(list.count, 1);
    file_list_clear(&list);
}
END_TEST

START_TEST(nothing_found_is_an_error)
{
    struct file_list list = {0};
    ck_assert_str_eq(find("*.ipfix", &list), "no file matches");
    file_list_clear(&list);
    ck_assert_ptr_nonnull(find("missing", &list));
    file_list_clear(&list);
    ck_assert_ptr_nonnull(find("missing/*", &list));
    file_list_clear(&list);
    ck_assert_str_eq(find("", &list), "is a directory");
    file_list_clear(&list);
    ck_assert_ptr_nonnull(file_list_find("/tmp/x", &list));
    ck_assert_ptr_nonnull(file_list_find("", &list));
}
END_TEST

/* Reads all files of the folder to the end. */
static void read_all(void)
{
    char uri[200];
    char *options[1] = {uri};
    void *state;
    int status;
    snprintf(uri, sizeof(uri), "file:%s/*", folder);
    ck_assert_int_eq(col_plugin.create(NULL, options, &state), COL_OK);
    do {
        status = col_plugin.receive(state);
    } while (status == COL_OK);
    ck_assert_int_eq(status, COL_EOF);
    col_plugin.destroy(state);
    ck_assert_uint_eq(fake_host.opened, fake_host.closed);
}

START_TEST(each_file_is_a_session)
{
    make_file("a", 3, 0);
    make_file("b", 100000, 0); /* more than the buffer */
    make_file("c", 0, 0);
    read_all();
    ck_assert_uint_eq(fake_host.opened, 3);
    ck_assert_uint_eq(fake_host.messages, 100003);
    ck_assert_int_eq(fake_host.last_info.transport, IPFIX_TRANSPORT_FILE);
    ck_assert_uint_eq(fake_host.logs[COL_LOG_ERROR], 0);
}
END_TEST

START_TEST(cut_file)
{
    for (size_t tail = 1; tail < 24; tail++) {
        fake_host_reset();
        make_file("a", 2, tail);
        make_file("b", 1, 0);
        read_all();
        ck_assert_uint_eq(fake_host.messages, 3);
        ck_assert_uint_eq(fake_host.logs[COL_LOG_ERROR], 1);
        ck_assert_ptr_nonnull(strstr(fake_host.last_log, "/a: offset 48"));
        ck_assert_uint_eq(fake_host.malformed, 1);
    }
}
END_TEST

START_TEST(damaged_file)
{
    char path[200];
    make_file("a", 4, 0);
    make_file("b", 1, 0);
    snprintf(path, sizeof(path), "%s/a", folder);
    FILE *file = fopen(path, "r+");
    fseek(file, 24, SEEK_SET);
    fputs("XX", file);
    fclose(file);
    read_all();
    ck_assert_uint_eq(fake_host.messages, 2);
    ck_assert_ptr_nonnull(strstr(fake_host.last_log, "/a: offset 24"));
    ck_assert_uint_eq(fake_host.malformed, 1);
}
END_TEST

START_TEST(no_match_is_refused_at_create)
{
    char uri[200];
    char *options[1] = {uri};
    void *state = NULL;
    snprintf(uri, sizeof(uri), "file:%s/*", folder);
    ck_assert_int_eq(col_plugin.create(NULL, options, &state), COL_ERR);
    ck_assert_ptr_null(state);
    ck_assert_uint_eq(fake_host.logs[COL_LOG_ERROR], 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("input_ipfix_file");
    TCase *tcase = tcase_create("input_ipfix_file");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, files_are_found_sorted);
    tcase_add_test(tcase, only_the_star_is_special);
    tcase_add_test(tcase, nothing_found_is_an_error);
    tcase_add_test(tcase, each_file_is_a_session);
    tcase_add_test(tcase, cut_file);
    tcase_add_test(tcase, damaged_file);
    tcase_add_test(tcase, no_match_is_refused_at_create);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
