/* SPDX-License-Identifier: BSD-3-Clause */
/* Everything the protocol remembers of one Transport Session. */
#include "decoder.h"

#include "event.h"
#include "message.h"
#include "netflow.h"
#include "sequence.h"
#include "template_manager.h"

#include <stdlib.h>
#include <string.h>

/* Bound against senders that invent Observation Domains. */
#define DOMAIN_MAX 4096u

/* An Observation Domain of the session. */
struct domain {
    uint32_t id;
    bool announced; /* a message of it has been handed out */
    uint64_t message_count;
    uint64_t data_record_count;
    struct template_table templates;
    struct netflow_templates netflow;
    uint32_t netflow_sequence; /* of the next message converted from v9 */
    struct sequence records;   /* IPFIX and v5 number records, */
    struct sequence messages;  /* v9 numbers messages */
};

struct ipfix_decoder {
    const struct ipfix_session *session;
    const ipfix_dictionary_t *dictionary;
    struct event_sink sink;
    bool datagrams;  /* UDP: templates age, no withdrawals, NetFlow */
    bool reordering; /* messages may overtake each other */
    struct template_budget budget;

    struct domain **domains; /* ascending by id */
    size_t domain_count, domain_room;
    struct domain *last_domain;
    size_t close_at;

    struct set_list sets;
    struct change_list changes;
    struct ipfix_domain_account *accounts;
};

/* A message on its way through the decoder. */
struct decoding {
    const uint8_t *octets;
    struct message_header header;
    uint16_t original_version;
    uint32_t original_sequence;
    uint64_t now_ms;
};

/* ---- life ------------------------------------------------------------------------------------ */

ipfix_decoder_t *ipfix_decoder_create(const struct ipfix_session *session,
                                      const ipfix_dictionary_t *dictionary, ipfix_event_fn *event,
                                      void *context)
{
    ipfix_decoder_t *decoder = calloc(1, sizeof(*decoder));
    if (decoder == NULL) {
        ipfix_session_unref(session);
        return NULL;
    }
    enum ipfix_transport transport = session->info.transport;
    decoder->session = session;
    decoder->dictionary = dictionary;
    decoder->sink = (struct event_sink){event, context};
    decoder->datagrams = transport == IPFIX_TRANSPORT_UDP;
    decoder->reordering = transport == IPFIX_TRANSPORT_UDP || transport == IPFIX_TRANSPORT_SCTP;
    decoder->budget = (struct template_budget){.used = 0, .limit = TEMPLATE_MEMORY_MAX};
    return decoder;
}

void ipfix_decoder_share_budget(ipfix_decoder_t *decoder, struct template_budget *shared)
{
    decoder->budget.shared = shared;
}

static void domain_destroy(struct template_budget *budget, struct domain *domain)
{
    template_table_clear(&domain->templates);
    netflow_templates_clear(&domain->netflow);
    template_budget_give(budget, sizeof(*domain));
    free(domain);
}

void ipfix_decoder_destroy(ipfix_decoder_t *decoder)
{
    if (decoder == NULL) {
        return;
    }
    for (size_t i = 0; i < decoder->domain_count; i++) {
        domain_destroy(&decoder->budget, decoder->domains[i]);
    }
    change_list_clear(&decoder->changes);
    free(decoder->changes.items);
    free(decoder->sets.items);
    free(decoder->domains);
    free(decoder->accounts);
    ipfix_session_unref(decoder->session);
    free(decoder);
}

void ipfix_decoder_set_dictionary(ipfix_decoder_t *decoder, const ipfix_dictionary_t *dictionary)
{
    decoder->dictionary = dictionary;
}

/* ---- domains --------------------------------------------------------------------------------- */

