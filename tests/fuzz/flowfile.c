/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Fuzz target: any octets as a flow file. Both doors must read the same flows and the same values,
 * a query must see as many records, and a file that can be continued must be sound afterwards.
 */
#include "batch.h"
#include "element.h"
#include "file.h"
#include "record.h"

#include <libnf/bytes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Rows of a block that are compared value by value; the others are only counted. */
#define COMPARED_ROWS 48u

static char path[64]; /* of a file in memory */
static int memory_fd = -1;
static lnf_batch_t *batch;
static struct lnf_block_buffer buffer;

static void require(bool what)
{
    if (!what) {
        abort();
    }
}

static void prepare(const uint8_t *data, size_t size)
{
    if (memory_fd < 0) {
        memory_fd = memfd_create("flowfile", 0);
        batch = lnf_batch_create();
        require(memory_fd >= 0 && batch != NULL);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", memory_fd);
    }
    require(ftruncate(memory_fd, 0) == 0);
    require(pwrite(memory_fd, data, size, 0) == (ssize_t)size);
}

/* ---- values ---------------------------------------------------------------------------------- */

static uint64_t number_of(const void *values, size_t index, unsigned type)
{
    const uint8_t *octets = values;

    switch (type) {
    case LNF_UINT8:
        return octets[index];
    case LNF_UINT16:
        return lnf_load_u16(octets + index * 2);
    case LNF_UINT32:
        return lnf_load_u32(octets + index * 4);
    default:
        return lnf_load_u64(octets + index * 8);
    }
}

/** A field of a record is what its column says. */
static void check_field(const struct lnf_field *field, const void *column, unsigned row,
                        bool present, lnf_rec_t *rec)
{
    uint8_t value[LNF_MAX_FIELD_LEN] = {0};

    int status = lnf_rec_fget(rec, field->id, value);
    if (field->type == LNF_ADDR) {
        const struct lnf_addr *address = (const struct lnf_addr *)column + row;
        require(address->hi == be64toh(lnf_load_u64(value)));
        require(address->lo == be64toh(lnf_load_u64(value + 8)));
    } else if (field->type == LNF_MAC) {
        uint64_t mac = 0;
        memcpy((uint8_t *)&mac + 2, value, 6);
        require(number_of(column, row, field->type) == be64toh(mac));
    } else {
        require(number_of(column, row, field->type) == number_of(value, 0, field->type));
    }
    /* Calculated fields are "present" when what they are calculated from is. */
    if (field->source == LNF_SOURCE_ELEMENT) {
        require(present == (status == LNF_OK));
    }
}

static bool has_column(const struct lnf_field *field)
{
    switch (field->type) {
    case LNF_UINT8:
    case LNF_UINT16:
    case LNF_UINT32:
    case LNF_UINT64:
    case LNF_DOUBLE:
    case LNF_ADDR:
    case LNF_MAC:
        return true;
    default:
        return false;
    }
}

/** All columns of the first rows of the batch, and the same through records. */
static void check_rows(unsigned rows, lnf_rec_t *recs[COMPARED_ROWS])
{
    uint16_t selection[COMPARED_ROWS];
    uint8_t value[LNF_MAX_FIELD_LEN];

    for (unsigned row = 0; row < rows; row++) {
        const uint8_t *record = lnf_batch_record(batch, row);
        selection[row] = (uint16_t)row;
        require(lnf_rec_assign(recs[row], record, le16toh(lnf_load_u16(record + 2))) == LNF_OK);
        for (unsigned id = 0; id < LNF_ELEMENT_COUNT; id++) {
            size_t length;
            const uint8_t *data = lnf_batch_element(batch, row, id, &length);
            require(data == NULL || length >= lnf_element_get((uint16_t)id)->size);
        }
    }
    for (unsigned i = 0; i < lnf_field_count; i++) {
        const struct lnf_field *field = &lnf_field_table[i];
        if (!has_column(field)) {
            for (unsigned row = 0; row < rows; row++) {
                (void)lnf_rec_fget(recs[row], field->id, value);
            }
            continue;
        }
        const void *column = lnf_batch_column(batch, field, selection, rows);
        const uint8_t *present = lnf_batch_present(batch, field, selection, rows);
        for (unsigned row = 0; row < rows; row++) {
            check_field(field, column, row, present[row] != 0, recs[row]);
        }
    }
}

