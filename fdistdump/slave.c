/* SPDX-License-Identifier: BSD-3-Clause */
/** Threads that take blocks of the same files, and the thread that watches them. */
#include "slave.h"

#include "block_queue.h"
#include "interrupt.h"
#include "memory_limit.h"

#include <inttypes.h>
#include <libnf.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define QUEUE_SIZE (32u << 20)
#define TICK_MS 50u

/* ---- files ---------------------------------------------------------------------------------- */

enum source_state {
    SOURCE_OPENING, /* by one worker, without the lock */
    SOURCE_OPEN,    /* has blocks nobody took yet, as far as known */
    SOURCE_DRAINED, /* all blocks taken; the last user closes it */
};

/** An open file. */
struct source {
    enum source_state state;
    size_t number;
    lnf_scan_t *scan;
    unsigned users;
    bool failed;     /* counted as unreadable */
    uint64_t blocks; /* the highest number seen + 1; of lists only */
    /* For people who want to know, of all users together. */
    uint64_t opened_us, read_blocks, read_records;
    struct source *next;
};

struct worker;

struct slave {
    const struct slave_job *job;
    bool list; /* rows go through the queue, in order */
    block_queue_t *queue;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct source *sources; /* guarded by lock, like the following */
    size_t next_file;
    size_t files_done;
    unsigned running; /* workers */
    struct slave_counts counts;
    struct failure failure; /* the first one */

    atomic_bool cut;     /* blocks or files may have been left when work stopped */
    atomic_bool stop;    /* read between blocks: late is fine, so relaxed order is enough */
    lnf_table_t *shared; /* groups of all workers; NULL = none, or the only worker has them */
    struct worker *workers;
    unsigned worker_count;
};

struct worker {
    struct slave *slave;
    pthread_t thread;
    lnf_task_t *task;
    lnf_table_t *table;
    struct lnf_totals reported; /* totals of blocks already put into the queue */
};

static void on_problem(void *context, const struct lnf_problem *problem)
{
    struct slave *slave = context;

    if ((unsigned)problem->kind < SLAVE_PROBLEMS) {
        pthread_mutex_lock(&slave->lock);
        slave->counts.problems[problem->kind] += problem->count;
        pthread_mutex_unlock(&slave->lock);
    }
    report_warning(slave->job->report, REPORT_LIBNF, "%s: offset %" PRIu64 ": %s", problem->path,
                   problem->offset, problem->text);
}

static void stop_all(struct slave *slave)
{
    atomic_store_explicit(&slave->stop, true, memory_order_relaxed);
    if (slave->queue != NULL) {
        block_queue_stop(slave->queue);
    }
}

static bool stopped(const struct slave *slave)
{
    return atomic_load_explicit(&slave->stop, memory_order_relaxed);
}

static void note_cut(struct slave *slave)
{
    atomic_store_explicit(&slave->cut, true, memory_order_relaxed);
}

/** The first failure of any thread ends all of them. */
static void fail_memory(struct slave *slave)
{
    pthread_mutex_lock(&slave->lock);
    if (slave->failure.class == REPORT_OK) {
        (void)failure_no_memory(&slave->failure);
    }
    pthread_mutex_unlock(&slave->lock);
    stop_all(slave);
}

/** The same with a table whose temporary files cannot be written. */
static void fail_table(struct slave *slave, const lnf_table_t *table, int status)
{
    pthread_mutex_lock(&slave->lock);
    if (slave->failure.class == REPORT_OK) {
        (void)memory_limit_failure(table, status, &slave->failure);
    }
    pthread_mutex_unlock(&slave->lock);
    stop_all(slave);
}

/** One more file is through (with the lock held). */
static void file_done(struct slave *slave, size_t number, uint64_t blocks)
{
    slave->files_done++;
    if (slave->queue != NULL) {
        block_queue_close_file(slave->queue, number, blocks);
    }
    pthread_cond_broadcast(&slave->changed);
}

static void unlink_source(struct slave *slave, struct source *source)
{
    struct source **place = &slave->sources;

    while (*place != source) {
        place = &(*place)->next;
    }
    *place = source->next;
}

