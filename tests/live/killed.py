# SPDX-License-Identifier: BSD-2-Clause
"""`weir run` killed in the middle of traffic, beyond any cleaning up: the interface works on as
before, promiscuous only where it was."""

import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import netns

WEIR = BLAST = ""  # set from the command line
HOOKS = (["--hook", "xdp"], ["--hook", "xdp-generic"], ["--hook", "tc"],
         ["--hook", "tc", "--direction", "both"])  # fmt: skip
FRAMES = [bytes(12) + b"\x08\x00" + bytes(46)] * 300


class KilledTest(unittest.TestCase):
    def setUp(self):
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")

    def kill(self, hook):
        blasts = [netns.Blast(BLAST, interface=netns.NEAR, cpu=cpu, base=cpu, flows=2000,
                              rate=100000) for cpu in (0, 1)]  # fmt: skip
        with netns.Live(WEIR, [netns.FAR], *hook, to="ipfix+file:/dev/null") as live:
            promiscuous = netns.shown(netns.FAR)["promiscuity"]
            start = netns.Counters(netns.FAR).rx_frames
            netns.wait_for(lambda: netns.Counters(netns.FAR).rx_frames > start + 20000, "traffic")
            live.process.send_signal(signal.SIGKILL)
            live.process.wait()
        # Still every frame that is sent arrives, while traffic goes on and after.
        netns.wait_for(lambda: netns.Counters(netns.FAR).rx_frames > start + 40000, "more of it")
        for blast in blasts:
            blast.stop()
        netns.send(FRAMES)
        netns.send(FRAMES, netns.FAR, netns.NEAR)
        shown = netns.shown(netns.FAR)
        self.assertEqual(shown["operstate"], "UP")
        netns.wait_for(lambda: netns.Counters(netns.FAR).rx_frames
                       == netns.Counters(netns.NEAR).tx_frames, "all of it")  # fmt: skip
        return promiscuous, shown["promiscuity"]

    def test_the_interface_is_as_before(self):
        for hook in HOOKS:
            with self.subTest(hook):
                self.assertEqual(self.kill(hook), (1, 0))

    def test_what_was_promiscuous_stays_so(self):
        netns.ip(f"link set {netns.FAR} promisc on")
        for hook in HOOKS[1:3]:
            with self.subTest(hook):
                self.assertEqual(self.kill(hook), (2, 1))


if __name__ == "__main__":
    WEIR, BLAST = sys.argv.pop(1), sys.argv.pop(1)
    netns.enter()
    unittest.main()
