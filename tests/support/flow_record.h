/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Flow records of layout 2 from plain structs, for tests of what reads them.
 *
 *     struct test_flow flow = {.proto = 6, .family = 4, .src = {0, 0x0a000001}, ...};
 *     struct test_records records = {0};
 *     test_records_add(&records, &flow);
 *     lnf_batch_open(batch, records.octets, records.size);
 */
#ifndef TEST_FLOW_RECORD_H
#define TEST_FLOW_RECORD_H

#include "batch.h"
#include "element.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/** Elements a flow has besides the generic one and its addresses. */
enum test_element {
    TEST_MISC = 1 << 0,
    TEST_COUNTERS = 1 << 1,
    TEST_VLAN = 1 << 2,
    TEST_AS = 1 << 3,
    TEST_NEXT_HOP = 1 << 4,
    TEST_BGP_NEXT_HOP = 1 << 5,
    TEST_ROUTER = 1 << 6,
    TEST_MPLS = 1 << 7,
    TEST_MAC = 1 << 8,
    TEST_BGP_AS = 1 << 9,
    TEST_USER = 1 << 10,
    TEST_OBSERVATION = 1 << 11,
    TEST_LATENCY = 1 << 12,
    TEST_NSEL = 1 << 13,
    TEST_NAT_ADDRESSES = 1 << 14,
    TEST_NAT_PORTS = 1 << 15,
    TEST_ACL = 1 << 16,
    TEST_NAT_EVENT = 1 << 17,
    TEST_PORT_BLOCK = 1 << 18,
    TEST_TUNNEL = 1 << 19,
    TEST_VRF = 1 << 20,
    TEST_LAYER2 = 1 << 21,
    TEST_IP_INFO = 1 << 22,
    TEST_PAYLOAD = 1 << 23,
};

struct test_flow {
    unsigned elements; /* enum test_element */
    unsigned family;   /* 4, 6; 0 = no addresses */
    struct lnf_addr src, dst;
    uint64_t first, last, received, packets, bytes;
    uint16_t srcport, dstport;
    uint8_t proto, flags, fwd, tos;

    uint32_t inif, outif; /* misc */
    uint8_t srcmask, dstmask, dir, dsttos, biflow, reason;
    uint64_t flows, outpackets, outbytes; /* counters */
    uint32_t srcvlan, dstvlan;
    uint32_t srcas, dstas;
    struct lnf_addr next_hop, bgp_next_hop, router; /* of the same family as the flow */
    uint32_t mpls[10];
    uint64_t in_src_mac, out_dst_mac, in_dst_mac, out_src_mac;
    uint32_t nextas, prevas;
    const char *user;
    uint64_t point_id;
    uint32_t domain_id;
    uint64_t client_latency, server_latency, app_latency;

    uint16_t xevent; /* firewall event */
    uint8_t event;
    struct lnf_addr xsrc, xdst; /* translated, of the same family as the flow */
    uint16_t xsrcport, xdstport;
    uint32_t acl[6]; /* ingress, egress */
    uint8_t nat_event;
    uint16_t port_block[4];           /* start, end, step, size */
    struct lnf_addr tun_src, tun_dst; /* of the same family as the flow */
    uint32_t tun_proto;
    uint32_t egress_vrf, ingress_vrf;
    uint16_t ethertype;
    uint8_t min_ttl, max_ttl;
    const char *payload;

    uint8_t engine_type, engine_id, nfversion; /* record header */
    uint16_t sysid;
};

/** Records one after the other, as in a data block. */
struct test_records {
    uint8_t *octets;
    size_t size, room;
    size_t record; /* where the last record begins */
};

static inline void *test_records_reserve(struct test_records *r, size_t size)
{
    if (r->size + size > r->room) {
        r->room = 2 * (r->size + size);
        r->octets = realloc(r->octets, r->room);
        if (r->octets == NULL) {
            abort();
        }
    }
    r->size += size;
    return memset(r->octets + r->size - size, 0, size);
}

static inline void test_records_put(uint8_t *at, uint64_t number, unsigned octets)
{
    memcpy(at, &number, octets); /* little endian, as flow files are */
}

/** Adds an element to the last record and returns where its data is. */
static inline uint8_t *test_records_element(struct test_records *r, unsigned id, unsigned size)
{
    uint8_t *element = test_records_reserve(r, LNF_ELEMENT_HEADER_SIZE + size);
    uint8_t *header = r->octets + r->record;

    test_records_put(element, id, 2);
    test_records_put(element + 2, LNF_ELEMENT_HEADER_SIZE + size, 2);
    test_records_put(header + 2, r->size - r->record, 2);
    header[4]++;
    return element + LNF_ELEMENT_HEADER_SIZE;
}

