/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads the meter's BPF objects with their settings: a hook's program and the drain, or every
 * hook's. All objects have maps of the same names, so they are handled by name, not by skeleton
 * (the skeletons only carry the object files); what the first object makes the others share. */
#include "capture/kernel_meter.h"

#include <linux/bpf.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/filter_front.h"
#include "capture/kernel_copies.h"
#include "capture/kernel_load.h"
#include "capture/kernel_look.h"
#include "capture/kernel_meter_parts.h"
#include "capture/kernel_pool.h"
#include "weir_drain.skel.h"
#include "weir_drain_hash.skel.h"
#include "weir_tc.skel.h"
#include "weir_tc_hash.skel.h"
#include "weir_xdp.skel.h"
#include "weir_xdp_hash.skel.h"

#define RING_DEFAULT (16u << 20)

struct taking {
	kernel_record *sink;
	void *data;
	size_t octets; /* of a whole record */
};

struct kernel_run {
	int program;
	const struct frame *frame;
	guint repeat;
};

struct object {
	const void *(*elf[KERNEL_CACHES])(size_t *ret_size);
	const char *program;
};

static const struct object objects[OBJECTS] = {
	[KERNEL_HOOK_XDP] = { { weir_xdp__elf_bytes, weir_xdp_hash__elf_bytes }, "weir_xdp" },
	[KERNEL_HOOK_TC] = { { weir_tc__elf_bytes, weir_tc_hash__elf_bytes }, "weir_tc" },
	[DRAIN] = { { weir_drain__elf_bytes, weir_drain_hash__elf_bytes }, "weir_drain" },
};

/* The slots are the hash table's alone. The last one is no process's but this. */
static const char *const shared_maps[] = { "flow_tables", "flow_slots", "records",
					   "counts",	  "fragments",	KERNEL_COPIES_PAIRS,
					   KERNEL_COPIES };

#define PINNED_MAPS (G_N_ELEMENTS(shared_maps) - 1)

/* The only map whose name ends so: libbpf puts the object's name before it. */
static struct bpf_map *map_of_section(struct bpf_object *object, const char *section)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
	{
		if (g_str_has_suffix(bpf_map__name(map), section))
			return map;
	}
	return NULL;
}

static int size_maps(const struct kernel_meter *meter, struct bpf_object *object,
		     const struct kernel_options *options)
{
	struct bpf_map *tables = bpf_object__find_map_by_name(object, "flow_tables");
	struct bpf_map *records = bpf_object__find_map_by_name(object, "records");
	struct bpf_map *slots = bpf_object__find_map_by_name(object, "flow_slots");
	guint64 count = (guint64)meter->tables.cpus * meter->tables.sets;
	int code = bpf_map__set_max_entries(tables, (guint32)meter->tables.cpus);

	if (slots && count > G_MAXUINT32)
		return -E2BIG;
	if (!code && slots)
		code = bpf_map__set_max_entries(slots, (guint32)count);
	if (!code)
		code = bpf_map__set_inner_map_fd(tables, meter->tables.fds[0]);
	if (!code)
		code = bpf_map__set_max_entries(records, options->ring_octets ? options->ring_octets
									      : RING_DEFAULT);
	return code;
}

static char *pin_path(const char *folder, const char *map)
{
	return g_build_filename(folder, map, NULL);
}

static int adopt_maps(struct bpf_object *object, const char *folder)
{
	int code = 0;

	for (size_t i = 0; i < PINNED_MAPS && !code; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object, shared_maps[i]);
		g_autofree char *path = pin_path(folder, shared_maps[i]);
		int fd;

		if (!map)
			continue;
		fd = kernel_pin_get(path);
		if (fd < 0)
			return -errno;
		code = bpf_map__reuse_fd(map, fd);
		close(fd);
	}
	return code;
}

