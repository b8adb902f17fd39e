/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Values of terms: texts -> ranges of numbers, networks, masks of flags. Says what is wrong with a
 * value and what was expected.
 */
#include "filter_geo.h"
#include "filter_ja3.h"
#include "filter_regex.h"
#include "filter_tree.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <float.h>
#include <string.h>
#include <strings.h>

/** A term whose values are being converted. */
struct conversion {
    struct lnf_filter_parse *parse;
    struct lnf_filter_node *node;
    const struct lnf_filter_term *term;
    enum lnf_filter_op op;
    const struct lnf_filter_word *value;
};

#define FAIL(conversion, ...)                                                                      \
    lnf_filter_fail((conversion)->parse, &(conversion)->value->place, __VA_ARGS__)

static struct lnf_filter_item *add_item(struct conversion *c, enum lnf_filter_item_kind kind)
{
    struct lnf_filter_item *item = lnf_arena_get(&c->parse->arena, sizeof(*item));

    if (item == NULL) {
        lnf_filter_no_memory(c->parse);
        return NULL;
    }
    item->kind = (uint8_t)kind;
    if (c->node->last_item == NULL) {
        c->node->items = item;
    } else {
        c->node->last_item->next = item;
    }
    c->node->last_item = item;
    return item;
}

/* ---- numbers --------------------------------------------------------------------------------- */

static uint64_t unit_factor(char unit)
{
    switch (tolower((unsigned char)unit)) {
    case 'k':
        return 1000;
    case 'm':
        return 1000000;
    case 'g':
        return 1000000000;
    case 't':
        return 1000000000000;
    default:
        return 0;
    }
}

/* A suffix only numbers and addresses may have. */
static bool check_suffix(struct conversion *c, const char *allowed)
{
    const struct lnf_filter_word *suffix = c->value->suffix;
    char shown[64];

    if (suffix == NULL || strchr(allowed, c->value->suffix_kind) != NULL) {
        return true;
    }
    return lnf_filter_fail(c->parse, &suffix->place, "unexpected '%s' after the value of '%s'",
                           lnf_filter_show(suffix->text, suffix->length, shown), c->term->name);
}

/* Reads digits; false when there is something else or the number is too large. */
static bool read_digits(const char *text, size_t length, unsigned base, uint64_t *number)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < length; i++) {
        unsigned digit = isdigit((unsigned char)text[i]) ? (unsigned)(text[i] - '0')
                         : isxdigit((unsigned char)text[i])
                             ? (unsigned)(tolower(text[i]) - 'a') + 10
                             : base;
        if (digit >= base || __builtin_mul_overflow(sum, (uint64_t)base, &sum) ||
            __builtin_add_overflow(sum, (uint64_t)digit, &sum)) {
            return false;
        }
    }
    *number = sum;
    return length > 0;
}

/* Reads `12`, `0x1f`, `12k`, `12 k`. */
static bool read_number(const struct lnf_filter_word *value, uint64_t *number)
{
    const char *text = value->text;
    size_t length = value->length;
    uint64_t factor = 1;

    if (length > 2 && text[0] == '0' && tolower((unsigned char)text[1]) == 'x') {
        return read_digits(text + 2, length - 2, 16, number);
    }
    if (value->suffix != NULL) {
        factor = unit_factor(value->suffix->text[0]);
    } else if (length > 1 && unit_factor(text[length - 1]) != 0) {
        factor = unit_factor(text[length - 1]);
        length--;
    }
    return read_digits(text, length, 10, number) &&
           !__builtin_mul_overflow(*number, factor, number);
}

static uint64_t type_max(uint8_t type)
{
    switch (type) {
    case LNF_UINT8:
        return UINT8_MAX;
    case LNF_UINT16:
        return UINT16_MAX;
    case LNF_UINT32:
        return UINT32_MAX;
    default:
        return UINT64_MAX;
    }
}

static uint64_t term_max(const struct lnf_filter_term *term)
{
    const struct lnf_field *field = lnf_field_get(term->fields[0]);

    return term->max != 0 ? term->max : type_max(field->type);
}

