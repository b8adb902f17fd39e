/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * A batch: up to LNF_BATCH_ROWS flow records of one decompressed block, seen as columns.
 *
 * Locating records fills the batch (layout cache: docs/architecture.md, "Locate"); columns are copied
 * out on demand, only for the rows somebody asks for. The filter, aggregation and packing of rows all
 * read columns, never records.
 *
 * A *selection* is an ascending array of row numbers. NULL means all rows of the batch.
 */
#ifndef LNF_BATCH_H
#define LNF_BATCH_H

#include "field.h"

#include <stddef.h>
#include <stdint.h>

#define LNF_BATCH_ROWS 2048u

/** An address as a number; IPv4 has hi = 0 and lo < 2^32. */
struct lnf_addr {
    uint64_t hi, lo;
};

typedef struct lnf_batch lnf_batch_t;

/** New empty batch, or NULL without memory. */
lnf_batch_t *lnf_batch_create(void);

/** Frees the batch; NULL is fine. */
void lnf_batch_destroy(lnf_batch_t *batch);

/**
 * Starts on the records of a decompressed block; the octets must stay until the last column is read.
 */
void lnf_batch_open(lnf_batch_t *batch, const uint8_t *records, size_t size);

/** Starts again on the records lnf_batch_open() was given. */
void lnf_batch_rewind(lnf_batch_t *batch);

/**
 * Fills the batch with the next records of the block; forgets the columns of the ones before.
 * Records that are no flows are skipped; damaged ones are skipped and counted.
 *
 * @return rows, 0 at the end of the block
 */
unsigned lnf_batch_next(lnf_batch_t *batch);

/** Damaged records skipped since lnf_batch_open(); *offset: octets into the block of the first. */
uint64_t lnf_batch_damaged(const lnf_batch_t *batch, size_t *offset);

/** Records of any kind seen since lnf_batch_open(), to be compared with the block header. */
uint64_t lnf_batch_seen(const lnf_batch_t *batch);

/** Makes a batch of one flow record (header and elements), e.g. of a lnf_rec_t. 1, or 0 if damaged. */
unsigned lnf_batch_single(lnf_batch_t *batch, const uint8_t *record, size_t size);

/** Rows in the batch. */
unsigned lnf_batch_rows(const lnf_batch_t *batch);

/**
 * Tells where the records come from; after lnf_batch_open(), which forgets it, or
 * lnf_batch_single().
 *
 * @param ident   of their file, as long as the batch is used; NULL = not known
 * @param number  of the first record in that file, counting flows from 1; 0 = not known
 */
void lnf_batch_set_origin(lnf_batch_t *batch, const char *ident, uint64_t number);

/** Ident of the file, or NULL when it is not known. */
const char *lnf_batch_ident(const lnf_batch_t *batch);

/** Number of a row's record in its file, or 0 when it is not known. */
uint64_t lnf_batch_number(const lnf_batch_t *batch, unsigned row);

/**
 * Values of a field, indexed by row number: uint8_t, uint16_t, uint32_t, uint64_t by the field's type,
 * struct lnf_addr for addresses, uint64_t for MAC addresses, double for LNF_DOUBLE. Only rows of the
 * selection hold values. A field the record does not have reads 0 (flows: 1). Calculated fields with
 * a zero divisor read 0. Pair fields read their source side.
 *
 * The array stays valid until the next lnf_batch_next(); a later call for more rows keeps it.
 */
const void *lnf_batch_column(lnf_batch_t *batch, const struct lnf_field *field,
                             const uint16_t *selection, unsigned count);

/** 1 for rows of the selection whose record has the field, else 0; indexed by row number. */
const uint8_t *lnf_batch_present(lnf_batch_t *batch, const struct lnf_field *field,
                                 const uint16_t *selection, unsigned count);

/** Record (header and elements) of a row, inside the block. */
const uint8_t *lnf_batch_record(const lnf_batch_t *batch, unsigned row);

/**
 * Data of an element of a row's record, for what does not fit a column: strings, label stacks,
 * payload. At least as long as the element's row in element.h says.
 *
 * @param[out] length  octets of data without the element header
 * @return inside the block, or NULL (and length 0) when the record does not have the element
 */
const uint8_t *lnf_batch_element(const lnf_batch_t *batch, unsigned row, unsigned element,
                                 size_t *length);

/* Calculated fields have one definition, for records here and for groups in answers. */

/** Milliseconds from first to last; 0 when the clock ran backwards. */
static inline uint64_t lnf_calculate_duration(uint64_t first_ms, uint64_t last_ms)
{
    return last_ms > first_ms ? last_ms - first_ms : 0;
}

/** bps, pps (per second) or bpp (integer division); false when the divisor is 0. */
static inline bool lnf_calculate_ratio(int id, uint64_t duration_ms, uint64_t bytes,
                                       uint64_t packets, double *ratio)
{
    uint64_t divisor = id == LNF_FLD_CALC_BPP ? packets : duration_ms;

    if (divisor == 0) {
        return false;
    }
    switch (id) {
    case LNF_FLD_CALC_BPS:
        *ratio = (double) bytes * 8000.0 / (double) duration_ms; /* rounded once */
        break;
    case LNF_FLD_CALC_PPS:
        *ratio = (double) packets * 1000.0 / (double) duration_ms;
        break;
    default:
        *ratio = (double) (bytes / packets);
        break;
    }
    return true;
}

#endif
