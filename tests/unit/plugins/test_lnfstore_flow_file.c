/* SPDX-License-Identifier: BSD-3-Clause */
/* Files shared by instances: one writer at a time, nothing damaged, finalised once. */

#include "col_double.h"
#include "flow_file.h"
#include "lnfstore_support.h"

#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>

static struct col_instance instance;
static struct flow_file_settings settings;
static char path[PATH_MAX];

static void setup(void)
{
    settings = (struct flow_file_settings){.ident = "unit", .codec = LNF_CODEC_LZ4};
    store_make_folder();
    (void)snprintf(path, sizeof(path), "%s/a/b/c/lnf.1", store_folder);
}

static flow_file_t *get(void)
{
    flow_file_t *file = flow_file_get(path, strlen(store_folder) + 1);
    ck_assert_ptr_nonnull(file);
    return file;
}

static int put(flow_file_t *file, uint64_t first, unsigned count)
{
    struct lnf_error error;
    lnf_block_t *block = lnf_block_create();
    store_fill(block, first, count);
    int status = flow_file_put(file, (col_instance_t *)&instance, &settings, block, &error);
    lnf_block_destroy(block);
    return status;
}

static void release(flow_file_t *file)
{
    struct lnf_error error;
    ck_assert_int_eq(flow_file_release(file, (col_instance_t *)&instance, &error), LNF_OK);
}

static void expect(const char *file, uint64_t flows)
{
    struct store_sum sum = {0};
    store_add_file(file, &sum);
    ck_assert_uint_eq(sum.flows, flows);
    ck_assert_uint_eq(sum.stat_flows, flows);
}

START_TEST(one_path_is_one_file)
{
    flow_file_t *a = get(), *b = get();

    ck_assert_ptr_eq(a, b);
    ck_assert_int_eq(put(a, 0, 10), LNF_OK);
    ck_assert_int_eq(put(b, 10, 10), LNF_OK);
    ck_assert_uint_eq(flow_file_next_exporter(a), 1);
    ck_assert_uint_eq(flow_file_next_exporter(b), 2);
    release(a);
    ck_assert_int_eq(put(b, 20, 10), LNF_OK); /* still open */
    release(b);
    expect(path, 30);
    a = get();
    ck_assert_int_eq(put(a, 30, 5), LNF_OK); /* goes on with the finalised file */
    release(a);
    expect(path, 35);
    ck_assert_uint_eq(col_double_logged(&instance, "INFO: writing "), 2);
}
END_TEST

START_TEST(nothing_put_makes_nothing)
{
    release(get());
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

static void *put_many(void *argument)
{
    uintptr_t thread = (uintptr_t)argument;
    for (unsigned i = 0; i < 40; i++) {
        flow_file_t *file = get();
        ck_assert_int_eq(put(file, 1000 * thread + 10 * i, 10), LNF_OK);
        release(file); /* often the last one: finalised and opened again under the others */
    }
    return NULL;
}

START_TEST(many_threads_at_once)
{
    pthread_t threads[8];

    for (uintptr_t i = 0; i < 8; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, put_many, (void *)i), 0);
    }
    for (unsigned i = 0; i < 8; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    expect(path, 8 * 40 * 10);
    ck_assert_int_ne(access(strcat(path, ".1"), F_OK), 0);
}
END_TEST

/* Closed and continued again and again: the index is that of the file as it is. */
START_TEST(an_index_of_a_shared_file)
{
    pthread_t threads[4];
    struct lnf_index_info info;
    char index[PATH_MAX];

    settings.index = true;
    for (uintptr_t i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, put_many, (void *)i), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    expect(path, 4 * 40 * 10);
    ck_assert_int_eq(lnf_index_check(path, true, &info, NULL), LNF_OK);
    ck_assert_int_eq(info.state, LNF_INDEX_GOOD);

    /* One that cannot be written is told, and the file is fine. */
    ck_assert(lnf_index_path(path, index, sizeof(index)));
    ck_assert_int_eq(unlink(index), 0);
    ck_assert_int_eq(mkdir(index, 0700), 0);
    flow_file_t *file = get();
    ck_assert_int_eq(put(file, 0, 10), LNF_OK);
    release(file);
    expect(path, 4 * 40 * 10 + 10);
    ck_assert_uint_eq(col_double_logged(&instance, "ERROR: cannot write the index: "), 1);
}
END_TEST

START_TEST(a_name_that_belongs_to_something_else)
{
    char other[PATH_MAX + 8], text[32] = "";

    flow_file_t *first = get();
    ck_assert_int_eq(put(first, 0, 1), LNF_OK); /* makes the folders */
    release(first);
    strcpy(strrchr(path, '/'), "/lnf.2");
    FILE *file = fopen(path, "w");
    (void)fputs("a letter of grandmother's, no flow file at all", file);
    (void)fclose(file);
    flow_file_t *f = get();
    ck_assert_int_eq(put(f, 0, 10), LNF_OK);
    ck_assert_int_eq(put(f, 0, 10), LNF_OK);
    release(f);
    (void)snprintf(other, sizeof(other), "%s.1", path);
    expect(other, 20);
    file = fopen(path, "r");
    ck_assert_ptr_nonnull(fgets(text, sizeof(text), file));
    (void)fclose(file);
    ck_assert_str_eq(text, "a letter of grandmother's, no f");
    ck_assert_uint_eq(col_double_logged(&instance, "trying the name "), 1);
}
END_TEST

