/* SPDX-License-Identifier: BSD-3-Clause */
/* Information Elements: the dictionary read from ipfix-elements.xml. */
#include "decoder.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct ipfix_dictionary {
    struct ipfix_element *elements; /* in file order */
    size_t count, room;
    /* Open addressing; an item is an index into elements plus one, 0 = free. */
    uint32_t *by_number;
    uint32_t *by_name;
    size_t slots; /* of both, a power of two, more than twice `count` */
};

/* ---- lookup ---------------------------------------------------------------------------------- */

static size_t number_hash(uint32_t pen, uint16_t id)
{
    uint64_t key = ((uint64_t)pen << 16 | id) * 0x9E3779B97F4A7C15u;
    return (size_t)(key >> 32);
}

static size_t name_hash(const char *name)
{
    uint64_t hash = 0xCBF29CE484222325u;
    for (; *name != '\0'; name++) {
        hash = (hash ^ (unsigned char)tolower((unsigned char)*name)) * 0x100000001B3u;
    }
    return (size_t)(hash ^ hash >> 32);
}

const struct ipfix_element *ipfix_dictionary_find(const ipfix_dictionary_t *dictionary,
                                                  uint32_t pen, uint16_t id)
{
    size_t mask = dictionary->slots - 1;
    size_t slot = number_hash(pen, id) & mask;
    for (; dictionary->by_number[slot] != 0; slot = (slot + 1) & mask) {
        const struct ipfix_element *element =
            &dictionary->elements[dictionary->by_number[slot] - 1];
        if (element->id == id && element->pen == pen) {
            return element;
        }
    }
    return NULL;
}

const struct ipfix_element *ipfix_dictionary_find_name(const ipfix_dictionary_t *dictionary,
                                                       const char *name, unsigned *count)
{
    const struct ipfix_element *first = NULL;
    unsigned found = 0;
    size_t mask = dictionary->slots - 1;
    size_t slot = name_hash(name) & mask;

    /* Items went in in file order, so the first match is the first one in the file. */
    for (; dictionary->by_name[slot] != 0; slot = (slot + 1) & mask) {
        const struct ipfix_element *element = &dictionary->elements[dictionary->by_name[slot] - 1];
        if (strcasecmp(element->name, name) == 0) {
            first = first == NULL ? element : first;
            found++;
        }
    }
    if (count != NULL) {
        *count = found;
    }
    return first;
}

/* ---- values of the file ---------------------------------------------------------------------- */

static const char *const type_names[] = {
    [IPFIX_TYPE_OCTET_ARRAY] = "octetArray",
    [IPFIX_TYPE_UNSIGNED8] = "unsigned8",
    [IPFIX_TYPE_UNSIGNED16] = "unsigned16",
    [IPFIX_TYPE_UNSIGNED32] = "unsigned32",
    [IPFIX_TYPE_UNSIGNED64] = "unsigned64",
    [IPFIX_TYPE_SIGNED8] = "signed8",
    [IPFIX_TYPE_SIGNED16] = "signed16",
    [IPFIX_TYPE_SIGNED32] = "signed32",
    [IPFIX_TYPE_SIGNED64] = "signed64",
    [IPFIX_TYPE_FLOAT32] = "float32",
    [IPFIX_TYPE_FLOAT64] = "float64",
    [IPFIX_TYPE_BOOLEAN] = "boolean",
    [IPFIX_TYPE_MAC_ADDRESS] = "macAddress",
    [IPFIX_TYPE_STRING] = "string",
    [IPFIX_TYPE_DATETIME_SECONDS] = "dateTimeSeconds",
    [IPFIX_TYPE_DATETIME_MILLISECONDS] = "dateTimeMilliseconds",
    [IPFIX_TYPE_DATETIME_MICROSECONDS] = "dateTimeMicroseconds",
    [IPFIX_TYPE_DATETIME_NANOSECONDS] = "dateTimeNanoseconds",
    [IPFIX_TYPE_IPV4_ADDRESS] = "ipv4Address",
    [IPFIX_TYPE_IPV6_ADDRESS] = "ipv6Address",
    [IPFIX_TYPE_BASIC_LIST] = "basicList",
    [IPFIX_TYPE_SUB_TEMPLATE_LIST] = "subTemplateList",
    [IPFIX_TYPE_SUB_TEMPLATE_MULTI_LIST] = "subTemplateMultiList",
};

