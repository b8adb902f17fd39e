/* SPDX-License-Identifier: BSD-3-Clause */
/** Storage plugin that sends messages on to other collectors, to all of them or in turn. */
#include "forwarding.h"

#include "lane.h"

#include <ipfixcol/plugin.h>
#include <stdlib.h>
#include <strings.h>

/** Memory of messages that may wait: while a connected destination is busy, and while none is up.
 */
#define BUSY_LIMIT (4u * 1024 * 1024)
#define DOWN_LIMIT (64u * 1024 * 1024)
/** A destination that acknowledges nothing for so long is given up when others wait for it. */
#define STALL_MS 5000u
#define TICK_MS 50u
/** When stopping: so long for everything, so long without a connection. */
#define STOP_MS 5000u
#define STOP_DOWN_MS 1500u

static const char *const distributions[] = {"all", "RoundRobin", NULL};

static const struct col_option destination_rows[] = {
    {.name = "ip",
     .type = COL_STRING,
     .offset = offsetof(struct destination_options, ip),
     .help = "address or name of the collector"},
    {.name = "port",
     .type = COL_UINT16,
     .offset = offsetof(struct destination_options, port),
     .min = 1,
     .max = 65535,
     .help = "port of the collector, else defaultPort"},
    {.name = "protocol",
     .type = COL_STRING,
     .offset = offsetof(struct destination_options, protocol),
     .help = "tcp or udp, else defaultProtocol"},
    {0},
};

static const struct col_option forwarding_rows[] = {
    {.name = "fileFormat", .type = COL_IGNORED, .help = "\"forwarding\": picks this plugin"},
    {.name = "distribution",
     .type = COL_ENUM,
     .offset = offsetof(struct forwarding_options, distribution),
     .preset = "all",
     .choices = distributions,
     .help = "all: every message to every destination; RoundRobin: each to one of them in turn"},
    {.name = "defaultPort",
     .type = COL_UINT16,
     .offset = offsetof(struct forwarding_options, default_port),
     .preset = "4739",
     .min = 1,
     .max = 65535,
     .help = "port of destinations that name none"},
    {.name = "defaultProtocol",
     .type = COL_STRING,
     .offset = offsetof(struct forwarding_options, default_protocol),
     .preset = "tcp",
     .help = "tcp or udp, for destinations that name none; any other text means tcp"},
    {.name = "packetSize",
     .type = COL_UINT32,
     .offset = offsetof(struct forwarding_options, packet_size),
     .preset = "4096",
     .min = 256,
     .max = 65535,
     .help = "octets of the longest message to send"},
    {.name = "reconnectionPeriod",
     .type = COL_UINT32,
     .offset = offsetof(struct forwarding_options, reconnection_period_ms),
     .preset = "1000",
     .min = 1,
     .max = UINT32_MAX,
     .help = "milliseconds between attempts to connect"},
    {.name = "udpTemplateRefreshTimeout",
     .type = COL_UINT32,
     .offset = offsetof(struct forwarding_options, udp_refresh_s),
     .preset = "300",
     .min = 1,
     .max = UINT32_MAX,
     .help = "seconds after which templates are sent again over UDP"},
    {.name = "destination",
     .type = COL_LIST,
     .offset = offsetof(struct forwarding_options, destinations),
     .required = true,
     .rows = destination_rows,
     .item_size = sizeof(struct destination_options),
     .help = "a collector to send to; may be repeated"},
    {0},
};

static const char *const counters[COUNT_KINDS + 1] = {
    "sent messages",       "sent records",
    "sent octets",         "repeated records",
    "dropped records",     "sets without template",
    "connections made",    "connections lost",
    "connections renewed", NULL,
};

struct forwarding {
    col_instance_t *instance;
    bool round_robin;
    struct destination *destinations;
    size_t destination_count;
    struct lane *lanes;
    size_t lane_count;
    struct pollfd *fds;
    uint64_t told[COUNT_KINDS]; /* counters as they were reported last */
    uint64_t stop_ms;           /* when stopping must be over; 0 = not stopping */
    uint64_t stop_dropped;      /* records dropped since then */
    bool all_down_told;
    struct col_log_limit drop_limit;
};

/* ---- start ----------------------------------------------------------------------------------- */

static bool is_udp(const char *protocol)
{
    return protocol != NULL && strcasecmp(protocol, "udp") == 0;
}

static bool usable(const struct destination_options *item)
{
    return item->ip != NULL && item->ip[0] != '\0';
}

