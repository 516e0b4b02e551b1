# SPDX-License-Identifier: BSD-2-Clause
"""DESIGN 4.4 in plain numbers: what one side's packets of one record look like.

Times are kept as samples; means and deviations are exact until they are compared.
"""

import fractions
import math

SECOND = 10**9
PAUSE = 2 * SECOND
LENGTHS = (64, 128, 256, 512, 1024, 1518)  # the highest of each class, then more
TTLS = (1, 5, 32, 64, 96, 128, 160, 192, 224, 255)


def klass(number, highest):
    return sum(number > most for most in highest)


class Shape:
    """One side of one record."""

    def __init__(self):
        self.lengths = []
        self.ttls = []
        self.gaps = []  # whole microseconds
        self.pauses = 0
        self.seconds = {}
        self.second = 0
        self.start = self.last = None
        self.payload = self.fragments = 0
        self.flags_first = self.tos_first = self.macs = None
        self.flags_union = self.tos_union = 0

    def count(self, seen, tos, macs, payload):
        time_ns = seen.packet.time_ns
        if self.start is None:
            self.start = time_ns
            self.flags_first, self.tos_first, self.macs = seen.flags or 0, tos, macs
        elif time_ns >= self.last:
            self.gap(time_ns - self.last)
        self.last = time_ns if self.last is None else max(self.last, time_ns)
        # Late packets count in the second that is under way.
        self.second = max(self.second, (time_ns - self.start) // SECOND)
        self.seconds[self.second] = self.seconds.get(self.second, 0) + seen.octets
        self.lengths.append(seen.octets)
        self.ttls.append(seen.ttl)
        self.payload += payload
        self.fragments += seen.fragment is not None
        self.flags_union |= seen.flags or 0
        self.tos_union |= tos

    def count_held(self, seen, tos, payload):
        """A fragment that came before its first one: it counts in the second that is under way
        when that comes, and is no inter-arrival."""
        self.last = max(self.last, seen.packet.time_ns)
        self.seconds[self.second] += seen.octets
        self.lengths.append(seen.octets)
        self.ttls.append(seen.ttl)
        self.payload += payload
        self.fragments += 1
        self.tos_union |= tos

    def gap(self, gap_ns):
        if gap_ns > PAUSE:
            self.pauses += 1
        else:
            self.gaps.append(gap_ns // 1000)

    def values(self):
        """By the names of the elements; a pair (samples, what) for what is rounded."""
        told = {
            "minimumIpTotalLength": min(self.lengths),
            "maximumIpTotalLength": max(self.lengths),
            "octetDeltaSumOfSquares": sum(length * length for length in self.lengths),
            "packetDeltaCount": len(self.lengths),
            "octetDeltaCount": sum(self.lengths),
            "transportOctetDeltaCount": self.payload,
            "minimumTTL": min(self.ttls),
            "maximumTTL": max(self.ttls),
            "fragmentCount": self.fragments,
            "octetsPerSecondMaximum": max(self.seconds.values()),
            "pauseCount": self.pauses,
            "interArrivalCount": len(self.gaps),
            "interArrivalMean": mean(self.gaps),
            "interArrivalDeviation": deviation(self.gaps),
            "interArrivalMaximum": max(self.gaps, default=0),
            "tcpControlBits": self.flags_union,
            "tcpControlBitsFirst": self.flags_first,
            "ipClassOfService": self.tos_first,
            "ipClassOfServiceUnion": self.tos_union,
            "destinationMacAddress": self.macs[0],
            "sourceMacAddress": self.macs[1],
        }
        for index, most in enumerate((*LENGTHS, "More")):
            told[f"packetLength{most}"] = sum(klass(n, LENGTHS) == index for n in self.lengths)
        for index, most in enumerate(TTLS):
            told[f"packetTtl{most}"] = sum(klass(n, TTLS) == index for n in self.ttls)
        return told


class Rounded:
    """The root of a fraction, or the fraction: right to within one unit in the last place."""

    def __init__(self, exact, root):
        self.exact = fractions.Fraction(exact)
        self.root = root

    def power(self, number):
        return fractions.Fraction(number) ** (2 if self.root else 1)

    def __eq__(self, number):
        if not isinstance(number, (int, float)) or number < 0:
            return False
        low, high = math.nextafter(number, -1), math.nextafter(number, math.inf)
        return self.power(max(low, 0)) <= self.exact <= self.power(high)

    def __repr__(self):
        return f"{math.sqrt(self.exact) if self.root else float(self.exact)!r} +- 1 ulp"


def mean(samples):
    return Rounded(fractions.Fraction(sum(samples), len(samples) or 1), root=False)


def deviation(samples):
    """Of the whole population."""
    count = len(samples)
    if not count:
        return Rounded(0, root=True)
    spread = count * sum(sample * sample for sample in samples) - sum(samples) ** 2
    return Rounded(fractions.Fraction(spread, count * count), root=True)