static const char *const semantic_names[] = {
    [IPFIX_SEMANTIC_DEFAULT] = "default",
    [IPFIX_SEMANTIC_QUANTITY] = "quantity",
    [IPFIX_SEMANTIC_TOTAL_COUNTER] = "totalCounter",
    [IPFIX_SEMANTIC_DELTA_COUNTER] = "deltaCounter",
    [IPFIX_SEMANTIC_IDENTIFIER] = "identifier",
    [IPFIX_SEMANTIC_FLAGS] = "flags",
    [IPFIX_SEMANTIC_LIST] = "list",
    [IPFIX_SEMANTIC_SNMP_COUNTER] = "snmpCounter",
    [IPFIX_SEMANTIC_SNMP_GAUGE] = "snmpGauge",
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static int find_word(const char *const *words, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(words[i], word) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static bool parse_number(const char *text, uint64_t max, uint64_t *number)
{
    char *end;
    if (!isdigit((unsigned char)text[0])) {
        return false;
    }
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || value > max) {
        return false;
    }
    *number = value;
    return true;
}

/* Text without blanks at both ends; changes it. */
static char *trim(char *text)
{
    while (isspace((unsigned char)*text)) {
        text++;
    }
    char *end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1])) {
        end--;
    }
    *end = '\0';
    return text;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* A file that is being read. */
struct loading {
    const char *path;
    char *error;
    size_t error_size;
    ipfix_dictionary_t *dictionary;
};

COL_PRINTF(3, 4)
static bool complain(const struct loading *loading, const xmlNode *node, const char *format, ...)
{
    va_list arguments;
    char text[160];

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    snprintf(loading->error, loading->error_size, "%s:%ld: %s", loading->path,
             node == NULL ? 0L : xmlGetLineNo(node), text);
    return false;
}

enum { CHILD_ENTERPRISE, CHILD_ID, CHILD_NAME, CHILD_TYPE, CHILD_SEMANTIC, CHILD_COUNT };

static const char *const child_names[CHILD_COUNT] = {"enterprise", "id", "name", "dataType",
                                                     "semantic"};

/* Texts of the children of <element>; every one has to be there exactly once. */
static bool read_children(const struct loading *loading, xmlNode *node, char *texts[CHILD_COUNT])
{
    for (xmlNode *child = node->children; child != NULL; child = child->next) {
        if (child->type != XML_ELEMENT_NODE) {
            continue;
        }
        int which = find_word(child_names, CHILD_COUNT, (const char *)child->name);
        if (which < 0) {
            continue; /* other tools' additions */
        }
        if (texts[which] != NULL) {
            return complain(loading, child, "<%s> occurs twice", child_names[which]);
        }
        texts[which] = (char *)xmlNodeGetContent(child);
        if (texts[which] == NULL) {
            return complain(loading, child, "no memory");
        }
    }
    for (unsigned i = 0; i < CHILD_COUNT; i++) {
        if (texts[i] == NULL) {
            return complain(loading, node, "<element> without <%s>", child_names[i]);
        }
    }
    return true;
}

static bool convert_children(const struct loading *loading, const xmlNode *node,
                             char *const texts[CHILD_COUNT], struct ipfix_element *element)
{
    uint64_t number;
    const char *text = trim(texts[CHILD_ENTERPRISE]);
    if (!parse_number(text, UINT32_MAX, &number)) {
        return complain(loading, node, "enterprise '%.40s' is no number from 0 to 4294967295",
                        text);
    }
    element->pen = (uint32_t)number;

    text = trim(texts[CHILD_ID]);
    if (!parse_number(text, 32767, &number)) {
        return complain(loading, node, "id '%.40s' is no number from 0 to 32767", text);
    }
    element->id = (uint16_t)number;

    element->name = trim(texts[CHILD_NAME]);
    if (element->name[0] == '\0') {
        return complain(loading, node, "element %u of enterprise %u has an empty name", element->id,
                        element->pen);
    }

    text = trim(texts[CHILD_TYPE]);
    int type = find_word(type_names, COUNT_OF(type_names), text);
    if (type < 0) {
        return complain(loading, node, "%.60s: unknown dataType '%.40s'", element->name, text);
    }
    element->type = (enum ipfix_type)type;

    text = trim(texts[CHILD_SEMANTIC]);
    int semantic = text[0] == '\0' ? IPFIX_SEMANTIC_DEFAULT
                                   : find_word(semantic_names, COUNT_OF(semantic_names), text);
    if (semantic < 0) {
        return complain(loading, node, "%.60s: unknown semantic '%.40s'", element->name, text);
    }
    element->semantic = (enum ipfix_semantic)semantic;
    return true;
}

/* Adds a copy of the element. */
static bool append(const struct loading *loading, const xmlNode *node,
                   const struct ipfix_element *element)
{
    ipfix_dictionary_t *dictionary = loading->dictionary;

    if (dictionary->count == dictionary->room) {
        size_t room = dictionary->room == 0 ? 1024 : dictionary->room * 2;
        struct ipfix_element *grown = realloc(dictionary->elements, room * sizeof(*grown));
        if (grown == NULL) {
            return complain(loading, node, "no memory");
        }
        dictionary->elements = grown;
        dictionary->room = room;
    }
    char *name = strdup(element->name);
    if (name == NULL) {
        return complain(loading, node, "no memory");
    }
    dictionary->elements[dictionary->count] = *element;
    dictionary->elements[dictionary->count].name = name;
    dictionary->count++;
    return true;
}