/* Neither a folder nor a pipe may cost the records of the slot. */
START_TEST(a_name_that_belongs_to_no_file)
{
    char other[PATH_MAX + 8];

    flow_file_t *first = get();
    ck_assert_int_eq(put(first, 0, 1), LNF_OK); /* makes the folders */
    release(first);
    strcpy(strrchr(path, '/'), "/lnf.2");
    ck_assert_int_eq(mkdir(path, 0700), 0);
    (void)snprintf(other, sizeof(other), "%s.1", path);
    ck_assert_int_eq(mkfifo(other, 0600), 0);
    flow_file_t *f = get();
    ck_assert_int_eq(put(f, 0, 10), LNF_OK);
    release(f);
    (void)snprintf(other, sizeof(other), "%s.2", path);
    expect(other, 10);
    ck_assert_uint_eq(col_double_logged(&instance, "is no regular file; trying the name "), 2);
}
END_TEST

START_TEST(another_program_is_writing_it)
{
    int to_child[2], from_child[2];
    char byte, other[PATH_MAX + 8];

    ck_assert_int_eq(pipe(to_child), 0);
    ck_assert_int_eq(pipe(from_child), 0);
    pid_t pid = fork();
    if (pid == 0) {
        flow_file_t *f = get();
        int status = put(f, 0, 10);
        (void)!write(from_child[1], "x", 1);
        (void)!read(to_child[0], &byte, 1);
        status = status == LNF_OK ? put(f, 10, 10) : status;
        release(f);
        _exit(status == LNF_OK ? 0 : 1);
    }
    ck_assert_int_eq(read(from_child[0], &byte, 1), 1);
    flow_file_t *f = get();
    ck_assert_int_eq(put(f, 100, 10), LNF_OK); /* after 5 s, under another name */
    ck_assert_int_eq(write(to_child[1], "x", 1), 1);
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    release(f);
    expect(path, 20);
    (void)snprintf(other, sizeof(other), "%s.1", path);
    expect(other, 10);
}
END_TEST

START_TEST(another_program_that_is_ending_is_waited_for)
{
    int from_child[2];
    char byte;

    ck_assert_int_eq(pipe(from_child), 0);
    pid_t pid = fork();
    if (pid == 0) {
        flow_file_t *f = get();
        int status = put(f, 0, 10);
        (void)!write(from_child[1], "x", 1);
        (void)usleep(700000);
        release(f);
        _exit(status == LNF_OK ? 0 : 1);
    }
    ck_assert_int_eq(read(from_child[0], &byte, 1), 1);
    flow_file_t *f = get();
    ck_assert_int_eq(put(f, 10, 10), LNF_OK);
    release(f);
    (void)waitpid(pid, NULL, 0);
    expect(path, 20);
}
END_TEST

START_TEST(folders_that_cannot_be_made_may_come_later)
{
    flow_file_t *f = get();
    char blocked[PATH_MAX];

    (void)snprintf(blocked, sizeof(blocked), "%s/a", store_folder);
    FILE *file = fopen(blocked, "w");
    (void)fclose(file);
    ck_assert_int_eq(put(f, 0, 10), LNF_ERR_WRITE);
    ck_assert_int_eq(unlink(blocked), 0);
    ck_assert_int_eq(put(f, 0, 10), LNF_OK);
    release(f);
    expect(path, 10);
}
END_TEST

START_TEST(the_storage_folder_is_never_made)
{
    (void)snprintf(path, sizeof(path), "%s/volume/2026/lnf.1", store_folder);
    flow_file_t *f = flow_file_get(path, strlen(store_folder) + strlen("/volume/"));
    ck_assert_int_eq(put(f, 0, 10), LNF_ERR_WRITE); /* not mounted: nothing goes below it */
    (void)snprintf(path, sizeof(path), "%s/volume", store_folder);
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_int_eq(mkdir(path, 0755), 0);
    ck_assert_int_eq(put(f, 0, 10), LNF_OK);
    release(f);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("flow_file");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, store_remove_folder);
    tcase_add_test(tests, one_path_is_one_file);
    tcase_add_test(tests, nothing_put_makes_nothing);
    tcase_add_test(tests, many_threads_at_once);
    tcase_add_test(tests, an_index_of_a_shared_file);
    tcase_add_test(tests, a_name_that_belongs_to_something_else);
    tcase_add_test(tests, a_name_that_belongs_to_no_file);
    tcase_add_test(tests, another_program_is_writing_it);
    tcase_add_test(tests, another_program_that_is_ending_is_waited_for);
    tcase_add_test(tests, folders_that_cannot_be_made_may_come_later);
    tcase_add_test(tests, the_storage_folder_is_never_made);
    Suite *suite = suite_create("lnfstore_flow_file");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
