/* SPDX-License-Identifier: BSD-3-Clause */
/* Traffic model of the flow generator: hosts, services, conversations, scans and attacks. */

#include "flowgen_model.h"

#include <stdlib.h>
#include <string.h>

#include "flowgen_random.h"

enum {
    PREFIX_COUNT = 8192,        /* /16 (IPv4) and /32 (IPv6) networks of the outside world */
    SLOT_COUNT = 4096,          /* pieces of the run with one speed each */
    RING_SIZE = 16384,          /* conversations that may still be answered or repeated */
    ANSWER_LAG = 2048,          /* conversations between a request and its answer, at most */
    ACTIVE_TIMEOUT_MS = 300000, /* the exporter cuts longer flows */
    INACTIVE_TIMEOUT_MS = 15000,
    CAMPUS_BITS = 18,  /* the campus is 10.16.0.0/14 and 2001:db8::/32 */
    CAMPUS_AS = 64500, /* reserved for documentation, RFC 5398 */
};

/* Shares of kinds of flows, in parts of 65536. What is left opens new conversations. */
enum {
    SHARE_SCAN = 3600,
    SHARE_ANSWER = 26000,
    SHARE_REPEAT = 8000,
    SHARE_EPISODE = 39322, /* 60 % of the flows while an attack goes on */
    SHARE_IPV6 = 10900,
};

/* Sizes of the populations, as powers of two. */
#define CAMPUS_CLIENTS_LOG2 17.6
#define CAMPUS_SERVERS_LOG2 10.5
#define WORLD_SERVERS_LOG2 17.5
#define WORLD_CLIENTS_LOG2 19.0

enum { TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_PSH = 0x08, TCP_ACK = 0x10 };
enum {
    PROTO_ICMP = 1,
    PROTO_TCP = 6,
    PROTO_UDP = 17,
    PROTO_GRE = 47,
    PROTO_ESP = 50,
    PROTO_ICMPV6 = 58
};

/* How the flows of a service look. */
enum service_kind {
    KIND_STREAM, /* TCP, or QUIC: a few packets at least, heavy tail */
    KIND_QUERY,  /* one packet there, one back */
    KIND_MEDIA,  /* long runs of packets of one size */
    KIND_PING,
    KIND_TUNNEL, /* no ports */
};

struct service {
    uint32_t weight; /* of 1000 */
    uint8_t protocol;
    uint16_t port; /* 0: any high port */
    enum service_kind kind;
    uint16_t request_octets; /* mean size of a packet to the server */
    uint16_t answer_octets;  /* and of one back */
    uint8_t tos;
};

static const struct service service_table[] = {
    {430, PROTO_TCP, 443, KIND_STREAM, 140, 1180, 0},
    {70, PROTO_TCP, 80, KIND_STREAM, 120, 1240, 0},
    {128, PROTO_UDP, 53, KIND_QUERY, 68, 190, 0},
    {88, PROTO_UDP, 443, KIND_STREAM, 160, 1190, 0},
    {28, PROTO_TCP, 22, KIND_STREAM, 110, 160, 0x10},
    {18, PROTO_TCP, 993, KIND_STREAM, 100, 620, 0},
    {14, PROTO_TCP, 25, KIND_STREAM, 900, 90, 0},
    {16, PROTO_TCP, 3389, KIND_STREAM, 130, 540, 0},
    {14, PROTO_TCP, 445, KIND_STREAM, 480, 700, 0},
    {18, PROTO_TCP, 8080, KIND_STREAM, 150, 900, 0},
    {10, PROTO_TCP, 5222, KIND_STREAM, 110, 120, 0},
    {60, PROTO_TCP, 0, KIND_STREAM, 700, 710, 0},
    {16, PROTO_UDP, 123, KIND_QUERY, 76, 76, 0},
    {8, PROTO_UDP, 161, KIND_QUERY, 80, 140, 0},
    {8, PROTO_UDP, 5060, KIND_QUERY, 520, 430, 0x60},
    {10, PROTO_UDP, 3478, KIND_MEDIA, 210, 210, 0xb8},
    {8, PROTO_UDP, 51820, KIND_MEDIA, 420, 1010, 0},
    {16, PROTO_UDP, 0, KIND_MEDIA, 600, 610, 0},
    {34, PROTO_ICMP, 0, KIND_PING, 84, 84, 0},
    {3, PROTO_GRE, 0, KIND_TUNNEL, 480, 900, 0},
    {3, PROTO_ESP, 0, KIND_TUNNEL, 520, 860, 0},
};

