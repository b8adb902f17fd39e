/* SPDX-License-Identifier: BSD-3-Clause */
/** Progress lines: total, per slave, JSON; to a terminal, or replacing a file. */
#include "progress.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Characters of one slave's part, two numbers of 20 digits included; the time left has one, too. */
#define PART_SIZE 96u
#define ESTIMATE_AFTER_S 1.0
#define NEXT_SUFFIX ".XXXXXX" /* of the next version's name, for mkostemp() */

struct slave_progress {
    uint64_t done, goal;
};

struct progress {
    enum progress_type type;
    enum {
        NOWHERE,
        STREAM,   /* standard output or error: a line that is drawn over */
        SPECIAL,  /* FIFO, device, file that others write, too: lines one after the other */
        REPLACED, /* file: each line is a file that takes the name of the one before */
        REWRITTEN /* file in a folder where that cannot be done */
    } place;
    int fd;                /* STREAM, SPECIAL, REWRITTEN */
    char *path, *new_path; /* REPLACED: the file, and its next version */
    struct stat old;       /* REPLACED: whose file it was; st_nlink 0 = there was none */
    mode_t mode;           /* REPLACED: permissions of all versions */
    bool known;            /* all goals are */
    double start_s;        /* since when they are */
    size_t drawn;          /* STREAM: characters of the line before */
    char *line;
    size_t line_size;
    unsigned count;
    struct slave_progress slaves[];
};

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
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

static unsigned percent(const progress_t *progress, const struct slave_progress *slave)
{
    if (!progress->known) {
        return 0;
    }
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
           percent(progress, slave));
}

/** Seconds for the rest at the speed so far; 0 = nothing is left, or nobody knows. */
static double estimate(const struct slave_progress *slave, double elapsed_s)
{
    if (slave->done == 0 || slave->done >= slave->goal) {
        return 0;
    }
    return elapsed_s * (double)(slave->goal - slave->done) / (double)slave->done;
}

/** Slaves that have finished no file yet are taken to be as fast as all together. */
static void append_time_left(progress_t *progress, size_t *used, const struct slave_progress *total)
{
    double elapsed_s = now_s() - progress->start_s;
    double left_s = estimate(total, elapsed_s);

    for (unsigned i = 0; i < progress->count; i++) {
        left_s = fmax(left_s, estimate(&progress->slaves[i], elapsed_s));
    }
    if (progress->known && elapsed_s >= ESTIMATE_AFTER_S && left_s > 0 && left_s < 1e9) {
        unsigned long seconds = (unsigned long)ceil(left_s);
        append(progress, used, ", %02lu:%02lu:%02lu left", seconds / 3600, seconds / 60 % 60,
               seconds % 60);
    }
}

