/* SPDX-License-Identifier: BSD-3-Clause */
/** Deals messages to destinations in turn and keeps their templates in step. */
#include "lane.h"

#include <ipfixcol/log.h>
#include <stdlib.h>

/**
 * Observation Domains of a connection, those without a source included: their sequence numbers go
 * on. A collector may accept 4096 in a session, this one does: before that the connection is
 * renewed, when at least DOMAINS_STALE of them are gone.
 */
#define DOMAINS_MAX 3072u
#define DOMAINS_STALE 768u

/** Templates of one (Transport Session, Observation Domain), by id; one reference each. */
struct source {
    uint64_t session_id;
    uint32_t domain_id;
    uint32_t export_time_s;
    struct table templates;
};

/* ---- templates of the sources ---------------------------------------------------------------- */

static void unref_template(void *value)
{
    ipfix_template_unref((const struct ipfix_template *)value);
}

static void source_free(void *value)
{
    struct source *source = value;

    table_clear(&source->templates, unref_template);
    free(source);
}

static struct source *source_find(struct lane *lane, const struct ipfix_message *message)
{
    struct source *last = lane->last_source;

    if (last == NULL || last->session_id != message->session->id ||
        last->domain_id != message->domain_id) {
        last = table_find(&lane->sources, message->session->id, message->domain_id);
        lane->last_source = last;
    }
    return last;
}

/** Counts a source of a domain that is new, or gone. */
static void domain_count(struct lane *lane, uint32_t domain_id, bool gone)
{
    uintptr_t count = (uintptr_t)table_find(&lane->domains, domain_id, 0);

    if (gone && count <= 1) {
        (void)table_remove(&lane->domains, domain_id, 0);
        return;
    }
    count = gone ? count - 1 : count + 1;
    /* Without memory it counts as a domain without source: the connection is renewed earlier. */
    (void)table_put(&lane->domains, domain_id, 0, (void *)count);
}

static struct source *source_get(struct lane *lane, const struct ipfix_message *message)
{
    struct source *source = source_find(lane, message);

    if (source != NULL) {
        return source;
    }
    source = calloc(1, sizeof(*source));
    if (source == NULL ||
        !table_put(&lane->sources, message->session->id, message->domain_id, source)) {
        free(source);
        return NULL;
    }
    source->session_id = message->session->id;
    source->domain_id = message->domain_id;
    domain_count(lane, source->domain_id, false);
    lane->last_source = source;
    return source;
}

/** Adds to one of the lists of the message; the reference is taken, also on failure. */
static void note(const struct ipfix_template ***list, size_t *count, size_t *room,
                 const struct ipfix_template *tmplt)
{
    if (*count == *room) {
        size_t bigger = *room == 0 ? 16 : 2 * *room;
        const struct ipfix_template **items = realloc((void *)*list, bigger * sizeof(*items));
        if (items == NULL) {
            ipfix_template_unref(tmplt);
            return;
        }
        *list = items;
        *room = bigger;
    }
    (*list)[(*count)++] = tmplt;
}

static void note_dropped(struct lane *lane, const struct ipfix_template *tmplt)
{
    note(&lane->dropped, &lane->dropped_count, &lane->dropped_room, tmplt);
}

/** A template of the source from now on; one it replaces is dropped. */
static void source_add(struct lane *lane, struct source *source, const struct ipfix_template *tmplt)
{
    struct ipfix_template *old = table_find(&source->templates, tmplt->id, 0);

    if (old != NULL && old->serial == tmplt->serial) {
        return;
    }
    if (!table_put(&source->templates, tmplt->id, 0,
                   (void *)(uintptr_t)ipfix_template_ref(tmplt))) {
        ipfix_template_unref(tmplt);
        return;
    }
    note(&lane->added, &lane->added_count, &lane->added_room, ipfix_template_ref(tmplt));
    if (old != NULL) {
        note_dropped(lane, old);
    }
}

static void source_withdraw(struct lane *lane, struct source *source,
                            const struct ipfix_template *tmplt)
{
    struct ipfix_template *old = table_find(&source->templates, tmplt->id, 0);

    if (old != NULL && old->serial == tmplt->serial) {
        note_dropped(lane, table_remove(&source->templates, tmplt->id, 0));
    }
}

