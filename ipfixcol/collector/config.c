/* SPDX-License-Identifier: BSD-3-Clause */
/* startup.xml and internalcfg.xml into one struct. */

#include "config.h"

#include "log.h"

#include <libxml/parser.h>
#include <libxml/tree.h>

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STARTUP_NAMESPACE "urn:ietf:params:xml:ns:yang:ietf-ipfix-psamp"
#define INTERNAL_NAMESPACE "urn:cesnet:params:xml:ns:yang:ipfixcol-internals"
#define THREAD_NAME_LENGTH 15
#define MODULE "config"

/* ---- errors and texts ------------------------------------------------------------------------ */

static int fail(struct config_error *err, const char *format, ...) COL_PRINTF(2, 3);
static int fail(struct config_error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    return COL_ERR;
}

static int fail_at(struct config_error *err, const char *file, const xmlNode *node,
                   const char *reason)
{
    return fail(err, "%.300s:%ld: <%.100s>: %s", file, xmlGetLineNo((xmlNode *)node),
                (const char *)node->name, reason);
}

static void warn_at(const char *file, const xmlNode *node, const char *reason)
{
    log_line(MODULE, COL_LOG_WARNING, "%s:%ld: <%s>: %s", file, xmlGetLineNo((xmlNode *)node),
             (const char *)node->name, reason);
}

static bool is_named(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static const xmlNode *next_element(const xmlNode *node)
{
    while (node != NULL && node->type != XML_ELEMENT_NODE) {
        node = node->next;
    }
    return node;
}

/* First child element of that local name, or NULL. */
static const xmlNode *find_child(const xmlNode *parent, const char *name)
{
    for (const xmlNode *child = parent->children; child != NULL; child = child->next) {
        if (is_named(child, name)) {
            return child;
        }
    }
    return NULL;
}

/* Text of an element without blanks at both ends; new string, NULL without memory. */
static char *element_text(const xmlNode *node)
{
    xmlChar *content = xmlNodeGetContent((xmlNode *)node);
    if (content == NULL) {
        return NULL;
    }
    const char *start = (const char *)content;
    while (isspace((unsigned char)*start)) {
        start++;
    }
    size_t length = strlen(start);
    while (length > 0 && isspace((unsigned char)start[length - 1])) {
        length--;
    }
    char *text = strndup(start, length);
    xmlFree(content);
    return text;
}

static char *child_text(const xmlNode *parent, const char *name)
{
    const xmlNode *child = find_child(parent, name);
    return child != NULL ? element_text(child) : NULL;
}

/* One more zeroed item at the end of an array; NULL without memory. */
static void *append(void *array, size_t *count, size_t item_size)
{
    char **items = array;
    char *larger = reallocarray(*items, *count + 1, item_size);
    if (larger == NULL) {
        return NULL;
    }
    *items = larger;
    return memset(larger + (*count)++ * item_size, 0, item_size);
}

/* ---- reading a document ---------------------------------------------------------------------- */

/* The last complaint of the parser belongs to the line of the caller's error, not to stderr. */
static void keep_error(void *context, const char *format, ...)
{
    (void)context;
    (void)format;
}

static xmlDoc *read_document(const char *path, struct config_error *err)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        (void)fail(err, "%.300s: %s", path, strerror(errno));
        return NULL;
    }
    xmlParserCtxt *parser = xmlNewParserCtxt();
    if (parser == NULL) {
        (void)fclose(file);
        (void)fail(err, "%.300s: no memory", path);
        return NULL;
    }
    xmlSetGenericErrorFunc(NULL, keep_error);
    /* Neither network nor entities: a configuration needs none, and entities can explode. */
    xmlDoc *document = xmlCtxtReadFd(parser, fileno(file), path, NULL,
                                     XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                         XML_PARSE_NOCDATA | XML_PARSE_BIG_LINES);
    if (document == NULL) {
        const xmlError *reason = xmlCtxtGetLastError(parser);
        (void)fail(err, "%.300s:%d: not a well-formed XML document: %.300s", path,
                   reason != NULL ? reason->line : 0,
                   reason != NULL && reason->message != NULL ? reason->message : "unknown error");
    } else if (document->intSubset != NULL && document->intSubset->entities != NULL) {
        (void)fail(err, "%.300s: entity declarations are not supported", path);
        xmlFreeDoc(document);
        document = NULL;
    }
    xmlFreeParserCtxt(parser);
    (void)fclose(file);
    return document;
}

