/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * What lies in the shared memory of a ring.
 *
 * Writers take the lock. Record number n goes to slot n % LNF_RING_SLOTS: the slot's sequence
 * becomes 0, the octets are stored, the sequence becomes n + 1, then `written` does. Readers take
 * no lock: they copy the octets and look whether the sequence is n + 1 before and after. Octets are
 * stored and loaded as atomic words with release and acquire order, so that a reader which has seen
 * anything of a newer record sees another sequence afterwards.
 */
#ifndef LNF_COMPAT_RING_H
#define LNF_COMPAT_RING_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#define LNF_RING_SLOTS 4096u
#define LNF_RING_SLOT_WORDS 254u /* a raw record of every field has room */
#define LNF_RING_MAGIC 0x31676e69726e666cu

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2,
               "atomics must work between processes");

struct lnf_ring_slot {
    _Atomic uint64_t sequence; /* number of the record + 1; 0 = none, or being written */
    _Atomic uint64_t size;     /* octets of the raw record */
    _Atomic uint64_t words[LNF_RING_SLOT_WORDS];
};

struct lnf_ring_shared {
    uint64_t magic;
    uint64_t size;            /* of this struct: rings of other versions are others */
    pthread_mutex_t lock;     /* of writers; robust */
    _Atomic uint64_t written; /* records ever written */
    _Atomic uint32_t wake;    /* changes with every record; readers sleep on it */
    _Atomic uint32_t sleepers;
    struct lnf_ring_slot slots[LNF_RING_SLOTS];
};

#endif
