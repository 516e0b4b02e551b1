#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""wireshark.py WEIR CAPTURE...

What weir sends, taken from the wire of a network namespace of its own and read by tshark: every
form, transport and layout, over IPv4 and IPv6. Nothing is malformed, no data come whose template
tshark does not know, every field has a name or is an element of our own, and the records add up to
what was metered."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import capture as capture_file
import netns
import tap

WEIR, CAPTURES = "", []  # set from the command line
SKIPPED = 77
LIMIT_S = 120
FAMILIES = {4: (socket.AF_INET, "127.0.0.1"), 6: (socket.AF_INET6, "::1")}
CASES = [("ipfix", way, layout) for way in ("udp", "tcp")
         for layout in ("standard", "biflow", "quality", "full", "ntop")]  # fmt: skip
CASES += [("netflow9", "udp", "v9"), ("netflow9", "udp", "ntop"), ("netflow5", "udp", "v5")]
FIRST_PORT = 20000
PEN_SAID = "Example Enterprise Number for Documentation Use"  # 32473
# In both directions, where they are named apart.
PACKETS = {"cflow.packets", "cflow.post_packets"}
OCTETS = {"cflow.octets", "cflow.post_octets"}


class Sink(threading.Thread):
    """A collector that forgets what it reads."""

    def __init__(self, way, version, port):
        super().__init__(daemon=True)
        family, host = FAMILIES[version]
        self.stream = way == "tcp"
        self.socket = socket.socket(family, socket.SOCK_STREAM if self.stream
                                    else socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.settimeout(LIMIT_S)
        self.socket.bind((host, port))
        if self.stream:
            self.socket.listen(1)
        self.start()

    def run(self):
        one = self.socket.accept()[0] if self.stream else self.socket
        while one.recv(1 << 16):
            pass
        one.close()

    def finish(self):
        if not self.stream:
            with socket.socket(self.socket.family, socket.SOCK_DGRAM) as last:
                last.sendto(b"", self.socket.getsockname()[:2])
        self.join(LIMIT_S)
        self.socket.close()


def send(folder, case, version, port):
    """The collector's part of the account, over all captures: each has a domain of its own."""
    form, way, layout = case
    host = {4: "127.0.0.1", 6: "[::1]"}[version]
    told = {"records": 0, "packets": 0, "octets": 0}
    for domain, path in enumerate(CAPTURES, 1):
        sink = Sink(way, version, port)
        stats = os.path.join(folder, "stats")
        subprocess.run([WEIR, "replay", "--quiet", "--max-flows", "65536", "--template", layout,
                        "--to", f"{form}+{way}://{host}:{port}?domain={domain}&linger=60", "--json-stats",
                        stats, path], check=True, timeout=LIMIT_S)  # fmt: skip
        sink.finish()
        with open(stats, encoding="utf-8") as file:
            exported = json.load(file)["destinations"][0]["exported"]
        told = {name: told[name] + exported[name] for name in told}
    return told


def read_back(path, ports):
    """tshark's own words, as XML."""
    words = [word for port, (_, way, _) in ports.items()
             for word in ("-d", f"{way}.port=={port},cflow")]  # fmt: skip
    # By default it takes no template of more than 60 fields, as "full" is.
    done = subprocess.run(["tshark", "-n", "-o", "cflow.max_template_fields:0", "-r", path, *words,
                           "-T", "pdml"], check=True, capture_output=True,
                          env={**os.environ, "TZ": "UTC", "LC_ALL": "C"})  # fmt: skip
    return xml.etree.ElementTree.fromstring(done.stdout)


def port_of(packet, ports):
    for protocol in packet:
        for field in protocol.iter("field"):
            if field.get("name") in ("udp.dstport", "tcp.dstport"):
                port = int(field.get("show"))
                return port if port in ports else None
    return None


def flows_of(message):
    """Items of flows, but not of options."""
    for group in message.iter("field"):
        show = group.get("show") or ""
        found = re.match(r"(?:Flow)?Set \d+ \[id=(\d+)\]", show)
        if found and int(found[1]) in (256, 257):
            yield from (item for item in group if re.match(r"Flow \d+", item.get("show") or ""))
        elif re.match(r"pdu \d+/\d+", show):  # of NetFlow v5
            yield group


class Seen:
    """Of one case."""

    def __init__(self):
        self.told = {"records": 0, "packets": 0, "octets": 0}
        self.messages = 0
        self.faults = []
        self.own = 0

    def take(self, message, case):
        self.messages += 1
        for field in message.iter("field"):
            self.look(field, case)
        for flow in flows_of(message):
            self.told["records"] += 1
            for field in flow.iter("field"):
                if field.get("name") in PACKETS:
                    self.told["packets"] += int(field.get("show"))
                elif field.get("name") in OCTETS:
                    self.told["octets"] += int(field.get("show"))

    def look(self, field, case):
        name, said = field.get("name"), field.get("showname") or field.get("show") or ""
        if name.startswith(("_ws.malformed", "_ws.expert")) or "no template found" in said.lower():
            self.faults.append(said)
        elif name == "cflow.enterprise_private_entry":
            self.own += 1
            if PEN_SAID not in said or case[2] == "ntop":
                self.faults.append(f"not named: {said}")
        elif "unknown" in name or (name.startswith("cflow.template") and "unknown" in said.lower()
                                   and PEN_SAID not in said):
            self.faults.append(f"not known: {said}")


class WiresharkTest(unittest.TestCase):
    def check_version(self, version):
        ports = {FIRST_PORT + number: case for number, case in enumerate(CASES)}
        with tempfile.TemporaryDirectory() as folder:
            with tap.Tap() as wire:
                told = {port: send(folder, case, version, port) for port, case in ports.items()}
            path = os.path.join(folder, "wire.pcap")
            capture_file.write(path, wire.frames)
            pdml = read_back(path, ports)
        seen = {port: Seen() for port in ports}
        for packet in pdml:
            port = port_of(packet, ports)
            for message in packet.iter("proto"):
                if message.get("name") == "cflow":
                    seen[port].take(message, ports[port])
        for port, case in ports.items():
            with self.subTest(case):
                self.assertEqual(seen[port].faults[:3], [])
                self.assertGreater(seen[port].messages, 1)
                self.assertEqual(seen[port].told, told[port])
                self.assertEqual(seen[port].own > 0, case[2] in ("quality", "full"))

    def test_over_ipv4(self):
        self.check_version(4)

    def test_over_ipv6(self):
        self.check_version(6)


if __name__ == "__main__":
    WEIR, *CAPTURES = (os.path.abspath(path) for path in sys.argv[1:])
    del sys.argv[1:]
    if shutil.which("tshark") is None:
        print("skipped: tshark is not installed")
        sys.exit(SKIPPED)
    netns.enter()
    netns.ip("link set lo up")
    unittest.main()
