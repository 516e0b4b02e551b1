#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""replay_readback.py WEIR TEMPLATE CAPTURE...: captures replayed into both forms and read back; and
replayed again into the same octets."""

import os
import subprocess
import sys
import tempfile

READBACK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "readback.py")


def replay(weir, capture, template, *urls):
    to = [word for url in urls for word in ("--to", url)]
    subprocess.run([weir, "replay", capture, "--template", template, *to], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def read(path):
    with open(path, "rb") as stream:
        return stream.read()


def main():
    weir, template, *captures = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        ipfix, lines, again = (os.path.join(folder, name)
                               for name in ("flows.ipfix", "flows.json", "again.ipfix"))
        for capture in captures:
            replay(weir, capture, template, f"ipfix+file:{ipfix}", f"json+file:{lines}")
            print(os.path.basename(capture), end=": ", flush=True)
            status = subprocess.run([sys.executable, READBACK, ipfix, lines],
                                    check=False).returncode
            if status:
                return status
            replay(weir, capture, template, f"ipfix+file:{again}")
            if read(again) != read(ipfix):
                print("a second replay gives other octets")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
