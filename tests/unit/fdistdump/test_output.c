/* SPDX-License-Identifier: BSD-3-Clause */
/** The answer as text: columns, headers, shortening, csv, JSON, summaries, and readers that go
 * away. */
#include "flowfile_build.h"
#include "output.h"
#include "suite_main.h"

#include <fcntl.h>
#include <libnf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char folder[] = "/tmp/output-XXXXXX", flows[64], out[64];
static struct query query;
static lnf_query_t *compiled;
static lnf_scan_t *scan;
static lnf_task_t *task;
static lnf_table_t *table;
static uint8_t *rows;
static size_t row_count;
static output_t *output;
static int fd;

#define PEOPLE                                                                                     \
    {                                                                                              \
        true, true, true, true, true, CONVERT_METRIC                                               \
    }

/** A flow file with the first flows of the fixed sequence; number 4 is over IPv6. */
static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(flows, sizeof(flows), "%s/flows", folder);
    snprintf(out, sizeof(out), "%s/out", folder);
    ck_assert_int_eq(test_file_write(flows, LNF_CODEC_NONE, NULL, 0, 0, 5, 100), LNF_OK);
    setenv("TZ", "UTC0", 1);
    tzset();
    signal(SIGPIPE, SIG_IGN);
    query = (struct query){.filter = NULL};
    fd = open(out, O_RDWR | O_CREAT | O_TRUNC, 0600);
}

static void teardown(void)
{
    output_destroy(output);
    lnf_table_destroy(table);
    lnf_task_destroy(task);
    lnf_scan_close(scan);
    lnf_query_destroy(compiled);
    query_clear(&query);
    free(rows);
    close(fd);
    unlink(flows);
    unlink(out);
    rmdir(folder);
}

/** Asks the file; leaves the rows, and an output to a file. */
static void ask(const struct query_words *words, const struct output_options *options)
{
    struct failure failure;
    struct lnf_error error;

    ck_assert_int_eq(query_build(words, QUERY_RECORDS, &query, &failure), REPORT_OK);
    ck_assert_int_eq(query_compile(&query, &compiled, &failure), REPORT_OK);
    ck_assert_int_eq(lnf_scan_open(flows, NULL, NULL, &scan, &error), LNF_OK);
    ck_assert_int_eq(lnf_task_create(compiled, &task), LNF_OK);
    ck_assert_int_eq(lnf_table_create(compiled, &table), LNF_OK);
    ck_assert_int_eq(lnf_task_run(task, scan, table, NULL, &error), LNF_OK);
    if (query.mode == QUERY_LIST) {
        const uint8_t *from = lnf_task_rows(task, &row_count);
        rows = malloc(row_count * lnf_query_row_size(compiled) + 1);
        memcpy(rows, from, row_count * lnf_query_row_size(compiled));
    } else {
        ck_assert_int_eq(lnf_table_finish(table, true), LNF_OK);
        row_count = lnf_table_count(table);
        rows = malloc(row_count * lnf_query_row_size(compiled) + 1);
        ck_assert_uint_eq(lnf_table_rows(table, 0, row_count, rows), row_count);
    }
    output = output_create(&query, compiled, options, fd);
    ck_assert_ptr_nonnull(output);
}

/** Everything written to the file. */
static const char *written(void)
{
    static char text[16384];

    ck_assert_int_eq(output_flush(output), OUTPUT_OPEN);
    ssize_t size = pread(fd, text, sizeof(text) - 1, 0);
    ck_assert_int_ge(size, 0);
    text[size] = '\0';
    return text;
}

static const char *print(void)
{
    output_measure(output, rows, row_count);
    output_header(output);
    output_rows(output, rows, row_count);
    return written();
}

static const struct lnf_totals totals = {.records = 9, .flows = 20, .packets = 54, .bytes = 5900};

static const struct lnf_stat stat = {
    .flows = 10,
    .packets = 1000,
    .bytes = 123456,
    .class_flows =
        {[LNF_STAT_TCP] = 4, [LNF_STAT_UDP] = 3, [LNF_STAT_ICMP] = 2, [LNF_STAT_OTHER] = 1},
    .class_packets =
        {[LNF_STAT_TCP] = 40, [LNF_STAT_UDP] = 30, [LNF_STAT_ICMP] = 20, [LNF_STAT_OTHER] = 10},
    .class_bytes =
        {[LNF_STAT_TCP] = 400, [LNF_STAT_UDP] = 300, [LNF_STAT_ICMP] = 200, [LNF_STAT_OTHER] = 100},
};

