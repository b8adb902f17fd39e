/* SPDX-License-Identifier: BSD-3-Clause */
/** Files, indexes and directories, by unlinkat(). */
#include "remove.h"
#include "flow_name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define DAY_S 86400
#define STAT_BLOCK 512 /* unit of st_blocks */
/** An empty file younger than this is one a collector has made and not locked yet. */
#define FRESH_S 60
/** Clocks of file servers may be so much ahead; an empty file from later is one of a clock that was
 * wrong. */
#define AHEAD_S 3600

static void say_trouble(const struct remover *remover, uint32_t directory, const char *name,
                        int reason)
{
    char path[PATH_MAX];

    tree_path(remover->tree, directory, name, path);
    dm_log_trouble(remover->log, "cannot delete %s: %s", path,
                   reason == ESTALE ? "its directory was exchanged meanwhile" : strerror(reason));
}

static void say_deleted(const struct remover *remover, uint32_t directory, const char *name)
{
    char path[PATH_MAX];

    if (!remover->dry_run && !remover->log->verbose) {
        return;
    }
    tree_path(remover->tree, directory, name, path);
    dm_log_line(remover->log, "%s %s", remover->dry_run ? "would delete" : "deleted", path);
}

static void count(const struct stat *status, struct removed *removed)
{
    removed->octets += (uint64_t)status->st_size;
    removed->freed += status->st_nlink == 1 ? (uint64_t)status->st_blocks * STAT_BLOCK : 0;
}

/** Whether a directory lets entries be removed, as a dry run can know: 0 or an errno. */
static int foresee(const struct remover *remover, int fd)
{
    return remover->dry_run && faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) != 0 ? errno : 0;
}

/* ---- index ---------------------------------------------------------------------------------- */

/** Deletes an index; the flow file it belongs to decides whether that is a trouble. */
static int remove_index(const struct remover *remover, int fd, const char *name,
                        struct removed *removed)
{
    struct stat status;

    if (fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? 0 : errno;
    }
    if (!S_ISREG(status.st_mode)) {
        return 0; /* not ours */
    }
    if (!remover->dry_run && unlinkat(fd, name, 0) != 0) {
        return errno == ENOENT ? 0 : errno;
    }
    count(&status, removed);
    removed->indexes++;
    return 0;
}

/* ---- flow file ------------------------------------------------------------------------------ */

/** A flow file about to be deleted. */
struct target {
    const struct tree_file *file;
    char name[NAME_MAX + 1];
    int directory; /* descriptors */
    int fd;
    struct stat status;
};

/**
 * Looks whether the file is being written: its writer has it locked alone. Our lock lasts until the
 * file is deleted, so that no writer comes in between. Where there are no locks there are none of
 * writers either.
 */
