/* SPDX-License-Identifier: BSD-3-Clause */
/* Time slots: names, alignment, rotation, restart, and accounts of what cannot be written. */

#include "col_double.h"
#include "lnfstore_support.h"
#include "window.h"


static struct col_instance instance;
static struct window_settings settings;
static window_t *window;
static bool began;

/* 2026-01-02 03:04:05 UTC */
#define NOW ((time_t)1767323045)

static void setup(void)
{
    store_make_folder();
    setenv("TZ", "Asia/Tokyo", 1); /* names are UTC all the same */
    tzset();
    settings = (struct window_settings){.storage_path = store_folder,
                                        .prefix = "lnf.",
                                        .suffix_mask = "%Y%m%d%H%M%S",
                                        .ident = "unit",
                                        .codec = LNF_CODEC_LZ4,
                                        .length_s = 300,
                                        .align = true};
    window = window_create((col_instance_t *)&instance, &settings);
    ck_assert_ptr_nonnull(window);
}

static void teardown(void)
{
    window_destroy(window);
    store_remove_folder();
}

static void store(time_t now, uint64_t first, unsigned count)
{
    ck_assert(window_enter(window, now, &began));
    store_fill(window_block(window), first, count);
    window_count_records(window, count);
}

static void end(void)
{
    window_destroy(window);
    window = NULL;
}

static void expect_file(const char *name, uint64_t flows)
{
    char path[PATH_MAX];
    struct store_sum sum = {0};
    (void)snprintf(path, sizeof(path), "%s/%s", store_folder, name);
    store_add_file(path, &sum);
    ck_assert_uint_eq(sum.flows, flows);
    ck_assert_uint_eq(sum.stat_flows, flows);
}

START_TEST(aligned_slots)
{
    store(NOW, 0, 5);
    ck_assert(began);
    store(NOW + 1, 5, 5);
    ck_assert(!began);
    store(NOW + 300, 10, 7);
    ck_assert(began);
    end();
    expect_file("2026/01/02/lnf.20260102030000", 10);
    expect_file("2026/01/02/lnf.20260102030500", 7);
}
END_TEST

START_TEST(slots_from_the_first_record_on)
{
    settings.align = false;
    store(NOW, 0, 5);
    store(NOW + 299, 0, 5);
    store(NOW + 300, 0, 7);
    end();
    expect_file("2026/01/02/lnf.20260102030405", 10);
    expect_file("2026/01/02/lnf.20260102030905", 7);
}
END_TEST

START_TEST(other_names)
{
    settings.prefix = "nfcapd.";
    settings.suffix_mask = "%H%M_%j";
    store(NOW, 0, 5);
    end();
    expect_file("2026/01/02/nfcapd.0300_002", 5);
}
END_TEST

START_TEST(midnight_is_utc)
{
    store(1767312000 - 1, 0, 1); /* 2026-01-01 23:59:59 */
    store(1767312000, 0, 2);
    end();
    expect_file("2026/01/01/lnf.20260101235500", 1);
    expect_file("2026/01/02/lnf.20260102000000", 2);
}
END_TEST

START_TEST(without_traffic_the_file_is_finalised_in_time)
{
    char path[PATH_MAX];
    struct lnf_error error;
    lnf_writer_t *writer = NULL;

    store(NOW, 0, 5);
    window_expire(window, NOW + 1);
    window_expire(window, NOW + 400);
    (void)snprintf(path, sizeof(path), "%s/2026/01/02/lnf.20260102030000", store_folder);
    /* Nobody has it open any more: another writer gets it. */
    int status = LNF_ERR_OTHER;
    for (int i = 0; i < 500 && status != LNF_OK; i++) {
        (void)usleep(10000);
        status = access(path, F_OK) == 0
                     ? lnf_writer_open(path, LNF_CODEC_LZ4, NULL, true, &writer, &error)
                     : LNF_ERR_OTHER;
    }
    ck_assert_int_eq(status, LNF_OK);
    ck_assert_uint_eq(lnf_writer_stat(writer)->flows, 5);
    ck_assert_int_eq(lnf_writer_close(writer, NULL), LNF_OK);
}
END_TEST

START_TEST(restart_within_a_slot_goes_on)
{
    store(NOW, 0, 5);
    end();
    window = window_create((col_instance_t *)&instance, &settings);
    store(NOW + 10, 5, 6);
    end();
    expect_file("2026/01/02/lnf.20260102030000", 11);
}
END_TEST

