# SPDX-License-Identifier: BSD-2-Clause
"""`weir run` among others: interfaces that go and come, programs that were there, a second weir."""

import ctypes
import os
import platform
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import forbid
import netns

WEIR = ""  # set from the command line
SINK = "ipfix+file:/dev/null"
OTHER, BESIDE = "other", "beside"
FRAMES = [bytes(60)] * 300
PROG_LOAD, OBJ_PIN, PROG_TYPE_XDP = 5, 6, 6
LICENCE = ctypes.create_string_buffer(b"GPL")
PASS = ctypes.create_string_buffer(bytes([0xB7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]))


class Load(ctypes.Structure):
    """Of union bpf_attr, what loading and pinning need."""

    _fields_ = [("type", ctypes.c_uint32), ("count", ctypes.c_uint32), ("code", ctypes.c_uint64),
                ("licence", ctypes.c_uint64), ("rest", ctypes.c_uint8 * 104)]  # fmt: skip


class Pin(ctypes.Structure):
    _fields_ = [("path", ctypes.c_uint64), ("fd", ctypes.c_uint32), ("rest", ctypes.c_uint8 * 116)]


def bpf(command, attributes):
    done = netns.LIBC.syscall(forbid.NUMBERS["bpf"], command, ctypes.byref(attributes),
                              ctypes.sizeof(attributes))  # fmt: skip
    if done < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return done


def pin_program(path):
    """An XDP program that lets everything pass."""
    program = bpf(PROG_LOAD, Load(PROG_TYPE_XDP, 2, ctypes.addressof(PASS),
                                  ctypes.addressof(LICENCE)))  # fmt: skip
    name = ctypes.create_string_buffer(path.encode())
    bpf(OBJ_PIN, Pin(ctypes.addressof(name), program))
    os.close(program)


def tc_shows(what):
    return subprocess.run(["tc", *what.split()], capture_output=True, text=True, check=True).stdout


def said(live, words, times=1):
    """When it has said so, so often."""
    fd = live.process.stderr.fileno()
    os.set_blocking(fd, False)

    def look():
        try:
            live.errors += os.read(fd, 65536).decode()
        except BlockingIOError:
            pass
        return live.errors.count(words) == times

    netns.wait_for(look, words)
    os.set_blocking(fd, True)


