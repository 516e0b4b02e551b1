/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/live_output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"

#define LINES	 "text+file:-"
#define NAMES	 4   /* interfaces that a file's name tells */
#define ATTEMPTS 100 /* names tried for the file */

struct live_output {
	bool quiet;
	char *file; /* NULL: --to says where records go */
	const char *const *to;
	char *own[3];
	struct live_view *view;
};

/* Nothing that means something in a path or in the URL of a destination. */
static char *file_stem(char *const *interfaces, GDateTime *when)
{
	g_autofree char *time = g_date_time_format(when, "%Y%m%dT%H%M%SZ");
	g_autoptr(GString) stem = g_string_new("weir");
	guint count = g_strv_length((char **)interfaces);

	for (guint i = 0; i < MIN(count, NAMES); i++)
		g_string_append_printf(stem, "-%s", interfaces[i]);
	if (count > NAMES)
		g_string_append_printf(stem, "-and-%u-more", count - NAMES);
	for (char *c = stem->str; *c; c++) {
		if (!g_ascii_isalnum(*c) && !strchr("-_.@", *c))
			*c = '_';
	}
	return g_strdup_printf("%s-%s", stem->str, time);
}

/* Two runs may begin in one second. */
static char *make_file(const char *stem, GError **error)
{
	for (int attempt = 1; attempt <= ATTEMPTS; attempt++) {
		g_autofree char *again = attempt > 1 ? g_strdup_printf("-%d", attempt) : NULL;
		char *name = g_strdup_printf("%s%s.ipfix", stem, again ? again : "");
		int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0666);

		if (fd >= 0) {
			close(fd);
			return name;
		}
		g_free(name);
		if (errno != EEXIST)
			break;
	}
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
		    "%s.ipfix: %s; run in a folder that can be written to, or say with --to where "
		    "records go",
		    stem, g_strerror(errno));
	return NULL;
}

static bool open_file(struct live_output *output, const struct options *options, GError **error)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *stem = file_stem(options->arguments, now);

	output->file = make_file(stem, error);
	if (!output->file)
		return false;
	output->own[0] = g_strdup_printf("ipfix+file:%s", output->file);
	output->to = (const char *const *)output->own;
	if (!output->quiet)
		log_line("records go to %s", output->file);
	return true;
}

/* A destination that would write between the frames. */
static bool writes_to_stdout(const char *const *to)
{
	for (; to && *to; to++) {
		if (g_str_has_suffix(*to, "+file:-") || strstr(*to, "+file:-?"))
			return true;
	}
	return false;
}

static struct live_view *make_view(const struct live_output *output, const struct options *options,
				   struct terminal *terminal)
{
	g_autofree char *title = g_strjoinv(", ", options->arguments);
	g_autofree char *hint =
		output->file
			? g_strdup_printf("records go to %s; Ctrl-C ends the run", output->file)
			: g_strdup("Ctrl-C ends the run");

	return live_view_new(terminal, title, hint);
}

/* Asked for, it must come; else it comes where it can and takes nothing away. */
static bool open_view(struct live_output *output, const struct options *options, GError **error)
{
	const struct option_value *wanted = &options->values[OPTION_VIEW];
	const bool given = wanted->origin != OPTION_NOT_GIVEN;
	const char *fault = NULL;
	struct terminal *terminal = NULL;

	if (output->quiet || (given ? !wanted->number : !output->file))
		return true;
	if (writes_to_stdout(output->to))
		fault = "records go to standard output as well; send them elsewhere";
	else
		terminal = terminal_open(STDOUT_FILENO);
	if (terminal) {
		output->view = make_view(output, options, terminal);
		return true;
	}
	if (!given)
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE, "--view: %s",
		    fault ? fault : "standard output is no terminal to draw on; leave it out");
	return false;
}

static void forget(struct live_output *output)
{
	live_view_free(output->view);
	for (size_t i = 0; i < G_N_ELEMENTS(output->own); i++)
		g_free(output->own[i]);
	g_free(output->file);
	g_free(output);
}

struct live_output *live_output_open(const struct options *options, GError **error)
{
	struct live_output *output = g_new0(struct live_output, 1);

	output->quiet = options->values[OPTION_QUIET].number;
	output->to = (const char *const *)options->to;
	if ((!options_say_where(options) && !open_file(output, options, error)) ||
	    !open_view(output, options, error)) {
		if (output->file)
			unlink(output->file);
		forget(output);
		return NULL;
	}
	if (output->file && !output->view && !output->quiet)
		output->own[1] = g_strdup(LINES);
	return output;
}

static void tell_file(const struct live_output *output, const struct account *account)
{
	struct stat status;

	if (stat(output->file, &status) != 0)
		return;
	if (status.st_size == 0) {
		unlink(output->file);
		return;
	}
	if (!output->quiet && account->destinations_count > 0)
		log_line("%s: %" G_GUINT64_FORMAT " records, %" G_GOFFSET_FORMAT " octets",
			 output->file, account->destinations[0].records, (goffset)status.st_size);
}

void live_output_close(struct live_output *output, const struct account *account)
{
	g_clear_pointer(&output->view, live_view_free);
	if (output->file)
		tell_file(output, account);
	forget(output);
}

const char *const *live_output_to(const struct live_output *output)
{
	return output->to;
}

struct live_view *live_output_view(const struct live_output *output)
{
	return output->view;
}
