/* SPDX-License-Identifier: BSD-3-Clause */
/** Words into a question: columns and their order, limits, what is refused; packing. */
#include "query.h"
#include "suite_main.h"

#include <libnf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ITEMS (QUERY_RECORDS | QUERY_PROCESSED)
#define TEXT_MAX 2048

static struct query query;
static struct failure failure;

static void setup(void)
{
    query = (struct query){.filter = NULL};
}

static void teardown(void)
{
    query_clear(&query);
}

static int build(const struct query_words *words)
{
    query_clear(&query);
    return query_build(words, ITEMS, &query, &failure);
}

#define BUILD(...) build(&(struct query_words){__VA_ARGS__})

/** Like main.c: a question is accepted when libnf takes it, too. */
static int accept(const struct query_words *words)
{
    lnf_query_t *compiled = NULL;
    int class = build(words);

    if (class == REPORT_OK) {
        class = query_compile(&query, &compiled, &failure);
        lnf_query_destroy(compiled);
    }
    return class;
}

#define ACCEPT(...) accept(&(struct query_words){__VA_ARGS__})

/** The columns as people see them: "srcip* bytes> ...", keys with *, the order with < or >. */
static const char *columns(void)
{
    static char text[TEXT_MAX];
    size_t used = 0;

    for (unsigned i = 0; i < query.shown_count; i++) {
        const struct query_shown *shown = &query.shown[i];
        char name[32];
        query_field_name(shown->field, name, sizeof(name));
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s%s%s", i > 0 ? " " : "",
                                 name, shown->key ? "*" : "",
                                 !shown->order           ? ""
                                 : query.sort_descending ? ">"
                                                         : "<");
    }
    text[used] = '\0';
    return text;
}

/* ---- columns -------------------------------------------------------------------------------- */

#define LIST "first packets bytes srcip dstip srcport dstport proto flags"
#define GROUPS "duration flows packets bytes flags bps pps bpp"

