#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""geo.py WEIR DATA

Flows between addresses of which mmdblookup said where they are (DATA/truth.tsv.gz), and special ones,
replayed with those databases: JSON says the same of both ends, and IPFIX by the templates geo and full
(as our own checker, libfixbuf and tshark read it) and ntop, and NetFlow v9 and v5, say what JSON does.
weir geo lookup says it too, as text and as JSON, and the options tell of the databases."""

import csv
import gzip
import io
import ipaddress
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import capture
import ipfix_check
import make_pcap
import netflow_check
import netflow_readback
import readback

SKIPPED = 77
CITY, ISP = "GeoIP2-City-Test", "GeoIP2-ISP-Test"
BUILT = 1_700_000_000_000  # the databases are younger, in ms
# Of truth.tsv: JSON's columns, behind source and destination.
TEXTS = {"country_iso": "CountryCode", "continent": "ContinentCode", "city_en": "City",
         "subdiv1_iso": "Subdivision", "time_zone": "TimeZone", "as_org": "AsOrganization"}  # fmt: skip
REALS = {"latitude": "Latitude", "longitude": "Longitude"}
SYSTEMS = {"source": "bgpSourceAsNumber", "destination": "bgpDestinationAsNumber"}
SPECIAL = {"10.1.2.3": "private", "192.0.2.7": "documentation", "100.64.0.9": "cgnat",
           "169.254.1.1": "link-local", "224.0.0.5": "multicast", "127.0.0.1": "loopback",
           "2001:db8::5": "documentation", "fd00::1": "private", "fe80::1": "link-local",
           "ff02::5": "multicast"}  # fmt: skip
# An IPv4 address inside: the same as of that.
INSIDE = {"2002:5102:45a0::1": "6to4", "64:ff9b::5102:45a0": "nat64",
          "2001:0:1:2:3:4:aefd:ba5f": "teredo"}  # fmt: skip
WITHIN = "81.2.69.160"
# In the order to find them, and what the templates go by.
FLOWS = 40


class Wrong(Exception):
    pass


def expect(what, found, wanted):
    if found != wanted:
        raise Wrong(f"{what}: {found!r}, not {wanted!r}")


def plain(address):
    """One of the ways to write it; truth has IPv4 addresses as ::/96, as they lie in the tree."""
    number = int(ipaddress.ip_address(address))
    if 0xffff < number <= 0xffffffff:
        return str(ipaddress.IPv4Address(number))
    return str(ipaddress.ip_address(address))


def truth(folder):
    """{database: {address: row}}, without what is not in it."""
    found = {}
    with gzip.open(os.path.join(folder, "truth.tsv.gz"), "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            found.setdefault(row["db"], {})[plain(row["ip"])] = row
    return found


def addresses(known):
    """Those with a city, and those with a wide AS number, some of either IP version."""
    cities = [one for one, row in known[CITY].items() if row["city_en"]]
    systems = [one for one, row in known[ISP].items() if row["asn"] and "." in one]
    wide = [one for one in systems if int(known[ISP][one]["asn"]) > 0xffff]
    ipv6 = [one for one in known[ISP] if ":" in one and not one.startswith("::")]
    return (cities[: FLOWS // 2] + systems[:FLOWS] + wide[:FLOWS] + ipv6[:FLOWS] + [WITHIN, "1.128.0.0"]
            + list(SPECIAL) + list(INSIDE))  # fmt: skip


def make_capture(path, known):
    """Each IP version's addresses, every one with the next."""
    packets = []
    for version in (4, 6):
        ends = [one for one in addresses(known) if ipaddress.ip_address(one).version == version]
        for number, (client, server) in enumerate(zip(ends, ends[1:])):
            talk = make_pcap.Talk(client, server, cport=10000 + number)
            packets += [talk.udp(len(packets) * 1000), talk.udp(len(packets) * 1000 + 500, back=True)]
    capture.write(path, packets)


def told_of(known, address):
    """What both databases say of it: {JSON's column without the end: value}."""
    inside = WITHIN if address in INSIDE else address
    told = {"AddressClass": SPECIAL.get(address) or INSIDE.get(address) or None}
    for row in (known[CITY].get(inside), known[ISP].get(inside)):
        for column, name in TEXTS.items():
            if row and row[column]:
                told[name] = row[column]
        for column, name in REALS.items():
            if row and row[column]:
                told[name] = float(row[column])
        if row and row["asn"]:
            told["AS"] = int(row["asn"])
    return told


