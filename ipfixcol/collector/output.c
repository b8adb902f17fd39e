/* SPDX-License-Identifier: BSD-3-Clause */
/* Output manager: hands each message to the storages of its Observation Domain. */

#include "output.h"

#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODULE "output manager"
/* Each domain costs threads; who sends more domains than this is broken or hostile. */
#define OUTPUT_MAX_MANAGERS 512u
#define OUTPUT_JOIN_STEP_MS 1000u
#define OUTPUT_SHORT_STEP_MS 100u
/* After someone gave up waiting for storages, they have so long to notice. */
#define OUTPUT_LAST_WAIT_MS 3000u

struct manager {
    uint32_t domain_id;
    col_instance_t **storages;
    size_t count;
    struct map sessions; /* live sources of the domain, by session id */
    uint64_t last_session;
    struct manager *next; /* among the closing ones */
};

/* ---- Data Managers --------------------------------------------------------------------------- */

static void manager_free(struct manager *manager)
{
    for (size_t i = 0; i < manager->count; i++) {
        instance_free(manager->storages[i]);
    }
    free(manager->storages);
    map_clear(&manager->sessions);
    free(manager);
}

static void manager_close(struct manager *manager)
{
    for (size_t i = 0; i < manager->count; i++) {
        instance_close(manager->storages[i]);
    }
}

static bool manager_join(struct manager *manager, uint64_t deadline_ms)
{
    bool all = true;
    for (size_t i = 0; i < manager->count; i++) {
        all = instance_join(manager->storages[i], deadline_ms) && all;
    }
    return all;
}

static bool manager_finished(const struct manager *manager)
{
    for (size_t i = 0; i < manager->count; i++) {
        if (!instance_finished(manager->storages[i])) {
            return false;
        }
    }
    return true;
}

/* A created and started storage instance of a domain, or NULL. */
static col_instance_t *start_storage(struct output *output, struct instance_spec *spec,
                                     uint32_t domain_id)
{
    char suffix[16] = "";

    if (!output->single_manager) {
        (void)snprintf(suffix, sizeof(suffix), "%u", domain_id);
    }
    col_instance_t *instance = instance_create(output->context, spec, suffix);
    if (instance != NULL && !instance_start(instance)) {
        instance_free(instance);
        instance = NULL;
    }
    if (instance == NULL) {
        log_line(MODULE, COL_LOG_WARNING, "[%u] storage '%s' is left out", domain_id, spec->label);
    }
    return instance;
}

/* Destinations bound to the domain; without any, those bound to none. */
static bool spec_applies(const struct output *output, const struct instance_spec *spec,
                         uint32_t domain_id)
{
    bool bound = false;
    for (size_t i = 0; i < output->spec_count && !bound; i++) {
        bound = output->specs[i]->has_domain && output->specs[i]->domain_id == domain_id;
    }
    return bound ? spec->has_domain && spec->domain_id == domain_id : !spec->has_domain;
}

static struct manager *manager_create(struct output *output, uint32_t domain_id)
{
    struct manager *manager = calloc(1, sizeof(*manager));
    if (manager == NULL) {
        return NULL;
    }
    manager->domain_id = domain_id;
    manager->storages = calloc(output->spec_count + 1, sizeof(col_instance_t *));
    if (manager->storages == NULL) {
        free(manager);
        return NULL;
    }
    for (size_t i = 0; i < output->spec_count; i++) {
        if (spec_applies(output, output->specs[i], domain_id)) {
            col_instance_t *storage = start_storage(output, output->specs[i], domain_id);
            if (storage != NULL) {
                manager->storages[manager->count++] = storage;
            }
        }
    }
    if (manager->count == 0) {
        log_line(MODULE, COL_LOG_WARNING, "[%u] no storage for this domain: its data are dropped",
                 domain_id);
    }
    return manager;
}

/* ---- closing managers ------------------------------------------------------------------------ */

