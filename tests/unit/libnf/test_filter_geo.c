/* SPDX-License-Identifier: BSD-3-Clause */
/** Countries in filters: every direction, databases of all sorts, none, damaged and hostile ones.
 */
#include "filter_check.h"
#include "filter_geo.h"
#include "index.h"
#include "mmdb_build.h"
#include "suite_main.h"

#include <libnf/scan.h>
#include <libnf/writer.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define IPV4(a, b, c, d)                                                                           \
    {                                                                                              \
        0, (uint64_t)(a) << 24 | (b) << 16 | (c) << 8 | (d)                                        \
    }
#define IPV6(high, low)                                                                            \
    {                                                                                              \
        (uint64_t)0x20010db8 << 32 | (high), (low)                                                 \
    }
#define FLOWS 8u

static const struct test_flow flows[FLOWS] = {
    /* A: CZ to US */
    {.family = 4, .src = IPV4(192, 0, 2, 1), .dst = IPV4(198, 51, 1, 1), .proto = 6, .bytes = 1},
    /* B: DE to CZ */
    {.family = 4, .src = IPV4(198, 51, 100, 3), .dst = IPV4(192, 0, 2, 9), .proto = 17, .bytes = 2},
    /* C: US to US */
    {.family = 4, .src = IPV4(198, 51, 1, 2), .dst = IPV4(198, 51, 1, 3), .proto = 17, .bytes = 3},
    /* D: private addresses, not in the database */
    {.family = 4, .src = IPV4(10, 0, 0, 1), .dst = IPV4(192, 168, 1, 1), .proto = 6, .bytes = 4},
    /* E: DE to US, IPv6 */
    {.family = 6, .src = IPV6(0, 1), .dst = IPV6(0x10000, 5), .proto = 6, .bytes = 5},
    /* F: not in the database to DE, IPv6 */
    {.family = 6, .src = {0xfe80000000000000, 1}, .dst = IPV6(0, 2), .proto = 6, .bytes = 6},
    /* G: a record without country to IN */
    {.family = 4,
     .src = IPV4(198, 51, 100, 7),
     .dst = IPV4(203, 0, 113, 1),
     .proto = 17,
     .bytes = 7},
    /* H: no addresses */
    {.family = 0, .proto = 17, .bytes = 8},
};

static struct test_records records;
static char directory[64], path[128], other[128];

/* The database of most tests: networks inside others, both versions of IP. */
static void fill(struct mmdb *m)
{
    mmdb_add_country(m, "192.0.2.0/24", "CZ");
    mmdb_add_country(m, "198.51.0.0/16", "US");
    mmdb_add_country(m, "198.51.100.0/24", "DE");
    mmdb_add_country(m, "198.51.100.7/32", NULL);
    mmdb_add_country(m, "203.0.113.1/32", "in");
    if (m->ip_version == 6) {
        mmdb_add_country(m, "2001:db8::/32", "DE");
        mmdb_add_country(m, "2001:db8:1::/48", "US");
    }
}

static void write_database(const char *name, unsigned ip_version)
{
    struct mmdb m;

    mmdb_init(&m, ip_version);
    fill(&m);
    mmdb_write(&m, name);
    mmdb_clear(&m);
}

static void store(const char *name, const void *octets, size_t size)
{
    FILE *stream = fopen(name, "wb");

    ck_assert_ptr_nonnull(stream);
    ck_assert_uint_eq(fwrite(octets, 1, size, stream), size);
    ck_assert_int_eq(fclose(stream), 0);
}

static void setup(void)
{
    strcpy(directory, "/tmp/libnf-test-geo-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/Country.mmdb", directory);
    snprintf(other, sizeof(other), "%s/lnf.other", directory);
    write_database(path, 6);
    ck_assert_int_eq(setenv(LNF_GEO_VARIABLE, path, 1), 0);
    for (unsigned i = 0; i < FLOWS; i++) {
        test_records_add(&records, &flows[i]);
    }
}

static void teardown(void)
{
    test_records_clear(&records);
    unlink(path);
    unlink(other);
    ck_assert_int_eq(rmdir(directory), 0);
    unsetenv(LNF_GEO_VARIABLE);
}

static void expect(const char *filter, const char *letters)
{
    struct lnf_error error = {.text = ""};
    char got[32];

    test_filter_letters(filter, &records, FLOWS, got, &error);
    ck_assert_msg(strcmp(got, letters) == 0, "'%s' selects '%s', not '%s' (%s)", filter, got,
                  letters, error.text);
}

/* The filter does not compile, and the message has both parts. */
static void expect_error(const char *filter, unsigned column, const char *part, const char *part2)
{
    lnf_program_t *program = NULL;
    struct lnf_error error = {.text = ""};

    ck_assert_msg(lnf_program_compile(filter, &program, &error) == LNF_ERR_FILTER, "'%s'", filter);
    ck_assert_ptr_null(program);
    ck_assert_msg(strstr(error.text, part) != NULL && strstr(error.text, part2) != NULL, "'%s': %s",
                  filter, error.text);
    ck_assert_msg(error.line == 1 && error.column == column, "'%s': %u:%u: %s", filter, error.line,
                  error.column, error.text);
    ck_assert_ptr_null(strchr(error.text, '\n'));
}

