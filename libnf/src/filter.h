/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * The filter language: text -> tokens (filter.l) -> tree (filter.y) -> program (filter_compile.c)
 * -> selection of a batch's rows (filter_eval.c). One compiler, one evaluator for every door.
 *
 * Source: docs/filter.md.
 */
#ifndef LNF_FILTER_H
#define LNF_FILTER_H

#include "batch.h"

#include <libnf/common.h>

/** A compiled filter: immutable, shared by threads. */
typedef struct lnf_program lnf_program_t;

/** Scratch memory of one thread for running programs. */
typedef struct lnf_program_state lnf_program_state_t;

/**
 * Compiles a filter text; NULL, empty or comment-only text matches everything.
 *
 * @return LNF_OK; LNF_ERR_FILTER, text, line and column in error; LNF_ERR_NOMEM
 */
int lnf_program_compile(const char *text, lnf_program_t **program, struct lnf_error *error);

/**
 * The same with a database of countries for `geo`, which a program that asks for countries keeps
 * open.
 *
 * @param geo_database  file; NULL = what lnf_geo_open() finds. Not opened unless it is needed
 * @return as above; LNF_ERR_FILTER also when there is none or it cannot be used
 */
int lnf_program_compile_geo(const char *text, const char *geo_database, lnf_program_t **program,
                            struct lnf_error *error);

/** Frees the program; NULL is fine. */
void lnf_program_destroy(lnf_program_t *program);

/** Whether the program matches every record, so that it need not be run. */
bool lnf_program_is_any(const lnf_program_t *program);

/** Whether it needs the number records have in their file: see lnf_batch_set_origin(). */
bool lnf_program_asks_numbers(const lnf_program_t *program);

/** Whether it gives labels to records it matches. */
bool lnf_program_has_labels(const lnf_program_t *program);

/** File of the database of countries it uses, or NULL. */
const char *lnf_program_geo_database(const lnf_program_t *program);

/** Scratch memory for a program, or NULL without memory. */
lnf_program_state_t *lnf_program_state_create(const lnf_program_t *program);

/** Frees the scratch memory; NULL is fine. */
void lnf_program_state_destroy(lnf_program_state_t *state);

/**
 * Finds the matching rows of a batch.
 *
 * @param[out] selection  room for LNF_BATCH_ROWS row numbers; the matching ones, ascending
 * @return how many match
 */
unsigned lnf_program_run(const lnf_program_t *program, lnf_program_state_t *state,
                         lnf_batch_t *batch, uint16_t *selection);

/**
 * How many times an address could not be looked up, since the last call, because the database of
 * countries is damaged. Such an address is in no country, and not without one (`..`) either.
 */
uint64_t lnf_program_take_damaged(lnf_program_state_t *state);

/**
 * The label (`%LABEL`) the program gives a row it matches: of alternatives the first one that
 * matches decides, of parts that all match the last one with a label.
 *
 * @return the program's own; NULL = none
 */
const char *lnf_program_label(const lnf_program_t *program, lnf_program_state_t *state,
                              lnf_batch_t *batch, uint16_t row);

#endif
