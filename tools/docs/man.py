# SPDX-License-Identifier: BSD-2-Clause
"""The manual pages: hand-written sources (man/NAME.in) with the lists that tables make."""

import re

from docs import conf, recipes
from docs.roff import argument, bold, code, example, plain, prose, tagged

HEAD = r'.\" SPDX-License-Identifier: BSD-2-Clause' + "\n" + \
    r'.\" Made from {source} by tools/documents; change that.' + "\n"


def option_tag(option):
    name = ("--[no-]" if option["type"] == "switch" else "--") + option["name"]
    tag = (bold("-" + option["letter"]) + ", " if option["letter"] else "") + bold(name)
    return tag + (" " + argument(option["argument"]) if option["argument"] else "")


def sentence(text):
    return text if text.endswith((".", "?")) else text + "."


def commands(tables):
    parts = []
    for command in tables["commands"]:
        own = [o for o in tables["options"] if command["name"] in o["commands"] and o["name"] != "help"]
        parts.append(f'.SS "{code("weir " + command["name"] + " " + command["arguments"])}"')
        parts.append(prose(sentence(command["summary"][0].upper() + command["summary"][1:])
                           + " " + command["description"]))
        if own:
            names = ", ".join(bold("--" + o["name"]) for o in own)
            parts.append(f".PP\nOptions: {names}.")
        lines = []
        for one in command["examples"]:
            lines += [one["line"], "    " + one["what"]]
        parts.append(example(*lines))
    return "\n".join(parts)


def options(tables):
    parts = []
    for section in tables["sections"]:
        where = f", section [{section['name']}]" if section["name"] else ", on the command line alone"
        rows = [o for o in tables["options"] if o["section"] == section["name"]]
        parts.append(f'.SS "{plain(section["title"] + where)}"')
        for row in rows:
            text = row["help"] + (f" [{row['default']}]" if row["default"] else "")
            every = len(row["commands"]) == len(tables["commands"])
            known = "Of every command." if every else \
                "Of " + ", ".join(bold(name) for name in row["commands"]) + "."
            parts.append(tagged(option_tag(row), prose(sentence(text)), known))
    return "\n".join(parts)


def keys(tables):
    parts = []
    for section in tables["sections"]:
        if not section["name"]:
            continue
        parts.append(f'.SS "{plain("[" + section["name"] + "]: " + section["title"])}"')
        for row in conf.of_file(tables, section["name"]):
            standard = conf.default(row)
            said = f"Default: {bold(standard)}." if standard is not None else \
                prose(conf.UNSAID.get(row["name"], "No default."))
            parts.append(tagged(f"{bold(row['name'])} = {argument(row['argument'] or 'yes|no')}",
                                prose(sentence(row["help"])),
                                prose(" ".join(filter(None, (conf.takes(row), conf.command(row))))),
                                said))
    return "\n".join(parts)


def destination_keys(tables):
    parts = []
    for key in tables["destinationKeys"]:
        said = f"Default: {bold(key['default'])}." if key["default"] else None
        parts.append(tagged(f"{bold(key['name'])} = {argument(key['argument'])}",
                            prose(f"{key['help']}."), prose(f"Of {key['of']}."), said))
    return "\n".join(parts)


def forms(tables):
    parts = []
    for form in tables["forms"]:
        ways = ["file:PATH"] + [f"{way}://HOST[:PORT]" for way in form["transports"]]
        parts.append(tagged(bold(form["name"]),
                            ", ".join(f"{bold(form['name'] + '+')}{argument(way)}" for way in ways)
                            + "."))
    return "\n".join(parts)


def packs(tables):
    return "\n".join(tagged(bold(pack["name"]), prose(sentence(pack["where"])))
                     for pack in tables["packs"])


def columns(text):
    """The names of a layout, and its directives."""
    lines = [line.partition("#")[0].split() for line in text.split("\n")]
    return [words[0] for words in lines if len(words) == 1], dict(
        words for words in lines if len(words) == 2)


def templates(tables):
    parts = []
    for template in tables["templates"]:
        names, said = columns(template["text"])
        count = f"{len(names)} columns, {said.get('flow', 'uniflow')}."
        parts.append(tagged(bold(template["name"]), prose(template["purpose"]), count))
    return "\n".join(parts)


def holders(tables, element):
    """The templates that have it in either direction."""
    names = {element["name"], element["reverse"]}
    return [t["name"] for t in tables["templates"] if names & set(columns(t["text"])[0])]


def element(tables, row):
    about = [row["type"]]
    if row["semantics"] != "default":
        about.append(row["semantics"])
    if row["units"]:
        about.append(row["units"])
    about.append("of a side, with a reverse" if row["reverse"] else "of the flow")
    about.append(f"detail {row['detail']}")
    if row["netflow9"] and not row["own"]:
        about.append(f"NetFlow v9 {row['netflow9']}")
    held = holders(tables, row)
    number = f"32473/{row['id']}" if row["own"] else str(row["id"])
    within = f"In {', '.join(bold(name) for name in held)}." if held else "In no template that comes with weir."
    return tagged(f"{bold(row['name'])} ({number})", prose(sentence(row["description"])),
                  ".br", plain(", ".join(about) + "."), within)


def own_elements(tables):
    rows = sorted((r for r in tables["elements"] if r["own"]), key=lambda r: r["id"])
    return "\n".join(element(tables, row) for row in rows)


def iana_elements(tables):
    rows = sorted((r for r in tables["elements"] if not r["own"]), key=lambda r: r["id"])
    return "\n".join(element(tables, row) for row in rows)


MAKERS = {
    "COMMANDS": commands,
    "OPTIONS": options,
    "KEYS": keys,
    "DESTINATION_KEYS": destination_keys,
    "FORMS": forms,
    "PACKS": packs,
    "RECIPES": recipes.page,
    "TEMPLATES": templates,
    "OWN_ELEMENTS": own_elements,
    "IANA_ELEMENTS": iana_elements,
}


def page(tables, source, text):
    """A line @NAME@ of the source becomes what its maker makes; @VERSION@ anywhere, the version."""
    text = text.partition("\n")[2]  # its licence, which HEAD says
    text = re.sub(r"^@([A-Z_]+)@$", lambda match: MAKERS[match[1]](tables), text, flags=re.MULTILINE)
    return HEAD.format(source=source) + text.replace("@VERSION@", tables["version"])
