/* SPDX-License-Identifier: BSD-3-Clause */
/* Statistics, printed or written to a file at intervals by a thread of their own. */

#include "stats.h"

#include "input.h"
#include "log.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MODULE "statistics"
#define KEY_PART_MAX 128

/* What a source had at the last interval. */
struct earlier {
    uint64_t session_id;
    uint32_t domain_id;
    uint64_t messages, data_records, lost_records;
};

/* One line of the table: a source, or all sources of a domain. */
struct line {
    char name[96]; /* of the session; only of single sources */
    uint64_t session_id;
    uint32_t domain_id;
    uint64_t messages, data_records, lost_records;
    uint64_t messages_s, data_records_s, lost_records_s;
};

/* CPU time of a thread at the last interval. */
struct thread_time {
    long tid;
    uint64_t ticks;
};

struct stats {
    struct service *service;
    unsigned interval_s;
    pthread_t thread;
    pthread_mutex_t lock; /* guards ending */
    pthread_cond_t wake;
    bool ending;
    time_t start;
    uint64_t last_ms;
    struct earlier *earlier; /* all pipelines; session ids are unique in the process */
    size_t earlier_count;
    struct thread_time *times;
    size_t time_count;
};

typedef unsigned long long number;

/* ---- sources --------------------------------------------------------------------------------- */

static int compare_earlier(const void *a, const void *b)
{
    const struct earlier *x = a;
    const struct earlier *y = b;
    if (x->session_id != y->session_id) {
        return x->session_id < y->session_id ? -1 : 1;
    }
    return x->domain_id < y->domain_id ? -1 : x->domain_id > y->domain_id;
}

static const struct earlier *find_earlier(const struct stats *stats,
                                          const struct input_source *source)
{
    const struct earlier key = {.session_id = source->session_id, .domain_id = source->domain_id};

    /* Without any the array is NULL, which bsearch() must not get. */
    return stats->earlier_count == 0
               ? NULL
               : bsearch(&key, stats->earlier, stats->earlier_count, sizeof(key), compare_earlier);
}

static uint64_t rate(uint64_t now, uint64_t before, uint64_t elapsed_ms)
{
    return now > before && elapsed_ms > 0 ? (now - before) * 1000 / elapsed_ms : 0;
}

static struct line source_line(const struct stats *stats, const struct input_source *source,
                               uint64_t elapsed_ms)
{
    static const struct earlier nothing;
    const struct earlier *before = find_earlier(stats, source);
    struct line line = {
        .session_id = source->session_id,
        .domain_id = source->domain_id,
        .messages = source->messages,
        .data_records = source->data_records,
        .lost_records = source->lost_records,
    };

    before = before != NULL ? before : &nothing;
    memcpy(line.name, source->session_name, sizeof(line.name));
    line.messages_s = rate(source->messages, before->messages, elapsed_ms);
    line.data_records_s = rate(source->data_records, before->data_records, elapsed_ms);
    line.lost_records_s = rate(source->lost_records, before->lost_records, elapsed_ms);
    return line;
}

static int compare_lines(const void *a, const void *b)
{
    const struct line *x = a;
    const struct line *y = b;
    if (x->domain_id != y->domain_id) {
        return x->domain_id < y->domain_id ? -1 : 1;
    }
    return x->session_id < y->session_id ? -1 : x->session_id > y->session_id;
}

/* Lines of all sources of a pipeline, by domain; new array. Remembers them for the next interval.
 */
static struct line *collect_sources(const struct stats *stats, struct pipeline *pipeline,
                                    uint64_t elapsed_ms, size_t *count)
{
    struct input_source *sources = input_sources(pipeline->input->input, count);
    struct line *lines = calloc(*count + 1, sizeof(*lines));

    for (size_t i = 0; i < *count && lines != NULL; i++) {
        lines[i] = source_line(stats, &sources[i], elapsed_ms);
    }
    if (lines != NULL) {
        qsort(lines, *count, sizeof(*lines), compare_lines);
    } else {
        *count = 0;
    }
    free(sources);
    return lines;
}

