#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""packs.py WEIR COLLECTOR CAPTURE...

What `weir elements --for COLLECTOR` prints, read as that collector reads it: the syntax, and the
checks its own loader makes of names, ids and types. Then every element of our own on the wire, in
records of one direction and of both, must be one that the file defines, of a type that reads as many
octets. libfixbuf's file is read by ipfixDump and pmacct's by nfacctd, to which the records are sent
over UDP in a network namespace of its own: what it then tells of them are the values in them."""

import csv
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import ipfix_check
import netns
import nfacctd

SKIPPED = 77
PEN = 32473
OTHER_PEN = 4711
MTU = 2000
VOLLEY = 16
REVERSE_BIT = 0x4000
MOST_PRIMITIVES = 63  # of pmacct
KEY = ("src_host", "dst_host", "src_port", "dst_port", "proto")
ANY = range(1 << 16)  # octets of what a type reads: as many as the template says
UP_TO_8 = range(1, 9)
# IANA's abstract data types; numbers may be shorter than their type.
IANA_TYPES = {name: ANY if size is None else range(1, size + 1) if name.startswith("unsigned")
              else (size,) for name, size in ipfix_check.TYPES}  # fmt: skip
SEMANTICS = {"default", "quantity", "totalCounter", "deltaCounter", "identifier", "flags"}
UNITS = {"none", "bits", "octets", "packets", "flows", "seconds", "milliseconds", "microseconds",
         "nanoseconds", "4-octet words", "messages", "hops", "entries", "frames"}  # fmt: skip


class Wrong(Exception):
    """The collector would refuse the file or misread it."""


def demand(condition, what):
    if not condition:
        raise Wrong(what)


def octets_of(types, kind):
    demand(kind in types, f"no type is called {kind}")
    return types[kind]


def define(found, key, value):
    demand(key not in found, f"{key} is defined twice")
    demand(0 < key[1] < 1 << 15, f"{key} is no id of an enterprise's element")
    found[key] = value


def distinct(names):
    names = list(names)
    for name in names:
        demand(names.count(name) == 1, f"{name} is there twice")


def yaml_of(text):
    """Without the duplicate keys that a YAML reader may overlook."""
    import yaml

    class Strict(yaml.SafeLoader):
        def construct_mapping(self, node, deep=False):
            distinct(key.value for key, _ in node.value)
            return super().construct_mapping(node, deep)

    return yaml.load(text, Strict)


def said_in(element):
    """Its children's texts by their tags, none twice."""
    distinct(child.tag for child in element)
    return {child.tag: (child.text or "").strip() for child in element}


# Each reader: text -> {(pen, id): (name, octets)}.


def of_libfixbuf(text):
    found = {}
    for record in xml.etree.ElementTree.fromstring(text).iter():
        if not record.tag.endswith("}record"):
            continue
        said = {child.tag.rpartition("}")[2]: child.text for child in record}
        key = (int(said["enterpriseId"]), int(said["elementId"]))
        octets = octets_of(IANA_TYPES, said["dataType"])
        define(found, key, (said["name"], octets))
        if said["reversible"] == "true":
            define(found, (key[0], key[1] | REVERSE_BIT),
                   (ipfix_check.reverse_name(said["name"]), octets))
    return found


def of_ipfixcol2(text):
    root = xml.etree.ElementTree.fromstring(text)
    demand(root.tag == "ipfix-elements", "root")
    scopes = [child for child in root if child.tag == "scope"]
    demand(len(scopes) == 1, "one scope a file")
    scope = said_in(scopes[0])
    demand(set(scope) == {"pen", "name", "biflow"} and scope["name"], "scope")
    demand(scopes[0].find("biflow").attrib == {"mode": "individual"}, "biflow mode")
    found = {}
    for element in root:
        if element.tag == "scope":
            continue
        said = said_in(element)
        demand(element.tag == "element" and {"id", "name", "dataType"} <= set(said) and
               set(said) <= {"id", "name", "dataType", "dataSemantics", "units", "status",
                             "biflowId"}, f"{element.tag} {said}")  # fmt: skip
        demand(said.get("dataSemantics", "default") in SEMANTICS, said)
        demand(said.get("units", "none") in UNITS and said.get("status") == "current", said)
        octets = octets_of(IANA_TYPES, said["dataType"])
        define(found, (int(scope["pen"]), int(said["id"])), (said["name"], octets))
        if "biflowId" in said:
            define(found, (int(scope["pen"]), int(said["biflowId"])),
                   (said["name"] + "@reverse", octets))
    return found


