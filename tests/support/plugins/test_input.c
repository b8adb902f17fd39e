/* SPDX-License-Identifier: BSD-3-Clause */
/* Input for tests: makes IPFIX Messages by itself, and fails where it is told to. */

#include <ipfixcol/plugin.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct test_options {
    uint32_t count;    /* messages; then the end */
    uint32_t domains;  /* used in turn: 1, 2, ... */
    uint32_t pause_ms; /* between messages */
    uint32_t records;
    bool endless; /* waits at the end instead of ending */
    char *fail;   /* create, receive, malformed, framing */
};

static const char *const test_counters[] = {"messages made, in all", NULL};

struct test_input {
    col_instance_t *instance;
    const struct test_options *options;
    const struct ipfix_session *session;
    uint32_t sent;
    uint32_t sequence[64];
};

static const struct col_option test_option_table[] = {
    {.name = "count",
     .type = COL_UINT32,
     .offset = offsetof(struct test_options, count),
     .preset = "10",
     .help = "messages"},
    {.name = "domains",
     .type = COL_UINT32,
     .offset = offsetof(struct test_options, domains),
     .preset = "1",
     .min = 1,
     .max = 64,
     .help = "Observation Domains"},
    {.name = "pause",
     .type = COL_UINT32,
     .offset = offsetof(struct test_options, pause_ms),
     .preset = "0",
     .help = "milliseconds between messages"},
    {.name = "records",
     .type = COL_UINT32,
     .offset = offsetof(struct test_options, records),
     .preset = "10",
     .min = 1,
     .max = 1000,
     .help = "records in a message"},
    {.name = "endless",
     .type = COL_BOOL,
     .offset = offsetof(struct test_options, endless),
     .preset = "no",
     .help = "waits after the last message"},
    {.name = "fail",
     .type = COL_STRING,
     .offset = offsetof(struct test_options, fail),
     .preset = "",
     .help = "hook that fails"},
    {0},
};

static int test_create(col_instance_t *instance, const void *options, void **state)
{
    const struct test_options *settings = options;
    struct ipfix_session_info info = {.transport = IPFIX_TRANSPORT_FILE, .file = "test"};

    if (strcmp(settings->fail, "create") == 0) {
        return COL_ERR;
    }
    struct test_input *input = calloc(1, sizeof(*input));
    if (input == NULL) {
        return COL_ERR;
    }
    input->instance = instance;
    input->options = settings;
    input->session = col_session_open(instance, &info);
    *state = input;
    return COL_OK;
}

static void test_destroy(void *state)
{
    struct test_input *input = state;
    if (input != NULL) {
        col_session_close(input->instance, input->session);
        free(input);
    }
}

static uint8_t *put(uint8_t *at, uint32_t value, unsigned octets)
{
    for (unsigned i = octets; i > 0; i--) {
        *at++ = (uint8_t)(value >> ((i - 1) * 8));
    }
    return at;
}

/* Template 256 = octetDeltaCount (4 octets), then records that count up. */
static size_t make_message(struct test_input *input, uint8_t *octets)
{
    uint32_t domain = input->sent % input->options->domains;
    uint32_t records = input->options->records;
    bool first = input->sent < input->options->domains;
    size_t length = 16 + (first ? 12 : 0) + 4 + records * 4;

    uint8_t *at = put(octets, 10, 2);
    at = put(at, (uint32_t)length, 2);
    at = put(at, 1700000000, 4);
    at = put(at, input->sequence[domain], 4);
    at = put(at, domain + 1, 4);
    if (first) {
        at = put(put(put(put(put(put(at, 2, 2), 12, 2), 256, 2), 1, 2), 1, 2), 4, 2);
    }
    at = put(put(at, 256, 2), 4 + records * 4, 2);
    for (uint32_t i = 0; i < records; i++) {
        at = put(at, input->sequence[domain] + i, 4);
    }
    input->sequence[domain] += records;
    return length;
}

static void wait_for_stop(const struct test_input *input, int timeout_ms)
{
    struct pollfd stop = {.fd = col_input_stop_fd(input->instance), .events = POLLIN};
    (void)poll(&stop, 1, timeout_ms);
}

static int test_receive(void *state)
{
    struct test_input *input = state;
    uint8_t octets[8192];

    if (input->sent >= input->options->count) {
        if (strcmp(input->options->fail, "receive") == 0) {
            return COL_ERR;
        }
        if (!input->options->endless) {
            return COL_EOF;
        }
        wait_for_stop(input, -1);
        return COL_OK;
    }
    size_t length = make_message(input, octets);
    if (strcmp(input->options->fail, "malformed") == 0) {
        octets[1] = 9;
    }
    if (strcmp(input->options->fail, "framing") == 0) {
        col_input_malformed(input->instance);
    }
    input->sent++;
    col_count(input->instance, 0, 1);
    (void)col_input_message(input->instance, input->session, octets, length);
    if (input->options->pause_ms > 0) {
        wait_for_stop(input, (int)input->options->pause_ms);
    }
    return COL_OK;
}

COL_EXPORT const struct col_plugin col_plugin = {
    .abi = COL_PLUGIN_ABI,
    .kind = COL_INPUT,
    .name = "testInput",
    .summary = "makes messages",
    .options = test_option_table,
    .options_size = sizeof(struct test_options),
    .counters = test_counters,
    .create = test_create,
    .receive = test_receive,
    .destroy = test_destroy,
};
