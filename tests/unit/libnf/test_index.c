/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Answers with an index are those without: for random filters, for files that changed, for indexes
 * cut at any place or with any octet spoilt. And the index does leave out what it should.
 */
#include "filter_random.h"
#include "index.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <libnf.h>
#include <libnf/scan.h>
#include <libnf/writer.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[64];
static char path[128], index_path[128];

static void setup(void)
{
    strcpy(directory, "/tmp/libnf-test-index-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/lnf.20260101000000", directory);
    snprintf(index_path, sizeof(index_path), "%s/bfi.20260101000000", directory);
}

static void teardown(void)
{
    unlink(path);
    unlink(index_path);
    ck_assert_msg(rmdir(directory) == 0, "something was left in %s", directory);
}

/* ---- files ----------------------------------------------------------------------------------- */

/** What goes into a file. */
struct content {
    const struct test_flow *flows;
    unsigned blocks, per_block;
    enum lnf_codec codec;
    bool append, indexed;
    int spoilt; /* block whose second record gets a wrong length; -1 = none */
};

static void add_flow(lnf_block_t *block, const struct test_flow *flow, bool spoil)
{
    struct test_records records = {0};

    test_records_add(&records, flow);
    if (spoil) {
        records.octets[4]++; /* one element too many */
    }
    memcpy(lnf_block_reserve(block, records.size), records.octets, records.size);
    lnf_block_commit(block);
    lnf_stat_count(lnf_block_stat(block), flow->proto, 1, flow->packets, flow->bytes, flow->first,
                   flow->last);
    test_records_clear(&records);
}

static void write_file(const struct content *content)
{
    struct lnf_error error = {.text = ""};
    lnf_writer_t *writer;
    lnf_block_t *block = lnf_block_create();

    ck_assert_msg(lnf_writer_open(path, content->codec, "test", content->append, &writer, &error) ==
                      LNF_OK,
                  "%s", error.text);
    if (content->indexed) {
        ck_assert_int_eq(lnf_writer_use_index(writer, NULL), LNF_OK);
    }
    for (unsigned b = 0; b < content->blocks; b++) {
        for (unsigned i = 0; i < content->per_block; i++) {
            add_flow(block, &content->flows[b * content->per_block + i],
                     (int)b == content->spoilt && i == 1);
        }
        ck_assert_int_eq(lnf_writer_put(writer, block, &error), LNF_OK);
        lnf_block_clear(block);
    }
    ck_assert_int_eq(lnf_writer_close(writer, &error), LNF_OK);
    lnf_block_destroy(block);
}

static uint8_t *load(const char *name, size_t *size)
{
    struct stat st;
    int fd = open(name, O_RDONLY);

    ck_assert_msg(fd >= 0 && fstat(fd, &st) == 0, "%s: %s", name, strerror(errno));
    uint8_t *octets = malloc((size_t)st.st_size + 1);
    *size = (size_t)st.st_size;
    ck_assert_int_eq(read(fd, octets, *size), (ssize_t)*size);
    close(fd);
    return octets;
}

static void store(const char *name, const uint8_t *octets, size_t size)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, octets, size), (ssize_t)size);
    close(fd);
}

static bool exists(const char *name)
{
    return access(name, F_OK) == 0;
}

static enum lnf_index_state state_of(bool thorough)
{
    struct lnf_index_info info;
    struct lnf_error error = {.text = ""};

    ck_assert_msg(lnf_index_check(path, thorough, &info, &error) == LNF_OK, "%s", error.text);
    return info.state;
}

/* ---- answers --------------------------------------------------------------------------------- */

static const struct lnf_query_column columns[] = {
    {LNF_FLD_SRCADDR, LNF_COLUMN_VALUE, 0, 0}, {LNF_FLD_DSTADDR, LNF_COLUMN_VALUE, 0, 0},
    {LNF_FLD_FIRST, LNF_COLUMN_VALUE, 0, 0},   {LNF_FLD_DOCTETS, LNF_COLUMN_VALUE, 0, 0},
    {LNF_FLD_SRCPORT, LNF_COLUMN_VALUE, 0, 0}, {LNF_FLD_PROT, LNF_COLUMN_VALUE, 0, 0}};

struct answer {
    uint8_t *rows;
    size_t size;
    struct lnf_totals totals;
    uint64_t blocks; /* read */
    unsigned problems;
    struct lnf_scan_index use;
};

static lnf_query_t *make_query(const char *filter)
{
    const struct lnf_query_spec spec = {.mode = LNF_QUERY_LIST,
                                        .filter = filter,
                                        .columns = columns,
                                        .column_count = 6,
                                        .sort_column = -1};
    struct lnf_error error = {.text = ""};
    lnf_query_t *query = NULL;

    ck_assert_msg(lnf_query_create(&spec, &query, &error) == LNF_OK, "%s: %s", filter, error.text);
    return query;
}

