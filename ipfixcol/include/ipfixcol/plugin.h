/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * What a plugin is: one const struct with a versioned description and hooks.
 *
 *     COL_EXPORT const struct col_plugin col_plugin = { .abi = COL_PLUGIN_ABI, ... };
 *
 * Threads: every hook of one instance runs in that instance's thread (create in the thread that
 * builds the pipeline, before that one starts; destroy at its end, behind the last message, so an
 * intermediate may still pass messages on and an input close its sessions); instances share
 * nothing. So plugins need no locks and have no mutable globals.
 *
 * Life of an instance: create, then receive or process (and tick) again and again, then destroy.
 * docs/plugin-guide.md explains with an example.
 */
#ifndef IPFIXCOL_PLUGIN_H
#define IPFIXCOL_PLUGIN_H

#include <ipfixcol/common.h>
#include <ipfixcol/log.h>
#include <ipfixcol/message.h>
#include <ipfixcol/option.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>

/** Changes whenever a struct or a hook of these headers changes its meaning. */
#define COL_PLUGIN_ABI 0x53430003u

enum col_kind { COL_INPUT, COL_INTERMEDIATE, COL_STORAGE };

/** How an unknown child element of the settings is taken (older configurations rely on each). */
enum col_unknown { COL_UNKNOWN_WARN, COL_UNKNOWN_FATAL };

struct col_plugin {
    uint32_t abi; /* COL_PLUGIN_ABI */
    enum col_kind kind;
    const char *name;    /* as in internalcfg.xml and startup.xml */
    const char *summary; /* one line */
    const struct col_option *options;
    size_t options_size;
    enum col_unknown unknown_option;
    const char *const *counters; /* names ended by NULL, for col_count(); may be NULL */

    /**
     * Optional: whether the settings can be used, as far as that can be told without opening
     * sockets or writing files; `ipfixcol --check` calls it. `create` calls it first, too, so that
     * each rule is written once.
     *
     * @param instance  only for col_log(): nothing runs
     * @return COL_OK, warnings have been logged; COL_ERR or COL_ERR_NOMEM, the reason was logged
     */
    int (*check)(col_instance_t *instance, const void *options);

    /**
     * Settings into instance state. `options` points to the plugin's options struct and lives as
     * long as the instance. Failure: log why, return COL_ERR.
     */
    int (*create)(col_instance_t *instance, const void *options, void **state);

    /** Frees the state; a storage first writes out what it still holds. NULL is fine. */
    void (*destroy)(void *state);

    /**
     * COL_INPUT: waits until something comes (or the descriptor of col_input_stop_fd() becomes
     * readable), hands it over with col_input_message() and returns. At most about 100 ms of work.
     *
     * @return COL_OK; COL_EOF, nothing will come any more; COL_ERR, this input cannot go on
     */
    int (*receive)(void *state);

    /**
     * COL_INTERMEDIATE, COL_STORAGE: one message, also notices. An intermediate passes messages on
     * with col_pass(). The reference is borrowed. May wait: that pushes back on the senders.
     */
    int (*process)(void *state, struct ipfix_message *message);

    /**
     * Optional: called at least every `tick_ms` also when no message comes, and after a descriptor
     * of poll became ready. For rotation by time, reconnecting, sending what was left.
     */
    int (*tick)(void *state, uint64_t now_ms);
    uint32_t tick_ms; /* 0 = 1000 */

    /**
     * Optional, COL_INTERMEDIATE and COL_STORAGE: descriptors to wait for while no message comes.
     *
     * @param fds,room  array to fill
     * @return how many were filled
     */
    size_t (*poll)(void *state, struct pollfd *fds, size_t room);

    const char *module; /* name in log lines; NULL = name */
};

/* ---- services of the collector --------------------------------------------------------------- */

/** Adds to the instance's counter, an index into the plugin's `counters`. The instance's thread. */
COL_API void col_count(col_instance_t *instance, unsigned counter, uint64_t n);

/** Dictionary of Information Elements; lives as long as the instance. */
COL_API const ipfix_dictionary_t *col_dictionary(const col_instance_t *instance);

/** Milliseconds of a clock that never jumps; for intervals. */
COL_API uint64_t col_clock_ms(void);

/** Replaces `%h` by the host name; other conversions stay. New string, or NULL without memory. */
COL_API char *col_expand_host(const char *text);

/** True once the collector is stopping: waiting loops give up within a second or so. */
COL_API bool col_stopping(const col_instance_t *instance);

/* Inputs. */

/** Readable when the input has to return from receive at once. */
COL_API int col_input_stop_fd(const col_instance_t *instance);

/** Opens a Transport Session; NULL without memory. The input closes it with col_session_close(). */
COL_API const struct ipfix_session *col_session_open(col_instance_t *instance,
                                                     const struct ipfix_session_info *info);

/**
 * Hands over one message of a session as received: IPFIX, or over UDP NetFlow v5 and v9, which are
 * converted. The octets are copied. Waits while the pipeline is full.
 *
 * @return COL_OK; COL_ERR_MALFORMED, the message was counted, logged and dropped: a stream cannot
 * be trusted any more when its framing is wrong; COL_ERR_NOMEM
 */
COL_API int col_input_message(col_instance_t *instance, const struct ipfix_session *session,
                              const uint8_t *octets, size_t length);

/** Ends a session: its sources are closed downstream, its templates freed. */
COL_API void col_session_close(col_instance_t *instance, const struct ipfix_session *session);

/** Datagrams or messages lost before they reached the input, e.g. by the kernel (SO_RXQ_OVFL). */
COL_API void col_input_lost(col_instance_t *instance, uint64_t messages);

/**
 * Octets of a stream or file that are no whole message: wrong framing, or the end comes too early.
 * Counted with the malformed messages. Those given to col_input_message() have been counted there.
 */
COL_API void col_input_malformed(col_instance_t *instance);

/* Intermediates. */

/** Passes a message on to the next stage, which takes its own reference. Waits while it is full. */
COL_API void col_pass(col_instance_t *instance, struct ipfix_message *message);

/* Storages with slow work behind them. */

typedef struct col_worker col_worker_t;

/**
 * Starts a thread that runs jobs in the order they were given, e.g. compressing and writing blocks.
 * `queue_size` jobs may wait; then col_worker_submit() waits, too.
 */
COL_API col_worker_t *col_worker_create(col_instance_t *instance, const char *name,
                                        unsigned queue_size);

/** Gives a job; `run` gets `job` in the worker's thread. The job is the worker's from now on. */
COL_API void col_worker_submit(col_worker_t *worker, void (*run)(void *job), void *job);

/** Waits until every job is done and ends the thread; NULL is fine. */
COL_API void col_worker_destroy(col_worker_t *worker);

#endif
