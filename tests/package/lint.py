# SPDX-License-Identifier: BSD-2-Clause
"""Debian's own judge of packages has nothing against ours that etc/debian/lintian-overrides does not
give a reason for.

lint.py BUILD"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

import package

SKIPPED = 77


def main():
    for tool in ("lintian", "cpack", "dpkg-shlibdeps"):
        if not shutil.which(tool):
            print(f"skipped: no {tool}")
            return SKIPPED
    package.BUILD = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="weir-lint-") as folder:
        file = package.make_package(folder)
        root = ["--allow-root"] if os.geteuid() == 0 else []
        # It reads what users have in their home folders.
        done = subprocess.run(["lintian", "--no-cfg", "--fail-on", "error,warning", *root,
                               "--tag-display-limit", "0", file],
                              env=dict(os.environ, HOME=folder, LC_ALL="C.UTF-8"), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)  # fmt: skip
    print(done.stdout)
    # It says so where it cannot do what it is asked to, too.
    return int(done.returncode != 0 or "mismatched-override" in done.stdout)


if __name__ == "__main__":
    sys.exit(main())
