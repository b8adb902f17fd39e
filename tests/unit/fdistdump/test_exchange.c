/* SPDX-License-Identifier: BSD-3-Clause */
/** Exchanges: the same answer as one table with all rows, whatever the rows, the question and the
 * number of slaves; and peers that break the rules are refused. */
#include "candidates.h"
#include "exchange.h"
#include "message.h"
#include "stream.h"
#include "suite_main.h"
#include "transport_double.h"

#include <libnf.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLAVES_MAX 8u
#define ROWS_MAX 1500u
#define ROOM EXCHANGE_CANDIDATES_MEMORY /* of TPUT, without a limit of memory */

static struct query query;
static lnf_query_t *compiled;
static const struct report report = {.fd = -1}; /* says nothing */
static size_t row_size;
static struct failure failure;
static bus_t *bus;
static lnf_memory_t *memories[SLAVES_MAX + 1];
static uint64_t memory_limit; /* 0 = none */
static uint64_t random_state;

static uint64_t random_number(uint64_t below)
{
    random_state += 0x9e3779b97f4a7c15u;
    uint64_t x = random_state;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    x ^= x >> 31;
    return below == 0 ? x : x % below;
}

/* ---- questions ------------------------------------------------------------------------------ */

static void forget(void)
{
    lnf_query_destroy(compiled);
    query_clear(&query);
    compiled = NULL;
}

static void ask(const char *keys, const char *order, const char *fields, unsigned limit)
{
    char limit_text[16];
    struct query_words words = {
        .aggregation = keys, .order = order, .fields = fields, .limit = limit_text};

    forget();
    snprintf(limit_text, sizeof(limit_text), "%u", limit);
    ck_assert_int_eq(query_build(&words, QUERY_RECORDS, &query, &failure), REPORT_OK);
    ck_assert_int_eq(query_compile(&query, &compiled, &failure), REPORT_OK);
    row_size = lnf_query_row_size(compiled);
}

static void setup(void)
{
    query = (struct query){.filter = NULL};
    failure = (struct failure){.class = REPORT_OK};
    memory_limit = 0;
}

static void teardown(void)
{
    forget();
    if (bus != NULL) {
        bus_destroy(bus);
        bus = NULL;
    }
}

/* ---- rows ----------------------------------------------------------------------------------- */

/** How values are spread. */
enum spread { SPREAD_TIES, SPREAD_SKEWED, SPREAD_WIDE, SPREAD_WRAPPING, SPREADS };

static uint64_t random_value(enum spread spread)
{
    switch (spread) {
    case SPREAD_TIES:
        return random_number(3);
    case SPREAD_SKEWED:
        return random_number(UINT64_C(1) << random_number(40));
    case SPREAD_WIDE:
        return random_number(UINT64_C(1) << 60);
    default:
        return random_number(0);
    }
}

static void put_number(uint8_t *at, size_t width, uint64_t value)
{
    for (size_t i = width; i-- > 0; value >>= 8) {
        at[i] = (uint8_t)value;
    }
}

/** Keys of a small world: addresses are IPv4 and IPv6. */
static void put_key(uint8_t *at, size_t width, uint64_t key)
{
    uint64_t mixed = (key + 1) * 0x9e3779b97f4a7c15u;

    if (width == 16) {
        put_number(at, 8, key % 3 == 0 ? mixed : 0);
        put_number(at + 8, 8, key % 3 == 0 ? key : mixed >> 40);
    } else {
        put_number(at, width, key);
    }
}

static void make_row(uint8_t *row, uint64_t keys, enum spread spread)
{
    size_t at = 0;

    for (unsigned i = 0; i < query.column_count; i++) {
        int field = query.columns[i].field, size = 0;
        if (field >= LNF_FLD_CALC_DURATION && field <= LNF_FLD_CALC_BPP) {
            continue; /* calculated from the hidden columns at the end */
        }
        ck_assert_int_eq(lnf_fld_info(field, LNF_FLD_INFO_SIZE, &size, sizeof(size)), LNF_OK);
        if (query.columns[i].role == LNF_COLUMN_KEY) {
            put_key(row + at, (size_t)size, random_number(keys));
        } else {
            put_number(row + at, (size_t)size, random_value(spread));
        }
        at += (size_t)size;
    }
    for (; at < row_size; at += 8) {
        ck_assert_uint_le(at + 8, row_size);
        put_number(row + at, 8, random_value(spread));
    }
}

struct rows {
    uint8_t *rows;
    size_t count;
};

static struct rows make_rows(size_t count, uint64_t keys, enum spread spread)
{
    struct rows rows = {malloc(count * row_size + 1), count};

    for (size_t i = 0; i < count; i++) {
        make_row(rows.rows + i * row_size, keys, spread);
    }
    return rows;
}

static lnf_table_t *make_table(lnf_memory_t *memory, const struct rows *rows)
{
    lnf_table_t *table;

    ck_assert_int_eq(lnf_table_create_limited(compiled, memory, &table), LNF_OK);
    ck_assert_int_eq(lnf_table_add(table, rows->rows, rows->count), LNF_OK);
    return table;
}

/** Rows of a table in order. */
static struct rows finish(lnf_table_t *table)
{
    struct rows answer;

    ck_assert_int_eq(lnf_table_finish(table, true), LNF_OK);
    answer.count = lnf_table_count(table);
    answer.rows = malloc(answer.count * row_size + 1);
    ck_assert_uint_eq(lnf_table_rows(table, 0, answer.count, answer.rows), answer.count);
    return answer;
}

/* ---- jobs ----------------------------------------------------------------------------------- */

struct player {
    pthread_t thread;
    struct exchange_slave slave;
    struct slave_counts counts;
    struct failure failure;
    int class;
};

static void *play(void *argument)
{
    struct player *player = argument;

    player->class = exchange_slave_run(&player->slave, &player->failure);
    return NULL;
}

static void start(struct player *player, unsigned rank, lnf_table_t *table)
{
    *player = (struct player){
        .slave =
            {
                .transport = bus_end(bus, rank),
                .query = &query,
                .compiled = compiled,
                .report = &report,
                .memory = memories[rank],
                .table = table,
                .counts = &player->counts,
                .octets = malloc(MESSAGE_MAX),
            },
    };
    ck_assert_int_eq(pthread_create(&player->thread, NULL, play, player), 0);
}

