# SPDX-License-Identifier: BSD-2-Clause
"""Flows of the models: packets in, values of weir's elements per record and direction out."""

import ipaddress

import capture
from flow_model import FIN, Flow, Model, Record
from frames import ICMP_IDENTIFIED
from shape_model import Shape, deviation, mean
from tcp_model import Connection, Segment

TCP, DCCP = 6, 33
ICMP = {4: 1, 6: 58}
HEADERS = {17: 8, 132: 12, 136: 8}  # UDP, SCTP's common header, UDP-Lite
BITS = {"fragmented": 1, "orphans": 2, "cut": 4, "both ways": 8, "handshake": 16, "rtt": 32,
        "syn": 64, "gap": 128, "file clock": 512, "tcp": 1024}  # fmt: skip
UNKNOWN, OPENING, ANSWERED, ESTABLISHED, MIDSTREAM = range(5)
HALF_CLOSED, CLOSING, CLOSED, RESET = range(5, 9)
# Elements, and the samples of a tally they are of.
STATISTICS = {
    "Minimum": lambda samples: min(samples, default=0),
    "Mean": mean,
    "Maximum": lambda samples: max(samples, default=0),
}
COUNTERS = {
    "tcpRetransmittedPacketCount": "retransmitted",
    "tcpRetransmittedOctetCount": "retransmitted_octets",
    "tcpSynRetransmissionCount": "syn_retransmissions",
    "tcpOutOfOrderCount": "out_of_order",
    "tcpUnseenOctetCount": "unseen_octets",
    "tcpCaptureGapOctetCount": "gap_octets",
    "tcpDuplicateAckCount": "duplicate_acks",
    "tcpKeepAliveCount": "keep_alives",
    "tcpZeroWindowCount": "zero_windows",
    "tcpCePacketCount": "ce",
    "tcpSynDeltaCount": "syns",
    "tcpFinDeltaCount": "fins",
    "tcpRstDeltaCount": "rsts",
}


def header_of(packet, seen):
    """Octets of the transport header; None where it is cut, or too much of it is."""
    if seen.cut:
        return None
    proto, at = seen.proto, packet.data[seen.transport :][: seen.left]
    if proto == TCP:
        head = (at[12] >> 4) * 4 if seen.flags is not None else 0
        return head if 20 <= head <= seen.left else None
    if proto == DCCP:
        return at[4] * 4 if len(at) >= 5 else None
    if proto == ICMP[seen.version]:
        identified = proto in ICMP_IDENTIFIED and at and at[0] in ICMP_IDENTIFIED[proto]
        return 8 if len(at) >= (6 if identified else 2) else None
    return HEADERS.get(proto, 0)


def payload_of(packet, seen):
    """Octets above the transport header; none where it is not known where they begin."""
    if seen.offset:
        return seen.left
    header = header_of(packet, seen)
    if header is None:
        # An ICMP header is always of 8 octets, whatever was captured of it.
        header = 8 if seen.proto == ICMP[seen.version] and not seen.cut else seen.left
    return max(seen.left - header, 0)


def tcp_header(packet, seen):
    """The header's octets as captured, or None where it is not whole on the wire."""
    if seen.proto != TCP or seen.offset or header_of(packet, seen) is None:
        return None
    return packet.data[seen.transport :][: seen.left]


def tos_of(packet, seen):
    first, second = packet.data[seen.network : seen.network + 2]
    return second if seen.version == 4 else (first << 8 | second) >> 4 & 0xFF


def macs_of(packet):
    """Destination and source, as JSON has them."""
    macs = packet.data[:12] if packet.link == capture.LINK_ETHERNET else bytes(12)
    return macs[:6].hex(":"), macs[6:].hex(":")


