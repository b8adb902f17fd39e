/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * libnf: reads and writes nfdump-compatible flow files, one record at a time.
 *
 * Source compatible with libnf 1.36: the same names, values and meanings, so that programs written
 * for it compile and behave the same. For bulk work there are libnf/scan.h and libnf/writer.h.
 *
 * Conventions: functions return LNF_OK (1) on success, LNF_EOF (0) at the end and negative errors.
 * Integers and doubles are in host byte order; addresses 16 octets in network order, IPv4 in the
 * last four with the others zero; MAC addresses in transmission order; times in milliseconds since
 * 1970-01-01 UTC.
 *
 * Threads: any function from any thread, one handle in one thread at a time. A compiled filter may
 * be shared by threads.
 */
#ifndef LIBNF_H
#define LIBNF_H

#include <libnf/api.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- statuses --------------------------------------------------------------------------------- */

#define LNF_OK 0x0001
#define LNF_EOF 0x0000
#define LNF_ERR_UNKBLOCK -0x0001  /* weak: unknown block type, skip and go on */
#define LNF_ERR_UNKREC -0x0002    /* weak: unknown record type, skip and go on */
#define LNF_ERR_COMPAT15 -0x0004  /* weak: block of nfdump 1.5 */
#define LNF_ERR_WEAK -0x000F      /* mask of the weak errors */
#define LNF_ERR_READ -0x0010      /* input/output error */
#define LNF_ERR_CORRUPT -0x0020   /* damaged or foreign file */
#define LNF_ERR_EXTMAPB -0x0040   /* extension map id too big */
#define LNF_ERR_EXTMAPM -0x0080   /* extension map missing */
#define LNF_ERR_WRITE -0x00F0     /* write error */
#define LNF_ERR_NOTSET -0x0100    /* field not present in the record */
#define LNF_ERR_UNKFLD -0x0200    /* unknown field, or not usable here */
#define LNF_ERR_FILTER -0x0400    /* filter does not compile */
#define LNF_ERR_NOMEM -0x0800     /* no memory, or the caller's buffer is too small */
#define LNF_ERR_OTHER -0x0F00     /* other error */
#define LNF_ERR_OTHER_MSG -0x1000 /* other error, text from lnf_error() */
#define LNF_ERR_NAN -0x2000       /* division by zero in a calculated field */

/* ---- limits and open flags -------------------------------------------------------------------- */

#define LNF_MAX_STRING 512
#define LNF_MAX_FIELD_LEN 512
#define LNF_MAX_RAW_LEN 1024 /* no record of lnf_mem_read_raw() is longer */
#define LNF_MAX_THREADS 128  /* threads that write to one memory */
#define LNF_INFO_BUFSIZE 4096

#define LNF_READ 0x00
#define LNF_WRITE 0x01
#define LNF_ANON 0x02     /* mark records of a new file as anonymised */
#define LNF_COMP 0x04     /* compress a new file with LZO */
#define LNF_COMP_LZO 0x04 /* the same */
#define LNF_WEAKERR 0x08  /* accepted; weak errors are always reported */
#define LNF_APPEND 0x10   /* continue an existing file */
#define LNF_COMP_BZ2 0x20 /* compress a new file with bzip2 */
#define LNF_READ_LOOP 0x40 /* at the end look every second for more data, or for a new file of the
                              same name; the end is when no file has the name any more */
#define LNF_COMP_LZ4 0x80 /* compress a new file with LZ4 (not in libnf 1.36) */
#define LNF_COMP_ZSTD 0x100 /* the same with zstd (not in libnf 1.36) */
/** Level of compression, in the flags beside the codec (not in libnf 1.36): bzip2 1 to 9, LZ4 1 to 12,
 * zstd 1 to 22; 0 and without it the codec's default. A file that is continued with another codec than
 * the one in the flags does its default. */
#define LNF_COMP_LEVEL(level) ((unsigned)(level) << 16)

/* ---- types of fields -------------------------------------------------------------------------- */

#define LNF_NONE 0x00
#define LNF_UINT8 0x08
#define LNF_UINT16 0x16
#define LNF_UINT32 0x32
#define LNF_UINT64 0x64
#define LNF_DOUBLE 0x70
#define LNF_ADDR 0xA1          /* lnf_ip_t */
#define LNF_MAC 0xA2           /* lnf_mac_t */
#define LNF_STRING 0xAA        /* char[256] */
#define LNF_MPLS 0xAB          /* lnf_mpls_t */
#define LNF_ACL 0xAC           /* lnf_acl_t */
#define LNF_BASIC_RECORD1 0xB1 /* lnf_brec1_t */