/* The item of `comparison number`. */
static bool add_comparison(struct conversion *c, uint64_t number)
{
    struct lnf_filter_item *item = add_item(c, LNF_ITEM_RANGE);

    if (item == NULL) {
        return false;
    }
    item->min = number;
    item->max = number;
    switch (c->op) {
    case LNF_OP_GT:
        item->min = number + 1;
        item->max = UINT64_MAX;
        if (number == UINT64_MAX) {
            item->kind = LNF_ITEM_NEVER;
        }
        break;
    case LNF_OP_GE:
        item->max = UINT64_MAX;
        break;
    case LNF_OP_LT:
        item->min = 0;
        item->max = number - 1;
        if (number == 0) {
            item->kind = LNF_ITEM_NEVER;
        }
        break;
    case LNF_OP_LE:
        item->min = 0;
        break;
    case LNF_OP_LIKE:
        item->kind = LNF_ITEM_MASK;
        break;
    default:
        break;
    }
    return true;
}

static bool convert_number(struct conversion *c)
{
    const struct lnf_filter_word *value = c->value;
    uint64_t max = term_max(c->term), number;
    uint32_t named;
    char shown[64];

    if (!check_suffix(c, "u")) {
        return false;
    }
    lnf_filter_show(value->text, value->length, shown);
    if (lnf_filter_symbol_find(c->term->symbols, value->text, value->length, &named)) {
        number = named;
    } else if (!read_number(value, &number)) {
        return FAIL(c, "'%s' is no value of '%s'; expected a number from 0 to %llu%s", shown,
                    c->term->name, (unsigned long long)max,
                    c->term->symbols != NULL ? " or a known name" : "");
    }
    if (number > max) {
        return FAIL(c, "'%s' is too large for '%s'; expected a number from 0 to %llu", shown,
                    c->term->name, (unsigned long long)max);
    }
    return add_comparison(c, number);
}

/* ---- reals ----------------------------------------------------------------------------------- */

/* Reads `12`, `1.5`, `1.5k`, `12 k`, `0x1f`. Not strtod(), which obeys the locale. */
static bool read_real(const struct lnf_filter_word *value, double *real)
{
    const char *text = value->text;
    size_t length = value->length;
    uint64_t whole, fraction = 0, factor = 1;

    if (read_number(value, &whole)) {
        *real = (double)whole;
        return true;
    }
    const char *dot = memchr(text, '.', length);
    if (dot == NULL) {
        return false;
    }
    if (length > 1 && unit_factor(text[length - 1]) != 0) {
        factor = unit_factor(text[--length]);
    }
    size_t places = (size_t)(text + length - dot - 1);
    if (places == 0 || places > 15 || !read_digits(text, (size_t)(dot - text), 10, &whole) ||
        !read_digits(dot + 1, places, 10, &fraction)) {
        return false;
    }
    double power = 1;
    for (size_t i = 0; i < places; i++) {
        power *= 10;
    }
    /* Multiplied first: 1.5k must be exactly 1500. */
    *real = (double)whole * (double)factor + (double)fraction * (double)factor / power;
    return true;
}

/* The next smaller (-1) or larger (1) number; x > 0, or x = 0 upwards. */
static double neighbour(double x, int step)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof(bits));
    bits += (uint64_t)(int64_t)step;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

/*
 * Rates are compared as nfdump does, by their whole part, so that `bpp = 333` finds 333.67; a value
 * with a fraction is compared with the rate itself.
 */
