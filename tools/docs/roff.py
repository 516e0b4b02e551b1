# SPDX-License-Identifier: BSD-2-Clause
"""Text as the macros of man(7) want it."""

import re
import textwrap

ESCAPES = {"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti",
           '"': r"\(dq"}
# What a reader would type: 'weir check', --template, a key in [meter].
LITERAL = re.compile(r"(?<!\w)'([^' ][^']*)'(?!\w)|(?<![\w-])(--[a-z][a-z0-9-]*)")


def plain(text):
    """Prose: a hyphen is one."""
    return "".join(c if c == "-" else ESCAPES.get(c, c) for c in text)


def code(text):
    """What is typed: a minus is one."""
    return "".join(ESCAPES.get(c, c) for c in text)


def bold(text):
    return rf"\fB{code(text)}\fR"


def italic(text):
    return rf"\fI{code(text)}\fR"


def prose(text):
    """A paragraph out of one of the tables, its lines not longer than a reader of the source likes."""
    out, at = "", 0
    for match in LITERAL.finditer(text):
        out += plain(text[at : match.start()]) + bold(match[1] or match[2])
        at = match.end()
    out += plain(text[at:])
    lines = textwrap.wrap(out, 96, break_long_words=False, break_on_hyphens=False)
    return "\n".join(rf"\&{line}" if line[0] in ".'" else line for line in lines)


def argument(text):
    """inner|outer, FILE, KIND:PORT,...: words in capitals stand for something."""
    return "".join(italic(part) if re.fullmatch("[A-Z]+", part) else bold(part) if part.isalnum()
                   or re.fullmatch("[a-z0-9_-]+", part) else code(part)
                   for part in re.split(r"([^A-Za-z0-9_-])", text) if part)


def tagged(tag, *paragraphs):
    return "\n".join([".TP", tag, *[p for p in paragraphs if p]])


def example(*lines):
    escaped = [rf"\&{code(line)}" if line[:1] in (".", "'") else code(line) for line in lines]
    return "\n".join([".PP", ".RS 4", ".nf", *escaped, ".fi", ".RE"])