static const struct {
    struct query_words words;
    enum query_mode mode;
    uint64_t limit;
    const char *columns;
} questions[] = {
    {{.fields = NULL}, QUERY_LIST, 0, LIST},
    {{.fields = "srcip,bytes"}, QUERY_LIST, 0, "srcip bytes"},
    {{.fields = ""}, QUERY_LIST, 0, ""},
    {{.fields = "bytes,srcip,bytes,srcip"}, QUERY_LIST, 0, "bytes srcip"},
    {{.order = "bytes"},
     QUERY_SORT,
     0,
     "bytes> first packets srcip dstip srcport dstport proto flags"},
    {{.order = "bytes#asc", .fields = "srcip"}, QUERY_SORT, 0, "bytes< srcip"},
    {{.order = "srcip#desc", .fields = ""}, QUERY_SORT, 0, "srcip>"},
    {{.order = "bpp", .fields = ""}, QUERY_SORT, 0, "bpp<"},
    {{.aggregation = "srcip"}, QUERY_AGGREGATE, 0, "srcip* " GROUPS},
    {{.aggregation = "srcip,dstport", .order = "bytes"},
     QUERY_AGGREGATE,
     0,
     "srcip* dstport* bytes> duration flows packets flags bps pps bpp"},
    {{.aggregation = "srcip,proto", .order = "proto", .fields = "flows"},
     QUERY_AGGREGATE,
     0,
     "srcip* proto*< flows"},
    {{.aggregation = "srcip,srcip/8,srcnet", .fields = ""}, QUERY_AGGREGATE, 0, "srcip*"},
    {{.aggregation = "srcip/24", .order = "srcip", .fields = ""}, QUERY_AGGREGATE, 0, "srcip*<"},
    {{.statistic = "srcip"},
     QUERY_AGGREGATE,
     10,
     "srcip* flows> duration packets bytes flags bps pps bpp"},
    {{.statistic = "srcip,dstip#bytes#asc", .fields = ""},
     QUERY_AGGREGATE,
     10,
     "srcip* dstip* bytes<"},
    {{.statistic = "srcip,dstip/flows", .fields = ""}, QUERY_AGGREGATE, 10, "srcip* dstip* flows>"},
    {{.statistic = "srcip/24/bytes", .fields = ""}, QUERY_AGGREGATE, 10, "srcip* bytes>"},
    {{.statistic = "srcip/24", .fields = ""}, QUERY_AGGREGATE, 10, "srcip* flows>"},
    {{.statistic = "srcip/24,dstip", .fields = ""}, QUERY_AGGREGATE, 10, "srcip* dstip* flows>"},
    {{.statistic = "srcip/24/48", .fields = ""}, QUERY_AGGREGATE, 10, "srcip* flows>"},
    /* What is given explicitly wins over -s, wherever it stands. */
    {{.statistic = "srcip", .limit = "5", .fields = ""}, QUERY_AGGREGATE, 5, "srcip* flows>"},
    {{.statistic = "srcip", .limit = "0", .fields = ""}, QUERY_AGGREGATE, 0, "srcip* flows>"},
    {{.statistic = "srcip#bytes", .order = "packets#asc", .fields = ""},
     QUERY_AGGREGATE,
     10,
     "srcip* packets<"},
    {{.statistic = "srcip#bytes", .aggregation = "dstip", .fields = ""},
     QUERY_AGGREGATE,
     10,
     "dstip* bytes>"},
    {{.limit = "15"}, QUERY_LIST, 15, LIST},
    /* Aliases and other spellings get their canonical names. */
    {{.fields = "pkts,outpkts,nexthop,router,systype,sysid,icmpcode,icmptype,tcpflags,srcnet,"
                "dstnet"},
     QUERY_LIST,
     0,
     "packets outpackets nextip routerip engine-type engine-id icmp-code icmp-type flags srcip "
     "dstip"},
    {{.aggregation = "net", .fields = ""}, QUERY_AGGREGATE, 0, "ip*"},
    {{.fields = "octetDeltaCount,sourceIPv4Address,sourceIPv6Address"},
     QUERY_LIST,
     0,
     "bytes srcip"},
    {{.fields = "samplerinterval,sampleinterval,exporterip,exporterid,sequencefailures"},
     QUERY_LIST,
     0,
     "sampleinterval exporterip exporterid sequencefailures"},
    {{.fields = "brec1"}, QUERY_LIST, 0, "brec1"},
    {{.order = "bytes", .fields = "brec1,flows"}, QUERY_SORT, 0, "bytes> brec1 flows"},
    {{.aggregation = "port,ip,as,if,vlan", .fields = "srcport"},
     QUERY_AGGREGATE,
     0,
     "port* ip* as* if* vlan* srcport"},
};

START_TEST(test_question)
{
    int class = accept(&questions[_i].words);

    ck_assert_msg(class == REPORT_OK, "%s", failure.text);
    ck_assert_int_eq(query.mode, questions[_i].mode);
    ck_assert_uint_eq(query.limit, questions[_i].limit);
    ck_assert_str_eq(columns(), questions[_i].columns);
    if (query.mode == QUERY_SORT) {
        ck_assert_int_ge(query.sort_column, 0);
    }
}
END_TEST

/* ---- what is refused ------------------------------------------------------------------------ */

