/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Flow files of real collectors, every codec and layout, read field for field as nfdump prints
 * them.
 *
 * The samples lie beside the repository; without them the test is skipped. X.raw is the output of
 * `nfdump -o raw` on X.nf, X.info that of `nfdump -v`, `-I` and `-E`.
 */
#include "field.h"
#include "file.h"
#include "record.h"
#include "stat.h"

#include <arpa/inet.h>
#include <check.h>
#include <dirent.h>
#include <libnf/bytes.h>
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SAMPLES TEST_SHARED_DIR "/data/nffile"
#define NAMES_MAX 100

static char *names[NAMES_MAX]; /* without ".nf" */
static int name_count;

static char *path_of(const char *name, const char *suffix)
{
    static char path[4096];

    snprintf(path, sizeof(path), "%s/%s%s", SAMPLES, name, suffix);
    return path;
}

/** A file as text; NULL when there is none. */
static char *read_text(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t size = 0;

    if (file == NULL) {
        return NULL;
    }
    ck_assert(getdelim(&text, &size, '\0', file) >= 0 || feof(file));
    fclose(file);
    return text;
}

/* ---- values as nfdump prints them ------------------------------------------------------------ */

enum format {
    NUMBER,  /* decimal or 0x..., a name behind it */
    ADDRESS, /* IPv4 or IPv6 */
    MAC,
    ACL,          /* three numbers */
    MPLS,         /* label-exp-bottom, the row's number is in the key */
    MILLISECONDS, /* with a fraction; the field has microseconds */
    ICMP,         /* type.code */
    FLAGS,        /* 0 unless the protocol is TCP */
    TEXT,
    OTHER, /* not a field of the record */
};

