# SPDX-License-Identifier: BSD-2-Clause
"""Instances in the background, what is told of them, and who may ask and who may change.

control_life.py WEIR BLAST"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

import netns
import own_files

WEIR = BLAST = ""  # set from the command line
GROUP, MEMBER, NOBODY = 4711, 4712, 65534
NOT_ALLOWED = "that changes the run, and is for root"


def own_folders():
    """Of this process and what it starts: the machine's are not seen, nor written to. Without
    systemd's, weir starts processes itself."""
    for folder in ("/etc", "/var/log"):
        own_files.lay_over(folder)
    for folder in ("/etc/weir", "/var/log/weir"):
        shutil.rmtree(folder, ignore_errors=True)
        os.mkdir(folder)
    os.makedirs("/run/systemd", exist_ok=True)
    own_files.mount(b"tmpfs", "/run/systemd", "mode=755")
    with open("/etc/group", encoding="utf-8") as groups:
        kept = [line for line in groups if not line.startswith("weir:")]
    with open("/etc/group", "w", encoding="utf-8") as groups:
        groups.write("".join([*kept, f"weir:x:{GROUP}:\n"]))


def as_user(user, groups):
    """For subprocess: who the command is."""
    return {"user": user, "group": user, "extra_groups": groups}


class LifeTest(unittest.TestCase):
    def setUp(self):
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")
        self.folder = tempfile.TemporaryDirectory(prefix="weir-")
        self.addCleanup(self.folder.cleanup)
        for name in os.listdir("/etc/weir"):
            os.unlink(f"/etc/weir/{name}")

    def weir(self, *words, status=0, **options):
        done = subprocess.run([self.program(), *words], capture_output=True, text=True, check=False,
                              timeout=netns.WAIT_S, cwd="/", **options)  # fmt: skip
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout if status == 0 else done.stderr

    def program(self):
        """Where others may run it."""
        path = "/var/log/weir/.weir"
        if not os.path.exists(path):
            subprocess.run(["cp", WEIR, path], check=True)
            os.chmod(path, 0o755)
        return path

    def configure(self, name, *lines):
        with open(f"/etc/weir/{name}.conf", "w", encoding="utf-8") as file:
            file.write("\n".join(["[live]", *lines, "[meter]", "idle-timeout = 1d", "[exporter file]",
                                  f"to = json+file:{self.folder.name}/{name}", ""]))  # fmt: skip

    def listed(self):
        rows = [json.loads(line) for line in self.weir("list", "--json").splitlines()]
        return {row["instance"]: row["state"] for row in rows}

    def start(self, name):
        self.weir("start", name)
        self.addCleanup(subprocess.run, [self.program(), "stop", "-q", name], check=False,
                        capture_output=True)  # fmt: skip

    # --- in the background ---

    def test_an_instance_is_started_listed_and_stopped(self):
        for name, hook in (("edge", "xdp-generic"), ("native", "af_packet")):
            with self.subTest(name):
                self.configure(name, f"interface = {netns.FAR}", f"hook = {hook}")
                self.assertEqual(self.listed()[name], "stopped")
                self.assertIn("'weir start", self.weir("status", name, status=1))
                self.start(name)
                self.assertEqual(self.listed()[name], "running")
                told = json.loads(self.weir("status", name, "--json"))
                with open(f"/run/weir/{name}.pid", encoding="ascii") as file:
                    self.assertEqual(int(file.read()), told["process"])
                self.assertEqual(told["interfaces"], [netns.FAR])
                self.assertIn("running already", self.weir("start", name))
                self.assertIn(f"process {told['process']}", self.weir("status", name))
                blast = netns.Blast(BLAST, interface=netns.NEAR, frames=1000, flows=10)
                self.assertEqual(blast.finish()["frames"], 1000)
                netns.wait_for(lambda name=name: json.loads(
                    self.weir("stats", "--json", name))["seen"]["packets"] == 1000, "packets")  # fmt: skip
                self.weir("stop", name)
                self.assertEqual(self.listed()[name], "stopped")
                self.assertFalse(os.path.exists(f"/run/weir/{name}.pid"))
                with open(f"/var/log/weir/{name}.log", encoding="utf-8") as file:
                    self.assertIn("balanced", file.read().splitlines())
                with open(f"{self.folder.name}/{name}", encoding="utf-8") as file:
                    records = [json.loads(line) for line in file]
                self.assertEqual(sum(record["packetDeltaCount"] for record in records), 1000)

    def test_what_does_not_start_says_why(self):
        self.configure("nowhere", "interface = nosuch")
        self.configure("typo", f"interfaec = {netns.FAR}")
        self.assertIn("nosuch: no such interface", self.weir("start", "nowhere", status=1))
        self.assertIn("interfaec", self.weir("start", "typo", status=1))
        self.assertIn("there is no such configuration", self.weir("start", "none", status=2))
        self.assertIn("a name, not a path", self.weir("start", "/etc/weir/typo.conf", status=2))
        self.assertEqual(self.listed(), {"nowhere": "stopped", "typo": "stopped"})
        self.assertEqual([name for name in os.listdir("/run/weir") if name.endswith("pid")], [])

    def test_one_whose_process_died_is_dead_and_goes_on(self):
        self.configure("edge", f"interface = {netns.FAR}", "hook = xdp-generic")
        self.start("edge")
        os.kill(json.loads(self.weir("status", "edge", "--json"))["process"], signal.SIGKILL)
        netns.wait_for(lambda: self.listed()["edge"] == "dead", "nobody has it")
        self.assertIn("the kernel meters on", self.weir("status", "edge", status=1))
        blast = netns.Blast(BLAST, interface=netns.NEAR, frames=100, flows=10)
        blast.finish()
        self.start("edge")
        netns.wait_for(lambda: json.loads(self.weir("stats", "--json"))["seen"]["packets"] == 100,
                       "what came meanwhile")  # fmt: skip
        self.weir("stop", "edge")

    # --- what is left of one that died ---

    def die(self, name, frames=100):
        """Of what was metered nothing has been written."""
        netns.Blast(BLAST, interface=netns.NEAR, frames=frames, flows=10).finish()
        netns.wait_for(lambda: json.loads(
            self.weir("stats", "--json", name))["seen"]["packets"] >= frames, "packets")  # fmt: skip
        os.kill(json.loads(self.weir("status", name, "--json"))["process"], signal.SIGKILL)
        netns.wait_for(lambda: self.listed()[name] == "dead", "nobody has it")

    def packets(self, path):
        with open(path, encoding="utf-8") as file:
            return sum(json.loads(line)["packetDeltaCount"] for line in file)

    def test_what_is_left_goes_where_the_configuration_says(self):
        self.configure("edge", f"interface = {netns.FAR}", "hook = xdp-generic")
        self.start("edge")
        self.die("edge")
        file = f"{self.folder.name}/edge"
        self.assertIn(f"writes its flows to json+file:{file}",
                      self.weir("status", "edge", status=1))  # fmt: skip
        with open(file, "a", encoding="ascii") as written:
            written.write("what the dead process wrote\n")
        self.assertEqual(self.weir("stop", "edge"), "")
        with open(file, encoding="ascii") as written:
            self.assertEqual(written.read(), "what the dead process wrote\n")
        self.assertEqual(self.packets(file + ".rest"), 100)
        self.assertEqual(self.listed()["edge"], "stopped")
        self.assertEqual(os.listdir("/run/weir"), [])

    def test_without_its_configuration_it_goes_nowhere_unasked(self):
        config = "/etc/weir/edge.conf"
        self.configure("edge", f"interface = {netns.FAR}", "hook = xdp-generic")
        self.start("edge")
        self.die("edge")
        with open(config, "a", encoding="ascii") as file:
            file.write("[exporter typo\n")
        said = self.weir("stop", "edge", status=2)
        self.assertIn("where its flows go is not known: ", said)
        self.assertIn("edge.conf", said)
        self.assertEqual(said.count("\n"), 1)
        os.unlink(config)
        self.assertIn("edge.conf", self.weir("stop", "edge", status=2))
        self.assertIn("--to URL", self.weir("status", "edge", status=1))
        self.assertEqual(self.listed()["edge"], "dead")
        rest = f"{self.folder.name}/asked"
        self.weir("stop", "edge", "--to", f"json+file:{rest}")
        self.assertEqual(self.packets(rest), 100)

    def test_what_it_was_started_with_is_remembered(self):
        rest = f"{self.folder.name}/by hand"
        with subprocess.Popen([self.program(), "run", netns.FAR, "--instance", "hand", "--hook",
                               "xdp-generic", "-q", "--idle-timeout", "1d", "--to",
                               "json+file:by hand"],
                              cwd=self.folder.name, preexec_fn=netns.end_with_parent) as process:
            netns.wait_for(lambda: self.listed().get("hand") == "running", "it runs")
            self.die("hand")
            process.wait()
        os.unlink(rest)
        self.weir("stop", "hand")
        self.assertEqual(self.packets(rest), 100)

    def test_what_another_user_says_of_a_run_is_not_believed(self):
        """Who owns the folder could have root write anywhere."""
        with subprocess.Popen([self.program(), "run", netns.FAR, "--instance", "hand", "--hook",
                               "xdp-generic", "-q", "--idle-timeout", "1d", "--to",
                               "json+file:/dev/null"],
                              preexec_fn=netns.end_with_parent) as process:
            netns.wait_for(lambda: self.listed().get("hand") == "running", "it runs")
            self.die("hand")
            process.wait()
        path = "/run/weir/hand.started"
        os.rename(path, path + ".kept")
        with open(path, "w", encoding="ascii") as file:
            file.write(f"hand\n/\nrun x --to json+file:{self.folder.name}/other\n")
        os.chown(path, NOBODY, NOBODY)
        self.assertIn("is not this user's", self.weir("stop", "hand", status=2))
        self.assertFalse(os.path.exists(f"{self.folder.name}/other"))
        os.rename(path + ".kept", path)
        self.weir("stop", "hand")

    def test_one_that_is_ending_is_ended_wholly(self):
        self.configure("edge", f"interface = {netns.FAR}", "hook = xdp-generic",
                       "[exporter away]", "to = ipfix+tcp://127.0.0.1:9?linger=60")  # fmt: skip
        self.start("edge")
        netns.Blast(BLAST, interface=netns.NEAR, frames=100, flows=10).finish()
        process = json.loads(self.weir("status", "edge", "--json"))["process"]
        netns.wait_for(lambda: json.loads(
            self.weir("stats", "--json", "edge"))["seen"]["packets"] == 100, "packets")  # fmt: skip
        self.weir("flush", "edge")
        os.kill(process, signal.SIGTERM)
        netns.wait_for(lambda: self.listed()["edge"] != "running", "the end begins")
        # It waits for the collector, and would leave the kernel metering.
        self.assertIn("does not answer", self.weir("start", "edge", status=1))
        self.weir("stop", "edge")
        self.assertEqual(self.listed()["edge"], "stopped")
        self.assertEqual(os.path.exists("/sys/fs/bpf/weir/edge"), False)

    def test_a_file_that_cannot_be_written_is_told_of_at_once(self):
        self.configure("edge", f"interface = {netns.FAR}", "hook = xdp-generic",
                       "[exporter full]", "to = json+file:/dev/full")  # fmt: skip
        self.start("edge")
        self.assertIn("to full: good", self.weir("status", "edge"))
        netns.Blast(BLAST, interface=netns.NEAR, frames=100, flows=10).finish()
        netns.wait_for(lambda: self.weir("flush", "edge") and "to full: failed, 0 flows" in
                       self.weir("status", "edge"), "the failure")  # fmt: skip
        with open("/var/log/weir/edge.log", encoding="utf-8") as file:
            lines = [line for line in file if "No space left" in line]
        self.assertEqual(len(lines), 1, lines)
        self.assertRegex(lines[0], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \w+ weir: ")
        self.weir("stop", "edge")

    def test_rates_are_this_process_s(self):
        self.configure("edge", f"interface = {netns.FAR}", "hook = xdp-generic")
        self.start("edge")
        netns.Blast(BLAST, interface=netns.NEAR, frames=50000, flows=10).finish()
        os.kill(json.loads(self.weir("status", "edge", "--json"))["process"], signal.SIGKILL)
        netns.wait_for(lambda: self.listed()["edge"] == "dead", "nobody has it")
        self.start("edge")
        told = json.loads(self.weir("stats", "--json", "edge"))
        self.assertEqual(told["seen"]["packets"], 50000)
        self.assertLess(told["rates"]["seenPackets"], 1000)
        self.weir("stop", "edge")

    # --- who may what ---

    def test_the_group_asks_and_root_changes(self):
        self.configure("edge", f"interface = {netns.FAR}", "hook = xdp-generic")
        self.start("edge")
        member = as_user(MEMBER, [GROUP])
        for words in (["status"], ["stats"], ["stats", "--json"], ["flows"], ["flows", "--json"],
                      ["list"]):  # fmt: skip
            self.weir(*words, **member)
        for words in (["flush"], ["set", "statistics", "10s"], ["reload"]):
            self.assertIn(NOT_ALLOWED, self.weir(*words, status=1, **member))
            self.weir(*words)
        stranger = as_user(NOBODY, [])
        for words in (["status", "edge"], ["stats", "edge"], ["flows", "edge"], ["flush", "edge"],
                      ["set", "statistics", "10s", "edge"], ["reload", "edge"]):  # fmt: skip
            self.assertIn("ermission denied", self.weir(*words, status=1, **stranger), words)
        self.weir("stats", status=2, **stranger)  # who may not list needs the name
        self.weir("stop", "edge")

    def test_what_cannot_be_set_is_named(self):
        self.configure("edge", f"interface = {netns.FAR}", "hook = af_packet")
        self.start("edge")
        self.assertEqual(self.weir("set", "statistics", "10s"), "statistics: 10s from here on\n")
        # It holds whatever the file says.
        self.assertEqual(self.weir("reload"), "nothing has changed\n")
        for key, value, told in (("max-flows", "1k", "takes a run that begins anew"),
                                 ("statstics", "3s", "did you mean statistics"),
                                 ("statistics", "never", "is not a duration"),
                                 ("to", "json+file:x", "is a list"),
                                 ("a b", "c", "one word")):  # fmt: skip
            self.assertIn(told, self.weir("set", key, value, status=2))
        self.assertIn("can be set: ", self.weir("set", "ring", "1M", status=2))
        # What the run cannot do does not stand in the way of what comes later.
        self.assertIn("needs more than is metered", self.weir("set", "template", "full", status=2))
        self.assertEqual(self.weir("reload"), "nothing has changed\n")
        self.weir("stop", "edge")

    def test_one_key_is_set_and_told(self):
        """and what the file changed meanwhile is not taken before a reload"""
        self.configure("edge", f"interface = {netns.FAR}", "hook = af_packet")
        self.start("edge")
        self.configure("edge", f"interface = {netns.FAR}", "hook = af_packet", "nonsense = 1",
                       "[report]", "log-json = yes")  # fmt: skip
        self.assertEqual(self.weir("set", "statistics", "10s"), "statistics: 10s from here on\n")
        self.weir("set", "statistics", "20s")
        self.assertIn("needs more than is metered", self.weir("set", "template", "full", status=2))
        self.assertEqual(self.weir("set", "log-level", "debug"), "log-level: debug from here on\n")
        expected = [{"key": "statistics", "value": "20s", "configured": "1m"},
                    {"key": "log-level", "value": "debug", "configured": "info"}]  # fmt: skip
        for words in (["stats", "--json"], ["status", "--json"]):
            self.assertEqual(json.loads(self.weir(*words))["set"], expected)
        self.assertIn("\n  set statistics = 20s (the configuration: 1m)\n", self.weir("status"))
        self.assertRegex(self.weir("stats"), r"\nset +log-level = debug \(the configuration: info\)\n")
        self.assertIn("nonsense", self.weir("reload", status=2))
        self.configure("edge", f"interface = {netns.FAR}", "hook = af_packet", "[report]",
                       "log-json = yes", "[export]", "statistics = 20s")  # fmt: skip
        self.assertEqual(self.weir("reload"), "log-json: on from here on\n")
        self.assertEqual(json.loads(self.weir("status", "--json"))["set"], expected[1:])
        self.weir("stop", "edge")


if __name__ == "__main__":
    WEIR, BLAST = sys.argv.pop(1), sys.argv.pop(1)
    netns.enter()
    own_folders()
    unittest.main()
