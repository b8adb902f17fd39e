/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzz target: the text of a cluster file. What is accepted is one cycle. */
#include "cluster_file.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_cycle(const struct cluster *cluster)
{
    size_t subcollectors = 0, steps = 0, first = 0;

    for (size_t i = 0; i < cluster->count; i++) {
        if (cluster->nodes[i].role == CLUSTER_SUBCOLLECTOR) {
            first = i;
            subcollectors++;
        }
    }
    size_t place = first;
    do {
        size_t next = cluster->nodes[place].successor;
        if (next >= cluster->count || cluster->nodes[next].predecessor != place ||
            ++steps > subcollectors) {
            abort();
        }
        place = next;
    } while (place != first);
    if (steps != subcollectors || subcollectors < 2) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cluster cluster;
    struct cluster_probe probe;
    struct failure failure;

    int class = cluster_file_parse((const char *)data, size, "fuzz", &cluster, &probe, &failure);
    if (class == REPORT_OK) {
        check_cycle(&cluster);
    }
    cluster_clear(&cluster);
    words_clear(&probe.command);
    return 0;
}