static void start_closing(struct output *output, struct manager *manager)
{
    manager_close(manager);
    pthread_mutex_lock(&output->lock);
    (void)map_remove(&output->managers, manager->domain_id);
    manager->next = output->closing;
    output->closing = manager;
    if (output->last == manager) {
        output->last = NULL;
    }
    pthread_mutex_unlock(&output->lock);
}

/* Frees closing managers that have ended. Those of the domain are waited for: a storage that starts
 * anew must find what its predecessor wrote complete. */
static void reap(struct output *output, bool wait, uint32_t domain_id)
{
    struct manager **link = &output->closing;

    while (*link != NULL) {
        struct manager *manager = *link;
        if (wait && manager->domain_id == domain_id) {
            while (!manager_join(manager, col_clock_ms() + OUTPUT_JOIN_STEP_MS)) {
                log_line(MODULE, COL_LOG_DEBUG, "[%u] waiting for storages to finish", domain_id);
            }
        } else if (!manager_finished(manager)) {
            link = &manager->next;
            continue;
        } else {
            (void)manager_join(manager, UINT64_MAX / 2000000);
        }
        pthread_mutex_lock(&output->lock);
        *link = manager->next;
        pthread_mutex_unlock(&output->lock);
        manager_free(manager);
    }
}

/* ---- routing --------------------------------------------------------------------------------- */

static struct manager *add_manager(struct output *output, uint32_t domain_id)
{
    if (output->managers.count >= OUTPUT_MAX_MANAGERS) {
        col_log_limited(NULL, &output->no_storage_limit, COL_LOG_WARNING,
                        "[%u] already %u Observation Domains; data of this one are dropped",
                        domain_id, OUTPUT_MAX_MANAGERS);
        return NULL;
    }
    reap(output, true, domain_id);
    struct manager *manager = manager_create(output, domain_id);
    if (manager == NULL) {
        return NULL;
    }
    pthread_mutex_lock(&output->lock);
    bool added = map_put(&output->managers, domain_id, manager);
    pthread_mutex_unlock(&output->lock);
    if (!added) {
        manager_close(manager);
        (void)manager_join(manager, UINT64_MAX / 2000000);
        manager_free(manager);
        return NULL;
    }
    return manager;
}

static struct manager *find_manager(struct output *output, uint32_t domain_id, bool create)
{
    struct manager *manager = output->last;
    if (manager == NULL || manager->domain_id != domain_id) {
        manager = map_find(&output->managers, domain_id);
        if (manager == NULL && create) {
            manager = add_manager(output, domain_id);
        }
        output->last = manager;
    }
    return manager;
}

static void deliver(col_instance_t *storage, struct ipfix_message *message)
{
    struct ipfix_message *reference = ipfix_message_ref(message);

    /* Storages learn of templates and ends of sources only once, so these always wait. */
    if (storage->spec->drop_when_full && message->kind == IPFIX_MESSAGE_DATA &&
        message->change_count == 0) {
        if (!queue_try_push(storage->queue, reference)) {
            atomic_fetch_add_explicit(&storage->dropped_count, 1, memory_order_relaxed);
            ipfix_message_unref(reference);
        }
    } else {
        (void)queue_push(storage->queue, reference);
    }
}

/* Keeps the set of live sources. True when the last one has gone. */
static bool track_sources(struct manager *manager, const struct ipfix_message *message)
{
    uint64_t session_id = message->session->id;

    if (message->kind == IPFIX_MESSAGE_SOURCE_CLOSED) {
        (void)map_remove(&manager->sessions, session_id);
        manager->last_session = 0;
        return manager->sessions.count == 0;
    }
    if (manager->last_session != session_id) {
        if (map_put(&manager->sessions, session_id, manager)) {
            manager->last_session = session_id;
        }
    }
    return false;
}