/* ---- the term -------------------------------------------------------------------------------- */

START_TEST(test_directions)
{
    expect("geo US", "ACE");
    expect("src geo US", "C");
    expect("dst geo US", "ACE");
    expect("src or dst geo US", "ACE");
    expect("dst or src geo US", "ACE");
    expect("src and dst geo US", "C");
    expect("dst and src geo US", "C");
    expect("geo DE", "BEF");
    expect("src geo DE", "BE");
    expect("dst geo DE", "F");
    expect("src and dst geo DE", "");
    expect("geo CZ", "AB");
    expect("geo FR", "");
    expect("GEO us", "ACE");
    expect("Src Geo cZ", "A");
    expect("geo IN", "G"); /* in lower case in the database */
}
END_TEST

START_TEST(test_unknown)
{
    expect("geo ..", "DFGH");
    expect("src geo ..", "DFGH");
    expect("dst geo ..", "DH");
    expect("src and dst geo ..", "DH");
    expect("not geo ..", "ABCE");
    /* What nfdump takes for a country, though there is none of that name. */
    static const char *const odd[] = {"U1", "1U", "--", "__", "::", "a.", "a-", "a:", "1.", "k1"};
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        char filter[32];
        snprintf(filter, sizeof(filter), "geo %s", odd[i]);
        expect(filter, "");
    }
}
END_TEST

START_TEST(test_combined)
{
    expect("not geo US", "BDFGH");
    expect("not src geo DE", "ACDFGH");
    expect("not src and dst geo US", "ABDEFGH");
    expect("not not geo US", "ACE");
    expect("geo != US", "BDFGH");
    expect("src geo != DE", "ACDFGH");
    expect("geo = US", "ACE");
    expect("geo eq US", "ACE");
    expect("geo ne US", "BDFGH");
    expect("geo in [US CZ]", "ABCE");
    expect("geo in [US, cz, US]", "ABCE");
    expect("src and dst geo in [CZ DE]", "B");
    expect("not geo in [US CZ]", "DFGH");
    expect("geo US or geo CZ", "ABCE");
    expect("not geo US and not geo CZ", "DFGH");
    expect("not (geo US or geo CZ)", "DFGH");
    expect("geo US and geo CZ", "A");
    expect("src geo US or dst geo CZ", "BC");
    expect("proto tcp and geo US", "AE");
    expect("geo US and inet6", "E");
    expect("(geo DE and not proto udp) or bytes 7", "EFG");
    expect("not (src geo DE and dst geo US) and ip 192.0.2.0/24", "AB");
    expect("(geo 'US')%us or (geo \"CZ\")%cz", "ABCE");
    expect("src geo CZ and src ip 192.0.2.1 and dst ip 198.51.1.1", "A");
    expect("any or geo US", "ABCDEFGH");
}
END_TEST

/* Some countries are called like comparisons, or like terms. */
START_TEST(test_names)
{
    expect("geo in", "G");
    expect("not geo in", "ABCDEFH");
    expect("(geo in) and proto udp", "G");
    expect("geo in or geo lt or geo CZ", "ABG");
    expect("geo in and geo in", "G");
    expect("geo in [in]", "G");
    expect("geo in in", "!");
    expect("geo ne", "");
    expect("geo ne or geo gt or geo ge or geo lt", "");
    expect("geo ne ne", "ABCDEFGH");
    expect("geo as or geo if or geo ip or geo no or geo to", "");
    expect("geo = lt", "");
}
END_TEST

START_TEST(test_errors)
{
    expect_error("geo USA", 5, "'USA' is no country", "its two letters");
    expect_error("geo U", 5, "'U' is no country", "");
    expect_error("geo 12", 5, "'12' is no country", "");
    expect_error("geo ''", 5, "'' is no country", "");
    expect_error("geo 'U '", 5, "is no country", "");
    expect_error("geo '\xc3\xa9'", 5, "'\\xc3\\xa9' is no country", "");
    expect_error("geo in [US Germany]", 12, "'Germany' is no country", "");
    expect_error("geo US/24", 8, "unexpected '24'", "'geo'");
    expect_error("geo > US", 5, "'geo' cannot be compared with '>'", "expected '=', '!=' or 'in'");
    expect_error("geo gt US", 5, "cannot be compared with 'gt'", "");
    expect_error("geo like US", 5, "cannot be compared with 'like'", "");
    expect_error("geo", 4, "unexpected end", "");
    expect_error("geo eq", 7, "unexpected end", "");
    expect_error("geo ab cd", 8, "unexpected 'cd'", "");
    expect_error("geo in US", 8, "unexpected 'US'", "");
    expect_error("in geo US", 4, "'in' is not possible with 'geo'", "");
    expect_error("next geo US", 6, "'next' is not possible with 'geo'", "");
    expect_error("exist geo", 7, "the name of a field", "");
    expect_error("geoo US", 1, "did you mean 'geo'", "");
}
END_TEST

/* ---- which database -------------------------------------------------------------------------- */

