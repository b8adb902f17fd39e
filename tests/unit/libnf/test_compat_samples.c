/* SPDX-License-Identifier: BSD-3-Clause */
/** Flow files of real collectors, where they are at hand: raw records there and back, and the same
 * aggregation by both doors, by a memory of records and by a query over columns. */
#include "field.h"

#include <check.h>
#include <dirent.h>
#include <libnf/scan.h>
#include <stdio.h>
#include <string.h>

#define FOLDER TEST_SHARED_DIR "/data/nffile"
#define SKIP 77
#define RECORDS_MAX 1000u /* of a file are looked at one by one */

static const int value_fields[] = {LNF_FLD_DOCTETS, LNF_FLD_DPKTS, LNF_FLD_AGGR_FLOWS};

typedef void check_fn(const char *path, lnf_file_t *file);

/* Runs a check on every sample that can be read; how many there were. */
static unsigned for_every_sample(check_fn *check)
{
    DIR *folder = opendir(FOLDER);
    struct dirent *entry;
    unsigned count = 0;

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        const char *end = strrchr(entry->d_name, '.');
        char path[1024];
        lnf_file_t *file;
        if (end == NULL || strcmp(end, ".nf") != 0) {
            continue;
        }
        snprintf(path, sizeof(path), "%s/%s", FOLDER, entry->d_name);
        if (lnf_open(&file, path, LNF_READ, NULL) == LNF_OK) {
            check(path, file);
            lnf_close(file);
            count++;
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return count;
}

static bool next_record(lnf_file_t *file, lnf_rec_t *rec)
{
    int status;

    do {
        status = lnf_read(file, rec);
    } while (status < 0 && status >= LNF_ERR_WEAK);
    ck_assert(status == LNF_OK || status == LNF_EOF);
    return status == LNF_OK;
}

static void check_raw(const char *path, lnf_file_t *file)
{
    lnf_rec_t *rec, *copy;

    ck_assert_int_eq(lnf_rec_init(&rec), LNF_OK);
    ck_assert_int_eq(lnf_rec_init(&copy), LNF_OK);
    for (unsigned n = 0; n < RECORDS_MAX && next_record(file, rec); n++) {
        char raw[LNF_REC_RAW_TLV_BUFSIZE];
        size_t size;
        ck_assert_int_eq(lnf_rec_get_raw(rec, LNF_REC_RAW_TLV, raw, sizeof(raw), &size), LNF_OK);
        ck_assert_int_eq(lnf_rec_set_raw(copy, raw, size), LNF_OK);
        for (unsigned i = 0; i < lnf_field_count; i++) {
            uint8_t a[256] = {0}, b[256] = {0};
            int id = lnf_field_table[i].id;
            if (id < LNF_FLD_TERM_ && lnf_field_table[i].type != LNF_BASIC_RECORD1) {
                int status = lnf_rec_fget(rec, id, a);
                ck_assert_msg(lnf_rec_fget(copy, id, b) == status && memcmp(a, b, 256) == 0,
                              "%s: %s", path, lnf_field_table[i].name);
            }
        }
    }
    lnf_rec_free(rec);
    lnf_rec_free(copy);
}

START_TEST(test_raw)
{
    (void)for_every_sample(check_raw);
}
END_TEST

/* ---- both doors ------------------------------------------------------------------------------ */

/* Fields both doors know the same of: columns are of the record, without its exporter. */
static bool is_common_key(const struct lnf_field *field)
{
    switch (field->id) {
    case LNF_FLD_EXPORTER_IP:
    case LNF_FLD_EXPORTER_ID:
    case LNF_FLD_EXPORTER_VERSION:
    case LNF_FLD_DOCTETS: /* are values already, and a memory has a field once */
    case LNF_FLD_DPKTS:
    case LNF_FLD_AGGR_FLOWS:
        return false;
    default:
        return field->id < LNF_FLD_TERM_ && field->key;
    }
}

static lnf_mem_t *aggregate_records(const char *path, const struct lnf_field *key)
{
    lnf_mem_t *mem;
    lnf_rec_t *rec;
    lnf_file_t *file;

    ck_assert_int_eq(lnf_mem_init(&mem), LNF_OK);
    ck_assert_int_eq(lnf_mem_fadd(mem, key->id, LNF_AGGR_KEY, key->type == LNF_ADDR ? 24 : 0, 64),
                     LNF_OK);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(lnf_mem_fadd(mem, value_fields[i], LNF_AGGR_SUM, 0, 0), LNF_OK);
    }
    ck_assert_int_eq(lnf_rec_init(&rec), LNF_OK);
    ck_assert_int_eq(lnf_open(&file, path, LNF_READ, NULL), LNF_OK);
    while (next_record(file, rec)) {
        ck_assert_int_eq(lnf_mem_write(mem, rec), LNF_OK);
    }
    lnf_close(file);
    lnf_rec_free(rec);
    return mem;
}

