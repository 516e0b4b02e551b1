/* SPDX-License-Identifier: BSD-2-Clause */
/* An array, and a hash table of open addressing over it: there are a few hundred thousand entries
 * of a dozen octets, of which a GHashTable would make as many allocations. */
#include "enrich/interned.h"

#include <string.h>

#define PLACES_FIRST 1024
#define FREE	     G_MAXUINT32

struct interned {
	gsize octets;
	GByteArray *things;
	guint32 count;
	guint32 *places; /* numbers, or FREE */
	guint32 room;	 /* of places: a power of two, at most half of it taken */
};

static guint32 hash_of(const struct interned *interned, const guint8 *thing)
{
	guint32 hash = 2166136261u;

	for (gsize i = 0; i < interned->octets; i++)
		hash = (hash ^ thing[i]) * 16777619u;
	return hash ^ hash >> 15;
}

static void make_places(struct interned *interned, guint32 room)
{
	g_free(interned->places);
	interned->room = room;
	interned->places = g_new(guint32, room);
	for (guint32 i = 0; i < room; i++)
		interned->places[i] = FREE;
}

struct interned *interned_new(gsize octets)
{
	struct interned *interned = g_new0(struct interned, 1);

	interned->octets = octets;
	interned->things = g_byte_array_new();
	make_places(interned, PLACES_FIRST);
	return interned;
}

void interned_free(struct interned *interned)
{
	if (!interned)
		return;
	g_byte_array_free(interned->things, TRUE);
	g_free(interned->places);
	g_free(interned);
}

const void *interned_at(const struct interned *interned, guint32 number)
{
	return interned->things->data + number * interned->octets;
}

guint32 interned_count(const struct interned *interned)
{
	return interned->count;
}

/* Where the thing is, or a free place. */
static guint32 *place_of(const struct interned *interned, const void *thing)
{
	guint32 at = hash_of(interned, thing);
	guint32 *place = &interned->places[at & (interned->room - 1)];

	while (*place != FREE &&
	       memcmp(interned_at(interned, *place), thing, interned->octets) != 0)
		place = &interned->places[++at & (interned->room - 1)];
	return place;
}

static void grow(struct interned *interned)
{
	make_places(interned, interned->room * 2);
	for (guint32 i = 0; i < interned->count; i++)
		*place_of(interned, interned_at(interned, i)) = i;
}

guint32 interned_number(struct interned *interned, const void *thing)
{
	guint32 *place = place_of(interned, thing);

	if (*place != FREE)
		return *place;
	if (interned->count >= interned->room / 2) {
		grow(interned);
		place = place_of(interned, thing);
	}
	*place = interned->count;
	g_byte_array_append(interned->things, thing, (guint)interned->octets);
	return interned->count++;
}
