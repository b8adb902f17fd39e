/* SPDX-License-Identifier: BSD-3-Clause */
/* Template ids at a destination: kept where free, shared by equals, given back, never mixed up. */

#include "ipfix/template.h"
#include "template_mapper.h"

#include <check.h>
#include <ipfixcol/message.h>
#include <stdlib.h>

static struct mapper mapper;
static struct mapper_domain *domain;
static const struct ipfix_template *made[70000];
static size_t made_count;

/* Template of one element, which tells definitions apart. */
static const struct ipfix_template *make(uint16_t id, uint16_t element)
{
    const uint8_t definition[] = {(uint8_t)(element >> 8), (uint8_t)element, 0, 4};
    const struct template_spec spec = {.id = id,
                                       .set_id = IPFIX_SET_TEMPLATE,
                                       .field_count = 1,
                                       .definition_length = sizeof(definition),
                                       .definition = definition};
    const char *why;
    const struct ipfix_template *tmplt = template_create(&spec, NULL, &why);

    ck_assert_ptr_nonnull(tmplt);
    made[made_count++] = tmplt;
    return tmplt;
}

static void setup(void)
{
    domain = mapper_domain(&mapper, 5);
    ck_assert_ptr_nonnull(domain);
}

static void teardown(void)
{
    mapper_clear(&mapper);
    while (made_count > 0) {
        ipfix_template_unref(made[--made_count]);
    }
}

START_TEST(ids_stay_when_they_are_free)
{
    struct mapped *a = mapper_use(domain, make(300, 1), 0);
    struct mapped *b = mapper_use(domain, make(65535, 2), 0);

    ck_assert_uint_eq(a->id, 300);
    ck_assert_uint_eq(b->id, 65535);
    ck_assert(!domain->remapped);
    ck_assert_ptr_eq(mapper_domain(&mapper, 5), domain);
    ck_assert_ptr_ne(mapper_domain(&mapper, 6), domain);
    ck_assert_uint_eq(mapper_use(mapper_domain(&mapper, 6), make(300, 9), 0)->id, 300);
}
END_TEST

START_TEST(the_same_id_of_two_sources)
{
    const struct ipfix_template *first = make(300, 1), *second = make(300, 2);
    struct mapped *a = mapper_use(domain, first, 0);
    struct mapped *b = mapper_use(domain, second, 0);

    ck_assert_uint_eq(a->id, 300);
    ck_assert_uint_ne(b->id, 300);
    ck_assert_uint_ge(b->id, 256);
    ck_assert(domain->remapped);
    ck_assert_ptr_eq(mapper_find(domain, first), a);
    ck_assert_ptr_eq(mapper_find(domain, second), b);
    ck_assert_ptr_eq(mapper_find(domain, first), a);
}
END_TEST

START_TEST(equal_definitions_share_an_id)
{
    const struct ipfix_template *first = make(300, 1), *second = make(400, 1);
    struct mapped *a = mapper_use(domain, first, 0);

    ck_assert_ptr_eq(mapper_use(domain, second, 0), a);
    ck_assert_uint_eq(a->users, 2);
    mapper_drop(domain, first, 10);
    ck_assert_uint_eq(a->users, 1);
    ck_assert_ptr_null(domain->idle_first);
    mapper_drop(domain, second, 20);
    ck_assert_ptr_eq(domain->idle_first, a);
    ck_assert_uint_eq(a->idle_since_ms, 20);
}
END_TEST

START_TEST(idle_ones_are_revived_or_forgotten)
{
    const struct ipfix_template *tmplt = make(300, 1), *again = make(300, 1);
    struct mapped *a = mapper_use(domain, tmplt, 0);

    a->announced = true;
    mapper_drop(domain, tmplt, 1);
    ck_assert_ptr_eq(mapper_use(domain, again, 2), a); /* revived, and still announced */
    ck_assert(a->announced);
    ck_assert_ptr_null(domain->idle_first);
    mapper_drop(domain, again, 3);
    mapper_forget(domain, a);
    ck_assert_ptr_null(mapper_find(domain, again));
    ck_assert_uint_eq(domain->count, 0);
    ck_assert_uint_eq(mapper_use(domain, make(300, 7), 4)->id, 300); /* its id is free again */
}
END_TEST

START_TEST(a_domain_without_templates_is_small_and_goes_on)
{
    const struct ipfix_template *tmplt = make(300, 1), *late = make(301, 2);
    struct mapped *a = mapper_use(domain, tmplt, 0);
    struct mapped *b = mapper_map(domain, late, 0);
    uint32_t id = 0;

    domain->sequence = 77;
    mapper_drop(domain, tmplt, 1);
    mapper_forget(domain, a);
    ck_assert_ptr_nonnull(domain->pages);
    mapper_forget(domain, b);
    ck_assert_ptr_null(domain->pages);
    ck_assert_ptr_null(domain->by_hash.slots);
    ck_assert_ptr_null(domain->by_serial.slots);
    ck_assert_ptr_null(mapper_next(domain, &id));
    ck_assert_ptr_null(mapper_find(domain, tmplt));
    ck_assert_uint_le(sizeof(*domain), 256);

    ck_assert_ptr_eq(mapper_domain(&mapper, 5), domain);
    ck_assert_uint_eq(domain->sequence, 77);
    ck_assert_uint_eq(mapper_use(domain, tmplt, 2)->id, 300);
}
END_TEST