static inline void test_records_header(struct test_records *r, const struct test_flow *flow)
{
    uint8_t *header = test_records_reserve(r, LNF_RECORD_HEADER_SIZE);

    r->record = r->size - LNF_RECORD_HEADER_SIZE;
    test_records_put(header, LNF_RECORD_FLOW, 2);
    test_records_put(header + 2, LNF_RECORD_HEADER_SIZE, 2);
    header[6] = flow->engine_type;
    header[7] = flow->engine_id;
    test_records_put(header + 8, flow->sysid, 2);
    header[11] = flow->nfversion;
}

static inline void test_records_generic(struct test_records *r, const struct test_flow *flow)
{
    uint8_t *data = test_records_element(r, 1, 48);

    test_records_put(data, flow->first, 8);
    test_records_put(data + 8, flow->last, 8);
    test_records_put(data + 16, flow->received, 8);
    test_records_put(data + 24, flow->packets, 8);
    test_records_put(data + 32, flow->bytes, 8);
    test_records_put(data + 40, flow->srcport, 2);
    test_records_put(data + 42, flow->dstport, 2);
    data[44] = flow->proto;
    data[45] = flow->flags;
    data[46] = flow->fwd;
    data[47] = flow->tos;
}

/** One address in its element: the id of IPv4, the next one is that of IPv6. */
static inline void test_records_address(struct test_records *r, unsigned family, unsigned id,
                                        struct lnf_addr address)
{
    uint8_t *data = test_records_element(r, family == 6 ? id + 1 : id, family == 6 ? 16 : 4);

    if (family == 6) {
        test_records_put(data, address.hi, 8);
        test_records_put(data + 8, address.lo, 8);
    } else {
        test_records_put(data, address.lo, 4);
    }
}

static inline void test_records_addresses(struct test_records *r, const struct test_flow *flow)
{
    if (flow->family == 4) {
        uint8_t *data = test_records_element(r, 2, 8);
        test_records_put(data, flow->src.lo, 4);
        test_records_put(data + 4, flow->dst.lo, 4);
    } else if (flow->family == 6) {
        uint8_t *data = test_records_element(r, 3, 32);
        test_records_put(data, flow->src.hi, 8);
        test_records_put(data + 8, flow->src.lo, 8);
        test_records_put(data + 16, flow->dst.hi, 8);
        test_records_put(data + 24, flow->dst.lo, 8);
    }
    if (flow->elements & TEST_NEXT_HOP) {
        test_records_address(r, flow->family, 10, flow->next_hop);
    }
    if (flow->elements & TEST_BGP_NEXT_HOP) {
        test_records_address(r, flow->family, 8, flow->bgp_next_hop);
    }
    if (flow->elements & TEST_ROUTER) {
        test_records_address(r, flow->family, 12, flow->router);
    }
}

/** An element of two u32. */
static inline void test_records_pair(struct test_records *r, unsigned id, uint32_t a, uint32_t b)
{
    uint8_t *data = test_records_element(r, id, 8);

    test_records_put(data, a, 4);
    test_records_put(data + 4, b, 4);
}

/** An element of up to four u64. */
static inline void test_records_words(struct test_records *r, unsigned id, const uint64_t *words,
                                      unsigned count)
{
    memcpy(test_records_element(r, id, 8 * count), words, 8 * count);
}

static inline void test_records_misc(struct test_records *r, const struct test_flow *flow)
{
    uint8_t *data = test_records_element(r, 4, 16);

    test_records_put(data, flow->inif, 4);
    test_records_put(data + 4, flow->outif, 4);
    data[8] = flow->srcmask;
    data[9] = flow->dstmask;
    data[10] = flow->dir;
    data[11] = flow->dsttos;
    data[12] = flow->biflow;
    data[13] = flow->reason;
}

/** An element of two addresses, and `more` octets of zeros behind them, where the result points. */
static inline uint8_t *test_records_two(struct test_records *r, unsigned family, unsigned id,
                                        const struct lnf_addr addresses[2], unsigned more)
{
    unsigned width = family == 6 ? 16 : 4;
    uint8_t *data = test_records_element(r, family == 6 ? id + 1 : id, 2 * width + more);

    for (unsigned i = 0; i < 2; i++, data += width) {
        if (family == 6) {
            test_records_put(data, addresses[i].hi, 8);
            test_records_put(data + 8, addresses[i].lo, 8);
        } else {
            test_records_put(data, addresses[i].lo, 4);
        }
    }
    return data;
}

