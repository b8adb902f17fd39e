/* SPDX-License-Identifier: BSD-3-Clause */
/* Adds up octets and appends a line to a file at intervals: the plugin of docs/plugin-guide.md. */

#include <ipfixcol/plugin.h>
#include <ipfixcol/record.h>

#include <stdio.h>
#include <stdlib.h>

#define IE_OCTET_DELTA_COUNT 1

struct example_options {
    char *file;
    uint32_t interval_s;
};

struct example {
    col_instance_t *instance;
    const struct example_options *options; /* lives as long as the instance */
    uint64_t records, octets, next_ms;
};

static const struct col_option example_option_table[] = {
    {.name = "file", .type = COL_STRING, .offset = offsetof(struct example_options, file),
     .required = true, .help = "file to append to"},
    {.name = "interval", .type = COL_UINT32, .offset = offsetof(struct example_options, interval_s),
     .preset = "60", .min = 1, .max = 86400, .help = "seconds between lines"},
    {0},
};

static int example_create(col_instance_t *instance, const void *options, void **state)
{
    struct example *example = calloc(1, sizeof(*example));
    if (example == NULL) {
        return COL_ERR;
    }
    example->instance = instance;
    example->options = options;
    example->next_ms = col_clock_ms() + example->options->interval_s * 1000u;
    *state = example;
    return COL_OK;
}

static int example_process(void *state, struct ipfix_message *message)
{
    struct example *example = state;
    struct ipfix_record_iter records;
    struct ipfix_record record;
    struct ipfix_field field;

    for (uint32_t i = 0; i < message->set_count; i++) { /* a notice has no sets */
        ipfix_record_iter_init(&records, &message->sets[i]);
        while (ipfix_record_next(&records, &record)) {
            example->records++;
            if (ipfix_record_find(&record, 0, IE_OCTET_DELTA_COUNT, &field)) {
                example->octets += ipfix_field_uint(field.octets, field.length);
            }
        }
    }
    return COL_OK;
}

static int example_write(struct example *example)
{
    FILE *file = fopen(example->options->file, "ae");
    if (file == NULL) {
        col_log(example->instance, COL_LOG_ERROR, "%s: %m", example->options->file);
        return COL_ERR;
    }
    int written = fprintf(file, "%llu %llu\n", (unsigned long long) example->records,
                          (unsigned long long) example->octets);
    return fclose(file) == 0 && written > 0 ? COL_OK : COL_ERR;
}

static int example_tick(void *state, uint64_t now_ms)
{
    struct example *example = state;
    if (now_ms < example->next_ms) {
        return COL_OK;
    }
    example->next_ms = now_ms + example->options->interval_s * 1000u;
    return example_write(example);
}

static void example_destroy(void *state)
{
    if (state != NULL) {
        (void) example_write(state);
        free(state);
    }
}

COL_EXPORT const struct col_plugin col_plugin = {
    .abi = COL_PLUGIN_ABI, .kind = COL_STORAGE, .name = "example",
    .summary = "adds up octets", .options = example_option_table,
    .options_size = sizeof(struct example_options), .create = example_create,
    .process = example_process, .tick = example_tick, .destroy = example_destroy,
};
