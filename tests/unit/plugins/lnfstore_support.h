/* SPDX-License-Identifier: BSD-3-Clause */
/** A folder for flow files, blocks of numbered flows, and what is read back from all files. */
#ifndef LNFSTORE_SUPPORT_H
#define LNFSTORE_SUPPORT_H

#include <check.h>
#include <glob.h>
#include <libnf.h>
#include <libnf/bytes.h>
#include <libnf/writer.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char store_folder[64];

__attribute__((unused)) static void store_make_folder(void)
{
    (void)snprintf(store_folder, sizeof(store_folder), "/tmp/sc-store-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(store_folder));
}

__attribute__((unused)) static void store_remove_folder(void)
{
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", store_folder);
    ck_assert_int_eq(system(command), 0);
}

/* Adds flows of one packet, with bytes `first`, first + 1, ... */
__attribute__((unused)) static void store_fill(lnf_block_t *block, uint64_t first, unsigned count)
{
    static const struct lnf_layout_field field = {LNF_FLD_DOCTETS, false};
    struct lnf_layout layout;
    struct lnf_slot slot;

    ck_assert_int_eq(lnf_layout_build(&field, 1, &layout, &slot, NULL), LNF_OK);
    for (unsigned i = 0; i < count; i++) {
        uint8_t *record = lnf_block_reserve(block, layout.size);
        ck_assert_ptr_nonnull(record);
        memcpy(record, layout.prototype, layout.size);
        lnf_store_u64(record + slot.offset, htole64(first + i));
        lnf_block_commit(block);
        lnf_stat_count(lnf_block_stat(block), 6, 1, 1, first + i, 1, 2);
    }
}

/* Files whose path matches below the folder; *count of them, sorted. */
__attribute__((unused)) static size_t store_files(const char *pattern, glob_t *found)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/%s", store_folder, pattern);
    return glob(path, 0, NULL, found) == 0 ? found->gl_pathc : 0;
}

struct store_sum {
    uint64_t flows, bytes; /* as read record by record */
    uint64_t stat_flows;   /* as the statistics of the file say */
};

__attribute__((unused)) static void store_add_file(const char *path, struct store_sum *sum)
{
    lnf_file_t *file;
    lnf_rec_t *record;
    uint64_t bytes, flows = 0;

    ck_assert_msg(lnf_open(&file, path, LNF_READ, NULL) == LNF_OK, "%s cannot be read", path);
    ck_assert_int_eq(lnf_rec_init(&record), LNF_OK);
    while (lnf_read(file, record) == LNF_OK) {
        ck_assert_int_eq(lnf_rec_fget(record, LNF_FLD_DOCTETS, &bytes), LNF_OK);
        sum->flows++;
        sum->bytes += bytes;
    }
    ck_assert_int_eq(lnf_info(file, LNF_INFO_FLOWS, &flows, sizeof(flows)), LNF_OK);
    sum->stat_flows += flows;
    lnf_rec_free(record);
    lnf_close(file);
}

/* Sum over all files in all days' folders. */
__attribute__((unused)) static struct store_sum store_read(size_t *file_count)
{
    struct store_sum sum = {0};
    glob_t found;

    *file_count = store_files("*/*/*/*", &found);
    for (size_t i = 0; i < *file_count; i++) {
        store_add_file(found.gl_pathv[i], &sum);
    }
    globfree(&found);
    return sum;
}

#endif
