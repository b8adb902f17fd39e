/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Tables with a limit of memory: the same answers as without, bounded memory, and failures of files
 * and allocations that lose no descriptor and no memory.
 */
#include "random_table.h"
#include "spill.h"

#include <libnf/bytes.h>

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libnf.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* ---- what the linker sends here (--wrap) ----------------------------------------------------- */

static long allocations_left = -1; /* the last of them fails, and all later ones; -1 = none fails */
static bool no_tmpfile;            /* the file system knows no files without a name */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int __real_open(const char *path, int flags, ...);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int __wrap_open(const char *path, int flags, ...);

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

void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    return may_allocate() ? __real_mmap(at, size, protection, flags, fd, offset) : MAP_FAILED;
}

int __wrap_open(const char *path, int flags, ...)
{
    va_list args;

    va_start(args, flags);
    mode_t mode = va_arg(args, mode_t);
    va_end(args);
    if (no_tmpfile && (flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return __real_open(path, flags, mode);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static unsigned told;

static void on_spilling(void *context, const char *directory)
{
    ck_assert_ptr_eq(context, &told);
    ck_assert_str_eq(directory, "/tmp");
    told++;
}

static lnf_memory_t *create_memory(uint64_t limit)
{
    const struct lnf_memory_spec spec = {
        .limit = limit, .directory = "/tmp", .spilling = on_spilling, .context = &told};
    lnf_memory_t *memory = NULL;

    told = 0;
    ck_assert_int_eq(lnf_memory_create(&spec, &memory), LNF_OK);
    return memory;
}

/** What was charged is given back, and files were announced once if there were any. */
static void destroy_memory(lnf_memory_t *memory)
{
    ck_assert_uint_eq(lnf_memory_used(memory), 0);
    ck_assert_uint_eq(told, lnf_memory_spilled(memory) > 0);
    lnf_memory_destroy(memory);
}

/* ---- the same answers ------------------------------------------------------------------------ */

/** Several tables with parts of the rows, merged; rows added before and after. */
static void check_limited(const lnf_query_t *query, uint64_t limit, const uint8_t *rows,
                          size_t count, const struct answer *wanted)
{
    lnf_memory_t *memory = create_memory(limit);
    lnf_table_t *table = create_table(query, memory);
    size_t size = lnf_query_row_size(query);

    for (size_t start = 0; start < count;) {
        size_t some = 1 + below(count - start < 6000 ? count - start : 6000);
        if (below(2) == 0) {
            add(table, rows + start * size, some);
        } else {
            lnf_table_t *part = create_table(query, memory);
            add(part, rows + start * size, some);
            check_ok(lnf_table_merge(table, part), table);
            ck_assert_uint_eq(lnf_table_count(part), 0);
            ck_assert_uint_eq(lnf_table_rows(part, 0, 1, NULL), 0);
            lnf_table_destroy(part);
        }
        start += some;
        if (below(8) == 0) {
            check_ok(lnf_table_finish(table, false), table); /* more may come afterwards */
        }
    }
    check_same(query, finish(query, table, true), wanted);
    check_places(query, table, wanted);
    check_same(query, finish(query, table, true), wanted);
    lnf_table_destroy(table);
    destroy_memory(memory);
}

static const uint64_t limits[] = {1, 30000, 300000, 0};

static void check_mode(enum lnf_query_mode mode, unsigned variety)
{
    lnf_query_t *query = random_query(mode);
    size_t count = below(12000);
    uint8_t *rows = random_rows(query, count, variety);
    struct answer wanted = expect(query, rows, count, true);

    for (size_t i = 0; i < LENGTH(limits); i++) {
        check_limited(query, limits[i], rows, count, &wanted);
    }
    free(wanted.rows);
    free(rows);
    lnf_query_destroy(query);
}

START_TEST(test_random_aggregate)
{
    for (unsigned seed = 0; seed < 15; seed++) {
        random_state = (uint64_t)_i * 1000 + seed;
        check_mode(LNF_QUERY_AGGREGATE, _i % 2 == 0 ? 8 : 250);
    }
}
END_TEST

START_TEST(test_random_sort)
{
    for (unsigned seed = 0; seed < 10; seed++) {
        random_state = 100000 + (uint64_t)_i * 1000 + seed;
        check_mode(LNF_QUERY_SORT, _i % 2 == 0 ? 3 : 250);
    }
}
END_TEST

START_TEST(test_random_list)
{
    for (unsigned seed = 0; seed < 5; seed++) {
        random_state = 200000 + (uint64_t)_i * 1000 + seed;
        check_mode(LNF_QUERY_LIST, 250);
    }
}
END_TEST

static const struct lnf_query_column tuple_columns[] = {
    KEY(LNF_FLD_SRCADDR), KEY(LNF_FLD_DSTADDR),      KEY(LNF_FLD_SRCPORT), KEY(LNF_FLD_DSTPORT),
    KEY(LNF_FLD_PROT),    VALUE(LNF_FLD_AGGR_FLOWS), VALUE(LNF_FLD_DPKTS), VALUE(LNF_FLD_DOCTETS)};
#define TUPLE_SIZE 61u
#define TUPLE_OCTETS 53u /* where the octets are */

static lnf_query_t *tuple_query(uint64_t limit)
{
    const struct lnf_query_spec spec = {.mode = LNF_QUERY_AGGREGATE,
                                        .columns = tuple_columns,
                                        .column_count = LENGTH(tuple_columns),
                                        .sort_column = 7,
                                        .sort_descending = true,
                                        .limit = limit};
    lnf_query_t *query = create_query(&spec);

    ck_assert_uint_eq(lnf_query_row_size(query), TUPLE_SIZE);
    return query;
}

/** Row of a flow with a number: equal numbers, equal keys; the octets tell the number. */
static void tuple_row(uint8_t *row, uint32_t number)
{
    memset(row, 0, TUPLE_SIZE);
    lnf_store_u32(row + 12, htobe32(number * 2654435761u));
    lnf_store_u32(row + 28, htobe32(number));
    lnf_store_u16(row + 32, htobe16((uint16_t)number));
    row[36] = 6;
    lnf_store_u64(row + 37, htobe64(1));
    lnf_store_u64(row + 45, htobe64(2));
    lnf_store_u64(row + TUPLE_OCTETS, htobe64((uint64_t)number * 3));
}

static uint8_t *tuple_rows(size_t count)
{
    uint8_t *rows = malloc(count * TUPLE_SIZE);

    ck_assert_ptr_nonnull(rows);
    for (size_t i = 0; i < count; i++) {
        tuple_row(rows + i * TUPLE_SIZE, (uint32_t)i);
    }
    return rows;
}

/** Partitions that are themselves too large are partitioned again, and many runs merged in passes.
 */
START_TEST(test_deep)
{
    const size_t count = 150000;
    uint8_t *rows = tuple_rows(count);
    const uint64_t wanted_rows[] = {0, 5, 100000};

    for (size_t i = 0; i < LENGTH(wanted_rows); i++) {
        lnf_query_t *query = tuple_query(wanted_rows[i]);
        struct answer wanted = expect(query, rows, count, true);
        lnf_memory_t *memory = create_memory(20000);
        lnf_table_t *table = create_table(query, memory);
        add(table, rows, count);
        check_same(query, finish(query, table, true), &wanted);
        /* Twice at least: the second level has been written, too. */
        ck_assert_uint_ge(lnf_memory_spilled(memory), 2 * count * TUPLE_SIZE);
        lnf_table_destroy(table);
        destroy_memory(memory);
        free(wanted.rows);
        lnf_query_destroy(query);
    }
    free(rows);
}
END_TEST

/** Without files the answer of a table with a limit is the usual one; what it holds is counted. */
START_TEST(test_fits)
{
    lnf_query_t *query = tuple_query(7);
    lnf_memory_t *memory = create_memory(10 << 20);
    lnf_table_t *table = create_table(query, memory);
    uint8_t *rows = tuple_rows(20000);
    struct answer wanted = expect(query, rows, 20000, true);

    add(table, rows, 20000);
    ck_assert_uint_ge(lnf_memory_used(memory), 20000 * 64);
    ck_assert_uint_eq(lnf_memory_used(memory), lnf_table_memory(table));
    check_same(query, finish(query, table, true), &wanted);
    ck_assert_uint_eq(lnf_memory_spilled(memory), 0);
    ck_assert_uint_ge(lnf_memory_peak(memory), 20000 * 64);
    lnf_table_destroy(table);
    destroy_memory(memory);
    free(rows);
    free(wanted.rows);
    lnf_query_destroy(query);
}
END_TEST

/** What others hold under the same limit leaves less for tables. */
START_TEST(test_hold)
{
    lnf_query_t *query = tuple_query(7);
    lnf_memory_t *memory = create_memory(12 << 20);
    lnf_table_t *table = create_table(query, memory);
    uint8_t *rows = tuple_rows(50000);
    struct answer wanted = expect(query, rows, 50000, true);
    size_t held = 0, much = _i == 0 ? 0 : 11 << 20;

    lnf_memory_hold(NULL, &held, 5);
    ck_assert_uint_eq(held, 0);
    lnf_memory_hold(memory, &held, much);
    ck_assert_uint_eq(held, much);
    ck_assert_uint_eq(lnf_memory_used(memory), much);
    add(table, rows, 50000);
    ck_assert_int_eq(lnf_memory_spilled(memory) > 0, _i > 0);
    ck_assert_uint_ge(lnf_memory_peak(memory), much);
    lnf_memory_hold(memory, &held, 1000);
    lnf_memory_hold(memory, &held, 0);
    ck_assert_uint_eq(lnf_memory_used(memory), lnf_table_memory(table));
    check_same(query, finish(query, table, true), &wanted);
    lnf_table_destroy(table);
    destroy_memory(memory);
    free(rows);
    free(wanted.rows);
    lnf_query_destroy(query);
}
END_TEST

/** A group in several parts in files counts several times until the table is finished. */
START_TEST(test_unfinished)
{
    lnf_query_t *query = tuple_query(0);
    lnf_memory_t *memory = create_memory(100000);
    lnf_table_t *table = create_table(query, memory);
    uint8_t *rows = tuple_rows(9000);
    struct answer wanted = expect(query, rows, 9000, false);

    add(table, rows, 9000);
    struct answer parts = read_answer(query, table);
    ck_assert_uint_eq(parts.count, 9000);
    struct answer combined = expect(query, parts.rows, parts.count, false);
    check_same(query, combined, &wanted);
    free(parts.rows);
    free(wanted.rows);

    add(table, rows, 9000);
    ck_assert_uint_gt(lnf_table_count(table), 9000);
    check_ok(lnf_table_finish(table, true), table);
    ck_assert_uint_eq(lnf_table_count(table), 9000);
    lnf_table_destroy(table);
    destroy_memory(memory);
    free(rows);
    lnf_query_destroy(query);
}
END_TEST

START_TEST(test_merge_refused)
{
    lnf_query_t *query = tuple_query(0);
    lnf_memory_t *memory = create_memory(100), *other = create_memory(100);
    lnf_table_t *a = create_table(query, memory), *b = create_table(query, other);
    lnf_table_t *c = create_table(query, NULL);

    ck_assert_int_eq(lnf_table_merge(a, b), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_table_merge(a, c), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_table_merge(c, a), LNF_ERR_OTHER);
    lnf_table_destroy(a);
    lnf_table_destroy(b);
    lnf_table_destroy(c);
    destroy_memory(memory);
    destroy_memory(other);
    lnf_query_destroy(query);
}
END_TEST

/* ---- bounded memory -------------------------------------------------------------------------- */

#define BIG_LIMIT ((uint64_t)(SANITIZED ? 8 : 32) << 20)
#define BIG_GROUPS (SANITIZED ? 1000000u : 4000000u)
#define BIG_THREADS 4u

struct big {
    pthread_t thread;
    lnf_table_t *table;
    uint32_t first;
    int status;
};

/** Every thread sees every group, in another order. */
static void *big_run(void *argument)
{
    struct big *big = argument;
    uint8_t rows[512 * TUPLE_SIZE];

    for (uint32_t done = 0; done < BIG_GROUPS / 2 && big->status == LNF_OK; done += 512) {
        unsigned count = 0;
        for (uint32_t i = done; i < done + 512 && i < BIG_GROUPS / 2; i++) {
            uint32_t number = (big->first + i) % BIG_GROUPS;
            tuple_row(rows + (size_t)count++ * TUPLE_SIZE, number);
        }
        big->status = lnf_table_add(big->table, rows, count);
    }
    return NULL;
}

/** Octets of a line of /proc/self/status. */
static uint64_t status_size(const char *name)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[200];
    uint64_t size = 0;

    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            size = strtoull(line + strlen(name) + 1, NULL, 10) * 1024;
        }
    }
    fclose(file);
    ck_assert_uint_gt(size, 0);
    return size;
}

