/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Random flows, random filters, and a naive evaluator of these filters that walks the expression
 * over plain structs. It shares no code with the library.
 *
 *     random_state = 4711;
 *     random_flow(&flow);
 *     const struct node *root = make_filter(5);      the text is in `text`
 *     bool hit = matches(root, &flow);
 */
#ifndef TEST_FILTER_RANDOM_H
#define TEST_FILTER_RANDOM_H

#include "flow_record.h"

#include <check.h>
#include <libnf/common.h>
#include <stdarg.h>
#include <stdio.h>

#define TEXT_SIZE 65536u
#define MAX_VALUES 40u
#define MAX_NODES 128u

/* ---- random numbers -------------------------------------------------------------------------- */

static uint64_t random_state;

static inline uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static inline unsigned random_below(unsigned limit)
{
    return (unsigned)((random_next() >> 11) % limit);
}

static inline bool random_chance(unsigned percent)
{
    return random_below(100) < percent;
}

/* ---- flows ----------------------------------------------------------------------------------- */

static const uint32_t number_pool[] = {0,   1,   2,   3,   5,   6,   7,    8,    10,
                                       16,  17,  24,  32,  53,  58,  63,   64,   80,
                                       128, 255, 256, 443, 769, 771, 2048, 2049, 65535};
#define POOL_COUNT (sizeof(number_pool) / sizeof(number_pool[0]))

static inline uint64_t random_number(uint64_t max)
{
    uint64_t number;

    do {
        number = random_chance(85) ? number_pool[random_below(POOL_COUNT)] : random_next() >> 40;
    } while (number > max);
    return number;
}

static inline struct lnf_addr random_address4(void)
{
    static const uint32_t pool[] = {0,          1,          0x0a000001, 0x0a000002, 0x0a0000ff,
                                    0x0a010001, 0x0aff0001, 0xac100504, 0xac1f0001, 0xc0a80101,
                                    0x80000000, 0x7fffffff, 0xffffffff};
    return (struct lnf_addr){0, pool[random_below(sizeof(pool) / sizeof(pool[0]))]};
}

static inline struct lnf_addr random_address6(void)
{
    static const struct lnf_addr pool[] = {
        {0x20010db800000000, 1},
        {0x20010db800000000, 2},
        {0x20010db800010000, 1},
        {0x20010db8ffffffff, 0xffffffffffffffff},
        {0xfe80000000000000, 0x1234},
        {0, 0x100000000},
        {0, 0xffff0a000001},
        {0x8000000000000000, 0},
        {1, 0},
        {0xffffffffffffffff, 0xffffffffffffffff},
        {0x20010db800000000, 0x8000000000000000},
    };
    return pool[random_below(sizeof(pool) / sizeof(pool[0]))];
}

static inline struct lnf_addr random_address(unsigned family)
{
    return family == 6 ? random_address6() : random_address4();
}

static inline uint64_t random_mac(void)
{
    static const uint64_t pool[] = {1, 0x001122334455, 0x001122334456, 0xffffffffffff};
    return pool[random_below(4)];
}

static inline void random_mpls(uint32_t entries[10])
{
    unsigned depth = random_below(11);

    for (unsigned i = 0; i < depth; i++) {
        /* Not 0: entries of 0 are below the bottom, marked or not. */
        entries[i] = (uint32_t)(1 + random_number(1000)) << 4 | random_below(8) << 1 |
                     (i + 1 == depth && random_chance(80));
    }
}

/** What flows of firewalls, translation and tunnels have besides. */
static inline void random_extras(struct test_flow *flow)
{
    static const char *const payloads[] = {"", "abc", "GET /abc", "xxABCxx", "ab"};

    random_mpls(flow->mpls);
    flow->biflow = (uint8_t)random_below(4);
    flow->reason = (uint8_t)random_below(6);
    flow->event = (uint8_t)random_below(6);
    flow->xevent = (uint16_t)(random_chance(60) ? 1000 + random_below(5) : random_number(65535));
    flow->xsrc = random_address(flow->family);
    flow->xdst = random_address(flow->family);
    flow->xsrcport = (uint16_t)random_number(65535);
    flow->xdstport = (uint16_t)random_number(65535);
    for (unsigned i = 0; i < 6; i++) {
        flow->acl[i] = (uint32_t)random_number(UINT32_MAX);
    }
    flow->nat_event = (uint8_t)random_below(4);
    for (unsigned i = 0; i < 4; i++) {
        flow->port_block[i] = (uint16_t)random_number(65535);
    }
    flow->tun_src = random_address(flow->family);
    flow->tun_dst = random_address(flow->family);
    flow->tun_proto = (uint32_t)random_number(255);
    flow->egress_vrf = (uint32_t)random_number(UINT32_MAX);
    flow->ingress_vrf = (uint32_t)random_number(UINT32_MAX);
    flow->ethertype = (uint16_t)random_number(65535);
    flow->min_ttl = (uint8_t)random_number(255);
    flow->max_ttl = (uint8_t)random_number(255);
    flow->payload = payloads[random_below(sizeof(payloads) / sizeof(payloads[0]))];
}

