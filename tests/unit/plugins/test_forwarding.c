/* SPDX-License-Identifier: BSD-3-Clause */
/** The plugin `forwarding` over loopback: collectors that come late, stall, die and come back. */
#include "col_double.h"
#include "forwarding.h"
#include "ipfix_build.h"
#include "ipfix_wire.h"

#include <check.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

extern const struct col_plugin col_plugin;

/* ---- collectors ------------------------------------------------------------------------------ */

/** A collector with a thread of its own. The thread alone touches wire, seen and fd. */
struct collector {
    uint16_t port;
    bool udp;
    int receive_buffer; /* 0 = the system's */
    int listener, fd;
    pthread_t thread;
    atomic_bool reading, dying, stopping, dead;
    atomic_bool half_close; /* closes its side of the connection once, and reads on */
    atomic_bool blind;      /* reads without looking: more domains than the wire can hold */
    atomic_uint records, connections, templates;
    struct wire wire;
    uint8_t *seen;
};

static void collector_receive(struct collector *c)
{
    uint8_t octets[65536];
    ssize_t n = recv(c->fd, octets, sizeof(octets), MSG_DONTWAIT);

    if (n > 0 && c->udp) {
        wire_message(&c->wire, octets, (size_t)n, c->seen);
    } else if (n > 0 && !atomic_load(&c->blind)) {
        wire_feed(&c->wire, octets, (size_t)n, c->seen);
    } else if (n == 0 && !c->udp) {
        close(c->fd);
        c->fd = -1;
    }
    atomic_store(&c->records, c->wire.records);
    atomic_store(&c->templates, c->wire.templates);
}

static void collector_accept(struct collector *c)
{
    c->fd = accept(c->listener, NULL, NULL);
    memset(c->wire.domains, 0, sizeof(c->wire.domains));
    c->wire.partial_length = 0;
    atomic_fetch_add(&c->connections, 1);
}

static void *collector_main(void *context)
{
    struct collector *c = context;

    while (!atomic_load(&c->stopping) && !atomic_load(&c->dying)) {
        bool take = c->fd >= 0 && atomic_load(&c->reading);
        if (c->fd >= 0 && atomic_exchange(&c->half_close, false)) {
            (void)shutdown(c->fd, SHUT_WR);
        }
        struct pollfd fds[2] = {{.fd = c->fd < 0 ? c->listener : -1, .events = POLLIN},
                                {.fd = take ? c->fd : -1, .events = POLLIN}};
        if (poll(fds, 2, 5) <= 0) {
            continue;
        }
        if (fds[0].revents != 0) {
            collector_accept(c);
        }
        if (fds[1].revents != 0) {
            collector_receive(c);
        }
    }
    if (c->fd >= 0) {
        close(c->fd);
    }
    if (!c->udp) {
        close(c->listener);
    }
    c->fd = c->listener = -1;
    atomic_store(&c->dead, true);
    return NULL;
}

/** Opens the port, 0 = a free one, and starts to accept; reads at once when `reading`. */
static void collector_start(struct collector *c, bool reading)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(c->port)};
    socklen_t size = sizeof(address);
    int one = 1;
    int fd = socket(AF_INET, c->udp ? SOCK_DGRAM : SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (c->receive_buffer > 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &c->receive_buffer, sizeof(int));
    }
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    c->port = ntohs(address.sin_port);
    c->listener = c->udp ? -1 : fd;
    c->fd = c->udp ? fd : -1;
    if (!c->udp) {
        ck_assert_int_eq(listen(fd, 4), 0);
    }
    if (c->seen == NULL) {
        c->seen = calloc(1, WIRE_NUMBERS);
    }
    atomic_store(&c->reading, reading);
    atomic_store(&c->dying, false);
    atomic_store(&c->stopping, false);
    atomic_store(&c->dead, false);
    ck_assert_int_eq(pthread_create(&c->thread, NULL, collector_main, c), 0);
}

static void collector_kill(struct collector *c)
{
    atomic_store(&c->dying, true);
    pthread_join(c->thread, NULL);
}

static void collector_stop(struct collector *c)
{
    atomic_store(&c->stopping, true);
    pthread_join(c->thread, NULL);
    ck_assert_str_eq(c->wire.problem, "");
}

/** A port nobody listens on. */
static uint16_t free_port(void)
{
    struct collector c = {0};

    collector_start(&c, true);
    collector_stop(&c);
    free(c.seen);
    return c.port;
}

