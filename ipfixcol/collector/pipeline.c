/* SPDX-License-Identifier: BSD-3-Clause */
/* Builds a pipeline from its plan, starts, reloads and stops it in order. */

#include "pipeline.h"

#include "input.h"
#include "log.h"

#include <stdlib.h>
#include <string.h>

#define MODULE "pipeline"
#define PAUSE_STEP_MS 100u
#define PAUSE_LIMIT_MS 30000u
/* Storages that are to be replaced have so long to take what is queued. */
#define PATIENCE_MS 5000u

/* ---- building -------------------------------------------------------------------------------- */

/* Each stage hands over to the next one; the last one to the output manager. */
static void wire(struct pipeline *pipeline)
{
    struct stage next = output_stage(&pipeline->output);

    for (size_t i = pipeline->intermediate_count; i > 0; i--) {
        pipeline->intermediates[i - 1]->next = next;
        next = instance_stage(pipeline->intermediates[i - 1]);
    }
    if (pipeline->input != NULL) {
        pipeline->input->next = next;
    }
}

static bool create_intermediates(struct pipeline *pipeline, const struct pipeline_plan *plan)
{
    pipeline->intermediates = calloc(plan->intermediate_count + 1, sizeof(col_instance_t *));
    if (pipeline->intermediates == NULL) {
        return false;
    }
    for (size_t i = 0; i < plan->intermediate_count; i++) {
        pipeline->intermediates[i] = instance_create(pipeline->context, plan->intermediates[i], "");
        if (pipeline->intermediates[i] == NULL) {
            return false;
        }
        pipeline->intermediate_count++;
    }
    return true;
}

bool pipeline_set_statistics_file(struct pipeline *pipeline, const char *path)
{
    char *copy = path != NULL ? strdup(path) : NULL;
    if (path != NULL && copy == NULL) {
        return false;
    }
    free(pipeline->statistics_file);
    pipeline->statistics_file = copy;
    return true;
}

struct pipeline *pipeline_create(struct collector_context *context,
                                 const struct pipeline_plan *plan)
{
    struct pipeline *pipeline = calloc(1, sizeof(*pipeline));
    if (pipeline == NULL) {
        goto no_memory;
    }
    pipeline->context = context;
    pthread_mutex_init(&pipeline->lock, NULL);
    bool ready = output_init(&pipeline->output, context, plan->storages, plan->storage_count,
                             plan->single_manager);
    pipeline->name = strdup(plan->name);
    if (!ready || pipeline->name == NULL ||
        !pipeline_set_statistics_file(pipeline, plan->statistics_file)) {
        goto no_memory;
    }
    /* The last stage first: where data go has to be there before data come. */
    if (!output_prepare(&pipeline->output)) {
        log_line(MODULE, COL_LOG_ERROR, "%s: no storage could be started", plan->name);
        goto fail;
    }
    if (!create_intermediates(pipeline, plan)) {
        goto fail;
    }
    pipeline->input = instance_create(context, plan->input, "");
    if (pipeline->input == NULL) {
        goto fail;
    }
    wire(pipeline);
    return pipeline;

no_memory:
    log_line(MODULE, COL_LOG_ERROR, "%s: no memory", plan->name);
fail:
    pipeline_destroy(pipeline);
    return NULL;
}

bool pipeline_start(struct pipeline *pipeline)
{
    for (size_t i = pipeline->intermediate_count; i > 0; i--) {
        if (!instance_start(pipeline->intermediates[i - 1])) {
            return false;
        }
    }
    return instance_start(pipeline->input);
}

/* ---- ending ---------------------------------------------------------------------------------- */

static void hasten_storage(void *context, uint32_t domain_id, col_instance_t *storage)
{
    (void)context;
    (void)domain_id;
    queue_hasten(storage->queue);
}

/* Who waits for room in a queue notices the end only behind that. */
static void hasten(struct pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->intermediate_count; i++) {
        queue_hasten(pipeline->intermediates[i]->queue);
    }
    output_each_running(&pipeline->output, hasten_storage, NULL);
}