/** Sets every field of a record read from a file: it stays a sound record. */
static void check_setting(lnf_rec_t *rec)
{
    uint8_t value[LNF_MAX_FIELD_LEN] = {0x20, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    lnf_rec_t *copy = NULL;
    size_t size;

    require(lnf_rec_init(&copy) == LNF_OK);
    for (unsigned i = 0; i < lnf_field_count; i++) {
        (void)lnf_rec_fset(rec, lnf_field_table[i].id, value);
        const uint8_t *raw = lnf_rec_raw(rec, &size);
        require(lnf_rec_assign(copy, raw, size) == LNF_OK);
    }
    lnf_rec_free(copy);
}

/* ---- whole files ----------------------------------------------------------------------------- */

/** What a reading found. */
struct found {
    uint64_t flows, blocks;
    uint64_t unfinished, truncated; /* problems told */
    bool layout2;
};

static void note_problem(void *context, const struct lnf_problem *problem)
{
    struct found *found = context;

    require(problem->text[0] != '\0' && strchr(problem->text, '\n') == NULL);
    found->unfinished += problem->kind == LNF_PROBLEM_UNFINISHED;
    found->truncated += problem->kind == LNF_PROBLEM_TRUNCATED;
}

static void read_block(const uint8_t *records, size_t size, struct found *found,
                       lnf_rec_t *recs[COMPARED_ROWS])
{
    uint8_t *copy = malloc(size > 0 ? size : 1); /* its end is watched */
    unsigned rows;
    bool first = true;

    require(copy != NULL);
    memcpy(copy, records, size);
    lnf_batch_open(batch, copy, size);
    while ((rows = lnf_batch_next(batch)) > 0) {
        if (first) {
            check_rows(rows < COMPARED_ROWS ? rows : COMPARED_ROWS, recs);
            check_setting(recs[0]);
        }
        first = false;
        found->flows += rows;
    }
    free(copy);
}

/** Reads all blocks; false when the file is refused, which must have a reason. */
static bool read_blocks(struct found *found, lnf_rec_t *recs[COMPARED_ROWS])
{
    struct lnf_block_ref block;
    struct lnf_error error = {.text = ""};
    lnf_input_t *input = NULL;
    int status;

    *found = (struct found){0};
    status = lnf_input_open(path, note_problem, found, &input, &error);
    if (status != LNF_OK) {
        require(status == LNF_ERR_CORRUPT && error.text[0] != '\0' && !strchr(error.text, '\n'));
        return false;
    }
    while ((status = lnf_input_claim(input, &block, &error)) == LNF_OK) {
        const uint8_t *records;
        size_t size;
        status = lnf_input_load(input, &block, &buffer, &records, &size, &error);
        require(status == LNF_OK || status == LNF_ERR_CORRUPT);
        if (status == LNF_OK) {
            read_block(records, size, found, recs);
        }
        found->blocks++;
    }
    require(status == LNF_EOF);
    const struct lnf_input_info *info = lnf_input_info(input);
    require(info->data_end <= lnf_input_size(input) && strlen(info->ident) < 128);
    found->layout2 = info->layout == 2;
    lnf_input_close(input);
    return true;
}

/** The door of libnf.h gives as many flows. */
static void check_record_door(const struct found *found, lnf_rec_t *rec)
{
    lnf_file_t *file = NULL;
    uint64_t flows = 0, number;
    char ident[200];
    int status;

    require(lnf_open(&file, path, LNF_READ, NULL) == LNF_OK);
    while ((status = lnf_read(file, rec)) != LNF_EOF) {
        require(status == LNF_OK || status == LNF_ERR_UNKREC || status == LNF_ERR_UNKBLOCK ||
                status == LNF_ERR_COMPAT15);
        flows += status == LNF_OK;
    }
    require(flows == found->flows);
    for (int info = LNF_INFO_FIRST; info <= LNF_INFO_PACKETS_OTHER; info += 2) {
        require(lnf_info(file, info, &number, sizeof(number)) == LNF_OK);
    }
    require(lnf_info(file, LNF_INFO_IDENT, ident, sizeof(ident)) == LNF_OK);
    lnf_close(file);
}

/** So does a query, which looks at each block once. */
static void check_query(const struct found *found)
{
    static const struct lnf_query_column columns[] = {{LNF_FLD_SRCADDR, LNF_COLUMN_VALUE, 0, 0},
                                                      {LNF_FLD_DOCTETS, LNF_COLUMN_VALUE, 0, 0},
                                                      {LNF_FLD_USERNAME, LNF_COLUMN_VALUE, 0, 0},
                                                      {LNF_FLD_CALC_BPS, LNF_COLUMN_VALUE, 0, 0}};
    static const struct lnf_query_spec spec = {.mode = LNF_QUERY_LIST,
                                               .filter = "bytes > 100 or not proto tcp",
                                               .columns = columns,
                                               .column_count = 4,
                                               .sort_column = -1};
    static lnf_query_t *query; /* both stay: making them takes longer than using them */
    static lnf_task_t *task;
    struct lnf_error error;
    lnf_scan_t *scan = NULL;
    uint64_t blocks = 0, rows = 0;
    int status;

    if (query == NULL) {
        require(lnf_query_create(&spec, &query, &error) == LNF_OK);
        require(lnf_task_create(query, &task) == LNF_OK);
    }
    const struct lnf_totals before = *lnf_task_totals(task);
    require(lnf_scan_open(path, NULL, NULL, &scan, &error) == LNF_OK);
    while ((status = lnf_task_run(task, scan, NULL, NULL, &error)) == LNF_OK) {
        size_t count;
        const uint8_t *octets = lnf_task_rows(task, &count);
        for (size_t i = 0; i < count; i++) {
            struct lnf_value value;
            lnf_query_row_value(query, octets + i * lnf_query_row_size(query), 2, &value);
            require(memchr(value.string.text, '\0', value.string.length) == NULL);
        }
        rows += count;
        blocks++;
    }
    require(status == LNF_EOF && blocks == found->blocks);
    require(lnf_task_totals(task)->records - before.records == found->flows);
    require(rows <= found->flows);
    lnf_scan_close(scan);
}

/** Continued and closed, the file has the same flows, and nothing is wrong with its structure. */
static void check_append(const struct found *before, lnf_rec_t *recs[COMPARED_ROWS])
{
    lnf_writer_t *writer = NULL;
    struct lnf_error error = {.text = ""};
    struct found after;

    int status = lnf_writer_open(path, LNF_CODEC_NONE, "fuzz", true, &writer, &error);
    if (status != LNF_OK) {
        /* Another layout, or blocks that do not lead to the appendix. */
        require(status == LNF_ERR_CORRUPT && error.text[0] != '\0');
        return;
    }
    require(before->layout2);
    require(lnf_writer_close(writer, &error) == LNF_OK);
    require(read_blocks(&after, recs));
    require(after.flows == before->flows && after.blocks == before->blocks);
    require(after.unfinished == 0 && after.truncated == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lnf_rec_t *recs[COMPARED_ROWS];
    struct found found;

    prepare(data, size);
    for (unsigned i = 0; i < COMPARED_ROWS; i++) {
        require(lnf_rec_init(&recs[i]) == LNF_OK);
    }
    if (read_blocks(&found, recs)) {
        check_record_door(&found, recs[0]);
        check_query(&found);
        check_append(&found, recs);
    }
    for (unsigned i = 0; i < COMPARED_ROWS; i++) {
        lnf_rec_free(recs[i]);
    }
    return 0;
}
