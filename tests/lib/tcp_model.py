# SPDX-License-Identifier: BSD-2-Clause
"""DESIGN 4.3 as a small program of its own: what one TCP connection's packets say of both sides.

Sequence numbers become whole numbers that never wrap, holes a list of stretches, times a list of
samples; nothing here is shaped by what a kernel can hold, but for the four holes a side.

Where the page is silent:
  holes        Four places a side. A fifth takes that of the oldest, the first of several as old;
               the rest of one that was filled in its middle takes the first that is free, or is
               forgotten. What is forgotten stays
               unseen, and is a retransmission if it comes after all. Late or sent again: the
               hole of a segment's first octet tells.
  records      Unseen octets and capture gaps are of the record in which the hole opened; once
               that is out, neither is counted nor taken back.
  a gap        is counted when an acknowledgement covers the hole whole.
  RST          has no place in the stream, and its window is no offer.
  SYN          with another number begins the stream anew; without ACK the other side's as well.
               Its window is not scaled, and counts for one thing: from there it can close.
  options      are read of SYNs only, so that an ACK never names one of several SYN+ACKs.
  Karn         Whatever is sent again ends the timing of the segment under way.
  response     Ends with the first data that is new. A request sent again before that was last
               sent then; answers sent again say nothing.
"""

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
REORDERING_NS = 3_000_000  # where the handshake tells nothing
HOLES = 4
NEW, LATE, AGAIN, ALIVE, NONE = "new", "late", "again", "keep-alive", "nothing"
MOST_US = 0xFFFFFFFE  # the highest number stands for no number


