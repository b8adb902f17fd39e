/* SPDX-License-Identifier: BSD-3-Clause */
/** Puts the command line of mpiexec together. */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

/** What the plan is made from. */
struct maker {
    const struct cluster *cluster;
    const struct ha_args *args;
    const struct words *paths;
    struct plan *plan;
};

/* ---- who ------------------------------------------------------------------------------------ */

static bool is_subcollector(const struct cluster_node *node, bool online)
{
    return node->role == CLUSTER_SUBCOLLECTOR && node->online == online;
}

static size_t count_subcollectors(const struct cluster *cluster, bool online)
{
    size_t count = 0;

    for (size_t i = 0; i < cluster->count; i++) {
        count += is_subcollector(&cluster->nodes[i], online);
    }
    return count;
}

/** First online node with a role; the number of nodes when there is none. */
static size_t find_online(const struct cluster *cluster, enum cluster_role role)
{
    size_t i = 0;

    while (i < cluster->count && !(cluster->nodes[i].role == role && cluster->nodes[i].online)) {
        i++;
    }
    return i;
}

static size_t find_local(const struct cluster *cluster)
{
    size_t i = 0;

    while (i < cluster->count && !(cluster->local != NULL && cluster->nodes[i].online &&
                                   strcmp(cluster->nodes[i].name, cluster->local) == 0)) {
        i++;
    }
    return i;
}

/** This node, else a proxy, else a subcollector; there is at least one of these. */
static void choose_master(struct maker *maker)
{
    const struct cluster *cluster = maker->cluster;
    size_t place = find_local(cluster);

    if (place == cluster->count) {
        place = find_online(cluster, CLUSTER_PROXY);
    }
    if (place == cluster->count) {
        place = find_online(cluster, CLUSTER_SUBCOLLECTOR);
        words_format(&maker->plan->warnings,
                     "no proxy is online, and this host is no node that is: subcollector %s also "
                     "merges and prints",
                     cluster->nodes[place].name);
    }
    maker->plan->master = place;
}

/* ---- command -------------------------------------------------------------------------------- */

static bool has_option(const struct words *words, const char *name)
{
    for (size_t i = 0; i < words->count; i++) {
        const char *word = words->list[i];
        if (word[0] == '-' && strcmp(word + (word[1] == '-' ? 2 : 1), name) == 0) {
            return true;
        }
    }
    return false;
}

/** The user's arguments of mpiexec; in a divided job many hold for one part only. */
static void add_mpiexec_args(struct maker *maker)
{
    const struct words *given = &maker->args->mpiexec_args;
    struct words *command = &maker->plan->command;

    words_append(command, given);
    if (!has_option(given, "wdir") && !has_option(given, "wd")) {
        words_add(command, "-wdir"); /* the folder of the user may be missing elsewhere */
        words_add(command, "/tmp/");
    }
    if (!has_option(given, "bind-to")) {
        words_add(command, "--bind-to"); /* one process uses all processors of its node */
        words_add(command, "none");
    }
}

static void add_fdistdump(struct maker *maker)
{
    static const char *const low[] = {"nice", "-n", "10", "ionice", "-c", "3", NULL};
    static const char *const high[] = {"nice", "-n", "-10", "ionice", "-c", "1", NULL};
    static const char *const normal[] = {NULL};
    const char *const *prefix = maker->args->priority == HA_PRIORITY_LOW    ? low
                                : maker->args->priority == HA_PRIORITY_HIGH ? high
                                                                            : normal;
    struct words *command = &maker->plan->command;

    for (; *prefix != NULL; prefix++) {
        words_add(command, *prefix);
    }
    words_add(command, maker->args->fdistdump);
    words_append(command, &maker->args->fdistdump_args);
}

static void add_paths(struct maker *maker, const char *folder)
{
    for (size_t i = 0; i < maker->paths->count; i++) {
        words_format(&maker->plan->command, "%s/%s", folder, maker->paths->list[i]);
    }
}