static int compile_with(const char *database, struct lnf_error *error)
{
    lnf_program_t *program = NULL;
    int status = lnf_program_compile_geo("geo CZ", database, &program, error);

    ck_assert((program != NULL) == (status == LNF_OK));
    if (program != NULL) {
        ck_assert_ptr_nonnull(lnf_program_geo_database(program));
    }
    lnf_program_destroy(program);
    return status;
}

static void expect_refused(const char *database, const char *part)
{
    struct lnf_error error = {.text = ""};

    ck_assert_msg(compile_with(database, &error) == LNF_ERR_FILTER, "%s", part);
    ck_assert_msg(strstr(error.text, part) != NULL, "%s", error.text);
    ck_assert_msg(database == NULL || strstr(error.text, database) != NULL, "%s", error.text);
    ck_assert_uint_eq(error.column, 5);
}

/* The file given, else the one of the variable, else the usual ones; none unless one is needed. */
START_TEST(test_which)
{
    struct lnf_error error = {.text = ""};
    lnf_program_t *program = NULL;

    ck_assert_int_eq(setenv(LNF_GEO_VARIABLE, other, 1), 0);
    expect_refused(NULL, other);
    expect_refused(NULL, "No such file");
    ck_assert_int_eq(compile_with(path, &error), LNF_OK);
    ck_assert_int_eq(setenv(LNF_GEO_VARIABLE, path, 1), 0);
    ck_assert_int_eq(compile_with(NULL, &error), LNF_OK);
    expect_refused(other, "No such file");
    ck_assert_int_eq(lnf_program_compile_geo("not proto 6", other, &program, &error), LNF_OK);
    ck_assert_ptr_null(lnf_program_geo_database(program));
    lnf_program_destroy(program);

    if (access("/var/lib/GeoIP/GeoLite2-Country.mmdb", F_OK) != 0 &&
        access("/usr/share/GeoIP/GeoLite2-Country.mmdb", F_OK) != 0) {
        ck_assert_int_eq(setenv(LNF_GEO_VARIABLE, "", 1), 0);
        expect_refused(NULL, "neither /var/lib/GeoIP/GeoLite2-Country.mmdb nor "
                             "/usr/share/GeoIP/GeoLite2-Country.mmdb");
        unsetenv(LNF_GEO_VARIABLE);
        expect_refused(NULL, LNF_GEO_VARIABLE);
    }
}
END_TEST

/* Programs of libnf.h say nothing of databases. */
START_TEST(test_libnf_h)
{
    char text[] = "geo CZ", message[512];
    lnf_filter_t *filter = NULL;
    lnf_rec_t *record;
    lnf_ip_t address = {{0, 0, 0, htobe32(0xc0000205)}};

    ck_assert_int_eq(lnf_filter_init(&filter, text), LNF_OK);
    ck_assert_int_eq(lnf_rec_init(&record), LNF_OK);
    ck_assert_int_eq(lnf_filter_match(filter, record), 0);
    ck_assert_int_eq(lnf_rec_fset(record, LNF_FLD_DSTADDR, &address), LNF_OK);
    ck_assert_int_eq(lnf_filter_match(filter, record), 1);
    lnf_filter_free(filter);
    lnf_rec_free(record);

    ck_assert_int_eq(setenv(LNF_GEO_VARIABLE, "/nonexistent.mmdb", 1), 0);
    filter = NULL;
    ck_assert_int_eq(lnf_filter_init(&filter, text), LNF_ERR_FILTER);
    ck_assert_ptr_null(filter);
    lnf_error(message, sizeof(message));
    ck_assert_msg(strstr(message, "/nonexistent.mmdb") != NULL, "%s", message);
}
END_TEST

START_TEST(test_no_file)
{
    expect_refused(directory, "no regular file");
    expect_refused("/dev/zero", "no regular file");
    ck_assert_int_eq(mkfifo(other, 0600), 0);
    expect_refused(other, "no regular file");
    unlink(other);
    store(other, "", 0);
    expect_refused(other, "database of countries");
    static const char text[4096] = "This is no database at all.";
    store(other, text, sizeof(text));
    expect_refused(other, "is no database of countries");
}
END_TEST

/* Databases of something else, and of nothing. */
START_TEST(test_no_countries)
{
    struct mmdb m;
    struct mmdb_octets o = {0};

    mmdb_put_map(&o, 1);
    mmdb_put_text(&o, "autonomous_system_number");
    mmdb_put_number(&o, MMDB_BUILD_UINT32, 64496);
    mmdb_init(&m, 6);
    m.type = "Test-ASN\n";
    mmdb_add_record(&m, "192.0.2.0/24", o.at, o.size);
    mmdb_write(&m, other);
    expect_refused(other, "has no countries: it is a database of type 'Test-ASN\\x0a'");
    mmdb_clear(&m);
    free(o.at);

    mmdb_init(&m, 6);
    mmdb_write(&m, other);
    expect_refused(other, "has no countries");
    mmdb_clear(&m);
}
END_TEST

/* IPv6 addresses are in no country there. */
START_TEST(test_ipv4_database)
{
    write_database(path, 4);
    expect("geo US", "AC");
    expect("geo DE", "B");
    expect("geo ..", "DEFGH");
    expect("not geo ..", "ABC");
}
END_TEST

