# SPDX-License-Identifier: BSD-2-Clause
"""`weir run` over fragments in any order, at every hook: the flows of `weir replay`, an account that
balances, and what is held goes on being held where one process leaves and another one goes on."""

import contextlib
import os
import signal
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import capture
import flow_rows
import fragment_captures
import netns
import replay

WEIR = ""  # set from the command line
HOOKS = ("af_packet", "xdp", "xdp-generic", "tc")
KERNEL = HOOKS[1:]
OPTIONS = ["--idle-timeout", "1h", "--active-timeout", "0", "--template", replay.TEMPLATE,
           "--uniflow"]  # fmt: skip
CAPTURES = ("any_order_ipv4", "any_order_ipv6", "any_order_in_vxlan", "orphans", "carriers",
            "fragments_in_carriers")  # fmt: skip
PINNED = "/sys/fs/bpf/weir"


@contextlib.contextmanager
def on_cpu(number):
    """What is sent here meets the meter on that CPU."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(before)[number]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def send(packets, cpu=0):
    with on_cpu(cpu):
        netns.send([packet.data for packet in packets])


def sums(records):
    """Packets and octets by key, over all records."""
    found = {}
    for row in map(flow_rows.of_json, records):
        packets, octets = found.get(row.key(), (0, 0))
        found[row.key()] = (packets + row.packets, octets + row.octets)
    return found


def replayed(packets):
    with tempfile.TemporaryDirectory(prefix="weir-") as folder:
        path = os.path.join(folder, "sent.pcap")
        capture.write(path, packets)
        run = replay.replay(WEIR, path, OPTIONS)
    return sums(run.records()), run.account["table"]["orphanFragments"]


class FragmentsTest(unittest.TestCase):
    def setUp(self):
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")

    def metering(self, *options):
        live = netns.Live(WEIR, [netns.FAR], *OPTIONS, *options)
        self.addCleanup(live.close)
        self.assertTrue(live.metering, live.errors)
        return live

    def stop(self, live, seen, number=signal.SIGINT):
        account = live.stop(number)
        self.assertEqual(live.status, 0, live.errors)
        self.assertTrue(account["balanced"], account)
        self.assertEqual(account["metered"]["packets"], seen, account)
        return account

    def test_any_order(self):
        packets = [packet for name in CAPTURES for packet in fragment_captures.made(name)]
        expected, orphans = replayed(packets)
        self.assertGreater(orphans, 0)
        for hook in HOOKS:
            with self.subTest(hook=hook):
                live = self.metering("--hook", hook)
                send(packets)
                account = self.stop(live, len(packets))
                self.assertEqual(sums(live.records()), expected)
                self.assertEqual(account["table"]["orphanFragments"], orphans)
                self.assertEqual(account["exported"]["packets"], len(packets))

    def test_held_over_a_restart(self):
        """The account of the process that leaves has what is held in its cache."""
        packets = fragment_captures.orders(4)
        first = [packet for packet in packets if not fragment_captures.is_later(packet)]
        later = [packet for packet in packets if fragment_captures.is_later(packet)]
        for hook in ("xdp", "tc"):
            with self.subTest(hook=hook):
                options = ["--instance", "pieces", "--hook", hook]
                live = self.metering(*options)
                send(later)
                account = self.stop(live, len(later), signal.SIGTERM)
                self.assertEqual(account["inCache"]["packets"], len(later))
                live = self.metering(*options)
                send(first)
                account = self.stop(live, len(packets))
                self.assertEqual(sums(live.records()), replayed(packets)[0])
                self.assertEqual(account["table"]["orphanFragments"], 0)
                self.assertFalse(os.path.exists(f"{PINNED}/pieces"))

    @unittest.skipIf(len(os.sched_getaffinity(0)) < 2, "one CPU")
    def test_other_cpu(self):
        """In the kernel those that met another CPU before are orphans; after it they are not."""
        packets = fragment_captures.orders(4)
        first = [packet for packet in packets if not fragment_captures.is_later(packet)]
        later = [packet for packet in packets if fragment_captures.is_later(packet)]
        for hook in KERNEL:
            for one, other, orphans in ((later, first, len(later)), (first, later, 0)):
                with self.subTest(hook=hook, orphans=orphans):
                    live = self.metering("--hook", hook)
                    send(one, 0)
                    send(other, 1)
                    account = self.stop(live, len(packets))
                    self.assertEqual(account["exported"]["packets"], len(packets))
                    self.assertEqual(account["table"]["orphanFragments"], orphans)


if __name__ == "__main__":
    WEIR = sys.argv.pop(1)
    netns.enter()
    unittest.main()
