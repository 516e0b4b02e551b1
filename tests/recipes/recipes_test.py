# SPDX-License-Identifier: BSD-2-Clause
"""Every recipe of weir-recipes(7), its commands typed as they stand there."""

import glob
import json
import os
import re
import shutil
import socket
import struct
import sys
import threading
import unittest

import kitchen
from kitchen import CLIENT, PACKETS, SERVER, Kitchen, bound, listens, recipes, waiting

import ipfix_check
import metrics_lib
import netns

HOST = "192.0.2.7"  # that recipes send to


def without(reason, *programs):
    missing = [program for program in programs if not shutil.which(program)]
    return unittest.skipIf(missing, f"{reason} ({', '.join(missing)})")


class Span(Kitchen):
    recipe = "span"

    def records(self):
        found = []
        for path in glob.glob(self.at("flows/*.ipfix")):
            with open(path, "rb") as file:
                result = ipfix_check.check(file.read())
            self.assertEqual(result.problems, [])
            found += result.records
        return found

    def test_as_written(self):
        doctor, run, configured, ask = self.commands
        self.assertIn("eth1", self.start(doctor).end())
        first = self.start(run)
        first.until_metering()
        self.send()
        self.has_finished(first)
        self.check_both((r["sourceIPv4Address"], r["destinationIPv4Address"]) for r in self.records())
        for path in glob.glob(self.at("flows/*")):
            os.unlink(path)
        second = self.start(configured)
        second.until_metering()
        self.assertIn("span.conf: ", second.said())
        # A connection that ended leaves the cache, however late somebody asks.
        self.send([frame for frame in kitchen.frames() if not frame[47] & 5])  # FIN, RST
        told = self.do(ask)
        self.assertIn(CLIENT, told)
        said = second.end()
        self.assertEqual(second.process.returncode, 0, said)
        self.check_both((r["sourceIPv4Address"], r["destinationIPv4Address"]) for r in self.records())


class Host(Kitchen):
    recipe = "host"
    interface = "eth0"

    def test_as_written(self):
        run, = self.commands
        shell = self.start(run)
        shell.until_metering()
        # What the server sends comes in, what the client sends leaves.
        for frame in kitchen.frames():
            leaves = frame[26:30] == socket.inet_aton(CLIENT)
            ends = ("eth0", kitchen.PEER) if leaves else (kitchen.PEER, "eth0")
            netns.send([frame], *ends)
        self.has_finished(shell)
        flow, = [json.loads(line) for line in self.read("flows.json").splitlines()]
        self.assertEqual((flow["sourceIPv4Address"], flow["destinationIPv4Address"]), (CLIENT, SERVER))
        self.assertEqual(flow["packetDeltaCount"] + flow["reversePacketDeltaCount"], PACKETS)
        self.assertEqual(flow["tcpStateAtEnd"], 7)  # closed by both


class Mirror(Kitchen):
    recipe = "mirror"
    interface = "eth0"

    def carried(self, frame):
        """As clouds mirror it: VXLAN over UDP over IPv4."""
        inner = struct.pack(">II", 0x08000000, 7 << 8) + frame
        udp = struct.pack(">HHHH", 54321, 4789, 8 + len(inner), 0) + inner
        header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
                             bytes((10, 0, 0, 1)), bytes((10, 0, 0, 2)))
        return bytes(12) + b"\x08\x00" + header + udp

    def test_as_written(self):
        run, = self.commands
        netns.ip(f"address add {HOST}/32 dev lo")
        self.addCleanup(netns.ip, f"address del {HOST}/32 dev lo")
        with bound(HOST, 4739) as collector:
            shell = self.start(run)
            shell.until_metering()
            self.send()  # the host's own traffic
            small = [frame for frame in kitchen.frames() if len(frame) < 1400]
            self.send([self.carried(frame) for frame in small])
            self.has_finished(shell, packets=len(small))
            octets = waiting(collector)
        records = ipfix_check.check(octets, again=True).records
        self.assertEqual(sum(r["packetDeltaCount"] for r in records), len(small))
        self.check_both((r["sourceIPv4Address"], r["destinationIPv4Address"]) for r in records)


