/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Behind every input: its Transport Sessions, each with a decoder, and the accounts of both.
 *
 * Threads: the input's thread, except where a function says otherwise. One lock guards sessions and
 * decoders, because statistics are read by another thread; nobody waits for a queue while holding
 * it.
 */
#ifndef COLLECTOR_INPUT_H
#define COLLECTOR_INPUT_H

#include <ipfixcol/plugin.h>

#include <stdint.h>

struct input;

/** Accounts of a source, an Observation Domain of a session. */
struct input_source {
    uint64_t session_id;
    char session_name[96];
    uint32_t domain_id;
    uint64_t messages;
    uint64_t data_records;
    uint64_t lost_records;
};

/** Accounts of the input as a whole. */
struct input_totals {
    uint64_t sessions;
    uint64_t messages;
    uint64_t octets;
    uint64_t malformed; /* refused as a whole */
    uint64_t damaged;   /* a Set, template or record was wrong, the rest was taken */
    uint64_t lost;      /* before they reached the input */
    uint64_t limited;   /* how often a bound against hostile senders was hit */
};

/** New input of an instance, or NULL without memory or descriptors. */
struct input *input_create(col_instance_t *instance);

/** Frees it; NULL is fine. */
void input_destroy(struct input *input);

/** Makes the descriptor of col_input_stop_fd() readable. Any thread that holds the gate's lock. */
void input_interrupt(struct input *input);

/** The descriptor is not readable any more, until interrupted or for `tick_ms` (0 = no limit). */
void input_rearm(struct input *input, uint32_t tick_ms);

/** Closes what the plugin left open: notices go downstream. */
void input_close_sessions(struct input *input);

/** New templates are read with this dictionary. While the input is held. */
void input_set_dictionary(struct input *input, const ipfix_dictionary_t *dictionary);

/** Accounts of all sources; new array of *count, to be freed. Any thread. NULL when there are none.
 */
struct input_source *input_sources(struct input *input, size_t *count);

/** Any thread. */
struct input_totals input_totals(struct input *input);

#endif
