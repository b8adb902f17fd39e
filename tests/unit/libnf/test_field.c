/* SPDX-License-Identifier: BSD-3-Clause */
/** The table of fields: complete, consistent with the table of elements, found by every name. */
#include "element.h"
#include "field.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static unsigned type_octets(const struct lnf_field *field)
{
    switch (field->type) {
    case LNF_UINT8:
        return 1;
    case LNF_UINT16:
        return 2;
    case LNF_UINT32:
        return 4;
    default:
        return 8;
    }
}

START_TEST(test_ascending_and_found)
{
    int previous = 0;
    for (unsigned i = 0; i < lnf_field_count; i++) {
        const struct lnf_field *field = &lnf_field_table[i];
        ck_assert_int_gt(field->id, previous);
        previous = field->id;
        ck_assert_ptr_eq(lnf_field_get(field->id), field);
        ck_assert_ptr_eq(lnf_field_find(field->name, strlen(field->name)), field);
        ck_assert(strlen(field->description) > 0);
        if (field->alias != NULL) {
            ck_assert_ptr_eq(lnf_field_find(field->alias, strlen(field->alias)), field);
        }
        if (field->alias_id != 0) {
            ck_assert_ptr_eq(lnf_field_get(field->alias_id), field);
        }
        if (field->ipfix_name != NULL) {
            ck_assert_ptr_eq(lnf_field_find(field->ipfix_name, strlen(field->ipfix_name)), field);
            ck_assert_uint_gt(field->ipfix_id, 0);
        }
        ck_assert_int_eq(field->ipfix_name6 != NULL, field->ipfix_id6 != 0);
    }
}
END_TEST

START_TEST(test_every_public_field)
{
    for (int id = LNF_FLD_FIRST; id <= LNF_FLD_SAMPLER_ID; id++) {
        ck_assert_msg(lnf_field_get(id) != NULL, "field 0x%x", (unsigned)id);
    }
    for (int id = LNF_FLD_CALC_DURATION; id <= LNF_FLD_CALC_BPP; id++) {
        ck_assert_ptr_nonnull(lnf_field_get(id));
    }
    for (int id = LNF_FLD_PAIR_PORT; id <= LNF_FLD_PAIR_VLAN; id++) {
        const struct lnf_field *field = lnf_field_get(id);
        ck_assert_ptr_nonnull(field);
        ck_assert_int_eq(field->source, LNF_SOURCE_PAIR);
        const struct lnf_field *src = lnf_field_get(field->pair_src);
        const struct lnf_field *dst = lnf_field_get(field->pair_dst);
        ck_assert_int_eq(src->type, field->type);
        ck_assert_int_eq(dst->type, field->type);
    }
    ck_assert_ptr_nonnull(lnf_field_get(LNF_FLD_BREC1));
    ck_assert_ptr_null(lnf_field_get(LNF_FLD_ZERO_));
    ck_assert_ptr_null(lnf_field_get(-1));
    ck_assert_ptr_null(lnf_field_get(LNF_FLD_TERM_));
    ck_assert_ptr_null(lnf_field_get(0x62));
    ck_assert_ptr_null(lnf_field_get(0x10000));
}
END_TEST

START_TEST(test_places_inside_elements)
{
    for (unsigned i = 0; i < lnf_field_count; i++) {
        const struct lnf_field *field = &lnf_field_table[i];
        if (field->source == LNF_SOURCE_HEADER) {
            ck_assert_uint_le(field->offset + field->width, LNF_RECORD_HEADER_SIZE);
        }
        if (field->source != LNF_SOURCE_ELEMENT || field->element == 0) {
            ck_assert_uint_eq(field->element, 0);
            continue;
        }
        const struct lnf_element *element = lnf_element_get(field->element);
        ck_assert_ptr_nonnull(element->name);
        ck_assert_msg(field->offset + field->width <= element->size, "%s", field->name);
        if (field->element6 != 0) {
            unsigned width6 = field->type == LNF_ADDR ? 16 : field->width;
            ck_assert_msg(field->offset6 + width6 <= lnf_element_get(field->element6)->size, "%s",
                          field->name);
        }
        if (field->type == LNF_UINT8 || field->type == LNF_UINT64) {
            ck_assert_msg(field->width == type_octets(field), "%s", field->name);
        }
    }
}
END_TEST

