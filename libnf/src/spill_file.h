/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Packed rows in temporary files.
 *
 * A file has no name, so that nothing is left behind however the process ends. A *run* is a
 * sequence of rows in extents, pieces of one file or several; files are only appended to.
 */
#ifndef LNF_SPILL_FILE_H
#define LNF_SPILL_FILE_H

#include "memory.h"

struct lnf_spill_file {
    lnf_memory_t *memory;
    int fd;
    uint64_t size; /* where the next extent starts */
};

struct lnf_extent {
    const struct lnf_spill_file *file;
    uint64_t offset;
    uint64_t first; /* row of the run */
    uint64_t count; /* rows */
};

struct lnf_run {
    struct lnf_extent *extents;
    size_t extent_count;
    size_t extent_room;
    uint64_t rows;
};

/** New empty file; LNF_OK; LNF_ERR_WRITE, the system's reason in error; LNF_ERR_NOMEM. */
int lnf_spill_file_create(lnf_memory_t *memory, struct lnf_spill_file **file,
                          struct lnf_error *error);

/** Closes and so removes the file; NULL is fine. */
void lnf_spill_file_destroy(struct lnf_spill_file *file);

/** Writes octets at a place, which may be beyond file->size; LNF_OK or LNF_ERR_WRITE. */
int lnf_spill_file_write(struct lnf_spill_file *file, uint64_t offset, const uint8_t *octets,
                         size_t size, struct lnf_error *error);

/** Frees what a run owns, which files are not. */
void lnf_run_clear(struct lnf_run *run);

/** Makes room for `count` more extents; LNF_OK or LNF_ERR_NOMEM. */
int lnf_run_reserve(struct lnf_run *run, size_t count);

/** Appends rows that are in a file; there is room. */
void lnf_run_append(struct lnf_run *run, const struct lnf_spill_file *file, uint64_t offset,
                    uint64_t count);

/** Moves the extents of `from` behind those of `run`; there is room. */
void lnf_run_join(struct lnf_run *run, struct lnf_run *from);

/** Reads `count` rows that the run has from `start`; LNF_OK or LNF_ERR_READ. */
int lnf_run_rows(const struct lnf_run *run, size_t row_size, uint64_t start, size_t count,
                 uint8_t *rows, struct lnf_error *error);

/** Reads a run from its start, a buffer at a time. */
struct lnf_run_reader {
    const struct lnf_run *run;
    size_t row_size;
    uint8_t *buffer;
    size_t room; /* rows in the buffer */
    uint64_t next;
};

/** Buffer of at most `size` octets, but one row at least; LNF_OK or LNF_ERR_NOMEM. */
int lnf_run_reader_init(struct lnf_run_reader *reader, const struct lnf_run *run, size_t row_size,
                        size_t size);

void lnf_run_reader_clear(struct lnf_run_reader *reader);

/**
 * The next rows, in the reader's buffer until the next call.
 *
 * @param[out] count  0 = no rows left
 * @return LNF_OK or LNF_ERR_READ
 */
int lnf_run_reader_next(struct lnf_run_reader *reader, size_t *count, struct lnf_error *error);

/** Appends rows one by one to a file, as one extent. Nobody else writes to the file meanwhile. */
struct lnf_run_writer {
    struct lnf_spill_file *file;
    size_t row_size;
    uint8_t *buffer;
    size_t room, used; /* rows in the buffer */
    uint64_t written;  /* rows in the file */
};

/** Buffer of at most `size` octets, but one row at least; LNF_OK or LNF_ERR_NOMEM. */
int lnf_run_writer_init(struct lnf_run_writer *writer, struct lnf_spill_file *file, size_t row_size,
                        size_t size);

void lnf_run_writer_clear(struct lnf_run_writer *writer);

/** Place for the next row: row_size octets; NULL = it could not be made, see error. */
uint8_t *lnf_run_writer_next(struct lnf_run_writer *writer, struct lnf_error *error);

/**
 * Writes what is left in the buffer and appends all rows to the run, for which there is room;
 * LNF_OK or LNF_ERR_WRITE, then the file holds nothing more than before.
 */
int lnf_run_writer_finish(struct lnf_run_writer *writer, struct lnf_run *run,
                          struct lnf_error *error);

#endif
