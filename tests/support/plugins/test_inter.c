/* SPDX-License-Identifier: BSD-3-Clause */
/* Intermediate for tests: passes on, holds back until the end, and fails where it is told to. */

#include <ipfixcol/plugin.h>

#include <stdlib.h>
#include <string.h>

struct test_options {
    char *fail; /* create, process, tick */
    bool hold;  /* keeps the last message until it is destroyed */
};

struct test_inter {
    col_instance_t *instance;
    const struct test_options *options;
    struct ipfix_message *held;
    bool ticked;
};

static const struct col_option test_option_table[] = {
    {.name = "fail",
     .type = COL_STRING,
     .offset = offsetof(struct test_options, fail),
     .preset = "",
     .help = "hook that fails"},
    {.name = "hold",
     .type = COL_BOOL,
     .offset = offsetof(struct test_options, hold),
     .preset = "no",
     .help = "keeps the last message until the end"},
    {0},
};

static int test_create(col_instance_t *instance, const void *options, void **state)
{
    const struct test_options *settings = options;

    if (strcmp(settings->fail, "create") == 0) {
        return COL_ERR;
    }
    struct test_inter *inter = calloc(1, sizeof(*inter));
    if (inter == NULL) {
        return COL_ERR;
    }
    inter->instance = instance;
    inter->options = settings;
    *state = inter;
    return COL_OK;
}

static void release(struct test_inter *inter)
{
    if (inter->held != NULL) {
        col_pass(inter->instance, inter->held);
        ipfix_message_unref(inter->held);
        inter->held = NULL;
    }
}

static int test_process(void *state, struct ipfix_message *message)
{
    struct test_inter *inter = state;

    if (strcmp(inter->options->fail, "process") == 0) {
        return COL_ERR;
    }
    if (inter->options->hold) {
        release(inter);
        inter->held = ipfix_message_ref(message);
    } else {
        col_pass(inter->instance, message);
    }
    return COL_OK;
}

static int test_tick(void *state, uint64_t now_ms)
{
    struct test_inter *inter = state;
    (void)now_ms;
    return strcmp(inter->options->fail, "tick") == 0 ? COL_ERR : COL_OK;
}

static void test_destroy(void *state)
{
    struct test_inter *inter = state;
    if (inter != NULL) {
        release(inter);
        free(inter);
    }
}

COL_EXPORT const struct col_plugin col_plugin = {
    .abi = COL_PLUGIN_ABI,
    .kind = COL_INTERMEDIATE,
    .name = "test_ip",
    .summary = "passes everything on",
    .options = test_option_table,
    .options_size = sizeof(struct test_options),
    .create = test_create,
    .process = test_process,
    .tick = test_tick,
    .tick_ms = 5,
    .destroy = test_destroy,
};