enum { SERVICE_COUNT = sizeof(service_table) / sizeof(service_table[0]) };

/* Ports that background scanners knock at. */
static const uint16_t scanned_ports[16] = {23,   22,   445,  3389, 80,   8080, 443,  5555,
                                           2323, 1433, 6379, 3306, 5900, 8443, 5060, 81};

struct prefix {
    uint32_t network; /* first 16 bits of IPv4, first 32 of IPv6 */
    uint32_t as;
    uint8_t mask;
    uint8_t interface;
};

struct endpoint {
    uint8_t address[16];
    uint32_t as;
    uint32_t interface;
    uint8_t mask;
};

struct conversation {
    struct endpoint client;
    struct endpoint server;
    const struct service *service;
    uint32_t size; /* packets the server has to say; drives the rest */
    uint16_t client_port;
    uint16_t server_port;
    uint8_t tos;
    bool ipv6;
    bool refused; /* nobody listens: a lonely SYN, answered by RST */
};

struct fg_model {
    struct fg_random random;
    uint64_t count;
    uint64_t index; /* flows made so far */
    uint64_t salt;  /* makes addresses depend on the seed */
    struct fg_episode episodes[FG_EPISODE_COUNT];
    double start_ms;
    double slot_end_ms[SLOT_COUNT + 1]; /* since start_ms; [0] is 0 */
    struct prefix prefix4[PREFIX_COUNT];
    struct prefix prefix6[PREFIX_COUNT];
    uint8_t service_of[1024]; /* uniform number -> service, by weight */
    struct conversation ring[RING_SIZE];
    uint64_t opened;   /* conversations so far */
    uint64_t answered; /* number of the next one to be answered */
};

/* ---- hosts -------------------------------------------------------------------------------- */

static void put_be32(uint8_t *to, uint32_t value)
{
    to[0] = (uint8_t)(value >> 24);
    to[1] = (uint8_t)(value >> 16);
    to[2] = (uint8_t)(value >> 8);
    to[3] = (uint8_t)value;
}

static void put_be64(uint8_t *to, uint64_t value)
{
    put_be32(to, (uint32_t)(value >> 32));
    put_be32(to + 4, (uint32_t)value);
}

static struct endpoint campus_host(const fg_model_t *m, uint64_t rank, bool ipv6)
{
    /* An odd factor permutes the addresses of the campus: popular hosts lie scattered. */
    uint32_t host = (uint32_t)(rank * 0x9e3779b1u + 7) & ((1u << CAMPUS_BITS) - 1);
    struct endpoint e = {.as = CAMPUS_AS, .interface = 10 + (host >> 13), .mask = 24};

    if (ipv6) {
        put_be32(e.address, 0x20010db8);
        put_be32(e.address + 4, host >> 8);
        put_be64(e.address + 8, fg_mix(m->salt ^ host));
        e.mask = 64;
    } else {
        put_be32(e.address, 0x0a100000 | host);
    }
    return e;
}

static struct endpoint world_host(const fg_model_t *m, uint64_t rank, bool ipv6)
{
    uint64_t h = fg_mix(m->salt + rank);
    /* A product of two uniform numbers: the first networks hold most of the hosts. */
    uint32_t network = (uint32_t)((h & 0x1fff) * ((h >> 13) & 0x1fff)) >> 13;
    const struct prefix *p = ipv6 ? &m->prefix6[network] : &m->prefix4[network];
    struct endpoint e = {.as = p->as, .interface = p->interface, .mask = p->mask};

