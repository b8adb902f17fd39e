/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Flow files for reading: where the blocks are and how they come into memory.
 *
 * A file its writer closed has an appendix behind the data blocks; its place ends the data. Without
 * a usable appendix (crash, still open, truncated copy) the headers of the blocks are followed from
 * the first one until something cannot be a block: everything before is used.
 */
#include "file.h"

#include "compress.h"
#include "error.h"
#include "layout1.h"
#include "spool.h"
#include "stat.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libnf.h>
#include <libnf/bytes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define IDENT_SIZE 128u
/** Smallest record, so that a block header cannot promise more of them than fit. */
#define RECORD_SIZE_MIN 4u
#define BLOCK_FLAGS_MAX 7u
/** Ident, statistics and what later versions may add: blocks with more records are no appendix. */
#define APPENDIX_RECORDS_MAX 16u

struct lnf_input {
    int fd;
    char *path;
    lnf_problem_fn *problem;
    void *context;

    struct lnf_input_info info;
    char ident[IDENT_SIZE];
    uint64_t file_size;
    uint64_t data_start;      /* offset of the first block */
    uint64_t offset_appendix; /* as the header says; 0 = none */
    uint32_t header_blocks;   /* data blocks as the header says */
    bool appendix_used;       /* ident and statistics come from the appendix */
    bool strict;              /* no appendix bounds the data: a block header must look like one */
    bool stat_stored;         /* info.stat is what the writer stored */

    pthread_mutex_t lock; /* guards what follows, and info.stat until it is computed */
    bool stat_computed;
    uint64_t next_offset; /* of the block to claim */
    uint64_t next_number;
    uint64_t seen_blocks; /* of all types */
    bool ended;           /* the end was reported */

    struct lnf_block_pick *picks; /* the blocks to hand out; NULL = all */
    size_t pick_count;
    size_t next_pick;    /* or, without picks, blocks handed out */
    uint64_t next_order; /* of the next block handed out */

    lnf_layout1_t *layout1; /* extension maps of a file with layout 1 blocks; NULL = none seen */
};

/* ---- reading and reporting ------------------------------------------------------------------- */

/** Reads exactly `size` octets; false with errno, which is 0 when the file ends before. */
static bool read_at(const lnf_input_t *input, uint64_t offset, uint8_t *to, size_t size)
{
    while (size > 0) {
        ssize_t got = pread(input->fd, to, size, (off_t)offset);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            errno = got < 0 ? errno : 0;
            return false;
        }
        to += got;
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    return true;
}

void lnf_input_report(lnf_input_t *input, enum lnf_problem_kind kind, uint64_t offset,
                      uint64_t count, const char *text)
{
    if (input->problem != NULL) {
        struct lnf_problem problem = {
            .kind = kind, .path = input->info.path, .offset = offset, .count = count, .text = text};
        input->problem(input->context, &problem);
    }
}

/** Reports a damaged block and makes the same the error of the call. */
static int report_block(lnf_input_t *input, uint64_t offset, struct lnf_error *error,
                        const char *text)
{
    lnf_input_report(input, LNF_PROBLEM_BLOCK, offset, 1, text);
    lnf_error_set(error, offset, "%s: %s at offset %" PRIu64, input->info.path, text, offset);
    return LNF_ERR_CORRUPT;
}

static int read_failed(const lnf_input_t *input, uint64_t offset, struct lnf_error *error)
{
    lnf_error_set(error, offset, "%s: cannot read at offset %" PRIu64 ": %s", input->info.path,
                  offset, errno == 0 ? "unexpected end of the file" : strerror(errno));
    return LNF_ERR_READ;
}

/* ---- block headers --------------------------------------------------------------------------- */

struct block_header {
    uint32_t records;
    uint32_t size;
    uint16_t type;
    uint16_t flags;
};

enum header_result { HEADER_OK, HEADER_BAD, HEADER_READ_ERROR };

/** Reads the header at `offset` and decides whether the block can be one and lies before `end`. */
static enum header_result read_block_header(const lnf_input_t *input, uint64_t offset, uint64_t end,
                                            struct block_header *header)
{
    uint8_t octets[LNF_BLOCK_HEADER_SIZE];

    if (end - offset < sizeof(octets)) {
        return HEADER_BAD;
    }
    if (!read_at(input, offset, octets, sizeof(octets))) {
        return errno == 0 ? HEADER_BAD : HEADER_READ_ERROR;
    }
    struct lnf_reader r = lnf_reader_init(octets, sizeof(octets));
    header->records = lnf_read_u32_le(&r);
    header->size = lnf_read_u32_le(&r);
    header->type = lnf_read_u16_le(&r);
    header->flags = lnf_read_u16_le(&r);

