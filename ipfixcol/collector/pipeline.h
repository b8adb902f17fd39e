/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * One collecting process: input, intermediates, output manager and storages in their order.
 *
 * Threads: all functions in the main thread, except that pipeline_lock() lets another thread look.
 */
#ifndef COLLECTOR_PIPELINE_H
#define COLLECTOR_PIPELINE_H

#include "instance.h"
#include "output.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pipeline {
    char *name;
    char *statistics_file; /* or NULL */
    struct collector_context *context;
    col_instance_t *input;
    col_instance_t **intermediates;
    size_t intermediate_count;
    struct output output;
    bool input_reported;   /* the end of the input has been logged */
    bool failed;           /* ended by an error */
    struct pipeline *next; /* among those that were removed before their threads ended */
    /* Held to change what is above, and by the thread that reads statistics. */
    pthread_mutex_t lock;
};

/** Builds a pipeline; no thread but those of a single Data Manager runs yet. NULL: reason logged.
 */
struct pipeline *pipeline_create(struct collector_context *context,
                                 const struct pipeline_plan *plan);

/** Starts the threads, the last stage first. */
bool pipeline_start(struct pipeline *pipeline);

/** Tells the input to end; what is under way is still processed. */
void pipeline_stop(struct pipeline *pipeline);

/** True once all threads have ended; logs once why the input did. */
bool pipeline_finished(struct pipeline *pipeline);

/**
 * Waits for all threads until a time of col_clock_ms().
 *
 * @return messages lost: 0 when all threads ended, else what their queues held
 */
uint64_t pipeline_join(struct pipeline *pipeline, uint64_t deadline_ms, bool *ended);

/** Frees a pipeline whose threads have ended or were never started; NULL is fine. */
void pipeline_destroy(struct pipeline *pipeline);

/**
 * Goes over to another plan without losing a message: instances with equal settings go on.
 *
 * @param give_up  asked while waiting; true: stop waiting and leave everything as it is
 * @return false: nothing or not everything could be changed; the reason has been logged
 */
bool pipeline_reload(struct pipeline *pipeline, const struct pipeline_plan *plan,
                     bool (*give_up)(void));

/**
 * True when the plan has another input, but the present one has ended: with it the stages behind it
 * have ended or are about to, so only a new pipeline can follow the plan.
 */
bool pipeline_is_over(const struct pipeline *pipeline, const struct pipeline_plan *plan);

/** The file of the plan's statistics from now on. The service's lock is held: others look at it. */
bool pipeline_set_statistics_file(struct pipeline *pipeline, const char *path);

/** Gives the input's sessions another dictionary. */
bool pipeline_set_dictionary(struct pipeline *pipeline, const ipfix_dictionary_t *dictionary);

#endif