/* A network around all of IPv4, ::1 and the zeros of a record without addresses. */
START_TEST(test_absent)
{
    struct mmdb m;

    mmdb_init(&m, 6);
    mmdb_add_country(&m, "::/8", "FR");
    mmdb_write(&m, path);
    mmdb_clear(&m);
    expect("geo FR", "ABCDG");
    expect("geo ..", "EFH");
    expect("not geo ..", "ABCDG");
}
END_TEST

/* ---- damage ---------------------------------------------------------------------------------- */

START_TEST(test_cut)
{
    struct mmdb m;
    struct lnf_error error = {.text = ""};

    mmdb_init(&m, 6);
    fill(&m);
    size_t size = mmdb_finish(&m);
    for (size_t cut = 0; cut < size; cut++) {
        store(other, m.octets, cut);
        ck_assert_msg(compile_with(other, &error) == LNF_ERR_FILTER, "%zu of %zu octets", cut,
                      size);
        ck_assert_msg(strstr(error.text, other) != NULL, "%s", error.text);
    }
    store(other, m.octets, size);
    ck_assert_int_eq(compile_with(other, &error), LNF_OK);
    mmdb_clear(&m);
}
END_TEST

/* Octets missing inside the tree or the records: an error at once, or later, or another country. */
START_TEST(test_gap)
{
    struct mmdb m;
    char got[32];

    mmdb_init(&m, 6);
    fill(&m);
    size_t size = mmdb_finish(&m), end = m.tree_size + 16 + m.data_size;
    ck_assert_int_eq(setenv(LNF_GEO_VARIABLE, other, 1), 0);
    for (size_t from = 0; from < end; from += 7) {
        FILE *stream = fopen(other, "wb");
        ck_assert_uint_eq(fwrite(m.octets, 1, from, stream), from);
        ck_assert_uint_eq(fwrite(m.octets + end, 1, size - end, stream), size - end);
        ck_assert_int_eq(fclose(stream), 0);
        struct lnf_error error = {.text = ""};
        test_filter_letters("geo US or not geo DE", &records, FLOWS, got, &error);
        ck_assert(strcmp(got, "!") != 0 || strstr(error.text, other) != NULL);
    }
    mmdb_clear(&m);
}
END_TEST

/* Whatever an octet is changed to: no crash, and errors name the file. */
START_TEST(test_changed)
{
    static const uint8_t changes[] = {0x01, 0x80, 0xff, 0x5a};
    struct mmdb m;
    char got[32];

    mmdb_init(&m, 6);
    fill(&m);
    size_t size = mmdb_finish(&m);
    ck_assert_int_eq(setenv(LNF_GEO_VARIABLE, other, 1), 0);
    for (size_t i = 0; i < size; i++) {
        uint8_t change = changes[i % sizeof(changes)];
        m.octets[i] ^= change;
        store(other, m.octets, size);
        m.octets[i] ^= change;
        struct lnf_error error = {.text = ""};
        test_filter_letters("not geo in [US ..]", &records, FLOWS, got, &error);
        ck_assert(strcmp(got, "!") != 0 || strstr(error.text, other) != NULL);
    }
    mmdb_clear(&m);
}
END_TEST

/* What happens to the file once it is open does not matter: overwritten, then cut to nothing. */
START_TEST(test_overwritten)
{
    struct lnf_error error = {.text = ""};
    struct lnf_geo_cache cache = {.damaged = 0};
    const struct lnf_addr address = IPV4(192, 0, 2, 1);
    struct stat info;
    lnf_geo_t *geo;

    write_database(other, 6);
    ck_assert_int_eq(lnf_geo_open(other, &geo, &error), LNF_OK);
    ck_assert_str_eq(lnf_geo_path(geo), other);
    ck_assert_int_eq(stat(other, &info), 0);
    uint8_t *zeros = calloc(1, (size_t)info.st_size);
    ck_assert_ptr_nonnull(zeros);
    store(other, zeros, (size_t)info.st_size);
    free(zeros);
    ck_assert_uint_eq(lnf_geo_find(geo, &cache, address), LNF_GEO_CODE('C', 'Z'));
    ck_assert_int_eq(truncate(other, 0), 0);
    const struct lnf_addr second = IPV4(198, 51, 1, 1);
    ck_assert_uint_eq(lnf_geo_find(geo, &cache, second), LNF_GEO_CODE('U', 'S'));
    ck_assert_uint_eq(cache.damaged, 0);
    lnf_geo_close(geo);
}
END_TEST

/* A sparse file: refused before it is copied. */
START_TEST(test_too_large)
{
    struct lnf_error error = {.text = ""};

    write_database(other, 6);
    ck_assert_int_eq(truncate(other, ((off_t)1024 << 20) + 1), 0);
    ck_assert_int_eq(compile_with(other, &error), LNF_ERR_FILTER);
    ck_assert_msg(strstr(error.text, "larger than 1024 MiB") != NULL, "%s", error.text);
    ck_assert_msg(strstr(error.text, other) != NULL, "%s", error.text);
}
END_TEST

