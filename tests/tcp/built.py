#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""TCP quality of captures made for the purpose: built.py WEIR

Every case (cases_*.py) is a connection written down packet by packet, and what both sides' values
are by the words of DESIGN 4.3, written down by hand. weir and the model are held to it alike. All
of WATCHED that a case does not name is 0.
"""

import functools
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import capture
import cases_edges
import cases_handshake
import cases_loss
import cases_window
import quality_rows
import replay
from quality_flows import COUNTERS, QualityModel
from tcp_captures import CLIENT

SECOND = 10**9
WATCHED = (*COUNTERS, "tcpHandshakeRtt", "tcpRttCount", "tcpResponseCount", "tcpZeroWindowDuration")
CASES = {
    name: case
    for cases in (cases_loss, cases_handshake, cases_window, cases_edges)
    for name, case in cases.CASES.items()
}


def compare(name, want, got):
    """want: the (client, server) of each record, None for a side that sent nothing."""
    sides = [{}, {}]
    for one in got:
        sides[one.row.source != CLIENT[0]].setdefault(one.row.first, one)
    places = sorted(set(sides[0]) | set(sides[1]))
    if len(places) != len(want):
        return [f"{name}: expected {len(want)} records, got {len(places)}"]
    told = []
    for number, (place, record) in enumerate(zip(places, want), 1):
        for side, who in enumerate(("client", "server")):
            have, values = sides[side].get(place), record[side]
            where = f"{name}: record {number}, {who}"
            if (have is None) != (values is None):
                told.append(f"{where}: packets where there should be none, or the other way")
            elif have is not None:
                told += judge(where, values, have)
    return told


def judge(where, values, have):
    expected = {**dict.fromkeys(WATCHED, 0), **values}
    state = expected.pop("state", have.state)
    told = quality_rows.compare_values(where, expected, have.values)
    if state != have.state:
        told.append(f"{where}: state: expected {state}, got {have.state}")
    return told


def check(weir, name):
    wire, want, *more = CASES[name]
    idle, active = more[0] if more else (15, 60)
    model = QualityModel(idle * SECOND, active * SECOND)
    for packet in wire.packets:
        model.feed(packet, packet.time_ns)
    told = compare(f"{name} (model)", want, quality_rows.of_model(model.finish()))
    with tempfile.TemporaryDirectory(prefix="weir-") as folder:
        path = os.path.join(folder, "built.pcap")
        capture.write(path, wire.packets)
        times = ["--idle-timeout", f"{idle}s", "--active-timeout", f"{active}s"]
        run = replay.replay(weir, path, [*times, *quality_rows.OPTIONS])
    if run.status != 0:
        return told + [f"{name}: exit status {run.status}: {run.errors}"]
    got = [one for record in run.records() for one in quality_rows.of_json(record)]
    return told + compare(name, want, got)


def main():
    replay.main_status(replay.check_all(functools.partial(check, sys.argv[1]), list(CASES)))


if __name__ == "__main__":
    main()
