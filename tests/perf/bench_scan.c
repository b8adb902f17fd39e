/* SPDX-License-Identifier: BSD-3-Clause */
/** CPU time per record of typical questions over the flow files given, one thread. */
#include <libnf.h>
#include <libnf/scan.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

/** Answers the question over all files: records read; groups and memory of the table. */
static uint64_t answer(const lnf_query_t *query, char **paths, size_t *groups, size_t *memory)
{
    struct lnf_error error = {0};
    lnf_table_t *table;
    lnf_task_t *task;

    if (lnf_table_create(query, &table) != LNF_OK || lnf_task_create(query, &task) != LNF_OK) {
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
    *groups = lnf_table_count(table);
    if (lnf_table_finish(table, true) != LNF_OK) {
        fail("no memory");
    }
    *memory = lnf_table_memory(table);
    uint64_t records = lnf_task_totals(task)->records;
    lnf_task_destroy(task);
    lnf_table_destroy(table);
    return records;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const struct question *question, char **paths)
{
    struct lnf_query_spec spec = question->spec;
    struct lnf_error error = {0};
    lnf_query_t *query;
    double times[RUNS];
    uint64_t records = 0;
    size_t groups = 0;
    size_t memory = 0;

    if (spec.column_count == 0) {
        spec.sort_column = -1;
    }
    if (lnf_query_create(&spec, &query, &error) != LNF_OK) {
        fail(error.text);
    }
    for (int i = 0; i < RUNS; i++) {
        double start = cpu_seconds();
        records = answer(query, paths, &groups, &memory);
        times[i] = (cpu_seconds() - start) * 1e9;
    }
    qsort(times, RUNS, sizeof(times[0]), ascending);
    printf("%-44s %6.1f ns (best %.1f)  %9zu rows %5.0f octets each\n", question->name,
           times[RUNS / 2] / (double)records, times[0] / (double)records, groups,
           groups == 0 ? 0.0 : (double)memory / (double)groups);
    lnf_query_destroy(query);
}

int main(int argc, char **argv)
{
    const size_t count = sizeof(questions) / sizeof(questions[0]);
    size_t first = 0;
    size_t end = count;
    char **paths = argv + 1;

    if (argc > 3 && strcmp(argv[1], "-q") == 0) {
        first = strtoul(argv[2], NULL, 10);
        end = first + 1;
        paths = argv + 3;
    }
    if (argc < 2 || first >= count) {
        fprintf(stderr, "usage: bench_scan [-q NUMBER] FILE...   (one question of 0..%zu)\n",
                count - 1);
        return 1;
    }
    for (size_t i = first; i < end; i++) {
        measure(&questions[i], paths);
        fflush(stdout);
    }
    return 0;
}
