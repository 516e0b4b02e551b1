# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of collectors share: a case, what it expects, and how cases are run."""

import sys
import tempfile
import time

import delivery
import netns
from collector import Collector, wait_for
from delivery import Run, differences


class Case:
    def __init__(self, weir, capture, folder):
        self.weir = weir
        self.capture = capture
        self.folder = folder
        self.faults = []

    def expect(self, good, text):
        if not good:
            self.faults.append(text)

    def run(self, to, options=(), truth=True):
        folder = tempfile.mkdtemp(dir=self.folder)
        return Run(self.weir, folder, self.capture, to, options, truth=truth)

    def less(self, packets):
        """From now on, so many packets."""
        self.capture = delivery.traffic(self.weir, tempfile.mkdtemp(dir=self.folder), packets)

    def collector(self, kind="tcp", port=None):
        return Collector(tempfile.mkdtemp(dir=self.folder), port, kind)

    def kill_again_and_again(self, collector, run, kills):
        """It reads little between two deaths, and all in its last life."""
        for kill in range(kills):
            before = collector.octets() if kill else 0
            wait_for(lambda: collector.octets() > before or not run.running(), "octets come")
            self.expect(run.running(), f"the run ended before kill {kill + 1}")
            collector.kill()
            collector.kind = "sip" if kill + 1 < kills else "tcp"
            collector.start()
        self.expect(run.wait() == 0, run.errors())

    def check_whole(self, got, run, may_repeat=0):
        total, problems = got
        self.faults += problems[:3]
        self.faults += differences(total, run.truth(), may_repeat)

    def check_balanced(self, account):
        self.expect(account["balanced"], f"not balanced: {account}")


def lost(one):
    return sum(reason["records"] for reason in one["dropped"].values())


def destinations(account):
    """The collectors' own counts, without the file's."""
    return [one for one in account["destinations"] if "+file:" not in one["url"]]


def run_cases(cases, packets="100k"):
    """SCRIPT WEIR [CASE]...: the status to exit with."""
    netns.enter()
    netns.ip("link set lo up")
    weir, wanted = sys.argv[1], sys.argv[2:]
    bad = 0
    with tempfile.TemporaryDirectory(prefix="weir-net-") as folder:
        capture = delivery.traffic(weir, folder, packets)
        for test in cases:
            if wanted and test.__name__ not in wanted:
                continue
            case = Case(weir, capture, folder)
            began = time.monotonic()
            try:
                test(case)
            except (TimeoutError, OSError, ValueError, KeyError) as error:
                case.faults.append(f"{type(error).__name__}: {error}")
            print(f"{'FAILED' if case.faults else 'ok':6} {test.__doc__} "
                  f"({time.monotonic() - began:.1f} s)", flush=True)  # fmt: skip
            for fault in case.faults:
                print(f"       {fault}", flush=True)
            bad += bool(case.faults)
    return 1 if bad else 0
