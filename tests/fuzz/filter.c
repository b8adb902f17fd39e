/* SPDX-License-Identifier: BSD-3-Clause */
/** Fuzz target: any text as a filter, run over the sample flows. */
#include "filter.h"
#include "sample_flows.h"

#include <libnf.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Rows a filter selects of the sample flows. */
static unsigned run(const lnf_program_t *program, const struct test_records *records,
                    uint16_t *selection)
{
    lnf_batch_t *batch = lnf_batch_create();
    lnf_program_state_t *state = lnf_program_state_create(program);

    if (batch == NULL || state == NULL) {
        abort();
    }
    lnf_batch_open(batch, records->octets, records->size);
    lnf_batch_set_origin(batch, "none", 1);
    if (lnf_batch_next(batch) != SAMPLE_FLOW_COUNT) {
        abort();
    }
    unsigned found = lnf_program_run(program, state, batch, selection);
    lnf_program_state_destroy(state);
    lnf_batch_destroy(batch);
    return found;
}

/* The same text in other words must select the same rows. */
static void check_wrapped(const char *text, size_t size, const struct test_records *records,
                          const uint16_t *expected, unsigned expected_count)
{
    static const char before[] = "not any or (", after[] = "\n)";
    uint16_t selection[LNF_BATCH_ROWS];
    lnf_program_t *program;
    char *wrapped = malloc(sizeof(before) + size + sizeof(after));

    if (wrapped == NULL) {
        abort();
    }
    sprintf(wrapped, "%s%s%s", before, text, after);
    if (lnf_program_compile(wrapped, &program, NULL) == LNF_OK) {
        unsigned found = run(program, records, selection);
        if (found != expected_count ||
            memcmp(selection, expected, found * sizeof(*expected)) != 0) {
            abort();
        }
        lnf_program_destroy(program);
    }
    free(wrapped);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t payload[] =
        "GET /abc HTTP/1.1\r\nhost: \xff\x80\n\nAAAAAAAAAAAAAAAAAAAAAAAA";
    struct test_records records = {0};
    struct lnf_error error = {.text = ""};
    uint16_t selection[LNF_BATCH_ROWS];
    lnf_program_t *program = NULL;
    char *text = malloc(size + 1);

    if (text == NULL) {
        abort();
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    int status = lnf_program_compile(text, &program, &error);
    if (status == LNF_OK) {
        for (unsigned i = 0; i < SAMPLE_FLOW_COUNT; i++) {
            test_records_add(&records, &sample_flows[i]);
        }
        memcpy(test_records_element(&records, 28, 4), "web", 4);
        memcpy(test_records_element(&records, 29, sizeof(payload)), payload, sizeof(payload));
        unsigned found = run(program, &records, selection);
        check_wrapped(text, strlen(text), &records, selection, found);
        test_records_clear(&records);
        lnf_program_destroy(program);
    } else if (status != LNF_ERR_FILTER || error.text[0] == '\0' || strchr(error.text, '\n')) {
        abort(); /* every error says what is wrong, in one line */
    }
    free(text);
    return 0;
}
