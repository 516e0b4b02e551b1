/* SPDX-License-Identifier: BSD-2-Clause */
#include "far.h"

#include <CUnit/CUnit.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire.h"

#define WAIT_MS 120000
#define VOLLEY	200 /* frames that the queue on the way has room for, for certain */

struct af_packet *far_open(size_t ring_bytes, enum af_packet_direction direction)
{
	const struct af_packet_options options = {
		.ring_bytes = ring_bytes,
		.promiscuous = true,
		.direction = direction,
		.iface = 1,
	};
	GError *error = NULL;
	struct af_packet *af = af_packet_open(FAR, &options, &error);

	if (!af)
		printf("  %s\n", error->message);
	CU_ASSERT_PTR_NOT_NULL_FATAL(af);
	return af;
}

struct af_packet_counts far_counts(struct af_packet *af)
{
	struct af_packet_counts counts = { 0 };

	CU_ASSERT_TRUE(af_packet_counts(af, &counts, NULL));
	return counts;
}

bool far_wait(const struct af_packet *af)
{
	struct pollfd wait = { .fd = af_packet_fd(af), .events = POLLIN };

	return poll(&wait, 1, WAIT_MS) == 1;
}

guint64 far_read(struct af_packet *af, struct native_meter *meter, guint64 *ret_octets)
{
	struct frame frames[BATCH];
	struct af_packet_counts counts;
	guint64 octets = 0;

	do {
		int count = af_packet_read(af, frames, BATCH, NULL);

		CU_ASSERT_FATAL(count >= 0);
		for (int i = 0; i < count; i++)
			octets += frames[i].length;
		if (meter)
			native_meter_frames(meter, frames, (size_t)count);
		counts = far_counts(af);
		if (count == 0 && counts.packets > counts.drops + counts.read)
			CU_ASSERT_TRUE_FATAL(far_wait(af));
	} while (counts.packets > counts.drops + counts.read);
	if (ret_octets)
		*ret_octets = octets;
	return counts.read;
}

void far_frame(guint8 *frame, guint16 number)
{
	static const guint8 start[] = {
		2,    0,
		0,    0,
		0,    2,
		2,    0,
		0,    0,
		0,    1,
		0x08, 0x00, /* Ethernet */
		0x45, 0,
		0,    FRAME_SIZE - 14,
		0,    0,
		0,    0,
		64,   17,
		0,    0, /* IPv4 */
		192,  0,
		2,    1,
		192,  0,
		2,    2, /* addresses */
		0,    0,
		0,    53,
		0,    FRAME_SIZE - 34,
		0,    0, /* UDP */
	};

	memset(frame, 0, FRAME_SIZE);
	memcpy(frame, start, sizeof(start));
	frame[34] = (guint8)(number >> 8);
	frame[35] = (guint8)number;
}

guint far_try_send(const char *ifname, guint count)
{
	guint8 frame[FRAME_SIZE];
	int fd = wire_sender(ifname);
	guint sent = 0;

	for (guint i = 0; i < count; i++) {
		far_frame(frame, (guint16)(i % 1000));
		sent += send(fd, frame, sizeof(frame), 0) == (ssize_t)sizeof(frame);
	}
	close(fd);
	return sent;
}

void far_send(const char *ifname, guint count)
{
	CU_ASSERT_EQUAL(far_try_send(ifname, count), count);
}

bool far_await(struct af_packet *af, guint64 packets)
{
	const gint64 deadline = g_get_monotonic_time() + WAIT_MS * 1000;

	while (far_counts(af).packets < packets && g_get_monotonic_time() < deadline)
		g_thread_yield();
	return far_counts(af).packets >= packets;
}

void far_send_counted(struct af_packet *af, guint count)
{
	guint64 packets = far_counts(af).packets;

	while (count > 0) {
		const guint volley = MIN(count, (guint)VOLLEY);

		far_send(NEAR, volley);
		packets += volley;
		count -= volley;
		CU_ASSERT_TRUE_FATAL(far_await(af, packets));
	}
}