    if (ipv6) {
        put_be32(e.address, p->network);
        put_be32(e.address + 4, (uint32_t)(h >> 40));
        put_be64(e.address + 8, fg_mix(h));
    } else {
        put_be32(e.address, p->network << 16 | (uint32_t)(h >> 48));
    }
    return e;
}

/* First octets that are neither private, loopback, link-local nor otherwise special. */
static bool octet_is_public(uint32_t octet)
{
    return octet != 0 && octet != 10 && octet != 100 && octet != 127 && octet != 169 &&
           octet != 172 && octet != 192 && octet != 198 && octet != 203 && octet < 224;
}

static void init_prefixes(fg_model_t *m)
{
    for (int i = 0; i < PREFIX_COUNT; i++) {
        struct prefix *p4 = &m->prefix4[i];
        struct prefix *p6 = &m->prefix6[i];
        uint64_t r = fg_next(&m->random);
        uint32_t octet = (uint32_t)(r & 0xff);

        while (!octet_is_public(octet)) {
            r = fg_next(&m->random);
            octet = (uint32_t)(r & 0xff);
        }
        /* One in eight AS numbers needs four octets. */
        uint32_t as = 1 + fg_below((uint32_t)(r >> 32), 3000) * 19;
        p4->as = (r >> 20 & 7) == 0 ? 196608 + as : as;
        p4->network = octet << 8 | (uint32_t)(r >> 8 & 0xff);
        p4->mask = (uint8_t)(16 + (r >> 16 & 7) + (r >> 19 & 1));
        p4->interface = (uint8_t)(1 + (r >> 24) % 3);

        p6->as = p4->as;
        p6->network = 0x2a000000 | (uint32_t)(r >> 40 & 0x0fffff);
        p6->mask = (uint8_t)(32 + 4 * (r >> 60 & 3));
        p6->interface = p4->interface;
    }
}

/* ---- attacks ------------------------------------------------------------------------------ */

struct episode_row {
    const char *name;
    uint32_t from, to; /* of 1000 parts of the run */
    const char *source;
    const char *target;
};

static const struct episode_row episode_table[FG_EPISODE_COUNT] = {
    {"syn-flood", 200, 230, "spoofed, each once", "10.16.1.80 tcp/80"},
    {"dns-amplification", 400, 420, "about 3000 resolvers, udp/53", "10.17.2.25"},
    {"horizontal-scan", 600, 615, "185.220.7.13", "10.16.0.0/14 tcp/445, in order"},
    {"vertical-scan", 750, 755, "91.240.118.77", "10.18.3.10, tcp ports in order"},
};

struct fg_episode fg_model_episode(unsigned index, uint64_t count)
{
    const struct episode_row *row = &episode_table[index];

    /* count / 1000 first: the product could overflow. */
    return (struct fg_episode){
        .name = row->name,
        .from = count / 1000 * row->from + count % 1000 * row->from / 1000,
        .to = count / 1000 * row->to + count % 1000 * row->to / 1000,
        .source = row->source,
        .target = row->target,
    };
}

/* Number of the attack that goes on at flow `index`, or -1. */
static int episode_at(const fg_model_t *m, uint64_t index)
{
    for (unsigned i = 0; i < FG_EPISODE_COUNT; i++) {
        if (index >= m->episodes[i].from && index < m->episodes[i].to) {
            return (int)i;
        }
    }
    return -1;
}

static struct endpoint fixed_campus_host(uint32_t address)
{
    struct endpoint e = {
        .as = CAMPUS_AS, .interface = 10 + ((address & 0x3ffff) >> 13), .mask = 24};

    put_be32(e.address, address);
    return e;
}

static struct endpoint fixed_world_host(uint32_t address, uint32_t as)
{
    struct endpoint e = {.as = as, .interface = 1, .mask = 24};

