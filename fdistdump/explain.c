/* SPDX-License-Identifier: BSD-3-Clause */
/** Lines about the question, the exchange and the processes. */
#include "explain.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/** Text on its way out; one line at a time, so that lines of other processes do not mix with it. */
struct line {
    int fd;
    char text[2048];
    size_t used;
};

static void say(struct line *line, const char *format, ...) LNF_PRINTF(2, 3);

static void say(struct line *line, const char *format, ...)
{
    size_t room = sizeof(line->text) - line->used;
    va_list args;

    va_start(args, format);
    int length = vsnprintf(line->text + line->used, room, format, args);
    va_end(args);
    if (length > 0) {
        line->used += (size_t)length < room ? (size_t)length : room - 1;
    }
}

static void begin(struct line *line)
{
    line->used = 0;
    say(line, "explain: ");
}

static void end(struct line *line)
{
    if (line->used > sizeof(line->text) - 2) {
        line->used = sizeof(line->text) - 2;
    }
    say(line, "\n");
    ssize_t written = write(line->fd, line->text, line->used);
    (void)written; /* nowhere left to complain */
}

static double seconds(uint64_t microseconds)
{
    return (double)microseconds / 1e6;
}

/* ---- question ------------------------------------------------------------------------------- */

static void print_question(struct line *line, const struct query *query,
                           const lnf_query_t *compiled)
{
    static const char *const modes[] = {
        [QUERY_LIST] = "list of records",
        [QUERY_SORT] = "sorted records",
        [QUERY_AGGREGATE] = "groups",
        [QUERY_METADATA] = "headers of files",
    };
    char name[64];

    begin(line);
    say(line, "question: %s", modes[query->mode]);
    const char *separator = " by ";
    for (unsigned i = 0; i < query->column_count && query->mode == QUERY_AGGREGATE; i++) {
        if (query->columns[i].role == LNF_COLUMN_KEY) {
            query_field_name(query->columns[i].field, name, sizeof(name));
            say(line, "%s%s", separator, name);
            separator = ",";
        }
    }
    if (query->mode == QUERY_SORT || query->mode == QUERY_AGGREGATE) {
        if (query->sort_column >= 0) {
            query_field_name(query->columns[query->sort_column].field, name, sizeof(name));
            say(line, ", order %s#%s", name, query->sort_descending ? "desc" : "asc");
        } else {
            say(line, ", order of the keys");
        }
    }
    if (query->limit > 0) {
        say(line, ", limit %" PRIu64, query->limit);
    }
    if ((query->items & QUERY_RECORDS) == 0) {
        say(line, ", no records wanted");
    } else {
        say(line, ", rows of %zu octets", lnf_query_row_size(compiled));
    }
    end(line);
}

/* ---- processes ------------------------------------------------------------------------------ */

static void say_files(struct line *line, const struct slave_counts *counts)
{
    say(line,
        " files=%" PRIu64 " unreadable=%" PRIu64 " indexed=%" PRIu64 " files_skipped=%" PRIu64
        " indexed_blocks=%" PRIu64 " blocks_skipped=%" PRIu64 " records=%" PRIu64,
        counts->files, counts->unreadable, counts->indexed, counts->files_skipped,
        counts->indexed_blocks, counts->blocks_skipped, counts->totals.records);
}

static void say_memory(struct line *line, uint64_t peak, uint64_t spilled)
{
    say(line, " memory_peak=%" PRIu64 " spilled=%" PRIu64, peak, spilled);
}

static void say_traffic(struct line *line, uint64_t sent, uint64_t received)
{
    say(line, " octets_sent=%" PRIu64 " octets_received=%" PRIu64, sent, received);
}

static void print_slave(struct line *line, unsigned rank, const struct slave_counts *counts)
{
    static const char *const phases[SLAVE_PHASES] = {
        [SLAVE_ROWS] = "rows",         [SLAVE_DEALT] = "dealt",       [SLAVE_BEST] = "best",
        [SLAVE_REACHING] = "reaching", [SLAVE_COMPLETE] = "complete",
    };

    begin(line);
    say(line, "process %u reads:", rank + 1);
    say_files(line, counts);
    say(line, " groups=%" PRIu64 " held=%" PRIu64, counts->groups, counts->held);
    for (unsigned i = 0; i < SLAVE_PHASES; i++) {
        if (counts->sent[i].octets > 0) {
            say(line, " %s=%" PRIu64 " %s_octets=%" PRIu64, phases[i], counts->sent[i].rows,
                phases[i], counts->sent[i].octets);
        }
    }
    say_traffic(line, counts->octets_sent, counts->octets_received);
    say_memory(line, counts->memory_peak, counts->spilled);
    say(line, " scan_s=%.3f merge_s=%.3f exchange_s=%.3f", seconds(counts->scan_us),
        seconds(counts->merge_us), seconds(counts->exchange_us));
    end(line);
}

static void print_master(struct line *line, const struct explain_master *master)
{
    begin(line);
    say(line, "process 1 prints:");
    say_traffic(line, master->octets_sent, master->octets_received);
    say_memory(line, master->memory_peak, master->spilled);
    say(line, " wait_s=%.3f exchange_s=%.3f output_s=%.3f", seconds(master->wait_us),
        seconds(master->exchange_us), seconds(master->output_us));
    end(line);
}

static void print_alone(struct line *line, const struct explain_master *master)
{
    const struct slave_counts *counts = master->slave_counts;

    begin(line);
    say(line, "process 1 reads and prints:");
    say_files(line, counts);
    say(line, " groups=%" PRIu64, counts->groups);
    say_memory(line, master->memory_peak, master->spilled);
    say(line, " scan_s=%.3f merge_s=%.3f output_s=%.3f", seconds(counts->scan_us),
        seconds(counts->merge_us), seconds(master->output_us));
    end(line);
}

void explain_print(int fd, const struct query *query, const lnf_query_t *compiled,
                   const struct explain_master *master)
{
    struct line line = {.fd = fd};

    print_question(&line, query, compiled);
    begin(&line);
    if (master->exchange != NULL) {
        say(&line, "exchange: %s: %s", master->exchange, master->why);
    } else {
        say(&line, "exchange: none");
    }
    end(&line);
    if (master->slaves == 0) {
        print_alone(&line, master);
        return;
    }
    print_master(&line, master);
    for (unsigned i = 0; i < master->slaves; i++) {
        print_slave(&line, i + 1, &master->slave_counts[i]);
    }
}
