/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * A job without MPI: processes are threads of the test, their messages are queues in memory.
 *
 * Stands for fdistdump/transport.c. Every process has its own end of the bus. Who waits longer than
 * some seconds gets a failure, so that a test ends whatever goes wrong.
 */
#ifndef TRANSPORT_DOUBLE_H
#define TRANSPORT_DOUBLE_H

#include "transport.h"

typedef struct bus bus_t;

/** A bus between `count` processes. */
bus_t *bus_create(unsigned count);

/** Frees the bus with its ends and the messages nobody took. */
void bus_destroy(bus_t *bus);

/** The end of a process. */
transport_t *bus_end(bus_t *bus, unsigned rank);

/** From now on sending data lasts until the receiver takes it, as large messages of MPI do. */
void bus_make_synchronous(bus_t *bus);

/** Lets all sends of a process fail after `sends` more of them. */
void bus_break(bus_t *bus, unsigned rank, unsigned sends);

/** Messages of a kind a process has sent, and their octets. */
unsigned bus_sent(bus_t *bus, unsigned rank, int kind, size_t *octets);

#endif