typedef struct {
    uint32_t data[4];
} lnf_ip_t;

typedef struct {
    uint8_t data[6];
} lnf_mac_t;

typedef char lnf_string_t[256];

typedef struct {
    uint32_t data[10];
} lnf_mpls_t;

typedef struct {
    uint32_t acl_id, ace_id, xace_id;
} lnf_acl_t;

/** Value of LNF_FLD_BREC1: the fields most programs want, in one call. */
typedef struct {
    uint64_t first, last; /* ms since epoch */
    lnf_ip_t srcaddr, dstaddr;
    uint8_t prot;
    uint16_t srcport, dstport;
    uint64_t bytes, pkts, flows;
} lnf_brec1_t;

#define LNF_UINT8_T uint8_t
#define LNF_UINT16_T uint16_t
#define LNF_UINT32_T uint32_t
#define LNF_UINT64_T uint64_t
#define LNF_DOUBLE_T double
#define LNF_ADDR_T lnf_ip_t
#define LNF_MAC_T lnf_mac_t
#define LNF_STRING_T lnf_string_t
#define LNF_MPLS_T lnf_mpls_t
#define LNF_ACL_T lnf_acl_t
#define LNF_BASIC_RECORD1_T lnf_brec1_t

/* ---- fields ----------------------------------------------------------------------------------- */

