# SPDX-License-Identifier: BSD-2-Clause
"""Replays into collectors, and compares what they got with a file of the same run."""

import collections
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

import ipfix_check  # noqa: E402

WAIT_S = 120
TEMPLATE = "quality"  # every record of a flow is another one
ELEMENTS = ipfix_check.load_elements()


def traffic(weir, folder, packets="100k"):
    """A capture of many flows; records are cut often, so that there are more."""
    subprocess.run([weir, "bench", "--traffic", "mix", "--packets", packets, "--rounds", "0",
                    "--keep", folder], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)  # fmt: skip
    return os.path.join(folder, "mix.pcap")


class Run:
    """`weir replay` into the destinations and into a file, which is the truth."""

    def __init__(self, weir, folder, capture, to, options=(), before=(), truth=True):
        self.folder = folder
        self.errors_path = os.path.join(folder, "errors")
        self.account_path = os.path.join(folder, "account")
        self.truth_path = os.path.join(folder, "truth")
        command = [*before, weir, "replay", "--quiet", capture, "--template", TEMPLATE,
                   "--active-timeout", "1s", "--json-stats", self.account_path,
                   *options]  # fmt: skip
        if truth:
            command += ["--to", f"ipfix+file:{self.truth_path}"]
        for url in to:
            command += ["--to", url]
        with open(self.errors_path, "wb") as errors:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=errors,
                                            env=dict(os.environ, G_DEBUG="fatal-warnings"))

    def running(self):
        return self.process.poll() is None

    def wait(self):
        """Exit status."""
        try:
            return self.process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def errors(self):
        with open(self.errors_path, encoding="utf-8") as file:
            return file.read()

    def account(self):
        with open(self.account_path, encoding="utf-8") as file:
            return json.load(file)

    def truth(self):
        with open(self.truth_path, "rb") as file:
            return records(ipfix_check.check(file.read(), ELEMENTS))


def alone(weir, capture, url, *options):
    """A run with no other destination; what it said stays in stderr."""
    return subprocess.run([weir, "replay", "--quiet", capture, "--to", url, *options],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=WAIT_S, check=False)  # fmt: skip


def records(checked):
    return collections.Counter(tuple(sorted(record.items())) for record in checked.records)


def received(sessions, again=False):
    """What arrived over all sessions, and what was wrong with any of them."""
    total = collections.Counter()
    problems = []
    for number, octets in enumerate(sessions, 1):
        octets = ipfix_check.whole(octets)
        if not octets:
            continue
        checked = ipfix_check.check(octets, ELEMENTS, again)
        problems += [f"session {number}: {text}" for text in checked.problems]
        total += records(checked)
    return total, problems


def destination(account, url):
    return next(one for one in account["destinations"] if one["url"] == url)


def differences(got, truth, may_repeat=0):
    """got has all of truth, and no more than so many records again."""
    missing = truth - got
    extra = got - truth
    strange = [record for record in extra if record not in truth]
    said = []
    if missing:
        said.append(f"{missing.total()} of {truth.total()} records did not arrive")
    if strange:
        said.append(f"{len(strange)} records arrived that nobody sent")
    if extra.total() > may_repeat:
        said.append(f"{extra.total()} records came again, at most {may_repeat} may")
    return said
