# SPDX-License-Identifier: BSD-2-Clause
"""What is fired at `weir run`, at any hook and with either table; what is checked is never the pace.

Whatever comes, every frame the wire took is in the account, to the packet and to the octet: as many
as the generators say they sent and as the interface says it saw.
"""

import itertools
import os
import signal
import sys
import tempfile
import threading
import unittest

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(TESTS, "lib"))

import generators
import netns
import replay

SIZE = 100
ETHERNET = 14
SINK = "ipfix+file:/dev/null"
SECONDS = 0.5
IDLE_NEVER = ("--idle-timeout", "1d")
HOOKS = {"xdp": ["--hook", "xdp"], "generic": ["--hook", "xdp-generic"], "tc": ["--hook", "tc"],
         "both": ["--hook", "tc", "--direction", "both"]}  # fmt: skip
CACHES = ("set", "hash")
CPUS = os.sysconf("SC_NPROCESSORS_CONF")  # each has an equal part of the tables


class Programs:
    """From the command line."""

    weir = blast = ""


class Place:
    """A hook and a table."""

    def __init__(self, hook, cache):
        self.hook, self.cache = hook, cache
        self.options = [*HOOKS[hook], "--cache", cache]
        self.both = hook == "both"
        # What veth counts of a frame that native XDP took: what is behind the Ethernet header.
        self.uncounted = ETHERNET if hook == "xdp" else 0

    def __str__(self):
        return f"{self.hook}/{self.cache}"


def places(*pairs):
    """Those given as (hook, table), else all there are."""
    return [Place(*pair) for pair in pairs or itertools.product(HOOKS, CACHES)]


def start():
    """Takes the programs off the command line, and goes into a namespace."""
    Programs.weir, Programs.blast = sys.argv.pop(1), sys.argv.pop(1)
    netns.enter()
    unittest.main()


class Blasts:
    """Senders, each (interface, CPU, other flows than another's)."""

    def __init__(self, *places, seconds=SECONDS, size=SIZE, **options):
        if "frames" not in options:
            options["seconds"] = seconds
            options.setdefault("least", 20000)  # of a sender that is held up
        self.blasts = [netns.Blast(Programs.blast, interface=interface, cpu=cpu, base=base,
                                   size=size, **options)
                       for interface, cpu, base in places]  # fmt: skip

    def finish(self):
        told = [blast.finish() for blast in self.blasts]
        return sum(row["frames"] for row in told), sum(row["octets"] for row in told)


NEAR_BOTH_CPUS = [(netns.NEAR, 0, 1), (netns.NEAR, 1, 2)]
SAME_FLOWS = [(netns.NEAR, 0, 1), (netns.NEAR, 1, 1)]
SAME_FLOWS_BOTH_ENDS = [*SAME_FLOWS, (netns.FAR, 0, 1), (netns.FAR, 1, 1)]


class Wire:
    """What the interfaces counted since."""

    def __init__(self, place, interfaces):
        self.place, self.interfaces = place, interfaces
        self.frames = self.octets = 0
        self.frames, self.octets = self.counted()

    def counted(self):
        frames = octets = 0
        for interface in self.interfaces:
            counters = netns.Counters(interface)
            frames += counters.rx_frames
            octets += counters.rx_octets + self.place.uncounted * counters.rx_frames
            if self.place.both:
                frames += counters.tx_frames
                octets += counters.tx_octets
        return frames - self.frames, octets - self.octets


