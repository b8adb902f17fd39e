/* SPDX-License-Identifier: BSD-3-Clause */
/** CPU time per record of typical questions over the flow files given, one thread. */
#include <libnf.h>
#include <libnf/scan.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RUNS 5
#define KEY(field)                                                                                 \
    {                                                                                              \
        field, LNF_COLUMN_KEY, 32, 128                                                             \
    }
#define VALUE(field)                                                                               \
    {                                                                                              \
        field, LNF_COLUMN_VALUE, 0, 0                                                              \
    }

#define TUPLE                                                                                      \
    KEY(LNF_FLD_SRCADDR), KEY(LNF_FLD_DSTADDR), KEY(LNF_FLD_SRCPORT), KEY(LNF_FLD_DSTPORT),        \
        KEY(LNF_FLD_PROT)
#define DEFAULTS                                                                                   \
    VALUE(LNF_FLD_CALC_DURATION), VALUE(LNF_FLD_AGGR_FLOWS), VALUE(LNF_FLD_DPKTS),                 \
        VALUE(LNF_FLD_DOCTETS), VALUE(LNF_FLD_TCP_FLAGS), VALUE(LNF_FLD_CALC_BPS),                 \
        VALUE(LNF_FLD_CALC_PPS), VALUE(LNF_FLD_CALC_BPP)
#define COUNTERS VALUE(LNF_FLD_AGGR_FLOWS), VALUE(LNF_FLD_DPKTS), VALUE(LNF_FLD_DOCTETS)

#define COLUMNS(...)                                                                               \
    .columns = (const struct lnf_query_column[]){__VA_ARGS__},                                     \
    .column_count =                                                                                \
        sizeof((const struct lnf_query_column[]){__VA_ARGS__}) / sizeof(struct lnf_query_column)

struct question {
    const char *name;
    struct lnf_query_spec spec;
};

static const struct question questions[] = {
    {"count everything", {.mode = LNF_QUERY_COUNT}},
    {"count 'proto tcp and dst port 443'",
     {.mode = LNF_QUERY_COUNT, .filter = "proto tcp and dst port 443"}},
    {"top 10 srcip by bytes",
     {.mode = LNF_QUERY_AGGREGATE,
      COLUMNS(KEY(LNF_FLD_SRCADDR), COUNTERS),
      .sort_column = 3,
      .sort_descending = true,
      .limit = 10}},
    {"top 10 srcip by bytes, fdistdump's columns",
     {.mode = LNF_QUERY_AGGREGATE,
      COLUMNS(KEY(LNF_FLD_SRCADDR), DEFAULTS),
      .sort_column = 4,
      .sort_descending = true,
      .limit = 10}},
    {"top 10 5-tuples by bytes",
     {.mode = LNF_QUERY_AGGREGATE,
      COLUMNS(TUPLE, COUNTERS),
      .sort_column = 7,
      .sort_descending = true,
      .limit = 10}},
    {"all 5-tuples in order of bytes",
     {.mode = LNF_QUERY_AGGREGATE,
      COLUMNS(TUPLE, COUNTERS),
      .sort_column = 7,
      .sort_descending = true}},
    {"top 10 dstport by flows",
     {.mode = LNF_QUERY_AGGREGATE,
      COLUMNS(KEY(LNF_FLD_DSTPORT), COUNTERS),
      .sort_column = 1,
      .sort_descending = true,
      .limit = 10}},
    {"10 largest records",
     {.mode = LNF_QUERY_SORT,
      COLUMNS(VALUE(LNF_FLD_FIRST), VALUE(LNF_FLD_DPKTS), VALUE(LNF_FLD_DOCTETS),
              VALUE(LNF_FLD_SRCADDR), VALUE(LNF_FLD_DSTADDR), VALUE(LNF_FLD_SRCPORT),
              VALUE(LNF_FLD_DSTPORT), VALUE(LNF_FLD_PROT), VALUE(LNF_FLD_TCP_FLAGS)),
      .sort_column = 2,
      .sort_descending = true,
      .limit = 10}},
    {"list of everything",
     {.mode = LNF_QUERY_LIST,
      COLUMNS(VALUE(LNF_FLD_FIRST), VALUE(LNF_FLD_DPKTS), VALUE(LNF_FLD_DOCTETS),
              VALUE(LNF_FLD_SRCADDR), VALUE(LNF_FLD_DSTADDR), VALUE(LNF_FLD_SRCPORT),
              VALUE(LNF_FLD_DSTPORT), VALUE(LNF_FLD_PROT), VALUE(LNF_FLD_TCP_FLAGS))}},
};

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void fail(const char *text)
{
    fprintf(stderr, "bench_scan: %s\n", text);
    exit(1);
}

