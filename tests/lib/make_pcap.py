# SPDX-License-Identifier: BSD-2-Clause
"""Builds the packets the tests need: Ethernet, VLAN, IPv4, IPv6, TCP, UDP, ICMP, fragments.

Every builder returns octets; frame() puts them behind an Ethernet header with a time.
"""

import ipaddress
import struct

import capture

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
ETHERTYPE = {4: 0x0800, 6: 0x86DD}
SECOND = 10**9
EPOCH = 1_700_000_000 * SECOND


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip(source, destination, proto, payload, ttl=64, ident=0, fragment=0):
    """An IPv4 or IPv6 packet, as the addresses are. fragment: the offset field with its flags,
    as IPv4 has it (offset in units of 8 octets, 0x2000: more fragments)."""
    one, two = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    if one.version == 4:
        fields = [0x45, 0, 20 + len(payload), ident, fragment, ttl, proto, 0]
        ends = one.packed + two.packed
        fields[7] = checksum(struct.pack("!BBHHHBBH", *fields) + ends)
        return struct.pack("!BBHHHBBH", *fields) + ends + payload
    if fragment:
        offset = (fragment & 0x1FFF) << 3 | fragment >> 13 & 1
        payload = struct.pack("!BBHI", proto, 0, offset, ident) + payload
        proto = 44
    head = struct.pack("!IHBB", 6 << 28, len(payload), proto, ttl)
    return head + one.packed + two.packed + payload


def udp(sport, dport, data=b""):
    return struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data


def tcp(sport, dport, flags, seq=0, ack=0, data=b""):
    return struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 0x50, flags, 8192, 0, 0) + data


def icmp(kind, code=0, ident=0, seq=0, data=b""):
    return struct.pack("!BBHHH", kind, code, 0, ident, seq) + data


def frame(time_ns, packet, vlan=()):
    """The IP packet in an Ethernet frame, time_ns after EPOCH, behind a stack of VLAN tags."""
    tags = b"".join(struct.pack("!HH", 0x8100, number) for number in vlan)
    kind = struct.pack("!H", ETHERTYPE[packet[0] >> 4])
    data = b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01" + tags + kind + packet
    return capture.Packet(EPOCH + time_ns, capture.LINK_ETHERNET, data)


def fragments(start, ident, sport=40000, later=1, proto=UDP):
    """A datagram in later + 1 fragments, a millisecond apart; sport is the identifier of ICMP."""
    head = udp(sport, 80, bytes(8)) if proto == UDP else icmp(8, ident=sport, data=bytes(8))
    frames = []
    for number in range(later + 1):
        more = 0x2000 if number < later else 0
        part = bytes(16) if number else head
        packet = ip("10.0.0.1", "10.0.0.2", proto, part, ident=ident, fragment=more | 2 * number)
        frames.append(frame(start + number * SECOND // 1000, packet))
    return frames


class Talk:
    """Two ends that send each other packets; each call returns the frame of one packet."""

    def __init__(self, client="10.0.0.1", server="10.0.0.2", cport=40000, sport=80):
        self.client = (client, cport)
        self.server = (server, sport)

    def _ends(self, back):
        return (self.server, self.client) if back else (self.client, self.server)

    def udp(self, time_ns, size=10, back=False, **ip_fields):
        (source, sport), (destination, dport) = self._ends(back)
        packet = ip(source, destination, UDP, udp(sport, dport, bytes(size)), **ip_fields)
        return frame(time_ns, packet)

    def tcp(self, time_ns, flags, seq=0, ack=0, size=0, back=False):
        (source, sport), (destination, dport) = self._ends(back)
        segment = tcp(sport, dport, flags, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, bytes(size))
        return frame(time_ns, ip(source, destination, TCP, segment))
