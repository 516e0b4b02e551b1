#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Captures stretched in time against the model of DESIGN 4.2: stretch.py WEIR FOLDER

Every capture is rewritten with all its gaps multiplied, so that idle and active time-outs and the
linger of TCP fall everywhere in it, and replayed; weir's records must be the model's, record by
record: packets, octets, times, flags, TTLs, reason, and which records are one flow.
"""

import functools
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import capture
import flow_rows
import replay
from flow_model import SECOND, Model
from frames import parse

# Gaps times this (numerator, denominator), idle and active time-out in milliseconds (0: never).
SETTINGS = (
    ((1, 1), 86400000, 0),
    ((1, 1), 15000, 60000),
    ((1, 1), 1, 5),
    ((100, 1), 15000, 60000),
    ((7, 3), 1000, 2000),
    ((1, 50), 30, 10),
)
# Captures with packets so late (several interfaces, one after the other) that what they find is
# not promised: at some settings the scan may or may not have been before them.
LATE = ("ndpi_sites.pcapng",)
SHOWN = 6
FIELDS = ("packets", "octets", "first", "last", "flags", "ttl_min", "ttl_max", "reason")


def stretched(packets, factor):
    numerator, denominator = factor
    start = packets[0].time_ns
    for packet in packets:
        time_ns = start + (packet.time_ns - start) * numerator // denominator
        yield capture.Packet(time_ns, packet.link, packet.data, packet.length)


def group(rows):
    """Rows of a key, in order; what the numbers of flows are must not matter."""
    groups = {}
    for row in rows:
        groups.setdefault(row.key(), []).append(row)
    for key in groups:
        groups[key].sort(key=lambda row: row.values())
    return groups


def describe(row):
    return ", ".join(f"{name} {value}" for name, value in zip(FIELDS, row.values()))


def compare(label, expected, got):
    expected, got = group(expected), group(got)
    for key in sorted(expected.keys() | got.keys()):
        want = [row.values() for row in expected.get(key, [])]
        have = [row.values() for row in got.get(key, [])]
        if want == have:
            continue
        vlan, proto, source, destination, sport, dport = key
        flow = f"{source}:{sport} > {destination}:{dport} protocol {proto} vlan {vlan}"
        yield f"{label}: {flow}: {len(want)} records expected, {len(have)} got"
        for row in expected.get(key, []):
            if row.values() not in have:
                yield f"{label}: {flow}: expected {describe(row)}"
        for row in got.get(key, []):
            if row.values() not in want:
                yield f"{label}: {flow}: got {describe(row)}"


def compare_flows(label, expected, got):
    """The same records must be one flow in both, and no others."""
    numbers, names = {}, {}
    for row in expected:
        numbers.setdefault(row.key() + row.values(), set()).add(row.flow)
    for row in got:
        record = row.key() + row.values()
        flows = numbers.get(record, ())
        if len(flows) != 1:
            continue  # records that look the same: either may be either
        (number,) = flows
        if names.setdefault(row.flow, number) != number:
            yield f"{label}: {row.key()}: flowId {row.flow} stands for two flows"
    if len(set(names.values())) != len(names):
        yield f"{label}: some flow has two flowIds"


def check_setting(weir, name, packets, setting, folder):
    factor, idle_ms, active_ms = setting
    label = f"{name} x{factor[0]}/{factor[1]} idle {idle_ms} ms active {active_ms} ms"
    model = Model(idle_ms * 10**6, active_ms * 10**6)
    moved = list(stretched(packets, factor))
    for packet in moved:
        model.feed_seen(parse(packet), packet.time_ns)
    expected = flow_rows.model_rows(model.finish())
    if model.doubtful:
        return [] if name in LATE else [f"{label}: {model.doubtful} packets are too late to tell"]
    path = os.path.join(folder, f"stretched-{packets[0].link}.pcap")
    capture.write(path, moved, packets[0].link)
    options = ["--idle-timeout", f"{idle_ms}ms", "--active-timeout", f"{active_ms}ms"]
    options += [*replay.ROOM, "--uniflow", "--template", replay.TEMPLATE, "--tunnels", "outer"]
    run = replay.replay(weir, path, options)
    if run.status != 0 or not run.account or not run.account["balanced"]:
        return [f"{label}: exit status {run.status}: {run.errors}{run.account}"]
    got = [flow_rows.of_json(record) for record in run.records()]
    complaints = [*compare(label, expected, got), *compare_flows(label, expected, got)]
    aside = {reason: count["packets"] for reason, count in run.account["setAside"].items()}
    aside = {reason: count for reason, count in aside.items() if count}
    if aside != model.set_aside:
        complaints.append(f"{label}: set aside: expected {model.set_aside}, got {aside}")
    return complaints[:SHOWN]


def check(weir, path):
    packets, _ = capture.readable(path)
    links = {packet.link for packet in packets}
    complaints = []
    with tempfile.TemporaryDirectory(prefix="weir-") as folder:
        for link in sorted(links):
            of_link = [packet for packet in packets if packet.link == link]
            times = [packet.time_ns for packet in of_link]
            for setting in SETTINGS:
                factor = setting[0]
                end = times[0] + (max(times) - times[0]) * factor[0] // factor[1]
                if end < 2**32 * SECOND:  # what a pcap file can say
                    name = os.path.basename(path)
                    complaints += check_setting(weir, name, of_link, setting, folder)
    return complaints


def main():
    weir, folder = sys.argv[1:3]
    paths = replay.unique_captures(replay.data_folders(folder, "pcap"))
    replay.main_status(replay.check_all(functools.partial(check, weir), paths))


if __name__ == "__main__":
    main()
