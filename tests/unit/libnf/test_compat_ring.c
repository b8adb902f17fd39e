/* SPDX-License-Identifier: BSD-3-Clause */
/** Rings of libnf.h between processes: order, losses, dead users, damaged shared memory. */
#include "compat_ring.h"

#include <check.h>
#include <fcntl.h>
#include <libnf.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static char name[64];
static lnf_rec_t *rec;

static void setup(void)
{
    static unsigned count;

    (void)snprintf(name, sizeof(name), "/libnf-test-%d-%u", (int)getpid(), count++);
    ck_assert_int_eq(lnf_rec_init(&rec), LNF_OK);
}

static void teardown(void)
{
    lnf_rec_free(rec);
    (void)shm_unlink(name);
}

static lnf_ring_t *open_ring(int flags)
{
    lnf_ring_t *ring = NULL;
    char text[LNF_MAX_STRING] = "";

    int status = lnf_ring_init(&ring, name, flags);
    lnf_error(text, sizeof(text));
    ck_assert_msg(status == LNF_OK, "%s", text);
    return ring;
}

static bool exists(void)
{
    int fd = shm_open(name, O_RDONLY, 0);

    if (fd >= 0) {
        (void)close(fd);
    }
    return fd >= 0;
}

static int write_number(lnf_ring_t *ring, uint64_t number)
{
    uint16_t port = (uint16_t)number;

    lnf_rec_clear(rec);
    (void)lnf_rec_fset(rec, LNF_FLD_DOCTETS, &number);
    (void)lnf_rec_fset(rec, LNF_FLD_SRCPORT, &port);
    return lnf_ring_write(ring, rec);
}

/* Number of the next record; the others of its fields must fit. */
static uint64_t read_number(lnf_ring_t *ring)
{
    uint64_t number = 0;
    uint16_t port = 0;

    ck_assert_int_eq(lnf_ring_read(ring, rec), LNF_OK);
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_DOCTETS, &number), LNF_OK);
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_SRCPORT, &port), LNF_OK);
    ck_assert_uint_eq(port, (uint16_t)number);
    return number;
}

static uint64_t info(lnf_ring_t *ring, int what)
{
    uint64_t value = UINT64_MAX;

    ck_assert_int_eq(lnf_ring_info(ring, what, &value, sizeof(value)), LNF_OK);
    return value;
}

/* ---- one process ----------------------------------------------------------------------------- */

START_TEST(test_there_and_back)
{
    lnf_ring_t *writer = open_ring(0), *reader = open_ring(LNF_RING_NO_BLOCK);

    ck_assert_int_eq(lnf_ring_read(reader, rec), LNF_EOF);
    for (uint64_t i = 1; i <= 10000; i++) {
        ck_assert_int_eq(write_number(writer, i), LNF_OK);
        if (i % 1000 == 0) {
            for (uint64_t k = i - 999; k <= i; k++) {
                ck_assert_uint_eq(read_number(reader), k);
            }
            ck_assert_int_eq(lnf_ring_read(reader, rec), LNF_EOF);
        }
    }
    ck_assert_uint_eq(info(writer, LNF_RING_TOTAL), 10000);
    ck_assert_uint_eq(info(reader, LNF_RING_TOTAL), 10000);
    ck_assert_uint_eq(info(reader, LNF_RING_LOST), 0);
    ck_assert_uint_eq(info(reader, LNF_RING_STUCK), 0);
    lnf_ring_free(writer);
    lnf_ring_free(reader);
}
END_TEST

/* Readers see what is written after they joined, each all of it. */
START_TEST(test_two_readers)
{
    lnf_ring_t *writer = open_ring(0), *early = open_ring(LNF_RING_NO_BLOCK);

    ck_assert_int_eq(write_number(writer, 1), LNF_OK);
    lnf_ring_t *late = open_ring(LNF_RING_NO_BLOCK);
    ck_assert_int_eq(write_number(writer, 2), LNF_OK);
    ck_assert_uint_eq(read_number(late), 2);
    ck_assert_int_eq(lnf_ring_read(late, rec), LNF_EOF);
    ck_assert_uint_eq(read_number(early), 1);
    ck_assert_uint_eq(read_number(early), 2);
    ck_assert_int_eq(lnf_ring_read(early, rec), LNF_EOF);
    lnf_ring_free(writer);
    lnf_ring_free(early);
    lnf_ring_free(late);
}
END_TEST

