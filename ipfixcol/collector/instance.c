/* SPDX-License-Identifier: BSD-3-Clause */
/* The thread that runs one plugin instance. */

#include "instance.h"

#include "input.h"
#include "log.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define INSTANCE_BATCH 64
#define INSTANCE_MAX_FDS 64
#define INSTANCE_DEFAULT_TICK_MS 1000u

/* ---- the gate -------------------------------------------------------------------------------- */

static void gate_init(struct gate *gate)
{
    pthread_condattr_t attributes;

    pthread_mutex_init(&gate->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&gate->changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

/* The instance's thread: stays here while it shall be held. */
static void gate_pass(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    const unsigned turn = gate->turn;
    while (gate->requested && gate->turn == turn) {
        gate->paused = true;
        pthread_cond_broadcast(&gate->changed);
        pthread_cond_wait(&gate->changed, &gate->lock);
    }
    gate->paused = false;
    pthread_mutex_unlock(&gate->lock);
}

static void gate_end(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->ended = true;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

static struct timespec to_timespec(uint64_t time_ms)
{
    return (struct timespec){.tv_sec = (time_t)(time_ms / 1000),
                             .tv_nsec = (long)(time_ms % 1000) * 1000000};
}

bool instance_pause(col_instance_t *instance, uint64_t deadline_ms)
{
    struct gate *gate = &instance->gate;
    const struct timespec deadline = to_timespec(deadline_ms);
    int status = 0;

    if (!instance->started) {
        return true;
    }
    pthread_mutex_lock(&gate->lock);
    gate->requested = true;
    if (instance->input != NULL) {
        input_interrupt(instance->input);
    } else {
        queue_wake(instance->queue);
    }
    while (!gate->paused && !gate->ended && status == 0) {
        status = pthread_cond_timedwait(&gate->changed, &gate->lock, &deadline);
    }
    bool held = gate->paused || gate->ended;
    if (!held) {
        gate->requested = false;
    }
    pthread_mutex_unlock(&gate->lock);
    return held;
}

void instance_resume(col_instance_t *instance)
{
    pthread_mutex_lock(&instance->gate.lock);
    instance->gate.requested = false;
    /* A pause right behind this holds the thread anew, after what has come meanwhile. */
    instance->gate.paused = false;
    instance->gate.turn++;
    pthread_cond_broadcast(&instance->gate.changed);
    pthread_mutex_unlock(&instance->gate.lock);
}

/* ---- ticks ----------------------------------------------------------------------------------- */

static uint32_t tick_interval(const struct col_plugin *plugin)
{
    return plugin->tick_ms > 0 ? plugin->tick_ms : INSTANCE_DEFAULT_TICK_MS;
}

static void run_tick(col_instance_t *instance, uint64_t now_ms)
{
    instance->next_tick_ms = now_ms + tick_interval(instance->plugin);
    if (instance->plugin->tick(instance->state, now_ms) < 0) {
        atomic_fetch_add_explicit(&instance->failed_count, 1, memory_order_relaxed);
    }
}

static void tick_if_due(col_instance_t *instance)
{
    if (instance->plugin->tick != NULL) {
        uint64_t now_ms = col_clock_ms();
        if (now_ms >= instance->next_tick_ms) {
            run_tick(instance, now_ms);
        }
    }
}

/* ---- intermediates and storages -------------------------------------------------------------- */

static void process_one(col_instance_t *instance, struct ipfix_message *message)
{
    atomic_fetch_add_explicit(&instance->message_count, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&instance->record_count, message->data_record_count,
                              memory_order_relaxed);
    if (instance->plugin->process(instance->state, message) < 0) {
        atomic_fetch_add_explicit(&instance->failed_count, 1, memory_order_relaxed);
        col_log_limited(instance, &instance->failed_limit, COL_LOG_WARNING,
                        "[%u] a message of %u data records could not be processed and is lost here",
                        message->domain_id, message->data_record_count);
    }
    ipfix_message_unref(message);
}

/* Waits for messages, descriptors of the plugin, or the time of the next tick. */
static void wait_for_work(col_instance_t *instance)
{
    const struct col_plugin *plugin = instance->plugin;
    struct pollfd fds[INSTANCE_MAX_FDS];
    size_t count = 1;
    int timeout_ms = -1;

    if (plugin->poll != NULL) {
        size_t more = plugin->poll(instance->state, fds + 1, INSTANCE_MAX_FDS - 1);
        count += more < INSTANCE_MAX_FDS - 1 ? more : INSTANCE_MAX_FDS - 1;
        for (size_t i = 1; i < count; i++) {
            fds[i].revents = 0;
        }
    }
    if (plugin->tick != NULL) {
        uint64_t now_ms = col_clock_ms();
        uint64_t left_ms = instance->next_tick_ms > now_ms ? instance->next_tick_ms - now_ms : 0;
        timeout_ms = left_ms < INT_MAX ? (int)left_ms : INT_MAX;
    }
    queue_wait(instance->queue, fds, count, timeout_ms);
    for (size_t i = 1; i < count; i++) {
        if (fds[i].revents != 0 && plugin->tick != NULL) {
            run_tick(instance, col_clock_ms());
            break;
        }
    }
}

static void consumer_loop(col_instance_t *instance)
{
    struct ipfix_message *batch[INSTANCE_BATCH];
    bool closed = false;

    while (!closed) {
        size_t count = queue_pop(instance->queue, batch, INSTANCE_BATCH, &closed);
        for (size_t i = 0; i < count; i++) {
            process_one(instance, batch[i]);
            tick_if_due(instance);
        }
        if (count == 0 && !closed) {
            gate_pass(&instance->gate);
            tick_if_due(instance);
            wait_for_work(instance);
        }
    }
}

/* ---- inputs ---------------------------------------------------------------------------------- */

static void input_loop(col_instance_t *instance)
{
    const struct col_plugin *plugin = instance->plugin;
    uint32_t tick_ms = plugin->tick != NULL ? tick_interval(plugin) : 0;

    instance->result = COL_OK;
    while (!atomic_load_explicit(&instance->quit, memory_order_relaxed) &&
           instance->result == COL_OK) {
        /* The order matters: who asks for a pause after this sees the descriptor readable again. */
        input_rearm(instance->input, tick_ms);
        gate_pass(&instance->gate);
        if (atomic_load_explicit(&instance->quit, memory_order_relaxed)) {
            break;
        }
        instance->result = plugin->receive(instance->state);
        tick_if_due(instance);
    }
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void destroy_state(col_instance_t *instance)
{
    if (instance->created) {
        instance->plugin->destroy(instance->state);
        instance->created = false;
        instance->state = NULL;
    }
}

static void *instance_run(void *argument)
{
    col_instance_t *instance = argument;

    (void)pthread_setname_np(pthread_self(), instance->thread_name);
    atomic_store_explicit(&instance->tid, (int)gettid(), memory_order_relaxed);
    instance->next_tick_ms = col_clock_ms() + tick_interval(instance->plugin);
    if (instance->input != NULL) {
        input_loop(instance);
    } else {
        consumer_loop(instance);
    }
    destroy_state(instance);
    if (instance->input != NULL) {
        input_close_sessions(instance->input);
    }
    if (instance->cascade && instance->next.close != NULL) {
        instance->next.close(instance->next.context);
    }
    atomic_store_explicit(&instance->finished, true, memory_order_release);
    gate_end(&instance->gate);
    /* Fails only when the counter is full, and then the reader has been woken already. */
    ssize_t n = write(instance->context->wake_fd, &(uint64_t){1}, sizeof(uint64_t));
    (void)n;
    return NULL;
}

bool instance_start(col_instance_t *instance)
{
    instance->started = pthread_create(&instance->thread, NULL, instance_run, instance) == 0;
    if (!instance->started) {
        col_log(instance, COL_LOG_ERROR, "cannot start a thread: check the limit of processes");
    }
    return instance->started;
}

void instance_hurry(col_instance_t *instance)
{
    atomic_store_explicit(&instance->quit, true, memory_order_relaxed);
    if (instance->queue != NULL) {
        queue_wake(instance->queue);
    }
}

void instance_calm(col_instance_t *instance)
{
    atomic_store_explicit(&instance->quit, false, memory_order_relaxed);
}

void instance_close(col_instance_t *instance)
{
    if (instance->input == NULL) {
        queue_close(instance->queue);
        return;
    }
    atomic_store_explicit(&instance->quit, true, memory_order_relaxed);
    pthread_mutex_lock(&instance->gate.lock);
    input_interrupt(instance->input);
    pthread_mutex_unlock(&instance->gate.lock);
}

bool instance_finished(const col_instance_t *instance)
{
    return !instance->started || atomic_load_explicit(&instance->finished, memory_order_acquire);
}

bool instance_join(col_instance_t *instance, uint64_t deadline_ms)
{
    if (!instance->started || instance->joined) {
        return true;
    }
    struct gate *gate = &instance->gate;
    const struct timespec deadline = to_timespec(deadline_ms);
    int status = 0;

    pthread_mutex_lock(&gate->lock);
    while (!gate->ended && status == 0) {
        status = pthread_cond_timedwait(&gate->changed, &gate->lock, &deadline);
    }
    instance->joined = gate->ended;
    pthread_mutex_unlock(&gate->lock);
    if (instance->joined) {
        (void)pthread_join(instance->thread, NULL); /* it has nothing left to do */
    }
    return instance->joined;
}

/* ---- create and free ------------------------------------------------------------------------- */

static void set_module(col_instance_t *instance, const char *suffix)
{
    const struct col_plugin *plugin = instance->plugin;
    (void)snprintf(instance->module, sizeof(instance->module), "%s%s%s",
                   plugin->module != NULL ? plugin->module : plugin->name,
                   suffix[0] != '\0' ? " " : "", suffix);
}

static void set_names(col_instance_t *instance, const char *suffix)
{
    static const char *const prefixes[] = {"ipfixcol:", "med:", "out:"};
    const char *blank = suffix[0] != '\0' ? " " : "";
    char name[64];

    set_module(instance, suffix);
    (void)snprintf(name, sizeof(name), "%s%s%s%s", prefixes[instance->plugin->kind],
                   instance->spec->thread_name, blank, suffix);
    memcpy(instance->thread_name, name, sizeof(instance->thread_name) - 1);
}

/* Behind the plugin's own reason: which element of the configuration it belongs to. */
static void log_place(const col_instance_t *instance, const struct instance_spec *spec,
                      const char *what)
{
    const char *place = spec->place;
    col_log(instance, COL_LOG_ERROR, "%s%s%s of '%s' failed", place != NULL ? place : "",
            place != NULL ? ": " : "", what, spec->label);
}

bool instance_check(const struct instance_spec *spec)
{
    col_instance_t *instance;

    if (spec->plugin->check == NULL) {
        return true;
    }
    instance = calloc(1, sizeof(*instance)); /* a name for log lines, nothing more */
    if (instance == NULL) {
        log_line("collector", COL_LOG_ERROR, "no memory to check %s", spec->plugin->name);
        return false;
    }
    instance->plugin = spec->plugin;
    set_module(instance, "");
    bool good = spec->plugin->check(instance, spec->options) == COL_OK;
    if (!good) {
        log_place(instance, spec, "check");
    }
    free(instance);
    return good;
}

static bool create_state(col_instance_t *instance)
{
    if (instance->plugin->create(instance, instance->spec->options, &instance->state) != COL_OK) {
        log_place(instance, instance->spec, "initialization");
        return false;
    }
    instance->created = true;
    return true;
}

col_instance_t *instance_create(struct collector_context *context, struct instance_spec *spec,
                                const char *suffix)
{
    col_instance_t *instance = calloc(1, sizeof(*instance));
    if (instance == NULL) {
        log_line("collector", COL_LOG_ERROR, "no memory for an instance of %s", spec->plugin->name);
        return NULL;
    }
    gate_init(&instance->gate);
    instance->context = context;
    instance->spec = spec_ref(spec);
    instance->plugin = spec->plugin;
    instance->cascade = true;
    set_names(instance, suffix);
    if (instance->plugin->kind == COL_INPUT) {
        instance->input = input_create(instance);
    } else {
        instance->queue = queue_create(context->queue_slots, context->queue_octets);
    }
    if (instance->queue != NULL && atomic_load_explicit(&context->stopping, memory_order_relaxed)) {
        queue_hasten(instance->queue);
    }
    if (instance->input == NULL && instance->queue == NULL) {
        col_log(instance, COL_LOG_ERROR, "no memory or no descriptors");
        instance_free(instance);
        return NULL;
    }
    if (!create_state(instance)) {
        instance_free(instance);
        return NULL;
    }
    return instance;
}

void instance_free(col_instance_t *instance)
{
    if (instance == NULL) {
        return;
    }
    destroy_state(instance);
    input_destroy(instance->input);
    queue_destroy(instance->queue);
    pthread_cond_destroy(&instance->gate.changed);
    pthread_mutex_destroy(&instance->gate.lock);
    spec_unref(instance->spec);
    free(instance);
}

/* ---- as a stage ------------------------------------------------------------------------------ */

static void stage_push(void *context, struct ipfix_message *message)
{
    (void)queue_push(((col_instance_t *)context)->queue, message);
}

static void stage_close(void *context)
{
    queue_close(((col_instance_t *)context)->queue);
}

struct stage instance_stage(col_instance_t *instance)
{
    return (struct stage){stage_push, stage_close, instance};
}

/* ---- services for plugins -------------------------------------------------------------------- */

const char *instance_module(const col_instance_t *instance)
{
    return instance != NULL ? instance->module : "collector";
}

void col_count(col_instance_t *instance, unsigned counter, uint64_t n)
{
    if (counter < INSTANCE_MAX_COUNTERS) {
        atomic_fetch_add_explicit(&instance->counters[counter], n, memory_order_relaxed);
    }
}

const ipfix_dictionary_t *col_dictionary(const col_instance_t *instance)
{
    return atomic_load(&instance->context->dictionary);
}

uint64_t col_clock_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool col_stopping(const col_instance_t *instance)
{
    return atomic_load_explicit(&instance->quit, memory_order_relaxed) ||
           atomic_load_explicit(&instance->context->stopping, memory_order_relaxed);
}

char *col_expand_host(const char *text)
{
    char host[HOST_NAME_MAX + 1] = "";
    char *result = NULL;
    size_t size = 0;

    (void)gethostname(host, sizeof(host) - 1);
    FILE *out = open_memstream(&result, &size);
    if (out == NULL) {
        return NULL;
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (at[0] == '%' && at[1] == 'h') {
            (void)fputs(host, out);
            at++;
        } else {
            (void)fputc(*at, out);
            if (at[0] == '%' && at[1] != '\0') {
                (void)fputc(*++at, out); /* "%%h" is no %h */
            }
        }
    }
    if (fclose(out) != 0) {
        free(result);
        return NULL;
    }
    return result;
}

void col_pass(col_instance_t *instance, struct ipfix_message *message)
{
    if (instance->next.push != NULL) {
        instance->next.push(instance->next.context, ipfix_message_ref(message));
    }
}
