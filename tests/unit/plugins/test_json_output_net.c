/* SPDX-License-Identifier: BSD-3-Clause */
/* JSON over the network: receivers that come and go, clients that are slow. */

#include "col_double.h"
#include "output.h"

#include <check.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct col_instance instance;
static struct output_options options;

static int bound(int type, uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(*port)};
    socklen_t size = sizeof(address);
    int one = 1;
    int fd = socket(AF_INET, type, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static int listening(uint16_t *port)
{
    int fd = bound(SOCK_STREAM, port);
    ck_assert_int_eq(listen(fd, 5), 0);
    return fd;
}

static int client(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* Octets that come within 5 s, up to `wanted`. */
static size_t receive(int fd, char *text, size_t wanted)
{
    size_t got = 0;
    struct pollfd p = {.fd = fd, .events = POLLIN};

    while (got < wanted && poll(&p, 1, 5000) == 1) {
        ssize_t n = recv(fd, text + got, wanted - got, 0);
        if (n <= 0) {
            break;
        }
        got += (size_t)n;
    }
    text[got] = '\0';
    return got;
}

static void setup(void)
{
    memset(&instance, 0, sizeof(instance));
    options = (struct output_options){
        .type = OUTPUT_SEND, .ip = (char *)(uintptr_t) "127.0.0.1", .protocol = OUTPUT_TCP};
}

static struct output *make(void)
{
    return output_create((col_instance_t *)&instance, &options);
}

START_TEST(send_over_tcp)
{
    char text[64];
    int listener = listening(&options.port);
    struct output *o = make();
    ck_assert_ptr_nonnull(o);
    int fd = accept(listener, NULL, NULL);

    ck_assert(o->write(o, "one\n", 4));
    ck_assert(o->write(o, "two\n", 4));
    ck_assert_uint_eq(receive(fd, text, 8), 8);
    ck_assert_str_eq(text, "one\ntwo\n");
    o->destroy(o);
    ck_assert_int_eq(recv(fd, text, 1, 0), 0);
    close(fd);
    close(listener);
}
END_TEST

START_TEST(send_over_udp)
{
    char text[64];
    options.protocol = OUTPUT_UDP;
    int fd = bound(SOCK_DGRAM, &options.port);
    struct output *o = make();

    ck_assert(o->write(o, "one\n", 4));
    ck_assert_uint_eq(receive(fd, text, 4), 4);
    ck_assert_str_eq(text, "one\n");
    o->destroy(o);
    close(fd);
}
END_TEST

START_TEST(a_receiver_that_is_not_there_is_an_error_at_start)
{
    uint16_t port = 0;
    close(bound(SOCK_STREAM, &port));
    options.port = port;
    ck_assert_ptr_null(make());
    ck_assert_uint_eq(col_double_logged(&instance, "ERROR: cannot connect to 127.0.0.1:"), 1);
}
END_TEST

START_TEST(connects_again)
{
    char text[64];
    int listener = listening(&options.port);
    struct output *o = make();
    int fd = accept(listener, NULL, NULL);
    unsigned lost = 0;

    close(fd);
    close(listener);
    for (int i = 0; i < 200 && lost < 3; i++) {
        lost += !o->write(o, "gone\n", 5);
        usleep(1000);
    }
    ck_assert_uint_eq(lost, 3);
    ck_assert_uint_eq(col_double_logged(&instance, "is lost, reconnecting"), 1);
    o->tick(o, 5000); /* nobody listens */
    ck_assert(!o->write(o, "gone\n", 5));
    listener = listening(&options.port);
    o->tick(o, 5100); /* too early for another attempt */
    ck_assert(!o->write(o, "gone\n", 5));
    o->tick(o, 7000);
    fd = accept(listener, NULL, NULL);
    ck_assert(o->write(o, "back\n", 5));
    ck_assert_uint_eq(receive(fd, text, 5), 5);
    ck_assert_str_eq(text, "back\n");
    ck_assert_uint_eq(col_double_logged(&instance, "5 records were lost"), 1);
    o->destroy(o);
    close(fd);
    close(listener);
}
END_TEST

static uint64_t spent_ms(uint64_t since_ms)
{
    return col_clock_ms() - since_ms;
}

/* A listener whose queue is full answers nothing, as an address where packets vanish. */
START_TEST(connecting_does_not_stop_the_others)
{
    int listener = bound(SOCK_STREAM, &options.port);
    ck_assert_int_eq(listen(listener, 5), 0);
    struct output *o = make();
    int fd = accept(listener, NULL, NULL);
    int fill[8];
    bool lost = false;

    close(fd);
    for (int i = 0; i < 200 && !lost; i++) {
        lost = !o->write(o, "gone\n", 5);
        usleep(1000);
    }
    ck_assert(lost);
    ck_assert_int_eq(listen(listener, 0), 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(options.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < 8; i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fill[i], (struct sockaddr *)&address, sizeof(address));
    }
    uint64_t began_ms = col_clock_ms();
    for (uint64_t now_ms = 10000; now_ms < 30000; now_ms += 100) {
        o->tick(o, now_ms);
        ck_assert(!o->write(o, "lost\n", 5));
    }
    ck_assert_uint_lt(spent_ms(began_ms), 3000);
    o->destroy(o);
    for (int i = 0; i < 8; i++) {
        close(fill[i]);
    }
    close(listener);
}
END_TEST

/* Who takes a little now and then does not hold up everything for ever. */
START_TEST(a_line_has_one_deadline)
{
    static char line[8 << 20];
    int listener = listening(&options.port);
    struct output *o = make();
    int fd = accept(listener, NULL, NULL);

    memset(line, 'x', sizeof(line));
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 40; i++) { /* 20 s, some octets every half a second */
            (void)recv(fd, line, 65536, MSG_DONTWAIT);
            usleep(500000);
        }
        _exit(0);
    }
    uint64_t began_ms = col_clock_ms();
    instance.stopping = _i == 1;
    ck_assert(!o->write(o, line, sizeof(line)));
    ck_assert_uint_lt(spent_ms(began_ms), _i == 1 ? 3000 : 10000);
    ck_assert(!o->write(o, "next\n", 5));
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    o->destroy(o);
    close(fd);
    close(listener);
}
END_TEST

