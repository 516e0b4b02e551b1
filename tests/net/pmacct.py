#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""pmacct.py WEIR CAPTURE...

weir itself sends to pmacct's nfacctd, which knows UDP only: IPFIX, NetFlow v9 and v5, over IPv4 and
IPv6, in a network namespace of its own. For each pair of ends it tells as many flows, packets and
octets, the same flags and autonomous systems as the lines of JSON do; and the values of our own
elements, defined by `weir elements --for pmacct`, are those sent."""

import collections
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "golden")]

import ipfix_check
import netns
import packs
import own_geo
from netflow_nfdump import system, told_in_v5
from nfacctd import PORT, Nfacctd

WEIR, CAPTURES = "", []  # set from the command line
SKIPPED = 77
HOSTS = {4: "127.0.0.1", 6: "::1"}
TEMPLATES = {"ipfix": "standard", "netflow9": "v9", "netflow5": "v5"}
KEY = ("src_host", "dst_host", "src_port", "dst_port", "proto", "tos", "src_as", "dst_as")
AGGREGATE = (*KEY, "export_proto_version", "tcpflags", "flows")
VERSIONS = {"ipfix": 10, "netflow9": 9, "netflow5": 5}
PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "ipv6-icmp": 58, "sctp": 132}


def number_of(protocol):
    return int(protocol) if str(protocol).isdigit() else PROTOCOLS[protocol]


def summed(rows):
    """{key: [flows, packets, octets, all flags]}"""
    sums = collections.defaultdict(lambda: [0, 0, 0, 0])
    for key, flows, packets, octets, flags in rows:
        one = sums[key]
        sums[key] = [one[0] + flows, one[1] + packets, one[2] + octets, one[3] | flags]
    return dict(sums)


def of_nfacctd(row):
    proto = number_of(row["ip_proto"])
    key = (row["ip_src"], row["ip_dst"], row["port_src"], row["port_dst"], proto, row["tos"],
           row["as_src"], row["as_dst"])  # fmt: skip
    return key, row["flows"], row["packets"], row["bytes"], int(row["tcp_flags"])


def of_json(line, form):
    version = 4 if "sourceIPv4Address" in line else 6
    ports = [line["sourceTransportPort"], line["destinationTransportPort"]]
    proto = line["protocolIdentifier"]
    if form == "netflow5" and proto == 1:
        ports[1] = line["icmpTypeCodeIPv4"]  # which has no other place
    key = (line[f"sourceIPv{version}Address"], line[f"destinationIPv{version}Address"], *ports,
           proto, line["ipClassOfService"], system(line, "Source", form),
           system(line, "Destination", form))  # fmt: skip
    # Of the two octets that IPFIX has for them it takes the first.
    flags = line["tcpControlBits"] >> (8 if form == "ipfix" else 0) & 0xFF if proto == 6 else 0
    return key, 1, line["packetDeltaCount"], line["octetDeltaCount"], flags


class PmacctTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.systems = own_geo.make(WEIR, self.folder)

    def replay(self, form, template, collector, *words):
        """Over UDP, of all captures, each in a domain of its own; what was exported in sum."""
        host = f"[{collector.host}]" if ":" in collector.host else collector.host
        sums = collections.Counter()
        for domain, path in enumerate(CAPTURES, 1):
            stats = os.path.join(self.folder, "stats")
            subprocess.run(
                [WEIR, "replay", "--quiet", "--max-flows", "65536", "--template", template,
                 "--domain", str(domain), "--geo", self.systems, "--to", f"{form}+udp://{host}:{PORT}?linger=60",
                 *[word.format(domain) for word in words], "--json-stats", stats, path],
                check=True, timeout=netns.WAIT_S)  # fmt: skip
            with open(stats, encoding="ascii") as file:
                sums.update(json.load(file)["destinations"][0]["exported"])
            collector.pause()
        self.assertEqual(collector.socket()[1], 0, "datagrams lost on the way")
        return sums

    def lines(self):
        found = []
        for domain in range(1, len(CAPTURES) + 1):
            with open(os.path.join(self.folder, f"lines{domain}"), encoding="utf-8") as file:
                found += [json.loads(line) for line in file]
        return found

    def check(self, form, rows, sent, lines):
        self.assertEqual(
            {"records": sum(row["flows"] for row in rows),
             "packets": sum(row["packets"] for row in rows),
             "octets": sum(row["bytes"] for row in rows)},
            {name: sent[name] for name in ("records", "packets", "octets")})  # fmt: skip
        found = summed(of_nfacctd(row) for row in rows)
        wanted = summed(of_json(line, form) for line in lines)
        for key, values in wanted.items():
            self.assertEqual(found.get(key), values, key)
        self.assertEqual(len(found), len(wanted))

    def check_version(self, version):
        folder = os.path.join(self.folder, str(version))
        os.mkdir(folder)
        collector = Nfacctd(folder, AGGREGATE, host=HOSTS[version])
        sent, lines = {}, {}
        for form, template in TEMPLATES.items():
            sent[form] = self.replay(form, template, collector, "--to",
                                     f"json+file:{self.folder}/lines{{}}")
            lines[form] = self.lines()
        lines["netflow5"] = told_in_v5([line for line in lines["netflow5"]
                                        if "sourceIPv4Address" in line])  # fmt: skip
        rows = collector.finish(sum(one["packets"] for one in sent.values()))
        for form, number in VERSIONS.items():
            with self.subTest(form):
                self.check(form, [row for row in rows if row["export_proto_version"] == number],
                           sent[form], lines[form])  # fmt: skip

    def test_over_ipv4(self):
        self.check_version(4)

    def test_over_ipv6(self):
        self.check_version(6)

    def test_own_elements(self):
        primitives = packs.pack(WEIR, "pmacct")
        sent = self.folder + "/sent{}"
        for direction, text in (("--uniflow", primitives), ("--biflow", packs.turned(primitives))):
            with self.subTest(direction):
                folder = os.path.join(self.folder, direction[2:])
                os.mkdir(folder)
                fields = packs.fields_of(packs.replay(WEIR, self.folder, CAPTURES[0], direction,
                                                      1, "quality")[1])  # fmt: skip
                known = {(field.pen, field.number) for field in fields}
                live = packs.of_pmacct(text, left_out=False)
                names = [name for key, (name, _) in live.items() if key in known]
                self.assertGreater(len(names), 10)
                collector = Nfacctd(folder, [*packs.KEY, *names], text)
                self.replay("ipfix", "quality", collector, direction, "--to", f"ipfix+file:{sent}")
                records = []
                for domain in range(1, len(CAPTURES) + 1):
                    with open(sent.format(domain), "rb") as file:
                        records += ipfix_check.check(file.read()).records
                rows = collector.finish(sum(record["packetDeltaCount"] for record in records))
                self.assertEqual(
                    {tuple(row[name.lower()] for name in names) for row in rows},
                    {tuple(packs.as_pmacct_prints(record[name]) for name in names)
                     for record in records})  # fmt: skip


if __name__ == "__main__":
    WEIR, *CAPTURES = (os.path.abspath(path) for path in sys.argv[1:])
    del sys.argv[1:]
    if shutil.which("nfacctd") is None:
        print("skipped: nfacctd is not installed")
        sys.exit(SKIPPED)
    netns.enter()
    netns.ip("link set lo up")
    unittest.main()