static bool in_namespace(const xmlNode *node, const char *href)
{
    return node->ns != NULL && node->ns->href != NULL &&
           strcmp((const char *)node->ns->href, href) == 0;
}

/* ---- canonical text -------------------------------------------------------------------------- */

static int compare_attributes(const void *a, const void *b)
{
    const xmlAttr *const *x = a;
    const xmlAttr *const *y = b;
    return strcmp((const char *)(*x)->name, (const char *)(*y)->name);
}

static void write_quoted(FILE *out, const char *text)
{
    (void)fprintf(out, "%zu:%s", strlen(text), text);
}

static void write_attributes(FILE *out, const xmlNode *node)
{
    const xmlAttr *attributes[64];
    size_t count = 0;

    for (const xmlAttr *a = node->properties; a != NULL && count < 64; a = a->next) {
        attributes[count++] = a;
    }
    qsort(attributes, count, sizeof(attributes[0]), compare_attributes);
    for (size_t i = 0; i < count; i++) {
        xmlChar *value = xmlNodeGetContent((const xmlNode *)attributes[i]);
        (void)fprintf(out, "@%s=", (const char *)attributes[i]->name);
        write_quoted(out, value != NULL ? (const char *)value : "");
        xmlFree(value);
    }
}

/* Comments, blanks around texts and the order of attributes make no difference; all else does.
 * The parser limits the depth of elements, so recursion is bounded. */
static void write_canonical(FILE *out, const xmlNode *node)
{
    (void)fprintf(out, "<%s", (const char *)node->name);
    write_attributes(out, node);
    const xmlNode *child = next_element(node->children);
    if (child == NULL) {
        char *text = element_text(node);
        (void)fputc('=', out);
        write_quoted(out, text != NULL ? text : "");
        free(text);
    }
    for (; child != NULL; child = next_element(child->next)) {
        write_canonical(out, child);
    }
    (void)fputc('>', out);
}