static const struct line {
    const char *key;
    int field;
    enum format format;
} lines[] = {
    {"engine type", LNF_FLD_ENGINE_TYPE, NUMBER},
    {"engine ID", LNF_FLD_ENGINE_ID, NUMBER},
    {"export sysid", LNF_FLD_EXPORTER_SYSID_, NUMBER},
    {"first", LNF_FLD_FIRST, NUMBER},
    {"last", LNF_FLD_LAST, NUMBER},
    {"received at", LNF_FLD_RECEIVED, NUMBER},
    {"proto", LNF_FLD_PROT, NUMBER},
    {"tcp flags", LNF_FLD_TCP_FLAGS, FLAGS},
    {"src port", LNF_FLD_SRCPORT, NUMBER},
    {"dst port", LNF_FLD_DSTPORT, NUMBER},
    {"ICMP", LNF_FLD_ICMP_TYPE, ICMP},
    {"src tos", LNF_FLD_TOS, NUMBER},
    {"dst tos", 0, OTHER}, /* nfdump 1.7.1 prints the source TOS here; see X.json */
    {"fwd status", LNF_FLD_FWD_STATUS, NUMBER},
    {"in packets", LNF_FLD_DPKTS, NUMBER},
    {"in bytes", LNF_FLD_DOCTETS, NUMBER},
    {"out packets", LNF_FLD_OUT_PKTS, NUMBER},
    {"out bytes", LNF_FLD_OUT_BYTES, NUMBER},
    {"aggr flows", LNF_FLD_AGGR_FLOWS, NUMBER},
    {"src addr", LNF_FLD_SRCADDR, ADDRESS},
    {"dst addr", LNF_FLD_DSTADDR, ADDRESS},
    {"input", LNF_FLD_INPUT, NUMBER},
    {"output", LNF_FLD_OUTPUT, NUMBER},
    {"src mask", LNF_FLD_SRC_MASK, NUMBER},
    {"dst mask", LNF_FLD_DST_MASK, NUMBER},
    {"direction", LNF_FLD_DIR, NUMBER},
    {"biFlow Dir", LNF_FLD_BIFLOW_DIR_, NUMBER},
    {"end reason", LNF_FLD_END_REASON_, NUMBER},
    {"src vlan", LNF_FLD_SRC_VLAN, NUMBER},
    {"dst vlan", LNF_FLD_DST_VLAN, NUMBER},
    {"src as", LNF_FLD_SRCAS, NUMBER},
    {"dst as", LNF_FLD_DSTAS, NUMBER},
    {"bgp next as", LNF_FLD_BGPNEXTADJACENTAS, NUMBER},
    {"bgp prev as", LNF_FLD_BGPPREVADJACENTAS, NUMBER},
    {"ip next hop", LNF_FLD_IP_NEXTHOP, ADDRESS},
    {"bgp next hop", LNF_FLD_BGP_NEXTHOP, ADDRESS},
    {"ip exporter", LNF_FLD_IP_ROUTER, ADDRESS},
    {"MPLS Lbl", LNF_FLD_MPLS_LABEL, MPLS},
    {"in src mac", LNF_FLD_IN_SRC_MAC, MAC},
    {"out dst mac", LNF_FLD_OUT_DST_MAC, MAC},
    {"in dst mac", LNF_FLD_IN_DST_MAC, MAC},
    {"out src mac", LNF_FLD_OUT_SRC_MAC, MAC},
    {"cli latency", LNF_FLD_CLIENT_NW_DELAY_USEC, MILLISECONDS},
    {"srv latency", LNF_FLD_SERVER_NW_DELAY_USEC, MILLISECONDS},
    {"app latency", LNF_FLD_APPL_LATENCY_USEC, MILLISECONDS},
    {"connect ID", LNF_FLD_CONN_ID, NUMBER},
    {"fw event", LNF_FLD_FW_EVENT, NUMBER},
    {"fw ext event", LNF_FLD_FW_XEVENT, NUMBER},
    {"Event time", LNF_FLD_EVENT_TIME, NUMBER},
    {"Ingress ACL", LNF_FLD_INGRESS_ACL, ACL},
    {"Egress ACL", LNF_FLD_EGRESS_ACL, ACL},
    {"username", LNF_FLD_USERNAME, TEXT},
    {"src xlt ip", LNF_FLD_XLATE_SRC_IP, ADDRESS},
    {"dst xlt ip", LNF_FLD_XLATE_DST_IP, ADDRESS},
    {"src xlt port", LNF_FLD_XLATE_SRC_PORT, NUMBER},
    {"dst xlt port", LNF_FLD_XLATE_DST_PORT, NUMBER},
    {"nat event", LNF_FLD_NAT_EVENT_, NUMBER},
    {"nat pool ID", LNF_FLD_NAT_POOL_, NUMBER},
    {"pblock start", LNF_FLD_BLOCK_START, NUMBER},
    {"pblock end", LNF_FLD_BLOCK_END, NUMBER},
    {"pblock step", LNF_FLD_BLOCK_STEP, NUMBER},
    {"pblock size", LNF_FLD_BLOCK_SIZE, NUMBER},
    {"ingress VRF", LNF_FLD_INGRESS_VRFID, NUMBER},
    {"egress VRF", LNF_FLD_EGRESS_VRFID, NUMBER},
    {"obs domainID", LNF_FLD_OBSERVATION_DOMAIN_, NUMBER},
    {"obs pointID", LNF_FLD_OBSERVATION_POINT_, NUMBER},
    {"ethertype", LNF_FLD_ETHERTYPE_, NUMBER},
    {"ip fragment", LNF_FLD_FRAGMENT_FLAGS_, NUMBER},
    {"ip minTTL", LNF_FLD_MIN_TTL_, NUMBER}, /* its second line is the largest */
    {"RecordCount", 0, OTHER},
    {"Ident", 0, OTHER},
    {"Flags", 0, OTHER},
    {"Elements", 0, OTHER},
    {"size", 0, OTHER},
    {"app ID", 0, OTHER},
    {"vlanID", 0, OTHER},
    {"post vlanID", 0, OTHER},
    {"custID", 0, OTHER},
    {"post custID", 0, OTHER},
    {"ingress IfID", 0, OTHER},
    {"egress IfID", 0, OTHER},
    {"IP version", 0, OTHER},
};

/** What is being compared, for messages. */
static const char *sample;
static unsigned record_number;
static unsigned not_generic; /* records without a generic element */

