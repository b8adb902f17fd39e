/* SPDX-License-Identifier: BSD-3-Clause */
/* Storage plugin: flow files that nfdump and fdistdump read. */

#include "convert.h"
#include "window.h"

#include <errno.h>
#include <ipfixcol/plugin.h>
#include <ipfixcol/template_cache.h>
#include <libnf.h>
#include <libnf/index.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/** Plans kept at most; exporters that invent templates without end make all be compiled again. */
#define PLANS_MAX 16384u
/** The same for the memory of plans and their templates. */
#define PLANS_OCTETS_MAX (64u << 20)
/** A field's step for each address family, and its place. */
#define PLAN_FIELD_OCTETS 48u
/** Sysids are u16 and 0 means none. */
#define EXPORTERS_MAX 65535u

struct lnfstore_options {
    bool profiles;
    char *storage_path;
    char *prefix;
    char *suffix_mask;
    char *ident;
    char *compress;
    uint32_t window_s;
    bool align;
    bool index;
    char *index_prefix;
    double false_positives;
};

/**
 * Codec and level of a text: NAME[:LEVEL], or v1's yes and no. "yes" is LZ4: faster than v1's LZO,
 * and every nfdump since 1.6.18 reads it.
 *
 * @return LNF_OK, or another status and the reason in error
 */
static int parse_compress(const char *text, enum lnf_codec *codec, int *level,
                          struct lnf_error *error)
{
    static const struct {
        const char *word, *codec;
    } words[] = {{"yes", "lz4"}, {"true", "lz4"},   {"1", "lz4"},
                 {"no", "none"}, {"false", "none"}, {"0", "none"}};

    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(text, words[i].word) == 0) {
            text = words[i].codec;
        }
    }
    return lnf_codec_parse(text, codec, level, error);
}

static bool check_compress(const char *text, char *reason, size_t reason_size)
{
    enum lnf_codec codec;
    int level;
    struct lnf_error error;

    if (parse_compress(text, &codec, &level, &error) != LNF_OK) {
        (void)snprintf(reason, reason_size, "is not possible: %s", error.text);
        return false;
    }
    if (!lnf_codec_available(codec)) {
        (void)snprintf(reason, reason_size, "is not possible: libnf was built without %s",
                       lnf_codec_name(codec));
        return false;
    }
    return true;
}

static const struct col_option interval_options[] = {
    {.name = "timeWindow",
     .type = COL_UINT32,
     .offset = offsetof(struct lnfstore_options, window_s),
     .preset = "300",
     .min = 1,
     .max = 31536000,
     .help = "seconds of arrival one file holds"},
    {.name = "align",
     .type = COL_BOOL,
     .offset = offsetof(struct lnfstore_options, align),
     .preset = "yes",
     .help = "begin files at multiples of timeWindow"},
    {0},
};

static const struct col_option index_options[] = {
    {.name = "enable",
     .type = COL_BOOL,
     .offset = offsetof(struct lnfstore_options, index),
     .preset = "no",
     .help = "write an index when a file is closed: queries for addresses then read few blocks"},
    {.name = "autosize",
     .type = COL_IGNORED,
     .help = "no effect: an index is as large as what it holds needs"},
    {.name = "prefix",
     .type = COL_STRING,
     .offset = offsetof(struct lnfstore_options, index_prefix),
     .preset = LNF_INDEX_PREFIX,
     .help =
         "must not be the prefix of files; other than bfi. it has no effect, since queries look "
         "for that"},
    {.name = "estimatedItemCount",
     .type = COL_IGNORED,
     .help = "no effect: an index is as large as what it holds needs"},
    {.name = "falsePositiveProbability",
     .type = COL_DOUBLE,
     .offset = offsetof(struct lnfstore_options, false_positives),
     .preset = "0.01",
     .help = "share of absent addresses the index of a file does not rule out, 0.000001 to 1"},
    {0},
};