/* ---- tables --------------------------------------------------------------------------------- */

static const struct output_options pretty = {.ellipsize = true, .style = PEOPLE};
static const struct output_options whole = {.ellipsize = false, .style = PEOPLE};
static const struct output_options csv = {.format = OUTPUT_CSV, .ellipsize = true};

START_TEST(test_table)
{
    ask(&(struct query_words){.fields = "first,packets,bytes,srcip,dstport,proto,flags"}, &pretty);
    ck_assert_str_eq(
        print(),
        "first                      packets      bytes    srcip              dstport    proto"
        "        flags\n"
        "2023-11-14 22:13:20.000      1.0       40.0      10.0.0.0               443    TCP  "
        "        ...AP.SF\n"
        "2023-11-14 22:13:20.037      2.0       43.0      10.0.0.1                53    UDP  "
        "        ........\n"
        "2023-11-14 22:13:20.074      3.0       46.0      10.0.0.2                53    ICMP "
        "        ........\n"
        "2023-11-14 22:13:20.111      4.0       49.0      10.0.0.3               443    GRE  "
        "        ........\n"
        "2023-11-14 22:13:20.148      5.0       52.0      2001:db8::4             53    TCP  "
        "        ...AP.SF\n");
}
END_TEST

/** Right-aligned last columns keep what is before them, left-aligned ones end with their text. */
START_TEST(test_last_column)
{
    ask(&(struct query_words){.fields = "proto,srcport", .limit = "2"}, &pretty);
    ck_assert_str_eq(print(), "proto        srcport\n"
                              "TCP             1024\n"
                              "UDP             1025\n"
                              "ICMP            1026\n"
                              "GRE             1027\n"
                              "TCP             1028\n");
}
END_TEST

/** Without conversion the columns are as wide as numbers can be. */
START_TEST(test_plain_table)
{
    const struct output_options plain = {.ellipsize = true};

    ask(&(struct query_words){.fields = "srcip,bpp,flags,bytes", .filter = "ipv6"}, &plain);
    ck_assert_str_eq(print(), "srcip                                                   bpp    flags"
                              "                   bytes\n"
                              "536939960:0:0:4                                        10.0    27   "
                              "                      52\n");
}
END_TEST

#define LONG_IP "2001:db8:1111:2222:3333:4444:5555:6666"

/** The rows with an address that is wider than its column. */
static void widen(void)
{
    static const uint8_t octets[] = {0x20, 0x01, 0x0d, 0xb8, 0x11, 0x11, 0x22, 0x22,
                                     0x33, 0x33, 0x44, 0x44, 0x55, 0x55, 0x66, 0x66};
    memcpy(rows + lnf_query_row_size(compiled), octets, sizeof(octets));
    row_count = 2;
}

START_TEST(test_ellipsis)
{
    ask(&(struct query_words){.fields = "srcip,srcport"}, &pretty);
    widen();
    ck_assert_str_eq(print(), "srcip              srcport\n"
                              "10.0.0.0              1024\n"
                              "2001:db8:111...       1025\n");
}
END_TEST

/** Measured before (sorted and aggregated answers), the column is as wide as its widest value. */
START_TEST(test_measured)
{
    ask(&(struct query_words){.fields = "srcip,srcport"}, &whole);
    widen();
    ck_assert_str_eq(print(),
                     "srcip                                     srcport\n"
                     "10.0.0.0                                     1024\n" LONG_IP "       1025\n");
}
END_TEST

/** Lists cannot be measured: the value pushes the others aside and one blank follows. */
START_TEST(test_overflow)
{
    ask(&(struct query_words){.fields = "srcip,srcport"}, &whole);
    widen();
    output_header(output);
    output_rows(output, rows, row_count);
    ck_assert_str_eq(written(), "srcip              srcport\n"
                                "10.0.0.0              1024\n" LONG_IP "    1025\n");
}
END_TEST

START_TEST(test_overflow_last)
{
    ask(&(struct query_words){.fields = "srcip"}, &whole);
    widen();
    output_rows(output, rows, row_count);
    ck_assert_str_eq(written(), "10.0.0.0\n" LONG_IP "\n");
}
END_TEST