static const struct {
    struct query_words words;
    const char *text; /* part of the message */
} refused[] = {
    {{.aggregation = ""}, "no aggregation key given"},
    {{.statistic = ""}, "no aggregation key given"},
    {{.statistic = "#bytes"}, "no aggregation key given"},
    {{.aggregation = ","}, "empty field name in aggregation keys `,'"},
    {{.aggregation = "srcip,"}, "empty field name in aggregation keys `srcip,'"},
    {{.aggregation = ",srcip"}, "empty field name"},
    {{.aggregation = "nosuch"}, "unknown libnf field `nosuch'"},
    {{.aggregation = "SRCIP"}, "unknown libnf field `SRCIP'"},
    {{.aggregation = " srcip"}, "unknown libnf field"},
    {{.aggregation = "bps"}, "bps"},
    {{.aggregation = "username"}, "username"},
    {{.aggregation = "srcip", .fields = "username"}, "cannot be aggregated"},
    {{.aggregation = "mpls"}, "mpls"},
    {{.aggregation = "ingressacl"}, "ingressacl"},
    {{.aggregation = "brec1"}, "brec1"},
    {{.aggregation = "srcip", .fields = "brec1"}, "brec1"},
    {{.order = ""}, "empty field name"},
    {{.order = "#asc"}, "empty field name in order `#asc'"},
    {{.statistic = "srcip#"}, "empty field name in order `'"},
    {{.order = "nosuch"}, "unknown libnf field `nosuch'"},
    {{.order = "bytes#up"}, "invalid sort direction `up'"},
    {{.order = "bytes#"}, "invalid sort direction `'"},
    {{.order = "bytes#ascx"}, "invalid sort direction"},
    {{.order = "bytes#asc#desc"}, "invalid sort direction"},
    {{.order = "port"}, "field `port' cannot be a sort key"},
    {{.order = "ip"}, "cannot be a sort key"},
    {{.order = "brec1"}, "cannot be a sort key"},
    {{.order = "mpls"}, "cannot be a sort key"},
    {{.order = "username"}, "cannot be a sort key"},
    {{.statistic = "srcip#port"}, "cannot be a sort key"},
    {{.fields = ","}, "empty field name in output fields `,'"},
    {{.fields = "nosuch"}, "unknown libnf field"},
    {{.fields = "mpls"}, "mpls"},
    {{.fields =
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
     "unknown libnf field `aaaa"},
    {{.aggregation = "srcip/33"}, "netmask length"},
    {{.aggregation = "srcip/24/129"}, "netmask length"},
    {{.aggregation = "srcip/"}, "netmask length"},
    {{.aggregation = "srcip/x"}, "netmask length"},
    {{.aggregation = "srcip/24/"}, "netmask length"},
    {{.aggregation = "srcip/24/64/1"}, "netmask length"},
    {{.aggregation = "srcip/-1"}, "netmask length"},
    {{.aggregation = "srcip/+1"}, "netmask length"},
    {{.aggregation = "srcip//64"}, "netmask length"},
    {{.aggregation = "srcip/9999999999"}, "netmask length"},
    {{.aggregation = "srcip6/129"}, "netmask length"},
    {{.aggregation = "first/x"}, "alignment"},
    {{.limit = ""}, "record limit `': not a number"},
    {{.limit = "-3"}, "record limit `-3': negative value"},
    {{.limit = " -3"}, "negative value"},
    {{.limit = "x"}, "not a number"},
    {{.limit = "+"}, "not a number"},
    {{.limit = "+-3"}, "not a number"},
    {{.limit = "+ 3"}, "not a number"},
    {{.limit = "3x"}, "trailing characters"},
    {{.limit = "3 "}, "trailing characters"},
    {{.limit = "3.5"}, "trailing characters"},
    {{.limit = "18446744073709551616"}, "value too large"},
    {{.filter = "src prot 5"}, "cannot initialize filter `src prot 5': line 1, column 5"},
    {{.filter = "\n\nproto"}, "line 3"},
    {{.filter = "ip 1.2.3.4 or"}, "cannot initialize filter"},
};

START_TEST(test_refused)
{
    int class = accept(&refused[_i].words);

    ck_assert_int_eq(class, REPORT_ARGUMENTS);
    ck_assert_int_eq(failure.class, REPORT_ARGUMENTS);
    ck_assert_msg(strstr(failure.text, refused[_i].text) != NULL, "%s", failure.text);
}
END_TEST

/** Columns are checked although nothing of them is printed. */
START_TEST(test_refused_without_records)
{
    struct query_words words = {.aggregation = "bps"};
    lnf_query_t *compiled = NULL;

    for (unsigned items = 0; items < 8; items++) {
        query_clear(&query);
        int class = query_build(&words, items, &query, &failure);
        if (class == REPORT_OK) {
            class = query_compile(&query, &compiled, &failure);
        }
        ck_assert_int_eq(class, REPORT_ARGUMENTS);
    }
}
END_TEST

START_TEST(test_modes)
{
    static const struct query_words words = {.aggregation = "srcip", .order = "bytes"};

    for (unsigned items = 0; items < 8; items++) {
        lnf_query_t *compiled = NULL;
        query_clear(&query);
        ck_assert_int_eq(query_build(&words, items, &query, &failure), REPORT_OK);
        bool works = (items & (QUERY_RECORDS | QUERY_PROCESSED)) != 0;
        ck_assert_int_eq(query.mode, works ? QUERY_AGGREGATE : QUERY_METADATA);
        ck_assert_uint_eq(query.items, items);
        ck_assert_int_eq(query_compile(&query, &compiled, &failure), REPORT_OK);
        /* Rows that are not printed have no octets: nothing can be sent. */
        ck_assert_int_eq(lnf_query_row_size(compiled) > 0, (items & QUERY_RECORDS) != 0);
        lnf_query_destroy(compiled);
    }
}
END_TEST

/* ---- limits --------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    uint64_t limit;
} limits[] = {
    {"0", 0}, {"1", 1}, {" \t7", 7}, {"+7", 7}, {"007", 7}, {"18446744073709551615", UINT64_MAX},
};

START_TEST(test_limit)
{
    ck_assert_int_eq(BUILD(.limit = limits[_i].text), REPORT_OK);
    ck_assert_uint_eq(query.limit, limits[_i].limit);
}
END_TEST

#define TEN "first,last,received,bytes,packets,outbytes,outpackets,flows,srcport,dstport"
#define TWENTY TEN ",flags,srcip,dstip,nextip,srcmask,dstmask,tos,dsttos,srcas,dstas"
#define THIRTY                                                                                     \
    TWENTY ",nextas,prevas,bgpnexthop,proto,srcvlan,dstvlan,insrcmac,outsrcmac,inif,outif"

START_TEST(test_counts)
{
    ck_assert_int_eq(ACCEPT(.aggregation = TEN), REPORT_OK);
    ck_assert_int_eq(ACCEPT(.aggregation = TEN ",first,last"), REPORT_OK); /* repeated */
    ck_assert_int_eq(ACCEPT(.aggregation = TEN ",flags"), REPORT_ARGUMENTS);
    ck_assert_str_eq(failure.text, "more than 10 aggregation keys");
    ck_assert_int_eq(ACCEPT(.fields = THIRTY), REPORT_OK);
    ck_assert_uint_eq(query.shown_count, 30);
    ck_assert_int_eq(ACCEPT(.fields = THIRTY ",dir"), REPORT_ARGUMENTS);
    ck_assert_str_eq(failure.text, "more than 30 output fields");
    /* 10 keys, the order, and 30 fields of which the composite one has ten parts. */
    ck_assert_int_eq(ACCEPT(.order = "dir", .fields = THIRTY), REPORT_OK);
    ck_assert_uint_eq(query.shown_count, 31);
    ck_assert_int_eq(
        ACCEPT(.aggregation = "first/60,srcip,dstip,srcport,dstport,proto,flags,tos,srcas,dstas",
               .order = "bytes",
               .fields = "last,received,packets,outbytes,outpackets,flows,nextip,srcmask,dstmask,"
                         "dsttos,nextas,prevas,bgpnexthop,srcvlan,dstvlan,insrcmac,outsrcmac,"
                         "indstmac,outdstmac,inif,outif,dir,fwd,routerip,engine-type,engine-id,"
                         "duration,bps,pps,bpp"),
        REPORT_OK);
    ck_assert_uint_eq(query.shown_count, 41);
}
END_TEST

