/* SPDX-License-Identifier: BSD-3-Clause */
/** A job of the suites of master and slave: flow files, a question, an output to a file. */
#ifndef JOB_FIXTURE_H
#define JOB_FIXTURE_H

#include "flowfile_build.h"
#include "link.h"
#include "master.h"
#include "message.h"
#include "suite_main.h"
#include "transport_double.h"

#include <fcntl.h>
#include <libnf.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILES 6u
#define FILE_FLOWS 500u
#define BLOCK_FLOWS 50u
#define FLOWS (FILES * FILE_FLOWS)
#define SLAVES_MAX 4u

static char folder[] = "/tmp/job-XXXXXX", out_path[64], err_path[64];
static char path_text[FILES][64];
static char *paths[FILES];
static int out_fd, err_fd;
static struct query query;
static lnf_query_t *compiled;
static struct output_options options;
static output_t *output;
static progress_t *progress;
static struct report report;
static bus_t *bus;
static bool strict;
static struct failure failure; /* of the master, or of the only slave */

static inline void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (unsigned i = 0; i < FILES; i++) {
        snprintf(path_text[i], sizeof(path_text[i]), "%s/lnf.%u", folder, i);
        paths[i] = path_text[i];
        ck_assert_int_eq(test_file_write(paths[i], LNF_CODEC_LZ4, NULL, 0, i * FILE_FLOWS,
                                         FILE_FLOWS, BLOCK_FLOWS),
                         LNF_OK);
    }
    snprintf(out_path, sizeof(out_path), "%s/out", folder);
    snprintf(err_path, sizeof(err_path), "%s/err", folder);
    out_fd = open(out_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    err_fd = open(err_path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
    report_init(&report, err_fd, REPORT_WARNING, 0, 1);
    query = (struct query){.filter = NULL};
    options = (struct output_options){.format = OUTPUT_CSV};
    failure = (struct failure){.class = REPORT_OK};
    strict = false;
}

static inline void forget(void)
{
    output_destroy(output);
    progress_destroy(progress);
    lnf_query_destroy(compiled);
    query_clear(&query);
    if (bus != NULL) {
        bus_destroy(bus);
    }
    output = NULL;
    progress = NULL;
    compiled = NULL;
    bus = NULL;
}

static inline void teardown(void)
{
    char command[64];

    forget();
    close(out_fd);
    close(err_fd);
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

/** Understands a question and makes a job of `slaves` slaves for it. */
static inline void prepare(const struct query_words *words, unsigned items, unsigned slaves,
                           const char *progress_path)
{
    forget();
    ck_assert_int_eq(ftruncate(out_fd, 0), 0);
    ck_assert_int_eq(lseek(out_fd, 0, SEEK_SET), 0);
    ck_assert_int_eq(query_build(words, items, &query, &failure), REPORT_OK);
    ck_assert_int_eq(query_compile(&query, &compiled, &failure), REPORT_OK);
    output = output_create(&query, compiled, &options, out_fd);
    progress = progress_create(progress_path == NULL ? PROGRESS_NONE : PROGRESS_SLAVES,
                               progress_path, slaves, &report);
    ck_assert_ptr_nonnull(output);
    ck_assert_ptr_nonnull(progress);
    bus = bus_create(slaves + 1);
}

static inline struct master_job master_job(void)
{
    return (struct master_job){.query = &query,
                               .compiled = compiled,
                               .report = &report,
                               .output = output,
                               .progress = progress,
                               .strict = strict,
                               .start_s = 0};
}

static inline struct slave_job slave_job(unsigned first_file, unsigned file_count, unsigned threads)
{
    return (struct slave_job){.query = &query,
                              .compiled = compiled,
                              .paths = paths + first_file,
                              .path_count = file_count,
                              .threads = threads,
                              .report = &report};
}

/** Content of a file, in memory that lasts until the next call. */
static inline char *content(const char *path)
{
    static char *text;
    FILE *file = fopen(path, "rb");

    ck_assert_ptr_nonnull(file);
    free(text);
    text = calloc(1, 1u << 20);
    size_t size = fread(text, 1, (1u << 20) - 1, file);
    ck_assert_uint_lt(size, (1u << 20) - 1);
    fclose(file);
    return text;
}

#endif
