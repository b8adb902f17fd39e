/* SPDX-License-Identifier: BSD-3-Clause */
/** Points in time: formats, completion, zones with summer time, alignment. */
#include "suite_main.h"
#include "time_spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Central Europe by rule, so that the test needs no zone tables. */
#define ZONE "CET-1CEST,M3.5.0/2,M10.5.0/3"

/* Wednesday 2015-10-21 07:28:05 UTC, 09:28:05 in ZONE. */
#define NOW INT64_C(1445412485)

static struct failure failure;

static int64_t parse(const char *text)
{
    int64_t time_s = -1;
    int class = time_spec_parse(text, NOW, &time_s, &failure);

    ck_assert_msg(class == REPORT_OK, "'%s': %s", text, failure.text);
    return time_s;
}

static void use_zone(const char *zone)
{
    ck_assert_int_eq(zone_select(zone, &failure), REPORT_OK);
}

/* ---- formats -------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    int64_t time_s;
} formats[] = {
    {"2015-12-31", 1451520000},
    {"31.12.2015", 1451520000},
    {"12/31/2015", 1451520000},
    {"2015-12-31 23:59", 1451606340},
    {"23:59 2015-12-31", 1451606340},
    {"  2015-12-31\t\n\v\f\r23:59 ", 1451606340},
    {"1445405280", 1445405280},
    {"0", 0},
    {"2015-12-31 1445405280", 1445405280}, /* a later token replaces what an earlier one set */
    {"1445405280 2015-12-31", 1451539680}, /* the clock of the first one stays */
    {"1445405280 05:00", 1445403600},      /* seconds of the first one stay: 05:28:00 -> 05:00:00 */
    {"2015-2-3", 1422921600},              /* fewer digits will do, as strptime() has it */
    {"2015-02-30", 1425254400},            /* normalised: March 2nd */
    {"2016-02-29", 1456704000},
    {"1970-01-01", 0},
    {"9999-12-31", 253402214400},
    {"", 1445385600}, /* today 00:00 */
    {" \t ", 1445385600},
};

START_TEST(test_formats)
{
    use_zone(NULL);
    ck_assert_int_eq(parse(formats[_i].text), formats[_i].time_s);
}
END_TEST

static const char *const invalid[] = {
    "2015-13-01",
    "2015-00-01",
    "2015-01-00",
    "2015-01-32",
    "20155-01-01",
    "2015-01-011",
    "2015-01",
    "2015-01-",
    "-01-01",
    "31.12",
    "31.12.2015.",
    "13/31/2015",
    "24:00",
    "12:60",
    "12:",
    ":30",
    "12:30:15",
    "123:1",
    "12:301",
    "foo",
    "monx",
    "m",
    "ma",
    "2015-01-01x",
    "-5",
    "+5",
    "1e5",
    "0x10",
    "UTC",
    "U",
    "1.5",
    "99999999999999999999",
    "12.",
    "#",
    "2015-01-01#",
    "tomorrow",
    "1969-12-31",
    "253402300801",  /* of 10000: names of files have no place for it */
    "1700000000000", /* milliseconds */
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
};

START_TEST(test_invalid)
{
    int64_t time_s;

    use_zone(NULL);
    ck_assert_int_eq(time_spec_parse(invalid[_i], NOW, &time_s, &failure), REPORT_ARGUMENTS);
    ck_assert_int_eq(failure.class, REPORT_ARGUMENTS);
    ck_assert_ptr_nonnull(strstr(failure.text, "time specifier"));
}
END_TEST

/** The token at fault is named, not the whole text. */
START_TEST(test_names_token)
{
    int64_t time_s;

    use_zone(NULL);
    ck_assert_int_eq(time_spec_parse("2015-01-01 25:00 mon", NOW, &time_s, &failure),
                     REPORT_ARGUMENTS);
    ck_assert_str_eq(failure.text, "invalid time specifier `25:00'");
}
END_TEST

/* ---- completion ----------------------------------------------------------------------------- */

