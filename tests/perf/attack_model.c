/* SPDX-License-Identifier: BSD-3-Clause */
#include "attack_model.h"

#include <stdlib.h>
#include <string.h>

#include "flowgen_random.h"

#define START_MS (ATTACK_START_S * 1000)
#define SPAN_MS (ATTACK_SPAN_S * UINT64_C(1000))
#define MINUTE_MS UINT64_C(60000)
#define ACTIVE_TIMEOUT_MS (5 * MINUTE_MS)
#define QUIET_FROM_MS (15 * MINUTE_MS) /* exporter 2, and the mail server that stops */
#define BRANCH_UNTIL_MS (20 * MINUTE_MS)

#define IP(a, b, c, d)                                                                             \
    (((uint32_t)(a) << 24) | ((uint32_t)(b) << 16) | ((uint32_t)(c) << 8) | (uint32_t)(d))

/* The network; its clients are 10.20.16.0/21. */
#define CAMPUS IP(10, 20, 0, 0)
#define CLIENTS IP(10, 20, 16, 0)
#define BRANCH IP(10, 30, 0, 0)
#define MONITOR IP(10, 20, 0, 9)
#define SSH_SERVER IP(10, 20, 0, 22)
#define MAIL_SERVER IP(10, 20, 0, 25)
#define OTHER_MAIL_SERVER IP(10, 20, 0, 26)
#define RESOLVER IP(10, 20, 0, 53)
#define WEB_SERVER IP(10, 20, 0, 80)
#define BACKUP_CLIENT IP(10, 20, 0, 90)
#define BACKUP_SERVER IP(10, 20, 0, 91)
#define TIME_SERVER IP(10, 20, 0, 123)

/* The world: benchmark addresses, so that attackers in documentation addresses stand out. */
#define WORLD IP(198, 18, 0, 0)
#define NAME_SERVERS IP(198, 19, 0, 0)

enum {
    CLIENT_COUNT = 600,
    WORLD_SERVERS = 3000,
    NAME_SERVER_COUNT = 200,
    WEB_SESSIONS = 16000,
    BRANCH_SESSIONS = 2000,
    VISITS = 5000,
    MAILS = 800,
    LOOKUPS = 9000,
    PUSH_CLIENTS = 60,
    SCANNERS = 40,
};

enum { FIN = 0x01, SYN = 0x02, RST = 0x04, PSH = 0x08, ACK = 0x10 };
enum { TCP = 6, UDP = 17, ICMP = 1 };
enum { WHOLE_SESSION = SYN | ACK | PSH | FIN };

struct maker {
    struct fg_random random;
    struct attack_traffic *traffic;
    unsigned attacks;
    bool no_memory;
};

static const char *const attack_names[] = {
    "syn-flood",    "amplification", "horizontal-scan", "vertical-scan", "brute-force",
    "exfiltration", "beacon",        "silence",         "change",
};

const char *attack_name(unsigned attack)
{
    for (unsigned i = 0; i < sizeof(attack_names) / sizeof(attack_names[0]); i++) {
        if (attack == 1u << i) {
            return attack_names[i];
        }
    }
    return NULL;
}

const char *attack_channel_name(enum attack_channel channel)
{
    return channel == ATTACK_BORDER ? "border" : "branch";
}

/* ---- flows ---------------------------------------------------------------------------------- */

/** A packet stream of one direction; times in ms since the start. */
struct talk {
    uint32_t src, dst;
    uint16_t src_port, dst_port;
    uint8_t protocol, flags;
    uint64_t at_ms, duration_ms;
    uint64_t packets, octets;
};

static uint32_t below(struct maker *maker, uint32_t n)
{
    return fg_below((uint32_t)(fg_next(&maker->random) >> 32), n);
}

/** Uniform from `low` to `high`, both possible. */
static uint32_t between(struct maker *maker, uint32_t low, uint32_t high)
{
    return low + below(maker, high - low + 1);
}

static uint16_t high_port(struct maker *maker)
{
    return (uint16_t)between(maker, 32768, 60999);
}

static void put_address(uint8_t *to, uint32_t address)
{
    for (unsigned i = 0; i < 4; i++) {
        to[i] = (uint8_t)(address >> (24 - 8 * i));
    }
}

