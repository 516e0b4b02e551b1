# SPDX-License-Identifier: BSD-2-Clause
"""`weir top --once` of captures beside tshark's packets: every group, every row, to the last octet;
orders, filters, limits, JSON, and what is refused.

table.py WEIR DATA"""

import collections
import json
import os
import subprocess
import sys
import unittest

import packets

WEIR = DATA = ""  # set from the command line
# With --tunnels outer, tshark's outermost headers are those that are metered.
CAPTURES = ["flowtest_http_get.pcap", "mercury_emix.pcap"]
NUMBERS = {"ICMP": 1, "IGMP": 2, "TCP": 6, "UDP": 17, "ICMP6": 58}
COLUMNS = 9


def run(*words, status=0):
    done = subprocess.run([WEIR, "top", "--tunnels", "outer", *words], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)  # fmt: skip
    assert done.returncode == status, (words, done.returncode, done.stderr)
    return done


def table(*words):
    """Label: numbers of the columns."""
    lines = run("--once", *words).stdout.splitlines()
    rows = [line.split(None, COLUMNS) for line in lines[1:]]
    found = {row[COLUMNS]: [int(word) for word in row[:COLUMNS]] for row in rows}
    assert len(found) == len(lines) - 1, "each row has a label of its own"
    return found


def end(text):
    """Address and port of one end of a flow."""
    if text.startswith("["):
        address, port = text[1:].rsplit("]:", 1)
        return address, int(port)
    if text.count(":") == 1:
        address, port = text.split(":")
        return address, int(port)
    return text, 0


class TableTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.found = {name: packets.packets(os.path.join(DATA, name)) for name in CAPTURES}

    def each(self):
        return [(os.path.join(DATA, name), found) for name, found in self.found.items()]

    def check_total(self, total, found):
        self.assertEqual([total[0], total[3]], [sum(p.octets for p in found), len(found)])

    def check_hosts(self, rows, found):
        truth = packets.hosts(found)
        self.assertEqual({name: (row[0], row[3]) for name, row in rows.items()},
                         {name: (row.octets, row.packets) for name, row in truth.items()})  # fmt: skip
        # What a host says to itself is sent and received at once.
        for name in {p.source for p in found if p.source == p.destination}:
            del rows[name], truth[name]
        self.assertEqual({name: packets.Sum(*row[:6]) for name, row in rows.items()}, truth)

    def test_hosts(self):
        for path, found in self.each():
            rows = table("-r", path)
            self.check_total(rows.pop("total"), found)
            self.check_hosts(rows, found)

    def test_pairs(self):
        for path, found in self.each():
            rows = table("-r", path, "--group", "pair")
            self.check_total(rows.pop("total"), found)
            told = {frozenset(name.split(" - ")): (row[0], row[3]) for name, row in rows.items()}
            self.assertEqual(told, packets.pairs(found))

    def test_flows(self):
        for path, found in self.each():
            rows = table("-r", path, "--group", "flow")
            self.check_total(rows.pop("total"), found)
            told = collections.defaultdict(lambda: (0, 0))  # one may be opened from both ends
            for name, row in rows.items():
                protocol, ends = name.split(" ", 1)
                one, other = ends.split(" > ")
                key = NUMBERS[protocol], frozenset((end(one), end(other)))
                told[key] = told[key][0] + row[0], told[key][1] + row[3]
            # tshark tells the ports of a packet in an ICMP error, too: those are no flow's.
            plain = [p if p.protocol in (6, 17) else p._replace(source_port=0, port=0)
                     for p in found]  # fmt: skip
            self.assertEqual(told, packets.flows(plain))

    def test_protocols(self):
        for path, found in self.each():
            rows = table("-r", path, "-g", "protocol")
            self.check_total(rows.pop("total"), found)
            told = {NUMBERS[name]: (row[0], row[3]) for name, row in rows.items()}
            self.assertEqual(told, packets.protocols(found))

    def test_services_are_where_flows_were_opened_to(self):
        rows = table("-r", os.path.join(DATA, CAPTURES[0]), "-g", "port")
        self.assertEqual(list(rows), ["TCP 80", "total"])
        self.assertEqual(rows["TCP 80"][6:8], [1, 0])

    def test_orders(self):
        path = os.path.join(DATA, CAPTURES[1])
        for sort, column in (("octets", 0), ("packets", 3), ("flows", 6), ("retransmissions", 7),
                             ("rtt", 8)):  # fmt: skip
            rows = table("-r", path, "--sort", sort)
            del rows["total"]
            values = [row[column] for row in rows.values()]
            self.assertEqual(values, sorted(values, reverse=True), sort)
            self.assertGreater(values[0], 0)

    def test_a_filter_is_the_packets_of_the_flows_it_fits(self):
        path = os.path.join(DATA, CAPTURES[1])
        found = [p for p in self.found[CAPTURES[1]] if p.protocol == 17 and 53 in (
            p.port, p.source_port) and "192.168.122.145" in (p.source, p.destination)]  # fmt: skip
        self.assertTrue(found)
        rows = table("-r", path, "--match", "udp :53 192.168.122.145/32")
        self.check_total(rows.pop("total"), found)
        self.check_hosts(rows, found)

    def test_before_the_meter_tcpdumps_words_choose(self):
        found = [p for p in self.found[CAPTURES[1]] if p.protocol == 17]
        rows = table("-r", os.path.join(DATA, CAPTURES[1]), "--filter", "udp")
        self.check_total(rows["total"], found)

    def test_several_captures_are_one(self):
        rows = table(*(os.path.join(DATA, name) for name in CAPTURES))
        self.check_total(rows["total"], sum(self.found.values(), []))

    def test_standard_input(self):
        path = os.path.join(DATA, CAPTURES[0])
        with open(path, "rb") as file:
            told = subprocess.run([WEIR, "top", "--tunnels", "outer", "--once", "-"], stdin=file, capture_output=True,
                                  text=True, check=True)  # fmt: skip
        self.assertEqual(told.stdout, run("--once", path).stdout)

    def test_limit_and_json(self):
        path = os.path.join(DATA, CAPTURES[1])
        rows = table("-r", path)
        total = rows.pop("total")
        told = json.loads(run("--once", "--json", "--limit", "7", "-r", path).stdout)
        self.assertEqual((told["group"], told["sort"]), ("host", "octets"))
        self.assertEqual([(row["host"], row["octets"], row["packetsReceived"], row["flows"])
                          for row in told["rows"]],
                         [(name, row[0], row[5], row[6]) for name, row in list(rows.items())[:7]])  # fmt: skip
        self.assertEqual(told["total"]["retransmittedPackets"], total[7])
        self.assertEqual(told["others"]["packets"], 0)
        self.assertEqual(list(table("-n", "7", path)), [*list(rows)[:7], "total"])

    def test_what_is_refused(self):
        path = os.path.join(DATA, CAPTURES[0])
        for words, status, said in (
            (["--json", path], 2, "--once"),
            (["-r", path, path], 2, "--read"),
            (["--once", "--sort", "rate", path], 2, "--sort octets"),
            (["no.such.pcap"], 2, "'no.such.pcap' is no file, and no instance"),
            (["--once", "./no.such.pcap"], 1, "No such file"),
            ([path], 1, "standard output is no terminal; 'weir top --once'"),
            (["--once", "--group", "hosts", path], 2, "host"),
        ):
            done = run(*words, status=status)
            self.assertEqual((done.stdout, done.stderr.count("\n")), ("", 1), done.stderr)
            self.assertIn(said, done.stderr)

    def test_a_damaged_capture_is_shown_up_to_the_damage(self):
        path = os.path.join(DATA, CAPTURES[0])
        with open(path, "rb") as file:
            octets = file.read()[:-10]
        done = subprocess.run([WEIR, "top", "--once", "-"], input=octets, capture_output=True,
                              check=False)  # fmt: skip
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"total", done.stdout)


if __name__ == "__main__":
    WEIR, DATA = sys.argv.pop(1), sys.argv.pop(1)
    unittest.main()