START_TEST(test_no_two_fields_share_octets)
{
    /* Names for the same octets on purpose: exporter and router, domain, event, ACL structs. */
    static const int twins[] = {LNF_FLD_EXPORTER_IP,         LNF_FLD_INGRESS_ACL,
                                LNF_FLD_EGRESS_ACL,          LNF_FLD_NFVERSION_,
                                LNF_FLD_OBSERVATION_DOMAIN_, 0};
    uint8_t used[LNF_ELEMENT_COUNT][128] = {{0}};

    for (unsigned i = 0; i < lnf_field_count; i++) {
        const struct lnf_field *field = &lnf_field_table[i];
        bool twin = false;
        for (unsigned t = 0; twins[t] != 0; t++) {
            twin = twin || twins[t] == field->id;
        }
        if (field->element == 0 || twin) {
            continue;
        }
        for (unsigned o = field->offset; o < field->offset + field->width; o++) {
            ck_assert_msg(used[field->element][o]++ == 0, "%s at %u", field->name, o);
        }
    }
}
END_TEST

START_TEST(test_corrected_slips)
{
    ck_assert_int_eq(lnf_field_find("exporterip", 10)->id, LNF_FLD_EXPORTER_IP);
    ck_assert_int_eq(lnf_field_find("exporterid", 10)->id, LNF_FLD_EXPORTER_ID);
    ck_assert_int_eq(lnf_field_find("sequencefailures", 16)->id, LNF_FLD_SEQUENCE_FAILURES);
    ck_assert_int_eq(lnf_field_find("samplerinterval", 15)->id, LNF_FLD_SAMPLER_INTERVAL);
    ck_assert_int_eq(lnf_field_get(LNF_FLD_PAIR_IF)->pair_src, LNF_FLD_INPUT);
    ck_assert_int_eq(lnf_field_get(LNF_FLD_PAIR_IF)->type, LNF_UINT32);
    ck_assert_int_eq(lnf_field_get(LNF_FLD_ICMP_TYPE)->source, LNF_SOURCE_COMPUTED);
}
END_TEST

START_TEST(test_names_are_exact)
{
    ck_assert_ptr_null(lnf_field_find("srci", 4));
    ck_assert_ptr_null(lnf_field_find("SrcIP", 5));
    ck_assert_ptr_null(lnf_field_find("", 0));
    ck_assert_int_eq(lnf_field_find("srcip/24", 5)->id, LNF_FLD_SRCADDR);
    ck_assert_int_eq(lnf_field_find("sourceIPv6Address", 17)->id, LNF_FLD_SRCADDR);
}
END_TEST

/* ---- every row ------------------------------------------------------------------------------- */

