# SPDX-License-Identifier: BSD-2-Clause
"""The spool of a destination whose configuration changes while the run goes on: whoever sends next
gets it whole, and no sooner than the one before has let go of it.

spooled.py WEIR BLAST"""

import json
import os
import signal
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, os.path.join(HERE, "..", "net"))

import ipfix_check
import netns
import reloading
from collector import HOST, Collector
from reloading import ELEMENTS, packets

RELOADS = 12
QUEUES = (2000000, 3000000, 1000000)


class SpooledTest(reloading.Case):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("spool"))
        self.place = Collector(self.path("place"))
        self.addCleanup(self.place.kill)

    def write(self, *queues, linger=600):
        """The destination, with this queue, or without one not at all."""
        self.configure(("exporter other", f"to = json+file:{self.path('other')}"), *(
            ("exporter spooled", f"to = ipfix+tcp://{HOST}:{self.place.port}",
             f"linger = {linger}", f"spool = {self.path('spool')}", f"queue = {queue}")
            for queue in queues))  # fmt: skip

    def given_out(self):
        """Packets in records so far: what every destination that is there has been given."""
        with open(self.path("other"), encoding="utf-8") as file:
            return packets(json.loads(line) for line in file if line.endswith("\n"))

    def metered(self):
        return self.ask("status")["answer"]["meteredPackets"]

    def away(self, linger=600):
        """A run whose collector is away, and whose destination has changed again and again since:
        130 packets have been given out when it returns."""
        self.write(1000000, linger=linger)
        live = self.run_weir()
        netns.send(self.frames(100))
        netns.wait_for(lambda: self.metered() == 100, "packets")
        for queue in QUEUES:
            self.write(queue, linger=linger)
            self.assertIn("begins", self.reload())
            netns.send(self.frames(10))
        netns.wait_for(lambda: self.given_out() == 130, "everything is given out")
        return live

    def arrived(self):
        """What is in the sessions, as far as their messages are whole."""
        results = []
        for octets in self.place.sessions():
            results.append(ipfix_check.check(ipfix_check.whole(octets), ELEMENTS))
        return results

    def arrived_packets(self):
        return sum(packets(result.records) for result in self.arrived())

    def check_once(self, count):
        """So many packets arrive, each once, and nothing is left on disk."""
        # The collector may be behind its own system.
        netns.wait_for(lambda: self.arrived_packets() >= count, f"{count} packets at the collector")
        self.assertEqual(self.arrived_packets(), count)
        self.assertEqual([result.problems for result in self.arrived() if result.problems], [])
        self.assertEqual(self.spool_files(), [])

    def spool_files(self):
        return [name for name in os.listdir(self.path("spool")) if ".ipfix" in name]

    def test_a_spool_is_handed_on(self):
        """What a collector that is away has not got goes to it all the same when its destination
        has changed meanwhile, or was taken out and lingers when it comes back."""
        live = self.away()
        self.write()
        self.assertIn("ends", self.reload())
        self.write(1000000)
        self.assertEqual(self.reload(), 'destination "spooled": begins\n')
        self.place.start()
        account = self.stop(live)
        self.assertEqual(account["metered"]["packets"], 130)
        self.check_once(130)
        self.assertEqual(account["spooled"]["packets"] + account["exported"]["packets"], 130)
        self.assertEqual(account["dropped"]["failed"]["packets"], 0)

    def test_what_is_given_out_meanwhile_is_not_its(self):
        """A destination that is taken out and comes back gets what was given out before, and
        after."""
        live = self.away()
        self.write()
        self.assertIn("ends", self.reload())
        netns.send(self.frames(10))
        netns.wait_for(lambda: self.given_out() == 140, "everything is given out")
        self.write(1000000)
        self.assertEqual(self.reload(), 'destination "spooled": begins\n')
        netns.send(self.frames(20))
        self.place.start()
        account = self.stop(live)
        self.assertEqual(account["metered"]["packets"], 160)
        self.check_once(150)
        row = next(row for row in account["destinations"] if row["name"] == "spooled")
        self.assertEqual(row["absent"]["packets"], 140)
        self.assertEqual(row["exported"]["packets"], 20)

    def test_the_next_run_sends_what_was_handed_on(self):
        """Each record once, whether the run ends or is killed."""
        for end in (signal.SIGINT, signal.SIGKILL):
            live = self.away(linger=0)
            live.stop(end)
            self.assertNotEqual(self.spool_files(), [])
            self.write(1000000)
            os.unlink(self.path("other"))
            self.place.start()
            live = self.run_weir()
            netns.send(self.frames(5))
            self.stop(live)
            self.check_once(135)
            self.place.kill()
            for name in os.listdir(self.path("place")):
                os.unlink(os.path.join(self.path("place"), name))

    def test_a_session_ends_in_order_before_the_next_begins(self):
        """Where the collector is there, nothing is sent twice, and nothing stays on disk."""
        self.place.start()
        self.write(1000000)
        live = self.run_weir()
        blast = self.blast()
        for turn in range(RELOADS):
            before = self.place.octets()
            self.write(QUEUES[turn % len(QUEUES)] + turn)
            self.assertIn("begins", self.reload())
            netns.wait_for(lambda size=before: self.place.octets() > size, "records")
        blast.stop()
        account = self.stop(live)
        self.check_once(account["metered"]["packets"])

    def test_a_collector_that_does_not_read_holds_nobody_up(self):
        """Its session cannot end in order: what it may not have read is sent again."""
        self.place.start()
        self.write(65536)
        live = self.run_weir()
        blast = self.blast()
        netns.wait_for(lambda: self.place.octets() > 100000, "records")
        self.place.signal(signal.SIGSTOP)
        for queue in QUEUES:
            self.write(queue)
            self.assertIn("begins", self.reload())
            before = self.given_out()
            netns.wait_for(lambda size=before: self.given_out() > size, "records elsewhere")
        blast.stop()
        self.place.signal(signal.SIGCONT)
        account = self.stop(live)
        self.assertEqual(account["dropped"]["overflow"]["packets"], 0)
        self.assertEqual(account["dropped"]["failed"]["packets"], 0)
        netns.wait_for(lambda: self.arrived_packets() >= account["metered"]["packets"], "records")
        self.assertEqual(self.spool_files(), [])


if __name__ == "__main__":
    reloading.main()