static void count_problem(void *context, const struct lnf_problem *problem)
{
    unsigned *count = context;
    *count += problem->count > 0;
}

static void take_rows(struct answer *answer, const lnf_task_t *task, size_t row_size)
{
    size_t count;
    const uint8_t *rows = lnf_task_rows(task, &count);

    answer->rows = realloc(answer->rows, answer->size + count * row_size + 1);
    if (count > 0) {
        memcpy(answer->rows + answer->size, rows, count * row_size);
    }
    answer->size += count * row_size;
}

static struct answer ask(const lnf_query_t *query, bool use_index)
{
    struct answer answer = {.rows = NULL};
    struct lnf_error error = {.text = ""};
    lnf_scan_t *scan;
    lnf_task_t *task;
    uint64_t number;
    int status;

    ck_assert_msg(lnf_scan_open(path, count_problem, &answer.problems, &scan, &error) == LNF_OK,
                  "%s", error.text);
    if (use_index) {
        bool used = lnf_scan_use_index(scan, query, &answer.use);
        ck_assert_int_eq(used, answer.use.state == LNF_INDEX_GOOD);
        ck_assert(used || answer.use.state == LNF_INDEX_NOT_ASKED || answer.use.why.text[0] != 0);
    }
    ck_assert_int_eq(lnf_task_create(query, &task), LNF_OK);
    while ((status = lnf_task_run(task, scan, NULL, &number, &error)) == LNF_OK) {
        ck_assert_uint_eq(number, answer.blocks); /* without gaps, whatever is left out */
        answer.blocks++;
        take_rows(&answer, task, lnf_query_row_size(query));
    }
    ck_assert_int_eq(status, LNF_EOF);
    answer.totals = *lnf_task_totals(task);
    lnf_task_destroy(task);
    lnf_scan_close(scan);
    return answer;
}

static void check_same(const struct answer *with, const struct answer *without, const char *filter)
{
    ck_assert_msg(with->size == without->size &&
                      (with->size == 0 || memcmp(with->rows, without->rows, with->size) == 0),
                  "other rows with an index (%s, %llu of %llu blocks left out): %s",
                  lnf_index_state_text(with->use.state), (unsigned long long)with->use.skipped,
                  (unsigned long long)with->use.blocks, filter);
    ck_assert_uint_eq(with->totals.flows, without->totals.flows);
    ck_assert_uint_eq(with->totals.packets, without->totals.packets);
    ck_assert_uint_eq(with->totals.bytes, without->totals.bytes);
    ck_assert_uint_eq(with->blocks + with->use.skipped, without->blocks);
}

/** Asks both ways; how the index was used. */
static struct lnf_scan_index compare_answers(const char *filter)
{
    lnf_query_t *query = make_query(filter);
    struct answer without = ask(query, false);
    struct answer with = ask(query, true);

    check_same(&with, &without, filter);
    free(with.rows);
    free(without.rows);
    lnf_query_destroy(query);
    return with.use;
}

/* ---- random filters -------------------------------------------------------------------------- */

#define BLOCKS 70u /* more than a segment has */
#define PER_BLOCK 12u

/** Flows whose addresses and ports differ from block to block, as the time of day makes them. */
static void themed_flows(struct test_flow *flows)
{
    struct test_flow themes[2];

    for (unsigned i = 0; i < BLOCKS * PER_BLOCK; i++) {
        random_flow(&flows[i]);
        if (i % PER_BLOCK == 0) {
            random_flow(&themes[0]);
            random_flow(&themes[1]);
        }
        const struct test_flow *theme = &themes[random_below(2)];
        flows[i].family = theme->family;
        flows[i].src = theme->src;
        flows[i].dst = theme->dst;
        flows[i].proto = theme->proto;
        flows[i].srcport = theme->srcport;
        flows[i].dstport = theme->dstport;
        flows[i].first += i * 1000;
        flows[i].last += i * 1000;
        flows[i].elements = flows[i].family == 0 ? 0 : flows[i].elements;
    }
}

/** Leaves only what an index knows about, combined at random. */
static void needle_filter(char *filter, size_t size)
{
    static const char *const terms[] = {
        "host 10.0.0.1",
        "src ip 10.0.0.2",
        "dst host 2001:db8::1",
        "net 10.0.0.0/24",
        "net 10.0.0.0/28",
        "src net 172.16.0.0/12",
        "net 10.1.0.0/20",
        "net 2001:db8::/32",
        "dst net 2001:db8::/60",
        "ip in [10.0.0.1 10.0.0.255 192.168.1.1]",
        "ip in [10.0.0.0/30 172.31.0.1 2001:db8::1/128 fe80::/16]",
        "src and dst ip 10.0.0.1",
        "ip 0.0.0.0",
        "ip ::1:0:0",
        "net 128.0.0.0/1",
        "net ::/64",
        "net 10.0.0.1 255.0.0.255",
        "next ip 10.0.0.1",
        "proto tcp",
        "proto 47",
        "port 53",
        "src port > 1000",
        "dst port in [22 80 443 65535]",
        "port < 10",
        "bytes > 60000",
        "packets < 3",
        "flowStartSysUpTime < 1700000020000",
        "flowEndSysUpTime > 1700000600000",
        "tos 8",
        "any",
        "inet6",
        "ident none",
        "count > 100",
    };
    size_t used = 0;
    unsigned count = 1 + random_below(4);

    for (unsigned i = 0; i < count; i++) {
        used += (size_t)snprintf(filter + used, size - used, "%s%s(%s%s)",
                                 i == 0              ? ""
                                 : random_chance(50) ? " and "
                                                     : " or ",
                                 random_chance(25) ? "not " : "", random_chance(25) ? "not " : "",
                                 terms[random_below(sizeof(terms) / sizeof(terms[0]))]);
    }
}

