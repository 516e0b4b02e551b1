/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/live_rights.h"

#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "service/privileges.h"
#include "setup/instance.h"
#include "setup/instance_memory.h"

/* Somebody else than who runs it. */
static bool find_other(const char *name, struct privileges_user *ret_user, bool *ret_other,
		       GError **error)
{
	*ret_other = false;
	if (!name)
		return true;
	if (!privileges_find_user(name, ret_user, error))
		return false;
	*ret_other = ret_user->id != geteuid();
	if (!*ret_other || geteuid() == 0)
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
		    "--user: only root becomes '%s'; run as root, or leave it out", name);
	return false;
}

bool live_rights_begin(const struct options *options, const char *instance, GError **error)
{
	struct privileges_user user;
	bool other;

	if (!find_other(options_user(options), &user, &other, error))
		return false;
	if (other && (!instance_hand_over(instance, user.id, user.group, error) ||
		      !log_give_file(user.id, user.group, error)))
		return false;
	instance_memory_begin(instance, options);
	return privileges_begin(other ? &user : NULL, error);
}

bool live_rights_settle(const struct live_options *options, GError **error)
{
	g_autofree char *left = NULL;

	if (options->ending)
		return true;
	if (!privileges_settle(options->attach.force, error))
		return false;
	live_metrics_start(options->metrics);
	left = privileges_left();
	log_debug("running as user %d, with these capabilities: %s", (int)geteuid(), left);
	return true;
}