/** Shortened to nothing but dots where the column has no room for more. */
START_TEST(test_ellipsis_narrow)
{
    struct output_options narrow = {.ellipsize = true, .style = {.protocols = true}};

    ask(&(struct query_words){.fields = "proto"}, &narrow);
    rows[0] = 61;
    row_count = 1;
    ck_assert_str_eq(print(), "proto\nany ho...\n");
}
END_TEST

START_TEST(test_nan)
{
    ask(&(struct query_words){.fields = "bps,pps,bpp", .filter = "duration = 0"}, &pretty);
    ck_assert_str_eq(print(), "    bps        pps        bpp\n"
                              "    NaN        NaN     40.0  \n");
}
END_TEST

/** No columns: an empty line for the header and for every record. */
START_TEST(test_no_columns)
{
    ask(&(struct query_words){.fields = ""}, &pretty);
    ck_assert_uint_eq(row_count, 5);
    ck_assert_str_eq(print(), "\n\n\n\n\n\n");
}
END_TEST

/* ---- brec1 ---------------------------------------------------------------------------------- */

START_TEST(test_brec)
{
    ask(&(struct query_words){.fields = "brec1,flags", .filter = "proto udp"}, &pretty);
    const char *text = print();
    char line[512];
    snprintf(line, sizeof(line), "%-27s%-27s%-6s%17s:%-7s%17s:%-7s%13s%13s%13s    %s\n",
             "2023-11-14 22:13:20.037", "2023-11-14 22:13:20.038", "UDP", "10.0.0.1", "1025",
             "192.168.0.2", "53", "43.0  ", "2.0  ", "1.0  ", "........");
    const char *row = strchr(text, '\n') + 1;
    ck_assert_str_eq(row, line);
    ck_assert_uint_eq((size_t)(row - text), 27 + 27 + 6 + 18 + 7 + 18 + 7 + 39 + 4 + 5 + 1);
    ck_assert_int_eq(memcmp(text, "brec1   ", 8), 0);
}
END_TEST

/** Its commas do not make columns. */
START_TEST(test_brec_csv)
{
    ask(&(struct query_words){.fields = "flags,brec1", .filter = "proto udp"}, &csv);
    ck_assert_str_eq(print(),
                     "flags,brec1\n0,\"1700000000037,1700000000038,17,0:0:0:167772161,1025,"
                     "0:0:0:3232235522,53,43,2,1\"\n");
}
END_TEST

/* ---- csv ------------------------------------------------------------------------------------ */

START_TEST(test_csv)
{
    ask(&(struct query_words){.fields = "first,bytes,srcip,proto,bps,duration,flags"}, &csv);
    ck_assert_str_eq(print(), "first,bytes,srcip,proto,bps,duration,flags\n"
                              "1700000000000,40,0:0:0:167772160,6,NaN,0,27\n"
                              "1700000000037,43,0:0:0:167772161,17,344000.0,1,0\n"
                              "1700000000074,46,0:0:0:167772162,1,184000.0,2,0\n"
                              "1700000000111,49,0:0:0:167772163,47,130666.7,3,0\n"
                              "1700000000148,52,536939960:0:0:4,6,104000.0,4,27\n");
}
END_TEST

/** Converted values keep no blanks, are not padded, and never shortened. */
START_TEST(test_csv_people)
{
    struct output_options options = {.format = OUTPUT_CSV, .ellipsize = true, .style = PEOPLE};

    ask(&(struct query_words){.fields = "bytes,bps,bpp,srcip,flags,proto,duration,first"},
        &options);
    row_count = 2;
    ck_assert_str_eq(print(),
                     "bytes,bps,bpp,srcip,flags,proto,duration,first\n"
                     "40.0,NaN,40.0,10.0.0.0,...AP.SF,TCP,00:00:00.000,2023-11-14 22:13:20.000\n"
                     "43.0,344.0 k,21.0,10.0.0.1,........,UDP,00:00:00.001,"
                     "2023-11-14 22:13:20.037\n");
}
END_TEST

/* ---- JSON ----------------------------------------------------------------------------------- */

#define JSON_STYLE                                                                                 \
    {                                                                                              \
        .addresses = true                                                                          \
    }

