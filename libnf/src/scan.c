/* SPDX-License-Identifier: BSD-3-Clause */
/** Runs a query over the blocks of a flow file. */
#include "error.h"
#include "file.h"
#include "table.h"

#include <inttypes.h>
#include <libnf.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lnf_scan {
    lnf_input_t *input;
    /* For filters that ask for the number of a record in the file: held while a block is claimed
     * and its records are counted, so that blocks are counted in the order of the file. */
    pthread_mutex_t numbering;
    uint64_t records; /* of the blocks counted */
};

struct lnf_task {
    const lnf_query_t *query;
    struct lnf_block_buffer buffer;
    lnf_batch_t *batch;
    lnf_program_state_t *state;
    const struct lnf_field *flows, *packets, *bytes;
    struct lnf_totals totals;

    uint8_t *rows; /* LNF_QUERY_LIST: packed rows of the block */
    size_t row_count;
    size_t row_room;
};

/* ---- scan ------------------------------------------------------------------------------------ */

int lnf_scan_open(const char *path, lnf_problem_fn *problem, void *context, lnf_scan_t **scan,
                  struct lnf_error *error)
{
    lnf_scan_t *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        lnf_error_set(error, 0, "%s: no memory", path);
        return LNF_ERR_NOMEM;
    }
    int status = lnf_input_open_regular(path, problem, context, &s->input, error);
    if (status != LNF_OK) {
        free(s);
        return status;
    }
    pthread_mutex_init(&s->numbering, NULL);
    *scan = s;
    return LNF_OK;
}

void lnf_scan_close(lnf_scan_t *scan)
{
    if (scan != NULL) {
        lnf_input_close(scan->input);
        pthread_mutex_destroy(&scan->numbering);
        free(scan);
    }
}

bool lnf_scan_use_index(lnf_scan_t *scan, const lnf_query_t *query, struct lnf_scan_index *use)
{
    struct lnf_scan_index found = {.state = LNF_INDEX_NOT_ASKED};
    struct lnf_block_pick *picks = NULL;
    lnf_index_t *index = NULL;
    size_t count = 0;

    if (query->plan != NULL) {
        found.state = lnf_index_open(scan->input, &index, &found.why);
    }
    if (found.state == LNF_INDEX_GOOD) {
        found.state = lnf_index_ask(index, query->plan, &picks, &count);
        found.octets = lnf_index_octets(index);
        found.blocks = lnf_index_header(index)->block_count;
        if (found.state != LNF_INDEX_GOOD) {
            lnf_error_set(&found.why, 0, "the index of %s is %s", lnf_input_path(scan->input),
                          found.state == LNF_INDEX_DAMAGED ? "damaged"
                                                           : "too large for the memory");
        }
    }
    if (found.state == LNF_INDEX_GOOD) {
        found.skipped = found.blocks - count;
        lnf_input_pick(scan->input, picks, count);
    }
    lnf_index_close(index);
    if (use != NULL) {
        *use = found;
    }
    return found.state == LNF_INDEX_GOOD;
}

const struct lnf_stat *lnf_scan_stat(const lnf_scan_t *scan)
{
    const struct lnf_input_info *info = lnf_input_info(scan->input);

    return info->stat_starved ? NULL : &info->stat;
}

bool lnf_scan_has_stat(const lnf_scan_t *scan)
{
    return lnf_input_has_stat(scan->input);
}

const char *lnf_scan_ident(const lnf_scan_t *scan)
{
    return lnf_input_ident(scan->input);
}

/* ---- task ------------------------------------------------------------------------------------ */

