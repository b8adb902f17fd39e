/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * The filter language against nfdump: both must select the same number of records of the sample
 * files. Skipped without nfdump or the files. Only filters whose meaning in nfdump 1.7.1 is the one
 * of docs/filter.md.
 */
#include "file.h"
#include "filter.h"

#include <check.h>
#include <libnf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SKIPPED 77

static const char *const files[] = {
    "nffile/v2-tiny-none.nf", "nffile/v2-mixed-none.nf", "nffile/v2-mixed-lz4.nf",
    "nffile/v2-ext-none.nf",  "nffile/v2-nsel-none.nf",  "fdistdump-reference/flows-v2-lz4.nf",
};
#define FILE_COUNT ((int)(sizeof(files) / sizeof(files[0])))

static const char *const filters[] = {
    "any",
    "not any",
    "inet and not net 0.0.0.0/32", /* nfdump calls a record without addresses inet */
    "inet6",
    "not ipv6",
    "proto tcp",
    "proto 17",
    "not proto udp",
    "proto icmp or proto icmp6",
    "proto tcp and dst port 443",
    "port 443",
    "src port 443",
    "src and dst port > 1023",
    "src or dst port < 1024",
    "port in [22 53 80 443]",
    "not dst port in [53, 443]",
    "dst port >= 1k and dst port <= 2k",
    "src net 198.18.0.0/15",
    "net 198.19.21/24",
    "src net 198.18/15 and not dst net 0.0.0.0 128.0.0.0",
    "net 192.0.0.0/3",
    "net 10.0.0.0/8",
    "net 172.16/12",
    "net 2001:db8::/32",
    "src net 2001:db8:1d::/48",
    "src and dst net 192.168.0.0/16",
    "ip in [198.19.21.99 136.17.99.140]",
    "src ip in [198.18.0.0/16 10.0.0.0/8 192.168.1.0/24]",
    "ip 198.19.21.99 or ip 192.168.1.2",
    "not src ip 198.19.21.99 and proto tcp",
    "flags S",
    "flags SA",
    "not flags A",
    "flags S and not flags AFRPU",
    "flags = 27",
    "flags > 10",
    "flags 2",
    "not flags X",
    "bytes > 1000",
    "bytes > 1k and bytes < 10k",
    "bytes = 76",
    "packets 1",
    "packets >= 5",
    "not packets < 5",
    "out packets > 0",
    "out bytes 0",
    "flows = 1",
    "duration > 1000",
    "duration = 0",
    "bps > 10k",
    "bps = 0",
    "pps > 10",
    "bpp < 100",
    "bpp >= 1000",
    "tos 0",
    "tos > 0",
    "src or dst tos 32",
    "in if 4",
    "out if 100",
    "if 4",
    "vlan 0",
    "src vlan 4",
    "mask 24",
    "src mask 16",
    "icmp-type 8",
    "icmp-type 128",
    "icmp-code 0",
    "next ip 0.0.0.0",
    "next ip 172.72.1.2",
    "bgpnext ip 0.0.0.0",
    "router ip 127.0.0.1",
    "router ip 127.0.0.2",
    "engine-type 0",
    "engine-id > 0",
    "sysid 1",
    "nfversion 9",
    "observation domain id 0",
    "mpls label1 0",
    "mpls label1 > 0",
    "flowdir egress",
    "fwdstat 0",
    "(proto tcp and (port 443 or port 80)) or (proto udp and bytes > 300)",
    "not (proto tcp and bytes > 1000)",
    "not (src net 198.18/15 or dst net 198.18/15) and proto tcp",
    "proto tcp && !dst port 443 || proto udp && dst port 53",
};
#define FILTER_COUNT (sizeof(filters) / sizeof(filters[0]))

static void sample_path(const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/data/%s", TEST_SHARED_DIR, name);
}

/* Records nfdump selects: the lines of its csv that have many columns. */
static unsigned long count_nfdump(const char *path, const char *filter)
{
    char command[1000], line[4096];
    unsigned long count = 0;

    snprintf(command, sizeof(command), "nfdump -q -r '%s' -o csv '%s' 2>/dev/null", path, filter);
    FILE *output = popen(command, "r");
    ck_assert_ptr_nonnull(output);
    while (fgets(line, sizeof(line), output) != NULL) {
        unsigned commas = 0;
        for (const char *c = line; *c != '\0'; c++) {
            commas += *c == ',';
        }
        count += commas > 20;
    }
    ck_assert_msg(pclose(output) == 0, "%s", command);
    return count;
}

/* Records of a file that a program selects. */
static unsigned long count_blocks(lnf_input_t *input, const lnf_program_t *program)
{
    struct lnf_block_buffer buffer = {0};
    struct lnf_block_ref block;
    struct lnf_error error;
    lnf_batch_t *batch = lnf_batch_create();
    lnf_program_state_t *state = lnf_program_state_create(program);
    uint16_t selection[LNF_BATCH_ROWS];
    unsigned long count = 0;

    while (lnf_input_claim(input, &block, &error) == LNF_OK) {
        const uint8_t *records;
        size_t size;
        ck_assert_int_eq(lnf_input_load(input, &block, &buffer, &records, &size, &error), LNF_OK);
        lnf_batch_open(batch, records, size);
        while (lnf_batch_next(batch) > 0) {
            count += lnf_program_run(program, state, batch, selection);
        }
    }
    lnf_program_state_destroy(state);
    lnf_batch_destroy(batch);
    lnf_block_buffer_clear(&buffer);
    return count;
}

static unsigned long count_own(const char *path, const char *filter)
{
    lnf_program_t *program;
    lnf_input_t *input;
    struct lnf_error error;

    ck_assert_msg(lnf_program_compile(filter, &program, &error) == LNF_OK, "'%s': %s", filter,
                  error.text);
    ck_assert_msg(lnf_input_open(path, NULL, NULL, &input, &error) == LNF_OK, "%s", error.text);
    unsigned long count = count_blocks(input, program);
    lnf_input_close(input);
    lnf_program_destroy(program);
    return count;
}

START_TEST(test_file)
{
    char path[500];
    unsigned long selected = 0;

    sample_path(files[_i], path, sizeof(path));
    for (size_t i = 0; i < FILTER_COUNT; i++) {
        unsigned long nfdump = count_nfdump(path, filters[i]);
        unsigned long own = count_own(path, filters[i]);
        ck_assert_msg(own == nfdump, "%s: '%s' selects %lu, nfdump selects %lu", files[_i],
                      filters[i], own, nfdump);
        selected += own;
    }
    ck_assert_uint_gt(selected, 0);
}
END_TEST

int main(void)
{
    char path[500];
    Suite *suite = suite_create("filter, nfdump");
    TCase *tests = tcase_create("sample files");
    SRunner *runner = srunner_create(suite);
    int failed = 0;

    sample_path(files[0], path, sizeof(path));
    suite_add_tcase(suite, tests);
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, test_file, 0, FILE_COUNT);
    if (access(path, R_OK) != 0 || system("nfdump -V >/dev/null 2>&1") != 0) {
        printf("skipped: nfdump or the sample files are not there\n");
        failed = -1;
    } else {
        srunner_set_fork_status(runner, CK_NOFORK);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
    }
    srunner_free(runner);
    return failed < 0 ? SKIPPED : failed == 0 ? 0 : 1;
}
