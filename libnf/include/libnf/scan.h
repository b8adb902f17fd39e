/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Bulk door for questions: a compiled query runs over the data blocks of flow files.
 *
 *   lnf_query   the question: filter, columns, order, limit. Immutable, shared by all threads.
 *   lnf_scan    one open flow file that hands out its blocks, each exactly once, to whoever asks.
 *   lnf_task    what one thread needs to work on blocks: buffers, columns, counters.
 *   lnf_table   rows collected for a query: a list, the best N, or groups. One per thread, merged;
 *               or a shared one that threads fill together.
 *   lnf_memory  how much memory tables may take together, and where to what does not fit goes.
 *
 * libnf starts no thread: N threads each with a task call lnf_task_run() on the same scan, and
 * afterwards their tables are merged.
 *
 * Rows travel between tables, threads and machines in *packed* form: the stored columns in query
 * order, each as a big-endian number of its type's width (addresses 16 octets in network order,
 * IPv4 in the last four; MAC addresses 6; texts what is before their first NUL, filled up with zeros
 * to the octets flow files have room for), then hidden columns that calculated ones need. All rows of
 * one query have the same size and equal queries on different machines have equal row forms.
 * Comparing packed rows with memcmp() orders them by their columns.
 */
#ifndef LIBNF_SCAN_H
#define LIBNF_SCAN_H

#include <libnf/common.h>
#include <libnf/index.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- query ------------------------------------------------------------------------------------ */

enum lnf_query_mode {
    LNF_QUERY_COUNT,     /* totals of matching records only; no columns */
    LNF_QUERY_LIST,      /* matching records in file order */
    LNF_QUERY_SORT,      /* matching records in order of one column */
    LNF_QUERY_AGGREGATE, /* one row per distinct combination of the key columns */
};

/**
 * What a column is for. The roles from LNF_COLUMN_SUM on are values that name their function instead
 * of leaving it to the field; they matter in LNF_QUERY_AGGREGATE only. Sums are modulo the width of
 * the field's type. Addresses and MAC addresses take LNF_COLUMN_VALUE, _FIRST and _ANY; fields that
 * are calculated from others (duration, bps, pps, bpp) LNF_COLUMN_VALUE only, and they always use the
 * fields' own functions. Texts (username) do not combine: they are columns of LNF_QUERY_LIST and
 * LNF_QUERY_SORT, neither keys nor to sort by.
 *
 * LNF_COLUMN_FIRST is the only one whose answer may depend on the order of records: within a table it
 * is the value of the record added first, and of merged tables that of the one merged into. Which
 * record a thread or machine meets first is chance, so ask for it where all records of a group have
 * the same value, or where any of them will do.
 */
enum lnf_column_role {
    LNF_COLUMN_VALUE, /* aggregated by the field's own function: sum, min, max, or; addresses
                         keep the smallest one other than 0 */
    LNF_COLUMN_KEY,   /* LNF_QUERY_AGGREGATE only */
    LNF_COLUMN_SUM,
    LNF_COLUMN_MIN,
    LNF_COLUMN_MAX,
    LNF_COLUMN_OR,    /* bits set in any record */
    LNF_COLUMN_FIRST, /* the first record's value, 0 as well; see above */
    LNF_COLUMN_ANY,   /* the smallest value other than 0; 0 when there is no other */
};

/** One column of the answer. */
struct lnf_query_column {
    int field; /* LNF_FLD_* */
    enum lnf_column_role role;
    int bits4; /* keys: IPv4 prefix length 0..32 of address fields; of time fields and duration the
                  bucket in seconds, 0 = exact. Ignored elsewhere */
    int bits6; /* keys: IPv6 prefix length 0..128 of address fields */
};

