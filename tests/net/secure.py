#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Export over TLS and DTLS: secure.py WEIR CAPTURE

Number 45 of the list of what the standards demand (RFC 7011, 10.4 and 11): mutual X.509, the
peer's name checked, port 4740; against openssl s_server and Python's ssl. Whatever arrives is
checked octet by octet, and is what a file of the same run holds. A collector that is not who it
should be gets nothing."""

import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), HERE]

import ipfix_check
import netns
from make_pcap import SECOND, Talk
from tls_listener import Certificates, Listener, Relay, Server, wait_for

WEIR = CAPTURE = ""  # set from the command line
PORT = 4740
PLACES = {"127.0.0.1": f"127.0.0.1:{PORT}", "[::1]": f"[::1]:{PORT}"}
DTLS_MOST = 1300
PATIENT = "&linger=60&timeout=60"  # a loaded machine only takes longer
ELEMENTS = ipfix_check.load_elements()
# How a listener asks for a certificate and judges it.
MUTUAL = ["-Verify", "1", "-verify_return_error", "-CAfile", "good.pem"]
OLD = ["-cipher", "ALL:@SECLEVEL=0"]
FOLDER = tempfile.TemporaryDirectory(prefix="weir-")
CERTIFICATES = Certificates(FOLDER.name)
HALF = 300  # flows
# The second where the first was over before the first answer, as on a busy machine.
TRIES = ["linger=1&timeout=2", "linger=30&timeout=20"]


def setUpModule():
    CERTIFICATES.authority("good")
    CERTIFICATES.authority("other")
    CERTIFICATES.issue("collector", "good", "DNS:collector.test,IP:127.0.0.1,IP:::1")
    CERTIFICATES.issue("elsewhere", "good", "DNS:elsewhere.test")
    CERTIFICATES.issue("expired", "good", "IP:127.0.0.1", days=-1)
    CERTIFICATES.issue("exporter", "good", "DNS:exporter.test")
    CERTIFICATES.issue("stranger", "other", "DNS:exporter.test")


def tearDownModule():
    FOLDER.cleanup()


def key(record):
    return json.dumps(record, sort_keys=True)


def messages(octets):
    """The whole ones; of the last there may be a part."""
    found = []
    while len(octets) >= 16:
        length = struct.unpack_from(">H", octets, 2)[0]
        if length > len(octets):
            break
        found.append(octets[:length])
        octets = octets[length:]
    return found


class Case(unittest.TestCase):
    def setUp(self):
        self.errors = ""

    def replay(self, *urls, options=()):
        """Its status; errors and account are there then."""
        account = CERTIFICATES.at("account")
        words = [word for url in urls for word in ("--to", url)]
        done = subprocess.run(
            [WEIR, "replay", "--quiet", CAPTURE, *options, *words, "--json-stats", account],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
            cwd=FOLDER.name, env=dict(os.environ, G_DEBUG="fatal-warnings", LC_ALL="C"))  # fmt: skip
        self.errors = done.stderr
        self.account = None
        if done.returncode in (0, 1):
            with open(account, encoding="ascii") as file:
                self.account = json.load(file)
        return done.returncode

    def check(self, octets):
        """The records of whole and correct IPFIX."""
        result = ipfix_check.check(octets, ELEMENTS)
        self.assertEqual(result.problems, [])
        return [key(record) for record in result.records]

    def of_file(self):
        with open(CERTIFICATES.at("flows"), "rb") as file:
            return self.check(file.read())

    def deliver(self, server, url):
        """To the collector and to a file: the same records."""
        self.assertEqual(self.replay(url + PATIENT, "ipfix+file:flows"), 0, self.errors)
        self.assertEqual(self.errors, "")
        expected = self.of_file()
        self.assertGreater(len(expected), 10)
        for destination in self.account["destinations"]:
            self.assertEqual(destination["exported"]["records"], len(expected))
        wait_for(lambda: len(server.octets()) and
                 len(self.records_so_far(server)) == len(expected), "every record")
        self.assertEqual(self.check(server.octets()), expected)

    def records_so_far(self, server):
        octets = b"".join(messages(server.octets()))
        return ipfix_check.check(octets, ELEMENTS).records if octets else []


class DeliveryTest(Case):
    def test_tls_of_each_version_and_address_family(self):
        """TLS from 1.2 on, at port 4740 [45]"""
        for version in ("-tls1_3", "-tls1_2"):
            for host, place in PLACES.items():
                with self.subTest(f"{version} {host}"):
                    with Server(CERTIFICATES, place, version) as server:
                        self.deliver(server, f"ipfix+tls://{host}?ca=good.pem")

    def test_dtls_of_each_address_family(self):
        """and DTLS 1.2 [45]"""
        for host, place in PLACES.items():
            with self.subTest(host):
                with Server(CERTIFICATES, place, "-dtls1_2") as server:
                    self.deliver(server, f"ipfix+dtls://{host}?ca=good.pem")
                    self.assertLessEqual(max(map(len, messages(server.octets()))), DTLS_MOST)

    def test_both_sides_show_certificates(self):
        """either side knows the other by its certificate [45]"""
        own = "cert=exporter.pem&key=exporter.key"
        for scheme, version in (("tls", "-tls1_3"), ("tls", "-tls1_2"), ("dtls", "-dtls1_2")):
            with self.subTest(version):
                with Server(CERTIFICATES, PLACES["127.0.0.1"], version, *MUTUAL) as server:
                    self.deliver(server, f"ipfix+{scheme}://127.0.0.1?ca=good.pem&{own}")

    def test_the_name_may_be_another_than_the_host(self):
        for scheme, version in (("tls", "-tls1_3"), ("dtls", "-dtls1_2")):
            with Server(CERTIFICATES, PLACES["127.0.0.1"], version,
                        certificate="elsewhere") as server:
                self.deliver(server,
                             f"ipfix+{scheme}://127.0.0.1?ca=good.pem&name=elsewhere.test")

    def test_a_listener_that_ends_without_a_close_notify_gets_everything_once(self):
        with Listener(CERTIFICATES, PORT, mutual=True) as listener:
            url = "ipfix+tls://127.0.0.1?ca=good.pem&cert=exporter.pem&key=exporter.key"
            self.assertEqual(self.replay(url + PATIENT, "ipfix+file:flows"), 0, self.errors)
            expected = self.of_file()
        self.assertEqual([self.check(octets) for octets in listener.sessions], [expected])
        self.assertEqual(listener.versions, ["TLSv1.3"])
        self.assertIn(("DNS", "exporter.test"), listener.holders[0]["subjectAltName"])

    def test_json(self):
        with Listener(CERTIFICATES, PORT) as listener:
            url = f"json+tls://127.0.0.1:{PORT}?ca=good.pem"
            self.assertEqual(self.replay(url + PATIENT, "json+file:flows"), 0, self.errors)
        with open(CERTIFICATES.at("flows"), "rb") as file:
            self.assertEqual(b"".join(listener.sessions), file.read())


class RefusalTest(Case):
    """Who is not trusted gets nothing, and the user gets one line that says why."""

    def refused(self, said, url, *options, certificate="collector"):
        for tries in TRIES:
            server = Server(CERTIFICATES, PLACES["127.0.0.1"], *options, certificate=certificate)
            with server:
                status = self.replay(f"ipfix+{url}&{tries}")
                self.assertEqual(server.octets(), b"")
            if len(self.errors.splitlines()) > 1 and said in self.errors.splitlines()[0]:
                break
        first, last = self.errors.splitlines()
        self.assertIn(said, first)
        self.assertTrue(first.endswith("; trying again"), first)
        # s_server has one DTLS session at a time, and may be at the one it has refused for a while.
        busy = url.startswith("dtls") and "nothing there answers the handshake" in last
        self.assertTrue(said in last or busy, last)
        self.assertIn("did not get there", last)
        destination = self.account["destinations"][0]
        self.assertEqual(destination["exported"]["records"], 0)
        self.assertGreater(destination["dropped"]["failed"]["packets"], 0)
        self.assertTrue(self.account["balanced"])
        self.assertEqual(status, 1)

    def each(self, said, query, *options, certificate="collector"):
        for scheme, version in (("tls", "-tls1_3"), ("tls", "-tls1_2"), ("dtls", "-dtls1_2")):
            with self.subTest(version):
                self.refused(said, f"{scheme}://127.0.0.1?{query}", version, *options,
                             certificate=certificate)

    def test_an_unknown_authority(self):
        self.each("refused: no CA of ca=other.pem has signed it;", "ca=other.pem")

    def test_an_authority_the_system_does_not_know(self):
        self.refused("no CA that this system knows has signed it; name its CA with ca=",
                     "tls://127.0.0.1?domain=1")

    def test_a_wrong_name(self):
        """a peer of another name gets nothing [45]"""
        self.each("refused: it is for elsewhere.test, not for 127.0.0.1; name= says",
                  "ca=good.pem", certificate="elsewhere")
        self.each("refused: it is for collector.test, 127.0.0.1, ::1, not for elsewhere.test;",
                  "ca=good.pem&name=elsewhere.test")

    def test_an_expired_certificate(self):
        self.each("refused: it expired at 20", "ca=good.pem", certificate="expired")

    def test_everything_wrong_at_once_is_all_said(self):
        self.refused("and it is for elsewhere.test, not for 127.0.0.1", "tls://127.0.0.1?ca=other.pem",
                     certificate="elsewhere")

    def test_no_certificate_of_ours(self):
        self.each("if it wants a certificate of ours, name one with cert= and key=",
                  "ca=good.pem", *MUTUAL)

    def test_a_certificate_of_ours_that_is_not_trusted(self):
        self.each("it was shown the certificate of cert=stranger.pem",
                  "ca=good.pem&cert=stranger.pem&key=stranger.key", *MUTUAL)

    def test_a_key_of_another_certificate(self):
        self.each("it was shown the certificate of cert=exporter.pem",
                  "ca=good.pem&cert=exporter.pem&key=stranger.key", *MUTUAL)

    def test_old_versions(self):
        for url, version in (("tls", "-tls1_1"), ("tls", "-tls1"), ("dtls", "-dtls1")):
            with self.subTest(version):
                self.refused("nothing newer than TLS 1.1 or DTLS 1.0",
                             f"{url}://127.0.0.1?ca=good.pem", version, *OLD)


class UsageTest(Case):
    def test_options_that_cannot_be(self):
        with open(CERTIFICATES.at("text"), "w", encoding="ascii") as file:
            file.write("no certificate\n")
        for url, said in (
                ("ipfix+tls://host?ca=none", "ca=none: "),
                ("ipfix+dtls://host?ca=text", "ca=text: "),
                ("ipfix+tls://host?ca=good.key", "ca=good.key: there is no certificate in it"),
                ("ipfix+tls://host?cert=exporter.pem", "name the file of the key with key="),
                ("ipfix+tls://host?key=exporter.key", "without cert="),
                ("ipfix+tls://host?cert=text&key=exporter.key", "cert=text: "),
                ("ipfix+tls://host?cert=exporter.pem&key=none", "key=none: "),
                ("ipfix+dtls://host?cert=exporter.pem&key=good.pem", "key=good.pem: "),
                ("ipfix+tls://host?name=", "name= has no value"),
                ("ipfix+tcp://host?ca=good.pem", "ca= is for tls and dtls"),
                ("ipfix+udp://host?name=x", "name= is for tls and dtls"),
                ("ipfix+file:flows?cert=exporter.pem", "cert= is for tls and dtls"),
                ("ipfix+dtls://host?mtu=1301", "mtu= of dtls is at most 1300"),
                ("ipfix+dtls://host?template=full", "more than a message of 1300 holds"),
                ("json+dtls://host", "there is file tcp tls"),
                ("netflow9+tls://host", "there is file udp")):
            with self.subTest(url):
                self.assertEqual(self.replay(url), 2)
                self.assertEqual(self.errors.count("\n"), 1, self.errors)
                self.assertIn(said, self.errors)

    def test_sctp_where_the_kernel_has_none(self):
        """where there is no SCTP, that is said at the start [46]"""
        try:
            socket.socket(socket.AF_INET, socket.SOCK_STREAM,
                                socket.IPPROTO_SCTP).close()
            self.skipTest("this kernel has SCTP")
        except OSError:
            pass
        self.assertEqual(self.replay("ipfix+sctp://127.0.0.1"), 2)
        self.assertIn("this kernel has no SCTP", self.errors)
        self.assertEqual(self.errors.count("\n"), 1, self.errors)


class Feed:
    """`weir replay -` that is given flows bit by bit."""

    def __init__(self, url):
        self.fed = 0
        self.log = open(CERTIFICATES.at("log"), "w+b")
        self.process = subprocess.Popen(
            [WEIR, "replay", "--quiet", "-", "--idle-timeout", "1s", "--to", url, "--to",
             "ipfix+file:flows"],
            stdin=subprocess.PIPE, stderr=self.log, cwd=FOLDER.name,
            preexec_fn=netns.end_with_parent,
            env=dict(os.environ, G_DEBUG="fatal-warnings", LC_ALL="C"))  # fmt: skip
        self.process.stdin.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1))

    def flows(self, count):
        for number in range(self.fed, self.fed + count):
            talk = Talk("10.0.0.1", "10.0.0.2", cport=10000 + number % 50000)
            packet = talk.udp(number * SECOND // 10)
            head = struct.pack("<IIII", *divmod(packet.time_ns, SECOND), *[len(packet.data)] * 2)
            self.process.stdin.write(head + packet.data)
        self.process.stdin.flush()
        self.fed += count

    def flows_until(self, condition, what):
        def attempt():
            self.flows(20)
            time.sleep(0.05)  # a collector's socket holds few
            return condition()

        wait_for(attempt, what)

    def said(self):
        self.log.flush()
        with open(self.log.name, encoding="utf-8") as file:
            return file.read()

    def end(self):
        self.process.stdin.close()
        return self.process.wait(timeout=netns.WAIT_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdin.close()
        self.log.close()


class ReturnTest(Case):
    """A collector that is killed and started again."""

    def session(self, server):
        """Its records: whole messages of a session that began anew."""
        octets = b"".join(messages(server.octets()))
        return self.check(octets) if octets else []

    def test_over_tls_nothing_is_lost(self):
        with Feed("ipfix+tls://127.0.0.1?ca=good.pem&mtu=1400" + PATIENT) as feed:
            with Server(CERTIFICATES, PLACES["127.0.0.1"]) as first:
                feed.flows_until(first.octets, "the first collector gets something")
            feed.flows(HALF)
            with Server(CERTIFICATES, PLACES["127.0.0.1"]) as second:
                feed.flows(HALF)
                self.assertEqual(feed.end(), 0, feed.said())
                expected = self.of_file()
                self.assertEqual(len(expected), feed.fed)
                wait_for(lambda: set(self.session(first)) | set(self.session(second)) >=
                         set(expected), "every record")
                self.assertEqual(len(self.session(second)), len(set(self.session(second))))

    def test_over_dtls_a_refusal_is_noticed(self):
        # There before weir tries: what the log says of it comes later.
        first = Server(CERTIFICATES, PLACES["127.0.0.1"], "-dtls1_2")
        with Feed("ipfix+dtls://127.0.0.1?ca=good.pem&pace=500&timeout=60&linger=100") as feed:
            with first:
                feed.flows_until(first.octets, "the first collector gets something")
            feed.flows_until(lambda: "trying again" in feed.said(), "it is missed")
            with Server(CERTIFICATES, PLACES["127.0.0.1"], "-dtls1_2") as second:
                wait_for(lambda: "reached again" in feed.said(), "it is found")
                before = feed.fed
                feed.flows(HALF)
                self.assertEqual(feed.end(), 0, feed.said())
                expected = self.of_file()
                self.assertEqual(len(expected), feed.fed)
                wait_for(lambda: set(self.session(second)) >= set(expected[before:]),
                         "what came after")
            self.session(first)

    def test_over_dtls_one_that_forgot_the_session_is_noticed(self):
        """Nothing comes back from it: it is the next handshake that finds it."""
        behind = f"127.0.0.1:{PORT + 1}"
        first = Server(CERTIFICATES, behind, "-dtls1_2")
        with first, Relay(PORT, PORT + 1), \
                Feed("ipfix+dtls://127.0.0.1?ca=good.pem&renew=6&pace=500&timeout=20") as feed:
            feed.flows_until(first.octets, "the first collector gets something")
            first.kill()
            with Server(CERTIFICATES, behind, "-dtls1_2", "-listen") as second:
                feed.flows_until(lambda: self.records_so_far(second), "the second gets something")
                feed.end()  # s_server has one session at a time: another may be refused now


if __name__ == "__main__":
    WEIR, CAPTURE = (os.path.abspath(path) for path in (sys.argv.pop(1), sys.argv.pop(1)))
    netns.enter()
    netns.ip("link set lo up")
    unittest.main()
