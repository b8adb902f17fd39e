/* SPDX-License-Identifier: BSD-3-Clause */
/** Flows of generators into flow files, with the elements nfcapd stores of a usual exporter's
 * flows. */
#ifndef FLOWGEN_FILE_H
#define FLOWGEN_FILE_H

#include <libnf/writer.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flowgen_model.h"

#define FG_PLACE_COUNT 19

/** How records of one IP version look. */
struct fg_form {
    struct lnf_layout layout;
    struct lnf_slot slots[FG_PLACE_COUNT];
};

/** Records of both versions: [0] IPv4, [1] IPv6. */
struct fg_forms {
    struct fg_form form[2];
};

/** Who exported a flow, as the collector stores it: Observation Domains as engine type and id. */
struct fg_exporter {
    uint32_t address; /* IPv4, a number */
    uint16_t domain_id;
};

/** @return status of libnf */
int fg_forms_build(struct fg_forms *forms);

/**
 * Adds a flow to the block; a full block is first put into the file.
 *
 * @return status of libnf
 */
int fg_file_put(lnf_writer_t *writer, lnf_block_t *block, const struct fg_forms *forms,
                const struct fg_flow *flow, const struct fg_exporter *exporter,
                struct lnf_error *error);

/**
 * Path of the flow file that starts at `start_s`, DIRECTORY/YYYY/MM/DD/lnf.YYYYMMDDhhmmss; makes
 * the directories.
 *
 * @return false, errno and a line on standard error: no such path
 */
bool fg_file_path(const char *directory, uint64_t start_s, char *path, size_t size);

#endif