struct lnf_query_spec {
    enum lnf_query_mode mode;
    const char *filter; /* NULL or without terms: everything */
    const struct lnf_query_column *columns;
    unsigned column_count;
    int sort_column; /* index into columns; -1 = none: aggregation rows come ordered by key */
    bool sort_descending;
    uint64_t limit; /* rows kept; 0 = all */
    const char *geo_database; /* file that tells countries of addresses, for `geo` in the filter;
                                 NULL: see lnf_query_create(). Not opened for other filters */
};

typedef struct lnf_query lnf_query_t;

/**
 * Compiles a question.
 *
 * Order of rows: by the sort column, NaN last in either direction; equal ones by the keys and then the
 * other columns from left to right, ascending; calculated columns come last and count by what they are
 * calculated from. So the answer does not depend on threads or machines.
 *
 * Countries come from a database in the MaxMind DB format whose records have `country.iso_code`. It is
 * the spec's, else the file the environment variable LNF_GEO_DATABASE names, else
 * /var/lib/GeoIP/GeoLite2-Country.mmdb or /usr/share/GeoIP/GeoLite2-Country.mmdb, and open as long as
 * the query lives. It may be replaced by another file meanwhile, but not be overwritten.
 *
 * @return LNF_OK; LNF_ERR_FILTER, line and column in error, also when there is no database of countries
 *         or it cannot be used; LNF_ERR_UNKFLD, a field that cannot have
 *         this role or be sorted by; LNF_ERR_NOMEM
 */
LNF_API int lnf_query_create(const struct lnf_query_spec *spec, lnf_query_t **query,
                             struct lnf_error *error);

/** Frees the query; NULL is fine. No task or table may use it any more. */
LNF_API void lnf_query_destroy(lnf_query_t *query);

/** Octets of one packed row. */
LNF_API size_t lnf_query_row_size(const lnf_query_t *query);

/** Octets of the keys of a row; 0 unless the query aggregates. */
LNF_API size_t lnf_query_key_size(const lnf_query_t *query);

/** Copies the keys of a packed row, columns with LNF_COLUMN_KEY in query order. */
LNF_API void lnf_query_row_key(const lnf_query_t *query, const uint8_t *row, uint8_t *key);

/**
 * A question whose tables hold rows of another one as they are: packed rows of `query` come out in the
 * order they were added, the first `limit` of them. For answers that are in order already. No task
 * works on it, and rows are compared and looked into with `query` only, which may end before.
 *
 * @return LNF_OK or LNF_ERR_NOMEM
 */
LNF_API int lnf_query_create_answer(const lnf_query_t *query, lnf_query_t **answer);

/** Compares two packed rows in the query's order: < 0, 0, > 0. */
LNF_API int lnf_query_row_compare(const lnf_query_t *query, const uint8_t *a, const uint8_t *b);

/** One value of a row. `kind` says which member counts. */
struct lnf_value {
    enum lnf_value_kind {
        LNF_VALUE_UINT,    /* u64 */
        LNF_VALUE_DOUBLE,  /* real */
        LNF_VALUE_ADDRESS, /* octets[16] */
        LNF_VALUE_MAC,     /* octets[6] */
        LNF_VALUE_NAN,     /* calculated field whose divisor is 0 */
        LNF_VALUE_STRING,  /* string.text, string.length */
    } kind;
    union {
        uint64_t u64;
        double real;
        uint8_t octets[16];
        struct {
            const char *text; /* inside the row; no NUL behind it */
            size_t length;    /* octets; any but NUL, as an exporter sent them */
        } string;
    };
};

/** Value of a column in a packed row; calculated columns are computed. */
LNF_API void lnf_query_row_value(const lnf_query_t *query, const uint8_t *row, unsigned column,
                                 struct lnf_value *value);

/* ---- scan ------------------------------------------------------------------------------------- */

