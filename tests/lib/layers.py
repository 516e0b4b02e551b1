# SPDX-License-Identifier: BSD-2-Clause
"""What lies between a frame's EtherType and its IP header, and the mirrors that weir always removes,
told independently of weir's own parser."""

import struct

TAGS = (0x8100, 0x88A8, 0x9100)
IP = (0x0800, 0x86DD)
PPP = {0x21: 0x0800, 0x57: 0x86DD, 0x281: 0x8847, 0x283: 0x8847}
NSH = {1: 0x0800, 2: 0x86DD, 3: 0x6558, 4: 0x894F, 5: 0x8847}
BARE = -1  # IP, of the version that its first octet says
LAYERS_MAX = 12


class Nothing(Exception):
    """Why the frame is set aside."""


def need(data, at, octets, reason="truncated"):
    if len(data) < at + octets:
        raise Nothing(reason)


def word(data, at):
    return data[at] << 8 | data[at + 1]


def is_ethernet(data, at):
    return len(data) >= at + 14 and word(data, at + 12) in (*IP, *TAGS, 0x8847)


def below_labels(data, at):
    need(data, at, 6)
    nibble = data[at] >> 4
    ethernet = is_ethernet(data, at)
    left = len(data) - at
    if nibble == 4 and data[at] & 15 >= 5 and word(data, at + 2) >= 20 \
            and (word(data, at + 2) <= left or not ethernet):
        return at, 0x0800
    if nibble == 6 and (word(data, at + 4) + 40 <= left or not ethernet):
        return at, 0x86DD
    if nibble == 1:
        raise Nothing("notIp")
    worded = nibble == 0 and (is_ethernet(data, at + 4) or not ethernet)
    return (at + 4 if worded else at), 0x6558


def labels(data, at):
    for _ in range(8):
        need(data, at, 4)
        at += 4
        if data[at - 2] & 1:
            return below_labels(data, at)
    raise Nothing("tooDeep")


def ppp(data, at):
    need(data, at, 4)
    if word(data, at) == 0xFF03:
        at += 2
    proto, at = (data[at], at + 1) if data[at] & 1 else (word(data, at), at + 2)
    if proto not in PPP:
        raise Nothing("notIp")
    return at, PPP[proto]


def pppoe(data, at):
    need(data, at, 6)
    if data[at] != 0x11 or data[at + 1]:
        raise Nothing("notIp")
    return at + 6, 0x880B


def nsh(data, at):
    need(data, at, 8)
    if data[at] >> 6 or data[at + 1] & 63 < 2 or data[at + 3] not in NSH:
        raise Nothing("notIp")
    return at + (data[at + 1] & 63) * 4, NSH[data[at + 3]]


def bare(data, at):
    need(data, at, 1)
    if data[at] >> 4 not in (4, 6):
        raise Nothing("notIp")
    return at, 0x0800 if data[at] >> 4 == 4 else 0x86DD


def llc(data, at):
    need(data, at, 8, "notIp")
    if data[at : at + 3] == b"\x06\x06\x03":
        return at + 3, BARE
    if data[at : at + 6] in (b"\xaa\xaa\x03\0\0\0", b"\xaa\xaa\x03\0\0\xf8"):
        return at + 8, word(data, at + 6)
    if data[at : at + 6] == b"\xaa\xaa\x03\0\x80\xc2" and data[at + 7] in (1, 7):
        return at + 8, 0x6558
    raise Nothing("notIp")


def ethernet(data, at):
    need(data, at, 14)
    return at + 14, word(data, at + 12)


PARSERS = {0x8847: labels, 0x8848: labels, 0x880B: ppp, 0x8864: pppoe, 0x894F: nsh, BARE: bare,
           0x6558: ethernet, 0x88E7: lambda data, at: (at + 4, 0x6558)}  # fmt: skip


def down_to_ip(data, at, kind, vlan):
    """Where the IP header is, its EtherType and the VLAN; Nothing: there is none."""
    for _ in range(LAYERS_MAX):
        if kind in IP:
            return at, kind, vlan
        if kind in TAGS:
            need(data, at, 4)
            vlan = vlan or word(data, at) & 0x0FFF
            at, kind = at + 4, word(data, at + 2)
        elif kind in PARSERS:
            at, kind = PARSERS[kind](data, at)
        elif kind < 0x600 and kind != BARE:
            at, kind = llc(data, at)
        else:
            raise Nothing("notIp")
    raise Nothing("tooDeep")


def mirrored(data, at):
    """Where the frame begins that ERSPAN mirrors, at being that of the GRE header; or None."""
    if len(data) < at + 4:
        return None
    flags, kind = struct.unpack_from("!HH", data, at)
    if flags & 0x4007 or kind not in (0x88BE, 0x22EB):
        return None
    at += 4 + sum(4 for bit in (0x8000, 0x2000, 0x1000) if flags & bit)
    if kind == 0x88BE:
        return at + 8 if flags & 0x1000 else at
    return at + (20 if len(data) > at + 11 and data[at + 11] & 1 else 12)
