#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Files that are rotated: rotation.py WEIR

Five minutes of flows, half a second apart. However they are cut into files, the files together say
what one file says, each is whole by itself, and no finished name is ever seen on an unfinished one.
"""

import ctypes
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import capture
import ipfix_check
import netflow_check
import replay
from make_pcap import SECOND, Talk

WEIR = ""  # set from the command line
FLOWS = 600  # one every half second from 2023-11-14 22:13:20 on
MINUTES = ["2213", "2214", "2215", "2216", "2217", "2218"]
OPTIONS = ["--idle-timeout", "5s", "--max-flows", "4096"]
WAIT_S = 120
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x00020000, 0x4000, 1 << 18
ELEMENTS = ipfix_check.load_elements()


def frames():
    made = []
    for number in range(FLOWS):
        ends = ("fd00::1", "fd00::2") if number % 3 == 0 else ("10.0.0.1", "10.0.0.2")
        talk = Talk(*ends, cport=10000 + number)
        start = number * SECOND // 2
        made += [talk.udp(start), talk.udp(start + SECOND // 100, back=True, size=number)]
    return sorted(made, key=lambda packet: packet.time_ns)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def wait_for(condition, what):
    deadline = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"in vain: {what}")
        time.sleep(0.002)


def mounts_allowed():
    """Into a mount namespace, which ends with the process."""
    libc = ctypes.CDLL(None, use_errno=True)
    return (libc.unshare(CLONE_NEWNS) == 0
            and libc.mount(b"none", b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None) == 0)


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="weir-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.capture = self.at("capture")
        capture.write(self.capture, frames())

    def at(self, *names):
        return os.path.join(self.folder, *names)

    def run_weir(self, *to, options=(), status=0):
        """The account; what it said is in self.errors."""
        command = [WEIR, "replay", "--quiet", self.capture, *OPTIONS, *options]
        for url in to:
            command += ["--to", url]
        command += ["--json-stats", self.at("account")]
        done, self.errors = replay.execute(command, self.folder)
        self.assertEqual(done, status, self.errors)
        with open(self.at("account"), encoding="utf-8") as file:
            account = json.load(file)
        self.assertTrue(account["balanced"], account)
        return account

    def files(self, *folder):
        """Octets by name, in the order of names."""
        place = self.at(*folder)
        return {name: read(os.path.join(place, name)) for name in sorted(os.listdir(place))}

    def whole(self, form):
        """Octets of one file of everything."""
        self.run_weir(f"{form}+file:{self.at('one')}")
        return read(self.at("one"))

    def ipfix(self, octets):
        result = ipfix_check.check(octets, ELEMENTS)
        self.assertEqual(result.problems, [])
        self.assertTrue(result.records)
        return result.records

    def lines_in(self, *folder):
        files = self.files(*folder)
        for name, octets in files.items():
            self.assertTrue(octets.endswith(b"\n"), name)
        return [json.loads(line) for octets in files.values() for line in octets.splitlines()]


class TimeTest(Case):
    def test_json_by_the_minute_of_packets(self):
        one = self.whole("json")
        self.run_weir(f"json+file:{self.at('out-%Y%m%d%H%M.json')}?rotate=60s")
        files = {name: octets for name, octets in self.files().items() if name[:4] == "out-"}
        self.assertEqual(list(files), [f"out-20231114{minute}.json" for minute in MINUTES])
        self.assertEqual(b"".join(files.values()), one)
        for name, octets in files.items():
            latest = max(json.loads(line)["flowEndMilliseconds"] for line in octets.splitlines())
            self.assertEqual(name[12:16], latest[11:13] + latest[14:16])

    def test_both_ways_to_write_a_conversion(self):
        self.run_weir(f"json+file:{self.at('a', '%F', '%H%M.json')}?rotate=1m",
                      f"json+file:{self.at('b', '%25F', '%25H%25M.json')}?rotate=1m")
        self.assertEqual(list(self.files("a", "2023-11-14")), [f"{at}.json" for at in MINUTES])
        self.assertEqual(self.files("a", "2023-11-14"), self.files("b", "2023-11-14"))

    def test_every_ipfix_file_stands_alone(self):
        one = self.ipfix(self.whole("ipfix"))
        self.run_weir(f"ipfix+file:{self.at('out', '%H%M.ipfix')}?rotate=1m")
        parts = [self.ipfix(octets) for octets in self.files("out").values()]
        self.assertEqual(len(parts), len(MINUTES))
        self.assertEqual([record for part in parts for record in part], one)

    def test_own_elements_are_told_in_every_file(self):
        one = self.run_weir(f"ipfix+file:{self.at('out', '%H%M.ipfix')}?rotate=1m&template=full")
        parts = [self.ipfix(octets) for octets in self.files("out").values()]
        self.assertEqual(sum(map(len, parts)), one["exported"]["records"])

    def netflow(self, octets, form):
        result = netflow_check.check(octets, mtu=1464)
        self.assertEqual(result.problems, [])
        keep = ("sport", "dport", "packets", "octets") if form == "netflow5" else (7, 11, 2, 1)
        return [[record[name] for name in keep] for record in result.records]

    def test_every_netflow_file_stands_alone(self):
        for form in ("netflow9", "netflow5"):
            with self.subTest(form):
                one = self.netflow(self.whole(form), form)
                self.run_weir(f"{form}+file:{self.at(form, '%H%M')}?rotate=1m")
                parts = [self.netflow(octets, form) for octets in self.files(form).values()]
                self.assertEqual(len(parts), len(MINUTES))
                self.assertEqual([record for part in parts for record in part], one)

    def test_text_has_its_heading_in_every_file(self):
        heading, *one = self.whole("text").splitlines()
        self.run_weir(f"text+file:{self.at('out', '%H%M.txt')}?rotate=1m")
        parts = [octets.splitlines() for octets in self.files("out").values()]
        self.assertTrue(all(part[0] == heading for part in parts))
        self.assertEqual([line for part in parts for line in part[1:]], one)

    def test_no_flows_no_file(self):
        self.run_weir(f"ipfix+file:{self.at('out', '%H%M')}?rotate=1m", options=["--filter", "tcp"])
        self.assertEqual(self.files("out"), {})


class SizeTest(Case):
    def test_files_by_size_within_a_minute(self):
        one = self.ipfix(self.whole("ipfix"))
        limit, message = 4000, 1000
        self.run_weir(f"ipfix+file:{self.at('out', '%H%M.ipfix')}"
                      f"?rotate=1m&rotate-size={limit}&mtu={message}")
        files = self.files("out")
        parts = [self.ipfix(octets) for octets in files.values()]
        self.assertEqual([record for part in parts for record in part], one)
        self.assertEqual(sorted({name[:4] for name in files}), MINUTES)
        self.assertIn("2214_001.ipfix", files)
        for name, octets in files.items():
            number = int(name[5:8]) if "_" in name else 0
            self.assertLess(len(octets), limit + 2 * message, name)
            if f"{name[:4]}_{number + 1:03}.ipfix" in files:
                self.assertGreaterEqual(len(octets), limit, name)

    def test_files_by_size_alone(self):
        one = self.whole("json")
        self.run_weir(f"json+file:{self.at('out', 'flows.json')}?rotate-size=100k")
        files = self.files("out")
        self.assertGreater(len(files), 2)
        self.assertEqual(list(files)[:2], ["flows.json", "flows_001.json"])
        self.assertEqual(b"".join(files.values()), one)

    def test_the_same_files_every_time(self):
        for number, options in enumerate((["--batch", "1", "--seed", "1"],
                                          ["--batch", "64", "--seed", "2"])):
            self.run_weir(f"ipfix+file:{self.at(str(number), '%H%M')}"
                          "?rotate=1m&rotate-size=4k&mtu=999", options=options)  # fmt: skip
        self.assertEqual(self.files("0"), self.files("1"))
        self.assertGreater(len(self.files("0")), len(MINUTES))


class GzipTest(Case):
    def test_compressed_files_unpack_to_the_plain_ones(self):
        self.run_weir(f"ipfix+file:{self.at('plain', '%H%M.ipfix')}?rotate=1m",
                      f"ipfix+file:{self.at('gzip', '%H%M.ipfix.gz')}?rotate=1m&gzip=yes")
        plain, packed = self.files("plain"), self.files("gzip")
        self.assertEqual(list(packed), [f"{name}.gz" for name in plain])
        self.assertEqual([gzip.decompress(octets) for octets in packed.values()],
                         list(plain.values()))
        subprocess.run(["gzip", "--test", *(self.at("gzip", name) for name in packed)], check=True)

    def test_one_compressed_file(self):
        one = self.whole("json")
        self.run_weir(f"json+file:{self.at('out.json.gz')}?gzip=yes")
        self.assertEqual(gzip.decompress(read(self.at("out.json.gz"))), one)
        self.assertLess(os.path.getsize(self.at("out.json.gz")), len(one) / 4)

    def test_nothing_compressed_is_a_member_too(self):
        self.run_weir(f"json+file:{self.at('out.gz')}?gzip=yes", options=["--filter", "tcp"])
        self.assertEqual(gzip.decompress(read(self.at("out.gz"))), b"")

    def test_numbers_stand_before_both_suffixes(self):
        self.run_weir(f"json+file:{self.at('out', '%F.json.gz')}?rotate-size=10k&gzip=yes")
        self.assertEqual(list(self.files("out"))[:2],
                         ["2023-11-14.json.gz", "2023-11-14_001.json.gz"])


class NameTest(Case):
    def test_nothing_is_written_over(self):
        url = f"json+file:{self.at('out', '%H%M.json')}?rotate=1m"
        self.run_weir(url)
        before = self.files("out")
        self.run_weir(url)
        after = self.files("out")
        self.assertEqual({name: after[name] for name in before}, before)
        again = [f"{minute}_001.json" for minute in MINUTES]
        self.assertEqual([after[name] for name in again], list(before.values()))

    def test_what_a_killed_run_left_stays(self):
        os.mkdir(self.at("out"))
        with open(self.at("out", "2214.json.part"), "w", encoding="ascii") as file:
            file.write("precious")
        self.run_weir(f"json+file:{self.at('out', '%H%M.json')}?rotate=1m")
        files = self.files("out")
        self.assertEqual(files["2214.json.part"], b"precious")
        self.assertNotIn("2214.json", files)
        self.assertIn("2214_001.json", files)
        self.assertEqual(self.errors.count("\n"), 1, self.errors)
        self.assertIn("2214.json.part is there already", self.errors)
        self.assertIn("2214_001.json", self.errors)

    def test_what_cannot_be_asked_for(self):
        for tail, words in (("x?rotate=0", "whole seconds"), ("x?rotate=1500ms", "whole seconds"),
                            ("x?rotate=often", "whole seconds"), ("x?rotate-size=0", "octets"),
                            ("x?gzip=maybe", "yes or no"), ("-?rotate=1m", "standard output"),
                            ("%Q?rotate=1m", "%Y"), ("%Y", "rotate=")):
            with self.subTest(tail):
                command = [WEIR, "replay", "--quiet", self.capture, "--to", f"json+file:{tail}"]
                status, errors = replay.execute(command, self.folder)
                self.assertEqual((status, errors.count("\n")), (2, 1), errors)
                self.assertIn(words, errors)


class FedTest(Case):
    """A run that gets its packets when the test says so."""

    def start(self, *to):
        command = [WEIR, "replay", "--quiet", "-", *OPTIONS, "--json-stats", self.at("account")]
        for url in to:
            command += ["--to", url]
        self.octets = read(self.capture)
        self.weir = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.end)

    def end(self):
        if self.weir.poll() is None:
            self.weir.kill()
        self.weir.wait()
        self.weir.stdin.close()
        self.weir.stderr.close()

    def feed(self, share):
        length = int(len(self.octets) * share)
        self.weir.stdin.write(self.octets[:length])
        self.weir.stdin.flush()
        self.octets = self.octets[length:]

    def names(self, *folder):
        return sorted(os.listdir(self.at(*folder))) if os.path.isdir(self.at(*folder)) else []

    def test_a_run_that_is_killed_leaves_whole_files_and_one_part(self):
        one = [json.loads(line) for line in self.whole("json").splitlines()]
        self.start(f"json+file:{self.at('json', '%H%M')}?rotate=1m",
                   f"ipfix+file:{self.at('ipfix', '%H%M')}?rotate=1m")
        self.feed(0.7)
        # It waits for more packets then, with a file begun: never is there none between two files.
        begun = [*MINUTES[:3], f"{MINUTES[3]}.part"]
        for form in ("json", "ipfix"):
            wait_for(lambda form=form: self.names(form) == begun, f"files of {form}")
        self.weir.kill()
        self.weir.wait()
        for form in ("json", "ipfix"):
            names = self.names(form)
            self.assertEqual(sum(name.endswith(".part") for name in names), 1, names)
            self.assertTrue(names[-1].endswith(".part"), names)
            os.unlink(self.at(form, names[-1]))
        lines = self.lines_in("json")
        self.assertEqual(lines, one[: len(lines)])
        for octets in self.files("ipfix").values():
            self.ipfix(octets)

    def test_a_folder_that_goes_away_costs_one_file(self):
        self.start(f"json+file:{self.at('out', '%H%M')}?rotate=1m",
                   f"json+file:{self.at('beside')}")  # fmt: skip
        self.feed(0.3)
        wait_for(lambda: len(self.names("out")) >= 2, "the second file")
        # moved in one step, as weir may be making a file in it while its files are removed one by one
        os.rename(self.at("out"), self.at("gone"))
        shutil.rmtree(self.at("gone"))
        self.weir.stdin.write(self.octets)
        self.weir.stdin.close()
        errors = self.weir.stderr.read().decode()
        self.assertEqual(self.weir.wait(WAIT_S), 1, errors)
        self.assertEqual(errors.count("\n"), 1, errors)
        self.assertIn("cannot rename", errors)
        self.assertIn("tried again with the next file", errors)
        with open(self.at("account"), encoding="utf-8") as file:
            account = json.load(file)
        self.assertTrue(account["balanced"], account)
        out, beside = account["destinations"]
        lost = sum(row["packets"] for row in out["dropped"].values())
        self.assertEqual(out["exported"]["packets"] + lost, beside["exported"]["packets"])
        self.assertLess(out["exported"]["packets"], beside["exported"]["packets"])
        self.assertEqual(self.names("out")[-1], MINUTES[-1])


class FullTest(Case):
    """A disk of a few pages."""

    def setUp(self):
        super().setUp()
        os.mkdir(self.at("disk"))
        libc = ctypes.CDLL(None, use_errno=True)
        self.assertEqual(libc.mount(b"none", self.at("disk").encode(), b"tmpfs", ctypes.c_ulong(0),
                                    b"size=400k"), 0)  # fmt: skip
        self.addCleanup(libc.umount, self.at("disk").encode())

    def fill(self, url):
        """The accounts of the destination and of one beside it that has all."""
        account = self.run_weir(url, f"json+file:{self.at('beside')}", status=1)
        self.assertEqual(self.errors.count("\n"), 1, self.errors)
        self.assertIn("No space left", self.errors)
        full, beside = account["destinations"]
        self.assertEqual(beside["exported"]["flows"], FLOWS)
        self.assertLess(full["exported"]["flows"], FLOWS)
        lost = sum(row["packets"] for row in full["dropped"].values())
        self.assertEqual(full["exported"]["packets"] + lost, beside["exported"]["packets"])
        return full

    def test_one_file_ends_with_a_whole_record(self):
        told = self.fill(f"json+file:{self.at('disk', 'flows')}?template=full")
        self.assertEqual(len(self.lines_in("disk")), told["exported"]["records"])
        self.assertGreater(told["exported"]["records"], 0)
        told = self.fill(f"ipfix+file:{self.at('disk', 'flows')}?template=full")
        records = self.ipfix(read(self.at("disk", "flows")))
        self.assertEqual(len(records), told["exported"]["records"])

    def test_one_compressed_file_is_a_whole_member(self):
        with open(self.at("disk", "heavy"), "wb") as file:
            file.write(bytes(380000))  # what is left takes some of the pieces
        told = self.fill(f"json+file:{self.at('disk', 'flows')}?template=full&gzip=yes")
        lines = gzip.decompress(read(self.at("disk", "flows"))).splitlines()
        self.assertEqual(len(lines), told["exported"]["records"])
        self.assertGreater(len(lines), 0)

    def test_files_before_the_disk_was_full_are_whole(self):
        told = self.fill(f"ipfix+file:{self.at('disk', '%H%M%S')}?rotate=5s&template=full")
        records = sum(len(self.ipfix(octets)) for octets in self.files("disk").values())
        self.assertEqual(records, told["exported"]["records"])
        self.assertGreater(records, 0)
        self.assertFalse([name for name in self.files("disk") if name.endswith(".part")])

    def test_lines_before_the_disk_was_full_are_whole(self):
        told = self.fill(f"json+file:{self.at('disk', '%H%M%S')}?rotate=5s&template=full")
        self.assertEqual(len(self.lines_in("disk")), told["exported"]["records"])

    def test_compressed_files_are_whole_members(self):
        url = f"json+file:{self.at('disk', '%H%M%S.gz')}?rotate=1s&gzip=yes&template=full"
        told = self.fill(url)
        lines = b"".join(gzip.decompress(octets) for octets in self.files("disk").values())
        self.assertEqual(len(lines.splitlines()), told["exported"]["records"])
        self.assertTrue(lines.endswith(b"\n"))

    def test_a_full_device(self):
        self.fill("ipfix+file:/dev/full")
        self.fill("json+file:/dev/full?gzip=yes")


class RefusedTest(Case):
    def test_a_folder_that_cannot_be_made(self):
        url = f"json+file:{self.at('capture', 'out', '%H%M')}?rotate=1m"
        status, errors = replay.execute([WEIR, "replay", self.capture, "--to", url], self.folder)
        self.assertEqual((status, errors.count("\n")), (1, 1), errors)
        self.assertIn("cannot make the folder", errors)


if __name__ == "__main__":
    WEIR = os.path.abspath(sys.argv.pop(1))
    if not mounts_allowed():
        FullTest.setUp = lambda self: self.skipTest("a mount namespace is not allowed here")
    unittest.main()