/* ---- the plugin under test ------------------------------------------------------------------- */

static struct col_instance instance;
static struct forwarding_options options;
static struct destination_options rows[2];
static struct collector *collectors[2];
static void *plugin;
static ipfix_decoder_t *decoders[2];
static uint32_t next_number;
static struct ipfix_build build;

static void setup(void)
{
    static char text[2][16] = {"127.0.0.1", "127.0.0.1"};

    memset(&instance, 0, sizeof(instance));
    options = (struct forwarding_options){.distribution = DISTRIBUTION_ROUND_ROBIN,
                                          .default_port = 4739,
                                          .packet_size = 4096,
                                          .reconnection_period_ms = 50,
                                          .udp_refresh_s = 300,
                                          .destinations = {.items = rows, .count = 2}};
    for (unsigned i = 0; i < 2; i++) {
        collectors[i] = calloc(1, sizeof(*collectors[i]));
        rows[i] = (struct destination_options){.ip = text[i]};
        decoders[i] = build_decoder(IPFIX_TRANSPORT_TCP);
    }
    next_number = 0;
    plugin = NULL;
}

static void teardown(void)
{
    for (unsigned i = 0; i < 2; i++) {
        ipfix_decoder_destroy(decoders[i]);
        free(collectors[i]->seen);
        free(collectors[i]);
    }
    build_forget_dictionary();
}

static void plugin_start(void)
{
    for (unsigned i = 0; i < 2; i++) {
        rows[i].port = collectors[i]->port;
    }
    ck_assert_int_eq(col_plugin.create(&instance, &options, &plugin), COL_OK);
}

/** Lets the plugin work for a while, as the collector does when no message comes. */
static void idle(unsigned ms)
{
    for (uint64_t end = col_clock_ms() + ms; col_clock_ms() < end;) {
        struct pollfd fds[8];
        size_t count = col_plugin.poll(plugin, fds, 8);
        (void)poll(fds, (nfds_t)count, 5);
        ck_assert_int_eq(col_plugin.tick(plugin, col_clock_ms()), COL_OK);
    }
}

static void send_built(unsigned source)
{
    struct ipfix_message *message = build_decode(&build, decoders[source]);

    ck_assert_ptr_nonnull(message);
    ck_assert_int_eq(col_plugin.process(plugin, message), COL_OK);
    ipfix_message_unref(message);
}

static void send_template(unsigned source, uint16_t id, uint16_t element, uint16_t padding)
{
    build_begin(&build, 1, 1000);
    build_template(&build, id, element, padding);
    send_built(source);
}

static void send_data(unsigned source, uint16_t id, uint32_t records, uint16_t padding)
{
    build_begin(&build, 1, 1000);
    build_data(&build, id, next_number, records, padding);
    next_number += records;
    send_built(source);
}

static void close_source(unsigned source)
{
    struct ipfix_message *notice;

    while ((notice = ipfix_decoder_close_next(decoders[source])) != NULL) {
        ck_assert_int_eq(col_plugin.process(plugin, notice), COL_OK);
        ipfix_message_unref(notice);
    }
}

/** Waits until the collectors have so many records together. */
static void wait_records(uint32_t count)
{
    for (uint64_t end = col_clock_ms() + 10000; col_clock_ms() < end;) {
        if (atomic_load(&collectors[0]->records) + atomic_load(&collectors[1]->records) >= count) {
            return;
        }
        idle(10);
    }
}

/** How many numbers came never, and how many more than once, over both collectors. */
static void count_numbers(uint32_t *lost, uint32_t *twice)
{
    *lost = *twice = 0;
    for (uint32_t i = 0; i < next_number; i++) {
        unsigned n = 0;
        for (unsigned k = 0; k < 2; k++) {
            n += collectors[k]->seen == NULL ? 0 : collectors[k]->seen[i];
        }
        *lost += n == 0;
        *twice += n > 1;
    }
}

static void check_exactly_once(void)
{
    uint32_t lost, twice;

    count_numbers(&lost, &twice);
    ck_assert_uint_eq(lost, 0);
    ck_assert_uint_eq(twice, 0);
}

static void stop_all(void)
{
    col_plugin.destroy(plugin);
    /* The last octets are in the collectors' sockets now. */
    usleep(50000);
    for (unsigned i = 0; i < 2; i++) {
        if (!atomic_load(&collectors[i]->dead) && collectors[i]->seen != NULL) {
            collector_stop(collectors[i]);
        }
    }
}

