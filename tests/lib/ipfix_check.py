#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A strict reader of IPFIX files (RFC 5655) and checker of what RFC 7011 demands.

ipfix_check.py [--json] [--again] [--elements XML]... FILE

Prints every problem, one a line, and exits with 1 if there is any; with --json the data records
go to standard output, one object a line, and the problems to standard error. As a module:

    result = check(octets, load_elements())
    result.problems    lines of text
    result.records     dicts by element name: integers, floats, text of addresses, times in ns
    result.options     the same of options records, RFC 5610 among them; the second of two times of
                       one element has the key of the first with "#2"
    result.templates   {(domain, id): Template}

The checks are those of the project's list of what the standards demand: numbers 1 to 7, 18 to 22,
24 to 26, 31 to 36, 38 and 39, named in the code where they are made. It shares no code with weir."""

import argparse
import ipaddress
import json
import os
import struct
import sys
import xml.etree.ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
REGISTRY = os.path.join(HERE, "..", "data", "ipfix", "iana-elements.tsv")
OWN_REGISTRY = os.path.join(HERE, "..", "..", "templates", "weir-elements.xml")

PEN_REVERSE = 29305  # RFC 5103
REVERSE_BIT = 0x4000
NTP_EPOCH = 2208988800
VARIABLE = 65535

# Abstract data types by their number in RFC 5610: name and octets (None: variable).
TYPES = [("octetArray", None), ("unsigned8", 1), ("unsigned16", 2), ("unsigned32", 4),
         ("unsigned64", 8), ("signed8", 1), ("signed16", 2), ("signed32", 4), ("signed64", 8),
         ("float32", 4), ("float64", 8), ("boolean", 1), ("macAddress", 6), ("string", None),
         ("dateTimeSeconds", 4), ("dateTimeMilliseconds", 8), ("dateTimeMicroseconds", 8),
         ("dateTimeNanoseconds", 8), ("ipv4Address", 4), ("ipv6Address", 16),
         ("basicList", None), ("subTemplateList", None), ("subTemplateMultiList", None),
         ("unsigned256", 32)]
SIZES = dict(TYPES)

# 31 to 35, 38: whoever tells the first of these says so of one of the others.
OPTION_SCOPES = {
    "exportedMessageTotalCount": {"observationDomainId", "meteringProcessId"},
    "ignoredPacketTotalCount": {"observationDomainId", "meteringProcessId"},
    "notSentFlowTotalCount": {"exporterIPv4Address", "exporterIPv6Address", "exportingProcessId"},
    "flowKeyIndicator": {"templateId"},
    "selectorAlgorithm": {"selectorId"},
    "interfaceName": {"ingressInterface", "egressInterface"},
}
INTERVALS = {"ignoredPacketTotalCount", "notSentFlowTotalCount"}


class Element:
    def __init__(self, name, kind):
        self.name = name
        self.kind = kind


class Field:
    """One specifier of a template."""

    def __init__(self, pen, number, length, element):
        self.pen = pen
        self.number = number
        self.length = length
        self.element = element
        self.name = element.name if element else f"e{pen}id{number}"
        self.kind = element.kind if element else "octetArray"


class Template:
    def __init__(self, fields, scopes):
        self.fields = fields
        self.scopes = scopes  # 0: not an options template
        self.shortest = sum(1 if f.length == VARIABLE else f.length for f in fields)
        self.variable = any(f.length == VARIABLE for f in fields)

    def layout(self):
        return [(f.pen, f.number, f.length) for f in self.fields], self.scopes


def reverse_name(name):
    return "reverse" + name[0].upper() + name[1:]


def load_iana(elements, path):
    with open(path, encoding="utf-8") as table:
        for line in list(table)[1:]:
            column = line.rstrip("\n").split("\t")
            if column[2] not in SIZES:
                continue  # reserved
            number = int(column[0])
            elements[0, number] = Element(column[1], column[2])
            if column[9] == "1":
                elements[PEN_REVERSE, number] = Element(reverse_name(column[1]), column[2])


def load_xml(elements, path):
    """An IANA-style registry; names of tags count, their namespaces do not."""
    for record in xml.etree.ElementTree.parse(path).iter():
        said = {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in record}
        if "elementId" not in said or said.get("dataType") not in SIZES:
            continue
        pen, number = int(said.get("enterpriseId", 0)), int(said["elementId"])
        elements[pen, number] = Element(said["name"], said["dataType"])
        if said.get("reversible", "true") in ("true", "yes", "1"):
            elements[pen, number | REVERSE_BIT] = Element(reverse_name(said["name"]),
                                                          said["dataType"])


def load_elements(*registries):
    """{(pen, number): Element}: IANA's, their reverses, and those of the XML registries."""
    elements = {}
    load_iana(elements, REGISTRY)
    for path in registries or ([OWN_REGISTRY] if os.path.exists(OWN_REGISTRY) else []):
        load_xml(elements, path)
    return elements


