#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""readback.py FILE.ipfix FILE.json

Both files come from one run with one template. Proves that four readings of the flows agree, field
by field and in order: the JSON lines, tests/lib/ipfix_check.py, libfixbuf's ipfixDump and tshark;
and that neither the checker nor tshark has anything to complain about. Exits with 1 at the first
difference of each reader, with 77 when ipfixDump or tshark is not there."""

import datetime
import ipaddress
import json
import math
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import ipfix_check

UTC = datetime.timezone.utc
SKIPPED = 77


class Difference(Exception):
    pass


def text_ns(text):
    """"2023-11-14T22:13:20.123456Z" or with a blank, any number of digits, to ns."""
    whole, _, fraction = text.rstrip("Z").replace("T", " ").partition(".")
    seconds = datetime.datetime.strptime(whole, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    return int(seconds.timestamp()) * 10 ** 9 + int((fraction or "0").ljust(9, "0"))


def resolution(kind):
    return {"dateTimeMilliseconds": 10 ** 6, "dateTimeMicroseconds": 10 ** 3}.get(kind, 1)


def same_time(kind, shown, value):
    """Micro- and nanoseconds count in eras of 2^32 seconds and do not say which (the next begins
    in 2036); every reader guesses, and some guess the first."""
    shown -= shown % resolution(kind)
    if kind in ("dateTimeMicroseconds", "dateTimeNanoseconds"):
        return (shown - text_ns(value)) % (10 ** 9 << 32) == 0
    return shown == text_ns(value)


# --- the checker ---

def from_checker(octets):
    """A record: [(name, kind, value, octets on the wire)]."""
    result = ipfix_check.check(octets)
    if result.problems:
        raise Difference("ipfix_check: " + result.problems[0])
    kinds = {}
    for template in result.templates.values():
        if not template.scopes:
            kinds.update((field.name, (field.kind, field.length)) for field in template.fields)
    return [[(name, *kinds[name], value) for name, value in record.items()]
            for record in result.records], options_of(result)


def options_of(result):
    return {number for (_, number), template in result.templates.items() if template.scopes}


def side_of(name):
    """("reverse", "tcpRttMean") of "reverseTcpRttMean", ("", ...) of a forward name."""
    if not name.startswith("reverse"):
        return "", name
    return "reverse", name[7].lower() + name[8:]


PLACES = {end + what for end in ("source", "destination") for what in (
    "CountryCode", "ContinentCode", "Subdivision", "City", "Latitude", "Longitude",
    "AccuracyRadius", "TimeZone", "PostalCode", "AsOrganization", "AddressClass", "Label", "Site")}
PLACES |= {"bgpSourceAsNumber", "bgpDestinationAsNumber"}


def known(name, values):
    """Does the column say something, by what IPFIX says beside it? Else JSON leaves it out."""
    side, forward = side_of(name)

    def beside(other):
        return values[side + other[0].upper() + other[1:] if side else other]

    if forward.startswith("flow") and side and forward.endswith("seconds"):
        return "Duration" in forward or beside("packetDeltaCount") > 0
    if forward in ("interfaceName", "interfaceDescription"):
        return values[name] != ""
    if forward in PLACES:  # an end of the flow; coordinates of 0 are nobody's here
        return values[name] not in ("", 0)
    if forward == "geoDatabaseType":
        return values[name] != ""
    if forward == "geoDatabaseBuildTime":
        return values["geoDatabaseType"] != ""
    if forward == "tcpStateAtEnd":
        return bool((values["metricValidity"] | values["reverseMetricValidity"]) & 1024)
    if not forward.startswith("tcp") or forward.startswith("tcpControlBits"):
        return True
    for start, count in (("tcpRtt", "tcpRttCount"), ("tcpResponse", "tcpResponseCount"),
                         ("tcpWindow", "tcpWindowCount")):
        if re.fullmatch(start + "(Minimum|Mean|Maximum|Deviation)", forward):
            return beside(count) > 0
    if forward == "tcpMaximumSegmentSize":
        return values[name] > 0
    if forward == "tcpWindowScale":
        return beside("tcpWindowScaleOption")
    bit = {"tcpHandshakeRtt": 32, "tcpWindowScaleOption": 64, "tcpSackPermitted": 64,
           "tcpTimestampsOption": 64}.get(forward, 1024)
    return bool(beside("metricValidity") & bit)


def compare_checker(records, lines):
    if len(records) != len(lines):
        raise Difference(f"ipfix_check: {len(records)} records, {len(lines)} lines of JSON")
    for number, (record, line) in enumerate(zip(records, lines), 1):
        values = {column[0]: column[3] for column in record}
        for name, kind, _, value in record:
            # JSON leaves out what is not known; IPFIX must send some number, and sends 0.
            if known(name, values) != (name in line):
                raise Difference(f"ipfix_check: record {number}: JSON has {name} or not, against "
                                 "what IPFIX says")
            if name not in line and value in (0, ""):
                line[name] = "1970-01-01T00:00:00Z" if kind.startswith("dateTime") else value
        if {column[0] for column in record} != set(line):
            raise Difference(f"ipfix_check: record {number} has other columns than JSON")
        for name, kind, _, value in record:
            if not (same_time(kind, value, line[name]) if kind.startswith("dateTime")
                    else value == line[name]):
                raise Difference(f"ipfix_check: record {number}: {name} is {value}, "
                                 f"JSON has {line[name]}")


# --- ipfixDump ---

def from_ipfixdump(path):
    """A list of (name, text) a data record, options records left out."""
    text = subprocess.run(["ipfixDump", "--rfc5610", "--data", "--in", path], check=True,
                          capture_output=True, text=True).stdout
    records = []
    for block in re.split(r"^--- data record \d+ ---$", text, flags=re.M)[1:]:
        fields = re.findall(r"^\s*\([\d/]+\)\s*(\(S\))?\s*(\w+)\s*: (.*)$", block, flags=re.M)
        if not any(scope for scope, _, _ in fields):
            records.append([(name, value) for _, name, value in fields])
    return records


def ipfixdump_equal(kind, text, value):
    if kind in ("dateTimeMicroseconds", "dateTimeNanoseconds"):
        # ipfixDump 2.4.1 shows their fractions as zeros; tshark is the witness there.
        return same_time(kind, text_ns(text), value) or \
            same_time(kind, text_ns(text), value.partition(".")[0])
    if kind.startswith("dateTime"):
        return same_time(kind, text_ns(text), value)
    if kind == "float64":
        return math.isclose(float(text), value, rel_tol=1e-7)  # eight digits are shown
    if kind == "boolean":
        return text == ("1" if value else "2")  # as on the wire
    if kind == "string":
        return text == f"(len: {len(value.encode())}) {value}"
    if kind == "octetArray":  # of few octets it makes a number of this host's order
        return int(text) == int.from_bytes(bytes.fromhex(value), sys.byteorder)
    if kind == "ipv6Address":
        return ipaddress.ip_address(text) == ipaddress.ip_address(value)
    return text == str(value)


def compare_ipfixdump(dumped, records, lines):
    if len(dumped) != len(lines):
        raise Difference(f"ipfixDump: {len(dumped)} records, {len(lines)} lines of JSON")
    for number, (shown, record, line) in enumerate(zip(dumped, records, lines), 1):
        if [name for name, _ in shown] != [column[0] for column in record]:
            raise Difference(f"ipfixDump: record {number} has other columns")
        for (name, text), column in zip(shown, record):
            if not ipfixdump_equal(column[1], text, line[name]):
                raise Difference(f"ipfixDump: record {number}: {name} is {text}, "
                                 f"JSON has {line[name]}")


# --- tshark ---

def run_tshark(path):
    # By default tshark takes no template of more than 60 fields.
    return subprocess.run(["tshark", "-o", "cflow.max_template_fields:0", "-r", path, "-T", "pdml"],
                          check=True, capture_output=True,
                          env={**os.environ, "TZ": "UTC", "LC_ALL": "C"}).stdout


def check_expert(pdml):
    """Nothing malformed, and no expert item of any severity."""
    for item in pdml.iter():
        if item.get("name", "").startswith(("_ws.malformed", "_ws.expert")):
            raise Difference(f"tshark: {item.get('name')}: {item.get('showname')}")


def field_of(element):
    return (int(element.get("pos", -1)), int(element.get("size", 0))), element


def flows_of(packet, options):
    """"Flow N" items, but not of sets that hold options."""
    for group in packet.iter("field"):
        found = re.match(r"Set \d+ \[id=(\d+)\]", group.get("show") or "")
        if found and int(found[1]) not in options:
            yield from (item for item in group.iter("field")
                        if re.match(r"Flow \d+", item.get("show") or ""))


def from_tshark(pdml, options):
    """A data record: (start, {(pos, size): [field]})."""
    for packet in pdml:
        for item in flows_of(packet, options):
            places = {}
            for inner in item.iter("field"):
                if inner is not item:
                    place, field = field_of(inner)
                    places.setdefault(place, []).append(field)
            yield int(item.get("pos")), places


def tshark_time(show):
    whole, _, fraction = show.removesuffix(" UTC").partition(".")
    seconds = datetime.datetime.strptime(whole, "%b %d, %Y %H:%M:%S").replace(tzinfo=UTC)
    return int(seconds.timestamp()) * 10 ** 9 + int(fraction)


def tshark_equal(kind, field, name, value):
    """What tshark shows of a field, against what JSON says of it."""
    show = field.get("show")
    if field.get("name") == "cflow.enterprise_private_entry":
        octets = bytes.fromhex(field.get("value"))  # it knows no more of our elements
        if kind == "dateTimeMilliseconds":
            return same_time(kind, int.from_bytes(octets, "big") * 10 ** 6, value)
        return ipfix_check.decode(kind, octets) == value
    if kind.startswith("dateTime"):
        try:
            return same_time(kind, tshark_time(show), value)
        except ValueError:
            return False
    if "Duration" in name:
        unit = 10 ** 6 if name.endswith("Milliseconds") else 10 ** 3
        seconds, _, fraction = show.partition(".")
        return int(seconds) * 10 ** 9 + int(fraction.ljust(9, "0")) == value * unit
    if kind.startswith("unsigned"):
        return int(show, 0) == value
    if kind == "octetArray":
        return field.get("value") == value
    if kind == "string":  # a long one is not shown whole
        return bytes.fromhex(field.get("value")).decode() == value
    return show == str(value)


def compare_tshark(path, options, records, lines):
    pdml = xml.etree.ElementTree.fromstring(run_tshark(path))
    count = 0
    check_expert(pdml)
    for start, places in from_tshark(pdml, options):
        at = start
        if count == len(lines):
            raise Difference("tshark: more records than lines of JSON")
        for name, kind, length, _ in records[count]:
            value = lines[count][name]
            if kind == "string":
                length = len(value.encode())
                at += 1 if length < 255 else 3  # of the length itself
            fields = places.get((at, length), [])
            if kind == "string" and length == 0:
                continue  # tshark has nothing to show
            if name.endswith("cmpTypeCodeIPv6"):  # shown as two fields
                halves = [places[at + half, 1][0] for half in (0, 1)]
                equal = [int(half.get("show")) for half in halves] == list(divmod(value, 256))
            else:
                equal = any(tshark_equal(kind, field, name, value) for field in fields)
            if not equal:
                shown = [field.get("showname") for field in fields]
                raise Difference(f"tshark: record {count + 1}: {name} is {shown}, "
                                 f"JSON has {lines[count][name]}")
            at += length
        count += 1
    if count != len(lines):
        raise Difference(f"tshark: {count} records, {len(lines)} lines of JSON")


def readback(ipfix, lines_path):
    """a file (RFC 5655) says the same to ipfixDump, to tshark and to our own reader [48]"""
    with open(ipfix, "rb") as stream:
        octets = stream.read()
    with open(lines_path, encoding="utf-8") as stream:
        lines = [json.loads(line) for line in stream]
    records, options = from_checker(octets)
    compare_checker(records, lines)
    compare_ipfixdump(from_ipfixdump(ipfix), records, lines)
    compare_tshark(ipfix, options, records, lines)
    return len(records)


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    for tool in ("ipfixDump", "tshark"):
        if shutil.which(tool) is None:
            print(f"skipped: {tool} is not installed")
            return SKIPPED
    try:
        count = readback(sys.argv[1], sys.argv[2])
    except Difference as difference:
        print(f"{sys.argv[1]}: {difference}")
        return 1
    print(f"{sys.argv[1]}: {count} records, the same to all readers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
