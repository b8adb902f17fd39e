/* SPDX-License-Identifier: BSD-3-Clause */
/* Input plugin: IPFIX Files, messages back to back (RFC 5655). */
#include "file_list.h"

#include <ipfixcol/framing.h>
#include <ipfixcol/plugin.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_SIZE (1u << 20)
/* Messages per call, so that the collector can stop in between. */
#define BATCH 256u

struct file_options {
    char *file;
};

static const struct col_option file_option_table[] = {
    {.name = "name", .type = COL_IGNORED, .help = "comment"},
    {.name = "file",
     .type = COL_STRING,
     .offset = offsetof(struct file_options, file),
     .required = true,
     .help = "file: and a path; the last component may contain *"},
    {0},
};

enum { COUNTER_FILES, COUNTER_BAD_FILES };
static const char *const file_counters[] = {"files read", "files with errors", NULL};

struct file_input {
    col_instance_t *instance;
    struct file_list list;
    size_t next; /* file to open next */
    int fd;      /* open file, or -1 */
    const struct ipfix_session *session;
    uint64_t offset;   /* in the file, of buffer[start] */
    size_t start, end; /* octets read and not handed over yet */
    uint8_t buffer[BUFFER_SIZE];
};

static void file_destroy(void *state)
{
    struct file_input *input = state;
    if (input == NULL) {
        return;
    }
    if (input->session != NULL) {
        col_session_close(input->instance, input->session);
    }
    if (input->fd >= 0) {
        close(input->fd);
    }
    file_list_clear(&input->list);
    free(input);
}

/* The files may still come and go: create looks again. */
static int file_check(col_instance_t *instance, const void *options)
{
    const struct file_options *settings = options;
    struct file_list list = {0};

    const char *why = file_list_find(settings->file, &list);
    if (why != NULL) {
        col_log(instance, COL_LOG_ERROR, "%s: %s", settings->file, why);
    }
    file_list_clear(&list);
    return why == NULL ? COL_OK : COL_ERR;
}

static int file_create(col_instance_t *instance, const void *options, void **state)
{
    const struct file_options *settings = options;
    struct file_input *input = calloc(1, sizeof(*input));
    if (input == NULL) {
        col_log(instance, COL_LOG_ERROR, "no memory");
        return COL_ERR;
    }
    input->instance = instance;
    input->fd = -1;
    const char *why = file_list_find(settings->file, &input->list);
    if (why != NULL) {
        col_log(instance, COL_LOG_ERROR, "%s: %s", settings->file, why);
        file_destroy(input);
        return COL_ERR;
    }
    *state = input;
    return COL_OK;
}

static const char *current_path(const struct file_input *input)
{
    return input->list.paths[input->next - 1];
}

/* The open file ends here; `why` NULL = as it should. */
static void end_file(struct file_input *input, const char *why)
{
    if (why != NULL) {
        col_log(input->instance, COL_LOG_ERROR, "%s: offset %llu: %s; the rest of it is skipped",
                current_path(input), (unsigned long long)input->offset, why);
        col_count(input->instance, COUNTER_BAD_FILES, 1);
    }
    col_count(input->instance, COUNTER_FILES, 1);
    col_session_close(input->instance, input->session);
    input->session = NULL;
    close(input->fd);
    input->fd = -1;
}

/* Opens the next file; one that cannot be read is told and left out. */
static int open_next(struct file_input *input)
{
    const char *path = input->list.paths[input->next++];
    struct stat status;
    struct ipfix_session_info info = {.transport = IPFIX_TRANSPORT_FILE, .file = path};

    /* O_NONBLOCK: opening a pipe nobody writes to would wait. */
    input->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (input->fd < 0 || fstat(input->fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        col_log(input->instance, COL_LOG_ERROR, "%s: %s", path,
                input->fd < 0 ? strerror(errno) : "no regular file");
        col_count(input->instance, COUNTER_BAD_FILES, 1);
        if (input->fd >= 0) {
            close(input->fd);
        }
        input->fd = -1;
        return COL_OK;
    }
    input->session = col_session_open(input->instance, &info);
    if (input->session == NULL) {
        col_log(input->instance, COL_LOG_ERROR, "%s: no memory", path);
        return COL_ERR;
    }
    (void)posix_fadvise(input->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    input->offset = 0;
    input->start = input->end = 0;
    return COL_OK;
}

/* Reads more octets behind those that are left; the file ends when there are none. */
static void fill(struct file_input *input)
{
    memmove(input->buffer, input->buffer + input->start, input->end - input->start);
    input->end -= input->start;
    input->start = 0;
    ssize_t got;
    do {
        got = read(input->fd, input->buffer + input->end, sizeof(input->buffer) - input->end);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        end_file(input, strerror(errno));
    } else if (got == 0) {
        if (input->end > 0) {
            col_input_malformed(input->instance);
        }
        end_file(input, input->end > 0 ? "the last message is cut" : NULL);
    } else {
        input->end += (size_t)got;
    }
}

/* Hands over one message, or reads on. */
static int step(struct file_input *input)
{
    const uint8_t *octets = input->buffer + input->start;
    size_t length;

    switch (ipfix_framing_next(octets, input->end - input->start, &length)) {
    case COL_OK:
        input->start += length;
        input->offset += length;
        /* A message that is wrong inside has been told; the next one follows all the same. */
        if (col_input_message(input->instance, input->session, octets, length) == COL_ERR_NOMEM) {
            col_log(input->instance, COL_LOG_ERROR, "%s: no memory", current_path(input));
            return COL_ERR;
        }
        break;
    case COL_EOF:
        fill(input);
        break;
    default:
        col_input_malformed(input->instance);
        end_file(input, "no IPFIX Message (version is not 10 or length below 16)");
        break;
    }
    return COL_OK;
}

static int file_receive(void *state)
{
    struct file_input *input = state;
    int status = COL_OK;

    for (unsigned i = 0; i < BATCH && status == COL_OK; i++) {
        if (input->fd >= 0) {
            status = step(input);
        } else if (input->next < input->list.count) {
            status = open_next(input);
        } else {
            status = COL_EOF;
        }
    }
    return status;
}

COL_EXPORT const struct col_plugin col_plugin = {
    .abi = COL_PLUGIN_ABI,
    .kind = COL_INPUT,
    .name = "fileReader",
    .summary = "reads IPFIX Files and ends",
    .options = file_option_table,
    .options_size = sizeof(struct file_options),
    .counters = file_counters,
    .check = file_check,
    .create = file_create,
    .destroy = file_destroy,
    .receive = file_receive,
};
