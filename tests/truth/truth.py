#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Flow records against tshark's truth: truth.py WEIR FOLDER [--model]

Every capture of FOLDER is replayed with time-outs that cut no flow. The records are added up per
VLAN, protocol, addresses and ports of one direction; packets, octets, first and last time, TCP
flags and TTLs must equal FOLDER/truth exactly. With --model the program in tests/lib that the
expiry test trusts takes weir's place.

Where truth and weir key differently, by the rules of DESIGN 4.1:
  VLAN          only the outermost is key; the truth has the whole stack.
  ICMP          type and code are not key, the identifier is; the truth has type and code.
                Compared per pair of addresses.
  fragments     count in the flow of their first fragment; the truth keeps later ones apart.
                Compared per pair of addresses and protocol. (Which flow got them is compared
                with the model, in tests/replay/expiry.py.)
  no ports      `nol4` in the truth: tshark stopped before the transport header, because of a
                malformed extension header or an IPv6 payload length of 0. Compared likewise.
  tunnels       outer rows are compared with --tunnels outer, inner ones, of captures that have any,
                with what weir does by itself. An ERSPAN mirror is removed in either case: its
                frames are not compared with the outer rows.
  TCP end       FIN or RST splits a 5-tuple into several records; the sums are the same.
"""

import csv
import functools
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import capture
import flow_rows
import replay
from expectations import ACCOUNT, LATER, ODD, ODD_INNER
from flow_model import Model

FIELDS = ("packets", "octets", "first", "last", "flags", "ttl_min", "ttl_max")
ICMP = ("1", "58")


def ns(text):
    seconds, _, fraction = text.partition(".")
    return int(seconds) * 10**9 + int(fraction.ljust(9, "0")[:9] or 0)


def add(sums, key, values):
    """values: as FIELDS."""
    old = sums.get(key)
    if old is None:
        sums[key] = list(values)
        return
    old[0] += values[0]
    old[1] += values[1]
    old[2] = min(old[2], values[2])
    old[3] = max(old[3], values[3])
    old[4] |= values[4]
    old[5] = min(old[5], values[5])
    old[6] = max(old[6], values[6])


def vlan_of(row):
    """Of a frame that ERSPAN mirrored, its own; of one in any other tunnel, the carrier's."""
    tags = row["ivlan" if row["view"] == "inner" and "erspan" in row["tunnel"] else "vlan"]
    return 0 if tags == "-" else int(tags.split(".")[0])


