# SPDX-License-Identifier: BSD-2-Clause
"""A configuration file says everything of a run, its interfaces and its name among it; and several
runs, each of its file, go on side by side."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import netns
from udp_frame import udp

WEIR = ""  # set from the command line
WIRES = {"one": ("near1", "far1"), "two": ("near2", "far2")}
PACKETS = {"one": 20, "two": 33}


class Configured(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="weir-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        for near, far in WIRES.values():
            netns.lay(near, far)
            self.addCleanup(netns.ip, f"link del {near}")

    def write(self, name, interfaces, more=""):
        path = os.path.join(self.folder, f"{name}.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"[live]\ninterface = {';'.join(interfaces)}\n{more}\n"
                       f"[exporter records]\nto = json+file:{self.folder}/{name}.json\n")
        return path

    def start(self, path, count=1, arguments=(), options=()):
        live = netns.Live(WEIR, arguments, "--config", path, *options, to=None)
        self.addCleanup(live.close)
        live._await(count)
        self.assertTrue(live.metering, live.errors)
        return live

    def weir(self, *arguments):
        return subprocess.run([WEIR, *arguments], capture_output=True, text=True, timeout=netns.WAIT_S,
                              check=False)

    def sources(self, name):
        with open(os.path.join(self.folder, f"{name}.json"), encoding="utf-8") as file:
            return {json.loads(line)["sourceIPv4Address"] for line in file}

    def test_two_runs_side_by_side(self):
        paths = {name: self.write(name, [far], f"instance = {name}")
                 for name, (_, far) in WIRES.items()}
        runs = {name: self.start(path) for name, path in paths.items()}
        for number, (name, (near, far)) in enumerate(WIRES.items()):
            netns.send([udp(number + 1)] * PACKETS[name], near, far)
        done = self.weir("stop", "--config", paths["one"])
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        accounts = {"one": runs["one"].ended()}
        # The other one does not mind.
        near, far = WIRES["two"]
        self.assertTrue(runs["two"].metering)
        netns.send([udp(2)], near, far)
        self.assertEqual(self.weir("stop", "two").returncode, 0)
        accounts["two"] = runs["two"].ended()
        for number, name in enumerate(WIRES):
            self.assertEqual(runs[name].status, 0, runs[name].errors)
            self.assertTrue(accounts[name]["balanced"])
            self.assertEqual(self.sources(name), {f"10.0.0.{number + 1}"})
        self.assertEqual(accounts["one"]["metered"]["packets"], PACKETS["one"])
        self.assertEqual(accounts["two"]["metered"]["packets"], PACKETS["two"] + 1)

    def test_several_interfaces_of_one_file(self):
        path = self.write("both", [far for _, far in WIRES.values()])
        live = self.start(path, count=2)
        for number, (near, far) in enumerate(WIRES.values()):
            netns.send([udp(number + 1)], near, far)
        done = self.weir("stop", "--config", path)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(live.ended()["metered"]["packets"], 2)
        self.assertEqual(self.sources("both"), {"10.0.0.1", "10.0.0.2"})

    def test_the_command_line_is_in_the_place_of_the_file(self):
        path = self.write("one", ["near1", "nowhere"])
        live = self.start(path, arguments=["far2"])
        self.assertEqual(set(live.hooks), {"far2"})
        netns.send([udp(3)], *WIRES["two"])
        self.assertEqual(live.stop()["metered"]["packets"], 1)
        self.assertEqual(live.status, 0, live.errors)

    def test_a_name_is_taken_once(self):
        self.start(self.write("one", ["far1"], "instance = edge"))
        other = self.weir("run", "--config", self.write("two", ["far2"], "instance = edge"))
        self.assertEqual(other.returncode, 2, other.stderr)
        self.assertIn("edge", other.stderr)

    def test_without_interfaces_there_is_nothing_to_do(self):
        path = os.path.join(self.folder, "none.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write("[meter]\nsample = 2\n")
        run = self.weir("run", "--config", path)
        self.assertEqual(run.returncode, 2)
        self.assertIn("nothing to do", run.stderr)


if __name__ == "__main__":
    WEIR = sys.argv.pop(1)
    netns.enter()
    unittest.main(verbosity=2)