static bool pin_maps(struct bpf_object *object, const char *folder, GError **error)
{
	for (size_t i = 0; i < PINNED_MAPS; i++) {
		g_autofree char *path = pin_path(folder, shared_maps[i]);
		int fd = bpf_object__find_map_fd_by_name(object, shared_maps[i]);

		if (fd >= 0 && bpf_obj_pin(fd, path))
			return kernel_fail(error, path, errno);
	}
	return true;
}

void kernel_meter_unpin(const char *folder)
{
	for (size_t i = 0; i < PINNED_MAPS; i++) {
		g_autofree char *path = pin_path(folder, shared_maps[i]);

		unlink(path);
	}
	kernel_tables_unpin(folder);
	kernel_pool_unpin(folder);
}

static int map_named(const struct kernel_meter *meter, const char *name)
{
	return bpf_object__find_map_fd_by_name(meter->first, name);
}

static int share_maps(const struct kernel_meter *meter, struct bpf_object *object)
{
	int code = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(shared_maps) && !code; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object, shared_maps[i]);

		/* The compiler leaves out maps an object has no use for. */
		if (map)
			code = bpf_map__reuse_fd(map, map_named(meter, shared_maps[i]));
	}
	return code;
}

static bool configure(struct kernel_meter *meter, struct bpf_object *object,
		      const struct kernel_options *options, GError **error)
{
	struct bpf_map *rodata = map_of_section(object, ".rodata");
	const struct cache_config config = {
		.meter = options->settings,
		.set_mask = options->sets - 1,
		.flow_stride = meter->tables.stride,
		.record_octets = (guint32)flow_record_size(meter->tables.detail),
		.replaying = options->replaying,
		.xdp_action = options->drop ? XDP_DROP : XDP_PASS,
		.cpus = (guint32)MIN(meter->tables.cpus, FLOW_CPUS_MAX),
		.copies = meter->copies,
	};
	int code = bpf_map__set_initial_value(rodata, &config, sizeof(config));

	if (!code)
		code = kernel_look_size(&meter->tables, object);
	if (!code && !meter->first)
		code = kernel_copies_size(bpf_object__find_map_by_name(object, KERNEL_COPIES),
					  &meter->copies);
	if (!code && meter->first)
		code = share_maps(meter, object);
	else if (!code && options->adopt)
		code = adopt_maps(object, options->pin);
	else if (!code)
		code = size_maps(meter, object, options);
	return code ? kernel_fail(error, "settings", -code) : true;
}

static int program_of(struct bpf_object *object, const char *name)
{
	struct bpf_program *program =
		object ? bpf_object__find_program_by_name(object, name) : NULL;

	return program ? bpf_program__fd(program) : -1;
}

static bool load(struct kernel_meter *meter, int which, const struct kernel_options *options,
		 GError **error)
{
	struct bpf_object *object;
	const void *elf;
	size_t size;

	elf = objects[which].elf[options->cache](&size);
	object = bpf_object__open_mem(elf, size, NULL);
	if (!object)
		return kernel_fail(error, "object file", errno);
	meter->objects[which] = object;
	if (!configure(meter, object, options, error))
		return false;
	if (!kernel_load(object, error))
		return false;
	meter->programs[which] = program_of(object, objects[which].program);
	if (!meter->first)
		meter->first = object;
	return true;
}

static bool open_maps(struct kernel_meter *meter, GError **error)
{
	struct bpf_object *mine = meter->objects[meter->hook];

	meter->counts = map_named(meter, "counts");
	meter->fragments = map_named(meter, "fragments");
	meter->replay = mmap(NULL, sizeof(*meter->replay), PROT_READ | PROT_WRITE, MAP_SHARED,
			     bpf_map__fd(map_of_section(mine, ".bss")), 0);
	if (meter->replay == MAP_FAILED)
		return kernel_fail(error, "its maps", errno);
	meter->ring = kernel_ring_open(map_named(meter, "records"), error);
	return meter->ring != NULL;
}

