/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * What was found below the profile directories: directories, and flow files by time.
 *
 * There may be millions of files, so a file takes 16 octets: its usual name, `lnf.` and the time,
 * is not stored. Directories know their parent, name and inode, and are opened again step by step
 * from a descriptor that stays open, following no symbolic link: a directory that was exchanged
 * meanwhile is noticed, and nothing is deleted in it.
 */
#ifndef DATA_MANAGER_TREE_H
#define DATA_MANAGER_TREE_H

#include "report.h"

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define TREE_NONE UINT32_MAX

enum tree_kind {
    TREE_PROFILE,  /* has channels/ */
    TREE_CHANNELS, /* channels/ itself */
    TREE_CHANNEL,
    TREE_BELOW, /* below a channel: the only kind that may be removed */
};

struct tree_directory {
    dev_t device;
    ino_t inode;
    uint32_t parent; /* TREE_NONE: given on the command line, the name is its path */
    uint32_t name;   /* offset in names */
    int fd;          /* -1: not open; profiles are, as long as they are locked */
    enum tree_kind kind;
    uint32_t file_count;  /* flow files in it */
    uint32_t child_count; /* directories in it */
    uint32_t other_count; /* what else keeps it from being removed; indexes do not */
};

struct tree_file {
    int64_t time_s;
    uint32_t directory;
    uint32_t name; /* see tree.c */
};

struct tree {
    struct tree_directory *directories; /* parents come before their children */
    size_t directory_count, directory_capacity;
    struct tree_file *files;
    size_t file_count, file_capacity;
    char *names; /* texts with their ends */
    size_t names_size, names_capacity;
};

/**
 * Adds a directory.
 *
 * @param fd  stays open as long as the tree, which closes it, also after a failure; -1 = none
 * @param[out] index  of the new one
 * @return REPORT_OK; REPORT_MEMORY
 */
int tree_add_directory(struct tree *tree, const struct tree_directory *directory, const char *name,
                       uint32_t *index, struct failure *failure);

/** Adds a flow file; REPORT_OK; REPORT_MEMORY. */
int tree_add_file(struct tree *tree, uint32_t directory, const char *name, int64_t time_s,
                  struct failure *failure);

/** Puts the oldest file first; files of one time by directory. */
void tree_sort(struct tree *tree);

/** Name of a file. */
void tree_file_name(const struct tree *tree, const struct tree_file *file, char name[NAME_MAX + 1]);

/** Path of a directory, or with `name` of an entry in it, as messages show it. */
void tree_path(const struct tree *tree, uint32_t directory, const char *name, char path[PATH_MAX]);

/** Path of a directory below its channel; empty for the channel, and when it is too long. */
void tree_path_below(const struct tree *tree, uint32_t directory, char *path, size_t size);

/**
 * Opens a directory, provided it is still the one that was found.
 *
 * @return a descriptor, the caller's to close; -1 with errno, ESTALE when it is another one now
 */
int tree_open(const struct tree *tree, uint32_t directory);

/** Frees everything and closes the descriptors. */
void tree_clear(struct tree *tree);

#endif