/* ---- tests ----------------------------------------------------------------------------------- */

START_TEST(round_robin_spreads_and_loses_nothing)
{
    collector_start(collectors[0], true);
    collector_start(collectors[1], true);
    plugin_start();
    send_template(0, 256, 1, 20);
    for (unsigned i = 0; i < 2000; i++) {
        send_data(0, 256, 30, 20);
    }
    wait_records(next_number);
    stop_all();
    check_exactly_once();
    ck_assert_uint_eq(collectors[0]->wire.records, 30000);
    ck_assert_uint_eq(collectors[1]->wire.records, 30000);
    ck_assert_uint_eq(instance.counters[COUNT_RECORDS], 60000);
    ck_assert_uint_eq(instance.counters[COUNT_DROPPED], 0);
    ck_assert_uint_eq(collectors[0]->wire.templates, 1);
}
END_TEST

START_TEST(all_gives_everything_to_everyone)
{
    options.distribution = DISTRIBUTION_ALL;
    collector_start(collectors[0], true);
    collector_start(collectors[1], true);
    plugin_start();
    send_template(0, 256, 1, 20);
    for (unsigned i = 0; i < 500; i++) {
        send_data(0, 256, 30, 20);
    }
    wait_records(2 * next_number);
    stop_all();
    for (uint32_t i = 0; i < next_number; i++) {
        ck_assert_uint_eq(collectors[0]->seen[i], 1);
        ck_assert_uint_eq(collectors[1]->seen[i], 1);
    }
}
END_TEST

START_TEST(late_destinations_miss_nothing)
{
    options.distribution = _i == 0 ? DISTRIBUTION_ROUND_ROBIN : DISTRIBUTION_ALL;
    collectors[0]->port = free_port();
    collectors[1]->port = free_port();
    plugin_start();
    send_template(0, 256, 1, 20);
    for (unsigned i = 0; i < 1000; i++) {
        send_data(0, 256, 30, 20);
    }
    idle(120);
    ck_assert_uint_eq(col_double_logged(&instance, "All destination disconnected!"), 1);
    collector_start(collectors[0], true);
    idle(200);
    collector_start(collectors[1], true);
    wait_records(_i == 0 ? next_number : 2 * next_number);
    stop_all();
    if (_i == 0) {
        check_exactly_once();
    } else {
        ck_assert_uint_eq(collectors[0]->wire.records, next_number);
        ck_assert_uint_eq(collectors[1]->wire.records, next_number);
    }
    ck_assert_uint_eq(instance.counters[COUNT_DROPPED], 0);
}
END_TEST

START_TEST(stalled_destination_does_not_stall_the_other)
{
    collector_start(collectors[0], false);
    collector_start(collectors[1], true);
    plugin_start();
    send_template(0, 256, 1, 1000);
    uint64_t start = col_clock_ms();
    for (unsigned i = 0; i < 12000; i++) {
        send_data(0, 256, 3, 1000);
    }
    ck_assert_uint_lt(col_clock_ms() - start, 4000);
    idle(50);
    ck_assert_uint_gt(atomic_load(&collectors[1]->records), 18000);
    atomic_store(&collectors[0]->reading, true);
    wait_records(next_number);
    stop_all();
    check_exactly_once();
    ck_assert_uint_gt(collectors[0]->wire.records, 100);
}
END_TEST

/* As a collector does that stops cleanly: nothing is lost, and nothing is sent a second time. */
START_TEST(a_collector_that_ends_gets_what_was_begun)
{
    collectors[0]->receive_buffer = 65536;
    collector_start(collectors[0], true);
    collector_start(collectors[1], true);
    plugin_start();
    send_template(0, 256, 1, 1000);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 600; i++) {
            send_data(0, 256, 3, 1000);
        }
        atomic_store(&collectors[0]->reading, false);
        for (unsigned i = 0; i < 600; i++) {
            send_data(0, 256, 3, 1000); /* some of it fills the connection */
        }
        atomic_store(&collectors[0]->half_close, true);
        idle(100);
        for (unsigned i = 0; i < 600; i++) {
            send_data(0, 256, 3, 1000); /* goes to the other one */
        }
        atomic_store(&collectors[0]->reading, true);
        wait_records(next_number);
        idle(200);
    }
    stop_all();
    check_exactly_once();
    ck_assert_uint_eq(atomic_load(&collectors[0]->connections), 4);
    ck_assert_uint_eq(instance.counters[COUNT_REPEATED], 0);
    ck_assert_uint_eq(col_double_logged(&instance, "failed. (closed by the peer)"), 3);
}
END_TEST

