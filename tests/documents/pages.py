# SPDX-License-Identifier: BSD-2-Clause
"""The manual pages, as three readers of them see them: groff, man and mandoc."""

import glob
import os
import re
import shutil
import subprocess
import sys
import unittest

WEIR = ""  # set from the command line
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
PAGES = sorted(glob.glob(os.path.join(ROOT, "man", "*.[1-8]")))


def told(*command):
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False,
                         env=dict(os.environ, LC_ALL="C.UTF-8", MANROFFSEQ="", MANWIDTH="80"))
    return run.stdout, run.stderr


class Pages(unittest.TestCase):
    def test_there_is_one_for_every_thing(self):
        names = [os.path.basename(page) for page in PAGES]
        for name in ("weir.1", "weir.conf.5", "weir-templates.5", "weir-elements.7"):
            self.assertIn(name, names)

    def test_groff_has_nothing_to_complain_of(self):
        for page in PAGES:
            self.assertEqual(told("groff", "-man", "-ww", "-Tutf8", "-z", page)[1], "", page)

    def test_nor_has_man(self):
        for page in PAGES:
            text, faults = told("man", "--warnings", "-E", "UTF-8", "-l", page)
            self.assertEqual(faults, "", page)
            self.assertGreater(len(text), 1000, page)

    @unittest.skipUnless(shutil.which("mandoc"), "mandoc is not installed")
    def test_nor_has_mandoc(self):
        for page in PAGES:
            self.assertEqual(told("mandoc", "-Tlint", "-Wwarning", page), ("", ""), page)

    def test_what_a_page_refers_to_is_there(self):
        names = {os.path.basename(page) for page in PAGES}
        for page in PAGES:
            with open(page, encoding="utf-8") as file:
                text = file.read().replace("\\-", "-")
            named = set(re.findall(r"^\.BR (weir[\w.-]*) \((\d)\)", text, re.MULTILINE))
            self.assertEqual({f"{name}.{section}" for name, section in named} - names, set(), page)

    def test_weir_knows_every_option_of_its_examples(self):
        """Those of the tables are checked with the tables; these are the hand-written ones."""
        for page in PAGES:
            with open(page, encoding="utf-8") as file:
                text = file.read().replace("\\-", "-")
            examples = re.findall(r"^\.nf\n(.*?)^\.fi", text, re.MULTILINE | re.DOTALL)
            for line in re.findall(r"^weir (\w+)(.*)", "\n".join(examples), re.MULTILINE):
                page_of = told(WEIR, line[0], "--help")[0]
                if line[0] == "geo":
                    page_of += "".join(told(WEIR, "geo", w, "--help")[0] for w in ("build", "lookup"))
                for option in re.findall(r"(?<!\S)--[a-z-]+", line[1]):
                    self.assertIn(option.removeprefix("--no-"), page_of, line)


if __name__ == "__main__":
    WEIR = os.path.abspath(sys.argv.pop(1))
    unittest.main()
