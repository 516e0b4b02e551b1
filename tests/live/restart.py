# SPDX-License-Identifier: BSD-2-Clause
"""A run that ends and begins again while traffic flows: the kernel meters on, and the totals over
the whole time are the sender's own."""

import glob
import json
import os
import re
import select
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
SIZE = 100
PINNED = "/sys/fs/bpf/weir"
NAME = "edge"
SHORT = ["--idle-timeout", "300ms", "--active-timeout", "500ms"]
HOOKS = (["--hook", "xdp"], ["--hook", "xdp-generic"],
         ["--hook", "tc", "--direction", "both"])  # fmt: skip
DOUBT = re.compile(r"(\d+) flows \((\d+) packets\) may be written twice")


def weir(*arguments, **options):
    return subprocess.run([WEIR, *arguments], capture_output=True, text=True, timeout=netns.WAIT_S,
                          check=False, **options)  # fmt: skip


def pinned():
    return sorted(os.listdir(PINNED)) if os.path.isdir(PINNED) else []


def tables():
    return sorted(name for name in os.listdir(os.path.join(PINNED, NAME)) if name.isdigit())


def attached_programs():
    said = subprocess.run(["bpftool", "-j", "net", "show"], capture_output=True, check=True,
                          env=dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin"))
    found = json.loads(said.stdout)[0]
    return [row["devname"] for kind in ("xdp", "tc") for row in found[kind]]


class Beside:
    """A file of another version's flows."""

    def __init__(self, json):
        self.json = json

    records = netns.Live.records


class RestartTest(unittest.TestCase):
    def setUp(self):
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")
        self.addCleanup(shutil.rmtree, PINNED, ignore_errors=True)  # what a failed test leaves
        self.doubt = 0
        self.runs = []

    def blast(self, **options):
        options = {"interface": netns.NEAR, "size": SIZE, "rate": 50000, "flows": 2000} | options
        blast = netns.Blast(BLAST, **options)
        self.addCleanup(blast.stop)
        return blast

    def live(self, *options, name=NAME, interfaces=(netns.FAR,), program=None):
        live = netns.Live(program or WEIR, list(interfaces), *(["--instance", name] if name else []), *options)
        self.addCleanup(live.close)
        self.assertTrue(live.metering, live.errors)
        for _, packets in DOUBT.findall(live.errors):
            self.doubt += int(packets)
        self.runs.append(live)
        return live

    def wait_for_frames(self, more):
        start = netns.Counters(netns.FAR).rx_frames
        netns.wait_for(lambda: netns.Counters(netns.FAR).rx_frames > start + more, "traffic")

    def assert_whole(self, account, frames):
        """The last account is of all the time; so are all the files together."""
        runs = self.runs + [Beside(path) for run in self.runs
                            for path in glob.glob(f"{glob.escape(run.json)}.earlier*")]
        packets = sum(record["packetDeltaCount"] for run in runs for record in run.records())
        doubt = max(self.doubt, account["inDoubt"]["packets"])
        self.assertTrue(account["balanced"], account)
        self.assertEqual(account["seen"]["packets"], frames)
        self.assertEqual(account["seen"]["frameOctets"], frames * SIZE)
        self.assertEqual(account["metered"]["packets"], frames)
        self.assertEqual(account["exported"]["packets"], frames)
        self.assertEqual(account["exported"]["octets"], frames * (SIZE - 14))
        self.assertEqual(account["inCache"]["packets"], 0)
        self.assertTrue(frames <= packets <= frames + doubt, (packets, frames, doubt))

    def assert_nothing_left(self):
        self.assertEqual(pinned(), [])
        self.assertEqual(attached_programs(), [])
        shown = netns.shown(netns.FAR)
        self.assertEqual(shown["promiscuity"], 0)

    def test_killed_again_and_again(self):
        for hook in HOOKS:
            self.runs.clear()
            blast = None
            for turn in range(4):
                live = self.live(*hook, *SHORT)
                blast = blast or self.blast()
                self.wait_for_frames(20000 + 3777 * turn)
                live.kill()
                self.wait_for_frames(5000)
            live = self.live(*hook, *SHORT)
            self.assertIn("going on where an earlier process ended", live.errors)
            frames = blast.stop()["frames"]
            account = live.stop()
            self.assertEqual(live.status, 0, live.errors)
            self.assertGreater(account["earlier"]["packets"], 0)
            self.assert_whole(account, frames)
            self.assert_nothing_left()

    def test_told_to_end_as_a_service(self):
        blast = None
        for _ in range(3):
            live = self.live(*SHORT)
            blast = blast or self.blast()
            self.wait_for_frames(20000)
            account = live.stop(signal.SIGTERM)
            self.assertEqual(live.status, 0, live.errors)
            self.assertTrue(account["balanced"])
            self.assertEqual(pinned(), [NAME])
            self.assertIn("the kernel meters on", live.errors)
            self.wait_for_frames(5000)
        live = self.live(*SHORT)
        frames = blast.stop()["frames"]
        stopped = weir("stop", NAME)
        self.assertEqual((stopped.returncode, stopped.stderr), (0, ""))
        self.assertEqual(self.doubt, 0)
        self.assert_whole(live.ended(), frames)
        self.assert_nothing_left()

    def test_what_waits_for_a_collector_is_accounted_for(self):
        """When a run ends while its collector is away, the next one's account says what became of
        what waited: a spool has it, or it is lost; and it is whole."""
        place = socket.socket()  # whose number nobody else gets, and where nobody listens
        self.addCleanup(place.close)
        place.bind(("127.0.0.1", 0))
        for how, spooled in ((signal.SIGTERM, True), (signal.SIGTERM, False),
                             (signal.SIGKILL, True)):  # fmt: skip
            folder = tempfile.mkdtemp()
            self.addCleanup(shutil.rmtree, folder)
            url = f"ipfix+tcp://127.0.0.1:{place.getsockname()[1]}?linger=0"
            url += f"&spool={folder}" if spooled else ""
            live = self.live(*SHORT, "--to", url)
            self.blast(frames=100, flows=100).finish()
            netns.wait_for(lambda live=live: len(live.records()) == 100, "records")
            live.process.send_signal(how)
            live.process.wait()
            account = self.live(*SHORT, "--to", url).stop()
            self.assertTrue(account["balanced"], account)
            self.assertEqual(account["metered"]["packets"], 100)
            kept = account["exported"]["packets"]
            lost = account["dropped"]["failed"]["packets"]
            if how == signal.SIGTERM:
                self.assertEqual((kept, lost), (100, 0) if spooled else (0, 100))
            else:  # unless it died before it had noted that they wait
                self.assertEqual(lost + account["spooled"]["packets"], 100)

    def test_a_service_that_is_away_stays_promiscuous(self):
        for before in (0, 1):
            netns.ip(f"link set {netns.FAR} promisc {'on' if before else 'off'}")
            for end in (signal.SIGKILL, signal.SIGTERM):
                live = self.live()
                self.assertEqual(netns.shown(netns.FAR)["promiscuity"], 1)
                live.stop(end)
                self.assertEqual(netns.shown(netns.FAR)["promiscuity"], 1)
            self.live().stop()
            self.assertEqual(netns.shown(netns.FAR)["promiscuity"], before)
        netns.ip(f"link set {netns.FAR} promisc off")
        live = self.live(name=None)
        self.assertEqual(netns.shown(netns.FAR)["promiscuity"], 1)
        live.kill()
        self.assertEqual(netns.shown(netns.FAR)["promiscuity"], 0)
        self.assertEqual(weir("stop", netns.FAR, "--to", "ipfix+file:/dev/null").returncode, 0)
        self.assert_nothing_left()

    def test_a_run_without_a_name_ends_whole(self):
        live = self.live(name=None)
        live.stop(signal.SIGTERM)
        self.assertEqual(live.status, 0, live.errors)
        self.assert_nothing_left()

    def test_a_run_without_a_name_is_found_again(self):
        live = self.live(*SHORT, name=None)
        blast = self.blast(flows=50)
        live.kill()
        self.wait_for_frames(5000)
        live = self.live(*SHORT, name=None)
        frames = blast.stop()["frames"]
        self.assertEqual(weir("stop", netns.FAR).returncode, 0)
        self.assert_whole(live.ended(), frames)
        self.assert_nothing_left()

    def test_other_tables_are_drained(self):
        blast = None
        other = (["--detail", "basic"], ["--detail", "full"], ["--max-flows", "300000"],
                 ["--ring", "1M"])  # fmt: skip
        for options in other:
            live = self.live(*SHORT, *options)
            blast = blast or self.blast()
            self.wait_for_frames(20000)
            netns.wait_for(lambda: len(tables()) == 1, "the tables before are drained")
            live.kill()
        self.assertIn("they are drained", live.errors)
        live = self.live(*SHORT)
        self.wait_for_frames(5000)
        frames = blast.stop()["frames"]
        self.assert_whole(live.stop(), frames)
        self.assert_nothing_left()

    def test_what_a_dead_process_left_is_written_by_stop(self):
        live = self.live()
        blast = self.blast(flows=100)
        self.wait_for_frames(10000)
        live.kill()
        frames = blast.stop()["frames"]
        stats = os.path.join(live.folder.name, "rest")
        stopped = weir("stop", "--to", f"json+file:{live.json}", "--json-stats", stats, "--quiet")
        self.assertEqual((stopped.returncode, stopped.stderr), (0, ""))
        with open(stats, encoding="utf-8") as file:
            self.assert_whole(json.load(file), frames)
        self.assertEqual({record["flowEndReason"] for record in live.records()}, {4})
        self.assert_nothing_left()

    def test_a_refused_start_leaves_everything_as_it_was(self):
        bad = "ipfix+file:/nonexistent/file"
        live = self.live()
        blast = self.blast(flows=100)
        self.wait_for_frames(10000)
        live.kill()
        for arguments, status in (
                (["run", netns.FAR, "--instance", NAME, "--to", bad], 1),
                (["run", "nowhere", "--instance", NAME, "--to", "ipfix+file:/dev/null"], 1),
                (["run", netns.FAR, "--instance", NAME, "--detail", "full", "--to", bad], 1),
                (["stop", NAME, "--to", bad], 1)):  # fmt: skip
            refused = weir(*arguments, "--quiet")
            self.assertEqual(refused.returncode, status, refused.stderr)
            self.assertEqual(refused.stderr.count("\n"), 1, refused.stderr)
        self.wait_for_frames(5000)
        live = self.live()
        self.assertIn("going on where an earlier process ended", live.errors)
        frames = blast.stop()["frames"]
        self.assert_whole(live.stop(), frames)
        self.assert_nothing_left()

    def test_a_refused_start_of_other_tables_loses_nothing(self):
        """By then the first interface may feed the new tables."""
        live = self.live()
        blast = self.blast(flows=100)
        self.wait_for_frames(10000)
        live.kill()
        netns.ip("link set lo up")
        refused = weir("run", netns.FAR, "lo", "--instance", NAME, "--detail", "full",
                       "--max-flows", "65536", "--hook", "xdp", "--quiet", "--to",
                       "ipfix+file:/dev/null")  # fmt: skip
        self.assertEqual(refused.returncode, 1, refused.stderr)
        self.assertIn("driver does not take XDP", refused.stderr)
        self.wait_for_frames(5000)
        live = self.live("--detail", "full")
        self.wait_for_frames(5000)
        frames = blast.stop()["frames"]
        self.assert_whole(live.stop(), frames)
        self.assert_nothing_left()

    def test_killed_while_other_tables_are_drained(self):
        """A third kind has to wait: nothing of the first is lost."""
        live = self.live("--detail", "basic")
        blast = self.blast()
        self.wait_for_frames(20000)
        live.kill()
        pipe = os.path.join(live.folder.name, "pipe")
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)  # and reads nothing
        self.addCleanup(os.close, reader)
        stuck = netns.Live(WEIR, [netns.FAR], "--instance", NAME, "--detail", "full",
                           to=f"json+file:{pipe}")  # fmt: skip
        self.addCleanup(stuck.close)
        stuck.kill()
        self.runs.append(Beside(pipe + ".part"))
        with open(self.runs[-1].json, "wb") as file:
            try:
                while octets := os.read(reader, 65536):
                    file.write(octets)
            except BlockingIOError:
                pass
        self.assertEqual(tables(), ["1", "2"])
        refused = weir("run", netns.FAR, "--instance", NAME, "--detail", "tcp", "--max-flows",
                       "65536", "--quiet", "--to", "ipfix+file:/dev/null")  # fmt: skip
        self.assertEqual(refused.returncode, 1)
        self.assertIn("start it with the --detail it had", refused.stderr)
        live = self.live("--detail", "full")
        frames = blast.stop()["frames"]
        self.assert_whole(live.stop(), frames)
        self.assert_nothing_left()

    def test_one_process_at_a_time(self):
        live = self.live()
        refused = weir("run", netns.FAR, "--instance", NAME, "--quiet", "--to", "json+file:-")
        self.assertEqual(refused.returncode, 2)
        self.assertIn(f"process {live.process.pid} runs it", refused.stderr)
        self.assertEqual(refused.stderr.count("\n"), 1)
        live.stop()
        self.assertEqual(live.status, 0, live.errors)
        self.assert_nothing_left()

    def test_nothing_to_stop(self):
        for arguments, said in ((["stop"], "nothing runs"), (["stop", "no"], "no instance no")):
            stopped = weir(*arguments)
            self.assertEqual(stopped.returncode, 2)
            self.assertIn(said, stopped.stderr)
            self.assertEqual(stopped.stderr.count("\n"), 1)

    def test_other_interfaces(self):
        """An interface that is not wanted any more is left alone."""
        self.live(interfaces=(netns.NEAR, netns.FAR)).kill()
        self.assertEqual(len(attached_programs()), 2)
        live = self.live()
        self.assertEqual(attached_programs(), [netns.FAR])
        netns.send([bytes(SIZE)] * 100)
        self.assertEqual(live.stop()["seen"]["packets"], 100)
        self.assert_nothing_left()

    def test_another_version_drains_what_it_left(self):
        """Each goes on where the other ended, and the account is of all the time."""
        blast = None
        for program in (OTHER, WEIR, OTHER):
            live = self.live(*SHORT, program=program)
            blast = blast or self.blast()
            self.wait_for_frames(20000)
            live.kill()
            self.wait_for_frames(5000)
        live = self.live(*SHORT)
        frames = blast.stop()["frames"]
        account = live.stop()
        self.assertEqual(live.status, 0, live.errors)
        self.assertIn("its own program writes them", live.errors)
        self.assertTrue(os.path.getsize(live.json + ".earlier"))
        self.assert_whole(account, frames)
        self.assert_nothing_left()
        self.assertEqual(glob.glob(f"/run/weir/{NAME}*"), [])

    def test_killed_while_another_version_writes_what_it_left(self):
        """What that had not written yet, and what it had counted, is left for the next."""
        live = self.live(*SHORT, program=OTHER)
        blast = self.blast()
        self.wait_for_frames(20000)
        live.kill()
        path = os.path.join(live.folder.name, "stuck")
        os.mkfifo(path + ".earlier")
        reader = os.open(path + ".earlier", os.O_RDWR | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        stuck = netns.Live(WEIR, [netns.FAR], "--instance", NAME, *SHORT, to=f"json+file:{path}")
        self.addCleanup(stuck.close)
        self.assertTrue(select.select([reader], [], [], netns.WAIT_S)[0], "it writes")
        stuck.kill()
        live = self.live(*SHORT)
        netns.wait_for(lambda: not [name for name in pinned() if "~" in name], "everything is told")
        with open(path + ".part", "wb") as file:
            try:
                while octets := os.read(reader, 65536):
                    file.write(octets)
            except BlockingIOError:
                pass
        os.unlink(path + ".earlier")
        self.runs += [Beside(path), Beside(path + ".part")]
        frames = blast.stop()["frames"]
        account = live.stop()
        self.assertEqual(live.status, 0, live.errors)
        self.assert_whole(account, frames)
        self.assert_nothing_left()

    def set_apart(self):
        """What a process does that finds tables of another version, up to where it runs that."""
        live = self.live(*SHORT, program=OTHER)
        frames = self.blast(frames=20000).finish()["frames"]
        live.kill()
        layout, = (name for path in glob.glob(f"/run/weir/{NAME}.*")
                   if re.fullmatch("[0-9a-f]+", name := path.rpartition(".")[2]))  # fmt: skip
        apart = f"{NAME}~{layout}~1"
        os.mkdir(os.path.join(PINNED, apart))
        os.rename(os.path.join(PINNED, NAME, "1"), os.path.join(PINNED, apart, "1"))
        return apart, f"/run/weir/{apart}.account", frames

    def write_apart(self, apart, account, frames):
        """So does that; then it and who ran it are killed."""
        rest = Beside(os.path.join(self.runs[0].folder.name, "rest"))
        subprocess.run([OTHER, "stop", apart, "--quiet", "--json-stats", account, "--to",
                        f"json+file:{rest.json}"], check=True, timeout=netns.WAIT_S)  # fmt: skip
        self.runs.append(rest)
        self.assertNotIn(apart, pinned())
        with open(account, encoding="utf-8") as file:
            self.assertEqual(json.load(file)["exported"]["packets"], frames)

    def assert_counted_once(self, frames):
        live = self.live(*SHORT)
        account = live.stop()
        self.assertEqual(live.status, 0, live.errors)
        self.assert_whole(account, frames)
        self.assert_nothing_left()
        self.assertEqual(glob.glob(f"/run/weir/{NAME}*"), [])

    def test_killed_before_it_took_what_another_version_counted(self):
        apart, account, frames = self.set_apart()
        self.write_apart(apart, account, frames)
        os.makedirs(os.path.join(PINNED, apart, "1"))  # had not come to its end yet
        self.assert_counted_once(frames)

    def test_killed_when_it_had_taken_what_another_version_counted(self):
        """The numbers are in, and the file is still there: the next one takes it for what it is."""
        apart, account, frames = self.set_apart()
        self.write_apart(apart, account, frames)
        os.link(account, account + ".kept")
        live = self.live(*SHORT)
        netns.wait_for(lambda: not os.path.exists(account), "it is taken")
        live.kill()
        os.rename(account + ".kept", account)
        self.assert_counted_once(frames)

    def test_killed_while_another_version_tells_its_account(self):
        """What it began to write counts for nothing while its tables are there."""
        _, account, frames = self.set_apart()
        with open(account, "w", encoding="ascii") as file:
            file.write('{"metered": {"packets": 1000000}}')
        self.assert_counted_once(frames)

    def test_told_before_it_is_gone(self):
        """Killed while it tells its account, it has left what tells it again."""
        live = self.live(*SHORT)
        frames = self.blast(frames=20000).finish()["frames"]
        live.kill()
        rest = Beside(os.path.join(live.folder.name, "rest"))
        stats = os.path.join(live.folder.name, "stuck")
        os.mkfifo(stats)
        pipe = os.open(stats, os.O_RDWR | os.O_NONBLOCK)
        self.addCleanup(os.close, pipe)
        with self.assertRaises(BlockingIOError):
            while True:
                os.write(pipe, bytes(4096))
        words = [WEIR, "stop", NAME, "--quiet", "--to", f"json+file:{rest.json}", "--json-stats"]
        with subprocess.Popen([*words, stats]) as stuck:
            try:
                netns.wait_for(lambda: os.path.exists(rest.json) and frames <= sum(
                    record["packetDeltaCount"] for run in (live, rest) for record in run.records()),
                               "everything is written")  # fmt: skip
                with self.assertRaises(subprocess.TimeoutExpired):
                    stuck.wait(1)  # for ever
                self.assertEqual(pinned(), [NAME])
            finally:
                stuck.kill()
        again = Beside(f"{rest.json}.again")
        subprocess.run([*words[:-2], f"json+file:{again.json}", words[-1], live.stats],
                       check=True, timeout=netns.WAIT_S)  # fmt: skip
        self.runs += [rest, again]
        self.assert_whole(live.ended(), frames)
        self.assert_nothing_left()

    def test_what_another_version_left_is_given_up(self):
        folder = os.path.join(PINNED, NAME, "1")
        os.makedirs(folder)
        subprocess.run(["bpftool", "map", "create", f"{folder}/state", "type", "array", "key", "4",
                        "value", "64", "entries", "1", "name", "state"], check=True,
                       env=dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin"))  # fmt: skip
        live = self.live()
        self.assertIn("they are given up", live.errors)
        live.stop()
        self.assertEqual(live.status, 0, live.errors)
        self.assert_nothing_left()


if __name__ == "__main__":
    WEIR, BLAST, OTHER = sys.argv.pop(1), sys.argv.pop(1), sys.argv.pop(1)
    netns.enter()
    unittest.main()
