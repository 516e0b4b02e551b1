# SPDX-License-Identifier: BSD-2-Clause
"""The service unit: nothing in it that systemd does not know, and nothing open that could be shut."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(sys.argv[1])
UNIT = ROOT / "etc/systemd/weir@.service"
MOST = 3.0  # of exposure; 10 is everything
ENVIRONMENT = dict(os.environ, LC_ALL="C", SYSTEMD_COLORS="0")


def analyze(*words):
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False,
                          env=ENVIRONMENT)  # fmt: skip


def members(group):
    """The system calls of a group, as systemd lists them."""
    found = set()
    for line in analyze("syscall-filter", group).stdout.splitlines()[1:]:
        word = line.strip()
        if word and not word.startswith("#"):
            found |= members(word) if word.startswith("@") else {word}
    return found


class UnitTest(unittest.TestCase):
    def test_systemd_knows_all_of_it(self):
        with tempfile.TemporaryDirectory() as folder:
            # Of this machine neither the program nor the pages are needed.
            text = UNIT.read_text().replace("/usr/bin/weir", "/bin/true")
            text = re.sub("(?m)^Documentation=.*\n", "", text)
            copy = Path(folder, UNIT.name)
            copy.write_text(text)
            done = analyze("verify", str(copy))
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_what_it_says_is_kept(self):
        """Standard error would else go where standard output goes: nowhere."""
        self.assertIn("\nStandardError=journal\n", UNIT.read_text())

    def test_little_is_open(self):
        done = analyze("security", "--offline=true", str(UNIT))
        [level] = re.findall(r"Overall exposure level for \S+: (\d+\.\d)", done.stdout)
        self.assertLessEqual(float(level), MOST, done.stdout)

    def test_what_a_run_calls_is_let_through(self):
        """Later lines override earlier ones; the names were seen by strace."""
        allowed = members("@default")
        for line in re.findall("(?m)^SystemCallFilter=(.*)$", UNIT.read_text()):
            for word in line.removeprefix("~").split():
                names = members(word) if word.startswith("@") else {word}
                allowed = allowed - names if line.startswith("~") else allowed | names
        called = {"bpf", "capset", "chown", "membarrier", "sched_setaffinity", "sched_setattr",
                  "epoll_wait", "recvmsg", "sendmmsg", "setsockopt", "prctl", "execve"}  # fmt: skip
        self.assertEqual(called - allowed, set())
        self.assertEqual({"mount", "setuid", "ptrace", "init_module", "reboot"} & allowed, set())

    def test_it_keeps_what_a_run_keeps(self):
        """The capabilities of the unit are those of the program."""
        unit = UNIT.read_text()
        source = (ROOT / "src/service/privileges.c").read_text()
        kept = set(re.findall(r"(CAP_\w+),\s+KEEP_RUN", source))
        self.assertEqual(len(kept), 4)
        for key in ("AmbientCapabilities", "CapabilityBoundingSet"):
            [words] = re.findall(f"(?m)^{key}=(.*)$", unit)
            self.assertEqual(set(words.split()), kept)


if __name__ == "__main__":
    if not shutil.which("systemd-analyze"):
        print("skipped: no systemd-analyze")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=2)
