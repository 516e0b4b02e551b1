# SPDX-License-Identifier: BSD-2-Clause
"""Datagrams in fragments, in every order, as captures for several tests.

    made(name)            the frames of one
    NAMES                 all of them
    write(folder)         each as a capture file
"""

import os
import random
import struct

import capture
from make_pcap import ICMP, SECOND, TCP, UDP, fragments, frame, icmp, ip, tcp, udp

MS = SECOND // 1000
ENDS = {4: ("10.0.0.1", "10.0.0.2"), 6: ("2001:db8::1", "2001:db8::2")}
CARRIERS = {4: ("192.0.2.1", "192.0.2.2"), 6: ("2001:db8:1::1", "2001:db8:1::2")}
ETHERNET = b"\x02\0\0\0\0\x04\x02\0\0\0\0\x03"
_makers = {}


def capture_of(function):
    _makers[function.__name__] = function
    return function


def vxlan(packet, version, vni=7):
    """In Ethernet in VXLAN in UDP."""
    kind = b"\x08\0" if packet[0] >> 4 == 4 else b"\x86\xdd"
    data = struct.pack("!II", 0x08000000, vni << 8) + ETHERNET + kind + packet
    return ip(*CARRIERS[version], UDP, udp(50000, 4789, data))


def gre(packet, version):
    kind = 0x0800 if packet[0] >> 4 == 4 else 0x86DD
    return ip(*CARRIERS[version], 47, struct.pack("!HH", 0, kind) + packet)


def pieces(version, ident, payload, proto=UDP, size=64, **more):
    """An IP packet's payload in fragments of so many octets, in order."""
    ends = more.get("ends", ENDS[version])
    ttl = more.get("ttl", 64)
    made = []
    for at in range(0, len(payload), size):
        last = at + size >= len(payload)
        field = at // 8 | (0 if last else 0x2000)
        made.append(ip(*ends, proto, payload[at : at + size], ttl=ttl, ident=ident, fragment=field))
    return made


def cut(packet, ident, size=64):
    """A packet without options in fragments."""
    version = packet[0] >> 4
    head = 20 if version == 4 else 40
    proto = packet[9] if version == 4 else packet[6]
    ends = (packet[12:16], packet[16:20]) if version == 4 else (packet[8:24], packet[24:40])
    made = []
    payload = packet[head:]
    for at in range(0, len(payload), size):
        field = at // 8 | (0 if at + size >= len(payload) else 0x2000)
        made.append(ip(*ends, proto, payload[at : at + size], ident=ident, fragment=field))
    return made


def timed(packets, start=0, step=MS):
    return [frame(start + number * step, packet) for number, packet in enumerate(packets)]


def orders(version, wrap=lambda packet: packet):
    """Six datagrams of one flow: in order, backward, the first one in the middle, and so on."""
    packets = []
    for ident, order in enumerate(((0, 1, 2, 3), (3, 2, 1, 0), (1, 0, 2, 3), (2, 3, 0, 1),
                                   (3, 0, 1, 2), (1, 2, 3, 0)), 1):  # fmt: skip
        made = pieces(version, ident, udp(40000, 53, bytes(200)))
        packets += [wrap(made[which]) for which in order]
    return timed(packets)


def is_later(packet):
    """Of fragments of IPv4 in Ethernet: not the first one."""
    return bool((packet.data[20] << 8 | packet.data[21]) & 0x1FFF)


@capture_of
def any_order_ipv4():
    return orders(4)


@capture_of
def any_order_ipv6():
    return orders(6)


@capture_of
def any_order_in_vxlan():
    return orders(4, lambda packet: vxlan(packet, 4)) + orders(6, lambda packet: vxlan(packet, 6))


@capture_of
def any_order_in_gre():
    return orders(6, lambda packet: gre(packet, 4))


@capture_of
def protocols():
    """TCP with a RST, with a SYN; ICMP; one without ports. Each backward."""
    packets = []
    for ident, (proto, payload) in enumerate((
        (TCP, tcp(40000, 80, 0x18, seq=1, ack=1, data=bytes(150))),
        (TCP, tcp(40000, 80, 0x06, seq=151, ack=1, data=bytes(150))),
        (TCP, tcp(40001, 80, 0x02, data=bytes(150))),
        (ICMP, icmp(8, ident=9, data=bytes(150))),
        (50, bytes(150)),
    ), 1):  # fmt: skip
        packets += reversed(pieces(4, ident, payload, proto))
    return timed(packets)


