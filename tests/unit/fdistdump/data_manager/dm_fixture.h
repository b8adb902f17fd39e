/* SPDX-License-Identifier: BSD-3-Clause */
/** A folder with profiles, and what the log says. */
#ifndef DM_FIXTURE_H
#define DM_FIXTURE_H

#include "dm_log.h"
#include "profiles.h"
#include "suite_main.h"
#include "tree.h"
#include "walk.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], old_folder[PATH_MAX];
static char *out_text, *err_text;
static size_t out_size, err_size;
static struct dm_log dm_log;
static struct tree tree;
static struct failure failure;

/** Files are named relative to the new folder. */
static void dm_setup(void)
{
    ck_assert_ptr_nonnull(getcwd(old_folder, sizeof(old_folder)));
    strcpy(folder, "/tmp/data-manager-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    dm_log = (struct dm_log){.verbose = true,
                             .out = open_memstream(&out_text, &out_size),
                             .err = open_memstream(&err_text, &err_size)};
    tree = (struct tree){0};
    failure = (struct failure){0};
}

static void dm_teardown(void)
{
    char command[128];

    tree_clear(&tree);
    fclose(dm_log.out);
    fclose(dm_log.err);
    free(out_text);
    free(err_text);
    ck_assert_int_eq(chdir(old_folder), 0);
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

/** What has been said so far. */
static inline const char *said(void)
{
    fflush(dm_log.err);
    return err_text;
}

static inline const char *told(void)
{
    fflush(dm_log.out);
    return out_text;
}

static inline int exists(const char *path)
{
    return access(path, F_OK) == 0;
}

/** Makes a file of `size` octets and the directories above it; a final '/' makes a directory. */
static inline void make(const char *path, size_t size)
{
    char copy[PATH_MAX];

    snprintf(copy, sizeof(copy), "%s", path);
    for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(copy, 0700);
        *slash = '/';
    }
    if (path[strlen(path) - 1] == '/') {
        return;
    }
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    ck_assert_msg(fd >= 0, "%s", path);
    for (size_t i = 0; i < size; i++) {
        ck_assert_int_eq(write(fd, "x", 1), 1);
    }
    close(fd);
}

/** Fills the tree from one profile directory. */
static inline void find(const char *path)
{
    char *paths[] = {(char *)(uintptr_t)path};
    struct walk walk = {.tree = &tree, .log = &dm_log, .failure = &failure};

    ck_assert_int_eq(profiles_open(&tree, paths, 1, &failure), REPORT_OK);
    ck_assert_int_eq(walk_profile(&walk, 0), REPORT_OK);
    tree_sort(&tree);
}

/** Path of the file at a place of the sorted tree. */
static inline const char *file_at(size_t i)
{
    static char path[PATH_MAX];
    char name[NAME_MAX + 1];

    tree_file_name(&tree, &tree.files[i], name);
    tree_path(&tree, tree.files[i].directory, name, path);
    return path;
}

#endif
