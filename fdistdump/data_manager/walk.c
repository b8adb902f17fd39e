/* SPDX-License-Identifier: BSD-3-Clause */
/** From profiles over channels to files. */
#include "walk.h"
#include "flow_name.h"
#include "profiles.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- what is odd ---------------------------------------------------------------------------- */

/** What a directory is warned about: once for each kind, however many files there are. */
enum oddity { ODD_FILE, ODD_LINK, ODD_TIME, ODD_PLACE, ODD_COUNT };

static const char *const oddity_texts[ODD_COUNT] = {
    [ODD_FILE] = "is no flow file, ignored",
    [ODD_LINK] = "is a symbolic link, not followed",
    [ODD_TIME] = "has no valid time in its name, skipped",
    [ODD_PLACE] = "is not in the directory of the day in its name",
};

struct oddities {
    uint64_t count[ODD_COUNT];
    char first[ODD_COUNT][NAME_MAX + 1];
};

static void note(struct oddities *oddities, enum oddity kind, const char *name)
{
    if (oddities->count[kind]++ == 0) {
        (void)snprintf(oddities->first[kind], sizeof(oddities->first[kind]), "%s", name);
    }
}

static void warn_of(const struct walk *walk, uint32_t directory, const struct oddities *oddities)
{
    char path[PATH_MAX];

    for (int i = 0; i < ODD_COUNT; i++) {
        if (oddities->count[i] == 0) {
            continue;
        }
        tree_path(walk->tree, directory, oddities->first[i], path);
        if (oddities->count[i] == 1) {
            dm_log_warning(walk->log, "%s %s", path, oddity_texts[i]);
        } else {
            dm_log_warning(walk->log, "%s %s, as %llu more there", path, oddity_texts[i],
                           (unsigned long long)oddities->count[i] - 1);
        }
    }
}

/* ---- one directory -------------------------------------------------------------------------- */

/** A directory being read. */
struct reading {
    struct walk *walk;
    uint32_t directory;
    unsigned depth;
    int fd;
    char day[FLOW_NAME_DAY_SIZE + 1]; /* path below the channel; a longer one is none */
    struct oddities oddities;
};

enum entry { ENTRY_GONE, ENTRY_FILE, ENTRY_DIRECTORY, ENTRY_LINK, ENTRY_OTHER };

static enum entry entry_of(int fd, const struct dirent *entry)
{
    struct stat status;

    switch (entry->d_type) {
    case DT_REG:
        return ENTRY_FILE;
    case DT_DIR:
        return ENTRY_DIRECTORY;
    case DT_LNK:
        return ENTRY_LINK;
    case DT_UNKNOWN: /* the file system does not tell */
        break;
    default:
        return ENTRY_OTHER;
    }
    if (fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? ENTRY_GONE : ENTRY_OTHER;
    }
    return S_ISREG(status.st_mode)   ? ENTRY_FILE
           : S_ISDIR(status.st_mode) ? ENTRY_DIRECTORY
           : S_ISLNK(status.st_mode) ? ENTRY_LINK
                                     : ENTRY_OTHER;
}

typedef int (*take_entry)(struct reading *reading, const char *name, enum entry kind);

