# SPDX-License-Identifier: BSD-2-Clause
"""A terminal of tmux: keys are sent to it and its screen is read. A shell with job control is in it."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

WAIT_S = 120  # for what comes for sure: a loaded machine only takes longer
PROMPT = "ready>"
SETTINGS = """
set -g status off
set -g default-terminal "{term}"
set -g escape-time 0
"""


def need():
    """Ends the test as skipped where there is no tmux."""
    if not shutil.which("tmux"):
        print("skipped: tmux is not installed")
        sys.exit(77)


class Tmux:
    """One window; what runs in it ends with close()."""

    def __init__(self, rows=24, columns=80, term="screen-256color", **environment):
        self.folder = tempfile.TemporaryDirectory(prefix="weir-", ignore_cleanup_errors=True)
        self.socket = os.path.join(self.folder.name, "tmux")
        settings = os.path.join(self.folder.name, "settings")
        with open(settings, "w", encoding="ascii") as file:
            file.write(SETTINGS.format(term=term))
        names = {"PATH", "WEIR_WORLD", "ASAN_OPTIONS", "TSAN_OPTIONS", "LLVM_PROFILE_FILE"}
        kept = {name: os.environ[name] for name in names & set(os.environ)}
        self.environment = kept | {"LC_ALL": "C.UTF-8", "HOME": self.folder.name,
                                   "PS1": PROMPT} | environment  # fmt: skip
        self.tmux("-f", settings, "new-session", "-d", "-x", str(columns), "-y", str(rows),
                  "bash", "--norc", "--noprofile", "-i")  # fmt: skip
        self.tmux("set", "-g", "window-size", "manual")
        self.resize(rows, columns)
        self.until(lambda lines: PROMPT in lines[0], "a shell")

    def tmux(self, *words):
        done = subprocess.run(["tmux", "-S", self.socket, *words], env=self.environment, check=True,
                              capture_output=True, text=True, encoding="utf-8")  # fmt: skip
        return done.stdout

    @property
    def lines(self):
        return [line.rstrip() for line in self.tmux("capture-pane", "-p").split("\n")]

    @property
    def text(self):
        return "\n".join(self.lines)

    @property
    def colours(self):
        """The colours on the screen, as control sequences set them."""
        return set(re.findall(r"\x1b\[[0-9;]*?(3[0-7])[;m]", self.tmux("capture-pane", "-p", "-e")))

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def run(self, line):
        """A command, in the shell."""
        self.type(line)
        self.keys("Enter")

    def resize(self, rows, columns):
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def modes(self):
        """Whether the other screen is shown, and the cursor."""
        told = self.tmux("display-message", "-p", "#{alternate_on} #{cursor_flag}")
        return tuple(word == "1" for word in told.split())

    def until(self, condition, what):
        """The lines of the screen that the condition is true of."""
        end = time.monotonic() + WAIT_S
        pause = 0.01
        while True:
            lines = self.lines
            if condition(lines):
                return lines
            if time.monotonic() > end:
                raise TimeoutError(f"in vain for {WAIT_S} s: {what}\n" + "\n".join(lines))
            time.sleep(pause)  # whom it waits for needs the CPU more
            pause = min(pause * 1.5, 0.25)

    def close(self):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], capture_output=True, check=False)
        self.folder.cleanup()
