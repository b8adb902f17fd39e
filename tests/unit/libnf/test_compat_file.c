/* SPDX-License-Identifier: BSD-3-Clause */
/** Files of libnf.h: written and read record by record, exporters, facts, damage, reading in a
 * loop. */
#include "flowfile_check.h"

#include "element.h"
#include "field.h"
#include "record.h"

#include <arpa/inet.h>
#include <libnf/index.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>

static char path[64];

/* The linker sends the library's allocations here (--wrap); large ones may fail. */
static bool starved;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size)
{
    return starved && size > 1000 ? NULL : __real_malloc(size);
}

static void setup(void)
{
    starved = false;
    snprintf(path, sizeof(path), "/tmp/libnf-test-compat-XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void teardown(void)
{
    unlink(path);
}

static lnf_file_t *open_file(unsigned flags, const char *ident)
{
    lnf_file_t *file = NULL;
    char text[400];

    int status = lnf_open(&file, path, flags, ident);
    lnf_error(text, sizeof(text));
    ck_assert_msg(status == LNF_OK, "%s", text);
    return file;
}

static lnf_rec_t *new_record(void)
{
    lnf_rec_t *rec = NULL;

    ck_assert_int_eq(lnf_rec_init(&rec), LNF_OK);
    return rec;
}

/** A flow whose numbers tell which one it is. */
static void set_flow(lnf_rec_t *rec, unsigned number)
{
    lnf_brec1_t brec;

    memset(&brec, 0, sizeof(brec));
    brec.first = 1700000000000 + number;
    brec.last = brec.first + 10;
    brec.srcaddr.data[3] = htonl(0x0a000000 + number);
    brec.dstaddr.data[3] = htonl(0xc0000201);
    brec.prot = number % 2 == 0 ? 6 : 17;
    brec.srcport = (uint16_t)number;
    brec.bytes = 100 + number;
    brec.pkts = 1 + number;
    brec.flows = number % 3 == 0 ? 2 : 1;
    lnf_rec_clear(rec);
    ck_assert_int_eq(lnf_rec_fset(rec, LNF_FLD_BREC1, &brec), LNF_OK);
}

static void write_flows(lnf_file_t *file, unsigned first, unsigned count)
{
    lnf_rec_t *rec = new_record();

    for (unsigned i = first; i < first + count; i++) {
        set_flow(rec, i);
        ck_assert_int_eq(lnf_write(file, rec), LNF_OK);
    }
    lnf_rec_free(rec);
}

static void expect_flow(lnf_rec_t *rec, unsigned number)
{
    lnf_brec1_t brec;

    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_BREC1, &brec), LNF_OK);
    ck_assert_uint_eq(brec.bytes, 100 + number);
    ck_assert_uint_eq(brec.pkts, 1 + number);
    ck_assert_uint_eq(brec.first, 1700000000000 + number);
    ck_assert_uint_eq(brec.srcaddr.data[3], htonl(0x0a000000 + number));
    ck_assert_uint_eq(brec.flows, number % 3 == 0 ? 2 : 1);
}

static void expect_flows(lnf_file_t *file, unsigned first, unsigned count)
{
    lnf_rec_t *rec = new_record();

    for (unsigned i = first; i < first + count; i++) {
        ck_assert_int_eq(lnf_read(file, rec), LNF_OK);
        expect_flow(rec, i);
    }
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(lnf_read(file, rec), LNF_EOF);
    }
    lnf_rec_free(rec);
}

static uint64_t info_u64(lnf_file_t *file, int info)
{
    uint64_t value = 99;

    ck_assert_int_eq(lnf_info(file, info, &value, sizeof(value)), LNF_OK);
    return value;
}

static int info_int(lnf_file_t *file, int info)
{
    int value = 99;

    ck_assert_int_eq(lnf_info(file, info, &value, sizeof(value)), LNF_OK);
    return value;
}

/* ---- writing and reading --------------------------------------------------------------------- */

static const struct {
    unsigned flag;
    enum lnf_codec codec;
} codec_rows[] = {{0, LNF_CODEC_NONE},
                  {LNF_COMP_LZO, LNF_CODEC_LZO},
                  {LNF_COMP_BZ2, LNF_CODEC_BZ2},
                  {LNF_COMP_LZ4, LNF_CODEC_LZ4},
                  {LNF_COMP_ZSTD, LNF_CODEC_ZSTD},
                  {LNF_COMP_BZ2 | LNF_COMP_LEVEL(1), LNF_CODEC_BZ2},
                  {LNF_COMP_LZ4 | LNF_COMP_LEVEL(9), LNF_CODEC_LZ4},
                  {LNF_COMP_ZSTD | LNF_COMP_LEVEL(7), LNF_CODEC_ZSTD}};

#define MANY 15000u /* more than a block takes */

START_TEST(test_round_trip)
{
    enum lnf_codec codec = codec_rows[_i].codec;
    char ident[200];

    if (!lnf_codec_available(codec)) {
        return;
    }
    lnf_file_t *file = open_file(LNF_WRITE | codec_rows[_i].flag, "a name");
    write_flows(file, 0, MANY);
    uint64_t flows = info_u64(file, LNF_INFO_FLOWS);
    ck_assert_uint_eq(flows, MANY + MANY / 3);
    lnf_close(file);

    file = open_file(LNF_READ, NULL);
    ck_assert_int_eq(info_int(file, LNF_INFO_COMPRESSED), codec != LNF_CODEC_NONE);
    ck_assert_int_eq(info_int(file, LNF_INFO_LZO_COMPRESSED), codec == LNF_CODEC_LZO);
    ck_assert_int_eq(info_int(file, LNF_INFO_BZ2_COMPRESSED), codec == LNF_CODEC_BZ2);
    ck_assert_int_eq(info_int(file, LNF_INFO_ANONYMIZED), 0);
    ck_assert_int_eq(info_int(file, LNF_INFO_CATALOG), 0);
    ck_assert_uint_eq(info_u64(file, LNF_INFO_FILE_VERSION), 2);
    ck_assert_uint_eq(info_u64(file, LNF_INFO_FLOWS), flows);
    ck_assert_uint_gt(info_u64(file, LNF_INFO_BLOCKS), 1);
    ck_assert_uint_eq(info_u64(file, LNF_INFO_PROC_BLOCKS), 0);
    ck_assert_int_eq(lnf_info(file, LNF_INFO_IDENT, ident, sizeof(ident)), LNF_OK);
    ck_assert_str_eq(ident, "a name");
    expect_flows(file, 0, MANY);
    ck_assert_uint_eq(info_u64(file, LNF_INFO_PROC_BLOCKS), info_u64(file, LNF_INFO_BLOCKS));
    lnf_close(file);
    lnf_close(NULL);
}
END_TEST

