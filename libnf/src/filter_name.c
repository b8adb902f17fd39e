/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Tables of names of the filter language: terms, and values such as protocols and ports.
 *
 * Source: docs/filter.md. Protocol and port names: IANA's "Protocol Numbers" and "Service Name and
 * Transport Protocol Port Number" registries; for protocols also the short names nfdump shows.
 */
#include "filter_tree.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

/* ---- names of values ------------------------------------------------------------------------- */

const struct lnf_filter_symbol lnf_filter_protocols[] = {
    {"hopopt", 0},        {"icmp", 1},         {"igmp", 2},
    {"ggp", 3},           {"ipv4", 4},         {"ipip", 4},
    {"ipencap", 4},       {"st", 5},           {"tcp", 6},
    {"cbt", 7},           {"egp", 8},          {"igp", 9},
    {"bbn-rcc-mon", 10},  {"bbn", 10},         {"nvp-ii", 11},
    {"nvpii", 11},        {"pup", 12},         {"argus", 13},
    {"emcon", 14},        {"encom", 14},       {"xnet", 15},
    {"chaos", 16},        {"udp", 17},         {"mux", 18},
    {"dcn-meas", 19},     {"dcn", 19},         {"hmp", 20},
    {"prm", 21},          {"xns-idp", 22},     {"xns", 22},
    {"trunk-1", 23},      {"trnk1", 23},       {"trunk-2", 24},
    {"trnk2", 24},        {"leaf-1", 25},      {"leaf1", 25},
    {"leaf-2", 26},       {"leaf2", 26},       {"rdp", 27},
    {"irtp", 28},         {"iso-tp4", 29},     {"iso-4", 29},
    {"netblt", 30},       {"netbk", 30},       {"mfe-nsp", 31},
    {"mfesp", 31},        {"merit-inp", 32},   {"meinp", 32},
    {"dccp", 33},         {"3pc", 34},         {"idpr", 35},
    {"xtp", 36},          {"ddp", 37},         {"idpr-cmtp", 38},
    {"tp++", 39},         {"il", 40},          {"ipv6", 41},
    {"sdrp", 42},         {"ipv6-route", 43},  {"rte6", 43},
    {"ipv6-frag", 44},    {"frag6", 44},       {"idrp", 45},
    {"rsvp", 46},         {"gre", 47},         {"dsr", 48},
    {"mhrp", 48},         {"bna", 49},         {"esp", 50},
    {"ah", 51},           {"i-nlsp", 52},      {"inlsp", 52},
    {"swipe", 53},        {"narp", 54},        {"mobile", 55},
    {"mobil", 55},        {"tlsp", 56},        {"skip", 57},
    {"ipv6-icmp", 58},    {"icmp6", 58},       {"icmpv6", 58},
    {"ipv6-nonxt", 59},   {"nohe6", 59},       {"ipv6-opts", 60},
    {"opts6", 60},        {"cftp", 62},        {"sat-expak", 64},
    {"satnt", 64},        {"kryptolan", 65},   {"klan", 65},
    {"rvd", 66},          {"ippc", 67},        {"fs", 68},
    {"sat-mon", 69},      {"visa", 70},        {"ipcv", 71},
    {"cpnx", 72},         {"cphb", 73},        {"wsn", 74},
    {"pvp", 75},          {"br-sat-mon", 76},  {"bsatm", 76},
    {"sun-nd", 77},       {"sunnd", 77},       {"wb-mon", 78},
    {"wbmon", 78},        {"wb-expak", 79},    {"wbexp", 79},
    {"iso-ip", 80},       {"isoip", 80},       {"vmtp", 81},
    {"secure-vmtp", 82},  {"svmtp", 82},       {"vines", 83},
    {"ttp", 84},          {"nsfnet-igp", 85},  {"nsigp", 85},
    {"dgp", 86},          {"tcf", 87},         {"eigrp", 88},
    {"ospf", 89},         {"ospfigp", 89},     {"sprite-rpc", 90},
    {"s-rpc", 90},        {"larp", 91},        {"mtp", 92},
    {"ax.25", 93},        {"os", 94},          {"micp", 95},
    {"scc-sp", 96},       {"sccsp", 96},       {"etherip", 97},
    {"ethip", 97},        {"encap", 98},       {"gmtp", 100},
    {"ifmp", 101},        {"pnni", 102},       {"pim", 103},
    {"aris", 104},        {"scps", 105},       {"qnx", 106},
    {"ipcomp", 108},      {"ipcmp", 108},      {"snp", 109},
    {"compaq-peer", 110}, {"cpqpp", 110},      {"ipx-in-ip", 111},
    {"ipxip", 111},       {"vrrp", 112},       {"pgm", 113},
    {"0hop", 114},        {"l2tp", 115},       {"ddx", 116},
    {"iatp", 117},        {"stp", 118},        {"srp", 119},
    {"uti", 120},         {"smp", 121},        {"sm", 122},
    {"ptp", 123},         {"isis", 124},       {"isis-over-ipv4", 124},
    {"isis4", 124},       {"fire", 125},       {"crtp", 126},
    {"crudp", 127},       {"iplt", 129},       {"sps", 130},
    {"pipe", 131},        {"sctp", 132},       {"fc", 133},
    {"mobility", 135},    {"mhead", 135},      {"udplite", 136},
    {"udp-l", 136},       {"mpls-in-ip", 137}, {"manet", 138},
    {"hip", 139},         {"shim6", 140},      {"wesp", 141},
    {"rohc", 142},        {NULL, 0},
};