static const struct {
    const char *text;
    int64_t time_s;
} completions[] = {
    /* 1: the last such day, today included; today is a Wednesday */
    {"wed", 1445385600},
    {"Wednesday", 1445385600},
    {"WEDNESDAY", 1445385600},
    {"tue", 1445299200},
    {"thu", 1444867200}, /* six days ago */
    {"mon 12:30", 1445257800},
    {"sun", 1445126400},
    {"2015-01-01 fri", 1420070400}, /* a date leaves nothing to say for a day of the week */
    /* 2: the first of the last such month */
    {"oct", 1443657600},
    {"October", 1443657600},
    {"jan", 1420070400},
    {"nov", 1414800000}, /* of 2014 */
    {"dec 10:00", 1417428000},
    {"mon jan", 1420070400}, /* the month wins */
    /* 3 and 4: a clock alone is today, or yesterday if the hour is yet to come; now it is 07:28 */
    {"07:00", 1445410800},
    {"07:59", 1445414340}, /* minutes do not count, so this is in the future */
    {"08:00", 1445328000},
    {"23:59", 1445385540},
    {"0:0", 1445385600},
    /* 5: what a later token left of an earlier date */
    {"2013-05-06 jan", 1357430400}, /* January 6th, 2013 */
    {"jan 2013-05-06", 1367798400},
};

START_TEST(test_completion)
{
    use_zone(NULL);
    ck_assert_msg(parse(completions[_i].text) == completions[_i].time_s, "'%s' is %lld, not %lld",
                  completions[_i].text, (long long)parse(completions[_i].text),
                  (long long)completions[_i].time_s);
}
END_TEST

/** Yesterday of the first of a month, and of a year. */
START_TEST(test_yesterday)
{
    int64_t time_s;

    use_zone(NULL);
    ck_assert_int_eq(time_spec_parse("23:00", 1456790400, &time_s, &failure), REPORT_OK);
    ck_assert_int_eq(time_s, 1456786800); /* 2016-03-01 00:00 -> 2016-02-29 23:00 */
    ck_assert_int_eq(time_spec_parse("23:00", 1451606400, &time_s, &failure), REPORT_OK);
    ck_assert_int_eq(time_s, 1451602800); /* 2016-01-01 00:00 -> 2015-12-31 23:00 */
    ck_assert_int_eq(time_spec_parse("sat", 1451606400, &time_s, &failure), REPORT_OK);
    ck_assert_int_eq(time_s, 1451088000); /* Friday 2016-01-01 -> 2015-12-26 */
}
END_TEST

/* ---- zones ---------------------------------------------------------------------------------- */

START_TEST(test_zone)
{
    use_zone(ZONE);
    ck_assert_int_eq(parse("2015-12-31 23:59"), 1451606340 - 3600);
    ck_assert_int_eq(parse("2015-07-01 12:00"), 1435744800); /* summer: two hours ahead */
    ck_assert_int_eq(parse("09:00"), 1445410800);            /* now is 09:28 here */
    ck_assert_int_eq(parse("10:00"), 1445328000);
    ck_assert_int_eq(parse("1445405280"), 1445405280);

    use_zone("");
    ck_assert_int_eq(parse("2015-07-01 12:00"), 1435752000);
    use_zone("no/such zone");
    ck_assert_int_eq(parse("2015-07-01 12:00"), 1435752000);
}
END_TEST

START_TEST(test_zone_system)
{
    setenv("TZ", "XXX-5", 1);
    use_zone("system");
    ck_assert_ptr_null(getenv("TZ"));
    int64_t system = parse("2015-07-01 12:00");
    ck_assert_int_ne(system, 1435752000 - 5 * 3600);
}
END_TEST

/** The hour that comes twice: seconds since 1970 say which one is meant. */
START_TEST(test_repeated_hour)
{
    use_zone(ZONE);
    for (int64_t time_s = 1445731200; time_s <= 1445745600; time_s += 60) {
        char text[32];
        snprintf(text, sizeof(text), "%lld", (long long)time_s);
        ck_assert_int_eq(parse(text), time_s);
    }
    int64_t repeated = parse("2015-10-25 02:30");
    ck_assert(repeated == 1445733000 || repeated == 1445736600);
}
END_TEST

/** The hour that does not exist is moved, and as a range it is empty. */
START_TEST(test_missing_hour)
{
    struct time_range range;

    use_zone(ZONE);
    int64_t moved = parse("2015-03-29 02:30");
    ck_assert(moved == 1427589000 || moved == 1427592600);
    ck_assert_int_eq(time_spec_range("2015-03-29 02:00#2015-03-29 03:00", NOW, &range, &failure),
                     REPORT_ARGUMENTS);
    ck_assert_ptr_nonnull(strstr(failure.text, "zero or negative time range duration"));
    ck_assert_int_eq(time_spec_range("2015-03-29 01:00#2015-03-29 03:00", NOW, &range, &failure),
                     REPORT_OK);
    ck_assert_int_eq(range.end_s - range.begin_s, 3600);
}
END_TEST