void pipeline_stop(struct pipeline *pipeline)
{
    hasten(pipeline);
    if (pipeline->input->started) {
        instance_close(pipeline->input);
        return;
    }
    /* Without an input thread the end has to be sent down from here. */
    for (size_t i = 0; i < pipeline->intermediate_count; i++) {
        instance_close(pipeline->intermediates[i]);
    }
    struct stage output = output_stage(&pipeline->output);
    output.close(output.context);
}

static void report_input_end(struct pipeline *pipeline)
{
    const col_instance_t *input = pipeline->input;

    if (pipeline->input_reported || !input->started) {
        return;
    }
    pipeline->input_reported = true;
    if (input->result < 0) {
        pipeline->failed = true;
        log_line(MODULE, COL_LOG_ERROR, "%s: the input '%s' cannot go on; its pipeline ends",
                 pipeline->name, input->spec->label);
    } else if (input->result == COL_EOF) {
        log_line(MODULE, COL_LOG_INFO, "%s: the input '%s' has come to its end", pipeline->name,
                 input->spec->label);
    }
}

bool pipeline_finished(struct pipeline *pipeline)
{
    if (!instance_finished(pipeline->input)) {
        return false;
    }
    report_input_end(pipeline);
    for (size_t i = 0; i < pipeline->intermediate_count; i++) {
        if (!instance_finished(pipeline->intermediates[i])) {
            return false;
        }
    }
    return output_finished(&pipeline->output);
}

/* One stage that did not end in time: gives up its queue, says so. */
static uint64_t abandon(const struct pipeline *pipeline, col_instance_t *instance)
{
    uint64_t lost = 0;

    instance_hurry(instance);
    if (!instance_finished(instance)) {
        lost = instance->queue != NULL ? queue_abort(instance->queue) : 0;
        log_line(MODULE, COL_LOG_ERROR, "%s: '%s' did not end in time: %llu messages are lost",
                 pipeline->name, instance->module, (unsigned long long)lost);
    }
    return lost;
}

struct abandoned {
    const struct pipeline *pipeline;
    uint64_t lost;
};

static void abandon_storage(void *context, uint32_t domain_id, col_instance_t *storage)
{
    struct abandoned *abandoned = context;
    (void)domain_id;
    abandoned->lost += abandon(abandoned->pipeline, storage);
}

uint64_t pipeline_join(struct pipeline *pipeline, uint64_t deadline_ms, bool *ended)
{
    bool all = instance_join(pipeline->input, deadline_ms);
    for (size_t i = 0; i < pipeline->intermediate_count; i++) {
        all = instance_join(pipeline->intermediates[i], deadline_ms) && all;
    }
    /* The output manager belongs to the thread before it, until that one has ended. */
    all = all && output_join(&pipeline->output, deadline_ms);
    *ended = all;
    if (all) {
        report_input_end(pipeline);
        return 0;
    }
    struct abandoned abandoned = {pipeline, abandon(pipeline, pipeline->input)};
    for (size_t i = 0; i < pipeline->intermediate_count; i++) {
        abandoned.lost += abandon(pipeline, pipeline->intermediates[i]);
    }
    output_each_running(&pipeline->output, abandon_storage, &abandoned);
    return abandoned.lost;
}

void pipeline_destroy(struct pipeline *pipeline)
{
    if (pipeline == NULL) {
        return;
    }
    /* Upstream first: an instance that was never started may pass messages on when destroyed. */
    instance_free(pipeline->input);
    for (size_t i = 0; i < pipeline->intermediate_count; i++) {
        instance_free(pipeline->intermediates[i]);
    }
    (void)output_drain(&pipeline->output, col_clock_ms() + PAUSE_LIMIT_MS);
    output_clear(&pipeline->output);
    free(pipeline->intermediates);
    free(pipeline->statistics_file);
    free(pipeline->name);
    pthread_mutex_destroy(&pipeline->lock);
    free(pipeline);
}

/* ---- holding everything ---------------------------------------------------------------------- */

static bool hold(col_instance_t *instance, bool (*give_up)(void), uint64_t deadline_ms)
{
    while (!instance_pause(instance, col_clock_ms() + PAUSE_STEP_MS)) {
        if (col_clock_ms() >= deadline_ms || (give_up != NULL && give_up())) {
            return false;
        }
    }
    return true;
}

