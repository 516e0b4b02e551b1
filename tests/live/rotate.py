# SPDX-License-Identifier: BSD-2-Clause
"""Files of `weir run` that are rotated by the wall clock: a file is finished when its time is over,
whether or not another packet comes, and the files together hold every flow."""

import collections
import json
import os
import signal
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import netns
from udp_frame import udp

WEIR = ""  # set from the command line


class RotateTest(unittest.TestCase):
    def setUp(self):
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")
        folder = tempfile.TemporaryDirectory(prefix="weir-")
        self.addCleanup(folder.cleanup)
        self.folder = os.path.join(folder.name, "flows")

    def finished(self):
        names = os.listdir(self.folder) if os.path.isdir(self.folder) else []
        return sorted(name for name in names if not name.endswith(".part"))

    def start(self, *options):
        # What a killed run leaves is for the next one of its name.
        name = self.id().rpartition("_")[2]
        live = netns.Live(WEIR, [netns.FAR], "--instance", name, *options,
                          "--idle-timeout", "200ms",
                          to=f"json+file:{self.folder}/%s.json?rotate=1s")
        self.addCleanup(live.close)
        self.assertTrue(live.metering, live.errors)
        return live

    def text(self):
        """Of all finished files."""
        texts = []
        for name in self.finished():
            with open(os.path.join(self.folder, name), encoding="utf-8") as file:
                texts.append(file.read())
            self.assertTrue(texts[-1].endswith("\n"), name)
        return "".join(texts)

    def packets(self):
        """By source: where frames came slowly, a source has several records."""
        sums = collections.Counter()
        for line in self.text().splitlines():
            record = json.loads(line)
            sums[record["sourceIPv4Address"]] += record["packetDeltaCount"]
        return sums

    def check(self, *options):
        live = self.start(*options)
        for source in (1, 2, 3):
            before = len(self.finished())
            netns.send([udp(source)] * source)
            netns.wait_for(lambda before=before: len(self.finished()) > before, "a whole file")
        netns.send([udp(4)])
        account = live.stop()
        self.assertEqual(live.status, 0, live.errors)
        self.assertTrue(account["balanced"])
        self.assertEqual(self.packets(), {"10.0.0.1": 1, "10.0.0.2": 2, "10.0.0.3": 3, "10.0.0.4": 1})
        self.assertEqual(account["exported"]["flows"], self.text().count("\n"))
        self.assertEqual(len(self.finished()), len(os.listdir(self.folder)))

    def test_from_the_kernel(self):
        self.check()

    def test_from_packet_sockets(self):
        self.check("--hook", "af_packet")

    def test_a_run_that_is_killed(self):
        live = self.start()
        netns.send([udp(1)])
        netns.wait_for(self.finished, "a whole file")
        before = set(self.finished())
        netns.send([udp(2)])
        netns.wait_for(lambda: set(os.listdir(self.folder)) != before, "the next file")
        live.process.send_signal(signal.SIGKILL)
        live.process.wait()
        self.assertLessEqual(sum(name.endswith(".part") for name in os.listdir(self.folder)), 1)
        self.assertIn("10.0.0.1", self.packets())


if __name__ == "__main__":
    WEIR = sys.argv.pop(1)
    netns.enter()
    unittest.main()
