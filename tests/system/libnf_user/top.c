/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads a flow file, filters it, aggregates by source and destination, prints the largest first. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <libnf.h>
#include <stdio.h>
#include <string.h>

static void print(lnf_brec1_t *brec)
{
    char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
    uint32_t *s = brec->srcaddr.data, *d = brec->dstaddr.data;

    if (IN6_IS_ADDR_V4COMPAT((struct in6_addr *)s)) {
        inet_ntop(AF_INET, &s[3], src, sizeof(src));
    } else {
        inet_ntop(AF_INET6, s, src, sizeof(src));
    }
    if (IN6_IS_ADDR_V4COMPAT((struct in6_addr *)d)) {
        inet_ntop(AF_INET, &d[3], dst, sizeof(dst));
    } else {
        inet_ntop(AF_INET6, d, dst, sizeof(dst));
    }
    printf("%s %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", src, dst,
           brec->first, brec->last, brec->bytes, brec->pkts, brec->flows);
}

int main(int argc, char **argv)
{
    lnf_file_t *filep;
    lnf_rec_t *recp;
    lnf_filter_t *filterp = NULL;
    lnf_mem_t *memp;
    lnf_mem_cursor_t *cursor;
    lnf_brec1_t brec;
    char buf[LNF_MAX_STRING];
    int bits, bits6, field, ret;

    if (argc != 3) {
        fprintf(stderr, "usage: %s FILE FILTER\n", argv[0]);
        return 2;
    }
    if (lnf_open(&filep, argv[1], LNF_READ, NULL) != LNF_OK) {
        fprintf(stderr, "can not open file %s\n", argv[1]);
        return 1;
    }
    if ((ret = lnf_filter_init_v2(&filterp, argv[2])) != LNF_OK) {
        if (ret == LNF_ERR_OTHER_MSG) {
            lnf_error(buf, LNF_MAX_STRING);
            fprintf(stderr, "filter: %s\n", buf);
        }
        lnf_close(filep);
        return 3;
    }
    lnf_rec_init(&recp);
    lnf_mem_init(&memp);
    lnf_mem_fastaggr(memp, LNF_FASTAGGR_BASIC);
    field = lnf_fld_parse("srcip", &bits, &bits6);
    lnf_mem_fadd(memp, field, LNF_AGGR_KEY, bits, bits6);
    field = lnf_fld_parse("dstip/24/64", &bits, &bits6);
    lnf_mem_fadd(memp, field, LNF_AGGR_KEY, bits, bits6);
    lnf_mem_fadd(memp, LNF_FLD_DOCTETS, LNF_AGGR_SUM | LNF_SORT_DESC, 0, 0);

    while ((ret = lnf_read(filep, recp)) != LNF_EOF) {
        if (ret < 0 && ret >= LNF_ERR_WEAK) {
            continue; /* a record or block this library does not know */
        }
        if (ret != LNF_OK) {
            fprintf(stderr, "can not read file\n");
            return 1;
        }
        if (lnf_filter_match(filterp, recp)) {
            lnf_mem_write(memp, recp);
        }
    }
    lnf_mem_first_c(memp, &cursor);
    while (cursor != NULL) {
        lnf_mem_read_c(memp, cursor, recp);
        lnf_rec_fget(recp, LNF_FLD_BREC1, &brec);
        print(&brec);
        lnf_mem_next_c(memp, &cursor);
    }
    lnf_mem_free(memp);
    lnf_rec_free(recp);
    lnf_filter_free(filterp);
    lnf_close(filep);
    return 0;
}