/** Counts a file once, however many threads meet its trouble. */
static void file_unreadable(struct slave *slave, struct source *source,
                            const struct lnf_error *error)
{
    pthread_mutex_lock(&slave->lock);
    bool first = !source->failed;
    source->failed = true;
    slave->counts.unreadable += first;
    pthread_mutex_unlock(&slave->lock);
    if (first) {
        report_warning(slave->job->report, REPORT_LIBNF, "%s", error->text);
    }
}

/** An index there is and that is of no use. */
static bool is_broken(const struct lnf_scan_index *use)
{
    return use->state == LNF_INDEX_DAMAGED || use->state == LNF_INDEX_UNREADABLE;
}

/** A broken index is a warning; one that is old or somebody else's just does not help. */
static void tell_index(const struct slave *slave, const char *path,
                       const struct lnf_scan_index *use, bool skipped)
{
    const struct report *report = slave->job->report;

    if (skipped) {
        report_info(report, "definitely not in file `%s'", path);
    } else if (is_broken(use)) {
        report_warning(report, REPORT_INDEX, "%s; the file is read without it", use->why.text);
    } else if (use->state == LNF_INDEX_FOREIGN || use->state == LNF_INDEX_STALE) {
        report_info(report, "%s; the file is read without it", use->why.text);
    }
}

/** What there is to say of a file just opened; without `use` no index was looked for. */
static void tell_opened(const struct slave *slave, const struct source *source, const char *path,
                        const struct lnf_scan_index *use)
{
    const struct report *report = slave->job->report;
    char flows[64] = "no statistics, it is unfinished";
    char index[96] = "not used";

    if (lnf_scan_has_stat(source->scan)) {
        (void)snprintf(flows, sizeof(flows), "%" PRIu64 " flows in its statistics",
                       lnf_scan_stat(source->scan)->flows);
    }
    if (use != NULL && use->state == LNF_INDEX_GOOD) {
        (void)snprintf(index, sizeof(index),
                       "%" PRIu64 " of %" PRIu64 " blocks left out, %" PRIu64 " octets read",
                       use->skipped, use->blocks, use->octets);
    } else if (use != NULL) {
        (void)snprintf(index, sizeof(index), "%s", lnf_index_state_text(use->state));
    }
    report_debug(report, "opened `%s': %s; index: %s", path, flows, index);
}

/** Leaves out the blocks of which the index says that they hold nothing for the filter. */
static void use_index(struct slave *slave, const struct source *source, const char *path)
{
    struct lnf_scan_index use;

    if (slave->job->query->no_index || slave->job->query->mode == QUERY_METADATA) {
        tell_opened(slave, source, path, NULL);
        return;
    }
    bool used = lnf_scan_use_index(source->scan, slave->job->compiled, &use);
    bool skipped = used && use.skipped == use.blocks;
    pthread_mutex_lock(&slave->lock);
    slave->counts.damaged_indexes += is_broken(&use);
    if (used) {
        slave->counts.indexed++;
        slave->counts.files_skipped += skipped;
        slave->counts.indexed_blocks += use.blocks;
        slave->counts.blocks_skipped += use.skipped;
    }
    pthread_mutex_unlock(&slave->lock);
    tell_index(slave, path, &use, skipped);
    tell_opened(slave, source, path, &use);
}

/** Opens the file of a source that is in the list as SOURCE_OPENING. */
static bool open_source(struct slave *slave, struct source *source)
{
    struct lnf_error error = {.text = ""};
    const char *path = slave->job->paths[source->number];

    source->opened_us = slave_now_us();
    int status = lnf_scan_open(path, on_problem, slave, &source->scan, &error);
    if (status == LNF_ERR_NOMEM) {
        fail_memory(slave);
    } else if (status != LNF_OK) {
        file_unreadable(slave, source, &error);
    } else {
        use_index(slave, source, path);
    }
    bool wants_stat = status == LNF_OK && (slave->job->query->items & QUERY_FILES) != 0;
    /* Of an unfinished file all blocks are read here: nobody shall wait for that. */
    const struct lnf_stat *stat = wants_stat ? lnf_scan_stat(source->scan) : NULL;
    if (wants_stat && stat == NULL) {
        fail_memory(slave);
    }
    pthread_mutex_lock(&slave->lock);
    if (status == LNF_OK) {
        if (stat != NULL) {
            lnf_stat_add(&slave->counts.stat, stat);
        }
        source->state = SOURCE_OPEN;
        source->users = 1;
        pthread_cond_broadcast(&slave->changed);
    } else {
        unlink_source(slave, source);
        file_done(slave, source->number, 0);
    }
    pthread_mutex_unlock(&slave->lock);
    if (status != LNF_OK) {
        free(source);
    }
    return status == LNF_OK;
}

