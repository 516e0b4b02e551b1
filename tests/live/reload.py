# SPDX-License-Identifier: BSD-2-Clause
"""`weir reload` and SIGHUP: destinations come, change and go while traffic flows, and every record
arrives once; what cannot change is named; a broken configuration changes nothing. And the control
socket by itself: who may talk to it, and what it says.

reload.py WEIR BLAST"""

import collections
import json
import os
import signal
import socket
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, os.path.join(HERE, "..", "net"))

import ipfix_check
import netns
import reloading
from collector import HOST, free_port
from reloading import ELEMENTS, packets

RELOADS = 24
NOBODY = 65534


class Datagrams:
    """What each sender's port sent, in order: a session each. The system gives a port that was closed
    to the next socket as well as any other, and two sessions would look like one. So a port is taken
    once it has been seen: an address beside the sender's keeps it from who asks for any port."""

    BESIDE = "127.0.0.2"

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
        self.socket.bind((HOST, 0))
        self.port = self.socket.getsockname()[1]
        self.by_sender = collections.OrderedDict()
        self.taken = []
        self.ending = False
        self.thread = threading.Thread(target=self.receive, daemon=True)
        self.thread.start()

    def receive(self):
        self.socket.settimeout(0.1)
        while True:
            try:
                octets, sender = self.socket.recvfrom(65535)
            except TimeoutError:
                if self.ending:
                    return
                continue
            if sender not in self.by_sender:
                self.taken.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                self.taken[-1].bind((self.BESIDE, sender[1]))
            self.by_sender.setdefault(sender, []).append(octets)

    def begun(self):
        """How many sessions, all of whose ports are taken."""
        return len(self.by_sender)

    def sessions(self):
        """Everything there is, once it has been received."""
        self.ending = True
        self.thread.join()
        for held in (self.socket, *self.taken):
            held.close()
        return [b"".join(datagrams) for datagrams in self.by_sender.values()]


