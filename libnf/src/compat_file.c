/* SPDX-License-Identifier: BSD-3-Clause */
/** Files of libnf.h: one record at a time on top of blocks. */
#include "block.h"
#include "compress.h"
#include "error.h"
#include "file.h"
#include "layout1.h"
#include "record.h"
#include "writer.h"

#include "element.h"

#include <errno.h>
#include <libnf.h>
#include <libnf/bytes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXPORTER_RECORD_SIZE 32u
#define RECORD_FLAG_ANONYMISED 0x04u
#define RECORD_FLAG_INTERNAL 0x80u /* nfdump's own while it filters; means nothing in files */
#define LOOP_INTERVAL_S 1u
#define NFDUMP_VERSION_TEXT "1.7.1"
#define COMPRESSION_FLAGS (LNF_COMP_LZO | LNF_COMP_BZ2 | LNF_COMP_LZ4 | LNF_COMP_ZSTD)
#define LEVEL_SHIFT 16u /* LNF_COMP_LEVEL() */

#define SYSID_COUNT 65536u

/** Exporters by the number flow records name them with. */
struct exporters {
    struct lnf_exporter *rows;
    unsigned count, room;
    uint16_t *by_sysid; /* place of a number's row + 1; 0 = free */
    unsigned last;      /* row of the record before */
    unsigned next_free; /* numbers from 1 to before it are taken: none gets free again */
};

struct lnf_file {
    unsigned flags;
    char *path; /* NULL = standard input */
    struct exporters exporters;

    /* Reading. */
    lnf_input_t *input;
    lnf_origin_t *stored[2]; /* the blocks read last; somebody may still write the one before */
    unsigned current;        /* the one being read */
    bool block_new;          /* no flow of it was read yet */
    struct lnf_reader block; /* records of the block not read yet */
    uint64_t block_end;      /* offset in the file behind that block */
    uint64_t processed_blocks;
    uint64_t flows;  /* given to the caller */
    int skipped;     /* weak error for a block passed over, which the caller does not know of yet */
    bool anonymised; /* a record said so */

    /* Writing. */
    lnf_writer_t *writer;
    lnf_block_t *open_block;
    lnf_origin_t *source; /* block the open one may become a copy of; owned, NULL = none */
    const struct lnf_origin_block *source_block;
    struct lnf_stat stat; /* of blocks and the open one; refreshed for lnf_info() */
};

static int fail(int status, const struct lnf_error *error)
{
    lnf_error_remember(error->text);
    return status;
}

static int fail_text(int status, const char *text)
{
    lnf_error_remember(text);
    return status;
}

/* ---- exporters ------------------------------------------------------------------------------- */

/** Adds a row for a number that has none; false without memory. */
static bool exporters_add(struct exporters *table, const struct lnf_exporter *exporter)
{
    if (table->by_sysid == NULL) {
        table->by_sysid = calloc(SYSID_COUNT, sizeof(table->by_sysid[0]));
        if (table->by_sysid == NULL) {
            return false;
        }
    }
    if (table->count == table->room) {
        unsigned room = table->room == 0 ? 16 : table->room * 2;
        struct lnf_exporter *rows = realloc(table->rows, room * sizeof(*rows));
        if (rows == NULL) {
            return false;
        }
        table->rows = rows;
        table->room = room;
    }
    table->rows[table->count++] = *exporter;
    table->by_sysid[exporter->sysid] = (uint16_t)table->count;
    return true;
}

static struct lnf_exporter *exporters_by_sysid(const struct exporters *table, uint16_t sysid)
{
    unsigned place = table->by_sysid == NULL ? 0 : table->by_sysid[sysid];

    return place == 0 ? NULL : &table->rows[place - 1];
}

static void exporters_clear(struct exporters *table)
{
    free(table->rows);
    free(table->by_sysid);
    *table = (struct exporters){0};
}

static bool same_exporter(const struct lnf_exporter *a, const struct lnf_exporter *b)
{
    return a->version == b->version && a->domain_id == b->domain_id &&
           memcmp(&a->address, &b->address, sizeof(a->address)) == 0;
}

static void set_ipv4(struct lnf_exporter *exporter, uint32_t address)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    memcpy(&exporter->address, &v4, sizeof(v4));
}

