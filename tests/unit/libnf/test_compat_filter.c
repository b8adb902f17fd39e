/* SPDX-License-Identifier: BSD-3-Clause */
/** Filters of libnf.h on single records: statuses, texts of errors, one filter in several threads.
 */
#include <check.h>
#include <libnf.h>
#include <pthread.h>
#include <string.h>

/* A record of a TCP flow 10.0.0.1:12345 -> 10.1.0.2:80. */
static lnf_rec_t *make_record(uint16_t dstport)
{
    lnf_rec_t *record;
    lnf_brec1_t values = {.first = 1700000000000,
                          .last = 1700000002000,
                          .prot = 6,
                          .srcport = 12345,
                          .dstport = dstport,
                          .bytes = 1000,
                          .pkts = 10,
                          .flows = 1};
    uint8_t flags = 0x12;
    uint8_t *src = (uint8_t *)values.srcaddr.data, *dst = (uint8_t *)values.dstaddr.data;

    memcpy(src + 12, "\x0a\x00\x00\x01", 4);
    memcpy(dst + 12, "\x0a\x01\x00\x02", 4);
    ck_assert_int_eq(lnf_rec_init(&record), LNF_OK);
    ck_assert_int_eq(lnf_rec_fset(record, LNF_FLD_BREC1, &values), LNF_OK);
    ck_assert_int_eq(lnf_rec_fset(record, LNF_FLD_TCP_FLAGS, &flags), LNF_OK);
    return record;
}

static int match(const char *text, lnf_rec_t *record)
{
    lnf_filter_t *filter;
    char copy[200];

    strcpy(copy, text);
    ck_assert_msg(lnf_filter_init(&filter, copy) == LNF_OK, "%s", text);
    ck_assert_str_eq(copy, text);
    int first = lnf_filter_match(filter, record);
    int again = lnf_filter_match(filter, record);
    ck_assert_int_eq(first, again);
    lnf_filter_free(filter);
    return first;
}

START_TEST(test_match)
{
    lnf_rec_t *record = make_record(80);

    ck_assert_int_eq(match("any", record), 1);
    ck_assert_int_eq(match("", record), 1);
    ck_assert_int_eq(match("not any", record), 0);
    ck_assert_int_eq(match("src ip 10.0.0.1 and dst net 10.1/16", record), 1);
    ck_assert_int_eq(match("srcip 10.0.0.2 or dstport 81", record), 0);
    ck_assert_int_eq(match("not port 443 and (bps = 4000 or flags S)", record), 1);
    ck_assert_int_eq(match("flags SA and duration 2000 and inet", record), 1);
    ck_assert_int_eq(match("inet6", record), 0);
    lnf_rec_free(record);
}
END_TEST

START_TEST(test_changed_record)
{
    lnf_rec_t *record = make_record(80);
    lnf_filter_t *filter;
    char text[] = "dst port 443 or exist srcvlan";
    uint16_t port = 443, vlan = 7;

    ck_assert_int_eq(lnf_filter_init_v2(&filter, text), LNF_OK);
    ck_assert_int_eq(lnf_filter_match(filter, record), 0);
    ck_assert_int_eq(lnf_rec_fset(record, LNF_FLD_DSTPORT, &port), LNF_OK);
    ck_assert_int_eq(lnf_filter_match(filter, record), 1);
    lnf_rec_clear(record);
    ck_assert_int_eq(lnf_filter_match(filter, record), 0);
    ck_assert_int_eq(lnf_rec_fset(record, LNF_FLD_SRC_VLAN, &vlan), LNF_OK);
    ck_assert_int_eq(lnf_filter_match(filter, record), 1);
    lnf_filter_free(filter);
    lnf_filter_free(NULL);
    lnf_rec_free(record);
}
END_TEST

/* A record nothing was set in: fields compare as 0. */
START_TEST(test_empty_record)
{
    lnf_rec_t *record;

    ck_assert_int_eq(lnf_rec_init(&record), LNF_OK);
    ck_assert_int_eq(match("any", record), 1);
    ck_assert_int_eq(match("not port 80", record), 1);
    ck_assert_int_eq(match("port 0 and flows 1", record), 1);
    ck_assert_int_eq(match("proto tcp or exist srcip", record), 0);
    lnf_rec_free(record);
}
END_TEST

