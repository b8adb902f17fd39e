/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * What an index saves: octets read and CPU time of questions for few flows over the flow files
 * given, with and without the indexes beside them, one thread.
 */
#include <libnf.h>
#include <libnf/scan.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RUNS 5
#define NEEDLE_FLOWS 3

struct result {
    uint64_t flows, octets, blocks, skipped;
    double cpu_ms;
};

static void fail(const char *text)
{
    fprintf(stderr, "bench_index: %s\n", text);
    exit(1);
}

static double cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/** Octets this process has read so far. */
static uint64_t octets_read(void)
{
    char line[64];
    unsigned long long octets = 0;
    FILE *io = fopen("/proc/self/io", "r");

    if (io != NULL && fgets(line, sizeof(line), io) != NULL) {
        sscanf(line, "rchar: %llu", &octets);
    }
    if (io != NULL) {
        fclose(io);
    }
    return octets;
}

static lnf_query_t *make_query(const struct lnf_query_spec *spec)
{
    struct lnf_error error;
    lnf_query_t *query;

    if (lnf_query_create(spec, &query, &error) != LNF_OK) {
        fail(error.text);
    }
    return query;
}

/** Runs a query over all files, into `table` when there is one. */
static void run(const lnf_query_t *query, char **paths, int count, bool use_index,
                lnf_table_t *table, struct result *result)
{
    struct lnf_error error;
    lnf_task_t *task;

    if (lnf_task_create(query, &task) != LNF_OK) {
        fail("no memory");
    }
    for (int i = 0; i < count; i++) {
        struct lnf_scan_index use = {.blocks = 0};
        lnf_scan_t *scan;
        int status;
        if (lnf_scan_open(paths[i], NULL, NULL, &scan, &error) != LNF_OK) {
            fail(error.text);
        }
        if (use_index && !lnf_scan_use_index(scan, query, &use)) {
            fail(use.why.text[0] != '\0' ? use.why.text : "the filter asks no index");
        }
        while ((status = lnf_task_run(task, scan, table, NULL, &error)) == LNF_OK) {
        }
        if (status != LNF_EOF) {
            fail(error.text);
        }
        result->blocks += use.blocks;
        result->skipped += use.skipped;
        lnf_scan_close(scan);
    }
    result->flows = lnf_task_totals(task)->flows;
    lnf_task_destroy(task);
}

static struct result measure(const char *filter, char **paths, int count, bool use_index)
{
    struct lnf_query_spec spec = {.mode = LNF_QUERY_COUNT, .filter = filter, .sort_column = -1};
    struct result best = {.cpu_ms = 1e12};

    for (int i = 0; i < RUNS; i++) {
        struct result result = {0};
        lnf_query_t *query = make_query(&spec);
        uint64_t before = octets_read();
        double start = cpu_ms();
        run(query, paths, count, use_index, NULL, &result);
        result.cpu_ms = cpu_ms() - start;
        result.octets = octets_read() - before;
        lnf_query_destroy(query);
        if (result.cpu_ms < best.cpu_ms) {
            best = result;
        }
    }
    return best;
}

/** An IPv4 source with few flows. */
static void find_needle(char **paths, int count, char *address, size_t size)
{
    const struct lnf_query_column columns[] = {{LNF_FLD_SRCADDR, LNF_COLUMN_KEY, 32, 128},
                                               {LNF_FLD_AGGR_FLOWS, LNF_COLUMN_VALUE, 0, 0}};
    struct lnf_query_spec spec = {.mode = LNF_QUERY_AGGREGATE,
                                  .filter = "inet",
                                  .columns = columns,
                                  .column_count = 2,
                                  .sort_column = 1};
    lnf_query_t *query = make_query(&spec);
    struct result result = {0};
    struct lnf_value flows = {.u64 = 0}, value;
    uint8_t row[64];
    lnf_table_t *table;

    if (lnf_table_create(query, &table) != LNF_OK) {
        fail("no memory");
    }
    run(query, paths, count, false, table, &result);
    if (lnf_table_finish(table, true) != LNF_OK) {
        fail("no memory");
    }
    for (size_t i = 0; flows.u64 < NEEDLE_FLOWS && lnf_table_rows(table, i, 1, row) == 1; i++) {
        lnf_query_row_value(query, row, 1, &flows);
    }
    lnf_query_row_value(query, row, 0, &value);
    snprintf(address, size, "%u.%u.%u.%u", value.octets[12], value.octets[13], value.octets[14],
             value.octets[15]);
    lnf_table_destroy(table);
    lnf_query_destroy(query);
}

static void report(const char *filter, char **paths, int count)
{
    struct result without = measure(filter, paths, count, false);
    struct result with = measure(filter, paths, count, true);

    if (with.flows != without.flows) {
        fail("other flows with an index");
    }
    printf("%-40s %8llu flows: %8.2f -> %6.2f ms CPU (%.0f times less), %.1f -> %.2f MB read "
           "(%.2f %%), %llu of %llu blocks\n",
           filter, (unsigned long long)with.flows, without.cpu_ms, with.cpu_ms,
           without.cpu_ms / with.cpu_ms, (double)without.octets / 1e6, (double)with.octets / 1e6,
           100.0 * (double)with.octets / (double)without.octets,
           (unsigned long long)(with.blocks - with.skipped), (unsigned long long)with.blocks);
}

int main(int argc, char **argv)
{
    char address[32], filter[128];

    if (argc < 2) {
        fail("usage: bench_index FILE...");
    }
    find_needle(argv + 1, argc - 1, address, sizeof(address));
    snprintf(filter, sizeof(filter), "host %s", address);
    report(filter, argv + 1, argc - 1);
    snprintf(filter, sizeof(filter), "net %s/28", address);
    report(filter, argv + 1, argc - 1);
    snprintf(filter, sizeof(filter), "host %s and proto tcp and not port 1", address);
    report(filter, argv + 1, argc - 1);
    report("host 240.0.0.1", argv + 1, argc - 1);
    report("net 240.0.0.0/24", argv + 1, argc - 1);
    report("ip in [240.0.0.1 240.0.7.2 240.1.0.3]", argv + 1, argc - 1);
    report("bytes > 1g", argv + 1, argc - 1);
    return 0;
}
