/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Words -> tokens. Whether a word is a keyword, a name or a value depends on where it stands:
 * `in` is a direction before a name and opens a list after one, `icmp` is a value after `proto`,
 * names may have several words. The parser only ever sees unambiguous tokens.
 */
#include "filter_tree.h"
#include "filter_parser.h"

#include <string.h>
#include <strings.h>

int lnf_filter_yylex(LNF_FILTER_YYSTYPE *value, struct lnf_filter_place *place,
                     struct lnf_filter_parse *parse);

/** What may come next. */
enum word_state {
    STATE_TERM,        /* a term, `not` or a parenthesis */
    STATE_AFTER_NAME,  /* a comparison, `in` or a value */
    STATE_AFTER_IN,    /* the bracket that opens a list */
    STATE_VALUE,       /* a value */
    STATE_AFTER_VALUE, /* unit, length, mask, or what follows a term */
    STATE_SUFFIX,      /* prefix length or mask after a slash */
    STATE_LIST,        /* values until the bracket closes */
    STATE_LIST_SUFFIX,
    STATE_LABEL,      /* the label after `%` */
    STATE_AFTER_TERM, /* `and`, `or`, a closing parenthesis, the end */
};

struct keyword {
    const char *text;
    int token;
};

static bool word_is(const struct lnf_filter_word *word, const char *text)
{
    return word->token == VALUE && !word->quoted && strcasecmp(word->text, text) == 0;
}

static int keyword_token(const struct lnf_filter_word *word, const struct keyword *keywords)
{
    for (; keywords->text != NULL; keywords++) {
        if (word_is(word, keywords->text)) {
            return keywords->token;
        }
    }
    return VALUE;
}

/* ---- reading ahead --------------------------------------------------------------------------- */

static struct lnf_filter_word *next_word(struct lnf_filter_parse *parse)
{
    if (parse->ahead_count == 0) {
        return lnf_filter_scan(parse);
    }
    struct lnf_filter_word *word = parse->ahead[0];
    parse->ahead_count--;
    memmove(parse->ahead, parse->ahead + 1, parse->ahead_count * sizeof(parse->ahead[0]));
    return word;
}

/* The word `i` places ahead, 0 = the next one; NULL at the end. */
static struct lnf_filter_word *peek_word(struct lnf_filter_parse *parse, unsigned i)
{
    while (parse->ahead_count <= i) {
        struct lnf_filter_word *word = lnf_filter_scan(parse);
        if (word == NULL) {
            return NULL;
        }
        parse->ahead[parse->ahead_count++] = word;
    }
    return parse->ahead[i];
}

/* ---- names ----------------------------------------------------------------------------------- */

#define NAME_SIZE 96u

/*
 * Finds the longest name that begins with `word`, of at least `least` words. Swallows its words.
 */
static const struct lnf_filter_term *find_name(struct lnf_filter_parse *parse,
                                               const struct lnf_filter_word *word, unsigned least)
{
    char name[NAME_SIZE];
    size_t length = word->length;
    const struct lnf_filter_term *found = NULL;
    unsigned found_words = 0;
    bool no_memory = false;

    if (length >= sizeof(name) || word->token != VALUE || word->quoted) {
        return NULL;
    }
    memcpy(name, word->text, length);
    for (unsigned words = 1;; words++) {
        const struct lnf_filter_term *term =
            words < least ? NULL : lnf_filter_term_find(&parse->arena, name, length, &no_memory);
        if (term != NULL) {
            found = term;
            found_words = words;
        }
        if (words > LNF_FILTER_AHEAD || !lnf_filter_term_begins(name, length)) {
            break;
        }
        struct lnf_filter_word *next = peek_word(parse, words - 1);
        if (next == NULL || next->token != VALUE || next->quoted ||
            length + 1 + next->length >= sizeof(name)) {
            break;
        }
        name[length] = ' ';
        memcpy(name + length + 1, next->text, next->length);
        length += 1 + next->length;
    }
    if (no_memory) {
        lnf_filter_no_memory(parse);
        return NULL;
    }
    for (unsigned i = 1; i < found_words; i++) {
        (void)next_word(parse);
    }
    return found;
}

static void fail_unknown(struct lnf_filter_parse *parse, const struct lnf_filter_word *word)
{
    char shown[64];
    uint32_t number;

    lnf_filter_show(word->text, word->length, shown);
    if (lnf_filter_symbol_find(lnf_filter_protocols, word->text, word->length, &number)) {
        lnf_filter_fail(parse, &word->place, "unknown term '%s'; expected 'proto %s'", shown,
                        shown);
        return;
    }
    const struct lnf_filter_word *next = peek_word(parse, 0);
    if (lnf_filter_term_begins(word->text, word->length) && next != NULL && next->token == VALUE) {
        char shown_next[64];
        lnf_filter_show(next->text, next->length, shown_next);
        lnf_filter_fail(parse, &word->place, "unknown term '%s %s'", shown, shown_next);
        return;
    }
    const char *like = word->quoted ? NULL : lnf_filter_term_suggest(word->text, word->length);
    if (like != NULL) {
        lnf_filter_fail(parse, &word->place, "unknown term '%s'; did you mean '%s'?", shown, like);
    } else {
        lnf_filter_fail(parse, &word->place,
                        "unknown term '%s'; expected a term such as 'proto tcp' or the name of a "
                        "field",
                        shown);
    }
}

