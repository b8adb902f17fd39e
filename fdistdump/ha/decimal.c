/* SPDX-License-Identifier: BSD-3-Clause */
/** Seconds as people write them. */
#include "decimal.h"

#include <string.h>

bool decimal_ms(const char *text, int64_t *ms)
{
    size_t whole = strspn(text, "0123456789");
    int64_t number = 0;

    if (whole == 0 || whole > 9) {
        return false;
    }
    for (size_t i = 0; i < whole; i++) {
        number = 10 * number + (text[i] - '0');
    }
    const char *decimals = text + whole;
    size_t count = 0;
    if (*decimals == '.') {
        decimals++;
        count = strspn(decimals, "0123456789");
        if (count == 0 || count > 3) {
            return false;
        }
    }
    if (decimals[count] != '\0') {
        return false;
    }
    for (size_t i = 0; i < 3; i++) {
        number = 10 * number + (i < count ? decimals[i] - '0' : 0);
    }
    *ms = number;
    return true;
}
