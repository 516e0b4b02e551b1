# SPDX-License-Identifier: BSD-2-Clause
"""What a run tells while it meters: its flows are those that replay finds in the same traffic, its
statistics those of the account at its end, and neither asking nor flushing loses a packet.

control.py WEIR BLAST CAPTURES"""

import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

import capture
import control_socket
import netns
import replay

WEIR = BLAST = DATA = ""  # set from the command line
PLACES = {"set": ["--hook", "xdp", "--cache", "set"], "hash": ["--hook", "tc", "--cache", "hash"],
          "native": ["--hook", "af_packet"]}  # fmt: skip
LASTING = [*replay.NEVER, "--template", "biflow"]
SIZE, ETHERNET = 100, 14
FLOWS = 50
CROWD, TURNS = 3000, 60
REQUESTS = 1000
FORCED = 4
FRAME_MIN, FRAME_MAX = 14, 1514
NUMBERS = itertools.count()
EXPRESSIONS = ("tcp", "udp port 53", "host 192.168.1.2 or net 10.0.0.0/8", "ip6", "icmp or icmp6",
               "tcp[tcpflags] & tcp-rst != 0 and src port 80", "not tcp and not udp", "vlan",
               "dst portrange 1-1023 and not port 80")  # fmt: skip


def frames_of(folder, most):
    """Of captures without tunnels: a filter on packets and one on flows read the same headers."""
    frames = []
    for path in replay.captures(folder):
        found = [packet.data for packet in capture.readable(path)[0]
                 if packet.link == capture.LINK_ETHERNET
                 and FRAME_MIN <= len(packet.data) <= FRAME_MAX]  # fmt: skip
        if "flowtest" in path or "dns" in path or "http" in path:
            frames += found
        if len(frames) >= most:
            break
    return frames[:most]


def is_simple(frame):
    """UDP and ICMP, of which no flow ends by itself."""
    kind = frame[12:14]
    return kind == b"\x08\x00" and frame[23] in (1, 17) or kind == b"\x86\xdd" and frame[20] in (17, 58)


def totals(records):
    """Packets and octets by direction."""
    found = {}
    for record in records:
        ends = [(record.get("sourceIPv4Address") or record["sourceIPv6Address"],
                 record["sourceTransportPort"]),
                (record.get("destinationIPv4Address") or record["destinationIPv6Address"],
                 record["destinationTransportPort"])]  # fmt: skip
        for name, way in (("", ends), ("reverse", ends[::-1])):
            packets, octets = (record[name + what if not name else name + what[0].upper() + what[1:]]
                               for what in ("packetDeltaCount", "octetDeltaCount"))  # fmt: skip
            key = (*way, record["protocolIdentifier"], record["vlanId"])
            before = found.get(key, (0, 0))
            if packets:
                found[key] = (before[0] + packets, before[1] + octets)
    return found


