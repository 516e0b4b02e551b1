# SPDX-License-Identifier: BSD-2-Clause
"""Functions of at most 60 lines, files of at most 500."""

import subprocess

from tree import main

FUNCTION_LINES = 60
FILE_LINES = 500
CTAGS = ["ctags", "-x", "--languages=C", "--map-C=+.h", "--kinds-C=f", "--fields=+e",
         "--_xformat=%{end} %n %N %F", "-L", "-"]


def long_functions(tree):
    paths = [path for path, _ in tree.select(".c", ".h")]
    listed = subprocess.run(CTAGS, cwd=tree.root, input="\n".join(paths), text=True,
                            capture_output=True, check=True).stdout
    for row in listed.splitlines():
        end, start, name, path = row.split(" ", 3)
        lines = int(end) - int(start) + 1 if end.isdigit() else 0
        if lines > FUNCTION_LINES:
            yield f"{path}:{start}: {name} has {lines} lines, more than {FUNCTION_LINES}"


def long_files(tree):
    for path, text in tree.select(".c", ".h", ".py", ".sh"):
        lines = text.count("\n")
        if lines > FILE_LINES:
            yield f"{path}:{lines}: has {lines} lines, more than {FILE_LINES}"


def check(tree):
    return [*long_functions(tree), *long_files(tree)]


if __name__ == "__main__":
    main(check)
