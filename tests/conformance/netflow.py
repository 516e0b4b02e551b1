#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""netflow.py WEIR CAPTURE

NetFlow v9 (RFC 3954) as a collector gets it, octet by octet. The numbers in brackets are those of
checklist.tsv."""

import collections
import json
import os
import struct
import sys
import tempfile
import unittest

from session import Receiver, must_replay, sets_of

import capture as capture_file
from make_pcap import SECOND, Talk
from replay import time_ns

WEIR = CAPTURE = ""  # set from the command line
LAYOUTS = ("v9", "ntop")
NTOP = range(57472, 57472 + 1024)
SCOPES = {1, 2, 3, 4, 5}
FIRST_SWITCHED, LAST_SWITCHED, START_MS, END_MS = 22, 21, 152, 153
DAY = 86400 * SECOND
REFRESH = 5  # packets
Packet = collections.namedtuple("Packet", "count uptime seconds sequence source sets octets")


def packet_of(octets):
    version, *head = struct.unpack_from(">HHIIII", octets)
    if version != 9:
        raise AssertionError(f"version {version}")
    return Packet(*head, sets_of(octets, 20), octets)


def pairs(body, at, count):
    return [struct.unpack_from(">HH", body, at + 4 * i) for i in range(count)]


class Session:
    """Packets, and what a collector learns from them."""

    def __init__(self, datagrams):
        self.packets = [packet_of(octets) for octets in datagrams]
        self.templates = {}  # number: [(field, octets)], scopes first
        self.scopes = {}     # number: [(scope, octets)]
        self.told = []       # numbers, each time
        self.flows = []      # (packet, {field: integer})
        self.counts = []     # records of all kinds a packet
        self.paddings = []
        for packet in self.packets:
            self.counts.append(sum(self.take(packet, *one) for one in packet.sets))

    def take(self, packet, number, body):
        before = len(self.told)
        at = 0
        while number == 0 and len(body) - at >= 4:
            template, count = struct.unpack_from(">HH", body, at)
            self.learn(template, pairs(body, at + 4, count), [])
            at += 4 + 4 * count
        while number == 1 and len(body) - at >= 10:
            template, scopes, options = struct.unpack_from(">HHH", body, at)
            if scopes % 4 or options % 4:
                raise AssertionError(f"lengths {scopes} and {options}")
            found = pairs(body, at + 6, (scopes + options) // 4)
            self.learn(template, found, found[: scopes // 4])
            at += 6 + scopes + options
        if number in (0, 1):
            self.paddings.append((number, body[at:]))
            return len(self.told) - before
        return self.data(packet, number, body)

    def learn(self, number, fields, scopes):
        if self.templates.setdefault(number, fields) != fields:
            raise AssertionError(f"template {number} is another one now")
        self.scopes[number] = scopes
        self.told.append(number)

    def data(self, packet, number, body):
        fields = self.templates[number]
        size = sum(octets for _, octets in fields)
        count = len(body) // size
        for record in range(count):
            at = record * size
            values = {}
            for field, octets in fields:
                values[field] = int.from_bytes(body[at : at + octets], "big")
                at += octets
            if not self.scopes[number]:
                self.flows.append((packet, values))
        self.paddings.append((number, body[count * size :]))
        return count


def sent(path, layout, query):
    """(Session, lines of JSON): over UDP, and the same flows as lines."""
    receiver = Receiver(False)
    with tempfile.TemporaryDirectory() as folder:
        lines = os.path.join(folder, "lines")
        must_replay(WEIR, path, "--template", layout, "--active-timeout", "1s",
                    "--to", receiver.url("netflow9", query), "--to", f"json+file:{lines}")
        with open(lines, encoding="utf-8") as file:
            told = [json.loads(line) for line in file]
    return Session(receiver.finish()), told


class NetflowTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        query = f"?refresh=0&refresh-messages={REFRESH}"
        cls.sent = {layout: sent(CAPTURE, layout, query) for layout in LAYOUTS}

    def each(self):
        for layout, (session, lines) in self.sent.items():
            yield layout, session, lines

    def test_headers(self):
        """a packet counts packets before it and records in it, and its two clocks agree [41]"""
        for layout, session, _ in self.each():
            with self.subTest(layout):
                self.assertEqual([packet.sequence for packet in session.packets],
                                 list(range(len(session.packets))))
                self.assertEqual([packet.count for packet in session.packets], session.counts)
                # What is told again later says the later time.
                self.assertEqual(len({packet.seconds * 1000 - packet.uptime
                                      for packet in session.packets}), 1)
                self.assertGreater(len(session.packets), 2 * REFRESH)

    def test_sets(self):
        """flowsets, scopes and padding are those of v9, and all templates are told again [42]"""
        for layout, session, _ in self.each():
            with self.subTest(layout):
                numbers = {number for packet in session.packets for number, _ in packet.sets}
                self.assertLessEqual({0, 1}, numbers)
                self.assertGreaterEqual(min(numbers - {0, 1}), 256)
                scopes = [scope for found in session.scopes.values() for scope, _ in found]
                self.assertTrue(scopes)
                self.assertLessEqual(set(scopes), SCOPES)
                for packet in session.packets:
                    self.assertEqual(len(packet.octets) % 4, 0)
                    for _, body in packet.sets:
                        self.assertEqual(len(body) % 4, 0)
                for number, padding in session.paddings:
                    self.assertEqual(padding, bytes(len(padding)), number)
                    self.assertLess(len(padding), 4, number)
                times = {number: session.told.count(number) for number in (256, 258, 259)}
                self.assertEqual(len(set(times.values())), 1, times)
                self.assertGreater(times[256], 1)

    def test_templates_by_time(self):
        """templates come again after so many seconds as well [42]"""
        session, _ = sent(CAPTURE, "v9", "?refresh-messages=0&refresh=1&pace=10&mtu=400")
        self.assertGreater(session.told.count(256), 1)

    def test_fields(self):
        """each field has a length, and a number that v9 or ntop gave it [43]"""
        for layout, session, _ in self.each():
            for number, fields in session.templates.items():
                with self.subTest(layout, template=number):
                    kinds = [field for field, _ in fields[len(session.scopes[number]) :]]
                    self.assertEqual(len(kinds), len(set(kinds)))
                    for field, octets in fields:
                        self.assertIn(octets, range(1, 256))
                        self.assertTrue(field < 512 or (layout == "ntop" and field in NTOP), field)

    def check_times(self, session, lines):
        """By the clock of its packet each flow began and ended when it did."""
        self.assertEqual(len(session.flows), len(lines))
        for (packet, flow), line in zip(session.flows, lines):
            boot = packet.seconds * 1000 - packet.uptime
            for switched, since_1970, name in (
                    (FIRST_SWITCHED, START_MS, "flowStartMilliseconds"),
                    (LAST_SWITCHED, END_MS, "flowEndMilliseconds")):
                self.assertEqual(boot + flow[switched], flow[since_1970])
                self.assertEqual(flow[since_1970], time_ns(line[name]) // 10**6)
                self.assertLessEqual(flow[switched], packet.uptime)

    def test_switched(self):
        """flows begin and end by the exporter's own clock [44]"""
        for layout, session, lines in self.each():
            with self.subTest(layout):
                self.check_times(session, lines)

    def test_switched_for_months(self):
        """nor does that clock turn round after 49.7 days [44]"""
        frames = [Talk().udp(day * DAY) for day in (0, 20, 24, 25, 48, 49, 50, 75, 99, 100, 400)]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "months.pcap")
            capture_file.write(path, frames)
            session, lines = sent(path, "v9", "")
        self.assertEqual(len(lines), len(frames))
        self.check_times(session, lines)


if __name__ == "__main__":
    WEIR, CAPTURE = (os.path.abspath(path) for path in sys.argv[1:])
    del sys.argv[1:]
    unittest.main()