def compare_end(known, line, end):
    version = 4 if "sourceIPv4Address" in line else 6
    address = plain(line[f"{end}IPv{version}Address"])
    told = told_of(known, address)
    where = f"{end} {address}"
    for name in TEXTS.values():
        if name != "AsOrganization" or name in told:
            expect(f"{where}: {name}", line.get(end + name), told.get(name))
    for name in REALS.values():
        found = line.get(end + name)
        expect(f"{where}: {name}", found is None, name not in told)
        if name in told and abs(found - told[name]) > 1e-6:
            raise Wrong(f"{where}: {name}: {found}, not {told[name]}")
    expect(f"{where}: AS", line.get(SYSTEMS[end]), told.get("AS"))
    if told["AddressClass"]:
        expect(f"{where}: class", line.get(end + "AddressClass"), told["AddressClass"])
    return len(told) - 1


def run(weir, *words):
    return subprocess.run([weir, *words], check=True, capture_output=True, text=True).stdout


class Case:
    def __init__(self, weir, data, folder):
        self.weir, self.data, self.folder = weir, data, folder
        self.known = truth(data)
        # truth.tsv is by database: an address of one may be in the other all the same.
        self.databases = [word for name in (CITY, ISP)
                          for word in ("--geo", os.path.join(data, name + ".mmdb"))]
        self.capture = os.path.join(folder, "capture.pcap")
        self.complete()
        make_capture(self.capture, self.known)

    def complete(self):
        """What each database says of the other's addresses: by itself, which the unit test proves."""
        for name, other in ((CITY, ISP), (ISP, CITY)):
            missing = [one for one in addresses(self.known)
                       if one not in self.known[name] and one not in SPECIAL and one not in INSIDE]
            for line in run(self.weir, "geo", "lookup", "--json", "--geo",
                            os.path.join(self.data, name + ".mmdb"), *missing).splitlines():
                told = json.loads(line)
                self.known[name][plain(told["address"])] = {
                    "country_iso": told.get("countryCode", ""),
                    "continent": told.get("continentCode", ""), "city_en": told.get("city", ""),
                    "subdiv1_iso": told.get("subdivision", ""),
                    "time_zone": told.get("timeZone", ""),
                    "as_org": told.get("asOrganization", ""),
                    "latitude": told.get("latitude", ""), "longitude": told.get("longitude", ""),
                    "asn": told.get("asNumber", "")}  # fmt: skip

    def replay(self, template, *forms):
        """Files of these forms, by name, and the lines of JSON."""
        paths = {form: os.path.join(self.folder, f"{template}.{form}") for form in (*forms, "json")}
        to = [word for form, path in paths.items() for word in ("--to", f"{form}+file:{path}")]
        run(self.weir, "replay", "-q", "--template", template, *self.databases, *to, self.capture)
        with open(paths["json"], encoding="utf-8") as file:
            return paths, [json.loads(line) for line in file]

    def ipfix(self, template):
        paths, lines = self.replay(template, "ipfix")
        told = sum(compare_end(self.known, line, end) for line in lines for end in SYSTEMS)
        expect("values told are many", told > 500, True)
        complaint = readback.readback(paths["ipfix"], paths["json"])
        print(f"{template}: {complaint}")
        self.options(paths["ipfix"])

    def options(self, path):
        """Type and time of both databases."""
        with open(path, "rb") as file:
            result = ipfix_check.check(file.read(), ipfix_check.load_elements())
        expect("IPFIX", result.problems, [])
        told = {record["geoDatabaseType"]: record["geoDatabaseBuildTime"]
                for record in result.options if "geoDatabaseType" in record}  # fmt: skip
        expect("databases told", sorted(told), ["GeoIP2-City", "GeoIP2-ISP"])
        for built in told.values():
            expect("a time", built > BUILT * 10**6, True)

    def netflow(self, form, template):
        paths, lines = self.replay(template, form)
        if form == "netflow5":
            lines = [line for line in lines if "sourceIPv4Address" in line]
        with open(paths[form], "rb") as file:
            result = netflow_readback.compare(form, file.read(), lines)
        if template != "geo":  # tshark has no names for our own numbers
            netflow_readback.compare_tshark(form, [result])
        if template in ("v9", "v5"):
            numbers = {line.get(name, 0) for line in lines for name in SYSTEMS.values()}
            expect("an AS number is wide", max(numbers) > 0xffff, True)

    def ntop(self):
        """tshark knows these by name."""
        paths, lines = self.replay("ntop", "ipfix")
        names = {"SRC_IP_COUNTRY": "sourceCountryCode", "DST_IP_CITY": "destinationCity",
                 "SRC_AS_MAP": "sourceAsOrganization"}  # fmt: skip
        fields = [word for name in names for word in ("-e", f"cflow.pie.ntop.{name.lower()}")]
        shown = subprocess.run(["tshark", "-r", paths["ipfix"], "-T", "fields", "-E",
                                "occurrence=a", "-E", "aggregator=|", *fields],
                               check=True, capture_output=True, text=True).stdout  # fmt: skip
        for number, (name, ours) in enumerate(names.items()):
            found = [word for line in shown.splitlines()
                     for word in (line.split("\t") + [""] * 3)[number].split("|") if word]
            # It shows what is not ASCII octet by octet.
            wanted = [line[ours].encode().decode("ascii", "replace")
                      for line in lines if ours in line]  # fmt: skip
            expect(f"ntop: {name}", found, wanted)
        with open(paths["ipfix"], "rb") as file:
            result = ipfix_check.check(file.read(), ipfix_check.load_elements())
        expect("ntop", result.problems, [])
        for record, line in zip(result.records, lines):
            latitude = line.get("sourceLatitude")
            expect("SRC_IP_LAT", record["SRC_IP_LAT"].rstrip("\0"),
                   "" if latitude is None else f"{latitude:.5f}")

    def lookup(self):
        told = json.loads(run(self.weir, "geo", "lookup", "--json", *self.databases, WITHIN))
        expect("city", (told["city"], told["countryCode"], told["network"]),
               ("London", "GB", "81.2.69.160/29"))
        text = run(self.weir, "geo", "lookup", *self.databases, WITHIN, "10.0.0.1")
        for line in ("81.2.69.160", "  city               London", "10.0.0.1",
                     "  addressClass       private"):
            expect(line, line in text.splitlines(), True)
        wrong = subprocess.run([self.weir, "geo", "lookup", "no.address"], check=False,
                               capture_output=True, text=True)
        expect("no address", (wrong.returncode, wrong.stdout), (2, ""))

    def account(self):
        stats = os.path.join(self.folder, "stats")
        run(self.weir, "replay", "-q", "--template", "geo", *self.databases, "--json-stats", stats,
            "--to", f"json+file:{self.folder}/x", self.capture)
        with open(stats, encoding="utf-8") as file:
            told = json.load(file)
        expect("lookups", told["geo"]["lookups"], 2 * told["exported"]["flows"])
        expect("hits", 0 < told["geo"]["hits"] < told["geo"]["lookups"], True)
        expect("balanced", told["balanced"], True)

    def config(self):
        """The same databases by a configuration file; a damaged one is refused in a line."""
        stats, path = os.path.join(self.folder, "stats"), os.path.join(self.folder, "weir.conf")
        lines, wanted = os.path.join(self.folder, "y"), os.path.join(self.folder, "geo.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"[geo]\ngeo = {';'.join(self.databases[1::2])}\n")
        run(self.weir, "replay", "-q", "-c", path, "--template", "geo", "--json-stats", stats,
            "--to", f"json+file:{lines}", self.capture)
        with open(lines, encoding="utf-8") as one, open(wanted, encoding="utf-8") as other:
            expect("by configuration", one.read(), other.read())
        damaged = os.path.join(self.data, "damaged", "unexpected-bytes.mmdb")
        refused = subprocess.run([self.weir, "replay", "-q", "--geo", damaged, "--to",
                                  f"json+file:{lines}", self.capture],
                                 check=False, capture_output=True, text=True)  # fmt: skip
        expect("a damaged one", (refused.returncode, refused.stderr.count("\n")), (1, 1))
        expect("what it says", refused.stderr.startswith(f"weir: {damaged}: damaged: "), True)

    def off(self):
        """Nothing is asked, and nothing told; a template without places opens nothing."""
        path = os.path.join(self.folder, "off")
        run(self.weir, "replay", "-q", "--geo", "off", "--template", "geo", "--to",
            f"json+file:{path}", self.capture)
        with open(path, encoding="utf-8") as file:
            expect("off", "AddressClass" in file.read(), False)


def main():
    weir, data = sys.argv[1:]
    if shutil.which("tshark") is None or shutil.which("ipfixDump") is None:
        print("skipped: tshark or ipfixDump is not installed")
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        case = Case(weir, data, folder)
        try:
            case.lookup()
            case.ipfix("geo")
            case.ipfix("full")
            case.ntop()
            for form, template in (("netflow9", "geo"), ("netflow9", "v9"), ("netflow9", "ntop"),
                                   ("netflow5", "v5")):
                case.netflow(form, template)
            case.account()
            case.config()
            case.off()
        except (Wrong, readback.Difference, netflow_readback.Difference) as wrong:
            print(wrong)
            return 1
    print("the same to all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
