# SPDX-License-Identifier: BSD-2-Clause
"""Live traffic in a network namespace that ends with the process: a wire, a sender, `weir run`."""

import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

CLONE_NEWNET = 0x40000000
CLONE_NEWNS = 0x00020000
MS_REC, MS_PRIVATE = 0x4000, 1 << 18
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)
NEAR, FAR = "near", "far"
WAIT_S = 120  # for what comes for sure: a loaded machine only takes longer
VOLLEY = 128  # frames that every queue on the way has room for
READY = ": metering at "


def enter():
    """This process, and what it starts, into a namespace of its own; exits with 77 if it may not."""
    if LIBC.unshare(CLONE_NEWNET) != 0:
        print("skipped: a network namespace:", os.strerror(ctypes.get_errno()))
        sys.exit(77)
    own_bpf_file_system()
    # No router solicitations and the like: the only frames are the test's.
    try:
        with open("/proc/sys/net/ipv6/conf/default/disable_ipv6", "w", encoding="ascii") as file:
            file.write("1")
    except FileNotFoundError:
        pass


def own_bpf_file_system():
    """What is pinned ends with this process, and no other test sees it."""
    if (LIBC.unshare(CLONE_NEWNS) != 0
            or LIBC.mount(b"none", b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None) != 0
            or LIBC.mount(b"bpf", b"/sys/fs/bpf", b"bpf", ctypes.c_ulong(0), b"mode=700") != 0):
        print("skipped: a BPF file system:", os.strerror(ctypes.get_errno()))
        sys.exit(77)
    # So do the copies that a killed weir leaves.
    os.makedirs("/run/weir", exist_ok=True)
    LIBC.mount(b"tmpfs", b"/run/weir", b"tmpfs", ctypes.c_ulong(0), b"mode=700")


def end_with_parent():
    """In a child: a test that is killed leaves nothing running in its namespace."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def ip(line):
    done = subprocess.run(["ip", *line.split()], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"ip {line}: {done.stderr.strip()}")
    return done.stdout


def lay(near=NEAR, far=FAR):
    """A wire with two queues, so that both CPUs can be at it at once."""
    queues = "numtxqueues 2 numrxqueues 2"
    ip(f"link add {near} {queues} type veth peer name {far} {queues}")
    for end in (near, far):
        ip(f"link set {end} arp off up")
    wait_for(lambda: all(shown(end)["operstate"] == "UP" for end in (near, far)), "the wire is up")


def shown(interface):
    return json.loads(ip(f"-j -d link show dev {interface}"))[0]


class Counters:
    """An interface's own, so far."""

    def __init__(self, interface):
        with open("/proc/self/net/dev", encoding="ascii") as file:
            words = next(line.split() for line in file if line.split()[0] == f"{interface}:")
        self.rx_octets, self.rx_frames = int(words[1]), int(words[2])
        self.tx_octets, self.tx_frames = int(words[9]), int(words[10])


def wait_for(condition, what):
    """Looks again and again, at first without a pause; returns what the condition gave."""
    start = time.monotonic()
    while not (found := condition()):
        passed = time.monotonic() - start
        if passed > WAIT_S:
            raise TimeoutError(f"in vain for {WAIT_S} s: {what}")
        # Whom it waits for needs the CPU more.
        time.sleep(0.002 if passed > 0.02 else 0)
    return found


def volleys(frames):
    return [frames[start : start + VOLLEY] for start in range(0, len(frames), VOLLEY)]


def send(frames, interface=NEAR, other=FAR):
    """Every frame, none refused by the wire: in volleys, each of which arrives before the next."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as out:
        out.bind((interface, 0))
        arrived = Counters(other).rx_frames
        for volley in volleys(frames):
            for frame in volley:
                out.send(frame)
            arrived += len(volley)
            wait_for(lambda: Counters(other).rx_frames >= arrived, f"{arrived} frames at {other}")


class Blast:
    """tests/lib/blast.c at work: frames of its own making, as fast as one CPU sends them."""

    def __init__(self, program, **options):
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        self.process = subprocess.Popen([program, *words], stdout=subprocess.PIPE, text=True,
                                        preexec_fn=end_with_parent)

    def finish(self):
        """{"frames", "octets", "refused", "seconds"}, when it is done."""
        told, _ = self.process.communicate(timeout=WAIT_S)
        if self.process.returncode:
            raise RuntimeError(f"blast: status {self.process.returncode}")
        return json.loads(told)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        return self.finish()


class Live:
    """`weir run`, from the moment it meters until it is told to stop."""

    def __init__(self, weir, interfaces, *options, to="json"):
        self.folder = tempfile.TemporaryDirectory(prefix="weir-")
        self.json = os.path.join(self.folder.name, "json")
        self.stats = os.path.join(self.folder.name, "account")
        self.errors = ""
        self.status = None
        destination = f"json+file:{self.json}" if to == "json" else to
        where = ["--to", destination] if destination else []  # else the configuration says
        self.process = subprocess.Popen(
            [weir, "run", *interfaces, "--max-flows", "65536", *options, *where, "--json-stats",
             self.stats],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            preexec_fn=end_with_parent, env=dict(os.environ, G_DEBUG="fatal-warnings", LC_ALL="C"))  # fmt: skip
        self.hooks = {}
        try:
            self._await(len(interfaces))
        except BaseException:
            self.close()
            raise

    def _await(self, count):
        """Until so many interfaces are metered, or it has ended."""
        deadline = time.monotonic() + WAIT_S
        fd = self.process.stderr.fileno()
        while len(self.hooks) < count:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([fd], [], [], left)[0]:
                raise TimeoutError(f"not metering: {self.errors}")
            more = os.read(fd, 65536)
            if not more:
                break
            self.errors += more.decode()
            for line in self.errors.splitlines():
                if READY in line:
                    name, hook = line.removeprefix("weir: ").split(READY)
                    self.hooks[name] = hook

    @property
    def metering(self):
        return bool(self.hooks) and self.process.poll() is None

    def stop(self, number=signal.SIGINT):
        """Its account; status and errors are there then."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.ended()

    def ended(self):
        _, errors = self.process.communicate(timeout=WAIT_S)
        self.errors += errors.decode()
        self.status = self.process.returncode
        try:
            with open(self.stats, encoding="utf-8") as file:
                told = file.read()
        except FileNotFoundError:
            return None
        return json.loads(told) if told else None

    def records(self):
        """A process that was killed may have left a line unfinished."""
        with open(self.json, encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        if self.process.poll() is None:
            self.kill()
        self.process.stderr.close()
        self.folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
