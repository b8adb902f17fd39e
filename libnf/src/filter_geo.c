/* SPDX-License-Identifier: BSD-3-Clause */
/** Databases of countries: where they are, opening them, looking addresses up. */
#include "filter_geo.h"
#include "error.h"

#include <libnf.h>

#ifdef LNF_HAVE_MAXMINDDB

#include "filter_tree.h"
#include "spool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** Where Debian's packages put it: geoipupdate, and those that bring data. */
static const char *const places[] = {"/var/lib/GeoIP/GeoLite2-Country.mmdb",
                                     "/usr/share/GeoIP/GeoLite2-Country.mmdb"};

/** Records looked at for a country before a database counts as one without. */
#define TRIED_MAX 100000u

/** Octets at the end of the file where metadata are looked for, as libmaxminddb does it. */
#define METADATA_MAX 131072

/** Databases of all the world's cities have about 100 MiB. */
#define SIZE_MAX_MIB 1024

struct lnf_geo {
    MMDB_s mmdb;
    char path[]; /* the file whose copy it is */
};

/* ---- opening --------------------------------------------------------------------------------- */

static const char *find_path(struct lnf_error *error)
{
    const char *named = getenv(LNF_GEO_VARIABLE);

    if (named != NULL && *named != '\0') {
        return named;
    }
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (access(places[i], F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR)) {
            return places[i];
        }
    }
    lnf_error_set(
        error, 0,
        "there is no database of countries: neither %s nor %s exists, and the environment "
        "variable %s names none",
        places[0], places[1], LNF_GEO_VARIABLE);
    return NULL;
}

static int fail_open(const char *path, int number, struct lnf_error *error)
{
    lnf_error_set(error, 0, "the database of countries '%.200s' cannot be opened: %s", path,
                  strerror(number));
    return LNF_ERR_READ;
}

/* Looks for the last marker of metadata, which are behind it. */
static bool has_metadata(const uint8_t *tail, size_t size)
{
    static const char marker[] = "\xab\xcd\xefMaxMind.com";
    const size_t length = sizeof(marker) - 1;

    for (size_t i = size; i >= length; i--) {
        if (memcmp(tail + i - length, marker, length) == 0) {
            return lnf_geo_metadata_is_sound(tail + i, size - i);
        }
    }
    return false;
}

static int check_metadata(const char *path, int fd, struct lnf_error *error)
{
    struct stat info;

    if (fstat(fd, &info) != 0) {
        return fail_open(path, errno, error);
    }
    size_t size = info.st_size < METADATA_MAX ? (size_t)info.st_size : METADATA_MAX;
    uint8_t *tail = malloc(size + 1);
    if (tail == NULL) {
        return LNF_ERR_NOMEM;
    }
    ssize_t got = pread(fd, tail, size, info.st_size - (off_t)size);
    int number = got < 0 ? errno : EIO;
    bool complete = got == (ssize_t)size, sound = complete && has_metadata(tail, size);
    free(tail);
    if (!complete) {
        return fail_open(path, number, error);
    }
    if (!sound) {
        lnf_error_set(error, 0,
                      "'%.200s' is no database of countries: metadata of the MaxMind DB format are "
                      "missing or damaged",
                      path);
        return LNF_ERR_CORRUPT;
    }
    return LNF_OK;
}

static int check_file(const char *path, int fd, struct lnf_error *error)
{
    struct stat info;

    if (fstat(fd, &info) != 0) {
        return fail_open(path, errno, error);
    }
    if (!S_ISREG(info.st_mode)) {
        lnf_error_set(error, 0, "the database of countries '%.200s' is no regular file", path);
        return LNF_ERR_READ;
    }
    if (info.st_size > (off_t)SIZE_MAX_MIB << 20) {
        lnf_error_set(error, 0, "the database of countries '%.200s' is larger than %d MiB", path,
                      SIZE_MAX_MIB);
        return LNF_ERR_READ;
    }
    return LNF_OK;
}