static void join(struct player *player)
{
    pthread_join(player->thread, NULL);
    lnf_table_destroy(player->slave.table);
    free(player->slave.octets);
}

static int receive(void *context, unsigned data_from, struct transport_message *message,
                   struct failure *why)
{
    return transport_wait(context, data_from, message, why);
}

static struct exchange_master make_master(unsigned slaves)
{
    return (struct exchange_master){
        .transport = bus_end(bus, 0),
        .query = &query,
        .compiled = compiled,
        .report = &report,
        .memory = memories[0],
        .slaves = slaves,
        .receive = receive,
        .context = bus_end(bus, 0),
    };
}

static void make_bus(unsigned slaves)
{
    if (bus != NULL) {
        bus_destroy(bus);
    }
    bus = bus_create(slaves + 1);
    for (unsigned i = 0; i <= slaves && memory_limit > 0; i++) {
        const struct lnf_memory_spec spec = {.limit = memory_limit};
        ck_assert_int_eq(lnf_memory_create(&spec, &memories[i]), LNF_OK);
    }
}

static void destroy_memories(void)
{
    for (unsigned i = 0; i <= SLAVES_MAX; i++) {
        lnf_memory_destroy(memories[i]);
        memories[i] = NULL;
    }
}

/** Answers with an exchange; `name` is the one that gave the answer, `total` what slaves counted.
 */
static struct rows answer(const struct rows *parts, unsigned slaves, enum query_exchange exchange,
                          const char **name, struct slave_counts *total)
{
    struct player players[SLAVES_MAX];

    query.exchange = exchange;
    make_bus(slaves);
    bus_make_synchronous(bus);
    for (unsigned i = 0; i < slaves; i++) {
        start(&players[i], i + 1, make_table(memories[i + 1], &parts[i]));
    }
    struct exchange_master master = make_master(slaves);
    int class = exchange_master_run(&master, &failure);
    ck_assert_msg(class == REPORT_OK, "%s", failure.text);
    *name = master.name;
    *total = (struct slave_counts){0};
    for (unsigned i = 0; i < slaves; i++) {
        join(&players[i]);
        ck_assert_msg(players[i].class == REPORT_OK, "%s", players[i].failure.text);
        slave_counts_add(total, &players[i].counts);
    }
    struct rows rows = finish(master.table);
    exchange_master_clear(&master);
    destroy_memories();
    return rows;
}

static unsigned by_name[4]; /* how often an exchange gave the answer */

static void count_name(const char *name)
{
    static const char *const names[] = {"", "gather", "tput", "shuffle"};

    for (unsigned i = 1; i < 4; i++) {
        by_name[i] += strcmp(names[i], name) == 0;
    }
}

/** All exchanges that suit the question answer it as one table with all rows does. */
static void check(const struct rows *parts, unsigned slaves)
{
    struct rows none = {(uint8_t *)"", 0};
    lnf_table_t *table = make_table(NULL, &none);

    for (unsigned i = 0; i < slaves; i++) {
        ck_assert_int_eq(lnf_table_add(table, parts[i].rows, parts[i].count), LNF_OK);
    }
    struct rows expected = finish(table);
    for (int e = QUERY_EXCHANGE_AUTO; e <= QUERY_EXCHANGE_SHUFFLE; e++) {
        struct slave_counts total;
        const char *name;
        query.exchange = (enum query_exchange)e;
        if (exchange_check(&query, &failure) != REPORT_OK) {
            continue;
        }
        struct rows got = answer(parts, slaves, (enum query_exchange)e, &name, &total);
        count_name(name);
        ck_assert_msg(got.count == expected.count, "%s with %u slaves: %zu rows, not %zu", name,
                      slaves, got.count, expected.count);
        ck_assert_msg(memcmp(got.rows, expected.rows, got.count * row_size) == 0,
                      "%s with %u slaves: another answer", name, slaves);
        free(got.rows);
    }
    free(expected.rows);
    lnf_table_destroy(table);
}

/* ---- the same answer ------------------------------------------------------------------------ */

static const char *const keys[] = {
    "srcip",         "srcip,dstip",      "proto", "srcport,srcip", "bytes,proto",
    "srcip,srcport", "dstip,proto,flags"};
static const char *const orders[] = {
    "bytes#desc", "bytes#asc",  "packets#desc", "flows#desc", "flows#asc", "outbytes#desc",
    "bps#desc",   "bps#asc",    "pps#desc",     "bpp#asc",    "bpp#desc",  "duration#desc",
    "first#asc",  "last#desc",  "srcip#desc",   "flags#desc", NULL,        "outpackets#desc",
    "bytes#desc", "flows#desc", "packets#desc", "cl#desc"};
