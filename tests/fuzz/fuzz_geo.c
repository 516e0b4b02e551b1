/* SPDX-License-Identifier: BSD-2-Clause */
/* Any octets as a geolocation database: refused with a reason, or every answer is an answer. */
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "enrich/geo_database.h"

#define LOOKUPS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_place(const struct flow_place *place)
{
	for (int value = 0; value < FLOW_PLACE_VALUES; value++) {
		const struct flow_text *text = &place->cells[value].text;

		if (!flow_place_knows(place, (enum flow_place_value)value) ||
		    flow_place_kind((enum flow_place_value)value) != FLOW_PLACE_TEXT)
			continue;
		g_assert_true(g_utf8_validate(text->octets, (gssize)text->length, NULL));
	}
}

/* The whole prefix has the answer of the address. */
static void look_up(const struct geo_database *database, const guint8 octets[16], guint8 version)
{
	struct geo_address address = geo_address_of(octets, version);
	g_autoptr(GStringChunk) chunk = g_string_chunk_new(256);
	struct flow_place place = { 0 };
	guint again;
	guint bits;
	guint32 record = geo_database_find(database, &address, &bits);

	g_assert_cmpuint(bits, <=, 128);
	geo_address_cut(&address, bits);
	g_assert_cmpuint(geo_database_find(database, &address, &again), ==, record);
	g_assert_cmpuint(again, ==, bits);
	if (record == GEO_NO_RECORD)
		return;
	geo_database_read(database, record, chunk, &place);
	g_assert_cmpuint(place.known & ~geo_database_holds(database), ==, 0);
	check_place(&place);
}

/* Addresses of all kinds, the same ones each time. */
static void look_around(const struct geo_database *database)
{
	g_autoptr(GRand) random = g_rand_new_with_seed(1);
	guint8 octets[16] = { [10] = 0xff, [11] = 0xff };

	for (int i = 0; i < LOOKUPS; i++) {
		const guint first = i % 2 ? 0 : 12;

		for (guint k = first; k < 16; k++)
			octets[k] = (guint8)g_rand_int(random);
		look_up(database, octets, i % 2 ? 6 : 4);
		memset(octets, 0, 10);
		octets[10] = octets[11] = 0xff;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const int fd = memfd_create("input", MFD_CLOEXEC);
	g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
	g_autoptr(GError) error = NULL;
	struct geo_database *database;

	g_assert_true(write(fd, data, size) == (ssize_t)size);
	database = geo_database_open(path, &error);
	g_assert_true((database != NULL) == (error == NULL));
	if (database)
		look_around(database);
	else
		g_assert_true(g_str_has_prefix(error->message, path));
	geo_database_free(database);
	close(fd);
	return 0;
}
