/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames sent into one end of a wire, read by a packet socket at the other, metered natively. */
#include <linux/if_ether.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture/capture_file.h"
#include "far.h"
#include "unit.h"
#include "wire.h"

/* What metering came to: packets and octets a key, over all records, and the counters. */
struct result {
	GHashTable *flows; /* struct flow_key to struct sum */
	struct meter_counts counts;
};

struct sum {
	guint64 packets;
	guint64 octets;
	guint64 payload;
};

static guint key_hash_of(gconstpointer key)
{
	g_autoptr(GBytes) bytes = g_bytes_new_static(key, sizeof(struct flow_key));

	return g_bytes_hash(bytes);
}

static gboolean key_same(gconstpointer a, gconstpointer b)
{
	return memcmp(a, b, sizeof(struct flow_key)) == 0;
}

static void add_record(GHashTable *flows, const struct flow *flow)
{
	struct sum *sum = g_hash_table_lookup(flows, &flow->key);

	if (!sum) {
		sum = g_new0(struct sum, 1);
		g_hash_table_insert(flows, g_memdup2(&flow->key, sizeof(flow->key)), sum);
	}
	sum->packets += flow_packets(flow);
	sum->octets += flow_octets(flow);
	sum->payload += flow->side[0].payload + flow->side[1].payload;
}

static void take_batch(void *data, struct flow_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		add_record(data, &batch->records[i].flow);
}

