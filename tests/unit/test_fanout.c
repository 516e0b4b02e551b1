/* SPDX-License-Identifier: BSD-2-Clause */
/* Destinations side by side, their files, their failures, and the account of every flow. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"
#include "export/fanout.h"
#include "flow_maker.h"
#include "test_folder.h"
#include "unit.h"

#define ALONE_FLOWS 20000
#define FILE_LIMIT  (1024 * 1024)

static char *folder;

static int make_folder(void)
{
	folder = test_folder_new();
	return folder == NULL;
}

static int remove_folder(void)
{
	test_folder_remove(&folder);
	return 0;
}

static char *url_in_folder(const char *head, const char *tail)
{
	return g_strdup_printf("%s%s/%s", head, folder, tail);
}

static struct fanout *open_all(const char *const *to, const char *template, GError **error)
{
	return fanout_new(
		&(struct export_options){
			.to = to,
			.template_name = template,
			.pen = FIELD_PEN_DEFAULT,
			.domain = 5,
		},
		error);
}

static struct fanout *open_one(const char *url, GError **error)
{
	const char *const to[] = { url, NULL };

	return open_all(to, NULL, error);
}

struct sum {
	guint64 flows;
	guint64 packets;
	guint64 octets;
	guint errors; /* batches that reported one */
};

/* Flows from 0 on; everything handed in is summed here. */
static struct sum write_flows(struct fanout *fanout, guint64 count)
{
	g_autofree struct flow_batch *batch = g_new(struct flow_batch, 1);
	struct sum sum = { 0 };

	for (guint64 done = 0; done < count; done += batch->count) {
		g_autoptr(GError) error = NULL;

		flow_maker_fill(batch, done, count - done);
		for (size_t i = 0; i < batch->count; i++) {
			sum.flows++;
			sum.packets += flow_packets(&batch->records[i].flow);
			sum.octets += flow_octets(&batch->records[i].flow);
		}
		sum.errors += !fanout_write(fanout, batch, &error);
	}
	return sum;
}

/* Nothing is lost track of, at any destination. */
static void check_account(const struct fanout *fanout, const struct sum *sum)
{
	for (size_t i = 0; i < fanout_count(fanout); i++) {
		const struct export_counts *c = fanout_counts(fanout, i);

		CU_ASSERT_EQUAL(c->flows + c->failed_flows + c->untold_flows, sum->flows);
		CU_ASSERT_EQUAL(c->packets + c->failed_packets + c->untold_packets, sum->packets);
		CU_ASSERT_EQUAL(c->octets + c->failed_octets + c->untold_octets, sum->octets);
	}
}

static guint32 record_length(const char *template, int form)
{
	struct record_template *layout = record_template_load(template, TEMPLATE_AS_WRITTEN, NULL);
	guint32 length = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(layout);
	for (guint i = 0; i < layout->columns[form]->len; i++)
		length += (guint32)field_type_size(
			g_array_index(layout->columns[form], struct template_column, i)
				.field->type);
	record_template_free(layout);
	return length;
}

/* Data records of an IPFIX file made with the standard template; it must end where a message
 * does, and sequence numbers must tell the same. */
static guint64 count_ipfix(const char *url)
{
	const guint32 lengths[] = { record_length("standard", 0), record_length("standard", 1) };
	g_autofree char *octets = NULL;
	guint64 records = 0;
	guint64 keys = 0; /* records of flow keys: 10 octets */
	gsize length = 0;
	gsize message;

	CU_ASSERT_TRUE_FATAL(g_file_get_contents(strchr(url, ':') + 1, &octets, &length, NULL));
	for (gsize at = 0; at < length; at += message) {
		CU_ASSERT_TRUE_FATAL(at + 16 <= length);
		message = load_be16(octets + at + 2);
		CU_ASSERT_TRUE_FATAL(message >= 16 && at + message <= length);
		CU_ASSERT_EQUAL(load_be32(octets + at + 8), records + keys);
		for (gsize set = at + 16; set < at + message; set += load_be16(octets + set + 2)) {
			guint16 id = load_be16(octets + set);

			if (id == 256 || id == 257)
				records += (load_be16(octets + set + 2) - 4) / lengths[id - 256];
			else if (id == 263)
				keys += (load_be16(octets + set + 2) - 4) / 10;
		}
	}
	return records;
}

static guint64 count_lines(const char *url)
{
	g_autofree char *text = NULL;
	guint64 lines = 0;

	CU_ASSERT_TRUE_FATAL(g_file_get_contents(strchr(url, ':') + 1, &text, NULL, NULL));
	for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	return lines;
}

