/* SPDX-License-Identifier: BSD-3-Clause */
/** Messages in memory instead of MPI. */
#include "transport_double.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHANNELS 2
#define KINDS 16
#define PATIENCE_S 20
#define NEVER UINT32_MAX

struct letter {
    struct transport_message message;
    uint64_t number; /* letters of one sender are taken in that order */
    struct letter *next;
};

struct transport {
    bus_t *bus;
    unsigned rank;
    struct letter *inbox[CHANNELS];
    struct letter *taken; /* the message handed out last */
    unsigned sends_left;
    unsigned sent[KINDS];
    size_t sent_octets[KINDS];
    uint64_t octets_sent, octets_received;
    uint64_t letters_sent;  /* data only */
    uint64_t *letters_seen; /* data taken here, by sender: the number of the last */
};

struct bus {
    unsigned count;
    bool synchronous;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    transport_t ends[];
};

static void free_letters(struct letter *letter)
{
    while (letter != NULL) {
        struct letter *next = letter->next;
        free((uint8_t *)(uintptr_t)letter->message.octets);
        free(letter);
        letter = next;
    }
}

bus_t *bus_create(unsigned count)
{
    bus_t *bus = calloc(1, sizeof(*bus) + count * sizeof(bus->ends[0]));

    if (bus == NULL) {
        abort();
    }
    bus->count = count;
    pthread_mutex_init(&bus->lock, NULL);
    pthread_cond_init(&bus->changed, NULL);
    for (unsigned i = 0; i < count; i++) {
        bus->ends[i].bus = bus;
        bus->ends[i].rank = i;
        bus->ends[i].sends_left = NEVER;
        bus->ends[i].letters_seen = calloc(count, sizeof(uint64_t));
        if (bus->ends[i].letters_seen == NULL) {
            abort();
        }
    }
    return bus;
}

void bus_destroy(bus_t *bus)
{
    for (unsigned i = 0; i < bus->count; i++) {
        for (unsigned channel = 0; channel < CHANNELS; channel++) {
            free_letters(bus->ends[i].inbox[channel]);
        }
        free_letters(bus->ends[i].taken);
        free(bus->ends[i].letters_seen);
    }
    pthread_cond_destroy(&bus->changed);
    pthread_mutex_destroy(&bus->lock);
    free(bus);
}

transport_t *bus_end(bus_t *bus, unsigned rank)
{
    return &bus->ends[rank];
}

void bus_make_synchronous(bus_t *bus)
{
    bus->synchronous = true;
}

void bus_break(bus_t *bus, unsigned rank, unsigned sends)
{
    pthread_mutex_lock(&bus->lock);
    bus->ends[rank].sends_left = sends;
    pthread_mutex_unlock(&bus->lock);
}

unsigned bus_sent(bus_t *bus, unsigned rank, int kind, size_t *octets)
{
    pthread_mutex_lock(&bus->lock);
    unsigned sent = bus->ends[rank].sent[kind];
    *octets = bus->ends[rank].sent_octets[kind];
    pthread_mutex_unlock(&bus->lock);
    return sent;
}

unsigned transport_rank(const transport_t *transport)
{
    return transport->rank;
}

unsigned transport_count(const transport_t *transport)
{
    return transport->bus->count;
}

static struct letter *write_letter(unsigned source, int kind, const uint8_t *octets, size_t size)
{
    struct letter *letter = calloc(1, sizeof(*letter));
    uint8_t *copy = malloc(size > 0 ? size : 1); /* exact: sanitizers see reads behind it */

    if (letter == NULL || copy == NULL) {
        abort();
    }
    if (size > 0) {
        memcpy(copy, octets, size);
    }
    letter->message = (struct transport_message){source, kind, copy, size};
    return letter;
}

/** Puts a letter into the inbox; false when the line is broken. Data letters are numbered. */
static bool post(transport_t *transport, unsigned to, enum transport_channel channel, int kind,
                 const uint8_t *octets, size_t size, uint64_t *number)
{
    bus_t *bus = transport->bus;
    struct letter *letter = write_letter(transport->rank, kind, octets, size);

    pthread_mutex_lock(&bus->lock);
    bool broken = transport->sends_left == 0;
    if (!broken) {
        transport->sends_left -= transport->sends_left != NEVER;
        if (kind >= 0 && kind < KINDS) {
            transport->sent[kind]++;
            transport->sent_octets[kind] += size;
        }
        transport->octets_sent += size;
        *number = channel == TRANSPORT_DATA ? ++transport->letters_sent : 0;
        letter->number = *number;
        struct letter **place = &bus->ends[to].inbox[channel];
        while (*place != NULL) {
            place = &(*place)->next;
        }
        *place = letter;
        pthread_cond_broadcast(&bus->changed);
    }
    pthread_mutex_unlock(&bus->lock);
    if (broken) {
        free_letters(letter);
    }
    return !broken;
}

