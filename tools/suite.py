# SPDX-License-Identifier: BSD-2-Clause
"""Every stage of the tests: build, run, count. Called by tools/test, which sets the machine up.

A stage is a build and a ctest run in it (counted from ctest's JUnit report), or a tool that
reports in TAP. A stage that cannot be built counts as one failure. The last line of all is
"N passed, N failed", with ", N skipped" where any were.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
JOBS = str(len(os.sched_getaffinity(0)))
SHOWN_LINES = 120  # of a failing test's output, first and last ones
SHOWN_COLUMNS = 1000
KEPT_OCTETS = 1 << 22  # of a test's output

# For tests that do not set their own; no leak or undefined step goes unreported.
ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "history_size=4",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
}


@dataclass
class Stage:
    """preset and ctest arguments, or a tool with its arguments and the preset it needs built."""

    name: str
    preset: str = ""
    ctest: list = field(default_factory=list)
    tool: list = field(default_factory=list)
    targets: list = field(default_factory=list)  # to build, if not all
    beside: bool = False  # goes on while others do that build and look, until the next that runs weir


@dataclass
class Result:
    name: str
    outcome: str  # "passed", "failed" or "skipped"
    output: str = ""


def stages(mode):
    """What runs, in order, by mode: quick, normal or all."""
    if mode == "quick":
        return [Stage("gcc", "ci", ctest=["-L", "unit|style"])]
    fuzz_seconds = "60" if mode == "all" else "10"
    vm = ["tests/vm/vm.py", "build/ci"] + (["--all"] if mode == "all" else [])
    nightly = [Stage("soak", "ci", ctest=["-L", "soak"])] if mode == "all" else []
    return [
        Stage("gcc", "ci", ctest=["-LE", "vm|soak"]),
        # An emulated machine seldom wants both CPUs.
        Stage("vm", "ci", tool=vm, beside=True),
        Stage("tidy", "asan", tool=["tools/tidy", "build/asan"]),
        Stage("tsan", "tsan", ctest=["-L", "unit"], targets=["unit_tests"]),
        Stage("fuzz", "fuzz", tool=["tools/fuzz", "--seconds", fuzz_seconds, "build/fuzz"],
              targets=["fuzz_targets"]),
        Stage("asan", "asan", ctest=["-LE", "style|fire|once"]),
        # What it ran is measured as well.
        Stage("coverage", "asan", tool=["tools/coverage", "build/asan"]),
        *nightly,
    ]


def tail(text, lines=SHOWN_LINES):
    return "\n".join(row[:SHOWN_COLUMNS] for row in text.rstrip().splitlines()[-lines:])


def ends(text):
    """What tells why: how it began and, more of that, how it ended."""
    rows = [row[:SHOWN_COLUMNS] for row in text.rstrip().splitlines()]
    first = SHOWN_LINES // 4
    if len(rows) > SHOWN_LINES:
        rows[first : first - SHOWN_LINES] = [f"[... {len(rows) - SHOWN_LINES} lines ...]"]
    return "\n".join(rows)


def run(command, **more):
    """Output and exit status; the sanitizers' fixed addresses do not bear a randomised layout."""
    environment = {**ENVIRONMENT, **os.environ, **more}
    done = subprocess.run(
        UNRANDOMISED + command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        errors="replace",
        check=False,
    )
    return done.returncode, done.stdout


def unrandomised():
    prefix = ["setarch", "-R"]
    try:
        probe = subprocess.run(prefix + ["true"], capture_output=True, check=False)
    except FileNotFoundError:
        return []
    return prefix if probe.returncode == 0 else []


UNRANDOMISED = unrandomised()


def build(preset, targets=()):
    """None, or the result of a build that failed."""
    compile_it = ["cmake", "--build", "--preset", preset, "-j", JOBS]
    compile_it += ["--target", *targets] if targets else []
    for command in (["cmake", "--preset", preset], compile_it):
        status, output = run(command)
        if status:
            return Result(f"build of preset {preset}", "failed", output)
    return None


def read_junit(path):
    results = []
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        output = case.findtext("system-out") or ""
        skipped = case.find("skipped")
        reason = skipped.get("message", "") if skipped is not None else ""
        if case.get("status") == "run":
            outcome = "passed"
        elif case.get("status") == "disabled" or reason.startswith("SKIP_"):
            outcome = "skipped"
        else:  # failed, or its program is missing
            failure = case.find("failure")
            why = failure.get("message", "") if failure is not None else reason
            outcome, output = "failed", f"{output}\n{why}".strip()
        results.append(Result(case.get("name"), outcome, output))
    return results