class ReloadTest(reloading.Case):
    def check_sessions(self, sessions, account, again=False):
        """Every packet in a record once, nothing against the standards, whatever the session."""
        results = [ipfix_check.check(octets, ELEMENTS, again) for octets in sessions]
        for result in results:
            self.assertEqual(result.problems[:3], [])
        self.assertEqual(sum(packets(result.records) for result in results),
                         account["metered"]["packets"])
        return results

    # --- while traffic flows ---

    def test_templates_change_and_every_record_arrives(self):
        """no id gets another template, no data one that is no more [13, 15]"""
        tcp, keep = self.collector("tcp"), self.collector("keep")
        udp = Datagrams()
        own = self.path("own.tpl")

        def write(turn):
            template = ("standard", "biflow", "quality")[turn % 3]
            with open(own, "w", encoding="utf-8") as file:
                fields = ["sourceIPv4Address", "destinationIPv4Address", "packetDeltaCount",
                          "octetDeltaCount"]  # fmt: skip
                file.write("\n".join(["flow uniflow", "ip 4", *fields[: 4 - turn % 2], ""]))
            self.configure(
                ("export", "fanout = all"),
                ("exporter stream", f"to = ipfix+tcp://{HOST}:{tcp.port}", f"template = {template}",
                 "linger = 60"),
                ("exporter datagrams", f"to = udp://{HOST}:{udp.port}", f"template = {own}",
                 "refresh-messages = 50"),
                ("exporter file", f"to = ipfix+file:{self.path('file')}", f"template = {template}"),
                ("exporter keep", f"to = ipfix+tcp://{HOST}:{keep.port}", "linger = 60"),
            )  # fmt: skip

        write(0)
        live = self.run_weir("--detail", "full")
        blast = self.blast()
        for turn in range(1, RELOADS + 1):
            before = os.path.getsize(self.path("file"))
            netns.wait_for(lambda number=turn: udp.begun() == number, "the datagrams' session")
            write(turn)
            told = self.reload()
            for name in ("stream", "datagrams"):
                self.assertIn(f'destination "{name}": begins', told)
            self.assertIn('destination "file": has other records from here on', told)
            self.assertNotIn("keep", told)
            netns.wait_for(lambda size=before: os.path.getsize(self.path("file")) > size, "records")
        blast.stop()
        account = self.stop(live)
        self.check_sessions(tcp.sessions(), account)
        self.assertEqual(len(tcp.sessions()), RELOADS + 1)
        self.assertEqual(len(keep.sessions()), 1, "it did not change")
        self.check_sessions(keep.sessions(), account)
        with open(self.path("file"), "rb") as file:
            [result] = self.check_sessions([file.read()], account, again=True)
        self.assertGreater(len(result.templates), 3)
        ids = {}
        for result in self.check_sessions(udp.sessions(), account, again=True):
            for place, template in result.templates.items():  # 13
                self.assertEqual(ids.setdefault(place, template.layout()), template.layout())
        one = {row["name"]: row for row in account["destinations"]}
        self.assertEqual(one["keep"]["absent"]["packets"], 0)
        self.assertGreater(one["stream"]["absent"]["packets"], 0)

    def test_destinations_come_and_go(self):
        places = [self.collector(f"{i}") for i in range(3)]
        files = [self.path(f"file-{i}") for i in range(2)]
        always = self.path("always")

        def write(turn):
            sections = [("exporter always", f"to = ipfix+file:{always}")]
            sections += [(f"exporter {i}", f"to = ipfix+tcp://{HOST}:{place.port}", "linger = 60")
                         for i, place in enumerate(places) if turn >> i & 1]  # fmt: skip
            if turn % 5 == 0:
                sections.append(("exporter rotated", f"to = ipfix+file:{files[0]}-%s",
                                 "rotate-size = 100k"))  # fmt: skip
            self.configure(*sections[:: -1 if turn % 2 else 1])

        write(0)
        live = self.run_weir()
        blast = self.blast()
        for turn in range(1, RELOADS):
            before = os.path.getsize(always)
            write(turn)
            self.reload()
            netns.wait_for(lambda size=before: os.path.getsize(always) > size, "records")
        blast.stop()
        account = self.stop(live)
        with open(always, "rb") as file:
            self.check_sessions([file.read()], account)
        for place in places:
            for octets in place.sessions():
                self.assertEqual(ipfix_check.check(octets, ELEMENTS).problems[:3], [])

    def test_the_flows_are_shared_in_turns(self):
        """all, hash and failover, one after the other: where they are shared, together the
        destinations have every packet once."""
        places = [self.collector(f"{i}") for i in range(2)]

        def write(fanout, *names):
            self.configure(("export", f"fanout = {fanout}"),
                           *((f"exporter {name}", f"to = ipfix+tcp://{HOST}:{place.port}",
                              "linger = 60", f"template = {template}")
                             for name, place, template in zip(names, places, ("standard", "biflow"))),
                           )  # fmt: skip

        write("hash", "a", "b")
        live = self.run_weir()
        blast = self.blast()
        for turn in range(RELOADS):
            before = sum(place.octets() for place in places)
            write(("failover", "hash")[turn % 2], *(("a", "b"), ("a", "c"), ("d", "b"))[turn % 3])
            self.reload()
            netns.wait_for(lambda size=before: sum(place.octets() for place in places) > size,
                           "records")  # fmt: skip
        blast.stop()
        account = self.stop(live)
        self.check_sessions([octets for place in places for octets in place.sessions()], account)

    def test_all_and_shared_in_turns(self):
        places = [self.collector(f"{i}") for i in range(2)]
        always = self.path("always")

        def write(fanout):
            self.configure(("export", f"fanout = {fanout}"),
                           ("exporter file", f"to = ipfix+file:{always}"),
                           *((f"exporter {i}", f"to = ipfix+tcp://{HOST}:{place.port}",
                              "linger = 60") for i, place in enumerate(places)))  # fmt: skip

        write("all")
        live = self.run_weir()
        blast = self.blast()
        for turn in range(RELOADS):
            before = os.path.getsize(always)
            write(("hash", "all", "failover", "all")[turn % 4])
            self.reload()
            netns.wait_for(lambda size=before: os.path.getsize(always) > size, "records")
        blast.stop()
        account = self.stop(live)
        self.assertEqual(account["exported"]["packets"], account["metered"]["packets"])
        with open(always, "rb") as file:
            self.assertEqual(ipfix_check.check(file.read(), ELEMENTS).problems[:3], [])

    def test_a_collector_that_is_away_is_replaced(self):
        """What waited for it is counted as lost once it has gone, and the balance holds."""
        place = self.collector("there")
        self.configure(("exporter away", f"to = ipfix+tcp://{HOST}:{free_port()}", "linger = 0"))
        live = self.run_weir()
        netns.send(self.frames(100))
        self.configure(("exporter there", f"to = ipfix+tcp://{HOST}:{place.port}", "linger = 60"))
        self.reload()
        netns.send(self.frames(50))
        account = self.stop(live)
        [octets] = place.sessions()
        got = packets(ipfix_check.check(octets, ELEMENTS).records)
        self.assertEqual(got + account["dropped"]["failed"]["packets"], 150)
        self.assertEqual(account["exported"]["packets"], got)
        self.assertGreaterEqual(got, 50)

    # --- what does not change ---

    def test_what_cannot_change_is_named(self):
        where = ("exporter a", f"to = json+file:{self.path('a')}")
        self.configure(where)
        live = self.run_weir("--detail", "basic")
        self.configure(("live", "direction = out", "ring = 1M"), where)
        told = self.reload()
        self.assertIn("direction stays in until the run begins anew, which 'out' needs", told)
        self.assertIn("ring stays 16M until the run begins anew", told)
        self.configure(where, ("exporter b", f"to = json+file:{self.path('b')}", "template = full"))
        self.assertIn("its template needs more than is metered", self.reload())
        self.configure((*where, "template = full"))
        self.assertIn('destination "a": its template needs more than is metered; it goes on as it '
                      "was", self.reload())  # fmt: skip
        self.configure(where)
        self.assertEqual(self.reload(), "nothing has changed\n")
        netns.send(self.frames(10))
        self.assertEqual(self.stop(live)["exported"]["packets"], 10)
        self.assertFalse(os.path.exists(self.path("b")))

    def test_a_broken_configuration_changes_nothing(self):
        where = ("exporter a", f"to = json+file:{self.path('a')}")
        self.configure(where)
        live = self.run_weir()
        other = ("exporter b", f"to = json+file:{self.path('b')}")
        for broken, told in (
            ((where, other, ("meter", "idle-timout = 3")), "weir.conf:6: unknown key"),
            ((where, other, ("exporter c", "to = json+flie:x")), "there is no transport"),
            ((where, other, ("exporter c", "to = json+file:c", "template = nowhere")), "nowhere"),
            ((where, other, ("exporter c", "to = ipfix+tls://h", "ca = nowhere")), "nowhere"),
            ((where, other, ("exporter c", f"to = ipfix+file:{self.path('a')}")), "writes there"),
            ((("exporter a", f"to = ipfix+file:{self.path('a')}"), other), "another form"),
            ((("meter",),), "nothing says any more where records go"),
        ):
            self.configure(*broken)
            errors = self.reload(status=2)
            self.assertEqual(errors.count("\n"), 1, errors)
            self.assertIn(told, errors)
        os.unlink(self.config)
        self.assertIn("weir.conf", self.reload(status=1))
        netns.send(self.frames(10))
        account = self.stop(live)
        self.assertEqual([row["name"] for row in account["destinations"]], ["a"])
        self.assertEqual(account["exported"]["packets"], 10)
        self.assertFalse(os.path.exists(self.path("b")))

    # --- the ways in ---

    def test_sighup_does_the_same(self):
        self.configure(("exporter a", f"to = json+file:{self.path('a')}"))
        live = self.run_weir()
        self.configure(("exporter b", f"to = json+file:{self.path('b')}"))
        live.process.send_signal(signal.SIGHUP)
        netns.wait_for(lambda: os.path.exists(self.path("b")), "the other file")
        netns.send(self.frames(10))
        account = self.stop(live)
        self.assertEqual([row["name"] for row in account["destinations"]], ["b"])
        self.assertIn('weir: reload: destination "b": begins', live.errors)
        self.assertIn('weir: reload: destination "a": ends', live.errors)

    def test_status_is_told_and_statistics_change(self):
        self.configure(("exporter a", f"to = json+file:{self.path('a')}"))
        live = self.run_weir()
        self.assertEqual(self.ask("status")["answer"]["reloads"], 0)
        self.configure(("export", "statistics = 1s"),
                       ("exporter a", f"to = json+file:{self.path('a')}"))
        self.assertEqual(self.reload(), "statistics: 1s from here on\n")
        answer = self.ask("status")["answer"]
        self.assertEqual((answer["reloads"], answer["instance"], answer["interfaces"]),
                         (1, "reloaded", [netns.FAR]))
        self.assertEqual(answer["process"], live.process.pid)
        self.assertEqual(answer["destinations"][0]["name"], "a")
        self.assertTrue(answer["destinations"][0]["healthy"])
        self.assertEqual(self.ask("dance")["status"], 2)
        netns.send(self.frames(1))
        self.stop(live)
        self.assertEqual(os.listdir("/run/weir"), [])

    def test_who_comes_is_told_the_names_at_once(self):
        """Interfaces, to a collector that is added and to one that comes back."""
        one, other = self.collector("one"), self.collector("other")

        def write(*names):
            self.configure(("export", "statistics = 1h"),
                           *((f"exporter {place.folder[-5:].strip('/')}",
                              f"to = ipfix+tcp://{HOST}:{place.port}") for place in names))

        def told(place, session):
            if len(place.sessions()) <= session:
                return False
            octets = place.sessions()[session]
            whole = ipfix_check.whole(octets)
            return whole and any("interfaceName" in record
                                 for record in ipfix_check.check(whole, ELEMENTS).options)

        write(one)
        live = self.run_weir()
        netns.wait_for(lambda: told(one, 0), "the names at the beginning")
        write(one, other)
        self.reload()
        netns.wait_for(lambda: told(other, 0), "the names at a new collector")
        one.kill()
        netns.wait_for(lambda: not self.ask("status")["answer"]["destinations"][0]["healthy"],
                       "it is seen that the collector is away")  # fmt: skip
        one.start()
        netns.wait_for(lambda: told(one, 1), "the names at a collector that is back")
        netns.send(self.frames(1))
        self.stop(live)

    def test_others_may_not(self):
        self.configure(("exporter a", f"to = json+file:{self.path('a')}"))
        live = self.run_weir()
        self.assertEqual(os.stat("/run/weir/reloaded.sock").st_mode & 0o007, 0)
        os.chmod("/run/weir/reloaded.sock", 0o666)  # as if the system did not look
        answer = as_nobody(asked)
        self.assertEqual(json.loads(answer)["status"], 3, answer)
        netns.send(self.frames(1))
        self.stop(live)

    def test_nobody_to_ask(self):
        self.assertIn("nothing runs", self.reload(status=2))
        done = subprocess.run([self.weir, "reload", "nowhere"], capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stderr),
                         (2, b"weir: no instance nowhere is running\n"))


def asked():
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(netns.WAIT_S)
        asking.connect("/run/weir/reloaded.sock")
        return asking.recv(65536)


def as_nobody(function):
    """What it returns in a process without rights."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os.write(writing, function())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        told = file.read()
    os.waitpid(child, 0)
    return told


if __name__ == "__main__":
    reloading.main()
