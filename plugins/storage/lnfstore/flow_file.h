/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * A flow file that is being written, by all instances that want its path.
 *
 * With a Data Manager per Observation Domain every domain has an instance of its own, and all of
 * them name the same file: fdistdump finds files by the time in their names, so there can be only
 * one. They share it: the file is opened by the first block, its writer is used by one instance at
 * a time, and the last one to let go finalises it.
 *
 * Threads: any; several may use one file.
 */
#ifndef LNFSTORE_FLOW_FILE_H
#define LNFSTORE_FLOW_FILE_H

#include <ipfixcol/plugin.h>
#include <libnf/writer.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct flow_file flow_file_t;

/** How files look that do not exist yet; borrowed strings. */
struct flow_file_settings {
    const char *ident;
    enum lnf_codec codec;
    int level;              /* of compression; files that go on keep to it if their codec is this one */
    bool index;             /* beside the file, when it is closed */
    double false_positives; /* of the index, see libnf/index.h */
};

/**
 * The file of a path, one reference; nothing is opened yet.
 *
 * @param below  characters of the path that exist; directories behind them are made when needed
 * @return NULL without memory
 */
flow_file_t *flow_file_get(const char *path, size_t below);

/**
 * Appends a block, opening the file first if need be. A file of that name that cannot be continued
 * is left alone: a number is appended to the name. Waits up to 5 s for another program that is
 * writing it.
 *
 * @param instance  for log lines
 * @return LNF_OK, or a status of lnf_writer_open() or lnf_writer_put() with the reason in error
 */
int flow_file_put(flow_file_t *file, col_instance_t *instance,
                  const struct flow_file_settings *settings, const lnf_block_t *block,
                  struct lnf_error *error);

/** A number for an exporter that no other exporter in this file has: 1, 2, ... */
uint32_t flow_file_next_exporter(flow_file_t *file);

/**
 * Drops a reference; the last one finalises the file.
 *
 * @param instance  for log lines
 * @return LNF_OK, or why that failed
 */
int flow_file_release(flow_file_t *file, col_instance_t *instance, struct lnf_error *error);

#endif
