/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Many records in a memory, by one thread and by several, against a computation that sorts and adds
 * up. Runs under ThreadSanitizer as well.
 */
#include <arpa/inet.h>
#include <check.h>
#include <libnf.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS 100000u
#define THREADS_MAX LNF_MAX_THREADS

struct flow {
    uint32_t srcip; /* keys: network, protocol, minute */
    uint8_t proto;
    uint64_t first;
    uint64_t bytes, packets, flows; /* values: sum, maximum, sum */
    uint8_t flags;                  /* or */
};

static struct flow flows[RECORDS], expected[RECORDS];

static uint64_t random_state;

static uint32_t random_u32(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 32);
}

static void make_flows(unsigned count, uint64_t seed)
{
    random_state = seed;
    for (unsigned i = 0; i < count; i++) {
        flows[i] = (struct flow){
            .srcip = 0x0a000000u + random_u32() % 50000u,
            .proto = random_u32() % 3 == 0 ? 17 : 6,
            .first = 1700000000000u + random_u32() % 600000u,
            .bytes = random_u32() % 20 == 0 ? 100 : random_u32(),
            .packets = random_u32() % 1000,
            .flows = 1 + random_u32() % 3,
            .flags = (uint8_t)(1u << (random_u32() % 8)),
        };
    }
}

static int compare_u64(uint64_t a, uint64_t b)
{
    return a == b ? 0 : a < b ? -1 : 1;
}

static int by_key(const void *left, const void *right)
{
    const struct flow *a = left, *b = right;

    int order = compare_u64(a->srcip, b->srcip);
    order = order != 0 ? order : compare_u64(a->proto, b->proto);
    return order != 0 ? order : compare_u64(a->first, b->first);
}

static int by_bytes(const void *left, const void *right)
{
    const struct flow *a = left, *b = right;

    int order = compare_u64(b->bytes, a->bytes);
    return order != 0 ? order : by_key(a, b);
}

/* The answer: keys cut, sorted, equal ones combined, sorted by bytes. Returns the groups. */
static unsigned compute(unsigned count)
{
    unsigned groups = 0;

    memcpy(expected, flows, count * sizeof(flows[0]));
    for (unsigned i = 0; i < count; i++) {
        expected[i].srcip &= 0xffffff00u;
        expected[i].first -= expected[i].first % 60000;
    }
    qsort(expected, count, sizeof(expected[0]), by_key);
    for (unsigned i = 0; i < count; i++) {
        struct flow *last = groups == 0 ? NULL : &expected[groups - 1];
        if (last == NULL || by_key(last, &expected[i]) != 0) {
            expected[groups++] = expected[i];
            continue;
        }
        last->bytes += expected[i].bytes;
        last->packets = last->packets > expected[i].packets ? last->packets : expected[i].packets;
        last->flows += expected[i].flows;
        last->flags |= expected[i].flags;
    }
    qsort(expected, groups, sizeof(expected[0]), by_bytes);
    return groups;
}

static lnf_mem_t *new_memory(void)
{
    lnf_mem_t *mem = NULL;

    ck_assert_int_eq(lnf_mem_init(&mem), LNF_OK);
    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_SRCADDR, LNF_AGGR_KEY, 24, 64), LNF_OK);
    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_PROT, LNF_AGGR_KEY, 0, 0), LNF_OK);
    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_FIRST, LNF_AGGR_KEY, 60, 0), LNF_OK);
    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_DOCTETS, LNF_AGGR_SUM | LNF_SORT_DESC, 0, 0),
                     LNF_OK);
    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_DPKTS, LNF_AGGR_MAX, 0, 0), LNF_OK);
    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_AGGR_FLOWS, LNF_AGGR_AUTO, 0, 0), LNF_OK);
    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_TCP_FLAGS, LNF_AGGR_AUTO, 0, 0), LNF_OK);
    return mem;
}