/* ---- prefixes ------------------------------------------------------------------------------- */

static const struct {
    const char *key;
    int bits4, bits6;
} prefixes[] = {
    {"srcip", 32, 128},  {"srcip/24", 24, 128},     {"srcip/24/64", 24, 64}, {"srcip/0", 0, 128},
    {"srcip/0/0", 0, 0}, {"srcip/32/128", 32, 128}, {"srcip4/24", 24, 128},  {"srcip6/64", 32, 64},
    {"ip/8/16", 8, 16},  {"first/300", 300, 0},     {"duration/10", 10, 0},  {"srcport/5", 0, 0},
    {"first", 0, 0},
};

START_TEST(test_prefix)
{
    ck_assert_int_eq(ACCEPT(.aggregation = prefixes[_i].key), REPORT_OK);
    ck_assert_int_eq(query.columns[0].bits4, prefixes[_i].bits4);
    ck_assert_int_eq(query.columns[0].bits6, prefixes[_i].bits6);
}
END_TEST

/* ---- filter --------------------------------------------------------------------------------- */

static const char *const no_filters[] = {"", " ", "\t\n\v\f\r", "# all of them", " \n# a\n# b\n"};

START_TEST(test_no_filter)
{
    ck_assert_msg(ACCEPT(.filter = no_filters[_i]) == REPORT_OK, "%s", failure.text);
}
END_TEST

