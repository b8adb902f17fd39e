/* SPDX-License-Identifier: BSD-3-Clause */
/** JA3 of a ClientHello: each part of its text, and of hellos that are cut or inconsistent none. */
#include "filter_ja3.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/** A ClientHello being written; lengths are filled in at the end. */
struct hello {
    uint8_t octets[8192];
    size_t size;
};

static void put(struct hello *hello, const void *octets, size_t size)
{
    memcpy(hello->octets + hello->size, octets, size);
    hello->size += size;
}

static void put_u16(struct hello *hello, unsigned number)
{
    put(hello, (const uint8_t[]){(uint8_t)(number >> 8), (uint8_t)number}, 2);
}

static void set_u16(struct hello *hello, size_t at, size_t number)
{
    hello->octets[at] = (uint8_t)(number >> 8);
    hello->octets[at + 1] = (uint8_t)number;
}

/* Up to the compression methods. */
static void begin(struct hello *hello, unsigned version, const uint16_t *ciphers, unsigned count)
{
    static const uint8_t header[] = {22, 3, 1, 0, 0, 1, 0, 0, 0}, random[32], session[] = {2, 7, 7};

    hello->size = 0;
    put(hello, header, sizeof(header));
    put_u16(hello, version);
    put(hello, random, sizeof(random));
    put(hello, session, sizeof(session));
    put_u16(hello, 2 * count);
    for (unsigned i = 0; i < count; i++) {
        put_u16(hello, ciphers[i]);
    }
    put(hello, "\1\0", 2);
}

static void put_extension(struct hello *hello, unsigned type, const char *data, size_t size)
{
    put_u16(hello, type);
    put_u16(hello, (unsigned)size);
    put(hello, data, size);
}

static void end(struct hello *hello)
{
    set_u16(hello, 3, hello->size - 5);
    set_u16(hello, 7, hello->size - 9);
}

static const uint16_t ciphers[] = {0x1301, 0xc02f};

/* 771,4865-49199,0-10-11-13,29-23,0 */
static void make_usual(struct hello *hello)
{
    begin(hello, 0x303, ciphers, 2);
    size_t at = hello->size;
    put_u16(hello, 0);
    put_extension(hello, 0, "\0\5\0\0\2ab", 7);
    put_extension(hello, 10, "\0\4\0\x1d\0\x17", 6);
    put_extension(hello, 11, "\1\0", 2);
    put_extension(hello, 13, "\0\2\4\3", 4);
    set_u16(hello, at, hello->size - at - 2);
    end(hello);
}

static void expect(const struct hello *hello, const char *text)
{
    char got[LNF_JA3_TEXT_MAX + 1];
    uint8_t *copy = malloc(hello->size);

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, hello->octets, hello->size);
    got[lnf_ja3_text(copy, hello->size, got)] = '\0';
    free(copy);
    ck_assert_str_eq(got, text);
}

START_TEST(test_text)
{
    struct hello hello;

    make_usual(&hello);
    expect(&hello, "771,4865-49199,0-10-11-13,29-23,0");
    put(&hello, "the next record", 15);
    expect(&hello, "771,4865-49199,0-10-11-13,29-23,0");
    begin(&hello, 0x301, ciphers, 1);
    end(&hello);
    expect(&hello, "769,4865,,,");
}
END_TEST

START_TEST(test_grease)
{
    static const uint16_t greased[] = {0x0a0a, 0x1301, 0xfafa, 0x0a1a};
    struct hello hello;

    begin(&hello, 0x303, greased, 4);
    size_t at = hello.size;
    put_u16(&hello, 0);
    put_extension(&hello, 0x2a2a, "", 0);
    put_extension(&hello, 10, "\0\6\x3a\x3a\0\x1d\0\x17", 8);
    put_extension(&hello, 11, "\3\0\1\2", 4);
    put_extension(&hello, 0xfafa, "\0", 1);
    set_u16(&hello, at, hello.size - at - 2);
    end(&hello);
    expect(&hello, "771,4865-2586,10-11,29-23,0-1-2");
}
END_TEST

START_TEST(test_cut)
{
    struct hello hello, cut;

    make_usual(&hello);
    for (size_t size = 0; size < hello.size; size++) {
        cut = hello;
        cut.size = size;
        expect(&cut, "");
        if (size >= 9) { /* a whole record with part of a ClientHello */
            set_u16(&cut, 3, size - 5);
            expect(&cut, "");
        }
    }
}
END_TEST

/* Whatever an octet is changed to: no crash, nothing read beyond. */
START_TEST(test_changed)
{
    struct hello hello;
    char text[LNF_JA3_TEXT_MAX];
    uint8_t ja3[LNF_JA3_SIZE];

    make_usual(&hello);
    uint8_t *copy = malloc(hello.size);
    ck_assert_ptr_nonnull(copy);
    for (size_t i = 0; i < hello.size; i++) {
        for (unsigned value = 0; value < 256; value++) {
            memcpy(copy, hello.octets, hello.size);
            copy[i] = (uint8_t)value;
            ck_assert_uint_le(lnf_ja3_text(copy, hello.size, text), LNF_JA3_TEXT_MAX);
            (void)lnf_ja3_compute(copy, hello.size, ja3);
        }
    }
    free(copy);
}
END_TEST

START_TEST(test_other)
{
    struct hello hello;

    make_usual(&hello);
    hello.octets[5] = 2; /* ServerHello */
    expect(&hello, "");
    make_usual(&hello);
    hello.octets[0] = 23; /* application data */
    expect(&hello, "");
    hello.size = 0;
    expect(&hello, "");
}
END_TEST

START_TEST(test_large)
{
    static uint16_t many[2000];
    struct hello hello;

    for (unsigned i = 0; i < 2000; i++) {
        many[i] = (uint16_t)(10000 + i);
    }
    begin(&hello, 0x303, many, 2000);
    end(&hello);
    expect(&hello, "");
    begin(&hello, 0x303, many, 600);
    end(&hello);
    char text[LNF_JA3_TEXT_MAX];
    ck_assert_uint_eq(lnf_ja3_text(hello.octets, hello.size, text), 3 + 1 + 600 * 6 - 1 + 3);
}
END_TEST

START_TEST(test_md5)
{
    static const uint8_t expected[LNF_JA3_SIZE] = {0x8d, 0x5e, 0xfe, 0x8f, 0x32, 0xb6, 0x8a, 0x76,
                                                   0xd7, 0xbb, 0x3e, 0x2f, 0x93, 0xb3, 0xe7, 0x5b};
    struct hello hello;
    uint8_t ja3[LNF_JA3_SIZE];

    make_usual(&hello);
    ck_assert(lnf_ja3_compute(hello.octets, hello.size, ja3) == lnf_ja3_is_available());
    ck_assert(!lnf_ja3_is_available() || memcmp(ja3, expected, sizeof(ja3)) == 0);
    hello.octets[0] = 23;
    ck_assert(!lnf_ja3_compute(hello.octets, hello.size, ja3));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("JA3");
    TCase *tests = tcase_create("ClientHello");
    SRunner *runner = srunner_create(suite);

    tcase_add_test(tests, test_text);
    tcase_add_test(tests, test_grease);
    tcase_add_test(tests, test_cut);
    tcase_add_test(tests, test_changed);
    tcase_add_test(tests, test_other);
    tcase_add_test(tests, test_large);
    tcase_add_test(tests, test_md5);
    suite_add_tcase(suite, tests);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