/** Reads the answer: `count` rows, number by number from the largest. */
static void check_big(const lnf_table_t *table, size_t count)
{
    uint8_t rows[512 * TUPLE_SIZE];
    size_t start = 0, some, wrong = 0;

    ck_assert_uint_eq(lnf_table_count(table), count);
    while ((some = lnf_table_rows(table, start, 512, rows)) > 0) {
        for (size_t i = 0; i < some; i++) {
            /* Two of the four threads have seen it. */
            uint64_t octets = be64toh(lnf_load_u64(rows + i * TUPLE_SIZE + TUPLE_OCTETS));
            wrong += octets != 6 * (uint64_t)(BIG_GROUPS - 1 - start - i);
        }
        start += some;
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_eq(start, count);
}

static void aggregate_big(uint64_t limit)
{
    lnf_query_t *query = tuple_query(limit);
    lnf_memory_t *memory = create_memory(BIG_LIMIT);
    struct big threads[BIG_THREADS] = {0};

    for (unsigned i = 0; i < BIG_THREADS; i++) {
        threads[i].table = create_table(query, memory);
        threads[i].status = LNF_OK;
        threads[i].first = BIG_GROUPS / BIG_THREADS * i;
        ck_assert_int_eq(pthread_create(&threads[i].thread, NULL, big_run, &threads[i]), 0);
    }
    for (unsigned i = 0; i < BIG_THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i].thread, NULL), 0);
        check_ok(threads[i].status, threads[i].table);
        if (i > 0) {
            check_ok(lnf_table_merge(threads[0].table, threads[i].table), threads[0].table);
            lnf_table_destroy(threads[i].table);
        }
    }
    check_ok(lnf_table_finish(threads[0].table, true), threads[0].table);
    check_big(threads[0].table, limit == 0 ? BIG_GROUPS : limit);
    lnf_table_destroy(threads[0].table);
    ck_assert_uint_lt(lnf_memory_peak(memory), BIG_LIMIT / 4 * 5);
    destroy_memory(memory);
    lnf_query_destroy(query);
}