static bool convert_real(struct conversion *c)
{
    double real;
    char shown[64];

    if (!check_suffix(c, "u")) {
        return false;
    }
    if (!read_real(c->value, &real)) {
        return FAIL(c, "'%s' is no value of '%s'; expected a number such as 1500 or 1.5k",
                    lnf_filter_show(c->value->text, c->value->length, shown), c->term->name);
    }
    if (c->op == LNF_OP_LIKE) {
        return FAIL(c, "'%s' cannot be compared bit by bit", c->term->name);
    }
    struct lnf_filter_item *item = add_item(c, LNF_ITEM_REAL);
    if (item == NULL) {
        return false;
    }
    bool whole = real < 9e15 && real == (double)(uint64_t)real;
    double last = whole ? neighbour(real + 1, -1) : real; /* largest rate that counts as equal */
    item->low = c->op == LNF_OP_LT || c->op == LNF_OP_LE ? -DBL_MAX : real;
    item->high = c->op == LNF_OP_GT || c->op == LNF_OP_GE ? DBL_MAX : last;
    if (c->op == LNF_OP_GT) {
        item->low = neighbour(last, 1);
    } else if (c->op == LNF_OP_LT) {
        item->high = real > 0 ? neighbour(real, -1) : -DBL_MIN;
    }
    return true;
}

/* ---- addresses ------------------------------------------------------------------------------- */

static bool is_host_name(const char *text, size_t length)
{
    bool letter = false;

    for (size_t i = 0; i < length; i++) {
        letter = letter || (isalpha((unsigned char)text[i]) && !isxdigit((unsigned char)text[i]));
    }
    return letter || memchr(text, ':', length) == NULL;
}

/* Reads the octets written of an IPv4 address; how many, 0 when it is none. */
static unsigned read_ipv4(const char *text, size_t length, uint32_t *address)
{
    uint32_t sum = 0;
    unsigned octets = 0;

    while (length > 0 && octets < 4) {
        const char *dot = memchr(text, '.', length);
        size_t digits = dot == NULL ? length : (size_t)(dot - text);
        uint64_t octet;
        if (digits > 3 || !read_digits(text, digits, 10, &octet) || octet > 255) {
            return 0;
        }
        sum |= (uint32_t)octet << (24 - 8 * octets);
        octets++;
        if (dot == NULL) {
            *address = sum;
            return octets;
        }
        text = dot + 1;
        length -= digits + 1;
    }
    return 0;
}

static bool read_ipv6(const char *text, struct lnf_addr *address)
{
    struct in6_addr octets;

    if (inet_pton(AF_INET6, text, &octets) != 1) {
        return false;
    }
    address->hi = 0;
    address->lo = 0;
    for (unsigned i = 0; i < 8; i++) {
        address->hi = address->hi << 8 | octets.s6_addr[i];
        address->lo = address->lo << 8 | octets.s6_addr[8 + i];
    }
    return true;
}

/* Reads `/24` or `/255.255.255.0` or the mask in a second word of an IPv4 network. */
static bool read_mask4(struct conversion *c, unsigned octets, uint32_t *mask)
{
    const struct lnf_filter_word *suffix = c->value->suffix;
    uint64_t bits;
    char shown[64];

    if (c->value->suffix_kind == '/' && read_number(suffix, &bits)) {
        if (bits > 8 * octets) {
            return lnf_filter_fail(c->parse, &suffix->place,
                                   "'/%s' is too long for the %u octets of the address written; "
                                   "expected 0 to %u",
                                   lnf_filter_show(suffix->text, suffix->length, shown), octets,
                                   8 * octets);
        }
        *mask = bits == 0 ? 0 : UINT32_MAX << (32 - bits);
        return true;
    }
    if (octets < 4 || read_ipv4(suffix->text, suffix->length, mask) != 4) {
        return lnf_filter_fail(
            c->parse, &suffix->place,
            "'%s' is no mask of an IPv4 network; expected a length from 0 to 32 or "
            "a mask such as 255.255.255.0",
            lnf_filter_show(suffix->text, suffix->length, shown));
    }
    return true;
}

