# SPDX-License-Identifier: BSD-2-Clause
"""Recipes (man/recipes): a title, paragraphs, and commands, which are indented. The manual page shows
them, tests/recipes runs them as they stand."""

from pathlib import Path

from docs import roff

FOLDER = Path(__file__).resolve().parents[2] / "man" / "recipes"
ORDER = ("span", "host", "mirror", "ci", "nfdump", "pmacct", "logstash", "prometheus",
         "tls")
INDENT = "    "


class Recipe:
    def __init__(self, text):
        lines = text.splitlines()[1:]  # below the licence
        self.title = lines.pop(0)
        self.parts = []  # (is it commands, its lines)
        for line in lines:
            typed = line.startswith(INDENT)
            said = line.removeprefix(INDENT) if typed else line
            if self.parts and self.parts[-1][0] == typed and (line or not typed):
                self.parts[-1][1].append(said)
            elif line:
                self.parts.append((typed, [said]))
            elif self.parts:
                self.parts[-1][1].append("")
        self.parts = [(typed, "\n".join(said).strip("\n")) for typed, said in self.parts]

    @property
    def commands(self):
        """The blocks of commands, each as it is typed."""
        return [said for typed, said in self.parts if typed]


def read(name):
    return Recipe((FOLDER / f"{name}.txt").read_text(encoding="utf-8"))


def section(name):
    recipe = read(name)
    out = []
    for typed, said in recipe.parts:
        if typed:
            out.append(roff.example(*said.split("\n")))
        else:
            out += [".PP\n" + roff.prose(" ".join(paragraph.split()))
                    for paragraph in said.split("\n\n")]
    # A heading begins a paragraph by itself.
    return f'.SS "{roff.plain(recipe.title)}"\n' + "\n".join(out).removeprefix(".PP\n")


def page(tables):
    del tables  # what a recipe says is in its file
    return "\n".join(section(name) for name in ORDER)
