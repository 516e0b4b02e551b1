# SPDX-License-Identifier: BSD-2-Clause
"""weir check tells everything that is wrong with a configuration file, in its order, at once."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

WEIR = ""  # set from the command line
# A line, and what is said of it; None: nothing.
FILE = [
    ("[meter]", None),
    ("idle-timout = 3s", "unknown key 'idle-timout'; did you mean 'idle-timeout'?"),
    ("active-timeout = 3 weeks", "active-timeout: '3 weeks' is not a duration; give 1ms to 1d"),
    ("max-flows = 0", "max-flows: '0' is out of range; give 1 to 1G"),
    ("this is nothing", "neither [section], key = value, nor # comment"),
    ("mirror = vxlan,frobnicate", "frobnicate: --mirror wants"),
    ("tunnel-ports = vxlan:0", "vxlan:0: a port is a number"),
    ("filter = tpc port 3", 'filter "tpc port 3"'),
    ("[live", "neither [section]"),
    ("hook = of no section that can be known", None),
    ("[live]", None),
    ("interface = eth1;eth1", "eth1: named twice"),
    ("instance = a/b", 'instance "a/b"'),
    ("drop = yes", "--drop: only XDP drops"),
    ("direction = both", None),
    ("direction = both", "'direction' stands on line 15 already"),
    ("user = nobody-of-this-name", "--user: there is no user 'nobody-of-this-name'"),
    ("[exprot]", "unknown section [exprot]; did you mean [export]?"),
    ("to = nobody knows", None),
    ("[zebra]", "unknown section [zebra]; there are [meter], [live], [export],"),
    ("[exporter nowhere]", "[exporter nowhere] does not say where to"),
    ("queue = 100000", None),
    ("[exporter noc]", None),
    ("to = ipfix+tcp://192.0.2.1", None),
    ("queu = 100000", "unknown key 'queu' in [exporter noc]; did you mean 'queue'?"),
    ("timeout = 0", "timeout= wants seconds from 1 to 3600"),
    ("domain = x", "domain= wants a number"),
    ("[exporter old]", None),
    ("to = netflow5+udp://192.0.2.1", 'destination "old": template full'),
    ("template = full", None),
    ("[export]", None),
    ("biflow = yes", "biflow and uniflow contradict each other"),
    ("uniflow = yes", None),
    ("template = nowhere.tpl", 'template "nowhere.tpl"'),
    ("[geo]", None),
    ("geo = nowhere.mmdb", "nowhere.mmdb: No such file"),
    ("[metrics]", None),
    ("metrics = 0.0.0.0:9481", "--metrics 0.0.0.0:9481"),
    ("metrics-cert = none.pem", "--metrics-cert none.pem: "),
    ("metrics-key = none.key", "--metrics-key none.key: No such file"),
    ("metrics-token-file = none.token", "--metrics-token-file none.token: No such file"),
]


class Check(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def check(self, text, name="weir.conf"):
        octets = text if isinstance(text, bytes) else text.encode()
        with open(os.path.join(self.folder, name), "wb") as file:
            file.write(octets)
        return self.check_file(name)

    def check_file(self, name, program=None, **options):
        run = subprocess.run([program or WEIR, "check", name], capture_output=True, text=True, timeout=120,
                             cwd=self.folder, check=False, **options)
        return run.returncode, run.stdout, run.stderr.splitlines()

    def test_every_fault_is_told_with_its_line(self):
        status, out, told = self.check("\n".join(line for line, _ in FILE))
        self.assertEqual((status, out), (1, ""))
        wanted = {number: what for number, (_, what) in enumerate(FILE, 1) if what}
        self.assertEqual(told.pop(), "weir: 1 of 1 configuration files cannot be used")
        found = [re.match(r"weir: weir\.conf:(\d+): (.*)", line).groups() for line in told]
        self.assertEqual([int(number) for number, _ in found], sorted(wanted), "\n".join(told))
        for number, what in found:
            self.assertIn(wanted[int(number)], what)

    def test_a_file_of_another_kind_is_not_told_line_by_line(self):
        for text in ("nothing\n" * 10000, "[meter]\n" + "".join(f"zebra{i} = 1\n" for i in range(10000))):
            status, _, told = self.check(text)
            self.assertEqual(status, 1)
            self.assertLess(len(told), 100)

    def test_of_a_file_without_fault_what_it_sets_is_told(self):
        status, out, told = self.check("[live]\ninterface = eth1 ; eth2\n[exporter noc]\n"
                                       "to = ipfix+tcp://192.0.2.1\nqueue = 100000\n")
        self.assertEqual((status, told), (0, []))
        self.assertEqual(out, "weir.conf: 2 settings, no fault\n  [live] interface = eth1;eth2\n"
                              "  [exporter noc] ipfix+tcp://192.0.2.1?queue=100000\n")

    def told(self, text):
        """The faults, each with its line, or the settings, as one text."""
        status, out, told = self.check(text)
        self.assertEqual(status, 1 if told else 0)
        return out + "\n".join(line.removeprefix("weir: weir.conf") for line in told[:-1])

    def test_what_editors_make_of_a_file(self):
        plain = "[live]\ninterface = eth1\n"
        wanted = "weir.conf: 1 setting, no fault\n  [live] interface = eth1\n"
        for text in (plain, plain.replace("\n", "\r\n"), "\ufeff" + plain, plain[:-1],
                     "\ufeff" + plain.replace("\n", "\r\n")):  # fmt: skip
            self.assertEqual(self.told(text), wanted, repr(text))
        self.assertEqual(self.told(plain.encode("utf-16")),
                         ":1: UTF-16 text; save the file as UTF-8")  # fmt: skip
        self.assertEqual(self.told(""), "weir.conf: 0 settings, no fault\n")

    def test_what_is_no_text_hides_nothing_else(self):
        self.assertEqual(
            self.told(b"[meter]\n# Z\xfcrich\nsample = 0\nfilter = t\0cp\nmax-flows = 0\n"
                      b"[li\xffve]\nhook = nothing\n[geo]\ngeo = none.mmdb\n").split("\n"),
            [":2: not UTF-8 text; is this a configuration file?",
             ":3: sample: '0' is out of range; give 1 to 1000000000",
             ":4: a NUL octet; is this a configuration file?",
             ":5: max-flows: '0' is out of range; give 1 to 1G",
             ":6: not UTF-8 text; is this a configuration file?",
             ":9: none.mmdb: No such file or directory; name a geolocation database that "
             "can be read"])  # fmt: skip
        with open(WEIR, "rb") as file:
            self.assertLess(len(self.told(file.read(100000)).split("\n")), 10)

    def test_pieces_of_a_section_are_one(self):
        self.assertIn("2 settings", self.told("[live]\nhook = xdp\n[meter]\n[live]\nring = 1M\n"))
        self.assertEqual(self.told("[live]\nhook = xdp\n[meter]\n[live]\nhook = tc\n"),
                         ":5: 'hook' stands on line 2 already; keep one (a list is written a;b)")
        self.assertEqual(self.told("[exporter a]\nto = json+file:-\n" * 2).split("\n")[0],
                         ":3: [exporter a] stands on line 1 already; give each a name of its own")

    def test_metrics_that_nobody_serves(self):
        keys = ("metrics-open = yes", "metrics-cert = a", "metrics-key = b", "metrics-token-file = c")
        told = self.told("[metrics]\n" + "\n".join(keys)).split("\n")
        self.assertEqual(told, [f":{line}: --{key.split()[0]}: nothing is served without --metrics; "
                                "give that as well, or leave this out"
                                for line, key in enumerate(keys, 2)])  # fmt: skip

    @unittest.skipUnless(shutil.which("openssl"), "no openssl")
    def test_certificates_and_their_keys(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=weir", "-days", "1",
                        "-keyout", "one.key", "-out", "one.pem"],
                       cwd=self.folder, check=True, capture_output=True)  # fmt: skip
        for name in ("one.key", "one.pem"):
            os.chmod(os.path.join(self.folder, name), 0o600)
        text = "[metrics]\nmetrics = 9481\nmetrics-cert = one.pem\nmetrics-key = one.key\n"
        self.assertIn("3 settings, no fault", self.told(text))
        self.assertIn(":4: --metrics-cert one.pem, --metrics-key one.pem: ",
                      self.told(text.replace("one.key", "one.pem")))  # fmt: skip
        os.chmod(os.path.join(self.folder, "one.pem"), 0o644)
        self.assertIn(":3: --metrics-cert: TLS takes a certificate and its key",
                      self.told(text.replace("metrics-key = one.key", "")))  # fmt: skip
        os.chmod(os.path.join(self.folder, "one.key"), 0o644)
        self.assertIn(":4: --metrics-key one.key: its mode is 0644", self.told(text))

    def test_what_is_no_file(self):
        os.mkdir(os.path.join(self.folder, "folder"))
        os.mkfifo(os.path.join(self.folder, "pipe"))
        with open(os.path.join(self.folder, "large"), "wb") as file:
            file.write(b"#" * 10_000_000)
        with open(os.path.join(self.folder, "secret"), "wb"):
            pass
        os.chmod(os.path.join(self.folder, "secret"), 0)
        cases = {"folder": "Is a directory", "pipe": "a pipe that nobody writes to",
                 "large": "larger than 262144 octets", "gone": "No such file or directory",
                 "/dev/zero": "larger than 262144 octets", "secret": "Permission denied"}  # fmt: skip
        for name, why in cases.items():
            status, out, told = self.check_file(name, **self.unprivileged(name))
            self.assertEqual((status, out, told[0]), (
                1, "", f"weir: {name}: {why}; name a configuration file that can be read"))  # fmt: skip

    def unprivileged(self, name):
        """Root may read whatever there is."""
        if name != "secret" or os.geteuid() != 0:
            return {}
        os.chmod(self.folder, 0o755)
        program = os.path.join(self.folder, "weir")
        shutil.copy(WEIR, program)
        return {"program": program, "user": 65534, "group": 65534, "extra_groups": []}

    def test_a_pipe_that_somebody_writes_to(self):
        path = os.path.join(self.folder, "pipe")
        os.mkfifo(path)
        process = subprocess.Popen([WEIR, "check", "/dev/stdin"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True)
        out, _ = process.communicate("[live]\nhook = xdp\n", timeout=120)
        self.assertEqual(out, "/dev/stdin: 1 setting, no fault\n  [live] hook = xdp\n")
        held = os.open(path, os.O_RDWR)
        with contextlib.closing(os.fdopen(held, "wb", buffering=0)):
            status, _, told = self.check_file("pipe")
        self.assertEqual((status, told[0]), (1, "weir: pipe: a pipe out of which nothing comes; "
                                             "name a configuration file that can be read"))  # fmt: skip

    def test_a_run_says_how_much_more_there_is(self):
        self.check("[meter]\nzebra = 1\nsample = 0\n")
        run = subprocess.run([WEIR, "replay", "-c", "weir.conf", "none.pcap"], capture_output=True,
                             text=True, cwd=self.folder, timeout=120, check=False)
        self.assertEqual(run.returncode, 2)
        self.assertIn("(and 1 more; 'weir check' tells them)", run.stderr)


if __name__ == "__main__":
    WEIR = os.path.abspath(sys.argv.pop(1))
    unittest.main()
