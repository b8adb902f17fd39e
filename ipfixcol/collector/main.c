/* SPDX-License-Identifier: BSD-3-Clause */
/* The collector: arguments, signals, start, stop. */

#include "args.h"
#include "config.h"
#include "daemon.h"
#include "log.h"
#include "paths.h"
#include "plugin_loader.h"
#include "service.h"
#include "stats.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define MODULE "ipfixcol"
/* The cluster's agent sends SIGTERM three times, 3 seconds apart. */
#define TERM_GRACE_MS 10000u

struct run {
    struct args args;
    struct daemon daemon;
    struct service service;
    stats_t *stats;
    int signal_fd;
    bool stopping;
    uint64_t stop_ms;     /* when stopping began */
    uint64_t deadline_ms; /* when it has to be over */
};

/* ---- signals --------------------------------------------------------------------------------- */

static sigset_t handled_signals(void)
{
    static const int numbers[] = {SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGHUP};
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        sigaddset(&set, numbers[i]);
    }
    return set;
}

/* Blocked in all threads, read by the main thread only. */
static bool open_signals(struct run *run)
{
    sigset_t set = handled_signals();

    (void)signal(SIGPIPE, SIG_IGN);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    run->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (run->signal_fd < 0) {
        log_line(MODULE, COL_LOG_ERROR, "signalfd: %s", strerror(errno));
    }
    return run->signal_fd >= 0;
}

/* A reload that waits for queues gives way to a stop. */
static bool stop_is_pending(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1 ||
            sigismember(&pending, SIGQUIT) == 1);
}

static void begin_stop(struct run *run, unsigned number)
{
    log_common("Signal detected (%u); exiting as soon as possible...", number);
    daemon_notify_stopping();
    run->stopping = true;
    run->stop_ms = col_clock_ms();
    run->deadline_ms = run->stop_ms + run->args.stop_timeout_s * 1000u;
    service_stop(&run->service);
}

static void repeat_stop(const struct run *run, unsigned number)
{
    if (number == SIGTERM && col_clock_ms() - run->stop_ms < TERM_GRACE_MS) {
        log_common("Another termination signal detected (%u); data are still being written...",
                   number);
        return;
    }
    log_common("Another termination signal detected (%u); quiting without cleanup...", number);
    _exit(EXIT_FAILURE);
}

static void reload(struct run *run)
{
    daemon_notify_reloading();
    service_reload(&run->service, stop_is_pending);
    daemon_notify_running();
}

static void handle_signals(struct run *run)
{
    struct signalfd_siginfo info;

    while (read(run->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        bool is_reload = info.ssi_signo == SIGUSR1 || info.ssi_signo == SIGHUP;
        if (is_reload && !run->stopping) {
            reload(run);
        } else if (!is_reload && !run->stopping) {
            begin_stop(run, info.ssi_signo);
        } else if (!is_reload) {
            repeat_stop(run, info.ssi_signo);
        }
    }
}

/* ---- running --------------------------------------------------------------------------------- */

static int time_left_ms(const struct run *run)
{
    uint64_t now_ms = col_clock_ms();
    if (!run->stopping) {
        return -1;
    }
    return now_ms < run->deadline_ms ? (int)(run->deadline_ms - now_ms) : 0;
}

static void run_until_end(struct run *run)
{
    struct pollfd fds[2] = {{.fd = run->signal_fd, .events = POLLIN},
                            {.fd = run->service.context.wake_fd, .events = POLLIN}};

    while (!service_finished(&run->service) && time_left_ms(run) != 0) {
        (void)poll(fds, 2, time_left_ms(run));
        uint64_t ignored;
        ssize_t n = read(run->service.context.wake_fd, &ignored, sizeof(ignored));
        (void)n;
        handle_signals(run);
    }
}

/* Ends what was started, also after a start that failed half way. */
static bool end_service(struct run *run)
{
    uint64_t now_ms = col_clock_ms();
    /* A thread that has told its end needs a moment to be gone. */
    uint64_t deadline_ms = (run->deadline_ms > now_ms ? run->deadline_ms : now_ms) + 1000;
    bool clean = false;

    stats_stop(run->stats);
    if (!service_end(&run->service, deadline_ms, &clean)) {
        log_line(MODULE, COL_LOG_ERROR, "not everything ended in time; exiting all the same");
        daemon_end(&run->daemon);
        _exit(EXIT_FAILURE);
    }
    return clean;
}

static bool start(struct run *run)
{
    if (!open_signals(run) || !service_start(&run->service, &run->args)) {
        return false;
    }
    if (run->args.statistics_s > 0) {
        run->stats = stats_start(&run->service, run->args.statistics_s);
        if (run->stats == NULL) {
            return false;
        }
    }
    if (run->args.pid_path != NULL) {
        daemon_write_pid(&run->daemon, run->args.pid_path);
    }
    daemon_ready(&run->daemon);
    return true;
}

static int run_collector(struct run *run)
{
    if (run->args.daemon && !daemon_fork(&run->daemon)) {
        return EXIT_FAILURE;
    }
    bool started = start(run);
    if (started) {
        run_until_end(run);
    } else {
        service_stop(&run->service);
        run->deadline_ms = col_clock_ms() + run->args.stop_timeout_s * 1000u;
    }
    bool clean = end_service(run);
    daemon_end(&run->daemon);
    return started && clean ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- the rest -------------------------------------------------------------------------------- */

static bool print_plugin(const struct config_plugin *entry)
{
    struct config_error err;
    const struct col_plugin *plugin = plugin_load(entry->file, entry->kind, &err);

    if (plugin == NULL) {
        log_line(MODULE, COL_LOG_ERROR, "%s", err.text);
        return false;
    }
    (void)printf("%s (%s plugin): %s\n\n", entry->name, plugin_kind_name(plugin->kind),
                 plugin->summary != NULL ? plugin->summary : "");
    if (plugin->options == NULL || plugin->options[0].name == NULL) {
        (void)printf("It has no settings.\n");
    } else {
        option_print(plugin->options, stdout);
    }
    return true;
}

static int help_plugin(const struct args *args)
{
    struct config_error err;
    bool found = false, good = true;

    struct config *registry = config_load_registry(args->internal_path, &err);
    if (registry == NULL) {
        log_line(MODULE, COL_LOG_ERROR, "%s", err.text);
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < registry->plugin_count; i++) {
        if (strcmp(registry->plugins[i].name, args->help_plugin) == 0) {
            found = true;
            good = print_plugin(&registry->plugins[i]) && good;
        }
    }
    if (!found) {
        log_line(MODULE, COL_LOG_ERROR, "%s has no plugin '%s'", args->internal_path,
                 args->help_plugin);
    }
    config_destroy(registry);
    return found && good ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    static struct run run;

    daemon_occupy_streams();
    paths_init(NULL);
    enum args_result result = args_parse(argc, argv, &run.args);
    if (result != ARGS_RUN) {
        return result == ARGS_EXIT_OK ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    log_set_verbosity(run.args.verbosity);
    int status;
    if (run.args.help_plugin != NULL) {
        status = help_plugin(&run.args);
    } else if (run.args.check) {
        status = service_check(&run.args) ? EXIT_SUCCESS : EXIT_FAILURE;
    } else {
        status = run_collector(&run);
    }
    config_cleanup();
    return status;
}
