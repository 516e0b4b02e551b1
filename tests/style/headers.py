# SPDX-License-Identifier: BSD-2-Clause
"""Every header compiles alone, the meter's natively. headers.py [ROOT [BUILD]]: BUILD, a configured
build, tells the include paths and definitions of the sources."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

from tree import in_parallel, main

TAKES_VALUE = ("-I", "-D", "-isystem")
STRICT = ["-std=gnu11", "-Wall", "-Wextra", "-Wundef", "-Werror", "-fsyntax-only", "-xc", "-"]


def build_flags(build):
    """Include paths and definitions of every command of the build, each once."""
    flags = {}
    for entry in json.loads((Path(build) / "compile_commands.json").read_text()):
        words = iter(shlex.split(entry["command"]))
        for word in words:
            if word in TAKES_VALUE:
                flags[(word, next(words))] = None
            elif word.startswith(TAKES_VALUE) and not word.startswith("-DTEST_"):
                flags[(word,)] = None
    return [word for flag in flags for word in flag]


def flags_for(tree):
    if len(sys.argv) > 2:
        return build_flags(sys.argv[2])
    return ["-D_GNU_SOURCE", f"-I{tree.root}/src", f"-I{tree.root}/bpf"]


def compile_header(tree, path, flags):
    folder = (tree.root / path).parent
    command = ["gcc", *flags, f"-I{folder}", *STRICT]
    source = f'#include "{tree.root / path}"\n'
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
    return [f"{path}:1: does not compile alone\n{done.stderr}"] if done.returncode else []


def check(tree):
    flags = flags_for(tree)
    headers = [path for path, _ in tree.select(".h", under=("src/", "bpf/meter/", "tests/"))]
    return in_parallel(lambda path: compile_header(tree, path, flags), headers)


if __name__ == "__main__":
    main(check)