def ntp_ns(octets):
    seconds, fraction = struct.unpack(">II", octets)
    # Before 1970 in this era means after 2036 in the next one.
    seconds += -NTP_EPOCH if seconds >= NTP_EPOCH else (1 << 32) - NTP_EPOCH
    return seconds * 1000000000 + (fraction * 1000000000 >> 32)


def decode(kind, octets):
    if kind.startswith("unsigned"):
        return int.from_bytes(octets, "big")
    if kind.startswith("signed"):
        return int.from_bytes(octets, "big", signed=True)
    if kind.startswith("float"):
        return struct.unpack(">f" if len(octets) == 4 else ">d", octets)[0]
    if kind == "boolean":
        return octets == b"\x01"
    if kind in ("ipv4Address", "ipv6Address"):
        return str(ipaddress.ip_address(octets))
    if kind == "macAddress":
        return octets.hex(":")
    if kind == "string":
        return octets.decode("utf-8", "replace")
    if kind == "dateTimeSeconds":
        return int.from_bytes(octets, "big") * 1000000000
    if kind == "dateTimeMilliseconds":
        return int.from_bytes(octets, "big") * 1000000
    if kind in ("dateTimeMicroseconds", "dateTimeNanoseconds"):
        return ntp_ns(octets)
    return octets.hex()


def value_fault(kind, octets):
    """What a value of this type must not be; None when it is fine."""
    if kind == "boolean" and octets not in (b"\x01", b"\x02"):  # 25
        return "a boolean is neither 1 nor 2"
    if kind == "dateTimeMicroseconds" and int.from_bytes(octets[4:], "big") % 2048:  # 24
        return "the low 11 bits of microseconds are not zero"
    if kind == "string":  # 21
        try:
            octets.decode("utf-8")
        except UnicodeDecodeError:
            return "a string is not UTF-8"
    return None


def length_fault(field):
    """22, 24, 25: which lengths a type may have on the wire."""
    size = SIZES[field.kind]
    if size is None or field.length == size:
        return None
    if field.length == VARIABLE:
        return "a type of fixed length has variable length"
    integer = field.kind.startswith(("unsigned", "signed"))
    if integer and 1 <= field.length < size:
        return None
    if field.kind == "float64" and field.length == 4:
        return None
    return f"{field.kind} has {field.length} octets"


class Damaged(Exception):
    """The structure cannot be followed further."""