static bool is_busy(const struct remover *remover, const struct target *target)
{
    if (flock(target->fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        return true;
    }
    int64_t age_s = remover->now_s - (int64_t)target->status.st_mtime;
    return target->status.st_size == 0 && age_s < FRESH_S && age_s > -AHEAD_S;
}

/** 0 or an errno; ENOENT when the file is gone. */
static int open_target(const struct remover *remover, struct target *target)
{
    target->directory = tree_open(remover->tree, target->file->directory);
    if (target->directory < 0) {
        return errno;
    }
    target->fd = openat(target->directory, target->name,
                        O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (target->fd < 0 || fstat(target->fd, &target->status) != 0) {
        return errno == ELOOP ? EMLINK : errno;
    }
    return S_ISREG(target->status.st_mode) ? 0 : EINVAL;
}

/** Deletes what has been opened; 0 or an errno. */
static int unlink_target(const struct remover *remover, const struct target *target,
                         struct removed *removed)
{
    char index[NAME_MAX + 1];
    struct stat named;

    if (fstatat(target->directory, target->name, &named, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno;
    }
    if (named.st_ino != target->status.st_ino || named.st_dev != target->status.st_dev) {
        return EAGAIN; /* replaced just now: the next run looks at it */
    }
    int reason = foresee(remover, target->directory);
    if (reason != 0) {
        return reason;
    }
    /* The index first: were this run killed in between, the flow file would be there for the next
     * one, while nobody would look for an index without it. */
    (void)snprintf(index, sizeof(index), INDEX_NAME_PREFIX "%s",
                   target->name + FLOW_NAME_PREFIX_LENGTH);
    reason = remove_index(remover, target->directory, index, removed);
    if (reason == 0 && !remover->dry_run && unlinkat(target->directory, target->name, 0) != 0) {
        reason = errno;
    }
    if (reason == 0) {
        count(&target->status, removed);
    }
    return reason;
}

static enum remove_outcome judge(struct remover *remover, const struct target *target, int reason)
{
    if (reason == 0) {
        say_deleted(remover, target->file->directory, target->name);
        return REMOVE_DONE;
    }
    if (reason == ENOENT) {
        return REMOVE_GONE;
    }
    say_trouble(remover, target->file->directory, target->name, reason);
    remover->failed_count++;
    return REMOVE_FAILED;
}

static enum remove_outcome say_busy(struct remover *remover, const struct target *target)
{
    char path[PATH_MAX];

    tree_path(remover->tree, target->file->directory, target->name, path);
    dm_log_warning(remover->log, "%s is being written, skipped", path);
    remover->busy_count++;
    return REMOVE_BUSY;
}

enum remove_outcome remove_file(struct remover *remover, const struct tree_file *file,
                                struct removed *removed)
{
    struct target target = {.file = file, .directory = -1, .fd = -1};
    enum remove_outcome outcome;

    tree_file_name(remover->tree, file, target.name);
    int reason = open_target(remover, &target);
    if (reason == 0 && is_busy(remover, &target)) {
        outcome = say_busy(remover, &target);
    } else {
        reason = reason == 0 ? unlink_target(remover, &target, removed) : reason;
        outcome = judge(remover, &target, reason);
    }
    if (outcome == REMOVE_DONE || outcome == REMOVE_GONE) {
        remover->tree->directories[file->directory].file_count--;
    }
    if (target.fd >= 0) {
        (void)close(target.fd);
    }
    if (target.directory >= 0) {
        (void)close(target.directory);
    }
    return outcome;
}

/* ---- directories ---------------------------------------------------------------------------- */

/** Whether a path is that of a day or of a month or year it is in. */
static bool leads_to(const char *path, const char *day)
{
    size_t length = strlen(path);

    return length > 0 && strncmp(path, day, length) == 0 &&
           (day[length] == '/' || day[length] == '\0');
}

static bool is_current(const struct remover *remover, uint32_t directory)
{
    char path[FLOW_NAME_DAY_SIZE + 1], day[FLOW_NAME_DAY_SIZE];

    tree_path_below(remover->tree, directory, path, sizeof(path));
    for (int i = -1; i <= 1; i++) {
        flow_name_day(remover->now_s + i * DAY_S, day);
        if (leads_to(path, day)) {
            return true;
        }
    }
    return false;
}

/** What is done with an entry of a directory: 0 or an errno. */
typedef int (*take_entry)(const struct remover *remover, int fd, const char *name,
                          struct removed *removed);

/** Deletes an index; what is none came after the look at the directory, and stays. */
static int take_index(const struct remover *remover, int fd, const char *name,
                      struct removed *removed)
{
    return flow_name_is_index(name) ? remove_index(remover, fd, name, removed) : ENOTEMPTY;
}

/** Whether only indexes are there. */
static int look_at(const struct remover *remover, int fd, const char *name, struct removed *removed)
{
    (void)remover, (void)fd, (void)removed;
    return flow_name_is_index(name) ? 0 : ENOTEMPTY;
}

/** Counts an index that would be left; a dry run has counted those beside flow files already. */
static int foresee_index(const struct remover *remover, int fd, const char *name,
                         struct removed *removed)
{
    char flow[NAME_MAX + 1];
    struct stat status;

    if (!flow_name_is_index(name)) {
        return 0;
    }
    (void)snprintf(flow, sizeof(flow), FLOW_NAME_PREFIX "%s", name + FLOW_NAME_PREFIX_LENGTH);
    return fstatat(fd, flow, &status, AT_SYMLINK_NOFOLLOW) == 0
               ? 0
               : remove_index(remover, fd, name, removed);
}

static int take_entries(const struct remover *remover, int fd, take_entry take,
                        struct removed *removed)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), reason = 0;
    DIR *stream = copy < 0 ? NULL : fdopendir(copy);

    if (stream == NULL) {
        reason = errno;
        if (copy >= 0) {
            (void)close(copy);
        }
        return reason;
    }
    for (const struct dirent *entry;
         reason == 0 && (errno = 0, (entry = readdir(stream)) != NULL);) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        reason = take(remover, fd, entry->d_name, removed);
    }
    reason = reason == 0 ? errno : reason;
    (void)closedir(stream);
    return reason;
}

/** 0 or an errno. A dry run cannot look for what it would have deleted: the counts must do. */
static int remove_directory(const struct remover *remover, uint32_t index, struct removed *removed)
{
    const struct tree *tree = remover->tree;
    const struct tree_directory *directory = &tree->directories[index];
    int reason = 0;

    int fd = tree_open(tree, index);
    if (fd < 0) {
        return errno;
    }
    int parent = tree_open(tree, directory->parent);
    if (parent < 0) {
        reason = errno;
        (void)close(fd);
        return reason;
    }
    if (remover->dry_run) {
        reason = foresee(remover, parent);
        reason = reason == 0 ? take_entries(remover, fd, foresee_index, removed) : reason;
    } else {
        reason = take_entries(remover, fd, look_at, removed);
        reason = reason == 0 ? take_entries(remover, fd, take_index, removed) : reason;
    }
    (void)close(fd);
    /* Were it exchanged at this moment, an empty directory would be lost, and nothing else. */
    if (reason == 0 && !remover->dry_run &&
        unlinkat(parent, tree->names + directory->name, AT_REMOVEDIR) != 0) {
        reason = errno;
    }
    (void)close(parent);
    return reason;
}

static bool is_left(const struct remover *remover, uint32_t index)
{
    const struct tree_directory *directory = &remover->tree->directories[index];

    return directory->kind == TREE_BELOW && directory->file_count == 0 &&
           directory->child_count == 0 && directory->other_count == 0 &&
           !is_current(remover, index);
}

uint64_t remove_directories(struct remover *remover, struct removed *removed)
{
    struct tree *tree = remover->tree;
    uint64_t done = 0;

    /* Children before their parents. */
    for (size_t i = tree->directory_count; i > 0; i--) {
        uint32_t index = (uint32_t)(i - 1);
        if (!is_left(remover, index)) {
            continue;
        }
        int reason = remove_directory(remover, index, removed);
        if (reason == 0) {
            say_deleted(remover, index, NULL);
            done++;
        } else if (reason != ENOENT && reason != ENOTEMPTY && reason != EEXIST) {
            say_trouble(remover, index, NULL, reason);
        }
        if (reason == 0 || reason == ENOENT) {
            tree->directories[tree->directories[index].parent].child_count--;
        }
    }
    return done;
}