def run_ctest(stage):
    report = ROOT / "build" / stage.preset / "junit.xml"
    report.unlink(missing_ok=True)
    command = ["ctest", "--test-dir", f"build/{stage.preset}", "-j", JOBS, "--timeout", "300"]
    command += ["--no-tests=error", "--output-junit", str(report)] + stage.ctest
    command += ["--test-output-size-failed", str(KEPT_OCTETS)]
    profiles = ROOT / "build" / stage.preset / "profiles"
    shutil.rmtree(profiles, ignore_errors=True)
    status, output = run(command, LLVM_PROFILE_FILE=f"{profiles}/%8m.profraw")
    try:
        results = read_junit(report)
    except (FileNotFoundError, ElementTree.ParseError):
        results = []
    if not results or (status and not any(r.outcome == "failed" for r in results)):
        results.append(Result("ctest", "failed", output))
    return results


def read_tap(text):
    """TAP: "ok - name", "not ok - name", "ok - name # SKIP why"; other lines tell about the next."""
    results, lines = [], []
    for line in text.splitlines():
        match = re.match(r"(not )?ok\b[ \d-]*(.*)", line)
        if not match:
            lines.append(line)
            continue
        name, skip, reason = match[2].partition(" # SKIP ")
        outcome = "failed" if match[1] else "skipped" if skip else "passed"
        results.append(Result(name, outcome, "\n".join(lines + [reason])))
        lines = []
    return results


def run_tool(stage):
    status, output = run([sys.executable] + stage.tool)
    results = read_tap(output)
    if not results or (status and not any(r.outcome == "failed" for r in results)):
        results.append(Result(stage.tool[0], "failed", output))
    return results


def run_stage(stage):
    """Its results, and how many seconds it took."""
    start = time.monotonic()
    broken = build(stage.preset, stage.targets)
    results = [broken] if broken else run_tool(stage) if stage.tool else run_ctest(stage)
    return results, time.monotonic() - start


def report(stage, results, seconds):
    for result in results:
        if result.outcome == "failed":
            print(f"\nFAILED {stage.name}: {result.name}\n{ends(result.output)}\n")
        elif result.outcome == "skipped":
            print(f"skipped {stage.name}: {result.name}: {tail(result.output, 1)}")
    print(f"{stage.name:9} {count(results)}  ({seconds:.0f} s)", flush=True)


def count(results):
    number = {
        outcome: sum(r.outcome == outcome for r in results)
        for outcome in ("passed", "failed", "skipped")
    }
    text = f"{number['passed']} passed, {number['failed']} failed"
    return text + (f", {number['skipped']} skipped" if number["skipped"] else "")


def runs_weir(stage):
    """On the machine itself."""
    return stage.name in ("gcc", "asan", "soak")


def run_all(chosen):
    """The results of all stages, each reported when it is done."""
    everything, pending = [], []

    def settle(stage, outcome):
        results, seconds = outcome
        everything.extend(results)
        report(stage, results, seconds)

    with ThreadPoolExecutor() as pool:
        for stage in chosen:
            while pending and runs_weir(stage):
                earlier, future = pending.pop()
                settle(earlier, future.result())
            if stage.beside:
                pending.append((stage, pool.submit(run_stage, stage)))
            else:
                settle(stage, run_stage(stage))
        for stage, future in pending:
            settle(stage, future.result())
    return everything


def arguments():
    parser = argparse.ArgumentParser(prog="tools/test", description="Builds and tests everything.")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--quick", dest="mode", action="store_const", const="quick", default="normal",
                      help="unit tests and style only")
    mode.add_argument("--all", dest="mode", action="store_const", const="all",
                      help="everything, each fuzz target for a minute, and the soak")
    parser.add_argument("--stage", action="append", metavar="NAME",
                        help="only this stage (again for more): gcc, vm, asan, tsan, tidy, fuzz, "
                             "coverage, soak")
    return parser.parse_args()


def main():
    options = arguments()
    chosen = stages(options.mode)
    if options.stage:
        unknown = set(options.stage) - {stage.name for stage in chosen}
        if unknown:
            sys.exit(f"tools/test: no stage {', '.join(sorted(unknown))} here; see --help")
        chosen = [stage for stage in chosen if stage.name in options.stage]
    everything = run_all(chosen)
    print(count(everything), flush=True)
    sys.exit(any(r.outcome == "failed" for r in everything))


if __name__ == "__main__":
    main()
