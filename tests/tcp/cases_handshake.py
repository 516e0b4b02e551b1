# SPDX-License-Identifier: BSD-2-Clause
"""Handshakes and what their options say: (wire, [(client, server) of each record])."""

from cases_loss import SHOOK_C, SHOOK_S
from tcp_captures import SACK, Wire, mss, scale, stamps

OPENING, ANSWERED, ESTABLISHED, MIDSTREAM, RESET = 1, 2, 3, 4, 8
SYN_AGAIN = {"tcpRetransmittedPacketCount": 1, "tcpSynRetransmissionCount": 1,
             "tcpSynDeltaCount": 2}  # fmt: skip


def syn_again(first=b"", second=b"", answer=b""):
    """A SYN, the same a second later, and the answer 10 ms after that."""
    wire = Wire().c(0, 0, flags="S", options=first).c(1000000, 0, flags="S", options=second)
    wire.s(1010000, 0, ack=1, flags="S", options=answer)
    return wire.c(1015000, 1, ack=1)


def answer_again():
    """SYN+ACK twice: the first answers the SYN, which one the ACK answers is unclear."""
    wire = Wire().c(0, 0, flags="S").s(10000, 0, ack=1, flags="S")
    return wire.s(1010000, 0, ack=1, flags="S").c(1015000, 1, ack=1)


def fast_open():
    """The SYN brings a request of 100 octets; SYN+ACK acknowledges it, then comes the answer."""
    wire = Wire().c(0, 0, 100, flags="S").s(10000, 0, ack=101, flags="S")
    wire.s(12000, 1, 200, ack=101)
    return wire.c(17000, 101, ack=201)


def fast_open_refused():
    """The SYN's one octet is not taken, and sent again once the connection stands."""
    wire = Wire().c(0, 0, 1, flags="S").s(10000, 0, ack=1, flags="S")
    return wire.c(15000, 1, 5, ack=1).s(25000, 1, ack=6)


def simultaneous():
    """Both send SYN, then both answer the other's with SYN+ACK."""
    wire = Wire().c(0, 0, flags="S").s(1000, 0, flags="S")
    wire.c(6000, 0, ack=1, flags="S").s(11000, 0, ack=1, flags="S")
    return wire.c(16000, 1, ack=1)


def reuse(first_isn, second_isn):
    """A connection that is left lying is opened again with other numbers."""
    old = Wire(first_isn).shake().c(20000, 1, 100, ack=1).c(20100, 201, 100, ack=1)
    new = Wire(second_isn, 900000).c(5000000, 0, flags="S").s(5001000, 0, ack=1, flags="S")
    new.c(5003000, 1, ack=1).c(5004000, 1, 50, ack=1).s(5006000, 1, ack=51)
    old.packets += new.packets
    return old


def closed_then_opened():
    """Both sides close; a SYN opens the same ports again 100 ms later."""
    wire = Wire().shake().c(20000, 1, ack=1, flags="F").s(30000, 1, ack=2, flags="F")
    wire.c(35000, 2, ack=2)
    again = Wire(77000, 88000).c(135000, 0, flags="S").s(136000, 0, ack=1, flags="S")
    wire.packets += again.c(138000, 1, ack=1).packets
    return wire


def options_of(client, server=b""):
    return Wire().shake(client, server)


NO_OPTIONS = {"tcpMaximumSegmentSize": 0, "tcpWindowScaleOption": False, "tcpWindowScale": 0,
              "tcpSackPermitted": False, "tcpTimestampsOption": False}  # fmt: skip

