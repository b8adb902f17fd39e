/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Writes flow files with the generator's traffic:
 *   make_flow_files FILE COUNT none|lz4|...             one file
 *   make_flow_files DIRECTORY COUNT none|lz4|... FILES  that many, of 300 s each, in
 *                                                       DIRECTORY/YYYY/MM/DD
 *   make_flow_files DIRECTORY COUNT none|lz4|... FILES index   with an index each
 */
#include "flowgen_file.h"
#include "flowgen_model.h"

#include <libnf.h>
#include <libnf/writer.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START_MS UINT64_C(1767225600000) /* 2026-01-01 00:00 UTC, as flowgen's preset */
#define SLOT_S 300u

static const struct fg_exporter exporter = {0xC0000201, 1}; /* 192.0.2.1 */

static int write_flows(lnf_writer_t *writer, lnf_block_t *block, fg_model_t *model, uint64_t count,
                       const struct fg_forms *forms, struct lnf_error *error)
{
    struct fg_flow flow;
    int status = LNF_OK;

    for (uint64_t i = 0; i < count && status == LNF_OK; i++) {
        fg_model_next(model, &flow);
        status = fg_file_put(writer, block, forms, &flow, &exporter, error);
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
                      const struct fg_forms *forms, struct lnf_error *error)
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

static int write_files(const char *directory, const struct compression *compression, bool index,
                       lnf_block_t *block, fg_model_t *model, uint64_t count, unsigned files,
                       const struct fg_forms *forms, struct lnf_error *error)
{
    int status = LNF_OK;

    for (unsigned i = 0; i < files && status == LNF_OK; i++) {
        char path[PATH_MAX];
        uint64_t some = count / files + (i < count % files);
        if (!fg_file_path(directory, START_MS / 1000 + i * SLOT_S, path, sizeof(path))) {
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
    struct fg_forms forms;
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
    if (model == NULL || block == NULL || fg_forms_build(&forms) != LNF_OK) {
        fprintf(stderr, "make_flow_files: no memory\n");
        return 1;
    }
    int status =
        files == 0
            ? write_file(argv[1], &compression, false, block, model, count, &forms, &error)
            : write_files(argv[1], &compression, index, block, model, count, files, &forms, &error);
    if (status != LNF_OK) {
        fprintf(stderr, "make_flow_files: %s\n", error.text);
    }
    lnf_block_destroy(block);
    fg_model_destroy(model);
    return status == LNF_OK ? 0 : 1;
}
