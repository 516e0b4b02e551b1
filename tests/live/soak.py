# SPDX-License-Identifier: BSD-2-Clause
"""`weir run` under fire for long: every case at every hook with either table, and a minute of all
at once in which the daemon must not grow."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import fire_cases
import netns
from fire_cases import NEAR_BOTH_CPUS, SAME_FLOWS, Blasts, places

SECONDS = 60
SETTLED_S = 10
GROWTH_KIB = 2048


def resident_kib(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


class SoakTest(fire_cases.Fire):
    def everywhere(self, case, *pairs):
        for place in places(*pairs):
            with self.subTest(str(place)):
                case(place)

    def soak(self, place):
        seen = []

        def watch(live, _):
            start = time.monotonic()
            for after_s in (SETTLED_S, SECONDS - 2):
                time.sleep(start + after_s - time.monotonic())  # the soak's own length
                seen.append(resident_kib(live.process))

        mixed = [lambda: Blasts(*SAME_FLOWS, seconds=SECONDS, flows=3000, rate=100000),
                 lambda: Blasts(*NEAR_BOTH_CPUS, seconds=SECONDS, rate=20000)]  # fmt: skip
        account, _ = self.fire(place, mixed, "--detail", "full", "--idle-timeout", "1s",
                               "--active-timeout", "2s", during=watch)  # fmt: skip
        print(f"  resident: {seen[0]} KiB after {SETTLED_S} s, {seen[1]} KiB at the end")
        self.assert_of_one_size(account)
        self.assertGreater(account["exported"]["flows"], SECONDS * 20000)
        self.assertLess(seen[1], seen[0] + GROWTH_KIB)

    def test_a_minute(self):
        self.everywhere(self.soak, ("xdp", "set"), ("both", "hash"))

    def test_two_interfaces_at_once(self):
        netns.lay("left", "right")
        self.addCleanup(netns.ip, "link del left")
        self.everywhere(self.two_interfaces_at_once)


# The others, which take a place and nothing else.
CASES = ["steady_mix", "other_flows_from_each_cpu", "the_same_flows_from_both_cpus",
         "a_direction_on_each_cpu", "a_new_flow_a_frame_in_a_full_table",
         "a_syn_flood_in_a_full_table", "a_million_flows_at_once", "a_tiny_ring_and_a_slow_reader",
         "records_wait_where_the_ring_has_no_room", "nobody_drains",
         "everything_times_out_all_the_time", "nothing_lasts_a_millisecond"]  # fmt: skip


def test_of(case):
    return lambda self: self.everywhere(getattr(self, case))


for name in CASES:
    setattr(SoakTest, f"test_{name}", test_of(name))

if __name__ == "__main__":
    fire_cases.start()
