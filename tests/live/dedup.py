# SPDX-License-Identifier: BSD-2-Clause
"""`weir run --dedup` at every hook: interfaces that see the same packets, one after the other, both
ways, at the same time on two CPUs, behind a router or in another VLAN; one that sees them twice; a
window that is over; and a process that goes on where another one left."""

import os
import signal
import socket
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import netns

WEIR = ""  # set from the command line
FRAMES = 500
# A loaded machine may take its time between the copies.
DEDUP = ["--dedup", "--dedup-window", "60s"]
HOOKS = ("af_packet", "xdp", "xdp-generic", "tc")
PINNED = "/sys/fs/bpf/weir"


def frame(number, ttl=64, tag=b""):
    udp = (1000 + number % 7).to_bytes(2, "big") + b"\x07\xd0\x00\x0c\x00\x00" + number.to_bytes(4, "big")
    ip = b"\x45\0\0\x20" + number.to_bytes(2, "big") + b"\0\0" + bytes([ttl]) + b"\x11\0\0\x0a\0\0\1\x0a\0\0\2"
    return bytes(12) + tag + b"\x08\0" + ip + udp + bytes(14)


def frames(first=0, **how):
    return [frame(number, **how) for number in range(first, first + FRAMES)]


class DedupTest(unittest.TestCase):
    def setUp(self):
        for ends in (("near", "far"), ("near2", "far2")):
            netns.lay(*ends)
            self.addCleanup(netns.ip, f"link del {ends[0]}")

    def metering(self, interfaces, *options):
        live = netns.Live(WEIR, interfaces, *options)
        self.addCleanup(live.close)
        self.assertTrue(live.metering, live.errors)
        return live

    def expect(self, live, seen, pairs, number=signal.SIGINT):
        """pairs: {(first, again): copies}"""
        copies = sum(pairs.values())
        account = live.stop(number)
        self.assertEqual(live.status, 0, live.errors)
        self.assertTrue(account["balanced"], account)
        self.assertEqual(account["seen"]["packets"], seen, account)
        self.assertEqual(account["setAside"]["duplicate"]["packets"], copies, account)
        self.assertEqual(account["metered"]["packets"], seen - copies)
        told = {(row["first"], row["again"]): row["packets"] for row in account["duplicates"]}
        self.assertEqual(told, pairs)
        self.assertEqual(sum(row["frameOctets"] for row in account["duplicates"]),
                         account["setAside"]["duplicate"]["frameOctets"])  # fmt: skip
        return account

    def test_two_interfaces(self):
        for hook in HOOKS:
            with self.subTest(hook=hook):
                live = self.metering(["far", "far2"], "--hook", hook, *DEDUP)
                netns.send(frames(), "near", "far")
                netns.send(frames(), "near2", "far2")
                account = self.expect(live, 2 * FRAMES, {("far", "far2"): FRAMES})
                octets = account["setAside"]["duplicate"]["frameOctets"]
                self.assertEqual(octets, FRAMES * len(frame(0)))

    def test_not_asked_for(self):
        for hook in HOOKS:
            with self.subTest(hook=hook):
                live = self.metering(["far", "far2"], "--hook", hook)
                netns.send(frames(), "near", "far")
                netns.send(frames(), "near2", "far2")
                self.expect(live, 2 * FRAMES, {})

    def test_both_ways(self):
        for hook in HOOKS:
            with self.subTest(hook=hook):
                live = self.metering(["far", "far2"], "--hook", hook, *DEDUP)
                netns.send(frames(), "near", "far")
                netns.send(frames(first=FRAMES), "near2", "far2")
                netns.send(frames(first=FRAMES, ttl=63), "near", "far")
                netns.send(frames(ttl=63), "near2", "far2")
                self.expect(live, 4 * FRAMES, {("far", "far2"): FRAMES, ("far2", "far"): FRAMES})

    def test_same_interface(self):
        """Three times; the second time in a VLAN, whose tag tc and packet sockets get beside the frame."""
        for hook in HOOKS:
            with self.subTest(hook=hook):
                live = self.metering(["far"], "--hook", hook, *DEDUP)
                netns.send(frames(), "near", "far")
                netns.send(frames(tag=b"\x81\x00\x00\x05"), "near", "far")
                netns.send(frames(), "near", "far")
                self.expect(live, 3 * FRAMES, {("far", "far"): 2 * FRAMES})

    def test_leaving_and_coming(self):
        live = self.metering(["near", "far"], "--hook", "tc", "--direction", "both", *DEDUP)
        netns.send(frames(), "near", "far")
        self.expect(live, 2 * FRAMES, {("near", "far"): FRAMES})

    def test_a_window_that_is_over(self):
        """A window that is over before the next frame can come, and other packets."""
        for hook in HOOKS:
            with self.subTest(hook=hook):
                live = self.metering(["far", "far2"], "--hook", hook, "--dedup", "--dedup-window", "1us")
                netns.send(frames(), "near", "far")
                netns.send(frames(), "near2", "far2")
                netns.send(frames(first=FRAMES), "near2", "far2")
                self.expect(live, 3 * FRAMES, {})

    def test_at_the_same_time(self):
        """Of two copies that meet two CPUs at once, one is metered, whichever."""
        for hook in ("xdp", "tc"):
            with self.subTest(hook=hook):
                live = self.metering(["far", "far2"], "--hook", hook, *DEDUP)
                self.send_at_once([("near", "far"), ("near2", "far2")])
                account = live.stop()
                self.assertTrue(account["balanced"], account)
                self.assertEqual(account["seen"]["packets"], 2 * FRAMES * 10)
                self.assertEqual(account["metered"]["packets"], FRAMES * 10)
                told = {(row["first"], row["again"]) for row in account["duplicates"]}
                self.assertLessEqual(told, {("far", "far2"), ("far2", "far")})
                self.assertEqual(sum(row["packets"] for row in account["duplicates"]), FRAMES * 10)

    def send_at_once(self, wires):
        def send(cpu, near):
            os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[cpu % len(os.sched_getaffinity(0))]})
            with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as out:
                out.bind((near, 0))
                gate.wait()
                for number in range(FRAMES * 10):
                    out.send(frame(number))

        gate = threading.Barrier(len(wires))
        arrived = [netns.Counters(far).rx_frames + FRAMES * 10 for _, far in wires]
        threads = [threading.Thread(target=send, args=(cpu, near)) for cpu, (near, _) in enumerate(wires)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for (_, far), wanted in zip(wires, arrived):
            netns.wait_for(lambda far=far, wanted=wanted: netns.Counters(far).rx_frames >= wanted, "all frames")

    def test_gone_on(self):
        """A process that is told to end leaves the counts behind, by pair as well."""
        options = ["--instance", "copies", "--hook", "xdp", *DEDUP]
        live = self.metering(["far", "far2"], *options)
        netns.send(frames(), "near", "far")
        netns.send(frames(), "near2", "far2")
        self.expect(live, 2 * FRAMES, {("far", "far2"): FRAMES}, signal.SIGTERM)
        live = self.metering(["far", "far2"], *options)
        netns.send(frames(first=FRAMES), "near2", "far2")
        netns.send(frames(first=FRAMES), "near", "far")
        self.expect(live, 4 * FRAMES, {("far", "far2"): FRAMES, ("far2", "far"): FRAMES})
        self.assertFalse(os.path.exists(f"{PINNED}/copies"))

    def test_with_a_filter(self):
        """What does not match is set aside before anyone asks whether it is a copy."""
        for hook in HOOKS:
            with self.subTest(hook=hook):
                live = self.metering(["far"], "--hook", hook, "--filter", "src port 1003", *DEDUP)
                netns.send(frames(), "near", "far")
                netns.send(frames(), "near", "far")
                matching = sum(number % 7 == 3 for number in range(FRAMES))
                account = live.stop()
                self.assertTrue(account["balanced"], account)
                self.assertEqual(account["metered"]["packets"], matching)
                self.assertEqual(account["setAside"]["duplicate"]["packets"], matching)
                self.assertEqual(account["setAside"]["filtered"]["packets"], 2 * (FRAMES - matching))


if __name__ == "__main__":
    WEIR = sys.argv.pop(1)
    netns.enter()
    unittest.main()