/** Elements of firewalls and translation. */
static inline void test_records_nat(struct test_records *r, const struct test_flow *flow)
{
    if (flow->elements & TEST_NSEL) {
        uint8_t *data = test_records_element(r, 19, 16);
        test_records_put(data + 12, flow->xevent, 2);
        data[14] = flow->event;
    }
    if (flow->elements & TEST_NAT_ADDRESSES) {
        (void)test_records_two(r, flow->family, 20,
                               (const struct lnf_addr[]){flow->xsrc, flow->xdst}, 0);
    }
    if (flow->elements & TEST_NAT_PORTS) {
        uint8_t *data = test_records_element(r, 22, 4);
        test_records_put(data, flow->xsrcport, 2);
        test_records_put(data + 2, flow->xdstport, 2);
    }
    if (flow->elements & TEST_ACL) {
        uint8_t *data = test_records_element(r, 23, 24);
        for (unsigned i = 0; i < 6; i++) {
            test_records_put(data + 4 * i, htobe32(flow->acl[i]), 4);
        }
    }
    if (flow->elements & TEST_NAT_EVENT) {
        test_records_element(r, 25, 16)[12] = flow->nat_event;
    }
    if (flow->elements & TEST_PORT_BLOCK) {
        memcpy(test_records_element(r, 26, 8), flow->port_block, 8);
    }
}

/** Elements of what is around and inside the packets. */
static inline void test_records_packets(struct test_records *r, const struct test_flow *flow)
{
    if (flow->elements & TEST_PAYLOAD) {
        size_t size = strlen(flow->payload);
        memcpy(test_records_element(r, 29, (unsigned)size), flow->payload, size);
    }
    if (flow->elements & TEST_TUNNEL) {
        uint8_t *data = test_records_two(r, flow->family, 31,
                                         (const struct lnf_addr[]){flow->tun_src, flow->tun_dst},
                                         flow->family == 6 ? 8 : 4);
        test_records_put(data, flow->tun_proto, 4);
    }
    if (flow->elements & TEST_VRF) {
        test_records_pair(r, 36, flow->egress_vrf, flow->ingress_vrf);
    }
    if (flow->elements & TEST_LAYER2) {
        test_records_put(test_records_element(r, 38, 32) + 24, flow->ethertype, 2);
    }
    if (flow->elements & TEST_IP_INFO) {
        uint8_t *data = test_records_element(r, 42, 4);
        data[2] = flow->min_ttl;
        data[3] = flow->max_ttl;
    }
}

/** Adds a flow record. */
static inline void test_records_add(struct test_records *r, const struct test_flow *flow)
{
    test_records_header(r, flow);
    test_records_generic(r, flow);
    test_records_addresses(r, flow);
    if (flow->elements & TEST_MISC) {
        test_records_misc(r, flow);
    }
    if (flow->elements & TEST_COUNTERS) {
        test_records_words(r, 5, (const uint64_t[]){flow->flows, flow->outpackets, flow->outbytes},
                           3);
    }
    if (flow->elements & TEST_VLAN) {
        test_records_pair(r, 6, flow->srcvlan, flow->dstvlan);
    }
    if (flow->elements & TEST_AS) {
        test_records_pair(r, 7, flow->srcas, flow->dstas);
    }
    if (flow->elements & TEST_MPLS) {
        memcpy(test_records_element(r, 14, 40), flow->mpls, 40);
    }
    if (flow->elements & TEST_MAC) {
        const uint64_t macs[] = {flow->in_src_mac, flow->out_dst_mac, flow->in_dst_mac,
                                 flow->out_src_mac};
        test_records_words(r, 15, macs, 4);
    }
    if (flow->elements & TEST_BGP_AS) {
        test_records_pair(r, 16, flow->nextas, flow->prevas);
    }
    if (flow->elements & TEST_LATENCY) {
        const uint64_t latencies[] = {flow->client_latency, flow->server_latency,
                                      flow->app_latency};
        test_records_words(r, 17, latencies, 3);
    }
    if (flow->elements & TEST_USER) {
        memcpy(test_records_element(r, 24, 68), flow->user, strlen(flow->user));
    }
    if (flow->elements & TEST_OBSERVATION) {
        test_records_words(r, 33, (const uint64_t[]){flow->point_id, flow->domain_id}, 2);
    }
    test_records_nat(r, flow);
    test_records_packets(r, flow);
}

/** Frees the records. */
static inline void test_records_clear(struct test_records *r)
{
    free(r->octets);
    *r = (struct test_records){0};
}

#endif
