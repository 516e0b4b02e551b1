# SPDX-License-Identifier: BSD-2-Clause
"""Reordering, loss, gaps and retransmissions: (wire, [(client, server) of each record])."""

from tcp_captures import Wire

# What every handshake of Wire.shake() leaves behind.
SHOOK_C = {"tcpHandshakeRtt": 5000, "tcpSynDeltaCount": 1}
SHOOK_S = {"tcpHandshakeRtt": 10000, "tcpSynDeltaCount": 1}


def again(octets, packets=1, **more):
    return {"tcpRetransmittedPacketCount": packets, "tcpRetransmittedOctetCount": octets, **more}


def late(packets=1, **more):
    return {"tcpOutOfOrderCount": packets, **more}


def reordered(after_us, shaken):
    """The segment 101..200 comes so long after 201..300; the answer waits for it."""
    wire = Wire()
    if shaken:
        wire.shake()
    wire.c(20000, 1, 100, ack=1).c(21000, 201, 100, ack=1)
    return wire.c(21000 + after_us, 101, 100, ack=1).s(60000, 1, ack=301)


def lost_before():
    """The tap saw 101..200 only when it was sent again, 30 ms later."""
    wire = Wire().shake().c(20000, 1, 100, ack=1).s(30000, 1, ack=101)
    wire.c(31000, 201, 100, ack=1).s(41000, 1, ack=101).c(41500, 301, 100, ack=1)
    wire.s(51000, 1, ack=101).c(61000, 101, 100, ack=1)
    return wire.s(71000, 1, ack=401)


def lost_after():
    """The tap saw 101..200 twice."""
    wire = Wire().shake().c(20000, 1, 100, ack=1).s(30000, 1, ack=101)
    wire.c(31000, 101, 100, ack=1).c(31100, 201, 100, ack=1).c(31200, 301, 100, ack=1)
    wire.c(31300, 401, 100, ack=1)
    for time in (41000, 41100, 41200):
        wire.s(time, 1, ack=101)
    return wire.c(42000, 101, 100, ack=1).s(52000, 1, ack=501)


def timed_out():
    """Nothing came back; 300 ms later it is sent again. Then a segment whose answer is clear."""
    wire = Wire().shake().c(20000, 1, 100, ack=1).c(320000, 1, 100, ack=1)
    return wire.s(330000, 1, ack=101).c(340000, 101, 50, ack=1).s(352000, 1, ack=151)


def hole_over_wrap(late_us):
    """Numbers wrap inside the hole: data 1..100, hole 101..200 around 2^32, then 201..300."""
    wire = Wire(client_isn=2**32 - 150)
    wire.shake().c(20000, 1, 100, ack=1).c(21000, 201, 100, ack=1)
    return wire.c(21000 + late_us, 101, 100, ack=1).s(32000, 1, ack=301)


def five_holes():
    """Each 100 octets wide, 100 us apart; then all five come. The first was forgotten."""
    wire = Wire().shake()
    for number in range(6):
        wire.c(20000 + 100 * number, 1 + 200 * number, 100, ack=1)
    for number in range(5):
        wire.c(21000 + 100 * number, 101 + 200 * number, 100, ack=1)
    return wire


def middle(*parts):
    """A hole of 300 octets, filled piece by piece."""
    wire = Wire().shake().c(20000, 1, 100, ack=1).c(20100, 401, 100, ack=1)
    for number, start in enumerate(parts):
        wire.c(20200 + 100 * number, start, 100, ack=1)
    return wire


def gap(*more):
    wire = Wire().shake().c(20000, 1, 100, ack=1).c(20100, 201, 100, ack=1).s(30000, 1, ack=301)
    for time, seq in more:
        wire.c(time, seq, 100, ack=1)
    return wire


RTT_1 = {**SHOOK_S, "tcpRttCount": 1}
CASES = {}
for ms in (1, 2, 3):
    CASES[f"late by {ms} ms without handshake"] = (
        reordered(1000 * ms, False),
        [(late(), {"tcpRttCount": 1, "tcpRttMinimum": 40000, "tcpRttMaximum": 40000})],
    )
for us in (3001, 5000):
    CASES[f"late by {us} us without handshake"] = (
        reordered(us, False), [(again(100), {"tcpRttCount": 0})],
    )  # fmt: skip
for ms in (1, 2, 5, 15):
    CASES[f"late by {ms} ms in a handshake of 15 ms"] = (
        reordered(1000 * ms, True), [(late(**SHOOK_C), RTT_1)],
    )  # fmt: skip
