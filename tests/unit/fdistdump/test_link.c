/* SPDX-License-Identifier: BSD-3-Clause */
/** The slave's side: what it says in which order, and what it does when the master stops or fails.
 */
#include "job_fixture.h"

static const struct query_words list = {.fields = "srcport"};
static const struct query_words groups = {.aggregation = "srcip"};

/** Says something to the slave, number 1. */
static void tell(int kind)
{
    const uint8_t nothing[1] = {0};
    struct failure ignored;

    ck_assert_int_eq(
        transport_send(bus_end(bus, 0), 1, TRANSPORT_CONTROL, kind, nothing, 0, &ignored),
        REPORT_OK);
}

static struct slave_job job;
static int link_class;

static void *run_thread(void *unused)
{
    (void)unused;
    link_class = link_run(&job, bus_end(bus, 1), &failure);
    return NULL;
}

/** The only exchange a slave alone is told: it sends its finished rows. */
static void tell_plan(void)
{
    struct failure ignored;
    const struct message_plan plan = {QUERY_EXCHANGE_GATHER, MESSAGE_ROWS_SIZE};
    uint8_t octets[MESSAGE_PLAN_SIZE];
    size_t size = message_pack_plan(&plan, octets);

    ck_assert_int_eq(
        transport_send(bus_end(bus, 0), 1, TRANSPORT_CONTROL, MESSAGE_PLAN, octets, size, &ignored),
        REPORT_OK);
}

/** Runs the slave; the master plans when it knows what the slave holds, and says goodbye when it
 * has heard the end, or why there is none. */
static int run_link(unsigned threads)
{
    pthread_t thread;
    size_t octets;
    bool has_planned = false;

    job = slave_job(0, FILES, threads);
    ck_assert_int_eq(pthread_create(&thread, NULL, run_thread, NULL), 0);
    while (pthread_tryjoin_np(thread, NULL) != 0) {
        if (bus_sent(bus, 1, MESSAGE_END, &octets) > 0) {
            tell(MESSAGE_BYE);
            pthread_join(thread, NULL);
            break;
        }
        if (!has_planned && bus_sent(bus, 1, MESSAGE_HOLDS, &octets) > 0) {
            tell_plan();
            has_planned = true;
        }
        usleep(1000);
    }
    return link_class;
}

/** What the master finds, in order; kind 0 at the end. */
static struct transport_message next(enum transport_channel channel)
{
    struct transport_message message;

    ck_assert_int_eq(
        transport_poll(bus_end(bus, 0),
                       channel == TRANSPORT_DATA ? TRANSPORT_ANYBODY : TRANSPORT_NOBODY, &message,
                       &failure),
        REPORT_OK);
    return message;
}

/** Takes the control messages: one goal, then progress that ends with all files. */
static void expect_control(void)
{
    uint64_t files = 0, last = 0;
    struct transport_message message = next(TRANSPORT_CONTROL);

    ck_assert_int_eq(message.kind, MESSAGE_GOAL);
    ck_assert(message_unpack_number(message.octets, message.size, &files));
    ck_assert_uint_eq(files, FILES);
    while ((message = next(TRANSPORT_CONTROL)).kind != 0) {
        ck_assert_int_eq(message.kind, MESSAGE_PROGRESS);
        ck_assert(message_unpack_number(message.octets, message.size, &files));
        ck_assert_uint_gt(files, last);
        last = files;
    }
    ck_assert_uint_eq(last, FILES);
}

/** Takes rows up to the end, whose counts are returned. */
static struct slave_counts expect_rows(size_t *rows, size_t *empty, uint64_t *flows)
{
    struct slave_counts counts;
    struct transport_message message;

    *rows = *empty = 0;
    *flows = 0;
    message = next(TRANSPORT_DATA);
    if (message.kind == MESSAGE_HOLDS) {
        uint64_t holds;
        ck_assert(message_unpack_number(message.octets, message.size, &holds));
        ck_assert_uint_gt(holds, 0);
        message = next(TRANSPORT_DATA);
    }
    for (; message.kind == MESSAGE_ROWS; message = next(TRANSPORT_DATA)) {
        struct message_rows got;
        ck_assert_uint_eq(*empty, 0); /* nothing after the last rows */
        ck_assert_uint_eq(message.source, 1);
        ck_assert(
            message_unpack_rows(message.octets, message.size, lnf_query_row_size(compiled), &got));
        *rows += got.count;
        *empty += got.count == 0;
        *flows += got.totals.flows;
    }
    ck_assert_int_eq(message.kind, MESSAGE_END);
    ck_assert(message_unpack_counts(message.octets, message.size, &counts));
    ck_assert_uint_eq(counts.files, FILES);
    ck_assert_int_eq(next(TRANSPORT_DATA).kind, 0);
    return counts;
}