/** Every sum of the statistics record, while writing and when read. */
START_TEST(test_statistics)
{
    static const uint8_t protocols[] = {6, 17, 1, 58, 47, 6};
    static const int classes[] = {0, 1, 2, 2, 3, 0};
    uint64_t sums[3][4] = {{0}}, all[3] = {0};
    lnf_rec_t *rec = new_record();

    lnf_file_t *file = open_file(LNF_WRITE, NULL);
    ck_assert_uint_eq(info_u64(file, LNF_INFO_FIRST), 0);
    for (unsigned i = 0; i < 6; i++) {
        uint64_t out_packets = 5, out_bytes = 50;
        set_flow(rec, i);
        ck_assert_int_eq(lnf_rec_fset(rec, LNF_FLD_PROT, (void *)(uintptr_t)&protocols[i]), LNF_OK);
        ck_assert_int_eq(lnf_rec_fset(rec, LNF_FLD_OUT_PKTS, &out_packets), LNF_OK);
        ck_assert_int_eq(lnf_rec_fset(rec, LNF_FLD_OUT_BYTES, &out_bytes), LNF_OK);
        ck_assert_int_eq(lnf_write(file, rec), LNF_OK);
        uint64_t numbers[3] = {i % 3 == 0 ? 2 : 1, 150 + i, 6 + i};
        for (unsigned n = 0; n < 3; n++) {
            sums[n][classes[i]] += numbers[n];
            all[n] += numbers[n];
        }
    }
    for (unsigned round = 0; round < 2; round++) {
        ck_assert_uint_eq(info_u64(file, LNF_INFO_FLOWS), all[0]);
        ck_assert_uint_eq(info_u64(file, LNF_INFO_BYTES), all[1]);
        ck_assert_uint_eq(info_u64(file, LNF_INFO_PACKETS), all[2]);
        for (int c = 0; c < 4; c++) {
            ck_assert_uint_eq(info_u64(file, LNF_INFO_FLOWS_TCP + 2 * c), sums[0][c]);
            ck_assert_uint_eq(info_u64(file, LNF_INFO_BYTES_TCP + 2 * c), sums[1][c]);
            ck_assert_uint_eq(info_u64(file, LNF_INFO_PACKETS_TCP + 2 * c), sums[2][c]);
        }
        ck_assert_uint_eq(info_u64(file, LNF_INFO_FIRST), 1700000000000);
        ck_assert_uint_eq(info_u64(file, LNF_INFO_LAST), 1700000000015);
        ck_assert_uint_eq(info_u64(file, LNF_INFO_FAILURES), 0);
        lnf_close(file);
        file = open_file(LNF_READ, NULL);
    }
    lnf_close(file);
    lnf_rec_free(rec);
}
END_TEST

/** Only what was set takes room, but every flow has a generic element. */
START_TEST(test_empty_record)
{
    lnf_rec_t *rec = new_record();
    uint64_t flows = 0, first = 5;
    size_t size;

    lnf_file_t *file = open_file(LNF_WRITE, NULL);
    ck_assert_int_eq(lnf_write(file, rec), LNF_OK);
    lnf_close(file);
    file = open_file(LNF_READ, NULL);
    ck_assert_int_eq(lnf_read(file, rec), LNF_OK);
    (void)lnf_rec_raw(rec, &size);
    ck_assert_uint_eq(size, 64);
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_FIRST, &first), LNF_OK);
    ck_assert_uint_eq(first, 0);
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_AGGR_FLOWS, &flows), LNF_ERR_NOTSET);
    ck_assert_int_eq(lnf_read(file, rec), LNF_EOF);
    lnf_close(file);
    lnf_rec_free(rec);
}
END_TEST

/** Records know their file's ident and their number in it as long as they are records of it. */
START_TEST(test_places)
{
    char text[] = "ident router-1 and count 7";
    lnf_rec_t *rec = new_record(), *copy = new_record();
    lnf_filter_t *filter;
    uint16_t port = 1;
    unsigned found = 0;

    lnf_file_t *file = open_file(LNF_WRITE, "router-1");
    write_flows(file, 0, 10);
    lnf_close(file);
    ck_assert_int_eq(lnf_filter_init(&filter, text), LNF_OK);
    file = open_file(LNF_READ, NULL);
    for (unsigned number = 1; lnf_read(file, rec) == LNF_OK; number++) {
        ck_assert_uint_eq(lnf_rec_number(rec), number);
        ck_assert_str_eq(lnf_rec_ident(rec), "router-1");
        if (lnf_filter_match(filter, rec) == 1) {
            found++;
            ck_assert_uint_eq(number, 7);
            ck_assert_int_eq(lnf_rec_copy(copy, rec), LNF_OK);
        }
    }
    lnf_close(file);
    ck_assert_uint_eq(found, 1);
    ck_assert_int_eq(lnf_filter_match(filter, rec), 0); /* nothing was read at the end */
    ck_assert_int_eq(lnf_filter_match(filter, copy), 1);
    ck_assert_int_eq(lnf_rec_fset(copy, LNF_FLD_DSTPORT, &port), LNF_OK);
    ck_assert_int_eq(lnf_filter_match(filter, copy), 1);
    lnf_rec_clear(copy);
    ck_assert_int_eq(lnf_filter_match(filter, copy), 0);
    lnf_filter_free(filter);
    lnf_rec_free(copy);
    lnf_rec_free(rec);
}
END_TEST

START_TEST(test_anonymised)
{
    lnf_rec_t *rec = new_record();

    lnf_file_t *file = open_file(LNF_WRITE | LNF_ANON, NULL);
    ck_assert_int_eq(info_int(file, LNF_INFO_ANONYMIZED), 1);
    write_flows(file, 0, 1);
    lnf_close(file);
    file = open_file(LNF_READ, NULL);
    ck_assert_int_eq(lnf_read(file, rec), LNF_OK);
    ck_assert_int_eq(info_int(file, LNF_INFO_ANONYMIZED), 1);
    lnf_close(file);
    lnf_rec_free(rec);
}
END_TEST