#define CHECK(condition, key)                                                                      \
    ck_assert_msg(condition, "%s, record %u: %s", sample, record_number, key)

static const struct line *find_line(const char *key)
{
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (strcmp(lines[i].key, key) == 0) {
            return &lines[i];
        }
    }
    ck_abort_msg("%s: unknown line '%s'", sample, key);
}

static uint64_t get_number(lnf_rec_t *rec, int field, const char *key)
{
    uint8_t octets[LNF_MAX_FIELD_LEN] = {0};

    CHECK(lnf_rec_fget(rec, field, octets) == LNF_OK, key);
    switch (lnf_field_get(field)->type) {
    case LNF_UINT8:
        return octets[0];
    case LNF_UINT16:
        return lnf_load_u16(octets);
    case LNF_UINT32:
        return lnf_load_u32(octets);
    default:
        return lnf_load_u64(octets);
    }
}

static void check_address(lnf_rec_t *rec, const struct line *line, const char *text)
{
    uint8_t expected[16] = {0}, octets[16];
    char word[64];

    CHECK(sscanf(text, "%63s", word) == 1, line->key);
    CHECK(inet_pton(AF_INET6, word, expected) == 1 || inet_pton(AF_INET, word, expected + 12) == 1,
          line->key);
    CHECK(lnf_rec_fget(rec, line->field, octets) == LNF_OK, line->key);
    CHECK(memcmp(octets, expected, 16) == 0, line->key);
}

static void check_mac(lnf_rec_t *rec, const struct line *line, const char *text)
{
    unsigned octets[6];
    lnf_mac_t mac;

    CHECK(sscanf(text, "%x:%x:%x:%x:%x:%x", octets, octets + 1, octets + 2, octets + 3, octets + 4,
                 octets + 5) == 6,
          line->key);
    CHECK(lnf_rec_fget(rec, line->field, &mac) == LNF_OK, line->key);
    for (unsigned i = 0; i < 6; i++) {
        CHECK(mac.data[i] == octets[i], line->key);
    }
}

static void check_acl(lnf_rec_t *rec, const struct line *line, const char *text)
{
    lnf_acl_t acl, expected;

    CHECK(sscanf(text, " 0x%x/0x%x/0x%x", &expected.acl_id, &expected.ace_id, &expected.xace_id) ==
              3,
          line->key);
    CHECK(lnf_rec_fget(rec, line->field, &acl) == LNF_OK, line->key);
    CHECK(memcmp(&acl, &expected, sizeof(acl)) == 0, line->key);
}

static void check_mpls(lnf_rec_t *rec, unsigned number, const char *text)
{
    unsigned label, experimental, bottom;
    lnf_mpls_t mpls;

    CHECK(sscanf(text, "%u-%u-%u", &label, &experimental, &bottom) == 3, "MPLS");
    CHECK(lnf_rec_fget(rec, LNF_FLD_MPLS_LABEL, &mpls) == LNF_OK, "MPLS");
    CHECK(number >= 1 && number <= 10, "MPLS");
    CHECK(mpls.data[number - 1] == (label << 4 | experimental << 1 | bottom), "MPLS");
}

static void check_icmp(lnf_rec_t *rec, const char *text)
{
    unsigned type, code;

    CHECK(sscanf(text, "%u.%u", &type, &code) == 2, "ICMP");
    CHECK(get_number(rec, LNF_FLD_ICMP_TYPE, "ICMP") == type, "ICMP");
    CHECK(get_number(rec, LNF_FLD_ICMP_CODE, "ICMP") == code, "ICMP");
    CHECK(get_number(rec, LNF_FLD_DSTPORT, "ICMP") == type * 256 + code, "ICMP");
}

static void check_text(lnf_rec_t *rec, const struct line *line, const char *text)
{
    char value[256];

    CHECK(lnf_rec_fget(rec, line->field, value) == LNF_OK, line->key);
    text += strspn(text, " ");
    CHECK(strncmp(value, text, strlen(value)) == 0 && text[strlen(value)] == '\0', line->key);
}

/** Fields of the record that lines told; the others must not hold anything. */
static bool told[0x400];

static void tell(int field)
{
    told[field] = true;
}

