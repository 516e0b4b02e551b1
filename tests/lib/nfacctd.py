# SPDX-License-Identifier: BSD-2-Clause
"""pmacct's nfacctd in a network namespace that ends with the process. It aggregates, and prints JSON.

What its socket has no room for the kernel drops; by default that are some 90 datagrams (see
nfacctd_pipe_size in its documentation, and net.core.rmem_max). Whoever sends more waits in between."""

import json
import os
import signal
import subprocess

import netns

PORT = 2100


class Nfacctd:
    def __init__(self, folder, aggregate, primitives=None, host="127.0.0.1"):
        self.host = host
        self.out, self.log = os.path.join(folder, "out"), os.path.join(folder, "log")
        self.process = None
        settings = {
            "daemonize": "false", "nfacctd_ip": host, "nfacctd_port": PORT,
            "aggregate": ", ".join(aggregate), "plugins": "print", "print_output": "json",
            "print_output_file": self.out, "print_output_file_append": "true",
            "print_refresh_time": 1, "nfacctd_as": "netflow", "nfacctd_net": "netflow",
        }  # fmt: skip
        if primitives:
            settings["aggregate_primitives"] = os.path.join(folder, "primitives")
            with open(settings["aggregate_primitives"], "w", encoding="ascii") as file:
                file.write(primitives)
        self.conf = os.path.join(folder, "conf")
        with open(self.conf, "w", encoding="ascii") as file:
            file.writelines(f"{name}: {value}\n" for name, value in settings.items())
        self.begin()

    def begin(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(["nfacctd", "-f", self.conf], stdout=log,
                                            stderr=subprocess.STDOUT,
                                            preexec_fn=netns.end_with_parent)  # fmt: skip
        # Its plugin misses what comes before it is ready, and says no more than this of that.
        netns.wait_for(lambda: "waiting for NetFlow" in self.said()
                       and "Purging cache - END" in self.said(), "nfacctd is ready")  # fmt: skip

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def socket(self):
        """(octets that wait, datagrams lost) of its socket."""
        with open("/proc/self/net/udp" + ("6" if ":" in self.host else ""),
                  encoding="ascii") as table:  # fmt: skip
            for line in list(table)[1:]:
                column = line.split()
                if int(column[1].rpartition(":")[2], 16) == PORT:
                    return int(column[4].rpartition(":")[2], 16), int(column[12])
        return 0, 0

    def pause(self):
        """Until it has read what was sent."""
        netns.wait_for(lambda: self.socket()[0] == 0, "nfacctd reads")

    def rows(self):
        """Of the whole lines."""
        if not os.path.exists(self.out):
            return []
        with open(self.out, encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def finish(self, packets):
        """Its rows, once it has told of so many packets; TimeoutError if it never does."""
        try:
            netns.wait_for(lambda: sum(row["packets"] for row in self.rows()) >= packets,
                           "nfacctd tells all packets")  # fmt: skip
        except TimeoutError as error:
            raise TimeoutError(f"{error}: {self.socket()[1]} datagrams lost\n{self.rows()}\n"
                               f"{self.said()}") from error  # fmt: skip
        finally:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=netns.WAIT_S)
        return self.rows()
