# SPDX-License-Identifier: BSD-2-Clause
"""weir check tells everything that is wrong with a configuration file, in its order, at once."""

import os
import re
import subprocess
import sys
import tempfile
import unittest

WEIR = ""  # set from the command line
# A line, and what is said of it; None: nothing.
FILE = [
    ("[meter]", None),
    ("idle-timout = 3s", "unknown key 'idle-timout'; did you mean 'idle-timeout'?"),
    ("active-timeout = 3 weeks", "active-timeout: '3 weeks' is not a duration; give 1ms to 1d"),
    ("max-flows = 0", "max-flows: '0' is out of range; give 1 to 1G"),
    ("this is nothing", "neither [section], key = value, nor # comment"),
    ("mirror = vxlan,frobnicate", "frobnicate: --mirror wants"),
    ("tunnel-ports = vxlan:0", "vxlan:0: a port is a number"),
    ("filter = tpc port 3", 'filter "tpc port 3"'),
    ("[live", "neither [section]"),
    ("hook = of no section that can be known", None),
    ("[live]", None),
    ("interface = eth1;eth1", "eth1: named twice"),
    ("instance = a/b", 'instance "a/b"'),
    ("drop = yes", "--drop: only XDP drops"),
    ("direction = both", None),
    ("direction = both", "'direction' stands on line 15 already"),
    ("user = nobody-of-this-name", "--user: there is no user 'nobody-of-this-name'"),
    ("[exprot]", "unknown section [exprot]; did you mean [export]?"),
    ("to = nobody knows", None),
    ("[zebra]", "unknown section [zebra]; there are [meter], [live], [export],"),
    ("[exporter nowhere]", "[exporter nowhere] does not say where to"),
    ("queue = 100000", None),
    ("[exporter noc]", None),
    ("to = ipfix+tcp://192.0.2.1", None),
    ("queu = 100000", "unknown key 'queu' in [exporter noc]; did you mean 'queue'?"),
    ("timeout = 0", "timeout= wants seconds from 1 to 3600"),
    ("domain = x", "domain= wants a number"),
    ("[exporter old]", None),
    ("to = netflow5+udp://192.0.2.1", 'destination "old": template full'),
    ("template = full", None),
    ("[export]", None),
    ("biflow = yes", "biflow and uniflow contradict each other"),
    ("uniflow = yes", None),
    ("template = nowhere.tpl", 'template "nowhere.tpl"'),
    ("[geo]", None),
    ("geo = nowhere.mmdb", "nowhere.mmdb: No such file"),
    ("[metrics]", None),
    ("metrics = 0.0.0.0:9481", "--metrics 0.0.0.0:9481"),
]


class Check(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def check(self, text, name="weir.conf"):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)
        run = subprocess.run([WEIR, "check", name], capture_output=True, text=True, timeout=120,
                             cwd=self.folder, check=False)
        return run.returncode, run.stdout, run.stderr.splitlines()

    def test_every_fault_is_told_with_its_line(self):
        status, out, told = self.check("\n".join(line for line, _ in FILE))
        self.assertEqual((status, out), (1, ""))
        wanted = {number: what for number, (_, what) in enumerate(FILE, 1) if what}
        self.assertEqual(told.pop(), "weir: 1 of 1 configuration files cannot be used")
        found = [re.match(r"weir: weir\.conf:(\d+): (.*)", line).groups() for line in told]
        self.assertEqual([int(number) for number, _ in found], sorted(wanted), "\n".join(told))
        for number, what in found:
            self.assertIn(wanted[int(number)], what)

    def test_a_file_of_another_kind_is_not_told_line_by_line(self):
        for text in ("nothing\n" * 10000, "[meter]\n" + "".join(f"zebra{i} = 1\n" for i in range(10000))):
            status, _, told = self.check(text)
            self.assertEqual(status, 1)
            self.assertLess(len(told), 100)

    def test_of_a_file_without_fault_what_it_sets_is_told(self):
        status, out, told = self.check("[live]\ninterface = eth1 ; eth2\n[exporter noc]\n"
                                       "to = ipfix+tcp://192.0.2.1\nqueue = 100000\n")
        self.assertEqual((status, told), (0, []))
        self.assertEqual(out, "weir.conf: 2 settings, no fault\n  [live] interface = eth1;eth2\n"
                              "  [exporter noc] ipfix+tcp://192.0.2.1?queue=100000\n")

    def test_a_run_says_how_much_more_there_is(self):
        self.check("[meter]\nzebra = 1\nsample = 0\n")
        run = subprocess.run([WEIR, "replay", "-c", "weir.conf", "none.pcap"], capture_output=True,
                             text=True, cwd=self.folder, timeout=120, check=False)
        self.assertEqual(run.returncode, 2)
        self.assertIn("(and 1 more; 'weir check' tells them)", run.stderr)


if __name__ == "__main__":
    WEIR = os.path.abspath(sys.argv.pop(1))
    unittest.main()
