/* SPDX-License-Identifier: BSD-3-Clause */
/** Small shell programs in a temporary folder: stand-ins for tools that are not installed. */
#ifndef FDISTDUMP_HA_TEST_SCRIPTS_H
#define FDISTDUMP_HA_TEST_SCRIPTS_H

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char scripts_folder[64];

static inline void scripts_open(void)
{
    strcpy(scripts_folder, "/tmp/fdistdump-ha.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(scripts_folder));
}

/** Path of a file in the folder; valid until the fourth call after. */
static inline const char *scripts_path(const char *name)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];

    (void)snprintf(path, sizeof(paths[0]), "%s/%s", scripts_folder, name);
    return path;
}

static inline void scripts_write(const char *name, const char *text)
{
    FILE *file = fopen(scripts_path(name), "w");

    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
}

/** Writes a program; its text follows the line that names the shell. */
static inline void scripts_add(const char *name, const char *text)
{
    char whole[8192];

    ck_assert_int_lt(snprintf(whole, sizeof(whole), "#!/bin/sh\n%s\n", text), (int)sizeof(whole));
    scripts_write(name, whole);
    ck_assert_int_eq(chmod(scripts_path(name), 0755), 0);
}

/** Text of a file; empty when it is not there. */
static inline const char *scripts_read(const char *name)
{
    static char text[8192];
    FILE *file = fopen(scripts_path(name), "r");
    size_t size = file == NULL ? 0 : fread(text, 1, sizeof(text) - 1, file);

    if (file != NULL) {
        (void)fclose(file);
    }
    text[size] = '\0';
    return text;
}

/** Waits for a file to have text, as things that end at their own pace leave it. */
static inline const char *scripts_await(const char *name)
{
    for (int i = 0; i < 1000 && scripts_read(name)[0] == '\0'; i++) {
        (void)usleep(10000);
    }
    return scripts_read(name);
}

static inline void scripts_close(void)
{
    DIR *folder = opendir(scripts_folder);
    struct dirent *entry;

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        (void)unlink(scripts_path(entry->d_name));
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    (void)rmdir(scripts_folder);
}

#endif
