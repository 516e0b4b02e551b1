# SPDX-License-Identifier: BSD-2-Clause
"""Time-outs and the filter change while a run goes on, with every flow in its cache and every packet
in the account; what cannot change is named; and what is taken over from an earlier process gets the
settings of this one.

tune.py WEIR BLAST"""

import itertools
import json
import os
import signal
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, os.path.join(HERE, "..", "metrics"))

import netns
from metrics_lib import tcp
from udp_frame import udp

WEIR = BLAST = ""  # set from the command line
PLACES = {"xdp": ["--hook", "xdp"], "tc": ["--hook", "tc", "--cache", "hash"],
          "both ways": ["--hook", "tc", "--direction", "both"],
          "native": ["--hook", "af_packet"]}  # fmt: skip
NEVER = ["--idle-timeout", "1h", "--active-timeout", "0"]
NUMBERS = itertools.count()
IDLE, ACTIVE, END = 1, 2, 3


def send_from_one_cpu(frames):
    """A part on another CPU would be waited for until it is idle."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, [max(allowed)])
    try:
        netns.send(frames)
    finally:
        os.sched_setaffinity(0, allowed)


def packets(rows):
    return sum(row.get(name, 0) for row in rows
               for name in ("packetDeltaCount", "reversePacketDeltaCount"))  # fmt: skip


class TuneTest(unittest.TestCase):
    def setUp(self):
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")

    def at(self, case):
        for place, options in PLACES.items():
            with self.subTest(place):
                case(options)

    def live(self, *options):
        self.name = f"tune{next(NUMBERS)}"
        live = netns.Live(WEIR, [netns.FAR], "--instance", self.name, *options)
        self.addCleanup(live.close)
        self.assertTrue(live.metering, live.errors)
        return live

    def weir(self, *words, status=0):
        done = subprocess.run([WEIR, *words, self.name], capture_output=True, text=True, check=False,
                              timeout=netns.WAIT_S)  # fmt: skip
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout if status == 0 else done.stderr

    def set(self, key, value):
        self.assertEqual(self.weir("set", key, value), f"{key}: {value} from here on\n")

    def flows(self):
        return [json.loads(line) for line in self.weir("flows", "--json", "-q").splitlines()]

    def stats(self):
        return json.loads(self.weir("stats", "--json"))

    def await_seen(self, packets):
        netns.wait_for(lambda: self.stats()["seen"]["packets"] >= packets or None, "what was sent")

    def await_records(self, live, count):
        netns.wait_for(lambda: len(live.records()) >= count or None, f"{count} records")

    def stop(self, live):
        account = live.stop(signal.SIGINT)
        self.assertEqual(live.status, 0, live.errors)
        self.assertTrue(account["balanced"], account)
        self.assertEqual(sum(row["packetDeltaCount"] + row.get("reversePacketDeltaCount", 0)
                             for row in live.records()), account["metered"]["packets"])  # fmt: skip
        return account

    # --- cases ---

    def test_a_shorter_idle_time_out_ends_what_is_silent(self):
        def case(options):
            live = self.live(*options, *NEVER)
            netns.send([udp(source) for source in range(1, 51)])
            self.await_seen(50)
            self.assertEqual(live.records(), [])
            self.set("idle-timeout", "100ms")
            self.await_records(live, 50)
            self.assertEqual({row["flowEndReason"] for row in live.records()}, {IDLE})
            self.stop(live)

        self.at(case)

    def test_a_longer_idle_time_out_keeps_what_is_silent(self):
        """and a connection that has ended leaves all the same"""

        def case(options):
            live = self.live(*options, "--idle-timeout", "10m", "--active-timeout", "0")
            netns.send([udp(1)])
            self.set("idle-timeout", "1h")
            send_from_one_cpu([tcp(True, 1, 0, 0x02), tcp(False, 1, 2, 0x14)])
            self.await_seen(3)
            self.await_records(live, 2)
            self.set("idle-timeout", "2h")
            send_from_one_cpu([tcp(True, 1, 0, 0x02, port=41000),
                               tcp(False, 1, 2, 0x14, port=41000)])  # fmt: skip
            self.await_records(live, 4)
            self.assertEqual({row["flowEndReason"] for row in live.records()}, {END})
            self.stop(live)
            self.assertEqual(len(live.records()), 5)

        self.at(case)

    def test_an_active_time_out_holds_for_flows_that_began_before(self):
        def case(options):
            live = self.live(*options, *NEVER)
            sent = 0

            def send(ended):
                nonlocal sent
                send_from_one_cpu([udp(1)])
                sent += 1
                self.await_seen(sent)
                return [row for row in live.records() if row["flowEndReason"] == ACTIVE][ended:] or None

            self.assertIsNone(send(0))
            self.set("active-timeout", "50ms")
            netns.wait_for(lambda: send(0), "a record of what began before")
            self.set("active-timeout", "1h")
            netns.wait_for(lambda: packets(live.records() + self.flows()) == sent, "all is told")
            before = len(live.records())
            for _ in range(20):
                send(0)
            self.assertEqual(len(live.records()), before)
            self.set("active-timeout", "60ms")
            netns.wait_for(lambda: send(before), "another record")
            account = self.stop(live)
            self.assertEqual(account["metered"]["packets"], sent)

        self.at(case)

    def test_a_filter_changes(self):
        def case(options):
            live = self.live(*options, *NEVER)
            self.set("filter", "udp and src host 10.0.0.1")
            netns.send([udp(source) for source in (1, 2, 1)])
            self.await_seen(3)
            self.set("filter", "src host 10.0.0.2")
            netns.send([udp(source) for source in (1, 2, 2, 2)])
            self.await_seen(7)
            self.assertIn("syntax error", self.weir("set", "filter", "prt 1", status=2))
            netns.send([udp(source) for source in (1, 2)])
            self.await_seen(9)
            account = self.stop(live)
            self.assertEqual({row["sourceIPv4Address"]: row["packetDeltaCount"]
                              for row in live.records()}, {"10.0.0.1": 2, "10.0.0.2": 4})  # fmt: skip
            self.assertEqual(account["setAside"]["filtered"]["packets"], 3)

        self.at(case)

    def test_what_cannot_change_is_named(self):
        live = self.live(*PLACES["xdp"])
        for key, value in (("sample", "10"), ("sample-mode", "random"), ("detail", "full"),
                           ("max-flows", "1k"), ("tunnels", "outer")):  # fmt: skip
            self.assertIn("takes a run that begins anew", self.weir("set", key, value, status=2))
        self.stop(live)

    def test_everything_changes_under_fire(self):
        """a packet meets one program or the other, and is counted once"""

        def case(options):
            live = self.live(*options, "--idle-timeout", "1s", "--active-timeout", "1s")
            blasts = [netns.Blast(BLAST, interface=netns.NEAR, cpu=cpu, base=1, flows=200, rate=10000,
                                  size=100, seconds=netns.WAIT_S) for cpu in (0, 1)]  # fmt: skip
            for blast in blasts:
                self.addCleanup(blast.stop)
            for turn in range(6):
                self.set("idle-timeout", ("200ms", "1h")[turn % 2])
                self.set("active-timeout", ("300ms", "0s")[turn % 2] if turn % 2 == 0 else "1h")
                self.set("filter", ("udp", "ip", "udp port 9 or udp")[turn % 3])
                before = self.stats()["metered"]["packets"]
                netns.wait_for(lambda packets=before: self.stats()["metered"]["packets"]
                               > packets + 1000 or None, "packets are metered")  # fmt: skip
            sent = sum(blast.stop()["frames"] for blast in blasts)
            self.await_seen(sent)
            account = self.stop(live)
            self.assertEqual(account["seen"]["packets"], sent)
            self.assertEqual(account["setAside"]["filtered"]["packets"], 0)

        self.at(case)

    def test_a_run_that_takes_over_has_its_own_settings(self):
        def case(options):
            if "af_packet" in options:
                return
            live = self.live(*options, *NEVER)
            netns.send([udp(1), udp(2)])
            self.await_seen(2)
            self.set("idle-timeout", "2h")
            self.set("filter", "host 10.0.0.1")
            live.stop(signal.SIGTERM)
            self.assertEqual(live.status, 0, live.errors)
            name = self.name
            again = netns.Live(WEIR, [netns.FAR], "--instance", name, *options, "--idle-timeout", "1h",
                               "--active-timeout", "50ms")  # fmt: skip
            self.addCleanup(again.close)
            self.assertIn("as it went on", again.errors)

            def active():
                netns.send([udp(2)])
                return [row for row in again.records() if row["flowEndReason"] == ACTIVE] or None

            netns.wait_for(active, "a record of what began before")
            self.set("idle-timeout", "100ms")
            netns.wait_for(lambda: {row["sourceIPv4Address"] for row in again.records()
                                    if row["flowEndReason"] == IDLE} == {"10.0.0.1", "10.0.0.2"} or None,
                           "both are over")  # fmt: skip
            account = again.stop(signal.SIGINT)
            self.assertEqual(again.status, 0, again.errors)
            self.assertTrue(account["balanced"], account)

        self.at(case)


if __name__ == "__main__":
    WEIR, BLAST = sys.argv.pop(1), sys.argv.pop(1)
    netns.enter()
    unittest.main()
