# SPDX-License-Identifier: BSD-2-Clause
"""weir top over a running instance: the sums are those of the packets that were sent, whatever the
hook; and the view outlives a run that stops, dies or is not there any more.

live.py WEIR DATA"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import capture
import looks
import netns
import packets
import tmux

WEIR = DATA = ""  # set from the command line
CAPTURE = "flowtest_http_get.pcap"
# Flows stay in the cache, whatever the machine takes its time for.
OPTIONS = ["--idle-timeout", "1h", "--active-timeout", "1h", "--detail", "tcp"]
HOOKS = (["--hook", "xdp"], ["--hook", "af_packet"])
TIMES = 5
MOST = 20


def turned(frame):
    """The same, the other way."""
    addresses, ports = frame[26:34], frame[34:38]
    return (frame[:26] + addresses[4:] + addresses[:4] + ports[2:] + ports[:2] + frame[38:])


def told():
    """What `weir stats` says."""
    return json.loads(subprocess.run([WEIR, "stats", "--json"], capture_output=True, text=True,
                                     check=True).stdout)  # fmt: skip


class LiveTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        path = os.path.join(DATA, CAPTURE)
        read, _ = capture.readable(path)
        # Without what ends the connection: it goes on, however often it is sent.
        cls.frames = [p.data for p in read if not p.data[47] & 5] * TIMES
        found = packets.packets(path)
        cls.found = [p for p, frame in zip(found, read) if not frame.data[47] & 5] * TIMES
        cls.hosts = packets.hosts(cls.found)
        cls.by_host = {name: packets.short(row.octets) for name, row in cls.hosts.items()}

    def setUp(self):
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")

    def meter(self, *options):
        live = netns.Live(WEIR, [netns.FAR], *OPTIONS, *options)
        self.addCleanup(live.close)
        self.addCleanup(self.end, live)  # what is killed leaves the kernel metering
        return live

    def end(self, live):
        if live.process.poll() is None:
            live.process.send_signal(signal.SIGCONT)
            live.stop()

    def open(self, *words, **options):
        view = looks.View(WEIR, "--interval", "100ms", *words, **options)
        self.addCleanup(view.close)
        view.until(lambda lines: lines[0].endswith("running"), "an answer")
        return view

    def until_all_is_told(self, view, octets=None):
        octets = octets or sum(p.octets for p in self.found)
        return view.until(lambda lines: looks.rows(lines).get("total", {}).get("OCTETS")
                          == packets.short(octets), "all that was sent")  # fmt: skip

    def octets_of(self, lines):
        """By host."""
        rows = looks.rows(lines)
        rows.pop("total", None)
        return {name: row["OCTETS"] for name, row in rows.items()}

    def check_hosts(self, lines):
        self.assertEqual(self.octets_of(lines), self.by_host)

    def meter_and_see(self, *hook):
        """A run and a view of all that was sent, by host. What came before a look, but was metered
        after it, as may be where the machine has other work, is told as others': once more then."""
        for _ in range(MOST):
            live = self.meter(*hook)
            view = self.open()
            netns.send(self.frames)
            self.until_all_is_told(view)
            lines = view.until(lambda lines: self.octets_of(lines) == self.by_host
                               or self.octets_of(lines).get("(others)", "0") != "0", "whose it is")  # fmt: skip
            if self.octets_of(lines) == self.by_host:
                return live, view
            view.close()
            self.end(live)
        self.fail("others have it, again and again")

    def test_what_is_seen_is_what_was_sent(self):
        for hook in HOOKS:
            live, view = self.meter_and_see(*hook)
            seen = f" seen {packets.short(len(self.frames))} "
            view.until(lambda lines: seen in lines[1], "the account")
            self.assertIn("max", view.lines[2])
            view.keys("2")
            view.until(lambda lines: looks.shown(lines).startswith(" conversations"), "pairs")
            view.keys("Enter")
            view.until(lambda lines: "TCP " in lines[looks.heading(lines) + 1], "flows")
            view.keys("q")
            self.assertEqual(view.status(), 0)
            self.assertEqual(live.stop()["metered"]["packets"], len(self.found))

    def test_flows_that_are_gone_are_others(self):
        self.meter("--hook", "af_packet", "--max-flows", "8")
        view = self.open()
        crowd = [self.sender(number) for number in range(200)]
        netns.send(crowd)
        octets = sum(len(frame) - 14 for frame in crowd)
        lines = self.until_all_is_told(view, octets)
        self.assertIn("(others)", looks.rows(lines) | {"(others)": 0})
        self.assertEqual(looks.rows(lines)["total"]["PKTS"], packets.short(len(crowd)))

    def sender(self, number):
        """A packet from an address and a port of its own."""
        frame = bytearray(self.frames[0])
        frame[29] = number
        frame[34:36] = (1024 + number).to_bytes(2, "big")
        return bytes(frame)

    def test_the_total_is_the_accounts_whatever_ends_meanwhile(self):
        read, _ = capture.readable(os.path.join(DATA, "mercury_emix.pcap"))
        frames = [p.data for p in read if 14 <= len(p.data) <= 1514]
        live = netns.Live(WEIR, [netns.FAR], "--hook", "xdp", "--idle-timeout", "1s")
        self.addCleanup(live.close)
        self.addCleanup(self.end, live)
        view = self.open()
        for _ in range(3):
            netns.send(frames)
        metered = told()["metered"]
        lines = self.until_all_is_told(view, metered["octets"])
        self.assertEqual(looks.rows(lines)["total"]["PKTS"], packets.short(metered["packets"]))

    def test_a_reply_that_another_cpu_has_counts_once(self):
        """It stays in the cache when the query has left."""
        live = netns.Live(WEIR, [netns.FAR], "--hook", "xdp", "--idle-timeout", "1s")
        self.addCleanup(live.close)
        self.addCleanup(self.end, live)
        view = self.open()
        queries = [self.sender(number) for number in range(200)]
        replies = [turned(frame) for frame in queries]
        mine = sorted(os.sched_getaffinity(0))
        self.addCleanup(os.sched_setaffinity, 0, mine)
        for cpu, frames in ((mine[0], queries), (mine[-1], replies)):
            os.sched_setaffinity(0, [cpu])
            netns.send(frames)
            time.sleep(0.6)
        netns.wait_for(lambda: told()["inCache"]["flows"] == 0, "that all have ended")
        octets = sum(len(frame) - 14 for frame in queries + replies)
        lines = self.until_all_is_told(view, octets)
        self.assertEqual(looks.rows(lines)["total"]["PKTS"], packets.short(2 * len(queries)))

    def test_once(self):
        self.meter("--hook", "xdp")
        netns.send(self.frames)
        shown = subprocess.run([WEIR, "top", "--once", "--interval", "100ms"], capture_output=True,
                               text=True, check=True).stdout.splitlines()  # fmt: skip
        rows = {words[9]: tuple(map(int, words[:6])) for words in
                (line.split(None, 9) for line in shown[1:])}  # fmt: skip
        del rows["total"]
        self.assertEqual(rows, {name: tuple(row) for name, row in self.hosts.items()})

    def test_a_run_that_dies_and_comes_back(self):
        live, view = self.meter_and_see("--hook", "af_packet")
        live.kill()
        view.until(lambda lines: "running" not in lines[0] and "refused" in lines[0], "that it died")
        self.check_hosts(view.lines)
        again = self.meter("--hook", "af_packet")
        view.until(lambda lines: lines[0].endswith("running"), "that it is back")
        self.check_hosts(view.lines)
        again.stop()
        view.until(lambda lines: not lines[0].endswith("running"), "that it ended")
        view.keys("q")
        self.assertEqual(view.status(), 0)

    def test_a_run_that_does_not_answer(self):
        live = self.meter("--hook", "af_packet")
        view = self.open()
        live.process.send_signal(signal.SIGSTOP)
        view.keys("2")
        view.until(lambda lines: looks.shown(lines).startswith(" conversations"), "that keys work")
        view.keys("q")
        self.assertEqual(view.status(), 0)

    def test_nothing_runs(self):
        done = subprocess.run([WEIR, "top", "--once"], capture_output=True, text=True, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stdout, "")
        self.assertIn("nothing runs", done.stderr)

    def test_a_name_that_is_a_run_is_no_file(self):
        self.meter("--hook", "af_packet")
        folder = tempfile.TemporaryDirectory(prefix="weir-")
        self.addCleanup(folder.cleanup)
        with open(os.path.join(folder.name, netns.FAR), "w", encoding="ascii"):
            pass
        subprocess.run([WEIR, "top", "--once", "--interval", "100ms", netns.FAR], cwd=folder.name,
                       capture_output=True, check=True)  # fmt: skip


if __name__ == "__main__":
    WEIR, DATA = os.path.abspath(sys.argv.pop(1)), os.path.abspath(sys.argv.pop(1))
    tmux.need()
    netns.enter()
    unittest.main()
