/* SPDX-License-Identifier: BSD-3-Clause */
/* Behind every input: its Transport Sessions, each with a decoder, and the accounts of both. */

#include "input.h"

#include "event_log.h"
#include "instance.h"
#include "map.h"

#include "ipfix/decoder.h"
#include "ipfix/id_table.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* What templates of all sessions of an input may occupy. */
#define INPUT_TEMPLATE_MEMORY_MAX ((size_t)256 << 20)

struct session_entry {
    struct input *input;
    const struct ipfix_session *session;
    ipfix_decoder_t *decoder;
    struct event_limits limits;
    bool faulty; /* the message being decoded has a fault inside */
};

struct input {
    col_instance_t *instance;
    int stop_fd;          /* timer: readable at the next tick, or at once when interrupted */
    pthread_mutex_t lock; /* guards the map and the decoders in it */
    struct map sessions;
    struct template_budget templates;
    struct session_entry *last; /* most messages come from the session of the one before */
    struct col_log_limit nomem_limit;
    /* Accounts are only added up; no order among them matters. */
    atomic_uint_fast64_t messages;
    atomic_uint_fast64_t octets;
    atomic_uint_fast64_t malformed;
    atomic_uint_fast64_t damaged;
    atomic_uint_fast64_t lost;
    atomic_uint_fast64_t limited;
};

/* ---- the descriptor that ends waiting -------------------------------------------------------- */

static void set_timer(const struct input *input, uint64_t first_ns)
{
    struct itimerspec timer = {
        .it_value = {(time_t)(first_ns / 1000000000u), (long)(first_ns % 1000000000u)}};
    (void)timerfd_settime(input->stop_fd, 0, &timer, NULL);
}

void input_interrupt(struct input *input)
{
    set_timer(input, 1);
}

void input_rearm(struct input *input, uint32_t tick_ms)
{
    col_instance_t *instance = input->instance;

    pthread_mutex_lock(&instance->gate.lock);
    if (!instance->gate.requested && !atomic_load_explicit(&instance->quit, memory_order_relaxed)) {
        set_timer(input, (uint64_t)tick_ms * 1000000u);
    }
    pthread_mutex_unlock(&instance->gate.lock);
}

int col_input_stop_fd(const col_instance_t *instance)
{
    return instance->input != NULL ? instance->input->stop_fd : -1;
}

/* ---- create and destroy ---------------------------------------------------------------------- */

struct input *input_create(col_instance_t *instance)
{
    struct input *input = calloc(1, sizeof(*input));
    if (input == NULL) {
        return NULL;
    }
    input->instance = instance;
    input->templates.limit = INPUT_TEMPLATE_MEMORY_MAX;
    input->stop_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (input->stop_fd < 0) {
        free(input);
        return NULL;
    }
    pthread_mutex_init(&input->lock, NULL);
    return input;
}

static void entry_free(struct session_entry *entry)
{
    ipfix_decoder_destroy(entry->decoder);
    ipfix_session_unref(entry->session);
    free(entry);
}

void input_destroy(struct input *input)
{
    if (input == NULL) {
        return;
    }
    for (size_t i = 0; i < input->sessions.capacity; i++) {
        if (input->sessions.slots[i].value != NULL) {
            entry_free(input->sessions.slots[i].value);
        }
    }
    map_clear(&input->sessions);
    close(input->stop_fd);
    pthread_mutex_destroy(&input->lock);
    free(input);
}

/* ---- sessions -------------------------------------------------------------------------------- */

/* Kinds that mean that octets of the message could not be used as what they claim to be. */
static bool is_fault(enum ipfix_event_kind kind)
{
    switch (kind) {
    case IPFIX_EVENT_BAD_SET:
    case IPFIX_EVENT_BAD_TEMPLATE:
    case IPFIX_EVENT_BAD_DATA_SET:
    case IPFIX_EVENT_UNKNOWN_SET:
    case IPFIX_EVENT_CONVERSION:
        return true;
    default:
        return false;
    }
}

