/* SPDX-License-Identifier: BSD-3-Clause */
/** Errors with a place; the last error of each thread. */
#ifndef LNF_ERROR_H
#define LNF_ERROR_H

#include <libnf/common.h>

/** Fills `error`, which may be NULL; cuts what does not fit. */
void lnf_error_set(struct lnf_error *error, uint64_t offset, const char *format, ...)
    LNF_PRINTF(3, 4);

/** Remembers a text as this thread's last error for lnf_error(). */
void lnf_error_remember(const char *text);

#endif