static inline void random_flow(struct test_flow *flow)
{
    static const uint8_t protocols[] = {6, 6, 6, 17, 17, 1, 58, 47};

    *flow = (struct test_flow){0};
    flow->elements = (unsigned)random_next() & 0xffffff & ~(unsigned)TEST_USER;
    flow->family = random_chance(60) ? 4 : random_chance(85) ? 6 : 0;
    if (flow->family == 0) {
        flow->elements &= ~(unsigned)(TEST_NEXT_HOP | TEST_BGP_NEXT_HOP | TEST_ROUTER |
                                      TEST_NAT_ADDRESSES | TEST_TUNNEL);
    } else {
        flow->src = random_address(flow->family);
        flow->dst = random_address(flow->family);
    }
    flow->next_hop = random_address(flow->family);
    flow->bgp_next_hop = random_address(flow->family);
    flow->router = random_address(flow->family);
    flow->first = 1700000000000 + random_below(5);
    flow->last = flow->first + random_number(UINT32_MAX);
    flow->packets = random_number(UINT32_MAX);
    flow->bytes = random_number(UINT32_MAX) * (random_chance(50) ? 1 : 1000);
    flow->srcport = (uint16_t)random_number(65535);
    flow->dstport = (uint16_t)random_number(65535);
    flow->proto = protocols[random_below(sizeof(protocols))];
    flow->flags = (uint8_t)(random_chance(60) ? random_below(64) : random_below(256));
    flow->fwd = (uint8_t)random_number(255);
    flow->tos = (uint8_t)random_number(255);
    flow->inif = (uint32_t)random_number(UINT32_MAX);
    flow->outif = (uint32_t)random_number(UINT32_MAX);
    flow->srcmask = (uint8_t)random_number(128);
    flow->dstmask = (uint8_t)random_number(128);
    flow->dir = (uint8_t)random_below(3);
    flow->dsttos = (uint8_t)random_number(255);
    flow->flows = random_number(UINT32_MAX);
    flow->outpackets = random_number(UINT32_MAX);
    flow->outbytes = random_number(UINT32_MAX);
    flow->srcvlan = (uint32_t)random_number(65535);
    flow->dstvlan = (uint32_t)random_number(65535);
    flow->srcas = (uint32_t)random_number(UINT32_MAX);
    flow->dstas = (uint32_t)random_number(UINT32_MAX);
    flow->nextas = (uint32_t)random_number(UINT32_MAX);
    flow->prevas = (uint32_t)random_number(UINT32_MAX);
    flow->in_src_mac = random_mac();
    flow->in_dst_mac = random_mac();
    flow->out_src_mac = random_mac();
    flow->out_dst_mac = random_mac();
    flow->point_id = random_number(UINT64_MAX);
    flow->domain_id = (uint32_t)random_number(UINT32_MAX);
    flow->client_latency = random_number(UINT64_MAX);
    flow->engine_type = (uint8_t)random_number(255);
    flow->engine_id = (uint8_t)random_number(255);
    flow->sysid = (uint16_t)random_number(65535);
    flow->server_latency = random_number(UINT64_MAX);
    flow->app_latency = random_number(UINT64_MAX);
    flow->nfversion = (uint8_t)random_below(11);
    random_extras(flow);
}

/* ---- values of flows ------------------------------------------------------------------------- */

enum number {
    N_SRCPORT,
    N_DSTPORT,
    N_PROTO,
    N_TOS,
    N_DSTTOS,
    N_PACKETS,
    N_BYTES,
    N_OUTPACKETS,
    N_OUTBYTES,
    N_FLOWS,
    N_DURATION,
    N_INIF,
    N_OUTIF,
    N_SRCAS,
    N_DSTAS,
    N_NEXTAS,
    N_PREVAS,
    N_SRCMASK,
    N_DSTMASK,
    N_SRCVLAN,
    N_DSTVLAN,
    N_ENGINE_TYPE,
    N_ENGINE_ID,
    N_SYSID,
    N_NFVERSION,
    N_DIR,
    N_FWD,
    N_DOMAIN,
    N_POINT,
    N_CLIENT,
    N_ICMP_TYPE,
    N_ICMP_CODE,
    N_BPS,
    N_PPS,
    N_BPP,
    N_FIRST,
    N_IN_SRC_MAC,
    N_IN_DST_MAC,
    N_OUT_SRC_MAC,
    N_OUT_DST_MAC,
    N_LAST,
    N_SERVER,
    N_APP,
    N_BIFLOW,
    N_REASON,
    N_EVENT,
    N_XEVENT,
    N_NAT_EVENT,
    N_XSRCPORT,
    N_XDSTPORT,
    N_ACL,               /* and the five behind it */
    N_BLOCK = N_ACL + 6, /* and the three behind it */
    N_TUN_PROTO = N_BLOCK + 4,
    N_EGRESS_VRF,
    N_INGRESS_VRF,
    N_ETHERTYPE,
    N_MIN_TTL,
    N_MAX_TTL,
    N_LABEL, /* and the nine behind it */
    N_EXP = N_LABEL + 10,
    N_BOTTOM = N_EXP + 10,
    N_NONE,
};

static inline uint64_t when(const struct test_flow *flow, unsigned element, uint64_t value)
{
    return (flow->elements & element) != 0 ? value : 0;
}

/** Place of the entry that ends a stack of labels. */
static inline unsigned mpls_bottom(const struct test_flow *f)
{
    unsigned i = 0;

    while (i < 9 && f->mpls[i] != 0 && (f->mpls[i] & 1) == 0) {
        i++;
    }
    return i;
}

