/* SPDX-License-Identifier: BSD-3-Clause */
/** Copies of files in memory, with a descriptor like any file. */
#ifndef LNF_SPOOL_H
#define LNF_SPOOL_H

/**
 * Copies all that is left to read: of what cannot be read at any offset (a pipe, a terminal), or of
 * a file that somebody may change meanwhile.
 *
 * @return descriptor of the copy, closed on exec; -1 = failed, see errno
 */
int lnf_spool(int from);

#endif
