/* SPDX-License-Identifier: BSD-3-Clause */
/** Compiling filters while memory runs out at every possible moment: an error, no crash, no leak.
 */
#include "filter.h"
#include "filter_geo.h"
#include "mmdb_build.h"

#include <check.h>
#include <libnf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The linker sends the library's allocations here (--wrap); the n-th one fails, and all later ones.
 */
static long allocations_left = -1;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

static bool may_allocate(void)
{
    if (allocations_left > 0) {
        allocations_left--;
    }
    return allocations_left != 0;
}

void *__wrap_malloc(size_t size)
{
    return may_allocate() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return may_allocate() ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *memory, size_t size)
{
    return may_allocate() ? __real_realloc(memory, size) : NULL;
}

/* Compiles with more and more allocations allowed until it works; how many attempts that took. */
static long compile_hungry(const char *filter)
{
    lnf_program_t *program = NULL;
    struct lnf_error error;
    int status;
    long allowed = 0;

    do {
        allocations_left = ++allowed;
        status = lnf_program_compile(filter, &program, &error);
        allocations_left = -1;
        ck_assert_msg(status == LNF_OK || status == LNF_ERR_NOMEM, "%s", error.text);
        ck_assert((program != NULL) == (status == LNF_OK));
        ck_assert_int_lt(allowed, 10000);
    } while (status != LNF_OK);
    lnf_program_destroy(program);
    return allowed;
}

/* Terms of every kind, with more text than a piece of the arena holds. */
static char *long_filter(unsigned terms)
{
    static const char term[] = "(ip in [10.0.0.1 10.0.0.0/9 ::1] and not port in [1 2 5000]) or\n"
                               "bytes in [1 2 3] and username 'x' and not flags S or bps > 5 or ";
    char *filter = malloc(terms * sizeof(term) + 100);

    ck_assert_ptr_nonnull(filter);
    filter[0] = '\0';
    char *at = filter;
    for (unsigned i = 0; i < terms; i++) {
        at += sprintf(at, "%s", term);
    }
    strcpy(at, "any and exist next ip");
    return filter;
}

START_TEST(test_no_memory)
{
    char *filter = long_filter(200);

    ck_assert_int_gt(compile_hungry(filter), 20);
    ck_assert_int_gt(compile_hungry("port 80"), 3);
    ck_assert_int_gt(compile_hungry("(ident a and count > 1)%x or (payload regex '(a|b){200}' i or "
                                    "payload ja3 defined)%y and flowlabel z"),
                     3);
    free(filter);
}
END_TEST

START_TEST(test_no_memory_deep)
{
    char filter[2 * 900 + 20] = "", *at = filter;

    for (int i = 0; i < 900; i++) {
        *at++ = '(';
    }
    at = stpcpy(at, "port 80");
    for (int i = 0; i < 900; i++) {
        *at++ = ')';
    }
    *at = '\0';
    ck_assert_int_gt(compile_hungry(filter), 3);
}
END_TEST

START_TEST(test_no_memory_geo)
{
    char path[] = "/tmp/test_filter_memory_XXXXXX";
    struct mmdb m;

    if (!lnf_geo_is_available()) {
        return;
    }
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    mmdb_init(&m, 6);
    mmdb_add_country(&m, "192.0.2.0/24", "CZ");
    mmdb_write(&m, path);
    mmdb_clear(&m);
    ck_assert_int_eq(setenv(LNF_GEO_VARIABLE, path, 1), 0);
    ck_assert_int_gt(compile_hungry("geo CZ or not src geo DE and port 80"), 5);

    lnf_program_t *program;
    lnf_program_state_t *state;
    long allowed = 0;
    ck_assert_int_eq(lnf_program_compile("geo CZ", &program, NULL), LNF_OK);
    do {
        allocations_left = ++allowed;
        state = lnf_program_state_create(program);
        allocations_left = -1;
    } while (state == NULL);
    ck_assert_int_gt(allowed, 2);
    lnf_program_state_destroy(state);
    lnf_program_destroy(program);
    unsetenv(LNF_GEO_VARIABLE);
    ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(test_no_memory_include)
{
    char path[] = "/tmp/test_filter_memory_XXXXXX", filter[200];
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "port 80", 7), 7);
    ck_assert_int_eq(close(fd), 0);
    snprintf(filter, sizeof(filter), "inet and @include %s\n", path);
    for (long allowed = 1; allowed < 40; allowed++) {
        lnf_program_t *program = NULL;
        struct lnf_error error = {.text = ""};
        allocations_left = allowed;
        int status = lnf_program_compile(filter, &program, &error);
        allocations_left = -1;
        /* Opening the file takes memory too, so "cannot include" is right as well. */
        ck_assert_msg(status == LNF_OK || status == LNF_ERR_NOMEM || status == LNF_ERR_FILTER, "%s",
                      error.text);
        lnf_program_destroy(program);
    }
    ck_assert_int_eq(unlink(path), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("filter without memory");
    TCase *tests = tcase_create("no memory");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_no_memory);
    tcase_add_test(tests, test_no_memory_deep);
    tcase_add_test(tests, test_no_memory_geo);
    tcase_add_test(tests, test_no_memory_include);
    suite_add_tcase(suite, tests);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
