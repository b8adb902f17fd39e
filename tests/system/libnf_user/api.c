/* SPDX-License-Identifier: BSD-3-Clause */
/* Every function and constant programs for libnf 1.36 may name, with prototypes and values; in
 * words that C89, every later C and C++ know. */
#include <libnf.h>
#include <stdio.h>

/* Does not compile when a value is another one. */
#define SAME(name, value) SAME_AT(name, value, __LINE__)
#define SAME_AT(name, value, line) SAME_NAMED(name, value, line)
#define SAME_NAMED(name, value, line) typedef char same_##line[(name) == (value) ? 1 : -1]

SAME(LNF_OK, 1);
SAME(LNF_EOF, 0);
SAME(LNF_ERR_UNKBLOCK, -0x0001);
SAME(LNF_ERR_UNKREC, -0x0002);
SAME(LNF_ERR_COMPAT15, -0x0004);
SAME(LNF_ERR_WEAK, -0x000F);
SAME(LNF_ERR_READ, -0x0010);
SAME(LNF_ERR_CORRUPT, -0x0020);
SAME(LNF_ERR_EXTMAPB, -0x0040);
SAME(LNF_ERR_EXTMAPM, -0x0080);
SAME(LNF_ERR_WRITE, -0x00F0);
SAME(LNF_ERR_NOTSET, -0x0100);
SAME(LNF_ERR_UNKFLD, -0x0200);
SAME(LNF_ERR_FILTER, -0x0400);
SAME(LNF_ERR_NOMEM, -0x0800);
SAME(LNF_ERR_OTHER, -0x0F00);
SAME(LNF_ERR_OTHER_MSG, -0x1000);
SAME(LNF_ERR_NAN, -0x2000);
SAME(LNF_READ, 0x00);
SAME(LNF_WRITE, 0x01);
SAME(LNF_ANON, 0x02);
SAME(LNF_COMP, 0x04);
SAME(LNF_COMP_LZO, 0x04);
SAME(LNF_WEAKERR, 0x08);
SAME(LNF_APPEND, 0x10);
SAME(LNF_COMP_BZ2, 0x20);
SAME(LNF_READ_LOOP, 0x40);
SAME(LNF_MAX_STRING, 512);
SAME(LNF_MAX_RAW_LEN, 1024);
SAME(LNF_MAX_FIELD_LEN, 512);
SAME(LNF_REC_RAW_TLV, 1);
SAME(LNF_REC_RAW_TLV_BUFSIZE, 1024);
SAME(LNF_MAX_THREADS, 128);
SAME(LNF_INFO_BUFSIZE, 4096);
SAME(LNF_NONE, 0x00);
SAME(LNF_UINT8, 0x08);
SAME(LNF_UINT16, 0x16);
SAME(LNF_UINT32, 0x32);
SAME(LNF_UINT64, 0x64);
SAME(LNF_DOUBLE, 0x70);
SAME(LNF_ADDR, 0xA1);
SAME(LNF_MAC, 0xA2);
SAME(LNF_STRING, 0xAA);
SAME(LNF_MPLS, 0xAB);
SAME(LNF_ACL, 0xAC);
SAME(LNF_BASIC_RECORD1, 0xB1);
SAME(sizeof(LNF_UINT8_T), 1);
SAME(sizeof(LNF_UINT16_T), 2);
SAME(sizeof(LNF_UINT32_T), 4);
SAME(sizeof(LNF_UINT64_T), 8);
SAME(sizeof(LNF_DOUBLE_T), 8);
SAME(sizeof(LNF_ADDR_T), 16);
SAME(sizeof(LNF_MAC_T), 6);
SAME(sizeof(LNF_STRING_T), 256);
SAME(sizeof(LNF_MPLS_T), 40);
SAME(sizeof(LNF_ACL_T), 12);
SAME(sizeof(LNF_BASIC_RECORD1_T), 80);
SAME(LNF_AGGR_AUTO, 0);
SAME(LNF_AGGR_MIN, 1);
SAME(LNF_AGGR_MAX, 2);
SAME(LNF_AGGR_SUM, 3);
SAME(LNF_AGGR_OR, 4);
SAME(LNF_AGGR_KEY, 8);
SAME(LNF_SORT_NONE, 0);
SAME(LNF_SORT_ASC, 0x10);
SAME(LNF_SORT_DESC, 0x20);
SAME(LNF_OPT_HASHBUCKETS, 1);
SAME(LNF_OPT_LISTMODE, 2);
SAME(LNF_OPT_COMP_STATSCMP, 3);
SAME(LNF_FASTAGGR_BASIC, 1);
SAME(LNF_FASTAGGR_ALL, 2);
SAME(LNF_RING_FORCE_INIT, 1);
SAME(LNF_RING_FORCE_RELEASE, 2);
SAME(LNF_RING_NO_BLOCK, 4);
SAME(LNF_RING_TOTAL, 1);
SAME(LNF_RING_LOST, 2);
SAME(LNF_RING_STUCK, 3);
SAME(LNF_FLD_ZERO_, 0x00);
SAME(LNF_FLD_FIRST, 0x01);
SAME(LNF_FLD_LAST, 0x02);
SAME(LNF_FLD_RECEIVED, 0x03);
SAME(LNF_FLD_DOCTETS, 0x04);
SAME(LNF_FLD_DPKTS, 0x05);
SAME(LNF_FLD_OUT_BYTES, 0x06);
SAME(LNF_FLD_OUT_PKTS, 0x07);
SAME(LNF_FLD_AGGR_FLOWS, 0x08);
SAME(LNF_FLD_SRCPORT, 0x09);
SAME(LNF_FLD_DSTPORT, 0x0a);
SAME(LNF_FLD_TCP_FLAGS, 0x0b);
SAME(LNF_FLD_SRCADDR, 0x0c);
SAME(LNF_FLD_DSTADDR, 0x0d);
SAME(LNF_FLD_IP_NEXTHOP, 0x0e);
SAME(LNF_FLD_SRC_MASK, 0x0f);
SAME(LNF_FLD_DST_MASK, 0x10);
SAME(LNF_FLD_TOS, 0x11);
SAME(LNF_FLD_DST_TOS, 0x12);
SAME(LNF_FLD_SRCAS, 0x13);
SAME(LNF_FLD_DSTAS, 0x14);
SAME(LNF_FLD_BGPNEXTADJACENTAS, 0x15);
SAME(LNF_FLD_BGPPREVADJACENTAS, 0x16);
SAME(LNF_FLD_BGP_NEXTHOP, 0x17);
SAME(LNF_FLD_PROT, 0x18);
SAME(LNF_FLD_SRC_VLAN, 0x19);
SAME(LNF_FLD_DST_VLAN, 0x1a);
SAME(LNF_FLD_IN_SRC_MAC, 0x1b);
SAME(LNF_FLD_OUT_SRC_MAC, 0x1c);
SAME(LNF_FLD_IN_DST_MAC, 0x1d);
SAME(LNF_FLD_OUT_DST_MAC, 0x1e);
SAME(LNF_FLD_MPLS_LABEL, 0x1f);
SAME(LNF_FLD_INPUT, 0x20);
SAME(LNF_FLD_OUTPUT, 0x21);
SAME(LNF_FLD_DIR, 0x22);
SAME(LNF_FLD_FWD_STATUS, 0x23);
SAME(LNF_FLD_IP_ROUTER, 0x24);
SAME(LNF_FLD_ENGINE_TYPE, 0x25);
SAME(LNF_FLD_ENGINE_ID, 0x26);
SAME(LNF_FLD_EVENT_TIME, 0x27);
SAME(LNF_FLD_CONN_ID, 0x28);
SAME(LNF_FLD_ICMP_CODE, 0x29);
SAME(LNF_FLD_ICMP_TYPE, 0x2a);
SAME(LNF_FLD_FW_XEVENT, 0x2b);
SAME(LNF_FLD_XLATE_SRC_IP, 0x2c);
SAME(LNF_FLD_XLATE_DST_IP, 0x2d);
SAME(LNF_FLD_XLATE_SRC_PORT, 0x2e);
SAME(LNF_FLD_XLATE_DST_PORT, 0x2f);
SAME(LNF_FLD_INGRESS_ACL_ID, 0x30);
SAME(LNF_FLD_INGRESS_ACE_ID, 0x31);
SAME(LNF_FLD_INGRESS_XACE_ID, 0x32);
SAME(LNF_FLD_EGRESS_ACL_ID, 0x33);
SAME(LNF_FLD_EGRESS_ACE_ID, 0x34);
SAME(LNF_FLD_EGRESS_XACE_ID, 0x35);
SAME(LNF_FLD_USERNAME, 0x36);
SAME(LNF_FLD_INGRESS_VRFID, 0x37);
SAME(LNF_FLD_EVENT_FLAG, 0x38);
SAME(LNF_FLD_EGRESS_VRFID, 0x39);
SAME(LNF_FLD_BLOCK_START, 0x3a);
SAME(LNF_FLD_BLOCK_END, 0x3b);
SAME(LNF_FLD_BLOCK_STEP, 0x3c);
SAME(LNF_FLD_BLOCK_SIZE, 0x3d);
SAME(LNF_FLD_CLIENT_NW_DELAY_USEC, 0x3e);
SAME(LNF_FLD_SERVER_NW_DELAY_USEC, 0x3f);
SAME(LNF_FLD_APPL_LATENCY_USEC, 0x40);
SAME(LNF_FLD_FW_EVENT, 0x41);
SAME(LNF_FLD_INGRESS_ACL, 0x42);
SAME(LNF_FLD_EGRESS_ACL, 0x43);
SAME(LNF_FLD_INET_FAMILY, 0x44);
SAME(LNF_FLD_EXPORTER_IP, 0x45);
SAME(LNF_FLD_EXPORTER_ID, 0x46);
SAME(LNF_FLD_EXPORTER_VERSION, 0x47);
SAME(LNF_FLD_SEQUENCE_FAILURES, 0x48);
SAME(LNF_FLD_SAMPLER_MODE, 0x49);
SAME(LNF_FLD_SAMPLER_INTERVAL, 0x4a);
SAME(LNF_FLD_SAMPLER_ID, 0x4b);
SAME(LNF_FLD_CALC_DURATION, 0xa0);
SAME(LNF_FLD_CALC_BPS, 0xa1);
SAME(LNF_FLD_CALC_PPS, 0xa2);
SAME(LNF_FLD_CALC_BPP, 0xa3);
SAME(LNF_FLD_BREC1, 0xb0);
SAME(LNF_FLD_PAIR_PORT, 0xc0);
SAME(LNF_FLD_PAIR_ADDR, 0xc1);
SAME(LNF_FLD_PAIR_AS, 0xc2);
SAME(LNF_FLD_PAIR_IF, 0xc3);
SAME(LNF_FLD_PAIR_VLAN, 0xc4);
SAME(LNF_FLD_TERM_, 0xFF);
SAME(LNF_FLD_INFO_FIELDS, 0x01);
SAME(LNF_FLD_INFO_TYPE, 0x02);
SAME(LNF_FLD_INFO_NAME, 0x04);
SAME(LNF_FLD_INFO_DESCR, 0x08);
SAME(LNF_FLD_INFO_AGGR, 0x0B);
SAME(LNF_FLD_INFO_SORT, 0x0E);
SAME(LNF_FLD_INFO_IPFIX_NAME, 0x11);
SAME(LNF_FLD_INFO_IPFIX_EID, 0x12);
SAME(LNF_FLD_INFO_IPFIX_ID, 0x14);
SAME(LNF_FLD_INFO_IPFIX_NAME6, 0x18);
SAME(LNF_FLD_INFO_IPFIX_EID6, 0x1B);
SAME(LNF_FLD_INFO_IPFIX_ID6, 0x1E);
SAME(LNF_FLD_INFO_SIZE, 0x1F);
SAME(LNF_INFO_VERSION, 0x02);
SAME(LNF_INFO_NFDUMP_VERSION, 0x04);
SAME(LNF_INFO_FILE_VERSION, 0x06);
SAME(LNF_INFO_BLOCKS, 0x08);
SAME(LNF_INFO_COMPRESSED, 0x0A);
SAME(LNF_INFO_LZO_COMPRESSED, 0x0B);
SAME(LNF_INFO_ANONYMIZED, 0x0C);
SAME(LNF_INFO_BZ2_COMPRESSED, 0x0D);
SAME(LNF_INFO_CATALOG, 0x0E);
SAME(LNF_INFO_IDENT, 0x10);
SAME(LNF_INFO_FIRST, 0x12);
SAME(LNF_INFO_LAST, 0x14);
SAME(LNF_INFO_FAILURES, 0x16);
SAME(LNF_INFO_FLOWS, 0x18);
SAME(LNF_INFO_BYTES, 0x1A);
SAME(LNF_INFO_PACKETS, 0x1C);
SAME(LNF_INFO_PROC_BLOCKS, 0x1E);
SAME(LNF_INFO_FLOWS_TCP, 0x20);
SAME(LNF_INFO_FLOWS_UDP, 0x22);
SAME(LNF_INFO_FLOWS_ICMP, 0x24);
SAME(LNF_INFO_FLOWS_OTHER, 0x26);
SAME(LNF_INFO_BYTES_TCP, 0x28);
SAME(LNF_INFO_BYTES_UDP, 0x2A);
SAME(LNF_INFO_BYTES_ICMP, 0x2C);
SAME(LNF_INFO_BYTES_OTHER, 0x2E);
SAME(LNF_INFO_PACKETS_TCP, 0x30);
SAME(LNF_INFO_PACKETS_UDP, 0x32);
SAME(LNF_INFO_PACKETS_ICMP, 0x34);
SAME(LNF_INFO_PACKETS_OTHER, 0x36);