static char *canonical_text(const xmlNode *node)
{
    char *text = NULL;
    size_t size = 0;

    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    write_canonical(out, node);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* ---- internalcfg.xml ------------------------------------------------------------------------- */

static const struct plugin_list {
    const char *element;
    enum col_kind kind;
    const char *name_element;
    const char *thread_element;
} plugin_lists[] = {
    {"inputPlugin", COL_INPUT, "name", "processName"},
    {"storagePlugin", COL_STORAGE, "fileFormat", "threadName"},
    {"intermediatePlugin", COL_INTERMEDIATE, "name", "threadName"},
};

static int add_plugin(struct config *config, const struct plugin_list *list, const char *file,
                      const xmlNode *node)
{
    struct config_plugin *plugin = append(&config->plugins, &config->plugin_count, sizeof(*plugin));
    if (plugin == NULL) {
        return COL_ERR_NOMEM;
    }
    plugin->kind = list->kind;
    plugin->name = child_text(node, list->name_element);
    plugin->file = child_text(node, "file");
    plugin->thread_name = child_text(node, list->thread_element);
    if (plugin->name == NULL || plugin->file == NULL || plugin->name[0] == '\0' ||
        plugin->file[0] == '\0') {
        warn_at(file, node, "has no name or no file; skipped");
        free(plugin->name);
        free(plugin->file);
        free(plugin->thread_name);
        config->plugin_count--;
        return COL_OK;
    }
    if (plugin->thread_name == NULL || plugin->thread_name[0] == '\0') {
        free(plugin->thread_name);
        plugin->thread_name = strdup(plugin->name);
        if (plugin->thread_name == NULL) {
            return COL_ERR_NOMEM;
        }
    }
    if (strlen(plugin->thread_name) > THREAD_NAME_LENGTH) {
        plugin->thread_name[THREAD_NAME_LENGTH] = '\0';
    }
    return COL_OK;
}

static int add_collectors(struct config *config, const char *file, const xmlNode *node)
{
    for (const xmlNode *child = next_element(node->children); child != NULL;
         child = next_element(child->next)) {
        if (!is_named(child, "name")) {
            warn_at(file, child, "is not known here; ignored");
            continue;
        }
        char **name = append(&config->collectors, &config->collector_count, sizeof(*name));
        if (name == NULL || (*name = element_text(child)) == NULL) {
            return COL_ERR_NOMEM;
        }
    }
    return COL_OK;
}

static int add_registry_element(struct config *config, const char *file, const xmlNode *node)
{
    /* ipfixconf adds elements without a prefix: where the root has one, they have no namespace. */
    if (node->ns != NULL && !in_namespace(node, INTERNAL_NAMESPACE)) {
        warn_at(file, node, "is in another namespace; ignored");
        return COL_OK;
    }
    if (is_named(node, "supportedCollectors")) {
        return add_collectors(config, file, node);
    }
    for (size_t i = 0; i < sizeof(plugin_lists) / sizeof(plugin_lists[0]); i++) {
        if (is_named(node, plugin_lists[i].element)) {
            return add_plugin(config, &plugin_lists[i], file, node);
        }
    }
    warn_at(file, node, "is not known here; ignored");
    return COL_OK;
}

static bool has_kind(const struct config *config, enum col_kind kind)
{
    for (size_t i = 0; i < config->plugin_count; i++) {
        if (config->plugins[i].kind == kind) {
            return true;
        }
    }
    return false;
}

static int check_registry(const struct config *config, const char *path, struct config_error *err)
{
    if (config->collector_count == 0) {
        return fail(err, "%.300s: <supportedCollectors> names no collector", path);
    }
    if (!has_kind(config, COL_INPUT)) {
        return fail(err, "%.300s: no usable <inputPlugin>", path);
    }
    if (!has_kind(config, COL_STORAGE)) {
        return fail(err, "%.300s: no usable <storagePlugin>", path);
    }
    return COL_OK;
}

static int load_registry(struct config *config, const char *path, struct config_error *err)
{
    xmlDoc *document = read_document(path, err);
    if (document == NULL) {
        return COL_ERR;
    }
    int status = COL_OK;
    const xmlNode *root = xmlDocGetRootElement(document);
    if (root == NULL || !is_named(root, "ipfixcol") || !in_namespace(root, INTERNAL_NAMESPACE)) {
        status =
            fail(err, "%.300s: the root is not <ipfixcol xmlns=\"%s\">", path, INTERNAL_NAMESPACE);
    } else {
        for (const xmlNode *node = next_element(root->children); node != NULL && status == COL_OK;
             node = next_element(node->next)) {
            status = add_registry_element(config, path, node);
        }
        if (status == COL_ERR_NOMEM) {
            (void)fail(err, "%.300s: no memory", path);
        }
    }
    xmlFreeDoc(document);
    return status != COL_OK ? status : check_registry(config, path, err);
}

static const struct config_plugin *find_plugin(const struct config *config, enum col_kind kind,
                                               const char *name)
{
    for (size_t i = 0; i < config->plugin_count; i++) {
        if (config->plugins[i].kind == kind && strcmp(config->plugins[i].name, name) == 0) {
            return &config->plugins[i];
        }
    }
    return NULL;
}

/* `<dummy>` selects a plugin registered as `dummy_ip`: only the length of the element's name is
 * compared, and the first registered plugin wins. Existing configurations rely on it. */
static const struct config_plugin *find_intermediate(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->plugin_count; i++) {
        if (config->plugins[i].kind == COL_INTERMEDIATE &&
            strncmp(config->plugins[i].name, name, strlen(name)) == 0) {
            return &config->plugins[i];
        }
    }
    return NULL;
}

