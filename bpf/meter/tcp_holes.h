/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Sequence numbers that a side skipped: opened, filled late, or never. */
#ifndef METER_TCP_HOLES_H
#define METER_TCP_HOLES_H

#include "tcp.h"

METER_INLINE bool seq_after(__u32 seq, __u32 mark)
{
	return (__s32)(seq - mark) > 0;
}

METER_INLINE __u32 seq_min(__u32 a, __u32 b)
{
	return seq_after(a, b) ? b : a;
}

METER_INLINE __u32 seq_max(__u32 a, __u32 b)
{
	return seq_after(a, b) ? a : b;
}

/* --- holes --- */

METER_INLINE bool hole_is_open(const struct tcp_hole *hole)
{
	return hole->start != hole->end;
}

METER_INLINE __u8 hole_acked_bit(int i)
{
	return 1 << i;
}

METER_INLINE __u8 hole_told_bit(int i)
{
	return 16 << i;
}

/* A free slot, else the one whose hole opened first: what it missed stays missed. */
METER_INLINE int hole_slot(const struct tcp_track *track)
{
	int slot = 0;

	for (int i = 0; i < TCP_HOLES; i++) {
		if (!hole_is_open(&track->hole[i]))
			return i;
		if (track->hole[i].opened_ns < track->hole[slot].opened_ns)
			slot = i;
	}
	return slot;
}

METER_INLINE void hole_open(struct flow_tcp *me, __u32 start, __u32 end, __u64 now_ns)
{
	int i = hole_slot(&me->track) & (TCP_HOLES - 1);
	struct tcp_hole *hole = &me->track.hole[i];

	hole->start = start;
	hole->end = end;
	hole->opened_ns = now_ns;
	me->track.holes &= ~(hole_acked_bit(i) | hole_told_bit(i));
	me->tally.unseen_octets += end - start;
}

/* Octets of hole i came after all. */
METER_INLINE void hole_found(struct flow_tcp *me, int i, __u32 octets)
{
	if (me->track.holes & hole_told_bit(i))
		return;
	me->tally.unseen_octets -= octets;
	if (me->track.holes & hole_acked_bit(i))
		me->tally.gap_octets -= octets;
}

/* The rest of a hole behind a segment that filled its middle. */
METER_INLINE void hole_split(struct flow_tcp *me, int from, __u32 start, __u32 end)
{
	struct tcp_track *track = &me->track;

	for (int i = 0; i < TCP_HOLES; i++) {
		if (hole_is_open(&track->hole[i]))
			continue;
		track->hole[i].start = start;
		track->hole[i].end = end;
		track->hole[i].opened_ns = track->hole[from & (TCP_HOLES - 1)].opened_ns;
		track->holes &= ~(hole_acked_bit(i) | hole_told_bit(i));
		if (track->holes & hole_acked_bit(from))
			track->holes |= hole_acked_bit(i);
		if (track->holes & hole_told_bit(from))
			track->holes |= hole_told_bit(i);
		return;
	}
}

/* The part of hole i that a segment covers is filled. */
METER_INLINE void hole_fill(struct flow_tcp *me, int i, __u32 seq, __u32 end)
{
	struct tcp_hole *hole = &me->track.hole[i];
	__u32 from = seq_max(seq, hole->start);
	__u32 to = seq_min(end, hole->end);
	__u32 rest = hole->end;

	if (!hole_is_open(hole) || !seq_after(to, from))
		return;
	hole_found(me, i, to - from);
	if (from == hole->start) {
		hole->start = to;
		return;
	}
	hole->end = from;
	if (to != rest)
		hole_split(me, i, to, rest);
}

/* The parts of holes that a segment covers are filled. A step of its own: kernel 6.1 refuses a loop
 * whose end falls through to its beginning, as the compiler lays this one out in its caller. */
METER_STEP int holes_fill(struct flow_tcp *me, __u32 seq, __u32 end)
{
	if (!me)
		return 0;
	for (int i = 0; i < TCP_HOLES; i++)
		hole_fill(me, i, seq, end);
	return 0;
}

/* How long ago did the hole open that this octet is in? ~0: it is in none. A packet from before
 * the hole was late for certain. */
METER_INLINE __u64 hole_age(const struct tcp_track *track, __u32 seq, __u64 now_ns)
{
	for (int i = 0; i < TCP_HOLES; i++) {
		const struct tcp_hole *hole = &track->hole[i];

		if (hole_is_open(hole) && seq_reached(seq, hole->start) &&
		    seq_after(hole->end, seq))
			return (__s64)(now_ns - hole->opened_ns) < 0 ? 0 : now_ns - hole->opened_ns;
	}
	return ~0ULL;
}

#endif