static lnf_ip_t ip;
static lnf_mac_t mac;
static lnf_mpls_t mpls;
static lnf_acl_t acl;
static lnf_brec1_t brec;

SAME(sizeof(ip.data), 4 * sizeof(uint32_t));
SAME(sizeof(mac.data), 6 * sizeof(uint8_t));
SAME(sizeof(mpls.data), 10 * sizeof(uint32_t));

/* Members of the structures, by type. */
#define IS(expression, type)                                                                       \
    {                                                                                              \
        type *pointer = &(expression);                                                             \
        (void)pointer;                                                                             \
    }

static void members(void)
{
    IS(ip.data[0], uint32_t)
    IS(mac.data[0], uint8_t)
    IS(mpls.data[0], uint32_t)
    IS(acl.acl_id, uint32_t)
    IS(acl.ace_id, uint32_t)
    IS(acl.xace_id, uint32_t)
    IS(brec.first, uint64_t)
    IS(brec.last, uint64_t)
    IS(brec.srcaddr, lnf_ip_t)
    IS(brec.dstaddr, lnf_ip_t)
    IS(brec.prot, uint8_t)
    IS(brec.srcport, uint16_t)
    IS(brec.dstport, uint16_t)
    IS(brec.bytes, uint64_t)
    IS(brec.pkts, uint64_t)
    IS(brec.flows, uint64_t)
}

