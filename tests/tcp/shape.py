#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Shape against tshark's list of packets: shape.py WEIR FOLDER

For every capture of FOLDER, tests/tcp/shape_model.py is fed with what tshark says of each packet's
outermost headers, and compared with weir's flows of one record, where any has two packets. Fragments, ICMP and packets whose
ports tshark does not tell are keyed differently (tests/truth/truth.py) and left to model.py, as are
payloads that are neither TCP's nor UDP's.
"""

import functools
import os
import shutil
import subprocess
import sys
import types

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import quality_rows
import replay
from shape_model import Shape

SKIPPED = 77
FIELDS = """frame.time_epoch frame.protocols vlan.id eth.dst eth.src ip.src ip.dst ip.len ip.ttl
ip.dsfield ipv6.src ipv6.dst ipv6.plen ipv6.hlim ipv6.tclass tcp.srcport tcp.dstport tcp.len
ip.hdr_len tcp.hdr_len tcp.flags udp.srcport udp.dstport udp.length""".split()
PLAIN = ("eth:ethertype:ip", "eth:ethertype:vlan:ethertype:ip", "raw:ip", "null:ip", "sll:ethertype:ip",
         "ppp:ip", "chdlc:ip", "fr:ip", "nflog:ip")  # fmt: skip
TCP, UDP = 6, 17
FLAGS = 0xFFF
# Flows that tshark finds at other ports, and why.
ODD = {
    "zeek_ipv6-mobility-dst-opts.pcap":
        "packet 3 has an options header longer than the packet: tshark believes its next header",
}  # fmt: skip
UNKNOWN = 7  # bits of metricValidity: fragments and cut headers


def nanoseconds(text):
    seconds, _, fraction = text.partition(".")
    return int(seconds) * 10**9 + int(fraction.ljust(9, "0"))


def lines(path):
    fields = [part for name in FIELDS for part in ("-e", name)]
    command = ["tshark", "-n", "-r", path, "-o", "ip.defragment:FALSE", "-Y", "ip or ipv6",
               "-T", "fields", "-E", "occurrence=f", *fields]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    for line in run.stdout.splitlines():
        yield dict(zip(FIELDS, line.split("\t")))


def number(text):
    return int(text or "0", 0)


def of_line(line):
    """The key of a packet and what Shape wants to know; None where tshark's fields may be of an
    inner header, or not of a whole TCP or UDP packet."""
    stack = line["frame.protocols"].split(":")
    heads = [name for name in stack if name in ("ip", "ipv6", "tcp", "udp", "icmp", "icmpv6")]
    version = {"ip": 4, "ipv6": 6}.get(heads[0])
    if len(heads) < 2 or heads[1] not in ("tcp", "udp") or not any(
        line["frame.protocols"].startswith(plain) for plain in PLAIN
    ):
        return None
    seen = types.SimpleNamespace(fragment=None, flags=None)
    seen.packet = types.SimpleNamespace(time_ns=nanoseconds(line["frame.time_epoch"]))
    proto = TCP if heads[1] == "tcp" else UDP
    source, destination, seen.octets, seen.ttl, tos = (
        (line["ip.src"], line["ip.dst"], number(line["ip.len"]), number(line["ip.ttl"]),
         number(line["ip.dsfield"]))
        if version == 4 else
        (line["ipv6.src"], line["ipv6.dst"], 40 + number(line["ipv6.plen"]),
         number(line["ipv6.hlim"]), number(line["ipv6.tclass"]))
    )  # fmt: skip
    if proto == TCP:
        seen.flags = number(line["tcp.flags"]) & FLAGS
        payload = number(line["tcp.len"])
        # In a frame that is cut tshark tells what is left of it.
        if version == 4 or "ipv6:tcp" in line["frame.protocols"]:
            heads = number(line["ip.hdr_len"]) if version == 4 else 40
            payload = seen.octets - heads - number(line["tcp.hdr_len"])
    else:
        payload = number(line["udp.length"]) - 8
    name = "tcp" if proto == TCP else "udp"
    ports = number(line[f"{name}.srcport"]), number(line[f"{name}.dstport"])
    key = (number(line["vlan.id"]), proto, source, destination, *ports)
    macs = line["eth.dst"] or "00:00:00:00:00:00", line["eth.src"] or "00:00:00:00:00:00"
    return key, (seen, tos, macs, payload)


def shapes_of(path):
    """By key; none at all where tshark tells no times."""
    shapes = {}
    for line in lines(path):
        if not line["frame.time_epoch"]:
            return {}
        told = of_line(line)
        if told is not None:
            shapes.setdefault(told[0], Shape()).count(*told[1])
    return shapes


def check(weir, path):
    name = os.path.basename(path)
    if name in ODD:
        return []
    # Starting tshark takes longer than anything here: not for captures without such flows.
    run = replay.replay(weir, path, [*replay.NEVER, *quality_rows.OPTIONS])
    found = {}
    for record in run.records():
        for one in quality_rows.of_json(record):
            found.setdefault(one.row.key(), []).append(one)
    ones = [one for found_here in found.values() for one in found_here]
    if not any(one.row.proto in (TCP, UDP) and one.row.packets > 1 for one in ones):
        return []
    told = []
    for key, shape in shapes_of(path).items():
        ones = found.get(key, [])
        # Of several records nobody but the meter knows the packets.
        if len(ones) != 1 or ones[0].values["metricValidity"] & UNKNOWN:
            continue
        where = f"{name}: {quality_rows.text(ones[0])}"
        told += quality_rows.compare_values(where, shape.values(), ones[0].values)
    return told[:20]


def main():
    if not shutil.which("tshark"):
        print("skipped: no tshark")
        replay.main_status(SKIPPED)
    weir, folder = sys.argv[1:3]
    paths = replay.unique_captures(replay.data_folders(folder, "pcap"))
    replay.main_status(replay.check_all(functools.partial(check, weir), paths))


if __name__ == "__main__":
    main()
