/* SPDX-License-Identifier: BSD-2-Clause */
/* The folder of an instance:
 *
 *	weir/NAME/link_...	the hooks' links
 *	weir/NAME/front-...	where a filter before the meter goes on to
 *	weir/NAME/1/...		the maps of the first tables, and "state"
 *	weir/NAME/2/...		of those that came after them, while the first are being drained
 * The state is a map that every process maps. Totals are kept twice, and a word says which of them
 * holds, so that a process that dies while it writes leaves the earlier ones. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/guarded.h"
#include "capture/filter_front.h"
#include "capture/kernel_meter.h"
#include "setup/instance_memory.h"
#include "setup/instance_state.h"

#define ATTEMPTS 100

struct instance {
	char *name;
	int fd;	      /* of the folder, whose lock it is has the instance; -1: it is not there */
	char *folder; /* the way to it; see instance_folder_open() */
	bool locked;  /* by this process */
	struct generation now;
	struct generation old;
	bool begun; /* the current tables are this process's making */
	guint lot;  /* see instance_set_apart() */
	struct account_flows doubt;
};

static pid_t owner_of(const struct state *state)
{
	return process_of(__atomic_load_n(&state->owner, __ATOMIC_ACQUIRE));
}

/* --- folders and states --- */

static bool fail(const struct instance *instance, const char *inner, GError **error)
{
	const int code = errno;
	g_autofree char *path = g_build_filename(INSTANCE_FOLDER, instance->name, inner, NULL);

	return instance_fail(error, path, code);
}

static void remove_tables(const struct instance *instance, const struct generation *generation)
{
	g_autofree char *state = g_build_filename(generation->folder, "state", NULL);

	/* The state first: without it the rest is a ruin that the next process clears away. */
	unlink(state);
	kernel_meter_unpin(generation->folder);
	unlinkat(instance->fd, generation->name, AT_REMOVEDIR);
}

/* The highest number is current, the one before it is being given up. */
static void take_generation(struct instance *instance, struct generation *found)
{
	struct generation *place = &instance->now;

	if (instance->now.folder && instance->now.number > found->number)
		place = &instance->old;
	else if (instance->now.folder)
		instance->old = instance->now;
	*place = *found;
}

/* What it metered is in the totals: its process ended before it could take it away. */
static void remove_forgotten(struct instance *instance)
{
	if (!instance->locked || !instance->now.state || !instance->old.state ||
	    instance->old.number > instance_totals(instance)->forgotten)
		return;
	remove_tables(instance, &instance->old);
	generation_close(&instance->old);
}

/* Whoever holds the lock clears away what is of no use. */
static void find_generations(struct instance *instance)
{
	GDir *folder = g_dir_open(instance->folder, 0, NULL);
	const char *name;

	while (folder && (name = g_dir_read_name(folder))) {
		struct generation found;
		bool strange = false;

		if (!g_ascii_isdigit(name[0]) || !generation_open(&found, instance->fd, name))
			continue;
		found.state = state_open(found.folder, &strange);
		if (found.state) {
			take_generation(instance, &found);
			continue;
		}
		if (instance->locked &&
		    !(strange &&
		      instance_set_apart(instance->name, instance->fd, name, &instance->lot)))
			remove_tables(instance, &found);
		generation_close(&found);
	}
	if (folder)
		g_dir_close(folder);
	remove_forgotten(instance);
}

static void open_folder(struct instance *instance)
{
	if (instance->fd >= 0)
		close(instance->fd);
	g_free(instance->folder);
	instance->fd = instance_folder_open(instance->name);
	instance->folder = guarded_path(instance->fd);
}

static struct instance *blank(const char *name)
{
	struct instance *instance = g_new0(struct instance, 1);

	instance->name = g_strdup(name);
	instance->fd = -1;
	open_folder(instance);
	return instance;
}

static struct instance *give_up(struct instance *instance)
{
	generation_close(&instance->now);
	generation_close(&instance->old);
	if (instance->fd >= 0)
		close(instance->fd);
	g_free(instance->folder);
	g_free(instance->name);
	g_free(instance);
	return NULL;
}

