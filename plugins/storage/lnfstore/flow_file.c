/* SPDX-License-Identifier: BSD-3-Clause */
/* Flow files being written, shared by the instances that want the same path. */

#include "flow_file.h"

#include <errno.h>
#include <libnf.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/** Names tried when the one a file should have belongs to something else. */
#define NAME_TRIES 10u
/** Patience with another program that has the file: a collector that is just ending. */
#define LOCK_TRIES 50u
#define LOCK_PAUSE_NS 100000000

struct flow_file {
    struct flow_file *next;
    char *path;
    size_t below;
    unsigned references; /* guarded by files.lock */
    atomic_uint exporters;
    /* Held during work on the file; taken before files.lock. */
    pthread_mutex_t lock;
    lnf_writer_t *writer; /* NULL while it is not open */
    col_instance_t *user; /* who works on it just now, for log lines */
};

/* The exception to "no globals in plugins": instances of one path must find each other. */
static struct {
    pthread_mutex_t lock; /* guards the list and the references; held for moments only */
    struct flow_file *first;
} files = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void file_free(struct flow_file *file)
{
    pthread_mutex_destroy(&file->lock);
    free(file->path);
    free(file);
}

static struct flow_file *file_create(const char *path, size_t below)
{
    struct flow_file *file = calloc(1, sizeof(*file));
    if (file == NULL) {
        return NULL;
    }
    pthread_mutex_init(&file->lock, NULL);
    file->below = below;
    file->path = strdup(path);
    if (file->path == NULL) {
        file_free(file);
        return NULL;
    }
    return file;
}

flow_file_t *flow_file_get(const char *path, size_t below)
{
    pthread_mutex_lock(&files.lock);
    struct flow_file *file = files.first;
    while (file != NULL && strcmp(file->path, path) != 0) {
        file = file->next;
    }
    if (file == NULL) {
        file = file_create(path, below);
        if (file != NULL) {
            file->next = files.first;
            files.first = file;
        }
    }
    if (file != NULL) {
        file->references++;
    }
    pthread_mutex_unlock(&files.lock);
    return file;
}

uint32_t flow_file_next_exporter(flow_file_t *file)
{
    /* Only uniqueness matters, so relaxed order suffices. */
    return atomic_fetch_add_explicit(&file->exporters, 1, memory_order_relaxed) + 1;
}

/* ---- opening --------------------------------------------------------------------------------- */

static int fail(struct lnf_error *error, const char *path, const char *reason)
{
    *error = (struct lnf_error){0};
    (void)snprintf(error->text, sizeof(error->text), "%.300s: %s", path, reason);
    return LNF_ERR_WRITE;
}

/** Makes the directories of the path; the part that must exist is not made. */
static int make_directories(const struct flow_file *file, struct lnf_error *error)
{
    char path[PATH_MAX];
    struct stat status;

    (void)snprintf(path, sizeof(path), "%.*s", (int)file->below, file->path);
    if (stat(path, &status) != 0) {
        return fail(error, path, strerror(errno));
    }
    (void)snprintf(path, sizeof(path), "%s", file->path);
    for (char *slash = strchr(path + file->below, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0775) != 0 && errno != EEXIST) {
            return fail(error, path, strerror(errno));
        }
        *slash = '/';
    }
    return LNF_OK;
}

static void index_failed(void *context, const char *text)
{
    struct flow_file *file = context;

    col_log(file->user, COL_LOG_ERROR, "cannot write the index: %s", text);
}

/** Has an index made when the file is closed. */
static void want_index(struct flow_file *file, const struct flow_file_settings *settings)
{
    struct lnf_index_options options = {
        .false_positives = settings->false_positives, .failed = index_failed, .context = file};

    if (settings->index && lnf_writer_use_index(file->writer, &options) != LNF_OK) {
        index_failed(file, "no memory");
    }
}

/** Opens one name, waiting for another program that is writing it. */
static int open_name(struct flow_file *file, const char *path,
                     const struct flow_file_settings *settings, struct lnf_error *error)
{
    int status = LNF_ERR_OTHER;
    struct stat st;

    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        (void)fail(error, path, "is no regular file");
        return LNF_ERR_CORRUPT;
    }
    for (unsigned i = 0; status == LNF_ERR_OTHER && i < LOCK_TRIES; i++) {
        if (i > 0) {
            struct timespec pause = {0, LOCK_PAUSE_NS};
            (void)nanosleep(&pause, NULL);
        }
        status =
            lnf_writer_open(path, settings->codec, settings->ident, true, &file->writer, error);
    }
    return status;
}

/** A file that is continued may have another codec, which then does its default. */
static void use_level(struct flow_file *file, const struct flow_file_settings *settings)
{
    if (lnf_writer_codec(file->writer) == settings->codec) {
        (void)lnf_writer_set_level(file->writer, settings->level, NULL);
    }
}

static int open_file(struct flow_file *file, col_instance_t *instance,
                     const struct flow_file_settings *settings, struct lnf_error *error)
{
    char path[PATH_MAX];

    int status = make_directories(file, error);
    for (unsigned i = 0; file->writer == NULL && i < NAME_TRIES; i++) {
        (void)snprintf(path, sizeof(path), i == 0 ? "%s" : "%s.%u", file->path, i);
        if (status == LNF_OK) {
            status = open_name(file, path, settings, error);
        }
        if (status == LNF_OK) {
            want_index(file, settings);
            use_level(file, settings);
            col_log(instance, COL_LOG_INFO, "writing %s", path);
        } else if (status != LNF_ERR_CORRUPT && status != LNF_ERR_OTHER) {
            break;
        } else {
            col_log(instance, COL_LOG_ERROR, "%s; trying the name %s.%u", error->text, file->path,
                    i + 1);
            status = LNF_OK;
        }
    }
    return file->writer != NULL ? LNF_OK : status != LNF_OK ? status : LNF_ERR_CORRUPT;
}

int flow_file_put(flow_file_t *file, col_instance_t *instance,
                  const struct flow_file_settings *settings, const lnf_block_t *block,
                  struct lnf_error *error)
{
    int status = LNF_OK;

    pthread_mutex_lock(&file->lock);
    file->user = instance;
    if (file->writer == NULL) {
        status = open_file(file, instance, settings, error);
    }
    if (status == LNF_OK) {
        status = lnf_writer_put(file->writer, block, error);
    }
    pthread_mutex_unlock(&file->lock);
    return status;
}

/* ---- letting go ------------------------------------------------------------------------------ */

static void unlink_file(const struct flow_file *file)
{
    struct flow_file **link = &files.first;
    while (*link != file) {
        link = &(*link)->next;
    }
    *link = file->next;
}

int flow_file_release(flow_file_t *file, col_instance_t *instance, struct lnf_error *error)
{
    int status = LNF_OK;

    pthread_mutex_lock(&file->lock);
    pthread_mutex_lock(&files.lock);
    bool last = --file->references == 0;
    pthread_mutex_unlock(&files.lock);
    if (last && file->writer != NULL) {
        file->user = instance;
        status = lnf_writer_close(file->writer, error);
        file->writer = NULL;
    }
    /* It stays in the list while it is finalised: who wants it now waits for that, and goes on. */
    pthread_mutex_lock(&files.lock);
    bool unwanted = last && file->references == 0;
    if (unwanted) {
        unlink_file(file);
    }
    pthread_mutex_unlock(&files.lock);
    pthread_mutex_unlock(&file->lock);
    if (unwanted) {
        file_free(file);
    }
    return status;
}
