/* SPDX-License-Identifier: BSD-3-Clause */
/* Settings of outputs; standard output. */

#include "output.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const type_choices[] = {"print", "send", "file", "server", NULL};
static const char *const protocol_choices[] = {"udp", "tcp", NULL};
static const char *const blocking_choices[] = {"unset", "no", "yes", NULL};

static const struct col_option interval_options[] = {
    {.name = "timeWindow",
     .type = COL_UINT32,
     .offset = offsetof(struct output_options, window_s),
     .preset = "300",
     .min = 60,
     .max = 31536000,
     .help = "file: seconds one file holds"},
    {.name = "timeAlignment",
     .type = COL_BOOL,
     .offset = offsetof(struct output_options, align),
     .preset = "yes",
     .help = "file: begin files at multiples of timeWindow"},
    {0},
};

const struct col_option output_option_table[] = {
    {.name = "type",
     .type = COL_ENUM,
     .offset = offsetof(struct output_options, type),
     .required = true,
     .choices = type_choices,
     .help = "kind of output"},
    {.name = "ip",
     .type = COL_STRING,
     .offset = offsetof(struct output_options, ip),
     .preset = "127.0.0.1",
     .help = "send: address or name of the receiver"},
    {.name = "port",
     .type = COL_UINT16,
     .offset = offsetof(struct output_options, port),
     .min = 1,
     .max = 65535,
     .preset = "4739",
     .help = "send: port of the receiver; server: port to listen on"},
    {.name = "protocol",
     .type = COL_ENUM,
     .offset = offsetof(struct output_options, protocol),
     .preset = "udp",
     .choices = protocol_choices,
     .help = "send: transport"},
    {.name = "blocking",
     .type = COL_ENUM,
     .offset = offsetof(struct output_options, blocking),
     .preset = "unset",
     .choices = blocking_choices,
     .help = "server, required there: yes waits for slow clients, no skips lines for them"},
    {.name = "path",
     .type = COL_STRING,
     .offset = offsetof(struct output_options, path),
     .help = "file: directory, strftime(3) in UTC"},
    {.name = "prefix",
     .type = COL_STRING,
     .offset = offsetof(struct output_options, prefix),
     .help = "file: begin of file names, before YYYYmmddHHMM"},
    {.name = "dumpInterval",
     .type = COL_GROUP,
     .rows = interval_options,
     .help = "file: time slots"},
    {0},
};

/* ---- standard output ------------------------------------------------------------------------- */

static bool print_write(struct output *output, const char *line, size_t length)
{
    (void)output;
    return fwrite(line, 1, length, stdout) == length;
}

static void print_tick(struct output *output, uint64_t now_ms)
{
    (void)output;
    (void)now_ms;
    fflush(stdout);
}

static uint64_t print_destroy(struct output *output)
{
    fflush(stdout);
    free(output);
    return 0;
}

static struct output *output_print_create(void)
{
    struct output *o = calloc(1, sizeof(*o));

    if (o != NULL) {
        *o = (struct output){.write = print_write, .tick = print_tick, .destroy = print_destroy};
    }
    return o;
}

bool output_check(col_instance_t *instance, const struct output_options *options)
{
    if (options->type == OUTPUT_FILE && (options->path == NULL || options->path[0] == '\0')) {
        col_log(instance, COL_LOG_ERROR, "output of type file needs a path");
        return false;
    }
    if (options->type == OUTPUT_SERVER && options->blocking == OUTPUT_BLOCKING_UNSET) {
        col_log(instance, COL_LOG_ERROR, "output of type server needs blocking: yes or no");
        return false;
    }
    return true;
}

struct output *output_create(col_instance_t *instance, const struct output_options *options)
{
    switch ((enum output_type)options->type) {
    case OUTPUT_SEND:
        return output_send_create(instance, options);
    case OUTPUT_FILE:
        return output_file_create(instance, options);
    case OUTPUT_SERVER:
        return output_server_create(instance, options);
    case OUTPUT_PRINT:
        break;
    }
    return output_print_create();
}
