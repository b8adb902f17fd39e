/* SPDX-License-Identifier: BSD-3-Clause */
/* Storage for tests: appends what it counted to a file at its end, fails or hangs on demand. */

#include <ipfixcol/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct test_options {
    char *file; /* gets one line at the end: TAG MESSAGES RECORDS CLOSED LOWEST TICKS */
    char *tag;
    char *fail; /* create, process, tick, hang */
    uint32_t delay_us;
};

struct test_storage {
    col_instance_t *instance;
    const struct test_options *options;
    uint64_t messages, records, closed, ticks, out_of_order;
    uint32_t next[65];
    int wake[2]; /* a descriptor to poll: readable once */
    uint64_t polled;
};

static const struct col_option test_option_table[] = {
    {.name = "file",
     .type = COL_STRING,
     .offset = offsetof(struct test_options, file),
     .required = true,
     .help = "result"},
    {.name = "tag",
     .type = COL_STRING,
     .offset = offsetof(struct test_options, tag),
     .preset = "-",
     .help = "name in the result"},
    {.name = "fail",
     .type = COL_STRING,
     .offset = offsetof(struct test_options, fail),
     .preset = "",
     .help = "hook that fails"},
    {.name = "delay",
     .type = COL_UINT32,
     .offset = offsetof(struct test_options, delay_us),
     .preset = "0",
     .max = 1000000,
     .help = "microseconds per message"},
    {0},
};

static int test_check(col_instance_t *instance, const void *options)
{
    const struct test_options *settings = options;

    if (strcmp(settings->fail, "check") == 0) {
        col_log(instance, COL_LOG_ERROR, "refused by its check");
        return COL_ERR;
    }
    return COL_OK;
}

static int test_create(col_instance_t *instance, const void *options, void **state)
{
    const struct test_options *settings = options;

    if (strcmp(settings->fail, "create") == 0 || test_check(instance, options) != COL_OK) {
        return COL_ERR;
    }
    struct test_storage *storage = calloc(1, sizeof(*storage));
    if (storage == NULL) {
        return COL_ERR;
    }
    storage->instance = instance;
    storage->options = settings;
    if (pipe(storage->wake) != 0 || write(storage->wake[1], "x", 1) != 1) {
        free(storage);
        return COL_ERR;
    }
    *state = storage;
    return COL_OK;
}

static int test_process(void *state, struct ipfix_message *message)
{
    struct test_storage *storage = state;

    if (strcmp(storage->options->fail, "process") == 0) {
        return COL_ERR;
    }
    if (strcmp(storage->options->fail, "hang") == 0) {
        while (true) {
            (void)pause();
        }
    }
    if (message->kind == IPFIX_MESSAGE_SOURCE_CLOSED) {
        storage->closed++;
        return COL_OK;
    }
    storage->messages++;
    storage->records += message->data_record_count;
    if (message->domain_id < 65) {
        uint32_t *next = &storage->next[message->domain_id];
        storage->out_of_order += *next != 0 && *next != message->sequence ? 1 : 0;
        *next = message->sequence + message->data_record_count;
    }
    if (storage->options->delay_us > 0) {
        struct timespec delay = {.tv_nsec = (long)storage->options->delay_us * 1000};
        (void)nanosleep(&delay, NULL);
    }
    return COL_OK;
}

static int test_tick(void *state, uint64_t now_ms)
{
    struct test_storage *storage = state;
    char byte;

    (void)now_ms;
    storage->ticks++;
    if (storage->polled == 0 && read(storage->wake[0], &byte, 1) == 1) {
        storage->polled++;
    }
    return strcmp(storage->options->fail, "tick") == 0 ? COL_ERR : COL_OK;
}

static size_t test_poll(void *state, struct pollfd *fds, size_t room)
{
    const struct test_storage *storage = state;
    if (room == 0 || storage->polled > 0) {
        return 0;
    }
    fds[0] = (struct pollfd){.fd = storage->wake[0], .events = POLLIN};
    return 1;
}

static void test_destroy(void *state)
{
    struct test_storage *storage = state;
    if (storage == NULL) {
        return;
    }
    FILE *file = fopen(storage->options->file, "ae");
    if (file != NULL) {
        char line[256];
        int length =
            snprintf(line, sizeof(line), "%s %llu %llu %llu %llu %llu\n", storage->options->tag,
                     (unsigned long long)storage->messages, (unsigned long long)storage->records,
                     (unsigned long long)storage->closed, (unsigned long long)storage->out_of_order,
                     (unsigned long long)storage->polled);
        (void)fwrite(line, 1, (size_t)length, file);
        (void)fclose(file);
    }
    (void)close(storage->wake[0]);
    (void)close(storage->wake[1]);
    free(storage);
}

COL_EXPORT const struct col_plugin col_plugin = {
    .abi = COL_PLUGIN_ABI,
    .kind = COL_STORAGE,
    .name = "test",
    .summary = "counts",
    .options = test_option_table,
    .options_size = sizeof(struct test_options),
    .check = test_check,
    .create = test_create,
    .process = test_process,
    .tick = test_tick,
    .tick_ms = 20,
    .poll = test_poll,
    .destroy = test_destroy,
};