class Checker:
    def __init__(self, elements, again=False):
        self.elements = dict(elements)
        self.again = again  # over datagrams all of it may be told again
        self.problems = []
        self.records = []
        self.options = []
        self.templates = {}
        self.messages = 0
        self.sequence = {}   # by domain
        self.described = set()
        self.export_times = []
        self.where = ""

    def problem(self, text):
        self.problems.append(f"{self.where}: {text}")

    # --- messages and sets ---

    def file(self, octets):
        at = 0
        while at < len(octets):
            self.where = f"message {self.messages + 1} at offset {at}"
            try:
                at += self.message(octets, at)
            except Damaged as damage:
                self.problem(f"{damage}; the rest is not read")
                return
            self.messages += 1
        self.where = "file"
        if not self.messages:
            self.problem("there is no message")
        self.undescribed()

    def message(self, octets, at):
        if len(octets) - at < 16:
            raise Damaged(f"{len(octets) - at} octets are no message header")
        version, length, time, sequence, domain = struct.unpack_from(">HHIII", octets, at)
        if version != 10:  # 1
            raise Damaged(f"version {version}")
        if length < 16 or at + length > len(octets):  # 1
            raise Damaged(f"length {length} with {len(octets) - at} octets there")
        if sequence != self.sequence.setdefault(domain, 0):  # 6, 7
            self.problem(f"sequence {sequence}, expected {self.sequence[domain]}")
        if length == 16:  # 2
            self.problem("a message without sets")
        self.export_times.append(time)
        count = self.sets(octets[at + 16:at + length], domain)
        self.sequence[domain] = (sequence + count) & 0xffffffff
        return length

    def sets(self, body, domain):
        at = count = 0
        while at < len(body):
            if len(body) - at < 4:
                raise Damaged(f"{len(body) - at} octets are no set header")
            number, length = struct.unpack_from(">HH", body, at)
            if length < 4 or at + length > len(body):
                raise Damaged(f"set {number} of length {length}, {len(body) - at} octets there")
            content = body[at + 4:at + length]
            if not content:  # 2
                self.problem(f"empty set {number}")
            if number in (2, 3):
                self.template_set(content, domain, number == 3)
            elif number >= 256:
                count += self.data_set(content, domain, number)
            else:  # 3
                self.problem(f"set id {number}")
            at += length
        return count

    def padding(self, octets, shortest):
        if any(octets):  # 19
            self.problem(f"padding is not zero: {octets.hex()}")
        if len(octets) >= shortest:  # 19
            self.problem(f"{len(octets)} octets of padding, a record has {shortest}")

    # --- templates ---

    def template_set(self, content, domain, options):
        at = count = 0
        while len(content) - at >= 4 and (any(content[at:]) or not count):
            at = self.template(content, at, domain, options)
            count += 1
        self.padding(content[at:], 4)

    def template(self, content, at, domain, options):
        number, fields = struct.unpack_from(">HH", content, at)
        at += 4
        if not 256 <= number <= 65535:  # 4
            self.problem(f"template id {number}")
        if fields == 0:  # 12, 14: nobody may withdraw in a file
            self.problem(f"template {number} is withdrawn")
            return at
        scopes = 0
        if options:
            if len(content) - at < 2:
                raise Damaged(f"options template {number} is cut short")
            scopes, = struct.unpack_from(">H", content, at)
            at += 2
            if not 1 <= scopes <= fields:  # 39
                self.problem(f"options template {number}: {scopes} scopes of {fields} fields")
        layout = []
        for _ in range(fields):
            field, at = self.specifier(content, at, number)
            layout.append(field)
        self.register(domain, number, Template(layout, scopes))
        return at

    def specifier(self, content, at, template):
        if len(content) - at < 4:
            raise Damaged(f"template {template} is cut short")
        number, length = struct.unpack_from(">HH", content, at)
        at += 4
        pen = 0
        if number & 0x8000:  # 26
            if len(content) - at < 4:
                raise Damaged(f"template {template} is cut short")
            pen, = struct.unpack_from(">I", content, at)
            at += 4
            number &= 0x7fff
            if pen == 0:
                self.problem(f"template {template}: element {number} of enterprise 0")
        field = Field(pen, number, length, self.elements.get((pen, number)))
        if field.element is None:
            self.problem(f"template {template}: unknown element {pen}/{number}")
        fault = length_fault(field)
        if fault:
            self.problem(f"template {template}: {field.name}: {fault}")
            field.kind = "octetArray"
        return field, at

    def register(self, domain, number, template):
        seen = set()
        for field in template.fields:
            interval = template.scopes and field.name.startswith("observationTime")
            if (field.pen, field.number) in seen and not interval:
                self.problem(f"template {number} has {field.name} twice")
            seen.add((field.pen, field.number))
        if template.shortest == 0:
            self.problem(f"records of template {number} have no octets")
        if template.scopes:
            self.option_template(number, template)
        before = self.templates.get((domain, number))
        if before and before.layout() != template.layout():  # 4, 13
            self.problem(f"template {number} is redefined")
        self.templates[domain, number] = template

    def option_template(self, number, template):
        names = [field.name for field in template.fields]
        for name, scopes in OPTION_SCOPES.items():
            if name in names and not scopes.intersection(names[:template.scopes]):
                self.problem(f"options template {number}: {name} is not about any of "
                             f"{', '.join(sorted(scopes))}")
        times = sum(name.startswith("observationTime") for name in names)
        if times != (2 if INTERVALS.intersection(names) else 0):  # 32, 33
            self.problem(f"options template {number} has {times} times")

    def option(self, record, domain):
        times = [value for name, value in record.items() if name.startswith("observationTime")]
        if times != sorted(times):  # 32, 33
            self.problem(f"an interval ends before it begins: {times}")
        if "flowKeyIndicator" not in record:
            return
        keyed = self.templates.get((domain, record.get("templateId")))  # 34
        if keyed is None or keyed.scopes:
            self.problem(f"flow keys of template {record.get('templateId')}, which is none")
        elif not 0 < record["flowKeyIndicator"] < 1 << len(keyed.fields):
            self.problem(f"flow keys {record['flowKeyIndicator']:#x} of {len(keyed.fields)} fields")

    # --- data ---

    def data_set(self, content, domain, number):
        template = self.templates.get((domain, number))
        if template is None:  # 5, 15
            self.problem(f"data of template {number}, which is not known")
            return 0
        if template.shortest == 0:
            return 0
        at = count = 0
        while len(content) - at >= template.shortest:
            record, at = self.record(template, content, at, number)
            (self.options if template.scopes else self.records).append(record)
            if template.scopes:
                self.describe(record)
                self.option(record, domain)
            count += 1
        if not count:  # 2
            self.problem(f"data set {number} without a record")
        self.padding(content[at:], template.shortest)
        return count

    def record(self, template, content, at, number):
        record = {}
        for field in template.fields:
            length = field.length
            if length == VARIABLE:
                length, at = self.variable(content, at, number)
            octets = content[at:at + length]
            if len(octets) < length:  # 18
                raise Damaged(f"a record of template {number} is cut short")
            at += length
            if length or SIZES[field.kind] is None:
                fault = value_fault(field.kind, octets)
                if fault:
                    self.problem(f"template {number}: {field.name}: {fault}")
                name = field.name + "#2" if field.name in record else field.name
                record[name] = decode(field.kind, octets)
        return record, at

    def variable(self, content, at, number):
        """20: one octet of length, or 255 and two."""
        if at < len(content) and content[at] < 255:
            return content[at], at + 1
        if len(content) - at < 3:
            raise Damaged(f"a record of template {number} is cut short")
        length, = struct.unpack_from(">H", content, at + 1)
        if length < 255:  # allowed, but nobody needs it
            self.problem(f"a length of {length} in three octets")
        return length, at + 3

    # --- RFC 5610 ---

    def describe(self, record):
        """36: an information element type record."""
        number = record.get("informationElementId")
        pen = record.get("privateEnterpriseNumber")
        if number is None or pen is None or "informationElementDataType" not in record:
            return
        kind = record["informationElementDataType"]
        name = record.get("informationElementName")
        if kind >= len(TYPES):
            self.problem(f"type record of {pen}/{number}: data type {kind}")
            return
        known = self.elements.get((pen, number))
        if known and (known.kind != TYPES[kind][0] or known.name != name):
            self.problem(f"type record says {pen}/{number} is {name} {TYPES[kind][0]}, the "
                         f"registry {known.name} {known.kind}")
        if (pen, number) in self.described and not self.again:
            self.problem(f"type record of {pen}/{number} comes twice")
        self.described.add((pen, number))
        self.elements.setdefault((pen, number), Element(name, TYPES[kind][0]))

    def undescribed(self):
        """36: every private element of a template is described in band."""
        for (_, number), template in self.templates.items():
            for field in template.fields:
                if field.pen not in (0, PEN_REVERSE) and \
                        (field.pen, field.number) not in self.described:
                    self.problem(f"template {number}: no type record for {field.name}")


