# SPDX-License-Identifier: BSD-2-Clause
"""Debian's Prometheus reads weir: the shipped configuration, alert rules and dashboard, with data."""

import json
import math
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import metrics_lib
import netns
from scrape import FRAMES, OCTETS, PACKETS

WEIR = ""  # set from the command line
ETC = os.path.join(metrics_lib.ROOT, "etc")
API = "http://127.0.0.1:9090/api/v1/"
ALERT = re.compile(r"^ *- alert: (\w+)$", re.MULTILINE)
EXPR = re.compile(r"^ *expr: (.+)$", re.MULTILINE)
# What a dashboard's variables stand for here.
PAST = "10m"  # longer than a loaded machine takes from the traffic to a question about its rate
VARIABLES = (("$__rate_interval", PAST), ("$instance", ".*"), ("$job", "weir"))

def read(*path):
    with open(os.path.join(ETC, *path), encoding="utf-8") as file:
        return file.read()


def alerts():
    """(name, expression) of every rule."""
    text = read("prometheus", "weir.rules.yml")
    return list(zip(ALERT.findall(text), EXPR.findall(text), strict=True))


def panels(board):
    for panel in board["panels"]:
        yield panel
        yield from panels(panel) if panel.get("panels") else ()


def expressions():
    """(panel, expression) of the dashboard, with its variables filled in."""
    found = []
    for panel in panels(json.loads(read("grafana", "weir.json"))):
        for target in panel.get("targets", ()):
            expression = target["expr"]
            for name, stands_for in VARIABLES:
                expression = expression.replace(name, stands_for)
            found.append((panel["title"], expression))
    return found


def get(path, **arguments):
    """What the API answers; None as long as it does not."""
    try:
        with urllib.request.urlopen(f"{API}{path}?{urllib.parse.urlencode(arguments)}",
                                    timeout=netns.WAIT_S) as answer:
            told = json.load(answer)
    except (ConnectionError, urllib.error.URLError) as fault:
        if isinstance(fault, urllib.error.HTTPError) and fault.code != 503:  # not ready
            raise AssertionError(f"{arguments}: {fault.read().decode()}") from fault
        return None
    if told["status"] != "success":
        raise AssertionError(f"{arguments}: {told}")
    return told["data"]


def query(expression):
    """[(labels, value), ...]"""
    data = get("query", query=expression)
    return data and [(row["metric"], float(row["value"][1])) for row in data["result"]]