int lnf_task_create(const lnf_query_t *query, lnf_task_t **task)
{
    lnf_task_t *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        return LNF_ERR_NOMEM;
    }
    t->query = query;
    t->flows = lnf_field_get(LNF_FLD_AGGR_FLOWS);
    t->packets = lnf_field_get(LNF_FLD_DPKTS);
    t->bytes = lnf_field_get(LNF_FLD_DOCTETS);
    t->batch = lnf_batch_create();
    t->state = lnf_program_state_create(query->program);
    if (t->batch == NULL || t->state == NULL) {
        lnf_task_destroy(t);
        return LNF_ERR_NOMEM;
    }
    *task = t;
    return LNF_OK;
}

void lnf_task_destroy(lnf_task_t *task)
{
    if (task == NULL) {
        return;
    }
    lnf_block_buffer_clear(&task->buffer);
    lnf_batch_destroy(task->batch);
    lnf_program_state_destroy(task->state);
    free(task->rows);
    free(task);
}

static uint64_t sum_column(lnf_task_t *task, const struct lnf_field *field,
                           const uint16_t *selection, unsigned count)
{
    const uint64_t *column = lnf_batch_column(task->batch, field, selection, count);
    uint64_t sum = 0;

    if (selection == NULL) {
        for (unsigned i = 0; i < count; i++) {
            sum += column[i];
        }
    } else {
        for (unsigned i = 0; i < count; i++) {
            sum += column[selection[i]];
        }
    }
    return sum;
}

static void count_totals(lnf_task_t *task, const uint16_t *selection, unsigned count)
{
    if (count > 0) {
        task->totals.flows += sum_column(task, task->flows, selection, count);
        task->totals.packets += sum_column(task, task->packets, selection, count);
        task->totals.bytes += sum_column(task, task->bytes, selection, count);
    }
}

/** Adds matching rows to the task's list. */
static int list_rows(lnf_task_t *task, const uint16_t *selection, unsigned count)
{
    size_t row_size = task->query->row_size;

    if (task->row_room - task->row_count < count) {
        size_t room = (task->row_room + LNF_BATCH_ROWS) * 2;
        uint8_t *rows = realloc(task->rows, room * row_size + 1);
        if (rows == NULL) {
            return LNF_ERR_NOMEM;
        }
        task->rows = rows;
        task->row_room = room;
    }
    lnf_batch_pack(task->query, task->batch, selection, count,
                   task->rows + task->row_count * row_size);
    task->row_count += count;
    return LNF_OK;
}

/** Works on the rows of one batch. */
static int run_batch(lnf_task_t *task, lnf_table_t *table, unsigned rows)
{
    const lnf_query_t *query = task->query;
    uint16_t selected[LNF_BATCH_ROWS];
    const uint16_t *selection = NULL;
    unsigned count = rows;

    task->totals.records += rows;
    if (!lnf_program_is_any(query->program)) {
        count = lnf_program_run(query->program, task->state, task->batch, selected);
        selection = count == rows ? NULL : selected;
    }
    if (count == 0) {
        return LNF_OK;
    }
    count_totals(task, selection, count);
    switch (query->mode) {
    case LNF_QUERY_LIST:
        return list_rows(task, selection, count);
    case LNF_QUERY_SORT:
    case LNF_QUERY_AGGREGATE:
        return lnf_table_add_batch(table, task->batch, selection, count);
    default:
        return LNF_OK;
    }
}

/** Tells whoever opened the file about records of a block that could not be used. */
static void report_damage(lnf_task_t *task, lnf_scan_t *scan, const struct lnf_block_ref *ref)
{
    char text[160];
    size_t at;
    uint64_t damaged = lnf_batch_damaged(task->batch, &at);
    uint64_t seen = lnf_batch_seen(task->batch);

    if (damaged > 0) {
        snprintf(text, sizeof(text),
                 "%" PRIu64 " damaged records skipped, the first %zu octets into the block",
                 damaged, at);
        lnf_input_report(scan->input, LNF_PROBLEM_RECORD, ref->offset, damaged, text);
    } else if (ref->type == LNF_BLOCK_FLOWS && seen != ref->records) {
        uint64_t difference = seen < ref->records ? ref->records - seen : seen - ref->records;
        snprintf(text, sizeof(text), "block holds %" PRIu64 " records, its header says %" PRIu32,
                 seen, ref->records);
        lnf_input_report(scan->input, LNF_PROBLEM_RECORD, ref->offset, difference, text);
    }
}

