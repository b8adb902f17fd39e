/* SPDX-License-Identifier: BSD-3-Clause */
/* Flow generator: realistic flows from a seed, as an IPFIX File, live export or plain text. */

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "flowgen_ipfix.h"
#include "flowgen_model.h"
#include "flowgen_output.h"
#include "flowgen_truth.h"

enum { EXIT_USAGE = 1, EXIT_RUN = 2 };
enum { CHUNK_SIZE = 4 << 20, CHUNK_MESSAGES = 1 << 16 };

static const uint64_t start_preset_s = 1767225600; /* 2026-01-01 00:00:00 UTC */
static const uint64_t start_min_s = 86400;         /* flows begin up to six minutes earlier */
static const uint64_t start_max_s = UINT32_MAX - 86400;

struct settings {
    uint64_t count;
    uint64_t seed;
    uint64_t start_s;
    uint64_t span_s;
    uint64_t rate;
    uint64_t records; /* per message */
    uint64_t domain_id;
    uint64_t template_interval;
    enum fg_profile profile;
    bool template_interval_given;
    bool options;
    bool prebuild;
    bool list_episodes;
    enum fg_output_kind kind;
    const char *target;
    const char *bind_to;
    const char *truth_path;
};

/* Everything of one run. */
struct run {
    const struct settings *settings;
    fg_model_t *model;
    struct fg_exporter exporter;
    struct fg_output output;
    FILE *truth;
    struct fg_flow *flows; /* of one message */
    struct fg_chunk *chunks;
    size_t chunk_count;
    uint64_t left; /* flows still to be made */
    uint64_t packet_sum;
    uint64_t octet_sum;
    uint64_t message_octets;
    uint64_t generate_ns;
    uint64_t send_ns;
};

/* ---- command line ------------------------------------------------------------------------- */

static const char help_text[] =
    "Usage: flowgen [options]\n"
    "\n"
    "Makes realistic network flows from a seed: the same options give the same octets, on every\n"
    "machine. About 70 % TCP, 25 % UDP, 15 % IPv6; few hosts are popular, many are seen once;\n"
    "of the default 5 million flows about 0.65 million source addresses and 4.4 million 5-tuples\n"
    "differ. The campus is 10.16.0.0/14 and 2001:db8::/32 in AS 64500.\n"
    "\n"
    "Where to (at most one):\n"
    "  --file=FILE             IPFIX File (RFC 5655)\n"
    "  --udp=HOST:PORT         one datagram per message; an IPv6 address as [::1]:4739\n"
    "  --tcp=HOST:PORT         one connection\n"
    "  --truth=FILE            also (or only) writes one line of text per flow, in order of the\n"
    "                          records: first_ms,last_ms,srcip,dstip,srcport,dstport,proto,flags,\n"
    "                          packets,bytes,tos,srcas,dstas,inif,outif,srcmask,dstmask;\n"
    "                          what the profile does not export is 0\n"
    "\n"
    "Traffic:\n"
    "  --count=N               flows [5000000]\n"
    "  --seed=N                another seed, other traffic [1]\n"
    "  --start=SECONDS|now     time of the first export since 1970; 'now' lets the last one be\n"
    "                          now [1767225600 = 2026-01-01 00:00 UTC]\n"
    "  --span=SECONDS          from the first export to the last [6000]\n"
    "  --list-episodes         prints the attacks of --count flows and their places, then ends\n"
    "\n"
    "Messages:\n"
    "  --profile=full|compact  65 octets per IPv4 record with AS numbers, interfaces and masks;\n"
    "                          or 47 without [full]\n"
    "  --records=N             records per message, 1 to 700 [30]\n"
    "  --odid=N                Observation Domain ID [1]\n"
    "  --template-interval=N   messages between refreshes of the templates, 0 = only the first\n"
    "                          message has them [1000 with --udp, else 0]\n"
    "  --options               also sends an Options Template and its record (sampling)\n"
    "\n"
    "Sending:\n"
    "  --rate=N                flows per second, 0 = as fast as possible [0]\n"
    "  --bind=ADDRESS          local address to send from\n"
    "  --prebuild              makes all messages before the first is sent (60 to 85 octets of\n"
    "                          memory per flow); times of both are printed apart anyway\n"
    "\n"
    "  -h, --help              this text\n"
    "\n"
    "Ends with a line of name=value pairs: flows, packets and octets in them, messages and their\n"
    "octets, seconds spent on making and on sending, flows per second sent.\n"
    "\n"
    "Exit status: 0 done; 1 wrong options; 2 could not write or send.\n";

