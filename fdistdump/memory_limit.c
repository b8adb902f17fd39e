/* SPDX-License-Identifier: BSD-3-Clause */
/** Sizes of memory: given, found out, exceeded. */
#include "memory_limit.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <libnf.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- words ----------------------------------------------------------------------------------- */

/** Binary logarithm of a suffix; -1 = it is none. */
static int suffix_shift(const char *suffix)
{
    static const char letters[] = "kmgt";

    if (*suffix == '\0') {
        return 0;
    }
    const char *letter = strchr(letters, tolower((unsigned char)*suffix));
    return letter == NULL || suffix[1] != '\0' ? -1 : 10 * (int)(letter - letters + 1);
}

int memory_limit_read(const char *text, uint64_t *limit, struct failure *failure)
{
    char *end = NULL;

    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    int shift = end == text ? -1 : suffix_shift(end);
    /* strtoull() would take signs and white space. */
    if (!isdigit((unsigned char)text[0]) || shift < 0) {
        return failure_set(failure, REPORT_ARGUMENTS,
                           "--memory-limit `%.64s': not a size such as 512M or 4G", text);
    }
    if (errno == ERANGE || number > ((uint64_t)INT64_MAX >> shift)) {
        return failure_set(failure, REPORT_ARGUMENTS, "--memory-limit `%.64s': too large", text);
    }
    *limit = (uint64_t)number << shift;
    return REPORT_OK;
}

/* ---- machine --------------------------------------------------------------------------------- */

/** Lowers the limit to the number in a file; "max" and files that are not there change nothing. */
static void apply_file(const char *path, uint64_t *limit)
{
    FILE *file = fopen(path, "re");
    uint64_t number;

    if (file == NULL) {
        return;
    }
    if (fscanf(file, "%" SCNu64, &number) == 1 && number > 0 && number < *limit) {
        *limit = number;
    }
    (void)fclose(file);
}

/** Applies the limits of a group and of all it is in; `group` is cut on the way. */
static void apply_group(const char *root, const char *hierarchy, char *group, const char *file,
                        uint64_t *limit)
{
    for (;;) {
        char path[PATH_MAX];
        int length = snprintf(path, sizeof(path), "%s/sys/fs/cgroup%s%s/%s", root, hierarchy,
                              strcmp(group, "/") == 0 ? "" : group, file);
        if (length > 0 && (size_t)length < sizeof(path)) {
            apply_file(path, limit);
        }
        char *last = strrchr(group, '/');
        if (last == NULL || group[0] == '\0') {
            return;
        }
        *last = '\0';
    }
}

/** Whether a list of words separated by commas has the word. */
static bool has_word(const char *list, const char *word)
{
    size_t length = strlen(word);

    for (;; list++) {
        size_t here = strcspn(list, ",");
        if (here == length && memcmp(list, word, length) == 0) {
            return true;
        }
        list += here;
        if (*list == '\0') {
            return false;
        }
    }
}

/** A line of /proc/self/cgroup: NUMBER:CONTROLLERS:PATH. Version 2 has no controllers. */
static void apply_line(const char *root, char *line, uint64_t *limit)
{
    char *controllers = strchr(line, ':');
    char *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');

    if (group == NULL) {
        return;
    }
    *controllers++ = '\0';
    *group++ = '\0';
    group[strcspn(group, "\n")] = '\0';
    if (controllers[0] == '\0') {
        apply_group(root, "", group, "memory.max", limit);
    } else if (has_word(controllers, "memory")) {
        apply_group(root, "/memory", group, "memory.limit_in_bytes", limit);
    }
}

uint64_t memory_limit_of_group(const char *root, uint64_t physical)
{
    char path[PATH_MAX], line[PATH_MAX];
    uint64_t limit = physical;

    (void)snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return limit;
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        apply_line(root, line, &limit);
    }
    (void)fclose(file);
    return limit;
}

uint64_t memory_limit_available(void)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    long page_size = sysconf(_SC_PAGESIZE);
    uint64_t physical =
        pages > 0 && page_size > 0 ? (uint64_t)pages * (uint64_t)page_size : (uint64_t)1 << 30;

    return memory_limit_of_group("", physical);
}

/* ---- accounts -------------------------------------------------------------------------------- */

static void on_spilling(void *context, const char *directory)
{
    report_info(context, "rows exceed the limit of memory: temporary files in %s are used",
                directory);
}

int memory_limit_start(uint64_t limit, const struct report *report, lnf_memory_t **memory,
                       struct failure *failure)
{
    const struct lnf_memory_spec spec = {
        .limit = limit,
        .spilling = on_spilling,
        .context = (void *)(uintptr_t)report, /* only read */
    };

    return lnf_memory_create(&spec, memory) == LNF_OK ? REPORT_OK : failure_no_memory(failure);
}

int memory_limit_failure(const lnf_table_t *table, int status, struct failure *failure)
{
    struct lnf_error error;

    if (status == LNF_ERR_NOMEM || lnf_table_error(table, &error) == LNF_OK) {
        return failure_no_memory(failure);
    }
    return failure_set(failure, REPORT_LIBNF, "%s", error.text);
}