START_TEST(test_random)
{
    static struct test_flow flows[BLOCKS * PER_BLOCK];
    uint64_t skipped = 0, needles = 0;
    struct content content = {.flows = flows,
                              .blocks = BLOCKS,
                              .per_block = PER_BLOCK,
                              .codec = _i == 1 ? LNF_CODEC_LZ4 : LNF_CODEC_NONE,
                              .indexed = true,
                              .spoilt = _i == 2 ? 3 : -1};
    char filter[1024];

    random_state = 0x51ed270b0f2c8a11u + (unsigned)_i;
    themed_flows(flows);
    write_file(&content);
    ck_assert_int_eq(state_of(true), LNF_INDEX_GOOD);
    for (int n = 0; n < 500; n++) {
        (void)make_filter(random_below(6));
        skipped += compare_answers(text).skipped;
        needle_filter(filter, sizeof(filter));
        needles += compare_answers(filter).skipped;
    }
    /* Otherwise nothing was tested. */
    ck_assert_uint_gt(skipped, (uint64_t)500 * BLOCKS / 50);
    ck_assert_uint_gt(needles, (uint64_t)500 * BLOCKS / 5);
}
END_TEST

/* ---- what is left out ------------------------------------------------------------------------ */

/** Block b has sources 10.0.b.i and destinations 2001:db8:b::i, and port 1000 + b. */
static void numbered_flows(struct test_flow *flows, unsigned blocks, unsigned per_block)
{
    for (unsigned i = 0; i < blocks * per_block; i++) {
        unsigned block = i / per_block;
        flows[i] = (struct test_flow){
            .family = i % 2 == 0 ? 4 : 6,
            .src = {0, 0x0a000000u + block * 256 + i % per_block},
            .dst = {0, 0x0b000000u + block * 256 + i % per_block},
            .first = 1700000000000u + block * 1000u,
            .last = 1700000000000u + block * 1000u + 10,
            .bytes = 100 + i,
            .packets = 1,
            .srcport = (uint16_t)(1000 + block),
            .dstport = 443,
            .proto = block == 5 ? 17 : 6,
        };
        if (flows[i].family == 6) {
            flows[i].src = (struct lnf_addr){0x20010db800000000u + ((uint64_t)block << 16), i};
            flows[i].dst = (struct lnf_addr){0x20010db900000000u + ((uint64_t)block << 16), i};
        }
    }
}

/** Filters and which of the 40 blocks they need at most. */
static const struct {
    const char *filter;
    unsigned blocks;
    bool asked;
} expectations[] = {
    {"host 10.0.7.0", 1, true},
    {"src ip 10.0.7.0", 1, true},
    {"dst ip 11.0.39.2", 1, true},
    {"src ip 192.0.2.1", 0, true},
    {"net 10.0.7.0/24", 1, true},
    {"net 10.0.7.0/29", 1, true},
    {"net 10.0.6.0/23", 2, true},
    {"net 10.0.0.0/20", 16, true},
    {"net 192.0.2.0/24", 0, true},
    {"net 192.0.0.0/16", 0, true},
    {"net 192.0.0.0/13", 0, true},
    {"net 2001:db8:4::/48", 40, true}, /* the filters of blocks know /64 only */
    {"net 2001:db8:4::/64", 1, true},
    {"net 2001:dba::/32", 0, true},
    {"ip in [10.0.7.0 10.0.9.2 192.0.2.7]", 2, true},
    {"ip in [10.0.7.0/24 2001:db8:9::/64]", 2, true},
    {"host 10.0.7.0 and tos 0", 1, true},
    {"host 10.0.7.0 or tos 1", 40, false},
    {"host 10.0.7.0 or host 10.0.8.2", 2, true},
    {"host 10.0.7.0 and host 10.0.8.2", 0, true},
    {"not host 10.0.7.0", 40, false},
    {"not (not host 10.0.7.0)", 1, true},
    {"not (not host 10.0.7.0 or tos 1)", 1, true},
    {"not (not host 10.0.7.0 and tos 1)", 40, false},
    {"src port 1007", 1, true},
    {"src port > 1037", 2, true},
    {"not src port < 1038", 2, true},
    {"dst port 80", 0, true},
    {"dst port in [80 8080 65535]", 0, true},
    {"proto udp", 1, true},
    {"not proto tcp", 1, true},
    {"proto 47 and any", 0, true},
    {"flowStartSysUpTime >= 1700000038000", 2, true},
    {"flowEndSysUpTime < 1700000002000", 2, true},
    {"bytes > 10k", 0, true},
    {"bytes >= 257", 1, true},
    {"packets > 1", 0, true},
    {"not any", 0, true},
    {"any", 40, false},
    {"tos 1", 40, false},
    {"proto udp and ident none", 1, true},
    {"proto udp and (flowlabel web or payload regex a)%x", 1, true},
    {"proto udp or payload ja3 defined", 40, false},
    {"(proto udp)%x or (proto 47)%y", 1, true},
    /* Records of blocks nobody reads cannot be counted. */
    {"proto udp and count > 3", 40, false},
    {"proto udp or not count 3", 40, false},
};

