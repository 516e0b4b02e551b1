# SPDX-License-Identifier: BSD-2-Clause
"""A short fire, for a machine in emulation: cases that do not hang on speed, at hooks and tables of
this kernel; and scans while frames come."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import fire_cases
from fire_cases import NEAR_BOTH_CPUS, SAME_FLOWS, Blasts, places


class GuestFireTest(fire_cases.Fire):
    def test_other_flows_from_each_cpu_at_every_hook(self):
        for place in places():
            with self.subTest(str(place)):
                self.fire_some(place, NEAR_BOTH_CPUS, 1000)

    def test_a_full_table(self):
        for place in places(("xdp", "set"), ("both", "hash")):
            with self.subTest(str(place)):
                account = self.fire_some(place, NEAR_BOTH_CPUS, 0, "--max-flows", "1000")
                self.assertGreater(account["table"]["evictedFlows"], 0)

    def test_scans_while_frames_come(self):
        """Time-outs so short that every round of the scan takes flows that frames open again."""
        for place in places(("xdp", "hash"), ("tc", "set")):
            with self.subTest(str(place)):
                account = self.fire_some(place, SAME_FLOWS, 500, "--idle-timeout", "1ms",
                                         "--active-timeout", "100ms", rate=4000)  # fmt: skip
                self.assertGreater(account["exported"]["flows"], 1000)

    def fire_some(self, place, senders, flows, *options, rate=0):
        account, _ = self.fire(place, [lambda: Blasts(*senders, frames=8000, flows=flows,
                                                      rate=rate)], *options)  # fmt: skip
        self.assert_of_one_size(account)
        return account


if __name__ == "__main__":
    fire_cases.start()
