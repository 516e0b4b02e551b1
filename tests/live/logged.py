# SPDX-License-Identifier: BSD-2-Clause
"""Where a run says what it says: to the journal with its fields, and to log files, which logrotate
rotates as the package tells it to without a line or a packet lost.

logged.py WEIR BLAST"""

import glob
import gzip
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), HERE]

import control_life
import netns
import own_files

WEIR = BLAST = ""  # set from the command line
ROTATE = os.path.join(HERE, "../../etc/logrotate/weir")
LOGROTATE = shutil.which("logrotate", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
USER = 4713
LOGS, OWN = "/var/log/weir", "/var/lib/weir"
LINE = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z (error|warning|info|debug) weir: "


def own_user():
    """The user weir, of this process and what it starts."""
    own_files.lay_over("/var/lib")
    shutil.rmtree(OWN, ignore_errors=True)
    os.mkdir(OWN, 0o750)
    os.chown(OWN, USER, control_life.GROUP)
    with open("/etc/passwd", encoding="utf-8") as users:
        kept = [line for line in users if not line.startswith("weir:")]
    with open("/etc/passwd", "w", encoding="utf-8") as users:
        users.write("".join([*kept, f"weir:x:{USER}:{control_life.GROUP}::{OWN}:/usr/sbin/nologin\n"]))


class Journal:
    """A stand-in: where it listens, and the pipe that is a service's standard error."""

    def __init__(self):
        os.makedirs("/run/systemd/journal", exist_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(netns.WAIT_S)
        self.socket.bind("/run/systemd/journal/socket")
        self.reading, self.writing = os.pipe()
        about = os.fstat(self.writing)
        self.environment = dict(os.environ, JOURNAL_STREAM=f"{about.st_dev}:{about.st_ino}")

    def hear(self):
        """The fields of one event; none here has a value of several lines."""
        message = self.socket.recv(65536).decode()
        return dict(line.split("=", 1) for line in message.splitlines())

    def close(self):
        self.socket.close()
        os.unlink("/run/systemd/journal/socket")
        os.close(self.reading)


class LoggedTest(unittest.TestCase):
    def setUp(self):
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")
        for path in glob.glob("/etc/weir/*") + glob.glob(f"{LOGS}/*") + glob.glob(f"{OWN}/[!.]*"):
            os.unlink(path)

    def weir(self, *words):
        done = subprocess.run([WEIR, *words], capture_output=True, text=True, check=False,
                              timeout=netns.WAIT_S, cwd="/")  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def configure(self, *lines, name="edge", to="json+file:/dev/null"):
        with open(f"/etc/weir/{name}.conf", "w", encoding="utf-8") as file:
            file.write("\n".join([f"[exporter file]\nto = {to}", "[live]",
                                  f"interface = {netns.FAR}", "hook = xdp-generic", *lines, ""]))  # fmt: skip

    def start(self, name="edge"):
        self.weir("start", name)
        self.addCleanup(subprocess.run, [WEIR, "stop", "-q", name], check=False, capture_output=True)

    def process(self, name="edge"):
        return json.loads(self.weir("status", name, "--json"))["process"]

    def lines(self, path):
        with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as file:
            return file.read().splitlines()

    # --- the journal ---

    def test_the_journal_is_told_fields(self):
        journal = Journal()
        self.addCleanup(journal.close)
        process = subprocess.Popen(
            [WEIR, "run", netns.FAR, "--hook", "tc", "--instance", "edge", "--max-flows", "1000",
             "--to", "json+file:/dev/null"],
            stderr=journal.writing, env=journal.environment, preexec_fn=netns.end_with_parent)  # fmt: skip
        self.addCleanup(process.kill)
        os.close(journal.writing)
        while "metering at" not in (heard := journal.hear())["MESSAGE"]:
            pass
        self.assertEqual(heard, {**heard, "PRIORITY": "6", "SYSLOG_IDENTIFIER": "weir",
                                 "WEIR_INSTANCE": "edge", "WEIR_INTERFACE": netns.FAR})  # fmt: skip
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(netns.WAIT_S), 0)
        # The account is no event.
        with os.fdopen(os.dup(journal.reading), encoding="utf-8") as file:
            stream = file.read().splitlines()
        self.assertIn("balanced", stream)
        self.assertFalse(any("weir:" in line for line in stream), stream)

    # --- files ---

    def test_lines_of_a_background_instance_have_time_and_level(self):
        self.configure()
        self.start()
        self.weir("stop", "edge")
        lines = self.lines(f"{LOGS}/edge.log")
        self.assertTrue(any("metering at" in line for line in lines), lines)
        for line in lines:
            if "weir: " in line:  # the account is no event
                self.assertRegex(line, f"^{LINE}")

    def test_a_renamed_file_is_opened_again(self):
        """By the signal and by the command, as root and as another user; and where the configuration
        has a fault by then."""
        for user in ("none", "weir"):
            with self.subTest(user):
                self.configure(f"user = {user}")
                self.start()
                for turn, tell in enumerate((lambda: os.kill(self.process(), signal.SIGHUP),
                                             lambda: self.weir("reload", "edge"))):  # fmt: skip
                    os.rename(f"{LOGS}/edge.log", f"{LOGS}/old.{turn}")
                    status = os.stat(f"{LOGS}/old.{turn}")
                    self.assertEqual(status.st_uid, USER if user == "weir" else 0)
                    with open(f"{LOGS}/edge.log", "x", encoding="ascii") as file:
                        os.fchown(file.fileno(), status.st_uid, status.st_gid)
                    tell()
                    netns.wait_for(lambda: any("nothing has changed" in line for line in
                                               self.lines(f"{LOGS}/edge.log")), "a line")  # fmt: skip
                self.configure("nonsense = 1")
                os.rename(f"{LOGS}/edge.log", f"{LOGS}/old.2")
                with open(f"{LOGS}/edge.log", "x", encoding="ascii") as file:
                    os.fchown(file.fileno(), status.st_uid, status.st_gid)
                os.kill(self.process(), signal.SIGHUP)
                netns.wait_for(lambda: any("nonsense" in line for line in
                                           self.lines(f"{LOGS}/edge.log")), "the fault")  # fmt: skip
                self.weir("stop", "-q", "edge")
                self.assertIn("balanced", self.lines(f"{LOGS}/edge.log"))
                for path in glob.glob(f"{LOGS}/*"):
                    os.unlink(path)

    def test_who_starts_it_is_told_why_it_fails(self):
        path = f"{LOGS}/own"
        done = subprocess.run([WEIR, "run", "nosuch", "--log-file", path], capture_output=True,
                              text=True, check=False, timeout=netns.WAIT_S)  # fmt: skip
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"^weir: nosuch: no such interface[^\n]*\n$")
        self.assertRegex("\n".join(self.lines(path)), f"{LINE}nosuch: no such interface")
        done = subprocess.run([WEIR, "run", netns.FAR, "--log-file", LOGS], capture_output=True,
                              text=True, check=False, timeout=netns.WAIT_S)  # fmt: skip
        self.assertEqual((done.returncode, done.stderr),
                         (1, f"weir: log file {LOGS}: Is a directory\n"))

    def test_a_file_that_the_configuration_names(self):
        self.configure("[report]", f"log-file = {OWN}/edge.log")
        self.start()
        self.weir("stop", "edge")
        self.assertTrue(any("metering at" in line for line in self.lines(f"{OWN}/edge.log")))
        self.assertEqual(glob.glob(f"{LOGS}/*"), [])

    # --- logrotate ---

    def rotate(self):
        """As its timer does, but now, whatever their age."""
        rules = f"{LOGS}/.rules"
        shutil.copy(ROTATE, rules)
        os.chmod(rules, 0o644)
        path = f"{os.path.dirname(WEIR)}:/usr/sbin:/usr/bin:/sbin:/bin"
        done = subprocess.run([LOGROTATE, "-f", "-s", f"{LOGS}/.state", rules], capture_output=True,
                              text=True, check=False, timeout=netns.WAIT_S,
                              env={"PATH": path})  # fmt: skip
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def check_rotated(self, path, user):
        """Every line is there once, and no packet is missing, while files and traffic go by."""
        records = f"{OWN}/records"
        self.configure(f"user = {user}", "[report]", f"log-file = {path}", "[meter]",
                       "idle-timeout = 300ms", to=f"json+file:{records}")  # fmt: skip
        self.start()
        blast = netns.Blast(BLAST, interface=netns.NEAR, size=100, rate=5000, flows=100)
        self.addCleanup(blast.stop)
        turns, said = 6, range(121, 121 + 54)  # what is no whole minute is told in seconds
        for number in said:
            self.weir("set", "statistics", f"{number}s", "edge")
            if number % (len(said) // turns) == 0:
                self.rotate()
        frames = blast.stop()["frames"]
        self.weir("stop", "-q", "edge")
        files = glob.glob(f"{path}*")
        self.assertEqual(len(files), turns + 1, files)
        self.assertEqual(sum(file.endswith(".gz") for file in files), turns - 1)
        owners = {os.stat(file).st_uid for file in files}
        self.assertEqual(owners, {USER if user == "weir" else 0})
        lines = [line for file in files for line in self.lines(file)]
        found = [int(number) for line in lines
                 for number in re.findall(r"statistics: (\d+)s from here on", line)]  # fmt: skip
        self.assertEqual(sorted(found), list(said))
        with open(records, encoding="utf-8") as file:
            self.assertEqual(sum(json.loads(line)["packetDeltaCount"] for line in file), frames)

    @unittest.skipUnless(LOGROTATE, "no logrotate")
    def test_logrotate_loses_nothing_of_what_start_writes(self):
        self.check_rotated(f"{LOGS}/edge.log", "none")

    @unittest.skipUnless(LOGROTATE, "no logrotate")
    def test_logrotate_loses_nothing_of_what_a_user_writes(self):
        self.check_rotated(f"{OWN}/edge.log", "weir")


if __name__ == "__main__":
    WEIR, BLAST = os.path.abspath(sys.argv.pop(1)), sys.argv.pop(1)
    netns.enter()
    control_life.own_folders()
    own_user()
    unittest.main(verbosity=2)
