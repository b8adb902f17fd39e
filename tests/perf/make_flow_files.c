/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Writes flow files with the generator's traffic:
 *   make_flow_files FILE COUNT none|lz4|...             one file
 *   make_flow_files DIRECTORY COUNT none|lz4|... FILES  that many, of 300 s each, in
 *                                                       DIRECTORY/YYYY/MM/DD
 *   make_flow_files DIRECTORY COUNT none|lz4|... FILES index   with an index each
 */
#include "flowgen_model.h"

#include <errno.h>
#include <libnf.h>
#include <libnf/bytes.h>
#include <libnf/writer.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define START_MS UINT64_C(1767225600000) /* 2026-01-01 00:00 UTC, as flowgen's preset */
#define SLOT_S 300u

/* What a usual exporter sends: in the order of `slots` below. */
enum place {
    FIRST,
    LAST,
    RECEIVED,
    PACKETS,
    BYTES,
    SRCPORT,
    DSTPORT,
    PROTO,
    FLAGS,
    TOS,
    SRCADDR,
    DSTADDR,
    INPUT,
    OUTPUT,
    SRCMASK,
    DSTMASK,
    SRCAS,
    DSTAS,
    PLACES
};

static const int fields[PLACES] = {
    LNF_FLD_FIRST,    LNF_FLD_LAST,    LNF_FLD_RECEIVED, LNF_FLD_DPKTS,     LNF_FLD_DOCTETS,
    LNF_FLD_SRCPORT,  LNF_FLD_DSTPORT, LNF_FLD_PROT,     LNF_FLD_TCP_FLAGS, LNF_FLD_TOS,
    LNF_FLD_SRCADDR,  LNF_FLD_DSTADDR, LNF_FLD_INPUT,    LNF_FLD_OUTPUT,    LNF_FLD_SRC_MASK,
    LNF_FLD_DST_MASK, LNF_FLD_SRCAS,   LNF_FLD_DSTAS,
};

struct form {
    struct lnf_layout layout;
    struct lnf_slot slots[PLACES];
};

static int form_build(struct form *form, bool ipv6)
{
    struct lnf_layout_field wanted[PLACES];
    unsigned bad;

    for (unsigned i = 0; i < PLACES; i++) {
        wanted[i] = (struct lnf_layout_field){.field = fields[i], .ipv6 = ipv6};
    }
    return lnf_layout_build(wanted, PLACES, &form->layout, form->slots, &bad);
}

static void put_number(const struct form *form, uint8_t *record, enum place place, uint64_t value)
{
    uint64_t stored = htole64(value);
    memcpy(record + form->slots[place].offset, &stored, form->slots[place].width);
}

static void put_address(const struct form *form, uint8_t *record, enum place place,
                        const uint8_t *octets, bool ipv6)
{
    uint8_t *at = record + form->slots[place].offset;

    if (ipv6) {
        lnf_store_u64(at, htole64(be64toh(lnf_load_u64(octets))));
        lnf_store_u64(at + 8, htole64(be64toh(lnf_load_u64(octets + 8))));
    } else {
        lnf_store_u32(at, htole32(be32toh(lnf_load_u32(octets))));
    }
}

static void put_flow(const struct form *form, uint8_t *record, const struct fg_flow *flow)
{
    memcpy(record, form->layout.prototype, form->layout.size);
    put_number(form, record, FIRST, flow->first_ms);
    put_number(form, record, LAST, flow->last_ms);
    put_number(form, record, RECEIVED, flow->export_ms);
    put_number(form, record, PACKETS, flow->packets);
    put_number(form, record, BYTES, flow->octets);
    put_number(form, record, SRCPORT, flow->src_port);
    put_number(form, record, DSTPORT, flow->dst_port);
    put_number(form, record, PROTO, flow->protocol);
    put_number(form, record, FLAGS, flow->tcp_flags);
    put_number(form, record, TOS, flow->tos);
    put_number(form, record, INPUT, flow->in_if);
    put_number(form, record, OUTPUT, flow->out_if);
    put_number(form, record, SRCMASK, flow->src_mask);
    put_number(form, record, DSTMASK, flow->dst_mask);
    put_number(form, record, SRCAS, flow->src_as);
    put_number(form, record, DSTAS, flow->dst_as);
    put_address(form, record, SRCADDR, flow->src, flow->ipv6);
    put_address(form, record, DSTADDR, flow->dst, flow->ipv6);
}

