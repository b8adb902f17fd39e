/* SPDX-License-Identifier: BSD-3-Clause */
/** Seconds as people write them. */
#ifndef FDISTDUMP_HA_DECIMAL_H
#define FDISTDUMP_HA_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

/** Reads seconds with at most three decimals, such as 10 or 0.5, all of the text; below 10^9. */
bool decimal_ms(const char *text, int64_t *ms);

#endif
