/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Regular expressions over octets: what they match, where they are wrong, that no pattern is large
 * or slow; and random ones against regex(3), in the part of the language the two share.
 */
#include "filter_regex.h"

#include <check.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct lnf_arena arena;

static void teardown(void)
{
    lnf_arena_clear(&arena);
}

/* Also tries the octets in memory of just their size, so that reading beyond is noticed. */
static bool search(const char *pattern, unsigned flags, const void *data, size_t size)
{
    struct lnf_regex_error error;
    const struct lnf_regex *regex =
        lnf_regex_compile(&arena, pattern, strlen(pattern), flags, &error);
    uint8_t *copy = malloc(size == 0 ? 1 : size);

    ck_assert_msg(regex != NULL, "'%s': %s at %zu", pattern, error.text, error.at);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, data, size);
    bool found = lnf_regex_search(regex, copy, size);
    free(copy);
    return found;
}

#define MATCHES(pattern, text) ck_assert(search(pattern, 0, text, sizeof(text) - 1))
#define MISSES(pattern, text) ck_assert(!search(pattern, 0, text, sizeof(text) - 1))
#define MATCHES_WITH(pattern, flags, text) ck_assert(search(pattern, flags, text, sizeof(text) - 1))
#define MISSES_WITH(pattern, flags, text) ck_assert(!search(pattern, flags, text, sizeof(text) - 1))

START_TEST(test_pieces)
{
    MATCHES("abc", "xxabcxx");
    MISSES("abc", "ab c");
    MATCHES("a.c", "a c");
    MISSES("a.c", "a\nc");
    MATCHES("a.c", "a\0c");
    MATCHES("[a-c]x", "bx");
    MISSES("[a-c]x", "dx");
    MATCHES("[^a-c]x", "\nx");
    MATCHES("[]x]", "]");
    MATCHES("[^]x]", "[");
    MISSES("[^]x]", "x]");
    MATCHES("[a-]", "-");
    MATCHES("[\\d-]", "-");
    MATCHES("[\\]]", "]");
    MATCHES("[\\x00-\\x1f]", "\x1f");
    MISSES("[\\x00-\\x1f]", " ");
    MATCHES("\\xfF\\x00", "a\xff\0");
    MATCHES("\\.\\*", ".*");
    MATCHES("\\r\\n\\t", "\r\n\t");
    MATCHES("\\d\\D\\w\\W\\s\\S", "1a_- x");
    MISSES("\\w", "-+\x80");
    MATCHES("\xc3\xa9", "caf\xc3\xa9");
}
END_TEST

START_TEST(test_repetitions)
{
    MATCHES("^ab*c$", "ac");
    MATCHES("^ab*c$", "abbbc");
    MISSES("^ab+c$", "ac");
    MATCHES("^ab?c$", "abc");
    MISSES("^ab?c$", "abbc");
    MATCHES("^a{3}$", "aaa");
    MISSES("^a{3}$", "aa");
    MISSES("^a{3}$", "aaaa");
    MATCHES("^a{2,}$", "aaaaaaaa");
    MISSES("^a{2,}$", "a");
    MATCHES("^a{2,4}$", "aaaa");
    MISSES("^a{2,4}$", "aaaaa");
    MATCHES("^a{0}b$", "b");
    MATCHES("^(ab|c){2}$", "abc");
    MATCHES("^(a*)*$", "aaa");
    MATCHES("^(a*)*b$", "b");
    MATCHES("^a*?b+?c??$", "aab");
    MATCHES("(a|b|c)+$", "aaab");
    MATCHES("x*", "");
}
END_TEST

START_TEST(test_anchors)
{
    MATCHES("^a", "ab");
    MISSES("^b", "ab");
    MISSES("^b", "a\nb");
    MATCHES("b$", "ab");
    MISSES("a$", "ab");
    MISSES("b$", "b\n");
    MATCHES("^$", "");
    MISSES("^$", "a");
    MISSES("a^b", "ab");
    MATCHES("(^|x)a", "a");
    MATCHES("a(x|$)", "ba");
    MATCHES_WITH("^b$", LNF_REGEX_LINES, "a\nb\nc");
    MATCHES_WITH("^b", LNF_REGEX_LINES, "a\nb");
    MISSES_WITH("^b", LNF_REGEX_LINES, "a\rb");
    MATCHES_WITH("^$", LNF_REGEX_LINES, "a\n\nb");
    MISSES_WITH("a.b", LNF_REGEX_LINES, "a\nb");
    MATCHES_WITH("a.b", LNF_REGEX_DOT_ALL, "a\nb");
}
END_TEST

