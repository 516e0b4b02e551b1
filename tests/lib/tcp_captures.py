# SPDX-License-Identifier: BSD-2-Clause
"""Writes down a TCP connection packet by packet, for captures with known answers.

Numbers are relative to the side's initial one, as people draw them: the SYN is 0, the first octet
of data is 1. Times are microseconds.
"""

import struct

import make_pcap

LETTERS = {"F": 0x01, "S": 0x02, "R": 0x04, "P": 0x08, "A": 0x10}
CLIENT, SERVER = ("10.0.0.1", 40000), ("10.0.0.2", 80)
WINDOW = 8192


def mss(size):
    return struct.pack("!BBH", 2, 4, size)


def scale(shift):
    return bytes((3, 3, shift))


def stamps(value, echo=0):
    return struct.pack("!BBII", 8, 10, value, echo)


SACK = bytes((4, 2))


class Side:
    """One end: the numbers it counts from, and what it has sent."""

    def __init__(self, ends, isn):
        self.ends = ends
        self.isn = isn


class Wire:
    """Packets in the order the capture has them."""

    def __init__(self, client_isn=1000, server_isn=500000):
        self.client = Side((CLIENT, SERVER), client_isn)
        self.server = Side((SERVER, CLIENT), server_isn)
        self.packets = []

    def c(self, time_us, seq, size=0, ack=None, flags="", **more):
        """The client sends."""
        return self._send(self.client, self.server, (time_us, seq, size, ack, flags), more)

    def s(self, time_us, seq, size=0, ack=None, flags="", **more):
        """The server sends."""
        return self._send(self.server, self.client, (time_us, seq, size, ack, flags), more)

    def _send(self, side, other, packet, more):
        time_us, seq, size, ack, flags = packet
        window, options = more.get("window", WINDOW), more.get("options", b"")
        options += bytes(-len(options) % 4)
        bits = sum(LETTERS[letter] for letter in flags) | (0 if ack is None else LETTERS["A"])
        (source, sport), (destination, dport) = side.ends
        segment = struct.pack(
            "!HHIIBBHHH", sport, dport, side.isn + seq & 0xFFFFFFFF,
            0 if ack is None else other.isn + ack & 0xFFFFFFFF,
            more.get("head", 5 + len(options) // 4) << 4, bits, window, 0, 0,
        )  # fmt: skip
        segment += options + bytes(size)
        octets = bytearray(make_pcap.ip(source, destination, make_pcap.TCP, segment))
        octets[1] = more.get("tos", 0)
        self.packets.append(make_pcap.frame(time_us * 1000, bytes(octets)))
        return self

    def shake(self, client=b"", server=b""):
        """A handshake of 10 ms to the server and 5 ms to the client; it ends at 15000."""
        self.c(0, 0, flags="S", options=client)
        self.s(10000, 0, ack=1, flags="S", options=server)
        return self.c(15000, 1, ack=1)
