/* SPDX-License-Identifier: BSD-3-Clause */
/* Names, opens, fills and finalises the flow files of an instance. */

#include "window.h"

#include "flow_file.h"

#include <libnf.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Blocks in rotation: one being filled, one being written, the others waiting. */
#define BLOCKS 6u
/** A slot's file as this instance uses it. Belongs to the worker's jobs; the last one frees it. */
struct output {
    struct window *window;
    flow_file_t *file; /* NULL when the slot has no file: its records are lost */
    char path[PATH_MAX];
    uint64_t lost;              /* records of this file that could not be written */
    struct col_log_limit limit; /* of its error lines */
};

/** A block and whether the worker has it. */
struct slot {
    lnf_block_t *block;
    uint64_t flow_records; /* in the block; it also holds exporter records */
    /* Set by the instance before the job is queued, cleared by the worker after its last use of the
     * block; release and acquire order the block's contents. */
    atomic_bool busy;
};

/** What the worker is to do: write a block into a file, or finalise the file (slot NULL). */
struct job {
    struct output *output;
    struct slot *slot;
};

struct window {
    col_instance_t *instance;
    const struct window_settings *settings;
    col_worker_t *worker;
    struct slot slots[BLOCKS];
    unsigned current; /* slot being filled */
    struct output *output;
    time_t start; /* of the open file's slot */
    /* Written by the worker, taken by the instance; independent counters, so relaxed order. */
    atomic_uint_fast64_t stored, lost;
};

/* ---- worker's side --------------------------------------------------------------------------- */

static void put_block(struct output *o, const struct slot *slot)
{
    struct window *w = o->window;
    struct flow_file_settings settings = {
        .ident = w->settings->ident,
        .codec = w->settings->codec,
        .level = w->settings->level,
        .index = w->settings->index,
        .false_positives = w->settings->false_positives,
    };
    struct lnf_error error;

    if (o->file != NULL) {
        if (flow_file_put(o->file, w->instance, &settings, slot->block, &error) == LNF_OK) {
            atomic_fetch_add_explicit(&w->stored, slot->flow_records, memory_order_relaxed);
            return;
        }
        col_log_limited(w->instance, &o->limit, COL_LOG_ERROR,
                        "cannot write: %s; flow records are lost until that is possible",
                        error.text);
    }
    o->lost += slot->flow_records;
    atomic_fetch_add_explicit(&w->lost, slot->flow_records, memory_order_relaxed);
}

static void close_output(struct output *o)
{
    struct lnf_error error;

    if (o->file != NULL && flow_file_release(o->file, o->window->instance, &error) != LNF_OK) {
        col_log(o->window->instance, COL_LOG_ERROR, "cannot finalise: %s", error.text);
    }
    if (o->lost > 0) {
        col_log(o->window->instance, COL_LOG_ERROR, "%s: %llu records could not be written",
                o->path, (unsigned long long)o->lost);
    }
    free(o);
}

static void run_job(void *argument)
{
    struct job *job = argument;

    if (job->slot != NULL) {
        put_block(job->output, job->slot);
        lnf_block_clear(job->slot->block);
        job->slot->flow_records = 0;
        atomic_store_explicit(&job->slot->busy, false, memory_order_release);
    } else {
        close_output(job->output);
    }
    free(job);
}

/* ---- instance's side ------------------------------------------------------------------------- */

/** Queues a job; it must not get lost, so without memory for it this waits for some. */
static void submit(window_t *w, struct output *output, struct slot *slot)
{
    struct job *job = malloc(sizeof(*job));

    while (job == NULL) {
        struct timespec pause = {0, 10000000};
        nanosleep(&pause, NULL);
        job = malloc(sizeof(*job));
    }
    *job = (struct job){output, slot};
    col_worker_submit(w->worker, run_job, job);
}

window_t *window_create(col_instance_t *instance, const struct window_settings *settings)
{
    window_t *w = calloc(1, sizeof(*w));
    if (w == NULL) {
        goto fail;
    }
    w->instance = instance;
    w->settings = settings;
    for (unsigned i = 0; i < BLOCKS; i++) {
        w->slots[i].block = lnf_block_create();
        if (w->slots[i].block == NULL) {
            goto fail;
        }
    }
    /* One block is being filled and one is with the running job, so with a place less than that in
     * the queue a submitted job always leaves a free block behind. */
    w->worker = col_worker_create(instance, "lnfstore", BLOCKS - 2);
    if (w->worker == NULL) {
        goto fail;
    }
    return w;

fail:
    col_log(instance, COL_LOG_ERROR, "no memory for blocks");
    window_destroy(w);
    return NULL;
}

