/* SPDX-License-Identifier: BSD-2-Clause */
/* Databases that are damaged, on purpose and at random: refused in one line, or looked up in
 * without harm. Under the sanitizers this is what shows that libmaxminddb is never asked too much.
 */
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "enrich/geo.h"
#include "enrich/geo_check.h"
#include "unit.h"

#define FOLDER	 TEST_DATA "/geoip/"
#define LOOKUPS	 2000
#define DAMAGES	 4000
#define CUTS	 200
#define PER_FILE 8

static guint32 next(guint32 *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static void look_up(struct geo *geo, guint lookups)
{
	guint32 state = 7;

	for (guint i = 0; i < lookups; i++) {
		guint8 octets[16] = { 0 };
		guint8 version = i % 3 ? 4 : 6;

		if (version == 4)
			memset(octets + 10, 0xff, 2);
		for (guint at = version == 4 ? 12 : 0; at < (version == 4 ? 16 : 8); at++)
			octets[at] = (guint8)next(&state);
		if (version == 6 && i % 2) {
			octets[0] = 0x20;
			octets[1] = 0x01;
			octets[2] = 2;
		}
		CU_ASSERT_PTR_NOT_NULL(geo_find(geo, octets, version, NULL));
	}
}

/* True when it opened. */
static bool try(const char *path, guint lookups)
{
	const char *const paths[] = { path, NULL };
	g_autoptr(GError) error = NULL;
	struct geo *geo = geo_new(paths, &error);

	if (geo) {
		look_up(geo, lookups);
		geo_free(geo);
		return true;
	}
	CU_ASSERT_TRUE(error && g_str_has_prefix(error->message, path));
	CU_ASSERT_TRUE(error && !strchr(error->message, '\n'));
	return false;
}

static void test_known(void)
{
	g_autoptr(GDir) folder = g_dir_open(FOLDER "damaged", 0, NULL);
	const char *name;
	guint files = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(folder);
	while ((name = g_dir_read_name(folder))) {
		g_autofree char *path = g_strconcat(FOLDER "damaged/", name, NULL);

		if (try(path, LOOKUPS))
			printf("\n%s opened", name);
		files++;
	}
	CU_ASSERT_EQUAL(files, 25);
}

/* Records of all sizes, for IPv4 alone, without IPv4, with pointers everywhere. */
static void test_whole(void)
{
	static const char *const wanted[] = { NULL };
	g_autoptr(GDir) folder = g_dir_open(FOLDER, 0, NULL);
	const char *name;
	guint files = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(folder);
	while ((name = g_dir_read_name(folder))) {
		g_autoptr(GArray) samples = g_array_new(FALSE, FALSE, sizeof(guint32));
		struct geo_found found = { .wanted = wanted, .samples = samples };
		g_autofree char *path = g_strconcat(FOLDER, name, NULL);
		g_autofree char *octets = NULL;
		gsize length;

		if (!g_str_has_suffix(name, ".mmdb"))
			continue;
		CU_ASSERT_TRUE_FATAL(g_file_get_contents(path, &octets, &length, NULL));
		CU_ASSERT_TRUE(geo_check((const guint8 *)octets, length, &found, NULL));
		CU_ASSERT_TRUE(samples->len > 0);
		files++;
	}
	CU_ASSERT_EQUAL(files, 17);
}

static void test_no_database(void)
{
	static const char *const paths[] = { "/nonexistent", "/dev/null", "/",
					     TEST_DATA "/geoip/README.md" };

	for (guint i = 0; i < G_N_ELEMENTS(paths); i++)
		CU_ASSERT_FALSE(try(paths[i], 0));
}

static void write_file(int fd, const char *octets, gsize length)
{
	CU_ASSERT_EQUAL_FATAL(ftruncate(fd, 0), 0);
	CU_ASSERT_EQUAL_FATAL(pwrite(fd, octets, length, 0), (gssize)length);
}

struct victim {
	const char *name;
	guint damages;
};

/* Octets anywhere become others, most often in the tree's and data's beginning and in what
 * describes the file. What still opens is looked up in. */
static void damage(const struct victim *victim, int fd, const char *path, guint *ret_opened)
{
	g_autofree char *source = g_strconcat(FOLDER, victim->name, ".mmdb", NULL);
	g_autofree char *whole = NULL;
	guint32 state = 1;
	gsize length;

	CU_ASSERT_TRUE_FATAL(g_file_get_contents(source, &whole, &length, NULL));
	for (guint i = 0; i < victim->damages; i++) {
		g_autofree char *damaged = g_memdup2(whole, length);
		guint32 count = 1 + next(&state) % 4;

		for (guint j = 0; j < count; j++) {
			gsize at = i % 2 ? next(&state) % length
					 : length - 1 - next(&state) % MIN(length, 600);

			damaged[at] = (char)(next(&state) >> 4);
		}
		write_file(fd, damaged, length);
		*ret_opened += try(path, 60);
	}
	for (guint i = 0; i < CUTS; i++) {
		write_file(fd, whole, next(&state) % length);
		*ret_opened += try(path, 60);
	}
}

static void test_damaged(void)
{
	static const struct victim victims[] = {
		{ "GeoIP2-City-Test", DAMAGES / PER_FILE },
		{ "GeoLite2-ASN-Test", DAMAGES / PER_FILE },
		{ "GeoIP2-Enterprise-Test", DAMAGES / PER_FILE },
		{ "MaxMind-DB-test-mixed-28", DAMAGES / PER_FILE },
	};
	g_autofree char *path = NULL;
	int fd = g_file_open_tmp("weir-geo-XXXXXX", &path, NULL);
	guint opened = 0;

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	for (guint i = 0; i < G_N_ELEMENTS(victims); i++)
		damage(&victims[i], fd, path, &opened);
	close(fd);
	g_remove(path);
	CU_ASSERT_TRUE(opened > 100); /* else the damage shows too soon to test anything */
}

/* Values in values, and values that lie over each other. */
static void test_checks_end(void)
{
	static const char *const wanted[] = { NULL };
	static const char describes[] =
		"\xab\xcd\xefMaxMind.com\xe4"
		"\x4anode_count\xa1\x01\x4brecord_size\xa1\x18\x4aip_version\xa1\x04"
		"\x5b"
		"binary_format_major_version\xa1\x02";
	const gsize data = 200000;
	g_autofree char *file = g_malloc0(6 + 16 + data + sizeof(describes) - 1);
	g_autoptr(GArray) samples = g_array_new(FALSE, FALSE, sizeof(guint32));
	struct geo_found found = { .wanted = wanted, .samples = samples };
	g_autoptr(GError) error = NULL;

	memcpy(file, "\0\0\x11\0\0\x11", 6); /* both sides: the first octet of the data */
	/* Arrays of one in arrays of one, from each of which the next begins. */
	for (gsize i = 0; i + 1 < data; i += 2)
		memcpy(file + 22 + i, "\x01\x04", 2);
	memcpy(file + 22 + data, describes, sizeof(describes) - 1);
	CU_ASSERT_FALSE(
		geo_check((const guint8 *)file, 22 + data + sizeof(describes) - 1, &found, &error));
	CU_ASSERT_TRUE(error && strstr(error->message, "its data"));
}

static CU_TestInfo tests[] = {
	{ "whole databases are whole", test_whole },
	{ "known damaged databases do no harm", test_known },
	{ "what is no database is refused", test_no_database },
	{ "databases damaged at random do no harm", test_damaged },
	{ "values nested without end are found out", test_checks_end },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "geo_damaged", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
