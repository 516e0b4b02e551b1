#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""ipfix_ntop.py WEIR CAPTURE...

The template ntop over IPFIX: every element of an enterprise of its own is ntop's, tshark knows each
by name, and shows of each record what the lines of JSON say of weir's element, in ntop's unit."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import ipfix_check

SKIPPED = 77
NTOP = 35632
MOST = 0xffffffff


def half_ms(us):
    return int(us) // 2 // 1000


def ms(us):
    return int(us / 1000)


def same(number):
    return min(number, MOST)


# ntop's element, which tshark writes in small letters: (id, weir's, how to get from one to the other).
ELEMENTS = {
    "CLIENT_NW_LATENCY_MS": (123, "tcpHandshakeRtt", half_ms),
    "SERVER_NW_LATENCY_MS": (124, "reverseTcpHandshakeRtt", half_ms),
    "APPL_LATENCY_MS": (125, "reverseTcpResponseMean", ms),
    "RETRANSMITTED_IN_PKTS": (109, "tcpRetransmittedPacketCount", same),
    "RETRANSMITTED_OUT_PKTS": (110, "reverseTcpRetransmittedPacketCount", same),
    "RETRANSMITTED_IN_BYTES": (127, "tcpRetransmittedOctetCount", same),
    "RETRANSMITTED_OUT_BYTES": (128, "reverseTcpRetransmittedOctetCount", same),
    "OOORDER_IN_PKTS": (111, "tcpOutOfOrderCount", same),
    "OOORDER_OUT_PKTS": (112, "reverseTcpOutOfOrderCount", same),
    "TCP_WIN_MSS_IN": (417, "tcpMaximumSegmentSize", same),
    "TCP_WIN_MSS_OUT": (421, "reverseTcpMaximumSegmentSize", same),
}
# Texts; where no database is asked, empty ones.
PLACES = {"SRC_IP_COUNTRY": 101, "SRC_IP_CITY": 102, "DST_IP_COUNTRY": 103, "DST_IP_CITY": 104,
          "SRC_AS_MAP": 443, "DST_AS_MAP": 444, "SRC_IP_LONG": 448, "SRC_IP_LAT": 449,
          "DST_IP_LONG": 450, "DST_IP_LAT": 451}
# tshark 4.0 has the id of this one, but no field of a name.
UNNAMED = {"SERVER_NW_LATENCY_MS"}


def check_templates(result):
    if result.problems:
        return result.problems[0]
    for template in result.templates.values():
        of_ntop = {field.name: field.number for field in template.fields if field.pen == NTOP}
        wanted = {**{name: row[0] for name, row in ELEMENTS.items()}, **PLACES}
        if not template.scopes and of_ntop != wanted:
            return f"of ntop there are {of_ntop}"
        own = any(field.pen not in (0, ipfix_check.PEN_REVERSE, NTOP) for field in template.fields)
        if own and not template.scopes:  # options tell of databases in weir's own
            return "an element of our own is there as well"
    return None


def tshark_tells(path):
    """{name: the values of all records in their order}"""
    names = [name for name in ELEMENTS if name not in UNNAMED]
    fields = [word for name in names for word in ("-e", f"cflow.pie.ntop.{name.lower()}")]
    told = subprocess.run(["tshark", "-r", path, "-T", "fields", "-E", "occurrence=a", *fields],
                          check=True, capture_output=True, text=True).stdout  # fmt: skip
    columns = zip(*(line.split("\t") for line in told.splitlines()))
    return {name: [int(word) for message in column for word in message.split(",") if word]
            for name, column in zip(names, columns)}  # fmt: skip


def compare(path, lines):
    with open(path, "rb") as file:
        result = ipfix_check.check(file.read(), ipfix_check.load_elements())
    shown = tshark_tells(path)
    for name, (_, ours, convert) in ELEMENTS.items():
        wanted = [convert(line.get(ours, 0)) for line in lines]
        if name not in UNNAMED and shown[name] != wanted:
            return f"{name}: tshark says {shown[name]}, JSON of {ours} {wanted}"
        told = [record.get(name) for record in result.records]
        if told != wanted:
            return f"{name}: in the record is {told}, JSON says of {ours} {wanted}"
    return check_templates(result)


def main():
    weir, *captures = sys.argv[1:]
    if shutil.which("tshark") is None:
        print("skipped: tshark is not installed")
        return SKIPPED
    seen = set()
    with tempfile.TemporaryDirectory() as folder:
        ipfix, text = os.path.join(folder, "ipfix"), os.path.join(folder, "json")
        for capture in captures:
            subprocess.run([weir, "replay", "--quiet", "--template", "ntop", "--to",
                            f"ipfix+file:{ipfix}", "--to", f"json+file:{text}", capture],
                           check=True)  # fmt: skip
            with open(text, encoding="utf-8") as file:
                lines = [json.loads(line) for line in file]
            complaint = compare(ipfix, lines)
            if complaint:
                print(f"{os.path.basename(capture)}: {complaint}")
                return 1
            seen |= {name for name, (_, ours, convert) in ELEMENTS.items()
                     for line in lines if convert(line.get(ours, 0))}  # fmt: skip
    if seen != set(ELEMENTS):
        print(f"these captures show nothing of {set(ELEMENTS) - seen}")
        return 1
    print(f"{len(ELEMENTS)} elements of ntop, all with values")
    return 0


if __name__ == "__main__":
    sys.exit(main())
