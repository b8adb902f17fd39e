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
 * Zeroed memory: first `small` octets on small pages, a multiple of their size, so that what needs
 * little touches little; then whole huge pages.
 *
 * @return at least `size` octets, for lnf_pages_destroy() with the same sizes; NULL = there is none
 */
void *lnf_pages_create(size_t size, size_t small);

/** Gives the memory back; NULL is fine. */
void lnf_pages_destroy(void *pages, size_t size, size_t small);

#endif
