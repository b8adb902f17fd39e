/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Messages between the processes of a job; the only part that knows MPI.
 *
 * Two channels: on the data channel the master listens to whom it wants, so that a slave whose turn
 * has not come waits; on the control channel everybody is heard at once. A process that was not
 * started by an MPI launcher never touches MPI: it is alone.
 *
 * Threads: the one that called transport_start() only.
 */
#ifndef FDISTDUMP_TRANSPORT_H
#define FDISTDUMP_TRANSPORT_H

#include "report.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRANSPORT_MASTER 0u
/* Whose data transport_poll() takes. */
#define TRANSPORT_ANYBODY UINT32_MAX
#define TRANSPORT_NOBODY (UINT32_MAX - 1)

enum transport_channel { TRANSPORT_CONTROL, TRANSPORT_DATA };

typedef struct transport transport_t;

struct transport_message {
    unsigned source;
    int kind; /* enum message_kind; 0 = no message */
    const uint8_t *octets;
    size_t size;
};

/**
 * Joins the job, if there is one.
 *
 * @return REPORT_OK; REPORT_MPI, the library is unusable; REPORT_MEMORY
 */
int transport_start(transport_t **transport, struct failure *failure);

/**
 * Leaves the job in good order; every process must do it. NULL is fine.
 *
 * @return REPORT_OK; REPORT_MPI, the job must be aborted: others may wait for this process
 */
int transport_finish(transport_t *transport, struct failure *failure);

/** Ends all processes of the job, this one included, with a status. */
_Noreturn void transport_abort(transport_t *transport, int status);

unsigned transport_rank(const transport_t *transport);
unsigned transport_count(const transport_t *transport);

/** Whether a launcher such as mpiexec started the process, be it the only one. */
bool transport_launched(const transport_t *transport);

/** Processes of the job on this host, this one included. */
unsigned transport_neighbours(const transport_t *transport);

/* After the failure of a collective function the job must be aborted: the others may be in it, and
 * wait for ever. */

/**
 * Every process says how it fares; all learn who failed first. Collective.
 *
 * @param[in,out] class  REPORT_OK or what failed here; what failed on the lowest rank that failed
 * @param[out] rank      that rank; meaningless when none failed
 * @return REPORT_OK; REPORT_MPI, nothing was agreed
 */
int transport_agree(transport_t *transport, int *class, unsigned *rank, struct failure *failure);

/**
 * Gives octets of the master to everybody. Collective.
 *
 * @param octets,size  on the master: what to give
 * @param limit        largest size accepted
 * @param[out] copy    what the master gave, the caller's to free; NULL when it was too large
 * @return REPORT_OK; REPORT_MPI; REPORT_MEMORY
 */
int transport_broadcast(transport_t *transport, const uint8_t *octets, size_t size, size_t limit,
                        uint8_t **copy, size_t *copy_size, struct failure *failure);

/** Sends a message; waits until it is under way. */
int transport_send(transport_t *transport, unsigned to, enum transport_channel channel, int kind,
                   const uint8_t *octets, size_t size, struct failure *failure);

/** Deals with a message; another class than REPORT_OK ends what called it. */
typedef int transport_hear_fn(void *context, const struct transport_message *message,
                              struct failure *failure);

/**
 * The same, and hands every message that arrives meanwhile to `hear`, so that processes may send to
 * each other at the same time. The octets are the caller's again when it returns.
 *
 * @return REPORT_OK; REPORT_MPI; what `hear` returned, and then whether the message arrives is open
 */
int transport_send_and_hear(transport_t *transport, unsigned to, enum transport_channel channel,
                            int kind, const uint8_t *octets, size_t size, transport_hear_fn *hear,
                            void *context, struct failure *failure);

/** Octets in messages of this process so far; collective calls do not count. */
uint64_t transport_octets_sent(const transport_t *transport);
uint64_t transport_octets_received(const transport_t *transport);

/**
 * Takes a message if there is one: a control message of anybody, or data of `data_from`.
 *
 * @param[out] message  valid until the next call; kind 0 = there is none
 * @return REPORT_OK; REPORT_MPI, MPI failed or the message is larger than any can be
 */
int transport_poll(transport_t *transport, unsigned data_from, struct transport_message *message,
                   struct failure *failure);

/** The same, waits for one without keeping a processor busy. */
int transport_wait(transport_t *transport, unsigned data_from, struct transport_message *message,
                   struct failure *failure);

#endif