static const char *const fields[] = {"",
                                     "flows,packets,bytes",
                                     "duration,flows,packets,bytes,flags,bps,pps,bpp",
                                     "first,last,dstip",
                                     "bps",
                                     "srcip,outbytes,outpackets"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PICK(array) ((array)[random_number(COUNT(array))])

static bool tput_refuses(void)
{
    query.exchange = QUERY_EXCHANGE_TPUT;
    return exchange_check(&query, &failure) != REPORT_OK;
}

/** One random question over random rows, of any kind or one for TPUT. */
static void check_random(bool is_for_tput)
{
    static const unsigned limits[] = {0, 1, 2, 3, 10, 10, 10, 50, 1000};
    static const unsigned worlds[] = {1, 5, 60, 2000};
    unsigned slaves = 1 + (unsigned)random_number(SLAVES_MAX);
    enum spread spread = (enum spread)random_number(SPREADS);
    struct rows parts[SLAVES_MAX];
    unsigned world = PICK(worlds);

    ask(PICK(keys), PICK(orders), PICK(fields), PICK(limits));
    while (is_for_tput && tput_refuses()) {
        ask(PICK(keys), PICK(orders), PICK(fields), PICK(limits));
    }
    for (unsigned i = 0; i < slaves; i++) {
        size_t count = random_number(4) == 0 ? random_number(3) : random_number(ROWS_MAX);
        parts[i] = make_rows(count, world, spread);
    }
    check(parts, slaves);
    for (unsigned i = 0; i < slaves; i++) {
        free(parts[i].rows);
    }
}

START_TEST(test_random)
{
    memset(by_name, 0, sizeof(by_name));
    for (unsigned i = 0; i < 16; i++) {
        random_state = (uint64_t)_i * 1000 + i;
        check_random(i % 2 == 0);
    }
    ck_assert_uint_gt(by_name[1], 15);
    ck_assert_uint_gt(by_name[2], 2);
    ck_assert_uint_gt(by_name[3], 10);
}
END_TEST

/** With hardly any memory tables are in files. */
START_TEST(test_random_spilled)
{
    memory_limit = _i % 2 == 0 ? 1 : 100000;
    for (unsigned i = 0; i < 6; i++) {
        random_state = 1000000 + (uint64_t)_i * 1000 + i;
        check_random(i % 3 == 0);
    }
}
END_TEST

/** Sorted records, with and without a limit. */
START_TEST(test_records)
{
    for (unsigned slaves = 1; slaves <= SLAVES_MAX; slaves++) {
        struct rows parts[SLAVES_MAX];
        random_state = 77 * slaves;
        ask(NULL, _i % 2 == 0 ? "bytes" : "bps#asc", "srcip,proto", _i < 2 ? 0 : 100);
        for (unsigned i = 0; i < slaves; i++) {
            parts[i] = make_rows(random_number(ROWS_MAX), 5, SPREAD_TIES);
        }
        check(parts, slaves);
        for (unsigned i = 0; i < slaves; i++) {
            free(parts[i].rows);
        }
    }
}
END_TEST

/** Rows of many messages, parcels and pieces. */
START_TEST(test_large)
{
    struct rows parts[4];

    random_state = 5;
    ask("srcip,dstip", _i == 0 ? NULL : _i == 1 ? "bytes" : "bpp#asc", NULL, _i == 1 ? 10 : 0);
    for (unsigned i = 0; i < 4; i++) {
        parts[i] = make_rows(20000, 10000, SPREAD_SKEWED);
    }
    check(parts, 4);
    for (unsigned i = 0; i < 4; i++) {
        free(parts[i].rows);
    }
}
END_TEST

/** More keys reach the threshold, and are asked for, than fit into one message. */
START_TEST(test_many_candidates)
{
    struct rows parts[2];
    struct slave_counts total;
    const char *name;

    random_state = 6;
    ask("srcip,dstip", "bytes", "", 10);
    for (unsigned i = 0; i < 2; i++) {
        parts[i] = make_rows(60000, 10000, SPREAD_TIES);
        for (size_t k = 0; k < parts[i].count && _i > 0; k++) { /* all totals are equal */
            put_number(parts[i].rows + k * row_size, 8, 2 * k + i);
            put_number(parts[i].rows + k * row_size + 32, 8, 1);
        }
    }
    check(parts, 2);
    struct rows got = answer(parts, 2, QUERY_EXCHANGE_TPUT, &name, &total);
    ck_assert_str_eq(name, "tput");
    ck_assert_uint_gt(total.sent[SLAVE_REACHING].rows, 2 * message_rows_per_message(40));
    ck_assert_int_eq(total.sent[SLAVE_COMPLETE].rows == 120000, _i > 0);
    free(got.rows);
    for (unsigned i = 0; i < 2; i++) {
        free(parts[i].rows);
    }
}
END_TEST

/* ---- values that are thought out ------------------------------------------------------------ */

/** A row of the keys `srcport` and the value `bytes`. */
static void put_port(struct rows *rows, uint16_t port, uint64_t bytes)
{
    rows->rows = realloc(rows->rows, (rows->count + 1) * row_size);
    uint8_t *row = rows->rows + rows->count++ * row_size;
    put_number(row, 2, port);
    put_number(row + 2, 8, bytes);
}

static uint64_t get_number(const uint8_t *at, size_t width)
{
    uint64_t value = 0;

    for (size_t i = 0; i < width; i++) {
        value = value << 8 | at[i];
    }
    return value;
}

static void free_parts(struct rows *parts, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        free(parts[i].rows);
    }
}

/** Partial sums bound totals from below only: the smallest is found by none of the first ones. */
START_TEST(test_ascending)
{
    struct rows parts[2] = {{NULL, 0}, {NULL, 0}};
    struct slave_counts total;
    const char *name;

    ask("srcport", "bytes#asc", "", 1);
    for (unsigned i = 0; i < 2; i++) {
        put_port(&parts[i], 'A', i == 0 ? 1 : 100);
        put_port(&parts[i], 'B', 5);
        put_port(&parts[i], 'C', i == 0 ? 100 : 1);
    }
    query.exchange = QUERY_EXCHANGE_TPUT;
    ck_assert_int_eq(exchange_check(&query, &failure), REPORT_ARGUMENTS);
    ck_assert_ptr_nonnull(strstr(failure.text, "descending"));
    check(parts, 2);
    struct rows got = answer(parts, 2, QUERY_EXCHANGE_SHUFFLE, &name, &total);
    ck_assert_uint_eq(got.count, 1);
    ck_assert_uint_eq(get_number(got.rows, 2), 'B');
    ck_assert_uint_eq(get_number(got.rows + 2, 8), 10);
    free(got.rows);
    free_parts(parts, 2);
}
END_TEST

/** Sums are modulo 2^64: where they may wrap, TPUT gives up, and only there. */
START_TEST(test_wrap)
{
    struct rows parts[2] = {{NULL, 0}, {NULL, 0}};
    struct slave_counts total;
    const char *name;
    const uint64_t half = UINT64_C(1) << 63;

    ask("srcport", "bytes", "", 1);
    put_port(&parts[0], 1, half);
    put_port(&parts[1], 1, _i == 0 ? half : half - 1);
    put_port(&parts[1], 2, 5);
    check(parts, 2);
    struct rows got = answer(parts, 2, QUERY_EXCHANGE_TPUT, &name, &total);
    ck_assert_str_eq(name, _i == 0 ? "shuffle" : "tput");
    ck_assert_uint_eq(get_number(got.rows, 2), _i == 0 ? 2 : 1);
    free(got.rows);
    free_parts(parts, 2);
}
END_TEST

