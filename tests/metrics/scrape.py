# SPDX-License-Identifier: BSD-2-Clause
"""`weir run --metrics`: what a scrape tells is in form, and is what the account and the sender say."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import metrics_lib
import netns
import openmetrics
from metrics_lib import ask, tcp, value
from udp_frame import udp

WEIR = ""  # set from the command line
FLOWS, EACH, OTHERS = 20, 3, 12
SYN, ACK, PUSH, FIN = 2, 16, 8, 1
DATA = b"x" * 700

CONVERSATION = [  # a handshake, a segment sent twice and one once, an end
    tcp(True, 100, 0, SYN),
    tcp(False, 500, 101, SYN | ACK),
    tcp(True, 101, 501, ACK),
    tcp(True, 101, 501, ACK | PUSH, DATA),
    tcp(True, 101, 501, ACK | PUSH, DATA),
    tcp(False, 501, 801, ACK),
    tcp(True, 801, 501, ACK | PUSH, DATA),
    tcp(False, 501, 1501, ACK),
    tcp(True, 1501, 501, ACK | FIN),
    tcp(False, 501, 1502, ACK | FIN),
    tcp(True, 1502, 502, ACK),
]
PACKETS = FLOWS * EACH + len(CONVERSATION)
FRAMES = [udp(source) for source in range(1, FLOWS + 1)] * EACH + CONVERSATION
OCTETS = sum(len(frame) - 14 for frame in FRAMES)


def all_is_out():
    families = metrics_lib.scrape()
    if value(families, "weir_exported_packets_total") != PACKETS:
        return None
    return families


class ScrapeTest(unittest.TestCase):
    def setUp(self):
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")

    def start(self, hook, *options):
        return metrics_lib.start(self, WEIR, "--hook", hook, "--detail", "full", *options)

    def send(self):
        # What is waited for comes last; one CPU sees the conversation.
        mine = os.sched_getaffinity(0)
        os.sched_setaffinity(0, [min(mine)])
        try:
            netns.send([metrics_lib.not_ip()] * OTHERS)
            netns.send(FRAMES)
        finally:
            os.sched_setaffinity(0, mine)

    def check_account(self, families, account):
        """Each number of the account is told as it is."""
        one = {
            "weir_seen_packets_total": account["seen"]["packets"],
            "weir_seen_bytes_total": account["seen"]["frameOctets"],
            "weir_metered_packets_total": account["metered"]["packets"],
            "weir_metered_bytes_total": account["metered"]["octets"],
            "weir_metered_frame_bytes_total": account["metered"]["frameOctets"],
            "weir_exported_flows_total": account["exported"]["flows"],
            "weir_exported_records_total": account["exported"]["records"],
            "weir_exported_packets_total": account["exported"]["packets"],
            "weir_exported_bytes_total": account["exported"]["octets"],
            "weir_in_cache_packets": account["inCache"]["packets"],
            "weir_in_cache_bytes": account["inCache"]["octets"],
            "weir_spooled_flows": account["spooled"]["flows"],
            "weir_table_room_flows": account["table"]["maxFlows"],
            "weir_table_memory_bytes": account["table"]["memoryOctets"],
            "weir_evicted_flows_total": account["table"]["evictedFlows"],
            "weir_in_doubt_flows_total": account["inDoubt"]["flows"],
        }
        for name, wanted in one.items():
            self.assertEqual(value(families, name), wanted, name)
        for reason, row in account["setAside"].items():
            for unit, member in (("packets", "packets"), ("bytes", "frameOctets")):
                self.assertEqual(
                    value(families, f"weir_set_aside_{unit}_total", reason=reason), row[member])
        for reason, row in account["dropped"].items():
            for unit, member in (("flows", "records"), ("packets", "packets"), ("bytes", "octets")):
                self.assertEqual(
                    value(families, f"weir_dropped_{unit}_total", reason=reason), row[member])
        for row in account["destinations"]:
            for unit in ("flows", "records", "packets"):
                self.assertEqual(value(families, f"weir_destination_{unit}_total",
                                       destination=row["url"]), row["exported"][unit])

    def check_traffic(self, families):
        """What was sent, by protocol and by interface."""
        udp_octets = sum(len(frame) - 14 for frame in FRAMES[: FLOWS * EACH])
        of = lambda name, **labels: value(families, name, **labels)
        self.assertEqual(of("weir_seen_packets_total"), PACKETS + OTHERS)
        self.assertEqual(of("weir_set_aside_packets_total", reason="notIp"), OTHERS)
        self.assertEqual(of("weir_metered_bytes_total"), OCTETS)
        self.assertEqual(of("weir_protocol_packets_total", protocol="udp"), FLOWS * EACH)
        self.assertEqual(of("weir_protocol_bytes_total", protocol="udp"), udp_octets)
        self.assertEqual(of("weir_protocol_payload_bytes_total", protocol="udp"), 4 * FLOWS * EACH)
        self.assertEqual(of("weir_protocol_packets_total", protocol="tcp"), len(CONVERSATION))
        self.assertEqual(of("weir_protocol_payload_bytes_total", protocol="tcp"), 3 * len(DATA))
        self.assertEqual(of("weir_interface_packets_total", interface=netns.FAR, direction="in"),
                         PACKETS)
        self.assertEqual(of("weir_interface_bytes_total", interface=netns.FAR, direction="in"),
                         OCTETS)
        self.assertEqual(of("weir_interface_up", interface=netns.FAR), 1)
        self.assertEqual(of("weir_packet_size_bytes_count"), PACKETS)
        self.assertEqual(of("weir_packet_size_bytes_sum"), OCTETS)
        self.assertEqual(of("weir_packet_size_bytes_bucket", le="64.0"), PACKETS - 3)
        self.assertEqual(of("weir_packet_size_bytes_bucket", le="512.0"), PACKETS - 3)
        self.assertEqual(of("weir_packet_size_bytes_bucket", le="1024.0"), PACKETS)

    def check_tcp(self, families):
        """As the meter saw the conversation, if one CPU saw all of it."""
        of = lambda name, **labels: value(families, name, **labels)
        self.assertEqual(of("weir_sequence_errors_total", protocol="tcp", kind="retransmission"), 1)
        self.assertEqual(of("weir_retransmitted_bytes_total", protocol="tcp"), len(DATA))
        self.assertEqual(of("weir_unseen_bytes_total", protocol="tcp"), 0)
        for side in ("client", "server"):
            self.assertEqual(of("weir_handshake_rtt_seconds_count", side=side), 1)
        self.assertEqual(of("weir_rtt_seconds_count", side="server"), 1)

    def test_numbers(self):
        """a scrape says what the account says, and what was sent"""
        for hook in ("tc", "af_packet"):
            with self.subTest(hook=hook):
                live = self.start(hook)
                self.send()
                families = netns.wait_for(all_is_out, "every packet in a record")
                account = live.stop()
                self.assertEqual(live.status, 0, live.errors)
                self.assertTrue(account["balanced"])
                self.check_account(families, account)
                self.check_traffic(families)
                self.check_tcp(families)

    def test_forms(self):
        """both forms are right, and say the same"""
        self.start("tc")
        self.send()
        netns.wait_for(all_is_out, "every packet in a record")
        new = ask("/metrics", Accept=metrics_lib.OPENMETRICS)
        old = ask("/metrics", Accept="text/plain")
        self.assertEqual(new.headers["content-type"],
                         "application/openmetrics-text; version=1.0.0; charset=utf-8")
        self.assertEqual(old.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
        moving = ("process_", "weir_metrics_", "weir_drain_", "weir_scan_", "weir_table_flows")
        pages = [{key: number for key, number in openmetrics.values(octets).items()
                  if not key[0].startswith(moving)} for octets in (new.octets, old.octets)]
        self.assertEqual(pages[0], pages[1])
        self.assertNotIn("# EOF", old.text)
        self.assertNotIn("# UNIT", old.text)
        families = openmetrics.parse(new.octets)
        self.assertEqual(families["weir_seen_packets"].type, "counter")
        self.assertEqual(families["weir_seen_packets"].unit, "packets")
        self.assertIn("# TYPE weir_seen_packets_total counter", old.text)

    def test_promtool(self):
        """promtool has nothing to complain of"""
        if not metrics_lib.find("promtool"):
            self.skipTest(metrics_lib.NO_PROMETHEUS)
        self.start("tc")
        self.send()
        netns.wait_for(all_is_out, "every packet in a record")
        self.assertEqual(metrics_lib.check_with_promtool(ask("/metrics").text), "")

    def test_negotiation(self):
        """who asks gets the form he wants most"""
        self.start("af_packet")
        new, old = "application/openmetrics-text", "text/plain"
        prometheus = ("application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
                      "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
        for accept, wanted in (
            (prometheus, new), ("*/*", old), ("text/html", old), ("", old), (new, new),
            ("application/openmetrics-text; version=2.0.0", old),
            ("application/openmetrics-text;q=0.2, text/plain;q=0.9", old),
            ("application/openmetrics-text;q=0", old), ("APPLICATION/OPENMETRICS-TEXT", new),
            (",,;;=,q=" + "," * 500, old),
        ):  # fmt: skip
            with self.subTest(accept=accept):
                answer = ask("/metrics", Accept=accept)
                self.assertEqual(answer.headers["content-type"].split(";")[0], wanted)

    def test_paths(self):
        """there is an index; what is not there is not found; who would change something may not"""
        self.start("af_packet", "--metrics", "9481")
        index = ask("/")
        self.assertEqual(index.status, 200)
        for path in ("/metrics", "/healthz", "/readyz"):
            self.assertIn(path, index.text)
            self.assertEqual(ask(path).status, 200)
            head = ask(path, method="HEAD")
            self.assertEqual((head.status, head.octets), (200, b""))
            self.assertGreater(int(head.headers["content-length"]), 0)
        for path in ("/metrics/", "/metricsx", "/%2e%2e/etc/passwd", "/healthz/x"):
            self.assertEqual(ask(path).status, 404, path)
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
            answer = ask("/metrics", method=method, body=b"x" * 1000)
            self.assertEqual(answer.status, 405, method)
            self.assertEqual(answer.headers["allow"], "GET, HEAD")
        # A port alone is this host's own, by both kinds of addresses.
        self.assertEqual(ask("/readyz", host="::1").status, 200)


if __name__ == "__main__":
    WEIR = sys.argv.pop(1)
    netns.enter()
    metrics_lib.loopback()
    unittest.main(verbosity=2)
