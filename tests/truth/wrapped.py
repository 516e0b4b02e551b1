#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What links wrap packets in, against tshark: wrapped.py WEIR FOLDER

Every record of one direction tells the first label of the MPLS stack and the session of PPPoE on the
link around its first packet: that of the frame which came at that time with those addresses. What a
tunnel carries is wrapped by the tunnel: there tshark's labels behind an IP header do not count. Each
capture has just so many records that tell of either.
"""

import collections
import functools
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import replay

SKIPPED = 77
# (records with a label, records with a session) of each capture.
CAPTURES = {
    "flowtest_mpls-vpn-transport-vpn-labels.pcap": (2, 0),
    "libtrace_ip-in-mpls.pcap.gz": (4, 0),
    "mercury_pppoe_double_vlan_tagging.pcap": (0, 8),
    "packetnet_l2tp.pcap": (0, 1),
    "tcpdump_mpls-over-udp.pcap": (0, 0),
    "tcpreplay_test.pcap": (4, 0),
    "tcptrace_ppp_over_eth.dmp.gz": (0, 0),
    "zeek_mixed-vlan-mpls.pcap": (1, 0),
    "zeek_pppoe.pcap": (0, 8),
}
FIELDS = ("frame.time_epoch", "frame.protocols", "ip.src", "ipv6.src", "mpls.label", "mpls.exp",
          "mpls.bottom", "pppoe.session_id")  # fmt: skip


def first(text):
    """Of the first of several headers of a kind; 0 without one."""
    return int(text.split(",")[0] or "0", 0)


def time_ns(text):
    seconds, _, fraction = text.partition(".")
    return int(seconds) * 10**9 + int(fraction.ljust(9, "0")[:9])


def wrapping(values):
    """(label's entry of three octets, session) of a frame."""
    protocols = values["frame.protocols"].split(":")
    ip = next(at for at, name in enumerate(protocols) if name in ("ip", "ipv6"))
    entry = session = 0
    if "mpls" in protocols[:ip]:
        entry = first(values["mpls.label"]) << 4 | first(values["mpls.exp"]) << 1
        entry |= first(values["mpls.bottom"])
    if "pppoes" in protocols[:ip]:
        session = first(values["pppoe.session_id"])
    return entry, session


def frames(path):
    """What tshark sees around packets, by their time and each source address in them."""
    command = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "occurrence=a"]
    for field in FIELDS:
        command += ["-e", field]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = collections.defaultdict(set)
    for line in told.splitlines():
        values = dict(zip(FIELDS, line.split("\t")))
        for address in filter(None, f"{values['ip.src']},{values['ipv6.src']}".split(",")):
            found[time_ns(values["frame.time_epoch"]), address].add(wrapping(values))
    return found


def told(record):
    return int(record["mplsTopLabelStackSection"], 16), record["pppoeSessionId"]


def key_of(record):
    address = record.get("sourceIPv4Address") or record["sourceIPv6Address"]
    return replay.time_ns(record["flowStartNanoseconds"]), address


def check(weir, folder, name):
    path = os.path.join(folder, name)
    options = [*replay.NEVER, *replay.ROOM, "--template", "full", "--uniflow"]
    run = replay.replay(weir, path, options)
    if run.status != 0:
        return [f"{name}: exit status {run.status}: {run.errors}"]
    seen = frames(path)
    complaints = []
    wrapped = collections.Counter()
    for record in run.records():
        mine = told(record)
        wrapped.update(label=int(mine[0] != 0), session=int(mine[1] != 0))
        if mine not in seen[key_of(record)]:
            complaints.append(f"{name}: {key_of(record)}: tshark {seen[key_of(record)]}, {mine}")
    have = wrapped["label"], wrapped["session"]
    if have != CAPTURES[name]:
        complaints.append(f"{name}: records with (label, session): {have}, not {CAPTURES[name]}")
    return complaints


def main():
    weir, folder = sys.argv[1:3]
    if not shutil.which("tshark"):
        print("no tshark")
        replay.main_status(SKIPPED)
    replay.main_status(replay.check_all(functools.partial(check, weir, folder), list(CAPTURES)))


if __name__ == "__main__":
    main()
