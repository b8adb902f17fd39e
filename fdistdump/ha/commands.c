/* SPDX-License-Identifier: BSD-3-Clause */
/** Short commands side by side. */
#include "commands.h"
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct command *commands_add(struct commands *commands, unsigned limit_ms)
{
    struct command *list = realloc(commands->list, (commands->count + 1) * sizeof(*list));

    if (list == NULL) {
        return NULL;
    }
    commands->list = list;
    list[commands->count] =
        (struct command){.limit_ms = limit_ms, .out = {.fd = -1}, .err = {.fd = -1}};
    return &list[commands->count++];
}

/* ---- output --------------------------------------------------------------------------------- */

static void close_fd(int *fd)
{
    if (*fd != -1) {
        (void)close(*fd);
        *fd = -1;
    }
}

/** Reads what is there; false = too much, or no memory for it. */
static bool read_output(struct command_text *output)
{
    char buffer[4096];

    while (output->fd != -1) {
        ssize_t length = read(output->fd, buffer, sizeof(buffer));
        if (length == -1 && errno == EINTR) {
            continue;
        }
        if (length == -1 && errno == EAGAIN) {
            return true;
        }
        if (length <= 0) {
            close_fd(&output->fd);
            return true;
        }
        size_t size = output->size + (size_t)length;
        char *text = size > COMMANDS_OUTPUT_MAX ? NULL : realloc(output->text, size + 1);
        if (text == NULL) {
            return false;
        }
        memcpy(text + output->size, buffer, (size_t)length);
        text[size] = '\0';
        output->text = text;
        output->size = size;
    }
    return true;
}

/* ---- start and end -------------------------------------------------------------------------- */

static void finish(struct commands *commands, struct command *command, enum command_end end)
{
    command->end = end;
    command->pid = 0;
    close_fd(&command->out.fd);
    close_fd(&command->err.fd);
    commands->running--;
}

/** A child that is killed needs no answer: events_wait() reaps it when it is gone. */
static void end_by_force(struct commands *commands, struct command *command, enum command_end end)
{
    (void)kill(-command->pid, SIGKILL);
    (void)kill(command->pid, SIGKILL); /* should its group not be made yet */
    finish(commands, command, end);
}

static int make_pipe(int *read_fd, int *write_fd, struct failure *failure)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0) {
        return failure_set(failure, REPORT_INTERNAL, "cannot make a pipe: %s", strerror(errno));
    }
    *read_fd = ends[0];
    *write_fd = ends[1];
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    return REPORT_OK;
}

static void start(struct commands *commands, struct command *command, int64_t now_ms)
{
    int out = -1, err = -1;

    commands->running++;
    command->deadline_ms = now_ms + command->limit_ms;
    int class = command->argv.failed ? failure_no_memory(&command->start_failure)
                                     : make_pipe(&command->out.fd, &out, &command->start_failure);
    if (class == REPORT_OK) {
        class = make_pipe(&command->err.fd, &err, &command->start_failure);
    }
    if (class == REPORT_OK) {
        class =
            spawn(command->argv.list, out, err, SIGKILL, &command->pid, &command->start_failure);
    }
    close_fd(&out);
    close_fd(&err);
    if (class != REPORT_OK) {
        finish(commands, command, COMMAND_NO_START);
    }
}

void commands_step(struct commands *commands, int64_t now_ms)
{
    for (size_t i = 0; i < commands->started; i++) {
        if (commands->list[i].pid != 0 && now_ms >= commands->list[i].deadline_ms) {
            end_by_force(commands, &commands->list[i], COMMAND_TIMED_OUT);
        }
    }
    while (commands->started < commands->count && commands->running < COMMANDS_PARALLEL_MAX) {
        start(commands, &commands->list[commands->started++], now_ms);
    }
}

size_t commands_poll(const struct commands *commands, struct pollfd *polled)
{
    size_t count = 0;

    for (size_t i = 0; i < commands->started; i++) {
        const struct command *command = &commands->list[i];
        if (command->out.fd != -1) {
            polled[count++] = (struct pollfd){.fd = command->out.fd, .events = POLLIN};
        }
        if (command->err.fd != -1) {
            polled[count++] = (struct pollfd){.fd = command->err.fd, .events = POLLIN};
        }
    }
    return count;
}

void commands_read(struct commands *commands)
{
    for (size_t i = 0; i < commands->started; i++) {
        struct command *command = &commands->list[i];
        if (command->pid != 0 && (!read_output(&command->out) || !read_output(&command->err))) {
            end_by_force(commands, command, COMMAND_FLOODED);
        }
    }
}

void commands_child_ended(struct commands *commands, pid_t pid, int status)
{
    for (size_t i = 0; i < commands->started; i++) {
        struct command *command = &commands->list[i];
        if (command->pid != pid) {
            continue;
        }
        /* What it wrote is in the pipes. Others may hold their ends open, as persistent connections
         * of ssh do, so nobody waits for the end of the file. */
        bool complete = read_output(&command->out) && read_output(&command->err);
        command->status = status;
        finish(commands, command, complete ? COMMAND_ENDED : COMMAND_FLOODED);
        return;
    }
}

int64_t commands_deadline(const struct commands *commands)
{
    int64_t deadline_ms = INT64_MAX;

    for (size_t i = 0; i < commands->started; i++) {
        if (commands->list[i].pid != 0 && commands->list[i].deadline_ms < deadline_ms) {
            deadline_ms = commands->list[i].deadline_ms;
        }
    }
    return deadline_ms;
}

bool commands_done(const struct commands *commands)
{
    return commands->started == commands->count && commands->running == 0;
}

/* ---- judgement ------------------------------------------------------------------------------ */

int command_judge(const struct command *command, struct failure *failure)
{
    const char *said = command->err.text == NULL ? "" : command->err.text;
    char *name = words_join(&command->argv);
    int class = REPORT_OK;

    if (name == NULL) {
        return failure_no_memory(failure);
    }
    switch (command->end) {
    case COMMAND_NO_START:
        *failure = command->start_failure;
        class = (int)failure->class;
        break;
    case COMMAND_TIMED_OUT:
        class = failure_set(failure, REPORT_INTERNAL, "`%.256s' did not end within %u ms", name,
                            command->limit_ms);
        break;
    case COMMAND_ENDED:
        if (!WIFEXITED(command->status) || WEXITSTATUS(command->status) != 0) {
            class = failure_set(failure, REPORT_INTERNAL, "`%.256s' failed with %s %d%s%.*s", name,
                                WIFSIGNALED(command->status) ? "signal" : "status",
                                WIFSIGNALED(command->status) ? WTERMSIG(command->status)
                                                             : WEXITSTATUS(command->status),
                                said[0] == '\0' ? "" : ": ", (int)strcspn(said, "\n"), said);
        } else if (said[0] != '\0') {
            class = failure_set(failure, REPORT_INTERNAL, "`%.256s' complains: %.*s", name,
                                (int)strcspn(said, "\n"), said);
        }
        break;
    default:
        class = failure_set(failure, REPORT_INTERNAL, "`%.256s' writes more than %u octets", name,
                            COMMANDS_OUTPUT_MAX);
        break;
    }
    free(name);
    return class;
}

void commands_clear(struct commands *commands)
{
    for (size_t i = 0; i < commands->count; i++) {
        struct command *command = &commands->list[i];
        if (command->pid != 0) {
            end_by_force(commands, command, COMMAND_TIMED_OUT);
        }
        words_clear(&command->argv);
        free(command->out.text);
        free(command->err.text);
    }
    free(commands->list);
    *commands = (struct commands){.list = NULL};
}