CASES |= {
    "late by 15.001 ms in a handshake of 15 ms": (
        reordered(15001, True), [(again(100, **SHOOK_C), SHOOK_S)],
    ),
    "lost before the tap and sent again": (
        lost_before(),
        [(again(100, **SHOOK_C),
          {**RTT_1, "tcpDuplicateAckCount": 2, "tcpRttMinimum": 10000})],
    ),
    "lost before the tap and never sent again": (
        Wire().shake().c(20000, 1, 100, ack=1).c(20100, 201, 100, ack=1).s(30000, 1, ack=101),
        [({**SHOOK_C, "tcpUnseenOctetCount": 100},
          {**RTT_1, "tcpRttMinimum": 10000, "tcpRttMaximum": 10000})],
    ),
    "lost after the tap, fast retransmission": (
        lost_after(), [(again(100, **SHOOK_C), {**RTT_1, "tcpDuplicateAckCount": 3})],
    ),
    "sent again though it was acknowledged": (
        Wire().shake().c(20000, 1, 100, ack=1).s(30000, 1, ack=101)
              .c(30500, 1, 100, ack=1).s(40500, 1, ack=101),
        [(again(100, **SHOOK_C), RTT_1)],
    ),
    "sent again after a time-out": (
        timed_out(),
        [(again(100, **SHOOK_C), {**RTT_1, "tcpRttMinimum": 12000, "tcpRttMaximum": 12000})],
    ),
    "sent again with new data behind": (
        Wire().shake().c(20000, 1, 100, ack=1).c(90000, 1, 150, ack=1),
        [(again(100, **SHOOK_C), SHOOK_S)],
    ),
    "FIN sent again": (
        Wire().shake().c(20000, 1, ack=1, flags="F").c(220000, 1, ack=1, flags="F"),
        [(again(0, tcpFinDeltaCount=2, state=5, **SHOOK_C), SHOOK_S)],
    ),
    "late across the wrap": (hole_over_wrap(2000), [(late(**SHOOK_C), {
        **RTT_1, "tcpRttMinimum": 12000, "tcpRttMaximum": 12000})]),
    "sent again across the wrap": (hole_over_wrap(16000), [(again(100, **SHOOK_C), SHOOK_S)]),
    "round trip across the wrap": (
        Wire(client_isn=2**32 - 50).shake().c(20000, 1, 100, ack=1)
            .s(20900, 1, ack=40).s(33000, 1, ack=101),
        [(SHOOK_C, {**RTT_1, "tcpRttMinimum": 13000})],
    ),
    "the first of five holes is forgotten": (
        five_holes(), [(late(4, **again(100, **SHOOK_C, tcpUnseenOctetCount=100)), SHOOK_S)],
    ),
    "a hole filled in its middle first": (
        middle(201, 101, 301), [(late(3, **SHOOK_C), SHOOK_S)],
    ),
    "a hole filled in its middle only": (
        middle(201), [(late(**SHOOK_C, tcpUnseenOctetCount=200), SHOOK_S)],
    ),
    "a hole filled twice": (
        middle(101, 201, 301, 201), [(late(3, **again(100, **SHOOK_C)), SHOOK_S)],
    ),
    "lost by the capture": (
        gap(),
        [({**SHOOK_C, "tcpUnseenOctetCount": 100, "tcpCaptureGapOctetCount": 100,
           "metricValidity": 8 + 16 + 32 + 64 + 128 + 512 + 1024},
          {**RTT_1, "metricValidity": 8 + 16 + 32 + 64 + 512 + 1024})],
    ),
    "thought lost by the capture, but late": (
        gap((32000, 101)), [(late(**SHOOK_C), RTT_1)],
    ),
    "half of a gap came after all": (
        Wire().shake().c(20000, 1, 100, ack=1).c(20100, 301, 100, ack=1).s(30000, 1, ack=401)
              .c(31000, 101, 100, ack=1),
        [(late(**SHOOK_C, tcpUnseenOctetCount=100, tcpCaptureGapOctetCount=100), RTT_1)],
    ),
    "a bare acknowledgement tells of octets not seen": (
        Wire().shake().c(20000, 301, ack=1),
        [({**SHOOK_C, "tcpUnseenOctetCount": 300}, SHOOK_S)],
    ),
    "late, and the clock ran backwards": (
        Wire().shake().c(20000, 1, 100, ack=1).c(21000, 201, 100, ack=1)
              .c(20500, 101, 100, ack=1),
        [(late(**SHOOK_C), SHOOK_S)],
    ),
}  # fmt: skip
