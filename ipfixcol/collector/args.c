/* SPDX-License-Identifier: BSD-3-Clause */
/* Command line of the collector. */

#include "args.h"

#include "log.h"
#include "paths.h"
#include "queue.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define MODULE "ipfixcol"
#define DEFAULT_STOP_TIMEOUT_S 20u

enum { OPTION_CHECK = 256, OPTION_HELP_PLUGIN, OPTION_STOP_TIMEOUT };

static void print_usage(void)
{
    (void)printf(
        "Usage: ipfixcol [-c file] [-i file] [-e file] [-d] [-h] [-V] [-s] [-M] [-v level]\n"
        "                [-r size] [-S seconds] [-p pidfile]\n"
        "\n"
        "Collects IPFIX and NetFlow and hands it to storage plugins.\n"
        "\n"
        "  -c file      startup configuration, default %s\n"
        "  -i file      registry of plugins, default %s\n"
        "  -e file      Information Elements, default %s\n"
        "  -d           become a daemon; messages go to syslog\n"
        "  -h, --help   print this and exit\n"
        "  -V, --version  print the version and exit\n"
        "  -s           do not warn about gaps in sequence numbers\n"
        "  -M           one Data Manager for all Observation Domains, whatever the configuration\n"
        "  -v level     0 errors (default), 1 warnings, 2 info, 3 debug; -1 nothing\n"
        "  -r size      messages a queue holds, 1 to 65535, default %u\n"
        "  -S seconds   print statistics so often; 0 = never (default)\n"
        "  -p pidfile   write the process ID to this file\n"
        "  --check              check the configuration and the settings of plugins, and exit\n"
        "  --help-plugin NAME   print the settings of a plugin and exit\n"
        "  --stop-timeout SEC   time for data under way when stopping, default %u\n"
        "\n"
        "Signals: SIGUSR1 and SIGHUP read the configuration again; SIGTERM, SIGINT, SIGQUIT "
        "stop.\n",
        paths_config("startup.xml"), paths_config("internalcfg.xml"),
        paths_config("ipfix-elements.xml"), QUEUE_DEFAULT_SLOTS, DEFAULT_STOP_TIMEOUT_S);
}

static bool parse_integer(const char *option, const char *text, long min, long max, long *value)
{
    char *end;
    errno = 0;
    *value = strtol(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0) {
        log_line(MODULE, COL_LOG_ERROR, "the argument of %s is not an integer: '%s'", option, text);
        return false;
    }
    if (*value < min || *value > max) {
        log_line(MODULE, COL_LOG_ERROR, "the argument of %s is out of range (%ld to %ld): '%s'",
                 option, min, max, text);
        return false;
    }
    return true;
}

static bool parse_u32(const char *option, const char *text, long min, long max, uint32_t *value)
{
    long number;
    if (!parse_integer(option, text, min, max, &number)) {
        return false;
    }
    *value = (uint32_t)number;
    return true;
}

static bool set_number(int option, const char *text, struct args *args)
{
    long level;

    switch (option) {
    case 'v':
        if (!parse_integer("-v", text, INT_MIN, INT_MAX, &level)) {
            return false;
        }
        args->verbosity = (int)level;
        return true;
    case 'r':
        return parse_u32("-r", text, 1, 65535, &args->queue_slots);
    case 'S':
        return parse_u32("-S", text, 0, INT_MAX, &args->statistics_s);
    default:
        return parse_u32("--stop-timeout", text, 1, 86400, &args->stop_timeout_s);
    }
}

static void set_text(int option, const char *text, struct args *args)
{
    switch (option) {
    case 'c':
        args->startup_path = text;
        break;
    case 'i':
        args->internal_path = text;
        break;
    case 'e':
        args->elements_path = text;
        break;
    case 'p':
        args->pid_path = text;
        break;
    default:
        args->help_plugin = text;
        break;
    }
}

static void set_flag(int option, struct args *args)
{
    switch (option) {
    case 'd':
        args->daemon = true;
        break;
    case 's':
        args->ignore_sequence = true;
        break;
    case 'M':
        args->single_manager = true;
        break;
    default:
        args->check = true;
        break;
    }
}

static enum args_result usage_error(void)
{
    print_usage();
    return ARGS_EXIT_ERROR;
}

static enum args_result apply(int option, struct args *args)
{
    switch (option) {
    case 'h':
        print_usage();
        return ARGS_EXIT_OK;
    case 'V':
        (void)printf("ipfixcol %s (SecurityCloud)\nhttps://github.com/CESNET/SecurityCloud\n",
                     IPFIXCOL_VERSION);
        return ARGS_EXIT_OK;
    case 'v':
    case 'r':
    case 'S':
    case OPTION_STOP_TIMEOUT:
        return set_number(option, optarg, args) ? ARGS_RUN : usage_error();
    case 'c':
    case 'i':
    case 'e':
    case 'p':
    case OPTION_HELP_PLUGIN:
        set_text(option, optarg, args);
        return ARGS_RUN;
    case 'd':
    case 's':
    case 'M':
    case OPTION_CHECK:
        set_flag(option, args);
        return ARGS_RUN;
    default:
        return usage_error();
    }
}

enum args_result args_parse(int argc, char **argv, struct args *args)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {"check", no_argument, NULL, OPTION_CHECK},
        {"help-plugin", required_argument, NULL, OPTION_HELP_PLUGIN},
        {"stop-timeout", required_argument, NULL, OPTION_STOP_TIMEOUT},
        {0},
    };
    int option;

    *args = (struct args){
        .startup_path = paths_config("startup.xml"),
        .internal_path = paths_config("internalcfg.xml"),
        .elements_path = paths_config("ipfix-elements.xml"),
        .queue_slots = QUEUE_DEFAULT_SLOTS,
        .stop_timeout_s = DEFAULT_STOP_TIMEOUT_S,
    };
    optind = 0; /* a fresh start also in the middle of a word, see getopt(3) */
    while ((option = getopt_long(argc, argv, "c:i:e:dhVsMv:r:S:p:", options, NULL)) != -1) {
        enum args_result result = apply(option, args);
        if (result != ARGS_RUN) {
            return result;
        }
    }
    if (optind < argc) {
        log_line(MODULE, COL_LOG_ERROR, "unexpected argument '%s'", argv[optind]);
        return usage_error();
    }
    return ARGS_RUN;
}