START_TEST(dropping_what_was_never_used_changes_nothing)
{
    struct mapped *a = mapper_use(domain, make(300, 1), 0);

    mapper_drop(domain, make(301, 2), 1);
    ck_assert_uint_eq(a->users, 1);
    mapper_drop(domain, make(300, 1), 1); /* an equal one of another source */
    ck_assert_uint_eq(a->users, 1);
}
END_TEST

START_TEST(a_source_is_a_user_once)
{
    const struct ipfix_template *tmplt = make(300, 1);
    struct mapped *a = mapper_use(domain, tmplt, 0);

    ck_assert_ptr_eq(mapper_use(domain, tmplt, 0), a);
    ck_assert_uint_eq(a->users, 1);
    mapper_drop(domain, tmplt, 1);
    ck_assert_uint_eq(a->users, 0);
    ck_assert_ptr_eq(domain->idle_first, a);
    mapper_drop(domain, tmplt, 2);
    ck_assert_ptr_eq(domain->idle_first, a);
    ck_assert_uint_eq(a->idle_since_ms, 1);
}
END_TEST

/* A source that found no id withdraws what another one, with an equal definition, uses by then. */
START_TEST(a_source_without_an_id_takes_nobodys_place)
{
    const struct ipfix_template *without = make(256, 65535), *other = make(256, 65535);

    for (unsigned i = 0; i < 65536 - 256; i++) {
        ck_assert_ptr_nonnull(mapper_use(domain, make(256, (uint16_t)i), 0));
    }
    ck_assert_ptr_null(mapper_use(domain, without, 0));
    mapper_drop(domain, made[1000], 1);
    mapper_forget(domain, domain->idle_first);
    struct mapped *mapped = mapper_use(domain, other, 2);
    ck_assert_ptr_nonnull(mapped);

    mapper_drop(domain, without, 3);
    while (domain->idle_first != NULL) { /* as a destination over TCP does */
        mapper_forget(domain, domain->idle_first);
    }
    ck_assert_ptr_eq(mapper_find(domain, other), mapped);
    ck_assert_uint_eq(mapped->users, 1);
    mapper_drop(domain, other, 4);
    ck_assert_ptr_eq(domain->idle_first, mapped);
    mapper_forget(domain, mapped);
    ck_assert_ptr_null(mapper_find(domain, other));
}
END_TEST

START_TEST(all_ids_taken)
{
    enum { IDS = 65536 - 256 };
    unsigned seen = 0;
    uint32_t id = 0;

    for (unsigned i = 0; i < IDS; i++) {
        /* All want the same id; elements differ in the 16 bits there are. */
        ck_assert_ptr_nonnull(mapper_use(domain, make(256, (uint16_t)i), 0));
    }
    const struct ipfix_template *more = make(256, 65535);
    ck_assert_ptr_null(mapper_use(domain, more, 0));
    while (mapper_next(domain, &id) != NULL) {
        seen++;
    }
    ck_assert_uint_eq(seen, IDS);
    mapper_drop(domain, made[1000], 1);
    mapper_forget(domain, domain->idle_first);
    ck_assert_ptr_nonnull(mapper_use(domain, more, 0));
}
END_TEST

START_TEST(walking_in_order_of_ids)
{
    uint32_t id = 0;
    uint16_t last = 0;
    unsigned count = 0;

    for (unsigned i = 0; i < 50; i++) {
        (void)mapper_use(domain, make((uint16_t)(65535 - 997 * i), (uint16_t)i), 0);
    }
    for (struct mapped *m; (m = mapper_next(domain, &id)) != NULL; count++) {
        ck_assert_uint_gt(m->id, last);
        last = m->id;
    }
    ck_assert_uint_eq(count, 50);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("mapper");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, ids_stay_when_they_are_free);
    tcase_add_test(tests, the_same_id_of_two_sources);
    tcase_add_test(tests, equal_definitions_share_an_id);
    tcase_add_test(tests, idle_ones_are_revived_or_forgotten);
    tcase_add_test(tests, a_domain_without_templates_is_small_and_goes_on);
    tcase_add_test(tests, dropping_what_was_never_used_changes_nothing);
    tcase_add_test(tests, a_source_is_a_user_once);
    tcase_add_test(tests, a_source_without_an_id_takes_nobodys_place);
    tcase_add_test(tests, all_ids_taken);
    tcase_add_test(tests, walking_in_order_of_ids);
    Suite *suite = suite_create("forwarding_mapper");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
