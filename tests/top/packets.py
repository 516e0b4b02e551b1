# SPDX-License-Identifier: BSD-2-Clause
"""What tshark says of a capture's packets, and sums of it: the truth that weir top is compared with."""

import collections
import subprocess

FIELDS = ["ip.src", "ip.dst", "ip.len", "ip.proto", "ipv6.src", "ipv6.dst", "ipv6.plen", "ipv6.nxt",
          "ipv6.hopopts.nxt", "tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport"]  # fmt: skip
Packet = collections.namedtuple("Packet", "source destination octets protocol source_port port")
Sum = collections.namedtuple("Sum", "octets sent received packets packets_sent packets_received")


def packets(path):
    """Every IP packet, as its outermost headers have it."""
    command = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "occurrence=f", "-o",
               "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE", "-o",
               "tcp.desegment_tcp_streams:FALSE"]  # fmt: skip
    for field in FIELDS:
        command += ["-e", field]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = []
    for line in told.splitlines():
        words = dict(zip(FIELDS, line.split("\t")))
        four = bool(words["ip.src"])
        if not four and not words["ipv6.src"]:
            continue
        ports = [words[f"tcp.{end}port"] or words[f"udp.{end}port"] or "0" for end in ("src", "dst")]
        found.append(Packet(
            words["ip.src"] or words["ipv6.src"], words["ip.dst"] or words["ipv6.dst"],
            int(words["ip.len"]) if four else int(words["ipv6.plen"]) + 40,
            int(words["ip.proto"] if four else words["ipv6.hopopts.nxt"] or words["ipv6.nxt"]),
            *map(int, ports)))  # fmt: skip
    return found


def total(sent, received):
    octets, back = sum(p.octets for p in sent), sum(p.octets for p in received)
    return Sum(octets + back, octets, back, len(sent) + len(received), len(sent), len(received))


def _sums(sent, received):
    return {name: total(sent[name], received[name]) for name in {*sent, *received}}


def hosts(found):
    """By address; a packet to oneself counts once."""
    sent, received = collections.defaultdict(list), collections.defaultdict(list)
    for packet in found:
        sent[packet.source].append(packet)
        if packet.destination != packet.source:
            received[packet.destination].append(packet)
    return _sums(sent, received)


def pairs(found):
    """By the two addresses, unordered: octets and packets both ways."""
    both = collections.defaultdict(list)
    for packet in found:
        both[frozenset((packet.source, packet.destination))].append(packet)
    return {ends: (sum(p.octets for p in those), len(those)) for ends, those in both.items()}


def flows(found):
    """By protocol and both ends, unordered: octets and packets both ways."""
    both = collections.defaultdict(list)
    for packet in found:
        ends = frozenset(((packet.source, packet.source_port), (packet.destination, packet.port)))
        both[packet.protocol, ends].append(packet)
    return {key: (sum(p.octets for p in those), len(those)) for key, those in both.items()}


def protocols(found):
    both = collections.defaultdict(list)
    for packet in found:
        both[packet.protocol].append(packet)
    return {number: (sum(p.octets for p in those), len(those)) for number, those in both.items()}


def short(number):
    """As quantity_short() of base/quantity.h writes a whole number."""
    for unit in ("", "k", "M", "G", "T"):
        if number < 999.5:
            break
        number /= 1000
    if not unit:
        return str(number)
    return f"{number:.{2 if number < 10 else 1 if number < 100 else 0}f}{unit}"
