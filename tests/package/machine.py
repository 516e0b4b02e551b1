# SPDX-License-Identifier: BSD-2-Clause
"""systemd as the first process of namespaces of its own, over a layer of this machine's file system:
what is installed there runs as it would on a machine. It has the network of whoever boots it, and
of the machine's own services none."""

import glob
import json
import os
import shutil
import subprocess
import sys

import netns

SYSTEMD = "/lib/systemd/systemd"
WANTED = {"sysinit.target.wants": ["systemd-journald.service"],
          "sockets.target.wants": ["systemd-journald.socket", "systemd-journald-dev-log.socket"]}  # fmt: skip
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
TARGET = "weir-test.target"
# In new namespaces: the file systems of a machine, below $1, and then its first process. The number
# that this has outside is told by unshare's child.
BEGIN = f"""
set -e
cd "$1"
mount --make-rprivate /
mount -t proc proc proc
mount -t sysfs sys sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t bpf bpf sys/fs/bpf -o mode=700
mount -t tmpfs dev dev -o mode=755
for name in {" ".join(DEVICES)}; do : >dev/$name; mount --bind /dev/$name dev/$name; done
ln -s /proc/self/fd dev/fd
ln -s pts/ptmx dev/ptmx
mkdir dev/shm dev/mqueue dev/pts
mount -t devpts pts dev/pts -o newinstance,ptmxmode=666
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t tmpfs run run -o mode=755
mount -t tmpfs tmp tmp
mkdir run/old
pivot_root . run/old
umount -l /run/old
rmdir /run/old
exec env -i container=weir LC_ALL=C.UTF-8 WEIR_WORLD=off PATH=/usr/sbin:/usr/bin:/sbin:/bin \\
	{SYSTEMD} --unit={TARGET} --log-target=journal --show-status=0
"""


class Unavailable(Exception):
    """This machine cannot have one inside."""


def need():
    missing = [name for name in ("unshare", "nsenter", "pivot_root", "systemctl")
               if not shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")]  # fmt: skip
    if missing or not os.path.exists(SYSTEMD):
        raise Unavailable(f"no {', '.join(missing) or SYSTEMD}")


class Machine:
    def __init__(self, base):
        """base: with the layer in base/root, see package.py."""
        self.base = base
        self.root = f"{base}/root"
        self.process = None
        self._only_what_is_wanted()
        self._own_group()
        self._boot()

    def _only_what_is_wanted(self):
        """Of units, those that a service cannot do without."""
        with open(f"{self.root}/etc/fstab", "w", encoding="ascii"):
            pass
        shutil.rmtree(f"{self.root}/etc/systemd")
        for folder in glob.glob(f"{self.root}/usr/lib/systemd/system/*.wants"):
            shutil.rmtree(folder)
        for folder, names in WANTED.items():
            os.makedirs(f"{self.root}/etc/systemd/system/{folder}")
            for name in names:
                os.symlink(f"/lib/systemd/system/{name}",
                           f"{self.root}/etc/systemd/system/{folder}/{name}")
        self.write(f"/etc/systemd/system/{TARGET}", "[Unit]\nRequires=basic.target\nAfter=basic.target\n")
        # The journal of this boot, in memory, says it as it comes.
        self.write("/etc/systemd/journald.conf", "[Journal]\nStorage=volatile\nRateLimitBurst=0\n")

    def _own_group(self):
        """Of processes, for the kernel: below it systemd has its own."""
        tree = f"{self.base}/groups"
        os.mkdir(tree)
        if netns.LIBC.mount(b"cgroup2", tree.encode(), b"cgroup2", 0, None) != 0:
            raise Unavailable("cgroups of version 2 cannot be mounted")
        self.group = f"{tree}/weir-test-{os.getpid()}"
        os.mkdir(self.group)

    def _enter_group(self):
        """In the child."""
        netns.end_with_parent()
        with open(f"{self.group}/cgroup.procs", "w", encoding="ascii") as file:
            file.write("0")

    def _boot(self):
        self.process = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--mount", "--cgroup", "--ipc", "--uts", "--kill-child",
             "sh", "-c", BEGIN, "sh", self.root],
            stdin=subprocess.DEVNULL, preexec_fn=self._enter_group)  # fmt: skip
        self.first = netns.wait_for(self._first, "systemd")
        netns.wait_for(lambda: self.does("systemctl", "is-active", TARGET), "the machine has booted")

    def _first(self):
        """The number of its first process."""
        if self.process.poll() is not None:
            raise Unavailable(f"status {self.process.returncode} where systemd should begin")
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(path, encoding="ascii") as file:
            children = file.read().split()
        for child in children:
            with open(f"/proc/{child}/comm", encoding="ascii") as file:
                if file.read() == "systemd\n":
                    return int(child)
        return None

    # --- what happens in it ---

    def _run(self, words):
        inside = ["nsenter", "-t", str(self.first), "-m", "-p", "-C", "-u", "-i", "-r", "-w"]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                       "DEBIAN_FRONTEND": "noninteractive", "WEIR_WORLD": "off"}  # fmt: skip
        return subprocess.run([*inside, *words], capture_output=True, text=True, check=False,
                              timeout=4 * netns.WAIT_S, env=environment)  # fmt: skip

    def does(self, *words):
        return self._run(words).returncode == 0

    def run(self, *words):
        done = self._run(words)
        if done.returncode:
            self._run(["journalctl", "--sync"])
            said = self._run(["journalctl", "-q", "-n", "40", "-o", "cat"]).stdout
            raise RuntimeError(f"{' '.join(words)}: {done.stdout}{done.stderr}{said}")
        return done.stdout

    def show(self, unit, name):
        return self.run("systemctl", "show", "-P", name, unit).strip()

    def journal(self, unit):
        """What a unit said, as the fields of each event."""
        self.run("journalctl", "--sync")
        told = self.run("journalctl", "-q", "-o", "json", "-u", unit)
        return [json.loads(line) for line in told.splitlines()]

    def write(self, path, text, owner=None):
        os.makedirs(os.path.dirname(self.root + path), exist_ok=True)
        with open(self.root + path, "w", encoding="utf-8") as file:
            file.write(text)
        if owner:
            os.chown(self.root + path, *owner)

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait(netns.WAIT_S)
        if getattr(self, "group", None):
            netns.wait_for(self._remove_groups, "every process has gone")

    def _remove_groups(self):
        for folder, _, _ in os.walk(self.group, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                return False
        return not os.path.exists(self.group)


def skip(reason):
    print("skipped: a machine with systemd:", reason)
    sys.exit(77)
