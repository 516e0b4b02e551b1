# SPDX-License-Identifier: BSD-2-Clause
"""Windows, acknowledgements, responses, keep-alives: (wire, [(client, server) of each record])."""

from cases_loss import SHOOK_C, SHOOK_S
from tcp_captures import Wire, scale

WINDOWS = ("tcpWindowMinimum", "tcpWindowMaximum", "tcpWindowMean", "tcpWindowCount")


def windows(*values):
    return dict(zip(WINDOWS, values))


def probed():
    """The server's window closes at 30 ms, is probed twice and opens again at 530 ms."""
    wire = Wire().shake().c(20000, 1, 100, ack=1).s(30000, 1, ack=101, window=0)
    wire.c(230000, 101, 1, ack=1).s(240000, 1, ack=101, window=0)
    wire.c(430000, 101, 1, ack=1).s(440000, 1, ack=101, window=0)
    return wire.s(530000, 1, ack=102, window=4000)


def scaled(client, server):
    """Both offer 1000 after the handshake."""
    wire = Wire().shake(client, server).c(20000, 1, 100, ack=1, window=1000)
    return wire.s(30000, 1, ack=101, window=1000)


def dialogue():
    """Two requests, the first in two segments and the second sent twice; two answers."""
    wire = Wire().shake().c(20000, 1, 100, ack=1).c(21000, 101, 100, ack=1)
    wire.s(41000, 1, 500, ack=201).s(42000, 501, 500, ack=201)
    wire.c(142000, 201, 50, ack=1001).c(442000, 201, 50, ack=1001)
    return wire.s(472000, 1001, 10, ack=251)


DUP = {"tcpDuplicateAckCount": 1}
CASES = {
    "keep-alives and their answers": (
        Wire().shake().c(20000, 1, 100, ack=1).s(30000, 1, ack=101)
              .c(5000000, 100, ack=1).s(5010000, 1, ack=101)
              .c(10000000, 100, 1, ack=1).s(10010000, 1, ack=101),
        [({**SHOOK_C, "tcpKeepAliveCount": 2}, {**SHOOK_S, "tcpRttCount": 1})],
    ),
    "two octets below next are no keep-alive": (
        Wire().shake().c(20000, 1, 100, ack=1).c(30000, 100, 2, ack=1),
        [({**SHOOK_C, "tcpRetransmittedPacketCount": 1, "tcpRetransmittedOctetCount": 1}, SHOOK_S)],
    ),
    "a window that closes, is probed and opens": (
        probed(),
        [({**SHOOK_C, "tcpKeepAliveCount": 1},
          {**SHOOK_S, "tcpRttCount": 2, "tcpRttMinimum": 10000, "tcpRttMaximum": 300000,
           "tcpZeroWindowCount": 1, "tcpZeroWindowDuration": 500000, "tcpDuplicateAckCount": 2,
           **windows(0, 4000, 1000.0, 4)})],
    ),
    "a window that closes twice": (
        Wire().shake().s(20000, 1, ack=1, window=0).s(21000, 1, ack=1, window=0)
              .s(22000, 1, ack=1, window=1).s(23000, 1, ack=1, window=0),
        [(SHOOK_C, {**SHOOK_S, "tcpZeroWindowCount": 2, "tcpZeroWindowDuration": 2000})],
    ),
    "a window closed from the first packet on did not close": (
        Wire().c(0, 1, 10, ack=1, window=0).c(1000, 11, 10, ack=1, window=0),
        [({}, None)],
    ),
    "a window closed right after the SYN": (
        Wire().c(0, 0, flags="S").s(10000, 0, ack=1, flags="S").c(15000, 1, 5, ack=1)
              .s(25000, 1, ack=6, window=0),
        [(SHOOK_C, {**SHOOK_S, "tcpZeroWindowCount": 1, "tcpRttCount": 1})],
    ),
    "FIN and RST close no window": (
        Wire().shake().c(20000, 1, ack=1, flags="F", window=0).s(30000, 1, ack=2, window=5000)
              .s(31000, 1, ack=2, flags="R", window=0),
        [({**SHOOK_C, "tcpFinDeltaCount": 1}, {**SHOOK_S, "tcpRstDeltaCount": 1})],
    ),
    "a window that opened before it closed": (
        Wire().shake().s(20000, 1, ack=1).s(22000, 1, ack=1, window=0).s(21000, 1, ack=1),
        [(SHOOK_C, {**SHOOK_S, "tcpZeroWindowCount": 1})],
    ),
    "windows scaled by both": (
        scaled(scale(7), scale(2)),
        [({**SHOOK_C, **windows(128000, 1048576, 588288.0, 2)},
          {**SHOOK_S, "tcpRttCount": 1, **windows(4000, 4000, 4000.0, 1)})],
    ),
    "windows scaled by one side only": (
        scaled(scale(7), b""),
        [({**SHOOK_C, **windows(1000, 8192, 4596.0, 2)},
          {**SHOOK_S, "tcpRttCount": 1, **windows(1000, 1000, 1000.0, 1)})],
    ),
    "a shift of 0 is scaling too": (
        scaled(scale(3), scale(0)),
        [({**SHOOK_C, **windows(8000, 65536, 36768.0, 2)}, {**SHOOK_S, "tcpRttCount": 1})],
    ),
    "responses": (
        dialogue(),
        [({**SHOOK_C, "tcpResponseCount": 1, "tcpResponseMinimum": 100000, "tcpRttCount": 1,
           "tcpRetransmittedPacketCount": 1, "tcpRetransmittedOctetCount": 50},
          {**SHOOK_S, "tcpResponseCount": 2, "tcpResponseMinimum": 20000,
           "tcpResponseMaximum": 30000, "tcpResponseMean": 25000.0, "tcpRttCount": 1,
           "tcpRttMinimum": 21000})],
    ),
    "an acknowledgement twice, with nothing to acknowledge": (
        Wire().shake().c(20000, 1, ack=1).c(21000, 1, ack=1), [(SHOOK_C, SHOOK_S)],
    ),
    "an acknowledgement twice, with data in between": (
        Wire().shake().s(20000, 1, 100, ack=1).c(21000, 1, 10, ack=1).c(22000, 11, ack=1),
        [({**SHOOK_C, **DUP, "tcpResponseCount": 1}, SHOOK_S)],
    ),
    "an acknowledgement twice, with another window": (
        Wire().shake().s(20000, 1, 100, ack=1).c(22000, 1, ack=1, window=9000),
        [(SHOOK_C, SHOOK_S)],
    ),
    "round trips of one segment at a time": (
        Wire().shake().c(20000, 1, 100, ack=1).c(24000, 101, 100, ack=1).s(30000, 1, ack=101)
              .c(31000, 201, 100, ack=1).s(36000, 1, ack=201).s(51000, 1, ack=301),
        [(SHOOK_C, {**SHOOK_S, "tcpRttCount": 2, "tcpRttMinimum": 10000, "tcpRttMaximum": 20000,
                    "tcpRttMean": 15000.0, "tcpRttDeviation": 5000.0})],
    ),
    "congestion experienced": (
        Wire().shake().c(20000, 1, 10, ack=1, tos=3).c(21000, 11, 10, ack=1, tos=0xB9 | 3)
              .c(22000, 21, 10, ack=1, tos=2).c(23000, 31, 10, ack=1, tos=1),
        [({**SHOOK_C, "tcpCePacketCount": 2}, SHOOK_S)],
    ),
}  # fmt: skip