/** Opens a copy of the file: libmaxminddb maps it, and a file cut while it is mapped ends the
 * process. Not waiting: it may be a pipe nobody writes to. */
static int open_copy(const char *path, int *copy, struct lnf_error *error)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0) {
        return fail_open(path, errno, error);
    }
    int status = check_file(path, fd, error);
    if (status == LNF_OK) {
        *copy = lnf_spool(fd);
        status = *copy < 0 ? fail_open(path, errno, error) : LNF_OK;
    }
    close(fd);
    return status;
}

static int explain_open(const char *path, int status, int number, struct lnf_error *error)
{
    if (status == MMDB_OUT_OF_MEMORY_ERROR) {
        return LNF_ERR_NOMEM;
    }
    if ((status == MMDB_FILE_OPEN_ERROR || status == MMDB_IO_ERROR) && number != 0) {
        return fail_open(path, number, error);
    }
    lnf_error_set(error, 0, "'%.200s' is no database of countries: %s", path,
                  MMDB_strerror(status));
    return LNF_ERR_CORRUPT;
}

/* ---- records --------------------------------------------------------------------------------- */

static uint16_t country_of(const lnf_geo_t *geo, struct lnf_geo_cache *cache, uint32_t offset)
{
    struct lnf_geo_slot *slot = &cache->slots[offset * 0x9e3779b1u >> (32 - LNF_GEO_CACHE_BITS)];

    if (slot->record != offset + 1) {
        slot->record = offset + 1;
        slot->country =
            lnf_geo_record_country(geo->mmdb.data_section, geo->mmdb.data_section_size, offset);
    }
    return slot->country;
}

/** What the search for a country has met. */
struct search {
    const lnf_geo_t *geo;
    struct lnf_geo_cache cache;
    unsigned tried;
    bool found, damaged;
};

static void try_record(struct search *search, uint8_t type, const MMDB_entry_s *entry)
{
    if (type == MMDB_RECORD_TYPE_INVALID) {
        search->damaged = true;
    } else if (type == MMDB_RECORD_TYPE_DATA && !search->found) {
        uint16_t country = country_of(search->geo, &search->cache, entry->offset);
        search->found = country != LNF_GEO_NONE && country != LNF_GEO_DAMAGED;
        search->damaged = search->damaged || country == LNF_GEO_DAMAGED;
        search->tried++;
    }
}

/* Looks for a record with a country: the first one in most databases of countries. */
static int check_countries(const lnf_geo_t *geo, struct lnf_error *error)
{
    const MMDB_metadata_s *metadata = &geo->mmdb.metadata;
    const char *type = metadata->database_type == NULL ? "" : metadata->database_type;
    struct search *search = calloc(1, sizeof(*search));
    char shown[64];

    if (search == NULL) {
        return LNF_ERR_NOMEM;
    }
    search->geo = geo;
    for (uint32_t i = 0; i < metadata->node_count && !search->found && !search->damaged &&
                         search->tried < TRIED_MAX;
         i++) {
        MMDB_search_node_s node;
        search->damaged = MMDB_read_node(&geo->mmdb, i, &node) != MMDB_SUCCESS;
        if (!search->damaged) {
            try_record(search, node.left_record_type, &node.left_record_entry);
            try_record(search, node.right_record_type, &node.right_record_entry);
        }
    }
    bool found = search->found, damaged = search->damaged;
    free(search);
    if (damaged) {
        lnf_error_set(error, 0, "the database of countries '%.200s' is damaged", lnf_geo_path(geo));
        return LNF_ERR_CORRUPT;
    }
    if (!found) {
        lnf_error_set(error, 0, "'%.200s' has no countries: it is a database of type '%s'",
                      lnf_geo_path(geo), lnf_filter_show(type, strlen(type), shown));
        return LNF_ERR_CORRUPT;
    }
    return LNF_OK;
}

/* ---- the contract ---------------------------------------------------------------------------- */

bool lnf_geo_is_available(void)
{
    return true;
}