/** Groups that take ten times the limit. */
START_TEST(test_resident)
{
    const uint64_t limit = _i == 0 ? 10 : 0;

    /* Check runs every test in a process of its own, but may be told not to. */
    FILE *file = fopen("/proc/self/clear_refs", "w");
    ck_assert(file != NULL && fputs("5", file) >= 0 && fclose(file) == 0);
    uint64_t before = status_size("VmRSS:");
    aggregate_big(limit);
    uint64_t peak = status_size("VmHWM:") - before;
    printf("peak of memory: %llu MiB beside a limit of %llu\n", (unsigned long long)(peak >> 20),
           (unsigned long long)(BIG_LIMIT >> 20));
    if (SANITIZED) {
        printf("not judged: sanitizers need memory of their own\n");
    } else {
        ck_assert_uint_lt(peak, 2 * BIG_LIMIT);
    }
}
END_TEST

/* ---- partitions ------------------------------------------------------------------------------ */

struct collected {
    const lnf_query_t *query;
    unsigned partition, partitions;
    lnf_table_t *into; /* NULL: only counted */
    size_t rows;
    size_t stop_at;
};

static int collect(void *context, const uint8_t *rows, size_t count)
{
    struct collected *collected = context;
    size_t size = lnf_query_row_size(collected->query);

    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(
            lnf_query_row_partition(collected->query, rows + i * size, collected->partitions),
            collected->partition);
    }
    collected->rows += count;
    if (collected->stop_at != 0 && collected->rows >= collected->stop_at) {
        return 77;
    }
    return collected->into == NULL
               ? LNF_OK
               : lnf_table_add_partition(collected->into, collected->partition,
                                         collected->partitions, rows, count * size, count);
}

/** What is dealt in one pass. */
struct dealt {
    const lnf_query_t *query;
    unsigned partitions;
    lnf_table_t *into;
    size_t rows;
    size_t stop_at; /* 0 = never */
};

static int take_dealt(void *context, unsigned partition, const uint8_t *row)
{
    struct dealt *dealt = context;

    ck_assert_uint_eq(lnf_query_row_partition(dealt->query, row, dealt->partitions), partition);
    dealt->rows++;
    if (dealt->rows == dealt->stop_at) {
        return 77;
    }
    return lnf_table_add(dealt->into, row, 1);
}

/** Every group of a table in memory is found by its key, and none by another one. */
static void check_find(const lnf_query_t *query, const lnf_table_t *table,
                       const struct answer *wanted)
{
    size_t size = lnf_query_row_size(query), key_size = lnf_query_key_size(query);
    uint8_t *key = malloc(key_size + 1), *row = malloc(size + 1);

    for (size_t i = 0; i < wanted->count; i++) {
        lnf_query_row_key(query, wanted->rows + i * size, key);
        ck_assert_int_eq(lnf_table_find(table, key, row), LNF_OK);
        ck_assert_mem_eq(row, wanted->rows + i * size, size);
    }
    if (key_size > 0 && wanted->count > 0) {
        size_t found = 0;
        for (unsigned octet = 0; octet < 256; octet++) {
            key[key_size - 1] = (uint8_t)octet;
            int status = lnf_table_find(table, key, row);
            ck_assert(status == LNF_OK || status == LNF_EOF);
            found += status == LNF_OK;
        }
        ck_assert_uint_ge(found, 1);
        ck_assert_uint_le(found, lnf_table_count(table));
    }
    free(key);
    free(row);
}

