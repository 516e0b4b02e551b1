# SPDX-License-Identifier: BSD-2-Clause
"""Generators of traffic that others wrote, each with its own count of what it sent."""

import os
import re
import shutil
import subprocess
import tempfile

import netns

SECONDS = 60
# A SYN of a flow of its own a frame: addresses and ports at random, from every CPU.
SYN_FLOOD = """{
0x02, fill(0x00, 4), 0x02, 0x02, fill(0x00, 4), 0x01, 0x08, 0x00,
0x45, 0x00, c16(40), drnd(2), 0x40, 0x00, 0x40, 0x06, 0x00, 0x00, 10, drnd(3), 192, 0, 2, 1,
drnd(2), c16(80), drnd(4), c32(0), 0x50, 0x02, 0x20, 0x00, 0x00, 0x00, 0x00, 0x00,
fill(0x00, 6)
}
"""
SYN_FRAME = 60


def missing(*programs):
    """Which of them this machine has not got."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    return [program for program in programs if not shutil.which(program, path=path)]


def _said(output, pattern):
    found = re.search(pattern, output, re.MULTILINE)
    if not found:
        raise RuntimeError(f"not a word of {pattern!r} in: {output}")
    return [int(number) for number in found.groups()]


def _start(*command):
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, preexec_fn=netns.end_with_parent,
                            env=dict(os.environ, PATH=path, LC_ALL="C"))  # fmt: skip


def _end(process):
    output, _ = process.communicate(timeout=SECONDS)
    if process.returncode:
        raise RuntimeError(f"{process.args[0]}: status {process.returncode}: {output}")
    return output


class Trafgen:
    """A SYN flood from every CPU, through a mapped ring; has no word for frames the wire refused,
    so it is to be given a pace that every wire takes."""

    def __init__(self, frames, rate, interface=netns.NEAR):
        self.config = tempfile.NamedTemporaryFile("w", suffix=".cfg")
        self.config.write(SYN_FLOOD)
        self.config.flush()
        self.process = _start("trafgen", "--no-sock-mem", "--notouch-irq", "--dev", interface,
                              "--conf", self.config.name, "--num", str(frames), "--cpus", "2",
                              "--rate", f"{rate}pps")  # fmt: skip

    def finish(self):
        """Frames and their octets."""
        output = _end(self.process)
        self.config.close()
        return tuple(_said(output, r"(\d+) packets outgoing\s+(\d+) bytes outgoing"))


class Tcpreplay:
    """A capture over and over; sends again what the wire refused."""

    def __init__(self, capture, loops, interface=netns.NEAR, pace=("--topspeed",)):
        self.process = _start("tcpreplay", *pace, "--preload-pcap", f"--loop={loops}", "-i",
                              interface, capture)  # fmt: skip

    def finish(self):
        output = _end(self.process)
        failed = _said(output, r"Failed packets: +(\d+)")[0]
        frames, octets = _said(output, r"Actual: (\d+) packets \((\d+) bytes\)")
        if failed:
            raise RuntimeError(f"tcpreplay: {failed} frames failed: {output}")
        return frames, octets
