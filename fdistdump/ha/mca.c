/* SPDX-License-Identifier: BSD-3-Clause */
/** Which MCA parameters of Open MPI 4 and of PRRTE, the launcher of Open MPI 5, place processes. */
#include "mca.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static bool is_one_of(const char *word, size_t length, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(list[i]) == length && memcmp(list[i], word, length) == 0) {
            return true;
        }
    }
    return false;
}

bool mca_is_option(const char *word)
{
    static const char *const options[] = {"mca", "gmca", "omca", "prtemca"};

    if (word[0] != '-') {
        return false;
    }
    word += word[1] == '-' ? 2 : 1;
    return is_one_of(word, strlen(word), options, COUNT(options));
}

bool mca_is_refused_policy(const char *policy)
{
    return policy != NULL &&
           (strncasecmp(policy, "ppr", 3) == 0 || strncasecmp(policy, "rank", 4) == 0);
}

/** mca_is_refused() of a name of that length. */
static bool is_refused(const char *name, size_t length, const char *value)
{
    static const char *const refused[] = {
        "orte_default_hostfile",  "prte_default_hostfile",        "orte_default_dash_host",
        "prte_default_dash_host", "rmaps_rank_file_path",         "orte_rankfile",
        "prte_rankfile",          "rmaps_base_no_schedule_local", "rmaps_base_pernode",
        "rmaps_ppr_pernode",      "rmaps_base_n_pernode",         "rmaps_ppr_n_pernode",
        "rmaps_base_n_persocket", "rmaps_ppr_n_persocket",        "rmaps_base_pattern",
        "rmaps_ppr_pattern",
    };
    static const char *const policies[] = {
        "rmaps_base_mapping_policy",
        "rmaps_base_schedule_policy",
        "rmaps_default_mapping_policy",
    };

    if (is_one_of(name, length, refused, COUNT(refused))) {
        return true;
    }
    return is_one_of(name, length, policies, COUNT(policies)) && mca_is_refused_policy(value);
}

bool mca_is_refused(const char *name, const char *value)
{
    return is_refused(name, strlen(name), value);
}

const char *mca_find_variable(char *const *environment)
{
    static const char *const prefixes[] = {"OMPI_MCA_", "PRTE_MCA_"};

    for (; *environment != NULL; environment++) {
        for (size_t i = 0; i < COUNT(prefixes); i++) {
            size_t start = strlen(prefixes[i]);
            size_t end = strcspn(*environment, "=");
            if (strncmp(*environment, prefixes[i], start) == 0 && (*environment)[end] == '=' &&
                (*environment)[end + 1] != '\0' &&
                is_refused(*environment + start, end - start, *environment + end + 1)) {
                return *environment;
            }
        }
    }
    return NULL;
}