static struct timespec end_of_patience(void)
{
    struct timespec deadline;

    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += PATIENCE_S;
    return deadline;
}

/** Whether a letter of this process is there still, and its send goes on (with the lock held). */
static bool is_under_way(const transport_t *transport, unsigned to, uint64_t number)
{
    return transport->bus->synchronous && number != 0 &&
           transport->bus->ends[to].letters_seen[transport->rank] < number;
}

int transport_send(transport_t *transport, unsigned to, enum transport_channel channel, int kind,
                   const uint8_t *octets, size_t size, struct failure *failure)
{
    bus_t *bus = transport->bus;
    struct timespec deadline = end_of_patience();
    uint64_t number;
    int status = 0;

    if (!post(transport, to, channel, kind, octets, size, &number)) {
        return failure_set(failure, REPORT_MPI, "the line is broken");
    }
    pthread_mutex_lock(&bus->lock);
    while (is_under_way(transport, to, number) && status == 0) {
        status = pthread_cond_timedwait(&bus->changed, &bus->lock, &deadline);
    }
    pthread_mutex_unlock(&bus->lock);
    return status == 0 ? REPORT_OK
                       : failure_set(failure, REPORT_MPI, "process %u sends message %d in vain",
                                     transport->rank, kind);
}

static bool take(transport_t *transport, unsigned data_from, struct transport_message *message);

int transport_send_and_hear(transport_t *transport, unsigned to, enum transport_channel channel,
                            int kind, const uint8_t *octets, size_t size, transport_hear_fn *hear,
                            void *context, struct failure *failure)
{
    bus_t *bus = transport->bus;
    struct timespec deadline = end_of_patience();
    int class = REPORT_OK, status = 0;
    uint64_t number;

    if (!post(transport, to, channel, kind, octets, size, &number)) {
        return failure_set(failure, REPORT_MPI, "the line is broken");
    }
    pthread_mutex_lock(&bus->lock);
    while (is_under_way(transport, to, number) && status == 0 && class == REPORT_OK) {
        struct transport_message message;
        if (take(transport, TRANSPORT_ANYBODY, &message)) {
            pthread_mutex_unlock(&bus->lock);
            class = hear(context, &message, failure);
            pthread_mutex_lock(&bus->lock);
        } else {
            status = pthread_cond_timedwait(&bus->changed, &bus->lock, &deadline);
        }
    }
    pthread_mutex_unlock(&bus->lock);
    if (status != 0) {
        return failure_set(failure, REPORT_MPI, "process %u sends message %d in vain",
                           transport->rank, kind);
    }
    return class;
}

uint64_t transport_octets_sent(const transport_t *transport)
{
    return transport->octets_sent;
}

uint64_t transport_octets_received(const transport_t *transport)
{
    return transport->octets_received;
}

/** Takes the first fitting letter (with the lock held). */
static bool take(transport_t *transport, unsigned data_from, struct transport_message *message)
{
    for (unsigned channel = 0; channel < CHANNELS; channel++) {
        struct letter **place = &transport->inbox[channel];
        for (; *place != NULL; place = &(*place)->next) {
            bool wanted = channel == TRANSPORT_CONTROL || data_from == TRANSPORT_ANYBODY ||
                          data_from == (*place)->message.source;
            if (!wanted) {
                continue;
            }
            struct letter *letter = *place;
            *place = letter->next;
            letter->next = NULL;
            free_letters(transport->taken);
            transport->taken = letter;
            transport->octets_received += letter->message.size;
            if (letter->number > 0) {
                transport->letters_seen[letter->message.source] = letter->number;
                pthread_cond_broadcast(&transport->bus->changed);
            }
            *message = letter->message;
            return true;
        }
    }
    return false;
}

int transport_poll(transport_t *transport, unsigned data_from, struct transport_message *message,
                   struct failure *failure)
{
    (void)failure;
    message->kind = 0;
    pthread_mutex_lock(&transport->bus->lock);
    (void)take(transport, data_from, message);
    pthread_mutex_unlock(&transport->bus->lock);
    return REPORT_OK;
}

int transport_wait(transport_t *transport, unsigned data_from, struct transport_message *message,
                   struct failure *failure)
{
    struct timespec deadline = end_of_patience();
    int status = 0;

    pthread_mutex_lock(&transport->bus->lock);
    bool there = take(transport, data_from, message);
    while (!there && status == 0) {
        status = pthread_cond_timedwait(&transport->bus->changed, &transport->bus->lock, &deadline);
        there = take(transport, data_from, message);
    }
    pthread_mutex_unlock(&transport->bus->lock);
    return there ? REPORT_OK
                 : failure_set(failure, REPORT_MPI, "process %u waits in vain", transport->rank);
}
