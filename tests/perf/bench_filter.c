/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * What a filter costs for each row: alone (columns already there) and with the columns it asks for.
 *
 *     bench_filter [FILTER ...]
 */
#include "filter.h"
#include "flow_record.h"

#include <libnf.h>
#include <stdio.h>
#include <time.h>

#define BATCHES 16u
#define ROUNDS 200u

static uint64_t random_state = 88172645463325252u;

static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* Mostly TCP and UDP, a third of the destinations HTTPS, 15 % IPv6. */
static void random_flow(struct test_flow *flow)
{
    static const uint8_t protocols[] = {6, 6, 6, 6, 6, 17, 17, 17, 17, 1};
    static const uint16_t ports[] = {443, 443, 443, 53, 53, 80, 22, 123, 8080, 0};
    uint64_t random = random_next();

    *flow = (struct test_flow){.first = 1700000000000};
    flow->proto = protocols[random % 10];
    flow->family = (random >> 8) % 100 < 15 ? 6 : 4;
    flow->dstport = ports[(random >> 16) % 10];
    flow->srcport = (uint16_t)(random >> 24 | 1024);
    flow->flags = (uint8_t)(random >> 40 & 0x1f);
    flow->src = (struct lnf_addr){0, 0x0a000000 | (random >> 32 & 0xffff)};
    flow->dst = (struct lnf_addr){0, random_next() >> 32};
    if (flow->family == 6) {
        flow->src.hi = flow->dst.hi = 0x20010db800000000;
    }
    flow->bytes = (random >> 20) % 100000;
    flow->packets = flow->bytes / 700 + 1;
    flow->last = flow->first + (random >> 50);
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Brings every column into the batch, so that the filter finds it there. */
static void load_columns(lnf_batch_t *batch)
{
    for (unsigned i = 0; i < lnf_field_count; i++) {
        (void)lnf_batch_column(batch, &lnf_field_table[i], NULL, lnf_batch_rows(batch));
    }
}

/* Nanoseconds for each row; the best of three turns. */
static double measure(const lnf_program_t *program, const struct test_records *records, bool loaded,
                      uint64_t *matching)
{
    lnf_batch_t *batch = lnf_batch_create();
    lnf_program_state_t *state = lnf_program_state_create(program);
    uint16_t selection[LNF_BATCH_ROWS];
    double best = 0;

    for (int turn = 0; turn < 3 && batch != NULL && state != NULL; turn++) {
        double sum = 0;
        uint64_t rows = 0;
        *matching = 0;
        for (unsigned round = 0; round < ROUNDS / BATCHES; round++) {
            unsigned count;
            lnf_batch_open(batch, records->octets, records->size);
            while ((count = lnf_batch_next(batch)) > 0) {
                unsigned repeat = loaded ? 20 : 1;
                if (loaded) {
                    load_columns(batch);
                }
                double start = seconds();
                for (unsigned i = 0; i < repeat; i++) {
                    *matching += lnf_program_run(program, state, batch, selection);
                }
                sum += seconds() - start;
                rows += repeat * count;
            }
        }
        double ns = sum * 1e9 / (double)rows;
        best = turn == 0 || ns < best ? ns : best;
        *matching = *matching * 1000 / rows;
    }
    lnf_program_state_destroy(state);
    lnf_batch_destroy(batch);
    return best;
}

/* `ip in [...]` with this many addresses or networks. */
static char *list_filter(const char *suffix, unsigned count)
{
    char *text = malloc(count * 24u + 100);
    char *at = text;

    if (text == NULL) {
        abort();
    }
    at += sprintf(at, "dst ip in [");
    for (unsigned i = 0; i < count; i++) {
        uint64_t random = random_next();
        at += sprintf(at, "%u.%u.%u.%u%s ", (unsigned)(random >> 8 & 255),
                      (unsigned)(random >> 16 & 255), (unsigned)(random >> 24 & 255),
                      (unsigned)(random >> 32 & 255), suffix);
    }
    strcpy(at, "]");
    return text;
}

static int bench(const char *name, const char *filter, const struct test_records *records)
{
    lnf_program_t *program;
    struct lnf_error error;
    uint64_t matching = 0;

    double start = seconds();
    if (lnf_program_compile(filter, &program, &error) != LNF_OK) {
        fprintf(stderr, "%s: column %u: %s\n", name, error.column, error.text);
        return 1;
    }
    double compile = seconds() - start;
    double alone = measure(program, records, true, &matching);
    double whole = measure(program, records, false, &matching);
    printf("%8.2f %8.2f %7.1f%% %9.3f  %s\n", alone, whole, (double)matching / 10, compile * 1e3,
           name);
    lnf_program_destroy(program);
    return 0;
}

int main(int argc, char **argv)
{
    static const char *const filters[] = {
        "any",
        "proto tcp",
        "proto tcp and dst port 443",
        "port 443",
        "proto udp or dst port 22",
        "not (proto tcp and dst port 443)",
        "src ip 10.0.17.42",
        "ip 10.0.17.42",
        "net 10.0.0.0/16",
        "dst port in [22 53 80 8080]",
        "flags S and not flags A",
        "bytes > 50k and packets < 100",
        "bps > 1m",
        "inet6",
        "(proto tcp and dst port 443) or (proto udp and dst port 53) or bytes > 90k",
    };
    struct test_records records = {0};
    int failed = 0;

    for (unsigned i = 0; i < BATCHES * LNF_BATCH_ROWS; i++) {
        struct test_flow flow;
        random_flow(&flow);
        test_records_add(&records, &flow);
    }
    printf("ns/row alone, with columns; matching; compiled in ms\n");
    for (int i = 1; i < argc; i++) {
        failed |= bench(argv[i], argv[i], &records);
    }
    for (size_t i = 0; argc == 1 && i < sizeof(filters) / sizeof(filters[0]); i++) {
        failed |= bench(filters[i], filters[i], &records);
    }
    if (argc == 1) {
        char *addresses = list_filter("", 10000), *nets = list_filter("/24", 10000);
        failed |= bench("dst ip in [10,000 addresses]", addresses, &records);
        failed |= bench("dst ip in [10,000 networks]", nets, &records);
        free(addresses);
        free(nets);
    }
    test_records_clear(&records);
    return failed;
}
