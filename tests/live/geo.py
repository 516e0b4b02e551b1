# SPDX-License-Identifier: BSD-2-Clause
"""Geolocation in `weir run` while its databases change: a new one is taken without a pause, a damaged
one changes nothing, and every packet is accounted for.

geo.py WEIR"""

import ipaddress
import os
import shutil
import signal
import struct
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

import netns

WEIR = ""  # set from the command line
DATA = os.path.join(HERE, "..", "data", "geoip")
CITY, ASN = "GeoIP2-City-Test", "GeoLite2-ASN-Test"
DAMAGED = "damaged/GeoIP2-City-Test-Broken-Double-Format"
LONDON, TELSTRA = "81.2.69.160", "1.128.0.0"
READ = "geolocation: read anew"
KEPT = "what was read before is used on"


def frame(source, port):
    udp = struct.pack(">HHHH", port, 9, 8 + 4, 0) + b"weir"
    header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
                         ipaddress.ip_address(source).packed, bytes((10, 9, 9, 9)))  # fmt: skip
    return bytes(12) + b"\x08\x00" + header + udp


class GeoTest(unittest.TestCase):
    def setUp(self):
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")
        folder = tempfile.TemporaryDirectory(prefix="weir-")
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "db.mmdb")
        self.sent = 0

    def put(self, name):
        """By rename, as who updates databases does."""
        shutil.copy(os.path.join(DATA, name + ".mmdb"), self.path + ".new")
        os.replace(self.path + ".new", self.path)

    def traffic(self):
        netns.send([frame(source, 1024 + (self.sent + number) % 60000)
                    for number, source in enumerate((LONDON, TELSTRA))])  # fmt: skip
        self.sent += 2

    def told(self, live):
        """Its lines so far."""
        os.set_blocking(live.process.stderr.fileno(), False)
        while more := live.process.stderr.read():
            live.errors += more.decode()
        return live.errors

    def until(self, condition, what):
        def turn():
            self.traffic()
            return condition()

        return netns.wait_for(turn, what)

    def says(self, live, source, column, value):
        """The newest record of this source."""
        records = [record for record in live.records() if record["sourceIPv4Address"] == source]
        return bool(records) and records[-1].get(column) == value

    def check(self, *options):
        self.put(CITY)
        with netns.Live(WEIR, [netns.FAR], "--template", "geo", "--geo", self.path,
                        "--idle-timeout", "20ms", *options) as live:  # fmt: skip
            self.assertTrue(live.metering, live.errors)
            self.until(lambda: self.says(live, LONDON, "sourceCity", "London"), "London")
            self.put(ASN)
            self.until(lambda: READ in self.told(live), "the other database is read")
            self.until(lambda: self.says(live, TELSTRA, "bgpSourceAsNumber", 1221), "its answer")
            self.assertTrue(self.says(live, LONDON, "sourceCity", None))
            self.put(DAMAGED)
            self.until(lambda: KEPT in self.told(live), "the damaged one is refused")
            self.until(lambda: self.says(live, TELSTRA, "bgpSourceAsNumber", 1221), "the old answer")
            self.assertEqual(self.told(live).count(KEPT), 1)
            self.hang_up(live)
            os.set_blocking(live.process.stderr.fileno(), True)
            account = live.stop()
            self.assertEqual(live.status, 0, live.errors)
            self.assertTrue(account["balanced"])
            self.assertEqual(account["metered"]["packets"], self.sent)
            self.assertGreaterEqual(account["geo"]["reloads"], 2)
            self.assertEqual(account["geo"]["reloadFailures"], 1)

    def hang_up(self, live):
        """Told to, weir reads the same files again."""
        before = self.told(live).count(READ)
        self.put(CITY)
        live.process.send_signal(signal.SIGHUP)
        self.until(lambda: self.told(live).count(READ) > before, "it is read when told to")
        self.until(lambda: self.says(live, LONDON, "sourceCity", "London"), "London again")

    def test_in_the_kernel(self):
        self.check("--hook", "tc")

    def test_af_packet(self):
        self.check("--hook", "af_packet")


if __name__ == "__main__":
    WEIR = sys.argv.pop(1)
    netns.enter()
    unittest.main(verbosity=2)