/* ---- startup.xml ----------------------------------------------------------------------------- */

static int set_element(struct config_element *element, const struct config_plugin *plugin,
                       const xmlNode *node)
{
    element->plugin = plugin;
    element->node = node;
    element->label = (const char *)node->name;
    element->line = xmlGetLineNo((xmlNode *)node);
    element->canonical = canonical_text(node);
    return element->canonical != NULL ? COL_OK : COL_ERR_NOMEM;
}

/* Is `element` the one that a supported collector's name stands for? An entry `udp-cpg` also stands
 * for <udp-cpgCollector>: that is how installation scripts registered it. */
static bool collector_matches(const char *name, const char *element)
{
    size_t length = strlen(name);
    return strncmp(element, name, length) == 0 &&
           (element[length] == '\0' || strcmp(element + length, "Collector") == 0);
}

static const xmlNode *find_input(const struct config *config, const xmlNode *process,
                                 const char **name)
{
    for (size_t i = 0; i < config->collector_count; i++) {
        for (const xmlNode *child = next_element(process->children); child != NULL;
             child = next_element(child->next)) {
            if (collector_matches(config->collectors[i], (const char *)child->name)) {
                *name = config->collectors[i];
                return child;
            }
        }
    }
    return NULL;
}

static int read_input(struct config *config, struct config_process *process, const xmlNode *node,
                      struct config_error *err)
{
    const char *name = NULL;
    const xmlNode *input = find_input(config, node, &name);
    if (input == NULL) {
        return fail_at(err, config->file, node,
                       "No valid collecting process description found: it has none of the elements "
                       "listed in <supportedCollectors> of internalcfg.xml");
    }
    const struct config_plugin *plugin = find_plugin(config, COL_INPUT, name);
    if (plugin == NULL) {
        plugin = find_plugin(config, COL_INPUT, (const char *)input->name);
    }
    if (plugin == NULL) {
        return fail_at(err, config->file, input,
                       "internalcfg.xml has no <inputPlugin> of this name");
    }
    return set_element(&process->input, plugin, input);
}

static bool parse_domain_id(const char *text, uint32_t *domain_id)
{
    char *end;
    errno = 0;
    unsigned long long value = isdigit((unsigned char)text[0]) ? strtoull(text, &end, 10) : 0;
    if (!isdigit((unsigned char)text[0]) || errno != 0 || *end != '\0' || value > UINT32_MAX) {
        return false;
    }
    *domain_id = (uint32_t)value;
    return true;
}

static void warn_unknown_children(const char *file, const xmlNode *node, const char *const *known,
                                  const xmlNode *also)
{
    for (const xmlNode *child = next_element(node->children); child != NULL;
         child = next_element(child->next)) {
        bool found = child == also;
        for (const char *const *name = known; *name != NULL && !found; name++) {
            found = is_named(child, *name);
        }
        if (!found) {
            warn_at(file, child, "is not known here; ignored");
        }
    }
}

static int read_when_full(const char *file, const xmlNode *destination,
                          struct config_storage *storage, struct config_error *err)
{
    const xmlNode *node = find_child(destination, "whenFull");
    if (node == NULL) {
        return COL_OK;
    }
    char *text = element_text(node);
    int status = COL_OK;
    if (text != NULL && strcmp(text, "drop") == 0) {
        storage->when_full = CONFIG_DROP;
    } else if (text == NULL || strcmp(text, "wait") != 0) {
        status = fail_at(err, file, node, "is neither wait nor drop");
    }
    free(text);
    return status;
}

static int read_storage_scope(const char *file, const xmlNode *destination,
                              struct config_storage *storage, struct config_error *err)
{
    const xmlNode *node = find_child(destination, "observationDomainId");
    if (node != NULL) {
        char *text = element_text(node);
        storage->has_domain = text != NULL && parse_domain_id(text, &storage->domain_id);
        if (!storage->has_domain) {
            warn_at(file, node, "is not a number; the destination is used for any domain");
        }
        free(text);
    }
    return read_when_full(file, destination, storage, err);
}