static bool make_front(struct kernel_meter *meter, const struct kernel_options *options,
		       GError **error)
{
	const int meters[FRONT_PLACES] = {
		[FRONT_XDP] = meter->programs[KERNEL_HOOK_XDP],
		[FRONT_TC] = meter->programs[KERNEL_HOOK_TC],
		[FRONT_TC_OUT] = program_of(meter->objects[KERNEL_HOOK_TC], "weir_tc_out"),
	};

	if (options->filter)
		meter->front = filter_front_new(options->filter, meters, meter->counts, error);
	return !options->filter || meter->front;
}

static bool load_programs(struct kernel_meter *meter, const struct kernel_options *options,
			  GError **error)
{
	if (!load(meter, (int)options->hook, options, error) || !load(meter, DRAIN, options, error))
		return false;
	for (int hook = 0; options->every_hook && hook < KERNEL_HOOKS; hook++) {
		if (!meter->objects[hook] && !load(meter, hook, options, error))
			return false;
	}
	meter->drain = fcntl(meter->programs[DRAIN], F_DUPFD_CLOEXEC, 3);
	return meter->drain >= 0 || kernel_fail(error, "the drain", errno);
}

static bool load_all(struct kernel_meter *meter, const struct kernel_options *options,
		     GError **error)
{
	int outer;

	if (!load_programs(meter, options, error))
		return false;
	kernel_look_find(&meter->tables, meter->objects[DRAIN]);
	outer = map_named(meter, "flow_tables");
	if (options->adopt ? !kernel_tables_adopt(&meter->tables, outer, options->pin, error)
			   : !kernel_tables_place(&meter->tables, outer, error))
		return false;
	if (options->pin && !options->adopt &&
	    (!pin_maps(meter->first, options->pin, error) ||
	     !kernel_tables_pin(&meter->tables, options->pin, error)))
		return false;
	return open_maps(meter, error) && make_front(meter, options, error);
}

static struct kernel_meter *give_up(struct kernel_meter *meter)
{
	kernel_meter_free(meter);
	return NULL;
}

/* libbpf's own words go nowhere: the error says what failed. */
static int silence(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

static struct kernel_meter *blank(const struct kernel_options *options)
{
	struct kernel_meter *meter = g_new0(struct kernel_meter, 1);

	meter->replay = MAP_FAILED;
	meter->hook = options->hook;
	meter->copies = dedup_settings(&options->dedup);
	kernel_tables_init(&meter->tables, &options->settings, options->cache, options->sets);
	meter->tables.one = options->one_cpu;
	meter->drain = -1;
	for (int i = 0; i < OBJECTS; i++)
		meter->programs[i] = -1;
	return meter;
}

struct kernel_meter *kernel_meter_new(const struct kernel_options *options, GError **error)
{
	struct kernel_meter *meter;

	if (!g_getenv("WEIR_BPF_LOG"))
		libbpf_set_print(silence);
	meter = blank(options);
	if ((!options->adopt && !kernel_tables_make(&meter->tables, error)) ||
	    !load_all(meter, options, error))
		return give_up(meter);
	return meter;
}

/* The tables are found through the maps, so nothing of them is needed but their measures. */
struct kernel_meter *kernel_meter_again(const struct kernel_meter *meter,
					const struct kernel_options *options, GError **error)
{
	struct kernel_meter *next = blank(options);

	next->copies = meter->copies;
	next->first = meter->first;
	next->lent = true;
	if (!load_programs(next, options, error))
		return give_up(next);
	next->counts = map_named(meter, "counts");
	return make_front(next, options, error) ? next : give_up(next);
}

void kernel_meter_free(struct kernel_meter *meter)
{
	if (!meter)
		return;
	filter_front_free(meter->front);
	kernel_ring_free(meter->ring);
	if (meter->replay != MAP_FAILED)
		munmap(meter->replay, sizeof(*meter->replay));
	kernel_tables_clear(&meter->tables);
	if (meter->drain >= 0)
		close(meter->drain);
	for (int i = 0; i < OBJECTS; i++) {
		if (meter->objects[i] != meter->first)
			bpf_object__close(meter->objects[i]);
	}
	if (!meter->lent)
		bpf_object__close(meter->first);
	g_free(meter);
}

int kernel_meter_program(const struct kernel_meter *meter, enum kernel_hook hook)
{
	if (!meter->front)
		return meter->programs[hook];
	return filter_front_program(meter->front, hook == KERNEL_HOOK_XDP ? FRONT_XDP : FRONT_TC);
}

int kernel_meter_program_out(const struct kernel_meter *meter, enum kernel_hook hook)
{
	return meter->front ? filter_front_program(meter->front, FRONT_TC_OUT)
			    : program_of(meter->objects[hook], "weir_tc_out");
}

void kernel_meter_replay(struct kernel_meter *meter, const struct frame *frame)
{
	meter->replay->now_ns = frame->time_ns;
	meter->replay->length = frame->length;
	meter->replay->iface = frame->iface;
	meter->replay->link = frame->link;
}

static bool run(struct kernel_meter *meter, const struct kernel_run *what, guint32 *ret_ns,
		GError **error)
{
	const struct frame *frame = what->frame;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->data,
		    .data_size_in = frame->captured, .repeat = (int)what->repeat);

	kernel_meter_replay(meter, frame);
	if (bpf_prog_test_run_opts(what->program, &opts))
		return kernel_fail(error, "running a frame", errno);
	if (ret_ns)
		*ret_ns = opts.duration;
	return true;
}

