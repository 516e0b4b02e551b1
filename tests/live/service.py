# SPDX-License-Identifier: BSD-2-Clause
"""What a service manager hears of a run, which here is a socket: that it has begun, reloads and ends,
and, while its work goes on and no longer, that it is alive. When it kills the run and begins it
anew, nothing is missing from the account."""

import ctypes
import glob
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import netns

WEIR = BLAST = ""  # set from the command line
NAME = "edge"
SIZE = 100
SHORT = ["--idle-timeout", "300ms", "--active-timeout", "500ms"]
WATCHDOG_S = 0.4
PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000
ALIVE = "WATCHDOG=1"


class Manager:
    """Its end of the socket."""

    def __init__(self, name="/run/weir/notify"):
        self.name = name
        # It may hear late, and nothing of it is to be lost. Of this namespace:
        with open("/proc/sys/net/unix/max_dgram_qlen", "w", encoding="ascii") as most:
            most.write("10000")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + name[1:] if name.startswith("@") else name)

    def environment(self):
        return dict(os.environ, NOTIFY_SOCKET=self.name, WATCHDOG_USEC=str(int(WATCHDOG_S * 1e6)),
                    LC_ALL="C")  # fmt: skip

    def hear(self, wait_s=netns.WAIT_S):
        """The next message; None: there is none."""
        if not select.select([self.socket], [], [], wait_s)[0]:
            return None
        return self.socket.recv(4096).decode()

    def hear_until(self, start):
        """Messages up to the first that begins so."""
        heard = []
        while not heard or not heard[-1].startswith(start):
            message = self.hear()
            if message is None:
                raise TimeoutError(f"in vain: {start} after {heard}")
            heard.append(message)
        return heard

    def forget(self):
        """What has come so far."""
        while self.hear(0) is not None:
            pass

    def close(self):
        self.socket.close()
        if not self.name.startswith("@"):
            os.unlink(self.name)


def threads_called(process, name):
    found = []
    for path in glob.glob(f"/proc/{process.pid}/task/*/comm"):
        try:
            with open(path, encoding="ascii") as file:
                if file.read().strip() == name:
                    found.append(int(path.split("/")[4]))
        except (FileNotFoundError, ProcessLookupError):
            pass  # it has ended
    return found