/** One pass over a table has every group once, in its partition. */
static void check_deal(lnf_query_t *query, lnf_table_t *table, unsigned partitions,
                       const struct answer *wanted, size_t groups)
{
    struct dealt dealt = {query, partitions, create_table(query, NULL), 0, groups / 2};

    if (groups > 1) {
        ck_assert_int_eq(lnf_table_deal_rows(table, partitions, take_dealt, &dealt), 77);
        ck_assert_uint_eq(dealt.rows, groups / 2);
        ck_assert_int_eq(lnf_table_error(table, NULL), LNF_OK);
    }
    lnf_table_destroy(dealt.into);
    dealt = (struct dealt){query, partitions, create_table(query, NULL), 0, 0};
    check_ok(lnf_table_deal_rows(table, partitions, take_dealt, &dealt), table);
    ck_assert_uint_eq(dealt.rows, groups);
    check_find(query, dealt.into, wanted);
    check_same(query, finish(query, dealt.into, true), wanted);
    ck_assert_int_eq(lnf_table_deal_rows(table, 0, take_dealt, &dealt), LNF_ERR_OTHER);
    lnf_table_destroy(dealt.into);
}

/** Rows a pass handed out; it ends with 77 at `stop`, 0 for never. */
struct reached {
    const lnf_query_t *query;
    uint64_t least;
    size_t rows, stop;
};

static uint64_t sort_number(const lnf_query_t *query, const uint8_t *row)
{
    struct lnf_value value;

    lnf_query_row_value(query, row, (unsigned)query->sort_column, &value);
    return value.u64;
}

static int take_reached(void *context, const uint8_t *rows, size_t count)
{
    struct reached *reached = context;

    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_ge(
            sort_number(reached->query, rows + i * lnf_query_row_size(reached->query)),
            reached->least);
    }
    reached->rows += count;
    return reached->rows == reached->stop ? 77 : LNF_OK;
}

/** Groups from a number on: all of them, where the order is by one and begins with the largest. */
static void check_reaching(const lnf_query_t *query, lnf_table_t *table,
                           const struct answer *groups)
{
    const struct lnf_answer_column *column =
        query->sort_column < 0 ? NULL : &query->columns[query->sort_column];
    struct reached reached = {query, 0, 0, 0};
    size_t size = lnf_query_row_size(query), wanted = 0;

    if (column == NULL || !query->sort_descending || column->calculated ||
        query->stored[column->stored].width > 8) {
        ck_assert_int_eq(lnf_table_reaching_rows(table, 0, take_reached, &reached), LNF_ERR_OTHER);
        return;
    }
    reached.least = sort_number(query, groups->rows + below(groups->count) * size);
    for (size_t i = 0; i < groups->count; i++) {
        wanted += sort_number(query, groups->rows + i * size) >= reached.least;
    }
    check_ok(lnf_table_reaching_rows(table, reached.least, take_reached, &reached), table);
    ck_assert_uint_eq(reached.rows, wanted);
    reached = (struct reached){query, 0, 0, (groups->count + 1) / 2};
    ck_assert_int_eq(lnf_table_reaching_rows(table, 0, take_reached, &reached), 77);
    ck_assert_uint_eq(reached.rows, (groups->count + 1) / 2);
    ck_assert_int_eq(lnf_table_error(table, NULL), LNF_OK);
}

/**
 * Tables of two equal questions, one with its groups in files, deal out to one table by partition:
 * no group is missing and none comes twice from the same table.
 */
static void check_partitions(unsigned partitions, unsigned variety)
{
    uint64_t state = random_state;
    lnf_query_t *a = random_query(LNF_QUERY_AGGREGATE);
    random_state = state;
    lnf_query_t *b = random_query(LNF_QUERY_AGGREGATE);
    size_t count = 3000 + below(6000), rows_a = 0, rows_b = 0;
    uint8_t *rows = random_rows(a, count, variety);
    struct answer wanted = expect(a, rows, count, true), groups = expect(a, rows, count, false);
    lnf_memory_t *memory = create_memory(50000);
    lnf_table_t *limited = create_table(a, memory), *whole = create_table(b, NULL);
    lnf_table_t *joined = create_table(b, NULL);

    ck_assert_uint_eq(a->partition_seed, b->partition_seed);
    add(limited, rows, count);
    add(whole, rows, count);
    for (unsigned p = 0; p < partitions; p++) {
        struct collected from_a = {b, p, partitions, joined, 0, 0};
        struct collected from_b = {a, p, partitions, NULL, 0, 0};
        check_ok(lnf_table_partition_rows(limited, p, partitions, collect, &from_a), limited);
        check_ok(lnf_table_partition_rows(whole, p, partitions, collect, &from_b), whole);
        ck_assert_uint_eq(from_a.rows, from_b.rows);
        rows_a += from_a.rows;
        rows_b += from_b.rows;
    }
    ck_assert_uint_eq(rows_a, groups.count);
    ck_assert_uint_eq(rows_b, groups.count);
    check_deal(a, limited, partitions, &wanted, groups.count);
    check_deal(a, whole, partitions, &wanted, groups.count);
    check_reaching(a, limited, &groups);
    check_reaching(a, whole, &groups);
    if (lnf_memory_spilled(memory) > 0) {
        uint8_t room[4096];
        ck_assert_int_eq(lnf_table_find(limited, room, room), LNF_ERR_OTHER);
    }
    check_same(b, finish(b, joined, true), &wanted);
    check_same(a, finish(a, limited, true), &wanted);
    check_deal(a, limited, partitions, &wanted, groups.count);
    check_same(a, read_answer(a, limited), &wanted); /* still in order */
    lnf_table_destroy(limited);
    lnf_table_destroy(whole);
    lnf_table_destroy(joined);
    destroy_memory(memory);
    free(groups.rows);
    free(wanted.rows);
    free(rows);
    lnf_query_destroy(a);
    lnf_query_destroy(b);
}

