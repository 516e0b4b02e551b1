#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""made_readback.py MADE_FLOWS TEMPLATE: made flows, as many as fill several messages, none, and
one, written in both forms and read back."""

import os
import subprocess
import sys
import tempfile

READBACK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "readback.py")
COUNTS = (0, 1, 150)


def main():
    made_flows, template = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        for count in COUNTS:
            ipfix, lines = os.path.join(folder, "flows.ipfix"), os.path.join(folder, "flows.json")
            subprocess.run([made_flows, str(count), template, f"ipfix+file:{ipfix}",
                            f"json+file:{lines}"], check=True)
            status = subprocess.run([sys.executable, READBACK, ipfix, lines],
                                    check=False).returncode
            if status:
                return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
