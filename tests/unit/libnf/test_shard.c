/* SPDX-License-Identifier: BSD-3-Clause */
/** Tables that threads fill together: the answers of one table, with and without a limit of memory.
 */
#include "shard.h"

#include "random_table.h"
#include "spill.h"

#include <libnf/bytes.h>
#include <pthread.h>

#define THREADS_MAX 4u

static lnf_memory_t *create_memory(uint64_t limit, const char *directory)
{
    const struct lnf_memory_spec spec = {.limit = limit, .directory = directory};
    lnf_memory_t *memory = NULL;

    ck_assert_int_eq(lnf_memory_create(&spec, &memory), LNF_OK);
    return memory;
}

static void destroy_memory(lnf_memory_t *memory)
{
    ck_assert_uint_eq(lnf_memory_used(memory), 0);
    lnf_memory_destroy(memory);
}

static lnf_table_t *create_shared(const lnf_query_t *query, lnf_memory_t *memory)
{
    lnf_table_t *shared = NULL;

    ck_assert_int_eq(lnf_table_create_shared(query, memory, &shared), LNF_OK);
    return shared;
}

/* ---- threads --------------------------------------------------------------------------------- */

struct filler {
    pthread_t thread;
    lnf_table_t *shared;
    const uint8_t *rows;
    size_t count;
    int status; /* of the first failure */
};

/** Adds rows to a local table that passes them on often. */
static void *fill(void *context)
{
    struct filler *filler = context;
    size_t size = filler->shared->query->row_size;
    lnf_table_t *local = NULL;

    filler->status = lnf_table_create_local(filler->shared, &local);
    if (filler->status != LNF_OK) {
        return NULL;
    }
    local->local_room = 700;
    for (size_t start = 0, some; start < filler->count && filler->status == LNF_OK; start += some) {
        some = filler->count - start < 500 ? filler->count - start : 500;
        filler->status = lnf_table_add(local, filler->rows + start * size, some);
        if (filler->status != LNF_OK) {
            struct lnf_error error = {.text = ""};
            ck_assert_int_eq(lnf_table_error(local, &error), filler->status);
            ck_assert_str_ne(error.text, "");
        }
    }
    if (filler->status == LNF_OK) {
        filler->status = lnf_table_merge(filler->shared, local);
        ck_assert_uint_eq(lnf_table_count(local), 0);
    }
    lnf_table_destroy(local);
    return NULL;
}

/** Rows dealt to threads; what the first of them that failed has to say. */
static int fill_shared(lnf_table_t *shared, const uint8_t *rows, size_t count, unsigned threads)
{
    struct filler fillers[THREADS_MAX];
    size_t start = 0;
    int status = LNF_OK;

    for (unsigned i = 0; i < threads; i++) {
        size_t end = i + 1 == threads ? count : count * (i + 1) / threads;
        fillers[i] = (struct filler){
            .shared = shared, .rows = rows + start * shared->query->row_size, .count = end - start};
        start = end;
        ck_assert_int_eq(pthread_create(&fillers[i].thread, NULL, fill, &fillers[i]), 0);
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(fillers[i].thread, NULL);
        status = status == LNF_OK ? fillers[i].status : status;
    }
    return status;
}

/* ---- the same answers ------------------------------------------------------------------------ */

static int add_to_table(void *context, const uint8_t *rows, size_t count)
{
    return lnf_table_add(context, rows, count);
}

/** Groups handed out by partition make the same answer. */
static void check_partitions(const lnf_query_t *query, lnf_table_t *shared,
                             const struct answer *wanted)
{
    lnf_table_t *table = create_table(query, NULL);

    for (unsigned p = 0; p < 3; p++) {
        check_ok(lnf_table_partition_rows(shared, p, 3, add_to_table, table), shared);
    }
    check_same(query, finish(query, table, true), wanted);
    lnf_table_destroy(table);
}

static int add_dealt(void *context, unsigned partition, const uint8_t *row)
{
    (void)partition;
    return lnf_table_add(context, row, 1);
}