class ControlTest(unittest.TestCase):
    def setUp(self):
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")
        self.folder = tempfile.TemporaryDirectory(prefix="weir-")
        self.addCleanup(self.folder.cleanup)

    def at(self, case):
        for place, options in PLACES.items():
            with self.subTest(place):
                case(options)

    def live(self, options, *more, **where):
        # A run that a failing test kills leaves its tables to the next one of its name.
        self.name = f"control{next(NUMBERS)}"
        live = netns.Live(WEIR, [netns.FAR], "--instance", self.name, *options, *more, **where)
        self.addCleanup(live.close)
        self.assertTrue(live.metering, live.errors)
        return live

    def weir(self, *words, status=0):
        done = subprocess.run([WEIR, *words, self.name], capture_output=True, text=True, check=False,
                              timeout=netns.WAIT_S)  # fmt: skip
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout if status == 0 else done.stderr

    def flows(self, *options):
        told = self.weir("flows", "--json", "--template", "biflow", "--limit", "10000", *options)
        return [json.loads(line) for line in told.splitlines()]

    def stats(self):
        return json.loads(self.weir("stats", "--json"))

    def seen(self, frames):
        return self.stats()["seen"]["packets"] == frames

    def stop(self, live):
        account = live.stop(signal.SIGINT)
        self.assertEqual(live.status, 0, live.errors)
        self.assertTrue(account["balanced"], account)
        return account

    def blasts(self, **options):
        blasts = [netns.Blast(BLAST, interface=netns.NEAR, cpu=cpu, base=1, size=SIZE, flows=FLOWS,
                              **options) for cpu in (0, 1)]  # fmt: skip
        for blast in blasts:
            self.addCleanup(blast.stop)
        return blasts

    def replayed(self, frames, *options):
        path = os.path.join(self.folder.name, "sent.pcap")
        capture.write(path, [capture.Packet(number * 1000, capture.LINK_ETHERNET, frame)
                             for number, frame in enumerate(frames)])  # fmt: skip
        run = replay.replay(WEIR, path, [*LASTING, *options])
        self.assertEqual(run.status, 0, run.errors)
        return run.records()

    # --- flows ---

    def test_flows_are_what_replay_finds(self):
        frames = frames_of(DATA, 6000)
        expected = totals(self.replayed(frames))
        self.assertGreater(len(expected), 100)

        def case(options):
            live = self.live(options, *LASTING)
            netns.send(frames)
            netns.wait_for(lambda: self.seen(len(frames)), "every frame is seen")
            # Of connections that ended some have left, and may be on their way.
            netns.wait_for(lambda: totals(self.flows() + live.records()) == expected,
                           "in the cache and written is what replay finds")  # fmt: skip
            account = self.stop(live)
            self.assertEqual(totals(live.records()), expected)
            self.assertEqual(account["seen"]["packets"], len(frames))

        self.at(case)

    def test_what_is_counted_meanwhile_is_told_whole(self):
        """More flows than a call of the kernel's look has room for, a part of each on every CPU."""

        def case(options):
            live = self.live(options, *LASTING)
            blasts = [netns.Blast(BLAST, interface=netns.NEAR, cpu=cpu, base=1, size=SIZE,
                                  flows=CROWD, frames=CROWD * TURNS) for cpu in (0, 1)]  # fmt: skip
            for blast in blasts:
                self.addCleanup(blast.stop)
            looks = 0
            while looks < 5 or any(blast.process.poll() is None for blast in blasts):
                for row in self.flows():
                    self.assertEqual(row["octetDeltaCount"],
                                     row["packetDeltaCount"] * (SIZE - ETHERNET))  # fmt: skip
                looks += 1
            netns.wait_for(lambda: self.seen(2 * CROWD * TURNS), "every frame is seen")
            told = totals(self.flows())
            self.exact(live, blasts)
            self.assertEqual(totals(live.records()), told)

        self.at(case)

    def test_a_filter_chooses_the_flows_of_the_packets_it_would_choose(self):
        """Without connections that end, every flow stays in the cache; a packet that matches makes
        its flow match, and a flow without one does not."""
        frames = [frame for frame in frames_of(DATA, 6000) if is_simple(frame)]
        outer = ("--tunnels", "outer")  # what is inside a packet's filter does not see
        everything = totals(self.replayed(frames, *outer))
        live = self.live(PLACES["set"], *LASTING, *outer)
        netns.send(frames)
        netns.wait_for(lambda: self.seen(len(frames)), "every frame is seen")
        self.assertEqual(totals(self.flows()), everything)
        some = 0
        for expression in EXPRESSIONS:
            if "tcp[" in expression:
                continue
            chosen = totals(self.replayed(frames, "--filter", expression, *outer))
            both_ways = {key for way in chosen for key in (way, (way[1], way[0], *way[2:]))}
            found = totals(self.flows("--filter", expression))
            self.assertEqual(set(found), both_ways & set(everything), expression)
            some += bool(found)
        self.assertGreater(some, 3)
        self.stop(live)

    def test_order_number_and_id(self):
        def case(options):
            live = self.live(options, *LASTING)
            blasts = self.blasts(frames=5000)
            sent = sum(blast.finish()["frames"] for blast in blasts)
            netns.wait_for(lambda: self.seen(sent), "every frame is seen")
            rows = self.flows()
            self.assertEqual(len(rows), FLOWS)
            self.assertEqual(sum(row["packetDeltaCount"] for row in rows), sent)
            octets = [row["octetDeltaCount"] for row in rows]
            self.assertEqual(octets, sorted(octets, reverse=True))
            first = {row["id"] for row in rows}
            self.assertEqual(len(first), FLOWS)
            for name in ("start", "last", "packets"):
                self.assertEqual({row["id"] for row in self.flows("--sort", name)}, first)
            text = self.weir("flows", "--limit", "7", "--quiet").splitlines()
            self.assertEqual(len(text), 1 + 7)
            self.assertEqual(self.weir("flows", "--limit", "0", "--json", "--quiet"), "")
            self.weir("flush")
            self.assertEqual(self.flows(), [])
            for blast in self.blasts(frames=100):
                blast.finish()
            netns.wait_for(lambda: self.seen(sent + 200), "every frame is seen")
            self.assertEqual({row["id"] for row in self.flows()} & first, set())
            self.stop(live)

        self.at(case)

    def test_what_cannot_be_told_is_refused(self):
        live = self.live(PLACES["set"], "--detail", "basic")
        for words, told in ((("--sort", "rtt"), "does not meter"),
                            (("--filter", "less 100"), "are about packets"),
                            (("--filter", "prt 1"), "syntax error"),
                            (("--filter", "tcp\nudp"), "one line"),
                            (("--template", self.folder.name), "only those that come with weir"),
                            (("--limit", "10001"), "out of range")):  # fmt: skip
            errors = self.weir("flows", *words, status=2)
            self.assertIn(told, errors)
            self.assertEqual(errors.count("\n"), 1)
        self.stop(live)

    # --- the account ---

    def test_statistics_are_the_account_at_the_end(self):
        frames = frames_of(DATA, 6000)

        def case(options):
            live = self.live(options, *LASTING)
            netns.send(frames)
            netns.wait_for(lambda: self.seen(len(frames)), "every frame is seen")
            self.assertTrue(self.stats()["balanced"])
            self.weir("flush")
            netns.wait_for(lambda: self.stats()["inCache"]["packets"] == 0, "nothing is left")
            told = self.stats()
            self.assertTrue(told["balanced"])
            text = self.weir("stats")
            account = self.stop(live)
            for name in ("seen", "metered", "setAside", "exported", "dropped", "inCache", "table"):
                self.assertEqual(told[name], account[name], name)
            self.assertEqual(told["instance"], self.name)
            self.assertIn(f"seen          {account['seen']['packets']:14}", text)

        self.at(case)

    def test_what_waits_for_a_collector_that_is_away(self):
        live = self.live(PLACES["set"], "--idle-timeout", "100ms",
                         to="ipfix+tcp://127.0.0.1:9?queue=1048576&linger=0")  # fmt: skip
        netns.send(frames_of(DATA, 500))

        def queued():
            row = self.stats()["destinations"][0]
            return row if row["queue"]["octets"] > 0 and not row["healthy"] else None

        row = netns.wait_for(queued, "messages wait, and nobody is there")
        self.assertEqual(row["queue"]["maxOctets"], 1 << 20)
        text = self.weir("stats")
        self.assertRegex(text, r"\nqueue +\d+ of 1048576 octets wait for ipfix\+tcp:")
        self.assertRegex(text, r"\ntable +\d+ of 65536 entries \(a flow has one on each CPU")
        live.stop(signal.SIGINT)
        self.assertEqual(live.status, 1)  # what waited is lost

    def test_rates_are_told_each_second(self):
        live = self.live(PLACES["set"])
        watch = subprocess.Popen([WEIR, "stats", "--watch", "--json", self.name], stdout=subprocess.PIPE,
                                 text=True, preexec_fn=netns.end_with_parent)  # fmt: skip
        self.addCleanup(watch.stdout.close)
        blast, other = self.blasts(rate=5000, seconds=netns.WAIT_S)
        rates = []
        while len(rates) < 100 and not (len(rates) > 2 and rates[-1]["meteredPackets"] > 0):
            rates.append(json.loads(watch.stdout.readline())["rates"])
        watch.send_signal(signal.SIGINT)
        self.assertEqual(watch.wait(netns.WAIT_S), -signal.SIGINT)
        self.assertGreater(rates[-1]["meteredPackets"], 0)
        self.assertAlmostEqual(rates[-1]["seenPackets"], rates[-1]["meteredPackets"]
                               + rates[-1]["setAsidePackets"], 3)  # fmt: skip
        blast.stop()
        other.stop()
        self.stop(live)

    # --- under fire ---

    def exact(self, live, blasts):
        sent = [blast.finish() for blast in blasts]
        frames = sum(told["frames"] for told in sent)
        netns.wait_for(lambda: self.seen(frames), "every frame is seen")
        account = self.stop(live)
        self.assertEqual(account["seen"]["packets"], frames)
        # Of what a packet socket had no room for the kernel tells the number alone.
        lost = account["setAside"]["kernelLost"]["packets"]
        self.assertEqual(account["seen"]["frameOctets"], (frames - lost) * SIZE)
        metered = account["metered"]["packets"]
        self.assertEqual(metered + account["setAside"]["noRoom"]["packets"]
                         + account["setAside"]["busy"]["packets"]
                         + lost, frames)  # fmt: skip
        records = live.records()
        self.assertEqual(sum(record["packetDeltaCount"] + record["reversePacketDeltaCount"]
                             for record in records), metered)  # fmt: skip
        self.assertEqual(account["metered"]["octets"], metered * (SIZE - ETHERNET))
        return account, records

    def test_a_flush_under_fire_is_exact(self):
        def case(options):
            live = self.live(options, *LASTING)
            blasts = self.blasts(rate=20000, frames=40000)
            netns.wait_for(lambda: self.stats()["metered"]["packets"] > 0, "traffic")
            flushed = 0
            for _ in range(10):
                flushed += int(self.weir("flush").split()[0])
            account, records = self.exact(live, blasts)
            self.assertEqual({record["flowEndReason"] for record in records}, {FORCED})
            self.assertGreaterEqual(flushed, 1)
            self.assertLessEqual(flushed, account["exported"]["flows"])

        self.at(case)

    def test_a_full_table_is_flushed(self):
        """More flows than are looked at in one turn, or fit into the ring."""

        def case(options):
            live = self.live(options, *LASTING, "--ring", "64000")
            blasts = [netns.Blast(BLAST, interface=netns.NEAR, cpu=cpu, base=cpu + 1, size=SIZE,
                                  frames=10000, rate=20000) for cpu in (0, 1)]  # fmt: skip
            for blast in blasts:
                self.addCleanup(blast.stop)
            netns.wait_for(lambda: self.seen(20000), "every frame is seen")
            with control_socket.Asking(self.name) as asking:
                answer, lines = asking.ask("flows limit=10000 template=biflow")
            # What had no room in the ring is no flow; nor, any more, what had to make room.
            told = self.stats()
            self.assertEqual(answer["answer"]["flows"],
                             told["metered"]["packets"] - told["table"]["evictedFlows"])  # fmt: skip
            # Not more than some MiB of them.
            self.assertEqual(answer["answer"]["shown"], len(lines))
            self.assertGreater(len(lines), 5000)
            self.weir("flush")
            self.assertEqual(self.flows(), [])
            account, _ = self.exact(live, blasts)
            self.assertEqual(account["exported"]["flows"], account["metered"]["packets"])

        self.at(case)

    def test_a_thousand_questions_under_fire_lose_nothing(self):
        def case(options):
            live = self.live(options, *LASTING)
            blasts = self.blasts(rate=20000, frames=40000)
            answers = []

            def ask():
                with control_socket.Asking(self.name) as asking:
                    for number in range(REQUESTS // 2):
                        answer, lines = asking.ask(("stats", "flows limit=5 template=biflow",
                                                    "flows form=text filter=udp")[number % 3])
                        answers.append((answer["status"], len(lines)))

            threads = [threading.Thread(target=ask) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(len(answers), REQUESTS)
            self.assertEqual({status for status, _ in answers}, {0})
            self.assertGreater(max(lines for _, lines in answers), 0)
            account, _ = self.exact(live, blasts)
            self.assertEqual(account["exported"]["flows"], FLOWS)

        self.at(case)


if __name__ == "__main__":
    WEIR, BLAST, DATA = sys.argv.pop(1), sys.argv.pop(1), sys.argv.pop(1)
    netns.enter()
    unittest.main()
