# SPDX-License-Identifier: BSD-2-Clause
"""The service as systemd itself runs it: it is ready, fed to the watchdog, little allowed, reloaded,
killed, hung, upgraded and removed, and its account has no gap.

booted.py BUILD WEIR BLAST"""

import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/lib"))

import machine
import netns
import package

BLAST = ""  # set from the command line
UNIT = "weir@edge.service"
CONFIG = f"""[live]
interface = {netns.FAR}
[meter]
idle-timeout = 300ms
active-timeout = 500ms
[exporter file]
to = json+file:/var/lib/weir/edge-%s.json?rotate=1h
[report]
json-stats = /var/lib/weir/account
"""
RIGHTS = 1 << 12 | 1 << 13 | 1 << 38 | 1 << 39  # net_admin, net_raw, perfmon, bpf
FRAME = 100


def earlier(package_file, folder):
    """The same, of an earlier version."""
    tree = f"{folder}/tree"
    subprocess.run(["dpkg-deb", "-R", package_file, tree], check=True)
    control = Path(tree, "DEBIAN/control")
    control.write_text(re.sub(r"(?m)^Version: .*", "Version: 0.0.1", control.read_text()))
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, f"{folder}/earlier.deb"], check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    return f"{folder}/earlier.deb"


class BootedTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="weir-booted-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.package = package.make_package(cls.folder)
        for path in ("etc/weir", "var/lib/weir", "var/spool/weir", "var/log/weir"):
            shutil.rmtree(f"{MACHINE.root}/{path}", ignore_errors=True)
        os.mkdir(f"{MACHINE.root}/var/weir-packages")
        for name, path in (("now", cls.package), ("earlier", earlier(cls.package, cls.folder))):
            shutil.copy(path, f"{MACHINE.root}/var/weir-packages/{name}.deb")

    def setUp(self):
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")
        self.install("now")
        self.addCleanup(MACHINE.does, "dpkg", "-P", "weir")
        MACHINE.write("/etc/weir/edge.conf", CONFIG)
        self.addCleanup(MACHINE.does, "systemctl", "reset-failed")

    def install(self, name):
        MACHINE.run("dpkg", "-i", f"/var/weir-packages/{name}.deb")

    def begin(self):
        """The service runs, and frames come."""
        MACHINE.run("systemctl", "start", UNIT)
        blast = netns.Blast(BLAST, interface=netns.NEAR, size=FRAME, rate=5000, flows=500)
        self.addCleanup(blast.stop)
        self.more_frames()
        return blast

    def more_frames(self):
        start = netns.Counters(netns.FAR).rx_frames
        netns.wait_for(lambda: netns.Counters(netns.FAR).rx_frames > start + 2000, "traffic")

    def process(self):
        return int(MACHINE.show(UNIT, "MainPID"))

    def status(self):
        """What the kernel says of it; its number is another one outside."""
        text = MACHINE.run("cat", f"/proc/{self.process()}/status")
        return dict(line.split(":\t", 1) for line in text.splitlines())

    def status_of_run(self):
        return json.loads(MACHINE.run("weir", "status", "edge", "--json"))

    def begun_anew(self, before):
        netns.wait_for(lambda: self.process() not in (0, before) and
                       MACHINE.show(UNIT, "ActiveState") == "active", "it runs again")  # fmt: skip
        return self.process()

    def check_account(self, frames):
        """After its end: nothing is missing from it, and of the records only what was in doubt."""
        folder = f"{MACHINE.root}/var/lib/weir"
        with open(f"{folder}/account", encoding="utf-8") as file:
            account = json.load(file)
        self.assertTrue(account["balanced"], account)
        self.assertEqual(account["seen"]["packets"], frames)
        self.assertEqual(account["exported"]["packets"], frames)
        packets = 0
        for path in glob.glob(f"{folder}/edge-*.json*"):
            with open(path, encoding="utf-8") as file:
                packets += sum(json.loads(line)["packetDeltaCount"] for line in file
                               if line.endswith("\n"))  # fmt: skip
        doubt = account["inDoubt"]["packets"]
        self.assertTrue(frames <= packets <= frames + doubt, (packets, frames, doubt))
        return account

    def test_a_life(self):
        blast = self.begin()
        self.assertEqual(MACHINE.show(UNIT, "ActiveState"), "active")
        status = self.status()
        user = [line for line in Path(MACHINE.root, "etc/passwd").read_text().splitlines()
                if line.startswith("weir:")][0].split(":")  # fmt: skip
        self.assertEqual(set(status["Uid"].split()), {user[2]})
        self.assertEqual(set(status["Gid"].split()), {user[3]})
        for name in ("CapEff", "CapPrm", "CapBnd"):
            self.assertEqual(int(status[name], 16) & ~RIGHTS, 0, name)
        self.assertEqual(int(status["CapEff"], 16), RIGHTS)
        self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
        netns.wait_for(lambda: re.search("metering far: [1-9]", MACHINE.show(UNIT, "StatusText")),
                       "what it tells of itself")  # fmt: skip
        fed = MACHINE.show(UNIT, "WatchdogTimestampMonotonic")
        netns.wait_for(lambda: MACHINE.show(UNIT, "WatchdogTimestampMonotonic") != fed, "food")
        said = [event for event in MACHINE.journal(UNIT) if "metering at" in event["MESSAGE"]]
        self.assertEqual((said[0]["PRIORITY"], said[0]["WEIR_INSTANCE"], said[0]["WEIR_INTERFACE"]),
                         ("6", "edge", netns.FAR))  # fmt: skip
        # A reload changes what can be changed, and the process stays.
        before = self.process()
        MACHINE.write("/etc/weir/edge.conf", CONFIG + "log-level = debug\n")
        MACHINE.run("systemctl", "reload", UNIT)
        self.assertTrue(any("log-level: debug from here on" in event["MESSAGE"]
                            for event in MACHINE.journal(UNIT)))  # fmt: skip
        self.assertEqual(self.process(), before)
        MACHINE.write("/etc/weir/edge.conf", "nonsense\n")
        self.assertFalse(MACHINE.does("systemctl", "reload", UNIT))
        self.assertEqual(self.process(), before)
        MACHINE.write("/etc/weir/edge.conf", CONFIG)
        # What it has comes out when it is stopped; the kernel meters on, for the next start.
        MACHINE.run("systemctl", "stop", UNIT)
        self.assertEqual(MACHINE.show(UNIT, "Result"), "success")
        self.more_frames()
        MACHINE.run("systemctl", "start", UNIT)
        frames = blast.stop()["frames"]
        MACHINE.run("weir", "stop", "edge")
        self.assertEqual(MACHINE.show(UNIT, "ActiveState"), "inactive")
        account = self.check_account(frames)
        self.assertEqual(account["inDoubt"]["packets"], 0)

    def test_killed_it_begins_anew_without_a_gap(self):
        blast = self.begin()
        process = self.process()
        for number in (signal.SIGKILL, signal.SIGSEGV):
            MACHINE.run("kill", f"-{int(number)}", str(process))
            process = self.begun_anew(process)
            self.more_frames()
        self.assertEqual(MACHINE.show(UNIT, "NRestarts"), "2")
        frames = blast.stop()["frames"]
        MACHINE.run("weir", "stop", "edge")
        self.check_account(frames)

    def test_hung_it_is_ended_by_the_watchdog_and_begins_anew(self):
        blast = self.begin()
        process = self.process()
        MACHINE.run("kill", "-STOP", str(process))
        self.begun_anew(process)
        self.assertTrue(any("Watchdog timeout" in event["MESSAGE"] for event in MACHINE.journal(UNIT)))
        frames = blast.stop()["frames"]
        MACHINE.run("weir", "stop", "edge")
        self.check_account(frames)

    def test_a_fault_of_the_configuration_is_not_tried_again(self):
        MACHINE.write("/etc/weir/edge.conf", "[live]\ninterfaec = far\n")
        self.assertFalse(MACHINE.does("systemctl", "start", UNIT))
        self.assertEqual(MACHINE.show(UNIT, "ActiveState"), "failed")
        self.assertEqual(MACHINE.show(UNIT, "NRestarts"), "0")
        self.assertTrue(any("interfaec" in event["MESSAGE"] for event in MACHINE.journal(UNIT)))

    def test_start_status_and_stop_are_systemd_s(self):
        self.assertIn("running", MACHINE.run("weir", "start", "edge"))
        self.assertEqual(MACHINE.show(UNIT, "ActiveState"), "active")
        self.assertEqual(self.status_of_run()["process"], self.process())
        MACHINE.run("weir", "stop", "edge")
        self.assertEqual(MACHINE.show(UNIT, "ActiveState"), "inactive")

    def test_an_upgrade_and_a_removal_while_it_runs(self):
        """The maintainer scripts begin it anew, and end it."""
        self.install("earlier")
        blast = self.begin()
        before = self.process()
        self.install("now")
        self.begun_anew(before)
        self.more_frames()
        frames = blast.stop()["frames"]
        MACHINE.run("dpkg", "-r", "weir")
        self.assertFalse(MACHINE.does("systemctl", "is-active", UNIT))
        self.check_account(frames)
        self.assertFalse(MACHINE.does("test", "-e", "/sys/fs/bpf/weir"))
        MACHINE.run("dpkg", "-P", "weir")
        for path in ("/etc/weir", "/run/weir", "/var/lib/weir", "/var/log/weir", "/etc/logrotate.d/weir",
                     "/usr/lib/systemd/system/weir@.service"):  # fmt: skip
            self.assertFalse(MACHINE.does("test", "-e", path), path)


if __name__ == "__main__":
    package.BUILD, WEIR, BLAST = (sys.argv.pop(1) for _ in range(3))
    MACHINE = None
    netns.enter()
    try:
        machine.need()
    except machine.Unavailable as why:
        machine.skip(why)
    BASE = package.BASE = package.lay_root()
    try:
        MACHINE = machine.Machine(BASE)
        passed = unittest.main(verbosity=2, exit=False).result.wasSuccessful()
    except machine.Unavailable as why:
        machine.skip(why)
    finally:
        if MACHINE:
            MACHINE.close()
        netns.LIBC.umount2(BASE.encode(), 2)  # lazily: it has mounts below
        os.rmdir(BASE)
    sys.exit(not passed)
