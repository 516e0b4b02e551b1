# SPDX-License-Identifier: BSD-2-Clause
"""What the screens of weir top have in common, for its tests."""

import re

import tmux

STATUS = re.compile(r"status=(\d+)$")

def heading(lines):
    """The row of the table's heading."""
    return next((i for i, line in enumerate(lines) if " OCTETS" in line), None)


def rows(lines):
    """Label: what the columns say, by heading, of the rows on the screen."""
    at = heading(lines)
    if at is None:
        return {}
    names = lines[at].split()[1:]
    found = {}
    for line in lines[at + 1 :]:
        words = line.rsplit(None, len(names))
        if len(words) == len(names) + 1 and not line.startswith(" "):
            found[words[0].strip()] = dict(zip(names, words[1:]))
    return found


def shown(lines):
    """What is shown, as the row above the heading says."""
    at = heading(lines)
    return lines[at - 1] if at else ""


def done(lines):
    """The capture was read."""
    return lines[0].endswith("all read")


class View(tmux.Tmux):
    """weir top in a terminal."""

    def __init__(self, weir, *words, rows=24, columns=80, prefix="", **environment):
        super().__init__(rows, columns, **environment)
        self.line = " ".join([prefix, weir, "top", *words])
        self.run(f"cd {self.folder.name}; stty -g >before; clear; {self.line}; echo status=$?")

    def status(self):
        """It has ended: its exit status. The terminal must be as it was found."""
        lines = self.until(lambda lines: any(map(STATUS.match, lines)), "its end")
        assert self.modes() == (False, True), "the other screen, or no cursor"
        self.run("clear; stty -g | cmp - before && echo the same")
        self.until(lambda lines: "the same" in lines, "the modes of the terminal as they were")
        return int(next(filter(None, map(STATUS.match, lines)))[1])