static void check_line(lnf_rec_t *rec, char *key, const char *value)
{
    unsigned mpls = 0;

    if (sscanf(key, "MPLS Lbl %u", &mpls) == 1) {
        strcpy(key, "MPLS Lbl");
    }
    const struct line *line = find_line(key);
    int field = line->field;
    if (field == LNF_FLD_MIN_TTL_ && told[field]) {
        field = LNF_FLD_MAX_TTL_;
    }
    switch (line->format) {
    case NUMBER:
        CHECK(get_number(rec, field, key) == strtoull(value, NULL, 0), key);
        break;
    case FLAGS:
        if (get_number(rec, LNF_FLD_PROT, key) == IPPROTO_TCP || strtoull(value, NULL, 0) != 0) {
            CHECK(get_number(rec, field, key) == strtoull(value, NULL, 0), key);
        }
        break;
    case MILLISECONDS:
        CHECK(get_number(rec, field, key) == (uint64_t)llround(strtod(value, NULL) * 1000), key);
        break;
    case ADDRESS:
        check_address(rec, line, value);
        break;
    case MAC:
        check_mac(rec, line, value);
        break;
    case ACL:
        check_acl(rec, line, value);
        break;
    case MPLS:
        check_mpls(rec, mpls, value);
        break;
    case ICMP:
        check_icmp(rec, value);
        tell(LNF_FLD_DSTPORT);
        break;
    case TEXT:
        check_text(rec, line, value);
        break;
    case OTHER:
        return;
    }
    tell(field);
}

/** Fields that nfdump prints otherwise, or that repeat others. */
static bool is_told_elsewhere(const struct lnf_field *field)
{
    switch (field->id) {
    case LNF_FLD_EXPORTER_IP:
    case LNF_FLD_EXPORTER_ID:
    case LNF_FLD_EXPORTER_VERSION:
    case LNF_FLD_NFVERSION_:
    case LNF_FLD_RECORD_FLAGS_:
    case LNF_FLD_DST_TOS:
    case LNF_FLD_FWD_STATUS: /* printed with some elements only */
        return true;
    case LNF_FLD_XLATE_SRC_IP:
    case LNF_FLD_XLATE_DST_IP:
    case LNF_FLD_XLATE_SRC_PORT:
    case LNF_FLD_XLATE_DST_PORT:
    case LNF_FLD_INGRESS_VRFID:
    case LNF_FLD_EGRESS_VRFID:
    case LNF_FLD_NAT_EVENT_:
        return sample[1] == '1'; /* nfdump 1.7.1 loses them; see check_translations() */
    case LNF_FLD_TOS:
        return told[LNF_FLD_ICMP_TYPE];
    case LNF_FLD_FW_EVENT:
    case LNF_FLD_EVENT_TIME: /* nfdump 1.7.8 does not print it */
        return told[LNF_FLD_NAT_EVENT_] || sample[1] == '1';
    case LNF_FLD_INGRESS_ACL_ID:
    case LNF_FLD_INGRESS_ACE_ID:
    case LNF_FLD_INGRESS_XACE_ID:
        return told[LNF_FLD_INGRESS_ACL];
    case LNF_FLD_EGRESS_ACL_ID:
    case LNF_FLD_EGRESS_ACE_ID:
    case LNF_FLD_EGRESS_XACE_ID:
        return told[LNF_FLD_EGRESS_ACL];
    default:
        return field->source == LNF_SOURCE_COMPUTED || field->source == LNF_SOURCE_PAIR;
    }
}

/** Nothing that nfdump did not print, other than zeros. */
static void check_nothing_more(lnf_rec_t *rec)
{
    uint8_t value[LNF_MAX_FIELD_LEN];

    for (unsigned i = 0; i < lnf_field_count; i++) {
        const struct lnf_field *field = &lnf_field_table[i];
        int size = 0;
        if (told[field->id] || is_told_elsewhere(field) ||
            lnf_rec_fget(rec, field->id, value) != LNF_OK) {
            continue;
        }
        (void)lnf_fld_info(field->id, LNF_FLD_INFO_SIZE, &size, sizeof(size));
        size = field->type == LNF_STRING ? 1 : size;
        bool zero = true;
        for (int at = 0; at < size; at++) {
            zero = zero && value[at] == 0;
        }
        bool one_flow = field->id == LNF_FLD_AGGR_FLOWS && value[0] == 1;
        CHECK(zero || one_flow, field->name);
    }
}

