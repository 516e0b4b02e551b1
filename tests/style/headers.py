# SPDX-License-Identifier: BSD-2-Clause
"""Every header compiles alone, in every home it has: the meter's natively, as XDP and as tc.

headers.py [ROOT [BUILD]]: BUILD, a configured build, tells include paths and definitions.
"""

import json
import re
import shlex
import subprocess
import sys
from glob import glob
from pathlib import Path

from tree import in_parallel, main

TAKES_VALUE = ("-I", "-D", "-isystem")
ALONE = ["-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-xc", "-"]
MULTIARCH = [f"-I{path}" for path in glob("/usr/include/*-linux-gnu")]
# The meter leaves a few functions to whoever includes it: undefined here, and rightly so.
METER = ["clang", "-Wno-undefined-internal"]
BPF = [*METER, "-target", "bpf", "-O2", *MULTIARCH]
HOMES = {  # None: gcc with the flags of the build
    "user space": None,
    "native": METER,
    "XDP": [*BPF, "-DMETER_CTX_XDP"],
    "tc": [*BPF, "-DMETER_CTX_SKB"],
}
LIVES_IN = [  # the first row that fits
    (r"bpf/meter/ctx_native\.h$", ["native"]),
    (r"bpf/meter/ctx_xdp\.h$", ["XDP"]),
    (r"bpf/meter/ctx_skb\.h$", ["tc"]),
    (r"bpf/meter/ctx_bpf\.h$", ["XDP", "tc"]),
    (r"bpf/meter/", ["native", "XDP", "tc"]),
    (r"bpf/", ["XDP", "tc"]),
    (r"", ["user space"]),
]


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


def homes(path):
    return next(homes for pattern, homes in LIVES_IN if re.match(pattern, path))


def fault(tree, path, home, flags):
    """What the compiler of one home says of a header, or nothing."""
    compiler = [*HOMES[home], f"-I{tree.root}/bpf"] if HOMES[home] else ["gcc", "-std=gnu11", *flags]
    folder = (tree.root / path).parent
    source = f'#include "{tree.root / path}"\n'
    done = subprocess.run([*compiler, f"-I{folder}", *ALONE], input=source, capture_output=True,
                          text=True, check=False)
    return done.stderr if done.returncode else ""


def check(tree):
    flags = flags_for(tree)

    def complaints(path):
        for home in homes(path):
            if text := fault(tree, path, home, flags):
                return [f"{path}:1: does not compile alone ({home})\n{text}"]
        return []

    headers = [path for path, _ in tree.select(".h", under=("src/", "bpf/", "tests/"))]
    return in_parallel(complaints, headers)


if __name__ == "__main__":
    main(check)