/** A key that is never among the first of a slave may be the first of all. */
START_TEST(test_hidden_winner)
{
    struct rows parts[4] = {{NULL, 0}};
    struct slave_counts total;
    const char *name;

    ask("srcport", "bytes", "", 2);
    for (uint16_t i = 0; i < 4; i++) {
        for (uint16_t k = 0; k < 3; k++) {
            put_port(&parts[i], (uint16_t)(100 + i * 10 + k), 1000 + k);
        }
        put_port(&parts[i], 7, 900);
        put_port(&parts[i], 8, 900);
        put_port(&parts[i], 9, 900); /* ties with the others, after them by key */
        for (uint16_t k = 0; k < 500; k++) {
            put_port(&parts[i], (uint16_t)(10000 + k), 1);
        }
    }
    check(parts, 4);
    struct rows got = answer(parts, 4, QUERY_EXCHANGE_TPUT, &name, &total);
    ck_assert_str_eq(name, "tput");
    ck_assert_uint_eq(get_number(got.rows, 2), 7);
    ck_assert_uint_eq(get_number(got.rows + row_size, 2), 8);
    ck_assert_uint_eq(total.sent[SLAVE_BEST].rows, 8);
    ck_assert_uint_eq(total.sent[SLAVE_REACHING].rows, 4 * 4); /* none of those with 1 */
    ck_assert_uint_eq(total.sent[SLAVE_COMPLETE].rows, 3 * 4); /* only those that may win */
    free(got.rows);
    free_parts(parts, 4);
}
END_TEST

/** All values are equal: no threshold helps, and shuffling costs less. */
START_TEST(test_flat)
{
    struct rows parts[3] = {{NULL, 0}};
    struct slave_counts total;
    char why[256];
    const char *name;

    ask("srcport", "bytes", "srcip,dstip,first,last,packets,flows", 5);
    for (unsigned i = 0; i < 3; i++) {
        parts[i] = (struct rows){calloc(20000, row_size), 20000};
        for (unsigned k = 0; k < 20000; k++) {
            put_number(parts[i].rows + k * row_size, 2, k);
            put_number(parts[i].rows + k * row_size + 2, 8, 1);
        }
    }
    query.exchange = QUERY_EXCHANGE_AUTO;
    ck_assert_ptr_eq(exchange_choose(&query, compiled, 3, 60000, ROOM, why, sizeof(why)),
                     &exchange_tput);
    struct rows got = answer(parts, 3, QUERY_EXCHANGE_AUTO, &name, &total);
    ck_assert_str_eq(name, "shuffle");
    ck_assert_uint_eq(total.held, 20000);
    free(got.rows);
    check(parts, 3);
    free_parts(parts, 3);
}
END_TEST

/** Each slave finishes about as much as the others. */
START_TEST(test_balance)
{
    struct rows parts[SLAVES_MAX];
    struct player players[SLAVES_MAX];
    uint64_t most = 0, sum = 0;

    random_state = 3;
    ask("srcip", "bytes", "", 10);
    query.exchange = QUERY_EXCHANGE_SHUFFLE;
    make_bus(SLAVES_MAX);
    for (unsigned i = 0; i < SLAVES_MAX; i++) {
        parts[i] = make_rows(i == 0 ? 20000 : 1000, 20000, SPREAD_SKEWED);
        start(&players[i], i + 1, make_table(NULL, &parts[i]));
    }
    struct exchange_master master = make_master(SLAVES_MAX);
    ck_assert_int_eq(exchange_master_run(&master, &failure), REPORT_OK);
    for (unsigned i = 0; i < SLAVES_MAX; i++) {
        join(&players[i]);
        uint64_t held = players[i].counts.held;
        most = held > most ? held : most;
        sum += held;
    }
    ck_assert_uint_le(most * SLAVES_MAX * 10, sum * 13);
    exchange_master_clear(&master);
    free_parts(parts, SLAVES_MAX);
}
END_TEST

/* ---- memory --------------------------------------------------------------------------------- */

START_TEST(test_piece_size)
{
    static const struct {
        uint64_t limit;
        unsigned slaves;
        size_t size;
    } sizes[] = {
        {0, 1, 1 << 20},
        {0, 64, 1 << 20},
        {0, 65, (64 << 20) / 65},
        {0, 1024, 64 << 10},
        {0, 100000, 64 << 10},
        {1, 1, 4096},
        {1, 100, 4096},
        {1 << 20, 1, 256 << 10},
        {1 << 20, 4, 64 << 10},
        {1 << 20, 1000, 4096},
        {UINT64_C(1) << 40, 64, 1 << 20},
        {UINT64_C(1) << 40, 1024, 64 << 10},
    };
    lnf_memory_t *memory;

    for (size_t i = 0; i < COUNT(sizes); i++) {
        const struct lnf_memory_spec spec = {.limit = sizes[i].limit};
        ck_assert_int_eq(lnf_memory_create(&spec, &memory), LNF_OK);
        ck_assert_uint_eq(stream_piece_size(memory, sizes[i].slaves), sizes[i].size);
        lnf_memory_destroy(memory);
    }
    ck_assert_uint_eq(stream_piece_size(NULL, 2), 1 << 20);
}
END_TEST

START_TEST(test_tput_room)
{
    static const uint64_t limits[][2] = {{0, EXCHANGE_CANDIDATES_MEMORY},
                                         {1, 64 << 10},
                                         {1 << 20, 256 << 10},
                                         {UINT64_C(1) << 40, EXCHANGE_CANDIDATES_MEMORY}};
    char why[256];
    lnf_memory_t *memory;

    ask("srcip", "bytes", "", 1000);
    for (size_t i = 0; i < COUNT(limits); i++) {
        const struct lnf_memory_spec spec = {.limit = limits[i][0]};
        ck_assert_int_eq(lnf_memory_create(&spec, &memory), LNF_OK);
        uint64_t room = exchange_tput_room(memory);
        ck_assert_uint_eq(room, limits[i][1]);
        lnf_memory_destroy(memory);
        /* 4000 keys of the first round need some more than 512 KiB. */
        const struct exchange *got =
            exchange_choose(&query, compiled, 4, 1000000, room, why, sizeof(why));
        ck_assert_ptr_eq(got, room < (512 << 10) ? &exchange_shuffle : &exchange_tput);
    }
    ck_assert_uint_eq(exchange_tput_room(NULL), EXCHANGE_CANDIDATES_MEMORY);
    ck_assert_uint_ge(exchange_tput_memory(compiled, 4000), 512 << 10);
    ck_assert_uint_eq(exchange_tput_memory(compiled, UINT64_MAX), UINT64_MAX);
}
END_TEST

