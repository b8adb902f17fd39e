/* SPDX-License-Identifier: BSD-3-Clause */
/* The collector and the system it runs in: daemon, PID file, service manager. */

#include "daemon.h"

#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#define MODULE "ipfixcol"

void daemon_occupy_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF) {
            (void)open("/dev/null", O_RDWR); /* the lowest that is free: this one */
        }
    }
}

/* The invoking process: its exit status is whether the start succeeded. */
static void wait_for_start(int fd)
{
    char byte;
    ssize_t n;

    do {
        n = read(fd, &byte, 1);
    } while (n < 0 && errno == EINTR);
    _exit(n == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
}

bool daemon_fork(struct daemon *daemon)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) != 0) {
        log_line(MODULE, COL_LOG_ERROR, "cannot become a daemon: %s", strerror(errno));
        return false;
    }
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        log_line(MODULE, COL_LOG_ERROR, "cannot become a daemon: %s", strerror(errno));
        return false;
    }
    if (pid > 0) {
        close(fds[1]);
        wait_for_start(fds[0]);
    }
    close(fds[0]);
    daemon->ready_fd = fds[1];
    (void)setsid();
    log_open_syslog();
    return true;
}

void daemon_write_pid(struct daemon *daemon, const char *path)
{
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        log_line(MODULE, COL_LOG_ERROR, "cannot write the PID file %s: %s", path, strerror(errno));
        return;
    }
    daemon->pid_path = path;
    int written = fprintf(file, "%ld\n", (long)getpid());
    if (fclose(file) != 0 || written < 0) {
        log_line(MODULE, COL_LOG_ERROR, "cannot write the PID file %s: %s", path, strerror(errno));
    }
}

/* Until now errors were visible to who started the daemon; from now on only syslog has them. */
static void detach_streams(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    log_use_stdout(false);
    if (null < 0) {
        return;
    }
    (void)fflush(NULL);
    (void)dup2(null, STDIN_FILENO);
    (void)dup2(null, STDOUT_FILENO);
    (void)dup2(null, STDERR_FILENO);
    if (null > STDERR_FILENO) {
        close(null);
    }
}

void daemon_ready(struct daemon *daemon)
{
    if (daemon->ready_fd > 0) {
        detach_streams();
        ssize_t n = write(daemon->ready_fd, "", 1);
        (void)n; /* who started us may be gone; we run on */
        close(daemon->ready_fd);
        daemon->ready_fd = 0;
    }
    daemon_notify_running();
}

void daemon_notify_running(void)
{
#ifdef HAVE_SYSTEMD
    (void)sd_notify(0, "READY=1");
#endif
}

void daemon_notify_reloading(void)
{
#ifdef HAVE_SYSTEMD
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
                     (unsigned long long)now.tv_sec * 1000000u +
                         (unsigned long long)now.tv_nsec / 1000u);
#endif
}

void daemon_notify_stopping(void)
{
#ifdef HAVE_SYSTEMD
    (void)sd_notify(0, "STOPPING=1");
#endif
}

void daemon_end(struct daemon *daemon)
{
    if (daemon->pid_path != NULL) {
        (void)unlink(daemon->pid_path);
        daemon->pid_path = NULL;
    }
    if (daemon->ready_fd > 0) {
        close(daemon->ready_fd);
        daemon->ready_fd = 0;
    }
}
