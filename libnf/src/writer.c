/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Flow files for writing: full blocks in, a file every nfdump 1.7 reads out.
 *
 * While the file is open its header says "no appendix", so that after a crash a recovery scan finds
 * all complete blocks. Everything is written at explicit offsets: what a failed write left behind
 * is cut off, and the block can be offered again.
 */
#include "writer.h"

#include "block.h"
#include "compress.h"
#include "error.h"
#include "file.h"
#include "index.h"

#include <errno.h>
#include <fcntl.h>
#include <libnf.h>
#include <libnf/bytes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define NFDUMP_VERSION 0x01070100u
#define IDENT_NONE "none"
#define OPEN_ATTEMPTS 8u
/** Two records: ident and statistics. */
#define APPENDIX_SIZE (4u + LNF_IDENT_MAX + 1u + LNF_RECORD_STAT_SIZE)

struct lnf_writer {
    int fd;
    char *path;
    struct lnf_compressor compressor;
    char ident[LNF_IDENT_MAX + 1];
    struct lnf_stat stat;
    uint64_t end; /* offset behind the last complete block */
    uint32_t blocks;
    uint8_t header[LNF_FILE_HEADER_SIZE];
    uint8_t *packed; /* octets of one compressed block; NULL without compression */
    size_t packed_size;

    bool indexed; /* an index is wanted and nothing has failed yet */
    struct lnf_index_options index_options;
    lnf_index_maker_t *maker; /* NULL: the file had blocks before, it is read at the end */
};

/* ---- writing octets -------------------------------------------------------------------------- */

static int write_failed(const lnf_writer_t *writer, const char *what, struct lnf_error *error)
{
    lnf_error_set(error, writer->end, "%s: cannot write %s: %s", writer->path, what,
                  strerror(errno));
    return LNF_ERR_WRITE;
}

/** Drops the first `done` octets of the pieces. */
static void advance(struct iovec pieces[2], size_t done)
{
    for (int i = 0; i < 2; i++) {
        size_t part = done < pieces[i].iov_len ? done : pieces[i].iov_len;
        if (part == 0) {
            continue; /* an empty piece may have no address to count from */
        }
        pieces[i].iov_base = (uint8_t *)pieces[i].iov_base + part;
        pieces[i].iov_len -= part;
        done -= part;
    }
}

/** Writes two pieces at `offset`, normally with one call; false with errno. */
static bool write_at(int fd, uint64_t offset, const void *head, size_t head_size, const void *body,
                     size_t body_size)
{
    struct iovec pieces[2] = {{(void *)(uintptr_t)head, head_size},
                              {(void *)(uintptr_t)body, body_size}};

    while (pieces[0].iov_len + pieces[1].iov_len > 0) {
        ssize_t put = pwritev(fd, pieces, 2, (off_t)offset);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            errno = put < 0 ? errno : EIO;
            return false;
        }
        offset += (uint64_t)put;
        advance(pieces, (size_t)put);
    }
    return true;
}

/**
 * Cuts the file; what ends there already is left alone: ext4 takes a file cut to nothing for one
 * that replaces another, and closing it would wait until the disk has it.
 */
static bool cut_file(int fd, uint64_t size)
{
    struct stat st;

    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == size) {
        return true;
    }
    return ftruncate(fd, (off_t)size) == 0;
}

/** Cuts the file behind the last complete block; keeps errno. */
static void cut_back(const lnf_writer_t *writer)
{
    int reason = errno;

    if (!cut_file(writer->fd, writer->end)) {
        /* The octets stay; the next block overwrites them and a recovery scan ignores them. */
    }
    errno = reason;
}

static void store_block_header(uint8_t *header, uint32_t records, uint32_t size)
{
    lnf_store_u32(header, htole32(records));
    lnf_store_u32(header + 4, htole32(size));
    lnf_store_u16(header + 8, htole16(LNF_BLOCK_FLOWS));
    lnf_store_u16(header + 10, 0);
}

/** Appends a block as it is stored at writer->end. *written: octets it took in the file. */
static int append_stored(lnf_writer_t *writer, uint32_t records, const uint8_t *data, size_t size,
                         uint64_t *written, struct lnf_error *error)
{
    uint8_t header[LNF_BLOCK_HEADER_SIZE];

    store_block_header(header, records, (uint32_t)size);
    if (!write_at(writer->fd, writer->end, header, sizeof(header), data, size)) {
        cut_back(writer);
        return write_failed(writer, "a block", error);
    }
    *written = LNF_BLOCK_HEADER_SIZE + size;
    return LNF_OK;
}

