# SPDX-License-Identifier: BSD-3-Clause
"""Exports of the sample corpus of which the collector makes something else than the reference decoder
that came with them, on purpose: what it makes of them."""

DIFFERENT = {
    # A Set runs past its message: a malformed message is discarded whole (RFC 7011 section 9.1).
    "ipfix_vflow": {
        "messages": 2, "templates": 1, "options_templates": 1, "data_records": 0, "sum_packets": 0,
        "sum_bytes": 0, "records_by_template": {}},
    # Data stand before their template in one datagram. Nothing is gained by losing them.
    "nf9_akv_data_templates": {
        "data_records": 21, "sets_without_template": 0, "sum_packets": 66, "sum_bytes": 58329,
        "records_by_template": {"17170432/256": 1, "17170432/257": 21}},
}
