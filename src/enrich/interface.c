/* SPDX-License-Identifier: BSD-2-Clause */
/* For each interface the names it had, the latest first. Records point at them, and may be under
 * way for long: nothing is taken back before the end. */
#include "enrich/interface.h"

#include <string.h>

#define CHANGES_MAX 4096
#define INDEX_MAX   G_MAXUINT16

struct known {
	struct flow_interface interface;
	guint64 since_ns;
	struct known *before;
};

struct interface_names {
	GPtrArray *by_index; /* struct known *, at the low 16 bits of the interface's index */
	guint changes;
};

static void known_free(gpointer latest)
{
	struct known *known = latest;

	while (known) {
		struct known *before = known->before;

		g_free((gpointer)(guintptr)known->interface.name.octets);
		g_free((gpointer)(guintptr)known->interface.description.octets);
		g_free(known);
		known = before;
	}
}

struct interface_names *interface_names_new(void)
{
	struct interface_names *names = g_new0(struct interface_names, 1);

	names->by_index = g_ptr_array_new_with_free_func(known_free);
	return names;
}

void interface_names_free(struct interface_names *names)
{
	if (!names)
		return;
	g_ptr_array_unref(names->by_index);
	g_free(names);
}

static struct known *latest_of(const struct interface_names *names, guint16 iface)
{
	return iface < names->by_index->len ? g_ptr_array_index(names->by_index, iface) : NULL;
}

/* An empty text has no octets of its own. */
static struct flow_text own_text(const char *text)
{
	return flow_text_of(text && *text ? flow_text_make(text, strlen(text)) : NULL);
}

static bool same_text(const struct flow_text *known, const char *text)
{
	g_autofree char *made = flow_text_make(text ? text : "", text ? strlen(text) : 0);

	return strlen(made) == known->length &&
	       (known->length == 0 || memcmp(made, known->octets, known->length) == 0);
}

static bool is_change(struct interface_names *names, const struct known *latest, guint32 index,
		      const char *name, const char *description)
{
	if (!latest)
		return true;
	if (latest->interface.index == index && same_text(&latest->interface.name, name) &&
	    same_text(&latest->interface.description, description))
		return false;
	return ++names->changes <= CHANGES_MAX;
}

void interface_names_tell(struct interface_names *names, guint32 index, guint64 since_ns,
			  const char *name, const char *description)
{
	guint16 iface = (guint16)index;
	struct known *latest = latest_of(names, iface);
	struct known *known;

	if (!is_change(names, latest, index, name, description))
		return;
	known = g_new0(struct known, 1);
	known->interface.index = index;
	known->interface.name = own_text(name);
	known->interface.description = own_text(description);
	known->since_ns = since_ns;
	known->before = latest;
	if (names->by_index->len <= iface)
		g_ptr_array_set_size(names->by_index, iface + 1);
	g_ptr_array_index(names->by_index, iface) = known;
}

static bool is_called(const struct known *known, const char *name)
{
	return known && same_text(&known->interface.name, name);
}

/* The first that is free beyond all others, or wanted: there is no more room. */
static guint16 free_number(const struct interface_names *names, guint16 wanted)
{
	return names->by_index->len <= INDEX_MAX ? (guint16)names->by_index->len : wanted;
}

guint16 interface_names_number(struct interface_names *names, guint16 wanted, const char *name)
{
	guint16 number = wanted;

	if (latest_of(names, wanted) && !is_called(latest_of(names, wanted), name)) {
		number = free_number(names, wanted);
		for (guint i = names->by_index->len; i-- > 0;) {
			if (is_called(g_ptr_array_index(names->by_index, i), name))
				number = (guint16)i;
		}
	}
	if (!latest_of(names, number))
		interface_names_tell(names, number, 0, name, NULL);
	return number;
}

const struct flow_interface *interface_names_find(const struct interface_names *names,
						  guint16 iface, guint64 at_ns)
{
	const struct known *known = latest_of(names, iface);

	while (known && known->since_ns > at_ns && known->before)
		known = known->before;
	return known ? &known->interface : NULL;
}

void interface_names_enrich(const struct interface_names *names, struct flow_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		for (int k = 0; k < 2; k++) {
			const struct flow_side *side = &batch->records[i].flow.side[k];

			batch->extras[i].interface[k] =
				side->packets > 0
					? interface_names_find(names, side->iface, side->first_ns)
					: NULL;
		}
	}
}