/* A function of another type does not compile; a missing one does not link. */
static void (*const error)(const char *, int) = lnf_error;
static int (*const open_file)(lnf_file_t **, const char *, unsigned, const char *) = lnf_open;
static int (*const read_file)(lnf_file_t *, lnf_rec_t *) = lnf_read;
static int (*const write_file)(lnf_file_t *, lnf_rec_t *) = lnf_write;
static int (*const info)(lnf_file_t *, int, void *, size_t) = lnf_info;
static void (*const close_file)(lnf_file_t *) = lnf_close;
static int (*const rec_init)(lnf_rec_t **) = lnf_rec_init;
static void (*const rec_clear)(lnf_rec_t *) = lnf_rec_clear;
static int (*const rec_copy)(lnf_rec_t *, lnf_rec_t *) = lnf_rec_copy;
static int (*const rec_fset)(lnf_rec_t *, int, void *) = lnf_rec_fset;
static int (*const rec_fget)(lnf_rec_t *, int, void *) = lnf_rec_fget;
static int (*const rec_get_raw)(lnf_rec_t *, int, char *, size_t, size_t *) = lnf_rec_get_raw;
static int (*const rec_set_raw)(lnf_rec_t *, char *, size_t) = lnf_rec_set_raw;
static void (*const rec_free)(lnf_rec_t *) = lnf_rec_free;
static int (*const filter_init)(lnf_filter_t **, char *) = lnf_filter_init;
static int (*const filter_init_v1)(lnf_filter_t **, char *) = lnf_filter_init_v1;
static int (*const filter_init_v2)(lnf_filter_t **, char *) = lnf_filter_init_v2;
static void *(*const filter_pointer)(lnf_filter_t *) = lnf_filter_ffilter_ptr;
static int (*const filter_match)(lnf_filter_t *, lnf_rec_t *) = lnf_filter_match;
static void (*const filter_free)(lnf_filter_t *) = lnf_filter_free;
static int (*const mem_init)(lnf_mem_t **) = lnf_mem_init;
static int (*const mem_setopt)(lnf_mem_t *, int, void *, size_t) = lnf_mem_setopt;
static int (*const mem_fadd)(lnf_mem_t *, int, int, int, int) = lnf_mem_fadd;
static int (*const mem_fastaggr)(lnf_mem_t *, int) = lnf_mem_fastaggr;
static int (*const mem_write)(lnf_mem_t *, lnf_rec_t *) = lnf_mem_write;
static int (*const mem_write_raw)(lnf_mem_t *, char *, int) = lnf_mem_write_raw;
static int (*const mem_merge)(lnf_mem_t *) = lnf_mem_merge_threads;
static int (*const mem_first)(lnf_mem_t *, lnf_mem_cursor_t **) = lnf_mem_first_c;
static int (*const mem_next)(lnf_mem_t *, lnf_mem_cursor_t **) = lnf_mem_next_c;
static int (*const mem_lookup)(lnf_mem_t *, lnf_rec_t *, lnf_mem_cursor_t **) = lnf_mem_lookup_c;
static int (*const mem_lookup_raw)(lnf_mem_t *, char *, int,
                                   lnf_mem_cursor_t **) = lnf_mem_lookup_raw_c;
