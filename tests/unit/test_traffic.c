/* SPDX-License-Identifier: BSD-2-Clause */
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"
#include "setup/bench/traffic.h"
#include "unit.h"

#define FNV_BASIS 0xcbf29ce484222325
#define FNV_PRIME 0x100000001b3

/* What a run came to: everything sent, and what the flows said at their ends. */
struct run {
	struct traffic_totals totals;
	guint64 digest; /* over octets, lengths and times */
	guint64 flows_done;
	guint64 flow_packets;
	guint64 flow_octets;
	guint64 flow_largest;
	guint64 by_proto[256]; /* flows */
	guint64 ipv6;
	guint64 tagged;
	guint64 one_way;
	GHashTable *keys; /* set of GBytes */
};

static void note_flow(void *data, const struct traffic_flow *flow)
{
	struct run *run = data;
	guint64 packets = flow->packets[0] + flow->packets[1];

	run->flows_done++;
	run->flow_packets += packets;
	run->flow_octets += flow->octets[0] + flow->octets[1];
	run->flow_largest = MAX(run->flow_largest, packets);
	run->by_proto[flow->proto]++;
	run->ipv6 += flow->version == 6;
	run->tagged += flow->vlan != 0;
	run->one_way += flow->packets[1] == 0;
	CU_ASSERT_TRUE(flow->first_ns <= flow->last_ns);
	CU_ASSERT_TRUE(flow->first_ns < flow->last_ns || packets == 1);
	g_hash_table_add(run->keys,
			 g_bytes_new(flow->address, sizeof(flow->address) + sizeof(flow->port)));
}

static guint64 digest(guint64 sum, const void *octets, size_t length)
{
	const guint8 *at = octets;

	for (size_t i = 0; i < length; i++)
		sum = (sum ^ at[i]) * FNV_PRIME;
	return sum;
}

static struct traffic_options options_of(const char *kind, guint64 packets)
{
	return (struct traffic_options){ .kind = traffic_kind_by_name(kind),
					 .packets = packets,
					 .seed = 7 };
}

static void run_start(struct run *ret_run)
{
	memset(ret_run, 0, sizeof(*ret_run));
	ret_run->digest = FNV_BASIS;
	ret_run->keys = g_hash_table_new_full(g_bytes_hash, g_bytes_equal,
					      (GDestroyNotify)g_bytes_unref, NULL);
}

static void run_all(struct traffic_options options, struct run *ret_run)
{
	struct traffic *traffic;
	struct frame frame;
	guint64 last_ns = 0;

	run_start(ret_run);
	options.flow_done = note_flow;
	options.data = ret_run;
	traffic = traffic_new(&options);
	while (traffic_next(traffic, &frame)) {
		CU_ASSERT_TRUE(frame.time_ns > last_ns);
		CU_ASSERT_TRUE(frame.captured <= frame.length);
		CU_ASSERT_TRUE(frame.length >= 60 && frame.length <= 1514);
		last_ns = frame.time_ns;
		ret_run->digest = digest(ret_run->digest, frame.data, frame.captured);
		ret_run->digest = (ret_run->digest ^ frame.time_ns) * FNV_PRIME;
		ret_run->digest = (ret_run->digest ^ frame.length) * FNV_PRIME;
	}
	ret_run->totals = *traffic_totals(traffic);
	traffic_free(traffic);
}

static void run_end(struct run *run)
{
	g_hash_table_unref(run->keys);
}

static void check_same(struct traffic_options options, guint64 other_seed)
{
	struct run one;
	struct run again;
	struct run other;

	run_all(options, &one);
	run_all(options, &again);
	options.seed = other_seed;
	run_all(options, &other);
	CU_ASSERT_EQUAL(one.digest, again.digest);
	CU_ASSERT_NOT_EQUAL(one.digest, other.digest);
	CU_ASSERT_EQUAL(one.totals.packets, other.totals.packets);
	run_end(&one);
	run_end(&again);
	run_end(&other);
}

