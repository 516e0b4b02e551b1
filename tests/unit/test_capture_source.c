/* SPDX-License-Identifier: BSD-2-Clause */
/* Ways into the reader: gzip, pipes, files that shrink, and files that are no captures. */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "capture/octet_source.h"
#include "capture_build.h"
#include "unit.h"

/* gzip */

static void test_gzip_members(void)
{
	g_autoptr(GByteArray) built = build_simple_pcap(3000);
	struct reading whole = read_octets(built->data, built->len, BATCH);
	GByteArray *packed = g_byte_array_new();
	struct reading reading;

	for (guint at = 0; at < built->len; at += 50000) {
		GByteArray part = { built->data + at, MIN(50000, built->len - at) };
		g_autoptr(GByteArray) member = build_gzip(&part);

		put(packed, member->data, member->len);
	}
	put64(packed, false, 0); /* the padding of some media */
	reading = read_built(packed);
	CU_ASSERT_EQUAL(whole.frames->len, 3000);
	assert_same(&whole, &reading);
	reading_clear(&reading);
	reading_clear(&whole);
}

static void test_gzip_of_pcapng(void)
{
	g_autoptr(GByteArray) built = build_two_sections();
	struct reading whole = read_octets(built->data, built->len, BATCH);
	struct reading reading = read_built(build_gzip(built));

	assert_same(&whole, &reading);
	reading_clear(&reading);
	reading_clear(&whole);
}

static void test_gzip_cut_anywhere(void)
{
	g_autoptr(GByteArray) built = build_simple_pcap(50);
	g_autoptr(GByteArray) packed = build_gzip(built);
	guint before = 0;

	for (guint size = 2; size < packed->len; size++) {
		struct reading reading = read_octets(packed->data, size, BATCH);

		CU_ASSERT(reading.last < 0 && reading.error);
		CU_ASSERT(reading.frames->len >= before);
		if (reading.last == -1)
			assert_damaged(&reading, reading.frames->len,
				       "the gzip data ends too early at offset ");
		before = reading.frames->len;
		reading_clear(&reading);
	}
	CU_ASSERT_EQUAL(before, 50);
}

static void test_gzip_damaged(void)
{
	g_autoptr(GByteArray) built = build_simple_pcap(50);
	GByteArray *packed = build_gzip(built);
	struct reading reading;

	packed->data[packed->len - 6] ^= 1; /* the checksum */
	reading = read_built(packed);
	assert_damaged(&reading, 50,
		       "the gzip data is damaged (incorrect data check) at offset 2099 "
		       "of the uncompressed data");
	reading_clear(&reading);
}

static void test_gzip_rubbish_behind(void)
{
	g_autoptr(GByteArray) built = build_simple_pcap(5);
	GByteArray *packed = build_gzip(built);
	struct reading reading;

	put(packed, "rubbish", 7);
	reading = read_built(packed);
	assert_damaged(&reading, 5,
		       "the gzip data is damaged (incorrect header check) at offset 119");
	reading_clear(&reading);
}

/* The octets' way in */

struct pipe_writer {
	const GByteArray *data;
	size_t step;
	int fd;
};

static gpointer write_pipe(gpointer data)
{
	const struct pipe_writer *writer = data;

	for (size_t at = 0; at < writer->data->len;) {
		ssize_t done = write(writer->fd, writer->data->data + at,
				     MIN(writer->step, writer->data->len - at));

		if (done < 0)
			break;
		at += (size_t)done;
	}
	close(writer->fd);
	return NULL;
}

