#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""options.py WEIR CAPTURE...

What a run tells of itself beside its flows agrees with its account and with the messages it stands
between: statistics and reliability of metering and exporting, flow keys, the interfaces' names. In
files and as two collectors get it, over UDP and TCP; in IPFIX and NetFlow v9; and as tshark and
ipfixDump read it."""

import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import ipfix_check
import netflow_check
from room import give_room

SKIPPED = 77
LIMIT_S = 120
DOMAIN = 7
ROOM_V9 = 10  # interfaces told in one packet, at least
# Flows of IPv6 have no record: they are not sent.
ONLY_IPV4 = """flow uniflow
ip 4
octetDeltaCount
sourceIPv4Address
destinationIPv4Address
ipVersion
packetDeltaCount
flowEndMilliseconds
"""
ONLY_IPV4_KEYS = {"sourceIPv4Address", "destinationIPv4Address", "ipVersion"}
KEYS = {"sourceIPv4Address", "destinationIPv4Address", "sourceIPv6Address",
        "destinationIPv6Address", "sourceTransportPort", "destinationTransportPort",
        "protocolIdentifier", "ipVersion", "vlanId"}


class Difference(Exception):
    pass


def expect(what, found, wanted):
    if found != wanted:
        raise Difference(f"{what}: {found}, expected {wanted}")


def replay(weir, capture, template, folder, *urls):
    """The account."""
    account = os.path.join(folder, "account")
    to = [word for url in urls for word in ("--to", url)]
    subprocess.run([weir, "replay", "--quiet", capture, "--template", template, "--domain",
                    str(DOMAIN), "--json-stats", account, *to], check=True, timeout=LIMIT_S,
                   stdout=subprocess.DEVNULL)
    with open(account, encoding="utf-8") as stream:
        return json.load(stream)


def option(options, name, *also):
    found = [record for record in options if all(one in record for one in (name, *also))]
    if not found:
        raise Difference(f"there is no record with {name}")
    return found[-1]


def total(rows, column):
    return sum(row[column] for row in rows.values())


def before_report(octets, wanted):
    """Messages and octets before the one with a set of this id."""
    at = count = 0
    while at < len(octets):
        length, = struct.unpack_from(">H", octets, at + 2)
        inside = at + 16
        while inside < at + length:
            number, size = struct.unpack_from(">HH", octets, inside)
            if number == wanted:
                return count, at
            inside += size
        at += length
        count += 1
    raise Difference(f"there is no set {wanted}")


def template_with(result, name):
    return next(number for (_, number), template in result.templates.items()
                if template.scopes and name in [field.name for field in template.fields])


def check_statistics(result, octets, account, destination):
    """what was metered, ignored and not sent, of its scope, as the account has it [31, 32, 33]"""
    told = option(result.options, "exportedFlowRecordTotalCount")
    expect("observationDomainId", told["observationDomainId"], DOMAIN)
    expect("42", told["exportedFlowRecordTotalCount"], destination["exported"]["records"])
    expect("42 and records", told["exportedFlowRecordTotalCount"], len(result.records))
    expect("41 and 40", (told["exportedMessageTotalCount"], told["exportedOctetTotalCount"]),
           before_report(octets, template_with(result, "exportedFlowRecordTotalCount")))
    told = option(result.options, "ignoredPacketTotalCount")
    expect("164", told["ignoredPacketTotalCount"], total(account["setAside"], "packets"))
    expect("165", told["ignoredOctetTotalCount"], total(account["setAside"], "octets"))
    told = option(result.options, "notSentFlowTotalCount")
    expect("166", told["notSentFlowTotalCount"], total(destination["dropped"], "records"))
    expect("167", told["notSentPacketTotalCount"], total(destination["dropped"], "packets"))
    expect("168", told["notSentOctetTotalCount"], total(destination["dropped"], "octets"))
    begun = option(result.options, "systemInitTimeMilliseconds")
    expect("160", begun["systemInitTimeMilliseconds"], told["observationTimeMilliseconds"])
    expect("144", begun["exportingProcessId"], told["exportingProcessId"])


def check_keys(result, keys):
    """each template has a record of its keys [34]"""
    for (domain, number), template in result.templates.items():
        if template.scopes:
            continue
        told = [record["flowKeyIndicator"] for record in result.options
                if record.get("templateId") == number]
        wanted = sum(1 << index for index, field in enumerate(template.fields[:64])
                     if field.name in keys)
        expect(f"keys of template {number}", told, [wanted])


def named(lines):
    """{number: name} of the interfaces that records came by."""
    found = {}
    for line in lines:
        for side in ("", "reverse"):
            name = line.get(side + "InterfaceName" if side else "interfaceName")
            if name:
                number = "IngressInterface" if side else "ingressInterface"
                found[line[side + number]] = name
    return found


def check_interfaces(result, lines):
    """the interfaces of records have names [38]"""
    told = {record["ingressInterface"]: record["interfaceName"] for record in result.options
            if "interfaceName" in record}
    for number, name in named(lines).items():
        expect(f"interface {number}", told.get(number), name)
    return len(told)


def checked(octets):
    result = ipfix_check.check(octets)
    if result.problems:
        raise Difference(f"ipfix_check: {result.problems[0]}")
    return result


def check_readers(path, result):
    dump = subprocess.run(["ipfixDump", "--rfc5610", "--data", "--in", path], check=True,
                          capture_output=True, text=True).stdout
    expect("ipfixDump: records with a scope",
           sum(bool(re.search(r"^\s*\([\d/]+\)\s*\(S\)", block, flags=re.M))
               for block in re.split(r"^--- data record \d+ ---$", dump, flags=re.M)[1:]),
           len(result.options))
    shown = subprocess.run(["tshark", "-o", "cflow.max_template_fields:0", "-r", path, "-V"],
                           check=True, capture_output=True, text=True).stdout
    if "Malformed" in shown or "Expert Info" in shown:
        raise Difference("tshark complains")
    for name, key in (("TOTAL_FLOWS_EXP", "exportedFlowRecordTotalCount"),
                      ("ignoredPacketTotalCount", "ignoredPacketTotalCount")):
        if name not in shown:
            raise Difference(f"tshark does not show {key}")


def check_file(weir, capture, template, folder):
    path = os.path.join(folder, "flows.ipfix")
    lines = os.path.join(folder, "flows.json")
    keys = KEYS if template != os.path.join(folder, "only.tpl") else ONLY_IPV4_KEYS
    account = replay(weir, capture, template, folder, f"ipfix+file:{path}", f"json+file:{lines}")
    with open(path, "rb") as stream:
        octets = stream.read()
    with open(lines, encoding="utf-8") as stream:
        records = [json.loads(line) for line in stream]
    result = checked(octets)
    check_statistics(result, octets, account, account["destinations"][0])
    check_keys(result, keys)
    check_readers(path, result)
    return check_interfaces(result, records), total(account["setAside"], "packets"), \
        total(account["destinations"][0]["dropped"], "records")


def check_netflow(weir, capture, folder):
    path = os.path.join(folder, "flows.netflow9")
    account = replay(weir, capture, "v9", folder, f"netflow9+file:{path}")
    with open(path, "rb") as stream:
        result = netflow_check.check(stream.read())
    if result.problems:
        raise Difference(f"netflow_check: {result.problems[0]}")
    told = [record for record in result.options if 42 in record]
    expect("v9: 42", told[-1][42], account["exported"]["records"])
    names = [record[82] for record in result.options if 82 in record]
    expect("v9: 41", told[-1][41], len(result.packets) - 1 - (len(names) > ROOM_V9))
    return names


class Collector:
    """Takes what comes until the exporter ends."""

    def __init__(self, stream):
        self.socket = socket.socket(socket.AF_INET,
                                    socket.SOCK_STREAM if stream else socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(LIMIT_S)
        self.octets = b""
        if stream:
            self.socket.listen(1)
        else:
            give_room(self.socket)
        self.thread = threading.Thread(target=self.take_stream if stream else self.take_datagrams,
                                       daemon=True)
        self.thread.start()

    def url(self, scheme):
        return f"{scheme}://127.0.0.1:{self.socket.getsockname()[1]}"

    def take_stream(self):
        connection, _ = self.socket.accept()
        connection.settimeout(LIMIT_S)
        with connection:
            while octets := connection.recv(1 << 16):
                self.octets += octets

    def take_datagrams(self):
        while octets := self.socket.recv(1 << 16):
            self.octets += octets

    def finish(self):
        if self.socket.type == socket.SOCK_DGRAM:  # behind all others
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", self.socket.getsockname())
        self.thread.join()
        self.socket.close()
        return self.octets


def check_collectors(weir, capture, folder):
    """One stream for both, but each gets what is true for it."""
    collectors = [Collector(True), Collector(False)]
    urls = [f"{collectors[0].url('ipfix+tcp')}?mtu=1420", collectors[1].url("ipfix+udp")]
    account = replay(weir, capture, "standard", folder, *urls)
    for index, octets in enumerate([collector.finish() for collector in collectors]):
        result = checked(octets)
        check_statistics(result, octets, account, account["destinations"][index])
        check_keys(result, KEYS)


def main():
    weir, *captures = sys.argv[1:]
    for tool in ("ipfixDump", "tshark"):
        if shutil.which(tool) is None:
            print(f"skipped: {tool} is not installed")
            return SKIPPED
    sums = [0, 0, 0]
    names = []
    with tempfile.TemporaryDirectory(prefix="weir-") as folder:
        only = os.path.join(folder, "only.tpl")
        with open(only, "w", encoding="utf-8") as stream:
            stream.write(ONLY_IPV4)
        try:
            for capture in captures:
                for template in ("full", "standard", only):
                    found = check_file(weir, capture, template, folder)
                    sums = [a + b for a, b in zip(sums, found)]
                names += check_netflow(weir, capture, folder)
                check_collectors(weir, capture, folder)
        except Difference as difference:
            print(f"{capture}: {difference}")
            return 1
    print(f"{sums[0]} interfaces, {sums[1]} packets ignored, {sums[2]} flows not sent; v9: {names}")
    if not all(sums) or not names:
        print("the captures do not have everything that is to be looked at")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
