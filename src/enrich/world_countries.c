/* SPDX-License-Identifier: BSD-2-Clause */
/* The two files of tor-geoipdb. */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "enrich/world_lines.h"
#include "enrich/world_read.h"

#define UNKNOWN "??"

/* 16777216 is 1.0.0.0. */
static bool number_to_address(const char *text, guint8 *ret_octets)
{
	guint64 number;

	if (!g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT32, &number, NULL))
		return false;
	for (guint i = 0; i < 4; i++)
		ret_octets[i] = (guint8)(number >> (8 * (3 - i)));
	return true;
}

static bool parse_range(const char *first, const char *last, struct mmdb_range *ret_range)
{
	struct mmdb_range range = { .bits = MMDB_BITS_4 };

	if (strchr(first, ':'))
		return mmdb_range_between(first, last, ret_range);
	if (!number_to_address(first, range.first) || !number_to_address(last, range.last) ||
	    memcmp(range.first, range.last, 4) > 0)
		return false;
	*ret_range = range;
	return true;
}

static bool is_country(const char *text)
{
	return strlen(text) == 2 && g_ascii_isupper(text[0]) && g_ascii_isupper(text[1]);
}

/* The line is cut into its parts. */
static bool take_line(struct world *world, char *line)
{
	char *last = strchr(line, ',');
	char *country = last ? strchr(last + 1, ',') : NULL;
	struct mmdb_range range;

	if (!country)
		return false;
	*last++ = '\0';
	*country++ = '\0';
	if (!parse_range(line, last, &range))
		return false;
	if (strcmp(country, UNKNOWN) == 0)
		country = NULL;
	else if (!is_country(country))
		return false;
	world_set_country(world, &range, country);
	return true;
}

static bool take_lines(struct world *world, struct world_lines *lines, GError **error)
{
	guint64 ranges = 0;

	while (world_lines_next(lines, error)) {
		gint64 made = world_lines_made(lines);

		if (made)
			world_set_made(world, WORLD_COUNTRIES, made);
		if (!lines->line[0] || lines->line[0] == '#')
			continue;
		if (!take_line(world, lines->line))
			return world_lines_refuse(lines, error,
						  "is not FIRST,LAST,COUNTRY; give a file as "
						  "/usr/share/tor/geoip of tor-geoipdb");
		ranges++;
	}
	if (lines->failed)
		return false;
	if (ranges == 0)
		return world_lines_refuse(lines, error,
					  "ends without a range; install tor-geoipdb anew");
	return true;
}

bool world_read_countries(struct world *world, const char *path, GError **error)
{
	g_autofree struct world_lines *lines = g_new0(struct world_lines, 1);
	bool good;

	lines->name = path;
	lines->stream = fopen(path, "re");
	if (!lines->stream) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "%s: %s; install the package tor-geoipdb, or say with --country where "
			    "its files are",
			    path, g_strerror(errno));
		return false;
	}
	good = take_lines(world, lines, error);
	fclose(lines->stream);
	return good;
}
