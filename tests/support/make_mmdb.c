/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Writes a database of countries for system tests:
 *
 *   make_mmdb FILE NETWORK=COUNTRY ...
 *
 * A network inside another one comes after it.
 */
#include "mmdb_build.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    struct mmdb m;

    if (argc < 2) {
        fputs("usage: make_mmdb FILE NETWORK=COUNTRY ...\n", stderr);
        return 2;
    }
    mmdb_init(&m, 6);
    for (int i = 2; i < argc; i++) {
        char *code = strchr(argv[i], '=');
        if (code == NULL) {
            fprintf(stderr, "make_mmdb: '%s' is not NETWORK=COUNTRY\n", argv[i]);
            return 2;
        }
        *code++ = '\0';
        mmdb_add_country(&m, argv[i], *code == '\0' ? NULL : code);
    }
    mmdb_write(&m, argv[1]);
    mmdb_clear(&m);
    return 0;
}