static void assert_pipe_reads(const GByteArray *data, size_t step, const struct reading *whole)
{
	struct pipe_writer writer = { data, step, -1 };
	struct capture_file *file;
	struct reading reading;
	GThread *thread;
	int kept = dup(STDIN_FILENO);
	int ends[2];

	CU_ASSERT_FATAL(pipe(ends) == 0);
	CU_ASSERT_EQUAL(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	close(ends[0]);
	writer.fd = ends[1];
	thread = g_thread_new("writer", write_pipe, &writer);
	file = capture_file_open("-", NULL);
	CU_ASSERT_FATAL(file != NULL);
	reading = read_all(file, BATCH);
	g_thread_join(thread);
	CU_ASSERT_EQUAL(capture_file_size(file), 0);
	CU_ASSERT_EQUAL(capture_file_offset(file), data->len);
	capture_file_free(file);
	assert_same(whole, &reading);
	reading_clear(&reading);
	CU_ASSERT_EQUAL(fcntl(STDIN_FILENO, F_GETFD) >= 0, 1);
	if (kept >= 0) {
		dup2(kept, STDIN_FILENO);
		close(kept);
	}
}

static void test_pipe(void)
{
	g_autoptr(GByteArray) built = build_simple_pcap(8000);
	g_autoptr(GByteArray) few = build_simple_pcap(30);
	g_autoptr(GByteArray) packed = build_gzip(few);
	struct reading whole = read_octets(built->data, built->len, BATCH);
	struct reading small = read_octets(few->data, few->len, BATCH);

	assert_pipe_reads(built, 100000, &whole);
	assert_pipe_reads(built, 777, &whole);
	assert_pipe_reads(few, 1, &small);
	assert_pipe_reads(packed, 1, &small);
	reading_clear(&whole);
	reading_clear(&small);
}

static void test_large_block_through_gzip(void)
{
	g_autoptr(GByteArray) built = g_byte_array_new();
	GByteArray *body = g_byte_array_new();
	struct reading reading;

	put_section(built, false);
	put_interface(built, false, 1, NULL, 0xff);
	g_byte_array_set_size(body, 16 * 1024 * 1024 - 12);
	memset(body->data, 0, body->len);
	put_block(built, false, 0x0bad, body);
	put_packet(built, false, 0, 5);
	reading = read_built(build_gzip(built));
	CU_ASSERT_EQUAL(reading.last, 0);
	CU_ASSERT_EQUAL(reading.frames->len, 1);
	reading_clear(&reading);
}

/* A temporary file with these octets; the caller frees the name and removes the file. */
static char *stored(const void *data, size_t size)
{
	char *name = NULL;
	int fd = g_file_open_tmp("weir-test-XXXXXX", &name, NULL);

	CU_ASSERT_FATAL(fd >= 0);
	close(fd);
	CU_ASSERT(g_file_set_contents(name, data, (gssize)size, NULL));
	return name;
}

static void test_regular_file(void)
{
	g_autoptr(GByteArray) built = build_simple_pcap(60000);
	g_autofree char *name = stored(built->data, built->len);
	struct reading whole = read_octets(built->data, built->len, BATCH);
	struct capture_file *file = capture_file_open(name, NULL);
	struct reading reading;

	CU_ASSERT_FATAL(file != NULL);
	CU_ASSERT_EQUAL(capture_file_offset(file), 24);
	CU_ASSERT_EQUAL(capture_file_size(file), built->len);
	reading = read_all(file, 64);
	CU_ASSERT_EQUAL(capture_file_offset(file), built->len);
	assert_same(&whole, &reading);
	capture_file_free(file);
	g_unlink(name);
	reading_clear(&reading);
	reading_clear(&whole);
}

/* Cuts the file to size after the first batch. Every frame told must have been in the file. */
static void assert_shrinks_well(const GByteArray *built, guint size)
{
	g_autofree char *name = stored(built->data, built->len);
	struct capture_file *file = capture_file_open(name, NULL);
	struct reading whole = read_octets(built->data, built->len, 64);
	struct reading reading;

	CU_ASSERT_FATAL(file != NULL);
	CU_ASSERT_EQUAL(truncate(name, size), 0);
	reading = read_all(file, 64);
	assert_damaged(&reading, reading.frames->len,
		       "the file shrank while it was read at offset");
	CU_ASSERT(reading.data->len <= whole.data->len &&
		  memcmp(reading.data->data, whole.data->data, reading.data->len) == 0);
	CU_ASSERT(reading.data->len + 16 * reading.frames->len + 24 + 16 + sizeof(sample_packet) >=
		  size);
	capture_file_free(file);
	g_unlink(name);
	reading_clear(&reading);
	reading_clear(&whole);
}

static void test_shrinking_file(void)
{
	g_autoptr(GByteArray) built = build_simple_pcap(20000);

	assert_shrinks_well(built, 0);
	assert_shrinks_well(built, 8192);
	assert_shrinks_well(built, 500001);
	for (guint less = 1; less < 100; less += 9)
		assert_shrinks_well(built, built->len - less);
}

/* Not captures */

static void test_not_captures(void)
{
	static const struct {
		const char *start;
		size_t size;
		const char *message;
	} rows[] = {
		{ "", 0, "f: is not a capture (pcap or pcapng), but empty" },
		{ "\xd4\xc3", 2, "of an unknown kind" },
		{ "No. Time Source\n1 2 3 4 5 6 7 8\n", 32, "but text" },
		{ "\x00\x0a\x00\x40 and so on and on and on", 28, "but an IPFIX file" },
		{ "\x28\xb5\x2f\xfd and so on and on and on", 28, "but a zstd file; unpack it" },
		{ "\n\r\r\n0123abcd0123abcd0123abcd0123", 32, "but text" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;

		CU_ASSERT_PTR_NULL(capture_file_from(
			octet_source_from_memory(rows[i].start, rows[i].size), "f", &error));
		CU_ASSERT(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_FAILED));
		CU_ASSERT(error && strstr(error->message, rows[i].message));
	}
}

static void test_gzip_of_others(void)
{
	g_autoptr(GByteArray) text = g_byte_array_new();
	struct reading reading;

	put(text, "nothing to see here\n", 20);
	reading = read_built(build_gzip(text));
	CU_ASSERT(g_error_matches(reading.error, WEIR_ERROR, WEIR_ERROR_FAILED));
	CU_ASSERT(reading.error &&
		  strstr(reading.error->message, "but gzip of something that is text"));
	reading_clear(&reading);
}

static void assert_not_opened(const char *path, const char *message)
{
	g_autoptr(GError) error = NULL;

	CU_ASSERT_PTR_NULL(capture_file_open(path, &error));
	CU_ASSERT(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_FAILED));
	CU_ASSERT(error && strstr(error->message, path) && strstr(error->message, message));
}

