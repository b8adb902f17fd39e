/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Where lines of JSON go: standard output, files, a remote host, connected clients.
 *
 * No output stalls the others longer than its settings say, and each counts what it could not
 * deliver.
 */
#ifndef JSON_OUTPUT_H
#define JSON_OUTPUT_H

#include <ipfixcol/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Settings of one <output>. */
struct output_options {
    int type; /* enum output_type */
    char *ip;
    uint16_t port;
    int protocol; /* enum output_protocol */
    int blocking; /* enum output_blocking */
    char *path;
    char *prefix;
    uint32_t window_s;
    bool align;
};

enum output_type { OUTPUT_PRINT, OUTPUT_SEND, OUTPUT_FILE, OUTPUT_SERVER };
enum output_protocol { OUTPUT_UDP, OUTPUT_TCP };
enum output_blocking { OUTPUT_BLOCKING_UNSET, OUTPUT_BLOCKING_NO, OUTPUT_BLOCKING_YES };

/** Rows of <output>. */
extern const struct col_option output_option_table[];

/** What an output is to its plugin instance. */
struct output {
    /** Takes one line; false when it was lost. */
    bool (*write)(struct output *output, const char *line, size_t length);
    /** Timed work: rotation, reconnecting, flushing. */
    void (*tick)(struct output *output, uint64_t now_ms);
    /** Delivers what is left and frees; `lost` as it is then. */
    uint64_t (*destroy)(struct output *output);
    /** Lines that were taken and then lost; whoever counts them sets it back. */
    uint64_t lost;
};

/** Whether the settings suit the type; if not, the reason has been logged. Opens nothing. */
bool output_check(col_instance_t *instance, const struct output_options *options);

/** New output of checked settings, or NULL with a logged reason. The options must live as long. */
struct output *output_create(col_instance_t *instance, const struct output_options *options);

/* Constructors of the kinds, for output.c. */
struct output *output_file_create(col_instance_t *instance, const struct output_options *options);
struct output *output_send_create(col_instance_t *instance, const struct output_options *options);
struct output *output_server_create(col_instance_t *instance, const struct output_options *options);

#endif
