# SPDX-License-Identifier: BSD-2-Clause
"""Talks to the control socket of a run, independently of weir's own client."""

import json
import socket

import netns


class Asking:
    """A connection: any number of requests, one after the other."""

    def __init__(self, instance, folder="/run/weir"):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(netns.WAIT_S)
        self.socket.connect(f"{folder}/{instance}.sock")
        self.octets = b""

    def _line(self):
        while b"\n" not in self.octets:
            more = self.socket.recv(65536)
            if not more:
                raise EOFError("the run went away")
            self.octets += more
        line, _, self.octets = self.octets.partition(b"\n")
        return line.decode()

    def ask(self, request):
        """The answer and the lines after it."""
        self.socket.sendall(request.encode() + b"\n")
        answer = json.loads(self._line())
        lines = answer.get("answer", {}).get("lines", 0)
        return answer, [self._line() for _ in range(lines)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