/* One that closes its side and then neither reads nor ends. */
START_TEST(a_half_closed_connection_is_not_waited_for_for_ever)
{
    collectors[0]->receive_buffer = 4096;
    collector_start(collectors[0], false);
    collector_start(collectors[1], true);
    plugin_start();
    send_template(0, 256, 1, 1000);
    for (unsigned i = 0; i < 1500; i++) {
        send_data(0, 256, 3, 1000);
    }
    atomic_store(&collectors[0]->half_close, true);
    idle(2600); /* CLOSING_TIMEOUT_MS and a little */
    ck_assert_uint_eq(col_double_logged(&instance, "failed. (closed by the peer)"), 1);
    ck_assert_uint_gt(instance.counters[COUNT_REPEATED], 0);
    /* It goes on: what it had received is there, what was sent again is not delivered to it, too.
     */
    atomic_store(&collectors[0]->reading, true);
    wait_records(next_number);
    stop_all();
    check_exactly_once();
}
END_TEST

START_TEST(a_connection_that_is_given_up_delivers_nothing_later)
{
    collectors[0]->receive_buffer = 4096;
    collector_start(collectors[0], false);
    collector_start(collectors[1], true);
    plugin_start();
    send_template(0, 256, 1, 1000);
    for (unsigned i = 0; i < 3000; i++) {
        send_data(0, 256, 3, 1000);
    }
    idle(5600); /* STALL_MS and a little */
    ck_assert_uint_eq(col_double_logged(&instance, "it accepts nothing any more"), 1);
    atomic_store(&collectors[0]->reading, true);
    wait_records(next_number);
    idle(500);
    stop_all();
    check_exactly_once();
}
END_TEST

START_TEST(what_a_stalled_destination_holds_goes_to_the_other)
{
    collectors[0]->receive_buffer = 4096;
    collector_start(collectors[0], false);
    collector_start(collectors[1], true);
    plugin_start();
    send_template(0, 256, 1, 1000);
    for (unsigned i = 0; i < 3000; i++) {
        send_data(0, 256, 3, 1000);
    }
    idle(5600); /* STALL_MS and a little */
    ck_assert_uint_eq(col_double_logged(&instance, "it accepts nothing any more"), 1);
    ck_assert_uint_gt(instance.counters[COUNT_REPEATED], 0);
    collector_kill(collectors[0]);
    wait_records(next_number - 100);
    stop_all();
    uint32_t lost, twice;
    count_numbers(&lost, &twice);
    /* Only what the kernel of the collector had acknowledged is gone: its receive buffer. */
    ck_assert_uint_lt(lost, 30);
    ck_assert_uint_eq(twice, 0);
}
END_TEST

START_TEST(killed_destination_loses_nothing_acknowledged_by_reading)
{
    collector_start(collectors[0], true);
    collector_start(collectors[1], true);
    plugin_start();
    send_template(0, 256, 1, 20);
    for (unsigned i = 0; i < 1000; i++) {
        send_data(0, 256, 30, 20);
    }
    wait_records(next_number);
    collector_kill(collectors[1]);
    for (unsigned i = 0; i < 1000; i++) {
        send_data(0, 256, 30, 20);
    }
    wait_records(next_number);
    ck_assert_uint_eq(col_double_logged(&instance, "failed."), 1);
    collector_start(collectors[1], true); /* back again: a new session, templates first */
    idle(200);
    for (unsigned i = 0; i < 1000; i++) {
        send_data(0, 256, 30, 20);
    }
    wait_records(next_number);
    stop_all();
    check_exactly_once();
    ck_assert_uint_eq(atomic_load(&collectors[1]->connections), 2);
    ck_assert_uint_gt(collectors[1]->wire.records, 15000);
}
END_TEST