static const struct lnf_filter_symbol port_symbols[] = {
    {"tcpmux", 1},         {"echo", 7},
    {"discard", 9},        {"systat", 11},
    {"daytime", 13},       {"qotd", 17},
    {"msp", 18},           {"chargen", 19},
    {"ftp-data", 20},      {"ftp", 21},
    {"ssh", 22},           {"telnet", 23},
    {"smtp", 25},          {"time", 37},
    {"rap", 38},           {"rlp", 39},
    {"graphics", 41},      {"name", 42},
    {"nameserver", 42},    {"nicname", 43},
    {"whois", 43},         {"tacacs", 49},
    {"domain", 53},        {"dns", 53},
    {"bootps", 67},        {"dhcps", 67},
    {"bootpc", 68},        {"dhcpc", 68},
    {"tftp", 69},          {"gopher", 70},
    {"finger", 79},        {"http", 80},
    {"kerberos", 88},      {"pop3", 110},
    {"sunrpc", 111},       {"auth", 113},
    {"nntp", 119},         {"ntp", 123},
    {"epmap", 135},        {"netbios-ns", 137},
    {"netbios-dgm", 138},  {"netbios-ssn", 139},
    {"imap", 143},         {"snmp", 161},
    {"snmptrap", 162},     {"bgp", 179},
    {"irc", 194},          {"ldap", 389},
    {"https", 443},        {"microsoft-ds", 445},
    {"isakmp", 500},       {"syslog", 514},
    {"printer", 515},      {"ripng", 521},
    {"ldaps", 636},        {"rsync", 873},
    {"ftps", 990},         {"imaps", 993},
    {"pop3s", 995},        {"socks", 1080},
    {"openvpn", 1194},     {"ms-sql-s", 1433},
    {"l2tp", 1701},        {"pptp", 1723},
    {"radius", 1812},      {"radius-acct", 1813},
    {"mysql", 3306},       {"ms-wbt-server", 3389},
    {"stun", 3478},        {"ipfix", 4739},
    {"sip", 5060},         {"sips", 5061},
    {"xmpp-client", 5222}, {"mdns", 5353},
    {"postgresql", 5432},  {"amqp", 5672},
    {"sflow", 6343},       {NULL, 0},
};

static const struct lnf_filter_symbol direction_symbols[] = {
    {"ingress", 0},
    {"egress", 1},
    {NULL, 0},
};

