#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Boots Debian 12's own kernel under qemu, in software, and runs the kernel tests in it.

The kernel's package is fetched and unpacked below BUILD, not installed. The guest's whole file
system is an archive made here, of busybox, the programs the tests name with the libraries they
need, and parts of the tree; all of it lies where it lies on this machine. Status 1 where a test
failed.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from guest import Archive  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
META_PACKAGE = "linux-image-cloud-amd64"
PACKAGE = re.compile(r"linux-image-(6\.1\.\S+-cloud-amd64)")
SKIPPED = 77
BOOT_SECONDS = 300
SLOW = 3  # times what a test takes on a machine that has nothing else to do
MODULES = ["veth", "sch_ingress", "cls_bpf", "act_bpf", "cls_u32", "dummy", "8021q"]


@dataclass
class GuestTest:
    """A program of the build or this machine, run at the root of the tree; status 77 is skipped."""

    name: str
    program: str
    arguments: str = ""  # {build}: the build's folder
    seconds: int = 120
    tools: tuple = ()  # other programs it runs
    paths: tuple = ()  # files and folders of the tree


# Of each kind of packet and of stream, small ones.
CAPTURES = [
    "arkime_gre-erspan-vxlan.pcap", "arkime_long-session.pcap", "flowtest_ipv4-udp-fragmented.pcap",
    "flowtest_ipv6-dst-opts.pcap", "flowtest_ipv6-udp-fragmented.pcap", "flowtest_tls13.pcap",
    "ipfixprobe_vlan.pcap", "libtrace_qinq.pcap", "ndpi_4in4tunnel.pcap", "ndpi_ipv6_in_gtp.pcap",
    "ndpi_sctp.cap", "ndpi_teredo.pcap", "slips_test12-icmp-portscan.pcap", "suriv_frag-15.pcap",
    "tcpdump_mpls-over-udp.pcap", "tcpdump_tfo-5c1fa7f9ae91.pcap", "tcptrace_6syns.dmp.gz",
    "tcptrace_ipopts.dmp.gz", "tcptrace_long_rtt.dmp.gz", "ws_http-ooo.pcap",
    "zeek_fin_retransmission.pcap", "zeek_handshake-reorder.pcap", "zeek_icmp-ping.pcap",
    "zeek_icmp6-ping.pcap", "zeek_pppoe.pcap", "zeek_retransmit-timeout.pcapng",
    "zeek_truncated-header.pcap", "zeek_window-scale-range.pcap",
]

# What the kernel decides of rights; the rest of live.rights is as everywhere.
RIGHTS = [f"RightsTest.test_{name}" for name in (
    "root_keeps_little", "another_user_keeps_less", "another_user_goes_on_where_it_ended",
    "interfaces_come_back", "begun_by_a_user_with_capabilities")]  # fmt: skip


def live_tests(data, captures, every_capture):
    """`weir run`: frames come as fast as an emulated machine sends them, which is slowly."""
    tools = ("weir", "tests/lib/blast")
    lib = tuple(f"tests/lib/{name}.py" for name in ("netns", "generators", "replay", "capture",
                                                   "flow_rows"))  # fmt: skip
    lib += ("tests/lib/exact.tpl",)
    return [
        GuestTest("live.fire", "python3",
                  "-B tests/live/guest_fire.py {build}/weir {build}/tests/lib/blast", seconds=300,
                  tools=tools, paths=("tests/live/guest_fire.py", "tests/live/fire_cases.py", *lib)),
        GuestTest("live.filter", "python3",
                  f"-B tests/live/filter.py {{build}}/weir {{build}}/tests/lib/blast {data} 2", seconds=600,
                  tools=(*tools, "tcpdump"), paths=("tests/live/filter.py", *lib, *captures)),
        GuestTest("live.dedup", "python3", "-B tests/live/dedup.py {build}/weir", seconds=600, tools=("weir",),
                  paths=("tests/live/dedup.py", "tests/lib/netns.py")),
        GuestTest("live.rights", "python3",
                  "-B tests/live/rights.py {build}/weir {build}/tests/lib/blast "
                  "{build}/tests/live/weir_other " + " ".join(RIGHTS), seconds=900,
                  tools=(*tools, "tests/live/weir_other", "setpriv"),
                  paths=("tests/live/rights.py", "tests/lib/netns.py")),
        *(GuestTest(f"live.{name}", "python3",
                    f"-B tests/live/{name}.py {{build}}/weir {data} {least}",
                    seconds=300, tools=tools, paths=(f"tests/live/{name}.py", *lib, *captures))
          for name, least in ((("live_replay", 50), ("captured", 300)) if every_capture else ())),
    ]


