/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/bench/vary.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "vary_turn.h"
#include "weir_vary.skel.h"

/* Ethernet, IPv4 without options, TCP with ACK and ten octets of data. */
/* clang-format off */
static const guint8 frame[] = {
	2, 0, 0, 0, 0, 2,  2, 0, 0, 0, 0, 1,  8, 0,
	0x45, 0, 0, 50,  0, 0, 0, 0,  64, 6, 0, 0,  10, 0, 0, 1,  192, 168, 1, 1,
	4, 1, 0x1f, 0x90,  0, 0, 0, 0,  0, 0, 0, 0,  0x50, 0x10, 0x10, 0,  0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
};
/* clang-format on */
#define PAYLOAD 10

struct vary {
	struct weir_vary *object;
	int varying;
	int empty;
	int target; /* the map that says what comes after varying */
};

static bool fail(GError **error, const char *what, int code)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "varying frames: %s: %s", what,
		    g_strerror(code));
	return false;
}

struct vary *vary_new(enum kernel_hook hook, GError **error)
{
	bool xdp = hook == KERNEL_HOOK_XDP;
	struct vary *vary = g_new0(struct vary, 1);

	vary->object = weir_vary__open_and_load();
	if (!vary->object) {
		fail(error, "loading", errno);
		g_free(vary);
		return NULL;
	}
	vary->varying =
		bpf_program__fd(xdp ? vary->object->progs.vary_xdp : vary->object->progs.vary_tc);
	vary->empty =
		bpf_program__fd(xdp ? vary->object->progs.empty_xdp : vary->object->progs.empty_tc);
	vary->target =
		bpf_map__fd(xdp ? vary->object->maps.xdp_target : vary->object->maps.tc_target);
	return vary;
}

void vary_free(struct vary *vary)
{
	if (!vary)
		return;
	weir_vary__destroy(vary->object);
	g_free(vary);
}

int vary_empty(const struct vary *vary)
{
	return vary->empty;
}

struct vary_state vary_state(const struct vary *vary)
{
	return (struct vary_state){ vary->object->bss->turn.index, vary->object->bss->turn.cycle };
}

static guint32 common_divisor(guint32 a, guint32 b)
{
	while (b) {
		guint32 rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* The first number from this one down by which all flows have their turn. */
static guint32 step_over(guint32 count, guint32 step)
{
	while (step > 1 && common_divisor(count, step) != 1)
		step--;
	return MAX(step, 1);
}

void vary_begin(struct vary *vary, const struct vary_flows *flows, struct vary_state state)
{
	struct vary_turn *turn = &vary->object->bss->turn;

	turn->index = state.index;
	turn->cycle = state.cycle;
	turn->flows = flows->count;
	turn->payload = PAYLOAD;
	for (guint32 i = 0; i < VARY_STEPS; i++) {
		guint64 about = (guint64)flows->count * (618 - 50 * i) / 1000;

		turn->step[i] = flows->ordered ? 1 : step_over(flows->count, (guint32)about);
	}
}

guint64 vary_thread_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (guint64)now.tv_sec * FLOW_SECOND_NS + (guint64)now.tv_nsec;
}

bool vary_run_alone(struct vary *vary, int program, guint packets, double *ret_ns, GError **error)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = (int)packets);
	guint64 start = vary_thread_ns();

	(void)vary;
	if (bpf_prog_test_run_opts(program, &opts))
		return fail(error, "running a frame", errno);
	*ret_ns = (double)(vary_thread_ns() - start) / packets;
	return true;
}

bool vary_run(struct vary *vary, int program, guint packets, double *ret_ns, GError **error)
{
	const guint32 first = 0;

	if (bpf_map_update_elem(vary->target, &first, &program, BPF_ANY))
		return fail(error, "choosing the program", errno);
	return vary_run_alone(vary, vary->varying, packets, ret_ns, error);
}
