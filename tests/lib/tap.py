# SPDX-License-Identifier: BSD-2-Clause
"""Takes every IP frame that leaves by loopback, in a namespace of its own."""

import os
import select
import socket
import threading
import time

import capture
from room import give_room

OUTGOING = 4  # PACKET_OUTGOING: loopback shows each frame twice
ETH_P_ALL = 3
IP = (0x0800, 0x86DD)


class Tap(threading.Thread):
    """Until it is closed; the frames are there then, as capture.Packet."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        give_room(self.socket)
        self.socket.bind(("lo", ETH_P_ALL))
        self.end = os.pipe()
        self.frames = []
        self.start()

    def run(self):
        over = False
        while True:
            ready, _, _ = select.select([self.socket, self.end[0]], [], [])
            if self.socket in ready:
                octets, place = self.socket.recvfrom(1 << 17)
                if place[2] == OUTGOING and place[1] in IP:
                    self.frames.append(capture.Packet(time.time_ns(), capture.LINK_ETHERNET,
                                                      octets))  # fmt: skip
            elif over:
                return  # what was there has been read
            over |= self.end[0] in ready

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.write(self.end[1], b".")
        self.join()
        self.socket.close()
        for end in self.end:
            os.close(end)
