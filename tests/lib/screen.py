# SPDX-License-Identifier: BSD-2-Clause
"""A terminal as a program on it sees it: a pty, and what its window shows.

The few control sequences that weir draws with, and an error for any other.
"""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

import netns

SEQUENCE = re.compile(rb"\x1b\[(\??)([0-9;]*)([A-Za-z])")
LAST = b"\x18\x18"  # shows nothing
MODES = {b"1049": "alternate", b"25": "cursor", b"7": "wraps"}


class Screen:
    """Cells that are as wide as a byte."""

    def __init__(self, rows, columns):
        self.modes = {"alternate": False, "cursor": True, "wraps": True}
        self.bold = False
        self.rest = b""
        self.kept = None  # the normal screen, while the other one is shown
        self.resize(rows, columns)

    def resize(self, rows, columns):
        self.rows, self.columns = rows, columns
        self._clear()

    def _clear(self):
        self.cells = [[" "] * self.columns for _ in range(self.rows)]
        self.bold_rows = set()
        self.row = self.column = 0

    @property
    def lines(self):
        return ["".join(row).rstrip() for row in self.cells]

    def feed(self, octets):
        text = self.rest + octets
        at = 0
        while at < len(text):
            if text[at] != 0x1B:
                self._put(text[at])
                at += 1
                continue
            found = SEQUENCE.match(text, at)
            if found:
                self._control(*found.groups())
                at = found.end()
            elif len(text) - at < 16 and b"\x18" not in text[at:]:
                break  # its end is still to come
            else:  # a sequence that was cut off
                at = text.index(b"\x18", at)
        self.rest = text[at:]

    def _put(self, octet):
        if octet == 0x0D:
            self.column = 0
        elif octet == 0x0A:
            self._next_row()
        elif octet != 0x18:
            assert 0x20 <= octet < 0x7F, f"octet {octet:#x} on the screen"
            if self.column == self.columns and self.modes["wraps"]:
                self.column = 0
                self._next_row()
            self.column = min(self.column, self.columns - 1)
            self.cells[self.row][self.column] = chr(octet)
            self.column += 1
            if self.bold:
                self.bold_rows.add(self.row)

    def _next_row(self):
        if self.row + 1 < self.rows:
            self.row += 1
        else:
            self.cells = self.cells[1:] + [[" "] * self.columns]

    def _control(self, private, numbers, letter):
        if private:
            self._mode(MODES[numbers], {b"h": True, b"l": False}[letter])
        elif letter == b"H":
            row, column = (int(number) for number in (numbers or b"1;1").split(b";"))
            # A frame may have been on its way when the window became smaller.
            self.row, self.column = min(row, self.rows) - 1, min(column, self.columns) - 1
        elif letter == b"K" and not numbers:
            self.cells[self.row][self.column :] = [" "] * (self.columns - self.column)
        elif letter == b"J" and numbers in (b"", b"2"):
            first = 0 if numbers else self.row + 1
            for row in range(first, self.rows):
                self.cells[row] = [" "] * self.columns
            if not numbers:
                self._control(b"", b"", b"K")
        elif letter == b"m" and numbers in (b"0", b"1"):
            self.bold = numbers == b"1"
        else:
            raise AssertionError(f"control sequence {numbers + letter}")

    def _mode(self, name, on):
        if name == "alternate" and on != self.modes[name]:
            if on:
                self.kept = self.cells, self.row, self.column
                self._clear()
            else:
                self.cells, self.row, self.column = self.kept
        self.modes[name] = on


class Terminal:
    """A pty with a program in its foreground; what it shows is in screen."""

    def __init__(self, command, rows=24, columns=80, **options):
        self.master, slave = pty.openpty()
        self.screen = Screen(rows, columns)
        self.slave = slave  # stays open: the terminal outlives the program
        self.raw = b""
        self.set_size(rows, columns)
        self.found = termios.tcgetattr(slave)
        where = {name: slave for name in ("stdin", "stdout", "stderr") if name not in options}
        environment = dict(os.environ, TERM="xterm", LC_ALL="C", **options.pop("environment", {}))
        self.process = subprocess.Popen(command, start_new_session=True, env=environment,
                                        preexec_fn=self._control_terminal, **where, **options)  # fmt: skip

    def _control_terminal(self):
        netns.end_with_parent()
        fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)

    def set_size(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, rows, columns):
        self.set_size(rows, columns)
        self.screen.resize(rows, columns)

    def read(self, seconds=0.05):
        """False when nothing came in that time."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        octets = os.read(self.master, 65536)
        self.raw += octets
        self.screen.feed(octets)
        return True

    def type(self, octets):
        os.write(self.master, octets)

    def until(self, condition, what, seconds=netns.WAIT_S):
        """Reads on until the screen is so."""
        deadline = time.monotonic() + seconds
        while not condition(self.screen):
            if time.monotonic() > deadline:
                raise TimeoutError(f"in vain: {what}\n" + "\n".join(self.screen.lines))
            self.read()

    def end(self, seconds=netns.WAIT_S):
        """Reads on until the program has ended; its status."""
        self.until(lambda _: self.process.poll() is not None, "the end", seconds)
        # The kernel passes on late what was written last: until what comes behind it is there.
        os.write(self.slave, LAST)
        self.until(lambda _: self.raw.endswith(LAST), "what it wrote last", seconds)
        self.raw = self.raw.removesuffix(LAST)
        return self.process.returncode

    def attributes(self):
        return termios.tcgetattr(self.slave)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)