static void set_ipv6(struct lnf_exporter *exporter, const uint8_t octets[16])
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    memcpy(&v6.sin6_addr, octets, 16);
    memcpy(&exporter->address, &v6, sizeof(v6));
}

/** Address of an exporter record: two numbers with a family, or since 1.7.8 octets without one. */
static void parse_exporter_address(struct lnf_exporter *exporter, const uint8_t *octets,
                                   unsigned family)
{
    struct in6_addr plain;
    uint8_t swapped[16];

    if (family == 0) {
        memcpy(&plain, octets, sizeof(plain));
        if (IN6_IS_ADDR_V4MAPPED(&plain)) {
            set_ipv4(exporter, be32toh(lnf_load_u32(octets + 12)));
        } else {
            set_ipv6(exporter, octets);
        }
    } else if (family == AF_INET) {
        set_ipv4(exporter, le32toh(lnf_load_u32(octets + 8)));
    } else {
        lnf_store_u64(swapped, htobe64(le64toh(lnf_load_u64(octets))));
        lnf_store_u64(swapped + 8, htobe64(le64toh(lnf_load_u64(octets + 8))));
        set_ipv6(exporter, swapped);
    }
}

/** Remembers the exporter of an exporter record; a known number gets its new meaning. */
static void learn_exporter(lnf_file_t *file, const uint8_t *record, size_t size)
{
    struct lnf_exporter exporter = {0};

    if (size != EXPORTER_RECORD_SIZE) {
        return;
    }
    exporter.version = le32toh(lnf_load_u32(record + 4));
    exporter.sysid = le16toh(lnf_load_u16(record + 26));
    exporter.domain_id = le32toh(lnf_load_u32(record + 28));
    if (exporter.sysid == 0) {
        return; /* flow records say that they have none with it */
    }
    parse_exporter_address(&exporter, record + 8, le16toh(lnf_load_u16(record + 24)));

    struct lnf_exporter *known = exporters_by_sysid(&file->exporters, exporter.sysid);
    if (known != NULL) {
        *known = exporter;
    } else {
        (void)exporters_add(&file->exporters, &exporter);
    }
}

/* ---- opening --------------------------------------------------------------------------------- */

static bool codec_of_flags(unsigned flags, enum lnf_codec *codec)
{
    switch (flags & COMPRESSION_FLAGS) {
    case 0:
        *codec = LNF_CODEC_NONE;
        return true;
    case LNF_COMP_LZO:
        *codec = LNF_CODEC_LZO;
        return true;
    case LNF_COMP_BZ2:
        *codec = LNF_CODEC_BZ2;
        return true;
    case LNF_COMP_LZ4:
        *codec = LNF_CODEC_LZ4;
        return true;
    case LNF_COMP_ZSTD:
        *codec = LNF_CODEC_ZSTD;
        return true;
    default:
        return false;
    }
}

static int open_for_writing(lnf_file_t *file, const char *ident)
{
    struct lnf_error error;
    enum lnf_codec codec;

    if (file->path == NULL) {
        return fail_text(LNF_ERR_OTHER, "a flow file cannot be written to standard output");
    }
    if (!codec_of_flags(file->flags, &codec)) {
        return fail_text(LNF_ERR_OTHER, "only one compression can be chosen");
    }
    bool append = (file->flags & LNF_APPEND) != 0;
    int level = (int)(file->flags >> LEVEL_SHIFT);
    /* Before a file is made, replaced or continued. */
    if (lnf_codec_check_level(codec, level, &error) != LNF_OK) {
        return fail(LNF_ERR_OTHER, &error);
    }
    file->open_block = lnf_block_create();
    if (file->open_block == NULL) {
        return LNF_ERR_NOMEM;
    }
    int status = lnf_writer_open(file->path, codec, ident, append, &file->writer, &error);
    if (status != LNF_OK) {
        return fail(status == LNF_ERR_NOMEM ? status : LNF_ERR_OTHER, &error);
    }
    /* A file that is continued may have another codec, which then does its default. */
    if (lnf_writer_codec(file->writer) == codec) {
        (void)lnf_writer_set_level(file->writer, level, NULL);
    }
    return LNF_OK;
}