/* The plugin a <fileWriter> asks for, or NULL. */
static const struct config_plugin *writer_plugin(const struct config *config, const xmlNode *writer)
{
    char *format = child_text(writer, "fileFormat");
    if (format == NULL) {
        warn_at(config->file, writer, "has no <fileFormat>; 'ipfix' is assumed");
    }
    const char *name = format != NULL ? format : "ipfix";
    const struct config_plugin *plugin = find_plugin(config, COL_STORAGE, name);
    if (plugin == NULL) {
        log_line(MODULE, COL_LOG_ERROR,
                 "%s:%ld: <fileFormat>: specification for fileFormat '%s' could not be found in "
                 "internalcfg.xml; this destination is skipped",
                 config->file, xmlGetLineNo((xmlNode *)writer), name);
    }
    free(format);
    return plugin;
}

static int read_destination(struct config *config, struct config_process *process,
                            const xmlNode *node, struct config_error *err)
{
    static const char *const known[] = {"name", "observationDomainId", "fileWriter", "whenFull",
                                        NULL};

    warn_unknown_children(config->file, node, known, NULL);
    const xmlNode *writer = find_child(node, "fileWriter");
    if (writer == NULL) {
        warn_at(config->file, node, "has no <fileWriter>; this destination is skipped");
        return COL_OK;
    }
    const struct config_plugin *plugin = writer_plugin(config, writer);
    if (plugin == NULL) {
        return COL_OK;
    }
    struct config_storage *storage =
        append(&process->storages, &process->storage_count, sizeof(*storage));
    if (storage == NULL) {
        return COL_ERR_NOMEM;
    }
    storage->label = child_text(node, "name");
    int status = set_element(&storage->element, plugin, writer);
    storage->element.label = storage->label != NULL ? storage->label : plugin->name;
    return status != COL_OK ? status : read_storage_scope(config->file, node, storage, err);
}

static bool is_single_manager(const xmlNode *exporting)
{
    char *text = child_text(exporting, "singleManager");
    bool single = text != NULL && strcmp(text, "yes") == 0;
    free(text);
    return single;
}

static int read_exporting(struct config *config, struct config_process *process,
                          const xmlNode *exporting, struct config_error *err)
{
    static const char *const known[] = {"name", "destination", "singleManager", NULL};

    warn_unknown_children(config->file, exporting, known, NULL);
    int status = COL_OK;
    for (const xmlNode *child = next_element(exporting->children);
         child != NULL && status == COL_OK; child = next_element(child->next)) {
        if (is_named(child, "destination")) {
            status = read_destination(config, process, child, err);
        }
    }
    return status;
}

/* Destinations have always been started in reverse order of the document. */
static void reverse_storages(struct config_process *process)
{
    for (size_t i = 0; i < process->storage_count / 2; i++) {
        struct config_storage swap = process->storages[i];
        process->storages[i] = process->storages[process->storage_count - 1 - i];
        process->storages[process->storage_count - 1 - i] = swap;
    }
}

/* Adds the destinations of every exporting process of that name. */
static int read_destinations(struct config *config, struct config_process *process,
                             const xmlNode *reference, const char *name, struct config_error *err)
{
    size_t found = 0, single = 0;
    int status = COL_OK;

    for (const xmlNode *node = next_element(xmlDocGetRootElement(reference->doc)->children);
         node != NULL && status == COL_OK; node = next_element(node->next)) {
        if (!is_named(node, "exportingProcess") || !in_namespace(node, STARTUP_NAMESPACE)) {
            continue;
        }
        char *candidate = child_text(node, "name");
        if (candidate != NULL && strcmp(candidate, name) == 0) {
            found++;
            single += is_single_manager(node) ? 1 : 0;
            status = read_exporting(config, process, node, err);
        }
        free(candidate);
    }
    if (status != COL_OK) {
        return status;
    }
    if (process->storage_count == 0) {
        return fail_at(err, config->file, reference,
                       found == 0 ? "no <exportingProcess> has this name: no valid storage plugin"
                                  : "its exporting process has no valid storage plugin");
    }
    if (single > 0 && single < found) {
        warn_at(config->file, reference,
                "exporting processes of this name disagree on <singleManager>; yes is used");
    }
    process->single_manager = single > 0;
    reverse_storages(process);
    return COL_OK;
}

