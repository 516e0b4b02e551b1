#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Seeds of fuzz_frame of datagrams in fragments: make_fragment_seeds.py FOLDER

Each of the captures of tests/lib/fragment_captures.py, once in a table with room and with the
time-outs of the other seeds, once in one of three flows with an active time-out of a second."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
import fragment_captures
import make_frame_seeds

FRAMES = 24
SMALL = bytes((2, 0, 5, 0))  # table, idle, active, frames a call: see fuzz_frame.c


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for name in fragment_captures.NAMES:
        packets = fragment_captures.made(name)[:FRAMES]
        chosen = [(0, packet.time_ns, len(packet.data), packet.data) for packet in packets]
        seed = make_frame_seeds.seed(chosen)
        folder = Path(sys.argv[1])
        (folder / f"fragments_{name}").write_bytes(seed)
        (folder / f"fragments_{name}_crowded").write_bytes(SMALL + seed[len(SMALL):])


if __name__ == "__main__":
    main()