START_TEST(test_list)
{
    size_t rows, empty;
    uint64_t flows;

    prepare(&list, QUERY_RECORDS, 1, NULL);
    ck_assert_int_eq(run_link(3), REPORT_OK);
    expect_control();
    struct slave_counts counts = expect_rows(&rows, &empty, &flows);
    ck_assert_uint_eq(rows, FLOWS);
    ck_assert_uint_eq(empty, 0);
    ck_assert_uint_eq(flows, FLOWS);
    ck_assert_uint_eq(counts.totals.flows, 0);
}
END_TEST

START_TEST(test_groups)
{
    size_t rows, empty;
    uint64_t flows;

    prepare(&groups, QUERY_RECORDS, 1, NULL);
    ck_assert_int_eq(run_link(3), REPORT_OK);
    expect_control();
    struct slave_counts counts = expect_rows(&rows, &empty, &flows);
    ck_assert_uint_gt(rows, 1000);
    ck_assert_uint_eq(empty, 1);
    ck_assert_uint_eq(flows, 0);
    ck_assert_uint_eq(counts.totals.flows, FLOWS);
}
END_TEST

START_TEST(test_count)
{
    size_t rows, empty;
    uint64_t flows;

    prepare(&groups, QUERY_PROCESSED, 1, NULL);
    ck_assert_int_eq(run_link(3), REPORT_OK);
    expect_control();
    struct slave_counts counts = expect_rows(&rows, &empty, &flows);
    ck_assert_uint_eq(rows + empty, 0);
    ck_assert_uint_eq(counts.totals.flows, FLOWS);
}
END_TEST

/** Stopped, the slave still says that it is through, and waits for the end. */
START_TEST(test_stop)
{
    size_t rows, empty;
    uint64_t flows;

    prepare(&list, QUERY_RECORDS, 1, NULL);
    tell(MESSAGE_STOP);
    ck_assert_int_eq(run_link(1), REPORT_OK);
    expect_control();
    (void)expect_rows(&rows, &empty, &flows);
    ck_assert_uint_le(rows, BLOCK_FLOWS);
}
END_TEST

/** Rows larger than a message go in several; their totals are said once. */
START_TEST(test_many_messages)
{
    static char fields[] =
        "first,last,received,bytes,packets,outbytes,outpackets,srcip,dstip,nextip,"
        "bgpnexthop,routerip,xsrcip,xdstip,exporterip,srcport,dstport,cl,sl,al";
    size_t rows, empty, octets;
    uint64_t flows;

    for (unsigned i = 0; i < FILES; i++) { /* blocks as large as they get */
        unlink(paths[i]);
        ck_assert_int_eq(test_file_write(paths[i], LNF_CODEC_LZ4, NULL, 0, i * 9000, 9000, 9000),
                         LNF_OK);
    }
    prepare(&(struct query_words){.fields = fields}, QUERY_RECORDS, 1, NULL);
    ck_assert_uint_gt(9000 * lnf_query_row_size(compiled), MESSAGE_ROWS_SIZE);
    ck_assert_int_eq(run_link(2), REPORT_OK);
    expect_control();
    ck_assert_uint_gt(bus_sent(bus, 1, MESSAGE_ROWS, &octets), FILES);
    (void)expect_rows(&rows, &empty, &flows);
    ck_assert_uint_eq(rows, FILES * 9000);
    ck_assert_uint_eq(flows, FILES * 9000);
}
END_TEST

/** A line that breaks at any message ends the slave with that failure. */
START_TEST(test_broken_line)
{
    for (unsigned sends = 0; sends < 6; sends++) {
        prepare(_i == 0 ? &list : &groups, QUERY_RECORDS, 1, NULL);
        bus_break(bus, 1, sends);
        int class = run_link(2);
        if (class == REPORT_OK) { /* it had less to say */
            ck_assert_uint_ge(sends, 4);
            continue;
        }
        ck_assert_int_eq(class, REPORT_MPI);
        ck_assert_str_eq(failure.text, "the line is broken");
    }
}
END_TEST

/** The longest failure of the longest host arrives whole. */
START_TEST(test_tell_failure)
{
    struct failure long_one = {.class = REPORT_MEMORY};
    struct message_failure got;

    prepare(&list, QUERY_RECORDS, 1, NULL);
    memset(long_one.text, 'x', sizeof(long_one.text) - 1);
    memset(report.host, 'h', sizeof(report.host) - 1);
    link_tell_failure(bus_end(bus, 1), &report, &long_one);
    struct transport_message message = next(TRANSPORT_CONTROL);
    ck_assert_int_eq(message.kind, MESSAGE_FAILED);
    ck_assert(message_unpack_failure(message.octets, message.size, &got));
    ck_assert_int_eq(got.failure.class, REPORT_MEMORY);
    ck_assert_str_eq(got.failure.text, long_one.text);
    ck_assert_str_eq(got.host, report.host);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fdistdump/link");
    TCase *tc = tcase_create("link");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, test_list);
    tcase_add_test(tc, test_groups);
    tcase_add_test(tc, test_count);
    tcase_add_test(tc, test_stop);
    tcase_add_test(tc, test_many_messages);
    tcase_add_loop_test(tc, test_broken_line, 0, 2);
    tcase_add_test(tc, test_tell_failure);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