/* Adds up the sources of a domain, which is what the table and the keys show. */
static size_t merge_domains(const struct line *lines, size_t count, struct line *domains)
{
    size_t domain_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (domain_count == 0 || domains[domain_count - 1].domain_id != lines[i].domain_id) {
            domains[domain_count++] = lines[i];
            continue;
        }
        struct line *sum = &domains[domain_count - 1];
        sum->messages += lines[i].messages;
        sum->data_records += lines[i].data_records;
        sum->lost_records += lines[i].lost_records;
        sum->messages_s += lines[i].messages_s;
        sum->data_records_s += lines[i].data_records_s;
        sum->lost_records_s += lines[i].lost_records_s;
    }
    return domain_count;
}

static void print_table(FILE *out, const struct line *domains, size_t count)
{
    struct line total = {0};

    (void)fprintf(out, " | %10s %15s %15s %15s %15s %15s %20s\n", "ODID", "packets", "data rec.",
                  "lost data rec.", "packets/s", "data records/s", "lost data records/s");
    for (size_t i = 0; i < count; i++) {
        const struct line *d = &domains[i];
        (void)fprintf(out, " | %10u %15llu %15llu %15llu %15llu %15llu %20llu\n", d->domain_id,
                      (number)d->messages, (number)d->data_records, (number)d->lost_records,
                      (number)d->messages_s, (number)d->data_records_s, (number)d->lost_records_s);
        total.messages += d->messages;
        total.data_records += d->data_records;
        total.lost_records += d->lost_records;
    }
    if (count > 1) {
        (void)fprintf(out,
                      " | ----------------------------------------------------------\n"
                      " |     Total: %15llu %15llu %15llu\n",
                      (number)total.messages, (number)total.data_records,
                      (number)total.lost_records);
    }
}

/* ---- threads --------------------------------------------------------------------------------- */

