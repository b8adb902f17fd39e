/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Index beside a flow file: tells which blocks of the file cannot hold what a filter asks for.
 *
 * The index of DIRECTORY/lnf.X is DIRECTORY/bfi.X, that of any other file N is bfi.N. It never
 * makes a query wrong: one that is missing, older than its flow file, damaged or of another program
 * is not used and the file is read as without it. Making one is a matter of lnf_writer_use_index()
 * while the file is written, or of lnf_index_make() later; asking one, of lnf_scan_use_index().
 *
 * Source: docs/index-format.md.
 */
#ifndef LIBNF_INDEX_H
#define LIBNF_INDEX_H

#include <libnf/common.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LNF_INDEX_PREFIX "bfi."

/** How an index is made. */
struct lnf_index_options {
    double false_positives; /* share of absent addresses a filter does not rule out, 0.000001 .. 1;
                               0 = 0.01 */
    /* lnf_writer_use_index() only: the index could not be written, `text` says why; at most once a
     * file, from within lnf_writer_put() or lnf_writer_close(). The flow file is not affected. May
     * be NULL. */
    void (*failed)(void *context, const char *text);
    void *context;
};

/** What is known of an index and its flow file. */
enum lnf_index_state {
    LNF_INDEX_GOOD,       /* belongs to the file as it is */
    LNF_INDEX_MISSING,    /* there is none */
    LNF_INDEX_FOREIGN,    /* not an index of libnf, or of a later version */
    LNF_INDEX_STALE,      /* the flow file has changed since */
    LNF_INDEX_DAMAGED,    /* checksums or lengths are wrong */
    LNF_INDEX_UNFINISHED, /* the flow file is still written, or was left so: not indexed */
    LNF_INDEX_NOT_ASKED,  /* the query's filter has nothing an index could answer */
    LNF_INDEX_UNREADABLE, /* there may be one, but it cannot be opened */
};

/** Text of a state, e.g. "stale". */
LNF_API const char *lnf_index_state_text(enum lnf_index_state state);

/** Facts about an index. Sizes are 0 unless its header is readable. */
struct lnf_index_info {
    enum lnf_index_state state;
    uint64_t size;     /* octets of the index */
    uint64_t blocks;   /* data blocks it describes */
    uint64_t opaque;   /* of them, those that have to be read always since they are damaged */
    uint64_t segments; /* groups of blocks with a common filter */
};

/**
 * Path of the index of a flow file.
 *
 * @return false when it does not fit into `size` octets
 */
LNF_API bool lnf_index_path(const char *flow_path, char *path, size_t size);

/** Whether a file name (no directory) is that of an index, so that it is no flow file. */
LNF_API bool lnf_index_is_name(const char *name);

/**
 * Makes the index of a finished flow file, replacing what is there with one rename. The file is
 * read once.
 *
 * @param options  NULL = defaults
 * @return LNF_OK; LNF_ERR_READ or LNF_ERR_CORRUPT, of the flow file; LNF_ERR_OTHER, it is not
 *         finished, it changed meanwhile, or its name leaves no room for the index; LNF_ERR_WRITE;
 *         LNF_ERR_NOMEM
 */
LNF_API int lnf_index_make(const char *flow_path, const struct lnf_index_options *options,
                           struct lnf_error *error);

/**
 * Looks at the index of a flow file and verifies its checksums.
 *
 * @param thorough  also reads the flow file, every address of which must be found
 * @param[out] info  what it is
 * @param[out] why   when the state is not good: one line about it; may be NULL
 * @return LNF_OK, see info; LNF_ERR_READ or LNF_ERR_CORRUPT, of the flow file; LNF_ERR_NOMEM
 */
LNF_API int lnf_index_check(const char *flow_path, bool thorough, struct lnf_index_info *info,
                            struct lnf_error *why);

#endif
