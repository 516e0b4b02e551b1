# SPDX-License-Identifier: BSD-2-Clause
"""/healthz and /readyz tell the truth, and counters never go back."""

import ctypes
import os
import signal
import socket
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import metrics_lib
import netns
import openmetrics
from metrics_lib import ask, health
from udp_frame import udp

WEIR = ""  # set from the command line
PTRACE_CONT, PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 7, 0x4206, 0x4207, 17
WALL = 0x40000000  # waitpid: threads, too


def ptrace(request, thread):
    if netns.LIBC.ptrace(request, thread, None, None) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class Held:
    """One thread of a process that does not go on; the others do."""

    def __init__(self, thread):
        self.thread = thread
        ptrace(PTRACE_SEIZE, thread)
        ptrace(PTRACE_INTERRUPT, thread)
        os.waitpid(thread, WALL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        ptrace(PTRACE_DETACH, self.thread)


def threads(process, name):
    found = []
    for thread in os.listdir(f"/proc/{process}/task"):
        try:
            with open(f"/proc/{process}/task/{thread}/comm", encoding="ascii") as file:
                if file.read().strip() == name:
                    found.append(int(thread))
        except (FileNotFoundError, ProcessLookupError):
            pass  # it has ended
    return found


def wait_for_check(name, state, path="/healthz"):
    """Until it is so; the status of the answer and what it says."""
    def look():
        status, checks = health(path)
        return (status, checks) if checks.get(name, ("",))[0] == state else None

    status, checks = netns.wait_for(look, f"{name} is {state}")
    return status, checks[name][1]


class HealthTest(unittest.TestCase):
    def setUp(self):
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")

    def start(self, *options, **where):
        return metrics_lib.start(self, WEIR, "--hook", "tc", *options, **where)

    def test_well(self):
        """what is well is said to be, in text and in JSON"""
        self.start()
        for path in ("/healthz", "/readyz"):
            status, checks = health(path)
            self.assertEqual((status, {state for state, _ in checks.values()}), (200, {"ok"}))
            answer = ask(path)
            self.assertEqual(answer.status, 200)
            self.assertTrue(answer.text.startswith("ok\n"))
            for name in checks:
                self.assertIn(name, answer.text)

    def test_collector(self):
        """a collector that is not there is named, and named well when it is back"""
        self.start("--metrics", "127.0.0.1:9481", to="ipfix+tcp://127.0.0.1?timeout=1")
        name = "destination ipfix+tcp://127.0.0.1?timeout=1"
        status, _ = wait_for_check(name, "failed")
        self.assertEqual(status, 503)
        self.assertEqual(ask("/readyz").status, 200)  # it meters all the same
        families = metrics_lib.scrape()
        self.assertEqual(metrics_lib.value(families, "weir_destination_up",
                                           destination=name.split(" ")[1]), 0)
        with socket.create_server(("127.0.0.1", 4739)):
            status, _ = wait_for_check(name, "ok")
            self.assertEqual(status, 200)

    def test_file(self):
        """a file that cannot be written is named"""
        self.start(to="json+file:/dev/full")
        name = "destination json+file:/dev/full"
        self.assertEqual(health()[1][name][0], "ok")
        netns.send([udp(1)])
        status, text = wait_for_check(name, "failed")
        self.assertEqual(status, 503)
        self.assertIn("cannot be written", text)
        self.assertEqual(metrics_lib.value(metrics_lib.scrape(), "weir_destination_up",
                                           destination=name.split(" ")[1]), 0)  # fmt: skip

    def test_table(self):
        """a full table is named, as long as it is"""
        self.start("--max-flows", "16", "--idle-timeout", "1h", "--active-timeout", "0")
        sources = iter(range(1, 1 << 24))

        def flood():
            netns.send([udp(next(sources)) for _ in range(256)])
            status, checks = health()
            return status == 503 and checks["table"][0] == "failed" and checks
        checks = netns.wait_for(flood, "full")
        self.assertIn("full", checks["table"][1])
        self.assertGreater(metrics_lib.value(metrics_lib.scrape(), "weir_evicted_flows_total"), 0)
        wait_for_check("table", "ok")  # nothing comes any more

    def test_stopped(self):
        """a drain that hangs is found out, by those who ask and by who scrapes"""
        live = self.start()
        process = live.process.pid
        try:
            with Held(process):
                for path in ("/healthz", "/readyz"):
                    status, text = wait_for_check("drain", "failed", path)
                    self.assertEqual(status, 503)
                    self.assertIn("nothing has been taken", text)
                idle = metrics_lib.value(metrics_lib.scrape(), "weir_drain_idle_seconds")
                self.assertGreater(idle, 4)
            wait_for_check("drain", "ok")
            with Held(threads(process, "scan")[0]):
                status, _ = wait_for_check("scan", "failed")
                self.assertEqual((status, ask("/readyz").status), (503, 503))
            wait_for_check("scan", "ok")
        except PermissionError as fault:
            self.skipTest(f"ptrace: {fault}")

    def test_interface(self):
        """an interface that is down is named, and back when it is up"""
        self.start()
        netns.ip(f"link set {netns.FAR} down")
        status, _ = wait_for_check(f"interface {netns.FAR}", "failed", "/readyz")
        self.assertEqual(status, 503)
        self.assertEqual(metrics_lib.value(metrics_lib.scrape(), "weir_interface_up",
                                           interface=netns.FAR), 0)
        netns.ip(f"link set {netns.FAR} up")
        status, _ = wait_for_check(f"interface {netns.FAR}", "ok", "/readyz")
        self.assertEqual(status, 200)

    def test_database(self):
        """a database that is not there is named, and is no reason to fail"""
        self.start("--template", "geo", "--geo", "auto")
        netns.send([udp(1)])
        status, text = wait_for_check("geolocation", "degraded")
        self.assertEqual(status, 200)
        self.assertIn("no database", text)

    def test_held_up(self):
        """a destination that takes nothing, as a pipe nobody reads, is found out"""
        path = os.path.join(self.start_folder(), "pipe")
        os.mkfifo(path)
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        self.start("--template", "full", to=f"json+file:{path}")
        sources = iter(range(1, 1 << 24))

        def fill():
            netns.send([udp(next(sources)) for _ in range(128)])
            status, checks = health()
            return status == 503 and checks["drain"][0] == "failed"
        netns.wait_for(fill, "held up")

        def read():  # at its own pace, until it goes on
            try:
                while os.read(reader, 1 << 20):
                    pass
            except BlockingIOError:
                pass
            return health()[1]["drain"][0] == "ok"
        netns.wait_for(read, "it goes on")
        # The rest, so that it can end.
        os.set_blocking(reader, True)
        threading.Thread(target=self.take_all, args=(reader,), daemon=True).start()

    @staticmethod
    def take_all(reader):
        try:
            while os.read(reader, 1 << 20):
                pass
        except OSError:
            pass

    def start_folder(self):
        folder = tempfile.TemporaryDirectory(prefix="weir-")
        self.addCleanup(folder.cleanup)
        return folder.name


ACCOUNT = ("weir_seen_", "weir_set_aside_", "weir_metered_", "weir_exported_", "weir_dropped_")


class RestartTest(unittest.TestCase):
    def counters(self):
        values = openmetrics.values(ask("/metrics").octets)
        return {key: value for key, value in values.items() if key[0].startswith(ACCOUNT)}

    def test_restart(self):
        """no counter of the account goes back, whoever ends, by whatever signal, in the midst"""
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")
        before, source = {}, 0
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGKILL, signal.SIGINT):
            live = netns.Live(WEIR, [netns.FAR], "--hook", "tc", "--instance", "again",
                              "--idle-timeout", "100ms", "--metrics", "9481")
            self.addCleanup(live.close)
            self.assertTrue(live.metering, live.errors)
            # Before it goes on where the last one ended, there is nothing to read at all.
            self.assertIn(ask("/metrics").status, (200, 503))
            metrics_lib.wait_until_ready()
            for _ in range(8):
                netns.send([udp(source := source + 1) for _ in range(100)])
                now = self.counters()
                for key, value in before.items():
                    self.assertGreaterEqual(now[key], value, key)
                before = now
            live.stop(number)
        account = live.stop()
        self.assertGreaterEqual(account["seen"]["packets"], before["weir_seen_packets_total", ()])
        self.assertEqual(account["seen"]["packets"], source)


if __name__ == "__main__":
    WEIR = sys.argv.pop(1)
    os.environ["WEIR_WORLD"] = "off"  # whatever database this machine has
    netns.enter()
    metrics_lib.loopback()
    unittest.main(verbosity=2)
