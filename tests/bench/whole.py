# SPDX-License-Identifier: BSD-2-Clause
"""whole.py WEIR COMPARE_PEERS: the benchmark measures what it says, and leaves nothing behind."""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

PACKETS = 4000
KINDS = {"mix": 240, "small": 2000, "elephants": 200}  # flows of so many packets
LEVELS = ["basic", "tcp", "full"]
STEPS = [("reading", None), ("parsing", None), *(("metering", level) for level in LEVELS),
         ("ipfix", "basic")]
FRONT = {"meter", "filterAll", "filterNone", "dedup", "dedupCopies"}
ENTRY = {"basic": 192, "tcp": 832, "full": 1408}  # octets in the kernel: whole cache lines
SET_HEADER, SET_WAYS = 64, 8
HOOKS = {"xdp", "tc"}
CASES = {"one": 1, "tenThousand": PACKETS, "million": PACKETS, "new": PACKETS}  # flows
FORMS = {("ipfix", "standard"), ("ipfix", "biflow"), ("ipfix", "full"), ("netflow9", "v9"),
         ("netflow5", "v5"), ("json", "standard")}
WAYS = {("ipfix", "udp"), ("ipfix", "tcp"), ("netflow9", "udp"), ("json", "tcp")}  # delivered
FINISHED = [1, 10, 100]  # per cent of the flows that the scan finds finished


