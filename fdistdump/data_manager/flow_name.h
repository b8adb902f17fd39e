/* SPDX-License-Identifier: BSD-3-Clause */
/** Names of flow files: `lnf.` and somewhere behind it the time the file begins at. */
#ifndef DATA_MANAGER_FLOW_NAME_H
#define DATA_MANAGER_FLOW_NAME_H

#include <stdbool.h>
#include <stdint.h>

#define FLOW_NAME_PREFIX "lnf."
#define INDEX_NAME_PREFIX "bfi."
#define FLOW_NAME_PREFIX_LENGTH 4u /* of both */

/** `YYYY/MM/DD` and its end. */
#define FLOW_NAME_DAY_SIZE 11u

/** Whether a name begins as those of flow files do. */
bool flow_name_is_flow(const char *name);

/** Whether a name begins as those of indexes do, or as the temporary one they are written under. */
bool flow_name_is_index(const char *name);

/**
 * Reads the time of a name that begins as a flow file's: the first run of exactly 12
 * (YYYYMMDDhhmm) or 14 (YYYYMMDDhhmmss) digits that is a time of the calendar. UTC, seconds since
 * 1970.
 */
bool flow_name_time(const char *name, int64_t *time_s);

/** The directory below its channel where a file of a time belongs: `YYYY/MM/DD`. */
void flow_name_day(int64_t time_s, char day[FLOW_NAME_DAY_SIZE]);

#endif
