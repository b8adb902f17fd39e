/* SPDX-License-Identifier: BSD-3-Clause */
/** When enough is deleted. Numbers only: no files, no disk, no clock. */
#ifndef DATA_MANAGER_PLAN_H
#define DATA_MANAGER_PLAN_H

#include <stdbool.h>
#include <stdint.h>

/** Unit of time that is deleted as a whole. */
enum plan_unit {
    PLAN_NONE,
    PLAN_SECOND,
    PLAN_MINUTE,
    PLAN_HOUR,
    PLAN_DAY,
    PLAN_MONTH,
    PLAN_YEAR,
};

/** Stop conditions: the first one that is satisfied stops. */
struct plan_limits {
    uint64_t files, columns, octets; /* 0 = no condition */
    double lower_by, lower_to;       /* percent; below 0 = no condition */
};

struct plan_tally {
    uint64_t files, columns, octets, indexes;
};

/** Whether there is any condition. */
bool plan_has_limit(const struct plan_limits *limits);

/** Whether there is a condition on usage. */
bool plan_has_target(const struct plan_limits *limits);

/** Usage in percent at which to stop: the milder of both conditions. Only with plan_has_target().
 */
double plan_target(const struct plan_limits *limits, double before);

/**
 * Whether the conditions on files, columns and octets say stop. Asked between columns only, so that
 * no column is split: the files of one point in time are deleted together or not at all.
 */
bool plan_is_enough(const struct plan_limits *limits, const struct plan_tally *done);

/** Whether two times are in the same unit of the calendar; never in PLAN_NONE. */
bool plan_same_unit(enum plan_unit unit, int64_t a_s, int64_t b_s);

#endif