GOFLOW2_OWN = {"type", "time_received_ns", "sequence_num", "sampling_rate", "sampler_address",
               "time_flow_start_ns", "time_flow_end_ns", "bytes", "packets", "src_addr",
               "dst_addr", "etype", "proto", "src_port", "dst_port", "in_if", "out_if",
               "tcp_flags"}  # fmt: skip


def of_goflow2(text):
    said = yaml_of(text)
    demand(set(said) == {"formatter", "ipfix"}, "sections")
    form = said["formatter"]
    demand(set(form) == {"fields", "key", "protobuf", "render"}, "formatter")
    types = {}
    for field in form["protobuf"]:
        demand(set(field) == {"name", "index", "type"}, field)
        demand(field["type"] in ("varint", "string", "bytes"), field)
        # Beyond goflow2's own; protobuf keeps some for itself and has room up to 2^29.
        demand(1000 <= field["index"] < 19000 or 20000 <= field["index"] < 1 << 29, field)
        types[field["name"]] = UP_TO_8 if field["type"] == "varint" else ANY
    distinct(field["name"] for field in form["protobuf"])
    distinct(field["index"] for field in form["protobuf"])
    distinct(form["fields"])
    demand(set(form["fields"]) == GOFLOW2_OWN | set(types), "fields are those there are")
    demand(set(form["key"]) <= set(form["fields"]), "key")
    demand(set(form["render"]) <= set(form["fields"]), "render")
    demand(set(form["render"].values()) <= {"mac", "datetimenano"}, "renderers")
    found = {}
    for field in said["ipfix"]["mapping"]:
        demand(set(field) == {"field", "penprovided", "pen", "destination"}, field)
        demand(field["penprovided"] is True, field)
        define(found, (field["pen"], field["field"]),
               (field["destination"], octets_of(types, field["destination"])))
    return found


def of_lists(text, types, order):
    found = {}
    for pen, elements in yaml_of(text).items():
        for number, words in elements.items():
            demand(len(words) == 2 and all(isinstance(word, str) for word in words), words)
            name, kind = (words[at] for at in order)
            define(found, (pen, number), (name, octets_of(types, kind)))
        distinct(words[order[0]] for words in elements.values())
    return found


LOGSTASH_TYPES = {":uint8": (1,), ":uint16": (2,), ":uint32": (4,), ":uint64": (8,),
                  ":double": (8,), ":mac_addr": (6,), ":ip4_addr": (4,), ":ip6_addr": (16,),
                  ":string": ANY}  # fmt: skip


def of_logstash(text):
    found = of_lists(text, LOGSTASH_TYPES, (1, 0))
    demand(all(name.startswith(":") for name, _ in found.values()), "names are symbols")
    return {key: (name[1:], octets) for key, (name, octets) in found.items()}


def of_vflow(text):
    """Behind what vflow comes with."""
    shipped = "0:\n  1:\n  - octetDeltaCount\n  - unsigned64\n"
    found = yaml_of(shipped + text)
    demand(found.pop(0) == {1: ["octetDeltaCount", "unsigned64"]}, "what was there is there still")
    return of_lists(text, IANA_TYPES, (0, 1))


TELEGRAF_TYPES = {"bool": (1,), "uint": UP_TO_8, "float64": (8,), "hex": ANY, "string": ANY,
                  "mac": (6,), "ip": (4, 16)}  # fmt: skip


def of_telegraf(text):
    """It finds the reverse of an enterprise's element by the id without the bit."""
    known = ipfix_check.load_elements()
    found = {}
    for row in csv.reader(line for line in text.splitlines() if not line.startswith("#")):
        demand(len(row) == 3, row)
        number, name, kind = row
        demand(re.fullmatch(r"\d+\.\d+", number), number)
        key = tuple(map(int, number.split(".")))
        octets = octets_of(TELEGRAF_TYPES, kind)
        define(found, key, (name, octets))
        if key[0] != ipfix_check.PEN_REVERSE and (PEN, key[1] | REVERSE_BIT) in known:
            define(found, (key[0], key[1] | REVERSE_BIT), ("rev_" + name, octets))
    return found