START_TEST(test_append)
{
    char ident[100];

    lnf_file_t *file = open_file(LNF_WRITE | LNF_COMP_LZ4, "first");
    write_flows(file, 0, 10);
    lnf_close(file);
    for (unsigned i = 1; i < 4; i++) {
        file = open_file(LNF_APPEND, "other");
        ck_assert_int_eq(info_int(file, LNF_INFO_COMPRESSED), 1);
        ck_assert_int_eq(lnf_info(file, LNF_INFO_IDENT, ident, sizeof(ident)), LNF_OK);
        ck_assert_str_eq(ident, "first");
        ck_assert_uint_eq(info_u64(file, LNF_INFO_BLOCKS), i);
        write_flows(file, i * 10, 10);
        lnf_close(file);
    }
    file = open_file(LNF_READ, NULL);
    ck_assert_uint_eq(info_u64(file, LNF_INFO_BLOCKS), 4);
    expect_flows(file, 0, 40);
    lnf_close(file);
}
END_TEST

/* ---- exporters ------------------------------------------------------------------------------- */

static struct lnf_exporter make_exporter(unsigned number)
{
    struct lnf_exporter exporter = {.sysid = 999, .version = 9 + number % 2, .domain_id = number};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000000 + number)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (number % 3 == 0) {
        v6.sin6_addr.s6_addr[0] = 0x20;
        v6.sin6_addr.s6_addr[15] = (uint8_t)number;
        memcpy(&exporter.address, &v6, sizeof(v6));
    } else {
        memcpy(&exporter.address, &v4, sizeof(v4));
    }
    return exporter;
}

/** Records keep their exporters when they are copied from file to file, through several blocks. */
START_TEST(test_exporters)
{
    enum { EXPORTERS = 50, FLOWS = 13000 };
    lnf_rec_t *rec = new_record();

    lnf_file_t *file = open_file(LNF_WRITE | LNF_COMP_LZ4, NULL);
    for (unsigned i = 0; i < FLOWS; i++) {
        struct lnf_exporter exporter = make_exporter(i % EXPORTERS);
        set_flow(rec, i);
        lnf_rec_set_exporter(rec, i % 7 == 0 ? NULL : &exporter);
        ck_assert_int_eq(lnf_write(file, rec), LNF_OK);
    }
    lnf_close(file);

    file = open_file(LNF_READ, NULL);
    for (unsigned i = 0; i < FLOWS; i++) {
        struct lnf_exporter expected = make_exporter(i % EXPORTERS);
        ck_assert_int_eq(lnf_read(file, rec), LNF_OK);
        expect_flow(rec, i);
        const struct lnf_exporter *exporter = lnf_rec_exporter(rec);
        ck_assert_int_eq(exporter == NULL, i % 7 == 0);
        if (exporter != NULL) {
            ck_assert_uint_eq(exporter->version, expected.version);
            ck_assert_uint_eq(exporter->domain_id, expected.domain_id);
            ck_assert(memcmp(&exporter->address, &expected.address, sizeof(expected.address)) == 0);
            ck_assert(exporter->sysid <= EXPORTERS || exporter->sysid == expected.sysid);
        }
    }
    ck_assert_int_eq(lnf_read(file, rec), LNF_EOF);
    lnf_close(file);
    lnf_rec_free(rec);
}
END_TEST

/** A file of one block without compression with these records. */
static void put_records(const uint8_t *records, size_t size, uint32_t count)
{
    ck_assert_int_eq(test_file_write(path, LNF_CODEC_NONE, NULL, 0, 0, 0, 1), LNF_OK);
    struct octets o = octets_read(path);
    octets_unfinish(&o);
    o.at = realloc(o.at, 52 + size);
    lnf_store_u32(o.at + 40, count);
    lnf_store_u32(o.at + 44, (uint32_t)size);
    lnf_store_u32(o.at + 48, 3);
    memcpy(o.at + 52, records, size);
    octets_write(path, o.at, 52 + size);
    octets_free(&o);
}

/** Adds a flow with a generic element. */
static size_t add_flow(uint8_t *at, uint16_t sysid)
{
    memset(at, 0, 64);
    lnf_store_u16(at, 11);
    lnf_store_u16(at + 2, 64);
    lnf_store_u16(at + 4, 1);
    lnf_store_u16(at + 8, sysid);
    lnf_store_u16(at + 12, 1);
    lnf_store_u16(at + 14, 52);
    return 64;
}

static size_t add_exporter(uint8_t *at, uint16_t size, const uint8_t address[16], uint16_t family,
                           uint16_t sysid)
{
    memset(at, 0, size);
    lnf_store_u16(at, 7);
    lnf_store_u16(at + 2, size);
    if (size >= 32) {
        lnf_store_u32(at + 4, 10);
        memcpy(at + 8, address, 16);
        lnf_store_u16(at + 24, family);
        lnf_store_u16(at + 26, sysid);
        lnf_store_u32(at + 28, 5);
    }
    return size;
}

/** Both encodings of addresses; a number that gets a new meaning; records of a wrong size. */
START_TEST(test_exporter_encodings)
{
    static const uint8_t old4[16] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0xC0};
    static const uint8_t old6[16] = {2, 0, 1, 0, 0xB8, 0x0D, 1, 0x20, 6, 0, 5, 0, 4, 0, 3, 0};
    static const uint8_t new4[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1};
    static const uint8_t new6[16] = {0x20, 1, 0x0D, 0xB8, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6};
    static const struct {
        const uint8_t *octets;
        uint16_t family;
        const char *text;
    } rows[] = {{old4, 2, "192.0.2.1"},
                {old6, 10, "2001:db8:1:2:3:4:5:6"},
                {new4, 0, "192.0.2.1"},
                {new6, 0, "2001:db8:1:2:3:4:5:6"}};
    uint8_t records[1000];
    size_t size = 0;
    lnf_rec_t *rec = new_record();

    for (unsigned i = 0; i < 4; i++) {
        size += add_exporter(records + size, 32, rows[i].octets, rows[i].family, 7);
        size += add_exporter(records + size, i % 2 == 0 ? 28 : 36, new6, 0, 7); /* not read */
        size += add_flow(records + size, 7);
    }
    size += add_flow(records + size, 8); /* not announced */
    put_records(records, size, 13);
    lnf_file_t *file = open_file(LNF_READ, NULL);
    for (unsigned i = 0; i < 4; i++) {
        char text[64];
        uint8_t ip[16];
        static const uint8_t zeros[12];
        ck_assert_int_eq(lnf_read(file, rec), LNF_OK);
        ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_EXPORTER_IP, ip), LNF_OK);
        bool v4 = memcmp(ip, zeros, 12) == 0;
        inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? ip + 12 : ip, text, sizeof(text));
        ck_assert_str_eq(text, rows[i].text);
    }
    ck_assert_int_eq(lnf_read(file, rec), LNF_OK);
    ck_assert_ptr_null(lnf_rec_exporter(rec));
    ck_assert_int_eq(lnf_read(file, rec), LNF_EOF);
    lnf_close(file);
    lnf_rec_free(rec);
}
END_TEST

