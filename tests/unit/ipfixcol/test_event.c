/* SPDX-License-Identifier: BSD-3-Clause */
/* Events reach who asked for them, and nobody when nobody did. */

#include "collector_support.h"
#include "ipfix/event.h"

static struct ipfix_event last;
static char last_text[32];
static unsigned told;

static void keep(void *context, const struct ipfix_event *event)
{
    ck_assert_ptr_eq(context, &told);
    told++;
    last = *event;
    (void)snprintf(last_text, sizeof(last_text), "%s", event->text != NULL ? event->text : "-");
}

START_TEST(everything_is_told)
{
    const struct event_sink sink = {keep, &told};

    event_tell(&sink, IPFIX_EVENT_SEQUENCE, 7, 1, 2, NULL);
    ck_assert_uint_eq(told, 1);
    ck_assert_int_eq(last.kind, IPFIX_EVENT_SEQUENCE);
    ck_assert_uint_eq(last.domain_id, 7);
    ck_assert_uint_eq(last.value, 1);
    ck_assert_uint_eq(last.other, 2);
    ck_assert_str_eq(last_text, "-");
    event_tell(&sink, IPFIX_EVENT_LIMIT, 7, 0, 0, "templates");
    ck_assert_uint_eq(told, 2);
    ck_assert_str_eq(last_text, "templates");
}
END_TEST

START_TEST(nobody_listens)
{
    const struct event_sink sink = {NULL, NULL};
    event_tell(&sink, IPFIX_EVENT_LIMIT, 0, 0, 0, "x");
    ck_assert_uint_eq(told, 0);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("event");
    tcase_add_test(tcase, everything_is_told);
    tcase_add_test(tcase, nobody_listens);
    return support_run(tcase, "event");
}
