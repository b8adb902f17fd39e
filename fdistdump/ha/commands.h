/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Short commands that run side by side, each with a time limit: probes and the tools of Pacemaker.
 *
 * The owner polls; nothing here waits. A command that exceeds its limit is killed with its process
 * group and counts as ended at once.
 */
#ifndef FDISTDUMP_HA_COMMANDS_H
#define FDISTDUMP_HA_COMMANDS_H

#include "report.h"
#include "words.h"

#include <poll.h>
#include <stdint.h>
#include <sys/types.h>

#define COMMANDS_PARALLEL_MAX 64u
#define COMMANDS_POLL_MAX (2u * COMMANDS_PARALLEL_MAX)
#define COMMANDS_OUTPUT_MAX (1u << 20) /* more is cut and an error of the command */

/** What a command wrote. */
struct command_text {
    char *text; /* ended by '\0'; NULL while empty */
    size_t size;
    int fd;
};

enum command_end {
    COMMAND_UNFINISHED,
    COMMAND_ENDED,     /* status tells */
    COMMAND_TIMED_OUT, /* killed */
    COMMAND_FLOODED,   /* killed: wrote more than COMMANDS_OUTPUT_MAX */
    COMMAND_NO_START,  /* start_failure tells */
};

struct command {
    struct words argv;
    unsigned limit_ms;
    enum command_end end;
    int status; /* as waitpid() tells */
    struct command_text out, err;
    struct failure start_failure;

    pid_t pid; /* 0 = not running */
    int64_t deadline_ms;
};

/** Empty is {0}. */
struct commands {
    struct command *list;
    size_t count;
    size_t started, running;
};

/** Adds a command to a list that has not been started. NULL without memory; valid until the next.
 */
struct command *commands_add(struct commands *commands, unsigned limit_ms);

/** Starts commands while there is room, kills those that are late. Call it when something happened.
 */
void commands_step(struct commands *commands, int64_t now_ms);

/** What to poll for, COMMANDS_POLL_MAX at most; returns their count. */
size_t commands_poll(const struct commands *commands, struct pollfd *polled);

/** Reads what commands wrote so far. */
void commands_read(struct commands *commands);

/** Tells that a child ended, should it be one of these. */
void commands_child_ended(struct commands *commands, pid_t pid, int status);

/** Next time limit; INT64_MAX = none. */
int64_t commands_deadline(const struct commands *commands);

/** Whether all have ended. */
bool commands_done(const struct commands *commands);

/**
 * What is wrong with a command that must end with status 0 and say nothing on standard error.
 *
 * @return REPORT_OK; REPORT_INTERNAL, the text names the command, and what it said
 */
int command_judge(const struct command *command, struct failure *failure);

/** Kills what runs, frees everything. */
void commands_clear(struct commands *commands);

#endif
