# SPDX-License-Identifier: BSD-2-Clause
"""The scenarios of expiry.py: a handful of packets with exact times, and the records they make.

A scenario gives (frames, expected). Expected rows are (source port, packets, first, last, reason,
flow), times after EPOCH, flows numbered from 1 in the order of their first packets. ICMP has its
identifier for ports."""
from collections import namedtuple

from make_pcap import ACK, FIN, ICMP, ICMPV6, PSH, RST, SECOND, SYN, UDP, Talk, frame, icmp, ip, udp

IDLE, ACTIVE, END, FORCED, ROOM = 1, 2, 3, 4, 5
S = SECOND
MS = SECOND // 1000
Scenario = namedtuple("Scenario", "title idle active max_flows make")
SCENARIOS = []


def scenario(title, idle=15 * S, active=60 * S, max_flows=None):
    def add(function):
        SCENARIOS.append(Scenario(title, idle, active, max_flows, function))
        return function

    return add


C, V = 40000, 80  # the ports of Talk: client and server


def fins(talk, at):
    """Client's FIN, server's FIN+ACK, client's ACK, a millisecond apart."""
    return [
        talk.tcp(at, FIN | ACK, seq=100, ack=500),
        talk.tcp(at + MS, FIN | ACK, seq=500, ack=101, back=True),
        talk.tcp(at + 2 * MS, ACK, seq=101, ack=501),
    ]


# ---- idle ----


@scenario("a packet exactly at the idle time-out counts in its flow")
def _():
    talk = Talk()
    return [talk.udp(0), talk.udp(15 * S)], [(C, 2, 0, 15 * S, FORCED, 1)]


@scenario("a packet a nanosecond after the idle time-out begins a new flow")
def _():
    talk = Talk()
    late = 15 * S + 1
    return [talk.udp(0), talk.udp(late)], [(C, 1, 0, 0, IDLE, 1), (C, 1, late, late, FORCED, 2)]


@scenario("a packet of either side keeps the flow from being idle")
def _():
    talk = Talk()
    frames = [talk.udp(0), talk.udp(10 * S, back=True), talk.udp(20 * S)]
    return frames, [(C, 2, 0, 20 * S, FORCED, 1), (V, 1, 10 * S, 10 * S, FORCED, 1)]


@scenario("the shortest idle time-out cuts to the nanosecond", idle=MS)
def _():
    talk = Talk()
    frames = [talk.udp(0), talk.udp(MS), talk.udp(2 * MS + 1)]
    return frames, [(C, 2, 0, MS, IDLE, 1), (C, 1, 2 * MS + 1, 2 * MS + 1, FORCED, 2)]


@scenario("at the end of the file a flow exactly at the idle time-out is forced, beyond it idle")
def _():
    one, two, other = Talk(cport=1), Talk(cport=2), Talk(cport=3)
    frames = [one.udp(0), two.udp(1), other.udp(15 * S + 1)]
    return frames, [
        (1, 1, 0, 0, IDLE, 1),
        (2, 1, 1, 1, FORCED, 2),
        (3, 1, 15 * S + 1, 15 * S + 1, FORCED, 3),
    ]


# ---- active ----


@scenario("a packet exactly at the active time-out counts in the record")
def _():
    talk = Talk()
    return [talk.udp(t * S) for t in range(0, 61, 10)], [(C, 7, 0, 60 * S, FORCED, 1)]


@scenario("a packet a nanosecond after the active time-out begins a record of the same flow")
def _():
    talk = Talk()
    late = 60 * S + 1
    frames = [talk.udp(t * S) for t in range(0, 60, 10)] + [talk.udp(late)]
    return frames, [(C, 6, 0, 50 * S, ACTIVE, 1), (C, 1, late, late, FORCED, 1)]


