/* SPDX-License-Identifier: BSD-2-Clause */
/* What is in a file at each moment, plain and compressed. Every line of the tests' text is another,
 * and hardly shorter when it is compressed. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>

#include "export/file_writer.h"
#include "unit.h"

#define LIMIT 100000
#define LINE  64

static char *path;

static void make_file(void)
{
	int fd = g_file_open_tmp("weir-writer-XXXXXX", &path, NULL);

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	close(fd);
}

static void remove_file(void)
{
	unlink(path);
	g_clear_pointer(&path, g_free);
}

static struct file_writer *open_writer(bool gzip)
{
	struct file_writer *writer = file_writer_open(path, gzip, NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(writer);
	CU_ASSERT_TRUE(file_writer_start(writer, NULL));
	return writer;
}

static bool add_line(struct file_writer *writer, GString *text, GRand *dice)
{
	char line[LINE];

	for (size_t i = 0; i < LINE - 1; i++)
		line[i] = (char)g_rand_int_range(dice, ' ', 127);
	line[LINE - 1] = '\n';
	g_string_append_len(text, line, LINE);
	return file_writer_add(writer, line, LINE, NULL);
}

static void add_lines(struct file_writer *writer, GString *text, guint count)
{
	GRand *dice = g_rand_new_with_seed(text->len);

	for (guint i = 0; i < count; i++)
		CU_ASSERT_TRUE(add_line(writer, text, dice));
	g_rand_free(dice);
}

static GString *file_text(void)
{
	g_autofree char *octets = NULL;
	gsize length;

	CU_ASSERT_TRUE_FATAL(g_file_get_contents(path, &octets, &length, NULL));
	return g_string_new_len(octets, (gssize)length);
}

static gsize file_length(void)
{
	GString *text = file_text();
	gsize length = text->len;

	g_string_free(text, TRUE);
	return length;
}

/* What can be unpacked of the file; *ret_whole: it is one member and nothing else. */
static GString *unpacked(bool *ret_whole)
{
	GString *packed = file_text();
	GString *text = g_string_new(NULL);
	z_stream stream = { .next_in = (Bytef *)packed->str, .avail_in = (uInt)packed->len };
	guint8 piece[4096];
	int result;

	CU_ASSERT_EQUAL_FATAL(inflateInit2(&stream, 15 + 16), Z_OK);
	do {
		stream.next_out = piece;
		stream.avail_out = sizeof(piece);
		result = inflate(&stream, Z_NO_FLUSH);
		g_string_append_len(text, (const char *)piece,
				    (gssize)(sizeof(piece) - stream.avail_out));
	} while (result == Z_OK);
	*ret_whole = result == Z_STREAM_END && stream.avail_in == 0;
	CU_ASSERT_TRUE(*ret_whole || result == Z_BUF_ERROR);
	inflateEnd(&stream);
	g_string_free(packed, TRUE);
	return text;
}

static void check_text(GString *found, const GString *expected)
{
	CU_ASSERT_TRUE(g_string_equal(found, expected));
	g_string_free(found, TRUE);
}

static void test_plain(void)
{
	struct file_writer *writer = open_writer(false);
	GString *text = g_string_new(NULL);

	add_lines(writer, text, 100);
	CU_ASSERT_EQUAL(file_writer_size(writer), text->len);
	CU_ASSERT_EQUAL(file_length(), 0);
	CU_ASSERT_TRUE(file_writer_drain(writer, NULL));
	check_text(file_text(), text);
	add_lines(writer, text, 10000); /* more than it keeps */
	CU_ASSERT_EQUAL(file_writer_size(writer), text->len);
	CU_ASSERT_TRUE(file_writer_close(writer, NULL));
	check_text(file_text(), text);
	file_writer_free(writer);
	g_string_free(text, TRUE);
}

static void test_gzip_prefix(void)
{
	struct file_writer *writer = open_writer(true);
	GString *text = g_string_new(NULL);
	bool whole;

	for (guint count = 1; count < 10000; count *= 10) {
		add_lines(writer, text, count);
		CU_ASSERT_TRUE(file_writer_drain(writer, NULL));
		check_text(unpacked(&whole), text);
		CU_ASSERT_FALSE(whole);
	}
	CU_ASSERT_TRUE(file_writer_close(writer, NULL));
	check_text(unpacked(&whole), text);
	CU_ASSERT_TRUE(whole);
	file_writer_free(writer);
	g_string_free(text, TRUE);
}