def truth_sums(path, view="outer"):
    """Sums by key, and the pairs that are to be compared without ports."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["view"] == view]
    pairs = set()
    parsed = []
    for row in rows:
        vlan = vlan_of(row)
        pair = (vlan, int(row["proto"]), row["src"], row["dst"])
        if row["frag"] == "1" or row["nol4"] == "1" or row["proto"] in ICMP:
            pairs.add(pair)
        flags = 0 if row["tcp_flags"] == "-" else int(row["tcp_flags"], 16)
        values = (int(row["packets"]), int(row["ip_bytes"]), ns(row["first_ts"]),
                  ns(row["last_ts"]), flags, int(row["ttl_min"]), int(row["ttl_max"]))  # fmt: skip
        parsed.append((pair, (int(row["sport"]), int(row["dport"])), values))
    sums = {}
    for pair, ports, values in parsed:
        add(sums, pair if pair in pairs else pair + ports, values)
    return sums, pairs


def row_sums(rows, pairs):
    sums = {}
    for row in rows:
        pair = (row.vlan, row.proto, row.source, row.destination)
        key = pair if pair in pairs else pair + (row.sport, row.dport)
        add(sums, key, row.values()[: len(FIELDS)])
    return sums


def key_text(key):
    vlan, proto, source, destination = key[:4]
    ports = "ports %d > %d" % key[4:] if len(key) > 4 else "all ports"
    return f"{source} > {destination} protocol {proto} {ports} vlan {vlan}"


def compare(name, expected, got):
    for key in sorted(expected.keys() | got.keys(), key=str):
        if key not in got:
            yield f"{name}: {key_text(key)}: missing, expected packets {expected[key][0]}"
        elif key not in expected:
            yield f"{name}: {key_text(key)}: not in the truth, got packets {got[key][0]}"
        else:
            for field, want, have in zip(FIELDS, expected[key], got[key]):
                if want != have:
                    yield f"{name}: {key_text(key)}: {field}: expected {want}, got {have}"


def compare_account(name, account, totals):
    """The account against capinfos, and against itself."""
    if account is None:
        yield f"{name}: no account"
        return
    if account["balanced"] is not True:
        yield f"{name}: account does not balance: {json.dumps(account)}"
    said = totals["capinfos"]
    seen = account["seen"]
    if seen["packets"] != said["packets"]:
        yield f"{name}: seen.packets: expected {said['packets']}, got {seen['packets']}"
    if seen["frameOctets"] != said["bytes_orig"] and name not in ACCOUNT:
        yield f"{name}: seen.frameOctets: expected {said['bytes_orig']}, got {seen['frameOctets']}"
    aside = sum(reason["packets"] for reason in account["setAside"].values())
    metered = account["metered"]
    if seen["packets"] != metered["packets"] + aside:
        yield f"{name}: seen {seen['packets']} != metered {metered['packets']} + set aside {aside}"
    if account["exported"]["packets"] != metered["packets"]:
        told = account["exported"]["packets"]
        yield f"{name}: exported.packets: expected {metered['packets']}, got {told}"


def compare_flow_ids(name, records, rows):
    """One identifier is one key; several records of it are parts of one flow."""
    keys = {}
    for record, row in zip(records, rows):
        ends = sorted([(row.source, row.sport), (row.destination, row.dport)])
        key = (row.version, row.vlan, row.proto, *ends)
        if keys.setdefault(row.flow, key) != key:
            yield f"{name}: flowId {row.flow} is both {keys[row.flow]} and {key}"
        if record["flowId"] == 0:
            yield f"{name}: flowId 0 at {key}"


def compare_biflow(name, uniflows, biflows):
    """A biflow is its two uniflows: the forward one that of the initiator, times of both."""
    halves = {}
    for row in uniflows:
        halves.setdefault((row.flow, row.reason), []).append(row)
    expected = {}
    for rows in halves.values():
        first = min(row.first for row in rows)
        last = max(row.last for row in rows)
        for row in rows:
            values = (row.packets, row.octets, first, last, row.flags, row.ttl_min, row.ttl_max)
            expected.setdefault((row.flow, *row.key()), []).append(values)
    got = {}
    for record in biflows:
        for reverse in (False, True):
            row = flow_rows.of_json(record, reverse)
            if row is not None and row.packets:
                got.setdefault((row.flow, *row.key()), []).append(row.values()[: len(FIELDS)])
    for key in sorted(expected.keys() | got.keys(), key=str):
        want, have = sorted(expected.get(key, [])), sorted(got.get(key, []))
        if want != have:
            yield f"{name}: biflow {key_text(key[1:])}: uniflows say {want}, biflow says {have}"


def truth_of(path, view="outer"):
    folder, name = os.path.split(path)
    sums, pairs = truth_sums(os.path.join(folder, "truth", name + ".flows.tsv"), view)
    with open(os.path.join(folder, "truth", name + ".totals.json"), encoding="utf-8") as file:
        return sums, pairs, json.load(file)


def check_model(path):
    name = os.path.basename(path)
    sums, pairs, totals = truth_of(path)
    model = Model(idle_ns=1 << 62, active_ns=0)
    packets, damage = capture.readable(path)
    if damage and not totals["capinfos"].get("errors"):
        return [f"{name}: {damage}"]
    for packet in packets:
        model.feed(packet, packet.time_ns)
    if "erspan" in tunnels_of(path):
        return []
    rows = flow_rows.model_rows(model.finish())
    differences = list(compare(name, sums, row_sums(rows, pairs)))
    return judge(name, differences, sum(model.set_aside.values()))


def judge(name, complaints, set_aside):
    """Captures with packets that weir does not follow yet must differ, by missing packets only."""
    odd = ODD.get(name, {})
    complaints = [text for text in complaints if not any(part in text for part in odd)]
    if name not in LATER:
        return complaints
    if not set_aside:
        return complaints + [f"{name}: in LATER, but nothing was set aside"]
    if not complaints:
        return [f"{name}: equals the truth: take it out of LATER in expectations.py"]
    return [text for text in complaints if "not in the truth" in text]


def tunnels_of(path):
    """Every kind of tunnel that tshark saw, as one text."""
    folder, name = os.path.split(path)
    with open(os.path.join(folder, "truth", name + ".flows.tsv"), encoding="utf-8") as file:
        return " ".join(row["tunnel"] for row in csv.DictReader(file, delimiter="\t"))


def judge_inner(name, complaints):
    """What tshark sees in tunnels, but for what expectations.py says."""
    odd = ODD_INNER.get(name, {})
    complaints = [text for text in complaints if not any(part in text for part in odd)]
    return [f"inner: {text}" for text in complaints]


def check_inner(weir, path):
    """The innermost packets, in captures that have any tunnel."""
    name = os.path.basename(path)
    sums, pairs, totals = truth_of(path, "inner")
    if not sums:
        return []
    options = [*replay.NEVER, *replay.ROOM, "--template", replay.TEMPLATE]
    one = replay.replay(weir, path, [*options, "--uniflow"])
    two = replay.replay(weir, path, [*options, "--biflow"])
    rows = [flow_rows.of_json(record) for record in one.records()]
    complaints = list(compare_account(name, one.account, totals))
    complaints += compare_biflow(name, rows, two.records())
    return complaints + judge_inner(name, list(compare(name, sums, row_sums(rows, pairs))))


def check(weir, path):
    name = os.path.basename(path)
    sums, pairs, totals = truth_of(path)
    options = [*replay.NEVER, *replay.ROOM, "--template", replay.TEMPLATE, "--tunnels", "outer"]
    one = replay.replay(weir, path, [*options, "--uniflow"])
    two = replay.replay(weir, path, [*options, "--biflow"])
    expected = 1 if totals["capinfos"].get("errors") else 0
    for run in (one, two):
        if run.status != expected:
            return [f"{name}: exit status: expected {expected}, got {run.status}: {run.errors}"]
    records = one.records()
    rows = [flow_rows.of_json(record) for record in records]
    complaints = list(compare_account(name, one.account, totals))
    complaints += compare_flow_ids(name, records, rows)
    complaints += compare_biflow(name, rows, two.records())
    aside = sum(reason["packets"] for reason in (one.account or {}).get("setAside", {}).values())
    if "erspan" not in tunnels_of(path):
        complaints += judge(name, list(compare(name, sums, row_sums(rows, pairs))), aside)
    return complaints + check_inner(weir, path)


def main():
    weir, folder = sys.argv[1:3]
    paths = replay.unique_captures(replay.data_folders(folder, "pcap"))
    job = check_model if "--model" in sys.argv else functools.partial(check, weir)
    replay.main_status(replay.check_all(job, paths))


if __name__ == "__main__":
    main()
