/* SPDX-License-Identifier: BSD-3-Clause */
/** The master with real slaves in threads, and with peers that do not keep to the rules. */
#include "exchange.h"
#include "job_fixture.h"

/* ---- whole jobs ----------------------------------------------------------------------------- */

struct player {
    pthread_t thread;
    struct slave_job job;
    transport_t *transport;
    struct failure failure;
    int class;
};

static void *play(void *argument)
{
    struct player *player = argument;

    player->class = link_run(&player->job, player->transport, &player->failure);
    return NULL;
}

static bool explain; /* in the next job */

/** Files spread over the slaves in order; the first slave takes what does not divide. */
static int run_job(unsigned slaves, unsigned threads)
{
    struct player players[SLAVES_MAX];
    struct master_job job = master_job();

    job.explain = explain;
    unsigned share = FILES / slaves, first = 0;

    for (unsigned i = 0; i < slaves; i++) {
        unsigned count = i == 0 ? FILES - share * (slaves - 1) : share;
        players[i].job = slave_job(first, count, threads);
        players[i].transport = bus_end(bus, i + 1);
        first += count;
        ck_assert_int_eq(pthread_create(&players[i].thread, NULL, play, &players[i]), 0);
    }
    int class = master_run(&job, bus_end(bus, 0), &failure);
    for (unsigned i = 0; i < slaves; i++) {
        if (class != REPORT_OK) { /* main.c would end the job now */
            const uint8_t nothing[1] = {0};
            struct failure ignored;
            (void)transport_send(bus_end(bus, 0), i + 1, TRANSPORT_CONTROL, MESSAGE_BYE, nothing, 0,
                                 &ignored);
        }
        pthread_join(players[i].thread, NULL);
        ck_assert_msg(players[i].class == REPORT_OK, "%s", players[i].failure.text);
    }
    return class;
}

static int run_alone(unsigned threads)
{
    struct master_job job = master_job();
    struct slave_job slave = slave_job(0, FILES, threads);

    return master_run_alone(&job, &slave, &failure);
}

static const struct query_words questions[] = {
    {.fields = "srcport,bytes"},
    {.fields = "srcport", .limit = "1"},
    {.fields = "srcport", .limit = "49"},
    {.fields = "srcport", .limit = "1234"},
    {.fields = "srcport", .filter = "src port 1030 or src port 3999"},
    {.fields = "srcip", .filter = "src port 1"},
    {.fields = ""},
    {.order = "bytes"},
    {.order = "bytes", .limit = "17"},
    {.order = "proto", .fields = "", .limit = "9"},
    {.order = "bps#asc", .fields = "srcip", .limit = "40"},
    {.aggregation = "srcip"},
    {.aggregation = "srcip,dstip,srcport,dstport"},
    {.statistic = "srcip"},
    {.statistic = "srcip/24/64#bytes"},
    {.statistic = "proto#bps"},
    {.statistic = "port#flows"},
    {.statistic = "ip,port#packets#asc"},
    {.aggregation = "srcip", .filter = "src port 1"},
};

/** The same octets from one process and from 1 to 4 slaves, with 1 and with 4 threads. */
START_TEST(test_same_answer)
{
    prepare(&questions[_i], QUERY_RECORDS, 1, NULL);
    ck_assert_int_eq(run_alone(1), REPORT_OK);
    char *expected = strdup(content(out_path));
    ck_assert_uint_gt(strlen(expected), 0);
    for (unsigned slaves = 0; slaves <= SLAVES_MAX; slaves++) {
        for (unsigned threads = 1; threads <= 4; threads += 3) {
            prepare(&questions[_i], QUERY_RECORDS, slaves == 0 ? 1 : slaves, NULL);
            ck_assert_int_eq(slaves == 0 ? run_alone(threads) : run_job(slaves, threads),
                             REPORT_OK);
            ck_assert_str_eq(content(out_path), expected);
        }
    }
    free(expected);
}
END_TEST

/** The same octets whatever the exchange; no process waits for one that waits. */
START_TEST(test_exchanges)
{
    prepare(&questions[_i], QUERY_RECORDS, 1, NULL);
    ck_assert_int_eq(run_alone(1), REPORT_OK);
    char *expected = strdup(content(out_path));
    for (unsigned slaves = 1; slaves <= SLAVES_MAX; slaves++) {
        for (int e = QUERY_EXCHANGE_GATHER; e <= QUERY_EXCHANGE_SHUFFLE; e++) {
            prepare(&questions[_i], QUERY_RECORDS, slaves, NULL);
            query.exchange = (enum query_exchange)e;
            if (exchange_check(&query, &failure) != REPORT_OK) {
                continue;
            }
            bus_make_synchronous(bus);
            ck_assert_msg(run_job(slaves, 2) == REPORT_OK, "%s", failure.text);
            ck_assert_str_eq(content(out_path), expected);
        }
    }
    free(expected);
}
END_TEST