/* Index of a domain, or where it belongs. */
static size_t domain_position(const ipfix_decoder_t *decoder, uint32_t id)
{
    size_t low = 0;
    size_t high = decoder->domain_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (decoder->domains[middle]->id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static int domain_insert(ipfix_decoder_t *decoder, size_t position, struct domain *domain)
{
    if (decoder->domain_count == decoder->domain_room) {
        size_t room = decoder->domain_room == 0 ? 4 : decoder->domain_room * 2;
        struct domain **grown = realloc(decoder->domains, room * sizeof(*grown));
        if (grown == NULL) {
            return COL_ERR_NOMEM;
        }
        decoder->domains = grown;
        decoder->domain_room = room;
    }
    memmove(&decoder->domains[position + 1], &decoder->domains[position],
            (decoder->domain_count - position) * sizeof(*decoder->domains));
    decoder->domains[position] = domain;
    decoder->domain_count++;
    return COL_OK;
}

static int domain_create(ipfix_decoder_t *decoder, size_t position, uint32_t id,
                         struct domain **domain)
{
    if (decoder->domain_count >= DOMAIN_MAX) {
        event_tell(&decoder->sink, IPFIX_EVENT_LIMIT, id, DOMAIN_MAX, 0,
                   "Observation Domains of one session");
        return COL_ERR_MALFORMED;
    }
    if (!template_budget_take(&decoder->budget, sizeof(struct domain))) {
        event_tell(&decoder->sink, IPFIX_EVENT_LIMIT, id, 0, 0,
                   "memory for Observation Domains of one session or input");
        return COL_ERR_MALFORMED;
    }
    struct domain *created = calloc(1, sizeof(*created));
    if (created == NULL) {
        template_budget_give(&decoder->budget, sizeof(*created));
        return COL_ERR_NOMEM;
    }
    created->id = id;
    template_table_init(&created->templates, id, &decoder->budget);
    netflow_templates_init(&created->netflow, &decoder->budget);
    if (domain_insert(decoder, position, created) != COL_OK) {
        domain_destroy(&decoder->budget, created);
        return COL_ERR_NOMEM;
    }
    *domain = created;
    return COL_OK;
}

/* The domain of an id, made when it does not exist. */
static int domain_get(ipfix_decoder_t *decoder, uint32_t id, struct domain **domain)
{
    if (decoder->last_domain != NULL && decoder->last_domain->id == id) {
        *domain = decoder->last_domain;
        return COL_OK;
    }
    size_t position = domain_position(decoder, id);
    if (position < decoder->domain_count && decoder->domains[position]->id == id) {
        *domain = decoder->domains[position];
    } else {
        int status = domain_create(decoder, position, id, domain);
        if (status != COL_OK) {
            return status;
        }
    }
    decoder->last_domain = *domain;
    return COL_OK;
}

/* ---- sets ------------------------------------------------------------------------------------ */

static struct template_context template_context(const ipfix_decoder_t *decoder,
                                                const struct domain *domain, uint64_t now_ms)
{
    struct template_context context = {
        .sink = &decoder->sink,
        .dictionary = decoder->dictionary,
        .withdrawals = !decoder->datagrams,
        .now_ms = now_ms,
        .message_number = domain->message_count,
    };
    if (decoder->datagrams) {
        context.lifetimes = decoder->session->info.lifetimes;
    }
    return context;
}

/* Counts records of different lengths one after the other; false when the last one does not fit. */
static bool count_variable(const struct ipfix_template *tmplt, const struct ipfix_set *set,
                           uint32_t *count)
{
    const uint8_t *at = set->octets + IPFIX_SET_HEADER_LENGTH;
    const uint8_t *end = set->octets + set->length;

    while (end - at >= tmplt->record_length) {
        size_t length = template_record_length(tmplt, at, end);
        if (length == 0) {
            return false;
        }
        at += length;
        ++*count;
    }
    return true;
}

/* Counts the records of a Data Set; what is left behind the last one is padding. */
static void count_records(const ipfix_decoder_t *decoder, uint32_t domain_id, struct ipfix_set *set)
{
    const struct ipfix_template *tmplt = set->tmplt;
    bool good = true;

    set->record_count = 0;
    if (tmplt->variable_length) {
        good = count_variable(tmplt, set, &set->record_count);
    } else if (tmplt->record_length > 0) {
        set->record_count = (set->length - IPFIX_SET_HEADER_LENGTH) / tmplt->record_length;
    } else {
        good = set->length == IPFIX_SET_HEADER_LENGTH;
    }
    if (!good) {
        event_tell(&decoder->sink, IPFIX_EVENT_BAD_DATA_SET, domain_id, set->id, 0,
                   tmplt->record_length > 0 ? "record runs past its set"
                                            : "records without octets");
    }
}

/* Applies and decodes sets in the order of the message, as RFC 7011 wants it. Data Sets whose
 * template is still missing are looked at again afterwards: some exporters send it later in the
 * same message. */
static int decode_sets(ipfix_decoder_t *decoder, struct domain *domain,
                       const struct template_context *context)
{
    struct set_list *sets = &decoder->sets;
    for (size_t i = 0; i < sets->count; i++) {
        struct ipfix_set *set = &sets->items[i];
        if (set->id == IPFIX_SET_TEMPLATE || set->id == IPFIX_SET_OPTIONS_TEMPLATE) {
            int status = template_table_apply(&domain->templates, context, set, (uint16_t)i,
                                              &decoder->changes);
            if (status != COL_OK) {
                return status;
            }
        } else if (set->id < IPFIX_SET_DATA_MIN) {
            event_tell(&decoder->sink, IPFIX_EVENT_UNKNOWN_SET, domain->id, set->id, 0, NULL);
        } else {
            set->tmplt = template_table_find(&domain->templates, context, set->id);
            if (set->tmplt != NULL) {
                /* A later set of this message may replace the template. */
                ipfix_template_ref(set->tmplt);
                count_records(decoder, domain->id, set);
            }
        }
    }
    return COL_OK;
}

static void decode_early_sets(ipfix_decoder_t *decoder, struct domain *domain,
                              const struct template_context *context)
{
    for (size_t i = 0; i < decoder->sets.count; i++) {
        struct ipfix_set *set = &decoder->sets.items[i];
        if (set->id < IPFIX_SET_DATA_MIN || set->tmplt != NULL) {
            continue;
        }
        set->tmplt = template_table_find_later(&domain->templates, context, set->id, (uint16_t)i,
                                               &decoder->changes);
        if (set->tmplt != NULL) {
            ipfix_template_ref(set->tmplt);
            count_records(decoder, domain->id, set);
        } else {
            event_tell(&decoder->sink, IPFIX_EVENT_NO_TEMPLATE, domain->id, set->id, 0, NULL);
        }
    }
}

static uint32_t sum_records(const struct set_list *sets)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < sets->count; i++) {
        sum += sets->items[i].id >= IPFIX_SET_DATA_MIN ? sets->items[i].record_count : 0;
    }
    return sum;
}

