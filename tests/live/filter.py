# SPDX-License-Identifier: BSD-2-Clause
"""`weir run --filter`: at every hook it meters what tcpdump would choose, and accounts for the rest;
another process goes on with another filter while traffic flows."""

import os
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import capture
import netns

WEIR = BLAST = DATA = ""  # set from the command line
SIZE = 100
SO_RCVBUFFORCE = 33
EACH = 40  # frames of a capture
PINNED = "/sys/fs/bpf/weir"
CAPTURES = ["ipfixprobe_vlan.pcap", "libtrace_qinq.pcap", "zeek_pppoe.pcap", "zeek_icmp6-ping.pcap",
            "tcptrace_6syns.dmp.gz", "flowtest_ipv4-udp-fragmented.pcap", "ndpi_sctp.cap",
            "tcpdump_mpls-over-udp.pcap", "ws_http-ooo.pcap", "zeek_window-scale-range.pcap"]  # fmt: skip
# A receiver's stack takes the outer tag out of a frame before tc and packet sockets see it.
EXPRESSIONS = ["tcp", "vlan and ip", "vlan and vlan", "udp or icmp6", "ether[12:4] >> 16 = 0x8100",
               "ether[ether[15] + 1:2] > 0x4500", "ether[14] & 0xe0 = 0 and len > 100", "ether[10:4] & 0xffff = 0x8100"]  # fmt: skip
MOST = len(EXPRESSIONS)
HOOKS = (["--hook", "xdp"], ["--hook", "xdp-generic"], ["--hook", "tc"], ["--hook", "af_packet"])


def frames_of(folder):
    frames = []
    for name in CAPTURES:
        found = [packet.data for packet in capture.readable(os.path.join(folder, name))[0][:EACH]
                 if packet.link == capture.LINK_ETHERNET and 60 <= packet.length == len(packet.data) <= 1500]  # fmt: skip
        frames += found
    frames += [data[:12] + b"\x81\x00\x20\x05" + data[12:] for data in frames[:50]]
    frames += [data[:12] + b"\x88\xa8\x00\x07" + data[12:] for data in frames[:50]]
    return frames


def tcpdump(frames, expression):
    """(packets, octets) that it lets through."""
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for data in frames:
            file.write(struct.pack("<IIII", 0, 0, len(data), len(data)) + data)
        file.flush()
        done = subprocess.run(["tcpdump", "-Z", "root", "-r", file.name, "-w", "-", "--", expression],
                              capture_output=True, check=True)  # fmt: skip
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(done.stdout)
        file.flush()
        chosen = capture.readable(file.name)[0]
    return len(chosen), sum(packet.length for packet in chosen)