static void test_same_seed(void)
{
	for (size_t i = 0; i < traffic_kinds_count; i++)
		check_same(options_of(traffic_kinds[i].name, 3000), 8);
}

/* Written down: a run that depends on the machine or the compiler would give another one. */
static void test_known_octets(void)
{
	struct run run;

	run_all(options_of("mix", 2000), &run);

	CU_ASSERT_EQUAL(run.digest, 0x6522b6d776a7c280);
	run_end(&run);
}

static void check_counts(const char *kind, guint64 packets, guint64 flows)
{
	struct traffic_options options = options_of(kind, packets);
	struct run run;

	options.flows = flows;
	run_all(options, &run);
	CU_ASSERT_EQUAL(run.totals.packets, packets);
	CU_ASSERT_EQUAL(run.totals.flows, flows);
	CU_ASSERT_EQUAL(run.flows_done, flows);
	CU_ASSERT_EQUAL(run.flow_packets, packets);
	CU_ASSERT_EQUAL(run.flow_octets, run.totals.octets);
	CU_ASSERT_EQUAL(g_hash_table_size(run.keys), flows);
	CU_ASSERT_TRUE(run.totals.captured <= run.totals.on_wire);
	run_end(&run);
}

static void test_counts(void)
{
	check_counts("mix", 5000, 300);
	check_counts("mix", 1, 1);
	check_counts("mix", 700, 700);
	check_counts("small", 4000, 2000);
	check_counts("elephants", 6000, 20);
	check_counts("elephants", 1001, 7);
}

static void test_mix_shape(void)
{
	struct run run;

	run_all(options_of("mix", 20000), &run);
	CU_ASSERT_EQUAL(run.totals.flows, 1200);
	CU_ASSERT_TRUE(run.by_proto[IPPROTO_TCP] > run.totals.flows / 4);
	CU_ASSERT_TRUE(run.by_proto[IPPROTO_UDP] > run.totals.flows / 4);
	CU_ASSERT_TRUE(run.by_proto[IPPROTO_ICMP] > 0);
	CU_ASSERT_TRUE(run.by_proto[IPPROTO_ICMPV6] > 0);
	CU_ASSERT_TRUE(run.ipv6 > run.totals.flows / 12 && run.ipv6 < run.totals.flows / 4);
	CU_ASSERT_TRUE(run.tagged > run.totals.flows / 20 && run.tagged < run.totals.flows / 5);
	CU_ASSERT_TRUE(run.flow_largest > 20 * run.totals.packets / run.totals.flows);
	CU_ASSERT_TRUE(run.one_way < run.totals.flows / 2);
	run_end(&run);
}

static void test_small_shape(void)
{
	struct run run;

	run_all(options_of("small", 5000), &run);
	CU_ASSERT_EQUAL(run.totals.flows, 2500);
	CU_ASSERT_EQUAL(run.flow_largest, 2);
	CU_ASSERT_EQUAL(run.one_way, 0);
	run_end(&run);
}

static guint32 sum_of(guint32 sum, const guint8 *octets, size_t length)
{
	for (size_t i = 0; i < length; i++)
		sum += i & 1 ? octets[i] : (guint32)octets[i] << 8;
	return sum;
}

static guint16 fold(guint32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (guint16)sum;
}

/* A whole packet, read as a receiver reads it: sums over everything must come to 0xffff. */
static void check_checksums(const struct frame *frame)
{
	const guint8 *ip = frame->data + (load_be16(frame->data + 12) == 0x8100 ? 18 : 14);
	bool v4 = ip[0] >> 4 == 4;
	guint32 header = v4 ? 20 : 40;
	guint32 length = v4 ? load_be16(ip + 2) - header : load_be16(ip + 4);
	guint8 proto = v4 ? ip[9] : ip[6];
	guint32 sum = proto == IPPROTO_ICMP ? 0 : length + proto;

	CU_ASSERT_EQUAL(load_be16(ip - 2), v4 ? 0x0800 : 0x86dd);
	CU_ASSERT_TRUE((guint32)(ip - frame->data) + header + length <= frame->length);
	if (v4)
		CU_ASSERT_EQUAL(fold(sum_of(0, ip, header)), 0xffff);
	if (proto != IPPROTO_ICMP)
		sum = sum_of(sum, ip + (v4 ? 12 : 8), v4 ? 8 : 32);
	CU_ASSERT_EQUAL(fold(sum_of(sum, ip + header, length)), 0xffff);
}

