/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Large pieces of memory straight from the kernel: on huge pages, and given back at once when they
 * are not needed any more, which malloc() does not promise.
 */
#ifndef LNF_PAGES_H
#define LNF_PAGES_H

#include <stddef.h>

#define LNF_HUGE_PAGE ((size_t)2 << 20)

/**
 * Zeroed memory aligned to huge pages.
 *
 * @param size   octets, a multiple of LNF_HUGE_PAGE
 * @param small  of them at the start that stay on small pages, also a multiple
 * @return memory for lnf_pages_destroy(); NULL = there is none
 */
void *lnf_pages_create(size_t size, size_t small);

/** Gives the memory back; NULL is fine. */
void lnf_pages_destroy(void *pages, size_t size);

#endif