/** Tells whoever opened the file about addresses of a block that could not be looked up. */
static void report_countries(lnf_task_t *task, lnf_scan_t *scan, const struct lnf_block_ref *ref)
{
    uint64_t damaged = lnf_program_take_damaged(task->state);
    char text[400];

    if (damaged > 0) {
        snprintf(text, sizeof(text),
                 "%" PRIu64 " addresses could not be looked up: the database of countries '%.200s' "
                 "is damaged",
                 damaged, lnf_program_geo_database(task->query->program));
        lnf_input_report(scan->input, LNF_PROBLEM_COUNTRY, ref->offset, damaged, text);
    }
}

/**
 * Claims the next block and opens the batch on it. LNF_ERR_CORRUPT: it was reported, and costs this
 * block only.
 */
static int open_block(lnf_task_t *task, lnf_scan_t *scan, struct lnf_block_ref *ref,
                      uint64_t *block, struct lnf_error *error)
{
    const uint8_t *records;
    size_t size;
    int status = lnf_input_claim(scan->input, ref, error);

    if (status != LNF_OK) {
        return status;
    }
    if (block != NULL) {
        *block = ref->order;
    }
    status = lnf_input_load(scan->input, ref, &task->buffer, &records, &size, error);
    if (status == LNF_OK) {
        lnf_batch_open(task->batch, records, size);
        lnf_batch_set_origin(task->batch, lnf_input_ident(scan->input), 0);
    }
    return status;
}

/**
 * The same, and numbers the records of the block. Threads wait for one another here: only who has
 * read all blocks before this one knows what its first record's number is.
 */
static int open_numbered_block(lnf_task_t *task, lnf_scan_t *scan, struct lnf_block_ref *ref,
                               uint64_t *block, struct lnf_error *error)
{
    pthread_mutex_lock(&scan->numbering);
    int status = open_block(task, scan, ref, block, error);
    if (status == LNF_OK) {
        uint64_t first = scan->records + 1;
        unsigned rows;
        while ((rows = lnf_batch_next(task->batch)) > 0) {
            scan->records += rows;
        }
        lnf_batch_rewind(task->batch);
        lnf_batch_set_origin(task->batch, lnf_input_ident(scan->input), first);
    }
    pthread_mutex_unlock(&scan->numbering);
    return status;
}

int lnf_task_run(lnf_task_t *task, lnf_scan_t *scan, lnf_table_t *table, uint64_t *block,
                 struct lnf_error *error)
{
    struct lnf_block_ref ref;
    unsigned rows;

    task->row_count = 0;
    int status = lnf_program_asks_numbers(task->query->program)
                     ? open_numbered_block(task, scan, &ref, block, error)
                     : open_block(task, scan, &ref, block, error);
    if (status == LNF_ERR_CORRUPT) {
        return LNF_OK;
    }
    if (status != LNF_OK) {
        return status;
    }
    while ((rows = lnf_batch_next(task->batch)) > 0) {
        status = run_batch(task, table, rows);
        if (status == LNF_ERR_NOMEM) {
            lnf_error_set(error, ref.offset, "%s: no memory", lnf_input_path(scan->input));
            return status;
        }
        if (status != LNF_OK) {
            (void)lnf_table_error(table, error);
            return status;
        }
    }
    report_damage(task, scan, &ref);
    report_countries(task, scan, &ref);
    return LNF_OK;
}

const uint8_t *lnf_task_rows(const lnf_task_t *task, size_t *count)
{
    *count = task->row_count;
    return task->rows;
}

const struct lnf_totals *lnf_task_totals(const lnf_task_t *task)
{
    return &task->totals;
}
