/* SPDX-License-Identifier: BSD-3-Clause */
/* The file ipfixsend replays: every message, in a window and in memory, and every damage. */

#include "ipfixsend_support.h"

/* Walks over the whole file; number of messages, -1 when something is wrong. */
static int walk(struct source *source)
{
    uint16_t length;
    int count = 0;
    enum peek result;

    source_rewind(source);
    while ((result = source_peek(source, true, &length)) == PEEK_MESSAGE) {
        const uint8_t *at = source->buffer + source->head;
        bool same = true;
        for (unsigned i = 16; i < length; i++) {
            same = same && at[i] == (uint8_t)count;
        }
        ck_assert(same);
        ck_assert_uint_eq(source_export_time(source), 1000u + (unsigned)count);
        source_advance(source, length);
        count++;
    }
    return result == PEEK_END ? count : -1;
}

static const uint16_t lengths[] = {16, 17, 65535, 20, 1400, 65535};

START_TEST(windows_and_memory_see_the_same)
{
    struct source source;
    unsigned count = 300; /* several windows of a mebibyte */

    send_open();
    for (unsigned i = 0; i < count; i++) {
        send_add(lengths[i % 6], 1000 + i, (uint8_t)i);
    }
    send_done();
    ck_assert(source_open(&source, send_path(), _i == 1));
    ck_assert_int_eq(source.whole, _i == 1);
    ck_assert(source_verify(&source));
    ck_assert_int_eq(walk(&source), (int)count);
    ck_assert_int_eq(walk(&source), (int)count); /* again, from the start */
    source_close(&source);
}
END_TEST

/* Opens, verifies and walks; what was told on stderr. */
static char *problem(bool whole, bool *verified, int *walked)
{
    struct source source;

    support_capture();
    int error = dup(STDERR_FILENO);
    (void)dup2(STDOUT_FILENO, STDERR_FILENO);
    *verified = source_open(&source, send_path(), whole) && source_verify(&source);
    *walked = *verified ? walk(&source) : 0;
    source_close(&source);
    (void)fflush(stderr);
    (void)dup2(error, STDERR_FILENO);
    (void)close(error);
    return support_captured();
}

START_TEST(each_length_cut_short)
{
    bool verified;
    int walked;

    for (int cut = 1; cut < 40; cut++) {
        send_open();
        send_add(20, 1000, 0);
        send_add(40, 1001, 1);
        send_done();
        ck_assert_int_eq(truncate(send_path(), 60 - cut), 0);
        for (int whole = 0; whole < 2; whole++) {
            char *text = problem(whole == 1, &verified, &walked);
            ck_assert_int_eq(verified, whole == 0); /* in memory it is seen before sending */
            ck_assert_int_eq(walked, whole == 0 ? -1 : 0);
            ck_assert_contains(text, "offset 20: the file ends inside a message");
            free(text);
        }
    }
}
END_TEST

static const struct {
    uint8_t octets[4];
    const char *text;
} damages[] = {
    {{0, 9, 0, 20}, "offset 20: not an IPFIX Message (version 9)"},
    {{0, 10, 0, 15}, "offset 20: bad length of an IPFIX Message (15 octets)"},
    {{0, 10, 0, 0}, "offset 20: bad length of an IPFIX Message (0 octets)"},
    {{0, 10, 0xff, 0xff}, "offset 20: the file ends inside a message (20 octets of it are there)"},
};

START_TEST(damages_are_told_with_their_place)
{
    bool verified;
    int walked;

    send_open();
    send_add(20, 1000, 0);
    send_add(20, 1001, 1);
    ck_assert_int_eq(fseek(send_file, 20, SEEK_SET), 0);
    ck_assert_uint_eq(fwrite(damages[_i].octets, 1, 4, send_file), 4);
    send_done();
    char *text = problem(true, &verified, &walked);
    ck_assert(!verified);
    ck_assert_contains(text, damages[_i].text);
    free(text);
}
END_TEST

START_TEST(nothing_to_send)
{
    bool verified;
    int walked;

    send_open();
    send_done();
    char *text = problem(false, &verified, &walked);
    ck_assert(!verified);
    ck_assert_contains(text, "the file is empty");
    free(text);
    ck_assert_int_eq(unlink(send_path()), 0);
    text = problem(false, &verified, &walked);
    ck_assert_contains(text, "flows.ipfix: No such file or directory");
    free(text);
    ck_assert_int_eq(mkdir(send_path(), 0755), 0);
    text = problem(false, &verified, &walked);
    ck_assert_contains(text, "is a directory");
    free(text);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("source");
    tcase_add_checked_fixture(tcase, support_make_folder, support_remove_folder);
    tcase_add_loop_test(tcase, windows_and_memory_see_the_same, 0, 2);
    tcase_add_test(tcase, each_length_cut_short);
    tcase_add_loop_test(tcase, damages_are_told_with_their_place, 0,
                        sizeof(damages) / sizeof(damages[0]));
    tcase_add_test(tcase, nothing_to_send);
    return support_run(tcase, "ipfixsend_source");
}