static struct native_meter *meter_new(struct result *result)
{
	const struct native_options options = {
		.idle_ns = 15 * FLOW_SECOND_NS,
		.active_ns = 60 * FLOW_SECOND_NS,
		.max_flows = 100000,
		.detail = FLOW_DETAIL_BASIC,
		.seed = 7,
		.sink = take_batch,
		.data = result->flows =
			g_hash_table_new_full(key_hash_of, key_same, g_free, g_free),
	};
	struct native_meter *meter = native_meter_new(&options, NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(meter);
	return meter;
}

static void meter_end(struct native_meter *meter, struct result *result)
{
	native_meter_finish(meter);
	result->counts = *native_meter_counts(meter);
	native_meter_free(meter);
}

static void assert_same(const char *what, const struct result *sent, const struct result *read)
{
	GHashTableIter iter;
	gpointer key;
	gpointer value;
	bool same = memcmp(&sent->counts, &read->counts, sizeof(sent->counts)) == 0 &&
		    g_hash_table_size(sent->flows) == g_hash_table_size(read->flows);

	g_hash_table_iter_init(&iter, sent->flows);
	while (g_hash_table_iter_next(&iter, &key, &value)) {
		const struct sum *other = g_hash_table_lookup(read->flows, key);

		same &= other && memcmp(value, other, sizeof(*other)) == 0;
	}
	if (!same)
		printf("  %s: what was read is not what was sent\n", what);
	CU_ASSERT_TRUE(same);
}

static void result_clear(struct result *result)
{
	g_hash_table_unref(result->flows);
}

/* Sends the frames of a capture that a wire can carry, and meters them as they are in the file but
 * for their times: those are near each other here as they are there. */
static guint64 send_capture(const char *path, struct af_packet *af, struct native_meter *meter,
			    guint64 *ret_octets)
{
	struct capture_file *file = capture_file_open(path, NULL);
	int fd = wire_sender(NEAR);
	struct frame frame;
	guint64 sent = 0;

	*ret_octets = 0;
	while (file && capture_file_read(file, &frame, 1, NULL) == 1) {
		if (frame.link != METER_LINK_ETHERNET || frame.captured < ETH_HLEN ||
		    send(fd, frame.data, frame.captured, 0) != (ssize_t)frame.captured)
			continue;
		frame.length = frame.captured;
		frame.time_ns = FLOW_SECOND_NS + sent++ * 1000;
		frame.iface = 1;
		*ret_octets += frame.length;
		native_meter_frames(meter, &frame, 1);
		if (sent % 100 == 0)
			CU_ASSERT_TRUE_FATAL(far_await(af, sent));
	}
	CU_ASSERT_TRUE(far_await(af, sent));
	capture_file_free(file);
	close(fd);
	return sent;
}

static guint64 check_capture(const char *name)
{
	g_autofree char *path = g_build_filename(TEST_DATA "/pcap", name, NULL);
	struct af_packet *af = far_open(64 << 20, AF_PACKET_IN);
	struct result sent;
	struct result read;
	struct native_meter *sent_meter = meter_new(&sent);
	struct native_meter *read_meter = meter_new(&read);
	guint64 sent_octets;
	guint64 read_octets;
	guint64 count = send_capture(path, af, sent_meter, &sent_octets);

	CU_ASSERT_EQUAL(far_read(af, read_meter, &read_octets), count);
	CU_ASSERT_EQUAL(far_counts(af).drops, 0);
	CU_ASSERT_EQUAL(read_octets, sent_octets);
	meter_end(sent_meter, &sent);
	meter_end(read_meter, &read);
	assert_same(name, &sent, &read);
	result_clear(&sent);
	result_clear(&read);
	af_packet_free(af);
	return count;
}

static void test_captures(void)
{
	GDir *dir = g_dir_open(TEST_DATA "/pcap", 0, NULL);
	guint64 frames = 0;
	const char *name;

	CU_ASSERT_PTR_NOT_NULL_FATAL(dir);
	wire_lay();
	while ((name = g_dir_read_name(dir))) {
		if (strstr(name, ".pcap"))
			frames += check_capture(name);
	}
	wire_remove();
	g_dir_close(dir);
	CU_ASSERT(frames > 10000);
}

/* Two tags: the outer one leaves the frame before the socket sees it, the inner one stays. */
static void test_tags(void)
{
	static const guint8 tags[] = { 0x81, 0x00, 0xa0, 0x7b, 0x81, 0x00, 0x00, 0x07 };
	guint8 frame[FRAME_SIZE + sizeof(tags)];
	struct frame read = { 0 };
	struct af_packet *af;
	int fd;

	wire_lay();
	af = far_open(0, AF_PACKET_BOTH);
	fd = wire_sender(NEAR);
	far_frame(frame + sizeof(tags), 1);
	memmove(frame, frame + sizeof(tags), 12);
	memcpy(frame + 12, tags, sizeof(tags));
	CU_ASSERT_EQUAL(send(fd, frame, sizeof(frame), 0), (ssize_t)sizeof(frame));
	CU_ASSERT_TRUE_FATAL(far_wait(af));
	CU_ASSERT_EQUAL_FATAL(af_packet_read(af, &read, 1, NULL), 1);
	CU_ASSERT_EQUAL(read.vlan, 0xa07b);
	CU_ASSERT_EQUAL(read.tag, 0x8100);
	CU_ASSERT_EQUAL(read.captured, sizeof(frame) - 4);
	CU_ASSERT_EQUAL(read.length, sizeof(frame));
	CU_ASSERT_EQUAL(memcmp(read.data + 12, tags + 4, 4), 0);
	CU_ASSERT_EQUAL(read.link, METER_LINK_ETHERNET);
	CU_ASSERT(ABS((gint64)read.time_ns / 1000 - g_get_real_time()) < 60 * G_USEC_PER_SEC);
	close(fd);
	af_packet_free(af);
	wire_remove();
}

static void check_direction(enum af_packet_direction direction, guint in, guint out)
{
	struct af_packet *af = far_open(0, direction);
	struct frame frames[BATCH];
	guint seen[2] = { 0 };
	int count;

	far_send(NEAR, 30);
	far_send(FAR, 20);
	while (seen[0] + seen[1] < in + out) {
		CU_ASSERT_TRUE_FATAL(far_wait(af));
		count = af_packet_read(af, frames, BATCH, NULL);
		CU_ASSERT_FATAL(count >= 0);
		for (int i = 0; i < count; i++)
			seen[frames[i].outgoing]++;
	}
	CU_ASSERT_EQUAL(seen[0], in);
	CU_ASSERT_EQUAL(seen[1], out);
	CU_ASSERT_EQUAL(far_counts(af).packets, in + out);
	af_packet_free(af);
}

static void test_directions(void)
{
	wire_lay();
	check_direction(AF_PACKET_BOTH, 30, 20);
	check_direction(AF_PACKET_IN, 30, 0);
	check_direction(AF_PACKET_OUT, 0, 20);
	wire_remove();
}

/* Nobody reads while the frames come: most are dropped, every one is accounted. */
static void test_drops(void)
{
	enum {
		SENT = 20000
	};
	struct af_packet *af;
	struct af_packet_counts counts;
	struct result read;
	struct native_meter *meter = meter_new(&read);
	guint64 octets;

	wire_lay();
	af = far_open(1, AF_PACKET_IN);
	far_send_counted(af, SENT);
	far_read(af, meter, &octets);
	counts = far_counts(af);
	CU_ASSERT(counts.drops > 0);
	CU_ASSERT(counts.read > 0);
	CU_ASSERT_EQUAL(counts.read + counts.drops, SENT);
	CU_ASSERT_EQUAL(counts.packets, SENT);
	CU_ASSERT_EQUAL(octets + counts.drops * FRAME_SIZE, SENT * FRAME_SIZE);
	CU_ASSERT_EQUAL(wire_count(FAR, "rx", "packets"), SENT);
	CU_ASSERT_EQUAL(wire_count(FAR, "rx", "bytes"), SENT * FRAME_SIZE);
	/* The next read gives the blocks back that the last one held: there is room again. */
	CU_ASSERT_EQUAL(af_packet_read(af, &(struct frame){ 0 }, 1, NULL), 0);
	far_send_counted(af, 5);
	CU_ASSERT_EQUAL(far_read(af, meter, NULL), counts.read + 5);
	meter_end(meter, &read);
	CU_ASSERT_EQUAL(read.counts.packets[METER_OK], counts.read + 5);
	result_clear(&read);
	af_packet_free(af);
	wire_remove();
}

/* Reads one at a time while sending, many times around a small ring. */
static void test_around(void)
{
	struct af_packet *af;
	guint64 sent = 0;

	wire_lay();
	af = far_open(64 << 10, AF_PACKET_IN);
	for (int turn = 0; turn < 50; turn++) {
		struct frame frame;

		/* Gives back what was read last. */
		CU_ASSERT_EQUAL(af_packet_read(af, &frame, 1, NULL), 0);
		far_send_counted(af, 100);
		sent += 100;
		while (far_counts(af).read + far_counts(af).drops < sent) {
			int count = af_packet_read(af, &frame, 1, NULL);

			CU_ASSERT_FATAL(count >= 0);
			if (count == 0)
				CU_ASSERT_TRUE_FATAL(far_wait(af));
			CU_ASSERT(count == 0 || frame.captured == FRAME_SIZE);
		}
	}
	/* A block that is closed late, where the machine is busy, leaves no room. */
	CU_ASSERT_EQUAL(far_counts(af).read + far_counts(af).drops, sent);
	CU_ASSERT(far_counts(af).read > sent / 2);
	CU_ASSERT_EQUAL(far_counts(af).packets, sent);
	af_packet_free(af);
	wire_remove();
}

static gpointer send_near(gpointer count)
{
	return GUINT_TO_POINTER(far_try_send(NEAR, GPOINTER_TO_UINT(count)));
}

/* Two senders at once, and a reader that is in their way: what is read and what is dropped is, at
 * the end, what the interface received. */
static void test_under_fire(void)
{
	enum {
		SENT = 100000
	};
	GThread *senders[2];
	struct af_packet *af;
	struct af_packet_counts counts;
	guint64 sent = 0;
	guint64 octets = 0;

	wire_lay();
	af = far_open(32 << 10, AF_PACKET_IN);
	for (int i = 0; i < 2; i++)
		senders[i] = g_thread_new("sender", send_near, GUINT_TO_POINTER(SENT));
	while (far_counts(af).packets < SENT) {
		guint64 more;

		far_read(af, NULL, &more);
		octets += more;
	}
	for (int i = 0; i < 2; i++)
		sent += GPOINTER_TO_UINT(g_thread_join(senders[i]));
	/* The last ones may still be on their way from one end to the other. */
	do {
		guint64 more;

		far_read(af, NULL, &more);
		octets += more;
		counts = far_counts(af);
	} while (counts.packets + wire_count(FAR, "rx", "dropped") < sent);
	CU_ASSERT_EQUAL(far_counts(af).packets, counts.packets);
	CU_ASSERT_EQUAL(sent, 2 * SENT);
	CU_ASSERT_EQUAL(counts.packets, wire_count(FAR, "rx", "packets"));
	CU_ASSERT_EQUAL(counts.packets + wire_count(FAR, "rx", "dropped"), sent);
	CU_ASSERT_EQUAL(counts.read + counts.drops, counts.packets);
	CU_ASSERT_EQUAL(octets, counts.read * FRAME_SIZE);
	CU_ASSERT(counts.read > 0);
	af_packet_free(af);
	wire_remove();
}

static CU_TestInfo tests[] = {
	{ "what is sent is metered, to the packet and the octet", test_captures },
	{ "a tag that the kernel took out is still known", test_tags },
	{ "both directions are told apart, or one chosen", test_directions },
	{ "frames read and frames dropped are the frames sent", test_drops },
	{ "under fire from two sides nothing is unaccounted", test_under_fire },
	{ "a small ring goes around and around", test_around },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "frames of a packet socket", wire_enter, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
