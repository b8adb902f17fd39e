/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Items by Template ID, on the account of a session and of its input.
 *
 * A tree of three levels: a lookup is three loads, and an id of its own costs no more than a page
 * of 16 items and its group, so that who spreads its ids gains little.
 */
#ifndef IPFIX_ID_TABLE_H
#define IPFIX_ID_TABLE_H

#include <ipfixcol/message.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What senders can make us remember, in octets. */
struct template_budget {
    size_t used;
    size_t limit;
    struct template_budget *shared; /* every octet counts here, too; NULL = nothing shared */
};

/** Takes `size` octets; false when a limit would be passed: then nothing is taken. */
bool template_budget_take(struct template_budget *budget, size_t size);
/** Gives octets back. */
void template_budget_give(struct template_budget *budget, size_t size);

struct id_table {
    struct template_budget *budget;
    size_t item_size;
    uint8_t ***groups; /* NULL until the first item */
};

/** Starts empty; the budget is borrowed. */
void id_table_init(struct id_table *table, struct template_budget *budget, size_t item_size);

/** Frees the table; what items refer to is the caller's. */
void id_table_clear(struct id_table *table);

/** The item of an id, or NULL when none of its page was ever made. */
void *id_table_find(const struct id_table *table, uint16_t id);

/**
 * The item of an id, zeros when it is new.
 *
 * @return COL_OK; COL_ERR_MALFORMED when a budget is used up; COL_ERR_NOMEM
 */
int id_table_make(struct id_table *table, uint16_t id, void **item);

/**
 * Next item at or after *id, in ascending order; those of zeros are among them.
 *
 * @param[in,out] id  where to look; then the id behind that of the item
 * @return item, or NULL when there is none
 */
void *id_table_next(const struct id_table *table, uint32_t *id);

#endif
