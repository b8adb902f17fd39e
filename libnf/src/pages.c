/* SPDX-License-Identifier: BSD-3-Clause */
/** Mappings whose huge pages begin where the small ones end. */
#include "pages.h"

#include <stdint.h>
#include <sys/mman.h>

/** Octets of the whole mapping. */
static size_t whole_size(size_t size, size_t small)
{
    size_t huge = size > small ? size - small : 0;

    return small + (huge + LNF_HUGE_PAGE - 1) / LNF_HUGE_PAGE * LNF_HUGE_PAGE;
}

void *lnf_pages_create(size_t size, size_t small)
{
    size_t whole = whole_size(size, small);
    uint8_t *mapped = mmap(NULL, whole + LNF_HUGE_PAGE, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) {
        return NULL;
    }
    size_t before = (LNF_HUGE_PAGE - ((uintptr_t)mapped + small) % LNF_HUGE_PAGE) % LNF_HUGE_PAGE;
    if (before > 0) {
        (void)munmap(mapped, before);
    }
    (void)munmap(mapped + before + whole, LNF_HUGE_PAGE - before);
    if (whole > small) {
        (void)madvise(mapped + before + small, whole - small, MADV_HUGEPAGE);
    }
    return mapped + before;
}

void lnf_pages_destroy(void *pages, size_t size, size_t small)
{
    if (pages != NULL) {
        (void)munmap(pages, whole_size(size, small));
    }
}