/** Numbers of random_extras(). */
static inline uint64_t extra_number_of(const struct test_flow *f, unsigned number)
{
    if (number >= N_BOTTOM) {
        return when(f, TEST_MPLS, f->mpls[mpls_bottom(f)] >> 4);
    }
    if (number >= N_EXP) {
        return when(f, TEST_MPLS, f->mpls[number - N_EXP] >> 1 & 7);
    }
    if (number >= N_LABEL) {
        return when(f, TEST_MPLS, f->mpls[number - N_LABEL] >> 4);
    }
    if (number >= N_BLOCK && number < N_BLOCK + 4) {
        return when(f, TEST_PORT_BLOCK, f->port_block[number - N_BLOCK]);
    }
    if (number >= N_ACL && number < N_ACL + 6) {
        return when(f, TEST_ACL, f->acl[number - N_ACL]);
    }
    switch (number) {
    case N_LAST:
        return f->last;
    case N_SERVER:
        return when(f, TEST_LATENCY, f->server_latency);
    case N_APP:
        return when(f, TEST_LATENCY, f->app_latency);
    case N_BIFLOW:
        return when(f, TEST_MISC, f->biflow);
    case N_REASON:
        return when(f, TEST_MISC, f->reason);
    case N_EVENT: /* of a translation when there is none of a firewall */
        return (f->elements & TEST_NSEL) != 0 ? f->event : when(f, TEST_NAT_EVENT, f->nat_event);
    case N_XEVENT:
        return when(f, TEST_NSEL, f->xevent);
    case N_NAT_EVENT:
        return when(f, TEST_NAT_EVENT, f->nat_event);
    case N_XSRCPORT:
        return when(f, TEST_NAT_PORTS, f->xsrcport);
    case N_XDSTPORT:
        return when(f, TEST_NAT_PORTS, f->xdstport);
    case N_TUN_PROTO:
        return when(f, TEST_TUNNEL, f->tun_proto);
    case N_EGRESS_VRF:
        return when(f, TEST_VRF, f->egress_vrf);
    case N_INGRESS_VRF:
        return when(f, TEST_VRF, f->ingress_vrf);
    case N_ETHERTYPE:
        return when(f, TEST_LAYER2, f->ethertype);
    case N_MIN_TTL:
        return when(f, TEST_IP_INFO, f->min_ttl);
    case N_MAX_TTL:
        return when(f, TEST_IP_INFO, f->max_ttl);
    default:
        break;
    }
    ck_abort();
}

static inline uint64_t number_of(const struct test_flow *f, enum number number)
{
    uint64_t duration = f->last - f->first;

    switch (number) {
    case N_SRCPORT:
        return f->srcport;
    case N_DSTPORT:
        return f->dstport;
    case N_PROTO:
        return f->proto;
    case N_TOS:
        return f->tos;
    case N_DSTTOS:
        return when(f, TEST_MISC, f->dsttos);
    case N_PACKETS:
        return f->packets;
    case N_BYTES:
        return f->bytes;
    case N_OUTPACKETS:
        return when(f, TEST_COUNTERS, f->outpackets);
    case N_OUTBYTES:
        return when(f, TEST_COUNTERS, f->outbytes);
    case N_FLOWS:
        return when(f, TEST_COUNTERS, f->flows) == 0 ? 1 : f->flows;
    case N_DURATION:
        return duration;
    case N_INIF:
        return when(f, TEST_MISC, f->inif);
    case N_OUTIF:
        return when(f, TEST_MISC, f->outif);
    case N_SRCAS:
        return when(f, TEST_AS, f->srcas);
    case N_DSTAS:
        return when(f, TEST_AS, f->dstas);
    case N_NEXTAS:
        return when(f, TEST_BGP_AS, f->nextas);
    case N_PREVAS:
        return when(f, TEST_BGP_AS, f->prevas);
    case N_SRCMASK:
        return when(f, TEST_MISC, f->srcmask);
    case N_DSTMASK:
        return when(f, TEST_MISC, f->dstmask);
    case N_SRCVLAN:
        return when(f, TEST_VLAN, f->srcvlan);
    case N_DSTVLAN:
        return when(f, TEST_VLAN, f->dstvlan);
    case N_ENGINE_TYPE:
        return f->engine_type;
    case N_ENGINE_ID:
        return f->engine_id;
    case N_SYSID:
        return f->sysid;
    case N_NFVERSION:
        return f->nfversion;
    case N_DIR:
        return when(f, TEST_MISC, f->dir);
    case N_FWD:
        return f->fwd;
    case N_DOMAIN:
        return when(f, TEST_OBSERVATION, f->domain_id);
    case N_POINT:
        return when(f, TEST_OBSERVATION, f->point_id);
    case N_CLIENT:
        return when(f, TEST_LATENCY, f->client_latency);
    case N_ICMP_TYPE:
        return f->dstport >> 8;
    case N_ICMP_CODE:
        return f->dstport & 255;
    case N_BPS:
        return duration == 0 ? 0 : 8000 * f->bytes / duration;
    case N_PPS:
        return duration == 0 ? 0 : 1000 * f->packets / duration;
    case N_BPP:
        return f->packets == 0 ? 0 : f->bytes / f->packets;
    case N_FIRST:
        return f->first;
    case N_IN_SRC_MAC:
        return when(f, TEST_MAC, f->in_src_mac);
    case N_IN_DST_MAC:
        return when(f, TEST_MAC, f->in_dst_mac);
    case N_OUT_SRC_MAC:
        return when(f, TEST_MAC, f->out_src_mac);
    case N_OUT_DST_MAC:
        return when(f, TEST_MAC, f->out_dst_mac);
    default:
        break;
    }
    return extra_number_of(f, number);
}

