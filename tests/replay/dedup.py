#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`--dedup`: a capture of which every packet comes twice gives the records of the single one.
dedup.py WEIR FOLDER

The second copy comes at once, or later and by another interface, after a router or from another
VLAN. What a capture has of copies itself is gone in either case: both runs are with --dedup. One
that has none gives with it the records that it gives without; and where some of its packets come twice, as
many are copies as editcap takes for such.
"""

import functools
import json
import os
import random
import re
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import capture
import replay

MOST = 3000  # packets of a capture
LATER_NS = 20000
OPTIONS = [*replay.NEVER, *replay.ROOM, "--template", replay.TEMPLATE]
DEDUP = ["--dedup", "--dedup-window", "30us"]


def checksum(header):
    total = sum(struct.unpack(f"!{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def routed(data):
    """After a router that marks: MAC addresses, TTL, DSCP, checksum; in another VLAN."""
    if len(data) < 34 or data[12:14] != b"\x08\x00" or data[14] & 15 < 5:
        return data
    end = 14 + (data[14] & 15) * 4
    if len(data) < end:
        return data
    ip = bytearray(data[14:end])
    ip[1] ^= 0xB8
    ip[8] = ip[8] - 1 if ip[8] else 255
    ip[10:12] = b"\0\0"
    ip[10:12] = struct.pack("!H", checksum(bytes(ip)))
    return bytes(range(12)) + b"\x81\x00\x00\x63" + data[12:14] + bytes(ip) + data[end:]


def routed_6(data):
    if len(data) < 54 or data[12:14] != b"\x86\xdd":
        return data
    return bytes(12) + data[12:14] + bytes([data[14] ^ 0x08, data[15] ^ 0x30]) + data[16:21] + bytes([data[21] ^ 1]) + data[22:]


def same(data):
    return data


def padded(block_type, body):
    size = 12 + len(body)
    return struct.pack("<II", block_type, size) + body + struct.pack("<I", size)


def write_interfaces(path, names, packets):
    """pcapng: interfaces of these names (None: without one), and (interface, packet) in this order."""
    with open(path, "wb") as file:
        file.write(padded(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)))
        for name in names:
            told = struct.pack("<HH", 2, len(name)) + name.encode() + bytes(-len(name) % 4) if name else b""
            file.write(padded(1, struct.pack("<HHI", packets[0][1].link, 0, 0) + told
                              + struct.pack("<HHI", 9, 1, 9) + bytes(4)))  # fmt: skip
        for number, packet in packets:
            fill = bytes(-len(packet.data) % 4)
            file.write(padded(6, struct.pack("<IIIII", number, packet.time_ns >> 32, packet.time_ns & 0xFFFFFFFF,
                                             len(packet.data), packet.length) + packet.data + fill))  # fmt: skip


def write_two_interfaces(path, packets, twice):
    """What the first one saw, the second one saw as well."""
    write_interfaces(path, [None, None], [(n, p) for pair in zip(packets, twice) for n, p in enumerate(pair)])


def copies(packets, change):
    for packet in packets:
        data = change(packet.data) if packet.link == capture.LINK_ETHERNET else packet.data
        length = packet.length + len(data) - len(packet.data)
        yield capture.Packet(packet.time_ns + LATER_NS, packet.link, data, length)


def run(weir, path, options=()):
    done = replay.replay(weir, path, [*OPTIONS, *options])
    records = sorted(json.dumps({key: value for key, value in record.items() if "nterface" not in key}, sort_keys=True)
                     for record in done.records())  # fmt: skip
    return done, records


def duplicates(done):
    return done.account["setAside"]["duplicate"]["packets"]


def compare(name, single, doubled, packets):
    (one, records), (two, twice) = single, doubled
    # What holds nothing for the meter to read is set aside before it could be a copy.
    aside = sum(row["packets"] for reason, row in one.account["setAside"].items()
                if reason in ("linkType", "notIp", "truncated"))  # fmt: skip
    if not two.account["balanced"] or two.account["seen"]["packets"] != 2 * packets:
        yield f"{name}: account: {json.dumps({key: two.account[key] for key in ('seen', 'metered', 'setAside')})}"
    rows = two.account["duplicates"]
    if sum(row["packets"] for row in rows) != duplicates(two):
        yield f"{name}: {duplicates(two)} duplicates, by pair {rows}"
    if len(rows) > 1 or any(row["first"] != "1" or row["again"] not in "12" for row in rows):
        yield f"{name}: pairs {rows}"
    if records != twice:
        yield f"{name}: {len(records)} records of the single capture, {len(twice)} of the doubled one, or others"
    if not 0 <= packets - (duplicates(two) - duplicates(one)) <= aside:
        yield f"{name}: {duplicates(two)} duplicates of {packets} packets, {duplicates(one)} in the capture itself"
    if one.account["metered"] != two.account["metered"]:
        yield f"{name}: metered {one.account['metered']}, doubled {two.account['metered']}"


def some_twice(packets):
    """One packet in four comes again at once, one within the window, one behind it; in the order of time."""
    chance = random.Random(7)
    again = [capture.Packet(packet.time_ns + later, packet.link, packet.data, packet.length)
             for packet in packets for later in chance.choice([(), (0,), (LATER_NS,), (2 * LATER_NS,)])]  # fmt: skip
    return sorted([*packets, *again], key=lambda packet: packet.time_ns)


def by_editcap(path):
    """What it drops as copies: the same octets from the first to the last, within 30 us."""
    done = subprocess.run(["editcap", "-w", "0.000030", path, os.devnull], capture_output=True, text=True, check=True)
    return int(re.search(r"(\d+) packets? skipped", done.stderr + done.stdout)[1])


def compare_editcap(name, weir, path, packets):
    """Of a capture without copies of its own, by either. Link headers that hold no packet are read no further."""
    capture.write(path, packets, packets[0].link)
    if by_editcap(path):
        return
    twice = some_twice(packets)
    capture.write(path, twice, packets[0].link)
    done, theirs = run(weir, path, DEDUP)[0], by_editcap(path)
    if packets[0].link != capture.LINK_ETHERNET and done.account["setAside"]["notIp"]["packets"]:
        return
    if theirs != duplicates(done) or theirs == 0 and len(packets) > 20:
        yield f"{name}: {duplicates(done)} duplicates of {len(twice)} packets, {theirs} by editcap"


def check(weir, path):
    name = os.path.basename(path)
    packets = capture.readable(path)[0][:MOST]
    times = [packet.time_ns for packet in packets]
    if not packets or len({packet.link for packet in packets}) > 1 or not 10**15 < min(times) <= max(times) < 4 * 10**18:
        return []
    complaints = []
    with tempfile.TemporaryDirectory(prefix="weir-") as folder:
        one, two = os.path.join(folder, "one"), os.path.join(folder, "two")
        capture.write(one, packets, packets[0].link)
        single = run(weir, one, DEDUP)
        if single[0].account is None:
            return [f"{name}: no account: {single[0].errors}"]
        capture.write(two, [packet for packet in packets for _ in range(2)], packets[0].link)
        complaints += compare(f"{name}, at once", single, run(weir, two, DEDUP), len(packets))
        if duplicates(single[0]) == 0 and run(weir, one)[1] != single[1]:
            complaints.append(f"{name}: --dedup alone changes the records")
        # Copies of its own, and theirs, would be within the window of each other, or not.
        own = duplicates(run(weir, one, ["--dedup", "--dedup-window", "100us"])[0])
        if not own and single[0].account["setAside"]["linkType"]["packets"] == 0:
            complaints += compare_editcap(name, weir, one, packets)
        for change in () if own else (same, routed, routed_6):
            write_two_interfaces(two, packets, list(copies(packets, change)))
            doubled = run(weir, two, DEDUP)
            complaints += compare(f"{name}, {change.__name__}", single, doubled, len(packets))
    return complaints


def made(payload, ident=7, time_ns=0, ttl=64):
    udp = struct.pack("!HHHH", 1000, 2000, 8 + len(payload), 0) + payload
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), ident, 0, ttl, 17, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
    return capture.Packet(10**18 + time_ns, capture.LINK_ETHERNET, bytes(12) + b"\x08\0" + ip + udp)


def check_windows(weir):
    """(what, packets, options, duplicates)"""
    between = [made(b"other", ident=100 + i, time_ns=10 + i) for i in range(10)]
    cases = [
        ("a copy at the window's end", [made(b"a"), made(b"a", time_ns=5000000)], [], 1),
        ("and one behind it", [made(b"a"), made(b"a", time_ns=5000001)], [], 0),
        ("a copy that is earlier", [made(b"a", time_ns=1000), made(b"a")], [], 1),
        ("a window of another length", [made(b"a"), made(b"a", time_ns=5000001)], ["--dedup-window", "6ms"], 1),
        ("a packet sent again", [made(b"a"), made(b"a", ident=8)], [], 0),
        ("another payload", [made(b"a"), made(b"b")], [], 0),
        ("another length", [made(b"a"), made(b"a\0")], [], 0),
        ("three of them", [made(b"a"), made(b"a", ttl=3), made(b"a")], [], 2),
        ("others in between", [made(b"a"), *between, made(b"a", time_ns=50)], ["--dedup-packets", "11"], 1),
        ("as many as there is room for", [made(b"a"), *between, made(b"a", time_ns=50)], ["--dedup-packets", "10"], 0),
        ("room for one", [made(b"a"), made(b"a"), made(b"b"), made(b"b")], ["--dedup-packets", "1"], 2),
        ("not asked for", [made(b"a"), made(b"a")], None, 0),
    ]  # fmt: skip
    complaints = []
    for what, packets, options, expected in cases:
        with tempfile.TemporaryDirectory(prefix="weir-") as folder:
            path = os.path.join(folder, "pcap")
            capture.write(path, packets)
            done = run(weir, path, [] if options is None else ["--dedup", *options])[0]
        if duplicates(done) != expected or done.account["metered"]["packets"] != len(packets) - expected:
            complaints.append(f"{what}: expected {expected} duplicates, got {duplicates(done)}")
    return complaints


def pairs(weir, files, options=()):
    """{(first, again): packets} of files, each (names, packets)."""
    with tempfile.TemporaryDirectory(prefix="weir-") as folder:
        paths = [os.path.join(folder, str(number)) for number in range(len(files))]
        for path, (names, packets) in zip(paths, files):
            write_interfaces(path, names, packets)
        done = replay.replay(weir, paths[0], [*OPTIONS, "--dedup", *options, *paths[1:]])
    rows = done.account["duplicates"]
    found = {(row["first"], row["again"]): row["packets"] for row in rows}
    whole = done.account["setAside"]["duplicate"]
    if sum(found.values()) != whole["packets"] or sum(row["frameOctets"] for row in rows) != whole["frameOctets"]:
        return rows
    return found


def check_pairs(weir):
    """(what, files, pairs)"""
    a, b = made(b"a"), made(b"b", ident=9)
    routed_a = made(b"a", time_ns=30, ttl=5)
    many = [f"if{number}" for number in range(300)]
    crowd = [(number, made(b"a", time_ns=number)) for number in range(300)]
    expected = {("if0", f"if{number}"): 1 for number in range(1, 257)}
    cases = [
        ("one interface", [(["x"], [(0, a), (0, b), (0, routed_a)])], {("x", "x"): 1}),
        ("both ways", [(["x", "y"], [(0, a), (1, routed_a), (1, b), (0, b)])], {("x", "y"): 1, ("y", "x"): 1}),
        ("read in another order", [(["x", "y"], [(0, routed_a), (1, a)])], {("y", "x"): 1}),
        ("one with a name", [([None, "y"], [(0, a), (1, a)])], {("1", "y"): 1}),
        ("another file", [(["x", "y"], [(0, a), (1, b)]), (["y", "x"], [(0, a), (0, b)])],
         {("x", "y"): 1, ("y", "y"): 1}),
        ("too many", [(many, crowd)], {**expected, (None, None): 43}),
    ]  # fmt: skip
    for what, files, expected in cases:
        found = pairs(weir, files)
        if found != expected:
            yield f"pairs, {what}: expected {expected}, got {found}"


def main():
    weir, folder = sys.argv[1:3]
    paths = replay.unique_captures(replay.data_folders(folder, "pcap"))
    checked = replay.check_all(functools.partial(check, weir), paths)
    windows = [*check_windows(weir), *check_pairs(weir)]
    print("\n".join([*windows, "windows and pairs checked"]))
    replay.main_status(1 if checked or windows else 0)


if __name__ == "__main__":
    main()