START_TEST(a_clock_set_back)
{
    store(NOW, 0, 5);
    store(NOW - 3600, 5, 6);
    ck_assert(began);
    store(NOW, 11, 4); /* forward again: the first file goes on */
    end();
    expect_file("2026/01/02/lnf.20260102030000", 9);
    expect_file("2026/01/02/lnf.20260102020000", 6);
}
END_TEST

START_TEST(two_windows_share_a_file)
{
    window_t *first = window;
    window_t *second = window_create((col_instance_t *)&instance, &settings);

    for (unsigned round = 0; round < 50; round++) {
        window = round % 2 == 0 ? first : second;
        store(NOW, 100 * round, 100);
        window_flush(window);
    }
    ck_assert_uint_eq(window_next_exporter(first), 1);
    ck_assert_uint_eq(window_next_exporter(second), 2);
    window_destroy(first);
    window = second;
    store(NOW, 5000, 100);
    end();
    expect_file("2026/01/02/lnf.20260102030000", 5100);
    glob_t found;
    ck_assert_uint_eq(store_files("*/*/*/*", &found), 1);
    globfree(&found);
}
END_TEST

START_TEST(more_blocks_than_there_are_in_rotation)
{
    uint64_t first = 0;

    ck_assert(window_enter(window, NOW, &began));
    for (unsigned i = 0; i < 100; i++) {
        store_fill(window_block(window), first, 1000);
        window_count_records(window, 1000);
        window_flush(window);
        first += 1000;
    }
    end();
    size_t count;
    struct store_sum sum = store_read(&count);
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_eq(sum.flows, 100000);
    ck_assert_uint_eq(sum.bytes, (uint64_t)100000 * 99999 / 2);
}
END_TEST

START_TEST(what_cannot_be_written_is_counted_and_told_once)
{
    char blocked[PATH_MAX];
    struct window_counts counts = {0};

    (void)snprintf(blocked, sizeof(blocked), "%s/2026", store_folder);
    FILE *file = fopen(blocked, "w");
    (void)fclose(file);
    for (unsigned i = 0; i < 10; i++) {
        store(NOW, 0, 100);
        window_flush(window);
    }
    uint64_t lost = 0, stored = 0;
    for (unsigned i = 0; i < 60000 && lost < 1000; i++) {
        counts = window_take_counts(window);
        lost += counts.records_lost;
        stored += counts.records_stored;
        (void)usleep(1000);
    }
    ck_assert_uint_eq(lost, 1000);
    ck_assert_int_eq(unlink(blocked), 0); /* there is room again */
    store(NOW, 0, 50);
    window_flush(window);
    for (unsigned i = 0; i < 60000 && stored < 50; i++) {
        counts = window_take_counts(window);
        stored += counts.records_stored;
        (void)usleep(1000);
    }
    ck_assert_uint_eq(stored, 50);
    end();
    expect_file("2026/01/02/lnf.20260102030000", 50);
    ck_assert_uint_eq(col_double_logged(&instance, "ERROR: cannot write: "), 1);
    ck_assert_uint_eq(col_double_logged(&instance, "1000 records could not be written"), 1);
}
END_TEST

START_TEST(paths_that_are_too_long)
{
    static char prefix[PATH_MAX];

    memset(prefix, 'x', sizeof(prefix) - 1);
    settings.prefix = prefix;
    store(NOW, 0, 100);
    end();
    ck_assert_uint_eq(col_double_logged(&instance, "too long"), 1);
    ck_assert_uint_eq(col_double_logged(&instance, "100 records could not be written"), 1);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("window");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, aligned_slots);
    tcase_add_test(tests, slots_from_the_first_record_on);
    tcase_add_test(tests, other_names);
    tcase_add_test(tests, midnight_is_utc);
    tcase_add_test(tests, without_traffic_the_file_is_finalised_in_time);
    tcase_add_test(tests, restart_within_a_slot_goes_on);
    tcase_add_test(tests, a_clock_set_back);
    tcase_add_test(tests, two_windows_share_a_file);
    tcase_add_test(tests, more_blocks_than_there_are_in_rotation);
    tcase_add_test(tests, what_cannot_be_written_is_counted_and_told_once);
    tcase_add_test(tests, paths_that_are_too_long);
    Suite *suite = suite_create("lnfstore_window");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
