#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The parity test over datagrams in fragments in any order: fragments.py TEST_PARITY"""

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import fragment_captures


def main():
    with tempfile.TemporaryDirectory(prefix="weir-") as folder:
        fragment_captures.write(folder)
        for detail in ("basic", "tcp", "full"):
            done = subprocess.run([sys.argv[1], detail, folder], check=False)
            if done.returncode:
                sys.exit(done.returncode)


if __name__ == "__main__":
    main()
