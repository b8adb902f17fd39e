/* SPDX-License-Identifier: BSD-3-Clause */
/** libnf-info: the fields of libnf, and what flow files are and how they are. */
#include "batch.h"
#include "file.h"

#include <getopt.h>
#include <inttypes.h>
#include <libnf.h>
#include <libnf/index.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define FIELDS_MAX 512

/* ---- fields ---------------------------------------------------------------------------------- */

struct name {
    int value;
    const char *name;
};

static const struct name aggregations[] = {{LNF_AGGR_MIN, "min"}, {LNF_AGGR_MAX, "max"},
                                           {LNF_AGGR_SUM, "sum"}, {LNF_AGGR_OR, "or"},
                                           {LNF_AGGR_KEY, "key"}, {-1, "-"}};
static const struct name sorts[] = {{LNF_SORT_ASC, "asc"}, {LNF_SORT_DESC, "desc"}, {-1, "-"}};

static const char *name_of(const struct name *names, int value)
{
    while (names->value != -1 && names->value != value) {
        names++;
    }
    return names->name;
}

static int field_number(int field, int info)
{
    int value = 0;
    return lnf_fld_info(field, info, &value, sizeof(value)) == LNF_OK ? value : -1;
}

static const char *field_text(int field, int info, char *text, size_t size)
{
    return lnf_fld_info(field, info, text, size) == LNF_OK ? text : "";
}

/** `name (enterprise:number)` of the Information Element, or nothing. */
static void print_ipfix(int field, int name, int enterprise, int number)
{
    char text[128];

    if (lnf_fld_info(field, name, text, sizeof(text)) == LNF_OK) {
        printf("  %s", text);
        if (field_number(field, number) > 0) {
            printf(" (%d:%d)", field_number(field, enterprise), field_number(field, number));
        }
    }
}

static int print_fields(bool ipfix)
{
    int fields[FIELDS_MAX];
    char name[128], description[256];

    if (lnf_fld_info(LNF_FLD_ZERO_, LNF_FLD_INFO_FIELDS, fields, sizeof(fields)) != LNF_OK) {
        fprintf(stderr, "libnf-info: cannot list the fields\n");
        return 1;
    }
    printf("%-5s  %-4s  %-4s  %-14s  %s\n", "id", "aggr", "sort", "name",
           ipfix ? "description, Information Element" : "description");
    for (const int *field = fields; *field != LNF_FLD_TERM_; field++) {
        printf("0x%03x  %-4s  %-4s  %-14s  %s", (unsigned)*field,
               name_of(aggregations, field_number(*field, LNF_FLD_INFO_AGGR)),
               name_of(sorts, field_number(*field, LNF_FLD_INFO_SORT)),
               field_text(*field, LNF_FLD_INFO_NAME, name, sizeof(name)),
               field_text(*field, LNF_FLD_INFO_DESCR, description, sizeof(description)));
        if (ipfix) {
            print_ipfix(*field, LNF_FLD_INFO_IPFIX_NAME, LNF_FLD_INFO_IPFIX_EID,
                        LNF_FLD_INFO_IPFIX_ID);
            print_ipfix(*field, LNF_FLD_INFO_IPFIX_NAME6, LNF_FLD_INFO_IPFIX_EID6,
                        LNF_FLD_INFO_IPFIX_ID6);
        }
        putchar('\n');
    }
    return 0;
}

/* ---- files ----------------------------------------------------------------------------------- */

/** A file being looked at. */
struct look {
    const char *path;
    bool blocks; /* print a line for each */
    unsigned problems;
    uint64_t readable, records, stored, plain;
};

static void on_problem(void *context, const struct lnf_problem *problem)
{
    struct look *look = context;

    look->problems++;
    printf("  problem        at octet %" PRIu64 ": %s\n", problem->offset, problem->text);
}

