# SPDX-License-Identifier: BSD-2-Clause
"""Who may scrape, what a bad option is told, and what slow, many and mad clients come to."""

import os
import random
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import metrics_lib
import netns
from metrics_lib import ask
from udp_frame import udp

WEIR = ""  # set from the command line
TOKEN = "0123456789abcdef0123456789abcdef"
SLOW = 100
MAD = 400  # requests of the fuzzer
SEED = 20240229

FOLDER = tempfile.TemporaryDirectory(prefix="weir-")


def path_of(name):
    return os.path.join(FOLDER.name, name)


def write(name, text, mode=0o600):
    with open(path_of(name), "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path_of(name), mode)
    return path_of(name)


def make_certificate():
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "30", "-subj", "/CN=weir", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", path_of("key.pem"), "-out", path_of("cert.pem")],
        check=True, capture_output=True)  # fmt: skip
    os.chmod(path_of("key.pem"), 0o600)


class Run(unittest.TestCase):
    def setUp(self):
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")

    def start(self, *options):
        live = netns.Live(WEIR, [netns.FAR], "--hook", "af_packet", "--metrics", "127.0.0.1:9481",
                          "--idle-timeout", "200ms", *options)
        self.addCleanup(live.close)
        self.assertTrue(live.metering, live.errors)
        return live


class TokenTest(Run):
    def test_token(self):
        """only who gives the token gets anything"""
        self.start("--metrics-token-file", write("token", TOKEN + "\n"))
        metrics_lib.wait_until_ready(Authorization=f"Bearer {TOKEN}")
        for path in ("/", "/metrics", "/healthz", "/readyz", "/nothing"):
            for wrong in ({}, {"Authorization": "Bearer "}, {"Authorization": f"Basic {TOKEN}"},
                          {"Authorization": f"Bearer {TOKEN[:-1]}"},
                          {"Authorization": f"Bearer {TOKEN}x"},
                          {"Authorization": "Bearer " + "x" * 20000}):
                answer = ask(path, **wrong)
                self.assertEqual(answer.status, 401, (path, wrong))
                self.assertEqual(answer.headers["www-authenticate"], "Bearer")
                self.assertNotIn("weir_", answer.text)
        self.assertEqual(ask("/metrics", method="POST", body=b"x").status, 401)
        families = metrics_lib.scrape(Authorization=f"Bearer {TOKEN}")
        self.assertGreater(
            metrics_lib.value(families, "weir_metrics_requests_total", code="401"), 0)

    def test_tls(self):
        """over TLS only who trusts the certificate, and speaks TLS, gets anything"""
        self.start("--metrics-cert", path_of("cert.pem"), "--metrics-key", path_of("key.pem"),
                   "--metrics-token-file", write("token", TOKEN))
        given = {"tls": metrics_lib.trusting(path_of("cert.pem")),
                 "Authorization": f"Bearer {TOKEN}"}
        metrics_lib.wait_until_ready(**given)
        self.assertIn("weir_seen_packets", metrics_lib.scrape(**given))
        self.assertEqual(ask("/metrics", tls=given["tls"]).status, 401)
        with self.assertRaises(ssl.SSLError):
            ask("/metrics", tls=ssl.create_default_context())
        with self.assertRaises((OSError, Exception)) as caught:
            ask("/metrics")
        self.assertNotIsInstance(caught.exception, AssertionError)
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_2
        self.assertEqual(ask("/healthz", tls=old, Authorization=f"Bearer {TOKEN}").status, 200)


class OptionTest(unittest.TestCase):
    def refused(self, *options, about):
        """One line that says what is wrong, and status 2, before anything is touched."""
        done = subprocess.run([WEIR, "run", "lo", "--to", f"json+file:{path_of('none')}", *options],
                              capture_output=True, text=True, check=False, cwd=FOLDER.name,
                              timeout=netns.WAIT_S)
        lines = done.stderr.strip().splitlines()
        self.assertEqual((done.returncode, len(lines)), (2, 1), (options, done.stderr))
        self.assertIn(about, lines[0])
        self.assertFalse(os.path.exists(path_of("none")))

    def test_address(self):
        for address, about in ((":9481", "--metrics-open"), ("0.0.0.0:9481", "--metrics-open"),
                               ("[::]:9481", "--metrics-open"), ("10.9.9.1:9481", "--metrics-open"),
                               ("x", "no port"), ("127.0.0.1", "no port"), ("[::1:9481", "bracket"),
                               ("::1:9481", "brackets"), ("example.com:9481", "no address")):
            with self.subTest(address=address):
                self.refused("--metrics", address, about=about)
        with socket.create_server(("127.0.0.1", 9481)):
            self.refused("--metrics", "127.0.0.1:9481", about="in use")
            self.refused("--metrics", "9481", about="in use")

    def test_files(self):
        here = ("--metrics", "9481")
        good = ("--metrics-cert", path_of("cert.pem"), "--metrics-key", path_of("key.pem"))
        self.refused(*here, *good[:2], about="--metrics-key")
        self.refused(*here, *good[2:], about="--metrics-cert")
        self.refused(*here, *good[:2], "--metrics-key", path_of("gone"), about="No such file")
        self.refused(*here, *good[2:], "--metrics-cert", path_of("gone"), about="gone")
        self.refused(*here, *good[:2], "--metrics-key", write("bad", "x"), about="bad")
        with open(path_of("key.pem"), encoding="ascii") as file:
            self.refused(*here, *good[:2], "--metrics-key", write("open", file.read(), 0o644),
                         about="0644")
        token = "--metrics-token-file"
        self.refused(*here, token, path_of("gone"), about="No such file")
        self.refused(*here, token, write("short", "secret"), about="16 characters")
        self.refused(*here, token, write("two", f"{TOKEN}\n{TOKEN}\n"), about="one line")
        self.refused(*here, token, write("wide", TOKEN, 0o604), about="0604")
        self.refused(*here, token, FOLDER.name, about=FOLDER.name)

    def test_alone(self):
        """what belongs to --metrics says so without it"""
        for option in (("--metrics-open",), ("--metrics-cert", "x"), ("--metrics-key", "x"),
                       ("--metrics-token-file", "x")):
            self.refused(*option, about="--metrics")


