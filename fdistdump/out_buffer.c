/* SPDX-License-Identifier: BSD-3-Clause */
/** Characters collected before write(). */
#include "out_buffer.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void fail(struct out_buffer *buffer, int error)
{
    buffer->status = error == EPIPE ? OUTPUT_CLOSED : OUTPUT_FAILED;
    buffer->error = error;
}

/** Waits for room. Whoever shares the descriptor may have made its writes non-blocking. */
static void wait_for_room(const struct out_buffer *buffer)
{
    struct pollfd fd = {.fd = buffer->fd, .events = POLLOUT};

    (void)poll(&fd, 1, -1);
}

enum output_status out_buffer_flush(struct out_buffer *buffer)
{
    size_t done = 0;

    if (buffer->used > 0 && buffer->status == OUTPUT_OPEN && buffer->before_write != NULL) {
        buffer->before_write(buffer->context);
    }
    while (done < buffer->used && buffer->status == OUTPUT_OPEN) {
        ssize_t written = write(buffer->fd, buffer->text + done, buffer->used - done);
        if (written > 0) {
            done += (size_t)written;
        } else if (written < 0 && errno == EAGAIN) {
            wait_for_room(buffer);
        } else if (written < 0 && errno != EINTR) {
            fail(buffer, errno);
        }
    }
    buffer->used = 0;
    return buffer->status;
}

char *out_buffer_reserve(struct out_buffer *buffer, size_t size)
{
    if (OUT_BUFFER_SIZE - buffer->used < size) {
        (void)out_buffer_flush(buffer);
    }
    return buffer->text + buffer->used;
}

void out_buffer_put(struct out_buffer *buffer, const char *text, size_t length)
{
    memcpy(out_buffer_reserve(buffer, length), text, length);
    buffer->used += length;
}

void out_buffer_put_text(struct out_buffer *buffer, const char *text)
{
    out_buffer_put(buffer, text, strlen(text));
}

void out_buffer_put_blanks(struct out_buffer *buffer, size_t count)
{
    memset(out_buffer_reserve(buffer, count), ' ', count);
    buffer->used += count;
}

void out_buffer_put_format(struct out_buffer *buffer, const char *format, ...)
{
    char text[OUT_BUFFER_FORMAT_MAX];
    va_list args;

    va_start(args, format);
    int length = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (length > 0) {
        out_buffer_put(buffer, text,
                       (size_t)length < sizeof(text) ? (size_t)length : sizeof(text) - 1);
    }
}
