/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Which records of a flow file do filters select? For comparison with other programs.
 *
 * filter_select FILE: reads filters from standard input, one a line, and writes a line for each:
 * the start times (ms) of the records selected, in file order, or "! COLUMN TEXT" of one that does
 * not compile. Bulk scan and single records have to agree, else it ends with status 2.
 */
#include <inttypes.h>
#include <libnf.h>
#include <libnf/scan.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS_MAX 4096u

static lnf_rec_t *records[RECORDS_MAX];
static size_t record_count;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "filter_select: %s\n", what);
    exit(2);
}

static void read_records(const char *path)
{
    lnf_file_t *file;
    int status;

    if (lnf_open(&file, path, LNF_READ, NULL) != LNF_OK) {
        die("cannot open the flow file");
    }
    for (;;) {
        if (record_count == RECORDS_MAX || lnf_rec_init(&records[record_count]) != LNF_OK) {
            die("too many records");
        }
        status = lnf_read(file, records[record_count]);
        if (status != LNF_OK) {
            break;
        }
        record_count++;
    }
    if (status != LNF_EOF) {
        die("a record cannot be read");
    }
    lnf_rec_free(records[record_count]);
    lnf_close(file);
}

/** Start times of the records a query selects, block by block. */
static size_t scan(const char *path, const lnf_query_t *query, uint64_t *first)
{
    struct lnf_error error;
    struct lnf_value value;
    lnf_scan_t *file;
    lnf_task_t *task;
    size_t found = 0;
    int status;

    if (lnf_scan_open(path, NULL, NULL, &file, &error) != LNF_OK ||
        lnf_task_create(query, &task) != LNF_OK) {
        die("cannot scan the flow file");
    }
    while ((status = lnf_task_run(task, file, NULL, NULL, &error)) == LNF_OK) {
        size_t count;
        const uint8_t *rows = lnf_task_rows(task, &count);
        for (size_t i = 0; i < count; i++) {
            lnf_query_row_value(query, rows + i * lnf_query_row_size(query), 0, &value);
            first[found++] = value.u64;
        }
    }
    if (status != LNF_EOF) {
        die("a block cannot be scanned");
    }
    lnf_task_destroy(task);
    lnf_scan_close(file);
    return found;
}

/** The same one record after the other; false when they are not those of `first`. */
static bool match_each(const char *text, const uint64_t *first, size_t count)
{
    lnf_filter_t *filter;
    size_t found = 0;

    if (lnf_filter_init_v2(&filter, (char *)(uintptr_t)text) != LNF_OK) {
        return false;
    }
    for (size_t i = 0; i < record_count; i++) {
        uint64_t start;
        if (lnf_filter_match(filter, records[i]) == 0) {
            continue;
        }
        lnf_rec_fget(records[i], LNF_FLD_FIRST, &start);
        if (found == count || first[found] != start) {
            return false;
        }
        found++;
    }
    lnf_filter_free(filter);
    return found == count;
}

static void answer(const char *path, const char *text)
{
    static const struct lnf_query_column column = {LNF_FLD_FIRST, LNF_COLUMN_VALUE, 0, 0};
    static uint64_t first[RECORDS_MAX];
    struct lnf_query_spec spec = {.mode = LNF_QUERY_LIST,
                                  .filter = text,
                                  .columns = &column,
                                  .column_count = 1,
                                  .sort_column = -1};
    struct lnf_error error;
    lnf_query_t *query;

    if (lnf_query_create(&spec, &query, &error) != LNF_OK) {
        printf("! %u %s\n", error.column, error.text);
        return;
    }
    size_t count = scan(path, query, first);
    if (!match_each(text, first, count)) {
        fprintf(stderr, "'%s': scan and single records differ\n", text);
        exit(2);
    }
    for (size_t i = 0; i < count; i++) {
        printf("%s%" PRIu64, i == 0 ? "" : " ", first[i]);
    }
    printf("\n");
    lnf_query_destroy(query);
}

int main(int argc, char **argv)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t length;

    if (argc != 2) {
        die("usage: filter_select FILE");
    }
    read_records(argv[1]);
    while ((length = getline(&line, &room, stdin)) > 0) {
        line[strcspn(line, "\n")] = '\0';
        answer(argv[1], line);
        fflush(stdout);
    }
    free(line);
    for (size_t i = 0; i < record_count; i++) {
        lnf_rec_free(records[i]);
    }
    return 0;
}