START_TEST(sources_share_a_domain)
{
    collector_start(collectors[0], true);
    collector_start(collectors[1], true);
    plugin_start();
    send_template(0, 256, 1, 20);
    send_template(1, 256, 2, 10); /* the same id, another definition */
    send_template(1, 300, 1, 20); /* another id, the same definition */
    for (unsigned i = 0; i < 100; i++) {
        send_data(0, 256, 10, 20);
        send_data(1, 256, 10, 10);
        send_data(1, 300, 10, 20);
    }
    wait_records(next_number);
    ck_assert_uint_eq(atomic_load(&collectors[0]->templates), 2);
    send_template(0, 256, 3, 8); /* redefined: 300 of the other source keeps the old one */
    for (unsigned i = 0; i < 100; i++) {
        send_data(0, 256, 10, 8);
        send_data(1, 300, 10, 20);
    }
    wait_records(next_number);
    ck_assert_uint_eq(atomic_load(&collectors[0]->templates), 3);
    close_source(1);
    send_data(0, 256, 10, 8);
    close_source(0);
    idle(50);
    stop_all();
    check_exactly_once();
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_uint_eq(collectors[i]->wire.templates, 3);
        ck_assert_uint_eq(collectors[i]->wire.withdrawals, 3);
    }
}
END_TEST

/* All in one message: the template that is left has one user, and goes with its source. */
START_TEST(a_message_that_redefines_its_own_template)
{
    options.destinations.count = 1;
    collector_start(collectors[0], true);
    plugin_start();
    for (unsigned round = 0; round < 2; round++) {
        build_begin(&build, 1, 1000);
        build_template(&build, 256, 1, 20);
        build_withdrawal(&build, 256);
        build_template(&build, 256, 2, 10);
        build_data(&build, 256, next_number, 5, 10);
        next_number += 5;
        send_built(0);
        send_data(0, 256, 10, 10);
    }
    wait_records(next_number);
    /* The one left of the first round is shared by its equal of the second. */
    ck_assert_uint_eq(atomic_load(&collectors[0]->templates), 3);
    close_source(0);
    idle(50);
    stop_all();
    check_exactly_once();
    ck_assert_uint_eq(collectors[0]->wire.templates, 3);
    ck_assert_uint_eq(collectors[0]->wire.withdrawals, 3);
}
END_TEST

/** A source of its own that sends a template and a record, and ends. */
static void pass_by(uint32_t domain_id)
{
    ipfix_decoder_t *kept = decoders[1];

    decoders[1] = build_decoder(IPFIX_TRANSPORT_TCP);
    build_begin(&build, domain_id, 1000);
    build_template(&build, 256, 1, 20);
    build_data(&build, 256, next_number++, 1, 20);
    send_built(1);
    close_source(1);
    ipfix_decoder_destroy(decoders[1]);
    decoders[1] = kept;
}

/* A collector refuses more than 4096 domains in a session: gone ones may not add up. */
START_TEST(a_connection_of_many_domains_is_renewed)
{
    options.destinations.count = 1;
    options.distribution = _i == 0 ? DISTRIBUTION_ROUND_ROBIN : DISTRIBUTION_ALL;
    collector_start(collectors[0], true);
    plugin_start();
    send_template(0, 256, 1, 20);
    for (uint32_t i = 0; i < 3000; i++) {
        pass_by(100 + i);
        send_data(0, 256, 1, 20);
    }
    wait_records(next_number);
    ck_assert_uint_eq(atomic_load(&collectors[0]->connections), 1);
    for (uint32_t i = 3000; i < 6500; i++) {
        pass_by(100 + i);
        send_data(0, 256, 1, 20);
        if (i % 500 == 0) {
            idle(100);
        }
    }
    wait_records(next_number);
    stop_all();
    check_exactly_once();
    ck_assert_uint_eq(atomic_load(&collectors[0]->connections), 3);
    ck_assert_uint_eq(instance.counters[COUNT_RENEWALS], 2);
    ck_assert_uint_eq(instance.counters[COUNT_FAILURES], 0);
    ck_assert_uint_eq(instance.counters[COUNT_REPEATED], 0);
    ck_assert_uint_eq(instance.counters[COUNT_DROPPED], 0);
    ck_assert_uint_eq(col_double_logged(&instance, "is renewed: it knows"), 1);
}
END_TEST

/* Domains that are all in use: a new connection would know as many at once. */
START_TEST(domains_in_use_renew_nothing)
{
    options.destinations.count = 1;
    collector_start(collectors[0], true);
    atomic_store(&collectors[0]->blind, true);
    plugin_start();
    for (uint32_t i = 0; i < 3500; i++) {
        build_begin(&build, 100 + i, 1000);
        build_template(&build, 256, 1, 20);
        send_built(0);
    }
    idle(200);
    ck_assert_uint_eq(atomic_load(&collectors[0]->connections), 1);
    close_source(0); /* now they are gone */
    idle(300);
    ck_assert_uint_eq(atomic_load(&collectors[0]->connections), 2);
    stop_all();
    ck_assert_uint_eq(instance.counters[COUNT_RENEWALS], 1);
}
END_TEST

