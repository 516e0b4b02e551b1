# SPDX-License-Identifier: BSD-2-Clause
"""The built database against what it was built from, by the oracle (oracle.c).

compare.py ORACLE WORLD
"""

import os
import subprocess
import sys

TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "world")
SKIP = 77


def main(oracle, world):
    if not os.path.exists(world):
        print("skipped: the world is not built here")
        sys.exit(SKIP)
    countries = subprocess.run([TOOL, "countries"], stdout=subprocess.PIPE, text=True, check=True)
    with subprocess.Popen([TOOL, "dump"], stdout=subprocess.PIPE) as dump:
        status = subprocess.run([oracle, world, "-", *countries.stdout.split("\n")[:-1]],
                                stdin=dump.stdout, check=False).returncode
        dump.stdout.close()
    assert dump.returncode == 0, "the dump is not complete"
    sys.exit(status)


if __name__ == "__main__":
    main(*sys.argv[1:])
