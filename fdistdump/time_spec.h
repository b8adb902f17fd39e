/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Points and ranges in time as people type them: `2015-12-31 23:59`, `mon`, `1445405280`.
 *
 * Local times are of the zone of this process; zone_select() sets it once, before any thread.
 */
#ifndef FDISTDUMP_TIME_SPEC_H
#define FDISTDUMP_TIME_SPEC_H

#include "report.h"

#include <stdint.h>
#include <time.h>

/** Seconds of flows in one file. */
#define TIME_ROTATION_S 300

/** Half-open: begin belongs to it, end does not. Both are multiples of TIME_ROTATION_S. */
struct time_range {
    int64_t begin_s, end_s;
};

/**
 * Sets the zone of local times: a TZ string, "system" for the zone of the machine whatever TZ says;
 * NULL, empty or unknown names mean UTC.
 *
 * @return REPORT_OK; REPORT_MEMORY
 * Threads: none may run yet, it changes the environment.
 */
int zone_select(const char *zone, struct failure *failure);

/**
 * Reads one point in time.
 *
 * @param now_s  the present
 * @param[out] time_s  seconds since 1970-01-01 UTC
 * @return REPORT_OK; REPORT_ARGUMENTS, no such point, or one before 1970 or after the
 *         start of 10000, which can be the end of a range
 */
int time_spec_parse(const char *text, int64_t now_s, int64_t *time_s, struct failure *failure);

/** The rotation interval a point belongs to. */
int time_spec_point(const char *text, int64_t now_s, struct time_range *range,
                    struct failure *failure);

/** The rotation intervals `BEGIN[#END]` touches; END defaults to now. */
int time_spec_range(const char *text, int64_t now_s, struct time_range *range,
                    struct failure *failure);

#endif
