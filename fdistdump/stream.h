/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Rows that are in order and complete on every slave already: the master merges them.
 *
 * A slave sends pieces and waits with the next one until the master takes it, so the master holds a
 * piece of each, and of a limited answer hardly more travels than is wanted.
 */
#ifndef FDISTDUMP_STREAM_H
#define FDISTDUMP_STREAM_H

#include "exchange.h"

/**
 * Octets of a piece: the master holds one of every slave. Of a limit of memory all of them together
 * take a part, down to 4 KiB each.
 *
 * @param memory  the master's; may be NULL
 */
size_t stream_piece_size(const lnf_memory_t *memory, unsigned slaves);

/** Finishes the slave's table with the limit and sends its rows. */
int stream_slave(struct exchange_slave *slave, struct failure *failure);

/** Merges the rows of all slaves into `master->table`, a table of answers. */
int stream_master(struct exchange_master *master, struct failure *failure);

#endif
