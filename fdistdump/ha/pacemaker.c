/* SPDX-License-Identifier: BSD-3-Clause */
/** Asks Pacemaker's tools, reads what they print. */
#include "pacemaker.h"
#include "spawn.h"

#include <libxml/parser.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const tools[] = {"crm_node", "crm_mon", "crm_attribute"};

char *pacemaker_missing_tools(void)
{
    char *missing = calloc(1, 64);

    for (size_t i = 0; missing != NULL && i < sizeof(tools) / sizeof(tools[0]); i++) {
        if (!spawn_is_program(tools[i])) {
            strcat(missing, missing[0] == '\0' ? "" : ", ");
            strcat(missing, tools[i]);
        }
    }
    return missing;
}

/* ---- crm_mon -------------------------------------------------------------------------------- */

static bool is_true(xmlNode *element, const char *name)
{
    xmlChar *value = xmlGetProp(element, BAD_CAST name);
    bool result = value != NULL && strcmp((const char *)value, "true") == 0;

    xmlFree(value);
    return result;
}

/** What crm_mon's text shows as "online" without more words. */
static bool is_online(xmlNode *element)
{
    return is_true(element, "online") && !is_true(element, "standby") &&
           !is_true(element, "standby_onfail") && !is_true(element, "maintenance") &&
           !is_true(element, "pending") && !is_true(element, "unclean");
}

static int take_node(struct cluster *cluster, bool known, const char *name, const char *id_text,
                     bool online, struct failure *failure)
{
    struct cluster_node node = {.name = (char *)(uintptr_t)name, .online = online};

    if (name == NULL || id_text == NULL || !cluster_read_id(id_text, &node.id)) {
        return failure_set(failure, REPORT_INTERNAL, "crm_mon: node `%.64s' with the id `%.64s'",
                           name == NULL ? "" : name, id_text == NULL ? "" : id_text);
    }
    struct cluster_node *other = cluster_find_id(cluster, node.id);
    if (!known) {
        if (other != NULL) {
            return failure_set(failure, REPORT_ARGUMENTS,
                               "crm_mon: nodes %s and %.64s have the id %u", other->name, name,
                               node.id);
        }
        return cluster_add(cluster, &node, failure);
    }
    /* A node that joined the cluster since is none of this query. */
    if (other != NULL && strcmp(other->name, name) != 0) {
        return failure_set(failure, REPORT_INTERNAL, "crm_mon: node %u is %.64s, was %s", node.id,
                           name, other->name);
    }
    if (other != NULL) {
        other->online = online;
    }
    return REPORT_OK;
}

static int take_element(struct cluster *cluster, bool known, xmlNode *element,
                        struct failure *failure)
{
    xmlChar *name = xmlGetProp(element, BAD_CAST "name");
    xmlChar *id = xmlGetProp(element, BAD_CAST "id");
    xmlChar *type = xmlGetProp(element, BAD_CAST "type");
    int class = REPORT_OK;

    if (type == NULL || strcmp((const char *)type, "member") == 0) {
        class = take_node(cluster, known, (const char *)name, (const char *)id, is_online(element),
                          failure);
    }
    xmlFree(name);
    xmlFree(id);
    xmlFree(type);
    return class;
}

static xmlNode *find_child(xmlNode *parent, const char *name)
{
    xmlNode *child = parent == NULL ? NULL : parent->children;

    while (child != NULL &&
           (child->type != XML_ELEMENT_NODE || strcmp((const char *)child->name, name) != 0)) {
        child = child->next;
    }
    return child;
}

static int take_document(xmlDoc *document, struct cluster *cluster, struct failure *failure)
{
    bool known = cluster->count > 0;
    xmlNode *nodes = find_child(xmlDocGetRootElement(document), "nodes");
    int class = REPORT_OK;

    if (nodes == NULL) {
        return failure_set(failure, REPORT_INTERNAL, "crm_mon: no element <nodes> in its XML");
    }
    /* A node crm_mon does not list any more is not online. */
    for (size_t i = 0; i < cluster->count; i++) {
        cluster->nodes[i].online = false;
    }
    for (xmlNode *element = nodes->children; class == REPORT_OK && element != NULL;
         element = element->next) {
        if (element->type == XML_ELEMENT_NODE && strcmp((const char *)element->name, "node") == 0) {
            class = take_element(cluster, known, element, failure);
        }
    }
    return class;
}

