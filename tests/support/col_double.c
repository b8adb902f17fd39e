/* SPDX-License-Identifier: BSD-3-Clause */
/** Stand-ins for the collector's services: the log and the counters can be looked at. */
#include "col_double.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Plugins with a worker log from two threads. */
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

static void add_line(struct col_instance *instance, enum col_log_level level, const char *format,
                     va_list args) __attribute__((__format__(__printf__, 3, 0)));

static void add_line(struct col_instance *instance, enum col_log_level level, const char *format,
                     va_list args)
{
    static const char *const levels[] = {"ERROR", "WARNING", "INFO", "DEBUG"};
    char line[512];

    (void)vsnprintf(line, sizeof(line), format, args);
    pthread_mutex_lock(&log_lock);
    size_t room = sizeof(instance->log) - instance->log_length;
    int n = snprintf(instance->log + instance->log_length, room, "%s: %s\n", levels[level], line);
    if (n > 0 && (size_t)n < room) {
        instance->log_length += (size_t)n;
    }
    pthread_mutex_unlock(&log_lock);
}

void col_log(const col_instance_t *instance, enum col_log_level level, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_line((struct col_instance *)(uintptr_t)instance, level, format, args);
    va_end(args);
}

void col_log_limited(const col_instance_t *instance, struct col_log_limit *limit,
                     enum col_log_level level, const char *format, ...)
{
    va_list args;

    if (limit->next_ms > col_clock_ms()) {
        limit->suppressed++;
        return;
    }
    limit->next_ms = col_clock_ms() + 60000;
    va_start(args, format);
    add_line((struct col_instance *)(uintptr_t)instance, level, format, args);
    va_end(args);
}

void col_count(col_instance_t *instance, unsigned counter, uint64_t n)
{
    instance->counters[counter] += n;
}

uint64_t col_clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool col_stopping(const col_instance_t *instance)
{
    return instance->stopping;
}

unsigned col_double_logged(const struct col_instance *instance, const char *text)
{
    unsigned count = 0;

    pthread_mutex_lock(&log_lock);
    for (const char *at = instance->log; (at = strstr(at, text)) != NULL; at++) {
        count++;
    }
    pthread_mutex_unlock(&log_lock);
    return count;
}
