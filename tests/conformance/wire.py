#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""wire.py WEIR CAPTURE

What leaves the host: the frames of each transport over IPv4 and IPv6, taken from the loopback of a
network namespace of its own; and when it leaves, of a live run. The numbers in brackets are those
of checklist.tsv."""

import collections
import os
import socket
import struct
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "net")]

import capture as capture_file
import netns
from make_pcap import Talk
from session import Receiver, Session, integer, must_replay, weir_replays
from tap import Tap
from tls_listener import Certificates, Server

WEIR = CAPTURE = ""  # set from the command line
MESSAGE = 1400  # octets, as a rule
PATH = 1500  # octets that pass most networks whole
DATAGRAM = {4: 28, 6: 48}  # octets of the headers of IP and UDP
FORMS = {"ipfix": "standard", "netflow9": "v9", "netflow5": "v5"}
END_MS = 153
IDLE_S = 1.5
Frame = collections.namedtuple("Frame", "version length dont_fragment fragment proto payload")


def frame_of(octets):
    packet = octets[14:]
    if packet[0] >> 4 == 4:
        length, _, flags, _, proto = struct.unpack_from(">HHHBB", packet, 2)
        return Frame(4, length, bool(flags & 0x4000), bool(flags & 0x3FFF), proto,
                     packet[(packet[0] & 15) * 4 : length])
    length, proto = struct.unpack_from(">HB", packet, 4)
    return Frame(6, 40 + length, True, proto == 44, proto, packet[40 : 40 + length])


def datagrams(wire):
    frames = [frame_of(packet.data) for packet in wire.frames]
    return [frame for frame in frames if frame.proto == socket.IPPROTO_UDP]


class SizesTest(unittest.TestCase):
    def sent(self, form, version, query=""):
        """(datagrams as frames, what the collector got of each)"""
        receiver = Receiver(False, version)
        with Tap() as wire:
            must_replay(WEIR, CAPTURE, "--template", FORMS[form], "--active-timeout", "1s",
                        "--to", receiver.url(form, query))
            got = receiver.finish()
        return [frame for frame in datagrams(wire) if frame.length > DATAGRAM[version]], got

    def check_whole(self, frames, version):
        self.assertTrue(frames)
        for frame in frames:
            self.assertEqual(frame.version, version)
            self.assertFalse(frame.fragment)
            self.assertTrue(frame.dont_fragment)

    def test_datagrams(self):
        """no datagram is longer than a path takes, nor may be cut on it: IPv4 and IPv6 [17]"""
        for form in FORMS:
            for version in DATAGRAM:
                with self.subTest(form=form, version=version):
                    frames, got = self.sent(form, version)
                    self.check_whole(frames, version)
                    self.assertEqual([frame.payload[8:] for frame in frames], got)
                    longest = max(frame.length for frame in frames)
                    self.assertLessEqual(longest, PATH)
                    if form != "netflow5":
                        self.assertGreater(longest, 1200)

    def test_long_template(self):
        """only a template that cannot be shorter makes a message longer than usual [17]"""
        receiver = Receiver(False)
        must_replay(WEIR, CAPTURE, "--template", "full", "--to", receiver.url("ipfix"))
        session = Session(b"".join(receiver.finish()))
        for message in session.messages:
            if message.length > MESSAGE:
                self.assertEqual([number for number, _ in message.sets], [2])
        self.assertGreater(sum(message.length > 1000 for message in session.messages), 10)

    def test_told_mtu(self):
        """a message is as long as the user says, as 512 octets where no path is known [17]"""
        for form, mtu in (("ipfix", 512), ("netflow9", 512), ("netflow5", 512), ("ipfix", 1232)):
            for version in DATAGRAM:
                with self.subTest(form=form, version=version, mtu=mtu):
                    frames, _ = self.sent(form, version, f"?mtu={mtu}")
                    self.check_whole(frames, version)
                    longest = max(frame.length for frame in frames) - DATAGRAM[version]
                    self.assertLessEqual(longest, mtu)
                    self.assertGreater(longest, mtu - 120)

    def test_dtls(self):
        """neither are records of DTLS [17]"""
        with tempfile.TemporaryDirectory() as folder:
            certificates = Certificates(folder)
            certificates.authority("good")
            certificates.issue("collector", "good", "IP:127.0.0.1,IP:::1")
            for version, host in ((4, "127.0.0.1"), (6, "[::1]")):
                with self.subTest(version), Tap() as wire, \
                        Server(certificates, f"{host}:4740", "-dtls1_2") as server:
                    must_replay(WEIR, CAPTURE, "--template", "standard", "--active-timeout", "1s",
                                "--to", f"ipfix+dtls://{host}?ca={certificates.at('good.pem')}&linger=60")
                    netns.wait_for(server.octets, "the collector gets something")
                frames = datagrams(wire)
                self.check_whole(frames, version)
                longest = max(frame.length for frame in frames)
                self.assertLessEqual(longest, PATH)
                self.assertGreater(longest, 1200)

    def test_short_path(self):
        """where the path takes less, one line says how long messages may be [17]"""
        netns.ip("link set lo mtu 1300")
        self.addCleanup(netns.ip, "link set lo mtu 65536")
        for version in DATAGRAM:
            with self.subTest(version):
                room = 1300 - DATAGRAM[version]
                receivers = [Receiver(False, version), Receiver(False, version)]
                words = ("--active-timeout", "1s", "--to")
                status, errors = weir_replays(WEIR, CAPTURE, *words, receivers[0].url("ipfix"))
                self.assertEqual((status, errors.count("\n")), (0, 1), errors)
                self.assertIn(f"?mtu={room},", errors)
                with Tap() as wire:
                    must_replay(WEIR, CAPTURE, *words, receivers[1].url("ipfix", f"?mtu={room}"))
                    whole = receivers[1].finish()
                frames = [frame for frame in datagrams(wire) if frame.length > DATAGRAM[version]]
                self.check_whole(frames, version)
                self.assertEqual(len(Session(b"".join(receivers[0].finish())).flows()),
                                 len(Session(b"".join(whole)).flows()))


class TimeTest(unittest.TestCase):
    def setUp(self):
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")

    def test_export_time(self):
        """a message of a live run has the time it leaves at, not that of its packets [10]"""
        receivers = {form: Receiver(False) for form in FORMS}
        to = [word for form, one in receivers.items()
              for word in ("--to", one.url(form, f"?template={FORMS[form]}"))]
        talk = Talk()
        with netns.Live(WEIR, [netns.FAR], "--hook", "af_packet", "--idle-timeout",
                        f"{int(IDLE_S * 1000)}ms", *to) as live:
            self.assertTrue(live.metering, live.errors)
            netns.send([talk.udp(0).data])  # more might come so slowly that they were two records
            netns.wait_for(lambda: all(one.chunks for one in receivers.values()), "messages")
            account = live.stop()
            self.assertTrue(account["balanced"])
        now = time.time()
        chunks = {form: one.finish() for form, one in receivers.items()}
        session = Session(b"".join(chunks["ipfix"]))
        ends = [integer(record, END_MS) / 1000 for record in session.flows()]
        self.assertTrue(ends)
        left = max(ends) + IDLE_S  # no record can be out earlier
        times = {"ipfix": session.messages[-1].time}
        for form in ("netflow9", "netflow5"):
            times[form] = struct.unpack_from(">I", chunks[form][-1], 8)[0]
        for form, seconds in times.items():
            with self.subTest(form):
                self.assertGreaterEqual(seconds, int(left))
                self.assertLessEqual(seconds, now)
        uptime, seconds = struct.unpack_from(">II", chunks["netflow5"][-1], 4)
        last = struct.unpack_from(">I", chunks["netflow5"][-1], 24 + 28)[0]
        self.assertAlmostEqual(seconds - (uptime - last) / 1000, max(ends), delta=0.01)

    def test_export_time_of_a_replay(self):
        """a replay's messages have the time of the latest packet so far, the same each time [10]"""
        receivers = [Receiver(False), Receiver(False)]
        for receiver in receivers:
            must_replay(WEIR, CAPTURE, "--template", "standard", "--to", receiver.url("ipfix"))
        chunks = [receiver.finish() for receiver in receivers]
        self.assertEqual(*chunks)
        session = Session(b"".join(chunks[0]))
        times = [message.time for message in session.messages]
        self.assertEqual(times, sorted(times))
        packets, _ = capture_file.readable(CAPTURE)
        self.assertEqual(times[-1], max(packet.time_ns for packet in packets) // 10**9)
        octets = b""
        for message in session.messages:
            octets += message.octets
            self.assertTrue(all(integer(record, END_MS) // 1000 <= message.time
                                for record in Session(octets).flows()))


if __name__ == "__main__":
    WEIR, CAPTURE = (os.path.abspath(path) for path in sys.argv[1:])
    del sys.argv[1:]
    netns.enter()
    netns.ip("link set lo up")
    unittest.main()