/** The only slave sends no more groups than are printed. */
START_TEST(test_one_slave_sends_little)
{
    size_t octets;

    prepare(&(struct query_words){.aggregation = "srcip", .order = "bytes#asc", .limit = "3"},
            QUERY_RECORDS, 1, NULL);
    ck_assert_int_eq(run_job(1, 4), REPORT_OK);
    ck_assert_uint_eq(bus_sent(bus, 1, MESSAGE_ROWS, &octets), 2); /* rows, and that they end */
    ck_assert_uint_le(octets, 2 * 36 + 3 * lnf_query_row_size(compiled));
}
END_TEST

/** What was done is told on standard error, once, and only to who asked. */
START_TEST(test_explain)
{
    for (unsigned explained = 0; explained < 2; explained++) {
        prepare(&(struct query_words){.statistic = "srcip#bytes"}, QUERY_RECORDS, 3, NULL);
        query.exchange = QUERY_EXCHANGE_TPUT;
        explain = explained > 0;
        ck_assert_int_eq(run_job(3, 2), REPORT_OK);
        char *text = content(err_path);
        if (explained == 0) {
            ck_assert_str_eq(text, "");
            continue;
        }
        ck_assert_ptr_nonnull(strstr(text, "explain: exchange: tput: asked for; threshold "));
        char *line = strstr(text, "explain: process 4 reads: files=2 ");
        ck_assert_ptr_nonnull(line);
        ck_assert_ptr_nonnull(strstr(line, " best=10 best_octets="));
        ck_assert_ptr_nonnull(strstr(line, " records=1000 "));
        ck_assert_ptr_null(strstr(text, "process 5"));
    }
    explain = false;
}
END_TEST

/** Summaries, too; their numbers are those of one process. */
START_TEST(test_summaries)
{
    const unsigned items = QUERY_RECORDS | QUERY_PROCESSED | QUERY_FILES;

    prepare(&questions[_i], items, 1, NULL);
    ck_assert_int_eq(run_alone(2), REPORT_OK);
    char *expected = strdup(content(out_path));
    for (unsigned slaves = 1; slaves <= SLAVES_MAX; slaves++) {
        prepare(&questions[_i], items, slaves, NULL);
        ck_assert_int_eq(run_job(slaves, 2), REPORT_OK);
        char *got = content(out_path);
        /* Before and after the seconds. */
        const char *name = "flows,packets,bytes,seconds,flows/second\n";
        char *a = strstr(expected, name), *b = strstr(got, name);
        ck_assert_ptr_nonnull(a);
        ck_assert_ptr_nonnull(b);
        ck_assert_int_eq(a - expected, b - got);
        ck_assert_int_eq(memcmp(expected, got, (size_t)(a - expected)), 0);
        a += strlen(name);
        b += strlen(name);
        size_t counts = strcspn(a, "."); /* flows, packets, bytes, whole seconds */
        while (counts > 0 && a[counts - 1] != ',') {
            counts--;
        }
        ck_assert_int_eq(strncmp(a, b, counts), 0);
        ck_assert_str_eq(strstr(a, "\nfield,"), strstr(b, "\nfield,"));
    }
    free(expected);
}
END_TEST

/** What is not printed is not sent. */
START_TEST(test_no_records)
{
    for (unsigned items = 0; items < 8; items++) {
        size_t octets;
        prepare(&questions[_i], items, 2, NULL);
        ck_assert_int_eq(run_job(2, 2), REPORT_OK);
        unsigned sent = bus_sent(bus, 1, MESSAGE_ROWS, &octets);
        if ((items & QUERY_RECORDS) == 0) {
            ck_assert_uint_eq(sent, 0);
        }
    }
}
END_TEST

/** Sorted lists with a limit send no more than that many rows. */
START_TEST(test_sort_limit_sends_little)
{
    size_t octets;

    prepare(&(struct query_words){.order = "bytes", .fields = "", .limit = "3"}, QUERY_RECORDS, 2,
            NULL);
    ck_assert_int_eq(run_job(2, 4), REPORT_OK);
    ck_assert_uint_eq(bus_sent(bus, 1, MESSAGE_ROWS, &octets), 2); /* rows, and that they end */
    ck_assert_uint_le(octets, 2 * 36 + 3 * lnf_query_row_size(compiled));
}
END_TEST

