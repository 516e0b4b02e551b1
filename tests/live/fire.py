# SPDX-License-Identifier: BSD-2-Clause
"""`weir run` under fire: whatever comes, every frame the wire took is in the account.

Frames come from both CPUs at once, as fast as they go; what is checked is never the pace.
"""

import os
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import netns
import replay

WEIR = BLAST = ""  # set from the command line
SIZE = 100
HOOKS = (["--hook", "xdp"], ["--hook", "xdp-generic"], ["--hook", "tc"],
         ["--hook", "tc", "--direction", "both"])  # fmt: skip
SINK = "ipfix+file:/dev/null"
SECONDS = 1


def blasts(*places, seconds=SECONDS, **options):
    """Senders, each (interface, CPU, other flows than another's)."""
    return [netns.Blast(BLAST, interface=interface, cpu=cpu, base=base, size=SIZE, seconds=seconds,
                        **options)
            for interface, cpu, base in places]  # fmt: skip


class FireTest(unittest.TestCase):
    def setUp(self):
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")

    def fire(self, senders, *options, to=SINK, interfaces=(netns.FAR,)):
        """The account of a run in which the senders send, and how many frames they sent."""
        with netns.Live(WEIR, interfaces, *options, to=to) as live:
            started = [sender() for sender in senders]
            sent = [blast.finish() for blasts_of_one in started for blast in blasts_of_one]
            account = live.stop()
            self.assertEqual(live.status, 0, live.errors)
            records = live.records() if to == "json" else None
        frames = sum(told["frames"] for told in sent)
        pace = sum(told["frames"] / told["seconds"] for told in sent)
        print(f"{self.id().split('.')[-1]} {' '.join(options)}: {frames} frames, {pace:.0f}/s, "
              f"{account['exported']['flows']} flows, {account['table']['evictedFlows']} evicted, "
              f"noRoom {account['setAside']['noRoom']['packets']}, "
              f"extended {account['table']['extended']}", flush=True)  # fmt: skip
        self.assert_exact(account, frames)
        return account, records

    def assert_exact(self, account, frames):
        aside = sum(told["packets"] for told in account["setAside"].values())
        self.assertTrue(account["balanced"])
        self.assertGreater(frames, 1000)
        self.assertEqual(account["seen"]["packets"], frames)
        self.assertEqual(account["seen"]["frameOctets"], frames * SIZE)
        self.assertEqual(account["metered"]["packets"] + aside, frames)
        self.assertEqual(aside, account["setAside"]["noRoom"]["packets"])
        self.assertEqual(account["metered"]["octets"], account["metered"]["packets"] * (SIZE - 14))
        self.assertEqual(account["exported"]["packets"], account["metered"]["packets"])
        self.assertEqual(account["exported"]["octets"], account["metered"]["octets"])
        self.assertEqual(account["inCache"]["packets"], 0)

    def assert_all_metered(self, account):
        self.assertEqual(account["metered"]["packets"], account["seen"]["packets"])

    def test_other_flows_from_each_cpu(self):
        places = [(netns.NEAR, 0, 1), (netns.NEAR, 1, 2)]
        for hook in HOOKS:
            account, _ = self.fire([lambda: blasts(*places, flows=1000)], *hook)
            self.assert_all_metered(account)
            # A flow whose packets met both CPUs is in the table of either.
            self.assertTrue(2000 <= account["exported"]["flows"] <= 4000, account["exported"])

    def test_the_same_flows_from_both_cpus_and_ends(self):
        near = [(netns.NEAR, 0, 1), (netns.NEAR, 1, 1)]
        both = [*near, (netns.FAR, 0, 1), (netns.FAR, 1, 1)]
        for hook in HOOKS:
            places = both if "both" in hook else near
            account, records = self.fire([lambda: blasts(*places, flows=50)], *hook, "--template",
                                         replay.TEMPLATE, "--detail", "full", to="json")
            self.assert_all_metered(account)
            ports = {record["sourceTransportPort"] for record in records}
            self.assertEqual(ports, set(range(50)))
            self.assertEqual(sum(record["packetDeltaCount"] for record in records),
                             account["metered"]["packets"])

    def test_a_new_flow_a_frame_in_a_full_table(self):
        places = [(netns.NEAR, 0, 1), (netns.NEAR, 1, 2)]
        for hook in HOOKS:
            account, _ = self.fire([lambda: blasts(*places)], *hook, "--max-flows", "1000")
            self.assertEqual(account["exported"]["flows"], account["metered"]["packets"])
            # The tables of all CPUs have room for twice the flows, rounded up.
            room = max(4 * 1000, 64 * 8 * os.cpu_count())
            self.assertGreaterEqual(account["table"]["evictedFlows"],
                                    account["metered"]["packets"] - room)

    def test_a_tiny_ring_and_a_slow_reader(self):
        for detail in ("basic", "full"):
            with SlowReader() as reader:
                places = [(netns.NEAR, 0, 1), (netns.NEAR, 1, 2)]
                account, _ = self.fire([lambda: blasts(*places, rate=30000)], "--max-flows", "1000",
                                       "--detail", detail, "--ring", "64k", to=reader.to)
                self.assertEqual(reader.end(), account["exported"]["records"])
            self.assertGreater(account["setAside"]["noRoom"]["packets"], 0)
            self.assertGreater(account["table"]["evictedFlows"], 0)

    def test_records_wait_where_the_ring_has_no_room(self):
        with SlowReader() as reader:
            places = [(netns.NEAR, 0, 1), (netns.NEAR, 1, 2)]
            account, _ = self.fire([lambda: blasts(*places, flows=2000, rate=50000)], "--detail",
                                   "full", "--active-timeout", "10ms", "--ring", "64k",
                                   to=reader.to)
            self.assertEqual(reader.end(), account["exported"]["records"])
        self.assert_all_metered(account)
        self.assertGreater(account["table"]["extended"], 0)

    def test_everything_times_out_all_the_time(self):
        places = [(netns.NEAR, 0, 1), (netns.NEAR, 1, 1)]
        for pause in ("1s", "300ms"):
            account, records = self.fire([lambda: blasts(*places, flows=2000, seconds=2.5)],
                                         "--idle-timeout", pause, "--active-timeout", pause,
                                         "--template", replay.TEMPLATE, to="json")  # fmt: skip
            self.assert_all_metered(account)
            timed_out = [record for record in records if record["flowEndReason"] in (1, 2)]
            self.assertEqual({record["sourceTransportPort"] for record in timed_out},
                             set(range(2000)))

    def test_nothing_lasts_a_millisecond(self):
        places = [(netns.NEAR, 0, 1), (netns.NEAR, 1, 1)]
        for flows in (200, 0):
            account, _ = self.fire([lambda: blasts(*places, flows=flows)], "--idle-timeout", "1ms",
                                   "--active-timeout", "1ms")
            if flows:
                self.assert_all_metered(account)
            # A new flow a frame, as fast as can be sent: a slow machine may find no room, and says so.
            self.assertGreater(account["exported"]["flows"], 10 * flows)

    def test_two_interfaces_at_once(self):
        netns.lay("left", "right")
        self.addCleanup(netns.ip, "link del left")
        for hook in HOOKS:
            account, _ = self.fire([lambda: blasts((netns.NEAR, 0, 1), ("left", 1, 2), flows=500)],
                                   *hook, interfaces=(netns.FAR, "right"))
            self.assert_all_metered(account)

    def test_a_soak_at_full_detail(self):
        places = [(netns.NEAR, 0, 1), (netns.NEAR, 1, 1), (netns.NEAR, 0, 2), (netns.NEAR, 1, 3)]
        mixed = [lambda: blasts(*places[:2], seconds=10, flows=3000),
                 lambda: blasts(*places[2:], seconds=10, rate=50000)]  # fmt: skip
        account, _ = self.fire(mixed, "--detail", "full", "--idle-timeout", "1s",
                               "--active-timeout", "2s")
        self.assertGreater(account["exported"]["flows"], 3000)


class SlowReader:
    """Of a pipe: a piece in a while, until it is to end; counts lines."""

    def __init__(self):
        reading, self.writing = os.pipe()
        os.set_inheritable(self.writing, True)
        self.to = f"json+file:/proc/{os.getpid()}/fd/{self.writing}"
        self.lines = 0
        self.fast = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(reading,), daemon=True)
        self.thread.start()

    def run(self, reading):
        with open(reading, "rb", buffering=0) as pipe:
            while piece := pipe.read(65536):
                self.lines += piece.count(b"\n")
                self.fast.wait(0.02)

    def end(self):
        """How many lines came; nobody must write any more."""
        os.close(self.writing)
        self.writing = -1
        self.fast.set()
        self.thread.join()
        return self.lines

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.writing >= 0:
            self.end()


if __name__ == "__main__":
    WEIR, BLAST = sys.argv.pop(1), sys.argv.pop(1)
    netns.enter()
    unittest.main()
