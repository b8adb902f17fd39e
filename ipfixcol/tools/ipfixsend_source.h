/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * The IPFIX File that ipfixsend replays: messages back to back (RFC 5655).
 *
 *     source_open(&source, path, false) && source_verify(&source)
 *     while (source_peek(&source, true, &length) == PEEK_MESSAGE) {
 *         ... source.buffer + source.head, `length` octets ...
 *         source_advance(&source, length);
 *     }
 */
#ifndef IPFIXSEND_SOURCE_H
#define IPFIXSEND_SOURCE_H

#include <ipfixcol/common.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A reader of the file. In memory (`whole`) its buffer is the file, else a window that moves. */
struct source {
    const char *path;
    int fd;
    bool whole;
    bool quiet; /* what is wrong is told by another reader of the file */
    uint8_t *buffer;
    size_t room, head, tail;
    uint64_t offset; /* of `head` in the file */
};

/** What stands at the head of a source. */
enum peek {
    PEEK_MESSAGE,
    PEEK_END,
    PEEK_BAD,   /* told */
    PEEK_UNREAD /* more of the file has to be read first */
};

/** Opens the file. What cannot be read twice (a pipe) is kept in memory. False: the reason was
 * told. */
bool source_open(struct source *source, const char *path, bool whole);

/** Frees the buffer and closes the file; fine for one that is not open (fd -1). */
void source_close(struct source *source);

/** Refuses an empty file, and a damaged one as far as it is in memory. False: the reason was told.
 */
bool source_verify(struct source *source);

/** Back to the first message. */
void source_rewind(struct source *source);

/**
 * Looks at the next message. With `refill` the window may move: pointers into it are stale then;
 * without, a message that is not read completely is PEEK_UNREAD.
 */
enum peek source_peek(struct source *source, bool refill, uint16_t *length);

/** Goes behind the message at the head. */
void source_advance(struct source *source, uint16_t length);

/** Export Time of the message at the head. */
uint32_t source_export_time(const struct source *source);

/** Tells what is wrong at the head of the source, unless it is quiet. */
void source_complain(const struct source *source, const char *format, ...) COL_PRINTF(2, 3);

/** A line on stderr with the program's name. */
void complain(const char *format, ...) COL_PRINTF(1, 2);

#endif
