# SPDX-License-Identifier: BSD-2-Clause
"""How `weir run` begins and ends: what it refuses, and what it leaves behind."""

import ctypes
import json
import os
import platform
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import forbid
import netns

WEIR = BLAST = ""  # set from the command line
HOOKS = (["--hook", "xdp"], ["--hook", "xdp-generic"], ["--hook", "tc"],
         ["--hook", "tc", "--direction", "both"])  # fmt: skip
SINK = "ipfix+file:/dev/null"
# What a measured weir would write of itself, nobody may not.
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
          "env", "LLVM_PROFILE_FILE=/dev/null"]
PROG_QUERY, TCX_INGRESS, TCX_EGRESS = 16, 46, 47
BPFTOOL = shutil.which("bpftool", path=os.environ["PATH"] + ":/usr/sbin:/sbin")


def attached():
    """Programs at interfaces of this namespace, as (interface, program)."""
    said = subprocess.run([BPFTOOL, "-j", "net", "show"], capture_output=True, check=True).stdout
    found = json.loads(said)[0]
    return [(row["devname"], row.get("id", row.get("prog_id")))
            for kind in ("xdp", "tc") for row in found[kind]]  # fmt: skip


def tcx_attached():
    """How many programs, of which bpftool may be too old to know; none where the kernel is."""
    count = 0
    for at in TCX_INGRESS, TCX_EGRESS:
        # union bpf_attr: interface, place, two flags, array of programs, how many
        attributes = bytearray(struct.pack("=IIIIQI", netns.shown(netns.FAR)["ifindex"], at, 0, 0,
                                           0, 0).ljust(128, b"\0"))  # fmt: skip
        place = (ctypes.c_char * len(attributes)).from_buffer(attributes)
        if netns.LIBC.syscall(forbid.NUMBERS["bpf"], PROG_QUERY, place, len(attributes)) == 0:
            count += struct.unpack_from("=I", attributes, 24)[0]
    return count


