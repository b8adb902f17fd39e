/* SPDX-License-Identifier: BSD-3-Clause */
/* Bounded queue: order, both bounds, closing, several producers, time per message. */

#include "collector_support.h"
#include "queue.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

/* Stand-ins for the messages of the decoder: only the length and the references matter here. */
static atomic_int references;

struct ipfix_message *ipfix_message_ref(struct ipfix_message *message)
{
    atomic_fetch_add(&references, 1);
    return message;
}

void ipfix_message_unref(struct ipfix_message *message)
{
    if (message != NULL) {
        atomic_fetch_sub(&references, 1);
    }
}

static struct ipfix_message small = {.length = 100};
static struct ipfix_message large = {.length = 60000};

static size_t pop(queue_t *queue, struct ipfix_message **messages, size_t room, bool *closed)
{
    size_t count = queue_pop(queue, messages, room, closed);
    for (size_t i = 0; i < count; i++) {
        ipfix_message_unref(messages[i]);
    }
    return count;
}

START_TEST(keeps_the_order_and_wraps)
{
    struct ipfix_message messages[10] = {{0}}, *out[4];
    bool closed;
    queue_t *queue = queue_create(5, QUEUE_DEFAULT_OCTETS);

    atomic_store(&references, 0);
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(queue_push(queue, ipfix_message_ref(&messages[i])), COL_OK);
        ck_assert_uint_eq(pop(queue, out, 4, &closed), 1);
        ck_assert_ptr_eq(out[0], &messages[i]);
        ck_assert(!closed);
    }
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(queue_push(queue, ipfix_message_ref(&messages[i])), COL_OK);
    }
    ck_assert_uint_eq(pop(queue, out, 4, &closed), 4);
    ck_assert_ptr_eq(out[3], &messages[3]);
    ck_assert_uint_eq(queue_state(queue).high_water, 5);
    queue_destroy(queue); /* drops the last one */
    ck_assert_int_eq(atomic_load(&references), 0);
}
END_TEST

START_TEST(is_bounded_by_messages_and_by_octets)
{
    queue_t *queue = queue_create(8, 1 << 20);
    int taken = 0;

    atomic_store(&references, 0);
    while (queue_try_push(queue, ipfix_message_ref(&small))) {
        taken++;
    }
    ipfix_message_unref(&small);
    ck_assert_int_eq(taken, 7); /* an eighth stays free for those who wait */
    ck_assert_int_eq(queue_push(queue, ipfix_message_ref(&small)), COL_OK);
    queue_destroy(queue);

    queue = queue_create(8, 100000);
    ck_assert(queue_try_push(queue, ipfix_message_ref(&large)));
    ck_assert(!queue_try_push(queue, &large)); /* 120 000 octets */
    queue_destroy(queue);

    queue = queue_create(8, 1000);
    ck_assert(queue_try_push(queue, ipfix_message_ref(&large))); /* alone it passes */
    ck_assert(!queue_try_push(queue, &small));
    ck_assert_uint_eq(queue_state(queue).refused, 1);
    queue_destroy(queue);
    ck_assert_int_eq(atomic_load(&references), 0);
}
END_TEST

START_TEST(closed_and_aborted)
{
    struct ipfix_message *out[4];
    bool closed;
    queue_t *queue = queue_create(4, QUEUE_DEFAULT_OCTETS);

    atomic_store(&references, 0);
    ck_assert_int_eq(queue_push(queue, ipfix_message_ref(&small)), COL_OK);
    ck_assert_int_eq(queue_push(queue, ipfix_message_ref(&small)), COL_OK);
    queue_close(queue);
    ck_assert_int_eq(queue_push(queue, ipfix_message_ref(&small)), COL_ERR_CLOSED);
    ck_assert(!queue_try_push(queue, &small));
    ck_assert_uint_eq(pop(queue, out, 1, &closed), 1);
    ck_assert(!closed);
    ck_assert_uint_eq(queue_abort(queue), 2); /* one waiting, one in the consumer's hands */
    ck_assert_uint_eq(pop(queue, out, 4, &closed), 0);
    ck_assert(closed);
    queue_destroy(queue);
    queue_destroy(NULL);
    ck_assert_int_eq(atomic_load(&references), 0);
}
END_TEST

START_TEST(wait_ends_by_time_wake_and_descriptor)
{
    struct pollfd fds[2];
    int ends[2];
    queue_t *queue = queue_create(4, QUEUE_DEFAULT_OCTETS);

    queue_wait(queue, fds, 1, 5);
    queue_wake(queue);
    queue_wait(queue, fds, 1, 5000); /* the test's time limit tells when this does not return */
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq((int)write(ends[1], "x", 1), 1);
    fds[1] = (struct pollfd){.fd = ends[0], .events = POLLIN};
    queue_wait(queue, fds, 2, 5000);
    ck_assert_int_eq(fds[1].revents, POLLIN);
    (void)close(ends[0]);
    (void)close(ends[1]);
    queue_destroy(queue);
}
END_TEST

