/* SPDX-License-Identifier: BSD-3-Clause */
/** Parts of a pipeline made by hand: a context, a spec of a plugin in the test, messages. */
#ifndef INSTANCE_SUPPORT_H
#define INSTANCE_SUPPORT_H

#include "collector_support.h"
#include "instance.h"
#include "ipfix/decoder.h"

#include <sys/eventfd.h>
#include <time.h>

__attribute__((unused)) static void support_nap(unsigned ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)nanosleep(&time, NULL);
}

__attribute__((unused)) static void support_context(struct collector_context *context)
{
    context->queue_slots = 64;
    context->queue_octets = 1 << 20;
    context->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ck_assert_int_ge(context->wake_fd, 0);
}

__attribute__((unused)) static struct instance_spec *support_spec(const struct col_plugin *plugin)
{
    struct instance_spec *spec = calloc(1, sizeof(*spec));
    ck_assert_ptr_nonnull(spec);
    atomic_init(&spec->references, 1);
    spec->plugin = plugin;
    spec->canonical = strdup(plugin->name);
    spec->label = strdup("unit-label");
    (void)snprintf(spec->thread_name, sizeof(spec->thread_name), "%s", plugin->name);
    return spec;
}

/* Octets of a message: template 256 of one number (unless `bare`), and `records` records. */
__attribute__((unused)) static size_t support_octets(uint8_t *octets, uint32_t domain_id,
                                                     unsigned records, bool bare)
{
    static const uint8_t tmplt[12] = {0, 2, 0, 12, 1, 0, 0, 1, 0, 1, 0, 4};
    uint8_t *at = octets + 16;

    memset(octets, 0, 16);
    octets[1] = 10;
    octets[14] = (uint8_t)(domain_id >> 8);
    octets[15] = (uint8_t)domain_id;
    if (!bare) {
        memcpy(at, tmplt, sizeof(tmplt));
        at += sizeof(tmplt);
    }
    size_t set = 4 + 4 * (size_t)records;
    memset(at, 0, set);
    at[0] = 1;
    at[2] = (uint8_t)(set >> 8);
    at[3] = (uint8_t)set;
    at += set;
    octets[2] = (uint8_t)((at - octets) >> 8);
    octets[3] = (uint8_t)(at - octets);
    return (size_t)(at - octets);
}

/* A message of its own session; one reference. */
__attribute__((unused)) static struct ipfix_message *support_message(uint32_t domain_id,
                                                                     unsigned records)
{
    struct ipfix_session_info info = {.transport = IPFIX_TRANSPORT_TCP};
    uint8_t octets[2048];
    struct ipfix_message *message = NULL;
    ipfix_decoder_t *decoder = ipfix_decoder_create(ipfix_session_create(&info), NULL, NULL, NULL);

    size_t length = support_octets(octets, domain_id, records, false);
    ck_assert_int_eq(ipfix_decoder_decode(decoder, octets, length, 0, &message), COL_OK);
    ipfix_decoder_destroy(decoder);
    return message;
}

#endif