def whole(octets):
    """Without the message that breaks off at the end."""
    at = 0
    while len(octets) - at >= 4:
        length = struct.unpack_from(">H", octets, at + 2)[0]
        if length < 16:
            return octets  # to be complained of
        if at + length > len(octets):
            break
        at += length
    return octets[:at]


def check(octets, elements=None, again=False):
    checker = Checker(elements if elements is not None else load_elements(), again)
    checker.file(octets)
    return checker


def main():
    parser = argparse.ArgumentParser(description="check an IPFIX file against the standards")
    parser.add_argument("--json", action="store_true", help="print the data records")
    parser.add_argument("--elements", action="append", default=[], metavar="XML",
                        help="registry of private elements (default: weir's)")
    parser.add_argument("--again", action="store_true",
                        help="templates and type records may come again, as over UDP")
    parser.add_argument("file")
    arguments = parser.parse_args()
    with open(arguments.file, "rb") as stream:
        result = check(stream.read(), load_elements(*arguments.elements),
                       arguments.again)
    if arguments.json:
        for record in result.records:
            print(json.dumps(record))
    for problem in result.problems:
        print(problem, file=sys.stderr if arguments.json else sys.stdout)
    return 1 if result.problems else 0


if __name__ == "__main__":
    sys.exit(main())
