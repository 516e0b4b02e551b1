# SPDX-License-Identifier: BSD-2-Clause
"""Live equals replay, exactly: what `weir run` meters is captured at the same interface, and replay
of the capture gives the same records.

The hook's clock and the capture's are two readings. Each frame is sent by itself, and the next one
only when this one is captured; so both readings lie between two of ours, before and after. Hence:

- Replayed with the times before, with those after, and with either by chance, each time also with
  just the other ones, the capture gives records between which the live ones lie. A flow for which
  these disagree in a counter is one whose record hangs on less than that (is a hole filled within
  the time the handshake took?); there are few, and they are left out.
- All else that is no time is equal.
- Live times of packets are the capture's, but for one and the same difference: the conversion of
  the kernel's clock. What it is, is found; that there is one, is what is tested.
- Times between packets differ by no more than the longest such wait, twice.

At the basic level the hook's clock is the one that the kernel's tick moves, and the times before
are read from it too: it may stand still for longer than a tick where the host is busy.
"""

import json
import os
import random
import re
import socket
import struct
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import capture
import netns
import replay

WEIR = DATA = ""  # set from the command line
FRAMES_MIN = 0  # likewise: what shows that the captures are there
FRAME_MIN, FRAME_MAX = 14, 1514
FRAMES_EACH = 60  # of a capture, and of these all:
WHOLE = ("tcptrace_long_rtt.dmp.gz", "zeek_retransmit-timeout.pcapng", "ws_http-ooo.pcap",
         "flowtest_tls13.pcap", "arkime_http-tcp-seq-issue.pcap")  # fmt: skip
OPTIONS = [*replay.NEVER, *replay.ROOM, "--template", "full"]
CONVERSION_MAX_NS = 10**7
ETH_P_ALL = 3
SOL_PACKET, PACKET_AUXDATA, AUXDATA = 263, 8, struct.Struct("=IIIHHHH")
VLAN_VALID = 1 << 4
SO_TIMESTAMPNS = 35
CLOCK_REALTIME_COARSE = 5
CHANCES = 4  # a flow that hangs on four times is left in once in fifty or less

# Not the packets': a name for the flow, and where it was metered.
OWN = re.compile("flowId|.*(in|e)gressInterface.*|(reverse)?(interfaceName|flowDirection)",
                 re.IGNORECASE)  # fmt: skip
CLOCK_FROM_FILE = 512  # of the metric validity
MOMENT = re.compile("flow(Start|End)(Nano|Micro|Milli)?seconds", re.IGNORECASE)
BETWEEN = re.compile(".*(Duration.*|Rtt|RttM.*|RttDeviation|ResponseM.*|ArrivalM.*|ArrivalDeviation)$")
KEY = ("vlanId", "protocolIdentifier", "sourceIPv4Address", "sourceIPv6Address",
       "destinationIPv4Address", "destinationIPv6Address", "sourceTransportPort",
       "destinationTransportPort", "icmpIdentifier")  # fmt: skip


def chosen_frames():
    frames = []
    for path in replay.captures(DATA):
        of_this = [packet.data for packet in capture.readable(path)[0]
                   if packet.link == capture.LINK_ETHERNET
                   and FRAME_MIN <= len(packet.data) <= FRAME_MAX]  # fmt: skip
        frames += of_this if os.path.basename(path) in WHOLE else of_this[:FRAMES_EACH]
    return frames + [segment(sequence) for sequence in (1000, 1200, 1100)]


def segment(sequence):
    """100 octets by TCP; no captured stream has a hole filled as soon as those sent here."""
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 140, 0, 0, 64, 6, 0, bytes([10, 0, 0, 1]),
                     bytes([10, 0, 0, 2]))  # fmt: skip
    tcp = struct.pack("!HHIIBBHHH", 1000, 80, sequence, 1, 0x50, 0x10, 8192, 0, 0)
    return bytes(12) + b"\x08\x00" + ip + tcp + bytes(100)