class FilterTest(unittest.TestCase):
    def setUp(self):
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")

    def live(self, *options):
        live = netns.Live(WEIR, [netns.FAR], *options)
        self.addCleanup(live.close)
        self.assertTrue(live.metering, live.errors)
        return live

    def check(self, account, frames, chosen, what):
        packets, octets = chosen
        filtered = account["setAside"]["filtered"]
        self.assertTrue(account["balanced"], what)
        self.assertEqual(account["seen"]["packets"], len(frames), what)
        self.assertEqual(account["seen"]["frameOctets"], sum(map(len, frames)), what)
        self.assertEqual(filtered["packets"], len(frames) - packets, what)
        self.assertEqual(filtered["frameOctets"], sum(map(len, frames)) - octets, what)
        others = sum(reason["packets"] for name, reason in account["setAside"].items() if name != "filtered")
        self.assertEqual(account["metered"]["packets"], packets - others, what)

    def test_every_hook_chooses_what_tcpdump_chooses(self):
        frames = frames_of(DATA)
        self.assertGreater(len(frames), 200)
        for expression in EXPRESSIONS[:MOST]:
            chosen = tcpdump(frames, expression)
            self.assertTrue(0 < chosen[0] < len(frames), expression)
            for hook in HOOKS:
                live = self.live("--filter", expression, *hook)
                netns.send(frames)
                account = live.stop()
                self.assertEqual(live.status, 0, live.errors)
                self.check(account, frames, chosen, f"{expression} {hook}")

    def test_packets_that_leave(self):
        frames = frames_of(DATA)
        live = self.live("--filter", "vlan and ip", "--hook", "tc", "--direction", "out")
        netns.send(frames, netns.FAR, netns.NEAR)
        self.check(live.stop(), frames, tcpdump(frames, "vlan and ip"), "out")

    def test_another_filter_while_traffic_flows(self):
        """The kernel meters on by the filter it has, and exchanges it without missing a packet."""
        for hook in HOOKS[:3]:
            blast = None
            base = netns.Counters(netns.FAR).rx_frames
            turns = (["--filter", "udp"], ["--filter", "udp port 9"], [], ["--filter", "tcp"],
                     ["--filter", "udp", "--detail", "tcp"])  # fmt: skip
            for turn, options in enumerate(turns):
                live = self.live("--instance", "edge", *hook, *options)
                blast = blast or netns.Blast(BLAST, interface=netns.NEAR, size=SIZE, rate=50000, flows=2000)
                self.addCleanup(blast.stop)
                start = netns.Counters(netns.FAR).rx_frames
                netns.wait_for(lambda: netns.Counters(netns.FAR).rx_frames > start + 20000, "traffic")
                if turn < len(turns) - 1:
                    live.kill()
            frames = blast.stop()["frames"]
            netns.wait_for(lambda: netns.Counters(netns.FAR).rx_frames >= base + frames, "every frame")
            account = live.stop()
            self.assertEqual(live.status, 0, live.errors)
            self.assertTrue(account["balanced"], account)
            self.assertEqual(account["seen"]["packets"], frames, hook)
            self.assertEqual(account["seen"]["frameOctets"], frames * SIZE, hook)
            filtered = account["setAside"]["filtered"]["packets"]
            self.assertGreater(filtered, 20000)
            self.assertGreater(account["metered"]["packets"], 40000)
            self.assertEqual(account["metered"]["packets"] + filtered, frames, account)
            self.assertEqual(os.listdir(PINNED) if os.path.isdir(PINNED) else [], [])

    def test_left_by_a_dead_process(self):
        """What it left in the kernel goes on without it, and `weir stop` takes all of it away."""
        frames = frames_of(DATA)
        live = self.live("--instance", "edge", "--filter", "tcp", "--hook", "xdp")
        live.kill()
        netns.send(frames)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "account")
            subprocess.run([WEIR, "stop", "edge", "-q", "--to", f"json+file:{folder}/json", "--json-stats", path],
                           check=True, timeout=netns.WAIT_S)  # fmt: skip
            with open(path, encoding="utf-8") as file:
                account = netns.json.load(file)
        self.check(account, frames, tcpdump(frames, "tcp"), "dead")
        self.assertEqual(os.listdir(PINNED) if os.path.isdir(PINNED) else [], [])

    def test_what_is_dropped_is_what_is_metered(self):
        """The host keeps what the filter leaves out."""
        frames = frames_of(DATA)
        with netns.socket.socket(netns.socket.AF_PACKET, netns.socket.SOCK_RAW, 0x0300) as host:
            host.setsockopt(netns.socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
            host.bind((netns.FAR, 3))
            live = self.live("--filter", "tcp", "--hook", "xdp", "--drop")
            netns.send(frames)
            account = live.stop()
            host.setblocking(False)
            kept = 0
            while True:
                try:
                    host.recv(65536)
                    kept += 1
                except BlockingIOError:
                    break
        self.assertEqual(kept, account["setAside"]["filtered"]["packets"])
        self.assertEqual(kept, len(frames) - tcpdump(frames, "tcp")[0])

    def test_refused(self):
        """One line with libpcap's words, and nothing is touched."""
        for expression, words in (("tcp prot 80", "syntax error"), ("inbound", "--direction")):  # fmt: skip
            with tempfile.TemporaryDirectory() as folder:
                done = subprocess.run([WEIR, "run", netns.FAR, "--filter", expression], cwd=folder,
                                      capture_output=True, text=True, timeout=netns.WAIT_S, check=False)  # fmt: skip
                self.assertEqual(done.returncode, 2, done.stderr)
                told = [line for line in done.stderr.splitlines() if "filter" in line]
                self.assertEqual(len(told), 1, done.stderr)
                self.assertIn(words, told[0])
        self.assertEqual(os.listdir(PINNED) if os.path.isdir(PINNED) else [], [])


if __name__ == "__main__":
    WEIR, BLAST, DATA = sys.argv.pop(1), sys.argv.pop(1), sys.argv.pop(1)
    MOST = int(sys.argv.pop(1)) if sys.argv[1:] else MOST  # an emulated machine is slow
    netns.enter()
    unittest.main()
