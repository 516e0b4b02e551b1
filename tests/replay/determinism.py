#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The same capture, the same octets: determinism.py WEIR FOLDER

Records must depend on packets alone: not on the hash's seed, the table's size while nothing is
evicted, nor on how many packets are taken at a time. JSON, IPFIX and text of every capture are
compared octet by octet.
"""

import functools
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import replay

# Short time-outs, so that flows leave all along the way and not only at the end.
COMMON = ["--idle-timeout", "500ms", "--active-timeout", "2s", "--template", "full"]
FIRST = ["--seed", "1", "--max-flows", "65536", "--batch", "256"]
VARIANTS = (
    ["--seed", "1", "--max-flows", "65536", "--batch", "1"],
    ["--seed", "12345678901234567890", "--max-flows", "16384", "--batch", "7"],
    ["--max-flows", "131072", "--batch", "64"],
    ["--seed", "0", "--max-flows", "20011", "--batch", "1024"],
)
FORMS = ("json", "ipfix")


def outputs(weir, path, options):
    """Octets by form, and the account of the run."""
    run = replay.replay(weir, path, [*COMMON, *options], FORMS)
    found = {form: run.outputs.get(form) for form in FORMS}
    text = subprocess.run(
        [weir, "replay", "--quiet", path, *COMMON, *options],
        capture_output=True, timeout=replay.TIMEOUT_S, check=False,
    )  # fmt: skip
    found["text"] = text.stdout
    found["exit status"] = (run.status, text.returncode)
    return found, run.account


def difference(one, other):
    """Where two outputs part, as words."""
    if not isinstance(one, bytes) or not isinstance(other, bytes):
        return f"{one!r} and {other!r}"
    shared = min(len(one), len(other))
    at = next((at for at in range(shared) if one[at] != other[at]), shared)
    around = slice(max(at - 40, 0), at + 40)
    return f"at octet {at} of {len(one)} and {len(other)}: {one[around]!r} and {other[around]!r}"


def check(weir, path):
    name = os.path.basename(path)
    first, account = outputs(weir, path, FIRST)
    if not account or not account["balanced"]:
        return [f"{name}: account does not balance: {account}"]
    if account["metered"]["packets"] and not all(first[form] for form in (*FORMS, "text")):
        return [f"{name}: packets were metered, but some output is empty"]
    complaints = []
    for options in VARIANTS:
        found, _ = outputs(weir, path, options)
        for form, content in found.items():
            if content != first[form]:
                what = difference(first[form], content)
                complaints.append(f"{name}: {form} with {' '.join(options)} differs {what}")
    return complaints


def main():
    weir, folder = sys.argv[1:3]
    paths = replay.unique_captures(replay.data_folders(folder, "pcap"))
    replay.main_status(replay.check_all(functools.partial(check, weir), paths))


if __name__ == "__main__":
    main()