enum option_id {
    OPT_FILE = 256,
    OPT_UDP,
    OPT_TCP,
    OPT_TRUTH,
    OPT_COUNT,
    OPT_SEED,
    OPT_START,
    OPT_SPAN,
    OPT_LIST,
    OPT_PROFILE,
    OPT_RECORDS,
    OPT_ODID,
    OPT_INTERVAL,
    OPT_OPTIONS,
    OPT_RATE,
    OPT_BIND,
    OPT_PREBUILD,
};

static const struct option option_table[] = {
    {"file", required_argument, NULL, OPT_FILE},
    {"udp", required_argument, NULL, OPT_UDP},
    {"tcp", required_argument, NULL, OPT_TCP},
    {"truth", required_argument, NULL, OPT_TRUTH},
    {"count", required_argument, NULL, OPT_COUNT},
    {"seed", required_argument, NULL, OPT_SEED},
    {"start", required_argument, NULL, OPT_START},
    {"span", required_argument, NULL, OPT_SPAN},
    {"list-episodes", no_argument, NULL, OPT_LIST},
    {"profile", required_argument, NULL, OPT_PROFILE},
    {"records", required_argument, NULL, OPT_RECORDS},
    {"odid", required_argument, NULL, OPT_ODID},
    {"template-interval", required_argument, NULL, OPT_INTERVAL},
    {"options", no_argument, NULL, OPT_OPTIONS},
    {"rate", required_argument, NULL, OPT_RATE},
    {"bind", required_argument, NULL, OPT_BIND},
    {"prebuild", no_argument, NULL, OPT_PREBUILD},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* Reads a decimal number from `min` to `max`; says what is wrong with any other text. */
static int parse_number(const char *option, const char *text, uint64_t min, uint64_t max,
                        uint64_t *value)
{
    char *end = NULL;

    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number < min ||
        number > max) {
        fprintf(stderr, "flowgen: --%s=%s: expected a number from %" PRIu64 " to %" PRIu64 "\n",
                option, text, min, max);
        return -1;
    }
    *value = number;
    return 0;
}

static int set_target(struct settings *s, enum fg_output_kind kind, const char *target)
{
    if (s->kind != FG_OUTPUT_NONE) {
        fprintf(stderr, "flowgen: only one of --file, --udp and --tcp is possible\n");
        return -1;
    }
    s->kind = kind;
    s->target = target;
    return 0;
}

static int set_profile(struct settings *s, const char *name)
{
    if (strcmp(name, "full") == 0) {
        s->profile = FG_PROFILE_FULL;
    } else if (strcmp(name, "compact") == 0) {
        s->profile = FG_PROFILE_COMPACT;
    } else {
        fprintf(stderr, "flowgen: --profile=%s: expected full or compact\n", name);
        return -1;
    }
    return 0;
}

static int set_start(struct settings *s, const char *text)
{
    if (strcmp(text, "now") == 0) {
        s->start_s = 0;
        return 0;
    }
    return parse_number("start", text, start_min_s, start_max_s, &s->start_s);
}

static int set_option(struct settings *s, int id, const char *value)
{
    switch (id) {
    case OPT_FILE:
        return set_target(s, FG_OUTPUT_FILE, value);
    case OPT_UDP:
        return set_target(s, FG_OUTPUT_UDP, value);
    case OPT_TCP:
        return set_target(s, FG_OUTPUT_TCP, value);
    case OPT_TRUTH:
        s->truth_path = value;
        return 0;
    case OPT_COUNT:
        return parse_number("count", value, 1, UINT32_MAX, &s->count);
    case OPT_SEED:
        return parse_number("seed", value, 0, UINT64_MAX, &s->seed);
    case OPT_START:
        return set_start(s, value);
    case OPT_SPAN:
        return parse_number("span", value, 1, 31622400, &s->span_s);
    case OPT_LIST:
        s->list_episodes = true;
        return 0;
    case OPT_PROFILE:
        return set_profile(s, value);
    case OPT_RECORDS:
        return parse_number("records", value, 1, FG_RECORDS_MAX, &s->records);
    case OPT_ODID:
        return parse_number("odid", value, 0, UINT32_MAX, &s->domain_id);
    case OPT_INTERVAL:
        s->template_interval_given = true;
        return parse_number("template-interval", value, 0, UINT32_MAX, &s->template_interval);
    case OPT_OPTIONS:
        s->options = true;
        return 0;
    case OPT_RATE:
        return parse_number("rate", value, 0, UINT32_MAX, &s->rate);
    case OPT_BIND:
        s->bind_to = value;
        return 0;
    case OPT_PREBUILD:
        s->prebuild = true;
        return 0;
    default:
        return -1; /* getopt_long() has said why */
    }
}

