# SPDX-License-Identifier: BSD-2-Clause
"""Resets, and records that end in the middle of something: (wire, [(client, server) of each
record], idle and active time-out in seconds)."""

from cases_loss import SHOOK_C, SHOOK_S
from tcp_captures import Wire

# The handshake is of the connection; its packets are of the first record.
LATER_C, LATER_S = {"tcpHandshakeRtt": 5000}, {"tcpHandshakeRtt": 10000}
ONE = (15, 1)


def cut_in_hole():
    """The hole opens at 900 ms; at 1.1 s another record has begun and the hole is acknowledged;
    then half of it comes after all."""
    wire = Wire().shake().c(20000, 1, 100, ack=1).c(900000, 301, 100, ack=1)
    return wire.s(1100000, 1, ack=401).c(1110000, 101, 100, ack=1)


def cut_in_timing():
    """The segment leaves at 950 ms, its acknowledgement comes in the next record."""
    return Wire().shake().c(950000, 1, 100, ack=1).s(1050000, 1, 10, ack=101)


def cut_in_zero_window():
    """Closed from 900 to 1900 ms; packets at 950 ms and in the next record at 1100 ms tell."""
    wire = Wire().shake().s(20000, 1, ack=1).s(900000, 1, ack=1, window=0)
    wire.s(950000, 1, ack=1, window=0).s(1100000, 1, ack=1, window=0)
    return wire.s(1900000, 1, ack=1)


CASES = {
    "a reset has no place in the stream": (
        Wire().shake().c(20000, 1, 100, ack=1).s(30000, 700, ack=101, flags="R"),
        [({**SHOOK_C, "state": 8}, {**SHOOK_S, "tcpRstDeltaCount": 1})],
    ),
    "data after a reset is still counted": (
        Wire().shake().c(20000, 1, 100, ack=1).s(30000, 1, ack=101, flags="R")
              .c(40000, 1, 100, ack=1),
        [({**SHOOK_C, "tcpRetransmittedPacketCount": 1, "tcpRetransmittedOctetCount": 100,
           "state": 8}, {**SHOOK_S, "tcpRstDeltaCount": 1})],
    ),
    "the record ends in a hole": (
        cut_in_hole(),
        [({**SHOOK_C, "tcpUnseenOctetCount": 200}, SHOOK_S),
         ({**LATER_C, "tcpRetransmittedPacketCount": 1, "tcpRetransmittedOctetCount": 100},
          {**LATER_S, "tcpRttCount": 1, "tcpRttMinimum": 1080000})],
        ONE,
    ),
    "the record ends between segment and acknowledgement": (
        cut_in_timing(),
        [(SHOOK_C, SHOOK_S),
         (None, {**LATER_S, "tcpRttCount": 1, "tcpRttMinimum": 100000, "tcpResponseCount": 1,
                 "tcpResponseMinimum": 100000})],
        ONE,
    ),
    "the record ends while the window is closed": (
        cut_in_zero_window(),
        [(SHOOK_C, {**SHOOK_S, "tcpZeroWindowCount": 1, "tcpZeroWindowDuration": 50000}),
         (None, {**LATER_S, "tcpZeroWindowDuration": 950000})],
        ONE,
    ),
    "a flow that was silent begins anew": (
        Wire().shake().c(20000, 1, 100, ack=1).c(3020000, 201, 100, ack=1),
        [(SHOOK_C, SHOOK_S), ({}, None)],
        (2, 60),
    ),
}  # fmt: skip
