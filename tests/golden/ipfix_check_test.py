#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The checker is checked: a good message passes, and each way of breaking it is noticed."""

import os
import struct
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import ipfix_check

PEN = 32473


def specifier(number, length, pen=None):
    if pen is None:
        return struct.pack(">HH", number, length)
    return struct.pack(">HHI", number | 0x8000, length, pen)


def template(number, *specifiers):
    return struct.pack(">HH", number, len(specifiers)) + b"".join(specifiers)


def options(number, scopes, *specifiers):
    return struct.pack(">HHH", number, len(specifiers), scopes) + b"".join(specifiers)


def a_set(number, *records):
    body = b"".join(records)
    return struct.pack(">HH", number, 4 + len(body)) + body


def message(*sets, sequence=0, version=10, add=0, domain=1):
    body = b"".join(sets)
    return struct.pack(">HHIII", version, 16 + len(body) + add, 1700000000, sequence,
                       domain) + body


# octetDeltaCount, sourceIPv4Address
PLAIN = a_set(2, template(256, specifier(1, 8), specifier(8, 4)))
RECORD = struct.pack(">Q4s", 1 << 33, b"\x0a\0\0\1")
TYPE_TEMPLATE = a_set(3, options(258, 2, specifier(346, 4), specifier(303, 2), specifier(339, 1),
                                 specifier(341, 65535)))


def one_field(number, length, value, pen=None):
    return message(a_set(2, template(256, specifier(number, length, pen))), a_set(256, value))


