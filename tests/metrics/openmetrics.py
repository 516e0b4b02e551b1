# SPDX-License-Identifier: BSD-2-Clause
"""A strict reader of the OpenMetrics text format, version 1.0: whatever the standard does not allow is
a Fault, also where Prometheus itself would let it pass."""

import math
import re
from dataclasses import dataclass, field

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?|[-+]Inf|NaN")
ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}
SUFFIXES = {
    "counter": ("_total", "_created"),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count", "_created"),
    "info": ("_info",),
}


class Fault(Exception):
    pass


@dataclass
class Family:
    name: str
    type: str = ""
    unit: str = ""
    help: str = ""
    samples: dict = field(default_factory=dict)  # (suffix, ((label, value), ...)) -> value


def unescape(text):
    """What is escaped in a help; a quote may be, or not."""
    out, rest = [], iter(text)
    for char in rest:
        if char == "\\":
            char = ESCAPES.get(next(rest, ""))
            if char is None:
                raise Fault(f"an escape that is none: {text}")
        out.append(char)
    return "".join(out)


def quoted(text, at):
    """The value that begins behind the quote at this place, and where it ends."""
    out = []
    while at < len(text):
        char = text[at]
        if char == '"':
            return "".join(out), at + 1
        if char == "\\":
            at += 1
            char = ESCAPES.get(text[at : at + 1])
            if char is None:
                raise Fault(f"an escape that is none: {text}")
        out.append(char)
        at += 1
    raise Fault(f"a value without an end: {text}")


def labels_of(text):
    """The labels from the brace on, and what follows them."""
    labels, at = [], 1
    while not text.startswith("}", at):
        if labels:
            if not text.startswith(",", at):
                raise Fault(f"no comma between labels: {text}")
            at += 1
        name = LABEL.match(text, at)
        if not name or not text.startswith('="', name.end()):
            raise Fault(f"no label: {text}")
        value, at = quoted(text, name.end() + 2)
        if name[0] in dict(labels):
            raise Fault(f"a label twice: {text}")
        labels.append((name[0], value))
    return tuple(labels), text[at + 1 :]


def number_of(text):
    if not NUMBER.fullmatch(text):
        raise Fault(f"no number: {text}")
    return float(text.replace("Inf", "inf"))


def sample_of(line):
    """name, labels, value; time stamps and exemplars are not used."""
    name = NAME.match(line)
    if not name:
        raise Fault(f"no name: {line}")
    rest = line[name.end() :]
    labels = ()
    if rest.startswith("{"):
        labels, rest = labels_of(rest)
    if not rest.startswith(" "):
        raise Fault(f"no space before the value: {line}")
    return name[0], labels, number_of(rest[1:])


class Reader:
    def __init__(self):
        self.families = {}
        self.now = None

    def family(self, name):
        """The family that goes on, or a new one; none is interrupted by another."""
        if self.now and self.now.name == name:
            return self.now
        if name in self.families:
            raise Fault(f"the family goes on behind another: {name}")
        self.now = self.families[name] = Family(name)
        return self.now

    def head(self, line):
        kind, name, rest = (line[2:].split(" ", 2) + ["", ""])[:3]
        if kind not in ("TYPE", "UNIT", "HELP") or not NAME.fullmatch(name):
            raise Fault(f"no line of OpenMetrics: {line}")
        family = self.family(name)
        if family.samples:
            raise Fault(f"said behind samples: {line}")
        if getattr(family, kind.lower()):
            raise Fault(f"said twice: {line}")
        if kind == "TYPE" and rest not in SUFFIXES:
            raise Fault(f"no type that weir has: {line}")
        if kind == "UNIT" and not name.endswith(f"_{rest}"):
            raise Fault(f"the name does not end with its unit: {line}")
        setattr(family, kind.lower(), unescape(rest) if kind == "HELP" else rest)

    def sample(self, line):
        name, labels, value = sample_of(line)
        family = self.now
        suffixes = SUFFIXES[family.type] if family and family.type else ()
        suffix = name[len(family.name) :] if family and name.startswith(family.name) else None
        if suffix not in suffixes:
            raise Fault(f"a sample of no family, or of another: {line}")
        if (suffix, labels) in family.samples:
            raise Fault(f"a sample twice: {line}")
        if ("le" in dict(labels)) != (suffix == "_bucket"):
            raise Fault(f"a bound where there is none, or none: {line}")
        family.samples[suffix, labels] = value


def check_histogram(family):
    """Bounds rise, buckets do not fall, the last is the count; each histogram is in one piece."""
    groups, order = {}, []
    for (suffix, labels), value in family.samples.items():
        key = tuple(label for label in labels if label[0] != "le")
        if key not in groups:
            groups[key] = []
            order.append(key)
        elif order[-1] != key:
            raise Fault(f"{family.name}: histograms are mixed")
        groups[key].append((suffix, dict(labels).get("le"), value))
    for key, rows in groups.items():
        bounds = [number_of(le) for suffix, le, _ in rows if suffix == "_bucket"]
        counts = [value for suffix, _, value in rows if suffix == "_bucket"]
        others = {suffix: value for suffix, _, value in rows if suffix != "_bucket"}
        spelled = [le for suffix, le, _ in rows if suffix == "_bucket"]
        if bounds != sorted(set(bounds)) or not bounds or bounds[-1] != math.inf:
            raise Fault(f"{family.name} {key}: bounds {bounds}")
        if counts != sorted(counts) or others.get("_count") != counts[-1]:
            raise Fault(f"{family.name} {key}: counts {counts}, {others}")
        if set(others) != {"_sum", "_count"} or not others["_sum"] >= 0:
            raise Fault(f"{family.name} {key}: {others}")
        for le in spelled[:-1]:
            if "." not in le and "e" not in le:
                raise Fault(f"{family.name}: a bound that is not spelled as a real: {le}")


def check_values(family):
    for (suffix, labels), value in family.samples.items():
        if family.type == "info" and value != 1:
            raise Fault(f"{family.name} {labels}: an info is 1")
        if family.type in ("counter", "histogram") and not 0 <= value < math.inf:
            raise Fault(f"{family.name}{suffix} {labels}: {value}")
    names = {tuple(name for name, _ in labels if name != "le") for _, labels in family.samples}
    if len(names) > 1:
        raise Fault(f"{family.name}: samples of different labels: {names}")


def check_names(families):
    """No sample may be taken for another family's."""
    taken = {}
    for family in families.values():
        for suffix in SUFFIXES[family.type] + ("",):
            if taken.setdefault(family.name + suffix, family.name) != family.name:
                raise Fault(f"{family.name}{suffix}: also of {taken[family.name + suffix]}")


def parse(octets):
    """The families by name."""
    text = octets.decode("utf-8")
    if not text.endswith("\n# EOF\n") or "\r" in text:
        raise Fault("no end, or something behind it")
    reader = Reader()
    for line in text[: -len("# EOF\n")].splitlines():
        if line.startswith("#"):
            reader.head(line)
        else:
            reader.sample(line)
    for family in reader.families.values():
        if not family.type or not family.help or not family.samples:
            raise Fault(f"{family.name}: no type, no help or no sample")
        check_values(family)
        if family.type == "histogram":
            check_histogram(family)
    check_names(reader.families)
    return reader.families


def values(octets):
    """Every sample of either format, as it is written: name and labels -> value."""
    found = {}
    for line in octets.decode("utf-8").splitlines():
        if line and not line.startswith("#"):
            name, labels, value = sample_of(line)
            if (name, labels) in found:
                raise Fault(f"a sample twice: {line}")
            found[name, labels] = value
    return found