/** Opens what is in `copy` under the name `path`. */
static int open_database(const char *path, int copy, lnf_geo_t **geo, struct lnf_error *error)
{
    char name[64];

    int status = check_metadata(path, copy, error);
    if (status != LNF_OK) {
        return status;
    }
    lnf_geo_t *g = calloc(1, sizeof(*g) + strlen(path) + 1);
    if (g == NULL) {
        return LNF_ERR_NOMEM;
    }
    strcpy(g->path, path);
    (void)snprintf(name, sizeof(name), "/proc/self/fd/%d", copy);
    errno = 0;
    int opened = MMDB_open(name, MMDB_MODE_MMAP, &g->mmdb);
    if (opened != MMDB_SUCCESS) {
        int number = errno;
        free(g);
        return explain_open(path, opened, number, error);
    }
    status = check_countries(g, error);
    if (status != LNF_OK) {
        lnf_geo_close(g);
        return status;
    }
    *geo = g;
    return LNF_OK;
}

int lnf_geo_open(const char *path, lnf_geo_t **geo, struct lnf_error *error)
{
    if (path == NULL) {
        path = find_path(error);
    }
    int copy;
    int status = path == NULL ? LNF_ERR_READ : open_copy(path, &copy, error);
    if (status != LNF_OK) {
        return status;
    }
    status = open_database(path, copy, geo, error);
    close(copy);
    return status;
}

void lnf_geo_close(lnf_geo_t *geo)
{
    if (geo != NULL) {
        MMDB_close(&geo->mmdb);
        free(geo);
    }
}

const char *lnf_geo_path(const lnf_geo_t *geo)
{
    return geo->path;
}

static MMDB_lookup_result_s look_up(const lnf_geo_t *geo, struct lnf_addr address, int *status)
{
    if (address.hi == 0 && address.lo >> 32 == 0 && address.lo > 1) {
        struct sockaddr_in in4 = {.sin_family = AF_INET};
        in4.sin_addr.s_addr = htonl((uint32_t)address.lo);
        return MMDB_lookup_sockaddr(&geo->mmdb, (struct sockaddr *)&in4, status);
    }
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    const uint64_t words[] = {htobe64(address.hi), htobe64(address.lo)};
    memcpy(&in6.sin6_addr, words, sizeof(words));
    return MMDB_lookup_sockaddr(&geo->mmdb, (struct sockaddr *)&in6, status);
}

uint16_t lnf_geo_find(const lnf_geo_t *geo, struct lnf_geo_cache *cache, struct lnf_addr address)
{
    uint16_t country = LNF_GEO_NONE;
    int status;

    if ((address.hi | address.lo) == 0) {
        return LNF_GEO_NONE; /* the record has none */
    }
    MMDB_lookup_result_s result = look_up(geo, address, &status);

    if (status == MMDB_IPV6_LOOKUP_IN_IPV4_DATABASE_ERROR) {
        return LNF_GEO_NONE;
    }
    if (status != MMDB_SUCCESS) {
        country = LNF_GEO_DAMAGED;
    } else if (result.found_entry) {
        country = country_of(geo, cache, result.entry.offset);
    }
    cache->damaged += country == LNF_GEO_DAMAGED;
    return country;
}

#else /* no libmaxminddb */

bool lnf_geo_is_available(void)
{
    return false;
}

int lnf_geo_open(const char *path, lnf_geo_t **geo, struct lnf_error *error)
{
    (void)path;
    (void)geo;
    lnf_error_set(error, 0, "countries cannot be looked up: libnf was built without libmaxminddb");
    return LNF_ERR_OTHER;
}

void lnf_geo_close(lnf_geo_t *geo)
{
    (void)geo;
}

const char *lnf_geo_path(const lnf_geo_t *geo)
{
    (void)geo;
    return "";
}

uint16_t lnf_geo_find(const lnf_geo_t *geo, struct lnf_geo_cache *cache, struct lnf_addr address)
{
    (void)geo;
    (void)cache;
    (void)address;
    return LNF_GEO_NONE;
}

#endif