static void test_two(void)
{
	g_autofree char *ipfix = url_in_folder("ipfix+file:", "two.ipfix");
	g_autofree char *json = url_in_folder("json+file:", "two.json");
	const char *const to[] = { ipfix, json, NULL };
	struct fanout *fanout = open_all(to, "biflow", NULL);
	struct sum sum;

	CU_ASSERT_PTR_NOT_NULL_FATAL(fanout);
	sum = write_flows(fanout, 5000);
	CU_ASSERT_TRUE(fanout_finish(fanout, NULL));
	check_account(fanout, &sum);
	CU_ASSERT_EQUAL(sum.errors, 0);
	for (size_t i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(fanout_counts(fanout, i)->flows, 5000);
		CU_ASSERT_EQUAL(fanout_counts(fanout, i)->records, 5000);
		CU_ASSERT_STRING_EQUAL(fanout_counts(fanout, i)->url, to[i]);
	}
	CU_ASSERT_EQUAL(count_lines(json), 5000);
	fanout_free(fanout);
}

/* A device that is full from the first octet. */
static void test_full_device(void)
{
	g_autofree char *json = url_in_folder("json+file:", "beside-full.json");
	const char *const to[] = { "ipfix+file:/dev/full", json, NULL };
	struct fanout *fanout = open_all(to, "standard", NULL);
	const struct export_counts *full;
	struct sum sum;

	CU_ASSERT_PTR_NOT_NULL_FATAL(fanout);
	sum = write_flows(fanout, ALONE_FLOWS);
	CU_ASSERT_TRUE(fanout_finish(fanout, NULL)); /* told once, when it happened */
	check_account(fanout, &sum);
	CU_ASSERT_EQUAL(sum.errors, 1);
	full = fanout_counts(fanout, 0);
	CU_ASSERT_EQUAL(full->flows, 0);
	CU_ASSERT_EQUAL(full->records, 0);
	CU_ASSERT_EQUAL(full->failed_flows, ALONE_FLOWS);
	CU_ASSERT_EQUAL(fanout_counts(fanout, 1)->flows, ALONE_FLOWS);
	CU_ASSERT_EQUAL(count_lines(json), fanout_counts(fanout, 1)->records);
	fanout_free(fanout);
}

/* Too few flows to fill the buffer: the fault shows when the file is finished. */
static void test_full_at_end(void)
{
	struct fanout *fanout = open_one("text+file:/dev/full", NULL);
	GError *error = NULL;
	struct sum sum;

	CU_ASSERT_PTR_NOT_NULL_FATAL(fanout);
	sum = write_flows(fanout, 3);
	CU_ASSERT_EQUAL(sum.errors, 0);
	CU_ASSERT_FALSE(fanout_finish(fanout, &error));
	CU_ASSERT_PTR_NOT_NULL_FATAL(error);
	CU_ASSERT_PTR_NOT_NULL(strstr(error->message, "text+file:/dev/full"));
	CU_ASSERT_PTR_NOT_NULL(strstr(error->message, g_strerror(ENOSPC)));
	CU_ASSERT_PTR_NULL(strchr(error->message, '\n'));
	g_clear_error(&error);
	check_account(fanout, &sum);
	CU_ASSERT_EQUAL(fanout_counts(fanout, 0)->failed_flows, 3);
	fanout_free(fanout);
}

/* A file that fills up half way holds exactly the records that count as written. The limit on file
 * sizes plays the full disk. */
static void check_cut(const char *head, const char *name, guint64 (*count)(const char *url))
{
	g_autofree char *url = url_in_folder(head, name);
	const struct export_counts *counts;
	struct rlimit limit;
	struct rlimit lower;
	struct fanout *fanout;
	struct sum sum;

	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &limit), 0);
	lower = (struct rlimit){ .rlim_cur = FILE_LIMIT, .rlim_max = limit.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &lower), 0);
	fanout = open_one(url, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fanout);
	sum = write_flows(fanout, ALONE_FLOWS);
	CU_ASSERT_TRUE(fanout_finish(fanout, NULL));
	setrlimit(RLIMIT_FSIZE, &limit);
	signal(SIGXFSZ, SIG_DFL);

	counts = fanout_counts(fanout, 0);
	CU_ASSERT_EQUAL(sum.errors, 1);
	check_account(fanout, &sum);
	CU_ASSERT_TRUE(counts->flows > 500);
	CU_ASSERT_TRUE(counts->failed_flows > 500);
	CU_ASSERT_TRUE(test_file_length(url) <= FILE_LIMIT);
	CU_ASSERT_EQUAL(count(url), counts->records);
	/* Nine records for five flows, or one more of a flow whose second did not make it. */
	CU_ASSERT_TRUE(counts->records >= counts->flows * 9 / 5);
	CU_ASSERT_TRUE(counts->records <= counts->flows * 9 / 5 + 2);
	fanout_free(fanout);
}

