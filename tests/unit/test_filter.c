/* SPDX-License-Identifier: BSD-2-Clause */
/* The filter chooses what libpcap chooses, on every capture of the test data. */
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "capture/capture_file.h"
#include "capture/filter.h"
#include "lib/filter_expressions.h"
#include "unit.h"

#define CAPTURES TEST_DATA "/pcap"

/* Which frames matched, as numbers that would differ if one did. */
struct choice {
	guint64 seen;
	guint64 chosen;
	guint64 sum;
};

static void take(struct choice *choice, bool match)
{
	choice->seen++;
	choice->chosen += match;
	choice->sum = choice->sum * 3 + match;
}

/* An expression that libpcap refuses for the file's link type chooses nothing. */
static struct choice by_libpcap(pcap_t *pcap, const char *expression)
{
	struct choice choice = { 0 };
	struct bpf_program program;
	struct pcap_pkthdr *header;
	const u_char *data;
	bool valid = pcap_compile(pcap, &program, expression, 1, PCAP_NETMASK_UNKNOWN) == 0;

	while (pcap_next_ex(pcap, &header, &data) == 1)
		take(&choice, valid && pcap_offline_filter(&program, header, data));
	if (valid)
		pcap_freecode(&program);
	return choice;
}

static struct choice by_filter(struct capture_file *file, struct filter *filter)
{
	struct choice choice = { 0 };
	struct frame frame;

	while (capture_file_read(file, &frame, 1, NULL) == 1)
		take(&choice,
		     filter_match(filter, capture_file_interface_linktype(file, frame.iface),
				  &frame));
	return choice;
}

/* Only what both read is compared. */
static bool compare(const char *path, const char *expression)
{
	char reason[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(path, reason);
	struct capture_file *file = capture_file_open(path, NULL);
	struct filter *filter = filter_new(expression, NULL);
	bool both = pcap && file && filter;

	if (both) {
		struct choice expected = by_libpcap(pcap, expression);
		struct choice found = by_filter(file, filter);

		if (expected.sum != found.sum || expected.chosen != found.chosen)
			fprintf(stderr, "%s: \"%s\": %u of libpcap, %u of ours\n", path, expression,
				(guint)expected.chosen, (guint)found.chosen);
		CU_ASSERT_EQUAL(expected.seen, found.seen);
		CU_ASSERT_EQUAL(expected.chosen, found.chosen);
		CU_ASSERT_EQUAL(expected.sum, found.sum);
	}
	filter_free(filter);
	capture_file_free(file);
	if (pcap)
		pcap_close(pcap);
	return both;
}

static void test_captures(void)
{
	GDir *folder = g_dir_open(CAPTURES, 0, NULL);
	const char *name;
	guint compared = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(folder);
	while ((name = g_dir_read_name(folder))) {
		g_autofree char *path = g_build_filename(CAPTURES, name, NULL);

		if (!g_str_has_suffix(name, ".pcap"))
			continue;
		for (guint i = 0; i < G_N_ELEMENTS(filter_expressions); i++)
			compared += compare(path, filter_expressions[i]);
	}
	g_dir_close(folder);
	CU_ASSERT_TRUE(compared > 100 * G_N_ELEMENTS(filter_expressions));
}

static void test_wrong(void)
{
	static const char *const wrong[] = { "tcp prot 80", "host", "(", "port 70000" };

	for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autofree char *quoted = g_strdup_printf("filter \"%s\": ", wrong[i]);
		GError *error = NULL;

		CU_ASSERT_PTR_NULL(filter_new(wrong[i], &error));
		CU_ASSERT_TRUE_FATAL(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_USAGE));
		CU_ASSERT_TRUE(g_str_has_prefix(error->message, quoted));
		CU_ASSERT_TRUE(strlen(error->message) > strlen(quoted) + 30);
		CU_ASSERT_TRUE(g_str_has_suffix(error->message, "(see pcap-filter(7))"));
		CU_ASSERT_PTR_NULL(strchr(error->message, '\n'));
		g_error_free(error);
	}
	filter_free(NULL);
}

/* Of Ethernet there is nothing to say, so nothing of it matches, and the kernel has no use for it.
 */