/** Numbers of exporters stay what they are, unless two exporters have the same one. */
START_TEST(test_exporter_numbers)
{
    static const struct {
        unsigned exporter; /* 0 = none is known, the record has the number only */
        uint16_t number, written;
        bool known;
    } rows[] = {{1, 7, 7, true},  {0, 9, 9, false}, {2, 7, 1, true},  {3, 9, 2, true},
                {0, 7, 0, false}, {1, 5, 7, true},  {0, 9, 9, false}, {0, 0, 0, false},
                {4, 0, 3, true},  {2, 8, 1, true}};
    enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
    uint8_t octets[64];
    lnf_rec_t *rec = new_record();
    size_t size;

    lnf_file_t *file = open_file(LNF_WRITE, NULL);
    for (unsigned i = 0; i < ROWS; i++) {
        struct lnf_exporter exporter = make_exporter(rows[i].exporter);
        exporter.sysid = rows[i].number;
        memset(octets, 0, sizeof(octets));
        lnf_store_u32(octets, 11 | 64 << 16);
        lnf_store_u16(octets + 4, 1);
        lnf_store_u16(octets + 8, rows[i].number);
        lnf_store_u32(octets + 12, 1 | 52 << 16);
        ck_assert_int_eq(lnf_rec_assign(rec, octets, sizeof(octets)), LNF_OK);
        lnf_rec_set_exporter(rec, rows[i].exporter == 0 ? NULL : &exporter);
        ck_assert_int_eq(lnf_write(file, rec), LNF_OK);
    }
    lnf_close(file);
    file = open_file(LNF_READ, NULL);
    for (unsigned i = 0; i < ROWS; i++) {
        ck_assert_int_eq(lnf_read(file, rec), LNF_OK);
        ck_assert_uint_eq(lnf_load_u16(lnf_rec_raw(rec, &size) + 8), rows[i].written);
        const struct lnf_exporter *exporter = lnf_rec_exporter(rec);
        ck_assert_int_eq(exporter != NULL, rows[i].known);
        if (exporter != NULL) {
            ck_assert_uint_eq(exporter->domain_id, rows[i].exporter);
        }
    }
    ck_assert_int_eq(lnf_read(file, rec), LNF_EOF);
    lnf_close(file);
    lnf_rec_free(rec);
}
END_TEST

/* ---- reading, changing, writing -------------------------------------------------------------- */

/** Adds an element whose octets tell its type and place. */
static size_t add_element(uint8_t *at, uint16_t id, size_t size)
{
    lnf_store_u16(at, id);
    lnf_store_u16(at + 2, (uint16_t)(size + 4));
    for (size_t i = 0; i < size; i++) {
        at[4 + i] = (uint8_t)(id * 7 + i + 1);
    }
    return size + 4;
}

/** A flow with every element there is, of one address family, in descending order, and with what
 * libnf has no fields for: unknown, empty, short, old and repeated elements. */
static size_t add_whole_flow(uint8_t *at, bool ipv6)
{
    static const uint16_t v4[] = {2, 8, 10, 12, 20, 31}, v6[] = {3, 9, 11, 13, 21, 32};
    size_t size = LNF_RECORD_HEADER_SIZE;
    uint16_t count = 0;

    for (unsigned id = LNF_ELEMENT_COUNT - 1; id > 0; id--) {
        bool left_out = false;
        for (unsigned i = 0; i < 6; i++) {
            left_out = left_out || id == (ipv6 ? v4 : v6)[i];
        }
        if (left_out) {
            continue;
        }
        const struct lnf_element *element = lnf_element_get((uint16_t)id);
        size_t longer = element->variable ? 1 + id % 5 : id % 3 == 0 ? 2 : 0;
        size += add_element(at + size, (uint16_t)id, element->size + longer);
        count++;
    }
    size += add_element(at + size, 0, 6);      /* none */
    size += add_element(at + size, 64, 0);     /* unknown, without data */
    size += add_element(at + size, 60000, 77); /* unknown */
    size += add_element(at + size, 7, 3);      /* too short */
    size += add_element(at + size, 25, 24);    /* the old one of NAT events */
    size += add_element(at + size, 18, 16);    /* the newer one of samplers */
    size += add_element(at + size, 6, 8);      /* comes twice */
    count += 7;
    lnf_store_u16(at, 11);
    lnf_store_u16(at + 2, (uint16_t)size);
    lnf_store_u16(at + 4, count);
    at[6] = 0x61; /* engine type, engine id, exporter, flags, version */
    at[7] = 0x62;
    lnf_store_u16(at + 8, 7);
    at[10] = 0x02;
    at[11] = 10;
    return size;
}