/* A tree that leads back to its root ends nowhere. */
START_TEST(test_loop)
{
    struct mmdb m;
    lnf_program_t *program;
    bool hits[FLOWS];

    mmdb_init(&m, 6);
    mmdb_add_country(&m, "8000::/1", "DE");
    mmdb_finish(&m);
    mmdb_add_country(&m, "4000::/2", "US");
    size_t size = mmdb_finish(&m);
    memset(m.octets, 0, 3); /* left of the root is the root */
    store(path, m.octets, size);
    mmdb_clear(&m);
    struct lnf_error error = {.text = ""};
    int status = lnf_program_compile("geo DE", &program, &error);
    if (status == LNF_OK) {
        test_filter_run(program, &records, FLOWS, hits);
        lnf_program_destroy(program);
    } else {
        ck_assert_msg(strstr(error.text, path) != NULL, "%s", error.text);
    }
}
END_TEST

/* Damage only some addresses meet: they are in no country, not without one either, and counted. */
static void write_damaged(void)
{
    struct mmdb m;

    mmdb_init(&m, 6);
    mmdb_add_country(&m, "192.0.2.0/24", "CZ");
    mmdb_add_record(&m, "203.0.113.0/24",
                    "\xe1\x47"
                    "country\xe1\x48iso_code\x3f\xff\xff\xff\xff",
                    24);
    mmdb_add_record(&m, "198.51.0.0/16",
                    "\xe1\x47"
                    "country\x3f\xff\xff\xff\xff",
                    14);
    mmdb_write(&m, path);
    mmdb_clear(&m);
}

START_TEST(test_damaged)
{
    lnf_program_t *program;
    uint16_t selection[LNF_BATCH_ROWS];

    write_damaged();
    expect("geo CZ", "AB");
    expect("geo US", "");
    expect("geo ..", "DEFH");
    expect("not geo ..", "ABCG");
    ck_assert_int_eq(lnf_program_compile("geo ZZ", &program, NULL), LNF_OK);
    lnf_program_state_t *state = lnf_program_state_create(program);
    lnf_batch_t *batch = lnf_batch_create();
    ck_assert_uint_eq(lnf_program_take_damaged(state), 0);
    lnf_batch_open(batch, records.octets, records.size);
    while (lnf_batch_next(batch) > 0) {
        (void)lnf_program_run(program, state, batch, selection);
    }
    /* A: one, B: one, C: two, G: two */
    ck_assert_uint_eq(lnf_program_take_damaged(state), 6);
    ck_assert_uint_eq(lnf_program_take_damaged(state), 0);
    lnf_batch_destroy(batch);
    lnf_program_state_destroy(state);
    lnf_program_destroy(program);
}
END_TEST

/* ---- records --------------------------------------------------------------------------------- */

static uint16_t country_in(const struct mmdb_octets *o, size_t offset)
{
    /* Of its own size, so that a sanitizer sees what is read behind it. */
    uint8_t *copy = malloc(o->size + (o->size == 0));

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, o->at, o->size);
    uint16_t country = lnf_geo_record_country(copy, o->size, offset);
    free(copy);
    return country;
}

START_TEST(test_record_cut)
{
    struct mmdb m;

    mmdb_init(&m, 6);
    fill(&m);
    struct mmdb_octets whole = m.data;
    size_t end = m.countries[1].place; /* of the first record, which ends with its country */
    ck_assert_uint_eq(country_in(&whole, 0), LNF_GEO_CODE('C', 'Z'));
    ck_assert_uint_eq(country_in(&whole, end), LNF_GEO_CODE('U', 'S'));
    ck_assert_uint_eq(country_in(&whole, m.countries[3].place), LNF_GEO_NONE);
    for (size_t cut = 0; cut < end; cut++) {
        struct mmdb_octets part = {whole.at, cut, cut};
        ck_assert_uint_eq(country_in(&part, 0), LNF_GEO_DAMAGED);
    }
    ck_assert_uint_eq(country_in(&whole, whole.size), LNF_GEO_DAMAGED);
    ck_assert_uint_eq(country_in(&whole, SIZE_MAX), LNF_GEO_DAMAGED);
    mmdb_clear(&m);
}
END_TEST

/* Pointers of every length, to keys, texts and maps. */
START_TEST(test_record_pointers)
{
    static const uint32_t places[] = {0, 2000, 2048, 3000, 526335, 526336, 600000, 134744064};
    static const uint8_t zeros[1024];

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct mmdb_octets o = {0};
        while (o.size < places[i]) {
            size_t left = places[i] - o.size;
            mmdb_put(&o, zeros, left < sizeof(zeros) ? left : sizeof(zeros));
        }
        uint32_t text = (uint32_t)o.size;
        mmdb_put_text(&o, "iso_code");
        uint32_t code = (uint32_t)o.size;
        mmdb_put_text(&o, "cz");
        uint32_t map = (uint32_t)o.size;
        mmdb_put_map(&o, 1);
        mmdb_put_pointer(&o, text);
        mmdb_put_pointer(&o, code);
        size_t offset = o.size;
        mmdb_put_map(&o, 1);
        mmdb_put_text(&o, "country");
        mmdb_put_pointer(&o, map);
        ck_assert_uint_eq(country_in(&o, offset), LNF_GEO_CODE('C', 'Z'));
        free(o.at);
    }
}
END_TEST

