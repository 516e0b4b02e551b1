# SPDX-License-Identifier: BSD-2-Clause
"""The Debian package, from its making to its purge: a layer over this machine's file system takes
what dpkg writes, and shows what is left."""

import glob
import gzip
import json
import os
import pwd
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/lib"))

import netns

BUILD = WEIR = BLAST = OTHER = BASE = ""  # set from the command line
NAME = "edge"
SIZE = 100
SHORT = ["--idle-timeout", "300ms", "--active-timeout", "500ms"]
CAPTURE = "tests/data/pcap/flowtest_http_get.pcap"
MS_BIND = 4096
SKIPPED = 77
# dpkg's own, the users', and what other packages keep of what is installed.
NOT_OURS = re.compile(r"(var/(lib/dpkg|log|cache|backups|lib/systemd)|"
                      r"etc/(passwd|group|shadow|gshadow|subuid|subgid|\.pwd\.lock|ld\.so\.cache))")


def mount(source, target, kind, flags=0, options=""):
    if netns.LIBC.mount(source.encode(), target.encode(), kind.encode(), flags,
                        options.encode()) != 0:  # fmt: skip
        print("skipped: no layer over this file system:", target)
        sys.exit(SKIPPED)


def lay_root():
    """A system of its own, which is this one below; the folder of what is written to it."""
    base = tempfile.mkdtemp(prefix="weir-package-")
    mount("none", base, "tmpfs", options="mode=755")
    for name in ("upper", "work", "root"):
        os.mkdir(f"{base}/{name}")
    mount("overlay", f"{base}/root", "overlay",
          options=f"lowerdir=/,upperdir={base}/upper,workdir={base}/work")
    for name in ("proc", "sys", "dev", "tmp"):
        mount(f"/{name}", f"{base}/root/{name}", "none", MS_BIND | netns.MS_REC)
    # None of this machine's services is to be talked to.
    mount("none", f"{base}/root/run", "tmpfs", options="mode=755")
    return base