/** Octets of the record a change of this field may touch. */
static void mark_place(const struct lnf_field *field, const uint8_t *record, size_t size, bool ipv6,
                       uint8_t *touched)
{
    unsigned id = field->element, offset = field->offset;
    unsigned width = field->type == LNF_ADDR ? (ipv6 ? 16 : 4) : field->width;

    if (field->source == LNF_SOURCE_HEADER) {
        memset(touched + offset, 1, width);
        return;
    }
    if (field->type == LNF_ADDR && ipv6) {
        id = field->element6;
        offset = field->offset6;
    }
    if (field->id == LNF_FLD_ICMP_TYPE || field->id == LNF_FLD_ICMP_CODE) {
        id = LNF_ELEMENT_GENERIC;
        offset = field->id == LNF_FLD_ICMP_TYPE ? 43 : 42;
        width = 1;
    }
    if (field->id == LNF_FLD_EVENT_FLAG) {
        touched[LNF_RECORD_OFFSET_FLAGS] = 1;
        return;
    }
    for (size_t at = LNF_RECORD_HEADER_SIZE; at < size; at += lnf_load_u16(record + at + 2)) {
        if (lnf_load_u16(record + at) == id) {
            memset(touched + at + 4 + offset, 1, width);
            return;
        }
    }
    if (field->element6 != 0) { /* a value two elements can hold, and the other one is there */
        struct lnf_field other = *field;
        other.element = field->element6;
        other.offset = field->offset6;
        other.element6 = 0;
        mark_place(&other, record, size, ipv6, touched);
        return;
    }
    ck_abort_msg("no place of %s", field->name);
}

/** Sets a field to a value other than before; false for fields nobody can set. */
static bool change_field(lnf_rec_t *rec, const struct lnf_field *field, bool ipv6)
{
    uint8_t value[512] = {0};

    if (field->source == LNF_SOURCE_COMPUTED && field->id != LNF_FLD_ICMP_TYPE &&
        field->id != LNF_FLD_ICMP_CODE && field->id != LNF_FLD_EVENT_FLAG) {
        return false;
    }
    if (field->id == LNF_FLD_EXPORTER_SYSID_) {
        return false; /* the number is the file's matter, which knows the exporter */
    }
    if (field->type == LNF_STRING) {
        strcpy((char *)value, "another name");
    } else {
        memset(value, 0x5a, 40);
    }
    if (field->type == LNF_ADDR && !ipv6) {
        memset(value, 0, 12);
    }
    return lnf_rec_fset(rec, field->id, value) == LNF_OK;
}

/** One field is changed, everything else stays octet for octet: all elements, known or not. */
START_TEST(test_read_modify_write)
{
    static const uint8_t address[16] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0xC0};
    bool ipv6 = _i == 1;
    uint8_t records[8000], touched[4000];
    unsigned changed = 0;
    lnf_rec_t *rec = new_record();

    size_t start = add_exporter(records, 32, address, 2, 7);
    size_t size = add_whole_flow(records + start, ipv6);
    char original[sizeof(path)];
    put_records(records, start + size, 2);
    memcpy(original, path, sizeof(path));
    snprintf(path, sizeof(path), "%s", "/tmp/libnf-test-compat-XXXXXX");
    close(mkstemp(path));
    for (unsigned i = 0; i < lnf_field_count; i++) {
        const struct lnf_field *field = &lnf_field_table[i];
        lnf_file_t *in = NULL, *out;
        size_t got;
        ck_assert_int_eq(lnf_open(&in, original, LNF_READ, NULL), LNF_OK);
        ck_assert_int_eq(lnf_read(in, rec), LNF_OK);
        lnf_close(in);
        bool set = change_field(rec, field, ipv6);
        changed += set;
        out = open_file(LNF_WRITE | (i % 2 == 0 ? LNF_COMP_LZ4 : 0), NULL);
        ck_assert_int_eq(lnf_write(out, rec), LNF_OK);
        lnf_close(out);
        in = open_file(LNF_READ, NULL);
        ck_assert_int_eq(lnf_read(in, rec), LNF_OK);
        const uint8_t *raw = lnf_rec_raw(rec, &got);
        ck_assert_uint_eq(got, size);
        memset(touched, 0, sizeof(touched));
        if (set) {
            mark_place(field, records + start, size, ipv6, touched);
            ck_assert_msg(memcmp(raw, records + start, size) != 0, "%s not changed", field->name);
        }
        for (size_t at = 0; at < size; at++) {
            ck_assert_msg(touched[at] || raw[at] == records[start + at],
                          "octet %zu differs after a change of %s", at, field->name);
        }
        ck_assert_uint_eq(lnf_rec_exporter(rec)->version, 10);
        ck_assert_int_eq(lnf_read(in, rec), LNF_EOF);
        lnf_close(in);
    }
    ck_assert_uint_gt(changed, 70);
    unlink(original);
    lnf_rec_free(rec);
}
END_TEST

/** The flag nfdump uses for itself is not written; the others are. */
START_TEST(test_record_flags)
{
    uint8_t records[64];
    size_t size;
    lnf_rec_t *rec = new_record();

    (void)add_flow(records, 0);
    records[10] = 0xff;
    ck_assert_int_eq(lnf_rec_assign(rec, records, sizeof(records)), LNF_OK);
    lnf_file_t *file = open_file(LNF_WRITE, NULL);
    ck_assert_int_eq(lnf_write(file, rec), LNF_OK);
    lnf_close(file);
    file = open_file(LNF_READ, NULL);
    ck_assert_int_eq(lnf_read(file, rec), LNF_OK);
    ck_assert_uint_eq(lnf_rec_raw(rec, &size)[10], 0x7f);
    lnf_close(file);
    lnf_rec_free(rec);
}
END_TEST

/* ---- damage ---------------------------------------------------------------------------------- */

/** Damaged and unknown records are weak errors with a text; reading goes on behind them. */
START_TEST(test_weak_records)
{
    uint8_t records[1000];
    size_t size = 0;
    char text[400];
    lnf_rec_t *rec = new_record();

    size += add_flow(records, 0);
    size_t damaged = size;
    size += add_flow(records + size, 0);
    records[damaged + 4] = 9; /* elements */
    lnf_store_u32(records + size, 200 | 8 << 16);
    lnf_store_u32(records + size + 4, 0);
    size += 8;
    static const uint16_t silent[] = {3, 4, 5, 6, 8, 9, 12, 13, 14, 15, 256};
    for (unsigned i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
        lnf_store_u16(records + size, silent[i]);
        lnf_store_u16(records + size + 2, 4);
        size += 4;
    }
    size += add_flow(records + size, 0);
    put_records(records, size, 15);

    lnf_file_t *file = open_file(LNF_READ | LNF_WEAKERR, NULL);
    ck_assert_int_eq(lnf_read(file, rec), LNF_OK);
    ck_assert_int_eq(lnf_read(file, rec), LNF_ERR_UNKREC);
    lnf_error(text, sizeof(text));
    ck_assert_ptr_nonnull(strstr(text, "damaged"));
    ck_assert_int_eq(lnf_read(file, rec), LNF_ERR_UNKREC);
    lnf_error(text, sizeof(text));
    ck_assert_ptr_nonnull(strstr(text, "unknown type"));
    ck_assert_int_eq(lnf_read(file, rec), LNF_OK);
    ck_assert_int_eq(lnf_read(file, rec), LNF_EOF);
    lnf_close(file);
    lnf_rec_free(rec);
}
END_TEST

