# SPDX-License-Identifier: BSD-2-Clause
"""What a kernel can refuse `weir run`: one line each, status 1, and nothing left behind."""

import errno
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import forbid
import netns

WEIR = BLAST = ""  # set from the command line
SINK = "ipfix+file:/dev/null"


def under(*rules):
    def apply():
        netns.end_with_parent()
        for rule in rules:
            rule()

    return apply


class FailuresTest(unittest.TestCase):
    def setUp(self):
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")

    def run_weir(self, *arguments, rules=(), before=()):
        return subprocess.run([*before, WEIR, "run", netns.FAR, "--to", SINK, *arguments],
                              capture_output=True, text=True, timeout=netns.WAIT_S, check=False,
                              preexec_fn=under(*rules))  # fmt: skip

    def assert_refused(self, words, *arguments, rules=()):
        run = self.run_weir("--quiet", *arguments, rules=rules)
        self.assertEqual(run.returncode, 1, run.stderr)
        self.assertEqual(run.stderr.count("\n"), 1, run.stderr)
        for word in words:
            self.assertIn(word, run.stderr)
        self.assertEqual(run.stdout, "")
        shown = netns.shown(netns.FAR)
        self.assertNotIn("xdp", shown)
        self.assertEqual(shown["promiscuity"], 0)

    def test_what_contradicts_itself(self):
        for arguments, word in ((["--drop", "--hook", "tc"], "--drop"),
                                (["--drop", "--hook", "af_packet"], "--drop"),
                                (["--drop", "--direction", "both"], "--drop"),
                                ([netns.FAR], "named twice")):  # fmt: skip
            run = self.run_weir("--quiet", *arguments)
            self.assertEqual(run.returncode, 2, run.stderr)
            self.assertEqual(run.stderr.count("\n"), 1, run.stderr)
            self.assertIn(word, run.stderr)

    def test_bpf_that_is_switched_off(self):
        self.assert_refused(["BPF is switched off", "--hook af_packet"],
                            rules=[forbid.call("bpf", errno.ENOSYS)])

    def test_bpf_that_even_root_may_not_use(self):
        self.assert_refused(["even to root", "--hook af_packet"],
                            rules=[forbid.call("bpf", errno.EPERM)])

    def test_what_is_advised_works(self):
        run = self.run_weir("--hook", "af_packet", "--duration", "100ms",
                            rules=[forbid.call("bpf", errno.ENOSYS)])
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("balanced", run.stderr)

    def test_tables_larger_than_memory(self):
        self.assert_refused(["flow tables of ", " MiB", "--max-flows"], "--max-flows", "1G")

    def test_a_map_the_kernel_has_no_memory_for(self):
        self.assert_refused(["Cannot allocate memory"],
                            rules=[forbid.call("bpf", errno.ENOMEM, forbid.MAP_CREATE)])

    def test_a_cpu_outside_the_cpuset(self):
        self.assert_refused(["CPU 0 is not in this process's cpuset", "AllowedCPUs="],
                            rules=[forbid.call("sched_setaffinity", errno.EINVAL)])

    def test_a_scan_that_fails_ends_the_run(self):
        """Long before its time is over, and without a signal."""
        self.assert_refused(["Cannot allocate memory"], "--duration", "10m",
                            rules=[forbid.call("bpf", errno.ENOMEM, forbid.TEST_RUN)])

    def test_a_grace_period_without_membarrier(self):
        for hook in ("xdp", "tc"):
            blast = netns.Blast(BLAST, interface=netns.NEAR, rate=100000, flows=1000)
            self.addCleanup(blast.stop)
            for _ in range(5):
                run = self.run_weir("--hook", hook, "--duration", "200ms", "--max-flows", "64K",
                                    rules=[forbid.call("membarrier", errno.EINVAL)])
                self.assertEqual(run.returncode, 0, run.stderr)
                self.assertIn("\nbalanced", run.stderr)
            blast.stop()

    def test_a_kernel_without_its_types(self):
        """The meter does without them."""
        hide = ["unshare", "--mount", "sh", "-c",
                'mount -t tmpfs none /sys/kernel/btf && exec "$@"', "sh"]  # fmt: skip
        run = self.run_weir("--duration", "100ms", before=hide)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("balanced", run.stderr)


if __name__ == "__main__":
    WEIR, BLAST = sys.argv.pop(1), sys.argv.pop(1)
    if not forbid.NUMBERS:
        print("skipped: the numbers of system calls are not known here")
        sys.exit(77)
    netns.enter()
    unittest.main()
