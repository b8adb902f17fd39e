/* SPDX-License-Identifier: BSD-3-Clause */
/** Fuzz target: any octets as a raw record. What is accepted is written and read again unchanged.
 */
#include <libnf.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static lnf_rec_t *new_record(void)
{
    lnf_rec_t *record;

    if (lnf_rec_init(&record) != LNF_OK) {
        abort();
    }
    return record;
}

static size_t write_record(lnf_rec_t *record, char *buffer, size_t size)
{
    size_t used = 0;

    if (lnf_rec_get_raw(record, LNF_REC_RAW_TLV, buffer, size, &used) != LNF_OK || used > size) {
        abort();
    }
    return used;
}

/* A refused record must be an empty one. */
static void check_refused(lnf_rec_t *record)
{
    lnf_rec_t *empty = new_record();
    char a[4096], b[4096];
    size_t size = write_record(record, a, sizeof(a));

    if (write_record(empty, b, sizeof(b)) != size || memcmp(a, b, size) != 0) {
        abort();
    }
    lnf_rec_free(empty);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lnf_rec_t *record = new_record(), *again = new_record();
    char first[4096], second[4096];
    char *copy = malloc(size > 0 ? size : 1);

    if (copy == NULL) {
        abort();
    }
    if (size > 0) {
        memcpy(copy, data, size);
    }
    int status = lnf_rec_set_raw(record, copy, size);
    if (status == LNF_OK) {
        size_t used = write_record(record, first, sizeof(first));
        if (lnf_rec_set_raw(again, first, used) != LNF_OK) {
            abort();
        }
        if (write_record(again, second, sizeof(second)) != used ||
            memcmp(first, second, used) != 0) {
            abort();
        }
    } else {
        check_refused(record);
    }
    free(copy);
    lnf_rec_free(record);
    lnf_rec_free(again);
    return 0;
}