START_TEST(test_left_out)
{
    static struct test_flow flows[40 * 4];
    struct content content = {
        .flows = flows, .blocks = 40, .per_block = 4, .indexed = true, .spoilt = -1};

    numbered_flows(flows, 40, 4);
    write_file(&content);
    struct lnf_scan_index use = compare_answers(expectations[_i].filter);
    bool asked = use.state == LNF_INDEX_GOOD;
    ck_assert_msg(asked == expectations[_i].asked, "%s: %s", expectations[_i].filter,
                  lnf_index_state_text(use.state));
    /* One block more: a filter of 1 % of false positives may err, but not often. */
    uint64_t read = 40 - use.skipped;
    ck_assert_msg(!asked || read <= expectations[_i].blocks + 1u, "%s: %llu blocks read",
                  expectations[_i].filter, (unsigned long long)read);
}
END_TEST

/* One address in a hundred that is not there seems to be. */
START_TEST(test_false_positives)
{
    static struct test_flow flows[4 * 2000];
    struct content content = {
        .flows = flows, .blocks = 4, .per_block = 2000, .indexed = true, .spoilt = -1};
    lnf_index_t *index;
    struct lnf_error why;
    bool damaged = false;
    unsigned hits = 0;

    random_state = 99;
    for (unsigned i = 0; i < 4 * 2000; i++) {
        random_flow(&flows[i]);
        flows[i].family = 4;
        flows[i].src = (struct lnf_addr){0, random_next() & 0x7fffffff};
        flows[i].dst = (struct lnf_addr){0, random_next() & 0x7fffffff};
    }
    write_file(&content);
    ck_assert_int_eq(lnf_index_open_path(index_path, &index, &why), LNF_INDEX_GOOD);
    const struct lnf_index_segment *segment = lnf_index_segment(index, 0);
    for (unsigned i = 0; i < 100000; i++) {
        struct lnf_addr absent = {0, 0x80000000u + i};
        hits += lnf_index_maybe(index, &segment->filter, lnf_index_key(LNF_LEVEL_IPV4, absent),
                                &damaged);
    }
    ck_assert(!damaged);
    ck_assert_uint_lt(hits, 1500);
    lnf_index_close(index);
}
END_TEST

/* The threads of a query share what is left. */
struct worker {
    const lnf_query_t *query;
    lnf_scan_t *scan;
    struct lnf_totals totals;
};

static void *work(void *argument)
{
    struct worker *w = argument;
    struct lnf_error error;
    lnf_task_t *task;

    if (lnf_task_create(w->query, &task) == LNF_OK) {
        while (lnf_task_run(task, w->scan, NULL, NULL, &error) == LNF_OK) {
        }
        w->totals = *lnf_task_totals(task);
        lnf_task_destroy(task);
    }
    return NULL;
}

START_TEST(test_threads)
{
    static struct test_flow flows[40 * 4];
    struct content content = {
        .flows = flows, .blocks = 40, .per_block = 4, .indexed = true, .spoilt = -1};
    struct worker workers[4];
    pthread_t threads[4];
    struct lnf_error error;
    lnf_scan_t *scan;
    uint64_t records = 0, found = 0;

    numbered_flows(flows, 40, 4);
    write_file(&content);
    lnf_query_t *query = make_query("net 10.0.0.0/20");
    ck_assert_int_eq(lnf_scan_open(path, NULL, NULL, &scan, &error), LNF_OK);
    ck_assert(lnf_scan_use_index(scan, query, NULL));
    for (unsigned i = 0; i < 4; i++) {
        workers[i] = (struct worker){.query = query, .scan = scan};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        records += workers[i].totals.records;
        found += workers[i].totals.flows;
    }
    ck_assert_uint_eq(found, 16 * 2);
    ck_assert_uint_le(records, 17 * 4);
    lnf_scan_close(scan);
    lnf_query_destroy(query);
}
END_TEST

