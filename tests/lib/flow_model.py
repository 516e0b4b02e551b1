# SPDX-License-Identifier: BSD-2-Clause
"""DESIGN 4.1 and 4.2 as a small program of its own: packets in, records out.

It has no table of limited size and no scan. What weir makes of a capture must be what this makes of
it. Where the page is silent it was brought into line with the meter, so there it only shows that
weir agrees with itself: how long a fragment's ports are kept and by what key, which tags and reasons
to set aside there are, that metered packets alone move the clock, the second that late packets have.
"""

from frames import parse

SECOND = 10**9
LINGER = SECOND
LATE = SECOND  # the scan leaves flows alone this long after their time-out, for late packets
FRAGMENTS = 30 * SECOND  # an identifier that comes back later is another datagram's
IDLE, ACTIVE, ENDED, FORCED = 1, 2, 3, 4
FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10


def at_or_after(one, other):
    """Sequence number one is at or after the other, modulo 2^32."""
    return (one - other) & 0xFFFFFFFF < 0x80000000


class Side:
    """What one end sent during one record."""

    __slots__ = ("packets", "octets", "first", "last", "flags", "ttl_min", "ttl_max")

    def __init__(self):
        self.packets = self.octets = self.flags = self.ttl_max = 0
        self.ttl_min = 255
        self.first = self.last = None

    def count(self, seen, time_ns):
        self.first = time_ns if self.first is None else min(self.first, time_ns)
        self.last = time_ns if self.last is None else max(self.last, time_ns)
        self.packets += 1
        self.octets += seen.octets
        self.flags |= seen.flags or 0
        self.ttl_min = min(self.ttl_min, seen.ttl)
        self.ttl_max = max(self.ttl_max, seen.ttl)


class Flow:
    """A flow from its first packet to its end; sides and record_first are of the record."""

    def __init__(self, number, key, initiator):
        self.number = number
        self.key = key
        self.initiator = initiator  # (address, port)
        self.fin_end = {}  # by end: the sequence number after its FIN
        self.fin_acked = set()
        self.ended = None  # when
        self.last = None
        self.born_again()

    def born_again(self):
        self.sides = {}
        self.record_first = None

    def count(self, end, seen, time_ns):
        if end not in self.sides:
            self.sides[end] = Side()
        self.sides[end].count(seen, time_ns)
        if self.record_first is None or time_ns < self.record_first:
            self.record_first = time_ns
        if self.last is None or time_ns > self.last:
            self.last = time_ns

    def count_held(self, end, seen, time_ns):
        """A fragment that came before its first one, of which the flow learns now."""
        self.count(end, seen, time_ns)

    def tcp(self, end, other, seen, time_ns):
        if seen.flags is None or self.ended is not None:
            return
        flags = seen.flags
        if flags & ACK and other in self.fin_end and at_or_after(seen.ack, self.fin_end[other]):
            self.fin_acked.add(other)
        if flags & FIN and end not in self.fin_end:
            length = seen.payload + bool(flags & SYN) + 1
            self.fin_end[end] = (seen.seq + length) & 0xFFFFFFFF
        if flags & RST or len(self.fin_acked) == 2:
            self.ended = time_ns


class Held:
    """Fragments of a datagram whose first one has not come, as packets and as the flow that they
    are if it never comes."""

    def __init__(self, flow):
        self.flow = flow
        self.packets = []

    def add(self, end, seen, time_ns):
        self.packets.append((seen, time_ns))
        self.flow.count(end, seen, time_ns)

    def waits(self, idle, time_ns):
        times = [time for _, time in self.packets]
        return time_ns <= max(times) + idle and time_ns <= min(times) + FRAGMENTS


class Record:
    """A flow, or a part of one, as it left the cache."""

    def __init__(self, flow, reason):
        self.number = flow.number
        self.key = flow.key
        self.initiator = flow.initiator
        self.reason = reason
        self.sides = flow.sides