/** Most octets the accounts of the master and of a slave had while an exchange answered. */
static void measure(const struct rows *parts, unsigned slaves, enum query_exchange exchange,
                    uint64_t *peaks)
{
    struct player players[SLAVES_MAX];

    query.exchange = exchange;
    make_bus(slaves);
    for (unsigned i = 0; i < slaves; i++) {
        start(&players[i], i + 1, make_table(NULL, &parts[i])); /* its own rows do not count */
    }
    struct exchange_master master = make_master(slaves);
    ck_assert_int_eq(exchange_master_run(&master, &failure), REPORT_OK);
    for (unsigned i = 0; i < slaves; i++) {
        join(&players[i]);
    }
    ck_assert_str_eq(master.name, exchange == QUERY_EXCHANGE_TPUT ? "tput" : "shuffle");
    exchange_master_clear(&master);
    for (unsigned i = 0; i < 2; i++) {
        peaks[i] = lnf_memory_peak(memories[i]);
    }
    for (unsigned i = 0; i <= slaves; i++) {
        ck_assert_uint_eq(lnf_memory_used(memories[i]), 0); /* all is given back */
    }
    destroy_memories();
}

/** Buffers are in the account, and smaller when it has a small limit. */
START_TEST(test_buffers_count)
{
    struct rows parts[2];
    uint64_t peaks[2];

    ask("srcport", "bytes", "", 10);
    for (unsigned i = 0; i < 2; i++) {
        random_state = i;
        parts[i] = make_rows(3000, 2000, SPREAD_WIDE);
    }
    memory_limit = UINT64_C(1) << 40;
    measure(parts, 2, QUERY_EXCHANGE_SHUFFLE, peaks);
    ck_assert_uint_ge(peaks[0], 2 * (MESSAGE_ROWS_SIZE - row_size)); /* a piece of each slave */
    ck_assert_uint_ge(peaks[1], MESSAGE_ROWS_SIZE - row_size);
    memory_limit = 1 << 20;
    measure(parts, 2, QUERY_EXCHANGE_SHUFFLE, peaks);
    ck_assert_uint_ge(peaks[0], 2 * ((128 << 10) - row_size));
    ck_assert_uint_le(peaks[0], 1 << 20);
    ck_assert_uint_le(peaks[1], 1 << 20);
    memory_limit = UINT64_C(1) << 40;
    measure(parts, 2, QUERY_EXCHANGE_TPUT, peaks);
    ck_assert_uint_ge(peaks[0], 20 * (lnf_query_key_size(compiled) + 24));
    free(parts[0].rows);
    free(parts[1].rows);
}
END_TEST

/* ---- choice --------------------------------------------------------------------------------- */

static const struct {
    const char *keys, *order;
    unsigned limit, slaves;
    uint64_t groups;
    bool no_tput;
    const struct exchange *exchange;
} choices[] = {
    {"srcip", "bytes", 10, 8, 1000000, false, &exchange_tput},
    {"srcip", "bytes", 10, 8, 1000000, true, &exchange_shuffle},
    {"srcip", "bytes", 10, 8, 100, false, &exchange_gather},
    {"srcip", "bytes", 10, 1, 1000000, false, &exchange_gather},
    {"srcip", "bytes#asc", 10, 8, 1000000, false, &exchange_shuffle},
    {"srcip", "bytes", 0, 8, 1000000, false, &exchange_shuffle},
    {"srcip", "bytes", 100000, 8, 1000000, false, &exchange_shuffle},
    {"srcip", "bytes", 1000000, 100, UINT64_MAX, false, &exchange_shuffle},
    {"srcip", "flows", 10, 8, UINT64_MAX, false, &exchange_tput},
    {"srcip", "outpackets#desc", 10, 8, 1000000, false, &exchange_tput},
    {"srcip", "bps", 10, 8, 1000000, false, &exchange_shuffle},
    {"srcip", "duration#desc", 10, 8, 1000000, false, &exchange_shuffle},
    {"srcip", "first#desc", 10, 8, 1000000, false, &exchange_shuffle},
    {"srcip", "srcip#desc", 10, 8, 1000000, false, &exchange_shuffle},
    {"bytes,srcip", "bytes", 10, 8, 1000000, false, &exchange_shuffle}, /* not a sum: a key */
    {"srcip", NULL, 10, 8, 1000000, false, &exchange_shuffle},
    {NULL, "bytes", 10, 8, 1000000, false, &exchange_gather},
};

START_TEST(test_choose)
{
    char why[128] = "";

    ask(choices[_i].keys, choices[_i].order, "flows,packets", choices[_i].limit);
    query.no_tput = choices[_i].no_tput;
    const struct exchange *got = exchange_choose(&query, compiled, choices[_i].slaves,
                                                 choices[_i].groups, ROOM, why, sizeof(why));
    ck_assert_msg(got == choices[_i].exchange, "%s: %s", got->name, why);
    ck_assert_uint_gt(strlen(why), 0);
    /* One that is asked for is taken whatever the numbers, if the question allows it. */
    query.exchange = QUERY_EXCHANGE_GATHER;
    ck_assert_int_eq(exchange_check(&query, &failure), REPORT_OK);
    ck_assert_ptr_eq(
        exchange_choose(&query, compiled, choices[_i].slaves, 5, ROOM, why, sizeof(why)),
        &exchange_gather);
    query.exchange = QUERY_EXCHANGE_SHUFFLE;
    ck_assert_int_eq(exchange_check(&query, &failure) == REPORT_OK, choices[_i].keys != NULL);
}
END_TEST

START_TEST(test_check)
{
    query.exchange = QUERY_EXCHANGE_TPUT;
    ask("srcip", "bytes", "", 10);
    query.exchange = QUERY_EXCHANGE_TPUT;
    ck_assert_int_eq(exchange_check(&query, &failure), REPORT_OK);
    query.no_tput = true;
    ck_assert_int_eq(exchange_check(&query, &failure), REPORT_ARGUMENTS);
    ck_assert_ptr_nonnull(strstr(failure.text, "--no-tput"));
    ask("srcip", "bytes", "", 0);
    query.exchange = QUERY_EXCHANGE_TPUT;
    ck_assert_int_eq(exchange_check(&query, &failure), REPORT_ARGUMENTS);
    ck_assert_ptr_nonnull(strstr(failure.text, "a limit"));
    ask(NULL, "bytes", "srcip", 10);
    query.exchange = QUERY_EXCHANGE_TPUT;
    ck_assert_int_eq(exchange_check(&query, &failure), REPORT_ARGUMENTS);
    ck_assert_ptr_nonnull(strstr(failure.text, "groups"));
}
END_TEST

