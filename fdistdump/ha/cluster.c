/* SPDX-License-Identifier: BSD-3-Clause */
/** Nodes of a cluster and the cycle of their mirrors. */
#include "cluster.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- texts ---------------------------------------------------------------------------------- */

/** Names become words of ssh and mpiexec: none may look like an option or a list. */
static bool is_host_name(const char *name)
{
    size_t length =
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");

    return length > 0 && length <= CLUSTER_NAME_MAX && name[length] == '\0' && name[0] != '-';
}

bool cluster_read_id(const char *text, uint32_t *id)
{
    char *end;

    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    /* strtoul() would take signs and white space. */
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || errno != 0 || number == 0 ||
        number > UINT32_MAX) {
        return false;
    }
    *id = (uint32_t)number;
    return true;
}

bool cluster_read_role(const char *text, enum cluster_role *role)
{
    if (strcmp(text, "proxy") == 0) {
        *role = CLUSTER_PROXY;
    } else if (strcmp(text, "subcollector") == 0) {
        *role = CLUSTER_SUBCOLLECTOR;
    } else {
        return false;
    }
    return true;
}

/* ---- nodes ---------------------------------------------------------------------------------- */

int cluster_add(struct cluster *cluster, const struct cluster_node *node, struct failure *failure)
{
    if (!is_host_name(node->name)) {
        return failure_set(failure, REPORT_ARGUMENTS,
                           "`%.64s' is no name of a host; expected letters, digits, '.', '-', '_'",
                           node->name);
    }
    if (cluster->count == CLUSTER_NODES_MAX) {
        return failure_set(failure, REPORT_ARGUMENTS, "more than %u nodes", CLUSTER_NODES_MAX);
    }
    struct cluster_node *nodes =
        realloc(cluster->nodes, (cluster->count + 1) * sizeof(*cluster->nodes));
    if (nodes == NULL) {
        return failure_no_memory(failure);
    }
    cluster->nodes = nodes;
    nodes[cluster->count] = *node;
    nodes[cluster->count].name = strdup(node->name);
    if (nodes[cluster->count].name == NULL) {
        return failure_no_memory(failure);
    }
    cluster->count++;
    return REPORT_OK;
}

struct cluster_node *cluster_find_id(const struct cluster *cluster, uint32_t id)
{
    for (size_t i = 0; i < cluster->count; i++) {
        if (cluster->nodes[i].id == id) {
            return &cluster->nodes[i];
        }
    }
    return NULL;
}

/** "sub1" and "sub1.example.org" are one host, "sub1.a" and "sub1.b" are two. */
static bool is_same_host(const char *a, const char *b)
{
    size_t short_a = strcspn(a, "."), short_b = strcspn(b, ".");

    if (strcasecmp(a, b) == 0) {
        return true;
    }
    return (a[short_a] == '\0' || b[short_b] == '\0') && short_a == short_b &&
           strncasecmp(a, b, short_a) == 0;
}

struct cluster_node *cluster_find_host(const struct cluster *cluster, const char *host)
{
    for (size_t i = 0; i < cluster->count; i++) {
        if (is_same_host(cluster->nodes[i].name, host)) {
            return &cluster->nodes[i];
        }
    }
    return NULL;
}

/* ---- check ---------------------------------------------------------------------------------- */

static int node_failure(const struct cluster *cluster, const struct cluster_node *node,
                        const char *text, uint32_t id, struct failure *failure)
{
    char line[16] = "";
    char number[16] = "";

    if (node->line > 0) {
        (void)snprintf(line, sizeof(line), ":%u", node->line);
    }
    if (id > 0) {
        (void)snprintf(number, sizeof(number), " %u", id);
    }
    return failure_set(failure, REPORT_ARGUMENTS, "%.256s%s: node %s: %s%s", cluster->source, line,
                       node->name, text, number);
}

static int compare_ids(const void *a, const void *b)
{
    const struct cluster_node *left = a, *right = b;

    return left->id == right->id ? (int)left->line - (int)right->line
                                 : (left->id > right->id) - (left->id < right->id);
}

static int check_identities(const struct cluster *cluster, struct failure *failure)
{
    for (size_t i = 1; i < cluster->count; i++) {
        if (cluster->nodes[i].id == cluster->nodes[i - 1].id) {
            return node_failure(cluster, &cluster->nodes[i], "another node has the id",
                                cluster->nodes[i].id, failure);
        }
        for (size_t j = 0; j < i; j++) {
            if (is_same_host(cluster->nodes[i].name, cluster->nodes[j].name)) {
                return node_failure(cluster, &cluster->nodes[i],
                                    "this host is also the node with id", cluster->nodes[j].id,
                                    failure);
            }
        }
    }
    return REPORT_OK;
}

