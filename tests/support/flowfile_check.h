/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * For tests of what reads and writes flow files: files as octets, and what a reader makes of them.
 *
 * Flows are those of flowfile_build.h, whose octet count tells their number.
 */
#ifndef FLOWFILE_CHECK_H
#define FLOWFILE_CHECK_H

#include "batch.h"
#include "file.h"
#include "flowfile_build.h"

#include <check.h>
#include <libnf.h>
#include <libnf/bytes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- files as octets ------------------------------------------------------------------------- */

struct octets {
    uint8_t *at;
    size_t size;
};

static inline struct octets octets_read(const char *path)
{
    struct octets o = {NULL, 0};
    FILE *file = fopen(path, "rb");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    o.size = (size_t)ftell(file);
    rewind(file);
    o.at = malloc(o.size + 1);
    ck_assert_uint_eq(fread(o.at, 1, o.size, file), o.size);
    fclose(file);
    return o;
}

/** Makes `path` a file of exactly these octets. */
static inline void octets_write(const char *path, const uint8_t *octets, size_t size)
{
    FILE *file = fopen(path, "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(octets, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

static inline void octets_free(struct octets *o)
{
    free(o->at);
    *o = (struct octets){NULL, 0};
}

/** Header as while the file was open: no appendix, no blocks. */
static inline void octets_unfinish(struct octets *o)
{
    lnf_store_u16(o->at + 18, 0);
    lnf_store_u64(o->at + 24, 0);
    lnf_store_u32(o->at + 36, 0);
}

/** Where the header says the appendix is. */
static inline size_t octets_appendix(const struct octets *o)
{
    return (size_t)lnf_load_u64(o->at + 24);
}

/** Offset of data block `number`. */
static inline size_t octets_block(const struct octets *o, unsigned number)
{
    size_t at = LNF_FILE_HEADER_SIZE;

    while (number-- > 0) {
        at += LNF_BLOCK_HEADER_SIZE + lnf_load_u32(o->at + at + 4);
    }
    return at;
}

/**
 * Limits the size of files: writing beyond fails with EFBIG, and SIGXFSZ is ignored. No assertion
 * while the limit holds, for Check writes to a file, too; RLIM_INFINITY ends it.
 */
static inline void limit_file_size(rlim_t octets)
{
    struct rlimit limit;

    signal(SIGXFSZ, SIG_IGN);
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0) {
        limit.rlim_cur = octets < limit.rlim_max ? octets : limit.rlim_max;
        (void)setrlimit(RLIMIT_FSIZE, &limit);
    }
}

/* ---- what a reader makes of them ------------------------------------------------------------- */

#define PROBLEM_KINDS 5

struct problems {
    unsigned count[PROBLEM_KINDS];          /* by enum lnf_problem_kind */
    struct lnf_problem last[PROBLEM_KINDS]; /* without their texts */
    unsigned all;
};

static inline void problems_note(void *context, const struct lnf_problem *problem)
{
    struct problems *problems = context;

    ck_assert_uint_lt(problem->kind, PROBLEM_KINDS);
    ck_assert_ptr_nonnull(problem->text);
    ck_assert(problem->text[0] != '\0' && strchr(problem->text, '\n') == NULL);
    problems->count[problem->kind]++;
    problems->last[problem->kind] = *problem;
    problems->last[problem->kind].text = NULL;
    problems->all++;
}

#define FLOWS_MAX 20000u

struct reading {
    int opened; /* status of lnf_input_open() */
    struct lnf_error error;
    struct problems problems;
    unsigned blocks;     /* loaded */
    unsigned bad_blocks; /* could not be loaded */
    unsigned damaged;    /* records */
    unsigned flows;
    bool seen[FLOWS_MAX]; /* by number of the flow */
    bool ascending;       /* flows came in order */
    bool finished;
    unsigned layout;
    enum lnf_codec codec;
    uint64_t info_blocks;
    char ident[200];
    struct lnf_stat stat;
};

static inline void reading_take_block(struct reading *r, lnf_batch_t *batch, const uint8_t *records,
                                      size_t size, uint64_t *next)
{
    unsigned rows;

    lnf_batch_open(batch, records, size);
    while ((rows = lnf_batch_next(batch)) > 0) {
        const uint64_t *bytes = lnf_batch_column(batch, lnf_field_get(LNF_FLD_DOCTETS), NULL, rows);
        for (unsigned i = 0; i < rows; i++) {
            uint64_t number = (bytes[i] - 40) / 3;
            r->ascending = r->ascending && number >= *next;
            *next = number + 1;
            if (number < FLOWS_MAX) {
                r->seen[number] = true;
            }
        }
        r->flows += rows;
    }
    r->damaged += (unsigned)lnf_batch_damaged(batch, NULL);
}

/** Reads all blocks of an open input; every status other than what files may cause fails the test.
 */
static inline void reading_take_all(struct reading *r, lnf_input_t *input)
{
    static struct lnf_block_buffer buffer; /* kept: tests read thousands of small files */
    static lnf_batch_t *batch;
    struct lnf_block_ref block;
    uint64_t next = 0;
    int status;

    batch = batch == NULL ? lnf_batch_create() : batch;
    ck_assert_ptr_nonnull(batch);
    r->ascending = true;
    while ((status = lnf_input_claim(input, &block, &r->error)) == LNF_OK) {
        const uint8_t *records = NULL;
        size_t size = 0;
        status = lnf_input_load(input, &block, &buffer, &records, &size, &r->error);
        if (status == LNF_ERR_CORRUPT) {
            r->bad_blocks++;
            continue;
        }
        ck_assert_int_eq(status, LNF_OK);
        ck_assert_uint_le(size, 4 * LNF_BLOCK_LIMIT);
        /* A copy with an end of its own, so that reading past it is noticed. */
        uint8_t *copy = malloc(size);
        memcpy(copy, records, size);
        reading_take_block(r, batch, copy, size, &next);
        free(copy);
        r->blocks++;
    }
    ck_assert_int_eq(status, LNF_EOF);
    ck_assert_int_eq(lnf_input_claim(input, &block, &r->error), LNF_EOF);
}

/** Reads a whole file; `path` NULL = standard input. */
static inline void reading_take(struct reading *r, const char *path)
{
    lnf_input_t *input = NULL;

    memset(r, 0, sizeof(*r));
    r->opened = lnf_input_open(path, problems_note, &r->problems, &input, &r->error);
    if (r->opened != LNF_OK) {
        ck_assert_ptr_null(input);
        ck_assert(r->error.text[0] != '\0');
        return;
    }
    reading_take_all(r, input);
    const struct lnf_input_info *info = lnf_input_info(input);
    r->finished = info->finished;
    r->layout = info->layout;
    r->codec = info->codec;
    r->info_blocks = info->blocks;
    r->stat = info->stat;
    snprintf(r->ident, sizeof(r->ident), "%s", info->ident);
    lnf_input_close(input);
}

/** Whether exactly the flows `first` .. `first + count - 1` were read, in order. */
static inline bool reading_is(const struct reading *r, unsigned first, unsigned count)
{
    for (unsigned i = 0; i < FLOWS_MAX; i++) {
        if (r->seen[i] != (i >= first && i < first + count)) {
            return false;
        }
    }
    return r->ascending && r->flows == count;
}

/** Adds what flows `first` .. `first + count - 1` are to statistics. */
static inline void stat_of_flows(struct lnf_stat *stat, unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++) {
        struct test_flow flow = test_flow_number(i);
        lnf_stat_count(stat, flow.proto, 1, flow.packets, flow.bytes, flow.first_ms, flow.last_ms);
    }
}

static inline bool same_stat(const struct lnf_stat *a, const struct lnf_stat *b)
{
    return memcmp(a, b, sizeof(*a)) == 0; /* u64 only: no padding */
}

#endif