/* ---- messages -------------------------------------------------------------------------------- */

static void account(ipfix_decoder_t *decoder, struct domain *domain,
                    const struct decoding *decoding, uint32_t record_count)
{
    bool v9 = decoding->original_version == 9;
    uint32_t expected;
    enum sequence_result result =
        v9 ? sequence_account(&domain->messages, true, decoding->original_sequence, 1, &expected)
           : sequence_account(&domain->records, decoder->reordering, decoding->original_sequence,
                              record_count, &expected);
    if (result == SEQUENCE_GAP || result == SEQUENCE_RESET) {
        event_tell(&decoder->sink, IPFIX_EVENT_SEQUENCE, domain->id, decoding->original_sequence,
                   expected, NULL);
    }
    domain->data_record_count += record_count;
    domain->netflow_sequence += v9 ? record_count : 0;
}

/* Sets are decoded: makes the message and keeps the books. */
static int finish(ipfix_decoder_t *decoder, struct domain *domain, const struct decoding *decoding,
                  struct ipfix_message **message)
{
    struct ipfix_message model = {
        .kind = IPFIX_MESSAGE_DATA,
        .source_new = !domain->announced,
        .session = decoder->session,
        .domain_id = domain->id,
        .export_time_s = decoding->header.export_time_s,
        .sequence = decoding->header.sequence,
        .octets = decoding->octets,
        .length = decoding->header.length,
        .original_version = decoding->original_version,
        .data_record_count = sum_records(&decoder->sets),
    };
    struct ipfix_message *created = message_create(&model, &decoder->sets, &decoder->changes);
    if (created == NULL) {
        return COL_ERR_NOMEM;
    }
    domain->announced = true;
    account(decoder, domain, decoding, model.data_record_count);
    *message = created;
    return COL_OK;
}

