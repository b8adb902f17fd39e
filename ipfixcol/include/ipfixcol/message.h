/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * IPFIX Message, its Sets, and the Transport Session it came over.
 *
 * A message owns its octets and is shared by reference counting: whoever is handed a message has one
 * reference for the time of the call; who keeps it longer takes another. Everything in it is
 * immutable after the collector has parsed it. Data Records point into the message and are never
 * copied.
 *
 * Source: RFC 7011 sections 3 and 10.
 */
#ifndef IPFIXCOL_MESSAGE_H
#define IPFIXCOL_MESSAGE_H

#include <ipfixcol/common.h>
#include <ipfixcol/template.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define IPFIX_VERSION 10u
#define IPFIX_MESSAGE_HEADER_LENGTH 16u
#define IPFIX_SET_HEADER_LENGTH 4u
#define IPFIX_MESSAGE_MAX_LENGTH 65535u
#define IPFIX_SET_TEMPLATE 2u
#define IPFIX_SET_OPTIONS_TEMPLATE 3u
#define IPFIX_SET_DATA_MIN 256u

/* ---- Transport Session ------------------------------------------------------------------------ */

enum ipfix_transport {
    IPFIX_TRANSPORT_UDP,
    IPFIX_TRANSPORT_TCP,
    IPFIX_TRANSPORT_TLS,
    IPFIX_TRANSPORT_SCTP,
    IPFIX_TRANSPORT_FILE,
};

/** Lifetimes of templates over UDP (RFC 7011 section 8.4); 0 = no limit. */
struct ipfix_template_lifetimes {
    uint32_t template_s;
    uint32_t options_template_s;
    uint32_t template_messages;
    uint32_t options_template_messages;
};

/** What an input knows about a session when it opens it. */
struct ipfix_session_info {
    enum ipfix_transport transport;
    struct sockaddr_storage peer;  /* exporter; family AF_UNSPEC for files. Mapped IPv4 is AF_INET */
    struct sockaddr_storage local; /* this end; family AF_UNSPEC when unknown */
    const char *file;              /* path of a file source, else NULL; copied */
    struct ipfix_template_lifetimes lifetimes;
};

/** A Transport Session. Shared by its messages; freed with the last of them. */
struct ipfix_session {
    uint64_t id; /* unique in this process, never reused */
    struct ipfix_session_info info;
    char name[96]; /* "192.0.2.1:4739", "[2001:db8::1]:4739", or the file's name; for logs */
};

/** Takes a reference. Any thread. */
COL_API const struct ipfix_session *ipfix_session_ref(const struct ipfix_session *session);
/** Drops a reference; the last one frees. NULL is fine. Any thread. */
COL_API void ipfix_session_unref(const struct ipfix_session *session);

/* ---- IPFIX Message ---------------------------------------------------------------------------- */

/** A Set of a message, in the order of the message. */
struct ipfix_set {
    uint16_t id;
    uint16_t length;              /* octets with the Set Header */
    const uint8_t *octets;        /* the Set Header, inside the message */
    uint32_t record_count;        /* Data Sets: Data Records; else template changes of this set */
    const struct ipfix_template *tmplt; /* Data Sets: the template, NULL when unknown or expired */
};

enum ipfix_template_change_kind {
    IPFIX_TEMPLATE_ADDED,         /* new, or a new definition of an id */
    IPFIX_TEMPLATE_REFRESHED,     /* the definition already known was sent again */
    IPFIX_TEMPLATE_WITHDRAWN,     /* by the exporter; also for each one of a withdrawal of all */
};

/** What the Template Sets of a message did to the session's templates, in order. */
struct ipfix_template_change {
    enum ipfix_template_change_kind kind;
    uint16_t set; /* index into sets */
    const struct ipfix_template *tmplt; /* the template added, refreshed or withdrawn */
};

enum ipfix_message_kind {
    IPFIX_MESSAGE_DATA,           /* an IPFIX Message */
    IPFIX_MESSAGE_SOURCE_CLOSED,  /* no octets: this (session, domain) ended; its templates are gone */
};

struct ipfix_message {
    enum ipfix_message_kind kind;
    bool source_new;              /* first message of this (session, domain) */
    const struct ipfix_session *session;
    uint32_t domain_id;           /* Observation Domain ID */
    uint32_t export_time_s;
    uint32_t sequence;            /* as in the header, host byte order */
    const uint8_t *octets;        /* the whole message; NULL for notices */
    uint16_t length;              /* octets */
    uint16_t original_version;    /* 10, or 5 or 9: what the exporter spoke before conversion */
    uint32_t set_count;
    uint32_t change_count;
    uint32_t data_record_count;   /* Data Records in all sets, options records included */
    const struct ipfix_set *sets;
    const struct ipfix_template_change *changes;
};

/** Takes a reference. Any thread. */
COL_API struct ipfix_message *ipfix_message_ref(struct ipfix_message *message);
/** Drops a reference; the last one frees. NULL is fine. Any thread. */
COL_API void ipfix_message_unref(struct ipfix_message *message);

#endif
