#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""records.py WEIR CAPTURE

What stands in templates and records (RFC 7011, sections 6 and 7, RFC 5103, RFC 5610), octet by
octet, of a capture and of packets made for it. The numbers in brackets are those of
checklist.tsv."""

import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest

from session import (PEN_REVERSE, VARIABLE, Session, integer, must_replay, value)  # fmt: skip

import capture as capture_file
import ipfix_check
from make_pcap import ACK, FIN, SECOND, SYN, Talk
from replay import time_ns

WEIR = CAPTURE = ""  # set from the command line
PEN = 32473
LAYOUTS = ("standard", "biflow", "quality", "full", "ntop")
NTOP = 35632
KEYS = {4, 7, 8, 11, 12, 27, 28, 58, 60}
START_MS, END_MS, END_REASON, BIFLOW_DIRECTION = 152, 153, 136, 239
NAME = 82
OCTETS, PACKETS, OCTETS_TOTAL, PACKETS_TOTAL = 1, 2, 85, 86
ELEMENTS = ipfix_check.load_elements()
# Octets of the types whose length may not be another.
FIXED = {"ipv4Address": 4, "ipv6Address": 16, "macAddress": 6, "boolean": 1, "dateTimeSeconds": 4,
         "dateTimeMilliseconds": 8, "dateTimeMicroseconds": 8,
         "dateTimeNanoseconds": 8}  # fmt: skip
# IANA's registry says in words how long these are.
OCTETS_3 = {70}
WIDE = "\u00e9\u4e2d" * 80  # 400 octets, no two characters of which begin alike


def told(path, *words):
    """(session, lines of JSON, account) of a replay into files."""
    with tempfile.TemporaryDirectory() as folder:
        names = [os.path.join(folder, name) for name in ("ipfix", "json", "account")]
        must_replay(WEIR, path, *words, "--to", f"ipfix+file:{names[0]}", "--to",
                    f"json+file:{names[1]}", "--json-stats", names[2])
        with open(names[0], "rb") as file:
            session = Session(file.read())
        with open(names[1], encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        with open(names[2], encoding="utf-8") as file:
            return session, lines, json.load(file)


def told_of(frames, *words):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "made.pcap")
        capture_file.write(path, frames)
        return told(path, *words)


def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))


def option(code, octets):
    return struct.pack("<HH", code, len(octets)) + octets + b"\0" * (-len(octets) % 4)


def named_capture(path, name):
    """A pcapng file of one packet, by an interface with that name."""
    packet = Talk().udp(0)
    ticks = packet.time_ns // 1000
    frame = struct.pack("<IIIII", 0, ticks >> 32, ticks & 0xFFFFFFFF, *[len(packet.data)] * 2)
    with open(path, "wb") as file:
        file.write(block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
                   + block(1, struct.pack("<HHI", 1, 0, 0) + option(2, name)
                           + option(0, b""))
                   + block(6, frame + packet.data))  # fmt: skip


class TemplatesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.told = {layout: told(CAPTURE, "--template", layout) for layout in LAYOUTS}

    def each(self):
        for layout, (session, _, _) in self.told.items():
            yield layout, session

    def fields(self):
        for layout, session in self.each():
            for template in session.layouts():
                for field in template.fields:
                    yield f"{layout} {template.number} {field}", field

    def values(self, *kinds):
        """Octets of the fields of those types."""
        for layout, session in self.each():
            for record in session.records:
                for field, octets in zip(record.template.fields, record.values):
                    element = ELEMENTS.get((field.pen, field.number))
                    if element and element.kind in kinds:
                        yield layout, element, octets

    def test_lengths(self):
        """only integers and long fractions are shorter than their type [22]"""
        for name, field in self.fields():
            element = ELEMENTS.get((field.pen, field.number))
            if field.pen == NTOP or element is None:
                continue
            size = ipfix_check.SIZES[element.kind]
            with self.subTest(name):
                if element.kind in FIXED:
                    self.assertEqual(field.length, FIXED[element.kind])
                elif element.kind == "octetArray" and field.number in OCTETS_3:
                    self.assertEqual(field.length, 3)
                elif size is None:
                    self.assertEqual(field.length, VARIABLE)
                elif element.kind.startswith(("unsigned", "signed")):
                    self.assertIn(field.length, range(1, size + 1))
                else:
                    self.assertIn(field.length, (4, 8) if element.kind == "float64" else (size,))

    def test_counters(self):
        """octets and packets have 64 bits, in either direction [23]"""
        for layout, session in self.each():
            for template in session.layouts(False):
                found = {field.number: field.length for field in template.fields
                         if field.pen in (0, PEN_REVERSE) and field.number in (OCTETS, PACKETS)}
                with self.subTest(layout):
                    self.assertEqual(found, {OCTETS: 8, PACKETS: 8})

    def test_more_than_4_gib(self):
        """a flow of more than 2^32 octets has them all [23]"""
        big = [capture_file.Packet(packet.time_ns, packet.link, grown(packet.data))
               for packet in (Talk().udp(number * SECOND // 10000) for number in range(66000))]
        session, lines, _ = told_of(big, "--template", "standard")
        self.assertEqual([integer(record, OCTETS) for record in session.flows()],
                         [line["octetDeltaCount"] for line in lines])
        self.assertEqual(sum(integer(record, OCTETS) for record in session.flows()),
                         66000 * 65535)

    def test_times(self):
        """seconds have 32 bits, milliseconds 64 since 1970, finer ones are those of NTP [24]"""
        seen = 0
        for layout, element, octets in self.values("dateTimeMicroseconds"):
            self.assertEqual(int.from_bytes(octets, "big") % 2048, 0, (layout, element.name))
            seen += 1
        self.assertGreater(seen, 0)
        session, lines, _ = self.told["full"]
        for record, line in zip(session.flows(), lines):
            for number, name, unit in ((152, "flowStartMilliseconds", 10**6),
                                       (154, "flowStartMicroseconds", 10**3),
                                       (156, "flowStartNanoseconds", 1)):
                octets = value(record, number)
                whole, fraction = struct.unpack(">II", octets)
                ns = (int.from_bytes(octets, "big") * 10**6 if number == 152 else
                      (whole - 2208988800) * 10**9 + (fraction * 10**9 >> 32))
                said = time_ns(line[name])
                self.assertLess(abs(ns - said), unit, name)

    def test_types(self):
        """a boolean is 1 or 2, addresses have the octets of their kind [25]"""
        found = {octets for _, _, octets in self.values("boolean")}
        self.assertLessEqual(found, {b"\1", b"\2"})
        self.assertTrue(found)
        for layout, element, octets in self.values("ipv4Address", "ipv6Address", "macAddress"):
            self.assertEqual(len(octets), FIXED[element.kind], (layout, element.name))

    def test_enterprises(self):
        """our own elements say whose they are, IANA's do not [26]"""
        pens = {layout: {field.pen for template in session.layouts(False)
                         for field in template.fields} for layout, session in self.each()}
        self.assertEqual(pens, {"standard": {0}, "biflow": {0, PEN_REVERSE},
                                "quality": {0, PEN_REVERSE, PEN},
                                "full": {0, PEN_REVERSE, PEN}, "ntop": {0, PEN_REVERSE, NTOP}})
        for _, field in self.fields():
            if field.pen == 0:  # in IANA's registry, not by chance
                self.assertIn((0, field.number), ELEMENTS)

    def test_reverse(self):
        """the responder's side is in reverse elements, keys have none; who began is told [29]"""
        for layout in ("biflow", "full"):
            session, lines, _ = self.told[layout]
            for template in session.layouts(False):
                numbers = {field.number for field in template.fields if field.pen == 0}
                reverse = {field.number for field in template.fields if field.pen == PEN_REVERSE}
                self.assertLessEqual({OCTETS, PACKETS}, reverse)
                self.assertFalse(reverse & KEYS)
                self.assertIn(BIFLOW_DIRECTION, numbers)
            for record, line in zip(session.flows(), lines):
                self.assertEqual(integer(record, PACKETS, PEN_REVERSE),
                                 line["reversePacketDeltaCount"])
                self.assertEqual(integer(record, PACKETS), line["packetDeltaCount"])
                self.assertEqual(integer(record, BIFLOW_DIRECTION), line["biflowDirection"])
        ours = {field.number for _, field in self.fields() if field.pen == PEN}
        self.assertTrue({number & 0x3FFF for number in ours if number & 0x4000})

    def test_uniflow(self):
        """for those who know no reverse elements there is a record a direction, in pairs [30]"""
        session, _, _ = told(CAPTURE, "--template", "biflow", "--uniflow")
        self.assertFalse({field.pen for template in session.layouts(False)
                          for field in template.fields} & {PEN_REVERSE})
        both = self.told["biflow"][0].flows()
        flows = session.flows()
        wanted = []
        for record in both:
            sides = [(integer(record, PACKETS), integer(record, OCTETS)),
                     (integer(record, PACKETS, PEN_REVERSE), integer(record, OCTETS, PEN_REVERSE))]
            wanted += [side for side in sides if side[0]]
        self.assertEqual([(integer(one, PACKETS), integer(one, OCTETS)) for one in flows], wanted)
        self.assertGreater(len(flows), len(both))

    def test_descriptions(self):
        """each of our own elements is described in the same session [36]"""
        for layout, session in self.each():
            used = {(field.pen, field.number) for template in session.layouts(False)
                    for field in template.fields if field.pen not in (0, PEN_REVERSE, NTOP)}
            said = {}
            for record in session.records:
                numbers = [field.number for field in record.template.fields]
                if numbers[:2] == [346, 303]:
                    self.assertEqual(record.template.scopes, 2)
                    self.assertLessEqual({339, 341, 344, 345}, set(numbers))
                    said[integer(record, 346), integer(record, 303)] = record
            with self.subTest(layout):
                self.assertLessEqual(used, set(said))
                for key, record in said.items():
                    if key[0] == NTOP:  # not of our registry
                        continue
                    kind = ipfix_check.TYPES[integer(record, 339)][0]
                    self.assertEqual((value(record, 341).decode(), kind),
                                     (ELEMENTS[key].name, ELEMENTS[key].kind))

    def test_size_of_layouts(self):
        """layouts that all collectors take have 60 fields at most, none of them twice [49]"""
        for layout, session in self.each():
            for template in session.layouts(False):
                with self.subTest(layout):
                    if layout != "full":  # which says so in its first lines
                        self.assertLessEqual(len(template.fields), 60)
                    kinds = [(field.pen, field.number) for field in template.fields]
                    self.assertEqual(len(kinds), len(set(kinds)))

    def test_milliseconds(self):
        """milliseconds stand in every layout [50]"""
        names = subprocess.run([WEIR, "templates"], check=True, capture_output=True,
                               text=True).stdout  # fmt: skip
        for layout, session in self.each():
            self.assertIn(layout, names)
            for template in session.layouts(False):
                with self.subTest(layout):
                    numbers = {field.number for field in template.fields if field.pen == 0}
                    self.assertLessEqual({START_MS, END_MS}, numbers)