/** What libnf.h tells of a field: names, type, use, Information Elements of IPv4 and IPv6. */
static const struct row {
    int id;
    const char *name, *alias;
    int type;
    bool key;
    int sort, aggr;
    const char *ipfix[2];
    int number[2];
} rows[] = {
    {LNF_FLD_FIRST,
     "first",
     NULL,
     LNF_UINT64,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"flowStartSysUpTime", NULL},
     {22, 0}},
    {LNF_FLD_LAST,
     "last",
     NULL,
     LNF_UINT64,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MAX,
     {"flowEndSysUpTime", NULL},
     {21, 0}},
    {LNF_FLD_RECEIVED,
     "received",
     "collectionTimeMillisecondse",
     LNF_UINT64,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MAX,
     {"collectionTimeMilliseconds", NULL},
     {258, 0}},
    {LNF_FLD_DOCTETS,
     "bytes",
     NULL,
     LNF_UINT64,
     true,
     LNF_SORT_DESC,
     LNF_AGGR_SUM,
     {"octetDeltaCount", NULL},
     {1, 0}},
    {LNF_FLD_DPKTS,
     "packets",
     "pkts",
     LNF_UINT64,
     true,
     LNF_SORT_DESC,
     LNF_AGGR_SUM,
     {"packetDeltaCount", NULL},
     {2, 0}},
    {LNF_FLD_OUT_BYTES,
     "outbytes",
     NULL,
     LNF_UINT64,
     true,
     LNF_SORT_DESC,
     LNF_AGGR_SUM,
     {"postOctetDeltaCount", NULL},
     {23, 0}},
    {LNF_FLD_OUT_PKTS,
     "outpackets",
     "outpkts",
     LNF_UINT64,
     true,
     LNF_SORT_DESC,
     LNF_AGGR_SUM,
     {"postPacketDeltaCount", NULL},
     {24, 0}},
    {LNF_FLD_AGGR_FLOWS,
     "flows",
     NULL,
     LNF_UINT64,
     true,
     LNF_SORT_DESC,
     LNF_AGGR_SUM,
     {"deltaFlowCount", NULL},
     {3, 0}},
    {LNF_FLD_SRCPORT,
     "srcport",
     NULL,
     LNF_UINT16,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"sourceTransportPort", NULL},
     {7, 0}},
    {LNF_FLD_DSTPORT,
     "dstport",
     NULL,
     LNF_UINT16,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"destinationTransportPort", NULL},
     {11, 0}},
    {LNF_FLD_TCP_FLAGS,
     "flags",
     "tcpflags",
     LNF_UINT8,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_OR,
     {"tcpControlBits", NULL},
     {6, 0}},
    {LNF_FLD_SRCADDR,
     "srcip",
     "srcnet",
     LNF_ADDR,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_AUTO,
     {"sourceIPv4Address", "sourceIPv6Address"},
     {8, 27}},
    {LNF_FLD_DSTADDR,
     "dstip",
     "dstnet",
     LNF_ADDR,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_AUTO,
     {"destinationIPv4Address", "destinationIPv6Address"},
     {12, 28}},
    {LNF_FLD_IP_NEXTHOP,
     "nextip",
     "nexthop",
     LNF_ADDR,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_AUTO,
     {"ipNextHopIPv4Address", "ipNextHopIPv6Address"},
     {15, 62}},
    {LNF_FLD_SRC_MASK,
     "srcmask",
     NULL,
     LNF_UINT8,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"sourceIPv4PrefixLength", "sourceIPv6PrefixLength"},
     {9, 29}},
    {LNF_FLD_DST_MASK,
     "dstmask",
     NULL,
     LNF_UINT8,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"destinationIPv4PrefixLength", "destinationIPv6PrefixLength"},
     {13, 30}},
    {LNF_FLD_TOS,
     "tos",
     NULL,
     LNF_UINT8,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"ipClassOfService", NULL},
     {5, 0}},
    {LNF_FLD_DST_TOS,
     "dsttos",
     NULL,
     LNF_UINT8,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"postIpClassOfService", NULL},
     {55, 0}},
    {LNF_FLD_SRCAS,
     "srcas",
     NULL,
     LNF_UINT32,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"bgpSourceAsNumber", NULL},
     {16, 0}},
    {LNF_FLD_DSTAS,
     "dstas",
     NULL,
     LNF_UINT32,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"bgpDestinationAsNumber", NULL},
     {17, 0}},
    {LNF_FLD_BGPNEXTADJACENTAS,
     "nextas",
     NULL,
     LNF_UINT32,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"bgpNextAdjacentAsNumber", NULL},
     {128, 0}},
    {LNF_FLD_BGPPREVADJACENTAS,
     "prevas",
     NULL,
     LNF_UINT32,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"bgpPrevAdjacentAsNumber", NULL},
     {129, 0}},
    {LNF_FLD_BGP_NEXTHOP,
     "bgpnexthop",
     NULL,
     LNF_ADDR,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_AUTO,
     {"bgpNextHopIPv4Address", "bgpNextHopIPv6Address"},
     {18, 63}},
    {LNF_FLD_PROT,
     "proto",
     NULL,
     LNF_UINT8,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"protocolIdentifier", NULL},
     {4, 0}},
    {LNF_FLD_SRC_VLAN,
     "srcvlan",
     NULL,
     LNF_UINT16,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"vlanId", NULL},
     {58, 0}},
    {LNF_FLD_DST_VLAN,
     "dstvlan",
     NULL,
     LNF_UINT16,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"postVlanId", NULL},
     {59, 0}},
    {LNF_FLD_IN_SRC_MAC,
     "insrcmac",
     NULL,
     LNF_MAC,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_AUTO,
     {"sourceMacAddress", NULL},
     {56, 0}},
    {LNF_FLD_OUT_SRC_MAC,
     "outsrcmac",
     NULL,
     LNF_MAC,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_AUTO,
     {"destinationMacAddress", NULL},
     {80, 0}},
    {LNF_FLD_IN_DST_MAC,
     "indstmac",
     NULL,
     LNF_MAC,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_AUTO,
     {"postSourceMacAddress", NULL},
     {81, 0}},
    {LNF_FLD_OUT_DST_MAC,
     "outdstmac",
     NULL,
     LNF_MAC,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_AUTO,
     {"postDestinationMacAddress", NULL},
     {57, 0}},
    {LNF_FLD_MPLS_LABEL,
     "mpls",
     NULL,
     LNF_MPLS,
     false,
     LNF_SORT_NONE,
     LNF_AGGR_AUTO,
     {NULL, NULL},
     {0, 0}},
    {LNF_FLD_INPUT,
     "inif",
     NULL,
     LNF_UINT32,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"ingressInterface", NULL},
     {10, 0}},
    {LNF_FLD_OUTPUT,
     "outif",
     NULL,
     LNF_UINT32,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"egressInterface", NULL},
     {14, 0}},
    {LNF_FLD_DIR,
     "dir",
     NULL,
     LNF_UINT8,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"flowDirection", NULL},
     {61, 0}},
    {LNF_FLD_FWD_STATUS,
     "fwd",
     NULL,
     LNF_UINT8,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"forwardingStatus", NULL},
     {89, 0}},
    {LNF_FLD_IP_ROUTER,
     "routerip",
     "router",
     LNF_ADDR,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_AUTO,
     {"exporterIPv4Address", "exporterIPv6Address"},
     {130, 131}},
    {LNF_FLD_ENGINE_TYPE,
     "engine-type",
     "systype",
     LNF_UINT8,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"engineType", NULL},
     {38, 0}},
    {LNF_FLD_ENGINE_ID,
     "engine-id",
     "sysid",
     LNF_UINT8,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"engineId", NULL},
     {39, 0}},
    {LNF_FLD_EVENT_TIME,
     "eventtime",
     NULL,
     LNF_UINT64,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {NULL, NULL},
     {0, 0}},
    {LNF_FLD_CONN_ID,
     "connid",
     NULL,
     LNF_UINT32,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"flowId", NULL},
     {148, 0}},
    {LNF_FLD_ICMP_CODE,
     "icmp-code",
     "icmpcode",
     LNF_UINT8,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"icmpCodeIPv4", "icmpCodeIPv6"},
     {177, 179}},
    {LNF_FLD_ICMP_TYPE,
     "icmp-type",
     "icmptype",
     LNF_UINT8,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"icmpTypeIPv4", "icmpTypeIPv6"},
     {176, 178}},
    {LNF_FLD_FW_XEVENT,
     "xevent",
     NULL,
     LNF_UINT16,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"firewallEvent", NULL},
     {233, 0}},
    {LNF_FLD_XLATE_SRC_IP,
     "xsrcip",
     NULL,
     LNF_ADDR,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_AUTO,
     {"postNATSourceIPv4Address", "postNATSourceIPv6Address"},
     {225, 281}},
    {LNF_FLD_XLATE_DST_IP,
     "xdstip",
     NULL,
     LNF_ADDR,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_AUTO,
     {"postNATDestinationIPv4Address", "postNATDestinationIPv6Address"},
     {226, 282}},
    {LNF_FLD_XLATE_SRC_PORT,
     "xsrcport",
     NULL,
     LNF_UINT16,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"postNAPTSourceTransportPort", NULL},
     {227, 0}},
    {LNF_FLD_XLATE_DST_PORT,
     "xdstport",
     NULL,
     LNF_UINT16,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"postNAPTDestinationTransportPort", NULL},
     {228, 0}},
    {LNF_FLD_INGRESS_ACL_ID,
     "iacl",
     NULL,
     LNF_UINT32,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {NULL, NULL},
     {0, 0}},
    {LNF_FLD_INGRESS_ACE_ID,
     "iace",
     NULL,
     LNF_UINT32,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {NULL, NULL},
     {0, 0}},
    {LNF_FLD_INGRESS_XACE_ID,
     "ixace",
     NULL,
     LNF_UINT32,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {NULL, NULL},
     {0, 0}},
    {LNF_FLD_EGRESS_ACL_ID,
     "eacl",
     NULL,
     LNF_UINT32,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {NULL, NULL},
     {0, 0}},
    {LNF_FLD_EGRESS_ACE_ID,
     "eace",
     NULL,
     LNF_UINT32,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {NULL, NULL},
     {0, 0}},
    {LNF_FLD_EGRESS_XACE_ID,
     "exace",
     NULL,
     LNF_UINT32,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {NULL, NULL},
     {0, 0}},
    {LNF_FLD_USERNAME,
     "username",
     NULL,
     LNF_STRING,
     false,
     LNF_SORT_NONE,
     LNF_AGGR_AUTO,
     {"userName", NULL},
     {371, 0}},
    {LNF_FLD_INGRESS_VRFID,
     "ingressvrfid",
     NULL,
     LNF_UINT32,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"ingressVRFID", NULL},
     {234, 0}},
    {LNF_FLD_EVENT_FLAG,
     "eventflag",
     NULL,
     LNF_UINT8,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {NULL, NULL},
     {0, 0}},
    {LNF_FLD_EGRESS_VRFID,
     "egressvrfid",
     NULL,
     LNF_UINT32,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"egressVRFID", NULL},
     {235, 0}},
    {LNF_FLD_BLOCK_START,
     "blockstart",
     NULL,
     LNF_UINT16,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"portRangeStart", NULL},
     {361, 0}},
    {LNF_FLD_BLOCK_END,
     "blockend",
     NULL,
     LNF_UINT16,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"portRangeEnd", NULL},
     {362, 0}},
    {LNF_FLD_BLOCK_STEP,
     "blockstep",
     NULL,
     LNF_UINT16,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"portRangeStepSize", NULL},
     {363, 0}},
    {LNF_FLD_BLOCK_SIZE,
     "blocksize",
     NULL,
     LNF_UINT16,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"portRangeNumPorts", NULL},
     {364, 0}},
    {LNF_FLD_CLIENT_NW_DELAY_USEC,
     "cl",
     NULL,
     LNF_UINT64,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {NULL, NULL},
     {0, 0}},
    {LNF_FLD_SERVER_NW_DELAY_USEC,
     "sl",
     NULL,
     LNF_UINT64,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {NULL, NULL},
     {0, 0}},
    {LNF_FLD_APPL_LATENCY_USEC,
     "al",
     NULL,
     LNF_UINT64,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {NULL, NULL},
     {0, 0}},
    {LNF_FLD_FW_EVENT,
     "event",
     NULL,
     LNF_UINT8,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {NULL, NULL},
     {0, 0}},
    {LNF_FLD_INGRESS_ACL,
     "ingressacl",
     NULL,
     LNF_ACL,
     false,
     LNF_SORT_NONE,
     LNF_AGGR_AUTO,
     {NULL, NULL},
     {0, 0}},
    {LNF_FLD_EGRESS_ACL,
     "egressacl",
     NULL,
     LNF_ACL,
     false,
     LNF_SORT_NONE,
     LNF_AGGR_AUTO,
     {NULL, NULL},
     {0, 0}},
    {LNF_FLD_INET_FAMILY,
     "inetfamily",
     NULL,
     LNF_UINT32,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {"ipVersion", NULL},
     {60, 0}},
    {LNF_FLD_EXPORTER_IP,
     "exporterip",
     NULL,
     LNF_ADDR,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_AUTO,
     {NULL, NULL},
     {0, 0}},
    {LNF_FLD_EXPORTER_ID,
     "exporterid",
     NULL,
     LNF_UINT32,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {NULL, NULL},
     {0, 0}},
    {LNF_FLD_EXPORTER_VERSION,
     "exporterversion",
     NULL,
     LNF_UINT32,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {NULL, NULL},
     {0, 0}},
    {LNF_FLD_SEQUENCE_FAILURES,
     "sequencefailures",
     NULL,
     LNF_UINT32,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_SUM,
     {NULL, NULL},
     {0, 0}},
    {LNF_FLD_SAMPLER_MODE,
     "samplermode",
     NULL,
     LNF_UINT16,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {NULL, NULL},
     {0, 0}},
    {LNF_FLD_SAMPLER_INTERVAL,
     "sampleinterval",
     "samplerinterval",
     LNF_UINT32,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {NULL, NULL},
     {0, 0}},
    {LNF_FLD_SAMPLER_ID,
     "samplerid",
     NULL,
     LNF_UINT32,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_MIN,
     {NULL, NULL},
     {0, 0}},
    {LNF_FLD_CALC_DURATION,
     "duration",
     NULL,
     LNF_UINT64,
     true,
     LNF_SORT_ASC,
     LNF_AGGR_AUTO,
     {NULL, NULL},
     {0, 0}},
    {LNF_FLD_CALC_BPS,
     "bps",
     NULL,
     LNF_DOUBLE,
     false,
     LNF_SORT_DESC,
     LNF_AGGR_AUTO,
     {NULL, NULL},
     {0, 0}},
    {LNF_FLD_CALC_PPS,
     "pps",
     NULL,
     LNF_DOUBLE,
     false,
     LNF_SORT_DESC,
     LNF_AGGR_AUTO,
     {NULL, NULL},
     {0, 0}},
    {LNF_FLD_CALC_BPP,
     "bpp",
     NULL,
     LNF_DOUBLE,
     false,
     LNF_SORT_ASC,
     LNF_AGGR_AUTO,
     {NULL, NULL},
     {0, 0}},
    {LNF_FLD_BREC1,
     "brec1",
     NULL,
     LNF_BASIC_RECORD1,
     false,
     LNF_SORT_NONE,
     LNF_AGGR_AUTO,
     {NULL, NULL},
     {0, 0}},
    {LNF_FLD_PAIR_PORT,
     "port",
     NULL,
     LNF_UINT16,
     true,
     LNF_SORT_NONE,
     LNF_AGGR_MIN,
     {NULL, NULL},
     {0, 0}},
    {LNF_FLD_PAIR_ADDR,
     "ip",
     "net",
     LNF_ADDR,
     true,
     LNF_SORT_NONE,
     LNF_AGGR_AUTO,
     {NULL, NULL},
     {0, 0}},
    {LNF_FLD_PAIR_AS,
     "as",
     NULL,
     LNF_UINT32,
     true,
     LNF_SORT_NONE,
     LNF_AGGR_MIN,
     {NULL, NULL},
     {0, 0}},
    {LNF_FLD_PAIR_IF,
     "if",
     NULL,
     LNF_UINT32,
     true,
     LNF_SORT_NONE,
     LNF_AGGR_MIN,
     {NULL, NULL},
     {0, 0}},
    {LNF_FLD_PAIR_VLAN,
     "vlan",
     NULL,
     LNF_UINT16,
     true,
     LNF_SORT_NONE,
     LNF_AGGR_MIN,
     {NULL, NULL},
     {0, 0}},
};