@capture_of
def both_ways():
    """The same identification from both ends, and from one to itself; other TTLs and ToS."""
    there, back = ENDS[4], ENDS[4][::-1]
    packets = pieces(4, 9, udp(40000, 53, bytes(150)), ends=there, ttl=3)[::-1]
    answer = pieces(4, 9, udp(53, 40000, bytes(150)), ends=back, ttl=200)[::-1]
    packets = [one for pair in zip(packets, answer) for one in pair]
    for ports in ((1, 2), (2, 1)):
        packets += pieces(4, 10 + ports[0], udp(*ports, bytes(150)), ends=(there[0], there[0]))[::-1]
    return timed(packets)


@capture_of
def orphans():
    """Without a first one, of three datagrams; two of them of the same moment."""
    frames = timed(pieces(4, 1, udp(40000, 53, bytes(200)))[1:])
    frames += timed(pieces(4, 2, udp(40000, 53, bytes(200)))[1:])
    return frames + timed(pieces(6, 3, udp(40000, 53, bytes(200)))[1:], SECOND)


@capture_of
def too_late():
    """The first one comes after the idle time-out, or when the identification is another's."""
    frames = []
    for ident, wait in enumerate((15 * SECOND, 15 * SECOND + 1, 29 * SECOND, 31 * SECOND), 1):
        made = pieces(4, ident, udp(40000, 53, bytes(100)))
        frames += [frame(0, made[1]), frame(wait, made[0]), frame(wait + MS, made[1])]
    made = pieces(4, 9, udp(40000, 53, bytes(100)))
    frames += [frame(at * 10 * SECOND, made[1]) for at in range(5)] + [frame(45 * SECOND, made[0])]
    return sorted(frames, key=lambda packet: packet.time_ns)


@capture_of
def repeated():
    """The first twice, later ones twice, overlapping ones, identifications used again."""
    packets = []
    for turn in range(3):
        made = pieces(4, 1, udp(40000 + turn, 53, bytes(200)))
        packets += [made[2], made[2], made[1], made[0], made[0], made[1], made[3]]
    made = pieces(4, 2, udp(41000, 53, bytes(200)))
    over = ip(*ENDS[4], UDP, bytes(40), ident=2, fragment=0x2000 | 3)
    return timed(packets + [over, made[1], made[0], over])


@capture_of
def clock_goes_back():
    """The first fragment is the earlier one, but comes later."""
    made = pieces(4, 1, udp(40000, 53, bytes(200)))
    times = (50 * MS, 40 * MS, 0, 10 * MS)
    return [frame(at, made[which]) for at, which in zip(times, (2, 1, 0, 3))]


@capture_of
def carriers():
    """VXLAN and GRE whose carriers are in fragments, forward and backward, some without a first."""
    packets = []
    inner = ip(*ENDS[4], UDP, udp(40000, 53, bytes(200)))
    for number, wrap in enumerate((lambda p: vxlan(p, 4), lambda p: vxlan(p, 6), lambda p: gre(p, 4))):
        for turn in range(4):
            made = cut(wrap(inner), 10 * number + turn, 128)
            packets += (made, made[::-1], made[1:] + made[:1], made[1:])[turn]
    return timed(packets)


@capture_of
def fragments_in_carriers():
    """A fragment of the inner packet in a carrier in fragments, both backward."""
    packets = []
    for inner in reversed(pieces(4, 5, udp(40000, 53, bytes(300)), size=160)):
        packets += reversed(cut(vxlan(inner, 4), 77 + len(packets), 128))
    return timed(packets)


@capture_of
def many():
    """A thousand datagrams of forty flows in any order at all, some with pieces missing."""
    chance = random.Random(7)
    frames = []
    for ident in range(1000):
        version = 4 + 2 * (ident % 3 == 0)
        made = pieces(version, ident, udp(1000 + ident % 40, 53, bytes(chance.randrange(70, 500))))
        if chance.random() < 0.1:
            del made[chance.randrange(len(made))]
        start = chance.randrange(20 * SECOND)
        frames += [frame(start + chance.randrange(50 * MS), packet) for packet in made]
    return sorted(frames, key=lambda packet: packet.time_ns)


NAMES = tuple(_makers)


def made(name):
    return _makers[name]()


def write(folder):
    for name in NAMES:
        capture.write(os.path.join(folder, name + ".pcap"), made(name))
