/* SPDX-License-Identifier: BSD-3-Clause */
/* Transport Sessions: identity and name of who sends, shared by messages. */
#include "decoder.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct session_object {
    struct ipfix_session base; /* first member: the public part */
    atomic_uint references;
    char file[];
};

/* Only uniqueness matters, so relaxed order suffices. */
static atomic_uint_fast64_t next_id = 1;

static void format_name(struct ipfix_session *session)
{
    const struct ipfix_session_info *info = &session->info;
    char address[INET6_ADDRSTRLEN] = "?";

    if (info->file != NULL) {
        snprintf(session->name, sizeof(session->name), "%s", info->file);
    } else if (info->peer.ss_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, &info->peer, sizeof(in));
        inet_ntop(AF_INET, &in.sin_addr, address, sizeof(address));
        snprintf(session->name, sizeof(session->name), "%s:%u", address, ntohs(in.sin_port));
    } else if (info->peer.ss_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, &info->peer, sizeof(in6));
        inet_ntop(AF_INET6, &in6.sin6_addr, address, sizeof(address));
        snprintf(session->name, sizeof(session->name), "[%s]:%u", address, ntohs(in6.sin6_port));
    } else {
        snprintf(session->name, sizeof(session->name), "unknown peer");
    }
}

const struct ipfix_session *ipfix_session_create(const struct ipfix_session_info *info)
{
    size_t file_size = info->file == NULL ? 0 : strlen(info->file) + 1;
    struct session_object *session = calloc(1, sizeof(*session) + file_size);
    if (session == NULL) {
        return NULL;
    }
    session->base.id = atomic_fetch_add_explicit(&next_id, 1, memory_order_relaxed);
    session->base.info = *info;
    if (info->file != NULL) {
        memcpy(session->file, info->file, file_size);
        session->base.info.file = session->file;
    }
    format_name(&session->base);
    atomic_init(&session->references, 1);
    return &session->base;
}

const struct ipfix_session *ipfix_session_ref(const struct ipfix_session *session)
{
    struct session_object *object = (struct session_object *)session;
    atomic_fetch_add_explicit(&object->references, 1, memory_order_relaxed);
    return session;
}

void ipfix_session_unref(const struct ipfix_session *session)
{
    struct session_object *object = (struct session_object *)session;
    /* Release and acquire: the thread that frees sees what the others did before they let go. */
    if (object != NULL &&
        atomic_fetch_sub_explicit(&object->references, 1, memory_order_acq_rel) == 1) {
        free(object);
    }
}
