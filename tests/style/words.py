# SPDX-License-Identifier: BSD-2-Clause
"""No calls that cannot be used safely, and no path of one developer's machine in any file."""

import re

from tree import main

POISONED = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|strtok)\s*\(")
COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.DOTALL)
MACHINE_PATH = re.compile(r"(?<![\w.~$}*-])/(?:work|home|Users|root)/\w")


def blank(match):
    return "\n" * match[0].count("\n")


def found(pattern, path, text, what):
    for match in pattern.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield f"{path}:{line}: {what} {match[0].rstrip('( ')}"


def check(tree):
    complaints = []
    for path, text in tree.select(".c", ".h", ".def", ".inc", under=("src/", "bpf/")):
        code = COMMENT_OR_STRING.sub(blank, text)
        complaints += found(POISONED, path, code, "unsafe call of")
    for path, text in tree.select():
        complaints += found(MACHINE_PATH, path, text, "path of one machine:")
    return complaints


if __name__ == "__main__":
    main(check)
