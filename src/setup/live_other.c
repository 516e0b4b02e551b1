/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/live_other.h"

#include <fcntl.h>
#include <json-glib/json-glib.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/guarded.h"
#include "base/log.h"
#include "capture/grace.h"

/* Tables that were set apart: under this name; the first of several is 0. The program that reads
 * them and the file it writes its account to are open: their folder may be a user's, who could put
 * others in their place. */
struct apart {
	const char *name;
	guint number;
	int program;
	int account;
	pid_t parent;
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

/* The first word is what is executed, the second what it is called. */
static GStrv command_of(const struct apart *apart, const struct export_options *export)
{
	g_autoptr(GStrvBuilder) words = g_strv_builder_new();
	g_autofree char *program = guarded_path(apart->program);
	g_autofree char *stats = guarded_path(apart->account);

	g_strv_builder_add_many(words, program, "weir", "stop", apart->name, "--quiet",
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
static void end_with_parent(gpointer data)
{
	const struct apart *apart = data;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != apart->parent)
		_exit(EXIT_FAILURE);
	fcntl(apart->account, F_SETFD, 0);
}

static bool spawn(struct apart *apart, const struct export_options *export, GError **error)
{
	g_auto(GStrv) words = command_of(apart, export);
	int status = 0;

	return g_spawn_sync(NULL, words, NULL,
			    G_SPAWN_CHILD_INHERITS_STDIN | G_SPAWN_FILE_AND_ARGV_ZERO,
			    end_with_parent, apart, NULL, NULL, &status, error) &&
	       g_spawn_check_wait_status(status, error);
}

/* Its account is there before its tables are gone: see live_options.tell. */
static void run(struct apart *apart, const struct live_options *options)
{
	g_autofree char *stats = instance_apart_account(apart->name);
	g_autoptr(GError) error = NULL;
	bool good = false;

	apart->account = -1;
	apart->program = instance_apart_program(apart->name, &error);
	if (apart->program >= 0)
		apart->account = guarded_create(stats, 0600, &error);
	if (apart->account >= 0) {
		good = spawn(apart, &options->export, &error);
		close(apart->account);
	}
	if (apart->program >= 0)
		close(apart->program);
	if (!good)
		log_warning("instance %s: what another version of weir left is not written: %s; "
			    "the next run tries again",
			    options->instance, error->message);
}

static void begin(const struct live_options *options)
{
	grace_wait(NULL);
	if (!options->quiet)
		log_line("instance %s: another version of weir left flows in the kernel; its own "
			 "program writes them",
			 options->instance);
}

static void run_all(const struct live_options *options)
{
	g_auto(GStrv) names = instance_apart(options->instance);
	guint count = 0;

	for (char **name = names; *name; name++) {
		struct apart apart = { .name = *name, .number = count, .parent = getpid() };

		instance_await(*name); /* the process before it may be dying */
		if (!instance_apart_holds(*name)) {
			instance_apart_clear(*name);
			instance_apart_forget(*name);
			continue;
		}
		if (count++ == 0)
			begin(options);
		run(&apart, options);
	}
}

/* Of one account and no other; 0: it cannot be read, or is not to be believed. */
static guint64 digest_of(const char *path, char **ret_text, GError **error)
{
	struct stat status;
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	g_autofree char *text = guarded_read(path, &status, error);
	guint64 words[4]; /* all of a SHA-256 */
	size_t octets = sizeof(words);

	if (!text)
		return 0;
	g_checksum_update(sum, (const guchar *)path, (gssize)strlen(path));
	g_checksum_update(sum, (const guchar *)&status.st_ino, sizeof(status.st_ino));
	g_checksum_update(sum, (const guchar *)&status.st_mtim, sizeof(status.st_mtim));
	g_checksum_update(sum, (const guchar *)text, (gssize)strlen(text));
	if (ret_text)
		*ret_text = g_steal_pointer(&text);
	g_checksum_get_digest(sum, (guint8 *)words, &octets);
	return words[0] | 1;
}

/* Its numbers are in the totals: the process that took it ended before it could take it away. */
static void remove_taken(const struct instance *instance, const char *name, bool program_too)
{
	const guint64 taken = instance_totals(instance)->taken;
	g_auto(GStrv) accounts = instance_apart_accounts(name);

	for (char **apart = accounts; taken && *apart; apart++) {
		g_autofree char *path = instance_apart_account(*apart);

		if (digest_of(path, NULL, NULL) != taken)
			continue;
		unlink(path);
		if (program_too)
			instance_apart_forget(*apart);
	}
}

/* In one step with the word that it was taken. */
static void take(struct instance *instance, const char *name, const char *apart)
{
	g_autofree char *path = instance_apart_account(apart);
	g_autofree char *text = NULL;
	g_autoptr(JsonParser) parser = json_parser_new();
	struct instance_totals totals = *instance_totals(instance);
	g_autoptr(GError) error = NULL;
	JsonNode *root = NULL;

	totals.taken = digest_of(path, &text, &error);
	if (!totals.taken) {
		log_warning("instance %s: what another version of weir counted is left out: %s",
			    name, error->message);
		return;
	}
	if (json_parser_load_from_data(parser, text, -1, NULL))
		root = json_parser_get_root(parser);
	if (root && JSON_NODE_HOLDS_OBJECT(root)) {
		add_account(&totals, json_node_get_object(root));
		instance_commit(instance, &totals);
	} else {
		log_warning("instance %s: what another version of weir left had no account", name);
	}
	unlink(path);
	instance_apart_clear(apart);
	instance_apart_forget(apart);
}

void live_other_drain(struct instance *instance, const struct live_options *options)
{
	g_autofree char *from = instance_apart_from(options->instance);
	g_auto(GStrv) accounts = NULL;

	remove_taken(instance, options->instance, true);
	/* It was taken under the name that these tables had before; what runs there now may be the
	 * program that reads it. */
	remove_taken(instance, from, false);
	if (!options->ending)
		run_all(options);
	accounts = instance_apart_accounts(options->instance);
	for (char **apart = accounts; *apart; apart++) {
		/* While its tables are there, it is run again and writes another. */
		if (!instance_apart_holds(*apart))
			take(instance, options->instance, *apart);
	}
}