/* ---- files that change ----------------------------------------------------------------------- */

static const char *const change_filters[] = {"host 10.0.2.0", "net 10.0.200.0/24",
                                             "src port 1199 or host 11.0.1.2", "host 10.0.199.0"};

/** Answers are the same, and the state of the index is as expected. */
static void check_state(enum lnf_index_state expected)
{
    for (unsigned i = 0; i < sizeof(change_filters) / sizeof(change_filters[0]); i++) {
        struct lnf_scan_index use = compare_answers(change_filters[i]);
        ck_assert_msg(use.state == expected, "%s: %s", lnf_index_state_text(use.state),
                      use.why.text);
    }
    ck_assert_int_eq(state_of(false), expected);
}

START_TEST(test_changes)
{
    static struct test_flow flows[8 * 4], others[8 * 4];
    enum lnf_codec codec = _i == 0 ? LNF_CODEC_NONE : LNF_CODEC_LZ4;
    struct content first = {
        .flows = flows, .blocks = 8, .per_block = 4, .codec = codec, .indexed = true, .spoilt = -1};
    struct content second = first;
    size_t size, flow_size;

    numbered_flows(flows, 8, 4);
    numbered_flows(others, 8, 4);
    for (unsigned i = 0; i < 8 * 4; i++) {
        others[i].src.lo += others[i].family == 4 ? 199 * 256 : 0;
        others[i].srcport += 199;
        others[i].bytes += 1;
    }
    second.flows = others;
    write_file(&first);
    check_state(LNF_INDEX_GOOD);
    uint8_t *index = load(index_path, &size);
    uint8_t *flow = load(path, &flow_size);

    /* Appended to with an index: a new one. Without: none, and the old one does not fit. */
    second.append = true;
    write_file(&second);
    check_state(LNF_INDEX_GOOD);
    ck_assert_int_eq(state_of(true), LNF_INDEX_GOOD);
    second.indexed = false;
    write_file(&second);
    ck_assert(!exists(index_path));
    check_state(LNF_INDEX_MISSING);
    store(index_path, index, size);
    check_state(LNF_INDEX_STALE);

    /* Replaced by as many flows of the same sizes. */
    second.append = false;
    write_file(&second);
    store(index_path, index, size);
    check_state(LNF_INDEX_STALE);

    /* The tool makes it right. */
    struct lnf_error error;
    ck_assert_int_eq(lnf_index_make(path, NULL, &error), LNF_OK);
    check_state(LNF_INDEX_GOOD);
    ck_assert_int_eq(state_of(true), LNF_INDEX_GOOD);

    /* The file of before, so its index fits again; cut, it does not. */
    store(path, flow, flow_size);
    store(index_path, index, size);
    check_state(LNF_INDEX_GOOD);
    store(path, flow, flow_size - 1);
    ck_assert_int_ne(compare_answers("host 10.0.2.0").state, LNF_INDEX_GOOD);
    store(path, flow, flow_size / 2);
    ck_assert_int_ne(compare_answers("host 10.0.2.0").state, LNF_INDEX_GOOD);
    free(index);
    free(flow);
}
END_TEST

/* Every octet of the header and of the appendix counts. */
START_TEST(test_identity)
{
    static struct test_flow flows[3 * 4];
    struct content content = {
        .flows = flows, .blocks = 3, .per_block = 4, .indexed = true, .spoilt = -1};
    lnf_query_t *query = make_query("host 10.0.2.0");
    struct lnf_error error;
    size_t size;

    numbered_flows(flows, 3, 4);
    write_file(&content);
    uint8_t *flow = load(path, &size);
    for (size_t i = 0; i < size; i++) {
        lnf_scan_t *scan;
        if (i == LNF_FILE_HEADER_SIZE) {
            i = size - LNF_RECORD_STAT_SIZE - 12; /* where ident and statistics are */
        }
        flow[i] ^= 0x10;
        store(path, flow, size);
        flow[i] ^= 0x10;
        if (lnf_scan_open(path, NULL, NULL, &scan, &error) == LNF_OK) {
            ck_assert_msg(!lnf_scan_use_index(scan, query, NULL), "octet %zu", i);
            lnf_scan_close(scan);
        }
    }
    lnf_query_destroy(query);
    free(flow);
}
END_TEST

