#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a collector cannot take waits on disk: what arrives, in which order, after what.

spool.py WEIR"""

import collections
import os
import signal
import sys
import tempfile

import delivery
import ipfix_check
from cases import destinations, lost, run_cases
from collector import HOST, free_port, wait_for
from delivery import received

KILLS = 20


def folder_of(case):
    return tempfile.mkdtemp(dir=case.folder)


def spool_files(folder):
    return sorted(os.path.join(folder, name) for name in os.listdir(folder)
                  if name.endswith(".ipfix"))  # fmt: skip


def url_of(port, spool, more=""):
    return f"ipfix+tcp://{HOST}:{port}?queue=65536&timeout=1&linger=1&spool={spool}{more}"


def fill(case, port, spool, more=""):
    """A run whose collector is not there."""
    run = case.run([url_of(port, spool, more)])
    case.expect(run.wait() == 0, run.errors())
    case.check_balanced(run.account())
    return run


def stays_for_the_next_run(case):
    """what a run cannot send is whole IPFIX on disk, in the account, and sent first by the next"""
    port, spool = free_port(), folder_of(case)
    first = fill(case, port, spool)
    one = destinations(first.account())[0]
    truth = first.truth()
    case.expect(one["spooled"]["records"] == truth.total(), f"counts {one}")
    case.expect(first.account()["spooled"] == one["spooled"], "the account has another sum")
    on_disk, problems = received([open(path, "rb").read() for path in spool_files(spool)])
    case.faults += problems[:3] + delivery.differences(on_disk, truth)
    with case.collector(port=port) as collector:
        second = case.run([url_of(port, spool).replace("timeout=1&linger=1", "timeout=60&linger=60")])
        case.expect(second.wait() == 0, second.errors())
        sessions = collector.sessions()
        got, problems = received(sessions)
    case.faults += problems[:3] + delivery.differences(got, truth + second.truth())
    # In order: the first half of what arrived is the first run's.
    early = ipfix_check.check(sessions[0], delivery.ELEMENTS).records[:truth.total()]
    early = collections.Counter(tuple(sorted(record.items())) for record in early)
    case.expect(early == truth, "what was on disk did not come first")
    one = destinations(second.account())[0]
    case.expect(one["recovered"] == truth.total() and one["spooled"]["records"] == 0,
                f"counts {one}")  # fmt: skip
    case.check_balanced(second.account())
    case.expect(spool_files(spool) == [], f"left on disk: {os.listdir(spool)}")


def killed_again_and_again(case):
    """a collector killed and restarted 20 times gets every record, through the spool"""
    spool = folder_of(case)
    with case.collector("sip") as collector:
        url = url_of(collector.port, spool, "&linger=60").replace("linger=1&", "")
        run = case.run([url])
        case.kill_again_and_again(collector, run, KILLS)
        one = destinations(run.account())[0]
        case.check_whole(received(collector.sessions()), run, one["repeated"])
    case.expect(lost(one) == 0 and one["spooled"]["flows"] == 0, f"counts {one}")
    case.check_balanced(run.account())
    case.expect(spool_files(spool) == [], f"left on disk: {os.listdir(spool)}")


def weir_killed(case):
    """after weir is killed, nothing of the spool is lost, and only what was unconfirmed comes twice"""
    port, spool = free_port(), folder_of(case)
    first = fill(case, port, spool)
    with case.collector("sip", port) as collector:
        second = case.run([url_of(port, spool, "&linger=60").replace("linger=1&", "")])
        wait_for(lambda: collector.octets() > 100000, "octets come")
        case.expect(second.running(), "it ended before it was killed")
        second.process.kill()
        second.process.wait()
        collector.kill()
        collector.kind = "tcp"
        collector.start()
        again = case.run([url_of(port, spool, "&linger=60").replace("linger=1&", "")])
        case.expect(again.wait() == 0, again.errors())
        got, problems = received(collector.sessions())
    case.faults += problems[:3]
    missing = first.truth() + again.truth() - got
    case.expect(not missing, f"{missing.total()} records did not arrive")
    case.expect(spool_files(spool) == [], f"left on disk: {os.listdir(spool)}")


def limit_is_kept(case):
    """the spool is no larger than told, and what has no place is counted"""
    port, spool = free_port(), folder_of(case)
    run = case.run([url_of(port, spool, "&spool-size=1M")])
    case.expect(run.wait() == 1, "a loss is no error")
    size = sum(os.path.getsize(path) for path in spool_files(spool))
    one = destinations(run.account())[0]
    case.expect(0 < size <= 1000000, f"{size} octets on disk")
    case.expect(lost(one) > 0 and one["spooled"]["flows"] > 0, f"counts {one}")
    case.expect(lost(one) + one["spooled"]["records"] == run.truth().total(), f"counts {one}")
    case.expect(run.errors().count("it is full") == 1, run.errors())
    case.check_balanced(run.account())


def one_user(case):
    """two runs cannot use one spool at once"""
    port, spool = free_port(), folder_of(case)
    url = url_of(port, spool, "&linger=60").replace("linger=1&", "")
    first = case.run([url])
    wait_for(lambda: "trying again" in first.errors(), "the first run")
    other = delivery.alone(case.weir, case.capture, url, "--template", delivery.TEMPLATE)
    case.expect(other.returncode == 1 and "another weir" in other.stderr
                and other.stderr.count("\n") == 1, other.stderr)  # fmt: skip
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    fill(case, port, spool)


def disk_full(case):
    """a full disk is one line, and the others go on"""
    port, spool = free_port(), folder_of(case)
    script = ("mount -t tmpfs -o size=256k none \"$1\" || exit 77; shift; exec \"$@\"")
    with case.collector() as good:
        run = delivery.Run(case.weir, folder_of(case), case.capture,
                           [url_of(port, spool), f"ipfix+tcp://{HOST}:{good.port}?linger=60"],
                           before=["unshare", "-m", "sh", "-c", script, "sh", spool])  # fmt: skip
        status = run.wait()
        if status == 77:
            case.faults.append("no file system of its own")
            return
        case.check_whole(received(good.sessions()), run)
    case.expect(run.errors().count("No space left") == 1, run.errors())
    one = destinations(run.account())[0]
    case.expect(lost(one) > 0 and one["spooled"]["flows"] > 0, f"counts {one}")
    case.check_balanced(run.account())


def lines_too(case):
    """lines of JSON stay on disk and are sent by the next run, each once"""
    port, spool = free_port(), folder_of(case)
    url = f"json+tcp://{HOST}:{port}?queue=65536&timeout=1&linger=1&spool={spool}"
    first = case.run([url])
    case.expect(first.wait() == 0, first.errors())
    on_disk = b"".join(open(os.path.join(spool, name), "rb").read()
                       for name in sorted(os.listdir(spool)) if name.endswith(".json"))  # fmt: skip
    with case.collector(port=port) as collector:
        second = case.run([url.replace("timeout=1&linger=1", "timeout=60&linger=60")])
        case.expect(second.wait() == 0, second.errors())
        got = b"".join(collector.sessions())
    count = first.account()["spooled"]["records"]
    case.expect(on_disk.count(b"\n") == count > 0, f"{len(on_disk.splitlines())} lines on disk")
    case.expect(got.startswith(on_disk), "what was on disk did not come first")
    case.expect(got.count(b"\n") == 2 * count, f"{len(got.splitlines())} lines arrived")
    case.check_balanced(second.account())


CASES = [stays_for_the_next_run, killed_again_and_again, weir_killed, limit_is_kept, one_user,
         disk_full, lines_too]  # fmt: skip

if __name__ == "__main__":
    sys.exit(run_cases(CASES))
