/* SPDX-License-Identifier: BSD-3-Clause */
/* Option rows: every type, presets, ranges, repeated and unknown elements, errors with lines. */

#include "collector_support.h"
#include "log.h"
#include "option.h"

#include <libxml/parser.h>

struct item {
    char *ip;
    uint16_t port;
    char *to;
    char *text;
};

struct values {
    char *text;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    double number;
    bool flag;
    int choice;
    char *first;
    uint32_t window;
    struct col_option_list items;
};

static const char *const choices[] = {"all", "RoundRobin", NULL};

static const struct col_option item_rows[] = {
    {.name = "ip", .type = COL_STRING, .offset = offsetof(struct item, ip), .required = true},
    {.name = "port",
     .type = COL_UINT16,
     .offset = offsetof(struct item, port),
     .preset = "4739",
     .min = 1,
     .max = 65535},
    {.name = "@to", .type = COL_STRING, .offset = offsetof(struct item, to)},
    {0},
};

static const struct col_option group_rows[] = {
    {.name = "timeWindow",
     .type = COL_UINT32,
     .offset = offsetof(struct values, window),
     .preset = "300",
     .min = 1,
     .max = 86400,
     .help = "seconds"},
    {0},
};

/* Texts with an exclamation mark are refused. */
static bool check_text(const char *text, char *reason, size_t reason_size)
{
    (void)snprintf(reason, reason_size, "has %zu characters too many",
                   strlen(strchrnul(text, '!')));
    return strchr(text, '!') == NULL;
}

static const struct col_option rows[] = {
    {.name = "text", .type = COL_STRING, .offset = offsetof(struct values, text), .preset = "p"},
    {.name = "u16", .type = COL_UINT16, .offset = offsetof(struct values, u16)},
    {.name = "u32", .type = COL_UINT32, .offset = offsetof(struct values, u32)},
    {.name = "u64", .type = COL_UINT64, .offset = offsetof(struct values, u64), .preset = "7"},
    {.name = "number", .type = COL_DOUBLE, .offset = offsetof(struct values, number)},
    {.name = "flag", .type = COL_BOOL, .offset = offsetof(struct values, flag), .preset = "yes"},
    {.name = "choice",
     .type = COL_ENUM,
     .offset = offsetof(struct values, choice),
     .preset = "all",
     .choices = choices},
    {.name = "first",
     .type = COL_STRING,
     .offset = offsetof(struct values, first),
     .check = check_text,
     .first_wins = true},
    {.name = "dumpInterval", .type = COL_GROUP, .rows = group_rows},
    {.name = "destination",
     .type = COL_LIST,
     .offset = offsetof(struct values, items),
     .rows = item_rows,
     .item_size = sizeof(struct item)},
    {.name = "old", .type = COL_IGNORED},
    {0},
};

static struct col_plugin plugin = {
    .name = "p", .options = rows, .options_size = sizeof(struct values)};

static struct config_error err;

static struct values *parse(const char *xml)
{
    static const char *const skip[] = {"fileFormat", NULL};
    xmlDoc *document = xmlReadMemory(xml, (int)strlen(xml), "f.xml", NULL, XML_PARSE_NONET);
    ck_assert_ptr_nonnull(document);
    struct option_source source = {
        .file = "f.xml", .node = xmlDocGetRootElement(document), .skip = skip};
    void *values = NULL;
    err.text[0] = '\0';
    int status = option_parse(&plugin, &source, &values, &err);
    ck_assert_int_eq(status == COL_OK, values != NULL);
    xmlFreeDoc(document);
    return values;
}

START_TEST(presets)
{
    struct values *v = parse("<w><fileFormat>x</fileFormat></w>");
    ck_assert_str_eq(v->text, "p");
    ck_assert_uint_eq(v->u64, 7);
    ck_assert(v->flag);
    ck_assert_int_eq(v->choice, 0);
    ck_assert_uint_eq(v->window, 300);
    ck_assert_uint_eq(v->u16, 0);
    ck_assert_ptr_null(v->first);
    ck_assert_uint_eq(v->items.count, 0);
    option_free(rows, v);
}
END_TEST

START_TEST(every_type)
{
    struct values *v =
        parse("<w>\n<TEXT>  a b </TEXT><u16>65535</u16><u32> 4294967295\n</u32>"
              "<u64>18446744073709551615</u64><number>0.5</number><flag>FALSE</flag>"
              "<choice>roundrobin</choice><first>1</first><first>2</first><old/>"
              "<dumpInterval><timewindow>60</timewindow></dumpInterval>"
              "<destination to='x'><ip>a</ip></destination><!-- c --><destination><ip>b</ip>"
              "<port>1</port></destination></w>");
    ck_assert_ptr_nonnull(v);
    ck_assert_str_eq(v->text, "a b");
    ck_assert_uint_eq(v->u16, 65535);
    ck_assert_uint_eq(v->u32, UINT32_MAX);
    ck_assert_uint_eq(v->u64, UINT64_MAX);
    ck_assert_double_eq(v->number, 0.5);
    ck_assert(!v->flag);
    ck_assert_int_eq(v->choice, 1);
    ck_assert_str_eq(v->first, "1");
    ck_assert_uint_eq(v->window, 60);
    ck_assert_uint_eq(v->items.count, 2);
    const struct item *items = v->items.items;
    ck_assert_str_eq(items[0].ip, "a");
    ck_assert_uint_eq(items[0].port, 4739);
    ck_assert_str_eq(items[0].to, "x");
    ck_assert_ptr_null(items[1].to);
    ck_assert_uint_eq(items[1].port, 1);
    option_free(rows, v);
}
END_TEST