START_TEST(test_partitions)
{
    static const unsigned counts[] = {1, 2, 3, 7, 64, 100, 129};

    for (size_t i = 0; i < LENGTH(counts); i++) {
        random_state = 300000 + (uint64_t)_i * 100 + i;
        check_partitions(counts[i], i % 2 == 0 ? 10 : 250);
    }
}
END_TEST

/** The partition of a key is part of what processes of different versions agree about. */
START_TEST(test_partition_fixed)
{
    lnf_query_t *query = tuple_query(0);
    unsigned partitions[8];
    static const unsigned expected[8] = {65, 888, 304, 356, 24, 484, 99, 864};

    for (uint32_t i = 0; i < 8; i++) {
        uint8_t row[TUPLE_SIZE];
        tuple_row(row, i);
        partitions[i] = lnf_query_row_partition(query, row, 1000);
    }
    for (unsigned i = 0; i < 8; i++) {
        ck_assert_uint_eq(partitions[i], expected[i]);
    }
    lnf_query_destroy(query);
}
END_TEST

/** Partitions are about equally large. */
START_TEST(test_partition_even)
{
    lnf_query_t *query = tuple_query(0);
    unsigned counts[16] = {0};

    for (uint32_t i = 0; i < 16000; i++) {
        uint8_t row[TUPLE_SIZE];
        tuple_row(row, i);
        unsigned partition = lnf_query_row_partition(query, row, 16);
        ck_assert_uint_lt(partition, 16);
        counts[partition]++;
    }
    for (unsigned i = 0; i < 16; i++) {
        ck_assert_uint_gt(counts[i], 850);
        ck_assert_uint_lt(counts[i], 1150);
    }
    lnf_query_destroy(query);
}
END_TEST

/** Octets cut short, counts that do not fit, rows of other partitions: refused, nothing added. */
START_TEST(test_hostile_partition)
{
    lnf_query_t *query = tuple_query(0);
    lnf_table_t *table = create_table(query, NULL);
    uint8_t *rows = tuple_rows(50), *mine = malloc(51 * TUPLE_SIZE);
    size_t count = 0;

    for (unsigned i = 0; i < 50; i++) {
        if (lnf_query_row_partition(query, rows + i * TUPLE_SIZE, 2) == 1) {
            memcpy(mine + count++ * TUPLE_SIZE, rows + i * TUPLE_SIZE, TUPLE_SIZE);
        }
    }
    ck_assert_uint_gt(count, 5);
    ck_assert_uint_lt(count, 45);
    for (size_t size = 0; size < count * TUPLE_SIZE; size++) {
        ck_assert_int_eq(lnf_table_add_partition(table, 1, 2, mine, size, count), LNF_ERR_CORRUPT);
    }
    size_t size = count * TUPLE_SIZE;
    ck_assert_int_eq(lnf_table_add_partition(table, 1, 2, mine, size + 1, count), LNF_ERR_CORRUPT);
    ck_assert_int_eq(lnf_table_add_partition(table, 1, 2, mine, size, 0), LNF_ERR_CORRUPT);
    ck_assert_int_eq(lnf_table_add_partition(table, 1, 2, mine, size, UINT64_MAX), LNF_ERR_CORRUPT);
    ck_assert_int_eq(lnf_table_add_partition(table, 1, 2, mine, 0, (uint64_t)1 << 62),
                     LNF_ERR_CORRUPT);
    ck_assert_int_eq(lnf_table_add_partition(table, 0, 2, mine, size, count), LNF_ERR_CORRUPT);
    ck_assert_int_eq(lnf_table_add_partition(table, 1, 2, rows, 50 * TUPLE_SIZE, 50),
                     LNF_ERR_CORRUPT);
    ck_assert_int_eq(lnf_table_add_partition(table, 2, 2, mine, size, count), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_table_add_partition(table, 0, 0, mine, size, count), LNF_ERR_OTHER);
    ck_assert_uint_eq(lnf_table_count(table), 0);
    ck_assert_int_eq(lnf_table_add_partition(table, 1, 2, mine, 0, 0), LNF_OK);
    ck_assert_int_eq(lnf_table_add_partition(table, 1, 2, mine, size, count), LNF_OK);
    ck_assert_uint_eq(lnf_table_count(table), count);
    ck_assert_int_eq(lnf_table_partition_rows(table, 2, 2, collect, NULL), LNF_ERR_OTHER);
    lnf_table_destroy(table);
    lnf_query_destroy(query);
    free(mine);
    free(rows);
}
END_TEST

/** A question without columns has one group, without octets. */
START_TEST(test_partition_without_columns)
{
    const struct lnf_query_spec spec = {.mode = LNF_QUERY_AGGREGATE, .sort_column = -1};
    lnf_query_t *query = create_query(&spec);
    lnf_memory_t *memory = create_memory(1);
    lnf_table_t *table = create_table(query, memory), *other = create_table(query, NULL);
    unsigned mine = lnf_query_row_partition(query, NULL, 5);
    struct collected to = {query, mine, 5, other, 0, 0};

    add(table, (const uint8_t *)"", 100000);
    check_ok(lnf_table_partition_rows(table, mine, 5, collect, &to), table);
    ck_assert_uint_eq(to.rows, 1);
    ck_assert_uint_eq(lnf_table_count(other), 1);
    ck_assert_int_eq(lnf_table_add_partition(other, mine, 5, NULL, 0, UINT64_MAX), LNF_ERR_CORRUPT);
    lnf_table_destroy(table);
    lnf_table_destroy(other);
    destroy_memory(memory);
    lnf_query_destroy(query);
}
END_TEST

