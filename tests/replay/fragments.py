#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Datagrams in fragments in any order: fragments.py WEIR

Outside of tunnels every value of every record must be what the models make of the packets, and the
records the same for any seed, size of the table and number of packets at a time. In tunnels they
must be those of the same datagrams without a tunnel. Of carriers in fragments the records are
written down here.
"""

import functools
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "tcp")]
import capture
import determinism
import flow_rows
import fragment_captures
import model
import replay

OPTIONS = [*replay.NEVER, *replay.ROOM, "--template", replay.TEMPLATE, "--uniflow"]
IN_TUNNELS = {
    "any_order_in_vxlan": ("any_order_ipv4", "any_order_ipv6"),
    "any_order_in_gre": ("any_order_ipv6",),
}
A, B = fragment_captures.ENDS[4]
OUTER4, OUTER6 = fragment_captures.CARRIERS[4][0], fragment_captures.CARRIERS[6][0]
# (source, source port, protocol, packets, octets): of three carriers each datagram is in 3 pieces
# (GRE: 2 and the rest) of 128 octets, four times, the last one without its first piece.
IN_CARRIERS = {
    "carriers": (
        [(A, 40000, 17, 6, 6 * 228), (A, 40000, 17, 3, 3 * 228),
         (OUTER4, 50000, 17, 6, 3 * (148 + 22)), (OUTER4, 0, 17, 2, 148 + 22),
         (OUTER6, 50000, 17, 6, 3 * (176 + 50)), (OUTER6, 0, 17, 2, 176 + 50),
         (OUTER4, 0, 47, 3, 3 * 124), (OUTER4, 0, 47, 1, 124)],
        5,
    ),
    "fragments_in_carriers": (
        [(A, 40000, 17, 2, 180 + 168), (OUTER4, 50000, 17, 2, 102 + 90)],
        0,
    ),
}  # fmt: skip


def rows_of(weir, name):
    with tempfile.TemporaryDirectory(prefix="weir-") as folder:
        path = os.path.join(folder, name + ".pcap")
        capture.write(path, fragment_captures.made(name))
        run = replay.replay(weir, path, OPTIONS)
    if run.status != 0 or not run.account or not run.account["balanced"]:
        raise RuntimeError(f"{name}: exit status {run.status}: {run.errors}{run.account}")
    return [flow_rows.of_json(record) for record in run.records()], run.account


def check_outside(weir, name):
    with tempfile.TemporaryDirectory(prefix="weir-") as folder:
        path = os.path.join(folder, name + ".pcap")
        capture.write(path, fragment_captures.made(name))
        return model.check(weir, path) + determinism.check(weir, path)


def plain(rows):
    return sorted((*row.key(), row.packets, row.octets) for row in rows)


def check_inside(weir, name):
    expected = [row for other in IN_TUNNELS[name] for row in rows_of(weir, other)[0]]
    got, account = rows_of(weir, name)
    complaints = []
    if plain(expected) != plain(got):
        complaints.append(f"{name}: expected {plain(expected)}, got {plain(got)}")
    if account["table"]["orphanFragments"]:
        complaints.append(f"{name}: {account['table']['orphanFragments']} orphans")
    return complaints


def check_carriers(weir, name):
    expected, orphans = IN_CARRIERS[name]
    rows, account = rows_of(weir, name)
    got = sorted((row.source, row.sport, row.proto, row.packets, row.octets) for row in rows)
    complaints = []
    if got != sorted(expected):
        complaints.append(f"{name}: expected {sorted(expected)}, got {got}")
    if account["table"]["orphanFragments"] != orphans:
        complaints.append(f"{name}: {account['table']['orphanFragments']} orphans, not {orphans}")
    return complaints


def check(weir, item):
    kind, name = item
    kinds = {"outside": check_outside, "inside": check_inside, "carriers": check_carriers}
    return kinds[kind](weir, name)


def main():
    items = [("outside", name) for name in fragment_captures.NAMES]
    items += [("inside", name) for name in IN_TUNNELS]
    items += [("carriers", name) for name in IN_CARRIERS]
    replay.main_status(replay.check_all(functools.partial(check, sys.argv[1]), items))


if __name__ == "__main__":
    main()