/* ---- peers that break the rules ------------------------------------------------------------- */

static void send_as(unsigned from, unsigned to, enum transport_channel channel, int kind,
                    const uint8_t *octets, size_t size)
{
    struct failure ignored;

    ck_assert_int_eq(transport_send(bus_end(bus, from), to, channel, kind, octets, size, &ignored),
                     REPORT_OK);
}

static void send_number(unsigned from, int kind, uint64_t number)
{
    uint8_t octets[MESSAGE_NUMBER_SIZE];

    send_as(from, 0, TRANSPORT_DATA, kind, octets, message_pack_number(number, octets));
}

/** A key of two octets and a value. */
static void send_keys(unsigned from, const uint64_t (*entries)[2], size_t count)
{
    uint8_t packed[10 * 16] = {0}, octets[10 * 16 + 8];

    for (size_t i = 0; i < count; i++) {
        put_number(packed + i * 10, 2, entries[i][0]);
        put_number(packed + i * 10 + 2, 8, entries[i][1]);
    }
    send_as(from, 0, TRANSPORT_DATA, MESSAGE_KEYS, octets,
            message_pack_entries(packed, count, 10, octets));
}

static void send_ports(unsigned from, unsigned to, int kind, const uint64_t (*entries)[2],
                       size_t count)
{
    const struct lnf_totals none = {0};
    struct rows rows = {NULL, 0};
    uint8_t octets[2048];

    for (size_t i = 0; i < count; i++) {
        put_port(&rows, (uint16_t)entries[i][0], entries[i][1]);
    }
    send_as(from, to, TRANSPORT_DATA, kind, octets,
            message_pack_rows(&none, rows.rows, count, row_size, octets));
    free(rows.rows);
}

#define KEYS(from, ...)                                                                            \
    send_keys(from, (const uint64_t[][2]){__VA_ARGS__},                                            \
              sizeof((const uint64_t[][2]){__VA_ARGS__}) / 16)
#define ROWS(from, kind, ...)                                                                      \
    send_ports(from, 0, kind, (const uint64_t[][2]){__VA_ARGS__},                                  \
               sizeof((const uint64_t[][2]){__VA_ARGS__}) / 16)

static const uint8_t three_octets[3] = {1, 2, 3};

static void play_best(unsigned rank, unsigned wrong)
{
    switch (wrong) {
    case 1: /* more than the limit */
        KEYS(rank, {7, 100}, {8, 90}, {9, 80});
        break;
    case 2: /* not in order */
        KEYS(rank, {7, 100}, {8, 101});
        break;
    case 3:
        send_as(rank, 0, TRANSPORT_DATA, MESSAGE_KEYS, three_octets, 3);
        break;
    case 4: /* something else */
        ROWS(rank, MESSAGE_ROWS, {7, 100});
        break;
    default:
        KEYS(rank, {7, 100}, {8, 90});
        break;
    }
    send_keys(rank, NULL, 0);
    if (wrong == 5) { /* after the end */
        KEYS(rank, {9, 85});
    }
}

static void play_count(unsigned rank, unsigned wrong)
{
    if (wrong == 6) {
        send_as(rank, 0, TRANSPORT_DATA, MESSAGE_COUNT, three_octets, 3);
    } else if (wrong == 13 || wrong == 14) { /* more than it holds beside those it sent */
        send_number(rank, MESSAGE_COUNT, wrong == 13 ? 2 : UINT64_MAX);
    } else {
        send_number(rank, MESSAGE_COUNT, 1);
    }
}

static void play_reaching(unsigned rank, unsigned wrong)
{
    if (wrong == 7) { /* more than counted */
        KEYS(rank, {9, 90}, {10, 90});
    } else {
        KEYS(rank, {9, 90});
    }
    send_keys(rank, NULL, 0);
}

static void play_complete(unsigned rank, unsigned wrong)
{
    switch (wrong) {
    case 8: /* not asked for */
        ROWS(rank, MESSAGE_ROWS, {7, 100}, {11, 5});
        break;
    case 9: /* more than asked for */
        ROWS(rank, MESSAGE_ROWS, {7, 100}, {7, 100}, {7, 100}, {7, 100});
        break;
    case 10:
        send_as(rank, 0, TRANSPORT_DATA, MESSAGE_ROWS, three_octets, 3);
        break;
    default:
        ROWS(rank, MESSAGE_ROWS, {7, 100}, {9, 90});
        break;
    }
    send_ports(rank, 0, MESSAGE_ROWS, NULL, 0);
    if (wrong == 11) { /* after the end */
        ROWS(rank, MESSAGE_ROWS, {7, 100});
    }
}

/** Two slaves that say everything before they are asked; `wrong` is what the first does wrong. */
static void play_tput(unsigned wrong)
{
    static void (*const rounds[])(unsigned, unsigned) = {play_best, play_count, play_reaching,
                                                         play_complete};

    send_number(1, MESSAGE_HOLDS, wrong == 12 ? 1 : 3); /* fewer than it sends */
    send_number(2, MESSAGE_HOLDS, 3);
    for (size_t i = 0; i < COUNT(rounds); i++) {
        rounds[i](1, wrong);
        rounds[i](2, 0);
    }
}

START_TEST(test_tput_rules)
{
    ask("srcport", "bytes", "", 2);
    query.exchange = QUERY_EXCHANGE_TPUT;
    make_bus(2);
    play_tput((unsigned)_i);
    struct exchange_master master = make_master(2);
    int class = exchange_master_run(&master, &failure);
    if (_i == 0) {
        ck_assert_msg(class == REPORT_OK, "%s", failure.text);
        struct rows got = finish(master.table);
        ck_assert_uint_eq(got.count, 2);
        free(got.rows);
    } else {
        ck_assert_int_eq(class, REPORT_MPI);
        ck_assert_msg(strstr(failure.text, "from process 2") != NULL, "%s", failure.text);
    }
    exchange_master_clear(&master);
}
END_TEST

/** A slave without end in its first round, where the limit would allow it: it may send what it
 * holds. */