/* The lock goes with the process that has it, however it ends. False without an error: the folder
 * is not there. */
static bool lock_folder(struct instance *instance, GError **error)
{
	open_folder(instance);
	if (instance->fd < 0)
		return errno == ENOENT ? false : fail(instance, "", error);
	instance->locked = !flock(instance->fd, LOCK_EX | LOCK_NB) &&
			   instance_folder_is(instance->fd, instance->name);
	if (instance->locked)
		return true;
	find_generations(instance);
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
		    "instance %s: process %d runs it; 'weir stop %s' ends that", instance->name,
		    instance->now.state ? (int)owner_of(instance->now.state) : 0, instance->name);
	return false;
}

/* A process that ends takes the folders away, perhaps just now. */
static bool make_and_lock(struct instance *instance, GError **error)
{
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		GError *reason = NULL;

		if (!instance_folder_make(instance->name) && errno != ENOENT)
			return fail(instance, "", error);
		if (lock_folder(instance, &reason))
			return true;
		if (reason) {
			g_propagate_error(error, reason);
			return false;
		}
	}
	errno = ENOENT;
	return fail(instance, "", error);
}

/* Added where it stands, since a commit would say that it has arrived. */
static void doubt(struct instance *instance)
{
	struct state *state = instance->now.state;
	struct account_flows *sum = &state->totals[state->committed % 2].doubted;

	instance->doubt = state->intent;
	sum->flows += state->intent.flows;
	sum->packets += state->intent.packets;
	sum->octets += state->intent.octets;
	state->intended = state->committed;
}

static void claim(struct instance *instance)
{
	struct state *state;

	find_generations(instance);
	state = instance->now.state;
	if (!state)
		return;
	if (state->intended != state->committed)
		doubt(instance);
	__atomic_store_n(&state->owner, process_word(getpid()), __ATOMIC_RELEASE);
}

struct instance *instance_find(const char *name, GError **error)
{
	struct instance *instance;

	if (!instance_name_is_fit(name, error))
		return NULL;
	instance = blank(name);
	if (!lock_folder(instance, error))
		return give_up(instance);
	claim(instance);
	return instance->now.state ? instance : give_up(instance);
}

struct instance *instance_open(const char *name, GError **error)
{
	struct instance *instance;

	if (!instance_name_is_fit(name, error) || !instance_have_file_system(error))
		return NULL;
	instance = blank(name);
	if (!make_and_lock(instance, error))
		return give_up(instance);
	claim(instance);
	return instance;
}

void instance_free(struct instance *instance)
{
	if (!instance)
		return;
	if (instance->now.state)
		__atomic_store_n(&instance->now.state->owner, 0, __ATOMIC_RELEASE);
	give_up(instance);
}

bool instance_exists(const char *name)
{
	struct instance *instance = blank(name);
	bool exists;

	find_generations(instance);
	exists = instance->now.state != NULL;
	give_up(instance);
	return exists;
}

pid_t instance_owner(const char *name)
{
	struct instance *instance = blank(name);
	pid_t owner;

	find_generations(instance);
	owner = instance->now.state ? owner_of(instance->now.state) : 0;
	if (owner && !instance_folder_is_of(instance->fd, owner))
		owner = 0;
	give_up(instance);
	return owner;
}

const struct instance_shape *instance_shape(const struct instance *instance)
{
	return instance->now.state ? &instance->now.state->shape : NULL;
}

const char *instance_folder(const struct instance *instance)
{
	return instance->folder;
}

/* Numbers are tables. */
bool instance_has_links(const struct instance *instance)
{
	GDir *folder = g_dir_open(instance->folder, 0, NULL);
	const char *name = NULL;

	while (folder && (name = g_dir_read_name(folder)) && g_ascii_isdigit(name[0]))
		;
	if (folder)
		g_dir_close(folder);
	return name != NULL;
}

const char *instance_tables(const struct instance *instance)
{
	return instance->now.folder;
}

const char *instance_old_tables(const struct instance *instance, struct instance_shape *ret_shape)
{
	if (!instance->old.state)
		return NULL;
	*ret_shape = instance->old.state->shape;
	return instance->old.folder;
}