def grown(data):
    """The same datagram as one of 65535 octets, of which the capture has only the beginning."""
    return data[:16] + struct.pack(">H", 65535) + data[18:38] + struct.pack(">H", 65515) + data[40:]


class TextsTest(unittest.TestCase):
    def named(self, name):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "named.pcapng")
            named_capture(path, name)
            return told(path, "--template", "full")[0]

    def variable(self, session, number):
        """Octets with their prefix, of every record that has that field."""
        return [octets for record in session.records
                for field, octets in zip(record.template.fields, record.values)
                if (field.pen, field.number) == (0, number)]  # fmt: skip

    def test_prefix(self):
        """a length below 255 has one octet, others 255 and two more [20]"""
        for length in (1, 229, 254, 255):
            session = self.named(b"n" * length)
            for template in session.layouts():
                for field in template.fields:
                    self.assertEqual(ELEMENTS[field.pen, field.number].kind == "string",
                                     field.length == VARIABLE)
            texts = self.variable(session, NAME)
            with self.subTest(length):
                self.assertGreaterEqual(len(texts), 2)  # of the flow, and of the interface
                prefix = bytes([length]) if length < 255 else b"\xff\0\xff"
                self.assertIn(prefix + b"n" * length, texts)
                for text in texts:
                    self.assertEqual(text[0] == 255, len(text) > 255)

    def test_cut(self):
        """a text that is too long is cut between characters, and none is anything but UTF-8 [21]"""
        for shift in range(5):
            text = "x" * shift + WIDE
            texts = [octets[3 if octets[0] == 255 else 1 :].decode("utf-8")
                     for octets in self.variable(self.named(text.encode()), NAME)]
            with self.subTest(shift=shift):
                for found in texts:
                    self.assertTrue(text.startswith(found))
                lengths = [len(found.encode()) for found in texts if found]
                self.assertGreater(len(lengths), 1)  # a flow's, and the interface's own
                self.assertGreater(min(lengths), 225)
        for wrong in (b"caf\xe9", b"\xff\xfe", b"a\xc3", b"\xed\xa0\x80", b"ok\xf0\x9f"):
            for octets in self.variable(self.named(wrong), NAME):
                octets[1:].decode("utf-8")


