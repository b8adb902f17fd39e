/* SPDX-License-Identifier: BSD-3-Clause */
/** Rings of libnf.h: raw records in POSIX shared memory, one lock for writers, none for readers. */
#include "compat_ring.h"

#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <libnf.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FLAGS_ALL (LNF_RING_FORCE_INIT | LNF_RING_FORCE_RELEASE | LNF_RING_NO_BLOCK)
#define JOIN_TRIES 2000
#define JOIN_PAUSE_NS 1000000L
/* A writer may die between a record and waking readers up; then they look for themselves. */
#define SLEEP_NS 100000000L

struct lnf_ring {
    char *name;
    int flags;
    int fd; /* shared lock of flock(): the kernel counts users, also those that die */
    struct lnf_ring_shared *shared;
    uint64_t position; /* number of the record read next */
    uint64_t total, lost, stuck;
};

static int fail(const char *name, const char *what)
{
    char text[LNF_MAX_STRING];

    (void)snprintf(text, sizeof(text), "ring %s: %s", name, what);
    lnf_error_remember(text);
    return LNF_ERR_OTHER_MSG;
}

static void pause_ns(long ns)
{
    const struct timespec time = {.tv_nsec = ns};

    (void)nanosleep(&time, NULL);
}

/* ---- joining --------------------------------------------------------------------------------- */

/** Whether the object still has a name: nobody will join one without. */
static bool has_name(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && status.st_nlink > 0;
}

static bool has_size(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && status.st_size == (off_t)sizeof(struct lnf_ring_shared);
}

