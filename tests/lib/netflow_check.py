#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A strict reader of NetFlow v9 (RFC 3954) and v5 packets that stand one after the other in a file.

netflow_check.py [--mtu OCTETS] FILE

Prints every problem, one a line, and exits with 1 if there is any. As a module:

    result = check(octets, mtu=1400)
    result.problems    lines of text
    result.packets     the packets, as octets
    result.records     data records of all packets in order: {number or name: integer or octets}
                       with "boot", the exporter's start in ms since 1970 as its packet's header says
    result.options     the same of options records

The checks are those of the project's list of what the standards demand: numbers 5, 17 to 19 and 41
to 44, named in the code where they are made. It shares no code with weir."""

import argparse
import struct
import sys

# The octets that RFC 3954 and the registries give a number; others may have any.
LENGTHS = {4: (1,), 5: (1,), 6: (1,), 7: (2,), 8: (4,), 11: (2,), 12: (4,), 21: (4,), 22: (4,),
           27: (16,), 28: (16,), 32: (2,), 34: (4,), 35: (1,), 52: (1,), 53: (1,), 55: (1,),
           16: (2, 4), 17: (2, 4), 56: (6,), 58: (2,), 60: (1,), 80: (6,), 136: (1,), 139: (2,), 152: (8,), 153: (8,)}
# Filled up with zeros; of ntop's (57472 and more) and of our own elements (49152 and more).
TEXTS = {82, 83, *(57472 + number for number in (101, 102, 103, 104, 443, 444, 448, 449, 450, 451)),
         *(49152 + number for number in range(62, 90) if number not in range(70, 76))}
ADDRESSES = {8, 12, 27, 28, 56, 80}
SCOPES = {1: "system", 2: "interface", 3: "line card", 4: "cache", 5: "template"}

RECORD5 = struct.Struct(">4s4s4sHHIIIIHHBBBBHHBBH")
NAMES5 = ("source", "destination", "next_hop", "input", "output", "packets", "octets", "first",
          "last", "sport", "dport", "pad1", "flags", "proto", "tos", "source_as", "destination_as",
          "source_mask", "destination_mask", "pad2")


class Damaged(Exception):
    """The structure cannot be followed further."""


class Template:
    def __init__(self, fields, scopes):
        self.fields = fields  # (number, octets); scopes first
        self.scopes = scopes
        self.size = sum(octets for _, octets in fields)


class Checker:
    def __init__(self, mtu):
        self.mtu = mtu
        self.problems = []
        self.packets = []
        self.records = []
        self.options = []
        self.templates = {}  # by source id and number
        self.sequence = {}  # by source id or engine
        self.where = ""

    def problem(self, text):
        self.problems.append(f"{self.where}: {text}")

    def file(self, octets):
        at = 0
        while at < len(octets):
            self.where = f"packet {len(self.packets) + 1} at offset {at}"
            try:
                length = self.packet(octets, at)
            except Damaged as damage:
                self.problem(f"{damage}; the rest is not read")
                return
            if length > self.mtu:  # 17
                self.problem(f"{length} octets, more than {self.mtu}")
            self.packets.append(octets[at:at + length])
            at += length

    def packet(self, octets, at):
        version = int.from_bytes(octets[at:at + 2], "big")
        if version == 9:
            return self.packet9(octets, at)
        if version == 5:
            return self.packet5(octets, at)
        raise Damaged(f"version {version}")

    def in_sequence(self, key, sequence, count):
        expected = self.sequence.get(key, 0)
        if sequence != expected:  # 41
            self.problem(f"sequence {sequence}, expected {expected}")
        self.sequence[key] = (sequence + count) & 0xffffffff

    def clock(self, uptime, seconds):
        if uptime > 0x7fffffff:
            self.problem(f"uptime {uptime} is negative to some")
        if seconds * 1000 < uptime:
            self.problem("booted before 1970")
        return seconds * 1000 - uptime

    def times(self, first, last, uptime):
        if not first <= last <= uptime:  # 44
            self.problem(f"first {first}, last {last}, uptime {uptime}")

    # --- version 9 ---

    def packet9(self, octets, at):
        if len(octets) - at < 20:
            raise Damaged(f"{len(octets) - at} octets are no header")
        _, count, uptime, seconds, sequence, source = struct.unpack_from(">HHIIII", octets, at)
        boot = self.clock(uptime, seconds)
        self.in_sequence(source, sequence, 1)
        if count == 0:
            self.problem("a packet without records")
        end, found = at + 20, 0
        while found < count:
            length, records = self.flowset(octets, end, source, (boot, uptime))
            end += length
            found += records
        if found != count:  # 41
            self.problem(f"the header counts {count} records, there are {found}")
        return end - at

    def flowset(self, octets, at, source, clock):
        if len(octets) - at < 4:
            raise Damaged("a packet with fewer records than its header counts")
        number, length = struct.unpack_from(">HH", octets, at)
        if length < 4 or at + length > len(octets):
            raise Damaged(f"flowset {number} of length {length}, {len(octets) - at} octets there")
        if length % 4:  # 42
            self.problem(f"flowset {number} has {length} octets, no multiple of 4")
        content = octets[at + 4:at + length]
        if number == 0:
            count, used = self.template_set(content, source)
        elif number == 1:
            count, used = self.options_template_set(content, source)
        elif number >= 256:
            count, used = self.data_set(content, source, number, clock)
        else:  # 42
            raise Damaged(f"flowset id {number}")
        if count == 0:
            raise Damaged(f"flowset {number} is empty")
        padding = content[used:]
        if len(padding) > 3 or any(padding):  # 19, 42
            self.problem(f"flowset {number} ends with {padding.hex()}")
        return length, count

    def fields(self, content, at, octets):
        if octets % 4 or at + octets > len(content):
            raise Damaged(f"{octets} octets of fields")
        fields = list(struct.iter_unpack(">HH", content[at:at + octets]))
        for number, length in fields:
            if length in (0, 65535):  # 43
                self.problem(f"field {number} of length {length}")
        return fields

    def template_set(self, content, source):
        at = count = 0
        while len(content) - at >= 4:
            number, fields = struct.unpack_from(">HH", content, at)
            if fields == 0:
                self.problem(f"template {number} without fields")
            layout = self.fields(content, at + 4, fields * 4)
            self.register(source, number, Template(layout, 0))
            at += 4 + fields * 4
            count += 1
        return count, at

    def options_template_set(self, content, source):
        at = count = 0
        while len(content) - at >= 6:
            number, scopes, options = struct.unpack_from(">HHH", content, at)
            layout = self.fields(content, at + 6, scopes)
            if not layout:
                self.problem(f"options template {number} without a scope")
            for scope, _ in layout:
                if scope not in SCOPES:  # 42
                    self.problem(f"options template {number}: scope {scope}")
            layout += self.fields(content, at + 6 + scopes, options)
            self.register(source, number, Template(layout, scopes // 4))
            at += 6 + scopes + options
            count += 1
        return count, at

    def register(self, source, number, template):
        if number < 256:
            self.problem(f"template id {number}")
        plain = template.fields[template.scopes:]
        if len({field for field, _ in plain}) != len(plain):
            self.problem(f"template {number} has a field twice")
        for field, length in plain:
            if length not in LENGTHS.get(field, (length,)):
                self.problem(f"template {number}: field {field} has {length} octets")
        before = self.templates.get((source, number))
        if before and before.fields != template.fields:
            self.problem(f"template {number} is redefined")
        self.templates[source, number] = template

    def data_set(self, content, source, number, clock):
        template = self.templates.get((source, number))
        if template is None:  # 5
            raise Damaged(f"data of template {number}, which is not known")
        count = len(content) // template.size
        for index in range(count):
            self.data_record(content[index * template.size:], template, clock)
        return count, count * template.size

    def data_record(self, octets, template, clock):
        boot, uptime = clock
        record = {"boot": boot}
        at = 0
        for index, (number, length) in enumerate(template.fields):
            value = octets[at:at + length]
            at += length
            if index < template.scopes:
                record["scope"] = value
            else:
                record[number] = self.value(number, value)
        if template.scopes:
            self.options.append(record)
            return
        if 21 in record and 22 in record:
            self.times(record[22], record[21], uptime)
        self.records.append(record)

    def value(self, number, octets):
        if number in ADDRESSES:
            return octets
        if number not in TEXTS:
            return int.from_bytes(octets, "big")
        text, _, rest = octets.partition(b"\0")
        if any(rest):
            self.problem(f"field {number}: octets behind the end of the text: {octets.hex()}")
        try:
            return text.decode("utf-8")
        except UnicodeDecodeError:
            self.problem(f"field {number} is not UTF-8: {octets.hex()}")
            return ""

    # --- version 5 ---

    def packet5(self, octets, at):
        if len(octets) - at < 24:
            raise Damaged(f"{len(octets) - at} octets are no header")
        _, count, uptime, seconds, nanoseconds, sequence, engine, _ = struct.unpack_from(
            ">HHIIIIHH", octets, at)
        if not 1 <= count <= 30 or len(octets) - at < 24 + count * 48:
            raise Damaged(f"{count} records, {len(octets) - at} octets there")
        boot = self.clock(uptime, seconds) + nanoseconds // 1000000
        self.in_sequence(("v5", engine), sequence, count)
        for index in range(count):
            values = RECORD5.unpack_from(octets, at + 24 + index * 48)
            record = dict(zip(NAMES5, values), boot=boot)
            if record.pop("pad1") or record.pop("pad2"):
                self.problem("padding is not zero")
            self.times(record["first"], record["last"], uptime)
            if record["packets"] == 0 or record["octets"] < record["packets"]:
                self.problem(f"{record['packets']} packets of {record['octets']} octets")
            self.records.append(record)
        return 24 + count * 48


def check(octets, mtu=1400):
    checker = Checker(mtu)
    checker.file(octets)
    return checker


def main():
    parser = argparse.ArgumentParser(description="check NetFlow packets against the standards")
    parser.add_argument("--mtu", type=int, default=1400, metavar="OCTETS")
    parser.add_argument("file")
    arguments = parser.parse_args()
    with open(arguments.file, "rb") as stream:
        result = check(stream.read(), arguments.mtu)
    for problem in result.problems:
        print(problem)
    return 1 if result.problems else 0


if __name__ == "__main__":
    sys.exit(main())
