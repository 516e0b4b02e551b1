/* SPDX-License-Identifier: BSD-2-Clause */
/* Metering hangs on an interface's index, which stays when it gets another name; an interface that
 * comes back has another index. So every index is looked after that ever had a name of ours. */
#include "setup/live_names.h"

#include <net/if.h>

#include "capture/link_name.h"
#include "enrich/interface.h"

#define LOOK_US G_USEC_PER_SEC

struct live_names {
	const char *const *interfaces;
	struct interface_names *names;
	GArray *indexes; /* guint32 */
	gint64 look_us;
};

struct live_names *live_names_new(const char *const *interfaces)
{
	struct live_names *names = g_new0(struct live_names, 1);

	names->interfaces = interfaces;
	names->names = interface_names_new();
	names->indexes = g_array_new(FALSE, FALSE, sizeof(guint32));
	live_names_look(names);
	return names;
}

void live_names_free(struct live_names *names)
{
	if (!names)
		return;
	interface_names_free(names->names);
	g_array_unref(names->indexes);
	g_free(names);
}

static void look_after(struct live_names *names, guint32 index)
{
	for (guint i = 0; i < names->indexes->len; i++) {
		if (g_array_index(names->indexes, guint32, i) == index)
			return;
	}
	g_array_append_val(names->indexes, index);
}

/* Those that are gone need no more looking: an index does not come back. */
static void ask(struct live_names *names)
{
	guint64 now_ns = (guint64)g_get_real_time() * 1000;

	for (guint i = names->indexes->len; i-- > 0;) {
		guint32 index = g_array_index(names->indexes, guint32, i);
		struct link_name known;

		if (link_name(index, &known))
			interface_names_tell(names->names, index, now_ns, known.name, known.alias);
		else
			g_array_remove_index_fast(names->indexes, i);
	}
}

void live_names_look(struct live_names *names)
{
	gint64 now = g_get_monotonic_time();

	if (now < names->look_us)
		return;
	names->look_us = now + LOOK_US;
	for (const char *const *name = names->interfaces; name && *name; name++) {
		guint32 index = if_nametoindex(*name);

		if (index)
			look_after(names, index);
	}
	ask(names);
}

const struct interface_names *live_names_table(const struct live_names *names)
{
	return names->names;
}

void live_names_enrich(const struct live_names *names, struct flow_batch *batch)
{
	interface_names_enrich(names->names, batch);
}
