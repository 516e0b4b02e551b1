/* SPDX-License-Identifier: BSD-2-Clause */
/* weir stats: the account of a run as it stands, and its rates. */
#include <stdio.h>

#include "operate/instances.h"
#include "serve/ask.h"
#include "setup/instance_socket.h"
#include "setup/options.h"

#define HEADING_EVERY 20
#define SECOND_US     G_USEC_PER_SEC

static double rate(JsonObject *answer, const char *name)
{
	JsonObject *rates = json_object_get_object_member(answer, "rates");

	return json_object_get_double_member_with_default(rates, name, 0);
}

static gint64 in_cache(JsonObject *answer)
{
	return json_object_get_int_member_with_default(
		json_object_get_object_member(answer, "inCache"), "flows", 0);
}

/* A line that fits into 80 columns, for eyes and for awk. */
static void print_line(JsonObject *answer, guint64 turn)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *time = g_date_time_format(now, "%H:%M:%S");

	if (turn % HEADING_EVERY == 0)
		printf("%-8s %10s %12s %10s %8s %9s %8s %8s\n", "UTC", "PACKETS/s", "OCTETS/s",
		       "METERED/s", "ASIDE/s", "RECORDS/s", "LOST/s", "FLOWS");
	printf("%-8s %10.0f %12.0f %10.0f %8.0f %9.0f %8.0f %8" G_GINT64_FORMAT "\n", time,
	       rate(answer, "seenPackets"), rate(answer, "seenOctets"),
	       rate(answer, "meteredPackets"), rate(answer, "setAsidePackets"),
	       rate(answer, "exportedRecords"), rate(answer, "droppedRecords"), in_cache(answer));
	fflush(stdout);
}

static bool print_text(const char *path, GError **error)
{
	g_autoptr(GString) lines = g_string_new(NULL);
	g_autoptr(JsonObject) answer = control_ask_lines(path, "stats-text", lines, error);

	if (!answer)
		return false;
	fwrite(lines->str, 1, lines->len, stdout);
	return true;
}

static bool watch(const struct options *options, const char *path, GError **error)
{
	gint64 next_us = g_get_monotonic_time();

	for (guint64 turn = 0; !ferror(stdout); turn++) {
		g_autoptr(JsonObject) answer = control_ask(path, "stats", error);
		gint64 now_us;

		if (!answer)
			return false;
		if (options->values[OPTION_AS_JSON].number)
			print_json_line(answer);
		else
			print_line(answer, turn);
		fflush(stdout);
		now_us = g_get_monotonic_time();
		next_us = MAX(next_us + SECOND_US, now_us);
		g_usleep((gulong)(next_us - now_us));
	}
	return true;
}

static bool stats(const struct options *options, GError **error)
{
	const char *name = options->arguments ? options->arguments[0] : NULL;
	g_autofree char *path = instance_socket_find(name, error);
	g_autoptr(JsonObject) answer = NULL;

	if (!path)
		return false;
	if (options->values[OPTION_WATCH].number)
		return watch(options, path, error);
	if (!options->values[OPTION_AS_JSON].number)
		return print_text(path, error);
	answer = control_ask(path, "stats", error);
	if (answer)
		print_json_line(answer);
	return answer;
}

int cmd_stats(int argc, char **argv)
{
	return command_main(COMMAND_STATS, argc, argv, stats);
}