static bool convert_ipv4(struct conversion *c, uint32_t address, unsigned octets)
{
    uint32_t mask = UINT32_MAX;
    char shown[64];

    if (c->value->suffix == NULL && octets < 4) {
        return FAIL(c, "incomplete IP address '%s'; expected four octets or a length such as %s/%u",
                    lnf_filter_show(c->value->text, c->value->length, shown), c->value->text,
                    8 * octets);
    }
    if (c->value->suffix != NULL && !read_mask4(c, octets, &mask)) {
        return false;
    }
    struct lnf_filter_item *item = add_item(c, mask == 0 ? LNF_ITEM_FAMILY : LNF_ITEM_NET);
    if (item == NULL) {
        return false;
    }
    if (mask == 0) {
        item->min = AF_INET;
        return true;
    }
    item->mask = (struct lnf_addr){UINT64_MAX, (uint64_t)UINT32_MAX << 32 | mask};
    item->address = (struct lnf_addr){0, address & mask};
    return true;
}

static bool convert_ipv6(struct conversion *c, struct lnf_addr address)
{
    const struct lnf_filter_word *suffix = c->value->suffix;
    uint64_t bits = 128;
    char shown[64];

    if (suffix != NULL &&
        (c->value->suffix_kind != '/' || !read_number(suffix, &bits) || bits > 128)) {
        return lnf_filter_fail(c->parse, &suffix->place,
                               "'%s' is no length of an IPv6 network; expected 0 to 128",
                               lnf_filter_show(suffix->text, suffix->length, shown));
    }
    struct lnf_filter_item *item = add_item(c, bits == 0 ? LNF_ITEM_FAMILY : LNF_ITEM_NET);
    if (item == NULL) {
        return false;
    }
    if (bits == 0) {
        item->min = AF_INET6;
        return true;
    }
    item->mask.hi = bits >= 64 ? UINT64_MAX : UINT64_MAX << (64 - bits);
    item->mask.lo = bits <= 64 ? 0 : UINT64_MAX << (128 - bits);
    item->address.hi = address.hi & item->mask.hi;
    item->address.lo = address.lo & item->mask.lo;
    return true;
}

static bool convert_address(struct conversion *c)
{
    const struct lnf_filter_word *value = c->value;
    struct lnf_addr address;
    uint32_t ipv4;
    char shown[64];

    if (!check_suffix(c, "/m")) {
        return false;
    }
    unsigned octets = read_ipv4(value->text, value->length, &ipv4);
    if (octets > 0) {
        return convert_ipv4(c, ipv4, octets);
    }
    if (read_ipv6(value->text, &address)) {
        return convert_ipv6(c, address);
    }
    lnf_filter_show(value->text, value->length, shown);
    if (strspn(value->text, "0123456789.") != value->length &&
        is_host_name(value->text, value->length)) {
        return FAIL(c, "'%s' is no IP address; host names are not looked up", shown);
    }
    return FAIL(c,
                "'%s' is no IP address; expected one such as 10.0.0.1, 10.0.0.0/8 or 2001:db8::/32",
                shown);
}

/* ---- MAC addresses --------------------------------------------------------------------------- */

static bool read_mac(const char *text, size_t length, uint64_t *mac)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < 6; i++) {
        const char *colon = memchr(text, ':', length);
        size_t digits = colon == NULL ? length : (size_t)(colon - text);
        uint64_t octet;
        if ((colon == NULL) != (i == 5) || digits > 2 || !read_digits(text, digits, 16, &octet)) {
            return false;
        }
        sum = sum << 8 | octet;
        text += digits + 1;
        length -= digits + (colon != NULL);
    }
    *mac = sum;
    return true;
}

static bool convert_mac(struct conversion *c)
{
    uint64_t mac;
    char shown[64];

    if (!check_suffix(c, "")) {
        return false;
    }
    if (!read_mac(c->value->text, c->value->length, &mac) || mac == 0) {
        return FAIL(c, "'%s' is no MAC address; expected one such as 00:11:22:33:44:55, not zero",
                    lnf_filter_show(c->value->text, c->value->length, shown));
    }
    struct lnf_filter_item *item = add_item(c, LNF_ITEM_RANGE);
    if (item == NULL) {
        return false;
    }
    item->min = mac;
    item->max = mac;
    return true;
}

