#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""netflow_nfdump.py WEIR MADE_FLOWS FORM TEMPLATE CAPTURE...

Sends NetFlow (FORM netflow9 or netflow5) of replayed captures, each with a domain of its own, and of
made flows with more than 2^32 octets, to a real nfcapd over UDP, over IPv4 and IPv6, in a network
namespace of its own; and proves that what nfdump then reads is what the lines of JSON say: times,
ends, packets, octets each way, flags, ICMP, ToS, VLAN, interfaces and autonomous systems, and how many
flows."""

import collections
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import netflow_check
import netns
import own_geo
from replay import time_ns

SKIPPED = 77
PORT = 2055
VOLLEY = 16
MADE = 400
MTU = 1464
HOSTS = {4: (socket.AF_INET, "127.0.0.1"), 6: (socket.AF_INET6, "::1")}
ENVIRONMENT = {**os.environ, "TZ": "UTC", "LC_ALL": "C"}
# Of each: nfdump's key, JSON's column; the key of a flow first, then what is added up.
SAME = {"proto": "protocolIdentifier", "src_tos": "ipClassOfService",
        "input_snmp": "ingressInterface", "output_snmp": "egressInterface"}  # fmt: skip
SUMS = {"in_packets": "packetDeltaCount", "in_bytes": "octetDeltaCount",
        "out_packets": "reversePacketDeltaCount", "out_bytes": "reverseOctetDeltaCount"}  # fmt: skip
LETTERS = "CEUAPRSF"
AS_TRANS = 23456  # stands for numbers that v5 has no room for


class Collector:
    """An nfcapd of this namespace."""

    def __init__(self, version, folder):
        self.version = version
        family, self.host = HOSTS[version]
        self.log = open(os.path.join(folder, f"log{version}"), "w+", encoding="utf-8")
        self.folder = os.path.join(folder, str(version))
        os.mkdir(self.folder)
        self.process = subprocess.Popen(
            ["nfcapd", f"-{version}", "-b", self.host, "-p", str(PORT), "-w", self.folder],
            stdout=self.log, stderr=subprocess.STDOUT, env=ENVIRONMENT,
            preexec_fn=netns.end_with_parent)  # fmt: skip
        self.out = socket.socket(family, socket.SOCK_DGRAM)
        netns.wait_for(lambda: self.waiting() is not None, "nfcapd listens")

    def waiting(self):
        """(octets in its socket, datagrams lost), or None."""
        name = "/proc/self/net/udp" + ("6" if self.version == 6 else "")
        with open(name, encoding="ascii") as table:
            for line in list(table)[1:]:
                column = line.split()
                if int(column[1].rpartition(":")[2], 16) == PORT:
                    return int(column[4].rpartition(":")[2], 16), int(column[12])
        return None

    def send(self, packets):
        for number, packet in enumerate(packets):
            self.out.sendto(packet, (self.host, PORT))
            if number % VOLLEY == 0:
                netns.wait_for(lambda: self.waiting()[0] == 0, "nfcapd reads")

    def finish(self):
        """Its records, as nfdump tells them, and its log."""
        netns.wait_for(lambda: self.waiting()[0] == 0, "nfcapd reads")
        lost = self.waiting()[1]
        self.process.terminate()
        self.process.wait(timeout=netns.WAIT_S)
        self.out.close()
        told = subprocess.run(["nfdump", "-R", self.folder, "-o", "json"], check=True,
                              capture_output=True, text=True, env=ENVIRONMENT).stdout  # fmt: skip
        self.log.seek(0)
        return json.loads(told), self.log.read(), lost


def of_nfdump(record):
    """The flow's key and its sums."""
    version = 4 if "src4_addr" in record else 6
    icmp = record["proto"] in (1, 58)
    flags = record.get("tcp_flags", "........") if record["proto"] == 6 else "........"
    key = (
        record["type"],
        time_ns(record["first"] + "Z"), time_ns(record["last"] + "Z"),
        record[f"src{version}_addr"], record[f"dst{version}_addr"],
        (record["icmp_type"], record["icmp_code"]) if icmp
        else (record["src_port"], record["dst_port"]) if "src_port" in record else (0, 0),
        sum(1 << bit for bit, letter in enumerate(reversed(LETTERS)) if letter in flags),
        record.get("src_vlan", 0),
    )  # fmt: skip
    key += tuple(record.get(name, 0) for name in (*SAME, "src_as", "dst_as"))
    return key, [record.get(name, 0) for name in SUMS]


def system(line, side, form):
    number = line.get(f"bgp{side}AsNumber", 0)
    return AS_TRANS if form == "netflow5" and number > 0xFFFF else number