static bool is_campus(uint32_t address)
{
    return address >> 16 == CAMPUS >> 16;
}

static bool is_branch(uint32_t address)
{
    return address >> 16 == BRANCH >> 16;
}

/** Servers are behind the first router, half of the clients behind the second. */
static uint16_t exporter_of(const struct talk *talk)
{
    uint32_t local = is_campus(talk->src) ? talk->src : talk->dst;

    if (is_branch(talk->src) || is_branch(talk->dst)) {
        return ATTACK_EXPORTERS;
    }
    return local >= CLIENTS && local < CLIENTS + 0x800 && (local & 1) != 0 ? 2 : 1;
}

/** Whether the exporter, channel or host of the talk has stopped by then. */
static bool is_silent(const struct maker *maker, const struct talk *talk, uint64_t end_ms)
{
    uint16_t exporter = exporter_of(talk);

    if ((maker->attacks & ATTACK_SILENCE) != 0 &&
        ((exporter == 2 && end_ms >= QUIET_FROM_MS) ||
         (exporter == ATTACK_EXPORTERS && end_ms >= BRANCH_UNTIL_MS))) {
        return true;
    }
    return (maker->attacks & ATTACK_CHANGE) != 0 && end_ms >= QUIET_FROM_MS &&
           (talk->src == OTHER_MAIL_SERVER || talk->dst == OTHER_MAIL_SERVER);
}

static struct attack_flow *next_flow(struct maker *maker)
{
    struct attack_traffic *traffic = maker->traffic;

    if (traffic->count == traffic->capacity) {
        size_t capacity = traffic->capacity == 0 ? 65536 : traffic->capacity * 2;
        struct attack_flow *flows = realloc(traffic->flows, capacity * sizeof(*flows));
        if (flows == NULL) {
            maker->no_memory = true;
            return NULL;
        }
        traffic->flows = flows;
        traffic->capacity = capacity;
    }
    return &traffic->flows[traffic->count++];
}

/** One flow record; what would end after the half hour was not exported in it. */
static void tell(struct maker *maker, const struct talk *talk)
{
    uint64_t end_ms = talk->at_ms + talk->duration_ms;
    struct attack_flow *to;

    if (end_ms >= SPAN_MS || is_silent(maker, talk, end_ms) || (to = next_flow(maker)) == NULL) {
        return;
    }
    *to = (struct attack_flow){
        .flow =
            {
                .first_ms = START_MS + talk->at_ms,
                .last_ms = START_MS + end_ms,
                .export_ms = START_MS + end_ms,
                .packets = talk->packets,
                .octets = talk->octets,
                .src_port = talk->src_port,
                .dst_port = talk->dst_port,
                .protocol = talk->protocol,
                .tcp_flags = talk->flags,
                .in_if = is_campus(talk->src) ? 2 : 1,
                .out_if = is_campus(talk->dst) ? 2 : 1,
            },
        .number = maker->traffic->count,
        .exporter = exporter_of(talk),
    };
    to->channel = to->exporter == ATTACK_EXPORTERS ? ATTACK_BRANCH : ATTACK_BORDER;
    put_address(to->flow.src, talk->src);
    put_address(to->flow.dst, talk->dst);
}

/** A talk and its answer of other size. */
static void tell_both(struct maker *maker, const struct talk *talk, uint64_t packets,
                      uint64_t octets)
{
    struct talk answer = *talk;

    tell(maker, talk);
    answer.src = talk->dst;
    answer.dst = talk->src;
    answer.src_port = talk->dst_port;
    answer.dst_port = talk->src_port;
    answer.packets = packets;
    answer.octets = octets;
    tell(maker, &answer);
}

static uint64_t any_time(struct maker *maker)
{
    return below(maker, (uint32_t)SPAN_MS);
}

/* ---- ordinary traffic ----------------------------------------------------------------------- */

static uint32_t client(struct maker *maker)
{
    return CLIENTS + 1 + below(maker, CLIENT_COUNT);
}

/** A server of the world, some much more often than others. */
static uint32_t world_server(struct maker *maker)
{
    uint32_t bits = (uint32_t)(fg_next(&maker->random) >> 32);
    return WORLD + 256 + (uint32_t)fg_zipf(bits, 11.5) % WORLD_SERVERS;
}

