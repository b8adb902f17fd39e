/* SPDX-License-Identifier: BSD-3-Clause */
/* The files a `file:` URI means. */
#include "file_list.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static const char no_memory[] = "no memory";

/* Takes the path over. */
static bool list_add(struct file_list *list, char *path)
{
    if (list->count == list->room) {
        size_t room = list->room == 0 ? 16 : list->room * 2;
        char **grown = realloc(list->paths, room * sizeof(*grown));
        if (grown == NULL) {
            free(path);
            return false;
        }
        list->paths = grown;
        list->room = room;
    }
    list->paths[list->count++] = path;
    return true;
}

void file_list_clear(struct file_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->paths[i]);
    }
    free(list->paths);
    *list = (struct file_list){0};
}

static bool is_directory(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* Only `*` is special; what else fnmatch() knows is escaped. */
static char *make_pattern(const char *text)
{
    char *pattern = malloc(2 * strlen(text) + 1);
    char *at = pattern;
    for (; pattern != NULL && *text != '\0'; text++) {
        if (*text == '?' || *text == '[' || *text == ']' || *text == '\\') {
            *at++ = '\\';
        }
        *at++ = *text;
    }
    if (pattern != NULL) {
        *at = '\0';
    }
    return pattern;
}

static const char *add_matching(DIR *directory, const char *folder, const char *pattern,
                                struct file_list *list)
{
    struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        char *path;
        if (fnmatch(pattern, entry->d_name, FNM_PERIOD) != 0) {
            continue;
        }
        if (asprintf(&path, "%s%s", folder, entry->d_name) < 0) {
            return no_memory;
        }
        if (is_directory(path)) {
            free(path);
        } else if (!list_add(list, path)) {
            return no_memory;
        }
    }
    return NULL;
}

static const char *find_matching(const char *folder, const char *text, struct file_list *list)
{
    char *pattern = make_pattern(text);
    if (pattern == NULL) {
        return no_memory;
    }
    const char *why = NULL;
    DIR *directory = opendir(folder[0] == '\0' ? "." : folder);
    if (directory == NULL) {
        why = strerror(errno);
    } else {
        why = add_matching(directory, folder, pattern, list);
        closedir(directory);
    }
    free(pattern);
    return why;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* One file, named without a wildcard. */
static const char *find_one(const char *path, struct file_list *list)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return strerror(errno);
    }
    if (S_ISDIR(status.st_mode)) {
        return "is a directory";
    }
    char *copy = strdup(path);
    return copy != NULL && list_add(list, copy) ? NULL : no_memory;
}

const char *file_list_find(const char *uri, struct file_list *list)
{
    static const char scheme[] = "file:";
    size_t scheme_length = sizeof(scheme) - 1;

    if (strncasecmp(uri, scheme, scheme_length) != 0) {
        return "does not start with \"file:\"";
    }
    const char *path = uri + scheme_length;
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    if (strchr(name, '*') == NULL) {
        return find_one(path, list);
    }
    char *folder = strndup(path, (size_t)(name - path));
    if (folder == NULL) {
        return no_memory;
    }
    const char *why = find_matching(folder, name, list);
    free(folder);
    if (why == NULL && list->count == 0) {
        why = "no file matches";
    }
    if (list->count > 1) {
        qsort(list->paths, list->count, sizeof(*list->paths), compare_paths);
    }
    return why;
}