/** Who takes the rows may stop; the table is as good as before. */
START_TEST(test_partition_stop)
{
    lnf_query_t *query = tuple_query(0);
    lnf_memory_t *memory = create_memory(100000);
    lnf_table_t *table = create_table(query, memory);
    uint8_t *rows = tuple_rows(9000);
    struct answer wanted = expect(query, rows, 9000, true);
    struct collected stopped = {query, 0, 1, NULL, 0, 3000};

    add(table, rows, 9000);
    ck_assert_int_eq(lnf_table_partition_rows(table, 0, 1, collect, &stopped), 77);
    ck_assert_uint_lt(stopped.rows, 9000);
    ck_assert_int_eq(lnf_table_error(table, NULL), LNF_OK);
    check_same(query, finish(query, table, true), &wanted);
    stopped.rows = 0;
    stopped.stop_at = 0;
    check_ok(lnf_table_partition_rows(table, 0, 1, collect, &stopped), table);
    ck_assert_uint_eq(stopped.rows, 9000);
    check_same(query, read_answer(query, table), &wanted); /* still in order */
    lnf_table_destroy(table);
    destroy_memory(memory);
    free(rows);
    free(wanted.rows);
    lnf_query_destroy(query);
}
END_TEST

/* ---- answers --------------------------------------------------------------------------------- */

/** Rows of an answer stay as they were added, wherever they are kept, and are cut to the limit. */
START_TEST(test_answer)
{
    static const uint64_t row_limits[] = {0, 1, 5000, 100000};
    const uint64_t limit = row_limits[_i / 2];
    lnf_query_t *query = tuple_query(limit), *answer;
    lnf_memory_t *memory = create_memory(_i % 2 == 0 ? 0 : 100000);
    uint8_t *rows = tuple_rows(9000);
    size_t count = limit == 0 || limit > 9000 ? 9000 : (size_t)limit;

    ck_assert_uint_eq(lnf_memory_limit(memory), _i % 2 == 0 ? 0 : 100000);
    ck_assert_int_eq(lnf_query_create_answer(query, &answer), LNF_OK);
    ck_assert_uint_eq(lnf_query_row_size(answer), lnf_query_row_size(query));
    lnf_query_destroy(query);
    lnf_table_t *table = create_table(answer, memory);
    for (size_t i = 0; i < 9000; i++) {
        check_ok(lnf_table_add(table, rows + i * TUPLE_SIZE, 1), table);
    }
    check_ok(lnf_table_finish(table, true), table);
    ck_assert_uint_eq(lnf_table_count(table), count);
    uint8_t *got = malloc((count + 1) * TUPLE_SIZE);
    ck_assert_uint_eq(lnf_table_rows(table, 0, count + 1, got), count);
    ck_assert_int_eq(memcmp(got, rows, count * TUPLE_SIZE), 0);
    ck_assert_int_eq(lnf_memory_spilled(memory) > 0, _i % 2 == 1);
    free(got);
    free(rows);
    lnf_table_destroy(table);
    destroy_memory(memory);
    lnf_query_destroy(answer);
}
END_TEST

/* ---- failures -------------------------------------------------------------------------------- */

/** Descriptors this process has open. */
static unsigned open_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    unsigned count = 0;

    ck_assert_ptr_nonnull(folder);
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

/** Octets files may have; 0 = any number again. Check writes to files, too: nothing of it here. */
static void limit_files(uint64_t octets)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_FSIZE, &limit) != 0) {
        abort();
    }
    limit.rlim_cur = octets == 0 ? limit.rlim_max : octets;
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) {
        abort();
    }
}

/** A question that writes files, however far it comes; its status. */
static int try_answer(const lnf_query_t *query, const uint8_t *rows, size_t count, uint64_t limit,
                      const struct answer *wanted, struct lnf_error *error)
{
    const struct lnf_memory_spec spec = {.limit = limit, .directory = "/tmp"};
    lnf_memory_t *memory = NULL;
    lnf_table_t *table = NULL, *part = NULL;
    size_t size = lnf_query_row_size(query);

    int status = lnf_memory_create(&spec, &memory);
    if (status == LNF_OK) {
        status = lnf_table_create_limited(query, memory, &table);
    }
    if (status == LNF_OK) {
        status = lnf_table_create_limited(query, memory, &part);
    }
    if (status == LNF_OK) {
        status = lnf_table_add(table, rows, count / 2);
    }
    if (status == LNF_OK) {
        status = lnf_table_add(part, rows + count / 2 * size, count - count / 2);
    }
    if (status == LNF_OK) {
        status = lnf_table_merge(table, part);
    }
    if (status == LNF_OK) {
        status = lnf_table_finish(table, true);
    }
    allocations_left = -1; /* the rest is checking, for which Check needs memory and a file, too */
    limit_files(0);
    if (status == LNF_OK) {
        check_same(query, read_answer(query, table), wanted);
    } else if (part != NULL) {
        const lnf_table_t *failed = lnf_table_error(part, NULL) != LNF_OK ? part : table;
        ck_assert_int_eq(lnf_table_error(failed, error), status);
    }
    lnf_table_destroy(table);
    lnf_table_destroy(part);
    ck_assert(memory == NULL || lnf_memory_used(memory) == 0);
    lnf_memory_destroy(memory);
    return status;
}

static lnf_query_t *failing_query(int kind)
{
    static const struct lnf_query_column columns[] = {VALUE(LNF_FLD_DOCTETS),
                                                      VALUE(LNF_FLD_SRCADDR)};
    const struct lnf_query_spec sort = {
        .mode = LNF_QUERY_SORT, .columns = columns, .column_count = 2, .sort_column = 0};
    const struct lnf_query_spec list = {
        .mode = LNF_QUERY_LIST, .columns = columns, .column_count = 2, .sort_column = -1};

    return kind == 0   ? tuple_query(0)
           : kind == 1 ? tuple_query(10)
           : kind == 2 ? create_query(&sort)
                       : create_query(&list);
}

