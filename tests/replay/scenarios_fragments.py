# SPDX-License-Identifier: BSD-2-Clause
"""The scenarios of expiry.py that are about fragments."""
from make_pcap import ICMP, UDP, Talk, fragments, frame, ip, udp
from scenarios import FORCED, IDLE, MS, ROOM, ACTIVE, C, S, V, scenario


@scenario("later fragments count in the flow of the first one")
def _():
    return fragments(0, 1, later=3), [(C, 4, 0, 3 * MS, FORCED, 1)]


@scenario("fragments of two datagrams between the same ends are kept apart by identification")
def _():
    one, two = fragments(0, 1, sport=1), fragments(MS // 2, 2, sport=2)
    return [one[0], two[0], one[1], two[1]], [
        (1, 2, 0, MS, FORCED, 1),
        (2, 2, MS // 2, MS // 2 + MS, FORCED, 2),
    ]


def backward(start, wait, ident=1, sport=C):
    """A later fragment, then the first one."""
    first, later = fragments(start + wait, ident, sport)
    later.time_ns = first.time_ns - wait
    return [later, first]


@scenario("fragments before their first fragment count in its flow when that comes")
def _():
    first, one, two = fragments(2, 1, later=2)
    one.time_ns, two.time_ns = first.time_ns - 1, first.time_ns - 2
    return [two, one, first], [(C, 3, 0, 2, FORCED, 1)]


@scenario("a flow that goes on takes in what came before a first fragment, whatever lies between")
def _():
    talk = Talk()
    frames = [talk.udp(0), *backward(S, 4 * S), talk.udp(6 * S)]
    return frames, [(C, 4, 0, 6 * S, FORCED, 1)]


@scenario("a fragment is held as long as the idle time-out")
def _():
    return backward(0, 15 * S), [(C, 2, 0, 15 * S, FORCED, 1)]


@scenario("a fragment whose first one does not come in that time is an orphan without ports")
def _():
    late = 15 * S + 1
    return backward(0, late), [(0, 1, 0, 0, IDLE, 1), (C, 1, late, late, FORCED, 2)]


@scenario("a fragment is held as long as 30 s", idle=100 * S)
def _():
    return backward(0, 30 * S), [(C, 2, 0, 30 * S, FORCED, 1)]


@scenario("after 30 s an identification is another datagram's", idle=100 * S)
def _():
    late = 30 * S + 1
    frames = [*backward(0, late), *backward(late + 1, 1)]
    return frames, [(0, 1, 0, 0, FORCED, 1), (C, 3, late, late + 2, FORCED, 2)]


@scenario("fragments of an identification go on being held, but none for more than 30 s")
def _():
    _, later = fragments(0, 1)
    frames = [frame(n * 14 * S, later.data[14:]) for n in range(4)]
    return frames, [(0, 3, 0, 28 * S, IDLE, 1), (0, 1, 42 * S, 42 * S, FORCED, 2)]


@scenario("an active time-out cuts nothing that is held, and counts from it", active=2 * S)
def _():
    talk = Talk()
    frames = [*backward(0, 3 * S), talk.udp(3 * S + 1)]
    return frames, [(C, 2, 0, 3 * S, ACTIVE, 1), (C, 1, 3 * S + 1, 3 * S + 1, FORCED, 1)]


@scenario("datagrams of both directions with one identification are held apart")
def _():
    first, later = fragments(2, 1)
    ends = ("10.0.0.2", "10.0.0.1")
    there = frame(1, ip(*ends, UDP, bytes(8), ident=1, fragment=2))
    back = frame(3, ip(*ends, UDP, udp(V, C, bytes(8)), ident=1, fragment=0x2000))
    later.time_ns = first.time_ns - 2
    return [later, there, first, back], [(C, 2, 0, 2, FORCED, 1), (V, 2, 1, 3, FORCED, 1)]


@scenario("orphans of two datagrams are two flows")
def _():
    (_, one), (_, two) = fragments(0, 1), fragments(0, 2)
    two.time_ns += 1
    return [one, two], [(0, 1, MS, MS, FORCED, 1), (0, 1, MS + 1, MS + 1, FORCED, 2)]


@scenario("what is held makes room like any flow, and is an orphan then", max_flows=1)
def _():
    return backward(0, 1), [(0, 1, 0, 0, ROOM, 1), (C, 1, 1, 1, FORCED, 2)]


@scenario("fragments of an echo request are keyed by its identifier")
def _():
    return fragments(0, 1, sport=77, proto=ICMP), [(77, 2, 0, MS, FORCED, 1)]


@scenario("IPv6 fragments count in the flow of the first one")
def _():
    first = ip("2001:db8::1", "2001:db8::2", UDP, udp(C, V, bytes(8)), ident=5, fragment=0x2000)
    later = ip("2001:db8::1", "2001:db8::2", UDP, bytes(8), ident=5, fragment=2)
    other = ip("2001:db8::1", "2001:db8::2", UDP, bytes(8), ident=6, fragment=2)
    return [frame(0, first), frame(1, later), frame(2, other)], [
        (C, 2, 0, 1, FORCED, 1),
        (0, 1, 2, 2, FORCED, 2),
    ]
