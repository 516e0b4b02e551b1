# SPDX-License-Identifier: BSD-2-Clause
"""Records of weir and of the model brought to one form, so that they can be compared."""

from replay import time_ns


class Row:
    """One direction of one record."""

    __slots__ = (
        "version", "vlan", "proto", "source", "destination", "sport", "dport", "packets", "octets",
        "first", "last", "flags", "ttl_min", "ttl_max", "reason", "flow",
    )  # fmt: skip

    VALUES = ("packets", "octets", "first", "last", "flags", "ttl_min", "ttl_max", "reason")

    def key(self):
        return (self.vlan, self.proto, self.source, self.destination, self.sport, self.dport)

    def values(self):
        return tuple(getattr(self, name) for name in self.VALUES)


def of_json(record, reverse=False):
    """A row of weir's record; reverse: the reverse half of a biflow, None where it is empty."""

    def get(name, default=None):
        name = "reverse" + name[0].upper() + name[1:] if reverse else name
        return record.get(name, default)

    row = Row()
    row.version = 4 if "sourceIPv4Address" in record else 6
    ends = [
        (record[f"{side}IPv{row.version}Address"],
         record["icmpIdentifier"] or record[f"{side}TransportPort"])
        for side in ("source", "destination")
    ]  # fmt: skip
    if reverse:
        ends.reverse()
    (row.source, row.sport), (row.destination, row.dport) = ends
    row.vlan = record["vlanId"]
    row.proto = record["protocolIdentifier"]
    row.packets = get("packetDeltaCount", 0)
    if reverse and not row.packets:
        return None
    row.octets = get("octetDeltaCount")
    row.first = time_ns(record["flowStartNanoseconds"])
    row.last = time_ns(record["flowEndNanoseconds"])
    row.flags = get("tcpControlBits", 0)
    row.ttl_min = get("minimumTTL")
    row.ttl_max = get("maximumTTL")
    row.reason = record["flowEndReason"]
    row.flow = record["flowId"]
    return row


def of_model(record):
    """The rows, one or two, of a record of the model."""
    version, vlan, proto, low, high = record.key
    for end, side in record.sides.items():
        other = high if end == low else low
        row = Row()
        row.version, row.vlan, row.proto = version, vlan, proto
        row.source, row.sport = end
        row.destination, row.dport = other
        row.packets, row.octets = side.packets, side.octets
        row.first, row.last = side.first, side.last
        row.flags, row.ttl_min, row.ttl_max = side.flags, side.ttl_min, side.ttl_max
        row.reason = record.reason
        row.flow = record.number
        yield row


def model_rows(records):
    return [row for record in records for row in of_model(record)]