/** So do those dealt out in one pass; and keys are found in all shards or in none. */
static void check_deal(const lnf_query_t *query, lnf_table_t *shared, const struct answer *wanted)
{
    lnf_table_t *table = create_table(query, NULL);
    size_t size = lnf_query_row_size(query), found = 0, elsewhere = 0;
    uint8_t *key = malloc(lnf_query_key_size(query) + 1), *row = malloc(size + 1);

    check_ok(lnf_table_deal_rows(shared, 3, add_dealt, table), shared);
    check_same(query, finish(query, table, true), wanted);
    for (size_t i = 0; i < wanted->count; i++) {
        lnf_query_row_key(query, wanted->rows + i * size, key);
        int status = lnf_table_find(shared, key, row);
        ck_assert(status == LNF_OK || status == LNF_ERR_OTHER);
        if (status == LNF_OK) {
            ck_assert_mem_eq(row, wanted->rows + i * size, size);
            found++;
        } else {
            elsewhere++;
        }
    }
    ck_assert(found == 0 || elsewhere == 0);
    free(key);
    free(row);
    lnf_table_destroy(table);
}

/** Every number is 0 or more, so those from 0 on are all groups; other orders have no such bound.
 */
static void check_reaching(const lnf_query_t *query, lnf_table_t *shared,
                           const struct answer *wanted)
{
    lnf_table_t *table = create_table(query, NULL);
    uint64_t rank;

    if (lnf_query_number_rank(query, 0, &rank)) {
        check_ok(lnf_table_reaching_rows(shared, 0, add_to_table, table), shared);
        check_same(query, finish(query, table, true), wanted);
    } else {
        ck_assert_int_eq(lnf_table_reaching_rows(shared, 0, add_to_table, table), LNF_ERR_OTHER);
    }
    lnf_table_destroy(table);
}

/** Rows in no order, before the table is finished, make the same answer. */
static void check_unordered(const lnf_query_t *query, lnf_table_t *shared,
                            const struct answer *wanted)
{
    struct answer all = read_answer(query, shared);
    lnf_table_t *table = create_table(query, NULL);

    add(table, all.rows, all.count);
    check_same(query, finish(query, table, true), wanted);
    lnf_table_destroy(table);
    free(all.rows);
}

static void check_shared(const lnf_query_t *query, uint64_t limit, const uint8_t *rows,
                         size_t count, const struct answer *wanted, const struct answer *all)
{
    lnf_memory_t *memory = limit == 0 ? NULL : create_memory(limit, "/tmp");
    lnf_table_t *shared = create_shared(query, memory);
    size_t before = count == 0 ? 0 : below(count);

    check_ok(fill_shared(shared, rows, before, 1 + (unsigned)below(THREADS_MAX)), shared);
    if (below(2) == 0) {
        check_ok(lnf_table_finish(shared, true), shared); /* more comes afterwards */
    }
    check_ok(fill_shared(shared, rows + before * query->row_size, count - before,
                         1 + (unsigned)below(THREADS_MAX)),
             shared);
    check_unordered(query, shared, wanted);
    check_same(query, finish(query, shared, false), all);
    check_partitions(query, shared, wanted);
    check_deal(query, shared, wanted);
    check_reaching(query, shared, wanted);
    check_same(query, finish(query, shared, true), wanted);
    check_places(query, shared, wanted);
    lnf_table_destroy(shared);
    if (memory != NULL) {
        destroy_memory(memory);
    }
}

START_TEST(test_random)
{
    static const uint64_t limits[] = {0, 1, 300000, (uint64_t)1 << 40};

    random_state = 4711 + (uint64_t)_i;
    for (unsigned i = 0; i < 10; i++) {
        lnf_query_t *query = random_query(LNF_QUERY_AGGREGATE);
        size_t count = below(12000);
        uint8_t *rows = random_rows(query, count, _i % 2 == 0 ? 8 : 250);
        struct answer wanted = expect(query, rows, count, true);
        struct answer all = expect(query, rows, count, false);
        check_shared(query, limits[below(LENGTH(limits))], rows, count, &wanted, &all);
        free(wanted.rows);
        free(all.rows);
        free(rows);
        lnf_query_destroy(query);
    }
}
END_TEST

