# SPDX-License-Identifier: BSD-2-Clause
"""Completion, asked of a real bash and, where there is one, a real zsh."""

import json
import os
import pty
import select
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

WEIR = ""  # set from the command line
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
BASH = os.path.join(ROOT, "etc", "completion", "weir.bash")
ZSH = os.path.join(ROOT, "etc", "completion", "_weir")
WAIT_S = 60
# How bash itself splits what is typed.
ASK = """\
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
_weir
printf '%s\\n' "${COMPREPLY[@]}"
"""


class Bash(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        for name in ("capture.pcap", "own.tpl", "two words.pcap"):
            with open(os.path.join(self.folder, name), "wb"):
                pass
        os.mkdir(os.path.join(self.folder, "captures"))

    def offers(self, *words):
        run = subprocess.run(["bash", "--norc", "-c", ASK, "bash", BASH, "weir", *words], timeout=120,
                             capture_output=True, text=True, cwd=self.folder, check=False)
        self.assertEqual(run.stderr, "", words)
        return run.stdout.split("\n")[:-1] if run.stdout != "\n" else []

    def test_commands(self):
        self.assertEqual(self.offers("rep"), ["replay"])
        self.assertIn("--version", self.offers("--"))
        tables = json.loads(subprocess.run([WEIR, "help", "--json"], capture_output=True,
                                           check=True).stdout)
        names = {c["name"].split()[0] for c in tables["commands"]}
        self.assertEqual(set(self.offers("")), names | {"--help", "--version"})

    def test_options_of_the_command(self):
        self.assertEqual(self.offers("run", "--prom"), ["--promiscuous"])
        self.assertEqual(self.offers("run", "--no-prom"), ["--no-promiscuous"])
        self.assertEqual(self.offers("replay", "--prom"), [])
        self.assertEqual(self.offers("geo", "build", "--only"), ["--only-csv"])

    def test_choices(self):
        self.assertEqual(self.offers("run", "--hook", "xdp"), ["xdp", "xdp-generic"])
        self.assertEqual(self.offers("run", "--hook", "=", "t"), ["tc"])
        self.assertEqual(self.offers("run", "--direction", "="), ["in", "out", "both"])
        self.assertEqual(self.offers("replay", "--detail", "a"), ["auto"])
        self.assertEqual(self.offers("bench", "--detail", "a"), ["all"])
        self.assertEqual(self.offers("geo", "b"), ["build"])
        self.assertEqual(self.offers("bench", "ex"), ["export"])

    def test_names_that_a_shell_would_execute_are_none(self):
        """Who owns the folder of the sockets may call them what he likes."""
        for name in ("edge.sock", "$(touch done).sock", "`touch done`.sock", "two words.sock"):
            with open(os.path.join(self.folder, name), "wb"):
                pass
        run = subprocess.run(["bash", "--norc", "-c", 'source "$1"; compgen -W "$(_weir_names . .sock)"',
                              "bash", BASH], timeout=WAIT_S, capture_output=True, text=True,
                             cwd=self.folder, check=False)  # fmt: skip
        self.assertEqual((run.stdout, run.stderr), ("edge\n", ""))
        self.assertFalse(os.path.exists(os.path.join(self.folder, "done")))

    def test_templates_and_files(self):
        self.assertEqual(self.offers("replay", "-T", "st"), ["standard"])
        self.assertEqual(self.offers("replay", "--template", "o"), ["own.tpl"])
        self.assertEqual(self.offers("templates", "qu"), ["quality"])
        self.assertEqual(set(self.offers("replay", "ca")), {"capture.pcap", "captures"})
        self.assertEqual(self.offers("replay", "two"), ["two words.pcap"])
        self.assertEqual(self.offers("bench", "--keep", "ca"), ["captures"])
        self.assertEqual(self.offers("replay", "--geo", "a"), ["auto"])

    def test_destinations(self):
        self.assertEqual(set(self.offers("run", "--to", "json")),
                         {"json+file:", "json+tcp://", "json+tls://"})
        self.assertIn("own.tpl", self.offers("run", "--to", "json+file", ":"))
        self.assertEqual(self.offers("run", "--to", "json+file", ":", "own"), ["own.tpl"])
        self.assertEqual(self.offers("run", "--to", "ipfix+udp", ":", "own"), [])

    def test_interfaces_and_commands(self):
        self.assertIn("lo", self.offers("run", "l"))
        self.assertEqual(self.offers("help", "rep"), ["replay"])

    def test_it_works_under_the_tab_key(self):
        shell = Terminal(self, ["bash", "--norc", "--noprofile", "-i"], f"source {BASH}")
        shell.types("weir replay --templ\tst\t", "weir replay --template standard")


class Terminal:
    """An interactive shell, and what it shows."""

    def __init__(self, case, command, begin):
        self.case = case
        child, self.terminal = pty.fork()
        if child == 0:
            os.environ["TERM"] = "dumb"
            os.execvp(command[0], command)
        # The end of its terminal is the end of it.
        case.addCleanup(os.waitpid, child, 0)
        case.addCleanup(os.close, self.terminal)
        # Written so that the echo of the line is not yet what is waited for.
        self.types(f"PS1=; stty cols 200; {begin}; echo re''ady\n", "ready\r")

    def types(self, keys, wanted):
        os.write(self.terminal, keys.encode())
        seen, end = b"", time.monotonic() + WAIT_S
        while wanted.encode() not in seen and time.monotonic() < end:
            if select.select([self.terminal], [], [], 1)[0]:
                seen += os.read(self.terminal, 4096)
        self.case.assertIn(wanted, seen.decode(errors="replace"))


@unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
class Zsh(unittest.TestCase):
    def test_it_is_zsh(self):
        run = subprocess.run(["zsh", "-n", ZSH], capture_output=True, text=True, check=False)
        self.assertEqual((run.returncode, run.stderr), (0, ""))

    def test_commands_options_choices_templates_and_destinations(self):
        for keys, wanted in (("weir rep\t", "weir replay "), ("weir run --prom\t", "--promiscuous "),
                             ("weir replay --template qua\t", "quality "),
                             ("weir run --hook xd\t", "--hook xdp"),
                             ("weir geo build --only\t", "--only-csv "),
                             ("weir run --to netflow9+u\t", "netflow9+udp://")):
            shell = Terminal(self, ["zsh", "-f", "-i"],
                             f"fpath=({os.path.dirname(ZSH)} $fpath); autoload -Uz compinit; "
                             "compinit -u -D")
            shell.types(keys, wanted)


if __name__ == "__main__":
    WEIR = os.path.abspath(sys.argv.pop(1))
    unittest.main()