static const struct col_option lnfstore_option_table[] = {
    {.name = "profiles",
     .type = COL_BOOL,
     .offset = offsetof(struct lnfstore_options, profiles),
     .preset = "no",
     .help = "yes: refused, this version has no profiler plugin"},
    {.name = "storagePath",
     .type = COL_STRING,
     .offset = offsetof(struct lnfstore_options, storage_path),
     .required = true,
     .help = "existing directory for YYYY/MM/DD/FILE; %h is the host name"},
    {.name = "prefix",
     .type = COL_STRING,
     .offset = offsetof(struct lnfstore_options, prefix),
     .preset = "lnf.",
     .help = "begin of file names"},
    {.name = "suffixMask",
     .type = COL_STRING,
     .offset = offsetof(struct lnfstore_options, suffix_mask),
     .preset = "%Y%m%d%H%M%S",
     .help = "rest of file names, strftime(3) of the begin of the time slot in UTC"},
    {.name = "identificatorField",
     .type = COL_STRING,
     .offset = offsetof(struct lnfstore_options, ident),
     .help = "ident stored in the files, up to 121 printable characters"},
    {.name = "compress",
     .type = COL_STRING,
     .offset = offsetof(struct lnfstore_options, compress),
     .preset = "no",
     .check = check_compress,
     .help =
         "codec of the files: no, lzo, bz2, lz4 or zstd, with :LEVEL behind it for bz2 (1 to 9), "
         "lz4 (1 to 12) or zstd (1 to 22); yes = lz4"},
    {.name = "dumpInterval", .type = COL_GROUP, .rows = interval_options, .help = "time slots"},
    {.name = "index", .type = COL_GROUP, .rows = index_options, .help = "index beside the files"},
    {0},
};

enum lnfstore_counter {
    COUNT_STORED,
    COUNT_LOST,
    COUNT_NO_FIELD,
    COUNT_OPTIONS,
    COUNT_NO_TEMPLATE,
};

static const char *const lnfstore_counters[] = {
    "records stored",          "records lost, not writable", "records without storable field",
    "options records skipped", "data sets without template", NULL,
};

/** An exporter known in the file being written. */
struct exporter_entry {
    uint64_t session_id; /* 0 = free place */
    uint32_t domain_id;
    uint16_t sysid;
};

struct lnfstore {
    col_instance_t *instance;
    struct window_settings settings;
    char *storage_path;
    window_t *window;
    ipfix_template_cache_t *plans; /* convert_plan_t; NULL = nothing to store */
    /* Open addressing by session and domain; size is a power of two. */
    struct exporter_entry *exporters;
    size_t exporter_size, exporter_count;
    uint64_t seeds[2];
};

/* ---- plans ----------------------------------------------------------------------------------- */

static void destroy_plan(void *plan)
{
    convert_plan_destroy(plan);
}

/** Plan of a template, compiled on first use; false without memory. */
static bool find_plan(struct lnfstore *s, const struct ipfix_template *tmplt, convert_plan_t **plan)
{
    void *known;

    if (ipfix_template_cache_find(s->plans, tmplt, &known)) {
        *plan = known;
        return true;
    }
    if (!convert_plan_create(tmplt, plan)) {
        return false;
    }
    if (!ipfix_template_cache_put(s->plans, tmplt, *plan)) {
        convert_plan_destroy(*plan);
        return false;
    }
    return true;
}

/* ---- exporters ------------------------------------------------------------------------------- */

/** Domains are the sender's choice: without the seed it could choose those of one place. Two
 * rounds, so that what differs in few bits ends in places that depend on all bits of the seed. */
static size_t mix(const struct lnfstore *s, uint64_t session_id, uint32_t domain_id)
{
    uint64_t value = session_id ^ s->seeds[0];

    value = (value ^ (value >> 32)) * UINT64_C(0x9E3779B97F4A7C15);
    value = (value ^ (value >> 29) ^ domain_id ^ s->seeds[1]) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ (value >> 32)) * (s->seeds[0] | 1);
    return (size_t)(value ^ (value >> 29));
}

static struct exporter_entry *exporter_place(const struct lnfstore *s, uint64_t session_id,
                                             uint32_t domain_id)
{
    size_t i = mix(s, session_id, domain_id) & (s->exporter_size - 1);

    while (s->exporters[i].session_id != 0 &&
           (s->exporters[i].session_id != session_id || s->exporters[i].domain_id != domain_id)) {
        i = (i + 1) & (s->exporter_size - 1);
    }
    return &s->exporters[i];
}

/** A new file knows no exporters. */
static void forget_exporters(struct lnfstore *s)
{
    if (s->exporter_count > 0) {
        memset(s->exporters, 0, s->exporter_size * sizeof(*s->exporters));
        s->exporter_count = 0;
    }
}