/** Which numbers a term compares. */
struct number_term {
    const char *name;
    uint64_t max;
    bool all;    /* both sides */
    bool rate;   /* no `&` */
    bool icmp;   /* implies ICMP */
    bool denied; /* implies that a firewall denied the flow */
    bool mac;
    enum number numbers[4];
};

static const struct number_term number_terms[] = {
    {.name = "src port", .max = 65535, .numbers = {N_SRCPORT, N_NONE}},
    {.name = "dstport", .max = 65535, .numbers = {N_DSTPORT, N_NONE}},
    {.name = "port", .max = 65535, .numbers = {N_SRCPORT, N_DSTPORT, N_NONE}},
    {.name = "src or dst port", .max = 65535, .numbers = {N_SRCPORT, N_DSTPORT, N_NONE}},
    {.name = "DST AND SRC Port",
     .max = 65535,
     .all = true,
     .numbers = {N_SRCPORT, N_DSTPORT, N_NONE}},
    {.name = "proto", .max = 255, .numbers = {N_PROTO, N_NONE}},
    {.name = "tos", .max = 255, .numbers = {N_TOS, N_NONE}},
    {.name = "dst tos", .max = 255, .numbers = {N_DSTTOS, N_NONE}},
    {.name = "src or dst tos", .max = 255, .numbers = {N_TOS, N_DSTTOS, N_NONE}},
    {.name = "src and dst tos", .max = 255, .all = true, .numbers = {N_TOS, N_DSTTOS, N_NONE}},
    {.name = "packets", .max = UINT64_MAX, .numbers = {N_PACKETS, N_NONE}},
    {.name = "in bytes", .max = UINT64_MAX, .numbers = {N_BYTES, N_NONE}},
    {.name = "bytes", .max = UINT64_MAX, .numbers = {N_BYTES, N_NONE}},
    {.name = "out packets", .max = UINT64_MAX, .numbers = {N_OUTPACKETS, N_NONE}},
    {.name = "outbytes", .max = UINT64_MAX, .numbers = {N_OUTBYTES, N_NONE}},
    {.name = "flows", .max = UINT64_MAX, .numbers = {N_FLOWS, N_NONE}},
    {.name = "duration", .max = UINT64_MAX, .numbers = {N_DURATION, N_NONE}},
    {.name = "if", .max = UINT32_MAX, .numbers = {N_INIF, N_OUTIF, N_NONE}},
    {.name = "in if", .max = UINT32_MAX, .numbers = {N_INIF, N_NONE}},
    {.name = "outif", .max = UINT32_MAX, .numbers = {N_OUTIF, N_NONE}},
    {.name = "as", .max = UINT32_MAX, .numbers = {N_SRCAS, N_DSTAS, N_NONE}},
    {.name = "src and dst as",
     .max = UINT32_MAX,
     .all = true,
     .numbers = {N_SRCAS, N_DSTAS, N_NONE}},
    {.name = "previous as", .max = UINT32_MAX, .numbers = {N_PREVAS, N_NONE}},
    {.name = "next as", .max = UINT32_MAX, .numbers = {N_NEXTAS, N_NONE}},
    {.name = "mask", .max = 128, .numbers = {N_SRCMASK, N_DSTMASK, N_NONE}},
    {.name = "dst mask", .max = 128, .numbers = {N_DSTMASK, N_NONE}},
    {.name = "vlan", .max = 65535, .numbers = {N_SRCVLAN, N_DSTVLAN, N_NONE}},
    {.name = "srcvlan", .max = 65535, .numbers = {N_SRCVLAN, N_NONE}},
    {.name = "engine-type", .max = 255, .numbers = {N_ENGINE_TYPE, N_NONE}},
    {.name = "engine id", .max = 255, .numbers = {N_ENGINE_ID, N_NONE}},
    {.name = "sysid", .max = 65535, .numbers = {N_SYSID, N_NONE}},
    {.name = "nfversion", .max = 10, .numbers = {N_NFVERSION, N_NONE}},
    {.name = "flowdir", .max = 2, .numbers = {N_DIR, N_NONE}},
    {.name = "fwdstat", .max = 255, .numbers = {N_FWD, N_NONE}},
    {.name = "observation domain id", .max = UINT32_MAX, .numbers = {N_DOMAIN, N_NONE}},
    {.name = "observation point id", .max = UINT64_MAX, .numbers = {N_POINT, N_NONE}},
    {.name = "client latency", .max = UINT64_MAX, .numbers = {N_CLIENT, N_NONE}},
    {.name = "icmp-type", .max = 255, .icmp = true, .numbers = {N_ICMP_TYPE, N_NONE}},
    {.name = "icmp code", .max = 255, .icmp = true, .numbers = {N_ICMP_CODE, N_NONE}},
    {.name = "bps", .max = UINT64_MAX, .rate = true, .numbers = {N_BPS, N_NONE}},
    {.name = "pps", .max = UINT64_MAX, .rate = true, .numbers = {N_PPS, N_NONE}},
    {.name = "bpp", .max = UINT64_MAX, .rate = true, .numbers = {N_BPP, N_NONE}},
    {.name = "flowStartSysUpTime", .max = UINT64_MAX, .numbers = {N_FIRST, N_NONE}},
    {.name = "in src mac", .mac = true, .numbers = {N_IN_SRC_MAC, N_NONE}},
    {.name = "outdstmac", .mac = true, .numbers = {N_OUT_DST_MAC, N_NONE}},
    {.name = "src mac", .mac = true, .numbers = {N_IN_SRC_MAC, N_OUT_SRC_MAC, N_NONE}},
    {.name = "out mac", .mac = true, .numbers = {N_OUT_SRC_MAC, N_OUT_DST_MAC, N_NONE}},
    {.name = "mac",
     .mac = true,
     .numbers = {N_IN_SRC_MAC, N_IN_DST_MAC, N_OUT_SRC_MAC, N_OUT_DST_MAC}},
    {.name = "flowEndSysUpTime", .max = UINT64_MAX, .numbers = {N_LAST, N_NONE}},
    {.name = "server latency", .max = UINT64_MAX, .numbers = {N_SERVER, N_NONE}},
    {.name = "app latency", .max = UINT64_MAX, .numbers = {N_APP, N_NONE}},
    {.name = "biflow direction", .max = 255, .numbers = {N_BIFLOW, N_NONE}},
    {.name = "end reason", .max = 255, .numbers = {N_REASON, N_NONE}},
    {.name = "asa event", .max = 255, .numbers = {N_EVENT, N_NONE}},
    {.name = "asa xevent", .max = 65535, .numbers = {N_XEVENT, N_NONE}},
    {.name = "asa event denied", .max = 65535, .denied = true, .numbers = {N_XEVENT, N_NONE}},
    {.name = "nat event", .max = 255, .numbers = {N_NAT_EVENT, N_NONE}},
    {.name = "xport", .max = 65535, .numbers = {N_XSRCPORT, N_XDSTPORT, N_NONE}},
    {.name = "src nport", .max = 65535, .numbers = {N_XSRCPORT, N_NONE}},
    {.name = "xdstport", .max = 65535, .numbers = {N_XDSTPORT, N_NONE}},
    {.name = "src and dst xport",
     .max = 65535,
     .all = true,
     .numbers = {N_XSRCPORT, N_XDSTPORT, N_NONE}},
    {.name = "ingress acl", .max = UINT32_MAX, .numbers = {N_ACL, N_NONE}},
    {.name = "ingress ace", .max = UINT32_MAX, .numbers = {N_ACL + 1, N_NONE}},
    {.name = "ixace", .max = UINT32_MAX, .numbers = {N_ACL + 2, N_NONE}},
    {.name = "egress acl", .max = UINT32_MAX, .numbers = {N_ACL + 3, N_NONE}},
    {.name = "eace", .max = UINT32_MAX, .numbers = {N_ACL + 4, N_NONE}},
    {.name = "egress xace", .max = UINT32_MAX, .numbers = {N_ACL + 5, N_NONE}},
    {.name = "pblock start", .max = 65535, .numbers = {N_BLOCK, N_NONE}},
    {.name = "blockend", .max = 65535, .numbers = {N_BLOCK + 1, N_NONE}},
    {.name = "pblock step", .max = 65535, .numbers = {N_BLOCK + 2, N_NONE}},
    {.name = "portRangeNumPorts", .max = 65535, .numbers = {N_BLOCK + 3, N_NONE}},
    {.name = "tun proto", .max = 255, .numbers = {N_TUN_PROTO, N_NONE}},
    {.name = "egress vrf", .max = UINT32_MAX, .numbers = {N_EGRESS_VRF, N_NONE}},
    {.name = "ingressVRFID", .max = UINT32_MAX, .numbers = {N_INGRESS_VRF, N_NONE}},
    {.name = "ethertype", .max = 65535, .numbers = {N_ETHERTYPE, N_NONE}},
    {.name = "ttl", .max = 255, .numbers = {N_MIN_TTL, N_MAX_TTL, N_NONE}},
    {.name = "min ttl", .max = 255, .numbers = {N_MIN_TTL, N_NONE}},
    {.name = "max ttl", .max = 255, .numbers = {N_MAX_TTL, N_NONE}},
    {.name = "mpls label1", .max = 0xffffff, .numbers = {N_LABEL, N_NONE}},
    {.name = "mpls label2", .max = 0xffffff, .numbers = {N_LABEL + 1, N_NONE}},
    {.name = "mpls label10", .max = 0xffffff, .numbers = {N_LABEL + 9, N_NONE}},
    {.name = "mpls exp1", .max = 7, .numbers = {N_EXP, N_NONE}},
    {.name = "MPLS Exp3", .max = 7, .numbers = {N_EXP + 2, N_NONE}},
    {.name = "mpls eos", .max = 0xffffff, .numbers = {N_BOTTOM, N_NONE}},
};
#define NUMBER_TERM_COUNT (sizeof(number_terms) / sizeof(number_terms[0]))

