/* SPDX-License-Identifier: BSD-2-Clause */
/* Any octets as a frame of any link type: its link headers come off, copies are found, the meter
 * takes the rest. Nothing is read beyond the frame, and it is in exactly one account with all its
 * octets; again, it is a copy.
 *
 * An input is the link type (big-endian) and the frame. */
#include <stdint.h>
#include <string.h>

#include "base/buffer.h"
#include "capture/native_meter.h"
#include "capture/sieve.h"

#define NOW_NS 1500000000000000000ULL

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* NOLINT: libFuzzer's name */

static void ignore(void *data, struct flow_batch *batch)
{
	*(guint64 *)data += batch->count;
}

static guint64 packets_of(const struct meter_counts *counts, guint64 *ret_octets)
{
	guint64 packets = 0;

	for (int v = 0; v < METER_VERDICTS; v++) {
		packets += counts->packets[v];
		*ret_octets += counts->frame_octets[v];
	}
	return packets;
}

static void take(struct sieve *sieve, struct native_meter *meter, struct frame frame)
{
	native_meter_frames(meter, &frame, sieve_frames(sieve, &frame, 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) /* NOLINT */
{
	const struct sieve_options sift = { .dedup = { .window_ns = 10, .packets = 8 } };
	guint64 records = 0;
	const struct native_options native = { .idle_ns = FLOW_SECOND_NS,
					       .active_ns = FLOW_SECOND_NS,
					       .max_flows = 4,
					       .detail = FLOW_DETAIL_FULL,
					       .sink = ignore,
					       .data = &records };
	struct sieve *sieve;
	struct native_meter *meter;
	guint64 octets = 0;

	if (size < 2)
		return 0;
	sieve = sieve_new(&sift, NULL);
	meter = native_meter_new(&native, NULL);
	{
		const guint16 linktype = load_be16(data);
		/* An exact copy on the heap, so that one octet too far is caught. */
		g_autofree guint8 *own = g_malloc(MAX(size - 2, (size_t)1));
		const struct frame frame = { .data = own,
					     .captured = (guint32)size - 2,
					     .length = (guint32)size + 98,
					     .time_ns = NOW_NS,
					     .iface = 1,
					     .linktype = linktype,
					     .link = linktype == 1 ? METER_LINK_ETHERNET
								   : METER_LINK_OTHER };

		memcpy(own, data + 2, size - 2);
		take(sieve, meter, frame);
		take(sieve, meter, frame);
	}
	native_meter_finish(meter);
	g_assert_cmpuint(packets_of(native_meter_counts(meter), &octets) +
				 packets_of(sieve_counts(sieve), &octets),
			 ==, 2);
	g_assert_cmpuint(octets, ==, 2 * (size + 98));
	/* What went on to the meter once is a copy the second time. */
	g_assert_cmpuint(packets_of(native_meter_counts(meter), &octets), <=, 1);
	g_assert_cmpuint(records, <=, 1);
	native_meter_free(meter);
	sieve_free(sieve);
	return 0;
}
