#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Collectors that stop reading, refuse, die and come back: what arrives, and the account.

sender.py WEIR"""

import signal
import sys
import time

import delivery
from cases import lost, run_cases
from collector import HOST, free_port, wait_for
from delivery import destination, received

KILLS = 20


def tcp_arrives(case):
    """every record arrives over TCP, once"""
    with case.collector() as collector:
        url = f"ipfix+tcp://{HOST}:{collector.port}?linger=60"
        run = case.run([url])
        case.expect(run.wait() == 0, run.errors())
        case.check_whole(received(collector.sessions()), run)
        one = destination(run.account(), url)
    case.expect(one["exported"]["records"] == run.truth().total(), f"counts {one}")
    case.expect(one["repeated"] == 0, "something was sent again")
    case.check_balanced(run.account())


def killed_again_and_again(case):
    """killed and restarted 20 times, a collector gets every record, templates first [5, 14]"""
    with case.collector("sip") as collector:
        url = f"ipfix+tcp://{HOST}:{collector.port}?queue=65536&linger=60"
        run = case.run([url])
        case.kill_again_and_again(collector, run, KILLS)
        account = run.account()
        one = destination(account, url)
        got = received(collector.sessions())
        case.expect(len(collector.sessions()) > KILLS, f"{len(collector.sessions())} sessions")
    case.check_whole(got, run, one["repeated"])
    case.expect(lost(one) == 0, f"counts {one}")
    case.check_balanced(account)


def killed_with_unread_octets(case):
    """what a stopped collector's system had acknowledged is sent again when it is killed"""
    with case.collector() as collector:
        collector.signal(signal.SIGSTOP)
        url = f"ipfix+tcp://{HOST}:{collector.port}?timeout=60&linger=60"
        run = case.run([url])
        # Nothing tells how far weir has got; the system's table of sockets does.
        wait_for(lambda: unread(collector.port) > 0, "octets wait unread")
        collector.kill()
        collector.start()
        case.expect(run.wait() == 0, run.errors())
        one = destination(run.account(), url)
        case.check_whole(received(collector.sessions()), run, one["repeated"])
    case.expect(one["repeated"] > 0, "nothing was sent again")
    case.check_balanced(run.account())


