/* SPDX-License-Identifier: BSD-3-Clause */
/* Flows as lines of comma-separated values; millions of them, so without printf. */

#include "flowgen_truth.h"

#include <arpa/inet.h>
#include <string.h>

enum { LINE_MAX_SIZE = 400 }; /* two IPv6 addresses of 45 characters, 15 numbers of at most 20 */

void fg_truth_header(FILE *stream)
{
    fputs("first_ms,last_ms,srcip,dstip,srcport,dstport,proto,flags,packets,bytes,tos,"
          "srcas,dstas,inif,outif,srcmask,dstmask\n",
          stream);
}

static char *put_number(char *to, uint64_t value)
{
    char digits[20];
    int count = 0;

    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (count > 0) {
        *to++ = digits[--count];
    }
    return to;
}

static char *put_field(char *to, uint64_t value)
{
    *to++ = ',';
    return put_number(to, value);
}

static char *put_address(char *to, const uint8_t *address, bool ipv6)
{
    *to++ = ',';
    if (ipv6) {
        inet_ntop(AF_INET6, address, to, INET6_ADDRSTRLEN);
        return to + strlen(to);
    }
    for (int i = 0; i < 4; i++) {
        to = put_number(to, address[i]);
        *to++ = '.';
    }
    return to - 1;
}

static void write_line(FILE *stream, const struct fg_flow *f)
{
    char line[LINE_MAX_SIZE];
    char *to = put_number(line, f->first_ms);

    to = put_field(to, f->last_ms);
    to = put_address(to, f->src, f->ipv6);
    to = put_address(to, f->dst, f->ipv6);
    to = put_field(to, f->src_port);
    to = put_field(to, f->dst_port);
    to = put_field(to, f->protocol);
    to = put_field(to, f->tcp_flags);
    to = put_field(to, f->packets);
    to = put_field(to, f->octets);
    to = put_field(to, f->tos);
    to = put_field(to, f->src_as);
    to = put_field(to, f->dst_as);
    to = put_field(to, f->in_if);
    to = put_field(to, f->out_if);
    to = put_field(to, f->src_mask);
    to = put_field(to, f->dst_mask);
    *to++ = '\n';
    fwrite(line, 1, (size_t)(to - line), stream);
}

void fg_truth_write(FILE *stream, const struct fg_flow *flows, uint32_t count)
{
    for (int ipv6 = 0; ipv6 <= 1; ipv6++) {
        for (uint32_t i = 0; i < count; i++) {
            if (flows[i].ipv6 == (ipv6 != 0)) {
                write_line(stream, &flows[i]);
            }
        }
    }
}