static struct source *find_state(struct slave *slave, enum source_state state)
{
    for (struct source *source = slave->sources; source != NULL; source = source->next) {
        if (source->state == state) {
            return source;
        }
    }
    return NULL;
}

/** A new source for the next file, last in the list (with the lock held). */
static struct source *add_source(struct slave *slave)
{
    struct source *source = calloc(1, sizeof(*source));
    struct source **place = &slave->sources;

    if (source == NULL) {
        return NULL;
    }
    source->number = slave->next_file++;
    while (*place != NULL) {
        place = &(*place)->next;
    }
    *place = source;
    return source;
}

/** A file with blocks left, the caller as one of its users; NULL when there is none any more. */
static struct source *join_source(struct slave *slave)
{
    while (!stopped(slave)) {
        pthread_mutex_lock(&slave->lock);
        struct source *source = find_state(slave, SOURCE_OPEN);
        if (source != NULL) {
            source->users++;
            pthread_mutex_unlock(&slave->lock);
            return source;
        }
        if (slave->next_file < slave->job->path_count) {
            source = add_source(slave);
            pthread_mutex_unlock(&slave->lock);
            if (source == NULL) {
                fail_memory(slave);
                return NULL;
            }
            if (open_source(slave, source)) {
                return source;
            }
            continue;
        }
        if (find_state(slave, SOURCE_OPENING) == NULL) {
            pthread_mutex_unlock(&slave->lock);
            return NULL;
        }
        pthread_cond_wait(&slave->changed, &slave->lock);
        pthread_mutex_unlock(&slave->lock);
    }
    return NULL;
}

/* ---- workers -------------------------------------------------------------------------------- */

static struct lnf_totals totals_since(const struct lnf_totals *now, const struct lnf_totals *before)
{
    return (struct lnf_totals){now->records - before->records, now->flows - before->flows,
                               now->packets - before->packets, now->bytes - before->bytes};
}

/** Puts the rows of the block just read into the queue; false = stop. */
static bool put_block(struct worker *worker, const struct source *source, uint64_t number)
{
    struct slave *slave = worker->slave;
    size_t count;
    const uint8_t *rows = lnf_task_rows(worker->task, &count);
    const struct lnf_totals *totals = lnf_task_totals(worker->task);
    struct block_rows block = {
        .file = source->number,
        .block = number,
        .count = count,
        .size = count * lnf_query_row_size(slave->job->compiled),
        .totals = totals_since(totals, &worker->reported),
    };

    worker->reported = *totals;
    if (block.size > 0) {
        block.rows = malloc(block.size);
        if (block.rows == NULL) {
            fail_memory(slave);
            return false;
        }
        memcpy(block.rows, rows, block.size);
    }
    switch (block_queue_put(slave->queue, &block)) {
    case BLOCK_QUEUE_OK:
        return true;
    case BLOCK_QUEUE_NOMEM:
        fail_memory(slave);
        return false;
    default:
        return false;
    }
}

static void note_block(struct slave *slave, struct source *source, uint64_t number)
{
    pthread_mutex_lock(&slave->lock);
    if (number >= source->blocks) {
        source->blocks = number + 1;
    }
    pthread_mutex_unlock(&slave->lock);
}

