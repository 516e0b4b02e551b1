/* SPDX-License-Identifier: BSD-2-Clause */
/* The project's emblem: a capture metered natively, at XDP and at tc gives the same flow records,
 * to the last counter. Every frame that fits a test run goes through the real programs in the
 * kernel with the capture's own time; then the records of all three homes are sorted and compared
 * octet by octet.
 *
 *     native meter ──► records ─┐
 *     XDP in the kernel ► ring + table ─┼─► sort ─► equal?
 *     tc in the kernel ─► ring + table ─┘
 *
 * A flow that was still in the kernel's table has no end yet: it gets the one the native meter
 * gives at the end of a file (DESIGN 4.2), from its own times. */
#include <glib.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "capture/capture_file.h"
#include "capture/kernel_meter.h"
#include "capture/native_meter.h"
#include "capture/tunnels.h"
#include "meter/expire.h"

#define SETS	   2048
#define FRAME_MAX  3400 /* a page, less what the kernel keeps for itself */
#define FRAME_MIN  14
#define DRAIN_EACH 97
#define SCAN_SETS  64

static const struct {
	const char *name;
	guint64 idle_ns;
	guint64 active_ns;
	guint32 sample;
	struct tunnel_options tunnels;
} timeouts[] = {
	{ "defaults",
	  15 * FLOW_SECOND_NS,
	  60 * FLOW_SECOND_NS,
	  1,
	  { TUNNEL_VIEW_INNER, NULL, NULL } },
	{ "short",
	  FLOW_SECOND_NS / 5,
	  FLOW_SECOND_NS / 2,
	  1,
	  { TUNNEL_VIEW_OUTER, "vxlan,gre", "geneve:none" } },
	{ "sampled",
	  15 * FLOW_SECOND_NS,
	  60 * FLOW_SECOND_NS,
	  3,
	  { TUNNEL_VIEW_BOTH, NULL, NULL } },
};

struct records {
	GPtrArray *list; /* of struct flow_record */
	size_t octets;
};

static void keep(void *data, const struct flow_record *record)
{
	struct records *records = data;
	struct flow_record *copy = g_malloc0(sizeof(*copy));

	memcpy(copy, record, records->octets);
	copy->cpu = 0; /* native records have none */
	g_ptr_array_add(records->list, copy);
}

static void keep_batch(void *data, struct flow_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		keep(data, &batch->records[i]);
}

static gint compare(gconstpointer a, gconstpointer b)
{
	return memcmp(*(struct flow_record *const *)a, *(struct flow_record *const *)b,
		      sizeof(struct flow_record));
}

static bool fits(const struct frame *frame)
{
	return frame->captured >= FRAME_MIN && frame->captured <= FRAME_MAX &&
	       frame->link != METER_LINK_OTHER;
}

/* The frames of a capture that fit, each with a copy of its octets. */
static GArray *read_frames(const char *path, size_t *ret_left_out)
{
	struct capture_file *file = capture_file_open(path, NULL);
	GArray *frames = g_array_new(FALSE, FALSE, sizeof(struct frame));
	struct frame batch[64];
	int count;

	*ret_left_out = 0;
	while (file && (count = capture_file_read(file, batch, 64, NULL)) > 0) {
		for (int i = 0; i < count; i++) {
			if (!fits(&batch[i])) {
				++*ret_left_out;
				continue;
			}
			batch[i].data = g_memdup2(batch[i].data, batch[i].captured);
			g_array_append_val(frames, batch[i]);
		}
	}
	capture_file_free(file);
	return frames;
}

static void free_frames(GArray *frames)
{
	for (guint i = 0; i < frames->len; i++)
		g_free((gpointer)g_array_index(frames, struct frame, i).data);
	g_array_free(frames, TRUE);
}

static struct meter_counts run_native(const struct native_options *given, const GArray *frames,
				      struct records *records)
{
	struct native_options options = *given;
	struct meter_counts counts;
	struct native_meter *meter;

	options.sink = keep_batch;
	options.data = records;
	meter = native_meter_new(&options, NULL);
	native_meter_frames(meter, (const struct frame *)(void *)frames->data, frames->len);
	native_meter_finish(meter);
	counts = *native_meter_counts(meter);
	native_meter_free(meter);
	return counts;
}

/* What the end of the file makes of flows that are still in the table. */
static void end_flows(const GPtrArray *list, guint first, guint64 idle_ns, guint64 now_ns)
{
	for (guint i = first; i < list->len; i++) {
		struct flow_record *record = g_ptr_array_index(list, i);

		record->end = expire_reason(&record->flow);
		if (record->end == FLOW_END_IDLE &&
		    now_ns <= expire_deadline(&record->flow, idle_ns))
			record->end = FLOW_END_FORCED;
	}
}

