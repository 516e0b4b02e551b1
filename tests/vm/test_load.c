/* SPDX-License-Identifier: BSD-2-Clause */
/* The verifier of the running kernel takes every program at every level of detail, as it is loaded
 * for live traffic and for replay: the settings are constants to the verifier, so each combination
 * is a program of its own. It prints how many instructions the verifier walked. */
#include <bpf/bpf.h>
#include <glib.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "capture/kernel_meter.h"
#include "capture/native_meter.h"
#include "capture/tunnels.h"

#define SETS	    8
#define SKIPPED	    77
#define WALKED_MOST 1000000 /* BPF_COMPLEXITY_LIMIT_INSNS */

static const char *const details[FLOW_DETAILS] = { "basic", "tcp", "full" };
enum kind {
	LIVE,
	REPLAY,
	AGAIN, /* over tables that have met other settings */
	KINDS,
};

static const char *const kinds[KINDS] = { "live", "replay", "live again" };
static const char *const hooks[KERNEL_HOOKS] = { "XDP", "tc" };

static bool refused(const char *what, GError *error)
{
	printf("%s: %s\n", what, error->message);
	g_error_free(error);
	return false;
}

/* More than half of what any kernel allows is too near: another compiler may need twice as much. */
static bool walked(const char *what, int program)
{
	struct bpf_prog_info info = { 0 };
	__u32 octets = sizeof(info);

	if (bpf_obj_get_info_by_fd(program, &info, &octets)) {
		printf("%s: cannot be asked about\n", what);
		return false;
	}
	printf("%s: taken, %u instructions walked\n", what, info.verified_insns);
	return info.verified_insns <= WALKED_MOST / 2;
}

static bool load(enum kernel_hook hook, enum kernel_cache cache, enum flow_detail detail,
		 enum kind kind)
{
	struct native_options native = { .idle_ns = 15 * FLOW_SECOND_NS,
					 .active_ns = 60 * FLOW_SECOND_NS,
					 .max_flows = SETS * SET_WAYS,
					 .detail = detail };
	struct kernel_options options = {
		.hook = hook, .cache = cache, .sets = SETS, .replaying = kind == REPLAY
	};
	g_autofree char *what =
		g_strdup_printf("%s, %s table, %s, %s", hooks[hook], kernel_cache_name(cache),
				details[detail], kinds[kind]);
	GError *error = NULL;
	struct kernel_meter *meter;
	bool good;

	tunnels_parse(&(struct tunnel_options){ 0 }, &native.tunnels, NULL);
	options.settings = native_settings(&native);
	options.settings.other_gates = kind == AGAIN;
	meter = kernel_meter_new(&options, &error);
	if (!meter)
		return refused(what, error);
	good = walked(what, kernel_meter_program(meter, hook));
	kernel_meter_free(meter);
	return good;
}

int main(void)
{
	bool good = true;

	if (getuid() != 0) {
		printf("skipped: needs root\n");
		return SKIPPED;
	}
	for (int program = 0; program < KERNEL_HOOKS * KERNEL_CACHES; program++) {
		enum kernel_hook hook = program / KERNEL_CACHES;
		enum kernel_cache cache = program % KERNEL_CACHES;

		for (int detail = 0; detail < FLOW_DETAILS; detail++) {
			for (int kind = 0; kind < KINDS; kind++)
				good &= load(hook, cache, detail, kind);
		}
	}
	return !good;
}