START_TEST(test_lost)
{
    lnf_ring_t *writer = open_ring(0), *reader = open_ring(LNF_RING_NO_BLOCK);

    for (uint64_t i = 0; i < LNF_RING_SLOTS + 100; i++) {
        ck_assert_int_eq(write_number(writer, i), LNF_OK);
    }
    for (uint64_t i = 100; i < LNF_RING_SLOTS + 100; i++) {
        ck_assert_uint_eq(read_number(reader), i);
    }
    ck_assert_int_eq(lnf_ring_read(reader, rec), LNF_EOF);
    ck_assert_uint_eq(info(reader, LNF_RING_LOST), 100);
    ck_assert_uint_eq(info(reader, LNF_RING_TOTAL), LNF_RING_SLOTS);
    lnf_ring_free(writer);
    lnf_ring_free(reader);
}
END_TEST

START_TEST(test_refused)
{
    lnf_ring_t *ring = NULL;
    uint64_t value;
    char bad[] = "/no/such/name", text[LNF_MAX_STRING] = "";

    ck_assert_int_eq(lnf_ring_init(&ring, NULL, 0), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_ring_init(&ring, name, 8), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_ring_init(&ring, bad, 0), LNF_ERR_OTHER_MSG);
    lnf_error(text, sizeof(text));
    ck_assert_ptr_nonnull(strstr(text, bad));
    ck_assert_ptr_null(ring);
    ring = open_ring(0);
    ck_assert_int_eq(lnf_ring_info(ring, 4, &value, sizeof(value)), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_ring_info(ring, LNF_RING_LOST, &value, 7), LNF_ERR_NOMEM);
    ck_assert_int_eq(lnf_ring_info(ring, LNF_RING_LOST, NULL, 8), LNF_ERR_NOMEM);
    lnf_ring_free(ring);
    lnf_ring_free(NULL);
}
END_TEST

START_TEST(test_name_goes_with_last_user)
{
    lnf_ring_t *first = open_ring(0), *second = open_ring(0);

    lnf_ring_free(first);
    ck_assert(exists());
    lnf_ring_free(second);
    ck_assert(!exists());

    first = open_ring(LNF_RING_FORCE_RELEASE);
    second = open_ring(0);
    lnf_ring_free(first);
    ck_assert(!exists());
    ck_assert_int_eq(write_number(second, 1), LNF_OK); /* still works */
    first = open_ring(0);                              /* another ring of the name */
    lnf_ring_free(second);
    ck_assert(exists());
    lnf_ring_free(first);
    ck_assert(!exists());
}
END_TEST

START_TEST(test_force_init)
{
    lnf_ring_t *old = open_ring(LNF_RING_NO_BLOCK);
    lnf_ring_t *fresh = open_ring(LNF_RING_FORCE_INIT | LNF_RING_NO_BLOCK);
    lnf_ring_t *other = open_ring(LNF_RING_NO_BLOCK);

    ck_assert_int_eq(write_number(fresh, 5), LNF_OK);
    ck_assert_int_eq(lnf_ring_read(old, rec), LNF_EOF);
    ck_assert_uint_eq(read_number(other), 5);
    lnf_ring_free(old);
    ck_assert(exists());
    lnf_ring_free(fresh);
    lnf_ring_free(other);
    ck_assert(!exists());
}
END_TEST

/* Somebody else's shared memory is left alone. */
START_TEST(test_foreign_object)
{
    lnf_ring_t *ring = NULL;
    char octets[8] = "";

    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "precious", 8), 8);
    ck_assert_int_eq(lnf_ring_init(&ring, name, 0), LNF_ERR_OTHER_MSG);
    ck_assert_int_eq(pread(fd, octets, 8, 0), 8);
    ck_assert_mem_eq(octets, "precious", 8);
    if (_i == 1) { /* the right size does not make it a ring */
        ck_assert_int_eq(ftruncate(fd, sizeof(struct lnf_ring_shared)), 0);
        ck_assert_int_eq(lnf_ring_init(&ring, name, 0), LNF_ERR_OTHER_MSG);
    }
    ck_assert(exists());
    ring = open_ring(LNF_RING_FORCE_INIT);
    lnf_ring_free(ring);
    (void)close(fd);
}
END_TEST

