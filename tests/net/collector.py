#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A collector for the tests: keeps the octets of each session, as far as it has read them.

As a program: collector.py tcp|sip|udp PORT FOLDER; sip: TCP, only the first octets of a session.
Every TCP session becomes FOLDER/NUMBER, every datagram FOLDER/NUMBER as well; octets are on disk
before they are taken from the socket, so one that is killed has never read what it does not have.
As a module: Collector starts and ends it."""

import os
import select
import signal
import socket
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

import netns  # noqa: E402
from netns import wait_for  # noqa: E402, F401

HOST = "127.0.0.1"
CHUNK = 65536
SIP = 131072
SO_RCVBUFFORCE = 33
UDP_ROOM = 64 << 20  # it may be a while until a datagram is read
# Below those that the system gives to whoever connects: in a namespace of its own nobody else has
# them, and who tries to reach one that nobody has is never given the same and reaches itself.
PORTS = iter(range(20000, 30000))


def free_port():
    return next(PORTS)


class Collector:
    """A process of its own, so that it can be stopped and killed."""

    def __init__(self, folder, port=None, kind="tcp"):
        self.folder = folder
        self.kind = kind
        self.port = port or free_port()
        self.process = None
        os.makedirs(folder, exist_ok=True)

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, "-B", __file__, self.kind, str(self.port), self.folder],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            preexec_fn=netns.end_with_parent)  # fmt: skip
        if self.process.stdout.readline() != b"ready\n":
            raise RuntimeError("the collector did not start")
        return self

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
        self.process = None

    def octets(self):
        return sum(entry.stat().st_size for entry in os.scandir(self.folder))

    def sessions(self):
        """The octets of each, in the order in which they began."""
        found = []
        for name in sorted(os.listdir(self.folder), key=int):
            with open(os.path.join(self.folder, name), "rb") as file:
                found.append(file.read())
        return found

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()


def new_file(folder):
    number = 1 + max((int(name) for name in os.listdir(folder)), default=0)
    return os.open(os.path.join(folder, str(number)), os.O_WRONLY | os.O_CREAT | os.O_EXCL)


def serve_tcp(listener, folder, most):
    """Each session's octets, so many at most."""
    files = {}
    left = {}
    while True:
        ready, _, _ = select.select([listener, *(one for one in files if left[one])], [], [])
        for one in ready:
            if one is listener:
                session = one.accept()[0]
                files[session], left[session] = new_file(folder), most
                continue
            try:
                octets = one.recv(min(CHUNK, left[one]), socket.MSG_PEEK)
                os.write(files[one], octets)
                octets = one.recv(len(octets)) if octets else b""
            except ConnectionError:
                octets = b""
            left[one] -= len(octets)
            if not octets:
                os.close(files.pop(one))
                one.close()


def serve_udp(receiver, folder):
    number = 1 + max((int(name) for name in os.listdir(folder)), default=0)
    while True:
        octets = receiver.recv(65535)
        with open(os.path.join(folder, str(number)), "xb") as file:
            file.write(octets)
        number += 1


def main():
    kind, port, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if kind == "udp":
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, UDP_ROOM)
        receiver.bind((HOST, port))
        print("ready", flush=True)
        serve_udp(receiver, folder)
    with socket.create_server((HOST, port)) as listener:
        if kind == "sip":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, CHUNK)
        print("ready", flush=True)
        serve_tcp(listener, folder, SIP if kind == "sip" else sys.maxsize)


if __name__ == "__main__":
    main()