/** Kinds of trouble with a flow file that cost less than the file. */
enum lnf_problem_kind {
    LNF_PROBLEM_UNFINISHED, /* writer died or still writes: complete blocks are used */
    LNF_PROBLEM_TRUNCATED,  /* octets after the last complete block are ignored */
    LNF_PROBLEM_BLOCK,      /* one damaged block skipped */
    LNF_PROBLEM_RECORD,     /* damaged records in a block skipped; once per block */
    LNF_PROBLEM_STATISTICS, /* appendix unreadable or its sums do not add up */
    LNF_PROBLEM_COUNTRY, /* addresses of a block that the database of countries is too damaged for:
                            they are in none; once per block */
};

struct lnf_problem {
    enum lnf_problem_kind kind;
    const char *path;
    uint64_t offset; /* octets from the start of the file */
    uint64_t count;  /* damaged records, ignored octets, addresses ... 1 otherwise */
    const char *text; /* one line without path and offset */
};

/** Called for every problem; from several threads at once when several threads scan. */
typedef void lnf_problem_fn(void *context, const struct lnf_problem *problem);

typedef struct lnf_scan lnf_scan_t;

/**
 * Opens a flow file for bulk reading; it must be a regular file, so that nothing is waited for.
 *
 * @param problem  receives problems of this file; may be NULL
 * @param[out] scan   new handle, the caller's to close; untouched on failure
 * @param[out] error  text (with the path) and file offset of what is wrong; may be NULL
 * @return LNF_OK; LNF_ERR_READ, the system's reason in error; LNF_ERR_CORRUPT, not a flow file, other
 *         byte order, unknown layout or codec, encrypted; LNF_ERR_NOMEM
 */
LNF_API int lnf_scan_open(const char *path, lnf_problem_fn *problem, void *context,
                          lnf_scan_t **scan, struct lnf_error *error);

/** How the index of a file helped a query. */
struct lnf_scan_index {
    enum lnf_index_state state; /* LNF_INDEX_GOOD: it was used */
    uint64_t blocks;            /* described by the index */
    uint64_t skipped;           /* of them, those that no task will read */
    uint64_t octets;            /* of the index read */
    struct lnf_error why;       /* text of a state other than good; "" = nothing to tell */
};

/**
 * Leaves out the blocks of which the index beside the file says that they hold nothing for the
 * query's filter. Before the first lnf_task_run() on this scan, and only tasks of queries with the
 * same filter may run on it. The answer is the same with and without; blocks left out are not read,
 * so totals do not count their records and trouble with them is not reported. An index that is
 * missing, stale or damaged leaves the scan as it was. None is asked for a filter about the number
 * of records in their file (`count`).
 *
 * @param[out] use  what came of it; may be NULL
 * @return whether the index was used
 */
LNF_API bool lnf_scan_use_index(lnf_scan_t *scan, const lnf_query_t *query,
                                struct lnf_scan_index *use);

/** Closes the file; NULL is fine. No task may run on it any more. */
LNF_API void lnf_scan_close(lnf_scan_t *scan);

/**
 * Statistics stored in the file; of an unfinished file those of its records that can be read, without
 * a word about the others: only a task reports these.
 *
 * @return valid until the scan is closed; NULL when there was no memory to compute them
 */
LNF_API const struct lnf_stat *lnf_scan_stat(const lnf_scan_t *scan);

/** Whether the statistics are stored in the file, so that they do not depend on its records. */
LNF_API bool lnf_scan_has_stat(const lnf_scan_t *scan);

/** Ident stored in the file; "" when unknown. */
LNF_API const char *lnf_scan_ident(const lnf_scan_t *scan);

/* ---- memory ----------------------------------------------------------------------------------- */

/**
 * A limit that tables share, usually all tables of a process for one question.
 *
 * Counted are rows, groups, their index and order, buffers of temporary files, and what
 * lnf_memory_hold() says; not counted are queries, scans, tasks and what a table needs for one batch.
 * A table that would exceed the limit writes what it holds to temporary files, which have no name and
 * end with it, and answers the same, octet for octet. How near to the limit tables stay: it may be
 * exceeded by about a quarter when the tables that grow have little and the ones that do not have
 * much; and a table of fewer than 256 rows is never written out, however small the limit. A full order
 * of groups takes up to three times the octets of their packed rows in temporary files, other answers
 * as much as the packed rows of what was written out.
 *
 * Threads: every table in one thread at a time; tables in different threads may share the limit.
 */
