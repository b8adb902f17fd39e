/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Preloaded into a program: the n-th allocation asked for by the program itself or by libnf fails,
 * or it and all that follow.
 *
 * FAIL_ALLOCATION=N   the first one is 1
 * FAIL_FOREVER=1      later ones fail, too
 *
 * Allocations of other libraries, MPI's above all, always succeed: what those do without memory is
 * not ours to test.
 */
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PARTS 16u

/* glibc's own, whatever the names of malloc() are bound to. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

/** Code of the program and of libnf. */
static struct {
    uintptr_t begin, end;
} parts[PARTS];
static unsigned part_count;

static atomic_long allocations;
static long failing; /* 0 = none */
static bool forever;

static int add_object(struct dl_phdr_info *object, size_t size, void *context)
{
    (void)size;
    (void)context;
    if (object->dlpi_name[0] != '\0' && strstr(object->dlpi_name, "/libnf.so") == NULL) {
        return 0;
    }
    for (unsigned i = 0; i < object->dlpi_phnum && part_count < PARTS; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_X) != 0) {
            parts[part_count].begin = object->dlpi_addr + segment->p_vaddr;
            parts[part_count].end = parts[part_count].begin + segment->p_memsz;
            part_count++;
        }
    }
    return 0;
}

__attribute__((constructor)) static void start(void)
{
    const char *text = getenv("FAIL_ALLOCATION");

    if (text != NULL) {
        forever = getenv("FAIL_FOREVER") != NULL;
        (void)dl_iterate_phdr(add_object, NULL);
        failing = atol(text);
    }
}

static bool fails(const void *caller)
{
    uintptr_t at = (uintptr_t)caller;

    for (unsigned i = 0; failing > 0 && i < part_count; i++) {
        if (at >= parts[i].begin && at < parts[i].end) {
            long number = atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed) + 1;
            errno = ENOMEM;
            return forever ? number >= failing : number == failing;
        }
    }
    return false;
}

#define CALLER __builtin_return_address(0)
#define INTERPOSED __attribute__((visibility("default")))

INTERPOSED void *malloc(size_t size)
{
    return fails(CALLER) ? NULL : __libc_malloc(size);
}

INTERPOSED void *calloc(size_t count, size_t size)
{
    return fails(CALLER) ? NULL : __libc_calloc(count, size);
}

INTERPOSED void *realloc(void *memory, size_t size)
{
    return fails(CALLER) ? NULL : __libc_realloc(memory, size);
}

INTERPOSED char *strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = fails(CALLER) ? NULL : __libc_malloc(size);

    return copy == NULL ? NULL : memcpy(copy, text, size);
}

INTERPOSED char *strndup(const char *text, size_t limit)
{
    size_t length = strnlen(text, limit);
    char *copy = fails(CALLER) ? NULL : __libc_malloc(length + 1);

    if (copy != NULL) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}
