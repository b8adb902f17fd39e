/* SPDX-License-Identifier: BSD-3-Clause */
/** Preloaded into a program: the n-th call of a function of MPI fails. FAIL_MPI=MPI_Allreduce:2 */
#include <mpi.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool fails(const char *function)
{
    static int calls;
    const char *wanted = getenv("FAIL_MPI");
    size_t length = strlen(function);

    if (wanted == NULL || strncmp(wanted, function, length) != 0 || wanted[length] != ':') {
        return false;
    }
    return ++calls == atoi(wanted + length + 1);
}

#define FUNCTION(name, parameters, arguments)                                                      \
    __attribute__((visibility("default"))) int name parameters                                     \
    {                                                                                              \
        return fails(#name) ? MPI_ERR_OTHER : P##name arguments;                                   \
    }

FUNCTION(MPI_Allreduce,
         (const void *in, void *out, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm),
         (in, out, count, type, op, comm))
FUNCTION(MPI_Alltoall,
         (const void *in, int in_count, MPI_Datatype in_type, void *out, int out_count,
          MPI_Datatype out_type, MPI_Comm comm),
         (in, in_count, in_type, out, out_count, out_type, comm))
FUNCTION(MPI_Bcast, (void *octets, int count, MPI_Datatype type, int root, MPI_Comm comm),
         (octets, count, type, root, comm))
FUNCTION(MPI_Comm_dup, (MPI_Comm comm, MPI_Comm *copy), (comm, copy))
FUNCTION(MPI_Isend,
         (const void *octets, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm,
          MPI_Request *request),
         (octets, count, type, to, tag, comm, request))
FUNCTION(MPI_Test, (MPI_Request * request, int *done, MPI_Status *status), (request, done, status))
FUNCTION(MPI_Iprobe, (int from, int tag, MPI_Comm comm, int *there, MPI_Status *status),
         (from, tag, comm, there, status))
FUNCTION(MPI_Recv,
         (void *octets, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm,
          MPI_Status *status),
         (octets, count, type, from, tag, comm, status))