/* --- from one set of tables to the next --- */

static bool make_generation(struct instance *instance, struct generation *next, GError **error)
{
	g_autofree char *name = g_strdup_printf("%u", instance->now.number + 1);

	if ((mkdirat(instance->fd, name, 0700) && errno != EEXIST) ||
	    !generation_open(next, instance->fd, name)) {
		fail(instance, name, error);
		return false;
	}
	next->state = state_make(next->folder, error);
	return next->state != NULL;
}

bool instance_begin(struct instance *instance, const struct instance_shape *shape, guint64 epoch_ns,
		    GError **error)
{
	struct generation next = { 0 };
	struct instance_totals *totals;
	struct state *state;

	if (!make_generation(instance, &next, error)) {
		if (next.folder)
			remove_tables(instance, &next);
		generation_close(&next);
		return false;
	}
	state = next.state;
	state->layout = instance_layout();
	state->owner = process_word(getpid());
	state->shape = *shape;
	state->epoch_ns = epoch_ns;
	if (instance->now.state) {
		state->epoch_ns = instance->now.state->epoch_ns;
		/* What waits in the old tables says for which commit it left. */
		state->committed = state->intended = instance->now.state->committed;
		totals = &state->totals[state->committed % 2];
		*totals = *instance_totals(instance);
		totals->old_position = totals->position;
		totals->position = 0;
	}
	generation_close(&instance->old);
	instance->old = instance->now;
	instance->now = next;
	instance->begun = true;
	return true;
}

void instance_sample(struct instance *instance, guint32 sample, bool random)
{
	instance->now.state->shape.sample = sample;
	instance->now.state->shape.sample_random = random;
}

void instance_ready(struct instance *instance)
{
	instance_leave_copy(instance->name, instance_layout());
	instance_memory_keep(instance->name);
	__atomic_store_n(&instance->now.state->ready, 1, __ATOMIC_RELEASE);
}

void instance_forget_old(struct instance *instance, const struct meter_counts *metered)
{
	struct instance_totals totals = *instance_totals(instance);

	meter_counts_add(&totals.gone, metered);
	totals.forgotten = instance->old.number;
	instance_commit(instance, &totals);
	remove_tables(instance, &instance->old);
	generation_close(&instance->old);
}

void instance_abandon(struct instance *instance)
{
	if (instance->begun) {
		remove_tables(instance, &instance->now);
		generation_close(&instance->now);
		instance->now = instance->old;
		instance->old = (struct generation){ 0 };
		instance->begun = false;
	}
	if (instance->now.folder)
		return;
	instance_folder_remove(instance->name);
}

void instance_end(struct instance *instance)
{
	if (instance->old.folder)
		remove_tables(instance, &instance->old);
	if (instance->now.folder)
		remove_tables(instance, &instance->now);
	filter_front_unpin_others(NULL, instance->folder);
	instance_folder_remove(instance->name);
	instance_memory_drop(instance->name);
	instance_drop_copy(instance->name, instance_layout());
}

guint64 instance_epoch(const struct instance *instance)
{
	return instance->now.state->epoch_ns;
}

/* --- what was exported --- */

const struct instance_totals *instance_totals(const struct instance *instance)
{
	const struct state *state = instance->now.state;

	return &state->totals[__atomic_load_n(&state->committed, __ATOMIC_ACQUIRE) % 2];
}

void instance_intend(struct instance *instance, const struct account_flows *handing_over)
{
	struct state *state = instance->now.state;

	state->intent = *handing_over;
	__atomic_store_n(&state->intended, state->committed + 1, __ATOMIC_RELEASE);
}

void instance_commit(struct instance *instance, const struct instance_totals *totals)
{
	struct state *state = instance->now.state;
	guint64 next = state->committed + 1;

	state->totals[next % 2] = *totals;
	__atomic_store_n(&state->committed, next, __ATOMIC_RELEASE);
	__atomic_store_n(&state->intended, next, __ATOMIC_RELEASE);
}

const guint64 *instance_commits(const struct instance *instance)
{
	return &instance->now.state->committed;
}

struct account_flows instance_doubt(const struct instance *instance)
{
	return instance->doubt;
}