static void source_close(struct lane *lane, const struct ipfix_message *message)
{
    struct source *source = table_remove(&lane->sources, message->session->id, message->domain_id);
    struct ipfix_template *tmplt;
    size_t at = 0;

    if (source == NULL) {
        return;
    }
    lane->last_source = NULL;
    domain_count(lane, source->domain_id, true);
    while ((tmplt = table_next(&source->templates, &at)) != NULL) {
        note_dropped(lane, ipfix_template_ref(tmplt));
    }
    source_free(source);
}

/** Whether a message brings no template the lane does not know, and changes none. */
static bool nothing_new(const struct source *source, const struct ipfix_message *message)
{
    if (source == NULL || message->change_count > 0 || message->kind != IPFIX_MESSAGE_DATA) {
        return false;
    }
    for (uint32_t i = 0; i < message->set_count; i++) {
        const struct ipfix_template *tmplt = message->sets[i].tmplt;
        if (tmplt != NULL && table_find(&source->templates, tmplt->id, 0) != tmplt) {
            return false;
        }
    }
    return true;
}

/**
 * Enters templates that only the Data Sets of a message know (an instance that joined late). Those
 * its own changes add are left to them: in what order they replace each other is known only there.
 */
static void apply_late_templates(struct lane *lane, struct source *source,
                                 const struct ipfix_message *message)
{
    struct table own = {0};

    for (uint32_t i = 0; i < message->change_count && message->set_count > 0; i++) {
        const struct ipfix_template_change *change = &message->changes[i];
        if (change->kind != IPFIX_TEMPLATE_WITHDRAWN) {
            (void)table_put(&own, change->tmplt->serial, 0, (void *)(uintptr_t)change->tmplt);
        }
    }
    for (uint32_t i = 0; i < message->set_count; i++) {
        const struct ipfix_template *tmplt = message->sets[i].tmplt;
        if (tmplt != NULL && table_find(&source->templates, tmplt->id, 0) == NULL &&
            table_find(&own, tmplt->serial, 0) == NULL) {
            source_add(lane, source, tmplt);
        }
    }
    table_clear(&own, NULL);
}

/**
 * Enters what a message does to the templates of its source; fills the lists `added` and `dropped`.
 * Templates that only its Data Sets know are entered first: a change in the same message may
 * already replace them.
 */
static void apply_templates(struct lane *lane, const struct ipfix_message *message)
{
    if (message->kind == IPFIX_MESSAGE_SOURCE_CLOSED) {
        source_close(lane, message);
        return;
    }
    struct source *source = source_get(lane, message);
    if (source == NULL) {
        return;
    }
    apply_late_templates(lane, source, message);
    for (uint32_t i = 0; i < message->change_count; i++) {
        const struct ipfix_template_change *change = &message->changes[i];
        if (change->kind == IPFIX_TEMPLATE_WITHDRAWN) {
            source_withdraw(lane, source, change->tmplt);
        } else {
            source_add(lane, source, change->tmplt);
        }
    }
}

static void forget_lists(struct lane *lane)
{
    for (size_t i = 0; i < lane->added_count; i++) {
        ipfix_template_unref(lane->added[i]);
    }
    for (size_t i = 0; i < lane->dropped_count; i++) {
        ipfix_template_unref(lane->dropped[i]);
    }
    lane->added_count = lane->dropped_count = 0;
}

/* ---- connections that come and go ------------------------------------------------------------ */

static void announce_sources(struct lane *lane, struct destination *d, uint64_t now_ms)
{
    struct source *source;
    size_t at = 0;

    while ((source = table_next(&lane->sources, &at)) != NULL) {
        struct ipfix_template *tmplt;
        size_t position = 0;
        struct builder *builder =
            destination_builder(d, source->domain_id, source->export_time_s, now_ms);
        if (builder == NULL) {
            return;
        }
        while ((tmplt = table_next(&source->templates, &position)) != NULL) {
            struct mapped *mapped = mapper_use(builder->domain, tmplt, now_ms);
            if (mapped != NULL && !mapped->announced) {
                builder_announce(builder, mapped);
            }
        }
        if (!destination_finish(d, now_ms)) {
            return;
        }
    }
}

/** Tells a new connection all templates there are. */
static void announce_all(struct lane *lane, struct destination *d, uint64_t now_ms)
{
    d->came_up = false;
    destination_announce_begin(d);
    announce_sources(lane, d, now_ms);
    destination_announce_end(d);
}

