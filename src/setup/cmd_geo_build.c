/* SPDX-License-Identifier: BSD-2-Clause */
/* weir geo build */
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "enrich/geo_path.h"
#include "enrich/world_read.h"
#include "setup/options.h"

#define EPOCH_VARIABLE "SOURCE_DATE_EPOCH"
#define FOLDER_MODE    0755

static const char *const tor_files[] = { "/usr/share/tor/geoip", "/usr/share/tor/geoip6", NULL };

/* For who builds the same twice: https://reproducible-builds.org/specs/source-date-epoch/ */
static bool find_epoch(guint64 *ret_epoch, GError **error)
{
	const char *text = g_getenv(EPOCH_VARIABLE);

	*ret_epoch = (guint64)time(NULL);
	if (!text || g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, ret_epoch, NULL))
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
		    EPOCH_VARIABLE ": '%s' is not a number of seconds since 1970; unset it, or "
				   "give one",
		    text);
	return false;
}

/* The networks first: whatever runs for them is then counted without our own memory. */
static bool read_world(struct world *world, const struct options *options, GError **error)
{
	const char *const *files = (const char *const *)options->values[OPTION_COUNTRY].list;

	if (isatty(STDERR_FILENO) && !options->values[OPTION_QUIET].number)
		log_line("reading networks and countries; this takes some seconds");
	if (!world_read_networks(world, options->values[OPTION_LOCATION].text, error))
		return false;
	for (files = files ? files : tor_files; *files; files++) {
		if (!world_read_countries(world, *files, error))
			return false;
	}
	return true;
}

static bool read_all(struct world *world, const struct options *options, GError **error)
{
	char **files = options->values[OPTION_CSV].list;

	if (!options->values[OPTION_ONLY_CSV].number && !read_world(world, options, error))
		return false;
	for (; files && *files; files++) {
		if (!world_read_own(world, *files, error))
			return false;
	}
	return true;
}

/* Octets, of this process and of the largest it ran. */
static double memory_used(void)
{
	struct rusage self;
	struct rusage other;

	getrusage(RUSAGE_SELF, &self);
	getrusage(RUSAGE_CHILDREN, &other);
	return 1024.0 * (double)(self.ru_maxrss + other.ru_maxrss);
}

static void report(const char *path, const struct mmdb_size *size, gint64 began_us)
{
	log_line("%s: %.1f MB, %u nodes; took %.1f s and %.0f MB of memory", path,
		 (double)size->octets / 1e6, size->nodes,
		 (double)(g_get_monotonic_time() - began_us) / G_USEC_PER_SEC, memory_used() / 1e6);
}

static bool make_folder(GError **error)
{
	g_autofree char *folder = g_path_get_dirname(GEO_PATH_BUILT);

	if (g_mkdir_with_parents(folder, FOLDER_MODE) == 0)
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
		    "%s: %s; run it as root, or name a file with --output", folder,
		    g_strerror(errno));
	return false;
}

static bool check(const struct options *options, GError **error)
{
	const struct option_value *values = options->values;

	if (!values[OPTION_ONLY_CSV].number)
		return true;
	if (!values[OPTION_CSV].list) {
		g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_USAGE,
				    "--only-csv: there is nothing else; give --csv FILE");
		return false;
	}
	if (values[OPTION_COUNTRY].list || values[OPTION_LOCATION].text) {
		g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_USAGE,
				    "--only-csv contradicts --country and --location; leave it or "
				    "them out");
		return false;
	}
	return true;
}

static bool build(const struct options *options, GError **error)
{
	const char *path = options->values[OPTION_OUTPUT].text;
	gint64 began_us = g_get_monotonic_time();
	struct mmdb_size size = { 0 };
	struct world *world;
	guint64 epoch;
	bool good;

	if (!check(options, error) || !find_epoch(&epoch, error) || (!path && !make_folder(error)))
		return false;
	path = path ? path : GEO_PATH_BUILT;
	world = world_new();
	good = read_all(world, options, error) && world_write(world, path, epoch, &size, error);
	world_free(world);
	if (good && !options->values[OPTION_QUIET].number)
		report(path, &size, began_us);
	return good;
}

int cmd_geo_build(int argc, char **argv)
{
	return command_main(COMMAND_GEO_BUILD, argc, argv, build);
}