static uint32_t world_client(struct maker *maker)
{
    return WORLD + 0x8000 + below(maker, 4000);
}

/** Client fetches something from a server. */
static void fetch(struct maker *maker, uint32_t from, uint32_t to, uint16_t port, uint64_t at_ms)
{
    uint32_t size = (uint32_t)fg_pareto((uint32_t)(fg_next(&maker->random) >> 32), 1000);
    bool quic = port == 443 && below(maker, 5) == 0;
    struct talk talk = {
        .src = from,
        .dst = to,
        .src_port = high_port(maker),
        .dst_port = port,
        .protocol = quic ? UDP : TCP,
        .flags = quic ? 0 : WHOLE_SESSION,
        .at_ms = at_ms,
        .duration_ms = 50 + (uint64_t)size * 20 + below(maker, 3000),
        .packets = 5 + size / 2,
    };

    if (!quic && below(maker, 30) == 0) { /* nobody there */
        talk.flags = SYN;
        talk.packets = 1 + below(maker, 3);
        talk.octets = talk.packets * 60;
        tell(maker, &talk);
        return;
    }
    talk.octets = talk.packets * between(maker, 60, 200);
    tell_both(maker, &talk, 6 + size, (6 + size) * (uint64_t)between(maker, 900, 1350));
}

static void make_web(struct maker *maker)
{
    for (unsigned i = 0; i < WEB_SESSIONS; i++) {
        fetch(maker, client(maker), world_server(maker), below(maker, 8) == 0 ? 80 : 443,
              any_time(maker));
    }
    for (unsigned i = 0; i < VISITS; i++) {
        fetch(maker, world_client(maker), WEB_SERVER, 443, any_time(maker));
    }
    for (unsigned i = 0; i < BRANCH_SESSIONS; i++) {
        fetch(maker, BRANCH + 10 + below(maker, 100), world_server(maker), 443, any_time(maker));
    }
}

static void make_mail(struct maker *maker)
{
    for (unsigned i = 0; i < MAILS; i++) {
        struct talk talk = {
            .src = world_client(maker),
            .dst = i % 2 == 0 ? MAIL_SERVER : OTHER_MAIL_SERVER,
            .src_port = high_port(maker),
            .dst_port = 25,
            .protocol = TCP,
            .flags = WHOLE_SESSION,
            .at_ms = any_time(maker),
            .duration_ms = between(maker, 500, 5000),
            .packets = between(maker, 200, 600),
        };
        talk.octets = talk.packets * 1200;
        tell_both(maker, &talk, talk.packets / 2, talk.packets * 30);
    }
}

/** Clients ask the resolver, the resolver asks the world. Some answers are large. */
static void make_dns(struct maker *maker)
{
    for (unsigned i = 0; i < LOOKUPS; i++) {
        bool inside = i % 3 != 0;
        bool large = below(maker, 50) == 0;
        struct talk talk = {
            .src = inside ? client(maker) : RESOLVER,
            .dst = inside ? RESOLVER : NAME_SERVERS + 1 + below(maker, NAME_SERVER_COUNT),
            .src_port = high_port(maker),
            .dst_port = 53,
            .protocol = UDP,
            .at_ms = any_time(maker),
            .duration_ms = large ? between(maker, 1, 5) : 0,
            .packets = large ? 2 : 1,
        };
        talk.octets = talk.packets * between(maker, 58, 98);
        tell_both(maker, &talk, talk.packets,
                  large ? between(maker, 2500, 2900) : between(maker, 80, 400));
    }
}

/** The clock of a machine: every 64 seconds one packet there and one back. */
static void make_ntp(struct maker *maker)
{
    for (unsigned i = 0; i < 104; i++) {
        uint64_t at_ms = below(maker, 64000);
        struct talk talk = {
            .src = i < 100 ? client(maker) : TIME_SERVER,
            .dst = i < 100 ? TIME_SERVER : WORLD + 123 + i - 100,
            .src_port = 123,
            .dst_port = 123,
            .protocol = UDP,
            .packets = 1,
            .octets = 76,
        };
        for (; at_ms < SPAN_MS; at_ms += 64000) {
            talk.at_ms = at_ms;
            tell_both(maker, &talk, 1, 76);
        }
    }
}

