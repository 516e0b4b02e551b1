#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""make_frame_seeds.py CAPTURES FOLDER: seeds of fuzz_frame from the captures in a folder.

A seed is the first frames of one capture, as fuzz_frame.c describes an input. Of captures that
hold the same kinds of frames (link, EtherType, IP protocol) only the first gives a seed.
"""

import struct
import sys
from pathlib import Path

FRAMES = 12
OCTETS = 320  # captured of a frame: all headers, some payload
SEEDS = 120
LINKS = {1: 0, 12: 1, 14: 1, 101: 1, 228: 1, 229: 1}  # as capture_link() says; 2 is any other
BASICS = bytes([15, 0, 0, 63])  # 16 flows, 15 s, 60 s, 64 frames a call


def frames(data):
    """Link, nanoseconds, length, octets of every frame of a classic pcap file."""
    orders = {b"\xd4\xc3\xb2\xa1": ("<", 1000), b"\xa1\xb2\xc3\xd4": (">", 1000),
              b"\x4d\x3c\xb2\xa1": ("<", 1), b"\xa1\xb2\x3c\x4d": (">", 1)}
    if data[:4] not in orders:
        return
    order, unit = orders[data[:4]]
    link = struct.unpack(order + "I", data[20:24])[0] & 0xffff
    at = 24
    while at + 16 <= len(data):
        second, part, captured, length = struct.unpack(order + "IIII", data[at:at + 16])
        yield LINKS.get(link, 2), second * 10**9 + part * unit, length, data[at + 16:at + 16 + captured]
        at += 16 + captured


def kind(link, octets):
    """What a frame is, roughly: enough to tell captures apart."""
    if link != 0:
        return link, octets[:1]
    ethertype = octets[12:14]
    if ethertype == b"\x08\x00":
        return link, ethertype, octets[23:24], octets[20] & 0x3f if len(octets) > 20 else 0
    return link, ethertype, octets[20:21]


def head(link, step_ns, captured, length):
    backward, shift = (0x80, 0) if step_ns < 0 else (0, 0)
    step_ns = abs(step_ns)
    while step_ns > 0xffff:
        step_ns >>= 1
        shift += 1
    return struct.pack(">BBHHH", link | backward, shift, step_ns, captured, min(length, 0xffff))


def seed(chosen):
    out = bytearray(BASICS)
    last = chosen[0][1]
    for link, time_ns, length, octets in chosen:
        octets = octets[:OCTETS]
        out += head(link, time_ns - last, len(octets), length) + octets
        last = time_ns
    return bytes(out)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    known = set()
    made = 0
    for path in sorted(p for p in Path(sys.argv[1]).iterdir() if p.is_file()):
        chosen = list(frames(path.read_bytes()))[:FRAMES]
        kinds = {kind(link, octets) for link, _, _, octets in chosen}
        if kinds <= known or made == SEEDS:
            continue
        known |= kinds
        (Path(sys.argv[2]) / path.stem).write_bytes(seed(chosen))
        made += 1
    print(f"{made} seeds")


if __name__ == "__main__":
    main()
