# SPDX-License-Identifier: BSD-2-Clause
"""A frame of UDP, for tests that care little for what is in it."""

import ipaddress
import struct


def udp(source, port=9, payload=b"weir"):
    """From this address, or from 10.0.0.0 and so many, to 10.9.9.9."""
    if isinstance(source, int):
        source += 10 << 24
    segment = struct.pack(">HHHH", port, 9, 8 + len(payload), 0) + payload
    header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), 0, 0, 64, 17, 0,
                         ipaddress.IPv4Address(source).packed, bytes((10, 9, 9, 9)))  # fmt: skip
    return bytes(12) + b"\x08\x00" + header + segment
