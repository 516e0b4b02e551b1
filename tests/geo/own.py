# SPDX-License-Identifier: BSD-2-Clause
"""weir geo build over small inputs: what it joins, whose word counts, a user's own ranges, errors.

own.py WEIR
"""

import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from mmdb import Reader  # pylint: disable=wrong-import-position

WEIR = ""  # set from the command line
DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")
INPUTS = ["--country", os.path.join(DATA, "countries4"), "--country", os.path.join(DATA, "countries6"),
          "--location", os.path.join(DATA, "networks")]
EPOCH = "1700000000"
# ISO 3166-1 alpha-2, all of it.
ISO_3166 = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ "
    "BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM "
    "DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS "
    "GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN "
    "KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ "
    "MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM "
    "PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV "
    "SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI "
    "VN VU WF WS YE YT ZA ZM ZW ").split()


class Build(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.output = self.path("out.mmdb")

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        with open(self.path(name), "wb") as to:
            to.write(content if isinstance(content, bytes) else content.encode())
        return self.path(name)

    def run_build(self, *arguments, stdin=b"", **environment):
        return subprocess.run([WEIR, "geo", "build", "--output", self.output, *arguments], input=stdin,
                              capture_output=True, timeout=120, cwd=self.folder, check=False,
                              env=dict(os.environ, LC_ALL="C", SOURCE_DATE_EPOCH=EPOCH, **environment))

    def build(self, *arguments, **more):
        run = self.run_build(*arguments, **more)
        self.assertEqual((run.returncode, run.stdout), (0, b""), run.stderr)
        return Reader(self.output)

    def own(self, text):
        return self.build("--only-csv", "--csv", self.write("own.csv", text))

    def fails(self, arguments, *words, status=1, **more):
        """One line that has the words; nothing is written."""
        run = self.run_build(*arguments, **more)
        errors = run.stderr.decode()
        self.assertEqual(run.returncode, status, errors)
        self.assertEqual(run.stdout, b"")
        self.assertTrue(errors.startswith("weir: "), errors)
        self.assertEqual(errors.count("\n"), 1, errors)
        for word in words:
            self.assertIn(word, errors)
        self.assertNotIn("out.mmdb", os.listdir(self.folder))


def place(country, continent, number=None, name=None):
    said = {"autonomous_system_number": number, "autonomous_system_organization": name,
            "continent": continent and {"code": continent}, "country": country and {"iso_code": country}}
    return {key: value for key, value in said.items() if value is not None}


class World(Build):
    POSTES = (64500, "Ministère des Postes")

    def check(self, reader, wanted):
        for address, said in wanted.items():
            self.assertEqual(reader.get(address), said, address)

    def test_sources_are_joined(self):
        self.check(self.build(*INPUTS), {
            "0.255.255.255": None,
            "1.0.0.0": place("AU", "OC", 64501, "EXAMPLE-INNER"),
            "1.0.0.255": place("AU", "OC", 64501, "EXAMPLE-INNER"),
            "1.0.1.0": place("CN", "AS", *self.POSTES),
            "1.0.2.0": place("CN", "AS"),
            "1.0.3.255": place("CN", "AS", *self.POSTES),
            "1.0.4.0": place("NZ", "OC", *self.POSTES),
            "1.255.255.255": place("NZ", "OC", *self.POSTES),
            "2.0.0.0": None,
            "192.0.2.0": place("DE", "EU", 4294967295),
            "192.0.3.10": place("UK", "EU"),
            "192.0.3.11": None,
            "2001:db8::": place("EU", "EU", *self.POSTES),
            "2001:db8:1::": place("CH", "EU", *self.POSTES),
            "2001:db9::": None,
            "2a00::5": place("XK", "EU"),
            "2a00::6": None,
        })

    def test_a_country_not_known_to_one_source_is_taken_from_the_other(self):
        self.check(self.build(*INPUTS), {"10.0.0.0": place("FR", "EU", 64502)})

    def test_ipv4_is_found_by_every_way_to_write_it(self):
        self.check(self.build(*INPUTS), dict.fromkeys(
            ["::1.0.0.1", "::ffff:1.0.0.1", "64:ff9b::1.0.0.1", "2002:100:1::", "2002:100:1:ffff::1"],
            place("AU", "OC", 64501, "EXAMPLE-INNER")))

    def test_the_fresher_source_has_the_word_on_countries(self):
        with open(os.path.join(DATA, "networks"), encoding="utf-8") as file:
            text = file.read().replace("Oct 2022", "Oct 2027")
        reader = self.build(*INPUTS[:4], "--location", self.write("fresh", text))
        self.check(reader, {
            "1.0.0.0": place("NZ", "OC", 64501, "EXAMPLE-INNER"),
            "192.0.2.0": place("DE", "EU", 4294967295),
            "2001:db8::": place("CH", "EU", *self.POSTES),
        })
        self.assertIn("networks of 2027-10-29", reader.metadata["description"]["en"])

    def test_the_metadata_tells_what_it_is_and_whose(self):
        metadata = self.build(*INPUTS).metadata
        description = metadata.pop("description")["en"]
        for word in ["CC BY-SA 4.0", "IPFire", "https://location.ipfire.org/", "2026-06-25", "2022-10-29"]:
            self.assertIn(word, description)
        self.assertGreater(metadata.pop("node_count"), 100)
        self.assertEqual(metadata, {
            "binary_format_major_version": 2, "binary_format_minor_version": 0,
            "build_epoch": int(EPOCH), "database_type": "weir-Country-ASN", "ip_version": 6,
            "languages": ["en"], "record_size": 24})

    def test_the_same_inputs_give_the_same_file(self):
        files = []
        for _ in range(2):
            self.build(*INPUTS)
            with open(self.output, "rb") as file:
                files.append(file.read())
        self.assertEqual(*files)

    def test_time_and_memory_are_told(self):
        run = self.run_build(*INPUTS)
        self.assertRegex(run.stderr.decode(),
                         r"^weir: \S+/out\.mmdb: \d+\.\d MB, \d+ nodes; took \d+\.\d s and \d+ MB of memory\n$")
        self.assertEqual(self.run_build(*INPUTS, "--quiet").stderr, b"")

    def test_networks_may_come_from_standard_input(self):
        with open(os.path.join(DATA, "networks"), "rb") as file:
            reader = self.build(*INPUTS[:4], "--location", "-", stdin=file.read())
        self.assertEqual(reader.get("1.0.0.1")["autonomous_system_number"], 64501)

    def with_location(self, script):
        """As on a host whose `location` does this."""
        path = self.write("location", "#!/bin/sh\n" + script)
        os.chmod(path, 0o755)
        return {"PATH": self.folder + ":/usr/bin:/bin"}

    def test_location_is_run(self):
        networks = os.path.join(DATA, "networks")
        reader = self.build(*INPUTS[:4], **self.with_location(f'[ "$*" = dump ] && exec cat {networks}'))
        self.assertEqual(reader.get("1.0.4.0"), place("NZ", "OC", *self.POSTES))

    def test_a_location_without_a_database_is_said(self):
        self.fails(INPUTS[:4], "location dump", "libloc-database",
                   **self.with_location("echo 'location: Could not open database' >&2; exit 1"))

    def test_a_location_that_dies_half_way_is_said(self):
        self.fails(INPUTS[:4], "location dump", **self.with_location(f"cat {DATA}/networks; kill -9 $$"))

    def test_a_host_without_location_is_told_what_to_install(self):
        self.fails(INPUTS[:4], "location", "install the packages location and libloc-database",
                   PATH=self.folder)

    def test_missing_countries_are_named_with_their_package(self):
        self.fails(["--country", "nowhere", *INPUTS[4:]], "nowhere: No such file", "tor-geoipdb")

    def test_damaged_inputs_are_named_with_their_line(self):
        cases = {"1,2\n": "x:1: ", "# c\n\n1,2,DE\n3,2,DE\n": "x:4: ", "1,2,Germany\n": "x:1: ",
                 "1,4294967296,DE\n": "x:1: ", "::,1.2.3.4,DE\n": "x:1: ", "": "x:1: ends without",
                 "1,2,de\n": "x:1: ", "a" * 70000: "x:1: is longer than"}
        for text, words in cases.items():
            self.fails(["--country", self.write("x", text), *INPUTS[4:]], words)
        cases = {"net: 1.0.0.0/33\n": "y:1: '1.0.0.0/33' is not a network",
                 "net: 1.0.0.0/8\ncountry: Germany\n": "y:2: 'Germany' is not a country",
                 "\nnet: 1.0.0.0/8\naut-num: x\n": "y:3: 'x' is not the number",
                 "hello\n": "y:1: is not KEY: VALUE", "# nothing\n": "y:1: ends without a network"}
        for text, words in cases.items():
            self.fails([*INPUTS[:4], "--location", self.write("y", text)], words, "location dump")

    def test_a_build_that_fails_leaves_the_old_database(self):
        self.build(*INPUTS)
        run = self.run_build(*INPUTS[:4], "--location", self.write("y", "net: x\n"))
        self.assertEqual(run.returncode, 1)
        self.assertEqual(Reader(self.output).get("1.0.0.1")["autonomous_system_number"], 64501)
        self.assertEqual(sorted(os.listdir(self.folder)), ["out.mmdb", "y"])

    def test_a_full_disk_is_said_and_leaves_nothing(self):
        run = subprocess.run(["sh", "-c", 'ulimit -f 1; trap "" XFSZ; exec "$@"', "sh", WEIR, "geo", "build",
                              "--output", self.output, *INPUTS], capture_output=True, check=False)
        self.assertEqual(run.returncode, 1, run.stderr)
        self.assertIn(b"out.mmdb: ", run.stderr)
        self.assertEqual(os.listdir(self.folder), [])

    def test_devices_and_folders_are_left_alone(self):
        for output in ["/dev/null", self.folder]:
            self.output = output
            self.fails(INPUTS, "is not a regular file", status=2)
        self.assertFalse(os.path.isfile("/dev/null"))

    def test_a_link_stays_one(self):
        os.mkdir(self.path("there"))
        os.symlink("there/real.mmdb", self.path("link.mmdb"))
        self.write("there/real.mmdb", "old")
        self.output = self.path("link.mmdb")
        self.build(*INPUTS)
        self.assertTrue(os.path.islink(self.output))
        self.assertEqual(os.listdir(self.path("there")), ["real.mmdb"])

    def test_a_bad_epoch_is_wrong_usage(self):
        run = subprocess.run([WEIR, "geo", "build", "-o", self.output, *INPUTS], capture_output=True,
                             env=dict(os.environ, SOURCE_DATE_EPOCH="today"), check=False)
        self.assertEqual(run.returncode, 2)
        self.assertIn(b"SOURCE_DATE_EPOCH: 'today'", run.stderr)


class Own(Build):
    def test_every_country_is_on_a_continent(self):
        reader = self.own("network,country\n" + "".join(
            f"10.0.{number}.0/24,{code}\n" for number, code in enumerate(ISO_3166 + ["ZZ"])))
        found = {code: reader.get(f"10.0.{number}.1")["continent"]["code"]
                 for number, code in enumerate(ISO_3166)}
        for country, continent in {"AQ": "AN", "BR": "SA", "CY": "EU", "EG": "AF", "FJ": "OC", "GL": "NA",
                                   "RU": "EU", "TR": "AS"}.items():
            self.assertEqual(found[country], continent, country)
        self.assertEqual(reader.get(f"10.0.{len(ISO_3166)}.1"), place("ZZ", None))

    def test_own_ranges_override_what_they_say_and_nothing_else(self):
        csv = self.write("own.csv", "network,label,as_number,country\n"
                         "1.0.0.0/25,Head office,64510,\n1.0.4.0/24,Lab,,de\n172.16.0.0/12,VPN,,\n"
                         "2001:db8:5::/48,Six,0,\n")
        reader = self.build(*INPUTS, "--csv", csv)
        self.assertEqual(reader.get("1.0.0.1"), {**place("AU", "OC", 64510), "weir": {"label": "Head office"}})
        self.assertEqual(reader.get("1.0.0.128"), place("AU", "OC", 64501, "EXAMPLE-INNER"))
        self.assertEqual(reader.get("1.0.4.9"), {**place("DE", "EU", *World.POSTES), "weir": {"label": "Lab"}})
        self.assertEqual(reader.get("172.16.0.1"), {"weir": {"label": "VPN"}})
        self.assertEqual(reader.get("2001:db8:5::1"), {**place("CH", "EU"), "weir": {"label": "Six"}})
        self.assertIn("own ranges", reader.metadata["description"]["en"])

    def test_the_name_of_an_as_that_is_known_comes_with_its_number(self):
        reader = self.build(*INPUTS, "--csv", self.write("own.csv", "network,asn\n10.1.0.0/16,AS64501\n"))
        self.assertEqual(reader.get("10.1.2.3"), place(None, None, 64501, "EXAMPLE-INNER"))

    def test_every_column_has_its_place(self):
        reader = self.own("first,last,label,site,as_number,as_name,country,city,latitude,longitude\n"
                          "10.0.0.10,10.0.0.20,Tills,Jena,as64500,\"Us, Inc. \"\"North\"\"\",DE,Jena,50.93,-11.5\n")
        said = {"autonomous_system_number": 64500, "autonomous_system_organization": 'Us, Inc. "North"',
                "city": {"names": {"en": "Jena"}}, "continent": {"code": "EU"},
                "country": {"iso_code": "DE"}, "location": {"latitude": 50.93, "longitude": -11.5},
                "weir": {"label": "Tills", "site": "Jena"}}
        for address, wanted in {"10.0.0.9": None, "10.0.0.10": said, "10.0.0.20": said,
                                "10.0.0.21": None}.items():
            self.assertEqual(reader.get(address), wanted, address)
        self.assertEqual(reader.metadata["database_type"], "weir-Own")
        self.assertNotIn("CC BY-SA", reader.metadata["description"]["en"])

    def test_later_lines_and_files_have_the_last_word(self):
        one = self.write("1.csv", "network,label,site\n10.0.0.0/8,A,a\n10.1.0.0/16,B,\n")
        two = self.write("2.csv", "label,network\nC,10.1.1.1\n")
        reader = self.build("--only-csv", "--csv", one, "--csv", two)
        self.assertEqual(reader.get("10.0.0.1"), {"weir": {"label": "A", "site": "a"}})
        self.assertEqual(reader.get("10.1.0.1"), {"weir": {"label": "B", "site": "a"}})
        self.assertEqual(reader.get("10.1.1.1"), {"weir": {"label": "C", "site": "a"}})

    def test_files_as_other_programs_write_them_are_read(self):
        for text in ["\ufeffNetwork,Label,AS Number\r\n10.0.0.0/8,Büro,64500\r\n",
                     "network;label;asn\n\n# ours\n10.0.0.0/8;Büro;64500\n",
                     "cidr\tlabel\tas-number\n10.0.0.0/8\t Büro \tAS64500",
                     '"network","label","asn"\n"10.0.0.0/8","Büro","64500"\n']:
            self.assertEqual(self.own(text).get("10.9.9.9"),
                             {"autonomous_system_number": 64500, "weir": {"label": "Büro"}}, text)

    def test_a_line_that_says_nothing_changes_nothing(self):
        self.assertIsNone(self.own("network,label\n10.0.0.0/8,\n").get("10.0.0.1"))
        self.assertIsNone(self.own("network,asn\n10.0.0.0/8,0\n").get("10.0.0.1"))

    def test_no_ranges_at_all_make_an_empty_database(self):
        reader = self.own("network,label\n")
        self.assertIsNone(reader.get("10.0.0.1"))
        self.assertEqual(reader.nodes, 1)

    def test_many_ranges_are_written_as_they_are(self):
        """Random ones against a list of which the last that has the address is right."""
        state = 1
        rows = []
        for _ in range(400):
            state = state * 6364136223846793005 + 1442695040888963407 & 2**64 - 1
            first = state >> 40 & 0xfff
            last = min(first + (state >> 30 & 0x3ff), 0xfff)
            rows.append((first, last, f"r{state >> 60}"))
        text = "first,last,label\n" + "".join(
            f"10.0.{a >> 8}.{a & 255},10.0.{b >> 8}.{b & 255},{label}\n" for a, b, label in rows)
        reader = self.own(text)
        for address in range(0x1000):
            wanted = [label for a, b, label in rows if a <= address <= b][-1:]
            said = reader.get(f"10.0.{address >> 8}.{address & 255}")
            self.assertEqual([said["weir"]["label"]] if said else [], wanted, address)

    def test_errors_name_file_line_and_column(self):
        cases = {
            "": "own.csv:1: has no first line",
            "\n# nothing\n": "own.csv:2: has no first line",
            "label\nx\n": "own.csv:1:1: name the columns of a network",
            "network\n10.0.0.0/8\n": "own.csv:1:1: name the columns",
            "first,label\n": "own.csv:1:1: name the columns",
            "network,first,last,label\n": "own.csv:1:1: name the columns",
            "network,lable\n": "own.csv:1:9: there is no column 'lable'; did you mean 'label'?",
            "network,weather\n": "own.csv:1:9: there is no column 'weather'; there are: label site",
            "network,label,label\n": "own.csv:1:15: this column is there already",
            "network,label\n10.0.0.1/8,x\n": "own.csv:2:1: '10.0.0.1/8' is not a network",
            "label,network\nx,10.0.0.0/33\n": "own.csv:2:3: '10.0.0.0/33' is not a network",
            "label,network\nBüro,10\n": "own.csv:2:6: '10' is not a network",
            "label,network\n\"B\"\"x\",10\n": "own.csv:2:8: '10' is not a network",
            "label,network\nx,\n": "own.csv:2:3: '' is not a network",
            "network,label\n2002:a00::/24,x\n": "own.csv:2:1: '2002:a00::/24' holds addresses of IPv4",
            "first,last,label\n10.0.0.2,10.0.0.1,x\n": "own.csv:2:1: '10.0.0.2' is no range",
            "first,last,label\n10.0.0.2,::1,x\n": "own.csv:2:1: '10.0.0.2' is no range",
            "network,asn\n10.0.0.0/8,ASX\n": "own.csv:2:12: 'ASX' is not right as as_number; give its number",
            "network,asn\n10.0.0.0/8,4294967296\n": "own.csv:2:12: '4294967296'",
            "network,country\n10.0.0.0/8,Germany\n": "own.csv:2:12: 'Germany' is not right as country",
            "network,latitude,longitude\n10.0.0.0/8,91,0\n": "own.csv:2:12: '91' is not right as latitude",
            "network,latitude,longitude\n10.0.0.0/8,9,181\n": "own.csv:2:14: '181' is not right as longitude",
            "network,latitude,longitude\n10.0.0.0/8,nan,1\n": "own.csv:2:12: 'nan'",
            "network,latitude,longitude\n10.0.0.0/8,9,\n": "own.csv:2:12: latitude and longitude go together",
            "network,label\n10.0.0.0/8,x,y\n": "own.csv:2:14: one cell more",
            "network,label,site\n10.0.0.0/8,x\n": "own.csv:2:12: the last cell",
            "network,label\n10.0.0.0/8,\"x\n": "own.csv:2:12: a quote is not closed",
            "network,label\n10.0.0.0/8,\"x\" y\n": "own.csv:2:12: a quote is not closed",
            "network,label\n10.0.0.0/8,a\x07b\n": "own.csv:2:12: 'a",
            "network,label\n10.0.0.0/8," + "x" * 256 + "\n": "own.csv:2:12: 'xxx",
            b"network,label\n10.0.0.0/8,B\xfcro\n": "own.csv:2:13: is not UTF-8 here",
            "network,label\n" + "x" * 70000: "own.csv:2: is longer than",
        }
        for text, words in cases.items():
            self.fails(["--only-csv", "--csv", self.write("own.csv", text)], words)

    def test_usage(self):
        self.fails(["--only-csv"], "--csv FILE", status=2)
        self.fails(["--only-csv", "--csv", "x", *INPUTS], "--only-csv contradicts", status=2)
        self.fails(["--only-csv", "--csv", "nowhere.csv"], "nowhere.csv: No such file")
        self.fails(["world.mmdb"], "'world.mmdb' is too much", status=2)
        run = subprocess.run([WEIR, "geo", "build", "--only-csv", "--csv", self.write("a", "network,label\n"),
                              "-o", "/nowhere/x"], capture_output=True, check=False)
        self.assertEqual(run.returncode, 1)
        self.assertTrue(re.match(rb"weir: /nowhere/x: No such file or directory; ", run.stderr), run.stderr)


if __name__ == "__main__":
    WEIR = os.path.abspath(sys.argv.pop(1))
    unittest.main()