/** Notes blocks the engine passes over, so that lnf_read() can tell. */
static void note_problem(void *context, const struct lnf_problem *problem)
{
    lnf_file_t *file = context;

    if (problem->kind == LNF_PROBLEM_BLOCK && problem->offset >= file->block_end) {
        file->skipped =
            strcmp(problem->text, LNF_TEXT_NFDUMP15) == 0 ? LNF_ERR_COMPAT15 : LNF_ERR_UNKBLOCK;
        /* Not again when the file is opened once more to see whether it grew. */
        file->block_end = problem->offset + LNF_BLOCK_HEADER_SIZE;
    }
}

static int open_for_reading(lnf_file_t *file)
{
    struct lnf_error error;

    if (file->path == NULL && (file->flags & LNF_READ_LOOP) != 0) {
        return fail_text(LNF_ERR_OTHER, "standard input cannot be read in a loop");
    }
    int status = lnf_input_open(file->path, note_problem, file, &file->input, &error);
    if (status != LNF_OK) {
        return fail(status == LNF_ERR_NOMEM ? status : LNF_ERR_OTHER, &error);
    }
    return LNF_OK;
}

int lnf_open(lnf_file_t **file, const char *name, unsigned int flags, const char *ident)
{
    int status = LNF_ERR_NOMEM;

    lnf_file_t *f = calloc(1, sizeof(*f));
    if (f == NULL) {
        return fail_text(status, "no memory");
    }
    f->flags = flags;
    f->skipped = LNF_OK;
    if (name != NULL) {
        f->path = strdup(name);
        if (f->path == NULL) {
            goto fail;
        }
    }
    status =
        (flags & (LNF_WRITE | LNF_APPEND)) != 0 ? open_for_writing(f, ident) : open_for_reading(f);
    if (status != LNF_OK) {
        goto fail;
    }
    *file = f;
    return LNF_OK;

fail:
    if (status == LNF_ERR_NOMEM) {
        lnf_error_remember("no memory");
    }
    lnf_close(f);
    return status;
}

/* ---- reading --------------------------------------------------------------------------------- */

/** Whether records of this type may be in a file and say nothing about flows. */
static bool is_known_type(unsigned type)
{
    return (type >= 2 && type <= 15 && type != LNF_LAYOUT1_RECORD_FLOW) || type == 256 ||
           type == LNF_RECORD_IDENT || type == LNF_RECORD_STAT;
}

/** Tells the caller once that a block was passed over, else gives `status`. */
static int tell_skipped(lnf_file_t *file, int status)
{
    int skipped = file->skipped;

    if (skipped == LNF_OK) {
        return status;
    }
    file->skipped = LNF_OK;
    return fail_text(skipped, skipped == LNF_ERR_COMPAT15
                                  ? "a block of nfdump 1.5 was skipped"
                                  : "a block that cannot be read was skipped");
}

/** Reads a claimed block into the buffers nobody needs any more. */
static int load_block(lnf_file_t *file, const struct lnf_block_ref *block, struct lnf_error *error)
{
    const lnf_origin_t *last = file->stored[file->current];

    if (last != NULL && !lnf_origin_is_free(last)) {
        file->current = 1 - file->current;
    }
    struct lnf_origin_block *stored = lnf_origin_renew(&file->stored[file->current]);
    if (stored == NULL) {
        lnf_error_set(error, 0, "no memory");
        return LNF_ERR_NOMEM;
    }
    int status =
        lnf_input_load(file->input, block, &stored->buffer, &stored->records, &stored->size, error);
    if (status != LNF_OK) {
        return status;
    }
    /* What is hidden behind the records of a block does not get into a copy. */
    bool plain = stored->records == stored->buffer.records && stored->buffer.exact;
    stored->stored_size = plain ? block->stored_size : 0;
    stored->codec = lnf_input_codec(file->input);
    file->block = lnf_reader_init(stored->records, stored->size);
    file->block_new = true;
    return LNF_OK;
}

/** Makes the next block the current one. */
static int next_block(lnf_file_t *file)
{
    struct lnf_block_ref block;
    struct lnf_error error;

    int status = lnf_input_claim(file->input, &block, &error);
    if (status == LNF_EOF) {
        return tell_skipped(file, status);
    }
    if (status != LNF_OK) {
        return fail(status, &error);
    }
    uint64_t end = block.offset + LNF_BLOCK_HEADER_SIZE + block.stored_size;
    if (end <= file->block_end) {
        return LNF_OK; /* read before the file was opened again */
    }
    file->block_end = end;
    file->processed_blocks++;
    status = load_block(file, &block, &error);
    if (status != LNF_OK) {
        file->skipped = LNF_OK; /* this status tells it */
        return fail(status == LNF_ERR_CORRUPT ? LNF_ERR_UNKBLOCK : status, &error);
    }
    return tell_skipped(file, LNF_OK);
}

