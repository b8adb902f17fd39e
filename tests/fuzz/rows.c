/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Fuzz target: packed rows as a hostile peer could send them, for any question, with and without a
 * limit of memory. Both must give the same answer, and partitions all groups.
 *
 * Input: kind of question, columns, order and limit, how rows are repeated; then the rows.
 */
#include <libnf.h>
#include <libnf/bytes.h>
#include <libnf/scan.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COLUMNS_MAX 12u
#define ROWS_MAX 3000u
#define CHOICE_TEXT 127u /* beside the fields of the table */

static const int fields[] = {
    LNF_FLD_SRCADDR,    LNF_FLD_DSTADDR,       LNF_FLD_SRCPORT,  LNF_FLD_PROT,
    LNF_FLD_FIRST,      LNF_FLD_LAST,          LNF_FLD_INPUT,    LNF_FLD_IN_SRC_MAC,
    LNF_FLD_PAIR_ADDR,  LNF_FLD_DPKTS,         LNF_FLD_DOCTETS,  LNF_FLD_AGGR_FLOWS,
    LNF_FLD_TCP_FLAGS,  LNF_FLD_CALC_DURATION, LNF_FLD_CALC_BPS, LNF_FLD_CALC_PPS,
    LNF_FLD_IP_NEXTHOP, LNF_FLD_CALC_BPP,
};

/** Calls that cannot fail whatever the rows are. */
static void must(bool true_always)
{
    if (!true_always) {
        abort();
    }
}

static lnf_query_t *read_query(struct lnf_reader *r)
{
    struct lnf_query_column columns[COLUMNS_MAX];
    struct lnf_query_spec spec = {.columns = columns, .filter = NULL};
    lnf_query_t *query = NULL;

    spec.mode = (enum lnf_query_mode)(LNF_QUERY_LIST + lnf_read_u8(r) % 3);
    spec.column_count = lnf_read_u8(r) % (COLUMNS_MAX + 1);
    spec.sort_column = (int)(lnf_read_u8(r) % (COLUMNS_MAX + 1)) - 1;
    uint8_t flags = lnf_read_u8(r);
    spec.sort_descending = (flags & 1) != 0;
    spec.limit = (flags & 2) != 0 ? lnf_read_u8(r) : 0;
    for (unsigned i = 0; i < spec.column_count; i++) {
        uint8_t choice = lnf_read_u8(r);
        columns[i].field = (choice & 127) == CHOICE_TEXT
                               ? LNF_FLD_USERNAME
                               : fields[(choice & 127) % (sizeof(fields) / sizeof(fields[0]))];
        columns[i].role = (choice & 128) != 0 ? LNF_COLUMN_KEY : LNF_COLUMN_VALUE;
        columns[i].bits4 = choice % 33;
        columns[i].bits6 = choice % 129;
    }
    if (r->failed || lnf_query_create(&spec, &query, NULL) != LNF_OK) {
        return NULL;
    }
    return query;
}

/** Rows of the input, over and over with one octet changed: enough of them to need files. */
static uint8_t *read_rows(struct lnf_reader *r, size_t row_size, size_t *count)
{
    size_t repeat = 1 + (size_t)lnf_read_u8(r) * 8;
    size_t given = row_size == 0 ? lnf_read_u8(r) : lnf_reader_left(r) / row_size;

    given = given < ROWS_MAX ? given : ROWS_MAX;
    repeat = given == 0 || given * repeat > ROWS_MAX ? 1 : repeat;
    *count = given * repeat;
    uint8_t *rows = malloc(*count * row_size + 1);
    must(rows != NULL);
    const uint8_t *octets = row_size == 0 ? rows : lnf_read_bytes(r, given * row_size);
    for (size_t i = 0; i < repeat && row_size > 0 && given > 0; i++) {
        uint8_t *copy = rows + i * given * row_size;
        memcpy(copy, octets, given * row_size);
        copy[i % (given * row_size)] ^= (uint8_t)i;
    }
    return rows;
}

static uint8_t *answer(const lnf_query_t *query, const lnf_table_t *table)
{
    size_t count = lnf_table_count(table);
    uint8_t *rows = malloc(count * lnf_query_row_size(query) + 1);

    must(rows != NULL);
    must(lnf_table_rows(table, 0, count, rows) == count);
    return rows;
}