START_TEST(test_endless_best)
{
    ask("srcport", "bytes", "", 4000000000u);
    query.exchange = QUERY_EXCHANGE_TPUT;
    make_bus(2);
    send_number(1, MESSAGE_HOLDS, 5);
    send_number(2, MESSAGE_HOLDS, 5);
    for (uint64_t port = 0; port < 40; port++) {
        send_keys(1, (const uint64_t[][2]){{port, 100}}, 1);
    }
    struct exchange_master master = make_master(2);
    ck_assert_int_eq(exchange_master_run(&master, &failure), REPORT_MPI);
    ck_assert_ptr_nonnull(strstr(failure.text, "malformed message"));
    exchange_master_clear(&master);
    /* Slaves that claim to hold anything are believed, but then the limit is too much for TPUT. */
    make_bus(2);
    send_number(1, MESSAGE_HOLDS, UINT64_MAX);
    send_number(2, MESSAGE_HOLDS, UINT64_MAX);
    send_ports(1, 0, MESSAGE_ROWS, NULL, 0);
    send_ports(2, 0, MESSAGE_ROWS, NULL, 0);
    master = make_master(2);
    ck_assert_int_eq(exchange_master_run(&master, &failure), REPORT_OK);
    ck_assert_str_eq(master.name, "shuffle");
    exchange_master_clear(&master);
}
END_TEST

/** Streams that are not in order, go on after their end, or have pieces that are too large. */
START_TEST(test_stream_rules)
{
    const uint8_t junk[40] = {0};

    ask("srcport", "bytes#asc", "", 0);
    query.exchange = QUERY_EXCHANGE_SHUFFLE;
    make_bus(2);
    for (unsigned rank = 1; rank <= 2; rank++) {
        send_number(rank, MESSAGE_HOLDS, 3);
    }
    switch (_i) {
    case 1:
        ROWS(1, MESSAGE_ROWS, {1, 3}, {2, 2});
        break;
    case 2: /* also from piece to piece */
        ROWS(1, MESSAGE_ROWS, {1, 3});
        ROWS(1, MESSAGE_ROWS, {2, 2});
        break;
    case 3:
        send_as(1, 0, TRANSPORT_DATA, MESSAGE_ROWS, junk, sizeof(junk));
        break;
    case 4:
        ROWS(1, MESSAGE_DEAL, {1, 3});
        break;
    default:
        ROWS(1, MESSAGE_ROWS, {1, 3});
        break;
    }
    send_ports(1, 0, MESSAGE_ROWS, NULL, 0);
    ROWS(2, MESSAGE_ROWS, {5, 5});
    send_ports(2, 0, MESSAGE_ROWS, NULL, 0);
    struct exchange_master master = make_master(2);
    int class = exchange_master_run(&master, &failure);
    if (_i == 0) {
        ck_assert_msg(class == REPORT_OK, "%s", failure.text);
        ck_assert_uint_eq(lnf_table_count(master.table), 2);
    } else {
        ck_assert_int_eq(class, REPORT_MPI);
        ck_assert_msg(strstr(failure.text, "from process 2") != NULL, "%s", failure.text);
    }
    exchange_master_clear(&master);
}
END_TEST

/** A port that belongs to a slave, from 0, of two. */
static uint16_t port_of(unsigned partition)
{
    uint8_t row[64] = {0};
    uint16_t port = 0;

    do {
        put_number(row, 2, ++port);
    } while (lnf_query_row_partition(compiled, row, 2) != partition);
    return port;
}

static void plan_as(unsigned from, unsigned to, uint64_t exchange)
{
    const struct message_plan plan = {exchange, MESSAGE_ROWS_SIZE};
    uint8_t octets[MESSAGE_PLAN_SIZE];

    send_as(from, to, TRANSPORT_CONTROL, MESSAGE_PLAN, octets, message_pack_plan(&plan, octets));
}

/** The second slave is this test; what it deals to the first. */
START_TEST(test_deal_rules)
{
    struct rows part = {NULL, 0};
    struct player player;
    const uint8_t junk[40] = {0};

    ask("srcport", "bytes", "", 3);
    make_bus(2);
    put_port(&part, port_of(0), 5);
    plan_as(0, 1, QUERY_EXCHANGE_SHUFFLE);
    switch (_i) {
    case 1: /* a row of somebody else */
        send_ports(2, 1, MESSAGE_DEAL, (const uint64_t[][2]){{port_of(1), 1}}, 1);
        break;
    case 2:
        send_as(2, 1, TRANSPORT_DATA, MESSAGE_DEAL, junk, sizeof(junk));
        break;
    case 3: /* of another kind */
        send_ports(2, 1, MESSAGE_ROWS, (const uint64_t[][2]){{port_of(0), 1}}, 1);
        break;
    case 4: /* from the master */
        send_ports(0, 1, MESSAGE_DEAL, (const uint64_t[][2]){{port_of(0), 1}}, 1);
        break;
    case 5: /* from itself */
        send_ports(1, 1, MESSAGE_DEAL, (const uint64_t[][2]){{port_of(0), 1}}, 1);
        break;
    case 6: /* the job ends */
        send_as(0, 1, TRANSPORT_CONTROL, MESSAGE_BYE, junk, 0);
        break;
    default:
        send_ports(2, 1, MESSAGE_DEAL, (const uint64_t[][2]){{port_of(0), 1}}, 1);
        break;
    }
    send_ports(2, 1, MESSAGE_DEAL, NULL, 0);
    start(&player, 1, make_table(NULL, &part));
    join(&player);
    if (_i == 0) {
        ck_assert_msg(player.class == REPORT_OK, "%s", player.failure.text);
        ck_assert_uint_eq(player.counts.held, 1);
    } else {
        ck_assert_int_eq(player.class, REPORT_MPI);
    }
    free(part.rows);
}
END_TEST