/** The same with records, which are compressed first. */
static int append_block(lnf_writer_t *writer, uint32_t records, const uint8_t *data, size_t size,
                        uint64_t *written, struct lnf_error *error)
{
    if (writer->compressor.codec != LNF_CODEC_NONE) {
        size = lnf_compress(&writer->compressor, data, size, writer->packed, writer->packed_size);
        data = writer->packed;
    }
    if (size == 0) {
        lnf_error_set(error, writer->end, "%s: %s cannot compress a block", writer->path,
                      lnf_codec_name(writer->compressor.codec));
        return LNF_ERR_NOMEM;
    }
    return append_stored(writer, records, data, size, written, error);
}

/* ---- file header and appendix ---------------------------------------------------------------- */

/** Header of a new file, not finished. */
static void init_header(lnf_writer_t *writer)
{
    struct lnf_writer_bytes w = lnf_writer_bytes_init(writer->header, sizeof(writer->header));

    memset(writer->header, 0, sizeof(writer->header));
    lnf_write_u16_le(&w, LNF_FILE_MAGIC);
    lnf_write_u16_le(&w, LNF_FILE_LAYOUT);
    lnf_write_u32_le(&w, NFDUMP_VERSION);
    lnf_write_u64_le(&w, (uint64_t)time(NULL));
    lnf_write_u8(&w, (uint8_t)writer->compressor.codec);
}

/** Writes the header as of now: not finished (appendix 0), or with the place of the appendix. */
static bool write_header(lnf_writer_t *writer, uint64_t appendix)
{
    lnf_store_u16(writer->header + 18, htole16(appendix != 0));
    lnf_store_u64(writer->header + 24, htole64(appendix));
    lnf_store_u32(writer->header + 36, htole32(appendix != 0 ? writer->blocks : 0));
    return write_at(writer->fd, 0, writer->header, sizeof(writer->header), NULL, 0);
}

static void write_stat_record(struct lnf_writer_bytes *w, const struct lnf_stat *stat)
{
    const uint64_t *const groups[] = {stat->class_flows, stat->class_bytes, stat->class_packets};

    lnf_write_u16_le(w, LNF_RECORD_STAT);
    lnf_write_u16_le(w, LNF_RECORD_STAT_SIZE);
    lnf_write_u64_le(w, stat->flows);
    lnf_write_u64_le(w, stat->bytes);
    lnf_write_u64_le(w, stat->packets);
    for (unsigned g = 0; g < 3; g++) {
        for (unsigned i = 0; i < LNF_STAT_CLASSES; i++) {
            lnf_write_u64_le(w, groups[g][i]);
        }
    }
    lnf_write_u64_le(w, stat->first_ms == UINT64_MAX ? 0 : stat->first_ms);
    lnf_write_u64_le(w, stat->last_ms);
    lnf_write_u64_le(w, stat->sequence_failures);
}

/** Appends ident and statistics behind the data and cuts the file after them. */
static int write_appendix(lnf_writer_t *writer, struct lnf_error *error)
{
    uint8_t records[APPENDIX_SIZE];
    struct lnf_writer_bytes w = lnf_writer_bytes_init(records, sizeof(records));
    size_t ident_size = strlen(writer->ident) + 1;
    uint64_t written = 0;

    lnf_write_u16_le(&w, LNF_RECORD_IDENT);
    lnf_write_u16_le(&w, (uint16_t)(4 + ident_size));
    lnf_write_bytes(&w, writer->ident, ident_size);
    write_stat_record(&w, &writer->stat);

    int status = append_block(writer, 2, records, lnf_writer_bytes_used(&w), &written, error);
    if (status == LNF_OK && !cut_file(writer->fd, writer->end + written)) {
        status = write_failed(writer, "the appendix", error);
    }
    return status;
}

/* ---- opening --------------------------------------------------------------------------------- */