class ClientTest(Run):
    def flows(self, source):
        """The drain goes on: new packets are in records."""
        before = metrics_lib.value(metrics_lib.scrape(), "weir_exported_packets_total")
        netns.send([udp(source)] * 10)
        netns.wait_for(lambda: metrics_lib.value(
            metrics_lib.scrape(), "weir_exported_packets_total") == before + 10, "exported")

    def test_slow(self):
        """a hundred clients that say nothing, or half of a request, or take nothing, hold up nobody"""
        live = self.start()
        metrics_lib.wait_until_ready()
        half = b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: "
        clients = []
        for i in range(SLOW):
            client = metrics_lib.connect()
            self.addCleanup(client.close)
            clients.append(client)
            if i % 3 == 0:
                client.sendall(half)
            elif i % 3 == 1:
                client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 40)
            if i % 20 == 0:
                self.flows(1000 + i)
        self.flows(1)
        families = metrics_lib.scrape()
        self.assertLessEqual(metrics_lib.value(families, "weir_metrics_connections"), 128)
        self.assertGreater(
            metrics_lib.value(families, "weir_metrics_expelled_connections_total"), 0)
        fds = len(os.listdir(f"/proc/{live.process.pid}/fd"))
        self.assertLess(fds, 200)

        def is_alone():  # those that never finish a request are shown out in time
            return metrics_lib.value(metrics_lib.scrape(), "weir_metrics_connections") <= 40
        netns.wait_for(is_alone, "the slow ones are gone")
        account = live.stop()
        self.assertEqual(live.status, 0, live.errors)
        self.assertTrue(account["balanced"])

    def test_many(self):
        """scrapes without a pause cost the run few pages, and all are answered"""
        live = self.start()
        metrics_lib.wait_until_ready()
        answers = [ask("/metrics").status for _ in range(100)]
        self.assertEqual(set(answers), {200})
        live.stop()
        self.assertEqual(live.status, 0, live.errors)

    def mad(self, rng):
        """A request that is not quite one."""
        lines = [b"GET /metrics HTTP/1.1", b"Host: x", b"Accept: application/openmetrics-text",
                 b"Content-Length: 5", b"Transfer-Encoding: chunked", b"Expect: 100-continue",
                 b"Connection: Upgrade", b"Upgrade: websocket", b"Range: bytes=0-5",
                 b"If-Modified-Since: x", b"Authorization: Bearer x", b"Content-Encoding: gzip"]
        first = rng.choice([lines[0], b"HEAD /healthz HTTP/1.1", b"POST / HTTP/1.0",
                            b"GET //%00%ff/../metrics?x=%zz HTTP/1.1", b"GET * HTTP/1.1",
                            b"CONNECT x:1 HTTP/1.1", b"PRI * HTTP/2.0", b"GET http://y/readyz HTTP/1.1",
                            b"OPTIONS * HTTP/1.1", b"G\xc3\xa9T / HTTP/9.9", b"GET /" + b"a" * 70000])
        text = b"\r\n".join([first, *rng.sample(lines[1:], rng.randrange(len(lines)))])
        text = bytearray(text + b"\r\n\r\n" + rng.choice([b"", b"5\r\nhello\r\n0\r\n\r\n", b"x" * 100000]))
        for _ in range(rng.choice([0, 0, 1, 5, 50])):
            at = rng.randrange(min(len(text), 400))
            text[at] = rng.randrange(256)
        return bytes(text[: rng.choice([len(text), rng.randrange(len(text))])])

    def test_mad(self):
        """whatever is sent, it goes on, and goes on metering"""
        # libsoup 3.2 itself leaks the path of some requests it refuses (soup_headers_parse_request).
        before = os.environ.get("ASAN_OPTIONS")
        os.environ["ASAN_OPTIONS"] = f"{before}:detect_leaks=0" if before else "detect_leaks=0"
        try:
            live = self.start()
        finally:
            os.environ["ASAN_OPTIONS"] = before or ""
        metrics_lib.wait_until_ready()
        rng = random.Random(SEED)
        for number in range(MAD):
            text = self.mad(rng)
            with metrics_lib.connect() as client:
                try:
                    client.sendall(text)
                    client.shutdown(socket.SHUT_WR)
                    if number % 2:
                        while client.recv(65536):
                            pass
                except OSError:
                    pass
            self.assertIsNone(live.process.poll(), (number, text[:300], live.errors))
        self.flows(7)
        account = live.stop()
        self.assertEqual(live.status, 0, live.errors)
        self.assertTrue(account["balanced"])


if __name__ == "__main__":
    WEIR = os.path.abspath(sys.argv.pop(1))
    netns.enter()
    metrics_lib.loopback()
    make_certificate()
    unittest.main(verbosity=2)
