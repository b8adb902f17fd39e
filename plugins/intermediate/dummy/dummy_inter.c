/* SPDX-License-Identifier: BSD-3-Clause */
/* Passes every message on and writes a debug line for each. */

#include <ipfixcol/plugin.h>

/* The state is the instance: there is nothing else to remember. */
static int dummy_create(col_instance_t *instance, const void *options, void **state)
{
    (void)options;
    *state = instance;
    return COL_OK;
}

static void dummy_destroy(void *state)
{
    (void)state;
}

static int dummy_process(void *state, struct ipfix_message *message)
{
    col_instance_t *instance = state;

    if (message->kind == IPFIX_MESSAGE_DATA) {
        col_log(instance, COL_LOG_DEBUG, "[%u] Received IPFIX message", message->domain_id);
    }
    col_pass(instance, message);
    return COL_OK;
}

COL_EXPORT const struct col_plugin col_plugin = {
    .abi = COL_PLUGIN_ABI,
    .kind = COL_INTERMEDIATE,
    .name = "dummy_ip",
    .module = "dummy intermediate process",
    .summary = "passes everything on and writes a debug line per message",
    .create = dummy_create,
    .destroy = dummy_destroy,
    .process = dummy_process,
};
