# SPDX-License-Identifier: BSD-2-Clause
"""What every style check shares: the files of the tree, and how a check is run.

A check is a function from a tree to its complaints, "path:line: what is wrong".
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

NOT_OURS = {".git", "build", "__pycache__"}


class Tree:
    """The project's files below root: what git tracks, or all of them where there is no git."""

    def __init__(self, root):
        self.root = Path(root).resolve()
        self.files = sorted(self._tracked() or self._walked())

    def _tracked(self):
        if not (self.root / ".git").exists():
            return []
        # The suite runs as root over a tree that may be another user's.
        command = ["git", "-c", "safe.directory=*", "-C", str(self.root), "ls-files", "-z"]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        paths = [self.root / name for name in listed.split("\0") if name]
        return [path for path in paths if path.is_file()]

    def _walked(self):
        for folder, folders, names in os.walk(self.root):
            folders[:] = [f for f in folders if f not in NOT_OURS]
            yield from (Path(folder, name) for name in names)

    def select(self, *suffixes, under=("",)):
        """Files that end so, in these folders, as (path from the root, text)."""
        for path in self.files:
            name = path.relative_to(self.root).as_posix()
            if name.endswith(suffixes or ("",)) and name.startswith(tuple(under)):
                try:
                    yield name, path.read_text(encoding="utf-8")
                except UnicodeDecodeError:
                    continue  # not text, so not for a style check


def in_parallel(function, items):
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return [complaint for found in pool.map(function, items) for complaint in found]


def main(check):
    """Command line of a check: [ROOT]; the complaints, and status 1 where there are any."""
    root = sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2]
    complaints = check(Tree(root))
    print("\n".join(complaints))
    sys.exit(bool(complaints))
