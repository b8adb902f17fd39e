/* SPDX-License-Identifier: BSD-3-Clause */
/** Standard descriptors that whoever started the program has closed. */
#ifndef FDISTDUMP_DESCRIPTORS_H
#define FDISTDUMP_DESCRIPTORS_H

/**
 * Occupies standard descriptors that are closed: none of them must become that of a file, pipe or
 * socket opened later. Reading from the substitute fails for standard input, writing for the
 * others, as if they were closed.
 *
 * Call it first in main().
 */
void descriptors_occupy(void);

#endif
