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

static void handle(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = (int)SA_RESETHAND | SA_RESTART};
    struct sigaction before;

    (void)sigemptyset(&action.sa_mask);
    if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
        (void)sigaction(number, &action, NULL);
    }
}

void interrupt_watch(void)
{
    handle(SIGINT, on_signal);
    handle(SIGTERM, on_signal);
}

void interrupt_unwatch(void)
{
    handle(SIGINT, SIG_DFL);
    handle(SIGTERM, SIG_DFL);
}

bool interrupt_seen(void)
{
    return atomic_load_explicit(&seen, memory_order_relaxed);
}