#define LNF_FLD_ZERO_ 0x00
#define LNF_FLD_FIRST                  0x01 /* first */
#define LNF_FLD_LAST                   0x02 /* last */
#define LNF_FLD_RECEIVED               0x03 /* received */
#define LNF_FLD_DOCTETS                0x04 /* bytes */
#define LNF_FLD_DPKTS                  0x05 /* packets */
#define LNF_FLD_OUT_BYTES              0x06 /* outbytes */
#define LNF_FLD_OUT_PKTS               0x07 /* outpackets */
#define LNF_FLD_AGGR_FLOWS             0x08 /* flows */
#define LNF_FLD_SRCPORT                0x09 /* srcport */
#define LNF_FLD_DSTPORT                0x0a /* dstport */
#define LNF_FLD_TCP_FLAGS              0x0b /* flags */
#define LNF_FLD_SRCADDR                0x0c /* srcip */
#define LNF_FLD_DSTADDR                0x0d /* dstip */
#define LNF_FLD_IP_NEXTHOP             0x0e /* nextip */
#define LNF_FLD_SRC_MASK               0x0f /* srcmask */
#define LNF_FLD_DST_MASK               0x10 /* dstmask */
#define LNF_FLD_TOS                    0x11 /* tos */
#define LNF_FLD_DST_TOS                0x12 /* dsttos */
#define LNF_FLD_SRCAS                  0x13 /* srcas */
#define LNF_FLD_DSTAS                  0x14 /* dstas */
#define LNF_FLD_BGPNEXTADJACENTAS      0x15 /* nextas */
#define LNF_FLD_BGPPREVADJACENTAS      0x16 /* prevas */
#define LNF_FLD_BGP_NEXTHOP            0x17 /* bgpnexthop */
#define LNF_FLD_PROT                   0x18 /* proto */
#define LNF_FLD_SRC_VLAN               0x19 /* srcvlan */
#define LNF_FLD_DST_VLAN               0x1a /* dstvlan */
#define LNF_FLD_IN_SRC_MAC             0x1b /* insrcmac */
#define LNF_FLD_OUT_SRC_MAC            0x1c /* outsrcmac */
#define LNF_FLD_IN_DST_MAC             0x1d /* indstmac */
#define LNF_FLD_OUT_DST_MAC            0x1e /* outdstmac */
#define LNF_FLD_MPLS_LABEL             0x1f /* mpls */
#define LNF_FLD_INPUT                  0x20 /* inif */
#define LNF_FLD_OUTPUT                 0x21 /* outif */
#define LNF_FLD_DIR                    0x22 /* dir */
#define LNF_FLD_FWD_STATUS             0x23 /* fwd */
#define LNF_FLD_IP_ROUTER              0x24 /* routerip */
#define LNF_FLD_ENGINE_TYPE            0x25 /* engine-type */
#define LNF_FLD_ENGINE_ID              0x26 /* engine-id */
#define LNF_FLD_EVENT_TIME             0x27 /* eventtime */
#define LNF_FLD_CONN_ID                0x28 /* connid */
#define LNF_FLD_ICMP_CODE              0x29 /* icmp-code */
#define LNF_FLD_ICMP_TYPE              0x2a /* icmp-type */
#define LNF_FLD_FW_XEVENT              0x2b /* xevent */
#define LNF_FLD_XLATE_SRC_IP           0x2c /* xsrcip */
#define LNF_FLD_XLATE_DST_IP           0x2d /* xdstip */
#define LNF_FLD_XLATE_SRC_PORT         0x2e /* xsrcport */
#define LNF_FLD_XLATE_DST_PORT         0x2f /* xdstport */
#define LNF_FLD_INGRESS_ACL_ID         0x30 /* iacl */
#define LNF_FLD_INGRESS_ACE_ID         0x31 /* iace */
#define LNF_FLD_INGRESS_XACE_ID        0x32 /* ixace */
#define LNF_FLD_EGRESS_ACL_ID          0x33 /* eacl */
#define LNF_FLD_EGRESS_ACE_ID          0x34 /* eace */
#define LNF_FLD_EGRESS_XACE_ID         0x35 /* exace */
#define LNF_FLD_USERNAME               0x36 /* username */
#define LNF_FLD_INGRESS_VRFID          0x37 /* ingressvrfid */
#define LNF_FLD_EVENT_FLAG             0x38 /* eventflag */
#define LNF_FLD_EGRESS_VRFID           0x39 /* egressvrfid */
#define LNF_FLD_BLOCK_START            0x3a /* blockstart */
#define LNF_FLD_BLOCK_END              0x3b /* blockend */
#define LNF_FLD_BLOCK_STEP             0x3c /* blockstep */
#define LNF_FLD_BLOCK_SIZE             0x3d /* blocksize */
#define LNF_FLD_CLIENT_NW_DELAY_USEC   0x3e /* cl */
#define LNF_FLD_SERVER_NW_DELAY_USEC   0x3f /* sl */
#define LNF_FLD_APPL_LATENCY_USEC      0x40 /* al */
#define LNF_FLD_FW_EVENT               0x41 /* event */
#define LNF_FLD_INGRESS_ACL            0x42 /* ingressacl */
#define LNF_FLD_EGRESS_ACL             0x43 /* egressacl */
#define LNF_FLD_INET_FAMILY            0x44 /* inetfamily */
#define LNF_FLD_EXPORTER_IP            0x45 /* exporterip */
#define LNF_FLD_EXPORTER_ID            0x46 /* exporterid */
#define LNF_FLD_EXPORTER_VERSION       0x47 /* exporterversion */
#define LNF_FLD_SEQUENCE_FAILURES      0x48 /* sequencefailures */
#define LNF_FLD_SAMPLER_MODE           0x49 /* samplermode */
#define LNF_FLD_SAMPLER_INTERVAL       0x4a /* sampleinterval */
#define LNF_FLD_SAMPLER_ID             0x4b /* samplerid */
#define LNF_FLD_CALC_DURATION          0xa0 /* duration */
#define LNF_FLD_CALC_BPS               0xa1 /* bps */
#define LNF_FLD_CALC_PPS               0xa2 /* pps */
#define LNF_FLD_CALC_BPP               0xa3 /* bpp */
#define LNF_FLD_BREC1                  0xb0 /* brec1 */
#define LNF_FLD_PAIR_PORT              0xc0 /* port */
#define LNF_FLD_PAIR_ADDR              0xc1 /* ip */
#define LNF_FLD_PAIR_AS                0xc2 /* as */
#define LNF_FLD_PAIR_IF                0xc3 /* if */
#define LNF_FLD_PAIR_VLAN              0xc4 /* vlan */
#define LNF_FLD_TERM_ 0xFF /* ends a list of fields */

/* How a field is aggregated and sorted: of lnf_fld_info(LNF_FLD_INFO_AGGR, _SORT), and flags of
 * lnf_mem_fadd(). */
#define LNF_AGGR_AUTO 0x00 /* the field's own function */
#define LNF_AGGR_MIN 0x01
#define LNF_AGGR_MAX 0x02
#define LNF_AGGR_SUM 0x03
#define LNF_AGGR_OR 0x04
#define LNF_AGGR_KEY 0x08
#define LNF_SORT_NONE 0x00
#define LNF_SORT_ASC 0x10
#define LNF_SORT_DESC 0x20
#define LNF_AGGR_FLAGS 0x0F /* mask of LNF_AGGR_... */
#define LNF_SORT_FLAGS 0xF0 /* mask of LNF_SORT_... */

