/* SPDX-License-Identifier: BSD-2-Clause */
/* What `location dump` prints: paragraphs of "key: value", first those of autonomous systems, then
 * those of networks, outer ones before inner ones. It is read while it is printed: the whole text
 * is larger than the memory we allow ourselves. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "enrich/world_lines.h"
#include "enrich/world_read.h"

#define COMMAND "location dump"

struct dump {
	struct world *world;
	struct world_lines lines;
	/* The paragraph under way. */
	bool is_network;
	struct mmdb_range range;
	char country[3];
	guint32 as_number;
	guint64 networks;
};

static bool take_network(struct dump *dump, const char *value)
{
	dump->is_network = true;
	return mmdb_range_parse(value, &dump->range);
}

static bool take_country(struct dump *dump, const char *value)
{
	if (strlen(value) != 2 || !g_ascii_isupper(value[0]) || !g_ascii_isupper(value[1]))
		return false;
	memcpy(dump->country, value, 2);
	return true;
}

/* "AS1" of an autonomous system, "1" of a network. */
static bool take_as(struct dump *dump, const char *value)
{
	guint64 number;

	if (g_str_has_prefix(value, "AS"))
		value += 2;
	if (!g_ascii_string_to_unsigned(value, 10, 0, G_MAXUINT32, &number, NULL))
		return false;
	dump->as_number = (guint32)number;
	return true;
}

static bool take_name(struct dump *dump, const char *value)
{
	if (*value)
		world_name_as(dump->world, dump->as_number, value);
	return true;
}

/* Keys that are not here (is-anycast and the like) say nothing that is written. */
static const struct {
	const char *key;
	bool (*take)(struct dump *dump, const char *value);
	const char *wanted;
} keys[] = {
	{ "net", take_network, "a network" },
	{ "country", take_country, "a country" },
	{ "aut-num", take_as, "the number of an autonomous system" },
	{ "name", take_name, "a name" },
};

static void end_paragraph(struct dump *dump)
{
	if (dump->is_network) {
		world_set_network(dump->world, &dump->range, dump->country, dump->as_number);
		dump->networks++;
	}
	dump->is_network = false;
	dump->as_number = 0;
	memset(dump->country, 0, sizeof(dump->country));
}

static bool take_line(struct dump *dump, GError **error)
{
	char *line = dump->lines.line;
	char *colon = strchr(line, ':');
	const char *value;

	if (!colon)
		return world_lines_refuse(&dump->lines, error,
					  "is not KEY: VALUE; give what '" COMMAND "' prints");
	*colon = '\0';
	value = g_strstrip(colon + 1);
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
		if (strcmp(keys[i].key, line) != 0)
			continue;
		if (!keys[i].take(dump, value))
			return world_lines_refuse(&dump->lines, error,
						  "'%s' is not %s; give what '" COMMAND "' prints",
						  value, keys[i].wanted);
	}
	return true;
}

static bool take_lines(struct dump *dump, GError **error)
{
	while (world_lines_next(&dump->lines, error)) {
		gint64 made = world_lines_made(&dump->lines);

		if (made)
			world_set_made(dump->world, WORLD_NETWORKS, made);
		if (dump->lines.line[0] == '#')
			continue;
		if (!dump->lines.line[0])
			end_paragraph(dump);
		else if (!take_line(dump, error))
			return false;
	}
	end_paragraph(dump);
	return !dump->lines.failed;
}

static bool not_a_dump(const struct dump *dump, GError **error)
{
	return world_lines_refuse(&dump->lines, error,
				  "ends without a network; give what '" COMMAND "' prints");
}

static bool read_file(struct dump *dump, const char *path, GError **error)
{
	bool is_input = strcmp(path, "-") == 0;
	bool good;

	dump->lines.name = is_input ? "standard input" : path;
	dump->lines.stream = is_input ? stdin : fopen(path, "re");
	if (!dump->lines.stream) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "%s: %s; give a file that '" COMMAND "' wrote", path,
			    g_strerror(errno));
		return false;
	}
	good = take_lines(dump, error);
	if (!is_input)
		fclose(dump->lines.stream);
	return good && (dump->networks > 0 || not_a_dump(dump, error));
}

static bool start(GPid *ret_pid, FILE **ret_stream, GError **error)
{
	char *command[] = { (char[]){ "location" }, (char[]){ "dump" }, NULL };
	g_auto(GStrv) environment = g_get_environ();
	g_autoptr(GError) fault = NULL;
	int fd;

	/* Names come as UTF-8 whatever the locale. */
	environment = g_environ_setenv(environment, "LC_ALL", "C.UTF-8", TRUE);
	environment = g_environ_setenv(environment, "PYTHONUTF8", "1", TRUE);
	if (!g_spawn_async_with_pipes(NULL, command, environment,
				      G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD |
					      G_SPAWN_STDERR_TO_DEV_NULL,
				      NULL, NULL, ret_pid, NULL, &fd, NULL, &fault)) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    COMMAND ": cannot be run (%s); install the packages location and "
				    "libloc-database, or give what it prints with --location",
			    fault->message);
		return false;
	}
	*ret_stream = fdopen(fd, "r");
	g_assert(*ret_stream);
	return true;
}

static bool run(struct dump *dump, GError **error)
{
	int status = 0;
	GPid pid;
	bool good;

	if (!start(&pid, &dump->lines.stream, error))
		return false;
	dump->lines.name = COMMAND;
	good = take_lines(dump, error);
	fclose(dump->lines.stream); /* it ends, if it has not */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	g_spawn_close_pid(pid);
	if (!good)
		return false;
	if (status != 0 || dump->networks == 0) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    COMMAND
			    ": has no database to print; install the package "
			    "libloc-database ('location version' says whether it is there)");
		return false;
	}
	return true;
}

bool world_read_networks(struct world *world, const char *path, GError **error)
{
	g_autofree struct dump *dump = g_new0(struct dump, 1);

	dump->world = world;
	return path ? read_file(dump, path, error) : run(dump, error);
}