bool kernel_meter_run(struct kernel_meter *meter, const struct frame *frame, guint repeat,
		      guint32 *ret_ns, GError **error)
{
	const struct kernel_run what = { kernel_meter_program(meter, meter->hook), frame, repeat };

	return run(meter, &what, ret_ns, error);
}

bool kernel_meter_scan(struct kernel_meter *meter, struct cache_drain *call, GError **error)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = call, .data_size_in = sizeof(*call),
		    .data_out = call, .data_size_out = sizeof(*call), .repeat = 1);

	if (bpf_prog_test_run_opts(meter->drain, &opts))
		return kernel_fail(error, "scanning a table", errno);
	return true;
}

static void take(void *data, const void *record, size_t octets, guint64 position)
{
	const struct taking *taking = data;

	(void)position;
	if (octets >= taking->octets)
		taking->sink(taking->data, record);
}

void kernel_meter_drain(struct kernel_meter *meter, kernel_record *sink, void *data)
{
	struct taking taking = { sink, data, flow_record_size(meter->tables.detail) };

	while (kernel_ring_read(meter->ring, G_MAXUINT, take, &taking) > 0)
		;
	kernel_ring_commit(meter->ring);
}

bool kernel_meter_empty(struct kernel_meter *meter, kernel_record *sink, void *data, GError **error)
{
	g_autofree struct cache_counts *counts = g_new0(struct cache_counts, meter->tables.cpus);
	struct fragment_key key;
	const guint32 zero = 0;

	if (bpf_map_lookup_elem(meter->counts, &zero, counts))
		return kernel_fail(error, "reading the counters", errno);
	for (int cpu = 0; cpu < meter->tables.cpus; cpu++) {
		if (!counts[cpu].meter.packets[METER_OK])
			continue; /* its table was never used */
		if (!kernel_tables_empty(&meter->tables, cpu, sink, data, error))
			return false;
	}
	while (!bpf_map_get_next_key(meter->fragments, NULL, &key))
		bpf_map_delete_elem(meter->fragments, &key);
	if (!kernel_copies_clear(map_named(meter, KERNEL_COPIES),
				 map_named(meter, KERNEL_COPIES_PAIRS), &meter->copies, error))
		return false;
	memset(counts, 0, sizeof(*counts) * (size_t)meter->tables.cpus);
	if (bpf_map_update_elem(meter->counts, &zero, counts, BPF_ANY))
		return kernel_fail(error, "clearing the counters", errno);
	return true;
}

GArray *kernel_meter_copies(const struct kernel_meter *meter, GError **error)
{
	return kernel_copies_pairs(map_named(meter, KERNEL_COPIES_PAIRS), meter->tables.cpus,
				   error);
}
