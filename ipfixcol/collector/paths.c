/* SPDX-License-Identifier: BSD-3-Clause */
/* Where things are installed. */

#include "paths.h"

#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Written once at start, read by all threads afterwards. */
static char plugin_dir[PATH_MAX] = IPFIXCOL_PLUGIN_DIR;
static char config_dir[PATH_MAX] = IPFIXCOL_CONFIG_DIR;

static bool executable_dir(const char *executable, char *directory)
{
    if (executable != NULL) {
        (void)snprintf(directory, PATH_MAX, "%s", executable);
    } else {
        ssize_t length = readlink("/proc/self/exe", directory, PATH_MAX - 1);
        if (length <= 0) {
            return false;
        }
        directory[length] = '\0';
    }
    char *slash = strrchr(directory, '/');
    if (slash == NULL) {
        return false;
    }
    *slash = '\0';
    return true;
}

static void use_if_missing(char *path, const char *probe, const char *directory,
                           const char *relative)
{
    char candidate[PATH_MAX + 64];

    (void)snprintf(candidate, sizeof(candidate), "%s%s", path, probe);
    if (access(candidate, F_OK) == 0) {
        return;
    }
    int length = snprintf(candidate, sizeof(candidate), "%s/../%s", directory, relative);
    if (length > 0 && length < PATH_MAX && access(candidate, F_OK) == 0) {
        memcpy(path, candidate, (size_t)length + 1);
    }
}

void paths_init(const char *executable)
{
    char directory[PATH_MAX];

    if (!executable_dir(executable, directory)) {
        return;
    }
    use_if_missing(config_dir, "/internalcfg.xml", directory, "etc/ipfixcol");
    use_if_missing(plugin_dir, "", directory, IPFIXCOL_LIBDIR "/ipfixcol/plugins");
    use_if_missing(plugin_dir, "", directory, "lib/ipfixcol/plugins");
}

const char *paths_config(const char *name)
{
    static char paths[8][PATH_MAX + 64];
    static unsigned next;

    char *path = paths[next++ % 8];
    (void)snprintf(path, sizeof(paths[0]), "%s/%s", config_dir, name);
    return path;
}

const char *paths_plugin_dir(void)
{
    return plugin_dir;
}