/** Puts what a failed connection did not deliver back in front, in order. */
static void take_back(struct lane *lane, struct destination *d)
{
    uint64_t records = 0;

    d->went_down = false;
    struct ipfix_message *front = NULL;
    while (d->sent.count > 0) {
        struct item item = item_queue_pop_back(&d->sent);
        records += item.records;
        if (front == item.message) {
            /* An earlier part of the same message: everything from there on is sent again. */
            item_queue_at(&lane->pending, 0)->from = item.from;
            ipfix_message_unref(item.message);
            continue;
        }
        size_t cost = item_cost(&item);
        if (!item_queue_push_front(&lane->pending, &item)) {
            lane->totals.dropped_records += item.records;
            ipfix_message_unref(item.message);
            continue;
        }
        front = item.message;
        lane->cost += cost;
    }
    lane->totals.repeated_records += records;
    if (records > 0) {
        col_log(lane->instance, COL_LOG_WARNING,
                "'%s' has not acknowledged %llu records; they are sent again", d->name,
                (unsigned long long)records);
    }
}

/** A connection that remembers too many domains, enough of them without a source. */
static bool worn_out(const struct lane *lane, const struct destination *d)
{
    size_t known = d->mapper.domains.count;

    return d->state == DESTINATION_CONNECTED && !d->came_up && known >= DOMAINS_MAX &&
           known >= lane->domains.count + DOMAINS_STALE;
}

static void look_after(struct lane *lane, struct destination *d, uint64_t now_ms)
{
    if (worn_out(lane, d)) {
        destination_renew(d, now_ms);
    }
    if (d->went_down) {
        take_back(lane, d);
    }
    if (d->came_up) {
        announce_all(lane, d, now_ms);
        destination_flush(d, now_ms);
        if (d->went_down) {
            take_back(lane, d);
        }
    }
}

/* ---- sending --------------------------------------------------------------------------------- */

static void announce_added(struct lane *lane, struct builder *builder, uint64_t now_ms)
{
    for (size_t i = 0; i < lane->added_count; i++) {
        struct mapped *mapped = mapper_use(builder->domain, lane->added[i], now_ms);
        if (mapped != NULL && !mapped->announced) {
            builder_announce(builder, mapped);
        }
    }
}

static void withdraw_dropped(struct lane *lane, struct destination *d, struct builder *builder,
                             uint64_t now_ms)
{
    for (size_t i = 0; i < lane->dropped_count; i++) {
        mapper_drop(builder->domain, lane->dropped[i], now_ms);
    }
    destination_withdraw_idle(d, builder);
}

/** Tells the destinations that do not get the message what it does to templates. */
static void broadcast_templates(struct lane *lane, const struct ipfix_message *message,
                                const struct destination *except, uint64_t now_ms)
{
    bool changes = lane->added_count > 0 || lane->dropped_count > 0;

    for (size_t i = 0; changes && i < lane->count; i++) {
        struct destination *d = &lane->destinations[i];
        if (d == except || d->state != DESTINATION_CONNECTED || d->came_up) {
            continue;
        }
        struct builder *builder =
            destination_builder(d, message->domain_id, message->export_time_s, now_ms);
        if (builder != NULL) {
            announce_added(lane, builder, now_ms);
            withdraw_dropped(lane, d, builder, now_ms);
            (void)destination_finish(d, now_ms);
        }
    }
}

static void report_skipped(struct lane *lane, struct builder *builder, const struct item *item)
{
    const struct ipfix_message *message = item->message;

    if (builder->unknown_sets > 0 && !item->applied) {
        lane->totals.unknown_sets += builder->unknown_sets;
        col_log_limited(lane->instance, &lane->unknown_limit, COL_LOG_WARNING,
                        "[%u] %s: Data Sets without template are not forwarded", message->domain_id,
                        message->session->name);
    }
    if (builder->unmapped_records > 0) {
        lane->totals.dropped_records += builder->unmapped_records;
        col_log_limited(lane->instance, &lane->ids_limit, COL_LOG_WARNING,
                        "[%u] no template id is left: %llu records are lost", message->domain_id,
                        (unsigned long long)builder->unmapped_records);
    }
    builder->unknown_sets = builder->unmapped_records = 0;
}

/** Builds an item's messages for a destination; false when the connection was given up. */
static bool build(struct lane *lane, struct destination *d, const struct item *item,
                  uint64_t now_ms)
{
    const struct ipfix_message *message = item->message;
    struct builder *builder =
        destination_builder(d, message->domain_id, message->export_time_s, now_ms);

    if (builder == NULL) {
        return false;
    }
    d->building = item->message;
    announce_added(lane, builder, now_ms);
    builder_message(builder, message, &item->from);
    report_skipped(lane, builder, item);
    withdraw_dropped(lane, d, builder, now_ms);
    bool ok = destination_finish(d, now_ms);
    d->building = NULL;
    return ok;
}