    put_be32(e.address, address);
    return e;
}

static void set_endpoints(struct fg_flow *f, const struct endpoint *src, const struct endpoint *dst)
{
    memcpy(f->src, src->address, sizeof(f->src));
    memcpy(f->dst, dst->address, sizeof(f->dst));
    f->src_as = src->as;
    f->dst_as = dst->as;
    f->in_if = src->interface;
    f->out_if = dst->interface;
    f->src_mask = src->mask;
    f->dst_mask = dst->mask;
}

/* A single SYN without options, what floods and scanners send. */
static void fill_lonely_syn(struct fg_flow *f, uint16_t src_port, uint16_t dst_port)
{
    f->protocol = PROTO_TCP;
    f->tcp_flags = TCP_SYN;
    f->src_port = src_port;
    f->dst_port = dst_port;
    f->packets = 1;
    f->octets = 40;
}

static void make_syn_flood(fg_model_t *m, struct fg_flow *f, uint64_t r)
{
    struct endpoint victim = fixed_campus_host(0x0a100150);
    /* Ranks above every population: sources nobody else uses. */
    struct endpoint source = world_host(m, (UINT64_C(1) << 40) + m->index, false);

    set_endpoints(f, &source, &victim);
    fill_lonely_syn(f, (uint16_t)(1024 + (r & 0x7fff)), 80);
}

static void make_amplification(fg_model_t *m, struct fg_flow *f, uint64_t r)
{
    struct endpoint victim = fixed_campus_host(0x0a110219);
    struct endpoint source =
        world_host(m, (UINT64_C(1) << 41) + fg_below((uint32_t)r, 3000), false);

    set_endpoints(f, &source, &victim);
    f->protocol = PROTO_UDP;
    f->src_port = 53;
    f->dst_port = (uint16_t)(1024 + (r >> 48));
    f->packets = 4 + fg_below((uint32_t)(r >> 32), 200);
    f->octets = f->packets * (1180 + (r >> 40 & 0xff));
}

static void make_horizontal_scan(struct fg_flow *f, uint64_t step, uint64_t r)
{
    struct endpoint source = fixed_world_host(0xb9dc070d, 60729);
    struct endpoint target = fixed_campus_host(0x0a100000 | ((uint32_t)step & 0x3ffff));

    set_endpoints(f, &source, &target);
    fill_lonely_syn(f, (uint16_t)(40000 + (r & 0x3fff)), 445);
}

static void make_vertical_scan(struct fg_flow *f, uint64_t step, uint64_t r)
{
    struct endpoint source = fixed_world_host(0x5bf0764d, 49505);
    struct endpoint target = fixed_campus_host(0x0a12030a);

    set_endpoints(f, &source, &target);
    fill_lonely_syn(f, (uint16_t)(50000 + (r & 0xfff)), (uint16_t)(1 + step % 65535));
}

static void make_attack(fg_model_t *m, int episode, struct fg_flow *f)
{
    uint64_t r = fg_next(&m->random);
    uint64_t step = m->index - m->episodes[episode].from;

    switch (episode) {
    case 0:
        make_syn_flood(m, f, r);
        break;
    case 1:
        make_amplification(m, f, r);
        break;
    case 2:
        make_horizontal_scan(f, step, r);
        break;
    default:
        make_vertical_scan(f, step, r);
        break;
    }
}

/* ---- ordinary traffic --------------------------------------------------------------------- */

static void init_services(fg_model_t *m)
{
    unsigned filled = 0;

    for (unsigned s = 0; s < SERVICE_COUNT; s++) {
        unsigned slots = service_table[s].weight * 1024 / 1000;

        for (unsigned i = 0; i < slots && filled < 1024; i++) {
            m->service_of[filled++] = (uint8_t)s;
        }
    }
    while (filled < 1024) {
        m->service_of[filled++] = 0;
    }
}