    if (header->size == 0 || header->size > LNF_BLOCK_LIMIT ||
        header->size > end - offset - sizeof(octets)) {
        return HEADER_BAD;
    }
    if (input->strict &&
        (header->records == 0 || header->records > LNF_BLOCK_LIMIT / RECORD_SIZE_MIN ||
         header->type == 0 || header->type > LNF_BLOCK_ARRAY || header->flags > BLOCK_FLAGS_MAX)) {
        return HEADER_BAD;
    }
    return HEADER_OK;
}

/** Allocates the buffer's part once; false without memory. Untouched pages cost nothing. */
static bool buffer_part(uint8_t **part, size_t size)
{
    if (*part == NULL) {
        *part = malloc(size);
    }
    return *part != NULL;
}

/** Reads a block and undoes its compression. *reason: what is wrong with it (LNF_ERR_CORRUPT). */
static int load_plain(const lnf_input_t *input, const struct lnf_block_ref *block,
                      struct lnf_block_buffer *buffer, const uint8_t **records, size_t *size,
                      const char **reason)
{
    *reason = "block is larger than any reader accepts";
    if (block->stored_size > LNF_BLOCK_LIMIT) {
        return LNF_ERR_CORRUPT;
    }
    if (!buffer_part(&buffer->stored, LNF_BLOCK_LIMIT)) {
        return LNF_ERR_NOMEM;
    }
    if (!read_at(input, block->offset + LNF_BLOCK_HEADER_SIZE, buffer->stored,
                 block->stored_size)) {
        *reason = "block ends behind the end of the file";
        return errno == 0 ? LNF_ERR_CORRUPT : LNF_ERR_READ;
    }
    buffer->exact = false;
    if (input->info.codec == LNF_CODEC_NONE) {
        *records = buffer->stored;
        *size = block->stored_size;
        return LNF_OK;
    }

    if (!buffer_part(&buffer->records, LNF_BLOCK_LIMIT)) {
        return LNF_ERR_NOMEM;
    }
    *records = buffer->records;
    *size = lnf_decompress(input->info.codec, buffer->stored, block->stored_size, buffer->records,
                           LNF_BLOCK_LIMIT, &buffer->exact);
    *reason = "block cannot be decompressed";
    return *size > 0 ? LNF_OK : LNF_ERR_CORRUPT;
}

/** Brings a block into records of layout 2, whatever it was. */
static int load_block(lnf_input_t *input, const struct lnf_block_ref *block,
                      struct lnf_block_buffer *buffer, const uint8_t **records, size_t *size,
                      const char **reason)
{
    int status = load_plain(input, block, buffer, records, size, reason);

    if (status != LNF_OK || block->type != LNF_BLOCK_LAYOUT1) {
        return status;
    }
    return lnf_layout1_convert(input->layout1, block->number, *records, *size, buffer, records,
                               size, reason);
}

/* ---- appendix -------------------------------------------------------------------------------- */

/** Takes the text of an ident record up to its NUL. */
static void take_ident(char ident[IDENT_SIZE], const uint8_t *text, size_t size)
{
    size = size < IDENT_SIZE - 1 ? size : IDENT_SIZE - 1;
    size_t length = strnlen((const char *)text, size);

    memcpy(ident, text, length);
    ident[length] = '\0';
}

/** Takes the 18 counters of a statistics record. */
static void take_stat(struct lnf_stat *stat, struct lnf_reader *r)
{
    stat->flows = lnf_read_u64_le(r);
    stat->bytes = lnf_read_u64_le(r);
    stat->packets = lnf_read_u64_le(r);
    for (int i = 0; i < LNF_STAT_CLASSES; i++) {
        stat->class_flows[i] = lnf_read_u64_le(r);
    }
    for (int i = 0; i < LNF_STAT_CLASSES; i++) {
        stat->class_bytes[i] = lnf_read_u64_le(r);
    }
    for (int i = 0; i < LNF_STAT_CLASSES; i++) {
        stat->class_packets[i] = lnf_read_u64_le(r);
    }
    stat->first_ms = lnf_read_u64_le(r);
    stat->last_ms = lnf_read_u64_le(r);
    stat->sequence_failures = lnf_read_u64_le(r);
    if (stat->first_ms >= LNF_STAT_FIRST_UNKNOWN || (stat->first_ms == 0 && stat->last_ms == 0)) {
        stat->first_ms = UINT64_MAX;
    }
}

