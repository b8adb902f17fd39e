/* SPDX-License-Identifier: BSD-3-Clause */
/** Where messages go: an IPFIX File (RFC 5655), UDP datagrams or one TCP connection; and how fast.
 */
#ifndef FLOWGEN_OUTPUT_H
#define FLOWGEN_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

enum fg_output_kind { FG_OUTPUT_NONE, FG_OUTPUT_FILE, FG_OUTPUT_UDP, FG_OUTPUT_TCP };

/** Messages, back to back. */
struct fg_chunk {
    uint8_t *octets;
    size_t *ends;    /**< offset behind each message */
    uint32_t *flows; /**< flows in each message */
    uint32_t count;  /**< messages */
};

struct fg_output {
    enum fg_output_kind kind;
    const char *target;     /**< file name or HOST:PORT, for messages to the user */
    int fd;                 /**< -1 while closed */
    uint64_t rate;          /**< flows per second; 0 = as fast as possible */
    uint64_t started_ns;    /**< when the first message was due; 0 = nothing sent yet */
    uint64_t flow_count;    /**< flows sent */
    uint64_t refused_count; /**< times the network said that nobody listens (UDP) */
};

/**
 * Opens a file or a socket.
 *
 * @param output  zeroed by the caller except `rate`
 * @param kind    anything but FG_OUTPUT_NONE
 * @param target  file name, HOST:PORT or [HOST]:PORT; borrowed as long as the output lives
 * @param bind_to local address to send from, or NULL
 * @return 0; -1, reason on standard error
 */
int fg_output_open(struct fg_output *output, enum fg_output_kind kind, const char *target,
                   const char *bind_to);

/** Sends all messages of a chunk at the output's rate. @return 0; -1, reason on standard error */
int fg_output_send(struct fg_output *output, const struct fg_chunk *chunk);

/** Closes, once what is written is accepted. @return 0; -1, reason on standard error */
int fg_output_close(struct fg_output *output);

/** Monotonic clock. */
uint64_t fg_now_ns(void);

#endif
