/* SPDX-License-Identifier: BSD-3-Clause */
/** Standard descriptors that whoever started the program has closed. */
#include "descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void descriptors_occupy(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF) {
            (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
        }
    }
}