@scenario("the next active time-out counts from the first packet of the new record")
def _():
    talk = Talk()
    times = [t * S for t in range(0, 150, 10)]
    return [talk.udp(t) for t in times], [
        (C, 7, 0, 60 * S, ACTIVE, 1),
        (C, 7, 70 * S, 130 * S, ACTIVE, 1),
        (C, 1, 140 * S, 140 * S, FORCED, 1),
    ]


@scenario("the active time-out ends the record of both sides, and a silent side has none next")
def _():
    talk = Talk()
    frames = [talk.udp(0), talk.udp(S, back=True)]
    frames += [talk.udp(t * S) for t in range(10, 71, 10)]
    return frames, [
        (C, 7, 0, 60 * S, ACTIVE, 1),
        (V, 1, S, S, ACTIVE, 1),
        (C, 1, 70 * S, 70 * S, FORCED, 1),
    ]


@scenario("idle goes before active when both have passed", active=20 * S)
def _():
    talk = Talk()
    return [talk.udp(0), talk.udp(10 * S), talk.udp(26 * S)], [
        (C, 2, 0, 10 * S, IDLE, 1),
        (C, 1, 26 * S, 26 * S, FORCED, 2),
    ]


@scenario("without an active time-out a record grows for ever", active=0)
def _():
    talk = Talk()
    return [talk.udp(t * S) for t in range(0, 1000, 15)], [(C, 67, 0, 990 * S, FORCED, 1)]


@scenario("a silent flow past the active time-out alone is forced at the end", idle=100 * S)
def _():
    talk, other = Talk(), Talk(cport=1)
    return [talk.udp(0), other.udp(90 * S)], [
        (C, 1, 0, 0, FORCED, 1),
        (1, 1, 90 * S, 90 * S, FORCED, 2),
    ]


@scenario("TCP state goes on over an active time-out: one FIN before it, one after")
def _():
    talk = Talk()
    frames = [talk.tcp(t * S, ACK, seq=90, ack=500, size=1) for t in range(0, 50, 10)]
    frames.append(talk.tcp(50 * S, FIN | ACK, seq=100, ack=500))
    frames.append(talk.tcp(61 * S, FIN | ACK, seq=500, ack=101, back=True))
    frames.append(talk.tcp(62 * S, ACK, seq=101, ack=501))
    return frames, [
        (C, 6, 0, 50 * S, ACTIVE, 1),
        (V, 1, 61 * S, 61 * S, END, 1),
        (C, 1, 62 * S, 62 * S, END, 1),
    ]


# ---- end of TCP ----


@scenario("FIN both ways and acknowledged ends the flow")
def _():
    talk = Talk()
    return fins(talk, 0), [(C, 2, 0, 2 * MS, END, 1), (V, 1, MS, MS, END, 1)]


@scenario("a stray exactly a second after the end counts in the flow, one later begins another")
def _():
    talk = Talk()
    end = 2 * MS
    stray, late = end + S, end + S + 1
    frames = fins(talk, 0) + [talk.tcp(t, ACK, seq=101, ack=501) for t in (stray, late)]
    return frames, [
        (C, 3, 0, stray, END, 1),
        (V, 1, MS, MS, END, 1),
        (C, 1, late, late, FORCED, 2),
    ]