static void write_flows(lnf_mem_t *mem, unsigned start, unsigned count)
{
    lnf_rec_t *rec;

    ck_assert_int_eq(lnf_rec_init(&rec), LNF_OK);
    for (unsigned i = start; i < start + count; i++) {
        struct flow flow = flows[i];
        lnf_ip_t ip = {{0, 0, 0, htonl(flow.srcip)}};
        lnf_rec_clear(rec);
        lnf_rec_fset(rec, LNF_FLD_SRCADDR, &ip);
        lnf_rec_fset(rec, LNF_FLD_PROT, &flow.proto);
        lnf_rec_fset(rec, LNF_FLD_FIRST, &flow.first);
        lnf_rec_fset(rec, LNF_FLD_DOCTETS, &flow.bytes);
        lnf_rec_fset(rec, LNF_FLD_DPKTS, &flow.packets);
        lnf_rec_fset(rec, LNF_FLD_AGGR_FLOWS, &flow.flows);
        lnf_rec_fset(rec, LNF_FLD_TCP_FLAGS, &flow.flags);
        ck_assert_int_eq(lnf_mem_write(mem, rec), LNF_OK);
    }
    lnf_rec_free(rec);
}

static void check_record(lnf_rec_t *rec, const struct flow *wanted)
{
    struct flow got = {0};
    lnf_ip_t ip;

    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_SRCADDR, &ip), LNF_OK);
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_PROT, &got.proto), LNF_OK);
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_FIRST, &got.first), LNF_OK);
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_DOCTETS, &got.bytes), LNF_OK);
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_DPKTS, &got.packets), LNF_OK);
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_AGGR_FLOWS, &got.flows), LNF_OK);
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_TCP_FLAGS, &got.flags), LNF_OK);
    ck_assert_uint_eq(ntohl(ip.data[3]), wanted->srcip);
    ck_assert_uint_eq(got.proto, wanted->proto);
    ck_assert_uint_eq(got.first, wanted->first);
    ck_assert_uint_eq(got.bytes, wanted->bytes);
    ck_assert_uint_eq(got.packets, wanted->packets);
    ck_assert_uint_eq(got.flows, wanted->flows);
    ck_assert_uint_eq(got.flags, wanted->flags);
}

/* Everything in the memory, in order; what is found by key is the same. */
static void check_memory(lnf_mem_t *mem, unsigned groups)
{
    lnf_mem_cursor_t *cursor, *found;
    lnf_rec_t *rec;
    unsigned i = 0;

    ck_assert_int_eq(lnf_rec_init(&rec), LNF_OK);
    for (int status = lnf_mem_first_c(mem, &cursor); status == LNF_OK;
         status = lnf_mem_next_c(mem, &cursor)) {
        ck_assert_uint_lt(i, groups);
        ck_assert_int_eq(lnf_mem_read_c(mem, cursor, rec), LNF_OK);
        check_record(rec, &expected[i++]);
        ck_assert_int_eq(lnf_mem_lookup_c(mem, rec, &found), LNF_OK);
        ck_assert_ptr_eq(found, cursor);
    }
    ck_assert_ptr_null(cursor);
    ck_assert_uint_eq(i, groups);
    lnf_rec_free(rec);
}

START_TEST(test_one_thread)
{
    make_flows(RECORDS, 1);
    unsigned groups = compute(RECORDS);
    lnf_mem_t *mem = new_memory();

    ck_assert_uint_gt(groups, 2000);
    write_flows(mem, 0, RECORDS);
    check_memory(mem, groups);
    ck_assert_int_eq(lnf_mem_merge_threads(mem), LNF_OK);
    check_memory(mem, groups);
    lnf_mem_free(mem);
}
END_TEST

struct job {
    lnf_mem_t *mem;
    unsigned start, count;
    bool merge;
};

static void *run_job(void *argument)
{
    const struct job *job = argument;

    write_flows(job->mem, job->start, job->count);
    if (job->merge) {
        ck_assert_int_eq(lnf_mem_merge_threads(job->mem), LNF_OK);
    }
    return NULL;
}

/* Threads write their share and merge; this thread may write a share, too, and not merge. */
static void run_threads(lnf_mem_t *mem, unsigned threads, unsigned count, bool here)
{
    pthread_t ids[THREADS_MAX];
    struct job jobs[THREADS_MAX + 1];
    unsigned shares = threads + here, share = count / shares;

    for (unsigned i = 0; i < shares; i++) {
        jobs[i] = (struct job){mem, i * share, share, true};
    }
    jobs[shares - 1].count = count - (shares - 1) * share;
    for (unsigned i = 0; i < threads; i++) {
        ck_assert_int_eq(pthread_create(&ids[i], NULL, run_job, &jobs[i]), 0);
    }
    if (here) {
        jobs[threads].merge = false;
        run_job(&jobs[threads]);
    }
    for (unsigned i = 0; i < threads; i++) {
        ck_assert_int_eq(pthread_join(ids[i], NULL), 0);
    }
}

