/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Output manager: hands each message to the storages of its Observation Domain.
 *
 * A Data Manager is the set of storage instances of one domain, or of all domains. It appears with
 * the first message of its domain and goes with the last source of it.
 *
 * Threads: push and close run in the one thread at the end of the chain of intermediates (the
 * input's when there are none); the rest in the thread that builds pipelines, while that one is
 * held or has ended. Only output_each() may be called by any thread at any time.
 */
#ifndef COLLECTOR_OUTPUT_H
#define COLLECTOR_OUTPUT_H

#include "instance.h"
#include "map.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct manager;

struct output {
    struct collector_context *context;
    struct instance_spec **specs;
    size_t spec_count;
    bool single_manager;
    pthread_mutex_t lock;    /* held to change the managers, and by other threads to look at them */
    struct map managers;     /* by domain; a single manager has domain 0 */
    struct manager *last;    /* used by the message before */
    struct manager *closing; /* their queues are closed, their threads finish their work */
    struct col_log_limit no_storage_limit;
    atomic_uint_fast64_t unstored_count; /* messages without a storage for their domain */
};

/** Starts empty; specs are taken over by reference. False without memory. */
bool output_init(struct output *output, struct collector_context *context,
                 struct instance_spec **specs, size_t count, bool single_manager);

/** Frees what output_init() made; all managers have ended. */
void output_clear(struct output *output);

/** Creates the single manager ahead of messages. False: none of its storages could be started. */
bool output_prepare(struct output *output);

/** The output manager as a stage. */
struct stage output_stage(struct output *output);

/** Waits for the threads of all storages until a time of col_clock_ms(); true when all ended. */
bool output_join(struct output *output, uint64_t deadline_ms);

/** True when no storage thread runs any more. */
bool output_finished(struct output *output);

/** Closes all managers and waits for them; true when they ended in time. */
bool output_drain(struct output *output, uint64_t deadline_ms);

/**
 * Moves all managers, whose threads do not end, out of the way: they are waited for when the output
 * is joined.
 */
void output_set_aside(struct output *output);

/** What waits for the end of storages. */
struct output_patience {
    bool (*give_up)(void); /* asked while waiting; true: do not wait much longer; or NULL */
    uint64_t gave_up_ms;   /* when it was true first; 0 = not yet */
};

/** True when waiting makes no sense any more: someone gave up, and that some time ago. */
bool output_patience_ends(struct output_patience *patience);

/**
 * Storages that another plan does not keep, and that wait for something: they shall give up, so
 * that what is queued for them gets out of the way. Any thread.
 *
 * @param hurry  false: takes that back, the other plan is not used after all
 */
void output_hurry_replaced(struct output *output, struct instance_spec **specs, size_t count,
                           bool hurry);

/**
 * Goes over to other storages: those with equal settings go on, others end after what they were
 * given, new ones start. A new one that cannot start leaves its predecessor in place. Those that do
 * not end are set aside when the patience ends, and get no successor.
 */
void output_replace(struct output *output, struct instance_spec **specs, size_t count,
                    bool single_manager, struct output_patience *patience);

/** Like output_each(), and for those that are closing, too. Any thread. */
void output_each_running(struct output *output,
                         void (*visit)(void *context, uint32_t domain_id, col_instance_t *storage),
                         void *context);

/** Calls `visit` for each storage instance. Any thread. */
void output_each(struct output *output,
                 void (*visit)(void *context, uint32_t domain_id, col_instance_t *storage),
                 void *context);

#endif