def guest_tests(every_capture):
    data = "tests/data/pcap"
    captures = (data,) if every_capture else tuple(f"{data}/{name}" for name in CAPTURES)
    return [
        GuestTest("load", "tests/vm/test_load"),
        *(GuestTest(f"parity.{detail}", "tests/parity/test_parity", f"{detail} {data}",
                    paths=captures) for detail in ("basic", "tcp", "full")),
        GuestTest("parity.fragments", "python3",
                  "-B tests/parity/fragments.py {build}/tests/parity/test_parity", seconds=400,
                  tools=("tests/parity/test_parity",),
                  paths=("tests/parity/fragments.py",
                         *(f"tests/lib/{name}.py" for name in ("fragment_captures", "make_pcap",
                                                               "capture")))),
        GuestTest("parity.filter", "tests/parity/test_filter_homes", data, seconds=300,
                  tools=("tcpdump",), paths=captures),
        GuestTest("parity.copies", "tests/parity/test_copies", data, seconds=300, paths=captures),
        GuestTest("unit.geo_reload", "tests/unit/test_geo_reload", paths=("tests/data/geoip",)),
        GuestTest("live.probe", "tests/live/test_probe"),
        GuestTest("live.attach", "tests/live/test_attach", seconds=300),
        GuestTest("live.links", "tests/live/test_links", seconds=300),
        GuestTest("live.refusal", "tests/live/test_refusal"),
        GuestTest("live.neighbours", "python3", "-B tests/live/neighbours.py {build}/weir",
                  seconds=300, tools=("weir",),
                  paths=("tests/live/neighbours.py", "tests/lib/netns.py", "tests/lib/forbid.py")),
        *live_tests(data, captures, every_capture),
        GuestTest("live.doctor", "python3", "-B tests/live/doctor.py {build}/weir", tools=("weir",),
                  paths=("tests/live/doctor.py",)),
        *([GuestTest("live.af_packet", "tests/live/test_af_packet", paths=captures)]
          if every_capture else []),
    ]


class Unavailable(Exception):
    """The machine has not got what a guest needs."""


