/* SPDX-License-Identifier: BSD-2-Clause */
/* What world.c fills and world_write.c reads. */
#ifndef WEIR_ENRICH_WORLD_PARTS_H
#define WEIR_ENRICH_WORLD_PARTS_H

#include "enrich/interned.h"
#include "enrich/world.h"

struct world_country {
	char letters[2]; /* zeros: none */
};

/* Compared octet by octet: no padding. */
struct world_entry {
	struct world_country countries[WORLD_SOURCES];
	guint32 as_number; /* 0: none */
	guint32 own;	   /* number in world.owns + 1; 0: none */
};
G_STATIC_ASSERT(sizeof(struct world_entry) == 12);

/* Equal texts are one text. */
struct world_cells {
	const char *texts[WORLD_OWN]; /* NULL: not said */
};

struct world {
	struct mmdb_tree *tree; /* numbers of entries */
	struct mmdb_values *values;
	struct interned *entries; /* struct world_entry */
	struct interned *owns;	  /* struct world_cells */
	GStringChunk *texts;
	GHashTable *as_names; /* const struct mmdb_value * by number */
	gint64 made[WORLD_SOURCES];
	bool is_of_the_world; /* not of own ranges alone */
};

#endif
