# SPDX-License-Identifier: BSD-2-Clause
"""Parts of one flow that met different CPUs leave `weir run` as one record."""

import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import netns

WEIR = BLAST = ""  # set from the command line
HOOKS = (["--hook", "xdp"], ["--hook", "xdp-generic"], ["--hook", "tc"])
FLOWS = 1000
IDLE_S = 5  # longer than one of the senders may be behind the other
TRIES = 20
TEMPLATE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "halves.tpl")
JOINED, PART = 2048, 4096  # of metricValidity


def blasts(*senders):
    return [netns.Blast(BLAST, interface=netns.NEAR, flows=FLOWS, rate=50000, **sender)
            for sender in senders]  # fmt: skip


@unittest.skipIf(os.cpu_count() < 2, "one CPU")
class HalvesTest(unittest.TestCase):
    def setUp(self):
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")

    def records(self, senders, *options):
        """Of a run in which they send; each flow must have all its packets."""
        with netns.Live(WEIR, [netns.FAR], "--template", TEMPLATE, "--idle-timeout", "1d",
                        *options) as live:  # fmt: skip
            sent = self.send(senders)
            account = live.stop()
            self.assertEqual(live.status, 0, live.errors)
            records = live.records()
        self.assertTrue(account["balanced"])
        self.assertEqual(account["metered"]["packets"], sent)
        self.assertEqual(account["exported"]["packets"], sent)
        self.assertEqual(account["exported"]["octets"], account["metered"]["octets"])
        return records

    def send(self, senders):
        """How many frames came."""
        before = netns.Counters(netns.FAR).rx_frames
        sent = sum(blast.finish()["frames"] for blast in blasts(*senders))
        netns.wait_for(lambda: netns.Counters(netns.FAR).rx_frames >= before + sent, "every frame")
        return sent

    def assert_flows(self, records, forward, backward):
        clients = {(record[f"{end}IPv4Address"], record[f"{end}TransportPort"])
                   for record in records for end in ("source", "destination")
                   if record[f"{end}IPv4Address"].startswith("10.")}  # fmt: skip
        self.assertEqual(len(records), FLOWS)
        self.assertEqual(len(clients), FLOWS)
        for record in records:
            counts = [record["packetDeltaCount"], record["reversePacketDeltaCount"]]
            if not record["sourceIPv4Address"].startswith("10."):
                counts.reverse()
            self.assertEqual(counts, [forward, backward])
            self.assertFalse(record["metricValidity"] & PART)
        self.assertTrue(any(record["metricValidity"] & JOINED for record in records))

    def test_directions_meet_different_cpus(self):
        for hook in HOOKS:
            for detail in ("basic", "full"):
                records = self.records(
                    [{"cpu": 0, "frames": 5 * FLOWS}, {"cpu": 1, "frames": 3 * FLOWS, "back": 1}],
                    *hook, "--detail", detail)  # fmt: skip
                self.assert_flows(records, 5, 3)

    def test_both_cpus_meet_both_directions(self):
        senders = [{"cpu": cpu, "frames": 4 * FLOWS, "back": back}
                   for cpu in (0, 1) for back in (0, 1)]  # fmt: skip
        for hook in HOOKS:
            self.assert_flows(self.records(senders, *hook), 8, 8)

    def test_parts_that_time_out_are_joined(self):
        senders = [{"cpu": 0, "frames": 5 * FLOWS}, {"cpu": 1, "frames": 3 * FLOWS, "back": 1}]
        # Where the machine had other work meanwhile, a sender may be too far behind the other.
        for _ in range(TRIES):
            with netns.Live(WEIR, [netns.FAR], "--template", TEMPLATE, "--idle-timeout",
                            f"{IDLE_S}s") as live:  # fmt: skip
                began = time.monotonic()
                self.send(senders)
                together = time.monotonic() - began < IDLE_S
                netns.wait_for(lambda: len(live.records()) >= FLOWS, "every flow is told")
                live.stop()
                records = live.records()
            if together:
                break
        self.assertTrue(together)
        self.assert_flows(records, 5, 3)
        self.assertEqual({record["flowEndReason"] for record in records}, {1})


if __name__ == "__main__":
    WEIR, BLAST = sys.argv.pop(1), sys.argv.pop(1)
    netns.enter()
    unittest.main()
