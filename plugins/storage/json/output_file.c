/* SPDX-License-Identifier: BSD-3-Clause */
/* Output into files of a time slot each. */

#include "output.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct file_output {
    struct output base;
    col_instance_t *instance;
    const struct output_options *options;
    FILE *stream; /* NULL while the slot's file cannot be written */
    bool entered; /* the slot has been begun, with or without a file */
    time_t start;
    char path[PATH_MAX];
    struct col_log_limit limit;
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

static void close_file(struct file_output *o)
{
    if (o->stream != NULL && fclose(o->stream) != 0) {
        col_log_limited(o->instance, &o->limit, COL_LOG_ERROR, "%s: %s", o->path, strerror(errno));
    }
    o->stream = NULL;
}

static void open_file(struct file_output *o, time_t now)
{
    struct tm tm;
    char name[32];

    close_file(o);
    o->entered = true;
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
    o->stream = fopen(o->path, "ae");
    if (o->stream == NULL) {
        col_log_limited(o->instance, &o->limit, COL_LOG_ERROR, "cannot write %s: %s", o->path,
                        strerror(errno));
        return;
    }
    setvbuf(o->stream, NULL, _IOFBF, 1 << 18);
}

static bool over(const struct file_output *o, time_t now)
{
    return now >= o->start + (time_t)o->options->window_s || now < o->start;
}

static bool file_write(struct output *output, const char *line, size_t length)
{
    struct file_output *o = (struct file_output *)output;
    time_t now = time(NULL);

    if (!o->entered || over(o, now)) {
        open_file(o, now);
    }
    if (o->stream == NULL) {
        return false;
    }
    if (fwrite(line, 1, length, o->stream) != length) {
        col_log_limited(o->instance, &o->limit, COL_LOG_ERROR, "%s: %s", o->path, strerror(errno));
        clearerr(o->stream);
        return false;
    }
    return true;
}

static void file_tick(struct output *output, uint64_t now_ms)
{
    struct file_output *o = (struct file_output *)output;

    (void)now_ms;
    if (o->entered && over(o, time(NULL))) {
        close_file(o);
        o->entered = false;
    } else if (o->stream != NULL && fflush(o->stream) != 0) { /* readers follow the file */
        col_log_limited(o->instance, &o->limit, COL_LOG_ERROR, "%s: %s; lines may be lost", o->path,
                        strerror(errno));
        clearerr(o->stream);
    }
}

static void file_destroy(struct output *output)
{
    close_file((struct file_output *)output);
    free(output);
}

struct output *output_file_create(col_instance_t *instance, const struct output_options *options)
{
    struct file_output *o = calloc(1, sizeof(*o));
    if (o == NULL) {
        return NULL;
    }
    o->base = (struct output){file_write, file_tick, file_destroy};
    o->instance = instance;
    o->options = options;
    return &o->base;
}