class MeaningsTest(unittest.TestCase):
    def test_deltas(self):
        """counters say what came since the record before, and no totals stand beside them [27]"""
        talk = Talk()
        frames = [talk.udp(number * SECOND // 2, size=number) for number in range(21)]
        session, _, account = told_of(frames, "--template", "standard", "--active-timeout", "2s")
        flows = session.flows()
        self.assertGreater(len(flows), 3)
        self.assertEqual(sum(integer(record, PACKETS) for record in flows), 21)
        self.assertEqual(sum(integer(record, OCTETS) for record in flows),
                         sum(28 + number for number in range(21)))
        self.assertEqual([integer(record, PACKETS) for record in flows[:-1]],
                         [5] * (len(flows) - 1))
        self.assertEqual(len({integer(record, 148) for record in flows}), 1)  # one flow
        self.assertTrue(account["balanced"])
        for layout in LAYOUTS:
            layouts = told_of(frames[:1], "--template", layout)[0].layouts(False)
            numbers = {field.number for template in layouts for field in template.fields
                       if field.pen in (0, PEN_REVERSE)}
            self.assertFalse(numbers & {OCTETS_TOTAL, PACKETS_TOTAL}, layout)

    def reasons(self, frames, *words):
        session, _, _ = told_of(frames, "--template", "biflow", *words)
        return [integer(record, END_REASON) for record in session.flows()]

    def test_end_reasons(self):
        """a record says why it ended: idle, active, end, forced, no room [28]"""
        talk = Talk()
        self.assertEqual(self.reasons([talk.udp(0), talk.udp(20 * SECOND)]), [1, 4])
        frames = [talk.udp(number * SECOND) for number in range(0, 70, 10)]
        self.assertEqual(self.reasons(frames, "--active-timeout", "25s"), [2, 2, 4])
        tcp = [talk.tcp(0, SYN, 1), talk.tcp(1, SYN | ACK, 1, 2, back=True),
               talk.tcp(2, FIN | ACK, 2, 2), talk.tcp(3, FIN | ACK, 2, 3, back=True),
               talk.tcp(4, ACK, 3, 3)]  # fmt: skip
        self.assertEqual(self.reasons(tcp), [3])
        self.assertEqual(self.reasons([talk.udp(0)]), [4])
        many = [Talk(cport=10000 + number).udp(number) for number in range(300)]
        self.assertEqual(set(self.reasons(many, "--max-flows", "8")), {5, 4})


if __name__ == "__main__":
    WEIR, CAPTURE = (os.path.abspath(path) for path in sys.argv[1:])
    del sys.argv[1:]
    unittest.main()