static void output_push(void *context, struct ipfix_message *message)
{
    struct output *output = context;
    uint32_t domain_id = output->single_manager ? 0 : message->domain_id;
    bool closed = message->kind == IPFIX_MESSAGE_SOURCE_CLOSED;

    struct manager *manager = find_manager(output, domain_id, !closed);
    if (manager == NULL || manager->count == 0) {
        if (!closed) {
            atomic_fetch_add_explicit(&output->unstored_count, 1, memory_order_relaxed);
        }
    }
    if (manager != NULL) {
        for (size_t i = 0; i < manager->count; i++) {
            deliver(manager->storages[i], message);
        }
        if (!output->single_manager && track_sources(manager, message)) {
            start_closing(output, manager);
            reap(output, false, 0);
        }
    }
    ipfix_message_unref(message);
}

static void output_close(void *context)
{
    struct output *output = context;
    for (size_t i = 0; i < output->managers.capacity; i++) {
        if (output->managers.slots[i].value != NULL) {
            manager_close(output->managers.slots[i].value);
        }
    }
}

struct stage output_stage(struct output *output)
{
    return (struct stage){output_push, output_close, output};
}

/* ---- from outside ---------------------------------------------------------------------------- */

static bool set_specs(struct output *output, struct instance_spec **specs, size_t count)
{
    struct instance_spec **copy = calloc(count + 1, sizeof(struct instance_spec *));
    if (copy == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        copy[i] = spec_ref(specs[i]);
    }
    for (size_t i = 0; i < output->spec_count; i++) {
        spec_unref(output->specs[i]);
    }
    free(output->specs);
    output->specs = copy;
    output->spec_count = count;
    return true;
}

bool output_init(struct output *output, struct collector_context *context,
                 struct instance_spec **specs, size_t count, bool single_manager)
{
    *output = (struct output){.context = context, .single_manager = single_manager};
    pthread_mutex_init(&output->lock, NULL);
    return set_specs(output, specs, count);
}

bool output_prepare(struct output *output)
{
    if (!output->single_manager) {
        return true;
    }
    struct manager *manager = find_manager(output, 0, true);
    return manager != NULL && manager->count > 0;
}

static bool join_all(struct output *output, uint64_t deadline_ms)
{
    bool all = true;
    for (size_t i = 0; i < output->managers.capacity; i++) {
        if (output->managers.slots[i].value != NULL) {
            all = manager_join(output->managers.slots[i].value, deadline_ms) && all;
        }
    }
    for (struct manager *m = output->closing; m != NULL; m = m->next) {
        all = manager_join(m, deadline_ms) && all;
    }
    return all;
}

/* Takes the managers out and frees them; their threads have ended. */
static void free_all(struct output *output)
{
    pthread_mutex_lock(&output->lock);
    for (size_t i = 0; i < output->managers.capacity; i++) {
        if (output->managers.slots[i].value != NULL) {
            manager_free(output->managers.slots[i].value);
        }
    }
    map_clear(&output->managers);
    while (output->closing != NULL) {
        struct manager *next = output->closing->next;
        manager_free(output->closing);
        output->closing = next;
    }
    output->last = NULL;
    pthread_mutex_unlock(&output->lock);
}

void output_clear(struct output *output)
{
    free_all(output);
    for (size_t i = 0; i < output->spec_count; i++) {
        spec_unref(output->specs[i]);
    }
    free(output->specs);
    output->specs = NULL;
    output->spec_count = 0;
    pthread_mutex_destroy(&output->lock);
}

bool output_join(struct output *output, uint64_t deadline_ms)
{
    return join_all(output, deadline_ms);
}

bool output_finished(struct output *output)
{
    bool all = true;
    pthread_mutex_lock(&output->lock);
    for (size_t i = 0; i < output->managers.capacity && all; i++) {
        all = output->managers.slots[i].value == NULL ||
              manager_finished(output->managers.slots[i].value);
    }
    for (const struct manager *m = output->closing; m != NULL && all; m = m->next) {
        all = manager_finished(m);
    }
    pthread_mutex_unlock(&output->lock);
    return all;
}

struct other_plan {
    struct instance_spec **specs;
    size_t count;
    bool hurry;
};

