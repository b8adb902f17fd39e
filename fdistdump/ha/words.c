/* SPDX-License-Identifier: BSD-3-Clause */
/** Lists of texts. */
#include "words.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Takes the text; NULL is memory that ran out. */
static void take(struct words *words, char *text)
{
    if (text == NULL || words->failed) {
        words->failed = true;
        free(text);
        return;
    }
    if (words->count + 1 >= words->capacity) {
        size_t capacity = words->capacity == 0 ? 16 : 2 * words->capacity;
        char **list = realloc(words->list, capacity * sizeof(*list));
        if (list == NULL) {
            words->failed = true;
            free(text);
            return;
        }
        words->list = list;
        words->capacity = capacity;
    }
    words->list[words->count++] = text;
    words->list[words->count] = NULL;
}

void words_add(struct words *words, const char *text)
{
    take(words, strdup(text));
}

void words_format(struct words *words, const char *format, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    take(words, length < 0 ? NULL : text);
}

void words_append(struct words *words, const struct words *more)
{
    for (size_t i = 0; i < more->count; i++) {
        words_add(words, more->list[i]);
    }
    words->failed = words->failed || more->failed;
}

char *words_join(const struct words *words)
{
    size_t size = 1;

    for (size_t i = 0; i < words->count; i++) {
        size += strlen(words->list[i]) + 1;
    }
    char *text = malloc(size), *end = text;
    if (text == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < words->count; i++) {
        if (i > 0) {
            *end++ = ' ';
        }
        size_t length = strlen(words->list[i]);
        memcpy(end, words->list[i], length);
        end += length;
    }
    *end = '\0';
    return text;
}

void words_clear(struct words *words)
{
    for (size_t i = 0; i < words->count; i++) {
        free(words->list[i]);
    }
    free(words->list);
    *words = (struct words){.list = NULL};
}
