/* SPDX-License-Identifier: BSD-2-Clause */
/* By the system calls themselves: libcap would do no more than name them. */
#include "service/privileges.h"

#include <linux/capability.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"

#define ROOM 16384 /* of an entry in the user database */

/* When a right is kept. */
enum keep {
	KEEP_RUN,    /* as long as the run goes on */
	KEEP_FILES,  /* the same, of one who stays root: files are where users have theirs */
	KEEP_OTHERS, /* until the run has begun, or as long as it may replace others' programs */
};

/* Everything that a run may keep; what is not here goes at once. */
static const struct right {
	const char *name;
	int number;
	enum keep keep;
} rights[] = {
	{ "net_admin", CAP_NET_ADMIN,
	  KEEP_RUN },			      /* hooks of interfaces that come back; off again */
	{ "net_raw", CAP_NET_RAW, KEEP_RUN }, /* packet sockets: promiscuous mode, af_packet */
	{ "bpf", CAP_BPF, KEEP_RUN },	      /* the drain, maps, what is pinned */
	{ "perfmon", CAP_PERFMON, KEEP_RUN }, /* programs of another filter */
	{ "dac_override", CAP_DAC_OVERRIDE, KEEP_FILES },
	{ "chown", CAP_CHOWN, KEEP_FILES }, /* the control socket is the group's */
	{ "fowner", CAP_FOWNER, KEEP_FILES },
	{ "sys_admin", CAP_SYS_ADMIN, KEEP_OTHERS }, /* programs by their numbers */
};

static bool fail(GError **error, const char *what)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "giving up rights: %s: %s", what,
		    g_strerror(errno));
	return false;
}

/* --- the three sets, as one number each --- */

struct sets {
	guint64 effective;
	guint64 permitted;
	guint64 inheritable;
};

static struct __user_cap_header_struct header(void)
{
	return (struct __user_cap_header_struct){ .version = _LINUX_CAPABILITY_VERSION_3 };
}

static bool get_sets(struct sets *ret_sets)
{
	struct __user_cap_header_struct head = header();
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &head, data))
		return false;
	ret_sets->effective = data[0].effective | (guint64)data[1].effective << 32;
	ret_sets->permitted = data[0].permitted | (guint64)data[1].permitted << 32;
	ret_sets->inheritable = data[0].inheritable | (guint64)data[1].inheritable << 32;
	return true;
}

static bool set_sets(const struct sets *sets, GError **error)
{
	struct __user_cap_header_struct head = header();
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].effective = (guint32)(sets->effective >> 32 * i);
		data[i].permitted = (guint32)(sets->permitted >> 32 * i);
		data[i].inheritable = (guint32)(sets->inheritable >> 32 * i);
	}
	return syscall(SYS_capset, &head, data) == 0 || fail(error, "capset");
}

static guint64 bit(int number)
{
	return (guint64)1 << number;
}

static guint64 wanted(bool root, bool others)
{
	guint64 set = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(rights); i++) {
		const enum keep keep = rights[i].keep;

		if ((keep == KEEP_FILES && !root) || (keep == KEEP_OTHERS && !others))
			continue;
		set |= bit(rights[i].number);
	}
	return set;
}

/* --- what programs it starts may get --- */

/* Where it may not be changed it cannot be used either: no new privileges sees to that. */
static void empty_bounding_set(void)
{
	for (int number = 0; prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0; number++)
		prctl(PR_CAPBSET_DROP, number, 0, 0, 0);
}

/* Without these, a user's programs would have nothing: the run of another version needs them. */
static bool hand_on(guint64 kept, GError **error)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
		return fail(error, "ambient set");
	for (int number = 0; kept >> number; number++) {
		if (kept & bit(number) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0))
			return fail(error, "ambient set");
	}
	return true;
}

static bool keep_only(guint64 kept, GError **error)
{
	const struct sets sets = { kept, kept, kept };

	return set_sets(&sets, error) && hand_on(kept, error);
}

/* --- users --- */

static bool find_entry(const char *name, struct passwd *entry, char *room)
{
	struct passwd *found = NULL;
	char *end = NULL;
	guint64 number;

	if (!getpwnam_r(name, entry, room, ROOM, &found) && found)
		return true;
	if (!g_ascii_isdigit(*name))
		return false;
	number = g_ascii_strtoull(name, &end, 10);
	return !*end && number < G_MAXUINT32 &&
	       !getpwuid_r((uid_t)number, entry, room, ROOM, &found) && found;
}

bool privileges_find_user(const char *name, struct privileges_user *ret_user, GError **error)
{
	struct passwd entry;
	char room[ROOM];

	if (!find_entry(name, &entry, room)) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "--user: there is no user '%s'; name one, or none to stay who runs it",
			    name);
		return false;
	}
	*ret_user = (struct privileges_user){ entry.pw_uid, entry.pw_gid };
	return true;
}

static bool become(const struct privileges_user *user, GError **error)
{
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
		return fail(error, "keeping some");
	if (setgroups(0, NULL) || setgid(user->group) || setuid(user->id))
		return fail(error, "becoming another user");
	/* Nor may anybody who gets hold of it read the keys in its memory. */
	return prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) == 0 || fail(error, "keeping some");
}

/* --- together --- */

bool privileges_begin(const struct privileges_user *user, GError **error)
{
	const bool root = user ? user->id == 0 : geteuid() == 0;
	struct sets now;
	guint64 kept;

	if (!get_sets(&now))
		return fail(error, "capget");
	kept = now.permitted & wanted(root, true);
	/* What can be inherited is no more than what is bounded, so that comes first. */
	now.inheritable = kept;
	if (!set_sets(&now, error))
		return false;
	if (now.effective & bit(CAP_SETPCAP))
		empty_bounding_set();
	if (user && user->id != geteuid() && !become(user, error))
		return false;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fail(error, "no new privileges");
	return keep_only(kept, error);
}

bool privileges_settle(bool others, GError **error)
{
	struct sets now;

	if (!get_sets(&now))
		return fail(error, "capget");
	return keep_only(now.permitted & wanted(geteuid() == 0, others), error);
}

char *privileges_left(void)
{
	g_autoptr(GString) list = g_string_new(NULL);
	struct sets now;

	if (!get_sets(&now))
		return g_strdup("?");
	for (size_t i = 0; i < G_N_ELEMENTS(rights); i++) {
		if (now.permitted & bit(rights[i].number))
			g_string_append_printf(list, "%s%s", list->len > 0 ? ", " : "",
					       rights[i].name);
	}
	return g_strdup(list->len > 0 ? list->str : "none");
}