static int read_export_reference(struct config *config, struct config_process *process,
                                 const xmlNode *node, struct config_error *err)
{
    const xmlNode *reference = find_child(node, "exportingProcess");
    if (reference == NULL) {
        return fail_at(err, config->file, node, "it has no <exportingProcess>");
    }
    for (const xmlNode *more = reference->next; more != NULL; more = more->next) {
        if (is_named(more, "exportingProcess")) {
            return fail_at(err, config->file, more,
                           "only one is possible here: use multiple destinations in it");
        }
    }
    char *name = element_text(reference);
    if (name == NULL) {
        return COL_ERR_NOMEM;
    }
    int status = read_destinations(config, process, reference, name, err);
    free(name);
    return status;
}

static int read_statistics_file(struct config *config, struct config_process *process,
                                const xmlNode *node, struct config_error *err)
{
    const xmlNode *statistics = find_child(node, "statisticsFile");
    if (statistics == NULL) {
        return COL_OK;
    }
    process->statistics_file = element_text(statistics);
    if (process->statistics_file == NULL) {
        return COL_ERR_NOMEM;
    }
    return process->statistics_file[0] != '\0'
               ? COL_OK
               : fail_at(err, config->file, statistics, "is empty; it is the start of a file name");
}

static int read_process(struct config *config, const xmlNode *node, struct config_error *err)
{
    static const char *const known[] = {"name", "exportingProcess", "profiles", "statisticsFile",
                                        NULL};

    struct config_process *process =
        append(&config->processes, &config->process_count, sizeof(*process));
    if (process == NULL) {
        return COL_ERR_NOMEM;
    }
    process->name = child_text(node, "name");
    if (process->name == NULL || process->name[0] == '\0') {
        return fail_at(
            err, config->file, node,
            "it has no <name>, which identifies it when the configuration is read again");
    }
    int status = read_input(config, process, node, err);
    if (status == COL_OK) {
        warn_unknown_children(config->file, node, known, process->input.node);
        if (find_child(node, "profiles") != NULL) {
            warn_at(
                config->file, find_child(node, "profiles"),
                "profiles need the plugin profiler, which this collector does not have; ignored");
        }
        status = read_statistics_file(config, process, node, err);
    }
    return status != COL_OK ? status : read_export_reference(config, process, node, err);
}

static int read_intermediates(struct config *config, const xmlNode *section,
                              struct config_error *err)
{
    const xmlNode *node = next_element(section->children);
    if (node == NULL) {
        log_line(MODULE, COL_LOG_INFO, "%s:%ld: <intermediatePlugins> is empty", config->file,
                 xmlGetLineNo((xmlNode *)section));
        return COL_OK;
    }
    if (!has_kind(config, COL_INTERMEDIATE)) {
        return fail_at(err, config->file, section, "internalcfg.xml has no <intermediatePlugin>");
    }
    for (; node != NULL; node = next_element(node->next)) {
        const struct config_plugin *plugin = find_intermediate(config, (const char *)node->name);
        if (plugin == NULL) {
            log_line(MODULE, COL_LOG_ERROR,
                     "%s:%ld: <%s>: internalcfg.xml has no <intermediatePlugin> of this name; "
                     "skipped",
                     config->file, xmlGetLineNo((xmlNode *)node), (const char *)node->name);
            continue;
        }
        struct config_element *element =
            append(&config->intermediates, &config->intermediate_count, sizeof(*element));
        if (element == NULL || set_element(element, plugin, node) != COL_OK) {
            return COL_ERR_NOMEM;
        }
    }
    return COL_OK;
}

