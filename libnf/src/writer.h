/* SPDX-License-Identifier: BSD-3-Clause */
/** What libnf.h's door knows of a writer beyond libnf/writer.h: blocks that need no compression. */
#ifndef LNF_WRITER_H
#define LNF_WRITER_H

#include "origin.h"

#include <libnf/writer.h>

/**
 * Whether the octets of a block that was read are what the writer would make of its records: the
 * same codec, and nobody asked for a level, which files do not tell.
 */
bool lnf_writer_takes(const lnf_writer_t *writer, const struct lnf_origin_block *stored);

/** lnf_writer_put() of a block with the same records as one that lnf_writer_takes(). */
int lnf_writer_put_copy(lnf_writer_t *writer, const lnf_block_t *block,
                        const struct lnf_origin_block *stored, struct lnf_error *error);

#endif
