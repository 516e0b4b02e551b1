#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""TCP quality against tshark's truth: tshark.py WEIR FOLDER

What FOLDER/truth/NAME.tcp.tsv tells per stream and direction is added up per pair of addresses and
ports, as are weir's records (no time-out cuts them): VLANs and streams are keyed differently. The
rules, RULES below and README.md beside the captures for tshark's side:

  SYN, FIN, RST    equal
  keep-alives      equal
  sent again       retransmitted + out of order = retransmission + out_of_order
  SYN's options    MSS, window scale, SACK permitted: equal, for each SYN's record; weir takes a
                   scale above 14 for 14 (RFC 7323, 2.3)
  handshake        both round trips equal to the microsecond, truncated; one that weir does not
                   tell needs a SYN or SYN+ACK that was sent again; one that tshark does not tell
                   weir does not either, nor one whose other direction is in a tunnel
  zero window      events = changes from an open to a closed window in tshark's list of packets

Every exception is a row of tshark_exceptions.py, with the packets that explain it.
"""

import collections
import csv
import functools
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "truth")]
import quality_rows
import replay
from expectations import LATER
from tshark_exceptions import EXCEPTIONS

SKIPPED = 77
SUMS = {
    "SYN": (("tcpSynDeltaCount",), ("syn", "synack")),
    "FIN": (("tcpFinDeltaCount",), ("fin",)),
    "RST": (("tcpRstDeltaCount",), ("rst",)),
    "keep-alives": (("tcpKeepAliveCount",), ("keep_alive",)),
    "sent again": (
        ("tcpRetransmittedPacketCount", "tcpOutOfOrderCount"), ("retransmission", "out_of_order"),
    ),
}  # fmt: skip
SYN_SEEN = 64
ZERO = ("tcp.stream", "ip.src", "ipv6.src", "tcp.srcport", "ip.dst", "ipv6.dst", "tcp.dstport",
        "tcp.flags", "tcp.window_size_value")  # fmt: skip


def truth_of(path):
    """Rows of the truth by (source, port, destination, port), in the order of the streams; of
    the outermost headers only."""
    folder, name = os.path.split(path)
    file_of = functools.partial(os.path.join, folder, "truth")
    if not os.path.exists(file_of(name + ".tcp.tsv")):
        return {}
    with open(file_of(name + ".flows.tsv"), newline="", encoding="utf-8") as file:
        outer = {
            (row["src"], int(row["sport"]), row["dst"], int(row["dport"]))
            for row in csv.DictReader(file, delimiter="\t")
            if row["view"] == "outer" and row["proto"] == "6"
        }
    rows = collections.defaultdict(list)
    with open(file_of(name + ".tcp.tsv"), newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            key = (row["src"], int(row["sport"]), row["dst"], int(row["dport"]))
            if key in outer:
                rows[key].append(row)
    return rows


def metered(weir, path):
    """Directions of weir's records by the same key, in the order of their time."""
    run = replay.replay(weir, path, [*replay.NEVER, *quality_rows.OPTIONS])
    found = collections.defaultdict(list)
    for record in run.records():
        for one in quality_rows.of_json(record):
            row = one.row
            if row.proto == 6:
                found[row.source, row.sport, row.destination, row.dport].append(one)
    for ones in found.values():
        ones.sort(key=lambda one: one.row.first)
    return found


def number(row, column):
    return int(row[column] or 0)


def compare_sums(rows, ones):
    for rule, (elements, columns) in SUMS.items():
        want = sum(number(row, column) for row in rows for column in columns)
        have = sum(one.values.get(element, 0) for one in ones for element in elements)
        if want != have:
            yield rule, f"tshark {want}, weir {have}"


def compare_options(rows, ones):
    """Of each connection whose SYN was seen."""
    want = [
        (number(row, "mss"), row["wscale"] != "", min(number(row, "wscale"), 14),
         row["sack_perm"] == "1")
        for row in rows
        if number(row, "syn") + number(row, "synack")
    ]
    names = ("tcpMaximumSegmentSize", "tcpWindowScaleOption", "tcpWindowScale", "tcpSackPermitted")
    have = [
        tuple(one.values.get(name, 0) for name in names)
        for one in ones
        if one.values["metricValidity"] & SYN_SEEN
    ]
    # A stream of tshark's can be several connections: then it tells of one of them.
    if want != have and not (len(want) < len(have) and set(want) <= set(have)):
        yield "SYN's options", f"tshark {want}, weir {have}"


