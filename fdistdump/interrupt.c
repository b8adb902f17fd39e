/* SPDX-License-Identifier: BSD-3-Clause */
/** A flag that signals set. */
#include "interrupt.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

static atomic_bool seen; /* of the process, as signals are */

static void on_signal(int number)
{
    (void)number;
    atomic_store_explicit(&seen, true, memory_order_relaxed);
}

void interrupt_watch(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND | SA_RESTART};

    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

void interrupt_unwatch(void)
{
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
}

bool interrupt_seen(void)
{
    return atomic_load_explicit(&seen, memory_order_relaxed);
}