/* Who talks to whom: campus to world, world to campus, or inside the campus. */
static void choose_hosts(fg_model_t *m, struct conversation *c, uint64_t r)
{
    uint64_t ranks = fg_next(&m->random);
    uint32_t kind = (uint32_t)(r & 0xff);

    if (kind < 170) {
        c->client = campus_host(m, fg_zipf((uint32_t)ranks, CAMPUS_CLIENTS_LOG2), c->ipv6);
        c->server = world_host(m, fg_zipf((uint32_t)(ranks >> 32), WORLD_SERVERS_LOG2), c->ipv6);
    } else if (kind < 242) {
        c->client = world_host(m, fg_zipf((uint32_t)ranks, WORLD_CLIENTS_LOG2), c->ipv6);
        c->server = campus_host(m, fg_zipf((uint32_t)(ranks >> 32), CAMPUS_SERVERS_LOG2), c->ipv6);
    } else {
        c->client = campus_host(m, fg_zipf((uint32_t)ranks, CAMPUS_CLIENTS_LOG2), c->ipv6);
        c->server = campus_host(m, fg_zipf((uint32_t)(ranks >> 32), CAMPUS_SERVERS_LOG2), c->ipv6);
    }
}

static void choose_ports(struct conversation *c, uint64_t r)
{
    uint16_t high = (uint16_t)(32768 + fg_below((uint32_t)r, 28232));

    if (c->service->kind == KIND_PING || c->service->kind == KIND_TUNNEL) {
        c->client_port = 0;
        c->server_port = 0;
        return;
    }
    c->client_port = high;
    c->server_port = c->service->port;
    if (c->server_port == 0) {
        c->server_port = (uint16_t)(1024 + (r >> 33 & 0x7fff));
    }
    if (c->server_port == 123 && (r >> 60) < 6) {
        c->client_port = 123; /* a daemon asks from its own port */
    }
}

static uint32_t conversation_size(const struct service *s, uint64_t r)
{
    uint32_t bits = (uint32_t)(r >> 32);

    switch (s->kind) {
    case KIND_STREAM:
        return (uint32_t)fg_pareto(bits, 1u << 20);
    case KIND_MEDIA:
    case KIND_TUNNEL:
        return 8 + (uint32_t)fg_pareto(bits, 1u << 16) * 12;
    case KIND_PING:
        return 1 + (bits >> 30) * (bits >> 27 & 7);
    default:
        return 1;
    }
}

static struct conversation *open_conversation(fg_model_t *m)
{
    struct conversation *c = &m->ring[m->opened % RING_SIZE];
    uint64_t r = fg_next(&m->random);

    c->service = &service_table[m->service_of[r & 1023]];
    c->ipv6 = (r >> 10 & 0xffff) < SHARE_IPV6;
    c->refused = c->service->protocol == PROTO_TCP && (r >> 26 & 0xff) < 14;
    c->tos = (r >> 34 & 0xff) < 10 ? 0x28 : c->service->tos;
    choose_hosts(m, c, r >> 42);
    r = fg_next(&m->random);
    choose_ports(c, r);
    c->size = conversation_size(c->service, fg_next(&m->random));
    m->opened++;
    return c;
}

static uint8_t tcp_flags(const struct conversation *c, bool answer, bool repeated, uint32_t bits)
{
    if (c->refused) {
        return answer ? TCP_RST | TCP_ACK : TCP_SYN;
    }
    if (repeated) {
        return TCP_PSH | TCP_ACK; /* cut out of a long connection */
    }
    if (bits < 24) {
        return TCP_SYN | TCP_PSH | TCP_ACK | TCP_RST;
    }
    if (bits < 40) {
        return TCP_SYN | TCP_PSH | TCP_ACK; /* goes on after the active timeout */
    }
    return TCP_SYN | TCP_PSH | TCP_ACK | TCP_FIN;
}

