# SPDX-License-Identifier: BSD-2-Clause
"""Room in a socket for what comes while the test cannot read, on a machine with other work."""

import socket

SO_RCVBUFFORCE = 33  # beyond net.core.rmem_max, for root


def give_room(receiver, octets=64 << 20):
    try:
        receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, octets)
    except PermissionError:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, octets)
