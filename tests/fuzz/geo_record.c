/* SPDX-License-Identifier: BSD-3-Clause */
/** Records and metadata of databases of countries: whatever they are, a country, none, or damage.
 */
#include "filter_geo.h"

#include <ctype.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t offset = 0; offset <= size && offset < 64; offset++) {
        uint16_t country = lnf_geo_record_country(data, size, offset);
        int first = country >> 8, second = country & 0xff;
        bool named = isalnum(first) && isalnum(second) && !islower(first) && !islower(second);
        if (!named && country != LNF_GEO_NONE && country != LNF_GEO_DAMAGED) {
            abort();
        }
    }
    (void)lnf_geo_metadata_is_sound(data, size);
    return 0;
}
