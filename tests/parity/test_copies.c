/* SPDX-License-Identifier: BSD-2-Clause */
/* The same packets are copies in every home. The frames of a folder of captures, each followed by
 * what a second span port might have seen of it, go packet by packet past the native digests and
 * through the programs in the kernel; what each says of each packet is compared, and at the end the
 * counts by pair of interfaces. */
#include <glib.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture/capture_file.h"
#include "capture/dedup.h"
#include "capture/kernel_meter.h"
#include "capture/native_meter.h"
#include "capture/tunnels.h"

#define SETS	    2048
#define FRAME_MAX   3400 /* a page, less what the kernel keeps for itself */
#define FRAME_MIN   14
#define EACH	    400 /* frames of a capture */
#define PACKETS	    65536
#define WINDOW_NS   5000000
#define APART_NS    (3600 * FLOW_SECOND_NS) /* from one capture to the next */
#define LATER_NS    20000
#define TAG_OCTETS  4
#define MACS_OCTETS 12

/* A frame whose octets may be changed, with room for a tag. */
struct again {
	struct frame frame;
	guint8 octets[FRAME_MAX + TAG_OCTETS];
};

typedef void change(struct again *again);

static bool is_ethernet(const struct frame *frame, guint8 high, guint8 low, guint octets)
{
	return frame->link == METER_LINK_ETHERNET && frame->captured >= octets &&
	       frame->data[12] == high && frame->data[13] == low;
}

static void leave(struct again *again)
{
	(void)again;
}

static void route(struct again *again)
{
	struct frame *frame = &again->frame;

	if (frame->link == METER_LINK_ETHERNET)
		again->octets[3] ^= 0x5a;
	if (is_ethernet(frame, 0x08, 0x00, 34)) {
		again->octets[15] ^= 0xb8;
		again->octets[22]--;
		again->octets[24] ^= 0x11;
	} else if (is_ethernet(frame, 0x86, 0xdd, 54)) {
		again->octets[14] ^= 0x08;
		again->octets[15] ^= 0x30;
		again->octets[21]--;
	}
}

static void tag(struct again *again)
{
	struct frame *frame = &again->frame;

	if (frame->link != METER_LINK_ETHERNET || frame->captured + TAG_OCTETS > FRAME_MAX)
		return;
	memmove(again->octets + MACS_OCTETS + TAG_OCTETS, again->octets + MACS_OCTETS,
		frame->captured - MACS_OCTETS);
	memcpy(again->octets + MACS_OCTETS, "\x88\xa8\x00\x07", TAG_OCTETS);
	frame->captured += TAG_OCTETS;
	frame->length += TAG_OCTETS;
}

static void come_late(struct again *again)
{
	struct frame *frame = &again->frame;

	frame->time_ns += WINDOW_NS + 1;
}

/* Somewhere, by the frame's time: in what is compared, or not. */
static void spoil(struct again *again)
{
	struct frame *frame = &again->frame;

	again->octets[frame->time_ns / 1000 * 7919 % frame->captured] ^= 1;
}

static void spoil_end(struct again *again)
{
	struct frame *frame = &again->frame;

	again->octets[frame->captured - 1] ^= 0x80;
}

static void cut(struct again *again)
{
	struct frame *frame = &again->frame;

	if (frame->captured > FRAME_MIN)
		frame->captured--;
}

static change *const changes[] = { leave, route, tag, come_late, spoil, spoil_end, cut };

struct world {
	struct dedup *native;
	struct kernel_meter *homes[KERNEL_HOOKS];
	guint64 offset_ns;
	guint64 copies[G_N_ELEMENTS(changes) + 1]; /* by what was done to the frame */
	guint64 compared;
	guint64 differ;
};

static bool is_copy(struct kernel_meter *meter, const struct frame *frame, bool *ret_copy)
{
	struct meter_counts before;
	struct meter_counts after;

	if (!kernel_meter_counts(meter, &before, NULL) ||
	    !kernel_meter_run(meter, frame, 1, NULL, NULL) ||
	    !kernel_meter_counts(meter, &after, NULL))
		return false;
	*ret_copy = after.packets[METER_DUPLICATE] > before.packets[METER_DUPLICATE];
	return true;
}

static void compare(struct world *world, const struct frame *frame, guint done, const char *path)
{
	bool expected = dedup_frame(world->native, frame);

	world->copies[done] += expected;
	world->compared++;
	for (int hook = 0; hook < KERNEL_HOOKS; hook++) {
		bool copy = false;

		if (is_copy(world->homes[hook], frame, &copy) && copy == expected)
			continue;
		if (world->differ++ < 10)
			printf("%s: %u octets, change %u: %s natively, not so in home %d\n", path,
			       frame->captured, done, expected ? "a copy" : "none", hook);
	}
}

