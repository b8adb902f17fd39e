/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * What is to run, as plain data: plugins loaded and settings read, but no instance created yet.
 *
 * Everything that can be wrong with a configuration is found while a plan is made, so a reload with
 * errors changes nothing.
 *
 * Threads: specs are immutable and reference counted; references may be dropped in any thread.
 */
#ifndef COLLECTOR_SPEC_H
#define COLLECTOR_SPEC_H

#include "config.h"

#include <ipfixcol/plugin.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A plugin with its settings; instances are made from it. */
struct instance_spec {
    atomic_uint references;
    const struct col_plugin *plugin;
    void *options;
    char *canonical;      /* settings as text, for comparing */
    char *label;          /* name of the destination or the element, for people */
    char *place;          /* "startup.xml:12": where it is configured; NULL when made by hand */
    char thread_name[16]; /* from internalcfg.xml */
    bool has_domain;
    uint32_t domain_id;
    bool drop_when_full;
};

/** Everything of one collecting process. */
struct pipeline_plan {
    char *name;
    struct instance_spec *input;
    struct instance_spec **intermediates;
    size_t intermediate_count;
    struct instance_spec **storages;
    size_t storage_count;
    bool single_manager;
    char *statistics_file; /* or NULL */
};

/** Takes a reference. */
struct instance_spec *spec_ref(struct instance_spec *spec);
/** Drops a reference; the last one frees. NULL is fine. */
void spec_unref(struct instance_spec *spec);
/** Same plugin, same settings, same domain. */
bool spec_equal(const struct instance_spec *a, const struct instance_spec *b);

/** Loads the plugins of a collecting process and reads their settings; NULL with the reason in err.
 */
struct pipeline_plan *plan_create(const struct config *config, const struct config_process *process,
                                  struct config_error *err);
/** Frees a plan; its specs live as long as others hold them. NULL is fine. */
void plan_destroy(struct pipeline_plan *plan);

#endif
