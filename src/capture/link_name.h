/* SPDX-License-Identifier: BSD-2-Clause */
/* What an interface of this network namespace is called now. */
#ifndef WEIR_CAPTURE_LINK_NAME_H
#define WEIR_CAPTURE_LINK_NAME_H

#include <glib.h>
#include <stdbool.h>

#define LINK_NAME_ROOM	16  /* IFNAMSIZ */
#define LINK_ALIAS_ROOM 256 /* IFALIASZ */

struct link_name {
	char name[LINK_NAME_ROOM];
	char alias[LINK_ALIAS_ROOM]; /* empty: it has none */
};

/* False: there is no such interface any more, or the kernel does not tell. */
bool link_name(guint32 index, struct link_name *ret_name);

#endif