static const struct output_options json = {
    .format = OUTPUT_JSON, .ellipsize = true, .style = JSON_STYLE};

/** Numbers are numbers, addresses texts, what is no number null; no header, nothing is shortened.
 */
START_TEST(test_json)
{
    ask(&(struct query_words){.fields = "first,bytes,srcip,proto,bps,duration,flags,insrcmac"},
        &json);
    row_count = 2;
    ck_assert_str_eq(print(),
                     "{\"first\":1700000000000,\"bytes\":40,\"srcip\":\"10.0.0.0\",\"proto\":6,"
                     "\"bps\":null,\"duration\":0,\"flags\":27,"
                     "\"insrcmac\":\"00:00:00:00:00:00\"}\n"
                     "{\"first\":1700000000037,\"bytes\":43,\"srcip\":\"10.0.0.1\",\"proto\":17,"
                     "\"bps\":344000.0,\"duration\":1,\"flags\":0,"
                     "\"insrcmac\":\"00:00:00:00:00:00\"}\n");
}
END_TEST

/** What is converted is a text, without the blanks of columns; null stays null. */
START_TEST(test_json_people)
{
    struct output_options options = {.format = OUTPUT_JSON, .style = PEOPLE};

    ask(&(struct query_words){.fields = "first,bytes,bps,bpp,proto,duration,flags,srcport"},
        &options);
    row_count = 2;
    ck_assert_str_eq(print(), "{\"first\":\"2023-11-14 22:13:20.000\",\"bytes\":\"40.0\","
                              "\"bps\":null,\"bpp\":\"40.0\",\"proto\":\"TCP\","
                              "\"duration\":\"00:00:00.000\",\"flags\":\"...AP.SF\","
                              "\"srcport\":1024}\n"
                              "{\"first\":\"2023-11-14 22:13:20.037\",\"bytes\":\"43.0\","
                              "\"bps\":\"344.0 k\",\"bpp\":\"21.0\",\"proto\":\"UDP\","
                              "\"duration\":\"00:00:00.001\",\"flags\":\"........\","
                              "\"srcport\":1025}\n");
}
END_TEST

/** Addresses in four words are no numbers either. */
START_TEST(test_json_plain)
{
    struct output_options options = {.format = OUTPUT_JSON};

    ask(&(struct query_words){.fields = "srcip", .filter = "ipv6"}, &options);
    ck_assert_str_eq(print(), "{\"srcip\":\"536939960:0:0:4\"}\n");
}
END_TEST

START_TEST(test_json_brec)
{
    ask(&(struct query_words){.fields = "brec1,flags", .filter = "proto udp"}, &json);
    ck_assert_str_eq(print(), "{\"brec1\":{\"first\":1700000000037,\"last\":1700000000038,"
                              "\"proto\":17,\"srcip\":\"10.0.0.1\",\"srcport\":1025,"
                              "\"dstip\":\"192.168.0.2\",\"dstport\":53,\"bytes\":43,"
                              "\"packets\":2,\"flows\":1},\"flags\":0}\n");
}
END_TEST

START_TEST(test_json_no_columns)
{
    ask(&(struct query_words){.fields = ""}, &json);
    row_count = 2;
    ck_assert_str_eq(print(), "{}\n{}\n");
}
END_TEST

/** Summaries are objects with the item's name, in lines of their own. */
START_TEST(test_json_blocks)
{
    ask(&(struct query_words){.fields = "proto", .filter = "proto udp"}, &json);
    print();
    output_processed(output, &totals, 0.5);
    output_processed(output, &totals, 0);
    output_files(output, &stat);
    ck_assert_str_eq(
        written(), "{\"proto\":17}\n"
                   "{\"processed-records-summary\":{\"flows\":20,\"packets\":54,\"bytes\":5900,"
                   "\"seconds\":0.500000,\"flows/second\":40.0}}\n"
                   "{\"processed-records-summary\":{\"flows\":20,\"packets\":54,\"bytes\":5900,"
                   "\"seconds\":0.000000,\"flows/second\":0.0}}\n"
                   "{\"metadata-summary\":{\"flows\":{\"total\":10,\"TCP\":4,\"UDP\":3,\"ICMP\":2,"
                   "\"other\":1},\"packets\":{\"total\":1000,\"TCP\":40,\"UDP\":30,\"ICMP\":20,"
                   "\"other\":10},\"bytes\":{\"total\":123456,\"TCP\":400,\"UDP\":300,\"ICMP\":200,"
                   "\"other\":100}}}\n");
}
END_TEST

