/* SPDX-License-Identifier: BSD-3-Clause */
/** What every header of the collector shares: symbol visibility and statuses. */
#ifndef IPFIXCOL_COMMON_H
#define IPFIXCOL_COMMON_H

#if defined(__GNUC__)
#define COL_API __attribute__((visibility("default")))
#define COL_EXPORT __attribute__((visibility("default")))
#define COL_PRINTF(text, args) __attribute__((__format__(__printf__, text, args)))
#else
#define COL_API
#define COL_EXPORT
#define COL_PRINTF(text, args)
#endif

enum col_status {
    COL_OK = 0,
    COL_EOF = 1,            /* inputs: nothing will ever come any more */
    COL_ERR = -1,           /* failed; the reason has been logged */
    COL_ERR_NOMEM = -2,     /* no memory */
    COL_ERR_MALFORMED = -3, /* bytes from outside break a rule; *why* has been logged or returned */
    COL_ERR_CLOSED = -4,    /* queue closed and empty */
};

#endif