/** What an appendix holds; each part may be missing. */
struct appendix {
    bool has_ident, has_stat;
    char ident[IDENT_SIZE];
    struct lnf_stat stat;
};

/**
 * Reads ident and statistics out of a decompressed block.
 *
 * @return whether it is an appendix: at least one of its records and no record of flows
 */
static bool parse_appendix(struct appendix *appendix, const uint8_t *records, size_t size)
{
    struct lnf_reader block = lnf_reader_init(records, size);

    appendix->has_ident = appendix->has_stat = false;

    while (lnf_reader_left(&block) > 0) {
        uint16_t type = lnf_read_u16_le(&block);
        uint16_t record_size = lnf_read_u16_le(&block);
        const uint8_t *data =
            record_size < 4 ? NULL : lnf_read_bytes(&block, record_size - (size_t)4);
        if (data == NULL || type < LNF_RECORD_IDENT) {
            return false;
        }
        if (type == LNF_RECORD_IDENT) {
            take_ident(appendix->ident, data, record_size - (size_t)4);
            appendix->has_ident = true;
        } else if (type == LNF_RECORD_STAT && record_size == LNF_RECORD_STAT_SIZE) {
            struct lnf_reader r = lnf_reader_init(data, record_size - (size_t)4);
            take_stat(&appendix->stat, &r);
            appendix->has_stat = true;
        }
    }
    return appendix->has_ident || appendix->has_stat;
}

/** Takes over what a block holds that is an appendix as a whole; false when it is none. */
static bool take_appendix(lnf_input_t *input, const uint8_t *records, size_t size)
{
    struct appendix appendix;

    if (!parse_appendix(&appendix, records, size)) {
        return false;
    }
    if (appendix.has_ident) {
        memcpy(input->ident, appendix.ident, IDENT_SIZE);
    }
    if (appendix.has_stat) {
        input->info.stat = appendix.stat;
        input->stat_computed = true;
    }
    return true;
}

/** Tries the block at `offset` as appendix. LNF_OK, LNF_EOF when it is none, or an error. */
static int try_appendix(lnf_input_t *input, uint64_t offset, const struct block_header *header)
{
    struct lnf_block_buffer buffer = {0};
    struct lnf_block_ref block = {.offset = offset, .stored_size = header->size};
    const uint8_t *records = NULL;
    const char *reason = NULL;
    size_t size = 0;

    int status = load_plain(input, &block, &buffer, &records, &size, &reason);
    if (status == LNF_OK) {
        status = take_appendix(input, records, size) ? LNF_OK : LNF_EOF;
    } else if (status == LNF_ERR_CORRUPT) {
        status = LNF_EOF;
    }
    lnf_block_buffer_clear(&buffer);
    return status;
}

static void check_stat(lnf_input_t *input)
{
    const struct lnf_stat *stat = &input->info.stat;
    uint64_t sum = 0;

    for (int i = 0; i < LNF_STAT_CLASSES; i++) {
        sum += stat->class_flows[i];
    }
    if (sum != stat->flows) {
        lnf_input_report(input, LNF_PROBLEM_STATISTICS, input->offset_appendix, 1,
                         "stored statistics: flows by protocol do not add up to all flows");
    }
}

/** Reads the appendix the header points to; false when the data has to be searched instead. */
static bool open_appendix(lnf_input_t *input, int *status)
{
    struct block_header header;
    uint64_t offset = input->offset_appendix;

    *status = LNF_OK;
    if (offset < LNF_FILE_HEADER_SIZE || offset >= input->file_size) {
        return false;
    }
    input->strict = true;
    enum header_result result = read_block_header(input, offset, input->file_size, &header);
    if (result == HEADER_OK && header.records <= APPENDIX_RECORDS_MAX) {
        *status = try_appendix(input, offset, &header);
    } else {
        *status = result == HEADER_READ_ERROR ? LNF_ERR_READ : LNF_EOF;
    }
    input->strict = false;
    if (*status != LNF_OK) {
        return false;
    }

    input->appendix_used = true;
    input->info.data_end = offset;
    input->info.blocks = input->header_blocks;
    if (!input->stat_computed) {
        lnf_input_report(input, LNF_PROBLEM_STATISTICS, offset, 1,
                         "the appendix has no statistics; computed from the records");
    } else {
        check_stat(input);
    }
    return true;
}

/**
 * Follows the block headers to find where the data ends. A last block of ident and statistics is
 * the appendix of a writer that died before it finished the file header.
 */