static int set_ident(lnf_writer_t *writer, const char *ident, struct lnf_error *error)
{
    if (ident == NULL || ident[0] == '\0') {
        ident = IDENT_NONE;
    }
    size_t length = strlen(ident);
    if (length > LNF_IDENT_MAX) {
        lnf_error_set(error, 0, "%s: ident has %zu characters, at most %u are possible",
                      writer->path, length, LNF_IDENT_MAX);
        return LNF_ERR_OTHER;
    }
    for (size_t i = 0; i < length; i++) {
        if (ident[i] < 0x20 || ident[i] > 0x7e) {
            lnf_error_set(error, 0, "%s: ident has a character that cannot be printed",
                          writer->path);
            return LNF_ERR_OTHER;
        }
    }
    memcpy(writer->ident, ident, length + 1);
    return LNF_OK;
}

static int check_codec(const lnf_writer_t *writer, struct lnf_error *error)
{
    if (!lnf_codec_available(writer->compressor.codec)) {
        lnf_error_set(error, 0, "%s: compression %s (%d) is not available in this build",
                      writer->path, lnf_codec_name(writer->compressor.codec),
                      (int)writer->compressor.codec);
        return LNF_ERR_OTHER;
    }
    return LNF_OK;
}

/** Keeps other writers out until the file is closed; file systems without locks do without. */
static int lock_file(const lnf_writer_t *writer, struct lnf_error *error)
{
    if (flock(writer->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        lnf_error_set(error, 0, "%s: another program is writing it", writer->path);
        return LNF_ERR_OTHER;
    }
    return LNF_OK;
}

static bool is_same_inode(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/** Whether the path still leads to the open file: before it was locked others could remove it. */
static bool has_name(const lnf_writer_t *writer)
{
    struct stat mine, named;

    return fstat(writer->fd, &mine) == 0 && stat(writer->path, &named) == 0 &&
           is_same_inode(&mine, &named);
}

/** Opens the file, making it if it is missing, and keeps other writers out from then on. */
static int open_locked(lnf_writer_t *writer, struct lnf_error *error)
{
    for (unsigned attempt = 0; attempt < OPEN_ATTEMPTS; attempt++) {
        /* Not O_TRUNC: what another writer has open must stay as it is. */
        writer->fd = open(writer->path, O_RDWR | O_CREAT | O_CLOEXEC, 0664);
        if (writer->fd < 0) {
            return write_failed(writer, "the file", error);
        }
        int status = lock_file(writer, error);
        if (status != LNF_OK || has_name(writer)) {
            return status;
        }
        close(writer->fd);
        writer->fd = -1;
    }
    lnf_error_set(error, 0, "%s: is removed again and again", writer->path);
    return LNF_ERR_WRITE;
}

/** Begins the file anew. */
static int begin_file(lnf_writer_t *writer, struct lnf_error *error)
{
    int status = LNF_OK;

    init_header(writer);
    writer->end = LNF_FILE_HEADER_SIZE;
    /* Devices have no length to cut (EINVAL). */
    if ((!cut_file(writer->fd, 0) && errno != EINVAL) || !write_header(writer, 0)) {
        status = write_failed(writer, "the file header", error);
        /* An empty file is begun anew by the next attempt; half a header would be in its way. */
        (void)cut_file(writer->fd, 0);
    }
    return status;
}

/** Counts the blocks of all types up to `end`, whose headers were found sound before. */
static bool count_blocks(lnf_writer_t *writer)
{
    uint8_t header[LNF_BLOCK_HEADER_SIZE];
    uint64_t offset = LNF_FILE_HEADER_SIZE;

    writer->blocks = 0;
    while (offset + sizeof(header) <= writer->end) {
        if (pread(writer->fd, header, sizeof(header), (off_t)offset) != sizeof(header)) {
            return false;
        }
        offset += sizeof(header) + le32toh(lnf_load_u32(header + 4));
        writer->blocks++;
    }
    return offset == writer->end;
}

/** Takes over what an existing file holds: codec, ident, statistics and the end of its data. */
static int adopt_file(lnf_writer_t *writer, const struct lnf_input_info *info,
                      struct lnf_error *error)
{
    if (info->layout != LNF_FILE_LAYOUT) {
        lnf_error_set(error, 0, "%s: cannot append to a file of layout %u", writer->path,
                      info->layout);
        return LNF_ERR_CORRUPT;
    }
    writer->compressor.codec = info->codec;
    writer->stat = info->stat;
    writer->end = info->data_end;
    if (info->ident[0] != '\0' && set_ident(writer, info->ident, NULL) != LNF_OK) {
        /* Too long or not printable in an old file: better no name than one nfdump refuses. */
        memcpy(writer->ident, IDENT_NONE, sizeof(IDENT_NONE));
    }

    if (pread(writer->fd, writer->header, sizeof(writer->header), 0) != sizeof(writer->header) ||
        !count_blocks(writer)) {
        lnf_error_set(error, writer->end, "%s: data blocks do not end where the header says",
                      writer->path);
        return LNF_ERR_CORRUPT;
    }
    /* First the header: from here on a crash leaves a file that a recovery scan reads. */
    if (!write_header(writer, 0) || !cut_file(writer->fd, writer->end)) {
        return write_failed(writer, "the file header", error);
    }
    return LNF_OK;
}

/** Whether the path still leads to the file that is open. */
static bool same_file(const lnf_writer_t *writer, const lnf_input_t *input)
{
    struct stat mine, other;

    return fstat(writer->fd, &mine) == 0 && lnf_input_fstat(input, &other) == 0 &&
           is_same_inode(&mine, &other);
}

/** Continues the open file. It is read under the lock: its last writer may just have closed it. */
static int continue_file(lnf_writer_t *writer, struct lnf_error *error)
{
    lnf_input_t *input = NULL;
    struct stat st;

    /* Missing until now, or never written to by a writer that died. */
    if (fstat(writer->fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0) {
        return begin_file(writer, error);
    }
    int status = lnf_input_open_regular(writer->path, NULL, NULL, &input, error);
    if (status == LNF_OK && !same_file(writer, input)) {
        lnf_error_set(error, 0, "%s: replaced by another file at this moment", writer->path);
        status = LNF_ERR_OTHER;
    }
    if (status == LNF_OK && lnf_input_info(input)->stat_starved) {
        lnf_error_set(error, 0, "%s: no memory", writer->path);
        status = LNF_ERR_NOMEM;
    } else if (status == LNF_OK) {
        status = adopt_file(writer, lnf_input_info(input), error);
    } else if (status == LNF_ERR_READ) {
        status = LNF_ERR_WRITE;
    }
    lnf_input_close(input);
    return status;
}

static bool prepare_buffer(lnf_writer_t *writer)
{
    if (writer->compressor.codec == LNF_CODEC_NONE) {
        return true;
    }
    writer->packed_size = lnf_compress_bound(writer->compressor.codec, LNF_BLOCK_CAPACITY);
    writer->packed = malloc(writer->packed_size);
    return writer->packed != NULL;
}

static void writer_free(lnf_writer_t *writer)
{
    if (writer->fd >= 0) {
        close(writer->fd);
    }
    lnf_index_maker_destroy(writer->maker);
    lnf_compressor_clear(&writer->compressor);
    free(writer->packed);
    free(writer->path);
    free(writer);
}

int lnf_writer_open(const char *path, enum lnf_codec codec, const char *ident, bool append,
                    lnf_writer_t **writer, struct lnf_error *error)
{
    lnf_writer_t *w = calloc(1, sizeof(*w));
    if (w == NULL) {
        lnf_error_set(error, 0, "%s: no memory", path);
        return LNF_ERR_NOMEM;
    }
    w->fd = -1;
    w->compressor.codec = codec;
    lnf_stat_init(&w->stat);
    w->path = strdup(path);

    int status = w->path == NULL ? LNF_ERR_NOMEM : set_ident(w, ident, error);
    if (status == LNF_OK) {
        status = check_codec(w, error);
    }
    if (status == LNF_OK) {
        status = open_locked(w, error);
    }
    if (status == LNF_OK) {
        status = append ? continue_file(w, error) : begin_file(w, error);
    }
    if (status == LNF_OK) {
        lnf_index_drop(path);
    }
    if (status == LNF_OK && !prepare_buffer(w)) {
        status = LNF_ERR_NOMEM;
    }
    if (status != LNF_OK) {
        if (status == LNF_ERR_NOMEM) {
            lnf_error_set(error, 0, "%s: no memory", path);
        }
        writer_free(w);
        return status;
    }
    *writer = w;
    return LNF_OK;
}

int lnf_writer_set_level(lnf_writer_t *writer, int level, struct lnf_error *error)
{
    struct lnf_error reason;

    if (lnf_codec_check_level(writer->compressor.codec, level, &reason) != LNF_OK) {
        lnf_error_set(error, 0, "%s: %s", writer->path, reason.text);
        return LNF_ERR_OTHER;
    }
    lnf_compressor_clear(&writer->compressor);
    writer->compressor.level = level;
    return LNF_OK;
}

/* ---- index ----------------------------------------------------------------------------------- */

int lnf_writer_use_index(lnf_writer_t *writer, const struct lnf_index_options *options)
{
    if (options != NULL) {
        writer->index_options = *options;
    }
    if (writer->blocks == 0) {
        writer->maker = lnf_index_maker_create(options);
        if (writer->maker == NULL) {
            return LNF_ERR_NOMEM;
        }
    }
    writer->indexed = true;
    return LNF_OK;
}

static void index_failed(lnf_writer_t *writer, const char *text)
{
    writer->indexed = false;
    lnf_index_maker_destroy(writer->maker);
    writer->maker = NULL;
    if (writer->index_options.failed != NULL) {
        writer->index_options.failed(writer->index_options.context, text);
    }
}

static void index_block(lnf_writer_t *writer, const lnf_block_t *block, uint64_t written)
{
    struct lnf_block_ref ref = {.offset = writer->end,
                                .records = block->records,
                                .stored_size = (uint32_t)(written - LNF_BLOCK_HEADER_SIZE),
                                .type = LNF_BLOCK_FLOWS};

    if (writer->maker != NULL &&
        !lnf_index_maker_add(writer->maker, &ref, block->data, block->used)) {
        index_failed(writer, "no memory for the index");
    }
}

/** The flow file is complete and closed. */
static void write_index(lnf_writer_t *writer)
{
    struct lnf_error error;
    int status;

    if (writer->maker != NULL) {
        status = lnf_index_maker_finish(writer->maker, writer->path, NULL, &error);
    } else {
        status = lnf_index_make(writer->path, &writer->index_options, &error);
    }
    if (status != LNF_OK) {
        index_failed(writer, error.text);
    }
}

/* ---- blocks and closing ---------------------------------------------------------------------- */

/** A block was appended. */
static void count_block(lnf_writer_t *writer, const lnf_block_t *block, uint64_t written)
{
    index_block(writer, block, written);
    writer->end += written;
    writer->blocks++;
    lnf_stat_add(&writer->stat, &block->stat);
}

int lnf_writer_put(lnf_writer_t *writer, const lnf_block_t *block, struct lnf_error *error)
{
    uint64_t written = 0;

    if (block->records == 0) {
        return LNF_OK;
    }
    int status = append_block(writer, block->records, block->data, block->used, &written, error);
    if (status == LNF_OK) {
        count_block(writer, block, written);
    }
    return status;
}

bool lnf_writer_takes(const lnf_writer_t *writer, const struct lnf_origin_block *stored)
{
    return stored->stored_size > 0 && stored->codec == writer->compressor.codec &&
           writer->compressor.level == LNF_LEVEL_DEFAULT &&
           stored->stored_size <= lnf_compress_bound(stored->codec, stored->size);
}

int lnf_writer_put_copy(lnf_writer_t *writer, const lnf_block_t *block,
                        const struct lnf_origin_block *stored, struct lnf_error *error)
{
    uint64_t written = 0;
    int status = append_stored(writer, block->records, stored->buffer.stored, stored->stored_size,
                               &written, error);

    if (status == LNF_OK) {
        count_block(writer, block, written);
    }
    return status;
}

void lnf_writer_count_failures(lnf_writer_t *writer, uint64_t sequence_failures)
{
    writer->stat.sequence_failures += sequence_failures;
}

const struct lnf_stat *lnf_writer_stat(const lnf_writer_t *writer)
{
    return &writer->stat;
}

uint64_t lnf_writer_blocks(const lnf_writer_t *writer)
{
    return writer->blocks;
}

enum lnf_codec lnf_writer_codec(const lnf_writer_t *writer)
{
    return writer->compressor.codec;
}

const char *lnf_writer_ident(const lnf_writer_t *writer)
{
    return writer->ident;
}

int lnf_writer_close(lnf_writer_t *writer, struct lnf_error *error)
{
    if (writer == NULL) {
        return LNF_OK;
    }

    int status = write_appendix(writer, error);
    if (status == LNF_OK && !write_header(writer, writer->end)) {
        status = write_failed(writer, "the file header", error);
    }
    /* Some file systems report a full disk only here. */
    if (close(writer->fd) != 0 && status == LNF_OK) {
        status = write_failed(writer, "the end of the file", error);
    }
    writer->fd = -1;
    if (status == LNF_OK && writer->indexed) {
        write_index(writer);
    }
    writer_free(writer);
    return status;
}
