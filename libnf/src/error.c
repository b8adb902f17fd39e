/* SPDX-License-Identifier: BSD-3-Clause */
/** Texts of the statuses, errors with a place, and the last error of each thread. */
#include "error.h"

#include <libnf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct status_text {
    int status;
    const char *text;
};

static const struct status_text status_table[] = {
    {LNF_OK, "success"},
    {LNF_EOF, "end of data"},
    {LNF_ERR_UNKBLOCK, "unknown block type"},
    {LNF_ERR_UNKREC, "unknown record type"},
    {LNF_ERR_COMPAT15, "block of nfdump 1.5 is not supported"},
    {LNF_ERR_READ, "cannot read the flow file"},
    {LNF_ERR_CORRUPT, "flow file is damaged or not a flow file"},
    {LNF_ERR_EXTMAPB, "extension map id is too big"},
    {LNF_ERR_EXTMAPM, "extension map is missing"},
    {LNF_ERR_WRITE, "cannot write the flow file"},
    {LNF_ERR_NOTSET, "field is not present in the record"},
    {LNF_ERR_UNKFLD, "unknown field, or field not usable here"},
    {LNF_ERR_FILTER, "filter does not compile"},
    {LNF_ERR_NOMEM, "no memory, or the buffer is too small"},
    {LNF_ERR_OTHER, "operation failed"},
    {LNF_ERR_OTHER_MSG, "operation failed, see lnf_error()"},
    {LNF_ERR_NAN, "division by zero in a calculated field"},
};

static _Thread_local char last_error[sizeof(((struct lnf_error *)NULL)->text)];

const char *lnf_status_text(int status)
{
    for (size_t i = 0; i < sizeof(status_table) / sizeof(status_table[0]); i++) {
        if (status_table[i].status == status) {
            return status_table[i].text;
        }
    }
    return "unknown status";
}

void lnf_error_set(struct lnf_error *error, uint64_t offset, const char *format, ...)
{
    if (error == NULL) {
        return;
    }

    va_list args;
    va_start(args, format);
    (void)vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);
    error->offset = offset;
    error->line = 0;
    error->column = 0;
}

void lnf_error_remember(const char *text)
{
    (void)snprintf(last_error, sizeof(last_error), "%s", text);
}

void lnf_error(const char *buf, int len)
{
    if (buf == NULL || len <= 0) {
        return;
    }
    /* The prototype is libnf's: the buffer is written to in spite of the const. */
    (void)snprintf((char *)(uintptr_t)buf, (size_t)len, "%s", last_error);
}