static const struct lnf_query_column address_columns[] = {
    KEY(LNF_FLD_SRCADDR), VALUE(LNF_FLD_DOCTETS), VALUE(LNF_FLD_AGGR_FLOWS)};

static lnf_query_t *address_query(uint64_t limit)
{
    const struct lnf_query_spec spec = {.mode = LNF_QUERY_AGGREGATE,
                                        .columns = address_columns,
                                        .column_count = LENGTH(address_columns),
                                        .sort_column = 1,
                                        .sort_descending = true,
                                        .limit = limit};

    return create_query(&spec);
}

/** Row i is of address i and has i % 1000 octets: `count` groups, most of them with equals. */
static uint8_t *address_rows(const lnf_query_t *query, size_t count)
{
    uint8_t *rows = calloc(count, query->row_size);

    ck_assert_ptr_nonnull(rows);
    for (size_t i = 0; i < count; i++) {
        lnf_store_u32(rows + i * query->row_size + 12, htobe32((uint32_t)i));
        lnf_store_u64(rows + i * query->row_size + 16, htobe64(i % 1000));
        lnf_store_u64(rows + i * query->row_size + 24, htobe64(1));
    }
    return rows;
}

/** More rows than lie between two marks of the order, read from anywhere. */
START_TEST(test_long_answer)
{
    lnf_query_t *query = address_query(0);
    size_t count = 60000;
    uint8_t *rows = address_rows(query, count);
    struct answer wanted = expect(query, rows, count, true);

    random_state = 1;
    check_shared(query, _i == 0 ? 0 : 600000, rows, count, &wanted, &wanted);
    free(wanted.rows);
    free(rows);
    lnf_query_destroy(query);
}
END_TEST

/** Every kind of table into every other. */
START_TEST(test_merge)
{
    lnf_query_t *query = address_query(50);
    size_t count = 9000, size = lnf_query_row_size(query);
    uint8_t *rows = address_rows(query, count);
    struct answer wanted = expect(query, rows, count, true);
    lnf_memory_t *memory = create_memory(100000, "/tmp");
    lnf_table_t *tables[] = {create_shared(query, memory), create_shared(query, memory),
                             create_table(query, memory)};

    random_state = 2;
    for (unsigned i = 0; i < 3; i++) {
        check_ok(lnf_table_add(tables[i], rows + i * 3000 * size, 3000), tables[i]);
    }
    ck_assert(lnf_table_is_spilled(tables[2])); /* the plain one gives what it has in files */
    lnf_table_t *to = tables[_i == 2 ? 2 : 0], *last = tables[_i == 2 ? 0 : 2];
    check_ok(lnf_table_merge(to, tables[1]), to);
    check_ok(lnf_table_merge(to, last), to);
    ck_assert_uint_eq(lnf_table_count(tables[1]), 0);
    ck_assert_uint_eq(lnf_table_count(last), 0);
    check_same(query, finish(query, to, true), &wanted);
    for (unsigned i = 0; i < 3; i++) {
        lnf_table_destroy(tables[i]);
    }
    destroy_memory(memory);
    free(wanted.rows);
    free(rows);
    lnf_query_destroy(query);
}
END_TEST

/** Rows added after the table was finished: all groups are there again, not only the first of each
 * shard. */
START_TEST(test_add_after_finish)
{
    lnf_query_t *query = address_query(1);
    size_t count = 1000;
    uint8_t *rows = address_rows(query, count);
    lnf_memory_t *memory = create_memory((uint64_t)1 << 40, "/tmp");
    lnf_table_t *shared = create_shared(query, _i == 0 ? NULL : memory);

    check_ok(fill_shared(shared, rows, count, 2), shared);
    check_ok(lnf_table_finish(shared, true), shared);
    ck_assert_uint_eq(lnf_table_count(shared), 1);
    check_ok(lnf_table_add(shared, rows, 1), shared);
    ck_assert_uint_eq(lnf_table_count(shared), count);
    check_ok(lnf_table_finish(shared, true), shared);
    check_ok(fill_shared(shared, rows, 1, 1), shared);
    ck_assert_uint_eq(lnf_table_count(shared), count);
    lnf_table_destroy(shared);
    destroy_memory(memory);
    free(rows);
    lnf_query_destroy(query);
}
END_TEST