/** Monitoring, scheduled jobs, and a developer who fetches from the SSH server again and again. */
static void make_jobs(struct maker *maker)
{
    static const uint16_t watched[] = {22, 25, 80, 443};

    for (uint64_t at_ms = 0; at_ms < SPAN_MS; at_ms += MINUTE_MS) {
        for (uint32_t i = 0; i < 40; i++) {
            struct talk talk = {
                .src = MONITOR,
                .dst = CAMPUS + 20 + i * 2,
                .src_port = high_port(maker),
                .dst_port = watched[i % 4],
                .protocol = TCP,
                .flags = WHOLE_SESSION,
                .at_ms = at_ms + i * 250,
                .duration_ms = 40,
                .packets = 6,
                .octets = 380,
            };
            tell_both(maker, &talk, 5, 900);
        }
    }
    for (unsigned i = 0; i < 40; i++) {
        struct talk talk = {
            .src = CLIENTS + 5,
            .dst = SSH_SERVER,
            .src_port = high_port(maker),
            .dst_port = 22,
            .protocol = TCP,
            .flags = WHOLE_SESSION,
            .at_ms = any_time(maker),
            .duration_ms = between(maker, 800, 9000),
            .packets = between(maker, 15, 400),
        };
        talk.octets = talk.packets * 120;
        tell_both(maker, &talk, talk.packets * 2, talk.packets * 1500);
    }
}

/** Connections that last, cut by the exporter's active timeout: telephones, and a backup. */
static void make_long(struct maker *maker)
{
    for (unsigned i = 0; i <= PUSH_CLIENTS; i++) {
        bool backup = i == PUSH_CLIENTS;
        struct talk talk = {
            .src = backup ? BACKUP_CLIENT : CLIENTS + 100 + i,
            .dst = backup ? BACKUP_SERVER : WORLD + 200 + i % 5,
            .src_port = high_port(maker),
            .dst_port = backup ? 8000 : 5222,
            .protocol = TCP,
            .flags = PSH | ACK,
            .duration_ms = ACTIVE_TIMEOUT_MS - 1000,
            .packets = backup ? 60000 : 10,
            .octets = backup ? 80000000 : 900,
        };
        for (talk.at_ms = i * 100; talk.at_ms < SPAN_MS; talk.at_ms += ACTIVE_TIMEOUT_MS) {
            tell_both(maker, &talk, talk.packets / 2, talk.packets * 30);
        }
    }
}

/** What everybody on the Internet gets: each scanner knocks at a few doors. */
static void make_noise(struct maker *maker)
{
    static const uint16_t ports[] = {22, 23, 80, 445, 2323, 3389, 5555, 8080};

    for (unsigned i = 0; i < SCANNERS; i++) {
        uint32_t source = WORLD + 0xc000 + i;
        for (unsigned knock = between(maker, 5, 30); knock > 0; knock--) {
            struct talk talk = {
                .src = source,
                .dst = CAMPUS + below(maker, 65536),
                .src_port = high_port(maker),
                .dst_port = ports[i % 8],
                .protocol = TCP,
                .flags = SYN,
                .at_ms = any_time(maker),
                .packets = 1,
                .octets = 44,
            };
            tell(maker, &talk);
        }
    }
    for (unsigned i = 0; i < 600; i++) {
        struct talk talk = {
            .src = client(maker),
            .dst = world_server(maker),
            .dst_port = 2048, /* echo request */
            .protocol = ICMP,
            .at_ms = any_time(maker),
            .duration_ms = 3000,
            .packets = 4,
            .octets = 336,
        };
        tell_both(maker, &talk, 4, 336);
    }
}

/* ---- attacks -------------------------------------------------------------------------------- */