def inside(*words, **options):
    """A command of that system."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                   "DEBIAN_FRONTEND": "noninteractive", "WEIR_WORLD": "off"}  # fmt: skip
    done = subprocess.run(["chroot", f"{BASE}/root", *words], capture_output=True, text=True,
                          check=False, timeout=netns.WAIT_S, env=environment, **options)  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stdout}{done.stderr}")
    return done.stdout


def make_package(folder):
    subprocess.run(["cpack", "-G", "DEB", "--config", f"{BUILD}/CPackConfig.cmake", "-B", folder],
                   cwd=BUILD, check=True, stdout=subprocess.DEVNULL)  # fmt: skip
    [package] = glob.glob(f"{folder}/*.deb")
    return package


def make_earlier(package, folder):
    """The same of an earlier version, whose tables are laid out otherwise."""
    tree = f"{folder}/tree"
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
    shutil.copy(OTHER, f"{tree}/usr/bin/weir")
    control = Path(tree, "DEBIAN/control")
    control.write_text(re.sub(r"(?m)^Version: .*", "Version: 0.0.1", control.read_text()))
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, f"{folder}/earlier.deb"], check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    return f"{folder}/earlier.deb"


def left_over():
    """What the layer holds that was not there before."""
    upper = Path(BASE, "upper")
    found = []
    for folder, _, files in os.walk(upper):
        for path in (Path(folder), *(Path(folder, name) for name in files)):
            name = str(path.relative_to(upper))
            same = path.is_dir() and Path("/", name).is_dir() and not path.is_symlink()
            if name != "." and not same and not NOT_OURS.match(name):
                kind = "removed" if stat.S_ISCHR(path.lstat().st_mode) else "left"
                found.append(f"{kind}: {name}")
    return found


class Beside:
    def __init__(self, json):
        self.json = json

    records = netns.Live.records


class PackageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="weir-package-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        os.chmod(cls.folder, 0o755)
        cls.package = make_package(cls.folder)
        cls.earlier = make_earlier(cls.package, cls.folder)
        # What this machine has of weir is not the package's.
        for path in ("etc/weir", "var/lib/weir", "var/spool/weir"):
            shutil.rmtree(f"{BASE}/root/{path}", ignore_errors=True)
        cls.before = left_over()

    def setUp(self):
        self.addCleanup(subprocess.run, ["chroot", f"{BASE}/root", "dpkg", "-P", "weir"], check=False,
                        capture_output=True)  # fmt: skip

    def user(self):
        with open(f"{BASE}/root/etc/passwd", encoding="utf-8") as file:
            [line] = [line for line in file if line.startswith("weir:")]
        return pwd.struct_passwd((*line.split(":")[:2], *map(int, line.split(":")[2:4]),
                                  *line.strip().split(":")[4:]))  # fmt: skip

    def mode(self, path):
        status = os.stat(f"{BASE}/root{path}")
        return stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid

    def test_installed_used_and_purged(self):
        inside("dpkg", "-i", self.package)
        user = self.user()
        self.assertEqual((user.pw_dir, user.pw_shell), ("/var/lib/weir", "/usr/sbin/nologin"))
        self.assertEqual(self.mode("/etc/weir"), (0o750, 0, user.pw_gid))
        self.assertEqual(self.mode("/var/lib/weir"), (0o750, user.pw_uid, user.pw_gid))
        self.assertEqual(inside("weir", "--version"),
                         subprocess.run([WEIR, "--version"], capture_output=True, text=True,
                                        check=True).stdout)  # fmt: skip
        inside("weir", "check", "/etc/weir/weir.conf")
        capture = f"{self.folder}/capture.pcap"
        shutil.copy(ROOT / CAPTURE, capture)
        words = ["replay", "--quiet", "--to", "json+file:-", "--seed", "1", capture]
        here = subprocess.run([WEIR, *words], capture_output=True, text=True, check=True).stdout
        self.assertTrue(here)
        self.assertEqual(inside("weir", *words), here)
        for page in ("man1/weir.1", "man5/weir.conf.5", "man5/weir-templates.5",
                     "man7/weir-elements.7"):  # fmt: skip
            with gzip.open(f"{BASE}/root/usr/share/man/{page}.gz", "rt") as file:
                self.assertEqual(file.read(), (ROOT / "man" / page.split("/")[1]).read_text())
        shown = inside("dpkg", "-L", "weir").split()
        for path in ("/usr/lib/systemd/system/weir@.service", "/usr/share/weir/templates/full.tpl",
                     "/usr/share/weir/collectors/libfixbuf", "/usr/share/doc/weir/copyright",
                     "/usr/share/bash-completion/completions/weir"):  # fmt: skip
            self.assertIn(path, shown)
        self.assertIn("/etc/weir/weir.conf", inside("dpkg-query", "-W", "-f", "${Conffiles}", "weir"))
        inside("dpkg", "-r", "weir")
        self.assertTrue(os.path.exists(f"{BASE}/root/etc/weir/weir.conf"))
        self.assertFalse(os.path.exists(f"{BASE}/root/usr/bin/weir"))
        inside("dpkg", "-P", "weir")
        self.assertEqual(left_over(), self.before)

    def live(self):
        program = f"{self.folder}/weir"
        with open(program, "w", encoding="ascii") as file:
            file.write(f'#!/bin/sh\nexec chroot {BASE}/root /usr/bin/weir "$@"\n')
        os.chmod(program, 0o755)
        live = netns.Live(program, [netns.FAR], "--instance", NAME, "--user", "weir", *SHORT)
        self.addCleanup(live.close)
        self.assertTrue(live.metering, live.errors)
        return live

    def wait_for_frames(self, more):
        start = netns.Counters(netns.FAR).rx_frames
        netns.wait_for(lambda: netns.Counters(netns.FAR).rx_frames > start + more, "traffic")

    def test_an_upgrade_keeps_the_account(self):
        """What the maintainer scripts leave to systemd is done here: end by SIGTERM, begin anew."""
        netns.lay()
        self.addCleanup(netns.ip, f"link del {netns.NEAR}")
        inside("dpkg", "-i", self.earlier)
        user = self.user()

        def folder(*arguments, **options):
            made = tempfile_folder(*arguments, **options)
            os.chown(made.name, user.pw_uid, user.pw_gid)
            return made

        tempfile_folder, tempfile.TemporaryDirectory = tempfile.TemporaryDirectory, folder
        self.addCleanup(setattr, tempfile, "TemporaryDirectory", tempfile_folder)
        first = self.live()
        blast = netns.Blast(BLAST, interface=netns.NEAR, size=SIZE, rate=20000, flows=2000)
        self.addCleanup(blast.stop)
        self.wait_for_frames(10000)
        inside("dpkg", "-i", self.package)
        self.wait_for_frames(5000)
        first.process.terminate()
        first.process.wait(netns.WAIT_S)
        self.wait_for_frames(5000)
        second = self.live()
        frames = blast.stop()["frames"]
        # Removal ends what runs; everything is written.
        inside("dpkg", "-r", "weir")
        account = second.ended()
        self.assertEqual(second.status, 0, second.errors)
        self.assertIn("its own program writes them", second.errors)
        self.assertTrue(account["balanced"], json.dumps(account))
        self.assertEqual(account["seen"]["packets"], frames)
        self.assertEqual(account["exported"]["packets"], frames)
        runs = [first, second, *(Beside(path) for path in glob.glob(f"{second.json}.earlier*"))]
        packets = sum(record["packetDeltaCount"] for run in runs for record in run.records())
        self.assertEqual(packets, frames)
        self.assertFalse(os.path.exists("/sys/fs/bpf/weir"))
        inside("dpkg", "-P", "weir")
        self.assertEqual(left_over(), self.before)


if __name__ == "__main__":
    BUILD, WEIR, BLAST, OTHER = (sys.argv.pop(1) for _ in range(4))
    for tool in ("cpack", "dpkg", "dpkg-deb", "dpkg-shlibdeps", "chroot"):
        if not shutil.which(tool):
            print(f"skipped: no {tool}")
            sys.exit(SKIPPED)
    netns.enter()
    BASE = lay_root()
    try:
        unittest.main(verbosity=2, exit=False).result.wasSuccessful() or sys.exit(1)
    finally:
        netns.LIBC.umount2(BASE.encode(), 2)  # lazily: it has mounts below
        os.rmdir(BASE)
