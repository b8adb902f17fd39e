# SPDX-License-Identifier: BSD-3-Clause
"""Writes and reads IPFIX Messages in a few lines, independently of the code under test."""
import struct


def template_set(*templates):
    """templates: (id, [(element, length), ...])"""
    body = b""
    for tid, fields in templates:
        body += struct.pack("!HH", tid, len(fields))
        for element, length in fields:
            body += struct.pack("!HH", element, length)
    return struct.pack("!HH", 2, 4 + len(body)) + body


def data_set(tid, records):
    body = b"".join(records)
    return struct.pack("!HH", tid, 4 + len(body)) + body


def message(sets, odid=1, seq=0, time=1000):
    body = b"".join(sets)
    return struct.pack("!HHIII", 10, 16 + len(body), time, seq, odid) + body


def split(stream):
    """Whole messages at the start of the octets, and the rest."""
    messages = []
    at = 0
    while len(stream) - at >= 16:
        version, length = struct.unpack_from("!HH", stream, at)
        assert version == 10 and length >= 16, f"bad framing at {at}: version {version}"
        if len(stream) - at < length:
            break
        messages.append(bytes(stream[at:at + length]))
        at += length
    return messages, stream[at:]


class Session:
    """Decodes the messages of one Transport Session; checks that rules of the protocol hold."""

    def __init__(self):
        self.templates = {}
        self.records = []          # (odid, {element: octets})
        self.expected = {}         # odid -> sequence
        self.problems = []
        self.messages = 0
        self.withdrawals = 0
        self.announcements = 0

    def feed(self, msg):
        _, length, time, seq, odid = struct.unpack_from("!HHIII", msg)
        self.messages += 1
        if seq != self.expected.get(odid, 0):
            self.problems.append(f"odid {odid}: sequence {seq}, expected {self.expected.get(odid, 0)}")
        at = 16
        count = 0
        while at < length:
            sid, slen = struct.unpack_from("!HH", msg, at)
            if slen < 4 or at + slen > length:
                self.problems.append(f"set {sid} of {slen} octets does not fit")
                break
            body = msg[at + 4:at + slen]
            if sid == 2:
                self._templates(odid, body)
            elif sid >= 256:
                count += self._data(odid, sid, body)
            at += slen
        self.expected[odid] = (seq + count) & 0xFFFFFFFF

    def _templates(self, odid, body):
        at = 0
        while at + 4 <= len(body):
            tid, n = struct.unpack_from("!HH", body, at)
            at += 4
            if n == 0:
                self.withdrawals += 1
                if self.templates.pop((odid, tid), None) is None:
                    self.problems.append(f"withdrawal of unknown template {tid}")
                continue
            fields = []
            for _ in range(n):
                element, flen = struct.unpack_from("!HH", body, at)
                at += 4
                if element & 0x8000:
                    at += 4
                fields.append((element, flen))
            old = self.templates.get((odid, tid))
            if old is not None and old != fields:
                self.problems.append(f"template {tid} redefined without withdrawal")
            self.announcements += 1
            self.templates[(odid, tid)] = fields

    def _data(self, odid, tid, body):
        fields = self.templates.get((odid, tid))
        if fields is None:
            self.problems.append(f"odid {odid}: data set {tid} before its template")
            return 0
        at = 0
        count = 0
        least = sum(1 if n == 65535 else n for _, n in fields)
        while len(body) - at >= least:
            record = {}
            for element, n in fields:
                if n == 65535:
                    n = body[at]
                    at += 1
                    if n == 255:
                        n = struct.unpack_from("!H", body, at)[0]
                        at += 2
                record[element] = body[at:at + n]
                at += n
            self.records.append((odid, record))
            count += 1
        return count