static void test_not_opened(void)
{
	g_autofree char *name = stored("", 0);

	assert_not_opened("/", "is a directory");
	assert_not_opened("/nonexistent/file", "No such file");
	assert_not_opened(name, "empty");
	g_chmod(name, 0);
	if (geteuid() == 0) {
		CU_ASSERT_EQUAL(seteuid(65534), 0);
		assert_not_opened(name, "Permission denied");
		CU_ASSERT_EQUAL(seteuid(0), 0);
	} else {
		assert_not_opened(name, "Permission denied");
	}
	g_unlink(name);
}

static CU_TestInfo tests[] = {
	{ "gzip members follow each other", test_gzip_members },
	{ "a gzipped pcapng is read", test_gzip_of_pcapng },
	{ "cut gzip gives every packet before the cut", test_gzip_cut_anywhere },
	{ "a wrong gzip checksum is damage", test_gzip_damaged },
	{ "rubbish behind gzip is damage", test_gzip_rubbish_behind },
	{ "standard input is read, however slowly it comes", test_pipe },
	{ "a block of 16 MiB passes through gzip", test_large_block_through_gzip },
	{ "a regular file is read, and how far is known", test_regular_file },
	{ "a file that shrinks while it is read ends where it ends", test_shrinking_file },
	{ "what is no capture is named", test_not_captures },
	{ "gzip of what is no capture is named", test_gzip_of_others },
	{ "what cannot be opened is told with the reason", test_not_opened },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "octet source", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