static void begin_country(struct mmdb_octets *o, unsigned members)
{
    mmdb_put_map(o, members);
    mmdb_put_text(o, "country");
}

static void expect_record(struct mmdb_octets *o, uint16_t country)
{
    ck_assert_uint_eq(country_in(o, 0), country);
    free(o->at);
    *o = (struct mmdb_octets){0};
}

START_TEST(test_record_kinds)
{
    struct mmdb_octets o = {0};
    char wide[400];

    mmdb_put_text(&o, "CZ"); /* no map */
    expect_record(&o, LNF_GEO_NONE);
    begin_country(&o, 1); /* the country is no map */
    mmdb_put_text(&o, "CZ");
    expect_record(&o, LNF_GEO_NONE);
    static const char *const codes[] = {"", "C", "CZE", "C\xc5", "..", "C "};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        begin_country(&o, 1);
        mmdb_put_map(&o, 1);
        mmdb_put_text(&o, "iso_code");
        mmdb_put_text(&o, codes[i]);
        expect_record(&o, LNF_GEO_NONE);
    }
    begin_country(&o, 1); /* the code is a number */
    mmdb_put_map(&o, 1);
    mmdb_put_text(&o, "iso_code");
    mmdb_put_number(&o, MMDB_BUILD_UINT64, 17242);
    expect_record(&o, LNF_GEO_NONE);

    /* Behind values of all types and sizes. */
    memset(wide, 'w', sizeof(wide) - 1);
    wide[sizeof(wide) - 1] = '\0';
    mmdb_put_map(&o, 7);
    mmdb_put_text(&o, wide);
    mmdb_put_text(&o, wide + 300);
    mmdb_put_text(&o, "b");
    mmdb_put(&o, "\x01\x07", 2); /* true */
    mmdb_put_text(&o, "d");
    mmdb_put(&o,
             "\x68"
             "12345678",
             9); /* a double */
    mmdb_put_text(&o, "a");
    mmdb_put_array(&o, 300);
    for (unsigned i = 0; i < 300; i++) {
        mmdb_put_number(&o, MMDB_BUILD_UINT16, i);
    }
    mmdb_put_text(&o, "p");
    mmdb_put_pointer(&o, 1); /* not followed */
    mmdb_put_text(&o, "m");
    mmdb_put_map(&o, 1);
    mmdb_put_text(&o, "country"); /* inside of something else */
    mmdb_put_text(&o, "DE");
    mmdb_put_text(&o, "country");
    mmdb_put_map(&o, 1);
    mmdb_put_text(&o, "iso_code");
    mmdb_put_text(&o, "A1");
    expect_record(&o, LNF_GEO_CODE('A', '1'));
}
END_TEST

START_TEST(test_record_hostile)
{
    struct mmdb_octets o = {0};

    mmdb_put_pointer(&o, 0); /* to itself */
    expect_record(&o, LNF_GEO_DAMAGED);
    begin_country(&o, 1); /* a map in itself has no code, but the same country */
    mmdb_put_pointer(&o, 0);
    expect_record(&o, LNF_GEO_NONE);
    begin_country(&o, 1); /* a pointer to a pointer */
    mmdb_put_pointer(&o, 9);
    expect_record(&o, LNF_GEO_DAMAGED);
    mmdb_put(&o, "\xff\xff\xff\xff", 4); /* sixteen million members, none there */
    expect_record(&o, LNF_GEO_DAMAGED);
    mmdb_put_map(&o, 1);
    mmdb_put(&o, "\x5f\xff\xff\xff", 4); /* a key that is longer than all */
    expect_record(&o, LNF_GEO_DAMAGED);
    mmdb_put_map(&o, 1);
    mmdb_put_text(&o, "x");
    mmdb_put(&o, "\x00\x06", 2); /* an end marker */
    expect_record(&o, LNF_GEO_DAMAGED);
    mmdb_put_map(&o, 1);
    mmdb_put_text(&o, "x");
    for (unsigned i = 0; i < 4000000; i++) { /* maps in maps in maps */
        mmdb_put(&o, "\xe1\x40", 2);
    }
    expect_record(&o, LNF_GEO_DAMAGED);
    mmdb_put_map(&o, 2);
    mmdb_put_text(&o, "x");
    for (unsigned i = 0; i < 30000; i++) {
        mmdb_put(&o, "\xe1\x40", 2);
    }
    mmdb_put_text(&o, "end");
    mmdb_put_text(&o, "country");
    mmdb_put_map(&o, 1);
    mmdb_put_text(&o, "iso_code");
    mmdb_put_text(&o, "CZ");
    expect_record(&o, LNF_GEO_CODE('C', 'Z'));
}
END_TEST

