# SPDX-License-Identifier: BSD-2-Clause
"""Geolocation in `weir run` while its databases change: a new one is taken without a pause, a damaged
one changes nothing, and every packet is accounted for.

geo.py WEIR"""

import ctypes
import os
import shutil
import signal
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

import netns
from udp_frame import udp

WEIR = ""  # set from the command line
DATA = os.path.join(HERE, "..", "data", "geoip")
CITY, ASN = "GeoIP2-City-Test", "GeoLite2-ASN-Test"
DAMAGED = "damaged/GeoIP2-City-Test-Broken-Double-Format"
LONDON, TELSTRA = "81.2.69.160", "1.128.0.0"
READ = "geolocation: read anew"
KEPT = "what was read before is used on"
STANDARD = "/var/lib/weir/world.mmdb"
NONE = "no geolocation database"
AGAIN = "reload: geo: the databases are read again"
OTHER = "geo: other databases are there for auto"


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
        netns.send([udp(source, 1024 + (self.sent + number) % 60000)
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
            self.until(lambda: self.says(live, LONDON, "sourceCity", None), "no city any more")
            self.put(DAMAGED)
            self.until(lambda: KEPT in self.told(live), "the damaged one is refused")
            self.until(lambda: self.says(live, TELSTRA, "bgpSourceAsNumber", 1221), "the old answer")
            self.assertEqual(self.told(live).count(KEPT), 1)
            self.write_over(live)
            self.hang_up(live)
            os.set_blocking(live.process.stderr.fileno(), True)
            account = live.stop()
            self.assertEqual(live.status, 0, live.errors)
            self.assertTrue(account["balanced"])
            self.assertEqual(account["metered"]["packets"], self.sent)
            self.assertGreaterEqual(account["geo"]["reloads"], 2)
            self.assertGreaterEqual(account["geo"]["reloadFailures"], 2)

    def write_over(self, live):
        """Into the file that is in use, as cp does: first a part of it."""
        before = self.told(live).count(KEPT), self.told(live).count(READ)
        with open(os.path.join(DATA, CITY + ".mmdb"), "rb") as file:
            octets = file.read()
        with open(self.path, "wb") as file:
            file.write(octets[: len(octets) // 2])
            file.flush()
            self.until(lambda: self.told(live).count(KEPT) > before[0], "a part is refused")
            self.until(lambda: self.says(live, TELSTRA, "bgpSourceAsNumber", 1221), "the answer")
            file.write(octets[len(octets) // 2 :])
        self.until(lambda: self.told(live).count(READ) > before[1], "the whole is read")
        self.until(lambda: self.says(live, LONDON, "sourceCity", "London"), "London")

    def hang_up(self, live):
        """Told to, weir reads the same files again."""
        before = self.told(live).count(READ)
        self.put(CITY)
        live.process.send_signal(signal.SIGHUP)
        self.until(lambda: self.told(live).count(READ) > before, "it is read when told to")
        self.until(lambda: AGAIN in self.told(live), "it does not say that nothing has changed")
        self.until(lambda: self.says(live, LONDON, "sourceCity", "London"), "London again")

    def tell_to_reload(self, live, answer):
        before = self.told(live).count(answer)
        live.process.send_signal(signal.SIGHUP)
        self.until(lambda: self.told(live).count(answer) > before, answer)

    def test_a_database_built_meanwhile(self):
        """Where none was when the run began, a reload finds it; a damaged one changes nothing."""
        self.path = STANDARD
        with netns.Live(WEIR, [netns.FAR], "--template", "geo", "--idle-timeout", "20ms",
                        "--hook", "tc") as live:  # fmt: skip
            self.assertTrue(live.metering, live.errors)
            self.until(lambda: NONE in self.told(live), "there is none")
            self.put(DAMAGED)
            self.tell_to_reload(live, STANDARD + ": damaged")
            self.put(CITY)
            self.tell_to_reload(live, OTHER)
            self.until(lambda: self.says(live, LONDON, "sourceCity", "London"), "London")
            os.unlink(STANDARD)
            self.tell_to_reload(live, KEPT)
            records = len(live.records())
            self.until(lambda: len(live.records()) > records + 2, "more records")
            self.assertTrue(self.says(live, LONDON, "sourceCity", "London"))
            os.set_blocking(live.process.stderr.fileno(), True)
            account = live.stop()
            self.assertEqual(live.status, 0, live.errors)
            self.assertEqual(account["metered"]["packets"], self.sent)
            self.assertEqual(account["geo"]["lookups"], 2 * account["exported"]["records"])

    def test_in_the_kernel(self):
        self.check("--hook", "tc")

    def test_af_packet(self):
        self.check("--hook", "af_packet")


def own_standard_path():
    """What lies there on this machine is none of the tests' business."""
    if netns.LIBC.mount(b"tmpfs", b"/var/lib", b"tmpfs", ctypes.c_ulong(0), b"mode=755") != 0:
        print("skipped: a file system:", os.strerror(ctypes.get_errno()))
        sys.exit(77)
    os.mkdir(os.path.dirname(STANDARD))
    os.environ.pop("WEIR_WORLD", None)


if __name__ == "__main__":
    WEIR = sys.argv.pop(1)
    netns.enter()
    own_standard_path()
    unittest.main(verbosity=2)