/* An IPFIX Message whose header has been checked. */
static int decode_ipfix(ipfix_decoder_t *decoder, const struct decoding *decoding,
                        struct ipfix_message **message)
{
    struct domain *domain;

    int status = message_split(decoding->octets, &decoding->header, &decoder->sink, &decoder->sets);
    if (status == COL_OK) {
        status = domain_get(decoder, decoding->header.domain_id, &domain);
    }
    if (status == COL_OK) {
        domain->message_count++;
        struct template_context context = template_context(decoder, domain, decoding->now_ms);
        status = decode_sets(decoder, domain, &context);
        if (status == COL_OK) {
            decode_early_sets(decoder, domain, &context);
            status = finish(decoder, domain, decoding, message);
        }
    }
    change_list_clear(&decoder->changes);
    set_list_clear(&decoder->sets);
    return status;
}

static int decode_received_ipfix(ipfix_decoder_t *decoder, struct decoding *decoding, size_t length,
                                 struct ipfix_message **message)
{
    bool cut = !message_header_read(decoding->octets, length, &decoding->header);
    uint16_t said = decoding->header.length;
    if (cut || said < IPFIX_MESSAGE_HEADER_LENGTH || said > length) {
        event_tell(&decoder->sink, IPFIX_EVENT_BAD_LENGTH, decoding->header.domain_id, said, length,
                   NULL);
        return COL_ERR_MALFORMED;
    }
    decoding->original_sequence = decoding->header.sequence;
    return decode_ipfix(decoder, decoding, message);
}

/* ---- NetFlow --------------------------------------------------------------------------------- */

static int tell_conversion(const ipfix_decoder_t *decoder, uint32_t domain_id, uint16_t version,
                           const char *why)
{
    event_tell(&decoder->sink, IPFIX_EVENT_CONVERSION, domain_id, version, 0, why);
    return COL_ERR_MALFORMED;
}

/* The v5 template is announced when it is not the current one, and before it expires. */
static bool v5_template_due(const ipfix_decoder_t *decoder, const struct domain *domain,
                            uint64_t now_ms)
{
    const struct template_entry *entry =
        template_table_peek(&domain->templates, NETFLOW_V5_TEMPLATE_ID);
    if (entry == NULL || entry->tmplt->set_id != IPFIX_SET_TEMPLATE ||
        entry->tmplt->definition_length != netflow_v5_definition_length ||
        memcmp(entry->tmplt->definition, netflow_v5_definition, netflow_v5_definition_length) !=
            0) {
        return true;
    }
    const struct ipfix_template_lifetimes *lifetimes = &decoder->session->info.lifetimes;
    return (lifetimes->template_s != 0 &&
            now_ms - entry->seen_ms >= (uint64_t)lifetimes->template_s * 1000) ||
           (lifetimes->template_messages != 0 &&
            domain->message_count + 1 - entry->seen_message >= lifetimes->template_messages);
}

static int convert(ipfix_decoder_t *decoder, struct domain *domain,
                   const struct netflow_header *header, const struct decoding *decoding,
                   size_t length, struct lnf_writer_bytes *out)
{
    if (header->version == 9) {
        return netflow_v9_convert(&domain->netflow, &decoder->sink, header, decoding->octets,
                                  length, domain->netflow_sequence, out);
    }
    const char *why;
    int status = netflow_v5_convert(header, decoding->octets, length,
                                    v5_template_due(decoder, domain, decoding->now_ms), out, &why);
    if (why != NULL) {
        (void)tell_conversion(decoder, header->domain_id, 5, why);
    }
    return status;
}