/** A list with a limit: a slave whose turn never comes is stopped. */
START_TEST(test_list_limit_stops)
{
    size_t octets;

    prepare(&(struct query_words){.fields = "srcport", .limit = "3"}, QUERY_RECORDS, 3, NULL);
    ck_assert_int_eq(run_job(3, 1), REPORT_OK);
    ck_assert_str_eq(content(out_path), "srcport\n1024\n1025\n1026\n");
    ck_assert_uint_eq(bus_sent(bus, 0, MESSAGE_STOP, &octets), 3);
}
END_TEST

START_TEST(test_progress)
{
    char path[64];

    snprintf(path, sizeof(path), "%s/progress", folder);
    prepare(&(struct query_words){.statistic = "srcip"}, QUERY_RECORDS, 3, path);
    ck_assert_int_eq(run_job(3, 2), REPORT_OK);
    ck_assert_str_eq(content(path), "reading files: total: 6/6 (100 %) | 1: 2/2 (100 %) | "
                                    "2: 2/2 (100 %) | 3: 2/2 (100 %)\n");
}
END_TEST

START_TEST(test_damage_is_told)
{
    ck_assert_int_eq(truncate(paths[1], 0), 0);
    unlink(paths[5]);
    prepare(&(struct query_words){.fields = "srcport"}, QUERY_RECORDS, 2, NULL);
    ck_assert_int_eq(run_job(2, 2), REPORT_OK);
    ck_assert_ptr_nonnull(
        strstr(content(err_path), "Warning: libnf: 2 of 6 files could not be read\t"));
}
END_TEST

static const struct {
    off_t size; /* the second file is cut to; -1 = it stays */
    bool gone;  /* the last file is */
    int class;
    const char *text;
} strict_cases[] = {
    {-1, false, REPORT_OK, ""},
    {-1, true, REPORT_LIBNF, "--strict: 0 paths could not be used, 1 of 6 files could not be read"},
    {0, true, REPORT_LIBNF, "--strict: 0 paths could not be used, 2 of 6 files could not be read"},
    {2000, false, REPORT_LIBNF,
     "--strict: 0 paths could not be used, 0 of 6 files could not be read, others have problems"},
};

/** A strict job prints what there is, warns, and then fails. */
START_TEST(test_strict)
{
    for (unsigned slaves = 0; slaves <= 2; slaves += 2) {
        if (strict_cases[_i].size >= 0) {
            ck_assert_int_eq(truncate(paths[1], strict_cases[_i].size), 0);
        }
        if (strict_cases[_i].gone) {
            unlink(paths[5]);
        }
        prepare(&(struct query_words){.fields = "srcport"}, QUERY_RECORDS, slaves > 0 ? slaves : 1,
                NULL);
        strict = false;
        ck_assert_int_eq(slaves == 0 ? run_alone(2) : run_job(slaves, 2), REPORT_OK);
        size_t size = strlen(content(out_path));
        prepare(&(struct query_words){.fields = "srcport"}, QUERY_RECORDS, slaves > 0 ? slaves : 1,
                NULL);
        strict = true;
        ck_assert_int_eq(slaves == 0 ? run_alone(2) : run_job(slaves, 2), strict_cases[_i].class);
        ck_assert_uint_eq(strlen(content(out_path)), size);
        if (strict_cases[_i].class != REPORT_OK) {
            ck_assert_str_eq(failure.text, strict_cases[_i].text);
            ck_assert_ptr_nonnull(strstr(content(err_path), "Warning: libnf: "));
        }
    }
}
END_TEST

/** Paths that led to no file weigh more than files. */
START_TEST(test_strict_paths)
{
    struct master_job job;
    struct slave_job slave;

    prepare(&(struct query_words){.fields = "srcport"}, QUERY_RECORDS, 1, NULL);
    ck_assert_int_eq(truncate(paths[1], 0), 0);
    strict = true;
    job = master_job();
    slave = slave_job(0, FILES, 2);
    slave.skipped = 3;
    ck_assert_int_eq(master_run_alone(&job, &slave, &failure), REPORT_PATH);
    ck_assert_str_eq(failure.text,
                     "--strict: 3 paths could not be used, 1 of 6 files could not be read");
}
END_TEST

/* ---- peers that break the rules ------------------------------------------------------------- */

static void send_as(unsigned rank, enum transport_channel channel, int kind, const uint8_t *octets,
                    size_t size)
{
    struct failure ignored;

    ck_assert_int_eq(transport_send(bus_end(bus, rank), 0, channel, kind, octets, size, &ignored),
                     REPORT_OK);
}

