/* SPDX-License-Identifier: BSD-3-Clause */
/** Looks at a cluster through Pacemaker or probes. */
#include "view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- probes --------------------------------------------------------------------------------- */

/** The node this runs on is online without being asked. */
static bool is_local(const struct cluster *cluster, const struct cluster_node *node)
{
    return cluster->local != NULL && strcmp(cluster->local, node->name) == 0;
}

/** Puts the name of the node wherever the word asks for it. */
static void add_probe_word(struct words *argv, const char *word, const char *name)
{
    const size_t host_length = strlen(CLUSTER_FILE_HOST);
    size_t size = strlen(word) + 1;

    for (const char *place = word; (place = strstr(place, CLUSTER_FILE_HOST)) != NULL; place++) {
        size += strlen(name);
    }
    char *text = malloc(size), *end = text;
    if (text == NULL) {
        argv->failed = true;
        return;
    }
    while (*word != '\0') {
        if (strncmp(word, CLUSTER_FILE_HOST, host_length) == 0) {
            end = stpcpy(end, name);
            word += host_length;
        } else {
            *end++ = *word++;
        }
    }
    *end = '\0';
    words_add(argv, text);
    free(text);
}

static int add_probes(const struct view *view, struct commands *commands, struct failure *failure)
{
    for (size_t i = 0; i < view->cluster.count; i++) {
        const struct cluster_node *node = &view->cluster.nodes[i];
        if (is_local(&view->cluster, node)) {
            continue;
        }
        struct command *command = commands_add(commands, view->probe.timeout_ms);
        if (command == NULL) {
            return failure_no_memory(failure);
        }
        for (size_t j = 0; j < view->probe.command.count; j++) {
            add_probe_word(&command->argv, view->probe.command.list[j], node->name);
        }
    }
    return REPORT_OK;
}

static int take_probes(struct cluster *cluster, const struct commands *commands,
                       struct failure *failure)
{
    size_t next = 0;

    for (size_t i = 0; i < commands->count; i++) {
        if (commands->list[i].end == COMMAND_NO_START) {
            *failure = commands->list[i].start_failure;
            return (int)failure->class; /* says nothing about the node */
        }
    }
    for (size_t i = 0; i < cluster->count; i++) {
        struct cluster_node *node = &cluster->nodes[i];
        if (is_local(cluster, node)) {
            node->online = true;
            continue;
        }
        const struct command *command = &commands->list[next++];
        node->online = command->end == COMMAND_ENDED && WIFEXITED(command->status) &&
                       WEXITSTATUS(command->status) == 0;
    }
    return REPORT_OK;
}

/** Which node of the file this host is, if any. */
static int find_local(struct cluster *cluster, struct failure *failure)
{
    char host[CLUSTER_NAME_MAX + 1] = "";

    if (gethostname(host, sizeof(host) - 1) != 0) {
        return failure_set(failure, REPORT_INTERNAL, "name of this host: %s", strerror(errno));
    }
    const struct cluster_node *node = cluster_find_host(cluster, host);
    if (node == NULL) {
        return REPORT_OK;
    }
    cluster->local = strdup(node->name);
    return cluster->local == NULL ? failure_no_memory(failure) : REPORT_OK;
}

/* ---- both ----------------------------------------------------------------------------------- */

int view_look(const struct view *view, struct commands *commands, struct failure *failure)
{
    if (view->file != NULL) {
        return add_probes(view, commands, failure);
    }
    return pacemaker_add_status(commands, view->dialect) == NULL ? failure_no_memory(failure)
                                                                 : REPORT_OK;
}

int view_take(struct view *view, const struct commands *commands, struct failure *failure)
{
    if (view->file != NULL) {
        return take_probes(&view->cluster, commands, failure);
    }
    const struct command *command = &commands->list[0];
    int class = command_judge(command, failure);
    return class == REPORT_OK
               ? pacemaker_parse_status(command->out.text == NULL ? "" : command->out.text,
                                        command->out.size, &view->cluster, failure)
               : class;
}

static int read_file(struct view *view, struct events *events, struct failure *failure)
{
    struct commands commands = {.list = NULL};

    int class = cluster_file_read(view->file, &view->cluster, &view->probe, failure);
    if (class == REPORT_OK) {
        class = find_local(&view->cluster, failure);
    }
    if (class == REPORT_OK) {
        class = view_look(view, &commands, failure);
    }
    if (class == REPORT_OK) {
        class = events_run(events, &commands, failure);
    }
    if (class == REPORT_OK) {
        class = view_take(view, &commands, failure);
    }
    commands_clear(&commands);
    return class;
}

int view_read(struct view *view, struct events *events, struct failure *failure)
{
    view_clear(view);
    return view->file != NULL ? read_file(view, events, failure)
                              : pacemaker_read(events, &view->cluster, &view->dialect, failure);
}

void view_clear(struct view *view)
{
    cluster_clear(&view->cluster);
    words_clear(&view->probe.command);
}
