# SPDX-License-Identifier: BSD-2-Clause
"""etc/weir.conf: every option that has a section, its default written out."""

import textwrap

WIDTH = 100
HEAD = """\
# SPDX-License-Identifier: BSD-2-Clause
# weir.conf(5): what 'weir run --config FILE' and 'weir replay --config FILE' are told. As it is,
# this file changes nothing. 'weir check FILE' tells every fault of a file.
#
#   #key = value     the default: take away the # to change it
#   # key = WHAT     has no default, or one that depends on others: take away '# ' to set it
#
# A list is written with semicolons, a;b. Yes and no are yes, no, true, false, on and off.
# The command line overrides the file. A key is an option of the same name: 'weir run --help'.
"""
EXPORTERS = """\
A destination may have a section of its own, and there may be any number of them, each with a name,
which messages call it by. Whatever may follow the ? of a URL may be a key of its own instead."""
SAMPLE = {"to": "ipfix+tcp://collector:4739", "template": "quality", "domain": "7", "mtu": "1400",
          "rotate": "5m", "rotate-size": "100M", "spool": "/var/spool/weir/noc", "pace": "1000",
          "ca": "/etc/weir/ca.pem", "cert": "/etc/weir/weir.pem", "key": "/etc/weir/weir.key",
          "name": "collector.example.net"}
# A default that is not the same as to say it: what stands in its place.
UNSAID = {
    "to": "Without it and without an [exporter NAME], replay prints a line a flow.",
    "template": "Without it each form has its own: v9 for netflow9, v5 for netflow5, standard for "
                "the others.",
}


def comment(text, mark="# "):
    return "\n".join(textwrap.wrap(text, WIDTH, initial_indent=mark, subsequent_indent=mark,
                                   break_long_words=False, break_on_hyphens=False))


def values(option):
    """What it takes, where that can be said; else None."""
    if option["type"] in ("flag", "switch"):
        return "yes or no"
    if option["type"] == "choice":
        return option["argument"].replace("|", ", ")
    if option["type"] in ("number", "count", "duration"):
        return option["values"]
    return None


def default(option):
    """As a user would write it; None: there is none."""
    if option["name"] in UNSAID:
        return None
    if option["type"] == "flag":
        return "no"
    return option["default"]


def of_file(tables, section):
    return [option for option in tables["options"] if option["section"] == section]


def takes(option):
    return f"Takes {values(option)}." if values(option) else None


def command(option):
    """The only command that it means something to."""
    only = [name for name in option["commands"] if name in ("replay", "run")]
    return f"Of 'weir {only[0]}' alone." if len(only) == 1 else None


def entry(option):
    standard = default(option)
    lines = [comment(option["help"])]
    if option["name"] in UNSAID:
        lines.append(comment(UNSAID[option["name"]]))
    said = " ".join(filter(None, (takes(option), command(option))))
    lines += [comment(said)] if said else []
    key = f"#{option['name']} = {standard}" if standard is not None else \
        f"# {option['name']} = {option['argument'] or 'yes|no'}"
    return "\n".join([*lines, key])


def exporter(tables):
    lines = [comment(EXPORTERS), "#", "# [exporter noc]", f"# to = {SAMPLE['to']}"]
    for key in tables["destinationKeys"]:
        lines.append("#")
        lines.append(comment(f"{key['help']}; {key['of']}", "#   "))
        lines.append(f"# {key['name']} = {key['default'] or SAMPLE[key['name']]}")
    return "\n".join(lines)


def shipped(tables):
    parts = [HEAD]
    for section in tables["sections"]:
        if section["name"]:
            rule = f"# --- {section['title']} ".ljust(WIDTH, "-")
            parts.append(f"{rule}\n[{section['name']}]\n")
            parts += [entry(option) + "\n" for option in of_file(tables, section["name"])]
    parts.append("# --- Destinations ".ljust(WIDTH, "-"))
    parts.append(exporter(tables) + "\n")
    return "\n".join(parts)