/* ---- TCP flags ------------------------------------------------------------------------------- */

#define CLASSIC_FLAGS 0x3fu
#define NONCE_FLAG 0x100u /* flow files keep eight flags, and this is the ninth */

/* Reads letters such as SA. */
static bool read_flags(const struct lnf_filter_word *value, unsigned *flags)
{
    static const char letters[] = "FSRPAUECN";
    unsigned sum = 0, seen = 0;

    if (strcasecmp(value->text, "as") == 0) {
        *flags = 0x12; /* nfdump takes the keyword in any case */
        return true;
    }
    for (size_t i = 0; i < value->length; i++) {
        const char *letter = strchr(letters, value->text[i]);
        unsigned flag = value->text[i] == 'X' ? 1u << 15
                        : letter == NULL      ? 0
                                              : 1u << (unsigned)(letter - letters);
        if (flag == 0 || (seen & flag) != 0) {
            return false;
        }
        seen |= flag;
        sum |= value->text[i] == 'X' ? CLASSIC_FLAGS : flag;
    }
    *flags = sum;
    return value->length > 0;
}

static bool convert_flags(struct conversion *c)
{
    unsigned flags;
    char shown[64];

    if (!check_suffix(c, "u")) {
        return false;
    }
    if (isdigit((unsigned char)c->value->text[0])) {
        return convert_number(c);
    }
    if (!read_flags(c->value, &flags)) {
        return FAIL(
            c,
            "'%s' are no TCP flags; expected letters of FSRPAUECN (upper case, each once), X "
            "for the first six, or a number from 0 to 63",
            lnf_filter_show(c->value->text, c->value->length, shown));
    }
    if (c->op != LNF_OP_NONE && c->op != LNF_OP_LIKE) {
        return add_comparison(c, flags);
    }
    c->node->flags_named = c->op == LNF_OP_NONE;
    struct lnf_filter_item *item =
        add_item(c, (flags & NONCE_FLAG) != 0 ? LNF_ITEM_NEVER : LNF_ITEM_MASK);
    if (item == NULL) {
        return false;
    }
    item->min = flags & ~NONCE_FLAG;
    item->max = item->min;
    return true;
}

/* ---- texts ----------------------------------------------------------------------------------- */

static bool convert_string(struct conversion *c)
{
    if (!check_suffix(c, "")) {
        return false;
    }
    struct lnf_filter_item *item = add_item(c, LNF_ITEM_STRING);
    if (item == NULL) {
        return false;
    }
    item->contains = c->op == LNF_OP_NONE || c->op == LNF_OP_LIKE;
    item->text = c->value->text;
    item->length = c->value->length;
    return true;
}

#define PAYLOAD_PATTERN_MAX 64u

static bool convert_payload(struct conversion *c)
{
    char shown[64];

    if (c->value->length == 0 || c->value->length > PAYLOAD_PATTERN_MAX) {
        return FAIL(c, "'%s' is no text to search payload for; expected 1 to %u characters",
                    lnf_filter_show(c->value->text, c->value->length, shown), PAYLOAD_PATTERN_MAX);
    }
    return convert_string(c);
}

/* Exact texts: ident of a file, label of a record. */
static bool convert_name(struct conversion *c)
{
    if (c->value->length == 0) {
        return FAIL(c, "'%s' cannot be compared with an empty text", c->term->name);
    }
    return convert_string(c);
}

static bool read_regex_flags(const struct lnf_filter_word *word, unsigned *flags)
{
    *flags = 0;
    for (size_t i = 0; word != NULL && i < word->length; i++) {
        switch (word->text[i]) {
        case 'i':
            *flags |= LNF_REGEX_IGNORE_CASE;
            break;
        case 'm':
            *flags |= LNF_REGEX_LINES;
            break;
        case 's':
            *flags |= LNF_REGEX_DOT_ALL;
            break;
        default:
            return false;
        }
    }
    return true;
}