class Tap:
    """A packet socket at an interface: frames as they were on the wire, with the kernel's time."""

    def __init__(self, interface):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.bind((interface, ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.socket.settimeout(netns.WAIT_S)

    def take(self):
        data, extra, _, _ = self.socket.recvmsg(65536, 512)
        stamp = None
        for level, kind, value in extra:
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                seconds, nanoseconds = struct.unpack("=qq", value)
                stamp = seconds * 10**9 + nanoseconds
            elif level == SOL_PACKET and kind == PACKET_AUXDATA:
                status, _, _, _, _, tag, protocol = AUXDATA.unpack(value[: AUXDATA.size])
                if status & VLAN_VALID:  # the kernel took it out of the frame
                    data = data[:12] + struct.pack("!HH", protocol, tag) + data[12:]
        return stamp, data


class Taken:
    """What was captured of frames sent one by one."""

    def __init__(self, frames, ends, clock):
        self.stamps, self.before, self.after = [], [], []
        self.wrong = 0
        tap = Tap(netns.FAR)
        outs = []
        for end in ends:
            out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            out.bind((end, 0))
            outs.append(out)
        for number, frame in enumerate(frames):
            self.before.append(time.clock_gettime_ns(clock))
            outs[number % len(outs)].send(frame)
            stamp, data = tap.take()
            self.after.append(time.time_ns())
            self.stamps.append(stamp)
            self.wrong += data != frame
        for each in (tap.socket, *outs):
            each.close()

    @property
    def longest_ns(self):
        return max(after - before for before, after in zip(self.before, self.after))

    def ends(self):
        """One end of each wait, in order as always, and then just the others, several times."""
        chance = random.Random(1)
        for bits in (0, *(chance.getrandbits(len(self.before)) for _ in range(CHANCES))):
            for number in (bits, ~bits):
                yield [pair[number >> at & 1] for at, pair in enumerate(zip(self.before, self.after))]


def plain(name):
    """Without the mark of the other direction."""
    return name[7].lower() + name[8:] if name.startswith("reverse") else name


def exact(record):
    """What has to be equal."""
    said = {}
    for name, value in record.items():
        if OWN.fullmatch(name) or MOMENT.fullmatch(plain(name)) or BETWEEN.match(name):
            continue
        said[name] = value & ~CLOCK_FROM_FILE if plain(name) == "metricValidity" else value
    return said


def by_key(records):
    found = {}
    for record in records:
        found.setdefault(tuple(record.get(name) for name in KEY), []).append(record)
    for rows in found.values():  # flows of two tunnels may begin in one tick
        rows.sort(key=lambda record: (json.dumps(exact(record), sort_keys=True),
                                      replay.time_ns(record["flowStartNanoseconds"])))  # fmt: skip
    return found


def moments(record):
    return [replay.time_ns(value) for name, value in sorted(record.items())
            if plain(name).endswith("Nanoseconds") and MOMENT.fullmatch(plain(name))]  # fmt: skip


def clock_of(detail):
    return CLOCK_REALTIME_COARSE if detail == "basic" else time.CLOCK_REALTIME


def differences(live, replayed):
    return [f"{name}: live {mine.get(name)}, replayed {its.get(name)}"
            for mine, its in zip(map(exact, live), map(exact, replayed))
            for name in sorted(mine.keys() | its.keys()) if mine.get(name) != its.get(name)]


class CapturedTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.frames = chosen_frames()
        assert len(cls.frames) > FRAMES_MIN, len(cls.frames)

    def setUp(self):
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")

    def replayed(self, folder, times, options):
        path = os.path.join(folder, "captured.pcap")
        capture.write(path, [capture.Packet(at, capture.LINK_ETHERNET, frame)
                             for at, frame in zip(times, self.frames)])  # fmt: skip
        run = replay.replay(WEIR, path, options)
        self.assertEqual(run.status, 0, run.errors)
        return run.account, by_key(run.records())

    def check(self, detail, *options, ends=(netns.NEAR,)):
        options = [*OPTIONS, "--detail", detail, *options]
        metering = options[options.index("--hook") :]
        with netns.Live(WEIR, [netns.FAR], *options) as live:
            taken = Taken(self.frames, ends, clock_of(detail))
            account = live.stop()
            self.assertEqual(live.status, 0, live.errors)
            records = by_key(live.records())
        self.assertEqual(taken.wrong, 0, "frames as they were sent")
        replaying = options[: len(options) - len(metering)]
        with tempfile.TemporaryDirectory(prefix="weir-") as folder:
            said, middle = self.replayed(folder, taken.stamps, replaying)
            early, late, *others = (self.replayed(folder, times, replaying)[1]
                                    for times in taken.ends())  # fmt: skip
        self.assertEqual(account["seen"], said["seen"])
        self.assertEqual(account["metered"], said["metered"])
        self.assertEqual(account["setAside"], said["setAside"])
        self.assertEqual(records.keys(), middle.keys())
        firm = [key for key in middle
                if self.agree(*(run[key] for run in (middle, early, late, *others)))]  # fmt: skip
        print(f"{' '.join(metering)} --detail {detail}: {len(self.frames)} frames, "
              f"{sum(map(len, records.values()))} records, {len(firm)} of {len(middle)} keys firm, "
              f"longest wait {taken.longest_ns / 1000:.0f} us", flush=True)  # fmt: skip
        self.assertGreater(len(firm), 0.97 * len(middle))
        for key in firm:
            self.assertEqual((len(records[key]), differences(records[key], middle[key])),
                             (len(middle[key]), []), key)  # fmt: skip
            self.assert_between(records[key], middle[key], taken.longest_ns)
        self.assert_one_conversion([(records[key], early[key], late[key]) for key in firm])
        self.assert_telling([record for key in firm for record in records[key]], detail)

    @staticmethod
    def agree(*runs):
        first = list(map(exact, runs[0]))
        return all(list(map(exact, rows)) == first for rows in runs[1:])

    def assert_between(self, live, replayed, wait_ns):
        for mine, theirs in zip(live, replayed):
            for name, value in theirs.items():
                if not BETWEEN.match(name):
                    continue
                unit = 10**6 if name.endswith("Milliseconds") else 10**3
                times = 1 + theirs.get("tcpZeroWindowCount", 0) if "Zero" in name else 1
                self.assertLessEqual(abs(mine[name] - value), 2 * times * wait_ns / unit + 2, name)

    def assert_one_conversion(self, runs):
        low, high = -CONVERSION_MAX_NS, CONVERSION_MAX_NS
        for flows in runs:
            for live, early, late in zip(*flows):
                for mine, least, most in zip(moments(live), moments(early), moments(late)):
                    low, high = max(low, least - mine), min(high, most - mine)
        print(f"  the clocks differ by {low} to {high} ns", flush=True)
        self.assertLessEqual(low, high)

    def assert_telling(self, records, detail):
        """There was something to compare."""
        self.assertEqual({record["flowEndReason"] for record in records}, {3, 4})
        names = ["packetDeltaCount", "reversePacketDeltaCount"]
        if detail != "basic":
            names += ["tcpRttCount", "tcpHandshakeRtt", "tcpRetransmittedPacketCount",
                      "tcpDuplicateAckCount", "tcpResponseCount"]  # fmt: skip
        if detail == "full":
            names += ["interArrivalCount", "fragmentCount", "packetLength1518"]
        for name in names:
            self.assertGreater(sum(record.get(name) or 0 for record in records), 0, name)

    def test_xdp_in_the_driver_at_full_detail(self):
        self.check("full", "--hook", "xdp")

    def test_generic_xdp_at_tcp_detail(self):
        self.check("tcp", "--hook", "xdp-generic")

    def test_tc_at_basic_detail(self):
        self.check("basic", "--hook", "tc")

    def test_tc_in_both_directions_at_full_detail(self):
        self.check("full", "--hook", "tc", "--direction", "both", ends=(netns.NEAR, netns.FAR))


if __name__ == "__main__":
    WEIR, DATA, FRAMES_MIN = sys.argv.pop(1), sys.argv.pop(1), int(sys.argv.pop(1))
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # and every frame stays on this CPU
    netns.enter()
    unittest.main()