enum address {
    A_SRC = 1,
    A_DST = 2,
    A_NEXT = 4,
    A_BGP = 8,
    A_ROUTER = 16,
    A_XSRC = 32,
    A_XDST = 64,
    A_TUN_SRC = 128,
    A_TUN_DST = 256,
    A_END = 512
};

static const struct address_term {
    const char *name;
    bool all;
    unsigned addresses;
} address_terms[] = {
    {"ip", false, A_SRC | A_DST},
    {"net", false, A_SRC | A_DST},
    {"src or dst host", false, A_SRC | A_DST},
    {"src and dst net", true, A_SRC | A_DST},
    {"srcip", false, A_SRC},
    {"dst ip", false, A_DST},
    {"next ip", false, A_NEXT},
    {"bgpnext ip", false, A_BGP},
    {"router ip", false, A_ROUTER},
    {"xip", false, A_XSRC | A_XDST},
    {"src nip", false, A_XSRC},
    {"src and dst xnet", true, A_XSRC | A_XDST},
    {"postNATDestinationIPv4Address", false, A_XDST},
    {"tunip", false, A_TUN_SRC | A_TUN_DST},
    {"dst tun ip", false, A_TUN_DST},
};
#define ADDRESS_TERM_COUNT (sizeof(address_terms) / sizeof(address_terms[0]))

