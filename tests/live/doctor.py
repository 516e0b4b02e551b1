# SPDX-License-Identifier: BSD-2-Clause
"""weir doctor as a user meets it, in a network namespace that ends with this process."""

import ctypes
import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import netns

WEIR = ""  # set from the command line
CLONE_NEWNET = 0x40000000
HOST_CHECKS = ["kernel", "btf", "rights", "bpffs", "jit", "clock", "memory", "capture"]
LINK_CHECKS = ["link", "xdp", "mtu", "programs", "queues", "merging", "splitting", "promiscuous"]


def ip(line):
    subprocess.run(["ip", *line.split()], check=True)


def are_up():
    """The kernel says so a little later than it is told to set them up."""
    netns.wait_for(lambda: all(netns.shown(end)["operstate"] == "UP" for end in ("near", "far")),
                   "the wire is up")  # fmt: skip


def doctor(*arguments):
    return subprocess.run([WEIR, "doctor", *arguments], capture_output=True, text=True,
                          timeout=120, check=False)


def as_nobody():
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)


class DoctorTest(unittest.TestCase):
    def setUp(self):
        ip("link add near type veth peer name far")
        ip("link set near up")
        ip("link set far up")
        self.addCleanup(ip, "link del near")
        are_up()

    def checks(self, *arguments, status=0):
        run = doctor("--json", *arguments)
        self.assertEqual(run.returncode, status, run.stdout + run.stderr)
        said = json.loads(run.stdout)
        statuses = [check["status"] for check in said["checks"]]
        for name in ("ok", "warn", "fail"):
            self.assertEqual(said[name], statuses.count(name))
        return {(check["interface"], check["check"]): check for check in said["checks"]}

    def test_every_check_is_told_of_every_interface(self):
        expected = {(None, name) for name in HOST_CHECKS}
        expected |= {(ifname, name) for ifname in ("near", "far") for name in LINK_CHECKS}
        self.assertEqual(set(self.checks("near", "far")), expected)

    def test_lines_say_the_same_as_json(self):
        run = doctor("far")
        self.assertEqual(run.returncode, 0)
        self.assertEqual(run.stderr, "")
        for check in self.checks("far").values():
            if check["check"] == "memory":
                continue  # what is free changes
            self.assertIn(check["text"], run.stdout)
            self.assertIn(check["remedy"] or "", run.stdout)

    def test_an_interface_that_is_down_fails(self):
        ip("link set far down")
        check = self.checks("near", "far", status=1)["far", "link"]
        self.assertEqual(check["status"], "fail")
        self.assertEqual(check["remedy"], "ip link set far up")
        ip(check["remedy"].removeprefix("ip "))
        are_up()
        self.assertEqual(self.checks("far")["far", "link"]["status"], "ok")

    def test_an_interface_that_is_not_there_fails(self):
        found = self.checks("nowhere", status=1)
        self.assertEqual(found["nowhere", "link"]["status"], "fail")
        run = doctor("nowhere")
        self.assertEqual(run.returncode, 1)
        self.assertEqual(run.stderr.count("\n"), 1)
        self.assertIn("1 of 9 checks failed", run.stderr)

    def test_long_packets_and_native_xdp_do_not_go_together(self):
        ip("link set far mtu 9000")
        self.assertEqual(self.checks("far")["far", "mtu"]["status"], "warn")

    def test_memory_follows_flows_and_detail(self):
        few = self.checks("--max-flows", "1000")[None, "memory"]
        self.assertEqual(few["status"], "ok")
        self.assertIn("room for 1000 flows", few["text"])
        huge = self.checks("--max-flows", "1G", "--detail", "full", status=1)[None, "memory"]
        self.assertEqual(huge["status"], "fail")

    def test_without_rights_it_says_which(self):
        with open(WEIR, "rb") as program:  # its folder may be closed to nobody
            run = subprocess.run([f"/proc/self/fd/{program.fileno()}", "doctor", "--json", "far"],
                                 capture_output=True, text=True, timeout=120, check=False,
                                 pass_fds=[program.fileno()], preexec_fn=as_nobody)
        self.assertEqual(run.returncode, 1, run.stderr)
        found = {check["check"]: check for check in json.loads(run.stdout)["checks"]}
        self.assertEqual(found["rights"]["status"], "fail")
        self.assertIn("CAP_BPF", found["rights"]["remedy"])
        self.assertEqual(found["capture"]["status"], "warn")

    def test_other_filters_are_told(self):
        subprocess.run(["tc", "qdisc", "add", "dev", "far", "clsact"], check=True)
        subprocess.run(["tc", "filter", "add", "dev", "far", "ingress", "protocol", "ip", "u32",
                        "match", "u32", "0", "0"], check=True)
        check = self.checks("far")["far", "programs"]
        self.assertEqual(check["status"], "warn")
        self.assertIn("a filter of kind u32 at tc ingress", check["text"])


if __name__ == "__main__":
    WEIR = sys.argv.pop(1)
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        print("skipped: a network namespace:", os.strerror(ctypes.get_errno()))
        sys.exit(77)
    unittest.main()
