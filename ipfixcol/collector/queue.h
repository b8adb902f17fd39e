/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Bounded queue of message references between two stages of a pipeline.
 *
 * Any number of producers, one consumer. A push hands over one reference of the message; a pop
 * hands it to the consumer. Bounded twice: by messages, and by the octets they hold, so that
 * neither many small nor a few large messages fill the memory. A message larger than the octet
 * bound passes when the queue is empty.
 *
 * The consumer sleeps in poll(), so it can wait for other descriptors at the same time; who sleeps
 * is woken by a system call, who does not is never.
 */
#ifndef COLLECTOR_QUEUE_H
#define COLLECTOR_QUEUE_H

#include <ipfixcol/message.h>

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUEUE_DEFAULT_SLOTS 8192u
#define QUEUE_DEFAULT_OCTETS (64u << 20)

typedef struct queue queue_t;

/** What a queue looks like now. */
struct queue_state {
    size_t used;    /* messages waiting, those handed out by the last pop not counted */
    size_t in_hand; /* messages of the last pop, until the next one */
    size_t slots;
    size_t octets;
    size_t high_water; /* most messages that ever waited */
    uint64_t pushed;
    uint64_t refused; /* by queue_try_push(), or because the queue was closed */
    uint64_t waits;   /* pushes that had to wait */
};

/** New queue, or NULL without memory or descriptors. */
queue_t *queue_create(size_t slots, size_t max_octets);

/** Frees the queue and drops what is in it; NULL is fine. No thread uses it any more. */
void queue_destroy(queue_t *queue);

/**
 * Hands over one reference. Waits while the queue is full.
 *
 * Threads: any producer.
 * @return COL_OK, the reference is taken; COL_ERR_CLOSED, it was dropped (and counted as refused)
 */
int queue_push(queue_t *queue, struct ipfix_message *message);

/**
 * Like queue_push() but never waits, and keeps an eighth of the room free for queue_push().
 *
 * Threads: any producer.
 * @return true, the reference is taken; false, it is still the caller's
 */
bool queue_try_push(queue_t *queue, struct ipfix_message *message);

/**
 * Takes up to `room` messages and tells that those of the last pop are done. Never waits.
 *
 * Threads: the one consumer.
 * @param[out] closed  true when nothing will come any more: closed and empty
 * @return how many
 */
size_t queue_pop(queue_t *queue, struct ipfix_message **messages, size_t room, bool *closed);

/**
 * Waits until a message comes, the queue is closed, queue_wake() is called or a descriptor is
 * ready. Just after messages came it returns early, too: callers pop and wait again.
 *
 * Threads: the one consumer.
 * @param fds,count    fds[0] is the queue's own; the caller's start at fds[1]; count with fds[0]
 * @param timeout_ms   at most so long; 0 only looks at the descriptors; -1 = for ever
 */
void queue_wait(queue_t *queue, struct pollfd *fds, size_t count, int timeout_ms);

/** Ends the current or next queue_wait(). Any thread. */
void queue_wake(queue_t *queue);

/**
 * From now on a waiting producer goes on as soon as there is room for it, not only when the queue
 * is half empty: for an end that shall come soon. Any thread.
 */
void queue_hasten(queue_t *queue);

/** Refuses pushes from now on; what is in the queue can still be taken. Any thread. */
void queue_close(queue_t *queue);

/**
 * Like queue_close(), and drops what is in it.
 *
 * @return messages lost, including those the consumer has in its hands
 */
size_t queue_abort(queue_t *queue);

/** How full it is. Any thread. */
struct queue_state queue_state(queue_t *queue);

#endif