/* What lnf_fld_info() tells. */
#define LNF_FLD_INFO_FIELDS 0x01
#define LNF_FLD_INFO_TYPE 0x02
#define LNF_FLD_INFO_NAME 0x04
#define LNF_FLD_INFO_DESCR 0x08
#define LNF_FLD_INFO_AGGR 0x0B
#define LNF_FLD_INFO_SORT 0x0E
#define LNF_FLD_INFO_IPFIX_NAME 0x11
#define LNF_FLD_INFO_IPFIX_EID 0x12
#define LNF_FLD_INFO_IPFIX_ID 0x14
#define LNF_FLD_INFO_IPFIX_NAME6 0x18
#define LNF_FLD_INFO_IPFIX_EID6 0x1B
#define LNF_FLD_INFO_IPFIX_ID6 0x1E
#define LNF_FLD_INFO_SIZE 0x1F

/** Type of a field (LNF_UINT8 ...), LNF_NONE when unknown. */
LNF_API int lnf_fld_type(int field);

/**
 * Facts about a field.
 *
 * @param info  LNF_FLD_INFO_FIELDS: int[] of all fields ended by LNF_FLD_TERM_; _TYPE, _AGGR, _SORT,
 *              _SIZE: int; _NAME, _DESCR: string; _IPFIX_NAME, _NAME6: string; _IPFIX_EID, _ID,
 *              _EID6, _ID6: int, enterprise and number of the Information Element
 * @param data,size  where to and how much room
 * @return LNF_OK; LNF_ERR_UNKFLD; LNF_ERR_NOTSET, no such Information Element; LNF_ERR_NOMEM, size
 *         too small; LNF_ERR_OTHER, unknown info
 */
LNF_API int lnf_fld_info(int field, int info, void *data, size_t size);

/**
 * Reads `name[/a[/b]]`: native names, aliases or IPFIX names, a trailing 4 or 6 allowed.
 *
 * @param[out] bits,bits6  a and b: prefix lengths of addresses (32 and 128 when not given), alignment
 *             in seconds of times; else 0
 * @return field id, 0 (LNF_FLD_ZERO_) when unknown or the numbers are out of range
 */
LNF_API int lnf_fld_parse(const char *text, int *bits, int *bits6);

/* ---- flow files ------------------------------------------------------------------------------- */

typedef struct lnf_file lnf_file_t;
typedef struct lnf_rec lnf_rec_t;

/** Copies the text of this thread's last error, at most `len` octets with the NUL. */
LNF_API void lnf_error(const char *buf, int len);

/** What a status (LNF_OK, LNF_EOF, LNF_ERR_...) means: a few words, never NULL. Not in libnf 1.36. */
LNF_API const char *lnf_status_text(int status);

/**
 * Opens a flow file.
 *
 * @param flags  LNF_READ, LNF_WRITE (create, replace) or LNF_APPEND, with LNF_COMP_* and LNF_ANON for
 *               new files
 * @param name   path; NULL = standard input
 * @param ident  stored in new files, may be NULL
 * @return LNF_OK; LNF_ERR_NOMEM; LNF_ERR_OTHER, cannot open or not a flow file, text in lnf_error()
 */
LNF_API int lnf_open(lnf_file_t **file, const char *name, unsigned int flags, const char *ident);

/**
 * Reads the next flow record.
 *
 * @return LNF_OK; LNF_EOF; weak errors, the text in lnf_error(): a damaged or unknown record
 *         (LNF_ERR_UNKREC), a block (LNF_ERR_UNKBLOCK) or one of nfdump 1.5 (LNF_ERR_COMPAT15) was
 *         skipped, call again; LNF_ERR_READ; LNF_ERR_NOMEM; LNF_ERR_OTHER, the file is open for
 *         writing
 */
LNF_API int lnf_read(lnf_file_t *file, lnf_rec_t *record);

/** Appends a record; only elements with fields set take room. LNF_OK, LNF_ERR_WRITE, _NOMEM. */
LNF_API int lnf_write(lnf_file_t *file, lnf_rec_t *record);

/** Flushes, writes statistics, frees; NULL is fine. */
LNF_API void lnf_close(lnf_file_t *file);