static inline struct lnf_addr address_of(const struct test_flow *f, unsigned address)
{
    static const struct lnf_addr none = {0, 0};

    switch (address) {
    case A_SRC:
        return f->src;
    case A_DST:
        return f->dst;
    case A_NEXT:
        return (f->elements & TEST_NEXT_HOP) != 0 ? f->next_hop : none;
    case A_BGP:
        return (f->elements & TEST_BGP_NEXT_HOP) != 0 ? f->bgp_next_hop : none;
    case A_XSRC:
    case A_XDST:
        return (f->elements & TEST_NAT_ADDRESSES) == 0 ? none
               : address == A_XSRC                     ? f->xsrc
                                                       : f->xdst;
    case A_TUN_SRC:
    case A_TUN_DST:
        return (f->elements & TEST_TUNNEL) == 0 ? none
               : address == A_TUN_SRC           ? f->tun_src
                                                : f->tun_dst;
    default:
        return (f->elements & TEST_ROUTER) != 0 ? f->router : none;
    }
}

/* ---- expressions ----------------------------------------------------------------------------- */

enum comparison { C_EQ, C_NE, C_GT, C_LT, C_GE, C_LE, C_LIKE, C_IN };

enum node_kind {
    K_AND,
    K_OR,
    K_NOT,
    K_NUMBER,
    K_ADDRESS,
    K_FLAGS,
    K_FLAG_NUMBER,
    K_FAMILY,
    K_EXIST,
    K_ANY,
    K_PAYLOAD,
    K_PORT_BLOCK
};

struct node {
    enum node_kind kind;
    const struct node *left, *right;
    const char *left_label, *right_label; /* of the parentheses around them */
    const struct number_term *number_term;
    const struct address_term *address_term;
    enum comparison comparison;
    unsigned count;
    uint64_t numbers[MAX_VALUES];
    struct {
        struct lnf_addr address;
        unsigned family, bits;
    } nets[MAX_VALUES];
    unsigned flags, family, element;
    const char *pattern;
};

static struct node nodes[MAX_NODES];
static unsigned node_count;
static char text[TEXT_SIZE];
static size_t text_length;

static inline void put(const char *format, ...) LNF_PRINTF(1, 2);

static inline void put(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    text_length +=
        (size_t)vsnprintf(text + text_length, TEXT_SIZE - text_length, format, arguments);
    va_end(arguments);
    ck_assert_uint_lt(text_length, TEXT_SIZE);
}

static inline const char *comparison_text(enum comparison comparison)
{
    static const char *const texts[][3] = {
        {"", "=", "EQ"},    {"!=", "ne", "!="}, {">", "gt", ">"},   {"<", "lt", "<"},
        {">=", "ge", ">="}, {"<=", "le", "LE"}, {"&", "like", "&"}, {"in", "IN", "in"}};
    return texts[comparison][random_below(3)];
}

static inline void put_number(const struct number_term *term, uint64_t number)
{
    if (term->mac) {
        put("%x:%02x:%x:%02x:%x:%02x", (unsigned)(number >> 40), (unsigned)(number >> 32 & 255),
            (unsigned)(number >> 24 & 255), (unsigned)(number >> 16 & 255),
            (unsigned)(number >> 8 & 255), (unsigned)(number & 255));
    } else if (number != 0 && number % 1000 == 0 && random_chance(70)) {
        put(random_chance(50) ? "%lluk" : "%llu K", (unsigned long long)number / 1000);
    } else {
        put(random_chance(80) ? "%llu" : "0x%llx", (unsigned long long)number);
    }
}

static inline void put_address(struct lnf_addr a, unsigned family, unsigned bits)
{
    if (family == 4) {
        put("%u.%u.%u.%u", (unsigned)(a.lo >> 24 & 255), (unsigned)(a.lo >> 16 & 255),
            (unsigned)(a.lo >> 8 & 255), (unsigned)(a.lo & 255));
    } else {
        for (unsigned i = 0; i < 8; i++) {
            uint64_t half = i < 4 ? a.hi : a.lo;
            put("%s%x", i == 0 ? "" : ":", (unsigned)(half >> (48 - 16 * (i % 4)) & 0xffff));
        }
    }
    if (bits < (family == 4 ? 32u : 128u) || random_chance(20)) {
        put("/%u", bits);
    }
}

static inline unsigned list_length(void)
{
    return random_chance(80) ? 1 + random_below(5) : 1 + random_below(MAX_VALUES);
}

static inline void make_number(struct node *node)
{
    const struct number_term *term = &number_terms[random_below(NUMBER_TERM_COUNT)];

    node->number_term = term;
    do {
        node->comparison = (enum comparison)random_below(8);
    } while ((node->comparison == C_LIKE && term->rate) ||
             (term->mac && node->comparison > C_NE && node->comparison != C_IN));
    node->count = node->comparison == C_IN ? list_length() : 1;
    put("%s %s%s", term->name, comparison_text(node->comparison),
        node->comparison == C_IN ? (random_chance(50) ? " [" : "[") : " ");
    for (unsigned i = 0; i < node->count; i++) {
        node->numbers[i] = term->mac ? random_mac() : random_number(term->max);
        if (!term->mac && term->max > UINT32_MAX && random_chance(20)) {
            node->numbers[i] *= 1000;
        }
        put("%s", i == 0 ? "" : random_chance(50) ? ", " : " ");
        put_number(term, node->numbers[i]);
    }
    put("%s", node->comparison == C_IN ? "]" : "");
}

