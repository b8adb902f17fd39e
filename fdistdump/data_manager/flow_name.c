/* SPDX-License-Identifier: BSD-3-Clause */
/** Times in names. */
#include "flow_name.h"

#include <string.h>
#include <time.h>

bool flow_name_is_flow(const char *name)
{
    return strncmp(name, FLOW_NAME_PREFIX, FLOW_NAME_PREFIX_LENGTH) == 0;
}

bool flow_name_is_index(const char *name)
{
    name += name[0] == '.'; /* one that was being written when its writer died */
    return strncmp(name, INDEX_NAME_PREFIX, FLOW_NAME_PREFIX_LENGTH) == 0;
}

static int number(const char *digits, size_t count)
{
    int value = 0;

    for (size_t i = 0; i < count; i++) {
        value = 10 * value + (digits[i] - '0');
    }
    return value;
}

/** The time of 12 or 14 digits; false for one no calendar has, such as February 30. */
static bool read_time(const char *digits, size_t count, int64_t *time_s)
{
    struct tm tm = {
        .tm_year = number(digits, 4) - 1900,
        .tm_mon = number(digits + 4, 2) - 1,
        .tm_mday = number(digits + 6, 2),
        .tm_hour = number(digits + 8, 2),
        .tm_min = number(digits + 10, 2),
        .tm_sec = count == 14 ? number(digits + 12, 2) : 0,
    };
    struct tm normal = tm;

    int64_t time = (int64_t)timegm(&normal);
    /* timegm() turns February 30 into March 2: what it changes was no time. */
    if (tm.tm_year < 70 || normal.tm_year != tm.tm_year || normal.tm_mon != tm.tm_mon ||
        normal.tm_mday != tm.tm_mday || normal.tm_hour != tm.tm_hour ||
        normal.tm_min != tm.tm_min || normal.tm_sec != tm.tm_sec) {
        return false;
    }
    *time_s = time;
    return true;
}

bool flow_name_time(const char *name, int64_t *time_s)
{
    for (const char *rest = name; *rest != '\0';) {
        size_t count = strspn(rest, "0123456789");
        if ((count == 12 || count == 14) && read_time(rest, count, time_s)) {
            return true;
        }
        rest += count > 0 ? count : strcspn(rest, "0123456789");
    }
    return false;
}

void flow_name_day(int64_t time_s, char day[FLOW_NAME_DAY_SIZE])
{
    time_t time = (time_t)time_s;
    struct tm tm;

    if (gmtime_r(&time, &tm) == NULL || strftime(day, FLOW_NAME_DAY_SIZE, "%Y/%m/%d", &tm) == 0) {
        day[0] = '\0';
    }
}
