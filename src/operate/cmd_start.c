/* SPDX-License-Identifier: BSD-2-Clause */
/* weir start: an instance that is configured runs in the background. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "operate/background.h"
#include "operate/instances.h"
#include "setup/instance.h"
#include "setup/options.h"

static bool is_configured(const char *name, GError **error)
{
	g_autofree char *path = strchr(name, '/') ? NULL : instance_config(name);

	if (!path) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "%s: a name, not a path: its configuration is " INSTANCE_CONFIGS
			    "/NAME.conf",
			    name);
		return false;
	}
	if (g_file_test(path, G_FILE_TEST_EXISTS))
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
		    "%s: there is no such configuration; write one and 'weir check' it", path);
	return false;
}

/* Once is enough. False: it cannot be told, since somebody is there who says nothing. */
static bool look_for(const char *name, guint64 *ret_process, GError **error)
{
	struct instance_report *report = instance_report_of(name);
	const bool is_it = strcmp(report->name, name) == 0;
	const bool good = !is_it || report->state != INSTANCE_SILENT;

	*ret_process = is_it ? report->process : 0;
	if (!good)
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "%s: a process has it that does not answer: it may be ending; try "
			    "again, or 'weir stop %s'",
			    name, name);
	instance_report_free(report);
	return good;
}

static bool start(const struct options *options, GError **error)
{
	const char *name = options->arguments[0];
	const bool quiet = options->values[OPTION_QUIET].number;
	guint64 before;
	pid_t process;

	if (!is_configured(name, error) || !look_for(name, &before, error))
		return false;
	if (before) {
		if (!quiet)
			printf("%s: running already, process %" G_GUINT64_FORMAT "\n", name,
			       before);
		return true;
	}
	if (!background_start(name, &process, error))
		return false;
	if (!quiet)
		printf("%s: running, process %d\n", name, (int)process);
	return true;
}

int cmd_start(int argc, char **argv)
{
	return command_main(COMMAND_START, argc, argv, start);
}
