#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""collectors.py WEIR CAPTURE...

weir itself sends to real collectors, over IPv4 and IPv6, in a network namespace of its own: to
nfcapd (IPFIX, NetFlow v9 and v5 over UDP) and nfacctd (IPFIX and v9 over UDP). What they read
is what the lines of JSON say: as many flows, with the same keys, times, flags, packets, octets."""

import collections
import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))
import netflow_nfdump as nfdump
import netns
from replay import time_ns

WEIR, CAPTURES = "", []  # set from the command line
HOSTS = {4: "127.0.0.1", 6: "[::1]"}
TEMPLATES = {"ipfix": "standard", "netflow9": "v9", "netflow5": "v5"}


def replay(folder, url, template, domain, capture):
    """The lines of JSON of a replay that also goes to the collector; and its account."""
    lines, stats = os.path.join(folder, "lines"), os.path.join(folder, "stats")
    done = subprocess.run(
        [WEIR, "replay", "--quiet", "--max-flows", "65536", "--template", template, "--domain",
         str(domain), "--to", url, "--to", f"json+file:{lines}", "--json-stats", stats, capture],
        capture_output=True, text=True, timeout=60, check=False)  # fmt: skip
    if done.returncode or done.stderr:
        raise AssertionError(f"{url}: status {done.returncode}, {done.stderr}")
    with open(stats, encoding="utf-8") as file:
        account = json.load(file)
    with open(lines, encoding="utf-8") as file:
        return [json.loads(line) for line in file], account


class Nfacctd:
    """One that writes a line of JSON a flow."""

    def __init__(self, folder, host, port):
        self.out = os.path.join(folder, "flows")
        self.log = os.path.join(folder, "log")
        config = os.path.join(folder, "config")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"""daemonize: false
nfacctd_ip: {host}
nfacctd_port: {port}
plugins: print
aggregate: src_host, dst_host, src_port, dst_port, proto, tos, tcpflags, in_iface, \
timestamp_start, timestamp_end
print_output: json
print_output_file: {self.out}
print_refresh_time: 1
print_output_file_append: true
timestamps_utc: true
timestamps_rfc3339: true
timestamps_secs: false
nfacctd_time_new: true
nfacctd_pipe_size: 8388608
logfile: {self.log}
""")
        self.process = subprocess.Popen(["nfacctd", "-f", config], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, env=nfdump.ENVIRONMENT,
                                        preexec_fn=netns.end_with_parent)  # fmt: skip

    def flows(self):
        if not os.path.exists(self.out):
            return []
        with open(self.out, encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.startswith("{")]

    def finish(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=netns.WAIT_S)
        return self.flows()


def of_nfacctd(flow):
    return (flow["ip_src"], flow["ip_dst"], flow["port_src"], flow["port_dst"],
            flow["ip_proto"]), [flow["packets"], flow["bytes"]]  # fmt: skip


PROTOCOLS = {1: "icmp", 2: "igmp", 6: "tcp", 17: "udp", 47: "gre", 58: "ipv6-icmp", 132: "sctp"}


def of_json(line):
    version = 4 if "sourceIPv4Address" in line else 6
    number = line["protocolIdentifier"]
    return (line[f"sourceIPv{version}Address"], line[f"destinationIPv{version}Address"],
            line["sourceTransportPort"], line["destinationTransportPort"],
            PROTOCOLS.get(number, str(number))), \
        [line["packetDeltaCount"], line["octetDeltaCount"]]  # fmt: skip


def summed(pairs):
    sums = collections.defaultdict(lambda: [0, 0, 0])
    for key, (packets, octets) in pairs:
        sums[key] = [old + more for old, more in zip(sums[key], (packets, octets, 1))]
    return dict(sums)


class CollectorsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def send(self, form, host, port, template=None):
        """Every capture, with a domain of its own; the JSON of all, and how many records."""
        lines, records = [], 0
        for domain, capture in enumerate(CAPTURES, 1):
            told, account = replay(self.folder, f"{form}+udp://{host}:{port}",
                                   template or TEMPLATES[form], domain, capture)  # fmt: skip
            self.assertTrue(account["balanced"])
            self.assertEqual(account["destinations"][0]["dropped"]["overflow"]["packets"], 0)
            records += account["destinations"][0]["exported"]["records"]
            lines += nfdump.told_in_v5(told) if form == "netflow5" else told
            self.pause()
        return lines, records

    def to_nfcapd(self, form, version):
        folder = os.path.join(self.folder, f"{form}{version}")
        os.mkdir(folder)
        collector = nfdump.Collector(version, folder)
        self.pause = lambda: netns.wait_for(lambda: collector.waiting()[0] == 0, "nfcapd reads")
        lines, count = self.send(form, HOSTS[version], nfdump.PORT)
        records, log, lost = collector.finish()
        collector.log.close()
        self.assertEqual(lost, 0, "datagrams lost on the way")
        self.assertIn("Sequence Errors: 0, Bad Packets: 0", log)
        self.assertEqual(len(records), count)
        found = nfdump.summed(nfdump.of_nfdump(record) for record in records)
        wanted = nfdump.summed(nfdump.of_json(line, "netflow9" if form == "ipfix" else form)
                               for line in lines)  # fmt: skip
        for key, values in wanted.items():
            self.assertEqual(found.get(key), values, key)
        self.assertEqual(len(found), len(wanted))

    def test_nfcapd(self):
        for form in TEMPLATES:
            for version in HOSTS:
                with self.subTest(form=form, version=version):
                    self.to_nfcapd(form, version)

    def test_nfacctd(self):
        for form in ("ipfix", "netflow9"):
            for version, port in ((4, 2100), (6, 2101)):
                with self.subTest(form=form, version=version):
                    folder = os.path.join(self.folder, f"nfacctd{form}{version}")
                    os.mkdir(folder)
                    host = HOSTS[version].strip("[]")
                    collector = Nfacctd(folder, host, port)
                    self.addCleanup(lambda it=collector: it.process.poll() is None
                                    and it.process.kill())  # fmt: skip
                    netns.wait_for(lambda: waiting(port) is not None, "nfacctd listens")
                    self.pause = lambda: netns.wait_for(lambda: waiting(port) == 0, "nfacctd reads")
                    lines, _ = self.send(form, HOSTS[version], port)
                    wanted = summed(of_json(line) for line in lines)
                    found = summed(of_nfacctd(flow) for flow in collector.finish())
                    for key, values in wanted.items():
                        self.assertEqual(found.get(key, [0, 0])[:2], values[:2], key)
                    self.assertEqual(len(found), len(wanted))


def waiting(port):
    """Octets in the socket of a collector; None: nobody listens."""
    for name in ("udp", "udp6"):
        with open(f"/proc/self/net/{name}", encoding="ascii") as table:
            for line in list(table)[1:]:
                column = line.split()
                if int(column[1].rpartition(":")[2], 16) == port:
                    return int(column[4].rpartition(":")[2], 16)
    return None


if __name__ == "__main__":
    WEIR, CAPTURES = sys.argv[1], sys.argv[2:]
    del sys.argv[1:]
    netns.enter()
    netns.ip("link set lo up")
    unittest.main()