def of_json(line, form):
    version = 4 if "sourceIPv4Address" in line else 6
    icmp = line["protocolIdentifier"] == (1 if version == 4 else 58)
    key = (
        "FLOW",
        time_ns(line["flowStartMilliseconds"]), time_ns(line["flowEndMilliseconds"]),
        line[f"sourceIPv{version}Address"], line[f"destinationIPv{version}Address"],
        divmod(line[f"icmpTypeCodeIPv{version}"], 256) if icmp
        else (line["sourceTransportPort"], line["destinationTransportPort"]),
        line["tcpControlBits"] & 0xff if line["protocolIdentifier"] == 6 else 0,
        line["vlanId"] if form == "netflow9" else 0,
    )  # fmt: skip
    most = 0xffffffff if form == "netflow9" else 0xffff  # a wider index is sent as unknown
    key += tuple(line[name] if line[name] <= most else 0 for name in SAME.values())
    key += (system(line, "Source", form), system(line, "Destination", form))
    return key, [line.get(name, 0) for name in SUMS.values()]


def summed(pairs):
    """Several records of one key add up: NetFlow v5 has counters of 32 bits."""
    sums = collections.defaultdict(lambda: [0] * len(SUMS))
    for key, values in pairs:
        sums[key] = [sum(two) for two in zip(sums[key], values)]
    return dict(sums)


def ends(line):
    return sorted((line[f"{side}IPv4Address"], line[f"{side}TransportPort"])
                  for side in ("source", "destination"))  # fmt: skip


def told_in_v5(lines):
    """Without the flows that it cannot tell: a direction of theirs would need more records of 2^32
    octets than it has packets."""
    wide = [line for line in lines
            if -(-line["octetDeltaCount"] // 0xffffffff) > line["packetDeltaCount"]]  # fmt: skip
    flows = [ends(line) for line in wide]
    return [line for line in lines
            if ends(line) not in flows]  # fmt: skip


def make(command, folder, form, domain):
    """(packets, lines of JSON) of that command with two destinations."""
    packets, lines = f"{folder}/packets", f"{folder}/lines"
    urls = [f"{form}+file:{packets}?mtu={MTU}&domain={domain}", f"json+file:{lines}"]
    subprocess.run(command(urls), check=True, stderr=subprocess.DEVNULL)
    with open(packets, "rb") as file:
        result = netflow_check.check(file.read(), MTU)
    if result.problems:
        raise AssertionError(result.problems[0])
    with open(lines, encoding="utf-8") as file:
        told = [json.loads(line) for line in file]
    return result, told_in_v5(told) if form == "netflow5" else told


def sources(weir, made_flows, template, captures, systems):
    def replay(capture):
        return lambda urls: [weir, "replay", "--quiet", "--max-flows", "65536", "--template",
                             template, "--geo", systems, "--to", urls[0], "--to", urls[1],
                             capture]  # fmt: skip

    return [lambda urls: [made_flows, str(MADE), template, *urls], *map(replay, captures)]


def compare(collected, results, lines, form):
    records, log, lost = collected
    count = sum(len(result.records) for result in results)
    if lost:
        return f"{lost} datagrams lost on the way: this test is at fault"
    if not re.search(r"Sequence Errors: 0, Bad Packets: 0", log):
        return f"nfcapd complains: {log}"
    if len(records) != count:
        return f"nfdump has {len(records)} flows of {count}"
    found = summed(of_nfdump(record) for record in records)
    wanted = summed(of_json(line, form) for line in lines)
    for key in wanted:
        if found.get(key) != wanted[key]:
            return f"{key}: nfdump says {found.get(key)}, JSON {wanted[key]}"
    if len(found) != len(wanted):
        return f"nfdump has {len(found) - len(wanted)} flows that nobody sent"
    return None


def main():
    weir, made_flows, form, template, *captures = sys.argv[1:]
    if shutil.which("nfcapd") is None:
        print("skipped: nfcapd is not installed")
        return SKIPPED
    netns.enter()
    netns.ip("link set lo up")
    with tempfile.TemporaryDirectory() as folder:
        results, lines = [], []
        systems = own_geo.make(weir, folder)
        for domain, command in enumerate(sources(weir, made_flows, template, captures, systems), 1):
            result, more = make(command, folder, form, domain)
            results.append(result)
            lines += more
        for version in HOSTS:
            collector = Collector(version, folder)
            for result in results:
                collector.send(result.packets)
            complaint = compare(collector.finish(), results, lines, form)
            if complaint:
                print(f"over IPv{version}: {complaint}")
                return 1
    print(f"{sum(len(result.records) for result in results)} records, the same to nfdump")
    return 0


if __name__ == "__main__":
    sys.exit(main())
