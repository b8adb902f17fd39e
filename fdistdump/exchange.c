/* SPDX-License-Identifier: BSD-3-Clause */
/** The exchanges, the most economical first. */
#include "exchange.h"

#include <stddef.h>

static const struct exchange *const exchanges[] = {
    &exchange_gather,
};

const struct exchange *exchange_choose(const struct query *query)
{
    for (size_t i = 0; i < sizeof(exchanges) / sizeof(exchanges[0]); i++) {
        if (exchanges[i]->suits(query)) {
            return exchanges[i];
        }
    }
    return &exchange_gather;
}
