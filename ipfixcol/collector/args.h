/* SPDX-License-Identifier: BSD-3-Clause */
/** Command line of the collector. */
#ifndef COLLECTOR_ARGS_H
#define COLLECTOR_ARGS_H

#include <stdbool.h>
#include <stdint.h>

struct args {
    const char *startup_path;
    const char *internal_path;
    const char *elements_path;
    const char *pid_path;    /* or NULL */
    const char *help_plugin; /* --help-plugin, or NULL */
    bool daemon;
    bool ignore_sequence;
    bool single_manager;
    bool check;
    int verbosity;
    uint32_t queue_slots;
    uint32_t statistics_s; /* 0 = off */
    uint32_t stop_timeout_s;
};

enum args_result {
    ARGS_RUN,
    ARGS_EXIT_OK,   /* help or version was printed */
    ARGS_EXIT_ERROR /* the reason and the usage were printed */
};

/** Reads the command line; texts go to stdout. Strings point into argv or live for ever. */
enum args_result args_parse(int argc, char **argv, struct args *args);

#endif