/** All online: the same for everybody. */
static void add_single(struct maker *maker)
{
    const struct cluster *cluster = maker->cluster;
    struct words hosts = {.list = NULL};
    char *list = NULL, *end;

    words_add(&hosts, cluster->nodes[maker->plan->master].name);
    for (size_t i = 0; i < cluster->count; i++) {
        if (cluster->nodes[i].role == CLUSTER_SUBCOLLECTOR) {
            words_add(&hosts, cluster->nodes[i].name);
        }
    }
    if (!hosts.failed) {
        list = words_join(&hosts);
    }
    for (end = list; end != NULL && (end = strchr(end, ' ')) != NULL;) {
        *end = ','; /* names of hosts have no blanks */
    }
    add_mpiexec_args(maker);
    words_add(&maker->plan->command, "-host");
    words_format(&maker->plan->command, "%s", list == NULL ? "" : list);
    /* Without a count mpiexec starts as many as the policy of mapping likes. */
    words_add(&maker->plan->command, "-n");
    words_format(&maker->plan->command, "%zu", hosts.count);
    maker->plan->command.failed = maker->plan->command.failed || list == NULL;
    add_fdistdump(maker);
    add_paths(maker, cluster->original);
    free(list);
    words_clear(&hosts);
}

/** One process on a host; a host with two of them must be said to have room for two. */
static void add_part(struct maker *maker, size_t place)
{
    const struct cluster_node *node = &maker->cluster->nodes[place];
    bool twice = place == maker->plan->master && node->role == CLUSTER_SUBCOLLECTOR;

    add_mpiexec_args(maker);
    words_add(&maker->plan->command, "-host");
    words_format(&maker->plan->command, "%s%s", node->name, twice ? ":2" : "");
    words_add(&maker->plan->command, "-n");
    words_add(&maker->plan->command, "1");
    add_fdistdump(maker);
}

/** Reads of a subcollector: its own data, and its mirror of a predecessor that is offline. */
static void add_subcollector(struct maker *maker, size_t place)
{
    const struct cluster *cluster = maker->cluster;
    const struct cluster_node *node = &cluster->nodes[place];
    const struct cluster_node *predecessor = &cluster->nodes[node->predecessor];

    words_add(&maker->plan->command, ":");
    add_part(maker, place);
    add_paths(maker, cluster->original);
    if (!predecessor->online) {
        add_paths(maker, cluster->mirror);
        words_format(&maker->plan->warnings,
                     "node %s is offline: its data are read from the mirror on %s",
                     predecessor->name, node->name);
    }
}

/** In the order of the cycle, from the lowest number. */
static void add_divided(struct maker *maker)
{
    const struct cluster *cluster = maker->cluster;
    size_t first = 0;

    while (cluster->nodes[first].role != CLUSTER_SUBCOLLECTOR) {
        first++;
    }
    add_part(maker, maker->plan->master);
    words_add(&maker->plan->command, "."); /* the master reads nothing */
    size_t place = first;
    do {
        if (cluster->nodes[place].online) {
            add_subcollector(maker, place);
        }
        place = cluster->nodes[place].successor;
    } while (place != first);
}

/** A node and its successor are offline: nobody has the data of the first. */
static void find_missing(struct maker *maker)
{
    const struct cluster *cluster = maker->cluster;

    for (size_t i = 0; i < cluster->count; i++) {
        const struct cluster_node *node = &cluster->nodes[i];
        if (is_subcollector(node, false) && !cluster->nodes[node->successor].online) {
            words_add(&maker->plan->missing, node->name);
            words_format(&maker->plan->warnings,
                         "the answer will be incomplete: data of node %s are missing, it and %s, "
                         "which has its mirror, are offline",
                         node->name, cluster->nodes[node->successor].name);
        }
    }
}

int plan_build(const struct cluster *cluster, const struct ha_args *args, const struct words *paths,
               struct plan *plan, struct failure *failure)
{
    struct maker maker = {.cluster = cluster, .args = args, .paths = paths, .plan = plan};

    *plan = (struct plan){.master = cluster->count};
    if (count_subcollectors(cluster, true) == 0) {
        return failure_set(failure, REPORT_INTERNAL, "no subcollector is online");
    }
    choose_master(&maker);
    find_missing(&maker);
    if (args->complete_only && plan->missing.count > 0) {
        return failure_set(failure, REPORT_PATH,
                           "data of node %s are missing: it and the node that has its mirror are "
                           "offline",
                           plan->missing.list[0]);
    }
    words_add(&plan->command, args->mpiexec);
    if (count_subcollectors(cluster, false) == 0) {
        add_single(&maker);
    } else {
        add_divided(&maker);
    }
    if (plan->command.failed || plan->warnings.failed || plan->missing.failed) {
        return failure_no_memory(failure);
    }
    return REPORT_OK;
}

void plan_clear(struct plan *plan)
{
    words_clear(&plan->command);
    words_clear(&plan->warnings);
    words_clear(&plan->missing);
}