/* A block that shall be read is no data block any more: the query goes on with the next one. */
START_TEST(test_damaged_pick)
{
    static const struct {
        unsigned offset;
        uint16_t value;
    } damages[] = {{8, 0}, {8, 1}, {8, 4}, {8, 9}, {8, 0xffff}, {4, 0}};
    static struct test_flow flows[6 * 4];
    struct content content = {
        .flows = flows, .blocks = 6, .per_block = 4, .indexed = true, .spoilt = -1};
    lnf_query_t *query = make_query("host 10.0.1.0 or host 10.0.3.0 or host 10.0.4.0");
    size_t size;

    numbered_flows(flows, 6, 4);
    write_file(&content);
    uint8_t *flow = load(path, &size);
    size_t at = LNF_FILE_HEADER_SIZE;
    for (unsigned block = 0; block < 3; block++) {
        at += LNF_BLOCK_HEADER_SIZE + le32toh(lnf_load_u32(flow + at + 4));
    }
    for (unsigned i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        uint16_t good = lnf_load_u16(flow + at + damages[i].offset);
        lnf_store_u16(flow + at + damages[i].offset, htole16(damages[i].value));
        store(path, flow, size);
        lnf_store_u16(flow + at + damages[i].offset, good);
        struct answer with = ask(query, true);
        ck_assert_int_eq(with.use.state, LNF_INDEX_GOOD);
        ck_assert_msg(with.totals.flows == 2, "damage %u: %llu flows", i,
                      (unsigned long long)with.totals.flows);
        ck_assert(with.problems > 0 ||
                  damages[i].value == 4); /* array blocks are passed silently */
        free(with.rows);
    }
    lnf_query_destroy(query);
    free(flow);
}
END_TEST

/* While a file is written, and when its writer died. */
START_TEST(test_unfinished)
{
    static struct test_flow flows[3 * 4];
    struct content content = {
        .flows = flows, .blocks = 3, .per_block = 4, .indexed = true, .spoilt = -1};
    struct lnf_error error;
    lnf_writer_t *writer;
    size_t size;

    numbered_flows(flows, 3, 4);
    write_file(&content);
    uint8_t *index = load(index_path, &size);
    ck_assert_int_eq(lnf_writer_open(path, LNF_CODEC_NONE, NULL, true, &writer, &error), LNF_OK);
    ck_assert_int_eq(lnf_writer_use_index(writer, NULL), LNF_OK);
    ck_assert(!exists(index_path));
    ck_assert_int_eq(compare_answers("host 10.0.2.0").state, LNF_INDEX_MISSING);
    store(index_path, index, size);
    ck_assert_int_eq(compare_answers("host 10.0.2.0").state, LNF_INDEX_UNFINISHED);
    ck_assert_int_eq(state_of(false), LNF_INDEX_UNFINISHED);
    ck_assert_int_eq(lnf_index_make(path, NULL, &error), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_writer_close(writer, &error), LNF_OK);
    ck_assert_int_eq(compare_answers("host 10.0.2.0").state, LNF_INDEX_GOOD);
    free(index);
}
END_TEST

/* Of another library, of a later version, something else: left alone and ignored. */
START_TEST(test_foreign)
{
    static struct test_flow flows[3 * 4];
    struct content content = {.flows = flows, .blocks = 3, .per_block = 4, .spoilt = -1};
    static const uint8_t original[] = {0x56, 0x34, 0x10, 0, 0, 0, 8, 0, 4, 0, 4, 0, 8, 0, 8, 0};
    size_t size;

    numbered_flows(flows, 3, 4);
    write_file(&content);
    store(index_path, original, sizeof(original));
    check_state(LNF_INDEX_FOREIGN);
    store(index_path, original, 0);
    check_state(LNF_INDEX_FOREIGN);
    content.append = true;
    write_file(&content);
    ck_assert(exists(index_path));

    unlink(index_path);
    ck_assert_int_eq(mkdir(index_path, 0700), 0);
    check_state(LNF_INDEX_FOREIGN);
    rmdir(index_path);

    content.indexed = true;
    write_file(&content);
    uint8_t *index = load(index_path, &size);
    index[8]++; /* version */
    uint32_t checksum = lnf_index_checksum(0, index, LNF_INDEX_HEADER_SIZE - 4);
    memcpy(index + LNF_INDEX_HEADER_SIZE - 4, &checksum, 4);
    store(index_path, index, size);
    check_state(LNF_INDEX_FOREIGN);
    free(index);
}
END_TEST

/* What cannot be written is told once, and costs no flow. */
static void note_failure(void *context, const char *why)
{
    unsigned *failures = context;
    *failures += strstr(why, "bfi.") != NULL;
}

START_TEST(test_unwritable)
{
    static struct test_flow flows[3 * 4];
    struct content content = {.flows = flows, .blocks = 0, .per_block = 4, .spoilt = -1};
    unsigned failures = 0;
    struct lnf_index_options options = {.failed = note_failure, .context = &failures};
    struct lnf_error error;
    lnf_writer_t *writer;
    lnf_block_t *block = lnf_block_create();

    numbered_flows(flows, 3, 4);
    write_file(&content);
    ck_assert_int_eq(mkdir(index_path, 0700), 0); /* a rename cannot replace it */
    for (int round = 0; round < 2; round++) {
        ck_assert_int_eq(lnf_writer_open(path, LNF_CODEC_NONE, NULL, round == 1, &writer, &error),
                         LNF_OK);
        ck_assert_int_eq(lnf_writer_use_index(writer, &options), LNF_OK);
        add_flow(block, &flows[0], false);
        ck_assert_int_eq(lnf_writer_put(writer, block, &error), LNF_OK);
        lnf_block_clear(block);
        ck_assert_int_eq(lnf_writer_close(writer, &error), LNF_OK);
        ck_assert_uint_eq(failures, (unsigned)round + 1);
    }
    ck_assert_int_eq(rmdir(index_path), 0);
    ck_assert_int_eq(compare_answers("host 10.0.0.0").state, LNF_INDEX_MISSING);
    lnf_block_destroy(block);
}
END_TEST

