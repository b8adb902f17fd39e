/* SPDX-License-Identifier: BSD-3-Clause */
/** The bounded reader and writer: every number at every length, one octet too few, sticky failures.
 */
#include <check.h>
#include <libnf/bytes.h>
#include <stdlib.h>

static const uint8_t octets[] = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};

/** Functions of the reader and the writer behind one type each. */
#define NUMBER(name)                                                                               \
    static uint64_t read_##name(struct lnf_reader *r)                                              \
    {                                                                                              \
        return lnf_read_##name(r);                                                                 \
    }                                                                                              \
    static void write_##name(struct lnf_writer_bytes *w, uint64_t value)                           \
    {                                                                                              \
        lnf_write_##name(w, (__typeof__(lnf_read_##name(NULL)))value);                             \
    }

NUMBER(u8)
NUMBER(u16_be)
NUMBER(u32_be)
NUMBER(u64_be)
NUMBER(u16_le)
NUMBER(u32_le)
NUMBER(u64_le)

static const struct number {
    size_t size;
    uint64_t value;
    uint64_t (*read)(struct lnf_reader *);
    void (*write)(struct lnf_writer_bytes *, uint64_t);
} numbers[] = {
    {1, 0x11, read_u8, write_u8},
    {2, 0x1122, read_u16_be, write_u16_be},
    {4, 0x11223344, read_u32_be, write_u32_be},
    {8, 0x1122334455667788, read_u64_be, write_u64_be},
    {2, 0x2211, read_u16_le, write_u16_le},
    {4, 0x44332211, read_u32_le, write_u32_le},
    {8, 0x8877665544332211, read_u64_le, write_u64_le},
};

/** Reads from memory of exactly `left` octets: the value, or 0 and a failure that stays. */
START_TEST(test_read_cut)
{
    const struct number *number = &numbers[_i];

    for (size_t left = 0; left <= sizeof(octets); left++) {
        uint8_t *copy = malloc(left + (left == 0));
        memcpy(copy, octets, left);
        struct lnf_reader r = lnf_reader_init(copy, left);
        bool fits = left >= number->size;
        ck_assert_uint_eq(number->read(&r), fits ? number->value : 0);
        ck_assert_int_eq(r.failed, !fits);
        ck_assert_uint_eq(lnf_reader_left(&r), fits ? left - number->size : 0);
        if (!fits) {
            ck_assert_uint_eq(lnf_read_u8(&r), 0);
            ck_assert(r.failed);
        }
        free(copy);
    }
}
END_TEST

/** Writes into exactly `room` octets: all of the number, or nothing and a failure that stays. */
START_TEST(test_write_cut)
{
    const struct number *number = &numbers[_i];

    for (size_t room = 0; room <= sizeof(octets); room++) {
        uint8_t *to = calloc(1, room + (room == 0));
        struct lnf_writer_bytes w = lnf_writer_bytes_init(to, room);
        bool fits = room >= number->size;
        number->write(&w, number->value);
        ck_assert_int_eq(w.failed, !fits);
        ck_assert_uint_eq(lnf_writer_bytes_used(&w), fits ? number->size : 0);
        for (size_t i = 0; i < room; i++) {
            ck_assert_uint_eq(to[i], fits && i < number->size ? octets[i] : 0);
        }
        if (!fits) {
            lnf_write_bytes(&w, NULL, 0);
            lnf_write_u8(&w, 0xee);
            ck_assert(w.failed && lnf_writer_bytes_used(&w) == 0);
            ck_assert(room == 0 || to[0] == 0);
        }
        free(to);
    }
}
END_TEST

START_TEST(test_ranges)
{
    uint8_t to[4] = {0};

    for (size_t size = 0; size <= sizeof(octets) + 1; size++) {
        struct lnf_reader r = lnf_reader_init(octets, sizeof(octets));
        bool fits = size <= sizeof(octets);
        ck_assert_ptr_eq(lnf_read_bytes(&r, size), fits ? octets : NULL);
        ck_assert_int_eq(r.failed, !fits);
        ck_assert_uint_eq(lnf_reader_left(&r), fits ? sizeof(octets) - size : 0);
    }
    struct lnf_reader r = lnf_reader_init(octets, sizeof(octets));
    lnf_read_skip(&r, 3);
    ck_assert_uint_eq(lnf_read_u8(&r), 0x44);
    lnf_read_skip(&r, SIZE_MAX);
    ck_assert(r.failed);
    ck_assert_ptr_null(lnf_read_bytes(&r, 0)); /* nothing of what failed is good */
    r = lnf_reader_init(NULL, 0);
    ck_assert_uint_eq(lnf_reader_left(&r), 0);
    ck_assert_uint_eq(lnf_read_u8(&r), 0);
    ck_assert(r.failed);

    struct lnf_writer_bytes w = lnf_writer_bytes_init(to, sizeof(to));
    ck_assert_ptr_eq(lnf_write_reserve(&w, 2), to);
    lnf_write_bytes(&w, octets, 2);
    ck_assert_uint_eq(lnf_load_u32(to), htole32(0x22110000));
    ck_assert_ptr_nonnull(lnf_write_reserve(&w, 0));
    ck_assert(!w.failed);
    ck_assert_ptr_null(lnf_write_reserve(&w, 1));
    ck_assert(w.failed);
    ck_assert(!lnf_write_fits(&w, 0));
    ck_assert_uint_eq(lnf_writer_bytes_used(&w), 4);
    w = lnf_writer_bytes_init(to, sizeof(to));
    ck_assert(!lnf_write_fits(&w, SIZE_MAX));
}
END_TEST

int main(void)
{
    const int count = sizeof(numbers) / sizeof(numbers[0]);
    Suite *suite = suite_create("libnf/bytes");
    TCase *tc = tcase_create("bytes");

    tcase_add_loop_test(tc, test_read_cut, 0, count);
    tcase_add_loop_test(tc, test_write_cut, 0, count);
    tcase_add_test(tc, test_ranges);
    suite_add_tcase(suite, tc);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