/* Whether there is a field behind the name whose presence can be asked for. */
static bool names_field(const struct lnf_filter_term *term)
{
    switch ((enum lnf_filter_kind)term->kind) {
    case LNF_KIND_PAYLOAD:
    case LNF_KIND_REGEX:
    case LNF_KIND_JA3:
    case LNF_KIND_IDENT:
    case LNF_KIND_COUNT:
    case LNF_KIND_LABEL:
    case LNF_KIND_COUNTRY:
        return false;
    default:
        return true;
    }
}

/* Classifies a word where a term begins. */
static int term_token(struct lnf_filter_parse *parse, struct lnf_filter_word *word)
{
    static const struct keyword keywords[] = {
        {"and", AND},      {"or", OR},         {"not", NOT},   {"any", ANY}, {"exist", EXIST},
        {"exists", EXIST}, {"src", SRC},       {"dst", DST},   {"in", IN},   {"out", OUT},
        {"prev", PREV},    {"previous", PREV}, {"next", NEXT}, {NULL, 0},
    };
    int token = keyword_token(word, keywords);

    word->term = find_name(parse, word, token == VALUE ? 1 : 2);
    if (word->term == NULL) {
        if (token == VALUE && parse->status == LNF_OK) {
            fail_unknown(parse, word);
        }
        if (token == ANY) {
            parse->state = STATE_AFTER_TERM;
        } else if (token == EXIST) {
            parse->exist = true;
        }
        return token;
    }
    if (word->term->kind == LNF_KIND_UNSUPPORTED &&
        !(parse->exist && word->term->fields[0] != LNF_FLD_ZERO_)) {
        lnf_filter_fail(parse, &word->place, "'%s' is not supported: %s", word->term->name,
                        word->term->why);
        return STRAY;
    }
    if (parse->exist && !names_field(word->term)) {
        lnf_filter_fail(parse, &word->place, "'exist' needs the name of a field");
        return STRAY;
    }
    if (word->term->kind == LNF_KIND_FAMILY) {
        parse->state = STATE_AFTER_TERM;
        return FAMILY;
    }
    parse->state = parse->exist ? STATE_AFTER_TERM : STATE_AFTER_NAME;
    parse->regex_possible = word->term->kind == LNF_KIND_REGEX;
    parse->country_possible = word->term->kind == LNF_KIND_COUNTRY;
    parse->exist = false;
    return NAME;
}

/* ---- values ---------------------------------------------------------------------------------- */

static bool is_digits(const struct lnf_filter_word *word)
{
    return word->length > 0 && strspn(word->text, "0123456789") == word->length;
}

/* Digits and dots, four numbers. */
static bool is_dotted(const struct lnf_filter_word *word)
{
    unsigned dots = 0;

    for (size_t i = 0; i < word->length; i++) {
        dots += word->text[i] == '.';
    }
    return dots == 3 && strspn(word->text, "0123456789.") == word->length;
}

static bool is_unit(const struct lnf_filter_word *word)
{
    return !word->quoted && word->length == 1 && strchr("kKmMgGtT", word->text[0]) != NULL;
}

static int value_token(struct lnf_filter_parse *parse, const struct lnf_filter_word *word,
                       enum word_state after)
{
    parse->unit_possible = !parse->regex_possible && is_digits(word);
    parse->mask_possible = !parse->regex_possible && is_dotted(word);
    parse->state = (uint8_t)after;
    return VALUE;
}

/* Whether the word is the name of a country where that may stand: `geo in`, not `geo in [CZ]`. */
static bool is_country(struct lnf_filter_parse *parse, const struct lnf_filter_word *word)
{
    static const struct keyword countries[] = {
        {"in", 1}, {"ne", 1}, {"gt", 1}, {"lt", 1}, {"ge", 1}, {NULL, 0},
    };

    if (!parse->country_possible || keyword_token(word, countries) != 1) {
        return false;
    }
    const struct lnf_filter_word *next = peek_word(parse, 0);
    bool compared =
        next != NULL && next->token == VALUE && !word_is(next, "and") && !word_is(next, "or");
    return !compared && (next == NULL || next->token != '[');
}

static int after_name_token(struct lnf_filter_parse *parse, struct lnf_filter_word *word)
{
    static const struct {
        const char *text;
        enum lnf_filter_op op;
    } comparisons[] = {
        {"eq", LNF_OP_EQ}, {"ne", LNF_OP_NE}, {"gt", LNF_OP_GT},     {"lt", LNF_OP_LT},
        {"ge", LNF_OP_GE}, {"le", LNF_OP_LE}, {"like", LNF_OP_LIKE},
    };

    if (is_country(parse, word)) {
        return value_token(parse, word, STATE_AFTER_VALUE);
    }
    for (size_t i = 0; i < sizeof(comparisons) / sizeof(comparisons[0]); i++) {
        if (word_is(word, comparisons[i].text)) {
            word->op = (uint8_t)comparisons[i].op;
            parse->state = STATE_VALUE;
            return COMPARISON;
        }
    }
    if (word_is(word, "in")) {
        parse->state = STATE_AFTER_IN;
        return IN;
    }
    return value_token(parse, word, STATE_AFTER_VALUE);
}

