/* SPDX-License-Identifier: BSD-3-Clause */
/** What the doors of libnf.h know of a record handle: one flow record of layout 2, as in a block.
 */
#ifndef LNF_RECORD_H
#define LNF_RECORD_H

#include "field.h"
#include "origin.h"

#include <libnf.h>
#include <libnf/writer.h>
#include <stddef.h>
#include <stdint.h>

/** Octets of the record, ready for lnf_batch_single(); they live until the record is changed. */
const uint8_t *lnf_rec_raw(const lnf_rec_t *record, size_t *size);

/**
 * Makes the record a copy of a flow record (header and elements) of a block.
 *
 * @return LNF_OK; LNF_ERR_CORRUPT, sizes that do not add up: the record is empty then;
 * LNF_ERR_NOMEM
 */
int lnf_rec_assign(lnf_rec_t *record, const uint8_t *raw, size_t size);

/** lnf_rec_fget() of a field whose row is known. */
int lnf_rec_get(lnf_rec_t *record, const struct lnf_field *field, void *data);

/** Adds the generic element when the record has none, as every flow in a file must have one. */
int lnf_rec_complete(lnf_rec_t *record);

/** Counts the record, which has its generic element, as lnf_stat_count_record() does. */
void lnf_rec_count(const lnf_rec_t *record, struct lnf_stat *stat);

/** Tells where the record came from, for the fields of its exporter; NULL = unknown. */
void lnf_rec_set_exporter(lnf_rec_t *record, const struct lnf_exporter *exporter);

/**
 * lnf_rec_fset() that also sets what only files know otherwise, so that a record can be made again
 * from values lnf_rec_fget() gave: the exporter's fields and the family of addresses that are 0.
 * Fields two elements can hold should come last: they go to the one other fields have made.
 */
int lnf_rec_restore(lnf_rec_t *record, int field, void *data);

/** Tells that the record is the first one of a block that was read. */
void lnf_rec_set_origin(lnf_rec_t *record, lnf_origin_t *origin);

/** The block that begins with this record, held by it; NULL = not known, or another record. */
lnf_origin_t *lnf_rec_origin(const lnf_rec_t *record);

/**
 * Tells which record of which file this is, for filters that ask. A record that is changed stays
 * that one; one that is cleared or gets other octets is none.
 *
 * @param ident   of the file, copied; cut to what a file can have
 * @param number  among the flows of the file, from 1
 */
void lnf_rec_set_place(lnf_rec_t *record, const char *ident, uint64_t number);

/** Ident of the file the record was read from, or NULL when unknown; until the record changes. */
const char *lnf_rec_ident(const lnf_rec_t *record);

/** Number of the record in that file, or 0 when unknown. */
uint64_t lnf_rec_number(const lnf_rec_t *record);

/** The exporter, or NULL when unknown. */
const struct lnf_exporter *lnf_rec_exporter(const lnf_rec_t *record);

#endif