int pacemaker_parse_status(const char *xml, size_t size, struct cluster *cluster,
                           struct failure *failure)
{
    xmlDoc *document = xmlReadMemory(xml, (int)size, "crm_mon", NULL,
                                     XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);

    if (document == NULL) {
        const xmlError *error = xmlGetLastError();
        return failure_set(failure, REPORT_INTERNAL, "crm_mon: its XML, line %d: %.128s",
                           error == NULL ? 0 : error->line,
                           error == NULL || error->message == NULL ? "empty" : error->message);
    }
    int class = document->intSubset != NULL
                    ? failure_set(failure, REPORT_INTERNAL, "crm_mon: its XML declares entities")
                    : take_document(document, cluster, failure);
    xmlFreeDoc(document);
    return class;
}

struct command *pacemaker_add_status(struct commands *commands, enum pacemaker_dialect dialect)
{
    struct command *command = commands_add(commands, PACEMAKER_TOOL_LIMIT_MS);

    if (command != NULL) {
        words_add(&command->argv, "crm_mon");
        words_add(&command->argv, "--one-shot");
        words_add(&command->argv, dialect == PACEMAKER_OUTPUT_AS ? "--output-as=xml" : "--as-xml");
    }
    return command;
}

/* ---- crm_node ------------------------------------------------------------------------------- */

int pacemaker_parse_list(const char *text, const struct cluster *cluster, struct failure *failure)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        char line[512], id_text[32], name[256];
        uint32_t id;

        (void)snprintf(line, sizeof(line), "%.*s", (int)length, text);
        text += length + (text[length] == '\n');
        int found = sscanf(line, " %31s %255s", id_text, name);
        if (found <= 0) {
            continue;
        }
        if (found != 2 || !cluster_read_id(id_text, &id)) {
            return failure_set(failure, REPORT_INTERNAL, "crm_node: `%.128s'; expected ID NAME",
                               line);
        }
        const struct cluster_node *node = cluster_find_id(cluster, id);
        if (node != NULL && strcmp(node->name, name) != 0) {
            return failure_set(failure, REPORT_ARGUMENTS,
                               "node %u is %s for crm_mon and %.128s for crm_node", id, node->name,
                               name);
        }
    }
    return REPORT_OK;
}

/* ---- questions ------------------------------------------------------------------------------ */

/** Adds a tool with its arguments up to NULL. */
static int ask(struct commands *commands, struct failure *failure, ...)
{
    struct command *command = commands_add(commands, PACEMAKER_TOOL_LIMIT_MS);
    const char *word;
    va_list args;

    if (command == NULL) {
        return failure_no_memory(failure);
    }
    va_start(args, failure);
    while ((word = va_arg(args, const char *)) != NULL) {
        words_add(&command->argv, word);
    }
    va_end(args);
    return REPORT_OK;
}

static int ask_cluster(struct commands *commands, const char *attribute, struct failure *failure)
{
    return ask(commands, failure, "crm_attribute", "--type", "crm_config", "--name", attribute,
               "--query", "--quiet", (char *)NULL);
}

static int ask_node(struct commands *commands, const char *node, const char *attribute,
                    struct failure *failure)
{
    return ask(commands, failure, "crm_attribute", "--type", "nodes", "--node", node, "--name",
               attribute, "--query", "--quiet", (char *)NULL);
}

/** Runs all; none may fail. */
static int run_all(struct events *events, struct commands *commands, struct failure *failure)
{
    int class = events_run(events, commands, failure);

    for (size_t i = 0; class == REPORT_OK && i < commands->count; i++) {
        class = command_judge(&commands->list[i], failure);
    }
    return class;
}

/** What a command printed, without the end of its line; empty when it was nothing. */
static const char *printed(struct command *command)
{
    if (command->out.text == NULL) {
        return "";
    }
    command->out.text[strcspn(command->out.text, "\r\n")] = '\0';
    return command->out.text;
}

static int keep(char **text, struct command *command, struct failure *failure)
{
    *text = strdup(printed(command));
    return *text == NULL ? failure_no_memory(failure) : REPORT_OK;
}

/** Nodes and their state; older tools are asked in their dialect. */
static int read_status(struct events *events, struct cluster *cluster,
                       enum pacemaker_dialect *dialect, struct failure *failure)
{
    int class = REPORT_OK;

