/* SPDX-License-Identifier: BSD-3-Clause */
/** Progress lines: total, per slave, JSON; to a terminal or rewritten in a file. */
#include "progress.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Characters of one slave's part, two numbers of 20 digits included. */
#define PART_SIZE 96u

struct slave_progress {
    uint64_t done, goal;
};

struct progress {
    enum progress_type type;
    int fd;       /* -1 = nowhere */
    bool file;    /* a file of its own: rewritten, not continued */
    bool regular; /* may be positioned and cut */
    char *line;
    size_t line_size;
    unsigned count;
    struct slave_progress slaves[];
};

static void open_destination(progress_t *progress, const char *destination,
                             const struct report *report)
{
    struct stat status;

    if (destination == NULL || strcmp(destination, "stderr") == 0) {
        progress->fd = STDERR_FILENO;
        return;
    }
    if (strcmp(destination, "stdout") == 0) {
        progress->fd = STDOUT_FILENO;
        return;
    }
    /* Not blocking: a FIFO without reader must not stop the query. */
    progress->file = true;
    progress->fd = open(destination, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0666);
    if (progress->fd < 0 || fstat(progress->fd, &status) != 0) {
        report_warning(report, REPORT_PATH, "no progress: %s `%s'", strerror(errno), destination);
        return;
    }
    progress->regular = S_ISREG(status.st_mode);
}

progress_t *progress_create(enum progress_type type, const char *destination, unsigned slaves,
                            const struct report *report)
{
    progress_t *progress = calloc(1, sizeof(*progress) + slaves * sizeof(progress->slaves[0]));

    if (progress == NULL) {
        return NULL;
    }
    progress->type = type;
    progress->fd = -1;
    progress->count = slaves;
    progress->line_size = PART_SIZE * (slaves + 2u);
    progress->line = malloc(progress->line_size);
    if (progress->line == NULL) {
        free(progress);
        return NULL;
    }
    if (type != PROGRESS_NONE) {
        open_destination(progress, destination, report);
    }
    return progress;
}

void progress_destroy(progress_t *progress)
{
    if (progress == NULL) {
        return;
    }
    if (progress->file && progress->fd >= 0) {
        close(progress->fd);
    }
    free(progress->line);
    free(progress);
}

void progress_goal(progress_t *progress, unsigned slave, uint64_t files)
{
    progress->slaves[slave].goal = files;
}

void progress_done(progress_t *progress, unsigned slave, uint64_t files)
{
    progress->slaves[slave].done = files;
}

/* ---- lines ---------------------------------------------------------------------------------- */

static unsigned percent(const struct slave_progress *slave)
{
    if (slave->goal == 0 || slave->done >= slave->goal) {
        return 100;
    }
    /* Whole numbers: 29/100 is 29 %. Goals that could overflow are rounded; what is not done is not
     * 100 %. */
    unsigned shift = slave->goal > UINT64_MAX / 100 ? 7 : 0;
    unsigned floor = (unsigned)((slave->done >> shift) * 100 / (slave->goal >> shift));
    return floor < 100 ? floor : 99;
}

static struct slave_progress sum(const progress_t *progress)
{
    struct slave_progress total = {0, 0};

    for (unsigned i = 0; i < progress->count; i++) {
        total.done += progress->slaves[i].done;
        total.goal += progress->slaves[i].goal;
    }
    return total;
}

static void append(progress_t *progress, size_t *used, const char *format, ...) LNF_PRINTF(3, 4);

static void append(progress_t *progress, size_t *used, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int length = vsnprintf(progress->line + *used, progress->line_size - *used, format, args);
    va_end(args);
    if (length > 0 && (size_t)length < progress->line_size - *used) {
        *used += (size_t)length;
    }
}

static void append_counts(progress_t *progress, size_t *used, const struct slave_progress *slave)
{
    append(progress, used, "%" PRIu64 "/%" PRIu64 " (%u %%)", slave->done, slave->goal,
           percent(slave));
}

static size_t format_json(progress_t *progress, const struct slave_progress *total)
{
    size_t used = 0;

    append(progress, &used, "{\"total\":%u", percent(total));
    for (unsigned i = 0; i < progress->count; i++) {
        append(progress, &used, ",\"slave%u\":%u", i + 1, percent(&progress->slaves[i]));
    }
    append(progress, &used, "}");
    return used;
}

static size_t format_line(progress_t *progress)
{
    struct slave_progress total = sum(progress);
    size_t used = 0;

    if (progress->type == PROGRESS_JSON) {
        return format_json(progress, &total);
    }
    append(progress, &used, "reading files: %s",
           progress->type == PROGRESS_SLAVES ? "total: " : "");
    append_counts(progress, &used, &total);
    for (unsigned i = 0; progress->type == PROGRESS_SLAVES && i < progress->count; i++) {
        append(progress, &used, " | %u: ", i + 1);
        append_counts(progress, &used, &progress->slaves[i]);
    }
    return used;
}

/** The line replaces what the file held: readers find it whole, never two halves. */
static void write_line(progress_t *progress, size_t size)
{
    ssize_t written;

    if (progress->regular) {
        written = pwrite(progress->fd, progress->line, size, 0);
        if (written >= 0 && ftruncate(progress->fd, (off_t)size) == 0) {
            return;
        }
    } else {
        written = write(progress->fd, progress->line, size);
        if (written >= 0 || errno == EAGAIN || errno == EINTR) {
            return;
        }
    }
    if (progress->file) {
        close(progress->fd);
    }
    progress->fd = -1;
}

static void show(progress_t *progress, const char *tail)
{
    if (progress->type == PROGRESS_NONE || progress->fd < 0) {
        return;
    }
    size_t used = format_line(progress);
    append(progress, &used, "%s", progress->file ? "\n" : tail);
    write_line(progress, used);
}

void progress_show(progress_t *progress)
{
    show(progress, " ...\r");
}

void progress_finish(progress_t *progress)
{
    show(progress, " DONE\n");
}