static void hurry_if_replaced(void *context, uint32_t domain_id, col_instance_t *storage)
{
    const struct other_plan *plan = context;

    (void)domain_id;
    for (size_t i = 0; i < plan->count; i++) {
        if (spec_equal(plan->specs[i], storage->spec)) {
            return;
        }
    }
    if (plan->hurry) {
        instance_hurry(storage);
    } else {
        instance_calm(storage);
    }
}

void output_hurry_replaced(struct output *output, struct instance_spec **specs, size_t count,
                           bool hurry)
{
    struct other_plan plan = {specs, count, hurry};
    output_each_running(output, hurry_if_replaced, &plan);
}

bool output_drain(struct output *output, uint64_t deadline_ms)
{
    output_close(output);
    if (!join_all(output, deadline_ms)) {
        return false;
    }
    free_all(output);
    return true;
}

void output_set_aside(struct output *output)
{
    output_close(output);
    pthread_mutex_lock(&output->lock);
    for (size_t i = 0; i < output->managers.capacity; i++) {
        struct manager *manager = output->managers.slots[i].value;
        if (manager != NULL) {
            manager->next = output->closing;
            output->closing = manager;
        }
    }
    map_clear(&output->managers);
    output->last = NULL;
    pthread_mutex_unlock(&output->lock);
}

/* ---- other storages while running ------------------------------------------------------------ */

/* Takes out of `storages` one that runs with exactly these settings, or NULL. */
static col_instance_t *take_equal(col_instance_t **storages, size_t count,
                                  const struct instance_spec *spec)
{
    for (size_t i = 0; i < count; i++) {
        if (storages[i] != NULL && spec_equal(storages[i]->spec, spec)) {
            col_instance_t *found = storages[i];
            storages[i] = NULL;
            return found;
        }
    }
    return NULL;
}

/* Takes out of `storages` one of the same plugin: the one a changed destination replaces. */
static col_instance_t *take_predecessor(col_instance_t **storages, size_t count,
                                        const struct instance_spec *spec)
{
    for (size_t i = 0; i < count; i++) {
        if (storages[i] != NULL && storages[i]->plugin == spec->plugin) {
            col_instance_t *found = storages[i];
            storages[i] = NULL;
            return found;
        }
    }
    return NULL;
}

bool output_patience_ends(struct output_patience *patience)
{
    uint64_t now_ms = col_clock_ms();

    if (patience->gave_up_ms == 0 && patience->give_up != NULL && patience->give_up()) {
        patience->gave_up_ms = now_ms;
    }
    return patience->gave_up_ms != 0 && now_ms >= patience->gave_up_ms + OUTPUT_LAST_WAIT_MS;
}

/* A storage that does not end becomes a closing manager of its own. The lock is held. */
static bool set_storage_aside(struct output *output, uint32_t domain_id, col_instance_t *storage)
{
    struct manager *manager = calloc(1, sizeof(*manager));
    if (manager == NULL) {
        return false;
    }
    manager->domain_id = domain_id;
    manager->storages = calloc(1, sizeof(col_instance_t *));
    if (manager->storages == NULL) {
        free(manager);
        return false;
    }
    manager->storages[manager->count++] = storage;
    manager->next = output->closing;
    output->closing = manager;
    return true;
}

/* True when the storage has ended, or false: it was set aside. The lock is held. */
static bool end_storage(struct output *output, uint32_t domain_id, col_instance_t *storage,
                        struct output_patience *patience)
{
    uint64_t hurry_ms = col_clock_ms() + OUTPUT_JOIN_STEP_MS;

    instance_close(storage);
    while (!instance_join(storage, col_clock_ms() + OUTPUT_SHORT_STEP_MS)) {
        if (output_patience_ends(patience) && set_storage_aside(output, domain_id, storage)) {
            return false;
        }
        if (col_clock_ms() >= hurry_ms || patience->gave_up_ms != 0) {
            instance_hurry(storage);
        }
    }
    instance_free(storage);
    return true;
}

