/* SPDX-License-Identifier: BSD-2-Clause */
/* A filter selects the same packets in every home, which are those that tcpdump selects: not as
 * many, but the very same. The frames of a folder of captures become one capture, each with its
 * number as its time, so that what tcpdump lets through says by itself which frames it was. In the
 * kernel the translated programs run before a program that only says that it was reached. */
#include <linux/bpf.h>

#include <bpf/bpf.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"
#include "capture/capture_file.h"
#include "capture/filter.h"
#include "capture/filter_front.h"
#include "lib/filter_expressions.h"

#define FRAME_MAX      3400 /* a page, less what the kernel keeps for itself */
#define FRAME_MIN      14
#define EACH	       150 /* frames of a capture */
#define SKIPPED	       77
#define TAG_OCTETS     4
#define MATCHED	       3 /* XDP_TX, and as good as any word for tc */
#define EXPECTED_LEAST 60

struct world {
	GArray *frames; /* of struct frame, each with octets of its own */
	char *folder;
	char *path; /* of them all */
	int counts; /* a map as the meter's */
	int meters[FRONT_PLACES];
};

/* --- the frames --- */

static void keep(GArray *frames, struct frame frame)
{
	frame.data = g_memdup2(frame.data, frame.captured);
	frame.length = frame.captured; /* the kernel knows no other */
	frame.time_ns = (guint64)frames->len * 1000;
	g_array_append_val(frames, frame);
}

static void read_capture(GArray *frames, const char *path)
{
	struct capture_file *file = capture_file_open(path, NULL);
	struct frame frame;

	for (guint i = 0; file && i < EACH && capture_file_read(file, &frame, 1, NULL) == 1; i++) {
		if (frame.link == METER_LINK_ETHERNET && frame.captured >= FRAME_MIN &&
		    frame.captured <= FRAME_MAX)
			keep(frames, frame);
	}
	capture_file_free(file);
}

static GArray *read_folder(const char *folder)
{
	GArray *frames = g_array_new(FALSE, FALSE, sizeof(struct frame));
	GDir *dir = g_dir_open(folder, 0, NULL);
	const char *name;

	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(folder, name, NULL);

		if (g_file_test(path, G_FILE_TEST_IS_REGULAR))
			read_capture(frames, path);
	}
	if (dir)
		g_dir_close(dir);
	return frames;
}

static void put32(FILE *file, guint32 number)
{
	fwrite(&number, sizeof(number), 1, file);
}

static bool write_frames(const struct world *world)
{
	static const guint32 header[] = { 0xa1b2c3d4, 0x00040002, 0, 0, 262144, 1 };
	FILE *file = fopen(world->path, "wb");

	if (!file)
		return false;
	fwrite(header, sizeof(header), 1, file);
	for (guint i = 0; i < world->frames->len; i++) {
		const struct frame *frame = &g_array_index(world->frames, struct frame, i);

		put32(file, i / 1000000);
		put32(file, i % 1000000);
		put32(file, frame->captured);
		put32(file, frame->captured);
		fwrite(frame->data, frame->captured, 1, file);
	}
	return fclose(file) == 0;
}

/* --- the choices: an octet a frame --- */

static GByteArray *none_of(const struct world *world)
{
	GByteArray *choice = g_byte_array_sized_new(world->frames->len);

	g_byte_array_set_size(choice, world->frames->len);
	memset(choice->data, 0, choice->len);
	return choice;
}

static GByteArray *by_tcpdump(const struct world *world, const char *expression)
{
	g_autofree char *path = g_build_filename(world->folder, "chosen.pcap", NULL);
	const char *const words[] = { "tcpdump", "-Z", "root", "-r",	   world->path,
				      "-w",	 path, "--",   expression, NULL };
	GByteArray *choice = none_of(world);
	struct capture_file *file;
	struct frame frame;
	int status = -1;

	if (!g_spawn_sync(NULL, (char **)words, NULL,
			  G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, NULL, NULL,
			  &status, NULL) ||
	    status != 0) {
		g_byte_array_unref(choice);
		return NULL;
	}
	file = capture_file_open(path, NULL);
	while (file && capture_file_read(file, &frame, 1, NULL) == 1)
		choice->data[frame.time_ns / 1000] = 1;
	capture_file_free(file);
	return choice;
}