class Model:
    """Feed packets, then finish(); records, set_aside and doubtful are what came of them."""

    flow = Flow

    def __init__(self, idle_ns, active_ns):
        self.idle = idle_ns
        self.active = active_ns  # 0: never
        self.flows = {}
        self.fragments = {}  # ports of first ones
        self.held = {}
        self.records = []
        self.set_aside = {}
        self.number = 0
        self.clock = 0
        # Packets later than LATE that belong to a flow whose time-out had passed by then: whether
        # the scan has been is of consequence here, and only here.
        self.doubtful = 0

    def feed(self, packet, time_ns):
        self.feed_seen(parse(packet), time_ns)

    def feed_seen(self, seen, time_ns):
        if isinstance(seen, str):
            self.set_aside[seen] = self.set_aside.get(seen, 0) + 1
            return
        self.clock = max(self.clock, time_ns)  # told by metered packets alone
        if seen.offset and not self.join(seen, time_ns):
            self.hold(seen, time_ns)
            return
        end, other = (seen.source, seen.sport), (seen.destination, seen.dport)
        low, high = (end, other) if end < other else (other, end)
        key = (seen.version, seen.vlan, seen.proto, low, high)
        flow = self.flows.get(key)
        if flow is not None:
            flow = self.decide(flow, seen, time_ns)
        if flow is None:
            flow = self.begin(key, end, other, seen)
        flow.count(end, seen, time_ns)
        flow.tcp(end, other, seen, time_ns)
        if seen.fragment is not None and not seen.offset:
            self.first(flow, end, seen, time_ns)

    def join(self, seen, time_ns):
        """A later fragment takes the ports of its first one, where that came before. An IPv6
        datagram is known by its identification alone, an IPv4 one by its protocol as well."""
        sport, dport, proto, first_ns = self.fragments.get(datagram(seen), (0, 0, 0, None))
        if first_ns is None or time_ns - first_ns > FRAGMENTS:
            return False
        seen.sport, seen.dport, seen.proto = sport, dport, proto
        seen.joined = True
        return True

    def hold(self, seen, time_ns):
        """Its first one has not come, or so long ago that it was another datagram's."""
        name = (datagram(seen), seen.next_header)
        held = self.held.get(name)
        if held is not None:
            self.doubt_held(held, time_ns)
            if not held.waits(self.idle, time_ns):
                self.emit(held.flow, IDLE)
                held = None
        if held is None:
            ends = sorted(((seen.source, 0), (seen.destination, 0)))
            key = (seen.version, seen.vlan, seen.proto, *ends)
            held = self.held[name] = Held(self.made(key, (seen.source, 0)))
        held.add((seen.source, 0), seen, time_ns)

    def first(self, flow, end, seen, time_ns):
        """The first fragment has been counted; those that waited for it follow."""
        self.fragments[datagram(seen)] = (seen.sport, seen.dport, seen.proto, time_ns)
        held = self.held.get((datagram(seen), seen.next_header))
        if held is None:
            return
        self.doubt_held(held, time_ns)
        if not held.waits(self.idle, time_ns):
            return
        for later, later_ns in held.packets:
            later.joined = True
            flow.count_held(end, later, later_ns)
        del self.held[(datagram(seen), seen.next_header)]

    def doubt_held(self, held, time_ns):
        self.doubt(time_ns <= held.flow.last + self.idle < self.clock - LATE)

    def made(self, key, initiator):
        self.number += 1
        return self.flow(self.number, key, initiator)

    def begin(self, key, end, other, seen):
        answer = seen.flags is not None and seen.flags & (SYN | ACK) == SYN | ACK
        flow = self.flows[key] = self.made(key, other if answer else end)
        return flow

    def decide(self, flow, seen, time_ns):
        """What this packet finds: the flow to count in, or None where it begins one."""
        if flow.ended is not None:
            begins = seen.flags is not None and seen.flags & (SYN | ACK) == SYN
            self.doubt(time_ns <= flow.ended + LINGER < self.clock - LATE)
            if not begins and time_ns <= flow.ended + LINGER:
                return flow
            return self.emit(flow, ENDED)
        self.doubt(time_ns <= flow.last + self.idle < self.clock - LATE)
        if time_ns > flow.last + self.idle:
            return self.emit(flow, IDLE)
        if self.active and time_ns > flow.record_first + self.active:
            self.emit(flow, ACTIVE)
            flow.born_again()
        return flow

    def doubt(self, doubtful):
        self.doubtful += bool(doubtful)

    def emit(self, flow, reason):
        self.records.append(Record(flow, reason))

    def finish(self):
        for flow in [*self.flows.values(), *(held.flow for held in self.held.values())]:
            if flow.ended is not None:
                self.emit(flow, ENDED)
            elif self.clock > flow.last + self.idle:
                self.emit(flow, IDLE)
            else:
                self.emit(flow, FORCED)
        self.flows = {}
        self.held = {}
        return self.records


def datagram(seen):
    proto = seen.proto if seen.version == 4 else None
    return (seen.source, seen.destination, proto, seen.vlan, seen.fragment)