static void test_checksums(void)
{
	struct traffic_options options = options_of("mix", 4000);
	struct traffic *traffic;
	struct frame frame;

	options.snap = TRAFFIC_SNAP_MAX;
	traffic = traffic_new(&options);
	while (traffic_next(traffic, &frame)) {
		CU_ASSERT_EQUAL(frame.captured, frame.length);
		check_checksums(&frame);
	}
	traffic_free(traffic);
}

static void test_snap(void)
{
	struct traffic_options whole = options_of("mix", 1000);
	struct traffic_options cut = whole;
	struct traffic *traffic[2];
	struct frame frames[2];

	whole.snap = TRAFFIC_SNAP_MAX;
	cut.snap = 64;
	traffic[0] = traffic_new(&whole);
	traffic[1] = traffic_new(&cut);
	while (traffic_next(traffic[0], &frames[0])) {
		CU_ASSERT_TRUE_FATAL(traffic_next(traffic[1], &frames[1]));
		CU_ASSERT_EQUAL(frames[1].captured, MIN(frames[0].captured, 64));
		CU_ASSERT_EQUAL(frames[1].length, frames[0].length);
		CU_ASSERT_FALSE(memcmp(frames[0].data, frames[1].data, frames[1].captured));
	}
	CU_ASSERT_FALSE(traffic_next(traffic[1], &frames[1]));
	traffic_free(traffic[0]);
	traffic_free(traffic[1]);
}

/* One TCP flow: each side's numbers follow its own data, and both close. */
static void test_tcp_flow(void)
{
	struct traffic_kind kind = *traffic_kind_by_name("mix");
	struct traffic_options options = {
		.kind = &kind, .packets = 500, .flows = 1, .snap = 1536
	};
	struct traffic *traffic;
	struct frame frame;
	guint32 next[2] = { 0, 0 };
	guint8 seen[2] = { 0, 0 };

	kind.tcp_per_mille = 1000;
	kind.vlan_per_mille = kind.ipv6_per_mille = 0;
	traffic = traffic_new(&options);
	while (traffic_next(traffic, &frame)) {
		const guint8 *tcp = frame.data + 34;
		int from = load_be16(tcp) < 0x8000;
		guint32 data = load_be16(frame.data + 16) - 20u - (tcp[12] >> 4) * 4u;

		if (seen[from])
			CU_ASSERT_EQUAL(load_be32(tcp + 4), next[from]);
		if (tcp[13] & 0x10)
			CU_ASSERT_EQUAL(load_be32(tcp + 8), next[!from]);
		next[from] = load_be32(tcp + 4) + data + ((tcp[13] & 3) != 0);
		seen[from] |= tcp[13];
	}
	CU_ASSERT_EQUAL(seen[0] & 0x13, 0x13);
	CU_ASSERT_EQUAL(seen[1] & 0x13, 0x13);
	traffic_free(traffic);
}

static void test_defaults(void)
{
	CU_ASSERT_PTR_NULL(traffic_kind_by_name("none"));
	CU_ASSERT_EQUAL(traffic_kind_by_name("elephants")->flows_fixed, 200);
	CU_ASSERT_EQUAL(TRAFFIC_PACKETS_DEFAULT / 1000 *
				traffic_kind_by_name("mix")->flows_per_mille,
			300000);
	CU_ASSERT_EQUAL(TRAFFIC_PACKETS_DEFAULT / 1000 *
				traffic_kind_by_name("small")->flows_per_mille,
			2500000);
}

