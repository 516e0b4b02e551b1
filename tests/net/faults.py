#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What goes wrong between weir and collectors: loss, slowness, cuts, full disks, names that are not
there yet. In namespaces of its own.

faults.py WEIR"""

import collections
import os
import socket
import struct
import sys
import tempfile
import threading

import delivery
import ipfix_check
import netns
from cases import destinations, lost, run_cases
from collector import HOST, free_port, wait_for
from delivery import differences, records
from ipfix_check import whole
from make_pcap import Talk
from room import give_room
from tls_listener import Certificates, Server

LIMIT_S = 120
PACKETS = "30k"
NAME = "collector.test"
SMALL = 65536


class Datagrams:
    """A collector of datagrams; drop: whether the one of that number is lost on the way."""

    def __init__(self, drop=lambda number, octets: False, stopped=False):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        if stopped:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        else:
            give_room(self.socket)
        self.socket.bind((HOST, 0))
        self.port = self.socket.getsockname()[1]
        self.drop = drop
        self.kept, self.lost = [], []
        self.thread = threading.Thread(target=self.take, daemon=True)
        if not stopped:
            self.thread.start()

    def take(self):
        number = 0
        while octets := self.socket.recv(1 << 16):
            (self.lost if self.drop(number, octets) else self.kept).append(octets)
            number += 1

    def finish(self):
        if not self.thread.ident:  # it begins to read now
            self.socket.setblocking(False)
            try:
                self.take()
            except BlockingIOError:
                pass
        else:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", (HOST, self.port))
            self.thread.join(LIMIT_S)
        self.socket.close()


class Lossy(ipfix_check.Checker):
    """The strict checker, for which a gap of numbers and unknown templates are no surprise."""

    def __init__(self):
        super().__init__(delivery.ELEMENTS, again=True)
        self.gaps = []
        self.unknown = 0  # octets of sets without a template

    def file(self, octets):
        at = 0
        while at < len(octets):
            number, domain = struct.unpack_from(">II", octets, at + 8)
            expected = self.sequence.get(domain, 0)
            if number != expected:
                self.gaps.append((number - expected) & 0xFFFFFFFF)
                self.sequence[domain] = number
            before = self.unknown
            at += self.message(octets, at)
            if self.unknown > before:  # how many they were it cannot know
                following = struct.unpack_from(">I", octets, at + 8)[0] if at < len(octets) else 0
                self.sequence[domain] = following
        self.undescribed()

    def data_set(self, content, domain, number):
        if (domain, number) not in self.templates:
            self.unknown += len(content)
            return 0
        return super().data_set(content, domain, number)


def lossy(datagrams):
    checker = Lossy()
    checker.file(b"".join(datagrams))
    return checker


def has_template(octets):
    return struct.unpack_from(">H", octets, 16)[0] in (2, 3)


def loss_on_the_way(case):
    """over UDP, gaps in the numbers are exactly what was lost, and nothing else is missing"""
    everything = []

    def drop(number, octets):
        everything.append(octets)
        return number % 7 == 5 and not has_template(octets)

    collector = Datagrams(drop)
    run = case.run([f"ipfix+udp://{HOST}:{collector.port}?pace=3000&refresh-messages=50&linger=60"])
    case.expect(run.wait() == 0, run.errors())
    collector.finish()
    # Of what is lost behind the last one that arrived, no number tells.
    until = max(i for i, one in enumerate(everything) if one is collector.kept[-1]) + 1
    checked, full = lossy(collector.kept), lossy(everything[:until])
    case.faults += checked.problems[:3] + full.problems[:3]
    case.expect(full.gaps == [] and full.unknown == 0, f"gaps without a loss {full.gaps[:3]}")
    case.expect(len(collector.lost) > 30, f"only {len(collector.lost)} datagrams lost")
    missing = len(full.records) - len(checked.records) + len(full.options) - len(checked.options)
    case.expect(sum(checked.gaps) == missing > 0, f"gaps {sum(checked.gaps)}, lost {missing}")
    full = lossy(everything)
    case.faults += differences(records(full), run.truth())
    case.expect(not records(checked) - run.truth(), "records arrived that nobody sent")
    case.check_balanced(run.account())


def templates_lost(case):
    """over UDP, who missed the templates knows them after the next time they are told [11]"""
    collector = Datagrams(lambda number, octets: number < 20)
    run = case.run([f"ipfix+udp://{HOST}:{collector.port}?pace=3000&refresh-messages=50&linger=60"])
    case.expect(run.wait() == 0, run.errors())
    collector.finish()
    checked = lossy(collector.kept)
    case.faults += checked.problems[:3]
    case.expect(checked.unknown > 0, "it knew the templates from the start")
    known = next(i for i, one in enumerate(collector.kept) if has_template(one))
    case.expect(0 < known < 120, f"templates came after {known} messages")
    after = lossy(collector.kept[known:])
    case.expect(after.unknown == 0, f"{after.unknown} octets of no template")
    case.expect(records(after) == records(checked), "more was read before the templates")
    case.expect(not records(after) - run.truth(), "records arrived that nobody sent")


def slow_datagrams(case):
    """a UDP collector that does not read delays nobody, and what it finds later is right"""
    with case.collector() as good:
        slow = Datagrams(stopped=True)
        run = case.run([f"ipfix+udp://{HOST}:{slow.port}?pace=0",
                        f"ipfix+tcp://{HOST}:{good.port}?linger=60"])  # fmt: skip
        case.expect(run.wait() == 0, run.errors())
        case.check_whole(delivery.received(good.sessions()), run)
    slow.finish()
    checked = lossy(slow.kept)
    case.faults += checked.problems[:3]
    got = records(checked)
    case.expect(0 < got.total() < run.truth().total(), f"it got {got.total()} records")
    case.expect(not got - run.truth(), "records arrived that nobody sent")
    case.check_balanced(run.account())


class Cutter(threading.Thread):
    """A TCP collector that reads so many octets of each of its first sessions and then resets the
    connection, whatever else has come; the last session it reads to its end."""

    def __init__(self, limits):
        super().__init__(daemon=True)
        self.limits = limits
        self.listener = socket.create_server((HOST, 0))
        self.listener.settimeout(LIMIT_S)
        self.port = self.listener.getsockname()[1]
        self.sessions = []
        self.start()

    def run(self):
        for limit in [*self.limits, None]:
            one, _ = self.listener.accept()
            with one:
                self.sessions.append(self.read(one, limit))
                if limit:
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.listener.close()

    def read(self, one, limit):
        octets = b""
        while limit is None or len(octets) < limit:
            more = one.recv(65536 if limit is None else limit - len(octets))
            if not more:
                break
            octets += more
        return octets


def cut_in_a_message(case):
    """cut in the middle of a message, the next session begins with a whole one [16]"""
    # In a header, behind one, in a template, in a set, before the last octet of a message.
    cutter = Cutter([1, 7, 16, 23, 400, 5000, 70001, 200003])
    run = case.run([f"ipfix+tcp://{HOST}:{cutter.port}?linger=60"])
    case.expect(run.wait() == 0, run.errors())
    cutter.join(LIMIT_S)
    one = destinations(run.account())[0]
    cut = [octets for octets in cutter.sessions if whole(octets) != octets]
    case.expect(len(cutter.sessions) == 9 and len(cut) >= 6, f"{len(cut)} cuts in a message")
    for octets in cutter.sessions:
        if len(octets) >= 16:
            case.expect(octets[:2] == b"\0\n" and octets[8:12] == bytes(4), "not from the start")
    case.check_whole(delivery.received(cutter.sessions), run, one["repeated"])
    case.expect(lost(one) == 0, f"counts {one}")
    case.check_balanced(run.account())


def spool_under_tls(case):
    """what a TLS collector missed waits on disk, and is sent first by the next run"""
    folder = tempfile.mkdtemp(dir=case.folder)
    certificates = Certificates(folder)
    certificates.authority("good")
    certificates.issue("collector", "good", "IP:127.0.0.1")
    spool = os.path.join(folder, "spool")
    port = free_port()
    url = (f"ipfix+tls://{HOST}:{port}?ca={certificates.at('good.pem')}&queue=65536&timeout=2"
           f"&linger=2&spool={spool}")  # fmt: skip
    first = case.run([url])
    case.expect(first.wait() == 0, first.errors())
    kept = destinations(first.account())[0]["spooled"]["records"]
    case.expect(kept == first.truth().total(), f"{kept} records on disk")
    with Server(certificates, f"{HOST}:{port}") as server:
        second = case.run([url.replace("linger=2", "linger=60").replace("timeout=2", "timeout=60")])
        case.expect(second.wait() == 0, second.errors())
        expected = first.truth() + second.truth()
        wait_for(lambda: delivery.received([server.octets()])[0].total() >= expected.total(),
                 "every record")  # fmt: skip
        got, problems = delivery.received([server.octets()])
    case.faults += problems[:3] + differences(got, expected)
    case.expect(destinations(second.account())[0]["recovered"] == kept, "counts")
    case.check_balanced(second.account())


def live_with(case, url, frames):
    """The account of a live run with those frames."""
    netns.lay()
    try:
        with netns.Live(case.weir, [netns.FAR], "--hook", "af_packet", to=url) as live:
            case.expect(live.metering, live.errors)
            netns.send(frames)
            account = live.stop()
            case.expect(live.status == 0, live.errors)
    finally:
        netns.ip(f"link del {netns.NEAR}")
    case.check_balanced(account)
    return account


def spool_of_a_live_run(case):
    """a live run leaves on disk what its collector missed, and the next one sends it"""
    port, spool = free_port(), tempfile.mkdtemp(dir=case.folder)
    url = f"ipfix+tcp://{HOST}:{port}?timeout=1&linger=1&spool={spool}"
    sent = [Talk(cport=1000 + number).udp(number).data for number in range(200)]
    first = live_with(case, url, sent[:100])
    case.expect(first["spooled"]["records"] == 100, f"counts {first['spooled']}")
    with case.collector(port=port) as collector:
        second = live_with(case, url.replace("timeout=1&linger=1", "timeout=60&linger=60"), sent[100:])
        got, problems = delivery.received(collector.sessions())
    case.faults += problems[:3]
    case.expect(second["spooled"]["records"] == 0, f"counts {second['spooled']}")
    ports = collections.Counter(dict(record)["sourceTransportPort"] for record in got)
    case.expect(ports == collections.Counter(range(1000, 1200)), f"{got.total()} records")


def file_on_a_full_disk(case):
    """a file's full disk is one line, and what goes to the others arrives"""
    folder = tempfile.mkdtemp(dir=case.folder)
    script = "mount -t tmpfs -o size=512k none \"$1\" || exit 77; shift; exec \"$@\""
    with case.collector() as good:
        run = delivery.Run(case.weir, tempfile.mkdtemp(dir=case.folder), case.capture,
                           [f"ipfix+file:{folder}/flows", f"ipfix+tcp://{HOST}:{good.port}?linger=60"],
                           before=["unshare", "-m", "sh", "-c", script, "sh", folder])  # fmt: skip
        case.expect(run.wait() == 1, "a loss is no error")
        case.check_whole(delivery.received(good.sessions()), run)
    case.expect(run.errors().count("No space left") == 1, run.errors())
    account = run.account()
    one = delivery.destination(account, f"ipfix+file:{folder}/flows")
    case.expect(lost(one) > 0 and one["exported"]["records"] > 0, f"counts {one}")
    case.check_balanced(account)


