/* SPDX-License-Identifier: BSD-3-Clause */
/** Temporary files and the runs of rows in them. */
#include "spill_file.h"

#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <libnf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- files ----------------------------------------------------------------------------------- */

/** A file with a name for a moment, where the file system knows no other. */
static int open_named(const char *directory)
{
    char path[PATH_MAX];

    int length = snprintf(path, sizeof(path), "%s/lnf-spill-XXXXXX", directory);
    if (length < 0 || (size_t)length >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0) {
        (void)unlink(path);
    }
    return fd;
}

static int open_nameless(const char *directory)
{
    int fd = open(directory, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);

    /* File systems and kernels that cannot do it answer with one of these. */
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        fd = open_named(directory);
    }
    return fd;
}

int lnf_spill_file_create(lnf_memory_t *memory, struct lnf_spill_file **file,
                          struct lnf_error *error)
{
    struct lnf_spill_file *f = calloc(1, sizeof(*f));
    if (f == NULL) {
        lnf_error_set(error, 0, "no memory");
        return LNF_ERR_NOMEM;
    }
    f->memory = memory;
    f->fd = open_nameless(memory->directory);
    if (f->fd < 0) {
        lnf_error_set(error, 0, "%s: cannot create a temporary file: %s", memory->directory,
                      strerror(errno));
        free(f);
        return LNF_ERR_WRITE;
    }
    *file = f;
    return LNF_OK;
}

void lnf_spill_file_destroy(struct lnf_spill_file *file)
{
    if (file != NULL) {
        (void)close(file->fd);
        free(file);
    }
}

int lnf_spill_file_write(struct lnf_spill_file *file, uint64_t offset, const uint8_t *octets,
                         size_t size, struct lnf_error *error)
{
    size_t done = 0;

    while (done < size) {
        ssize_t now = pwrite(file->fd, octets + done, size - done, (off_t)(offset + done));
        if (now < 0 && errno == EINTR) {
            continue;
        }
        if (now <= 0) {
            lnf_error_set(error, offset + done, "%s: cannot write a temporary file: %s",
                          file->memory->directory, strerror(now < 0 ? errno : ENOSPC));
            return LNF_ERR_WRITE;
        }
        done += (size_t)now;
    }
    lnf_memory_spill(file->memory, size);
    return LNF_OK;
}

static int read_octets(const struct lnf_spill_file *file, uint64_t offset, uint8_t *octets,
                       size_t size, struct lnf_error *error)
{
    size_t done = 0;

    while (done < size) {
        ssize_t now = pread(file->fd, octets + done, size - done, (off_t)(offset + done));
        if (now < 0 && errno == EINTR) {
            continue;
        }
        if (now <= 0) {
            lnf_error_set(error, offset + done, "%s: cannot read a temporary file: %s",
                          file->memory->directory,
                          now < 0 ? strerror(errno) : "it is shorter than what was written");
            return LNF_ERR_READ;
        }
        done += (size_t)now;
    }
    return LNF_OK;
}

/* ---- runs ------------------------------------------------------------------------------------ */

void lnf_run_clear(struct lnf_run *run)
{
    free(run->extents);
    *run = (struct lnf_run){0};
}

int lnf_run_reserve(struct lnf_run *run, size_t count)
{
    size_t room = run->extent_room;

    if (run->extent_room - run->extent_count >= count) {
        return LNF_OK;
    }
    while (room - run->extent_count < count) {
        room = room == 0 ? 1 : room * 2;
    }
    struct lnf_extent *extents = realloc(run->extents, room * sizeof(*extents));
    if (extents == NULL) {
        return LNF_ERR_NOMEM;
    }
    run->extents = extents;
    run->extent_room = room;
    return LNF_OK;
}

void lnf_run_append(struct lnf_run *run, const struct lnf_spill_file *file, uint64_t offset,
                    uint64_t count)
{
    if (count > 0) {
        run->extents[run->extent_count++] = (struct lnf_extent){file, offset, run->rows, count};
        run->rows += count;
    }
}

