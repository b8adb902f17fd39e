/* SPDX-License-Identifier: BSD-3-Clause */
/* The plugin json: what it counts, and how it ends. */

#include "col_double.h"
#include "decoder_fixture.h"
#include "output.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

extern const struct col_plugin col_plugin;

enum { WRITTEN, LOST }; /* the first counters of the plugin */

static struct col_instance instance;
static struct output_options outputs[2];
static void *settings, *plugin;
static struct decoder_fixture udp;
static struct message_builder b;
static char folder[64];

static const struct col_option *find_row(const char *name)
{
    const struct col_option *row = col_plugin.options;

    while (strcmp(row->name, name) != 0) {
        row++;
        ck_assert_ptr_nonnull(row->name);
    }
    return row;
}

static void setup(void)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/sc-json-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    memset(&instance, 0, sizeof(instance));
    memset(outputs, 0, sizeof(outputs));
    settings = calloc(1, col_plugin.options_size);
    fixture_init(&udp, IPFIX_TRANSPORT_UDP, NULL);
}

static void teardown(void)
{
    char command[128];

    (void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
    fixture_clear(&udp);
    free(settings);
}

static void start(size_t count)
{
    struct col_option_list list = {outputs, count};

    memcpy((char *)settings + find_row("output")->offset, &list, sizeof(list));
    ck_assert_int_eq(col_plugin.create((col_instance_t *)&instance, settings, &plugin), COL_OK);
}

/* Hands over records; elements without a dictionary are left out, the lines are lines still. */
static void process(unsigned records)
{
    message_start(&b, 1, 0);
    message_set(&b, 2);
    message_u16s(&b, 4, 256, 1, 2, 4);
    message_set(&b, 256);
    message_fill(&b, 1, records * 4);
    struct ipfix_message *m = fixture_decode(&udp, &b);
    ck_assert_uint_eq(m->data_record_count, records);
    ck_assert_int_eq(col_plugin.process(plugin, m), COL_OK);
    ipfix_message_unref(m);
}

static void stop(void)
{
    col_plugin.destroy(plugin);
}

static void use_file(struct output_options *options)
{
    *options = (struct output_options){
        .type = OUTPUT_FILE, .path = folder, .window_s = 31536000, .align = true};
}

START_TEST(what_is_in_hand_is_written_and_counted_at_the_end)
{
    use_file(&outputs[0]);
    start(1);
    process(5);
    ck_assert_uint_eq(instance.counters[WRITTEN], 0);
    col_plugin.tick(plugin, 1);
    ck_assert_uint_eq(instance.counters[WRITTEN], 5);
    process(2);
    stop();
    ck_assert_uint_eq(instance.counters[WRITTEN], 7);
    ck_assert_uint_eq(instance.counters[LOST], 0);
}
END_TEST

START_TEST(what_a_full_disk_does_not_take_at_the_end_is_counted)
{
    char command[256];

    use_file(&outputs[0]);
    start(1);
    process(1);
    stop();
    (void)snprintf(command, sizeof(command), "cd '%s' && ln -sf /dev/full *", folder);
    ck_assert_int_eq(system(command), 0);
    start(1);
    process(3);
    stop();
    ck_assert_uint_eq(instance.counters[WRITTEN], 1);
    ck_assert_uint_eq(instance.counters[LOST], 3);
}
END_TEST

/* That would take as long as a name server does not answer, and serve nobody. */
START_TEST(the_end_makes_no_new_connections)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    ck_assert_int_eq(listen(fd, 5), 0);
    outputs[0] = (struct output_options){.type = OUTPUT_SEND,
                                         .ip = (char *)(uintptr_t) "127.0.0.1",
                                         .port = ntohs(address.sin_port),
                                         .protocol = OUTPUT_TCP};
    start(1);
    int taken = accept(fd, NULL, NULL);
    ck_assert_int_ge(taken, 0);
    struct linger reset = {1, 0};
    ck_assert_int_eq(setsockopt(taken, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
    (void)close(taken);
    while (instance.counters[LOST] == 0) {
        process(1);
    }
    stop();
    ck_assert_int_lt(accept(fd, NULL, NULL), 0);
    (void)close(fd);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("json_plugin");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, what_is_in_hand_is_written_and_counted_at_the_end);
    tcase_add_test(tests, what_a_full_disk_does_not_take_at_the_end_is_counted);
    tcase_add_test(tests, the_end_makes_no_new_connections);
    Suite *suite = suite_create("json_plugin");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
