/* SPDX-License-Identifier: BSD-3-Clause */
/** Databases of countries for tests: a tree of networks, records, metadata. */
#include "mmdb_build.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a side of a node is while the tree grows: nothing, another node, a record. */
#define SIDE_EMPTY UINT32_MAX
#define SIDE_RECORD 0x80000000u
#define SEPARATOR 16u

static void *check(void *memory)
{
    if (memory == NULL) {
        abort();
    }
    return memory;
}

/* ---- values ---------------------------------------------------------------------------------- */

void mmdb_put(struct mmdb_octets *o, const void *octets, size_t size)
{
    if (o->size + size > o->room) {
        o->room = 2 * (o->size + size);
        o->at = check(realloc(o->at, o->room));
    }
    if (size > 0) {
        memcpy(o->at + o->size, octets, size);
        o->size += size;
    }
}

static void put_big_endian(struct mmdb_octets *o, uint64_t number, unsigned octets)
{
    while (octets > 0) {
        uint8_t octet = (uint8_t)(number >> (8 * --octets));
        mmdb_put(o, &octet, 1);
    }
}

/* Types from 8 on are in an octet of their own; sizes from 29 on behind that. */
static void put_control(struct mmdb_octets *o, unsigned type, size_t size)
{
    unsigned bits = size < 29 ? (unsigned)size : size < 285 ? 29 : 30;

    if (size >= 65821) {
        abort();
    }
    put_big_endian(o, (type < 8 ? type << 5 : 0) | bits, 1);
    if (type >= 8) {
        put_big_endian(o, type - 7, 1);
    }
    if (bits == 29) {
        put_big_endian(o, size - 29, 1);
    } else if (bits == 30) {
        put_big_endian(o, size - 285, 2);
    }
}

void mmdb_put_text(struct mmdb_octets *o, const char *text)
{
    put_control(o, 2, strlen(text));
    mmdb_put(o, text, strlen(text));
}

void mmdb_put_map(struct mmdb_octets *o, unsigned members)
{
    put_control(o, 7, members);
}

void mmdb_put_array(struct mmdb_octets *o, unsigned members)
{
    put_control(o, 11, members);
}

void mmdb_put_number(struct mmdb_octets *o, unsigned type, uint64_t number)
{
    unsigned octets = 0;

    while (octets < 8 && number >> (8 * octets) != 0) {
        octets++;
    }
    put_control(o, type, octets);
    put_big_endian(o, number, octets);
}

void mmdb_put_pointer(struct mmdb_octets *o, uint32_t place)
{
    if (place < 2048) {
        put_big_endian(o, 0x2000 | place, 2);
    } else if (place < 526336) {
        put_big_endian(o, 0x280000 | (place - 2048), 3);
    } else if (place < 134744064) {
        put_big_endian(o, 0x30000000 | (place - 526336), 4);
    } else {
        put_big_endian(o, 0x38, 1);
        put_big_endian(o, place, 4);
    }
}

/* ---- tree ------------------------------------------------------------------------------------ */

static uint32_t new_node(struct mmdb *m, uint32_t sides)
{
    if (m->node_count == m->node_room) {
        m->node_room = 2 * m->node_room + 64;
        m->nodes = check(realloc(m->nodes, m->node_room * sizeof(*m->nodes)));
    }
    m->nodes[m->node_count][0] = sides;
    m->nodes[m->node_count][1] = sides;
    return m->node_count++;
}

/* Octets of a network and how many of its bits count in the tree. */
static unsigned parse_network(const struct mmdb *m, const char *network, uint8_t octets[16])
{
    char text[64];
    const char *slash = strchr(network, '/');

    if (slash == NULL || (size_t)(slash - network) >= sizeof(text)) {
        abort();
    }
    memcpy(text, network, (size_t)(slash - network));
    text[slash - network] = '\0';
    unsigned length = (unsigned)atoi(slash + 1);
    memset(octets, 0, 16);
    if (strchr(text, ':') != NULL) {
        if (m->ip_version != 6 || inet_pton(AF_INET6, text, octets) != 1) {
            abort();
        }
        return length;
    }
    if (inet_pton(AF_INET, text, octets + (m->ip_version == 6 ? 12 : 0)) != 1) {
        abort();
    }
    return m->ip_version == 6 ? 96 + length : length;
}

static void set_network(struct mmdb *m, const char *network, uint32_t record)
{
    uint8_t octets[16];
    unsigned length = parse_network(m, network, octets);
    uint32_t node = 0;

    for (unsigned i = 0; i + 1 < length; i++) {
        unsigned bit = octets[i / 8] >> (7 - i % 8) & 1;
        uint32_t side = m->nodes[node][bit];
        if (side == SIDE_EMPTY || (side & SIDE_RECORD) != 0) {
            side = new_node(m, side); /* what held for the larger network holds for both halves */
            m->nodes[node][bit] = side;
        }
        node = side;
    }
    m->nodes[node][octets[(length - 1) / 8] >> (7 - (length - 1) % 8) & 1] = SIDE_RECORD | record;
}

/* ---- records --------------------------------------------------------------------------------- */

