#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`--sample N`: what is metered, what is counted, what records and collectors are told.
sampling.py WEIR FOLDER

By count, the records must equal those of a capture that holds only every Nth packet, but for the
bit that says so. At random, the share must be within five standard deviations, the account exact,
and the same seed choose the same packets.
"""

import functools
import json
import math
import os
import struct
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import capture
import ipfix_check
import netflow_check
import replay

SAMPLED = 1 << 8  # of metricValidity
LINKS = (capture.LINK_ETHERNET, *capture.LINKS_IP)
MANY = 3000  # packets that random sampling is tried on
OPTIONS = [*replay.NEVER, *replay.ROOM, "--template", "full", "--uniflow"]


def account_complaints(name, account, observed, selected):
    left_out = account["setAside"]["notSampled"]["packets"]
    aside = sum(row["packets"] for row in account["setAside"].values())
    if not account["balanced"]:
        yield f"{name}: account does not balance: {json.dumps(account)}"
    if account["seen"]["packets"] != observed:
        yield f"{name}: seen.packets: expected {observed}, got {account['seen']['packets']}"
    if left_out != observed - selected:
        yield f"{name}: notSampled: expected {observed - selected}, got {left_out}"
    if account["metered"]["packets"] + aside != observed:
        yield f"{name}: metered and set aside are not what was seen"


def without_bit(records):
    """Records as text, and whether every one said that it is sampled."""
    said = all(record["metricValidity"] & SAMPLED for record in records)
    for record in records:
        record["metricValidity"] &= ~SAMPLED
    return sorted(json.dumps(record, sort_keys=True) for record in records), said


def check_count(weir, path, interval):
    name = f"{os.path.basename(path)}, one in {interval}"
    packets, damage = capture.readable(path)
    links = {packet.link for packet in packets}
    # A written one has no interface's name; other links' headers go before anything is sampled.
    if damage or "pcapng" in name or links not in [{link} for link in LINKS]:
        return []
    with tempfile.TemporaryDirectory(prefix="weir-") as folder:
        chosen = os.path.join(folder, "chosen.pcap")
        capture.write(chosen, packets[::interval], links.pop())
        sampled = replay.replay(weir, path, [*OPTIONS, "--sample", str(interval)])
        whole = replay.replay(weir, chosen, OPTIONS)
    selected = (len(packets) + interval - 1) // interval
    complaints = list(account_complaints(name, sampled.account, len(packets), selected))
    one, said = without_bit(sampled.records())
    other, _ = without_bit(whole.records())
    if one != other:
        complaints.append(f"{name}: records are not those of every {interval}th packet")
    if not said:
        complaints.append(f"{name}: a record does not say that it is sampled")
    return complaints


def make_many(path):
    """One UDP flow of so many packets."""
    frame = bytes(12) + b"\x08\x00" + struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28, 1, 0, 64, 17, 0,
                                                  b"\n\0\0\1", b"\n\0\0\2")  # fmt: skip
    frame += struct.pack(">HHHH", 1000, 2000, 8, 0)
    capture.write(path, [capture.Packet(10**18 + i * 10**6, capture.LINK_ETHERNET, frame)
                         for i in range(MANY)])  # fmt: skip


def option(result, number):
    return [record for record in result.options if number in record]


def told(weir, path, mode):
    """What collectors are told of one packet in 4."""
    options = [*replay.NEVER, *replay.ROOM, "--sample", "4", "--sample-mode", mode, "--seed", "5"]
    run = replay.replay(weir, path, [*options, "--template", "standard"], ("json", "ipfix"))
    v9 = replay.replay(weir, path, [*options, "--template", "v9"], ("netflow9",))
    v5 = replay.replay(weir, path, [*options, "--template", "v5"], ("netflow5",))
    return run, v9.outputs["netflow9"], v5.outputs["netflow5"]


def check_told(weir, path, mode):
    run, v9, v5 = told(weir, path, mode)
    left_out = run.account["setAside"]["notSampled"]["packets"]
    wanted = {"selectorIdTotalPktsObserved": MANY, "selectorIdTotalPktsSelected": MANY - left_out,
              "ignoredPacketTotalCount": 0, "samplingInterval": 4,
              "samplingAlgorithm": 1 if mode == "count" else 2,
              "selectorAlgorithm": 1 if mode == "count" else 4}  # fmt: skip
    wanted |= {"samplingPacketInterval": 1, "samplingPacketSpace": 3} if mode == "count" \
        else {"samplingProbability": 0.25}
    result = ipfix_check.check(run.outputs["ipfix"])
    for name, value in wanted.items():
        got = {record[name] for record in result.options if name in record}
        if got != {value}:
            yield f"{mode}: IPFIX {name}: expected {value}, got {got}"
    for record in (r for r in result.options if "selectorAlgorithm" in r):
        if record.get("selectorId") != 1:
            yield f"{mode}: selectorId: {record}"
    yield from (f"{mode}: {problem}" for problem in result.problems)
    options = netflow_check.check(v9).options
    got = [(record[34], record[35]) for record in options if 34 in record]
    if set(got) != {(4, wanted["samplingAlgorithm"])}:
        yield f"{mode}: NetFlow v9 34 and 35: {got}"
    if struct.unpack_from(">H", v5, 22)[0] != wanted["samplingAlgorithm"] << 14 | 4:
        yield f"{mode}: NetFlow v5 header: {v5[22:24].hex()}"


def check_random(weir, path):
    one = told(weir, path, "random")[0]
    selected = MANY - one.account["setAside"]["notSampled"]["packets"]
    yield from account_complaints("random", one.account, MANY, selected)
    if abs(selected - MANY / 4) > 5 * math.sqrt(MANY * 3 / 16):
        yield f"random: {selected} of {MANY} is not one in 4"
    if told(weir, path, "random")[0].lines != one.lines:
        yield "random: the same seed chose other packets"
    other = replay.replay(weir, path, [*OPTIONS, "--sample", "4", "--sample-mode", "random",
                                       "--seed", "6"])  # fmt: skip
    if other.account["setAside"]["notSampled"] == one.account["setAside"]["notSampled"]:
        yield "random: another seed chose as many packets"


def check_file(weir, path):
    return check_count(weir, path, 2) + check_count(weir, path, 7)


def main():
    weir, folder = sys.argv[1:3]
    complaints = []
    with tempfile.TemporaryDirectory(prefix="weir-") as scratch:
        path = os.path.join(scratch, "many.pcap")
        make_many(path)
        for mode in ("count", "random"):
            complaints += check_told(weir, path, mode)
        complaints += check_random(weir, path)
    print("\n".join(complaints))
    paths = replay.unique_captures(replay.data_folders(folder, "pcap"))
    replay.main_status(replay.check_all(functools.partial(check_file, weir), paths)
                       or bool(complaints))  # fmt: skip


if __name__ == "__main__":
    main()