/* What lnf_info() tells; all u64 where no other type is named. */
#define LNF_INFO_VERSION 0x02        /* string; file may be NULL */
#define LNF_INFO_NFDUMP_VERSION 0x04 /* string; file may be NULL */
#define LNF_INFO_FILE_VERSION 0x06   /* u64: layout */
#define LNF_INFO_BLOCKS 0x08
#define LNF_INFO_COMPRESSED 0x0A     /* int */
#define LNF_INFO_LZO_COMPRESSED 0x0B /* int */
#define LNF_INFO_ANONYMIZED 0x0C     /* int */
#define LNF_INFO_BZ2_COMPRESSED 0x0D /* int */
#define LNF_INFO_CATALOG 0x0E        /* int, always 0 */
#define LNF_INFO_IDENT 0x10          /* string */
#define LNF_INFO_FIRST 0x12
#define LNF_INFO_LAST 0x14
#define LNF_INFO_FAILURES 0x16
#define LNF_INFO_FLOWS 0x18
#define LNF_INFO_BYTES 0x1A
#define LNF_INFO_PACKETS 0x1C
#define LNF_INFO_PROC_BLOCKS 0x1E
#define LNF_INFO_FLOWS_TCP 0x20
#define LNF_INFO_FLOWS_UDP 0x22
#define LNF_INFO_FLOWS_ICMP 0x24
#define LNF_INFO_FLOWS_OTHER 0x26
#define LNF_INFO_BYTES_TCP 0x28
#define LNF_INFO_BYTES_UDP 0x2A
#define LNF_INFO_BYTES_ICMP 0x2C
#define LNF_INFO_BYTES_OTHER 0x2E
#define LNF_INFO_PACKETS_TCP 0x30
#define LNF_INFO_PACKETS_UDP 0x32
#define LNF_INFO_PACKETS_ICMP 0x34
#define LNF_INFO_PACKETS_OTHER 0x36

/**
 * Facts about the library or a file. Statistics of an unfinished file come from its records.
 *
 * @return LNF_OK; LNF_ERR_NOMEM, size too small, or no memory to read those records; LNF_ERR_OTHER
 */
LNF_API int lnf_info(lnf_file_t *file, int info, void *data, size_t size);

/* ---- records ---------------------------------------------------------------------------------- */

/** New empty record: LNF_OK, LNF_ERR_NOMEM. */
LNF_API int lnf_rec_init(lnf_rec_t **record);

/** Unsets every field. */
LNF_API void lnf_rec_clear(lnf_rec_t *record);

/** Deep copy: LNF_OK, LNF_ERR_OTHER. */
LNF_API int lnf_rec_copy(lnf_rec_t *dst, lnf_rec_t *src);

/** Sets a field from a value of its type; calculated fields are ignored. LNF_OK, LNF_ERR_UNKFLD. */
LNF_API int lnf_rec_fset(lnf_rec_t *record, int field, void *data);

/**
 * Reads a field into a value of its type.
 *
 * @return LNF_OK; LNF_ERR_NOTSET, absent: the default (0; flows 1) is stored; LNF_ERR_NAN, calculated
 *         with a zero divisor: 0 is stored; LNF_ERR_UNKFLD
 */
LNF_API int lnf_rec_fget(lnf_rec_t *record, int field, void *data);

#define LNF_REC_RAW_TLV 1 /* the only form */
#define LNF_REC_RAW_TLV_BUFSIZE 1024

/**
 * Writes a record in a form that means the same on every machine, to send or keep it.
 *
 * The TLV form, all numbers most significant octet first:
 *
 *     u8   version: 2 (1 was libnf's, whose numbers were in the order of the writing machine)
 *     u8   0
 *     u16  octets of all entries, that is, behind this header
 *     then for each field that is set, in ascending order of fields:
 *     u16  field, LNF_FLD_*
 *     u16  octets of the value
 *     ...  the value: u8, u16, u32, u64 by the field's type; addresses 16 octets and MAC addresses 6
 *          as in lnf_ip_t and lnf_mac_t; LNF_MPLS 10 and LNF_ACL 3 u32; strings without their NUL
 *
 * Calculated fields, pair fields and LNF_FLD_BREC1 are not written: the others give them. Neither are
 * elements of newer flow files that no field of this header names.
 *
 * @param type  LNF_REC_RAW_TLV
 * @param size  octets of room; LNF_REC_RAW_TLV_BUFSIZE is enough for every record
 * @param[out] ret  octets written; of a buffer too small what it would have to have; may be NULL
 * @return LNF_OK; LNF_ERR_NOMEM, buffer too small: nothing useful is in it; LNF_ERR_OTHER, unknown type
 */
LNF_API int lnf_rec_get_raw(lnf_rec_t *record, int type, char *buf, size_t size, size_t *ret);

/**
 * The inverse: clears the record and sets the fields. Octets may come from anywhere: every length is
 * checked. Fields this library does not know are skipped, and so is what follows the entries.
 *
 * @return LNF_OK; LNF_ERR_OTHER_MSG, not a record, text in lnf_error(): the record is empty;
 *         LNF_ERR_NOMEM
 */
