/* SPDX-License-Identifier: BSD-3-Clause */
/** Rank prefixes, conversions, walks over directories, and the hierarchy of days. */
#include "flow_files.h"

#include <dirent.h>
#include <errno.h>
#include <libnf/index.h>
#include <limits.h>
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define DAY_S 86400
#define LAST_YEAR 9999 /* names have four digits */

/* ---- list ----------------------------------------------------------------------------------- */

static int append(struct flow_files *files, const char *path, struct failure *failure)
{
    if (files->count == files->capacity) {
        size_t capacity = files->capacity == 0 ? 64 : files->capacity * 2;
        char **paths = realloc(files->paths, capacity * sizeof(*paths));
        if (paths == NULL) {
            return failure_no_memory(failure);
        }
        files->paths = paths;
        files->capacity = capacity;
    }
    files->paths[files->count] = strdup(path);
    if (files->paths[files->count] == NULL) {
        return failure_no_memory(failure);
    }
    files->count++;
    return REPORT_OK;
}

void flow_files_clear(struct flow_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free(files->paths[i]);
    }
    free(files->paths);
    *files = (struct flow_files){0};
}

/* ---- conversions ---------------------------------------------------------------------------- */

/** Whose path it is. */
enum prefix { PREFIX_MINE, PREFIX_OTHER, PREFIX_BAD };

/** Steps over `%RANK:`. */
static enum prefix skip_rank(const char **path, unsigned rank)
{
    const char *text = *path;
    unsigned long long number = 0;

    if (text[0] != '%' || text[1] < '0' || text[1] > '9') {
        return PREFIX_MINE;
    }
    for (text++; *text >= '0' && *text <= '9'; text++) {
        number = number > UINT_MAX ? number : number * 10 + (unsigned)(*text - '0');
    }
    if (*text != ':') {
        return PREFIX_BAD;
    }
    *path = text + 1;
    return number == rank ? PREFIX_MINE : PREFIX_OTHER;
}

/** Replaces %h; NULL = fine, else what is wrong. */
static const char *convert(const char *path, const char *host, char *out, size_t size)
{
    size_t used = 0;

    for (; *path != '\0'; path++) {
        const char *piece = path;
        size_t length = 1;
        if (*path == '%') {
            if (path[1] != 'h') {
                return "unknown conversion specifier";
            }
            path++;
            piece = host;
            length = strlen(host);
        }
        if (length >= size - used) {
            return "path is too long";
        }
        memcpy(out + used, piece, length);
        used += length;
    }
    out[used] = '\0';
    return used == 0 ? "empty path" : NULL;
}

static void warn(struct flow_files *files, const struct flow_files_context *context,
                 const char *path, const char *reason)
{
    files->skipped++;
    report_warning(context->report, REPORT_PATH, "%s `%s'", reason, path);
}

/* ---- walk ----------------------------------------------------------------------------------- */

/** A directory, whatever it is called. */
struct place {
    dev_t device;
    ino_t inode;
};

/** A directory being walked and those above it: one that comes again is a loop. */
struct branch {
    struct place place;
    const struct branch *above;
};

/** The walk over one path of the command line. */
struct walk {
    struct flow_files *files;
    const struct flow_files_context *context;
    struct failure *failure;
    /* Tree of struct place: each directory is read once, however many links lead to it. */
    void *seen;
};

static int walk_directory(struct walk *walk, const char *path, const struct stat *status,
                          const struct branch *above);

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->device != y->device) {
        return x->device < y->device ? -1 : 1;
    }
    return x->inode < y->inode ? -1 : x->inode > y->inode;
}

static bool is_loop(const struct place *place, const struct branch *above)
{
    for (; above != NULL; above = above->above) {
        if (compare_places(&above->place, place) == 0) {
            return true;
        }
    }
    return false;
}

/** Whether the directory comes for the first time. */
static int remember(struct walk *walk, const struct place *place, bool *is_new)
{
    struct place *copy = malloc(sizeof(*copy));

    if (copy == NULL) {
        return failure_no_memory(walk->failure);
    }
    *copy = *place;
    struct place **found = tsearch(copy, &walk->seen, compare_places);
    *is_new = found != NULL && *found == copy;
    if (!*is_new) {
        free(copy);
    }
    return found == NULL ? failure_no_memory(walk->failure) : REPORT_OK;
}

/** Adds a file, or the files of a directory. */
static int add_entry(struct walk *walk, const char *path, const struct branch *above)
{
    struct stat status;

    if (stat(path, &status) != 0) {
        warn(walk->files, walk->context, path, strerror(errno));
        return REPORT_OK;
    }
    if (S_ISDIR(status.st_mode)) {
        return walk_directory(walk, path, &status, above);
    }
    if (!S_ISREG(status.st_mode)) {
        warn(walk->files, walk->context, path, "neither a file nor a directory, skipped");
        return REPORT_OK;
    }
    return append(walk->files, path, walk->failure);
}

