/* SPDX-License-Identifier: BSD-3-Clause */
/** Keeps output in a file until it is known to be whole. */
#include "hold.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK_SIZE 65536u
#define TAKE_CHUNKS 16u /* then others have their turn; more than a pipe holds */

static const char *folder_name(void)
{
    const char *folder = getenv("TMPDIR");

    return folder == NULL || folder[0] == '\0' ? "/var/tmp" : folder;
}

static int fail(struct failure *failure)
{
    return failure_set(failure, REPORT_INTERNAL, "temporary file in %.512s: %s", folder_name(),
                       strerror(errno));
}

static void close_fd(int *fd)
{
    if (*fd != -1) {
        (void)close(*fd);
        *fd = -1;
    }
}

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

int hold_open(struct hold *hold, struct failure *failure)
{
    const char *folder = folder_name();
    int ends[2];

    *hold = HOLD_NONE;
    hold->file_fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (hold->file_fd == -1 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        hold->file_fd = open_named(folder);
    }
    if (hold->file_fd == -1) {
        return fail(failure);
    }
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return failure_set(failure, REPORT_INTERNAL, "cannot make a pipe: %s", strerror(errno));
    }
    hold->read_fd = ends[0];
    hold->write_fd = ends[1];
    (void)fcntl(hold->read_fd, F_SETFL, O_NONBLOCK);
    return REPORT_OK;
}

void hold_close_writer(struct hold *hold)
{
    close_fd(&hold->write_fd);
}

/** Some who share the output have it not wait. */
static bool await_room(int fd)
{
    struct pollfd polled = {.fd = fd, .events = POLLOUT};

    return poll(&polled, 1, -1) != -1 || errno == EINTR;
}

static bool write_all(int fd, const char *octets, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, octets, size);
        if (written == -1 && (errno == EINTR || (errno == EAGAIN && await_room(fd)))) {
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

int hold_take(struct hold *hold, struct failure *failure)
{
    char buffer[CHUNK_SIZE];
    int class = REPORT_OK;

    for (unsigned i = 0; i < TAKE_CHUNKS && hold->read_fd != -1; i++) {
        ssize_t length = read(hold->read_fd, buffer, sizeof(buffer));
        if (length == -1 && (errno == EAGAIN || errno == EINTR)) {
            break;
        }
        if (length <= 0) {
            close_fd(&hold->read_fd);
        } else if (!hold->failed && !write_all(hold->file_fd, buffer, (size_t)length)) {
            hold->failed = true;
            class = fail(failure);
        }
    }
    return class;
}

int hold_release(const struct hold *hold, int to_fd, struct failure *failure)
{
    char buffer[CHUNK_SIZE];
    ssize_t length;

    if (lseek(hold->file_fd, 0, SEEK_SET) == -1) {
        return fail(failure);
    }
    while ((length = read(hold->file_fd, buffer, sizeof(buffer))) > 0) {
        if (!write_all(to_fd, buffer, (size_t)length)) {
            return errno == EPIPE ? REPORT_OK
                                  : failure_set(failure, REPORT_INTERNAL,
                                                "cannot write the output: %s", strerror(errno));
        }
    }
    return length < 0 ? fail(failure) : REPORT_OK;
}

void hold_close(struct hold *hold)
{
    close_fd(&hold->file_fd);
    close_fd(&hold->write_fd);
    close_fd(&hold->read_fd);
}