/* The same in a file, where a reader that calls itself for what is nested would not come back. */
START_TEST(test_nested)
{
    struct mmdb m;
    struct mmdb_octets o = {0};

    mmdb_put_map(&o, 1);
    mmdb_put_text(&o, "x");
    for (unsigned i = 0; i < 4000000; i++) {
        mmdb_put(&o, "\xe1\x40", 2);
    }
    mmdb_init(&m, 6);
    mmdb_add_country(&m, "192.0.2.0/24", "CZ");
    mmdb_add_record(&m, "198.51.0.0/16", o.at, o.size);
    mmdb_write(&m, path);
    expect("geo CZ", "AB");
    expect("geo US", "");
    mmdb_clear(&m);
    free(o.at);
}
END_TEST

static bool is_sound(const struct mmdb_octets *o)
{
    uint8_t *copy = malloc(o->size + (o->size == 0));

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, o->at, o->size);
    bool sound = lnf_geo_metadata_is_sound(copy, o->size);
    free(copy);
    return sound;
}

/* Metadata with values of these kinds: 't' text, 'a' array, 'm' map, 'n' number. */
static bool kinds_are_sound(char language, char languages, char description)
{
    struct mmdb_octets o = {0};

    mmdb_put_map(&o, 3);
    mmdb_put_text(&o, "node_count");
    mmdb_put_number(&o, MMDB_BUILD_UINT32, 1);
    mmdb_put_text(&o, "languages");
    if (languages == 'a') {
        mmdb_put_array(&o, 1);
    } else {
        mmdb_put_text(&o, "en");
    }
    if (languages == 'a' && language == 't') {
        mmdb_put_text(&o, "en");
    } else if (languages == 'a') {
        mmdb_put_number(&o, MMDB_BUILD_UINT16, 7);
    }
    mmdb_put_text(&o, "description");
    if (description == 'm' || description == 'n') {
        mmdb_put_map(&o, 1);
        mmdb_put_text(&o, "en");
    }
    if (description == 'n') {
        mmdb_put_number(&o, MMDB_BUILD_UINT16, 7);
    } else {
        mmdb_put_text(&o, "text");
    }
    bool sound = is_sound(&o);
    free(o.at);
    return sound;
}

START_TEST(test_metadata)
{
    struct mmdb m;

    mmdb_init(&m, 6);
    size_t size = mmdb_finish(&m), start = m.tree_size + 16 + m.data_size + 14;
    for (size_t cut = start; cut <= size; cut++) {
        struct mmdb_octets part = {m.octets + start, cut - start, 0};
        ck_assert(is_sound(&part) == (cut == size));
    }
    mmdb_clear(&m);
    ck_assert(kinds_are_sound('t', 'a', 'm'));
    ck_assert(!kinds_are_sound('n', 'a', 'm'));
    ck_assert(!kinds_are_sound('t', 't', 'm'));
    ck_assert(!kinds_are_sound('t', 'a', 'n'));
    ck_assert(!kinds_are_sound('t', 'a', 't'));
}
END_TEST

/* ---- files and threads ----------------------------------------------------------------------- */

struct found {
    struct lnf_scan_index use;
    uint64_t selected;
    unsigned problems;
    uint64_t damaged;
    char text[512];
};

static void note_problem(void *context, const struct lnf_problem *problem)
{
    struct found *found = context;

    found->problems++;
    if (problem->kind == LNF_PROBLEM_COUNTRY) {
        found->damaged += problem->count;
        snprintf(found->text, sizeof(found->text), "%s", problem->text);
    }
}

/* A file with an index, one flow in each block. */
static void write_flows(void)
{
    struct lnf_error error = {.text = ""};
    lnf_writer_t *writer;
    lnf_block_t *block = lnf_block_create();

    ck_assert_int_eq(lnf_writer_open(other, LNF_CODEC_LZ4, "", false, &writer, &error), LNF_OK);
    ck_assert_int_eq(lnf_writer_use_index(writer, NULL), LNF_OK);
    for (unsigned i = 0; i < FLOWS; i++) {
        struct test_records one = {0};
        test_records_add(&one, &flows[i]);
        memcpy(lnf_block_reserve(block, one.size), one.octets, one.size);
        lnf_block_commit(block);
        lnf_stat_count(lnf_block_stat(block), flows[i].proto, 1, 0, flows[i].bytes, 0, 0);
        ck_assert_int_eq(lnf_writer_put(writer, block, &error), LNF_OK);
        lnf_block_clear(block);
        test_records_clear(&one);
    }
    ck_assert_int_eq(lnf_writer_close(writer, &error), LNF_OK);
    lnf_block_destroy(block);
}

static struct found scan_file(const char *filter, const char *database)
{
    const struct lnf_query_spec spec = {
        .mode = LNF_QUERY_COUNT, .filter = filter, .sort_column = -1, .geo_database = database};
    struct found found = {.text = ""};
    struct lnf_error error = {.text = ""};
    lnf_query_t *query;
    lnf_scan_t *scan;
    lnf_task_t *task;
    int status;