static int (*const mem_read_c)(lnf_mem_t *, lnf_mem_cursor_t *, lnf_rec_t *) = lnf_mem_read_c;
static int (*const mem_read_raw_c)(lnf_mem_t *, lnf_mem_cursor_t *, char *, int *,
                                   int) = lnf_mem_read_raw_c;
static int (*const mem_read)(lnf_mem_t *, lnf_rec_t *) = lnf_mem_read;
static int (*const mem_read_raw)(lnf_mem_t *, char *, int *, int) = lnf_mem_read_raw;
static void (*const mem_read_reset)(lnf_mem_t *) = lnf_mem_read_reset;
static void (*const mem_clean)(lnf_mem_t *) = lnf_mem_clean;
static void (*const mem_free)(lnf_mem_t *) = lnf_mem_free;
static int (*const fld_type)(int) = lnf_fld_type;
static int (*const fld_info)(int, int, void *, size_t) = lnf_fld_info;
static int (*const fld_parse)(const char *, int *, int *) = lnf_fld_parse;
static int (*const ring_init)(lnf_ring_t **, char *, int) = lnf_ring_init;
static int (*const ring_read)(lnf_ring_t *, lnf_rec_t *) = lnf_ring_read;
static int (*const ring_write)(lnf_ring_t *, lnf_rec_t *) = lnf_ring_write;
static int (*const ring_info)(lnf_ring_t *, int, void *, size_t) = lnf_ring_info;
static void (*const ring_free)(lnf_ring_t *) = lnf_ring_free;