/* ---- whole files ----------------------------------------------------------------------------- */

/** Reads the next record; weak errors do not happen in sound files. */
static bool next_record(lnf_file_t *file, lnf_rec_t *rec, struct lnf_stat *sum)
{
    size_t size;
    int status = lnf_read(file, rec);

    CHECK(status == LNF_OK || status == LNF_EOF, "cannot be read");
    if (status == LNF_EOF) {
        return false;
    }
    record_number++;
    const uint8_t *raw = lnf_rec_raw(rec, &size);
    uint64_t before = sum->flows, first;
    lnf_stat_count_record(sum, raw, size);
    not_generic += lnf_rec_fget(rec, LNF_FLD_FIRST, &first) == LNF_ERR_NOTSET;
    CHECK(sum->flows > before || not_generic > 0, "does not count");
    return true;
}

/** Compares all records with the text of `nfdump -o raw`. */
static void check_raw(lnf_file_t *file, char *text, struct lnf_stat *sum)
{
    lnf_rec_t *rec;
    char *state;
    bool open = false;

    ck_assert_int_eq(lnf_rec_init(&rec), LNF_OK);
    for (char *line = strtok_r(text, "\n", &state); line != NULL;
         line = strtok_r(NULL, "\n", &state)) {
        if (strncmp(line, "Flow Record:", 12) == 0 || strncmp(line, "Summary:", 8) == 0) {
            if (open) {
                check_nothing_more(rec);
            }
            memset(told, 0, sizeof(told));
            open = line[0] == 'F';
            CHECK(!open || next_record(file, rec, sum), "is missing");
            continue;
        }
        char *equals = strstr(line, "= ");
        if (open && equals != NULL && line[0] == ' ') {
            char key[40];
            char *start = line + strspn(line, " "), *end = equals;
            while (end > start && end[-1] == ' ') {
                end--;
            }
            snprintf(key, sizeof(key), "%.*s", (int)(end - start), start);
            check_line(rec, key, equals + 2);
        }
    }
    CHECK(!next_record(file, rec, sum), "is one too many");
    lnf_rec_free(rec);
}

/**
 * Address translation in files of layout 1, which nfdump 1.7.1 does not print: the same packets as
 * in a file of layout 2, whose printout is `text`.
 */
static void check_translations(const char *name, char *text)
{
    static const char *const keys[] = {"src xlt ip", "dst xlt ip",  "src xlt port", "dst xlt port",
                                       "nat event",  "ingress VRF", "egress VRF"};
    lnf_file_t *file = NULL;
    lnf_rec_t *rec;
    struct lnf_stat sum;
    char *state;
    unsigned checked = 0;

    record_number = 0;
    lnf_stat_init(&sum);
    ck_assert_int_eq(lnf_rec_init(&rec), LNF_OK);
    ck_assert_int_eq(lnf_open(&file, path_of(name, ".nf"), LNF_READ, NULL), LNF_OK);
    for (char *line = strtok_r(text, "\n", &state); line != NULL;
         line = strtok_r(NULL, "\n", &state)) {
        if (strncmp(line, "Flow Record:", 12) == 0) {
            CHECK(next_record(file, rec, &sum), "is missing");
        }
        for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
            if (strncmp(line + strspn(line, " "), keys[i], strlen(keys[i])) == 0) {
                char key[20];
                snprintf(key, sizeof(key), "%s", keys[i]);
                check_line(rec, key, strstr(line, "= ") + 2);
                checked++;
            }
        }
    }
    ck_assert_uint_eq(checked, sizeof(keys) / sizeof(keys[0]));
    lnf_close(file);
    lnf_rec_free(rec);
}

