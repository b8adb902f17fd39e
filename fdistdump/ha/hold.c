/* SPDX-License-Identifier: BSD-3-Clause */
/** Keeps output in a file until it is known to be whole. */
#include "hold.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** For file systems without O_TMPFILE. */
static int open_named(const char *folder)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof(path), "%s/fdistdump-ha.XXXXXX", folder);

    if (length < 0 || (size_t)length >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd != -1) {
        (void)unlink(path);
    }
    return fd;
}

int hold_open(int *fd, struct failure *failure)
{
    const char *folder = getenv("TMPDIR");

    folder = folder == NULL || folder[0] == '\0' ? "/var/tmp" : folder;
    *fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (*fd == -1 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        *fd = open_named(folder);
    }
    if (*fd == -1) {
        return failure_set(failure, REPORT_INTERNAL, "temporary file in %.512s: %s", folder,
                           strerror(errno));
    }
    return REPORT_OK;
}

static bool write_all(int fd, const char *octets, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, octets, size);
        if (written == -1 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        octets += written;
        size -= (size_t)written;
    }
    return true;
}

int hold_release(int fd, int to_fd, struct failure *failure)
{
    char buffer[65536];
    ssize_t length;

    if (lseek(fd, 0, SEEK_SET) == -1) {
        return failure_set(failure, REPORT_INTERNAL, "temporary file: %s", strerror(errno));
    }
    while ((length = read(fd, buffer, sizeof(buffer))) > 0) {
        if (!write_all(to_fd, buffer, (size_t)length)) {
            return errno == EPIPE ? REPORT_OK
                                  : failure_set(failure, REPORT_INTERNAL,
                                                "cannot write the output: %s", strerror(errno));
        }
    }
    if (length < 0) {
        return failure_set(failure, REPORT_INTERNAL, "temporary file: %s", strerror(errno));
    }
    return REPORT_OK;
}