    for (*dialect = PACEMAKER_OUTPUT_AS;; *dialect = PACEMAKER_AS_XML) {
        struct commands commands = {.list = NULL};
        struct failure reason;
        if (pacemaker_add_status(&commands, *dialect) == NULL) {
            return failure_no_memory(failure);
        }
        class = run_all(events, &commands, &reason);
        if (class == REPORT_OK) {
            const struct command_text *out = &commands.list[0].out;
            class = pacemaker_parse_status(out->text == NULL ? "" : out->text, out->size, cluster,
                                           failure);
            commands_clear(&commands);
            return class;
        }
        bool refused = commands.list[0].end == COMMAND_ENDED;
        commands_clear(&commands);
        if (*dialect == PACEMAKER_OUTPUT_AS) {
            *failure = reason; /* the newer dialect's reason is the one to tell */
        }
        if (!refused || *dialect == PACEMAKER_AS_XML) {
            return class;
        }
    }
}

/** Local node and the attributes of the cluster. */
static int read_cluster(struct events *events, struct cluster *cluster, struct failure *failure)
{
    struct commands commands = {.list = NULL};

    int class = ask(&commands, failure, "crm_node", "--list", (char *)NULL);
    if (class == REPORT_OK) {
        class = ask(&commands, failure, "crm_node", "--name", (char *)NULL);
    }
    if (class == REPORT_OK) {
        class = ask_cluster(&commands, "flow-original-path", failure);
    }
    if (class == REPORT_OK) {
        class = ask_cluster(&commands, "flow-mirror-path", failure);
    }
    if (class == REPORT_OK) {
        class = run_all(events, &commands, failure);
    }
    if (class == REPORT_OK) {
        const char *text = commands.list[0].out.text;
        class = pacemaker_parse_list(text == NULL ? "" : text, cluster, failure);
    }
    if (class == REPORT_OK) {
        class = keep(&cluster->local, &commands.list[1], failure);
    }
    if (class == REPORT_OK) {
        class = keep(&cluster->original, &commands.list[2], failure);
    }
    if (class == REPORT_OK) {
        class = keep(&cluster->mirror, &commands.list[3], failure);
    }
    commands_clear(&commands);
    return class;
}

static int take_role(struct cluster_node *node, const char *value, struct failure *failure)
{
    if (cluster_read_role(value, &node->role)) {
        return REPORT_OK;
    }
    return failure_set(failure, REPORT_ARGUMENTS,
                       "attribute role of node %s: `%.64s'; expected proxy or subcollector",
                       node->name, value);
}

static int take_successor(struct cluster_node *node, const char *value, struct failure *failure)
{
    if (cluster_read_id(value, &node->successor_id)) {
        return REPORT_OK;
    }
    return failure_set(failure, REPORT_ARGUMENTS,
                       "attribute successor-id of node %s: `%.64s'; expected the id of a node",
                       node->name, value);
}

/** An attribute of every node with a role (any, before roles are known). */
static int read_nodes(struct events *events, struct cluster *cluster, const char *attribute,
                      enum cluster_role role,
                      int (*take)(struct cluster_node *, const char *, struct failure *),
                      struct failure *failure)
{
    struct commands commands = {.list = NULL};
    int class = REPORT_OK;

    for (size_t i = 0; class == REPORT_OK && i < cluster->count; i++) {
        if (cluster->nodes[i].role == role) {
            class = ask_node(&commands, cluster->nodes[i].name, attribute, failure);
        }
    }
    if (class == REPORT_OK) {
        class = run_all(events, &commands, failure);
    }
    for (size_t i = 0, next = 0; class == REPORT_OK && i < cluster->count; i++) {
        if (cluster->nodes[i].role == role) {
            class = take(&cluster->nodes[i], printed(&commands.list[next++]), failure);
        }
    }
    commands_clear(&commands);
    return class;
}

int pacemaker_read(struct events *events, struct cluster *cluster, enum pacemaker_dialect *dialect,
                   struct failure *failure)
{
    *cluster = (struct cluster){.source = strdup("Pacemaker")};
    int class = cluster->source == NULL ? failure_no_memory(failure)
                                        : read_status(events, cluster, dialect, failure);
    if (class == REPORT_OK) {
        class = read_cluster(events, cluster, failure);
    }
    if (class == REPORT_OK) {
        class = read_nodes(events, cluster, "role", CLUSTER_NO_ROLE, take_role, failure);
    }
    if (class == REPORT_OK) {
        class = read_nodes(events, cluster, "successor-id", CLUSTER_SUBCOLLECTOR, take_successor,
                           failure);
    }
    return class == REPORT_OK ? cluster_check(cluster, failure) : class;
}
