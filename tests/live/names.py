# SPDX-License-Identifier: BSD-2-Clause
"""Several interfaces in one run of `weir run`: each record names its own, with index and direction.

    near ──► far      weir meters far and other;
    next ──► other    frames that far sends to near leave by far
"""

import sys
import unittest
import os

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import netns
from udp_frame import udp

WEIR = ""  # set from the command line
TEMPLATE = """flow uniflow
sourceIPv4Address
ingressInterface
egressInterface
flowDirection
interfaceName
interfaceDescription
packetDeltaCount
"""


class NamesTest(unittest.TestCase):
    def setUp(self):
        netns.lay()
        netns.lay("next", "other")
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")
        self.addCleanup(netns.ip, "link del next")

    def indexes(self, *names):
        return [netns.shown(name)["ifindex"] for name in names]

    def run_weir(self, *options, meanwhile=None):
        """{source: record} of a run over far and other, with the sender's frames."""
        with netns.Live(WEIR, [netns.FAR, "other"], "--template", self.template, "--idle-timeout", "1h",
                        "--active-timeout", "0", *options) as live:  # fmt: skip
            self.assertTrue(live.metering, live.errors)
            netns.send([udp(1)] * 10)
            netns.send([udp(2)] * 20, "next", "other")
            if meanwhile:
                meanwhile(live)
            account = live.stop()
            self.assertEqual(live.status, 0, live.errors)
            self.assertTrue(account["balanced"])
            return {record["sourceIPv4Address"]: record for record in live.records()}

    @property
    def template(self):
        path = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"weir-names-{os.getpid()}.tpl")
        with open(path, "w", encoding="ascii") as file:
            file.write(TEMPLATE)
        self.addCleanup(lambda: os.path.exists(path) and os.unlink(path))
        return path

    def check(self, record, packets, **said):
        self.assertEqual(record["packetDeltaCount"], packets)
        for name, value in said.items():
            self.assertEqual(record.get(name), value, record)

    def test_each_record_names_its_interface(self):
        far, other = self.indexes(netns.FAR, "other")
        netns.ip("link set other alias up\"link\"")
        for hook in (["--hook", "xdp-generic"], ["--hook", "tc"], ["--hook", "af_packet"]):
            with self.subTest(hook=hook):
                records = self.run_weir(*hook)
                self.assertEqual(len(records), 2)
                self.check(records["10.0.0.1"], 10, ingressInterface=far, egressInterface=0,
                           flowDirection=0, interfaceName="far", interfaceDescription=None)
                self.check(records["10.0.0.2"], 20, ingressInterface=other, egressInterface=0,
                           flowDirection=0, interfaceName="other",
                           interfaceDescription='up"link"')

    def test_a_packet_that_leaves_has_an_egress_interface(self):
        far, _ = self.indexes(netns.FAR, "other")

        def answer(_):
            netns.send([udp(3)] * 30, netns.FAR, netns.NEAR)

        for hook in ("tc", "af_packet"):
            with self.subTest(hook=hook):
                records = self.run_weir("--hook", hook, "--direction", "both", meanwhile=answer)
                self.check(records["10.0.0.1"], 10, ingressInterface=far, egressInterface=0,
                           flowDirection=0, interfaceName="far")
                self.check(records["10.0.0.3"], 30, ingressInterface=0, egressInterface=far,
                           flowDirection=1, interfaceName="far")

    def test_an_interface_that_is_gone_keeps_its_name(self):
        far, other = self.indexes(netns.FAR, "other")

        def lose(_):
            netns.ip("link del next")
            netns.lay("next", "other")

        records = self.run_weir("--hook", "tc", meanwhile=lose)
        self.check(records["10.0.0.1"], 10, ingressInterface=far, interfaceName="far")
        self.check(records["10.0.0.2"], 20, ingressInterface=other, interfaceName="other")

    def test_a_renamed_interface_had_the_name_of_its_time(self):
        def rename(_):
            netns.ip("link set other down")
            netns.ip("link set other name later")
            netns.ip("link set later up")

        records = self.run_weir("--hook", "tc", meanwhile=rename)
        self.check(records["10.0.0.2"], 20, interfaceName="other")


if __name__ == "__main__":
    WEIR = sys.argv.pop(1)
    netns.enter()
    unittest.main(verbosity=2)
