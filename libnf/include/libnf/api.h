/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * How public functions are declared. Apart from the rest of what headers share, so that libnf.h is
 * plain C of 1989 and C++ too: programs for libnf 1.36 are written in either.
 */
#ifndef LIBNF_API_H
#define LIBNF_API_H

#if defined(__GNUC__)
#define LNF_API __attribute__((visibility("default")))
#define LNF_PRINTF(text, args) __attribute__((__format__(__printf__, text, args)))
#else
#define LNF_API
#define LNF_PRINTF(text, args)
#endif

#endif
