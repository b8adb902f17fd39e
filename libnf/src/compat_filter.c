/* SPDX-License-Identifier: BSD-3-Clause */
/** Filters of libnf.h: the same programs as everywhere, run over a batch of one record. */
#include "error.h"
#include "filter.h"
#include "record.h"

#include <libnf.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/** What one thread needs to match a record. */
struct scratch {
    lnf_batch_t *batch;
    lnf_program_state_t *state;
};

struct lnf_filter {
    lnf_program_t *program;
    bool v2; /* made by lnf_filter_init_v2() */
    /* Scratch nobody uses at the moment, or NULL. A thread takes it out and puts it back, so a
     * filter matched by one thread allocates once; others that come meanwhile make their own. */
    _Atomic(struct scratch *) spare;
};

static void scratch_destroy(struct scratch *scratch)
{
    if (scratch != NULL) {
        lnf_program_state_destroy(scratch->state);
        lnf_batch_destroy(scratch->batch);
        free(scratch);
    }
}

static struct scratch *scratch_create(const lnf_program_t *program)
{
    struct scratch *scratch = calloc(1, sizeof(*scratch));

    if (scratch == NULL) {
        return NULL;
    }
    scratch->batch = lnf_batch_create();
    scratch->state = lnf_program_state_create(program);
    if (scratch->batch == NULL || scratch->state == NULL) {
        scratch_destroy(scratch);
        return NULL;
    }
    return scratch;
}

/* Compiles, or remembers a text with the place for lnf_error(). */
static int filter_create(lnf_filter_t **filter, const char *text, int status_of_error)
{
    struct lnf_error error = {.text = ""};
    lnf_filter_t *f = calloc(1, sizeof(*f));

    if (f == NULL) {
        return LNF_ERR_NOMEM;
    }
    int status = lnf_program_compile(text, &f->program, &error);
    if (status == LNF_OK) {
        atomic_init(&f->spare, scratch_create(f->program));
        if (atomic_load(&f->spare) == NULL) {
            status = LNF_ERR_NOMEM;
        }
    }
    if (status != LNF_OK) {
        lnf_filter_free(f);
        if (status != LNF_ERR_FILTER) {
            return status;
        }
        char place[sizeof(error.text) + 64];
        snprintf(place, sizeof(place), "line %u, column %u: %s", error.line, error.column,
                 error.text);
        lnf_error_remember(error.line == 0 ? error.text : place);
        return status_of_error;
    }
    f->v2 = status_of_error == LNF_ERR_OTHER_MSG;
    *filter = f;
    return LNF_OK;
}

int lnf_filter_init_v1(lnf_filter_t **filter, char *expr)
{
    return filter_create(filter, expr, LNF_ERR_FILTER);
}

int lnf_filter_init_v2(lnf_filter_t **filter, char *expr)
{
    return filter_create(filter, expr, LNF_ERR_OTHER_MSG);
}

int lnf_filter_init(lnf_filter_t **filter, char *expr)
{
    return lnf_filter_init_v1(filter, expr);
}

void *lnf_filter_ffilter_ptr(lnf_filter_t *filter)
{
    return filter->v2 ? filter->program : NULL;
}

/* Takes scratch memory, its batch opened on the record; NULL without memory. */
static struct scratch *scratch_take(lnf_filter_t *filter, const lnf_rec_t *record)
{
    size_t size;
    const uint8_t *raw = lnf_rec_raw(record, &size);
    struct scratch *scratch = atomic_exchange(&filter->spare, NULL);

    if (scratch == NULL) {
        scratch = scratch_create(filter->program);
    }
    if (scratch != NULL) {
        (void)lnf_batch_single(scratch->batch, raw, size);
        lnf_batch_set_origin(scratch->batch, lnf_rec_ident(record), lnf_rec_number(record));
    }
    return scratch;
}

static void scratch_give_back(lnf_filter_t *filter, struct scratch *scratch)
{
    scratch_destroy(atomic_exchange(&filter->spare, scratch));
}

int lnf_filter_match(lnf_filter_t *filter, lnf_rec_t *record)
{
    uint16_t selection[LNF_BATCH_ROWS];
    unsigned found = 0;

    if (lnf_program_is_any(filter->program)) {
        return 1;
    }
    struct scratch *scratch = scratch_take(filter, record);
    if (scratch == NULL) {
        return 0;
    }
    if (lnf_batch_rows(scratch->batch) == 1) {
        found = lnf_program_run(filter->program, scratch->state, scratch->batch, selection);
    }
    scratch_give_back(filter, scratch);
    return (int)found;
}

const char *lnf_filter_label(lnf_filter_t *filter, lnf_rec_t *record)
{
    const char *label = NULL;

    if (!lnf_program_has_labels(filter->program)) {
        return NULL;
    }
    struct scratch *scratch = scratch_take(filter, record);
    if (scratch == NULL) {
        return NULL;
    }
    if (lnf_batch_rows(scratch->batch) == 1) {
        label = lnf_program_label(filter->program, scratch->state, scratch->batch, 0);
    }
    scratch_give_back(filter, scratch);
    return label;
}

void lnf_filter_free(lnf_filter_t *filter)
{
    if (filter != NULL) {
        scratch_destroy(atomic_load(&filter->spare));
        lnf_program_destroy(filter->program);
        free(filter);
    }
}