static bool grow_exporters(struct lnfstore *s)
{
    if (s->exporter_count * 2 < s->exporter_size) {
        return true;
    }
    struct lnfstore old = *s;
    size_t size = s->exporter_size == 0 ? 64 : s->exporter_size * 2;
    struct exporter_entry *exporters = calloc(size, sizeof(*exporters));
    if (exporters == NULL) {
        return false;
    }
    s->exporters = exporters;
    s->exporter_size = size;
    for (size_t i = 0; i < old.exporter_size; i++) {
        const struct exporter_entry *e = &old.exporters[i];
        if (e->session_id != 0) {
            *exporter_place(s, e->session_id, e->domain_id) = *e;
        }
    }
    free(old.exporters);
    return true;
}

static bool add_exporter_record(struct lnfstore *s, const struct ipfix_message *message,
                                uint16_t sysid)
{
    struct lnf_exporter exporter = {
        .sysid = sysid,
        .version = message->original_version,
        .domain_id = message->domain_id,
        .address = message->session->info.peer,
    };

    if (exporter.address.ss_family != AF_INET && exporter.address.ss_family != AF_INET6) {
        return false; /* a file: nobody's address to tell */
    }
    if (!lnf_block_add_exporter(window_block(s->window), &exporter)) {
        window_flush(s->window);
        return lnf_block_add_exporter(window_block(s->window), &exporter);
    }
    return true;
}

/** Number the flow records of this message's exporter refer to; announced in the file first. */
static uint16_t exporter_sysid(struct lnfstore *s, const struct ipfix_message *message)
{
    if (s->exporter_size > 0) {
        const struct exporter_entry *known =
            exporter_place(s, message->session->id, message->domain_id);
        if (known->session_id != 0) {
            return known->sysid;
        }
    }
    if (s->exporter_count >= EXPORTERS_MAX || !grow_exporters(s)) {
        return 0;
    }
    /* Other instances may write the same file: numbers are the file's. */
    uint32_t next = window_next_exporter(s->window);
    uint16_t sysid = next <= EXPORTERS_MAX ? (uint16_t)next : 0;
    if (sysid != 0 && !add_exporter_record(s, message, sysid)) {
        sysid = 0;
    }
    *exporter_place(s, message->session->id, message->domain_id) =
        (struct exporter_entry){message->session->id, message->domain_id, sysid};
    s->exporter_count++;
    return sysid;
}

/* ---- messages -------------------------------------------------------------------------------- */

static void store_set(struct lnfstore *s, const struct ipfix_set *set, convert_plan_t *plan,
                      const struct convert_message *context)
{
    struct ipfix_record_iter iter;
    struct ipfix_record record;
    uint64_t in_block = 0;

    ipfix_record_iter_init(&iter, set);
    while (ipfix_record_next(&iter, &record)) {
        if (!convert_record(plan, &record, context, window_block(s->window))) {
            window_count_records(s->window, in_block);
            in_block = 0;
            window_flush(s->window);
            if (!convert_record(plan, &record, context, window_block(s->window))) {
                continue; /* cannot be: an empty block takes every record */
            }
        }
        in_block++;
    }
    window_count_records(s->window, in_block);
}

/** What is to be done with a Data Set: its plan, or NULL and the reason counted. */
static convert_plan_t *set_plan(struct lnfstore *s, const struct ipfix_set *set)
{
    convert_plan_t *plan = NULL;

    if (set->tmplt == NULL) {
        col_count(s->instance, COUNT_NO_TEMPLATE, 1);
    } else if (set->tmplt->set_id == IPFIX_SET_OPTIONS_TEMPLATE) {
        col_count(s->instance, COUNT_OPTIONS, set->record_count);
    } else if (!find_plan(s, set->tmplt, &plan)) {
        col_count(s->instance, COUNT_LOST, set->record_count);
    } else if (plan == NULL) {
        col_count(s->instance, COUNT_NO_FIELD, set->record_count);
    }
    return plan;
}

/** Goes to the file of this moment; false without memory. */
static bool enter_window(struct lnfstore *s, const struct timespec *now)
{
    bool began;

    if (!window_enter(s->window, now->tv_sec, &began)) {
        return false;
    }
    if (began) {
        forget_exporters(s);
    }
    return true;
}

/** A message nothing of which can be stored begins no file. */
static void count_unknown_sets(struct lnfstore *s, const struct ipfix_message *message)
{
    for (uint32_t i = 0; i < message->set_count; i++) {
        if (message->sets[i].id >= IPFIX_SET_DATA_MIN && message->sets[i].tmplt == NULL) {
            col_count(s->instance, COUNT_NO_TEMPLATE, 1);
        }
    }
}