/** Gives every entry to `take`, except `.` and `..`. */
static int read_entries(struct reading *reading, take_entry take)
{
    struct walk *walk = reading->walk;
    char path[PATH_MAX];
    int copy = openat(reading->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), class = REPORT_OK;
    DIR *stream = copy < 0 ? NULL : fdopendir(copy);

    if (stream == NULL) {
        tree_path(walk->tree, reading->directory, NULL, path);
        dm_log_trouble(walk->log, "%s: %s", path, strerror(errno));
        walk->tree->directories[reading->directory].other_count++;
        if (copy >= 0) {
            (void)close(copy);
        }
        return REPORT_OK;
    }
    for (const struct dirent *entry; errno = 0, (entry = readdir(stream)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        class = take(reading, entry->d_name, entry_of(reading->fd, entry));
        if (class != REPORT_OK) {
            break;
        }
    }
    if (class == REPORT_OK && errno != 0) {
        tree_path(walk->tree, reading->directory, NULL, path);
        dm_log_trouble(walk->log, "%s: %s", path, strerror(errno));
        walk->tree->directories[reading->directory].other_count++;
    }
    (void)closedir(stream);
    warn_of(walk, reading->directory, &reading->oddities);
    return class;
}

/** What of a directory is not looked into keeps it from being removed. */
static void leave(const struct reading *reading)
{
    reading->walk->tree->directories[reading->directory].other_count++;
}

/**
 * Whether something is mounted on an open directory: of the same file system, by mount --bind, what
 * is in it belongs elsewhere. Kernels before 5.8 do not tell.
 */
static bool is_mount_point(int fd)
{
    struct statx status;

    return statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &status) == 0 &&
           (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

/**
 * Opens a directory of the one being read and adds it to the tree.
 *
 * @param[out] fd  -1 when it is left out, which has been said, or has vanished
 */
static int enter(const struct reading *reading, const char *name, enum tree_kind kind, int *fd,
                 uint32_t *index)
{
    const struct walk *walk = reading->walk;
    struct stat status;
    char path[PATH_MAX];
    const char *wrong = NULL;

    *fd = openat(reading->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (*fd < 0 && errno == ENOENT) {
        return REPORT_OK;
    }
    tree_path(walk->tree, reading->directory, name, path);
    if (*fd < 0 || fstat(*fd, &status) != 0) {
        dm_log_trouble(walk->log, "%s: %s", path, strerror(errno));
        wrong = "";
    } else if (status.st_dev != walk->tree->directories[reading->directory].device) {
        wrong = "is on another device, skipped";
    } else if (is_mount_point(*fd)) {
        wrong = "is a mount point, skipped";
    } else if (reading->depth >= WALK_DEPTH_MAX) {
        wrong = "is too deep, skipped";
    }
    if (wrong != NULL) {
        if (wrong[0] != '\0') {
            dm_log_warning(walk->log, "%s %s", path, wrong);
        }
        leave(reading);
        if (*fd >= 0) {
            (void)close(*fd);
        }
        *fd = -1;
        return REPORT_OK;
    }
    struct tree_directory directory = {.device = status.st_dev,
                                       .inode = status.st_ino,
                                       .parent = reading->directory,
                                       .fd = -1,
                                       .kind = kind};
    int class = tree_add_directory(walk->tree, &directory, name, index, walk->failure);
    if (class != REPORT_OK) {
        (void)close(*fd);
        *fd = -1;
    }
    return class;
}

/* ---- channels ------------------------------------------------------------------------------- */

static int take_in_channel(struct reading *reading, const char *name, enum entry kind);

static int read_below(const struct reading *above, const char *name, enum tree_kind kind)
{
    struct reading reading = {.walk = above->walk, .depth = above->depth + 1};

    int class = enter(above, name, kind, &reading.fd, &reading.directory);
    if (class != REPORT_OK || reading.fd < 0) {
        return class;
    }
    tree_path_below(reading.walk->tree, reading.directory, reading.day, sizeof(reading.day));
    class = read_entries(&reading, take_in_channel);
    (void)close(reading.fd);
    return class;
}

static int take_flow_file(struct reading *reading, const char *name)
{
    char day[FLOW_NAME_DAY_SIZE];
    int64_t time_s;

    if (!flow_name_time(name, &time_s)) {
        note(&reading->oddities, ODD_TIME, name);
        leave(reading);
        return REPORT_OK;
    }
    flow_name_day(time_s, day);
    if (strcmp(day, reading->day) != 0) {
        note(&reading->oddities, ODD_PLACE, name);
    }
    return tree_add_file(reading->walk->tree, reading->directory, name, time_s,
                         reading->walk->failure);
}

static int take_in_channel(struct reading *reading, const char *name, enum entry kind)
{
    if (kind == ENTRY_GONE || (kind == ENTRY_FILE && flow_name_is_index(name))) {
        return REPORT_OK;
    }
    if (name[0] == '.') {
        leave(reading);
        return REPORT_OK;
    }
    if (kind == ENTRY_DIRECTORY) {
        return read_below(reading, name, TREE_BELOW);
    }
    if (kind == ENTRY_FILE && flow_name_is_flow(name)) {
        return take_flow_file(reading, name);
    }
    note(&reading->oddities, kind == ENTRY_LINK ? ODD_LINK : ODD_FILE, name);
    leave(reading);
    return REPORT_OK;
}

static int take_channel(struct reading *reading, const char *name, enum entry kind)
{
    struct tree *tree = reading->walk->tree;
    size_t files = tree->file_count;
    char path[PATH_MAX];

    if (kind == ENTRY_GONE || name[0] == '.') {
        return REPORT_OK;
    }
    if (kind != ENTRY_DIRECTORY) {
        note(&reading->oddities, kind == ENTRY_LINK ? ODD_LINK : ODD_FILE, name);
        return REPORT_OK;
    }
    reading->walk->channel_count++;
    int class = read_below(reading, name, TREE_CHANNEL);
    tree_path(tree, reading->directory, name, path);
    dm_log_step(reading->walk->log, "channel %s: %zu files", path, tree->file_count - files);
    return class;
}

static int read_channels(const struct reading *profile)
{
    struct reading reading = {.walk = profile->walk, .depth = profile->depth + 1};

    int class = enter(profile, "channels", TREE_CHANNELS, &reading.fd, &reading.directory);
    if (class != REPORT_OK || reading.fd < 0) {
        return class;
    }
    class = read_entries(&reading, take_channel);
    (void)close(reading.fd);
    return class;
}

/* ---- profiles ------------------------------------------------------------------------------- */

static int take_in_profile(struct reading *reading, const char *name, enum entry kind);

static int read_profile(struct walk *walk, uint32_t profile, int fd, unsigned depth)
{
    struct reading reading = {.walk = walk, .directory = profile, .depth = depth, .fd = fd};

    walk->profile_count++;
    return read_entries(&reading, take_in_profile);
}

/** A profile inside another one; its descriptor stays open in the tree when it is locked. */
static int read_sub_profile(const struct reading *above, const char *name)
{
    struct walk *walk = above->walk;
    char path[PATH_MAX];
    uint32_t index;
    int fd;

    int class = enter(above, name, TREE_PROFILE, &fd, &index);
    if (class != REPORT_OK || fd < 0) {
        return class;
    }
    tree_path(walk->tree, index, NULL, path);
    if (!profiles_has_channels(fd)) {
        dm_log_warning(walk->log, "%s has no directory channels, skipped", path);
    } else if (walk->lock) {
        class = profiles_lock(fd, path, walk->log, walk->failure);
        walk->tree->directories[index].fd = fd;
        return class == REPORT_OK ? read_profile(walk, index, fd, above->depth + 1) : class;
    } else {
        class = read_profile(walk, index, fd, above->depth + 1);
    }
    (void)close(fd);
    return class;
}

static int take_in_profile(struct reading *reading, const char *name, enum entry kind)
{
    if (kind == ENTRY_GONE || name[0] == '.') {
        return REPORT_OK;
    }
    if (kind != ENTRY_DIRECTORY) {
        note(&reading->oddities, kind == ENTRY_LINK ? ODD_LINK : ODD_FILE, name);
        return REPORT_OK;
    }
    if (strcmp(name, "rrd") == 0 || strcmp(name, "lost+found") == 0) {
        return REPORT_OK;
    }
    return strcmp(name, "channels") == 0 ? read_channels(reading) : read_sub_profile(reading, name);
}

int walk_profile(struct walk *walk, uint32_t profile)
{
    return read_profile(walk, profile, walk->tree->directories[profile].fd, 0);
}
