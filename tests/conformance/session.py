# SPDX-License-Identifier: BSD-2-Clause
"""Sessions of weir with collectors, and their messages taken to pieces: headers, sets, templates,
records. It knows RFC 7011 and nothing of weir, nor of tests/lib/ipfix_check.py."""

import collections
import os
import socket
import struct
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

from room import give_room  # noqa: E402

LIMIT_S = 120
VARIABLE = 65535
PEN_REVERSE = 29305
TEMPLATES, OPTIONS = 2, 3  # ids of sets
FAMILIES = {4: (socket.AF_INET, "127.0.0.1"), 6: (socket.AF_INET6, "::1")}
Message = collections.namedtuple("Message", "version length time sequence domain sets octets")
Specifier = collections.namedtuple("Specifier", "pen number length")
Template = collections.namedtuple("Template", "number scopes fields")
Record = collections.namedtuple("Record", "template values")


class Receiver:
    """A collector in a thread: the octets of each session, or each datagram."""

    def __init__(self, stream, version=4):
        family, self.host = FAMILIES[version]
        self.stream = stream
        self.socket = socket.socket(family, socket.SOCK_STREAM if stream else socket.SOCK_DGRAM)
        give_room(self.socket)
        self.socket.bind((self.host, 0))
        self.socket.settimeout(LIMIT_S)
        if stream:
            self.socket.listen(1)
        self.chunks = []
        self.thread = threading.Thread(target=self.take, daemon=True)
        self.thread.start()

    def url(self, form, query=""):
        host = f"[{self.host}]" if ":" in self.host else self.host
        way = "tcp" if self.stream else "udp"
        query = (query + "&" if query else "?") + "linger=60"  # a loaded machine only takes longer
        return f"{form}+{way}://{host}:{self.socket.getsockname()[1]}{query}"

    def take(self):
        if not self.stream:
            while octets := self.socket.recv(1 << 16):
                self.chunks.append(octets)
            return
        connection, _ = self.socket.accept()
        connection.settimeout(LIMIT_S)
        with connection:
            while octets := connection.recv(1 << 16):
                self.chunks.append(octets)

    def finish(self):
        """All chunks; of a collector nobody connected to, none."""
        if not self.stream:  # behind all others
            with socket.socket(self.socket.family, socket.SOCK_DGRAM) as last:
                last.sendto(b"", self.socket.getsockname()[:2])
        self.thread.join(LIMIT_S)
        self.socket.close()
        return self.chunks


def weir_replays(weir, capture, *words):
    """Status and standard error."""
    done = subprocess.run([weir, "replay", "--quiet", "--max-flows", "65536", *words, capture],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=LIMIT_S, check=False,
                          env=dict(os.environ, G_DEBUG="fatal-warnings", LC_ALL="C"))  # fmt: skip
    return done.returncode, done.stderr


def must_replay(weir, capture, *words):
    status, errors = weir_replays(weir, capture, *words)
    if status or errors:
        raise AssertionError(f"{words}: status {status}, {errors}")


def to_words(urls):
    return [word for url in urls for word in ("--to", url)]


def messages(octets):
    """Headers and sets of messages that stand one after the other."""
    found = []
    at = 0
    while at < len(octets):
        version, length, time, sequence, domain = struct.unpack_from(">HHIII", octets, at)
        whole = octets[at : at + length]
        if version != 10 or length < 16 or len(whole) < length:
            raise AssertionError(f"at {at}: version {version}, length {length}, "
                                 f"{len(whole)} octets there")  # fmt: skip
        found.append(Message(version, length, time, sequence, domain, sets_of(whole), whole))
        at += length
    return found


def sets_of(message, at=16):
    """Number and octets of each set, or flowset, behind the header."""
    found = []
    while at < len(message):
        number, length = struct.unpack_from(">HH", message, at)
        if length < 4 or at + length > len(message):
            raise AssertionError(f"a set of {length} octets at {at} of {len(message)}")
        found.append((number, message[at + 4 : at + length]))
        at += length
    return found


def templates_of(number, body):
    """Of one set; what is left behind the last one is padding, given as well."""
    found = []
    at = 0
    while len(body) - at >= 4:
        template, count = struct.unpack_from(">HH", body, at)
        at += 4
        scopes = 0
        if number == OPTIONS and count:
            (scopes,) = struct.unpack_from(">H", body, at)
            at += 2
        fields = []
        for _ in range(count):
            element, length = struct.unpack_from(">HH", body, at)
            at += 4
            pen = 0
            if element & 0x8000:
                (pen,) = struct.unpack_from(">I", body, at)
                at += 4
            fields.append(Specifier(pen, element & 0x7FFF, length))
        found.append(Template(template, scopes, tuple(fields)))
    return found, body[at:]


def shortest(template):
    return sum(1 if field.length == VARIABLE else field.length for field in template.fields)


def values_of(template, body, at):
    """(octets with their prefix a field, where the record ends)"""
    values = []
    for field in template.fields:
        begin = at
        at += field.length
        if field.length == VARIABLE:
            at = begin + 1 + body[begin]
            if body[begin] == 255:
                at = begin + 3 + int.from_bytes(body[begin + 1 : begin + 3], "big")
        values.append(body[begin:at])
    if at > len(body):
        raise AssertionError(f"a record of template {template.number} is cut")
    return values, at


def records_of(template, body):
    """The records of a data set, and the padding behind them."""
    found = []
    at = 0
    while len(body) - at >= shortest(template):
        values, at = values_of(template, body, at)
        found.append(Record(template, values))
    return found, body[at:]


class Session:
    """What a collector knows after all of it, and in which order it came."""

    def __init__(self, octets):
        self.octets = octets
        self.messages = messages(octets)
        self.told = []  # (domain, Template), each time
        self.templates = {}  # by domain and number, the last
        self.records = []
        self.paddings = []  # (octets, shortest record)
        self.counts = []  # data records a message
        for message in self.messages:
            self.counts.append(sum(self.take(message.domain, *one) for one in message.sets))

    def take(self, domain, number, body):
        if number in (TEMPLATES, OPTIONS):
            found, rest = templates_of(number, body)
            self.paddings.append((rest, 4))
            for template in found:
                self.told.append((domain, template))
                self.templates[domain, template.number] = template
            return 0
        template = self.templates[domain, number]  # 5: else it came too early
        found, rest = records_of(template, body)
        self.paddings.append((rest, shortest(template)))
        self.records += found
        return len(found)

    def flows(self):
        return [record for record in self.records if not record.template.scopes]

    def layouts(self, options=None):
        """Each once; options: only those, or only the others."""
        return [template for template in self.templates.values()
                if options is None or bool(template.scopes) == options]  # fmt: skip


def value(record, number, pen=0):
    """The octets of a field, without a prefix; None where the record has none."""
    for field, octets in zip(record.template.fields, record.values):
        if (field.pen, field.number) == (pen, number):
            if field.length != VARIABLE:
                return octets
            return octets[3:] if octets[0] == 255 else octets[1:]
    return None


def integer(record, number, pen=0):
    octets = value(record, number, pen)
    return None if octets is None else int.from_bytes(octets, "big")
