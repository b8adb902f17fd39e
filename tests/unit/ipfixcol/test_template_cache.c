/* SPDX-License-Identifier: BSD-3-Clause */
/* Plans by template: found again, bounded, each freed exactly once. */

#include "collector_support.h"
#include "ipfix/template.h"

#include <ipfixcol/message.h>
#include <ipfixcol/template_cache.h>

static unsigned destroyed, destroyed_null;

static void destroy_plan(void *plan)
{
    destroyed++;
    destroyed_null += plan == NULL;
    free(plan);
}

static const struct ipfix_template *make_template(void)
{
    static const uint8_t definition[] = {0, 8, 0, 4};
    const struct template_spec spec = {.id = 256,
                                       .set_id = IPFIX_SET_TEMPLATE,
                                       .field_count = 1,
                                       .definition_length = sizeof(definition),
                                       .definition = definition};
    const char *why;
    const struct ipfix_template *tmplt = template_create(&spec, NULL, &why);

    ck_assert_ptr_nonnull(tmplt);
    return tmplt;
}

static unsigned *make_plan(unsigned number)
{
    unsigned *plan = malloc(sizeof(*plan));
    *plan = number;
    return plan;
}

START_TEST(plans_are_found_by_template)
{
    enum { COUNT = 300 };
    const struct ipfix_template *templates[COUNT];
    ipfix_template_cache_t *cache = ipfix_template_cache_create(destroy_plan, 1000, SIZE_MAX, 16);
    void *plan = cache;

    for (unsigned i = 0; i < COUNT; i++) {
        templates[i] = make_template();
        ck_assert(!ipfix_template_cache_find(cache, templates[i], &plan));
        ck_assert(ipfix_template_cache_put(cache, templates[i], make_plan(i)));
    }
    ck_assert_ptr_eq(plan, cache); /* untouched when nothing is found */
    for (unsigned i = 0; i < COUNT; i++) {
        ck_assert(ipfix_template_cache_find(cache, templates[i], &plan));
        ck_assert_uint_eq(*(unsigned *)plan, i);
        /* The cache has a reference of its own. */
        ipfix_template_unref(templates[i]);
    }
    ipfix_template_cache_destroy(cache);
    ck_assert_uint_eq(destroyed, COUNT);
}
END_TEST

START_TEST(no_plan_is_a_plan)
{
    ipfix_template_cache_t *cache = ipfix_template_cache_create(destroy_plan, 10, SIZE_MAX, 16);
    const struct ipfix_template *tmplt = make_template();
    void *plan = cache;

    ck_assert(ipfix_template_cache_put(cache, tmplt, NULL));
    ck_assert(ipfix_template_cache_find(cache, tmplt, &plan));
    ck_assert_ptr_null(plan);
    ipfix_template_unref(tmplt);
    ipfix_template_cache_destroy(cache);
    ck_assert_uint_eq(destroyed_null, 1);
    ipfix_template_cache_destroy(NULL);
}
END_TEST

START_TEST(bounded_when_templates_never_end)
{
    enum { COUNT = 1000, MAX = 64 };
    ipfix_template_cache_t *cache = ipfix_template_cache_create(destroy_plan, MAX, SIZE_MAX, 16);

    for (unsigned i = 0; i < COUNT; i++) {
        const struct ipfix_template *tmplt = make_template();
        void *plan;
        ck_assert(ipfix_template_cache_put(cache, tmplt, make_plan(i)));
        ck_assert(ipfix_template_cache_find(cache, tmplt, &plan));
        ck_assert_uint_eq(*(unsigned *)plan, i);
        ipfix_template_unref(tmplt);
        ck_assert_uint_le(i + 1 - destroyed, MAX);
    }
    ipfix_template_cache_destroy(cache);
    ck_assert_uint_eq(destroyed, COUNT);
}
END_TEST

/* Few plans of templates with very many fields take as much as many small ones. */
START_TEST(bounded_by_octets)
{
    enum { COUNT = 1000 };
    const struct ipfix_template *first = make_template();
    size_t one = template_memory(first) + 100000;
    ipfix_template_cache_t *cache =
        ipfix_template_cache_create(destroy_plan, COUNT, one * 10, 100000);
    unsigned most = 0;

    ipfix_template_unref(first);
    for (unsigned i = 0; i < COUNT; i++) {
        const struct ipfix_template *tmplt = make_template();
        void *plan;
        ck_assert(ipfix_template_cache_put(cache, tmplt, make_plan(i)));
        ck_assert(ipfix_template_cache_find(cache, tmplt, &plan));
        ipfix_template_unref(tmplt);
        most = i + 1 - destroyed > most ? i + 1 - destroyed : most;
    }
    ck_assert_uint_le(most, 10);
    ck_assert_uint_ge(most, 9);
    ipfix_template_cache_destroy(cache);
    ck_assert_uint_eq(destroyed, COUNT);

    /* What is larger than the bound is kept alone. */
    destroyed = 0;
    cache = ipfix_template_cache_create(destroy_plan, COUNT, 10, 100000);
    for (unsigned i = 0; i < 3; i++) {
        const struct ipfix_template *tmplt = make_template();
        ck_assert(ipfix_template_cache_put(cache, tmplt, make_plan(i)));
        ipfix_template_unref(tmplt);
        ck_assert_uint_eq(destroyed, i);
    }
    ipfix_template_cache_destroy(cache);
}
END_TEST

static void setup(void)
{
    destroyed = destroyed_null = 0;
}

int main(void)
{
    TCase *tcase = tcase_create("template_cache");
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, plans_are_found_by_template);
    tcase_add_test(tcase, no_plan_is_a_plan);
    tcase_add_test(tcase, bounded_when_templates_never_end);
    tcase_add_test(tcase, bounded_by_octets);
    return support_run(tcase, "template_cache");
}
