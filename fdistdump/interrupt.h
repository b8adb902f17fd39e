/* SPDX-License-Identifier: BSD-3-Clause */
/** Ctrl-C and what launchers send for it: the work ends early, and what there is gets printed. */
#ifndef FDISTDUMP_INTERRUPT_H
#define FDISTDUMP_INTERRUPT_H

#include <stdbool.h>

/**
 * From here on the first SIGINT or SIGTERM is only noted; a second one of the kind ends the process.
 * What whoever started this process wants ignored stays ignored.
 */
void interrupt_watch(void);

/** From here on each ends the process again: there is nothing that could end early. */
void interrupt_unwatch(void);

/** Whether one came while they were noted; in any thread. */
bool interrupt_seen(void);

#endif
