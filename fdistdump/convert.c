/* SPDX-License-Identifier: BSD-3-Clause */
/** Conversions of single values; written by hand because printf() per value costs more than the
 * rest. */
#include "convert.h"

#include <libnf.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define MILLI 1000u
/* Distances from UTC change at multiples of this only; 1972's Liberia is why it is not an hour. */
#define OFFSET_SLOT_S 30
#define LAST_ZONED_S INT64_C(67767976233532799) /* a year that struct tm can hold */

/* ---- classes -------------------------------------------------------------------------------- */

static enum convert_class class_of_type(int type)
{
    switch (type) {
    case LNF_UINT8:
        return CONVERT_U8;
    case LNF_UINT16:
        return CONVERT_U16;
    case LNF_UINT32:
        return CONVERT_U32;
    case LNF_DOUBLE:
        return CONVERT_REAL;
    case LNF_ADDR:
        return CONVERT_ADDRESS;
    case LNF_MAC:
        return CONVERT_MAC;
    case LNF_STRING:
        return CONVERT_STRING;
    default:
        return CONVERT_U64;
    }
}

enum convert_class convert_class_of(int field)
{
    switch (field) {
    case LNF_FLD_FIRST:
    case LNF_FLD_LAST:
    case LNF_FLD_RECEIVED:
        return CONVERT_TIMESTAMP;
    case LNF_FLD_DOCTETS:
    case LNF_FLD_DPKTS:
    case LNF_FLD_OUT_BYTES:
    case LNF_FLD_OUT_PKTS:
    case LNF_FLD_AGGR_FLOWS:
        return CONVERT_VOLUME;
    case LNF_FLD_CALC_BPS:
    case LNF_FLD_CALC_PPS:
    case LNF_FLD_CALC_BPP:
        return CONVERT_VOLUME_REAL;
    case LNF_FLD_TCP_FLAGS:
        return CONVERT_FLAGS;
    case LNF_FLD_PROT:
        return CONVERT_PROTOCOL;
    case LNF_FLD_CALC_DURATION:
        return CONVERT_DURATION;
    default:
        return class_of_type(lnf_fld_type(field));
    }
}

struct convert_layout convert_layout(const struct convert_style *style, enum convert_class class)
{
    static const struct convert_layout volumes[] = {{20, true}, {7, true}, {9, true}};
    static const struct convert_layout rates[] = {{12, true}, {7, true}, {9, true}};
    static const struct convert_layout others[CONVERT_CLASSES][2] = {
        [CONVERT_TIMESTAMP] = {{20, false}, {23, false}},
        [CONVERT_FLAGS] = {{3, false}, {8, false}},
        [CONVERT_PROTOCOL] = {{3, false}, {9, false}},
        [CONVERT_DURATION] = {{20, false}, {12, false}},
        [CONVERT_ADDRESS] = {{43, false}, {15, false}},
        [CONVERT_MAC] = {{17, false}},
        [CONVERT_U8] = {{3, true}},
        [CONVERT_U16] = {{5, true}},
        [CONVERT_U32] = {{10, true}},
        [CONVERT_U64] = {{20, true}},
        [CONVERT_REAL] = {{12, true}},
        [CONVERT_STRING] = {{10, false}},
    };

    switch (class) {
    case CONVERT_VOLUME:
        return volumes[style->volumes];
    case CONVERT_VOLUME_REAL:
        return rates[style->volumes];
    case CONVERT_TIMESTAMP:
        return others[class][style->timestamps];
    case CONVERT_FLAGS:
        return others[class][style->flags];
    case CONVERT_PROTOCOL:
        return others[class][style->protocols];
    case CONVERT_DURATION:
        return others[class][style->durations];
    case CONVERT_ADDRESS:
        return others[class][style->addresses];
    default:
        return others[class][0];
    }
}

bool convert_is_number(const struct convert_style *style, enum convert_class class)
{
    switch (class) {
    case CONVERT_TIMESTAMP:
        return !style->timestamps;
    case CONVERT_VOLUME:
    case CONVERT_VOLUME_REAL:
        return style->volumes == CONVERT_PLAIN;
    case CONVERT_FLAGS:
        return !style->flags;
    case CONVERT_PROTOCOL:
        return !style->protocols;
    case CONVERT_DURATION:
        return !style->durations;
    case CONVERT_ADDRESS:
    case CONVERT_MAC:
    case CONVERT_STRING:
        return false;
    default:
        return true;
    }
}

/* ---- numbers -------------------------------------------------------------------------------- */

size_t convert_decimal(uint64_t value, char *out)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    memcpy(out, digits + at, sizeof(digits) - at);
    return sizeof(digits) - at;
}