static int forwarding_check(col_instance_t *instance, const void *options)
{
    const struct forwarding_options *settings = options;
    const struct destination_options *items = settings->destinations.items;
    size_t count = 0;

    for (size_t i = 0; i < settings->destinations.count; i++) {
        if (usable(&items[i])) {
            count++;
        } else {
            col_log(instance, COL_LOG_WARNING, "a destination without <ip> is left out");
        }
    }
    if (count == 0) {
        col_log(instance, COL_LOG_ERROR, "no usable <destination>: nothing can be forwarded");
    }
    return count > 0 ? COL_OK : COL_ERR;
}

/** Destinations of the settings; those without an address were told by the check. */
static bool init_destinations(struct forwarding *f, const struct forwarding_options *options)
{
    const struct destination_options *items = options->destinations.items;

    f->destinations = calloc(options->destinations.count + 1, sizeof(*f->destinations));
    f->fds = calloc(options->destinations.count + 1, sizeof(*f->fds));
    if (f->destinations == NULL || f->fds == NULL) {
        col_log(f->instance, COL_LOG_ERROR, "not enough memory");
        return false;
    }
    for (size_t i = 0; i < options->destinations.count; i++) {
        if (!usable(&items[i])) {
            continue;
        }
        const char *protocol =
            items[i].protocol != NULL ? items[i].protocol : options->default_protocol;
        struct destination_config config = {
            .host = items[i].ip,
            .port = items[i].port != 0 ? items[i].port : options->default_port,
            .udp = is_udp(protocol),
            .packet_size = options->packet_size,
            .reconnect_ms = options->reconnection_period_ms,
            .udp_refresh_s = options->udp_refresh_s,
        };
        destination_init(&f->destinations[f->destination_count++], f->instance, &config);
    }
    return true;
}

static bool init_lanes(struct forwarding *f)
{
    f->lane_count = f->round_robin ? 1 : f->destination_count;
    f->lanes = calloc(f->lane_count, sizeof(*f->lanes));
    if (f->lanes == NULL) {
        col_log(f->instance, COL_LOG_ERROR, "not enough memory");
        f->lane_count = 0;
        return false;
    }
    for (size_t i = 0; i < f->lane_count; i++) {
        f->lanes[i].instance = f->instance;
        f->lanes[i].destinations = &f->destinations[i];
        f->lanes[i].count = f->round_robin ? f->destination_count : 1;
    }
    return true;
}

static void forwarding_free(struct forwarding *f)
{
    for (size_t i = 0; i < f->lane_count; i++) {
        lane_clear(&f->lanes[i]);
    }
    for (size_t i = 0; i < f->destination_count; i++) {
        destination_clear(&f->destinations[i]);
    }
    free(f->lanes);
    free(f->destinations);
    free(f->fds);
    free(f);
}

static int forwarding_tick(void *state, uint64_t now_ms);

static int forwarding_create(col_instance_t *instance, const void *options, void **state)
{
    const struct forwarding_options *settings = options;

    if (forwarding_check(instance, options) != COL_OK) {
        return COL_ERR;
    }
    struct forwarding *f = calloc(1, sizeof(*f));
    if (f == NULL) {
        return COL_ERR_NOMEM;
    }
    f->instance = instance;
    f->round_robin = settings->distribution == DISTRIBUTION_ROUND_ROBIN;
    if (!init_destinations(f, settings) || !init_lanes(f)) {
        forwarding_free(f);
        return COL_ERR;
    }
    *state = f;
    return forwarding_tick(f, col_clock_ms());
}

/* ---- counters and log ------------------------------------------------------------------------ */

static void report_counters(struct forwarding *f)
{
    uint64_t now[COUNT_KINDS] = {0};

    for (size_t i = 0; i < f->destination_count; i++) {
        const struct destination_totals *totals = &f->destinations[i].totals;
        now[COUNT_MESSAGES] += totals->messages;
        now[COUNT_RECORDS] += totals->records;
        now[COUNT_OCTETS] += totals->octets;
        now[COUNT_DROPPED] += totals->too_long_records;
        now[COUNT_CONNECTS] += totals->connects;
        now[COUNT_FAILURES] += totals->failures;
        now[COUNT_RENEWALS] += totals->renewals;
    }
    for (size_t i = 0; i < f->lane_count; i++) {
        now[COUNT_REPEATED] += f->lanes[i].totals.repeated_records;
        now[COUNT_DROPPED] += f->lanes[i].totals.dropped_records;
        now[COUNT_UNKNOWN] += f->lanes[i].totals.unknown_sets;
    }
    for (unsigned i = 0; i < COUNT_KINDS; i++) {
        if (now[i] > f->told[i]) {
            col_count(f->instance, i, now[i] - f->told[i]);
            f->told[i] = now[i];
        }
    }
}