static int write_flows(lnf_writer_t *writer, lnf_block_t *block, fg_model_t *model, uint64_t count,
                       const struct form *forms, struct lnf_error *error)
{
    struct fg_flow flow;
    int status = LNF_OK;

    for (uint64_t i = 0; i < count && status == LNF_OK; i++) {
        fg_model_next(model, &flow);
        const struct form *form = &forms[flow.ipv6];
        uint8_t *record = lnf_block_reserve(block, form->layout.size);
        if (record == NULL) {
            status = lnf_writer_put(writer, block, error);
            lnf_block_clear(block);
            record = lnf_block_reserve(block, form->layout.size);
        }
        put_flow(form, record, &flow);
        lnf_block_commit(block);
        lnf_stat_count(lnf_block_stat(block), flow.protocol, 1, flow.packets, flow.octets,
                       flow.first_ms, flow.last_ms);
    }
    status = status == LNF_OK ? lnf_writer_put(writer, block, error) : status;
    lnf_block_clear(block);
    return status;
}

struct compression {
    enum lnf_codec codec;
    int level;
};

/** One file with the next flows of the model. */
static int write_file(const char *path, const struct compression *compression, bool index,
                      lnf_block_t *block, fg_model_t *model, uint64_t count,
                      const struct form *forms, struct lnf_error *error)
{
    lnf_writer_t *writer = NULL;

    int status = lnf_writer_open(path, compression->codec, "flowgen", false, &writer, error);
    if (status != LNF_OK) {
        return status;
    }
    status = lnf_writer_set_level(writer, compression->level, error);
    if (status == LNF_OK && index) {
        status = lnf_writer_use_index(writer, NULL);
    }
    if (status == LNF_OK) {
        status = write_flows(writer, block, model, count, forms, error);
    }
    int closed = lnf_writer_close(writer, status == LNF_OK ? error : NULL);
    return status == LNF_OK ? closed : status;
}

/** Path of file number `i` in a hierarchy of days; makes the directories. */
static bool slot_path(const char *directory, unsigned i, char *path, size_t size)
{
    time_t start = (time_t)(START_MS / 1000 + i * SLOT_S);
    struct tm tm;
    char name[64];

    if (gmtime_r(&start, &tm) == NULL ||
        strftime(name, sizeof(name), "%Y/%m/%d/lnf.%Y%m%d%H%M%S", &tm) == 0 ||
        (size_t)snprintf(path, size, "%s/%s", directory, name) >= size) {
        return false;
    }
    for (char *at = strchr(path + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        if (mkdir(path, 0775) != 0 && errno != EEXIST) {
            perror(path);
            return false;
        }
        *at = '/';
    }
    return true;
}

static int write_files(const char *directory, const struct compression *compression, bool index,
                       lnf_block_t *block, fg_model_t *model, uint64_t count, unsigned files,
                       const struct form *forms, struct lnf_error *error)
{
    int status = LNF_OK;

    for (unsigned i = 0; i < files && status == LNF_OK; i++) {
        char path[PATH_MAX];
        uint64_t some = count / files + (i < count % files);
        if (!slot_path(directory, i, path, sizeof(path))) {
            snprintf(error->text, sizeof(error->text), "%s: no directory for flow files",
                     directory);
            return LNF_ERR_WRITE;
        }
        status = write_file(path, compression, index, block, model, some, forms, error);
    }
    return status;
}

int main(int argc, char **argv)
{
    struct form forms[2];
    struct compression compression;
    struct lnf_error error = {0};
    uint64_t count = argc >= 4 && argc <= 6 ? strtoull(argv[2], NULL, 10) : 0;
    unsigned files = argc >= 5 ? (unsigned)strtoul(argv[4], NULL, 10) : 0;
    bool index = argc == 6 && strcmp(argv[5], "index") == 0;

    if (count == 0 || (argc >= 5 && files == 0) || (argc == 6 && !index)) {
        fprintf(stderr, "usage: make_flow_files FILE COUNT CODEC[:LEVEL]\n"
                        "       make_flow_files DIRECTORY COUNT CODEC[:LEVEL] FILES [index]\n"
                        "codecs: none, lzo, bz2, lz4, zstd\n");
        return 1;
    }
    if (lnf_codec_parse(argv[3], &compression.codec, &compression.level, &error) != LNF_OK) {
        fprintf(stderr, "make_flow_files: %s: %s\n", argv[3], error.text);
        return 1;
    }
    uint64_t span_ms = files == 0 ? 20 * SLOT_S * 1000 : (uint64_t)files * SLOT_S * 1000;
    fg_model_t *model = fg_model_create(1, count, START_MS, span_ms);
    lnf_block_t *block = lnf_block_create();
    if (model == NULL || block == NULL || form_build(&forms[0], false) != LNF_OK ||
        form_build(&forms[1], true) != LNF_OK) {
        fprintf(stderr, "make_flow_files: no memory\n");
        return 1;
    }
    int status =
        files == 0
            ? write_file(argv[1], &compression, false, block, model, count, forms, &error)
            : write_files(argv[1], &compression, index, block, model, count, files, forms, &error);
    if (status != LNF_OK) {
        fprintf(stderr, "make_flow_files: %s\n", error.text);
    }
    lnf_block_destroy(block);
    fg_model_destroy(model);
    return status == LNF_OK ? 0 : 1;
}
