/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Everything the protocol remembers of one Transport Session: Templates per Observation Domain,
 * sequence numbers, NetFlow conversion. Turns received octets into parsed messages.
 *
 * Knows nothing of threads, sockets or plugins. What is worth a log line or a counter is told
 * through one callback; who logs decides how often.
 *
 * Source: RFC 7011 sections 3, 8 and 10; RFC 3954 for NetFlow v9.
 */
#ifndef IPFIX_DECODER_H
#define IPFIX_DECODER_H

#include <ipfixcol/element.h>
#include <ipfixcol/message.h>

/** What can happen while decoding. `value` and `other` of struct ipfix_event depend on it. */
enum ipfix_event_kind {
    IPFIX_EVENT_BAD_VERSION, /* message dropped; value = version */
    IPFIX_EVENT_BAD_LENGTH,  /* message dropped; value = length in the header, other = octets there
                              */
    IPFIX_EVENT_BAD_SET, /* message dropped: a set does not fit; value = set id, other = its length;
                            length 0: only the rest of the message is skipped */
    IPFIX_EVENT_UNKNOWN_SET,        /* set skipped; value = set id */
    IPFIX_EVENT_BAD_TEMPLATE,       /* rest of its set skipped; value = template id, text = why */
    IPFIX_EVENT_NEW_TEMPLATE,       /* value = template id */
    IPFIX_EVENT_TEMPLATE_REDEFINED, /* without a withdrawal; value = template id */
    IPFIX_EVENT_TEMPLATE_EXPIRED,   /* UDP lifetime; value = template id */
    IPFIX_EVENT_WITHDRAWAL,         /* value = template id, or 2 or 3 for all of a kind */
    IPFIX_EVENT_UNKNOWN_WITHDRAWAL, /* value = template id */
    IPFIX_EVENT_REFUSED_WITHDRAWAL, /* over UDP: ignored; value = template id */
    IPFIX_EVENT_NO_TEMPLATE,        /* Data Set kept without records; value = template id */
    IPFIX_EVENT_BAD_DATA_SET,       /* a variable-length field runs past the set, or records of zero
                                       length: the records before it are used; value = template id */
    IPFIX_EVENT_SEQUENCE,           /* value = received, other = expected */
    IPFIX_EVENT_CONVERSION, /* NetFlow message dropped, or (decode returns COL_OK) the bad part of
                               it; value = version, text = why */
    IPFIX_EVENT_LIMIT,      /* a bound against hostile senders was hit; text = which */
};

struct ipfix_event {
    enum ipfix_event_kind kind;
    uint32_t domain_id;
    uint64_t value, other;
    const char *text; /* NULL or a short reason; lives during the call */
};

typedef void ipfix_event_fn(void *context, const struct ipfix_event *event);

typedef struct ipfix_decoder ipfix_decoder_t;

struct template_budget; /* id_table.h */

/** Accounts of one Observation Domain of the session. */
struct ipfix_domain_account {
    uint32_t domain_id;
    uint64_t messages;
    uint64_t data_records;
    uint64_t lost_records;  /* by sequence numbers, counted from the first message on */
    uint64_t lost_messages; /* the same of NetFlow v9, whose sequence numbers count messages */
};

/**
 * New decoder of a session. The session reference is taken, also on failure; dictionary and context
 * are borrowed.
 *
 * @return decoder, or NULL without memory
 */
ipfix_decoder_t *ipfix_decoder_create(const struct ipfix_session *session,
                                      const ipfix_dictionary_t *dictionary, ipfix_event_fn *event,
                                      void *context);

/**
 * Counts the memory of the decoder's templates in an account all decoders of an input share, beside
 * its own: many sessions shall not take what a single one may not. Before the first message;
 * borrowed, and whoever decodes or destroys one of them keeps the others from it.
 */
void ipfix_decoder_share_budget(ipfix_decoder_t *decoder, struct template_budget *shared);

/** Frees the decoder with its templates; messages keep those they need. NULL is fine. */
void ipfix_decoder_destroy(ipfix_decoder_t *decoder);

/** Uses another dictionary for templates that come from now on. */
void ipfix_decoder_set_dictionary(ipfix_decoder_t *decoder, const ipfix_dictionary_t *dictionary);

/**
 * Decodes one message: IPFIX, or over datagram transports NetFlow v5 and v9.
 *
 * @param octets,length  as received; copied. A datagram may be longer than its header says: it is
 * cut
 * @param now_ms         col_clock_ms() for template lifetimes
 * @param[out] message   one reference, the caller's; untouched on failure
 * @return COL_OK; COL_ERR_MALFORMED, an event told why; COL_ERR_NOMEM
 */
int ipfix_decoder_decode(ipfix_decoder_t *decoder, const uint8_t *octets, size_t length,
                         uint64_t now_ms, struct ipfix_message **message);

/**
 * Next notice that a domain of the session has ended, to be sent downstream at the end of a
 * session.
 *
 * @return one reference, the caller's; NULL when all domains have been told or without memory
 */
struct ipfix_message *ipfix_decoder_close_next(ipfix_decoder_t *decoder);

/** Accounts of the domains: *count of them, valid until the next call of this decoder. */
const struct ipfix_domain_account *ipfix_decoder_accounts(ipfix_decoder_t *decoder, size_t *count);

/** New session object with one reference, or NULL without memory. */
const struct ipfix_session *ipfix_session_create(const struct ipfix_session_info *info);

/* Dictionary. */

/**
 * Reads ipfix-elements.xml.
 *
 * @param[out] error  one line with file, line, element and reason; `error_size` octets. With a
 *                    dictionary: empty, or a warning about names used twice
 * @return dictionary, or NULL
 */
ipfix_dictionary_t *ipfix_dictionary_load(const char *path, char *error, size_t error_size);

/** Frees it; NULL is fine. Templates parsed with it must be gone. */
void ipfix_dictionary_destroy(ipfix_dictionary_t *dictionary);

#endif