static struct lnf_ring_shared *map(int fd)
{
    void *mapped =
        mmap(NULL, sizeof(struct lnf_ring_shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    return mapped == MAP_FAILED ? NULL : mapped;
}

static int init_lock(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attributes;

    int status = pthread_mutexattr_init(&attributes);
    if (status != 0) {
        return status;
    }
    (void)pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    (void)pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    status = pthread_mutex_init(lock, &attributes);
    (void)pthread_mutexattr_destroy(&attributes);
    return status;
}

/** Whether an object nobody uses may become a new ring: it is empty, or was a ring whose users
 * died, perhaps before it was finished. Anything else belongs to another program. */
static bool may_start(int fd)
{
    struct stat status;
    uint64_t magic = 0;

    if (fstat(fd, &status) != 0 || status.st_size == 0) {
        return true;
    }
    return has_size(fd) && pread(fd, &magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
           (magic == 0 || magic == LNF_RING_MAGIC);
}

/** Makes a new ring of an object nobody else uses. */
static int start(lnf_ring_t *ring)
{
    if (!may_start(ring->fd)) {
        return fail(ring->name, "the shared memory is no ring of this version");
    }
    /* All of it now, so that a full file system is an error here and no signal later. */
    int status = ftruncate(ring->fd, 0) != 0
                     ? errno
                     : posix_fallocate(ring->fd, 0, (off_t)sizeof(struct lnf_ring_shared));
    if (status != 0) {
        return fail(ring->name, strerror(status));
    }
    ring->shared = map(ring->fd);
    if (ring->shared == NULL) {
        return fail(ring->name, strerror(errno));
    }
    status = init_lock(&ring->shared->lock);
    if (status != 0) {
        return fail(ring->name, strerror(status));
    }
    ring->shared->size = sizeof(struct lnf_ring_shared);
    ring->shared->magic = LNF_RING_MAGIC;
    return LNF_OK;
}

/** Uses a ring that others use, too. */
static int join(lnf_ring_t *ring)
{
    if (!has_size(ring->fd)) {
        return fail(ring->name, "the shared memory is no ring of this version");
    }
    ring->shared = map(ring->fd);
    if (ring->shared == NULL) {
        return fail(ring->name, strerror(errno));
    }
    if (ring->shared->magic != LNF_RING_MAGIC ||
        ring->shared->size != sizeof(struct lnf_ring_shared)) {
        return fail(ring->name, "the shared memory is no ring of this version");
    }
    return LNF_OK;
}

/**
 * One try to start or join: LNF_EOF when somebody is just starting or leaving the ring, try again.
 * Who holds the lock alone may change the ring's existence; users share it.
 */
static int try_open(lnf_ring_t *ring)
{
    ring->fd = shm_open(ring->name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (ring->fd < 0) {
        return fail(ring->name, strerror(errno));
    }
    if (flock(ring->fd, LOCK_EX | LOCK_NB) == 0) {
        if (!has_name(ring->fd)) {
            return LNF_EOF;
        }
        int status = start(ring);
        return status == LNF_OK && flock(ring->fd, LOCK_SH | LOCK_NB) != 0 ? LNF_EOF : status;
    }
    if (flock(ring->fd, LOCK_SH | LOCK_NB) != 0 || !has_name(ring->fd)) {
        return LNF_EOF;
    }
    return join(ring);
}

static void close_object(lnf_ring_t *ring)
{
    if (ring->shared != NULL) {
        (void)munmap(ring->shared, sizeof(*ring->shared));
        ring->shared = NULL;
    }
    if (ring->fd >= 0) {
        (void)close(ring->fd);
        ring->fd = -1;
    }
}

static int open_object(lnf_ring_t *ring)
{
    int status = LNF_EOF;

    for (int i = 0; i < JOIN_TRIES && status == LNF_EOF; i++) {
        if (i > 0) {
            pause_ns(JOIN_PAUSE_NS);
        }
        status = try_open(ring);
        if (status != LNF_OK) {
            close_object(ring);
        }
    }
    return status == LNF_EOF ? fail(ring->name, "somebody else holds it and does not let go")
                             : status;
}

int lnf_ring_init(lnf_ring_t **ring, char *name, int flags)
{
    int status = LNF_ERR_NOMEM;

    if (name == NULL || (flags & ~FLAGS_ALL) != 0) {
        lnf_error_remember("a ring needs a name and known flags");
        return LNF_ERR_OTHER;
    }
    lnf_ring_t *r = calloc(1, sizeof(*r));
    if (r == NULL) {
        goto fail;
    }
    r->fd = -1;
    r->flags = flags;
    r->name = strdup(name);
    if (r->name == NULL) {
        goto fail;
    }
    if ((flags & LNF_RING_FORCE_INIT) != 0) {
        (void)shm_unlink(r->name);
    }
    status = open_object(r);
    if (status != LNF_OK) {
        goto fail;
    }
    r->position = atomic_load(&r->shared->written);
    *ring = r;
    return LNF_OK;

fail:
    if (status == LNF_ERR_NOMEM) {
        lnf_error_remember("no memory");
    }
    if (r != NULL) {
        close_object(r);
        free(r->name);
        free(r);
    }
    return status;
}

/* ---- leaving --------------------------------------------------------------------------------- */

/** Takes the name away, unless it is another ring's by now. */
static void unlink_own(const lnf_ring_t *ring)
{
    struct stat own, named;
    int fd = shm_open(ring->name, O_RDONLY | O_CLOEXEC, 0);

    if (fd < 0) {
        return;
    }
    if (fstat(ring->fd, &own) == 0 && fstat(fd, &named) == 0 && own.st_ino == named.st_ino &&
        own.st_dev == named.st_dev) {
        (void)shm_unlink(ring->name);
    }
    (void)close(fd);
}

void lnf_ring_free(lnf_ring_t *ring)
{
    if (ring == NULL) {
        return;
    }
    if ((ring->flags & LNF_RING_FORCE_RELEASE) != 0 || flock(ring->fd, LOCK_EX | LOCK_NB) == 0) {
        unlink_own(ring);
    }
    close_object(ring);
    free(ring->name);
    free(ring);
}

/* ---- sleeping -------------------------------------------------------------------------------- */

/** Sleeps until the word is another one, at most for a while. */
static void sleep_on(_Atomic uint32_t *word, uint32_t value)
{
    const struct timespec time = {.tv_nsec = SLEEP_NS};

    (void)syscall(SYS_futex, word, FUTEX_WAIT, value, &time, NULL, 0);
}

static void wake_sleepers(struct lnf_ring_shared *shared)
{
    (void)atomic_fetch_add(&shared->wake, 1);
    if (atomic_load(&shared->sleepers) > 0) {
        (void)syscall(SYS_futex, &shared->wake, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    }
}

/** Waits until there may be a record to read. */
static void wait_for_record(const lnf_ring_t *ring)
{
    struct lnf_ring_shared *shared = ring->shared;
    uint32_t wake = atomic_load(&shared->wake);

    (void)atomic_fetch_add(&shared->sleepers, 1);
    if (atomic_load(&shared->written) == ring->position) {
        sleep_on(&shared->wake, wake);
    }
    (void)atomic_fetch_sub(&shared->sleepers, 1);
}

/* ---- writing --------------------------------------------------------------------------------- */

/** Takes the writers' lock, from a dead process as well. */
static int lock_writers(lnf_ring_t *ring)
{
    int status = pthread_mutex_lock(&ring->shared->lock);

    if (status == EOWNERDEAD) {
        /* Its record was not published: it is written over. */
        ring->stuck++;
        status = pthread_mutex_consistent(&ring->shared->lock);
    }
    if (status != 0) {
        (void)fail(ring->name, strerror(status));
        return LNF_ERR_OTHER;
    }
    return LNF_OK;
}

static void store_slot(struct lnf_ring_slot *slot, uint64_t number, const uint64_t *words,
                       size_t size)
{
    atomic_store_explicit(&slot->sequence, 0, memory_order_relaxed);
    atomic_store_explicit(&slot->size, size, memory_order_release);
    for (size_t i = 0; i < (size + 7) / 8; i++) {
        atomic_store_explicit(&slot->words[i], words[i], memory_order_release);
    }
    atomic_store_explicit(&slot->sequence, number + 1, memory_order_release);
}

int lnf_ring_write(lnf_ring_t *ring, lnf_rec_t *record)
{
    uint64_t words[LNF_RING_SLOT_WORDS] = {0};
    struct lnf_ring_shared *shared = ring->shared;
    size_t size = 0;

    int status = lnf_rec_get_raw(record, LNF_REC_RAW_TLV, (char *)words, sizeof(words), &size);
    if (status == LNF_OK) {
        status = lock_writers(ring);
    }
    if (status != LNF_OK) {
        return status;
    }
    uint64_t number = atomic_load_explicit(&shared->written, memory_order_relaxed);
    store_slot(&shared->slots[number % LNF_RING_SLOTS], number, words, size);
    atomic_store(&shared->written, number + 1);
    (void)pthread_mutex_unlock(&shared->lock);
    wake_sleepers(shared);
    ring->total++;
    return LNF_OK;
}

/* ---- reading --------------------------------------------------------------------------------- */

/** Copies a record out of its slot: its octets, or 0 when it is not there or not whole. */
static size_t load_slot(const struct lnf_ring_slot *slot, uint64_t number, uint64_t *words)
{
    if (atomic_load_explicit(&slot->sequence, memory_order_acquire) != number + 1) {
        return 0;
    }
    uint64_t size = atomic_load_explicit(&slot->size, memory_order_acquire);
    if (size > LNF_RING_SLOT_WORDS * 8) {
        return 0;
    }
    for (size_t i = 0; i < (size + 7) / 8; i++) {
        words[i] = atomic_load_explicit(&slot->words[i], memory_order_acquire);
    }
    return atomic_load_explicit(&slot->sequence, memory_order_relaxed) == number + 1 ? size : 0;
}

/** Whether there are records to read; skips those that are gone. */
static bool has_record(lnf_ring_t *ring)
{
    uint64_t written = atomic_load_explicit(&ring->shared->written, memory_order_acquire);

    if (written < ring->position) { /* nobody of us counts backwards: go on from there */
        ring->position = written;
    }
    if (written - ring->position > LNF_RING_SLOTS) {
        ring->lost += written - LNF_RING_SLOTS - ring->position;
        ring->position = written - LNF_RING_SLOTS;
    }
    return ring->position != written;
}

/** Reads the record at the position and moves on; LNF_EOF when it is lost. */
static int read_record(lnf_ring_t *ring, lnf_rec_t *record)
{
    uint64_t words[LNF_RING_SLOT_WORDS];
    uint64_t number = ring->position;

    size_t size = load_slot(&ring->shared->slots[number % LNF_RING_SLOTS], number, words);
    int status = size == 0 ? LNF_ERR_OTHER_MSG : lnf_rec_set_raw(record, (char *)words, size);
    if (status == LNF_ERR_NOMEM) {
        return status;
    }
    ring->position++;
    if (status != LNF_OK) {
        ring->lost++;
        return LNF_EOF;
    }
    ring->total++;
    return LNF_OK;
}

int lnf_ring_read(lnf_ring_t *ring, lnf_rec_t *record)
{
    int status = LNF_EOF;

    while (status == LNF_EOF) {
        if (has_record(ring)) {
            status = read_record(ring, record);
        } else if ((ring->flags & LNF_RING_NO_BLOCK) != 0) {
            return LNF_EOF;
        } else {
            wait_for_record(ring);
        }
    }
    return status;
}

int lnf_ring_info(lnf_ring_t *ring, int info, void *data, size_t size)
{
    uint64_t value;

    switch (info) {
    case LNF_RING_TOTAL:
        value = ring->total;
        break;
    case LNF_RING_LOST:
        value = ring->lost;
        break;
    case LNF_RING_STUCK:
        value = ring->stuck;
        break;
    default:
        lnf_error_remember("unknown info of a ring");
        return LNF_ERR_OTHER;
    }
    if (data == NULL || size < sizeof(value)) {
        return LNF_ERR_NOMEM;
    }
    memcpy(data, &value, sizeof(value));
    return LNF_OK;
}
