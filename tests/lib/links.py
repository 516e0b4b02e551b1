# SPDX-License-Identifier: BSD-2-Clause
"""Link headers of capture files, independently of weir: what is behind them as an Ethernet frame.

Enough for the link types of the test captures; the address fields are those the header tells.
"""

import struct

import capture

NOWHERE = bytes(12)
FAMILIES = {2: 0x0800, 10: 0x86DD, 23: 0x86DD, 24: 0x86DD, 28: 0x86DD, 30: 0x86DD}
PPP_TYPES = {0x21: 0x0800, 0x57: 0x86DD, 0x281: 0x8847, 0x283: 0x8848}


class Nothing(Exception):
    """There is no packet for the meter, and why."""


def take(form, data, at=0):
    try:
        return struct.unpack_from(form, data, at)
    except struct.error as error:
        raise Nothing("truncated") from error


def need(data, octets):
    if len(data) < octets:
        raise Nothing("truncated")


def llc(data):
    dsap, ssap, control = take("BBB", data)
    if (dsap, ssap, control) == (6, 6, 3):
        return 0x0800, data[3:]
    if (dsap, ssap, control) != (0xAA, 0xAA, 3):
        raise Nothing("notIp")
    need(data, 8)
    if data[3:6] not in (b"\0\0\0", b"\0\0\xf8"):
        raise Nothing("notIp")
    return data[6] << 8 | data[7], data[8:]


def null(data):
    little, big = take("<I", data)[0], take(">I", data)[0]
    kind = FAMILIES.get(little) or FAMILIES.get(big)
    if not kind:
        raise Nothing("notIp")
    return kind, data[4:], NOWHERE


def cooked(data):
    *_, kind = take("!HHH8sH", data)
    found = llc(data[16:]) if kind == 4 else (kind, data[16:])
    return *found, NOWHERE


def cooked_2(data):
    kind, *_ = take("!HHIHBB8s", data)
    found = llc(data[20:]) if kind == 4 else (kind, data[20:])
    return *found, NOWHERE


def ppp(data):
    if data[:2] == b"\xff\x03":
        data = data[2:]
    need(data, 1)
    size = 1 if data[0] & 1 else 2
    need(data, size)
    protocol = int.from_bytes(data[:size], "big")
    if protocol not in PPP_TYPES:
        raise Nothing("notIp")
    return PPP_TYPES[protocol], data[size:], NOWHERE


def hdlc(data):
    if data[:1] == b"\xff":
        return ppp(data)
    need(data, 4)
    return data[2] << 8 | data[3], data[4:], NOWHERE


def frame_relay(data):
    at = next((at for at in range(4) if at < len(data) and data[at] & 1), None)
    if at is None:
        raise Nothing("truncated")
    need(data, at + 2)
    rest = data[at + 1 :]
    if rest[0] != 3:
        need(rest, 2)
        return rest[0] << 8 | rest[1], rest[2:], NOWHERE
    rest = rest[2:] if rest[1:2] == b"\0" else rest[1:]
    need(rest, 1)
    if rest[0] not in (0xCC, 0x8E):
        raise Nothing("notIp")
    return 0x0800 if rest[0] == 0xCC else 0x86DD, rest[1:], NOWHERE


def fddi(data):
    need(data, 13)
    if data[0] & 0xF0 != 0x50:
        raise Nothing("notIp")
    return *llc(data[13:]), data[1:13]


def nflog(data):
    need(data, 8)
    if data[1] or data[0] not in (2, 10):
        raise Nothing("notIp")
    order = "<" if take("<H", data, 4)[0] <= take(">H", data, 4)[0] else ">"
    at = 4
    while at + 4 <= len(data):
        size, kind = take(order + "HH", data, at)
        if kind == 9:
            return FAMILIES[data[0]], data[at + 4 :], NOWHERE
        if size < 4:
            raise Nothing("notIp")
        at += (size + 3) // 4 * 4
    raise Nothing("truncated" if at > len(data) else "notIp")


def wireless(data, padded=False):
    need(data, 2)
    if data[0] & 0x4F != 0x08 or data[1] & 0x40:
        raise Nothing("notIp")
    both = data[1] & 3 == 3
    size = 24 + 6 * both
    if data[0] & 0x80:
        size += 6 if data[1] & 0x80 else 2
    start = (size + 3) // 4 * 4 if padded else size
    need(data, start)
    if data[22] & 15:
        raise Nothing("notIp")
    one, two, three, four = data[4:10], data[10:16], data[16:22], data[24:30]
    macs = {0: one + two, 1: three + two, 2: one + three, 3: three + four}[data[1] & 3]
    return *llc(data[start:]), macs


def radiotap(data):
    version, _, size, present = take("<BBHI", data)
    if version or size < 8:
        raise Nothing("notIp")
    need(data, size)
    at, more = 8, present
    while more & 1 << 31:
        more, at = take("<I", data, at)[0], at + 4
    if present & 1:
        at = (at + 7) // 8 * 8 + 8
    return wireless(data[size:], bool(present & 2 and at < size and data[at] & 0x20))


def per_packet(data):
    size, link = take("<HI", data, 2)
    need(data, size)
    return behind(link, data[size:])


KINDS = {0: null, 9: ppp, 10: fddi, 104: hdlc, 105: wireless, 107: frame_relay, 108: null,
         113: cooked, 127: radiotap, 192: per_packet, 239: nflog, 276: cooked_2}  # fmt: skip


def behind(link, data):
    """EtherType, what it is of, addresses."""
    if link in capture.LINKS_IP:
        need(data, 1)
        return 0x0800 if data[0] >> 4 == 4 else 0x86DD, data, NOWHERE
    if link == capture.LINK_ETHERNET:
        need(data, 14)
        return data[12] << 8 | data[13], data[14:], data[:12]
    if link not in KINDS:
        raise Nothing("linkType")
    return KINDS[link](data)


def as_ethernet(packet):
    """The packet with an Ethernet header; Nothing where there is nothing to meter."""
    kind, rest, macs = behind(packet.link, packet.data)
    length = packet.length - (len(packet.data) - len(rest)) + 14
    return capture.Packet(packet.time_ns, capture.LINK_ETHERNET,
                          macs + struct.pack("!H", kind) + rest, length, packet.offset)  # fmt: skip