/** Sends the item in front to a destination. */
static void send_front(struct lane *lane, struct destination *d, uint64_t now_ms)
{
    struct item item = item_queue_pop(&lane->pending);
    struct source *source = item.message->session == NULL ? NULL : source_find(lane, item.message);
    bool changes = !item.applied && !nothing_new(source, item.message);

    lane->cost -= item_cost(&item);
    if (changes) {
        apply_templates(lane, item.message);
        source = source_find(lane, item.message);
    }
    if (source != NULL) {
        source->export_time_s = item.message->export_time_s;
    }
    bool built = build(lane, d, &item, now_ms);
    if (changes) {
        broadcast_templates(lane, item.message, d, now_ms);
        forget_lists(lane);
    }
    if (!built) {
        /* Nothing of it was written. What of it was complete comes back with the connection. */
        item.applied = true;
        size_t cost = item_cost(&item);
        bool returned = d->sent.count > 0 &&
                        item_queue_at(&d->sent, d->sent.count - 1)->message == item.message;
        if (!returned && item_queue_push_front(&lane->pending, &item)) {
            lane->cost += cost;
            return;
        }
    }
    ipfix_message_unref(item.message);
}

/** The next destination in turn that can take a message, or NULL. */
static struct destination *choose(struct lane *lane, uint64_t now_ms)
{
    for (size_t i = 0; i < lane->count; i++) {
        size_t index = (lane->next + i) % lane->count;
        struct destination *d = &lane->destinations[index];
        if (!destination_busy(d, now_ms) && !d->came_up) {
            lane->next = (index + 1) % lane->count;
            return d;
        }
        look_after(lane, d, now_ms);
    }
    return NULL;
}

void lane_dispatch(struct lane *lane, uint64_t now_ms)
{
    while (lane->pending.count > 0) {
        struct destination *d = choose(lane, now_ms);
        if (d == NULL) {
            return;
        }
        if (lane->pending.count > 0) {
            send_front(lane, d, now_ms);
        }
        look_after(lane, d, now_ms);
    }
}

void lane_run(struct lane *lane, uint64_t now_ms)
{
    for (size_t i = 0; i < lane->count; i++) {
        destination_run(&lane->destinations[i], now_ms);
        look_after(lane, &lane->destinations[i], now_ms);
    }
    lane_dispatch(lane, now_ms);
}

bool lane_push(struct lane *lane, struct ipfix_message *message)
{
    struct item item = {.message = ipfix_message_ref(message)};

    if (!item_queue_push(&lane->pending, &item)) {
        lane->totals.dropped_records += message->data_record_count;
        ipfix_message_unref(message);
        return false;
    }
    lane->cost += item_cost(&item);
    return true;
}

uint64_t lane_drop_oldest(struct lane *lane)
{
    struct item item = item_queue_pop(&lane->pending);
    uint64_t records = item_records(&item);

    lane->cost -= item_cost(&item);
    if (!item.applied) {
        /* Its data are lost, its templates are not. */
        apply_templates(lane, item.message);
        broadcast_templates(lane, item.message, NULL, col_clock_ms());
        forget_lists(lane);
    }
    lane->totals.dropped_records += records;
    ipfix_message_unref(item.message);
    return records;
}

size_t lane_connected(const struct lane *lane)
{
    size_t connected = 0;

    for (size_t i = 0; i < lane->count; i++) {
        const struct destination *d = &lane->destinations[i];
        connected += d->state == DESTINATION_CONNECTED || d->renewing;
    }
    return connected;
}

uint64_t lane_records_left(const struct lane *lane)
{
    uint64_t records = 0;

    for (size_t i = 0; i < lane->pending.count; i++) {
        records += item_records(item_queue_at(&lane->pending, i));
    }
    for (size_t i = 0; i < lane->count; i++) {
        const struct item_queue *sent = &lane->destinations[i].sent;
        for (size_t k = 0; k < sent->count; k++) {
            records += item_queue_at(sent, k)->records;
        }
    }
    return records;
}

void lane_clear(struct lane *lane)
{
    item_queue_clear(&lane->pending);
    table_clear(&lane->sources, source_free);
    table_clear(&lane->domains, NULL);
    free((void *)lane->added);
    free((void *)lane->dropped);
}