def microseconds(ns):
    """Whole microseconds of a span; one that ran backwards is none."""
    return min(max(ns, 0) // 1000, MOST_US)


class Segment:
    """One TCP packet: header is what was captured of it, at least the flags."""

    __slots__ = ("time", "flags", "seq", "ack", "window", "payload", "ce",
                 "mss", "scale", "sack", "stamp")  # fmt: skip

    def __init__(self, header, payload, ce, time):
        self.time = time
        self.seq = int.from_bytes(header[4:8], "big")
        self.ack = int.from_bytes(header[8:12], "big")
        self.flags = (header[12] & 15) << 8 | header[13]
        self.window = int.from_bytes(header[14:16], "big") if len(header) >= 16 else 0
        self.payload = payload
        self.ce = ce
        self.mss = self.scale = self.stamp = None  # stamp: value and echo
        self.sack = False
        if self.says(SYN):
            self.read_options(header[20 : (header[12] >> 4) * 4])

    def read_options(self, options):
        """A length that leads nowhere ends them."""
        while options and options[0] != 0:
            if options[0] == 1:
                options = options[1:]
                continue
            if len(options) < 2 or not 2 <= options[1] <= len(options):
                return
            body = options[2 : options[1]]
            if options[0] == 2 and len(body) == 2:
                self.mss = body[0] << 8 | body[1]
            elif options[0] == 3 and len(body) == 1:
                self.scale = min(body[0], 14)  # RFC 7323, 2.3
            elif options[0] == 4 and not body:
                self.sack = True
            elif options[0] == 8 and len(body) == 8:
                self.stamp = int.from_bytes(body[:4], "big"), int.from_bytes(body[4:], "big")
            options = options[options[1] :]

    def says(self, flags):
        return bool(self.flags & flags)

    def span(self):
        return self.payload + self.says(SYN) + self.says(FIN)


class Hole:
    """Numbers skipped and not seen since."""

    def __init__(self, start, end, opened):
        self.start = start
        self.end = end
        self.opened = opened
        self.acked = False  # counted as a gap
        self.told = False  # in a record that is out

    def rest(self, start, end):
        """What is left of it, or None."""
        if start >= end:
            return None
        part = Hole(start, end, self.opened)
        part.acked, part.told = self.acked, self.told
        return part


COUNTS = (
    "retransmitted", "retransmitted_octets", "syn_retransmissions", "out_of_order",
    "unseen_octets", "gap_octets", "duplicate_acks", "keep_alives", "zero_windows",
    "zero_window_ns", "ce", "syns", "fins", "rsts",
)  # fmt: skip


class Tally:
    """What one record tells of one side."""

    def __init__(self):
        self.windows = []
        self.rtts = []  # microseconds
        self.responses = []
        for name in COUNTS:
            setattr(self, name, 0)


class Stream:
    """What one side has sent so far, through all records of the flow."""

    def __init__(self):
        self.begin_anew()

    def begin_anew(self):
        self.next = None
        self.isn = None
        self.syns = []  # every SYN sent
        self.shook = False  # it acknowledged the other side's SYN
        self.handshake = None  # and took so many microseconds
        self.places = [None] * HOLES
        self.acked = None  # the last acknowledgement, with the window of the same packet
        self.timed = None  # end and time of the segment that waits for its acknowledgement
        self.data_time = None
        self.spoke_last = False
        self.offered = False  # an open window, which can close
        self.zero_since = None  # up to here the closed window is counted

    @property
    def holes(self):
        return [hole for hole in self.places if hole]

    def place(self, number):
        """Where a 32-bit number lies, taken to be within half the space of next."""
        off = (number - self.next) & 0xFFFFFFFF
        return self.next + (off - 2**32 if off >= 2**31 else off)

    def scale(self):
        return self.syns[0].scale if self.syns else None

    def answers(self):
        return any(syn.says(ACK) for syn in self.syns)

    def syn_named_by(self, segment):
        """Was the last SYN sent once, or is it the one a time stamp echoes?"""
        if len(self.syns) == 1 or not self.syns_repeated():
            return True
        stamps = [syn.stamp and syn.stamp[0] for syn in self.syns]
        clear = all(now is not None and now != old for old, now in zip(stamps, stamps[1:]))
        return clear and segment.stamp is not None and segment.stamp[1] == stamps[-1]

    def syns_repeated(self):
        """A SYN that comes back as SYN+ACK, in a simultaneous open, is not the same again."""
        kinds = [syn.says(ACK) for syn in self.syns]
        return kinds != [False, True]

    def syn_time(self):
        """Of the SYN that an answer is to."""
        return self.syns[-1 if self.syns_repeated() else 0].time


class Connection:
    """Both sides of a flow; tallies are of the record."""

    def __init__(self, ends):
        self.streams = {end: Stream() for end in ends}
        self.tallies = {end: Tally() for end in ends}

    def new_record(self):
        self.tallies = {end: Tally() for end in self.streams}
        for stream in self.streams.values():
            for hole in stream.holes:
                hole.told = True

    def feed(self, end, other, segment):
        stream, peer = self.streams[end], self.streams[other]
        tally = self.tallies[end]
        tally.ce += segment.ce
        tally.syns += segment.says(SYN)
        tally.fins += segment.says(FIN)
        tally.rsts += segment.says(RST)
        if segment.says(RST):
            return
        if segment.says(SYN):
            self.shake(stream, peer, segment)
        kind = self.follow(stream, tally, segment)
        if segment.payload and kind != ALIVE:
            self.speak(stream, peer, tally, segment, kind)
        if not segment.says(ACK):
            return
        if not segment.says(SYN | FIN):
            self.offer(stream, peer, tally, segment)
        self.acknowledge(stream, peer, self.tallies[other], tally, segment, kind)

    def shake(self, stream, peer, segment):
        if stream.next is not None and stream.isn != segment.seq:
            stream.begin_anew()
            if not segment.says(ACK):
                peer.begin_anew()
        stream.isn = segment.seq
        stream.syns.append(segment)
        stream.offered |= segment.window > 0

    def follow(self, stream, tally, segment):
        """What the segment is to its side's stream."""
        kind = NEW if segment.span() else NONE
        if stream.next is None:
            stream.next = segment.seq + segment.span()
            if stream.isn is None:
                stream.isn = (segment.seq - 1) & 0xFFFFFFFF
            return kind
        start = stream.place(segment.seq)
        end = start + segment.span()
        if start == stream.next - 1 and segment.payload <= 1 and not segment.says(SYN | FIN):
            tally.keep_alives += 1
            return ALIVE
        if start > stream.next:
            self.open_hole(stream, tally, start, segment.time)
        elif start < stream.next and segment.span():
            kind = self.below(stream, tally, segment, start)
        stream.next = max(stream.next, end)
        return kind

    def open_hole(self, stream, tally, end, time):
        if None in stream.places:
            place = stream.places.index(None)
        else:
            place = stream.places.index(min(stream.holes, key=lambda hole: hole.opened))
        stream.places[place] = Hole(stream.next, end, time)
        tally.unseen_octets += end - stream.next

    def below(self, stream, tally, segment, start):
        """A segment that starts below next: late, or sent again."""
        late = any(hole.start <= start < hole.end
                   and segment.time - hole.opened <= self.reordering_ns()
                   for hole in stream.holes)  # fmt: skip
        end = start + segment.span()
        self.fill(stream, tally, start, end)
        if late:
            tally.out_of_order += 1
            return LATE
        tally.retransmitted += 1
        data = start + segment.says(SYN)
        tally.retransmitted_octets += max(min(data + segment.payload, stream.next) - data, 0)
        tally.syn_retransmissions += segment.says(SYN)
        return AGAIN

    def fill(self, stream, tally, start, end):
        for hole in stream.holes:
            low, high = max(hole.start, start), min(hole.end, end)
            if low >= high:
                continue
            if not hole.told:
                tally.unseen_octets -= high - low
                tally.gap_octets -= (high - low) * hole.acked
            before, behind = hole.rest(hole.start, low), hole.rest(high, hole.end)
            stream.places[stream.places.index(hole)] = before or behind
            if before and behind and None in stream.places:
                stream.places[stream.places.index(None)] = behind

    def reordering_ns(self):
        known = [side.handshake for side in self.streams.values() if side.handshake is not None]
        return sum(known) * 1000 if known else REORDERING_NS

    def speak(self, stream, peer, tally, segment, kind):
        if kind == AGAIN:
            stream.timed = None
        if kind == NEW and stream.timed is None:
            stream.timed = stream.next - segment.says(FIN), segment.time
        if peer.spoke_last and kind != NEW:
            return
        if peer.spoke_last:
            tally.responses.append(microseconds(segment.time - peer.data_time))
        stream.data_time = segment.time
        stream.spoke_last, peer.spoke_last = True, False

    def offer(self, stream, peer, tally, segment):
        scaled = stream.scale() is not None and peer.scale() is not None
        tally.windows.append(segment.window << stream.scale() if scaled else segment.window)
        if stream.zero_since is not None:
            tally.zero_window_ns += max(segment.time - stream.zero_since, 0)
            stream.zero_since = max(segment.time, stream.zero_since)
            if segment.window:
                stream.zero_since = None
        elif segment.window == 0 and stream.offered:
            tally.zero_windows += 1
            stream.zero_since = segment.time
        stream.offered |= segment.window > 0

    def acknowledge(self, stream, peer, peer_tally, tally, segment, kind):
        if peer.next is not None:
            ack = peer.place(segment.ack)
            if peer.timed and ack >= peer.timed[0]:
                tally.rtts.append(microseconds(segment.time - peer.timed[1]))
                peer.timed = None
            self.answer_syn(stream, peer, segment)
            self.find_gaps(peer, peer_tally, ack)
            same = stream.acked == (segment.ack, segment.window)
            tally.duplicate_acks += same and kind == NONE and peer.next > ack
        stream.acked = segment.ack, segment.window

    def answer_syn(self, stream, peer, segment):
        """The first acknowledgement of the other side's SYN: by SYN+ACK, or of a SYN+ACK."""
        beyond = (segment.ack - peer.isn) & 0xFFFFFFFF
        if stream.shook or not peer.syns or not 0 < beyond < 2**31:
            return
        answer = segment.says(SYN) or peer.answers()
        if not answer and not stream.syns:
            return
        stream.shook = True  # where the answer came before the SYN, the time is not known
        if answer and peer.syn_named_by(segment):
            stream.handshake = microseconds(segment.time - peer.syn_time())

    def find_gaps(self, peer, peer_tally, ack):
        for hole in peer.holes:
            if not hole.acked and ack >= hole.end:
                hole.acked = True
                if not hole.told:
                    peer_tally.gap_octets += hole.end - hole.start