/* Fragments that were still held in the kernel's table: there they are no orphans yet. */
static guint64 orphans_from(const GPtrArray *list, guint first)
{
	guint64 orphans = 0;

	for (guint i = first; i < list->len; i++) {
		const struct flow *flow = &((const struct flow_record *)list->pdata[i])->flow;

		if ((flow->side[0].state | flow->side[1].state) & FLOW_ORPHANS)
			orphans += flow_packets(flow);
	}
	return orphans;
}

static guint64 latest(const GPtrArray *list)
{
	guint64 now_ns = 0;

	for (guint i = 0; i < list->len; i++) {
		const struct flow_record *record = g_ptr_array_index(list, i);

		now_ns = MAX(now_ns, record->flow.last_ns);
	}
	return now_ns;
}

/* The scan of the kernel's table, at some time that has nothing to do with any flow's: by the rule
 * it never changes what a record says. Like the native table's it leaves captures that are out of
 * order the second that they may be late. */
static bool scan_tables(struct kernel_meter *meter, guint64 now_ns, GError **error)
{
	bool good = true;

	for (guint32 from = 0; good && from < SETS; from += SCAN_SETS) {
		struct cache_drain call = { .now_ns = now_ns > FLOW_SECOND_NS
							      ? now_ns - FLOW_SECOND_NS
							      : 0,
					    .from = from,
					    .sets = SCAN_SETS };

		good = kernel_meter_scan(meter, &call, error);
	}
	return good;
}

static bool run_kernel(struct kernel_meter *meter, guint64 idle_ns, const GArray *frames,
		       struct records *records, struct meter_counts *counts, GError **error)
{
	guint64 now_ns = 0;
	bool good = true;
	guint drained;

	for (guint i = 0; good && i < frames->len; i++) {
		good = kernel_meter_run(meter, &g_array_index(frames, struct frame, i), 1, NULL,
					error);
		now_ns = MAX(now_ns, g_array_index(frames, struct frame, i).time_ns);
		if (good && i % DRAIN_EACH == DRAIN_EACH - 1)
			good = scan_tables(meter, now_ns, error);
		kernel_meter_drain(meter, keep, records);
	}
	drained = records->list->len;
	good = good && kernel_meter_counts(meter, counts, error) &&
	       kernel_meter_empty(meter, keep, records, error);
	if (good)
		counts->orphans += orphans_from(records->list, drained);
	end_flows(records->list, drained, idle_ns, latest(records->list));
	return good;
}

static void print_record(const char *home, const struct flow_record *record)
{
	const guint8 *octet = (const guint8 *)record;

	printf("    %s: end %u packets %" G_GUINT64_FORMAT "\n    ", home, record->end,
	       flow_packets(&record->flow));
	for (size_t i = 0; i < sizeof(*record); i++)
		printf("%02x%s", octet[i], i % 8 == 7 ? " " : "");
	printf("\n");
}

static bool same_records(const char *what, const GPtrArray *native, const GPtrArray *kernel)
{
	if (native->len != kernel->len) {
		printf("  %s: %u records natively, %u in the kernel\n", what, native->len,
		       kernel->len);
		return false;
	}
	for (guint i = 0; i < native->len; i++) {
		const struct flow_record *a = g_ptr_array_index(native, i);
		const struct flow_record *b = g_ptr_array_index(kernel, i);

		if (!memcmp(a, b, sizeof(*a)))
			continue;
		printf("  %s: record %u differs\n", what, i);
		print_record("native", a);
		print_record("kernel", b);
		return false;
	}
	return true;
}

static bool same_counts(const char *what, const struct meter_counts *native,
			const struct meter_counts *kernel)
{
	if (!memcmp(native, kernel, sizeof(*native)))
		return true;
	printf("  %s: the counters differ\n", what);
	return false;
}

static struct records records_new(enum flow_detail detail)
{
	return (struct records){ g_ptr_array_new_with_free_func(g_free), flow_record_size(detail) };
}

/* A home in the kernel, loaded once for a pair of time-outs. */
struct home {
	char *name;
	struct native_options options;
	struct kernel_meter *meter;
};