START_TEST(test_threads)
{
    static const unsigned thread_counts[] = {1, 2, 3, 7, 40};
    unsigned count = _i == 4 ? 5000 : 30000;

    make_flows(count, 100 + (uint64_t)_i);
    unsigned groups = compute(count);
    lnf_mem_t *mem = new_memory();
    for (unsigned round = 0; round < 2; round++) {
        run_threads(mem, thread_counts[_i], count, false);
        check_memory(mem, groups);
        lnf_mem_clean(mem);
    }
    lnf_mem_free(mem);
}
END_TEST

/* Few records each, so that merging is most of the work. */
START_TEST(test_merge_races)
{
    const unsigned count = 64;

    make_flows(count, 7);
    unsigned groups = compute(count);
    lnf_mem_t *mem = new_memory();
    for (unsigned round = 0; round < 50; round++) {
        run_threads(mem, 8, count, false);
        check_memory(mem, groups);
        lnf_mem_clean(mem);
    }
    lnf_mem_free(mem);
}
END_TEST

/* A thread that wrote before all others, or takes over what they handed in, need not merge: what is
 * its own is what readers see. */
START_TEST(test_writer_without_merge)
{
    make_flows(2000, 9);
    unsigned groups = compute(2000);
    lnf_mem_t *mem = new_memory();

    write_flows(mem, 0, 500);
    struct job job = {mem, 500, 700, true};
    pthread_t id;
    ck_assert_int_eq(pthread_create(&id, NULL, run_job, &job), 0);
    ck_assert_int_eq(pthread_join(id, NULL), 0);
    write_flows(mem, 1200, 800);
    check_memory(mem, groups);

    lnf_mem_clean(mem);
    job = (struct job){mem, 0, 700, true};
    ck_assert_int_eq(pthread_create(&id, NULL, run_job, &job), 0);
    ck_assert_int_eq(pthread_join(id, NULL), 0);
    write_flows(mem, 700, 1300);
    check_memory(mem, groups);
    lnf_mem_free(mem);
}
END_TEST

/* Without merging only what the first thread wrote is seen. */
START_TEST(test_not_merged)
{
    make_flows(200, 11);
    unsigned groups = compute(100);
    lnf_mem_t *mem = new_memory();

    write_flows(mem, 0, 100);
    struct job job = {mem, 100, 100, false};
    pthread_t id;
    ck_assert_int_eq(pthread_create(&id, NULL, run_job, &job), 0);
    ck_assert_int_eq(pthread_join(id, NULL), 0);
    check_memory(mem, groups);
    lnf_mem_free(mem);
}
END_TEST

struct hold {
    lnf_mem_t *mem;
    pthread_barrier_t *barrier;
    int status;
};

static void *hold_part(void *argument)
{
    struct hold *hold = argument;
    lnf_rec_t *rec;

    ck_assert_int_eq(lnf_rec_init(&rec), LNF_OK);
    hold->status = lnf_mem_write(hold->mem, rec);
    pthread_barrier_wait(hold->barrier);
    ck_assert_int_eq(lnf_mem_merge_threads(hold->mem), LNF_OK);
    lnf_rec_free(rec);
    return NULL;
}

/* As many threads as promised may write at once; one more is told so. */
START_TEST(test_too_many_threads)
{
    static struct hold holds[LNF_MAX_THREADS + 1];
    static pthread_t ids[LNF_MAX_THREADS + 1];
    pthread_barrier_t barrier;
    lnf_mem_t *mem = NULL;
    lnf_rec_t *rec = NULL;
    unsigned refused = 0;
    uint64_t count = 0;

    ck_assert_int_eq(lnf_mem_init(&mem), LNF_OK);
    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_AGGR_FLOWS, LNF_AGGR_SUM, 0, 0), LNF_OK);
    ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, LNF_MAX_THREADS + 1), 0);
    for (unsigned i = 0; i <= LNF_MAX_THREADS; i++) {
        holds[i] = (struct hold){mem, &barrier, 0};
        ck_assert_int_eq(pthread_create(&ids[i], NULL, hold_part, &holds[i]), 0);
    }
    for (unsigned i = 0; i <= LNF_MAX_THREADS; i++) {
        ck_assert_int_eq(pthread_join(ids[i], NULL), 0);
        ck_assert(holds[i].status == LNF_OK || holds[i].status == LNF_ERR_OTHER);
        refused += holds[i].status != LNF_OK;
    }
    ck_assert_uint_eq(refused, 1);
    ck_assert_int_eq(lnf_rec_init(&rec), LNF_OK);
    ck_assert_int_eq(lnf_mem_read(mem, rec), LNF_OK);
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_AGGR_FLOWS, &count), LNF_OK);
    ck_assert_uint_eq(count, LNF_MAX_THREADS);
    pthread_barrier_destroy(&barrier);
    lnf_rec_free(rec);
    lnf_mem_free(mem);
}
END_TEST