typedef struct lnf_memory lnf_memory_t;

/** Called once, before the first octets go to a temporary file; in any thread that uses a table. */
typedef void lnf_spilling_fn(void *context, const char *directory);

struct lnf_memory_spec {
    uint64_t limit;            /* octets; 0 = none, they are only counted */
    const char *directory;     /* for temporary files; NULL = $TMPDIR, else /var/tmp */
    lnf_spilling_fn *spilling; /* may be NULL */
    void *context;
};

/** New account; LNF_OK or LNF_ERR_NOMEM. */
LNF_API int lnf_memory_create(const struct lnf_memory_spec *spec, lnf_memory_t **memory);

/** Frees the account; NULL is fine. No table may use it any more. */
LNF_API void lnf_memory_destroy(lnf_memory_t *memory);

/** The limit it was made with; 0 = none. */
LNF_API uint64_t lnf_memory_limit(const lnf_memory_t *memory);

/**
 * Counts octets that are no table's but under the same limit, such as buffers of rows on their way:
 * tables leave room for them. They are not refused; whoever needs much asks lnf_memory_limit() before.
 *
 * @param memory  NULL = there is no account, nothing is done
 * @param[in,out] held  what the caller held until now, at first 0; becomes `now`
 *
 * Threads: any, each with a `held` of its own.
 */
LNF_API void lnf_memory_hold(lnf_memory_t *memory, size_t *held, size_t now);

/** Octets its tables hold now; the most they ever held; those written to temporary files so far. */
LNF_API uint64_t lnf_memory_used(const lnf_memory_t *memory);
LNF_API uint64_t lnf_memory_peak(const lnf_memory_t *memory);
LNF_API uint64_t lnf_memory_spilled(const lnf_memory_t *memory);

/* ---- table ------------------------------------------------------------------------------------ */

typedef struct lnf_table lnf_table_t;

/** New empty table for rows of a query; LNF_OK or LNF_ERR_NOMEM. Its memory is not limited. */
LNF_API int lnf_table_create(const lnf_query_t *query, lnf_table_t **table);

/**
 * The same with a limit of memory.
 *
 * Functions of such a table that may write or read temporary files also return LNF_ERR_WRITE or
 * LNF_ERR_READ; lnf_table_error() has the reason. After a failure to add rows the table has some of
 * them; after a failure to finish it can only be destroyed.
 *
 * @param memory  may be NULL: no limit
 */
LNF_API int lnf_table_create_limited(const lnf_query_t *query, lnf_memory_t *memory,
                                     lnf_table_t **table);

/**
 * The same for an aggregation that several threads fill together: each adds to a local table of its
 * own, which passes its groups on whenever it has some ten thousands of them. So every group is in
 * memory once, not once per thread, and only the rest of each local table is left to be merged:
 *
 *   lnf_table_create_shared()                      once
 *   lnf_table_create_local(), lnf_task_run() ...   in every thread
 *   lnf_table_merge(shared, local)                 in every thread
 *   lnf_table_finish(shared), ...                  when all threads are through, in one of them
 *
 * Any number of threads may run tasks into local tables and merge them at once; everything else with
 * the shared table, lnf_table_error() excepted, is for one thread while no other adds. No task runs into
 * the shared table itself (LNF_ERR_OTHER). Local tables are not counted; they hold about two mebibytes
 * each, eight where groups come again, and no more than their share of a limit.
 *
 * @return LNF_OK; LNF_ERR_NOMEM; LNF_ERR_OTHER, the query does not aggregate
 */
LNF_API int lnf_table_create_shared(const lnf_query_t *query, lnf_memory_t *memory,
                                    lnf_table_t **table);