START_TEST(test_filter_size)
{
    size_t size = QUERY_PACKED_MAX / 2;
    char *text = malloc(size + 2);

    memset(text, ' ', size + 1);
    memcpy(text, "any", 3);
    text[size] = '\0';
    ck_assert_int_eq(BUILD(.filter = text), REPORT_OK);
    ck_assert_uint_le(query_packed_size(&query), QUERY_PACKED_MAX);
    text[size] = ' ';
    text[size + 1] = '\0';
    ck_assert_int_eq(BUILD(.filter = text), REPORT_ARGUMENTS);
    free(text);
}
END_TEST

/* ---- packed form ---------------------------------------------------------------------------- */

static const struct query_words packable[] = {
    {.fields = NULL},
    {.fields = ""},
    {.fields = "brec1,srcip", .limit = "18446744073709551615"},
    {.aggregation = "srcip/24/48,first/60", .order = "first#desc", .filter = "proto tcp"},
    {.statistic = "ip,port#bps", .filter = "ip 1.2.3.4\n"},
};

static uint8_t *pack(size_t *size)
{
    *size = query_packed_size(&query);
    uint8_t *octets = malloc(*size + 1);
    query_pack(&query, octets);
    return octets;
}

START_TEST(test_pack)
{
    struct query copy = {.filter = NULL};
    size_t size;

    ck_assert_int_eq(build(&packable[_i]), REPORT_OK);
    query.exchange = (enum query_exchange)(_i % 4);
    query.no_tput = _i % 2 == 0;
    query.no_index = _i % 2 == 1;
    uint8_t *octets = pack(&size);
    ck_assert_int_eq(query_unpack(octets, size, &copy, &failure), REPORT_OK);
    ck_assert_ptr_null(query_difference(&query, &copy));
    ck_assert_uint_eq(copy.shown_count, query.shown_count);
    for (unsigned i = 0; i < copy.shown_count; i++) {
        ck_assert_int_eq(copy.shown[i].key, query.shown[i].key);
        ck_assert_int_eq(copy.shown[i].order, query.shown[i].order);
    }
    query_clear(&copy);
    free(octets);
}
END_TEST

/** Every length but the right one is refused; the copy is exact so that sanitizers see overreads.
 */
START_TEST(test_pack_cut)
{
    size_t size;

    ck_assert_int_eq(build(&packable[_i]), REPORT_OK);
    uint8_t *octets = pack(&size);
    octets[size] = 0;
    for (size_t cut = 0; cut <= size + 1; cut++) {
        struct query copy = {.filter = NULL};
        uint8_t *exact = malloc(cut > 0 ? cut : 1);
        memcpy(exact, octets, cut);
        int class = query_unpack(exact, cut, &copy, &failure);
        ck_assert_msg(class == (cut == size ? REPORT_OK : REPORT_MPI), "%zu of %zu", cut, size);
        query_clear(&copy);
        free(exact);
    }
    free(octets);
}
END_TEST

/** Every octet with every value: accepted or refused, but never read out of bounds or too large. */
START_TEST(test_pack_hostile)
{
    size_t size;

    ck_assert_int_eq(build(&packable[_i]), REPORT_OK);
    uint8_t *octets = pack(&size);
    for (size_t at = 0; at < size; at++) {
        uint8_t good = octets[at];
        for (unsigned value = 0; value < 256; value++) {
            struct query copy = {.filter = NULL};
            octets[at] = (uint8_t)value;
            if (query_unpack(octets, size, &copy, &failure) == REPORT_OK) {
                ck_assert_uint_le(copy.column_count, QUERY_COLUMNS);
                ck_assert_uint_le(copy.shown_count, QUERY_COLUMNS);
                ck_assert_int_lt(copy.sort_column, (int)copy.column_count);
                ck_assert_int_le(copy.mode, QUERY_METADATA);
                ck_assert_int_le(copy.exchange, QUERY_EXCHANGE_SHUFFLE);
                for (unsigned i = 0; i < copy.shown_count; i++) {
                    ck_assert_uint_lt(copy.shown[i].parts[0], copy.column_count);
                }
            }
            query_clear(&copy);
        }
        octets[at] = good;
    }
    free(octets);
}
END_TEST

