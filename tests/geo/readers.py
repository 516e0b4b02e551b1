# SPDX-License-Identifier: BSD-2-Clause
"""The built database as mmdblookup and python3-maxminddb read it: the same, at thousands of places.

readers.py WORLD
"""

import json
import os
import random
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from mmdb import Reader  # pylint: disable=wrong-import-position

LOOKED_UP = 200  # by mmdblookup: a process each
ASKED = 20000
SKIP = 77
# Both of its readers: the one in C over libmaxminddb, and the one in Python.
WORKER = """
import json, sys
import maxminddb
addresses = json.load(sys.stdin)
answers = []
for mode in (maxminddb.MODE_MMAP_EXT, maxminddb.MODE_MEMORY):
    reader = maxminddb.open_database(sys.argv[1], mode)
    metadata = reader.metadata()
    answers.append({
        "metadata": {name: getattr(metadata, name) for name in (
            "binary_format_major_version", "binary_format_minor_version", "build_epoch", "database_type",
            "description", "ip_version", "languages", "node_count", "record_size")},
        "values": [reader.get(address) for address in addresses]})
json.dump(answers, sys.stdout)
"""


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIP)


def addresses(count):
    draw = random.Random(1)
    for _ in range(count // 2):
        yield ".".join(str(draw.randrange(256)) for _ in range(4))
    for _ in range(count // 4):
        yield "2a" + ":".join(f"{draw.randrange(65536):04x}"[2 * (n == 0):] for n in range(8))
    for _ in range(count // 8):
        yield "2001:" + ":".join(f"{draw.randrange(4096):x}" for _ in range(7))
    for _ in range(count // 8):
        yield f"2002:{draw.randrange(65536):x}:{draw.randrange(65536):x}::1"


def mmdblookup(world, address):
    run = subprocess.run(["mmdblookup", "--file", world, "--ip", address], capture_output=True, text=True,
                         check=False)
    if "Could not find an entry" in run.stderr:
        return None
    assert run.returncode == 0, run.stderr
    # It does not escape quotes within a text.
    text = re.sub(r'"(.*)" <utf8_string>', lambda text: json.dumps(text[1]) + ",", run.stdout)
    text = re.sub(r" <(uint32|double)>", ",", text)
    text = re.sub(r"}(?=\s*\S)", "},", text)
    return json.loads(re.sub(r",(?=\s*(}|$))", "", text))


def main(world):
    wanted = list(addresses(ASKED))
    ours = Reader(world)
    said = [ours.get(address) for address in wanted]
    known = sum(value is not None for value in said)
    worker = subprocess.run(["/usr/bin/python3", "-c", WORKER, world], input=json.dumps(wanted),
                            capture_output=True, text=True, check=True)
    for answer in json.loads(worker.stdout):
        assert answer["metadata"] == ours.metadata, (answer["metadata"], ours.metadata)
        for address, value, other in zip(wanted, said, answer["values"]):
            assert value == other, (address, value, other)
    for place in range(0, ASKED, ASKED // LOOKED_UP):
        value = mmdblookup(world, wanted[place])
        assert value == said[place], (wanted[place], value, said[place])
    print(f"{ASKED} addresses, {known} known: no two readers differ")
    assert known > ASKED // 4, known


if __name__ == "__main__":
    if not os.path.exists(sys.argv[1]):
        skip("the world is not built here")
    if not shutil.which("mmdblookup"):
        skip("mmdblookup is not installed (mmdb-bin)")
    if subprocess.run(["/usr/bin/python3", "-c", "import maxminddb"], capture_output=True,
                      check=False).returncode:
        skip("python3-maxminddb is not installed")
    main(sys.argv[1])
