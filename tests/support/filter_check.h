/* SPDX-License-Identifier: BSD-3-Clause */
/** Which of some flows does a filter select? For tests of the filter language. */
#ifndef TEST_FILTER_CHECK_H
#define TEST_FILTER_CHECK_H

#include "filter.h"
#include "flow_record.h"

#include <check.h>
#include <libnf.h>

/** Runs a compiled filter over all flows; hits[i] = flow i matches. */
static inline void test_filter_run(const lnf_program_t *program, const struct test_records *records,
                                   size_t count, bool *hits)
{
    lnf_batch_t *batch = lnf_batch_create();
    lnf_program_state_t *state = lnf_program_state_create(program);
    uint16_t selection[LNF_BATCH_ROWS];
    size_t base = 0;
    unsigned rows;

    ck_assert_ptr_nonnull(batch);
    ck_assert_ptr_nonnull(state);
    memset(hits, 0, count * sizeof(*hits));
    lnf_batch_open(batch, records->octets, records->size);
    while ((rows = lnf_batch_next(batch)) > 0) {
        unsigned found = lnf_program_run(program, state, batch, selection);
        ck_assert_uint_le(found, rows);
        for (unsigned i = 0; i < found; i++) {
            ck_assert_uint_lt(selection[i], rows);
            ck_assert(i == 0 || selection[i - 1] < selection[i]);
            hits[base + selection[i]] = true;
        }
        base += rows;
    }
    ck_assert_uint_eq(base, count);
    lnf_program_state_destroy(state);
    lnf_batch_destroy(batch);
}

/** The flows a filter selects, a letter each: "AD" = the first and the fourth; "!" = an error. */
static inline const char *test_filter_letters(const char *text, const struct test_records *records,
                                              size_t count, char letters[32],
                                              struct lnf_error *error)
{
    lnf_program_t *program = NULL;
    bool hits[32];
    size_t used = 0;

    ck_assert_uint_lt(count, 32);
    if (lnf_program_compile(text, &program, error) != LNF_OK) {
        ck_assert_ptr_null(program);
        strcpy(letters, "!");
        return letters;
    }
    test_filter_run(program, records, count, hits);
    for (size_t i = 0; i < count; i++) {
        if (hits[i]) {
            letters[used++] = (char)('A' + i);
        }
    }
    letters[used] = '\0';
    lnf_program_destroy(program);
    return letters;
}

#endif