/** What the master may not say. */
START_TEST(test_plan_rules)
{
    struct rows part = {NULL, 0};
    struct player player;
    const uint8_t junk[3] = {1, 2, 3};

    ask(_i == 4 ? NULL : "srcport", "bytes", _i == 4 ? "srcport" : "", 3);
    make_bus(2);
    switch (_i) {
    case 0:
        plan_as(0, 1, 99);
        break;
    case 1:
        plan_as(0, 1, QUERY_EXCHANGE_AUTO);
        break;
    case 2:
        send_as(0, 1, TRANSPORT_CONTROL, MESSAGE_PLAN, junk, sizeof(junk));
        break;
    case 3:
        send_as(0, 1, TRANSPORT_CONTROL, MESSAGE_KEYS, junk, sizeof(junk));
        break;
    case 4: /* records have no keys */
        plan_as(0, 1, QUERY_EXCHANGE_SHUFFLE);
        break;
    case 5: /* somebody else */
        plan_as(2, 1, QUERY_EXCHANGE_GATHER);
        break;
    case 6: /* after the keys of TPUT */
        plan_as(0, 1, QUERY_EXCHANGE_TPUT);
        send_as(0, 1, TRANSPORT_CONTROL, MESSAGE_THRESHOLD, junk, sizeof(junk));
        break;
    default: /* a key that is no key */
        plan_as(0, 1, QUERY_EXCHANGE_TPUT);
        for (unsigned i = 0; i < 2; i++) {
            uint8_t octets[MESSAGE_NUMBER_SIZE];
            send_as(0, 1, TRANSPORT_CONTROL, MESSAGE_THRESHOLD, octets,
                    message_pack_number(1, octets));
        }
        send_as(0, 1, TRANSPORT_CONTROL, MESSAGE_KEYS, junk, sizeof(junk));
        break;
    }
    put_port(&part, 1, 5);
    start(&player, 1, make_table(NULL, &part));
    join(&player);
    ck_assert_int_eq(player.class, REPORT_MPI);
    ck_assert_msg(strstr(player.failure.text, "malformed") != NULL, "%s", player.failure.text);
    free(part.rows);
}
END_TEST

/** A master that asks for keys without end: the slave does not remember all of them. */
START_TEST(test_endless_wanted)
{
    const size_t key_size = 16, room = message_rows_per_message(key_size);
    uint8_t *wanted = calloc(room, key_size), *octets = malloc(MESSAGE_MAX);
    struct rows part = {NULL, 0};
    struct player player;
    unsigned messages = 0;

    ask("srcip", "bytes", "", 3);
    make_bus(1);
    plan_as(0, 1, QUERY_EXCHANGE_TPUT);
    for (unsigned i = 0; i < 2; i++) {
        send_as(0, 1, TRANSPORT_CONTROL, MESSAGE_THRESHOLD, octets, message_pack_number(1, octets));
    }
    for (uint64_t key = 0; candidates_memory(key_size, key) <= EXCHANGE_CANDIDATES_MEMORY;
         messages++) {
        for (size_t i = 0; i < room; i++) {
            put_number(wanted + i * key_size + 8, 8, key++);
        }
        send_as(0, 1, TRANSPORT_CONTROL, MESSAGE_KEYS, octets,
                message_pack_entries(wanted, room, key_size, octets));
    }
    ck_assert_uint_gt(messages, 5);
    part = make_rows(10, 10, SPREAD_WIDE);
    start(&player, 1, make_table(NULL, &part));
    join(&player);
    ck_assert_int_eq(player.class, REPORT_MPI);
    ck_assert_msg(strstr(player.failure.text, "malformed") != NULL, "%s", player.failure.text);
    free(part.rows);
    free(wanted);
    free(octets);
}
END_TEST

/** Everything the first of two slaves will hear. */
static void say_everything(enum query_exchange exchange)
{
    uint8_t octets[64];

    plan_as(0, 1, exchange);
    if (exchange == QUERY_EXCHANGE_TPUT) {
        for (unsigned i = 0; i < 2; i++) {
            send_as(0, 1, TRANSPORT_CONTROL, MESSAGE_THRESHOLD, octets,
                    message_pack_number(1, octets));
        }
        send_as(0, 1, TRANSPORT_CONTROL, MESSAGE_KEYS, octets,
                message_pack_entries(NULL, 0, 2, octets));
    } else if (exchange == QUERY_EXCHANGE_SHUFFLE) {
        send_ports(2, 1, MESSAGE_DEAL, NULL, 0);
    }
}

/** A line that breaks at any message ends the slave with that failure. */
START_TEST(test_broken_line)
{
    enum query_exchange exchange = (enum query_exchange)_i;
    struct rows part;
    bool whole = false;

    for (unsigned sends = 0; !whole; sends++) {
        struct player player;
        ck_assert_uint_lt(sends, 20);
        ask("srcport", "bytes", "", 3);
        make_bus(2);
        say_everything(exchange);
        bus_break(bus, 1, sends);
        part = make_rows(100, 100, SPREAD_WIDE);
        start(&player, 1, make_table(NULL, &part));
        join(&player);
        free(part.rows);
        whole = player.class == REPORT_OK;
        if (!whole) {
            ck_assert_int_eq(player.class, REPORT_MPI);
            ck_assert_str_eq(player.failure.text, "the line is broken");
        } else {
            ck_assert_uint_ge(sends, 3); /* what it holds, rows, and their end */
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fdistdump/exchange");
    TCase *tc = tcase_create("exchange");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, test_random, 0, 8);
    tcase_add_loop_test(tc, test_random_spilled, 0, 4);
    tcase_add_loop_test(tc, test_records, 0, 4);
    tcase_add_loop_test(tc, test_large, 0, 3);
    tcase_add_loop_test(tc, test_many_candidates, 0, 2);
    tcase_add_test(tc, test_ascending);
    tcase_add_loop_test(tc, test_wrap, 0, 2);
    tcase_add_test(tc, test_hidden_winner);
    tcase_add_test(tc, test_flat);
    tcase_add_test(tc, test_balance);
    tcase_add_test(tc, test_piece_size);
    tcase_add_test(tc, test_tput_room);
    tcase_add_test(tc, test_buffers_count);
    tcase_add_loop_test(tc, test_choose, 0, (int)COUNT(choices));
    tcase_add_test(tc, test_check);
    tcase_add_loop_test(tc, test_tput_rules, 0, 15);
    tcase_add_test(tc, test_endless_best);
    tcase_add_test(tc, test_endless_wanted);
    tcase_add_loop_test(tc, test_stream_rules, 0, 5);
    tcase_add_loop_test(tc, test_deal_rules, 0, 7);
    tcase_add_loop_test(tc, test_plan_rules, 0, 8);
    tcase_add_loop_test(tc, test_broken_line, QUERY_EXCHANGE_GATHER, QUERY_EXCHANGE_SHUFFLE + 1);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
