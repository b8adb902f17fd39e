/* SPDX-License-Identifier: BSD-3-Clause */
/** Texts with any octets in every form of output. */
#include "output_text.h"
#include "suite_main.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef size_t text_fn(const char *text, size_t length, char *out);

/** What a form makes of a text; nothing behind the room it may use is touched. */
static const char *written(text_fn *form, const char *text, size_t length)
{
    static char out[OUTPUT_TEXT_SIZE + 2];

    memset(out, 0x55, sizeof(out));
    size_t size = form(text, length, out);
    ck_assert_uint_le(size, OUTPUT_TEXT_SIZE);
    ck_assert_int_eq(out[OUTPUT_TEXT_SIZE], 0x55);
    out[size] = '\0';
    return out;
}

/* ---- single texts --------------------------------------------------------------------------- */

static const struct {
    const char *text, *table, *csv, *json;
} texts[] = {
    {"", "", "", "\"\""},
    {"alice", "alice", "alice", "\"alice\""},
    {"DOMAIN\\bob", "DOMAIN\\bob", "DOMAIN\\bob", "\"DOMAIN\\\\bob\""},
    {" a b ", " a b ", " a b ", "\" a b \""},
    {"a,b", "a,b", "\"a,b\"", "\"a,b\""},
    {"a\"b", "a\"b", "\"a\"\"b\"", "\"a\\\"b\""},
    {"\"", "\"", "\"\"\"\"", "\"\\\"\""},
    {"a\nb", "a\\x0ab", "\"a\nb\"", "\"a\\u000ab\""},
    {"a\rb", "a\\x0db", "\"a\rb\"", "\"a\\u000db\""},
    {"a\tb", "a\\x09b", "a\tb", "\"a\\u0009b\""},
    /* What a terminal would obey: ECMA-48 in C0 and, as UTF-8 and as an octet, in C1. */
    {"\033[2Jx", "\\x1b[2Jx", "\\x1b[2Jx", "\"\\u001b[2Jx\""},
    {"\x7f\x01", "\\x7f\\x01", "\\x7f\\x01", "\"\\u007f\\u0001\""},
    {"\xc2\x9b"
     "2J",
     "\\xc2\\x9b2J", "\\xc2\\x9b2J", "\"\\u009b2J\""},
    {"\x9b"
     "2J",
     "\\x9b2J", "\\x9b2J", "\"\\\\x9b2J\""},
    /* Letters of one to four octets. */
    {"Žofie", "Žofie", "Žofie", "\"\\u017dofie\""},
    {"€", "€", "€", "\"\\u20ac\""},
    {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", "\"\\ud83d\\ude00\""},
    {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf", "\"\\udbff\\udfff\""},
    {"\xc2\xa0", "\xc2\xa0", "\xc2\xa0", "\"\\u00a0\""},
    /* Right to left override, byte order mark, line separator, and their neighbours. */
    {"a\u202e"
     "b",
     "a\\xe2\\x80\\xaeb", "a\\xe2\\x80\\xaeb", "\"a\\u202eb\""},
    {"\ufeff", "\\xef\\xbb\\xbf", "\\xef\\xbb\\xbf", "\"\\ufeff\""},
    {"\u2028", "\\xe2\\x80\\xa8", "\\xe2\\x80\\xa8", "\"\\u2028\""},
    {"\u2027\u202f", "\u2027\u202f", "\u2027\u202f", "\"\\u2027\\u202f\""},
    /* No UTF-8: alone, cut, too long, a surrogate, beyond the last, and what follows is kept. */
    {"\x80", "\\x80", "\\x80", "\"\\\\x80\""},
    {"\xff\xfe", "\\xff\\xfe", "\\xff\\xfe", "\"\\\\xff\\\\xfe\""},
    {"a\xc3", "a\\xc3", "a\\xc3", "\"a\\\\xc3\""},
    {"\xe2\x82", "\\xe2\\x82", "\\xe2\\x82", "\"\\\\xe2\\\\x82\""},
    {"\xe2\x82,", "\\xe2\\x82,", "\"\\xe2\\x82,\"", "\"\\\\xe2\\\\x82,\""},
    {"\xc3\"", "\\xc3\"", "\"\\xc3\"\"\"", "\"\\\\xc3\\\"\""},
    {"\xf0\x9f\x98", "\\xf0\\x9f\\x98", "\\xf0\\x9f\\x98", "\"\\\\xf0\\\\x9f\\\\x98\""},
    {"\xc1\xbf", "\\xc1\\xbf", "\\xc1\\xbf", "\"\\\\xc1\\\\xbf\""},
    {"\xe0\x9f\xbf", "\\xe0\\x9f\\xbf", "\\xe0\\x9f\\xbf", "\"\\\\xe0\\\\x9f\\\\xbf\""},
    {"\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf", "\\xf0\\x8f\\xbf\\xbf",
     "\"\\\\xf0\\\\x8f\\\\xbf\\\\xbf\""},
    {"\xed\xa0\x80", "\\xed\\xa0\\x80", "\\xed\\xa0\\x80", "\"\\\\xed\\\\xa0\\\\x80\""},
    {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\\xf4\\x90\\x80\\x80",
     "\"\\\\xf4\\\\x90\\\\x80\\\\x80\""},
    {"\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80", "\\xf8\\x88\\x80\\x80\\x80",
     "\"\\\\xf8\\\\x88\\\\x80\\\\x80\\\\x80\""},
};