static bool home_open(struct home *home, size_t which, enum flow_detail detail)
{
	size_t timeout = which / (KERNEL_HOOKS * KERNEL_CACHES);
	enum kernel_hook hook = which / KERNEL_CACHES % KERNEL_HOOKS;
	struct kernel_options options = {
		.hook = hook, .cache = which % KERNEL_CACHES, .sets = SETS, .replaying = true
	};
	GError *error = NULL;

	home->options = (struct native_options){
		.idle_ns = timeouts[timeout].idle_ns,
		.active_ns = timeouts[timeout].active_ns,
		.max_flows = SETS * SET_WAYS,
		.detail = detail,
		.sample = timeouts[timeout].sample,
		.seed = 7,
	};
	tunnels_parse(&timeouts[timeout].tunnels, &home->options.tunnels, NULL);
	options.settings = native_settings(&home->options);
	home->name = g_strdup_printf("%s time-outs, %s, %s table", timeouts[timeout].name,
				     hook == KERNEL_HOOK_XDP ? "XDP" : "tc",
				     kernel_cache_name(options.cache));
	home->meter = kernel_meter_new(&options, &error);
	if (!home->meter) {
		printf("%s: %s\n", home->name, error->message);
		g_error_free(error);
	}
	return home->meter != NULL;
}

/* One capture, natively and in one home in the kernel. */
static bool check(const struct home *home, const char *path, const GArray *frames,
		  guint64 *compared)
{
	g_autofree char *what = g_strdup_printf("%s, %s", path, home->name);
	struct records native = records_new(home->options.detail);
	struct records kernel = records_new(home->options.detail);
	struct meter_counts native_counts = run_native(&home->options, frames, &native);
	struct meter_counts counts;
	GError *error = NULL;
	bool good =
		run_kernel(home->meter, home->options.idle_ns, frames, &kernel, &counts, &error);

	if (!good) {
		printf("  %s: %s\n", what, error->message);
		g_error_free(error);
	} else {
		g_ptr_array_sort(native.list, compare);
		g_ptr_array_sort(kernel.list, compare);
		good = same_counts(what, &native_counts, &counts);
		good &= same_records(what, native.list, kernel.list);
		*compared += kernel.list->len;
	}
	g_ptr_array_free(kernel.list, TRUE);
	g_ptr_array_free(native.list, TRUE);
	return good;
}

static bool check_capture(const struct home *homes, size_t count, const char *path,
			  guint64 *compared)
{
	size_t left_out;
	GArray *frames = read_frames(path, &left_out);
	bool good = true;

	if (left_out)
		printf("%s: %zu frames left out: they fit no test run\n", path, left_out);
	for (size_t i = 0; frames->len && i < count; i++)
		good &= check(&homes[i], path, frames, compared);
	free_frames(frames);
	return good;
}

/* Without the right to load programs there is nothing to test, and the test says so. */
static bool can_load(void)
{
	const struct kernel_options options = { .hook = KERNEL_HOOK_XDP, .sets = 1 };
	GError *error = NULL;
	struct kernel_meter *meter = kernel_meter_new(&options, &error);

	if (!meter)
		printf("skipped: %s\n", error->message);
	g_clear_error(&error);
	kernel_meter_free(meter);
	return meter != NULL;
}

static int check_folder(const struct home *homes, size_t count, const char *folder,
			guint64 *compared)
{
	GDir *dir = g_dir_open(folder, 0, NULL);
	int failed = 0;
	const char *name;

	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(folder, name, NULL);

		if (g_file_test(path, G_FILE_TEST_IS_REGULAR) && !g_str_has_suffix(name, ".md") &&
		    !g_str_has_suffix(name, ".tsv"))
			failed += !check_capture(homes, count, path, compared);
	}
	if (dir)
		g_dir_close(dir);
	return failed;
}

/* A flow lies in the table of the CPU its packets met: all of them must meet the same. */
static void stay_on_this_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static enum flow_detail detail_by_name(const char *name)
{
	static const char *const names[FLOW_DETAILS] = { "basic", "tcp", "full" };
	enum flow_detail detail = FLOW_DETAIL_BASIC;

	while (detail < FLOW_DETAIL_FULL && strcmp(name, names[detail]) != 0)
		detail++;
	return detail;
}

int main(int argc, char **argv)
{
	struct home homes[G_N_ELEMENTS(timeouts) * KERNEL_HOOKS * KERNEL_CACHES];
	enum flow_detail detail;
	guint64 compared = 0;
	int failed;

	if (argc != 3) {
		fprintf(stderr, "usage: %s basic|tcp|full FOLDER\n", argv[0]);
		return 2;
	}
	if (!can_load())
		return getuid() == 0 ? 1 : 77;
	stay_on_this_cpu();
	detail = detail_by_name(argv[1]);
	for (size_t i = 0; i < G_N_ELEMENTS(homes); i++) {
		if (!home_open(&homes[i], i, detail))
			return 1;
	}
	failed = check_folder(homes, G_N_ELEMENTS(homes), argv[2], &compared);
	for (size_t i = 0; i < G_N_ELEMENTS(homes); i++) {
		kernel_meter_free(homes[i].meter);
		g_free(homes[i].name);
	}
	printf("%" G_GUINT64_FORMAT " records compared, %d captures differ\n", compared, failed);
	return failed || compared == 0;
}
