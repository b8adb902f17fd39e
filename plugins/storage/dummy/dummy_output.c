/* SPDX-License-Identifier: BSD-3-Clause */
/* Drops every message after an optional pause. */

#include <ipfixcol/plugin.h>

#include <stdlib.h>
#include <time.h>

struct dummy_options {
    uint32_t delay_us;
};

struct dummy {
    col_instance_t *instance;
    struct timespec delay;
    uint64_t messages;
    uint64_t data_records;
};

enum { COUNTER_RECORDS };

static const char *const dummy_counters[] = {"records_dropped", NULL};

static const struct col_option dummy_option_table[] = {
    {.name = "delay",
     .type = COL_UINT32,
     .offset = offsetof(struct dummy_options, delay_us),
     .preset = "0",
     .max = 60000000,
     .help = "microseconds to wait for each message"},
    {0},
};

static int dummy_create(col_instance_t *instance, const void *options, void **state)
{
    const struct dummy_options *settings = options;
    struct dummy *dummy = calloc(1, sizeof(*dummy));
    if (dummy == NULL) {
        return COL_ERR;
    }
    dummy->instance = instance;
    dummy->delay.tv_sec = settings->delay_us / 1000000;
    dummy->delay.tv_nsec = (long)(settings->delay_us % 1000000) * 1000;
    *state = dummy;
    col_log(instance, COL_LOG_INFO, "initialized with a delay of %u us", settings->delay_us);
    return COL_OK;
}

static int dummy_process(void *state, struct ipfix_message *message)
{
    struct dummy *dummy = state;

    if (message->kind != IPFIX_MESSAGE_DATA) {
        return COL_OK;
    }
    dummy->messages++;
    dummy->data_records += message->data_record_count;
    col_count(dummy->instance, COUNTER_RECORDS, message->data_record_count);
    col_log(dummy->instance, COL_LOG_DEBUG, "[%u] dropped a message of %u data records",
            message->domain_id, message->data_record_count);
    if (dummy->delay.tv_sec > 0 || dummy->delay.tv_nsec > 0) {
        (void)nanosleep(&dummy->delay, NULL);
    }
    return COL_OK;
}

static void dummy_destroy(void *state)
{
    struct dummy *dummy = state;

    if (dummy != NULL) {
        col_log(dummy->instance, COL_LOG_INFO, "closed after %llu messages, %llu data records",
                (unsigned long long)dummy->messages, (unsigned long long)dummy->data_records);
        free(dummy);
    }
}

COL_EXPORT const struct col_plugin col_plugin = {
    .abi = COL_PLUGIN_ABI,
    .kind = COL_STORAGE,
    .name = "dummy",
    .summary = "drops everything, for measurements and tests",
    .options = dummy_option_table,
    .options_size = sizeof(struct dummy_options),
    .counters = dummy_counters,
    .create = dummy_create,
    .process = dummy_process,
    .destroy = dummy_destroy,
};
