/* SPDX-License-Identifier: BSD-3-Clause */
/* What happens while decoding, as log lines; scripts match on many of these texts. */

#include "event_log.h"

#include <ipfixcol/plugin.h>

#include <stdio.h>

/* An exporter's first message may bring a score of templates; more than that a minute is noise. */
#define EVENT_BURST 20u

struct event_line {
    const char *module;
    enum col_log_level level;
    char text[256];
};

#define PREPROCESSOR "preprocessor"
#define TEMPLATES "template manager"
#define MESSAGE "ipfix_message"

typedef unsigned long long number;

static const char *all_of_kind(uint64_t id)
{
    return id == IPFIX_SET_TEMPLATE ? "all Templates" : "all Options Templates";
}

static bool is_set_id(uint64_t id)
{
    return id == IPFIX_SET_TEMPLATE || id == IPFIX_SET_OPTIONS_TEMPLATE;
}

static void line_set(struct event_line *line, const char *module, enum col_log_level level,
                     const char *format, ...) COL_PRINTF(4, 5);
static void line_set(struct event_line *line, const char *module, enum col_log_level level,
                     const char *format, ...)
{
    va_list args;
    va_start(args, format);
    line->module = module;
    line->level = level;
    (void)vsnprintf(line->text, sizeof(line->text), format, args);
    va_end(args);
}

static void describe_withdrawal(const struct ipfix_event *event, struct event_line *line)
{
    if (is_set_id(event->value)) {
        line_set(line, PREPROCESSOR, COL_LOG_INFO, "[%u] Received %s withdrawal message (%s)",
                 event->domain_id,
                 event->value == IPFIX_SET_TEMPLATE ? "Template" : "Options template",
                 all_of_kind(event->value));
    } else {
        line_set(line, PREPROCESSOR, COL_LOG_INFO, "[%u] Received %s withdrawal message",
                 event->domain_id,
                 event->other == IPFIX_SET_OPTIONS_TEMPLATE ? "Options template" : "Template");
    }
}

/* Events about the message as a whole. */
static bool describe_message(const struct ipfix_event *event, struct event_line *line)
{
    switch (event->kind) {
    case IPFIX_EVENT_BAD_VERSION:
        line_set(line, PREPROCESSOR, COL_LOG_WARNING,
                 "[%u] IPFIX version doesn't match: %llu; skipping message...", event->domain_id,
                 (number)event->value);
        return true;
    case IPFIX_EVENT_BAD_LENGTH:
    case IPFIX_EVENT_BAD_SET:
        line_set(line, MESSAGE, COL_LOG_WARNING,
                 "[%u] Malformed IPFIX message detected (bad length); skipping message...",
                 event->domain_id);
        return true;
    case IPFIX_EVENT_UNKNOWN_SET:
        line_set(line, MESSAGE, COL_LOG_WARNING, "[%u] Unknown Set ID %llu", event->domain_id,
                 (number)event->value);
        return true;
    case IPFIX_EVENT_SEQUENCE:
        line_set(line, PREPROCESSOR, COL_LOG_WARNING,
                 "[%u] Sequence number error; expected %llu, got %llu", event->domain_id,
                 (number)event->other, (number)event->value);
        return true;
    case IPFIX_EVENT_CONVERSION:
        line_set(line, PREPROCESSOR, COL_LOG_WARNING,
                 "[%u] Message conversion error; skipping message... (NetFlow v%llu: %s)",
                 event->domain_id, (number)event->value, event->text != NULL ? event->text : "-");
        return true;
    case IPFIX_EVENT_LIMIT:
        line_set(line, PREPROCESSOR, COL_LOG_WARNING,
                 "[%u] limit reached, the rest is not used: %s", event->domain_id,
                 event->text != NULL ? event->text : "-");
        return true;
    default:
        return false;
    }
}

/* Events about one template. */
static void describe_template(const struct ipfix_event *event, struct event_line *line)
{
    number id = event->value;

    switch (event->kind) {
    case IPFIX_EVENT_BAD_TEMPLATE:
        line_set(line, TEMPLATES, COL_LOG_WARNING,
                 "[%u] Template %llu is malformed (%s); skipping...", event->domain_id, id,
                 event->text != NULL ? event->text : "bad template count");
        break;
    case IPFIX_EVENT_NEW_TEMPLATE:
        line_set(line, PREPROCESSOR, COL_LOG_INFO, "[%u] New template ID %llu", event->domain_id,
                 id);
        break;
    case IPFIX_EVENT_TEMPLATE_REDEFINED:
        line_set(line, PREPROCESSOR, COL_LOG_WARNING,
                 "[%u] Template ID %llu was defined anew without a withdrawal", event->domain_id,
                 id);
        break;
    case IPFIX_EVENT_TEMPLATE_EXPIRED:
        line_set(line, PREPROCESSOR, COL_LOG_WARNING,
                 "[%u] Template ID %llu has expired; its data wait for the template to be sent "
                 "again",
                 event->domain_id, id);
        break;
    case IPFIX_EVENT_WITHDRAWAL:
        describe_withdrawal(event, line);
        break;
    case IPFIX_EVENT_UNKNOWN_WITHDRAWAL:
        line_set(line, PREPROCESSOR, COL_LOG_WARNING,
                 "[%u] Template withdrawal message received for unknown template ID %llu",
                 event->domain_id, id);
        break;
    case IPFIX_EVENT_REFUSED_WITHDRAWAL:
        line_set(line, PREPROCESSOR, COL_LOG_WARNING,
                 "[%u] Template withdrawal of ID %llu received over UDP; ignored", event->domain_id,
                 id);
        break;
    case IPFIX_EVENT_NO_TEMPLATE:
        line_set(line, PREPROCESSOR, COL_LOG_WARNING, "[%u] Data template with ID %llu not found",
                 event->domain_id, id);
        break;
    default:
        line_set(line, PREPROCESSOR, COL_LOG_WARNING,
                 "[%u] Data Set %llu is malformed; its first records are used", event->domain_id,
                 id);
        break;
    }
}

/* Lines about live sessions name the exporter; those about files keep their old text exactly. */
static void write_line(const struct event_line *line, const struct ipfix_session *session,
                       uint64_t suppressed)
{
    char more[80] = "";
    bool is_file = session->info.transport == IPFIX_TRANSPORT_FILE;

    if (suppressed > 0) {
        (void)snprintf(more, sizeof(more), " (%llu more lines like this were held back)",
                       (number)suppressed);
    }
    log_line(line->module, line->level, "%s%s%s%s%s", line->text, is_file ? "" : " (",
             is_file ? "" : session->name, is_file ? "" : ")", more);
}

void event_log(const struct ipfix_event *event, const struct ipfix_session *session,
               struct event_limits *limits, bool ignore_sequence)
{
    struct event_line line;
    uint64_t suppressed;

    if ((unsigned)event->kind >= EVENT_KIND_COUNT || !log_enabled(COL_LOG_WARNING) ||
        (ignore_sequence && event->kind == IPFIX_EVENT_SEQUENCE)) {
        return;
    }
    if (!describe_message(event, &line)) {
        describe_template(event, &line);
    }
    if (!log_enabled(line.level) ||
        !log_burst_pass(&limits->kinds[event->kind], EVENT_BURST, col_clock_ms(), &suppressed)) {
        return;
    }
    write_line(&line, session, suppressed);
    if (event->kind == IPFIX_EVENT_BAD_TEMPLATE) {
        line_set(&line, PREPROCESSOR, COL_LOG_WARNING,
                 "[%u] Cannot parse template set; skipping to next set...", event->domain_id);
        write_line(&line, session, 0);
    }
}