static void close_window(window_t *w)
{
    if (w->output != NULL) {
        window_flush(w);
        submit(w, w->output, NULL);
        w->output = NULL;
    }
}

void window_destroy(window_t *w)
{
    if (w == NULL) {
        return;
    }
    close_window(w);
    col_worker_destroy(w->worker);
    for (unsigned i = 0; i < BLOCKS; i++) {
        lnf_block_destroy(w->slots[i].block);
    }
    free(w);
}

/* The format is the operator's by design; strftime() has no conversions that read arguments. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
size_t window_format_time(char *text, size_t size, const char *mask, const struct tm *tm)
{
    return strftime(text, size, mask, tm);
}
#pragma GCC diagnostic pop

/** The slot's file, not opened yet; NULL with a logged reason. */
static flow_file_t *name_file(const window_t *w, time_t start, char *path, size_t size)
{
    const struct window_settings *s = w->settings;
    struct tm tm;
    char date[32];
    char suffix[NAME_MAX];

    gmtime_r(&start, &tm);
    strftime(date, sizeof(date), "%Y/%m/%d", &tm);
    if (window_format_time(suffix, sizeof(suffix), s->suffix_mask, &tm) == 0) {
        suffix[0] = '\0';
    }
    size_t root = strlen(s->storage_path);
    bool slash = root > 0 && s->storage_path[root - 1] == '/';
    int length = snprintf(path, size, "%s%s%s/%s%s", s->storage_path, slash ? "" : "/", date,
                          s->prefix, suffix);
    if (length < 0 || (size_t)length + 8 > size) {
        col_log(w->instance, COL_LOG_ERROR, "the path of a flow file is too long: %.200s...", path);
        (void)snprintf(path, size, "%s", s->storage_path); /* for the line about lost records */
        return NULL;
    }
    flow_file_t *file = flow_file_get(path, root + (slash ? 0 : 1));
    if (file == NULL) {
        col_log(w->instance, COL_LOG_ERROR, "no memory for %s", path);
    }
    return file;
}

static bool window_over(const window_t *w, time_t now)
{
    /* A clock set back opens a new file, too. */
    return now >= w->start + (time_t)w->settings->length_s || now < w->start;
}

bool window_enter(window_t *w, time_t now, bool *began)
{
    *began = false;
    if (w->output != NULL && !window_over(w, now)) {
        return true;
    }
    close_window(w);
    w->output = calloc(1, sizeof(*w->output));
    if (w->output == NULL) {
        return false;
    }
    w->start = w->settings->align ? now - now % (time_t)w->settings->length_s : now;
    w->output->window = w;
    w->output->file = name_file(w, w->start, w->output->path, sizeof(w->output->path));
    *began = true;
    return true;
}

void window_expire(window_t *w, time_t now)
{
    if (w->output != NULL && window_over(w, now)) {
        close_window(w);
    }
}

uint32_t window_next_exporter(const window_t *w)
{
    return w->output->file != NULL ? flow_file_next_exporter(w->output->file) : 1;
}

lnf_block_t *window_block(window_t *w)
{
    return w->slots[w->current].block;
}

void window_count_records(window_t *w, uint64_t flow_records)
{
    w->slots[w->current].flow_records += flow_records;
}

void window_flush(window_t *w)
{
    struct slot *full = &w->slots[w->current];

    if (lnf_block_records(full->block) == 0) {
        return;
    }
    atomic_store_explicit(&full->busy, true, memory_order_relaxed);
    submit(w, w->output, full);
    for (;;) {
        w->current = (w->current + 1) % BLOCKS;
        if (!atomic_load_explicit(&w->slots[w->current].busy, memory_order_acquire)) {
            return;
        }
    }
}

struct window_counts window_take_counts(window_t *w)
{
    return (struct window_counts){
        .records_stored = atomic_exchange_explicit(&w->stored, 0, memory_order_relaxed),
        .records_lost = atomic_exchange_explicit(&w->lost, 0, memory_order_relaxed),
    };
}
