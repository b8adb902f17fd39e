/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * startup.xml and internalcfg.xml as one struct.
 *
 * The configuration keeps the XML document, because plugins' settings are read from it later.
 *
 * Threads: one at a time.
 */
#ifndef COLLECTOR_CONFIG_H
#define COLLECTOR_CONFIG_H

#include "option.h"

#include <ipfixcol/plugin.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A plugin of internalcfg.xml. */
struct config_plugin {
    enum col_kind kind;
    char *name; /* element name in startup.xml, or fileFormat */
    char *file;
    char *thread_name; /* processName of inputs; at most 15 characters */
};

/** An element of startup.xml that configures one plugin. */
struct config_element {
    const struct config_plugin *plugin;
    const struct _xmlNode *node;
    const char *label; /* <name> of the destination or the element's own name */
    char *canonical;   /* the element as text in which equal settings are equal */
    long line;
};

/** What to do with messages for a storage whose queue is full. */
enum config_when_full { CONFIG_WAIT, CONFIG_DROP };

struct config_storage {
    struct config_element element;
    char *label;
    bool has_domain;
    uint32_t domain_id;
    enum config_when_full when_full;
};

struct config_process {
    char *name;
    struct config_element input;
    struct config_storage *storages; /* in the order in which they are started */
    size_t storage_count;
    bool single_manager;
    char *statistics_file; /* or NULL */
};

struct config {
    char *file;
    struct config_plugin *plugins; /* in the order of internalcfg.xml */
    size_t plugin_count;
    char **collectors; /* supportedCollectors */
    size_t collector_count;
    struct config_process *processes;
    size_t process_count;
    struct config_element *intermediates; /* shared by all processes */
    size_t intermediate_count;
    struct _xmlDoc *startup; /* owns the nodes */
};

/**
 * Reads both files. Warnings are logged.
 *
 * @return configuration, or NULL with file, line, element and reason in err
 */
struct config *config_load(const char *startup_path, const char *internal_path,
                           struct config_error *err);

/** Reads only the registry of plugins. */
struct config *config_load_registry(const char *internal_path, struct config_error *err);

/** Frees everything; NULL is fine. */
void config_destroy(struct config *config);

/** Frees what the XML library keeps; nothing is read afterwards. */
void config_cleanup(void);

/** Settings of an element for option_parse(). */
struct option_source config_option_source(const struct config *config,
                                          const struct config_element *element);

#endif