START_TEST(last_one_wins_and_empty_is_a_text)
{
    struct values *v = parse("<w><text>1</text><text/><u16>1</u16><u16>2</u16></w>");
    ck_assert_str_eq(v->text, "");
    ck_assert_uint_eq(v->u16, 2);
    option_free(rows, v);
}
END_TEST

/* Documents that are refused, and what the reason has to name. */
static const char *const refused[][2] = {
    {"<w>\n<u16>65536</u16></w>", "f.xml:2: <u16>: '65536'"},
    {"<w><u32>4294967296</u32></w>", "<u32>"},
    {"<w><u64>18446744073709551616</u64></w>", "<u64>"},
    {"<w><u16>-1</u16></w>", "<u16>"},
    {"<w><u16>1x</u16></w>", "<u16>"},
    {"<w><u16/></w>", "<u16>"},
    {"<w><number>nan</number></w>", "<number>"},
    {"<w><number>1e999</number></w>", "<number>"},
    {"<w><number/></w>", "<number>"},
    {"<w>\n<first>a!b</first></w>", "f.xml:2: <first>: 'a!b' has 2 characters too many"},
    {"<w><flag>maybe</flag></w>", "none of yes, no"},
    {"<w><choice>x</choice></w>", "<choice>: 'x'"},
    {"<w>\n\n<destination>\n<port>5</port></destination></w>",
     "f.xml:3: <destination>: the setting <ip>"},
    {"<w><destination><ip>a</ip><port>0</port></destination></w>", "out of range (1 to 65535)"},
    {"<w><dumpInterval><timeWindow>0</timeWindow></dumpInterval></w>", "<timeWindow>"},
    {"<w><dumpInterval><timeWindow>86401</timeWindow></dumpInterval></w>", "out of range"},
};

START_TEST(refuses)
{
    ck_assert_ptr_null(parse(refused[_i][0]));
    ck_assert_contains(err.text, refused[_i][1]);
}
END_TEST

START_TEST(unknown_elements)
{
    support_make_folder();
    support_capture();
    log_set_verbosity(1);
    struct values *v = parse("<w>\n<strange>1</strange></w>");
    ck_assert_ptr_nonnull(v);
    option_free(rows, v);
    plugin.unknown_option = COL_UNKNOWN_FATAL;
    v = parse("<w>\n<strange>1</strange></w>");
    plugin.unknown_option = COL_UNKNOWN_WARN;
    ck_assert_ptr_null(v);
    ck_assert_contains(err.text, "f.xml:2: <strange>");
    char *text = support_captured();
    ck_assert_str_eq(text, "WARNING: p: f.xml:2: <strange>: is not known here; ignored\n");
    free(text);
    support_remove_folder();
}
END_TEST

START_TEST(rows_are_checked)
{
    const struct col_option outside[] = {{.name = "x", .type = COL_UINT64, .offset = 4}, {0}};
    const struct col_option far[] = {{.name = "x", .type = COL_UINT64, .offset = SIZE_MAX - 2},
                                     {0}};
    const struct col_option no_choices[] = {{.name = "x", .type = COL_ENUM}, {0}};
    const struct col_option bad_preset[] = {{.name = "x", .type = COL_UINT16, .preset = "a"}, {0}};
    const struct col_option bad_type[] = {{.name = "x", .type = (enum col_option_type)99}, {0}};
    const struct col_option bad_list[] = {{.name = "x", .type = COL_LIST}, {0}};

    const struct col_option number_check[] = {
        {.name = "x", .type = COL_UINT16, .check = check_text}, {0}};

    ck_assert(option_check_rows(rows, sizeof(struct values), &err));
    ck_assert(option_check_rows(NULL, 0, &err));
    ck_assert(!option_check_rows(outside, 8, &err));
    ck_assert(!option_check_rows(far, 8, &err));
    ck_assert(!option_check_rows(no_choices, 8, &err));
    ck_assert(!option_check_rows(bad_preset, 8, &err));
    ck_assert(!option_check_rows(bad_type, 8, &err));
    ck_assert(!option_check_rows(bad_list, 64, &err));
    ck_assert(!option_check_rows(number_check, 8, &err));
    ck_assert_contains(err.text, "'x'");
}
END_TEST

START_TEST(prints_a_table)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    option_print(rows, out);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_contains(text, "| `dumpInterval/timeWindow` | 1 to 86400 | 300 | seconds |");
    ck_assert_contains(text, "| `destination/ip` | text | required |");
    ck_assert_contains(text, "| `choice` | all, RoundRobin | all |");
    free(text);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("option");
    tcase_add_test(tcase, presets);
    tcase_add_test(tcase, every_type);
    tcase_add_test(tcase, last_one_wins_and_empty_is_a_text);
    tcase_add_loop_test(tcase, refuses, 0, sizeof(refused) / sizeof(refused[0]));
    tcase_add_test(tcase, unknown_elements);
    tcase_add_test(tcase, rows_are_checked);
    tcase_add_test(tcase, prints_a_table);
    return support_run(tcase, "option");
}
