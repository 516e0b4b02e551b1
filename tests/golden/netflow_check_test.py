#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The checker itself: packets made here are found good, and every way of spoiling them is found."""

import os
import struct
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import netflow_check


def flowset(number, content, pad=True):
    padding = b"\0" * (-len(content) % 4 if pad else 0)
    return struct.pack(">HH", number, 4 + len(content) + len(padding)) + content + padding


def template(number, *fields):
    return struct.pack(">HH", number, len(fields)) + b"".join(struct.pack(">HH", *f) for f in fields)


def options_template(number, scopes, options):
    return struct.pack(">HHH", number, 4 * len(scopes), 4 * len(options)) + b"".join(
        struct.pack(">HH", *f) for f in scopes + options)


def packet(count, *flowsets, sequence=0, uptime=100000, seconds=1000000):
    return struct.pack(">HHIIII", 9, count, uptime, seconds, sequence, 7) + b"".join(flowsets)


def packet5(*records, count=None, sequence=0):
    count = len(records) if count is None else count
    return struct.pack(">HHIIIIHH", 5, count, 100000, 1000000, 0, sequence, 1, 0) + b"".join(records)


def record5(packets=1, octets=40, first=1000, last=2000, pad=0):
    return netflow_check.RECORD5.pack(b"\1\2\3\4", b"\5\6\7\0", bytes(4), 1, 0, packets, octets,
                                      first, last, 5, 6, pad, 0, 6, 0, 0, 0, 0, 0, 0)  # fmt: skip


FIELDS = (22, 4), (21, 4), (4, 1)
TEMPLATES = flowset(0, template(256, *FIELDS))
OPTIONS = flowset(1, options_template(257, [(1, 4)], [(34, 4)]))
DATA = flowset(256, struct.pack(">IIB", 1000, 2000, 6))
GOOD = packet(4, TEMPLATES, OPTIONS, flowset(257, struct.pack(">II", 7, 1)), DATA)


class Checks(unittest.TestCase):
    def problems(self, octets, mtu=1400):
        return "\n".join(netflow_check.check(octets, mtu).problems)

    def test_good_packets_are_good(self):
        result = netflow_check.check(GOOD + packet(1, DATA, sequence=1))
        self.assertEqual(result.problems, [])
        self.assertEqual(result.records, 2 * [{"boot": 999900000, 22: 1000, 21: 2000, 4: 6}])
        self.assertEqual(result.options, [{"boot": 999900000, "scope": b"\0\0\0\7", 34: 1}])
        self.assertEqual([len(p) for p in result.packets], [len(GOOD), 36])
        self.assertEqual(self.problems(packet5(record5(), record5()) + packet5(record5(),
                                                                               sequence=2)), "")

    def test_every_fault_is_found(self):
        def with_data(data, count=3):
            return packet(count, TEMPLATES, OPTIONS, data)

        def with_template(*fields, number=256):
            return packet(1, flowset(0, template(number, *fields)))

        for octets, found in (
            (packet(3, TEMPLATES, OPTIONS, DATA, sequence=1), "sequence 1, expected 0"),
            (GOOD + packet(1, DATA, sequence=5), "sequence 5, expected 1"),
            (packet(1, DATA), "not known"),
            (packet(0), "without records"),
            (packet(5, TEMPLATES, OPTIONS, DATA), "fewer records"),
            (packet(1, flowset(0, template(256, *FIELDS) + template(258, *FIELDS))), "counts 1"),
            (with_data(flowset(256, b"")), "empty"),
            (with_data(flowset(256, bytes(8))), "empty"),
            (with_data(flowset(256, struct.pack(">IIB", 1, 2, 6), pad=False)), "multiple of 4"),
            (with_data(flowset(256, struct.pack(">IIB", 1, 2, 6) + b"\0\1\0")), "ends with 000100"),
            (with_data(flowset(256, struct.pack(">IIB", 1, 2, 6) + bytes(7))), "ends with"),
            (with_data(flowset(256, struct.pack(">IIB", 2, 1, 6))), "first 2, last 1"),
            (with_data(flowset(256, struct.pack(">IIB", 1, 200000, 6))), "uptime 100000"),
            (with_data(flowset(2, bytes(4))), "flowset id 2"),
            (with_data(DATA[:2] + b"\xff\xff" + DATA[4:]), "of length 65535"),
            (packet(1, TEMPLATES, uptime=0x80000000, seconds=0x7fffffff), "negative"),
            (packet(1, TEMPLATES, uptime=2000, seconds=1), "before 1970"),
            (with_template((22, 8)), "has 8 octets"),
            (with_template((57555, 65535)), "of length 65535"),
            (with_template((1, 8), (1, 8)), "twice"),
            (with_template((1, 8), number=255), "template id 255"),
            (GOOD + packet(1, flowset(0, template(256, (1, 8))), sequence=1), "redefined"),
            (packet(1, flowset(1, options_template(257, [(6, 4)], [(34, 4)]))), "scope 6"),
            (packet(1, flowset(1, options_template(257, [], [(34, 4)]))), "without a scope"),
            (b"\0\12" + GOOD[2:], "version 10"),
            (GOOD[:-4], "octets there"),
            (GOOD + b"\0\11", "no header"),
            (packet5(record5(), count=2), "2 records"),
            (packet5(count=0), "0 records"),
            (packet5(record5(), sequence=3), "sequence 3"),
            (packet5(record5(pad=1)), "padding"),
            (packet5(record5(packets=0)), "0 packets"),
            (packet5(record5(first=2001)), "first 2001"),
        ):  # fmt: skip
            with self.subTest(found):
                self.assertIn(found, self.problems(octets))
        self.assertIn("more than 60", self.problems(GOOD, 60))


if __name__ == "__main__":
    unittest.main()
