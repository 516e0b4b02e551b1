/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Nanoseconds to microseconds without a division, which the BPF back end would really make. */
#ifndef METER_UNITS_H
#define METER_UNITS_H

#include "ctx.h"

/* n / 1000 for any 32-bit n. */
METER_INLINE __u32 thousandth(__u32 n)
{
	return ((__u64)n * 274877907) >> 38;
}

/* Whole microseconds; what no 32-bit number of them can say (71 minutes) is as much as can be
 * said, less the value that stands for "none". A negative difference is none at all. */
METER_INLINE __u32 ns_to_us(__u64 ns)
{
	if (ns < (1ULL << 32))
		return thousandth(ns);
	if ((__s64)ns < 0)
		return 0;
	return ns / 1000 < 0xfffffffe ? ns / 1000 : 0xfffffffe;
}

#endif
