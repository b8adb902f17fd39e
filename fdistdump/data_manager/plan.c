/* SPDX-License-Identifier: BSD-3-Clause */
/** Stop conditions and units of the calendar. */
#include "plan.h"

#include <time.h>

bool plan_has_target(const struct plan_limits *limits)
{
    return limits->lower_by >= 0 || limits->lower_to >= 0;
}

bool plan_has_limit(const struct plan_limits *limits)
{
    return limits->files > 0 || limits->columns > 0 || limits->octets > 0 ||
           plan_has_target(limits);
}

double plan_target(const struct plan_limits *limits, double before)
{
    double by = before - limits->lower_by;

    if (limits->lower_by < 0) {
        return limits->lower_to;
    }
    return limits->lower_to > by ? limits->lower_to : by;
}

bool plan_is_enough(const struct plan_limits *limits, const struct plan_tally *done)
{
    return (limits->files > 0 && done->files >= limits->files) ||
           (limits->columns > 0 && done->columns >= limits->columns) ||
           (limits->octets > 0 && done->octets >= limits->octets);
}

bool plan_same_unit(enum plan_unit unit, int64_t a_s, int64_t b_s)
{
    time_t a_time = (time_t)a_s, b_time = (time_t)b_s;
    struct tm a, b;

    if (unit == PLAN_NONE || gmtime_r(&a_time, &a) == NULL || gmtime_r(&b_time, &b) == NULL) {
        return false;
    }
    return a.tm_year == b.tm_year && (unit == PLAN_YEAR || a.tm_mon == b.tm_mon) &&
           (unit >= PLAN_MONTH || a.tm_mday == b.tm_mday) &&
           (unit >= PLAN_DAY || a.tm_hour == b.tm_hour) &&
           (unit >= PLAN_HOUR || a.tm_min == b.tm_min) &&
           (unit >= PLAN_MINUTE || a.tm_sec == b.tm_sec);
}
