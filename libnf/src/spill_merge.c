/* SPDX-License-Identifier: BSD-3-Clause */
/** Sorted runs become one. */
#include "merge.h"
#include "spill.h"

#include <libnf.h>
#include <stdlib.h>
#include <string.h>

#define FAN_IN_MAX 128u
#define INPUT_SIZE ((size_t)16 << 10) /* octets worth reading at once */

/** Runs being merged. */
struct merge {
    struct lnf_merge rows;
    struct lnf_run_reader *readers;
    struct lnf_error *error;
};

static int read_rows(void *context, unsigned number, const uint8_t **rows, size_t *count)
{
    const struct merge *merge = context;
    struct lnf_run_reader *reader = &merge->readers[number];

    int status = lnf_run_reader_next(reader, count, merge->error);
    *rows = reader->buffer;
    return status;
}

static int open_readers(const struct merge *merge, const struct lnf_run *runs, size_t count,
                        size_t size)
{
    int status = LNF_OK;

    for (size_t i = 0; i < count && status == LNF_OK; i++) {
        status =
            lnf_run_reader_init(&merge->readers[i], &runs[i], merge->rows.query->row_size, size);
    }
    return status;
}

static int copy_rows(struct merge *merge, uint64_t limit, struct lnf_run_writer *writer)
{
    int status = LNF_OK;

    for (; limit > 0 && merge->rows.count > 0 && status == LNF_OK; limit--) {
        uint8_t *place = lnf_run_writer_next(writer, merge->error);
        if (place == NULL) {
            return LNF_ERR_WRITE;
        }
        memcpy(place, lnf_merge_first(&merge->rows)->row, merge->rows.query->row_size);
        status = lnf_merge_next(&merge->rows);
    }
    return status;
}

/** Merges as many runs as buffers allow into one at the end of a file. */
static int merge_some(struct merge *merge, const struct lnf_run *runs, size_t count, size_t size,
                      uint64_t limit, struct lnf_spill_file *file, struct lnf_run *merged)
{
    struct lnf_run_writer writer = {.buffer = NULL};

    memset(merge->readers, 0, count * sizeof(*merge->readers));
    int status = lnf_run_reserve(merged, 1);
    if (status == LNF_OK) {
        status = lnf_run_writer_init(&writer, file, merge->rows.query->row_size, size);
    }
    if (status == LNF_OK) {
        status = open_readers(merge, runs, count, size);
    }
    if (status == LNF_OK) {
        status = lnf_merge_open(&merge->rows, count);
    }
    if (status == LNF_OK) {
        status = copy_rows(merge, limit, &writer);
    }
    if (status == LNF_OK) {
        status = lnf_run_writer_finish(&writer, merged, merge->error);
    }
    for (size_t i = 0; i < count; i++) {
        lnf_run_reader_clear(&merge->readers[i]);
    }
    lnf_run_writer_clear(&writer);
    return status;
}

/** Once over all runs: every `fan_in` of them become one in the file. */
static int merge_pass(struct merge *merge, lnf_memory_t *memory, struct lnf_run *runs,
                      size_t *count, size_t fan_in, uint64_t limit, struct lnf_spill_file *file)
{
    size_t made = 0;
    int status = LNF_OK;

    for (size_t start = 0, some; start < *count && status == LNF_OK; start += some) {
        struct lnf_run merged = {0};
        some = *count - start < fan_in ? *count - start : fan_in;
        size_t size = lnf_memory_buffers(memory) / (some + 1);
        status = merge_some(merge, runs + start, some, size, limit, file, &merged);
        for (size_t i = 0; i < some; i++) {
            lnf_run_clear(&runs[start + i]);
        }
        runs[made++] = merged;
    }
    if (status == LNF_OK) {
        *count = made;
    }
    return status;
}

static int merge_all(struct merge *merge, lnf_memory_t *memory, struct lnf_run *runs, size_t count,
                     size_t fan_in, uint64_t limit, struct lnf_spill_file **file)
{
    int status = LNF_OK;

    do {
        struct lnf_spill_file *next;
        status = lnf_spill_file_create(memory, &next, merge->error);
        if (status != LNF_OK) {
            return status;
        }
        status = merge_pass(merge, memory, runs, &count, fan_in, limit, next);
        lnf_spill_file_destroy(*file);
        *file = next;
    } while (status == LNF_OK && count > 1);
    return status;
}

static size_t choose_fan_in(const lnf_memory_t *memory)
{
    size_t fan_in = lnf_memory_buffers(memory) / INPUT_SIZE;

    return fan_in < 2 ? 2 : fan_in > FAN_IN_MAX ? FAN_IN_MAX : fan_in;
}

int lnf_spill_merge(const lnf_query_t *query, lnf_memory_t *memory, struct lnf_run *runs,
                    size_t count, uint64_t limit, struct lnf_spill_file **file,
                    struct lnf_run *answer, struct lnf_error *error)
{
    struct merge merge = {.error = error};
    size_t fan_in = choose_fan_in(memory), charged = 0;

    *file = NULL;
    *answer = (struct lnf_run){0};
    int status = lnf_merge_init(&merge.rows, query, fan_in, read_rows, &merge);
    merge.readers = calloc(fan_in, sizeof(*merge.readers));
    lnf_memory_charge(memory, &charged, lnf_memory_buffers(memory));
    if (merge.readers == NULL) {
        status = LNF_ERR_NOMEM;
    }
    if (status == LNF_OK && count > 0) {
        status = merge_all(&merge, memory, runs, count, fan_in, limit, file);
    }
    if (status == LNF_OK && count > 0) {
        *answer = runs[0];
        runs[0] = (struct lnf_run){0};
    } else if (status != LNF_OK) {
        lnf_spill_file_destroy(*file);
        *file = NULL;
    }
    for (size_t i = 0; i < count; i++) {
        lnf_run_clear(&runs[i]);
    }
    lnf_memory_charge(memory, &charged, 0);
    free(merge.readers);
    lnf_merge_clear(&merge.rows);
    return status;
}