/** Opens the path again when the file grew or is another one; *changed: it was opened. */
static int reopen(lnf_file_t *file, const struct stat *before, const struct stat *now,
                  bool *changed)
{
    lnf_input_t *input = NULL;

    bool same = before->st_ino == now->st_ino && before->st_dev == now->st_dev;
    *changed = false;
    if (same && before->st_size == now->st_size) {
        return LNF_OK;
    }
    int status = lnf_input_open(file->path, note_problem, file, &input, NULL);
    if (status != LNF_OK) {
        /* Just created: not even a header yet. */
        return status == LNF_ERR_NOMEM ? status : LNF_OK;
    }
    lnf_input_close(file->input);
    file->input = input;
    file->block = (struct lnf_reader){0};
    if (!same || (uint64_t)now->st_size < file->block_end) {
        file->block_end = 0;
        file->flows = 0;
        exporters_clear(&file->exporters);
    }
    *changed = true;
    return LNF_OK;
}

/** Waits until there may be more to read; LNF_EOF when the name is gone. */
static int wait_for_more(lnf_file_t *file)
{
    struct stat before, now;
    bool changed = false;

    if (lnf_input_fstat(file->input, &before) != 0) {
        return fail_text(LNF_ERR_READ, "cannot look at the open file");
    }
    before.st_size = (off_t)lnf_input_size(file->input);
    while (!changed) {
        if (stat(file->path, &now) != 0) {
            return errno == ENOENT ? LNF_EOF : fail_text(LNF_ERR_READ, strerror(errno));
        }
        int status = reopen(file, &before, &now, &changed);
        if (status != LNF_OK) {
            return status;
        }
        if (!changed) {
            sleep(LOOP_INTERVAL_S);
        }
    }
    return LNF_OK;
}

/** Gives the caller a flow record with what is known of its exporter. */
static int give_flow(lnf_file_t *file, const uint8_t *octets, size_t size, lnf_rec_t *record)
{
    int status = lnf_rec_assign(record, octets, size);

    if (status != LNF_OK) {
        return status == LNF_ERR_CORRUPT
                   ? fail_text(LNF_ERR_UNKREC, "a damaged flow record was skipped")
                   : status;
    }
    lnf_rec_set_place(record, lnf_input_ident(file->input), ++file->flows);
    uint16_t sysid = le16toh(lnf_load_u16(octets + LNF_RECORD_OFFSET_EXPORTER));
    if (sysid != 0) {
        lnf_rec_set_exporter(record, exporters_by_sysid(&file->exporters, sysid));
    }
    if (file->block_new) {
        lnf_rec_set_origin(record, file->stored[file->current]);
        file->block_new = false;
    }
    file->anonymised =
        file->anonymised || (octets[LNF_RECORD_OFFSET_FLAGS] & RECORD_FLAG_ANONYMISED) != 0;
    return LNF_OK;
}

/** Next record of the current block: a status for the caller, or LNF_EOF to go on with `again`. */
static int next_record(lnf_file_t *file, lnf_rec_t *record, bool *again)
{
    struct lnf_reader *r = &file->block;
    size_t size = lnf_reader_left(r) >= 4 ? le16toh(lnf_load_u16(r->at + 2)) : 0;
    const uint8_t *octets = size < 4 ? NULL : lnf_read_bytes(r, size);

    *again = false;
    if (octets == NULL) {
        *r = (struct lnf_reader){0};
        return fail_text(LNF_ERR_UNKBLOCK,
                         "the rest of a block with inconsistent sizes was skipped");
    }
    unsigned type = le16toh(lnf_load_u16(octets));
    if (type == LNF_RECORD_FLOW) {
        return give_flow(file, octets, size, record);
    }
    if (type == LNF_RECORD_EXPORTER) {
        learn_exporter(file, octets, size);
    } else if (!is_known_type(type)) {
        return fail_text(LNF_ERR_UNKREC, "a record of an unknown type was skipped");
    }
    *again = true;
    return LNF_EOF;
}