class Ci(Kitchen):
    recipe = "ci"

    def test_as_written(self):
        judge, keep, compare = self.commands
        shutil.copy(kitchen.CAPTURE, self.at("capture.pcap"))
        self.assertIn("1 flows, 0 packets sent again", self.do(judge))
        self.do(keep)
        self.do(judge)
        self.do(compare)
        # A capture that is not the same is seen.
        packets, _ = kitchen.capture.readable(kitchen.CAPTURE)
        kitchen.capture.write(self.at("capture.pcap"), packets[:20] + packets[10:20] * 4 + packets[20:])
        self.assertRegex(self.do(judge, status=1), "1 flows, [0-9]+ packets sent again")
        self.do(compare, status=1)


@without("nfdump is not installed", "nfcapd", "nfdump")
class Nfdump(Kitchen):
    recipe = "nfdump"

    def test_as_written(self):
        collect, run, ask = self.commands
        collector = self.start(collect)
        collector.until(lambda: listens(9995, "udp"), "nfcapd listens")
        shell = self.start(run)
        shell.until_metering()
        self.send()
        self.has_finished(shell)
        netns.wait_for(lambda: not kitchen.unread(9995), "nfcapd has read what waits")
        collector.interrupt()
        told = self.do(ask)
        self.assertIn(CLIENT, told)
        self.assertIn(SERVER, told)


@without("pmacct is not installed", "nfacctd")
class Pmacct(Kitchen):
    recipe = "pmacct"

    def rows(self):
        if not os.path.exists(self.at("flows.json")):
            return []
        return [json.loads(line) for line in self.read("flows.json").splitlines(True)
                if line.endswith("\n")]

    def test_as_written(self):
        collect, run = self.commands
        collector = self.start(collect)
        collector.until(lambda: "waiting for NetFlow" in collector.said()
                        and "Purging cache - END" in collector.said(), "nfacctd is ready")
        shell = self.start(run)
        shell.until_metering()
        self.send()
        self.has_finished(shell)
        collector.until(lambda: sum(row["packets"] for row in self.rows()) == PACKETS,
                        "nfacctd tells all packets")
        self.check_both((row["ip_src"], row["ip_dst"]) for row in self.rows())
        self.assertTrue(any(int(row["tcphandshakertt"]) for row in self.rows()), self.rows())


class Logstash(Kitchen):
    """Logstash itself is no package of Debian: of its files it is checked that they are as it reads
    them, and what it would get is read here."""

    recipe = "logstash"

    def split(self, commands):
        """What Logstash is given, and weir's own part."""
        at = commands.index("weir run ")
        return commands[:at], commands[at:]

    def inputs(self):
        """{kind: {setting: value}} of its configuration."""
        text = self.read("weir.conf")
        self.assertEqual(text.count("{"), text.count("}"))
        kind, settings = re.search(r"^input \{ (\w+) \{ (.*) \} \}$", text, re.MULTILINE).groups()
        return kind, dict(re.findall(r"(\w+) => (\{.*\}|\[\d+\]|\"[^\"]*\"|\w+)", settings)), settings

    def test_over_tcp(self):
        files, run = self.split(self.commands[0])
        self.do(files)
        kind, settings, _ = self.inputs()
        self.assertEqual((kind, settings["codec"]), ("tcp", "json_lines"))
        got = []
        with bound("127.0.0.1", int(settings["port"]), socket.SOCK_STREAM) as collector:
            collector.listen()

            def read():
                session, _ = collector.accept()
                with session:
                    while octets := session.recv(65536):
                        got.append(octets)

            reader = threading.Thread(target=read, daemon=True)
            reader.start()
            shell = self.start(run)
            shell.until_metering()
            self.send()
            self.has_finished(shell)
            reader.join(netns.WAIT_S)
        flow, = [json.loads(line) for line in b"".join(got).splitlines()]
        self.assertEqual((flow["sourceIPv4Address"], flow["destinationIPv4Address"]), (CLIENT, SERVER))

    def test_over_ipfix(self):
        try:
            import yaml
        except ImportError:
            self.skipTest("python3-yaml is not installed")
        files, run = self.split(self.commands[1])
        self.do(files)
        kind, settings, whole = self.inputs()
        self.assertEqual((kind, settings["port"]), ("udp", "4739"))
        self.assertIn("versions => [10]", whole)
        name = re.search(r'ipfix_definitions => "([^"]*)"', whole)[1]
        known = yaml.safe_load(self.read(name))
        with bound("127.0.0.1", 4739) as collector:
            shell = self.start(run)
            shell.until_metering()
            self.send()
            self.has_finished(shell)
            octets = waiting(collector)
        result = ipfix_check.check(octets, again=True)
        flow, = result.records
        self.assertEqual((flow["sourceIPv4Address"], flow["destinationIPv4Address"]), (CLIENT, SERVER))
        own = {field.number for template in result.templates.values() for field in template.fields
               if field.pen == 32473}
        self.assertGreater(len(own), 100)
        self.assertEqual(own - set(known[32473]), set())


