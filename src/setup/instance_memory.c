/* SPDX-License-Identifier: BSD-2-Clause */
/* NAME.started beside the copies: three lines, each as a shell quotes it: the instance's name, the
 * folder and the words of the run. The name stands in it as well, since who owns the folder may
 * give it another. */
#include "setup/instance_memory.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/guarded.h"
#include "base/log.h"
#include "capture/attach.h"
#include "setup/instance_parts.h"

#define LINES 3

static char *path_of(const char *name)
{
	return g_strconcat(INSTANCE_COPIES "/", name, ".started", NULL);
}

/* Others who are refused the instance are at it at the same time. */
static char *begun_of(const char *name)
{
	return g_strdup_printf(INSTANCE_COPIES "/%s.started.%d", name, (int)getpid());
}

static char *text_of(const char *name, char *const *typed)
{
	g_autofree char *folder = g_get_current_dir();
	g_autofree char *quoted_name = g_shell_quote(name);
	g_autofree char *quoted_folder = g_shell_quote(folder);
	g_autoptr(GString) words = g_string_new(NULL);

	for (; *typed; typed++) {
		g_autofree char *quoted = g_shell_quote(*typed);

		g_string_append_printf(words, "%s%s", words->len > 0 ? " " : "", quoted);
	}
	return g_strdup_printf("%s\n%s\n%s\n", quoted_name, quoted_folder, words->str);
}

void instance_memory_begin(const char *name, const struct options *options)
{
	g_autofree char *path = begun_of(name);
	g_autofree char *text = text_of(name, options->typed);
	g_autoptr(GError) error = NULL;

	/* It leaves nothing in the kernel, and nothing to be ended. */
	if (options->values[OPTION_HOOK].number == ATTACH_PACKET)
		return;
	mkdir(INSTANCE_COPIES, 0700);
	if (!guarded_write(path, text, 0600, &error))
		log_debug("%s; should this process die, 'weir stop' needs --to", error->message);
}

void instance_memory_keep(const char *name)
{
	g_autofree char *begun = begun_of(name);
	g_autofree char *path = path_of(name);

	if (rename(begun, path) != 0)
		unlink(path); /* it would be of an earlier run */
}

void instance_memory_abandon(const char *name)
{
	g_autofree char *path = begun_of(name);

	unlink(path);
}

void instance_memory_drop(const char *name)
{
	g_autofree char *path = path_of(name);

	unlink(path);
}

/* The words of the run in their folder; NULL: this is nothing of the kind. */
static GStrv words_of(const char *text, const char *name)
{
	g_auto(GStrv) all = NULL;
	int count = 0;

	/* A line's end is as good as a blank to a shell: name, folder, words. */
	if (!g_shell_parse_argv(text, &count, &all, NULL) || count < LINES ||
	    strcmp(all[0], name) != 0 || chdir(all[1]) != 0)
		return NULL;
	return g_strdupv(all + 2);
}

static GStrv remembered(const char *name, GError **error)
{
	g_autofree char *path = path_of(name);
	g_autofree char *text = guarded_read(path, NULL, error);
	GStrv words = text ? words_of(text, name) : NULL;

	if (text && !words)
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "%s does not say how the run was started", path);
	return words;
}

static GStrv configured(const char *name)
{
	g_autofree char *path = instance_config(name);
	const char *const words[] = { "run", "--config", path, "--instance", name, NULL };

	return g_file_test(path, G_FILE_TEST_EXISTS) ? g_strdupv((char **)(guintptr)words) : NULL;
}

struct options *instance_memory_read(const char *name, GError **error)
{
	g_autoptr(GError) reason = NULL;
	g_auto(GStrv) words = remembered(name, &reason);
	struct options *found;

	if (!words)
		words = configured(name);
	if (!words) {
		g_propagate_error(error, g_steal_pointer(&reason));
		return NULL;
	}
	found = command_options_again(
		&(const struct options){ .command = COMMAND_RUN, .typed = words }, error);
	return found;
}