/* The file holds the same frames, with times cut to its resolution. */
static void check_file(const char *path, enum traffic_resolution resolution)
{
	struct traffic_options options = options_of("mix", 1500);
	g_autofree char *octets = NULL;
	struct traffic *traffic = traffic_new(&options);
	guint32 unit = resolution == TRAFFIC_NANOSECONDS ? 1 : 1000;
	struct frame frame;
	gsize length;
	gsize at = 24;
	guint32 words[4];

	CU_ASSERT_TRUE_FATAL(traffic_write_pcap(traffic, path, resolution, NULL));
	traffic_free(traffic);
	CU_ASSERT_TRUE_FATAL(g_file_get_contents(path, &octets, &length, NULL));
	memcpy(words, octets, sizeof(words));
	CU_ASSERT_EQUAL(words[0], unit == 1 ? 0xa1b23c4d : 0xa1b2c3d4);
	traffic = traffic_new(&options);
	while (traffic_next(traffic, &frame)) {
		CU_ASSERT_TRUE_FATAL(at + 16 + frame.captured <= length);
		memcpy(words, octets + at, sizeof(words));
		CU_ASSERT_EQUAL(words[0], frame.time_ns / 1000000000);
		CU_ASSERT_EQUAL(words[1], frame.time_ns % 1000000000 / unit);
		CU_ASSERT_EQUAL(words[2], frame.captured);
		CU_ASSERT_EQUAL(words[3], frame.length);
		CU_ASSERT_FALSE(memcmp(octets + at + 16, frame.data, frame.captured));
		at += 16 + frame.captured;
	}
	CU_ASSERT_EQUAL(at, length);
	traffic_free(traffic);
}

static void test_file(void)
{
	g_autofree char *folder = g_dir_make_tmp("weir-traffic-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(folder, "mix.pcap", NULL);

	check_file(path, TRAFFIC_MICROSECONDS);
	check_file(path, TRAFFIC_NANOSECONDS);
	CU_ASSERT_EQUAL(g_unlink(path), 0);
	CU_ASSERT_EQUAL(g_rmdir(folder), 0);
}

static void test_file_error(void)
{
	struct traffic_options options = options_of("mix", 10);
	struct traffic *traffic = traffic_new(&options);
	g_autoptr(GError) missing = NULL;
	g_autoptr(GError) full = NULL;

	CU_ASSERT_FALSE(
		traffic_write_pcap(traffic, "/proc/none/file", TRAFFIC_MICROSECONDS, &missing));
	CU_ASSERT_TRUE(g_error_matches(missing, WEIR_ERROR, WEIR_ERROR_FAILED));
	CU_ASSERT_PTR_NOT_NULL(strstr(missing->message, "/proc/none/file"));
	CU_ASSERT_FALSE(traffic_write_pcap(traffic, "/dev/full", TRAFFIC_MICROSECONDS, &full));
	CU_ASSERT_TRUE(g_error_matches(full, WEIR_ERROR, WEIR_ERROR_FAILED));
	traffic_free(traffic);
	traffic_free(NULL);
}

static CU_TestInfo tests[] = {
	{ "the same seed gives the same octets at the same times", test_same_seed },
	{ "the octets are those of every other machine", test_known_octets },
	{ "packets and flows are exactly as many as asked for", test_counts },
	{ "a mix has every protocol, few large flows and many small ones", test_mix_shape },
	{ "a small flow is a request and its answer", test_small_shape },
	{ "every checksum is right", test_checksums },
	{ "a snap length cuts frames and changes nothing else", test_snap },
	{ "a TCP flow opens, counts its octets and closes both ways", test_tcp_flow },
	{ "the defaults are the numbers the benchmark promises", test_defaults },
	{ "a pcap file holds the frames in either resolution", test_file },
	{ "a file that cannot be written is named", test_file_error },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "traffic", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
