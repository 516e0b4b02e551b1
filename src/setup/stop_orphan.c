/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/stop_orphan.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "operate/background.h"
#include "serve/control.h"
#include "service/privileges.h"
#include "setup/instance_memory.h"
#include "setup/instance_parts.h"
#include "setup/live.h"
#include "setup/report.h"
#include "setup/stage_options.h"

static bool tell(void *data, const struct account *account)
{
	return report_write(data, account);
}

/* --- where it goes --- */

/* What the dead process wrote there would be written over. */
static bool is_taken(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0 && !S_ISCHR(status.st_mode) && !S_ISFIFO(status.st_mode);
}

/* As it is, or beside the file that is there. Series never write over what is there. */
static char *place_of(const char *url)
{
	const char *path = strstr(url, "+file:");
	const size_t length = strcspn(url, "?");
	g_autofree char *file = NULL;
	g_autofree char *beside = NULL;

	if (!path || path[strlen("+file:")] == '-' || memchr(url, '%', length))
		return g_strdup(url);
	path += strlen("+file:");
	file = g_strndup(path, length - (size_t)(path - url));
	if (!is_taken(file))
		return g_strdup(url);
	beside = g_strconcat(file, ".rest", NULL);
	for (guint number = 2; is_taken(beside); number++) {
		g_free(beside);
		beside = g_strdup_printf("%s.rest-%u", file, number);
	}
	return g_strdup_printf("%.*s%s%s", (int)(path - url), url, beside, url + length);
}

static GStrv places_of(const char *const *to, bool quiet)
{
	g_autoptr(GStrvBuilder) places = g_strv_builder_new();

	for (; *to; to++) {
		g_autofree char *place = place_of(*to);

		if (!quiet)
			log_line("what is left goes to %s", place);
		g_strv_builder_add(places, place);
	}
	return g_strv_builder_end(places);
}

/* --- with whose rights --- */

/* What its configuration names is in that user's folders, where root would follow his links. */
static bool become_owner(const char *name, GError **error)
{
	const int folder = instance_folder_open(name);
	struct stat status = { 0 };
	bool other;

	if (folder < 0)
		return true;
	other = geteuid() == 0 && fstat(folder, &status) == 0 && status.st_uid != 0;
	close(folder);
	if (!other)
		return true;
	/* While there is the right to: systemd would start it again. */
	background_ended(name);
	return instance_hand_over(name, status.st_uid, status.st_gid, error) &&
	       privileges_begin(&(struct privileges_user){ status.st_uid, status.st_gid }, error);
}

/* --- together --- */

static struct live_options options_of(const struct options *said, const struct options *run)
{
	static const char *const none[] = { NULL };
	struct live_options live = {
		.interfaces = none,
		.idle_timeout_ns = run->values[OPTION_IDLE_TIMEOUT].number,
		.active_timeout_ns = run->values[OPTION_ACTIVE_TIMEOUT].number,
		.detail = -1,
		.ending = true,
		.export = stage_export_live(run),
		.places = places_options_of(run),
		.quiet = said->values[OPTION_QUIET].number,
		.tell = tell,
	};

	if (said->values[OPTION_TEMPLATE].origin == OPTION_FROM_COMMAND_LINE)
		live.export.template_name = said->values[OPTION_TEMPLATE].text;
	return live;
}

static bool end(struct live_options *live, struct report *report, GError **error)
{
	g_autofree char *socket = control_path(live->instance);
	struct account account = { 0 };
	GError *fault = NULL;

	live->tell_data = report;
	live_run(live, &account, &fault);
	/* A process that was killed leaves its socket. */
	if (!fault)
		unlink(socket);
	return report_close(report, &account, fault, error);
}

/* Nothing says where to: no guess is made. */
static void refuse(const char *name, GError *reason, GError **error)
{
	g_set_error(
		error, WEIR_ERROR, WEIR_ERROR_USAGE,
		"instance %s: where its flows go is not known: %s; say it with --to (the kernel "
		"meters on)",
		name, reason->message);
	g_error_free(reason);
}

static bool end_as(const struct options *said, const struct options *run, const char *name,
		   struct report *report, GError **error)
{
	struct live_options live = options_of(said, run);
	g_auto(GStrv) places = NULL;
	struct account nothing = { 0 };
	GError *fault = NULL;

	live.instance = name;
	if (said->values[OPTION_TO].origin == OPTION_FROM_COMMAND_LINE)
		return end(&live, report, error);
	if (!become_owner(name, &fault))
		return report_close(report, &nothing, fault, error);
	if (options_say_where(run)) {
		places = places_of(live.export.to, live.quiet);
		live.export.to = (const char *const *)places;
	}
	return end(&live, report, error);
}

static struct options *find_run(const char *name, GError **error)
{
	g_autofree char *from = instance_apart_from(name);
	GError *reason = NULL;
	struct options *run = instance_memory_read(from, &reason);

	if (!run)
		refuse(name, reason, error);
	return run;
}

bool stop_orphan(const struct options *options, const char *name, GError **error)
{
	/* Its name is meant as it is here, not where the run was started. */
	struct report *report = report_open(options, NULL, error);
	struct account nothing = { 0 };
	struct options *run = NULL;
	GError *fault = NULL;
	bool good;

	if (!report)
		return false;
	if (options_say_where(options))
		return end_as(options, options, name, report, error);
	run = find_run(name, &fault);
	good = run ? end_as(options, run, name, report, error)
		   : report_close(report, &nothing, fault, error);
	options_free(run);
	return good;
}
