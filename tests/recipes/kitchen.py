# SPDX-License-Identifier: BSD-2-Clause
"""Where recipes are tried: a folder of their own, interfaces by the names they use, a shell."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path[:0] = [os.path.join(HERE, "..", "lib"), os.path.join(ROOT, "tools")]

import capture
import netns
from docs import recipes

CAPTURE = os.path.join(ROOT, "tests", "data", "pcap", "flowtest_http_get.pcap")
# That capture, known otherwise.
CLIENT, SERVER = "192.168.1.140", "174.143.213.184"
PACKETS = 21 + 19
PEER = "peer"  # the other end of every wire


def frames():
    return [bytes(packet.data) for packet in capture.readable(CAPTURE)[0]]


class Shell:
    """A block of commands, typed in a terminal of its own."""

    def __init__(self, kitchen, commands):
        self.path = os.path.join(kitchen.folder, f"said-{time.monotonic_ns()}")
        with open(self.path, "wb") as out:
            self.process = subprocess.Popen(
                ["bash", "-eu", "-c", commands], cwd=kitchen.folder, env=kitchen.environment,
                stdin=subprocess.PIPE, stdout=out, stderr=subprocess.STDOUT,
                start_new_session=True, preexec_fn=netns.end_with_parent)

    def said(self):
        with open(self.path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def until(self, condition, what):
        def met():
            if self.process.poll() is not None and not condition():
                raise AssertionError(f"ended before {what}:\n{self.said()}")
            return condition()

        netns.wait_for(met, what)

    def until_metering(self, count=1):
        self.until(lambda: self.said().count(netns.READY) >= count, "weir meters")

    def interrupt(self):
        """Ctrl-C; what it said."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        return self.end()

    def end(self):
        self.process.wait(timeout=netns.WAIT_S)
        return self.said()

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close()


class Kitchen(unittest.TestCase):
    WEIR = ""  # set from the command line
    recipe = ""
    interface = "eth1"

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="weir-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        tools = self.at("tools")
        os.mkdir(tools)
        os.symlink(os.path.abspath(self.WEIR), os.path.join(tools, "weir"))
        self.environment = dict(os.environ, LC_ALL="C.UTF-8", TERM="dumb",
                                PATH=f"{tools}:{os.environ['PATH']}")
        netns.ip("link set lo up")
        netns.lay(self.interface, PEER)
        self.addCleanup(netns.ip, f"link del {PEER}")
        # A run that a failed test had to kill would have left it.
        self.addCleanup(shutil.rmtree, "/sys/fs/bpf/weir", ignore_errors=True)
        self.commands = recipes.read(self.recipe).commands if self.recipe else []

    def at(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        with open(self.at(name), encoding="utf-8") as file:
            return file.read()

    def start(self, commands):
        shell = Shell(self, commands)
        self.addCleanup(shell.close)
        return shell

    def do(self, commands, status=0):
        """To its end."""
        shell = self.start(commands)
        said = shell.end()
        self.assertEqual(shell.process.returncode, status, said)
        return said

    def send(self, what=None):
        """A capture comes in at the interface."""
        netns.send(frames() if what is None else what, PEER, self.interface)

    def has_finished(self, shell, packets=PACKETS):
        """Its account, which balances, has so many packets."""
        said = shell.interrupt()
        self.assertEqual(shell.process.returncode, 0, said)
        self.assertRegex(said, rf"(?m)^metered +{packets} ")
        self.assertIn("\nbalanced\n", said)

    def check_both(self, pairs):
        """Both directions of the conversation, as (source, destination)."""
        self.assertEqual(set(pairs), {(CLIENT, SERVER), (SERVER, CLIENT)})


def listens(port, kind):
    """Whether anybody does, of this namespace; kind: udp or tcp."""
    for table in (kind, kind + "6"):
        with open(f"/proc/self/net/{table}", encoding="ascii") as file:
            for line in list(file)[1:]:
                words = line.split()
                if int(words[1].rpartition(":")[2], 16) == port and (kind == "udp" or words[3] == "0A"):
                    return True
    return False


def unread(port):
    """Octets that wait in a UDP socket."""
    with open("/proc/self/net/udp", encoding="ascii") as file:
        rows = [line.split() for line in list(file)[1:]]
    return sum(int(row[4].rpartition(":")[2], 16) for row in rows
               if int(row[1].rpartition(":")[2], 16) == port)  # fmt: skip


def bound(address, port, kind=socket.SOCK_DGRAM):
    """A collector of our own."""
    out = socket.socket(socket.AF_INET, kind)
    out.settimeout(netns.WAIT_S)
    out.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    out.bind((address, port))
    return out


def waiting(collector):
    """What it has not been read of."""
    collector.setblocking(False)
    octets = b""
    while True:
        try:
            octets += collector.recv(65536)
        except BlockingIOError:
            return octets