def of_pmacct(text, left_out=True):
    """left_out: with the lines that a user may put in."""
    found = {}
    for line in text.splitlines():
        if left_out:
            line = re.sub("^! (?=name=)", "", line)
        if line.startswith("!"):
            continue
        demand(re.fullmatch(r"\S+( \S+)*", line), line)
        said = dict(word.split("=") for word in line.split())
        demand(set(said) == {"name", "field_type", "len", "semantics"}, line)
        octets = ANY if said["len"] == "vlen" else (int(said["len"]),)
        sizes = {"u_int": ((1,), (2,), (4,), (8,)), "raw": ((3,), (8,)), "mac": ((6,),),
                 "ip": ((4,), (16,)), "str": (ANY,)}  # fmt: skip
        demand(octets in octets_of(sizes, said["semantics"]), line)
        demand(len(said["name"]) < 64, line)
        define(found, tuple(map(int, said["field_type"].split(":"))), (said["name"], octets))
    return found


def of_graylog(text):
    said = json.loads(text)
    demand(set(said) == {"enterprise_number", "information_elements"}, "keys")
    found = {}
    for element in said["information_elements"]:
        demand(set(element) == {"element_id", "name", "data_type"}, element)
        define(found, (said["enterprise_number"], element["element_id"]),
               (element["name"], octets_of(IANA_TYPES, element["data_type"])))
    return found


# Of each: its reader, and whether IANA's reverse elements must be in the file.
READERS = {
    "libfixbuf": (of_libfixbuf, False),
    "ipfixcol2": (of_ipfixcol2, False),
    "goflow2": (of_goflow2, True),
    "logstash": (of_logstash, False),
    "telegraf": (of_telegraf, True),
    "pmacct": (of_pmacct, True),
    "vflow": (of_vflow, True),
    "graylog": (of_graylog, False),
    "filebeat": (of_logstash, False),
}  # fmt: skip
NEEDS_YAML = {"goflow2", "logstash", "vflow", "filebeat"}


def pack(weir, collector, pen=PEN):
    return subprocess.run([weir, "elements", "--for", collector, "--pen", str(pen)], check=True,
                          capture_output=True, text=True).stdout  # fmt: skip


def replay(weir, folder, capture, direction, domain, template="full"):
    """The octets of the messages, and what our own reader says of them."""
    path = os.path.join(folder, "messages")
    subprocess.run([weir, "replay", "--quiet", "--template", template, direction, "--to",
                    f"ipfix+file:{path}?mtu={MTU}", "--domain", str(domain), capture],
                   check=True)  # fmt: skip
    with open(path, "rb") as file:
        octets = file.read()
    result = ipfix_check.check(octets, ipfix_check.load_elements())
    demand(not result.problems, result.problems)
    return octets, result


def fields_of(result):
    return [field for template in result.templates.values() if not template.scopes
            for field in template.fields]  # fmt: skip


def check_names(found, collector):
    """The names are those of the elements, in either direction."""
    for (pen, number), (name, _) in found.items():
        reverse = number & REVERSE_BIT or pen == ipfix_check.PEN_REVERSE
        own = ipfix_check.load_elements()[pen, number].name
        if collector == "telegraf" and reverse:
            name = ipfix_check.reverse_name(name.removeprefix("rev_"))
        elif collector == "ipfixcol2" and reverse:
            name = ipfix_check.reverse_name(name.removesuffix("@reverse"))
        demand(name == own, f"{pen}/{number} is {own}, not {name}")


def check_fields(found, result, iana_reverse):
    """What is on the wire is known, and every value fits the type."""
    for field in fields_of(result):
        if field.pen == PEN or (iana_reverse and field.pen == ipfix_check.PEN_REVERSE):
            demand((field.pen, field.number) in found, f"{field.name} is not in the file")
            octets = found[field.pen, field.number][1]
            demand(field.length in octets, f"{field.name}: {octets} octets of {field.length}")


def check_types(result):
    """RFC 5610: each own element of the template is described, in either direction."""
    described = {(record["privateEnterpriseNumber"], record["informationElementId"]): record
                 for record in result.options if "informationElementName" in record}  # fmt: skip
    for field in fields_of(result):
        if field.pen != PEN:
            continue
        record = described.get((field.pen, field.number))
        demand(record is not None, f"{field.name} has no type record")
        demand(record["informationElementName"] == field.name, record)
        kind = ipfix_check.TYPES[record["informationElementDataType"]][0]
        demand(kind == field.kind, f"{field.name} is described as {kind}")


def read_by_ipfixdump(text, folder, octets, result):
    with open(os.path.join(folder, "elements.xml"), "w", encoding="utf-8") as file:
        file.write(text)
    with open(os.path.join(folder, "flows.ipfix"), "wb") as file:
        file.write(octets)
    told = subprocess.run(["ipfixDump", "--in", "flows.ipfix", "--element-file", "elements.xml"],
                          cwd=folder, check=True, capture_output=True, text=True).stdout  # fmt: skip
    for field in fields_of(result):
        demand(field.name in told, f"ipfixDump does not name {field.name}")
    demand("alien" not in told, "an element that ipfixDump does not know")


