/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Statistics, printed or written to a file at intervals by a thread of their own.
 *
 * Threads: start and stop in the main thread.
 */
#ifndef COLLECTOR_STATS_H
#define COLLECTOR_STATS_H

#include "service.h"

typedef struct stats stats_t;

/** Starts the thread; NULL: the reason has been logged. */
stats_t *stats_start(struct service *service, unsigned interval_s);

/** Ends the thread; NULL is fine. The service still exists. */
void stats_stop(stats_t *stats);

#endif