START_TEST(test_ignore_case)
{
    MISSES("get", "GET");
    MATCHES_WITH("get", LNF_REGEX_IGNORE_CASE, "GET");
    MATCHES_WITH("[a-f]{4}", LNF_REGEX_IGNORE_CASE, "DeAd");
    MISSES_WITH("[^a-z]", LNF_REGEX_IGNORE_CASE, "ABC");
    MATCHES_WITH("\\x47", LNF_REGEX_IGNORE_CASE, "g");
    MISSES_WITH("[@]", LNF_REGEX_IGNORE_CASE, "`");
}
END_TEST

static void expect_wrong(const char *pattern, size_t at, const char *text)
{
    struct lnf_regex_error error;

    ck_assert_msg(lnf_regex_compile(&arena, pattern, strlen(pattern), 0, &error) == NULL, "'%s'",
                  pattern);
    ck_assert_ptr_nonnull(error.text);
    ck_assert_msg(error.at == at && strstr(error.text, text) != NULL, "'%s': %zu: %s", pattern,
                  error.at, error.text);
}

START_TEST(test_wrong)
{
    expect_wrong("", 0, "nothing to match");
    expect_wrong("a|", 2, "nothing to match");
    expect_wrong("|a", 0, "nothing to match");
    expect_wrong("a||b", 2, "nothing to match");
    expect_wrong("()", 1, "nothing to match");
    expect_wrong("x(a", 1, "not closed");
    expect_wrong("((a)", 0, "not closed");
    expect_wrong("a)", 1, "not opened");
    expect_wrong("a]", 1, "not opened");
    expect_wrong("}", 0, "not opened");
    expect_wrong("[", 0, "not closed");
    expect_wrong("x[]", 1, "not closed");
    expect_wrong("[a", 0, "not closed");
    expect_wrong("[a-", 0, "not closed");
    expect_wrong("[a\\", 2, "backslash");
    expect_wrong("[z-a]", 1, "empty");
    expect_wrong("a\\", 1, "backslash");
    expect_wrong("*a", 0, "nothing to repeat");
    expect_wrong("a**", 2, "nothing to repeat");
    expect_wrong("a{2}{3}", 4, "nothing to repeat");
    expect_wrong("^*", 1, "nothing to repeat");
    expect_wrong("(?:a)", 1, "nothing to repeat");
    expect_wrong("a{", 1, "expected repetitions");
    expect_wrong("a{2", 1, "expected repetitions");
    expect_wrong("a{,2}", 1, "expected repetitions");
    expect_wrong("a{3,2}", 1, "expected repetitions");
    expect_wrong("a{2,x}", 1, "expected repetitions");
    expect_wrong("a{1001}", 2, "1000 repetitions");
    expect_wrong("a{99999999999999999999}", 2, "1000 repetitions");
    expect_wrong("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 0, "64");
}
END_TEST

/* Patterns cut at every length: those that end where one can end compile, the others say where they
 * are wrong. Beside a pattern: + for each length that is whole, from 1; \x without digits is an x.
 */
START_TEST(test_cut)
{
    static const char *const patterns[][2] = {
        {"a(b|c)*d", "+----+++"},
        {"ab{2,3}?c", "++----+++"},
        {"[^]a-z\\]]x", "--------++"},
        {"^\\x41\\d+$", "+-+++-+++"},
    };

    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        for (size_t size = 0; size <= strlen(patterns[i][0]); size++) {
            struct lnf_regex_error error = {.text = NULL};
            char *copy = malloc(size + 1);
            memcpy(copy, patterns[i][0], size);
            copy[size] = '\0';
            bool whole = lnf_regex_compile(&arena, copy, size, 0, &error) != NULL;
            ck_assert_msg(whole == (size > 0 && patterns[i][1][size - 1] == '+'), "'%s'", copy);
            ck_assert(whole || (error.text != NULL && error.at <= size));
            free(copy);
        }
    }
}
END_TEST

/* Patterns that would take all memory or time elsewhere. */
START_TEST(test_hostile)
{
    static uint8_t text[65535];
    static const char *const slow[] = {"(a*)*b",           "(a|a)*b",    "(a|b)*a(a|b){20}c",
                                       "(a?){300}a{300}b", "((a+)+)+$x", "a{0,490}b"};

    expect_wrong("((a{99}){99}){99}", 0, "too large");
    expect_wrong("a{1000}", 0, "too large");
    expect_wrong("((((((((a{0,9}){9}){9}){9}){9}){9}){9}){9}){9}", 0, "too large");
    /* Made of nothing however often: neither steps nor time. */
    ck_assert(search("((((((((a{0}){900}){900}){900}){900}){900}){900}){900}){900}", 0, "", 0));
    memset(text, 'a', sizeof(text));
    clock_t start = clock();
    for (unsigned i = 0; i < sizeof(slow) / sizeof(slow[0]); i++) {
        ck_assert(!search(slow[i], 0, text, sizeof(text)));
    }
    /* Minutes to ages where a search goes back and tries again. */
    ck_assert_int_lt((clock() - start) / CLOCKS_PER_SEC, 60);
}
END_TEST