static void resume_all(struct pipeline *pipeline)
{
    for (size_t i = pipeline->intermediate_count; i > 0; i--) {
        instance_resume(pipeline->intermediates[i - 1]);
    }
    if (pipeline->input != NULL) {
        instance_resume(pipeline->input);
    }
}

/* Downstream of the input everything is processed before it is held, so nothing is under way. */
static bool hold_all(struct pipeline *pipeline, bool (*give_up)(void), uint64_t deadline_ms)
{
    bool held = hold(pipeline->input, give_up, deadline_ms);
    for (size_t i = 0; i < pipeline->intermediate_count && held; i++) {
        held = hold(pipeline->intermediates[i], give_up, deadline_ms);
    }
    if (!held) {
        resume_all(pipeline);
    }
    return held;
}

/* A storage that waits for something that never comes (destinations that are all down) stops what
 * is before it. When the new plan is what ends that, it must not be refused because of it. */
static bool hold_for_plan(struct pipeline *pipeline, const struct pipeline_plan *plan,
                          bool storages_changed, bool (*give_up)(void))
{
    struct output *output = &pipeline->output;
    bool held = hold_all(pipeline, give_up,
                         col_clock_ms() + (storages_changed ? PATIENCE_MS : PAUSE_LIMIT_MS));

    if (!held && storages_changed && (give_up == NULL || !give_up())) {
        log_line(MODULE, COL_LOG_WARNING,
                 "%s: storages that are replaced do not take what is queued for them; they give up",
                 pipeline->name);
        output_hurry_replaced(output, plan->storages, plan->storage_count, true);
        held = hold_all(pipeline, give_up, col_clock_ms() + PAUSE_LIMIT_MS);
        if (!held) {
            output_hurry_replaced(output, plan->storages, plan->storage_count, false);
        }
    }
    if (!held) {
        log_line(MODULE, COL_LOG_ERROR,
                 "%s: its queues did not get empty in time; the configuration stays as it was",
                 pipeline->name);
    }
    return held;
}

bool pipeline_set_dictionary(struct pipeline *pipeline, const ipfix_dictionary_t *dictionary)
{
    input_set_dictionary(pipeline->input->input, dictionary);
    return true;
}

/* ---- another plan ---------------------------------------------------------------------------- */

static bool same_intermediates(const struct pipeline *pipeline, const struct pipeline_plan *plan)
{
    bool same = pipeline->intermediate_count == plan->intermediate_count;
    for (size_t i = 0; i < plan->intermediate_count && same; i++) {
        same = spec_equal(pipeline->intermediates[i]->spec, plan->intermediates[i]);
    }
    return same;
}

static bool same_storages(const struct pipeline *pipeline, const struct pipeline_plan *plan)
{
    const struct output *output = &pipeline->output;
    bool same =
        output->spec_count == plan->storage_count && output->single_manager == plan->single_manager;
    for (size_t i = 0; i < plan->storage_count && same; i++) {
        same = spec_equal(output->specs[i], plan->storages[i]);
    }
    return same;
}

/* Waiting for instances that are replaced while what is behind them may be stuck. Nothing can be
 * taken back any more, so in the end storages lose what they hold rather than hold up everything.
 */
struct replacement {
    struct pipeline *pipeline;
    bool (*give_up)(void);
    uint64_t deadline_ms;
    bool hurried;
};

static struct replacement begin_replacement(struct pipeline *pipeline, bool (*give_up)(void))
{
    return (struct replacement){pipeline, give_up, col_clock_ms() + PAUSE_LIMIT_MS, false};
}

static void replacement_waits(struct replacement *r)
{
    bool given_up = r->give_up != NULL && r->give_up();

    if (!r->hurried && (given_up || col_clock_ms() >= r->deadline_ms)) {
        r->hurried = true;
        log_line(MODULE, COL_LOG_WARNING,
                 "%s: storages do not take what is queued for them; they give up",
                 r->pipeline->name);
        for (size_t i = 0; i < r->pipeline->intermediate_count; i++) {
            if (r->pipeline->intermediates[i] != NULL) {
                instance_hurry(r->pipeline->intermediates[i]);
            }
        }
        output_hurry_replaced(&r->pipeline->output, NULL, 0, true);
    }
}

