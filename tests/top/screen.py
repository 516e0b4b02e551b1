# SPDX-License-Identifier: BSD-2-Clause
"""weir top over captures, as a user sees it: keys typed, screens read, in windows of several sizes,
with colours and without; and however it ends, the terminal is as it was.

screen.py WEIR DATA"""

import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import looks
import packets
import tmux

WEIR = DATA = ""  # set from the command line
CAPTURE = "mercury_emix.pcap"
SHORT = "flowtest_http_get.pcap"
SIZES = ((24, 80), (12, 40), (50, 200))


class ScreenTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.path = os.path.join(DATA, CAPTURE)
        cls.found = packets.packets(cls.path)
        cls.hosts = packets.hosts(cls.found)
        cls.largest = sorted(cls.hosts, key=lambda name: -cls.hosts[name].octets)

    def open(self, *words, **options):
        view = looks.View(WEIR, "--tunnels", "outer", *words, self.path, **options)
        self.addCleanup(view.close)
        return view

    def opened(self, *words, **options):
        view = self.open(*words, **options)
        view.until(looks.done, "the capture")
        return view

    def check_hosts(self, lines):
        """Each row that is seen is tshark's; returns how many there are."""
        rows = looks.rows(lines)
        total = rows.pop("total", None)
        if total:
            self.assertEqual(total["OCTETS"], packets.short(sum(p.octets for p in self.found)))
            self.assertEqual(total["PKTS"], packets.short(len(self.found)))
        self.assertEqual([self.hosts[name].octets for name in rows],
                         [self.hosts[name].octets for name in self.largest[: len(rows)]])  # fmt: skip
        for name, row in rows.items():
            self.assertEqual(row["OCTETS"], packets.short(self.hosts[name].octets))
            self.assertEqual(row["PKTS"], packets.short(self.hosts[name].packets))
            if "SENT" in row:
                self.assertEqual(row["SENT"], packets.short(self.hosts[name].sent))
        return len(rows)

    def test_the_rows_are_tsharks_in_every_size(self):
        for rows, columns in SIZES:
            view = self.opened(rows=rows, columns=columns)
            lines = view.lines
            self.assertEqual(max(map(len, lines)) <= columns, True)
            self.assertGreaterEqual(self.check_hosts(lines), {24: 15, 12: 6, 50: 30}[rows])
            self.assertIn("max", lines[2])
            view.keys("q")
            self.assertEqual(view.status(), 0)

    def test_a_window_that_changes_its_size(self):
        view = self.opened()
        for rows, columns, least in ((12, 40, 6), (50, 200, 30), (24, 80, 15)):
            view.resize(rows, columns)
            view.until(lambda lines: len(looks.rows(lines)) >= least
                       and (" SENT" in lines[looks.heading(lines)]) == (columns >= 80),
                       "the size")  # fmt: skip
            self.check_hosts(view.lines)
        for rows, columns in ((3, 10), (1, 1), (2, 30), (5, 200), (200, 5)):
            view.resize(rows, columns)
        view.resize(24, 80)
        view.until(lambda lines: len(looks.rows(lines)) >= 15, "the size it had")
        self.check_hosts(view.lines)
        view.keys("q")
        self.assertEqual(view.status(), 0)

    def test_from_a_host_to_its_flows_and_back(self):
        view = self.opened()
        host = self.largest[1]
        view.keys("Down", "Enter")
        lines = view.until(lambda lines: f"of host {host}" in looks.shown(lines), "conversations")
        rows = looks.rows(lines)
        pairs = {ends: sums for ends, sums in packets.pairs(self.found).items() if host in ends}
        del rows["total"]
        self.assertEqual({frozenset(name.split(" - ")): (row["OCTETS"], row["PKTS"])
                          for name, row in rows.items()},
                         {ends: tuple(map(packets.short, sums)) for ends, sums in pairs.items()})  # fmt: skip
        view.keys("Enter")
        view.until(lambda lines: looks.shown(lines).startswith(" flows by octets of host"), "flows")
        self.assertIn("FLOW", view.lines[looks.heading(view.lines)])
        view.keys("BSpace")
        view.until(lambda lines: looks.shown(lines).startswith(" conversations"), "the way back")
        view.keys("BSpace")
        view.until(lambda lines: looks.shown(lines).endswith(f"2 of {len(self.hosts)}"), "hosts")
        self.check_hosts(view.lines)

    def test_groups_orders_and_a_filter(self):
        view = self.opened()
        for key, group in zip("12345678", ("hosts", "conversations", "flows", "ports", "protocols",
                                           "countries", "autonomous systems", "interfaces")):  # fmt: skip
            view.keys(key)
            view.until(lambda lines: looks.shown(lines).startswith(f" {group} by octets"), group)
        view.keys("g")
        view.until(lambda lines: looks.shown(lines).startswith(" hosts"), "the first again")
        view.keys("s")
        lines = view.until(lambda lines: "by packets" in looks.shown(lines), "the next order")
        most = max(self.hosts, key=lambda name: self.hosts[name].packets)
        self.assertEqual(next(iter(looks.rows(lines))), most)
        view.keys("r")
        view.until(lambda lines: "least first" in looks.shown(lines), "the other way round")
        view.keys("S")
        view.keys("/")
        view.type("udp !:53")
        view.until(lambda lines: lines[23] == " filter: udp !:53_", "what is typed")
        view.keys("Enter")
        view.until(lambda lines: "filter: udp !:53" in looks.shown(lines), "the filter")
        chosen = [p for p in self.found if p.protocol == 17 and 53 not in (p.port, p.source_port)]
        self.assertEqual(looks.rows(view.lines)["total"]["PKTS"], packets.short(len(chosen)))
        view.keys("Escape")
        view.until(lambda lines: "filter" not in looks.shown(lines), "no filter")
        self.check_hosts(view.lines)
        view.keys("?")
        view.until(lambda lines: "any key goes back" in lines[19], "help")
        view.keys("x", "p")
        view.until(lambda lines: "PAUSED" in looks.shown(lines), "a pause")
        view.keys("p", "q")
        self.assertEqual(view.status(), 0)

    def test_colours_where_they_are_wanted(self):
        self.assertTrue(self.opened().colours)
        for options in ({"NO_COLOR": "1"}, {"prefix": "TERM=vt100"}, {"prefix": "TERM=xterm-mono"}):
            view = self.opened(**options)
            self.assertEqual(view.colours, set(), options)
            self.check_hosts(view.lines)
            view.keys("q")
            self.assertEqual(view.status(), 0)

    def test_characters_beyond_ascii_where_they_can_be_shown(self):
        self.assertTrue(any("\u2581" <= c <= "\u2588" for c in self.opened().text))
        for options in ({"words": ["--ascii"]}, {"LC_ALL": "C"}):
            view = self.opened(*options.pop("words", []), **options)
            self.assertTrue(view.text.isascii())
            self.check_hosts(view.lines)

    def test_every_end_gives_the_terminal_back(self):
        for end in (signal.SIGTERM, signal.SIGINT, signal.SIGSEGV, signal.SIGABRT, signal.SIGQUIT):
            # A shell gives the terminal back to itself after a signal, if it was its own child's.
            view = self.opened(prefix="sh -c '\"$@\"; exit $?' sh")
            self.kill(view, end)
            self.assertEqual(view.status() != 0, end not in (signal.SIGTERM, signal.SIGINT), end)
        view = self.opened()
        view.keys("C-c")
        self.assertEqual(view.status(), 0)

    def kill(self, view, number):
        told = view.tmux("display-message", "-p", "#{pane_pid}").strip()
        os.kill(self.youngest(int(told)), number)

    def youngest(self, process):
        with open(f"/proc/{process}/task/{process}/children", encoding="ascii") as file:
            children = file.read().split()
        return self.youngest(int(children[0])) if children else process

    def test_it_stops_and_goes_on(self):
        view = self.opened()
        view.keys("C-z")
        view.until(lambda lines: any("Stopped" in line for line in lines), "the shell")
        self.assertEqual(view.modes(), (False, True))
        view.run("clear; stty -a | grep -o -e '-*icanon'")
        view.until(lambda lines: "icanon" in lines, "the shell's own modes")
        view.run("fg")
        view.until(looks.done, "the view again")
        self.check_hosts(view.lines)
        view.keys("Down", "Enter")
        view.until(lambda lines: looks.shown(lines).startswith(" conversations"), "that keys work")
        view.keys("q")
        view.until(lambda lines: lines[-2] == "" and not looks.done(lines), "the shell")
        view.run("s=$?; clear; echo status=$s")
        self.assertEqual(view.status(), 0)

    def test_keys_come_from_the_terminal_where_the_capture_is_piped(self):
        view = looks.View(WEIR, "--tunnels", "outer", "-", prefix=f"cat {self.path} |")
        self.addCleanup(view.close)
        view.until(looks.done, "the capture")
        self.check_hosts(view.lines)
        view.keys("q")
        self.assertEqual(view.status(), 0)

    def test_terminals_that_know_too_little(self):
        for term in ("dumb", "no-such-terminal"):
            view = self.open(prefix=f"TERM={term}")
            lines = view.until(lambda lines: any(map(looks.STATUS.match, lines)),
                               "its end")  # fmt: skip
            self.assertIn("'weir top --once'", " ".join(lines))
            self.assertEqual(view.status(), 1)

    def test_a_capture_at_its_own_speed(self):
        path = os.path.join(DATA, SHORT)
        view = looks.View(WEIR, "--speed", "1", "--interval", "100ms", path)
        self.addCleanup(view.close)
        lines = view.until(looks.done, "the capture")
        self.assertIn("octets a second", looks.shown(lines))
        found = packets.packets(path)
        truth = packets.hosts(found)
        rows = looks.rows(lines)
        self.assertEqual(rows.pop("total")["PKTS"], packets.short(len(found)))
        self.assertEqual({name: row["OCTETS"] for name, row in rows.items()},
                         {name: packets.short(row.octets) for name, row in truth.items()})  # fmt: skip
        view.keys("q")
        self.assertEqual(view.status(), 0)

    def test_a_capture_of_years_at_its_own_speed(self):
        view = self.open("--speed", "1")
        view.until(lambda lines: "%" in lines[0] and looks.rows(lines).get("total"), "the view")
        view.keys("p")
        view.until(lambda lines: "PAUSED" in looks.shown(lines), "a pause")
        self.assertFalse(looks.done(view.lines))
        view.keys("q")
        self.assertEqual(view.status(), 0)


if __name__ == "__main__":
    WEIR, DATA = os.path.abspath(sys.argv.pop(1)), os.path.abspath(sys.argv.pop(1))
    tmux.need()
    unittest.main()
