/* SPDX-License-Identifier: BSD-3-Clause */
/* A plugin built for another version of the interface. */

#include <ipfixcol/plugin.h>

COL_EXPORT const struct col_plugin col_plugin = {
    .abi = COL_PLUGIN_ABI - 1,
    .kind = COL_STORAGE,
    .name = "old",
    .summary = "of another time",
};