/** A template of 16,000 fields, 64,000 octets, told apart by its first element. */
static void send_long_template(unsigned source, uint16_t id, uint16_t element)
{
    build_begin(&build, 1, 1000);
    build_set(&build, IPFIX_SET_TEMPLATE);
    build_u16(&build, id);
    build_u16(&build, 16000);
    build_u16(&build, element);
    build_u16(&build, 4);
    for (unsigned i = 1; i < 16000; i++) {
        build_u16(&build, 210);
        build_u16(&build, 1);
    }
    build_end(&build);
    send_built(source);
}

/* Sources may have more templates than may wait for a destination that is connected. */
START_TEST(a_new_connection_takes_any_number_of_templates)
{
    enum { SESSIONS = 6, LONG = 30 }; /* as many as a session may have; 11.5 million octets */
    ipfix_decoder_t *kept = decoders[1], *more[SESSIONS];

    options.destinations.count = 1;
    collectors[0]->port = free_port();
    plugin_start();
    for (uint16_t i = 0; i < SESSIONS; i++) {
        decoders[1] = more[i] = build_decoder(IPFIX_TRANSPORT_TCP);
        for (uint16_t k = 0; k < LONG; k++) {
            send_long_template(1, 300 + k, 1000 + i * LONG + k);
        }
    }
    decoders[1] = kept;
    send_template(0, 256, 1, 20);
    idle(20);
    /* The messages with the templates go first to one connection, then it is lost. */
    collector_start(collectors[0], true);
    for (uint64_t end = col_clock_ms() + 10000;
         col_clock_ms() < end && atomic_load(&collectors[0]->templates) < SESSIONS * LONG + 1;) {
        idle(10);
    }
    ck_assert_uint_eq(atomic_load(&collectors[0]->templates), SESSIONS * LONG + 1);
    collector_kill(collectors[0]);
    idle(100);
    collector_start(collectors[0], false);
    idle(200); /* most of it cannot be written yet; other templates come */
    send_template(1, 257, 2, 8);
    atomic_store(&collectors[0]->reading, true);
    send_data(0, 256, 30, 20);
    send_data(1, 257, 30, 8);
    wait_records(next_number);
    stop_all();
    check_exactly_once();
    ck_assert_uint_eq(col_double_logged(&instance, "too many templates"), 0);
    ck_assert_uint_eq(collectors[0]->wire.templates, 2 * (SESSIONS * LONG + 1) + 1);
    ck_assert_uint_eq(atomic_load(&collectors[0]->connections), 2);
    for (unsigned i = 0; i < SESSIONS; i++) {
        ipfix_decoder_destroy(more[i]);
    }
}
END_TEST

START_TEST(long_messages_are_cut)
{
    options.packet_size = 256;
    collector_start(collectors[0], true);
    collector_start(collectors[1], true);
    plugin_start();
    build_begin(&build, 1, 1000);
    build_template(&build, 256, 1, 20);
    build_data(&build, 256, 0, 2000, 20);
    next_number = 2000;
    send_built(0);
    send_template(0, 257, 2, 65535); /* variable length */
    build_begin(&build, 1, 1000);
    build_set(&build, 257);
    for (unsigned i = 0; i < 200; i++) {
        build_u32(&build, next_number++);
        build_u8(&build, (uint8_t)(i % 100));
        memset(build.octets + build.length, 0, i % 100);
        build.length += i % 100;
    }
    build_end(&build);
    send_built(0);
    wait_records(next_number);
    stop_all();
    check_exactly_once();
    ck_assert_uint_le(collectors[0]->wire.longest, 256);
    ck_assert_uint_le(collectors[1]->wire.longest, 256);
    ck_assert_uint_gt(collectors[0]->wire.messages + collectors[1]->wire.messages, 200);
}
END_TEST

