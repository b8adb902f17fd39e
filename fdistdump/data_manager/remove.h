/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Deletes flow files with their indexes, and directories left without them.
 *
 * Everything is named relative to a descriptor of its directory, so that a directory that is
 * exchanged for a link meanwhile leads nowhere else.
 */
#ifndef DATA_MANAGER_REMOVE_H
#define DATA_MANAGER_REMOVE_H

#include "dm_log.h"
#include "tree.h"

#include <stdbool.h>
#include <stdint.h>

struct remover {
    struct tree *tree;
    struct dm_log *log;
    bool dry_run;
    int64_t now_s;
    uint64_t failed_count; /* files that could not be deleted */
    uint64_t busy_count;   /* files that are being written */
};

/** What a deletion took. */
struct removed {
    uint64_t octets;  /* as `ls` shows them */
    uint64_t freed;   /* on the disk; 0 for a file with other names */
    uint64_t indexes; /* of flow files */
};

enum remove_outcome {
    REMOVE_DONE,
    REMOVE_GONE,   /* somebody else did */
    REMOVE_BUSY,   /* it is being written, and stays */
    REMOVE_FAILED, /* it stays, and the log has it */
};

/** Deletes a flow file and the index beside it; a dry run only looks. *removed is added to. */
enum remove_outcome remove_file(struct remover *remover, const struct tree_file *file,
                                struct removed *removed);

/**
 * Removes directories below channels in which no flow files are left, with indexes of flow files
 * that are no more. Those of yesterday, today and tomorrow stay: a collector may just be about to
 * make a file there.
 *
 * @return how many
 */
uint64_t remove_directories(struct remover *remover, struct removed *removed);

#endif
