/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes a flow file from lines "srcip dstip proto srcport dstport bytes packets first last". */
#include <arpa/inet.h>
#include <inttypes.h>
#include <libnf.h>
#include <stdio.h>
#include <string.h>

static int read_ip(const char *text, lnf_ip_t *ip)
{
    memset(ip, 0, sizeof(*ip));
    if (strchr(text, ':') != NULL) {
        return inet_pton(AF_INET6, text, ip);
    }
    return inet_pton(AF_INET, text, &ip->data[3]);
}

int main(int argc, char **argv)
{
    lnf_file_t *filep;
    lnf_rec_t *recp;
    lnf_brec1_t brec;
    char src[64], dst[64], buf[LNF_MAX_STRING];
    unsigned proto, srcport, dstport;

    if (argc != 2) {
        fprintf(stderr, "usage: %s FILE < LINES\n", argv[0]);
        return 2;
    }
    if (lnf_open(&filep, argv[1], LNF_WRITE, "user") != LNF_OK) {
        lnf_error(buf, LNF_MAX_STRING);
        fprintf(stderr, "can not open file %s: %s\n", argv[1], buf);
        return 1;
    }
    if (lnf_rec_init(&recp) != LNF_OK) {
        fprintf(stderr, "can not initialise record object\n");
        return 1;
    }
    memset(&brec, 0, sizeof(brec));
    brec.flows = 1;
    while (scanf("%63s %63s %u %u %u %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64, src, dst,
                 &proto, &srcport, &dstport, &brec.bytes, &brec.pkts, &brec.first,
                 &brec.last) == 9) {
        if (!read_ip(src, &brec.srcaddr) || !read_ip(dst, &brec.dstaddr)) {
            fprintf(stderr, "bad address %s or %s\n", src, dst);
            return 1;
        }
        brec.prot = (uint8_t)proto;
        brec.srcport = (uint16_t)srcport;
        brec.dstport = (uint16_t)dstport;
        lnf_rec_clear(recp);
        if (lnf_rec_fset(recp, LNF_FLD_BREC1, &brec) != LNF_OK ||
            lnf_write(filep, recp) != LNF_OK) {
            fprintf(stderr, "can not write\n");
            return 1;
        }
    }
    lnf_rec_free(recp);
    lnf_close(filep);
    return 0;
}