/** Memory runs out at every possible moment. */
START_TEST(test_no_memory)
{
    lnf_query_t *query = failing_query(_i);
    const size_t count = 4500;
    uint8_t *rows = random_rows(query, count, 250);
    struct answer wanted = expect(query, rows, count, true);
    unsigned descriptors = open_descriptors();
    int status = LNF_ERR_NOMEM;

    for (long allowed = 1; status != LNF_OK; allowed += 1 + allowed / 50) {
        struct lnf_error error = {.text = ""};
        ck_assert_int_lt(allowed, 1000000);
        allocations_left = allowed;
        status = try_answer(query, rows, count, 1, &wanted, &error);
        allocations_left = -1;
        ck_assert_msg(status == LNF_OK || status == LNF_ERR_NOMEM, "status %d: %s", status,
                      error.text);
        ck_assert_uint_eq(open_descriptors(), descriptors);
    }
    free(wanted.rows);
    free(rows);
    lnf_query_destroy(query);
}
END_TEST

/** The disk is full after more and more octets. */
START_TEST(test_disk_full)
{
    lnf_query_t *query = failing_query(_i);
    const size_t count = 9000;
    uint8_t *rows = random_rows(query, count, 250);
    struct answer wanted = expect(query, rows, count, true);
    unsigned descriptors = open_descriptors(), failures = 0;
    int status = LNF_ERR_WRITE;

    ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    for (uint64_t octets = 1000; status != LNF_OK; octets += octets / 4) {
        struct lnf_error error = {.text = ""};
        limit_files(octets);
        status = try_answer(query, rows, count, 20000, &wanted, &error);
        ck_assert_uint_eq(open_descriptors(), descriptors);
        if (status != LNF_OK) {
            ck_assert_int_eq(status, LNF_ERR_WRITE);
            ck_assert_msg(strstr(error.text, "/tmp: cannot write") != NULL &&
                              strstr(error.text, strerror(EFBIG)) != NULL,
                          "%s", error.text);
            failures++;
        }
    }
    ck_assert_uint_gt(failures, 3);
    free(wanted.rows);
    free(rows);
    lnf_query_destroy(query);
}
END_TEST

/** The table is as it was before a write that failed, and goes on once there is room. */
START_TEST(test_disk_full_for_a_while)
{
    lnf_query_t *query = tuple_query(0);
    lnf_memory_t *memory = create_memory(200000);
    lnf_table_t *table = create_table(query, memory);
    uint8_t *rows = tuple_rows(9000);
    struct answer wanted = expect(query, rows, 9000, true);
    size_t added = 0;
    int status = LNF_OK;

    ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    limit_files(1000);
    while (added < 9000 &&
           (status = lnf_table_add(table, rows + added * TUPLE_SIZE, 100)) == LNF_OK) {
        added += 100;
    }
    limit_files(0);
    ck_assert_int_eq(status, LNF_ERR_WRITE);
    ck_assert_uint_gt(added, 0);
    ck_assert_uint_eq(lnf_table_count(table), added);
    add(table, rows + added * TUPLE_SIZE, 9000 - added);
    ck_assert_int_eq(lnf_table_finish(table, true), LNF_OK);
    ck_assert_uint_eq(lnf_table_count(table), wanted.count);
    lnf_table_destroy(table);
    destroy_memory(memory);
    free(wanted.rows);
    free(rows);
    lnf_query_destroy(query);
}
END_TEST

START_TEST(test_no_directory)
{
    lnf_query_t *query = tuple_query(0);
    const struct lnf_memory_spec spec = {.limit = 1, .directory = "/nowhere/at/all"};
    struct lnf_error error = {.text = ""};
    lnf_memory_t *memory;
    uint8_t *rows = tuple_rows(9000);

    ck_assert_int_eq(lnf_memory_create(&spec, &memory), LNF_OK);
    lnf_table_t *table = create_table(query, memory);
    ck_assert_int_eq(lnf_table_error(table, &error), LNF_OK);
    ck_assert_int_eq(lnf_table_add(table, rows, 9000), LNF_ERR_WRITE);
    ck_assert_int_eq(lnf_table_error(table, &error), LNF_ERR_WRITE);
    ck_assert_str_eq(error.text, "/nowhere/at/all: cannot create a temporary file: "
                                 "No such file or directory");
    lnf_table_destroy(table);
    lnf_memory_destroy(memory);
    free(rows);
    lnf_query_destroy(query);
}
END_TEST

/** Where a file cannot be without a name it has one for a moment; and $TMPDIR is where it is. */
START_TEST(test_named_file)
{
    char directory[] = "/tmp/test_spill_XXXXXX";
    lnf_query_t *query = tuple_query(10);
    const struct lnf_memory_spec spec = {.limit = 1};
    lnf_memory_t *memory;
    uint8_t *rows = tuple_rows(3000);
    struct answer wanted = expect(query, rows, 3000, true);

    ck_assert_ptr_nonnull(mkdtemp(directory));
    ck_assert_int_eq(setenv("TMPDIR", directory, 1), 0);
    ck_assert_int_eq(lnf_memory_create(&spec, &memory), LNF_OK);
    ck_assert_int_eq(unsetenv("TMPDIR"), 0);
    lnf_table_t *table = create_table(query, memory);
    no_tmpfile = true;
    add(table, rows, 3000);
    no_tmpfile = false;
    ck_assert_uint_gt(lnf_memory_spilled(memory), 0);
    ck_assert_int_eq(rmdir(directory), 0); /* the file has no name any more */
    lnf_table_destroy(table);

    table = create_table(query, memory);
    ck_assert_int_eq(lnf_table_add(table, rows, 3000), LNF_ERR_WRITE);
    lnf_table_destroy(table);
    lnf_memory_destroy(memory);
    free(wanted.rows);
    free(rows);
    lnf_query_destroy(query);
}
END_TEST

/** Cuts the file of a table's rows short. */
static void truncate_file(const lnf_table_t *table)
{
    const struct lnf_spill_file *file =
        table->spill->answer_file != NULL ? table->spill->answer_file : table->spill->files[0];

    ck_assert_int_eq(ftruncate(file->fd, 100), 0);
}