/* State and CPU time of a thread; false when it has gone. */
static bool read_thread(long tid, char *name, size_t name_size, char *state, uint64_t *ticks)
{
    char path[64], text[512];
    number user, system;

    (void)snprintf(path, sizeof(path), "/proc/self/task/%ld/stat", tid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    text[length] = '\0';
    /* The name stands in brackets and may contain any character, brackets included. */
    char *open = strchr(text, '(');
    char *end = strrchr(text, ')');
    if (open == NULL || end == NULL || end < open) {
        return false;
    }
    *end = '\0';
    (void)snprintf(name, name_size, "%s", open + 1);
    if (sscanf(end + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", state, &user,
               &system) != 3) {
        return false;
    }
    *ticks = user + system;
    return true;
}

static uint64_t earlier_ticks(const struct stats *stats, long tid)
{
    for (size_t i = 0; i < stats->time_count; i++) {
        if (stats->times[i].tid == tid) {
            return stats->times[i].ticks;
        }
    }
    return 0;
}

static void print_threads(const struct stats *stats, FILE *out, uint64_t elapsed_ms)
{
    long ticks_s = sysconf(_SC_CLK_TCK);
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *entry;

    (void)fprintf(out, " |\n | %10s %7s %10s %15s\n", "TID", "state", "cpu usage", "thread name");
    while (tasks != NULL && (entry = readdir(tasks)) != NULL) {
        char name[64], state;
        uint64_t ticks;
        long tid = strtol(entry->d_name, NULL, 10);
        if (tid <= 0 || !read_thread(tid, name, sizeof(name), &state, &ticks)) {
            continue;
        }
        uint64_t before = earlier_ticks(stats, tid);
        double used_s = (double)(ticks > before ? ticks - before : 0) / (double)ticks_s;
        double percent = elapsed_ms > 0 ? used_s * 100000.0 / (double)elapsed_ms : 0;
        (void)fprintf(out, " | %10ld %7c %8.2f %% %15s\n", tid, state, percent, name);
    }
    if (tasks != NULL) {
        (void)closedir(tasks);
    }
}

static void remember_threads(struct stats *stats)
{
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *entry;

    stats->time_count = 0;
    while (tasks != NULL && (entry = readdir(tasks)) != NULL) {
        char name[64], state;
        struct thread_time time = {.tid = strtol(entry->d_name, NULL, 10)};
        if (time.tid <= 0 || !read_thread(time.tid, name, sizeof(name), &state, &time.ticks)) {
            continue;
        }
        struct thread_time *larger =
            reallocarray(stats->times, stats->time_count + 1, sizeof(*larger));
        if (larger == NULL) {
            break;
        }
        stats->times = larger;
        stats->times[stats->time_count++] = time;
    }
    if (tasks != NULL) {
        (void)closedir(tasks);
    }
}

/* ---- queues and counters --------------------------------------------------------------------- */

static void print_output_queue(void *context, uint32_t domain_id, col_instance_t *storage)
{
    struct queue_state state = queue_state(storage->queue);
    (void)fprintf(context, " |     %8u | %10zu / %zu\n", domain_id, state.used, state.slots);
}

static void print_single_queue(void *context, uint32_t domain_id, col_instance_t *storage)
{
    struct queue_state state = queue_state(storage->queue);
    (void)domain_id;
    (void)fprintf(context, " |     Output Manager output queue: %zu / %zu\n", state.used,
                  state.slots);
}

static void print_queues(struct pipeline *pipeline, FILE *out)
{
    struct queue_state first = {.slots = pipeline->context->queue_slots};

    /* Without intermediates the preprocessor hands over to the output manager directly. */
    if (pipeline->intermediate_count > 0) {
        first = queue_state(pipeline->intermediates[0]->queue);
    }
    (void)fprintf(out, " |\n | Queue utilization:\n |     Preprocessor output queue: %zu / %zu\n",
                  first.used, first.slots);
    if (pipeline->output.single_manager) {
        output_each(&pipeline->output, print_single_queue, out);
    } else {
        (void)fprintf(out, " |     Output Manager output queues:\n"
                           " |         ODID |    waiting / total size\n");
        output_each(&pipeline->output, print_output_queue, out);
    }
}

static uint64_t load(atomic_uint_fast64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* One line of what an instance did; plugins' own counters with their names. */
static void print_instance(FILE *out, col_instance_t *instance)
{
    (void)fprintf(out, " |     %s: messages %llu, data records %llu, failed %llu", instance->module,
                  (number)load(&instance->message_count), (number)load(&instance->record_count),
                  (number)load(&instance->failed_count));
    if (instance->queue != NULL) {
        struct queue_state state = queue_state(instance->queue);
        (void)fprintf(out, ", dropped %llu, waited for %llu times, queue high water %zu / %zu",
                      (number)load(&instance->dropped_count), (number)state.waits, state.high_water,
                      state.slots);
    }
    const char *const *names = instance->plugin->counters;
    for (size_t i = 0; names != NULL && names[i] != NULL; i++) {
        (void)fprintf(out, ", %s %llu", names[i], (number)load(&instance->counters[i]));
    }
    (void)fputc('\n', out);
}

static void print_storage(void *context, uint32_t domain_id, col_instance_t *storage)
{
    (void)domain_id;
    print_instance(context, storage);
}

static void print_counters(struct pipeline *pipeline, FILE *out)
{
    struct input_totals totals = input_totals(pipeline->input->input);

    (void)fprintf(out,
                  " |\n | Collecting process '%s':\n"
                  " |     sessions %llu, received %llu messages of %llu octets, malformed %llu, "
                  "damaged %llu, lost by the kernel %llu, without storage %llu\n",
                  pipeline->name, (number)totals.sessions, (number)totals.messages,
                  (number)totals.octets, (number)totals.malformed, (number)totals.damaged,
                  (number)totals.lost, (number)load(&pipeline->output.unstored_count));
    print_instance(out, pipeline->input);
    for (size_t i = 0; i < pipeline->intermediate_count; i++) {
        print_instance(out, pipeline->intermediates[i]);
    }
    output_each(&pipeline->output, print_storage, out);
}

/* ---- the file -------------------------------------------------------------------------------- */

static void write_key(FILE *out, const char *key, const struct line *line, uint64_t value)
{
    if (line->name[0] != '\0') {
        (void)fprintf(out, "%s_%u_%s=%llu\n", key, line->domain_id, line->name, (number)value);
    } else {
        (void)fprintf(out, "%s_%u=%llu\n", key, line->domain_id, (number)value);
    }
}

static void write_keys(FILE *out, const struct line *line)
{
    write_key(out, "PACKETS", line, line->messages);
    write_key(out, "DATA_REC", line, line->data_records);
    write_key(out, "LOST_DATA_REC", line, line->lost_records);
    write_key(out, "PACKETS_SEC", line, line->messages_s);
    write_key(out, "DATA_REC_SEC", line, line->data_records_s);
    write_key(out, "LOST_DATA_REC_SEC", line, line->lost_records_s);
}

/* Addresses and paths stay as they are, so that sources differ, but for what would end a key. */
static void clean_session_name(char *name)
{
    for (; *name != '\0'; name++) {
        if (*name == '=' || isspace((unsigned char)*name) || iscntrl((unsigned char)*name)) {
            *name = '_';
        }
    }
}

/* Names of stages and counters are for people: in keys only their letters and digits stay. */
static void key_part(const char *text, char *part, size_t size)
{
    size_t used = 0;

    for (const char *at = text; *at != '\0' && used + 1 < size; at++) {
        if (isalnum((unsigned char)*at)) {
            part[used++] = *at;
        } else if (used == 0 || part[used - 1] != '_') {
            part[used++] = '_';
        }
    }
    part[used] = '\0';
}

static void write_instance_keys(FILE *out, col_instance_t *instance)
{
    char module[sizeof(instance->module)], counter[KEY_PART_MAX];

    key_part(instance->module, module, sizeof(module));
    (void)fprintf(out, "MESSAGES_%s=%llu\nFAILED_%s=%llu\n", module,
                  (number)load(&instance->message_count), module,
                  (number)load(&instance->failed_count));
    if (instance->queue != NULL) {
        struct queue_state state = queue_state(instance->queue);
        (void)fprintf(out, "DROPPED_%s=%llu\nHIGH_WATER_%s=%zu\n", module,
                      (number)load(&instance->dropped_count), module, state.high_water);
    }
    const char *const *names = instance->plugin->counters;
    for (size_t i = 0; names != NULL && names[i] != NULL; i++) {
        key_part(names[i], counter, sizeof(counter));
        (void)fprintf(out, "COUNTER_%s_%s=%llu\n", module, counter,
                      (number)load(&instance->counters[i]));
    }
}

static void write_storage_keys(void *context, uint32_t domain_id, col_instance_t *storage)
{
    (void)domain_id;
    write_instance_keys(context, storage);
}

static void write_file_content(const struct stats *stats, struct pipeline *pipeline, FILE *out,
                               struct line *lines, size_t count, struct line *domains,
                               size_t domain_count)
{
    time_t now = time(NULL);
    struct input_totals totals = input_totals(pipeline->input->input);

    (void)fprintf(out, "TIME=%llu\nRUN_TIME=%llu\n", (number)now, (number)(now - stats->start));
    for (size_t i = 0; i < domain_count; i++) {
        domains[i].name[0] = '\0';
        write_keys(out, &domains[i]);
    }
    for (size_t i = 0; i < count; i++) {
        clean_session_name(lines[i].name);
        write_keys(out, &lines[i]);
    }
    (void)fprintf(out,
                  "SESSIONS=%llu\nMALFORMED=%llu\nDAMAGED=%llu\nLOST_BY_KERNEL=%llu\n"
                  "WITHOUT_STORAGE=%llu\nLIMITED=%llu\n",
                  (number)totals.sessions, (number)totals.malformed, (number)totals.damaged,
                  (number)totals.lost, (number)load(&pipeline->output.unstored_count),
                  (number)totals.limited);
    write_instance_keys(out, pipeline->input);
    for (size_t i = 0; i < pipeline->intermediate_count; i++) {
        write_instance_keys(out, pipeline->intermediates[i]);
    }
    output_each(&pipeline->output, write_storage_keys, out);
}

/* PREFIX.PID; a later collecting process with the same prefix adds its number. */
static void file_path(const struct stats *stats, size_t index, char *path, size_t size)
{
    const struct service *service = stats->service;
    const char *prefix = service->pipelines[index]->statistics_file;
    unsigned same = 0;

    for (size_t i = 0; i < index; i++) {
        const char *other = service->pipelines[i]->statistics_file;
        same += other != NULL && strcmp(other, prefix) == 0 ? 1 : 0;
    }
    if (same > 0) {
        (void)snprintf(path, size, "%s.%ld.%u", prefix, (long)getpid(), same);
    } else {
        (void)snprintf(path, size, "%s.%ld", prefix, (long)getpid());
    }
}

/* Files of earlier runs are removed at the start. */
static void remove_old_files(const char *prefix)
{
    char pattern[PATH_MAX * 2];
    size_t used = 0;
    glob_t found;

    for (const char *at = prefix; *at != '\0' && used < sizeof(pattern) - 4; at++) {
        if (strchr("*?[]\\", *at) != NULL) {
            pattern[used++] = '\\';
        }
        pattern[used++] = *at;
    }
    memcpy(pattern + used, "*", 2);
    if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            (void)unlink(found.gl_pathv[i]); /* refuses folders, which are none of ours */
        }
        globfree(&found);
    }
}

