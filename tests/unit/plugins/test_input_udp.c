/* SPDX-License-Identifier: BSD-3-Clause */
/* Exporters over UDP: the table of peers, and the input over loopback. */
#include "fake_host.h"
#include "message_builder.h"
#include "peers.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The plugin's options. */
struct settings {
    uint16_t port;
    struct col_option_list addresses;
    uint32_t template_s;
    uint32_t options_template_s;
    uint32_t template_messages;
    uint32_t options_template_messages;
    uint32_t receive_buffer;
    uint32_t timeout_s;
    uint32_t max_sessions;
};

extern const struct col_plugin col_plugin;

static struct settings settings = {.template_s = 11,
                                   .options_template_s = 12,
                                   .template_messages = 13,
                                   .options_template_messages = 14,
                                   .receive_buffer = 65536,
                                   .timeout_s = 600,
                                   .max_sessions = 4};
static void *state;
static struct message_builder b;

static void setup(void)
{
    fake_host_reset();
    settings.port = fake_host_free_port(SOCK_DGRAM);
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
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(settings.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void send_message(int fd)
{
    message_start(&b, 1, 0);
    message_end(&b);
    ck_assert_int_eq(send(fd, b.octets, b.length, 0), (ssize_t)b.length);
}

static void receive(void)
{
    uint64_t one = 1;
    for (unsigned i = 0; i < 5; i++) {
        usleep(2000); /* the kernel may hand over what was sent a little later */
        ck_assert_int_eq(write(fake_host.stop_fd, &one, sizeof(one)), (ssize_t)sizeof(one));
        ck_assert_int_eq(col_plugin.receive(state), COL_OK);
    }
}

static struct sockaddr_storage make_peer(const char *text, uint16_t port)
{
    struct sockaddr_storage address = {0};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    ck_assert_int_eq(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    memcpy(&address, &in6, sizeof(in6));
    peer_unmap(&address);
    return address;
}

START_TEST(peers_are_found_and_ordered)
{
    struct peers peers;
    struct sockaddr_storage a = make_peer("2001:db8::1", 1);
    struct sockaddr_storage other_port = make_peer("2001:db8::1", 2);
    struct sockaddr_storage v4 = make_peer("::ffff:192.0.2.1", 1);
    ck_assert_int_eq(v4.ss_family, AF_INET);
    ck_assert_int_eq(peers_init(&peers, 3), COL_OK);
    struct peer *pa = peers_add(&peers, &a, 1);
    struct peer *pb = peers_add(&peers, &other_port, 2);
    struct peer *pc = peers_add(&peers, &v4, 3);
    ck_assert_ptr_null(peers_add(&peers, &a, 4)); /* three are the most */
    ck_assert_ptr_eq(peers_find(&peers, &other_port, 5), pb);
    ck_assert_ptr_eq(peers_find(&peers, &a, 6), pa);
    ck_assert_ptr_eq(peers.oldest, pc);
    ck_assert_ptr_eq(peers.newest, pa);
    peers_remove(&peers, pc);
    ck_assert_ptr_null(peers_find(&peers, &v4, 7));
    ck_assert_ptr_eq(peers.oldest, pb);
    peers_clear(&peers);
}
END_TEST

START_TEST(many_peers)
{
    struct peers peers;
    ck_assert_int_eq(peers_init(&peers, 5000), COL_OK);
    struct sockaddr_storage address = make_peer("::ffff:192.0.2.1", 0);
    struct sockaddr_in in;
    memcpy(&in, &address, sizeof(in));
    for (unsigned i = 0; i < 5000; i++) {
        in.sin_port = (in_port_t)i;
        memcpy(&address, &in, sizeof(in));
        ck_assert_ptr_nonnull(peers_add(&peers, &address, i));
    }
    for (unsigned i = 0; i < 5000; i += 2) {
        in.sin_port = (in_port_t)i;
        memcpy(&address, &in, sizeof(in));
        peers_remove(&peers, peers_find(&peers, &address, 6000));
        ck_assert_ptr_null(peers_find(&peers, &address, 6000));
    }
    ck_assert_uint_eq(peers.count, 2500);
    peers_clear(&peers);
}
END_TEST

START_TEST(one_session_per_peer)
{
    int a = client();
    int c = client();
    for (unsigned i = 0; i < 100; i++) {
        send_message(a);
    }
    send_message(c);
    receive();
    ck_assert_uint_eq(fake_host.messages, 101);
    ck_assert_uint_eq(fake_host.opened, 2);
    ck_assert_int_eq(fake_host.last_info.transport, IPFIX_TRANSPORT_UDP);
    ck_assert_int_eq(fake_host.last_info.peer.ss_family, AF_INET);
    ck_assert_uint_eq(fake_host.last_info.lifetimes.template_s, 11);
    ck_assert_uint_eq(fake_host.last_info.lifetimes.options_template_s, 12);
    ck_assert_uint_eq(fake_host.last_info.lifetimes.template_messages, 13);
    ck_assert_uint_eq(fake_host.last_info.lifetimes.options_template_messages, 14);
    close(a);
    close(c);
}
END_TEST

START_TEST(largest_datagram_is_whole)
{
    int fd = client();
    message_start(&b, 1, 0);
    message_set(&b, 256);
    message_fill(&b, 0, 65507 - 20 - 4);
    message_u32(&b, 0xCAFEF00D);
    message_end(&b);
    ck_assert_int_eq(send(fd, b.octets, b.length, 0), 65507);
    receive();
    ck_assert_uint_eq(fake_host.octets, 65507);
    ck_assert_uint_eq(fake_host.last_word, 0xCAFEF00D);
    close(fd);
}
END_TEST

START_TEST(foreign_datagrams_open_no_session)
{
    int fd = client();
    message_start(&b, 1, 0);
    message_end(&b);
    for (unsigned length = 0; length < 16; length++) {
        ck_assert_int_eq(send(fd, b.octets, length, 0), (ssize_t)length);
    }
    message_patch_u16(&b, 0, 7);
    ck_assert_int_eq(send(fd, b.octets, 16, 0), 16);
    receive();
    ck_assert_uint_eq(fake_host.opened, 0);
    ck_assert_uint_eq(fake_host.counters[0], 17);
    ck_assert_ptr_nonnull(strstr(fake_host.last_log, "127.0.0.1"));
    close(fd);
}
END_TEST

START_TEST(silent_exporters_end)
{
    int a = client();
    int c = client();
    send_message(a);
    receive();
    fake_host.now_ms += 400000;
    send_message(c);
    receive();
    fake_host.now_ms += 200001;
    ck_assert_int_eq(col_plugin.tick(state, fake_host.now_ms), COL_OK);
    ck_assert_uint_eq(fake_host.closed, 1);
    send_message(a); /* comes back as a new session */
    receive();
    ck_assert_uint_eq(fake_host.opened, 3);
    close(a);
    close(c);
}
END_TEST

START_TEST(sessions_are_bounded)
{
    int fds[10];
    for (unsigned i = 0; i < 10; i++) {
        fds[i] = client();
        send_message(fds[i]);
        receive();
    }
    ck_assert_uint_eq(fake_host.opened, 10);
    ck_assert_uint_eq(fake_host.closed, 6);
    ck_assert_uint_eq(fake_host.counters[1], 6);
    send_message(fds[9]); /* the latest ones are still known */
    receive();
    ck_assert_uint_eq(fake_host.opened, 10);
    for (unsigned i = 0; i < 10; i++) {
        close(fds[i]);
    }
}
END_TEST

START_TEST(kernel_drops_are_counted)
{
    int fd = client();
    message_start(&b, 1, 0);
    message_set(&b, 256);
    message_fill(&b, 0, 8000);
    message_end(&b);
    for (unsigned i = 0; i < 200; i++) { /* far more than the buffer holds */
        ck_assert_int_eq(send(fd, b.octets, b.length, 0), (ssize_t)b.length);
    }
    receive();
    send_message(fd); /* carries the count of those dropped before */
    receive();
    ck_assert_uint_lt(fake_host.messages, 201);
    ck_assert_uint_eq(fake_host.messages + fake_host.lost, 201);
    close(fd);
}
END_TEST

START_TEST(addresses)
{
    struct address {
        char *text;
    } list[] = {{"127.0.0.1"}, {"::1"}};
    struct settings several = settings;
    void *other = NULL;
    several.port = fake_host_free_port(SOCK_DGRAM);
    several.addresses = (struct col_option_list){list, 2};
    ck_assert_int_eq(col_plugin.create(NULL, &several, &other), COL_OK);
    col_plugin.destroy(other);
    list[1].text = "localhost";
    ck_assert_int_eq(col_plugin.create(NULL, &several, &other), COL_ERR);
    ck_assert_ptr_nonnull(strstr(fake_host.last_log, "localhost"));
}
END_TEST

START_TEST(what_arrived_before_the_stop_is_taken)
{
    int fd = client();
    for (unsigned i = 0; i < 100; i++) { /* more than one batch */
        send_message(fd);
    }
    col_plugin.destroy(state);
    ck_assert_uint_eq(fake_host.messages, 100);
    ck_assert_uint_eq(fake_host.opened, 1);
    ck_assert_uint_eq(fake_host.closed, 1);
    close(fd);
    state = NULL;
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("input_udp");
    TCase *tcase = tcase_create("input_udp");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, peers_are_found_and_ordered);
    tcase_add_test(tcase, many_peers);
    tcase_add_test(tcase, one_session_per_peer);
    tcase_add_test(tcase, largest_datagram_is_whole);
    tcase_add_test(tcase, foreign_datagrams_open_no_session);
    tcase_add_test(tcase, silent_exporters_end);
    tcase_add_test(tcase, sessions_are_bounded);
    tcase_add_test(tcase, kernel_drops_are_counted);
    tcase_add_test(tcase, addresses);
    tcase_add_test(tcase, what_arrived_before_the_stop_is_taken);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
