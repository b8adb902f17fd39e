/* SPDX-License-Identifier: BSD-3-Clause */
/* Grammar of the filter language: tokens (filter_word.c) -> tree of terms. */

%code requires {
#include "filter_tree.h"
}

%code {
#include <stdio.h>
#include <string.h>

/* More than LNF_FILTER_DEPTH_LIMIT parentheses with what can stand before each of them. */
#define YYMAXDEPTH (LNF_FILTER_DEPTH_LIMIT * (LNF_FILTER_NOT_LIMIT + 8))

int lnf_filter_yylex(YYSTYPE *value, YYLTYPE *place, struct lnf_filter_parse *parse);
static void yyerror(const YYLTYPE *place, struct lnf_filter_parse *parse, const char *message);

/* Leaves the parser when an action failed; parse->status tells why. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            YYABORT;                                                                               \
        }                                                                                          \
    } while (0)

static struct lnf_filter_word *with_suffix(struct lnf_filter_word *value,
                                           struct lnf_filter_word *suffix, char kind)
{
    value->suffix = suffix;
    value->suffix_kind = kind;
    return value;
}

static struct lnf_filter_node *compare(struct lnf_filter_parse *parse,
                                       enum lnf_filter_direction direction,
                                       const struct lnf_filter_word *name,
                                       const struct lnf_filter_word *comparison,
                                       struct lnf_filter_list values)
{
    enum lnf_filter_op op = comparison == NULL ? LNF_OP_NONE : comparison->op;
    struct lnf_filter_node *node = lnf_filter_node_term(parse, LNF_NODE_TERM, direction, name);

    if (node == NULL || !lnf_filter_convert(parse, node, op, comparison, &values)) {
        return NULL;
    }
    return node;
}

static struct lnf_filter_node *in_port_block(struct lnf_filter_parse *parse,
                                             enum lnf_filter_direction direction,
                                             const struct lnf_filter_word *name,
                                             const struct lnf_filter_word *block)
{
    struct lnf_filter_node *node = lnf_filter_node_term(parse, LNF_NODE_TERM, direction, name);

    return node != NULL && lnf_filter_convert_port_block(parse, node, block) ? node : NULL;
}
}

%define api.pure full
%define api.prefix {lnf_filter_yy}
%define api.location.type {struct lnf_filter_place}
%define parse.error custom
%define parse.lac full
%locations
%param {struct lnf_filter_parse *parse}

%union {
    struct lnf_filter_word *word;
    struct lnf_filter_list list;
    struct lnf_filter_node *node;
    enum lnf_filter_direction direction;
}

%code {
/* A rule's place is its first token's. */
#define YYLLOC_DEFAULT(current, rhs, n)                                                            \
    ((current) = (n) > 0 ? YYRHSLOC(rhs, 1) : YYRHSLOC(rhs, 0))
}

%initial-action {
    @$ = (struct lnf_filter_place){NULL, 1, 1};
}

%token END 0 "the end of the filter"
%token AND "'and'" OR "'or'" NOT "'not'" ANY "'any'" EXIST "'exist'"
%token SRC "'src'" DST "'dst'" IN "'in'" OUT "'out'" PREV "'prev'" NEXT "'next'"
%token <word> NAME "the name of a field"
%token <word> FAMILY "'inet'"
%token <word> COMPARISON "a comparison"
%token <word> VALUE "a value"
%token <word> UNIT "a unit"
%token <word> MASK "a mask"
%token <word> PORT_BLOCK "'pblock'"
%token <word> REGEX_FLAGS "flags of a regular expression"
%token <word> LABEL "a label"
%token STRAY "a word"
%token SLASH "'/'"
%token '(' "'('" ')' "')'" '[' "'['" ']' "']'" ',' "','"
%token LABEL_SIGN "'%'"

%type <node> expression term
%type <direction> direction
%type <word> value item
%type <list> list

%left OR
%left AND
%precedence NOT

%%

filter
    : %empty                            { parse->root = NULL; }
    | expression                        { parse->root = $1; }
    ;

expression
    : expression OR expression          { CHECK($$ = lnf_filter_node_join(parse, LNF_NODE_OR, $1, $3)); }
    | expression AND expression         { CHECK($$ = lnf_filter_node_join(parse, LNF_NODE_AND, $1, $3)); }
    | NOT expression                    { CHECK($$ = lnf_filter_node_not(parse, $2)); }
    | '(' expression ')'                { $$ = $2; }
    | '(' expression ')' LABEL_SIGN LABEL { CHECK($$ = lnf_filter_node_label(parse, $2, $5)); }
    | LABEL_SIGN LABEL '(' expression ')' { CHECK($$ = lnf_filter_node_label(parse, $4, $2)); }
    | term
    ;