/* The successor of a storage, which ends first: both may want the same port or file. */
static col_instance_t *succeed(struct output *output, col_instance_t *old,
                               struct instance_spec *spec, uint32_t domain_id,
                               struct output_patience *patience)
{
    struct instance_spec *old_spec = NULL;
    if (old != NULL) {
        old_spec = spec_ref(old->spec);
        if (!end_storage(output, domain_id, old, patience)) {
            spec_unref(old_spec);
            return NULL;
        }
    }
    col_instance_t *storage = start_storage(output, spec, domain_id);
    if (storage == NULL && old_spec != NULL) {
        log_line(MODULE, COL_LOG_ERROR, "[%u] storage '%s' goes on with its old settings",
                 domain_id, spec->label);
        storage = start_storage(output, old_spec, domain_id);
    }
    spec_unref(old_spec);
    return storage;
}

static void replace_in_manager(struct output *output, struct manager *manager,
                               struct output_patience *patience)
{
    size_t old_count = manager->count, count = 0;
    col_instance_t **old = manager->storages;
    col_instance_t **storages = calloc(output->spec_count + 1, sizeof(col_instance_t *));
    if (storages == NULL) {
        log_line(MODULE, COL_LOG_ERROR, "[%u] no memory: storages stay as they are",
                 manager->domain_id);
        return;
    }
    struct instance_spec **missing = calloc(output->spec_count + 1, sizeof(*missing));
    size_t missing_count = 0;
    for (size_t i = 0; i < output->spec_count && missing != NULL; i++) {
        if (!spec_applies(output, output->specs[i], manager->domain_id)) {
            continue;
        }
        col_instance_t *kept = take_equal(old, old_count, output->specs[i]);
        if (kept != NULL) {
            storages[count++] = kept;
        } else {
            missing[missing_count++] = output->specs[i];
        }
    }
    for (size_t i = 0; i < missing_count; i++) {
        col_instance_t *predecessor = take_predecessor(old, old_count, missing[i]);
        storages[count] = succeed(output, predecessor, missing[i], manager->domain_id, patience);
        count += storages[count] != NULL ? 1 : 0;
    }
    for (size_t i = 0; i < old_count; i++) {
        if (old[i] != NULL) {
            (void)end_storage(output, manager->domain_id, old[i], patience);
        }
    }
    free(missing);
    manager->storages = storages;
    manager->count = count;
    free(old);
}

void output_replace(struct output *output, struct instance_spec **specs, size_t count,
                    bool single_manager, struct output_patience *patience)
{
    if (!set_specs(output, specs, count)) {
        log_line(MODULE, COL_LOG_ERROR, "no memory: storages stay as they are");
        return;
    }
    pthread_mutex_lock(&output->lock);
    for (size_t i = 0; i < output->managers.capacity; i++) {
        if (output->managers.slots[i].value != NULL) {
            replace_in_manager(output, output->managers.slots[i].value, patience);
        }
    }
    output->single_manager = single_manager;
    pthread_mutex_unlock(&output->lock);
}

/* The lock is held. */
static void visit_managers(struct output *output,
                           void (*visit)(void *context, uint32_t domain_id,
                                         col_instance_t *storage),
                           void *context)
{
    for (size_t i = 0; i < output->managers.capacity; i++) {
        const struct manager *manager = output->managers.slots[i].value;
        for (size_t s = 0; manager != NULL && s < manager->count; s++) {
            visit(context, manager->domain_id, manager->storages[s]);
        }
    }
}

void output_each(struct output *output,
                 void (*visit)(void *context, uint32_t domain_id, col_instance_t *storage),
                 void *context)
{
    pthread_mutex_lock(&output->lock);
    visit_managers(output, visit, context);
    pthread_mutex_unlock(&output->lock);
}

void output_each_running(struct output *output,
                         void (*visit)(void *context, uint32_t domain_id, col_instance_t *storage),
                         void *context)
{
    pthread_mutex_lock(&output->lock);
    visit_managers(output, visit, context);
    for (const struct manager *m = output->closing; m != NULL; m = m->next) {
        for (size_t s = 0; s < m->count; s++) {
            visit(context, m->domain_id, m->storages[s]);
        }
    }
    pthread_mutex_unlock(&output->lock);
}
