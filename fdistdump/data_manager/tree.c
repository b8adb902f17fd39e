/* SPDX-License-Identifier: BSD-3-Clause */
/** Arrays that grow, names that are not stored, and directories that are opened again. */
#include "tree.h"
#include "flow_name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Values of tree_file.name: two usual forms, or the place in names. */
#define NAME_SECONDS 0u /* lnf.YYYYMMDDhhmmss */
#define NAME_MINUTES 1u /* lnf.YYYYMMDDhhmm */
#define NAME_STORED 2u  /* and above: offset + 2 */

/* ---- growing -------------------------------------------------------------------------------- */

/** Makes room for `more` elements; false: no memory, or more than 32 bits can count. */
static bool grow(void *array, size_t *capacity, size_t count, size_t more, size_t size)
{
    void *old, *new;
    size_t wanted = *capacity;

    if (count + more <= *capacity) {
        return true;
    }
    if (count + more >= UINT32_MAX - NAME_STORED) {
        return false;
    }
    while (wanted < count + more) {
        wanted = wanted == 0 ? 256 : wanted + wanted / 2;
    }
    memcpy(&old, array, sizeof(old));
    new = realloc(old, wanted * size);
    if (new == NULL) {
        return false;
    }
    memcpy(array, &new, sizeof(new));
    *capacity = wanted;
    return true;
}

static bool add_name(struct tree *tree, const char *name, uint32_t *place)
{
    size_t size = strlen(name) + 1;

    if (!grow(&tree->names, &tree->names_capacity, tree->names_size, size, 1)) {
        return false;
    }
    memcpy(tree->names + tree->names_size, name, size);
    *place = (uint32_t)tree->names_size;
    tree->names_size += size;
    return true;
}

int tree_add_directory(struct tree *tree, const struct tree_directory *directory, const char *name,
                       uint32_t *index, struct failure *failure)
{
    uint32_t place;

    if (!grow(&tree->directories, &tree->directory_capacity, tree->directory_count, 1,
              sizeof(*tree->directories)) ||
        !add_name(tree, name, &place)) {
        if (directory->fd >= 0) {
            (void)close(directory->fd);
        }
        return failure_no_memory(failure);
    }
    *index = (uint32_t)tree->directory_count++;
    tree->directories[*index] = *directory;
    tree->directories[*index].name = place;
    if (directory->parent != TREE_NONE) {
        tree->directories[directory->parent].child_count++;
    }
    return REPORT_OK;
}

/** The usual name of a time. */
static void usual_name(int64_t time_s, uint32_t form, char name[NAME_MAX + 1])
{
    time_t time = (time_t)time_s;
    struct tm tm;

    name[0] = '\0';
    if (gmtime_r(&time, &tm) != NULL) {
        (void)strftime(name, NAME_MAX + 1,
                       form == NAME_SECONDS ? FLOW_NAME_PREFIX "%Y%m%d%H%M%S"
                                            : FLOW_NAME_PREFIX "%Y%m%d%H%M",
                       &tm);
    }
}

int tree_add_file(struct tree *tree, uint32_t directory, const char *name, int64_t time_s,
                  struct failure *failure)
{
    char usual[NAME_MAX + 1];
    uint32_t form = NAME_SECONDS;

    if (!grow(&tree->files, &tree->file_capacity, tree->file_count, 1, sizeof(*tree->files))) {
        return failure_no_memory(failure);
    }
    for (; form < NAME_STORED; form++) {
        usual_name(time_s, form, usual);
        if (strcmp(usual, name) == 0) {
            break;
        }
    }
    if (form == NAME_STORED) {
        if (!add_name(tree, name, &form)) {
            return failure_no_memory(failure);
        }
        form += NAME_STORED;
    }
    tree->files[tree->file_count++] =
        (struct tree_file){.time_s = time_s, .directory = directory, .name = form};
    tree->directories[directory].file_count++;
    return REPORT_OK;
}

/* ---- order and names ------------------------------------------------------------------------ */

static int by_time(const void *a, const void *b)
{
    const struct tree_file *x = a, *y = b;

    if (x->time_s != y->time_s) {
        return x->time_s < y->time_s ? -1 : 1;
    }
    if (x->directory != y->directory) {
        return x->directory < y->directory ? -1 : 1;
    }
    return x->name < y->name ? -1 : x->name > y->name;
}

void tree_sort(struct tree *tree)
{
    if (tree->file_count > 0) {
        qsort(tree->files, tree->file_count, sizeof(*tree->files), by_time);
    }
}

void tree_file_name(const struct tree *tree, const struct tree_file *file, char name[NAME_MAX + 1])
{
    if (file->name < NAME_STORED) {
        usual_name(file->time_s, file->name, name);
    } else {
        (void)snprintf(name, NAME_MAX + 1, "%s", tree->names + (file->name - NAME_STORED));
    }
}

/** Appends to a path; what does not fit is cut. */
static void append(char *path, size_t size, const char *name)
{
    size_t used = strlen(path);
    const char *separator = used == 0 || path[used - 1] == '/' ? "" : "/";

    (void)snprintf(path + used, size - used, "%s%s", separator, name);
}

static void append_path(const struct tree *tree, uint32_t directory, enum tree_kind above,
                        char *path, size_t size)
{
    const struct tree_directory *d = &tree->directories[directory];

    if (above == TREE_BELOW && d->kind != TREE_BELOW) {
        return;
    }
    if (d->parent != TREE_NONE) {
        append_path(tree, d->parent, above, path, size);
    }
    append(path, size, tree->names + d->name);
}

void tree_path(const struct tree *tree, uint32_t directory, const char *name, char path[PATH_MAX])
{
    path[0] = '\0';
    append_path(tree, directory, TREE_PROFILE, path, PATH_MAX);
    if (name != NULL) {
        append(path, PATH_MAX, name);
    }
}

void tree_path_below(const struct tree *tree, uint32_t directory, char *path, size_t size)
{
    path[0] = '\0';
    append_path(tree, directory, TREE_BELOW, path, size);
    if (strlen(path) == size - 1) {
        path[0] = '\0'; /* perhaps cut */
    }
}

/* ---- opening -------------------------------------------------------------------------------- */

static int open_below(const struct tree *tree, const struct tree_directory *d)
{
    int parent = tree_open(tree, d->parent);

    if (parent < 0) {
        return -1;
    }
    int fd = openat(parent, tree->names + d->name,
                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int reason = errno;
    (void)close(parent);
    errno = reason;
    return fd;
}

int tree_open(const struct tree *tree, uint32_t directory)
{
    const struct tree_directory *d = &tree->directories[directory];
    struct stat status;

    if (d->fd >= 0) {
        return fcntl(d->fd, F_DUPFD_CLOEXEC, 3);
    }
    if (d->parent == TREE_NONE) {
        errno = EBADF;
        return -1;
    }
    int fd = open_below(tree, d);
    if (fd < 0) {
        errno = errno == ELOOP || errno == ENOTDIR ? ESTALE : errno;
        return -1;
    }
    if (fstat(fd, &status) != 0 || status.st_ino != d->inode || status.st_dev != d->device) {
        (void)close(fd);
        errno = ESTALE;
        return -1;
    }
    return fd;
}

void tree_clear(struct tree *tree)
{
    for (size_t i = 0; i < tree->directory_count; i++) {
        if (tree->directories[i].fd >= 0) {
            (void)close(tree->directories[i].fd);
        }
    }
    free(tree->directories);
    free(tree->files);
    free(tree->names);
    *tree = (struct tree){0};
}