/** Which records other than flows are passed over silently: all types up to beyond the known ones.
 */
START_TEST(test_record_types)
{
    uint8_t records[64 + 8];
    lnf_rec_t *rec = new_record();

    for (unsigned type = 0; type < 300; type++) {
        bool silent = (type >= 2 && type <= 9) || (type >= 12 && type <= 15) || type == 256;
        if (type == 11) {
            continue;
        }
        lnf_store_u16(records, (uint16_t)type);
        lnf_store_u16(records + 2, 8);
        lnf_store_u32(records + 4, 0);
        size_t size = 8 + add_flow(records + 8, 0);
        put_records(records, size, 2);
        lnf_file_t *file = open_file(LNF_READ, NULL);
        if (!silent) {
            ck_assert_msg(lnf_read(file, rec) == LNF_ERR_UNKREC, "type %u", type);
        }
        ck_assert_msg(lnf_read(file, rec) == LNF_OK, "type %u", type);
        ck_assert_int_eq(lnf_read(file, rec), LNF_EOF);
        lnf_close(file);
    }
    lnf_rec_free(rec);
}
END_TEST

/** A record whose size is wrong takes the rest of its block with it. */
START_TEST(test_broken_chain)
{
    static const uint16_t sizes[] = {0, 3, 65535};
    uint8_t records[300];
    size_t size = add_flow(records, 0);
    lnf_rec_t *rec = new_record();

    size_t second = size;
    size += add_flow(records + size, 0);
    size += add_flow(records + size, 0);
    lnf_store_u16(records + second + 2, sizes[_i]);
    put_records(records, size, 3);
    lnf_file_t *file = open_file(LNF_READ, NULL);
    ck_assert_int_eq(lnf_read(file, rec), LNF_OK);
    ck_assert_int_eq(lnf_read(file, rec), LNF_ERR_UNKBLOCK);
    ck_assert_int_eq(lnf_read(file, rec), LNF_EOF);
    lnf_close(file);
    lnf_rec_free(rec);
}
END_TEST

/** Blocks that cannot be read, of an unknown type or damaged, are told once each. */
START_TEST(test_weak_blocks)
{
    static const struct {
        unsigned block;
        unsigned type; /* 0 = the payload is damaged */
        int status;
    } rows[] = {{0, 77, LNF_ERR_UNKBLOCK}, {1, 77, LNF_ERR_UNKBLOCK}, {3, 77, LNF_ERR_UNKBLOCK},
                {0, 0, LNF_ERR_UNKBLOCK},  {1, 0, LNF_ERR_UNKBLOCK},  {3, 0, LNF_ERR_UNKBLOCK},
                {0, 1, LNF_ERR_COMPAT15},  {1, 1, LNF_ERR_COMPAT15},  {3, 1, LNF_ERR_COMPAT15}};
    lnf_rec_t *rec = new_record();
    unsigned flows = 0, weak = 0;
    int status;

    ck_assert_int_eq(test_file_write(path, LNF_CODEC_LZ4, NULL, 0, 0, 12, 3), LNF_OK);
    struct octets o = octets_read(path);
    size_t block = octets_block(&o, rows[_i].block);
    if (rows[_i].type != 0) {
        lnf_store_u16(o.at + block + 8, (uint16_t)rows[_i].type);
    } else {
        memset(o.at + block + 12, 0xff, octets_block(&o, rows[_i].block + 1) - block - 12);
    }
    octets_write(path, o.at, o.size);
    lnf_file_t *file = open_file(LNF_READ, NULL);
    while ((status = lnf_read(file, rec)) != LNF_EOF) {
        ck_assert(status == LNF_OK || status == rows[_i].status);
        flows += status == LNF_OK;
        weak += status == rows[_i].status;
    }
    ck_assert_uint_eq(flows, 9);
    ck_assert_uint_eq(weak, 1);
    ck_assert_int_eq(lnf_read(file, rec), LNF_EOF);
    lnf_close(file);
    lnf_rec_free(rec);
    octets_free(&o);
}
END_TEST

/* ---- errors ---------------------------------------------------------------------------------- */

START_TEST(test_open_errors)
{
    lnf_file_t *file = NULL;
    char text[400];

    ck_assert_int_eq(lnf_open(&file, "/nonexistent/file", LNF_READ, NULL), LNF_ERR_OTHER);
    lnf_error(text, sizeof(text));
    ck_assert_ptr_nonnull(strstr(text, "/nonexistent/file"));
    ck_assert_int_eq(lnf_open(&file, "/nonexistent/file", LNF_WRITE, NULL), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_open(&file, "/dev/full", LNF_WRITE, NULL), LNF_ERR_OTHER);
    lnf_error(text, sizeof(text));
    ck_assert_ptr_nonnull(strstr(text, "No space left"));
    ck_assert_int_eq(lnf_open(&file, NULL, LNF_WRITE, NULL), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_open(&file, NULL, LNF_READ | LNF_READ_LOOP, NULL), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_open(&file, path, LNF_WRITE | LNF_COMP_LZO | LNF_COMP_BZ2, NULL),
                     LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_open(&file, path, LNF_WRITE, "\x01"), LNF_ERR_OTHER);
    octets_write(path, (const uint8_t *)"no flow file, but long enough to hold a header", 46);
    ck_assert_int_eq(lnf_open(&file, path, LNF_READ, NULL), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_open(&file, path, LNF_APPEND, NULL), LNF_ERR_OTHER);
    ck_assert_ptr_null(file);
}
END_TEST

static off_t file_octets(void)
{
    struct stat st;

    ck_assert_int_eq(stat(path, &st), 0);
    return st.st_size;
}