/* The longest record there can be has room in a slot. */
START_TEST(test_long_record)
{
    lnf_ring_t *writer = open_ring(0), *reader = open_ring(LNF_RING_NO_BLOCK);
    char before[4096], after[4096];
    size_t size = 0, size_after = 0;
    int fields[512];
    uint8_t value[256];

    memset(value, 'v', sizeof(value));
    value[255] = '\0';
    ck_assert_int_eq(lnf_fld_info(0, LNF_FLD_INFO_FIELDS, fields, sizeof(fields)), LNF_OK);
    for (const int *field = fields; *field != LNF_FLD_TERM_; field++) {
        (void)lnf_rec_fset(rec, *field, value);
    }
    ck_assert_int_eq(lnf_rec_get_raw(rec, LNF_REC_RAW_TLV, before, sizeof(before), &size), LNF_OK);
    ck_assert_uint_gt(size, 600);
    ck_assert_int_eq(lnf_ring_write(writer, rec), LNF_OK);
    ck_assert_int_eq(lnf_ring_read(reader, rec), LNF_OK);
    ck_assert_int_eq(lnf_rec_get_raw(rec, LNF_REC_RAW_TLV, after, sizeof(after), &size_after),
                     LNF_OK);
    ck_assert_uint_eq(size, size_after);
    ck_assert_mem_eq(before, after, size);
    lnf_ring_free(writer);
    lnf_ring_free(reader);
}
END_TEST

/* ---- several processes ----------------------------------------------------------------------- */

/* A child must leave without Check's exit handlers: 0 = fine. */
static void check_child(pid_t pid, int wanted_signal)
{
    int status = 0;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    if (wanted_signal != 0) {
        ck_assert(WIFSIGNALED(status));
        ck_assert_int_eq(WTERMSIG(status), wanted_signal);
    } else {
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "child: %d", status);
    }
}

/* Tells through a pipe that a process is ready, or waits for it. */
struct gate {
    int ends[2];
};

static struct gate new_gate(void)
{
    struct gate gate;

    ck_assert_int_eq(pipe(gate.ends), 0);
    return gate;
}

static void open_gate(const struct gate *gate)
{
    if (write(gate->ends[1], "x", 1) != 1) {
        abort();
    }
}

static void pass_gate(const struct gate *gate)
{
    char octet;

    if (read(gate->ends[0], &octet, 1) != 1) {
        abort();
    }
}

static void close_gate(const struct gate *gate)
{
    (void)close(gate->ends[0]);
    (void)close(gate->ends[1]);
}

/* Writes numbers marked with the writer, waiting for readers every now and then. */
static void child_writer(uint64_t writer, unsigned count)
{
    lnf_ring_t *ring = open_ring(0);

    for (uint64_t i = 0; i < count; i++) {
        if (write_number(ring, writer << 32 | i) != LNF_OK) {
            _exit(1);
        }
        if (i % 256 == 0) {
            (void)usleep(1000);
        }
    }
    lnf_ring_free(ring);
    _exit(0);
}

/* Two writing processes and two waiting readers: each reader gets each writer's records in order;
 * none but lost ones are missing. */
START_TEST(test_processes)
{
    const unsigned count = 8000;
    struct gate gate = new_gate();
    pid_t readers[2], writers[2];
    lnf_ring_t *keep = open_ring(0);

    for (int i = 0; i < 2; i++) {
        readers[i] = fork();
        if (readers[i] == 0) {
            lnf_ring_t *ring = open_ring(0);
            uint64_t next[2] = {0, 0}, skipped = 0;
            open_gate(&gate);
            while (info(ring, LNF_RING_TOTAL) + info(ring, LNF_RING_LOST) < 2 * count) {
                uint64_t number = read_number(ring);
                uint64_t writer = number >> 32, at = number & UINT32_MAX;
                if (writer > 1 || at < next[writer] || at >= count) {
                    _exit(2);
                }
                skipped += at - next[writer];
                next[writer] = at + 1;
            }
            skipped += count - next[0] + count - next[1];
            _exit(skipped == info(ring, LNF_RING_LOST) ? 0 : 3);
        }
    }
    pass_gate(&gate);
    pass_gate(&gate);
    for (uint64_t i = 0; i < 2; i++) {
        writers[i] = fork();
        if (writers[i] == 0) {
            child_writer(i, count);
        }
    }
    for (int i = 0; i < 2; i++) {
        check_child(writers[i], 0);
        check_child(readers[i], 0);
    }
    close_gate(&gate);
    lnf_ring_free(keep);
    ck_assert(!exists());
}
END_TEST

