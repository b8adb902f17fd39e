/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Where the time of a question goes: CPU ns per record of each stage, one thread.
 *   bench_stages FILE...
 *
 * Every stage runs with all stages before it; a line shows what it adds to the sum.
 */
#include "batch.h"
#include "file.h"
#include "filter.h"
#include "table.h"

#include <fcntl.h>
#include <libnf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RUNS 7
#define FILTER "proto tcp and dst port 443"

enum stage { READ, DECOMPRESS, LOCATE, EXTRACT, FILTER_ROWS, AGGREGATE, STAGES };

static const char *const names[STAGES] = {
    "read from the page cache", "decompress",          "locate records",
    "extract proto, dstport",   "filter '" FILTER "'", "aggregate all by srcip",
};

struct bench {
    struct lnf_block_buffer buffer;
    uint8_t *stored;
    lnf_batch_t *batch;
    lnf_program_t *program;
    lnf_program_state_t *state;
    lnf_query_t *query;
    lnf_table_t *table;
    const struct lnf_field *proto, *dstport;
    uint64_t records, matches;
};

static void fail(const char *text)
{
    fprintf(stderr, "bench_stages: %s\n", text);
    exit(1);
}

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void work_on_rows(struct bench *b, enum stage last)
{
    uint16_t selection[LNF_BATCH_ROWS];
    unsigned rows;

    while ((rows = lnf_batch_next(b->batch)) > 0) {
        b->records += rows;
        if (last >= EXTRACT) {
            (void)lnf_batch_column(b->batch, b->proto, NULL, rows);
            (void)lnf_batch_column(b->batch, b->dstport, NULL, rows);
        }
        if (last >= FILTER_ROWS) {
            b->matches += lnf_program_run(b->program, b->state, b->batch, selection);
        }
        if (last >= AGGREGATE && lnf_table_add_batch(b->table, b->batch, NULL, rows) != LNF_OK) {
            fail("no memory");
        }
    }
}

static void work_on_file(struct bench *b, const char *path, enum stage last)
{
    struct lnf_error error = {0};
    struct lnf_block_ref ref;
    const uint8_t *records;
    size_t size;
    lnf_input_t *input = NULL;

    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || lnf_input_open(path, NULL, NULL, &input, &error) != LNF_OK) {
        fail(fd < 0 ? path : error.text);
    }
    while (lnf_input_claim(input, &ref, &error) == LNF_OK) {
        if (last == READ) {
            if (pread(fd, b->stored, ref.stored_size,
                      (off_t)(ref.offset + LNF_BLOCK_HEADER_SIZE)) != (ssize_t)ref.stored_size) {
                fail("short read");
            }
            continue;
        }
        if (lnf_input_load(input, &ref, &b->buffer, &records, &size, &error) != LNF_OK) {
            fail(error.text);
        }
        if (last >= LOCATE) {
            lnf_batch_open(b->batch, records, size);
            work_on_rows(b, last);
        }
    }
    lnf_input_close(input);
    close(fd);
}

static double seconds_up_to(struct bench *b, char **paths, enum stage last)
{
    double best = 1e9;

    for (int i = 0; i < RUNS; i++) {
        if (lnf_table_create(b->query, &b->table) != LNF_OK) {
            fail("no memory");
        }
        b->records = b->matches = 0;
        double start = cpu_seconds();
        for (char **path = paths; *path != NULL; path++) {
            work_on_file(b, *path, last);
        }
        double seconds = cpu_seconds() - start;
        best = seconds < best ? seconds : best;
        lnf_table_destroy(b->table);
    }
    return best;
}

static void prepare(struct bench *b)
{
    static const struct lnf_query_column columns[] = {
        {LNF_FLD_SRCADDR, LNF_COLUMN_KEY, 32, 128},
        {LNF_FLD_DOCTETS, LNF_COLUMN_VALUE, 0, 0},
    };
    const struct lnf_query_spec spec = {
        .mode = LNF_QUERY_AGGREGATE, .columns = columns, .column_count = 2, .sort_column = -1};
    struct lnf_error error = {0};

    memset(b, 0, sizeof(*b));
    b->stored = malloc(LNF_BLOCK_LIMIT);
    b->batch = lnf_batch_create();
    b->proto = lnf_field_get(LNF_FLD_PROT);
    b->dstport = lnf_field_get(LNF_FLD_DSTPORT);
    if (b->stored == NULL || b->batch == NULL ||
        lnf_program_compile(FILTER, &b->program, &error) != LNF_OK ||
        lnf_query_create(&spec, &b->query, &error) != LNF_OK) {
        fail("no memory");
    }
    b->state = lnf_program_state_create(b->program);
    if (b->state == NULL) {
        fail("no memory");
    }
}

int main(int argc, char **argv)
{
    struct bench b;
    double seconds[STAGES];

    if (argc < 2) {
        fprintf(stderr, "usage: bench_stages FILE...\n");
        return 1;
    }
    prepare(&b);
    for (int last = READ; last < STAGES; last++) {
        seconds[last] = seconds_up_to(&b, argv + 1, (enum stage)last);
    }
    double records = (double)b.records;
    printf("CPU ns per record of %.0f, best of %d\n", records, RUNS);
    for (int i = READ; i < STAGES; i++) {
        double before = i == READ ? 0 : seconds[i - 1];
        printf("%-42s %6.1f  sum %6.1f\n", names[i], (seconds[i] - before) / records * 1e9,
               seconds[i] / records * 1e9);
    }
    lnf_query_destroy(b.query);
    lnf_program_state_destroy(b.state);
    lnf_program_destroy(b.program);
    lnf_batch_destroy(b.batch);
    lnf_block_buffer_clear(&b.buffer);
    free(b.stored);
    return 0;
}