class Fire(unittest.TestCase):
    def setUp(self):
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")

    def fire(self, place, senders, *options, to=SINK, interfaces=(netns.FAR,), before=None,
             during=None, after=None):  # fmt: skip
        """The account of a run in which the senders send, and its records where they are JSON."""
        wire = Wire(place, interfaces)
        with netns.Live(Programs.weir, interfaces, *place.options, *options, to=to) as live:
            if before:
                before(live)
            started = [sender() for sender in senders]
            if during:
                during(live, wire)
            sent = [sender.finish() for sender in started]
            frames, octets = (sum(column) for column in zip(*sent))
            netns.wait_for(lambda: wire.counted()[0] >= frames, "every frame has come")
            if after:
                after(live)
            account = live.stop()
            self.assertEqual(live.status, 0, live.errors)
            records = live.records() if to == "json" else None
        self.tell(place, options, account)
        self.assertGreater(frames, 1000)
        self.assertEqual(wire.counted(), (frames, octets), "the interface's and the senders'")
        self.assert_exact(account, frames, octets)
        return account, records

    def tell(self, place, options, account):
        exported, table = account["exported"], account["table"]
        print(f"{self.id().split('.')[-1]} {place} {' '.join(options)}: "
              f"{account['seen']['packets']} frames, {exported['flows']} flows, "
              f"{table['evictedFlows']} evicted, {table['extended']} extended, "
              f"noRoom {account['setAside']['noRoom']['packets']}", flush=True)  # fmt: skip

    def assert_exact(self, account, frames, octets):
        aside = account["setAside"].values()
        metered = account["metered"]
        self.assertTrue(account["balanced"])
        self.assertEqual(account["seen"]["packets"], frames)
        self.assertEqual(account["seen"]["frameOctets"], octets)
        self.assertEqual(metered["packets"] + sum(told["packets"] for told in aside), frames)
        self.assertEqual(metered["frameOctets"] + sum(told["frameOctets"] for told in aside),
                         octets)
        self.assertEqual(account["exported"]["packets"], metered["packets"])
        self.assertEqual(account["exported"]["octets"], metered["octets"])
        self.assertEqual(account["inCache"]["packets"], 0)

    def assert_of_one_size(self, account):
        """IP octets of frames of SIZE; and nothing is set aside but for want of room."""
        metered = account["metered"]
        self.assertEqual(metered["octets"], metered["packets"] * (SIZE - ETHERNET))
        self.assertEqual(metered["packets"] + account["setAside"]["noRoom"]["packets"],
                         account["seen"]["packets"])

    def assert_all_metered(self, account):
        self.assert_of_one_size(account)
        self.assertEqual(account["metered"]["packets"], account["seen"]["packets"])

    # --- the cases ---

    def steady_mix(self, place):
        """Three generators at once: captures of all kinds, UDP flows from both CPUs, SYNs."""
        capture = os.path.join(TESTS, "data", "pcap", "zeek_gre-aruba.pcap")
        senders = [lambda: Blasts(*NEAR_BOTH_CPUS, flows=1000, rate=100000)]
        if not generators.missing("tcpreplay"):
            senders.append(lambda: generators.Tcpreplay(capture, 10))
        if not generators.missing("trafgen"):
            senders.append(lambda: generators.Trafgen(20000, 40000))
        account, _ = self.fire(place, senders)
        print(f"  by {len(senders)} generators of 3")
        self.assertEqual(account["setAside"]["noRoom"]["packets"], 0)

    def other_flows_from_each_cpu(self, place):
        account, _ = self.fire(place, [lambda: Blasts(*NEAR_BOTH_CPUS, flows=1000)])
        self.assert_all_metered(account)
        # Also those whose packets met both CPUs.
        self.assertEqual(account["exported"]["flows"], 2000)

    def the_same_flows_from_both_cpus(self, place):
        """And from both ends of the wire, where the hook sees both: a direction on each CPU too."""
        ends = SAME_FLOWS_BOTH_ENDS if place.both else SAME_FLOWS
        account, records = self.fire(place, [lambda: Blasts(*ends, flows=50)], "--template",
                                     replay.TEMPLATE, "--detail", "full", to="json")
        self.assert_all_metered(account)
        ports = {record["sourceTransportPort"] for record in records}
        self.assertEqual(ports, set(range(50)))
        self.assertEqual(sum(record["packetDeltaCount"] for record in records),
                         account["metered"]["packets"])

    def a_direction_on_each_cpu(self, place):
        """Requests leave from one CPU, answers come in on the other."""
        answering = netns.FAR if place.both else netns.NEAR
        senders = [lambda: Blasts((netns.NEAR, 0, 1), flows=50),
                   lambda: Blasts((answering, 1, 1), flows=50, back=1)]  # fmt: skip
        account, records = self.fire(place, senders, "--template", replay.TEMPLATE, to="json")
        self.assert_all_metered(account)
        sources = {record["sourceIPv4Address"] for record in records}
        self.assertEqual(sources, {"10.1.0.0", "192.0.2.1"})
        self.assertEqual(sum(record["packetDeltaCount"] for record in records),
                         account["metered"]["packets"])

    def a_new_flow_a_frame_in_a_full_table(self, place):
        account, _ = self.fire(place, [lambda: Blasts(*NEAR_BOTH_CPUS)], *IDLE_NEVER,
                               "--max-flows", "1000")
        self.assert_of_one_size(account)
        self.assert_flood(account)
        self.assertEqual(account["exported"]["flows"], account["metered"]["packets"])

    def a_syn_flood_in_a_full_table(self, place):
        if generators.missing("trafgen"):
            self.skipTest("no trafgen: install netsniff-ng")
        account, records = self.fire(place, [lambda: generators.Trafgen(60000, 80000)],
                                     *IDLE_NEVER, "--max-flows", "1000", "--template",
                                     replay.TEMPLATE, "--detail", "tcp", to="json")  # fmt: skip
        self.assert_flood(account)
        reasons = [record["flowEndReason"] for record in records]
        self.assertEqual(reasons.count(5), account["table"]["evictedFlows"])
        self.assertEqual(set(reasons), {4, 5})
        self.assertEqual(account["metered"]["octets"], account["metered"]["packets"] * 40)
        # 40 bits at random a flow: hardly two alike.
        self.assertGreater(len(records), 0.99 * account["metered"]["packets"])

    def assert_flood(self, account):
        # The tables of all CPUs have room for twice the flows, rounded up.
        room = max(4 * 1000, 64 * 8 * CPUS)
        self.assertGreaterEqual(account["table"]["evictedFlows"],
                                0.99 * account["metered"]["packets"] - room)

    def a_million_flows_at_once(self, place):
        """Or as many as two of more CPUs have the same room for."""
        each = 10**6 // max(2, CPUS)
        account, _ = self.fire(place, [lambda: Blasts(*NEAR_BOTH_CPUS, frames=each)],
                               *IDLE_NEVER, "--active-timeout", "0", "--max-flows", "4M")  # fmt: skip
        self.assert_all_metered(account)
        self.assertEqual(account["exported"]["flows"], 2 * each)
        # A set has eight ways, and may by chance be wanted by nine.
        self.assertLess(account["table"]["evictedFlows"], each / 10000)

    def a_tiny_ring_and_a_slow_reader(self, place, detail="basic"):
        with SlowReader() as reader:
            account, _ = self.fire(place, [lambda: Blasts(*NEAR_BOTH_CPUS, rate=50000)],
                                   "--max-flows", "1000", "--detail", detail, "--ring", "64000",
                                   to=reader.to)  # fmt: skip
            self.assertEqual(reader.end(), account["exported"]["records"])
        self.assert_of_one_size(account)
        self.assertGreater(account["setAside"]["noRoom"]["packets"], 0)
        self.assertGreater(account["table"]["evictedFlows"], 0)

    def records_wait_where_the_ring_has_no_room(self, place):
        with SlowReader() as reader:
            senders = [lambda: Blasts(*NEAR_BOTH_CPUS, flows=2000, rate=100000)]
            account, _ = self.fire(place, senders, "--detail", "full", "--active-timeout", "10ms",
                                   "--ring", "64000", to=reader.to)  # fmt: skip
            self.assertEqual(reader.end(), account["exported"]["records"])
        self.assert_all_metered(account)
        self.assertGreater(account["table"]["extended"], 0)

    def nobody_drains(self, place):
        """The daemon is stopped: no scan, nobody at the ring, until long after both are full."""

        def stop(live):
            live.process.send_signal(signal.SIGSTOP)

        def go_on_late(live, wire):
            netns.wait_for(lambda: wire.counted()[0] > 40000, "a lot while nobody drains")
            live.process.send_signal(signal.SIGCONT)

        senders = [lambda: Blasts(*NEAR_BOTH_CPUS, frames=30000, rate=60000)]
        account, _ = self.fire(place, senders, "--max-flows", "1000", "--ring", "64000",
                               "--idle-timeout", "100ms", before=stop,
                               during=go_on_late)  # fmt: skip
        self.assert_of_one_size(account)
        self.assertGreater(account["setAside"]["noRoom"]["packets"], 10000)

    def everything_times_out_all_the_time(self, place, pause="1s"):
        def timed_out(live):
            return {record["sourceTransportPort"] for record in live.records()
                    if record["flowEndReason"] in (1, 2)}  # fmt: skip

        def wait(live):
            netns.wait_for(lambda: timed_out(live) == set(range(2000)), "all have timed out")

        account, _ = self.fire(place, [lambda: Blasts(*SAME_FLOWS, flows=2000, seconds=2.5)],
                               "--idle-timeout", pause, "--active-timeout", pause,
                               "--template", replay.TEMPLATE, to="json", after=wait)  # fmt: skip
        self.assert_all_metered(account)

    def nothing_lasts_a_millisecond(self, place):
        for flows in (200, 0):
            account, _ = self.fire(place, [lambda: Blasts(*SAME_FLOWS, flows=flows, least=100000)],
                                   "--idle-timeout", "1ms", "--active-timeout", "1ms")
            if flows:
                self.assert_all_metered(account)
            # A new flow a frame, as fast as can be sent: a slow machine may find no room, and says so.
            self.assertGreater(account["exported"]["flows"], 10 * flows)

    def two_interfaces_at_once(self, place):
        senders = [lambda: Blasts((netns.NEAR, 0, 1), ("left", 1, 2), flows=500)]
        account, _ = self.fire(place, senders, interfaces=(netns.FAR, "right"))
        self.assert_all_metered(account)


class SlowReader:
    """Of a pipe with a name: a piece in a while, until it is to end; counts lines."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        path = os.path.join(self.folder.name, "pipe")
        os.mkfifo(path)
        reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.writing = os.open(path, os.O_WRONLY)
        os.set_blocking(reading, True)
        self.to = f"json+file:{path}"
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
        self.folder.cleanup()
        return self.lines

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.writing >= 0:
            self.end()