START_TEST(udp_repeats_templates)
{
    options.udp_refresh_s = 1;
    rows[0].protocol = rows[1].protocol = options.default_protocol = (char *)"UDP";
    collectors[0]->udp = collectors[1]->udp = true;
    collector_start(collectors[0], true);
    collector_start(collectors[1], true);
    plugin_start();
    send_template(0, 256, 1, 20);
    idle(20);
    for (unsigned i = 0; i < 100; i++) {
        send_data(0, 256, 30, 20);
        idle(1);
    }
    wait_records(next_number);
    idle(2200);
    stop_all();
    check_exactly_once();
    ck_assert_uint_ge(collectors[0]->wire.templates, 3);
    ck_assert_uint_le(collectors[0]->wire.longest, 4096);
    ck_assert_uint_eq(collectors[0]->wire.withdrawals, 0);
}
END_TEST

START_TEST(a_full_lane_drops_only_for_the_dead_one)
{
    options.distribution = DISTRIBUTION_ALL;
    collector_start(collectors[0], true);
    collectors[1]->port = free_port();
    plugin_start();
    send_template(0, 256, 1, 40000);
    for (unsigned i = 0; i < 2000; i++) {
        send_data(0, 256, 1, 40000);
    }
    for (uint64_t end = col_clock_ms() + 10000;
         col_clock_ms() < end && atomic_load(&collectors[0]->records) < next_number;) {
        idle(10);
    }
    ck_assert_uint_eq(atomic_load(&collectors[0]->records), 2000);
    ck_assert_uint_gt(instance.counters[COUNT_DROPPED], 200);
    ck_assert_uint_lt(instance.counters[COUNT_DROPPED], 600);
    uint64_t start = col_clock_ms();
    uint64_t dropped = instance.counters[COUNT_DROPPED];
    stop_all();
    ck_assert_uint_lt(col_clock_ms() - start, 3000);
    ck_assert_uint_gt(instance.counters[COUNT_DROPPED], dropped);
    ck_assert_uint_eq(instance.counters[COUNT_DROPPED], 2000);
    ck_assert_uint_eq(col_double_logged(&instance, "stopped before"), 1);
}
END_TEST

/* A queue in front of the plugin holds many messages when the collector stops. */
START_TEST(stopping_with_everything_down_waits_once)
{
    options.distribution = _i == 0 ? DISTRIBUTION_ROUND_ROBIN : DISTRIBUTION_ALL;
    collectors[0]->port = free_port();
    collectors[1]->port = free_port();
    plugin_start();
    send_template(0, 256, 1, 40000);
    for (unsigned i = 0; i < 1600; i++) {
        send_data(0, 256, 1, 40000); /* nearly what may wait */
    }
    ck_assert_uint_eq(instance.counters[COUNT_DROPPED], 0);
    instance.stopping = true;
    uint64_t start = col_clock_ms();
    for (unsigned i = 0; i < 400; i++) {
        send_data(0, 256, 1, 40000);
    }
    ck_assert_uint_ge(col_clock_ms() - start, 4000); /* STOP_MS: one may have come back */
    ck_assert_uint_lt(col_clock_ms() - start, 9000);
    ck_assert_uint_ge(col_double_logged(&instance, "are lost: the collector stops"), 1);
    stop_all();
    ck_assert_uint_eq(instance.counters[COUNT_DROPPED], _i == 0 ? 2000 : 4000);
}
END_TEST

/* Destinations that accept and do not read: the time spent on the queue is not spent again. */
START_TEST(stopping_with_everything_stalled_waits_once)
{
    char told[64];

    collector_start(collectors[0], false);
    collector_start(collectors[1], false);
    plugin_start();
    send_template(0, 256, 1, 40000);
    idle(100);
    instance.stopping = true;
    uint64_t start = col_clock_ms();
    for (unsigned i = 0; i < 1000; i++) {
        send_data(0, 256, 1, 40000);
    }
    ck_assert_uint_ge(col_double_logged(&instance, "are lost: the collector stops"), 1);
    col_plugin.destroy(plugin);
    ck_assert_uint_ge(col_clock_ms() - start, 4900);
    ck_assert_uint_lt(col_clock_ms() - start, 9900); /* 5 s twice would be more */
    /* The last line tells all of it. */
    (void)snprintf(told, sizeof(told), "stopped before %llu records were delivered",
                   (unsigned long long)instance.counters[COUNT_DROPPED]);
    ck_assert_uint_eq(col_double_logged(&instance, told), 1);
    collector_kill(collectors[0]);
    collector_kill(collectors[1]);
}
END_TEST