static const char *label(lnf_filter_t *filter, uint16_t port)
{
    lnf_rec_t *record = make_record(port);
    const char *text = lnf_filter_label(filter, record);

    ck_assert(text == NULL || lnf_filter_match(filter, record) == 1);
    lnf_rec_free(record);
    return text;
}

START_TEST(test_labels)
{
    lnf_filter_t *filter;
    char text[] =
        "(dst port 80)%web or dst port 81 or %rest (dst port > 80 and not %no (dst port 83))";
    char both[] = "(proto tcp)%tcp and (dst port 80 or (dst port 81)%odd) and any";
    char outer[] = "((dst port 80)%inner)%outer";
    char none[] = "dst port 80", all[] = "(any)%all";

    ck_assert_int_eq(lnf_filter_init(&filter, text), LNF_OK);
    ck_assert_str_eq(label(filter, 80), "web");
    ck_assert_ptr_null(label(filter, 81));
    ck_assert_str_eq(label(filter, 82), "rest");
    ck_assert_ptr_null(label(filter, 83)); /* does not match */
    lnf_filter_free(filter);
    ck_assert_int_eq(lnf_filter_init(&filter, both), LNF_OK);
    ck_assert_str_eq(label(filter, 80), "tcp");
    ck_assert_str_eq(label(filter, 81), "odd");
    ck_assert_ptr_null(label(filter, 82));
    lnf_filter_free(filter);
    ck_assert_int_eq(lnf_filter_init(&filter, outer), LNF_OK);
    ck_assert_str_eq(label(filter, 80), "outer");
    lnf_filter_free(filter);
    ck_assert_int_eq(lnf_filter_init(&filter, none), LNF_OK);
    ck_assert_ptr_null(label(filter, 80));
    lnf_filter_free(filter);
    ck_assert_int_eq(lnf_filter_init(&filter, all), LNF_OK);
    ck_assert_str_eq(label(filter, 80), "all");
    lnf_filter_free(filter);
}
END_TEST

/* A record that was read from no file. */
START_TEST(test_no_place)
{
    lnf_rec_t *record = make_record(80);

    ck_assert_int_eq(match("ident none or count > 0", record), 0);
    ck_assert_int_eq(match("not ident none and count 0", record), 1);
    lnf_rec_free(record);
}
END_TEST

START_TEST(test_errors)
{
    lnf_filter_t *filter = NULL;
    char wrong[] = "any and\n  port 70000", message[LNF_MAX_STRING];

    ck_assert_int_eq(lnf_filter_init(&filter, wrong), LNF_ERR_FILTER);
    ck_assert_int_eq(lnf_filter_init_v1(&filter, wrong), LNF_ERR_FILTER);
    ck_assert_int_eq(lnf_filter_init_v2(&filter, wrong), LNF_ERR_OTHER_MSG);
    ck_assert_ptr_null(filter);
    lnf_error(message, sizeof(message));
    ck_assert_ptr_nonnull(strstr(message, "line 2, column 8: '70000' is too large"));
}
END_TEST

struct work {
    lnf_filter_t *filter;
    uint16_t port;
};

static void *match_often(void *context)
{
    const struct work *work = context;
    lnf_rec_t *record = make_record(work->port);
    uintptr_t sum = 0;

    for (int i = 0; i < 2000; i++) {
        sum += (uintptr_t)lnf_filter_match(work->filter, record);
    }
    lnf_rec_free(record);
    return (void *)sum;
}

START_TEST(test_threads)
{
    struct work work[4];
    pthread_t threads[4];
    lnf_filter_t *filter;
    char text[] = "(dst port 81 or dst port > 82) and (src ip 10.0.0.1 or bytes 5)";

    ck_assert_int_eq(lnf_filter_init(&filter, text), LNF_OK);
    for (uint16_t i = 0; i < 4; i++) {
        work[i] = (struct work){filter, (uint16_t)(80 + i)};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, match_often, &work[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        void *sum;
        ck_assert_int_eq(pthread_join(threads[i], &sum), 0);
        ck_assert_uint_eq((uintptr_t)sum, i % 2 == 1 ? 2000 : 0);
    }
    lnf_filter_free(filter);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("libnf.h filters");
    TCase *tests = tcase_create("records");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_match);
    tcase_add_test(tests, test_changed_record);
    tcase_add_test(tests, test_empty_record);
    tcase_add_test(tests, test_labels);
    tcase_add_test(tests, test_no_place);
    tcase_add_test(tests, test_errors);
    tcase_add_test(tests, test_threads);
    suite_add_tcase(suite, tests);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