/* RFC 7270 section 4.12: two bits status, six bits reason. */
static const struct lnf_filter_symbol forwarding_symbols[] = {
    {"ukwn", 0},      {"forw", 64},   {"frag", 65},      {"notfrag", 66},   {"tun", 67},
    {"drop", 128},    {"dacld", 129}, {"daclp", 130},    {"noroute", 131},  {"dadj", 132},
    {"dfrag", 133},   {"dbadh", 134}, {"dbadtlen", 135}, {"dbadhlen", 136}, {"dbadttl", 137},
    {"dpolicy", 138}, {"dwred", 139}, {"drpf", 140},     {"dforus", 141},   {"dbadof", 142},
    {"dhw", 143},     {"term", 192},  {"tadj", 193},     {"tincadj", 194},  {"tforus", 195},
    {NULL, 0},
};

static const struct lnf_filter_symbol event_symbols[] = {
    {"ignore", 0}, {"create", 1}, {"delete", 2}, {"term", 2},
    {"deny", 3},   {"alert", 4},  {"update", 5}, {NULL, 0},
};

static const struct lnf_filter_symbol denied_symbols[] = {
    {"ingress", 1001}, {"egress", 1002}, {"interface", 1003}, {"nosyn", 1004}, {NULL, 0},
};

static const struct lnf_filter_symbol nat_event_symbols[] = {
    {"invalid", 0}, {"add", 1}, {"create", 1}, {"delete", 2}, {NULL, 0},
};

/* ---- terms ----------------------------------------------------------------------------------- */

/* Which fields each direction means, bit 0 = the first one of a row. */
#define SELECT_ONE                                                                                 \
    {                                                                                              \
        [LNF_DIR_NONE] = 1                                                                         \
    }
#define SELECT_SIDES                                                                               \
    {                                                                                              \
        [LNF_DIR_NONE] = 3, [LNF_DIR_SRC] = 1, [LNF_DIR_DST] = 2, [LNF_DIR_SRC_OR_DST] = 3,        \
        [LNF_DIR_SRC_AND_DST] = 3                                                                  \
    }
#define SELECT_SIDES_NEXT                                                                          \
    {                                                                                              \
        [LNF_DIR_NONE] = 3, [LNF_DIR_SRC] = 1, [LNF_DIR_DST] = 2, [LNF_DIR_SRC_OR_DST] = 3,        \
        [LNF_DIR_SRC_AND_DST] = 3, [LNF_DIR_NEXT] = 4                                              \
    }
#define SELECT_SIDES_PREV_NEXT                                                                     \
    {                                                                                              \
        [LNF_DIR_NONE] = 3, [LNF_DIR_SRC] = 1, [LNF_DIR_DST] = 2, [LNF_DIR_SRC_OR_DST] = 3,        \
        [LNF_DIR_SRC_AND_DST] = 3, [LNF_DIR_PREV] = 4, [LNF_DIR_NEXT] = 8                          \
    }
/* Type of service: without a direction the source's. */
#define SELECT_FIRST_OR_SIDES                                                                      \
    {                                                                                              \
        [LNF_DIR_NONE] = 1, [LNF_DIR_SRC] = 1, [LNF_DIR_DST] = 2, [LNF_DIR_SRC_OR_DST] = 3,        \
        [LNF_DIR_SRC_AND_DST] = 3                                                                  \
    }
#define SELECT_IN_OUT                                                                              \
    {                                                                                              \
        [LNF_DIR_NONE] = 3, [LNF_DIR_IN] = 1, [LNF_DIR_OUT] = 2                                    \
    }
#define SELECT_FIRST_OR_OUT                                                                        \
    {                                                                                              \
        [LNF_DIR_NONE] = 1, [LNF_DIR_IN] = 1, [LNF_DIR_OUT] = 2                                    \
    }
/* Fields: in source, in destination, out source, out destination. */
#define SELECT_MAC                                                                                 \
    {                                                                                              \
        [LNF_DIR_NONE] = 15, [LNF_DIR_IN] = 3, [LNF_DIR_OUT] = 12, [LNF_DIR_SRC] = 5,              \
        [LNF_DIR_DST] = 10, [LNF_DIR_SRC_OR_DST] = 15, [LNF_DIR_IN_SRC] = 1, [LNF_DIR_IN_DST] = 2, \
        [LNF_DIR_OUT_SRC] = 4, [LNF_DIR_OUT_DST] = 8                                               \
    }