static void print_time(const char *label, uint64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    char text[64] = "?";

    if (ms == UINT64_MAX || ms == 0 || gmtime_r(&seconds, &tm) == NULL) {
        printf("  %-13s  -\n", label);
        return;
    }
    (void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
    printf("  %-13s  %s.%03u UTC\n", label, text, (unsigned)(ms % 1000));
}

static void print_stat(const struct lnf_stat *stat)
{
    static const char *const classes[LNF_STAT_CLASSES] = {"tcp", "udp", "icmp", "other"};

    printf("  %-13s  %20s %20s %20s\n", "statistics", "flows", "packets", "bytes");
    printf("    %-11s  %20" PRIu64 " %20" PRIu64 " %20" PRIu64 "\n", "all", stat->flows,
           stat->packets, stat->bytes);
    for (unsigned i = 0; i < LNF_STAT_CLASSES; i++) {
        printf("    %-11s  %20" PRIu64 " %20" PRIu64 " %20" PRIu64 "\n", classes[i],
               stat->class_flows[i], stat->class_packets[i], stat->class_bytes[i]);
    }
    print_time("first", stat->first_ms);
    print_time("last", stat->last_ms);
    printf("  %-13s  %" PRIu64 "\n", "seq. failures", stat->sequence_failures);
}

static void print_head(lnf_input_t *input)
{
    const struct lnf_input_info *info = lnf_input_info(input);

    printf("  %-13s  %" PRIu64 " octets\n", "size", lnf_input_size(input));
    printf("  %-13s  %u (nfdump %s)\n", "layout", info->layout, info->layout == 1 ? "1.6" : "1.7");
    printf("  %-13s  %s\n", "compression", lnf_codec_name(info->codec));
    printf("  %-13s  %s\n", "ident", info->ident);
    printf("  %-13s  %s%s\n", "state", info->finished ? "finished" : "not finished",
           info->anonymised ? ", anonymised" : "");
    print_stat(&info->stat);
}

/** Counts the records of a block; damaged ones are a problem. */
static uint64_t count_records(struct look *look, lnf_input_t *input, lnf_batch_t *batch,
                              const struct lnf_block_ref *ref, const uint8_t *records, size_t size)
{
    uint64_t flows = 0;
    unsigned rows;
    size_t at;

    lnf_batch_open(batch, records, size);
    while ((rows = lnf_batch_next(batch)) > 0) {
        flows += rows;
    }
    uint64_t damaged = lnf_batch_damaged(batch, &at);
    if (damaged > 0) {
        lnf_input_report(input, LNF_PROBLEM_RECORD, ref->offset, damaged,
                         "damaged records in a block");
    } else if (lnf_batch_seen(batch) != ref->records && ref->type == LNF_BLOCK_FLOWS) {
        lnf_input_report(input, LNF_PROBLEM_RECORD, ref->offset, 1,
                         "a block does not hold as many records as its header says");
    }
    look->readable++;
    look->records += flows;
    look->stored += ref->stored_size;
    look->plain += size;
    return flows;
}

static void print_block(const struct lnf_block_ref *ref, size_t size, uint64_t flows)
{
    printf("  block %-7" PRIu64 "  offset %12" PRIu64 ", %8" PRIu32
           " octets stored, %8zu plain, %7" PRIu32 " records, %7" PRIu64 " flow records\n",
           ref->number, ref->offset, ref->stored_size, size, ref->records, flows);
}

/** Reads every block; LNF_OK or an error. */
static int read_blocks(struct look *look, lnf_input_t *input, struct lnf_error *error)
{
    struct lnf_block_buffer buffer = {0};
    struct lnf_block_ref ref;
    lnf_batch_t *batch = lnf_batch_create();
    int status = batch == NULL ? LNF_ERR_NOMEM : LNF_OK;

    while (status == LNF_OK && (status = lnf_input_claim(input, &ref, error)) == LNF_OK) {
        const uint8_t *records = NULL;
        size_t size = 0;
        uint64_t flows = 0;
        status = lnf_input_load(input, &ref, &buffer, &records, &size, error);
        if (status == LNF_OK) {
            flows = count_records(look, input, batch, &ref, records, size);
        } else if (status == LNF_ERR_CORRUPT) {
            status = LNF_OK; /* reported */
        }
        if (status == LNF_OK && look->blocks) {
            print_block(&ref, size, flows);
        }
    }
    lnf_block_buffer_clear(&buffer);
    lnf_batch_destroy(batch);
    return status == LNF_EOF ? LNF_OK : status;
}

static void print_index(const char *path)
{
    struct lnf_index_info info;

    if (lnf_index_check(path, false, &info, NULL) != LNF_OK) {
        return;
    }
    printf("  %-13s  %s", "index", lnf_index_state_text(info.state));
    if (info.state == LNF_INDEX_GOOD) {
        printf(", %" PRIu64 " octets for %" PRIu64 " blocks", info.size, info.blocks);
    }
    putchar('\n');
}

static int print_file(const char *path, bool blocks)
{
    struct look look = {.path = path, .blocks = blocks};
    struct lnf_error error = {.text = ""};
    lnf_input_t *input = NULL;

    printf("%s\n", path);
    int status = lnf_input_open(path, on_problem, &look, &input, &error);
    if (status == LNF_OK && lnf_input_info(input)->stat_starved) {
        status = LNF_ERR_NOMEM;
    }
    if (status == LNF_OK) {
        print_head(input);
        status = read_blocks(&look, input, &error);
    }
    if (status == LNF_OK) {
        printf("  %-13s  %" PRIu64 ", %" PRIu64 " readable, %" PRIu64 " octets stored, %" PRIu64
               " plain\n",
               "data blocks", lnf_input_info(input)->blocks, look.readable, look.stored,
               look.plain);
        printf("  %-13s  %" PRIu64 "\n", "flow records", look.records);
        print_index(path);
        printf("  %-13s  %s\n", "health", look.problems == 0 ? "good" : "see the problems");
    } else {
        printf("  %-13s  cannot be read\n", "health");
        fprintf(stderr, "libnf-info: %s\n", error.text[0] != '\0' ? error.text : "no memory");
    }
    lnf_input_close(input);
    return status == LNF_OK && look.problems == 0 ? 0 : 1;
}

/* ---- command line ---------------------------------------------------------------------------- */

static int usage(FILE *to)
{
    fputs("Usage: libnf-info [-i]\n"
          "       libnf-info [--blocks] FILE...\n"
          "\n"
          "Without files: the table of fields. With files: what they are; every block is read.\n"
          "\n"
          "  -i, --ipfix   with the IPFIX Information Element of each field (enterprise:number)\n"
          "  -b, --blocks  a line for every data block\n"
          "  -V, --version version of libnf\n"
          "  -h, --help    this text\n"
          "\n"
          "Exit status: 0 fine; 1 a file is damaged or cannot be read; 2 wrong arguments.\n",
          to);
    return to == stdout ? 0 : 2;
}

static int print_version(void)
{
    char text[64];

    if (lnf_info(NULL, LNF_INFO_VERSION, text, sizeof(text)) != LNF_OK) {
        return 1;
    }
    printf("libnf-info %s\n", text);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"ipfix", no_argument, NULL, 'i'},
        {"blocks", no_argument, NULL, 'b'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {0},
    };
    bool ipfix = false, blocks = false;
    int option, status = 0;

    while ((option = getopt_long(argc, argv, "ibhV", options, NULL)) != -1) {
        switch (option) {
        case 'i':
            ipfix = true;
            break;
        case 'b':
            blocks = true;
            break;
        case 'h':
            return usage(stdout);
        case 'V':
            return print_version();
        default:
            return usage(stderr);
        }
    }
    if (optind == argc) {
        return blocks ? usage(stderr) : print_fields(ipfix);
    }
    for (int i = optind; i < argc; i++) {
        status |= print_file(argv[i], blocks);
    }
    return status;
}
