# SPDX-License-Identifier: BSD-2-Clause
"""The weir command as a user meets it: status, the one line of an error, help, account, progress."""

import contextlib
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

WEIR = ""  # set from the command line
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
COMMANDS = ["replay", "templates", "elements", "check", "doctor", "bench", "geo", "geo build",
            "geo lookup", "help"]


def frame(payload=b"hello"):
    """Ethernet, IPv4, UDP."""
    udp = struct.pack("!HHHH", 1000, 2000, 8 + len(payload), 0) + payload
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
                     bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]))
    return bytes(12) + b"\x08\x00" + ip + udp


def pcap(frames):
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    for number, octets in enumerate(frames):
        out += struct.pack("<IIII", 1700000000 + number, 0, len(octets), len(octets)) + octets
    return out


class Cli(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.arp = bytes(12) + b"\x08\x06" + bytes(28)
        self.good = self.write("good.pcap", pcap([frame(), frame(), self.arp]))
        self.cut = self.write("cut.pcap", pcap([frame(), frame()])[:-3])

    def write(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as to:
            to.write(content if isinstance(content, bytes) else content.encode())
        return path

    def weir(self, *arguments, stdin=b""):
        return subprocess.run([WEIR, *arguments], input=stdin, capture_output=True, timeout=120,
                              env=dict(os.environ, LC_ALL="C"), cwd=self.folder, check=False)

    def fails(self, status, arguments, *words):
        """That status, nothing on standard output, one line that has the words."""
        run = self.weir(*arguments)
        errors = run.stderr.decode()
        self.assertEqual(run.returncode, status, errors)
        self.assertEqual(run.stdout, b"")
        self.assertTrue(errors.startswith("weir: "), errors)
        self.assertEqual(errors.count("\n"), 1, errors)
        for word in words:
            self.assertIn(word, errors)


class Usage(Cli):
    def test_no_command_is_wrong_usage(self):
        self.fails(2, [], "weir help")

    def test_an_unknown_command_names_the_nearest(self):
        self.fails(2, ["relpay", "x"], "'relpay'", "did you mean 'replay'")
        self.fails(2, ["zebra"], "'zebra'", "weir help")

    def test_an_unknown_option_names_the_nearest(self):
        self.fails(2, ["replay", "--idle-timout", "3", self.good], "did you mean '--idle-timeout'")

    def test_a_bad_value_names_option_value_and_range(self):
        self.fails(2, ["replay", "--batch", "4096", self.good], "--batch", "'4096'", "1 to 1024")
        self.fails(2, ["replay", "--idle-timeout", "soon", self.good], "--idle-timeout", "'soon'")

    def test_a_capture_must_be_named(self):
        self.fails(2, ["replay"], "FILE")

    def test_what_is_too_much_is_refused(self):
        self.fails(2, ["elements", "all"], "'all'")
        self.fails(2, ["templates", "a", "b"], "'b'")

    def test_a_capture_that_is_not_there_is_a_failure(self):
        self.fails(1, ["replay", "nowhere.pcap"], "nowhere.pcap")

    def test_a_wrong_filter_template_or_destination_is_wrong_usage(self):
        self.fails(2, ["replay", "-f", "tpc", self.good], "tpc")
        self.fails(2, ["replay", "-t", "json+flie:x", self.good], "flie")

    def test_the_capture_that_is_read_is_not_written_over(self):
        with open(self.good, "rb") as capture:
            before = capture.read()
        os.link(self.good, os.path.join(self.folder, "alias"))
        for name in ("good.pcap", "alias"):
            self.fails(2, ["replay", self.good, "--to", "json+file:" + name], name, "being read")
        with open(self.good, "rb") as capture:
            self.assertEqual(capture.read(), before)

    def test_nor_is_it_where_standard_input_is_that_file(self):
        with open(self.good, "rb") as capture:
            run = subprocess.run([WEIR, "replay", "-", "--to", "json+file:good.pcap"], stdin=capture,
                                 capture_output=True, cwd=self.folder, timeout=120, check=False)
            self.assertEqual(run.returncode, 2, run.stderr)
            self.assertEqual(capture.read(), pcap([frame(), frame(), self.arp]))

    def test_the_account_is_not_written_over_the_capture_or_the_records(self):
        before = os.path.getsize(self.good)
        self.fails(2, ["replay", self.good, "--json-stats", "good.pcap"], "good.pcap", "being read")
        self.assertEqual(os.path.getsize(self.good), before)
        self.fails(2, ["replay", self.good, "--json-stats", "out", "--to", "json+file:./out"],
                   "./out", "account")

    def test_nor_is_anything_else_that_the_run_goes_by(self):
        texts = {"--config": "[report]\nquiet = yes\n",
                 "--template": "flowId\nflowEndMilliseconds\n"}  # fmt: skip
        for option, text in texts.items():
            path = self.write("own", text)
            self.fails(2, ["replay", self.good, option, "own", "--to", "json+file:./own"],
                       "name another")
            with open(path, encoding="ascii") as file:
                self.assertEqual(file.read(), text)

    def test_control_characters_do_not_reach_the_terminal(self):
        run = self.weir("re\x1b[31m\nplay")
        self.assertNotIn(b"\x1b", run.stderr)
        self.assertEqual(run.stderr.count(b"\n"), 1)


class Help(Cli):
    def check_page(self, text):
        for line in text.decode().split("\n"):
            self.assertLessEqual(len(line), 80, line)
        self.assertIn(b"Examples:", text)
        self.assertIn(b"Usage:", text)

    def test_every_command_has_help_on_80_columns(self):
        for command in COMMANDS:
            run = self.weir(*command.split(), "--help")
            self.assertEqual((run.returncode, run.stderr), (0, b""), command)
            self.check_page(run.stdout)
            self.assertEqual(run.stdout.split(b"Examples:")[1].count(b"\n  weir "), 3, command)
            self.assertEqual(self.weir("help", *command.split()).stdout, run.stdout)

    def test_help_of_a_command_lists_every_option_of_it(self):
        with open(os.path.join(ROOT, "src", "setup", "options.def"), encoding="utf-8") as file:
            rows = re.findall(r'^OPTION\(\w+, *"([\w-]+)".*?((?:\| )*IN\([^\n]*\))', file.read(),
                              re.MULTILINE | re.DOTALL)  # fmt: skip
        self.assertGreater(len(rows), 30)
        told, missing = {}, []
        for name, takers in rows:
            for command in re.findall(r"IN\((\w+)\)", takers):
                command = command.lower().replace("_", " ")
                if command not in told:
                    told[command] = self.weir(*command.split(), "--help").stdout.decode()
                line = rf"^  (    |-\w, )--(\[no-\])?{name}\b"
                if not re.search(line, told[command], re.MULTILINE):
                    missing.append((command, name))
        self.assertIn("run", told)
        self.assertEqual(missing, [])

    def test_help_is_given_whatever_else_is_asked(self):
        run = self.weir("replay", "--zebra", "--help")
        self.assertEqual((run.returncode, run.stderr), (0, b""))
        self.check_page(run.stdout)

    def test_the_overview_names_every_command(self):
        run = self.weir("--help")
        self.assertEqual(run.returncode, 0)
        self.check_page(run.stdout)
        for command in COMMANDS:
            self.assertIn(f"\n  {command} ".encode(), run.stdout)
        self.assertEqual(self.weir("help").stdout, run.stdout)

    def test_the_version_is_one_line(self):
        self.assertRegex(self.weir("--version").stdout, rb"^weir \d+\.\d+\.\d+\n$")

    def test_a_full_disk_is_noticed(self):
        with open("/dev/full", "wb") as full:
            run = subprocess.run([WEIR, "elements"], stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual(run.returncode, 1)
        self.assertIn(b"weir: standard output:", run.stderr)


class Account(Cli):
    def stats(self, *arguments):
        run = self.weir("replay", "--json-stats", "stats", "-t", "json+file:out", *arguments)
        with open(os.path.join(self.folder, "stats"), encoding="utf-8") as stats:
            return run, json.load(stats)

    def test_it_balances_and_ends_with_saying_so(self):
        run, stats = self.stats(self.good)
        errors = run.stderr.decode()
        self.assertEqual(run.returncode, 0, errors)
        self.assertTrue(errors.endswith("\nbalanced\n"), errors)
        self.assertRegex(errors, r"^room for 1000000 flows, up to \d+ MiB of memory\n")
        self.assertRegex(errors, r"notIp +1 ")
        self.assertNotIn("truncated", errors)
        self.assertTrue(stats["balanced"])
        self.assertFalse(stats["damaged"])
        self.assertEqual(stats["seen"], {"packets": 3, "octets": 2 * 33 + 42,
                                         "frameOctets": 2 * 47 + 42})
        self.assertEqual(stats["metered"], {"packets": 2, "octets": 66, "frameOctets": 94})
        self.assertEqual(stats["setAside"]["notIp"]["packets"], 1)
        self.assertEqual(stats["setAside"]["filtered"]["packets"], 0)
        self.assertEqual(stats["exported"]["packets"], 2)
        self.assertEqual(stats["destinations"][0]["url"], "json+file:out")

    def test_what_the_filter_keeps_out_is_set_aside(self):
        stats = self.stats("-f", "arp", self.good)[1]
        self.assertTrue(stats["balanced"])
        self.assertEqual(stats["setAside"]["filtered"]["packets"], 2)

    def test_a_link_type_that_is_not_read_is_named_once(self):
        content = bytearray(pcap([bytes(64), bytes(64)]))
        content[20:22] = struct.pack("<H", 189)
        usb = self.write("usb.pcap", bytes(content))
        run, stats = self.stats(usb)
        told = [line for line in run.stderr.decode().splitlines() if "is not read" in line]
        self.assertEqual(len(told), 1, run.stderr)
        self.assertRegex(told[0], r"usb\.pcap: link type 189 \(USB_LINUX: .*linkType$")
        self.assertEqual(run.returncode, 0)
        self.assertTrue(stats["balanced"])
        self.assertEqual(stats["setAside"]["linkType"], {"packets": 2, "octets": 128,
                                                         "frameOctets": 128})
        self.assertNotIn(b"is not read", self.weir("replay", "-q", usb).stderr)

    def test_copies_are_set_aside(self):
        stats = self.stats("--dedup", "--dedup-window", "1s", self.good)[1]
        self.assertTrue(stats["balanced"])
        self.assertEqual(stats["setAside"]["duplicate"]["packets"], 1)
        self.assertEqual(self.stats(self.good)[1]["setAside"]["duplicate"]["packets"], 0)

    def test_damage_is_status_1_with_the_account_of_what_came_before(self):
        run, stats = self.stats(self.cut)
        self.assertEqual(run.returncode, 1)
        self.assertTrue(stats["damaged"] and stats["balanced"])
        self.assertEqual(stats["metered"]["packets"], 1)
        last = run.stderr.decode().rstrip("\n").split("\n")[-1]
        self.assertTrue(last.startswith("weir: ") and "cut.pcap" in last, last)

    def test_a_run_that_is_stopped_ends_with_the_account_of_what_it_read(self):
        with subprocess.Popen([WEIR, "replay", "--json-stats", "stats", "-t", "json+file:out", "-"],
                              stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder) as run:
            packets = pcap([frame()] * 1000)
            run.stdin.write(packets + packets[24:] * 60)  # more than waits in pipe and buffers
            run.stdin.flush()
            run.send_signal(signal.SIGINT)
            with contextlib.suppress(BrokenPipeError):
                while True:
                    run.stdin.write(packets[24:])
            errors = run.stderr.read()
            with contextlib.suppress(BrokenPipeError):
                run.stdin.close()
        self.assertEqual(run.returncode, 1)
        self.assertIn(b"\nbalanced\nweir: stopped by a signal;", errors)
        with open(os.path.join(self.folder, "stats"), encoding="utf-8") as stats:
            self.assertTrue(json.load(stats)["balanced"])

    def test_it_goes_to_standard_output_as_well(self):
        run = self.weir("replay", "-q", "--json-stats", "-", "-t", "json+file:out", self.good)
        self.assertTrue(json.loads(run.stdout)["balanced"])

    def test_an_older_longer_account_is_replaced(self):
        self.write("stats", "x" * 100000)
        self.assertTrue(self.stats(self.good)[1]["balanced"])

    def test_where_it_cannot_be_written_nothing_runs(self):
        self.fails(1, ["replay", "--json-stats", "no/where", "-t", "json+file:out", self.good],
                   "no/where")
        self.assertFalse(os.path.exists(os.path.join(self.folder, "out")))

    def test_a_full_disk_is_noticed(self):
        run = self.weir("replay", "-q", "--json-stats", "/dev/full", "-t", "json+file:out", self.good)
        self.assertEqual(run.returncode, 1)
        self.assertIn(b"weir: /dev/full:", run.stderr)

    def test_quiet_leaves_standard_error_empty(self):
        run = self.weir("replay", "--quiet", "-t", "json+file:out", self.good)
        self.assertEqual((run.returncode, run.stderr), (0, b""))


class Config(Cli):
    def test_a_file_without_end_does_not_fill_the_memory(self):
        self.fails(1, ["replay", "-c", "/dev/zero", self.good], "/dev/zero", "larger than")
        self.assertIn(b"/dev/zero: larger than", self.weir("check", "/dev/zero").stderr)

    def test_it_sets_what_the_command_line_does_not(self):
        self.write("weir.conf", "[export]\nto = json+file:a;json+file:b\ntemplate = biflow\n"
                   "[report]\nquiet = yes\njson-stats = stats\n")
        run = self.weir("replay", "-c", "weir.conf", "--json-stats", "other", self.good)
        self.assertEqual((run.returncode, run.stdout, run.stderr), (0, b"", b""))
        names = set(os.listdir(self.folder))
        self.assertTrue({"a", "b", "other"} <= names)
        self.assertNotIn("stats", names)
        self.weir("replay", "-c", "weir.conf", "-t", "json+file:c", self.good)
        self.assertIn("c", os.listdir(self.folder))

    def test_its_faults_are_wrong_usage_with_file_and_line(self):
        self.write("weir.conf", "[meter]\n\nidle-timout = 3\n")
        self.fails(2, ["replay", "-c", "weir.conf", self.good], "weir.conf:3:", "'idle-timeout'")
        self.fails(1, ["replay", "-c", "none.conf", self.good], "none.conf")

    def test_check_tells_every_fault_with_its_line(self):
        self.write("weir.conf", "[meter]\nfilter = tpc\nbatch = 0\n[export]\nto = json+flie:x\n"
                   "template = nope\npen = 29305\n")
        run = self.weir("check", "weir.conf")
        self.assertEqual((run.returncode, run.stdout), (1, b""))
        lines = run.stderr.decode().rstrip("\n").split("\n")
        self.assertEqual(len(lines), 6, lines)
        for number in (2, 3, 5, 6, 7):
            self.assertTrue(any(line.startswith(f"weir: weir.conf:{number}: ") for line in lines),
                            lines)

    def test_check_prints_what_a_good_file_sets(self):
        self.write("weir.conf", "[meter]\nidle-timeout = 60000ms\n")
        run = self.weir("check", "weir.conf")
        self.assertEqual((run.returncode, run.stderr), (0, b""))
        self.assertEqual(run.stdout, b"weir.conf: 1 setting, no fault\n  [meter] idle-timeout = 1m\n")


    def test_check_looks_into_every_exporter(self):
        self.write("weir.conf", "[exporter one]\nto = ipfix+udp://192.0.2.1\nmtu = 70\n"
                   "[exporter two]\nto = ipfix+tls://192.0.2.1\nca = nowhere.pem\n"
                   "[exporter three]\ntemplate = nope\nto = json+file:x\n"
                   "[exporter four]\nqueu = 65536\nto = ipfix+tcp://192.0.2.1\n")
        before = set(os.listdir(self.folder))
        run = self.weir("check", "weir.conf")
        self.assertEqual((run.returncode, run.stdout), (1, b""))
        lines = run.stderr.decode().rstrip("\n").split("\n")
        self.assertEqual(len(lines), 5, lines)
        for start in ('2: destination "one": ', '5: destination "two": ',
                      '9: destination "three": ',
                      "11: unknown key 'queu' in [exporter four]; did you mean 'queue'?"):
            self.assertTrue(any(line.startswith(f"weir: weir.conf:{start}") for line in lines),
                            (start, lines))
        self.assertEqual(set(os.listdir(self.folder)), before)

    def test_exporters_get_records_and_their_names_are_in_the_account(self):
        self.write("weir.conf", "[exporter one]\nto = json+file:a\ntemplate = full\n"
                   "[exporter two]\nto = ipfix+file:b\n")
        run = self.weir("replay", "-c", "weir.conf", "--json-stats", "stats", self.good)
        self.assertEqual(run.returncode, 0, run.stderr)
        with open(os.path.join(self.folder, "stats"), "rb") as file:
            told = json.load(file)
        self.assertEqual([row["name"] for row in told["destinations"]], ["one", "two"])
        self.assertEqual(told["destinations"][0]["url"], "json+file:a?template=full")
        self.assertTrue(all(row["exported"]["flows"] > 0 for row in told["destinations"]))
        self.assertIn(b"  one: ", run.stderr)


class Documents(Cli):
    def test_a_template_that_is_printed_can_be_used(self):
        for name in ("standard", "biflow", "full"):
            self.assertIn(name.encode(), self.weir("templates").stdout)
            run = self.weir("templates", name)
            self.assertEqual(run.returncode, 0)
            path = self.write(f"{name}.tpl", run.stdout)
            for to, template in (("a", name), ("b", path)):
                self.weir("replay", "-t", f"json+file:{to}", "-T", template, self.good)
            with open(os.path.join(self.folder, "a"), "rb") as one:
                with open(os.path.join(self.folder, "b"), "rb") as other:
                    self.assertEqual(one.read(), other.read())

    def test_the_definitions_carry_the_enterprise_number(self):
        run = self.weir("elements", "--for", "libfixbuf", "--pen", "4711")
        self.assertEqual(run.returncode, 0)
        self.assertIn(b"4711", run.stdout)
        self.assertNotIn(b"32473", run.stdout)


class Terminal(Cli):
    """Progress shows on a terminal, and is gone at the end. Packets are fed for as long as it takes."""

    LONG_S = 1.0  # twice the time in which a run stays still

    def run_on_terminal(self, *options):
        """What a terminal on standard error got from a run of LONG_S, or of self.seconds."""
        start = time.monotonic()
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        with subprocess.Popen([WEIR, "replay", "-t", "json+file:out", *options, "-"],
                              stdin=subprocess.PIPE, stderr=slave, cwd=self.folder) as run:
            os.close(slave)
            packets = pcap([frame()] * 2000)
            run.stdin.write(packets)
            end = time.monotonic() + self.LONG_S
            while time.monotonic() < end:
                run.stdin.write(packets[24:])
            run.stdin.write(packets[24:])  # behind the time in which it stays still, too
            run.stdin.close()
            text = self.read_all(master)
        self.seconds = time.monotonic() - start
        self.assertEqual(run.returncode, 0, text)
        return text

    @staticmethod
    def read_all(master):
        text = b""
        try:
            while chunk := os.read(master, 4096):
                text += chunk
        except OSError:  # the other side is closed
            pass
        return text.decode()

    def test_progress_is_drawn_and_wiped_before_the_account(self):
        text = self.run_on_terminal()
        self.assertRegex(text, r"\r[0-9.]+[kM]? packets  [0-9.]+[kM]?/s  -\x1b\[K")
        drawn, account = text.rsplit("\r\x1b[K", 1)
        self.assertLessEqual(drawn.count("\r"), 4 * self.seconds)
        self.assertTrue(account.endswith("\nbalanced\r\n"), account)

    def test_quiet_draws_nothing(self):
        self.assertEqual(self.run_on_terminal("--quiet"), "")

    def test_no_progress_draws_nothing(self):
        text = self.run_on_terminal("--no-progress")
        self.assertNotIn("\x1b", text)
        self.assertTrue(text.endswith("\nbalanced\r\n"), text)


if __name__ == "__main__":
    WEIR = os.path.abspath(sys.argv.pop(1))
    unittest.main()