void lnf_run_join(struct lnf_run *run, struct lnf_run *from)
{
    for (size_t i = 0; i < from->extent_count; i++) {
        const struct lnf_extent *extent = &from->extents[i];
        lnf_run_append(run, extent->file, extent->offset, extent->count);
    }
    lnf_run_clear(from);
}

/** The extent with a row that the run has. */
static size_t find_extent(const struct lnf_run *run, uint64_t row)
{
    size_t low = 0, high = run->extent_count;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (run->extents[middle].first <= row) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

int lnf_run_rows(const struct lnf_run *run, size_t row_size, uint64_t start, size_t count,
                 uint8_t *rows, struct lnf_error *error)
{
    int status = LNF_OK;

    for (size_t i = count == 0 ? 0 : find_extent(run, start); count > 0 && status == LNF_OK; i++) {
        const struct lnf_extent *extent = &run->extents[i];
        uint64_t skipped = start - extent->first;
        uint64_t left = extent->count - skipped;
        size_t now = count < left ? count : (size_t)left;
        status = read_octets(extent->file, extent->offset + skipped * row_size, rows,
                             now * row_size, error);
        rows += now * row_size;
        start += now;
        count -= now;
    }
    return status;
}

/* ---- one after the other --------------------------------------------------------------------- */

static size_t rows_in(size_t size, size_t row_size)
{
    return size < row_size ? 1 : size / row_size;
}

int lnf_run_reader_init(struct lnf_run_reader *reader, const struct lnf_run *run, size_t row_size,
                        size_t size)
{
    *reader = (struct lnf_run_reader){
        .run = run,
        .row_size = row_size,
        .room = rows_in(size, row_size),
    };
    if (reader->room > run->rows) {
        reader->room = (size_t)run->rows;
    }
    reader->buffer = malloc(reader->room * row_size + 1);
    return reader->buffer == NULL ? LNF_ERR_NOMEM : LNF_OK;
}

void lnf_run_reader_clear(struct lnf_run_reader *reader)
{
    free(reader->buffer);
    reader->buffer = NULL;
}

int lnf_run_reader_next(struct lnf_run_reader *reader, size_t *count, struct lnf_error *error)
{
    uint64_t left = reader->run->rows - reader->next;

    *count = left < reader->room ? (size_t)left : reader->room;
    int status =
        lnf_run_rows(reader->run, reader->row_size, reader->next, *count, reader->buffer, error);
    reader->next += *count;
    return status;
}

int lnf_run_writer_init(struct lnf_run_writer *writer, struct lnf_spill_file *file, size_t row_size,
                        size_t size)
{
    *writer = (struct lnf_run_writer){
        .file = file,
        .row_size = row_size,
        .room = rows_in(size, row_size),
    };
    writer->buffer = malloc(writer->room * row_size + 1);
    return writer->buffer == NULL ? LNF_ERR_NOMEM : LNF_OK;
}

void lnf_run_writer_clear(struct lnf_run_writer *writer)
{
    free(writer->buffer);
    writer->buffer = NULL;
}

static int flush(struct lnf_run_writer *writer, struct lnf_error *error)
{
    int status =
        lnf_spill_file_write(writer->file, writer->file->size + writer->written * writer->row_size,
                             writer->buffer, writer->used * writer->row_size, error);
    if (status == LNF_OK) {
        writer->written += writer->used;
        writer->used = 0;
    }
    return status;
}

uint8_t *lnf_run_writer_next(struct lnf_run_writer *writer, struct lnf_error *error)
{
    if (writer->used == writer->room && flush(writer, error) != LNF_OK) {
        return NULL;
    }
    return writer->buffer + writer->used++ * writer->row_size;
}

int lnf_run_writer_finish(struct lnf_run_writer *writer, struct lnf_run *run,
                          struct lnf_error *error)
{
    int status = flush(writer, error);
    if (status != LNF_OK) {
        return status;
    }
    lnf_run_append(run, writer->file, writer->file->size, writer->written);
    writer->file->size += writer->written * writer->row_size;
    return LNF_OK;
}