START_TEST(test_text)
{
    const char *text = texts[_i].text;
    size_t length = strlen(text);
    char *copy = malloc(length + 1); /* of exactly its size, for AddressSanitizer */

    memcpy(copy, text, length);
    copy = realloc(copy, length == 0 ? 1 : length);
    ck_assert_str_eq(written(output_text_table, copy, length), texts[_i].table);
    ck_assert_str_eq(written(output_text_csv, copy, length), texts[_i].csv);
    ck_assert_str_eq(written(output_text_json, copy, length), texts[_i].json);
    free(copy);
}
END_TEST

/** Too long ones are cut, and even the forms that grow most have room. */
START_TEST(test_long)
{
    static const char worst[] = {'\x01', '"', '\xff', '\n'};
    char text[OUTPUT_TEXT_OCTETS + 9];

    for (size_t i = 0; i < sizeof(worst); i++) {
        memset(text, worst[i], sizeof(text));
        for (size_t length = OUTPUT_TEXT_OCTETS - 1; length <= sizeof(text); length++) {
            (void)written(output_text_table, text, length);
            (void)written(output_text_csv, text, length);
            (void)written(output_text_json, text, length);
        }
    }
    memset(text, 'a', sizeof(text));
    ck_assert_uint_eq(strlen(written(output_text_table, text, sizeof(text))), OUTPUT_TEXT_OCTETS);
}
END_TEST

/* ---- any octets ----------------------------------------------------------------------------- */

static bool is_hexadecimal(const char *text, size_t digits)
{
    return strspn(text, "0123456789abcdef") >= digits;
}

/** Whether it is a string of JSON as RFC 8259 has it, in ASCII. */
static bool is_json(const char *text)
{
    size_t length = strlen(text), i = 1;

    if (length < 2 || text[0] != '"' || text[length - 1] != '"') {
        return false;
    }
    while (i < length - 1 && text[i] >= 0x20 && text[i] < 0x7f && text[i] != '"') {
        if (text[i] != '\\') {
            i++;
        } else if (text[i + 1] == 'u' && is_hexadecimal(text + i + 2, 4)) {
            i += 6;
        } else if (text[i + 1] == '"' || text[i + 1] == '\\') {
            i += 2;
        } else {
            return false;
        }
    }
    return i == length - 1;
}

START_TEST(test_any_octets)
{
    char text[OUTPUT_TEXT_OCTETS];

    srandom(11);
    for (unsigned n = 0; n < 50000; n++) {
        size_t length = (size_t)random() % (n % 2 == 0 ? 8 : sizeof(text)) + 1;
        for (size_t i = 0; i < length; i++) {
            long any = random();
            text[i] = (char)(any % 3 == 0 ? any >> 8 : 0x80 | any >> 9);
        }
        ck_assert(is_json(written(output_text_json, text, length)));
        const char *cell = written(output_text_table, text, length);
        ck_assert_ptr_eq(cell + strcspn(cell, "\n\r\t\033\177"), cell + strlen(cell));
        ck_assert_uint_le(output_text_characters(cell, strlen(cell)), strlen(cell));
        /* What is safe once is safe again: nothing else is left in it. */
        char again[OUTPUT_TEXT_SIZE];
        size_t size = strlen(cell) < OUTPUT_TEXT_OCTETS / 2 ? strlen(cell) : 0;
        memcpy(again, cell, size);
        ck_assert(memcmp(written(output_text_table, again, size), again, size) == 0);
    }
}
END_TEST

/* ---- width ---------------------------------------------------------------------------------- */

START_TEST(test_width)
{
    static const char cell[] = "a€b\xf0\x9f\x98\x80Ž";
    static const size_t cuts[] = {0, 1, 4, 5, 9, 11, 11};

    ck_assert_uint_eq(output_text_characters(cell, sizeof(cell) - 1), 5);
    ck_assert_uint_eq(output_text_characters("", 0), 0);
    for (size_t characters = 0; characters < sizeof(cuts) / sizeof(cuts[0]); characters++) {
        ck_assert_uint_eq(output_text_cut(cell, sizeof(cell) - 1, characters), cuts[characters]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fdistdump/output_text");
    TCase *tc = tcase_create("text");

    tcase_add_loop_test(tc, test_text, 0, sizeof(texts) / sizeof(texts[0]));
    tcase_add_test(tc, test_long);
    tcase_add_test(tc, test_any_octets);
    tcase_add_test(tc, test_width);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
