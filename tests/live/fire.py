# SPDX-License-Identifier: BSD-2-Clause
"""`weir run` under fire: each case at some places, that is hooks and tables, and each place in
some case; soak.py has every case at every place."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import fire_cases
import netns
from fire_cases import places


class FireTest(fire_cases.Fire):
    def at(self, case, *pairs):
        for place in places(*pairs):
            with self.subTest(str(place)):
                case(place)

    def test_steady_mix(self):
        self.at(self.steady_mix)

    def test_a_new_flow_a_frame_in_a_full_table(self):
        self.at(self.a_new_flow_a_frame_in_a_full_table, ("xdp", "set"), ("generic", "hash"),
                ("tc", "set"), ("both", "hash"))

    def test_other_flows_from_each_cpu(self):
        self.at(self.other_flows_from_each_cpu, ("xdp", "set"), ("tc", "hash"))

    def test_the_same_flows_from_both_cpus_and_ends(self):
        self.at(self.the_same_flows_from_both_cpus, ("generic", "set"), ("both", "hash"))

    def test_a_direction_on_each_cpu(self):
        self.at(self.a_direction_on_each_cpu, ("both", "set"), ("xdp", "hash"))

    def test_a_syn_flood_in_a_full_table(self):
        self.at(self.a_syn_flood_in_a_full_table, ("xdp", "hash"), ("both", "set"))

    def test_a_million_flows_at_once(self):
        self.at(self.a_million_flows_at_once, ("generic", "hash"), ("tc", "set"))

    def test_a_tiny_ring_and_a_slow_reader(self):
        self.at(self.a_tiny_ring_and_a_slow_reader, ("generic", "hash"))
        self.at(lambda place: self.a_tiny_ring_and_a_slow_reader(place, "full"), ("both", "set"))

    def test_records_wait_where_the_ring_has_no_room(self):
        self.at(self.records_wait_where_the_ring_has_no_room, ("xdp", "set"), ("tc", "hash"))

    def test_nobody_drains(self):
        self.at(self.nobody_drains, ("xdp", "hash"), ("tc", "set"))

    def test_everything_times_out_all_the_time(self):
        self.at(self.everything_times_out_all_the_time, ("both", "hash"))
        self.at(lambda place: self.everything_times_out_all_the_time(place, "300ms"),
                ("xdp", "set"))

    def test_nothing_lasts_a_millisecond(self):
        self.at(self.nothing_lasts_a_millisecond, ("generic", "set"), ("tc", "hash"))

    def test_two_interfaces_at_once(self):
        netns.lay("left", "right")
        self.addCleanup(netns.ip, "link del left")
        self.at(self.two_interfaces_at_once, ("xdp", "set"), ("both", "hash"))


if __name__ == "__main__":
    fire_cases.start()