static lnf_query_t *make_query(const struct lnf_field *key)
{
    const struct lnf_query_column columns[] = {
        {key->id, LNF_COLUMN_KEY, key->type == LNF_ADDR ? 24 : 0, 64},
        {LNF_FLD_DOCTETS, LNF_COLUMN_SUM, 0, 0},
        {LNF_FLD_DPKTS, LNF_COLUMN_SUM, 0, 0},
        {LNF_FLD_AGGR_FLOWS, LNF_COLUMN_SUM, 0, 0},
    };
    const struct lnf_query_spec spec = {
        .mode = LNF_QUERY_AGGREGATE, .columns = columns, .column_count = 4, .sort_column = -1};
    struct lnf_error error = {.text = ""};
    lnf_query_t *query = NULL;

    ck_assert_msg(lnf_query_create(&spec, &query, &error) == LNF_OK, "%s", error.text);
    return query;
}

static lnf_table_t *aggregate_columns(const char *path, const lnf_query_t *query)
{
    struct lnf_error error = {.text = ""};
    lnf_scan_t *scan = NULL;
    lnf_task_t *task = NULL;
    lnf_table_t *table = NULL;
    int status;

    ck_assert_int_eq(lnf_scan_open(path, NULL, NULL, &scan, &error), LNF_OK);
    ck_assert_int_eq(lnf_task_create(query, &task), LNF_OK);
    ck_assert_int_eq(lnf_table_create(query, &table), LNF_OK);
    do {
        status = lnf_task_run(task, scan, table, NULL, &error);
        ck_assert_msg(status == LNF_OK || status == LNF_EOF, "%s", error.text);
    } while (status == LNF_OK);
    ck_assert_int_eq(lnf_table_finish(table, true), LNF_OK);
    lnf_task_destroy(task);
    lnf_scan_close(scan);
    return table;
}

/* The key a raw record starts with, as the query gives it. */
static void check_key(const char *name, const char *raw, size_t size, const struct lnf_value *value)
{
    uint64_t number = 0;

    if (value->kind == LNF_VALUE_UINT) {
        memcpy(&number, raw, size); /* little-endian machines only, as flow files are */
        ck_assert_msg(number == value->u64, "%s: %ju by records, %ju by columns", name,
                      (uintmax_t)number, (uintmax_t)value->u64);
    } else {
        ck_assert_msg(memcmp(raw, value->octets, size) == 0, "%s", name);
    }
}

static void check_rows(const char *name, lnf_mem_t *mem, const lnf_query_t *query,
                       const lnf_table_t *table)
{
    char raw[LNF_MAX_RAW_LEN];
    uint8_t row[128];
    int length = 0;
    size_t count = 0;
    struct lnf_value value;
    uint64_t sum;

    ck_assert_uint_le(lnf_query_row_size(query), sizeof(row));
    while (lnf_mem_read_raw(mem, raw, &length, sizeof(raw)) == LNF_OK) {
        size_t key_size = (size_t)length - 3 * sizeof(uint64_t);
        ck_assert_uint_eq(lnf_table_rows(table, count++, 1, row), 1);
        lnf_query_row_value(query, row, 0, &value);
        check_key(name, raw, key_size, &value);
        for (unsigned i = 0; i < 3; i++) {
            memcpy(&sum, raw + key_size + i * sizeof(sum), sizeof(sum));
            lnf_query_row_value(query, row, i + 1, &value);
            ck_assert_msg(value.u64 == sum, "%s", name);
        }
    }
    ck_assert_msg(count == lnf_table_count(table), "%s", name);
}

static void check_doors(const char *path, lnf_file_t *file)
{
    uint64_t flows = 0;

    /* Of large files some keys are enough: the small ones have the rare fields. */
    ck_assert_int_eq(lnf_info(file, LNF_INFO_FLOWS, &flows, sizeof(flows)), LNF_OK);
    unsigned step = flows > RECORDS_MAX ? 11 : 1;
    for (unsigned i = 0; i < lnf_field_count; i += step) {
        const struct lnf_field *key = &lnf_field_table[i];
        if (is_common_key(key)) {
            lnf_query_t *query = make_query(key);
            lnf_table_t *table = aggregate_columns(path, query);
            lnf_mem_t *mem = aggregate_records(path, key);
            char name[1100];
            snprintf(name, sizeof(name), "%s by %s", path, key->name);
            check_rows(name, mem, query, table);
            lnf_mem_free(mem);
            lnf_table_destroy(table);
            lnf_query_destroy(query);
        }
    }
}

START_TEST(test_both_doors)
{
    (void)for_every_sample(check_doors);
}
END_TEST

static void count_only(const char *path, lnf_file_t *file)
{
    (void)path;
    (void)file;
}

int main(void)
{
    if (for_every_sample(count_only) == 0) {
        printf("no sample flow files in %s\n", FOLDER);
        return SKIP;
    }
    Suite *suite = suite_create("libnf/compat_samples");
    TCase *tc = tcase_create("samples");

    tcase_set_timeout(tc, 250);
    tcase_add_test(tc, test_raw);
    tcase_add_test(tc, test_both_doors);
    suite_add_tcase(suite, tc);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