static int lnfstore_process(void *state, struct ipfix_message *message)
{
    struct lnfstore *s = state;
    struct timespec now;

    if (message->kind != IPFIX_MESSAGE_DATA) {
        return COL_OK;
    }
    if (message->data_record_count == 0) {
        count_unknown_sets(s, message);
        return COL_OK;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    if (!enter_window(s, &now)) {
        col_count(s->instance, COUNT_LOST, message->data_record_count);
        return COL_ERR_NOMEM;
    }
    struct convert_message context = {
        .export_time_ms = (uint64_t)message->export_time_s * 1000,
        .received_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000,
        .domain_id = message->domain_id,
        .version = (uint8_t)message->original_version,
    };
    bool announced = false;
    for (uint32_t i = 0; i < message->set_count; i++) {
        const struct ipfix_set *set = &message->sets[i];
        if (set->id < IPFIX_SET_DATA_MIN) {
            continue;
        }
        convert_plan_t *plan = set_plan(s, set);
        if (plan == NULL) {
            continue;
        }
        if (!announced) {
            context.exporter_sysid = exporter_sysid(s, message);
            announced = true;
        }
        store_set(s, set, plan, &context);
    }
    return COL_OK;
}

static int lnfstore_tick(void *state, uint64_t now_ms)
{
    struct lnfstore *s = state;

    (void)now_ms;
    window_expire(s->window, time(NULL));
    struct window_counts counts = window_take_counts(s->window);
    col_count(s->instance, COUNT_STORED, counts.records_stored);
    col_count(s->instance, COUNT_LOST, counts.records_lost);
    return COL_OK;
}

/* ---- life ------------------------------------------------------------------------------------ */

static bool check_ident(col_instance_t *instance, const char *ident)
{
    size_t length = ident == NULL ? 0 : strlen(ident);

    for (size_t i = 0; i < length; i++) {
        if (ident[i] < 0x20 || ident[i] > 0x7E) {
            col_log(instance, COL_LOG_ERROR,
                    "identificatorField has a character that cannot be "
                    "printed");
            return false;
        }
    }
    if (length > LNF_IDENT_MAX) {
        col_log(instance, COL_LOG_ERROR, "identificatorField has %zu characters, %u fit", length,
                LNF_IDENT_MAX);
        return false;
    }
    return true;
}

/** The one conversion of storagePath is %h. */
static bool check_storage_path(col_instance_t *instance, const char *path)
{
    for (const char *percent = strchr(path, '%'); percent != NULL;
         percent = strchr(percent + 1, '%')) {
        if (percent[1] != 'h') {
            col_log(instance, COL_LOG_ERROR, "storagePath %s: only %%h is replaced, not %%%c", path,
                    percent[1] == '\0' ? ' ' : percent[1]);
            return false;
        }
    }
    return true;
}

/** Names that no file system takes would cost every record. The day has the longest names. */
static bool check_name(col_instance_t *instance, const struct lnfstore_options *o)
{
    static const struct tm day = {
        .tm_year = 126, .tm_mon = 8, .tm_mday = 30, .tm_hour = 23, .tm_wday = 3, .tm_yday = 272};
    char suffix[NAME_MAX + 1];

    if (o->suffix_mask[0] == '\0') {
        suffix[0] = '\0';
    } else if (window_format_time(suffix, sizeof(suffix), o->suffix_mask, &day) == 0) {
        col_log(instance, COL_LOG_ERROR, "suffixMask %.100s gives names that are empty or too long",
                o->suffix_mask);
        return false;
    }
    /* A number may be appended: ".1". */
    if (strlen(o->prefix) + strlen(suffix) + 2 > NAME_MAX) {
        col_log(instance, COL_LOG_ERROR,
                "prefix and suffixMask give names longer than the %d characters a file may have",
                NAME_MAX - 2);
        return false;
    }
    return true;
}

static bool check_index(col_instance_t *instance, const struct lnfstore_options *o)
{
    if (!(o->false_positives >= 0.000001 && o->false_positives <= 1)) {
        col_log(instance, COL_LOG_ERROR,
                "index: falsePositiveProbability is not between 0.000001 and 1");
        return false;
    }
    if (!o->index) {
        return true;
    }
    if (strcmp(o->prefix, o->index_prefix) == 0 || lnf_index_is_name(o->prefix)) {
        col_log(instance, COL_LOG_ERROR, "prefix %s is that of index files", o->prefix);
        return false;
    }
    if (strcmp(o->index_prefix, LNF_INDEX_PREFIX) != 0) {
        col_log(instance, COL_LOG_WARNING,
                "index: prefix %s has no effect, names of indexes begin with " LNF_INDEX_PREFIX,
                o->index_prefix);
    }
    return true;
}

static bool check_directory(col_instance_t *instance, const char *path)
{
    struct stat st;

    errno = 0;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        col_log(instance, COL_LOG_ERROR, "storagePath %s is no directory: %s", path,
                errno == 0 ? "something else has that name" : strerror(errno));
        return false;
    }
    if (access(path, W_OK | X_OK) != 0) {
        col_log(instance, COL_LOG_ERROR, "storagePath %s: cannot write there: %s", path,
                strerror(errno));
        return false;
    }
    return true;
}