static void test_gzip_size(void)
{
	struct file_writer *writer = open_writer(true);
	GString *text = g_string_new(NULL);
	GString *packed;

	add_lines(writer, text, 1000);
	CU_ASSERT_TRUE(file_writer_drain(writer, NULL));
	packed = file_text();
	CU_ASSERT_EQUAL(file_writer_size(writer), packed->len);
	CU_ASSERT_TRUE(packed->len < text->len);
	file_writer_free(writer);
	g_string_free(packed, TRUE);
	g_string_free(text, TRUE);
}

static void test_gzip_nothing(void)
{
	struct file_writer *writer = open_writer(true);
	GString *nothing = g_string_new(NULL);
	bool whole;

	CU_ASSERT_TRUE(file_writer_close(writer, NULL));
	check_text(unpacked(&whole), nothing);
	CU_ASSERT_TRUE(whole);
	CU_ASSERT_EQUAL(file_length(), 20);
	file_writer_free(writer);
	g_string_free(nothing, TRUE);
}

/* Lines in small drains until the file may not grow any more; what was drained before. */
static GString *fill(struct file_writer *writer)
{
	GRand *dice = g_rand_new_with_seed(5);
	GString *text = g_string_new(NULL);
	size_t drained;

	do {
		drained = text->len;
		for (int i = 0; i < 20; i++)
			add_line(writer, text, dice);
	} while (file_writer_drain(writer, NULL));
	g_string_truncate(text, drained);
	g_rand_free(dice);
	return text;
}

static GString *fill_to_limit(struct file_writer *writer)
{
	struct rlimit limit;
	struct rlimit tight;
	GString *text;

	getrlimit(RLIMIT_FSIZE, &limit);
	tight = limit;
	tight.rlim_cur = LIMIT;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &tight);
	text = fill(writer);
	file_writer_abandon(writer);
	setrlimit(RLIMIT_FSIZE, &limit);
	signal(SIGXFSZ, SIG_DFL);
	CU_ASSERT_TRUE(text->len > LIMIT / 2);
	return text;
}

static void test_cut(void)
{
	struct file_writer *writer = open_writer(false);
	GString *text = fill_to_limit(writer);

	check_text(file_text(), text);
	file_writer_free(writer);
	g_string_free(text, TRUE);
}

static void test_gzip_cut(void)
{
	struct file_writer *writer = open_writer(true);
	GString *text = fill_to_limit(writer);
	bool whole;

	check_text(unpacked(&whole), text);
	CU_ASSERT_TRUE(whole);
	file_writer_free(writer);
	g_string_free(text, TRUE);
}