static size_t format_json(progress_t *progress, const struct slave_progress *total)
{
    size_t used = 0;

    append(progress, &used, "{\"total\":%u", percent(progress, total));
    for (unsigned i = 0; i < progress->count; i++) {
        append(progress, &used, ",\"slave%u\":%u", i + 1, percent(progress, &progress->slaves[i]));
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
    append_time_left(progress, &used, &total);
    for (unsigned i = 0; progress->type == PROGRESS_SLAVES && i < progress->count; i++) {
        append(progress, &used, " | %u: ", i + 1);
        append_counts(progress, &used, &progress->slaves[i]);
    }
    return used;
}

/* ---- files ---------------------------------------------------------------------------------- */

/** Opens the next version under a name nobody else has. */
static int open_next(const progress_t *progress)
{
    memcpy(progress->new_path + strlen(progress->path), NEXT_SUFFIX, sizeof(NEXT_SUFFIX));
    return mkostemp(progress->new_path, O_CLOEXEC);
}

/** Who could read and write the file before still can; a new one is as open() would make it. */
static bool keep_access(const progress_t *progress, int fd)
{
    const struct stat *old = &progress->old;
    struct stat new;

    if (fstat(fd, &new) != 0) {
        return false;
    }
    if (old->st_nlink > 0 && (new.st_uid != old->st_uid || new.st_gid != old->st_gid) &&
        fchown(fd, old->st_uid, old->st_gid) != 0) {
        return false;
    }
    return fchmod(fd, progress->mode) == 0;
}

static bool replace(const progress_t *progress, size_t size)
{
    int fd = open_next(progress);
    bool fine = false;

    if (fd >= 0) {
        fine = keep_access(progress, fd) && write(fd, progress->line, size) == (ssize_t)size;
        fine = close(fd) == 0 && fine && rename(progress->new_path, progress->path) == 0;
        if (!fine) {
            (void)unlink(progress->new_path);
        }
    }
    return fine;
}

static void stop(progress_t *progress)
{
    if (progress->place == SPECIAL || progress->place == REWRITTEN) {
        close(progress->fd);
    }
    progress->place = NOWHERE;
}

/** Writes the line to where it belongs; where that fails nothing more is shown. A version of a file
 * that cannot be written is left out, the next one may be possible again. */
static void write_line(progress_t *progress, size_t size)
{
    ssize_t written;

    switch (progress->place) {
    case NOWHERE:
        return;
    case REPLACED:
        (void)replace(progress, size);
        return;
    case REWRITTEN:
        written = pwrite(progress->fd, progress->line, size, 0);
        if (written >= 0 && ftruncate(progress->fd, (off_t)size) == 0) {
            return;
        }
        break;
    default:
        written = write(progress->fd, progress->line, size);
        if (written >= 0 || errno == EAGAIN || errno == EINTR) {
            return;
        }
    }
    stop(progress);
}

/* ---- destinations --------------------------------------------------------------------------- */

static void open_stream(progress_t *progress, int fd)
{
    progress->fd = fd;
    progress->place = STREAM;
}

/** Permissions of files that open() makes. Threads: none beside this one makes files yet. */
static mode_t new_mode(void)
{
    mode_t mask = umask(077);

    (void)umask(mask);
    return 0666 & ~mask;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/** Name of the file to replace: of a symbolic link it is the target. */
static char *find_target(const struct stat *old, const char *destination)
{
    struct stat status;

    if (old->st_nlink == 0) {
        return strdup(destination);
    }
    /* The system may refuse to follow a link (fs.protected_symlinks), realpath() does not know of
     * that: only what stat() has reached is replaced. */
    char *path = realpath(destination, NULL);
    if (path != NULL && (lstat(path, &status) != 0 || !is_same_file(&status, old))) {
        free(path);
        return NULL;
    }
    return path;
}

/** Whether the file can be replaced; tried with the first line. */
static bool start_replacing(progress_t *progress, const char *destination, size_t size)
{
    progress->path = find_target(&progress->old, destination);
    if (progress->path == NULL) {
        return false;
    }
    progress->new_path = malloc(strlen(progress->path) + sizeof(NEXT_SUFFIX));
    if (progress->new_path == NULL) {
        return false;
    }
    memcpy(progress->new_path, progress->path, strlen(progress->path));
    progress->mode = progress->old.st_nlink > 0 ? progress->old.st_mode & 07777 : new_mode();
    return replace(progress, size);
}

/** Whether standard output or error go to the file, which then has more in it than progress. */
static bool is_shared(const struct stat *file)
{
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
        struct stat other;
        if (fstat(fd, &other) == 0 && is_same_file(&other, file)) {
            return true;
        }
    }
    return false;
}

/** How to write to a file; NOWHERE with errno where that is impossible. */
static int choose_place(progress_t *progress, const char *destination)
{
    struct stat link;

    if (stat(destination, &progress->old) == 0) {
        bool special = !S_ISREG(progress->old.st_mode) || is_shared(&progress->old);
        return special ? SPECIAL : REPLACED;
    }
    if (errno != ENOENT) {
        return NOWHERE;
    }
    /* A link whose target is missing stays, too: open() makes the target. */
    return lstat(destination, &link) == 0 ? REWRITTEN : REPLACED;
}

static void open_file(progress_t *progress, const char *destination, const struct report *report)
{
    size_t size = format_line(progress);
    int place = choose_place(progress, destination);

    progress->line[size++] = '\n';
    if (place == REPLACED && start_replacing(progress, destination, size)) {
        progress->place = REPLACED;
        return;
    }
    /* Not blocking: a FIFO without reader must not stop the query. */
    const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK;
    progress->fd =
        place == NOWHERE ? -1 : open(destination, flags | (place == SPECIAL ? O_APPEND : 0), 0666);
    if (progress->fd < 0) {
        report_warning(report, REPORT_PATH, "no progress: %s `%s'", strerror(errno), destination);
        return;
    }
    progress->place = place == SPECIAL ? SPECIAL : REWRITTEN;
    if (progress->place == REWRITTEN) {
        write_line(progress, size);
    }
}

static void open_destination(progress_t *progress, const char *destination,
                             const struct report *report)
{
    if (destination == NULL || strcmp(destination, "stderr") == 0) {
        open_stream(progress, STDERR_FILENO);
    } else if (strcmp(destination, "stdout") == 0) {
        open_stream(progress, STDOUT_FILENO);
    } else {
        open_file(progress, destination, report);
    }
}

progress_t *progress_create(enum progress_type type, const char *destination, unsigned slaves,
                            const struct report *report)
{
    progress_t *progress = calloc(1, sizeof(*progress) + slaves * sizeof(progress->slaves[0]));

    if (progress == NULL) {
        return NULL;
    }
    progress->type = type;
    progress->count = slaves;
    progress->line_size = PART_SIZE * (slaves + 3u);
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
    stop(progress);
    free(progress->path);
    free(progress->new_path);
    free(progress->line);
    free(progress);
}

/* ---- calls ---------------------------------------------------------------------------------- */

/** Characters that fit a terminal's row beside `tail`: what is longer could not be drawn over. */
static size_t room_in_row(const progress_t *progress, size_t tail)
{
    struct winsize window = {.ws_col = 0};

    if (progress->type == PROGRESS_JSON || ioctl(progress->fd, TIOCGWINSZ, &window) != 0 ||
        window.ws_col <= tail + 1) {
        return SIZE_MAX;
    }
    return window.ws_col - 1 - tail;
}

/** Draws over the line before, whose rest is blanked. */
static size_t format_drawn(progress_t *progress, bool last)
{
    const char *tail = last ? " DONE" : " ...";
    size_t used = format_line(progress), room = room_in_row(progress, strlen(tail));

    if (!last && used > room) {
        used = room;
    }
    append(progress, &used, "%s", tail);
    size_t length = used;
    if (length < progress->drawn) {
        append(progress, &used, "%*s", (int)(progress->drawn - length), "");
    }
    progress->drawn = last ? 0 : length;
    append(progress, &used, "%s", last ? "\n" : "\r");
    return used;
}

static void show(progress_t *progress, bool last)
{
    size_t used;

    if (progress->place == NOWHERE) {
        return;
    }
    if (!progress->known) {
        progress->known = true;
        progress->start_s = now_s();
    }
    if (progress->place == STREAM) {
        used = format_drawn(progress, last);
    } else {
        used = format_line(progress);
        append(progress, &used, "\n");
    }
    write_line(progress, used);
}

void progress_show(progress_t *progress)
{
    show(progress, false);
}

void progress_hide(progress_t *progress)
{
    size_t used = 0;

    if (progress->place == STREAM && progress->drawn > 0 && isatty(progress->fd) == 1) {
        append(progress, &used, "%*s\r", (int)progress->drawn, "");
        progress->drawn = 0;
        write_line(progress, used);
    }
}

void progress_finish(progress_t *progress)
{
    show(progress, true);
}