static int read_startup(struct config *config, const xmlNode *root, struct config_error *err)
{
    const xmlNode *intermediates = NULL;
    int status = COL_OK;

    for (const xmlNode *node = next_element(root->children); node != NULL && status == COL_OK;
         node = next_element(node->next)) {
        if (!in_namespace(node, STARTUP_NAMESPACE)) {
            warn_at(config->file, node, "is in another namespace; ignored");
        } else if (is_named(node, "collectingProcess")) {
            status = read_process(config, node, err);
        } else if (is_named(node, "intermediatePlugins")) {
            if (intermediates != NULL) {
                warn_at(config->file, node, "occurs again; the first one counts");
            } else {
                intermediates = node;
                status = read_intermediates(config, node, err);
            }
        } else if (!is_named(node, "exportingProcess")) {
            warn_at(config->file, node, "is not known here; ignored");
        }
    }
    if (status == COL_OK && config->process_count == 0) {
        status = fail(err, "%.300s: no <collectingProcess> found in <ipfix>", config->file);
    }
    return status;
}

static int load_startup(struct config *config, const char *path, struct config_error *err)
{
    config->file = strdup(path);
    if (config->file == NULL) {
        return fail(err, "%.300s: no memory", path);
    }
    config->startup = read_document(path, err);
    if (config->startup == NULL) {
        return COL_ERR;
    }
    const xmlNode *root = xmlDocGetRootElement(config->startup);
    if (root == NULL || !is_named(root, "ipfix") || !in_namespace(root, STARTUP_NAMESPACE)) {
        return fail(err,
                    "%.300s: no <collectingProcess> found: the root is not <ipfix xmlns=\"%s\">",
                    path, STARTUP_NAMESPACE);
    }
    int status = read_startup(config, root, err);
    return status == COL_ERR_NOMEM ? fail(err, "%.300s: no memory", path) : status;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void free_process(struct config_process *process)
{
    free(process->name);
    free(process->statistics_file);
    free(process->input.canonical);
    for (size_t i = 0; i < process->storage_count; i++) {
        free(process->storages[i].label);
        free(process->storages[i].element.canonical);
    }
    free(process->storages);
}

void config_destroy(struct config *config)
{
    if (config == NULL) {
        return;
    }
    for (size_t i = 0; i < config->process_count; i++) {
        free_process(&config->processes[i]);
    }
    for (size_t i = 0; i < config->intermediate_count; i++) {
        free(config->intermediates[i].canonical);
    }
    for (size_t i = 0; i < config->plugin_count; i++) {
        free(config->plugins[i].name);
        free(config->plugins[i].file);
        free(config->plugins[i].thread_name);
    }
    for (size_t i = 0; i < config->collector_count; i++) {
        free(config->collectors[i]);
    }
    free(config->processes);
    free(config->intermediates);
    free(config->plugins);
    free(config->collectors);
    free(config->file);
    xmlFreeDoc(config->startup);
    free(config);
}

struct config *config_load_registry(const char *internal_path, struct config_error *err)
{
    struct config *config = calloc(1, sizeof(*config));
    if (config == NULL) {
        (void)fail(err, "%.300s: no memory", internal_path);
        return NULL;
    }
    if (load_registry(config, internal_path, err) != COL_OK) {
        config_destroy(config);
        return NULL;
    }
    return config;
}

struct config *config_load(const char *startup_path, const char *internal_path,
                           struct config_error *err)
{
    struct config *config = config_load_registry(internal_path, err);
    if (config != NULL && load_startup(config, startup_path, err) != COL_OK) {
        config_destroy(config);
        return NULL;
    }
    return config;
}

void config_cleanup(void)
{
    xmlCleanupParser();
}

struct option_source config_option_source(const struct config *config,
                                          const struct config_element *element)
{
    static const char *const skip_input[] = {"name", NULL};
    static const char *const skip_storage[] = {"fileFormat", NULL};
    static const char *const skip_none[] = {NULL};

    return (struct option_source){
        .file = config->file,
        .node = element->node,
        .skip = element->plugin->kind == COL_INPUT     ? skip_input
                : element->plugin->kind == COL_STORAGE ? skip_storage
                                                       : skip_none,
    };
}
