# SPDX-License-Identifier: BSD-2-Clause
"""Both directions of weir's records, with every value of quality and shape, and their comparison
with what is expected."""

import flow_rows
import replay

OPTIONS = ["--tunnels", "outer", *replay.ROOM, "--detail", "full", "--template", "full", "--biflow"]


class Direction:
    """One direction of one record."""

    def __init__(self, row, values, state):
        self.row = row
        self.values = values  # by element; what is missing is not known, and 0
        self.state = state

    def place(self):
        return (*map(str, self.row.key()), self.row.first, self.row.last, self.row.reason)


def of_json(record):
    """The directions in which a record saw packets."""
    for reverse in (False, True):
        row = flow_rows.of_json(record, reverse)
        if row is None or not row.packets:
            continue
        prefix = "reverse" if reverse else ""
        values = {}
        for name, value in record.items():
            if not reverse and not name.startswith("reverse"):
                values[name] = value
            elif reverse and name.startswith(prefix):
                name = name[len(prefix) :]
                values[name[0].lower() + name[1:]] = value
        yield Direction(row, values, record["tcpStateAtEnd"] if row.proto == 6 else 0)


def of_model(records):
    for record in records:
        ends = list(record.sides)
        for end, row in zip(ends, flow_rows.of_model(record)):
            first = min(side.first for side in record.sides.values())
            last = max(side.last for side in record.sides.values())
            row.first, row.last = first, last
            yield Direction(row, record.values[end], record.state)


def text(direction):
    row = direction.row
    ends = f"{row.source} {row.sport} > {row.destination} {row.dport}"
    return f"{ends} protocol {row.proto} at {row.first}"


def compare(name, expected, got):
    """Complaints about any value of expected that got does not have."""
    expected = sorted(expected, key=Direction.place)
    got = sorted(got, key=Direction.place)
    places = [Direction.place(one) for one in expected], [Direction.place(one) for one in got]
    if places[0] != places[1]:
        odd = sorted(set(places[0]) ^ set(places[1]))[:4]
        return [f"{name}: other records than expected ({len(expected)}, {len(got)}): {odd}"]
    told = []
    for want, have in zip(expected, got):
        told += compare_values(f"{name}: {text(want)}", want.values, have.values)
        if want.state != have.state:
            told.append(f"{name}: {text(want)}: state: expected {want.state}, got {have.state}")
    return told


def compare_values(where, want, have):
    told = []
    for element, value in want.items():
        is_now = have.get(element, 0)
        if not value == is_now:
            told.append(f"{where}: {element}: expected {value}, got {is_now}")
    return told