/** The destination TOS of all records, as `nfdump -o json` prints it where there is one. */
static void check_dst_tos(const char *name, const char *json)
{
    static const char key[] = "\"dst_tos\" : ";
    lnf_file_t *file = NULL;
    lnf_rec_t *rec;
    struct lnf_stat sum;

    record_number = 0;
    lnf_stat_init(&sum);
    ck_assert_int_eq(lnf_rec_init(&rec), LNF_OK);
    ck_assert_int_eq(lnf_open(&file, path_of(name, ".nf"), LNF_READ, NULL), LNF_OK);
    while (next_record(file, rec, &sum)) {
        uint8_t tos = 0;
        json = strchr(json, '{');
        CHECK(json != NULL, "json");
        const char *end = strchr(json, '}');
        const char *at = strstr(json, key);
        unsigned long expected = at != NULL && at < end ? strtoul(at + strlen(key), NULL, 10) : 0;
        (void)lnf_rec_fget(rec, LNF_FLD_DST_TOS, &tos);
        CHECK(tos == expected, "dst tos");
        json = end;
    }
    lnf_close(file);
    lnf_rec_free(rec);
}

/** Number behind `name: ` of `nfdump -I`. */
static uint64_t info_number(const char *text, const char *name)
{
    char start[60];

    snprintf(start, sizeof(start), "\n%s: ", name);
    const char *at = strstr(text, start);
    ck_assert_msg(at != NULL, "%s: no %s", sample, name);
    return strtoull(at + strlen(start), NULL, 10);
}

