/* SPDX-License-Identifier: BSD-3-Clause */
/* Transport Sessions: the names logs show, and identities never used twice. */

#include "collector_support.h"
#include "ipfix/decoder.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static void expect_name(const struct ipfix_session_info *info, const char *name)
{
    const struct ipfix_session *session = ipfix_session_create(info);
    ck_assert_ptr_nonnull(session);
    ck_assert_str_eq(session->name, name);
    ipfix_session_unref(session);
}

START_TEST(names)
{
    struct ipfix_session_info info = {.transport = IPFIX_TRANSPORT_UDP};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(4739)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(65535)};

    expect_name(&info, "unknown peer");
    ck_assert_int_eq(inet_pton(AF_INET, "192.0.2.1", &in.sin_addr), 1);
    memcpy(&info.peer, &in, sizeof(in));
    expect_name(&info, "192.0.2.1:4739");
    ck_assert_int_eq(inet_pton(AF_INET6, "2001:db8::1", &in6.sin6_addr), 1);
    memcpy(&info.peer, &in6, sizeof(in6));
    expect_name(&info, "[2001:db8::1]:65535");
    info = (struct ipfix_session_info){.transport = IPFIX_TRANSPORT_FILE, .file = "/data/a.ipfix"};
    expect_name(&info, "/data/a.ipfix");
}
END_TEST

START_TEST(file_names_are_copied_and_long_ones_cut_in_logs_only)
{
    char path[300];
    struct ipfix_session_info info = {.transport = IPFIX_TRANSPORT_FILE, .file = path};

    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    const struct ipfix_session *session = ipfix_session_create(&info);
    ck_assert_uint_eq(strlen(session->name), sizeof(session->name) - 1);
    path[0] = 'y';
    ck_assert_uint_eq(strlen(session->info.file), sizeof(path) - 1);
    ck_assert_int_eq(session->info.file[0], 'x');
    ipfix_session_unref(session);
    ipfix_session_unref(NULL);
}
END_TEST

START_TEST(ids_are_unique)
{
    struct ipfix_session_info info = {.transport = IPFIX_TRANSPORT_TCP};
    const struct ipfix_session *a = ipfix_session_create(&info);
    const struct ipfix_session *b = ipfix_session_create(&info);
    uint64_t id = b->id;

    ck_assert_uint_ne(a->id, 0);
    ck_assert_uint_ne(a->id, b->id);
    ipfix_session_unref(b);
    b = ipfix_session_create(&info);
    ck_assert_uint_gt(b->id, id);
    ck_assert_ptr_eq(ipfix_session_ref(a), a);
    ipfix_session_unref(a);
    ck_assert_str_eq(a->name, "unknown peer"); /* one reference is left */
    ipfix_session_unref(a);
    ipfix_session_unref(b);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("session");
    tcase_add_test(tcase, names);
    tcase_add_test(tcase, file_names_are_copied_and_long_ones_cut_in_logs_only);
    tcase_add_test(tcase, ids_are_unique);
    return support_run(tcase, "session");
}
