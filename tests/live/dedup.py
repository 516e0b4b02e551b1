# SPDX-License-Identifier: BSD-2-Clause
"""`weir run --dedup`: two interfaces that see the same packets; and where it does not work."""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import netns

WEIR = ""  # set from the command line
FRAMES = 500


def frame(number):
    udp = (1000 + number % 7).to_bytes(2, "big") + b"\x07\xd0\x00\x0c\x00\x00" + number.to_bytes(4, "big")
    ip = b"\x45\0\0\x20" + number.to_bytes(2, "big") + b"\0\0\x40\x11\0\0\x0a\0\0\1\x0a\0\0\2"
    return bytes(12) + b"\x08\0" + ip + udp + bytes(14)


class DedupTest(unittest.TestCase):
    def lay(self, *ends):
        netns.lay(*ends)
        self.addCleanup(netns.ip, f"link del {ends[0]}")

    def test_two_interfaces(self):
        """A window of a minute, since a loaded machine may take its time between the two."""
        self.lay("near", "far")
        self.lay("near2", "far2")
        frames = [frame(number) for number in range(FRAMES)]
        for options, copies in ((["--dedup", "--dedup-window", "60s"], FRAMES), ([], 0)):
            live = netns.Live(WEIR, ["far", "far2"], "--hook", "af_packet", *options)
            self.addCleanup(live.close)
            self.assertTrue(live.metering, live.errors)
            netns.send(frames, "near", "far")
            netns.send(frames, "near2", "far2")
            account = live.stop()
            self.assertEqual(live.status, 0, live.errors)
            self.assertTrue(account["balanced"], account)
            self.assertEqual(account["seen"]["packets"], 2 * FRAMES)
            self.assertEqual(account["setAside"]["duplicate"]["packets"], copies)
            self.assertEqual(account["setAside"]["duplicate"]["frameOctets"], copies * len(frames[0]))
            self.assertEqual(account["metered"]["packets"], 2 * FRAMES - copies)

    def test_refused_in_the_kernel(self):
        self.lay("near", "far")
        for hook in ("auto", "xdp", "tc"):
            done = subprocess.run([WEIR, "run", "far", "--dedup", "--hook", hook], capture_output=True,
                                  text=True, timeout=netns.WAIT_S, check=False)  # fmt: skip
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("--hook af_packet", done.stderr)


if __name__ == "__main__":
    WEIR = sys.argv.pop(1)
    netns.enter()
    unittest.main()
