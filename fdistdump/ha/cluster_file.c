/* SPDX-License-Identifier: BSD-3-Clause */
/** Reader of cluster files. */
#include "cluster_file.h"
#include "decimal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TIMEOUT_DEFAULT_MS 5000u
#define TIMEOUT_LOW_MS 100u
#define TIMEOUT_HIGH_MS 600000u

/* A connection of its own: a shared one may be dead without anybody knowing, and would stay. */
static const char *const default_probe[] = {"ssh",
                                            "-o",
                                            "BatchMode=yes",
                                            "-o",
                                            "ConnectTimeout=3",
                                            "-o",
                                            "ControlMaster=no",
                                            "-o",
                                            "ControlPath=none",
                                            CLUSTER_FILE_HOST,
                                            "true",
                                            NULL};

/** The file being read. */
struct reader {
    const char *name;
    unsigned line;
    struct words words; /* of the line */
    struct cluster *cluster;
    struct cluster_probe *probe;
    bool has_timeout;
    struct failure *failure;
};

/** Fails at the line being read; the arguments are what stands there and what should. */
static int fail_at(struct reader *reader, const char *found, const char *expected)
{
    return failure_set(reader->failure, REPORT_ARGUMENTS, "%.256s:%u: `%.128s'; expected %s",
                       reader->name, reader->line, found, expected);
}

/* ---- keywords ------------------------------------------------------------------------------- */

static int read_path(struct reader *reader, char **path)
{
    const struct words *words = &reader->words;

    if (words->count != 2 || words->list[1][0] != '/') {
        return fail_at(reader, words->list[words->count > 2 ? 2 : words->count - 1],
                       "one absolute path; put quotes around one with blanks");
    }
    if (*path != NULL) {
        return fail_at(reader, words->list[0], "this keyword once only");
    }
    *path = strdup(words->list[1]);
    return *path == NULL ? failure_no_memory(reader->failure) : REPORT_OK;
}

static int read_original(struct reader *reader)
{
    return read_path(reader, &reader->cluster->original);
}

static int read_mirror(struct reader *reader)
{
    return read_path(reader, &reader->cluster->mirror);
}

static int read_probe(struct reader *reader)
{
    struct words *command = &reader->probe->command;

    if (reader->words.count < 2) {
        return fail_at(reader, reader->words.list[0], "a command, such as: ssh %h true");
    }
    if (command->count > 0) {
        return fail_at(reader, reader->words.list[0], "this keyword once only");
    }
    for (size_t i = 1; i < reader->words.count; i++) {
        words_add(command, reader->words.list[i]);
    }
    return REPORT_OK;
}

static int read_timeout(struct reader *reader)
{
    const struct words *words = &reader->words;
    int64_t timeout_ms;

    if (words->count != 2 || !decimal_ms(words->list[1], &timeout_ms) ||
        timeout_ms < TIMEOUT_LOW_MS || timeout_ms > TIMEOUT_HIGH_MS) {
        return fail_at(reader, words->list[words->count - 1], "seconds, 0.1 to 600");
    }
    if (reader->has_timeout) {
        return fail_at(reader, words->list[0], "this keyword once only");
    }
    reader->has_timeout = true;
    reader->probe->timeout_ms = (unsigned)timeout_ms;
    return REPORT_OK;
}

/** One `name=value` of a node. */
static int read_property(struct reader *reader, const char *word, struct cluster_node *node)
{
    if (strncmp(word, "id=", 3) == 0) {
        return node->id == 0 && cluster_read_id(word + 3, &node->id)
                   ? REPORT_OK
                   : fail_at(reader, word, "id=NUMBER once, 1 to 4294967295");
    }
    if (strncmp(word, "role=", 5) == 0) {
        return node->role == CLUSTER_NO_ROLE && cluster_read_role(word + 5, &node->role)
                   ? REPORT_OK
                   : fail_at(reader, word, "role=proxy or role=subcollector once");
    }
    if (strncmp(word, "successor=", 10) == 0) {
        return node->successor_id == 0 && cluster_read_id(word + 10, &node->successor_id)
                   ? REPORT_OK
                   : fail_at(reader, word, "successor=NUMBER once, the id of a subcollector");
    }
    return fail_at(reader, word, "id=, role= or successor=");
}

static int read_node(struct reader *reader)
{
    struct cluster_node node = {.line = reader->line};
    struct failure reason;

    if (reader->words.count < 2) {
        return fail_at(reader, reader->words.list[0], "the name of a host after it");
    }
    node.name = reader->words.list[1];
    for (size_t i = 2; i < reader->words.count; i++) {
        int class = read_property(reader, reader->words.list[i], &node);
        if (class != REPORT_OK) {
            return class;
        }
    }
    if (node.id == 0 || node.role == CLUSTER_NO_ROLE) {
        return fail_at(reader, node.name, "id=NUMBER and role=proxy or role=subcollector after it");
    }
    int class = cluster_add(reader->cluster, &node, &reason);
    if (class == REPORT_ARGUMENTS) {
        return failure_set(reader->failure, REPORT_ARGUMENTS, "%.256s:%u: %.512s", reader->name,
                           reader->line, reason.text);
    }
    return class == REPORT_OK ? class : failure_no_memory(reader->failure);
}