/** Where the groups of a partition go. */
struct dealing {
    const lnf_query_t *query;
    lnf_table_t *table;
    unsigned partition, partitions;
};

static int deal(void *context, const uint8_t *rows, size_t count)
{
    struct dealing *dealing = context;
    size_t size = count * lnf_query_row_size(dealing->query);

    must(lnf_table_add_partition(dealing->table, dealing->partition, dealing->partitions, rows,
                                 size + 1, count) == LNF_ERR_CORRUPT);
    return lnf_table_add_partition(dealing->table, dealing->partition, dealing->partitions, rows,
                                   size, count);
}

static void check_same(const lnf_query_t *query, lnf_table_t *a, lnf_table_t *b)
{
    must(lnf_table_finish(a, true) == LNF_OK && lnf_table_finish(b, true) == LNF_OK);
    must(lnf_table_count(a) == lnf_table_count(b));
    uint8_t *rows_a = answer(query, a), *rows_b = answer(query, b);
    size_t size = lnf_query_row_size(query), count = lnf_table_count(a);
    must(memcmp(rows_a, rows_b, size * count) == 0);
    for (size_t i = 0; i < count && size > 0; i++) {
        struct lnf_value value;
        lnf_query_row_value(query, rows_a + i * size, 0, &value);
        (void)lnf_query_row_compare(query, rows_a + i * size, rows_b);
    }
    free(rows_a);
    free(rows_b);
}

/** All groups dealt out to another table, partition by partition. */
static void check_partitions(const lnf_query_t *query, lnf_table_t *table, lnf_memory_t *memory,
                             unsigned partitions)
{
    struct dealing dealing = {.query = query, .partitions = partitions};

    must(lnf_table_create_limited(query, memory, &dealing.table) == LNF_OK);
    for (; dealing.partition < partitions; dealing.partition++) {
        must(lnf_table_partition_rows(table, dealing.partition, partitions, deal, &dealing) ==
             LNF_OK);
    }
    check_same(query, table, dealing.table);
    lnf_table_destroy(dealing.table);
}

static void run(const lnf_query_t *query, struct lnf_reader *r, bool aggregation)
{
    const struct lnf_memory_spec spec = {.limit = 1 + (uint64_t)lnf_read_u8(r) * 1000,
                                         .directory = "/tmp"};
    unsigned partitions = 1 + lnf_read_u8(r) % 100;
    lnf_table_t *table = NULL, *limited = NULL, *part = NULL;
    lnf_memory_t *memory = NULL;
    size_t count;
    uint8_t *rows = read_rows(r, lnf_query_row_size(query), &count);

    must(lnf_memory_create(&spec, &memory) == LNF_OK);
    must(lnf_table_create(query, &table) == LNF_OK);
    must(lnf_table_create_limited(query, memory, &limited) == LNF_OK);
    must(lnf_table_create_limited(query, memory, &part) == LNF_OK);
    must(lnf_table_add(table, rows, count) == LNF_OK);
    must(lnf_table_add(limited, rows, count / 2) == LNF_OK);
    must(lnf_table_add(part, rows + count / 2 * lnf_query_row_size(query), count - count / 2) ==
         LNF_OK);
    must(lnf_table_merge(limited, part) == LNF_OK);
    check_same(query, table, limited);
    if (aggregation) {
        check_partitions(query, limited, memory, partitions);
        /* As it would come from a peer that lies about everything. */
        (void)lnf_table_add_partition(limited, 0, partitions, rows,
                                      count * lnf_query_row_size(query), count + spec.limit % 2);
    }
    lnf_table_destroy(table);
    lnf_table_destroy(limited);
    lnf_table_destroy(part);
    must(lnf_memory_used(memory) == 0);
    lnf_memory_destroy(memory);
    free(rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lnf_reader r = lnf_reader_init(data, size);
    lnf_query_t *query = read_query(&r);

    if (query != NULL) {
        run(query, &r, LNF_QUERY_LIST + data[0] % 3 == LNF_QUERY_AGGREGATE);
        lnf_query_destroy(query);
    }
    return 0;
}