int main(void)
{
    int functions = 0;

#define COUNT(name) functions += (name) != NULL
    COUNT(error), COUNT(open_file), COUNT(read_file), COUNT(write_file), COUNT(info);
    COUNT(close_file), COUNT(rec_init), COUNT(rec_clear), COUNT(rec_copy), COUNT(rec_fset);
    COUNT(rec_fget), COUNT(rec_get_raw), COUNT(rec_set_raw), COUNT(rec_free), COUNT(filter_init);
    COUNT(filter_init_v1), COUNT(filter_init_v2), COUNT(filter_pointer), COUNT(filter_match);
    COUNT(filter_free), COUNT(mem_init), COUNT(mem_setopt), COUNT(mem_fadd), COUNT(mem_fastaggr);
    COUNT(mem_write), COUNT(mem_write_raw), COUNT(mem_merge), COUNT(mem_first), COUNT(mem_next);
    COUNT(mem_lookup), COUNT(mem_lookup_raw), COUNT(mem_read_c), COUNT(mem_read_raw_c);
    COUNT(mem_read), COUNT(mem_read_raw), COUNT(mem_read_reset), COUNT(mem_clean), COUNT(mem_free);
    COUNT(fld_type), COUNT(fld_info), COUNT(fld_parse), COUNT(ring_init), COUNT(ring_read);
    COUNT(ring_write), COUNT(ring_info), COUNT(ring_free);
    members();
    printf("%d functions\n", functions);
    return 0;
}