static int search_end(lnf_input_t *input)
{
    uint64_t offset = input->data_start;
    struct block_header header;

    input->strict = true;
    while (offset < input->file_size) {
        enum header_result result = read_block_header(input, offset, input->file_size, &header);
        if (result == HEADER_READ_ERROR) {
            return LNF_ERR_READ;
        }
        if (result == HEADER_BAD) {
            break;
        }
        if (header.records <= APPENDIX_RECORDS_MAX && header.type == LNF_BLOCK_FLOWS) {
            int status = try_appendix(input, offset, &header);
            if (status == LNF_OK) {
                input->appendix_used = true;
                break;
            }
            if (status != LNF_EOF) {
                return status;
            }
        }
        offset += LNF_BLOCK_HEADER_SIZE + header.size;
        input->info.blocks++;
    }
    input->info.data_end = offset;
    return LNF_OK;
}

/* ---- opening --------------------------------------------------------------------------------- */

static int refuse(const lnf_input_t *input, uint64_t offset, struct lnf_error *error,
                  const char *text)
{
    lnf_error_set(error, offset, "%s: %s", input->info.path, text);
    return LNF_ERR_CORRUPT;
}

static int check_codec(lnf_input_t *input, unsigned codec, struct lnf_error *error)
{
    if (codec > LNF_CODEC_ZSTD) {
        lnf_error_set(error, 16, "%s: unknown compression %u", input->info.path, codec);
        return LNF_ERR_CORRUPT;
    }
    input->info.codec = (enum lnf_codec)codec;
    if (!lnf_codec_available(input->info.codec)) {
        lnf_error_set(error, 16, "%s: compressed with %s, which this build of libnf cannot read",
                      input->info.path, lnf_codec_name(input->info.codec));
        return LNF_ERR_CORRUPT;
    }
    return LNF_OK;
}

static int open_layout2(lnf_input_t *input, const uint8_t *header, struct lnf_error *error)
{
    struct lnf_reader r = lnf_reader_init(header, LNF_FILE_HEADER_SIZE);
    int status;

    lnf_read_skip(&r, 16);
    unsigned codec = lnf_read_u8(&r);
    unsigned encryption = lnf_read_u8(&r);
    unsigned appendix_blocks = lnf_read_u16_le(&r);
    lnf_read_skip(&r, 4);
    uint64_t offset_appendix = lnf_read_u64_le(&r);
    lnf_read_skip(&r, 4);
    input->header_blocks = lnf_read_u32_le(&r);

    if (encryption != 0) {
        return refuse(input, 17, error, "encrypted flow files cannot be read");
    }
    status = check_codec(input, codec, error);
    if (status != LNF_OK) {
        return status;
    }

    input->data_start = LNF_FILE_HEADER_SIZE;
    input->info.finished = appendix_blocks != 0;
    input->offset_appendix = appendix_blocks != 0 ? offset_appendix : 0;
    if (input->info.finished) {
        if (open_appendix(input, &status)) {
            return LNF_OK;
        }
        if (status == LNF_ERR_NOMEM || status == LNF_ERR_READ) {
            return status == LNF_ERR_READ ? read_failed(input, offset_appendix, error) : status;
        }
        lnf_input_report(input, LNF_PROBLEM_STATISTICS, offset_appendix, 1,
                         offset_appendix < input->file_size
                             ? "no readable appendix where the header says; blocks are searched"
                             : "the file was cut before its appendix; blocks are searched");
    }
    status = search_end(input);
    return status == LNF_ERR_READ ? read_failed(input, input->data_start, error) : status;
}

/** Statistics of layout 1: seconds and milliseconds apart, 32 bits of sequence failures. */
static void take_layout1_stat(struct lnf_stat *stat, const uint8_t *octets)
{
    struct lnf_reader r = lnf_reader_init(octets, LNF_LAYOUT1_STAT_SIZE);
    uint64_t *const groups[] = {stat->class_flows, stat->class_bytes, stat->class_packets};

    stat->flows = lnf_read_u64_le(&r);
    stat->bytes = lnf_read_u64_le(&r);
    stat->packets = lnf_read_u64_le(&r);
    for (unsigned g = 0; g < 3; g++) {
        for (unsigned i = 0; i < LNF_STAT_CLASSES; i++) {
            groups[g][i] = lnf_read_u64_le(&r);
        }
    }
    uint64_t first = lnf_read_u32_le(&r);
    uint64_t last = lnf_read_u32_le(&r);
    stat->first_ms = first * 1000 + lnf_read_u16_le(&r);
    stat->last_ms = last * 1000 + lnf_read_u16_le(&r);
    stat->sequence_failures = lnf_read_u32_le(&r);
    if (stat->first_ms == LNF_LAYOUT1_FIRST_UNKNOWN ||
        (stat->first_ms == 0 && stat->last_ms == 0)) {
        stat->first_ms = UINT64_MAX;
    }
}