static void test_take(void)
{
	struct file_writer *writer =
		file_writer_take(open(path, O_WRONLY | O_CLOEXEC), false, NULL);
	GString *text = g_string_new(NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(writer);
	add_lines(writer, text, 5000);
	CU_ASSERT_TRUE(file_writer_close(writer, NULL));
	check_text(file_text(), text);
	file_writer_free(writer);
	g_string_free(text, TRUE);
}

/* Found gone, given up and opened again; whether it is empty then. */
static bool resumes(struct file_writer *writer, GError **error)
{
	struct file_resumed as = { 0 };

	CU_ASSERT_TRUE(file_writer_is_gone(writer));
	file_writer_abandon(writer);
	return file_writer_resume(writer, path, &as, error) && as.anew && file_length() == 0;
}

/* A look, somebody empties it, more is written: nothing of that is behind a hole. */
static void check_emptied(bool gzip)
{
	struct file_writer *writer = open_writer(gzip);
	GString *before = g_string_new(NULL);
	GString *text = g_string_new(NULL);
	bool whole = true;

	add_lines(writer, before, 100);
	CU_ASSERT_TRUE(file_writer_drain(writer, NULL));
	CU_ASSERT_FALSE(file_writer_is_gone(writer));
	CU_ASSERT_EQUAL(truncate(path, 0), 0);
	add_lines(writer, before, 10);
	CU_ASSERT_TRUE(file_writer_drain(writer, NULL));
	CU_ASSERT_TRUE(resumes(writer, NULL));
	add_lines(writer, text, 20);
	CU_ASSERT_TRUE(file_writer_close(writer, NULL));
	check_text(gzip ? unpacked(&whole) : file_text(), text);
	CU_ASSERT_TRUE(whole);
	file_writer_free(writer);
	g_string_free(before, TRUE);
	g_string_free(text, TRUE);
}

static void test_emptied(void)
{
	check_emptied(false);
	check_emptied(true);
}

/* What is left is not ours to judge. */
static void test_shortened(void)
{
	struct file_writer *writer = open_writer(false);
	GString *text = g_string_new(NULL);
	g_autoptr(GError) error = NULL;

	add_lines(writer, text, 100);
	CU_ASSERT_TRUE(file_writer_drain(writer, NULL));
	CU_ASSERT_FALSE(file_writer_is_gone(writer));
	CU_ASSERT_EQUAL(truncate(path, LINE), 0);
	CU_ASSERT_FALSE(resumes(writer, &error));
	CU_ASSERT_PTR_NOT_NULL(error);
	g_string_truncate(text, LINE);
	check_text(file_text(), text);
	file_writer_free(writer);
	g_string_free(text, TRUE);
}

/* Writes the words to a file that has some, and closes it; what is told of where those are. */
static char *write_beside(const char *to, const char *words)
{
	struct file_writer *writer = file_writer_open(to, false, NULL);
	char *beside = NULL;

	CU_ASSERT_PTR_NOT_NULL_FATAL(writer);
	CU_ASSERT_TRUE(file_writer_start_beside(writer, to, &beside, NULL));
	CU_ASSERT_TRUE(file_writer_add(writer, words, strlen(words), NULL));
	CU_ASSERT_TRUE(file_writer_close(writer, NULL));
	file_writer_free(writer);
	return beside;
}

static void expect_text(const char *of, const char *expected)
{
	g_autofree char *text = NULL;

	CU_ASSERT_TRUE(g_file_get_contents(of, &text, NULL, NULL));
	CU_ASSERT_EQUAL(g_strcmp0(text, expected), 0);
}

static void test_beside(void)
{
	static const char *const words[] = { "one", "two", "three" };
	g_autofree char *first = g_strconcat(path, ".before", NULL);
	g_autofree char *second = g_strconcat(path, ".before-2", NULL);
	const char *const places[] = { NULL, first, second };

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		g_autofree char *beside = write_beside(path, words[i]);

		CU_ASSERT_EQUAL(g_strcmp0(beside, places[i]), 0);
	}
	expect_text(first, "one");
	expect_text(second, "two");
	expect_text(path, "three");
	unlink(first);
	unlink(second);
}

/* No other name can be had for it. */
static void test_behind(void)
{
	g_autofree char *name = g_strnfill(NAME_MAX, 'n');
	g_autofree char *folder = g_path_get_dirname(path);
	g_autofree char *longest = g_build_filename(folder, name, NULL);

	CU_ASSERT_PTR_NULL(write_beside(longest, "one"));
	CU_ASSERT_PTR_NULL(write_beside(longest, "two"));
	expect_text(longest, "onetwo");
	unlink(longest);
}

static CU_TestInfo tests[] = {
	{ "what an earlier process wrote is kept beside", test_beside },
	{ "or stays before what is written", test_behind },
	{ "a file that is emptied while it is written begins anew", test_emptied },
	{ "a file that is shortened is left as it is", test_shortened },
	{ "what was drained is in the file", test_plain },
	{ "what was drained can be unpacked", test_gzip_prefix },
	{ "the size of a compressed file is that on the disk", test_gzip_size },
	{ "a compressed file of nothing is a member", test_gzip_nothing },
	{ "a file that may not grow ends with what was drained", test_cut },
	{ "a compressed file that may not grow is a whole member", test_gzip_cut },
	{ "a descriptor that was taken is written and closed", test_take },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "file_writer", NULL, NULL, make_file, remove_file, tests },
	CU_SUITE_INFO_NULL,
};
