/* SPDX-License-Identifier: BSD-3-Clause */
/** Every MPI call. */
#include "transport.h"

#include "message.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CHANNELS 2
/* Waiting sleeps between looks, longer and longer: slaves share their processors with threads. */
#define SLEEP_FIRST_NS 10000L
#define SLEEP_LAST_NS 1000000L

struct transport {
    bool mpi; /* MPI was started */
    unsigned rank, count, neighbours;
    MPI_Comm channels[CHANNELS];
    uint8_t *received;                          /* MESSAGE_MAX octets */
    uint8_t *sending;                           /* the same, of a message others are heard beside */
    uint64_t *sent[CHANNELS], *taken[CHANNELS]; /* messages, by process */
    uint64_t *expected;                         /* in the end: those sent to this process */
    uint64_t octets_sent, octets_received;
};

/** Launchers say so in the environment; without one MPI would start a daemon of its own. */
static bool started_by_launcher(void)
{
    static const char *const names[] = {
        "OMPI_COMM_WORLD_SIZE", "PMIX_RANK",           "PMI_RANK", "PMI_SIZE", "PMI_FD",
        "MPI_LOCALNRANKS",      "MV2_COMM_WORLD_SIZE",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (getenv(names[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/** MPI's own words for a code; it has some only once it has started. */
static int mpi_failure(struct failure *failure, const char *what, int code)
{
    char text[MPI_MAX_ERROR_STRING];
    int length = 0, started = 0;

    if (MPI_Initialized(&started) != MPI_SUCCESS || !started ||
        MPI_Error_string(code, text, &length) != MPI_SUCCESS) {
        return failure_set(failure, REPORT_MPI, "%s (error %d)", what, code);
    }
    return failure_set(failure, REPORT_MPI, "%s: %.*s", what, length, text);
}

/** Counts the processes that share memory with this one; collective. */
static int count_neighbours(transport_t *transport, struct failure *failure)
{
    MPI_Comm host;
    int count = 1;

    int code = MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &host);
    if (code != MPI_SUCCESS) {
        return mpi_failure(failure, "MPI cannot tell which processes share a host", code);
    }
    (void)MPI_Comm_size(host, &count);
    (void)MPI_Comm_free(&host);
    transport->neighbours = count > 0 ? (unsigned)count : 1;
    return REPORT_OK;
}

static int start_mpi(transport_t *transport, struct failure *failure)
{
    int provided = MPI_THREAD_SINGLE, rank = 0, count = 1;

    int code = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
    if (code != MPI_SUCCESS) {
        return mpi_failure(failure, "MPI cannot start", code);
    }
    transport->mpi = true;
    if (provided < MPI_THREAD_FUNNELED) {
        return failure_set(failure, REPORT_MPI, "this MPI library does not allow threads");
    }
    (void)MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    (void)MPI_Comm_size(MPI_COMM_WORLD, &count);
    transport->rank = (unsigned)rank;
    transport->count = (unsigned)count;
    for (int i = 0; i < CHANNELS; i++) {
        code = MPI_Comm_dup(MPI_COMM_WORLD, &transport->channels[i]);
        if (code != MPI_SUCCESS) {
            return mpi_failure(failure, "MPI gives no communicator", code);
        }
    }
    return count_neighbours(transport, failure);
}

static int create_buffers(transport_t *transport, struct failure *failure)
{
    bool complete = true;

    transport->received = malloc(MESSAGE_MAX);
    transport->sending = malloc(MESSAGE_MAX);
    for (int i = 0; i < CHANNELS; i++) {
        transport->sent[i] = calloc(transport->count, sizeof(uint64_t));
        transport->taken[i] = calloc(transport->count, sizeof(uint64_t));
        complete = complete && transport->sent[i] != NULL && transport->taken[i] != NULL;
    }
    transport->expected = calloc(transport->count, sizeof(uint64_t));
    complete = complete && transport->received != NULL && transport->sending != NULL &&
               transport->expected != NULL;
    return complete ? REPORT_OK : failure_no_memory(failure);
}

int transport_start(transport_t **transport, struct failure *failure)
{
    transport_t *t = calloc(1, sizeof(*t));
    int class = REPORT_OK;

    if (t == NULL) {
        return failure_no_memory(failure);
    }
    t->count = 1;
    t->neighbours = 1;
    for (int i = 0; i < CHANNELS; i++) {
        t->channels[i] = MPI_COMM_NULL;
    }
    *transport = t;
    if (started_by_launcher()) {
        class = start_mpi(t, failure);
    }
    if (class == REPORT_OK && t->count > 1) {
        class = create_buffers(t, failure);
    }
    return class;
}

/**
 * Takes what was sent to this process and nobody waited for, like the progress of a slave whose
 * last rows were faster: MPI wants every message to be received. Collective.
 */
static int take_leftovers(transport_t *transport, struct failure *failure)
{
    for (int i = 0; i < CHANNELS; i++) {
        int code = MPI_Alltoall(transport->sent[i], 1, MPI_UINT64_T, transport->expected, 1,
                                MPI_UINT64_T, MPI_COMM_WORLD);
        if (code != MPI_SUCCESS) {
            return mpi_failure(failure, "processes cannot end together", code);
        }
        for (unsigned from = 0; from < transport->count; from++) {
            for (uint64_t n = transport->taken[i][from]; n < transport->expected[from]; n++) {
                (void)MPI_Recv(transport->received, (int)MESSAGE_MAX, MPI_BYTE, (int)from,
                               MPI_ANY_TAG, transport->channels[i], MPI_STATUS_IGNORE);
            }
        }
    }
    return REPORT_OK;
}

static void destroy_buffers(transport_t *transport)
{
    free(transport->received);
    free(transport->sending);
    free(transport->expected);
    for (int i = 0; i < CHANNELS; i++) {
        free(transport->sent[i]);
        free(transport->taken[i]);
    }
}

int transport_finish(transport_t *transport, struct failure *failure)
{
    if (transport == NULL) {
        return REPORT_OK;
    }
    if (transport->mpi) {
        int class = transport->count > 1 ? take_leftovers(transport, failure) : REPORT_OK;
        if (class != REPORT_OK) {
            return class;
        }
        for (int i = 0; i < CHANNELS; i++) {
            if (transport->channels[i] != MPI_COMM_NULL) {
                (void)MPI_Comm_free(&transport->channels[i]);
            }
        }
        (void)MPI_Finalize();
    }
    destroy_buffers(transport);
    free(transport);
    return REPORT_OK;
}

void transport_abort(transport_t *transport, int status)
{
    if (transport != NULL && transport->mpi) {
        (void)MPI_Abort(MPI_COMM_WORLD, status);
    }
    _exit(status);
}

unsigned transport_rank(const transport_t *transport)
{
    return transport->rank;
}

unsigned transport_count(const transport_t *transport)
{
    return transport->count;
}

bool transport_launched(const transport_t *transport)
{
    return transport->mpi;
}

unsigned transport_neighbours(const transport_t *transport)
{
    return transport->neighbours;
}

/* ---- collective ----------------------------------------------------------------------------- */

int transport_agree(transport_t *transport, int *class, unsigned *rank, struct failure *failure)
{
    static const char what[] = "processes cannot agree";
    struct {
        int failed, rank;
    } mine = {*class == REPORT_OK, (int)transport->rank}, first;

    *rank = transport->rank;
    if (transport->count == 1) {
        return REPORT_OK;
    }
    /* The smallest `failed` (0 = has failed) with the lowest rank. */
    int code = MPI_Allreduce(&mine, &first, 1, MPI_2INT, MPI_MINLOC, MPI_COMM_WORLD);
    if (code != MPI_SUCCESS) {
        return mpi_failure(failure, what, code);
    }
    if (first.failed != 0) {
        return REPORT_OK;
    }
    *rank = (unsigned)first.rank;
    code = MPI_Bcast(class, 1, MPI_INT, first.rank, MPI_COMM_WORLD);
    return code == MPI_SUCCESS ? REPORT_OK : mpi_failure(failure, what, code);
}

int transport_broadcast(transport_t *transport, const uint8_t *octets, size_t size, size_t limit,
                        uint8_t **copy, size_t *copy_size, struct failure *failure)
{
    unsigned long long length = size;

    *copy = NULL;
    *copy_size = 0;
    int code = MPI_Bcast(&length, 1, MPI_UNSIGNED_LONG_LONG, TRANSPORT_MASTER, MPI_COMM_WORLD);
    if (code != MPI_SUCCESS) {
        return mpi_failure(failure, "the master cannot be heard", code);
    }
    if (length == 0 || length > limit) {
        return REPORT_OK; /* all know it */
    }
    *copy = malloc((size_t)length);
    if (*copy == NULL) {
        return failure_no_memory(failure);
    }
    if (transport->rank == TRANSPORT_MASTER) {
        memcpy(*copy, octets, size);
    }
    *copy_size = (size_t)length;
    code = MPI_Bcast(*copy, (int)length, MPI_BYTE, TRANSPORT_MASTER, MPI_COMM_WORLD);
    if (code != MPI_SUCCESS) {
        return mpi_failure(failure, "the master cannot be heard", code);
    }
    return REPORT_OK;
}

/* ---- messages ------------------------------------------------------------------------------- */

static void back_off(long *sleep_ns)
{
    struct timespec pause = {0, *sleep_ns};

    (void)nanosleep(&pause, NULL);
    *sleep_ns = *sleep_ns * 2 > SLEEP_LAST_NS ? SLEEP_LAST_NS : *sleep_ns * 2;
}

static void count_sent(transport_t *transport, unsigned to, enum transport_channel channel,
                       size_t size)
{
    transport->octets_sent += size;
    transport->sent[channel][to]++;
}

int transport_send(transport_t *transport, unsigned to, enum transport_channel channel, int kind,
                   const uint8_t *octets, size_t size, struct failure *failure)
{
    long sleep_ns = SLEEP_FIRST_NS;
    MPI_Request request;
    int done = 0;

    int code = MPI_Isend(octets, (int)size, MPI_BYTE, (int)to, kind, transport->channels[channel],
                         &request);
    while (code == MPI_SUCCESS) {
        code = MPI_Test(&request, &done, MPI_STATUS_IGNORE);
        if (done) {
            break;
        }
        back_off(&sleep_ns);
    }
    count_sent(transport, to, channel, size);
    return code == MPI_SUCCESS ? REPORT_OK : mpi_failure(failure, "a message cannot be sent", code);
}

static int receive(transport_t *transport, int channel, const MPI_Status *found,
                   struct transport_message *message, struct failure *failure)
{
    int size = 0;

    (void)MPI_Get_count(found, MPI_BYTE, &size);
    if (size == MPI_UNDEFINED || size < 0 || (size_t)size > MESSAGE_MAX) {
        return failure_set(failure, REPORT_MPI, "message of impossible size from process %d",
                           found->MPI_SOURCE + 1);
    }
    int code = MPI_Recv(transport->received, size, MPI_BYTE, found->MPI_SOURCE, found->MPI_TAG,
                        transport->channels[channel], MPI_STATUS_IGNORE);
    if (code != MPI_SUCCESS) {
        return mpi_failure(failure, "a message cannot be received", code);
    }
    transport->octets_received += (size_t)size;
    transport->taken[channel][found->MPI_SOURCE]++;
    *message = (struct transport_message){
        .source = (unsigned)found->MPI_SOURCE,
        .kind = found->MPI_TAG,
        .octets = transport->received,
        .size = (size_t)size,
    };
    return REPORT_OK;
}

int transport_poll(transport_t *transport, unsigned data_from, struct transport_message *message,
                   struct failure *failure)
{
    const int sources[CHANNELS] = {
        [TRANSPORT_CONTROL] = MPI_ANY_SOURCE,
        [TRANSPORT_DATA] = data_from == TRANSPORT_ANYBODY ? MPI_ANY_SOURCE : (int)data_from,
    };
    MPI_Status found;
    int there = 0;

    message->kind = 0;
    for (int i = 0; i < CHANNELS; i++) {
        if (i == TRANSPORT_DATA && data_from == TRANSPORT_NOBODY) {
            break;
        }
        int code = MPI_Iprobe(sources[i], MPI_ANY_TAG, transport->channels[i], &there, &found);
        if (code != MPI_SUCCESS) {
            return mpi_failure(failure, "messages cannot be looked for", code);
        }
        if (there) {
            return receive(transport, i, &found, message, failure);
        }
    }
    return REPORT_OK;
}

int transport_wait(transport_t *transport, unsigned data_from, struct transport_message *message,
                   struct failure *failure)
{
    long sleep_ns = SLEEP_FIRST_NS;

    for (;;) {
        int class = transport_poll(transport, data_from, message, failure);
        if (class != REPORT_OK || message->kind != 0) {
            return class;
        }
        back_off(&sleep_ns);
    }
}

int transport_send_and_hear(transport_t *transport, unsigned to, enum transport_channel channel,
                            int kind, const uint8_t *octets, size_t size, transport_hear_fn *hear,
                            void *context, struct failure *failure)
{
    long sleep_ns = SLEEP_FIRST_NS;
    MPI_Request request;
    int done = 0;

    /* After a failure of `hear` MPI may still read the octets: they must outlive this call. */
    memcpy(transport->sending, octets, size);
    int code = MPI_Isend(transport->sending, (int)size, MPI_BYTE, (int)to, kind,
                         transport->channels[channel], &request);
    while (code == MPI_SUCCESS) {
        struct transport_message message;
        code = MPI_Test(&request, &done, MPI_STATUS_IGNORE);
        if (code != MPI_SUCCESS || done) {
            break;
        }
        int class = transport_poll(transport, TRANSPORT_ANYBODY, &message, failure);
        if (class == REPORT_OK && message.kind != 0) {
            class = hear(context, &message, failure);
            sleep_ns = SLEEP_FIRST_NS;
        } else {
            back_off(&sleep_ns);
        }
        if (class != REPORT_OK) {
            return class;
        }
    }
    count_sent(transport, to, channel, size);
    return code == MPI_SUCCESS ? REPORT_OK : mpi_failure(failure, "a message cannot be sent", code);
}

uint64_t transport_octets_sent(const transport_t *transport)
{
    return transport->octets_sent;
}

uint64_t transport_octets_received(const transport_t *transport)
{
    return transport->octets_received;
}