static inline void make_address(struct node *node)
{
    node->address_term = &address_terms[random_below(ADDRESS_TERM_COUNT)];
    node->comparison = random_chance(30) ? C_IN : random_chance(80) ? C_EQ : C_NE;
    node->count = node->comparison == C_IN ? list_length() : 1;
    bool whole = random_chance(40);
    put("%s %s%s", node->address_term->name, comparison_text(node->comparison),
        node->comparison == C_IN ? " [" : " ");
    for (unsigned i = 0; i < node->count; i++) {
        unsigned family = random_chance(65) ? 4 : 6;
        node->nets[i].family = family;
        node->nets[i].address = random_address(family);
        node->nets[i].bits = family == 4 ? 32 : 128;
        if (!whole && random_chance(60)) {
            node->nets[i].bits = random_below(node->nets[i].bits + 1);
        }
        put("%s", i == 0 ? "" : random_chance(50) ? "," : " ");
        put_address(node->nets[i].address, family, node->nets[i].bits);
    }
    put("%s", node->comparison == C_IN ? "]" : "");
}

static inline void make_flags(struct node *node)
{
    static const char letters[] = "FSRPAUEC";

    if (node->kind == K_FLAG_NUMBER) {
        node->comparison = (enum comparison)random_below(6);
        node->flags = random_below(64);
        put("flags %s %u", comparison_text(node->comparison), node->flags);
        return;
    }
    put("flags ");
    do {
        unsigned flag = random_below(8);
        if ((node->flags & 1u << flag) == 0) {
            put("%c", letters[flag]);
        }
        node->flags |= 1u << flag;
    } while (random_chance(50));
}

static inline void make_leaf(struct node *node)
{
    static const struct {
        const char *name;
        unsigned element;
    } exist[] = {{"srcvlan", TEST_VLAN},
                 {"next ip", TEST_NEXT_HOP},
                 {"in if", TEST_MISC},
                 {"as", TEST_AS},
                 {"out bytes", TEST_COUNTERS}};
    unsigned choice = random_below(100);

    if (choice < 50) {
        node->kind = K_NUMBER;
        make_number(node);
    } else if (choice < 75) {
        node->kind = K_ADDRESS;
        make_address(node);
    } else if (choice < 90) {
        node->kind = random_chance(70) ? K_FLAGS : K_FLAG_NUMBER;
        make_flags(node);
    } else if (choice < 94) {
        node->kind = K_FAMILY;
        node->family = random_chance(50) ? 4 : 6;
        put("%s", node->family == 4 ? (random_chance(50) ? "inet" : "ipv4") : "INET6");
    } else if (choice < 98) {
        unsigned i = random_below(5);
        node->kind = K_EXIST;
        node->element = exist[i].element;
        put("exist %s", exist[i].name);
    } else if (random_chance(40)) {
        static const char *const patterns[] = {"abc", "ABC", "/", "b", "GET"};
        node->kind = K_PAYLOAD;
        node->pattern = patterns[random_below(5)];
        put("payload content '%s'", node->pattern);
    } else if (random_chance(60)) {
        static const char *const names[] = {"src port", "dst port", "port", "dst and src port"};
        node->kind = K_PORT_BLOCK;
        node->flags = random_below(4);
        put("%s in pblock", names[node->flags]);
    } else {
        node->kind = K_ANY;
        put("any");
    }
}

static inline struct node *make_node(unsigned depth);

/** An operand in parentheses, which may have a label. */
static inline const struct node *make_operand(unsigned depth, const char **label)
{
    static const char *const labels[] = {"a", "web", "16-characters_ok", "X.1:y"};

    *label = random_chance(15) ? labels[random_below(4)] : NULL;
    bool before = *label != NULL && random_chance(50);
    if (before) {
        put("%%%s%s", *label, random_chance(50) ? " " : "");
    }
    put("(");
    const struct node *node = make_node(depth);
    put(")");
    if (*label != NULL && !before) {
        put("%s%%%s", random_chance(50) ? " " : "", *label);
    }
    return node;
}

static inline struct node *make_node(unsigned depth)
{
    struct node *node = &nodes[node_count++];

    *node = (struct node){0};
    if (depth == 0 || node_count > MAX_NODES / 2 || random_chance(15)) {
        make_leaf(node);
    } else if (random_chance(25)) {
        node->kind = K_NOT;
        put(random_chance(50) ? "not " : "!");
        bool parentheses = random_chance(50);
        put("%s", parentheses ? "(" : "");
        node->left = make_node(0);
        put("%s", parentheses ? ")" : "");
    } else if (random_chance(20)) {
        node->kind = K_NOT;
        put("not (");
        node->left = make_node(depth - 1);
        put(")");
    } else {
        node->kind = random_chance(50) ? K_AND : K_OR;
        node->left = make_operand(depth - 1, &node->left_label);
        /* A label ends where a blank or a symbol is. */
        put("%s", node->kind == K_AND ? (random_chance(70) ? " and " : "&&")
                                      : (random_chance(70) ? " OR " : "||"));
        node->right = make_operand(depth - 1, &node->right_label);
    }
    return node;
}

/* ---- the naive evaluator --------------------------------------------------------------------- */