static void compare_all(struct world *world, const struct frame *given, const char *path)
{
	struct again again;
	struct frame frame = *given;

	frame.iface = 1;
	frame.length = MAX(frame.length, frame.captured);
	compare(world, &frame, G_N_ELEMENTS(changes), path);
	for (guint i = 0; i < G_N_ELEMENTS(changes); i++) {
		memcpy(again.octets, given->data, given->captured);
		again.frame = frame;
		again.frame.data = again.octets;
		again.frame.iface = (guint16)(2 + i);
		again.frame.time_ns += LATER_NS;
		changes[i](&again);
		compare(world, &again.frame, i, path);
	}
}

static void check_capture(struct world *world, const char *path)
{
	struct capture_file *file = capture_file_open(path, NULL);
	struct frame frame;
	guint64 first_ns = 0;

	for (guint i = 0; file && i < EACH && capture_file_read(file, &frame, 1, NULL) == 1; i++) {
		first_ns = i ? first_ns : frame.time_ns;
		frame.time_ns += world->offset_ns - first_ns;
		if (frame.link != METER_LINK_OTHER && frame.captured >= FRAME_MIN &&
		    frame.captured <= FRAME_MAX)
			compare_all(world, &frame, path);
	}
	capture_file_free(file);
	world->offset_ns += APART_NS;
}

static void check_folder(struct world *world, const char *folder)
{
	GDir *dir = g_dir_open(folder, 0, NULL);
	const char *name;

	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(folder, name, NULL);

		if (g_file_test(path, G_FILE_TEST_IS_REGULAR) && !g_str_has_suffix(name, ".md") &&
		    !g_str_has_suffix(name, ".tsv"))
			check_capture(world, path);
	}
	if (dir)
		g_dir_close(dir);
}

static const struct dedup_pair *find_pair(const GArray *pairs, const struct copy_pair *wanted)
{
	for (guint i = 0; i < pairs->len; i++) {
		const struct dedup_pair *pair = &g_array_index(pairs, struct dedup_pair, i);

		if (!memcmp(&pair->pair, wanted, sizeof(*wanted)))
			return pair;
	}
	return NULL;
}

static bool same_pairs(const struct world *world, int hook)
{
	GArray *pairs = kernel_meter_copies(world->homes[hook], NULL);
	guint count;
	const struct dedup_pair *native = dedup_pairs(world->native, &count);
	bool same = pairs && pairs->len == count;

	for (guint i = 0; same && i < count; i++) {
		const struct dedup_pair *pair = find_pair(pairs, &native[i].pair);

		same = pair && !memcmp(&pair->counts, &native[i].counts, sizeof(pair->counts));
	}
	if (!same)
		printf("home %d: %u pairs, natively %u, or others\n", hook, pairs ? pairs->len : 0,
		       count);
	if (pairs)
		g_array_unref(pairs);
	return same && count > 1;
}

static struct kernel_meter *home_open(enum kernel_hook hook, const struct dedup_options *dedup,
				      GError **error)
{
	struct native_options native = { .idle_ns = FLOW_SECOND_NS,
					 .active_ns = FLOW_SECOND_NS,
					 .max_flows = SETS * SET_WAYS };
	struct kernel_options options = {
		.hook = hook, .sets = SETS, .replaying = true, .dedup = *dedup
	};

	tunnels_parse(&(struct tunnel_options){ 0 }, &native.tunnels, NULL);
	options.settings = native_settings(&native);
	return kernel_meter_new(&options, error);
}

static void stay_on_this_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* Each change does what it is said to do; some captures hold copies of their own. */
static bool as_expected(const struct world *world)
{
	const guint64 most = world->compared / (G_N_ELEMENTS(changes) + 1);

	for (guint i = 0; i < G_N_ELEMENTS(changes); i++)
		printf("change %u: %" G_GUINT64_FORMAT " copies of %" G_GUINT64_FORMAT "\n", i,
		       world->copies[i], most);
	return most > 0 && world->copies[0] == most && world->copies[2] == most &&
	       world->copies[1] > most * 9 / 10 && world->copies[3] < most / 4 &&
	       world->copies[4] < most;
}

int main(int argc, char **argv)
{
	const struct dedup_options dedup = { .packets = PACKETS,
					     .window_ns = WINDOW_NS,
					     .seed = 11 };
	struct world world = { .offset_ns = APART_NS };
	GError *error = NULL;
	bool good;

	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	stay_on_this_cpu();
	for (int hook = 0; hook < KERNEL_HOOKS; hook++) {
		world.homes[hook] = home_open((enum kernel_hook)hook, &dedup, &error);
		if (!world.homes[hook]) {
			printf("skipped: %s\n", error->message);
			return getuid() == 0 ? 1 : 77;
		}
	}
	world.native = dedup_new(&dedup);
	check_folder(&world, argv[1]);
	good = as_expected(&world) && world.differ == 0;
	for (int hook = 0; hook < KERNEL_HOOKS; hook++) {
		good &= same_pairs(&world, hook);
		kernel_meter_free(world.homes[hook]);
	}
	dedup_free(world.native);
	printf("%" G_GUINT64_FORMAT " packets compared, %" G_GUINT64_FORMAT " differ\n",
	       world.compared, world.differ);
	return good ? 0 : 1;
}