/** Takes blocks of a file until none is left; returns how many. */
static uint64_t take_blocks(struct worker *worker, struct source *source)
{
    struct slave *slave = worker->slave;
    uint64_t taken = 0;

    while (!stopped(slave)) {
        struct lnf_error error = {.text = ""};
        uint64_t number = UINT64_MAX;
        int status = lnf_task_run(worker->task, source->scan, worker->table, &number, &error);
        if (status == LNF_EOF) {
            return taken;
        }
        taken += status == LNF_OK;
        if (status == LNF_ERR_NOMEM) {
            fail_memory(slave);
            return taken;
        }
        if (status == LNF_ERR_WRITE) {
            fail_table(slave, worker->table, status);
            return taken;
        }
        if (slave->list && number != UINT64_MAX) {
            note_block(slave, source, number);
            if (!put_block(worker, source, number)) {
                return taken;
            }
        }
        if (status != LNF_OK) {
            file_unreadable(slave, source, &error);
            return taken;
        }
    }
    note_cut(slave);
    return taken;
}

/** Does the worker's share of a file. */
static void work_on(struct worker *worker, struct source *source)
{
    struct slave *slave = worker->slave;
    uint64_t before = lnf_task_totals(worker->task)->records;
    uint64_t blocks = take_blocks(worker, source);

    pthread_mutex_lock(&slave->lock);
    source->read_blocks += blocks;
    source->read_records += lnf_task_totals(worker->task)->records - before;
    pthread_mutex_unlock(&slave->lock);
}

/** Whether the records of a file matter. Where only statistics are wanted and none are stored, they
 * come from the records: what is wrong with these has to be told. */
static bool needs_records(const struct slave *slave, const struct source *source)
{
    return slave->job->query->mode != QUERY_METADATA || !lnf_scan_has_stat(source->scan);
}

static bool has_failed(struct slave *slave)
{
    pthread_mutex_lock(&slave->lock);
    bool failed = slave->failure.class != REPORT_OK;
    pthread_mutex_unlock(&slave->lock);
    return failed;
}

/** What a list that ended early left of a file whose statistics were made of its records: what is
 * wrong with these has to be told. */
static void read_rest(struct slave *slave, lnf_task_t *task, struct source *source)
{
    int status = LNF_OK;

    if (!slave->list || (slave->job->query->items & QUERY_FILES) == 0 || source->failed ||
        lnf_scan_has_stat(source->scan)) {
        return;
    }
    while (status == LNF_OK && !interrupt_seen() && !has_failed(slave)) {
        struct lnf_error error = {.text = ""};
        uint64_t number;
        status = lnf_task_run(task, source->scan, NULL, &number, &error);
        if (status == LNF_ERR_NOMEM) {
            fail_memory(slave);
        } else if (status != LNF_OK && status != LNF_EOF) {
            file_unreadable(slave, source, &error);
        }
    }
}

/** The caller found no block left; the last user closes the file. */
static void leave_source(struct worker *worker, struct source *source)
{
    struct slave *slave = worker->slave;

    pthread_mutex_lock(&slave->lock);
    source->state = SOURCE_DRAINED;
    bool last = --source->users == 0;
    if (last) {
        unlink_source(slave, source);
    }
    pthread_mutex_unlock(&slave->lock);
    if (!last) {
        return;
    }
    read_rest(slave, worker->task, source);
    lnf_scan_close(source->scan);
    report_debug(slave->job->report, "read `%s': %" PRIu64 " blocks, %" PRIu64 " records in %.6f s",
                 slave->job->paths[source->number], source->read_blocks, source->read_records,
                 (double)(slave_now_us() - source->opened_us) / 1e6);
    pthread_mutex_lock(&slave->lock);
    file_done(slave, source->number, source->blocks);
    pthread_mutex_unlock(&slave->lock);
    free(source);
}

static void *run_worker(void *argument)
{
    struct worker *worker = argument;
    struct slave *slave = worker->slave;
    struct source *source;

    while ((source = join_source(slave)) != NULL) {
        if (needs_records(slave, source)) {
            work_on(worker, source);
        }
        leave_source(worker, source);
    }
    if (slave->shared != NULL) {
        int status = lnf_table_merge(slave->shared, worker->table);
        if (status != LNF_OK) {
            fail_table(slave, slave->shared, status);
        }
    }
    pthread_mutex_lock(&slave->lock);
    slave->running--;
    pthread_cond_broadcast(&slave->changed);
    pthread_mutex_unlock(&slave->lock);
    return NULL;
}

static void destroy_worker(struct worker *worker)
{
    lnf_task_destroy(worker->task);
    lnf_table_destroy(worker->table);
}

