# SPDX-License-Identifier: BSD-2-Clause
"""Each style check finds what it is there to find, and nothing in a tree that is as it should be."""

import sys
import tempfile
import unittest
from pathlib import Path

import conformance
import headers
import include_rule
import layout
import licence
import scripts
import sizes
import words
from tree import Tree

OURS = "/* SPDX-License-Identifier: BSD-2-Clause */\n"
HASH = "# SPDX-License-Identifier: BSD-2-Clause\n"
DUAL = "/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */\n"
LIST = "tests/conformance/checklist.tsv"
PROOF = "a/x.py:test_all"
ROWS = "".join(f"{number}\tM\tit is so\t{PROOF}\t-\n" for number in range(1, 50))
PROVEN = ", ".join(str(number) for number in range(1, 50))
LATER = "50\tM\tit is so\t-\tlater: so\n"
HEAD = HASH + "number\tlevel\tdemand\tproof\tnote\n"
PROVES = HASH + f'def test_all():\n    """it is so [{PROVEN}]"""\n'
GOOD = {
    LIST: HEAD + ROWS + LATER,
    "tests/a/CMakeLists.txt": HASH + "add_test(x)\n",
    "tests/a/x.py": PROVES,
    ".clang-format": "# SPDX-License-Identifier: BSD-2-Clause\nBasedOnStyle: LLVM\n",
    "bpf/meter/types.h": DUAL + "#include <linux/types.h>\n",
    "bpf/meter/key.h": DUAL + '#include "types.h"\n',
    "src/base/error.h": OURS,
    "src/flow/flow.h": OURS + '#include "base/error.h"\n#include "meter/types.h"\n',
    "src/capture/table.h": OURS + '#include "meter/key.h"\n',
    "src/export/encoder.h": OURS + '#include "flow/flow.h"\n',
    "src/export/json.c": OURS + '#include "encoder.h"\n\nint copy(void) { return 0; }\n',
    "src/setup/pipeline.h": OURS + '#include "capture/table.h"\n#include "export/encoder.h"\n',
    "src/weir.c": OURS + '#include "setup/pipeline.h"\n',
    "tools/x": "#!/bin/sh\n# SPDX-License-Identifier: BSD-2-Clause\necho ${HOME}/root/x\n",
}
LONG_FUNCTION = "void f(void)\n{\n" + "\t;\n" * 58 + "}\n"  # one line too long

# check, where, what is written there, a part of the complaint
FAULTS = [
    (include_rule, "bpf/meter/key.h", '#include "base/error.h"\n', "outside bpf/"),
    (include_rule, "bpf/meter/key.h", "#include <glib.h>\n", "BPF programs"),
    (include_rule, "src/base/log.c", '#include "flow/flow.h"\n', "base may not see"),
    (include_rule, "src/flow/x.c", '#include "capture/table.h"\n', "flow may not see"),
    (include_rule, "src/export/x.c", '#include "capture/table.h"\n', "export may not see"),
    (include_rule, "src/export/x.c", '#include "meter/types.h"\n', "export may not see"),
    (include_rule, "src/export/x.c", "#  include <setup/pipeline.h>\n", "export may not see"),
    (include_rule, "src/drain/x.c", '#include "export/encoder.h"\n', "drain may not see"),
    (include_rule, "src/capture/x.c", '#include "../export/encoder.h"\n', "goes up"),
    (licence, "src/base/log.c", "int x;\n", "no SPDX"),
    (licence, "src/base/log.c", DUAL, "here it is BSD-2-Clause"),
    (licence, "bpf/maps.h", OURS, "here it is (GPL"),
    (sizes, "src/base/log.c", LONG_FUNCTION, "61 lines"),
    (sizes, "src/base/log.c", "\n" * 501, "501 lines"),
    (layout, "src/base/log.c", "int  x ;\n", "log.c:1"),
    (headers, "src/base/log.h", "static inline size_t f(void) { return 0; }\n", "alone"),
    (headers, "bpf/maps.h", "struct { int x; } x SEC(1);\n", "alone (XDP)"),
    (words, "src/base/log.c", "int x = atoi (y);\n", "log.c:1: unsafe call of atoi"),
    (words, "README.md", "see /" + "work/tree\n", "README.md:1: path"),
    (words, "src/base/log.c", 'char *x = "/' + 'home/me";\n', "path of one machine"),
    (conformance, LIST, HEAD + ROWS, "50 is not there"),
    (conformance, LIST, HEAD + ROWS + LATER.replace("later: ", ""), "neither a proof nor a reason"),
    (conformance, LIST, HEAD + ROWS.replace(PROOF, PROOF + " a/y.py:f", 1) + LATER, "a/y.py"),
    (conformance, LIST, HEAD + ROWS.replace(PROOF, PROOF + " a/x.py:f", 1) + LATER, "a/x.py:f"),
    (conformance, LIST, HEAD + ROWS + LATER + "x\n", "no row"),
    (conformance, "tests/a/x.py", PROVES.replace("[", "[50, "), "names 50"),
    (scripts, "tools/x.py", "def f(:\n", "tools/x.py:1"),
    (scripts, "tools/y", "#!/usr/bin/env bash\nif true\n", "tools/y:1"),
]


def complaints(check, changes):
    with tempfile.TemporaryDirectory() as folder:
        for path, text in {**GOOD, **changes}.items():
            file = Path(folder, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return check.check(Tree(folder))


class SelfTest(unittest.TestCase):
    def test_a_tree_as_it_should_be_has_no_complaints(self):
        for check in (conformance, headers, include_rule, layout, licence, scripts, sizes, words):
            with self.subTest(check=check.__name__):
                self.assertEqual(complaints(check, {}), [])

    def test_each_fault_is_told_once_and_nothing_else(self):
        for check, path, text, part in FAULTS:
            with self.subTest(check=check.__name__, fault=text[:60]):
                found = complaints(check, {path: text})
                self.assertEqual(len(found), 1, found)
                self.assertIn(part, found[0])

    def test_what_only_looks_like_a_fault_is_let_pass(self):
        text = OURS + '/* not atoi(x) */\nint x = my_atoi("atoi(1)");\n'
        self.assertEqual(complaints(words, {"src/base/log.c": text}), [])
        text = LONG_FUNCTION.replace("\t;\n", "", 1)
        self.assertEqual(complaints(sizes, {"src/base/log.c": text}), [])


if __name__ == "__main__":
    sys.argv = sys.argv[:1]
    unittest.main()