class Check(unittest.TestCase):
    def problems(self, octets):
        return ipfix_check.check(octets).problems

    def assert_notices(self, words, octets):
        found = self.problems(octets)
        self.assertTrue(any(words in problem for problem in found), found)

    def test_good(self):
        result = ipfix_check.check(message(PLAIN) + message(a_set(256, RECORD, RECORD)) +
                                   message(a_set(256, RECORD), sequence=2))
        self.assertEqual(result.problems, [])
        self.assertEqual(result.records[0],
                         {"octetDeltaCount": 1 << 33, "sourceIPv4Address": "10.0.0.1"})
        self.assertEqual(len(result.records), 3)

    def test_domains_have_their_own_sequence(self):
        self.assertEqual(self.problems(
            message(PLAIN, a_set(256, RECORD)) + message(PLAIN, a_set(256, RECORD), domain=2) +
            message(a_set(256, RECORD), sequence=1)), [])

    def test_header(self):
        self.assert_notices("version 9", message(PLAIN, version=9))
        self.assert_notices("length", message(PLAIN, add=4))
        self.assert_notices("header", message(PLAIN) + b"\0\x0a\0")
        self.assert_notices("no message", b"")
        self.assert_notices("sequence 1", message(PLAIN, sequence=1))
        self.assert_notices("sequence 0", message(PLAIN, a_set(256, RECORD)) +
                            message(a_set(256, RECORD)))

    def test_empty(self):
        self.assert_notices("without sets", message())
        self.assert_notices("empty set 2", message(a_set(2)))
        self.assert_notices("empty set 256", message(PLAIN, a_set(256)))

    def test_sets(self):
        self.assert_notices("set id 4", message(a_set(4, b"\0\0\0\0")))
        self.assert_notices("set id 0", message(a_set(0, b"\0\0\0\0")))
        self.assert_notices("not known", message(a_set(256, RECORD)))
        self.assert_notices("set 256 of length", message(PLAIN, b"\x01\0\0\x20\0\0\0\0"))

    def test_padding(self):
        self.assertEqual(self.problems(message(PLAIN, a_set(256, RECORD, b"\0\0\0"))), [])
        self.assert_notices("padding", message(PLAIN, a_set(256, RECORD, b"\0\1\0")))

    def test_templates(self):
        self.assert_notices("template id 255", message(a_set(2, template(255, specifier(1, 8)))))
        self.assert_notices("withdrawn", message(a_set(2, struct.pack(">HH", 256, 0))))
        self.assert_notices("redefined", message(PLAIN, a_set(2, template(256, specifier(1, 8)))))
        self.assert_notices("twice", message(a_set(2, template(256, specifier(1, 8),
                                                               specifier(1, 8)))))
        self.assert_notices("cut short", message(a_set(2, struct.pack(">HHHH", 256, 2, 1, 8))))
        self.assert_notices("unknown element 0/9999",
                            message(a_set(2, template(256, specifier(9999, 8)))))
        self.assert_notices("enterprise 0", message(a_set(2, template(256, specifier(1, 8, 0)))))
        self.assert_notices("0 scopes", message(a_set(3, options(256, 0, specifier(1, 8)))))
        self.assert_notices("2 scopes", message(a_set(3, options(256, 2, specifier(1, 8)))))

    def test_lengths(self):
        self.assertEqual(self.problems(one_field(1, 4, b"\0\0\0\1")), [])
        self.assert_notices("octetDeltaCount", one_field(1, 9, bytes(9)))
        self.assert_notices("sourceIPv4Address", one_field(8, 3, bytes(3)))
        self.assert_notices("flowStartMilliseconds", one_field(152, 4, bytes(4)))
        self.assert_notices("sourceMacAddress", one_field(56, 8, bytes(8)))

    def test_values(self):
        micro = struct.pack(">II", 3908988800, 1 << 11)
        self.assertEqual(self.problems(one_field(154, 8, micro)), [])
        self.assert_notices("11 bits", one_field(154, 8, struct.pack(">II", 3908988800, 1)))
        self.assert_notices("boolean", one_field(276, 1, b"\0"))
        self.assert_notices("UTF-8", one_field(371, 65535, b"\2\xc3\x28"))

    def test_variable(self):
        self.assertEqual(self.problems(one_field(371, 65535, b"\2ab\xff\1\0" + b"c" * 256)), [])
        self.assert_notices("cut short", one_field(371, 65535, b"\5ab"))
        self.assert_notices("three octets", one_field(371, 65535, b"\xff\0\1a"))

    def described(self, kind, name=b"madeUp"):
        return message(TYPE_TEMPLATE, a_set(258, struct.pack(">IHBB", PEN, 9000, kind, len(name)) +
                                            name))

    def use(self):
        return message(a_set(2, template(256, specifier(9000, 8, PEN))), a_set(256, bytes(8)),
                       sequence=1)

    def test_type_records(self):
        result = ipfix_check.check(self.described(4) + self.use())
        self.assertEqual(result.problems, [])
        self.assertEqual(result.records, [{"madeUp": 0}])
        self.assert_notices("no type record",
                            message(a_set(2, template(256, specifier(1, 8, PEN)))))
        self.assert_notices("comes twice", self.described(4) +
                            message(a_set(258, struct.pack(">IHBB", PEN, 9000, 4, 0)), sequence=1))
        self.assert_notices("data type 99", self.described(99))

    def option(self, specifiers, record, scopes=1):
        return message(PLAIN) + message(a_set(3, options(300, scopes, *specifiers)),
                                        a_set(300, record))

    def test_options(self):
        counted = [specifier(149, 4), specifier(164, 8), specifier(323, 8), specifier(323, 8)]
        result = ipfix_check.check(self.option(counted, struct.pack(">IQQQ", 1, 9, 1000, 2000)))
        self.assertEqual(result.problems, [])
        self.assertEqual(result.records, [])
        self.assertEqual(result.options[0]["observationTimeMilliseconds#2"], 2000 * 10 ** 6)
        self.assert_notices("ends before", self.option(counted, struct.pack(">IQQQ", 1, 9, 2, 1)))
        self.assert_notices("has 1 times", self.option(counted[:3], bytes(20)))
        self.assert_notices("twice", self.option([specifier(149, 4), specifier(42, 8),
                                                  specifier(42, 8)], bytes(20)))
        # Of what the record tells, against section 4 of RFC 7011.
        self.assert_notices("not about", self.option([specifier(144, 4), specifier(42, 8),
                                                      specifier(41, 8)], bytes(20)))

    def test_flow_keys(self):
        keys = [specifier(145, 2), specifier(173, 8)]
        self.assertEqual(self.problems(self.option(keys, struct.pack(">HQ", 256, 2))), [])
        self.assert_notices("of 2 fields", self.option(keys, struct.pack(">HQ", 256, 4)))
        self.assert_notices("0x0 of", self.option(keys, struct.pack(">HQ", 256, 0)))
        self.assert_notices("which is none", self.option(keys, struct.pack(">HQ", 300, 2)))

    def test_times(self):
        self.assertEqual(ipfix_check.ntp_ns(struct.pack(">II", 2208988800, 1 << 31)), 500000000)
        # The era turns in 2036; what would lie before 1970 lies behind it.
        self.assertEqual(ipfix_check.ntp_ns(struct.pack(">II", 0, 0)),
                         ((1 << 32) - 2208988800) * 10 ** 9)


if __name__ == "__main__":
    unittest.main()