/** What one run found out. */
struct found {
    uint64_t records; /* read */
    size_t groups;    /* of the table, in parts as long as they are in temporary files */
    size_t memory;    /* octets the table held at most */
    uint64_t spilled; /* octets written to temporary files */
};

static void read_rows(const lnf_query_t *query, const lnf_table_t *table)
{
    uint8_t *rows = malloc(1024 * lnf_query_row_size(query) + 1);
    size_t start = 0, count;

    if (rows == NULL) {
        fail("no memory");
    }
    while ((count = lnf_table_rows(table, start, 1024, rows)) > 0) {
        start += count;
    }
    if (start != lnf_table_count(table)) {
        fail("rows are missing");
    }
    free(rows);
}

/** Answers the question over all files; `limit` of memory 0 = none. */
static struct found answer(const lnf_query_t *query, char **paths, uint64_t limit)
{
    const struct lnf_memory_spec spec = {.limit = limit};
    struct lnf_error error = {0};
    struct found found = {0};
    lnf_memory_t *memory = NULL;
    lnf_table_t *table;
    lnf_task_t *task;

    if ((limit != 0 && lnf_memory_create(&spec, &memory) != LNF_OK) ||
        lnf_table_create_limited(query, memory, &table) != LNF_OK ||
        lnf_task_create(query, &task) != LNF_OK) {
        fail("no memory");
    }
    for (; *paths != NULL; paths++) {
        lnf_scan_t *scan;
        int status;
        if (lnf_scan_open(*paths, NULL, NULL, &scan, &error) != LNF_OK) {
            fail(error.text);
        }
        while ((status = lnf_task_run(task, scan, table, NULL, &error)) == LNF_OK) {
        }
        if (status != LNF_EOF) {
            fail(error.text);
        }
        lnf_scan_close(scan);
    }
    found.groups = lnf_table_count(table);
    if (lnf_table_finish(table, true) != LNF_OK) {
        (void)lnf_table_error(table, &error);
        fail(error.text);
    }
    found.memory = lnf_table_memory(table);
    if (memory != NULL) {
        read_rows(query, table);
        found.memory = (size_t)lnf_memory_peak(memory);
        found.spilled = lnf_memory_spilled(memory);
    }
    found.records = lnf_task_totals(task)->records;
    lnf_task_destroy(task);
    lnf_table_destroy(table);
    lnf_memory_destroy(memory);
    return found;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const struct question *question, char **paths, uint64_t limit)
{
    struct lnf_query_spec spec = question->spec;
    struct lnf_error error = {0};
    lnf_query_t *query;
    double times[RUNS];
    struct found found = {0};

    if (spec.column_count == 0) {
        spec.sort_column = -1;
    }
    if (lnf_query_create(&spec, &query, &error) != LNF_OK) {
        fail(error.text);
    }
    for (int i = 0; i < RUNS; i++) {
        double start = cpu_seconds();
        found = answer(query, paths, limit);
        times[i] = (cpu_seconds() - start) * 1e9;
    }
    qsort(times, RUNS, sizeof(times[0]), ascending);
    printf("%-44s %6.1f ns (best %.1f)  %9zu rows %5.0f octets each", question->name,
           times[RUNS / 2] / (double)found.records, times[0] / (double)found.records, found.groups,
           found.groups == 0 ? 0.0 : (double)found.memory / (double)found.groups);
    if (limit != 0) {
        printf("  %.1f MiB in memory, %.1f in files", (double)found.memory / (1 << 20),
               (double)found.spilled / (1 << 20));
    }
    putchar('\n');
    lnf_query_destroy(query);
}

int main(int argc, char **argv)
{
    const size_t count = sizeof(questions) / sizeof(questions[0]);
    size_t first = 0;
    size_t end = count;
    uint64_t limit = 0;
    int option;

    while ((option = getopt(argc, argv, "q:m:")) != -1) {
        if (option == 'q') {
            first = strtoul(optarg, NULL, 10);
            end = first + 1;
        } else if (option == 'm') {
            limit = strtoull(optarg, NULL, 10) << 20;
        } else {
            return 1;
        }
    }
    if (optind == argc || first >= count) {
        fprintf(stderr,
                "usage: bench_scan [-q NUMBER] [-m MEBIBYTES] FILE...   (one question of 0..%zu; "
                "limit of memory)\n",
                count - 1);
        return 1;
    }
    for (size_t i = first; i < end; i++) {
        measure(&questions[i], argv + optind, limit);
        fflush(stdout);
    }
    return 0;
}