/** A level is one of the codec asked for; else nothing is made, replaced or continued. */
START_TEST(test_levels)
{
    lnf_file_t *file = open_file(LNF_WRITE | LNF_COMP_LZ4, NULL);
    write_flows(file, 0, MANY);
    lnf_close(file);
    off_t fast = file_octets();

    file = NULL;
    ck_assert_int_eq(lnf_open(&file, path, LNF_WRITE | LNF_COMP_LZ4 | LNF_COMP_LEVEL(13), NULL),
                     LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_open(&file, path, LNF_WRITE | LNF_COMP_LZO | LNF_COMP_LEVEL(1), NULL),
                     LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_open(&file, path, LNF_WRITE | LNF_COMP_LEVEL(1), NULL), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_open(&file, path, LNF_APPEND | LNF_COMP_LEVEL(1), NULL), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_open(&file, path, LNF_APPEND | LNF_COMP_LZ4 | LNF_COMP_LEVEL(13), NULL),
                     LNF_ERR_OTHER);
    ck_assert_ptr_null(file);
    ck_assert_int_eq(file_octets(), fast);

    file = open_file(LNF_APPEND | LNF_COMP_LZ4 | LNF_COMP_LEVEL(12), NULL);
    write_flows(file, MANY, MANY);
    lnf_close(file);
    ck_assert_int_lt(file_octets() - fast, fast);
    file = open_file(LNF_READ, NULL);
    expect_flows(file, 0, 2 * MANY);
    lnf_close(file);

    file = open_file(LNF_WRITE | LNF_COMP_LZ4 | LNF_COMP_LEVEL(12), NULL);
    write_flows(file, 0, MANY);
    lnf_close(file);
    ck_assert_int_lt(file_octets(), fast);
}
END_TEST

/** Codec and level are those of new files: one that is continued goes on with its own codec. */
START_TEST(test_level_of_another_codec)
{
    if (!lnf_codec_available(LNF_CODEC_ZSTD)) {
        return;
    }
    lnf_file_t *file = open_file(LNF_WRITE | LNF_COMP_LZ4, NULL);
    write_flows(file, 0, 100);
    lnf_close(file);
    file = open_file(LNF_APPEND | LNF_COMP_ZSTD | LNF_COMP_LEVEL(19), NULL);
    write_flows(file, 100, 100);
    lnf_close(file);
    lnf_input_t *input = NULL;
    ck_assert_int_eq(lnf_input_open(path, NULL, NULL, &input, NULL), LNF_OK);
    ck_assert_int_eq(lnf_input_codec(input), LNF_CODEC_LZ4);
    lnf_input_close(input);
    file = open_file(LNF_READ, NULL);
    expect_flows(file, 0, 200);
    lnf_close(file);
}
END_TEST

/** A level the codec does not have is found before anything is done: the file and its index stay as
 * they are, and none is made. */
START_TEST(test_wrong_level_touches_nothing)
{
    const unsigned wrong = LNF_APPEND | LNF_COMP_LZ4 | LNF_COMP_LEVEL(13);
    struct lnf_error error;
    lnf_file_t *file = open_file(LNF_WRITE | LNF_COMP_LZ4, NULL);
    char index[128];

    ck_assert(lnf_index_path(path, index, sizeof(index)));
    write_flows(file, 0, 100);
    lnf_close(file);
    ck_assert_int_eq(lnf_index_make(path, NULL, &error), LNF_OK);
    struct octets before = octets_read(path), index_before = octets_read(index);
    file = NULL;
    ck_assert_int_eq(lnf_open(&file, path, wrong, NULL), LNF_ERR_OTHER);
    ck_assert_ptr_null(file);
    struct octets after = octets_read(path), index_after = octets_read(index);
    ck_assert_uint_eq(after.size, before.size);
    ck_assert_int_eq(memcmp(after.at, before.at, after.size), 0);
    ck_assert_uint_eq(index_after.size, index_before.size);
    octets_free(&before);
    octets_free(&index_before);
    octets_free(&after);
    octets_free(&index_after);

    ck_assert_int_eq(unlink(index), 0);
    unlink(path);
    ck_assert_int_eq(lnf_open(&file, path, wrong, NULL), LNF_ERR_OTHER);
    ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

START_TEST(test_wrong_direction)
{
    lnf_rec_t *rec = new_record();

    lnf_file_t *file = open_file(LNF_WRITE, NULL);
    ck_assert_int_eq(lnf_read(file, rec), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_write(file, rec), LNF_OK);
    lnf_close(file);
    file = open_file(LNF_READ, NULL);
    ck_assert_int_eq(lnf_write(file, rec), LNF_ERR_WRITE);
    ck_assert_int_eq(lnf_read(file, rec), LNF_OK);
    lnf_close(file);
    lnf_rec_free(rec);
}
END_TEST

/** A full disk is told by the write that needs the room, and again until there is room. */
START_TEST(test_full_disk)
{
    lnf_rec_t *rec = new_record();
    char text[400];
    unsigned written = 0;
    int status, again;

    lnf_file_t *file = open_file(LNF_WRITE, NULL);
    do {
        set_flow(rec, written);
        limit_file_size(1000);
        status = lnf_write(file, rec);
        lnf_error(text, sizeof(text));
        again = status == LNF_OK ? LNF_OK : lnf_write(file, rec);
        limit_file_size(RLIM_INFINITY);
        written += status == LNF_OK;
    } while (status == LNF_OK && written < 20000);
    ck_assert_int_eq(status, LNF_ERR_WRITE);
    ck_assert_int_eq(again, LNF_ERR_WRITE);
    ck_assert_ptr_nonnull(strstr(text, "File too large"));
    ck_assert_int_eq(lnf_write(file, rec), LNF_OK); /* the record that was refused */
    lnf_close(file);
    file = open_file(LNF_READ, NULL);
    expect_flows(file, 0, written + 1);
    lnf_close(file);
    lnf_rec_free(rec);
}
END_TEST

START_TEST(test_info)
{
    char text[200];
    uint64_t value;
    int number;

    ck_assert_int_eq(lnf_info(NULL, LNF_INFO_VERSION, text, sizeof(text)), LNF_OK);
    ck_assert_uint_gt(strlen(text), 0);
    ck_assert_int_eq(lnf_info(NULL, LNF_INFO_NFDUMP_VERSION, text, sizeof(text)), LNF_OK);
    ck_assert_str_eq(text, "1.7.1");
    ck_assert_int_eq(lnf_info(NULL, LNF_INFO_NFDUMP_VERSION, text, 5), LNF_ERR_NOMEM);
    ck_assert_int_eq(lnf_info(NULL, LNF_INFO_FLOWS, &value, sizeof(value)), LNF_ERR_OTHER);

    lnf_file_t *file = open_file(LNF_WRITE, "name");
    ck_assert_int_eq(lnf_info(file, LNF_INFO_FLOWS, &value, 7), LNF_ERR_NOMEM);
    ck_assert_int_eq(lnf_info(file, LNF_INFO_COMPRESSED, &number, 3), LNF_ERR_NOMEM);
    ck_assert_int_eq(lnf_info(file, LNF_INFO_IDENT, text, 4), LNF_ERR_NOMEM);
    ck_assert_int_eq(lnf_info(file, LNF_INFO_IDENT, text, 5), LNF_OK);
    ck_assert_int_eq(lnf_info(file, LNF_INFO_IDENT, NULL, 5), LNF_ERR_NOMEM);
    ck_assert_int_eq(lnf_info(file, 0x77, &value, sizeof(value)), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_info(file, LNF_INFO_FLOWS_TCP + 1, &value, sizeof(value)), LNF_ERR_OTHER);
    ck_assert_int_eq(lnf_info(file, LNF_INFO_PACKETS_OTHER + 2, &value, sizeof(value)),
                     LNF_ERR_OTHER);
    lnf_close(file);
}
END_TEST

/** As if the writer had died: without an appendix, and statistics with it. */
static void leave_unfinished(void)
{
    struct octets o = octets_read(path);
    uint64_t appendix = le64toh(lnf_load_u64(o.at + 24));

    memset(o.at + 18, 0, 2); /* blocks in the appendix */
    memset(o.at + 24, 0, 8); /* its offset */
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(o.at, 1, (size_t)appendix, file), appendix);
    ck_assert_int_eq(fclose(file), 0);
    octets_free(&o);
}