/** Stored statistics and ident as nfdump reads them. */
static void check_info(lnf_file_t *file, const char *text)
{
    static const char *const classes[] = {"tcp", "udp", "icmp", "other"};
    static const struct {
        const char *name;
        int all, first;
    } rows[] = {{"Flows", LNF_INFO_FLOWS, LNF_INFO_FLOWS_TCP},
                {"Packets", LNF_INFO_PACKETS, LNF_INFO_PACKETS_TCP},
                {"Bytes", LNF_INFO_BYTES, LNF_INFO_BYTES_TCP}};
    char ident[200], line[260];
    uint64_t value;

    for (unsigned i = 0; i < 3; i++) {
        char name[40];
        ck_assert_int_eq(lnf_info(file, rows[i].all, &value, sizeof(value)), LNF_OK);
        ck_assert_uint_eq(value, info_number(text, rows[i].name));
        for (int c = 0; c < 4; c++) {
            snprintf(name, sizeof(name), "%s_%s", rows[i].name, classes[c]);
            ck_assert_int_eq(lnf_info(file, rows[i].first + 2 * c, &value, sizeof(value)), LNF_OK);
            ck_assert_uint_eq(value, info_number(text, name));
        }
    }
    ck_assert_int_eq(lnf_info(file, LNF_INFO_FIRST, &value, sizeof(value)), LNF_OK);
    ck_assert_uint_eq(value, info_number(text, "First") * 1000 + info_number(text, "msec_first"));
    ck_assert_int_eq(lnf_info(file, LNF_INFO_LAST, &value, sizeof(value)), LNF_OK);
    ck_assert_uint_eq(value, info_number(text, "Last") * 1000 + info_number(text, "msec_last"));
    ck_assert_int_eq(lnf_info(file, LNF_INFO_FAILURES, &value, sizeof(value)), LNF_OK);
    ck_assert_uint_eq(value, info_number(text, "Sequence failures"));
    ck_assert_int_eq(lnf_info(file, LNF_INFO_IDENT, ident, sizeof(ident)), LNF_OK);
    snprintf(line, sizeof(line), "\nIdent: %s\n", ident);
    ck_assert_ptr_nonnull(strstr(text, line));
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/** Every sample with a complete printout. */
START_TEST(test_sample)
{
    lnf_file_t *file = NULL;
    struct lnf_stat sum;
    uint64_t value = 0;
    char error[400];

    sample = names[_i];
    record_number = 0;
    not_generic = 0;
    char *raw = read_text(path_of(sample, ".raw"));
    char *info = read_text(path_of(sample, ".info"));
    char *json = read_text(path_of(sample, ".json"));
    bool readable = !starts_with(sample, "v3-") &&
                    !(strstr(sample, "-zstd") != NULL && !lnf_codec_available(LNF_CODEC_ZSTD)) &&
                    !(strstr(sample, "-lzo") != NULL && !lnf_codec_available(LNF_CODEC_LZO)) &&
                    !(strstr(sample, "-bz2") != NULL && !lnf_codec_available(LNF_CODEC_BZ2));
    int status = lnf_open(&file, path_of(sample, ".nf"), LNF_READ, NULL);
    ck_assert_msg((status == LNF_OK) == readable, "%s: status %d", sample, status);
    if (starts_with(sample, "v3-")) {
        lnf_error(error, sizeof(error));
        ck_assert_ptr_nonnull(strstr(error, "file layout 3 (nfdump 1.8) is not supported"));
    }
    if (readable) {
        ck_assert_int_eq(lnf_info(file, LNF_INFO_FILE_VERSION, &value, sizeof(value)), LNF_OK);
        ck_assert_uint_eq(value, (uint64_t)(sample[1] - '0'));
        if (info != NULL && strstr(sample, "interrupted") == NULL) {
            check_info(file, info);
        }
        if (raw != NULL) {
            lnf_stat_init(&sum);
            check_raw(file, raw, &sum);
            ck_assert_int_eq(lnf_info(file, LNF_INFO_FLOWS, &value, sizeof(value)), LNF_OK);
            /* nfdump 1.7.1 counts records without a generic element, too. */
            ck_assert(value == sum.flows || value == sum.flows + not_generic);
        }
        if (starts_with(sample, "v1-mixed")) {
            char *other = read_text(path_of("v2-mixed-none", ".raw"));
            ck_assert_ptr_nonnull(other);
            check_translations(sample, other);
            free(other);
        }
        if (json != NULL && record_number > 0) {
            check_dst_tos(sample, json);
        }
    }
    lnf_close(file);
    free(raw);
    free(info);
    free(json);
}
END_TEST

/** Exporters of the records are those `nfdump -E` lists. */
START_TEST(test_exporters)
{
    lnf_file_t *file = NULL;
    lnf_rec_t *rec;
    struct lnf_stat sum;
    unsigned version, domain_id, found = 0;
    char pattern[100];

    sample = names[_i];
    record_number = 0;
    char *info = read_text(path_of(sample, ".info"));
    if (info == NULL || strstr(info, "SysID: ") == NULL ||
        lnf_open(&file, path_of(sample, ".nf"), LNF_READ, NULL) != LNF_OK) {
        free(info);
        return;
    }
    lnf_stat_init(&sum);
    ck_assert_int_eq(lnf_rec_init(&rec), LNF_OK);
    while (next_record(file, rec, &sum)) {
        const struct lnf_exporter *exporter = lnf_rec_exporter(rec);
        CHECK(exporter != NULL, "no exporter");
        snprintf(pattern, sizeof(pattern),
                 "SysID: %u, IP:        127.0.0.1, version: ", exporter->sysid);
        const char *at = strstr(info, pattern);
        CHECK(at != NULL, "exporter");
        at = strpbrk(at + strlen(pattern), "0123456789"); /* a name is before it, since 1.7.8 */
        CHECK(sscanf(at, "%u, ID: %u", &version, &domain_id) == 2, "exporter");
        CHECK(exporter->version == version, "version");
        CHECK(exporter->domain_id == domain_id, "domain id");
        struct sockaddr_in v4;
        memcpy(&v4, &exporter->address, sizeof(v4));
        CHECK(v4.sin_family == AF_INET && ntohl(v4.sin_addr.s_addr) == INADDR_LOOPBACK, "address");
        found++;
    }
    ck_assert_uint_gt(found, 0);
    lnf_rec_free(rec);
    lnf_close(file);
    free(info);
}
END_TEST

/* ---- the large ones -------------------------------------------------------------------------- */

static void print_flow(FILE *to, lnf_rec_t *rec)
{
    lnf_brec1_t brec;
    uint8_t flags = 0;
    char src[64], dst[64];

    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_BREC1, &brec), LNF_OK);
    ck_assert_int_eq(lnf_rec_fget(rec, LNF_FLD_TCP_FLAGS, &flags), LNF_OK);
    inet_ntop(AF_INET, &brec.srcaddr.data[3], src, sizeof(src));
    inet_ntop(AF_INET, &brec.dstaddr.data[3], dst, sizeof(dst));
    fprintf(to, "%llu,%llu,%s,%s,%u,%u,%u,%u,%llu,%llu\n", (unsigned long long)brec.first,
            (unsigned long long)brec.last, src, dst, brec.srcport, brec.dstport, brec.prot, flags,
            (unsigned long long)brec.pkts, (unsigned long long)brec.bytes);
}

