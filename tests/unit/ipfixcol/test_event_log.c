/* SPDX-License-Identifier: BSD-3-Clause */
/* The lines scripts match on, and that no exporter can flood the log. */

#include "collector_support.h"
#include "event_log.h"

static const struct ipfix_session *file_session, *tcp_session;
static struct event_limits limits;

static void setup(void)
{
    struct ipfix_session_info info = {.transport = IPFIX_TRANSPORT_FILE, .file = "a.ipfix"};

    support_make_folder();
    file_session = ipfix_session_create(&info);
    info = (struct ipfix_session_info){.transport = IPFIX_TRANSPORT_TCP};
    tcp_session = ipfix_session_create(&info);
    memset(&limits, 0, sizeof(limits));
    log_set_verbosity(2);
}

static void teardown(void)
{
    ipfix_session_unref(file_session);
    ipfix_session_unref(tcp_session);
    support_remove_folder();
}

static const struct {
    struct ipfix_event event;
    const char *lines;
} texts[] = {
    {{IPFIX_EVENT_BAD_TEMPLATE, 1, 258, 0, "bad template count"},
     "WARNING: template manager: [1] Template 258 is malformed (bad template count); skipping...\n"
     "WARNING: preprocessor: [1] Cannot parse template set; skipping to next set...\n"},
    {{IPFIX_EVENT_NO_TEMPLATE, 0, 258, 0, NULL},
     "WARNING: preprocessor: [0] Data template with ID 258 not found\n"},
    {{IPFIX_EVENT_BAD_LENGTH, 4294967295u, 0, 0, NULL},
     "WARNING: ipfix_message: [4294967295] Malformed IPFIX message detected (bad length); skipping "
     "message...\n"},
    {{IPFIX_EVENT_BAD_SET, 1, 256, 9, NULL},
     "WARNING: ipfix_message: [1] Malformed IPFIX message detected (bad length); skipping "
     "message...\n"},
    {{IPFIX_EVENT_UNKNOWN_SET, 3, 255, 0, NULL},
     "WARNING: ipfix_message: [3] Unknown Set ID 255\n"},
    {{IPFIX_EVENT_WITHDRAWAL, 1, 256, 2, NULL},
     "INFO: preprocessor: [1] Received Template withdrawal message\n"},
    {{IPFIX_EVENT_WITHDRAWAL, 1, 256, 3, NULL},
     "INFO: preprocessor: [1] Received Options template withdrawal message\n"},
    {{IPFIX_EVENT_UNKNOWN_WITHDRAWAL, 1, 300, 0, NULL},
     "WARNING: preprocessor: [1] Template withdrawal message received for unknown template ID "
     "300\n"},
    {{IPFIX_EVENT_SEQUENCE, 1, 20, 10, NULL},
     "WARNING: preprocessor: [1] Sequence number error; expected 10, got 20\n"},
    {{IPFIX_EVENT_NEW_TEMPLATE, 1, 256, 0, NULL}, "INFO: preprocessor: [1] New template ID 256\n"},
};

START_TEST(texts_of_version_1)
{
    support_capture();
    event_log(&texts[_i].event, file_session, &limits, false);
    char *text = support_captured();
    ck_assert_str_eq(text, texts[_i].lines);
    free(text);
}
END_TEST

START_TEST(every_kind_has_a_line)
{
    struct ipfix_event event = {.kind = (enum ipfix_event_kind)_i, .domain_id = 77};

    support_capture();
    event_log(&event, tcp_session, &limits, false);
    char *text = support_captured();
    ck_assert_contains(text, ": [77] ");
    ck_assert_contains(text, "(unknown peer)"); /* who of the many exporters */
    free(text);
}
END_TEST

START_TEST(sequence_gaps_can_be_ignored)
{
    const struct ipfix_event gap = {.kind = IPFIX_EVENT_SEQUENCE};
    const struct ipfix_event other = {.kind = IPFIX_EVENT_BAD_LENGTH};

    support_capture();
    event_log(&gap, file_session, &limits, true);
    event_log(&other, file_session, &limits, true);
    char *text = support_captured();
    ck_assert_lacks(text, "Sequence");
    ck_assert_contains(text, "Malformed");
    free(text);
}
END_TEST

START_TEST(floods_are_held_back_by_kind)
{
    const struct ipfix_event flood = {.kind = IPFIX_EVENT_BAD_LENGTH};
    const struct ipfix_event rare = {.kind = IPFIX_EVENT_UNKNOWN_SET, .value = 9};
    unsigned lines = 0;

    support_capture();
    for (int i = 0; i < 5000; i++) {
        event_log(&flood, file_session, &limits, false);
    }
    event_log(&rare, file_session, &limits, false);
    char *text = support_captured();
    for (const char *at = text; (at = strstr(at, "Malformed")) != NULL; at++) {
        lines++;
    }
    ck_assert_uint_eq(lines, 20);
    ck_assert_contains(text, "Unknown Set ID 9");
    free(text);
}
END_TEST

START_TEST(quiet_levels)
{
    const struct ipfix_event warning = {.kind = IPFIX_EVENT_BAD_LENGTH};
    const struct ipfix_event info = {.kind = IPFIX_EVENT_NEW_TEMPLATE};

    support_capture();
    log_set_verbosity(0);
    event_log(&warning, file_session, &limits, false);
    log_set_verbosity(1);
    event_log(&info, file_session, &limits, false);
    char *text = support_captured();
    ck_assert_str_eq(text, "");
    free(text);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("event_log");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, texts_of_version_1, 0, sizeof(texts) / sizeof(texts[0]));
    tcase_add_loop_test(tcase, every_kind_has_a_line, 0, EVENT_KIND_COUNT);
    tcase_add_test(tcase, sequence_gaps_can_be_ignored);
    tcase_add_test(tcase, floods_are_held_back_by_kind);
    tcase_add_test(tcase, quiet_levels);
    return support_run(tcase, "event_log");
}
