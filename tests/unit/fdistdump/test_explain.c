/* SPDX-License-Identifier: BSD-3-Clause */
/** The lines of --explain. */
#include "explain.h"
#include "suite_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct query query;
static lnf_query_t *compiled;
static char text[16384];

static void teardown(void)
{
    lnf_query_destroy(compiled);
    query_clear(&query);
    compiled = NULL;
}

static void ask(const struct query_words *words, unsigned items)
{
    struct failure failure;

    teardown();
    ck_assert_int_eq(query_build(words, items, &query, &failure), REPORT_OK);
    ck_assert_int_eq(query_compile(&query, &compiled, &failure), REPORT_OK);
}

/** What is printed, in `text`. */
static void explain(const struct explain_master *master)
{
    char path[] = "/tmp/explain-XXXXXX";
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    unlink(path);
    explain_print(fd, &query, compiled, master);
    ssize_t size = pread(fd, text, sizeof(text) - 1, 0);
    ck_assert_int_gt(size, 0);
    text[size] = '\0';
    close(fd);
}

static void expect(const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "no `%s' in:\n%s", part, text);
}

START_TEST(test_job)
{
    struct slave_counts counts[2] = {{.files = 3, .unreadable = 1, .indexed = 2}};
    const struct explain_master master = {
        .exchange = "tput",
        .why = "because",
        .slaves = 2,
        .slave_counts = counts,
        .octets_sent = 11,
        .octets_received = 22,
        .wait_us = 1500000,
    };

    counts[0].files_skipped = 1;
    counts[0].indexed_blocks = 40;
    counts[0].blocks_skipped = 39;
    counts[1].groups = 7;
    counts[1].sent[SLAVE_BEST].rows = 5;
    counts[1].sent[SLAVE_BEST].octets = 120;
    counts[1].memory_peak = 4096;
    counts[1].spilled = 99;
    ask(&(struct query_words){.statistic = "srcip,proto#bytes"}, QUERY_RECORDS);
    explain(&master);
    expect("explain: question: groups by srcip,proto, order bytes#desc, limit 10, rows of ");
    expect("\nexplain: exchange: tput: because\n");
    expect("\nexplain: process 1 prints: octets_sent=11 octets_received=22 ");
    expect(" wait_s=1.500 ");
    expect("\nexplain: process 2 reads: files=3 unreadable=1 indexed=2 files_skipped=1 "
           "indexed_blocks=40 blocks_skipped=39 ");
    expect("\nexplain: process 3 reads: files=0 ");
    expect(" groups=7 held=0 best=5 best_octets=120 octets_sent=0 ");
    expect(" memory_peak=4096 spilled=99 ");
}
END_TEST

START_TEST(test_alone)
{
    const struct slave_counts counts = {.files = 3, .groups = 12};
    const struct explain_master master = {.slave_counts = &counts, .spilled = 5};

    ask(&(struct query_words){.order = "bytes"}, QUERY_RECORDS);
    explain(&master);
    expect("explain: question: sorted records, order bytes#desc, rows of ");
    expect("\nexplain: exchange: none\n");
    expect("\nexplain: process 1 reads and prints: files=3 ");
    expect(" groups=12 memory_peak=0 spilled=5 ");
    ask(&(struct query_words){.fields = "srcip"}, QUERY_PROCESSED);
    explain(&master);
    expect("explain: question: list of records, no records wanted\n");
    ask(&(struct query_words){.aggregation = "srcip"}, QUERY_RECORDS);
    explain(&master);
    expect("groups by srcip, order of the keys, rows of");
}
END_TEST

/** Longer than any line shows: cut, and still a line. */
START_TEST(test_long)
{
    static char keys[] = "srcip,dstip,srcport,dstport,proto,flags,tos,srcas,dstas,inif";
    struct slave_counts counts;
    struct explain_master master = {.exchange = "shuffle", .slaves = 1, .slave_counts = &counts};

    memset(&counts, 0xff, sizeof(counts));
    memset(master.why, 'w', sizeof(master.why) - 1);
    ask(&(struct query_words){.aggregation = keys}, QUERY_RECORDS);
    explain(&master);
    expect("process 2 reads: files=18446744073709551615 ");
    ck_assert_int_eq(text[strlen(text) - 1], '\n');
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fdistdump/explain");
    TCase *tc = tcase_create("explain");

    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_test(tc, test_job);
    tcase_add_test(tc, test_alone);
    tcase_add_test(tc, test_long);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
