# SPDX-License-Identifier: BSD-2-Clause
"""Runs `weir replay` and reads what it wrote."""

import calendar
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile

JOBS = 2
TIMEOUT_S = 120
# The longest idle time-out there is, and no active one.
NEVER = ["--idle-timeout", "1d", "--active-timeout", "0"]
# A table that holds every flow of every capture here, without the memory of the default.
ROOM = ["--max-flows", "65536"]
# A layout of everything the tests compare.
TEMPLATE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "exact.tpl")
TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z")

_days = {}


def time_ns(text):
    """Nanoseconds since 1970 of an RFC 3339 time in UTC."""
    found = TIME.fullmatch(text)
    if not found:
        raise ValueError(f"not an RFC 3339 time in UTC: {text!r}")
    day = text[:10]
    if day not in _days:
        _days[day] = calendar.timegm((int(day[:4]), int(day[5:7]), int(day[8:]), 0, 0, 0))
    hour, minute, second = int(found[4]), int(found[5]), int(found[6])
    fraction = int((found[7] or "0").ljust(9, "0"))
    return (_days[day] + hour * 3600 + minute * 60 + second) * 10**9 + fraction


class Run:
    """What one run left behind."""

    def __init__(self, status, errors, account, lines, outputs):
        self.status = status  # None: it was stopped after TIMEOUT_S
        self.errors = errors  # standard error
        self.account = account  # None where there is none
        self.lines = lines  # of JSON
        self.outputs = outputs  # octets by the name asked for

    def records(self):
        return [json.loads(line) for line in self.lines]


def execute(command, folder, stdin=None):
    environment = dict(os.environ, G_DEBUG="fatal-warnings", LC_ALL="C")
    with open(os.path.join(folder, "errors"), "w+b") as errors:
        try:
            status = subprocess.run(
                command,
                stdin=stdin or subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                timeout=TIMEOUT_S,
                env=environment,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            status = None
        errors.seek(0)
        return status, errors.read().decode("utf-8", "replace")


def replay(weir, capture, options=(), forms=("json",)):
    """`weir replay` of one capture; forms as in `--to FORM+file:`."""
    with tempfile.TemporaryDirectory(prefix="weir-") as folder:
        command = [weir, "replay", "--quiet", capture, *options]
        for form in forms:
            command += ["--to", f"{form}+file:{folder}/{form}"]
        command += ["--json-stats", f"{folder}/account"]
        status, errors = execute(command, folder)
        outputs = {}
        for name in (*forms, "account"):
            path = os.path.join(folder, name)
            if os.path.exists(path):
                with open(path, "rb") as file:
                    outputs[name] = file.read()
        account = json.loads(outputs["account"]) if outputs.get("account") else None
        lines = outputs.get("json", b"").decode().splitlines()
        return Run(status, errors, account, lines, outputs)


def captures(folder):
    """Paths of the capture files of a data folder."""
    skip = ("INDEX.tsv", "README.md")
    names = sorted(name for name in os.listdir(folder) if name not in skip)
    paths = [os.path.join(folder, name) for name in names]
    return [path for path in paths if os.path.isfile(path)]


def data_folders(folder, kind):
    """The folder given, and that of WEIR_MORE_DATA for a longer test."""
    more = os.environ.get("WEIR_MORE_DATA")
    return [folder] + ([os.path.join(more, kind)] if more else [])


def unique_captures(folders):
    """Captures of all folders, each name once."""
    found = {}
    for folder in folders:
        for path in captures(folder):
            found.setdefault(os.path.basename(path), path)
    return list(found.values())


def check_all(check, items):
    """check(item) gives a list of complaints; all of them are told, and the status for exit(); of
    nothing to check there is no good one."""
    complaints = 0
    with concurrent.futures.ProcessPoolExecutor(JOBS) as pool:
        for told in pool.map(check, items):
            for line in told:
                print(line, flush=True)
            complaints += len(told)
    print(f"{len(items)} checked, {complaints} complaints")
    return 1 if complaints or not items else 0


def main_status(status):
    sys.stdout.flush()
    sys.exit(status)