class LinksTest(unittest.TestCase):
    def setUp(self):
        netns.lay()
        self.addCleanup(subprocess.run, ["ip", "link", "del", netns.NEAR], check=False)

    def stop(self, live, packets):
        account = live.stop()
        self.assertEqual(live.status, 0, live.errors)
        self.assertTrue(account["balanced"])
        self.assertEqual(account["seen"]["packets"], packets)
        self.assertEqual(account["setAside"]["notIp"]["packets"], packets)

    def assert_free(self):
        shown = netns.shown(netns.FAR)
        self.assertNotIn("xdp", shown)
        self.assertEqual(shown["promiscuity"], 0)
        self.assertEqual(tc_shows(f"qdisc show dev {netns.FAR}").count("clsact"), 0)

    def test_an_interface_that_goes_and_returns(self):
        for hook in (["--hook", "auto"], ["--hook", "tc"]):
            netns.lay(OTHER, BESIDE)
            with netns.Live(WEIR, [netns.FAR, BESIDE], *hook, to=SINK) as live:
                netns.send(FRAMES)
                netns.send(FRAMES, OTHER, BESIDE)
                netns.ip(f"link del {netns.NEAR}")
                said(live, f"{netns.FAR}: the interface is gone; waiting for it to come back")
                netns.send(FRAMES, OTHER, BESIDE)
                netns.lay()
                said(live, f"{netns.FAR}: back, metering goes on")
                netns.send(FRAMES)
                netns.send(FRAMES, OTHER, BESIDE)
                netns.ip(f"link set {netns.FAR} down")
                down = f"{netns.FAR}: the interface is down; waiting for it to come up"
                before = live.errors.count(down)  # it was down before it was gone
                said(live, down, before + 1)
                netns.ip(f"link set {netns.FAR} up")
                said(live, f"{netns.FAR}: back, metering goes on", times=2)
                self.stop(live, 5 * len(FRAMES))
                self.assertEqual(live.errors.count("is gone"), 1)
                self.assertLessEqual(before, 1)
                self.assertEqual(live.errors.count("is down"), before + 1)
            netns.ip(f"link del {OTHER}")
            self.assert_free()

    def test_another_program_makes_way_by_force(self):
        path = f"/sys/fs/bpf/weir-test-{os.getpid()}"
        pin_program(path)
        self.addCleanup(os.unlink, path)
        for mode in ("xdpdrv", "xdpgeneric"):
            netns.ip(f"link set {netns.FAR} {mode} pinned {path}")
            before = netns.shown(netns.FAR)["xdp"]
            with netns.Live(WEIR, [netns.FAR], to=SINK) as live:
                live.ended()
                self.assertEqual(live.status, 1)
                self.assertIn("attached already and stays", live.errors)
            with netns.Live(WEIR, [netns.FAR], "--force", to=SINK) as live:
                self.assertNotEqual(netns.shown(netns.FAR)["xdp"], before)
                netns.send(FRAMES)
                self.stop(live, len(FRAMES))
            self.assertEqual(netns.shown(netns.FAR)["xdp"], before)
            with netns.Live(WEIR, [netns.FAR], "--force", to=SINK) as live:
                netns.send(FRAMES)
                live.stop(signal.SIGKILL)
            with netns.Live(WEIR, [netns.FAR], to=SINK) as live:
                netns.send(FRAMES)
                self.stop(live, 2 * len(FRAMES))
            self.assertEqual(netns.shown(netns.FAR)["xdp"], before)
            netns.ip(f"link set {netns.FAR} {mode} off")
            self.assert_free()

    def test_a_second_weir(self):
        with netns.Live(WEIR, [netns.FAR], "--hook", "xdp", to=SINK) as first:
            with netns.Live(WEIR, [netns.FAR], "--hook", "xdp", "--instance", "second",
                            to=SINK) as second:  # fmt: skip
                second.ended()
                self.assertEqual(second.status, 1)
                self.assertIn("another weir", second.errors)
                self.assertIn("attached already and stays", second.errors)
            with netns.Live(WEIR, [netns.FAR], "--hook", "tc", "--instance", "second",
                            to=SINK) as second:  # fmt: skip
                netns.send(FRAMES)
                self.stop(second, len(FRAMES))
            self.stop(first, len(FRAMES))
        self.assert_free()

    def test_two_at_tc(self):
        """They get on where the kernel has TCX; where not, the second is told so."""
        with netns.Live(WEIR, [netns.FAR], "--hook", "tc", to=SINK) as first:
            with netns.Live(WEIR, [netns.FAR], "--hook", "tc", "--instance", "second",
                            to=SINK) as second:  # fmt: skip
                netns.send(FRAMES)
                if "TCX" in first.hooks[netns.FAR]:
                    self.stop(second, len(FRAMES))
                else:
                    second.ended()
                    self.assertEqual(second.status, 1)
                    self.assertIn("another weir meters at tc already and stays", second.errors)
            self.stop(first, len(FRAMES))
        self.assert_free()

    def test_a_kill_in_between(self):
        for hook in ("xdp", "xdp-generic", "tc"):
            with netns.Live(WEIR, [netns.FAR], "--hook", hook, to=SINK) as live:
                self.assertEqual(netns.shown(netns.FAR)["promiscuity"], 1)
                netns.send(FRAMES)
                live.stop(signal.SIGKILL)
            self.assertEqual(netns.shown(netns.FAR)["promiscuity"], 0)
            netns.send(FRAMES)
            with netns.Live(WEIR, [netns.FAR], "--hook", hook, to=SINK) as live:
                netns.send(FRAMES)
                self.stop(live, 3 * len(FRAMES))
            self.assert_free()

    def test_a_foreign_qdisc_stays(self):
        netns.ip(f"link set {netns.FAR} up")
        tc_shows(f"qdisc add dev {netns.FAR} clsact")
        with netns.Live(WEIR, [netns.FAR], "--hook", "tc", to=SINK) as live:
            netns.send(FRAMES)
            self.stop(live, len(FRAMES))
        self.assertIn("clsact", tc_shows(f"qdisc show dev {netns.FAR}"))


if __name__ == "__main__":
    WEIR = sys.argv.pop(1)
    if not forbid.NUMBERS:
        print(f"skipped: the numbers of system calls are not known on {platform.machine()}")
        sys.exit(77)
    netns.enter()
    unittest.main()
