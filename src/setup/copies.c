/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/copies.h"

/* The name it has now, else its number; free with g_free. */
static char *name_of(const struct interface_names *names, guint32 index)
{
	const struct flow_interface *interface =
		interface_names_find(names, (guint16)index, G_MAXUINT64);

	if (interface && interface->name.length > 0)
		return g_utf8_make_valid(interface->name.octets, (gssize)interface->name.length);
	return g_strdup_printf("%u", index);
}

void copies_settle(struct account *account, const struct dedup_pair *pairs, guint count,
		   const struct interface_names *names)
{
	for (guint i = 0; i < count; i++) {
		g_autofree char *first = name_of(names, pairs[i].pair.first);
		g_autofree char *again = name_of(names, pairs[i].pair.again);
		const struct account_copies copies = {
			.first = first,
			.again = again,
			.packets = pairs[i].counts.packets,
			.frame_octets = pairs[i].counts.frame_octets,
		};

		account_add_copies(account, &copies);
	}
}
