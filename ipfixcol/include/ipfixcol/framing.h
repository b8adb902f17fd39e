/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Cuts a stream of octets into IPFIX Messages: TCP connections and IPFIX Files.
 *
 * Source: RFC 7011 sections 3.1 and 10.4; RFC 5655.
 */
#ifndef IPFIXCOL_FRAMING_H
#define IPFIXCOL_FRAMING_H

#include <ipfixcol/message.h>
#include <libnf/bytes.h>

/**
 * Length of the message at the start of `octets`. Wrong headers are found as early as possible.
 *
 * @param[out] message_length  set only with COL_OK; not more than `length`
 * @return COL_OK; COL_EOF, more octets are needed; COL_ERR_MALFORMED, what is there starts no IPFIX
 *         Message, so the stream is out of step
 */
static inline int ipfix_framing_next(const uint8_t *octets, size_t length, size_t *message_length)
{
    if (length >= 2 && be16toh(lnf_load_u16(octets)) != IPFIX_VERSION) {
        return COL_ERR_MALFORMED;
    }
    if (length < 4) {
        return COL_EOF;
    }
    size_t said = be16toh(lnf_load_u16(octets + 2));
    if (said < IPFIX_MESSAGE_HEADER_LENGTH) {
        return COL_ERR_MALFORMED;
    }
    if (said > length) {
        return COL_EOF;
    }
    *message_length = said;
    return COL_OK;
}

#endif