START_TEST(all_with_a_stalled_destination_goes_on)
{
    options.distribution = DISTRIBUTION_ALL;
    collector_start(collectors[0], true);
    collector_start(collectors[1], false);
    plugin_start();
    send_template(0, 256, 1, 40000);
    for (unsigned i = 0; i < 2200; i++) {
        send_data(0, 256, 1, 40000);
    }
    for (uint64_t end = col_clock_ms() + 15000;
         col_clock_ms() < end && atomic_load(&collectors[0]->records) < next_number;) {
        idle(10);
    }
    ck_assert_uint_eq(atomic_load(&collectors[0]->records), 2200);
    ck_assert_uint_ge(col_double_logged(&instance, "it accepts nothing any more"), 1);
    collector_kill(collectors[1]);
    stop_all();
}
END_TEST

START_TEST(settings_without_destination_are_refused)
{
    options.destinations.count = 0;
    ck_assert_int_eq(col_plugin.create(&instance, &options, &plugin), COL_ERR);
    ck_assert_uint_eq(col_double_logged(&instance, "no usable <destination>"), 1);
    options.destinations.count = 1;
    rows[0].ip = NULL;
    ck_assert_int_eq(col_plugin.create(&instance, &options, &plugin), COL_ERR);
    col_plugin.destroy(NULL);
}
END_TEST

START_TEST(names_are_resolved)
{
    collector_start(collectors[0], true);
    options.destinations.count = 1;
    rows[0].ip = (char *)"localhost";
    plugin_start();
    send_template(0, 256, 1, 20);
    send_data(0, 256, 30, 20);
    wait_records(30);
    stop_all();
    check_exactly_once();
}
END_TEST

START_TEST(sets_without_template_are_counted)
{
    collector_start(collectors[0], true);
    options.destinations.count = 1;
    plugin_start();
    send_template(0, 256, 1, 20);
    build_begin(&build, 1, 1000);
    build_data(&build, 400, 0, 3, 8);
    build_data(&build, 256, 0, 5, 20);
    next_number = 5;
    send_built(0);
    send_built(0);
    for (uint32_t i = 0; i < 5; i++) {
        build_begin(&build, 1, 1000);
    }
    wait_records(10);
    stop_all();
    ck_assert_uint_eq(collectors[0]->wire.records, 10);
    ck_assert_uint_eq(instance.counters[COUNT_UNKNOWN], 2);
    ck_assert_uint_eq(col_double_logged(&instance, "without template are not forwarded"), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("forwarding");
    TCase *tests = tcase_create("loopback");
    SRunner *runner;

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, round_robin_spreads_and_loses_nothing);
    tcase_add_test(tests, all_gives_everything_to_everyone);
    tcase_add_loop_test(tests, late_destinations_miss_nothing, 0, 2);
    tcase_add_test(tests, stalled_destination_does_not_stall_the_other);
    tcase_add_test(tests, what_a_stalled_destination_holds_goes_to_the_other);
    tcase_add_test(tests, a_collector_that_ends_gets_what_was_begun);
    tcase_add_test(tests, a_half_closed_connection_is_not_waited_for_for_ever);
    tcase_add_test(tests, a_connection_that_is_given_up_delivers_nothing_later);
    tcase_add_test(tests, killed_destination_loses_nothing_acknowledged_by_reading);
    tcase_add_test(tests, sources_share_a_domain);
    tcase_add_test(tests, a_message_that_redefines_its_own_template);
    tcase_add_loop_test(tests, a_connection_of_many_domains_is_renewed, 0, 2);
    tcase_add_test(tests, domains_in_use_renew_nothing);
    tcase_add_test(tests, a_new_connection_takes_any_number_of_templates);
    tcase_add_test(tests, long_messages_are_cut);
    tcase_add_test(tests, udp_repeats_templates);
    tcase_add_test(tests, a_full_lane_drops_only_for_the_dead_one);
    tcase_add_loop_test(tests, stopping_with_everything_down_waits_once, 0, 2);
    tcase_add_test(tests, stopping_with_everything_stalled_waits_once);
    tcase_add_test(tests, all_with_a_stalled_destination_goes_on);
    tcase_add_test(tests, settings_without_destination_are_refused);
#if !defined(__SANITIZE_THREAD__)
    /* getaddrinfo_a() starts its thread inside the C library, where ThreadSanitizer does not see
     * it and crashes. */
    tcase_add_test(tests, names_are_resolved);
#else
    (void)names_are_resolved;
#endif
    tcase_add_test(tests, sets_without_template_are_counted);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