static bool read_element(const struct loading *loading, xmlNode *node)
{
    char *texts[CHILD_COUNT] = {NULL};
    struct ipfix_element element;

    bool good = read_children(loading, node, texts) &&
                convert_children(loading, node, texts, &element) && append(loading, node, &element);
    for (unsigned i = 0; i < CHILD_COUNT; i++) {
        xmlFree(texts[i]);
    }
    return good;
}

/* ---- tables ---------------------------------------------------------------------------------- */

/* The same name twice inside one enterprise: which one a filter means is a guess. */
static bool name_is_taken(const ipfix_dictionary_t *dictionary, const struct ipfix_element *element)
{
    size_t mask = dictionary->slots - 1;
    size_t slot = name_hash(element->name) & mask;
    for (; dictionary->by_name[slot] != 0; slot = (slot + 1) & mask) {
        const struct ipfix_element *other = &dictionary->elements[dictionary->by_name[slot] - 1];
        if (other->pen == element->pen && strcasecmp(other->name, element->name) == 0) {
            return true;
        }
    }
    return false;
}

static void put(uint32_t *table, size_t mask, size_t hash, size_t index)
{
    size_t slot = hash & mask;
    while (table[slot] != 0) {
        slot = (slot + 1) & mask;
    }
    table[slot] = (uint32_t)index + 1;
}

static bool build_tables(const struct loading *loading)
{
    ipfix_dictionary_t *dictionary = loading->dictionary;

    dictionary->slots = 64;
    while (dictionary->slots <= 2 * dictionary->count) {
        dictionary->slots *= 2;
    }
    dictionary->by_number = calloc(dictionary->slots, sizeof(*dictionary->by_number));
    dictionary->by_name = calloc(dictionary->slots, sizeof(*dictionary->by_name));
    if (dictionary->by_number == NULL || dictionary->by_name == NULL) {
        return complain(loading, NULL, "no memory");
    }
    for (size_t i = 0; i < dictionary->count; i++) {
        const struct ipfix_element *element = &dictionary->elements[i];
        const struct ipfix_element *other =
            ipfix_dictionary_find(dictionary, element->pen, element->id);
        if (other != NULL) {
            return complain(loading, NULL, "enterprise %u, id %u is defined twice: %.40s and %.40s",
                            element->pen, element->id, other->name, element->name);
        }
        if (name_is_taken(dictionary, element)) {
            (void)complain(loading, NULL, "name %.60s is used twice in enterprise %u",
                           element->name, element->pen);
        }
        put(dictionary->by_number, dictionary->slots - 1, number_hash(element->pen, element->id),
            i);
        put(dictionary->by_name, dictionary->slots - 1, name_hash(element->name), i);
    }
    return true;
}

/* ---- life ------------------------------------------------------------------------------------ */

static bool read_document(const struct loading *loading, xmlDoc *document)
{
    xmlNode *root = xmlDocGetRootElement(document);
    if (root == NULL || strcmp((const char *)root->name, "ipfix-elements") != 0) {
        return complain(loading, root, "the root is not <ipfix-elements>");
    }
    for (xmlNode *node = root->children; node != NULL; node = node->next) {
        if (node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, "element") == 0 &&
            !read_element(loading, node)) {
            return false;
        }
    }
    return build_tables(loading);
}

static xmlDoc *parse_file(const struct loading *loading)
{
    xmlDoc *document = NULL;
    xmlParserCtxt *context = xmlNewParserCtxt();
    if (context == NULL) {
        (void)complain(loading, NULL, "no memory");
        return NULL;
    }
    document = xmlCtxtReadFile(context, loading->path, NULL,
                               XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                   XML_PARSE_BIG_LINES);
    const xmlError *reason = xmlCtxtGetLastError(context);
    if (document == NULL) {
        char text[120];
        snprintf(text, sizeof(text), "%s",
                 reason == NULL || reason->message == NULL ? "unreadable" : reason->message);
        snprintf(loading->error, loading->error_size, "%s:%d: %s", loading->path,
                 reason == NULL ? 0 : reason->line, trim(text));
    }
    xmlFreeParserCtxt(context);
    return document;
}

ipfix_dictionary_t *ipfix_dictionary_load(const char *path, char *error, size_t error_size)
{
    struct loading loading = {path, error, error_size, calloc(1, sizeof(ipfix_dictionary_t))};

    if (error_size > 0) {
        error[0] = '\0';
    }
    if (loading.dictionary == NULL) {
        (void)complain(&loading, NULL, "no memory");
        return NULL;
    }
    xmlDoc *document = parse_file(&loading);
    bool good = document != NULL && read_document(&loading, document);
    xmlFreeDoc(document);
    if (!good) {
        ipfix_dictionary_destroy(loading.dictionary);
        return NULL;
    }
    return loading.dictionary;
}

void ipfix_dictionary_destroy(ipfix_dictionary_t *dictionary)
{
    if (dictionary == NULL) {
        return;
    }
    for (size_t i = 0; i < dictionary->count; i++) {
        free((char *)dictionary->elements[i].name);
    }
    free(dictionary->elements);
    free(dictionary->by_number);
    free(dictionary->by_name);
    free(dictionary);
}
