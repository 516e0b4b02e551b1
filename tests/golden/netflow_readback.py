#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""netflow_readback.py WEIR FORM TEMPLATE FOLDER

Replays every capture of the folder into NetFlow (FORM netflow9 or netflow5) and JSON with one template, and proves
that the packets obey the standards (tests/lib/netflow_check.py), that every record says what its line
of JSON does, in order, that the account tells of exactly these records and of every packet, that
another replay gives the same octets, and that tshark decodes every packet, every record of it and no
field as unknown."""

import concurrent.futures
import ipaddress
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import netflow_check
from replay import JOBS, captures, time_ns

PORT = 2055
SKIPPED = 77
MTU = {"netflow9": 1400, "netflow5": 1464}
NTOP = 57472
OURS = 49152

# By number of NetFlow v9: the column of JSON, and ntop's unit for it.
COLUMNS = {
    1: "octetDeltaCount", 2: "packetDeltaCount", 4: "protocolIdentifier", 5: "ipClassOfService",
    6: "tcpControlBits", 7: "sourceTransportPort", 8: "sourceIPv4Address", 10: "ingressInterface",
    11: "destinationTransportPort", 12: "destinationIPv4Address", 14: "egressInterface",
    23: "reverseOctetDeltaCount", 24: "reversePacketDeltaCount", 27: "sourceIPv6Address",
    28: "destinationIPv6Address", 32: "icmpTypeCodeIPv4", 52: "minimumTTL", 53: "maximumTTL",
    55: "reverseIpClassOfService", 58: "vlanId", 60: "ipVersion", 61: "flowDirection",
    136: "flowEndReason", 139: "icmpTypeCodeIPv6", 148: "flowId", 152: "flowStartMilliseconds",
    153: "flowEndMilliseconds",
    NTOP + 109: "tcpRetransmittedPacketCount", NTOP + 110: "reverseTcpRetransmittedPacketCount",
    NTOP + 111: "tcpOutOfOrderCount", NTOP + 112: "reverseTcpOutOfOrderCount",
    NTOP + 123: "tcpHandshakeRtt", NTOP + 124: "reverseTcpHandshakeRtt",
    NTOP + 125: "reverseTcpResponseMean", NTOP + 127: "tcpRetransmittedOctetCount",
    NTOP + 128: "reverseTcpRetransmittedOctetCount", NTOP + 417: "tcpMaximumSegmentSize",
    NTOP + 418: "tcpWindowScale", NTOP + 421: "reverseTcpMaximumSegmentSize",
    NTOP + 422: "reverseTcpWindowScale", 16: "bgpSourceAsNumber", 17: "bgpDestinationAsNumber",
    NTOP + 101: "sourceCountryCode", NTOP + 102: "sourceCity",
    NTOP + 103: "destinationCountryCode", NTOP + 104: "destinationCity",
    NTOP + 443: "sourceAsOrganization", NTOP + 444: "destinationAsOrganization",
    NTOP + 448: "sourceLongitude", NTOP + 449: "sourceLatitude",
    NTOP + 450: "destinationLongitude", NTOP + 451: "destinationLatitude",
    OURS + 64: "sourceContinentCode", OURS + 65: "destinationContinentCode",
    OURS + 66: "sourceSubdivision", OURS + 67: "destinationSubdivision",
    OURS + 74: "sourceAccuracyRadius", OURS + 75: "destinationAccuracyRadius",
    OURS + 76: "sourceTimeZone", OURS + 77: "destinationTimeZone",
    OURS + 78: "sourcePostalCode", OURS + 79: "destinationPostalCode",
    OURS + 82: "sourceAddressClass", OURS + 83: "destinationAddressClass",
    OURS + 84: "sourceLabel", OURS + 85: "destinationLabel",
    OURS + 86: "sourceSite", OURS + 87: "destinationSite",
}  # fmt: skip
UNITS = {
    6: lambda flags: flags & 0xff,
    NTOP + 123: lambda us: us // 2 // 1000,
    NTOP + 124: lambda us: us // 2 // 1000,
    NTOP + 125: lambda us: int(us // 1000),
}
# Of v5: the member, the column, and what of it.
MEMBERS = {
    "source": "sourceIPv4Address", "destination": "destinationIPv4Address",
    "input": "ingressInterface", "output": "egressInterface", "packets": "packetDeltaCount", "octets": "octetDeltaCount",
    "sport": "sourceTransportPort", "proto": "protocolIdentifier", "tos": "ipClassOfService",
}  # fmt: skip
AS_TRANS = 23456
ZEROS = ("next_hop", "source_mask", "destination_mask")


class Difference(Exception):
    pass


def expect(what, found, wanted):
    if found != wanted:
        raise Difference(f"{what}: {found}, JSON says {wanted}")


def ms_of(text):
    return time_ns(text) // 10**6


def as_json(value):
    return str(ipaddress.ip_address(value)) if isinstance(value, bytes) else value


def check_text(where, told, value):
    """What fits of it, without half a character, and no less; coordinates have five digits."""
    text = value if isinstance(value, str) else f"{value:.5f}"
    if told != text and (len(told.encode()) < 10 or not text.startswith(told)):
        raise Difference(f"{where}: {told!r}, JSON says {text!r}")


def compare9(record, line, where):
    told = dict(record)
    boot = told.pop("boot")
    expect(f"{where}: first", boot + told.pop(22), ms_of(line["flowStartMilliseconds"]))
    expect(f"{where}: last", boot + told.pop(21), ms_of(line["flowEndMilliseconds"]))
    if 139 in told:
        expect(f"{where}: ICMP_TYPE", told.pop(32), told[139])
    for number, value in told.items():
        name = COLUMNS[number]
        wanted = line.pop(name, 0)  # JSON leaves out what is not known
        if number in netflow_check.TEXTS:
            check_text(f"{where}: {name}", value, wanted or "")
            continue
        if number in (152, 153):
            wanted = ms_of(wanted)
        elif number in netflow_check.ADDRESSES:
            wanted = str(ipaddress.ip_address(wanted))
        expect(f"{where}: {name}", as_json(value), UNITS.get(number, lambda same: same)(wanted))
    if line:
        raise Difference(f"{where}: nothing says {', '.join(line)}")


def compare5(record, line, where):
    expect(f"{where}: first", record["boot"] + record["first"],
           ms_of(line["flowStartMilliseconds"]))  # fmt: skip
    expect(f"{where}: last", record["boot"] + record["last"], ms_of(line["flowEndMilliseconds"]))
    for member, name in MEMBERS.items():
        expect(f"{where}: {member}", as_json(record[member]), line[name])
    expect(f"{where}: flags", record["flags"], line["tcpControlBits"] & 0xff)
    icmp = line["protocolIdentifier"] == 1
    expect(f"{where}: dport", record["dport"],
           line["icmpTypeCodeIPv4" if icmp else "destinationTransportPort"])  # fmt: skip
    for member, name in (("source_as", "bgpSourceAsNumber"),
                         ("destination_as", "bgpDestinationAsNumber")):
        number = line.get(name, 0)
        expect(f"{where}: {member}", record[member], number if number < 65536 else AS_TRANS)
    for member in ZEROS:
        if as_json(record[member]) not in (0, "0.0.0.0"):
            raise Difference(f"{where}: {member} is not 0")


# What NetFlow's clock cannot say: seconds of the header after 2106.
def can_tell(line):
    return time_ns(line["flowEndMilliseconds"]) <= 0xffffffff * 10**9


def compare(form, octets, lines):
    result = netflow_check.check(octets, MTU[form])
    if result.problems:
        raise Difference("netflow_check: " + result.problems[0])
    lines = [line for line in lines if can_tell(line)]
    if len(result.records) != len(lines):
        raise Difference(f"{len(result.records)} records, {len(lines)} lines of JSON")
    for number, (record, line) in enumerate(zip(result.records, lines), 1):
        (compare9 if form == "netflow9" else compare5)(record, dict(line), f"record {number}")
    return result


def check_account(account, form, records):
    """What the account says was written is what is there."""
    told = account["destinations"][0]["exported"]
    columns = {"packets": ("packets",), "octets": ("octets",)}
    if form == "netflow9":
        columns = {"packets": (2, 24), "octets": (1, 23)}
    expect("records", len(records), told["records"])
    for what, keys in columns.items():
        expect(what, sum(record.get(key, 0) for record in records for key in keys), told[what])
    if not account["balanced"]:
        raise Difference("the account is not balanced")


# --- tshark ---

def as_pcap(results):
    """Every capture's packets as UDP over IPv4, as one would have captured them from an exporter of
    its own address."""
    octets = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101)
    for number, result in enumerate(results):
        source = struct.pack(">I", 0x0a000001 + number)
        for packet in result.packets:
            udp = struct.pack(">HHHH", PORT, PORT, 8 + len(packet), 0) + packet
            ip = struct.pack(">BBHIBBH4s4s", 0x45, 0, 20 + len(udp), 0, 64, 17, 0, source,
                             b"\x0b\0\0\1") + udp  # fmt: skip
            octets += struct.pack("<IIII", 0, 0, len(ip), len(ip)) + ip
    return octets


def tshark(results):
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(as_pcap(results))
        file.flush()
        command = ["tshark", "-n", "-d", f"udp.port=={PORT},cflow", "-r", file.name, "-T", "pdml"]
        return xml.etree.ElementTree.fromstring(
            subprocess.run(command, check=True, capture_output=True,
                           env={**os.environ, "TZ": "UTC", "LC_ALL": "C"}).stdout)  # fmt: skip


def compare_tshark(form, results):
    sums = {"cflow.packets": 0, "cflow.octets": 0, "cflow.post_packets": 0, "cflow.post_octets": 0,
            "cflow.version": 0}  # fmt: skip
    for item in tshark(results).iter():
        name, shown = item.get("name", ""), item.get("showname", "")
        if name in ("cflow.if_name", "cflow.if_descr"):
            continue  # a capture may call it what it likes
        if name.startswith(("_ws.malformed", "_ws.expert")) or "nknown" in name + shown:
            raise Difference(f"tshark: {name}: {shown}")
        if name in sums:
            sums[name] += int(item.get("show")) if name != "cflow.version" else 1
    expect("tshark: packets", sums.pop("cflow.version"),
           sum(len(result.packets) for result in results))  # fmt: skip
    names = ("packets", "octets", None, None) if form == "netflow5" else (2, 1, 24, 23)
    for (name, found), key in zip(sums.items(), names):
        expect(f"tshark: {name}", found,
               sum(record.get(key, 0) for result in results for record in result.records))


# --- all of it ---

def replay(weir, capture, template, folder, *forms):
    words = [word for form in forms for word in ("--to", f"{form}+file:{folder}/{form}")]
    subprocess.run([weir, "replay", "--quiet", capture, "--template", template, "--max-flows",
                    "65536", "--json-stats", f"{folder}/account", *words],
                   check=False, stderr=subprocess.DEVNULL)  # fmt: skip
    found = []
    for form in forms:
        with open(os.path.join(folder, form), "rb") as file:
            found.append(file.read())
    return found


def readback(weir, form, template, capture):
    with tempfile.TemporaryDirectory() as folder:
        octets, text = replay(weir, capture, template, folder, form, "json")
        with open(os.path.join(folder, "account"), encoding="utf-8") as file:
            account = json.load(file)
        result = compare(form, octets, [json.loads(line) for line in text.splitlines()])
        check_account(account, form, result.records)
        if replay(weir, capture, template, folder, form) != [octets]:
            raise Difference("a second replay gives other octets")
    return result


def checked(job):
    """The result, or what is wrong."""
    try:
        return readback(*job)
    except Difference as difference:
        return f"{os.path.basename(job[-1])}: {difference}"


def main():
    weir, form, template, folder = sys.argv[1:]
    if shutil.which("tshark") is None:
        print("skipped: tshark is not installed")
        return SKIPPED
    jobs = [(weir, form, template, capture) for capture in captures(folder)]
    with concurrent.futures.ProcessPoolExecutor(JOBS) as pool:
        results = list(pool.map(checked, jobs))
    complaints = [result for result in results if isinstance(result, str)]
    if not complaints:
        try:
            compare_tshark(form, results)
        except Difference as difference:
            complaints.append(str(difference))
    for complaint in complaints:
        print(complaint)
    if not complaints:
        print(f"{len(jobs)} captures, {sum(len(result.packets) for result in results)} packets, "
              f"{sum(len(result.records) for result in results)} records")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
