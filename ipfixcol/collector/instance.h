/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * The thread that runs one plugin instance.
 *
 * An input's thread receives; an intermediate's or a storage's takes messages from its queue. Each
 * thread ends by itself: an input when told to stop or at the end of its source, the others when
 * their queue is closed and empty. It then destroys the plugin's state and closes the next stage,
 * so the end travels down the pipeline behind the last message.
 *
 * Threads: create, start, pause, join, free: the thread that builds pipelines. close: any.
 */
#ifndef COLLECTOR_INSTANCE_H
#define COLLECTOR_INSTANCE_H

#include "queue.h"
#include "spec.h"

#include <ipfixcol/plugin.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define INSTANCE_MAX_COUNTERS 32

/** What all instances of a collector share. */
struct collector_context {
    _Atomic(const ipfix_dictionary_t *) dictionary;
    int wake_fd; /* eventfd: written when a thread ends */
    size_t queue_slots;
    size_t queue_octets;
    bool ignore_sequence;
    atomic_bool stopping;
};

/** Where an instance's messages go. */
struct stage {
    void (*push)(void *context, struct ipfix_message *message); /* takes the reference */
    void (*close)(void *context);
    void *context;
};

/** A point where a thread can be held while others change what it uses. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool requested;
    bool paused;
    unsigned turn; /* counts resumptions: who is held leaves at each, whatever is requested then */
    bool ended;
};

struct input;

struct col_instance {
    struct collector_context *context;
    struct instance_spec *spec;
    const struct col_plugin *plugin;
    char module[64]; /* in log lines */
    char thread_name[16];
    void *state;
    bool created;
    queue_t *queue;      /* not inputs */
    struct input *input; /* inputs only */
    struct stage next;   /* not storages */
    bool cascade;        /* close the next stage at the end */
    struct gate gate;
    pthread_t thread;
    bool started;
    bool joined;
    int result; /* COL_OK, COL_EOF or COL_ERR: why an input ended; valid once finished */
    uint64_t next_tick_ms;
    struct col_log_limit failed_limit;
    /* Read by other threads, each alone: no order among them matters, so they are relaxed. */
    atomic_bool quit;
    atomic_bool finished; /* release: what the thread did is visible to who sees it */
    atomic_int tid;
    atomic_uint_fast64_t message_count;
    atomic_uint_fast64_t record_count;
    atomic_uint_fast64_t failed_count;
    atomic_uint_fast64_t dropped_count;
    atomic_uint_fast64_t counters[INSTANCE_MAX_COUNTERS];
};

/** Module of log lines; "collector" without an instance. */
const char *instance_module(const col_instance_t *instance);

/**
 * New instance with the plugin's state created.
 *
 * @param suffix  behind the name in log lines and the thread's name; may be ""
 * @return instance, or NULL: the reason has been logged
 */
col_instance_t *instance_create(struct collector_context *context, struct instance_spec *spec,
                                const char *suffix);

/**
 * Asks the plugin whether it could run with these settings, without creating anything.
 *
 * @return true also for plugins that check nothing; false: the reason has been logged
 */
bool instance_check(const struct instance_spec *spec);

/** Starts the thread. False: it could not be, the reason has been logged. */
bool instance_start(col_instance_t *instance);

/** Tells the thread to end; an input stops receiving, the others take what is queued first. */
void instance_close(col_instance_t *instance);

/** Tells waiting loops of the plugin to give up: col_stopping() is true from now on. */
void instance_hurry(col_instance_t *instance);

/** Takes instance_hurry() back, for an instance that goes on. */
void instance_calm(col_instance_t *instance);

/** Waits for the end of the thread until a time of col_clock_ms(); true when it has ended. */
bool instance_join(col_instance_t *instance, uint64_t deadline_ms);

/** True once the thread has ended (or was never started). */
bool instance_finished(const col_instance_t *instance);

/** Frees an instance whose thread has ended or was never started; NULL is fine. */
void instance_free(col_instance_t *instance);

/**
 * Holds the thread where it does nothing: an input between two calls of receive, the others when
 * their queue is empty.
 *
 * @return true when it is held (or has ended); false when that took too long: it runs on
 */
bool instance_pause(col_instance_t *instance, uint64_t deadline_ms);

/** Lets the thread go on; fine for one that is not held. */
void instance_resume(col_instance_t *instance);

/** The instance as the stage of another one: its queue. */
struct stage instance_stage(col_instance_t *instance);

#endif
