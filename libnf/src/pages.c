/* SPDX-License-Identifier: BSD-3-Clause */
/** Mappings aligned to huge pages. */
#include "pages.h"

#include <stdint.h>
#include <sys/mman.h>

void *lnf_pages_create(size_t size, size_t small)
{
    uint8_t *mapped = mmap(NULL, size + LNF_HUGE_PAGE, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) {
        return NULL;
    }
    size_t before = (LNF_HUGE_PAGE - (uintptr_t)mapped % LNF_HUGE_PAGE) % LNF_HUGE_PAGE;
    if (before > 0) {
        (void)munmap(mapped, before);
    }
    (void)munmap(mapped + before + size, LNF_HUGE_PAGE - before);
    if (size > small) {
        (void)madvise(mapped + before + small, size - small, MADV_HUGEPAGE);
    }
    return mapped + before;
}

void lnf_pages_destroy(void *pages, size_t size)
{
    if (pages != NULL) {
        (void)munmap(pages, size);
    }
}