static size_t connected_count(const struct forwarding *f)
{
    size_t connected = 0;

    for (size_t i = 0; i < f->lane_count; i++) {
        connected += lane_connected(&f->lanes[i]);
    }
    return connected;
}

static void report_all_down(struct forwarding *f)
{
    bool down = connected_count(f) == 0;
    bool failed = false;

    for (size_t i = 0; i < f->destination_count; i++) {
        failed = failed || f->destinations[i].failure_told;
    }
    if (down && failed && !f->all_down_told) {
        col_log(f->instance, COL_LOG_WARNING,
                "All destination disconnected! Flow data waits until one is back; beyond %u MiB "
                "the senders wait, too.",
                DOWN_LIMIT >> 20);
        f->all_down_told = true;
    } else if (!down) {
        f->all_down_told = false;
    }
}

/* ---- running --------------------------------------------------------------------------------- */

static int forwarding_tick(void *state, uint64_t now_ms)
{
    struct forwarding *f = state;

    for (size_t i = 0; i < f->lane_count; i++) {
        lane_run(&f->lanes[i], now_ms);
    }
    report_all_down(f);
    report_counters(f);
    return COL_OK;
}

static size_t forwarding_poll(void *state, struct pollfd *fds, size_t room)
{
    struct forwarding *f = state;
    size_t count = 0;

    for (size_t i = 0; i < f->destination_count && count < room; i++) {
        count += destination_poll(&f->destinations[i], &fds[count]);
    }
    return count;
}

/** Waits until a descriptor is ready or a tick is over, then lets everything go on. */
static uint64_t wait_once(struct forwarding *f)
{
    size_t count = forwarding_poll(f, f->fds, f->destination_count);

    (void)poll(f->fds, (nfds_t)count, (int)TICK_MS);
    uint64_t now_ms = col_clock_ms();
    (void)forwarding_tick(f, now_ms);
    return now_ms;
}

static bool over_limit(const struct forwarding *f, const struct lane *lane)
{
    return lane->cost > (f->round_robin && lane_connected(lane) > 0 ? BUSY_LIMIT : DOWN_LIMIT);
}

static uint64_t drop_to_limit(struct forwarding *f, struct lane *lane, const char *why)
{
    uint64_t records = 0;

    while (lane->pending.count > 0 && over_limit(f, lane)) {
        records += lane_drop_oldest(lane);
    }
    if (records > 0) {
        col_log_limited(f->instance, &f->drop_limit, COL_LOG_WARNING,
                        "%llu records for '%s' are lost: %s", (unsigned long long)records,
                        lane->destinations[0].name, why);
    }
    return records;
}

/** A destination that holds others up: nothing acknowledged for long although something waits. */
static bool stalled(const struct destination *d, uint64_t now_ms)
{
    return (d->state == DESTINATION_CONNECTED || d->renewing) && destination_pending(d) &&
           now_ms >= d->progress_ms + STALL_MS;
}

/** Round robin: what a stalled destination holds goes to another one. */
static void give_up_stalled(struct forwarding *f, struct lane *lane, uint64_t now_ms)
{
    size_t alive = 0;

    for (size_t i = 0; i < lane->count; i++) {
        const struct destination *d = &lane->destinations[i];
        alive += d->state == DESTINATION_CONNECTED && !stalled(d, now_ms);
    }
    for (size_t i = 0; i < lane->count; i++) {
        struct destination *d = &lane->destinations[i];
        bool held_up = f->round_robin ? alive > 0 : over_limit(f, lane) && f->lane_count > 1;
        if (held_up && stalled(d, now_ms)) {
            destination_fail(d, now_ms, "it accepts nothing any more");
            lane_run(lane, now_ms);
        }
    }
}

/** Whether the time for stopping is over; it starts when this is first asked while stopping. */
static bool stop_time_over(struct forwarding *f, uint64_t now_ms)
{
    if (!col_stopping(f->instance)) {
        f->stop_ms = 0; /* a reload that wanted to replace this instance has been given up */
        return false;
    }
    if (f->stop_ms == 0) {
        f->stop_ms = now_ms + STOP_MS;
    }
    return now_ms >= f->stop_ms;
}

