# SPDX-License-Identifier: BSD-2-Clause
"""A small geolocation database in which every address is in some autonomous system."""

import os
import subprocess

SHORT, LONG = 64512, 4200000000  # numbers for private use, of 16 and of 32 bits


def make(weir, folder):
    """The path of the database: sixteen systems of IPv4, sixteen of IPv6, half of them long."""
    table, database = os.path.join(folder, "own.csv"), os.path.join(folder, "own.mmdb")
    with open(table, "w", encoding="ascii") as file:
        file.write("network,as_number,as_name\n")
        for block in range(16):
            number = (LONG if block % 2 else SHORT) + block
            file.write(f"{block * 16}.0.0.0/4,{number},Four {block}\n"
                       f"{block:x}000::/4,{number + 100},Six {block}\n")
    subprocess.run([weir, "geo", "build", "--quiet", "--only-csv", "--csv", table, "-o", database],
                   check=True)
    return database
