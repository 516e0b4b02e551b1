#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""collectors.py WEIR CAPTURE...

weir itself sends to a real collector, nfcapd, over IPv4 and IPv6, in a network namespace of its own:
IPFIX, NetFlow v9 and v5 over UDP. What nfdump then reads is what the lines of JSON say: as many
flows, with the same keys, times, flags, packets, octets, systems; and no number was missed."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))
import netflow_nfdump as nfdump
import netns
import own_geo

WEIR, CAPTURES = "", []  # set from the command line
HOSTS = {4: "127.0.0.1", 6: "[::1]"}
# The layout v9 has the autonomous systems that standard leaves out.
FORMS = (("ipfix", "standard"), ("ipfix", "v9"), ("netflow9", "v9"), ("netflow9", "ntop"),
         ("netflow5", "v5"))  # fmt: skip


def replay(folder, url, template, domain, capture):
    """The lines of JSON of a replay that also goes to the collector; and its account."""
    lines, stats = os.path.join(folder, "lines"), os.path.join(folder, "stats")
    done = subprocess.run(
        [WEIR, "replay", "--quiet", "--max-flows", "65536", "--template", template, "--domain",
         str(domain), "--geo", f"{folder}/own.mmdb", "--to", url, "--to", f"json+file:{lines}", "--json-stats", stats, capture],
        capture_output=True, text=True, timeout=netns.WAIT_S, check=False)  # fmt: skip
    if done.returncode or done.stderr:
        raise AssertionError(f"{url}: status {done.returncode}, {done.stderr}")
    with open(stats, encoding="utf-8") as file:
        account = json.load(file)
    with open(lines, encoding="utf-8") as file:
        return [json.loads(line) for line in file], account


class CollectorsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        own_geo.make(WEIR, self.folder)

    def send(self, form, template, host, port):
        """Every capture, with a domain of its own; the JSON of all, and how many records."""
        lines, records = [], 0
        for domain, capture in enumerate(CAPTURES, 1):
            told, account = replay(self.folder, f"{form}+udp://{host}:{port}?linger=60",
                                   template, domain, capture)  # fmt: skip
            self.assertTrue(account["balanced"])
            self.assertEqual(account["destinations"][0]["dropped"]["overflow"]["packets"], 0)
            records += account["destinations"][0]["exported"]["records"]
            lines += nfdump.told_in_v5(told) if form == "netflow5" else told
            self.pause()
        return lines, records

    def to_nfcapd(self, form, template, version):
        folder = os.path.join(self.folder, f"{form}{template}{version}")
        os.mkdir(folder)
        collector = nfdump.Collector(version, folder)
        self.pause = lambda: netns.wait_for(lambda: collector.waiting()[0] == 0, "nfcapd reads")
        lines, count = self.send(form, template, HOSTS[version], nfdump.PORT)
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
        systems = {key[-1] for key in wanted}
        self.assertEqual(max(systems) > 0, template != "standard", systems)

    def test_nfcapd(self):
        for form, template in FORMS:
            for version in HOSTS:
                with self.subTest(form=form, template=template, version=version):
                    self.to_nfcapd(form, template, version)


if __name__ == "__main__":
    WEIR, CAPTURES = sys.argv[1], sys.argv[2:]
    del sys.argv[1:]
    netns.enter()
    netns.ip("link set lo up")
    unittest.main()