static void on_event(void *context, const struct ipfix_event *event)
{
    struct session_entry *entry = context;

    entry->faulty = entry->faulty || is_fault(event->kind);
    if (event->kind == IPFIX_EVENT_LIMIT) {
        atomic_fetch_add_explicit(&entry->input->limited, 1, memory_order_relaxed);
    }
    event_log(event, entry->session, &entry->limits,
              entry->input->instance->context->ignore_sequence);
}

static struct session_entry *entry_create(struct input *input,
                                          const struct ipfix_session_info *info)
{
    struct session_entry *entry = calloc(1, sizeof(*entry));
    if (entry == NULL) {
        return NULL;
    }
    entry->input = input;
    entry->session = ipfix_session_create(info);
    if (entry->session != NULL) {
        entry->decoder = ipfix_decoder_create(ipfix_session_ref(entry->session),
                                              col_dictionary(input->instance), on_event, entry);
    }
    if (entry->decoder == NULL) {
        entry_free(entry);
        return NULL;
    }
    ipfix_decoder_share_budget(entry->decoder, &input->templates);
    return entry;
}

const struct ipfix_session *col_session_open(col_instance_t *instance,
                                             const struct ipfix_session_info *info)
{
    struct input *input = instance->input;
    struct session_entry *entry = input != NULL ? entry_create(input, info) : NULL;
    if (entry == NULL) {
        return NULL;
    }
    pthread_mutex_lock(&input->lock);
    bool added = map_put(&input->sessions, entry->session->id, entry);
    pthread_mutex_unlock(&input->lock);
    if (!added) {
        entry_free(entry);
        return NULL;
    }
    col_log(instance, COL_LOG_INFO, "session %s opened", entry->session->name);
    return entry->session;
}

/* Sends the notices of a session that has left the map, and frees it. */
static void entry_close(struct input *input, struct session_entry *entry)
{
    struct ipfix_message *notice;

    while ((notice = ipfix_decoder_close_next(entry->decoder)) != NULL) {
        col_pass(input->instance, notice);
        ipfix_message_unref(notice);
    }
    col_log(input->instance, COL_LOG_INFO, "session %s closed", entry->session->name);
    pthread_mutex_lock(&input->lock); /* its templates count in the account of all sessions */
    entry_free(entry);
    pthread_mutex_unlock(&input->lock);
}

void col_session_close(col_instance_t *instance, const struct ipfix_session *session)
{
    struct input *input = instance->input;
    if (input == NULL || session == NULL) {
        return;
    }
    pthread_mutex_lock(&input->lock);
    struct session_entry *entry = map_remove(&input->sessions, session->id);
    if (entry == input->last) {
        input->last = NULL;
    }
    pthread_mutex_unlock(&input->lock);
    if (entry != NULL) {
        entry_close(input, entry);
    }
}

void input_close_sessions(struct input *input)
{
    for (size_t i = 0; i < input->sessions.capacity; i++) {
        /* Removing may move another session into this slot. */
        while (input->sessions.slots[i].value != NULL) {
            struct session_entry *entry = input->sessions.slots[i].value;
            col_session_close(input->instance, entry->session);
        }
    }
}

void input_set_dictionary(struct input *input, const ipfix_dictionary_t *dictionary)
{
    pthread_mutex_lock(&input->lock);
    for (size_t i = 0; i < input->sessions.capacity; i++) {
        struct session_entry *entry = input->sessions.slots[i].value;
        if (entry != NULL) {
            ipfix_decoder_set_dictionary(entry->decoder, dictionary);
        }
    }
    pthread_mutex_unlock(&input->lock);
}

/* ---- messages -------------------------------------------------------------------------------- */

/* The lock is held. */
static struct session_entry *find_entry(struct input *input, const struct ipfix_session *session)
{
    if (input->last == NULL || input->last->session->id != session->id) {
        input->last = map_find(&input->sessions, session->id);
    }
    return input->last;
}