static struct output *serve(int blocking)
{
    uint16_t port = 0;
    close(bound(SOCK_STREAM, &port));
    options = (struct output_options){.type = OUTPUT_SERVER, .port = port, .blocking = blocking};
    return make();
}

START_TEST(clients_of_a_server_get_lines_from_when_they_came)
{
    char text[64];
    struct output *o = serve(OUTPUT_BLOCKING_YES);
    ck_assert_ptr_nonnull(o);

    ck_assert(o->write(o, "early\n", 6)); /* nobody is there: no loss */
    int a = client(options.port);
    o->tick(o, 1);
    ck_assert(o->write(o, "one\n", 4));
    int b = client(options.port);
    o->tick(o, 2);
    ck_assert(o->write(o, "two\n", 4));
    ck_assert_uint_eq(receive(a, text, 8), 8);
    ck_assert_str_eq(text, "one\ntwo\n");
    ck_assert_uint_eq(receive(b, text, 4), 4);
    ck_assert_str_eq(text, "two\n");
    close(a);
    o->tick(o, 3);
    ck_assert_uint_eq(col_double_logged(&instance, "a client has gone, 1 left"), 1);
    ck_assert(o->write(o, "three\n", 6));
    o->destroy(o);
    close(b);
}
END_TEST

START_TEST(a_slow_client_skips_whole_lines_only)
{
    enum { LINE = 1000, LINES = 20000 };
    char line[LINE + 1];
    unsigned skipped = 0;
    struct output *o = serve(OUTPUT_BLOCKING_NO);
    int fd = client(options.port);

    o->tick(o, 1);
    for (unsigned i = 0; i < LINES; i++) {
        (void)snprintf(line, sizeof(line), "%08u%0991u", i, 7u);
        line[LINE - 1] = '\n';
        skipped += !o->write(o, line, LINE);
    }
    ck_assert_uint_gt(skipped, 0);
    char got[LINE + 1];
    unsigned lines = 0;
    long last = -1;
    /* The rest of the line cut by the full socket comes with the ticks. */
    while (lines < LINES - skipped) {
        o->tick(o, 2);
        if (receive(fd, got, LINE) < LINE) {
            break;
        }
        ck_assert_int_eq(got[LINE - 1], '\n');
        got[8] = '\0';
        ck_assert_int_gt(atol(got), last);
        last = atol(got);
        lines++;
    }
    ck_assert_uint_eq(lines, LINES - skipped);
    o->destroy(o);
    close(fd);
}
END_TEST

START_TEST(a_server_says_what_is_missing)
{
    options = (struct output_options){.type = OUTPUT_SERVER, .blocking = OUTPUT_BLOCKING_UNSET};
    ck_assert(!output_check((col_instance_t *)&instance, &options));
    ck_assert_uint_eq(col_double_logged(&instance, "needs blocking: yes or no"), 1);
    uint16_t port = 0;
    int taken = listening(&port);
    options = (struct output_options){
        .type = OUTPUT_SERVER, .port = port, .blocking = OUTPUT_BLOCKING_YES};
    ck_assert_ptr_null(make());
    ck_assert_uint_eq(col_double_logged(&instance, "cannot listen on port"), 1);
    close(taken);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("output_net");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, send_over_tcp);
    tcase_add_test(tests, send_over_udp);
    tcase_add_test(tests, a_receiver_that_is_not_there_is_an_error_at_start);
    tcase_add_test(tests, connects_again);
    tcase_add_test(tests, connecting_does_not_stop_the_others);
    tcase_add_loop_test(tests, a_line_has_one_deadline, 0, 2);
    tcase_add_test(tests, clients_of_a_server_get_lines_from_when_they_came);
    tcase_add_test(tests, a_slow_client_skips_whole_lines_only);
    tcase_add_test(tests, a_server_says_what_is_missing);
    Suite *suite = suite_create("json_output_net");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
