# SPDX-License-Identifier: BSD-2-Clause
"""What a run may do: no more than it needs, as root, as another user and started as one; and with no
more than that it restarts, reloads, finds interfaces again and writes its files."""

import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import netns

WEIR = BLAST = OTHER = ""  # set from the command line
PINNED = "/sys/fs/bpf/weir"
NAME = "edge"
SIZE = 100
SHORT = ["--idle-timeout", "300ms", "--active-timeout", "500ms"]
HOOKS = (["--hook", "xdp"], ["--hook", "xdp-generic"],
         ["--hook", "tc", "--direction", "both"])  # fmt: skip
NOBODY, NOGROUP = 65534, 65534
AS_NOBODY = ["--user", "nobody"]
NUMBERS = {"chown": 0, "dac_override": 1, "fowner": 3, "net_admin": 12, "net_raw": 13,
           "sys_admin": 21, "perfmon": 38, "bpf": 39}  # fmt: skip
OF_A_RUN = ("net_admin", "net_raw", "perfmon", "bpf")
OF_ROOT = (*OF_A_RUN, "chown", "dac_override", "fowner")


def mask(names):
    return sum(1 << NUMBERS[name] for name in names)


class Folder(tempfile.TemporaryDirectory):
    """One that the user may write to, as its operator would have made it."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        os.chown(self.name, NOBODY, NOGROUP)


class Beside:
    def __init__(self, json):
        self.json = json

    records = netns.Live.records


def threads(process):
    """What each of its threads says of itself."""
    found = []
    for path in glob.glob(f"/proc/{process.pid}/task/*/status"):
        try:
            with open(path, encoding="ascii") as file:
                found.append(dict(line.rstrip("\n").split(":\t", 1) for line in file
                                  if ":\t" in line))  # fmt: skip
        except (FileNotFoundError, ProcessLookupError):
            pass  # it has ended
    return found


class RightsTest(unittest.TestCase):
    def setUp(self):
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")
        self.addCleanup(self.clear)
        self.runs = []

    def clear(self):
        """What a failed test leaves."""
        shutil.rmtree(PINNED, ignore_errors=True)
        for path in glob.glob("/run/weir/*"):
            os.unlink(path)

    def live(self, *options, name=NAME, program=None, **more):
        words = [*(["--instance", name] if name else []), *options]
        live = netns.Live(program or WEIR, [netns.FAR], *words, **more)
        self.addCleanup(live.close)
        self.assertTrue(live.metering, live.errors)
        self.runs.append(live)
        return live

    def blast(self, **options):
        options = {"interface": netns.NEAR, "size": SIZE, "rate": 50000, "flows": 2000} | options
        blast = netns.Blast(BLAST, **options)
        self.addCleanup(blast.stop)
        return blast

    def wait_for_frames(self, more):
        start = netns.Counters(netns.FAR).rx_frames
        netns.wait_for(lambda: netns.Counters(netns.FAR).rx_frames > start + more, "traffic")

    def assert_may(self, live, user, names):
        told = threads(live.process)
        self.assertGreater(len(told), 1)
        for thread in told:
            self.assertEqual(thread["Uid"].split(), [str(user)] * 4)
            self.assertEqual(thread["NoNewPrivs"], "1")
            for name in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
                self.assertEqual(int(thread[name], 16), mask(names), name)
            self.assertEqual(int(thread["CapBnd"], 16), 0)
            if user:
                self.assertEqual(thread["Groups"].split(), [])

    def assert_whole(self, account, frames):
        runs = self.runs + [Beside(path) for run in self.runs
                            for path in glob.glob(f"{glob.escape(run.json)}.earlier*")]
        packets = sum(record["packetDeltaCount"] for run in runs for record in run.records())
        doubt = account["inDoubt"]["packets"]
        self.assertTrue(account["balanced"], account)
        self.assertEqual(account["seen"]["packets"], frames)
        self.assertEqual(account["exported"]["packets"], frames)
        self.assertTrue(frames <= packets <= frames + doubt, (packets, frames, doubt))

    def assert_nothing_left(self):
        self.assertEqual(os.listdir(PINNED) if os.path.isdir(PINNED) else [], [])
        self.assertEqual(netns.shown(netns.FAR)["promiscuity"], 0)
        self.assertEqual(glob.glob("/run/weir/*"), [])

    # --- what is left of the rights ---

    def test_root_keeps_little(self):
        live = self.live(*HOOKS[0])
        self.assert_may(live, 0, OF_ROOT)
        live.stop()
        self.assertEqual(live.status, 0, live.errors)
        self.assert_nothing_left()

    def test_with_force_it_may_put_programs_back(self):
        live = self.live(*HOOKS[0], "--force")
        self.assert_may(live, 0, (*OF_ROOT, "sys_admin"))
        live.stop()

    def test_another_user_keeps_less(self):
        for hook in (*HOOKS, ["--hook", "af_packet"]):
            live = self.live(*hook, *AS_NOBODY)
            told = threads(live.process)
            self.assertEqual({thread["Uid"].split()[0] for thread in told}, {str(NOBODY)})
            if hook[1] != "af_packet":
                self.assert_may(live, NOBODY, OF_A_RUN)
            netns.send([bytes(SIZE)] * 100)
            account = live.stop()
            self.assertEqual(live.status, 0, live.errors)
            self.assertGreaterEqual(account["seen"]["packets"], 100)
            self.assert_nothing_left()

    def test_there_is_no_such_user(self):
        done = subprocess.run([WEIR, "run", netns.FAR, "--user", "nowhere-at-all"], check=False,
                              capture_output=True, text=True, timeout=netns.WAIT_S)  # fmt: skip
        self.assertEqual(done.returncode, 2)
        self.assertIn("--user: there is no user 'nowhere-at-all'", done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1)

    # --- what a run does with what is left ---

    def test_another_user_goes_on_where_it_ended(self):
        for hook in HOOKS:
            self.runs.clear()
            blast = None
            for end in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
                live = self.live(*hook, *SHORT, *AS_NOBODY)
                blast = blast or self.blast()
                self.wait_for_frames(20000)
                live.process.send_signal(end)
                live.process.wait(netns.WAIT_S)
                self.wait_for_frames(5000)
            live = self.live(*hook, *SHORT, *AS_NOBODY)
            self.assertIn("going on where an earlier process ended", live.errors)
            frames = blast.stop()["frames"]
            subprocess.run([WEIR, "stop", NAME], check=True, timeout=netns.WAIT_S)
            self.assert_whole(live.ended(), frames)
            self.assert_nothing_left()

    def test_root_and_another_user_take_over_from_each_other(self):
        blast = None
        for who in ([], AS_NOBODY, [], AS_NOBODY):
            live = self.live(*SHORT, *who)
            blast = blast or self.blast()
            self.wait_for_frames(20000)
            live.kill()
            self.wait_for_frames(5000)
        frames = blast.stop()["frames"]
        stats = os.path.join(live.folder.name, "rest")
        subprocess.run([WEIR, "stop", NAME, "--to", f"json+file:{live.json}.earlier", "--quiet",
                        "--json-stats", stats], check=True, timeout=netns.WAIT_S)  # fmt: skip
        with open(stats, encoding="utf-8") as file:
            self.assert_whole(json.load(file), frames)
        # Root's copy of weir was given to the user, whose folder it is in.
        self.assert_nothing_left()

    def test_another_version_is_run_by_its_user(self):
        blast = None
        for program in (OTHER, WEIR, OTHER):
            live = self.live(*SHORT, *AS_NOBODY, program=program)
            blast = blast or self.blast()
            self.wait_for_frames(20000)
            live.kill()
            self.wait_for_frames(5000)
        live = self.live(*SHORT, *AS_NOBODY)
        frames = blast.stop()["frames"]
        account = live.stop()
        self.assertEqual(live.status, 0, live.errors)
        self.assertIn("its own program writes them", live.errors)
        self.assert_whole(account, frames)
        self.assert_nothing_left()

    def test_what_another_user_s_run_left_is_written_as_that_user(self):
        """Root would follow what he put there."""
        live = self.live(*AS_NOBODY)
        self.blast(frames=100, flows=10).finish()
        live.kill()
        self.assertEqual(os.stat("/run/weir/edge.started").st_uid, 0)  # and is believed
        with open(live.json, "w", encoding="ascii") as file:
            file.write("{}")  # as if the run had come to it
        subprocess.run([WEIR, "stop", NAME, "-q"], check=True, timeout=netns.WAIT_S)
        rest = Beside(live.json + ".rest")
        self.assertEqual(os.stat(rest.json).st_uid, NOBODY)
        self.assertEqual(sum(record["packetDeltaCount"] for record in rest.records()), 100)
        self.assert_nothing_left()

    def test_no_link_leads_to_another_log(self):
        """Root opens the log, and gives it to the user."""
        folder = Folder()
        self.addCleanup(folder.cleanup)
        target = tempfile.NamedTemporaryFile("w+")
        self.addCleanup(target.close)
        os.chmod(target.name, 0o600)
        ways = os.path.join(folder.name, "log"), os.path.join(folder.name, "there", "log")
        os.symlink(target.name, ways[0])
        os.symlink(os.path.dirname(target.name), os.path.dirname(ways[1]))
        for way in ways:
            done = subprocess.run([WEIR, "run", netns.FAR, *AS_NOBODY, "--log-file", way, "--to",
                                   "json+file:/dev/null"], capture_output=True, text=True,
                                  check=False, timeout=netns.WAIT_S)  # fmt: skip
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn("a link is on the way there", done.stderr)
        self.assertEqual(os.stat(target.name).st_uid, 0)
        self.assertEqual(target.read(), "")
        self.assertFalse(os.path.exists(os.path.join(os.path.dirname(target.name), "log")))

    def test_root_runs_no_program_of_another_user(self):
        live = self.live(*SHORT, *AS_NOBODY, program=OTHER)
        self.blast(frames=100, flows=10).finish()
        live.kill()
        live = self.live(*SHORT)
        self.read_until(live, "is not this user's: start weir as the user (--user)")
        live.stop()
        live = self.live(*SHORT, *AS_NOBODY)
        account = live.stop()
        self.assertIn("its own program writes them", live.errors)
        self.assertEqual(live.status, 0, live.errors)
        self.assert_whole(account, 100)

    def test_interfaces_come_back(self):
        for hook in (*HOOKS, ["--hook", "af_packet"]):
            live = self.live(*hook, *AS_NOBODY)
            netns.ip(f"link del {netns.NEAR}")
            self.read_until(live, "waiting for it to come back")
            netns.lay()
            self.read_until(live, "back, metering goes on")
            netns.send([bytes(SIZE)] * 100)
            account = live.stop()
            self.assertEqual(live.status, 0, live.errors)
            self.assertGreaterEqual(account["seen"]["packets"], 100)
            self.assertEqual(netns.shown(netns.FAR)["promiscuity"], 0)

    def read_until(self, live, text):
        while text not in live.errors:
            more = os.read(live.process.stderr.fileno(), 65536)
            self.assertTrue(more, live.errors)
            live.errors += more.decode()

    def test_reload_rotation_and_spool(self):
        folder = Folder()
        self.addCleanup(folder.cleanup)
        place = socket.socket()  # whose number nobody else gets, and where nobody listens
        self.addCleanup(place.close)
        place.bind(("127.0.0.1", 0))
        config = os.path.join(folder.name, "weir.conf")

        def write(series):
            with open(config, "w", encoding="ascii") as file:
                file.write(f"[exporter files]\nto = json+file:{folder.name}/{series}-%S?rotate=1s\n"
                           f"[exporter away]\nto = ipfix+tcp://127.0.0.1:{place.getsockname()[1]}\n"
                           f"linger = 0\nspool = {folder.name}/spool\n")

        os.mkdir(os.path.join(folder.name, "spool"))
        os.chown(os.path.join(folder.name, "spool"), NOBODY, NOGROUP)
        write("one")
        live = self.live(*SHORT, *AS_NOBODY, "--config", config, to=None)
        blast = self.blast(rate=100)
        netns.wait_for(lambda: len(glob.glob(f"{folder.name}/one-*")) > 2, "another file")
        write("other")
        told = subprocess.run([WEIR, "reload"], check=True, capture_output=True, text=True,
                              timeout=netns.WAIT_S).stdout  # fmt: skip
        self.assertIn('destination "files": begins', told)
        netns.wait_for(lambda: glob.glob(f"{folder.name}/other-*"), "the other files")
        frames = blast.stop()["frames"]
        account = live.stop()
        self.assertEqual(live.status, 0, live.errors)
        self.assertTrue(account["balanced"])
        self.assertEqual(account["seen"]["packets"], frames)
        self.assertTrue(os.listdir(f"{folder.name}/spool"))

    # --- begun without root ---

    def test_begun_by_a_user_with_capabilities(self):
        """As a service manager does it: what is needed is ambient, the folders are there."""
        os.chmod("/sys/fs/bpf", 0o711)
        for path in (PINNED, "/run/weir"):
            os.makedirs(path, exist_ok=True)
            os.chown(path, NOBODY, NOGROUP)
        os.chmod("/run/weir", 0o711)
        capabilities = ",".join(f"+cap_{NUMBERS[name]}" for name in OF_A_RUN)
        start = shutil.which("setpriv")
        folder = Folder()
        self.addCleanup(folder.cleanup)
        program = os.path.join(folder.name, "weir")
        with open(program, "w", encoding="ascii") as file:
            file.write(f"#!/bin/sh\nexec {start} --reuid {NOBODY} --regid {NOGROUP} --clear-groups "
                       f"--inh-caps {capabilities} --ambient-caps {capabilities} "
                       f"--bounding-set -all,{capabilities} {WEIR} \"$@\"\n")
        os.chmod(program, 0o755)
        blast = None
        for hook in ([], [], []):
            live = self.live(*SHORT, *hook, program=program)
            blast = blast or self.blast()
            for thread in threads(live.process):
                self.assertEqual(int(thread["CapEff"], 16), mask(OF_A_RUN))
                self.assertEqual(thread["Uid"].split(), [str(NOBODY)] * 4)
                self.assertEqual(thread["NoNewPrivs"], "1")
            self.wait_for_frames(20000)
            live.kill()
        live = self.live(*SHORT, program=program)
        frames = blast.stop()["frames"]
        subprocess.run([WEIR, "stop", NAME], check=True, timeout=netns.WAIT_S)
        self.assert_whole(live.ended(), frames)
        self.assert_nothing_left()

    def test_only_root_becomes_another(self):
        done = subprocess.run(
            [shutil.which("setpriv"), "--reuid", "1", "--regid", "1", "--clear-groups", WEIR, "run",
             netns.FAR, *AS_NOBODY], check=False, capture_output=True, text=True,
            timeout=netns.WAIT_S)  # fmt: skip
        self.assertEqual(done.returncode, 2)
        self.assertIn("only root becomes 'nobody'", done.stderr)


if __name__ == "__main__":
    WEIR, BLAST, OTHER = sys.argv.pop(1), sys.argv.pop(1), sys.argv.pop(1)
    netns.enter()
    netns.ip("link set lo up")
    netns.tempfile = tempfile  # its folders belong to the user
    tempfile.TemporaryDirectory = Folder
    unittest.main(verbosity=2)
