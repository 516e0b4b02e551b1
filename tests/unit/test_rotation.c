/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that follow each other: when one ends, by either clock, and what the account says then. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "export/destination.h"
#include "export/rotation.h"
#include "flow_maker.h"
#include "test_folder.h"
#include "unit.h"

#define SECOND_NS 1000000000ull
#define NOON	  (1700049600 * SECOND_NS) /* 2023-11-15 12:00:00 */

static char *folder;
static GString *said;
static guint64 now_ns; /* what the wall clock says */

static guint64 tell_time(void)
{
	return now_ns;
}

static void remember(void *data, const char *line)
{
	(void)data;
	g_string_append_printf(said, "%s\n", line);
}

static void make_folder(void)
{
	folder = test_folder_new();
	CU_ASSERT_PTR_NOT_NULL_FATAL(folder);
	said = g_string_new(NULL);
	log_divert(remember, NULL);
	now_ns = NOON;
}

static void remove_folder(void)
{
	log_divert(NULL, NULL);
	test_folder_remove(&folder);
	g_string_free(said, TRUE);
}

static gint by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the files there, in order, with a blank between them. */
static char *names(void)
{
	g_autoptr(GPtrArray) found = g_ptr_array_new();
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL)
		g_ptr_array_add(found, (gpointer)g_intern_string(name));
	g_ptr_array_sort(found, by_name);
	g_ptr_array_add(found, NULL);
	return g_strjoinv(" ", (char **)found->pdata);
}

static void check_names(const char *expected)
{
	g_autofree char *found = names();

	CU_ASSERT_STRING_EQUAL(found, expected);
}

