#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Several collectors that share the flows: who gets what, when one is away, and the account.

fanout.py WEIR"""

import collections
import os
import signal
import sys
import tempfile

from cases import destinations, lost, run_cases
from collector import HOST, free_port, wait_for
from delivery import differences, received


def url_of(port, more=""):
    return f"ipfix+tcp://{HOST}:{port}?linger=60{more}"


def keys(records):
    """Of the flows in the records: both ends, whichever of them a record is seen from."""
    found = set()
    for record in records:
        record = dict(record)
        ends = tuple(sorted((str(record.get(f"{side}IPv{version}Address")),
                             record.get(f"{side}TransportPort", 0))
                            for side in ("source", "destination") for version in "46"))
        found.add((ends, record["protocolIdentifier"]))
    return found


def check_shares(case, run):
    """The account of destinations that share the flows."""
    account = run.account()
    case.check_balanced(account)
    flows = sum(one["exported"]["flows"] for one in account["destinations"])
    case.expect(flows == account["exported"]["flows"], f"{flows} in the parts: {account}")
    for one in account["destinations"]:
        told = one["exported"]["flows"] + one["elsewhere"]["flows"] + lost(one)
        case.expect(told == flows, f"counts {one}")
    return account


def shared_by_hash(case):
    """by hash each flow goes to one collector, with all its records, counted for it alone [8]"""
    with case.collector() as one, case.collector() as other, case.collector() as third:
        collectors = [one, other, third]
        run = case.run([url_of(place.port) for place in collectors], ["--fanout", "hash"],
                       truth=False)  # fmt: skip
        whole = case.run([])
        case.expect(run.wait() == 0 and whole.wait() == 0, run.errors())
        got = [received(place.sessions()) for place in collectors]
    total = sum((records for records, _ in got), collections.Counter())
    case.faults += [text for _, problems in got for text in problems][:3]
    case.faults += differences(total, whole.truth())
    parts = [keys(records) for records, _ in got]
    case.expect(sum(map(len, parts)) == len(set().union(*parts)), "a flow went to two of them")
    least = min(records.total() for records, _ in got)
    case.expect(least > total.total() / 5, f"one got {least} of {total.total()}")
    check_shares(case, run)


def hash_without_one(case):
    """by hash, what belongs to a collector that is away goes to the others"""
    with case.collector() as one, case.collector() as other:
        urls = [url_of(one.port), url_of(free_port()), url_of(other.port)]
        run = case.run(urls, ["--fanout", "hash"], truth=False)
        whole = case.run([])
        case.expect(run.wait() == 0 and whole.wait() == 0, run.errors())
        got = [received(place.sessions()) for place in (one, other)]
    total = sum((records for records, _ in got), collections.Counter())
    case.faults += [text for _, problems in got for text in problems][:3]
    case.faults += differences(total, whole.truth())
    account = check_shares(case, run)
    case.expect(destinations(account)[1]["exported"]["records"] == 0, "who was away got something")


def failover_first(case):
    """failover: the first gets everything, the second nothing, as long as the first is there"""
    with case.collector() as one, case.collector() as other:
        run = case.run([url_of(one.port), url_of(other.port)], ["--fanout", "failover"],
                       truth=False)  # fmt: skip
        whole = case.run([])
        case.expect(run.wait() == 0 and whole.wait() == 0, run.errors())
        got, problems = received(one.sessions())
        spare, _ = received(other.sessions())
    case.faults += problems[:3] + differences(got, whole.truth())
    case.expect(not spare, f"the second got {spare.total()} records")
    check_shares(case, run)


def failover_second(case):
    """failover: without the first, the second gets everything"""
    with case.collector() as other:
        run = case.run([url_of(free_port()), url_of(other.port)], ["--fanout", "failover"],
                       truth=False)  # fmt: skip
        whole = case.run([])
        case.expect(run.wait() == 0 and whole.wait() == 0, run.errors())
        got, problems = received(other.sessions())
    case.faults += problems[:3] + differences(got, whole.truth())
    check_shares(case, run)


def failover_and_return(case):
    """failover: killed in the middle, the first is replaced, and gets flows again when it is back"""
    with case.collector() as one, case.collector() as other:
        urls = [url_of(place.port, "&queue=65536&pace=100&mtu=3000") for place in (one, other)]
        run = case.run(urls, ["--fanout", "failover"], truth=False)
        whole = case.run([])
        wait_for(lambda: one.octets() > 0, "the first gets something")
        one.kill()
        wait_for(lambda: other.octets() > 20000 or not run.running(), "the second takes over")
        case.expect(run.running(), "the run was over too soon")
        run.process.send_signal(signal.SIGSTOP)  # or it is over before the first is back
        try:
            before = one.octets()
            one.start()
        finally:
            run.process.send_signal(signal.SIGCONT)
        wait_for(lambda: one.octets() > before + 2000 or not run.running(), "the first is back")
        case.expect(run.wait() == 0 and whole.wait() == 0, run.errors())
        got = [received(place.sessions()) for place in (one, other)]
        case.expect(one.octets() > before + 2000, "the first got nothing after its return")
    account = check_shares(case, run)
    repeated = sum(place["repeated"] for place in destinations(account))
    total = got[0][0] + got[1][0]
    case.faults += [text for _, problems in got for text in problems][:3]
    case.faults += differences(total, whole.truth(), repeated)


def file_records(path):
    with open(path, "rb") as file:
        return received([file.read()])


def failover_to_a_file(case):
    """failover: where the collector is not there, a file of another form has everything"""
    path = os.path.join(case.folder, "spare")
    away = url_of(free_port()).replace("linger=60", "linger=1")
    run = case.run([away, f"ipfix+file:{path}"], ["--fanout", "failover"], truth=False)
    whole = case.run([])
    case.expect(run.wait() == 0 and whole.wait() == 0, run.errors())
    got, problems = file_records(path)
    case.faults += problems[:3] + differences(got, whole.truth())
    check_shares(case, run)


def failover_to_other_forms(case):
    """failover: killed in the middle, the collector is replaced by others of other forms; what it
    had not taken is counted as lost, and nothing else is"""
    for spare in ("ipfix+file", "json+file", "netflow9+udp"):
        path = os.path.join(tempfile.mkdtemp(dir=case.folder), "spare")
        with case.collector() as one, case.collector("udp") as udp:
            place = f"//{HOST}:{udp.port}?template=v9" if spare.endswith("udp") else path
            first = url_of(one.port, "&queue=65536&pace=100&mtu=3000").replace("linger=60",
                                                                                "linger=0")
            run = case.run([first, f"{spare}:{place}"], ["--fanout", "failover"], truth=False)
            wait_for(lambda: one.octets() > 0, "the first gets something")
            one.kill()
            case.expect(run.wait() in (0, 1), run.errors())
            before, _ = received(one.sessions())  # its last message may be cut
        account = run.account()
        case.check_balanced(account)
        away, other = account["destinations"]
        flows = sum(place["exported"]["flows"] + lost(place) for place in (away, other))
        for place in (away, other):
            told = place["exported"]["flows"] + lost(place) + place["elsewhere"]["flows"]
            case.expect(told == flows, f"{spare}: {flows} flows, counts {place}")
        case.expect(away["exported"]["records"] <= before.total() + away["repeated"],
                    f"{spare}: {before.total()} got there, {away}")
        case.expect(other["exported"]["flows"] > 0, f"{spare}: the second got nothing")
        case.expect(lost(other) == 0, f"{spare}: {other}")
        if spare == "ipfix+file":
            got, problems = file_records(path)
            case.faults += problems[:3]
            case.expect(got.total() == other["exported"]["records"], f"{got.total()}: {other}")
        if spare == "json+file":
            with open(path, "rb") as file:
                lines = sum(1 for _ in file)
            case.expect(lines == other["exported"]["records"], f"{lines} lines: {other}")


def hash_over_forms(case):
    """by hash, over a collector, one that is away and files of two forms: each flow is somewhere,
    with all its records"""
    ipfix, lines = (os.path.join(case.folder, name) for name in ("hashed", "lines"))
    with case.collector() as one:
        away = url_of(free_port()).replace("linger=60", "linger=1")
        urls = [url_of(one.port), away, f"ipfix+file:{ipfix}", f"json+file:{lines}"]
        run = case.run(urls, ["--fanout", "hash"], truth=False)
        whole = case.run([])
        case.expect(run.wait() == 0 and whole.wait() == 0, run.errors())
        got = [received(one.sessions()), file_records(ipfix)]
    case.faults += [text for _, problems in got for text in problems][:3]
    account = check_shares(case, run)
    parts = account["destinations"]
    case.expect(parts[1]["exported"]["flows"] == 0, f"who was away: {parts[1]}")
    with open(lines, "rb") as file:
        counts = [got[0][0].total(), got[1][0].total(), sum(1 for _ in file)]
    case.expect(counts == [parts[i]["exported"]["records"] for i in (0, 2, 3)], f"{counts}")
    case.expect(min(counts) > sum(counts) / 6, f"badly shared: {counts}")
    case.expect(sum(counts) == whole.truth().total(), f"{counts} of {whole.truth().total()}")
    case.expect(not keys(got[0][0]) & keys(got[1][0]), "a flow went to two of them")


CASES = [shared_by_hash, hash_without_one, failover_first, failover_second, failover_and_return,
         failover_to_a_file, failover_to_other_forms, hash_over_forms]

if __name__ == "__main__":
    sys.exit(run_cases(CASES))