static void fill_sizes(const struct conversation *c, bool answer, uint64_t r, struct fg_flow *f)
{
    const struct service *s = c->service;
    uint64_t mean = answer ? s->answer_octets : s->request_octets;
    uint64_t packets = c->size;

    if (c->refused) {
        f->packets = answer ? 1 : 1 + (r & 3);
        f->octets = f->packets * (answer ? 40 : 60);
        return;
    }
    if (s->kind == KIND_STREAM) {
        /* The one who talks less still acknowledges about every second packet. */
        packets = 4 + (answer == (s->answer_octets > s->request_octets) ? packets : packets / 2);
    }
    f->packets = packets;
    /* Mean size from 3/4 to 5/4, never below a header nor above the MTU. */
    mean = mean * (768 + (r >> 8 & 511)) / 1024;
    if (mean < 40) {
        mean = 40;
    }
    f->octets = packets * (mean > 1500 ? 1500 : mean) + (packets > 2 ? r >> 20 & 31 : 0);
    if (f->octets > packets * 1500) {
        f->octets = packets * 1500;
    }
}

/* ICMP type and code travel in the destination port, as exporters without element 32 do. */
static void fill_icmp(const struct conversation *c, bool answer, uint64_t r, struct fg_flow *f)
{
    if (c->ipv6) {
        f->protocol = PROTO_ICMPV6;
        f->dst_port = answer ? 129 << 8 : 128 << 8;
    } else if ((r >> 50 & 15) == 0 && answer) {
        f->dst_port = 3 << 8 | 3; /* port unreachable */
    } else {
        f->dst_port = answer ? 0 : 8 << 8;
    }
}

static void fill_conversation(fg_model_t *m, const struct conversation *c, bool answer,
                              bool repeated, struct fg_flow *f)
{
    uint64_t r = fg_next(&m->random);

    f->ipv6 = c->ipv6;
    f->tos = c->tos;
    f->protocol = c->service->protocol;
    if (answer) {
        set_endpoints(f, &c->server, &c->client);
        f->src_port = c->server_port;
        f->dst_port = c->client_port;
    } else {
        set_endpoints(f, &c->client, &c->server);
        f->src_port = c->client_port;
        f->dst_port = c->server_port;
    }
    if (f->protocol == PROTO_TCP) {
        f->tcp_flags = tcp_flags(c, answer, repeated, (uint32_t)(r >> 56));
    }
    fill_sizes(c, answer, r, f);
    if (c->service->kind == KIND_PING) {
        fill_icmp(c, answer, r, f);
    }
}

static void make_background_scan(fg_model_t *m, struct fg_flow *f)
{
    uint64_t r = fg_next(&m->random);
    /* Scanners differ in zeal, but most are seen once or twice. */
    struct endpoint source = world_host(m, (UINT64_C(1) << 42) + fg_zipf((uint32_t)r, 26.0), false);
    struct endpoint target = fixed_campus_host(0x0a100000 | (uint32_t)(r >> 46));

    set_endpoints(f, &source, &target);
    fill_lonely_syn(f, (uint16_t)(1024 + (r >> 32 & 0x3fff)),
                    scanned_ports[fg_zipf((uint32_t)fg_next(&m->random), 4.0)]);
}

/* ---- time --------------------------------------------------------------------------------- */

/* Traffic is not even: a slow wave, random bursts, and attacks come on top of the rest. */
static void init_slots(fg_model_t *m, double span_ms)
{
    double total = 0;

    for (int i = 0; i < SLOT_COUNT; i++) {
        double wave = i % 1024 < 512 ? i % 1024 : 1023 - i % 1024;
        double speed = 1.0 + wave / 512.0;
        uint64_t r = fg_next(&m->random);

        if ((r & 31) == 0) {
            speed = speed * (2.0 + 4.0 * fg_unit((uint32_t)(r >> 32)));
        }
        if (episode_at(m, (uint64_t)((double)m->count * i / SLOT_COUNT)) >= 0) {
            speed = speed * 2.5;
        }
        total += 1.0 / speed;
        m->slot_end_ms[i + 1] = total;
    }
    for (int i = 1; i <= SLOT_COUNT; i++) {
        m->slot_end_ms[i] = m->slot_end_ms[i] * span_ms / total;
    }
}