#define ROW_COUNT ((int)(sizeof(rows) / sizeof(rows[0])))

static int int_of(int field, int info)
{
    int value = -1;

    ck_assert_int_eq(lnf_fld_info(field, info, &value, sizeof(value)), LNF_OK);
    return value;
}

/** The Information Element for IPv4 (0) or IPv6 (1). */
static void check_ipfix(const struct row *row, int family)
{
    static const int infos[2][3] = {
        {LNF_FLD_INFO_IPFIX_NAME, LNF_FLD_INFO_IPFIX_EID, LNF_FLD_INFO_IPFIX_ID},
        {LNF_FLD_INFO_IPFIX_NAME6, LNF_FLD_INFO_IPFIX_EID6, LNF_FLD_INFO_IPFIX_ID6}};
    const int *info = infos[family];
    char text[100];

    if (row->ipfix[family] == NULL) {
        for (unsigned i = 0; i < 3; i++) {
            ck_assert_int_eq(lnf_fld_info(row->id, info[i], text, sizeof(text)), LNF_ERR_NOTSET);
        }
        return;
    }
    ck_assert_int_eq(lnf_fld_info(row->id, info[0], text, sizeof(text)), LNF_OK);
    ck_assert_str_eq(text, row->ipfix[family]);
    ck_assert_int_eq(int_of(row->id, info[1]), 0);
    ck_assert_int_eq(int_of(row->id, info[2]), row->number[family]);
    ck_assert_int_eq(lnf_fld_parse(text, NULL, NULL), row->id);
}

