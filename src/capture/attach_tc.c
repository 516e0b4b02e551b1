/* SPDX-License-Identifier: BSD-2-Clause */
/* tc: TCX links, which know their process's end; on kernels before 6.6, clsact filters. */
#include <bpf/bpf.h>
#include <errno.h>

#include "capture/attach_parts.h"

/* Attach types of 6.6, newer than the headers may be. */
#define TCX_INGRESS 46
#define TCX_EGRESS  47

static bool make_link(struct attachment *at, enum attach_point_id id, int program)
{
	const int type = id == POINT_TC_OUT ? TCX_EGRESS : TCX_INGRESS;

	at->points[id].link =
		bpf_link_create(program, (int)at->index, (enum bpf_attach_type)type, NULL);
	return at->points[id].link >= 0;
}

static bool attach_at(struct attachment *at, enum attach_point_id id, int program, GError **error)
{
	struct attach_point *point = &at->points[id];

	if (point->link >= 0)
		return attach_link_update(at, id, program, error);
	if (!point->filter && make_link(at, id, program))
		return attach_pin_put(at, PIN_LINK + (int)id, point->link, error);
	return attach_filter(at, id, program, error);
}

bool attach_tc(struct attachment *at, const struct kernel_meter *meter,
	       enum attach_direction direction, GError **error)
{
	if ((direction & ATTACH_IN) &&
	    !attach_at(at, POINT_TC_IN, kernel_meter_program(meter, KERNEL_HOOK_TC), error))
		return false;
	if ((direction & ATTACH_OUT) &&
	    !attach_at(at, POINT_TC_OUT, kernel_meter_program_out(meter, KERNEL_HOOK_TC), error))
		return false;
	at->hook = g_strdup(at->points[POINT_TC_IN].filter || at->points[POINT_TC_OUT].filter
				    ? "tc (clsact)"
				    : "tc (TCX)");
	return true;
}