static GByteArray *natively(const struct world *world, struct filter *filter)
{
	GByteArray *choice = none_of(world);

	for (guint i = 0; i < world->frames->len; i++)
		choice->data[i] =
			filter_match(filter, 1, &g_array_index(world->frames, struct frame, i));
	return choice;
}

/* As a packet socket gives frames: with the tag beside them. */
static GByteArray *natively_untagged(const struct world *world, struct filter *filter)
{
	GByteArray *choice = none_of(world);

	for (guint i = 0; i < world->frames->len; i++) {
		struct frame frame = g_array_index(world->frames, struct frame, i);
		g_autofree guint8 *rest = NULL;

		if (frame.captured >= 18 && load_be16(frame.data + 12)) {
			rest = g_malloc(frame.captured - TAG_OCTETS);
			memcpy(rest, frame.data, 12);
			memcpy(rest + 12, frame.data + 16, frame.captured - 16);
			frame.tag = load_be16(frame.data + 12);
			frame.vlan = load_be16(frame.data + 14);
			frame.data = rest;
			frame.captured -= TAG_OCTETS;
		}
		choice->data[i] = filter_match(filter, 1, &frame);
	}
	return choice;
}

static bool read_filtered(const struct world *world, struct meter_counts *ret_sum)
{
	g_autofree struct cache_counts *each =
		g_new0(struct cache_counts, (gsize)g_get_num_processors() + 128);
	const guint32 zero = 0;

	memset(ret_sum, 0, sizeof(*ret_sum));
	if (bpf_map_lookup_elem(world->counts, &zero, each))
		return false;
	for (guint i = 0; i < g_get_num_processors() + 128; i++) {
		ret_sum->packets[METER_FILTERED] += each[i].meter.packets[METER_FILTERED];
		ret_sum->frame_octets[METER_FILTERED] += each[i].meter.frame_octets[METER_FILTERED];
		ret_sum->packets[METER_BUSY] += each[i].meter.packets[METER_BUSY];
	}
	return true;
}

/* What was not chosen has been counted, with its octets. */
static bool same_account(const struct world *world, const GByteArray *choice,
			 const struct meter_counts *before)
{
	struct meter_counts now;
	guint64 packets = 0;
	guint64 octets = 0;

	for (guint i = 0; i < choice->len; i++) {
		packets += !choice->data[i];
		octets += choice->data[i] ? 0
					  : g_array_index(world->frames, struct frame, i).captured;
	}
	return read_filtered(world, &now) && now.packets[METER_BUSY] == 0 &&
	       now.packets[METER_FILTERED] - before->packets[METER_FILTERED] == packets &&
	       now.frame_octets[METER_FILTERED] - before->frame_octets[METER_FILTERED] == octets;
}

static GByteArray *in_kernel(const struct world *world, int program, GError **error)
{
	GByteArray *choice = none_of(world);
	struct meter_counts before;
	bool good = read_filtered(world, &before);

	for (guint i = 0; good && i < world->frames->len; i++) {
		const struct frame *frame = &g_array_index(world->frames, struct frame, i);
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->data,
			    .data_size_in = frame->captured, .repeat = 1);

		good = bpf_prog_test_run_opts(program, &opts) == 0;
		choice->data[i] = opts.retval == MATCHED;
	}
	good = good && same_account(world, choice, &before);
	if (good)
		return choice;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "a run failed, or was not accounted");
	g_byte_array_unref(choice);
	return NULL;
}

/* --- comparing --- */

static bool same(const char *expression, const char *home, const GByteArray *expected,
		 const GByteArray *found)
{
	for (guint i = 0; i < expected->len; i++) {
		if (expected->data[i] == found->data[i])
			continue;
		printf("  \"%s\", %s: frame %u: %d of tcpdump, %d\n", expression, home, i,
		       expected->data[i], found->data[i]);
		return false;
	}
	return true;
}