static int open_layout1(lnf_input_t *input, struct lnf_error *error)
{
    uint8_t header[LNF_LAYOUT1_HEADER_SIZE + LNF_LAYOUT1_STAT_SIZE];
    unsigned codec;

    if (input->file_size < sizeof(header)) {
        return refuse(input, 0, error, "too short for a flow file of layout 1 (nfdump 1.6)");
    }
    if (!read_at(input, 0, header, sizeof(header))) {
        return read_failed(input, 0, error);
    }
    struct lnf_reader r = lnf_reader_init(header, sizeof(header));
    lnf_read_skip(&r, 4);
    uint32_t flags = lnf_read_u32_le(&r);
    input->header_blocks = lnf_read_u32_le(&r);
    if (!lnf_layout1_codec(flags, &codec)) {
        return refuse(input, 4, error, "header names more than one compression");
    }
    int status = check_codec(input, codec, error);
    if (status != LNF_OK) {
        return status;
    }

    take_ident(input->ident, header + 12, IDENT_SIZE);
    input->info.anonymised = (flags & LNF_LAYOUT1_FLAG_ANONYMISED) != 0;
    input->info.finished = input->header_blocks != 0;
    input->data_start = sizeof(header);
    take_layout1_stat(&input->info.stat, header + LNF_LAYOUT1_HEADER_SIZE);
    status = search_end(input);
    if (status == LNF_ERR_READ) {
        return read_failed(input, input->data_start, error);
    }
    /* Written to a pipe: neither blocks nor statistics were filled in. */
    input->stat_computed = input->info.finished || input->info.blocks == 0;
    if (input->info.blocks == 0) {
        if (input->info.finished) { /* cut before its first block */
            lnf_stat_init(&input->info.stat);
        }
        input->info.finished = true;
    }
    return status;
}

static int read_header(lnf_input_t *input, struct lnf_error *error)
{
    uint8_t header[LNF_FILE_HEADER_SIZE];

    if (input->file_size < sizeof(header)) {
        lnf_error_set(error, 0, "%s: %s (%" PRIu64 " octets)", input->info.path,
                      input->file_size == 0 ? "empty, not a flow file"
                                            : "too short for a flow file",
                      input->file_size);
        return LNF_ERR_CORRUPT;
    }
    if (!read_at(input, 0, header, sizeof(header))) {
        return read_failed(input, 0, error);
    }
    struct lnf_reader r = lnf_reader_init(header, sizeof(header));
    uint16_t magic = lnf_read_u16_le(&r);
    input->info.layout = lnf_read_u16_le(&r);

    if (magic == LNF_FILE_MAGIC_SWAPPED) {
        return refuse(input, 0, error, "written on a machine with the other byte order");
    }
    if (magic != LNF_FILE_MAGIC) {
        return refuse(input, 0, error, "not a flow file (wrong magic number)");
    }
    switch (input->info.layout) {
    case 1:
        return open_layout1(input, error);
    case LNF_FILE_LAYOUT:
        return open_layout2(input, header, error);
    case 3:
        return refuse(input, 2, error, "file layout 3 (nfdump 1.8) is not supported");
    default:
        lnf_error_set(error, 2, "%s: unknown file layout %u", input->info.path, input->info.layout);
        return LNF_ERR_CORRUPT;
    }
}

/** What may be opened by its name. */
enum opening {
    OPEN_REGULAR, /* nothing that could make the caller wait for somebody */
    OPEN_ANY      /* a named pipe, too, whose writer is waited for */
};

/**
 * Opens the file, or a copy of a pipe; sets fd and file_size.
 *
 * @return NULL; else what is wrong, without the path
 */
