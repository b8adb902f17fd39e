/* SPDX-License-Identifier: BSD-3-Clause */
/** Sorted runs become one. */
#include "spill.h"

#include <libnf.h>
#include <stdlib.h>
#include <string.h>

#define FAN_IN_MAX 128u
#define INPUT_SIZE ((size_t)16 << 10) /* octets worth reading at once */

/** A run being merged, and its first row that is not yet in the result. */
struct input {
    struct lnf_run_reader reader;
    const uint8_t *row;
    size_t left; /* rows in the reader's buffer, this one included */
    uint64_t rank;
};

/** Inputs with rows left: a heap with the first row on top. */
struct merge {
    const lnf_query_t *query;
    struct input *inputs;
    struct input **heap;
    size_t count;
    struct lnf_error *error;
};

static int compare(const struct merge *merge, const struct input *a, const struct input *b)
{
    if (a->rank != b->rank) {
        return a->rank < b->rank ? -1 : 1;
    }
    return lnf_row_tie(merge->query, a->row, b->row);
}

/** Moves the input at a place of the heap down to where it belongs. */
static void sift_down(struct merge *merge, size_t at)
{
    struct input *item = merge->heap[at];

    for (size_t child; (child = 2 * at + 1) < merge->count; at = child) {
        if (child + 1 < merge->count &&
            compare(merge, merge->heap[child + 1], merge->heap[child]) < 0) {
            child++;
        }
        if (compare(merge, item, merge->heap[child]) <= 0) {
            break;
        }
        merge->heap[at] = merge->heap[child];
    }
    merge->heap[at] = item;
}

/** The next row of an input; left = 0 when there is none. */
static int advance(struct merge *merge, struct input *input)
{
    if (input->left > 1) {
        input->left--;
        input->row += merge->query->row_size;
    } else {
        int status = lnf_run_reader_next(&input->reader, &input->left, merge->error);
        if (status != LNF_OK) {
            return status;
        }
        input->row = input->reader.buffer;
    }
    if (input->left > 0) {
        input->rank = lnf_row_rank(merge->query, input->row);
    }
    return LNF_OK;
}

static int open_inputs(struct merge *merge, const struct lnf_run *runs, size_t count, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        struct input *input = &merge->inputs[i];
        int status = lnf_run_reader_init(&input->reader, &runs[i], merge->query->row_size, size);
        if (status == LNF_OK) {
            status = advance(merge, input);
        }
        if (status != LNF_OK) {
            return status;
        }
        if (input->left > 0) {
            merge->heap[merge->count++] = input;
        }
    }
    for (size_t i = merge->count / 2; i > 0; i--) {
        sift_down(merge, i - 1);
    }
    return LNF_OK;
}

static int copy_rows(struct merge *merge, uint64_t limit, struct lnf_run_writer *writer)
{
    for (; limit > 0 && merge->count > 0; limit--) {
        struct input *first = merge->heap[0];
        uint8_t *place = lnf_run_writer_next(writer, merge->error);
        if (place == NULL) {
            return LNF_ERR_WRITE;
        }
        memcpy(place, first->row, merge->query->row_size);
        int status = advance(merge, first);
        if (status != LNF_OK) {
            return status;
        }
        if (first->left == 0) {
            merge->heap[0] = merge->heap[--merge->count];
        }
        if (merge->count > 0) {
            sift_down(merge, 0);
        }
    }
    return LNF_OK;
}

/** Merges as many runs as buffers allow into one at the end of a file. */
static int merge_some(struct merge *merge, const struct lnf_run *runs, size_t count, size_t size,
                      uint64_t limit, struct lnf_spill_file *file, struct lnf_run *merged)
{
    struct lnf_run_writer writer = {.buffer = NULL};

    merge->count = 0;
    memset(merge->inputs, 0, count * sizeof(*merge->inputs));
    int status = lnf_run_reserve(merged, 1);
    if (status == LNF_OK) {
        status = lnf_run_writer_init(&writer, file, merge->query->row_size, size);
    }
    if (status == LNF_OK) {
        status = open_inputs(merge, runs, count, size);
    }
    if (status == LNF_OK) {
        status = copy_rows(merge, limit, &writer);
    }
    if (status == LNF_OK) {
        status = lnf_run_writer_finish(&writer, merged, merge->error);
    }
    for (size_t i = 0; i < count; i++) {
        lnf_run_reader_clear(&merge->inputs[i].reader);
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
    struct merge merge = {.query = query, .error = error};
    size_t fan_in = choose_fan_in(memory), charged = 0;
    int status = LNF_ERR_NOMEM;

    *file = NULL;
    *answer = (struct lnf_run){0};
    merge.inputs = calloc(fan_in, sizeof(*merge.inputs));
    merge.heap = calloc(fan_in, sizeof(struct input *));
    lnf_memory_charge(memory, &charged, lnf_memory_buffers(memory));
    if (merge.inputs != NULL && merge.heap != NULL) {
        status = count == 0 ? LNF_OK : merge_all(&merge, memory, runs, count, fan_in, limit, file);
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
    free(merge.inputs);
    free(merge.heap);
    return status;
}
