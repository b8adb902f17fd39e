/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Countries of addresses, from a database in the MaxMind DB format whose records have
 * `country.iso_code`: GeoLite2-Country and the like. libmaxminddb opens it and searches its tree;
 * built without it there are no databases. Records are read here, because a record nested deep
 * enough ends the process when libmaxminddb skips it, and metadata are looked at first, because it
 * loses memory to damaged ones.
 *
 * Source: "MaxMind DB File Format Specification" 2.0.
 */
#ifndef LNF_FILTER_GEO_H
#define LNF_FILTER_GEO_H

#include "batch.h"

#include <libnf/common.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Names the database when nothing else does. */
#define LNF_GEO_VARIABLE "LNF_GEO_DATABASE"

/** A country: its two characters, upper case, the first one in the high octet. */
#define LNF_GEO_CODE(first, second) ((uint16_t)((unsigned)(first) << 8 | (unsigned)(second)))
#define LNF_GEO_NONE LNF_GEO_CODE('.', '.') /* the database knows no country */
#define LNF_GEO_DAMAGED LNF_GEO_CODE(0, 0)  /* it cannot be asked about this address */

/** Whether a character may be in a country: of ASCII, whatever the locale. */
static inline bool lnf_geo_is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static inline char lnf_geo_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/** The country of its two characters. */
static inline uint16_t lnf_geo_code(const char *text)
{
    return LNF_GEO_CODE(lnf_geo_upper(text[0]), lnf_geo_upper(text[1]));
}

/** An open database: immutable, shared by threads. */
typedef struct lnf_geo lnf_geo_t;

#define LNF_GEO_CACHE_BITS 10u

/**
 * Countries of records already read, by their place; all zero at first. For one thread. There are
 * about as many records as countries, and to read one takes longer than to find it.
 */
struct lnf_geo_cache {
    uint64_t damaged; /* addresses that got LNF_GEO_DAMAGED */
    struct lnf_geo_slot {
        uint32_t record; /* 1 + offset */
        uint16_t country;
    } slots[1u << LNF_GEO_CACHE_BITS];
};

/** Whether this libnf can open databases. */
bool lnf_geo_is_available(void);

/**
 * Opens a database and makes sure that it has countries.
 *
 * @param path      NULL = the file LNF_GEO_DATABASE names, else the first of the usual ones
 * @param[out] geo  new handle, the caller's to close; untouched on failure
 * @param[out] error  names the file, or the places searched; may be NULL
 * @return LNF_OK; LNF_ERR_READ, there is none or it cannot be opened; LNF_ERR_CORRUPT, it is no
 * such database; LNF_ERR_NOMEM; LNF_ERR_OTHER, not available
 */
int lnf_geo_open(const char *path, lnf_geo_t **geo, struct lnf_error *error);

/** Closes the database; NULL is fine. */
void lnf_geo_close(lnf_geo_t *geo);

/** File of the database, as long as it is open. */
const char *lnf_geo_path(const lnf_geo_t *geo);

/** Country of an address, LNF_GEO_NONE or LNF_GEO_DAMAGED. Threads: any, each with its cache. */
uint16_t lnf_geo_find(const lnf_geo_t *geo, struct lnf_geo_cache *cache, struct lnf_addr address);

/**
 * `country.iso_code` of the record at `offset` of a data section: LNF_GEO_NONE when it has none,
 * LNF_GEO_DAMAGED when it cannot be read. Nothing is trusted. (filter_geo_record.c)
 */
uint16_t lnf_geo_record_country(const uint8_t *section, size_t size, size_t offset);

/** Whether metadata are complete, their languages and descriptions what they should be. (likewise)
 */
bool lnf_geo_metadata_is_sound(const uint8_t *section, size_t size);

#endif
