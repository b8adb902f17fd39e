/* SPDX-License-Identifier: BSD-3-Clause */
/** The files a `file:` URI means. */
#ifndef IPFIX_FILE_LIST_H
#define IPFIX_FILE_LIST_H

#include <stddef.h>

/** Paths in the order they are read. Zero it before first use. */
struct file_list {
    char **paths;
    size_t count, room;
};

/**
 * Finds the files of a URI: `file:` and a path, whose last component may contain `*`. Directories
 * are left out; names that start with a dot only match when the pattern does so, too.
 *
 * @param[out] list  sorted paths; to be cleared also on failure
 * @return NULL, or why there are none
 */
const char *file_list_find(const char *uri, struct file_list *list);

/** Frees the paths. */
void file_list_clear(struct file_list *list);

#endif
