# SPDX-License-Identifier: BSD-2-Clause
"""`weir run` tells statistics and the names of its interfaces at once, now and then, and at the end:
each time what is true then, at the end what the account says."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import ipfix_check
import netns
from udp_frame import udp

WEIR = ""  # set from the command line
PACKETS = 30
OTHERS = 12  # that are not IP
REPORTS = 3


def other_frame():
    return bytes(12) + b"\x88\xb5" + bytes(46)  # an Ethertype for experiments


class ReportsTest(unittest.TestCase):
    def setUp(self):
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")
        self.index = netns.shown(netns.FAR)["ifindex"]
        self.path = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"weir-{os.getpid()}.ipfix")
        self.addCleanup(lambda: os.path.exists(self.path) and os.unlink(self.path))

    def so_far(self):
        """The file, up to where a message that is being written begins."""
        with open(self.path, "rb") as file:
            octets = ipfix_check.whole(file.read())
        if not octets:
            return None
        result = ipfix_check.check(octets)
        self.assertEqual(result.problems, [])
        return result

    def told(self, name):
        so_far = self.so_far()
        return [record[name] for record in so_far.options if name in record] if so_far else []

    def reports(self):
        """How many there were since every packet was in a record; the flow has several of them
        where the frames came slowly."""
        so_far = self.so_far()
        packets = [record["packetDeltaCount"] for record in so_far.records] if so_far else []
        if sum(packets) < PACKETS:
            return 0
        return min(self.told("exportedFlowRecordTotalCount").count(len(packets)),
                   self.told("ignoredPacketTotalCount").count(OTHERS))

    def run_weir(self, *options, reports):
        """The account of a run that goes on until there were so many reports, all of them after
        the packets were."""
        with netns.Live(WEIR, [netns.FAR], "--idle-timeout", "50ms", *options,
                        to=f"ipfix+file:{self.path}") as live:
            self.assertTrue(live.metering, live.errors)
            netns.send([udp(1)] * PACKETS)
            netns.send([other_frame()] * OTHERS)
            if reports:
                netns.wait_for(lambda: self.reports() >= reports, "reports of everything")
            account = live.stop()
            self.assertEqual(live.status, 0, live.errors)
            self.assertTrue(account["balanced"])
            return account

    def check_end(self, account):
        aside = account["setAside"].values()
        self.assertEqual(self.told("exportedFlowRecordTotalCount")[-1],
                         account["exported"]["records"])
        self.assertEqual(self.told("ignoredPacketTotalCount")[-1],
                         sum(reason["packets"] for reason in aside))
        self.assertEqual(self.told("ignoredOctetTotalCount")[-1],
                         sum(reason["octets"] for reason in aside))
        self.assertEqual(self.told("notSentFlowTotalCount")[-1], 0)

    def test_now_and_then(self):
        """statistics come as often as the user says [40]"""
        for hook in ("tc", "af_packet"):
            with self.subTest(hook=hook):
                account = self.run_weir("--hook", hook, "--statistics", "100ms", reports=REPORTS)
                self.check_end(account)
                for name in ("exportedFlowRecordTotalCount", "exportedMessageTotalCount",
                             "exportedOctetTotalCount", "ignoredPacketTotalCount"):
                    told = self.told(name)
                    self.assertEqual(told, sorted(told), name)
                    self.assertGreater(len(told), REPORTS)
                self.assertEqual(len(set(self.told("systemInitTimeMilliseconds"))), 1)
                named = [record for record in self.so_far().options if "interfaceName" in record]
                self.assertEqual(len(named), len(self.told("ignoredPacketTotalCount")))
                for record in named:
                    self.assertEqual((record["ingressInterface"], record["interfaceName"]),
                                     (self.index, netns.FAR))

    def test_only_at_the_end(self):
        for hook in ("tc", "af_packet"):
            with self.subTest(hook=hook):
                self.check_end(self.run_weir("--hook", hook, "--statistics", "0", reports=0))
                self.assertEqual(len(self.told("ignoredPacketTotalCount")), 1)


if __name__ == "__main__":
    WEIR = sys.argv.pop(1)
    netns.enter()
    unittest.main(verbosity=2)
