#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""make_link_seeds.py CAPTURES FOLDER: seeds of fuzz_link from the captures in a folder.

Of each link type but Ethernet and raw IP the first frames that differ in length, as fuzz_link.c
describes an input.
"""

import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import capture

EACH = 3
OCTETS = 200


def main():
    found = {}
    for path in sorted(Path(sys.argv[1]).iterdir()):
        try:
            packets = capture.readable(path)[0] if path.is_file() else []
        except OSError:
            continue
        for packet in packets:
            kinds = found.setdefault(packet.link, {})
            if packet.link not in (capture.LINK_ETHERNET, *capture.LINKS_IP) and len(kinds) < EACH:
                kinds.setdefault(len(packet.data), packet.data[:OCTETS])
    for link, kinds in found.items():
        for size, data in kinds.items():
            Path(sys.argv[2], f"{link}-{size}").write_bytes(struct.pack("!H", link) + data)


if __name__ == "__main__":
    main()
