# SPDX-License-Identifier: BSD-2-Clause
"""Every file says its licence in its first lines. Formats without comments, and data, cannot."""

import re

from tree import main

DUAL = "(GPL-2.0-only OR BSD-2-Clause)"
SILENT = re.compile(r"\.json$|^LICENSES/|^tests/data/|/(seeds|expected)/")
TAG = re.compile(r"SPDX-License-Identifier: (.+?)\s*(?:\*/|-->)?\s*$", re.MULTILINE)


def check(tree):
    complaints = []
    for path, text in tree.select():
        if SILENT.search(path):
            continue
        found = TAG.search("\n".join(text.splitlines()[:5]))
        wanted = DUAL if path.startswith("bpf/") and path.endswith((".c", ".h", ".def")) else "BSD-2-Clause"
        if not found:
            complaints.append(f"{path}:1: no SPDX-License-Identifier in the first five lines")
        elif found[1] != wanted:
            complaints.append(f"{path}:1: licence is {found[1]}, here it is {wanted}")
    return complaints


if __name__ == "__main__":
    main(check)
