# SPDX-License-Identifier: BSD-2-Clause
"""Every script parses: Python by its own compiler, shell by bash -n."""

import re
import subprocess

from tree import main

SHEBANG = re.compile(r"#!.*\b(python3?|bash|sh)\b")


def language(path, text):
    if path.endswith(".py"):
        return "python"
    if path.endswith(".sh"):
        return "shell"
    match = SHEBANG.match(text)
    if not match:
        return None
    return "python" if match[1].startswith("python") else "shell"


def python_faults(path, text):
    try:
        compile(text, path, "exec")
    except SyntaxError as error:
        yield f"{path}:{error.lineno}: {error.msg}"


def shell_faults(path, text):
    done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        yield f"{path}:1: {done.stderr.strip()}"


FAULTS = {"python": python_faults, "shell": shell_faults, None: lambda path, text: ()}


def check(tree):
    return [
        fault for path, text in tree.select() for fault in FAULTS[language(path, text)](path, text)
    ]


if __name__ == "__main__":
    main(check)