/* Lists of several threads are joined: every record is there, those of a thread in reverse. */
START_TEST(test_list_threads)
{
    const unsigned count = 20000, threads = 4;
    unsigned last[4] = {0}, seen = 0;
    lnf_mem_t *mem = NULL;
    lnf_rec_t *rec = NULL;

    for (unsigned i = 0; i < count; i++) {
        flows[i] = (struct flow){.bytes = i};
    }
    for (unsigned i = 0; i < threads; i++) {
        last[i] = (i + 1) * (count / threads);
    }
    ck_assert_int_eq(lnf_mem_init(&mem), LNF_OK);
    ck_assert_int_eq(lnf_mem_setopt(mem, LNF_OPT_LISTMODE, NULL, 0), LNF_OK);
    ck_assert_int_eq(lnf_mem_fadd(mem, LNF_FLD_DOCTETS, 0, 0, 0), LNF_OK);
    run_threads(mem, threads, count, false);
    ck_assert_int_eq(lnf_rec_init(&rec), LNF_OK);
    while (lnf_mem_read(mem, rec) == LNF_OK) {
        uint64_t bytes;
        ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_DOCTETS, &bytes), LNF_OK);
        unsigned thread = (unsigned)bytes / (count / threads);
        ck_assert_uint_eq(bytes, last[thread] - 1);
        last[thread]--;
        seen++;
    }
    ck_assert_uint_eq(seen, count);
    lnf_rec_free(rec);
    lnf_mem_free(mem);
}
END_TEST

struct reader {
    lnf_mem_t *mem;
    unsigned groups;
};

static void *run_reader(void *argument)
{
    const struct reader *reader = argument;

    check_memory(reader->mem, reader->groups);
    return NULL;
}

START_TEST(test_readers)
{
    pthread_t ids[4];

    make_flows(20000, 13);
    unsigned groups = compute(20000);
    lnf_mem_t *mem = new_memory();
    run_threads(mem, 3, 20000, false);
    struct reader reader = {mem, groups};
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_create(&ids[i], NULL, run_reader, &reader), 0);
    }
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_join(ids[i], NULL), 0);
    }
    lnf_mem_free(mem);
}
END_TEST

static void *fail_here(void *argument)
{
    char text[LNF_MAX_STRING] = "old";

    ck_assert_int_ne(lnf_mem_setopt(argument, 99, NULL, 0), LNF_OK);
    lnf_error(text, sizeof(text));
    ck_assert_ptr_nonnull(strstr(text, "option"));
    return NULL;
}

/* A thread's error is its own. */
START_TEST(test_error_per_thread)
{
    char text[LNF_MAX_STRING];
    lnf_mem_t *mem = NULL, *other = NULL;
    pthread_t id;

    ck_assert_int_eq(lnf_mem_init(&mem), LNF_OK);
    ck_assert_int_eq(lnf_mem_init(&other), LNF_OK);
    ck_assert_int_eq(lnf_mem_fadd(mem, 0, 0, 0, 0), LNF_ERR_UNKFLD);
    ck_assert_int_eq(pthread_create(&id, NULL, fail_here, other), 0);
    ck_assert_int_eq(pthread_join(id, NULL), 0);
    lnf_error(text, sizeof(text));
    ck_assert_ptr_nonnull(strstr(text, "field"));
    lnf_mem_free(mem);
    lnf_mem_free(other);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("libnf/compat_mem_threads");
    TCase *tc = tcase_create("threads");

    tcase_set_timeout(tc, 250);
    tcase_add_test(tc, test_one_thread);
    tcase_add_loop_test(tc, test_threads, 0, 5);
    tcase_add_test(tc, test_merge_races);
    tcase_add_test(tc, test_writer_without_merge);
    tcase_add_test(tc, test_not_merged);
    tcase_add_test(tc, test_too_many_threads);
    tcase_add_test(tc, test_list_threads);
    tcase_add_test(tc, test_readers);
    tcase_add_test(tc, test_error_per_thread);
    suite_add_tcase(suite, tc);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
