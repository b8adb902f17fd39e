/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Text on its way to a descriptor, written in large pieces.
 *
 * A write that fails is remembered, and everything after it is dropped.
 */
#ifndef FDISTDUMP_OUT_BUFFER_H
#define FDISTDUMP_OUT_BUFFER_H

#include <libnf/common.h>
#include <stddef.h>

#define OUT_BUFFER_SIZE (256u * 1024u)
#define OUT_BUFFER_FORMAT_MAX 1024u

enum output_status {
    OUTPUT_OPEN,
    OUTPUT_CLOSED, /* the reader went away */
    OUTPUT_FAILED,
};

/** Starts with a descriptor and zeros. */
struct out_buffer {
    int fd;
    enum output_status status;
    int error;                           /* errno value of the write that failed */
    void (*before_write)(void *context); /* called before every write(); NULL = nothing to do */
    void *context;
    size_t used;
    char text[OUT_BUFFER_SIZE];
};

/** Writes what is there. */
enum output_status out_buffer_flush(struct out_buffer *buffer);

/** Room for `size` characters, at most OUT_BUFFER_SIZE; add what was filled in to `used`. */
char *out_buffer_reserve(struct out_buffer *buffer, size_t size);

/** Adds characters, at most OUT_BUFFER_SIZE. */
void out_buffer_put(struct out_buffer *buffer, const char *text, size_t length);

/** Adds a terminated text. */
void out_buffer_put_text(struct out_buffer *buffer, const char *text);

/** Adds blanks. */
void out_buffer_put_blanks(struct out_buffer *buffer, size_t count);

/** Adds a formatted text, cut to OUT_BUFFER_FORMAT_MAX characters. */
void out_buffer_put_format(struct out_buffer *buffer, const char *format, ...) LNF_PRINTF(2, 3);

#endif
