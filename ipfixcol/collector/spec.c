/* SPDX-License-Identifier: BSD-3-Clause */
/* What is to run, as plain data: plugins loaded and settings read. */

#include "spec.h"

#include "plugin_loader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct instance_spec *spec_ref(struct instance_spec *spec)
{
    /* Who takes a reference already has one, so nothing has to be ordered. */
    atomic_fetch_add_explicit(&spec->references, 1, memory_order_relaxed);
    return spec;
}

void spec_unref(struct instance_spec *spec)
{
    if (spec == NULL ||
        atomic_fetch_sub_explicit(&spec->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (spec->plugin != NULL) {
        option_free(spec->plugin->options, spec->options);
    }
    free(spec->canonical);
    free(spec->label);
    free(spec->place);
    free(spec);
}

bool spec_equal(const struct instance_spec *a, const struct instance_spec *b)
{
    return a->plugin == b->plugin && a->has_domain == b->has_domain &&
           a->domain_id == b->domain_id && a->drop_when_full == b->drop_when_full &&
           strcmp(a->canonical, b->canonical) == 0;
}

/* Puts the place of the element before the reason when it does not name one itself. */
static void add_place(const struct config *config, const struct config_element *element,
                      struct config_error *err)
{
    struct config_error copy = *err;
    (void)snprintf(err->text, sizeof(err->text), "%.300s:%ld: <%.100s>: %.500s", config->file,
                   element->line, element->plugin->name, copy.text);
}

static struct instance_spec *spec_create(const struct config *config,
                                         const struct config_element *element,
                                         struct config_error *err)
{
    struct instance_spec *spec = calloc(1, sizeof(*spec));
    if (spec == NULL) {
        (void)snprintf(err->text, sizeof(err->text), "no memory");
        return NULL;
    }
    atomic_init(&spec->references, 1);
    (void)snprintf(spec->thread_name, sizeof(spec->thread_name), "%s",
                   element->plugin->thread_name);
    spec->canonical = strdup(element->canonical);
    spec->label = strdup(element->label);
    if (asprintf(&spec->place, "%s:%ld", config->file, element->line) < 0) {
        spec->place = NULL; /* only a line in the log gets shorter */
    }
    spec->plugin = plugin_load(element->plugin->file, element->plugin->kind, err);
    if (spec->plugin == NULL || spec->canonical == NULL || spec->label == NULL) {
        add_place(config, element, err);
        spec_unref(spec);
        return NULL;
    }
    struct option_source source = config_option_source(config, element);
    if (option_parse(spec->plugin, &source, &spec->options, err) != COL_OK) {
        spec_unref(spec);
        return NULL;
    }
    return spec;
}

static bool plan_intermediates(struct pipeline_plan *plan, const struct config *config,
                               struct config_error *err)
{
    for (size_t i = 0; i < config->intermediate_count; i++) {
        plan->intermediates[i] = spec_create(config, &config->intermediates[i], err);
        if (plan->intermediates[i] == NULL) {
            return false;
        }
        plan->intermediate_count++;
    }
    return true;
}

static bool plan_storages(struct pipeline_plan *plan, const struct config *config,
                          const struct config_process *process, struct config_error *err)
{
    for (size_t i = 0; i < process->storage_count; i++) {
        const struct config_storage *storage = &process->storages[i];
        struct instance_spec *spec = spec_create(config, &storage->element, err);
        if (spec == NULL) {
            return false;
        }
        spec->has_domain = storage->has_domain;
        spec->domain_id = storage->domain_id;
        spec->drop_when_full = storage->when_full == CONFIG_DROP;
        plan->storages[plan->storage_count++] = spec;
    }
    return true;
}

struct pipeline_plan *plan_create(const struct config *config, const struct config_process *process,
                                  struct config_error *err)
{
    (void)snprintf(err->text, sizeof(err->text), "no memory");
    struct pipeline_plan *plan = calloc(1, sizeof(*plan));
    if (plan == NULL) {
        return NULL;
    }
    plan->name = strdup(process->name);
    plan->single_manager = process->single_manager;
    plan->intermediates = calloc(config->intermediate_count + 1, sizeof(struct instance_spec *));
    plan->storages = calloc(process->storage_count + 1, sizeof(struct instance_spec *));
    if (process->statistics_file != NULL) {
        plan->statistics_file = strdup(process->statistics_file);
    }
    if (plan->name == NULL || plan->intermediates == NULL || plan->storages == NULL ||
        (process->statistics_file != NULL && plan->statistics_file == NULL)) {
        goto fail;
    }
    plan->input = spec_create(config, &process->input, err);
    if (plan->input == NULL || !plan_intermediates(plan, config, err) ||
        !plan_storages(plan, config, process, err)) {
        goto fail;
    }
    return plan;

fail:
    plan_destroy(plan);
    return NULL;
}

void plan_destroy(struct pipeline_plan *plan)
{
    if (plan == NULL) {
        return;
    }
    spec_unref(plan->input);
    for (size_t i = 0; i < plan->intermediate_count; i++) {
        spec_unref(plan->intermediates[i]);
    }
    for (size_t i = 0; i < plan->storage_count; i++) {
        spec_unref(plan->storages[i]);
    }
    free(plan->intermediates);
    free(plan->storages);
    free(plan->statistics_file);
    free(plan->name);
    free(plan);
}
