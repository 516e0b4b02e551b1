/* SPDX-License-Identifier: BSD-2-Clause */
/* Databases replaced while answers of theirs are in use. */
#include <glib/gstdio.h>
#include <string.h>

#include "base/log.h"
#include "enrich/geo.h"
#include "unit.h"

#define FOLDER	 TEST_DATA "/geoip/"
#define LIMIT_US (60 * G_USEC_PER_SEC)

struct place_of_work {
	char *folder;
	char *path;
	struct geo *geo;
	GPtrArray *lines;
};

static void take_line(void *data, const char *line)
{
	g_ptr_array_add(data, g_strdup(line));
}

/* By rename, as who updates databases does. */
static void put(const struct place_of_work *work, const char *name)
{
	g_autofree char *source = g_strconcat(FOLDER, name, ".mmdb", NULL);
	g_autofree char *fresh = g_strconcat(work->path, ".new", NULL);
	g_autofree char *octets = NULL;
	gsize length;

	CU_ASSERT_TRUE_FATAL(g_file_get_contents(source, &octets, &length, NULL));
	CU_ASSERT_TRUE_FATAL(g_file_set_contents(fresh, octets, (gssize)length, NULL));
	CU_ASSERT_EQUAL_FATAL(g_rename(fresh, work->path), 0);
}