/** One machine with its own address, and as many as there are addresses. */
static void make_syn_flood(struct maker *maker)
{
    struct talk talk = {.protocol = TCP, .flags = SYN};

    for (unsigned i = 0; i < 120000; i++) {
        talk.src = IP(203, 0, 113, 66);
        talk.dst = WEB_SERVER;
        talk.src_port = (uint16_t)between(maker, 1024, 65535);
        talk.dst_port = 443;
        talk.at_ms = 10 * MINUTE_MS + i * UINT64_C(5); /* ten minutes */
        talk.packets = below(maker, 10) == 0 ? 2 : 1;
        talk.octets = talk.packets * 60;
        tell(maker, &talk);
    }
    for (unsigned i = 0; i < 30000; i++) {
        talk.src = IP(100, 64, 0, 0) + below(maker, 1 << 22);
        talk.dst = MAIL_SERVER;
        talk.src_port = (uint16_t)between(maker, 1024, 65535);
        talk.dst_port = 25;
        talk.at_ms = 5 * MINUTE_MS + i * UINT64_C(10); /* five minutes */
        talk.packets = 1;
        talk.octets = 60;
        tell(maker, &talk);
    }
}

/** One protocol that answers more than it is asked. */
struct amplifier {
    uint16_t port;
    uint32_t first_source, victim;
    unsigned count, flows;
    uint32_t packets, octets; /* of one flow */
};

static const struct amplifier amplifiers[] = {
    {53, IP(198, 51, 100, 1), IP(10, 20, 5, 5), 20, 700, 3, 4296},
    {123, IP(198, 51, 100, 101), IP(10, 20, 5, 6), 10, 200, 100, 46800},
    {11211, IP(198, 51, 100, 201), IP(10, 20, 5, 7), 3, 100, 500, 700000},
};

static void make_amplification(struct maker *maker)
{
    for (unsigned k = 0; k < sizeof(amplifiers) / sizeof(amplifiers[0]); k++) {
        const struct amplifier *a = &amplifiers[k];
        for (unsigned i = 0; i < a->count * a->flows; i++) {
            struct talk talk = {
                .src = a->first_source + i % a->count,
                .dst = a->victim,
                .src_port = a->port,
                .dst_port = high_port(maker),
                .protocol = UDP,
                .at_ms = 15 * MINUTE_MS + i * UINT64_C(280000) / (a->count * a->flows),
                .duration_ms = between(maker, 5, 900),
                .packets = a->packets,
                .octets = a->octets + i % a->count * 4 + (i % 2000 == 999),
            };
            tell(maker, &talk);
        }
    }
}

/** One packet back. */
static void tell_answer(struct maker *maker, const struct talk *talk, uint8_t flags)
{
    struct talk answer = *talk;

    answer.src = talk->dst;
    answer.dst = talk->src;
    answer.src_port = talk->dst_port;
    answer.dst_port = talk->src_port;
    answer.flags = flags;
    tell(maker, &answer);
}

static void make_scans(struct maker *maker)
{
    struct talk talk = {.protocol = TCP, .flags = SYN, .packets = 1, .octets = 44};

    for (unsigned i = 0; (maker->attacks & ATTACK_HORIZONTAL_SCAN) != 0 && i < 3000; i++) {
        talk.src = IP(203, 0, 113, 77);
        talk.dst = CAMPUS + i * 21;
        talk.src_port = 54321;
        talk.dst_port = 23;
        talk.at_ms = i * UINT64_C(500);
        tell(maker, &talk);
        if (i % 1000 == 999) {
            tell_answer(maker, &talk, SYN | ACK);
        }
    }
    for (unsigned i = 0; (maker->attacks & ATTACK_VERTICAL_SCAN) != 0 && i < 2000; i++) {
        talk.src = IP(203, 0, 113, 88);
        talk.dst = SSH_SERVER;
        talk.src_port = high_port(maker);
        talk.dst_port = (uint16_t)(1 + i);
        talk.at_ms = 12 * MINUTE_MS + i * UINT64_C(30);
        tell(maker, &talk);
        tell_answer(maker, &talk, RST | ACK);
    }
}

static void make_brute_force(struct maker *maker)
{
    for (unsigned i = 0; i < 600; i++) {
        struct talk talk = {
            .src = IP(203, 0, 113, 99),
            .dst = SSH_SERVER,
            .src_port = high_port(maker),
            .dst_port = 22,
            .protocol = TCP,
            .flags = WHOLE_SESSION,
            .at_ms = i * UINT64_C(2500),
            .duration_ms = between(maker, 1500, 2400),
            .packets = between(maker, 13, 17),
        };
        talk.octets = talk.packets * 135;
        tell_both(maker, &talk, talk.packets - 1, talk.packets * 160);
    }
}

