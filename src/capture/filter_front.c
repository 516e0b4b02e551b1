/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/filter_front.h"

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "capture/filter_translate.h"
#include "capture/kernel_load.h"
#include "capture/kernel_tables.h"

#define PIN	   "front-"
#define LOG_OCTETS (1u << 20)

/* A map of programs takes programs of one type only. */
enum front_type {
	TYPE_XDP,
	TYPE_TC,
	TYPES,
};

static const char *const type_names[TYPES] = { "xdp", "tc" };

/* Type and expected type of attachment are the meter's, or the kernel lets neither call the other;
 * so are the flags: none of them takes frames in more than one piece. */
static const struct place {
	enum front_type type;
	enum bpf_prog_type kind;
	enum bpf_attach_type attach;
	const char *name;
	gint32 passing;
	guint32 slot;
} places[FRONT_PLACES] = {
	[FRONT_XDP] = { TYPE_XDP, BPF_PROG_TYPE_XDP, BPF_XDP, "weir_xdp_filter", XDP_PASS, 0 },
	[FRONT_TC] = { TYPE_TC, BPF_PROG_TYPE_SCHED_CLS, 0, "weir_tc_filter", TC_ACT_UNSPEC, 0 },
	[FRONT_TC_OUT] = { TYPE_TC, BPF_PROG_TYPE_SCHED_CLS, 0, "weir_tc_filter", TC_ACT_UNSPEC,
			   1 },
};

struct filter_front {
	int targets[TYPES]; /* maps of programs; -1: not needed */
	int programs[FRONT_PLACES];
	guint number; /* of its names; 0: it has none */
};

static bool make_targets(struct filter_front *front, const int meters[FRONT_PLACES], GError **error)
{
	for (int i = 0; i < FRONT_PLACES; i++) {
		const struct place *place = &places[i];
		int *map = &front->targets[place->type];

		if (meters[i] < 0)
			continue;
		if (*map < 0)
			*map = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "weir_front", 4, 4,
					      FRONT_PLACES, NULL);
		if (*map < 0 || bpf_map_update_elem(*map, &place->slot, &meters[i], BPF_ANY))
			return kernel_fail(error, "the filter's way to it", errno);
	}
	return true;
}

static bool refused(const char *log, int code, GError **error)
{
	g_autofree char *reason = kernel_load_reason(log);

	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
		    "filter in the kernel: %s%s%s; --hook af_packet filters without",
		    g_strerror(code), reason ? ": " : "", reason ? reason : "");
	return false;
}

static bool load(int *ret_program, const struct place *place, const GArray *steps, GError **error)
{
	g_autofree char *log = g_malloc0(LOG_OCTETS);
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = place->attach);

	*ret_program = bpf_prog_load(place->kind, place->name, "Dual BSD/GPL",
				     (const void *)steps->data, steps->len, &opts);
	if (*ret_program >= 0)
		return true;
	/* Once more, for the verifier's words. */
	opts.log_buf = log;
	opts.log_size = LOG_OCTETS;
	opts.log_level = 1;
	*ret_program = bpf_prog_load(place->kind, place->name, "Dual BSD/GPL",
				     (const void *)steps->data, steps->len, &opts);
	return *ret_program >= 0 ? true : refused(log, errno, error);
}

static bool make_program(struct filter_front *front, const struct filter *filter, int which,
			 int counts, GError **error)
{
	const struct place *place = &places[which];
	const struct filter_target target = {
		.buffer = place->type == TYPE_TC,
		.counts = counts,
		.targets = front->targets[place->type],
		.slot = place->slot,
		.passing = place->passing,
	};
	guint count;
	const struct sock_filter *code = filter_code(filter, &count, error);
	GArray *steps = code ? filter_translate(code, count, &target, error) : NULL;
	bool good = steps && load(&front->programs[which], place, steps, error);

	if (steps)
		g_array_unref(steps);
	return good;
}

struct filter_front *filter_front_new(const struct filter *filter, const int meters[FRONT_PLACES],
				      int counts, GError **error)
{
	struct filter_front *front = g_new0(struct filter_front, 1);
	bool good;

	for (int i = 0; i < TYPES; i++)
		front->targets[i] = -1;
	for (int i = 0; i < FRONT_PLACES; i++)
		front->programs[i] = -1;
	good = make_targets(front, meters, error);
	for (int i = 0; good && i < FRONT_PLACES; i++)
		good = meters[i] < 0 || make_program(front, filter, i, counts, error);
	if (good)
		return front;
	filter_front_free(front);
	return NULL;
}

void filter_front_free(struct filter_front *front)
{
	if (!front)
		return;
	for (int i = 0; i < FRONT_PLACES; i++) {
		if (front->programs[i] >= 0)
			close(front->programs[i]);
	}
	for (int i = 0; i < TYPES; i++) {
		if (front->targets[i] >= 0)
			close(front->targets[i]);
	}
	g_free(front);
}

int filter_front_program(const struct filter_front *front, enum front_place place)
{
	return front->programs[place];
}

/* --- names: front-NUMBER-TYPE --- */

static guint number_of(const char *name)
{
	return g_str_has_prefix(name, PIN)
		       ? (guint)g_ascii_strtoull(name + sizeof(PIN) - 1, NULL, 10)
		       : 0;
}

static guint highest(const char *folder)
{
	GDir *dir = g_dir_open(folder, 0, NULL);
	guint number = 0;
	const char *name;

	while (dir && (name = g_dir_read_name(dir)))
		number = MAX(number, number_of(name));
	if (dir)
		g_dir_close(dir);
	return number;
}

static char *path_of(const struct filter_front *front, const char *folder, int type)
{
	return g_strdup_printf("%s/" PIN "%u-%s", folder, front->number, type_names[type]);
}

bool filter_front_pin(struct filter_front *front, const char *folder, GError **error)
{
	front->number = highest(folder) + 1;
	for (int i = 0; i < TYPES; i++) {
		g_autofree char *path = path_of(front, folder, i);

		if (front->targets[i] >= 0 && bpf_obj_pin(front->targets[i], path))
			return kernel_fail(error, path, errno);
	}
	return true;
}

void filter_front_unpin(const struct filter_front *front, const char *folder)
{
	for (int i = 0; i < TYPES; i++) {
		g_autofree char *path = path_of(front, folder, i);

		unlink(path);
	}
}

static bool is_other(const struct filter_front *front, const char *name)
{
	guint number = number_of(name);

	return number && (!front || number != front->number);
}

bool filter_front_has_others(const struct filter_front *front, const char *folder)
{
	GDir *dir = g_dir_open(folder, 0, NULL);
	bool found = false;
	const char *name;

	while (dir && !found && (name = g_dir_read_name(dir)))
		found = is_other(front, name);
	if (dir)
		g_dir_close(dir);
	return found;
}

void filter_front_unpin_others(const struct filter_front *front, const char *folder)
{
	GDir *dir = g_dir_open(folder, 0, NULL);
	const char *name;

	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(folder, name, NULL);

		if (is_other(front, name))
			unlink(path);
	}
	if (dir)
		g_dir_close(dir);
}
