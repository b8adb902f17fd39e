/* SPDX-License-Identifier: BSD-3-Clause */
/* All collecting processes of a configuration, started, reloaded and stopped together. */

#include "service.h"

#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#define MODULE "ipfixcol"
/* A thread that has told its end needs a moment to be gone. */
#define LAST_MOMENT_MS 1000u

/* ---- dictionary ------------------------------------------------------------------------------ */

static bool load_dictionary(struct service *service)
{
    char reason[512] = "";
    ipfix_dictionary_t **larger =
        reallocarray(service->dictionaries, service->dictionary_count + 1, sizeof(*larger));
    if (larger == NULL) {
        log_line(MODULE, COL_LOG_ERROR, "no memory for the Information Elements");
        return false;
    }
    service->dictionaries = larger;
    ipfix_dictionary_t *dictionary =
        ipfix_dictionary_load(service->args->elements_path, reason, sizeof(reason));
    if (dictionary == NULL) {
        log_line(MODULE, COL_LOG_ERROR, "%s", reason);
        return false;
    }
    if (reason[0] != '\0') {
        log_line(MODULE, COL_LOG_WARNING, "%s", reason);
    }
    larger[service->dictionary_count++] = dictionary;
    atomic_store(&service->context.dictionary, dictionary);
    return true;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void reload_dictionary(struct service *service)
{
    struct stat now;

    if (stat(service->args->elements_path, &now) == 0 && same_file(&now, &service->elements_stat)) {
        return;
    }
    if (!load_dictionary(service)) {
        log_line(MODULE, COL_LOG_ERROR, "the Information Elements stay as they were");
        return;
    }
    service->elements_stat = now;
    for (size_t i = 0; i < service->pipeline_count; i++) {
        (void)pipeline_set_dictionary(service->pipelines[i],
                                      service->dictionaries[service->dictionary_count - 1]);
    }
}

/* ---- plans ----------------------------------------------------------------------------------- */

struct plans {
    struct pipeline_plan **items;
    size_t count;
};

static void plans_clear(struct plans *plans)
{
    for (size_t i = 0; i < plans->count; i++) {
        plan_destroy(plans->items[i]);
    }
    free(plans->items);
    *plans = (struct plans){0};
}

static bool plans_make(struct plans *plans, const struct config *config)
{
    struct config_error err;

    plans->items = calloc(config->process_count, sizeof(struct pipeline_plan *));
    for (size_t i = 0; i < config->process_count && plans->items != NULL; i++) {
        plans->items[i] = plan_create(config, &config->processes[i], &err);
        if (plans->items[i] == NULL) {
            log_line("config", COL_LOG_ERROR, "%s", err.text);
            plans_clear(plans);
            return false;
        }
        plans->count++;
    }
    return plans->items != NULL;
}

/* Reads both files into plans. Nothing runs yet, nothing has changed. */
static bool plans_load(struct plans *plans, const struct args *args)
{
    struct config_error err;

    struct config *config = config_load(args->startup_path, args->internal_path, &err);
    if (config == NULL) {
        log_line("config", COL_LOG_ERROR, "%s", err.text);
        return false;
    }
    bool made = plans_make(plans, config);
    config_destroy(config);
    return made;
}

static void force_single_manager(const struct service *service, struct plans *plans, bool warn)
{
    for (size_t i = 0; i < plans->count && service->args->single_manager; i++) {
        if (warn && !plans->items[i]->single_manager) {
            log_line(MODULE, COL_LOG_WARNING,
                     "%s: several Data Managers are configured, but -M keeps a single one",
                     plans->items[i]->name);
        }
        plans->items[i]->single_manager = true;
    }
}

/* ---- pipelines ------------------------------------------------------------------------------- */

/* Frees removed pipelines whose threads have ended meanwhile. */
static void reap_removed(struct service *service)
{
    struct pipeline **link = &service->removed;

    while (*link != NULL) {
        struct pipeline *pipeline = *link;
        bool ended = false;
        if (pipeline_finished(pipeline)) {
            (void)pipeline_join(pipeline, col_clock_ms() + LAST_MOMENT_MS, &ended);
        }
        if (ended) {
            *link = pipeline->next;
            pipeline_destroy(pipeline);
        } else {
            link = &pipeline->next;
        }
    }
}

static bool add_pipeline(struct service *service, const struct pipeline_plan *plan)
{
    struct pipeline **larger =
        reallocarray(service->pipelines, service->pipeline_count + 1, sizeof(struct pipeline *));
    if (larger == NULL) {
        return false;
    }
    service->pipelines = larger;
    struct pipeline *pipeline = pipeline_create(&service->context, plan);
    if (pipeline == NULL) {
        return false;
    }
    bool started = pipeline_start(pipeline);
    pthread_mutex_lock(&service->lock);
    service->pipelines[service->pipeline_count++] = pipeline;
    pthread_mutex_unlock(&service->lock);
    if (!started) {
        pipeline->failed = true;
        pipeline_stop(pipeline);
    }
    return started;
}

/* Operators look for the process by this name. */
static void set_process_name(const struct service *service)
{
    if (service->pipeline_count > 0) {
        (void)prctl(PR_SET_NAME, service->pipelines[0]->input->thread_name);
    }
}

static bool specs_check(struct instance_spec *const *specs, size_t count)
{
    bool good = true;

    for (size_t i = 0; i < count; i++) {
        good = instance_check(specs[i]) && good;
    }
    return good;
}

/* All of them are asked, so that one run tells every mistake. */
static bool plans_check(const struct plans *plans)
{
    bool good = true;

    for (size_t i = 0; i < plans->count; i++) {
        const struct pipeline_plan *plan = plans->items[i];
        good = specs_check(&plan->input, 1) && good;
        good = specs_check(plan->intermediates, plan->intermediate_count) && good;
        good = specs_check(plan->storages, plan->storage_count) && good;
    }
    return good;
}

bool service_check(const struct args *args)
{
    struct plans plans = {0};
    char reason[512] = "";

    ipfix_dictionary_t *dictionary =
        ipfix_dictionary_load(args->elements_path, reason, sizeof(reason));
    if (dictionary == NULL) {
        log_line(MODULE, COL_LOG_ERROR, "%s", reason);
    }
    bool good = plans_load(&plans, args) && plans_check(&plans) && dictionary != NULL;
    plans_clear(&plans);
    ipfix_dictionary_destroy(dictionary);
    return good;
}

static bool service_init(struct service *service, const struct args *args)
{
    *service = (struct service){.args = args};
    pthread_mutex_init(&service->lock, NULL);
    service->context.queue_slots = args->queue_slots;
    service->context.queue_octets = QUEUE_DEFAULT_OCTETS;
    service->context.ignore_sequence = args->ignore_sequence;
    service->context.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (service->context.wake_fd < 0) {
        log_line(MODULE, COL_LOG_ERROR, "no descriptors");
        return false;
    }
    if (stat(args->elements_path, &service->elements_stat) != 0) {
        service->elements_stat = (struct stat){0};
    }
    return load_dictionary(service);
}

bool service_start(struct service *service, const struct args *args)
{
    struct plans plans = {0};

    if (!service_init(service, args) || !plans_load(&plans, args)) {
        return false;
    }
    force_single_manager(service, &plans, false);
    bool started = true;
    for (size_t i = 0; i < plans.count && started; i++) {
        started = add_pipeline(service, plans.items[i]);
    }
    plans_clear(&plans);
    set_process_name(service);
    return started;
}

void service_stop(struct service *service)
{
    atomic_store_explicit(&service->context.stopping, true, memory_order_relaxed);
    for (size_t i = 0; i < service->pipeline_count; i++) {
        pipeline_stop(service->pipelines[i]);
    }
}

bool service_finished(struct service *service)
{
    bool all = true;
    for (size_t i = 0; i < service->pipeline_count; i++) {
        all = pipeline_finished(service->pipelines[i]) && all;
    }
    return all;
}

static void service_clear(struct service *service)
{
    for (size_t i = 0; i < service->dictionary_count; i++) {
        ipfix_dictionary_destroy(service->dictionaries[i]);
    }
    free(service->dictionaries);
    free(service->pipelines);
    if (service->context.wake_fd > 0) {
        close(service->context.wake_fd);
    }
    pthread_mutex_destroy(&service->lock);
    *service = (struct service){0};
}

bool service_end(struct service *service, uint64_t deadline_ms, bool *clean)
{
    bool all = true;

    *clean = true;
    for (size_t i = 0; i < service->pipeline_count; i++) {
        bool ended;
        uint64_t lost = pipeline_join(service->pipelines[i], deadline_ms, &ended);
        if (lost > 0) {
            log_line(MODULE, COL_LOG_ERROR, "%s: %llu messages were not stored",
                     service->pipelines[i]->name, (unsigned long long)lost);
        }
        *clean = *clean && ended && !service->pipelines[i]->failed;
        all = all && ended;
    }
    for (struct pipeline *p = service->removed; p != NULL; p = p->next) {
        bool ended;
        (void)pipeline_join(p, deadline_ms, &ended);
    }
    reap_removed(service);
    /* Threads that still run use what would be freed. */
    if (!all || service->removed != NULL) {
        *clean = false;
        return false;
    }
    for (size_t i = 0; i < service->pipeline_count; i++) {
        pipeline_destroy(service->pipelines[i]);
    }
    service_clear(service);
    return true;
}

/* ---- reload ---------------------------------------------------------------------------------- */

/* The plan of a pipeline: same name, and the same place among those of that name. */
static size_t find_plan(const struct service *service, const struct plans *plans, size_t index)
{
    const char *name = service->pipelines[index]->name;
    size_t nth = 0;

    for (size_t i = 0; i < index; i++) {
        nth += strcmp(service->pipelines[i]->name, name) == 0 ? 1 : 0;
    }
    for (size_t i = 0; i < plans->count; i++) {
        if (strcmp(plans->items[i]->name, name) == 0 && nth-- == 0) {
            return i;
        }
    }
    return plans->count;
}

static void remove_pipeline(struct service *service, size_t index)
{
    struct pipeline *pipeline = service->pipelines[index];
    bool ended;

    log_line(MODULE, COL_LOG_INFO, "%s: removed from the configuration; it ends", pipeline->name);
    pipeline_stop(pipeline);
    (void)pipeline_join(pipeline, col_clock_ms() + service->args->stop_timeout_s * 1000u, &ended);
    pthread_mutex_lock(&service->lock);
    memmove(&service->pipelines[index], &service->pipelines[index + 1],
            (service->pipeline_count - index - 1) * sizeof(struct pipeline *));
    service->pipeline_count--;
    pthread_mutex_unlock(&service->lock);
    if (ended) {
        pipeline_destroy(pipeline);
    } else {
        pipeline->next = service->removed; /* its threads still use it */
        service->removed = pipeline;
    }
}

/* A pipeline that has come to its end gets another input: a new one takes its place. */
static void restart_pipeline(struct service *service, size_t index,
                             const struct pipeline_plan *plan)
{
    struct pipeline *old = service->pipelines[index];
    bool ended;

    log_line(MODULE, COL_LOG_INFO, "%s: its input had ended; it starts again with another one",
             old->name);
    (void)pipeline_join(old, col_clock_ms() + service->args->stop_timeout_s * 1000u, &ended);
    struct pipeline *pipeline = ended ? pipeline_create(&service->context, plan) : NULL;
    if (pipeline == NULL) {
        old->failed = true;
        log_line(MODULE, COL_LOG_ERROR, "%s: it cannot be started again", old->name);
        return;
    }
    if (!pipeline_start(pipeline)) {
        pipeline->failed = true;
        pipeline_stop(pipeline);
    }
    pthread_mutex_lock(&service->lock);
    service->pipelines[index] = pipeline;
    pthread_mutex_unlock(&service->lock);
    pipeline_destroy(old);
}

static void reload_pipeline(struct service *service, size_t index, const struct pipeline_plan *plan,
                            bool (*give_up)(void))
{
    struct pipeline *pipeline = service->pipelines[index];

    bool done = pipeline_reload(pipeline, plan, give_up);
    if (!done && pipeline_is_over(pipeline, plan) && !give_up()) {
        restart_pipeline(service, index, plan);
    }
    if (done) {
        /* Statistics look at the names of all files. */
        pthread_mutex_lock(&service->lock);
        (void)pipeline_set_statistics_file(pipeline, plan->statistics_file);
        pthread_mutex_unlock(&service->lock);
    }
}

/* What ends makes room (ports, files) for what changes, and that for what is new. */
static void apply_plans(struct service *service, const struct plans *plans, bool *used,
                        bool (*give_up)(void))
{
    size_t *matches = calloc(service->pipeline_count + 1, sizeof(size_t));
    if (matches == NULL) {
        return;
    }
    size_t kept = 0, count = service->pipeline_count;
    for (size_t i = 0; i < count; i++) {
        matches[i] = find_plan(service, plans, i);
    }
    for (size_t i = 0; i < count; i++) {
        if (matches[i] == plans->count) {
            remove_pipeline(service, kept);
        } else {
            used[matches[i]] = true;
            matches[kept++] = matches[i];
        }
    }
    for (size_t i = 0; i < kept; i++) {
        reload_pipeline(service, i, plans->items[matches[i]], give_up);
    }
    free(matches);
    for (size_t i = 0; i < plans->count; i++) {
        if (!used[i] && !add_pipeline(service, plans->items[i])) {
            log_line(MODULE, COL_LOG_ERROR, "%s: cannot be started", plans->items[i]->name);
        }
    }
}

void service_reload(struct service *service, bool (*give_up)(void))
{
    struct plans plans = {0};

    log_line(MODULE, COL_LOG_INFO, "reading the configuration again");
    reap_removed(service);
    reload_dictionary(service);
    if (!plans_load(&plans, service->args)) {
        log_line(MODULE, COL_LOG_ERROR, "the configuration stays as it was");
        return;
    }
    force_single_manager(service, &plans, true);
    bool *used = calloc(plans.count + 1, sizeof(bool));
    if (used != NULL) {
        apply_plans(service, &plans, used, give_up);
    }
    free(used);
    plans_clear(&plans);
    log_line(MODULE, COL_LOG_INFO, "the configuration has been read again");
}
