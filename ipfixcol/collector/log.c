/* SPDX-License-Identifier: BSD-3-Clause */
/* Log lines: one write() per line on stdout, the same text to syslog in a daemon. */

#include "log.h"

#include "instance.h"

#include <ipfixcol/plugin.h>

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define LOG_LINE_SIZE 2048
#define LOG_LIMIT_INTERVAL_MS 60000u

/* Relaxed order suffices for all three: a line more or less around a change harms nobody. */
static atomic_int log_verbosity;
static atomic_bool log_to_syslog;
static atomic_bool log_to_stdout = true;

static const struct {
    const char *text;
    int priority;
} log_levels[] = {
    [COL_LOG_ERROR] = {"ERROR", LOG_ERR},
    [COL_LOG_WARNING] = {"WARNING", LOG_WARNING},
    [COL_LOG_INFO] = {"INFO", LOG_INFO},
    [COL_LOG_DEBUG] = {"DEBUG", LOG_DEBUG},
};

void log_set_verbosity(int verbosity)
{
    atomic_store_explicit(&log_verbosity, verbosity, memory_order_relaxed);
}

bool log_enabled(enum col_log_level level)
{
    return (int)level <= atomic_load_explicit(&log_verbosity, memory_order_relaxed);
}

void log_open_syslog(void)
{
    openlog("ipfixcol", LOG_PID, LOG_DAEMON);
    atomic_store_explicit(&log_to_syslog, true, memory_order_relaxed);
}

void log_use_stdout(bool use)
{
    atomic_store_explicit(&log_to_stdout, use, memory_order_relaxed);
}

/* Text from outside must not forge lines or steer terminals. */
static void log_clean(char *text)
{
    for (unsigned char *at = (unsigned char *)text; *at != '\0'; at++) {
        if ((*at < 0x20 && *at != '\t' && *at != '\n') || *at == 0x7f) {
            *at = '?';
        }
    }
}

static void log_write_all(const char *text, size_t length)
{
    while (length > 0) {
        ssize_t n = write(STDOUT_FILENO, text, length);
        if (n < 0 && errno == EAGAIN) {
            struct pollfd writable = {.fd = STDOUT_FILENO, .events = POLLOUT};
            if (poll(&writable, 1, 100) > 0) {
                continue;
            }
            return; /* a reader that does not read must not stop the collector */
        }
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return;
        }
        text += n;
        length -= (size_t)n;
    }
}

/* `line` has room for a newline behind its `length` characters. */
static void log_emit(char *line, size_t length, int priority)
{
    log_clean(line);
    if (atomic_load_explicit(&log_to_syslog, memory_order_relaxed)) {
        syslog(priority, "%s", line);
    }
    if (atomic_load_explicit(&log_to_stdout, memory_order_relaxed)) {
        line[length] = '\n';
        log_write_all(line, length + 1);
    }
}

static size_t log_clamp(int length, size_t room)
{
    return length < 0 ? 0 : (size_t)length < room ? (size_t)length : room - 1;
}

void log_vline(const char *module, enum col_log_level level, const char *format, va_list args)
{
    char line[LOG_LINE_SIZE + 2];

    if (!log_enabled(level)) {
        return;
    }
    int prefix = snprintf(line, LOG_LINE_SIZE, "%s: %s: ", log_levels[level].text, module);
    size_t used = log_clamp(prefix, LOG_LINE_SIZE);
    int text = vsnprintf(line + used, LOG_LINE_SIZE - used, format, args);
    used += log_clamp(text, LOG_LINE_SIZE - used);
    while (used > 0 && line[used - 1] == '\n') {
        line[--used] = '\0';
    }
    for (size_t i = 0; i < used; i++) {
        if (line[i] == '\n') {
            line[i] = ' ';
        }
    }
    log_emit(line, used, log_levels[level].priority);
}

void log_line(const char *module, enum col_log_level level, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_vline(module, level, format, args);
    va_end(args);
}

void log_common(const char *format, ...)
{
    char line[LOG_LINE_SIZE + 2];
    va_list args;

    va_start(args, format);
    int length = vsnprintf(line, LOG_LINE_SIZE, format, args);
    va_end(args);
    log_emit(line, log_clamp(length, LOG_LINE_SIZE), LOG_INFO);
}

static void log_block_to_syslog(const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        syslog(LOG_INFO, "%.*s", (int)length, text);
        text += length + (text[length] == '\n' ? 1 : 0);
    }
}

void log_block(const char *text)
{
    if (atomic_load_explicit(&log_to_syslog, memory_order_relaxed)) {
        log_block_to_syslog(text);
    }
    if (atomic_load_explicit(&log_to_stdout, memory_order_relaxed)) {
        log_write_all(text, strlen(text));
    }
}

bool log_burst_pass(struct log_burst *limit, uint32_t burst, uint64_t now_ms, uint64_t *suppressed)
{
    *suppressed = 0;
    if (limit->window_ms == 0 || now_ms - limit->window_ms >= LOG_LIMIT_INTERVAL_MS) {
        limit->window_ms = now_ms > 0 ? now_ms : 1;
        limit->passed = 0;
    }
    if (limit->passed >= burst) {
        limit->suppressed++;
        return false;
    }
    limit->passed++;
    *suppressed = limit->suppressed;
    limit->suppressed = 0;
    return true;
}

void col_log(const col_instance_t *instance, enum col_log_level level, const char *format, ...)
{
    if (!log_enabled(level)) {
        return;
    }
    va_list args;
    va_start(args, format);
    log_vline(instance_module(instance), level, format, args);
    va_end(args);
}

void col_log_limited(const col_instance_t *instance, struct col_log_limit *limit,
                     enum col_log_level level, const char *format, ...)
{
    char text[LOG_LINE_SIZE];
    va_list args;

    if (!log_enabled(level)) {
        return;
    }
    uint64_t now_ms = col_clock_ms();
    if (now_ms < limit->next_ms) {
        limit->suppressed++;
        return;
    }
    limit->next_ms = now_ms + LOG_LIMIT_INTERVAL_MS;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (limit->suppressed > 0) {
        log_line(instance_module(instance), level, "%s (%llu more lines like this were held back)",
                 text, (unsigned long long)limit->suppressed);
        limit->suppressed = 0;
    } else {
        log_line(instance_module(instance), level, "%s", text);
    }
}
