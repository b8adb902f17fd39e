/* SPDX-License-Identifier: BSD-3-Clause */
/** Directories that must not overlap, and locks that tell another run. */
#include "profiles.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

bool profiles_has_channels(int fd)
{
    struct stat status;

    return fstatat(fd, "channels", &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
}

int profiles_lock(int fd, const char *path, struct dm_log *log, struct failure *failure)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        return REPORT_OK;
    }
    if (errno == EWOULDBLOCK) {
        return failure_set(failure, (enum report_class)REPORT_LOCKED,
                           "%.512s: another run of flow-data-manager is at work there", path);
    }
    dm_log_warning(log, "%s cannot be locked, see that no other run is started meanwhile: %s", path,
                   strerror(errno));
    return REPORT_OK;
}

void profiles_raise_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* ---- opening -------------------------------------------------------------------------------- */

static int add_profile(struct tree *tree, const char *path, struct failure *failure)
{
    struct stat status;
    uint32_t index;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &status) != 0) {
        int reason = errno;
        if (fd >= 0) {
            (void)close(fd);
        }
        return failure_set(failure, REPORT_PATH, "profile directory %.512s: %s", path,
                           strerror(reason));
    }
    if (!profiles_has_channels(fd)) {
        (void)close(fd);
        return failure_set(failure, REPORT_PATH,
                           "%.512s is no profile directory: it has no directory channels", path);
    }
    struct tree_directory directory = {.device = status.st_dev,
                                       .inode = status.st_ino,
                                       .parent = TREE_NONE,
                                       .fd = fd,
                                       .kind = TREE_PROFILE};
    return tree_add_directory(tree, &directory, path, &index, failure);
}

/* ---- comparing ------------------------------------------------------------------------------ */

static const char *path_of(const struct tree *tree, size_t index)
{
    return tree->names + tree->directories[index].name;
}

static bool is_at(const struct tree_directory *directory, const struct stat *status)
{
    return directory->inode == status->st_ino && directory->device == status->st_dev;
}

/** Compares a profile, and with `above` set what it is in, with the profiles before `count`. */
static int compare(const struct tree *tree, size_t index, const struct stat *status, bool above,
                   struct failure *failure)
{
    for (size_t i = 0; i < tree->directory_count; i++) {
        if (i != index && is_at(&tree->directories[i], status)) {
            return failure_set(failure, REPORT_PATH, "profile directory %.400s is %s %.400s",
                               path_of(tree, index), above ? "inside" : "the same as",
                               path_of(tree, i));
        }
    }
    return REPORT_OK;
}

/** Goes up from a profile to the root, whatever links led to it. */
static int check_overlap(const struct tree *tree, size_t index, struct failure *failure)
{
    struct stat status, before = {0};
    int fd = fcntl(tree->directories[index].fd, F_DUPFD_CLOEXEC, 3), class = REPORT_OK;

    for (bool above = false; class == REPORT_OK && fd >= 0 && fstat(fd, &status) == 0;
         above = true) {
        if (above && status.st_ino == before.st_ino && status.st_dev == before.st_dev) {
            break;
        }
        class = compare(tree, index, &status, above, failure);
        before = status;
        int up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        (void)close(fd);
        fd = up;
    }
    if (fd < 0 && class == REPORT_OK) {
        class = failure_set(failure, REPORT_PATH, "what is above %.512s: %s", path_of(tree, index),
                            strerror(errno));
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return class;
}

int profiles_open(struct tree *tree, char *const *paths, size_t count, struct failure *failure)
{
    int class = REPORT_OK;

    for (size_t i = 0; i < count && class == REPORT_OK; i++) {
        class = add_profile(tree, paths[i], failure);
    }
    for (size_t i = 1; i < count && class == REPORT_OK; i++) {
        if (tree->directories[i].device != tree->directories[0].device) {
            class = failure_set(failure, REPORT_PATH,
                                "profile directories %.400s and %.400s are not on one device",
                                path_of(tree, 0), path_of(tree, i));
        }
    }
    for (size_t i = 0; i < count && count > 1 && class == REPORT_OK; i++) {
        class = check_overlap(tree, i, failure);
    }
    return class;
}
