/* SPDX-License-Identifier: BSD-3-Clause */
/* Bounded queue of message references: a ring under one lock, popped in batches. */

#include "queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* What a message costs beside its octets: the parsed sets. */
#define QUEUE_MESSAGE_OVERHEAD 512u

/* How long a consumer that has just been busy looks away before it asks to be woken. Waking costs a
 * producer microseconds; so under load it never does, and messages come in batches. */
#define QUEUE_NAP_NS 50000

struct queue {
    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t not_full;
    struct ipfix_message **ring;
    size_t slots;
    size_t max_octets;
    size_t head; /* the oldest message */
    size_t used;
    size_t octets;
    size_t in_hand;
    size_t high_water;
    uint64_t pushed;
    uint64_t refused;
    uint64_t waits;
    unsigned producers_waiting;
    bool consumer_sleeps;
    bool busy; /* the consumer got something since it last slept */
    bool closed;
    bool hasty;  /* producers are woken by every pop */
    int wake_fd; /* readable: the consumer shall look */
};

static size_t message_weight(const struct ipfix_message *message)
{
    return (size_t)message->length + QUEUE_MESSAGE_OVERHEAD;
}

queue_t *queue_create(size_t slots, size_t max_octets)
{
    queue_t *queue = calloc(1, sizeof(*queue));
    if (queue == NULL) {
        return NULL;
    }
    queue->slots = slots > 0 ? slots : 1;
    queue->max_octets = max_octets;
    queue->ring = calloc(queue->slots, sizeof(struct ipfix_message *));
    queue->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (queue->ring == NULL || queue->wake_fd < 0) {
        if (queue->wake_fd >= 0) {
            close(queue->wake_fd);
        }
        free(queue->ring);
        free(queue);
        return NULL;
    }
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->not_full, NULL);
    return queue;
}

/* The lock is held. */
static struct ipfix_message *queue_take(queue_t *queue)
{
    struct ipfix_message *message = queue->ring[queue->head];
    queue->head = queue->head + 1 == queue->slots ? 0 : queue->head + 1;
    queue->used--;
    queue->octets -= message_weight(message);
    return message;
}

void queue_destroy(queue_t *queue)
{
    if (queue == NULL) {
        return;
    }
    while (queue->used > 0) {
        ipfix_message_unref(queue_take(queue));
    }
    close(queue->wake_fd);
    pthread_cond_destroy(&queue->not_full);
    pthread_mutex_destroy(&queue->lock);
    free(queue->ring);
    free(queue);
}

static void queue_signal(const queue_t *queue)
{
    /* Fails only when the counter is full, and then the consumer is awake anyway. */
    ssize_t n = write(queue->wake_fd, &(uint64_t){1}, sizeof(uint64_t));
    (void)n;
}

/* The lock is held. Room within `slots` and `octets`? */
static bool queue_has_room(const queue_t *queue, size_t weight, size_t slots, size_t octets)
{
    return queue->used == 0 || (queue->used < slots && queue->octets + weight <= octets);
}

/* The lock is held, there is room. Returns whether the consumer has to be woken. */
static bool queue_append(queue_t *queue, struct ipfix_message *message, size_t weight)
{
    size_t tail = queue->head + queue->used;
    queue->ring[tail >= queue->slots ? tail - queue->slots : tail] = message;
    queue->used++;
    queue->octets += weight;
    queue->pushed++;
    if (queue->used > queue->high_water) {
        queue->high_water = queue->used;
    }
    bool wake = queue->consumer_sleeps;
    queue->consumer_sleeps = false;
    return wake;
}

int queue_push(queue_t *queue, struct ipfix_message *message)
{
    size_t weight = message_weight(message);

    pthread_mutex_lock(&queue->lock);
    if (!queue->closed && !queue_has_room(queue, weight, queue->slots, queue->max_octets)) {
        queue->waits++;
        queue->producers_waiting++;
        queue_signal(queue); /* the consumer may be looking away */
        do {
            pthread_cond_wait(&queue->not_full, &queue->lock);
        } while (!queue->closed && !queue_has_room(queue, weight, queue->slots, queue->max_octets));
        queue->producers_waiting--;
    }
    if (queue->closed) {
        queue->refused++;
        pthread_mutex_unlock(&queue->lock);
        ipfix_message_unref(message);
        return COL_ERR_CLOSED;
    }
    bool wake = queue_append(queue, message, weight);
    pthread_mutex_unlock(&queue->lock);
    if (wake) {
        queue_signal(queue);
    }
    return COL_OK;
}