/* Combinations that make no sense, and presets that depend on other options. */
static int check_settings(struct settings *s)
{
    bool live = s->kind == FG_OUTPUT_UDP || s->kind == FG_OUTPUT_TCP;

    if (s->kind == FG_OUTPUT_NONE && s->truth_path == NULL && !s->list_episodes) {
        fprintf(stderr, "flowgen: nothing to do: give --file, --udp, --tcp or --truth\n");
        return -1;
    }
    if (!live && (s->rate > 0 || s->bind_to != NULL)) {
        fprintf(stderr, "flowgen: --rate and --bind need --udp or --tcp\n");
        return -1;
    }
    if (s->start_s == 0) {
        s->start_s = (uint64_t)time(NULL) - s->span_s;
    }
    if (s->start_s + s->span_s > start_max_s) {
        fprintf(stderr, "flowgen: --start and --span lead beyond the year 2106\n");
        return -1;
    }
    if (!s->template_interval_given && s->kind == FG_OUTPUT_UDP) {
        s->template_interval = 1000;
    }
    return 0;
}

/* Fills the settings. Returns 1 when the help was printed and all is done. */
static int parse_arguments(int argc, char **argv, struct settings *s)
{
    int id;

    while ((id = getopt_long(argc, argv, "h", option_table, NULL)) != -1) {
        if (id == 'h') {
            fputs(help_text, stdout);
            return 1;
        }
        if (set_option(s, id, optarg) != 0) {
            return -1;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "flowgen: unexpected argument '%s'\n", argv[optind]);
        return -1;
    }
    return check_settings(s);
}

/* ---- chunks of messages ------------------------------------------------------------------- */

static void chunk_clear(struct fg_chunk *chunk)
{
    free(chunk->octets);
    free(chunk->ends);
    free(chunk->flows);
    memset(chunk, 0, sizeof(*chunk));
}

static int chunk_init(struct fg_chunk *chunk)
{
    memset(chunk, 0, sizeof(*chunk));
    chunk->octets = malloc(CHUNK_SIZE);
    chunk->ends = malloc(CHUNK_MESSAGES * sizeof(*chunk->ends));
    chunk->flows = malloc(CHUNK_MESSAGES * sizeof(*chunk->flows));
    if (chunk->octets == NULL || chunk->ends == NULL || chunk->flows == NULL) {
        chunk_clear(chunk);
        return -1;
    }
    return 0;
}

/* Makes the flows of one message. */
static void make_flows(struct run *run, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct fg_flow *flow = &run->flows[i];

        fg_model_next(run->model, flow);
        fg_profile_reduce(run->settings->profile, flow);
        run->packet_sum += flow->packets;
        run->octet_sum += flow->octets;
    }
    if (run->truth != NULL) {
        fg_truth_write(run->truth, run->flows, count);
    }
    run->left -= count;
}

/* Fills a chunk with messages until it is full or the flows end. */
static void chunk_fill(struct run *run, struct fg_chunk *chunk)
{
    size_t used = 0;

    chunk->count = 0;
    while (run->left > 0 && chunk->count < CHUNK_MESSAGES && CHUNK_SIZE - used >= FG_MESSAGE_MAX) {
        uint64_t wanted = run->settings->records;
        uint32_t count = (uint32_t)(wanted < run->left ? wanted : run->left);

        make_flows(run, count);
        used += fg_message_build(&run->exporter, run->flows, count, chunk->octets + used);
        chunk->ends[chunk->count] = used;
        chunk->flows[chunk->count] = count;
        chunk->count++;
    }
    run->message_octets += used;
}

/* ---- running ------------------------------------------------------------------------------ */

static int generate(struct run *run, struct fg_chunk *chunk)
{
    uint64_t begin = fg_now_ns();

    chunk_fill(run, chunk);
    run->generate_ns += fg_now_ns() - begin;
    if (run->truth != NULL && ferror(run->truth)) {
        fprintf(stderr, "flowgen: %s: cannot write: %s\n", run->settings->truth_path,
                strerror(errno));
        return -1;
    }
    return 0;
}

static int send_chunk(struct run *run, const struct fg_chunk *chunk)
{
    uint64_t begin = fg_now_ns();

    if (run->output.kind != FG_OUTPUT_NONE && fg_output_send(&run->output, chunk) != 0) {
        return -1;
    }
    run->send_ns += fg_now_ns() - begin;
    return 0;
}

/* One more chunk at the end of run->chunks; NULL without memory. */
static struct fg_chunk *add_chunk(struct run *run)
{
    struct fg_chunk *chunks = realloc(run->chunks, (run->chunk_count + 1) * sizeof(*chunks));

    if (chunks != NULL) {
        run->chunks = chunks;
        if (chunk_init(&chunks[run->chunk_count]) == 0) {
            return &chunks[run->chunk_count++];
        }
    }
    fprintf(stderr, "flowgen: out of memory\n");
    return NULL;
}