static void send_number(unsigned rank, int kind, uint64_t number)
{
    uint8_t octets[64];

    send_as(rank, TRANSPORT_CONTROL, kind, octets, message_pack_number(number, octets));
}

static void send_end(unsigned rank)
{
    struct slave_counts counts = {.files = 1};
    uint8_t octets[1024];

    lnf_stat_init(&counts.stat);
    send_as(rank, TRANSPORT_DATA, MESSAGE_END, octets, message_pack_counts(&counts, octets));
}

static int run_master(void)
{
    struct master_job job = master_job();

    return master_run(&job, bus_end(bus, 0), &failure);
}

static const struct query_words list = {.fields = "srcport"};
static const struct query_words groups = {.aggregation = "srcip"};

static const struct {
    const struct query_words *words;
    enum transport_channel channel;
    int kind;
    size_t size; /* octets, all of them 0xff */
} malformed[] = {
    {&list, TRANSPORT_CONTROL, MESSAGE_GOAL, 7},
    {&list, TRANSPORT_CONTROL, MESSAGE_GOAL, 9},
    {&list, TRANSPORT_CONTROL, MESSAGE_GOAL, 0},
    {&list, TRANSPORT_CONTROL, MESSAGE_PROGRESS, 3},
    {&list, TRANSPORT_CONTROL, MESSAGE_FAILED, 0},
    {&list, TRANSPORT_CONTROL, MESSAGE_FAILED, 100},
    {&list, TRANSPORT_CONTROL, MESSAGE_STOP, 0},
    {&list, TRANSPORT_CONTROL, MESSAGE_BYE, 0},
    {&list, TRANSPORT_CONTROL, 99, 0},
    {&list, TRANSPORT_CONTROL, -1, 0},
    {&list, TRANSPORT_DATA, MESSAGE_ROWS, 0},
    {&list, TRANSPORT_DATA, MESSAGE_ROWS, 36},
    {&list, TRANSPORT_DATA, MESSAGE_ROWS, 1000},
    {&list, TRANSPORT_DATA, MESSAGE_END, 0},
    {&list, TRANSPORT_DATA, MESSAGE_END, 36},
    {&groups, TRANSPORT_DATA, MESSAGE_ROWS, 0},
    {&groups, TRANSPORT_DATA, MESSAGE_ROWS, 36},
    {&groups, TRANSPORT_DATA, MESSAGE_ROWS, 1000},
    {&groups, TRANSPORT_DATA, MESSAGE_END, 17},
    {&groups, TRANSPORT_DATA, MESSAGE_HOLDS, 7},
    {&groups, TRANSPORT_DATA, MESSAGE_KEYS, 4},
    {&groups, TRANSPORT_DATA, MESSAGE_COUNT, 8},
    {&groups, TRANSPORT_DATA, MESSAGE_DEAL, 36},
    {&groups, TRANSPORT_CONTROL, MESSAGE_PLAN, MESSAGE_PLAN_SIZE},
    {&groups, TRANSPORT_CONTROL, MESSAGE_THRESHOLD, 8},
    {&list, TRANSPORT_DATA, MESSAGE_HOLDS, 8},
    {&list, TRANSPORT_DATA, MESSAGE_KEYS, 8},
};

START_TEST(test_malformed)
{
    uint8_t octets[1024];

    memset(octets, 0xff, sizeof(octets));
    prepare(malformed[_i].words, QUERY_RECORDS, 2, NULL);
    send_as(1, malformed[_i].channel, malformed[_i].kind, octets, malformed[_i].size);
    ck_assert_int_eq(run_master(), REPORT_MPI);
    ck_assert_msg(strstr(failure.text, "process 2") != NULL, "%s", failure.text);
}
END_TEST

/** Things that are well formed but come twice, or when nothing of the kind is asked for. */
START_TEST(test_out_of_order)
{
    prepare(&list, QUERY_RECORDS, 2, NULL);
    send_number(1, MESSAGE_GOAL, 1);
    send_number(1, MESSAGE_GOAL, 1);
    ck_assert_int_eq(run_master(), REPORT_MPI);

    prepare(&list, QUERY_PROCESSED, 2, NULL);
    send_end(1);
    send_end(1);
    ck_assert_int_eq(run_master(), REPORT_MPI);

    prepare(&groups, QUERY_RECORDS, 2, NULL); /* ends without the rows that must come before */
    send_end(1);
    send_end(2);
    ck_assert_int_eq(run_master(), REPORT_MPI);

    prepare(&groups, QUERY_RECORDS, 2, NULL); /* one is there still, and must not be waited for */
    send_end(2);
    uint8_t holds[MESSAGE_NUMBER_SIZE];
    send_as(1, TRANSPORT_DATA, MESSAGE_HOLDS, holds, message_pack_number(1, holds));
    ck_assert_int_eq(run_master(), REPORT_MPI);
    ck_assert_str_eq(failure.text, "a slave ended before its last rows");

    uint8_t octets[MESSAGE_MAX > 65536 ? 65536 : MESSAGE_MAX];
    const struct lnf_totals none = {0};
    prepare(&list, QUERY_PROCESSED, 1, NULL);
    send_as(1, TRANSPORT_DATA, MESSAGE_ROWS, octets, message_pack_rows(&none, NULL, 0, 0, octets));
    ck_assert_int_eq(run_master(), REPORT_MPI);
}
END_TEST

