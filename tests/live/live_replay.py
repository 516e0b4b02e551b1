# SPDX-License-Identifier: BSD-2-Clause
"""Live equals replay: every capture's frames through each hook give what `weir replay` gives.

Frames, octets and reasons for setting aside are the sender's, the interface's and replay's own;
packets, octets and flags of each 5-tuple are replay's; times are this host's.
"""

import os
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import capture
import flow_rows
import netns
import replay

WEIR = DATA = ""  # set from the command line
FLOWS_MIN = 0  # likewise: what shows that the captures are there
FRAME_MIN, FRAME_MAX = 14, 1514
ETHERNET = 14
# Replayed as fast as they are sent: time-outs that depend on either pace stay out of it.
OPTIONS = [*replay.NEVER, *replay.ROOM, "--template", replay.TEMPLATE, "--detail", "full"]


def all_frames():
    frames = []
    for path in replay.captures(DATA):
        frames += [packet.data for packet in capture.readable(path)[0]
                   if packet.link == capture.LINK_ETHERNET
                   and FRAME_MIN <= len(packet.data) <= FRAME_MAX]  # fmt: skip
    return frames


def totals(records):
    """Packets, octets and flags by VLAN and 5-tuple."""
    found = {}
    for record in records:
        row = flow_rows.of_json(record)
        packets, octets, flags = found.get(row.key(), (0, 0, 0))
        found[row.key()] = (packets + row.packets, octets + row.octets, flags | row.flags)
    return found


def facts(account):
    """What of an account does not depend on the pace."""
    aside = {reason: (said["packets"], said["frameOctets"])
             for reason, said in account["setAside"].items() if said["packets"]}  # fmt: skip
    return {"seen": account["seen"], "metered": account["metered"], "setAside": aside,
            "packets": account["exported"]["packets"], "octets": account["exported"]["octets"]}  # fmt: skip


class LiveReplayTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.frames = all_frames()
        with tempfile.TemporaryDirectory(prefix="weir-") as folder:
            path = os.path.join(folder, "all.pcap")
            capture.write(path, [capture.Packet(10**18 + i * 10**4, capture.LINK_ETHERNET, frame)
                                 for i, frame in enumerate(cls.frames)])  # fmt: skip
            run = replay.replay(WEIR, path, OPTIONS)
        assert run.status == 0, run.errors
        cls.facts = facts(run.account)
        cls.totals = totals(run.records())
        assert len(cls.totals) > FLOWS_MIN, len(cls.totals)

    def setUp(self):
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")

    def check(self, hook, *options, send=None):
        """Returns the counters of the far end when all frames have passed."""
        start = time.time_ns()
        with netns.Live(WEIR, [netns.FAR], *options, *OPTIONS) as live:
            self.assertEqual(live.hooks, {netns.FAR: hook}, live.errors)
            (send or netns.send)(self.frames)
            counters = netns.Counters(netns.FAR)
            account = live.stop()
            self.assertEqual(live.status, 0, live.errors)
            records = live.records()
        self.assertTrue(account["balanced"])
        self.assertEqual(account["seen"]["packets"], len(self.frames))
        self.assertEqual(account["seen"]["frameOctets"], sum(map(len, self.frames)))
        self.assertEqual(facts(account), self.facts)
        self.assert_same_totals(totals(records))
        self.assert_times(records, start, time.time_ns())
        return counters

    def assert_same_totals(self, live):
        wrong = [f"{key}: live {live.get(key)}, replay {self.totals.get(key)}"
                 for key in sorted(live.keys() | self.totals.keys(), key=str)
                 if live.get(key) != self.totals.get(key)]  # fmt: skip
        self.assertEqual(wrong[:10], [], f"{len(wrong)} flows differ")

    def assert_times(self, records, start, end):
        for record in records:
            row = flow_rows.of_json(record)
            self.assertTrue(start <= row.first <= row.last <= end, record)

    def assert_received(self, counters, counted_header=ETHERNET):
        octets = sum(map(len, self.frames)) - (ETHERNET - counted_header) * len(self.frames)
        self.assertEqual((counters.rx_frames, counters.rx_octets), (len(self.frames), octets))

    def test_xdp_in_the_driver(self):
        counters = self.check("XDP in the driver", "--hook", "xdp")
        self.assert_received(counters, 0)  # veth counts what is left behind the Ethernet header

    def test_generic_xdp(self):
        self.assert_received(self.check("generic XDP", "--hook", "xdp-generic"))

    def test_tc(self):
        self.assertIn(hook := self.tc(), ("tc (TCX)", "tc (clsact)"))
        self.assert_received(self.check(hook, "--hook", "tc"))

    def test_tc_in_both_directions(self):
        counters = self.check(self.tc(), "--hook", "tc", "--direction", "both", send=self.by_turns)
        self.assertEqual(counters.rx_frames + counters.tx_frames, len(self.frames))
        self.assertEqual(counters.rx_octets + counters.tx_octets, sum(map(len, self.frames)))
        self.assertGreater(min(counters.rx_frames, counters.tx_frames), len(self.frames) / 3)

    def tc(self):
        """What weir calls it on this kernel."""
        with netns.Live(WEIR, [netns.NEAR], "--hook", "tc", "--max-flows", "1") as live:
            return live.hooks[netns.NEAR]

    @staticmethod
    def by_turns(frames):
        for number, volley in enumerate(netns.volleys(frames)):
            ends = (netns.NEAR, netns.FAR)
            netns.send(volley, ends[number % 2], ends[1 - number % 2])


if __name__ == "__main__":
    WEIR, DATA, FLOWS_MIN = sys.argv.pop(1), sys.argv.pop(1), int(sys.argv.pop(1))
    netns.enter()
    unittest.main()