/* ---- damage ---------------------------------------------------------------------------------- */

static const char *const damage_filters[] = {"host 10.0.1.0", "net 2001:db8:1::/64",
                                             "host 192.0.2.1 or src port 1002"};
#define DAMAGE_FILTERS (sizeof(damage_filters) / sizeof(damage_filters[0]))

struct damage {
    lnf_query_t *queries[DAMAGE_FILTERS];
    struct answer truth[DAMAGE_FILTERS];
    uint8_t *index;
    size_t size;
};

static void damage_setup(struct damage *d)
{
    static struct test_flow flows[4 * 3];
    struct content content = {
        .flows = flows, .blocks = 4, .per_block = 3, .indexed = true, .spoilt = -1};

    numbered_flows(flows, 4, 3);
    write_file(&content);
    d->index = load(index_path, &d->size);
    for (unsigned i = 0; i < DAMAGE_FILTERS; i++) {
        d->queries[i] = make_query(damage_filters[i]);
        d->truth[i] = ask(d->queries[i], false);
    }
}

static void damage_clear(struct damage *d)
{
    for (unsigned i = 0; i < DAMAGE_FILTERS; i++) {
        lnf_query_destroy(d->queries[i]);
        free(d->truth[i].rows);
    }
    free(d->index);
}

/** Asks with the damaged index; whether it was used all the same. */
static bool ask_one(const struct damage *d, unsigned filter)
{
    struct answer with = ask(d->queries[filter], true);
    bool used = with.use.state == LNF_INDEX_GOOD;

    check_same(&with, &d->truth[filter], damage_filters[filter]);
    free(with.rows);
    return used;
}

/** The same for all filters; how many used it. */
static unsigned ask_damaged(const struct damage *d)
{
    unsigned used = 0;

    for (unsigned i = 0; i < DAMAGE_FILTERS; i++) {
        used += ask_one(d, i);
    }
    return used;
}

START_TEST(test_cut)
{
    struct damage d;

    damage_setup(&d);
    ck_assert_uint_eq(ask_damaged(&d), DAMAGE_FILTERS);
    for (size_t length = 0; length < d.size; length++) {
        store(index_path, d.index, length);
        ck_assert_msg(!ask_one(&d, length % DAMAGE_FILTERS), "cut to %zu", length);
    }
    uint8_t *longer = calloc(1, d.size + 1);
    memcpy(longer, d.index, d.size);
    store(index_path, longer, d.size + 1);
    ck_assert_uint_eq(ask_damaged(&d), 0);
    free(longer);
    damage_clear(&d);
}
END_TEST

START_TEST(test_spoilt_octets)
{
    static const uint8_t masks[] = {0x01, 0x80, 0xff};
    struct damage d;

    damage_setup(&d);
    for (size_t i = 0; i < d.size; i++) {
        uint8_t mask = masks[i % 3];
        d.index[i] ^= mask;
        store(index_path, d.index, d.size);
        d.index[i] ^= mask;
        (void)ask_damaged(&d);
        ck_assert_msg(state_of(false) != LNF_INDEX_GOOD, "octet %zu is not noticed", i);
    }
    damage_clear(&d);
}
END_TEST

/* Rows and filters of another place of the same index are no substitute. */
START_TEST(test_moved_pages)
{
    struct damage d;
    lnf_index_t *index;

    damage_setup(&d);
    ck_assert_int_eq(lnf_index_open_path(index_path, &index, NULL), LNF_INDEX_GOOD);
    ck_assert(lnf_index_load_blocks(index));
    struct lnf_index_filter one = lnf_index_block(index, 1)->filter;
    struct lnf_index_filter two = lnf_index_block(index, 2)->filter;
    ck_assert_uint_eq(one.buckets, two.buckets);
    memcpy(d.index + one.offset, d.index + two.offset, lnf_index_filter_size(one.buckets));
    store(index_path, d.index, d.size);
    (void)ask_damaged(&d);
    ck_assert_int_eq(state_of(true), LNF_INDEX_DAMAGED);
    lnf_index_close(index);
    damage_clear(&d);
}
END_TEST