class Sink:
    """A collector that reads everything and keeps nothing."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 4739))
        self.taken = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                taken, _ = self.socket.accept()
            except OSError:
                return
            self.taken.append(taken)
            threading.Thread(target=self.read, args=(taken,), daemon=True).start()

    def read(self, taken):
        try:
            while taken.recv(65536):
                pass
        except OSError:
            pass

    def close(self):
        self.socket.close()
        for taken in self.taken:
            taken.close()


class Server:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="prometheus-")
        config = read("prometheus", "weir.yml").replace("15s", "1s")
        config = config.replace("localhost:9481", "127.0.0.1:9481")
        for name, text in (("weir.yml", config),
                           ("weir.rules.yml", read("prometheus", "weir.rules.yml"))):
            with open(os.path.join(self.folder.name, name), "w", encoding="utf-8") as file:
                file.write(text)
        self.log = open(os.path.join(self.folder.name, "log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [metrics_lib.find("prometheus"), f"--config.file={self.folder.name}/weir.yml",
             f"--storage.tsdb.path={self.folder.name}/data", "--web.listen-address=127.0.0.1:9090"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            preexec_fn=netns.end_with_parent)  # fmt: skip

    def close(self):
        self.process.kill()
        self.process.wait()
        self.log.close()
        self.folder.cleanup()


class PrometheusTest(unittest.TestCase):
    """One server for all tests; traffic goes on until the end."""

    @classmethod
    def setUpClass(cls):
        netns.lay()
        cls.sink = Sink()
        cls.addClassCleanup(cls.sink.close)
        cls.live = netns.Live(
            WEIR, [netns.FAR], "--hook", "tc", "--idle-timeout", "200ms", "--detail", "full",
            "--metrics", "127.0.0.1:9481", to="ipfix+tcp://127.0.0.1")  # fmt: skip
        cls.addClassCleanup(cls.live.close)
        metrics_lib.wait_until_ready()
        netns.send(FRAMES)
        cls.server = Server()
        cls.addClassCleanup(cls.server.close)
        netns.wait_for(lambda: query(f"weir_exported_packets_total == {PACKETS}"),
                       "Prometheus has everything")
        # Rates are of what comes while it looks; the conversation again is a new one.
        cls.rounds = 1
        while not cls.rates():
            netns.send([*FRAMES, metrics_lib.not_ip()])
            cls.rounds += 1

    @classmethod
    def rates(cls):
        """The flows of a second round at least have been scraped, with what is scraped last."""
        rows = query(f"rate(weir_rtt_seconds_count{{side='server'}}[{PAST}]) > 0 and on (instance) "
                     f"rate(weir_metrics_requests_total{{code='200'}}[{PAST}]) > 0")
        return bool(rows)

    def one(self, expression):
        """Where a scrape came too late, the next one has it again."""
        rows = netns.wait_for(lambda: query(expression), expression)
        self.assertEqual(len(rows), 1, (expression, rows))
        return rows[0][1]

    def test_scrape(self):
        """the shipped configuration scrapes, without a fault, as OpenMetrics"""
        def told():
            return [(target["health"], target["lastError"])
                    for target in get("targets")["activeTargets"]]

        netns.wait_for(lambda: told() == [("up", "")], "a scrape without a fault")
        netns.wait_for(lambda: self.one('up{job="weir"}') == 1, "it is up")
        self.assertGreater(self.one("scrape_samples_scraped"), 100)
        metadata = get("metadata")
        self.assertEqual(metadata["weir_seen_packets"][0]["type"], "counter")
        self.assertEqual(metadata["weir_seen_packets"][0]["unit"], "packets")
        self.assertEqual(metadata["weir_rtt_seconds"][0]["type"], "histogram")

    def test_numbers(self):
        """what Prometheus has is what was sent"""
        netns.wait_for(lambda: self.one("weir_exported_packets_total") == self.rounds * PACKETS,
                       "every round in Prometheus")
        self.assertEqual(self.one("weir_metered_packets_total"), self.rounds * PACKETS)
        self.assertEqual(self.one("weir_exported_bytes_total"), self.rounds * OCTETS)
        self.assertEqual(self.one("sum(weir_protocol_packets_total)"), self.rounds * PACKETS)
        self.assertEqual(self.one("weir_packet_size_bytes_count"), self.rounds * PACKETS)
        self.assertEqual(self.one('weir_packet_size_bytes_bucket{le="+Inf"}'),
                         self.rounds * PACKETS)
        self.assertEqual(self.one("weir_destination_connects_total"), 1)

    def test_dashboard(self):
        """every expression of the dashboard has data"""
        found = expressions()
        self.assertGreater(len(found), 40)
        for panel, expression in found:
            with self.subTest(panel=panel, expression=expression):
                rows = netns.wait_for(lambda asked=expression: query(asked), panel)
                self.assertFalse([row for row in rows if math.isinf(row[1])])
        for panel, expression in found:
            if panel in ("Packet sizes", "Packets by protocol", "Records"):
                self.assertTrue(any(number > 0 for _, number in query(expression)), panel)

    def test_metrics_exist(self):
        """dashboard and alerts name no metric that a run does not tell"""
        known = set(get("label/__name__/values"))
        told = {expression for _, expression in expressions() + alerts()}
        named = {name for expression in told
                 for name in re.findall(r"\b(?:weir|process)_\w+", expression)}
        self.assertGreater(len(named), 40)
        self.assertEqual(named - known, set())

    def test_alerts(self):
        """every alert is loaded and evaluated, and none is there without a reason"""
        groups = get("rules")["groups"]
        rules = {rule["name"]: rule for group in groups for rule in group["rules"]}
        self.assertEqual(set(rules), {name for name, _ in alerts()})
        netns.wait_for(lambda: all(rule["health"] == "ok" for group in get("rules")["groups"]
                                   for rule in group["rules"]), "every rule evaluated")
        self.assertEqual(query('ALERTS{alertstate="firing"}'), [])
        for name, expression in alerts():
            with self.subTest(alert=name):
                netns.wait_for(lambda asked=expression: query(asked) == [], "no reason for it")
                # The same without its threshold has something to compare.
                compared = re.sub(r" (>|==|!=) [^()]*$", "", expression)
                netns.wait_for(lambda asked=compared: query(asked), compared)


class RulesTest(unittest.TestCase):
    def promtool(self, *arguments):
        done = subprocess.run([metrics_lib.find("promtool"), *arguments], capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_check(self):
        """promtool has nothing to complain of"""
        self.assertIn(f"{len(alerts())} rules found", self.promtool(
            "check", "rules", os.path.join(ETC, "prometheus", "weir.rules.yml")))
        self.promtool("check", "config", os.path.join(ETC, "prometheus", "weir.yml"))

    def test_firing(self):
        """each alert fires when it should, and only then"""
        here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "rules.test.yml")
        with open(here, encoding="utf-8") as file:
            text = file.read()
        for name, _ in alerts():
            self.assertIn(f'alertname="{name}"', text)
        with tempfile.TemporaryDirectory() as folder:
            for name, content in (("rules.test.yml", text),
                                  ("weir.rules.yml", read("prometheus", "weir.rules.yml"))):
                with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                    file.write(content)
            self.promtool("test", "rules", os.path.join(folder, "rules.test.yml"))


if __name__ == "__main__":
    WEIR = sys.argv.pop(1)
    if not metrics_lib.find("prometheus") or not metrics_lib.find("promtool"):
        print("skipped:", metrics_lib.NO_PROMETHEUS)
        sys.exit(77)
    netns.enter()
    metrics_lib.loopback()
    unittest.main(verbosity=2)
