# SPDX-License-Identifier: BSD-2-Clause
"""A reader of MaxMind databases (format 2.0), written from the specification and from nothing else."""

import ipaddress
import struct

MARK = b"\xab\xcd\xefMaxMind.com"
IPV4_PLACE = 96  # zeros before an IPv4 address


class Reader:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.octets = file.read()
        start = self.octets.rindex(MARK) + len(MARK)
        self.metadata, end = self._value(start, start)
        assert end == len(self.octets), "something follows the metadata"
        self.nodes = self.metadata["node_count"]
        self.bits = self.metadata["record_size"]
        self.data = self.nodes * self.bits // 4 + 16
        assert self.octets[self.data - 16:self.data] == bytes(16), "no zeros after the tree"

    def _record(self, node, side):
        size = self.bits // 4
        octets = self.octets[node * size:(node + 1) * size]
        if self.bits == 28:
            high = octets[3] >> 4 if side == 0 else octets[3] & 0xf
            return high << 24 | int.from_bytes(octets[4 * side:4 * side + 3], "big")
        half = size // 2
        return int.from_bytes(octets[half * side:half * (side + 1)], "big")

    def get(self, address):
        """What the database says of an address; None: nothing."""
        address = ipaddress.ip_address(address)
        number = int(address)
        node = 0
        for bit in range(127, -1, -1):
            node = self._record(node, number >> bit & 1)
            if node >= self.nodes:
                break
        if node == self.nodes:
            return None
        assert node > self.nodes, "the tree is too deep"
        return self._value(node - self.nodes - 16 + self.data, self.data)[0]

    def _pointer(self, at, control, base):
        size = (control >> 3 & 3) + 1
        low = int.from_bytes(self.octets[at:at + size], "big")
        if size < 4:
            low |= (control & 7) << 8 * size
        return base + low + (0, 0, 2048, 526336, 0)[size], at + size

    def _size(self, at, control):
        size = control & 31
        if size < 29:
            return size, at
        more = size - 28
        return int.from_bytes(self.octets[at:at + more], "big") + (29, 285, 65821)[more - 1], at + more

    def _value(self, at, base):
        control = self.octets[at]
        at += 1
        kind = control >> 5
        if kind == 1:
            to, at = self._pointer(at, control, base)
            assert self.octets[to] >> 5 != 1, "a pointer to a pointer"
            return self._value(to, base)[0], at
        if kind == 0:
            kind = self.octets[at] + 7
            at += 1
        size, at = self._size(at, control)
        if kind == 7:
            pairs = {}
            for _ in range(size):
                key, at = self._value(at, base)
                assert key not in pairs, "a key that is there twice"
                pairs[key], at = self._value(at, base)
            return pairs, at
        if kind == 11:
            values = []
            for _ in range(size):
                value, at = self._value(at, base)
                values.append(value)
            return values, at
        if kind == 14:
            return bool(size), at
        octets = self.octets[at:at + size]
        at += size
        if kind == 2:
            return octets.decode(), at
        if kind == 3:
            return struct.unpack("!d", octets)[0], at
        assert kind in (5, 6, 9), f"type {kind}"
        return int.from_bytes(octets, "big"), at