static int check_successor(struct cluster *cluster, size_t place, struct failure *failure)
{
    struct cluster_node *node = &cluster->nodes[place];

    if (node->role == CLUSTER_NO_ROLE) {
        return node_failure(cluster, node, "no role; expected proxy or subcollector", 0, failure);
    }
    if (node->role == CLUSTER_PROXY) {
        return node->successor_id == 0
                   ? REPORT_OK
                   : node_failure(cluster, node, "a proxy has no successor", 0, failure);
    }
    if (node->successor_id == 0) {
        return node_failure(cluster, node,
                            "no successor; expected the id of the subcollector that "
                            "has its mirror",
                            0, failure);
    }
    if (node->successor_id == node->id) {
        return node_failure(cluster, node, "is its own successor", 0, failure);
    }
    const struct cluster_node *successor = cluster_find_id(cluster, node->successor_id);
    if (successor == NULL || successor->role != CLUSTER_SUBCOLLECTOR) {
        return node_failure(cluster, node, "its successor is no subcollector: id",
                            node->successor_id, failure);
    }
    node->successor = (size_t)(successor - cluster->nodes);
    return REPORT_OK;
}

/** Links predecessors; in one cycle everybody has exactly one, and a walk meets everybody. */
static int check_cycle(struct cluster *cluster, struct failure *failure)
{
    size_t first = SIZE_MAX, subcollectors = 0, met = 0;

    for (size_t i = 0; i < cluster->count; i++) {
        cluster->nodes[i].predecessor = SIZE_MAX;
    }
    for (size_t i = 0; i < cluster->count; i++) {
        if (cluster->nodes[i].role != CLUSTER_SUBCOLLECTOR) {
            continue;
        }
        struct cluster_node *successor = &cluster->nodes[cluster->nodes[i].successor];
        if (successor->predecessor != SIZE_MAX) {
            return node_failure(cluster, &cluster->nodes[i],
                                "another subcollector has the same successor, id", successor->id,
                                failure);
        }
        successor->predecessor = i;
        first = first == SIZE_MAX ? i : first;
        subcollectors++;
    }
    if (subcollectors < 2) {
        return failure_set(
            failure, REPORT_ARGUMENTS,
            "%.256s: %zu subcollectors; expected at least 2, which mirror each other",
            cluster->source, subcollectors);
    }
    size_t place = first;
    do {
        place = cluster->nodes[place].successor;
        met++;
    } while (place != first);
    if (met != subcollectors) {
        return node_failure(cluster, &cluster->nodes[first],
                            "successors make more than one cycle; they lead back here after nodes:",
                            (uint32_t)met, failure);
    }
    return REPORT_OK;
}

static int check_path(const struct cluster *cluster, const char *what, const char *path,
                      struct failure *failure)
{
    if (path == NULL) {
        return failure_set(failure, REPORT_ARGUMENTS, "%.256s: no %s", cluster->source, what);
    }
    if (path[0] != '/') {
        return failure_set(failure, REPORT_ARGUMENTS,
                           "%.256s: %s `%.128s'; expected an absolute path", cluster->source, what,
                           path);
    }
    return REPORT_OK;
}

/** Next part of a path, between slashes; `.` is none. */
static const char *next_part(const char *path, size_t *length)
{
    for (;; path++) {
        path += strspn(path, "/");
        *length = strcspn(path, "/");
        if (*length != 1 || path[0] != '.') {
            return path;
        }
    }
}

/** Whether two paths are written alike but for slashes and dots that mean nothing. */
static bool is_same_path(const char *a, const char *b)
{
    size_t length_a, length_b;

    do {
        a = next_part(a, &length_a);
        b = next_part(b, &length_b);
        if (length_a != length_b || memcmp(a, b, length_a) != 0) {
            return false;
        }
        a += length_a;
        b += length_b;
    } while (length_a > 0);
    return true;
}

int cluster_check(struct cluster *cluster, struct failure *failure)
{
    if (cluster->count > 0) {
        qsort(cluster->nodes, cluster->count, sizeof(*cluster->nodes), compare_ids);
    }
    int class = check_path(cluster, "original path", cluster->original, failure);
    if (class == REPORT_OK) {
        class = check_path(cluster, "mirror path", cluster->mirror, failure);
    }
    if (class == REPORT_OK && is_same_path(cluster->original, cluster->mirror)) {
        /* The successor of a node that is offline would count its own flows twice. */
        class = failure_set(failure, REPORT_ARGUMENTS,
                            "%.256s: mirror path `%.128s' is the original path", cluster->source,
                            cluster->mirror);
    }
    if (class == REPORT_OK) {
        class = check_identities(cluster, failure);
    }
    for (size_t i = 0; class == REPORT_OK && i < cluster->count; i++) {
        class = check_successor(cluster, i, failure);
    }
    return class == REPORT_OK ? check_cycle(cluster, failure) : class;
}

/* ---- changes -------------------------------------------------------------------------------- */

unsigned cluster_compare(const struct cluster *cluster, const bool *before)
{
    unsigned change = CLUSTER_SAME;

    for (size_t i = 0; i < cluster->count; i++) {
        if (cluster->nodes[i].online && !before[i]) {
            change |= CLUSTER_MORE;
        } else if (!cluster->nodes[i].online && before[i]) {
            change |= CLUSTER_FEWER;
        }
    }
    return change;
}

void cluster_clear(struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->count; i++) {
        free(cluster->nodes[i].name);
    }
    free(cluster->nodes);
    free(cluster->source);
    free(cluster->original);
    free(cluster->mirror);
    free(cluster->local);
    *cluster = (struct cluster){.count = 0};
}