static const struct {
    const char *name;
    int (*read)(struct reader *reader);
} keywords[] = {
    {"original-path", read_original}, {"mirror-path", read_mirror}, {"probe", read_probe},
    {"probe-timeout", read_timeout},  {"node", read_node},
};

static int read_line(struct reader *reader)
{
    if (reader->words.failed) {
        return failure_no_memory(reader->failure);
    }
    if (reader->words.count == 0) {
        return REPORT_OK;
    }
    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
        if (strcmp(reader->words.list[0], keywords[i].name) == 0) {
            return keywords[i].read(reader);
        }
    }
    return fail_at(reader, reader->words.list[0],
                   "original-path, mirror-path, probe, probe-timeout or node");
}

/* ---- words ---------------------------------------------------------------------------------- */

/** Cuts a line into words. */
static int split_line(struct reader *reader, const char *line, size_t length)
{
    static const char blanks[] = " \t\r";
    size_t i = 0;

    for (;;) {
        while (i < length && memchr(blanks, line[i], sizeof(blanks) - 1) != NULL) {
            i++;
        }
        if (i == length || line[i] == '#') {
            return REPORT_OK;
        }
        size_t start = i;
        if (line[i] == '"') {
            const char *end = memchr(line + i + 1, '"', length - i - 1);
            if (end == NULL) {
                return fail_at(reader, "\"", "a second quotation mark on the line");
            }
            start = i + 1;
            i = (size_t)(end - line);
        } else {
            while (i < length && memchr(blanks, line[i], sizeof(blanks) - 1) == NULL) {
                i++;
            }
        }
        words_format(&reader->words, "%.*s", (int)(i - start), line + start);
        i += i < length && line[i] == '"';
    }
}

static int read_lines(struct reader *reader, const char *text, size_t size)
{
    int class = REPORT_OK;

    for (size_t start = 0; class == REPORT_OK && start < size;) {
        const char *end = memchr(text + start, '\n', size - start);
        size_t length = end == NULL ? size - start : (size_t)(end - (text + start));
        reader->line++;
        if (memchr(text + start, '\0', length) != NULL) {
            return fail_at(reader, "\\0", "text");
        }
        words_clear(&reader->words);
        class = split_line(reader, text + start, length);
        if (class == REPORT_OK) {
            class = read_line(reader);
        }
        start += length + 1;
    }
    return class;
}

/* ---- file ----------------------------------------------------------------------------------- */

int cluster_file_parse(const char *text, size_t size, const char *name, struct cluster *cluster,
                       struct cluster_probe *probe, struct failure *failure)
{
    struct reader reader = {.name = name, .cluster = cluster, .probe = probe, .failure = failure};

    *cluster = (struct cluster){.source = strdup(name)};
    *probe = (struct cluster_probe){.timeout_ms = TIMEOUT_DEFAULT_MS};
    int class =
        cluster->source == NULL ? failure_no_memory(failure) : read_lines(&reader, text, size);
    words_clear(&reader.words);
    if (class != REPORT_OK) {
        return class;
    }
    if (probe->command.count == 0) {
        for (size_t i = 0; default_probe[i] != NULL; i++) {
            words_add(&probe->command, default_probe[i]);
        }
    }
    if (probe->command.failed) {
        return failure_no_memory(failure);
    }
    return cluster_check(cluster, failure);
}

/** Reads a whole file; NULL with errno. */
static char *read_file(const char *path, size_t *size)
{
    char *text = malloc(CLUSTER_FILE_SIZE_MAX + 1);
    /* A FIFO nobody writes to must not hang the program. */
    int fd = text == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t length = -1;
    struct stat status;

    *size = 0;
    if (fd == -1 || fstat(fd, &status) != 0) {
        goto fail;
    }
    if (!S_ISREG(status.st_mode)) {
        errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
        goto fail;
    }
    do {
        length = read(fd, text + *size, CLUSTER_FILE_SIZE_MAX + 1 - *size);
        *size += length > 0 ? (size_t)length : 0;
    } while (length > 0);
    if (length == 0 && *size > CLUSTER_FILE_SIZE_MAX) {
        errno = EFBIG;
        length = -1;
    }
    if (length < 0) {
        goto fail;
    }
    (void)close(fd);
    return text;

fail:;
    int reason = errno;
    free(text);
    if (fd != -1) {
        (void)close(fd);
    }
    errno = reason;
    return NULL;
}

int cluster_file_read(const char *path, struct cluster *cluster, struct cluster_probe *probe,
                      struct failure *failure)
{
    size_t size;
    char *text = read_file(path, &size);

    if (text == NULL) {
        *cluster = (struct cluster){.count = 0};
        *probe = (struct cluster_probe){.timeout_ms = 0};
        return failure_set(failure, REPORT_PATH, "cannot read the cluster file %.512s: %s", path,
                           strerror(errno));
    }
    int class = cluster_file_parse(text, size, path, cluster, probe, failure);
    free(text);
    return class;
}
