# SPDX-License-Identifier: BSD-2-Clause
"""A run with a configuration of its own, which changes while traffic flows: what the tests of
`weir reload` share."""

import json
import os
import signal
import socket
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, os.path.join(HERE, "..", "net"))

import ipfix_check
import netns
from collector import Collector
from udp_frame import udp

ELEMENTS = ipfix_check.load_elements()


def packets(records):
    return sum(record["packetDeltaCount"] + record.get("reversePacketDeltaCount", 0)
               for record in records)


class Case(unittest.TestCase):
    weir = blaster = ""  # set from the command line

    def setUp(self):
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")
        self.folder = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"weir-reload-{os.getpid()}")
        os.makedirs(self.folder)
        self.addCleanup(subprocess.run, ["rm", "-r", self.folder], check=True)
        self.config = self.path("weir.conf")

    def path(self, name):
        return os.path.join(self.folder, name)

    def collector(self, name):
        collector = Collector(self.path(name)).start()
        self.addCleanup(collector.kill)
        return collector

    def configure(self, *sections):
        """A section is "NAME", then lines."""
        with open(self.config, "w", encoding="utf-8") as file:
            for name, *lines in sections:
                file.write("\n".join([f"[{name}]", *lines, ""]))

    def run_weir(self, *options):
        live = netns.Live(self.weir, [netns.FAR], "--config", self.config, "--idle-timeout", "100ms",
                          "--active-timeout", "100ms", "--instance", "reloaded", *options,
                          to=None)  # fmt: skip
        self.addCleanup(live.close)
        self.assertTrue(live.metering, live.errors)
        return live

    def reload(self, status=0, **options):
        done = subprocess.run([self.weir, "reload"], capture_output=True, text=True, check=False,
                              timeout=netns.WAIT_S, **options)  # fmt: skip
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout if status == 0 else done.stderr

    def blast(self, **options):
        blast = netns.Blast(self.blaster, interface=netns.NEAR, rate=5000, flows=200, **options)
        self.addCleanup(blast.stop)
        return blast

    def stop(self, live):
        account = live.stop(signal.SIGINT)
        self.assertEqual(live.status, 0, live.errors)
        self.assertTrue(account["balanced"], live.errors)
        self.assertGreater(account["metered"]["packets"], 0)
        return account

    @staticmethod
    def frames(count):
        return [udp(1, port=1)] * count

    def ask(self, request):
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(netns.WAIT_S)
            asking.connect("/run/weir/reloaded.sock")
            asking.sendall(request.encode() + b"\n")
            answer = b""
            while not answer.endswith(b"\n"):
                more = asking.recv(65536)
                self.assertTrue(more)
                answer += more
        return json.loads(answer)


def main():
    """WEIR BLAST, and what unittest takes."""
    Case.weir, Case.blaster = sys.argv[1], sys.argv[2]
    netns.enter()
    netns.ip("link set lo up")
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