/** Files whose list of flows is known by its checksum; one of them was never closed. */
START_TEST(test_large)
{
    static const struct {
        const char *name;
        unsigned flows, blocks;
        int finished;
    } rows[] = {{"v2-multi-bz2", 9000, 3, 1}, {"v2-interrupted-bz2", 4160, 1, 0}};
    char list[] = "/tmp/libnf-test-samples-XXXXXX", command[200], sum[40] = "";
    lnf_file_t *file = NULL;
    lnf_rec_t *rec;
    struct lnf_stat stat;
    uint64_t value = 0;

    sample = rows[_i].name;
    record_number = 0;
    char *md5 = read_text(path_of(sample, ".nfread.md5"));
    if (md5 == NULL || !lnf_codec_available(LNF_CODEC_BZ2)) {
        free(md5);
        return;
    }
    int fd = mkstemp(list);
    FILE *to = fdopen(fd, "w");
    ck_assert_ptr_nonnull(to);
    ck_assert_int_eq(lnf_rec_init(&rec), LNF_OK);
    ck_assert_int_eq(lnf_open(&file, path_of(sample, ".nf"), LNF_READ, NULL), LNF_OK);
    lnf_stat_init(&stat);
    while (next_record(file, rec, &stat)) {
        print_flow(to, rec);
    }
    fclose(to);
    ck_assert_uint_eq(record_number, rows[_i].flows);
    ck_assert_int_eq(lnf_info(file, LNF_INFO_BLOCKS, &value, sizeof(value)), LNF_OK);
    ck_assert_uint_eq(value, rows[_i].blocks);
    ck_assert_int_eq(lnf_info(file, LNF_INFO_FLOWS, &value, sizeof(value)), LNF_OK);
    ck_assert_uint_eq(value, rows[_i].flows);
    ck_assert_int_eq(lnf_info(file, LNF_INFO_BYTES, &value, sizeof(value)), LNF_OK);
    ck_assert_uint_eq(value, stat.bytes);
    lnf_rec_free(rec);
    lnf_close(file);

    snprintf(command, sizeof(command), "md5sum < %s", list);
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    ck_assert_int_eq(fscanf(pipe, "%39[0-9a-f]", sum), 1);
    pclose(pipe);
    unlink(list);
    ck_assert_uint_eq(strlen(sum), 32);
    ck_assert_int_eq(strncmp(md5, sum, 32), 0);
    free(md5);
}
END_TEST

static bool find_samples(void)
{
    DIR *folder = opendir(SAMPLES);
    struct dirent *entry;

    if (folder == NULL) {
        return false;
    }
    while ((entry = readdir(folder)) != NULL && name_count < NAMES_MAX) {
        size_t length = strlen(entry->d_name);
        if (length > 3 && strcmp(entry->d_name + length - 3, ".nf") == 0) {
            names[name_count++] = strndup(entry->d_name, length - 3);
        }
    }
    closedir(folder);
    return name_count > 0;
}

int main(void)
{
    if (!find_samples()) {
        printf("skipped: no samples in %s\n", SAMPLES);
        return 77;
    }
    Suite *suite = suite_create("libnf/samples");
    TCase *tc = tcase_create("samples");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, test_sample, 0, name_count);
    tcase_add_loop_test(tc, test_exporters, 0, name_count);
    tcase_add_loop_test(tc, test_large, 0, 2);
    suite_add_tcase(suite, tc);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    for (int i = 0; i < name_count; i++) {
        free(names[i]);
    }
    return failed == 0 ? 0 : 1;
}