/**
 * New local table of a shared one, which must live longer. lnf_table_error() of it is that of the
 * shared one.
 *
 * @return LNF_OK; LNF_ERR_NOMEM; LNF_ERR_OTHER, `shared` is not a shared table
 */
LNF_API int lnf_table_create_local(lnf_table_t *shared, lnf_table_t **table);

/**
 * The last failure of a table with a limit of memory.
 *
 * @param[out] error  untouched when there was none; may be NULL
 * @return what the function returned that failed; LNF_OK, none did
 */
LNF_API int lnf_table_error(const lnf_table_t *table, struct lnf_error *error);

/** Frees the table; NULL is fine. */
LNF_API void lnf_table_destroy(lnf_table_t *table);

/**
 * Adds `count` packed rows, combining groups with equal keys; LNF_OK or LNF_ERR_NOMEM. Reads exactly
 * count * lnf_query_row_size() octets, and any octets are fine: rows may come from outside.
 */
LNF_API int lnf_table_add(lnf_table_t *table, const uint8_t *rows, size_t count);

/**
 * Moves all rows of `from` into `table`; both have the same query and the same limit of memory, or
 * none, unless `table` is shared. What is in temporary files stays there, unless only `table` is shared.
 *
 * @return LNF_OK; LNF_ERR_NOMEM; LNF_ERR_OTHER, they do not share their limit
 */
LNF_API int lnf_table_merge(lnf_table_t *table, lnf_table_t *from);

/**
 * Rows in the table: groups, or records kept. While an aggregation has groups in temporary files and
 * is not finished, a group may be there in several parts, each of which counts as a row and is one
 * for lnf_table_rows(); added to another table they combine.
 */
LNF_API size_t lnf_table_count(const lnf_table_t *table);

/** Octets of memory the table holds. */
LNF_API size_t lnf_table_memory(const lnf_table_t *table);

/**
 * Brings the rows into the query's order and applies its limit. With `limit` false all rows stay: a
 * partial answer that other ranks' rows will be added to.
 */
LNF_API int lnf_table_finish(lnf_table_t *table, bool limit);

/**
 * Packs rows `start` .. in the table's order. Any rows in any order; those in temporary files are
 * read at every call, so many rows in one call are faster than many calls.
 *
 * @param[out] rows  room for `count` packed rows
 * @return rows packed; fewer than `count` at the end; 0 also when a temporary file cannot be read,
 *         which lnf_table_error() tells
 */
LNF_API size_t lnf_table_rows(const lnf_table_t *table, size_t start, size_t count, uint8_t *rows);

/* ---- partitions ------------------------------------------------------------------------------- */

/*
 * The groups of an aggregation can be dealt out over any number of partitions, so that each holds all
 * there is of its keys and is finished without looking at the others. The partition of a key depends
 * on the key columns of the question only: it is the same in every thread, process and machine.
 * Groups travel as packed rows.
 */

/** Partition of a packed row, 0 .. partitions - 1. Rows may come from outside. */
LNF_API unsigned lnf_query_row_partition(const lnf_query_t *query, const uint8_t *row,
                                         unsigned partitions);

/** Takes packed rows, valid during the call. Another status than LNF_OK stops. */
typedef int lnf_rows_fn(void *context, const uint8_t *rows, size_t count);

/**
 * Hands out all groups of one partition, each once, in no order, whatever the query's limit. The
 * table has them still afterwards, and if it was finished it still is.
 *
 * Cost: passes over all groups in memory; of those in files over the ones it needs.
 *
 * @return LNF_OK; what `fn` returned; LNF_ERR_OTHER, no such partition or no aggregation;
 *         LNF_ERR_NOMEM; LNF_ERR_WRITE, LNF_ERR_READ
 */
LNF_API int lnf_table_partition_rows(lnf_table_t *table, unsigned partition, unsigned partitions,
                                     lnf_rows_fn *fn, void *context);