START_TEST(test_json_blocks_metric)
{
    struct output_options options = {.format = OUTPUT_JSON, .style = {.volumes = CONVERT_METRIC}};

    ask(&(struct query_words){.fields = ""}, &options);
    output_processed(output, &totals, 0.001);
    ck_assert_str_eq(written(),
                     "{\"processed-records-summary\":{\"flows\":\"20.0\",\"packets\":\"54.0\","
                     "\"bytes\":\"5.9 k\",\"seconds\":0.001000,\"flows/second\":\"20.0 k\"}}\n");
}
END_TEST

static const struct {
    struct query_words words;
    const char *header;
} json_headers[] = {
    {{.fields = "srcip,bytes"}, "{\"field\":\"srcip\"},{\"field\":\"bytes\"}"},
    {{.order = "bytes", .fields = "srcip"},
     "{\"field\":\"bytes\",\"order\":\"desc\"},{\"field\":\"srcip\"}"},
    {{.aggregation = "srcip,proto", .order = "proto", .fields = "flags,last"},
     "{\"field\":\"srcip\",\"key\":true},{\"field\":\"proto\",\"key\":true,\"order\":\"asc\"},"
     "{\"field\":\"flags\",\"value\":\"or\"},{\"field\":\"last\",\"value\":\"max\"}"},
    {{.statistic = "srcip#bps", .fields = ""},
     "{\"field\":\"srcip\",\"key\":true},"
     "{\"field\":\"bps\",\"value\":\"calc\",\"order\":\"desc\"}"},
    {{.fields = ""}, ""},
};

START_TEST(test_json_header)
{
    struct output_options options = json;
    char line[512];

    options.rich_header = true;
    ask(&json_headers[_i].words, &options);
    output_header(output);
    snprintf(line, sizeof(line), "{\"header\":[%s]}\n", json_headers[_i].header);
    ck_assert_str_eq(written(), line);
}
END_TEST

/** Texts of every protocol and of extreme values have nothing JSON or csv would have to escape. */
START_TEST(test_nothing_to_escape)
{
    for (unsigned i = 0; i < 256; i++) {
        const char *name = convert_protocol_name((uint8_t)i);
        ck_assert_uint_eq(strcspn(name, "\"\\,\r\n\t"), strlen(name));
    }
    ask(&(struct query_words){.fields =
                                  "first,bytes,srcip,flags,duration,insrcmac,proto,eventtime"},
        &(struct output_options){.format = OUTPUT_CSV, .style = PEOPLE});
    memset(rows, 0xff, lnf_query_row_size(compiled));
    row_count = 1;
    output_rows(output, rows, row_count);
    const char *text = written();
    unsigned commas = 0;
    for (const char *c = text; *c != '\0'; c++) {
        commas += *c == ',';
        ck_assert(*c != '"' && *c != '\\' && (*c == '\n' || (unsigned char)*c >= ' '));
    }
    ck_assert_uint_eq(commas, 7);
}
END_TEST

/* ---- headers -------------------------------------------------------------------------------- */

static const struct {
    struct query_words words;
    const char *header;
} headers[] = {
    {{.fields = "srcip,bytes"}, "srcip,bytes"},
    {{.order = "bytes", .fields = "srcip"}, "bytes {desc},srcip"},
    {{.order = "bytes#asc", .fields = "srcip,bytes"}, "bytes {asc},srcip"},
    {{.aggregation = "srcip,proto", .fields = "flows"}, "srcip (key),proto (key),flows [sum]"},
    {{.aggregation = "srcip,proto", .order = "proto", .fields = ""},
     "srcip (key),proto (key){asc}"},
    {{.aggregation = "srcip", .order = "srcip#desc", .fields = ""}, "srcip (key){desc}"},
    {{.statistic = "srcip#bytes", .fields = "first,last,received,flags,srcport,duration,bps,tos"},
     "srcip (key),bytes {desc},first [min],last [max],received [max],flags [or],srcport [min],"
     "duration [calc],bps [calc],tos [min]"},
    {{.aggregation = "pkts", .fields = "tcpflags"}, "packets (key),flags [or]"},
};