START_TEST(test_row)
{
    const struct row *row = &rows[_i];
    char text[100];

    ck_assert_int_eq(lnf_fld_info(row->id, LNF_FLD_INFO_NAME, text, sizeof(text)), LNF_OK);
    ck_assert_str_eq(text, row->name);
    ck_assert_int_eq(lnf_fld_parse(row->name, NULL, NULL), row->id);
    if (row->alias != NULL) {
        ck_assert_msg(lnf_fld_parse(row->alias, NULL, NULL) == row->id, "%s", row->alias);
    } else {
        ck_assert_ptr_null(lnf_field_get(row->id)->alias);
    }
    ck_assert_int_eq(lnf_fld_type(row->id), row->type);
    ck_assert_int_eq(int_of(row->id, LNF_FLD_INFO_TYPE), row->type);
    ck_assert_int_eq(int_of(row->id, LNF_FLD_INFO_AGGR), row->aggr);
    ck_assert_int_eq(int_of(row->id, LNF_FLD_INFO_SORT), row->sort);
    ck_assert_int_eq(lnf_field_get(row->id)->key, row->key);
    check_ipfix(row, 0);
    check_ipfix(row, 1);
}
END_TEST

/** The rows above are all there are, and lists name aliases by numbers of their own. */
START_TEST(test_list)
{
    static const struct {
        int id;
        const char *name;
    } aliases[] = {{0x60, "pkts"},     {0x61, "outpkts"}, {0x63, "nexthop"},  {0x64, "router"},
                   {0x65, "systype"},  {0x66, "sysid"},   {0x67, "icmpcode"}, {0x68, "icmptype"},
                   {0x69, "tcpflags"}, {0x70, "srcnet"},  {0x71, "dstnet"},   {0xc5, "net"}};
    const int alias_count = sizeof(aliases) / sizeof(aliases[0]);
    int list[256], count = 0;
    char text[100];

    ck_assert_int_eq(lnf_fld_info(0, LNF_FLD_INFO_FIELDS, list, sizeof(list)), LNF_OK);
    while (list[count] != LNF_FLD_TERM_) {
        count++;
    }
    ck_assert_int_eq(count, ROW_COUNT + alias_count);
    for (int i = 0; i < alias_count; i++) {
        bool listed = false;
        for (int at = 0; at < count; at++) {
            listed = listed || list[at] == aliases[i].id;
        }
        ck_assert_msg(listed, "%s", aliases[i].name);
        ck_assert_int_eq(lnf_fld_info(aliases[i].id, LNF_FLD_INFO_NAME, text, sizeof(text)),
                         LNF_OK);
        ck_assert_str_eq(text, aliases[i].name);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("field");
    TCase *tc = tcase_create("table");
    tcase_add_test(tc, test_ascending_and_found);
    tcase_add_test(tc, test_every_public_field);
    tcase_add_test(tc, test_places_inside_elements);
    tcase_add_test(tc, test_no_two_fields_share_octets);
    tcase_add_test(tc, test_corrected_slips);
    tcase_add_test(tc, test_names_are_exact);
    tcase_add_loop_test(tc, test_row, 0, ROW_COUNT);
    tcase_add_test(tc, test_list);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
