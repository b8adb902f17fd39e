/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Writes half an hour of flow files of two channels, with attacks whose parties are known:
 *   make_attack_files DIRECTORY none|all|NAME[,NAME...] [SEED]
 * The files are DIRECTORY/CHANNEL/YYYY/MM/DD/lnf.YYYYMMDDhhmmss, of 300 s each, with an index.
 * Without any argument the names are printed.
 */
#include "attack_model.h"
#include "flowgen_file.h"

#include <libnf.h>
#include <libnf/writer.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOT_S 300u
#define SEED 2026 /* of the examples in docs/detection.md */

/** Flows of one channel from *at on that were exported before `end_ms`. */
static int write_flows(lnf_writer_t *writer, lnf_block_t *block, const struct fg_forms *forms,
                       const struct attack_traffic *traffic, size_t *at, uint64_t end_ms,
                       enum attack_channel channel, struct lnf_error *error)
{
    int status = LNF_OK;

    for (; *at < traffic->count && status == LNF_OK; (*at)++) {
        const struct attack_flow *next = &traffic->flows[*at];
        if (next->flow.export_ms >= end_ms) {
            break;
        }
        if (next->channel == channel) {
            struct fg_exporter exporter = {ATTACK_EXPORTER_NETWORK + next->exporter,
                                           (uint16_t)(ATTACK_DOMAIN + next->exporter)};
            status = fg_file_put(writer, block, forms, &next->flow, &exporter, error);
        }
    }
    return status == LNF_OK ? lnf_writer_put(writer, block, error) : status;
}

/** Whether the channel has a flow from `at` on that was exported before `end_ms`. */
static bool has_flows(const struct attack_traffic *traffic, size_t at, uint64_t end_ms,
                      enum attack_channel channel)
{
    for (; at < traffic->count && traffic->flows[at].flow.export_ms < end_ms; at++) {
        if (traffic->flows[at].channel == channel) {
            return true;
        }
    }
    return false;
}

static int write_channel(const char *directory, const struct fg_forms *forms,
                         const struct attack_traffic *traffic, enum attack_channel channel,
                         lnf_block_t *block, struct lnf_error *error)
{
    size_t at = 0;
    int status = LNF_OK;

    for (uint64_t slot = 0; slot < ATTACK_SPAN_S / SLOT_S && status == LNF_OK; slot++) {
        uint64_t start_s = ATTACK_START_S + slot * SLOT_S, end_ms = (start_s + SLOT_S) * 1000;
        char path[PATH_MAX], folder[PATH_MAX];
        lnf_writer_t *writer = NULL;

        if (!has_flows(traffic, at, end_ms, channel)) {
            continue; /* nothing came in, nothing was stored */
        }
        int length =
            snprintf(folder, sizeof(folder), "%s/%s", directory, attack_channel_name(channel));
        if (length < 0 || (size_t)length >= sizeof(folder) ||
            !fg_file_path(folder, start_s, path, sizeof(path))) {
            snprintf(error->text, sizeof(error->text), "%s: no directory for flow files",
                     directory);
            return LNF_ERR_WRITE;
        }
        status = lnf_writer_open(path, LNF_CODEC_LZ4, "attacks", false, &writer, error);
        if (status != LNF_OK) {
            return status;
        }
        lnf_block_clear(block);
        status = lnf_writer_use_index(writer, NULL);
        if (status == LNF_OK) {
            status = write_flows(writer, block, forms, traffic, &at, end_ms, channel, error);
        }
        int closed = lnf_writer_close(writer, status == LNF_OK ? error : NULL);
        status = status == LNF_OK ? closed : status;
    }
    return status;
}

/** Names into bits; false: one is unknown. */
static bool read_attacks(char *names, unsigned *attacks)
{
    *attacks = 0;
    if (strcmp(names, "none") == 0) {
        return true;
    }
    if (strcmp(names, "all") == 0) {
        *attacks = ATTACK_ALL;
        return true;
    }
    for (char *name = strtok(names, ","); name != NULL; name = strtok(NULL, ",")) {
        unsigned bit = 1;
        while (attack_name(bit) != NULL && strcmp(attack_name(bit), name) != 0) {
            bit <<= 1;
        }
        if (attack_name(bit) == NULL) {
            fprintf(stderr, "make_attack_files: unknown attack %s\n", name);
            return false;
        }
        *attacks |= bit;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct attack_traffic traffic;
    struct fg_forms forms;
    struct lnf_error error = {0};
    unsigned attacks;

    if (argc == 1) {
        for (unsigned bit = 1; attack_name(bit) != NULL; bit <<= 1) {
            puts(attack_name(bit));
        }
        return 0;
    }
    if ((argc != 3 && argc != 4) || !read_attacks(argv[2], &attacks)) {
        fprintf(stderr, "usage: make_attack_files DIRECTORY none|all|NAME[,NAME...] [SEED]\n");
        return 1;
    }
    uint64_t seed = argc == 4 ? strtoull(argv[3], NULL, 10) : SEED;
    lnf_block_t *block = lnf_block_create();
    if (block == NULL || fg_forms_build(&forms) != LNF_OK ||
        !attack_traffic_make(seed, attacks, &traffic)) {
        fprintf(stderr, "make_attack_files: no memory\n");
        lnf_block_destroy(block);
        return 1;
    }
    int status = LNF_OK;
    for (int channel = 0; channel < ATTACK_CHANNELS && status == LNF_OK; channel++) {
        status =
            write_channel(argv[1], &forms, &traffic, (enum attack_channel)channel, block, &error);
    }
    if (status != LNF_OK) {
        fprintf(stderr, "make_attack_files: %s\n", error.text);
    }
    attack_traffic_clear(&traffic);
    lnf_block_destroy(block);
    return status == LNF_OK ? 0 : 1;
}