START_TEST(test_any_octet)
{
    struct lnf_regex_error error;

    for (unsigned i = 0; i < 256; i++) { /* any octet anywhere: a pattern or an error */
        for (unsigned place = 0; place < 5; place++) {
            char pattern[] = "(a[b]c)";
            pattern[place] = (char)i;
            const struct lnf_regex *regex =
                lnf_regex_compile(&arena, pattern, 7, LNF_REGEX_IGNORE_CASE, &error);
            if (regex == NULL) {
                ck_assert_ptr_nonnull(error.text);
                ck_assert_uint_le(error.at, 7);
            } else {
                (void)lnf_regex_search(regex, (const uint8_t *)pattern, 7);
            }
        }
        lnf_arena_clear(&arena);
    }
}
END_TEST

/* ---- against regex(3) ------------------------------------------------------------------------ */

static uint64_t random_state = 0x9e3779b97f4a7c15u;

static unsigned random_below(unsigned limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state % limit);
}

static size_t make_alternatives(char *at, unsigned depth);

static size_t make_piece(char *at, unsigned depth)
{
    static const char *const pieces[] = {"a", "b", "c", ".", "[ab]", "[^a]", "[a-c]", "d"};
    static const char *const repetitions[] = {"*", "+", "?", "{2}", "{1,}", "{0,2}", "{1,3}"};
    size_t length;

    if (depth > 0 && random_below(4) == 0) {
        at[0] = '(';
        length = 1 + make_alternatives(at + 1, depth - 1);
        at[length++] = ')';
    } else {
        length = (size_t)sprintf(at, "%s", pieces[random_below(8)]);
    }
    if (random_below(3) == 0) {
        length += (size_t)sprintf(at + length, "%s", repetitions[random_below(7)]);
    }
    at[length] = '\0';
    return length;
}

static size_t make_alternatives(char *at, unsigned depth)
{
    size_t length = 0;

    for (unsigned rows = 1 + (random_below(4) == 0); rows > 0; rows--) {
        for (unsigned pieces = 1 + random_below(3); pieces > 0; pieces--) {
            length += make_piece(at + length, depth);
        }
        if (rows > 1) {
            at[length++] = '|';
        }
    }
    at[length] = '\0';
    return length;
}

/* Anchors only at the ends: glibc's regex(3) is wrong about some in repeated groups. */
static size_t make_pattern(char *at)
{
    size_t length = 0;

    if (random_below(4) == 0) {
        at[length++] = '^';
    }
    length += make_alternatives(at + length, 2);
    if (random_below(4) == 0) {
        at[length++] = '$';
        at[length] = '\0';
    }
    return length;
}

START_TEST(test_random)
{
    char pattern[1000];
    unsigned compared = 0, matched = 0;

    while (compared < 40000) {
        regex_t other;
        struct lnf_regex_error error;
        size_t length = make_pattern(pattern);
        if (length > LNF_REGEX_LENGTH_MAX || regcomp(&other, pattern, REG_EXTENDED | REG_NOSUB)) {
            continue;
        }
        const struct lnf_regex *regex = lnf_regex_compile(&arena, pattern, length, 0, &error);
        ck_assert_msg(regex != NULL, "'%s': %s", pattern, error.text);
        for (unsigned i = 0; i < 4; i++) {
            char text[12] = "";
            unsigned size = random_below(10);
            for (unsigned j = 0; j < size; j++) {
                text[j] = "abcd"[random_below(4)];
            }
            bool expected = regexec(&other, text, 0, NULL, 0) == 0;
            ck_assert_msg(lnf_regex_search(regex, (const uint8_t *)text, size) == expected,
                          "'%s' in '%s': %d", pattern, text, !expected);
            compared++;
            matched += expected;
        }
        regfree(&other);
        lnf_arena_clear(&arena);
    }
    ck_assert_uint_gt(matched, compared / 10);
    ck_assert_uint_lt(matched, compared - compared / 10);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("regular expressions");
    TCase *tests = tcase_create("regex");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(tests, 300);
    tcase_add_checked_fixture(tests, NULL, teardown);
    tcase_add_test(tests, test_pieces);
    tcase_add_test(tests, test_repetitions);
    tcase_add_test(tests, test_anchors);
    tcase_add_test(tests, test_ignore_case);
    tcase_add_test(tests, test_wrong);
    tcase_add_test(tests, test_cut);
    tcase_add_test(tests, test_hostile);
    tcase_add_test(tests, test_any_octet);
    tcase_add_test(tests, test_random);
    suite_add_tcase(suite, tests);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