/** Files that lost their end: an error that says so, before and after finishing. */
START_TEST(test_unreadable)
{
    lnf_query_t *query = failing_query(_i);
    unsigned descriptors = open_descriptors();
    uint8_t *rows = random_rows(query, 9000, 250);

    for (int finished = 0; finished < 2; finished++) {
        struct lnf_error error = {.text = ""};
        lnf_memory_t *memory = create_memory(20000);
        lnf_table_t *table = create_table(query, memory);
        add(table, rows, 9000);
        if (finished) {
            check_ok(lnf_table_finish(table, true), table);
        }
        check_ok(lnf_spill_out(table), table); /* nothing is appended after the cut */
        truncate_file(table);
        int status = finished ? LNF_OK : lnf_table_finish(table, true);
        uint8_t *read = malloc(9000 * lnf_query_row_size(query));
        if (status == LNF_OK && _i != 1) {
            ck_assert_uint_eq(lnf_table_rows(table, 0, 9000, read), 0);
        }
        free(read);
        if (_i != 1 || !finished) { /* the ten best are in memory by then */
            ck_assert_int_eq(lnf_table_error(table, &error), LNF_ERR_READ);
            ck_assert_str_eq(error.text, "/tmp: cannot read a temporary file: it is shorter than "
                                         "what was written");
        }
        lnf_table_destroy(table);
        destroy_memory(memory);
        ck_assert_uint_eq(open_descriptors(), descriptors);
    }
    free(rows);
    lnf_query_destroy(query);
}
END_TEST

/** Rows of a run in two extents whose file is cut at every length: those before the cut can be
 * read, one by one and many at once; all others are errors that name the place. */
START_TEST(test_cut_run)
{
    enum { ROW = 7, ROWS = 12, ALL = ROW * ROWS, FIRST_EXTENT = 5 };
    lnf_memory_t *memory = create_memory(0);
    struct lnf_spill_file *spill_file;
    struct lnf_run run = {0};
    uint8_t rows[ALL], got[ALL];

    for (unsigned i = 0; i < ALL; i++) {
        rows[i] = (uint8_t)(i + 1);
    }
    ck_assert_int_eq(lnf_spill_file_create(memory, &spill_file, NULL), LNF_OK);
    ck_assert_int_eq(lnf_run_reserve(&run, 2), LNF_OK);
    lnf_run_append(&run, spill_file, 0, FIRST_EXTENT);
    lnf_run_append(&run, spill_file, FIRST_EXTENT * ROW, ROWS - FIRST_EXTENT);
    ck_assert_int_eq(lnf_spill_file_write(spill_file, 0, rows, ALL, NULL), LNF_OK);
    for (unsigned size = ALL + 1; size-- > 0;) {
        struct lnf_error error = {.text = ""};
        struct lnf_run_reader reader;
        size_t count = 1, whole = 0;
        int status = LNF_OK;
        ck_assert_int_eq(ftruncate(spill_file->fd, size), 0);
        for (unsigned row = 0; row < ROWS; row++) {
            bool there = (row + 1) * ROW <= size;
            ck_assert_int_eq(lnf_run_rows(&run, ROW, row, 1, got, &error),
                             there ? LNF_OK : LNF_ERR_READ);
            ck_assert(!there || memcmp(got, rows + row * ROW, ROW) == 0);
            ck_assert(there || error.offset == (size > row * ROW ? size : row * ROW));
        }
        ck_assert_int_eq(lnf_run_rows(&run, ROW, 0, ROWS, got, NULL),
                         size == ALL ? LNF_OK : LNF_ERR_READ);
        ck_assert_int_eq(lnf_run_reader_init(&reader, &run, ROW, 2 * ROW), LNF_OK);
        while (count > 0 && (status = lnf_run_reader_next(&reader, &count, NULL)) == LNF_OK) {
            ck_assert_int_eq(memcmp(reader.buffer, rows + whole * ROW, count * ROW), 0);
            whole += count;
        }
        ck_assert_int_eq(status, size == ALL ? LNF_OK : LNF_ERR_READ);
        ck_assert_uint_eq(whole, size / (2 * ROW) * 2);
        lnf_run_reader_clear(&reader);
    }
    lnf_run_clear(&run);
    lnf_spill_file_destroy(spill_file);
    lnf_memory_destroy(memory);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("libnf/spill");
    TCase *same = tcase_create("the same answers");
    TCase *bounded = tcase_create("bounded memory");
    TCase *partitions = tcase_create("partitions");
    TCase *failures = tcase_create("failures");

    tcase_set_timeout(same, 240);
    tcase_add_loop_test(same, test_random_aggregate, 0, 6);
    tcase_add_loop_test(same, test_random_sort, 0, 4);
    tcase_add_loop_test(same, test_random_list, 0, 2);
    tcase_add_test(same, test_deep);
    tcase_add_test(same, test_fits);
    tcase_add_loop_test(same, test_hold, 0, 2);
    tcase_add_test(same, test_unfinished);
    tcase_add_test(same, test_merge_refused);
    suite_add_tcase(suite, same);

    tcase_set_timeout(bounded, 240);
    tcase_add_loop_test(bounded, test_resident, 0, 2);
    suite_add_tcase(suite, bounded);

    tcase_set_timeout(partitions, 240);
    tcase_add_loop_test(partitions, test_partitions, 0, 4);
    tcase_add_test(partitions, test_partition_fixed);
    tcase_add_test(partitions, test_partition_even);
    tcase_add_test(partitions, test_hostile_partition);
    tcase_add_test(partitions, test_partition_without_columns);
    tcase_add_test(partitions, test_partition_stop);
    tcase_add_loop_test(partitions, test_answer, 0, 8);
    suite_add_tcase(suite, partitions);

    tcase_set_timeout(failures, 240);
    tcase_add_loop_test(failures, test_no_memory, 0, 4);
    tcase_add_loop_test(failures, test_disk_full, 0, 4);
    tcase_add_test(failures, test_disk_full_for_a_while);
    tcase_add_test(failures, test_no_directory);
    tcase_add_test(failures, test_named_file);
    tcase_add_loop_test(failures, test_unreadable, 0, 4);
    tcase_add_test(failures, test_cut_run);
    suite_add_tcase(suite, failures);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
