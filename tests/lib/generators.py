# SPDX-License-Identifier: BSD-2-Clause
"""Generators of traffic that others wrote, each with its own count of what it sent."""

import collections
import json
import os
import re
import shutil
import subprocess
import tempfile

import netns

SECONDS = 240
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


Sent = collections.namedtuple("Sent", "octets received repeats")


class Iperf:
    """A server in a namespace of its own, at the far end of a wire as the kernel lays it."""

    PORT = 5201

    def __init__(self):
        queues = "numtxqueues 2 numrxqueues 2"
        netns.ip(f"link add {netns.NEAR} {queues} type veth peer name {netns.FAR} {queues}")
        # Whoever holds the namespace, and with it the wire, ends with its standard input.
        self.holder = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE,
                                       preexec_fn=netns.end_with_parent)  # fmt: skip
        self.far_net = f"/proc/{self.holder.pid}/ns/net"
        own = os.readlink("/proc/self/ns/net")
        netns.wait_for(lambda: os.readlink(self.far_net) != own, "a namespace")
        quiet = "! test -e /proc/sys/net/ipv6 || echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6"
        subprocess.run(self.there("sh", "-c", quiet), check=True)
        netns.ip(f"link set {netns.FAR} netns {self.holder.pid}")
        netns.ip(f"addr add 10.99.0.1/24 dev {netns.NEAR}")
        netns.ip(f"link set {netns.NEAR} up")
        for line in ("ip addr add 10.99.0.2/24 dev far", "ip link set far up"):
            subprocess.run(self.there(*line.split()), check=True)
        self.server = _start(*self.there("iperf3", "--server", "--one-off"))
        netns.wait_for(lambda: netns.shown(netns.NEAR)["operstate"] == "UP", "the wire is up")

    def there(self, *command):
        return ["nsenter", f"--net={self.far_net}", *command]

    def listening(self):
        """Is the server's port open (hexadecimal, state 0A)?"""
        for name in ("tcp", "tcp6"):
            with open(f"/proc/{self.holder.pid}/net/{name}", encoding="ascii") as file:
                if re.search(rf":{self.PORT:04X} [0-9A-F]+:0000 0A", file.read()):
                    return True
        return False

    def send(self, octets, reverse):
        """What it says of its octets and repeated segments; reverse: from the far end."""
        netns.wait_for(self.listening, "the server listens")
        client = _start("iperf3", "--client", "10.99.0.2", "--bytes", str(octets), "--json",
                        *(["--reverse"] if reverse else []))  # fmt: skip
        told = json.loads(_end(client))
        _end(self.server)
        sent, received = told["end"]["sum_sent"], told["end"]["sum_received"]
        return Sent(sent["bytes"], received["bytes"], sent["retransmits"])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.server.poll() is None:
            self.server.kill()
            self.server.wait()
        self.server.stdout.close()
        netns.ip(f"link del {netns.NEAR}")
        self.holder.communicate()
