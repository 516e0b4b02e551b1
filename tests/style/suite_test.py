# SPDX-License-Identifier: BSD-2-Clause
"""tools/test counts right: nothing that failed, was missing or did not build can pass for a success."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import suite  # noqa: E402

PROJECT = """cmake_minimum_required(VERSION 3.24)
project(scratch LANGUAGES NONE)
enable_testing()
add_test(NAME good COMMAND true)
add_test(NAME bad COMMAND sh -c "echo why; exit 1")
add_test(NAME slow COMMAND sleep 20)
add_test(NAME missing COMMAND ${CMAKE_BINARY_DIR}/there-is-no-such-program)
add_test(NAME skipping COMMAND sh -c "exit 77")
add_test(NAME crashing COMMAND sh -c "kill -SEGV $$")
set_tests_properties(slow PROPERTIES TIMEOUT 0.2)
set_tests_properties(skipping PROPERTIES SKIP_RETURN_CODE 77)
"""


def ctest_outcomes():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "CMakeLists.txt").write_text(PROJECT, encoding="utf-8")
        report = Path(folder, "report.xml")
        subprocess.run(["cmake", "-S", folder, "-B", folder], capture_output=True, check=True)
        subprocess.run(["ctest", "--test-dir", folder, "--output-junit", str(report)],
                       capture_output=True, check=False)
        return {result.name: result for result in suite.read_junit(report)}


class SuiteTest(unittest.TestCase):
    def test_ctest_tests_count_as_what_they_did(self):
        results = ctest_outcomes()
        self.assertEqual(
            {name: result.outcome for name, result in results.items()},
            {"good": "passed", "bad": "failed", "slow": "failed", "missing": "failed",
             "skipping": "skipped", "crashing": "failed"},
        )
        self.assertIn("why", results["bad"].output)

    def test_lines_of_a_tool_count_as_what_they_say(self):
        results = suite.read_tap("ok - a\ndetail\nnot ok - b\nok - c # SKIP no kernel\nnoise\n")
        self.assertEqual([r.outcome for r in results], ["passed", "failed", "skipped"])
        self.assertEqual([r.name for r in results], ["a", "b", "c"])
        self.assertEqual(results[1].output.strip(), "detail")

    def test_the_last_line_names_skips_only_where_there_are_any(self):
        good = suite.Result("a", "passed")
        self.assertEqual(suite.count([good, good]), "2 passed, 0 failed")
        self.assertEqual(suite.count([good, suite.Result("b", "skipped")]),
                         "1 passed, 0 failed, 1 skipped")

    def test_a_tool_that_ends_badly_without_saying_why_has_failed(self):
        stage = suite.Stage("x", tool=["-c", "print('ok - a'); raise SystemExit(1)"])
        self.assertEqual([r.outcome for r in suite.run_tool(stage)], ["passed", "failed"])
        silent = suite.Stage("x", tool=["-c", "pass"])
        self.assertEqual([r.outcome for r in suite.run_tool(silent)], ["failed"])

    def test_a_preset_that_cannot_be_built_has_failed(self):
        results, _ = suite.run_stage(suite.Stage("x", "no-such-preset"))
        self.assertEqual([r.outcome for r in results], ["failed"])


if __name__ == "__main__":
    unittest.main()
