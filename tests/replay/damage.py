#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Damaged captures: damage.py WEIR DATA

Every file of DATA/malformed; three captures of DATA/pcap cut at many places; the same with bits
turned over. weir must come to an end, say the damage in one line with its place, have metered
every packet before it, and balance its account. How many packets there are is told by capinfos
(DATA/malformed/INDEX.tsv) and by the reader in tests/lib.
"""

import csv
import functools
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import capture
import replay

# Where capinfos and weir do not read the same packets: packets, damaged, and why.
UNKNOWN_LINK = "capinfos refuses link types it does not know; weir sets their packets aside"
ODD = {
    "libpcap_pcap-invalid-version-2.pcap": (0, True, "pcap 2.5 is refused, as libpcap does"),
    "tcpdump_brcm-tag-prepend.pcap": (15, False, UNKNOWN_LINK),
    "tcpdump_edsa.pcap": (10, False, UNKNOWN_LINK),
    "tcpdump_juniper_es_oobr.pcap": (1, False, UNKNOWN_LINK),
    "tcpdump_juniper_monitor_invalid_cookie_length.pcap": (1, False, UNKNOWN_LINK),
    "tcpdump_kday6.pcap": (1, False, UNKNOWN_LINK),
    "tcpdump_vtp_asan-2.pcap": (1, False, UNKNOWN_LINK),
}
VICTIMS = ("tcpdump_mptcp-v0.pcap", "ndpi_http_asymmetric.pcapng", "tcptrace_bad_ack_code.dmp.gz")
CUTS = 60
FLIPS = 60
SEED = 20240229  # of the places; another one finds other bugs


def faults(name, run):
    """What no input may ever do to weir."""
    if run.status is None:
        return [f"{name}: still running after {replay.TIMEOUT_S} s"]
    if run.status not in (0, 1) or "Sanitizer" in run.errors or "runtime error" in run.errors:
        return [f"{name}: exit status {run.status}: {run.errors}"]
    complaints = []
    lines = run.errors.splitlines()
    if run.status == 0 and lines:
        complaints.append(f"{name}: exit status 0, but it said: {run.errors}")
    if run.status == 1 and len(lines) != 1:
        complaints.append(f"{name}: expected one line of error, got {len(lines)}: {run.errors}")
    try:
        run.records()
    except ValueError as error:
        complaints.append(f"{name}: output is not JSON: {error}")
    account = run.account
    if account is None and run.status == 1 and not run.lines:
        return complaints  # no capture at all: there is nothing to account for
    if account is None or account["balanced"] is not True:
        return complaints + [f"{name}: account does not balance: {json.dumps(account)}"]
    aside = sum(reason["packets"] for reason in account["setAside"].values())
    if account["seen"]["packets"] != account["metered"]["packets"] + aside:
        complaints.append(f"{name}: seen is not metered and set aside: {json.dumps(account)}")
    if account["exported"]["packets"] != account["metered"]["packets"]:
        complaints.append(f"{name}: metered packets were not exported: {json.dumps(account)}")
    return complaints


def verdict(name, run, packets, damaged):
    """packets: the numbers that are right."""
    complaints = faults(name, run)
    if complaints:
        return complaints
    seen = run.account["seen"]["packets"] if run.account else 0
    if seen not in packets:
        complaints.append(f"{name}: seen.packets: expected {sorted(packets)}, got {seen}")
    if run.status != int(damaged):
        got = f"got {run.status}: {run.errors}"
        complaints.append(f"{name}: exit status: expected {int(damaged)}, {got}")
    if damaged and seen and not re.search(r"offset \d+", run.errors):
        complaints.append(f"{name}: the error does not tell the offset: {run.errors}")
    return complaints


def check(weir, item):
    path, packets, damaged = item
    run = replay.replay(weir, path, [*replay.ROOM, "--template", "full"])
    name = os.path.basename(path)
    if packets is None:
        return faults(name, run)
    return verdict(name, run, packets, damaged)


def malformed(folder):
    """The collection, with what capinfos said of each file."""
    with open(os.path.join(folder, "INDEX.tsv"), newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    for row in rows:
        path = os.path.join(folder, row["file"])
        packets, damaged = {int(row["capinfos_packets"])}, row["read_error"] != "-"
        before = re.search(r"error occurred after reading (\d+) packets", row["read_error"])
        if before:
            packets = {int(before[1])}
        if row["file"] in ODD:
            count, damaged, _ = ODD[row["file"]]
            packets = {count}
        yield path, packets, damaged


def cuts(folder, content, name, places):
    for at in places:
        path = os.path.join(folder, f"{name}.cut-at-{at}")
        with open(path, "wb") as file:
            file.write(content[:at])
        packets, damage = capture.readable(path)
        yield path, {len(packets)}, damage is not None


def flips(folder, content, name, places):
    for number, bits in enumerate(places):
        changed = bytearray(content)
        for bit in bits:
            changed[bit // 8] ^= 1 << bit % 8
        path = os.path.join(folder, f"{name}.flipped-{number}")
        with open(path, "wb") as file:
            file.write(changed)
        yield path, None, None


def capinfos_counts(paths):
    """Packets by path as capinfos reads them, where it is installed and reads the file to its end
    or to a cut; {} without it."""
    if not shutil.which("capinfos") or not paths:
        return {}
    told = subprocess.run(
        ["capinfos", "-T", "-r", "-c", *paths],
        capture_output=True, text=True, check=False, env=dict(os.environ, LC_ALL="C"),
    ).stdout  # fmt: skip
    rows = (line.split("\t") for line in told.splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}


def made(data, folder):
    """Files made from good captures."""
    dice = random.Random(SEED)
    items = []
    for name in VICTIMS:
        with open(os.path.join(data, "pcap", name), "rb") as file:
            content = file.read()
        size = len(content)
        places = sorted(set(range(0, 64, 3)) | {dice.randrange(size) for _ in range(CUTS)})
        items += cuts(folder, content, name, places)
        near = min(size, 400) * 8  # headers are where damage tells
        spots = [{dice.randrange(near if turn % 2 else size * 8) for _ in range(1 + turn % 4)}
                 for turn in range(FLIPS)]  # fmt: skip
        items += flips(folder, content, name, spots)
    counts = capinfos_counts([path for path, _, _ in items])
    for at, (path, packets, damaged) in enumerate(items):
        if packets is not None and path in counts and counts[path] not in packets:
            items[at] = (path, packets | {counts[path]}, damaged)
    return items


def main():
    weir, data = sys.argv[1:3]
    folders = replay.data_folders(os.path.join(data, "malformed"), "malformed")
    items = {}
    for folder in folders:
        for item in malformed(folder):
            items.setdefault(os.path.basename(item[0]), item)
    with tempfile.TemporaryDirectory(prefix="weir-") as folder:
        work = [*items.values(), *made(data, folder)]
        status = replay.check_all(functools.partial(check, weir), work)
    replay.main_status(status)


if __name__ == "__main__":
    main()