static struct destination *open_live(const char *form, const char *tail)
{
	g_autofree char *url = g_strdup_printf("%s+file:%s/%s", form, folder, tail);
	struct destination *destination = destination_new(
		url, url,
		&(struct export_options){ .pen = FIELD_PEN_DEFAULT, .clock_ns = tell_time }, NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(destination);
	CU_ASSERT_TRUE(destination_start(destination, false, NULL));
	return destination;
}

static bool write_flows(struct destination *destination, guint64 count, GError **error)
{
	g_autofree struct flow_batch *batch = g_new(struct flow_batch, 1);

	flow_maker_fill(batch, 0, count);
	return destination_write(destination, batch, error);
}

static void test_turns(void)
{
	struct rotation hourly = { .period_ns = 3600 * SECOND_NS };
	struct rotation never = { .clock_ns = NOON };

	CU_ASSERT_TRUE(rotation_over(&hourly, NOON));
	hourly.clock_ns = NOON + 59 * SECOND_NS;
	rotation_turn(&hourly);
	CU_ASSERT_EQUAL(hourly.from_ns, NOON);
	CU_ASSERT_EQUAL(rotation_seconds(&hourly), NOON / SECOND_NS);
	CU_ASSERT_FALSE(rotation_over(&hourly, NOON));
	CU_ASSERT_FALSE(rotation_over(&hourly, NOON + 3600 * SECOND_NS - 1));
	CU_ASSERT_TRUE(rotation_over(&hourly, NOON + 3600 * SECOND_NS));
	CU_ASSERT_TRUE(rotation_over(&hourly, NOON - 1)); /* set back */
	hourly.clock_ns = G_MAXUINT64;
	rotation_turn(&hourly);
	CU_ASSERT_EQUAL(hourly.until_ns, G_MAXUINT64);
	rotation_turn(&never);
	CU_ASSERT_FALSE(rotation_over(&never, 0));
	CU_ASSERT_FALSE(rotation_over(&never, NOON * 2));
	CU_ASSERT_FALSE(rotation_full(&never, G_MAXUINT64));
}

static void test_tick(void)
{
	struct destination *destination = open_live("json", "%H%M?rotate=1m");

	CU_ASSERT_TRUE(destination_tick(destination, NULL));
	check_names("");
	CU_ASSERT_TRUE(write_flows(destination, 5, NULL));
	check_names("1200.part");
	now_ns += 59 * SECOND_NS;
	CU_ASSERT_TRUE(destination_tick(destination, NULL));
	check_names("1200.part");
	now_ns += SECOND_NS;
	CU_ASSERT_TRUE(destination_tick(destination, NULL));
	check_names("1200");
	CU_ASSERT_EQUAL(destination_counts(destination)->flows, 5);
	now_ns += 600 * SECOND_NS;
	CU_ASSERT_TRUE(destination_tick(destination, NULL));
	check_names("1200"); /* nothing to say in between */
	CU_ASSERT_TRUE(write_flows(destination, 3, NULL));
	CU_ASSERT_TRUE(destination_flush(destination, NULL));
	check_names("1200 1211.part");
	CU_ASSERT_EQUAL(destination_counts(destination)->flows, 8);
	CU_ASSERT_TRUE(destination_finish(destination, NULL));
	check_names("1200 1211");
	destination_free(destination);
}

static void test_set_back(void)
{
	struct destination *destination = open_live("text", "%H%M?rotate=1m");

	CU_ASSERT_TRUE(write_flows(destination, 1, NULL));
	now_ns += 60 * SECOND_NS;
	CU_ASSERT_TRUE(write_flows(destination, 1, NULL));
	now_ns -= 60 * SECOND_NS;
	CU_ASSERT_TRUE(write_flows(destination, 1, NULL));
	CU_ASSERT_TRUE(destination_finish(destination, NULL));
	check_names("1200 1200_001 1201");
	CU_ASSERT_EQUAL(destination_counts(destination)->flows, 3);
	destination_free(destination);
}

static void test_not_finished(void)
{
	struct destination *destination = open_live("ipfix", "%H%M?rotate=1m");

	CU_ASSERT_TRUE(write_flows(destination, 5, NULL));
	destination_free(destination); /* as after a crash */
	check_names("1200.part");
	destination = open_live("ipfix", "%H%M?rotate=1m");
	CU_ASSERT_TRUE(write_flows(destination, 5, NULL));
	CU_ASSERT_TRUE(destination_finish(destination, NULL));
	check_names("1200.part 1200_001");
	CU_ASSERT_PTR_NOT_NULL(strstr(said->str, "1200.part is there already"));
	destination_free(destination);
}

/* Somebody else took the name while the file was written. */
static void test_taken_name(void)
{
	struct destination *destination = open_live("text", "%H%M?rotate=1m");
	g_autofree char *taken = g_build_filename(folder, "1200", NULL);
	g_autofree char *text = NULL;

	CU_ASSERT_TRUE(write_flows(destination, 1, NULL));
	CU_ASSERT_TRUE(g_file_set_contents(taken, "precious", -1, NULL));
	CU_ASSERT_TRUE(destination_finish(destination, NULL));
	check_names("1200 1200_001");
	CU_ASSERT_TRUE(g_file_get_contents(taken, &text, NULL, NULL));
	CU_ASSERT_STRING_EQUAL(text, "precious");
	destination_free(destination);
}

/* The folder becomes a file, and a folder again. */
static void test_failure(void)
{
	struct destination *destination = open_live("json", "%F/%H%M?rotate=1m");
	const struct export_counts *counts = destination_counts(destination);
	g_autofree char *day = g_build_filename(folder, "2023-11-15", NULL);
	g_autoptr(GError) error = NULL;

	CU_ASSERT_TRUE(g_file_set_contents(day, "in the way", -1, NULL));
	CU_ASSERT_FALSE(write_flows(destination, 5, &error));
	CU_ASSERT_TRUE(error != NULL && strstr(error->message, "; trying again") != NULL);
	CU_ASSERT_TRUE(write_flows(destination, 4, NULL));
	CU_ASSERT_TRUE(destination_flush(destination, NULL));
	CU_ASSERT_EQUAL(counts->failed_flows, 9);
	now_ns += 60 * SECOND_NS;
	CU_ASSERT_TRUE(write_flows(destination, 3, NULL)); /* told once */
	CU_ASSERT_EQUAL(counts->failed_flows, 12);
	unlink(day);
	CU_ASSERT_TRUE(write_flows(destination, 2, NULL));
	CU_ASSERT_EQUAL(counts->failed_flows, 14);
	now_ns += 60 * SECOND_NS;
	CU_ASSERT_TRUE(write_flows(destination, 7, NULL));
	CU_ASSERT_TRUE(destination_finish(destination, NULL));
	CU_ASSERT_EQUAL(counts->flows, 7);
	CU_ASSERT_EQUAL(counts->failed_flows, 14);
	check_names("2023-11-15");
	destination_free(destination);
}

static void test_lost_file(void)
{
	struct destination *destination = open_live("json", "%F/%H%M?rotate=1m");
	const struct export_counts *counts = destination_counts(destination);
	g_autofree char *day = g_build_filename(folder, "2023-11-15", NULL);
	g_autoptr(GError) error = NULL;

	CU_ASSERT_TRUE(write_flows(destination, 5, NULL));
	CU_ASSERT_TRUE(destination_flush(destination, NULL));
	CU_ASSERT_EQUAL(counts->flows, 5);
	test_folder_empty(day, false);
	now_ns += 60 * SECOND_NS;
	CU_ASSERT_FALSE(destination_tick(destination, &error));
	CU_ASSERT_TRUE(error != NULL && strstr(error->message, "was removed") != NULL);
	CU_ASSERT_EQUAL(counts->flows, 0);
	CU_ASSERT_EQUAL(counts->records, 0);
	CU_ASSERT_EQUAL(counts->failed_flows, 5);
	CU_ASSERT_TRUE(write_flows(destination, 6, NULL));
	CU_ASSERT_TRUE(destination_finish(destination, NULL));
	CU_ASSERT_EQUAL(counts->flows, 6);
	destination_free(destination);
}

static void test_same(void)
{
	struct destination *one = open_live("json", "a%H?rotate=1m");
	struct destination *two = open_live("ipfix", "a%25H?rotate=1h");
	struct destination *three = open_live("ipfix", "b%H?rotate=1h");
	struct destination *plain = open_live("json", "c");

	CU_ASSERT_TRUE(destination_same(one, two));
	CU_ASSERT_FALSE(destination_same(one, three));
	CU_ASSERT_FALSE(destination_same(one, plain));
	CU_ASSERT_FALSE(destination_same(plain, one));
	CU_ASSERT_FALSE(destination_is(one, "-"));
	destination_free(one);
	destination_free(two);
	destination_free(three);
	destination_free(plain);
}

static CU_TestInfo tests[] = {
	{ "a file is over at multiples of its period", test_turns },
	{ "a file gets its name when its time is over, with no flow to tell it", test_tick },
	{ "a clock that is set back begins a file of its own", test_set_back },
	{ "what was not finished is left alone", test_not_finished },
	{ "a name that was taken meanwhile is not written over", test_taken_name },
	{ "a file that cannot begin is tried again at its next time", test_failure },
	{ "flows of a file that was lost count as failed", test_lost_file },
	{ "two series of the same names are the same place", test_same },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "rotation", NULL, NULL, make_folder, remove_folder, tests },
	CU_SUITE_INFO_NULL,
};