/* Those that were hurried and stay do their work as before. */
static void end_replacement(const struct replacement *r)
{
    for (size_t i = 0; i < r->pipeline->intermediate_count && r->hurried; i++) {
        instance_calm(r->pipeline->intermediates[i]);
    }
    if (r->hurried) {
        output_hurry_replaced(&r->pipeline->output, NULL, 0, false);
    }
}

/* Ends an intermediate that is held; what it still has goes to the next one. */
static void end_intermediate(struct replacement *r, col_instance_t *instance)
{
    instance->cascade = false;
    instance_close(instance);
    instance_resume(instance);
    uint64_t hurry_ms = col_clock_ms() + 1000;
    while (!instance_join(instance, col_clock_ms() + PAUSE_STEP_MS)) {
        if (col_clock_ms() >= hurry_ms) {
            instance_hurry(instance);
        }
        replacement_waits(r);
    }
    instance_free(instance);
}

/* New instances for the positions whose settings changed; false: none of them stays. */
static bool create_changed(struct pipeline *pipeline, const struct pipeline_plan *plan,
                           col_instance_t **changed)
{
    for (size_t i = 0; i < plan->intermediate_count; i++) {
        if (i < pipeline->intermediate_count &&
            spec_equal(pipeline->intermediates[i]->spec, plan->intermediates[i])) {
            continue;
        }
        changed[i] = instance_create(pipeline->context, plan->intermediates[i], "");
        if (changed[i] == NULL) {
            for (size_t j = 0; j < i; j++) {
                instance_free(changed[j]);
            }
            return false;
        }
    }
    return true;
}

/* Everything is held. Ends the instances that are replaced, in the order of the data. */
static void end_replaced(struct replacement *r, col_instance_t **chain, size_t count)
{
    struct pipeline *pipeline = r->pipeline;

    for (size_t i = 0; i < pipeline->intermediate_count; i++) {
        if (i < count && chain[i] == NULL) {
            chain[i] = pipeline->intermediates[i];
            continue;
        }
        end_intermediate(r, pipeline->intermediates[i]);
        pipeline->intermediates[i] = NULL;
        /* What it left behind has to pass the following ones before they are changed. */
        for (size_t j = i + 1; j < pipeline->intermediate_count; j++) {
            instance_resume(pipeline->intermediates[j]);
            while (!instance_pause(pipeline->intermediates[j], col_clock_ms() + PAUSE_STEP_MS)) {
                replacement_waits(r);
            }
        }
    }
}

static bool replace_intermediates(struct pipeline *pipeline, const struct pipeline_plan *plan,
                                  bool (*give_up)(void))
{
    size_t count = plan->intermediate_count;
    col_instance_t **chain = calloc(count + 1, sizeof(col_instance_t *));

    if (chain == NULL || !create_changed(pipeline, plan, chain)) {
        free(chain);
        return false;
    }
    bool *fresh = calloc(count + 1, sizeof(bool));
    if (fresh == NULL) {
        for (size_t i = 0; i < count; i++) {
            instance_free(chain[i]);
        }
        free(chain);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        fresh[i] = chain[i] != NULL;
    }
    struct replacement replacement = begin_replacement(pipeline, give_up);
    end_replaced(&replacement, chain, count);
    free(pipeline->intermediates);
    pipeline->intermediates = chain;
    pipeline->intermediate_count = count;
    end_replacement(&replacement);
    wire(pipeline);
    bool started = true;
    for (size_t i = count; i > 0; i--) {
        started = (!fresh[i - 1] || instance_start(chain[i - 1])) && started;
    }
    free(fresh);
    return started;
}