/* A damaged block is reported with an index, too. */
START_TEST(test_opaque)
{
    static struct test_flow flows[6 * 4];
    struct content content = {.flows = flows,
                              .blocks = 6,
                              .per_block = 4,
                              .codec = LNF_CODEC_LZ4,
                              .indexed = true,
                              .spoilt = 3};
    struct lnf_error error;

    numbered_flows(flows, 6, 4);
    write_file(&content);
    lnf_query_t *query = make_query("host 192.0.2.1");
    struct answer with = ask(query, true);
    struct answer without = ask(query, false);
    check_same(&with, &without, "host 192.0.2.1");
    ck_assert_uint_eq(with.use.skipped, 5);
    ck_assert_uint_eq(with.problems, without.problems);
    ck_assert_uint_gt(with.problems, 0);
    free(with.rows);
    free(without.rows);

    /* One that cannot be decompressed, indexed by the tool. */
    size_t size;
    content.spoilt = -1;
    write_file(&content);
    uint8_t *flow = load(path, &size);
    memset(flow + LNF_FILE_HEADER_SIZE + LNF_BLOCK_HEADER_SIZE, 0xff, 40);
    store(path, flow, size);
    ck_assert_int_eq(lnf_index_make(path, NULL, &error), LNF_OK);
    ck_assert_int_eq(state_of(true), LNF_INDEX_GOOD);
    with = ask(query, true);
    without = ask(query, false);
    check_same(&with, &without, "host 192.0.2.1");
    ck_assert_uint_eq(with.problems, without.problems);
    ck_assert_uint_gt(with.problems, 0);
    free(flow);
    free(with.rows);
    free(without.rows);
    lnf_query_destroy(query);
}
END_TEST

/* ---- other files ----------------------------------------------------------------------------- */

/* Extension maps of layout 1 are in blocks that are left out. */
START_TEST(test_layout1)
{
    static const char *const filters[] = {"host 10.0.0.1", "net 192.168.0.0/16", "proto udp",
                                          "host 203.0.113.99", "bytes > 100000"};
    const char *sample = TEST_SHARED_DIR "/data/fdistdump-reference/flows-v1-lz4.nf";
    struct lnf_error error = {.text = ""};
    size_t size;

    if (!exists(sample)) {
        fprintf(stderr, "test_layout1: no %s, nothing tested\n", sample);
        return;
    }
    uint8_t *flow = load(sample, &size);
    store(path, flow, size);
    free(flow);
    ck_assert_msg(lnf_index_make(path, NULL, &error) == LNF_OK, "%s", error.text);
    ck_assert_int_eq(state_of(true), LNF_INDEX_GOOD);
    for (unsigned i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
        ck_assert_int_eq(compare_answers(filters[i]).state, LNF_INDEX_GOOD);
    }
}
END_TEST

START_TEST(test_empty_file)
{
    struct content content = {.blocks = 0, .indexed = true, .spoilt = -1};

    write_file(&content);
    ck_assert_int_eq(state_of(true), LNF_INDEX_GOOD);
    ck_assert_int_eq(compare_answers("host 10.0.0.1").state, LNF_INDEX_GOOD);
}
END_TEST

START_TEST(test_names)
{
    static const char *const names[][2] = {
        {"lnf.1", "bfi.1"},           {"/a/lnf.2", "/a/bfi.2"}, {"/a/nfcapd.3", "/a/bfi.nfcapd.3"},
        {"/lnf.x/y", "/lnf.x/bfi.y"}, {"lnf", "bfi.lnf"},       {"lnf.", "bfi."}};
    char name[16];

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        ck_assert(lnf_index_path(names[i][0], name, sizeof(name)));
        ck_assert_str_eq(name, names[i][1]);
    }
    ck_assert(!lnf_index_path("a", name, 5));
    ck_assert(lnf_index_path("a", name, 6));
    ck_assert(lnf_index_is_name("bfi.1"));
    ck_assert(!lnf_index_is_name("lnf.1"));
    ck_assert_str_eq(lnf_index_state_text((enum lnf_index_state)99), "unknown");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("index");
    TCase *tests = tcase_create("index");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(tests, 240);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, test_random, 0, 3);
    tcase_add_loop_test(tests, test_left_out, 0,
                        (int)(sizeof(expectations) / sizeof(expectations[0])));
    tcase_add_test(tests, test_false_positives);
    tcase_add_test(tests, test_threads);
    tcase_add_loop_test(tests, test_changes, 0, 2);
    tcase_add_test(tests, test_identity);
    tcase_add_test(tests, test_damaged_pick);
    tcase_add_test(tests, test_unfinished);
    tcase_add_test(tests, test_foreign);
    tcase_add_test(tests, test_unwritable);
    tcase_add_test(tests, test_cut);
    tcase_add_test(tests, test_spoilt_octets);
    tcase_add_test(tests, test_moved_pages);
    tcase_add_test(tests, test_opaque);
    tcase_add_test(tests, test_layout1);
    tcase_add_test(tests, test_empty_file);
    tcase_add_test(tests, test_names);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
