/* SPDX-License-Identifier: BSD-3-Clause */
/** The slave's side of its conversation with the master. */
#ifndef FDISTDUMP_LINK_H
#define FDISTDUMP_LINK_H

#include "slave.h"
#include "transport.h"

/**
 * Does the work of a slave and sends what came of it; returns when the master has printed the
 * answer. After a failure the master has been told, and this process is to be ended by it.
 *
 * @return REPORT_OK; the class of what failed
 */
int link_run(const struct slave_job *job, transport_t *transport, struct failure *failure);

/** Tells the master why this process fails, when link_run() is not even reached. */
void link_tell_failure(transport_t *transport, const struct report *report,
                       const struct failure *failure);

#endif
