/* SPDX-License-Identifier: BSD-3-Clause */
/* Finds, checks and loads plugins. */

#include "plugin_loader.h"

#include "paths.h"

#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLUGIN_MAX_COUNTERS 32

const char *plugin_kind_name(enum col_kind kind)
{
    static const char *const names[] = {"input", "intermediate", "storage"};
    return (unsigned)kind < 3 ? names[kind] : "unknown";
}

/* ---- where the file is ----------------------------------------------------------------------- */

static const char *base_name(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash != NULL ? slash + 1 : file;
}

static bool try_path(char *path, size_t path_size, const char *directory, size_t directory_length,
                     const char *file)
{
    int length = snprintf(path, path_size, "%.*s/%s", (int)directory_length, directory, file);
    return length > 0 && (size_t)length < path_size && access(path, F_OK) == 0;
}

static bool find_in_environment(const char *file, char *path, size_t path_size)
{
    const char *list = secure_getenv("IPFIXCOL_PLUGIN_DIR");

    while (list != NULL && *list != '\0') {
        size_t length = strcspn(list, ":");
        if (length > 0 && try_path(path, path_size, list, length, base_name(file))) {
            return true;
        }
        list += length + (list[length] == ':' ? 1 : 0);
    }
    return false;
}

bool plugin_find(const char *file, char *path, size_t path_size)
{
    const char *directory = paths_plugin_dir();

    if (find_in_environment(file, path, path_size)) {
        return true;
    }
    if (strchr(file, '/') != NULL && access(file, F_OK) == 0 && strlen(file) < path_size) {
        (void)snprintf(path, path_size, "%s", file);
        return true;
    }
    if (try_path(path, path_size, directory, strlen(directory), base_name(file))) {
        return true;
    }
    (void)snprintf(path, path_size, "%s", file);
    return false;
}

/* ---- what it has to have --------------------------------------------------------------------- */

static bool refuse(struct config_error *err, const char *reason)
{
    (void)snprintf(err->text, sizeof(err->text), "%s", reason);
    return false;
}

static bool check_hooks(const struct col_plugin *plugin, struct config_error *err)
{
    if (plugin->create == NULL || plugin->destroy == NULL) {
        return refuse(err, "the hook create or destroy is missing");
    }
    if (plugin->kind == COL_INPUT) {
        return plugin->receive != NULL || refuse(err, "the hook receive of an input is missing");
    }
    return plugin->process != NULL || refuse(err, "the hook process is missing");
}

static bool check_counters(const struct col_plugin *plugin, struct config_error *err)
{
    size_t count = 0;
    while (plugin->counters != NULL && plugin->counters[count] != NULL) {
        count++;
    }
    return count <= PLUGIN_MAX_COUNTERS || refuse(err, "more than 32 counters");
}

bool plugin_check(const struct col_plugin *plugin, enum col_kind kind, struct config_error *err)
{
    /* The rest of the struct means what we think only when the version is ours. */
    if (plugin->abi != COL_PLUGIN_ABI) {
        (void)snprintf(err->text, sizeof(err->text),
                       "built for plugin interface %#x, this collector has %#x: build it again",
                       plugin->abi, COL_PLUGIN_ABI);
        return false;
    }
    if (plugin->kind != kind) {
        (void)snprintf(err->text, sizeof(err->text), "is an %s plugin, but an %s is needed here",
                       plugin_kind_name(plugin->kind), plugin_kind_name(kind));
        return false;
    }
    if (plugin->name == NULL || plugin->name[0] == '\0') {
        return refuse(err, "it has no name");
    }
    return check_hooks(plugin, err) && check_counters(plugin, err) &&
           option_check_rows(plugin->options, plugin->options_size, err);
}

/* ---- loading --------------------------------------------------------------------------------- */

const struct col_plugin *plugin_load(const char *file, enum col_kind kind, struct config_error *err)
{
    char path[PATH_MAX];
    struct config_error reason;

    if (!plugin_find(file, path, sizeof(path))) {
        (void)snprintf(err->text, sizeof(err->text), "plugin %.400s: not found, nor in %.400s",
                       file, paths_plugin_dir());
        return NULL;
    }
    /* Never closed again: libraries behind plugins start threads and register exit handlers, and
     * a collector that reloads loads the same few plugins. dlopen() counts them, not copies. */
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == NULL) {
        (void)snprintf(err->text, sizeof(err->text), "plugin cannot be loaded: %s", dlerror());
        return NULL;
    }
    const struct col_plugin *plugin = dlsym(library, "col_plugin");
    if (plugin == NULL) {
        (void)snprintf(err->text, sizeof(err->text),
                       "plugin %.900s: it has no symbol col_plugin: not a plugin of this collector",
                       path);
    } else if (!plugin_check(plugin, kind, &reason)) {
        (void)snprintf(err->text, sizeof(err->text), "plugin %.400s: %.500s", path, reason.text);
        plugin = NULL;
    }
    (void)dlclose(library);
    return plugin;
}
