# SPDX-License-Identifier: BSD-2-Clause
"""The include rule: who may know whom (STYLE.md, rules 1 to 3).

bpf/ never includes src/, nor anything else that is not for a BPF program. A stage of src/ includes
base/, flow/ and itself; flow/ and capture/ see the meter too; setup/, operate/ and the mains
see everything.
"""

import posixpath
import re

from tree import main

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
BPF_SYSTEM = re.compile(r"(linux|bpf|asm)/|std(bool|def|int)\.h$")
NATIVE_HOME = "bpf/meter/ctx_native.h"  # gives the meter what the kernel's headers give elsewhere
EVERYTHING = None
MAY_SEE = {  # by stage; a stage that is not named here sees base, flow and itself
    "base": {"base"},
    "flow": {"base", "flow", "meter"},
    "capture": {"base", "flow", "meter", "capture"},
    "setup": EVERYTHING,
    "operate": EVERYTHING,
    "main": EVERYTHING,
}


def home(path):
    """The part of the tree a file belongs to: a stage, "main" (src/*.c), "meter", "bpf"."""
    parts = path.split("/")
    if parts[0] == "src":
        return parts[1] if len(parts) > 2 else "main"
    if parts[:2] == ["bpf", "meter"]:
        return "meter"
    return parts[0]


def resolve(includer, name, known):
    """The file of the tree an include means, or None: a system's or a generated header."""
    beside = posixpath.normpath(posixpath.join(posixpath.dirname(includer), name))
    for path in (beside, f"src/{name}", f"bpf/{name}"):
        if path in known:
            return path
    return None


def wrong(includer, bracket, name, known):
    """What is wrong with one include, or None."""
    if ".." in name.split("/"):
        return "goes up the tree"
    target = resolve(includer, name, known)
    if includer.startswith("bpf/"):
        if target is None:
            fits = bracket == "<" and (BPF_SYSTEM.match(name) or includer == NATIVE_HOME)
            return None if fits else "is not a header for BPF programs"
        return None if target.startswith("bpf/") else "is outside bpf/"
    if target is None:
        return None
    stage = home(includer)
    allowed = MAY_SEE.get(stage, {"base", "flow", stage})
    if allowed is EVERYTHING or home(target) in allowed:
        return None
    return f"belongs to {home(target)}, which {stage} may not see"


def check(tree):
    files = dict(tree.select(".c", ".h", ".def", ".inc", under=("src/", "bpf/")))
    return [
        f'{path}:{text.count(chr(10), 0, match.start(1)) + 1}: "{match[2]}" {why}'
        for path, text in files.items()
        for match in INCLUDE.finditer(text)
        if (why := wrong(path, match[1], match[2], files))
    ]


if __name__ == "__main__":
    main(check)