static void test_cut(void)
{
	check_cut("json+file:", "cut.json", count_lines);
	check_cut("ipfix+file:", "cut.ipfix", count_ipfix);
}

/* A reader that goes away must not take the process with it. */
static void test_gone_reader(void)
{
	int before = dup(STDOUT_FILENO);
	struct fanout *fanout;
	struct sum sum;
	int ends[2];

	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	fflush(stdout);
	dup2(ends[1], STDOUT_FILENO);
	close(ends[0]);
	close(ends[1]);
	fanout = open_one("json+file:-", NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fanout);
	sum = write_flows(fanout, 2000);
	CU_ASSERT_TRUE(fanout_finish(fanout, NULL));
	dup2(before, STDOUT_FILENO);
	close(before);
	CU_ASSERT_EQUAL(sum.errors, 1);
	check_account(fanout, &sum);
	CU_ASSERT_EQUAL(fanout_counts(fanout, 0)->failed_flows, 2000);
	fanout_free(fanout);
}

/* The pipe is full when the reader takes its first octet and goes: the write that waits for room
 * has then put a part of its octets there, and a signal comes with them. */
static void test_reader_goes_in_the_middle(void)
{
	int before = dup(STDOUT_FILENO);
	struct fanout *fanout;
	struct sum sum;
	int ends[2];
	pid_t reader;

	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	fflush(stdout);
	reader = fork();
	if (reader == 0) {
		char octet;

		close(ends[1]);
		_exit(read(ends[0], &octet, 1) == 1 ? 0 : 1);
	}
	dup2(ends[1], STDOUT_FILENO);
	close(ends[0]);
	close(ends[1]);
	fanout = open_one("json+file:-", NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fanout);
	sum = write_flows(fanout, 2000);
	CU_ASSERT_EQUAL(fanout_finish(fanout, NULL), sum.errors == 1);
	dup2(before, STDOUT_FILENO);
	close(before);
	waitpid(reader, NULL, 0);
	check_account(fanout, &sum);
	CU_ASSERT(fanout_counts(fanout, 0)->failed_flows > 0);
	fanout_free(fanout);
}

static void test_untold(void)
{
	g_autofree char *template = url_in_folder("", "six.tpl");
	g_autofree char *head = url_in_folder("ipfix+file:", "six.ipfix?domain=9&template=");
	g_autofree char *url = g_strconcat(head, template, NULL);
	g_autofree char *octets = NULL;
	g_autofree char *path = url_in_folder("", "six.ipfix");
	struct fanout *fanout;
	struct sum sum;

	CU_ASSERT_TRUE_FATAL(g_file_set_contents(
		template, "flow biflow\nip 6\nsourceIPv6Address\npacketDeltaCount\n", -1, NULL));
	fanout = open_one(url, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fanout);
	sum = write_flows(fanout, 300);
	CU_ASSERT_TRUE(fanout_finish(fanout, NULL));
	check_account(fanout, &sum);
	CU_ASSERT_EQUAL(fanout_counts(fanout, 0)->flows, 100);
	CU_ASSERT_EQUAL(fanout_counts(fanout, 0)->untold_flows, 200);
	CU_ASSERT_TRUE_FATAL(g_file_get_contents(path, &octets, NULL, NULL));
	CU_ASSERT_EQUAL(load_be32(octets + 12), 9);
	fanout_free(fanout);
}

