# SPDX-License-Identifier: BSD-2-Clause
"""Root at work in folders that a user without rights owns, as they are once a run became that user:
what that user puts in the place of weir's files is neither followed, waited for, written, executed
nor believed.

lesser.py WEIR BLAST OTHER"""

import ctypes
import glob
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import netns

WEIR = BLAST = OTHER = ""  # set from the command line
PINNED, SHARED = "/sys/fs/bpf/weir", "/run/weir"
NAME = "edge"
NOBODY, NOGROUP = 65534, 65534
MS_REMOUNT, MS_NOEXEC = 32, 8


def as_nobody(action):
    """In a child that is that user; true where it could."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([])
            os.setresgid(NOGROUP, NOGROUP, NOGROUP)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            action()
            status = 0
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1] == 0


class LesserTest(unittest.TestCase):
    def setUp(self):
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")
        os.chmod("/sys/fs/bpf", 0o711)
        for folder in (PINNED, SHARED):
            os.makedirs(folder, exist_ok=True)
            os.chown(folder, NOBODY, NOGROUP)
            os.chmod(folder, 0o711)
        self.addCleanup(self.clear)
        made = tempfile.TemporaryDirectory(prefix="weir-")
        self.addCleanup(made.cleanup)
        os.chmod(made.name, 0o755)
        self.folder = made.name
        # Root's, and looks as what weir has: tables, pins, and what else there may be.
        self.victim = os.path.join(self.folder, "victim")
        os.makedirs(os.path.join(self.victim, "1", "2"))
        for name in ("1/state", "1/2/state", "1/table-0", "front-1-xdp", "link-xdp-1", "plain"):
            self.write(os.path.join(self.victim, name), "root's")

    def clear(self):
        for folder in (PINNED, SHARED):
            for path in glob.glob(f"{folder}/*"):
                if os.path.isdir(path) and not os.path.islink(path):
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    os.unlink(path)

    def write(self, path, text):
        with open(path, "w", encoding="ascii") as file:
            file.write(text)

    def by_nobody(self, action):
        self.assertTrue(as_nobody(action))

    def assert_untouched(self):
        for base, folders, files in os.walk(self.victim):
            for name in (*folders, *files):
                self.assertEqual(os.lstat(os.path.join(base, name)).st_uid, 0, name)
            for name in files:
                with open(os.path.join(base, name), encoding="ascii") as file:
                    self.assertEqual(file.read(), "root's")
        self.assertEqual(sum(len(files) for _, _, files in os.walk(self.victim)), 6)
        self.assertEqual(os.lstat(self.victim).st_uid, 0)

    def live(self, *options, program=None, name=NAME):
        live = netns.Live(program or WEIR, [netns.FAR], "--instance", name, *options)
        self.addCleanup(live.close)
        return live

    def good_run(self, *options):
        live = self.live(*options)
        self.assertTrue(live.metering, live.errors)
        netns.send([bytes(100)] * 10)
        account = live.stop()
        self.assertEqual(live.status, 0, live.errors)
        self.assertTrue(account["balanced"])
        return live, account

    def assert_refused(self, why):
        live = self.live()
        self.assertFalse(live.metering)
        self.assertIsNone(live.ended())
        self.assertEqual(live.status, 1)
        self.assertEqual(live.errors, f"weir: {why}\n")

    def weir(self, *words, status):
        done = subprocess.run([WEIR, *words], check=False, capture_output=True, text=True,
                              timeout=netns.WAIT_S)  # fmt: skip
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1 if status else 0, done.stderr)
        return done.stderr if status else done.stdout

    # --- tables ---

    def test_a_link_is_no_instance(self):
        self.by_nobody(lambda: os.symlink(self.victim, f"{PINNED}/{NAME}"))
        self.assert_refused(f"{PINNED}/{NAME}: Not a directory")
        self.weir("stop", NAME, status=2)
        self.weir("status", NAME, status=1)
        self.assert_untouched()

    def test_links_of_what_was_set_apart_are_not_cleared(self):
        for apart in (f"{NAME}~1~1", f"{NAME}~2~1"):
            self.by_nobody(lambda apart=apart: os.symlink(self.victim, f"{PINNED}/{apart}"))
        self.by_nobody(lambda: (os.mkdir(f"{PINNED}/{NAME}~3~1"),
                                os.symlink(self.victim, f"{PINNED}/{NAME}~3~1/1")))  # fmt: skip
        self.good_run()
        self.assert_untouched()

    def test_links_among_tables_are_not_followed(self):
        def put():
            os.mkdir(f"{PINNED}/{NAME}")
            os.mkdir(f"{PINNED}/{NAME}/2")
            os.symlink(f"{self.victim}/plain", f"{PINNED}/{NAME}/2/state")
            os.symlink(f"{self.victim}/1", f"{PINNED}/{NAME}/3")

        self.by_nobody(put)
        self.good_run()
        self.by_nobody(lambda: os.symlink(f"{self.victim}/1", f"{PINNED}/{NAME}/1"))
        self.assert_refused(f"{PINNED}/{NAME}/1: Not a directory")
        self.assert_untouched()

    def test_state_under_another_name_is_not_taken(self):
        """A link to what another instance pinned is none of this one's."""
        other = self.live(name="other")
        state, = glob.glob(f"{PINNED}/other/*/state")
        before = os.lstat(state)

        def put():
            os.mkdir(f"{PINNED}/{NAME}")
            os.mkdir(f"{PINNED}/{NAME}/1")
            os.symlink(state, f"{PINNED}/{NAME}/1/state")

        self.by_nobody(put)
        self.weir("stop", NAME, status=2)
        self.assertEqual(os.lstat(state).st_ino, before.st_ino)
        self.assertIsNone(other.process.poll())
        other.stop()
        self.assertEqual(other.status, 0, other.errors)

    # --- copies of weir, and accounts ---

    def copies(self):
        return [path for path in glob.glob(f"{SHARED}/{NAME}.*")
                if re.fullmatch("[0-9a-f]+", path.rpartition(".")[2])]  # fmt: skip

    def leave_strange_tables(self):
        """As a run of another version does that is killed; where its copy is."""
        live = self.live(program=OTHER)
        self.assertTrue(live.metering, live.errors)
        netns.send([bytes(100)] * 10)
        live.kill()
        copy, = self.copies()
        return copy

    def test_a_copy_is_written_past_links_and_pipes(self):
        live = self.live()
        copy, = self.copies()
        live.stop()
        plain = os.path.join(self.victim, "plain")
        for put in (lambda path: os.symlink(plain, path), os.mkfifo):
            for path in (copy, f"{copy}.part"):
                self.by_nobody(lambda put=put, path=path: put(path))
                live = self.live()
                self.assertTrue(live.metering, live.errors)
                self.assertTrue(stat.S_ISREG(os.lstat(copy).st_mode))
                self.assertEqual(os.lstat(copy).st_uid, 0)
                live.stop()
                self.assertEqual(live.status, 0, live.errors)
                self.assert_untouched()
                self.clear()

    def test_a_program_in_the_place_of_a_copy_is_not_executed(self):
        witness = os.path.join(self.folder, "witness")
        copy = self.leave_strange_tables()

        def put():
            os.rename(copy, f"{SHARED}/away")
            with open(copy, "w", encoding="ascii") as file:
                file.write(f"#!/bin/sh\ntouch {witness}\n")
            os.chmod(copy, 0o755)

        self.by_nobody(put)
        live, account = self.good_run()
        self.assertIn("is not this user's", live.errors)
        self.assertFalse(os.path.exists(witness))
        # Nothing is given up for it: the copy back in its place, its flows come out.
        self.by_nobody(lambda: os.rename(f"{SHARED}/away", copy))
        live, account = self.good_run()
        self.assertIn("its own program writes them", live.errors)
        self.assertEqual(account["seen"]["packets"], 20)

    def test_a_copy_that_others_may_write_is_not_executed(self):
        copy = self.leave_strange_tables()
        os.chmod(copy, 0o777)
        live, _ = self.good_run()
        self.assertIn("may be written by others", live.errors)

    def test_a_copy_is_executed_where_nothing_may_be(self):
        """As on Debian, whose /run is mounted so."""
        def remount(flags):
            if netns.LIBC.mount(b"none", SHARED.encode(), None, ctypes.c_ulong(MS_REMOUNT | flags),
                                b"mode=711") != 0:  # fmt: skip
                raise OSError(ctypes.get_errno(), "remount")

        remount(MS_NOEXEC)
        self.addCleanup(remount, 0)
        self.leave_strange_tables()
        live, account = self.good_run()
        self.assertIn("its own program writes them", live.errors)
        self.assertEqual(account["seen"]["packets"], 20)

    def test_accounts_of_others_are_not_believed(self):
        path = f"{SHARED}/{NAME}~1~1.account"
        text = json.dumps({"metered": {"packets": 5, "octets": 500, "frameOctets": 500}})
        mine = os.path.join(self.folder, "mine.json")
        self.write(mine, text)

        def write_own():
            with open(path, "w", encoding="ascii") as file:
                file.write(text)

        for put, why in ((lambda: os.symlink(mine, path), "is a link"),
                         (lambda: os.mkfifo(path), "is no plain file"),
                         (write_own, "is not this user's")):  # fmt: skip
            self.by_nobody(put)
            live, account = self.good_run()
            self.assertIn(why, live.errors)
            self.assertEqual(account["seen"]["packets"], 10)
            os.unlink(path)
        # A file of root's that was given this name.
        self.write(f"{SHARED}/roots", text)
        os.link(f"{SHARED}/roots", path)
        live, account = self.good_run()
        self.assertIn("has another name as well", live.errors)
        self.assertEqual(account["seen"]["packets"], 10)

    def test_an_account_is_written_past_a_link(self):
        copy = self.leave_strange_tables()
        layout = copy.rpartition(".")[2]
        plain = os.path.join(self.victim, "plain")
        os.mkdir(f"{PINNED}/{NAME}~{layout}~1")
        os.rename(f"{PINNED}/{NAME}/1", f"{PINNED}/{NAME}~{layout}~1/1")
        self.by_nobody(lambda: os.symlink(plain, f"{SHARED}/{NAME}~{layout}~1.account"))
        _, account = self.good_run()
        self.assertEqual(account["seen"]["packets"], 20)
        self.assert_untouched()

    # --- sockets ---

    def test_a_socket_is_not_followed_elsewhere(self):
        place = os.path.join(self.folder, "other.sock")
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(place)
            listening.listen()
            listening.setblocking(False)
            for put in (lambda path: os.symlink(place, path), os.mkfifo,
                        lambda path: os.mkdir(path, 0o700)):  # fmt: skip
                self.by_nobody(lambda put=put: put(f"{SHARED}/{NAME}.sock"))
                for words in (["status"], ["stats"], ["flush"], ["reload"], ["flows"]):
                    self.weir(*words, NAME, status=1)
                self.weir("stop", NAME, status=2)
                self.assertRaises(BlockingIOError, listening.accept)
                self.clear()
            self.by_nobody(lambda: os.symlink(place, f"{SHARED}/{NAME}.sock"))
            live = self.live()
            self.assertIn("running since", self.weir("status", NAME, status=0))
            live.stop()
            self.assertRaises(BlockingIOError, listening.accept)
        self.assertTrue(stat.S_ISSOCK(os.stat(place).st_mode))

    def test_who_answers_names_no_other_to_be_ended(self):
        """What is ended is who answers, not whom he names."""
        path = f"{SHARED}/{NAME}.sock"
        with subprocess.Popen(["sleep", "1000"], preexec_fn=netns.end_with_parent) as victim:
            self.addCleanup(victim.kill)
            answer = json.dumps({"status": 0, "answer": {
                "instance": NAME, "process": victim.pid, "interfaces": [], "destinations": []}})
            child = os.fork()
            if child == 0:
                netns.end_with_parent()
                signal.signal(signal.SIGINT, signal.SIG_DFL)
                self.answer(path, answer)
            netns.wait_for(lambda: os.path.exists(path), "it listens")
            netns.wait_for(lambda: f"process {child}," in self.weir("status", NAME, status=0),
                           "it answers")  # fmt: skip
            stopping = subprocess.Popen([WEIR, "stop", NAME], stderr=subprocess.DEVNULL)
            self.assertEqual(os.WTERMSIG(os.waitpid(child, 0)[1]), signal.SIGINT)
            self.assertEqual(stopping.wait(netns.WAIT_S), 0)
            self.assertIsNone(victim.poll())
            victim.kill()

    def answer(self, path, text):
        """Whatever it is asked; ends by a signal."""
        os.setgroups([])
        os.setresgid(NOGROUP, NOGROUP, NOGROUP)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path + ".new")
            listening.listen()
            os.rename(path + ".new", path)
            while True:
                with listening.accept()[0] as asking:
                    asking.recv(4096)
                    asking.sendall(text.encode() + b"\n")

    def test_a_socket_with_another_s_name_is_not_taken_for_it(self):
        other = self.live(name="other")
        self.by_nobody(lambda: os.rename(f"{SHARED}/other.sock", f"{SHARED}/{NAME}.sock"))
        self.assertIn("another instance answers there", self.weir("status", NAME, status=1))
        self.weir("stop", NAME, status=2)
        self.assertIsNone(other.process.poll())
        other.stop()

    # --- what is given to the user ---

    def test_nothing_of_root_s_is_given_away(self):
        self.write(f"{SHARED}/roots", "root's")
        os.link(f"{SHARED}/roots", f"{SHARED}/{NAME}.1")
        self.by_nobody(lambda: (os.symlink(self.victim, f"{SHARED}/{NAME}"),
                                os.symlink(self.victim, f"{SHARED}/{NAME}~1~1"),
                                os.symlink(f"{self.victim}/plain", f"{SHARED}/{NAME}.2"),
                                os.symlink(self.victim, f"{PINNED}/{NAME}~1~1"),
                                os.mkdir(f"{PINNED}/{NAME}"),
                                os.symlink(self.victim, f"{PINNED}/{NAME}/link-xdp-1")))  # fmt: skip
        self.live("--user", "nobody").stop()
        self.assert_untouched()
        self.assertEqual(os.stat(f"{SHARED}/roots").st_uid, 0)


if __name__ == "__main__":
    WEIR, BLAST, OTHER = sys.argv.pop(1), sys.argv.pop(1), sys.argv.pop(1)
    netns.enter()
    netns.ip("link set lo up")
    unittest.main(verbosity=2)