/* As in real databases: more than is asked for, and repeated texts are pointers. */
static uint32_t put_country(struct mmdb *m, const char *code)
{
    struct mmdb_octets *o = &m->data;
    uint32_t place = (uint32_t)o->size;

    mmdb_put_map(o, code == NULL ? 1 : 3);
    mmdb_put_text(o, "continent");
    mmdb_put_map(o, 3);
    mmdb_put_text(o, "code");
    mmdb_put_text(o, "XX");
    mmdb_put_text(o, "geoname_id");
    mmdb_put_number(o, MMDB_BUILD_UINT32, 6255148);
    mmdb_put_text(o, "names");
    mmdb_put_map(o, 1);
    mmdb_put_text(o, "en");
    mmdb_put_text(o, "A continent, with a name of more than twenty-eight octets");
    if (code != NULL) {
        mmdb_put_text(o, "registered_country");
        mmdb_put_map(o, 1);
        if (m->text_place == 0) {
            m->text_place = (uint32_t)o->size;
            mmdb_put_text(o, "iso_code");
        } else {
            mmdb_put_pointer(o, m->text_place);
        }
        mmdb_put_text(o, "QQ");
        mmdb_put_text(o, "country");
        mmdb_put_map(o, 2);
        mmdb_put_text(o, "geoname_id");
        mmdb_put_number(o, MMDB_BUILD_UINT32, 1);
        mmdb_put_pointer(o, m->text_place);
        mmdb_put_text(o, code);
    }
    return place;
}

void mmdb_add_country(struct mmdb *m, const char *network, const char *code)
{
    const char *name = code == NULL ? "" : code;
    unsigned i = 0;

    while (i < m->country_count && strcmp(m->countries[i].code, name) != 0) {
        i++;
    }
    if (i == m->country_count) {
        if (i == sizeof(m->countries) / sizeof(m->countries[0]) ||
            strlen(name) >= sizeof(m->countries[i].code)) {
            abort();
        }
        strcpy(m->countries[i].code, name);
        m->countries[i].place = put_country(m, code);
        m->country_count++;
    }
    set_network(m, network, m->countries[i].place);
}

void mmdb_add_record(struct mmdb *m, const char *network, const void *octets, size_t size)
{
    set_network(m, network, (uint32_t)m->data.size);
    mmdb_put(&m->data, octets, size);
}

/* ---- the file -------------------------------------------------------------------------------- */

void mmdb_init(struct mmdb *m, unsigned ip_version)
{
    *m = (struct mmdb){.ip_version = ip_version, .type = "Test-Country"};
    (void)new_node(m, SIDE_EMPTY);
}

void mmdb_clear(struct mmdb *m)
{
    free(m->nodes);
    free(m->data.at);
    free(m->octets);
    *m = (struct mmdb){0};
}

static void put_metadata(const struct mmdb *m, struct mmdb_octets *o)
{
    mmdb_put(o, "\xab\xcd\xefMaxMind.com", 14);
    mmdb_put_map(o, 9);
    mmdb_put_text(o, "node_count");
    mmdb_put_number(o, MMDB_BUILD_UINT32, m->node_count);
    mmdb_put_text(o, "record_size");
    mmdb_put_number(o, MMDB_BUILD_UINT16, 24);
    mmdb_put_text(o, "ip_version");
    mmdb_put_number(o, MMDB_BUILD_UINT16, m->ip_version);
    mmdb_put_text(o, "database_type");
    mmdb_put_text(o, m->type);
    mmdb_put_text(o, "languages");
    mmdb_put_array(o, 1);
    mmdb_put_text(o, "en");
    mmdb_put_text(o, "binary_format_major_version");
    mmdb_put_number(o, MMDB_BUILD_UINT16, 2);
    mmdb_put_text(o, "binary_format_minor_version");
    mmdb_put_number(o, MMDB_BUILD_UINT16, 0);
    mmdb_put_text(o, "build_epoch");
    mmdb_put_number(o, MMDB_BUILD_UINT64, 1700000000);
    mmdb_put_text(o, "description");
    mmdb_put_map(o, 1);
    mmdb_put_text(o, "en");
    mmdb_put_text(o, "for tests");
}

size_t mmdb_finish(struct mmdb *m)
{
    static const uint8_t separator[SEPARATOR];
    struct mmdb_octets o = {0};

    for (uint32_t i = 0; i < m->node_count; i++) {
        for (unsigned bit = 0; bit < 2; bit++) {
            uint32_t side = m->nodes[i][bit];
            uint32_t number = side == SIDE_EMPTY ? m->node_count
                              : (side & SIDE_RECORD) != 0
                                  ? m->node_count + SEPARATOR + (side & ~SIDE_RECORD)
                                  : side;
            if (number >= 1u << 24) {
                abort();
            }
            put_big_endian(&o, number, 3);
        }
    }
    m->tree_size = o.size;
    mmdb_put(&o, separator, sizeof(separator));
    mmdb_put(&o, m->data.at, m->data.size);
    m->data_size = m->data.size;
    put_metadata(m, &o);
    free(m->octets);
    m->octets = o.at;
    return o.size;
}

void mmdb_write(struct mmdb *m, const char *path)
{
    size_t size = mmdb_finish(m);
    FILE *stream = check(fopen(path, "wb"));

    if (fwrite(m->octets, 1, size, stream) != size || fclose(stream) != 0) {
        abort();
    }
}
