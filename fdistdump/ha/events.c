/* SPDX-License-Identifier: BSD-3-Clause */
/** Waiting for everything at once. */
#include "events.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/** Whether whoever started this program wants a signal to do nothing, as nohup SIGHUP. */
static bool is_ignored(int number)
{
    struct sigaction action;

    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

int events_open(struct events *events, struct failure *failure)
{
    sigset_t set;

    *events = (struct events){.signal_fd = -1, .input_fd = -1};
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGCHLD);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    if (!is_ignored(SIGHUP)) { /* a blocked signal would come in spite of that */
        (void)sigaddset(&set, SIGHUP);
    }
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of write() */
    (void)signal(SIGCHLD, SIG_DFL); /* ignored, children would vanish without status */
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (sigprocmask(SIG_BLOCK, &set, &events->mask) == 0) {
        events->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    }
    if (events->signal_fd == -1) {
        return failure_set(failure, REPORT_INTERNAL, "cannot wait for signals: %s",
                           strerror(errno));
    }
    return REPORT_OK;
}

void events_close(struct events *events)
{
    if (events->signal_fd != -1) {
        (void)close(events->signal_fd);
        events->signal_fd = -1;
        (void)sigprocmask(SIG_SETMASK, &events->mask, NULL);
    }
}

int64_t events_now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void take_signals(struct events *events)
{
    struct signalfd_siginfo info;

    while (read(events->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo != SIGCHLD) {
            events->signal = (int)info.ssi_signo;
            events->signals++;
        }
    }
}

static void reap_children(struct events *events, struct commands *commands)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == events->job.pid) {
            events->job = (struct events_job){.ended = true, .status = status};
        } else if (commands != NULL) {
            commands_child_ended(commands, pid, status);
        }
    }
}

/** Milliseconds poll() may wait; a little late rather than early and again. */
static int poll_timeout(int64_t deadline_ms)
{
    int64_t left_ms = deadline_ms == INT64_MAX ? -1 : deadline_ms - events_now_ms();

    if (deadline_ms == INT64_MAX) {
        return -1;
    }
    return left_ms < 0 ? 0 : left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

int events_wait(struct events *events, struct commands *commands, int64_t deadline_ms,
                struct failure *failure)
{
    struct pollfd polled[COMMANDS_POLL_MAX + 2] = {
        {.fd = events->signal_fd, .events = POLLIN},
        {.fd = events->input_fd, .events = POLLIN},
    };
    size_t count = 2;

    if (commands != NULL) {
        commands_step(commands, events_now_ms());
        if (commands_done(commands)) {
            return REPORT_OK;
        }
        count += commands_poll(commands, polled + 2);
        int64_t limit_ms = commands_deadline(commands);
        deadline_ms = limit_ms < deadline_ms ? limit_ms : deadline_ms;
    }
    if (poll(polled, (nfds_t)count, poll_timeout(deadline_ms)) == -1 && errno != EINTR) {
        return failure_set(failure, REPORT_INTERNAL, "poll: %s", strerror(errno));
    }
    take_signals(events);
    if (commands != NULL) {
        commands_read(commands);
    }
    reap_children(events, commands);
    if (commands != NULL) {
        commands_step(commands, events_now_ms());
    }
    return REPORT_OK;
}

int events_run(struct events *events, struct commands *commands, struct failure *failure)
{
    unsigned signals = events->signals;

    commands_step(commands, events_now_ms());
    while (!commands_done(commands)) {
        int class = events_wait(events, commands, INT64_MAX, failure);
        if (class != REPORT_OK) {
            return class;
        }
        if (events->signals != signals) {
            return failure_set(failure, REPORT_INTERNAL, "ended by signal %d", events->signal);
        }
    }
    return REPORT_OK;
}