class RunLifeTest(unittest.TestCase):
    def setUp(self):
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")

    def blast(self, **options):
        blast = netns.Blast(BLAST, interface=netns.NEAR, rate=100000, **options)
        self.addCleanup(blast.stop)
        return blast

    def assert_nothing_left(self):
        """Nothing attached, nothing promiscuous, and frames pass."""
        self.assertEqual(attached(), [])
        netns.wait_for(lambda: tcx_attached() == 0, "the links are gone")
        shown = netns.shown(netns.FAR)
        self.assertEqual(shown["promiscuity"], 0)
        self.assertNotIn("xdp", shown)
        netns.send([bytes(60)] * 300)

    def assert_refused(self, said, *arguments, status=1, before=(), **options):
        run = subprocess.run([*before, options.pop("weir", WEIR), "run", *arguments, "--quiet",
                              "--max-flows", "1000", "--to", SINK],
                             capture_output=True, text=True, timeout=netns.WAIT_S, check=False,
                             **options)  # fmt: skip
        self.assertEqual(run.returncode, status, run.stderr)
        self.assertEqual(run.stderr.count("\n"), 1, run.stderr)
        self.assertIn(said, run.stderr)
        self.assertEqual(run.stdout, "")

    def test_an_end_in_the_middle_of_traffic_is_exact(self):
        for number, hook in enumerate(HOOKS):
            blast = self.blast(flows=0 if number % 2 else 3000)
            with netns.Live(WEIR, [netns.FAR], *hook, to=SINK) as live:
                at_start = netns.Counters(netns.FAR).rx_frames
                netns.wait_for(lambda: netns.Counters(netns.FAR).rx_frames > at_start + 50000,
                               "traffic")
                seen_by_then = netns.Counters(netns.FAR).rx_frames - at_start
                account = live.stop((signal.SIGINT, signal.SIGTERM)[number // 2])
                self.assertEqual(live.status, 0, live.errors)
            self.assertIsNone(blast.process.poll())
            blast.stop()
            self.assertTrue(account["balanced"])
            self.assertGreaterEqual(account["seen"]["packets"], seen_by_then)
            # Only a flood of flows may find no room, where the machine has other work.
            no_room = account["setAside"]["noRoom"]["packets"] if number % 2 else 0
            self.assertEqual(account["metered"]["packets"] + no_room, account["seen"]["packets"])
            self.assert_nothing_left()

    def test_what_was_written_before_is_kept(self):
        """Whoever goes on under the same name, and whoever begins anew."""
        frames = 0
        folder = tempfile.TemporaryDirectory(prefix="weir-")
        self.addCleanup(folder.cleanup)
        places = [os.path.join(folder.name, name)
                  for name in ("flows.before", "flows.before-2", "flows")]  # fmt: skip
        words = ["run", netns.FAR, "--instance", "kept", "--idle-timeout", "300ms", "--to", f"json+file:{places[-1]}"]
        for end in (signal.SIGKILL, signal.SIGINT, signal.SIGINT):
            with subprocess.Popen([WEIR, *words], stderr=subprocess.PIPE, text=True) as process:
                netns.wait_for(lambda: netns.READY in process.stderr.readline(), "it meters")
                frames += self.blast(frames=1000).finish()["frames"]
                if end == signal.SIGKILL:
                    netns.wait_for(lambda: os.path.getsize(places[-1]) > 0, "flows are told")
                process.send_signal(end)
                process.communicate(timeout=netns.WAIT_S)
        packets = 0
        for place in places:
            with open(place, encoding="utf-8") as file:
                packets += sum(json.loads(line)["packetDeltaCount"] for line in file
                               if line.endswith("\n"))  # fmt: skip
        self.assertGreaterEqual(packets, frames)
        self.assertEqual(sorted(os.listdir(folder.name)),
                         sorted(os.path.basename(place) for place in places))
        self.assert_nothing_left()

    def test_a_flood_that_output_cannot_follow_is_ended_all_the_same(self):
        blasts = [netns.Blast(BLAST, interface=netns.NEAR, cpu=cpu, base=cpu) for cpu in (0, 1)]
        for blast in blasts:
            self.addCleanup(blast.stop)
        with netns.Live(WEIR, [netns.FAR], "--max-flows", "1000", "--template", "full",
                        to="json+file:/dev/null") as live:  # fmt: skip
            start = netns.Counters(netns.FAR).rx_frames
            netns.wait_for(lambda: netns.Counters(netns.FAR).rx_frames > start + 2 * 10**5,
                           "traffic")
            live.process.send_signal(signal.SIGINT)
            self.assertEqual(live.process.wait(timeout=netns.WAIT_S), 0)
            self.assertTrue(live.ended()["balanced"])
        self.assertEqual([blast.process.poll() for blast in blasts], [None, None])

    def test_a_kill_leaves_a_working_interface(self):
        """The kernel meters on, until somebody goes on or says stop."""
        for hook in HOOKS:
            blast = self.blast(flows=100)
            with netns.Live(WEIR, [netns.FAR], *hook, to=SINK) as live:
                start = netns.Counters(netns.FAR).rx_frames
                netns.wait_for(lambda: netns.Counters(netns.FAR).rx_frames > start + 20000,
                               "traffic")
                live.kill()
                blast.stop()
                netns.send([bytes(60)] * 300)
            stopped = subprocess.run([WEIR, "stop", netns.FAR, "--to", SINK, "--quiet"],
                                     capture_output=True, text=True, timeout=netns.WAIT_S, check=False)
            self.assertEqual((stopped.returncode, stopped.stderr), (0, ""))
            self.assert_nothing_left()
            with netns.Live(WEIR, [netns.FAR], *hook, to=SINK) as live:
                netns.send([bytes(60)] * 300)
                self.assertEqual(live.stop()["setAside"]["notIp"]["packets"], 300)

    def test_every_seventh_packet_of_each_cpu(self):
        for hook in (*HOOKS, ["--hook", "af_packet"]):
            with netns.Live(WEIR, [netns.FAR], *hook, "--sample", "7", to=SINK) as live:
                netns.send([bytes(60)] * 300)
                account = live.stop()
            aside = {name: row["packets"] for name, row in account["setAside"].items()}
            self.assertTrue(account["balanced"])
            self.assertEqual(aside["notIp"] + aside["notSampled"], 300)
            self.assertIn(aside["notIp"], range(43, 43 + os.cpu_count()))

    def test_what_a_killed_weir_had_sampled_is_told_as_such(self):
        blast = self.blast(flows=100)
        with netns.Live(WEIR, [netns.FAR], "--sample", "3", to=SINK) as live:
            start = netns.Counters(netns.FAR).rx_frames
            netns.wait_for(lambda: netns.Counters(netns.FAR).rx_frames > start + 20000, "traffic")
            live.kill()
        blast.stop()
        stopped = subprocess.run([WEIR, "stop", netns.FAR, "--to", "json+file:-", "--template",
                                  "full", "--quiet"], capture_output=True, text=True, check=True,
                                 timeout=netns.WAIT_S)  # fmt: skip
        records = [json.loads(line) for line in stopped.stdout.splitlines()]
        self.assertTrue(records)
        for record in records:
            self.assertTrue(record["metricValidity"] & 1 << 8, record)

    def test_another_program_stays(self):
        for mode in ("xdp", "xdp-generic"):
            with netns.Live(WEIR, [netns.FAR], "--hook", mode, to=SINK) as live:
                before = attached()
                self.assertEqual([name for name, _ in before], [netns.FAR])
                for hook in ("auto", "xdp", "xdp-generic"):
                    self.assert_refused("attached already and stays", netns.FAR, "--hook", hook,
                                        "--instance", "other")
                self.assertEqual(attached(), before)
                with netns.Live(WEIR, [netns.FAR], "--hook", "tc", "--instance", "other",
                                to=SINK) as beside:
                    netns.send([bytes(60)] * 300)
                    self.assertEqual(beside.stop()["seen"]["packets"], 300)
                self.assertEqual(attached(), before)
                self.assertEqual(live.stop()["seen"]["packets"], 300)
            self.assert_nothing_left()

    def test_the_second_of_two_is_refused(self):
        self.assert_refused("nowhere: no such interface", netns.FAR, "nowhere")
        self.assert_nothing_left()

    def test_an_interface_that_is_not_there(self):
        for hook in HOOKS:
            self.assert_refused("nowhere: no such interface", "nowhere", *hook)

    def test_an_interface_that_is_down(self):
        netns.ip(f"link set {netns.FAR} down")
        for hook in HOOKS:
            self.assert_refused(f"ip link set {netns.FAR} up", netns.FAR, *hook)
        netns.ip(f"link set {netns.FAR} up")

    def test_xdp_does_not_see_what_leaves(self):
        self.assert_refused("use --hook tc", netns.FAR, "--hook", "xdp", "--direction", "both",
                            status=2)

    def test_without_rights(self):
        with open(WEIR, "rb") as program:  # its folder may be closed to nobody
            path = f"/proc/self/fd/{program.fileno()}"
            for hook in HOOKS:
                self.assert_refused("CAP_BPF", netns.FAR, *hook, weir=path, before=NOBODY,
                                    pass_fds=[program.fileno()])


if __name__ == "__main__":
    WEIR, BLAST = sys.argv.pop(1), sys.argv.pop(1)
    if not forbid.NUMBERS:
        print(f"skipped: the numbers of system calls are not known on {platform.machine()}")
        sys.exit(77)
    netns.enter()
    unittest.main()