/* Says where in the pattern it is wrong, which quotes come before. */
static bool fail_regex(struct conversion *c, const struct lnf_regex_error *error)
{
    struct lnf_filter_place place = c->value->place;
    char shown[64];

    if (error->text == NULL) {
        return lnf_filter_no_memory(c->parse);
    }
    place.column += c->value->quoted;
    for (size_t i = 0; i < error->at; i++) {
        place.column += ((unsigned char)c->value->text[i] & 0xc0) != 0x80;
    }
    return lnf_filter_fail(c->parse, &place, "'%s' is no regular expression: %s",
                           lnf_filter_show(c->value->text, c->value->length, shown), error->text);
}

static bool convert_regex(struct conversion *c)
{
    const struct lnf_filter_word *value = c->value;
    struct lnf_regex_error error;
    unsigned flags;
    char shown[64];

    if (!check_suffix(c, "r")) {
        return false;
    }
    if (!read_regex_flags(value->suffix, &flags)) {
        return lnf_filter_fail(
            c->parse, &value->suffix->place,
            "'%s' are no flags of a regular expression; expected letters of ims, 'and' or 'or'",
            lnf_filter_show(value->suffix->text, value->suffix->length, shown));
    }
    if (lnf_regex_compile(&c->parse->arena, value->text, value->length, flags, &error) == NULL) {
        return fail_regex(c, &error);
    }
    struct lnf_filter_item *item = add_item(c, LNF_ITEM_STRING);
    if (item == NULL) {
        return false;
    }
    item->flags = (uint8_t)flags;
    item->text = value->text;
    item->length = value->length;
    return true;
}

/* `defined` has no octets. */
static bool convert_ja3(struct conversion *c)
{
    const struct lnf_filter_word *value = c->value;
    uint8_t *octets = lnf_arena_get(&c->parse->arena, LNF_JA3_SIZE);
    bool defined = strcasecmp(value->text, "defined") == 0;
    char shown[64];

    if (octets == NULL) {
        return lnf_filter_no_memory(c->parse);
    }
    if (!check_suffix(c, "")) {
        return false;
    }
    for (size_t i = 0; !defined && i < LNF_JA3_SIZE; i++) {
        uint64_t octet;
        if (value->length != 2 * LNF_JA3_SIZE || !read_digits(value->text + 2 * i, 2, 16, &octet)) {
            return FAIL(c, "'%s' is no JA3; expected 32 hexadecimal digits or 'defined'",
                        lnf_filter_show(value->text, value->length, shown));
        }
        octets[i] = (uint8_t)octet;
    }
    if (!defined && !lnf_ja3_is_available()) {
        return FAIL(c, "JA3 cannot be computed: there is no MD5 here; only 'defined' can be asked");
    }
    struct lnf_filter_item *item = add_item(c, LNF_ITEM_STRING);
    if (item == NULL) {
        return false;
    }
    item->text = (const char *)octets;
    item->length = defined ? 0 : LNF_JA3_SIZE;
    return true;
}

/* Opens the database at the first country; it is the same one for all of them. */
static bool open_countries(struct conversion *c)
{
    struct lnf_error error = {.text = ""};

    if (c->parse->geo != NULL) {
        return true;
    }
    int status = lnf_geo_open(c->parse->geo_database, &c->parse->geo, &error);
    if (status == LNF_ERR_NOMEM) {
        return lnf_filter_no_memory(c->parse);
    }
    return status == LNF_OK || FAIL(c, "%s", error.text);
}

/*
 * nfdump takes any two characters of a word but a number, and so does this: `..` are addresses
 * without a country, and what else is none selects nothing.
 */
static bool is_country(const struct lnf_filter_word *value)
{
    bool digits = true;

    for (size_t i = 0; i < value->length; i++) {
        char character = value->text[i];
        if (!lnf_geo_is_letter(character) &&
            (character == '\0' || strchr("._:-", character) == NULL)) {
            return false;
        }
        digits = digits && character >= '0' && character <= '9';
    }
    return value->length == 2 && !digits;
}