@scenario("strays do not make the linger longer")
def _():
    talk = Talk()
    times = (S // 2, S, S + 3 * MS)
    frames = fins(talk, 0) + [talk.tcp(t, ACK, seq=101, ack=501) for t in times]
    return frames, [
        (C, 4, 0, S, END, 1),
        (V, 1, MS, MS, END, 1),
        (C, 1, S + 3 * MS, S + 3 * MS, FORCED, 2),
    ]


@scenario("a SYN within the linger begins a new flow at once")
def _():
    talk = Talk()
    frames = fins(talk, 0) + [talk.tcp(3 * MS, SYN, seq=9), talk.tcp(4 * MS, ACK, seq=10, ack=1)]
    return frames, [
        (C, 2, 0, 2 * MS, END, 1),
        (V, 1, MS, MS, END, 1),
        (C, 2, 3 * MS, 4 * MS, FORCED, 2),
    ]


@scenario("a SYN at the very time of the RST begins a flow with an identifier of its own")
def _():
    talk = Talk()
    frames = [talk.tcp(0, SYN), talk.tcp(0, RST), talk.tcp(0, SYN, seq=7), talk.tcp(S, ACK, seq=8)]
    return frames, [(C, 2, 0, 0, END, 1), (C, 2, 0, S, FORCED, 2)]


@scenario("a SYN+ACK within the linger answers an old SYN and is a stray")
def _():
    talk = Talk()
    frames = fins(talk, 0) + [talk.tcp(3 * MS, SYN | ACK, seq=9, ack=1, back=True)]
    return frames, [(C, 2, 0, 2 * MS, END, 1), (V, 2, MS, 3 * MS, END, 1)]


@scenario("a SYN in the middle of a flow that has not ended counts in it")
def _():
    talk = Talk()
    frames = [talk.tcp(0, ACK), talk.tcp(S, SYN), talk.tcp(2 * S, ACK)]
    return frames, [(C, 3, 0, 2 * S, FORCED, 1)]


@scenario("a RST ends the flow, and what comes after it lingers")
def _():
    talk = Talk()
    frames = [
        talk.tcp(0, SYN),
        talk.tcp(MS, RST | ACK, ack=1, back=True),
        talk.tcp(MS + S, PSH | ACK, seq=1, size=10),
        talk.tcp(MS + S + 1, PSH | ACK, seq=11, size=10),
    ]
    return frames, [
        (C, 2, 0, MS + S, END, 1),
        (V, 1, MS, MS, END, 1),
        (C, 1, MS + S + 1, MS + S + 1, FORCED, 2),
    ]


@scenario("a flow can end with its first packet")
def _():
    talk = Talk()
    return [talk.tcp(0, RST), talk.tcp(5 * S, RST)], [
        (C, 1, 0, 0, END, 1),
        (C, 1, 5 * S, 5 * S, END, 2),
    ]


@scenario("a simultaneous close ends with the second acknowledgement")
def _():
    talk = Talk()
    frames = [
        talk.tcp(0, FIN | ACK, seq=100, ack=500),
        talk.tcp(1, FIN | ACK, seq=500, ack=100, back=True),
        talk.tcp(2, ACK, seq=101, ack=501),
        talk.tcp(S, ACK, seq=501, ack=101, back=True),
        talk.tcp(2 * S, ACK, seq=101, ack=501),
        talk.tcp(2 * S + 1, ACK, seq=101, ack=501),
    ]
    return frames, [
        (C, 3, 0, 2 * S, END, 1),
        (V, 2, 1, S, END, 1),
        (C, 1, 2 * S + 1, 2 * S + 1, FORCED, 2),
    ]


@scenario("a half-closed connection goes on")
def _():
    talk = Talk()
    frames = [
        talk.tcp(0, FIN | ACK, seq=100, ack=500),
        talk.tcp(MS, ACK, seq=500, ack=101, back=True),
        talk.tcp(10 * S, ACK, seq=500, ack=101, size=100, back=True),
        talk.tcp(20 * S, ACK, seq=101, ack=600),
    ]
    return frames, [(C, 2, 0, 20 * S, FORCED, 1), (V, 2, MS, 10 * S, FORCED, 1)]


@scenario("a last FIN that nobody acknowledges does not end the flow")
def _():
    talk = Talk()
    return fins(talk, 0)[:2], [(C, 1, 0, 0, FORCED, 1), (V, 1, MS, MS, FORCED, 1)]


@scenario("a FIN sent again is no second FIN")
def _():
    talk = Talk()
    first = fins(talk, 0)
    frames = [first[0], talk.tcp(10, FIN | ACK, seq=100, ack=500), first[1], first[2]]
    return frames, [(C, 3, 0, 2 * MS, END, 1), (V, 1, MS, MS, END, 1)]


@scenario("the data of a FIN must be acknowledged too")
def _():
    talk = Talk()
    frames = [
        talk.tcp(0, FIN | ACK, seq=100, ack=500, size=10),
        talk.tcp(1, FIN | ACK, seq=500, ack=110, back=True),
        talk.tcp(2, ACK, seq=111, ack=501),
        talk.tcp(5 * S, ACK, seq=501, ack=111, back=True),
    ]
    return frames, [(C, 2, 0, 2, END, 1), (V, 2, 1, 5 * S, END, 1)]


@scenario("a FIN is acknowledged across the wrap of sequence numbers")
def _():
    talk = Talk()
    frames = [
        talk.tcp(0, FIN | ACK, seq=0xFFFFFFFF, ack=0xFFFFFFF0),
        talk.tcp(1, FIN | ACK, seq=0xFFFFFFF0, ack=0, size=15, back=True),
        talk.tcp(2, ACK, seq=0, ack=0),
    ]
    return frames, [(C, 2, 0, 2, END, 1), (V, 1, 1, 1, END, 1)]


@scenario("an ended flow is told as ended even when it was silent longer than idle")
def _():
    talk, other = Talk(), Talk(cport=1)
    return fins(talk, 0) + [other.udp(100 * S)], [
        (C, 2, 0, 2 * MS, END, 1),
        (V, 1, MS, MS, END, 1),
        (1, 1, 100 * S, 100 * S, FORCED, 2),
    ]


@scenario("the linger is a second even where idle is shorter", idle=10 * MS)
def _():
    talk = Talk()
    stray = 2 * MS + S
    frames = fins(talk, 0) + [talk.tcp(stray, ACK, seq=101, ack=501)]
    return frames, [(C, 3, 0, stray, END, 1), (V, 1, MS, MS, END, 1)]


# ---- time that goes backwards ----


@scenario("a late packet counts, and first and last are the earliest and the latest")
def _():
    talk = Talk()
    times = (5 * S, 4 * S, 6 * S, 5 * S)
    return [talk.udp(t) for t in times], [(C, 4, 4 * S, 6 * S, FORCED, 1)]


@scenario("the active time-out counts from the earliest packet of the record, late or not")
def _():
    talk = Talk()
    frames = [talk.udp(S), talk.udp(0)] + [talk.udp(t * S) for t in range(10, 61, 10)]
    frames.append(talk.udp(60 * S + 1))
    return frames, [(C, 8, 0, 60 * S, ACTIVE, 1), (C, 1, 60 * S + 1, 60 * S + 1, FORCED, 1)]


@scenario("a late packet does not bring the idle time-out nearer")
def _():
    talk = Talk()
    frames = [talk.udp(10 * S), talk.udp(9 * S), talk.udp(25 * S)]
    return frames, [(C, 3, 9 * S, 25 * S, FORCED, 1)]


@scenario("a packet late by less than a second finds its flow though others were past its time-out")
def _():
    talk, other = Talk(), Talk(cport=1)
    frames = [talk.udp(0), other.udp(15 * S + 900 * MS), talk.udp(15 * S)]
    past = 15 * S + 900 * MS
    return frames, [(C, 2, 0, 15 * S, FORCED, 1), (1, 1, past, past, FORCED, 2)]


# ---- keys ----


@scenario("echo request and reply are one flow by identifier, type and code are no key")
def _():
    ends = ("10.0.0.1", "10.0.0.2")
    frames = [
        frame(0, ip(*ends, ICMP, icmp(8, ident=7))),
        frame(1, ip(*reversed(ends), ICMP, icmp(0, ident=7))),
        frame(2, ip(*ends, ICMP, icmp(8, ident=8))),
        frame(3, ip(*ends, ICMP, icmp(3, code=1))),
        frame(4, ip(*reversed(ends), ICMP, icmp(3, code=3))),
    ]
    return frames, [
        (7, 1, 0, 0, FORCED, 1),
        (7, 1, 1, 1, FORCED, 1),
        (8, 1, 2, 2, FORCED, 2),
        (0, 1, 3, 3, FORCED, 3),
        (0, 1, 4, 4, FORCED, 3),
    ]


@scenario("ICMPv6 echo is keyed by identifier")
def _():
    ends = ("2001:db8::1", "2001:db8::2")
    frames = [
        frame(0, ip(*ends, ICMPV6, icmp(128, ident=7))),
        frame(1, ip(*reversed(ends), ICMPV6, icmp(129, ident=7))),
        frame(2, ip(*ends, ICMPV6, icmp(135))),
    ]
    return frames, [(7, 1, 0, 0, FORCED, 1), (7, 1, 1, 1, FORCED, 1), (0, 1, 2, 2, FORCED, 2)]


@scenario("only the outermost VLAN is key")
def _():
    packet = ip("10.0.0.1", "10.0.0.2", UDP, udp(C, V))
    stacks = ((), (5,), (5, 6), (6, 5))
    frames = [frame(at, packet, vlan) for at, vlan in enumerate(stacks)]
    return frames, [(C, 1, 0, 0, FORCED, 1), (C, 2, 1, 2, FORCED, 2), (C, 1, 3, 3, FORCED, 3)]


@scenario("both ends of one address and port are one flow and one direction")
def _():
    talk = Talk(server="10.0.0.1", sport=C)
    return [talk.udp(0), talk.udp(1, back=True)], [(C, 2, 0, 1, FORCED, 1)]


# ---- a full table ----


@scenario("a full table gives up the flow least recently used", max_flows=3)
def _():
    talks = [Talk(cport=port) for port in (1, 2, 3, 4)]
    frames = [talks[0].udp(0), talks[1].udp(S), talks[2].udp(2 * S), talks[0].udp(3 * S)]
    frames += [talks[3].udp(4 * S), talks[1].udp(5 * S)]
    return frames, [
        (1, 2, 0, 3 * S, FORCED, 1),
        (2, 1, S, S, ROOM, 2),
        (3, 1, 2 * S, 2 * S, ROOM, 3),
        (4, 1, 4 * S, 4 * S, FORCED, 4),
        (2, 1, 5 * S, 5 * S, FORCED, 5),
    ]


@scenario("a table of one flow holds one flow", max_flows=1)
def _():
    talks = [Talk(cport=port) for port in (1, 2)]
    return [talks[at % 2].udp(at * S) for at in range(4)], [
        (1, 1, 0, 0, ROOM, 1),
        (2, 1, S, S, ROOM, 2),
        (1, 1, 2 * S, 2 * S, ROOM, 3),
        (2, 1, 3 * S, 3 * S, FORCED, 4),
    ]


@scenario("a flow past its idle time-out makes room as idle", max_flows=2)
def _():
    talks = [Talk(cport=port) for port in (1, 2, 3)]
    frames = [talks[0].udp(0), talks[1].udp(14 * S), talks[2].udp(15 * S + 1)]
    return frames, [
        (1, 1, 0, 0, IDLE, 1),
        (2, 1, 14 * S, 14 * S, FORCED, 2),
        (3, 1, 15 * S + 1, 15 * S + 1, FORCED, 3),
    ]


@scenario("a table far too small loses nothing", max_flows=7)
def _():
    talks = [Talk(cport=1000 + at) for at in range(100)]
    frames = [talk.udp(at * 100 * MS) for at, talk in enumerate(talks)]
    expected = []
    for at in range(100):
        reason = ROOM if at < 93 else FORCED
        expected.append((1000 + at, 1, at * 100 * MS, at * 100 * MS, reason, at + 1))
    return frames, expected
