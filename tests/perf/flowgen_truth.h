/* SPDX-License-Identifier: BSD-3-Clause */
/** The flows as text, for tests to compare a collector's answers with. */
#ifndef FLOWGEN_TRUTH_H
#define FLOWGEN_TRUTH_H

#include <stdint.h>
#include <stdio.h>

#include "flowgen_model.h"

/** Writes the line of column names. Check ferror() when all is written. */
void fg_truth_header(FILE *stream);

/** Writes one line per flow, in the order of the message's records: IPv4 first, then IPv6. */
void fg_truth_write(FILE *stream, const struct fg_flow *flows, uint32_t count);

#endif
