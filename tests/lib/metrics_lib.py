# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of metrics share: asking weir, and finding Debian's Prometheus."""

import http.client
import json
import os
import shutil
import socket
import ssl
import struct
import subprocess

import netns

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
PORT = 9481
NO_PROMETHEUS = "there is no Prometheus; sudo tools/prometheus get"


def find(program):
    """promtool or prometheus: installed, or unpacked by tools/prometheus."""
    unpacked = os.path.join(ROOT, "build", "prometheus", "usr", "bin", program)
    return shutil.which(program) or (unpacked if os.access(unpacked, os.X_OK) else None)


def loopback():
    """Of the test's namespace, with both kinds of addresses."""
    try:
        with open("/proc/sys/net/ipv6/conf/lo/disable_ipv6", "w", encoding="ascii") as file:
            file.write("0")
    except FileNotFoundError:
        pass
    netns.ip("link set lo up")


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.octets = response.read()
        self.text = self.octets.decode("utf-8")


def ask(path, method="GET", host="127.0.0.1", port=PORT, tls=None, body=None, **headers):
    """One request on a connection of its own; names of headers with _ for -."""
    where = {"timeout": netns.WAIT_S}
    if tls:
        connection = http.client.HTTPSConnection(host, port, context=tls, **where)
    else:
        connection = http.client.HTTPConnection(host, port, **where)
    try:
        connection.request(method, path, body=body,
                           headers={name.replace("_", "-"): text for name, text in headers.items()})
        return Answer(connection.getresponse())
    finally:
        connection.close()


def trusting(certificate):
    context = ssl.create_default_context(cafile=certificate)
    context.check_hostname = False
    return context


def scrape(**options):
    """Families by name, as the strict reader has them."""
    import openmetrics

    answer = ask("/metrics", Accept=OPENMETRICS, **options)
    if answer.status != 200:
        return None
    return openmetrics.parse(answer.octets)


def value(families, name, **labels):
    """Of the one sample of this name (of the sample, not the family) and these labels; or None."""
    for family in families.values():
        for (suffix, pairs), found in family.samples.items():
            if family.name + suffix == name and dict(pairs) == labels:
                return found
    return None


def health(path="/healthz", **options):
    """Status, and state and text by what it is about."""
    answer = ask(path, Accept="application/json", **options)
    told = json.loads(answer.text)
    return answer.status, {check["name"]: (check["status"], check["text"])
                           for check in told["checks"]}


def wait_until_ready(**options):
    netns.wait_for(lambda: ask("/readyz", **options).status == 200, "ready")


def start(case, weir, *options, **where):
    """A run that is ready, until the end of the test."""
    live = netns.Live(weir, [netns.FAR], "--idle-timeout", "200ms", "--metrics", f"127.0.0.1:{PORT}",
                      *options, **where)
    case.addCleanup(live.close)
    case.addCleanup(lambda: live.status is None and live.stop())  # leaves no account
    case.assertTrue(live.metering, live.errors)
    wait_until_ready()
    return live


def tcp(up, seq, ack, flags, payload=b"", port=40000):
    """A frame of TCP between 10.0.0.1 and 10.9.9.9, port 80."""
    ends = (bytes((10, 0, 0, 1)), bytes((10, 9, 9, 9)))
    ports = (port, 80)
    if not up:
        ends, ports = ends[::-1], ports[::-1]
    segment = struct.pack(">HHIIBBHHH", *ports, seq, ack, 0x50, flags, 65000, 0, 0) + payload
    header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), 0, 0, 64, 6, 0, *ends)
    return bytes(12) + b"\x08\x00" + header + segment


def not_ip():
    return bytes(12) + b"\x88\xb5" + bytes(46)  # an Ethertype for experiments


def check_with_promtool(text):
    """What promtool has to complain of."""
    done = subprocess.run([find("promtool"), "check", "metrics"], input=text, text=True,
                          capture_output=True, check=False)
    return (done.stdout + done.stderr).strip() if done.returncode or done.stderr else ""


def connect(port=PORT):
    return socket.create_connection(("127.0.0.1", port), timeout=netns.WAIT_S)
