/* SPDX-License-Identifier: BSD-3-Clause */
/* Templates of one Observation Domain of a Transport Session. */
#include "template_manager.h"

/* ---- table ----------------------------------------------------------------------------------- */

void template_table_init(struct template_table *table, uint32_t domain_id,
                         struct template_budget *budget)
{
    *table = (struct template_table){.domain_id = domain_id, .budget = budget};
    id_table_init(&table->entries, budget, sizeof(struct template_entry));
}

static struct template_entry *find_entry(const struct template_table *table, uint16_t id)
{
    struct template_entry *entry = id_table_find(&table->entries, id);
    return entry == NULL || entry->tmplt == NULL ? NULL : entry;
}

static int tell_limit(const struct template_table *table, const struct template_context *context)
{
    event_tell(context->sink, IPFIX_EVENT_LIMIT, table->domain_id, 0, 0,
               "memory for templates of one session or input");
    return COL_ERR_MALFORMED;
}

/* The entry of an id, made when it does not exist. */
static int make_entry(struct template_table *table, const struct template_context *context,
                      uint16_t id, struct template_entry **entry)
{
    void *item = NULL;
    int status = id_table_make(&table->entries, id, &item);
    *entry = item;
    return status == COL_ERR_MALFORMED ? tell_limit(table, context) : status;
}

/* Empties an entry; the table's reference is the caller's now. */
static const struct ipfix_template *take_out(struct template_table *table,
                                             struct template_entry *entry)
{
    const struct ipfix_template *tmplt = entry->tmplt;
    entry->tmplt = NULL;
    template_budget_give(table->budget, template_memory(tmplt));
    return tmplt;
}

void template_table_clear(struct template_table *table)
{
    struct template_entry *entry;
    uint32_t id = 0;

    while ((entry = id_table_next(&table->entries, &id)) != NULL) {
        if (entry->tmplt != NULL) {
            ipfix_template_unref(take_out(table, entry));
        }
    }
    id_table_clear(&table->entries);
}

/* ---- lookup ---------------------------------------------------------------------------------- */

const struct template_entry *template_table_peek(const struct template_table *table, uint16_t id)
{
    return find_entry(table, id);
}

bool template_entry_expired(const struct template_entry *entry,
                            const struct template_context *context)
{
    const struct ipfix_template_lifetimes *lifetimes = &context->lifetimes;
    bool options = entry->tmplt->set_id == IPFIX_SET_OPTIONS_TEMPLATE;
    uint64_t seconds = options ? lifetimes->options_template_s : lifetimes->template_s;
    uint64_t messages =
        options ? lifetimes->options_template_messages : lifetimes->template_messages;

    return (seconds != 0 && context->now_ms > entry->seen_ms + seconds * 1000) ||
           (messages != 0 && context->message_number - entry->seen_message > messages);
}

const struct ipfix_template *template_table_find(struct template_table *table,
                                                 const struct template_context *context,
                                                 uint16_t id)
{
    struct template_entry *entry = find_entry(table, id);
    if (entry == NULL) {
        return NULL;
    }
    if (template_entry_expired(entry, context)) {
        event_tell(context->sink, IPFIX_EVENT_TEMPLATE_EXPIRED, table->domain_id, id, 0, NULL);
        ipfix_template_unref(take_out(table, entry));
        return NULL;
    }
    return entry->tmplt;
}

const struct ipfix_template *template_table_find_later(const struct template_table *table,
                                                       const struct template_context *context,
                                                       uint16_t id, uint16_t set_index,
                                                       const struct change_list *changes)
{
    const struct template_entry *entry = find_entry(table, id);

    if (entry == NULL || entry->seen_message != context->message_number) {
        return NULL;
    }
    const struct ipfix_template_change *first = &changes->items[entry->first_change];
    return first->set > set_index ? first->tmplt : entry->tmplt;
}

/* ---- Template Sets --------------------------------------------------------------------------- */

/* The set being applied. */
struct application {
    struct template_table *table;
    const struct template_context *context;
    uint16_t set_index;
    struct change_list *changes;
};

static void tell(const struct application *a, enum ipfix_event_kind kind, uint16_t id,
                 const char *text)
{
    event_tell(a->context->sink, kind, a->table->domain_id, id, 0, text);
}

static int withdraw_entry(const struct application *a, struct template_entry *entry)
{
    const struct ipfix_template *tmplt = take_out(a->table, entry);
    int status = change_list_add(a->changes, IPFIX_TEMPLATE_WITHDRAWN, a->set_index, tmplt);
    if (status != COL_OK) {
        ipfix_template_unref(tmplt);
    }
    return status;
}

/* Withdrawal of all templates of a kind (RFC 7011 section 8.1). */
static int withdraw_all(const struct application *a, uint16_t set_id)
{
    struct template_entry *entry;
    uint32_t id = 0;

    tell(a, IPFIX_EVENT_WITHDRAWAL, set_id, NULL);
    while ((entry = id_table_next(&a->table->entries, &id)) != NULL) {
        if (entry->tmplt == NULL || entry->tmplt->set_id != set_id) {
            continue;
        }
        int status = withdraw_entry(a, entry);
        if (status != COL_OK) {
            return status;
        }
    }
    return COL_OK;
}

