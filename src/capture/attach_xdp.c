/* SPDX-License-Identifier: BSD-2-Clause */
/* XDP by a BPF link. A link cannot take the place of a program that was attached without one: such
 * a program is taken off first, and put back when ours goes. */
#include <linux/if_link.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "capture/attach_parts.h"

#define OUR_PROGRAM "weir_xdp" /* or weir_xdp_filter */

static guint32 program_there(const struct attachment *at, guint32 *ret_mode)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, found);

	if (bpf_xdp_query((int)at->index, 0, &found))
		return 0;
	*ret_mode = found.attach_mode == XDP_ATTACHED_SKB  ? XDP_FLAGS_SKB_MODE
		    : found.attach_mode == XDP_ATTACHED_HW ? XDP_FLAGS_HW_MODE
							   : XDP_FLAGS_DRV_MODE;
	/* With several modes at once the first field is empty. */
	return found.prog_id ? found.prog_id : found.drv_prog_id;
}

/* Ours is what a link pinned in our folder runs. */
static bool is_ours(const struct attachment *at, guint32 id)
{
	int link = attach_pin_get(at, PIN_LINK + POINT_XDP);
	guint32 running = 0;
	bool ours = link >= 0 && attach_link_alive(link, at->index, &running) && running == id;

	if (link >= 0)
		close(link);
	return ours;
}

bool attach_xdp_check(const struct attachment *at, GError **error)
{
	guint32 mode;
	guint32 id = program_there(at, &mode);
	char name[BPF_OBJ_NAME_LEN];

	if (!id || at->force || is_ours(at, id))
		return true;
	attach_program_name(id, name);
	if (g_str_has_prefix(name, OUR_PROGRAM))
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "%s: another weir (XDP program %u) is attached already and stays; stop "
			    "it, or use --hook tc beside it",
			    at->interface, id);
	else
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "%s: XDP program %u (%s) is attached already and stays (bpftool prog "
			    "show id %u); take it off, use --hook tc, or replace it by --force",
			    at->interface, id, name, id);
	return false;
}

/* --- another's program, by force --- */

static bool take_off(struct attachment *at, guint32 id, GError **error)
{
	struct attach_point *point = &at->points[POINT_XDP];
	LIBBPF_OPTS(bpf_xdp_attach_opts, opts, .old_prog_fd = point->before);
	int code = bpf_xdp_detach((int)at->index, point->before_mode, &opts);
	char name[BPF_OBJ_NAME_LEN];

	if (!code)
		return true;
	attach_program_name(id, name);
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s: XDP program %u (%s) %s%s",
		    at->interface, id, name,
		    code == -EBUSY ? "is held by a BPF link, so that even --force cannot replace "
				     "it; stop who made the link (bpftool link show), or use "
				     "--hook tc"
				   : "cannot be taken off: ",
		    code == -EBUSY ? "" : g_strerror(-code));
	return false;
}

static int before_pin(const struct attach_point *point)
{
	return point->before_mode == XDP_FLAGS_SKB_MODE ? PIN_BEFORE_GENERIC : PIN_BEFORE_DRIVER;
}

/* Pinned before it goes, so that it is put back after whatever happens to this process. */
static bool make_way(struct attachment *at, GError **error)
{
	struct attach_point *point = &at->points[POINT_XDP];
	guint32 mode;
	guint32 id = program_there(at, &mode);

	if (!id)
		return true;
	if (!at->force)
		return attach_xdp_check(at, error);
	point->before_mode = mode;
	point->before = bpf_prog_get_fd_by_id(id);
	if (point->before < 0)
		return attach_fail(error, at->interface, errno, "the XDP program that is there");
	if (attach_pin_put(at, before_pin(point), point->before, error) && take_off(at, id, error))
		return true;
	attach_pin_remove(at, before_pin(point));
	close(point->before);
	point->before = -1;
	return false;
}

bool attach_xdp_restore(struct attachment *at, GError **error)
{
	struct attach_point *point = &at->points[POINT_XDP];
	int code;

	if (point->before < 0)
		return true;
	code = bpf_xdp_attach((int)at->index, point->before,
			      point->before_mode | XDP_FLAGS_UPDATE_IF_NOEXIST, NULL);
	attach_pin_remove(at, before_pin(point));
	close(point->before);
	point->before = -1;
	return code ? attach_fail(error, at->interface, -code,
				  "the XDP program that was there before could not be put back")
		    : true;
}

/* --- ours --- */

static bool make_link(struct attachment *at, int program, guint32 mode)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = mode);
	struct attach_point *point = &at->points[POINT_XDP];

	point->link = bpf_link_create(program, (int)at->index, BPF_XDP, &opts);
	return point->link >= 0;
}

static bool make_any_link(struct attachment *at, int program, enum attach_hook hook, GError **error)
{
	int why;

	if (hook != ATTACH_XDP_GENERIC && make_link(at, program, XDP_FLAGS_DRV_MODE)) {
		at->hook = g_strdup("XDP in the driver");
		return true;
	}
	why = errno;
	if (hook == ATTACH_XDP)
		return attach_fail(error, at->interface, why,
				   "its driver does not take XDP; --hook xdp-generic or tc would "
				   "do");
	if (make_link(at, program, XDP_FLAGS_SKB_MODE)) {
		at->hook = hook == ATTACH_AUTO ? g_strdup_printf("generic XDP (in the driver: %s)",
								 g_strerror(why))
					       : g_strdup("generic XDP");
		return true;
	}
	return attach_fail(error, at->interface, errno, "XDP");
}

/* What was found serves where its mode is one that was asked for. */
static bool found_serves(const struct attachment *at, enum attach_hook hook, bool *ret_generic)
{
	guint32 mode = 0;

	if (at->points[POINT_XDP].link < 0 || !program_there(at, &mode))
		return false;
	*ret_generic = mode == XDP_FLAGS_SKB_MODE;
	return hook == ATTACH_AUTO || (hook == ATTACH_XDP_GENERIC) == *ret_generic;
}

static void drop_found(struct attachment *at)
{
	struct attach_point *point = &at->points[POINT_XDP];

	if (point->link < 0)
		return;
	attach_pin_remove(at, PIN_LINK + POINT_XDP);
	bpf_link_detach(point->link);
	close(point->link);
	point->link = -1;
	point->found = false;
}

bool attach_xdp(struct attachment *at, int program, enum attach_hook hook, GError **error)
{
	bool generic;

	if (found_serves(at, hook, &generic)) {
		at->hook = g_strdup(generic ? "generic XDP" : "XDP in the driver");
		return attach_link_update(at, POINT_XDP, program, error);
	}
	drop_found(at);
	return make_way(at, error) && make_any_link(at, program, hook, error) &&
	       attach_pin_put(at, PIN_LINK + POINT_XDP, at->points[POINT_XDP].link, error);
}