class Held:
    """One thread that stands still, as if the kernel did not let it go on."""

    def __init__(self, thread):
        self.thread = thread
        self.call(PTRACE_SEIZE)
        self.call(PTRACE_INTERRUPT)
        netns.wait_for(self.is_held, "the thread stands still")

    def call(self, request):
        if netns.LIBC.ptrace(request, self.thread, None, None) != 0:
            raise OSError(ctypes.get_errno(), "ptrace")

    def is_held(self):
        with open(f"/proc/{self.thread}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "t"

    def release(self):
        """Dead already or not: its process ends only when it has gone."""
        thread, self.thread = self.thread, None
        while thread:
            status = os.waitpid(thread, WALL)[1]
            if (not os.WIFSTOPPED(status)
                    or netns.LIBC.ptrace(PTRACE_DETACH, thread, None, None) == 0):
                break  # else it was killed where it stood, and its end is still to be told


class ServiceTest(unittest.TestCase):
    def setUp(self):
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")
        self.addCleanup(shutil.rmtree, "/sys/fs/bpf/weir", ignore_errors=True)
        self.runs = []

    def manager(self, *name):
        manager = Manager(*name)
        self.addCleanup(manager.close)
        return manager

    def live(self, manager, *options, to="json"):
        netns.os.environ = manager.environment()
        try:
            live = netns.Live(WEIR, [netns.FAR], "--instance", NAME, *options, to=to)
        finally:
            netns.os.environ = ENVIRONMENT
        self.addCleanup(live.close)
        self.runs.append(live)
        return live

    def hold(self, thread):
        held = Held(thread)
        self.addCleanup(held.release)
        return held

    def silence(self, manager):
        """After what may be on its way there comes nothing, while the run itself answers."""
        deadline = time.monotonic() + 6 * WATCHDOG_S
        late = 0
        while time.monotonic() < deadline:
            subprocess.run([WEIR, "reload", NAME], check=True, capture_output=True,
                           timeout=netns.WAIT_S)  # fmt: skip
            while message := manager.hear(0):
                late += message == ALIVE
        self.assertLessEqual(late, 1)

    # --- a life ---

    def test_a_life(self):
        for hook, name in ((["--hook", "xdp"], "/run/weir/notify"),
                           (["--hook", "af_packet"], "@weir-test-notify")):  # fmt: skip
            manager = self.manager(name)
            config = "/run/weir/weir.conf"
            with open(config, "w", encoding="ascii") as file:
                file.write("[exporter a]\nto = json+file:/dev/null\n")
            live = self.live(manager, *hook, "--config", config, to=None)
            self.assertEqual(manager.hear_until("READY=1")[-1], "READY=1")
            heard = manager.hear_until("STATUS=")
            self.assertRegex(heard[-1], r"^STATUS=metering far: \d+ packets seen, \d+ flows exported, "
                             r"\d+ records lost$")  # fmt: skip
            for _ in range(5):
                manager.hear_until(ALIVE)
            began_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            subprocess.run([WEIR, "reload", NAME], check=True, capture_output=True,
                           timeout=netns.WAIT_S)  # fmt: skip
            word, said = manager.hear_until("RELOADING=1")[-1].split("\n")[1].split("=")
            self.assertEqual(word, "MONOTONIC_USEC")
            self.assertLessEqual(began_us, int(said))
            manager.hear_until("READY=1")
            live.process.send_signal(signal.SIGINT)
            manager.hear_until("STOPPING=1")
            live.ended()
            self.assertEqual(live.status, 0, live.errors)
            os.unlink(config)

    def test_a_run_that_does_not_begin_is_not_ready(self):
        manager = self.manager()
        done = subprocess.run([WEIR, "run", "nowhere", "--to", "json+file:/dev/null"], check=False,
                              env=manager.environment(), capture_output=True,
                              timeout=netns.WAIT_S)  # fmt: skip
        self.assertEqual(done.returncode, 1)
        self.assertIsNone(manager.hear(0))

    def test_nobody_listens(self):
        """A socket that is not there, or is none, is no reason not to run."""
        for name in ("/run/weir/nothing", "nonsense"):
            environment = dict(os.environ, NOTIFY_SOCKET=name, WATCHDOG_USEC="1000")
            done = subprocess.run([WEIR, "run", netns.FAR, "--duration", "300ms", "--to",
                                   "json+file:/dev/null"], check=False, env=environment,
                                  capture_output=True, timeout=netns.WAIT_S)  # fmt: skip
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_watchdog_of_another_process(self):
        manager = self.manager()
        environment = dict(manager.environment(), WATCHDOG_PID="1")
        done = subprocess.run([WEIR, "run", netns.FAR, "--duration", "1s", "--to",
                               "json+file:/dev/null"], check=False, env=environment,
                              capture_output=True, timeout=netns.WAIT_S)  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn(ALIVE, manager.hear_until("STOPPING=1"))

    # --- stuck ---

    def test_a_drain_that_stands_still_is_not_alive(self):
        """One of its threads is enough: the flows of its CPU do not come out."""
        manager = self.manager()
        live = self.live(manager, "--statistics", "0")
        manager.hear_until(ALIVE)
        threads = threads_called(live.process, "scan")
        self.assertTrue(threads)
        for thread in threads:
            held = self.hold(thread)
            manager.forget()
            self.silence(manager)
            held.release()
            manager.forget()
            manager.hear_until(ALIVE)
        live.stop()
        self.assertEqual(live.status, 0, live.errors)

    def test_a_run_that_cannot_write_is_not_alive(self):
        manager = self.manager()
        pipe = "/run/weir/pipe"
        os.mkfifo(pipe)
        self.addCleanup(os.unlink, pipe)
        reader = os.open(pipe, os.O_RDWR)  # and reads nothing
        self.addCleanup(os.close, reader)
        live = self.live(manager, *SHORT, to=f"json+file:{pipe}")
        manager.hear_until(ALIVE)
        blast = netns.Blast(BLAST, interface=netns.NEAR, size=SIZE, rate=50000, flows=20000)
        self.addCleanup(blast.stop)
        netns.wait_for(lambda: manager.hear(6 * WATCHDOG_S) is None, "silence")
        live.kill()

    # --- killed and begun anew ---

    def test_killed_by_the_watchdog_nothing_is_missing(self):
        manager = self.manager()
        blast = None
        for _ in range(2):
            live = self.live(manager, *SHORT)
            self.assertTrue(live.metering, live.errors)
            blast = blast or netns.Blast(BLAST, interface=netns.NEAR, size=SIZE, rate=20000,
                                         flows=2000)  # fmt: skip
            self.addCleanup(blast.stop)
            manager.hear_until(ALIVE)
            held = self.hold(threads_called(live.process, "scan")[0])
            manager.forget()
            self.silence(manager)
            live.process.send_signal(signal.SIGABRT)
            held.release()
            live.process.wait(netns.WAIT_S)
        live = self.live(manager, *SHORT)
        self.assertIn("going on where an earlier process ended", live.errors)
        frames = blast.stop()["frames"]
        account = live.stop()
        self.assertEqual(live.status, 0, live.errors)
        packets = sum(record["packetDeltaCount"] for run in self.runs for record in run.records())
        self.assertTrue(account["balanced"])
        self.assertEqual(account["seen"]["packets"], frames)
        self.assertEqual(account["exported"]["packets"], frames)
        doubt = account["inDoubt"]["packets"]
        self.assertTrue(frames <= packets <= frames + doubt, (packets, frames, doubt))


if __name__ == "__main__":
    WEIR, BLAST = sys.argv.pop(1), sys.argv.pop(1)
    ENVIRONMENT = os.environ
    netns.enter()
    unittest.main(verbosity=2)
