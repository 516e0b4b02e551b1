#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every line of DESIGN 4.1 and 4.2 that is about time and order: expiry.py WEIR

A scenario is a handful of packets with exact times and the records they must make. weir and the
model of tests/lib are both held to it.
"""

import functools
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import capture
import flow_rows
import replay
from flow_model import Model
from frames import parse
from make_pcap import ACK, EPOCH, SYN, Talk
import scenarios_fragments  # noqa: F401  it adds its own to the list
from scenarios import SCENARIOS, C, S


def told(rows):
    """Rows in the terms of a scenario. A flow's number is told by its first record."""
    rows = sorted(rows, key=lambda row: (row.first, row.last, row.sport))
    numbers = {}
    result = []
    for row in rows:
        number = numbers.setdefault(row.flow, len(numbers) + 1)
        first, last = row.first - EPOCH, row.last - EPOCH
        result.append((row.sport, row.packets, first, last, row.reason, number))
    return result


def compare(title, who, expected, got):
    expected = sorted(expected, key=lambda row: (row[2], row[3], row[0]))
    if expected == got:
        return []
    lines = [f"{title} ({who}): (source port, packets, first, last, reason, flow)"]
    lines += [f"    expected {row}" for row in expected if row not in got]
    lines += [f"    got      {row}" for row in got if row not in expected]
    return ["\n".join(lines)]


def check(weir, number):
    title, idle, active, max_flows, make = SCENARIOS[number]
    frames, expected = make()
    with tempfile.TemporaryDirectory(prefix="weir-") as folder:
        path = os.path.join(folder, "scenario.pcap")
        capture.write(path, frames)
        options = ["--idle-timeout", f"{idle}ns", "--active-timeout", f"{active}ns", "--uniflow"]
        options += ["--template", replay.TEMPLATE, "--max-flows", str(max_flows or 1000)]
        run = replay.replay(weir, path, options)
    if run.status != 0 or not run.account or not run.account["balanced"]:
        return [f"{title}: exit status {run.status}: {run.errors}{run.account}"]
    rows = [flow_rows.of_json(record) for record in run.records()]
    complaints = compare(title, "weir", expected, told(rows))
    if not max_flows:  # the model has room for ever
        model = Model(idle, active)
        for packet in frames:
            model.feed_seen(parse(packet), packet.time_ns)
        rows = flow_rows.model_rows(model.finish())
        complaints += compare(title, "model", expected, told(rows))
    return complaints


INITIATORS = (
    ("the sender of the first packet opened the flow", 0, 1),
    ("a first packet with SYN and ACK was sent by the responder", 1, 2),
)


def check_initiator(weir, number):
    """Which side is the forward direction of a biflow, also in a record after an active cut."""
    title, skipped, records = INITIATORS[number]
    talk = Talk()
    frames = [talk.tcp(0, SYN), talk.tcp(1, SYN | ACK, ack=1, back=True)][skipped:]
    frames.append(talk.tcp(2, ACK, seq=1, ack=1))
    if skipped:
        frames.append(talk.tcp(10 * S, ACK, seq=1, ack=1, back=True))
    with tempfile.TemporaryDirectory(prefix="weir-") as folder:
        path = os.path.join(folder, "scenario.pcap")
        capture.write(path, frames)
        options = ["--active-timeout", "5s", "--biflow", "--template", replay.TEMPLATE]
        run = replay.replay(weir, path, options + replay.ROOM)
    sources = [record["sourceTransportPort"] for record in run.records()]
    expected = [C] * records
    if sources == expected:
        return []
    return [f"{title}: expected source ports {expected}, got {sources}"]


def check_any(weir, item):
    kind, number = item
    return (check if kind == "scenario" else check_initiator)(weir, number)


def main():
    weir = sys.argv[1]
    items = [("scenario", number) for number in range(len(SCENARIOS))]
    items += [("initiator", number) for number in range(len(INITIATORS))]
    replay.main_status(replay.check_all(functools.partial(check_any, weir), items))


if __name__ == "__main__":
    main()