class QualityFlow(Flow):
    """A flow with both sides' quality and shape."""

    def __init__(self, number, key, initiator):
        self.connection = Connection(key[3:])
        super().__init__(number, key, initiator)

    def born_again(self):
        super().born_again()
        self.shapes = {}
        self.validity = {}
        self.connection.new_record()

    def count(self, end, seen, time_ns):
        super().count(end, seen, time_ns)
        (other,) = set(self.key[3:]) - {end} or {end}
        self.measure(seen.packet, end, other, seen)

    def count_held(self, end, seen, time_ns):
        Flow.count(self, end, seen, time_ns)
        self.shapes[end].count_held(seen, tos_of(seen.packet, seen), seen.left)
        self.validity[end] |= BITS["fragmented"]

    def tcp(self, end, other, seen, time_ns):
        if seen.flags and header_of(seen.packet, seen) is None:
            seen.flags &= ~FIN  # where the data ends is not known, so neither where the FIN is
        super().tcp(end, other, seen, time_ns)

    def measure(self, packet, end, other, seen):
        tos = tos_of(packet, seen)
        shape = self.shapes.setdefault(end, Shape())
        shape.count(seen, tos, macs_of(packet), payload_of(packet, seen))
        bits = BITS["file clock"]
        bits |= BITS["fragmented"] * (seen.fragment is not None)
        bits |= BITS["cut"] * (not seen.offset and header_of(packet, seen) is None)
        bits |= BITS["orphans"] * (bool(seen.offset) and not seen.joined)
        self.validity[end] = self.validity.get(end, 0) | bits
        header = tcp_header(packet, seen)
        if header is not None:
            ce = tos & 3 == 3
            segment = Segment(header, seen.payload, ce, packet.time_ns)
            self.connection.feed(end, other, segment)


class QualityRecord(Record):
    """What is told of one record."""

    def __init__(self, flow, reason):
        super().__init__(flow, reason)
        self.shapes = flow.shapes
        self.state = state_of(flow)
        self.values = {end: values_of(flow, end) for end in flow.sides}


def open_state(flow):
    streams = list(flow.connection.streams.values())
    if all(stream.next is None for stream in streams):
        return UNKNOWN
    if all(stream.shook for stream in streams):
        return ESTABLISHED
    acked = any(stream.acked for stream in streams)
    if any(stream.syns for stream in streams) and not acked:
        return OPENING
    for stream, peer in (streams, streams[::-1]):
        bare = stream.next is not None and (stream.next - stream.isn) & 0xFFFFFFFF == 1
        if stream.answers() and bare and not peer.acked:
            return ANSWERED
    return MIDSTREAM


def state_of(flow):
    if flow.key[2] != TCP:
        return UNKNOWN
    if len(flow.fin_acked) == 2:
        return CLOSED
    if flow.ended is not None:
        return RESET
    if flow.fin_end:
        return CLOSING if len(flow.fin_end) == 2 else HALF_CLOSED
    return open_state(flow)


def tcp_values(flow, end):
    stream, tally = flow.connection.streams[end], flow.connection.tallies[end]
    told = {name: getattr(tally, part) for name, part in COUNTERS.items()}
    for name, samples in (("Rtt", tally.rtts), ("Response", tally.responses),
                          ("Window", tally.windows)):  # fmt: skip
        for what, of in STATISTICS.items():
            told[f"tcp{name}{what}"] = of(samples)
        told[f"tcp{name}Count"] = len(samples)
    told["tcpRttDeviation"] = deviation(tally.rtts)
    told["tcpZeroWindowDuration"] = tally.zero_window_ns // 1000
    told["tcpHandshakeRtt"] = stream.handshake or 0
    syn = stream.syns[0] if stream.syns else None
    told["tcpMaximumSegmentSize"] = syn.mss or 0 if syn else 0
    told["tcpWindowScale"] = syn.scale or 0 if syn else 0
    told["tcpWindowScaleOption"] = bool(syn) and syn.scale is not None
    told["tcpSackPermitted"] = bool(syn) and syn.sack
    told["tcpTimestampsOption"] = bool(syn) and syn.stamp is not None
    return told


def values_of(flow, end):
    told = flow.shapes[end].values()
    bits = flow.validity[end] | BITS["both ways"] * (len(flow.sides) == 2)
    if flow.key[2] == TCP:
        told.update(tcp_values(flow, end))
        streams = flow.connection.streams
        bits |= BITS["tcp"]
        bits |= BITS["handshake"] * all(stream.shook for stream in streams.values())
        bits |= BITS["rtt"] * (streams[end].handshake is not None)
        bits |= BITS["syn"] * bool(streams[end].syns)
        bits |= BITS["gap"] * (told["tcpCaptureGapOctetCount"] > 0)
    told["metricValidity"] = bits
    return told


class QualityModel(Model):
    """The flow model, with flows that measure."""

    flow = QualityFlow

    def emit(self, flow, reason):
        self.records.append(QualityRecord(flow, reason))
