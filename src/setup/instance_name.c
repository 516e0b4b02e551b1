/* SPDX-License-Identifier: BSD-2-Clause */
/* What instances are called, and how a process is told from a later one of its number. */
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "setup/instance_parts.h"

/* Of /proc/PID/stat behind the name, up to when the process began. */
#define STAT_WORDS 20

static bool is_of_host(ino_t *ret_space)
{
	struct stat mine = { 0 };
	struct stat host = { 0 };
	bool known = !stat("/proc/self/ns/net", &mine) && !stat("/proc/1/ns/net", &host);

	*ret_space = mine.st_ino;
	return known && mine.st_ino == host.st_ino;
}

/* It is shown in lines, and on terminals. */
static bool is_plain(const char *name)
{
	if (!g_utf8_validate(name, -1, NULL))
		return false;
	for (; *name; name = g_utf8_next_char(name)) {
		if (!g_unichar_isprint(g_utf8_get_char(name)))
			return false;
	}
	return true;
}

bool instance_name_is_fit(const char *name, GError **error)
{
	size_t length = strlen(name);
	const bool plain = is_plain(name);

	if (plain && length > 0 && length <= INSTANCE_NAME && !strchr(name, '/') &&
	    !strchr(name, '.'))
		return true;
	if (!plain) {
		g_set_error_literal(
			error, WEIR_ERROR, WEIR_ERROR_USAGE,
			"the instance's name has characters that cannot be shown; --instance gives another");
		return false;
	}
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
		    "instance \"%s\": a name has 1 to %d characters, none of them '/' or '.'", name,
		    INSTANCE_NAME);
	return false;
}

char *instance_config(const char *name)
{
	return g_strconcat(INSTANCE_CONFIGS "/", name, ".conf", NULL);
}

char *instance_name(const char *const *interfaces)
{
	g_autofree char *joined = g_strjoinv("+", (char **)interfaces);
	ino_t space;
	char *name = is_of_host(&space) ? g_strdup(joined)
					: g_strdup_printf("%s@%lu", joined, (unsigned long)space);

	g_strdelimit(name, "./", ',');
	if (strlen(name) > INSTANCE_NAME) {
		g_autofree char *whole = name;
		g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, whole, -1);

		name = g_strdup_printf("%.*s~%.16s", INSTANCE_NAME - 17, whole, sum);
	}
	return name;
}

/* When the process began, in the kernel's ticks: process numbers come again. 0: it is dead, if
 * perhaps nobody has asked for its status yet. */
static guint32 began(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)pid);
	g_autofree char *text = NULL;
	g_auto(GStrv) words = NULL;
	const char *after;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return 0;
	after = strrchr(text, ')'); /* the name before it may hold anything */
	if (!after)
		return 0;
	words = g_strsplit(g_strchug((char *)after + 1), " ", STAT_WORDS + 1);
	if (g_strv_length(words) < STAT_WORDS || words[0][0] == 'Z' || words[0][0] == 'X')
		return 0;
	return (guint32)g_ascii_strtoull(words[STAT_WORDS - 1], NULL, 10);
}

guint64 process_word(pid_t pid)
{
	return (guint64)pid << 32 | began(pid);
}

char **instance_names(void)
{
	g_autoptr(GStrvBuilder) names = g_strv_builder_new();
	GDir *folder = g_dir_open(INSTANCE_FOLDER, 0, NULL);
	const char *name;

	while (folder && (name = g_dir_read_name(folder)))
		g_strv_builder_add(names, name);
	if (folder)
		g_dir_close(folder);
	return g_strv_builder_end(names);
}

pid_t process_of(guint64 word)
{
	pid_t pid = (pid_t)(word >> 32);

	return word && began(pid) && process_word(pid) == word ? pid : 0;
}
