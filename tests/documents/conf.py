# SPDX-License-Identifier: BSD-2-Clause
"""The shipped configuration file changes nothing, neither as it is nor with every default spelled
out; and each of its examples can be taken."""

import os
import re
import subprocess
import sys
import tempfile
import unittest

WEIR = ""  # set from the command line
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
CAPTURE = os.path.join(ROOT, "tests", "data", "pcap", "flowtest_http_get.pcap")
DEFAULT = re.compile(r"^#(?=[a-z][a-z0-9-]* = )", re.MULTILINE)


class Shipped(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        with open(os.path.join(ROOT, "etc", "weir.conf"), encoding="utf-8") as file:
            self.text = file.read()
        self.spelled = DEFAULT.sub("", self.text)

    def write(self, text):
        path = os.path.join(self.folder, "weir.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def weir(self, *arguments):
        return subprocess.run([WEIR, *arguments], capture_output=True, text=True, timeout=120,
                              cwd=self.folder, check=False)

    def check(self, text):
        run = self.weir("check", self.write(text))
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        return run.stdout

    def test_it_sets_nothing(self):
        self.assertIn(": 0 settings, no fault", self.check(self.text))

    def test_with_every_default_spelled_out_it_is_without_fault(self):
        told = self.check(self.spelled)
        count = len(DEFAULT.findall(self.text))
        self.assertGreater(count, 25)
        self.assertIn(f": {count} settings, no fault", told)

    def test_lines_are_not_longer_than_a_page(self):
        self.assertEqual([line for line in self.text.split("\n") if len(line) > 100], [])

    def test_replay_does_the_same_with_it_and_without(self):
        for to in ("json+file:-", "netflow9+file:-", "netflow5+file:-", "ipfix+file:-"):
            arguments = ["replay", "--seed", "1", "--to", to, CAPTURE]
            runs = [subprocess.run([WEIR, *arguments, *more], capture_output=True, timeout=120,
                                   cwd=self.folder, check=False)
                    for more in ([], ["--config", self.write(self.spelled)])]
            self.assertEqual(runs[0].returncode, 0, runs[0].stderr)
            self.assertEqual(runs[0].stdout, runs[1].stdout, to)
            self.assertEqual(runs[0].stderr, runs[1].stderr, to)

    def exporter(self):
        """The keys of the example, each with its value."""
        example = self.text[self.text.index("# [exporter noc]") :]
        return dict(re.findall(r"^# ([a-z-]+) = (.*)$", example, re.MULTILINE))

    def test_the_example_of_a_destination_has_every_key(self):
        run = self.weir("replay", "--to", "json+file:x?zebra=1", CAPTURE)
        known = run.stderr.partition("the options are ")[2].strip().split(", ")
        self.assertGreater(len(known), 10)
        self.assertEqual(sorted(self.exporter()), sorted([*known, "to"]))

    def takes(self, url, key, value):
        path = self.write(f"[exporter noc]\nto = {url}\n{key} = {value}\n")
        return self.weir("check", path).returncode == 0

    def test_each_key_of_the_example_can_be_taken_by_some_destination(self):
        urls = ("ipfix+file:flows.ipfix", "ipfix+tcp://[::1]", "ipfix+udp://[::1]",
                "ipfix+dtls://[::1]")
        # Those name files that are not there.
        wanted = set(self.exporter()) - {"to", "ca", "cert", "key"}
        taken = {key for key in wanted for url in urls if self.takes(url, key, self.exporter()[key])}
        self.assertEqual(wanted - taken, set())


if __name__ == "__main__":
    WEIR = os.path.abspath(sys.argv.pop(1))
    unittest.main()