static int create_table(struct slave *slave, lnf_table_t **table)
{
    return slave->shared != NULL
               ? lnf_table_create_local(slave->shared, table)
               : lnf_table_create_limited(slave->job->compiled, slave->job->memory, table);
}

static int start_worker(struct slave *slave, struct worker *worker, bool table,
                        struct failure *failure)
{
    worker->slave = slave;
    if (lnf_task_create(slave->job->compiled, &worker->task) != LNF_OK ||
        (table && create_table(slave, &worker->table) != LNF_OK)) {
        return failure_no_memory(failure);
    }
    pthread_mutex_lock(&slave->lock);
    int status = pthread_create(&worker->thread, NULL, run_worker, worker);
    slave->running += status == 0;
    pthread_mutex_unlock(&slave->lock);
    if (status != 0) {
        return failure_set(failure, REPORT_INTERNAL, "cannot start a thread: %s", strerror(status));
    }
    return REPORT_OK;
}

/** Starts the workers; fewer than wanted will do. */
static int start_workers(struct slave *slave)
{
    bool table =
        slave->job->query->mode == QUERY_SORT || slave->job->query->mode == QUERY_AGGREGATE;

    table = table && (slave->job->query->items & QUERY_RECORDS) != 0;
    slave->workers = calloc(slave->job->threads, sizeof(*slave->workers));
    if (slave->workers == NULL) {
        return failure_no_memory(&slave->failure);
    }
    if (table && slave->job->query->mode == QUERY_AGGREGATE && slave->job->threads > 1 &&
        lnf_table_create_shared(slave->job->compiled, slave->job->memory, &slave->shared) !=
            LNF_OK) {
        return failure_no_memory(&slave->failure);
    }
    for (unsigned i = 0; i < slave->job->threads; i++) {
        struct worker *worker = &slave->workers[i];
        struct failure failure;
        if (start_worker(slave, worker, table, &failure) == REPORT_OK) {
            slave->worker_count++;
            continue;
        }
        destroy_worker(worker);
        if (slave->worker_count == 0) {
            slave->failure = failure;
            return (int)failure.class;
        }
        report_warning(slave->job->report, failure.class, "only %u threads instead of %u: %s",
                       slave->worker_count, slave->job->threads, failure.text);
        break;
    }
    return REPORT_OK;
}

/* ---- the thread that watches ---------------------------------------------------------------- */

/** Rows of a block to the hook, at most `left` of them; false = no more wanted. */
static bool give_rows(const struct slave_hooks *hooks, const struct block_rows *block,
                      uint64_t *left)
{
    size_t count = block->count < *left ? block->count : (size_t)*left;

    if (block->count == 0) {
        return true;
    }
    *left -= count;
    return hooks->rows(hooks->context, block->rows, count, &block->totals) && *left > 0;
}

static size_t files_done(struct slave *slave)
{
    pthread_mutex_lock(&slave->lock);
    size_t done = slave->files_done;
    pthread_mutex_unlock(&slave->lock);
    return done;
}

uint64_t slave_now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int64_t now_ms(void)
{
    return (int64_t)(slave_now_us() / 1000);
}

/** Whether the work is to end; if somebody pressed Ctrl-C, that is noted. */
static bool is_interrupted(struct slave *slave)
{
    if (interrupt_seen()) {
        slave->counts.interrupted = 1; /* of this thread only */
    }
    return slave->counts.interrupted > 0;
}

/** Gives blocks to the hook in order until all are through. */
static void watch_list(struct slave *slave, const struct slave_hooks *hooks)
{
    uint64_t limit = slave->job->query->limit;
    uint64_t left = limit == 0 ? UINT64_MAX : limit;
    int64_t next_tick_ms = now_ms() + TICK_MS;
    bool more = true;

    while (more) {
        struct block_rows block;
        enum block_queue_result result = block_queue_take(slave->queue, TICK_MS, &block);
        if (result == BLOCK_QUEUE_END) {
            break;
        }
        if (result == BLOCK_QUEUE_OK) {
            more = give_rows(hooks, &block, &left);
            free(block.rows);
        }
        if (now_ms() >= next_tick_ms) {
            next_tick_ms = now_ms() + TICK_MS;
            more = hooks->progress(hooks->context, files_done(slave)) && more;
            if (more && is_interrupted(slave)) {
                note_cut(slave);
                more = false;
            }
        }
    }
    stop_all(slave);
}