/** Room for keys of two octets: a slot for each of them only where memory is plenty, in the local
 * tables, which nobody charges, as in all others. */
START_TEST(test_small_keys)
{
    static const uint64_t limits[] = {0, 1000000, (uint64_t)1 << 40};
    static const struct lnf_query_column columns[] = {KEY(LNF_FLD_SRCPORT), VALUE(LNF_FLD_DPKTS)};
    const struct lnf_query_spec spec = {
        .mode = LNF_QUERY_AGGREGATE, .columns = columns, .column_count = 2, .sort_column = -1};
    lnf_query_t *query = create_query(&spec);
    lnf_memory_t *memory = limits[_i] == 0 ? NULL : create_memory(limits[_i], "/tmp");
    lnf_table_t *shared = create_shared(query, memory), *local = NULL;
    size_t slots = (sizeof(uint64_t) << 16);

    random_state = 3;
    uint8_t *rows = random_rows(query, 100, 50);
    ck_assert_int_eq(lnf_table_create_local(shared, &local), LNF_OK);
    check_ok(lnf_table_add(local, rows, 100), local);
    if (limits[_i] == 1000000) {
        ck_assert_uint_lt(lnf_table_memory(local), slots / 4);
    } else {
        ck_assert_uint_gt(lnf_table_memory(local), slots);
    }
    lnf_table_destroy(local);
    lnf_table_destroy(shared);
    if (memory != NULL) {
        destroy_memory(memory);
    }
    free(rows);
    lnf_query_destroy(query);
}
END_TEST

/* ---- bad use --------------------------------------------------------------------------------- */

START_TEST(test_wrong_kinds)
{
    static const struct lnf_query_column value[] = {VALUE(LNF_FLD_DOCTETS)};
    const struct lnf_query_spec spec = {
        .mode = LNF_QUERY_LIST, .columns = value, .column_count = 1, .sort_column = -1};
    lnf_query_t *list = create_query(&spec), *query = address_query(10);
    lnf_table_t *plain = create_table(query, NULL), *table = NULL;
    lnf_table_t *shared = create_shared(query, NULL);

    ck_assert_int_eq(lnf_table_create_shared(list, NULL, &table), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_table_create_local(plain, &table), LNF_ERR_OTHER);
    ck_assert_ptr_null(table);
    ck_assert_int_eq(lnf_table_add_batch(shared, NULL, NULL, 1), LNF_ERR_OTHER);
    ck_assert_uint_eq(lnf_table_count(shared), 0);
    lnf_table_destroy(shared);
    lnf_table_destroy(plain);
    lnf_query_destroy(query);
    lnf_query_destroy(list);
}
END_TEST

/** A file that cannot be made fails every thread, with the reason. */
START_TEST(test_no_files)
{
    lnf_query_t *query = address_query(0);
    size_t count = 40000;
    uint8_t *rows = address_rows(query, count);
    lnf_memory_t *memory = create_memory(1, "/nowhere/at/all");
    lnf_table_t *shared = create_shared(query, memory);
    struct lnf_error error = {.text = ""};

    ck_assert_int_eq(fill_shared(shared, rows, count, THREADS_MAX), LNF_ERR_WRITE);
    ck_assert_int_eq(lnf_table_error(shared, &error), LNF_ERR_WRITE);
    ck_assert_msg(strstr(error.text, "/nowhere/at/all") != NULL, "%s", error.text);
    lnf_table_destroy(shared);
    destroy_memory(memory);
    free(rows);
    lnf_query_destroy(query);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shard");
    TCase *cases = tcase_create("shard");

    tcase_add_loop_test(cases, test_random, 0, 6);
    tcase_add_loop_test(cases, test_long_answer, 0, 2);
    tcase_add_loop_test(cases, test_merge, 0, 3);
    tcase_add_loop_test(cases, test_add_after_finish, 0, 2);
    tcase_add_loop_test(cases, test_small_keys, 0, 3);
    tcase_add_test(cases, test_wrong_kinds);
    tcase_add_test(cases, test_no_files);
    tcase_set_timeout(cases, 240);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