static struct lnf_ring_shared *map_shared(void)
{
    int fd = shm_open(name, O_RDWR, 0);

    ck_assert_int_ge(fd, 0);
    struct lnf_ring_shared *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ck_assert(shared != MAP_FAILED);
    (void)close(fd);
    return shared;
}

/* A writer dies in the middle of a record, with the lock: the next one takes over. */
START_TEST(test_dead_writer)
{
    lnf_ring_t *writer = open_ring(0), *reader = open_ring(LNF_RING_NO_BLOCK);

    ck_assert_int_eq(write_number(writer, 1), LNF_OK);
    pid_t pid = fork();
    if (pid == 0) {
        struct lnf_ring_shared *shared = map_shared();
        if (pthread_mutex_lock(&shared->lock) != 0) {
            _exit(1);
        }
        uint64_t number = atomic_load(&shared->written);
        atomic_store(&shared->slots[number % LNF_RING_SLOTS].sequence, _i == 0 ? 0 : number + 1);
        atomic_store(&shared->slots[number % LNF_RING_SLOTS].size, 999);
        (void)raise(SIGKILL);
    }
    check_child(pid, SIGKILL);
    ck_assert_uint_eq(read_number(reader), 1);
    ck_assert_int_eq(lnf_ring_read(reader, rec), LNF_EOF);
    ck_assert_int_eq(write_number(writer, 2), LNF_OK);
    ck_assert_int_eq(write_number(writer, 3), LNF_OK);
    ck_assert_uint_eq(info(writer, LNF_RING_STUCK), 1);
    ck_assert_uint_eq(read_number(reader), 2);
    ck_assert_uint_eq(read_number(reader), 3);
    ck_assert_uint_eq(info(reader, LNF_RING_LOST), 0);
    lnf_ring_free(writer);
    lnf_ring_free(reader);
    ck_assert(!exists());
}
END_TEST

/* A reader killed while it waits leaves nothing behind that others notice. */
START_TEST(test_dead_reader)
{
    struct gate gate = new_gate();

    pid_t pid = fork();
    if (pid == 0) {
        lnf_ring_t *ring = open_ring(0);
        open_gate(&gate);
        (void)lnf_ring_read(ring, rec);
        _exit(1);
    }
    pass_gate(&gate);
    (void)usleep(20000); /* it sleeps by now, or soon: either way it is killed in between */
    lnf_ring_t *writer = open_ring(0), *reader = open_ring(LNF_RING_NO_BLOCK);
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    check_child(pid, SIGKILL);
    for (uint64_t i = 0; i < 10; i++) {
        ck_assert_int_eq(write_number(writer, i), LNF_OK);
        ck_assert_uint_eq(read_number(reader), i);
    }
    lnf_ring_free(writer);
    ck_assert(exists());
    lnf_ring_free(reader);
    ck_assert(!exists());
    close_gate(&gate);
}
END_TEST

/* When all users have died the next one finds a new ring. */
START_TEST(test_all_died)
{
    pid_t pid = fork();

    if (pid == 0) {
        lnf_ring_t *ring = open_ring(0);
        (void)write_number(ring, 7);
        (void)raise(SIGKILL);
    }
    check_child(pid, SIGKILL);
    ck_assert(exists());
    lnf_ring_t *ring = open_ring(LNF_RING_NO_BLOCK);
    ck_assert_int_eq(lnf_ring_read(ring, rec), LNF_EOF);
    ck_assert_int_eq(write_number(ring, 8), LNF_OK);
    ck_assert_uint_eq(read_number(ring), 8);
    lnf_ring_free(ring);
    ck_assert(!exists());
}
END_TEST

/* Many processes come and go at the same time: the name is never left behind, nobody fails. */
START_TEST(test_coming_and_going)
{
    pid_t pids[6];

    for (int i = 0; i < 6; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            for (int round = 0; round < 100; round++) {
                lnf_ring_t *ring = NULL;
                if (lnf_ring_init(&ring, name, LNF_RING_NO_BLOCK) != LNF_OK ||
                    write_number(ring, 1) != LNF_OK || lnf_ring_read(ring, rec) != LNF_OK) {
                    _exit(1);
                }
                lnf_ring_free(ring);
            }
            _exit(0);
        }
    }
    for (int i = 0; i < 6; i++) {
        check_child(pids[i], 0);
    }
    ck_assert(!exists());
}
END_TEST