static inline bool compare(uint64_t a, enum comparison comparison, uint64_t b)
{
    switch (comparison) {
    case C_GT:
        return a > b;
    case C_LT:
        return a < b;
    case C_GE:
        return a >= b;
    case C_LE:
        return a <= b;
    case C_LIKE:
        return (a & b) == b;
    case C_EQ:
    case C_NE:
    case C_IN:
        return a == b;
    }
    return false;
}

static inline bool number_matches(const struct node *node, const struct test_flow *flow)
{
    const struct number_term *term = node->number_term;
    unsigned sides = 0, matching = 0;

    if (term->icmp && flow->proto != 1 && flow->proto != 58) {
        return false;
    }
    if (term->denied && number_of(flow, N_EVENT) != 3) {
        return false;
    }
    for (unsigned i = 0; i < 4 && term->numbers[i] != N_NONE; i++) {
        bool match = false;
        for (unsigned j = 0; j < node->count; j++) {
            match = match ||
                    compare(number_of(flow, term->numbers[i]), node->comparison, node->numbers[j]);
        }
        sides++;
        matching += match;
    }
    if (node->comparison == C_NE) {
        return matching == 0;
    }
    return term->all ? matching == sides : matching > 0;
}

static inline unsigned bit_of(struct lnf_addr a, unsigned i)
{
    return i < 64 ? a.hi >> (63 - i) & 1 : a.lo >> (127 - i) & 1;
}

static inline bool in_net(const struct test_flow *flow, unsigned which, const struct node *node,
                          unsigned i)
{
    struct lnf_addr address = address_of(flow, which), net = node->nets[i].address;
    unsigned family = node->nets[i].family, bits = node->nets[i].bits;
    bool looks4 = address.hi == 0 && address.lo >> 32 == 0;

    if (bits == 0) {
        return which == A_SRC || which == A_DST ? flow->family == family : looks4 == (family == 4);
    }
    if (family == 4) {
        bits += 96;
    } else if (bits < 96 && looks4) {
        return false;
    }
    for (unsigned b = 0; b < bits; b++) {
        if (bit_of(address, b) != bit_of(net, b)) {
            return false;
        }
    }
    return true;
}

static inline bool address_matches(const struct node *node, const struct test_flow *flow)
{
    unsigned sides = 0, matching = 0;

    for (unsigned which = A_SRC; which < A_END; which <<= 1) {
        bool match = false;
        if ((node->address_term->addresses & which) == 0) {
            continue;
        }
        for (unsigned i = 0; i < node->count; i++) {
            match = match || in_net(flow, which, node, i);
        }
        sides++;
        matching += match;
    }
    if (node->comparison == C_NE) {
        return matching == 0;
    }
    return node->address_term->all ? matching == sides : matching > 0;
}

static inline bool port_block_matches(const struct node *node, const struct test_flow *flow)
{
    uint64_t start = number_of(flow, N_BLOCK), end = number_of(flow, N_BLOCK + 1);
    bool src = flow->srcport >= start && flow->srcport <= end;
    bool dst = flow->dstport >= start && flow->dstport <= end;

    return node->flags == 0   ? src
           : node->flags == 1 ? dst
           : node->flags == 2 ? src || dst
                              : src && dst;
}

static inline bool matches(const struct node *node, const struct test_flow *flow)
{
    switch (node->kind) {
    case K_AND:
        return matches(node->left, flow) && matches(node->right, flow);
    case K_OR:
        return matches(node->left, flow) || matches(node->right, flow);
    case K_NOT:
        if (node->left->kind == K_NOT) {
            return matches(node->left->left, flow);
        }
        if (node->left->kind == K_FLAGS) {
            return flow->proto != 6 || (flow->flags & node->left->flags) == 0;
        }
        return !matches(node->left, flow);
    case K_NUMBER:
        return number_matches(node, flow);
    case K_ADDRESS:
        return address_matches(node, flow);
    case K_FLAGS:
        return flow->proto == 6 && (flow->flags & node->flags) == node->flags;
    case K_FLAG_NUMBER:
        return flow->proto == 6 &&
               (node->comparison == C_NE ? flow->flags != node->flags
                                         : compare(flow->flags, node->comparison, node->flags));
    case K_FAMILY:
        return flow->family == node->family;
    case K_EXIST:
        return (flow->elements & node->element) != 0;
    case K_ANY:
        return true;
    case K_PAYLOAD:
        return (flow->elements & TEST_PAYLOAD) != 0 && strstr(flow->payload, node->pattern) != NULL;
    case K_PORT_BLOCK:
        return port_block_matches(node, flow);
    }
    return false;
}

/** The label a node that matches gives the flow, or NULL. */
static inline const char *label_of(const struct node *node, const struct test_flow *flow)
{
    if (node->kind == K_NOT && node->left->kind == K_NOT) {
        return label_of(node->left->left, flow);
    }
    if (node->kind != K_AND && node->kind != K_OR) {
        return NULL;
    }
    bool left_first = node->kind == K_OR && matches(node->left, flow);
    const char *left = node->left_label != NULL ? node->left_label : label_of(node->left, flow);
    const char *right = node->right_label != NULL ? node->right_label : label_of(node->right, flow);
    return left_first || (node->kind == K_AND && right == NULL) ? left : right;
}

/** A new filter with up to `depth` levels; the ones before are forgotten. */
static inline const struct node *make_filter(unsigned depth)
{
    node_count = 0;
    text_length = 0;
    return make_node(depth);
}

#endif