static uint64_t export_time_ms(const fg_model_t *m)
{
    double at = (double)m->index * SLOT_COUNT / (double)m->count;
    int slot = (int)at;
    double begin = m->slot_end_ms[slot];

    return (uint64_t)(m->start_ms + begin + (m->slot_end_ms[slot + 1] - begin) * (at - slot));
}

static void fill_times(fg_model_t *m, struct fg_flow *f)
{
    uint64_t r = fg_next(&m->random);
    bool finished = (f->tcp_flags & (TCP_FIN | TCP_RST)) != 0;
    uint64_t duration = 0;

    f->export_ms = export_time_ms(m);
    f->last_ms = f->export_ms - fg_below((uint32_t)r, finished ? 1000 : INACTIVE_TIMEOUT_MS);
    if (f->packets > 1) {
        uint64_t longest = f->packets * 2000;

        duration = (uint64_t)fg_exp2(fg_unit((uint32_t)(r >> 32)) * 18.1);
        duration = duration > longest ? longest : duration;
        duration = duration > ACTIVE_TIMEOUT_MS ? ACTIVE_TIMEOUT_MS : duration;
    }
    f->first_ms = f->last_ms - duration;
}

/* ---- the model ---------------------------------------------------------------------------- */

fg_model_t *fg_model_create(uint64_t seed, uint64_t count, uint64_t start_ms, uint64_t span_ms)
{
    fg_model_t *m = calloc(1, sizeof(*m));

    if (m == NULL) {
        return NULL;
    }
    fg_random_init(&m->random, seed);
    m->count = count;
    m->start_ms = (double)start_ms;
    for (unsigned i = 0; i < FG_EPISODE_COUNT; i++) {
        m->episodes[i] = fg_model_episode(i, count);
    }
    m->salt = fg_next(&m->random);
    init_prefixes(m);
    init_services(m);
    init_slots(m, (double)span_ms);
    return m;
}

void fg_model_destroy(fg_model_t *model)
{
    free(model);
}

/* The next conversation that has not been answered; those that waited too long never are. */
static const struct conversation *next_to_answer(fg_model_t *m)
{
    if (m->opened - m->answered > ANSWER_LAG) {
        m->answered = m->opened - ANSWER_LAG;
    }
    return &m->ring[m->answered++ % RING_SIZE];
}

static const struct conversation *recent_conversation(fg_model_t *m, uint32_t bits)
{
    uint32_t recent = m->opened < RING_SIZE ? (uint32_t)m->opened : RING_SIZE;

    return &m->ring[(m->opened - 1 - fg_below(bits, recent)) % RING_SIZE];
}

static void make_ordinary(fg_model_t *m, struct fg_flow *f)
{
    uint64_t r = fg_next(&m->random);
    uint32_t kind = (uint32_t)(r & 0xffff);

    if (kind < SHARE_SCAN) {
        make_background_scan(m, f);
    } else if (kind < SHARE_SCAN + SHARE_ANSWER && m->answered < m->opened) {
        fill_conversation(m, next_to_answer(m), true, false, f);
    } else if (kind >= 65536 - SHARE_REPEAT && m->opened > 0) {
        fill_conversation(m, recent_conversation(m, (uint32_t)(r >> 16)), r >> 63, true, f);
    } else {
        fill_conversation(m, open_conversation(m), false, false, f);
    }
}

void fg_model_next(fg_model_t *model, struct fg_flow *flow)
{
    int episode = episode_at(model, model->index);

    memset(flow, 0, sizeof(*flow));
    if (episode >= 0 && (fg_next(&model->random) & 0xffff) < SHARE_EPISODE) {
        make_attack(model, episode, flow);
    } else {
        make_ordinary(model, flow);
    }
    fill_times(model, flow);
    model->index++;
}