START_TEST(test_rich_header)
{
    struct output_options options = {.format = OUTPUT_CSV, .rich_header = true};
    char line[256];

    ask(&headers[_i].words, &options);
    output_header(output);
    snprintf(line, sizeof(line), "%s\n", headers[_i].header);
    ck_assert_str_eq(written(), line);
}
END_TEST

/** A header that is wider than its values makes the column. */
START_TEST(test_rich_header_table)
{
    struct output_options options = pretty;

    options.rich_header = true;
    ask(&(struct query_words){.aggregation = "proto", .order = "bytes", .fields = "flags"},
        &options);
    ck_assert_str_eq(print(), "proto (key)    bytes {desc}    flags [or]\n"
                              "TCP                  92.0      ...AP.SF\n"
                              "GRE                  49.0      ........\n"
                              "ICMP                 46.0      ........\n"
                              "UDP                  43.0      ........\n");
}
END_TEST

/* ---- summaries ------------------------------------------------------------------------------ */

START_TEST(test_processed)
{
    ask(&(struct query_words){.fields = NULL}, &pretty);
    output_processed(output, &totals, 0.5);
    output_processed(output, &totals, 0);
    ck_assert_str_eq(written(), "processed records summary:\n"
                                "\t20.0 flows, 54.0 packets, 5.9 k bytes\n"
                                "\t0.500000 seconds, 40.0 flows/second\n"
                                "\n"
                                "processed records summary:\n"
                                "\t20.0 flows, 54.0 packets, 5.9 k bytes\n"
                                "\t0.000000 seconds, 0.0 flows/second\n");
}
END_TEST

START_TEST(test_processed_csv)
{
    struct output_options options = csv;

    ask(&(struct query_words){.fields = NULL}, &options);
    output_processed(output, &totals, 3);
    ck_assert_str_eq(written(), "flows,packets,bytes,seconds,flows/second\n"
                                "20,54,5900,3.000000,6.7\n");
}
END_TEST

START_TEST(test_processed_csv_metric)
{
    struct output_options options = {.format = OUTPUT_CSV, .style = {.volumes = CONVERT_METRIC}};

    ask(&(struct query_words){.fields = NULL}, &options);
    output_processed(output, &totals, 0.001);
    ck_assert_str_eq(written(), "flows,packets,bytes,seconds,flows/second\n"
                                "20.0,54.0,5.9 k,0.001000,20.0 k\n");
}
END_TEST

START_TEST(test_files)
{
    ask(&(struct query_words){.fields = NULL}, &pretty);
    output_files(output, &stat);
    ck_assert_str_eq(written(), "metadata summary:\n"
                                "\tflows:\n\t\ttotal: 10.0\n\t\tTCP:   4.0\n\t\tUDP:   3.0\n"
                                "\t\tICMP:  2.0\n\t\tother: 1.0\n"
                                "\tpackets:\n\t\ttotal: 1.0 k\n\t\tTCP:   40.0\n\t\tUDP:   30.0\n"
                                "\t\tICMP:  20.0\n\t\tother: 10.0\n"
                                "\tbytes:\n\t\ttotal: 123.5 k\n\t\tTCP:   400.0\n\t\tUDP:   300.0\n"
                                "\t\tICMP:  200.0\n\t\tother: 100.0\n");
}
END_TEST

/** On a terminal what is no value stands out: the header, and the names of summaries. */
START_TEST(test_emphasis)
{
    struct output_options options = pretty;

    options.emphasis = true;
    ask(&(struct query_words){.fields = "srcport,proto", .filter = "proto udp"}, &options);
    output_header(output);
    output_rows(output, rows, row_count);
    output_processed(output, &totals, 0.5);
    output_files(output, &(struct lnf_stat){.flows = 0});
    const char *text = written();
    ck_assert_ptr_eq(strstr(text, "\033[1msrcport    proto\033[0m\n"
                                  "   1025    UDP\n\n"
                                  "\033[1mprocessed records summary:\033[0m\n\t20.0 flows"),
                     text);
    ck_assert_ptr_nonnull(strstr(text, "\n\n\033[1mmetadata summary:\033[0m\n\tflows:\n"));
}
END_TEST

