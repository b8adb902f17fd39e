/* SPDX-License-Identifier: BSD-3-Clause */
/* Streams cut into messages: framing alone, and the TCP input over loopback. */
#include "fake_host.h"
#include "message_builder.h"

#include <ipfixcol/framing.h>
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* The beginning of the plugin's options. */
struct settings {
    uint16_t port;
    char *address;
    struct col_option_list tls;
};

extern const struct col_plugin col_plugin;

static struct settings settings = {.address = "127.0.0.1"};
static void *state;
static struct message_builder b;

static void setup(void)
{
    fake_host_reset();
    settings.port = fake_host_free_port(SOCK_STREAM);
    ck_assert_uint_eq(col_plugin.options_size, sizeof(settings));
    ck_assert_int_eq(col_plugin.create(NULL, &settings, &state), COL_OK);
}

static void teardown(void)
{
    col_plugin.destroy(state);
    ck_assert_uint_eq(fake_host.opened, fake_host.closed);
}

static int client(void)
{
    int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(settings.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void send_all(int fd, const uint8_t *octets, size_t length)
{
    ck_assert_int_eq(send(fd, octets, length, MSG_NOSIGNAL), (ssize_t)length);
}

/* Receives until nothing is there any more. */
static void receive(void)
{
    uint64_t one = 1;
    for (unsigned i = 0; i < 20; i++) {
        usleep(2000); /* the kernel may hand over what was sent a little later */
        ck_assert_int_eq(write(fake_host.stop_fd, &one, sizeof(one)), (ssize_t)sizeof(one));
        ck_assert_int_eq(col_plugin.receive(state), COL_OK);
    }
}

static void build(uint32_t word)
{
    message_start(&b, 1, 0);
    message_set(&b, 256);
    message_u32(&b, word);
    message_end(&b);
}

START_TEST(framing_needs_the_header_first)
{
    size_t length = 0;
    build(5);
    for (size_t there = 0; there < b.length; there++) {
        ck_assert_int_eq(ipfix_framing_next(b.octets, there, &length), COL_EOF);
    }
    ck_assert_int_eq(ipfix_framing_next(b.octets, b.length, &length), COL_OK);
    ck_assert_uint_eq(length, b.length);
    ck_assert_int_eq(ipfix_framing_next(b.octets, b.length + 1, &length), COL_OK);
    ck_assert_uint_eq(length, b.length);
}
END_TEST

START_TEST(framing_refuses_what_starts_no_message)
{
    size_t length;
    build(5);
    message_patch_u16(&b, 0, 9);
    ck_assert_int_eq(ipfix_framing_next(b.octets, 1, &length), COL_EOF);
    ck_assert_int_eq(ipfix_framing_next(b.octets, 2, &length), COL_ERR_MALFORMED);
    message_patch_u16(&b, 0, 10);
    for (unsigned said = 0; said < 16; said++) {
        message_patch_u16(&b, 2, (uint16_t)said);
        ck_assert_int_eq(ipfix_framing_next(b.octets, 4, &length), COL_ERR_MALFORMED);
    }
    message_patch_u16(&b, 2, 65535);
    ck_assert_int_eq(ipfix_framing_next(b.octets, 65534, &length), COL_EOF);
    ck_assert_int_eq(ipfix_framing_next(b.octets, 65535, &length), COL_OK);
}
END_TEST

START_TEST(one_octet_at_a_time)
{
    int fd = client();
    build(0x01020304);
    for (unsigned message = 1; message <= 2; message++) {
        for (size_t i = 0; i < b.length; i++) {
            send_all(fd, b.octets + i, 1);
            receive();
            ck_assert_uint_eq(fake_host.messages, i + 1 < b.length ? message - 1 : message);
        }
    }
    ck_assert_uint_eq(fake_host.last_word, 0x01020304);
    ck_assert_int_eq(fake_host.last_info.peer.ss_family, AF_INET);
    close(fd);
    receive();
    ck_assert_uint_eq(fake_host.closed, 1);
    ck_assert_uint_eq(fake_host.logs[COL_LOG_WARNING], 0);
}
END_TEST

START_TEST(many_and_largest_messages)
{
    int fd = client();
    uint64_t octets = 0;
    for (uint32_t i = 0; i < 500; i++) {
        build(i);
        send_all(fd, b.octets, b.length);
        octets += b.length;
    }
    message_start(&b, 1, 0);
    message_set(&b, 256);
    message_fill(&b, 7, 65535 - 20);
    message_end(&b);
    send_all(fd, b.octets, b.length);
    octets += b.length;
    receive();
    ck_assert_uint_eq(fake_host.messages, 501);
    ck_assert_uint_eq(fake_host.octets, octets);
    close(fd);
    receive();
}
END_TEST

START_TEST(bad_framing_closes_only_its_connection)
{
    int good = client();
    int bad = client();
    build(1);
    send_all(bad, b.octets, b.length);
    send_all(bad, (const uint8_t *)"GET / HTTP/1.0", 14);
    send_all(good, b.octets, b.length);
    receive();
    ck_assert_uint_eq(fake_host.messages, 2);
    ck_assert_uint_eq(fake_host.closed, 1);
    ck_assert_uint_eq(fake_host.logs[COL_LOG_WARNING], 1);
    ck_assert_ptr_nonnull(strstr(fake_host.last_log, "version doesn't match"));
    ck_assert_uint_eq(fake_host.malformed, 1);
    ck_assert_uint_eq(fake_host.counters[1], 1);
    send_all(good, b.octets, b.length);
    receive();
    ck_assert_uint_eq(fake_host.messages, 3);
    close(good);
    close(bad);
    receive();
    ck_assert_uint_eq(fake_host.closed, 2);
}
END_TEST

START_TEST(end_inside_a_message_is_told)
{
    int fd = client();
    build(1);
    send_all(fd, b.octets, b.length - 1);
    close(fd);
    receive();
    ck_assert_uint_eq(fake_host.malformed, 1);
    ck_assert_uint_eq(fake_host.messages, 0);
    ck_assert_uint_eq(fake_host.closed, 1);
    ck_assert_ptr_nonnull(strstr(fake_host.last_log, "inside a message"));
}
END_TEST

START_TEST(slow_sender_blocks_nobody)
{
    int slow = client();
    int fast = client();
    build(1);
    send_all(slow, b.octets, 10);
    for (unsigned i = 0; i < 10; i++) {
        send_all(fast, b.octets, b.length);
    }
    receive();
    ck_assert_uint_eq(fake_host.messages, 10);
    close(slow);
    close(fast);
}
END_TEST

START_TEST(what_arrived_before_the_stop_is_taken)
{
    int served = client();
    receive();
    int waiting = client(); /* still in the listener's queue */
    for (uint32_t i = 0; i < 3; i++) {
        build(i);
        send_all(served, b.octets, b.length);
        send_all(waiting, b.octets, b.length);
    }
    build(9);
    send_all(served, b.octets, b.length - 1); /* no whole message */
    close(waiting);
    col_plugin.destroy(state);
    ck_assert_uint_eq(fake_host.messages, 6);
    ck_assert_uint_eq(fake_host.opened, 2);
    ck_assert_uint_eq(fake_host.closed, 2);
    close(served);
    state = NULL;
}
END_TEST

/* Sends `b` until the collector closes its side, then closes its own, as forwarding does. */
static atomic_uint sent_count;

static void *send_until_told(void *argument)
{
    int fd = *(int *)argument;
    uint8_t octet;

    while (recv(fd, &octet, 1, MSG_DONTWAIT) != 0) {
        if (send(fd, b.octets, b.length, MSG_NOSIGNAL) != (ssize_t)b.length) {
            break;
        }
        atomic_fetch_add(&sent_count, 1);
    }
    close(fd);
    return NULL;
}

START_TEST(who_listens_to_the_end_loses_nothing)
{
    pthread_t threads[4];
    int fds[4];

    build(7); /* once: the threads only read it */
    for (unsigned i = 0; i < 4; i++) {
        fds[i] = client();
        ck_assert_int_eq(pthread_create(&threads[i], NULL, send_until_told, &fds[i]), 0);
    }
    receive();
    col_plugin.destroy(state);
    state = NULL;
    for (unsigned i = 0; i < 4; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    ck_assert_uint_gt(fake_host.messages, 100);
    ck_assert_uint_eq(fake_host.messages, atomic_load(&sent_count));
}
END_TEST

START_TEST(who_does_not_listen_is_not_waited_for)
{
    int fd = client();
    struct timespec before, after;

    build(1);
    send_all(fd, b.octets, b.length);
    receive();
    clock_gettime(CLOCK_MONOTONIC, &before);
    col_plugin.destroy(state);
    clock_gettime(CLOCK_MONOTONIC, &after);
    state = NULL;
    ck_assert_int_lt(after.tv_sec - before.tv_sec, 5);
    ck_assert_uint_eq(fake_host.messages, 1);
    close(fd);
}
END_TEST

START_TEST(connections_leave_descriptors_to_storages)
{
    enum { CLIENTS = 25, LIMIT = 64, KEPT = 16 };
    struct rlimit limit = {.rlim_cur = LIMIT, .rlim_max = LIMIT};
    int clients[CLIENTS], files[LIMIT];
    unsigned count = 0;

    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = client();
    }
    receive();
    ck_assert_uint_gt(fake_host.opened, 0);
    ck_assert_uint_lt(fake_host.opened, CLIENTS);
    ck_assert_uint_eq(fake_host.logs[COL_LOG_ERROR], 1);
    ck_assert_ptr_nonnull(strstr(fake_host.last_log, "limit of 64 open files is reached (16 are"));
    while ((files[count] = dup(clients[0])) >= 0) {
        count++;
    }
    ck_assert_uint_eq(count, KEPT);
    while (count > 0) {
        close(files[--count]);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        close(clients[i]);
    }
    receive();
    ck_assert_uint_eq(fake_host.opened, CLIENTS);
    ck_assert_uint_eq(fake_host.closed, CLIENTS);
}
END_TEST

START_TEST(tls_is_refused)
{
    struct settings tls = settings;
    void *other = NULL;
    tls.port = fake_host_free_port(SOCK_STREAM);
    tls.tls.count = 1;
    ck_assert_int_eq(col_plugin.create(NULL, &tls, &other), COL_ERR);
    ck_assert_ptr_nonnull(strstr(fake_host.last_log, "TLS is not available"));
    ck_assert_ptr_null(other);
}
END_TEST

START_TEST(bad_addresses_are_refused)
{
    struct settings bad = settings;
    void *other = NULL;
    bad.address = "not an address";
    ck_assert_int_eq(col_plugin.create(NULL, &bad, &other), COL_ERR);
    bad.address = "127.0.0.1"; /* in use */
    ck_assert_int_eq(col_plugin.create(NULL, &bad, &other), COL_ERR);
    ck_assert_uint_eq(fake_host.logs[COL_LOG_ERROR], 2);
    col_plugin.destroy(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("input_tcp");
    TCase *tcase = tcase_create("input_tcp");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, framing_needs_the_header_first);
    tcase_add_test(tcase, framing_refuses_what_starts_no_message);
    tcase_add_test(tcase, one_octet_at_a_time);
    tcase_add_test(tcase, many_and_largest_messages);
    tcase_add_test(tcase, bad_framing_closes_only_its_connection);
    tcase_add_test(tcase, end_inside_a_message_is_told);
    tcase_add_test(tcase, slow_sender_blocks_nobody);
    tcase_add_test(tcase, what_arrived_before_the_stop_is_taken);
    tcase_add_test(tcase, who_listens_to_the_end_loses_nothing);
    tcase_add_test(tcase, who_does_not_listen_is_not_waited_for);
    tcase_add_test(tcase, connections_leave_descriptors_to_storages);
    tcase_add_test(tcase, tls_is_refused);
    tcase_add_test(tcase, bad_addresses_are_refused);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