static void test_escapes(void)
{
	g_autofree char *url = url_in_folder("json+file:", "what%3F%25?template=biflow");
	g_autofree char *path = url_in_folder("", "what?%");
	struct fanout *fanout = open_one(url, NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(fanout);
	CU_ASSERT_TRUE(fanout_finish(fanout, NULL));
	CU_ASSERT_TRUE(g_file_test(path, G_FILE_TEST_IS_REGULAR));
	fanout_free(fanout);
}

static void test_wrong_urls(void)
{
	static const struct {
		const char *url;
		const char *says;
	} wrong[] = {
		{ "", "SCHEME+TRANSPORT" },
		{ "flows.json", "SCHEME+TRANSPORT" },
		{ "json:flows", "SCHEME+TRANSPORT" },
		{ "csv+file:x", "ipfix, netflow9, netflow5, json, text" },
		{ "+file:x", "ipfix, netflow9, netflow5, json, text" },
		{ "json+udp://host", "file" },
		{ "json+file", "file" },
		{ "json+fil:x", "file" },
		{ "json+file:", "path" },
		{ "json+file:?template=full", "path" },
		{ "json+file:50%", "%25" },
		{ "json+file:x?color=red", "template, domain, mtu" },
		{ "json+file:x?queue=100000", "not for files" },
		{ "ipfix+udp:host", "//HOST" },
		{ "ipfix+udp://", "//HOST" },
		{ "ipfix+udp://:4739", "//HOST" },
		{ "ipfix+udp://host:70000", "1 to 65535" },
		{ "ipfix+udp://[::1", "//HOST" },
		{ "netflow9+tcp://host", "file udp" },
		{ "ipfix+tcp://host?queue=1", "65536" },
		{ "ipfix+tcp://host?refresh=x", "seconds from 0 to 86400" },
		{ "json+file:x?template", "NAME=VALUE" },
		{ "json+file:x?template=", "template" },
		{ "json+file:x?domain=-1", "4294967295" },
		{ "json+file:x?domain=4294967296", "4294967295" },
		{ "json+file:x?mtu=0", "65535" },
		{ "json+file:x?mtu=65536", "65535" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		GError *error = NULL;

		CU_ASSERT_PTR_NULL(open_one(wrong[i].url, &error));
		CU_ASSERT_TRUE(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_USAGE));
		CU_ASSERT_PTR_NOT_NULL(strstr(error->message, wrong[i].says));
		CU_ASSERT_PTR_NULL(strchr(error->message, '\n'));
		g_clear_error(&error);
	}
	CU_ASSERT_FALSE(g_file_test("x", G_FILE_TEST_EXISTS));
}

/* The refusal comes before any file is emptied. */
static void check_same_place(const char *first, const char *second, const char *precious)
{
	const char *const to[] = { first, second, NULL };
	GError *error = NULL;

	CU_ASSERT_PTR_NULL(open_all(to, NULL, &error));
	CU_ASSERT_TRUE(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_USAGE));
	g_clear_error(&error);
	if (precious != NULL)
		CU_ASSERT_EQUAL(test_file_length(precious), 8);
}

static void test_same_place(void)
{
	g_autofree char *path = url_in_folder("", "precious");
	g_autofree char *ipfix = url_in_folder("ipfix+file:", "precious");
	g_autofree char *json = url_in_folder("json+file:", "./precious");

	CU_ASSERT_TRUE_FATAL(g_file_set_contents(path, "precious", -1, NULL));
	check_same_place(ipfix, ipfix, ipfix);
	check_same_place(ipfix, json, ipfix);
	check_same_place(ipfix, "csv+file:x", ipfix);
	check_same_place("json+file:-", "text+file:-", NULL);
}

static void test_no_place(void)
{
	GError *error = NULL;

	CU_ASSERT_PTR_NULL(open_one("json+file:/no/such/folder/x", &error));
	CU_ASSERT_PTR_NOT_NULL_FATAL(error);
	CU_ASSERT_PTR_NOT_NULL(strstr(error->message, "/no/such/folder/x"));
	g_clear_error(&error);
	CU_ASSERT_PTR_NULL(open_one("json+file:x?template=/no/such/template", &error));
	CU_ASSERT_PTR_NOT_NULL(error);
	g_clear_error(&error);
}

static void test_detail(void)
{
	g_autofree char *one = url_in_folder("json+file:", "one?template=standard");
	g_autofree char *two = url_in_folder("json+file:", "two?template=full");
	const char *const basic[] = { one, NULL };
	const char *const both[] = { one, two, NULL };
	struct fanout *fanout = open_all(basic, NULL, NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(fanout);
	CU_ASSERT_EQUAL(fanout_detail(fanout), FLOW_DETAIL_BASIC);
	fanout_free(fanout);
	fanout = open_all(both, NULL, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fanout);
	CU_ASSERT_EQUAL(fanout_detail(fanout), FLOW_DETAIL_FULL);
	fanout_free(fanout);
}

static CU_TestInfo tests[] = {
	{ "two destinations each get every flow", test_two },
	{ "a full device fails alone and its flows are counted", test_full_device },
	{ "a fault at the end is told and counted", test_full_at_end },
	{ "a file that fills up holds exactly what counts as written", test_cut },
	{ "a reader that goes away is an error, not the end", test_gone_reader },
	{ "a reader that goes away in the middle is no more than that",
	  test_reader_goes_in_the_middle },
	{ "flows the template does not take are untold", test_untold },
	{ "a path may hold a question mark", test_escapes },
	{ "a wrong URL is explained and touches nothing", test_wrong_urls },
	{ "two destinations cannot share a place", test_same_place },
	{ "a place that cannot be opened is named", test_no_place },
	{ "the most demanding template decides the detail", test_detail },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "fanout", make_folder, remove_folder, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