/* ---- differences ---------------------------------------------------------------------------- */

static const struct {
    struct query_words a, b;
    const char *difference;
} differences[] = {
    {{.fields = NULL}, {.fields = NULL}, NULL},
    {{.filter = ""}, {.filter = "  "}, NULL},
    {{.fields = NULL}, {.order = "bytes"}, "kind of question"},
    {{.filter = "any"}, {.filter = "proto tcp"}, "filter"},
    {{.filter = "any"}, {.fields = NULL}, "filter"},
    {{.fields = "srcip"}, {.fields = "dstip"}, "fields"},
    {{.fields = "srcip,dstip"}, {.fields = "dstip,srcip"}, "fields"},
    {{.fields = "srcip"}, {.fields = "srcip,dstip"}, "fields"},
    {{.aggregation = "srcip"}, {.aggregation = "srcip/24"}, "fields"},
    {{.aggregation = "srcip/24/64"}, {.aggregation = "srcip/24/63"}, "fields"},
    {{.order = "bytes"}, {.order = "bytes#asc"}, "order"},
    {{.aggregation = "srcip,proto", .order = "srcip"},
     {.aggregation = "srcip,proto", .order = "proto"},
     "order"},
    {{.limit = "1"}, {.limit = "2"}, "limit"},
};

START_TEST(test_difference)
{
    struct query other;

    ck_assert_int_eq(build(&differences[_i].a), REPORT_OK);
    ck_assert_int_eq(query_build(&differences[_i].b, ITEMS, &other, &failure), REPORT_OK);
    const char *difference = query_difference(&query, &other);
    if (differences[_i].difference == NULL) {
        ck_assert_ptr_null(difference);
        other.items = QUERY_RECORDS;
        ck_assert_str_eq(query_difference(&query, &other), "output items");
        other.items = ITEMS;
        other.no_tput = true;
        ck_assert_str_eq(query_difference(&query, &other), "--exchange or --no-tput");
        other.no_tput = false;
        other.exchange = QUERY_EXCHANGE_SHUFFLE;
        ck_assert_str_eq(query_difference(&query, &other), "--exchange or --no-tput");
        other.exchange = QUERY_EXCHANGE_AUTO;
        other.no_index = true;
        ck_assert_str_eq(query_difference(&query, &other), "--no-bfindex");
    } else {
        ck_assert_str_eq(difference, differences[_i].difference);
    }
    query_clear(&other);
}
END_TEST

START_TEST(test_field_name)
{
    char name[32];

    query_field_name(LNF_FLD_DOCTETS, name, sizeof(name));
    ck_assert_str_eq(name, "bytes");
    query_field_name(0xffff, name, sizeof(name));
    ck_assert_str_eq(name, "?");
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
    Suite *suite = suite_create("fdistdump/query");
    TCase *tc = tcase_create("query");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, test_question, 0, COUNT(questions));
    tcase_add_loop_test(tc, test_refused, 0, COUNT(refused));
    tcase_add_test(tc, test_refused_without_records);
    tcase_add_test(tc, test_modes);
    tcase_add_loop_test(tc, test_limit, 0, COUNT(limits));
    tcase_add_test(tc, test_counts);
    tcase_add_loop_test(tc, test_prefix, 0, COUNT(prefixes));
    tcase_add_loop_test(tc, test_no_filter, 0, COUNT(no_filters));
    tcase_add_test(tc, test_filter_size);
    tcase_add_loop_test(tc, test_pack, 0, COUNT(packable));
    tcase_add_loop_test(tc, test_pack_cut, 0, COUNT(packable));
    tcase_add_loop_test(tc, test_pack_hostile, 0, COUNT(packable));
    tcase_add_loop_test(tc, test_difference, 0, COUNT(differences));
    tcase_add_test(tc, test_field_name);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