static const char *open_file(lnf_input_t *input, const char *path, enum opening opening)
{
    /* Somebody may have put a FIFO there since the caller looked: opening it would wait. */
    int flags = O_RDONLY | O_CLOEXEC | (opening == OPEN_REGULAR ? O_NONBLOCK : 0);
    struct stat st;

    input->fd = path == NULL ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : open(path, flags);
    if (input->fd < 0 || fstat(input->fd, &st) != 0) {
        return strerror(errno);
    }
    if (S_ISDIR(st.st_mode)) {
        return strerror(EISDIR);
    }
    if (!S_ISREG(st.st_mode)) {
        if (path != NULL && (opening == OPEN_REGULAR || !S_ISFIFO(st.st_mode))) {
            return "not a regular file";
        }
        int copy = lnf_spool(input->fd);
        if (copy < 0) {
            return strerror(errno);
        }
        close(input->fd);
        input->fd = copy;
        if (fstat(input->fd, &st) != 0) {
            return strerror(errno);
        }
    }
    input->file_size = (uint64_t)st.st_size;
    (void)posix_fadvise(input->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return NULL;
}

/** Block source of layout 1: reads an earlier block for the extension maps in it. */
static int load_for_maps(void *context, uint64_t offset, uint32_t stored_size,
                         struct lnf_block_buffer *buffer, const uint8_t **records, size_t *size)
{
    struct lnf_block_ref block = {.offset = offset, .stored_size = stored_size};
    const char *reason = NULL;

    return load_plain(context, &block, buffer, records, size, &reason);
}

static int open_input(const char *path, enum opening opening, lnf_problem_fn *problem,
                      void *context, lnf_input_t **input, struct lnf_error *error)
{
    int status = LNF_ERR_NOMEM;

    lnf_input_t *in = calloc(1, sizeof(*in));
    if (in == NULL) {
        lnf_error_set(error, 0, "no memory");
        return LNF_ERR_NOMEM;
    }
    in->fd = -1;
    in->problem = problem;
    in->context = context;
    lnf_stat_init(&in->info.stat);
    pthread_mutex_init(&in->lock, NULL);
    in->path = strdup(path == NULL ? "-" : path);
    in->layout1 = lnf_layout1_create(load_for_maps, in);
    if (in->path == NULL || in->layout1 == NULL) {
        lnf_error_set(error, 0, "no memory");
        goto fail;
    }
    in->info.path = in->path;
    in->info.ident = in->ident;

    const char *reason = open_file(in, path, opening);
    if (reason != NULL) {
        lnf_error_set(error, 0, "%s: %s", in->path, reason);
        status = LNF_ERR_READ;
        goto fail;
    }
    status = read_header(in, error);
    if (status != LNF_OK) {
        goto fail;
    }
    lnf_layout1_anonymised(in->layout1, in->info.anonymised);
    in->stat_stored = in->stat_computed;
    in->next_offset = in->data_start;
    *input = in;
    return LNF_OK;

fail:
    lnf_input_close(in);
    return status;
}

int lnf_input_open(const char *path, lnf_problem_fn *problem, void *context, lnf_input_t **input,
                   struct lnf_error *error)
{
    return open_input(path, OPEN_ANY, problem, context, input, error);
}

int lnf_input_open_regular(const char *path, lnf_problem_fn *problem, void *context,
                           lnf_input_t **input, struct lnf_error *error)
{
    return open_input(path, OPEN_REGULAR, problem, context, input, error);
}

void lnf_input_close(lnf_input_t *input)
{
    if (input == NULL) {
        return;
    }
    if (input->fd >= 0) {
        close(input->fd);
    }
    lnf_layout1_destroy(input->layout1);
    free(input->picks);
    pthread_mutex_destroy(&input->lock);
    free(input->path);
    free(input);
}

/* ---- blocks ---------------------------------------------------------------------------------- */

/** Steps to the next block that was picked; false when none is left. */
static bool go_to_pick(lnf_input_t *input)
{
    if (input->next_pick == input->pick_count) {
        /* Neither octets nor blocks are missing at the end. */
        input->next_offset = input->info.data_end;
        input->seen_blocks = input->header_blocks;
        return false;
    }
    /* Layout 1 needs every block on the way: the maps in it are those of later blocks. */
    if (input->info.layout != 1) {
        input->next_offset = input->picks[input->next_pick].offset;
        input->next_number = input->picks[input->next_pick].number;
    }
    return true;
}

/** What was picked is no data block any more: goes on with the next one. False when blocks are not
 * picked, or not reached by their offsets. */
static bool next_pick_instead(lnf_input_t *input)
{
    bool picked = input->picks != NULL && input->info.layout != 1;

    input->next_pick += picked;
    return picked;
}

/** Claims under the lock. LNF_OK, LNF_EOF, LNF_ERR_READ; LNF_ERR_UNKBLOCK for an unknown block and
 * LNF_ERR_NOTSET for one nobody wants, both to be skipped. */
static int claim_locked(lnf_input_t *input, struct lnf_block_ref *block)
{
    struct block_header header;

    if (input->picks != NULL && !go_to_pick(input)) {
        return LNF_EOF;
    }
    if (input->next_offset >= input->info.data_end) {
        return LNF_EOF;
    }
    block->offset = input->next_offset;
    switch (read_block_header(input, input->next_offset, input->info.data_end, &header)) {
    case HEADER_READ_ERROR:
        return LNF_ERR_READ;
    case HEADER_BAD:
        block->type = 0;
        return next_pick_instead(input) ? LNF_ERR_UNKBLOCK : LNF_EOF;
    case HEADER_OK:
        break;
    }

    input->next_offset += LNF_BLOCK_HEADER_SIZE + header.size;
    input->seen_blocks++;
    block->records = header.records;
    block->stored_size = header.size;
    block->type = header.type;
    if (header.type != LNF_BLOCK_FLOWS && header.type != LNF_BLOCK_LAYOUT1) {
        (void)next_pick_instead(input);
        return LNF_ERR_UNKBLOCK;
    }
    block->number = input->next_number++;
    if (header.type == LNF_BLOCK_LAYOUT1 &&
        !lnf_layout1_add_block(input->layout1, block->number, block->offset, header.size)) {
        return LNF_ERR_NOMEM;
    }
    if (input->picks != NULL && input->picks[input->next_pick].number != block->number) {
        return LNF_ERR_NOTSET;
    }
    input->next_pick++;
    block->order = input->next_order++;
    return LNF_OK;
}

/** Reports, once, why the data ended where it did. Called without the lock. */
static void report_end(lnf_input_t *input, uint64_t offset, uint64_t seen)
{
    char text[160];
    bool layout1 = input->info.layout == 1;

    if (!input->info.finished && !layout1) {
        lnf_input_report(input, LNF_PROBLEM_UNFINISHED, 0, 1,
                         input->appendix_used
                             ? "the writer did not finish the header; all blocks are used"
                             : "the writer did not close the file; complete blocks are used");
    }
    uint64_t end = input->info.data_end;
    if (!input->appendix_used || offset < end) {
        end = offset < end ? end : input->file_size;
        if (end > offset) {
            (void)snprintf(text, sizeof(text),
                           "%" PRIu64 " octets after the last complete block are ignored",
                           end - offset);
            lnf_input_report(input, LNF_PROBLEM_TRUNCATED, offset, end - offset, text);
        }
    }
    if (input->info.finished && seen != input->header_blocks) {
        (void)snprintf(text, sizeof(text),
                       "the header counts %" PRIu32 " data blocks, the file has %" PRIu64,
                       input->header_blocks, seen);
        lnf_input_report(input, LNF_PROBLEM_STATISTICS, 0, 1, text);
    }
}

int lnf_input_claim(lnf_input_t *input, struct lnf_block_ref *block, struct lnf_error *error)
{
    for (;;) {
        pthread_mutex_lock(&input->lock);
        int status = claim_locked(input, block);
        int reason = errno;
        uint64_t offset = input->next_offset;
        uint64_t seen = input->seen_blocks;
        bool first_end = status == LNF_EOF && !input->ended;
        input->ended = input->ended || first_end;
        pthread_mutex_unlock(&input->lock);

        switch (status) {
        case LNF_ERR_UNKBLOCK:
            if (block->type != LNF_BLOCK_ARRAY) {
                (void)report_block(input, block->offset, NULL,
                                   block->type == LNF_BLOCK_NFDUMP15 ? LNF_TEXT_NFDUMP15
                                                                     : "block of an unknown type");
            }
            continue;
        case LNF_ERR_NOTSET:
            continue;
        case LNF_ERR_READ:
            errno = reason;
            return read_failed(input, offset, error);
        case LNF_EOF:
            if (first_end) {
                report_end(input, offset, seen);
            }
            return LNF_EOF;
        case LNF_ERR_NOMEM:
            lnf_error_set(error, offset, "%s: no memory", input->info.path);
            return status;
        default:
            return status;
        }
    }
}

int lnf_input_load(lnf_input_t *input, const struct lnf_block_ref *block,
                   struct lnf_block_buffer *buffer, const uint8_t **records, size_t *size,
                   struct lnf_error *error)
{
    const char *reason = NULL;
    int status = load_block(input, block, buffer, records, size, &reason);

    if (block->type == LNF_BLOCK_LAYOUT1 && lnf_layout1_overflowed(input->layout1)) {
        lnf_input_report(input, LNF_PROBLEM_RECORD, block->offset, 1,
                         "more extension maps than any writer needs; flows that use further ones "
                         "are skipped");
    }
    switch (status) {
    case LNF_ERR_CORRUPT:
        return report_block(input, block->offset, error, reason);
    case LNF_ERR_READ:
        return read_failed(input, block->offset, error);
    case LNF_ERR_NOMEM:
        lnf_error_set(error, block->offset, "%s: no memory for a block", input->info.path);
        return status;
    default:
        return status;
    }
}

void lnf_block_buffer_clear(struct lnf_block_buffer *buffer)
{
    free(buffer->stored);
    free(buffer->records);
    free(buffer->converted);
    *buffer = (struct lnf_block_buffer){0};
}

enum lnf_codec lnf_input_codec(const lnf_input_t *input)
{
    return input->info.codec;
}

int lnf_input_fstat(const lnf_input_t *input, struct stat *st)
{
    return fstat(input->fd, st);
}

uint64_t lnf_input_size(const lnf_input_t *input)
{
    return input->file_size;
}

/* ---- identity and choice --------------------------------------------------------------------- */

#define TAIL_SIZE_MAX 4096u

const char *lnf_input_path(const lnf_input_t *input)
{
    return input->info.path;
}

const char *lnf_input_ident(const lnf_input_t *input)
{
    return input->ident;
}

int lnf_input_identity(const lnf_input_t *input, struct lnf_identity *identity)
{
    uint8_t octets[TAIL_SIZE_MAX];
    uint64_t end = input->info.data_end;

    if (!input->info.finished || (input->info.layout != 1 && !input->appendix_used) ||
        end < input->data_start || end > input->file_size) {
        return LNF_EOF;
    }
    size_t head = (size_t)input->data_start;
    size_t tail =
        input->file_size - end < TAIL_SIZE_MAX ? (size_t)(input->file_size - end) : TAIL_SIZE_MAX;
    if (!read_at(input, 0, octets, head)) {
        return LNF_ERR_READ;
    }
    uLong checksum = crc32(0, octets, (uInt)head);
    if (!read_at(input, end, octets, tail)) {
        return LNF_ERR_READ;
    }
    identity->checksum = (uint32_t)crc32(checksum, octets, (uInt)tail);
    identity->size = input->file_size;
    identity->data_end = end;
    return LNF_OK;
}

void lnf_input_pick(lnf_input_t *input, struct lnf_block_pick *picks, size_t count)
{
    input->picks = picks;
    input->pick_count = count;
}

/* ---- facts ----------------------------------------------------------------------------------- */

bool lnf_input_has_stat(const lnf_input_t *input)
{
    return input->stat_stored;
}

/** Computes the statistics from the records of all readable blocks. Called with the lock held. */
static void compute_stat(lnf_input_t *input)
{
    struct lnf_block_buffer buffer = {0};
    struct block_header header;
    uint64_t offset = input->data_start;

    lnf_stat_init(&input->info.stat);
    for (uint64_t number = 0; offset < input->info.data_end;) {
        const uint8_t *records = NULL;
        const char *reason = NULL;
        size_t size = 0;

        if (read_block_header(input, offset, input->info.data_end, &header) != HEADER_OK) {
            break;
        }
        struct lnf_block_ref block = {.number = number,
                                      .offset = offset,
                                      .records = header.records,
                                      .stored_size = header.size,
                                      .type = header.type};
        offset += LNF_BLOCK_HEADER_SIZE + header.size;
        if (header.type != LNF_BLOCK_FLOWS && header.type != LNF_BLOCK_LAYOUT1) {
            continue;
        }
        number++;
        if (header.type == LNF_BLOCK_LAYOUT1 &&
            !lnf_layout1_add_block(input->layout1, block.number, block.offset, header.size)) {
            input->info.stat_starved = true;
            break;
        }
        int status = load_block(input, &block, &buffer, &records, &size, &reason);
        input->info.stat_starved = input->info.stat_starved || status == LNF_ERR_NOMEM;
        if (status == LNF_OK) {
            (void)lnf_stat_count_block(&input->info.stat, records, size, header.records);
        }
    }
    lnf_block_buffer_clear(&buffer);
}

const struct lnf_input_info *lnf_input_info(const lnf_input_t *input)
{
    /* Computing late does not change what the caller sees. */
    lnf_input_t *in = (lnf_input_t *)(uintptr_t)input;

    pthread_mutex_lock(&in->lock);
    if (!in->stat_computed) {
        compute_stat(in);
        in->stat_computed = true;
    }
    pthread_mutex_unlock(&in->lock);
    return &in->info;
}