bool queue_try_push(queue_t *queue, struct ipfix_message *message)
{
    size_t weight = message_weight(message);
    bool wake = false;

    pthread_mutex_lock(&queue->lock);
    bool taken = !queue->closed && queue_has_room(queue, weight, queue->slots - queue->slots / 8,
                                                  queue->max_octets - queue->max_octets / 8);
    if (taken) {
        wake = queue_append(queue, message, weight);
    } else {
        queue->refused++;
    }
    pthread_mutex_unlock(&queue->lock);
    if (wake) {
        queue_signal(queue);
    }
    return taken;
}

size_t queue_pop(queue_t *queue, struct ipfix_message **messages, size_t room, bool *closed)
{
    pthread_mutex_lock(&queue->lock);
    size_t count = queue->used < room ? queue->used : room;
    for (size_t i = 0; i < count; i++) {
        messages[i] = queue_take(queue);
    }
    queue->in_hand = count;
    queue->busy = queue->busy || count > 0;
    *closed = queue->closed && count == 0;
    /* Waking at half empty lets both sides work in long runs instead of taking turns. A producer
     * whose message needs more than half the octets waits until the queue is empty at worst. */
    bool wake = queue->producers_waiting > 0 &&
                (queue->hasty ||
                 (queue->used <= queue->slots / 2 && queue->octets <= queue->max_octets / 2));
    if (wake) {
        pthread_cond_broadcast(&queue->not_full);
    }
    pthread_mutex_unlock(&queue->lock);
    return count;
}

/* True when there is no reason to sleep. Otherwise the next push wakes the consumer, or, when it
 * has just been busy, it takes a nap first. */
static bool queue_before_sleep(queue_t *queue, bool *nap)
{
    pthread_mutex_lock(&queue->lock);
    bool ready = queue->used > 0 || queue->closed;
    *nap = queue->busy;
    queue->busy = false;
    queue->consumer_sleeps = !ready && !*nap;
    pthread_mutex_unlock(&queue->lock);
    return ready;
}

static void queue_after_sleep(queue_t *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->consumer_sleeps = false;
    pthread_mutex_unlock(&queue->lock);
}

void queue_wait(queue_t *queue, struct pollfd *fds, size_t count, int timeout_ms)
{
    static const struct timespec nap_time = {.tv_nsec = QUEUE_NAP_NS};
    static const struct timespec no_time = {0};
    const struct timespec timeout = {timeout_ms / 1000, (long)(timeout_ms % 1000) * 1000000};
    bool nap = false;

    fds[0] = (struct pollfd){.fd = queue->wake_fd, .events = POLLIN};
    if (queue_before_sleep(queue, &nap)) {
        if (count > 1) {
            (void)ppoll(fds, count, &no_time, NULL);
        }
    } else if (nap && timeout_ms != 0) {
        /* The caller finds nothing and comes again when this was not enough. */
        (void)ppoll(fds, count, &nap_time, NULL);
    } else {
        (void)ppoll(fds, count, timeout_ms < 0 ? NULL : &timeout, NULL);
        queue_after_sleep(queue);
    }
    if ((fds[0].revents & POLLIN) != 0) {
        uint64_t ignored;
        ssize_t n = read(queue->wake_fd, &ignored, sizeof(ignored));
        (void)n;
    }
}

void queue_wake(queue_t *queue)
{
    queue_signal(queue);
}

void queue_hasten(queue_t *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->hasty = true;
    pthread_cond_broadcast(&queue->not_full);
    pthread_mutex_unlock(&queue->lock);
}

/* The lock is held. */
static void queue_set_closed(queue_t *queue)
{
    queue->closed = true;
    pthread_cond_broadcast(&queue->not_full);
}

void queue_close(queue_t *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue_set_closed(queue);
    pthread_mutex_unlock(&queue->lock);
    queue_signal(queue);
}

size_t queue_abort(queue_t *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue_set_closed(queue);
    size_t lost = queue->used + queue->in_hand;
    while (queue->used > 0) {
        ipfix_message_unref(queue_take(queue));
    }
    pthread_mutex_unlock(&queue->lock);
    queue_signal(queue);
    return lost;
}

struct queue_state queue_state(queue_t *queue)
{
    pthread_mutex_lock(&queue->lock);
    struct queue_state state = {
        .used = queue->used,
        .in_hand = queue->in_hand,
        .slots = queue->slots,
        .octets = queue->octets,
        .high_water = queue->high_water,
        .pushed = queue->pushed,
        .refused = queue->refused,
        .waits = queue->waits,
    };
    pthread_mutex_unlock(&queue->lock);
    return state;
}
