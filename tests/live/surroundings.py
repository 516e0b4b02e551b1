# SPDX-License-Identifier: BSD-2-Clause
"""Hosts that lack something: IPv6, standard files, room in /run, a mask that lets others in.

surroundings.py WEIR"""

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import netns

WEIR = ""  # set from the command line
NAME = "edge"


class SurroundingsTest(unittest.TestCase):
    def setUp(self):
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")
        made = tempfile.TemporaryDirectory(prefix="weir-")
        self.addCleanup(made.cleanup)
        self.folder = made.name

    def live(self, *options):
        live = netns.Live(WEIR, [netns.FAR], "--instance", NAME, *options)
        self.addCleanup(live.close)
        return live

    def test_metrics_without_ipv6(self):
        with open("/proc/sys/net/ipv6/conf/all/disable_ipv6", "w", encoding="ascii") as file:
            file.write("1")
        live = self.live("--metrics", "9481")  # loopback, as far as there is one
        self.assertTrue(live.metering, live.errors)
        live.stop()
        self.assertEqual(live.status, 0, live.errors)
        live = self.live("--metrics", "[::1]:9481")
        self.assertFalse(live.metering)
        self.assertIsNone(live.ended())
        self.assertEqual(live.status, 2)
        self.assertEqual(live.errors.count("\n"), 1, live.errors)
        self.assertIn("--metrics [::1]:9481: ", live.errors)
        self.assertIn("name an address that this host has", live.errors)

    def test_standard_files_that_are_closed(self):
        """Nothing else gets their numbers, which weir writes to and reads from."""
        out = os.path.join(self.folder, "json")
        command = [WEIR, "run", netns.FAR, "--instance", NAME, "--to", f"json+file:{out}"]
        child = os.fork()
        if child == 0:
            netns.end_with_parent()
            os.closerange(0, 3)
            os.execv(WEIR, command)
        netns.wait_for(lambda: os.path.exists(f"/run/weir/{NAME}.sock"), "it runs")
        self.assertEqual([os.readlink(f"/proc/{child}/fd/{fd}") for fd in range(3)],
                         ["/dev/null"] * 3)  # fmt: skip
        netns.send([bytes(100)] * 10)
        os.kill(child, signal.SIGINT)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        with open(out, encoding="utf-8") as file:
            self.assertNotIn("balanced", file.read())

    def fill(self):
        """Of /run, so that nothing more gets in."""
        if netns.LIBC.mount(b"tmpfs", b"/run/weir", b"tmpfs", ctypes.c_ulong(0), b"size=64k") != 0:
            raise OSError(ctypes.get_errno(), "mount")
        self.addCleanup(netns.LIBC.umount2, b"/run/weir", 2)
        with open("/run/weir/fill", "wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                pass

    def test_a_full_run_folder(self):
        self.fill()
        live = self.live()
        self.assertTrue(live.metering, live.errors)
        netns.send([bytes(100)] * 10)
        account = live.stop()
        self.assertEqual(live.status, 0, live.errors)
        self.assertEqual(account["seen"]["packets"], 10)
        self.assertIn("No space left on device; should a later version", live.errors)
        self.assertEqual(os.listdir("/run/weir"), ["fill"])

    def test_whatever_the_mask_only_root_gets_at_what_is_kept(self):
        for mask in (0, 0o077):
            before = os.umask(mask)
            try:
                live = self.live()
            finally:
                os.umask(before)
            self.assertTrue(live.metering, live.errors)
            for name in os.listdir("/run/weir"):
                self.assertEqual(os.stat(f"/run/weir/{name}").st_mode & 0o007, 0, name)
            self.assertEqual(os.stat("/run/weir").st_mode & 0o026, 0)
            self.assertEqual(os.stat("/sys/fs/bpf/weir").st_mode & 0o077, 0)
            live.stop()
            self.assertEqual(live.status, 0, live.errors)

    def test_nothing_in_the_environment(self):
        done = subprocess.run([WEIR, "run", netns.FAR, "--duration", "1ms", "-q", "--to",
                               f"json+file:{self.folder}/json"], env={}, check=False,
                              capture_output=True, text=True, timeout=netns.WAIT_S)  # fmt: skip
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))


if __name__ == "__main__":
    WEIR = sys.argv.pop(1)
    netns.enter()
    netns.ip("link set lo up")
    unittest.main(verbosity=2)