static int run_prebuilt(struct run *run)
{
    while (run->left > 0) {
        struct fg_chunk *chunk = add_chunk(run);

        if (chunk == NULL || generate(run, chunk) != 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < run->chunk_count; i++) {
        if (send_chunk(run, &run->chunks[i]) != 0) {
            return -1;
        }
    }
    return 0;
}

static int run_streaming(struct run *run)
{
    struct fg_chunk *chunk = add_chunk(run);

    while (chunk != NULL && run->left > 0) {
        if (generate(run, chunk) != 0 || send_chunk(run, chunk) != 0) {
            return -1;
        }
    }
    return chunk == NULL ? -1 : 0;
}

static int run_open(struct run *run, const struct settings *s)
{
    run->settings = s;
    run->left = s->count;
    run->exporter.profile = s->profile;
    run->exporter.domain_id = (uint32_t)s->domain_id;
    run->exporter.template_interval = (uint32_t)s->template_interval;
    run->exporter.options = s->options;
    run->output.fd = -1;
    run->output.rate = s->rate;
    run->flows = calloc(s->records, sizeof(*run->flows));
    run->model = fg_model_create(s->seed, s->count, s->start_s * 1000, s->span_s * 1000);
    if (run->flows == NULL || run->model == NULL) {
        fprintf(stderr, "flowgen: out of memory\n");
        return -1;
    }
    if (s->truth_path != NULL) {
        run->truth = fopen(s->truth_path, "w");
        if (run->truth == NULL) {
            fprintf(stderr, "flowgen: %s: cannot create: %s\n", s->truth_path, strerror(errno));
            return -1;
        }
        setvbuf(run->truth, NULL, _IOFBF, 1 << 20);
        fg_truth_header(run->truth);
    }
    if (s->kind == FG_OUTPUT_NONE) {
        return 0;
    }
    return fg_output_open(&run->output, s->kind, s->target, s->bind_to);
}

/* Closes what is open; the first failure counts. */
static int run_close(struct run *run)
{
    int status = run->output.fd >= 0 ? fg_output_close(&run->output) : 0;

    if (run->truth != NULL && fclose(run->truth) != 0) {
        fprintf(stderr, "flowgen: %s: cannot write: %s\n", run->settings->truth_path,
                strerror(errno));
        status = -1;
    }
    for (size_t i = 0; i < run->chunk_count; i++) {
        chunk_clear(&run->chunks[i]);
    }
    free(run->chunks);
    free(run->flows);
    fg_model_destroy(run->model);
    return status;
}

static void print_summary(const struct run *run)
{
    double generate_s = (double)run->generate_ns / 1e9;
    double send_s = (double)run->send_ns / 1e9;
    double rate = send_s > 0 ? (double)run->output.flow_count / send_s : 0;

    printf("flows=%" PRIu64 " packets=%" PRIu64 " octets=%" PRIu64 " messages=%" PRIu64
           " message_octets=%" PRIu64 " generate_s=%.3f send_s=%.3f flows_per_s=%.0f\n",
           run->settings->count - run->left, run->packet_sum, run->octet_sum,
           run->exporter.message_count, run->message_octets, generate_s, send_s, rate);
}

static void print_episodes(uint64_t count)
{
    printf("%-18s %12s %12s  %-28s %s\n", "attack", "first flow", "last flow", "source", "target");
    for (unsigned i = 0; i < FG_EPISODE_COUNT; i++) {
        struct fg_episode e = fg_model_episode(i, count);

        if (e.from < e.to) {
            printf("%-18s %12" PRIu64 " %12" PRIu64 "  %-28s %s\n", e.name, e.from, e.to - 1,
                   e.source, e.target);
        }
    }
}

int main(int argc, char **argv)
{
    struct settings settings = {
        .count = 5000000,
        .seed = 1,
        .start_s = start_preset_s,
        .span_s = 6000,
        .records = 30,
        .domain_id = 1,
    };
    struct run run = {0};
    int status = parse_arguments(argc, argv, &settings);

    if (status != 0) {
        return status > 0 ? EXIT_SUCCESS : EXIT_USAGE;
    }
    if (settings.list_episodes) {
        print_episodes(settings.count);
        return EXIT_SUCCESS;
    }
    status = run_open(&run, &settings);
    if (status == 0) {
        status = settings.prebuild ? run_prebuilt(&run) : run_streaming(&run);
    }
    if (status == 0) {
        print_summary(&run);
    }
    if (run_close(&run) != 0) {
        status = -1;
    }
    return status == 0 ? EXIT_SUCCESS : EXIT_RUN;
}
