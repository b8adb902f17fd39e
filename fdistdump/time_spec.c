/* SPDX-License-Identifier: BSD-3-Clause */
/** Tokens of a point in time, completion of what was left out, alignment to file intervals. */
#include "time_spec.h"

#include <errno.h>
#include <langinfo.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BLANKS " \t\n\v\f\r"
#define TOKEN_MAX 64u
#define TIME_END_S 253402300800 /* the start of 10000: years in names have four digits */
#define UNSET INT_MIN

/** What the tokens said so far, in the units of struct tm. */
struct parts {
    int year, month, day, weekday, hour, minute, second;
    bool exact;      /* the last token was seconds since 1970: no clock can be ambiguous */
    int64_t exact_s; /* these seconds */
};

int zone_select(const char *zone, struct failure *failure)
{
    int status;

    if (zone != NULL && strcmp(zone, "system") == 0) {
        status = unsetenv("TZ");
    } else {
        status = setenv("TZ", zone == NULL || *zone == '\0' ? "UTC0" : zone, 1);
    }
    if (status != 0) {
        return failure_no_memory(failure);
    }
    tzset();
    return REPORT_OK;
}

/* ---- tokens --------------------------------------------------------------------------------- */

/** Reads up to `digits` digits; false when there is none. */
static bool read_number(const char **text, unsigned digits, int *value)
{
    unsigned count = 0;

    *value = 0;
    while (count < digits && **text >= '0' && **text <= '9') {
        *value = *value * 10 + (**text - '0');
        (*text)++;
        count++;
    }
    return count > 0;
}

/** Three numbers with `separator` between and nothing after; widths[] digits at most. */
static bool read_three(const char *text, char separator, const unsigned widths[3], int out[3])
{
    for (unsigned i = 0; i < 3; i++) {
        if (i > 0 && *text++ != separator) {
            return false;
        }
        if (!read_number(&text, widths[i], &out[i])) {
            return false;
        }
    }
    return *text == '\0';
}

static bool set_date(struct parts *parts, int year, int month, int day)
{
    if (month < 1 || month > 12 || day < 1 || day > 31) {
        return false;
    }
    parts->year = year - 1900;
    parts->month = month - 1;
    parts->day = day;
    return true;
}

static bool token_date(const char *token, struct parts *parts)
{
    static const unsigned year_first[3] = {4, 2, 2};
    static const unsigned year_last[3] = {2, 2, 4};
    int n[3];

    if (read_three(token, '-', year_first, n)) {
        return set_date(parts, n[0], n[1], n[2]);
    }
    if (read_three(token, '.', year_last, n)) {
        return set_date(parts, n[2], n[1], n[0]);
    }
    if (read_three(token, '/', year_last, n)) {
        return set_date(parts, n[2], n[0], n[1]);
    }
    return false;
}

static bool token_clock(const char *token, struct parts *parts)
{
    int hour, minute;

    if (!read_number(&token, 2, &hour) || *token++ != ':' || !read_number(&token, 2, &minute) ||
        *token != '\0' || hour > 23 || minute > 59) {
        return false;
    }
    parts->hour = hour;
    parts->minute = minute;
    return true;
}

/** Index of the token among names of the locale, in several lists, or English ones; -1 = none. */
static int find_name(const char *token, const nl_item *lists, unsigned list_count, int count,
                     const char *const *english)
{
    for (int i = 0; i < count; i++) {
        for (unsigned k = 0; k < list_count; k++) {
            if (strcasecmp(token, nl_langinfo(lists[k] + i)) == 0) {
                return i;
            }
        }
        if (strcasecmp(token, english[i]) == 0 ||
            (strlen(token) == 3 && strncasecmp(token, english[i], 3) == 0)) {
            return i;
        }
    }
    return -1;
}

static bool token_name(const char *token, struct parts *parts)
{
    static const char *const days[] = {"sunday",   "monday", "tuesday", "wednesday",
                                       "thursday", "friday", "saturday"};
    static const char *const months[] = {"january",   "february", "march",    "april",
                                         "may",       "june",     "july",     "august",
                                         "september", "october",  "november", "december"};
    static const nl_item day_lists[] = {DAY_1, ABDAY_1};
    static const nl_item month_lists[] = {
        MON_1,
        ABMON_1,
#ifdef ALTMON_1 /* by itself; MON_1 is what follows a day of the month in languages with cases */
        ALTMON_1,
        _NL_ABALTMON_1,
#endif
    };

    int day = find_name(token, day_lists, sizeof(day_lists) / sizeof(*day_lists), 7, days);
    if (day >= 0) {
        parts->weekday = day;
        return true;
    }
    int month =
        find_name(token, month_lists, sizeof(month_lists) / sizeof(*month_lists), 12, months);
    if (month >= 0) {
        parts->month = month;
        return true;
    }
    return false;
}

static bool token_epoch(const char *token, struct parts *parts)
{
    char *end;

    if (token[strspn(token, "0123456789")] != '\0') {
        return false;
    }
    errno = 0;
    long long seconds = strtoll(token, &end, 10);
    time_t time = (time_t)seconds;
    struct tm tm;
    if (errno != 0 || localtime_r(&time, &tm) == NULL) {
        return false;
    }
    *parts = (struct parts){tm.tm_year, tm.tm_mon, tm.tm_mday, tm.tm_wday, tm.tm_hour,
                            tm.tm_min,  tm.tm_sec, true,       seconds};
    return true;
}

