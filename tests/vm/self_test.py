# SPDX-License-Identifier: BSD-2-Clause
"""What a guest tells is counted right: a test that did not end well, or not at all, has failed."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path

from guest import entry
from vm import Report


def told(names, *lines):
    """Failures, and the TAP lines."""
    with (contextlib.redirect_stdout(io.StringIO()) as output,
          tempfile.TemporaryDirectory() as folder):
        report = Report(names)
        for line in lines:
            report.read(line)
        log = Path(folder, "kernel.log")
        log.write_text("Kernel panic", encoding="utf-8")
        report.close(log)
    return report.failed, output.getvalue()


KERNEL = "@kernel 6.1.0-56-cloud-amd64 2.5"
END = ("@complaint", "@done")


class ReportTest(unittest.TestCase):
    def test_a_guest_that_passes_fails_nothing(self):
        failed, said = told(["a"], KERNEL, "@begin a", "words", "@end a 0 1.5", *END)
        self.assertEqual(failed, 0)
        self.assertIn("    words\n", said)
        self.assertIn("\nok - vm a\n", said)

    def test_another_kernel_is_a_failure(self):
        failed, _ = told([], "@kernel 6.18.1 2.5", *END)
        self.assertEqual(failed, 1)

    def test_a_status_is_a_failure_and_77_a_skip_with_its_reason(self):
        failed, said = told(["a", "b"], KERNEL, "@begin a", "@end a 1 2", "@begin b", "no veth",
                            "@end b 77 2", *END)
        self.assertEqual(failed, 1)
        self.assertIn("not ok - vm a\n", said)
        self.assertIn("ok - vm b # SKIP no veth\n", said)

    def test_a_guest_that_ends_early_fails_what_it_did_not_tell(self):
        failed, said = told(["a", "b"], KERNEL, "@begin a", "@end a 0 1", "@begin b")
        self.assertEqual(failed, 2)
        self.assertIn("Kernel panic", said)
        self.assertIn("not ok - vm b\n", said)

    def test_a_complaint_of_the_kernel_is_a_failure(self):
        failed, _ = told([], KERNEL, "@complaint", "BUG: scheduling while atomic", "@done")
        self.assertEqual(failed, 1)

    def test_an_entry_of_the_archive_is_padded_and_says_its_sizes(self):
        octets = entry(1, "init", 0o100755, b"abc", (0, 0))
        self.assertEqual(octets[:6], b"070701")
        self.assertEqual(int(octets[54:62], 16), 3)
        self.assertEqual(int(octets[94:102], 16), len("init") + 1)
        self.assertEqual(len(octets) % 4, 0)


if __name__ == "__main__":
    unittest.main()