    ck_assert_msg(lnf_query_create(&spec, &query, &error) == LNF_OK, "%s", error.text);
    ck_assert_int_eq(lnf_scan_open(other, note_problem, &found, &scan, &error), LNF_OK);
    (void)lnf_scan_use_index(scan, query, &found.use);
    ck_assert_int_eq(lnf_task_create(query, &task), LNF_OK);
    while ((status = lnf_task_run(task, scan, NULL, NULL, &error)) == LNF_OK) {
    }
    ck_assert_int_eq(status, LNF_EOF);
    found.selected = lnf_task_totals(task)->flows;
    lnf_task_destroy(task);
    lnf_scan_close(scan);
    lnf_query_destroy(query);
    return found;
}

static void remove_flows(void)
{
    char index[160];

    ck_assert(lnf_index_path(other, index, sizeof(index)));
    unlink(index);
}

/* An index knows nothing of countries, but of what is asked for besides. */
START_TEST(test_index)
{
    write_flows();
    unsetenv(LNF_GEO_VARIABLE);
    struct found found = scan_file("geo US", path);
    ck_assert_uint_eq(found.selected, 3);
    ck_assert_uint_eq(found.use.skipped, 0);
    found = scan_file("not geo US", path);
    ck_assert_uint_eq(found.selected, 5);
    ck_assert_uint_eq(found.use.skipped, 0);
    found = scan_file("not (geo in [US CZ] or proto tcp)", path);
    ck_assert_uint_eq(found.selected, 2);
    found = scan_file("geo US and ip 192.0.2.1", path);
    ck_assert_uint_eq(found.selected, 1);
    ck_assert_int_eq(found.use.state, LNF_INDEX_GOOD);
    ck_assert_uint_gt(found.use.skipped, 0);
    found = scan_file("geo US or ip 192.0.2.1", path);
    ck_assert_uint_eq(found.selected, 3);
    ck_assert_uint_eq(found.use.skipped, 0);
    ck_assert_uint_eq(found.problems, 0);
    remove_flows();
}
END_TEST

START_TEST(test_damage_reported)
{
    write_flows();
    write_damaged();
    struct found found = scan_file("geo ZZ", NULL);
    ck_assert_uint_eq(found.selected, 0);
    ck_assert_uint_eq(found.problems, 4); /* blocks */
    ck_assert_uint_eq(found.damaged, 6);
    ck_assert_msg(strstr(found.text, path) != NULL, "%s", found.text);
    /* Cheaper terms come first, and leave nothing to be looked up. */
    found = scan_file("geo ZZ and bytes 4", NULL);
    ck_assert_uint_eq(found.problems, 0);
    found = scan_file("geo ZZ and tun ip in [10.0.0.1 172.16.0.0/12]", NULL);
    ck_assert_uint_eq(found.problems, 0);
    remove_flows();
}
END_TEST

#define THREADS 4

static void *run_often(void *program)
{
    bool hits[FLOWS];

    for (unsigned i = 0; i < 200; i++) {
        test_filter_run(program, &records, FLOWS, hits);
        for (unsigned j = 0; j < FLOWS; j++) {
            ck_assert_int_eq(hits[j], strchr("ACE", 'A' + (int)j) != NULL);
        }
    }
    return NULL;
}

START_TEST(test_threads)
{
    lnf_program_t *program;
    pthread_t threads[THREADS];

    ck_assert_int_eq(lnf_program_compile("geo US", &program, NULL), LNF_OK);
    ck_assert_int_eq(unlink(path), 0); /* what is open stays */
    for (unsigned i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run_often, program), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    lnf_program_destroy(program);
}
END_TEST

/* ---- without the library --------------------------------------------------------------------- */

START_TEST(test_unavailable)
{
    expect_error("any and src geo CZ", 17, "libnf was built without libmaxminddb", "countries");
    expect_error("geo USA", 5, "'USA' is no country", "");
    expect("proto 6", "ADEF");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("geo");
    TCase *tests = tcase_create("countries");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_record_cut);
    tcase_add_test(tests, test_record_pointers);
    tcase_add_test(tests, test_record_kinds);
    tcase_add_test(tests, test_record_hostile);
    tcase_add_test(tests, test_metadata);
    suite_add_tcase(suite, tests);
    if (!lnf_geo_is_available()) {
        tcase_add_test(tests, test_unavailable);
        return suite_run(suite);
    }
    tcase_add_test(tests, test_directions);
    tcase_add_test(tests, test_unknown);
    tcase_add_test(tests, test_combined);
    tcase_add_test(tests, test_names);
    tcase_add_test(tests, test_errors);
    tcase_add_test(tests, test_which);
    tcase_add_test(tests, test_libnf_h);
    tcase_add_test(tests, test_no_file);
    tcase_add_test(tests, test_no_countries);
    tcase_add_test(tests, test_ipv4_database);
    tcase_add_test(tests, test_absent);
    tcase_add_test(tests, test_cut);
    tcase_add_test(tests, test_gap);
    tcase_add_test(tests, test_changed);
    tcase_add_test(tests, test_overwritten);
    tcase_add_test(tests, test_too_large);
    tcase_add_test(tests, test_loop);
    tcase_add_test(tests, test_damaged);
    tcase_add_test(tests, test_nested);
    tcase_add_test(tests, test_index);
    tcase_add_test(tests, test_damage_reported);
    tcase_add_test(tests, test_threads);
    return suite_run(suite);
}
