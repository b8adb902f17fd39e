/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * JA3: a fingerprint of TLS clients, the MD5 of numbers in the ClientHello they begin with. MD5
 * comes from libmd; built without it only whether there is such a ClientHello can be told.
 */
#ifndef LNF_FILTER_JA3_H
#define LNF_FILTER_JA3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LNF_JA3_SIZE 16u
#define LNF_JA3_TEXT_MAX 4096u /* longer than of any client; a ClientHello with more has no JA3 */

/**
 * The text whose MD5 is the JA3 of the ClientHello at the start of a payload: version, ciphers,
 * extensions, groups and point formats in decimal, `771,4865-4866,0-10-11,29-23,0`; values of
 * GREASE (RFC 8701) left out.
 *
 * @return its length, or 0: no ClientHello, or not all of it
 */
size_t lnf_ja3_text(const uint8_t *payload, size_t size, char text[LNF_JA3_TEXT_MAX]);

/** Whether MD5 can be computed. */
bool lnf_ja3_is_available(void);

/** JA3 of a payload; false when it has none. */
bool lnf_ja3_compute(const uint8_t *payload, size_t size, uint8_t ja3[LNF_JA3_SIZE]);

#endif