static void make_exfiltration(struct maker *maker)
{
    for (unsigned i = 0; i < 1500; i++) {
        struct talk talk = {
            .src = IP(10, 20, 18, 76),
            .dst = IP(198, 51, 100, 53),
            .src_port = high_port(maker),
            .dst_port = 53,
            .protocol = UDP,
            .at_ms = 2 * MINUTE_MS + i * UINT64_C(1000) + below(maker, 800),
            .duration_ms = 0,
            .packets = 1,
            .octets = between(maker, 190, 253),
        };
        tell_both(maker, &talk, 1, talk.octets + 20);
    }
}

static void make_beacon(struct maker *maker)
{
    for (unsigned i = 0; i < 30; i++) {
        struct talk talk = {
            .src = IP(10, 20, 17, 18),
            .dst = IP(203, 0, 113, 44),
            .src_port = high_port(maker),
            .dst_port = 443,
            .protocol = TCP,
            .flags = WHOLE_SESSION,
            .at_ms = 20000 + i * MINUTE_MS + below(maker, 3000),
            .duration_ms = between(maker, 150, 400),
            .packets = 8,
            .octets = between(maker, 900, 960),
        };
        tell_both(maker, &talk, 7, 620);
    }
}

/** A host sends far more than it ever did; the other half is in is_silent(). */
static void make_change(struct maker *maker)
{
    for (unsigned i = 0; i < 12; i++) {
        struct talk talk = {
            .src = IP(10, 20, 17, 20),
            .dst = IP(203, 0, 113, 55),
            .src_port = high_port(maker),
            .dst_port = 443,
            .protocol = TCP,
            .flags = WHOLE_SESSION,
            .at_ms = 15 * MINUTE_MS + i * UINT64_C(70000),
            .duration_ms = between(maker, 40000, 60000),
            .packets = 40000,
            .octets = 52000000,
        };
        tell_both(maker, &talk, 20000, 1040000);
    }
}

/* ---- door ----------------------------------------------------------------------------------- */

static int by_export(const void *a, const void *b)
{
    const struct attack_flow *x = a, *y = b;

    if (x->flow.export_ms != y->flow.export_ms) {
        return x->flow.export_ms < y->flow.export_ms ? -1 : 1;
    }
    return x->number < y->number ? -1 : x->number > y->number;
}

bool attack_traffic_make(uint64_t seed, unsigned attacks, struct attack_traffic *traffic)
{
    static void (*const ordinary[])(struct maker *) = {make_web,  make_mail, make_dns,  make_ntp,
                                                       make_jobs, make_long, make_noise};
    static const struct {
        unsigned attacks;
        void (*make)(struct maker *);
    } extraordinary[] = {
        {ATTACK_SYN_FLOOD, make_syn_flood},
        {ATTACK_AMPLIFICATION, make_amplification},
        {ATTACK_HORIZONTAL_SCAN | ATTACK_VERTICAL_SCAN, make_scans},
        {ATTACK_BRUTE_FORCE, make_brute_force},
        {ATTACK_EXFILTRATION, make_exfiltration},
        {ATTACK_BEACON, make_beacon},
        {ATTACK_CHANGE, make_change},
    };
    struct maker maker = {.traffic = traffic, .attacks = attacks};

    *traffic = (struct attack_traffic){0};
    /* A sequence of random numbers each, so that attacks leave the ordinary traffic as it is. */
    for (unsigned i = 0; i < sizeof(ordinary) / sizeof(ordinary[0]); i++) {
        fg_random_init(&maker.random, seed + i);
        ordinary[i](&maker);
    }
    for (unsigned i = 0; i < sizeof(extraordinary) / sizeof(extraordinary[0]); i++) {
        if ((attacks & extraordinary[i].attacks) != 0) {
            fg_random_init(&maker.random, seed + 100 + i);
            extraordinary[i].make(&maker);
        }
    }
    if (maker.no_memory) {
        attack_traffic_clear(traffic);
        return false;
    }
    qsort(traffic->flows, traffic->count, sizeof(*traffic->flows), by_export);
    return true;
}

void attack_traffic_clear(struct attack_traffic *traffic)
{
    free(traffic->flows);
    *traffic = (struct attack_traffic){0};
}