def microseconds(seconds):
    """Of the truth's text; None where there is none."""
    if not seconds:
        return None
    whole, _, fraction = seconds.partition(".")
    return int(whole) * 10**6 + int(fraction.ljust(9, "0")[:6])


def compare_handshakes(rows, others, ones):
    """others: the rows of the other direction, whose SYN this side answered."""
    side = "hs_server_rtt" if any(number(row, "synack") for row in rows) else "hs_client_rtt"
    have = [one.values.get("tcpHandshakeRtt") for one in ones if number_of_syns(one)]
    want = [microseconds(row[side]) for row in rows if number(row, "syn") + number(row, "synack")]
    asked = [number(row, "syn") + number(row, "synack") for row in others]
    if not others:
        want = [None] * len(want)
    asked += [0] * (len(want) - len(asked))
    if len(want) != len(have):
        known = [[us for us in told if us is not None] for told in (want, have)]
        if known[0] != known[1]:
            yield "handshake", f"tshark {want}, weir {have}"
        return
    for expected, got, syns in zip(want, have, asked):
        if expected != got and not (got is None and syns > 1):
            yield "handshake", f"tshark {expected}, weir {got}, {syns} SYNs of the other side"


def number_of_syns(one):
    return one.values.get("tcpSynDeltaCount", 0)


def windows_closed(path):
    """Events by key, from tshark's own list of packets."""
    fields = [part for name in ZERO for part in ("-e", name)]
    command = ["tshark", "-r", path, "-o", "tcp.desegment_tcp_streams:FALSE", "-Y", "tcp",
               "-T", "fields", "-E", "occurrence=f", *fields]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    events, last = collections.Counter(), {}
    for line in run.stdout.splitlines():
        stream, src4, src6, sport, dst4, dst6, dport, flags, window = line.split("\t")
        key = (src4 or src6, int(sport), dst4 or dst6, int(dport))
        bits, window = int(flags, 16), int(window)
        if bits & 7 and not (bits & 2 and window):
            continue  # FIN, SYN, RST: only a SYN's open window is known
        events[key] += window == 0 and last.get((stream, key), 0) > 0
        last[stream, key] = window
    return events


def compare_windows(path, truth, found):
    if not any(number(row, "zero_window") for rows in truth.values() for row in rows):
        events = collections.Counter()
    else:
        events = windows_closed(path)
    for key in truth:
        have = sum(one.values.get("tcpZeroWindowCount", 0) for one in found[key])
        if events[key] != have:
            yield key, "zero window", f"tshark's packets {events[key]}, weir {have}"


def differences(path, truth, found):
    for key, rows in truth.items():
        if key not in found:
            yield key, "missing", "no record"
            continue
        others = truth.get(key[2:] + key[:2], [])
        for told in compare_sums(rows, found[key]):
            yield key, *told
        for told in compare_options(rows, found[key]):
            yield key, *told
        for told in compare_handshakes(rows, others, found[key]):
            yield key, *told
    yield from compare_windows(path, truth, found)


def check(weir, path):
    name = os.path.basename(path)
    truth = truth_of(path)
    if not truth:
        return []
    excused = {key: told for key, (told, _) in EXCEPTIONS.get(name, {}).items()}
    told = []
    for key, rule, text in differences(path, truth, metered(weir, path)):
        source = f"{key[0]}:{key[1]}"
        if rule == "missing" and name in LATER:
            continue
        if excused.get((source, rule)) == text:
            del excused[source, rule]
            continue
        told.append(f"{name}: {source} > {key[2]}:{key[3]}: {rule}: {text}")
    return told + [f"{name}: exception not needed: {one}" for one in excused]


def main():
    if not shutil.which("tshark"):
        print("skipped: no tshark")
        replay.main_status(SKIPPED)
    weir, folder = sys.argv[1:3]
    paths = replay.unique_captures(replay.data_folders(folder, "pcap"))
    replay.main_status(replay.check_all(functools.partial(check, weir), paths))


if __name__ == "__main__":
    main()
