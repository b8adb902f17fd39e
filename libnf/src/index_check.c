/* SPDX-License-Identifier: BSD-3-Clause */
/** Looks at an index from outside: its state, and whether it finds everything the flow file holds.
 */
#include "error.h"
#include "index.h"

#include <libnf.h>

/** A flow file, its index, and what reading the blocks needs. */
struct check {
    lnf_input_t *input;
    lnf_index_t *index;
    lnf_batch_t *batch;
    struct lnf_block_buffer buffer;
    const struct lnf_index_segment *segment;
    const struct lnf_index_block *block;
    struct lnf_error *why;
    bool damaged;
};

static bool wrong(struct check *check, const char *text)
{
    lnf_error_set(check->why, check->block == NULL ? 0 : check->block->offset,
                  "the index of %s: %s", lnf_input_path(check->input), text);
    return false;
}

/** Every checksum of filters; those of the rows were compared when they were loaded. */
static bool check_filters(struct check *check)
{
    const struct lnf_index_header *header = lnf_index_header(check->index);

    for (uint32_t i = 0; i < header->segment_count; i++) {
        if (!lnf_index_check_filter(check->index, &lnf_index_segment(check->index, i)->filter)) {
            return wrong(check, "a filter's checksum is wrong");
        }
    }
    for (uint32_t i = 0; i < header->block_count; i++) {
        if (!lnf_index_check_filter(check->index, &lnf_index_block(check->index, i)->filter)) {
            return wrong(check, "a filter's checksum is wrong");
        }
    }
    return true;
}

static bool check_addresses(struct check *check, int id, unsigned rows)
{
    const struct lnf_addr *column = lnf_batch_column(check->batch, lnf_field_get(id), NULL, rows);

    for (unsigned i = 0; i < rows; i++) {
        bool ipv4 = lnf_index_is_ipv4(column[i]);
        uint64_t key = lnf_index_key(ipv4 ? LNF_LEVEL_IPV4 : LNF_LEVEL_IPV6, column[i]);
        if (!lnf_index_maybe(check->index, &check->segment->filter, key, &check->damaged) ||
            !lnf_index_maybe(check->index, &check->block->filter, key, &check->damaged)) {
            return wrong(check, "an address of the file is not found");
        }
    }
    return true;
}

static int check_block(struct check *check, const struct lnf_block_ref *ref)
{
    const uint8_t *records;
    size_t size;
    unsigned rows;

    if (check->block->offset != ref->offset || check->block->stored_size != ref->stored_size) {
        (void)wrong(check, "a block is not where the index says");
        return LNF_ERR_OTHER;
    }
    int status = lnf_input_load(check->input, ref, &check->buffer, &records, &size, check->why);
    if (status == LNF_ERR_CORRUPT && check->block->opaque) {
        return LNF_OK;
    }
    if (status != LNF_OK) {
        return status;
    }
    lnf_batch_open(check->batch, records, size);
    while ((rows = lnf_batch_next(check->batch)) > 0) {
        if (!check_addresses(check, LNF_FLD_SRCADDR, rows) ||
            !check_addresses(check, LNF_FLD_DSTADDR, rows)) {
            return LNF_ERR_OTHER;
        }
    }
    return LNF_OK;
}

/** LNF_OK; LNF_ERR_OTHER, the index is wrong; an error of the flow file. */
static int check_blocks(struct check *check)
{
    const struct lnf_index_header *header = lnf_index_header(check->index);
    struct lnf_block_ref ref;
    uint32_t segment = 0;
    int status;

    while ((status = lnf_input_claim(check->input, &ref, check->why)) == LNF_OK) {
        if (ref.number >= header->block_count) {
            (void)wrong(check, "the file has more blocks");
            return LNF_ERR_OTHER;
        }
        check->segment = lnf_index_segment(check->index, segment);
        if (ref.number >= (uint64_t)check->segment->first + check->segment->count) {
            check->segment = lnf_index_segment(check->index, ++segment);
        }
        check->block = lnf_index_block(check->index, (uint32_t)ref.number);
        status = check_block(check, &ref);
        if (status != LNF_OK) {
            return status;
        }
    }
    return status == LNF_EOF ? LNF_OK : status;
}

/** Whether all addresses of the file are found; changes the state when they are not. */
static int check_contents(struct check *check, enum lnf_index_state *state)
{
    check->batch = lnf_batch_create();
    if (check->batch == NULL || !lnf_index_load_all(check->index)) {
        lnf_error_set(check->why, 0, "no memory");
        return LNF_ERR_NOMEM;
    }
    int status = check_blocks(check);
    if (status == LNF_ERR_OTHER || check->damaged) {
        *state = LNF_INDEX_DAMAGED;
        return LNF_OK;
    }
    return status;
}

static int check_index(struct check *check, bool thorough, struct lnf_index_info *info)
{
    info->state = lnf_index_open(check->input, &check->index, check->why);
    if (info->state != LNF_INDEX_GOOD) {
        return LNF_OK;
    }
    const struct lnf_index_header *header = lnf_index_header(check->index);
    info->size = header->index_size;
    info->blocks = header->block_count;
    info->opaque = header->opaque_count;
    info->segments = header->segment_count;
    if (!lnf_index_load_blocks(check->index)) {
        (void)wrong(check, "the rows of blocks are damaged");
        info->state = LNF_INDEX_DAMAGED;
        return LNF_OK;
    }
    if (!check_filters(check)) {
        info->state = LNF_INDEX_DAMAGED;
        return LNF_OK;
    }
    return thorough ? check_contents(check, &info->state) : LNF_OK;
}

int lnf_index_check(const char *flow_path, bool thorough, struct lnf_index_info *info,
                    struct lnf_error *why)
{
    struct check check = {.why = why};
    struct lnf_identity identity;

    *info = (struct lnf_index_info){.state = LNF_INDEX_MISSING};
    int status = lnf_input_open_regular(flow_path, NULL, NULL, &check.input, why);
    if (status != LNF_OK) {
        return status;
    }
    if (lnf_input_identity(check.input, &identity) == LNF_EOF) {
        lnf_error_set(why, 0, "%s: not finished", flow_path);
        info->state = LNF_INDEX_UNFINISHED;
    } else {
        status = check_index(&check, thorough, info);
    }
    lnf_block_buffer_clear(&check.buffer);
    lnf_batch_destroy(check.batch);
    lnf_index_close(check.index);
    lnf_input_close(check.input);
    return status;
}