def output_of(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    return done.stdout if done.returncode == 0 else ""


def unpacked(cache):
    """Folders of the kernels that lie there already, newest last."""
    found = [path.parent for path in cache.glob("*/boot")]
    return sorted(found, key=lambda path: [int(n) for n in re.findall(r"\d+", path.name)])


def fetch(package, cache):
    """The package's files, in a folder of the cache that bears its name."""
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        command = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", package]
        if not output_of(command, cwd=folder, timeout=300):
            return None
        [file] = Path(folder).glob("*.deb")
        subprocess.run(["dpkg-deb", "-x", str(file), f"{folder}/files"], check=True)
        Path(folder, "files").rename(cache / package)
    return cache / package


def find_kernel(cache):
    """The folder of the newest kernel package of Debian 12; fetched if it is not there yet."""
    cache.mkdir(parents=True, exist_ok=True)
    for attempt in range(2):
        match = PACKAGE.search(output_of(["apt-cache", "depends", META_PACKAGE]))
        if match and (cache / match[0]).exists():
            return cache / match[0]
        if match and fetch(match[0], cache):
            return cache / match[0]
        if attempt == 0 and os.geteuid() == 0:
            output_of(["apt-get", "-q", "update"], timeout=300)
    if unpacked(cache):
        return unpacked(cache)[-1]
    raise Unavailable(f"apt has no {META_PACKAGE} of kernel 6.1: run apt-get update")


def need_programs():
    for program, package in (("qemu-system-x86_64", "qemu-system-x86"),
                             ("busybox", "busybox-static"), ("ip", "iproute2")):
        if not shutil.which(program):
            raise Unavailable(f"no {program}: install {package}")


def make_archive(path, kernel, build, tests, command=None):
    """The lines the guest will run: name, seconds, command of each test."""
    archive = Archive(build)
    archive.file("/init", (HERE / "init").read_bytes(), 0o755)
    archive.file("/etc/passwd", b"root:x:0:0:root:/:/bin/sh\n"
                 b"nobody:x:65534:65534:nobody:/:/bin/sh\n")
    archive.link("/usr/bin/sh", "busybox")
    for program in ("busybox", "ip", "tc"):
        archive.program(program)
    lines = []
    for test in tests:
        lines.append((test.name, SLOW * test.seconds,
                      f"{archive.program(test.program)} {test.arguments.format(build=build)}"))
        for program in test.tools:
            archive.program(program)
        for name in test.paths:
            archive.tree(ROOT / name)
    if command:
        lines = [("command", 600, command)]
    modules = archive.modules(kernel, MODULES)
    archive.file("/etc/weir/modules", "".join(f"{name}\n" for name in modules).encode())
    text = "".join(f"{name} {seconds} {line}\n" for name, seconds, line in lines)
    archive.file("/etc/weir/tests", text.encode())
    archive.file("/etc/weir/root", f"{ROOT}\n".encode())
    archive.write(path)
    return lines


def qemu_command(kernel, archive, log):
    [image] = (kernel / "boot").glob("vmlinuz-*")
    return [
        "setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64",
        "-no-user-config", "-nodefaults", "-no-reboot", "-display", "none",
        "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "Nehalem", "-smp", "2",
        "-m", "4096", "-kernel", str(image), "-initrd", str(archive),
        "-serial", f"file:{log}", "-serial", "stdio",
        # A panic ends qemu at once.
        "-append", "console=ttyS0 loglevel=4 panic=-1 mitigations=off",
    ]


class Report:
    """Reads what init tells, prints TAP, and knows what did not come."""

    def __init__(self, names):
        self.missing = list(names)
        self.lines = []
        self.failed = 0
        self.done = False
        self.start = time.monotonic()

    def tell(self, good, name, note=""):
        self.failed += not good
        for line in self.lines:
            print(f"    {line}")
        self.lines = []
        print(f"{'ok' if good else 'not ok'} - vm {name}{note}", flush=True)

    def read(self, line):
        words = line.split()
        if words[:1] == ["@kernel"]:
            took = time.monotonic() - self.start
            self.lines.append(f"kernel {words[1]}, up after {took:.1f} s")
            self.tell(words[1].startswith("6.1."), "boots Debian 12's kernel")
        elif words[:1] == ["@begin"]:
            self.lines = []
        elif words[:1] == ["@end"]:
            self.ended(words[1], int(words[2]), words[3])
        elif words[:1] == ["@complaint"]:
            self.lines = []
        elif words[:1] == ["@done"]:
            self.tell(not self.lines, "the kernel has nothing to complain of")
            self.done = True
        elif line.strip():
            self.lines.append(line)

    def ended(self, name, status, seconds):
        self.missing.remove(name)
        if status == SKIPPED:
            reason = self.lines[-1] if self.lines else "no reason given"
            self.tell(True, name, f" # SKIP {reason}")
            return
        self.lines.append(f"{name}: status {status}, {seconds} s in the guest")
        self.tell(status == 0, name)

    def close(self, log):
        """Whatever is still to come will not."""
        if not self.done:
            text = log.read_text(errors="replace") if log.exists() else ""
            self.lines += ["the guest ended early; its kernel's last words:"]
            self.lines += text.splitlines()[-40:]
            self.tell(False, "the guest runs to its end")
        for name in self.missing:
            self.tell(False, name)


def boot(kernel, archive, lines):
    log = archive.with_name("kernel.log")
    report = Report(name for name, _, _ in lines)
    limit = BOOT_SECONDS + sum(seconds for _, seconds, _ in lines)
    with subprocess.Popen(qemu_command(kernel, archive, log), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace") as qemu:
        watchdog = threading.Timer(limit, qemu.kill)
        watchdog.start()
        for line in qemu.stdout:
            report.read(line.rstrip())
        watchdog.cancel()
    report.close(log)
    return report.failed


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("--all", action="store_true", help="over every capture")
    parser.add_argument("--only", action="append", metavar="NAME", help="again for more")
    parser.add_argument("--command", metavar="LINE",
                        help="with the programs of these tests there, only this shell command")
    return parser.parse_args()


def chosen_tests(options):
    tests = guest_tests(options.all)
    unknown = set(options.only or []) - {test.name for test in tests}
    if unknown:
        sys.exit(f"vm.py: no test {', '.join(sorted(unknown))}")
    return [test for test in tests if not options.only or test.name in options.only]


def main():
    options = arguments()
    build = options.build.resolve()
    try:
        need_programs()
        kernel = find_kernel(build / "kernel")
    except Unavailable as reason:
        print(f"ok - vm boots Debian 12's kernel # SKIP {reason}")
        return
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder, "guest.cpio")
        lines = make_archive(archive, kernel, build, chosen_tests(options), options.command)
        sys.exit(boot(kernel, archive, lines) > 0)


if __name__ == "__main__":
    main()