static int decode_netflow(ipfix_decoder_t *decoder, struct decoding *decoding, size_t length,
                          struct ipfix_message **message)
{
    /* Not kept with the session: over UDP everyone can open sessions. The message gets a copy. */
    uint8_t conversion[IPFIX_MESSAGE_MAX_LENGTH];
    struct netflow_header header;
    struct domain *domain;

    const char *why = netflow_header_read(decoding->octets, length, &header);
    if (why != NULL) {
        return tell_conversion(decoder, header.domain_id, header.version, why);
    }
    int status = domain_get(decoder, header.domain_id, &domain);
    if (status != COL_OK) {
        return status;
    }
    struct lnf_writer_bytes out = lnf_writer_bytes_init(conversion, sizeof(conversion));
    status = convert(decoder, domain, &header, decoding, length, &out);
    if (status != COL_OK) {
        return status;
    }
    decoding->octets = conversion;
    decoding->original_sequence = header.sequence;
    (void)message_header_read(decoding->octets, lnf_writer_bytes_used(&out), &decoding->header);
    return decode_ipfix(decoder, decoding, message);
}

int ipfix_decoder_decode(ipfix_decoder_t *decoder, const uint8_t *octets, size_t length,
                         uint64_t now_ms, struct ipfix_message **message)
{
    if (length < 2) {
        event_tell(&decoder->sink, IPFIX_EVENT_BAD_LENGTH, 0, 0, length, NULL);
        return COL_ERR_MALFORMED;
    }
    uint16_t version = be16toh(lnf_load_u16(octets));
    struct decoding decoding = {.octets = octets, .original_version = version, .now_ms = now_ms};

    if (version == IPFIX_VERSION) {
        return decode_received_ipfix(decoder, &decoding, length, message);
    }
    if (decoder->reordering && (version == 5 || version == 9)) {
        return decode_netflow(decoder, &decoding, length, message);
    }
    event_tell(&decoder->sink, IPFIX_EVENT_BAD_VERSION, 0, version, 0, NULL);
    return COL_ERR_MALFORMED;
}

/* ---- end of a session, accounts -------------------------------------------------------------- */

struct ipfix_message *ipfix_decoder_close_next(ipfix_decoder_t *decoder)
{
    while (decoder->close_at < decoder->domain_count) {
        struct domain *domain = decoder->domains[decoder->close_at];
        if (domain->announced) {
            struct set_list no_sets = {0};
            struct change_list no_changes = {0};
            struct ipfix_message model = {
                .kind = IPFIX_MESSAGE_SOURCE_CLOSED,
                .session = decoder->session,
                .domain_id = domain->id,
            };
            struct ipfix_message *message = message_create(&model, &no_sets, &no_changes);
            decoder->close_at += message != NULL;
            return message;
        }
        decoder->close_at++;
    }
    return NULL;
}

const struct ipfix_domain_account *ipfix_decoder_accounts(ipfix_decoder_t *decoder, size_t *count)
{
    struct ipfix_domain_account *accounts =
        realloc(decoder->accounts, (decoder->domain_count + 1) * sizeof(*accounts));
    *count = 0;
    if (accounts == NULL) {
        return decoder->accounts;
    }
    decoder->accounts = accounts;
    for (size_t i = 0; i < decoder->domain_count; i++) {
        const struct domain *domain = decoder->domains[i];
        if (!domain->announced) {
            continue;
        }
        accounts[(*count)++] = (struct ipfix_domain_account){
            .domain_id = domain->id,
            .messages = domain->message_count,
            .data_records = domain->data_record_count,
            .lost_records = domain->records.lost,
            .lost_messages = domain->messages.lost,
        };
    }
    return accounts;
}
