/* SPDX-License-Identifier: BSD-3-Clause */
/* Stands in for the collector in tests of input plugins. */
#include "fake_host.h"

#include <libnf/bytes.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "decoder.h"

struct fake_host fake_host = {.stop_fd = -1};

void fake_host_reset(void)
{
    if (fake_host.stop_fd >= 0) {
        close(fake_host.stop_fd);
    }
    memset(&fake_host, 0, sizeof(fake_host));
    fake_host.stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    fake_host.now_ms = 1000;
}

uint16_t fake_host_free_port(int type)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, type, 0);
    if (bind(fd, (struct sockaddr *)&address, length) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) != 0) {
        abort();
    }
    close(fd);
    return ntohs(address.sin_port);
}

COL_PRINTF(2, 0)
static void keep_line(enum col_log_level level, const char *format, va_list arguments)
{
    fake_host.logs[level]++;
    vsnprintf(fake_host.last_log, sizeof(fake_host.last_log), format, arguments);
}

void col_log(const col_instance_t *instance, enum col_log_level level, const char *format, ...)
{
    va_list arguments;
    (void)instance;
    va_start(arguments, format);
    keep_line(level, format, arguments);
    va_end(arguments);
}

void col_log_limited(const col_instance_t *instance, struct col_log_limit *limit,
                     enum col_log_level level, const char *format, ...)
{
    va_list arguments;
    (void)instance;
    (void)limit;
    va_start(arguments, format);
    keep_line(level, format, arguments);
    va_end(arguments);
}

void col_count(col_instance_t *instance, unsigned counter, uint64_t n)
{
    (void)instance;
    fake_host.counters[counter] += n;
}

uint64_t col_clock_ms(void)
{
    return fake_host.now_ms;
}

int col_input_stop_fd(const col_instance_t *instance)
{
    (void)instance;
    return fake_host.stop_fd;
}

const struct ipfix_session *col_session_open(col_instance_t *instance,
                                             const struct ipfix_session_info *info)
{
    (void)instance;
    fake_host.opened++;
    fake_host.last_info = *info;
    return ipfix_session_create(info);
}

void col_session_close(col_instance_t *instance, const struct ipfix_session *session)
{
    (void)instance;
    if (session != NULL) {
        fake_host.closed++;
        ipfix_session_unref(session);
    }
}

int col_input_message(col_instance_t *instance, const struct ipfix_session *session,
                      const uint8_t *octets, size_t length)
{
    (void)instance;
    fake_host.messages++;
    fake_host.octets += length;
    fake_host.last_session = session->id;
    if (length >= 4) {
        fake_host.last_word = be32toh(lnf_load_u32(octets + length - 4));
    }
    return COL_OK;
}

void col_input_lost(col_instance_t *instance, uint64_t messages)
{
    (void)instance;
    fake_host.lost += messages;
}

void col_input_malformed(col_instance_t *instance)
{
    (void)instance;
    fake_host.malformed++;
}