class Bench(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def run_weir(self, *words, status=0):
        """Standard output and standard error of a run whose TMPDIR is the folder."""
        done = subprocess.run([WEIR, *words], capture_output=True, text=True, check=False,
                              env=os.environ | {"TMPDIR": str(self.folder)}, timeout=200)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout, done.stderr

    def make(self, kind):
        self.run_weir("bench", "--rounds", "0", "--packets", str(PACKETS), "--traffic", kind,
                      "--keep", str(self.folder))
        return self.folder / f"{kind}.pcap"

    def test_figures(self):
        figures = self.folder / "figures.json"
        out, _ = self.run_weir("bench", "--packets", str(PACKETS), "--rounds", "2",
                               "--json", str(figures))
        told = json.loads(figures.read_text())
        figures.unlink()
        self.assertEqual(list(self.folder.iterdir()), [], "something was left behind")
        self.assertEqual({row["name"]: row["flows"] for row in told["traffic"]}, KINDS)
        for row in told["traffic"]:
            self.assertEqual(row["packets"], PACKETS)
            self.assertIn(f"{PACKETS} packets, {row['flows']} flows", out)
            self.check_steps(row)
        self.check_kernel(told["kernel"], out)
        self.check_front(told["front"], out)
        self.check_scan(told["scan"])
        self.check_memory(told["memory"])
        self.check_export(told["export"])

    def check_steps(self, row, steps=None):
        self.assertEqual([(step["name"], step.get("detail")) for step in row["steps"]],
                         steps or STEPS)
        for step in row["steps"]:
            self.assertEqual(step["records"], row["flows"] if "detail" in step else 0)
            self.assertEqual("ratioToBasic" in step, not steps and step["name"] == "metering")
            if "ratioToBasic" in step and step["detail"] == "basic":
                self.assertEqual(step["ratioToBasic"], 1)
            self.assertLessEqual(step["nsPerPacketBest"], step["nsPerPacketMedian"])
            self.assertGreater(step["nsPerPacketBest"], 0)
            self.assertGreater(step["peakOctets"], 0)
        self.assertEqual(row["steps"][0]["ratioToReading"], 1)

    def check_kernel(self, rows, out):
        """Every case of a hook at every level, each packet metered, or the reason why not."""
        self.assertEqual({row["hook"] for row in rows}, HOOKS)
        for hook in HOOKS:
            mine = [row for row in rows if row["hook"] == hook]
            if "notMeasured" in mine[0]:
                self.assertIn(f"kernel, {hook}: not measured ({mine[0]['notMeasured']})", out)
            else:
                self.assertIn(f"kernel, {hook}: ns a packet", out)
                self.assertEqual(sorted((row["case"], row["detail"]) for row in mine),
                                 sorted((case, level) for case in CASES for level in LEVELS))
                self.assertEqual({row["packets"] for row in mine}, {PACKETS})
                self.assertEqual({row["case"]: row["flows"] for row in mine}, CASES)
                self.check_ratios(mine)
                self.assertEqual({row["ratioToBasic"] for row in mine
                                  if row["detail"] == "basic"}, {1})

    def check_ratios(self, rows):
        """Every figure stands beside what it is a ratio to."""
        for row in rows:
            self.assertGreater(row["nsPerPacketEmpty"], 0)
            self.assertGreater(row["ratioToEmpty"], 0)
            self.assertIn("nsPerPacketVarying", row)
            self.assertIn("nsPerPacketMeter", row)

    def check_front(self, rows, out):
        """Filters and the search for copies: every packet met the fate that the case is about."""
        self.assertEqual({row["hook"] for row in rows}, HOOKS)
        for row in rows:
            self.assertIn(f"kernel, {row['hook']}, before the meter: ", out)
        measured = [row for row in rows if "notMeasured" not in row]
        self.assertIn(len(measured), (0, len(HOOKS) * len(FRONT)))
        for row in measured:
            self.assertIn(row["case"], FRONT)
            self.assertEqual((row["detail"], row["packets"]), ("basic", PACKETS))
            self.assertIn("nsPerPacket", row)
            if row["case"] == "meter":
                self.assertEqual(row["ratioToMeter"], 1)

    def check_scan(self, rows):
        """What is finished comes out, and nothing else; flows that a full set gave up are out
        already, and are few at half the load."""
        self.assertEqual({row["detail"] for row in rows}, set(LEVELS))
        for row in rows:
            if "notMeasured" in row:
                continue
            finished = PACKETS * row["finishedPercent"] // 100
            self.assertEqual(row["flows"], PACKETS)
            self.assertLessEqual(row["records"], finished)
            self.assertGreater(row["records"], finished * 0.9)
            self.assertEqual(row["calls"], 16)  # 1024 sets, 64 a call
            self.assertGreaterEqual(row["scanMs"], row["longestCallMs"])
            self.assertGreater(row["longestCallMs"], 0)
            self.assertGreater(row["nsPerRecord"], 0)
        measured = [row for row in rows if "notMeasured" not in row]
        self.assertIn(len(measured), (0, len(LEVELS) * len(FINISHED)))

    def check_memory(self, rows):
        """In the kernel, half full; natively, what replay says it will take."""
        self.assertEqual({row["detail"]: row["octetsPerFlowKernel"] for row in rows},
                         {level: 2 * (SET_HEADER // SET_WAYS + ENTRY[level]) for level in LEVELS})
        capture = str(self.make("mix"))
        for row in rows:
            _, told = self.run_weir("replay", "--detail", row["detail"], "--to", "text+file:-",
                                    "--max-flows", str(row["maxFlows"]), capture)
            mebibytes = int(re.search(r"up to (\d+) MiB of memory", told).group(1))
            self.assertEqual(int(row["octetsPerFlowNative"] * row["maxFlows"]) >> 20, mebibytes)

    def check_export(self, rows):
        """Every form encoded, some delivered, each beside libfixbuf alone with its template."""
        ways = {way: [row for row in rows if row["way"] == way]
                for way in ("libfixbuf", "encoded", "sent", "delivered")}
        self.assertEqual(sum(map(len, ways.values())), len(rows))
        self.assertEqual({(row["form"], row["template"]) for row in ways["encoded"]}, FORMS)
        self.assertEqual({row["template"] for row in ways["libfixbuf"]},
                         {template for form, template in FORMS if form == "ipfix"})
        self.assertEqual({(row["form"], row["transport"]) for row in ways["delivered"]}, WAYS)
        for row in rows:
            self.assertGreaterEqual(row["records"], PACKETS // 10)
            self.assertGreater(row["octetsPerRecord"], 40)
            self.assertLessEqual(row["nsPerRecordBest"], row["nsPerRecordMedian"])
            self.assertGreater(row["ratioToLibfixbuf"], 0)
            self.assertEqual("arrivedPart" in row, "transport" in row)
        self.assertEqual({row["ratioToLibfixbuf"] for row in ways["libfixbuf"]}, {1})
        for row in ways["sent"] + ways["delivered"]:
            self.assertLessEqual(row["arrivedPart"], 1)
            if row["transport"] == "tcp":
                self.assertEqual(row["arrivedPart"], 1)
            self.assertTrue(0 <= row["sendingPart"] <= 1)
        self.check_same_octets(ways)

    def check_same_octets(self, ways):
        """What was encoded, delivered and counted is the same in each way."""
        standard = {way: {row["octetsPerRecord"] for row in rows
                          if (row["form"], row["template"]) == ("ipfix", "standard")
                          and row.get("transport") != "udp"} for way, rows in ways.items()}
        bare = min(standard["libfixbuf"])
        for octets in standard["encoded"] | standard["sent"] | standard["delivered"]:
            self.assertGreater(octets, bare)  # IPv6 records are longer than IPv4's
            self.assertLess(octets, bare * 1.5)

    def test_export_alone(self):
        figures = self.folder / "figures.json"
        out, _ = self.run_weir("bench", "export", "--packets", str(PACKETS), "--rounds", "1",
                               "--json", str(figures))
        told = json.loads(figures.read_text())
        self.check_export(told["export"])
        self.assertEqual([told[part] for part in ("traffic", "kernel", "front", "scan", "memory")], [[]] * 5)
        self.assertIn("libfixbuf alone", out)
        _, told = self.run_weir("bench", "import", status=2)
        self.assertIn("'import' cannot be measured alone", told)

    def test_one_level(self):
        figures = self.folder / "figures.json"
        out, _ = self.run_weir("bench", "--packets", str(PACKETS), "--rounds", "1", "--detail",
                               "tcp", "--traffic", "mix", "--json", str(figures))
        told = json.loads(figures.read_text())
        self.check_steps(told["traffic"][0], [("reading", None), ("parsing", None),
                                              ("metering", "tcp"), ("ipfix", "tcp")])
        self.assertEqual({row.get("detail", "tcp") for row in told["kernel"]}, {"tcp"})
        self.assertEqual([row["detail"] for row in told["memory"]], ["tcp"])
        self.assertFalse([row for row in told["kernel"] if "ratioToBasic" in row])
        self.assertNotIn("metering, full", out)

    def test_truth(self):
        """The meter finds exactly the packets and flows that were made."""
        for kind, flows in KINDS.items():
            capture = self.make(kind)
            stats = self.folder / "stats.json"
            records, _ = self.run_weir("replay", "--quiet", "--template", "biflow",
                                       "--to", "json+file:-", "--json-stats", str(stats),
                                       str(capture))
            rows = [json.loads(line) for line in records.splitlines()]
            account = json.loads(stats.read_text())
            self.assertTrue(account["balanced"])
            self.assertEqual(account["metered"]["packets"], PACKETS)
            self.assertEqual(len(rows), flows)
            self.assertEqual(sum(row["packetDeltaCount"] + row["reversePacketDeltaCount"]
                                 for row in rows), PACKETS)

    def test_figures_do_not_replace_what_is_there(self):
        """A link is followed; a device would be lost the same way."""
        figures = self.folder / "figures.json"
        link = self.folder / "link"
        link.symlink_to(figures)
        self.run_weir("bench", "--packets", "1000", "--rounds", "1", "--traffic", "small",
                      "--json", str(link))
        self.assertTrue(link.is_symlink())
        self.assertEqual(json.loads(figures.read_text())["traffic"][0]["packets"], 1000)

    def test_same_octets(self):
        first = self.make("mix").read_bytes()
        self.assertEqual(first, self.make("mix").read_bytes())

    def test_errors(self):
        _, told = self.run_weir("bench", "--traffic", "rain", status=2)
        self.assertEqual(told.count("\n"), 1)
        _, told = self.run_weir("bench", "--rounds", "0", "--keep", str(self.folder / "none"),
                                status=1)
        self.assertIn("none", told)
        self.assertEqual(told.count("\n"), 1)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_compare_peers(self):
        capture = str(self.make("mix"))
        done = subprocess.run([COMPARE, "--weir", WEIR, "--rounds", "1", "--max-flows", "10000",
                               "--peer", "cat {}", capture], capture_output=True, text=True,
                              check=False, timeout=200)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"{PACKETS} packets, 1 turns", done.stdout)
        self.assertRegex(done.stdout, r"(?m)^weir +[\d.]+")
        self.assertRegex(done.stdout, r"(?m)^cat .*x$")
        failing = subprocess.run([COMPARE, "--weir", WEIR, "--rounds", "1", "--peer", "false {}",
                                  capture], capture_output=True, text=True, check=False,
                                 timeout=200)
        self.assertEqual(failing.returncode, 1)
        self.assertIn("exit status 1", failing.stderr)


if __name__ == "__main__":
    WEIR, COMPARE = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1])