enum { PRODUCERS = 3, EACH = 100000 };

struct producer {
    queue_t *queue;
    uint32_t id;
    struct ipfix_message *messages;
};

static void *produce(void *argument)
{
    const struct producer *producer = argument;
    for (uint32_t i = 0; i < EACH; i++) {
        (void)queue_push(producer->queue, &producer->messages[i]);
    }
    return NULL;
}

/* Takes everything; checks that each producer's messages come in order. */
static uint64_t consume(queue_t *queue)
{
    struct ipfix_message *batch[64];
    struct pollfd fds[1];
    uint32_t next[PRODUCERS] = {0};
    uint64_t total = 0;
    bool closed = false, in_order = true;

    while (!closed) {
        size_t count = queue_pop(queue, batch, 64, &closed);
        for (size_t i = 0; i < count; i++) {
            /* Not an assertion each: Check writes a note for every one. */
            in_order = in_order && batch[i]->sequence == next[batch[i]->domain_id]++;
        }
        total += count;
        if (count == 0 && !closed) {
            queue_wait(queue, fds, 1, -1);
        }
    }
    ck_assert(in_order);
    return total;
}

static void *consume_in_thread(void *argument)
{
    uint64_t *total = calloc(1, sizeof(*total));
    *total = consume(argument);
    return total;
}

static double run_producers(unsigned count, size_t slots)
{
    struct producer producers[PRODUCERS];
    pthread_t threads[PRODUCERS], consumer;
    struct timespec start, end;
    uint64_t *total;
    queue_t *queue = queue_create(slots, QUEUE_DEFAULT_OCTETS);

    for (uint32_t p = 0; p < count; p++) {
        producers[p] = (struct producer){queue, p, calloc(EACH, sizeof(struct ipfix_message))};
        for (uint32_t i = 0; i < EACH; i++) {
            producers[p].messages[i].domain_id = p;
            producers[p].messages[i].sequence = i;
            producers[p].messages[i].length = 500;
        }
    }
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    ck_assert_int_eq(pthread_create(&consumer, NULL, consume_in_thread, queue), 0);
    for (uint32_t p = 0; p < count; p++) {
        ck_assert_int_eq(pthread_create(&threads[p], NULL, produce, &producers[p]), 0);
    }
    for (uint32_t p = 0; p < count; p++) {
        pthread_join(threads[p], NULL);
    }
    queue_close(queue);
    pthread_join(consumer, (void **)&total);
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    ck_assert_uint_eq(*total, (uint64_t)count * EACH);
    ck_assert_uint_le(queue_state(queue).high_water, slots);
    for (uint32_t p = 0; p < count; p++) {
        free(producers[p].messages);
    }
    free(total);
    queue_destroy(queue);
    return ((double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec)) /
           ((double)count * EACH);
}

START_TEST(one_producer)
{
    printf("queue: %.0f ns of CPU per message, one producer\n", run_producers(1, 8192));
}
END_TEST

START_TEST(three_producers_and_a_narrow_queue)
{
    printf("queue: %.0f ns of CPU per message, three producers, 16 slots\n", run_producers(3, 16));
}
END_TEST

static void *push_small(void *argument)
{
    (void)queue_push(argument, ipfix_message_ref(&small));
    return NULL;
}

/* Waiting producers see an end that has begun as soon as there is room for one message. */
START_TEST(hastened_producers_do_not_wait_for_half_of_the_room)
{
    struct ipfix_message *out[16];
    bool closed;
    pthread_t thread;
    queue_t *queue = queue_create(16, QUEUE_DEFAULT_OCTETS);

    atomic_store(&references, 0);
    for (int i = 0; i < 16; i++) {
        ck_assert_int_eq(queue_push(queue, ipfix_message_ref(&small)), COL_OK);
    }
    queue_hasten(queue);
    ck_assert_int_eq(pthread_create(&thread, NULL, push_small, queue), 0);
    while (queue_state(queue).waits == 0) {
        (void)sched_yield();
    }
    ck_assert_uint_eq(pop(queue, out, 1, &closed), 1);
    ck_assert_int_eq(pthread_join(thread, NULL), 0); /* the test's time limit tells if not */
    ck_assert_uint_eq(queue_state(queue).used, 16);
    queue_destroy(queue);
    ck_assert_int_eq(atomic_load(&references), 0);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("queue");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, keeps_the_order_and_wraps);
    tcase_add_test(tcase, is_bounded_by_messages_and_by_octets);
    tcase_add_test(tcase, closed_and_aborted);
    tcase_add_test(tcase, wait_ends_by_time_wake_and_descriptor);
    tcase_add_test(tcase, hastened_producers_do_not_wait_for_half_of_the_room);
    tcase_add_test(tcase, one_producer);
    tcase_add_test(tcase, three_producers_and_a_narrow_queue);
    return support_run(tcase, "queue");
}