/** Waits a while for a change; false once no worker runs. */
static bool wait_tick(struct slave *slave)
{
    struct timespec deadline;

    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_nsec += TICK_MS * 1000000L;
    if (deadline.tv_nsec >= 1000000000) {
        deadline.tv_sec++;
        deadline.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&slave->lock);
    int status = 0;
    while (slave->running > 0 && status == 0) {
        status = pthread_cond_timedwait(&slave->changed, &slave->lock, &deadline);
    }
    bool running = slave->running > 0;
    pthread_mutex_unlock(&slave->lock);
    return running;
}

static void watch(struct slave *slave, const struct slave_hooks *hooks)
{
    while (wait_tick(slave)) {
        if (!hooks->progress(hooks->context, files_done(slave)) || is_interrupted(slave)) {
            stop_all(slave);
        }
    }
}

/* ---- end ------------------------------------------------------------------------------------ */

/** A list that stopped early: headers of the files it did not reach, when they are asked for. */
static void read_other_headers(struct slave *slave)
{
    if ((slave->job->query->items & QUERY_FILES) == 0 || slave->failure.class != REPORT_OK ||
        slave->counts.interrupted > 0) {
        return;
    }
    for (; slave->next_file < slave->job->path_count; slave->next_file++) {
        struct lnf_error error = {.text = ""};
        struct source source = {.number = slave->next_file};
        int status = lnf_scan_open(slave->job->paths[slave->next_file], on_problem, slave,
                                   &source.scan, &error);
        if (status == LNF_ERR_NOMEM) {
            fail_memory(slave);
            return;
        }
        if (status != LNF_OK) {
            file_unreadable(slave, &source, &error);
            continue;
        }
        const struct lnf_stat *stat = lnf_scan_stat(source.scan);
        if (stat == NULL) {
            fail_memory(slave);
        } else {
            lnf_stat_add(&slave->counts.stat, stat);
            read_rest(slave, slave->workers[0].task, &source);
        }
        lnf_scan_close(source.scan);
    }
}

static void add_totals(struct lnf_totals *totals, const struct lnf_totals *from)
{
    totals->records += from->records;
    totals->flows += from->flows;
    totals->packets += from->packets;
    totals->bytes += from->bytes;
}

/** What all workers found. */
static lnf_table_t **whole_table(struct slave *slave)
{
    return slave->shared != NULL ? &slave->shared : &slave->workers[0].table;
}

/** Merges the tables of all workers into the first one's, unless they share one. */
static int merge_workers(struct slave *slave, lnf_table_t **table)
{
    for (unsigned i = 0; i < slave->worker_count; i++) {
        struct worker *worker = &slave->workers[i];
        if (!slave->list) {
            add_totals(&slave->counts.totals, lnf_task_totals(worker->task));
        }
        if (i > 0 && worker->table != NULL && slave->shared == NULL &&
            slave->failure.class == REPORT_OK) {
            int status = lnf_table_merge(slave->workers[0].table, worker->table);
            if (status != LNF_OK) {
                (void)memory_limit_failure(slave->workers[0].table, status, &slave->failure);
            }
        }
    }
    if (slave->failure.class == REPORT_OK && slave->worker_count > 0) {
        *table = *whole_table(slave);
        *whole_table(slave) = NULL;
    }
    return (int)slave->failure.class;
}

static void join_workers(struct slave *slave)
{
    for (unsigned i = 0; i < slave->worker_count; i++) {
        pthread_join(slave->workers[i].thread, NULL);
    }
}

static void clear_slave(struct slave *slave)
{
    for (unsigned i = 0; i < slave->worker_count; i++) {
        destroy_worker(&slave->workers[i]);
    }
    free(slave->workers);
    lnf_table_destroy(slave->shared);
    block_queue_destroy(slave->queue);
    pthread_cond_destroy(&slave->changed);
    pthread_mutex_destroy(&slave->lock);
}