/** Numbers that cannot be: accepted, as they only show. */
START_TEST(test_strange_progress)
{
    char path[64];

    snprintf(path, sizeof(path), "%s/progress", folder);
    prepare(&list, QUERY_PROCESSED, 1, path);
    send_number(1, MESSAGE_PROGRESS, UINT64_MAX);
    send_number(1, MESSAGE_GOAL, UINT64_MAX);
    send_number(1, MESSAGE_PROGRESS, 0);
    send_end(1);
    ck_assert_int_eq(run_master(), REPORT_OK);
    ck_assert_ptr_nonnull(strstr(content(path), "reading files: total: 1/18446744073709551615"));
}
END_TEST

/** The failure of a slave becomes that of the job, with its words, class and host. */
START_TEST(test_failed_slave)
{
    struct failure of_slave;
    uint8_t octets[2048];

    prepare(_i == 0 ? &list : &groups, QUERY_RECORDS, 3, NULL);
    send_number(1, MESSAGE_GOAL, 1);
    failure_set(&of_slave, REPORT_MEMORY, "an allocation failed");
    send_as(3, TRANSPORT_CONTROL, MESSAGE_FAILED, octets,
            message_pack_failure(&of_slave, "node3", octets));
    ck_assert_int_eq(run_master(), REPORT_MEMORY);
    ck_assert_str_eq(failure.text, "process 4 on node3: an allocation failed");
    ck_assert_int_eq(failure.class, REPORT_MEMORY);
}
END_TEST

START_TEST(test_broken_line)
{
    prepare(&list, QUERY_PROCESSED, 1, NULL);
    bus_break(bus, 0, 0);
    send_end(1);
    ck_assert_int_eq(run_master(), REPORT_MPI);
    ck_assert_str_eq(failure.text, "the line is broken");
}
END_TEST

/* ---- outputs that end ----------------------------------------------------------------------- */

START_TEST(test_full_disk)
{
    int full = open("/dev/full", O_WRONLY);

    if (full < 0) {
        return;
    }
    dup2(full, out_fd);
    close(full);
    forget();
    ck_assert_int_eq(query_build(&questions[_i], QUERY_RECORDS, &query, &failure), REPORT_OK);
    ck_assert_int_eq(query_compile(&query, &compiled, &failure), REPORT_OK);
    output = output_create(&query, compiled, &options, out_fd);
    progress = progress_create(PROGRESS_NONE, NULL, 2, &report);
    bus = bus_create(3);
    ck_assert_int_eq(run_job(2, 2), REPORT_INTERNAL);
    ck_assert_str_eq(failure.text, "cannot write the output: No space left on device");
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
    Suite *suite = suite_create("fdistdump/master");
    TCase *tc = tcase_create("master");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, test_same_answer, 0, COUNT(questions));
    tcase_add_loop_test(tc, test_exchanges, 0, COUNT(questions));
    tcase_add_test(tc, test_one_slave_sends_little);
    tcase_add_test(tc, test_explain);
    tcase_add_loop_test(tc, test_summaries, 0, COUNT(questions));
    tcase_add_loop_test(tc, test_no_records, 0, COUNT(questions));
    tcase_add_test(tc, test_sort_limit_sends_little);
    tcase_add_test(tc, test_list_limit_stops);
    tcase_add_test(tc, test_progress);
    tcase_add_test(tc, test_damage_is_told);
    tcase_add_loop_test(tc, test_strict, 0, COUNT(strict_cases));
    tcase_add_test(tc, test_strict_paths);
    tcase_add_loop_test(tc, test_malformed, 0, COUNT(malformed));
    tcase_add_test(tc, test_out_of_order);
    tcase_add_test(tc, test_strange_progress);
    tcase_add_loop_test(tc, test_failed_slave, 0, 2);
    tcase_add_test(tc, test_broken_line);
    tcase_add_loop_test(tc, test_full_disk, 0, COUNT(questions));
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