/* ---- one interval ---------------------------------------------------------------------------- */

static void print_block(const struct stats *stats, struct pipeline *pipeline, uint64_t elapsed_ms,
                        const struct line *domains, size_t domain_count)
{
    char *text = NULL;
    size_t size = 0;
    time_t now = time(NULL);

    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return;
    }
    (void)fprintf(out, "Statistics\n | Time: %llu, run time: %llu\n", (number)now,
                  (number)(now - stats->start));
    print_table(out, domains, domain_count);
    print_threads(stats, out, elapsed_ms);
    print_queues(pipeline, out);
    print_counters(pipeline, out);
    if (fclose(out) == 0) {
        log_block(text);
    }
    free(text);
}

static void write_file(const struct stats *stats, size_t index, struct line *lines, size_t count,
                       struct line *domains, size_t domain_count)
{
    char path[PATH_MAX], temporary[PATH_MAX + 8];

    file_path(stats, index, path, sizeof(path));
    (void)snprintf(temporary, sizeof(temporary), "%s.tmp", path);
    FILE *out = fopen(temporary, "we");
    if (out == NULL) {
        log_line(MODULE, COL_LOG_ERROR, "cannot write %s: %s", temporary, strerror(errno));
        return;
    }
    write_file_content(stats, stats->service->pipelines[index], out, lines, count, domains,
                       domain_count);
    if (fclose(out) != 0 || rename(temporary, path) != 0) {
        log_line(MODULE, COL_LOG_ERROR, "cannot write %s: %s", path, strerror(errno));
        (void)unlink(temporary);
    }
}

