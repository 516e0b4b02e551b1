# SPDX-License-Identifier: BSD-2-Clause
"""Reads and writes capture files, independently of weir and of libpcap.

Just enough for the tests: pcap of both byte orders and resolutions, pcapng with any number of
sections and interfaces, gzip around either. What cannot be read ends the list of packets.
"""

import struct
import zlib

LINK_ETHERNET = 1
LINK_RAW = 101
LINK_IPV4 = 228
LINK_IPV6 = 229
# DLT_RAW as some systems write it into files.
LINKS_IP = (12, 14, LINK_RAW, LINK_IPV4, LINK_IPV6)

PCAP_MAGICS = {
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\x3c\x4d": (">", 1),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
}


class Packet:
    """A frame as captured."""

    __slots__ = ("time_ns", "link", "data", "length", "offset")

    def __init__(self, time_ns, link, data, length=None, offset=0):
        self.time_ns = time_ns
        self.link = link
        self.data = data
        self.length = len(data) if length is None else length
        self.offset = offset


class Damage(Exception):
    """The file is not a capture from here on."""


def unpack(content):
    """What gzip members hold, as far as they are whole, and the damage or None."""
    unpacked = b""
    while content[:2] == b"\x1f\x8b":
        member = zlib.decompressobj(wbits=31)
        try:
            unpacked += member.decompress(content)
        except zlib.error:
            return unpacked, Damage("gzip data damaged")
        if not member.eof:
            return unpacked, Damage("gzip data cut")
        content = member.unused_data
    return unpacked, None


def readable(path):
    """The packets before any damage, and the damage or None."""
    with open(path, "rb") as file:
        content = file.read()
    unpacking = None
    if content[:2] == b"\x1f\x8b":
        content, unpacking = unpack(content)
    found = []
    try:
        for packet in packets(content):
            found.append(packet)
    except (Damage, struct.error, IndexError) as damage:
        return found, damage
    return found, unpacking


def packets(content):
    if content[:4] in PCAP_MAGICS:
        return pcap_packets(content)
    if content[:4] == b"\x0a\x0d\x0d\x0a":
        return pcapng_packets(content)
    raise Damage("neither pcap nor pcapng")


def pcap_packets(content):
    order, unit = PCAP_MAGICS[content[:4]]
    version = struct.unpack_from(order + "HH", content, 4)
    link = struct.unpack_from(order + "I", content, 20)[0] & 0xFFFF
    record = struct.Struct(order + "IIII")
    at = 24
    while at < len(content):
        if at + 16 > len(content):
            raise Damage(f"cut at {at}")
        seconds, fraction, captured, length = record.unpack_from(content, at)
        if version < (2, 3):
            captured, length = length, captured  # the order of the fields was changed then
        if at + 16 + captured > len(content):
            raise Damage(f"cut at {at}")
        data = content[at + 16 : at + 16 + captured]
        yield Packet(seconds * 10**9 + fraction * unit, link, data, length, at)
        at += 16 + captured


class Interface:
    """What an interface description block says that packets need."""

    def __init__(self, order, body):
        self.link, _, self.snap = struct.unpack_from(order + "HHI", body)
        self.base = 10**6
        self.shift_s = 0
        at = 8
        while at + 4 <= len(body):
            code, length = struct.unpack_from(order + "HH", body, at)
            value = body[at + 4 : at + 4 + length]
            if code == 0:
                break
            if code == 9 and length == 1:
                self.base = 2 ** (value[0] & 0x7F) if value[0] & 0x80 else 10 ** value[0]
            if code == 14 and length == 8:
                self.shift_s = struct.unpack(order + "q", value)[0]
            at += 4 + (length + 3) // 4 * 4

    def time_ns(self, ticks):
        return ticks * 10**9 // self.base + self.shift_s * 10**9


def pcapng_blocks(content):
    order = "<"
    at = 0
    while at < len(content):
        if at + 12 > len(content):
            raise Damage(f"cut at {at}")
        if content[at : at + 4] == b"\x0a\x0d\x0d\x0a":
            order = "<" if content[at + 8 : at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
        kind, size = struct.unpack_from(order + "II", content, at)
        if size < 12 or at + size > len(content):
            raise Damage(f"bad block at {at}")
        yield order, kind, content[at + 8 : at + size - 4], at
        at += (size + 3) // 4 * 4


def pcapng_packets(content):
    interfaces = []
    time_ns = 0  # a simple packet block has none: it takes that of the packet before
    for order, kind, body, at in pcapng_blocks(content):
        if kind == 0x0A0D0D0A:
            interfaces = []
        elif kind == 1:
            interfaces.append(Interface(order, body))
        elif kind == 3:
            (length,) = struct.unpack_from(order + "I", body)
            captured = min(length, interfaces[0].snap or length)
            yield Packet(time_ns, interfaces[0].link, body[4 : 4 + captured], length, at)
        elif kind in (2, 6):
            form = order + ("IIIII" if kind == 6 else "HHIIII")
            fields = struct.unpack_from(form, body)
            index, high, low, captured, length = fields if kind == 6 else fields[:1] + fields[2:]
            interface = interfaces[index]
            time_ns = interface.time_ns(high << 32 | low)
            yield Packet(time_ns, interface.link, body[20 : 20 + captured], length, at)


def write(path, frames, link=LINK_ETHERNET):
    """A pcap file of nanosecond resolution."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, link))
        for packet in frames:
            seconds, nanoseconds = divmod(packet.time_ns, 10**9)
            length = len(packet.data)
            file.write(struct.pack("<IIII", seconds, nanoseconds, length, packet.length))
            file.write(packet.data)
