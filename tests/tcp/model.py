#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""TCP quality and shape against the models: model.py WEIR FOLDER

Every capture of FOLDER is replayed once with time-outs that cut no flow and once with ones that
cut, and every value of every direction of every record is compared with what tests/lib/tcp_model.py
and tests/tcp/shape_model.py make of the same packets: whole numbers exactly, means and deviations
to one unit in the last place.
"""

import functools
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import capture
import quality_rows
import replay
from quality_flows import QualityModel

SECOND = 10**9
TIMEOUTS = {
    "one record a flow": (86400 * SECOND, 0, replay.NEVER),
    "active time-out": (
        15 * SECOND, 1 * SECOND, ["--idle-timeout", "15s", "--active-timeout", "1s"],
    ),
}  # fmt: skip


def check_one(weir, path, packets, timeouts):
    name = f"{os.path.basename(path)}, {timeouts}"
    idle, active, options = TIMEOUTS[timeouts]
    model = QualityModel(idle, active)
    for packet in packets:
        model.feed(packet, packet.time_ns)
    if model.set_aside.pop("linkType", None):
        return []  # the meter may know the link, the model does not
    records = model.finish()
    run = replay.replay(weir, path, [*options, *quality_rows.OPTIONS])
    if run.status not in (0, 1):
        return [f"{name}: exit status {run.status}: {run.errors}"]
    if model.doubtful:
        return []  # records depend on when the scan was (tests/replay/expiry.py)
    got = [one for record in run.records() for one in quality_rows.of_json(record)]
    told = quality_rows.compare(name, quality_rows.of_model(records), got)
    return told[:20]


def check(weir, path):
    packets, _ = capture.readable(path)
    return [text for timeouts in TIMEOUTS for text in check_one(weir, path, packets, timeouts)]


def main():
    weir, folder = sys.argv[1:3]
    paths = replay.unique_captures(replay.data_folders(folder, "pcap"))
    replay.main_status(replay.check_all(functools.partial(check, weir), paths))


if __name__ == "__main__":
    main()