static void remember_sources(struct earlier **earlier, size_t *total, const struct line *lines,
                             size_t count)
{
    struct earlier *larger = reallocarray(*earlier, *total + count + 1, sizeof(*larger));
    if (larger == NULL) {
        return;
    }
    *earlier = larger;
    for (size_t i = 0; i < count; i++) {
        larger[(*total)++] =
            (struct earlier){lines[i].session_id, lines[i].domain_id, lines[i].messages,
                             lines[i].data_records, lines[i].lost_records};
    }
}

static void report_pipeline(const struct stats *stats, size_t index, uint64_t elapsed_ms,
                            struct earlier **earlier, size_t *earlier_count)
{
    struct pipeline *pipeline = stats->service->pipelines[index];
    size_t count;

    pthread_mutex_lock(&pipeline->lock);
    struct line *lines = collect_sources(stats, pipeline, elapsed_ms, &count);
    struct line *domains = calloc(count + 1, sizeof(*domains));
    if (lines != NULL && domains != NULL) {
        size_t domain_count = merge_domains(lines, count, domains);
        if (pipeline->statistics_file != NULL) {
            write_file(stats, index, lines, count, domains, domain_count);
        } else {
            print_block(stats, pipeline, elapsed_ms, domains, domain_count);
        }
        remember_sources(earlier, earlier_count, lines, count);
    }
    free(domains);
    free(lines);
    pthread_mutex_unlock(&pipeline->lock);
}

