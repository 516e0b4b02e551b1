# SPDX-License-Identifier: BSD-2-Clause
"""What a run says: its level, its form, and how often."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import netns

WEIR = ""  # set from the command line
TC = ["--hook", "tc"]
TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$"


class LoggingTest(unittest.TestCase):
    def setUp(self):
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")

    def live(self, *options):
        live = netns.Live(WEIR, [netns.FAR], *TC, *options)
        self.addCleanup(live.close)
        self.assertTrue(live.metering, live.errors)
        return live

    def brief(self, *options, **more):
        """What a run says that ends by itself."""
        done = subprocess.run([WEIR, "run", netns.FAR, *TC, "--max-flows", "1000", "--duration",
                               "100ms", "--to", "json+file:/dev/null", *options], check=False,
                              capture_output=True, text=True, timeout=netns.WAIT_S, **more)  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr

    def test_objects(self):
        live = self.live("--log-json", "--instance", "edge")
        netns.send([bytes(100)] * 500)
        live.stop()
        self.assertEqual(live.status, 0, live.errors)
        said = [json.loads(line) for line in live.errors.splitlines()]
        for one in said:
            self.assertRegex(one["time"], TIME)
            self.assertIn(one["level"], ("error", "warning", "info"))
            self.assertEqual(one["instance"], "edge")
            self.assertTrue(one["message"])
        about = [one for one in said if one.get("interface") == netns.FAR]
        self.assertIn("metering at", about[0]["message"])
        self.assertEqual(said[-1]["message"], "account")
        self.assertEqual(said[-1]["account"]["seen"]["packets"], 500)
        # Not a line a packet or a flow.
        self.assertLess(len(said), 10, live.errors)

    def test_a_failure_is_an_object_too(self):
        done = subprocess.run([WEIR, "run", netns.FAR, *TC, "--log-json", "--to",
                               "ipfix+file:/nonexistent/file"], check=False, capture_output=True,
                              timeout=netns.WAIT_S)  # fmt: skip
        self.assertEqual(done.returncode, 1)
        said = json.loads(done.stderr.splitlines()[-1])
        self.assertEqual(said["level"], "error")
        self.assertIn("/nonexistent", said["message"])

    def test_levels(self):
        usual = self.brief()
        self.assertIn("metering at", usual)
        less = self.brief("--log-level", "warning")
        self.assertNotIn("weir: ", less)
        self.assertIn("balanced", less)  # the account is no message
        self.assertEqual(self.brief("--log-level", "error", "--quiet"), "")
        self.assertEqual(self.brief("--quiet"), "")

    def test_a_reload_changes_the_level(self):
        config = "weir.conf"
        path = os.path.join("/run/weir", config)
        where = "to = json+file:/dev/null\n"

        def write(text):
            with open(path, "w", encoding="ascii") as file:
                file.write(f"[export]\n{where}[report]\n{text}")

        write("")
        live = netns.Live(WEIR, [netns.FAR], *TC, "--config", path, to=None)
        self.addCleanup(live.close)
        write("log-level = error\nlog-json = yes\n")
        told = subprocess.run([WEIR, "reload"], check=True, capture_output=True, text=True,
                              timeout=netns.WAIT_S).stdout  # fmt: skip
        self.assertEqual(told.splitlines(), ["log-level: error from here on",
                                             "log-json: on from here on"])  # fmt: skip
        live.stop()
        self.assertEqual(live.status, 0)
        self.assertEqual(json.loads(live.errors.splitlines()[-1])["message"], "account")
        os.unlink(path)

    def test_the_journal_is_told_the_level(self):
        reading, writing = os.pipe()
        stream = os.fstat(writing)
        environment = dict(os.environ, JOURNAL_STREAM=f"{stream.st_dev}:{stream.st_ino}")
        process = subprocess.Popen(
            [WEIR, "run", netns.FAR, *TC, "--max-flows", "1000", "--to", "json+file:/dev/null"],
            stderr=writing, env=environment, preexec_fn=netns.end_with_parent)  # fmt: skip
        self.addCleanup(process.kill)
        os.close(writing)
        with os.fdopen(reading, "rb", buffering=0) as file:
            said = b""
            while b"metering at" not in said:
                more = file.read(65536)
                self.assertTrue(more, said)
                said += more
            netns.ip(f"link del {netns.NEAR}")
            while b"waiting" not in said:
                more = file.read(65536)
                self.assertTrue(more, said)
                said += more
            process.send_signal(signal.SIGINT)
            process.wait(netns.WAIT_S)
        netns.lay()  # for the end of the test
        lines = said.decode().splitlines()
        self.assertTrue(all(line.startswith(("<6>weir: ", "<4>weir: ")) for line in lines), lines)
        self.assertTrue(any(line.startswith("<4>weir: far: ") for line in lines), lines)

    def test_what_comes_again_and_again_is_bounded(self):
        live = self.live("--log-json")
        for _ in range(20):
            subprocess.run([WEIR, "reload"], check=True, capture_output=True, timeout=netns.WAIT_S)
        live.stop()
        messages = [json.loads(line) for line in live.errors.splitlines()]
        same = "reload: nothing has changed"
        said = sum(one["message"] == same for one in messages)
        left = [one for one in messages if "leftOut" in one]
        for one in left:
            self.assertEqual(one["level"], "warning")
            self.assertEqual(one["message"], f"left out {one['leftOut']} more of these within 60 s: "
                             + same)  # fmt: skip
        self.assertEqual(said + sum(one["leftOut"] for one in left), 20)
        self.assertLess(said, 20)


if __name__ == "__main__":
    WEIR = sys.argv.pop(1)
    netns.enter()
    if os.path.isdir("/run/systemd"):  # this machine's journal is not told
        netns.LIBC.mount(b"tmpfs", b"/run/systemd", b"tmpfs", ctypes.c_ulong(0), None)
    unittest.main(verbosity=2)