static bool convert_country(struct conversion *c)
{
    const struct lnf_filter_word *value = c->value;
    char shown[64];

    if (!check_suffix(c, "")) {
        return false;
    }
    if (!is_country(value)) {
        return FAIL(c,
                    "'%s' is no country; expected its two letters, or '..' for addresses of which "
                    "none is known",
                    lnf_filter_show(value->text, value->length, shown));
    }
    struct lnf_filter_item *item = open_countries(c) ? add_item(c, LNF_ITEM_RANGE) : NULL;
    if (item == NULL) {
        return false;
    }
    item->min = lnf_geo_code(value->text);
    item->max = item->min;
    return true;
}

bool lnf_filter_convert_port_block(struct lnf_filter_parse *parse, struct lnf_filter_node *node,
                                   const struct lnf_filter_word *word)
{
    struct conversion c = {.parse = parse, .node = node, .term = node->term, .value = word};
    int field = node->term->fields[0];

    if (field != LNF_FLD_SRCPORT && field != LNF_FLD_DSTPORT) {
        return FAIL(&c, "'%s' is no port; only ports can be 'in pblock'", node->term->name);
    }
    return add_item(&c, LNF_ITEM_PORT_BLOCK) != NULL;
}

/* ---- all kinds ------------------------------------------------------------------------------- */

static bool has_order(enum lnf_filter_kind kind)
{
    return kind == LNF_KIND_NUMBER || kind == LNF_KIND_REAL || kind == LNF_KIND_FLAGS ||
           kind == LNF_KIND_MPLS || kind == LNF_KIND_COUNT;
}

static bool check_op(struct conversion *c, const struct lnf_filter_word *op_word)
{
    bool equality = c->op == LNF_OP_NONE || c->op == LNF_OP_EQ || c->op == LNF_OP_NE;
    bool text = c->op == LNF_OP_LIKE && c->term->kind == LNF_KIND_STRING;

    if (equality || text || has_order(c->term->kind)) {
        return true;
    }
    return lnf_filter_fail(c->parse, &op_word->place,
                           "'%s' cannot be compared with '%s'; expected '=', '!=' or 'in'",
                           c->term->name, op_word->text);
}

static bool convert_one(struct conversion *c)
{
    switch ((enum lnf_filter_kind)c->term->kind) {
    case LNF_KIND_NUMBER:
    case LNF_KIND_MPLS:
    case LNF_KIND_COUNT:
        return convert_number(c);
    case LNF_KIND_REAL:
        return convert_real(c);
    case LNF_KIND_ADDRESS:
        return convert_address(c);
    case LNF_KIND_MAC:
        return convert_mac(c);
    case LNF_KIND_FLAGS:
        return convert_flags(c);
    case LNF_KIND_STRING:
        return convert_string(c);
    case LNF_KIND_PAYLOAD:
        return convert_payload(c);
    case LNF_KIND_REGEX:
        return convert_regex(c);
    case LNF_KIND_JA3:
        return convert_ja3(c);
    case LNF_KIND_IDENT:
    case LNF_KIND_LABEL:
        return convert_name(c);
    case LNF_KIND_COUNTRY:
        return convert_country(c);
    case LNF_KIND_FAMILY:
    case LNF_KIND_UNSUPPORTED:
        break;
    }
    return false;
}

bool lnf_filter_convert(struct lnf_filter_parse *parse, struct lnf_filter_node *node,
                        enum lnf_filter_op op, const struct lnf_filter_word *op_word,
                        const struct lnf_filter_list *values)
{
    struct conversion c = {.parse = parse, .node = node, .term = node->term, .op = op};

    if (node->term->kind == LNF_KIND_FAMILY) {
        return add_comparison(&c, node->term->max);
    }
    if (!check_op(&c, op_word)) {
        return false;
    }
    node->differs = op == LNF_OP_NE;
    for (c.value = values->first; c.value != NULL; c.value = c.value->next) {
        if (!convert_one(&c)) {
            return false;
        }
    }
    return true;
}
