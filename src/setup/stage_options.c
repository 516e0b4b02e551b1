/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/stage_options.h"

#include <string.h>

#include "base/clock.h"

int stage_detail(const struct options *options)
{
	static const int details[] = { -1, FLOW_DETAIL_BASIC, FLOW_DETAIL_TCP, FLOW_DETAIL_FULL };

	return details[options->values[OPTION_DETAIL].number];
}

enum kernel_cache stage_cache(const struct options *options)
{
	/* The first choice is "auto". */
	static const enum kernel_cache caches[] = { KERNEL_CACHE_SET, KERNEL_CACHE_SET,
						    KERNEL_CACHE_HASH };

	return caches[options->values[OPTION_CACHE].number];
}

bool stage_tunnels(const struct options *options, struct meter_tunnels *ret_tunnels, GError **error)
{
	const struct tunnel_options tunnels = {
		.view = (enum tunnel_view)options->values[OPTION_TUNNELS].number,
		.mirrors = options->values[OPTION_MIRROR].text,
		.ports = options->values[OPTION_TUNNEL_PORTS].text,
	};

	return tunnels_parse(&tunnels, ret_tunnels, error);
}

/* The path, unless it means standard output. */
static const char *file_of(const char *path)
{
	return path && strcmp(path, "-") != 0 ? path : NULL;
}

struct export_options stage_export(const struct options *options)
{
	const struct option_value *values = options->values;

	return (struct export_options){
		.to = (const char *const *)options->to,
		.names = (const char *const *)options->to_names,
		/* Not given: each form has its own. */
		.template_name = values[OPTION_TEMPLATE].origin == OPTION_NOT_GIVEN
					 ? NULL
					 : values[OPTION_TEMPLATE].text,
		.direction = options_direction(options),
		.pen = (guint32)values[OPTION_PEN].number,
		.domain = (guint32)values[OPTION_DOMAIN].number,
		.sampling = (guint32)values[OPTION_SAMPLE].number,
		.random_sampling = values[OPTION_SAMPLE_MODE].number,
		.policy = (enum fanout_policy)values[OPTION_FANOUT].number,
		.strict = values[OPTION_STRICT].number,
		.config = values[OPTION_CONFIG].text,
		.log = values[OPTION_LOG_FILE].text,
		.account = file_of(values[OPTION_JSON_STATS].text),
	};
}

struct dedup_options stage_dedup(const struct options *options)
{
	const struct option_value *values = options->values;

	if (!values[OPTION_DEDUP].number)
		return (struct dedup_options){ 0 };
	return (struct dedup_options){
		.window_ns = values[OPTION_DEDUP_WINDOW].number,
		.packets = (guint32)values[OPTION_DEDUP_PACKETS].number,
		.seed = (guint64)g_random_int() << 32 | g_random_int(),
	};
}

struct export_options stage_export_live(const struct options *options)
{
	struct export_options export = stage_export(options);

	export.clock_ns = clock_wall_ns;
	return export;
}
