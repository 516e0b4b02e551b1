/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/live_other.h"

#include <json-glib/json-glib.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "capture/grace.h"

/* Tables that were set apart: under this name, read by this program; the first of several is 0. */
struct apart {
	const char *name;
	const char *program;
	guint number;
};

/* The file this run writes is its own: the others' are named after it. */
static char *place_beside(const char *url, guint number)
{
	const char *path = strstr(url, "+file:");
	size_t length;

	if (!path || path[strlen("+file:")] == '-')
		return g_strdup(url);
	length = strcspn(url, "?");
	if (number == 0)
		return g_strdup_printf("%.*s.earlier%s", (int)length, url, url + length);
	return g_strdup_printf("%.*s.earlier-%u%s", (int)length, url, number + 1, url + length);
}

static GStrv command_of(const struct apart *apart, const char *stats,
			const struct export_options *export)
{
	g_autoptr(GStrvBuilder) words = g_strv_builder_new();

	g_strv_builder_add_many(words, apart->program, "stop", apart->name, "--quiet",
				"--json-stats", stats, NULL);
	for (const char *const *to = export->to; *to; to++) {
		g_autofree char *url = place_beside(*to, apart->number);

		g_strv_builder_add_many(words, "--to", url, NULL);
	}
	if (export->template_name)
		g_strv_builder_add_many(words, "--template", export->template_name, NULL);
	return g_strv_builder_end(words);
}

static guint64 number(JsonObject *object, const char *group, const char *name, const char *member)
{
	JsonObject *in = object;

	if (group)
		in = json_object_has_member(in, group) ? json_object_get_object_member(in, group)
						       : NULL;
	if (in)
		in = json_object_has_member(in, name) ? json_object_get_object_member(in, name)
						      : NULL;
	return in ? (guint64)json_object_get_int_member_with_default(in, member, 0) : 0;
}

static void add_counts(struct instance_totals *totals, JsonObject *account)
{
	struct meter_counts more = { 0 };

	more.packets[METER_OK] = number(account, NULL, "metered", "packets");
	more.frame_octets[METER_OK] = number(account, NULL, "metered", "frameOctets");
	more.octets = number(account, NULL, "metered", "octets");
	more.evicted = number(account, NULL, "table", "evictedFlows");
	more.extended = number(account, NULL, "table", "extended");
	more.orphans = number(account, NULL, "table", "orphanFragments");
	for (int v = METER_OK + 1; v < METER_VERDICTS; v++) {
		const char *name = account_set_aside_names[v].name;

		more.packets[v] = number(account, "setAside", name, "packets");
		more.frame_octets[v] = number(account, "setAside", name, "frameOctets");
	}
	meter_counts_add(&totals->gone, &more);
}

static void add_account(struct instance_totals *totals, JsonObject *account)
{
	struct account_flows *exported = &totals->exported;
	struct account_flows *doubted = &totals->doubted;

	add_counts(totals, account);
	doubted->flows += number(account, NULL, "inDoubt", "flows");
	doubted->packets += number(account, NULL, "inDoubt", "packets");
	doubted->octets += number(account, NULL, "inDoubt", "octets");
	for (int i = 0; i < 2; i++) {
		const char *name = i ? "spooled" : "exported";

		exported->flows += number(account, NULL, name, "flows");
		exported->records += number(account, NULL, name, "records");
		exported->packets += number(account, NULL, name, "packets");
		exported->octets += number(account, NULL, name, "octets");
	}
	for (int i = 0; i < ACCOUNT_DROP_REASONS; i++) {
		struct account_drops *drops = &totals->dropped[i];
		const char *name = account_drop_names[i].name;

		drops->records += number(account, "dropped", name, "records");
		drops->packets += number(account, "dropped", name, "packets");
		drops->octets += number(account, "dropped", name, "octets");
	}
}

/* Killed with this process, it leaves what the next one finds, with all it counted. Alone it would
 * end with nobody there to hear of its account. */
static void end_with_parent(gpointer parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != GPOINTER_TO_INT(parent))
		_exit(EXIT_FAILURE);
}

/* Another user's program would have this one's rights. */
static bool is_own(const char *program, GError **error)
{
	struct stat status;

	if (stat(program, &status) == 0 && status.st_uid == geteuid())
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
		    "%s is not this user's: start weir as the user (--user) that it was run as",
		    program);
	return false;
}

static bool run(const struct apart *apart, const char *stats, const struct live_options *options)
{
	g_auto(GStrv) words = command_of(apart, stats, &options->export);
	g_autoptr(GError) error = NULL;
	int status = 0;

	instance_await(apart->name); /* the process before it may be dying */
	if (is_own(apart->program, &error) &&
	    g_spawn_sync(NULL, words, NULL, G_SPAWN_CHILD_INHERITS_STDIN, end_with_parent,
			 GINT_TO_POINTER(getpid()), NULL, NULL, &status, &error) &&
	    g_spawn_check_wait_status(status, &error))
		return true;
	log_warning(
		"instance %s: what another version of weir left is not written: %s; '%s stop %s' "
		"tries again",
		options->instance, error->message, apart->program, apart->name);
	return false;
}

static void drain(struct instance *instance, const struct live_options *options,
		  const struct apart *apart)
{
	g_autofree char *stats = g_strconcat(apart->program, ".account", NULL);
	g_autoptr(JsonParser) parser = json_parser_new();
	struct instance_totals totals = *instance_totals(instance);
	JsonNode *root = NULL;

	unlink(stats);
	if (!run(apart, stats, options))
		return;
	if (json_parser_load_from_file(parser, stats, NULL))
		root = json_parser_get_root(parser);
	unlink(stats);
	if (!root || !JSON_NODE_HOLDS_OBJECT(root)) {
		log_warning("instance %s: what another version of weir left had no account",
			    options->instance);
		return;
	}
	add_account(&totals, json_node_get_object(root));
	instance_commit(instance, &totals);
	instance_apart_forget(apart->name);
}

void live_other_drain(struct instance *instance, const struct live_options *options)
{
	g_auto(GStrv) names = instance_apart(options->instance);

	if (!names[0])
		return;
	grace_wait(NULL);
	if (!options->quiet)
		log_line("instance %s: another version of weir left flows in the kernel; its own "
			 "program writes them",
			 options->instance);
	for (guint i = 0; names[i]; i++) {
		g_autofree char *program = instance_apart_program(names[i]);
		const struct apart apart = { names[i], program, i };

		drain(instance, options, &apart);
	}
}