/* Ends all storages; those that do not end are set aside when someone gave up waiting. */
static void end_storages(struct pipeline *pipeline, struct output_patience *patience)
{
    struct output *output = &pipeline->output;
    uint64_t hurry_ms = col_clock_ms() + 1000;

    while (!output_drain(output, col_clock_ms() + PAUSE_STEP_MS)) {
        if (output_patience_ends(patience)) {
            output_set_aside(output);
            return;
        }
        if (col_clock_ms() >= hurry_ms || patience->gave_up_ms != 0) {
            log_line(MODULE, COL_LOG_INFO, "%s: waiting for storages to finish", pipeline->name);
            output_hurry_replaced(output, NULL, 0, true);
            hurry_ms = col_clock_ms() + 1000;
        }
    }
}

static void replace_storages(struct pipeline *pipeline, const struct pipeline_plan *plan,
                             bool (*give_up)(void))
{
    struct output *output = &pipeline->output;
    struct output_patience patience = {.give_up = give_up};

    if (output->single_manager != plan->single_manager) {
        end_storages(pipeline, &patience);
    }
    output_replace(output, plan->storages, plan->storage_count, plan->single_manager, &patience);
    if (output_patience_ends(&patience)) {
        return; /* a stop is coming; nothing new starts beside what did not end */
    }
    if (!output_prepare(output)) {
        log_line(MODULE, COL_LOG_ERROR, "%s: no storage could be started: data are dropped",
                 pipeline->name);
    }
}

/* A new input, or when that fails one with the old settings again. The old one ends first: both
 * want the same port. */
static bool replace_input(struct pipeline *pipeline, struct instance_spec *spec,
                          bool (*give_up)(void))
{
    struct replacement replacement = begin_replacement(pipeline, give_up);
    struct instance_spec *old_spec = spec_ref(pipeline->input->spec);
    col_instance_t *old = pipeline->input;
    bool changed = true;

    old->cascade = false;
    instance_close(old);
    instance_resume(old);
    while (!instance_join(old, col_clock_ms() + PAUSE_STEP_MS)) {
        replacement_waits(&replacement);
    }
    end_replacement(&replacement);
    col_instance_t *input = instance_create(pipeline->context, spec, "");
    if (input == NULL) {
        changed = false;
        log_line(MODULE, COL_LOG_ERROR, "%s: the input goes on with its old settings",
                 pipeline->name);
        input = instance_create(pipeline->context, old_spec, "");
    }
    spec_unref(old_spec);
    if (input == NULL) {
        /* Nothing can come any more: let the rest end as if the input had failed. */
        old->result = COL_ERR;
        old->next.close(old->next.context);
        return false;
    }
    pipeline->input = input;
    pipeline->input_reported = false;
    wire(pipeline);
    instance_free(old);
    if (!instance_start(input)) {
        input->next.close(input->next.context);
        return false;
    }
    return changed;
}

bool pipeline_is_over(const struct pipeline *pipeline, const struct pipeline_plan *plan)
{
    return instance_finished(pipeline->input) && !spec_equal(pipeline->input->spec, plan->input);
}

bool pipeline_reload(struct pipeline *pipeline, const struct pipeline_plan *plan,
                     bool (*give_up)(void))
{
    bool input_changed = !spec_equal(pipeline->input->spec, plan->input);
    bool chain_changed = !same_intermediates(pipeline, plan);
    bool storages_changed = !same_storages(pipeline, plan);
    bool done = true;

    if (!instance_finished(pipeline->input) &&
        !hold_for_plan(pipeline, plan, storages_changed, give_up)) {
        return false;
    }
    if (instance_finished(pipeline->input)) {
        /* Its source is used up; nothing would come through new parts, which nobody would end. */
        resume_all(pipeline);
        return !input_changed;
    }
    pthread_mutex_lock(&pipeline->lock);
    if (chain_changed && !replace_intermediates(pipeline, plan, give_up)) {
        log_line(MODULE, COL_LOG_ERROR, "%s: the intermediate plugins stay as they were",
                 pipeline->name);
        done = false;
    }
    if (storages_changed) {
        replace_storages(pipeline, plan, give_up);
    }
    if (input_changed && !replace_input(pipeline, plan->input, give_up)) {
        done = false;
    }
    resume_all(pipeline);
    pthread_mutex_unlock(&pipeline->lock);
    return done;
}