/** Neither csv nor JSON has any. */
START_TEST(test_no_emphasis)
{
    struct output_options options = _i == 0 ? csv : json;

    options.emphasis = true;
    ask(&(struct query_words){.fields = "proto"}, &options);
    print();
    output_processed(output, &totals, 0.5);
    output_files(output, &stat);
    ck_assert_ptr_null(strchr(written(), '\033'));
}
END_TEST

/** Blocks are apart by one empty line, also in csv, the first one is not preceded by any. */
START_TEST(test_blocks_csv)
{
    ask(&(struct query_words){.fields = "proto", .filter = "proto udp"}, &csv);
    output_header(output);
    output_rows(output, rows, row_count);
    output_processed(output, &totals, 1);
    output_files(output, &stat);
    ck_assert_str_eq(written(), "proto\n17\n"
                                "\nflows,packets,bytes,seconds,flows/second\n"
                                "20,54,5900,1.000000,20.0\n"
                                "\nfield,total,TCP,UDP,ICMP,other\n"
                                "flows,10,4,3,2,1\n"
                                "packets,1000,40,30,20,10\n"
                                "bytes,123456,400,300,200,100\n");
}
END_TEST

/* ---- readers -------------------------------------------------------------------------------- */

/** More than any buffer holds arrives whole and in order. */
START_TEST(test_large)
{
    enum { ROUNDS = 60000 };
    FILE *file;
    char line[64];

    ask(&(struct query_words){.fields = "srcport"}, &csv);
    for (unsigned i = 0; i < ROUNDS; i++) {
        output_rows(output, rows, row_count);
    }
    ck_assert_int_eq(output_flush(output), OUTPUT_OPEN);
    file = fopen(out, "r");
    for (unsigned i = 0; i < ROUNDS * 5; i++) {
        ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
        ck_assert_int_eq(atoi(line), 1024 + (int)(i % 5));
    }
    ck_assert_ptr_null(fgets(line, sizeof(line), file));
    fclose(file);
}
END_TEST

/** Lines whose sizes meet the end of the buffer at every offset. */
START_TEST(test_buffer_edges)
{
    size_t line_size;

    ask(&(struct query_words){.fields = "brec1,srcip,srcport", .filter = "proto udp"}, &csv);
    output_rows(output, rows, 1);
    line_size = strlen(written());
    for (unsigned i = 0; i < 20000; i++) {
        output_rows(output, rows, 1);
    }
    ck_assert_int_eq(output_flush(output), OUTPUT_OPEN);
    ck_assert_int_eq(lseek(fd, 0, SEEK_END), (off_t)(20001 * line_size));
}
END_TEST

/** What the file ends with when something is about to be written: always a line's end. */
static void check_end(void *context)
{
    char last = '\n';
    off_t size = lseek(fd, 0, SEEK_END);

    if (size > 0) {
        ck_assert_int_eq(pread(fd, &last, 1, size - 1), 1);
    }
    ck_assert_int_eq(last, '\n');
    ++*(unsigned *)context;
}

START_TEST(test_before_write)
{
    unsigned calls = 0;

    ask(&(struct query_words){.fields = "brec1,srcip,srcport"}, _i == 0 ? &csv : &json);
    output_before_write(output, check_end, &calls);
    ck_assert_int_eq(output_flush(output), OUTPUT_OPEN);
    ck_assert_uint_eq(calls, 0); /* nothing to write */
    for (unsigned i = 0; i < 5000; i++) {
        output_rows(output, rows, row_count);
    }
    ck_assert_int_eq(output_flush(output), OUTPUT_OPEN);
    ck_assert_uint_gt(calls, 10);
}
END_TEST

static void fill(void)
{
    for (unsigned i = 0; i < 100000; i++) {
        output_rows(output, rows, row_count);
    }
    output_processed(output, &totals, 1);
}

/** A reader that goes away is the end of the work, no failure. */
START_TEST(test_closed_pipe)
{
    int ends[2], error = 0;

    ck_assert_int_eq(pipe(ends), 0);
    close(fd);
    fd = ends[1];
    ask(&(struct query_words){.fields = "srcport"}, &csv);
    close(ends[0]);
    ck_assert_int_eq(output_status(output, &error), OUTPUT_OPEN);
    fill();
    ck_assert_int_eq(output_flush(output), OUTPUT_CLOSED);
    ck_assert_int_eq(output_status(output, &error), OUTPUT_CLOSED);
}
END_TEST