LNF_API int lnf_rec_set_raw(lnf_rec_t *record, char *buf, size_t size);

/** Frees the record; NULL is fine. */
LNF_API void lnf_rec_free(lnf_rec_t *record);

/* ---- filters ---------------------------------------------------------------------------------- */

typedef struct lnf_filter lnf_filter_t;

/**
 * Compiles a filter; docs/filter.md describes the language, the union of both dialects of
 * libnf 1.36. The three functions differ in their error status only. A filter with `geo` needs a
 * database of countries, which is open as long as the filter lives: the one the environment variable
 * LNF_GEO_DATABASE names, else the first usual one (docs/filter.md); without it the filter is wrong.
 *
 * @return LNF_OK; LNF_ERR_FILTER (v1) or LNF_ERR_OTHER_MSG (v2), text with line and column from
 *         lnf_error(); LNF_ERR_NOMEM
 */
LNF_API int lnf_filter_init(lnf_filter_t **filter, char *expr);
/** See lnf_filter_init(). */
LNF_API int lnf_filter_init_v1(lnf_filter_t **filter, char *expr);
/** See lnf_filter_init(). */
LNF_API int lnf_filter_init_v2(lnf_filter_t **filter, char *expr);

/**
 * The compiled filter behind a filter of lnf_filter_init_v2(), NULL for one of v1. What it points to
 * is not public: it tells the two apart, and one filter from another.
 */
LNF_API void *lnf_filter_ffilter_ptr(lnf_filter_t *filter);

/** 1 when the record matches, else 0. */
LNF_API int lnf_filter_match(lnf_filter_t *filter, lnf_rec_t *record);

/**
 * The label the filter gives the record: that of a part `( ... ) %LABEL` which matches it. Of parts
 * joined by `or` the first one that matches decides, of those joined by `and` the last one with a
 * label; a part that is negated gives none. Not in libnf 1.36.
 *
 * @return text of the filter's own; NULL when the record does not match or has no label
 */
LNF_API const char *lnf_filter_label(lnf_filter_t *filter, lnf_rec_t *record);

/** Frees the filter; NULL is fine. */
LNF_API void lnf_filter_free(lnf_filter_t *filter);

/* ---- memories --------------------------------------------------------------------------------- */

/**
 * A memory aggregates records, or lists them, and gives them back in order.
 *
 *     lnf_mem_init(&mem);
 *     lnf_mem_fadd(mem, LNF_FLD_SRCADDR, LNF_AGGR_KEY, 24, 64);
 *     lnf_mem_fadd(mem, LNF_FLD_DOCTETS, LNF_AGGR_SUM | LNF_SORT_DESC, 0, 0);
 *     ... lnf_mem_write(mem, record) for every record ...
 *     for (int status = lnf_mem_first_c(mem, &cursor); status == LNF_OK;
 *          status = lnf_mem_next_c(mem, &cursor)) {
 *         lnf_mem_read_c(mem, cursor, record);
 *     }
 *     lnf_mem_free(mem);
 *
 * Fields are declared first. Keys say which records belong together, values are combined; without
 * keys all records are one. What is read back has the declared fields only, and those a declared
 * calculated field needs.
 *
 * Order: by the sort field, numbers and addresses as numbers, in its direction; a ratio without a
 * divisor counts as 0. Groups with the same value are in ascending order of their keys, and so are
 * groups without a sort field. In list mode records with the same value, and records without a sort
 * field, come in the opposite order of being written.
 *
 * Threads: up to LNF_MAX_THREADS threads may write at the same time, each into data of its own; each
 * calls lnf_mem_merge_threads() when it is done. After all of them have (join them first), any number
 * of threads may read at the same time, each with its own cursors. Without merging readers see what
 * the first thread to write has written. Everything else is for one thread at a time.
 */
typedef struct lnf_mem lnf_mem_t;

/** A place in a memory. Belongs to the memory; nothing is to be freed. Valid until lnf_mem_clean(). */
typedef struct lnf_mem_cursor lnf_mem_cursor_t;

/* Options of lnf_mem_setopt(). */
#define LNF_OPT_HASHBUCKETS 0x01   /* int; accepted: the table grows as needed */
#define LNF_OPT_LISTMODE 0x02      /* no value: keep every record, aggregate nothing */
#define LNF_OPT_COMP_STATSCMP 0x03 /* no value: a record whose source and destination have the same
                                      key counts once for pair fields */

