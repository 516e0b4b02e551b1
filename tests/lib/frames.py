# SPDX-License-Identifier: BSD-2-Clause
"""What DESIGN 4.1 sees in one frame, told independently of weir's own parser.

parse() gives a Seen, or the name of the reason (bpf/meter/set_aside.def) for setting it aside.
Tunnels are not looked into, as with --tunnels outer; link headers are in links.py and layers.py.
"""

import ipaddress
import struct

import capture
import layers
import links

PORTS = (6, 17, 33, 132, 136)  # TCP, UDP, DCCP, SCTP, UDP-Lite
# Types that carry an identifier behind the checksum, requests and answers alike.
ICMP_IDENTIFIED = {1: (0, 8, 13, 14, 15, 16, 17, 18), 58: (128, 129)}
# Hop by hop, routing, destination options: skipped. AH is a protocol of its own (51).
EXTENSIONS = (0, 43, 60)

_texts = {}


def address(packed):
    text = _texts.get(packed)
    if text is None:
        text = _texts[packed] = str(ipaddress.ip_address(packed))
    return text


class Seen:
    """One packet: what keys it, what it counts, what TCP says."""

    __slots__ = (
        "source", "destination", "proto", "version", "vlan", "sport", "dport", "octets", "ttl",
        "fragment", "more", "offset", "flags", "seq", "ack", "payload", "cut",
        "network", "transport", "left", "packet", "joined", "next_header",
    )  # fmt: skip

    def __init__(self):
        self.vlan = self.sport = self.dport = 0
        self.flags = None  # of TCP, None where there is no TCP header
        self.seq = self.ack = self.payload = 0
        self.fragment = None  # identification, of fragments only
        self.more = False
        self.offset = 0
        self.cut = False  # no transport header to be had
        # Where the IP and the transport header begin in the frame, and how many octets of the IP
        # packet there are from the latter.
        self.network = self.transport = self.left = 0
        self.packet = None
        self.joined = False  # a later fragment whose ports are known
        self.next_header = None  # of a fragment: what its datagram says it carries


def parse(packet):
    data = packet.data
    if packet.link in capture.LINKS_IP:
        return parse_ip(packet, 0, 0)
    if packet.link != capture.LINK_ETHERNET:
        try:
            packet = links.as_ethernet(packet)
        except links.Nothing as reason:
            return str(reason)
        data = packet.data
    if len(data) < 14:
        return "truncated"
    try:
        at, kind, vlan = layers.down_to_ip(data, 14, layers.word(data, 12), 0)
    except layers.Nothing as reason:
        return str(reason)
    return without_mirror(parse_ip(packet, at, vlan, kind))


def without_mirror(seen):
    """What ERSPAN mirrors is as if it had been seen where it was mirrored."""
    if not isinstance(seen, Seen) or seen.proto != 47 or seen.offset:
        return seen
    at = layers.mirrored(seen.packet.data, seen.transport)
    if at is None or len(seen.packet.data) < at + 14:
        return seen
    inside = capture.Packet(seen.packet.time_ns, capture.LINK_ETHERNET, seen.packet.data[at:],
                            max(seen.packet.length - at, 0))  # fmt: skip
    inner = parse(inside)
    return inner if isinstance(inner, Seen) else seen


def parse_ip(packet, at, vlan, kind=None):
    data = packet.data
    if len(data) <= at:
        return "truncated"
    version = data[at] >> 4
    if version not in (4, 6) or kind == 0x0800 and version != 4 or kind == 0x86DD and version != 6:
        return "badIpHeader"
    seen = Seen()
    seen.version = version
    seen.vlan = vlan
    seen.network = at
    seen.packet = packet
    fault = (parse_ipv4 if version == 4 else parse_ipv6)(seen, packet, at)
    return fault or seen


def parse_ipv4(seen, packet, at):
    data = packet.data
    if len(data) < at + 20:
        return "truncated"
    head = (data[at] & 15) * 4
    if head < 20:
        return "badIpHeader"
    if len(data) < at + head:
        return "truncated"
    total, ident, fragment = struct.unpack_from("!HHH", data, at + 2)
    seen.ttl = data[at + 8]
    seen.proto = data[at + 9]
    seen.source = address(data[at + 12 : at + 16])
    seen.destination = address(data[at + 16 : at + 20])
    # Segmentation offload leaves 0 in captures of the sending host.
    seen.octets = total or packet.length - at
    if seen.octets < head:
        return "badIpHeader"
    if fragment & 0x3FFF:
        seen.fragment = ident
        seen.next_header = seen.proto
        seen.offset = fragment & 0x1FFF
        seen.more = bool(fragment & 0x2000)
    return parse_transport(seen, data, at + head, at + seen.octets)


def parse_ipv6(seen, packet, at):
    data = packet.data
    if len(data) < at + 40:
        return "truncated"
    length = data[at + 4] << 8 | data[at + 5]
    seen.proto = data[at + 6]
    seen.ttl = data[at + 7]
    seen.source = address(data[at + 8 : at + 24])
    seen.destination = address(data[at + 24 : at + 40])
    # Jumbograms and segmentation offload alike: the frame tells.
    seen.octets = 40 + length if length else packet.length - at
    if not length and seen.proto == 59:
        seen.octets = 40
    end = at + seen.octets
    at += 40
    while seen.proto in EXTENSIONS or seen.proto == 44:
        need = 8 if seen.proto == 44 else 2
        if min(len(data), end) < at + need:
            seen.cut = True
            return None
        if seen.proto == 44:
            field, seen.fragment = struct.unpack_from("!HI", data, at + 2)
            seen.offset = field >> 3
            seen.more = bool(field & 1)
            if not seen.offset and not seen.more:
                seen.fragment = None  # an atomic fragment is a whole datagram
            seen.next_header = data[at]
            size = 8
        else:
            size = 8 + data[at + 1] * 8
            if end < at + size:
                seen.cut = True
                return None
        seen.proto = data[at]
        at += size
        if seen.offset:
            break
    return parse_transport(seen, data, at, end)


def parse_transport(seen, data, at, end):
    seen.transport = at
    seen.left = max(end - at, 0)
    if seen.offset:
        return None
    proto = seen.proto
    have = min(len(data), end) - at
    seen.payload = max(end - at, 0)
    if proto in PORTS:
        if have < 4:
            seen.cut = True
            return None
        seen.sport = data[at] << 8 | data[at + 1]
        seen.dport = data[at + 2] << 8 | data[at + 3]
    elif proto in ICMP_IDENTIFIED and have >= 6 and data[at] in ICMP_IDENTIFIED[proto]:
        seen.sport = seen.dport = data[at + 4] << 8 | data[at + 5]
    if proto == 6 and have >= 14:
        seen.seq, seen.ack = struct.unpack_from("!II", data, at + 4)
        seen.flags = (data[at + 12] & 0x0F) << 8 | data[at + 13]
        seen.payload = max(end - at - (data[at + 12] >> 4) * 4, 0)
    return None