#define SIDES_ROW(text, values, src, dst)                                                          \
    {                                                                                              \
        .name = (text), .kind = (values), .fields = {src, dst}, .select = SELECT_SIDES             \
    }
#define ONE_ROW(text, values, field)                                                               \
    {                                                                                              \
        .name = (text), .kind = (values), .fields = {field}, .select = SELECT_ONE                  \
    }
#define NUMBER_ROW(text, field, most)                                                              \
    {                                                                                              \
        .name = (text), .kind = LNF_KIND_NUMBER, .fields = {field}, .select = SELECT_ONE,          \
        .max = (most)                                                                              \
    }
#define SYMBOL_ROW(text, field, most, names)                                                       \
    {                                                                                              \
        .name = (text), .kind = LNF_KIND_NUMBER, .fields = {field}, .select = SELECT_ONE,          \
        .max = (most), .symbols = (names)                                                          \
    }
#define ICMP_ROW(text, field)                                                                      \
    {                                                                                              \
        .name = (text), .kind = LNF_KIND_NUMBER, .fields = {field}, .select = SELECT_ONE,          \
        .max = 255, .implied = LNF_IMPLIED_ICMP                                                    \
    }
#define FLAGS_ROW(text)                                                                            \
    {                                                                                              \
        .name = (text), .kind = LNF_KIND_FLAGS, .fields = {LNF_FLD_TCP_FLAGS},                     \
        .select = SELECT_ONE, .max = 63, .implied = LNF_IMPLIED_TCP                                \
    }
#define FAMILY_ROW(text, version)                                                                  \
    {                                                                                              \
        .name = (text), .kind = LNF_KIND_FAMILY, .fields = {LNF_FLD_INET_FAMILY},                  \
        .select = SELECT_ONE, .max = (version)                                                     \
    }
#define PORT_ROW(text, src, dst)                                                                   \
    {                                                                                              \
        .name = (text), .kind = LNF_KIND_NUMBER, .fields = {src, dst}, .select = SELECT_SIDES,     \
        .symbols = port_symbols                                                                    \
    }
#define ADDRESS_NEXT_ROW(text)                                                                     \
    {                                                                                              \
        .name = (text), .kind = LNF_KIND_ADDRESS,                                                  \
        .fields = {LNF_FLD_SRCADDR, LNF_FLD_DSTADDR, LNF_FLD_IP_NEXTHOP},                          \
        .select = SELECT_SIDES_NEXT                                                                \
    }
#define COUNTER_ROW(text, forward, reverse)                                                        \
    {                                                                                              \
        .name = (text), .kind = LNF_KIND_NUMBER, .fields = {forward, reverse},                     \
        .select = SELECT_FIRST_OR_OUT                                                              \
    }
#define MPLS_ROW(text, which, most)                                                                \
    {                                                                                              \
        .name = (text), .kind = LNF_KIND_MPLS, .fields = {LNF_FLD_MPLS_LABEL},                     \
        .select = SELECT_ONE, .max = (most), .part = (which)                                       \
    }
#define UNSUPPORTED_ROW(text, reason)                                                              \
    {                                                                                              \
        .name = (text), .kind = LNF_KIND_UNSUPPORTED, .why = (reason)                              \
    }
