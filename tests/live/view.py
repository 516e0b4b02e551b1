# SPDX-License-Identifier: BSD-2-Clause
"""`weir run` without --to: the view on a terminal, the lines elsewhere, the IPFIX file, the end."""

import datetime
import glob
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import termios
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import capture
import netns
import screen

WEIR = BLAST = DATA = ""  # set from the command line
CAPTURE = "mercury_emix.pcap"
OPTIONS = ["--max-flows", "65536", "--idle-timeout", "1s"]
HOOKS = (["--hook", "xdp"], ["--hook", "af_packet"])
NAME = re.compile(r"weir-far-\d{8}T\d{6}Z\.ipfix")
ARROW = re.compile(r" +> \S+$")
FLOW = re.compile(r"\d\d:\d\d:\d\d +(?:\d\S* +)?\w\S* +\S+(?: > \S+)? .* (end|idle|active|forced)$")


def row(lines, name):
    """The numbers of a line of the account."""
    found = [line for line in lines if line.startswith(name)]
    return [int(word) for word in found[0][len(name) :].split() if word.isdigit()] if found else []


def frames():
    packets, _ = capture.readable(os.path.join(DATA, CAPTURE))
    return [packet.data for packet in packets if 14 <= len(packet.data) <= 1514]


class ViewTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.frames = frames()
        cls.octets = sum(len(frame) for frame in cls.frames)

    def setUp(self):
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")
        folder = tempfile.TemporaryDirectory(prefix="weir-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.stats = os.path.join(self.folder, "account")

    def open(self, *options, rows=24, columns=80, shown=True):
        terminal = screen.Terminal([WEIR, "run", netns.FAR, *OPTIONS, *options,
                                    "--json-stats", self.stats],
                                   rows, columns, cwd=self.folder)  # fmt: skip
        self.addCleanup(terminal.close)
        if shown:
            terminal.until(lambda screen: screen.modes["alternate"], "the view")
            terminal.until(lambda screen: row(screen.lines, "seen") == [0, 0], "a frame")
        return terminal

    def account(self):
        with open(self.stats, encoding="utf-8") as file:
            return json.load(file)

    def files(self):
        return sorted(glob.glob(os.path.join(self.folder, "*.ipfix")))

    def assert_restored(self, terminal):
        self.assertEqual(terminal.screen.modes, {"alternate": False, "cursor": True, "wraps": True})
        self.assertFalse(terminal.screen.bold)
        self.assertEqual(terminal.attributes(), terminal.found)

    def assert_truth(self, terminal):
        """The screen comes to say what was sent."""
        sent = [len(self.frames), self.octets]
        terminal.until(lambda screen: row(screen.lines, "seen") == sent
                       and row(screen.lines, "in cache")[:1] == [0], "the truth")  # fmt: skip
        lines = terminal.screen.lines
        metered, frame_octets, octets = row(lines, "metered")
        aside, aside_octets = row(lines, "set aside")
        self.assertEqual([metered + aside, frame_octets + aside_octets], sent)
        self.assertEqual(row(lines, "exported")[:2], [metered, octets])
        self.assertEqual(row(lines, "  notIp")[:2], [aside, aside_octets])
        return lines

    def check_size(self, terminal, amounts):
        """Flows fill the window to its last row, but for one that would need two."""

        def fills(shown):
            heading = next((i for i, line in enumerate(shown.lines) if line.startswith("UTC")), 0)
            flows = shown.lines[heading + 1 :]
            return (heading in shown.bold_rows and amounts in shown.lines[heading]
                    and all(FLOW.match(line) or ARROW.match(line) for line in flows[:-1])
                    and sum(bool(FLOW.match(line)) for line in flows) > len(flows) // 2)  # fmt: skip

        terminal.until(fills, "a window full of flows")
        self.assert_truth(terminal)

    def check_end(self, terminal, told):
        """Ended well: what stays on the terminal, and the files."""
        self.assertEqual(terminal.end(), 0)
        self.assert_restored(terminal)
        text = "\n".join(terminal.screen.lines)
        account = self.account()
        self.assertTrue(account["balanced"])
        self.assertIn("balanced", terminal.screen.lines)
        for name in ("seen", "metered", "set aside", "exported", "in cache"):
            self.assertEqual(row(terminal.screen.lines, name)[:2], row(told, name)[:2], name)
        self.assertEqual(account["seen"]["packets"], len(self.frames))
        (path,) = self.files()
        self.assertRegex(os.path.basename(path), NAME)
        name, octets = os.path.basename(path), os.path.getsize(path)
        self.assertIn(f"weir: records go to {name}\n", text)
        records = account["exported"]["records"]
        self.assertIn(f"weir: {name}: {records} records, {octets} octets\n", text)

    def test_the_screen_tells_the_truth_in_every_size(self):
        for hook in HOOKS:
            terminal = self.open(*hook, rows=40, columns=120)
            netns.send(self.frames)
            for rows, columns, amounts in ((40, 120, "PACKETS"), (24, 80, "PKTS"),
                                           (60, 132, "PACKETS")):  # fmt: skip
                terminal.resize(rows, columns)
                self.check_size(terminal, amounts)
            told = terminal.screen.lines
            terminal.type(b"\x03")
            self.check_end(terminal, told)
            os.unlink(self.files()[0])

    def test_what_is_typed_does_not_show(self):
        terminal = self.open()
        terminal.type(b"hello\r")
        netns.send(self.frames)
        self.assert_truth(terminal)
        self.assertNotIn(b"hello", terminal.raw)
        terminal.type(b"\x03")
        self.assertEqual(terminal.end(), 0)
        self.assert_restored(terminal)

    def test_every_signal_gives_the_terminal_back(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            terminal = self.open()
            terminal.process.send_signal(number)
            self.assertEqual(terminal.end(), 0)
            self.assert_restored(terminal)
            self.assertIn("balanced", terminal.screen.lines)
        for number in (signal.SIGQUIT, signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS):
            terminal = self.open()
            terminal.process.send_signal(number)
            self.assertNotEqual(terminal.end(), 0)
            self.assert_restored(terminal)
            stopped = subprocess.run([WEIR, "stop", netns.FAR, "--quiet", "--to",
                                      "ipfix+file:/dev/null"], check=False)  # fmt: skip
            self.assertEqual(stopped.returncode, 0, "what the kernel went on with is ended")

    def test_an_error_at_the_end_gives_the_terminal_back(self):
        terminal = self.open("--to", "json+file:/dev/full", "--view")
        netns.send(self.frames)
        terminal.until(lambda screen: row(screen.lines, "  failed"), "the failure")
        terminal.type(b"\x03")
        self.assertEqual(terminal.end(), 1)
        self.assert_restored(terminal)
        self.assertIn("/dev/full", "\n".join(terminal.screen.lines))
        self.assertEqual(self.files(), [])

    def test_a_terminal_that_takes_nothing_stalls_nothing(self):
        terminal = self.open()
        termios.tcflow(terminal.slave, termios.TCOOFF)
        before = os.path.getsize(self.files()[0])
        netns.send(self.frames)
        netns.wait_for(lambda: os.path.getsize(self.files()[0]) > before + 10000, "records")
        terminal.process.send_signal(signal.SIGINT)
        netns.wait_for(lambda: "xdp" not in netns.shown(netns.FAR), "the end of metering")
        termios.tcflow(terminal.slave, termios.TCOON)
        self.assertEqual(terminal.end(), 0)
        self.assert_restored(terminal)
        self.assertEqual(self.account()["seen"]["packets"], len(self.frames))
        self.assertTrue(self.account()["balanced"])

    def test_a_terminal_that_is_not_read_stalls_nothing(self):
        terminal = self.open(rows=200, columns=300)
        blast = netns.Blast(BLAST, interface=netns.NEAR, rate=20000, flows=0)
        self.addCleanup(blast.stop)
        size = os.path.getsize(self.files()[0])
        for turn in range(30):  # every size is a frame, until the pty is full
            terminal.set_size(200 + turn % 2, 300)
            size += 5000
            netns.wait_for(lambda: os.path.getsize(self.files()[0]) > size, "records")
        sent = blast.stop()["frames"]
        netns.wait_for(lambda: netns.Counters(netns.FAR).rx_frames >= sent, "all frames")
        terminal.screen.resize(201, 300)
        terminal.process.send_signal(signal.SIGINT)
        self.assertEqual(terminal.end(), 0)
        self.assert_restored(terminal)
        self.assertTrue(self.account()["balanced"])
        self.assertEqual(self.account()["seen"]["packets"], sent)

    def test_a_second_signal_ends_it_at_once(self):
        terminal = self.open()
        termios.tcflow(terminal.slave, termios.TCOOFF)  # it waits for that at the end
        terminal.process.send_signal(signal.SIGINT)
        netns.wait_for(lambda: "xdp" not in netns.shown(netns.FAR), "the end of metering")
        terminal.process.send_signal(signal.SIGINT)
        self.assertEqual(terminal.process.wait(timeout=netns.WAIT_S), -signal.SIGINT)
        self.assertEqual(terminal.attributes(), terminal.found)

    def test_a_stopped_run_gives_the_terminal_to_the_shell(self):
        terminal = screen.Terminal(["bash", "--norc", "--noediting", "-i"], cwd=self.folder,
                                   environment={"PS1": "$ "})  # fmt: skip
        self.addCleanup(terminal.close)
        drawn = lambda shown: shown.modes["alternate"] and row(shown.lines, "seen")  # noqa: E731
        terminal.type(f"{WEIR} run {netns.FAR} {' '.join(OPTIONS)}\n".encode())
        terminal.until(drawn, "the view")
        terminal.type(b"\x1a")
        terminal.until(lambda shown: any("Stopped" in line for line in shown.lines), "a stop")
        self.assert_given_back(terminal)
        terminal.type(b"bg\n")
        size = os.path.getsize(self.files()[0])
        netns.send(self.frames)
        netns.wait_for(lambda: os.path.getsize(self.files()[0]) > size + 10000, "records")
        terminal.read()
        self.assert_given_back(terminal)
        terminal.type(b"fg\n")
        terminal.until(drawn, "the view again")
        terminal.type(b"\x03")
        terminal.until(lambda shown: "balanced" in shown.lines, "the end")
        terminal.type(b"exit\n")
        terminal.end()
        self.assert_restored(terminal)

    def assert_given_back(self, terminal):
        self.assertEqual(terminal.screen.modes, {"alternate": False, "cursor": True, "wraps": True})
        self.assertTrue(terminal.attributes()[3] & termios.ECHO)

    def run_piped(self, *options, stop=True, status=0, cwd=None):
        """What it says on standard output and standard error."""
        process = subprocess.Popen([WEIR, "run", netns.FAR, *OPTIONS, *options],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, cwd=cwd or self.folder,
                                   preexec_fn=netns.end_with_parent)  # fmt: skip
        self.addCleanup(process.kill)
        if stop:
            netns.wait_for(lambda: "xdp" in netns.shown(netns.FAR), "metering")
            netns.send(self.frames)
            process.send_signal(signal.SIGINT)
        said, errors = process.communicate(timeout=netns.WAIT_S)
        self.assertEqual(process.returncode, status, errors)
        return said, errors

    def test_without_a_terminal_flows_are_lines(self):
        said, errors = self.run_piped("--json-stats", self.stats)
        account = self.account()
        self.assertEqual(said.count("\n"), account["exported"]["flows"] + 1)
        self.assertNotIn("\x1b", said + errors)
        self.assertIn("\nbalanced\n", errors)
        self.assertRegex(errors, NAME)
        (path,) = self.files()
        self.assertGreater(os.path.getsize(path), 10000)

    def test_quiet_writes_the_file_alone(self):
        self.assertEqual(self.run_piped("--quiet"), ("", ""))
        (path,) = self.files()
        self.assertGreater(os.path.getsize(path), 10000)
        terminal = self.open("--quiet", shown=False)
        netns.wait_for(lambda: "xdp" in netns.shown(netns.FAR), "metering")
        terminal.type(b"\x03")
        self.assertEqual(terminal.end(), 0)
        self.assertEqual(terminal.raw.replace(b"^C", b""), b"")
        self.assertEqual(len(self.files()), 2)

    def test_no_file_is_written_over(self):
        start = datetime.datetime.now(datetime.timezone.utc)
        for second in range(netns.WAIT_S):
            time = start + datetime.timedelta(seconds=second)
            for end in ("", "-2"):
                name = f"weir-far-{time:%Y%m%dT%H%M%SZ}{end}.ipfix"
                with open(os.path.join(self.folder, name), "w", encoding="ascii") as file:
                    file.write("mine")
        before = set(self.files())
        self.run_piped()
        (path,) = set(self.files()) - before
        self.assertTrue(path.endswith("Z-3.ipfix"))
        for other in before:
            with open(other, encoding="ascii") as file:
                self.assertEqual(file.read(), "mine")

    def test_a_folder_that_cannot_be_written_to(self):
        said, errors = self.run_piped(stop=False, status=1, cwd="/proc")
        self.assertEqual(said, "")
        self.assertEqual(errors.count("\n"), 1)
        self.assertIn("--to", errors)

    def test_a_run_that_does_not_begin_leaves_no_file(self):
        self.run_piped("nowhere", stop=False, status=1)
        self.assertEqual(self.files(), [])
        self.run_piped("--view", stop=False, status=2)
        self.run_piped("--view", "--to", "json+file:-", stop=False, status=2)
        self.assertEqual(self.files(), [])


if __name__ == "__main__":
    WEIR, BLAST, DATA = sys.argv.pop(1), sys.argv.pop(1), sys.argv.pop(1)
    netns.enter()
    unittest.main()
