# SPDX-License-Identifier: BSD-2-Clause
"""Builds the database of the world, for the tests that read it.

build.py WEIR OUTPUT
"""

import os
import re
import subprocess
import sys

TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "world")
MEMORY_MAX = 300  # MB, of weir and of location beside it


def is_sanitized(program):
    with open(program, "rb") as file:
        return b"__asan_init" in file.read()


def main(weir, output):
    os.makedirs(os.path.dirname(output), exist_ok=True)
    if os.path.exists(output):
        os.unlink(output)
    run = subprocess.run([TOOL, "build", weir, "--output", output], stderr=subprocess.PIPE, text=True,
                         check=False)
    print(run.stderr.strip())
    if run.returncode:
        sys.exit(run.returncode)
    memory = int(re.search(r" and (\d+) MB of memory$", run.stderr.strip())[1])
    assert memory <= MEMORY_MAX or is_sanitized(weir), memory
    assert os.listdir(os.path.dirname(output)) == [os.path.basename(output)]


if __name__ == "__main__":
    main(*sys.argv[1:])
