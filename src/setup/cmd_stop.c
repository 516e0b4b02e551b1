/* SPDX-License-Identifier: BSD-2-Clause */
/* weir stop: tells the process of an instance to end, or does its work where it has died. */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/error.h"
#include "operate/background.h"
#include "operate/instances.h"
#include "setup/instance_parts.h"
#include "setup/instance_socket.h"
#include "setup/options.h"
#include "setup/stop_orphan.h"

#define POLL_US	   20000
#define PATIENCE_S 60

static bool no_such(const char *name, GError **error)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
		    "no instance %s is running or was left in the kernel", name);
	return false;
}

static bool not_for_this_user(const char *name, GError **error)
{
	g_set_error(
		error, WEIR_ERROR, WEIR_ERROR_FAILED,
		"instance %s runs, but does not answer this user: stop it as root, or as the user "
		"it runs as",
		name);
	return false;
}

/* What a run with this configuration file is called; NULL: it says nothing of that. */
static char *name_in_file(const struct options *options)
{
	const struct option_value *interfaces = &options->values[OPTION_INTERFACE];

	if (options->values[OPTION_INSTANCE].text)
		return g_strdup(options->values[OPTION_INSTANCE].text);
	return interfaces->list ? instance_name((const char *const *)interfaces->list) : NULL;
}

/* The one that was named, or the only one there is. */
static char *name_of(const struct options *options, GError **error)
{
	g_auto(GStrv) names = NULL;
	g_autofree char *list = NULL;
	char *name;

	if (options->arguments && options->arguments[0])
		return g_strdup(options->arguments[0]);
	name = name_in_file(options);
	if (name)
		return name;
	names = instance_names();
	if (!names[0]) {
		g_strfreev(names);
		names = instance_socket_names();
	}
	if (g_strv_length(names) == 1)
		return g_strdup(names[0]);
	list = g_strjoinv(", ", names);
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
		    names[0]	     ? "name one of %s"
		    : geteuid() == 0 ? "nothing runs%s"
				     : "nothing runs that this user may see%s; run as root",
		    list);
	return NULL;
}

/* It is over when somebody else could have the instance. */
static bool has_ended(const char *name, guint64 process)
{
	return !process_of(process) || (instance_exists(name) && !instance_owner(name));
}

static bool end_process(const char *name, pid_t owner, GError **error)
{
	const gint64 until_us = g_get_monotonic_time() + PATIENCE_S * G_USEC_PER_SEC;
	const guint64 process = process_word(owner);

	if (owner <= 0) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "instance %s: its process is not to be seen from here; stop it where "
			    "it was started",
			    name);
		return false;
	}
	if (kill(owner, SIGINT) && errno != ESRCH) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "instance %s, process %d: %s",
			    name, (int)owner, g_strerror(errno));
		return false;
	}
	while (!has_ended(name, process)) {
		if (g_get_monotonic_time() > until_us) {
			g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
				    "instance %s: process %d has not ended in %d s; it may be "
				    "writing to something that does not take it",
				    name, (int)owner, PATIENCE_S);
			return false;
		}
		g_usleep(POLL_US);
	}
	return true;
}

/* The instance of that name, or of the interfaces of that name. NULL: neither is in the kernel. */
static char *pinned_name(const char *name)
{
	g_autofree char *whole = NULL;

	if (instance_exists(name))
		return g_strdup(name);
	/* Where the name was made of interfaces, it says more than they do. */
	whole = instance_name((const char *const[]){ name, NULL });
	return instance_exists(whole) ? g_steal_pointer(&whole) : NULL;
}

/* One that meters without the kernel's tables: only its socket shows that it runs. */
static bool end_native(const char *name, GError **error)
{
	struct instance_report *report = instance_report_of(name);
	const bool runs = report->state == INSTANCE_RUNS;
	const bool silent = report->state == INSTANCE_SILENT;
	const bool good = runs	   ? end_process(report->name, (pid_t)report->process, error)
			  : silent ? not_for_this_user(name, error)
				   : no_such(name, error);

	if (good)
		background_ended(report->name);
	instance_report_free(report);
	return good;
}

static bool stop(const struct options *options, GError **error)
{
	g_autofree char *name = name_of(options, error);
	g_autofree char *pinned = name ? pinned_name(name) : NULL;
	pid_t owner;
	bool good;

	if (!name)
		return false;
	if (!pinned)
		return end_native(name, error);
	owner = instance_owner(pinned);
	good = !owner || end_process(pinned, owner, error);
	/* One that was ending already may have left the kernel metering. */
	if (good && instance_exists(pinned) && !instance_owner(pinned)) {
		instance_await(pinned); /* a process may take a while to go */
		good = stop_orphan(options, pinned, error);
	}
	if (good)
		background_ended(pinned);
	return good;
}

int cmd_stop(int argc, char **argv)
{
	return command_main(COMMAND_STOP, argc, argv, stop);
}