int lnf_read(lnf_file_t *file, lnf_rec_t *record)
{
    bool again = true;
    int status = LNF_OK;

    lnf_rec_clear(record);
    if (file->input == NULL) {
        return fail_text(LNF_ERR_OTHER, "the file is open for writing");
    }
    while (again) {
        if (lnf_reader_left(&file->block) > 0) {
            status = next_record(file, record, &again);
            continue;
        }
        status = next_block(file);
        if (status == LNF_EOF && (file->flags & LNF_READ_LOOP) != 0) {
            status = wait_for_more(file);
        }
        again = status == LNF_OK;
    }
    return status;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void forget_source(lnf_file_t *file)
{
    lnf_origin_disown(file->source);
    file->source = NULL;
    file->source_block = NULL;
}

/** Whether the open block has as many octets as the one it may be a copy of. */
static bool is_copy_size(const lnf_file_t *file)
{
    return file->source != NULL && file->source_block->size == file->open_block->used;
}

static int flush_block(lnf_file_t *file)
{
    const struct lnf_origin_block *source = file->source_block;
    const lnf_block_t *block = file->open_block;
    struct lnf_error error;

    /* Comparing tells all: whether every record came through, in order and unchanged. */
    bool copy = is_copy_size(file) && memcmp(source->records, block->data, block->used) == 0;
    int status = copy ? lnf_writer_put_copy(file->writer, block, source, &error)
                      : lnf_writer_put(file->writer, block, &error);
    if (status != LNF_OK) {
        return fail(status, &error);
    }
    lnf_block_clear(file->open_block);
    forget_source(file);
    return LNF_OK;
}

/** Row of an exporter this file has announced, or NULL. */
static const struct lnf_exporter *find_exporter(struct exporters *table,
                                                const struct lnf_exporter *wanted)
{
    if (table->last < table->count && same_exporter(&table->rows[table->last], wanted)) {
        return &table->rows[table->last];
    }
    for (unsigned i = 0; i < table->count; i++) {
        if (same_exporter(&table->rows[i], wanted)) {
            table->last = i;
            return &table->rows[i];
        }
    }
    return NULL;
}

/** A number for a new exporter: the one it has when that is free, else the smallest. 0 = none left.
 */
static uint16_t free_sysid(struct exporters *table, uint16_t wanted)
{
    if (wanted != 0 && exporters_by_sysid(table, wanted) == NULL) {
        return wanted;
    }
    unsigned sysid = table->next_free == 0 ? 1 : table->next_free;
    while (sysid < SYSID_COUNT && exporters_by_sysid(table, (uint16_t)sysid) != NULL) {
        sysid++;
    }
    table->next_free = sysid;
    return sysid < SYSID_COUNT ? (uint16_t)sysid : 0;
}

/** Keeps a number for an exporter of which nothing else is known. */
static int keep_number(lnf_file_t *file, uint16_t sysid)
{
    const struct lnf_exporter unknown = {.sysid = sysid};

    return exporters_add(&file->exporters, &unknown) ? LNF_OK
                                                     : fail_text(LNF_ERR_NOMEM, "no memory");
}

/**
 * Number of an exporter nobody announced. It is all the record says of it: it stays, and is kept
 * free of others, unless it has been given to one.
 */
static int number_unknown(lnf_file_t *file, uint16_t wanted, uint16_t *sysid)
{
    const struct lnf_exporter *row = exporters_by_sysid(&file->exporters, wanted);

    *sysid = 0;
    if (wanted == 0 || (row != NULL && row->address.ss_family != AF_UNSPEC)) {
        return LNF_OK;
    }
    *sysid = wanted;
    return row == NULL ? keep_number(file, wanted) : LNF_OK;
}

/** Whether the open block ends where the one it may be a copy of ended: small blocks go on. */
static bool ends_with_source(const lnf_file_t *file)
{
    size_t used = file->open_block->used;

    if (file->source == NULL) {
        return false;
    }
    /* Without all records of the other one it is no copy, but the next one can be. */
    return used >= (is_copy_size(file) ? LNF_BLOCK_CAPACITY / 2 : LNF_BLOCK_CAPACITY / 8 * 7);
}

/** Before a record that begins a block of another file: the open one ends, or may become a copy. */
static int note_origin(lnf_file_t *file, lnf_origin_t *origin)
{
    int status = ends_with_source(file) ? flush_block(file) : LNF_OK;

    if (status == LNF_OK && file->open_block->records == 0) {
        forget_source(file);
        file->source_block = lnf_origin_own(origin);
        file->source = file->source_block != NULL ? origin : NULL;
        if (file->source != NULL && !lnf_writer_takes(file->writer, file->source_block)) {
            forget_source(file);
        }
    }
    return status;
}

/** Number of the record's exporter in this file; announces a new one. 0 = none. */
static int number_exporter(lnf_file_t *file, const lnf_rec_t *record, uint16_t *sysid)
{
    const struct lnf_exporter *wanted = lnf_rec_exporter(record);
    size_t size;

    if (wanted == NULL) {
        const uint8_t *raw = lnf_rec_raw(record, &size);
        return number_unknown(file, le16toh(lnf_load_u16(raw + LNF_RECORD_OFFSET_EXPORTER)), sysid);
    }
    const struct lnf_exporter *known = find_exporter(&file->exporters, wanted);
    if (known != NULL) {
        *sysid = known->sysid;
        return LNF_OK;
    }
    struct lnf_exporter added = *wanted;
    *sysid = added.sysid = free_sysid(&file->exporters, wanted->sysid);
    if (added.sysid == 0) {
        return LNF_OK;
    }
    while (!lnf_block_add_exporter(file->open_block, &added)) {
        int status = flush_block(file);
        if (status != LNF_OK) {
            return status;
        }
    }
    if (!exporters_add(&file->exporters, &added)) {
        return fail_text(LNF_ERR_NOMEM, "no memory");
    }
    return LNF_OK;
}

int lnf_write(lnf_file_t *file, lnf_rec_t *record)
{
    uint16_t sysid = 0;
    size_t size;

    if (file->writer == NULL) {
        return fail_text(LNF_ERR_WRITE, "the file is open for reading");
    }
    int status = lnf_rec_complete(record);
    if (status == LNF_OK && lnf_rec_origin(record) != NULL) {
        status = note_origin(file, lnf_rec_origin(record));
    }
    if (status == LNF_OK) {
        status = number_exporter(file, record, &sysid);
    }
    if (status != LNF_OK) {
        return status;
    }

    const uint8_t *raw = lnf_rec_raw(record, &size);
    uint8_t *room = lnf_block_reserve(file->open_block, size);
    if (room == NULL) {
        status = flush_block(file);
        if (status != LNF_OK) {
            return status;
        }
        room = lnf_block_reserve(file->open_block, size);
    }
    memcpy(room, raw, size);
    lnf_store_u16(room + LNF_RECORD_OFFSET_EXPORTER, htole16(sysid));
    room[LNF_RECORD_OFFSET_FLAGS] &= (uint8_t)~RECORD_FLAG_INTERNAL;
    if ((file->flags & LNF_ANON) != 0) {
        room[LNF_RECORD_OFFSET_FLAGS] |= RECORD_FLAG_ANONYMISED;
    }
    lnf_rec_count(record, lnf_block_stat(file->open_block));
    lnf_block_commit(file->open_block);
    return LNF_OK;
}

void lnf_close(lnf_file_t *file)
{
    struct lnf_error error;

    if (file == NULL) {
        return;
    }
    if (file->writer != NULL) {
        (void)flush_block(file);
        if (lnf_writer_close(file->writer, &error) != LNF_OK) {
            lnf_error_remember(error.text);
        }
    }
    lnf_input_close(file->input);
    forget_source(file);
    lnf_origin_disown(file->stored[0]);
    lnf_origin_disown(file->stored[1]);
    lnf_block_destroy(file->open_block);
    exporters_clear(&file->exporters);
    free(file->path);
    free(file);
}

/* ---- facts ----------------------------------------------------------------------------------- */

static int give(void *data, size_t size, const void *value, size_t value_size)
{
    if (data == NULL || size < value_size) {
        return LNF_ERR_NOMEM;
    }
    memcpy(data, value, value_size);
    return LNF_OK;
}

static int give_u64(void *data, size_t size, uint64_t value)
{
    return give(data, size, &value, sizeof(value));
}

static int give_bool(void *data, size_t size, bool value)
{
    int number = value;
    return give(data, size, &number, sizeof(number));
}

static int give_text(void *data, size_t size, const char *text)
{
    return give(data, size, text, strlen(text) + 1);
}

/** Number of the statistics that an info stands for, or NULL. */
static const uint64_t *stat_value(const struct lnf_stat *stat, int info)
{
    switch (info) {
    case LNF_INFO_FIRST:
        return &stat->first_ms;
    case LNF_INFO_LAST:
        return &stat->last_ms;
    case LNF_INFO_FAILURES:
        return &stat->sequence_failures;
    case LNF_INFO_FLOWS:
        return &stat->flows;
    case LNF_INFO_BYTES:
        return &stat->bytes;
    case LNF_INFO_PACKETS:
        return &stat->packets;
    default:
        break;
    }
    if (info >= LNF_INFO_FLOWS_TCP && info <= LNF_INFO_PACKETS_OTHER && info % 2 == 0) {
        int index = (info - LNF_INFO_FLOWS_TCP) / 2;
        const uint64_t *const groups[] = {stat->class_flows, stat->class_bytes,
                                          stat->class_packets};
        return &groups[index / LNF_STAT_CLASSES][index % LNF_STAT_CLASSES];
    }
    return NULL;
}

/** Statistics of what was written so far, the open block included. */
static const struct lnf_stat *written_stat(lnf_file_t *file)
{
    file->stat = *lnf_writer_stat(file->writer);
    lnf_stat_add(&file->stat, lnf_block_stat(file->open_block));
    return &file->stat;
}

static int file_info(lnf_file_t *file, int info, void *data, size_t size)
{
    const struct lnf_input_info *in = file->input != NULL ? lnf_input_info(file->input) : NULL;
    enum lnf_codec codec = in != NULL ? in->codec : lnf_writer_codec(file->writer);
    const struct lnf_stat *stat = in != NULL ? &in->stat : written_stat(file);

    switch (info) {
    case LNF_INFO_FILE_VERSION:
        return give_u64(data, size, in != NULL ? in->layout : LNF_FILE_LAYOUT);
    case LNF_INFO_BLOCKS:
        return give_u64(data, size, in != NULL ? in->blocks : lnf_writer_blocks(file->writer));
    case LNF_INFO_PROC_BLOCKS:
        return give_u64(data, size,
                        in != NULL ? file->processed_blocks : lnf_writer_blocks(file->writer));
    case LNF_INFO_COMPRESSED:
        return give_bool(data, size, codec != LNF_CODEC_NONE);
    case LNF_INFO_LZO_COMPRESSED:
        return give_bool(data, size, codec == LNF_CODEC_LZO);
    case LNF_INFO_BZ2_COMPRESSED:
        return give_bool(data, size, codec == LNF_CODEC_BZ2);
    case LNF_INFO_ANONYMIZED:
        return give_bool(data, size,
                         in != NULL ? in->anonymised || file->anonymised
                                    : (file->flags & LNF_ANON) != 0);
    case LNF_INFO_CATALOG:
        return give_bool(data, size, false);
    case LNF_INFO_IDENT:
        return give_text(data, size, in != NULL ? in->ident : lnf_writer_ident(file->writer));
    default:
        break;
    }
    const uint64_t *value = stat_value(stat, info);
    if (value == NULL) {
        return fail_text(LNF_ERR_OTHER, "unknown info");
    }
    if (in != NULL && in->stat_starved) {
        return fail_text(LNF_ERR_NOMEM, "no memory for the statistics of an unfinished file");
    }
    /* No flow yet: not the internal mark, but as libnf says it. */
    return give_u64(data, size, *value == UINT64_MAX && info == LNF_INFO_FIRST ? 0 : *value);
}

int lnf_info(lnf_file_t *file, int info, void *data, size_t size)
{
    switch (info) {
    case LNF_INFO_VERSION:
        return give_text(data, size, LNF_VERSION_TEXT);
    case LNF_INFO_NFDUMP_VERSION:
        return give_text(data, size, NFDUMP_VERSION_TEXT);
    default:
        break;
    }
    if (file == NULL) {
        return fail_text(LNF_ERR_OTHER, "this info needs an open file");
    }
    return file_info(file, info, data, size);
}
