/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Writes small databases of countries in the MaxMind DB format, with records of 24 bits.
 *
 *     struct mmdb m;
 *     mmdb_init(&m, 6);
 *     mmdb_add_country(&m, "192.0.2.0/24", "CZ");
 *     mmdb_add_country(&m, "2001:db8::/32", "DE");
 *     size_t size = mmdb_finish(&m);       ... m.octets ...
 *     mmdb_clear(&m);
 *
 * Networks of IPv4 are in the tree of ::/96 unless the database is of version 4. A network inside
 * another one comes after it. Whatever is wrong ends the process: the caller is a test.
 *
 * Source: "MaxMind DB File Format Specification" 2.0.
 */
#ifndef TEST_MMDB_BUILD_H
#define TEST_MMDB_BUILD_H

#include <stddef.h>
#include <stdint.h>

/** Octets that grow. */
struct mmdb_octets {
    uint8_t *at;
    size_t size, room;
};

struct mmdb {
    unsigned ip_version;
    const char *type; /* of the database */
    uint32_t (*nodes)[2];
    uint32_t node_count, node_room;
    struct mmdb_octets data;
    struct mmdb_country {
        char code[8];
        uint32_t place;
    } countries[64];
    unsigned country_count;
    uint32_t text_place; /* of "iso_code" in the data */

    uint8_t *octets; /* the file, after mmdb_finish() */
    size_t tree_size, data_size;
};

void mmdb_init(struct mmdb *m, unsigned ip_version);
void mmdb_clear(struct mmdb *m);

/** A network in a country, or with a record that names none (NULL). */
void mmdb_add_country(struct mmdb *m, const char *network, const char *code);

/** A network with a record of `size` octets, which are taken as they are. */
void mmdb_add_record(struct mmdb *m, const char *network, const void *octets, size_t size);

/** Octets of the whole file. */
size_t mmdb_finish(struct mmdb *m);

/** mmdb_finish() into a file. */
void mmdb_write(struct mmdb *m, const char *path);

/* Values, for records of one's own. */
void mmdb_put_text(struct mmdb_octets *o, const char *text);
void mmdb_put_map(struct mmdb_octets *o, unsigned members);
void mmdb_put_array(struct mmdb_octets *o, unsigned members);
void mmdb_put_number(struct mmdb_octets *o, unsigned type, uint64_t number);
void mmdb_put_pointer(struct mmdb_octets *o, uint32_t place);
void mmdb_put(struct mmdb_octets *o, const void *octets, size_t size);

#define MMDB_BUILD_UINT16 5u
#define MMDB_BUILD_UINT32 6u
#define MMDB_BUILD_UINT64 9u

#endif