class Prometheus(Kitchen):
    recipe = "prometheus"

    def setUp(self):
        super().setUp()
        for program in ("prometheus", "promtool"):
            path = metrics_lib.find(program)
            if not path:
                self.skipTest(metrics_lib.NO_PROMETHEUS)
            os.symlink(path, self.at(f"tools/{program}"))

    def test_as_written(self):
        run, watch, ask = self.commands
        shell = self.start(run)
        shell.until_metering()
        self.send()
        prometheus = self.start(watch)
        prometheus.until(lambda: listens(9090, "tcp"), "Prometheus listens")

        def told():
            """It is asked again until it has looked."""
            asked = self.start(ask)
            said = asked.end()
            return said if re.search(rf"weir_seen_packets_total.* => {PACKETS} ", said) else None

        said = netns.wait_for(told, "Prometheus has every packet")
        self.assertIn('{reason="notIp"} => 0 ', said)
        prometheus.interrupt()
        self.has_finished(shell)


@without("openssl is not installed", "openssl")
class Tls(Kitchen):
    recipe = "tls"

    def setUp(self):
        super().setUp()
        # The leak checker's own thread dies of what GnuTLS maps ("Tracer caught signal 11").
        options = self.environment.get("ASAN_OPTIONS", "")
        self.environment["ASAN_OPTIONS"] = f"{options}:detect_leaks=0"

    def result(self):
        """Of what openssl has written so far."""
        with open(self.at("flows.ipfix"), "rb") as file:
            return ipfix_check.check(ipfix_check.whole(file.read()))

    def test_as_written(self):
        certificates, listen, run = self.commands
        self.do(certificates)
        collector = self.start(listen)
        collector.until(lambda: listens(4740, "tcp"), "openssl listens")
        shell = self.start(run)
        shell.until_metering()
        self.send()
        self.has_finished(shell)
        netns.wait_for(lambda: len(self.result().records) >= 2, "openssl writes")
        collector.interrupt()
        result = self.result()
        self.assertEqual(result.problems, [])
        self.check_both((r["sourceIPv4Address"], r["destinationIPv4Address"]) for r in result.records)


class Book(unittest.TestCase):
    def test_every_recipe_is_tried(self):
        tried = {kind.recipe for kind in Kitchen.__subclasses__()}
        self.assertEqual(tried, set(recipes.ORDER))
        self.assertEqual({path.stem for path in recipes.FOLDER.glob("*.txt")}, tried)


if __name__ == "__main__":
    Kitchen.WEIR = sys.argv.pop(1)
    netns.enter()
    unittest.main(verbosity=2)
