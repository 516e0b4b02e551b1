# SPDX-License-Identifier: BSD-2-Clause
"""Files that cannot be written for a while: a disk that fills and is emptied, a folder that goes and
comes again, a file that is removed, cut or moved. It is told once, what is lost is counted, health
says so, and afterwards the files go on and can be read.

unwritable.py WEIR BLAST"""

import collections
import ctypes
import gzip
import json
import os
import signal
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, os.path.join(HERE, "..", "metrics"))

import ipfix_check
import metrics_lib
import netflow_check
import netns
import reloading

DISK = 64 << 20
FORMS = {"ipfix": "ipfix+file:", "json": "json+file:", "text": "text+file:", "v9": "netflow9+file:",
         "v5": "netflow5+file:", "packed": "json+file:"}  # fmt: skip
SERIES = "series"
IN_PKTS = 2
FILLED = "cannot write: No space left on device"


class UnwritableTest(reloading.Case):
    def setUp(self):
        super().setUp()
        self.disk = self.path("disk")
        os.mkdir(self.disk)

    def mount(self):
        flags = ctypes.c_ulong(0)
        if netns.LIBC.mount(b"tmpfs", self.disk.encode(), b"tmpfs", flags, b"size=%d" % DISK) != 0:
            self.skipTest("a file system of its own: " + os.strerror(ctypes.get_errno()))
        self.addCleanup(netns.LIBC.umount2, self.disk.encode(), 2)

    def file(self, name):
        return os.path.join(self.disk, name)

    def url(self, name):
        if name == SERIES:
            return f"ipfix+file:{self.file('series-%Y')}?rotate=24h"
        return FORMS[name] + self.file(name) + ("?gzip=yes" if name == "packed" else "")

    def start(self, *names):
        self.configure(*((f"exporter {name}", f"to = {self.url(name)}") for name in names))
        live = self.run_weir("--metrics", f"127.0.0.1:{metrics_lib.PORT}", "--hook", "tc")
        metrics_lib.wait_until_ready()
        return live

    def health(self, path="/healthz"):
        """The status, and who has failed."""
        status, checks = metrics_lib.health(path)
        return status, {name.removeprefix("destination ") for name, (state, _) in checks.items()
                        if name.startswith("destination ") and state == "failed"}  # fmt: skip

    def await_failed(self, names, status=503):
        netns.wait_for(lambda: self.health() == (status, set(names)) or None, f"{names} have failed")

    def await_well(self):
        """What was lost lately is told for a while longer."""
        netns.wait_for(lambda: not self.health()[1] or None, "every destination is well")

    def stats(self):
        """By destination."""
        done = subprocess.run([self.weir, "stats", "--json"], capture_output=True, text=True,
                              check=True, timeout=netns.WAIT_S)  # fmt: skip
        return {row["name"]: row for row in json.loads(done.stdout)["destinations"]}

    def await_more(self, what="flows"):
        """Every destination has written more."""
        before = self.stats()
        netns.wait_for(lambda: all(row["exported"][what] > before[name]["exported"][what]
                                   for name, row in self.stats().items()) or None, "more records")

    def fill(self):
        """Not an octet is left."""
        with open(self.file("filler"), "wb", buffering=0) as filler:
            for size in (65536, 4096, 1):
                try:
                    while True:
                        filler.write(bytes(size))
                except OSError:
                    pass

    def finish(self, live):
        """What is lost is an error of the run."""
        account = live.stop(signal.SIGINT)
        self.assertTrue(account["balanced"], account)
        rows = {row["name"]: row for row in account["destinations"]}
        metered = account["metered"]["packets"]
        for name, row in rows.items():
            lost = sum(reason["packets"] for reason in row["dropped"].values())
            self.assertEqual(row["exported"]["packets"] + lost, metered, name)
        return rows

    def traffic(self):
        """Little enough not to fill the disk."""
        blast = netns.Blast(self.blaster, interface=netns.NEAR, rate=1000, flows=20)
        self.addCleanup(blast.stop)
        return blast

    # --- what is in the files ---

    def read(self, name):
        if name == SERIES:
            names = sorted(one for one in os.listdir(self.disk) if one.startswith("series-"))
            self.assertFalse([one for one in names if one.endswith(".part")], names)
        else:
            names = [name]
        octets = []
        for one in names:
            with (gzip.open if name == "packed" else open)(self.file(one), "rb") as file:
                octets.append(file.read())
        return octets

    def packets_in(self, name, octets):
        if name in (SERIES, "ipfix"):
            result = ipfix_check.check(octets, reloading.ELEMENTS, True)
            self.assertEqual(result.problems[:3], [], name)
            return reloading.packets(result.records)
        if name in ("v9", "v5"):
            result = netflow_check.check(octets, 1500)
            self.assertEqual(result.problems[:3], [], name)
            return sum(record["packets" if name == "v5" else IN_PKTS] for record in result.records)
        lines = octets.decode().splitlines()
        self.assertTrue(not octets or octets.endswith(b"\n"), name)
        if name == "text":
            return len([line for line in lines if "UDP" in line])
        return reloading.packets([json.loads(line) for line in lines])

    def check_files(self, rows, removed=False):
        """removed: what was in them before is nowhere."""
        for name, row in rows.items():
            found = sum(self.packets_in(name, octets) for octets in self.read(name))
            written = row["exported"]["records" if name == "text" else "packets"]
            self.assertGreater(found, 0, name)
            (self.assertLess if removed else self.assertEqual)(found, written, name)

    def check_told(self, live, names, words, times=1):
        """Once, and that it is over once."""
        told = collections.Counter()
        for line in live.errors.splitlines():
            for name in names:
                if f'destination "{name}": ' in line:
                    told[name, "again" if "written again" in line else "fault"] += 1
        for name in names:
            self.assertIn(told[name, "fault"], range(times, times + 2), live.errors)
            self.assertEqual(told[name, "again"], times, live.errors)
        self.assertIn(words, live.errors)

    # --- cases ---

    def test_a_disk_that_fills_and_is_emptied(self):
        self.mount()
        names = [*FORMS, SERIES]
        live = self.start(*names)
        self.assertEqual(self.health(), (200, set()))
        traffic = self.traffic()
        self.await_more()
        self.fill()
        self.await_failed(names)
        before = self.stats()
        netns.wait_for(lambda: all(row["dropped"]["failed"]["packets"]
                                   > before[name]["dropped"]["failed"]["packets"]
                                   for name, row in self.stats().items()) or None, "what is lost")  # fmt: skip
        self.assertEqual(self.health()[1], set(names))
        os.unlink(self.file("filler"))
        self.await_well()
        self.await_more()
        traffic.stop()
        rows = self.finish(live)
        self.check_files(rows)
        self.check_told(live, names, FILLED)

    def test_a_folder_that_goes_and_comes_again(self):
        names = [*FORMS]
        live = self.start(*names)
        traffic = self.traffic()
        self.await_more()
        os.rename(self.disk, self.disk + ".gone")  # nothing is made in it while it goes
        subprocess.run(["rm", "-r", self.disk + ".gone"], check=True)
        self.await_failed(names)
        os.mkdir(self.disk)
        self.await_well()
        self.await_more()
        traffic.stop()
        self.check_files(self.finish(live), removed=True)
        self.check_told(live, names, "its file was removed")

    def test_a_series_makes_its_folder_again(self):
        """nobody finds what was in its unfinished file, and that is counted"""
        live = self.start(SERIES)
        traffic = self.traffic()
        self.await_more()
        before = self.stats()[SERIES]["exported"]["packets"]
        subprocess.run(["rm", "-r", self.disk], check=True)
        netns.wait_for(lambda: self.stats()[SERIES]["dropped"]["failed"]["packets"] >= before or None,
                       "it is counted")  # fmt: skip
        self.await_well()
        self.await_more()
        traffic.stop()
        self.check_files(self.finish(live))
        self.check_told(live, [SERIES], "its file was removed")

    def test_reload_tries_again_at_once(self):
        """a folder in the place of the file stands in the way; so does what others wrote there"""
        live = self.start("ipfix", "json")
        traffic = self.traffic()
        self.await_more()
        os.rename(self.file("ipfix"), self.file("was"))
        os.mkdir(self.file("ipfix"))
        os.unlink(self.file("was"))
        self.await_failed(["ipfix"])
        self.assertIn('destination "ipfix": cannot open it for writing: Is a directory', self.reload())
        os.rmdir(self.file("ipfix"))
        with open(self.file("ipfix"), "w", encoding="ascii") as file:
            file.write("precious")
        self.assertIn('destination "ipfix": there is something else in its place now', self.reload())
        with open(self.file("ipfix"), encoding="ascii") as file:
            self.assertEqual(file.read(), "precious")
        self.assertEqual(self.health()[1], {"ipfix"})
        os.unlink(self.file("ipfix"))
        told = self.reload()
        if "ipfix" in told:  # it may have been tried again by itself meanwhile
            self.assertIn('destination "ipfix": is written again', told)
        self.await_well()
        self.await_more()
        traffic.stop()
        rows = self.finish(live)
        self.assertEqual(rows["json"]["dropped"]["failed"]["packets"], 0)
        self.check_files({"json": rows["json"]})
        self.check_files({"ipfix": rows["ipfix"]}, removed=True)

    def test_files_that_are_moved(self):
        """they go on under their other name until a reload, and are followed by new ones then"""
        names = [*FORMS]
        live = self.start(*names)
        traffic = self.traffic()
        self.await_more()
        for name in names:
            os.rename(self.file(name), self.file(f"{name}.1"))
        self.await_more()
        told = self.reload()
        for name in names:
            self.assertIn(f'destination "{name}": its file was moved away; a new one begins', told)
        self.assertEqual(self.health(), (200, set()))
        self.await_more()
        traffic.stop()
        rows = self.finish(live)
        self.assertEqual(live.status, 0, live.errors)
        for name, row in rows.items():
            parts = []
            for path in (self.file(f"{name}.1"), self.file(name)):
                with (gzip.open if name == "packed" else open)(path, "rb") as file:
                    parts.append(self.packets_in(name, file.read()))
            self.assertGreater(min(parts), 0, name)
            self.assertEqual(sum(parts), row["exported"]["records" if name == "text" else "packets"])

    def test_files_that_are_emptied(self):
        """whenever it is, what follows begins anew, without zeros in front"""
        names = [*FORMS]
        live = self.start(*names)
        traffic = self.traffic()
        for _ in range(3):
            self.await_more()
            for name in names:
                os.truncate(self.file(name), 0)
        self.await_more()
        self.await_well()
        traffic.stop()
        self.check_files(self.finish(live), removed=True)


if __name__ == "__main__":
    netns.LIBC.umount2.argtypes = [ctypes.c_char_p, ctypes.c_int]
    reloading.main()