static int is_flow_name(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && !lnf_index_is_name(entry->d_name);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_named(struct walk *walk, const char *directory, const char *name,
                     const struct branch *above)
{
    size_t length = strlen(directory);
    const char *separator = length > 0 && directory[length - 1] == '/' ? "" : "/";
    char *path;

    if (asprintf(&path, "%s%s%s", directory, separator, name) < 0) {
        return failure_no_memory(walk->failure);
    }
    int class = REPORT_OK;
    if (strlen(path) >= PATH_MAX) {
        warn(walk->files, walk->context, path, "path is too long");
    } else {
        class = add_entry(walk, path, above);
    }
    free(path);
    return class;
}

static int walk_directory(struct walk *walk, const char *path, const struct stat *status,
                          const struct branch *above)
{
    struct branch here = {{status->st_dev, status->st_ino}, above};
    struct dirent **entries;
    bool is_new;

    if (is_loop(&here.place, above)) {
        warn(walk->files, walk->context, path, "symbolic link leads back to a directory above it");
        return REPORT_OK;
    }
    int class = remember(walk, &here.place, &is_new);
    if (class != REPORT_OK) {
        return class;
    }
    if (!is_new) {
        /* Nothing is missing from the answer: no warning, and no failure of a strict job. */
        report_info(walk->context->report, "directory has been read under another name `%s'", path);
        return REPORT_OK;
    }
    int count = scandir(path, &entries, is_flow_name, by_name);
    if (count < 0 && errno == ENOMEM) {
        return failure_no_memory(walk->failure);
    }
    if (count < 0) {
        warn(walk->files, walk->context, path, strerror(errno));
        return REPORT_OK;
    }
    for (int i = 0; i < count; i++) {
        if (class == REPORT_OK) {
            class = add_named(walk, path, entries[i]->d_name, &here);
        }
        free(entries[i]);
    }
    free(entries);
    return class;
}

/* ---- hierarchy of days ---------------------------------------------------------------------- */

/** A range of time being looked up below one directory. */
struct lookup {
    struct flow_files *files;
    const char *directory;
    const struct flow_files_context *context;
};

/** Whether DIR/YYYY, or DIR/YYYY/MM/DD, is a directory; a missing one is one warning, not one per
 * interval. */
static bool is_directory(const struct lookup *lookup, bool day, const struct tm *tm)
{
    char part[16], path[PATH_MAX];
    struct stat status;

    (void)strftime(part, sizeof(part), day ? "%Y/%m/%d" : "%Y", tm);
    int length = snprintf(path, sizeof(path), "%s/%s", lookup->directory, part);
    if (length < 0 || (size_t)length >= sizeof(path)) {
        warn(lookup->files, lookup->context, lookup->directory, "path is too long");
        return false;
    }
    if (stat(path, &status) != 0) {
        warn(lookup->files, lookup->context, path, strerror(errno));
        return false;
    }
    if (!S_ISDIR(status.st_mode)) {
        warn(lookup->files, lookup->context, path, strerror(ENOTDIR));
        return false;
    }
    return true;
}

static int add_interval(const struct lookup *lookup, const struct tm *tm, struct failure *failure)
{
    char part[48], path[PATH_MAX];
    struct stat status;

    (void)strftime(part, sizeof(part), "%Y/%m/%d/lnf.%Y%m%d%H%M%S", tm);
    int length = snprintf(path, sizeof(path), "%s/%s", lookup->directory, part);
    if (length < 0 || (size_t)length >= sizeof(path)) {
        warn(lookup->files, lookup->context, lookup->directory, "path is too long");
        return REPORT_OK;
    }
    if (stat(path, &status) != 0) {
        warn(lookup->files, lookup->context, path, strerror(errno));
        return REPORT_OK;
    }
    if (!S_ISREG(status.st_mode)) {
        warn(lookup->files, lookup->context, path, "not a file, skipped");
        return REPORT_OK;
    }
    return append(lookup->files, path, failure);
}

static int64_t start_of_next_year(const struct tm *tm)
{
    struct tm next = {.tm_year = tm->tm_year + 1, .tm_mday = 1};
    return (int64_t)timegm(&next);
}

static int add_hierarchy(const struct lookup *lookup, struct failure *failure)
{
    const struct time_range *range = lookup->context->range;
    int known_year = -1, class = REPORT_OK;
    int64_t at_s = range->begin_s;

    while (at_s < range->end_s && class == REPORT_OK) {
        time_t at = (time_t)at_s;
        struct tm tm;
        if (gmtime_r(&at, &tm) == NULL || tm.tm_year > LAST_YEAR - 1900) {
            return REPORT_OK;
        }
        if (tm.tm_year != known_year && !is_directory(lookup, false, &tm)) {
            at_s = start_of_next_year(&tm);
            continue;
        }
        known_year = tm.tm_year;
        int64_t day_end_s = at_s - at_s % DAY_S + DAY_S;
        if (!is_directory(lookup, true, &tm)) {
            at_s = day_end_s;
            continue;
        }
        for (; at_s < day_end_s && at_s < range->end_s && class == REPORT_OK;
             at_s += TIME_ROTATION_S) {
            at = (time_t)at_s;
            (void)gmtime_r(&at, &tm);
            class = add_interval(lookup, &tm, failure);
        }
    }
    return class;
}

/* ---- door ----------------------------------------------------------------------------------- */

int flow_files_add(struct flow_files *files, const char *path,
                   const struct flow_files_context *context, struct failure *failure)
{
    char converted[PATH_MAX];
    const char *rest = path;
    struct stat status;

    switch (skip_rank(&rest, context->rank)) {
    case PREFIX_OTHER:
        return REPORT_OK;
    case PREFIX_BAD:
        warn(files, context, path, "invalid conversion specifier in");
        return REPORT_OK;
    default:
        break;
    }
    const char *wrong = convert(rest, context->host, converted, sizeof(converted));
    if (wrong != NULL) {
        warn(files, context, path, wrong);
        return REPORT_OK;
    }
    if (context->range == NULL || stat(converted, &status) != 0 || !S_ISDIR(status.st_mode)) {
        struct walk walk = {files, context, failure, NULL};
        int class = add_entry(&walk, converted, NULL);
        tdestroy(walk.seen, free);
        return class;
    }
    struct lookup lookup = {files, converted, context};
    return add_hierarchy(&lookup, failure);
}