def unread(port):
    """Octets that connections to this port have not been read of."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in list(table)[1:]]
    return sum(int(row[4].split(":")[1], 16) for row in rows
               if int(row[1].split(":")[1], 16) == port and row[3] == "01")  # fmt: skip


def stopped_for_good(case):
    """a collector that accepts and never reads delays the others and the run no longer than told"""
    with case.collector() as good, case.collector() as stopped:
        stopped.signal(signal.SIGSTOP)
        bad = f"ipfix+tcp://{HOST}:{stopped.port}?queue=65536&timeout=1&linger=1"
        url = f"ipfix+tcp://{HOST}:{good.port}?linger=60"
        # 33 MiB may wait unread in the system: this is more.
        run = case.run([url, bad, bad + "&mtu=9000"])
        status = run.wait()
        account = run.account()
        case.check_whole(received(good.sessions()), run)
    case.expect(lost(destination(account, url)) == 0, "the good one lost something")
    case.check_balanced(account)
    one = destination(account, bad)
    case.expect(one["exported"]["flows"] + lost(one) == account["exported"]["flows"]
                + sum(row["records"] for row in account["dropped"].values()),
                f"counts {one}")  # fmt: skip
    case.expect((status == 0) == (one["dropped"]["failed"]["records"] == 0), run.errors())


def refused(case):
    """a collector that is not there is told of once, and what was for it is counted [47]"""
    with case.collector() as good:
        bad = f"ipfix+tcp://{HOST}:{free_port()}?queue=65536&timeout=1&linger=1"
        url = f"ipfix+tcp://{HOST}:{good.port}?linger=60"
        run = case.run([bad, url])
        case.expect(run.wait() == 1, "a loss is no error")
        case.check_whole(received(good.sessions()), run)
    account = run.account()
    case.check_balanced(account)
    one = destination(account, bad)
    case.expect(one["exported"]["records"] == 0, f"counts {one}")
    case.expect(one["dropped"]["overflow"]["records"] > 0, f"no overflow: {one}")
    case.expect(0 < one["dropped"]["failed"]["octets"], f"nothing failed: {one}")
    case.expect(run.errors().count("trying again") == 1, run.errors())


def late(case):
    """a collector that comes later gets everything that fits in the queue"""
    port = free_port()
    url = f"ipfix+tcp://{HOST}:{port}?queue=100000000&linger=100"
    run = case.run([url])
    wait_for(lambda: "trying again" in run.errors(), "a complaint")
    with case.collector(port=port) as collector:
        case.expect(run.wait() == 0, run.errors())
        case.check_whole(received(collector.sessions()), run)
    case.expect("reached again" in run.errors(), run.errors())
    case.check_balanced(run.account())


def linger_is_kept(case):
    """a run ends when the time to linger is over"""
    url = f"ipfix+tcp://{HOST}:{free_port()}?queue=100000000&linger=2"
    began = time.monotonic()
    run = case.run([url])
    case.expect(run.wait() == 1, "a loss is no error")
    took = time.monotonic() - began
    case.expect(took >= 2, f"it ended after {took} s")
    one = destination(run.account(), url)
    case.expect(one["dropped"]["overflow"]["records"] == 0, f"counts {one}")
    case.check_balanced(run.account())


def no_such_name(case):
    """a name that does not resolve is told of once; only alone and with --strict it is fatal"""
    bad = "ipfix+tcp://collector.invalid?timeout=1&linger=1&queue=65536"
    with case.collector() as good:
        url = f"ipfix+tcp://{HOST}:{good.port}?linger=60"
        run = case.run([bad, url], ["--strict"])
        case.expect(run.wait() == 1, "a loss is no error")
        case.check_whole(received(good.sessions()), run)
    case.expect(run.errors().count("trying again") == 1, run.errors())
    case.check_balanced(run.account())
    alone = delivery.alone(case.weir, case.capture, bad, "--strict")
    case.expect(alone.returncode == 1 and alone.stderr.count("\n") == 1
                and "trying again" not in alone.stderr, alone.stderr)  # fmt: skip
    case.expect("collector.invalid" in alone.stderr, alone.stderr)


def datagrams_of(case, options):
    """What a UDP collector gets of a whole run: the datagrams, which are right and complete."""
    case.less("30k")
    with case.collector("udp") as collector:
        run = case.run([f"ipfix+udp://{HOST}:{collector.port}?{options}"])
        case.expect(run.wait() == 0, run.errors())
        expected = run.truth()
        wait_for(lambda: received([b"".join(collector.sessions())], True)[0].total()
                 >= expected.total(), "the last datagrams")  # fmt: skip
        datagrams = collector.sessions()
    case.check_whole(received([b"".join(datagrams)], True), run)
    case.check_balanced(run.account())
    return datagrams


def introductions(datagrams):
    """Where messages begin with templates, the first of a row."""
    there = [i for i, datagram in enumerate(datagrams) if datagram[16:18] == b"\0\2"]
    return [i for i in there if i - 1 not in there]


def udp_by_messages(case):
    """over UDP templates come again after so many messages, and numbers go on [11]"""
    gaps = []
    for count in (10, 20):
        datagrams = datagrams_of(case, f"refresh-messages={count}&refresh=0&pace=4000&linger=60")
        at = introductions(datagrams)
        found = {b - a for a, b in zip(at, at[1:])}
        case.expect(len(at) > 5 and len(found) == 1, f"{len(at)} times, gaps {sorted(found)}")
        gaps.append(max(found, default=0))
    case.expect(gaps[1] - gaps[0] == 10, f"gaps {gaps}")


def udp_by_time(case):
    """over UDP templates come again after so long [11]"""
    began = time.monotonic()
    datagrams = datagrams_of(case, "refresh-messages=0&refresh=1&pace=150&linger=60")
    most = 1 + int(time.monotonic() - began)
    at = introductions(datagrams)
    case.expect(1 < len(at) <= most, f"templates came {len(at)} times, at most {most} may")
    case.expect(at[1] - at[0] < 600, f"again only after {at[1] - at[0]} datagrams")


def udp_refused(case):
    """a port nobody listens on is told of, and what comes later still arrives when somebody does"""
    port = free_port()
    url = f"ipfix+udp://{HOST}:{port}?queue=100000000&pace=500&linger=60"
    run = case.run([url])
    wait_for(lambda: "refuses" in run.errors(), "a complaint")
    with case.collector("udp", port) as collector:
        case.expect(run.wait() == 0, run.errors())
        wait_for(lambda: received([b"".join(collector.sessions())], True)[0].total(), "a record")
        total, _ = received([b"".join(collector.sessions())], True)
    truth = run.truth()
    case.expect(0 < total.total(), "nothing arrived")
    case.expect(not total - truth, "records arrived that nobody sent")
    case.expect("reached again" in run.errors(), run.errors())
    case.check_balanced(run.account())


CASES = [tcp_arrives, killed_again_and_again, killed_with_unread_octets, stopped_for_good, refused,
         late, linger_is_kept, no_such_name, udp_by_messages, udp_by_time, udp_refused]  # fmt: skip


if __name__ == "__main__":
    sys.exit(run_cases(CASES))