static bool check_options(col_instance_t *instance, const struct lnfstore_options *o)
{
    if (o->profiles) {
        col_log(instance, COL_LOG_ERROR,
                "profiles: this version has no profiler plugin; use "
                "<profiles>no</profiles> and a storagePath");
        return false;
    }
    return check_name(instance, o) && check_index(instance, o) && check_ident(instance, o->ident) &&
           check_storage_path(instance, o->storage_path);
}

static void lnfstore_destroy(void *state)
{
    struct lnfstore *s = state;

    if (s == NULL) {
        return;
    }
    if (s->window != NULL) {
        lnfstore_tick(s, 0);
    }
    window_destroy(s->window);
    ipfix_template_cache_destroy(s->plans);
    free(s->exporters);
    free(s->storage_path);
    free(s);
}

static int lnfstore_check(col_instance_t *instance, const void *options)
{
    const struct lnfstore_options *o = options;

    if (!check_options(instance, o)) {
        return COL_ERR;
    }
    char *path = col_expand_host(o->storage_path);
    if (path == NULL) {
        col_log(instance, COL_LOG_ERROR, "out of memory");
        return COL_ERR_NOMEM;
    }
    bool good = check_directory(instance, path);
    free(path);
    return good ? COL_OK : COL_ERR;
}

static int lnfstore_create(col_instance_t *instance, const void *options, void **state)
{
    const struct lnfstore_options *o = options;

    int status = lnfstore_check(instance, options);
    if (status != COL_OK) {
        return status;
    }
    struct lnfstore *s = calloc(1, sizeof(*s));
    if (s != NULL) {
        s->storage_path = col_expand_host(o->storage_path);
        s->plans = ipfix_template_cache_create(destroy_plan, PLANS_MAX, PLANS_OCTETS_MAX,
                                               PLAN_FIELD_OCTETS);
    }
    if (s == NULL || s->storage_path == NULL || s->plans == NULL) {
        col_log(instance, COL_LOG_ERROR, "out of memory");
        lnfstore_destroy(s);
        return COL_ERR_NOMEM;
    }
    if (getrandom(s->seeds, sizeof(s->seeds), 0) != (ssize_t)sizeof(s->seeds)) {
        col_log(instance, COL_LOG_ERROR, "no random numbers: %s", strerror(errno));
        lnfstore_destroy(s);
        return COL_ERR;
    }
    s->instance = instance;
    s->settings = (struct window_settings){
        .storage_path = s->storage_path,
        .prefix = o->prefix,
        .suffix_mask = o->suffix_mask,
        .ident = o->ident,
        .length_s = o->window_s,
        .align = o->align,
        .index = o->index,
        .false_positives = o->false_positives,
    };
    (void)parse_compress(o->compress, &s->settings.codec, &s->settings.level, NULL);
    s->window = window_create(instance, &s->settings);
    if (s->window == NULL) {
        lnfstore_destroy(s);
        return COL_ERR_NOMEM;
    }
    *state = s;
    return COL_OK;
}

COL_EXPORT const struct col_plugin col_plugin = {
    .abi = COL_PLUGIN_ABI,
    .kind = COL_STORAGE,
    .name = "lnfstore",
    .summary = "writes flow files that nfdump and fdistdump read",
    .options = lnfstore_option_table,
    .options_size = sizeof(struct lnfstore_options),
    .unknown_option = COL_UNKNOWN_FATAL,
    .counters = lnfstore_counters,
    .check = lnfstore_check,
    .create = lnfstore_create,
    .destroy = lnfstore_destroy,
    .process = lnfstore_process,
    .tick = lnfstore_tick,
    .tick_ms = 250,
};
