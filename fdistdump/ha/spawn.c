/* SPDX-License-Identifier: BSD-3-Clause */
/** Starts programs; finds and kills what they leave behind. */
#include "spawn.h"

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

/** A process of /proc. */
struct process {
    pid_t pid, parent;
    bool has_memory; /* it does not when it is ending, or a zombie */
};

static FILE *open_file(pid_t pid, const char *name)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, name);
    return fopen(path, "re");
}

/** Fills the rest for a number; false = the process is gone. */
static bool read_process(struct process *process)
{
    char text[512];
    int parent;
    unsigned long memory;

    FILE *file = open_file(process->pid, "stat");
    if (file == NULL) {
        return false;
    }
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    text[length] = '\0';
    /* PID (NAME) STATE PARENT, 18 numbers, size of memory; the name may contain anything. */
    const char *name_end = strrchr(text, ')');
    if (name_end == NULL ||
        sscanf(
            name_end + 1,
            " %*c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu",
            &parent, &memory) != 2) {
        return false;
    }
    process->parent = (pid_t)parent;
    process->has_memory = memory != 0;
    return true;
}

/** Whether a process was started with a variable; no when that cannot be read. */
static bool has_variable(pid_t pid, const char *name, const char *value)
{
    size_t name_length = strlen(name), size = 0;
    char *text = NULL;
    bool found = false;

    FILE *file = open_file(pid, "environ");
    if (file == NULL) {
        return false;
    }
    while (!found && getdelim(&text, &size, '\0', file) > 0) {
        found = strncmp(text, name, name_length) == 0 && text[name_length] == '=' &&
                strcmp(text + name_length + 1, value) == 0;
    }
    free(text);
    (void)fclose(file);
    return found;
}

size_t spawn_kill_orphans(const char *name, const char *value)
{
    DIR *folder = opendir("/proc");
    struct dirent *entry;
    size_t count = 0;

    if (folder == NULL) {
        return 0;
    }
    while ((entry = readdir(folder)) != NULL) {
        struct process process = {.pid = (pid_t)strtol(entry->d_name, NULL, 10)};
        if (process.pid <= 0 || !read_process(&process) || process.parent != getpid()) {
            continue;
        }
        if (!process.has_memory) {
            count++;
        } else if (has_variable(process.pid, name, value)) {
            (void)kill(process.pid, SIGKILL);
            count++;
        }
    }
    (void)closedir(folder);
    return count;
}