/** Makes room in a lane that is full: waits as long as that helps, drops where waiting would not.
 */
static void wait_for_room(struct forwarding *f, struct lane *lane)
{
    while (over_limit(f, lane)) {
        /* Asked before waiting: many messages may still come, none of them may cost a tick. */
        if (stop_time_over(f, col_clock_ms())) {
            f->stop_dropped += drop_to_limit(f, lane, "the collector stops");
            return;
        }
        size_t connected = connected_count(f);
        uint64_t now_ms = wait_once(f);
        give_up_stalled(f, lane, now_ms);
        if (connected > 0 && lane_connected(lane) == 0) {
            /* The others must not wait for one that is down. */
            (void)drop_to_limit(f, lane, "it is down for too long");
            return;
        }
    }
}

static int forwarding_process(void *state, struct ipfix_message *message)
{
    struct forwarding *f = state;
    uint64_t now_ms = col_clock_ms();

    for (size_t i = 0; i < f->lane_count; i++) {
        (void)lane_push(&f->lanes[i], message);
        lane_dispatch(&f->lanes[i], now_ms);
        if (over_limit(f, &f->lanes[i])) {
            wait_for_room(f, &f->lanes[i]);
        }
    }
    return COL_OK;
}

static int forwarding_timer(void *state, uint64_t now_ms)
{
    struct forwarding *f = state;

    if (f->round_robin) {
        give_up_stalled(f, &f->lanes[0], now_ms);
    }
    return forwarding_tick(f, now_ms);
}

/* ---- stop ------------------------------------------------------------------------------------ */

static uint64_t records_left(const struct forwarding *f)
{
    uint64_t records = 0;

    for (size_t i = 0; i < f->lane_count; i++) {
        records += lane_records_left(&f->lanes[i]);
    }
    return records;
}

/** Whether waiting may still get something delivered. */
static bool work_left(const struct forwarding *f, uint64_t now_ms, uint64_t started_ms)
{
    for (size_t i = 0; i < f->lane_count; i++) {
        const struct lane *lane = &f->lanes[i];
        for (size_t k = 0; k < lane->count; k++) {
            if (destination_pending(&lane->destinations[k])) {
                return true;
            }
        }
        if (lane->pending.count > 0 &&
            (lane_connected(lane) > 0 || now_ms < started_ms + STOP_DOWN_MS)) {
            return true;
        }
    }
    return false;
}

/** When to give up what is left: the time for stopping began with what was still queued. */
static uint64_t stop_deadline(const struct forwarding *f, uint64_t now_ms)
{
    uint64_t least_ms = now_ms + STOP_DOWN_MS;

    if (f->stop_ms == 0 || now_ms > f->stop_ms + STOP_MS) { /* or left from a stop given up */
        return now_ms + STOP_MS;
    }
    return f->stop_ms > least_ms ? f->stop_ms : least_ms;
}

static void forwarding_destroy(void *state)
{
    struct forwarding *f = state;

    if (f == NULL) {
        return;
    }
    uint64_t started_ms = col_clock_ms();
    uint64_t now_ms = started_ms;
    uint64_t until_ms = stop_deadline(f, started_ms);

    (void)forwarding_tick(f, now_ms);
    while (now_ms < until_ms && work_left(f, now_ms, started_ms)) {
        now_ms = wait_once(f);
    }
    uint64_t left = records_left(f);
    if (left + f->stop_dropped > 0) {
        col_log(f->instance, COL_LOG_WARNING,
                "stopped before %llu records were delivered (not acknowledged by any destination)",
                (unsigned long long)(left + f->stop_dropped));
        col_count(f->instance, COUNT_DROPPED, left);
    }
    report_counters(f);
    forwarding_free(f);
}

COL_EXPORT const struct col_plugin col_plugin = {
    .abi = COL_PLUGIN_ABI,
    .kind = COL_STORAGE,
    .name = "forwarding",
    .summary = "sends messages on to other collectors, to all of them or to one after the other",
    .options = forwarding_rows,
    .options_size = sizeof(struct forwarding_options),
    .unknown_option = COL_UNKNOWN_WARN,
    .counters = counters,
    .check = forwarding_check,
    .create = forwarding_create,
    .destroy = forwarding_destroy,
    .process = forwarding_process,
    .tick = forwarding_timer,
    .tick_ms = TICK_MS,
    .poll = forwarding_poll,
};