/* Modes of lnf_mem_fastaggr(). */
#define LNF_FASTAGGR_NONE 0x00  /* adds nothing */
#define LNF_FASTAGGR_BASIC 0x01 /* first, last, bytes, packets, flows */
#define LNF_FASTAGGR_ALL 0x02   /* the same */

/** New empty memory: LNF_OK, LNF_ERR_NOMEM, LNF_ERR_OTHER. */
LNF_API int lnf_mem_init(lnf_mem_t **mem);

/**
 * Sets an option before the first record.
 *
 * @param data,size  LNF_OPT_HASHBUCKETS: an int larger than 0; of the others ignored
 * @return LNF_OK; LNF_ERR_OTHER, unknown option, wrong value, or there are records already
 */
LNF_API int lnf_mem_setopt(lnf_mem_t *mem, int opt, void *data, size_t size);

/**
 * Declares a field before the first record. Declaring it again replaces what was said of it, its
 * place stays.
 *
 * Keys: LNF_AGGR_KEY, or LNF_AGGR_AUTO with `bits` > 0 for fields of type LNF_UINT64. Pair fields as
 * keys count each record twice, for its source and for its destination. Everything else is a value:
 * addresses and MAC addresses keep the first one, calculated fields are computed from the combined
 * fields they need, which are declared with them.
 *
 * @param flags  LNF_AGGR_... | LNF_SORT_...; of all fields to sort by the last declared wins
 * @param bits   keys: IPv4 prefix length of addresses, so 32 for whole ones; of LNF_UINT64 fields
 *               seconds, values are cut to multiples of them (0 = exact)
 * @param bits6  keys: IPv6 prefix length of addresses
 * @return LNF_OK; LNF_ERR_UNKFLD, unknown, or its type has no place here: LNF_STRING, LNF_MPLS,
 *         LNF_ACL, LNF_BASIC_RECORD1, LNF_DOUBLE as key; LNF_ERR_OTHER, flags or numbers out of range,
 *         or there are records already; LNF_ERR_NOMEM
 */
LNF_API int lnf_mem_fadd(lnf_mem_t *mem, int field, int flags, int bits, int bits6);

/** Declares those of first, last, bytes, packets and flows that are not yet: LNF_OK, LNF_ERR_OTHER. */
LNF_API int lnf_mem_fastaggr(lnf_mem_t *mem, int mode);

/**
 * Adds a record. Cursors stay where they are.
 *
 * @return LNF_OK; LNF_ERR_NOMEM, it was not added; LNF_ERR_OTHER, too many threads
 */
LNF_API int lnf_mem_write(lnf_mem_t *mem, lnf_rec_t *record);

/**
 * Adds a raw record of lnf_mem_read_raw() of a memory with the same declarations, once, also with
 * pair fields. LNF_OK, LNF_ERR_NOMEM; LNF_ERR_OTHER, not the size of this memory's raw records, or
 * too many threads.
 */
LNF_API int lnf_mem_write_raw(lnf_mem_t *mem, char *buf, int size);

/**
 * Hands in what the calling thread has written; whoever comes later merges it with its own. Does not
 * wait: after every writer's call has returned, readers see everything.
 *
 * @return LNF_OK; LNF_ERR_NOMEM, records are lost
 */
LNF_API int lnf_mem_merge_threads(lnf_mem_t *mem);

/** Cursor to the first record; NULL and LNF_EOF when there is none. Also LNF_ERR_NOMEM. */
LNF_API int lnf_mem_first_c(lnf_mem_t *mem, lnf_mem_cursor_t **cursor);

/** Moves on; NULL and LNF_EOF behind the last record. Also LNF_ERR_NOMEM, LNF_ERR_OTHER. */
LNF_API int lnf_mem_next_c(lnf_mem_t *mem, lnf_mem_cursor_t **cursor);

/**
 * Finds the group with the keys of a record; pair fields by its source side.
 *
 * @return LNF_OK; LNF_EOF and a NULL cursor, none; LNF_ERR_OTHER, list mode; LNF_ERR_NOMEM
 */
LNF_API int lnf_mem_lookup_c(lnf_mem_t *mem, lnf_rec_t *record, lnf_mem_cursor_t **cursor);

/** The same by the keys a raw record starts with; LNF_ERR_OTHER also when it is shorter than they. */
LNF_API int lnf_mem_lookup_raw_c(lnf_mem_t *mem, char *buf, int size, lnf_mem_cursor_t **cursor);

/** Sets a record to what is at the cursor: LNF_OK, LNF_ERR_NOMEM; LNF_ERR_OTHER, no such place. */
LNF_API int lnf_mem_read_c(lnf_mem_t *mem, lnf_mem_cursor_t *cursor, lnf_rec_t *record);