static int after_term_token(struct lnf_filter_parse *parse, const struct lnf_filter_word *word)
{
    static const struct keyword keywords[] = {{"and", AND}, {"or", OR}, {NULL, 0}};
    int token = keyword_token(word, keywords);

    parse->state = token == VALUE ? STATE_AFTER_TERM : STATE_TERM;
    return token == VALUE ? STRAY : token;
}

static int after_value_token(struct lnf_filter_parse *parse, const struct lnf_filter_word *word)
{
    if (parse->unit_possible && is_unit(word)) {
        parse->state = STATE_AFTER_TERM;
        return UNIT;
    }
    if (parse->mask_possible && is_dotted(word)) {
        parse->state = STATE_AFTER_TERM;
        return MASK;
    }
    int token = after_term_token(parse, word);
    if (token == STRAY && parse->regex_possible) {
        parse->state = STATE_AFTER_TERM;
        return REGEX_FLAGS;
    }
    return token;
}

static int list_token(struct lnf_filter_parse *parse, const struct lnf_filter_word *word)
{
    if (parse->unit_possible && is_unit(word)) {
        parse->unit_possible = false;
        return UNIT;
    }
    return value_token(parse, word, STATE_LIST);
}

/* Classifies a word of letters and digits, or a text in quotes. */
static int word_token(struct lnf_filter_parse *parse, struct lnf_filter_word *word)
{
    switch ((enum word_state)parse->state) {
    case STATE_TERM:
        return term_token(parse, word);
    case STATE_AFTER_NAME:
        return after_name_token(parse, word);
    case STATE_AFTER_IN:
        parse->state = STATE_AFTER_TERM;
        return word_is(word, "pblock") ? PORT_BLOCK : STRAY;
    case STATE_VALUE:
        return value_token(parse, word, STATE_AFTER_VALUE);
    case STATE_AFTER_VALUE:
        return after_value_token(parse, word);
    case STATE_SUFFIX:
        return value_token(parse, word, STATE_AFTER_TERM);
    case STATE_LIST:
        return list_token(parse, word);
    case STATE_LIST_SUFFIX:
        parse->state = STATE_LIST;
        parse->unit_possible = false;
        return VALUE;
    case STATE_LABEL:
        parse->state = parse->label_before ? STATE_TERM : STATE_AFTER_TERM;
        return LABEL;
    case STATE_AFTER_TERM:
        break;
    }
    return after_term_token(parse, word);
}

/* Follows the symbols that change what may come next. */
static int symbol_token(struct lnf_filter_parse *parse, const struct lnf_filter_word *word)
{
    enum word_state state = (enum word_state)parse->state;

    switch (word->token) {
    case '(':
        parse->depth++;
        if (parse->depth > LNF_FILTER_DEPTH_LIMIT) {
            lnf_filter_fail(parse, &word->place, "nested too deeply: more than %u parentheses",
                            LNF_FILTER_DEPTH_LIMIT);
        }
        break;
    case ')':
        parse->depth -= parse->depth > 0;
        break;
    case LABEL_SIGN:
        parse->label_before = state == STATE_TERM;
        parse->state = STATE_LABEL;
        break;
    case AND:
    case OR:
        parse->state = STATE_TERM;
        break;
    case '[':
        parse->state = STATE_LIST;
        parse->unit_possible = false;
        break;
    case ']':
        parse->state = STATE_AFTER_TERM;
        break;
    case COMPARISON:
        parse->state = STATE_VALUE;
        break;
    case SLASH:
        parse->state = state == STATE_LIST ? STATE_LIST_SUFFIX : STATE_SUFFIX;
        break;
    case ',':
        parse->unit_possible = false;
        break;
    default:
        break;
    }
    return word->token;
}

int lnf_filter_yylex(LNF_FILTER_YYSTYPE *value, struct lnf_filter_place *place,
                     struct lnf_filter_parse *parse)
{
    struct lnf_filter_word *word = next_word(parse);

    parse->last = word;
    value->word = word;
    if (word == NULL) {
        *place = parse->at;
        return END;
    }
    *place = word->place;
    int token = word->token == VALUE ? word_token(parse, word) : symbol_token(parse, word);
    parse->nots = token == NOT ? parse->nots + 1 : 0;
    if (parse->nots > LNF_FILTER_NOT_LIMIT) {
        lnf_filter_fail(parse, &word->place, "more than %u 'not' in a row", LNF_FILTER_NOT_LIMIT);
    }
    return parse->status == LNF_OK ? token : END;
}