CASES = {
    "a handshake": (
        Wire().shake(),
        [({**SHOOK_C, "state": ESTABLISHED, **NO_OPTIONS}, {**SHOOK_S, **NO_OPTIONS})],
    ),
    "half open": (
        Wire().c(0, 0, flags="S"), [({"tcpSynDeltaCount": 1, "state": OPENING}, None)],
    ),
    "half open, three SYNs": (
        Wire().c(0, 0, flags="S").c(1000000, 0, flags="S").c(3000000, 0, flags="S"),
        [({"tcpRetransmittedPacketCount": 2, "tcpSynRetransmissionCount": 2,
           "tcpSynDeltaCount": 3, "state": OPENING}, None)],
    ),
    "refused": (
        Wire().c(0, 0, flags="S").s(10000, 0, ack=1, flags="R"),
        [({"tcpSynDeltaCount": 1, "state": RESET}, {"tcpRstDeltaCount": 1})],
    ),
    "answered, but not acknowledged": (
        Wire().c(0, 0, flags="S").s(10000, 0, ack=1, flags="S"),
        [({"tcpSynDeltaCount": 1, "state": ANSWERED},
          {"tcpSynDeltaCount": 1, "tcpHandshakeRtt": 10000})],
    ),
    "SYN again, unclear which one was answered": (
        syn_again(), [({**SYN_AGAIN, "tcpHandshakeRtt": 5000, "state": ESTABLISHED},
                       {"tcpSynDeltaCount": 1})],
    ),
    "SYN again, its time stamp answered": (
        syn_again(stamps(100), stamps(1100), stamps(7, 1100)),
        [({**SYN_AGAIN, "tcpHandshakeRtt": 5000}, SHOOK_S)],
    ),
    "SYN again, the first one's time stamp answered": (
        syn_again(stamps(100), stamps(1100), stamps(7, 100)),
        [({**SYN_AGAIN, "tcpHandshakeRtt": 5000}, {"tcpSynDeltaCount": 1})],
    ),
    "SYN again with the same time stamp": (
        syn_again(stamps(100), stamps(100), stamps(7, 100)),
        [({**SYN_AGAIN, "tcpHandshakeRtt": 5000}, {"tcpSynDeltaCount": 1})],
    ),
    "SYN+ACK again": (
        answer_again(),
        [({"tcpSynDeltaCount": 1, "state": ESTABLISHED},
          {**SYN_AGAIN, "tcpHandshakeRtt": 10000})],
    ),
    "SYN+ACK not seen": (
        Wire().c(0, 0, flags="S").c(15000, 1, ack=1).c(16000, 1, 100, ack=1)
              .s(26000, 1, 50, ack=101),
        [({"tcpSynDeltaCount": 1, "state": MIDSTREAM},
          {"tcpRttCount": 1, "tcpRttMinimum": 10000, "tcpResponseCount": 1})],
    ),
    "SYN+ACK seen before the SYN": (
        Wire().s(100, 0, ack=1, flags="S").c(200, 0, flags="S").c(5100, 1, ack=1)
              .c(6000, 1, 100, ack=1).s(16000, 1, ack=101),
        [({"tcpSynDeltaCount": 1, "tcpHandshakeRtt": 5000, "state": ESTABLISHED},
          {"tcpSynDeltaCount": 1, "tcpRttCount": 1})],
    ),
    "client's direction not seen": (
        Wire().s(10000, 0, ack=1, flags="S").s(30000, 1, 100, ack=101).s(31000, 101, 100, ack=101),
        [(None, {"tcpSynDeltaCount": 1, "metricValidity": 64 + 512 + 1024})],
    ),
    "server's direction not seen": (
        Wire().c(0, 0, flags="S").c(15000, 1, ack=1).c(16000, 1, 100, ack=1)
              .c(40000, 101, 100, ack=301),
        [({"tcpSynDeltaCount": 1, "metricValidity": 64 + 512 + 1024, "state": MIDSTREAM}, None)],
    ),
    "fast open": (
        fast_open(),
        [({**SHOOK_C, "tcpHandshakeRtt": 7000, "tcpRttCount": 1, "tcpRttMinimum": 5000},
          {**SHOOK_S, "tcpRttCount": 1, "tcpRttMinimum": 10000, "tcpResponseCount": 1,
           "tcpResponseMinimum": 12000})],
    ),
    "fast open refused": (
        fast_open_refused(),
        [({**SHOOK_C, "tcpRetransmittedPacketCount": 1, "tcpRetransmittedOctetCount": 1}, SHOOK_S)],
    ),
    "simultaneous open": (
        simultaneous(),
        [({**SYN_AGAIN, "tcpHandshakeRtt": 5000, "state": ESTABLISHED},
          {**SYN_AGAIN, "tcpHandshakeRtt": 11000})],
    ),
    "ports used again": (
        reuse(1000, 3000000000),
        [({"tcpHandshakeRtt": 2000, "tcpSynDeltaCount": 2, "tcpUnseenOctetCount": 100},
          {"tcpHandshakeRtt": 1000, "tcpSynDeltaCount": 2, "tcpRttCount": 1,
           "tcpRttMinimum": 2000})],
    ),
    "closed, then opened again": (
        closed_then_opened(),
        [({**SHOOK_C, "tcpFinDeltaCount": 1, "state": 7}, {**SHOOK_S, "tcpFinDeltaCount": 1}),
         ({"tcpHandshakeRtt": 2000, "tcpSynDeltaCount": 1, "state": ESTABLISHED},
          {"tcpHandshakeRtt": 1000, "tcpSynDeltaCount": 1})],
    ),
    "options": (
        options_of(mss(1460) + SACK + stamps(5) + b"\1" + scale(7), mss(1200) + scale(2)),
        [({**SHOOK_C, "tcpMaximumSegmentSize": 1460, "tcpWindowScaleOption": True,
           "tcpWindowScale": 7, "tcpSackPermitted": True, "tcpTimestampsOption": True},
          {**SHOOK_S, **NO_OPTIONS, "tcpMaximumSegmentSize": 1200,
           "tcpWindowScaleOption": True, "tcpWindowScale": 2})],
    ),
    "a window scale of 15 is one of 14": (
        options_of(scale(15)),
        [({**SHOOK_C, **NO_OPTIONS, "tcpWindowScaleOption": True, "tcpWindowScale": 14}, SHOOK_S)],
    ),
    "an option of length 0 ends the list": (
        options_of(mss(1460) + bytes((3, 0)) + SACK),
        [({**SHOOK_C, **NO_OPTIONS, "tcpMaximumSegmentSize": 1460}, SHOOK_S)],
    ),
    "options of wrong lengths say nothing": (
        options_of(bytes((2, 3, 9, 3, 4, 1, 1, 4, 3, 0, 8, 6, 1, 1, 1, 1)) + mss(536)),
        [({**SHOOK_C, **NO_OPTIONS, "tcpMaximumSegmentSize": 536}, SHOOK_S)],
    ),
    "an option that ends behind the header says nothing": (
        Wire().c(0, 0, 8, flags="S", options=b"\1\1\2\4").s(10000, 0, ack=9, flags="S")
              .c(15000, 9, ack=1),
        [({**SHOOK_C, **NO_OPTIONS}, {**SHOOK_S, "tcpRttCount": 1})],
    ),
    "an unknown option is passed over": (
        options_of(bytes((254, 4, 1, 2)) + SACK),
        [({**SHOOK_C, **NO_OPTIONS, "tcpSackPermitted": True}, SHOOK_S)],
    ),
    "a header length that is too small": (
        Wire().c(0, 0, flags="S", head=4), [({"metricValidity": 4 + 512 + 1024, "state": 0}, None)],
    ),
}  # fmt: skip
