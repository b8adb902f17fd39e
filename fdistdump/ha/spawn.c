/* SPDX-License-Identifier: BSD-3-Clause */
/** Starts programs; finds and kills what they leave behind. */
#include "spawn.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- child ---------------------------------------------------------------------------------- */

/** Runs in the child; comes back only with the reason in errno. */
static void become(char *const *argv, int out_fd, int err_fd, int death_signal, pid_t parent)
{
    sigset_t none;

    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, death_signal);
    if (getppid() != parent) {
        _exit(127); /* it died before it could be watched */
    }
    int null = open("/dev/null", O_RDONLY);
    if (null == -1 || dup2(null, STDIN_FILENO) == -1 ||
        (out_fd != -1 && dup2(out_fd, STDOUT_FILENO) == -1) ||
        (err_fd != -1 && dup2(err_fd, STDERR_FILENO) == -1)) {
        return;
    }
    if (null > STDERR_FILENO) {
        (void)close(null);
    }
    (void)signal(SIGPIPE, SIG_DFL);
    (void)signal(SIGXFSZ, SIG_DFL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)execvp(argv[0], argv);
}

/** Reads the reason of a failed exec; 0 = the program runs. */
static int read_reason(int fd)
{
    int reason = 0;
    ssize_t length;

    do {
        length = read(fd, &reason, sizeof(reason));
    } while (length == -1 && errno == EINTR);
    return length == (ssize_t)sizeof(reason) ? reason : 0;
}

int spawn(char *const *argv, int out_fd, int err_fd, int death_signal, pid_t *pid,
          struct failure *failure)
{
    int reasons[2];
    pid_t parent = getpid();

    if (pipe2(reasons, O_CLOEXEC) != 0) {
        return failure_set(failure, REPORT_INTERNAL, "cannot make a pipe: %s", strerror(errno));
    }
    pid_t child = fork();
    if (child == 0) {
        become(argv, out_fd, err_fd, death_signal, parent);
        int reason = errno;
        ssize_t written = write(reasons[1], &reason, sizeof(reason));
        _exit(written > 0 ? 127 : 126);
    }
    int fork_reason = errno;
    (void)close(reasons[1]);
    int reason = child == -1 ? fork_reason : read_reason(reasons[0]);
    (void)close(reasons[0]);
    if (child == -1) {
        return failure_set(failure, REPORT_INTERNAL, "cannot start a process: %s",
                           strerror(reason));
    }
    if (reason != 0) {
        while (waitpid(child, NULL, 0) == -1 && errno == EINTR) {
        }
        return failure_set(failure, REPORT_PATH, "cannot run %.512s: %s", argv[0],
                           strerror(reason));
    }
    *pid = child;
    return REPORT_OK;
}

/* ---- programs ------------------------------------------------------------------------------- */

static bool is_executable(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

bool spawn_is_program(const char *name)
{
    const char *folders = getenv("PATH");

    if (strchr(name, '/') != NULL) {
        return is_executable(name);
    }
    if (name[0] == '\0') {
        return false;
    }
    for (folders = folders == NULL ? "/usr/bin:/bin" : folders;; folders++) {
        char path[PATH_MAX];
        size_t length = strcspn(folders, ":");
        int size = snprintf(path, sizeof(path), "%.*s/%s", (int)length, folders, name);
        /* An empty folder is the current one. */
        if (size > 0 && (size_t)size < sizeof(path) &&
            is_executable(length == 0 ? path + 1 : path)) {
            return true;
        }
        folders += length;
        if (*folders == '\0') {
            return false;
        }
    }
}

/* ---- orphans -------------------------------------------------------------------------------- */

/** Parent of a process as /proc/PID/stat tells; 0 = it is gone. */
static pid_t parent_of(const char *pid)
{
    char path[64], text[512];
    int parent = 0;

    (void)snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return 0;
    }
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    text[length] = '\0';
    /* PID (NAME) STATE PARENT; the name may contain anything. */
    const char *name_end = strrchr(text, ')');
    if (name_end == NULL || sscanf(name_end + 1, " %*c %d", &parent) != 1) {
        return 0;
    }
    return (pid_t)parent;
}

size_t spawn_kill_orphans(bool (*is_known)(const void *context, pid_t pid), const void *context)
{
    DIR *folder = opendir("/proc");
    struct dirent *entry;
    size_t count = 0;

    if (folder == NULL) {
        return 0;
    }
    while ((entry = readdir(folder)) != NULL) {
        if (!isdigit((unsigned char)entry->d_name[0]) || parent_of(entry->d_name) != getpid()) {
            continue;
        }
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (!is_known(context, pid)) {
            (void)kill(pid, SIGKILL);
            count++;
        }
    }
    (void)closedir(folder);
    return count;
}
