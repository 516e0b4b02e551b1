# SPDX-License-Identifier: BSD-2-Clause
"""Every demand of tests/conformance/checklist.tsv is proven by tests that are there, that are run,
and that name its number; and whatever test names a number is in the list."""

import re
from pathlib import PurePosixPath

from tree import main

LIST = "tests/conformance/checklist.tsv"
DEMANDS = 50
COLUMNS = 5
REASONS = ("later: ", "deviates: ")
# { "what it shows [5, 14]", test_function }
CUNIT = re.compile(r'\{\s*((?:"(?:[^"\\]|\\.)*"\s*)+),\s*(\w+)\s*\}')
PYTHON = re.compile(r'def (\w+)\([^)]*\):\n\s+"""(.*?)"""', re.DOTALL)
NUMBERS = re.compile(r"\[(\d+(?:, \d+)*)\]")


def tests_of(path, text):
    """(function, the numbers its sentence names)"""
    if path.endswith(".c"):
        found = [(function, said) for said, function in CUNIT.findall(text)]
    else:
        found = PYTHON.findall(text)
    for function, said in found:
        named = NUMBERS.search(said)
        if named:
            yield function, {int(number) for number in named[1].split(", ")}


def all_tests(tree):
    """{file below tests/: {function: numbers}}; files that no CMakeLists.txt runs are left out."""
    lists = {str(PurePosixPath(path).parent): text
             for path, text in tree.select("CMakeLists.txt", under=("tests/",))}  # fmt: skip
    found = {}
    for path, text in tree.select(".c", ".py", under=("tests/",)):
        folder, stem = str(PurePosixPath(path).parent), PurePosixPath(path).stem
        name = stem.removeprefix("test_") if path.endswith(".c") else stem
        users = [name] + [PurePosixPath(other).stem for other, code in
                          tree.select(".py", under=(folder + "/",))
                          if re.search(rf'^(?:import|from) {stem}\b|"{stem}\.py"', code, re.M)]
        if any(re.search(rf"\b{user}\b", lists.get(folder, "")) for user in users):
            found[path.removeprefix("tests/")] = dict(tests_of(path, text))
    return found


def rows_of(text):
    """(line number, columns)"""
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1)
             if not line.startswith("#")]  # fmt: skip
    return [(number, line.split("\t")) for number, line in lines[1:]]


def row_faults(number, columns, tests):
    _, _, demand, proof, note = columns
    if not demand:
        yield "says nothing"
    if proof == "-":
        if not note.startswith(REASONS):
            yield "has neither a proof nor a reason"
        return
    for one in proof.split(" "):
        path, _, function = one.partition(":")
        if path not in tests:
            yield f"is proven by {path}, which no test runs"
        elif number not in tests[path].get(function, ()):
            yield f"is proven by {one}, which does not name it"


def check(tree):
    text = dict(tree.select("checklist.tsv", under=("tests/conformance/",))).get(LIST)
    if text is None:
        return []
    tests = all_tests(tree)
    complaints = []
    listed = {}
    for line, columns in rows_of(text):
        if len(columns) != COLUMNS or not columns[0].isdigit() or columns[1] not in "MSI":
            complaints.append(f"{LIST}:{line}: no row of {COLUMNS} columns")
            continue
        number = int(columns[0])
        listed[number] = set(columns[3].split(" "))
        complaints += [f"{LIST}:{line}: {number} {fault}"
                       for fault in row_faults(number, columns, tests)]  # fmt: skip
    complaints += [f"{LIST}:1: {number} is not there" for number in range(1, DEMANDS + 1)
                   if number not in listed]  # fmt: skip
    for path, functions in tests.items():
        for function, numbers in functions.items():
            complaints += [f"tests/{path}:1: {function} names {number}, whose row does not name it"
                           for number in sorted(numbers)
                           if f"{path}:{function}" not in listed.get(number, ())]  # fmt: skip
    return complaints


if __name__ == "__main__":
    main(check)