/** A day of 25 hours. */
START_TEST(test_long_day)
{
    struct time_range range;

    use_zone(ZONE);
    ck_assert_int_eq(time_spec_range("2015-10-25#2015-10-26", NOW, &range, &failure), REPORT_OK);
    ck_assert_int_eq(range.end_s - range.begin_s, 25 * 3600);
}
END_TEST

/* ---- intervals ------------------------------------------------------------------------------ */

static const struct {
    const char *text;
    int64_t begin_s, end_s;
} points[] = {
    {"0", 0, 300},
    {"299", 0, 300},
    {"300", 300, 600},
    {"1445405280", 1445405100, 1445405400},
    {"2015-12-31 23:59", 1451606100, 1451606400},
    {"253402300799", 253402300500, 253402300800},
};

START_TEST(test_point)
{
    struct time_range range;

    use_zone(NULL);
    ck_assert_int_eq(time_spec_point(points[_i].text, NOW, &range, &failure), REPORT_OK);
    ck_assert_int_eq(range.begin_s, points[_i].begin_s);
    ck_assert_int_eq(range.end_s, points[_i].end_s);
}
END_TEST

START_TEST(test_point_invalid)
{
    struct time_range range;

    ck_assert_int_eq(time_spec_point("never", NOW, &range, &failure), REPORT_ARGUMENTS);
    ck_assert_int_eq(time_spec_point("253402300800", NOW, &range, &failure), REPORT_ARGUMENTS);
    ck_assert_str_eq(failure.text, "time specifier `253402300800' is after the year 9999; "
                                   "numbers are seconds");
}
END_TEST

static const struct {
    const char *text;
    int64_t begin_s, end_s;
} ranges[] = {
    {"300#600", 300, 600}, /* aligned stays */
    {"301#599", 300, 600}, /* touched intervals belong to it */
    {"599#601", 300, 900},
    {"300#301", 300, 600},
    {"300#600 ", 300, 600},
    {"0#300", 0, 300},
    {"1445412000", 1445412000, 1445412600}, /* to now: the interval in progress */
    {"1445412000#", 0, 0},                  /* to today 00:00, which is before: an error */
    {"1445385000#", 1445384700 + 300, 1445385600},
    {"10/21/2015 05:00#10/21/2015 06:00", 1445403600, 1445407200},
};

START_TEST(test_range)
{
    struct time_range range;

    use_zone(NULL);
    int class = time_spec_range(ranges[_i].text, NOW, &range, &failure);
    if (ranges[_i].end_s == 0) {
        ck_assert_int_eq(class, REPORT_ARGUMENTS);
        return;
    }
    ck_assert_int_eq(class, REPORT_OK);
    ck_assert_int_eq(range.begin_s, ranges[_i].begin_s);
    ck_assert_int_eq(range.end_s, ranges[_i].end_s);
}
END_TEST

static const char *const bad_ranges[] = {
    "600#300", "300#300", "1445420000", "x#300", "300#x", "300#600#900", "#300#",
};

START_TEST(test_bad_range)
{
    struct time_range range;

    use_zone(NULL);
    ck_assert_int_eq(time_spec_range(bad_ranges[_i], NOW, &range, &failure), REPORT_ARGUMENTS);
}
END_TEST

/** The clock of the machine stands on the end of an interval. */
START_TEST(test_now_aligned)
{
    struct time_range range;

    use_zone(NULL);
    ck_assert_int_eq(time_spec_range("300", 900, &range, &failure), REPORT_OK);
    ck_assert_int_eq(range.begin_s, 300);
    ck_assert_int_eq(range.end_s, 900);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
    Suite *suite = suite_create("fdistdump/time_spec");
    TCase *tc = tcase_create("time_spec");

    tcase_add_loop_test(tc, test_formats, 0, COUNT(formats));
    tcase_add_loop_test(tc, test_invalid, 0, COUNT(invalid));
    tcase_add_test(tc, test_names_token);
    tcase_add_loop_test(tc, test_completion, 0, COUNT(completions));
    tcase_add_test(tc, test_yesterday);
    tcase_add_test(tc, test_zone);
    tcase_add_test(tc, test_zone_system);
    tcase_add_test(tc, test_repeated_hour);
    tcase_add_test(tc, test_missing_hour);
    tcase_add_test(tc, test_long_day);
    tcase_add_loop_test(tc, test_point, 0, COUNT(points));
    tcase_add_test(tc, test_point_invalid);
    tcase_add_loop_test(tc, test_range, 0, COUNT(ranges));
    tcase_add_loop_test(tc, test_bad_range, 0, COUNT(bad_ranges));
    tcase_add_test(tc, test_now_aligned);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