/** Exactly `digits` digits, filled up with zeros. */
static size_t put_digits(char *out, uint64_t value, unsigned digits)
{
    for (unsigned i = digits; i > 0; i--) {
        out[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
    return digits;
}

/** Like printf("%.1f"). */
static size_t put_real(double value, char *out)
{
    if (!isfinite(value)) {
        memcpy(out, "NaN", 3);
        return 3;
    }
    if (value >= 0 && value < 1e15) {
        uint64_t whole = (uint64_t)value;
        double tenths = (value - (double)whole) * 10;
        uint64_t digit = (uint64_t)(tenths + 0.5);
        double distance = tenths + 0.5 - (double)digit;
        /* Close to the middle between two tenths only exact arithmetic rounds correctly. */
        if (distance > 1e-3 && distance < 1 - 1e-3) {
            size_t length = convert_decimal(whole + digit / 10, out);
            out[length++] = '.';
            out[length++] = (char)('0' + digit % 10);
            return length;
        }
    }
    char text[400]; /* the longest double */
    int length = snprintf(text, sizeof(text), "%.1f", value);
    if (length < 0 || (size_t)length > CONVERT_TEXT_SIZE / 2) {
        length = snprintf(text, sizeof(text), "%.1e", value);
    }
    memcpy(out, text, (size_t)length);
    return (size_t)length;
}

/* ---- volumes -------------------------------------------------------------------------------- */

/** A volume with a unit; the unit of small ones is as many blanks as others have letters. */
static size_t put_scaled(double value, enum convert_volume volumes, char *out)
{
    static const char letters[] = " kMGTPEZY", binary_letters[] = " KMGTPEZY";
    double base = volumes == CONVERT_METRIC ? 1000 : 1024;
    unsigned unit = 0;

    while ((value >= base || round(value * 10) >= base * 10) && unit + 2 < sizeof(letters)) {
        value /= base;
        unit++;
    }
    size_t length = put_real(value, out);
    out[length++] = ' ';
    out[length++] = volumes == CONVERT_METRIC ? letters[unit] : binary_letters[unit];
    if (volumes == CONVERT_BINARY) {
        out[length++] = unit == 0 ? ' ' : 'i';
    }
    return length;
}

size_t convert_trim(const char *text, size_t length)
{
    while (length > 0 && text[length - 1] == ' ') {
        length--;
    }
    return length;
}

static size_t put_volume(const struct convert_style *style, uint64_t value, char *out)
{
    return style->volumes == CONVERT_PLAIN ? convert_decimal(value, out)
                                           : put_scaled((double)value, style->volumes, out);
}

static size_t put_rate(const struct convert_style *style, double value, char *out)
{
    return style->volumes == CONVERT_PLAIN || !isfinite(value)
               ? put_real(value, out)
               : put_scaled(value, style->volumes, out);
}

size_t convert_volume(const struct convert_style *style, uint64_t value, char *out)
{
    return convert_trim(out, put_volume(style, value, out));
}

size_t convert_rate(const struct convert_style *style, double value, char *out)
{
    return convert_trim(out, put_rate(style, value, out));
}

/* ---- times ---------------------------------------------------------------------------------- */

/** Seconds local time is ahead of UTC. */
static int32_t zone_offset(struct convert *convert, int64_t time_s)
{
    int64_t slot = time_s / OFFSET_SLOT_S;
    size_t i = (size_t)(slot % CONVERT_OFFSETS);

    if (!convert->offsets[i].known || convert->offsets[i].slot != slot) {
        time_t time = (time_t)time_s;
        struct tm tm = {.tm_gmtoff = 0};
        convert->offsets[i].known = true;
        convert->offsets[i].slot = slot;
        convert->offsets[i].offset_s = 0;
        if (time_s < LAST_ZONED_S && localtime_r(&time, &tm) != NULL) {
            convert->offsets[i].offset_s = (int32_t)tm.tm_gmtoff;
        }
    }
    return convert->offsets[i].offset_s;
}

/** Writes the date of a day counted from 1970-01-01, in the Gregorian calendar. */
static size_t put_date(int64_t day, char *out)
{
    /* Years start in March here, so that the leap day is the last of its year. */
    int64_t shifted = day + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t of_era = shifted - era * 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * of_year + 2) / 153;
    int64_t month = march_month < 10 ? march_month + 3 : march_month - 9;
    int64_t year = year_of_era + era * 400 + (month <= 2);
    size_t length;

    length =
        year < 10000 ? put_digits(out, (uint64_t)year, 4) : convert_decimal((uint64_t)year, out);
    out[length++] = '-';
    length += put_digits(out + length, (uint64_t)month, 2);
    out[length++] = '-';
    length += put_digits(out + length, (uint64_t)(of_year - (153 * march_month + 2) / 5 + 1), 2);
    return length;
}

/** hh:mm:ss.mmm; the hours may have more digits. */
static size_t put_clock(uint64_t ms, char *out)
{
    uint64_t seconds = ms / MILLI, hours = seconds / 3600;
    size_t length = hours < 100 ? put_digits(out, hours, 2) : convert_decimal(hours, out);

    out[length++] = ':';
    length += put_digits(out + length, seconds / 60 % 60, 2);
    out[length++] = ':';
    length += put_digits(out + length, seconds % 60, 2);
    out[length++] = '.';
    return length + put_digits(out + length, ms % MILLI, 3);
}

static size_t put_timestamp(struct convert *convert, uint64_t ms, char *out)
{
    const int64_t day_s = 86400;
    int64_t utc_s = (int64_t)(ms / MILLI);
    int64_t local_s = utc_s + zone_offset(convert, utc_s);
    int64_t day = local_s / day_s - (local_s % day_s < 0);
    int64_t in_day_s = local_s - day * day_s;

    size_t length = put_date(day, out);
    out[length++] = ' ';
    return length + put_clock((uint64_t)in_day_s * MILLI + ms % MILLI, out + length);
}

/* ---- addresses ------------------------------------------------------------------------------ */

static const char hexadecimal[] = "0123456789abcdef";

static size_t put_ipv4(const uint8_t *octets, char *out)
{
    size_t length = 0;

    for (unsigned i = 0; i < 4; i++) {
        if (i > 0) {
            out[length++] = '.';
        }
        length += convert_decimal(octets[i], out + length);
    }
    return length;
}

static size_t put_group(unsigned group, char *out)
{
    size_t length = 0;

    for (int shift = 12; shift >= 0; shift -= 4) {
        unsigned digit = group >> shift & 0xf;
        if (digit != 0 || length > 0 || shift == 0) {
            out[length++] = hexadecimal[digit];
        }
    }
    return length;
}

/** The text form of RFC 5952: the first longest run of two or more zero groups becomes "::". */
static size_t put_ipv6(const uint8_t *octets, char *out)
{
    unsigned groups[8], best = 8, best_length = 1, length = 0;

    for (unsigned i = 0; i < 8; i++) {
        groups[i] = (unsigned)octets[2 * i] << 8 | octets[2 * i + 1];
    }
    for (unsigned i = 0; i < 8; i++) {
        unsigned run = 0;
        while (i + run < 8 && groups[i + run] == 0) {
            run++;
        }
        if (run > best_length) {
            best = i;
            best_length = run;
        }
    }
    bool mapped = best == 0 && best_length == 5 && groups[5] == 0xffff;
    for (unsigned i = 0; i < 8;) {
        if (i == best) {
            out[length++] = ':';
            i += best_length;
            if (i == 8) {
                out[length++] = ':';
            }
            continue;
        }
        if (i > 0) {
            out[length++] = ':';
        }
        if (mapped && i == 6) {
            return length + put_ipv4(octets + 12, out + length);
        }
        length += (unsigned)put_group(groups[i++], out + length);
    }
    return length;
}

static uint32_t word_at(const uint8_t *octets, unsigned i)
{
    const uint8_t *p = octets + 4 * i;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static size_t put_address(const struct convert_style *style, const uint8_t *octets, char *out)
{
    static const uint8_t zeros[12];
    size_t length = 0;

    if (style->addresses) {
        bool ipv4 = memcmp(octets, zeros, sizeof(zeros)) == 0 && word_at(octets, 3) > 1;
        return ipv4 ? put_ipv4(octets + 12, out) : put_ipv6(octets, out);
    }
    for (unsigned i = 0; i < 4; i++) {
        if (i > 0) {
            out[length++] = ':';
        }
        length += convert_decimal(word_at(octets, i), out + length);
    }
    return length;
}

static size_t put_mac(const uint8_t *octets, char *out)
{
    for (unsigned i = 0; i < 6; i++) {
        out[3 * i] = hexadecimal[octets[i] >> 4];
        out[3 * i + 1] = hexadecimal[octets[i] & 0xf];
        if (i < 5) {
            out[3 * i + 2] = ':';
        }
    }
    return 17;
}

/* ---- protocols and flags -------------------------------------------------------------------- */

const char *convert_protocol_name(uint8_t protocol)
{
    static const char *const names[] = {
        "HOPOPT",
        "ICMP",
        "IGMP",
        "GGP",
        "IPv4",
        "ST",
        "TCP",
        "CBT",
        "EGP",
        "IGP",
        "BBN-RCC-MON",
        "NVP-II",
        "PUP",
        "ARGUS",
        "EMCON",
        "XNET",
        "CHAOS",
        "UDP",
        "MUX",
        "DCN-MEAS",
        "HMP",
        "PRM",
        "XNS-IDP",
        "TRUNK-1",
        "TRUNK-2",
        "LEAF-1",
        "LEAF-2",
        "RDP",
        "IRTP",
        "ISO-TP4",
        "NETBLT",
        "MFE-NSP",
        "MERIT-INP",
        "DCCP",
        "3PC",
        "IDPR",
        "XTP",
        "DDP",
        "IDPR-CMTP",
        "TP++",
        "IL",
        "IPv6",
        "SDRP",
        "IPv6-Route",
        "IPv6-Frag",
        "IDRP",
        "RSVP",
        "GRE",
        "DSR",
        "BNA",
        "ESP",
        "AH",
        "I-NLSP",
        "SWIPE",
        "NARP",
        "MOBILE",
        "TLSP",
        "SKIP",
        "IPv6-ICMP",
        "IPv6-NoNxt",
        "IPv6-Opts",
        "any host internal protocol",
        "CFTP",
        "any local network",
        "SAT-EXPAK",
        "KRYPTOLAN",
        "RVD",
        "IPPC",
        "any distributed file system",
        "SAT-MON",
        "VISA",
        "IPCV",
        "CPNX",
        "CPHB",
        "WSN",
        "PVP",
        "BR-SAT-MON",
        "SUN-ND",
        "WB-MON",
        "WB-EXPAK",
        "ISO-IP",
        "VMTP",
        "SECURE-VMTP",
        "VINES",
        "TTP",
        "NSFNET-IGP",
        "DGP",
        "TCF",
        "EIGRP",
        "OSPFIGP",
        "Sprite-RPC",
        "LARP",
        "MTP",
        "AX.25",
        "IPIP",
        "MICP",
        "SCC-SP",
        "ETHERIP",
        "ENCAP",
        "any private encryption",
        "GMTP",
        "IFMP",
        "PNNI",
        "PIM",
        "ARIS",
        "SCPS",
        "QNX",
        "A/N",
        "IPComp",
        "SNP",
        "Compaq-Peer",
        "IPX-in-IP",
        "VRRP",
        "PGM",
        "any 0-hop protocol",
        "L2TP",
        "DDX",
        "IATP",
        "STP",
        "SRP",
        "UTI",
        "SMP",
        "SM",
        "PTP",
        "ISIS over IPv4",
        "FIRE",
        "CRTP",
        "CRUDP",
        "SSCOPMCE",
        "IPLT",
        "SPS",
        "PIPE",
        "SCTP",
        "FC",
        "RSVP-E2E-IGNORE",
        "Mobility Header",
        "UDPLite",
        "MPLS-in-IP",
        "manet",
        "HIP",
        "Shim6",
        "WESP",
        "ROHC",
    };
    enum { NAME_COUNT = sizeof(names) / sizeof(names[0]) };
    _Static_assert(NAME_COUNT == 143, "IANA's keywords of protocols 0 to 142");

    if (protocol < NAME_COUNT) {
        return names[protocol];
    }
    return protocol == 255   ? "Reserved"
           : protocol >= 253 ? "experimentation and testing"
                             : "Unassigned";
}

static size_t put_flags(uint64_t flags, char *out)
{
    static const char letters[] = "CEUAPRSF";

    for (unsigned i = 0; i < 8; i++) {
        out[i] = (flags >> (7 - i) & 1) != 0 ? letters[i] : '.';
    }
    return 8;
}

/* ---- values --------------------------------------------------------------------------------- */

static uint64_t whole_of(const struct lnf_value *value)
{
    return value->kind == LNF_VALUE_UINT ? value->u64 : 0;
}

size_t convert_value(struct convert *convert, enum convert_class class,
                     const struct lnf_value *value, char *out)
{
    const struct convert_style *style = &convert->style;
    uint64_t whole = whole_of(value);

    switch (value->kind) {
    case LNF_VALUE_NAN:
        return put_real(NAN, out);
    case LNF_VALUE_DOUBLE:
        return class == CONVERT_VOLUME_REAL ? put_rate(style, value->real, out)
                                            : put_real(value->real, out);
    case LNF_VALUE_ADDRESS:
        return put_address(style, value->octets, out);
    case LNF_VALUE_MAC:
        return put_mac(value->octets, out);
    default:
        break;
    }
    if (class == CONVERT_VOLUME) {
        return put_volume(style, whole, out);
    }
    if (class == CONVERT_TIMESTAMP && style->timestamps) {
        return put_timestamp(convert, whole, out);
    }
    if (class == CONVERT_DURATION && style->durations) {
        return put_clock(whole, out);
    }
    if (class == CONVERT_FLAGS && style->flags) {
        return put_flags(whole, out);
    }
    if (class == CONVERT_PROTOCOL && style->protocols) {
        const char *name = convert_protocol_name((uint8_t)whole);
        size_t length = strlen(name);
        memcpy(out, name, length);
        return length;
    }
    return convert_decimal(whole, out);
}