/** Starts the workers, watches them, and merges what they found. */
static int run(struct slave *slave, const struct slave_hooks *hooks, lnf_table_t **table)
{
    if (slave->list) {
        slave->queue = block_queue_create(slave->job->path_count, QUEUE_SIZE);
        if (slave->queue == NULL) {
            return failure_no_memory(&slave->failure);
        }
    }
    uint64_t start_us = slave_now_us();
    int class = start_workers(slave);
    if (class != REPORT_OK) {
        return class;
    }
    if (slave->list) {
        watch_list(slave, hooks);
    } else {
        watch(slave, hooks);
    }
    join_workers(slave);
    if (!atomic_load_explicit(&slave->cut, memory_order_relaxed) &&
        slave->next_file == slave->job->path_count) {
        slave->counts.interrupted = 0; /* too late to change anything */
    }
    read_other_headers(slave);
    if (slave->counts.interrupted == 0) {
        (void)hooks->progress(hooks->context, slave->job->path_count);
    }
    uint64_t scanned_us = slave_now_us();
    class = merge_workers(slave, table);
    slave->counts.scan_us = scanned_us - start_us;
    slave->counts.merge_us = slave_now_us() - scanned_us;
    slave->counts.groups = *table == NULL ? 0 : lnf_table_count(*table);
    report_debug(slave->job->report,
                 "%zu files done by %u threads in %.6f s; %" PRIu64 " rows after %.6f s of merging",
                 slave->files_done, slave->worker_count, (double)slave->counts.scan_us / 1e6,
                 slave->counts.groups, (double)slave->counts.merge_us / 1e6);
    return class;
}

int slave_run(const struct slave_job *job, const struct slave_hooks *hooks, lnf_table_t **table,
              struct slave_counts *counts, struct failure *failure)
{
    struct slave slave = {
        .job = job,
        .list = job->query->mode == QUERY_LIST && (job->query->items & QUERY_RECORDS) != 0,
        .counts = {.files = job->path_count, .skipped = job->skipped},
    };

    *table = NULL;
    lnf_stat_init(&slave.counts.stat);
    atomic_init(&slave.stop, false);
    atomic_init(&slave.cut, false);
    pthread_mutex_init(&slave.lock, NULL);
    pthread_cond_init(&slave.changed, NULL);
    int class = run(&slave, hooks, table);
    *counts = slave.counts;
    *failure = slave.failure;
    clear_slave(&slave);
    return class;
}

void slave_counts_add(struct slave_counts *counts, const struct slave_counts *from)
{
    add_totals(&counts->totals, &from->totals);
    lnf_stat_add(&counts->stat, &from->stat);
    counts->skipped += from->skipped;
    counts->files += from->files;
    counts->unreadable += from->unreadable;
    counts->interrupted += from->interrupted;
    for (unsigned i = 0; i < SLAVE_PROBLEMS; i++) {
        counts->problems[i] += from->problems[i];
    }
    counts->damaged_indexes += from->damaged_indexes;
    counts->indexed += from->indexed;
    counts->files_skipped += from->files_skipped;
    counts->indexed_blocks += from->indexed_blocks;
    counts->blocks_skipped += from->blocks_skipped;
    counts->groups += from->groups;
    counts->held += from->held;
    for (unsigned i = 0; i < SLAVE_PHASES; i++) {
        counts->sent[i].rows += from->sent[i].rows;
        counts->sent[i].octets += from->sent[i].octets;
    }
    counts->octets_sent += from->octets_sent;
    counts->octets_received += from->octets_received;
    counts->memory_peak += from->memory_peak;
    counts->spilled += from->spilled;
    counts->scan_us += from->scan_us;
    counts->merge_us += from->merge_us;
    counts->exchange_us += from->exchange_us;
}

unsigned slave_default_threads(void)
{
    const char *text = getenv("OMP_NUM_THREADS");
    cpu_set_t set;

    if (text != NULL) {
        char *end;
        long threads = strtol(text, &end, 10); /* may be a list; its first number counts */
        if (end != text && threads >= 1 && threads <= 1024) {
            return (unsigned)threads;
        }
    }
    if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0) {
        return (unsigned)CPU_COUNT(&set);
    }
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (unsigned)online : 1;
}