/** Copies a pipe to the file, with pauses while its writer runs into its end. */
static void copy_slowly(int from)
{
    static char octets[100000];
    int to = open(out, O_WRONLY | O_TRUNC);
    ssize_t count;

    while ((count = read(from, octets, sizeof(octets))) > 0 &&
           write(to, octets, (size_t)count) == count) {
        usleep(1000);
    }
    _exit(count == 0 ? 0 : 1);
}

/** A reader slower than the writer is waited for, also where somebody made the pipe non-blocking.
 */
START_TEST(test_non_blocking)
{
    int ends[2], status = 1;
    size_t size;

    ask(&(struct query_words){.fields = "srcip,srcport"}, &csv);
    output_rows(output, rows, row_count);
    size = strlen(written());
    output_destroy(output);
    ck_assert_int_eq(pipe(ends), 0);
    pid_t reader = fork();
    if (reader == 0) {
        close(ends[1]);
        copy_slowly(ends[0]);
    }
    close(ends[0]);
    ck_assert_int_eq(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    output = output_create(&query, compiled, &csv, ends[1]);
    ck_assert_ptr_nonnull(output);
    for (unsigned i = 0; i < 20000; i++) {
        output_rows(output, rows, row_count);
    }
    ck_assert_int_eq(output_flush(output), OUTPUT_OPEN);
    close(ends[1]);
    ck_assert_int_eq(waitpid(reader, &status, 0), reader);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(lseek(fd, 0, SEEK_END), (off_t)(20000 * size));
}
END_TEST

START_TEST(test_full_disk)
{
    int error = 0;

    close(fd);
    fd = open("/dev/full", O_WRONLY);
    if (fd < 0) {
        fd = open(out, O_WRONLY);
        return;
    }
    ask(&(struct query_words){.fields = "srcport"}, &csv);
    fill();
    ck_assert_int_eq(output_flush(output), OUTPUT_FAILED);
    ck_assert_int_eq(output_status(output, &error), OUTPUT_FAILED);
    ck_assert_str_eq(strerror(error), "No space left on device");
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
    Suite *suite = suite_create("fdistdump/output");
    TCase *tc = tcase_create("output");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_table);
    tcase_add_test(tc, test_last_column);
    tcase_add_test(tc, test_plain_table);
    tcase_add_test(tc, test_ellipsis);
    tcase_add_test(tc, test_measured);
    tcase_add_test(tc, test_overflow);
    tcase_add_test(tc, test_overflow_last);
    tcase_add_test(tc, test_ellipsis_narrow);
    tcase_add_test(tc, test_nan);
    tcase_add_test(tc, test_no_columns);
    tcase_add_test(tc, test_brec);
    tcase_add_test(tc, test_brec_csv);
    tcase_add_test(tc, test_csv);
    tcase_add_test(tc, test_csv_people);
    tcase_add_test(tc, test_json);
    tcase_add_test(tc, test_json_people);
    tcase_add_test(tc, test_json_plain);
    tcase_add_test(tc, test_json_brec);
    tcase_add_test(tc, test_json_no_columns);
    tcase_add_test(tc, test_json_blocks);
    tcase_add_test(tc, test_json_blocks_metric);
    tcase_add_loop_test(tc, test_json_header, 0, COUNT(json_headers));
    tcase_add_test(tc, test_nothing_to_escape);
    tcase_add_test(tc, test_emphasis);
    tcase_add_loop_test(tc, test_no_emphasis, 0, 2);
    tcase_add_loop_test(tc, test_rich_header, 0, COUNT(headers));
    tcase_add_test(tc, test_rich_header_table);
    tcase_add_test(tc, test_processed);
    tcase_add_test(tc, test_processed_csv);
    tcase_add_test(tc, test_processed_csv_metric);
    tcase_add_test(tc, test_files);
    tcase_add_test(tc, test_blocks_csv);
    tcase_add_test(tc, test_large);
    tcase_add_test(tc, test_buffer_edges);
    tcase_add_loop_test(tc, test_before_write, 0, 2);
    tcase_add_test(tc, test_closed_pipe);
    tcase_add_test(tc, test_non_blocking);
    tcase_add_test(tc, test_full_disk);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
