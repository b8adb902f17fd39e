/* SPDX-License-Identifier: BSD-3-Clause */
/* When messages are due, on a clock that the test turns. */

#include "ipfixsend_pacer.h"
#include "ipfixsend_support.h"

#define MS 1000000ull
#define START (1000ull * SECOND_NS)

static struct pacer pacer;
static struct source source;

static void setup(void)
{
    support_make_folder();
    send_open();
}

static void begin(const struct pace *pace, bool whole)
{
    send_done();
    ck_assert(source_open(&source, send_path(), whole));
    ck_assert(pacer_init(&pacer, pace, &source, START));
}

static void teardown(void)
{
    pacer_clear(&pacer);
    source_close(&source);
    support_remove_folder();
}

/* Sends messages of `length` whenever they are due, for so long; how many. */
static unsigned run(uint64_t from_ns, uint64_t for_ns, uint16_t length)
{
    unsigned count = 0;
    uint64_t due;

    while ((due = pacer_due(&pacer, from_ns)) < from_ns + for_ns) {
        if (due > from_ns) {
            for_ns -= due - from_ns;
            from_ns = due;
        }
        pacer_charge(&pacer, length);
        count++;
        ck_assert_uint_lt(count, 10000000);
    }
    return count;
}

START_TEST(messages_per_second)
{
    begin(&(struct pace){.messages_per_s = 1000}, false);
    unsigned count = run(START, 10 * SECOND_NS, 100);
    ck_assert_uint_ge(count, 9999);
    ck_assert_uint_le(count, 10001);
}
END_TEST

START_TEST(octets_per_second)
{
    begin(&(struct pace){.octets_per_s = 1024 * 1024}, false);
    unsigned count = run(START, 10 * SECOND_NS, 1400);
    ck_assert_uint_ge(count, 7480);
    ck_assert_uint_le(count, 7500);
}
END_TEST

START_TEST(the_tighter_limit_counts)
{
    begin(&(struct pace){.octets_per_s = 14000, .messages_per_s = 1000}, false);
    unsigned count = run(START, 10 * SECOND_NS, 1400);
    ck_assert_uint_ge(count, 99);
    ck_assert_uint_le(count, 102);
}
END_TEST

START_TEST(rates_larger_than_messages_and_smaller)
{
    begin(&(struct pace){.octets_per_s = 100}, false);
    ck_assert_uint_eq(pacer_due(&pacer, START), START);
    pacer_charge(&pacer, 1000); /* ten seconds' worth in one message */
    ck_assert_uint_eq(pacer_due(&pacer, START), START + 10 * SECOND_NS);
}
END_TEST

START_TEST(a_stalled_receiver_is_not_flooded_afterwards)
{
    begin(&(struct pace){.messages_per_s = 1000}, false);
    (void)run(START, SECOND_NS, 100);
    /* Nothing could be sent for a minute: at most a fifth of a second is caught up. */
    unsigned at_once = 0;
    uint64_t now = START + 61 * SECOND_NS;
    while (pacer_due(&pacer, now) <= now) {
        pacer_charge(&pacer, 100);
        at_once++;
    }
    ck_assert_uint_ge(at_once, 199);
    ck_assert_uint_le(at_once, 202);
}
END_TEST

START_TEST(without_limits_everything_is_due)
{
    begin(&(struct pace){0}, false);
    for (unsigned i = 0; i < 1000; i++) {
        ck_assert_uint_le(pacer_due(&pacer, START), START);
        pacer_charge(&pacer, 65535);
    }
}
END_TEST

/* Due times of the next message, in milliseconds since the start. */
static unsigned next_ms(uint64_t now_ns)
{
    uint64_t due = pacer_due(&pacer, now_ns);
    pacer_charge(&pacer, 100);
    return (unsigned)((due - START + MS / 2) / MS);
}

START_TEST(real_time)
{
    static const unsigned times[] = {100, 100, 100, 100, 101, 101, 99, 105, 105};
    static const unsigned due_ms[] = {0, 250, 500, 750, 1000, 1333, 1667, 5000, 5500};
    const double speed_up = _i == 2 ? 10 : 1;

    for (unsigned i = 0; i < 9; i++) {
        send_add(100, times[i], (uint8_t)i);
    }
    begin(&(struct pace){.speed_up = speed_up}, _i == 1);
    for (unsigned i = 0; i < 9; i++) {
        unsigned wanted = (unsigned)((double)due_ms[i] / speed_up + 0.5);
        unsigned got = next_ms(START);
        ck_assert_uint_ge(got + 1, wanted);
        ck_assert_uint_le(got, wanted + 1);
    }
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("pacer");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, messages_per_second);
    tcase_add_test(tcase, octets_per_second);
    tcase_add_test(tcase, the_tighter_limit_counts);
    tcase_add_test(tcase, rates_larger_than_messages_and_smaller);
    tcase_add_test(tcase, a_stalled_receiver_is_not_flooded_afterwards);
    tcase_add_test(tcase, without_limits_everything_is_due);
    tcase_add_loop_test(tcase, real_time, 0, 3);
    return support_run(tcase, "ipfixsend_pacer");
}
