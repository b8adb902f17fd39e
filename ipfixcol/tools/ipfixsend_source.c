/* SPDX-License-Identifier: BSD-3-Clause */
/** Reads the messages of an IPFIX File through a window that moves, or from memory. */
#include "ipfixsend_source.h"

#include <errno.h>
#include <fcntl.h>
#include <ipfixcol/message.h>
#include <libnf/bytes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** Room of the read buffer; more than a batch and more than the longest message. */
#define BUFFER_SIZE (1024u * 1024)

void complain(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("ipfixsend: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

static bool source_grow(struct source *source)
{
    size_t room = source->room == 0 ? BUFFER_SIZE : 2 * source->room;
    uint8_t *buffer = realloc(source->buffer, room);

    if (buffer == NULL) {
        complain("%s: not enough memory for the whole file", source->path);
        return false;
    }
    source->buffer = buffer;
    source->room = room;
    return true;
}

/** Reads what comes into the rest of the buffer; -1 after an error, which was told. */
static ssize_t source_read(struct source *source)
{
    uint8_t *to = source->buffer + source->tail;
    size_t room = source->room - source->tail;
    ssize_t got;

    do {
        got = source->whole ? read(source->fd, to, room)
                            : pread(source->fd, to, room,
                                    (off_t)(source->offset + source->tail - source->head));
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        complain("%s: %s", source->path, strerror(errno));
        return -1;
    }
    source->tail += (size_t)got;
    return got;
}

static bool source_load(struct source *source)
{
    ssize_t got;

    do {
        if (source->tail == source->room && !source_grow(source)) {
            return false;
        }
        got = source_read(source);
    } while (got > 0);
    return got == 0;
}

/** Moves what is left to the start of the window and fills the rest. */
static bool source_refill(struct source *source)
{
    ssize_t got;

    memmove(source->buffer, source->buffer + source->head, source->tail - source->head);
    source->tail -= source->head;
    source->head = 0;
    do {
        got = source_read(source);
    } while (got > 0 && source->tail < source->room);
    return got >= 0;
}

bool source_open(struct source *source, const char *path, bool whole)
{
    struct stat status;

    *source = (struct source){.path = path, .whole = whole};
    source->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (source->fd < 0 || fstat(source->fd, &status) != 0) {
        complain("%s: %s", path, strerror(errno));
        return false;
    }
    if (S_ISDIR(status.st_mode)) {
        complain("%s: is a directory", path);
        return false;
    }
    source->whole = whole || !S_ISREG(status.st_mode);
    return source_grow(source) && (!source->whole || source_load(source));
}

void source_close(struct source *source)
{
    free(source->buffer);
    if (source->fd >= 0) {
        close(source->fd);
    }
}

void source_rewind(struct source *source)
{
    source->offset = 0;
    source->head = 0;
    if (!source->whole) {
        source->tail = 0;
    }
}

void source_complain(const struct source *source, const char *format, ...)
{
    char text[120];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (!source->quiet) {
        complain("%s: offset %llu: %s", source->path, (unsigned long long)source->offset, text);
    }
}

/** Length of the message at the head when it is complete and sound; tells what is wrong. */
static enum peek source_check(const struct source *source, uint16_t *length)
{
    size_t left = source->tail - source->head;
    struct lnf_reader r = lnf_reader_init(source->buffer + source->head, left);
    uint16_t version = lnf_read_u16_be(&r);

    *length = lnf_read_u16_be(&r);
    lnf_read_skip(&r, IPFIX_MESSAGE_HEADER_LENGTH - 4);
    if (left >= 2 && version != IPFIX_VERSION) {
        source_complain(source, "not an IPFIX Message (version %u)", version);
        return PEEK_BAD;
    }
    if (left >= 4 && *length < IPFIX_MESSAGE_HEADER_LENGTH) {
        source_complain(source, "bad length of an IPFIX Message (%u octets)", *length);
        return PEEK_BAD;
    }
    return r.failed || left < *length ? PEEK_UNREAD : PEEK_MESSAGE;
}

enum peek source_peek(struct source *source, bool refill, uint16_t *length)
{
    enum peek result = source->head == source->tail ? PEEK_UNREAD : source_check(source, length);

    if (result != PEEK_UNREAD || !refill) {
        return result;
    }
    if (!source->whole) {
        if (!source_refill(source)) {
            return PEEK_BAD;
        }
        result = source->head == source->tail ? PEEK_UNREAD : source_check(source, length);
    }
    if (result != PEEK_UNREAD) {
        return result;
    }
    if (source->head == source->tail) {
        return PEEK_END;
    }
    source_complain(source, "the file ends inside a message (%zu octets of it are there)",
                    source->tail - source->head);
    return PEEK_BAD;
}

void source_advance(struct source *source, uint16_t length)
{
    source->head += length;
    source->offset += length;
}

uint32_t source_export_time(const struct source *source)
{
    return be32toh(lnf_load_u32(source->buffer + source->head + 4));
}

bool source_verify(struct source *source)
{
    uint16_t length;
    enum peek result = source_peek(source, true, &length);

    if (result == PEEK_END) {
        complain("%s: the file is empty", source->path);
        return false;
    }
    while (source->whole && result == PEEK_MESSAGE) {
        source_advance(source, length);
        result = source_peek(source, true, &length);
    }
    source_rewind(source);
    return result != PEEK_BAD;
}
