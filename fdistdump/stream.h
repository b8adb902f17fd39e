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

/** Finishes the slave's table with the limit and sends its rows. */
int stream_slave(struct exchange_slave *slave, struct failure *failure);

/** Merges the rows of all slaves into `master->table`, a table of answers. */
int stream_master(struct exchange_master *master, struct failure *failure);

#endif