def name_that_comes(case):
    """a name that resolves only later is tried again, and everything arrives"""
    hosts = os.path.join(case.folder, "hosts")
    with open(hosts, "w", encoding="ascii") as file:
        file.write("127.0.0.1 localhost\n")
    if os.system(f"mount --bind {hosts} /etc/hosts") != 0:
        case.faults.append("no hosts file of its own")
        return
    with case.collector() as collector:
        run = case.run([f"ipfix+tcp://{NAME}:{collector.port}?queue=100000000&linger=60"])
        wait_for(lambda: "trying again" in run.errors(), "a complaint")
        with open(hosts, "a", encoding="ascii") as file:
            file.write(f"127.0.0.1 {NAME}\n")
        case.expect(run.wait() == 0, run.errors())
        case.check_whole(delivery.received(collector.sessions()), run)
    case.expect(NAME in run.errors() and "reached again" in run.errors(), run.errors())
    case.expect(run.errors().count("trying again") == 1, run.errors())


def each_loss_is_told(case):
    """of several collectors that never came, each has its line at the end"""
    case.less("1k")
    urls = [f"ipfix+tcp://{HOST}:{free_port()}?linger=1&domain={number}" for number in range(3)]
    run = case.run(urls)
    case.expect(run.wait() == 1, "a loss is no error")
    lines = [line for line in run.errors().splitlines() if line.endswith("did not get there")]
    for url in urls:
        case.expect(sum(f'"{url}"' in line for line in lines) == 1, f"{url}: {lines}")
    case.check_balanced(run.account())


CASES = [loss_on_the_way, templates_lost, slow_datagrams, cut_in_a_message, spool_under_tls,
         spool_of_a_live_run, file_on_a_full_disk, name_that_comes, each_loss_is_told]  # fmt: skip

if __name__ == "__main__":
    netns.enter()
    netns.ip("link set lo up")
    sys.exit(run_cases(CASES, PACKETS))