#define MPLS_LABEL_ROWS(n)                                                                         \
    MPLS_ROW("mpls label" #n, n, 0xffffff), MPLS_ROW("mpls exp" #n, LNF_MPLS_EXP + (n), 7)

static const struct lnf_filter_term terms[] = {
    FAMILY_ROW("inet", AF_INET),
    FAMILY_ROW("ipv4", AF_INET),
    FAMILY_ROW("inet4", AF_INET),
    FAMILY_ROW("inet6", AF_INET6),
    FAMILY_ROW("ipv6", AF_INET6),

    ADDRESS_NEXT_ROW("ip"),
    ADDRESS_NEXT_ROW("host"),
    ADDRESS_NEXT_ROW("net"),
    ONE_ROW("bgpnext ip", LNF_KIND_ADDRESS, LNF_FLD_BGP_NEXTHOP),
    ONE_ROW("bgpnext", LNF_KIND_ADDRESS, LNF_FLD_BGP_NEXTHOP),
    ONE_ROW("bgp next ip", LNF_KIND_ADDRESS, LNF_FLD_BGP_NEXTHOP),
    ONE_ROW("bgp next", LNF_KIND_ADDRESS, LNF_FLD_BGP_NEXTHOP),
    ONE_ROW("router ip", LNF_KIND_ADDRESS, LNF_FLD_IP_ROUTER),
    ONE_ROW("exporter ip", LNF_KIND_ADDRESS, LNF_FLD_IP_ROUTER),
    ONE_ROW("next hop", LNF_KIND_ADDRESS, LNF_FLD_IP_NEXTHOP),
    SIDES_ROW("xip", LNF_KIND_ADDRESS, LNF_FLD_XLATE_SRC_IP, LNF_FLD_XLATE_DST_IP),
    SIDES_ROW("nip", LNF_KIND_ADDRESS, LNF_FLD_XLATE_SRC_IP, LNF_FLD_XLATE_DST_IP),
    SIDES_ROW("xnet", LNF_KIND_ADDRESS, LNF_FLD_XLATE_SRC_IP, LNF_FLD_XLATE_DST_IP),
    SIDES_ROW("tunip", LNF_KIND_ADDRESS, LNF_FLD_TUN_SRCADDR_, LNF_FLD_TUN_DSTADDR_),
    SIDES_ROW("tun ip", LNF_KIND_ADDRESS, LNF_FLD_TUN_SRCADDR_, LNF_FLD_TUN_DSTADDR_),

    SYMBOL_ROW("proto", LNF_FLD_PROT, 255, lnf_filter_protocols),
    SYMBOL_ROW("tun proto", LNF_FLD_TUN_PROTO_, 255, lnf_filter_protocols),
    PORT_ROW("port", LNF_FLD_SRCPORT, LNF_FLD_DSTPORT),
    PORT_ROW("xport", LNF_FLD_XLATE_SRC_PORT, LNF_FLD_XLATE_DST_PORT),
    PORT_ROW("nport", LNF_FLD_XLATE_SRC_PORT, LNF_FLD_XLATE_DST_PORT),
    ICMP_ROW("icmp-type", LNF_FLD_ICMP_TYPE),
    ICMP_ROW("icmp type", LNF_FLD_ICMP_TYPE),
    ICMP_ROW("icmptype", LNF_FLD_ICMP_TYPE),
    ICMP_ROW("icmp-code", LNF_FLD_ICMP_CODE),
    ICMP_ROW("icmp code", LNF_FLD_ICMP_CODE),
    ICMP_ROW("icmpcode", LNF_FLD_ICMP_CODE),
    FLAGS_ROW("flags"),
    FLAGS_ROW("tcpflags"),

    COUNTER_ROW("packets", LNF_FLD_DPKTS, LNF_FLD_OUT_PKTS),
    COUNTER_ROW("bytes", LNF_FLD_DOCTETS, LNF_FLD_OUT_BYTES),
    {.name = "tos",
     .kind = LNF_KIND_NUMBER,
     .fields = {LNF_FLD_TOS, LNF_FLD_DST_TOS},
     .select = SELECT_FIRST_OR_SIDES},
    {.name = "if",
     .kind = LNF_KIND_NUMBER,
     .fields = {LNF_FLD_INPUT, LNF_FLD_OUTPUT},
     .select = SELECT_IN_OUT},
    {.name = "as",
     .kind = LNF_KIND_NUMBER,
     .fields = {LNF_FLD_SRCAS, LNF_FLD_DSTAS, LNF_FLD_BGPPREVADJACENTAS, LNF_FLD_BGPNEXTADJACENTAS},
     .select = SELECT_SIDES_PREV_NEXT},
    {.name = "mask",
     .kind = LNF_KIND_NUMBER,
     .max = 128,
     .fields = {LNF_FLD_SRC_MASK, LNF_FLD_DST_MASK},
     .select = SELECT_SIDES},
    {.name = "vlan",
     .kind = LNF_KIND_NUMBER,
     .fields = {LNF_FLD_SRC_VLAN, LNF_FLD_DST_VLAN},
     .select = SELECT_SIDES},
    {.name = "mac",
     .kind = LNF_KIND_MAC,
     .fields = {LNF_FLD_IN_SRC_MAC, LNF_FLD_IN_DST_MAC, LNF_FLD_OUT_SRC_MAC, LNF_FLD_OUT_DST_MAC},
     .select = SELECT_MAC},

    NUMBER_ROW("engine-type", LNF_FLD_ENGINE_TYPE, 255),
    NUMBER_ROW("engine type", LNF_FLD_ENGINE_TYPE, 255),
    NUMBER_ROW("engine-id", LNF_FLD_ENGINE_ID, 255),
    NUMBER_ROW("engine id", LNF_FLD_ENGINE_ID, 255),
    NUMBER_ROW("sysid", LNF_FLD_EXPORTER_SYSID_, 65535),
    NUMBER_ROW("exporter sysid", LNF_FLD_EXPORTER_SYSID_, 65535),
    NUMBER_ROW("exporter id", LNF_FLD_EXPORTER_SYSID_, 65535),
    NUMBER_ROW("nfversion", LNF_FLD_NFVERSION_, 10),
    NUMBER_ROW("observation domain id", LNF_FLD_OBSERVATION_DOMAIN_, 0),
    NUMBER_ROW("observation point id", LNF_FLD_OBSERVATION_POINT_, 0),
    SYMBOL_ROW("dir", LNF_FLD_DIR, 2, direction_symbols),
    SYMBOL_ROW("flowdir", LNF_FLD_DIR, 2, direction_symbols),
    NUMBER_ROW("biflow direction", LNF_FLD_BIFLOW_DIR_, 255),
    NUMBER_ROW("end reason", LNF_FLD_END_REASON_, 255),
    SYMBOL_ROW("fwdstat", LNF_FLD_FWD_STATUS, 255, forwarding_symbols),
    SYMBOL_ROW("fwd", LNF_FLD_FWD_STATUS, 255, forwarding_symbols),

    {.name = "ttl",
     .kind = LNF_KIND_NUMBER,
     .fields = {LNF_FLD_MIN_TTL_, LNF_FLD_MAX_TTL_},
     .select = {[LNF_DIR_NONE] = 3}},
    NUMBER_ROW("min ttl", LNF_FLD_MIN_TTL_, 255),
    NUMBER_ROW("max ttl", LNF_FLD_MAX_TTL_, 255),
    NUMBER_ROW("ethertype", LNF_FLD_ETHERTYPE_, 65535),

    NUMBER_ROW("client latency", LNF_FLD_CLIENT_NW_DELAY_USEC, 0),
    NUMBER_ROW("server latency", LNF_FLD_SERVER_NW_DELAY_USEC, 0),
    NUMBER_ROW("app latency", LNF_FLD_APPL_LATENCY_USEC, 0),
    SYMBOL_ROW("asa event", LNF_FLD_FW_EVENT, 255, event_symbols),
    /* Before the one that implies more: it is also the field's own. */
    SYMBOL_ROW("asa xevent", LNF_FLD_FW_XEVENT, 0, denied_symbols),
    {.name = "asa event denied",
     .kind = LNF_KIND_NUMBER,
     .fields = {LNF_FLD_FW_XEVENT},
     .select = SELECT_ONE,
     .symbols = denied_symbols,
     .implied = LNF_IMPLIED_DENIED},
    SYMBOL_ROW("nat event", LNF_FLD_NAT_EVENT_, 255, nat_event_symbols),
    NUMBER_ROW("ingress acl", LNF_FLD_INGRESS_ACL_ID, 0),
    NUMBER_ROW("ingress ace", LNF_FLD_INGRESS_ACE_ID, 0),
    NUMBER_ROW("ingress xace", LNF_FLD_INGRESS_XACE_ID, 0),
    NUMBER_ROW("egress acl", LNF_FLD_EGRESS_ACL_ID, 0),
    NUMBER_ROW("egress ace", LNF_FLD_EGRESS_ACE_ID, 0),
    NUMBER_ROW("egress xace", LNF_FLD_EGRESS_XACE_ID, 0),
    NUMBER_ROW("ingress vrf", LNF_FLD_INGRESS_VRFID, 0),
    NUMBER_ROW("egress vrf", LNF_FLD_EGRESS_VRFID, 0),
    NUMBER_ROW("pblock start", LNF_FLD_BLOCK_START, 0),
    NUMBER_ROW("pblock end", LNF_FLD_BLOCK_END, 0),
    NUMBER_ROW("pblock step", LNF_FLD_BLOCK_STEP, 0),
    NUMBER_ROW("pblock size", LNF_FLD_BLOCK_SIZE, 0),

    MPLS_LABEL_ROWS(1),
    MPLS_LABEL_ROWS(2),
    MPLS_LABEL_ROWS(3),
    MPLS_LABEL_ROWS(4),
    MPLS_LABEL_ROWS(5),
    MPLS_LABEL_ROWS(6),
    MPLS_LABEL_ROWS(7),
    MPLS_LABEL_ROWS(8),
    MPLS_LABEL_ROWS(9),
    MPLS_LABEL_ROWS(10),
    MPLS_ROW("mpls eos", LNF_MPLS_BOTTOM, 0xffffff),
    MPLS_ROW("mpls any", LNF_MPLS_ANY, 0xffffff),

    /* What is no field; the one named is always there and costs nothing. */
    ONE_ROW("payload content", LNF_KIND_PAYLOAD, LNF_FLD_PROT),
    ONE_ROW("payload regex", LNF_KIND_REGEX, LNF_FLD_PROT),
    ONE_ROW("payload ja3", LNF_KIND_JA3, LNF_FLD_PROT),
    ONE_ROW("ident", LNF_KIND_IDENT, LNF_FLD_PROT),
    {.name = "count",
     .kind = LNF_KIND_COUNT,
     .fields = {LNF_FLD_PROT},
     .select = SELECT_ONE,
     .max = UINT64_MAX},
    ONE_ROW("flowlabel", LNF_KIND_LABEL, LNF_FLD_PROT),
    {.name = "mpls",
     .kind = LNF_KIND_UNSUPPORTED,
     .fields = {LNF_FLD_MPLS_LABEL},
     .why = "ask for 'mpls label1' to 'mpls label10', 'mpls exp1' to 'mpls exp10', 'mpls eos' or "
            "'mpls any'"},
    SIDES_ROW("geo", LNF_KIND_COUNTRY, LNF_FLD_SRCADDR, LNF_FLD_DSTADDR),
    UNSUPPORTED_ROW("payload", "ask for 'payload content', 'payload regex' or 'payload ja3'"),
};

#define TERM_COUNT (sizeof(terms) / sizeof(terms[0]))

static bool same_name(const char *known, const char *name, size_t length)
{
    return known != NULL && strncasecmp(known, name, length) == 0 && known[length] == '\0';
}

static const struct lnf_filter_term *find_row(const char *name, size_t length)
{
    for (size_t i = 0; i < TERM_COUNT; i++) {
        if (same_name(terms[i].name, name, length)) {
            return &terms[i];
        }
    }
    return NULL;
}

static const struct lnf_field *find_field(const char *name, size_t length)
{
    for (unsigned i = 0; i < lnf_field_count; i++) {
        const struct lnf_field *field = &lnf_field_table[i];
        if (same_name(field->name, name, length) || same_name(field->alias, name, length) ||
            same_name(field->ipfix_name, name, length) ||
            same_name(field->ipfix_name6, name, length)) {
            return field;
        }
    }
    return NULL;
}

/* A row that asks about the same field, whose kind, limits and names of values then hold as well.
 */
static const struct lnf_filter_term *row_of_field(int id)
{
    for (size_t i = 0; i < TERM_COUNT; i++) {
        if (terms[i].kind == LNF_KIND_UNSUPPORTED || terms[i].kind == LNF_KIND_FAMILY ||
            terms[i].kind == LNF_KIND_MPLS) {
            continue;
        }
        for (unsigned j = 0; j < LNF_TERM_FIELDS; j++) {
            if (terms[i].fields[j] == id) {
                return &terms[i];
            }
        }
    }
    return NULL;
}

static uint8_t kind_of_type(uint8_t type)
{
    switch (type) {
    case LNF_UINT8:
    case LNF_UINT16:
    case LNF_UINT32:
    case LNF_UINT64:
        return LNF_KIND_NUMBER;
    case LNF_DOUBLE:
        return LNF_KIND_REAL;
    case LNF_ADDR:
        return LNF_KIND_ADDRESS;
    case LNF_MAC:
        return LNF_KIND_MAC;
    case LNF_STRING:
        return LNF_KIND_STRING;
    default:
        return LNF_KIND_UNSUPPORTED;
    }
}

/* Makes the term of any field: `FIELD comparison VALUE` by type. */
static const struct lnf_filter_term *term_of_field(struct lnf_arena *arena,
                                                   const struct lnf_field *field)
{
    static const uint8_t one[LNF_DIR_COUNT] = SELECT_ONE;
    struct lnf_filter_term *term = lnf_arena_get(arena, sizeof(*term));
    const struct lnf_filter_term *like = row_of_field(field->id);

    if (term == NULL) {
        return NULL;
    }
    if (like != NULL) {
        *term = *like;
        memset(term->fields, 0, sizeof(term->fields));
    } else {
        term->kind = kind_of_type(field->type);
        term->why = "it is no number, address or text";
    }
    term->name = field->name;
    term->fields[0] = field->id;
    memcpy(term->select, one, sizeof(one));
    return term;
}

const struct lnf_filter_term *lnf_filter_term_find(struct lnf_arena *arena, const char *name,
                                                   size_t length, bool *no_memory)
{
    const struct lnf_filter_term *term = find_row(name, length);

    if (term != NULL) {
        return term;
    }
    const struct lnf_field *field = find_field(name, length);
    if (field == NULL) {
        return NULL;
    }
    term = find_row(field->name, strlen(field->name));
    if (term == NULL) {
        term = term_of_field(arena, field);
        *no_memory = term == NULL;
    }
    return term;
}

bool lnf_filter_term_begins(const char *name, size_t length)
{
    for (size_t i = 0; i < TERM_COUNT; i++) {
        if (strncasecmp(terms[i].name, name, length) == 0 && terms[i].name[length] == ' ') {
            return true;
        }
    }
    return false;
}

bool lnf_filter_symbol_find(const struct lnf_filter_symbol *symbols, const char *name,
                            size_t length, uint32_t *value)
{
    for (; symbols != NULL && symbols->name != NULL; symbols++) {
        if (same_name(symbols->name, name, length)) {
            *value = symbols->value;
            return true;
        }
    }
    return false;
}

/* ---- misspelt names -------------------------------------------------------------------------- */

#define SUGGEST_LENGTH 20u

/* Letters to insert, delete or change to make one word of the other. */
static unsigned distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    unsigned row[SUGGEST_LENGTH + 1];

    for (unsigned j = 0; j <= b_length; j++) {
        row[j] = j;
    }
    for (unsigned i = 1; i <= a_length; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= b_length; j++) {
            unsigned change =
                diagonal + (tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]));
            unsigned step = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < step ? change : step;
        }
    }
    return row[b_length];
}

static void consider(const char *known, const char *name, size_t length, unsigned *least,
                     const char **best)
{
    size_t known_length = known == NULL ? 0 : strlen(known);

    if (known_length == 0 || known_length > SUGGEST_LENGTH) {
        return;
    }
    unsigned d = distance(name, length, known, known_length);
    if (d < *least) {
        *least = d;
        *best = known;
    }
}

const char *lnf_filter_term_suggest(const char *name, size_t length)
{
    const char *best = NULL;
    unsigned least = length < 4 ? 2 : 3; /* more than one or two letters apart is no likeness */

    if (length < 2 || length > SUGGEST_LENGTH) {
        return NULL;
    }
    for (size_t i = 0; i < TERM_COUNT; i++) {
        consider(terms[i].name, name, length, &least, &best);
    }
    for (unsigned i = 0; i < lnf_field_count; i++) {
        consider(lnf_field_table[i].name, name, length, &least, &best);
    }
    return best;
}