static void begin(struct place_of_work *work)
{
	const char *paths[] = { NULL, NULL };

	work->folder = g_dir_make_tmp("weir-geo-XXXXXX", NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(work->folder);
	work->path = g_build_filename(work->folder, "db.mmdb", NULL);
	work->lines = g_ptr_array_new_with_free_func(g_free);
	log_divert(take_line, work->lines);
	put(work, "GeoIP2-City-Test");
	paths[0] = work->path;
	work->geo = geo_new(paths, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(work->geo);
}

static void end(struct place_of_work *work)
{
	log_divert(NULL, NULL);
	geo_free(work->geo);
	g_unlink(work->path);
	g_rmdir(work->folder);
	g_ptr_array_unref(work->lines);
	g_free(work->path);
	g_free(work->folder);
}

static struct flow_batch *batch_of(guint8 last)
{
	static const guint8 address[16] = { [10] = 0xff, 0xff, 81, 2, 69, 0 };
	struct flow_batch *batch = g_new0(struct flow_batch, 1);
	struct flow_key *key = &batch->records[0].flow.key;

	batch->count = 1;
	key->version = 4;
	memcpy(key->low, address, 16);
	memcpy(key->high, address, 16);
	((guint8 *)key->low)[15] = last;
	return batch;
}

static bool is_london(const struct flow_batch *batch)
{
	const struct flow_place *place = batch->extras[0].place[FLOW_FROM_LOW];

	return flow_place_knows(place, FLOW_PLACE_CITY) &&
	       place->cells[FLOW_PLACE_CITY].text.length == 6 &&
	       memcmp(place->cells[FLOW_PLACE_CITY].text.octets, "London", 6) == 0;
}

/* Until so many databases were taken and refused. */
static void await(const struct place_of_work *work, guint64 reloads, guint64 failures)
{
	const struct geo_counts *counts = geo_counts(work->geo);
	gint64 deadline = g_get_monotonic_time() + LIMIT_US;

	while ((counts->reloads < reloads || counts->reload_failures < failures) &&
	       g_get_monotonic_time() < deadline) {
		geo_tick(work->geo);
		g_usleep(1000);
	}
	CU_ASSERT_EQUAL(counts->reloads, reloads);
	CU_ASSERT_EQUAL(counts->reload_failures, failures);
}

static void test_replaced(void)
{
	struct flow_batch *batch = batch_of(160);
	struct flow_batch *next = batch_of(160);
	struct place_of_work work;

	begin(&work);
	geo_enrich(work.geo, batch);
	CU_ASSERT_TRUE(is_london(batch));
	put(&work, "GeoLite2-ASN-Test");
	await(&work, 1, 0);
	CU_ASSERT_EQUAL(work.lines->len, 1);
	CU_ASSERT_TRUE(is_london(batch)); /* what is under way keeps its answer */
	geo_enrich(work.geo, next);
	CU_ASSERT_FALSE(is_london(next));
	CU_ASSERT_TRUE(is_london(batch));
	end(&work);
	g_free(batch);
	g_free(next);
}

static void test_damaged(void)
{
	struct flow_batch *batch = batch_of(160);
	struct place_of_work work;

	begin(&work);
	put(&work, "damaged/unexpected-bytes");
	await(&work, 0, 1);
	CU_ASSERT_EQUAL_FATAL(work.lines->len, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(g_ptr_array_index(work.lines, 0), "damaged"));
	geo_enrich(work.geo, batch);
	CU_ASSERT_TRUE(is_london(batch));
	put(&work, "GeoIP2-City-Test"); /* and it comes to itself again */
	await(&work, 1, 1);
	end(&work);
	g_free(batch);
}

/* As cp does, or who breaks off in the middle: into the file that is in use. */
static void write_over(const struct place_of_work *work, const char *name, gsize most)
{
	g_autofree char *source = g_strconcat(FOLDER, name, ".mmdb", NULL);
	g_autofree char *octets = NULL;
	gsize length;
	FILE *file;

	CU_ASSERT_TRUE_FATAL(g_file_get_contents(source, &octets, &length, NULL));
	file = fopen(work->path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	length = MIN(length, most);
	CU_ASSERT_EQUAL(fwrite(octets, 1, length, file), length);
	CU_ASSERT_EQUAL(fclose(file), 0);
}

/* Asks about an address that nobody has asked about. */
static bool finds_london(const struct place_of_work *work, guint8 last)
{
	struct flow_batch *batch = batch_of(last);
	bool found;

	geo_enrich(work->geo, batch);
	found = is_london(batch);
	g_free(batch);
	return found;
}

static void test_written_over(void)
{
	struct place_of_work work;

	begin(&work);
	write_over(&work, "GeoIP2-City-Test", 0);
	CU_ASSERT_TRUE(finds_london(&work, 160));
	await(&work, 0, 1);
	CU_ASSERT_TRUE(finds_london(&work, 161));
	write_over(&work, "GeoLite2-ASN-Test", 8192);
	await(&work, 0, 2);
	CU_ASSERT_TRUE(finds_london(&work, 162));
	write_over(&work, "GeoLite2-ASN-Test", G_MAXSIZE);
	await(&work, 1, 2);
	CU_ASSERT_FALSE(finds_london(&work, 163));
	write_over(&work, "GeoIP2-City-Test", G_MAXSIZE);
	await(&work, 2, 2);
	CU_ASSERT_TRUE(finds_london(&work, 164));
	CU_ASSERT_EQUAL(work.lines->len, 4);
	end(&work);
}

/* What is in use is what was looked through, whatever is written where it came from. */
static void test_scribbled_on(void)
{
	struct place_of_work work;
	gsize length;
	g_autofree char *octets = NULL;
	FILE *file;

	begin(&work);
	CU_ASSERT_TRUE_FATAL(g_file_get_contents(work.path, &octets, &length, NULL));
	memset(octets, 0xff, length);
	file = fopen(work.path, "r+");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_EQUAL(fwrite(octets, 1, length, file), length);
	CU_ASSERT_EQUAL(fclose(file), 0);
	CU_ASSERT_TRUE(finds_london(&work, 165));
	end(&work);
}

static void test_told(void)
{
	struct place_of_work work;

	begin(&work);
	geo_reload(work.geo);
	await(&work, 1, 0);
	g_unlink(work.path);
	geo_reload(work.geo);
	await(&work, 1, 1);
	end(&work);
}

/* Ended while another thread still reads. */
static void test_ended(void)
{
	struct place_of_work work;

	begin(&work);
	geo_reload(work.geo);
	geo_tick(work.geo);
	end(&work);
}

static CU_TestInfo tests[] = {
	{ "a database that was replaced is taken, and answers stay", test_replaced },
	{ "a damaged one is said once, and the old one stays", test_damaged },
	{ "one written over is taken when it is whole, and not before", test_written_over },
	{ "what is in use is what was looked through", test_scribbled_on },
	{ "it is read anew when somebody says so", test_told },
	{ "the end waits for who still reads", test_ended },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "geo_reload", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
