/* SPDX-License-Identifier: BSD-3-Clause */
/* Output into files of a time slot each. */

#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_SIZE ((size_t)256 * 1024)
#define LOCK_COUNT 8u

/* One for the file that is written, by its inode: instances have threads of their own. Files that
 * share a lock wait for each other's write. */
static pthread_mutex_t file_locks[LOCK_COUNT] = {
    PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
    PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
    PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
};

/**
 * Whole lines wait in the buffer and are written at once: with a Data Manager for each Observation
 * Domain several instances append to the same file, and their lines must not mix.
 */
struct file_output {
    struct output base;
    col_instance_t *instance;
    const struct output_options *options;
    int fd;       /* -1 while the slot's file cannot be written */
    bool entered; /* the slot has been begun, with or without a file */
    time_t start;
    time_t tried; /* when opening the file was tried last */
    char path[PATH_MAX];
    struct col_log_limit limit;
    size_t used, lines; /* in the buffer */
    char buffer[BUFFER_SIZE];
};

/* The format is the operator's by design; strftime() has no conversions that read arguments. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static size_t format_time(char *text, size_t size, const char *mask, const struct tm *tm)
{
    return strftime(text, size, mask, tm);
}
#pragma GCC diagnostic pop

static void make_directories(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0775); /* what is wrong shows when the file is opened */
        *slash = '/';
    }
}

/** Writes octets; how many of them got into the file. */
static size_t write_octets(const struct file_output *o, const char *octets, size_t length)
{
    size_t done = 0;

    while (done < length) {
        ssize_t n = write(o->fd, octets + done, length - done);
        if (n > 0) {
            done += (size_t)n;
        } else if (n == 0 || errno != EINTR) {
            break;
        }
    }
    return done;
}

static size_t count_lines(const char *octets, size_t length)
{
    size_t count = 0;
    const char *end = octets + length;

    while ((octets = memchr(octets, '\n', (size_t)(end - octets))) != NULL) {
        count++;
        octets++;
    }
    return count;
}

/**
 * Whether the file ends within a line: the disk was full, or the power failed. Only the file tells:
 * it may have been another instance, or the collector before a restart.
 */
static bool is_torn(const struct file_output *o, const struct stat *st)
{
    char last;

    return S_ISREG(st->st_mode) && st->st_size > 0 &&
           pread(o->fd, &last, 1, st->st_size - 1) == 1 && last != '\n';
}

/** Appends lines, behind whole ones; how many octets of them got into the file. */
static size_t append_lines(const struct file_output *o, const char *octets, size_t length)
{
    struct stat st;

    if (fstat(o->fd, &st) != 0) {
        return 0;
    }
    pthread_mutex_t *lock = &file_locks[st.st_ino % LOCK_COUNT];
    pthread_mutex_lock(lock);
    /* Only the line that is cut is none. */
    bool whole = fstat(o->fd, &st) == 0 && (!is_torn(o, &st) || write_octets(o, "\n", 1) == 1);
    size_t done = whole ? write_octets(o, octets, length) : 0;
    int reason = errno;
    pthread_mutex_unlock(lock);
    errno = reason;
    return done;
}

/** Writes whole lines; those that do not get into the file are counted as lost. */
static void write_lines(struct file_output *o, const char *octets, size_t length, size_t lines)
{
    size_t done = append_lines(o, octets, length);
    if (done == length) {
        return;
    }
    int reason = errno;
    o->base.lost += lines - count_lines(octets, done);
    col_log_limited(o->instance, &o->limit, COL_LOG_ERROR,
                    "%s: %s; records are lost until that is possible", o->path, strerror(reason));
}

static void flush(struct file_output *o)
{
    if (o->used > 0) {
        write_lines(o, o->buffer, o->used, o->lines);
        o->used = o->lines = 0;
    }
}

static void close_file(struct file_output *o)
{
    if (o->fd < 0) {
        return;
    }
    flush(o);
    if (close(o->fd) != 0) {
        col_log_limited(o->instance, &o->limit, COL_LOG_ERROR, "%s: %s", o->path, strerror(errno));
    }
    o->fd = -1;
}

static void open_file(struct file_output *o, time_t now)
{
    struct tm tm;
    char name[32];

    close_file(o);
    o->entered = true;
    o->tried = now;
    o->start = o->options->align ? now - now % (time_t)o->options->window_s : now;
    gmtime_r(&o->start, &tm);
    strftime(name, sizeof(name), "%Y%m%d%H%M", &tm);
    const char *prefix = o->options->prefix != NULL ? o->options->prefix : "";
    size_t length = format_time(o->path, sizeof(o->path), o->options->path, &tm);
    if (length == 0 || length + strlen(prefix) + strlen(name) + 2 > sizeof(o->path)) {
        col_log_limited(o->instance, &o->limit, COL_LOG_ERROR, "path %s is empty or too long",
                        o->options->path);
        return;
    }
    snprintf(o->path + length, sizeof(o->path) - length, "%s%s%s",
             o->path[length - 1] == '/' ? "" : "/", prefix, name);
    make_directories(o->path);
    /* Appending keeps what a collector that was restarted within the slot had written. */
    o->fd = open(o->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (o->fd < 0) {
        col_log_limited(o->instance, &o->limit, COL_LOG_ERROR,
                        "cannot write %s: %s; records are lost until that is possible", o->path,
                        strerror(errno));
    }
}

static bool over(const struct file_output *o, time_t now)
{
    return now >= o->start + (time_t)o->options->window_s || now < o->start;
}

static bool file_write(struct output *output, const char *line, size_t length)
{
    struct file_output *o = (struct file_output *)output;
    time_t now = time(NULL);

    /* A file that could not be opened is tried again each second. */
    if (!o->entered || over(o, now) || (o->fd < 0 && now != o->tried)) {
        open_file(o, now);
    }
    if (o->fd < 0) {
        return false;
    }
    if (length > sizeof(o->buffer) - o->used) {
        flush(o);
    }
    if (length > sizeof(o->buffer)) {
        write_lines(o, line, length, 1);
        return true;
    }
    memcpy(o->buffer + o->used, line, length);
    o->used += length;
    o->lines++;
    return true;
}

static void file_tick(struct output *output, uint64_t now_ms)
{
    struct file_output *o = (struct file_output *)output;

    (void)now_ms;
    if (o->entered && over(o, time(NULL))) {
        close_file(o);
        o->entered = false;
    } else {
        flush(o); /* readers follow the file */
    }
}

static uint64_t file_destroy(struct output *output)
{
    close_file((struct file_output *)output);
    uint64_t lost = output->lost;
    free(output);
    return lost;
}

struct output *output_file_create(col_instance_t *instance, const struct output_options *options)
{
    struct file_output *o = calloc(1, sizeof(*o));
    if (o == NULL) {
        return NULL;
    }
    o->base = (struct output){.write = file_write, .tick = file_tick, .destroy = file_destroy};
    o->fd = -1;
    o->instance = instance;
    o->options = options;
    return &o->base;
}