static bool is_ending(struct stats *stats)
{
    pthread_mutex_lock(&stats->lock);
    bool ending = stats->ending;
    pthread_mutex_unlock(&stats->lock);
    return ending;
}

static void report(struct stats *stats)
{
    struct earlier *earlier = NULL;
    size_t earlier_count = 0;
    uint64_t now_ms = col_clock_ms();

    pthread_mutex_lock(&stats->service->lock);
    for (size_t i = 0; i < stats->service->pipeline_count && !is_ending(stats); i++) {
        report_pipeline(stats, i, now_ms - stats->last_ms, &earlier, &earlier_count);
    }
    pthread_mutex_unlock(&stats->service->lock);
    remember_threads(stats);
    if (earlier_count > 0) {
        qsort(earlier, earlier_count, sizeof(*earlier), compare_earlier);
    }
    free(stats->earlier);
    stats->earlier = earlier;
    stats->earlier_count = earlier_count;
    stats->last_ms = now_ms;
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void *stats_run(void *argument)
{
    struct stats *stats = argument;
    struct timespec next;

    (void)pthread_setname_np(pthread_self(), "ipfixcol:stats");
    (void)clock_gettime(CLOCK_MONOTONIC, &next);
    pthread_mutex_lock(&stats->lock);
    while (!stats->ending) {
        next.tv_sec += (time_t)stats->interval_s;
        int status = 0;
        while (!stats->ending && status == 0) {
            status = pthread_cond_timedwait(&stats->wake, &stats->lock, &next);
        }
        if (!stats->ending) {
            pthread_mutex_unlock(&stats->lock);
            report(stats);
            pthread_mutex_lock(&stats->lock);
        }
    }
    pthread_mutex_unlock(&stats->lock);
    return NULL;
}

stats_t *stats_start(struct service *service, unsigned interval_s)
{
    struct stats *stats = calloc(1, sizeof(*stats));
    if (stats == NULL) {
        log_line(MODULE, COL_LOG_ERROR, "no memory");
        return NULL;
    }
    for (size_t i = 0; i < service->pipeline_count; i++) {
        if (service->pipelines[i]->statistics_file != NULL) {
            remove_old_files(service->pipelines[i]->statistics_file);
        }
    }
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&stats->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&stats->lock, NULL);
    stats->service = service;
    stats->interval_s = interval_s;
    stats->start = time(NULL);
    stats->last_ms = col_clock_ms();
    if (pthread_create(&stats->thread, NULL, stats_run, stats) != 0) {
        log_line(MODULE, COL_LOG_ERROR, "cannot start its thread");
        pthread_cond_destroy(&stats->wake);
        pthread_mutex_destroy(&stats->lock);
        free(stats);
        return NULL;
    }
    return stats;
}

void stats_stop(stats_t *stats)
{
    if (stats == NULL) {
        return;
    }
    pthread_mutex_lock(&stats->lock);
    stats->ending = true;
    pthread_cond_signal(&stats->wake);
    pthread_mutex_unlock(&stats->lock);
    (void)pthread_join(stats->thread, NULL);
    pthread_cond_destroy(&stats->wake);
    pthread_mutex_destroy(&stats->lock);
    free(stats->earlier);
    free(stats->times);
    free(stats);
}