/**
 * Finds the group of a key, as lnf_query_row_key() gives it, while all groups are in memory.
 *
 * @param[out] row  room for a packed row
 * @return LNF_OK; LNF_EOF, there is no such group; LNF_ERR_OTHER, groups are in temporary files, or no
 *         aggregation
 */
LNF_API int lnf_table_find(const lnf_table_t *table, const uint8_t *key, uint8_t *row);

/** Takes a packed row, valid during the call. Another status than LNF_OK stops. */
typedef int lnf_deal_fn(void *context, unsigned partition, const uint8_t *row);

/**
 * Deals out all groups in one pass, each once with its partition, in no order, whatever the query's
 * limit. The table has them still afterwards, and if it was finished it still is.
 *
 * @return as lnf_table_partition_rows()
 */
LNF_API int lnf_table_deal_rows(lnf_table_t *table, unsigned partitions, lnf_deal_fn *fn,
                                void *context);

/**
 * Hands out the groups whose number in the column the query sorts by is `least` or more, one by one
 * and in no order, whatever the query's limit. The table has them still afterwards, and if it was
 * finished it still is. Costs a look at every group, and a packed row only for those handed out.
 *
 * @return as lnf_table_partition_rows(); LNF_ERR_OTHER also when the query does not sort by a number,
 *         the largest first: addresses and ratios have no such bound
 */
LNF_API int lnf_table_reaching_rows(lnf_table_t *table, uint64_t least, lnf_rows_fn *fn,
                                    void *context);

/**
 * Adds rows of a partition that somebody else handed out; nothing is trusted.
 *
 * @param octets,size  the rows as they arrived
 * @param count        rows there are said to be
 * @return as lnf_table_add(); LNF_ERR_CORRUPT, `count` rows have another size, or a row belongs to
 *         another partition: nothing was added; LNF_ERR_OTHER, no such partition or no aggregation
 */
LNF_API int lnf_table_add_partition(lnf_table_t *table, unsigned partition, unsigned partitions,
                                    const uint8_t *octets, size_t size, uint64_t count);

/* ---- task ------------------------------------------------------------------------------------- */

typedef struct lnf_task lnf_task_t;

/** Matching records of a task. */
struct lnf_totals {
    uint64_t records; /* flow records read, matching or not */
    uint64_t flows, packets, bytes; /* of matching records; flows by the `flows` field */
};

/** New task; LNF_OK or LNF_ERR_NOMEM. */
LNF_API int lnf_task_create(const lnf_query_t *query, lnf_task_t **task);

/** Frees the task; NULL is fine. */
LNF_API void lnf_task_destroy(lnf_task_t *task);

/**
 * Works on the next block of the file nobody has taken yet.
 *
 * LNF_QUERY_SORT and LNF_QUERY_AGGREGATE put rows into `table`; LNF_QUERY_LIST leaves them with the
 * task, see lnf_task_rows(); `table` may be NULL for it and for LNF_QUERY_COUNT.
 *
 * With a filter about the number of records in their file (`count`) all tasks that run on the scan
 * have to be of such queries: records of blocks others take are not counted.
 *
 * @param[out] block  number of the block from 0, blocks left out not counted, which gives the order
 *                    of lists; may be NULL
 * @return LNF_OK, one block done (a damaged one is reported and counts as done); LNF_EOF, no block
 *         left; LNF_ERR_READ; LNF_ERR_NOMEM; LNF_ERR_WRITE, a temporary file of the table
 */
LNF_API int lnf_task_run(lnf_task_t *task, lnf_scan_t *scan, lnf_table_t *table, uint64_t *block,
                         struct lnf_error *error);

/** Packed rows of the block just done (LNF_QUERY_LIST), valid until the next run. */
LNF_API const uint8_t *lnf_task_rows(const lnf_task_t *task, size_t *count);

/** Totals of all blocks this task has done. */
LNF_API const struct lnf_totals *lnf_task_totals(const lnf_task_t *task);

#endif