static void test_wireless(void)
{
	static const guint8 data[40] = { 0, 0, 8, [8] = 0x08 };
	static const guint8 beacon[40] = { 0, 0, 8, [8] = 0x80 };
	struct frame frame = { .data = data, .captured = 40, .length = 40 };
	struct filter *filter = filter_new("wlan type data", NULL);
	GError *error = NULL;
	guint count;

	CU_ASSERT_PTR_NOT_NULL_FATAL(filter);
	CU_ASSERT_TRUE(filter_match(filter, 127, &frame));
	CU_ASSERT_FALSE(filter_match(filter, 1, &frame));
	frame.data = beacon;
	CU_ASSERT_FALSE(filter_match(filter, 127, &frame));
	CU_ASSERT_PTR_NULL(filter_code(filter, &count, &error));
	CU_ASSERT_TRUE(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_USAGE));
	g_error_free(error);
	filter_free(filter);
}

static void test_direction(void)
{
	GError *error = NULL;

	CU_ASSERT_PTR_NULL(filter_new("tcp and inbound", &error));
	CU_ASSERT_TRUE_FATAL(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_USAGE));
	CU_ASSERT_PTR_NOT_NULL(strstr(error->message, "--direction"));
	g_error_free(error);
}

/* Known for Ethernet, refused for the raw link: matches none of its frames, time and again. */
static void test_other_links(void)
{
	static const guint8 packet[40] = { 0x45, [9] = 6 };
	struct frame frame = { .data = packet, .captured = 40, .length = 40 };
	struct filter *mac = filter_new("ether host 2:0:0:0:0:1", NULL);
	struct filter *tcp = filter_new("tcp", NULL);

	for (guint i = 0; i < 3; i++) {
		CU_ASSERT_FALSE(filter_match(mac, 12, &frame));
		CU_ASSERT_TRUE(filter_match(tcp, 12, &frame));
		CU_ASSERT_TRUE(filter_match(tcp, 101, &frame)); /* the same, as files number it */
		CU_ASSERT_TRUE(filter_match(tcp, 14, &frame));
		CU_ASSERT_TRUE(filter_match(tcp, 228, &frame));
		CU_ASSERT_FALSE(filter_match(tcp, 1, &frame));
		CU_ASSERT_FALSE(filter_match(tcp, 60000, &frame));
	}
	filter_free(mac);
	filter_free(tcp);
}

struct told {
	guint times;
	guint16 linktype;
	char *reason;
};

static void on_unfit(void *data, guint16 linktype, const char *reason)
{
	struct told *told = data;

	told->times++;
	told->linktype = linktype;
	g_free(told->reason);
	told->reason = g_strdup(reason);
}

static void test_unfit(void)
{
	static const guint8 packet[40] = { 0x45, [9] = 6 };
	struct frame frame = { .data = packet, .captured = 40, .length = 40 };
	struct filter *tcp = filter_new("tcp", NULL);
	struct filter *wireless = filter_new("wlan type data", NULL);
	struct told told = { 0 };

	filter_tell_unfit(tcp, on_unfit, &told);
	filter_tell_unfit(wireless, on_unfit, &told);
	CU_ASSERT_FALSE(filter_match(tcp, 1, &frame));
	CU_ASSERT_EQUAL(told.times, 0);
	for (guint i = 0; i < 3; i++) {
		CU_ASSERT_FALSE(filter_match(tcp, 239, &frame));
		CU_ASSERT_EQUAL(told.times, 1);
	}
	CU_ASSERT_EQUAL(told.linktype, 239);
	CU_ASSERT_PTR_NOT_NULL(strstr(told.reason, "NFLOG"));
	for (guint i = 0; i < 3; i++) {
		CU_ASSERT_FALSE(filter_match(wireless, 1, &frame));
		CU_ASSERT_EQUAL(told.times, 2);
	}
	CU_ASSERT_EQUAL(told.linktype, 1);
	g_free(told.reason);
	filter_free(tcp);
	filter_free(wireless);
}

static CU_TestInfo tests[] = {
	{ "every capture is filtered as libpcap filters it", test_captures },
	{ "a wrong expression is told with libpcap's reason", test_wrong },
	{ "what the packet does not say is not asked of it", test_direction },
	{ "an expression may be for another link type than Ethernet", test_wireless },
	{ "an expression that says nothing about a link type matches none of it",
	  test_other_links },
	{ "it is told once of which link type no frame can match, and why", test_unfit },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "filter", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