static bool same_and_free(const char *expression, const char *home, const GByteArray *expected,
			  GByteArray *found)
{
	bool good = found && same(expression, home, expected, found);

	if (found)
		g_byte_array_unref(found);
	return good;
}

static bool compare_kernel(const struct world *world, const char *expression,
			   const struct filter *filter, const GByteArray *expected)
{
	static const char *const names[FRONT_PLACES] = { "XDP", "tc", "tc, leaving" };
	GError *error = NULL;
	struct filter_front *front = filter_front_new(filter, world->meters, world->counts, &error);
	bool good = front != NULL;

	for (int place = 0; front && place < FRONT_PLACES; place++)
		good &= same_and_free(expression, names[place], expected,
				      in_kernel(world, filter_front_program(front, place), &error));
	if (error)
		printf("  \"%s\": %s\n", expression, error->message);
	g_clear_error(&error);
	filter_front_free(front);
	return good;
}

static bool compare(const struct world *world, const char *expression)
{
	g_autoptr(GError) error = NULL;
	struct filter *filter = filter_new(expression, &error);
	GByteArray *expected = by_tcpdump(world, expression);
	bool good = filter && expected;

	if (!good)
		printf("  \"%s\": %s\n", expression, error ? error->message : "tcpdump failed");
	if (good) {
		good = same_and_free(expression, "natively", expected, natively(world, filter));
		good &= same_and_free(expression, "natively, tag apart", expected,
				      natively_untagged(world, filter));
		good &= compare_kernel(world, expression, filter, expected);
	}
	if (expected)
		g_byte_array_unref(expected);
	filter_free(filter);
	return good;
}

/* --- the kernel's side --- */

static int make_marker(enum bpf_prog_type type, enum bpf_attach_type attach)
{
	const struct bpf_insn steps[] = {
		{ .code = BPF_ALU | BPF_MOV | BPF_K, .dst_reg = 0, .imm = MATCHED },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach);

	return bpf_prog_load(type, "marker", "Dual BSD/GPL", steps, G_N_ELEMENTS(steps), &opts);
}

static bool open_world(struct world *world, const char *folder)
{
	world->folder = g_dir_make_tmp("weir-filter-XXXXXX", NULL);
	world->path = g_build_filename(world->folder, "all.pcap", NULL);
	world->frames = read_folder(folder);
	world->counts = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "counts", 4,
				       sizeof(struct cache_counts), 1, NULL);
	world->meters[FRONT_XDP] = make_marker(BPF_PROG_TYPE_XDP, BPF_XDP);
	world->meters[FRONT_TC] = world->meters[FRONT_TC_OUT] =
		make_marker(BPF_PROG_TYPE_SCHED_CLS, 0);
	return world->counts >= 0 && world->meters[FRONT_XDP] >= 0 &&
	       world->meters[FRONT_TC] >= 0 && world->frames->len > 0 && write_frames(world);
}

static void close_world(struct world *world)
{
	g_autofree char *chosen = g_build_filename(world->folder, "chosen.pcap", NULL);

	for (guint i = 0; i < world->frames->len; i++)
		g_free((gpointer)g_array_index(world->frames, struct frame, i).data);
	g_array_free(world->frames, TRUE);
	g_unlink(chosen);
	g_unlink(world->path);
	g_rmdir(world->folder);
	g_free(world->path);
	g_free(world->folder);
}

int main(int argc, char **argv)
{
	struct world world = { 0 };
	g_autofree char *tcpdump = g_find_program_in_path("tcpdump");
	int failed = 0;

	_Static_assert(G_N_ELEMENTS(filter_expressions) >= EXPECTED_LEAST, "many expressions");
	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	if (getuid() != 0 || !tcpdump) {
		printf("skipped: needs root and tcpdump\n");
		return SKIPPED;
	}
	if (!open_world(&world, argv[1])) {
		printf("no frames, or no BPF\n");
		return 1;
	}
	for (guint i = 0; i < G_N_ELEMENTS(filter_expressions); i++)
		failed += !compare(&world, filter_expressions[i]);
	printf("%zu expressions, %u frames each, %d differ\n", G_N_ELEMENTS(filter_expressions),
	       world.frames->len, failed);
	close_world(&world);
	return failed != 0;
}
