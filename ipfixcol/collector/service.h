/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * All collecting processes of a configuration, started, reloaded and stopped together.
 *
 * Threads: the main thread; service_lock() guards the list for the thread of statistics.
 */
#ifndef COLLECTOR_SERVICE_H
#define COLLECTOR_SERVICE_H

#include "args.h"
#include "pipeline.h"

#include "ipfix/decoder.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct service {
    const struct args *args;
    struct collector_context context;
    ipfix_dictionary_t *
        *dictionaries; /* the last one is in use; messages may refer to older ones */
    size_t dictionary_count;
    struct stat elements_stat;
    struct pipeline **pipelines;
    size_t pipeline_count;
    struct pipeline *removed; /* out of the configuration, but some thread of them still runs */
    pthread_mutex_t lock;     /* held to change the list of pipelines */
};

/** Reads everything and starts all threads; false: the reason has been logged. */
bool service_start(struct service *service, const struct args *args);

/**
 * Reads everything, has the plugins check their settings, starts nothing: for --check.
 *
 * @return false: at least one thing would fail; all reasons have been logged
 */
bool service_check(const struct args *args);

/** Reads the configuration again and goes over to it; errors leave everything as it was. */
void service_reload(struct service *service, bool (*give_up)(void));

/** Tells all inputs to end. */
void service_stop(struct service *service);

/** True once every thread of every pipeline has ended. */
bool service_finished(struct service *service);

/**
 * Waits for the threads until a time of col_clock_ms(), then frees what has ended.
 *
 * @param[out] clean  every pipeline came to its end without an error
 * @return true; false: some thread did not end, so the process has to end without freeing
 */
bool service_end(struct service *service, uint64_t deadline_ms, bool *clean);

#endif