int col_input_message(col_instance_t *instance, const struct ipfix_session *session,
                      const uint8_t *octets, size_t length)
{
    struct input *input = instance->input;
    struct ipfix_message *message = NULL;
    int status = COL_ERR;
    bool faulty = false;

    if (input == NULL || session == NULL) {
        return COL_ERR;
    }
    pthread_mutex_lock(&input->lock);
    struct session_entry *entry = find_entry(input, session);
    if (entry != NULL) {
        entry->faulty = false;
        status = ipfix_decoder_decode(entry->decoder, octets, length, col_clock_ms(), &message);
        faulty = entry->faulty;
    }
    pthread_mutex_unlock(&input->lock);

    atomic_fetch_add_explicit(&input->messages, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&input->octets, length, memory_order_relaxed);
    if (status == COL_OK) {
        if (faulty) {
            atomic_fetch_add_explicit(&input->damaged, 1, memory_order_relaxed);
        }
        atomic_fetch_add_explicit(&instance->message_count, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&instance->record_count, message->data_record_count,
                                  memory_order_relaxed);
        col_pass(instance, message);
        ipfix_message_unref(message);
    } else if (status == COL_ERR_MALFORMED) {
        atomic_fetch_add_explicit(&input->malformed, 1, memory_order_relaxed);
    } else {
        atomic_fetch_add_explicit(&instance->failed_count, 1, memory_order_relaxed);
        col_log_limited(instance, &input->nomem_limit, COL_LOG_WARNING,
                        "a message of %s is lost: %s", session->name,
                        entry == NULL ? "its session is closed" : "no memory");
    }
    return status;
}

void col_input_lost(col_instance_t *instance, uint64_t messages)
{
    if (instance->input != NULL) {
        atomic_fetch_add_explicit(&instance->input->lost, messages, memory_order_relaxed);
    }
}

void col_input_malformed(col_instance_t *instance)
{
    if (instance->input != NULL) {
        atomic_fetch_add_explicit(&instance->input->malformed, 1, memory_order_relaxed);
    }
}

/* ---- accounts -------------------------------------------------------------------------------- */

/* The lock is held. Appends the accounts of one session; false without memory. */
static bool add_accounts(struct input_source **sources, size_t *count, struct session_entry *entry)
{
    size_t more;
    const struct ipfix_domain_account *accounts = ipfix_decoder_accounts(entry->decoder, &more);
    if (more == 0) {
        return true;
    }
    struct input_source *larger = reallocarray(*sources, *count + more, sizeof(*larger));
    if (larger == NULL) {
        return false;
    }
    *sources = larger;
    for (size_t i = 0; i < more; i++) {
        struct input_source *source = &larger[(*count)++];
        source->session_id = entry->session->id;
        memcpy(source->session_name, entry->session->name, sizeof(source->session_name));
        source->domain_id = accounts[i].domain_id;
        source->messages = accounts[i].messages;
        source->data_records = accounts[i].data_records;
        source->lost_records = accounts[i].lost_records;
    }
    return true;
}

struct input_source *input_sources(struct input *input, size_t *count)
{
    struct input_source *sources = NULL;
    bool enough = true;

    *count = 0;
    pthread_mutex_lock(&input->lock);
    for (size_t i = 0; i < input->sessions.capacity && enough; i++) {
        if (input->sessions.slots[i].value != NULL) {
            enough = add_accounts(&sources, count, input->sessions.slots[i].value);
        }
    }
    pthread_mutex_unlock(&input->lock);
    return sources;
}

struct input_totals input_totals(struct input *input)
{
    struct input_totals totals = {
        .messages = atomic_load_explicit(&input->messages, memory_order_relaxed),
        .octets = atomic_load_explicit(&input->octets, memory_order_relaxed),
        .malformed = atomic_load_explicit(&input->malformed, memory_order_relaxed),
        .damaged = atomic_load_explicit(&input->damaged, memory_order_relaxed),
        .lost = atomic_load_explicit(&input->lost, memory_order_relaxed),
        .limited = atomic_load_explicit(&input->limited, memory_order_relaxed),
    };
    pthread_mutex_lock(&input->lock);
    totals.sessions = input->sessions.count;
    pthread_mutex_unlock(&input->lock);
    return totals;
}
