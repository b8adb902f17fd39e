/* SPDX-License-Identifier: BSD-3-Clause */
#include "flowgen_file.h"

#include <errno.h>
#include <libnf.h>
#include <libnf/bytes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* What a usual exporter sends, and its address as collectors add it: in the order of `slots` below.
 */
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
    ROUTER,
    PLACES
};

_Static_assert(PLACES == FG_PLACE_COUNT, "places of a form");

static const int fields[PLACES] = {
    LNF_FLD_FIRST,    LNF_FLD_LAST,    LNF_FLD_RECEIVED, LNF_FLD_DPKTS,     LNF_FLD_DOCTETS,
    LNF_FLD_SRCPORT,  LNF_FLD_DSTPORT, LNF_FLD_PROT,     LNF_FLD_TCP_FLAGS, LNF_FLD_TOS,
    LNF_FLD_SRCADDR,  LNF_FLD_DSTADDR, LNF_FLD_INPUT,    LNF_FLD_OUTPUT,    LNF_FLD_SRC_MASK,
    LNF_FLD_DST_MASK, LNF_FLD_SRCAS,   LNF_FLD_DSTAS,    LNF_FLD_IP_ROUTER,
};

static int form_build(struct fg_form *form, bool ipv6)
{
    struct lnf_layout_field wanted[PLACES];
    unsigned bad;

    for (unsigned i = 0; i < PLACES; i++) {
        wanted[i] = (struct lnf_layout_field){.field = fields[i], .ipv6 = ipv6 && i != ROUTER};
    }
    return lnf_layout_build(wanted, PLACES, &form->layout, form->slots, &bad);
}

static void put_number(const struct fg_form *form, uint8_t *record, enum place place,
                       uint64_t value)
{
    uint64_t stored = htole64(value);
    memcpy(record + form->slots[place].offset, &stored, form->slots[place].width);
}

static void put_address(const struct fg_form *form, uint8_t *record, enum place place,
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

static void put_flow(const struct fg_form *form, uint8_t *record, const struct fg_flow *flow)
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

int fg_forms_build(struct fg_forms *forms)
{
    int status = form_build(&forms->form[0], false);
    return status == LNF_OK ? form_build(&forms->form[1], true) : status;
}

int fg_file_put(lnf_writer_t *writer, lnf_block_t *block, const struct fg_forms *forms,
                const struct fg_flow *flow, const struct fg_exporter *exporter,
                struct lnf_error *error)
{
    const struct fg_form *form = &forms->form[flow->ipv6];
    uint8_t *record = lnf_block_reserve(block, form->layout.size);

    if (record == NULL) {
        int status = lnf_writer_put(writer, block, error);
        lnf_block_clear(block);
        if (status != LNF_OK) {
            return status;
        }
        record = lnf_block_reserve(block, form->layout.size);
    }
    put_flow(form, record, flow);
    put_number(form, record, ROUTER, exporter->address);
    record[LNF_RECORD_OFFSET_ENGINE_TYPE] = (uint8_t)(exporter->domain_id >> 8);
    record[LNF_RECORD_OFFSET_ENGINE_ID] = (uint8_t)exporter->domain_id;
    lnf_block_commit(block);
    lnf_stat_count(lnf_block_stat(block), flow->protocol, 1, flow->packets, flow->octets,
                   flow->first_ms, flow->last_ms);
    return LNF_OK;
}

bool fg_file_path(const char *directory, uint64_t start_s, char *path, size_t size)
{
    time_t start = (time_t)start_s;
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
