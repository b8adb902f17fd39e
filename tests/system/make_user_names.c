/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * make_user_names FILE: reads user names from standard input, in hexadecimal, one a line, and
 * writes a flow file with a record for each. Record number n, from 0, has n octets and source port
 * n % 65536; an empty line makes a record without a user name.
 */
#include <libnf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "make_user_names: %s\n", what);
    exit(1);
}

static void must(int status, const char *what)
{
    if (status != LNF_OK) {
        die(what);
    }
}

/** Octets of a line into a string; false at the end. */
static int read_name(lnf_string_t name)
{
    static char *line;
    static size_t room;
    size_t length = 0;

    ssize_t size = getline(&line, &room, stdin);
    if (size <= 0) {
        free(line);
        return 0;
    }
    memset(name, 0, sizeof(lnf_string_t));
    for (const char *at = line; *at != '\n'; at += 2) {
        unsigned octet;
        if (sscanf(at, "%2x", &octet) != 1 || length == sizeof(lnf_string_t) - 1) {
            die("a line is not hexadecimal, or too long");
        }
        name[length++] = (char)octet;
    }
    return 1;
}

static void set_fields(lnf_rec_t *record, uint64_t number, char *name)
{
    uint64_t first = 1700000000000 + number, packets = 1, bytes = number;
    uint16_t port = (uint16_t)number;
    uint8_t proto = 6;
    lnf_ip_t address = {{0, 0, 0, 0}};

    lnf_rec_clear(record);
    ((unsigned char *)&address)[12] = 10;
    ((unsigned char *)&address)[15] = 1;
    must(lnf_rec_fset(record, LNF_FLD_FIRST, &first), "first");
    must(lnf_rec_fset(record, LNF_FLD_LAST, &first), "last");
    must(lnf_rec_fset(record, LNF_FLD_DPKTS, &packets), "packets");
    must(lnf_rec_fset(record, LNF_FLD_DOCTETS, &bytes), "bytes");
    must(lnf_rec_fset(record, LNF_FLD_SRCPORT, &port), "srcport");
    must(lnf_rec_fset(record, LNF_FLD_PROT, &proto), "proto");
    must(lnf_rec_fset(record, LNF_FLD_SRCADDR, &address), "srcip");
    must(lnf_rec_fset(record, LNF_FLD_DSTADDR, &address), "dstip");
    if (name[0] != '\0') {
        must(lnf_rec_fset(record, LNF_FLD_USERNAME, name), "username");
    }
}

int main(int argc, char **argv)
{
    lnf_string_t name;
    lnf_file_t *file;
    lnf_rec_t *record;

    if (argc != 2) {
        die("usage: make_user_names FILE < NAMES");
    }
    must(lnf_open(&file, argv[1], LNF_WRITE | LNF_COMP, "names"), "cannot open the file");
    must(lnf_rec_init(&record), "no memory");
    for (uint64_t number = 0; read_name(name); number++) {
        set_fields(record, number, name);
        must(lnf_write(file, record), "cannot write");
    }
    lnf_rec_free(record);
    lnf_close(file);
    return 0;
}