/* ---- damaged shared memory ------------------------------------------------------------------- */

/* Reads whatever is there until the end; returns the records that looked fine. */
static unsigned drain(lnf_ring_t *ring)
{
    unsigned count = 0;

    while (lnf_ring_read(ring, rec) == LNF_OK) {
        count++;
    }
    return count;
}

START_TEST(test_random_contents)
{
    lnf_ring_t *writer = open_ring(0), *reader = open_ring(LNF_RING_NO_BLOCK);
    struct lnf_ring_shared *shared = map_shared();

    srand((unsigned)_i + 1);
    for (unsigned round = 0; round < 20; round++) {
        for (uint64_t i = 0; i < 200; i++) {
            ck_assert_int_eq(write_number(writer, i), LNF_OK);
        }
        for (unsigned n = 0; n < 3000; n++) {
            /* Anything but the writers' lock, which is theirs. */
            size_t start = (size_t)((char *)shared->slots - (char *)shared);
            size_t at = start + (size_t)rand() % (200 * sizeof(struct lnf_ring_slot));
            ((uint8_t *)shared)[at] = (uint8_t)rand();
        }
        (void)drain(reader);
    }
    ck_assert_uint_eq(info(reader, LNF_RING_LOST) + info(reader, LNF_RING_TOTAL), 20 * 200);
    (void)munmap(shared, sizeof(*shared));
    lnf_ring_free(writer);
    lnf_ring_free(reader);
}
END_TEST

START_TEST(test_wrong_numbers)
{
    static const uint64_t written[] = {
        0, 1, 5, 4096, 4097, 5000, UINT64_MAX, UINT64_MAX - 1, (uint64_t)1 << 63};
    lnf_ring_t *reader = open_ring(LNF_RING_NO_BLOCK);
    struct lnf_ring_shared *shared = map_shared();

    for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++) {
        for (size_t k = 0; k < sizeof(written) / sizeof(written[0]); k++) {
            atomic_store(&shared->written, written[i]);
            ck_assert_uint_eq(drain(reader), 0);
            atomic_store(&shared->written, written[k]);
            ck_assert_uint_eq(drain(reader), 0);
            ck_assert_int_eq(lnf_ring_read(reader, rec), LNF_EOF);
        }
    }
    (void)munmap(shared, sizeof(*shared));
    lnf_ring_free(reader);
}
END_TEST

/* A slot that says it has the record, but with a size that is too large, too small, or 0. */
START_TEST(test_wrong_sizes)
{
    static const uint64_t sizes[] = {
        0, 1, 3, 5, LNF_RING_SLOT_WORDS * 8 + 1, UINT64_MAX, UINT64_MAX - 7, (uint64_t)1 << 32};
    lnf_ring_t *writer = open_ring(0), *reader = open_ring(LNF_RING_NO_BLOCK);
    struct lnf_ring_shared *shared = map_shared();

    for (uint64_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        ck_assert_int_eq(write_number(writer, i), LNF_OK);
        atomic_store(&shared->slots[2 * i].size, sizes[i]);
        ck_assert_int_eq(write_number(writer, 100 + i), LNF_OK);
        ck_assert_uint_eq(read_number(reader), 100 + i);
        ck_assert_uint_eq(info(reader, LNF_RING_LOST), i + 1);
    }
    (void)munmap(shared, sizeof(*shared));
    lnf_ring_free(writer);
    lnf_ring_free(reader);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("libnf/compat_ring");
    TCase *tc = tcase_create("ring");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, test_there_and_back);
    tcase_add_test(tc, test_two_readers);
    tcase_add_test(tc, test_lost);
    tcase_add_test(tc, test_refused);
    tcase_add_test(tc, test_name_goes_with_last_user);
    tcase_add_test(tc, test_force_init);
    tcase_add_loop_test(tc, test_foreign_object, 0, 2);
    tcase_add_test(tc, test_long_record);
    tcase_add_test(tc, test_processes);
    tcase_add_loop_test(tc, test_dead_writer, 0, 2);
    tcase_add_test(tc, test_dead_reader);
    tcase_add_test(tc, test_all_died);
    tcase_add_test(tc, test_coming_and_going);
    tcase_add_loop_test(tc, test_random_contents, 0, 3);
    tcase_add_test(tc, test_wrong_numbers);
    tcase_add_test(tc, test_wrong_sizes);
    suite_add_tcase(suite, tc);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