def send(collector, octets):
    """Messages, to nfacctd."""
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    at = number = 0
    while at < len(octets):
        length = struct.unpack_from(">H", octets, at + 2)[0]
        out.sendto(octets[at : at + length], (collector.host, nfacctd.PORT))
        at, number = at + length, number + 1
        if number % VOLLEY == 0:
            collector.pause()
    out.close()


def as_pmacct_prints(value):
    if isinstance(value, bool):
        return "1" if value else "2"
    if isinstance(value, float):
        return "-".join(f"{octet:02X}" for octet in struct.pack(">d", value))
    return str(value)


def read_by_nfacctd(primitives, folder, octets, result):
    """Every value of every record, and nothing else, comes out; it writes names in small letters."""
    live = of_pmacct(primitives, left_out=False)
    demand(len(live) <= MOST_PRIMITIVES, f"{len(live)} primitives")
    names = [name for name, _ in live.values()]
    collector = nfacctd.Nfacctd(folder, [*KEY, *names], primitives)
    send(collector, octets)
    try:
        rows = collector.finish(sum(record["packetDeltaCount"] for record in result.records))
    except TimeoutError as error:
        raise Wrong(error) from error
    demand("ERROR" not in collector.said(), collector.said())
    told = {tuple(row[name.lower()] for name in names) for row in rows}
    sent = {tuple(as_pmacct_prints(record[name]) for name in names)
            for record in result.records}  # fmt: skip
    demand(told == sent, f"only nfacctd: {told - sent}\nonly sent: {sent - told}")
    return len(rows)


def turned(primitives):
    """As a user does who wants our reverse elements: they come in, the others go out."""
    lines = [re.sub(r"^! (?=name=reverse\w+ field_type=%d:)" % PEN, "", line)
             if line.startswith("! name") else re.sub("^name", "! name", line)
             for line in primitives.splitlines(keepends=True)]  # fmt: skip
    live = [at for at, line in enumerate(lines) if line.startswith("name=")]
    for at in live[MOST_PRIMITIVES:]:
        lines[at] = "! " + lines[at]
    return "".join(lines)


def by_collector(collector, text, folder, sent):
    """Where the collector itself is to be had. sent: of records of one direction and of both."""
    if collector == "libfixbuf":
        for octets, result in sent.values():
            read_by_ipfixdump(text, folder, octets, result)
        return "ipfixDump names all of it"
    if collector == "pmacct":
        rows = 0
        for direction, primitives in (("--uniflow", text), ("--biflow", turned(text))):
            place = os.path.join(folder, direction[2:])
            os.mkdir(place)
            rows += read_by_nfacctd(primitives, place, *sent[direction])
        return f"nfacctd tells the same of {rows} records"
    return "as its loader wants it"


def missing(collector):
    if collector in NEEDS_YAML:
        try:
            import yaml  # noqa: F401
        except ImportError:
            return "python3-yaml"
    program = {"libfixbuf": "ipfixDump", "pmacct": "nfacctd"}.get(collector)
    return None if program is None or shutil.which(program) else program


def joined(weir, folder, captures, direction):
    """(octets of the messages of all captures, each in a domain of its own; what they say)"""
    octets = b"".join(replay(weir, folder, capture, direction, domain)[0]
                      for domain, capture in enumerate(captures, 1))  # fmt: skip
    result = ipfix_check.check(octets, ipfix_check.load_elements())
    return octets, result


def main():
    weir, collector, *captures = sys.argv[1:]
    lacks = missing(collector)
    if lacks:
        print(f"skipped: {lacks} is not installed")
        return SKIPPED
    if collector == "pmacct":
        netns.enter()
        netns.ip("link set lo up")
    read, iana_reverse = READERS[collector]
    text = pack(weir, collector)
    try:
        found = read(text)
        check_names(found, collector)
        other = read(pack(weir, collector, OTHER_PEN))
        demand(other == {(OTHER_PEN if pen == PEN else pen, number): said
                         for (pen, number), said in found.items()}, "--pen")  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            sent = {direction: joined(weir, folder, captures, direction)
                    for direction in ("--uniflow", "--biflow")}  # fmt: skip
            for _, result in sent.values():
                check_fields(found, result, iana_reverse)
                check_types(result)
            how = by_collector(collector, text, folder, sent)
    except Wrong as wrong:
        print(f"{collector}: {wrong}")
        return 1
    print(f"{len(found)} elements for {collector}: {how}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