/** Statistics computed without some of the blocks are none. */
START_TEST(test_info_without_memory)
{
    uint64_t value = 99;
    char text[200];

    lnf_file_t *file = open_file(LNF_WRITE, NULL);
    write_flows(file, 0, 3);
    lnf_close(file);
    leave_unfinished();
    file = open_file(LNF_READ, NULL);
    ck_assert_uint_eq(info_u64(file, LNF_INFO_FLOWS), 4);
    lnf_close(file);

    file = open_file(LNF_READ, NULL);
    starved = true;
    ck_assert_int_eq(lnf_info(file, LNF_INFO_FLOWS, &value, sizeof(value)), LNF_ERR_NOMEM);
    lnf_error(text, sizeof(text));
    starved = false;
    ck_assert_uint_eq(value, 99);
    ck_assert_msg(strstr(text, "no memory") != NULL, "%s", text);
    ck_assert_uint_eq(info_u64(file, LNF_INFO_BLOCKS), 1);
    lnf_close(file);
}
END_TEST

/* ---- reading in a loop ----------------------------------------------------------------------- */

static atomic_uint read_count;

static void *read_in_loop(void *context)
{
    lnf_file_t *file = context;
    lnf_rec_t *rec = new_record();
    int status;

    while ((status = lnf_read(file, rec)) != LNF_EOF) {
        ck_assert_int_eq(status, LNF_OK);
        unsigned number = atomic_load(&read_count);
        expect_flow(rec, number);
        ck_assert_uint_eq(lnf_rec_number(rec), number < 20 ? number + 1 : number - 19);
        atomic_fetch_add(&read_count, 1);
    }
    lnf_rec_free(rec);
    return NULL;
}

static void wait_for(unsigned count)
{
    for (unsigned i = 0; i < 1500 && atomic_load(&read_count) < count; i++) {
        usleep(10000);
    }
    ck_assert_uint_eq(atomic_load(&read_count), count);
}

/** Appended flows, then a new file of the same name, then none: each flow once, then the end. */
START_TEST(test_loop)
{
    pthread_t thread;
    char other[80];

    lnf_file_t *file = open_file(LNF_WRITE | LNF_COMP_LZ4, NULL);
    write_flows(file, 0, 10);
    lnf_close(file);
    lnf_file_t *reader = open_file(LNF_READ | LNF_READ_LOOP, NULL);
    atomic_store(&read_count, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, read_in_loop, reader), 0);
    wait_for(10);

    file = open_file(LNF_APPEND, NULL);
    write_flows(file, 10, 10);
    lnf_close(file);
    wait_for(20);

    snprintf(other, sizeof(other), "%s.new", path);
    ck_assert_int_eq(lnf_open(&file, other, LNF_WRITE, NULL), LNF_OK);
    write_flows(file, 20, 5);
    lnf_close(file);
    ck_assert_int_eq(rename(other, path), 0);
    wait_for(25);

    unlink(path);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(atomic_load(&read_count), 25);
    lnf_close(reader);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("libnf/compat_file");
    TCase *tc = tcase_create("compat_file");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, test_round_trip, 0, sizeof(codec_rows) / sizeof(codec_rows[0]));
    tcase_add_test(tc, test_statistics);
    tcase_add_test(tc, test_empty_record);
    tcase_add_test(tc, test_places);
    tcase_add_test(tc, test_anonymised);
    tcase_add_test(tc, test_append);
    tcase_add_test(tc, test_exporters);
    tcase_add_test(tc, test_exporter_encodings);
    tcase_add_test(tc, test_exporter_numbers);
    tcase_add_loop_test(tc, test_read_modify_write, 0, 2);
    tcase_add_test(tc, test_record_flags);
    tcase_add_test(tc, test_weak_records);
    tcase_add_test(tc, test_record_types);
    tcase_add_loop_test(tc, test_broken_chain, 0, 3);
    tcase_add_loop_test(tc, test_weak_blocks, 0, 9);
    tcase_add_test(tc, test_open_errors);
    tcase_add_test(tc, test_levels);
    tcase_add_test(tc, test_level_of_another_codec);
    tcase_add_test(tc, test_wrong_level_touches_nothing);
    tcase_add_test(tc, test_wrong_direction);
    tcase_add_test(tc, test_full_disk);
    tcase_add_test(tc, test_info);
    tcase_add_test(tc, test_info_without_memory);
    tcase_add_test(tc, test_loop);
    suite_add_tcase(suite, tc);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