static int apply_token(const char *token, struct parts *parts, struct failure *failure)
{
    parts->exact = false;
    if (token_date(token, parts) || token_clock(token, parts) || token_name(token, parts) ||
        token_epoch(token, parts)) {
        return REPORT_OK;
    }
    return failure_set(failure, REPORT_ARGUMENTS, "invalid time specifier `%s'", token);
}

/* ---- completion ----------------------------------------------------------------------------- */

static void complete_date(struct parts *parts, const struct tm *now)
{
    bool no_day = parts->month == UNSET && parts->day == UNSET;

    if (no_day && parts->weekday != UNSET) { /* the last such day, today included */
        parts->year = now->tm_year;
        parts->month = now->tm_mon;
        parts->day = now->tm_mday - (now->tm_wday - parts->weekday + 7) % 7;
    } else if (parts->month != UNSET && parts->day == UNSET) { /* the last such month */
        parts->day = 1;
        if (parts->year == UNSET) {
            parts->year = now->tm_year - (parts->month > now->tm_mon);
        }
    } else if (no_day) { /* a clock alone: the last time it showed that hour */
        parts->month = now->tm_mon;
        parts->day = now->tm_mday - (parts->hour != UNSET && parts->hour > now->tm_hour);
    }
    if (parts->year == UNSET) {
        parts->year = now->tm_year;
    }
}

static int to_seconds(const struct parts *parts, int64_t *time_s)
{
    struct tm tm = {
        .tm_year = parts->year,
        .tm_mon = parts->month,
        .tm_mday = parts->day,
        .tm_hour = parts->hour == UNSET ? 0 : parts->hour,
        .tm_min = parts->minute == UNSET ? 0 : parts->minute,
        .tm_sec = parts->second == UNSET ? 0 : parts->second,
    };

    /* timegm() turns day 0 into a date without looking at summer time; mktime() then does. */
    if (timegm(&tm) == (time_t)-1 && errno == EOVERFLOW) {
        return -1;
    }
    tm.tm_isdst = -1;
    time_t time = mktime(&tm);
    *time_s = (int64_t)time;
    return time < 0 ? -1 : 0;
}

static int too_late(const char *text, struct failure *failure)
{
    return failure_set(failure, REPORT_ARGUMENTS,
                       "time specifier `%.200s' is after the year 9999; numbers are seconds", text);
}

int time_spec_parse(const char *text, int64_t now_s, int64_t *time_s, struct failure *failure)
{
    struct parts parts = {UNSET, UNSET, UNSET, UNSET, UNSET, UNSET, UNSET, false, 0};
    const char *whole = text;
    time_t now = (time_t)now_s;
    struct tm tm;

    for (text += strspn(text, BLANKS); *text != '\0'; text += strspn(text, BLANKS)) {
        char token[TOKEN_MAX];
        size_t length = strcspn(text, BLANKS);
        if (length >= sizeof(token)) {
            return failure_set(failure, REPORT_ARGUMENTS, "invalid time specifier `%.64s...'",
                               text);
        }
        memcpy(token, text, length);
        token[length] = '\0';
        int class = apply_token(token, &parts, failure);
        if (class != REPORT_OK) {
            return class;
        }
        text += length;
    }
    if (!parts.exact) {
        if (localtime_r(&now, &tm) == NULL) {
            return failure_set(failure, REPORT_INTERNAL, "the clock of this machine is wrong");
        }
        complete_date(&parts, &tm);
        if (to_seconds(&parts, &parts.exact_s) != 0) {
            return failure_set(failure, REPORT_ARGUMENTS, "time specifier `%.200s' is before 1970",
                               whole);
        }
    }
    if (parts.exact_s > TIME_END_S) {
        return too_late(whole, failure);
    }
    *time_s = parts.exact_s;
    return REPORT_OK;
}

/* ---- intervals ------------------------------------------------------------------------------ */

static int64_t align_down(int64_t time_s)
{
    return time_s - time_s % TIME_ROTATION_S; /* never negative, see to_seconds() */
}

static int64_t align_up(int64_t time_s)
{
    return align_down(time_s + TIME_ROTATION_S - 1);
}

int time_spec_point(const char *text, int64_t now_s, struct time_range *range,
                    struct failure *failure)
{
    int64_t time_s;

    int class = time_spec_parse(text, now_s, &time_s, failure);
    if (class != REPORT_OK) {
        return class;
    }
    if (time_s == TIME_END_S) { /* can be the end of a range only */
        return too_late(text, failure);
    }
    range->begin_s = align_down(time_s);
    range->end_s = range->begin_s + TIME_ROTATION_S;
    return REPORT_OK;
}

int time_spec_range(const char *text, int64_t now_s, struct time_range *range,
                    struct failure *failure)
{
    const char *cut = strchr(text, '#');
    int64_t begin_s, end_s = now_s;
    int class;

    char *first = cut == NULL ? strdup(text) : strndup(text, (size_t)(cut - text));
    if (first == NULL) {
        return failure_no_memory(failure);
    }
    class = time_spec_parse(first, now_s, &begin_s, failure);
    free(first);
    if (class == REPORT_OK && cut != NULL) {
        class = time_spec_parse(cut + 1, now_s, &end_s, failure);
    }
    if (class != REPORT_OK) {
        return class;
    }
    range->begin_s = align_down(begin_s);
    range->end_s = align_up(end_s);
    if (range->end_s <= range->begin_s) {
        return failure_set(failure, REPORT_ARGUMENTS,
                           "zero or negative time range duration in `%.200s'", text);
    }
    return REPORT_OK;
}
