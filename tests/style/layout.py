# SPDX-License-Identifier: BSD-2-Clause
"""C is laid out as clang-format 14 lays it out; tables (.def) are aligned by hand."""

import subprocess

from tree import in_parallel, main


def check(tree):
    def complaints(path):
        command = ["clang-format-14", "--dry-run", "-Werror", path]
        done = subprocess.run(command, cwd=tree.root, capture_output=True, text=True, check=False)
        first = done.stderr.partition(": error: ")[0]
        return [f"{first}: run tools/format"] if done.returncode else []

    return in_parallel(complaints, [path for path, _ in tree.select(".c", ".h")])


if __name__ == "__main__":
    main(check)
