/* SPDX-License-Identifier: BSD-3-Clause */
/** Memories of libnf.h when the system's memory runs out at any moment: what failed can be tried
 * again, and then nothing is missing or counted twice. */
#include <check.h>
#include <libnf.h>
#include <stdbool.h>

#define RECORDS 3000u
#define GROUPS 700u

/* The linker sends the library's allocations here (--wrap); the n-th one fails, others do not. */
static long until_failure = -1;
static bool armed; /* Check allocates, too */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static bool may_allocate(void)
{
    if (armed && until_failure > 0) {
        until_failure--;
        return until_failure != 0;
    }
    return true;
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

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return may_allocate() ? __real_aligned_alloc(alignment, size) : NULL;
}

static unsigned failures;

/* The call, made again when there was no memory. */
#define AGAIN(status, call)                                                                        \
    do {                                                                                           \
        armed = true;                                                                              \
        (status) = (call);                                                                         \
        if ((status) == LNF_ERR_NOMEM) {                                                           \
            failures++;                                                                            \
            (status) = (call);                                                                     \
        }                                                                                          \
        armed = false;                                                                             \
    } while (0)

static void write_records(lnf_mem_t *mem, lnf_rec_t *rec)
{
    int status;

    for (unsigned i = 0; i < RECORDS; i++) {
        uint16_t port = (uint16_t)(i % GROUPS);
        uint64_t bytes = i;
        lnf_rec_clear(rec);
        AGAIN(status, lnf_rec_fset(rec, LNF_FLD_SRCPORT, &port));
        AGAIN(status, lnf_rec_fset(rec, LNF_FLD_DOCTETS, &bytes));
        AGAIN(status, lnf_mem_write(mem, rec));
        ck_assert_int_eq(status, LNF_OK);
    }
}

/* Reads everything: records, and their octets. */
static void check_records(lnf_mem_t *mem, lnf_rec_t *rec, unsigned count)
{
    uint64_t sum = 0, bytes;
    unsigned seen = 0;
    int status;

    for (;;) {
        AGAIN(status, lnf_mem_read(mem, rec));
        if (status == LNF_EOF) {
            break;
        }
        ck_assert_int_eq(status, LNF_OK);
        ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_DOCTETS, &bytes), LNF_OK);
        sum += bytes;
        seen++;
    }
    ck_assert_uint_eq(seen, count);
    ck_assert_uint_eq(sum, (uint64_t)RECORDS * (RECORDS - 1) / 2);
}

static void run(bool list_mode, long failing)
{
    lnf_mem_t *mem = NULL;
    lnf_rec_t *rec = NULL;
    int status;

    until_failure = failing;
    AGAIN(status, lnf_rec_init(&rec));
    AGAIN(status, lnf_mem_init(&mem));
    ck_assert_int_eq(status, LNF_OK);
    if (list_mode) {
        ck_assert_int_eq(lnf_mem_setopt(mem, LNF_OPT_LISTMODE, NULL, 0), LNF_OK);
    }
    AGAIN(status, lnf_mem_fadd(mem, LNF_FLD_SRCPORT, LNF_AGGR_KEY, 0, 0));
    AGAIN(status, lnf_mem_fadd(mem, LNF_FLD_CALC_BPS, 0, 0, 0));
    AGAIN(status, lnf_mem_fadd(mem, LNF_FLD_DOCTETS, LNF_SORT_DESC, 0, 0));
    ck_assert_int_eq(status, LNF_OK);
    write_records(mem, rec);
    check_records(mem, rec, list_mode ? RECORDS : GROUPS);
    until_failure = -1;
    lnf_mem_free(mem);
    lnf_rec_free(rec);
}

/* Every allocation fails once; in the end there is one more round in which none did. */
START_TEST(test_every_allocation)
{
    long failing = 0;
    unsigned before;

    do {
        before = failures;
        run(_i == 1, ++failing);
    } while (failures > before);
    ck_assert_int_gt(failing, 10);
    ck_assert_int_lt(failing, 1000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memories without memory");
    TCase *tc = tcase_create("no memory");

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, test_every_allocation, 0, 2);
    suite_add_tcase(suite, tc);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