/**
 * Copies what is at the cursor in raw form: the keys, then the values, each in order of declaration
 * and as lnf_rec_fget() gives them, without gaps; then the fields that calculated ones need and nobody
 * declared. All raw records of a memory have the same size, at most LNF_MAX_RAW_LEN. They mean nothing
 * to another kind of machine.
 *
 * @param[out] len  octets of the record, also when the buffer is too small
 * @return LNF_OK; LNF_ERR_NOMEM, buffer too small; LNF_ERR_OTHER, no such place
 */
LNF_API int lnf_mem_read_raw_c(lnf_mem_t *mem, lnf_mem_cursor_t *cursor, char *buf, int *len,
                               int size);

/** Reads the next record, with a cursor of the memory's own; LNF_EOF at the end, as often as asked. */
LNF_API int lnf_mem_read(lnf_mem_t *mem, lnf_rec_t *record);

/** The same in raw form; with LNF_ERR_NOMEM the record stays the next one. */
LNF_API int lnf_mem_read_raw(lnf_mem_t *mem, char *buf, int *len, int size);

/** Makes the first record the next one of lnf_mem_read() and lnf_mem_read_raw(). */
LNF_API void lnf_mem_read_reset(lnf_mem_t *mem);

/** Drops all records and keeps the declarations. No cursor is valid any more. */
LNF_API void lnf_mem_clean(lnf_mem_t *mem);

/** Frees the memory; NULL is fine. */
LNF_API void lnf_mem_free(lnf_mem_t *mem);

/* ---- rings ------------------------------------------------------------------------------------ */

/**
 * A ring passes records between processes of one machine through POSIX shared memory: 4096 slots, any
 * number of writers and readers. Every reader gets every record written after it joined, in order;
 * writers never wait for readers, so a reader that falls behind by more than the ring loses the
 * oldest, and is told how many.
 *
 * A process that dies blocks nobody: the lock between writers goes to the next one, which writes the
 * record of the dead one anew, and readers take no lock. What lies in the shared memory is checked
 * before it is used: whoever can write to it can make readers lose records, not crash.
 *
 * A handle is for one thread at a time and for the process that made it: after fork() only one of
 * both may go on with it.
 */
typedef struct lnf_ring lnf_ring_t;

/* Flags of lnf_ring_init(). */
#define LNF_RING_FORCE_INIT 0x01    /* start a new ring; who uses an old one of the name keeps it */
#define LNF_RING_FORCE_RELEASE 0x02 /* take the name away when this handle is freed */
#define LNF_RING_NO_BLOCK 0x04      /* reading does not wait for a record */

/* What lnf_ring_info() tells, all u64 and of this handle. */
#define LNF_RING_TOTAL 0x01 /* records read and written */
#define LNF_RING_LOST 0x02  /* records overwritten, or found damaged, before they were read */
#define LNF_RING_STUCK 0x03 /* times the lock was taken over from a process that died with it */

/**
 * Joins the ring of this name, or makes it. Its name goes when its last user frees it or dies; then
 * the next user starts a new ring.
 *
 * @param name   as for shm_open(): a slash and a name without slashes
 * @return LNF_OK; LNF_ERR_OTHER_MSG, cannot open or not a ring, text in lnf_error(); LNF_ERR_OTHER,
 *         unknown flags or no name; LNF_ERR_NOMEM
 */
LNF_API int lnf_ring_init(lnf_ring_t **ring, char *name, int flags);

/**
 * Reads the next record; waits for one unless LNF_RING_NO_BLOCK was given.
 *
 * @return LNF_OK; LNF_EOF, none there (LNF_RING_NO_BLOCK); LNF_ERR_NOMEM
 */
LNF_API int lnf_ring_read(lnf_ring_t *ring, lnf_rec_t *record);

/** Writes a record for all readers: LNF_OK; LNF_ERR_NOMEM; LNF_ERR_OTHER, the ring is unusable. */
LNF_API int lnf_ring_write(lnf_ring_t *ring, lnf_rec_t *record);

/** Counters, see above: LNF_OK; LNF_ERR_NOMEM, size too small; LNF_ERR_OTHER, unknown info. */
LNF_API int lnf_ring_info(lnf_ring_t *ring, int info, void *data, size_t size);

/** Leaves the ring; NULL is fine. */
LNF_API void lnf_ring_free(lnf_ring_t *ring);

#ifdef __cplusplus
}
#endif

#endif
