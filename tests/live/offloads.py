# SPDX-License-Identifier: BSD-2-Clause
"""Where offloads merge packets, a packet of the account is a frame as the hook and the interface
see it: their counts are equal, and the octets that TCP carried are those the program sent.

iperf3 talks to itself in another namespace, at the other end of a wire that segments late.
"""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import fire_cases
import generators
import netns
from fire_cases import HOOKS, Programs, Wire, places

OCTETS = 100 << 20
COOKIE = 37  # what iperf3 says at the start of each stream
MTU = 1500
TCP = 6
SCATTERED = 8192  # of the metric validity: several CPUs had packets of this side


def value(record, reverse, name):
    name = "reverse" + name[0].upper() + name[1:] if reverse else name
    return record.get(name) or 0


class Data:
    """What TCP carried for the program: of all sides of all flows, the one that sent most; CPUs
    that each metered a part of it may have a record each."""

    def __init__(self, records):
        sides = {}
        for record in records:
            for reverse in (False, True):
                ends = (record["sourceTransportPort"], record["destinationTransportPort"])
                key = (record["protocolIdentifier"], ends[reverse], ends[not reverse])
                sides.setdefault(key, []).append((record, reverse))
        self.parts = max(sides.values(), key=lambda parts: self.sum(parts, "octetDeltaCount"))
        self.carried = self.sum(self.parts, "transportOctetDeltaCount")
        self.repeated = self.sum(self.parts, "tcpRetransmittedOctetCount")
        self.longest = max(value(*part, "maximumIpTotalLength") for part in self.parts)

    @staticmethod
    def sum(parts, name):
        return sum(value(*part, name) for part in parts if part[0]["protocolIdentifier"] == TCP)

    def is_of_one_place(self):
        return len(self.parts) == 1 and not value(*self.parts[0], "metricValidity") & SCATTERED


class OffloadTest(unittest.TestCase):
    def setUp(self):
        if generators.missing("iperf3", "nsenter"):
            self.skipTest("no iperf3 or nsenter")

    def run_at(self, place, reverse):
        """The account, the interface's counts, the flow's two sides and what iperf3 says it sent."""
        with generators.Iperf() as iperf:
            wire = Wire(place, [netns.NEAR])
            with netns.Live(Programs.weir, [netns.NEAR], *place.options, "--template", "full",
                            "--detail", "full", "--active-timeout", "0") as live:  # fmt: skip
                sent = iperf.send(OCTETS, reverse)
                counted = wire.counted()
                account = live.stop()
                self.assertEqual(live.status, 0, live.errors)
                return account, counted, Data(live.records()), sent, wire.counted()

    def check(self, place, reverse):
        account, counted, data, sent, at_end = self.run_at(place, reverse)
        self.assertEqual(counted, at_end, "no frame came after iperf3 had ended")
        seen = account["seen"]
        print(f"{place} {'from' if reverse else 'to'} the far end: {seen['packets']} frames, the "
              f"longest of {data.longest} octets, {sent.octets} octets sent", flush=True)  # fmt: skip
        self.assertTrue(account["balanced"])
        self.assertEqual((seen["packets"], seen["frameOctets"]), counted)
        self.assertEqual(account["setAside"]["notIp"]["packets"] + account["metered"]["packets"],
                         seen["packets"])  # fmt: skip
        if place.both or reverse:
            self.assert_carried(data, sent, reverse)
            (self.assertLessEqual if place.hook == "xdp" else self.assertGreater)(
                data.longest, MTU)  # fmt: skip

    def assert_carried(self, data, sent, reverse):
        """A client that ends throws away what it has said, but not sent yet; a server does not."""
        cookie = 0 if reverse else COOKIE
        least, most = (sent.octets if reverse else sent.received) + cookie, sent.octets + cookie
        self.assertTrue(least <= data.carried <= most + sent.repeats * data.longest,
                        f"{least} <= {data.carried} <= {most} and {sent.repeats} repeats")
        if data.is_of_one_place():
            self.assertTrue(least <= data.carried - data.repeated <= most)

    def test_packets_that_come_in(self):
        for place in places(*[(hook, "hash") for hook in HOOKS]):
            with self.subTest(str(place)):
                self.check(place, True)

    def test_packets_that_leave(self):
        for place in places(("both", "set"), ("xdp", "set")):
            with self.subTest(str(place)):
                self.check(place, False)


if __name__ == "__main__":
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # one CPU sees the whole of a flow
    fire_cases.start()