term
    : ANY                               { CHECK($$ = lnf_filter_node_create(parse, LNF_NODE_ANY)); }
    | FAMILY                            { CHECK($$ = compare(parse, LNF_DIR_NONE, $1, NULL,
                                                             (struct lnf_filter_list){0})); }
    | EXIST direction NAME              { CHECK($$ = lnf_filter_node_term(parse, LNF_NODE_EXIST,
                                                                          $2, $3)); }
    | direction NAME value              { CHECK($$ = compare(parse, $1, $2, NULL,
                                                    (struct lnf_filter_list){$3, $3})); }
    | direction NAME COMPARISON value   { CHECK($$ = compare(parse, $1, $2, $3,
                                                    (struct lnf_filter_list){$4, $4})); }
    | direction NAME IN PORT_BLOCK      { CHECK($$ = in_port_block(parse, $1, $2, $4)); }
    | direction NAME IN '[' list ']'    { struct lnf_filter_word in = {.op = LNF_OP_EQ};
                                          CHECK($$ = compare(parse, $1, $2, &in, $5)); }
    ;

direction
    : %empty                            { $$ = LNF_DIR_NONE; }
    | SRC                               { $$ = LNF_DIR_SRC; }
    | DST                               { $$ = LNF_DIR_DST; }
    | SRC OR DST                        { $$ = LNF_DIR_SRC_OR_DST; }
    | DST OR SRC                        { $$ = LNF_DIR_SRC_OR_DST; }
    | SRC AND DST                       { $$ = LNF_DIR_SRC_AND_DST; }
    | DST AND SRC                       { $$ = LNF_DIR_SRC_AND_DST; }
    | IN                                { $$ = LNF_DIR_IN; }
    | OUT                               { $$ = LNF_DIR_OUT; }
    | IN SRC                            { $$ = LNF_DIR_IN_SRC; }
    | IN DST                            { $$ = LNF_DIR_IN_DST; }
    | OUT SRC                           { $$ = LNF_DIR_OUT_SRC; }
    | OUT DST                           { $$ = LNF_DIR_OUT_DST; }
    | PREV                              { $$ = LNF_DIR_PREV; }
    | NEXT                              { $$ = LNF_DIR_NEXT; }
    ;

value
    : item
    | VALUE MASK                        { $$ = with_suffix($1, $2, 'm'); }
    | VALUE REGEX_FLAGS                 { $$ = with_suffix($1, $2, 'r'); }
    ;

item
    : VALUE
    | VALUE UNIT                        { $$ = with_suffix($1, $2, 'u'); }
    | VALUE SLASH VALUE                   { $$ = with_suffix($1, $3, '/'); }
    ;

list
    : item                              { $$ = (struct lnf_filter_list){$1, $1}; }
    | list item                         { $1.last->next = $2; $$ = $1; $$.last = $2; }
    | list ',' item                     { $1.last->next = $3; $$ = $1; $$.last = $3; }
    ;

%%

/* Bison's own failure is running out of memory: filter_word.c keeps its stack small enough. */
static void yyerror(const YYLTYPE *place, struct lnf_filter_parse *parse, const char *message)
{
    (void) place;
    (void) message;
    lnf_filter_no_memory(parse);
}

/* What else a value may be followed by is no help where the filter goes wrong after it. */
static bool is_helpful(yysymbol_kind_t symbol)
{
    return symbol != YYSYMBOL_UNIT && symbol != YYSYMBOL_MASK && symbol != YYSYMBOL_SLASH &&
           symbol != YYSYMBOL_PORT_BLOCK && symbol != YYSYMBOL_REGEX_FLAGS &&
           symbol != YYSYMBOL_LABEL_SIGN;
}

/* Adds "expected A, B or C" to a message. */
static void append_expected(char *text, size_t size, const yypcontext_t *context)
{
    yysymbol_kind_t expected[YYNTOKENS];
    int count = yypcontext_expected_tokens(context, expected, YYNTOKENS), helpful = 0;

    for (int i = 0; i < count; i++) {
        if (expected[i] == YYSYMBOL_NOT) {
            helpful = 0;
            count = 0;
            snprintf(text + strlen(text), size - strlen(text),
                     "; expected a term such as 'proto tcp', 'not' or '('");
        } else if (is_helpful(expected[i])) {
            expected[helpful++] = expected[i];
        }
    }
    for (int i = 0; i < helpful; i++) {
        const char *before = i == 0 ? "; expected " : i + 1 == helpful ? " or " : ", ";
        snprintf(text + strlen(text), size - strlen(text), "%s%s", before,
                 yysymbol_name(expected[i]));
    }
}

static int yyreport_syntax_error(const yypcontext_t *context, struct lnf_filter_parse *parse)
{
    const struct lnf_filter_word *word = parse->last;
    char text[320], shown[64];

    if (parse->status != LNF_OK) {
        return 0; /* the scanner has said what is wrong */
    }
    if (word == NULL) {
        snprintf(text, sizeof(text), "unexpected end of the filter");
    } else {
        snprintf(text, sizeof(text), "unexpected '%s'",
                 lnf_filter_show(word->text, word->length, shown));
    }
    append_expected(text, sizeof(text), context);
    lnf_filter_fail(parse, yypcontext_location(context), "%s", text);
    return 0;
}
