#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""messages.py WEIR CAPTURE EMPTY_CAPTURE

How messages are built and follow each other (RFC 7011, sections 3, 8 and 10), looked at octet by
octet: into a file, over TCP and over UDP, under every layout that comes with weir. The numbers in
brackets are those of checklist.tsv."""

import collections
import os
import struct
import sys
import tempfile
import unittest

from session import (OPTIONS, TEMPLATES, Receiver, Session, must_replay, shortest, templates_of,
                     to_words, weir_replays)  # fmt: skip

WEIR = CAPTURE = EMPTY = ""  # set from the command line
LAYOUTS = ("standard", "biflow", "quality", "full", "ntop")
WAYS = ("file", "tcp", "udp")
DOMAIN = 77
REFRESH = 5  # messages


class Sent:
    """One replay, as a file, as a stream and as datagrams."""

    def __init__(self, capture, layout, *words):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "flows")
            stream, datagrams = Receiver(True), Receiver(False)
            must_replay(WEIR, capture, "--template", layout, *words, *to_words((
                f"ipfix+file:{path}", stream.url("ipfix"),
                datagrams.url("ipfix", f"?refresh-messages={REFRESH}&pace=2000"))))  # fmt: skip
            with open(path, "rb") as file:
                octets = file.read()
        self.datagrams = datagrams.finish()
        self.octets = {"file": octets, "tcp": b"".join(stream.finish()),
                       "udp": b"".join(self.datagrams)}  # fmt: skip


class MessagesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sent = {layout: Sent(CAPTURE, layout, "--active-timeout", "1s", "--domain", str(DOMAIN))
                    for layout in LAYOUTS}  # fmt: skip
        cls.idle = {layout: Sent(EMPTY, layout) for layout in LAYOUTS}

    def each(self, ways=WAYS, idle=True):
        """(name, session) of all of them."""
        for kind, all_sent in (("", self.sent), ("idle ", self.idle if idle else {})):
            for layout, sent in all_sent.items():
                for way in ways:
                    yield f"{kind}{layout} {way}", Session(sent.octets[way])

    def test_header(self):
        """every message says version 10 and its own length, and a datagram is one message [1]"""
        for name, session in self.each():
            with self.subTest(name):
                self.assertEqual(sum(message.length for message in session.messages),
                                 len(session.octets))
                for message in session.messages:
                    self.assertEqual(message.version, 10)
        for sent in (*self.sent.values(), *self.idle.values()):
            for datagram in sent.datagrams:
                self.assertEqual(struct.unpack_from(">HH", datagram), (10, len(datagram)))

    def test_nothing_is_empty(self):
        """each message has a set and each set a record, also when there was no flow [2]"""
        for name, session in self.each():
            with self.subTest(name):
                self.assertTrue(session.messages)
                for message in session.messages:
                    self.assertTrue(message.sets)
                    for number, body in message.sets:
                        least = 4 if number in (TEMPLATES, OPTIONS) else shortest(
                            session.templates[message.domain, number])
                        self.assertGreaterEqual(len(body), least)
        for sent in self.idle.values():
            self.assertEqual(Session(sent.octets["tcp"]).flows(), [])

    def test_set_ids(self):
        """no set has an id that is kept for others [3]"""
        for name, session in self.each():
            with self.subTest(name):
                found = {number for message in session.messages for number, _ in message.sets}
                self.assertLessEqual({TEMPLATES, OPTIONS}, found)
                self.assertGreaterEqual(min(found - {TEMPLATES, OPTIONS}), 256)

    def test_template_ids(self):
        """a template's id is its own, from 256 up [4]"""
        for name, session in self.each():
            with self.subTest(name):
                layouts = {}
                for domain, template in session.told:
                    self.assertGreaterEqual(template.number, 256)
                    layouts.setdefault((domain, template.number), set()).add(template[1:])
                for key, found in layouts.items():
                    self.assertEqual(len(found), 1, key)

    def test_options_templates_stand_alone(self):
        """a set has one options template: there are collectors that find no second one"""
        for name, session in self.each():
            with self.subTest(name):
                for message in session.messages:
                    for number, body in message.sets:
                        if number == OPTIONS:
                            self.assertEqual(len(templates_of(number, body)[0]), 1)

    def test_templates_come_first(self):
        """no data come before their template [5]"""
        for name, session in self.each():
            with self.subTest(name):
                known = set()
                for message in session.messages:
                    for number, body in message.sets:
                        if number >= 256:
                            self.assertIn(number, known)
                        else:
                            known.update(one.number for one in templates_of(number, body)[0])

    def test_sequence(self):
        """a message's number is that of the data records before it, of options too [6]"""
        for name, session in self.each():
            with self.subTest(name):
                expected = 0
                for message, count in zip(session.messages, session.counts):
                    self.assertEqual(message.sequence, expected)
                    expected += count
                options = sum(bool(record.template.scopes) for record in session.records)
                self.assertEqual(expected, options + len(session.flows()))
                self.assertGreater(options, 0)

    def test_domain(self):
        """a destination has the domain it was given, and a number of its own in it [8, 9]"""
        for name, session in self.each(idle=False):
            with self.subTest(name):
                self.assertEqual({message.domain for message in session.messages}, {DOMAIN})
        for session in (Session(sent.octets["udp"]) for sent in self.idle.values()):
            self.assertNotIn(0, {message.domain for message in session.messages})
        receivers = [Receiver(False), Receiver(False), Receiver(True)]
        domains = (5, 6, 5)
        must_replay(WEIR, CAPTURE, *to_words(one.url("ipfix", f"?domain={domain}")
                                             for one, domain in zip(receivers, domains)))
        for one, domain in zip(receivers, domains):
            session = Session(b"".join(one.finish()))
            self.assertEqual({message.domain for message in session.messages}, {domain})
            self.assertEqual([message.sequence for message in session.messages],
                             [sum(session.counts[:i]) for i in range(len(session.counts))])

    def test_templates_are_told_again(self):
        """over UDP all templates, those of options too, come again after so many messages [11]"""
        for layout, query in (("standard", "mtu=512&"), ("full", "")):
            with self.subTest(layout):
                receiver = Receiver(False)
                query += f"refresh=0&refresh-messages={REFRESH}&pace=2000"
                must_replay(WEIR, CAPTURE, "--template", layout, "--active-timeout", "1s", "--to",
                            receiver.url("ipfix", f"?{query}"))
                session = Session(b"".join(receiver.finish()))
                flows = [any(number in (256, 257) for number, _ in message.sets)
                         for message in session.messages[:-1]]  # the last is of statistics
                begin = flows.index(True)  # so many messages come before data, each time
                self.assertEqual(flows, [number % (begin + REFRESH) >= begin
                                         for number in range(len(flows))])
                told = collections.Counter(template.number for _, template in session.told)
                times = -(-len(flows) // (begin + REFRESH))
                self.assertGreater(times, 2)
                self.assertEqual(set(told.values()), {times}, told)
                self.assertEqual({bool(template.scopes) for template in session.layouts()},
                                 {True, False})

    def test_no_withdrawals(self):
        """over UDP nothing is withdrawn, and nothing that was is used [12, 15]"""
        for name, session in self.each():
            with self.subTest(name):
                for _, template in session.told:
                    self.assertGreater(len(template.fields), 0)
                for record in session.records:
                    self.assertGreater(len(record.values), 0)

    def test_layouts_last(self):
        """over UDP an id keeps its layout however often it is told [13]"""
        for name, session in self.each(["udp"], idle=False):
            with self.subTest(name):
                first = {}
                again = 0
                for domain, template in session.told:
                    again += (domain, template.number) in first
                    known = first.setdefault((domain, template.number), template)
                    self.assertEqual(known, template)
                self.assertGreater(again, 0)

    def test_once_a_session(self):
        """over TCP and in files each template is told once [14]"""
        for name, session in self.each(["tcp", "file"]):
            with self.subTest(name):
                numbers = [(domain, template.number) for domain, template in session.told]
                self.assertEqual(len(numbers), len(set(numbers)))

    def test_too_long(self):
        """a layout no message has room for is refused at the start, and no record is cut [18]"""
        for way in ("ipfix+udp://127.0.0.1:9", "ipfix+file:flows"):
            status, errors = weir_replays(WEIR, CAPTURE, "--template", "full", "--to",
                                          f"{way}?mtu=600")
            self.assertEqual((status, errors.count("\n")), (2, 1), errors)
            self.assertIn("raise the message size", errors)
        octets = Sent(CAPTURE, "standard").octets
        for way in WAYS:
            self.assertLessEqual(max(message.length for message in Session(octets[way]).messages),
                                 {"udp": 1400}.get(way, 65535))

    def test_padding(self):
        """padding is of zeros and shorter than any record [19]"""
        for name, session in self.each():
            with self.subTest(name):
                for octets, least in session.paddings:
                    self.assertEqual(octets.strip(b"\0"), b"")
                    self.assertLess(len(octets), least)

    def test_scopes(self):
        """an options template has from one scope up to all of its fields [39]"""
        for name, session in self.each():
            with self.subTest(name):
                for _, template in session.told:
                    self.assertLessEqual(template.scopes, len(template.fields))
                self.assertTrue(session.layouts(True))
                for message in session.messages:
                    for number, body in message.sets:
                        if number == OPTIONS:
                            self.assertGreaterEqual(struct.unpack_from(">H", body, 4)[0], 1)


if __name__ == "__main__":
    WEIR, CAPTURE, EMPTY = (os.path.abspath(path) for path in sys.argv[1:])
    del sys.argv[1:]
    unittest.main()