static int withdraw(const struct application *a, const struct template_spec *spec)
{
    if (!a->context->withdrawals) {
        tell(a, IPFIX_EVENT_REFUSED_WITHDRAWAL, spec->id, NULL);
        return COL_OK;
    }
    if (spec->id == spec->set_id) {
        return withdraw_all(a, spec->set_id);
    }
    struct template_entry *entry = find_entry(a->table, spec->id);
    if (entry == NULL || entry->tmplt->set_id != spec->set_id) {
        tell(a, IPFIX_EVENT_UNKNOWN_WITHDRAWAL, spec->id, NULL);
        return COL_OK;
    }
    tell(a, IPFIX_EVENT_WITHDRAWAL, spec->id, NULL);
    return withdraw_entry(a, entry);
}

/* Accounts for a new template. What it replaces goes when memory is short: it is of no use any
 * more, also if the new one does not fit then. */
static bool take_budget(const struct application *a, struct template_entry *entry,
                        const struct ipfix_template *tmplt)
{
    size_t size = template_memory(tmplt);

    if (template_budget_take(a->table->budget, size)) {
        return true;
    }
    if (entry->tmplt == NULL) {
        return false;
    }
    ipfix_template_unref(take_out(a->table, entry));
    return template_budget_take(a->table->budget, size);
}

/* Puts a new template into its entry; the table holds the first reference, the change another. */
static int put(const struct application *a, const struct template_spec *spec,
               struct template_entry *entry)
{
    const char *why;
    struct ipfix_template *tmplt = template_create(spec, a->context->dictionary, &why);
    if (tmplt == NULL) {
        if (why == NULL) {
            return COL_ERR_NOMEM;
        }
        tell(a, IPFIX_EVENT_BAD_TEMPLATE, spec->id, why);
        return COL_ERR_MALFORMED;
    }
    if (!take_budget(a, entry, tmplt)) {
        ipfix_template_unref(tmplt);
        return tell_limit(a->table, a->context);
    }
    if (change_list_add(a->changes, IPFIX_TEMPLATE_ADDED, a->set_index, tmplt) != COL_OK) {
        template_budget_give(a->table->budget, template_memory(tmplt));
        ipfix_template_unref(tmplt);
        return COL_ERR_NOMEM;
    }
    if (entry->tmplt != NULL) {
        bool same_definition = template_matches(entry->tmplt, spec);
        ipfix_template_unref(take_out(a->table, entry));
        if (!same_definition) { /* the same one comes again after the dictionary changed */
            tell(a, IPFIX_EVENT_TEMPLATE_REDEFINED, spec->id, NULL);
        }
    } else {
        tell(a, IPFIX_EVENT_NEW_TEMPLATE, spec->id, NULL);
    }
    entry->tmplt = ipfix_template_ref(tmplt);
    return COL_OK;
}

static int define(const struct application *a, const struct template_spec *spec)
{
    const struct template_context *context = a->context;
    struct template_entry *entry = find_entry(a->table, spec->id);
    size_t change = a->changes->count;
    int status;

    if (entry != NULL && template_matches(entry->tmplt, spec) &&
        template_dictionary(entry->tmplt) == context->dictionary) {
        status = change_list_add(a->changes, IPFIX_TEMPLATE_REFRESHED, a->set_index, entry->tmplt);
        if (status == COL_OK) {
            ipfix_template_ref(entry->tmplt);
        }
    } else {
        status = entry != NULL ? COL_OK : make_entry(a->table, context, spec->id, &entry);
        if (status == COL_OK) {
            status = put(a, spec, entry);
        }
    }
    if (status == COL_OK) {
        if (entry->seen_message != context->message_number) {
            entry->first_change = change;
        }
        entry->seen_ms = context->now_ms;
        entry->seen_message = context->message_number;
    }
    return status;
}

int template_table_apply(struct template_table *table, const struct template_context *context,
                         struct ipfix_set *set, uint16_t set_index, struct change_list *changes)
{
    struct application a = {table, context, set_index, changes};
    struct lnf_reader r = lnf_reader_init(set->octets + IPFIX_SET_HEADER_LENGTH,
                                          set->length - IPFIX_SET_HEADER_LENGTH);
    size_t before = changes->count;
    int status = COL_OK;

    /* Fewer than four octets, and zeros, are padding. */
    while (status == COL_OK && lnf_reader_left(&r) >= 4 && lnf_load_u32(r.at) != 0) {
        struct template_spec spec;
        const char *why = template_spec_read(&r, set->id, &spec);
        if (why != NULL) {
            tell(&a, IPFIX_EVENT_BAD_TEMPLATE, spec.id, why);
            status = COL_ERR_MALFORMED;
        } else {
            status = spec.field_count == 0 ? withdraw(&a, &spec) : define(&a, &spec);
        }
    }
    set->record_count = (uint32_t)(changes->count - before);
    return status == COL_ERR_NOMEM ? COL_ERR_NOMEM : COL_OK;
}
